/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where on the host a path leads that leads out of here (EREMOTE).
 */
#include <stdio.h>

#include "vfs/vfs_impl.h"

struct where {
	char *w_buf; /* PATH_MAX bytes */
	size_t w_len;
};

static int
where_add(struct where *w, const char *text)
{
	size_t len = strlen(text);

	if (len >= PATH_MAX - w->w_len)
		return ENAMETOOLONG;
	memcpy(w->w_buf + w->w_len, text, len + 1);
	w->w_len += len;
	return 0;
}

/* What is mounted there, and what was left to walk. */
static int
where_elsewhere(struct where *w, const struct nameidata *nd)
{
	int error = where_add(w, nd->ni_mount->mnt_from);
	unsigned i;

	for (i = nd->ni_depth; i-- > 0 && error == 0;) {
		if (*nd->ni_rest[i] != '\0' && (error = where_add(w, "/")) == 0)
			error = where_add(w, nd->ni_rest[i]);
	}
	return error == 0 && nd->ni_slash ? where_add(w, "/") : error;
}

/* A name for a file that is here, while it is open on the host. */
static int
where_here(struct where *w, const struct nameidata *nd)
{
	struct vnode *vp = nd->ni_vp;
	struct stat sb;
	int error;

	if (vnode_type(vp) != S_IFIFO && vnode_type(vp) != S_IFSOCK)
		return EINVAL;
	if ((error = vnode_stat(nd->ni_mount, vp, &sb)) != 0)
		return error;
	w->w_len = (size_t)snprintf(w->w_buf, PATH_MAX, "%s.%llx.%llx",
	    vnode_type(vp) == S_IFIFO ? "fifo" : "socket",
	    (unsigned long long)sb.st_dev, (unsigned long long)sb.st_ino);
	return 0;
}

int
vfs_hostpath(
    struct lwp *l, int dirfd, const char *path, bool follow, char buf[PATH_MAX])
{
	struct where w = {.w_buf = buf};
	struct nameidata nd;
	int error;

	namei_init(&nd, l, dirfd, follow ? NAMEI_FOLLOW : 0);
	if ((error = namei_setpath(&nd, path)) != 0)
		return error;
	error = namei(&nd);
	if (error == EREMOTE)
		return where_elsewhere(&w, &nd);
	return error != 0 ? error : where_here(&w, &nd);
}
