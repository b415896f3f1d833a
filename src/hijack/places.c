/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The host's /dev, /proc and /sys, which are there in a world: what is in them
 * is used as on the host, but its names, modes and owners stay as they are.
 * A program that removes or changes all that it finds, as root of the world
 * may, would take the host's devices with it.
 *
 * What programs make there to work together is theirs to make and to remove:
 * shared memory and queues; and so are the modes and owners of terminals.
 */
#include <linux/fcntl.h>
#include <linux/stat.h>

#include "hijack/engine.h"

/* Which call it is, and which of its paths that is about. */
enum hj_change
hj_place_change(const struct hj_path *p, const long *args, int *which)
{
	uint64_t flags = 0;

	*which = 0;
	switch (p->p_kernel) {
	case HJ_K_unlink:
	case HJ_K_unlinkat:
	case HJ_K_rmdir:
	case HJ_K_rename:
	case HJ_K_renameat:
	case HJ_K_renameat2:
		return HJ_RENAMES;
	case HJ_K_chmod:
	case HJ_K_fchmodat:
	case HJ_K_chown:
	case HJ_K_lchown:
	case HJ_K_fchownat:
	case HJ_K_setxattr:
	case HJ_K_lsetxattr:
	case HJ_K_removexattr:
	case HJ_K_lremovexattr:
		return HJ_SETS;
	case HJ_K_link:
	case HJ_K_linkat:
		*which = 1;
		return HJ_MAKES;
	case HJ_K_mkdir:
	case HJ_K_mkdirat:
	case HJ_K_mknod:
	case HJ_K_mknodat:
	case HJ_K_symlink:
	case HJ_K_symlinkat:
		return HJ_MAKES;
	case HJ_K_openat:
		return (args[2] & O_CREAT) != 0 ? HJ_MAKES : HJ_CHANGES_NOTHING;
	case HJ_K_openat2:
		hj_copyin(&flags, (unsigned long)args[2], sizeof(flags));
		return (flags & O_CREAT) != 0 ? HJ_MAKES : HJ_CHANGES_NOTHING;
	default:
		return HJ_CHANGES_NOTHING;
	}
}

static int
begins(const char *path, const char *const *list)
{
	for (; *list != NULL; list++) {
		if (hj_after(path, *list) != NULL)
			return 1;
	}
	return 0;
}

static int
is_kept(const char *path)
{
	static const char *const places[] = {"/dev", "/proc", "/sys"};
	static const char *const shared[] = {
	    "/dev/shm/", "/dev/mqueue/", "/dev/hugepages/", "/dev/pts/", NULL};
	const char *rest;

	if (begins(path, shared))
		return 0;
	for (int i = 0; i < 3; i++) {
		rest = hj_after(path, places[i]);
		if (rest != NULL && (*rest == '\0' || *rest == '/'))
			return 1;
	}
	return 0;
}

/*
 * Where a path of the host's is, whatever symbolic links it goes by; at its end
 * one is only followed if follow is set.  0 or what the host says.
 */
static long
real_path(long dirfd, unsigned long path, int follow, char full[HJ_PATHMAX])
{
	char text[HJ_PATHMAX], link[32], *name;
	long n = hj_copyinstr(text, path, sizeof(text)), fd;

	/* The descriptor itself; if there is none, the host says so. */
	if (n == 0) {
		n = hj_path_full(dirfd, path, full);
		if (n == -ENOENT)
			full[0] = '\0';
		return n == -ENOENT ? 0 : n;
	}
	if (n < 0)
		return n;
	name = text + n;
	while (!follow && name > text && name[-1] == '/')
		name--;
	while (!follow && name > text && name[-1] != '/')
		name--;
	hj_append(full, name == text ? "." : text);
	if (name > text)
		full[name - text] = '\0';
	fd = hj_raw4(__NR_openat, dirfd, full, O_PATH | O_CLOEXEC, 0);
	if (HJ_FAILED(fd))
		return fd;
	hj_fd_link(link, (int)fd);
	n = hj_raw4(__NR_readlinkat, AT_FDCWD, link, full, HJ_PATHMAX);
	hj_raw1(__NR_close, fd);
	if (HJ_FAILED(n))
		return n;
	if ((size_t)n + hj_strlen(name) + 2 > HJ_PATHMAX)
		return -ENAMETOOLONG;
	full[n++] = '/';
	hj_append(full + n, name);
	hj_path_normalize(full);
	return 0;
}

/*
 * May the host make such a call for a path of its own?  0 or an error, -EPERM
 * for one.  What is not there cannot be changed, nor what is there be made: the
 * host says so.
 */
long
hj_place_check(
    enum hj_change change, long dirfd, unsigned long path, int follow)
{
	char full[HJ_PATHMAX];
	struct statx st;
	long r;

	if (change == HJ_CHANGES_NOTHING)
		return 0;
	r = real_path(dirfd, path, follow && change == HJ_SETS, full);
	if (r != 0 || !is_kept(full))
		return r;
	r = hj_raw5(
	    __NR_statx, AT_FDCWD, full, AT_SYMLINK_NOFOLLOW, STATX_TYPE, &st);
	return (r == 0) == (change != HJ_MAKES) ? -EPERM : 0;
}

/* The same of what is open, whose mode, owner or the like is to be changed. */
long
hj_place_fdcheck(long fd)
{
	if (!hj_has_kernel() || hj_has_rules())
		return 0;
	return hj_place_check(HJ_SETS, fd, (unsigned long)"", 0);
}
