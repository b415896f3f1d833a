/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The buffers of one call, as readv and sendmsg have them.
 */
#ifndef KERN_IOVS_H
#define KERN_IOVS_H

#include "kern/uio.h"

/* As many need no memory. */
#define IOV_FEW 8

struct iovs {
	struct iovec *iv_mem; /* NULL: iv_few */
	size_t iv_size;
	struct iovec iv_few[IOV_FEW];
};

/*
 * Copy in the caller's array, check it, cut the buffers to UIO_MAXLEN bytes and
 * set up the uio; iovs_free even if this fails.  EINVAL, EFAULT, ENOMEM.
 */
int iovs_copyin(struct iovs *, const struct iovec *uiov, int iovcnt,
    enum uio_rw, struct uio *);
void iovs_free(struct iovs *);

#endif /* KERN_IOVS_H */
