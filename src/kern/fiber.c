/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fibers: contexts that share the host thread; see <rump/rumpfiber.h> for what
 * they do and hyper/fiber.h for how they take turns.
 *
 * The record of a fiber stays until it is joined or, if nobody will do that,
 * until its end.  It is type-stable, as every kcontext is.
 *
 * All of this belongs to the one host thread: there are no locks.
 */
#include "hyper/fiber.h"

#include <rump/rump.h>
#include <rump/rumpfiber.h>

#include "kern/boot.h"
#include "kern/entry.h"
#include "kern/fiber.h"
#include "kern/lwp.h"
#include "kern/proc_impl.h"

_Static_assert(RUMP_FIBER_STACK == HYPER_FIBER_STACK &&
		   RUMP_FIBER_MINSTACK == HYPER_FIBER_MINSTACK &&
		   RUMP_FIBER_MAXSTACK == HYPER_FIBER_MAXSTACK &&
		   RUMP_FIBER_NAMELEN == HYPER_FIBER_NAMELEN,
    "what the host has is what the program is told");

enum { FIBER_FREE, FIBER_ALIVE, FIBER_ENDED };

struct rump_fiber {
	struct kcontext rf_ctx;
	_Atomic uint32_t rf_state; /* FIBER_*; the joiner parks on it */
	bool rf_detached;
	struct kcontext *rf_joiner; /* NULL: none */
	void *(*rf_fn)(void *);
	void *rf_arg;
	void *rf_result;
	struct lwp *rf_lwp; /* made for it */
	uint64_t rf_handle; /* the same */
	char rf_name[RUMP_FIBER_NAMELEN];
};

static struct kcache *fiber_cache;

static uint32_t
fiber_state(struct rump_fiber *rf)
{
	return atomic_load_explicit(&rf->rf_state, memory_order_relaxed);
}

static void
fiber_setstate(struct rump_fiber *rf, uint32_t state)
{
	atomic_store_explicit(&rf->rf_state, state, memory_order_relaxed);
}

/* Why the calling context can do nothing with fibers; 0: it can. */
static int
fiber_refusal(void)
{
	if (!kern_booted())
		return ENXIO;
	if (!hyper_has_fibers())
		return ENOTSUP;
	return syscall_peek() == NULL ? syscall_refusal() : 0;
}

/* The one that runs, or NULL. */
static struct rump_fiber *
fiber_self(void)
{
	struct kcontext *kc = curctx();

	if (!hyper_has_fibers() || curht() == NULL || kc == &curht()->ht_ctx)
		return NULL;
	return container_of(kc, struct rump_fiber, rf_ctx);
}

/* Others run in its stead: a section would not end, and nobody could tell. */
static void
fiber_outside(const char *call)
{
	struct lwp *l = curlwp();

	if (likely(!smr_entered()))
		return;
	panic("%s: lwp %d.%d: called inside the kernel", call,
	    lwp_isnobody(l) ? 1 : (int)proc_pid(l->l_proc), l->l_lid);
}

static void
fiber_free(struct rump_fiber *rf)
{
	fiber_setstate(rf, FIBER_FREE);
	kcache_free(fiber_cache, rf);
}

/*
 * Beginning and end
 */

static noreturn void
fiber_end(struct rump_fiber *rf, void *result)
{
	if (rf->rf_ctx.kc_scheduled)
		panic("a fiber ended between rump_schedule and "
		      "rump_unschedule");
	smr_enter(curht());
	lwp_end(rf->rf_handle);
	lwp_context_exit(&rf->rf_ctx);
	rf->rf_result = result;
	fiber_setstate(rf, FIBER_ENDED);
	if (rf->rf_joiner != NULL)
		hyper_unpark(&rf->rf_joiner->kc_hyper, &rf->rf_state);
	if (rf->rf_detached)
		fiber_free(rf);
	syscall_exit();
	hyper_fiber_exit();
}

static void
fiber_main(void *arg)
{
	struct rump_fiber *rf = arg;

	fiber_end(rf, rf->rf_fn(rf->rf_arg));
}

static struct rump_fiber *
fiber_alloc(void *(*fn)(void *), void *arg, const char *name)
{
	struct rump_fiber *rf = kcache_alloc(fiber_cache);
	uint32_t id;

	if (rf == NULL)
		return NULL;
	id = rf->rf_ctx.kc_id;
	memset(rf, 0, sizeof(*rf));
	rf->rf_ctx.kc_id = id != 0 ? id : hostthread_newid();
	rf->rf_ctx.kc_ht = curht();
	rf->rf_fn = fn;
	rf->rf_arg = arg;
	if (name != NULL)
		memcpy(
		    rf->rf_name, name, strnlen(name, sizeof(rf->rf_name) - 1));
	return rf;
}

