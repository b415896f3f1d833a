/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Timers of a process that post signals: those of setitimer, and those that
 * timer_create makes.
 *
 * A process has none (p_timers is NULL) until it sets its first.  They go with
 * it, and are retired, because their functions may be about to look at them:
 * then p_timers says whether the process is still theirs.
 *
 * Lock: pts_lock, with p_lock and timer_lock below it.
 */
#ifndef KERN_PTIMER_H
#define KERN_PTIMER_H

#include "kern/ktime.h"

/* One of ITIMER_REAL, ITIMER_VIRTUAL, ITIMER_PROF; (p) pts_lock. */
#define NITIMERS 3
struct itimer {
	struct ktimer it_timer;	  /* armed under (p) */
	struct ptimers *it_owner; /* (s) */
	int it_which;		  /* (s) */
	int64_t it_when;	  /* (p) CPU time when it is due; 0: never */
	int64_t it_interval;	  /* (p) */
};

struct ptimer;
struct ptimers {
	struct kmutex pts_lock;
	struct proc *pts_proc; /* (s) whose they are or were */
	struct itimer pts_itimer[NITIMERS];
	struct ptimer **pts_slots; /* (p) by id */
	uint32_t pts_size;	   /* (p) of them */
	uint32_t pts_lowest;	   /* (p) no free id is below this */
	struct smr_item pts_smr;
};

/* The process's timers, which are made if there are none.  ENOMEM. */
int ptimers_get(struct proc *, struct ptimers **);

/* The same, or NULL. */
static inline struct ptimers *
ptimers_peek(struct proc *p)
{
	/* Acquire pairs with the release in ptimers_get. */
	return atomic_load_explicit(&p->p_timers, memory_order_acquire);
}

/* p, which has some, ends. */
void ptimers_exit(struct proc *p);

/*
 * Post to the process whose timers these are, if it is still there.  Nothing
 * is held; may leave the section.
 */
void ptimers_post(struct ptimers *, int signo);

/* The functions of timers; retire or empty what is in a ptimers. */
void itimers_init(struct ptimers *);
void itimers_cancel(struct ptimers *);
void ptimer_cancel_all(struct ptimers *);
void ptimers_free(struct smr_item *);

#endif /* KERN_PTIMER_H */
