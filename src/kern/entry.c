/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The slow ways into the kernel, and the ways in by hand.
 */
#include "kern/entry.h"

#include <rump/rump.h>

#include "kern/boot.h"
#include "kern/lwp.h"

struct lwp *
syscall_enter_first(void)
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
	kern_tls.kt_lwp = l;
	return l;
}

struct lwp *
syscall_peek_first(void)
{
	struct lwp *l = syscall_enter_first();

	if (l != NULL)
		syscall_exit();
	return l;
}

int
syscall_refusal(void)
{
	struct hyper_context hc;
	int error;

	if (!kern_booted())
		return ENXIO;
	error = hyper_enter(&hc);
	return error != 0 ? error : ENOMEM;
}

int
syscall_error(int error)
{
	errno = error;
	if (curctx() != NULL)
		curctx()->kc_error = error;
	return -1;
}

RUMP_EXPORT void
rump_schedule(void)
{
	struct kcontext *kc = curctx();

	if (kc != NULL && kc->kc_scheduled)
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

	if (kc == NULL || !kc->kc_scheduled)
		panic("rump_unschedule: not in the kernel");
	kc->kc_scheduled = false;
	syscall_exit();
}
