/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Access control lists: the same random calls of several users give the same
 * results in tmpfs here, in an overlay of two of them, and in the host's tmpfs.
 *
 * usage: acl [seed [steps]]
 */
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <sys/xattr.h>

#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rump/rump.h>
#include <rump/rump_mount.h>
#include <rump/rump_syscalls.h>

#include "../lib/random.h"

#define ACCESS_NAME  "system.posix_acl_access"
#define DEFAULT_NAME "system.posix_acl_default"
#define MOST	     12 /* entries */
#define ROOM	     512
#define EPOCH	     500 /* steps in a directory */

struct world {
	const char *w_name;
	int (*w_open)(const char *, int, ...);
	int (*w_close)(int);
	int (*w_mkdir)(const char *, mode_t);
	int (*w_mkfifo)(const char *, mode_t);
	int (*w_symlink)(const char *, const char *);
	int (*w_chmod)(const char *, mode_t);
	int (*w_lchown)(const char *, uid_t, gid_t);
	int (*w_unlink)(const char *);
	int (*w_rmdir)(const char *);
	int (*w_rename)(const char *, const char *);
	int (*w_stat)(const char *, struct stat *);
	int (*w_chdir)(const char *);
	mode_t (*w_umask)(mode_t);
	ssize_t (*w_getxattr)(const char *, const char *, void *, size_t);
	ssize_t (*w_fgetxattr)(int, const char *, void *, size_t);
	ssize_t (*w_listxattr)(const char *, char *, size_t);
	int (*w_setxattr)(
	    const char *, const char *, const void *, size_t, int);
	int (*w_removexattr)(const char *, const char *);
	int (*w_setgroups)(size_t, const gid_t *);
	int (*w_setresgid)(gid_t, gid_t, gid_t);
	int (*w_setresuid)(uid_t, uid_t, uid_t);
};

static mode_t
rump_umask(mode_t mask)
{
	return (mode_t)rump_sys_umask(mask);
}

static int
rump_setgroups(size_t n, const gid_t *gids)
{
	return rump_sys_setgroups((int)n, gids);
}

static const struct world host = {"host", open, close, mkdir, mkfifo, symlink,
    chmod, lchown, unlink, rmdir, rename, lstat, chdir, umask, lgetxattr,
    fgetxattr, llistxattr, lsetxattr, lremovexattr, setgroups, setresgid,
    setresuid};
static const struct world rump = {"rump", rump_sys_open, rump_sys_close,
    rump_sys_mkdir, rump_sys_mkfifo, rump_sys_symlink, rump_sys_chmod,
    rump_sys_lchown, rump_sys_unlink, rump_sys_rmdir, rump_sys_rename,
    rump_sys_lstat, rump_sys_chdir, rump_umask, rump_sys_lgetxattr,
    rump_sys_fgetxattr, rump_sys_llistxattr, rump_sys_lsetxattr,
    rump_sys_lremovexattr, rump_setgroups, rump_sys_setresgid,
    rump_sys_setresuid};

struct user {
	uid_t u_uid;
	gid_t u_gid;
	size_t u_ngroups;
	gid_t u_groups[2];
};

static const struct user users[] = {{0, 0, 0, {0}}, {1001, 2001, 0, {0}},
    {1002, 2002, 1, {2003}}, {1003, 2003, 2, {2001, 2004}}};

static const char *const paths[] = {
    "a", "b", "d", "d/a", "d/b", "d/e", "d/e/a", "l", "p"};
#define NPATHS (sizeof(paths) / sizeof(paths[0]))

enum op {
	OP_OPEN,
	OP_TMPFILE,
	OP_MKDIR,
	OP_MKFIFO,
	OP_SYMLINK,
	OP_CHMOD,
	OP_CHOWN,
	OP_UNLINK,
	OP_RMDIR,
	OP_RENAME,
	OP_UMASK,
	OP_GET,
	OP_LIST,
	OP_SET,
	OP_REMOVE,
	NOPS
};

struct step {
	enum op st_op;
	const struct user *st_user;
	const char *st_path, *st_other, *st_name;
	int st_flags;
	mode_t st_mode;
	uid_t st_uid;
	gid_t st_gid;
	size_t st_size;
	unsigned char st_value[ROOM];
};

struct result {
	long r_value;
	int r_errno;
	unsigned char r_data[ROOM];
};

static uint64_t seed;
static long count;

static unsigned
below(unsigned n)
{
	return rnd(n);
}

static bool
one_in(unsigned n)
{
	return below(n) == 0;
}

/*
 * What is done
 */

static void
put(struct posix_acl_xattr_entry *e, size_t *n, unsigned tag, uint32_t id)
{
	if (*n >= MOST)
		return;
	e[*n].e_tag = (uint16_t)tag;
	e[*n].e_perm = (uint16_t)(one_in(100) ? below(16) : below(8));
	e[(*n)++].e_id = id;
}

