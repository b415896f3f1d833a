/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files that traces are written to.  See tracefile.h.
 */
#include "syscall/tracefile.h"

#include "hyper/hostfile.h"
#include "kern/boot.h"
#include "kern/kern.h"
#include "vfs/vfs.h"

/* The one that RUMP_TRACE names. */
static struct tracefile host_trace;

/* Nothing more is written: say so, once. */
static void
tracefile_stop(struct tracefile *tf, int error)
{
	if (atomic_exchange_explicit(
		&tf->tf_trace.tr_dead, true, memory_order_relaxed))
		return;
	kern_printf("trace%s%s: %s: no more is written",
	    tf->tf_file == NULL ? ": " : "",
	    tf->tf_file == NULL ? kern_config.kc_trace : "", strerror(error));
}

static int
kernel_write(struct tracefile *tf, void *buf, size_t len)
{
	struct file *fp = tf->tf_file;
	struct vnode *vp = fp->f_vnode;
	struct vwrite vw = {
	    .vw_cred = tf->tf_cred,
	    .vw_mount = fp->f_mount,
	    .vw_limit = INT64_MAX,
	    .vw_append = true,
	};
	struct iovec iov;
	struct uio u;
	int error;

	uio_init1(&u, &iov, buf, len, UIO_WRITE);
	error = vp->v_ops->vop_write(vp, &u.uio_offset, &u, &vw);
	return error == 0 && u.uio_resid != 0 ? ENOSPC : error;
}

void
tracefile_write(struct trace *tr, void *buf, size_t len)
{
	struct tracefile *tf = container_of(tr, struct tracefile, tf_trace);
	struct iovec iov = {.iov_base = buf, .iov_len = len};
	size_t done;
	int error;

	if (tf->tf_file != NULL)
		error = kernel_write(tf, buf, len);
	else {
		error = hyper_file_pwritev(tf->tf_fd, &iov, 1, 0, true, &done);
		if (error == 0 && done != len)
			error = ENOSPC;
	}
	if (error != 0)
		tracefile_stop(tf, error);
}

/* A child of fork(2) has a kernel of its own, and writes a file of its own. */
static void
tracefile_forked(void)
{
	struct tracefile *tf = &host_trace;
	int error;

	hyper_file_close(tf->tf_fd);
	if ((error = trace_openhost(kern_config.kc_trace, true, &tf->tf_fd)) !=
	    0)
		tracefile_stop(tf, error);
}

void
tracefile_boot(struct lwp *l)
{
	struct proc *procs[] = {proc0, initproc};
	size_t i;

	(void)l;
	if (kern_config.kc_trace[0] == '\0')
		return;
	host_trace.tf_fd = kern_config.kc_tracefd;
	trace_init(&host_trace.tf_trace,
	    kern_config.kc_perfetto ? &perfetto_ops : &tracelog_ops);
	trace_forked = tracefile_forked;
	for (i = 0; i < nitems(procs); i++) {
		kref_hold(&host_trace.tf_trace.tr_ref);
		mutex_enter(&procs[i]->p_lock);
		(void)trace_set(procs[i], &host_trace.tf_trace,
		    TRACE_EVENTS | TRACE_INHERIT);
		mutex_exit(&procs[i]->p_lock);
	}
}

int
tracefile_make(
    struct lwp *l, struct file *fp, bool perfetto, struct trace **trp)
{
	struct tracefile *tf = kmem_zalloc(sizeof(*tf));

	if (tf == NULL)
		return ENOMEM;
	trace_init(&tf->tf_trace, perfetto ? &perfetto_ops : &tracelog_ops);
	tf->tf_fd = HYPER_FILE_NONE;
	tf->tf_file = fp;
	tf->tf_cred = cred_hold(proc_cred(l->l_proc));
	*trp = &tf->tf_trace;
	return 0;
}

void
tracefile_free(struct trace *tr)
{
	struct tracefile *tf = container_of(tr, struct tracefile, tf_trace);

	file_rele(tf->tf_file);
	cred_rele(tf->tf_cred);
	kmem_free(tf, sizeof(*tf));
}

bool
tracefile_isto(struct trace *tr, const struct file *fp)
{
	struct tracefile *tf = container_of(tr, struct tracefile, tf_trace);

	return tf->tf_file != NULL && tf->tf_file->f_vnode == fp->f_vnode;
}
