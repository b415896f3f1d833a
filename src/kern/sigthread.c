/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Functions that are called for SIGEV_THREAD; see sigthread.h.
 *
 * Who tells may be a timer, which has no lwp and must not wait.  So the thread
 * makes the lwp itself; it is known by then whether the process is the same.
 */
#include "kern/sigthread.h"

#include <rump/rump.h>

#include "hyper/fiber.h"
#include "kern/entry.h"
#include "kern/fiber.h"
#include "kern/kern.h"
#include "kern/lwp.h"
#include "kern/procinfo.h"

struct sigthread {
	struct procid st_proc;
	void (*st_fn)(union sigval);
	union sigval st_value;
};

/* In a fiber, which has an lwp of the process and ends with it. */
static void *
sigthread_fiber(void *arg)
{
	struct sigthread st = *(struct sigthread *)arg;

	smr_enter(curht());
	kmem_free(arg, sizeof(st));
	syscall_exit();
	st.st_fn(st.st_value);
	return NULL;
}

/* In a new host thread. */
static void *
sigthread_main(void *arg)
{
	struct sigthread st = *(struct sigthread *)arg;
	uint64_t handle;

	/* Without memory for its record there is none to free it by. */
	if (syscall_enter() == NULL)
		return NULL;
	kmem_free(arg, sizeof(st));
	syscall_exit();
	if (rump_pub_lwproc_newlwp(st.st_proc.id_pid) != 0)
		return NULL;
	handle = curlwp()->l_handle;
	if (curlwp()->l_proc->p_serial == st.st_proc.id_serial)
		st.st_fn(st.st_value);
	smr_enter(curht());
	lwp_end(handle);
	syscall_exit();
	return NULL;
}

void
sigthread_call(
    const struct procid *who, void (*fn)(union sigval), union sigval value)
{
	struct sigthread *st = kmem_alloc(sizeof(*st));
	struct procid id;
	int error;

	if (st == NULL)
		return;
	*st = (struct sigthread){*who, fn, value};
	if (!hyper_has_fibers())
		error = hyper_start(sigthread_main, st);
	else if ((error = proc_id(who->id_pid, &id)) == 0)
		error = id.id_serial != who->id_serial
			    ? ESRCH
			    : fiber_spawn(who->id_pid, sigthread_fiber, st,
				  "SIGEV_THREAD");
	if (error != 0)
		kmem_free(st, sizeof(*st));
}
