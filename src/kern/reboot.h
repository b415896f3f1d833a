/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The end of the kernel.
 */
#ifndef KERN_REBOOT_H
#define KERN_REBOOT_H

#include "kern/param.h"

/*
 * What a part above does when the kernel is to end.  They are called in the
 * order of registration, in a section, without locks, after the sync.  True:
 * the hook ends the host process soon by itself, after the call has returned
 * to its caller, who may be elsewhere.
 */
struct reboot_hook {
	void (*rh_sync)(struct lwp *);
	bool (*rh_halt)(struct lwp *, int howto);
	struct reboot_hook *rh_next; /* reboot.c */
};

/* At boot, or before anybody can make a call. */
void reboot_hook_register(struct reboot_hook *);

#endif /* KERN_REBOOT_H */
