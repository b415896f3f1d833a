/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What clients ask for beside system calls: lwps, forks, the ends of handlers.
 */
#include <rump/rump.h>

#include "proxy/proxy.h"

#include "ipc/limits.h"
#include "ipc/sysv_sem.h"
#include "ipc/sysv_shm.h"
#include "kern/entry.h"
#include "syscall/sysdesc.h"

/* The client learns the new lwp's pid and lid, to name it. */
static void
lwp_ids(struct call *c, uint64_t handle)
{
	struct sp_lwpids ids = {0};
	struct lwp *l;

	remote_leave(c->c_lwp);
	c->c_lwp = NULL;
	if ((l = remote_enter(handle)) != NULL) {
		ids.li_pid = remote_pid(l);
		ids.li_lid = l->l_lid;
		remote_leave(l);
	}
	call_give(c, &ids, sizeof(ids));
}

/* The new lwp is the client's by its number. */
static int
op_newlwp(struct call *c, uint64_t handle)
{
	uint32_t n = 0;
	int error = lwps_put(c->c_session, handle, 0, &n);

	if (error == 0) {
		c->c_msg.sm_retval = n;
		lwp_ids(c, handle);
		return 0;
	}
	/* It is not run by anybody, and the calling lwp has to be left first.
	 */
	remote_leave(c->c_lwp);
	c->c_lwp = NULL;
	remote_release(remote_enter(handle));
	return error;
}

static int
op_rfork(struct call *c)
{
	uint64_t handle;
	int error;

	error = remote_rfork(c->c_lwp, (int)c->c_msg.sm_args[0], &handle);
	return error != 0 ? error : op_newlwp(c, handle);
}

static int
op_lwp(struct call *c)
{
	uint64_t handle;
	int error;

	error = remote_newlwp(
	    c->c_session->se_id, (pid_t)c->c_msg.sm_args[0], &handle);
	return error != 0 ? error : op_newlwp(c, handle);
}

/* The first slot's lwp stays as long as the session. */
static int
op_release(struct call *c, uint32_t n)
{
	if (n <= 1)
		return EINVAL;
	lwps_clear(c->c_session, n);
	remote_release(c->c_lwp);
	c->c_lwp = NULL;
	return 0;
}

static int
op_fork(struct call *c)
{
	struct sp_forked to = {0};
	uint64_t handle, id;
	struct lwp *l;
	bool hosted;
	int error;

	error = remote_rfork(c->c_lwp, RUMP_RFFDG, &handle);
	if (error != 0)
		return error;
	error = session_fork(c->c_session, handle, to.sf_token, &id);
	if (error != 0)
		return error;
	hosted = hosted_root(&to.sf_root);
	/* Signals for it, and where it maps things, are the child's matter. */
	remote_leave(c->c_lwp);
	c->c_lwp = NULL;
	if ((l = remote_enter(handle)) != NULL) {
		remote_adopt(l, id, 0, "");
		remote_leave(l);
	}
	call_give(c, &to, hosted ? sizeof(to) : sizeof(to.sf_token));
	return 0;
}

static int
op_forkcancel(struct call *c)
{
	if (c->c_msg.sm_head < SP_TOKEN)
		return EPROTO;
	return session_forkcancel(c->c_session, c->c_head, 0);
}

/* A child that was killed may not have said who it is. */
static int
op_gone(struct call *c)
{
	pid_t pid = (pid_t)c->c_msg.sm_args[0];

	if (c->c_msg.sm_head >= SP_TOKEN)
		(void)session_forkcancel(c->c_session, c->c_head, pid);
	return session_gone(pid) ? 0 : EAGAIN;
}

/* So that it knows how much GETALL and SETALL of semctl are about. */
static int
op_sems(struct call *c)
{
	unsigned n = 0;
	int error;

	_Static_assert(SYSARG_SETMOST == SEM_SETMAX * sizeof(uint16_t),
	    "there is room for any set");
	if (syscall_enter() == NULL)
		return syscall_refusal();
	error = sem_count(
	    c->c_lwp, (int)c->c_msg.sm_args[0], (int)c->c_msg.sm_args[1], &n);
	syscall_exit();
	c->c_msg.sm_retval = n;
	return error;
}