static int
fiber_create(struct rump_fiber *rf, pid_t pid, size_t stacksize)
{
	struct kcontext *kc = &rf->rf_ctx;
	int error = lwp_make(pid, &rf->rf_lwp);

	if (error != 0)
		return error;
	error = hyper_fiber_make(
	    &kc->kc_hyper, fiber_main, rf, stacksize, rf->rf_name);
	if (error != 0) {
		proc_detach_lwp(rf->rf_lwp);
		lwp_free(rf->rf_lwp, pid);
		return error;
	}
	lwp_give(rf->rf_lwp, kc);
	kc->kc_hyper.hc_lwp = rf->rf_lwp;
	rf->rf_handle = rf->rf_lwp->l_handle;
	fiber_setstate(rf, FIBER_ALIVE);
	hyper_fiber_start(&kc->kc_hyper);
	return 0;
}

RUMP_EXPORT int
rump_fiber_create(struct rump_fiber **fiberp, void *(*fn)(void *), void *arg,
    size_t stacksize, const char *name)
{
	struct rump_fiber *rf;
	int error = fiber_refusal();

	if (error != 0)
		return error;
	if (fiberp == NULL || fn == NULL)
		return EINVAL;
	if (syscall_enter() == NULL)
		return syscall_refusal();
	error = ENOMEM;
	if ((rf = fiber_alloc(fn, arg, name)) != NULL &&
	    (error = fiber_create(rf, proc_pid(curlwp()->l_proc), stacksize)) !=
		0)
		fiber_free(rf);
	syscall_exit();
	if (error == 0)
		*fiberp = rf;
	return error;
}

int
fiber_spawn(pid_t pid, void *(*fn)(void *), void *arg, const char *name)
{
	struct rump_fiber *rf = fiber_alloc(fn, arg, name);
	int error = rf == NULL ? ENOMEM : fiber_create(rf, pid, 0);

	if (error == 0)
		rf->rf_detached = true;
	else if (rf != NULL)
		fiber_free(rf);
	return error;
}

RUMP_EXPORT void
rump_fiber_exit(void *result)
{
	struct rump_fiber *rf = fiber_self();

	if (rf == NULL)
		panic("rump_fiber_exit: not in a fiber");
	fiber_end(rf, result);
}

/*
 * Waiting for others
 */

/* Can somebody still say that they want its end? */
static int
fiber_wanted(struct rump_fiber *rf)
{
	int error = fiber_refusal();

	if (error != 0)
		return error;
	if (rf == NULL || fiber_state(rf) == FIBER_FREE)
		return ESRCH;
	return rf->rf_detached || rf->rf_joiner != NULL ? EINVAL : 0;
}

RUMP_EXPORT int
rump_fiber_join(struct rump_fiber *rf, void **resultp)
{
	int error = fiber_wanted(rf);

	if (rf != NULL && rf == fiber_self())
		return EDEADLK;
	if (error != 0)
		return error;
	fiber_outside("rump_fiber_join");
	rf->rf_joiner = curctx();
	while (fiber_state(rf) == FIBER_ALIVE && error == 0)
		error =
		    kcontext_park(&rf->rf_state, FIBER_ALIVE, HYPER_FOREVER);
	rf->rf_joiner = NULL;
	if (error != 0)
		return error;
	if (resultp != NULL)
		*resultp = rf->rf_result;
	smr_enter(curht());
	fiber_free(rf);
	syscall_exit();
	return 0;
}

RUMP_EXPORT int
rump_fiber_detach(struct rump_fiber *rf)
{
	int error = fiber_wanted(rf);

	if (error != 0)
		return error;
	rf->rf_detached = true;
	if (fiber_state(rf) == FIBER_ENDED) {
		smr_enter(curht());
		fiber_free(rf);
		syscall_exit();
	}
	return 0;
}

/* The calling context is alone, the main one, or none of a fiber host. */
static __attribute__((noinline)) void
fiber_yield_slow(void)
{
	if (!kern_alone || curht() == NULL)
		return;
	fiber_outside("rump_fiber_yield");
	hyper_fiber_yield_slow(kern_tls.kt_running.hr_context);
}

RUMP_EXPORT void
rump_fiber_yield(void)
{
	struct hyper_context *me = kern_tls.kt_running.hr_context;

	if (unlikely(hyper_fiber_isalone(me) || smr_entered()))
		fiber_yield_slow();
	else
		hyper_fiber_yield(me);
}

RUMP_EXPORT int
rump_fiber_run(void)
{
	int error = fiber_refusal();

	if (error != 0)
		return error;
	if (fiber_self() != NULL)
		return EBUSY;
	fiber_outside("rump_fiber_run");
	return hyper_fiber_run();
}

/*
 * Looking
 */

RUMP_EXPORT struct rump_fiber *
rump_fiber_self(void)
{
	return fiber_self();
}

RUMP_EXPORT const char *
rump_fiber_name(struct rump_fiber *rf)
{
	if (rf == NULL && (rf = fiber_self()) == NULL)
		return "main";
	return rf->rf_name;
}

void
fiber_init(void)
{
	fiber_cache = kcache_init(
	    "fiber", sizeof(struct rump_fiber), CACHE_LINE, KCACHE_STABLE);
}
