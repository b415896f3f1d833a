/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ktrace and utrace.
 */
#include <rump/rump_trace.h>

#include "kern/kern.h"
#include "kern/proc_impl.h"
#include "kern/procinfo.h"
#include "syscall/tracefile.h"
#include "sysproto.h"
#include "vfs/vfs.h"

/* What ktrace is to do. */
struct ktrace {
	struct lwp *kt_lwp;
	int kt_op;
	uint32_t kt_points;	/* TRACE_* */
	struct file *kt_file;	/* CLEARFILE */
	struct trace *kt_trace; /* SET: referenced */
	pid_t kt_not;		/* of several this one is left out; 0: none */
	int kt_error;		/* ESRCH, then EPERM, then 0 */
};

static uint32_t
points_of(int trpoints)
{
	static const struct {
		int fac;
		uint32_t point;
	} map[] = {{RUMP_KTRFAC_SYSCALL | RUMP_KTRFAC_SYSRET, TRACE_CALL},
	    {RUMP_KTRFAC_PSIG, TRACE_SIGNAL}, {RUMP_KTRFAC_CSW, TRACE_SWITCH},
	    {RUMP_KTRFAC_USER, TRACE_USER},
	    {RUMP_KTRFAC_INHERIT, TRACE_INHERIT}};
	uint32_t points = 0;
	size_t i;

	for (i = 0; i < nitems(map); i++)
		if ((trpoints & map[i].fac) != 0)
			points |= map[i].point;
	return points;
}

/* The process, locked, is found and permitted.  What is to be dropped. */
static struct trace *
ktrace_locked(struct ktrace *kt, struct proc *p)
{
	struct trace *tr = trace_of(p, ~0u);
	uint32_t points =
	    atomic_load_explicit(&p->p_tracepoints, memory_order_relaxed);

	KASSERT(mutex_owned(&p->p_lock));
	switch (kt->kt_op) {
	case RUMP_KTROP_SET:
		kref_hold(&kt->kt_trace->tr_ref);
		return trace_set(p, kt->kt_trace, kt->kt_points);
	case RUMP_KTROP_CLEAR:
		points &= ~kt->kt_points;
		if (tr != NULL && (points & TRACE_EVENTS) != 0) {
			atomic_store_explicit(
			    &p->p_tracepoints, points, memory_order_relaxed);
			return NULL;
		}
		break;
	default:
		if (tr == NULL || !tracefile_isto(tr, kt->kt_file))
			return NULL;
		break;
	}
	return trace_set(p, NULL, 0);
}

static void
ktrace_one(struct ktrace *kt, pid_t pid)
{
	struct procid id;
	struct trace *old = NULL;
	struct proc *p;
	bool may;

	if (proc_id(pid, &id) != 0)
		return;
	may = pid == proc_pid(kt->kt_lwp->l_proc) ||
	      proc_maylook(kt->kt_lwp, &id) == 0;
	if ((p = proc_find_locked(pid)) == NULL)
		return;
	if (p->p_serial != id.id_serial ||
	    atomic_load_explicit(&p->p_state, memory_order_relaxed) !=
		PROC_ACTIVE) {
		mutex_exit(&p->p_lock);
		return;
	}
	if (may) {
		old = ktrace_locked(kt, p);
		kt->kt_error = 0;
	} else if (kt->kt_error == ESRCH)
		kt->kt_error = EPERM;
	mutex_exit(&p->p_lock);
	if (old != NULL)
		kref_rele(&old->tr_ref);
}

static bool
is_descendant(pid_t pid, pid_t of)
{
	struct procid id;
	struct procinfo pi;

	/* A parent is older, so this ends. */
	while (pid > 1 && pid != of) {
		if (proc_id(pid, &id) != 0 || proc_getinfo(&id, &pi) != 0)
			return false;
		pid = pi.pi_ppid;
	}
	return pid == of;
}

static bool
is_meant(pid_t pid, pid_t target, bool descend)
{
	struct procid id;
	struct procinfo pi;

	if (target > 0)
		return descend && is_descendant(pid, target);
	if (proc_id(pid, &id) != 0 || proc_getinfo(&id, &pi) != 0)
		return false;
	return pi.pi_pgid == -target;
}

