/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * copy_file_range.
 */
#include "kern/signal.h"
#include "sysproto.h"
#include "vfs/vfs_impl.h"

struct copyrange {
	struct file *cr_in, *cr_out;
	off_t cr_inoff, cr_outoff;
	size_t cr_len;
};

/* Are the files of a kind, and open, that data can be copied between? */
static int
copy_checkfiles(const struct copyrange *cr)
{
	const struct vnode *in = cr->cr_in->f_vnode, *out = cr->cr_out->f_vnode;

	if ((in != NULL && vnode_isdir(in)) ||
	    (out != NULL && vnode_isdir(out)))
		return EISDIR;
	if (in == NULL || out == NULL || !S_ISREG(vnode_mode(in)) ||
	    !S_ISREG(vnode_mode(out)))
		return EINVAL;
	if (!file_readable(cr->cr_in) || !file_writable(cr->cr_out) ||
	    (file_flags(cr->cr_out) & O_APPEND) != 0)
		return EBADF;
	if (in->v_super != out->v_super)
		return EXDEV;
	return (vnode_mode(out) & V_IMMUTABLE) != 0 ? EPERM : 0;
}

/* Cut the range at the end of the file and at the limits. */
static int
copy_checkrange(struct copyrange *cr, off_t size, off_t limit)
{
	uint64_t in = (uint64_t)cr->cr_inoff, out = (uint64_t)cr->cr_outoff;

	if (in + cr->cr_len < in || out + cr->cr_len < out)
		return EOVERFLOW;
	if (cr->cr_inoff >= size)
		cr->cr_len = 0;
	else if (cr->cr_len > (uint64_t)size - in)
		cr->cr_len = (size_t)((uint64_t)size - in);
	if (cr->cr_outoff >= limit)
		return EFBIG;
	if (cr->cr_outoff >= 0 &&
	    cr->cr_len > (uint64_t)(limit - cr->cr_outoff))
		cr->cr_len = (size_t)(limit - cr->cr_outoff);
	if (cr->cr_in->f_vnode == cr->cr_out->f_vnode &&
	    cr->cr_outoff + (off_t)cr->cr_len > cr->cr_inoff &&
	    cr->cr_outoff < cr->cr_inoff + (off_t)cr->cr_len)
		return EINVAL;
	return cr->cr_inoff < 0 || cr->cr_outoff < 0 ? EINVAL : 0;
}

static int
copy_range(struct lwp *l, struct copyrange *cr, unsigned flags, size_t *donep)
{
	struct vwrite vw = vwrite_of(l, cr->cr_out->f_mount);
	off_t size;
	int error;

	if (flags != 0)
		return EINVAL;
	if ((error = copy_checkfiles(cr)) != 0 ||
	    (error = vnode_size(cr->cr_in->f_vnode, &size)) != 0 ||
	    (error = copy_checkrange(cr, size, vw.vw_limit)) != 0)
		return error;
	if (cr->cr_len == 0)
		return 0;
	if (cr->cr_len > UIO_MAXLEN)
		cr->cr_len = UIO_MAXLEN;
	return file_copy(l, cr->cr_in, &cr->cr_inoff, cr->cr_out,
	    &cr->cr_outoff, cr->cr_len, donep);
}

/* Where to begin, and where it ended: the caller's offset or the file's. */
static int
off_start(struct lwp *l, struct file *fp, const off_t *uoff, off_t *offp)
{
	if (uoff != NULL)
		return copyin(uoff, offp, sizeof(*offp));
	*offp = file_getpos(l, fp);
	return 0;
}

static int
off_finish(struct lwp *l, struct file *fp, off_t *uoff, off_t off)
{
	if (uoff != NULL)
		return copyout(&off, uoff, sizeof(off));
	file_setpos(l, fp, off);
	return 0;
}

int
sys_copy_file_range(struct lwp *l, int infd, off_t *inoff, int outfd,
    off_t *outoff, size_t len, unsigned int flags, ssize_t *retval)
{
	struct copyrange cr = {.cr_len = len};
	size_t done = 0;
	int error;

	if ((error = fd_getopen(l, infd, &cr.cr_in)) != 0)
		return error;
	if ((error = fd_getref(l, outfd, &cr.cr_out)) != 0)
		goto out;
	if ((file_flags(cr.cr_out) & O_PATH) != 0)
		error = EBADF;
	else if ((error = off_start(l, cr.cr_in, inoff, &cr.cr_inoff)) == 0 &&
		 (error = off_start(l, cr.cr_out, outoff, &cr.cr_outoff)) ==
		     0 &&
		 (error = copy_range(l, &cr, flags, &done)) == 0 && done > 0 &&
		 (error = off_finish(l, cr.cr_in, inoff, cr.cr_inoff)) == 0)
		error = off_finish(l, cr.cr_out, outoff, cr.cr_outoff);
	file_rele(cr.cr_out);
out:
	fd_putfile(l, cr.cr_in);
	*retval = (ssize_t)done;
	return signal_xfsz(l, error);
}