/* A list, which may be none or have mistakes. */
static void
pick_list(struct step *st)
{
	struct posix_acl_xattr_header *h = (void *)st->st_value;
	struct posix_acl_xattr_entry *e = (void *)(st->st_value + sizeof(*h));
	unsigned users_n = below(3), groups_n = below(3), i;
	size_t n = 0;

	h->a_version = one_in(60) ? 1 : POSIX_ACL_XATTR_VERSION;
	put(e, &n, ACL_USER_OBJ, below(3));
	for (i = 0; i < users_n; i++)
		put(e, &n, ACL_USER,
		    one_in(60) ? (uint32_t)-1 : 1000 + below(5));
	put(e, &n, ACL_GROUP_OBJ, (uint32_t)-1);
	for (i = 0; i < groups_n; i++)
		put(e, &n, ACL_GROUP, 2000 + below(5));
	if (!one_in(users_n + groups_n > 0 ? 30 : 3))
		put(e, &n, ACL_MASK, (uint32_t)-1);
	put(e, &n, ACL_OTHER, (uint32_t)-1);
	if (one_in(20)) {
		i = below((unsigned)n);
		e[i].e_tag = (uint16_t)(one_in(2) ? 1u << below(7) : below(40));
	}
	if (one_in(30))
		n = below((unsigned)n + 1);
	st->st_size = sizeof(*h) + n * sizeof(*e);
	if (one_in(50))
		st->st_size = below((unsigned)st->st_size + 1);
}

static void
pick(struct step *st)
{
	static const int flags[] = {O_RDONLY, O_WRONLY, O_RDWR,
	    O_WRONLY | O_CREAT, O_RDWR | O_CREAT, O_WRONLY | O_CREAT | O_EXCL,
	    O_RDONLY | O_DIRECTORY};
	static const enum op often[] = {
	    OP_OPEN, OP_OPEN, OP_SET, OP_SET, OP_GET};
	static const uid_t uids[] = {0, 1001, 1002, 1003, (uid_t)-1};
	static const gid_t gids[] = {0, 2001, 2002, 2003, (gid_t)-1};

	memset(st, 0, sizeof(*st));
	st->st_op = one_in(2) ? often[below(5)] : (enum op)below(NOPS);
	st->st_user = &users[below(4)];
	st->st_path = paths[below(NPATHS)];
	st->st_other = paths[below(NPATHS)];
	st->st_name = one_in(3) ? DEFAULT_NAME : ACCESS_NAME;
	st->st_flags =
	    st->st_op == OP_SET ? (int)below(3) : flags[below(7)] | O_NONBLOCK;
	st->st_mode = one_in(3) ? 0777 : (mode_t)below(010000);
	if (st->st_op == OP_UMASK)
		st->st_mode &= one_in(2) ? 022 : 0777;
	st->st_uid = uids[below(5)];
	st->st_gid = gids[below(5)];
	if (st->st_op == OP_SET)
		pick_list(st);
	else if (one_in(8))
		st->st_size = below(40);
	else
		st->st_size = ROOM;
}

static void
note(struct result *r, long value)
{
	r->r_value = value;
	r->r_errno = value == -1 ? errno : 0;
}

/* A file that was opened: its list, and whether it could be. */
static void
note_fd(const struct world *w, struct result *r, int fd)
{
	note(r, fd == -1 ? -1 : 0);
	if (fd == -1)
		return;
	note(r, w->w_fgetxattr(fd, ACCESS_NAME, r->r_data, ROOM));
	(void)w->w_close(fd);
}

static void
perform_op(const struct world *w, const struct step *st, struct result *r)
{
	switch (st->st_op) {
	case OP_OPEN:
		note_fd(w, r,
		    w->w_open(st->st_path, st->st_flags, st->st_mode & 0777));
		break;
	case OP_TMPFILE:
		note_fd(w, r,
		    w->w_open("d", O_TMPFILE | O_RDWR, st->st_mode & 0777));
		break;
	case OP_MKDIR:
		note(r, w->w_mkdir(st->st_path, st->st_mode));
		break;
	case OP_MKFIFO:
		note(r, w->w_mkfifo(st->st_path, st->st_mode & 0777));
		break;
	case OP_SYMLINK:
		note(r, w->w_symlink("a", "l"));
		break;
	case OP_CHMOD:
		note(r, w->w_chmod(st->st_path, st->st_mode));
		break;
	case OP_CHOWN:
		note(r, w->w_lchown(st->st_path, st->st_uid, st->st_gid));
		break;
	case OP_UNLINK:
		note(r, w->w_unlink(st->st_path));
		break;
	case OP_RMDIR:
		note(r, w->w_rmdir(st->st_path));
		break;
	case OP_RENAME:
		note(r, w->w_rename(st->st_path, st->st_other));
		break;
	case OP_UMASK:
		note(r, (long)w->w_umask(st->st_mode));
		break;
	case OP_GET:
		note(r, w->w_getxattr(st->st_path, st->st_name,
			    st->st_size == 0 ? NULL : r->r_data, st->st_size));
		break;
	case OP_LIST:
		note(r, w->w_listxattr(st->st_path,
			    st->st_size == 0 ? NULL : (char *)r->r_data,
			    st->st_size));
		break;
	case OP_SET:
		note(r, w->w_setxattr(st->st_path, st->st_name, st->st_value,
			    st->st_size, st->st_flags));
		break;
	default:
		note(r, w->w_removexattr(st->st_path, st->st_name));
	}
}

