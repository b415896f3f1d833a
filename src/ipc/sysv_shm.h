/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Shared memory of System V: what src/proxy needs of it, for clients that map
 * segments themselves.
 */
#ifndef IPC_SYSV_SHM_H
#define IPC_SYSV_SHM_H

#include "ipc/sysv.h"

/*
 * A handle of the host by which another host process can map the segment, and
 * how many bytes; it is not attached by that.  flags: SHM_RDONLY, for which it
 * can only be read.  EACCES, EINVAL and the host's.
 */
int shm_hostfd(struct lwp *, int id, int flags, int *fdp, size_t *sizep);

/*
 * shmdt, for a client: so many bytes are to be unmapped there, unless *unmapp
 * is 0.  EINVAL.
 */
int shm_unattach(struct lwp *, const void *addr, size_t *unmapp);

#endif /* IPC_SYSV_SHM_H */
