/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Machines that nobody has written assembly for: see switch.c.
 */
#include "hyper/fiber/impl.h"

const bool fiber_arch = false;

void
fiber_arch_switch(struct hyper_context *from, struct hyper_context *to)
{
	(void)from, (void)to;
	hyper_abort();
}

void *
fiber_arch_make(void *top)
{
	(void)top;
	hyper_abort();
}

uint64_t
fiber_arch_request(const uint64_t args[6])
{
	(void)args;
	return 0;
}
