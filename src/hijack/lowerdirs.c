/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Directories in which all files are the host's as they are (SP_HOSTDIR), as
 * long as the tree does not change (sh_tree).
 *
 * Of the root directory all that is below may be so, but for some names in it:
 * then a directory that the host finds without a symbolic link on its way is
 * such a one, and one that it does not find is not there.  A link on the way is
 * the host's as well, and what it says takes its place.  Of other directories,
 * which are below one of those names, since somebody has changed something
 * there, the kernel is asked for each; if that was in vain, again after a
 * while.
 *
 * With several threads, and by rules, nothing is known.
 */
#include <linux/fcntl.h>
#include <linux/openat2.h>

#include "hijack/engine.h"

#define ASK_LAST  64 /* uses until the kernel is asked again, at most */
#define USED_WELL 8
#define LINKS	  8 /* on the way to a directory */

uint64_t
hj_lower_tree(const struct hj_proc *p)
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
	memset(&t->t_proc->p_root, 0, sizeof(t->t_proc->p_root));
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

/*
 * From a program to the one that it executes: what is known goes along in the
 * connection's memory.
 */

struct carried {
	uint32_t c_ndirs;
	struct hj_root c_root; /* hd_tree 0: nothing is known */
	struct hj_dir c_dirs[HJ_NDIRS];
};

void
hj_lower_carry(const struct hj_thread *t, void *payload)
{
	const struct hj_proc *p = t->t_proc;
	const uint64_t tree = hj_lower_tree(p);
	const struct hj_dir *d;
	struct carried *c = payload;

	c->c_ndirs = 0;
	c->c_root.r_dir.d_host.hd_tree = 0;
	if (p->p_root.r_dir.d_host.hd_tree != tree ||
	    (p->p_root.r_dir.d_host.hd_flags & SP_HD_ROOT) == 0)
		return;
	c->c_root = p->p_root;
	/* Other descriptors may be closed, or be somebody else's. */
	for (d = p->p_dirs; d < p->p_dirs + HJ_NDIRS; d++) {
		if (d->d_used && d->d_fd == AT_FDCWD &&
		    (d->d_below || d->d_host.hd_tree == tree))
			c->c_dirs[c->c_ndirs++] = *d;
	}
}

void
hj_lower_carried(struct hj_thread *t, const void *payload)
{
	const struct carried *c = payload;
	struct hj_proc *p = t->t_proc;

	if (c->c_root.r_dir.d_host.hd_tree == 0 || c->c_ndirs > HJ_NDIRS)
		return;
	p->p_root = c->c_root;
	p->p_nextdir = c->c_ndirs;
	for (uint32_t i = 0; i < c->c_ndirs; i++)
		p->p_dirs[i] = c->c_dirs[i];
}

/*
 * One directory
 */

/* Whether what is known of it is still true. */
static int
dir_isknown(struct hj_thread *t, struct hj_dir *d)
{
	if (d->d_host.hd_tree == 0)
		return 0;
	if (d->d_host.hd_tree == hj_lower_tree(t->t_proc)) {
		d->d_hits++;
		return 1;
	}
	d->d_host.hd_tree = 0;
	d->d_wait =
	    d->d_hits >= USED_WELL ? 1 : HJ_MIN(2 * d->d_wait, ASK_LAST);
	return 0;
}

/* Ask the kernel, if it has been of use often enough. */
static int
dir_ask(struct hj_thread *t, struct hj_dir *d, const char *path,
    struct sp_hosttree *host)
{
	long args[HJ_OPARGS] = {d->d_fd}, r;
	size_t n = hj_strlen(path) + 1;

	if (++d->d_misses < d->d_wait)
		return 0;
	d->d_misses = 0;
	memcpy(host, path, n);
	r = hj_kernel_op(t, SP_HOSTDIR, args, host, n, sizeof(*host));
	if (HJ_FAILED(r) || r == HJ_RESTART) {
		d->d_wait = HJ_MIN(2 * HJ_MAX(d->d_wait, 1), ASK_LAST);
		return 0;
	}
	return 1;
}

/* It is known from now on. */
static void
dir_know(struct hj_thread *t, struct hj_dir *d, const struct sp_hostdir *host)
{
	d->d_host = *host;
	d->d_hits = 0;
	t->t_proc->p_known.k_dir = NULL;
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
	d->d_below = 0;
	d->d_apart = 0;
	d->d_misses = 0;
	d->d_wait = 1;
	d->d_host.hd_tree = 0;
	memset(d->d_prefix, 0, sizeof(d->d_prefix));
	memcpy(d->d_prefix, path, n);
	return d;
}

