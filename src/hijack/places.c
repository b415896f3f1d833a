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

/* A link to what is open, wherever that is. */
static int
is_open_link(const char *path)
{
	static const char *const links[] = {"/dev/fd/", "/dev/std", NULL};

	if (begins(path, links))
		return 1;
	if (hj_after(path, "/proc/") == NULL)
		return 0;
	for (; *path != '\0'; path++) {
		if (hj_after(path, "/fd/") != NULL)
			return 1;
	}
	return 0;
}

static int
is_kept(const char *path, enum hj_change change)
{
	static const char *const places[] = {"/dev", "/proc", "/sys"};
	static const char *const shared[] = {
	    "/dev/shm/", "/dev/mqueue/", "/dev/hugepages/", "/dev/pts/", NULL};
	const char *rest;

	if (begins(path, shared) || (change == HJ_SETS && is_open_link(path)))
		return 0;
	for (int i = 0; i < 3; i++) {
		rest = hj_after(path, places[i]);
		if (rest != NULL && (*rest == '\0' || *rest == '/'))
			return 1;
	}
	return 0;
}

/*
 * May the host make such a call for a path of its own?  0 or -EPERM.  What is
 * not there cannot be changed, nor what is there be made: the host says so.
 */
long
hj_place_check(enum hj_change change, long dirfd, unsigned long path)
{
	char full[HJ_PATHMAX];
	struct statx st;
	long r;

	if (change == HJ_CHANGES_NOTHING ||
	    hj_path_full(dirfd, path, full) != 0 || !is_kept(full, change))
		return 0;
	r = hj_raw5(
	    __NR_statx, AT_FDCWD, full, AT_SYMLINK_NOFOLLOW, STATX_TYPE, &st);
	return (r == 0) == (change != HJ_MAKES) ? -EPERM : 0;
}
