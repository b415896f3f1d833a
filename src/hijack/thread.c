/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Threads and children.  A child in this memory (a thread, the child of a
 * vfork) begins on an engine's stack of its own, with a struct hj_thread that
 * has the registers of the caller, and leaves the engine from there.  It frees
 * both when it ends; after a vfork the parent does.  A child with a copy of
 * the memory goes on where the parent was.
 *
 * With a kernel a child that is a process begins as the copy of its parent's
 * process there, by a token that the parent has asked for.
 */
#include <linux/mman.h>
#include <linux/sched.h>

#include "hijack/engine.h"

#define NAMESPACES                                                     \
	(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | \
	    CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWTIME)

_Static_assert(HJ_STACKSIZE + sizeof(struct hj_thread) <= HJ_STACKALIGN,
    "what a child has fits");

/* Words that are copied at once (proc_copy). */
#define SOME 8
_Static_assert((sizeof(struct hj_proc) - offsetof(struct hj_proc, p_dirs)) %
		       (SOME * sizeof(long)) ==
		   0,
    "nothing is left");

/* One of clone and clone3. */
struct request {
	long nr; /* how the host is asked */
	unsigned long flags;
	unsigned long stack;	  /* where the child's begins, 0: ours */
	long args[6];		  /* of clone */
	struct clone_args *args3; /* of clone3 */
	size_t size3;
};

/*
 * A copy, in memory that is all zeros: what is zero in there is not written to,
 * so that the host has no memory to give for it.
 */
static void
proc_copy(struct hj_proc *to, const struct hj_proc *from)
{
	const unsigned long *words = (const unsigned long *)from->p_dirs;
	const unsigned long *end = (const unsigned long *)(from + 1);
	unsigned long *copy = (unsigned long *)to->p_dirs;

	memcpy(to, from, offsetof(struct hj_proc, p_dirs));
	for (; words < end; words += SOME, copy += SOME) {
		unsigned long any = 0;

		for (int i = 0; i < SOME; i++)
			any |= words[i];
		if (any != 0)
			memcpy(copy, words, SOME * sizeof(*words));
	}
}

/* Like t, with the registers of a child. */
static struct hj_thread *
thread_alloc(const struct hj_thread *t, const struct request *rq)
{
	int proc = (rq->flags & CLONE_SIGHAND) == 0;
	/* Somewhere in it, one aligned. */
	size_t size = 2 * HJ_STACKALIGN + (proc ? sizeof(struct hj_proc) : 0);
	char *mapping, *stack;
	struct hj_thread *child;

	size = (size + HJ_PAGE - 1) & ~(HJ_PAGE - 1);
	mapping = hj_map(size);
	if (mapping == NULL)
		return NULL;
	stack = mapping + (-(unsigned long)mapping & (HJ_STACKALIGN - 1UL));
	child = (struct hj_thread *)(stack + HJ_STACKSIZE);
	memcpy(child, t, sizeof(*child));
	child->t_self = child;
	child->t_stack = (unsigned long)child;
	child->t_deferred = 0;
	child->t_mapping = (unsigned long)mapping;
	child->t_mapsize = size;
	child->t_scratch = 0;
	child->t_sent = 0;
	child->t_slot = 0;
	child->t_posted = 0;
	child->t_statfd = 0;
	child->t_vfork = (rq->flags & CLONE_VFORK) != 0;
	child->t_traceme = 0;
	child->t_vmshared = proc;
	if (proc) {
		child->t_proc =
		    (struct hj_proc *)(void *)(mapping + 2 * HJ_STACKALIGN);
		proc_copy(child->t_proc, t->t_proc);
	}
	if (!child->t_vfork)
		child->t_alt = (stack_t){.ss_flags = SS_DISABLE};
	child->t_begin = hj_regs_child(child, t);
	HJ_RESULT(child) = 0;
	if (rq->stack != 0)
		HJ_SP(child) = rq->stack;
	return child;
}

