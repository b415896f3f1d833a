/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which processes are traced, and telling of what happens in them.
 *
 * A process points to a trace (p_trace), which many can share: somebody above
 * (src/syscall) who writes down what is told.  Its lwps have LW_TRACED, a bit
 * in the word that every entry, switch and end of a call tests anyway, so who
 * is not traced pays nothing.  The bit is set by whoever begins a trace and
 * cleared by the lwp itself, when it finds that there is none any more.
 *
 * A call belongs to the trace that it was begun with, which the context holds
 * (kc_trace) until the call ends.  All that is told is told in a section, with
 * no lock held, by the context that it happens in.
 */
#ifndef KERN_TRACE_H
#define KERN_TRACE_H

#include <signal.h>

#include "kern/proc.h"

#define TRACE_CALL    1u
#define TRACE_SIGNAL  2u
#define TRACE_SWITCH  4u
#define TRACE_USER    8u  /* utrace */
#define TRACE_EVENTS  15u /* all of them; with any, ends of processes */
#define TRACE_INHERIT 16u /* processes that it makes are traced, too */

/* Where and when something happened. */
struct tracepoint {
	int64_t tp_when; /* by the monotonic clock */
	pid_t tp_pid;
	int tp_lid;
	uint32_t tp_context; /* kc_id */
};

struct tracecall {
	struct tracepoint tc_point; /* its end */
	int64_t tc_start;
	int tc_number;
	const uint64_t *tc_args; /* as many as the call has */
	int tc_error;
	int64_t tc_retval;
};

struct trace_ops {
	void (*to_call)(struct trace *, const struct tracecall *);
	/* The lwp of the point is left for another. */
	void (*to_switch)(
	    struct trace *, const struct tracepoint *, pid_t pid, int lid);
	/* A handler is about to be called. */
	void (*to_signal)(
	    struct trace *, const struct tracepoint *, const siginfo_t *);
	/* The process ends; status as wait gives it. */
	void (*to_exit)(struct trace *, const struct tracepoint *, int status);
	/* utrace; what the caller points to has been copied. */
	void (*to_user)(struct trace *, const struct tracepoint *,
	    const char *label, const void *data, size_t len);
	/* Nobody looks at it any more.  Sleeps for nothing. */
	void (*to_free)(struct trace *);
};

struct trace {
	struct kref tr_ref;
	struct smr_item tr_smr;
	const struct trace_ops *tr_ops;
	_Atomic bool tr_dead; /* it cannot tell any more: as if there was none
			       */
};

/* A new one, with a reference. */
void trace_init(struct trace *, const struct trace_ops *);

/*
 * Have a process, whose p_lock is held, traced by tr from now on, or not any
 * more (NULL).  Consumes a reference; the one to what it had before is the
 * caller's to drop, without locks, if it is not NULL.
 */
struct trace *trace_set(struct proc *, struct trace *tr, uint32_t points);

/* What the process is traced by, readable in this section, or NULL. */
struct trace *trace_of(struct proc *, uint32_t point);

/* A new process p, not yet seen by others, with one lwp. */
void trace_inherit(struct proc *p, struct proc *parent, struct lwp *l);

/* The lwp, which has LW_TRACED, begins a call.  In a section. */
void trace_begin(struct lwp *);

/* The call for which kc_trace is not NULL has ended.  Outside of a section. */
void trace_end(int number, const uint64_t *args, int error, int64_t retval);

/* A call that has been begun is forgotten, whoever's context it is. */
void trace_forget(struct kcontext *);

/* The context leaves old for l; one of them has LW_TRACED.  In a section. */
void trace_switch(struct lwp *old, struct lwp *l);

/* The lwp has a handler to call.  Outside of a section. */
void trace_signal(struct lwp *, const siginfo_t *);

/* The process, which has PF_TRACED, ends.  In a section. */
void trace_exit(struct proc *);

/*
 * Open a file of the host for writing at its end, a regular one, and make it
 * empty.  forked: FILE.PID, or FILE.PID.pftrace, with the host process's id.
 */
int trace_openhost(const char *path, bool forked, int *fdp);

/* Is the name that of a file in Perfetto's format? */
bool trace_isperfetto(const char *path);

/* Called in the child of a fork(2), if it is not NULL. */
extern void (*trace_forked)(void);

/* Fill in where the lwp, the calling one, is now. */
void tracepoint_here(struct tracepoint *, struct lwp *);

#endif /* KERN_TRACE_H */
