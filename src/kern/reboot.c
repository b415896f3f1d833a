/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The end of the kernel: the host process ends, as a machine would be
 * switched off.
 */
#include "kern/reboot.h"

#include <sys/reboot.h>

#include <rump/rumpdefs.h>

#include "kern/kern.h"
#include "sysproto.h"

static struct reboot_hook *hooks, **hooks_last = &hooks; /* stable after boot */

void
reboot_hook_register(struct reboot_hook *rh)
{
	rh->rh_next = NULL;
	*hooks_last = rh;
	hooks_last = &rh->rh_next;
}

/* The host's numbers mean the same as those of the BSDs. */
static int
reboot_howto(int *howto)
{
	switch ((unsigned)*howto) {
	case (unsigned)RB_HALT_SYSTEM:
		*howto = RUMP_RB_HALT;
		return 0;
	case (unsigned)RB_POWER_OFF:
		*howto = RUMP_RB_POWERDOWN;
		return 0;
	case (unsigned)RB_AUTOBOOT:
		*howto = RUMP_RB_AUTOBOOT;
		return 0;
	default:
		return (*howto & ~(RUMP_RB_NOSYNC | RUMP_RB_DUMP |
				     RUMP_RB_POWERDOWN)) != 0
			   ? EINVAL
			   : 0;
	}
}

/* There is nothing to boot again, so bootstr has nothing to say. */
int
sys_reboot(struct lwp *l, int howto, const char *bootstr)
{
	struct reboot_hook *rh;
	int error;

	(void)bootstr;
	if (!cred_is_root(proc_cred(l->l_proc)))
		return EPERM;
	if ((error = reboot_howto(&howto)) != 0)
		return error;
	for (rh = hooks; rh != NULL; rh = rh->rh_next)
		if (rh->rh_sync != NULL && (howto & RUMP_RB_NOSYNC) == 0)
			rh->rh_sync(l);
	for (rh = hooks; rh != NULL; rh = rh->rh_next)
		if (rh->rh_halt != NULL && rh->rh_halt(l, howto))
			return 0;
	/* Handlers of exit(3) may call the kernel: nothing is held. */
	smr_exit(curht());
	if ((howto & RUMP_RB_DUMP) != 0)
		hyper_abort();
	hyper_exit(0);
}