static void
thread_free(struct hj_thread *t)
{
	if (t->t_scratch != 0)
		hj_unmap((void *)t->t_scratch, t->t_scratchsize);
	hj_unmap((void *)t->t_mapping, t->t_mapsize);
}

/* The child in this memory, on its stack, with all signals blocked. */
void
hj_child(struct hj_thread *t)
{
	hj_thread_set(t);
	hj_altstack_set(t);
	if (t->t_cpus != NULL)
		spc_cpus_restore(t->t_cpus);
	t->t_cpus = NULL;
	if (hj_has_kernel() && t->t_vmshared)
		hj_kernel_forked(t, t->t_token, 0);
	if (t->t_clearhandlers)
		hj_signal_reset(t->t_proc);
	hj_setmask(t, t->t_oldmask);
}

/* The child, which began or did not, needs what it had no more. */
static void
child_free(const struct hj_thread *t, struct hj_thread *child)
{
	if (child->t_proc->p_spc.cl_shm != t->t_proc->p_spc.cl_shm)
		hj_kernel_unmap(child->t_proc);
	thread_free(child);
}

/* Ask for a child in this memory. */
static long
clone_shared(struct hj_thread *t, struct request *rq)
{
	struct hj_thread *child = thread_alloc(t, rq);
	uint8_t token[SP_TOKEN];
	struct spc_cpus cpus;
	unsigned long old;
	long r, args3[2];
	int session, stays;

	if (child == NULL)
		return -ENOMEM;
	if (hj_block(t, &old) == HJ_RESTART) {
		thread_free(child);
		return HJ_RESTART;
	}
	session = hj_has_kernel() && child->t_vmshared;
	if (session) {
		r = hj_kernel_fork(t, token);
		if (r != 0) {
			thread_free(child);
			hj_setmask(t, old);
			return r;
		}
		memcpy(child->t_token, token, SP_TOKEN);
	}
	child->t_oldmask = old;
	child->t_clearhandlers = (rq->flags & CLONE_CLEAR_SIGHAND) != 0;
	/*
	 * It begins here: we are about to sleep, and elsewhere there may be the
	 * kernel's leader.
	 */
	stays = session && child->t_vfork;
	child->t_cpus = stays ? &cpus : NULL;
	if (stays)
		spc_cpus_stay(&cpus);
	if (!child->t_vfork)
		hj_threaded = 1;
	if (rq->nr == __NR_clone3) {
		rq->args3->stack = child->t_stack - HJ_STACKSIZE;
		rq->args3->stack_size = child->t_begin - rq->args3->stack;
		args3[0] = (long)rq->args3;
		args3[1] = (long)rq->size3;
		r = hj_clone(__NR_clone3, args3, child);
	} else {
		rq->args[1] = (long)child->t_begin;
		r = hj_clone(__NR_clone, rq->args, child);
	}
	if (stays)
		spc_cpus_restore(&cpus);
	if (session)
		hj_kernel_cloned(t, r, token);
	/* A thread may be gone by now, and the child's memory with it. */
	if (HJ_FAILED(r) || (rq->flags & CLONE_VFORK) != 0)
		child_free(t, child);
	/* There is room for it, now that the child's memory is gone. */
	if ((rq->flags & CLONE_VFORK) != 0 && !hj_threaded)
		hj_patch_waiting();
	hj_setmask(t, old);
	return r;
}

/* Ask for a child with a copy of this memory: it comes back here. */
static long
clone_copied(struct hj_thread *t, struct request *rq)
{
	const long *a = rq->args;
	uint8_t token[SP_TOKEN];
	long r = hj_has_kernel() ? hj_kernel_fork(t, token) : 0;

	if (r != 0)
		return r;
	hj_lock();
	if (rq->nr == __NR_clone3) {
		rq->args3->stack = 0;
		rq->args3->stack_size = 0;
		r = hj_raw2(__NR_clone3, rq->args3, rq->size3);
	} else {
		r = hj_raw5(__NR_clone, a[0], 0, a[2], a[3], a[4]);
	}
	if (r == 0) {
		hj_threaded = 0;
		t->t_sent = 0;
		t->t_vmshared = 0;
		t->t_vfork = 0;
		if ((rq->flags & CLONE_CLEAR_SIGHAND) != 0)
			hj_signal_reset(t->t_proc);
		if (rq->stack != 0)
			HJ_SP(t) = rq->stack;
		if (hj_has_kernel())
			hj_kernel_forked(t, token, 1);
	}
	hj_unlock();
	if (r != 0 && hj_has_kernel())
		hj_kernel_cloned(t, r, token);
	return r;
}

