/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Devices of nothing but bytes: null, zero, full, random, urandom.
 *
 * Their position is always 0, and whatever is read or written is so at any.
 */
#include <linux/random.h>

#include "vfs/dev.h"

#define MEM_MAJOR 1

/* What random says that it knows: it never runs out. */
#define RANDOM_BITS 256

static int
mem_seek(struct lwp *l, struct file *fp, off_t off, int whence, off_t *offp)
{
	(void)l, (void)fp, (void)off, (void)whence;
	*offp = 0;
	return 0;
}

static int
null_read(struct lwp *l, struct file *fp, off_t *offp, struct uio *uio)
{
	(void)l, (void)fp, (void)offp, (void)uio;
	return 0;
}

/* What is written is not looked at. */
static int
null_write(struct lwp *l, struct file *fp, off_t *offp, struct uio *uio)
{
	(void)l, (void)fp, (void)offp;
	uio->uio_resid = 0;
	return 0;
}

static int
zero_read(struct lwp *l, struct file *fp, off_t *offp, struct uio *uio)
{
	(void)l, (void)fp, (void)offp;
	return uiomove_zero(uio->uio_resid, uio);
}

static int
full_write(struct lwp *l, struct file *fp, off_t *offp, struct uio *uio)
{
	(void)l, (void)fp, (void)offp, (void)uio;
	return ENOSPC;
}

static int
random_read(struct lwp *l, struct file *fp, off_t *offp, struct uio *uio)
{
	char buf[256];
	size_t n;
	int error = 0;

	(void)l, (void)fp, (void)offp;
	while (error == 0 && uio->uio_resid > 0) {
		n = uio->uio_resid < sizeof(buf) ? uio->uio_resid : sizeof(buf);
		hyper_random(buf, n);
		error = uiomove(buf, n, uio);
	}
	return error;
}

/* The host's is good enough: what is written adds nothing. */
static int
random_write(struct lwp *l, struct file *fp, off_t *offp, struct uio *uio)
{
	char buf[256];
	int error = 0;

	(void)l, (void)fp, (void)offp;
	while (error == 0 && uio->uio_resid > 0)
		error = uiomove(buf,
		    uio->uio_resid < sizeof(buf) ? uio->uio_resid : sizeof(buf),
		    uio);
	return error;
}

static int
random_ioctl(
    struct lwp *l, struct file *fp, unsigned long cmd, void *data, int *retval)
{
	int bits = RANDOM_BITS;

	(void)retval;
	(void)l, (void)fp;
	return cmd == RNDGETENTCNT ? copyout(&bits, data, sizeof(bits))
				   : EINVAL;
}

static const struct fileops null_fileops = {
    .fo_read = null_read,
    .fo_write = null_write,
    .fo_stat = vnode_fo_stat,
    .fo_seek = mem_seek,
    .fo_close = vnode_fo_close,
};

static const struct fileops zero_fileops = {
    .fo_read = zero_read,
    .fo_write = null_write,
    .fo_stat = vnode_fo_stat,
    .fo_seek = mem_seek,
    .fo_close = vnode_fo_close,
};

static const struct fileops full_fileops = {
    .fo_read = zero_read,
    .fo_write = full_write,
    .fo_stat = vnode_fo_stat,
    .fo_seek = mem_seek,
    .fo_close = vnode_fo_close,
};

static const struct fileops random_fileops = {
    .fo_read = random_read,
    .fo_write = random_write,
    .fo_stat = vnode_fo_stat,
    .fo_seek = mem_seek,
    .fo_ioctl = random_ioctl,
    .fo_close = vnode_fo_close,
};

static int
null_open(struct lwp *l, struct vnode *vp, int flags, struct file *fp,
    struct file **fpp)
{
	(void)l, (void)vp, (void)flags, (void)fpp;
	fp->f_ops = &null_fileops;
	return 0;
}

static int
zero_open(struct lwp *l, struct vnode *vp, int flags, struct file *fp,
    struct file **fpp)
{
	(void)l, (void)vp, (void)flags, (void)fpp;
	fp->f_ops = &zero_fileops;
	return 0;
}

static int
full_open(struct lwp *l, struct vnode *vp, int flags, struct file *fp,
    struct file **fpp)
{
	(void)l, (void)vp, (void)flags, (void)fpp;
	fp->f_ops = &full_fileops;
	return 0;
}

static int
random_open(struct lwp *l, struct vnode *vp, int flags, struct file *fp,
    struct file **fpp)
{
	(void)l, (void)vp, (void)flags, (void)fpp;
	fp->f_ops = &random_fileops;
	return 0;
}

#define MEM_DEVICE(name, minor, open)                                      \
	{                                                                  \
		.cd_name = (name), .cd_mode = S_IFCHR | 0666,              \
		.cd_dev = DEV_NUMBER(MEM_MAJOR, minor), .cd_open = (open), \
	}

void
dev_mem_init(void)
{
	static struct cdev devices[] = {
	    MEM_DEVICE("null", 3, null_open),
	    MEM_DEVICE("zero", 5, zero_open),
	    MEM_DEVICE("full", 7, full_open),
	    MEM_DEVICE("random", 8, random_open),
	    MEM_DEVICE("urandom", 9, random_open),
	};
	size_t i;

	for (i = 0; i < nitems(devices); i++)
		dev_register(&devices[i]);
}
