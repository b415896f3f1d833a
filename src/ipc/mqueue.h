/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Message queues of POSIX, between mqueue.c (queues, their names and
 * descriptors) and mq_message.c (what is in them, and who is told).
 *
 * A queue is there while it has a name or an open file; both are references.
 * Its messages are in a heap, the first on top, which has room for all from
 * the start: so sending allocates the message alone.
 *
 * Locks: mq_names_lock covers names and references; mq_lock all else.  They
 * are not held together.
 */
#ifndef IPC_MQUEUE_H
#define IPC_MQUEUE_H

#include <sys/queue.h>

#include <mqueue.h>

#include "ipc/ipc.h"
#include "kern/event.h"
#include "kern/procinfo.h"

/* Above all priorities; Linux's. */
#define MQ_PRIOS 32768

struct mqmsg {
	uint64_t mm_serial; /* of its queue's messages, in order */
	uint32_t mm_prio;
	size_t mm_len;
	char mm_data[];
};

/* Who is told of the next message that finds the queue empty; (l). */
struct mqnotify {
	struct procid mn_proc; /* id_pid is 0: nobody */
	int mn_method;	       /* SIGEV_* */
	int mn_signo;
	void (*mn_fn)(union sigval); /* SIGEV_THREAD */
	union sigval mn_value;
};

/* Letters: (s) stable; (l) mq_lock; (n) mq_names_lock. */
struct mqueue {
	struct kmutex mq_lock;
	struct kcondvar mq_rcv;	 /* (l) who waits for a message */
	struct kcondvar mq_scv;	 /* (l) who waits for room */
	struct mqmsg **mq_heap;	 /* (l) the pointer: (s) */
	uint32_t mq_maxmsg;	 /* (s) */
	uint32_t mq_count;	 /* (l) messages */
	size_t mq_msgsize;	 /* (s) */
	uint64_t mq_bytes;	 /* (l) in messages */
	uint64_t mq_serial;	 /* (l) of the last message */
	struct mqnotify mq_tell; /* (l) */
	struct klist mq_klist;
	struct cred *mq_cred; /* (s) whose limit it counts for; held */
	mode_t mq_mode;	      /* (s) */
	struct timespec mq_made, mq_used; /* (s), (l) */
	uint32_t mq_refs;		  /* (n) */
	bool mq_linked;			  /* (n) */
	LIST_ENTRY(mqueue) mq_link;	  /* (n) */
	char mq_name[IPC_NAMESIZE];	  /* (s) */
};

/* fd_putfile afterwards.  EBADF for what is no queue, or not open for that. */
int mq_get(struct lwp *, int fd, uint32_t events, struct file **fpp);

/* The process lets go of a descriptor: it is told no more. */
void mq_untell(struct mqueue *, const struct proc *);

#endif /* IPC_MQUEUE_H */
