/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * System calls that only read what stays readable as long as the lwp is there:
 * they need no section and end up inside the function that a program calls.
 */
#ifndef KERN_PURE_H
#define KERN_PURE_H

#include "kern/proc.h"

static inline pid_t
sys_getpid(struct lwp *l)
{
	return proc_pid(l->l_proc);
}

static inline pid_t
sys_getppid(struct lwp *l)
{
	return atomic_load_explicit(&l->l_proc->p_ppid, memory_order_relaxed);
}

static inline pid_t
sys_gettid(struct lwp *l)
{
	return l->l_lid;
}

#endif /* KERN_PURE_H */
