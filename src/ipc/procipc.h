/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a process has of src/ipc that is no descriptor.  It has none of it
 * (p_ipc is NULL) until it uses the first, and gives it back when it ends.
 */
#ifndef IPC_PROCIPC_H
#define IPC_PROCIPC_H

#include <sys/queue.h>

#include "ipc/ipc.h"

struct aioproc;
struct semundo;
struct shmattach;

/* Letters: (p) pc_lock. */
struct procipc {
	struct kmutex pc_lock;
	LIST_HEAD(, semundo) pc_undos;	  /* (p) sysv_undo.c */
	LIST_HEAD(, shmattach) pc_shares; /* (p) sysv_shm.c */
	struct aioproc *pc_aio;		  /* (p), then (s); or NULL; aio.h */
};

/* The process's, which is made if there is none.  ENOMEM. */
int procipc_get(struct proc *, struct procipc **);

/*
 * The segments that the parent has attached are attached in the new process,
 * too.  ENOMEM.  Those of a process that goes are detached.
 */
int shm_fork(struct procipc *parent, struct proc *child);
void shm_exit(struct procipc *);

/* The process ends: its requests do. */
void aio_exit(struct aioproc *);

#endif /* IPC_PROCIPC_H */
