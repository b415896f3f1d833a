/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Semaphores of System V, between sysv_sem.c (operations), sysv_semctl.c (sets
 * and their control) and sysv_undo.c (what the end of a process does).
 */
#ifndef IPC_SYSV_SEM_H
#define IPC_SYSV_SEM_H

#include <sys/sem.h>

#include "ipc/sysv.h"
#include "kern/event.h"

#define SEM_VALUE 32767 /* the most; Linux's */

struct sem {
	int s_value;
	pid_t s_pid; /* who changed it last */
};

/*
 * What a call wants: on its stack while it tries, in kernel memory while it
 * waits.  All so_lock of the set.
 */
struct semreq {
	TAILQ_ENTRY(semreq) sr_link;
	struct kcondvar sr_cv;
	const struct sembuf *sr_ops;
	struct semundo *sr_undo; /* or NULL: nothing is to be undone */
	unsigned sr_nops;
	unsigned sr_blocker; /* the one that could not be done */
	pid_t sr_pid;
	uint32_t sr_forks; /* kern_forks when it began to wait */
	int sr_error;
	bool sr_alters;
	bool sr_waits;
	struct sembuf sr_copy[];
};

static inline size_t
semreq_size(unsigned nops)
{
	return sizeof(struct semreq) + nops * sizeof(struct sembuf);
}

/* What one process has to give back in one set. */
struct semundo {
	LIST_ENTRY(semundo) un_setlink;	 /* so_lock of the set */
	LIST_ENTRY(semundo) un_proclink; /* pc_lock */
	_Atomic int un_id;		 /* (s), or -1: the set has gone */
	unsigned un_nsems;		 /* (s) */
	int16_t un_adj[];		 /* so_lock of the set */
};

/* All so_lock, the pointer and number of semaphores stable. */
struct semset {
	struct sysvobj ss_obj;
	unsigned ss_nsems;
	struct sem *ss_sems;
	time_t ss_otime, ss_ctime;
	TAILQ_HEAD(, semreq) ss_waiters;
	LIST_HEAD(, semundo) ss_undos;
};

static inline struct semset *
so_to_ss(struct sysvobj *so)
{
	return container_of(so, struct semset, ss_obj);
}

/* The set, locked, has changed: who waits and can go on does. */
void sem_retry(struct semset *);

/* Whoever waits gets this error. */
void sem_fail(struct semset *, int error);

/*
 * How many are in the set, for l to do cmd, GETALL or SETALL.  They are as many
 * as long as its id is its own.  EACCES, EINVAL.
 */
int sem_count(struct lwp *, int id, int cmd, unsigned *np);

/* What the caller's process is to undo in a set.  EINVAL, ENOMEM. */
int semundo_get(struct lwp *, int id, struct semundo **);

/* Forget what is to be undone of the set: of one, or (-1) of all. */
void semundo_clear(struct semset *, int semnum);

/* The set, locked, goes. */
void semundo_detach(struct semset *);

/* The process goes. */
struct procipc;
void semundo_exit(struct procipc *, pid_t pid);

#endif /* IPC_SYSV_SEM_H */
