/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Random calls.  Names are few, so that calls have something to do with each
 * other; what a call is made with is mostly what makes sense, and now and then
 * what does not.
 *
 * No call may block: fifos are opened with O_NONBLOCK only.
 */
#include <sys/sysmacros.h>

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "vfs.h"

#define PICK(array) (array[below((int)(sizeof(array) / sizeof(array[0])))])

uint64_t rng;

/* Of the descriptors that are open: the type of the file, else 0. */
static mode_t fd_types[NPROCS][NFDS];
static const struct scan *tree; /* what there is */
static int sum_of_weights;
static bool lower;

static uint64_t
rnd(void)
{
	rng ^= rng << 13;
	rng ^= rng >> 7;
	rng ^= rng << 17;
	return rng >> 11;
}

int
below(int n)
{
	return (int)(rnd() % (uint64_t)n);
}

static bool
one_in(int n)
{
	return below(n) == 0;
}

static const char *
pick_name(void)
{
	static const char *const usual[] = {"a", "b", "c", "d", "e"};
	static const char *const other[] = {
	    ".", "..", "..", "f", "{255n}", "{256n}", "...", "longer name"};

	return one_in(7) ? PICK(other) : PICK(usual);
}

/* The path of something that is there, or of a name in it.  False: none. */
static bool
pick_existing(char *s)
{
	const char *path;

	if (tree == NULL || tree->s_count < 2)
		return false;
	path =
	    tree->s_names + tree->s_node[1 + below(tree->s_count - 1)].n_path;
	if (strlen(path) > STRLEN / 2)
		return false;
	strcpy(s, one_in(4) ? path : path + 1);
	if (one_in(4)) {
		strcat(s, "/");
		strcat(s, pick_name());
	}
	if (one_in(12))
		strcat(s, one_in(3) ? "/." : "/");
	return true;
}

static void
pick_path(char *s)
{
	static const char *const odd[] = {"", "/", "//", ".", "..", "/..",
	    "{2047./}a", "{2048./}", "{4095x}", "{2047./}", "a/{1000b/}c"};
	int n = one_in(2) ? 1 : 1 + below(4);

	s[0] = '\0';
	if (!one_in(3) && pick_existing(s))
		return;
	if (one_in(30)) {
		strcpy(s, PICK(odd));
		return;
	}
	if (one_in(6))
		strcpy(s, one_in(4) ? "//" : "/");
	for (int i = 0; i < n; i++) {
		if (i > 0)
			strcat(s, one_in(10) ? "//" : "/");
		strcat(s, pick_name());
	}
	if (one_in(12))
		strcat(s, one_in(3) ? "/." : "/");
}

/* A length and an address that fit no rule, seldom. */
static long
pick_where(void)
{
	return one_in(60) ? 1 + below(3) : INPLACE;
}

/* A descriptor; mostly one of a file of this type, if there is one. */
static long
pick_fd(int proc, mode_t type)
{
	static const int odd[] = {-1, AT_FDCWD, NFDS, INT_MAX, INT_MIN};
	const mode_t *types = fd_types[proc];
	int start = below(NFDS);

	if (one_in(30))
		return PICK(odd);
	if (one_in(20))
		return start;
	if (one_in(4))
		type = 0;
	for (int i = 0; i < NFDS; i++) {
		int fd = (start + i) % NFDS;

		if (types[fd] != 0 && (type == 0 || types[fd] == type))
			return fd;
	}
	return type != 0 ? pick_fd(proc, 0) : below(4);
}

static bool
has_fds(int proc)
{
	for (int i = 0; i < NFDS; i++)
		if (fd_types[proc][i] != 0)
			return true;
	return false;
}

static long
pick_open(void)
{
	static const int flags[] = {O_CREAT, O_CREAT, O_CREAT, O_EXCL, O_TRUNC,
	    O_APPEND, O_DIRECTORY, O_NOFOLLOW, O_NOATIME, O_CLOEXEC, O_PATH,
	    O_DIRECT, O_SYNC, O_DSYNC, O_NOCTTY, O_ASYNC, 0100000, O_TMPFILE};
	static const int access[] = {O_RDONLY, O_WRONLY, O_RDWR, O_RDWR, 3};
	long f = O_NONBLOCK;

	if (one_in(3))
		f |= O_CREAT | O_RDWR;
	else if (one_in(4))
		f |= O_DIRECTORY;
	else if (!one_in(3))
		f |= PICK(access);
	while (one_in(2))
		f |= PICK(flags);
	if (one_in(100))
		f |= (long)(rnd() & 0xffffffff);
	/* What has no name yet is for file systems that know of it. */
	if ((f & O_TMPFILE) == O_TMPFILE && (f & (O_WRONLY | O_RDWR)) != 0)
		f &= ~(long)(O_TMPFILE & ~O_DIRECTORY);
	return (int)f;
}

