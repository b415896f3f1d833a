/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * By rules a program goes on without its kernel: calls that want it fail with
 * ENOTCONN, unless there is one again.  It is then a new process there, which
 * has nothing open; what it had fails with EBADF.
 *
 * p_users counts the threads that are in calls of the kernel.  Who connects
 * again has p_renewing and waits for the others to leave, which they do, since
 * what they wait for is lost.
 */
#include <linux/prctl.h>
#include <linux/time_types.h>

#include "hijack/engine.h"

#define PAUSE_NSEC 50000000 /* between two tries, as librumpclient */
#define SECOND	   1000000000L

/* Sleep for a while; whether a signal has come. */
static int
pause_shortly(void)
{
	const struct __kernel_timespec ts = {0, PAUSE_NSEC};
	const long args[6] = {(long)&ts};
	long r = hj_host(__NR_nanosleep, args);

	return r == HJ_RESTART || r == -EINTR;
}

/* Connect as a new process: 0, EINTR or ENOTCONN. */
static int
connect_again(struct hj_thread *t)
{
	int64_t retry = hj_control->hc_rules.hr_retry;
	long until = hj_now() + (retry > 0 ? retry : 0) * SECOND;
	char name[16] = "";

	hj_raw2(__NR_prctl, PR_GET_NAME, name);
	while (hj_kernel_connect(t, name) != 0) {
		if (retry == HJ_RETRY_DIE)
			hj_kernel_lost();
		if (retry != HJ_RETRY_FOREVER &&
		    (retry < 0 || hj_now() >= until))
			return ENOTCONN;
		if (pause_shortly())
			return EINTR;
	}
	__atomic_store_n(&t->t_proc->p_renewed, 1, __ATOMIC_RELAXED);
	return 0;
}

static int
renew(struct hj_thread *t)
{
	struct hj_proc *p = t->t_proc;
	uint32_t none = 0;
	int error = 0;

	/* Acquire and release pair with each other. */
	if (!__atomic_compare_exchange_n(&p->p_renewing, &none, 1, 0,
		__ATOMIC_SEQ_CST, __ATOMIC_RELAXED)) {
		/* Somebody else does it. */
		return pause_shortly() ? EINTR : EAGAIN;
	}
	/* Pairs with hj_session_enter: it counts itself, then looks. */
	while (__atomic_load_n(&p->p_users, __ATOMIC_SEQ_CST) != 0)
		hj_raw0(__NR_sched_yield);
	if (p->p_spc.cl_state != SPC_ON)
		error = connect_again(t);
	__atomic_store_n(&p->p_renewing, 0, __ATOMIC_RELEASE);
	return error;
}

/* Begin a call of the kernel: 0, ENOTCONN or EINTR. */
int
hj_session_enter(struct hj_thread *t)
{
	struct hj_proc *p = t->t_proc;
	int error;

	if (!hj_has_rules())
		return 0;
	for (;;) {
		__atomic_fetch_add(&p->p_users, 1, __ATOMIC_SEQ_CST);
		if (__atomic_load_n(&p->p_renewing, __ATOMIC_SEQ_CST) == 0 &&
		    p->p_spc.cl_state == SPC_ON)
			return 0;
		__atomic_fetch_sub(&p->p_users, 1, __ATOMIC_SEQ_CST);
		if (t->t_leaving)
			return ENOTCONN;
		error = renew(t);
		if (error != 0 && error != EAGAIN)
			return error;
	}
}

/* It has ended.  If the kernel was lost meanwhile, look for it at once. */
void
hj_session_exit(struct hj_thread *t)
{
	struct hj_proc *p = t->t_proc;

	if (!hj_has_rules())
		return;
	__atomic_fetch_sub(&p->p_users, 1, __ATOMIC_SEQ_CST);
	if (p->p_spc.cl_state != SPC_ON && !t->t_leaving)
		renew(t);
}

/* A child, which is alone in its process. */
void
hj_session_forked(struct hj_proc *p)
{
	p->p_users = 0;
	p->p_renewing = 0;
}