static void
must(bool ok, const char *what)
{
	if (!ok) {
		fprintf(stderr, "acl: %s: %s\n", what, strerror(errno));
		exit(2);
	}
}

static void
become(const struct world *w, const struct user *u)
{
	must(w->w_setresuid((uid_t)-1, 0, (uid_t)-1) == 0, "root");
	must(w->w_setgroups(u->u_ngroups, u->u_groups) == 0, "setgroups");
	must(w->w_setresgid((gid_t)-1, u->u_gid, (gid_t)-1) == 0, "setresgid");
	must(w->w_setresuid((uid_t)-1, u->u_uid, (uid_t)-1) == 0, "setresuid");
}

static void
perform(const struct world *w, const struct step *st, struct result *r)
{
	memset(r, 0, sizeof(*r));
	become(w, st->st_user);
	perform_op(w, st, r);
	if (r->r_value < 0)
		memset(r->r_data, 0, sizeof(r->r_data));
	become(w, &users[0]);
}

/*
 * What is compared
 */

/* All that is said of all files. */
static void
look(const struct world *w, size_t i, struct stat *sb, struct result r[3])
{
	memset(sb, 0, sizeof(*sb));
	memset(r, 0, 3 * sizeof(*r));
	if (w->w_stat(paths[i], sb) != 0) {
		memset(sb, 0, sizeof(*sb));
		return;
	}
	note(&r[0], w->w_getxattr(paths[i], ACCESS_NAME, r[0].r_data, ROOM));
	note(&r[1], w->w_getxattr(paths[i], DEFAULT_NAME, r[1].r_data, ROOM));
	note(&r[2], w->w_listxattr(paths[i], (char *)r[2].r_data, ROOM));
}

static bool
same_files(void)
{
	struct result there[3], here[3];
	struct stat sh, sr;

	for (size_t i = 0; i < NPATHS; i++) {
		look(&host, i, &sh, there);
		look(&rump, i, &sr, here);
		if (sh.st_mode != sr.st_mode || sh.st_uid != sr.st_uid ||
		    sh.st_gid != sr.st_gid) {
			fprintf(stderr, "%s: host %o %u %u, rump %o %u %u\n",
			    paths[i], sh.st_mode, sh.st_uid, sh.st_gid,
			    sr.st_mode, sr.st_uid, sr.st_gid);
			return false;
		}
		if (memcmp(there, here, sizeof(here)) != 0) {
			for (int k = 0; k < 3; k++)
				fprintf(stderr,
				    "%s: attribute %d: host %ld %d, rump %ld "
				    "%d\n",
				    paths[i], k, there[k].r_value,
				    there[k].r_errno, here[k].r_value,
				    here[k].r_errno);
			return false;
		}
	}
	return true;
}

static void
print_step(const struct step *st)
{
	const struct posix_acl_xattr_entry *e =
	    (const void *)(st->st_value + 4);

	fprintf(stderr,
	    "seed %" PRIu64 " step %ld: op %d uid %u %s %s %s flags %#x mode "
	    "%o size %zu\n",
	    seed, count, st->st_op, st->st_user->u_uid, st->st_path,
	    st->st_other, st->st_name, (unsigned)st->st_flags, st->st_mode,
	    st->st_size);
	if (st->st_op == OP_SET)
		for (size_t i = 0; 4 + (i + 1) * sizeof(*e) <= st->st_size; i++)
			fprintf(stderr, "\ttag %#x perm %o id %d\n", e[i].e_tag,
			    e[i].e_perm, (int)e[i].e_id);
}

static bool
one_step(void)
{
	struct result there, here;
	struct step st;

	pick(&st);
	perform(&host, &st, &there);
	perform(&rump, &st, &here);
	if (memcmp(&there, &here, sizeof(here)) == 0 && same_files())
		return true;
	print_step(&st);
	fprintf(stderr, "host %ld %s, rump %ld %s\n", there.r_value,
	    strerror(there.r_errno), here.r_value, strerror(here.r_errno));
	return false;
}

