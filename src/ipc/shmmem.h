/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The memory of segments of System V: pages of the host that other host
 * processes can map, too, as remote clients do (shmmem.c).
 *
 * After the host's fork(2) the child has another kernel with the same
 * segments, whose pages would be one for both: they are copied before.
 */
#ifndef IPC_SHMMEM_H
#define IPC_SHMMEM_H

#include <sys/queue.h>

#include "ipc/ipc.h"

/* Letters: (s) stable; (t) st_lock of the segments; (f) fork(2). */
struct shmmem {
	char *sm_addr;	/* (s) */
	size_t sm_size; /* (s) whole pages */
	int sm_fd;	/* (s) HYPER_NOFD: a fork could not copy it */
	char *sm_copy;	/* (f) for the child, with sm_copyfd; or NULL */
	int sm_copyfd;	/* (f) */
	LIST_ENTRY(shmmem) sm_all; /* (t) */
};

void shmmem_init(void);

/* All zero.  ENOMEM; ENFILE: the host has no handle for it. */
int shmmem_make(struct shmmem *, size_t size);
void shmmem_free(struct shmmem *);

/* A handle of it for another host process, that cannot write there. */
int shmmem_open(const struct shmmem *, bool rdonly, int *fdp);

#endif /* IPC_SHMMEM_H */
