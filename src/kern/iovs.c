/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The buffers of calls that have several: see iovs.h.
 */
#include "kern/iovs.h"

#include <limits.h>

#include "kern/kern.h"

void
iovs_free(struct iovs *iv)
{
	if (iv->iv_mem != NULL)
		kmem_free(iv->iv_mem, iv->iv_size);
}

/* Check the buffers, cut them to UIO_MAXLEN bytes and set up the uio. */
static int
iovs_check(struct iovec *iov, int iovcnt, enum uio_rw rw, struct uio *uio)
{
	size_t len;
	int i;

	for (i = 0; i < iovcnt; i++) {
		if (iov[i].iov_len > SSIZE_MAX)
			return EINVAL;
	}
	uio->uio_resid = 0;
	for (i = 0; i < iovcnt; i++) {
		len = iov[i].iov_len;
		if (!useraddr_inrange(iov[i].iov_base, len))
			return EFAULT;
		if (len > UIO_MAXLEN - uio->uio_resid)
			len = iov[i].iov_len = UIO_MAXLEN - uio->uio_resid;
		uio->uio_resid += len;
	}
	uio->uio_iov = iov;
	uio->uio_iovcnt = iovcnt;
	uio->uio_rw = rw;
	uio->uio_offset = 0;
	uio->uio_flags = 0;
	return 0;
}

int
iovs_copyin(struct iovs *iv, const struct iovec *uiov, int iovcnt,
    enum uio_rw rw, struct uio *uio)
{
	struct iovec *iov = iv->iv_few;
	int error;

	iv->iv_mem = NULL;
	if (iovcnt < 0 || iovcnt > IOV_MAX)
		return EINVAL;
	if (iovcnt > IOV_FEW) {
		iv->iv_size = (size_t)iovcnt * sizeof(*iov);
		if ((iov = iv->iv_mem = kmem_alloc(iv->iv_size)) == NULL)
			return ENOMEM;
	}
	error = copyin(uiov, iov, (size_t)iovcnt * sizeof(*iov));
	return error != 0 ? error : iovs_check(iov, iovcnt, rw, uio);
}
