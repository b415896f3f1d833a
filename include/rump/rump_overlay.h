/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What has been changed through an overlay, seen from its lower layers.
 * Manual page: rump_overlay(3).
 */
#ifndef RUMP_RUMP_OVERLAY_H
#define RUMP_RUMP_OVERLAY_H

#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* In what way a name differs from what the lower layers have under it. */
enum rump_overlay_kind {
	RUMP_OVERLAY_ADDED,    /* they have nothing */
	RUMP_OVERLAY_MODIFIED, /* data or attributes */
	RUMP_OVERLAY_REMOVED,
	RUMP_OVERLAY_REPLACED, /* they have something that is no more: a file of
				  another type, or a directory of which nothing
				  is left */
};

struct rump_overlay_change {
	enum rump_overlay_kind oc_kind;
	mode_t oc_type;	     /* S_IFMT bits; of what is removed if it is */
	const char *oc_path; /* from the overlay's root, without a slash */
};

/*
 * Call fn with each name that differs, directories before what is in them,
 * until it returns something else than 0, which is returned.  A file counts
 * as modified when it was brought to the upper layer, a directory when owner
 * or permissions are others.  What a renamed directory has in it is added.
 * The list is made first: fn may do what it likes.
 *
 *	dir	the root of a mount of type overlay or union
 *
 * Returns 0, what fn returned, or an errno: that of looking dir up, EINVAL if
 * it is no such root, EPERM for users but root, ENAMETOOLONG for a path of
 * PATH_MAX and more, ENOMEM, ENXIO before boot.
 */
int rump_pub_overlay_diff(const char *dir,
    int (*fn)(void *arg, const struct rump_overlay_change *), void *arg);

/*
 * Do to a directory of the host what has been changed: what was added, modified
 * or replaced is put there, what was removed is removed, each file at once.
 * Nothing outside of the directory is touched, and no symbolic link followed.
 * Files get data, type, permissions and times, and owners if the host process
 * may give them; not extended attributes.  Names of one file that are put there
 * are so there, too.  The name ".rump-overlay" is used in between.
 *
 *	dir	as above
 *	hostdirfd	a descriptor of the host
 *
 * Returns 0, an errno as above or of the host's file system: then a part has
 * been done, and calling it again does it all.  EBADF for a bad hostdirfd.
 */
int rump_pub_overlay_apply(const char *dir, int hostdirfd);

#ifdef __cplusplus
}
#endif

#endif /* RUMP_RUMP_OVERLAY_H */
