/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a process has of src/ipc; see procipc.h.
 */
#include "ipc/procipc.h"

#include "ipc/aio.h"
#include "ipc/shmmem.h"
#include "ipc/sysv_sem.h"
#include "kern/kqproc.h"

int
procipc_get(struct proc *p, struct procipc **pcp)
{
	struct procipc *pc = proc_ipc(p), *none = NULL;

	*pcp = pc;
	if (pc != NULL)
		return 0;
	if ((pc = kmem_zalloc(sizeof(*pc))) == NULL)
		return ENOMEM;
	*pcp = pc;
	/* Release pairs with the acquire in proc_ipc. */
	if (!atomic_compare_exchange_strong_explicit(&p->p_ipc, &none, pc,
		memory_order_acq_rel, memory_order_acquire)) {
		*pcp = none;
		kmem_free(pc, sizeof(*pc));
	}
	return 0;
}

static int
procipc_fork(struct proc *p, struct proc *parent)
{
	struct procipc *pc = proc_ipc(parent);

	return likely(pc == NULL) ? 0 : shm_fork(pc, p);
}

/* Nobody else looks at what a process has that has no lwps. */
static void
procipc_exit(struct proc *p)
{
	struct procipc *pc = proc_ipc(p);

	if (likely(pc == NULL))
		return;
	atomic_store_explicit(&p->p_ipc, NULL, memory_order_relaxed);
	if (pc->pc_aio != NULL)
		aio_exit(pc->pc_aio);
	semundo_exit(pc, proc_pid(p));
	shm_exit(pc);
	kmem_free(pc, sizeof(*pc));
}

/* Segments and requests are about memory of the program before. */
static void
procipc_exec(struct proc *p)
{
	struct procipc *pc = proc_ipc(p);
	struct aioproc *aa;

	if (likely(pc == NULL))
		return;
	mutex_enter(&pc->pc_lock);
	aa = pc->pc_aio;
	pc->pc_aio = NULL;
	mutex_exit(&pc->pc_lock);
	if (aa != NULL)
		aio_exit(aa);
	shm_exit(pc);
}

int
ipc_init(void)
{
	static struct proc_hook hook = {
	    .ph_fork = procipc_fork,
	    .ph_exit = procipc_exit,
	    .ph_exec = procipc_exec,
	};

	sysv_init(&sysv_sems);
	sysv_init(&sysv_msgs);
	sysv_init(&sysv_shms);
	shmmem_init();
	proc_hook_register(&hook);
	kqaio_state = aio_state;
	return 0;
}