static void
ktrace_many(struct ktrace *kt, pid_t target, bool descend, bool all)
{
	pid_t pid;

	for (pid = 0; (pid = proc_nextpid(pid)) >= 0; pid++)
		if (pid != kt->kt_not &&
		    (all || is_meant(pid, target, descend)))
			ktrace_one(kt, pid);
}

/* The file, which must be a regular one that can be written. */
static int
ktrace_open(struct lwp *l, const char *upath, struct file **fpp)
{
	struct file *fp;
	int error, fd;

	error = sys_openat(
	    l, AT_FDCWD, upath, O_WRONLY | O_APPEND | O_NONBLOCK, 0, &fd);
	if (error != 0)
		return error;
	error = fd_getref(l, fd, &fp);
	if (error == 0 && (fp->f_type != DTYPE_VNODE || fp->f_vnode == NULL ||
			      !S_ISREG(vnode_mode(fp->f_vnode)) ||
			      fp->f_vnode->v_ops->vop_write == NULL)) {
		file_rele(fp);
		error = EACCES;
	}
	(void)sys_close(l, fd);
	*fpp = fp;
	return error;
}

static void
ktrace_do(struct ktrace *kt, int ops, pid_t pid)
{
	bool descend = (ops & RUMP_KTRFLAG_DESCEND) != 0;

	if (kt->kt_op == RUMP_KTROP_CLEARFILE) {
		kt->kt_not = 0;
		ktrace_many(kt, 0, false, true);
		kt->kt_error = 0;
		return;
	}
	if (pid >= 0 && !descend)
		ktrace_one(kt, pid);
	else
		ktrace_many(kt, pid, descend, pid == 0);
}

int
sys_ktrace(struct lwp *l, const char *upath, int ops, int trpoints, pid_t pid)
{
	struct ktrace kt = {
	    .kt_lwp = l,
	    .kt_op = ops & 3,
	    .kt_points = points_of(trpoints),
	    .kt_error = ESRCH,
	};
	const int flags = RUMP_KTRFLAG_DESCEND | RUMP_KTRFLAG_OTHERS;
	int error = 0;

	if ((ops & ~(3 | flags)) != 0 || kt.kt_op > RUMP_KTROP_CLEARFILE ||
	    pid == INT_MIN)
		return EINVAL;
	if (kt.kt_op != RUMP_KTROP_CLEARFILE &&
	    (kt.kt_points & TRACE_EVENTS) == 0)
		return EINVAL;
	if (kt.kt_op != RUMP_KTROP_CLEAR &&
	    (error = ktrace_open(l, upath, &kt.kt_file)) != 0)
		return error;
	if (kt.kt_op == RUMP_KTROP_SET) {
		error = tracefile_make(l, kt.kt_file,
		    (trpoints & RUMP_KTRFAC_PERFETTO) != 0, &kt.kt_trace);
		if (error != 0) {
			file_rele(kt.kt_file);
			return error;
		}
	}
	if ((ops & RUMP_KTRFLAG_OTHERS) != 0)
		kt.kt_not = proc_pid(l->l_proc);
	ktrace_do(&kt, ops, pid);
	if (kt.kt_trace != NULL)
		kref_rele(&kt.kt_trace->tr_ref);
	else if (kt.kt_file != NULL)
		file_rele(kt.kt_file);
	return kt.kt_error;
}

int
sys_utrace(struct lwp *l, const char *ulabel, const void *uaddr, size_t len)
{
	char label[RUMP_KTR_USER_MAXIDLEN + 1], data[RUMP_KTR_USER_MAXLEN];
	struct trace *tr = trace_of(l->l_proc, TRACE_USER);
	struct tracepoint tp;
	int error;

	if (tr == NULL)
		return 0;
	if (len > sizeof(data))
		return EINVAL;
	error = copyinstr(ulabel, label, sizeof(label), NULL);
	if (error == 0 && len > 0)
		error = copyin(uaddr, data, len);
	if (error != 0)
		return error;
	tracepoint_here(&tp, l);
	tr->tr_ops->to_user(tr, &tp, label, data, len);
	return 0;
}
