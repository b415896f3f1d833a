/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files that are the host's as they are: in directories of which the kernel has
 * said so (lowerdirs.c), what files are is asked of the host, and files that
 * are only read are opened there: the descriptor is late (p_late), the kernel
 * does not know of it.  Before a call that may want to know, and before the
 * next call when the tree has changed, it is told (SP_ADOPT), and makes it one
 * of its own that is direct (descriptors.c).  A late descriptor is marked as
 * that, too.
 *
 * With several threads, and by rules, nothing of this is done.
 */
#include <asm/stat.h>
#include <linux/fcntl.h>
#include <linux/stat.h>

#include "hijack/engine.h"

#define LATE_FLAGS \
	(O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK | O_LARGEFILE)

#define LINKS 8 /* that are followed */

#define R_OK 4
#define X_OK 1
#ifndef AT_EACCESS
#define AT_EACCESS 0x200
#endif

_Static_assert(sizeof(struct stat) == HJ_STATSIZE, "as the host has it");

/*
 * Attributes
 */

/* What the host says, as the kernel would. */
static void
stat_show(struct stat *st, const struct sp_hostdir *hd)
{
	uint64_t ino = st->st_ino;

	if (st->st_dev != hd->hd_host)
		ino ^= SP_HOSTDIR_INO(st->st_dev);
	st->st_ino = (ino & hd->hd_inos) | hd->hd_ino;
	st->st_dev = hd->hd_dev;
	if ((hd->hd_flags & SP_HD_UID) != 0)
		st->st_uid = hd->hd_uid;
	if ((hd->hd_flags & SP_HD_GID) != 0)
		st->st_gid = hd->hd_gid;
}

/* With several names, it may have been changed by another. */
static int
links_fine(const struct stat *st, const struct sp_hostdir *hd)
{
	return st->st_nlink == 1 || (hd->hd_flags & SP_HD_LINKS) != 0;
}

/*
 * From a symbolic link to what it leads to, if that is in such a directory as
 * well.
 */
static int
place_follow(struct hj_thread *t, struct hj_lowplace *pl)
{
	char text[HJ_PATHMAX], path[sizeof(pl->pl_path)], *to = path;
	size_t dir = (size_t)(pl->pl_name - pl->pl_path);
	long n = hj_raw4(
	    __NR_readlinkat, AT_FDCWD, pl->pl_host, text, sizeof(text) - 1);

	if (n <= 0)
		return 0;
	text[n] = '\0';
	if (text[0] == '/')
		dir = 0;
	if (dir + (size_t)n >= sizeof(path))
		return 0;
	memcpy(to, pl->pl_path, dir);
	hj_append(to + dir, text);
	return hj_lowplace_find(t, pl->pl_dirfd, (unsigned long)path, pl);
}

/*
 * What is at a place, or where a symbolic link there leads to, if it is
 * followed: pl is that place then.  1, or 0: the kernel is to be asked; *error
 * is negative if there is nothing.
 */
static int
place_stat(struct hj_thread *t, struct hj_lowplace *pl, int follow,
    struct stat *st, long *error)
{
	struct hj_known *k = &t->t_proc->p_known;
	long r;

	*error = 0;
	k->k_dir = NULL;
	for (int links = 0;; links++) {
		r = pl->pl_missing ? -ENOENT
				   : hj_raw4(__NR_newfstatat, AT_FDCWD,
					 pl->pl_host, st, AT_SYMLINK_NOFOLLOW);
		if (r == -ENOENT) {
			*error = r;
			return 1;
		}
		if (r != 0)
			return 0;
		if (!follow || (st->st_mode & S_IFMT) != S_IFLNK)
			break;
		if (links == LINKS || !place_follow(t, pl))
			return 0;
	}
	switch (st->st_mode & S_IFMT) {
	case S_IFREG:
		if (!links_fine(st, &pl->pl_dir->d_host))
			return 0;
		if (hj_strlen(pl->pl_name) >= sizeof(k->k_name))
			return 1;
		k->k_dir = pl->pl_dir;
		hj_append(k->k_name, pl->pl_name);
		return 1;
	case S_IFDIR:
		return 1;
	case S_IFLNK:
		return links_fine(st, &pl->pl_dir->d_host);
	default:
		return 0;
	}
}

static long
stat_out(unsigned long to, struct stat *st, const struct sp_hostdir *hd)
{
	stat_show(st, hd);
	return hj_copyout(to, st, sizeof(*st)) != 0 ? -EFAULT : 0;
}

/* Whether anybody may do it: root may more, but access asks for others. */
static int
may_all(const struct stat *st, long mode)
{
	if ((mode & ~(long)(R_OK | X_OK)) != 0)
		return 0;
	return ((mode & R_OK) == 0 || (st->st_mode & 0444) == 0444) &&
	       ((mode & X_OK) == 0 || (st->st_mode & 0111) == 0111);
}

