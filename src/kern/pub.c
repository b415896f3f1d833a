/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Public calls that make kernel objects for the application.
 */
#include <rump/rump.h>

#include "kern/cred.h"
#include "kern/entry.h"
#include "kern/uio.h"

RUMP_EXPORT struct cred *
rump_pub_cred_create(uid_t uid, gid_t gid, size_t ngroups, gid_t *groups)
{
	struct cred *cr = NULL;

	if (syscall_enter() == NULL)
		return NULL;
	if (cred_alloc(uid, gid, ngroups, groups, &cr) != 0)
		cr = NULL;
	syscall_exit();
	return cr;
}

RUMP_EXPORT void
rump_pub_cred_put(struct cred *cr)
{
	if (syscall_enter() == NULL)
		return;
	cred_rele(cr);
	syscall_exit();
}

/* A uio and the one buffer that it is over. */
struct pub_uio {
	struct uio pu_uio; /* first */
	struct iovec pu_iov;
};

RUMP_EXPORT struct uio *
rump_pub_uio_setup(void *buf, size_t buflen, off_t offset, enum rump_uiorw rw)
{
	struct pub_uio *pu;

	if (syscall_enter() == NULL)
		return NULL;
	if ((pu = kmem_alloc(sizeof(*pu))) != NULL) {
		uio_init1(&pu->pu_uio, &pu->pu_iov, buf, buflen,
		    rw == RUMPUIO_READ ? UIO_READ : UIO_WRITE);
		pu->pu_uio.uio_offset = offset;
	}
	syscall_exit();
	return (struct uio *)pu;
}

RUMP_EXPORT size_t
rump_pub_uio_getresid(struct uio *uio)
{
	return uio->uio_resid;
}

RUMP_EXPORT off_t
rump_pub_uio_getoff(struct uio *uio)
{
	return uio->uio_offset;
}

RUMP_EXPORT size_t
rump_pub_uio_free(struct uio *uio)
{
	size_t resid = uio->uio_resid;

	if (syscall_enter() != NULL) {
		kmem_free(uio, sizeof(struct pub_uio));
		syscall_exit();
	}
	return resid;
}
