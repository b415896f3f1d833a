/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files that are the host's as they are.  Where names are looked up again and
 * again in a directory, the kernel is asked whether all in it are such
 * (SP_HOSTDIR).  If so, and as long as the tree does not change (sh_tree),
 * what its files are is asked of the host, and files that are only read are
 * opened there: the descriptor is late (p_late), the kernel does not know of
 * it.  Before a call that may want to know, and before the next call when the
 * tree has changed, it is told (SP_ADOPT), and makes it one of its own that is
 * direct (descriptors.c).  A late descriptor is marked as that, too.
 *
 * With several threads, and by rules, nothing of this is done.
 */
#include <asm/stat.h>
#include <linux/fcntl.h>
#include <linux/stat.h>

#include "hijack/engine.h"

#define ASK_FIRST 3  /* times that a directory is used until it is asked for */
#define ASK_LAST  64 /* and, where that was in vain, the same at most */
#define USED_WELL 8

#define LATE_FLAGS \
	(O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK | O_LARGEFILE)

#define R_OK 4
#define X_OK 1

_Static_assert(sizeof(struct stat) == HJ_STATSIZE, "as the host has it");

/* A path of the program's whose directory is known. */
struct place {
	const struct hj_dir *pl_dir;
	const char *pl_name; /* the last one, in pl_path */
	char pl_path[HJ_DIRPATH + 256];
	char pl_host[SP_HOSTPATHMAX + 256]; /* the same on the host */
};

/*
 * Directories
 */

static uint64_t
tree_now(const struct hj_proc *p)
{
	return atomic_load_explicit(
	    &p->p_spc.cl_shm->sh_tree, memory_order_seq_cst);
}

/* They begin elsewhere, or are looked at by another. */
void
hj_lower_forget(struct hj_thread *t)
{
	for (int i = 0; i < HJ_NDIRS; i++)
		t->t_proc->p_dirs[i].d_used = 0;
}

/* Another file has this number. */
void
hj_lower_forgetfd(struct hj_thread *t, int fd)
{
	for (int i = 0; i < HJ_NDIRS; i++) {
		if (t->t_proc->p_dirs[i].d_fd == fd)
			t->t_proc->p_dirs[i].d_used = 0;
	}
}

/* Ask the kernel. */
static int
dir_ask(struct hj_thread *t, struct hj_dir *d)
{
	long args[HJ_OPARGS] = {d->d_fd};
	union {
		char path[HJ_DIRPATH];
		struct sp_hostdir host;
	} data;
	const char *path = d->d_prefix[0] != '\0' ? d->d_prefix : ".";
	size_t n = hj_strlen(path) + 1;
	long r;

	memcpy(data.path, path, n);
	r = hj_kernel_op(t, SP_HOSTDIR, args, &data, n, sizeof(data.host));
	d->d_misses = 0;
	if (HJ_FAILED(r) || r == HJ_RESTART) {
		d->d_wait = HJ_MIN(2 * d->d_wait, ASK_LAST);
		return 0;
	}
	d->d_host = data.host;
	d->d_hits = 0;
	t->t_proc->p_known.k_dir = NULL;
	return 1;
}

/* Is it known?  Else, has it been of use often enough to ask? */
static int
dir_isknown(struct hj_thread *t, struct hj_dir *d)
{
	if (d->d_host.hd_tree != 0) {
		if (d->d_host.hd_tree == tree_now(t->t_proc)) {
			d->d_hits++;
			return 1;
		}
		d->d_host.hd_tree = 0;
		d->d_wait = d->d_hits >= USED_WELL
				? 1
				: HJ_MIN(2 * d->d_wait, ASK_LAST);
	}
	return ++d->d_misses >= d->d_wait && dir_ask(t, d);
}

static struct hj_dir *
dir_find(struct hj_thread *t, int fd, const char *path, size_t n)
{
	struct hj_proc *p = t->t_proc;
	struct hj_dir *d;

	for (d = p->p_dirs; d < p->p_dirs + HJ_NDIRS; d++) {
		if (d->d_used && d->d_fd == fd && d->d_prefix[n] == '\0' &&
		    memcmp(d->d_prefix, path, n) == 0)
			return d;
	}
	d = &p->p_dirs[p->p_nextdir++ % HJ_NDIRS];
	d->d_used = 1;
	d->d_fd = fd;
	d->d_misses = 0;
	d->d_wait = ASK_FIRST;
	d->d_host.hd_tree = 0;
	memset(d->d_prefix, 0, sizeof(d->d_prefix));
	memcpy(d->d_prefix, path, n);
	return d;
}