static int
path_stat(
    struct hj_thread *t, long dirfd, const long *args, int follow, long *result)
{
	struct hj_lowplace pl;
	struct stat st;

	if (!hj_lowplace_find(t, dirfd, (unsigned long)args[0], &pl) ||
	    !place_stat(t, &pl, follow, &st, result))
		return 0;
	if (*result == 0)
		*result =
		    stat_out((unsigned long)args[1], &st, &pl.pl_dir->d_host);
	return 1;
}

static int
path_access(
    struct hj_thread *t, long dirfd, const long *args, int follow, long *result)
{
	struct hj_lowplace pl;
	struct stat st;

	return hj_lowplace_find(t, dirfd, (unsigned long)args[0], &pl) &&
	       place_stat(t, &pl, follow, &st, result) &&
	       (*result != 0 || may_all(&st, (int)args[1]));
}

static int
path_readlink(struct hj_thread *t, long dirfd, const long *args, long *result)
{
	char text[HJ_PATHMAX];
	struct hj_lowplace pl;
	long n;

	if ((int)args[2] <= 0 ||
	    !hj_lowplace_find(t, dirfd, (unsigned long)args[0], &pl))
		return 0;
	if (pl.pl_missing)
		n = -ENOENT;
	else if (hj_lowplace_isdir(t, &pl))
		n = -EINVAL;
	else
		n = hj_raw4(
		    __NR_readlinkat, AT_FDCWD, pl.pl_host, text, sizeof(text));
	if (n < 0 && n != -EINVAL && n != -ENOENT)
		return 0;
	n = HJ_MIN(n, (int)args[2]);
	*result =
	    n > 0 && hj_copyout((unsigned long)args[1], text, (size_t)n) != 0
		? -EFAULT
		: n;
	return 1;
}

/* Whether there is surely nothing. */
int
hj_lower_ismissing(
    struct hj_thread *t, long dirfd, const char *path, int follow)
{
	struct hj_lowplace pl;
	struct stat st;
	long error;

	return hj_lowplace_find(t, dirfd, (unsigned long)path, &pl) &&
	       place_stat(t, &pl, follow, &st, &error) && error != 0;
}

/*
 * A program that may be executed by anybody, in a file that nobody has changed:
 * opened on the host, or -1: the kernel is to be asked.  exe, unless it is
 * NULL, is its path, or "" if only the kernel can tell that, or has to be told
 * because of set-id bits.
 */
int
hj_lower_program(
    struct hj_thread *t, long dirfd, const char *path, int follow, char *exe)
{
	const struct sp_hostdir *hd;
	struct hj_lowplace pl;
	struct stat st;
	long error, fd;

	if (exe != NULL)
		*exe = '\0';
	if (!hj_lowplace_find(t, dirfd, (unsigned long)path, &pl) ||
	    !place_stat(t, &pl, follow, &st, &error) || error != 0)
		return -1;
	hd = &pl.pl_dir->d_host;
	fd = hj_raw4(__NR_openat, AT_FDCWD, pl.pl_host,
	    O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0);
	if (HJ_FAILED(fd))
		return -1;
	if (hj_raw2(__NR_fstat, fd, &st) == 0 &&
	    (st.st_mode & S_IFMT) == S_IFREG && links_fine(&st, hd) &&
	    may_all(&st, X_OK) && hd->hd_tree == hj_lower_tree(t->t_proc)) {
		if (exe != NULL && (st.st_mode & (S_ISUID | S_ISGID)) == 0)
			hj_lowplace_name(t, &pl, exe);
		return (int)fd;
	}
	hj_raw1(__NR_close, fd);
	return -1;
}

/* A call with a path, nr of HJ_K_*: whether this is its result. */
int
hj_lower_call(struct hj_thread *t, int nr, const long *args, long *result)
{
	const long none = AT_NO_AUTOMOUNT;
	int known = 0;

	switch (nr) {
	case HJ_K_stat:
	case HJ_K_lstat:
		known = path_stat(t, AT_FDCWD, args, nr == HJ_K_stat, result);
		break;
	case HJ_K_fstatat:
		if (((int)args[3] & ~(none | AT_SYMLINK_NOFOLLOW)) == 0)
			known = path_stat(t, args[0], args + 1,
			    (args[3] & AT_SYMLINK_NOFOLLOW) == 0, result);
		break;
	case HJ_K_access:
		known = path_access(t, AT_FDCWD, args, 1, result);
		break;
	case HJ_K_faccessat:
		known = path_access(t, args[0], args + 1, 1, result);
		break;
	case HJ_K_faccessat2:
		if (((int)args[3] & ~(AT_EACCESS | AT_SYMLINK_NOFOLLOW)) == 0)
			known = path_access(t, args[0], args + 1,
			    (args[3] & AT_SYMLINK_NOFOLLOW) == 0, result);
		break;
	case HJ_K_readlinkat:
		known = path_readlink(t, args[0], args + 1, result);
		break;
	}
	t->t_bykernel |= (uint32_t)known;
	return known;
}

