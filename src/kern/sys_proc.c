/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * System calls about small attributes of the calling process.
 */
#include <sys/prctl.h>

#include "kern/proc.h"
#include "kern/uio.h"
#include "sysproto.h"

int
sys_umask(struct lwp *l, mode_t mask, mode_t *retval)
{
	*retval = atomic_exchange_explicit(
	    &l->l_proc->p_umask, mask & 0777, memory_order_relaxed);
	return 0;
}

static int
prctl_set_name(struct proc *p, const char *uname)
{
	char name[PROC_NAMELEN] = {0};
	int error;

	error = copyinstr(uname, name, sizeof(name), NULL);
	/* A longer name is cut. */
	if (error == ENAMETOOLONG)
		error = copyin(uname, name, sizeof(name) - 1);
	if (error != 0)
		return error;
	mutex_enter(&p->p_lock);
	memcpy(p->p_name, name, sizeof(name));
	mutex_exit(&p->p_lock);
	return 0;
}

int
sys_prctl(struct lwp *l, int op, unsigned long a2, unsigned long a3,
    unsigned long a4, unsigned long a5, int *retval)
{
	char name[PROC_NAMELEN];

	(void)a3;
	(void)a4;
	(void)a5;
	*retval = 0;
	switch (op) {
	case PR_SET_NAME:
		return prctl_set_name(l->l_proc, (const char *)a2);
	case PR_GET_NAME:
		mutex_enter(&l->l_proc->p_lock);
		memcpy(name, l->l_proc->p_name, sizeof(name));
		mutex_exit(&l->l_proc->p_lock);
		return copyout(name, (void *)a2, sizeof(name));
	default:
		return EINVAL;
	}
}
