/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Terminals as devices: /dev/tty, the controlling one; /dev/ptmx, which makes
 * a pseudo terminal each time it is opened; and their slaves, which have names
 * in ptyfs.
 */
#include <sys/sysmacros.h>

#include "kern/tty.h"
#include "vfs/dev.h"

static void
devtty_close(struct file *fp)
{
	tty_close(fp);
	vnode_fo_close(fp);
}

static const struct fileops devtty_fileops = {
    .fo_read = tty_read,
    .fo_write = tty_write,
    .fo_stat = vnode_fo_stat,
    .fo_ioctl = tty_ioctl,
    .fo_poll = tty_poll,
    .fo_klist = tty_klist,
    .fo_async = tty_async,
    .fo_close = devtty_close,
};

static int
ctty_open(struct lwp *l, struct vnode *vp, int flags, struct file *fp,
    struct file **fpp)
{
	(void)vp, (void)flags, (void)fpp;
	fp->f_ops = &devtty_fileops;
	return tty_open_controlling(l, fp);
}

static int
ptmx_open(struct lwp *l, struct vnode *vp, int flags, struct file *fp,
    struct file **fpp)
{
	(void)vp, (void)flags, (void)fpp;
	fp->f_ops = &devtty_fileops;
	return pty_open_master(l, fp);
}

static int
pts_open(struct lwp *l, struct vnode *vp, int flags, struct file *fp,
    struct file **fpp)
{
	struct stat sb = {0};
	int error;

	(void)fpp;
	if ((error = vp->v_ops->vop_getattr(vp, &sb)) != 0)
		return error;
	fp->f_ops = &devtty_fileops;
	return pty_open_slave(l, minor(sb.st_rdev), flags, fp);
}

static int
pts_revoke(dev_t dev)
{
	return pty_revoke(minor(dev));
}

void
dev_tty_init(void)
{
	static struct cdev tty = {
	    .cd_name = "tty",
	    .cd_mode = S_IFCHR | 0666,
	    .cd_dev = DEV_NUMBER(5, 0),
	    .cd_open = ctty_open,
	};
	static struct cdev ptmx = {
	    .cd_name = "ptmx",
	    .cd_mode = S_IFCHR | 0666,
	    .cd_dev = DEV_NUMBER(5, 2),
	    .cd_open = ptmx_open,
	};
	static struct cdev pts = {
	    .cd_mode = S_IFCHR | 0620,
	    .cd_dev = DEV_PTS,
	    .cd_minors = PTY_MAX,
	    .cd_open = pts_open,
	    .cd_revoke = pts_revoke,
	};

	dev_register(&tty);
	dev_register(&ptmx);
	dev_register(&pts);
}