/*
 * Late descriptors
 */

int
hj_lower_islate(const struct hj_thread *t, long fd)
{
	unsigned int n = (unsigned int)fd;

	return t->t_proc->p_nlate != 0 && n < HJ_NKFDS &&
	       (t->t_proc->p_late[n / 64] >> n % 64 & 1) != 0;
}

/* Whether others show what they are as those do that there are. */
static int
shows_alike(struct hj_proc *p, const struct sp_hostdir *hd)
{
	const struct sp_hostdir *had = &p->p_lateshow;

	return p->p_nlate == 0 ||
	       (hd->hd_dev == had->hd_dev && hd->hd_host == had->hd_host &&
		   hd->hd_ino == had->hd_ino && hd->hd_inos == had->hd_inos &&
		   hd->hd_mount == had->hd_mount &&
		   hd->hd_flags == had->hd_flags && hd->hd_uid == had->hd_uid &&
		   hd->hd_gid == had->hd_gid);
}

/* Whether what was opened is what it was taken for, and may be read. */
static int
late_isfine(long fd, struct stat *st, const struct sp_hostdir *hd)
{
	return fd < HJ_NKFDS && !hj_is_ours(fd) &&
	       hj_raw2(__NR_fstat, fd, st) == 0 &&
	       (st->st_mode & S_IFMT) == S_IFREG && links_fine(st, hd) &&
	       st->st_size != 0 &&
	       ((hd->hd_flags & SP_HD_ROOT) != 0 ||
		   (st->st_mode & 0444) == 0444);
}

static void
set_late(struct hj_proc *p, uint32_t on)
{
	atomic_store_explicit(
	    &p->p_spc.cl_shm->sh_late, on, memory_order_seq_cst);
}

/* Whether it may be one: 0 if the tree has changed meanwhile. */
static int
late_add(
    struct hj_thread *t, int fd, struct stat *st, const struct sp_hostdir *hd)
{
	struct hj_proc *p = t->t_proc;

	if (p->p_nlate == 0)
		set_late(p, 1);
	if (hd->hd_tree != hj_lower_tree(p)) {
		if (p->p_nlate == 0)
			set_late(p, 0);
		return 0;
	}
	hj_fd_setlate(t, fd);
	p->p_late[fd / 64] |= 1UL << fd % 64;
	if (p->p_nlate++ == 0)
		p->p_lateshow = *hd;
	stat_show(st, hd);
	memcpy(t->t_stat, st, sizeof(*st));
	t->t_statfd = (uint32_t)fd + 1;
	return 1;
}

/* It is no longer one. */
static void
late_remove(struct hj_proc *p, int fd)
{
	p->p_late[fd / 64] &= ~(1UL << fd % 64);
	if (--p->p_nlate == 0)
		set_late(p, 0);
}

/* openat: whether this is its result. */
int
hj_lower_open(struct hj_thread *t, const long *args, long *result)
{
	const struct hj_known *k = &t->t_proc->p_known;
	const struct sp_hostdir *hd;
	struct hj_lowplace pl;
	struct stat st;
	long fd;

	/* Closing one gives up locks that only the kernel knows of. */
	if (((int)args[2] & ~LATE_FLAGS) != 0 || t->t_proc->p_locks ||
	    !hj_lowplace_find(t, args[0], (unsigned long)args[1], &pl))
		return 0;
	*result = 0;
	/* Nothing is opened but what is known to be a regular file. */
	if (k->k_dir != pl.pl_dir || !hj_streq(k->k_name, pl.pl_name)) {
		if (!place_stat(
			t, &pl, ((int)args[2] & O_NOFOLLOW) == 0, &st, result))
			return 0;
		t->t_bykernel = 1;
		if (*result != 0)
			return 1;
		if (k->k_dir != pl.pl_dir)
			return 0;
	}
	hd = &pl.pl_dir->d_host;
	if (!shows_alike(t->t_proc, hd))
		return 0;
	fd = hj_raw4(__NR_openat, AT_FDCWD, pl.pl_host, (int)args[2], 0);
	if (HJ_FAILED(fd))
		return 0;
	if (!late_isfine(fd, &st, hd) || !late_add(t, (int)fd, &st, hd)) {
		hj_raw1(__NR_close, fd);
		return 0;
	}
	t->t_bykernel = 1;
	*result = fd;
	return 1;
}