static long
pick_mode(void)
{
	static const int mode[] = {0777, 0755, 0700, 0666, 0644, 0600, 0444,
	    0111, 0, 0070, 0007, 01777, 02777, 04755, 02755, 02745, 06777,
	    02644, 0222, 0333, 0555};

	return one_in(20) ? below(010000) : one_in(3) ? 0777 : PICK(mode);
}

static long
pick_mknod(void)
{
	static const int type[] = {S_IFREG, S_IFREG, S_IFIFO, S_IFSOCK, 0,
	    S_IFCHR, S_IFBLK, S_IFDIR, S_IFLNK, 0170000};
	int t = PICK(type);

	if ((t == S_IFCHR || t == S_IFBLK) && !hostrules.hr_devices)
		t = S_IFREG;
	return t | pick_mode();
}

static long
pick_at(void)
{
	static const int flag[] = {AT_SYMLINK_NOFOLLOW, AT_SYMLINK_FOLLOW,
	    AT_EMPTY_PATH, AT_REMOVEDIR, AT_NO_AUTOMOUNT, AT_EACCESS, 0x2000,
	    0x8000, 1, 0x10000};
	long f = 0;

	if (!one_in(8))
		return one_in(2) ? 0 : flag[below(4)];
	while (one_in(2))
		f |= PICK(flag);
	return f;
}

static long
pick_size(void)
{
	static const long edge[] = {
	    0, 1, 2, 4095, 4096, 4097, 8192, 12288, 20, 100};

	return one_in(2) ? PICK(edge) : below(OUTSIZE - 100);
}

static long
pick_offset(void)
{
	static const long edge[] = {0, 1, 4095, 4096, 4097, 8192, -1, 65536,
	    LONG_MAX, LONG_MIN, LONG_MAX - 4096, 1L << 40, INT_MAX, 40960};

	return one_in(2) ? below(20000) : PICK(edge);
}

static long
pick_id(void)
{
	static const int id[] = {0, 1000, 1001, 100, -1, -1, 2000};

	return have_ids ? PICK(id) : one_in(2) ? 0 : -1;
}

static void
pick_times(char *s)
{
	static const char *const time[] = {"now", "omit", "1000.5", "2000.0",
	    "4102444800.999999999", "0.0", "-1.0", "5.1000000000", "5.-1",
	    "now", "3000.7"};

	strcpy(s, PICK(time));
	strcat(s, " ");
	strcat(s, PICK(time));
}

static void
pick_xattr(char *s)
{
	static const char *const name[] = {"user.a", "user.a", "user.b",
	    "user.a", "trusted.a", "security.a", "user.", "user", "",
	    "system.a", "user.{250x}", "user.{251x}", "security.capability",
	    "nothing.a", "trusted."};

	/* The host lists that one and lets nobody read what is not for it. */
	do
		strcpy(s, PICK(name));
	while (lower && strcmp(s, "security.capability") == 0);
}

static long
pick_bits(void)
{
	return one_in(2) ? 0 : one_in(6) ? below(32) : 1L << below(6);
}

static int
pick_iov(char *s)
{
	int n = below(MAXIOV), room = OUTSIZE - 100, len;
	char *p = s;

	for (int i = 0; i < n; i++) {
		len = (int)pick_size() / (one_in(2) ? 1 : 16);
		len = one_in(5) ? 0 : len < room ? len : room;
		room -= len;
		p += sprintf(p, "%s%s%d", i > 0 ? " " : "",
		    one_in(60) ? "!" : "", one_in(200) ? -1 : len);
	}
	return one_in(60) ? -1 : one_in(100) ? 1025 : n;
}

/* What the third argument of an fcntl is. */
static long
pick_fcntlarg(int proc, long cmd)
{
	switch (cmd) {
	case F_SETFL:
		return pick_open();
	case F_DUPFD:
	case F_DUPFD_CLOEXEC:
		return one_in(5) ? pick_fd(proc, 0) : below(4);
	case F_SETFD:
		return below(4);
	default:
		return 0;
	}
}

