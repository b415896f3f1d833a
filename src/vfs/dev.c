/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The list of devices.
 */
#include <sys/sysmacros.h>

#include "vfs/dev.h"

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

int
dev_open(struct lwp *l, struct vnode *vp, int flags, struct file *fp,
    struct file **fpp)
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
	if (cd == NULL)
		return ENXIO;
	if ((flags & O_DIRECT) != 0)
		return EINVAL;
	fp->f_type = DTYPE_DEVICE;
	return cd->cd_open(l, vp, flags, fp, fpp);
}
