/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tracing: the moments that are told of.  See trace.h.
 */
#include "kern/trace.h"

#include <stdio.h>

#include "hyper/hostfile.h"
#include "kern/entry.h"
#include "kern/kern.h"
#include "kern/lwp.h"
#include "kern/proc_impl.h"

void (*trace_forked)(void);

static void
trace_reclaim(struct smr_item *si)
{
	struct trace *tr = container_of(si, struct trace, tr_smr);

	tr->tr_ops->to_free(tr);
}

static void
trace_free(struct kref *kr)
{
	struct trace *tr = container_of(kr, struct trace, tr_ref);

	smr_retire(&tr->tr_smr, trace_reclaim);
}

void
trace_init(struct trace *tr, const struct trace_ops *ops)
{
	kref_init(&tr->tr_ref, trace_free);
	tr->tr_ops = ops;
	atomic_init(&tr->tr_dead, false);
}

struct trace *
trace_set(struct proc *p, struct trace *tr, uint32_t points)
{
	struct trace *old;
	struct lwp *l;

	KASSERT(mutex_owned(&p->p_lock));
	atomic_store_explicit(&p->p_tracepoints, points, memory_order_relaxed);
	/* Release pairs with the acquire in trace_of. */
	old = atomic_exchange_explicit(&p->p_trace, tr, memory_order_acq_rel);
	if (tr == NULL) {
		atomic_fetch_and_explicit(
		    &p->p_flags, ~PF_TRACED, memory_order_relaxed);
		return old;
	}
	atomic_fetch_or_explicit(&p->p_flags, PF_TRACED, memory_order_relaxed);
	LIST_FOREACH (l, &p->p_lwps, l_sibling)
		atomic_fetch_or_explicit(
		    &l->l_flags, LW_TRACED, memory_order_relaxed);
	return old;
}

struct trace *
trace_of(struct proc *p, uint32_t point)
{
	struct trace *tr =
	    atomic_load_explicit(&p->p_trace, memory_order_acquire);

	if (tr == NULL ||
	    (atomic_load_explicit(&p->p_tracepoints, memory_order_relaxed) &
		point) == 0 ||
	    atomic_load_explicit(&tr->tr_dead, memory_order_relaxed))
		return NULL;
	return tr;
}

void
trace_inherit(struct proc *p, struct proc *parent, struct lwp *l)
{
	struct trace *tr = trace_of(parent, TRACE_INHERIT);

	if (tr == NULL || !kref_tryhold(&tr->tr_ref))
		return;
	atomic_store_explicit(&p->p_trace, tr, memory_order_relaxed);
	atomic_store_explicit(&p->p_tracepoints,
	    atomic_load_explicit(&parent->p_tracepoints, memory_order_relaxed),
	    memory_order_relaxed);
	atomic_fetch_or_explicit(&p->p_flags, PF_TRACED, memory_order_relaxed);
	atomic_fetch_or_explicit(&l->l_flags, LW_TRACED, memory_order_relaxed);
}

void
trace_forget(struct kcontext *kc)
{
	if (kc->kc_trace != NULL)
		kref_rele(&kc->kc_trace->tr_ref);
	kc->kc_trace = NULL;
}

/* Is it traced at all?  If not, the calling lwp has no reason to look again. */
static bool
trace_look(struct lwp *l)
{
	struct proc *p = l->l_proc;

	if ((proc_flags(p) & PF_TRACED) != 0)
		return true;
	mutex_enter(&p->p_lock);
	if ((proc_flags(p) & PF_TRACED) == 0)
		atomic_fetch_and_explicit(
		    &l->l_flags, ~LW_TRACED, memory_order_relaxed);
	mutex_exit(&p->p_lock);
	return false;
}

void
trace_begin(struct lwp *l)
{
	struct kcontext *kc = curctx();
	struct trace *tr;

	/* One that did not come to its end: rump_schedule, longjmp. */
	trace_forget(kc);
	if (!trace_look(l) || (tr = trace_of(l->l_proc, TRACE_CALL)) == NULL ||
	    !kref_tryhold(&tr->tr_ref))
		return;
	kc->kc_trace = tr;
	kc->kc_callpid = proc_pid(l->l_proc);
	kc->kc_calllid = l->l_lid;
	kc->kc_callstart = kern_monotonic();
}

