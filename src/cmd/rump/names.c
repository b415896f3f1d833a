/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel's files, for people: users and groups by the kernel's own /etc,
 * paths, modes, and a procfs that nobody else sees.
 */
#include <fcntl.h>

#include "cmd/rump/tool.h"

#define READ_SIZE 65536

char *
file_read(int dirfd, const char *path)
{
	int fd = rump_sys_openat(dirfd, path, O_RDONLY);
	size_t len = 0, size = 0;
	char *buf = NULL;
	ssize_t n;
	int error;

	if (fd == -1)
		return NULL;
	do {
		if (size - len < READ_SIZE / 2)
			buf = tool_alloc(buf, (size += READ_SIZE) + 1);
		n = rump_sys_read(fd, buf + len, size - len);
		len += n > 0 ? (size_t)n : 0;
	} while (n > 0);
	error = errno;
	(void)rump_sys_close(fd);
	if (n == -1) {
		free(buf);
		errno = error;
		return NULL;
	}
	buf[len] = '\0';
	return buf;
}

/*
 * Users and groups: lines that begin with "name:password:number:".
 */

struct names {
	const char *n_path;
	char *n_text; /* NULL: not read yet */
	char n_found[64];
};

static struct names users = {.n_path = "/etc/passwd"};
static struct names groups = {.n_path = "/etc/group"};

/* The next line: its name, cut at its colon, and number; false at the end. */
static bool
names_next(const char **textp, const char **name, size_t *len, uint32_t *id)
{
	const char *line = *textp, *end, *p;

	for (; *line != '\0'; line = end) {
		end = line + strcspn(line, "\n");
		end += *end == '\n';
		*name = line;
		*len = strcspn(line, ":\n");
		p = line + *len;
		if (*p != ':')
			continue;
		p += 1 + strcspn(p + 1, ":\n");
		if (*p != ':' || p[1] < '0' || p[1] > '9')
			continue;
		*id = (uint32_t)strtoul(p + 1, NULL, 10);
		*textp = end;
		return true;
	}
	return false;
}

static const char *
names_text(struct names *n)
{
	int saved = errno;

	if (n->n_text == NULL &&
	    (n->n_text = file_read(AT_FDCWD, n->n_path)) == NULL)
		n->n_text = tool_format("root:x:0:\n");
	errno = saved;
	return n->n_text;
}

static const char *
names_byid(struct names *n, uint32_t want)
{
	const char *text = names_text(n), *name;
	size_t len;
	uint32_t id;

	while (names_next(&text, &name, &len, &id))
		if (id == want) {
			(void)snprintf(n->n_found, sizeof(n->n_found), "%.*s",
			    (int)len, name);
			return n->n_found;
		}
	(void)snprintf(n->n_found, sizeof(n->n_found), "%u", want);
	return n->n_found;
}

static bool
names_byname(struct names *n, const char *want, uint32_t *idp)
{
	const char *text = names_text(n), *name;
	uint64_t number;
	size_t len;

	while (names_next(&text, &name, &len, idp))
		if (strlen(want) == len && memcmp(want, name, len) == 0)
			return true;
	if (!parse_number(want, UINT32_MAX - 1, &number))
		return false;
	*idp = (uint32_t)number;
	return true;
}

const char *
user_name(uid_t uid)
{
	return names_byid(&users, uid);
}

const char *
group_name(gid_t gid)
{
	return names_byid(&groups, gid);
}

bool
user_find(const char *name, uid_t *uid)
{
	return names_byname(&users, name, uid);
}

bool
group_find(const char *name, gid_t *gid)
{
	return names_byname(&groups, name, gid);
}

/*
 * Paths and modes
 */

char *
tool_path(const char *dir, const char *name)
{
	size_t len = strlen(dir);

	return tool_format(
	    "%s%s%s", dir, len > 0 && dir[len - 1] == '/' ? "" : "/", name);
}

const char *
path_last(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash != NULL && slash[1] != '\0' ? slash + 1 : path;
}

const char *
type_name(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG:
		return "file";
	case S_IFDIR:
		return "directory";
	case S_IFLNK:
		return "link";
	case S_IFIFO:
		return "fifo";
	case S_IFSOCK:
		return "socket";
	case S_IFCHR:
		return "character device";
	case S_IFBLK:
		return "block device";
	default:
		return "unknown";
	}
}

void
mode_text(mode_t mode, char *buf)
{
	static const char letters[] = "rwxrwxrwx";
	int i;

	buf[0] = S_ISREG(mode) ? '-' : type_name(mode)[0];
	if (S_ISFIFO(mode))
		buf[0] = 'p';
	for (i = 0; i < 9; i++)
		buf[i + 1] = letters[i];
	for (i = 0; i < 9; i++)
		if ((mode & (0400u >> i)) == 0)
			buf[i + 1] = '-';
	if ((mode & S_ISUID) != 0)
		buf[3] = buf[3] == 'x' ? 's' : 'S';
	if ((mode & S_ISGID) != 0)
		buf[6] = buf[6] == 'x' ? 's' : 'S';
	if ((mode & S_ISVTX) != 0)
		buf[9] = buf[9] == 'x' ? 't' : 'T';
	buf[10] = '\0';
}

/*
 * A mount of procfs that is detached as soon as it is open: nobody else sees
 * it but for a moment, and it goes with the descriptor.
 */
static int
proc_mount(void)
{
	unsigned long id = 0;
	char dir[64];
	int fd = -1, error;

	(void)rump_sys_getrandom(&id, sizeof(id), 0);
	(void)snprintf(dir, sizeof(dir), "/tmp/.rump-%lx", id);
	if (rump_sys_mkdir(dir, 0700) == -1)
		return -1;
	if (rump_sys_mount("procfs", dir, 0, NULL, 0) == 0) {
		fd = rump_sys_open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		error = errno;
		(void)rump_sys_unmount(dir, RUMP_MNT_DETACH);
	} else
		error = errno;
	(void)rump_sys_rmdir(dir);
	errno = error;
	return fd;
}

int
proc_open(void)
{
	static int fd = -1;

	if (fd != -1)
		return fd;
	/* Is it there already? */
	if (rump_sys_access("/proc/self/status", F_OK) == 0)
		fd = rump_sys_open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	else
		fd = proc_mount();
	if (fd == -1)
		(void)complain_errno("cannot show processes: /proc is not "
				     "mounted, and here it cannot be");
	return fd;
}
