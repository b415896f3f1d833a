/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copying from file to file in the kernel.
 */
#include "kern/kern.h"

/* As much is read at a time. */
#define COPY_CHUNK 65536

off_t
file_getpos(struct lwp *l, struct file *fp)
{
	bool locked = file_enter(l, fp);
	off_t off = fp->f_offset;

	file_leave(fp, locked);
	return off;
}

void
file_setpos(struct lwp *l, struct file *fp, off_t off)
{
	bool locked = file_enter(l, fp);

	fp->f_offset = off;
	file_leave(fp, locked);
}

/* One chunk through buf; *np bytes were copied. */
static int
copy_chunk(struct lwp *l, struct file *in, off_t *inp, struct file *out,
    off_t *outp, char *buf, size_t size, size_t *np)
{
	struct iovec iov;
	struct uio uio;
	off_t off = *inp;
	size_t n;
	int error;

	*np = 0;
	uio_init1(&uio, &iov, buf, size, UIO_READ);
	error = in->f_ops->fo_read(l, in, &off, &uio);
	if ((n = size - uio.uio_resid) == 0)
		return error;
	uio_init1(&uio, &iov, buf, n, UIO_WRITE);
	error = out->f_ops->fo_write(l, out, outp, &uio);
	*np = n - uio.uio_resid;
	*inp += (off_t)*np;
	return error;
}

int
file_copy(struct lwp *l, struct file *in, off_t *inp, struct file *out,
    off_t *outp, size_t len, size_t *donep)
{
	size_t size = len < COPY_CHUNK ? len : COPY_CHUNK, n;
	char *buf;
	int error = 0;

	*donep = 0;
	if ((buf = kmem_alloc(size + 1)) == NULL)
		return ENOMEM;
	while (error == 0 && *donep < len) {
		n = len - *donep;
		error = copy_chunk(
		    l, in, inp, out, outp, buf, n < size ? n : size, &n);
		if (n == 0)
			break;
		*donep += n;
	}
	/* Once more: the file may be written to as well. */
	if (in->f_ops->fo_accessed != NULL)
		in->f_ops->fo_accessed(in);
	kmem_free(buf, size + 1);
	return *donep > 0 ? 0 : error;
}