/*
 * Whether a child has some of what makes a process, and not the rest: the
 * kernel has processes and threads.
 */
static int
is_mixed(unsigned long flags)
{
	return ((flags & CLONE_SIGHAND) != 0) != ((flags & CLONE_FILES) != 0);
}

static long
clone_request(struct hj_thread *t, struct request *rq)
{
	if ((rq->flags & NAMESPACES) != 0)
		return -EPERM;
	if (hj_has_kernel() && is_mixed(rq->flags))
		return -EINVAL;
	if ((rq->flags & CLONE_VM) != 0)
		return clone_shared(t, rq);
	return clone_copied(t, rq);
}

long
hj_sys_clone(struct hj_thread *t, const long *args)
{
	struct request rq = {.nr = __NR_clone,
	    .flags = (unsigned long)args[0] & 0xffffffffUL,
	    .stack = (unsigned long)args[1]};

	memcpy(rq.args, args, sizeof(rq.args));
	/* In clone these bits are something else, or nothing. */
	rq.flags &= ~(unsigned long)(CSIGNAL | CLONE_CLEAR_SIGHAND);
	return clone_request(t, &rq);
}

long
hj_sys_clone3(struct hj_thread *t, const long *args)
{
	struct clone_args args3 = {0};
	size_t size = (size_t)args[1];
	struct request rq = {.nr = __NR_clone3, .args3 = &args3, .size3 = size};

	if (size < CLONE_ARGS_SIZE_VER0)
		return -EINVAL;
	/* What the engine does not know it cannot do. */
	if (size > sizeof(args3))
		return -E2BIG;
	if (hj_copyin(&args3, (unsigned long)args[0], size) != 0)
		return -EFAULT;
	if ((args3.stack == 0) != (args3.stack_size == 0))
		return -EINVAL;
	rq.flags = args3.flags;
	args3.flags &= ~CLONE_CLEAR_SIGHAND;
	if ((rq.flags & CLONE_CLEAR_SIGHAND) != 0 &&
	    (rq.flags & CLONE_SIGHAND) != 0)
		return -EINVAL;
	if (args3.stack != 0)
		rq.stack = args3.stack + args3.stack_size;
	return clone_request(t, &rq);
}

/* Whether ending frees the thread, and nobody else can. */
static int
frees_itself(const struct hj_thread *t)
{
	return t->t_mapping != 0 && !t->t_vfork;
}

long
hj_sys_exit(struct hj_thread *t, const long *args)
{
	unsigned long old;

	if (hj_block(t, &old) == HJ_RESTART)
		return HJ_RESTART;
	if (hj_has_kernel())
		hj_kernel_threadend(t);
	if (t->t_vmshared && frees_itself(t))
		hj_kernel_unmap(t->t_proc);
	if (frees_itself(t))
		hj_thread_end(t->t_mapping, t->t_mapsize, __NR_exit, args[0]);
	for (;;)
		hj_raw1(__NR_exit, args[0]);
}

long
hj_sys_exit_group(struct hj_thread *t, const long *args)
{
	unsigned long old;

	hj_fd_end(t);
	/* In its own memory all goes with it. */
	if (t->t_vmshared && frees_itself(t)) {
		if (hj_block(t, &old) == HJ_RESTART)
			return HJ_RESTART;
		hj_kernel_unmap(t->t_proc);
		hj_thread_end(
		    t->t_mapping, t->t_mapsize, __NR_exit_group, args[0]);
	}
	for (;;)
		hj_raw1(__NR_exit_group, args[0]);
}