static int
one_isknown(struct hj_thread *t, struct hj_dir *d)
{
	struct sp_hosttree host;

	if (dir_isknown(t, d))
		return 1;
	if (!dir_ask(t, d, d->d_prefix[0] != '\0' ? d->d_prefix : ".", &host) ||
	    host.ht_but[0] != '\0')
		return 0;
	dir_know(t, d, &host.ht_dir);
	return 1;
}

/*
 * All that is below the root
 */

static int
root_isknown(struct hj_thread *t)
{
	struct hj_root *root = &t->t_proc->p_root;
	struct sp_hosttree host;

	if (dir_isknown(t, &root->r_dir))
		return 1;
	root->r_dir.d_fd = AT_FDCWD;
	if (!dir_ask(t, &root->r_dir, "/", &host))
		return 0;
	if ((host.ht_dir.hd_flags & SP_HD_TREE) == 0) {
		root->r_dir.d_wait = ASK_LAST;
		return 0;
	}
	dir_know(t, &root->r_dir, &host.ht_dir);
	memcpy(root->r_but, host.ht_but, sizeof(root->r_but));
	return 1;
}

/* A fork has told. */
void
hj_lower_learn(struct hj_thread *t, const struct sp_hosttree *told)
{
	struct hj_root *root = &t->t_proc->p_root;

	if (told->ht_dir.hd_tree == root->r_dir.d_host.hd_tree ||
	    (told->ht_dir.hd_flags & SP_HD_TREE) == 0)
		return;
	root->r_dir.d_fd = AT_FDCWD;
	dir_know(t, &root->r_dir, &told->ht_dir);
	memcpy(root->r_but, told->ht_but, sizeof(root->r_but));
}

/* Whether a name in the root is the host's. */
static int
root_has(const struct hj_root *root, const char *name, size_t n)
{
	const char *but = root->r_but;
	size_t len;

	for (; *but != '\0'; but += len + 1) {
		len = hj_strlen(but);
		if (len == n && memcmp(but, name, n) == 0)
			return 0;
	}
	return 1;
}

/* Whether a path from the root goes down there, and never back to it. */
static int
stays_below(const struct hj_root *root, const char *path, const char *end)
{
	long depth = 0, n;

	for (; path < end; path += n) {
		for (n = 0; path + n < end && path[n] != '/'; n++)
			continue;
		if (n == 0) {
			n = 1;
		} else if (n == 2 && path[0] == '.' && path[1] == '.') {
			if (--depth <= 0)
				return 0;
		} else if (n != 1 || path[0] != '.') {
			if (depth++ == 0 && !root_has(root, path, (size_t)n))
				return 0;
		}
	}
	return depth > 0;
}

/* Let the host find a directory below the root: a negative errno. */
static long
root_find(const struct hj_root *root, const char *path, char *host)
{
	const struct open_how how = {.flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
	    .resolve = RESOLVE_NO_SYMLINKS};
	const char *top = root->r_dir.d_host.hd_path;
	long fd;

	if (hj_strlen(top) + hj_strlen(path) >= SP_HOSTPATHMAX)
		return -ENAMETOOLONG;
	hj_append(hj_append(host, top), path);
	fd = hj_raw4(__NR_openat2, AT_FDCWD, host, &how, sizeof(how));
	if (!HJ_FAILED(fd))
		hj_raw1(__NR_close, fd);
	return HJ_FAILED(fd) ? fd : 0;
}

/*
 * The first symbolic link on a way becomes what it says.  Whether there is one,
 * and it is the host's.
 */
static int
way_follow(const struct hj_root *root, char way[SP_HOSTPATHMAX])
{
	char host[SP_HOSTPATHMAX], text[SP_HOSTPATHMAX], *name;
	size_t at, end = 0, rest;
	long n;

	name = hj_append(host, root->r_dir.d_host.hd_path);
	if ((size_t)(name - host) + hj_strlen(way) >= sizeof(host))
		return 0;
	do {
		for (at = end; way[at] == '/'; at++)
			continue;
		for (end = at; way[end] != '/' && way[end] != '\0'; end++)
			continue;
		if (end == at || !stays_below(root, way, way + end))
			return 0;
		memcpy(name, way, end);
		name[end] = '\0';
		n = hj_raw4(
		    __NR_readlinkat, AT_FDCWD, host, text, sizeof(text));
	} while (n == -EINVAL);
	if (n <= 0)
		return 0;
	if (text[0] == '/')
		at = 0;
	rest = hj_strlen(way + end) + 1;
	if (at + (size_t)n + rest > sizeof(text))
		return 0;
	memmove(way + at + n, way + end, rest);
	memcpy(way + at, text, (size_t)n);
	return 1;
}