/* What a call's descriptor is mostly of: of something to read or write? */
static mode_t
fd_wanted(const char *kinds)
{
	return strpbrk(kinds, "BDIil") != NULL	  ? S_IFREG
	       : strchr(kinds, K_ENTRIES) != NULL ? S_IFDIR
						  : 0;
}

/* An argument that is text; its value. */
static long
pick_text(struct call *c, int i, enum kind k)
{
	char *s = c->c_str[i];

	switch (k) {
	case K_XATTR:
		pick_xattr(s);
		break;
	case K_TIMES:
		pick_times(s);
		if (one_in(5))
			return NOWHERE;
		break;
	case K_IOVIN:
	case K_IOVOUT:
		c->c_arg[i + 1] = pick_iov(s);
		break;
	default:
		pick_path(s);
	}
	return pick_where();
}

static long
pick_argument(struct call *c, int i, enum kind k)
{
	static const int cmd[] = {F_GETFL, F_SETFL, F_SETFL, F_DUPFD, F_GETFD,
	    F_SETFD, F_DUPFD_CLOEXEC, 4711};
	static const int dev[] = {0, 0x7801, 0x7802};

	if (kind_istext(k))
		return pick_text(c, i, k);
	switch (k) {
	case K_BITS:
		return pick_bits();
	case K_COUNT:
		return c->c_arg[i];
	case K_DATA:
		return one_in(60) ? -1 - below(3) : below(200);
	case K_BUF:
	case K_ENTRIES:
	case K_STAT:
		return pick_where();
	case K_FD:
		return pick_fd(c->c_proc, fd_wanted(ops[c->c_op].o_kinds));
	case K_DIRFD:
		return one_in(2) ? AT_FDCWD : pick_fd(c->c_proc, S_IFDIR);
	case K_OPEN:
		return pick_open();
	case K_MODE:
		return pick_mode();
	case K_MKNOD:
		return pick_mknod();
	case K_DEV:
		return PICK(dev);
	case K_AT:
		return pick_at();
	case K_RENAME:
		/* Those that the file system of the root knows. */
		return one_in(20) ? 8 : one_in(2) ? RENAME_NOREPLACE : 0;
	case K_ACCESS:
		return one_in(20) ? below(20) - 5 : below(8);
	case K_UID:
	case K_GID:
		return pick_id();
	case K_SIZE:
		return pick_size();
	case K_OFFSET:
		return pick_offset();
	case K_WHENCE:
		return below(8) - 1;
	case K_FCNTL:
		return PICK(cmd);
	case K_FCNTLARG:
		return pick_fcntlarg(c->c_proc, c->c_arg[i - 1]);
	default:
		return 0;
	}
}

void
generate(struct call *c)
{
	const char *kinds;
	int n;

	memset(c, 0, sizeof(*c));
	n = below(sum_of_weights);
	while (n >= ops[c->c_op].o_weight)
		n -= ops[c->c_op++].o_weight;
	c->c_proc = one_in(2) ? 0 : below(NPROCS);
	c->c_mark = one_in(2) ? 1 + below(3) : 0;
	kinds = ops[c->c_op].o_kinds;
	for (int i = 0; kinds[0] == K_FD && i < 5; i++) {
		if (has_fds(c->c_proc))
			break;
		c->c_proc = below(NPROCS);
	}
	for (int i = 0; kinds[i] != '\0'; i++)
		c->c_arg[i] = pick_argument(c, i, (enum kind)kinds[i]);
}

void
generate_begin(bool for_lower)
{
	memset(fd_types, 0, sizeof(fd_types));
	tree = NULL;
	lower = for_lower;
	sum_of_weights = 0;
	for (int i = 0; i < nops; i++)
		sum_of_weights += ops[i].o_weight;
}

void
generate_tree(const struct scan *s)
{
	tree = s;
}

/* Keep track of which descriptors are open. */
void
generate_done(const struct call *c, const struct result *r)
{
	const char *name = ops[c->c_op].o_name;
	mode_t *types = fd_types[c->c_proc];

	if (r->r_ret == -1)
		return;
	if (strcmp(name, "close") == 0)
		types[c->c_arg[0]] = 0;
	else if (strcmp(name, "chroot") == 0)
		memset(types, 0, sizeof(fd_types[0]));
	else if (strncmp(name, "open", 4) == 0 || strcmp(name, "dup") == 0 ||
		 (strcmp(name, "fcntl") == 0 &&
		     (c->c_arg[1] == F_DUPFD ||
			 c->c_arg[1] == F_DUPFD_CLOEXEC)))
		types[r->r_ret] = rump_fdtype(c->c_proc, (int)r->r_ret);
}