void
trace_end(int number, const uint64_t *args, int error, int64_t retval)
{
	struct kcontext *kc = curctx();
	struct trace *tr = kc->kc_trace;
	struct tracecall tc = {
	    .tc_point = {kern_monotonic(), kc->kc_callpid, kc->kc_calllid,
		kc->kc_id},
	    .tc_start = kc->kc_callstart,
	    .tc_number = number,
	    .tc_args = args,
	    .tc_error = error,
	    .tc_retval = retval,
	};

	smr_enter(curht());
	if (!atomic_load_explicit(&tr->tr_dead, memory_order_relaxed))
		tr->tr_ops->to_call(tr, &tc);
	trace_forget(kc);
	syscall_exit();
}

void
tracepoint_here(struct tracepoint *tp, struct lwp *l)
{
	tp->tp_when = kern_monotonic();
	tp->tp_context = curctx()->kc_id;
	tp->tp_pid = lwp_isnobody(l) ? 1 : proc_pid(l->l_proc);
	tp->tp_lid = l->l_lid;
}

void
trace_switch(struct lwp *old, struct lwp *l)
{
	struct tracepoint from, to;
	struct trace *tr = NULL;

	KASSERT(smr_entered());
	if ((lwp_flags(old) & LW_TRACED) != 0 && trace_look(old))
		tr = trace_of(old->l_proc, TRACE_SWITCH);
	if (tr == NULL && (lwp_flags(l) & LW_TRACED) != 0)
		tr = trace_of(l->l_proc, TRACE_SWITCH);
	if (tr == NULL)
		return;
	tracepoint_here(&from, old);
	tracepoint_here(&to, l);
	tr->tr_ops->to_switch(tr, &from, to.tp_pid, to.tp_lid);
}

void
trace_signal(struct lwp *l, const siginfo_t *info)
{
	struct tracepoint tp;
	struct trace *tr;

	smr_enter(curht());
	if ((tr = trace_of(l->l_proc, TRACE_SIGNAL)) != NULL) {
		tracepoint_here(&tp, l);
		tr->tr_ops->to_signal(tr, &tp, info);
	}
	syscall_exit();
}

void
trace_exit(struct proc *p)
{
	struct trace *tr = trace_of(p, TRACE_EVENTS), *old;
	struct tracepoint tp = {
	    kern_monotonic(), proc_pid(p), 0, curctx()->kc_id};
	int status = 0;

	if ((proc_flags(p) & PF_EXITING) != 0)
		status =
		    atomic_load_explicit(&p->p_xstatus, memory_order_relaxed);
	if (tr != NULL)
		tr->tr_ops->to_exit(tr, &tp, status);
	mutex_enter(&p->p_lock);
	old = trace_set(p, NULL, 0);
	mutex_exit(&p->p_lock);
	if (old != NULL)
		kref_rele(&old->tr_ref);
}

/*
 * Files of the host
 */

static const char *
perfetto_suffix(const char *path)
{
	static const char *const ends[] = {".pftrace", ".perfetto-trace"};
	size_t i, n = strlen(path), m;

	for (i = 0; i < nitems(ends); i++) {
		m = strlen(ends[i]);
		if (n > m && strcmp(path + n - m, ends[i]) == 0)
			return path + n - m;
	}
	return NULL;
}

bool
trace_isperfetto(const char *path)
{
	return perfetto_suffix(path) != NULL;
}

int
trace_openhost(const char *path, bool forked, int *fdp)
{
	const char *end = perfetto_suffix(path);
	struct hyper_stat hs;
	char own[PATH_MAX];
	int error, n;

	if (forked) {
		n = end == NULL ? (int)strlen(path) : (int)(end - path);
		n = snprintf(own, sizeof(own), "%.*s.%d%s", n, path,
		    (int)hyper_pid(), end == NULL ? "" : end);
		if (n >= (int)sizeof(own))
			return ENAMETOOLONG;
		path = own;
	}
	/* It does not wait for a fifo's reader, and refuses the fifo. */
	error = hyper_file_open(HYPER_FILE_NONE, path,
	    O_WRONLY | O_CREAT | O_APPEND | O_NONBLOCK, 0666, fdp);
	if (error != 0)
		return error;
	error = hyper_file_stat(*fdp, "", &hs);
	if (error == 0 && !S_ISREG(hs.hs_stat.st_mode))
		error = EINVAL;
	if (error == 0)
		error = hyper_file_truncate(*fdp, 0);
	if (error != 0)
		hyper_file_close(*fdp);
	return error;
}
