/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sanitizers and valgrind, which must know of stacks.  Whether a sanitizer is
 * there is seen when the library is loaded: a program that has one brings it
 * for the library, too, however that was built.
 */
#include "hyper/fiber/impl.h"

/* Requests of valgrind. */
#define VG_STACK_REGISTER   0x1501
#define VG_STACK_DEREGISTER 0x1502

bool tools_present;
struct fiber *tools_left;

void
tools_init(struct fiber *f)
{
	tools_present = __sanitizer_start_switch_fiber != NULL ||
			__tsan_switch_to_fiber != NULL;
	if (__tsan_get_current_fiber != NULL)
		f->f_tsan = __tsan_get_current_fiber();
}

void
tools_stack_made(struct fiberstack *fs)
{
	uint64_t args[6] = {VG_STACK_REGISTER, (uintptr_t)fs->fs_low,
	    (uintptr_t)fs->fs_low + fs->fs_size};

	fs->fs_valgrind = (unsigned)fiber_arch_request(args);
}

void
tools_stack_gone(const struct fiberstack *fs)
{
	uint64_t args[6] = {VG_STACK_DEREGISTER, fs->fs_valgrind};

	(void)fiber_arch_request(args);
	/* Frames that were never left. */
	if (__asan_unpoison_memory_region != NULL)
		__asan_unpoison_memory_region(fs->fs_low, fs->fs_size);
}

void
tools_made(struct fiber *f)
{
	if (__tsan_create_fiber == NULL)
		return;
	f->f_tsan = __tsan_create_fiber(0);
	__tsan_set_fiber_name(f->f_tsan, f->f_name);
}

void
tools_gone(struct fiber *f)
{
	if (__tsan_destroy_fiber != NULL)
		__tsan_destroy_fiber(f->f_tsan);
}
