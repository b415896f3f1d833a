/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The slow ways into the kernel, and the ways in by hand.
 */
#include "kern/entry.h"

#include <rump/rump.h>

#include "kern/boot.h"
#include "kern/lwp.h"
#include "kern/signal.h"
#include "kern/trace.h"

static struct lwp *
enter_first(void)
{
	struct lwp *l;

	if (!kern_booted())
		return NULL;
	if (curht() == NULL && hostthread_attach() != 0)
		return NULL;
	smr_enter(curht());
	if ((l = lwp_implicit()) == NULL) {
		syscall_exit();
		return NULL;
	}
	setcurlwp(l);
	return l;
}

struct lwp *
syscall_enter_slow(void)
{
	struct lwp *l = curlwp();

	if (lwp_isnobody(l)) {
		if ((l = enter_first()) == NULL)
			return NULL;
	} else
		smr_enter(curht());
	if ((lwp_flags(l) & LW_TRACED) != 0)
		trace_begin(l);
	return l;
}

struct lwp *
syscall_peek_slow(void)
{
	struct lwp *l = syscall_enter_slow();

	if (l != NULL)
		syscall_exit();
	return l;
}

int
syscall_end(
    struct lwp *l, int number, const uint64_t *args, int error, int64_t retval)
{
	if (curctx()->kc_trace != NULL)
		trace_end(number, args, error, retval);
	if ((lwp_flags(l) & LW_SIGNAL) == 0)
		return error;
	error = signal_return(l, error);
	if (error == SIGNAL_AGAIN && (lwp_flags(l) & LW_TRACED) != 0)
		trace_begin(l);
	return error;
}

void
syscall_pure_end(int number, int64_t retval)
{
	if (curctx()->kc_trace != NULL)
		trace_end(number, NULL, 0, retval);
}

int
syscall_refusal(void)
{
	int error;

	if (!kern_booted())
		return ENXIO;
	error = hyper_refusal();
	return error != 0 ? error : ENOMEM;
}

int
syscall_error(int error)
{
	errno = error;
	if (curht() != NULL)
		curctx()->kc_error = error;
	return -1;
}

RUMP_EXPORT void
rump_schedule(void)
{
	struct kcontext *kc = curctx();

	if (kc->kc_scheduled)
		panic("rump_schedule: lwp %d.%d: already in the kernel",
		    (int)proc_pid(curlwp()->l_proc), curlwp()->l_lid);
	if (syscall_enter() == NULL)
		panic("rump_schedule: no kernel to enter: error %d",
		    syscall_refusal());
	curctx()->kc_scheduled = true;
}

RUMP_EXPORT void
rump_unschedule(void)
{
	struct kcontext *kc = curctx();

	if (!kc->kc_scheduled)
		panic("rump_unschedule: not in the kernel");
	kc->kc_scheduled = false;
	syscall_exit();
}
