/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The list of devices, and revoke.
 */
#include <sys/sysmacros.h>

#include "sysproto.h"
#include "vfs/dev.h"
#include "vfs/vfs_impl.h"

static struct cdev *dev_first, **dev_last = &dev_first; /* stable after boot */

void
dev_register(struct cdev *cd)
{
	cd->cd_next = NULL;
	*dev_last = cd;
	dev_last = &cd->cd_next;
}

int
dev_foreach(int (*fn)(const struct cdev *, void *arg), void *arg)
{
	const struct cdev *cd;
	int error = 0;

	for (cd = dev_first; cd != NULL && error == 0; cd = cd->cd_next)
		error = fn(cd, arg);
	return error;
}

static bool
dev_isof(const struct cdev *cd, dev_t dev)
{
	return dev == cd->cd_dev ||
	       (major(dev) == major(cd->cd_dev) &&
		   minor(dev) - minor(cd->cd_dev) < cd->cd_minors);
}

/* The driver of a special file and its number.  ENXIO. */
static int
dev_find(struct vnode *vp, const struct cdev **cdp, dev_t *devp)
{
	struct stat sb = {0};
	const struct cdev *cd;
	int error;

	if ((error = vp->v_ops->vop_getattr(vp, &sb)) != 0)
		return error;
	for (cd = dev_first; cd != NULL; cd = cd->cd_next)
		if (dev_isof(cd, sb.st_rdev) &&
		    (cd->cd_mode & S_IFMT) == vnode_type(vp))
			break;
	*cdp = cd;
	*devp = sb.st_rdev;
	return cd != NULL ? 0 : ENXIO;
}

int
dev_open(struct lwp *l, struct vnode *vp, int flags, struct file *fp,
    struct file **fpp)
{
	const struct cdev *cd;
	dev_t dev;
	int error;

	if ((error = dev_find(vp, &cd, &dev)) != 0)
		return error;
	if ((flags & O_DIRECT) != 0)
		return EINVAL;
	fp->f_type = DTYPE_DEVICE;
	return cd->cd_open(l, vp, flags, fp, fpp);
}

int
sys_revoke(struct lwp *l, const char *path)
{
	struct nameidata nd;
	const struct cdev *cd;
	dev_t dev;
	int error;

	error = namei_user(&nd, l, AT_FDCWD, path, NAMEI_FOLLOW);
	if (error != 0)
		return error;
	if (!S_ISCHR(vnode_mode(nd.ni_vp)) && !S_ISBLK(vnode_mode(nd.ni_vp)))
		return EINVAL;
	if ((error = vnode_owner(nd.ni_mount, nd.ni_vp, nd.ni_cred)) != 0 ||
	    (error = dev_find(nd.ni_vp, &cd, &dev)) != 0)
		return error;
	return cd->cd_revoke != NULL ? cd->cd_revoke(dev) : EOPNOTSUPP;
}