/* Whether a path is that of a name in such a directory. */
static int
place_find(
    struct hj_thread *t, long dirfd, unsigned long path, struct place *pl)
{
	long n = hj_threaded
		     ? 0
		     : hj_copyinstr(pl->pl_path, path, sizeof(pl->pl_path));
	const char *name;
	struct hj_dir *d;
	size_t len;

	if (n <= 0)
		return 0;
	name = hj_basename(pl->pl_path);
	len = (size_t)(name - pl->pl_path);
	if (*name == '\0' || hj_streq(name, ".") || hj_streq(name, "..") ||
	    len == 1 || len > HJ_DIRPATH)
		return 0;
	if (pl->pl_path[0] == '/')
		dirfd = AT_FDCWD;
	else if (hj_path_begins_on_host(t, dirfd, path))
		return 0;
	len -= len > 0; /* the slash */
	d = dir_find(t, (int)dirfd, pl->pl_path, len);
	if (!dir_isknown(t, d))
		return 0;
	pl->pl_dir = d;
	pl->pl_name = name;
	hj_append(
	    hj_append(hj_append(pl->pl_host, d->d_host.hd_path), "/"), name);
	return 1;
}

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

/*
 * What is at a place; if a symbolic link is followed, not that.  1, or 0: the
 * kernel is to be asked; *error is negative if there is nothing.
 */
static int
place_stat(struct hj_thread *t, struct place *pl, int follow, struct stat *st,
    long *error)
{
	struct hj_known *k = &t->t_proc->p_known;
	long r = hj_raw4(
	    __NR_newfstatat, AT_FDCWD, pl->pl_host, st, AT_SYMLINK_NOFOLLOW);

	*error = 0;
	k->k_dir = NULL;
	if (r == -ENOENT) {
		*error = r;
		return 1;
	}
	if (r != 0)
		return 0;
	switch (st->st_mode & S_IFMT) {
	case S_IFREG:
		if (hj_strlen(pl->pl_name) >= sizeof(k->k_name))
			return 1;
		k->k_dir = pl->pl_dir;
		hj_append(k->k_name, pl->pl_name);
		return 1;
	case S_IFDIR:
		return 1;
	case S_IFLNK:
		return !follow;
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
	struct place pl;
	struct stat st;

	if (!place_find(t, dirfd, (unsigned long)args[0], &pl) ||
	    !place_stat(t, &pl, follow, &st, result))
		return 0;
	if (*result == 0)
		*result =
		    stat_out((unsigned long)args[1], &st, &pl.pl_dir->d_host);
	return 1;
}

static int
path_access(struct hj_thread *t, long dirfd, const long *args, long *result)
{
	struct place pl;
	struct stat st;

	return place_find(t, dirfd, (unsigned long)args[0], &pl) &&
	       place_stat(t, &pl, 1, &st, result) &&
	       (*result != 0 || may_all(&st, (int)args[1]));
}

static int
path_readlink(struct hj_thread *t, long dirfd, const long *args, long *result)
{
	char text[HJ_PATHMAX];
	struct place pl;
	long n;

	if ((int)args[2] <= 0 ||
	    !place_find(t, dirfd, (unsigned long)args[0], &pl))
		return 0;
	n = hj_raw4(__NR_readlinkat, AT_FDCWD, pl.pl_host, text, sizeof(text));
	if (n < 0 && n != -EINVAL && n != -ENOENT)
		return 0;
	n = HJ_MIN(n, (int)args[2]);
	*result =
	    n > 0 && hj_copyout((unsigned long)args[1], text, (size_t)n) != 0
		? -EFAULT
		: n;
	return 1;
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
		known = path_access(t, AT_FDCWD, args, result);
		break;
	case HJ_K_faccessat:
		known = path_access(t, args[0], args + 1, result);
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
	       (st->st_mode & S_IFMT) == S_IFREG && st->st_nlink == 1 &&
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
	if (hd->hd_tree != tree_now(p)) {
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
	struct place pl;
	struct stat st;
	long fd;

	/* Closing one gives up locks that only the kernel knows of. */
	if (((int)args[2] & ~LATE_FLAGS) != 0 || t->t_proc->p_locks ||
	    !place_find(t, args[0], (unsigned long)args[1], &pl))
		return 0;
	hd = &pl.pl_dir->d_host;
	*result = 0;
	/* Nothing is opened but what is known to be a regular file. */
	if (k->k_dir != pl.pl_dir || !hj_streq(k->k_name, pl.pl_name)) {
		if (!place_stat(t, &pl, 1, &st, result))
			return 0;
		t->t_bykernel = 1;
		if (*result != 0)
			return 1;
		if (k->k_dir != pl.pl_dir)
			return 0;
	}
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

	if (p->p_lateshow.hd_tree != tree_now(p) ||
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