/* The same with links on its way; ELOOP: what they say leads elsewhere. */
static long
root_resolve(const struct hj_root *root, const char *path, char *host)
{
	char way[SP_HOSTPATHMAX];
	long r;

	hj_append(way, path);
	for (int links = 0; links <= LINKS; links++) {
		r = stays_below(root, way, way + hj_strlen(way))
			? root_find(root, way, host)
			: -ELOOP;
		if (r != -ELOOP)
			return r;
		if (!way_follow(root, way))
			break;
	}
	return -ELOOP;
}

/* Whether what was found there before still is. */
static int
still_below(const struct hj_root *root, const char *host)
{
	const char *way = hj_after(host, root->r_dir.d_host.hd_path);

	return way != NULL && stays_below(root, way, way + hj_strlen(way));
}

/* The directory of an absolute path; NULL: it cannot be had so. */
static struct hj_dir *
find_below(struct hj_thread *t, struct hj_lowplace *pl, size_t len)
{
	struct hj_root *root = &t->t_proc->p_root;
	struct sp_hostdir host;
	struct hj_dir *d;
	long r;

	if (!root_isknown(t))
		return NULL;
	if (len == 0)
		return root_has(root, pl->pl_name, hj_strlen(pl->pl_name))
			   ? &root->r_dir
			   : NULL;
	d = dir_find(t, AT_FDCWD, pl->pl_path, len);
	if (d->d_apart || dir_isknown(t, d))
		return d->d_apart ? NULL : d;
	host = root->r_dir.d_host;
	if (d->d_below && still_below(root, d->d_host.hd_path)) {
		hj_append(host.hd_path, d->d_host.hd_path);
		r = 0;
	} else {
		r = root_resolve(root, d->d_prefix, host.hd_path);
	}
	d->d_below = r == 0;
	d->d_apart = r == -ELOOP;
	if (r == 0)
		dir_know(t, d, &host);
	pl->pl_missing = r == -ENOENT;
	return r == 0 || r == -ENOENT ? d : NULL;
}

/* Whether a path is that of a name in such a directory. */
int
hj_lowplace_find(
    struct hj_thread *t, long dirfd, unsigned long path, struct hj_lowplace *pl)
{
	long n = hj_threaded
		     ? 0
		     : hj_copyinstr(pl->pl_path, path, sizeof(pl->pl_path));
	struct hj_dir *d = NULL;
	size_t len;

	if (n <= 0)
		return 0;
	pl->pl_name = hj_basename(pl->pl_path);
	pl->pl_dirfd = dirfd;
	pl->pl_missing = 0;
	len = (size_t)(pl->pl_name - pl->pl_path);
	if (hj_streq(pl->pl_name, "..") || len > HJ_DIRPATH)
		return 0;
	/* What has no name is known by where it is. */
	if ((*pl->pl_name == '\0' || hj_streq(pl->pl_name, ".")) && len <= 1)
		return 0;
	len -= len > 0; /* the slash */
	if (pl->pl_path[0] == '/') {
		dirfd = AT_FDCWD;
		d = find_below(t, pl, len);
		if (d == NULL && len == 0)
			return 0;
	} else if (hj_path_begins_on_host(t, dirfd, path)) {
		return 0;
	}
	if (d == NULL) {
		d = dir_find(t, (int)dirfd, pl->pl_path, len);
		if (!one_isknown(t, d))
			return 0;
	}
	pl->pl_dir = d;
	hj_append(hj_append(hj_append(pl->pl_host, d->d_host.hd_path), "/"),
	    pl->pl_name);
	return 1;
}

/* Whether a place is known to be a directory. */
int
hj_lowplace_isdir(struct hj_thread *t, const struct hj_lowplace *pl)
{
	const struct hj_proc *p = t->t_proc;
	const uint64_t tree = hj_lower_tree(p);
	const size_t n = hj_strlen(pl->pl_host);
	const struct hj_dir *d;

	if (n >= SP_HOSTPATHMAX)
		return 0;
	for (d = p->p_dirs; d < p->p_dirs + HJ_NDIRS; d++) {
		if (d->d_used && d->d_below && d->d_host.hd_tree == tree &&
		    d->d_host.hd_path[n] == '\0' &&
		    memcmp(d->d_host.hd_path, pl->pl_host, n) == 0)
			return 1;
	}
	return 0;
}

/*
 * The path of a place, as the kernel would say it; "": it is not known.  There
 * are no links on the way, so what goes up there is what it says.
 */
void
hj_lowplace_name(struct hj_thread *t, const struct hj_lowplace *pl, char *path)
{
	const struct hj_dir *root = &t->t_proc->p_root.r_dir;
	const char *way;

	*path = '\0';
	if (pl->pl_dir != root && !pl->pl_dir->d_below)
		return;
	way = hj_after(pl->pl_dir->d_host.hd_path, root->d_host.hd_path);
	if (way == NULL)
		return;
	hj_append(hj_append(hj_append(path, way), "/"), pl->pl_name);
	hj_path_normalize(path);
}
