/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Some fibers for a debugger to look at when stop_here is called.
 */
#include <rump/rump.h>
#include <rump/rump_syscalls.h>
#include <rump/rumpfiber.h>

static int fds[2];

/* Not made into its caller, so that it has a frame. */
static __attribute__((noinline)) void
stop_here(void)
{
	__asm__ volatile("" ::: "memory");
}

static __attribute__((noinline)) long
wait_for_byte(void)
{
	char c;
	long n = rump_sys_read(fds[0], &c, 1);

	return n + 1;
}

static void *
sleeper(void *arg)
{
	return wait_for_byte() == 1 ? arg : NULL;
}

static void *
stopper(void *arg)
{
	stop_here();
	(void)rump_sys_close(fds[1]);
	return arg;
}

int
main(void)
{
	struct rump_fiber *s, *t;
	void *result;

	if (rump_boot_setthreads("fiber") != 0 || rump_init() != 0 ||
	    rump_sys_pipe(fds) != 0 ||
	    rump_fiber_create(&s, sleeper, fds, 0, "sleeper") != 0 ||
	    rump_fiber_create(&t, stopper, fds, 0, "stopper") != 0 ||
	    rump_fiber_run() != 0 || rump_fiber_join(s, &result) != 0)
		return 1;
	return result != fds;
}
