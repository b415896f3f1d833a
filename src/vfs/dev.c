/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The list of devices, and revoke.
 */
#include <sys/sysmacros.h>

#include "sysproto.h"
#include "vfs/dev.h"
#include "vfs/vfs_impl.h"

/* Written with dev_lock held, read in a section without it. */
static struct cdev *_Atomic dev_first;
static struct kmutex dev_lock;

int (*dev_show)(const struct cdev *, bool show);

static struct cdev *
dev_next(struct cdev *const _Atomic *cdp)
{
	return atomic_load_explicit(cdp, memory_order_acquire);
}

/* Where a device is, or NULL, linked in the list. */
static struct cdev *_Atomic *
dev_link(const struct cdev *cd)
{
	struct cdev *_Atomic *cdp = &dev_first, *c;

	while ((c = dev_next(cdp)) != cd)
		cdp = &c->cd_next;
	return cdp;
}

void
dev_register(struct cdev *cd)
{
	mutex_enter(&dev_lock);
	atomic_init(&cd->cd_next, NULL);
	/* Release pairs with the acquire in dev_next. */
	atomic_store_explicit(dev_link(NULL), cd, memory_order_release);
	mutex_exit(&dev_lock);
}

int
dev_add(struct cdev *cd)
{
	dev_register(cd);
	return dev_show(cd, true);
}

void
dev_remove(struct cdev *cd)
{
	(void)dev_show(cd, false);
	mutex_enter(&dev_lock);
	atomic_store_explicit(
	    dev_link(cd), dev_next(&cd->cd_next), memory_order_release);
	mutex_exit(&dev_lock);
}

int
dev_foreach(int (*fn)(const struct cdev *, void *arg), void *arg)
{
	const struct cdev *cd;
	int error = 0;

	for (cd = dev_next(&dev_first); cd != NULL && error == 0;
	     cd = dev_next(&cd->cd_next))
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
dev_find(struct vnode *vp, const struct cdev **cdp, dev_t *devp)
{
	struct stat sb = {0};
	const struct cdev *cd;
	int error;

	if ((error = vp->v_ops->vop_getattr(vp, &sb)) != 0)
		return error;
	for (cd = dev_next(&dev_first); cd != NULL; cd = dev_next(&cd->cd_next))
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