/* A directory of that number, with files to begin with. */
static void
make(const struct world *w, long number)
{
	struct step st = {.st_size = 0};
	char name[32];

	become(w, &users[0]);
	(void)w->w_umask(022);
	snprintf(name, sizeof(name), "%ld", number);
	must(w->w_mkdir(name, 0777) == 0 && w->w_chmod(name, 0777) == 0 &&
		 w->w_chdir(name) == 0 && w->w_mkdir("d", 0777) == 0 &&
		 w->w_chmod("d", 0777) == 0 && w->w_mkdir("d/e", 0775) == 0,
	    "mkdir");
	for (size_t i = 0; i < 5; i++)
		if (i != 2)
			(void)w->w_close(
			    w->w_open(paths[i], O_WRONLY | O_CREAT, 0666));
	rnd_seed((uint64_t)number);
	for (int i = 0; i < 4; i++) {
		pick_list(&st);
		(void)w->w_setxattr(paths[below(5)],
		    i == 0 ? DEFAULT_NAME : ACCESS_NAME, st.st_value,
		    st.st_size, 0);
	}
	must(w->w_chdir("..") == 0, "chdir");
}

static void
go_to(const struct world *w, const char *base, long number)
{
	char name[192];

	snprintf(name, sizeof(name), "%s/%ld", base, number);
	become(w, &users[0]);
	(void)w->w_umask(022);
	must(w->w_chdir(name) == 0, name);
}

/* base: where the host's files are, and those here, which are there already. */
static bool
run(uint64_t s, long steps, const char *base, const char *rump_base)
{
	uint64_t state = (rnd_seed(s), rnd_state);

	seed = s;
	for (count = 0; count < steps; count++) {
		if (count % EPOCH == 0) {
			state = rnd_state;
			must(chdir(base) == 0, base);
			make(&host, count / EPOCH);
			go_to(&host, base, count / EPOCH);
			go_to(&rump, rump_base, count / EPOCH);
			rnd_state = state;
		}
		if (!one_step())
			return false;
	}
	return true;
}

/* A directory of the host's tmpfs, if there is one that has lists. */
static bool
host_begin(char *dir)
{
	if (geteuid() != 0 || mkdtemp(dir) == NULL || chdir(dir) != 0)
		return false;
	return chmod(".", 0777) == 0 &&
	       (lgetxattr(".", ACCESS_NAME, NULL, 0) != -1 || errno == ENODATA);
}

/* Files of all directories; where they are to be used. */
static const char *
rump_begin(const char *overlay, long steps)
{
	must(rump_sys_mkdir("/lower", 0777) == 0 &&
		 rump_sys_mkdir("/upper", 0777) == 0 &&
		 rump_sys_mkdir("/both", 0777) == 0 &&
		 rump_sys_chdir("/lower") == 0,
	    "mkdir");
	for (long i = 0; i * EPOCH < steps; i++)
		make(&rump, i);
	if (overlay == NULL)
		return "/lower";
	must(rump_sys_mount("overlay", "/both", 0, (void *)(uintptr_t)overlay,
		 strlen(overlay)) == 0,
	    "overlay");
	return "/both";
}

static bool
in_child(uint64_t s, long steps, const char *base, const char *overlay)
{
	char dir[128];

	must(rump_init() == 0, "rump_init");
	must(rump_pub_lwproc_rfork(RUMP_RFFDG) == 0, "rfork");
	snprintf(dir, sizeof(dir), "%s/%s", base, overlay == NULL ? "0" : "1");
	must(mkdir(dir, 0777) == 0 && chmod(dir, 0777) == 0, dir);
	return run(s, steps, dir, rump_begin(overlay, steps));
}

int
main(int argc, char **argv)
{
	static const char *const overlays[] = {
	    NULL, "lowerdir=/lower,upperdir=/upper"};
	uint64_t s = argc > 1 ? strtoull(argv[1], NULL, 0) : 1;
	long steps = argc > 2 ? strtol(argv[2], NULL, 0) : 6000;
	char dir[] = "/dev/shm/rump-acl-XXXXXX", command[64];
	int status, failed = 0;

	if (!host_begin(dir)) {
		fprintf(stderr, "acl: skipped: no root, or no lists there\n");
		return 77;
	}
	for (int i = 0; i < 2; i++)
		if (fork() == 0)
			_exit(in_child(s, steps, dir, overlays[i]) ? 0 : 1);
		else if (wait(&status) == -1 || status != 0)
			failed++;
	snprintf(command, sizeof(command), "rm -r %s", dir);
	return system(command) != 0 || failed != 0;
}
