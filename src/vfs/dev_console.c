/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The console as a device.  Process 1's first descriptors are the same without
 * a name (kern/console.c).
 */
#include "vfs/dev.h"

static const struct fileops devconsole_fileops = {
    .fo_read = console_read,
    .fo_write = console_write,
    .fo_stat = vnode_fo_stat,
    .fo_poll = console_poll,
    .fo_klist = console_klist,
    .fo_close = vnode_fo_close,
};

static int
console_open(struct lwp *l, struct vnode *vp, int flags, struct file *fp,
    struct file **fpp)
{
	(void)l, (void)vp, (void)flags, (void)fpp;
	fp->f_ops = &devconsole_fileops;
	return 0;
}

void
dev_console_init(void)
{
	static struct cdev console = {
	    .cd_name = "console",
	    .cd_mode = S_IFCHR | 0600,
	    .cd_dev = DEV_NUMBER(5, 1),
	    .cd_open = console_open,
	};

	dev_register(&console);
}
