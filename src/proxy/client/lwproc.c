/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rump_lwproc(3) for remote clients: a thread is bound to an lwp of its
 * session by sending that lwp's number with its calls.
 *
 * Who runs an lwp is known here, and the fatal mistakes are found here.  What
 * the program holds is a number and a generation, shaped like a pointer.
 */
#include "proxy/client/client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <stdnoreturn.h>
#include <string.h>

#include <rump/rump.h>

#define NLWPS	    8192u /* as many numbers as a server has; see proxy.h */
#define NUMBER_BITS 13

/* The state of a number: generation << 2 | one of these. */
enum { LWP_RELEASED, LWP_NONE, LWP_RUNNING };

struct remote_lwp {
	_Atomic uint64_t rl_state;
	int rl_pid, rl_lid;
};

static struct remote_lwp lwps[NLWPS];

/* This thread's current lwp, as the program knows it. */
static _Thread_local uint64_t current;

static uint64_t
lwp_handle(uint64_t generation, uint32_t n)
{
	return (generation << NUMBER_BITS | n) << 4;
}

static struct remote_lwp *
lwp_of(uint64_t handle, uint64_t *generationp)
{
	*generationp = handle >> (4 + NUMBER_BITS);
	return &lwps[handle >> 4 & (NLWPS - 1)];
}

static uint32_t
lwp_number(uint64_t handle)
{
	return (uint32_t)(handle >> 4 & (NLWPS - 1));
}

static noreturn void
fatal(const char *call, const struct remote_lwp *rl, const char *why)
{
	fprintf(stderr, "%s: lwp %d.%d: %s\n", call,
	    rl == NULL ? 1 : rl->rl_pid, rl == NULL ? 0 : rl->rl_lid, why);
	abort();
}

/* The thread leaves the lwp that it is bound to, which stays. */
static void
lwp_leave(void)
{
	uint64_t generation;
	struct remote_lwp *rl;

	if (current == 0)
		return;
	rl = lwp_of(current, &generation);
	current = 0;
	client_thread.ct_lwp = 0;
	/* Release pairs with the acquire of who takes it. */
	atomic_store_explicit(
	    &rl->rl_state, generation << 2 | LWP_NONE, memory_order_release);
}

/* An lwp that was just made, and is this thread's. */
static void
lwp_begin(uint32_t n, const struct sp_lwpids *ids)
{
	struct remote_lwp *rl = &lwps[n];
	uint64_t generation =
	    (atomic_load_explicit(&rl->rl_state, memory_order_relaxed) >> 2) +
	    1;

	lwp_leave();
	rl->rl_pid = ids->li_pid;
	rl->rl_lid = ids->li_lid;
	atomic_store_explicit(
	    &rl->rl_state, generation << 2 | LWP_RUNNING, memory_order_release);
	current = lwp_handle(generation, n);
	client_thread.ct_lwp = n;
}

static int
lwp_make(uint32_t op, uint64_t arg)
{
	struct sp_msg m = {.sm_op = op, .sm_lwp = client_thread.ct_lwp};
	struct sp_lwpids ids;
	int error;

	memset(&ids, 0, sizeof(ids));
	m.sm_args[0] = arg;
	if ((error = client_check()) != 0 ||
	    (error = client_op(&m, &ids, sizeof(ids))) != 0)
		return error;
	if (m.sm_retval <= 0 || m.sm_retval >= NLWPS)
		return EPROTO;
	lwp_begin((uint32_t)m.sm_retval, &ids);
	return 0;
}

RUMP_EXPORT int
rump_pub_lwproc_rfork(int flags)
{
	return lwp_make(SP_RFORK, (uint64_t)(uint32_t)flags);
}

RUMP_EXPORT int
rump_pub_lwproc_newlwp(pid_t pid)
{
	return lwp_make(SP_NEWLWP, (uint64_t)(int64_t)pid);
}

/* It could not be taken: say why, and die. */
static noreturn void
switch_failed(uint64_t handle, uint64_t state)
{
	static const char call[] = "rump_pub_lwproc_switch";
	uint64_t generation;
	struct remote_lwp *rl = lwp_of(handle, &generation);

	if (state >> 2 != generation || (state & 3) == LWP_RELEASED)
		fatal(call, rl,
		    state >> 2 == generation ? "released" : "is none");
	fatal(call, rl,
	    handle == current ? "already running on this host thread"
			      : "already running on another host thread");
}

RUMP_EXPORT void
rump_pub_lwproc_switch(struct lwp *l)
{
	uint64_t handle = (uint64_t)(uintptr_t)l, generation, state;
	struct remote_lwp *rl;

	if (handle == 0) {
		lwp_leave();
		return;
	}
	rl = lwp_of(handle, &generation);
	state = generation << 2 | LWP_NONE;
	/* Acquire pairs with the release in lwp_leave. */
	if (!atomic_compare_exchange_strong_explicit(&rl->rl_state, &state,
		generation << 2 | LWP_RUNNING, memory_order_acquire,
		memory_order_acquire))
		switch_failed(handle, state);
	lwp_leave();
	current = handle;
	client_thread.ct_lwp = lwp_number(handle);
}

RUMP_EXPORT void
rump_pub_lwproc_releaselwp(void)
{
	struct sp_msg m = {.sm_op = SP_RELEASE, .sm_lwp = client_thread.ct_lwp};
	uint64_t generation;
	struct remote_lwp *rl;

	if (current == 0)
		fatal("rump_pub_lwproc_releaselwp", NULL,
		    "no current lwp: implicit context");
	rl = lwp_of(current, &generation);
	current = 0;
	/* Before the server can give its number to another one. */
	atomic_store_explicit(&rl->rl_state, generation << 2 | LWP_RELEASED,
	    memory_order_release);
	if (client_check() == 0)
		(void)client_op(&m, NULL, 0);
	client_thread.ct_lwp = 0;
}

RUMP_EXPORT struct lwp *
rump_pub_lwproc_curlwp(void)
{
	return (struct lwp *)(uintptr_t)current;
}

RUMP_EXPORT void
rump_pub_lwproc_sysent_usenative(void)
{
}

void
client_lwps_forked(void)
{
	size_t i;

	current = 0;
	client_thread.ct_lwp = 0;
	for (i = 0; i < NLWPS; i++) {
		uint64_t state = atomic_load_explicit(
		    &lwps[i].rl_state, memory_order_relaxed);

		atomic_store_explicit(&lwps[i].rl_state, state & ~UINT64_C(3),
		    memory_order_relaxed);
	}
}

void
client_lwps_threadend(void)
{
	lwp_leave();
}