/* The kernel is told of one.  What it does not find is the host's. */
static void
late_adopt(struct hj_thread *t, int fd)
{
	const struct sp_hostdir *hd = &t->t_proc->p_lateshow;
	char link[32], path[HJ_PATHMAX];
	long args[HJ_OPARGS], n, r = -1;
	struct stat st;

	hj_fd_link(link, fd);
	n = hj_raw4(__NR_readlinkat, AT_FDCWD, link, path, sizeof(path) - 1);
	if (!HJ_FAILED(n) && hj_raw2(__NR_fstat, fd, &st) == 0) {
		path[n] = '\0';
		stat_show(&st, hd);
		args[0] = hj_raw2(__NR_fcntl, fd, F_GETFL);
		if ((hj_raw2(__NR_fcntl, fd, F_GETFD) & FD_CLOEXEC) != 0)
			args[0] |= O_CLOEXEC;
		args[1] = hd->hd_mount;
		args[2] = (long)st.st_ino;
		t->t_fdmin = (uint32_t)fd;
		r = hj_kernel_op(t, SP_ADOPT, args, path, (size_t)n + 1, 0);
	}
	late_remove(t->t_proc, fd);
	if (r != fd)
		hj_fd_disown(t, fd, r);
}

/* The kernel is told of all. */
void
hj_lower_adopt(struct hj_thread *t)
{
	struct hj_proc *p = t->t_proc;

	for (int i = 0; i < HJ_NKFDS / 64 && p->p_nlate != 0; i++) {
		while (p->p_late[i] != 0)
			late_adopt(t, i * 64 + __builtin_ctzl(p->p_late[i]));
	}
}

/* One is closed: whether that is all. */
int
hj_lower_close(struct hj_thread *t, int fd)
{
	if (!hj_lower_islate(t, fd))
		return 0;
	late_remove(t->t_proc, fd);
	return 1;
}

#define TCGETS	   0x5401
#define TIOCGWINSZ 0x5413

/* The same of a call whose first argument is a late descriptor. */
static int
is_harmless_to(unsigned long nr, const struct hj_rule *rule, const long *args)
{
	switch (nr) {
	case __NR_close:
	case __NR_fstat:
	case __NR_newfstatat:
	case __NR_fadvise64:
		return 1;
	case __NR_ioctl:
		return args[1] == TCGETS || args[1] == TIOCGWINSZ;
	default:
		return rule->r_rule == HJ_FILE && rule->r_args[0] == 'r';
	}
}

/*
 * Whether a call does nothing to late descriptors that the kernel must see.  If
 * it is the host's it does not, nor if it is the kernel's with a path; what
 * finds a descriptor by its path in /proc says so (own.c).
 */
static int
is_harmless(struct hj_thread *t, unsigned long nr, const struct hj_rule *rule,
    const long *args)
{
	switch (rule->r_rule) {
	case HJ_ENGINE:
		if (rule->r_args[0] != 'r')
			return 0;
		break;
	case HJ_FILE:
	case HJ_PATH:
		break;
	default:
		return 1;
	}
	return !hj_lower_islate(t, (int)args[0]) ||
	       is_harmless_to(nr, rule, args);
}

/* fstat, or fstatat of the descriptor itself: where the result goes, or 0. */
static unsigned long
asks_late(unsigned long nr, const long *args)
{
	char first = 1;

	if (nr == __NR_fstat)
		return (unsigned long)args[1];
	if (nr != __NR_newfstatat || (int)args[3] != AT_EMPTY_PATH ||
	    hj_copyin(&first, (unsigned long)args[1], 1) != 0 || first != 0)
		return 0;
	return (unsigned long)args[2];
}

/*
 * Before a call of a process that has late descriptors: whether this is its
 * result.
 */
int
hj_lower_before(struct hj_thread *t, unsigned long nr,
    const struct hj_rule *rule, const long *args, long *result)
{
	struct hj_proc *p = t->t_proc;
	unsigned long to;
	struct stat st;

	if (p->p_lateshow.hd_tree != hj_lower_tree(p) ||
	    !is_harmless(t, nr, rule, args)) {
		hj_lower_adopt(t);
		return 0;
	}
	if ((nr != __NR_fstat && nr != __NR_newfstatat) ||
	    !hj_lower_islate(t, (int)args[0]))
		return 0;
	to = asks_late(nr, args);
	if (to == 0) {
		hj_lower_adopt(t);
		return 0;
	}
	*result = hj_raw2(__NR_fstat, (int)args[0], &st);
	if (*result == 0)
		*result = stat_out(to, &st, &p->p_lateshow);
	t->t_bykernel = 1;
	return 1;
}
