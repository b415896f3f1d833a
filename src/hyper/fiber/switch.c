/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Changing from one fiber's stack to another's: by assembly where there is
 * some, else by ucontext, which calls the host to change a signal mask that is
 * always the same.
 */
#include <errno.h>
#include <string.h>

#include "hyper/fiber/impl.h"

/* One for the main context, which has no stack to keep it on. */
static ucontext_t main_uc;

static void
asm_make(struct fiber *f, void *top)
{
	f->f_context->hc_sp = fiber_arch_make(top);
}

static void
ucontext_make(struct fiber *f, void *top)
{
	char *low = f->f_stack.fs_low;

	f->f_uc = top;
	(void)getcontext(f->f_uc);
	f->f_uc->uc_stack.ss_sp = low;
	f->f_uc->uc_stack.ss_size = (size_t)((char *)top - low);
	f->f_uc->uc_link = NULL;
	makecontext(f->f_uc, fiber_begin, 0);
}

static void
ucontext_switch(struct hyper_context *from, struct hyper_context *to)
{
	if (from->hc_fiber->f_uc == NULL)
		from->hc_fiber->f_uc = &main_uc;
	(void)swapcontext(from->hc_fiber->f_uc, to->hc_fiber->f_uc);
}

static const struct fiber_switcher switcher_asm = {
    .sw_name = "asm", .sw_make = asm_make, .sw_switch = fiber_arch_switch};
static const struct fiber_switcher switcher_ucontext = {.sw_name = "ucontext",
    .sw_room = sizeof(ucontext_t),
    .sw_make = ucontext_make,
    .sw_switch = ucontext_switch};

const struct fiber_switcher *fiber_switcher;

int
switcher_choose(void)
{
	const char *name = hyper_getenv("RUMP_FIBER_SWITCH");

	fiber_switcher = fiber_arch ? &switcher_asm : &switcher_ucontext;
	if (name == NULL || strcmp(name, fiber_switcher->sw_name) == 0)
		return 0;
	fiber_switcher = &switcher_ucontext;
	return strcmp(name, fiber_switcher->sw_name) == 0 ? 0 : EINVAL;
}