/* The segment's memory is for the client to ask for, by SP_H_FILE. */
static int
op_shmfile(struct call *c)
{
	const uint64_t *args = c->c_msg.sm_args;
	struct lwp *l = syscall_enter();
	size_t size = 0;
	int *fds, fd, error = ENOMEM;

	if (l == NULL)
		return syscall_refusal();
	if ((fds = hosted_table(c->c_session)) != NULL)
		error = shm_hostfd(l, (int)args[0], (int)args[1], &fd, &size);
	if (error == 0) {
		fds[c->c_slot] = fd;
		/* Release pairs with the acquire in hello_file. */
		atomic_fetch_or_explicit(
		    &c->c_session->se_segments[c->c_slot / 64],
		    UINT64_C(1) << c->c_slot % 64, memory_order_release);
	}
	syscall_exit();
	c->c_msg.sm_retval = (int64_t)size;
	return error;
}

static int
op_shmdt(struct call *c)
{
	struct lwp *l = syscall_enter();
	size_t size = 0;
	int error;

	if (l == NULL)
		return syscall_refusal();
	error = shm_unattach(
	    l, (const void *)(uintptr_t)c->c_msg.sm_args[0], &size);
	syscall_exit();
	c->c_msg.sm_retval = (int64_t)size;
	return error;
}

/* The client's handler has returned; there may be another to call. */
static int
op_sigreturn(struct call *c)
{
	remote_sigreturn(c->c_lwp, c->c_msg.sm_args[0]);
	call_handler(c, 0);
	c->c_msg.sm_retval = 0;
	return 0;
}

int
op_run(struct call *c)
{
	c->c_msg.sm_retval = 0;
	/* What these answer with is of use on the same machine only. */
	if (c->c_msg.sm_op >= SP_HOSTFILE && c->c_session->se_stream != NULL)
		return EOPNOTSUPP;
	/* These are about what it has opened by itself. */
	if ((c->c_msg.sm_op == SP_HOSTDIR || c->c_msg.sm_op == SP_ADOPT) &&
	    !session_isroot(c->c_session))
		return EPERM;
	switch (c->c_msg.sm_op) {
	case SP_RFORK:
		return op_rfork(c);
	case SP_NEWLWP:
		return op_lwp(c);
	case SP_RELEASE:
		return op_release(c, c->c_msg.sm_lwp);
	case SP_SLOTEND:
		return op_release(c, c->c_slot + 1);
	case SP_FORK:
		return op_fork(c);
	case SP_FORKCANCEL:
		return op_forkcancel(c);
	case SP_SIGRETURN:
		return op_sigreturn(c);
	case SP_PID:
		c->c_msg.sm_retval = remote_pid(c->c_lwp);
		return 0;
	case SP_SEMS:
		return op_sems(c);
	case SP_AIO:
		return op_aio(c);
	case SP_HOSTFILE:
		return hosted_file(c);
	case SP_HOSTPATH:
		return hosted_path(c);
	case SP_FDS:
		return hosted_fds(c);
	case SP_FDPATH:
		return hosted_fdpath(c);
	case SP_PROGRAM:
		return hosted_program(c);
	case SP_REOPEN:
		return hosted_reopen(c);
	case SP_GONE:
		return op_gone(c);
	case SP_SEND:
		return hosted_send(c);
	case SP_RECEIVE:
		return hosted_receive(c);
	case SP_EXEC:
		return hosted_exec(c);
	case SP_HOSTDIR:
		return hosted_dir(c);
	case SP_ADOPT:
		return hosted_adopt(c);
	case SP_SHMFILE:
		return op_shmfile(c);
	case SP_SHMDT:
		return op_shmdt(c);
	default:
		return EPROTO;
	}
}
