/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Between the files of the fiber host.  All of it belongs to the one host
 * thread.
 */
#ifndef HYPER_FIBER_IMPL_H
#define HYPER_FIBER_IMPL_H

#include <sys/queue.h>

#include <ucontext.h>

#include "hyper/fiber.h"
#include "hyper/impl.h"
#include "hyper/timeheap.h"

#define HIDDEN	    __attribute__((visibility("hidden")))
#define likely(x)   __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

enum fiber_state {
	FIBER_READY, /* runs, or is in the queue to */
	FIBER_PARKED,
	FIBER_ENDED,
};

/* Of a stack and whom it belongs to; see stack.c. */
struct stackbatch;
struct fiberstack {
	char *fs_low; /* lowest byte; not the guard's */
	size_t fs_size;
	struct stackbatch *fs_batch; /* NULL: the host thread's own */
	unsigned fs_index;	     /* in its batch */
	unsigned fs_valgrind;	     /* what valgrind calls it */
};

/* What a context has beside its struct hyper_context.  On top of its stack. */
struct fiber {
	struct hyper_context *f_context;
	bool f_late;  /* woken by its deadline */
	bool f_timed; /* f_due is in the heap */
	struct timenode f_due;
	void (*f_fn)(void *);
	void *f_arg;
	struct fiberstack f_stack;
	LIST_ENTRY(fiber) f_all; /* of all fibers, for debuggers */
	void *f_asan;		 /* AddressSanitizer's fake stack */
	void *f_tsan;		 /* ThreadSanitizer's name for it */
	ucontext_t *f_uc;	 /* where there is no assembly */
	char f_name[HYPER_FIBER_NAMELEN];
};

/*
 * How to change stacks, one of switch.c.  make: fiber_begin is to run on it
 * first; top is the end of what is free of its stack.
 */
struct fiber_switcher {
	const char *sw_name;
	size_t sw_room; /* bytes beside each fiber */
	void (*sw_make)(struct fiber *, void *top);
	void (*sw_switch)(struct hyper_context *from, struct hyper_context *to);
};
extern const struct fiber_switcher *fiber_switcher HIDDEN;

/* Choose one, by RUMP_FIBER_SWITCH if that is set.  0 or EINVAL. */
int switcher_choose(void);

/* Where a new fiber begins. */
noreturn void fiber_begin(void) HIDDEN;

/*
 * arch/: save the registers that a function must keep, and the stack pointer
 * in from->hc_sp; go on where `to' was saved.  make: lay out such a place below
 * top, from which fiber_begin is called.  request: tell valgrind something.
 */
extern const bool fiber_arch HIDDEN; /* all this is there */
void
fiber_arch_switch(struct hyper_context *from, struct hyper_context *to) HIDDEN;
void *fiber_arch_make(void *top) HIDDEN;
uint64_t fiber_arch_request(const uint64_t args[6]) HIDDEN;

/* A stack of at least that many bytes.  0, EINVAL or ENOMEM. */
int stack_alloc(struct fiberstack *, size_t size);
void stack_free(const struct fiberstack *);

/*
 * tools.c: sanitizers and valgrind follow stacks.  tools_present is whether
 * there is a sanitizer; the other calls are for that case, but for those of a
 * stack.
 */
extern bool tools_present HIDDEN;
void tools_init(struct fiber *mainfiber);
void tools_stack_made(struct fiberstack *);
void tools_stack_gone(const struct fiberstack *);
void tools_made(struct fiber *);
void tools_gone(struct fiber *);

/* The sanitizers' own calls; NULL in a program without. */
#define WEAK __attribute__((weak))
void WEAK __sanitizer_start_switch_fiber(
    void **fake, const void *low, size_t size);
void WEAK __sanitizer_finish_switch_fiber(
    void *fake, const void **low, size_t *size);
void WEAK __asan_unpoison_memory_region(void const volatile *p, size_t size);
void *WEAK __tsan_create_fiber(unsigned flags);
void *WEAK __tsan_get_current_fiber(void);
void WEAK __tsan_destroy_fiber(void *fiber);
void WEAK __tsan_switch_to_fiber(void *fiber, unsigned flags);
void WEAK __tsan_set_fiber_name(void *fiber, const char *name);

/*
 * The halves of a switch; `from' never comes back if it has ended.
 * The main context's stack is known when a fiber has come from there.  Always
 * inside the caller: ThreadSanitizer counts calls and returns of each fiber.
 */
extern struct fiber *tools_left HIDDEN;

static inline __attribute__((always_inline)) void
tools_leave(struct fiber *from, struct fiber *to)
{
	tools_left = from;
	if (__sanitizer_start_switch_fiber != NULL)
		__sanitizer_start_switch_fiber(
		    from->f_context->hc_state == FIBER_ENDED ? NULL
							     : &from->f_asan,
		    to->f_stack.fs_low, to->f_stack.fs_size);
	if (__tsan_switch_to_fiber != NULL)
		__tsan_switch_to_fiber(to->f_tsan, 0);
}

static inline __attribute__((always_inline)) void
tools_arrive(struct fiber *me)
{
	const void *low;
	size_t size;

	if (__sanitizer_finish_switch_fiber == NULL)
		return;
	__sanitizer_finish_switch_fiber(me->f_asan, &low, &size);
	if (tools_left->f_stack.fs_batch == NULL) {
		tools_left->f_stack.fs_low = (char *)(uintptr_t)low;
		tools_left->f_stack.fs_size = size;
	}
}

#endif /* HYPER_FIBER_IMPL_H */
