/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Boot: each part in order, once in the life of the host process.
 */
#include "kern/boot.h"

#include <inttypes.h>
#include <stdio.h>

#include <rump/rump.h>

#include "kern/entry.h"
#include "kern/filedesc.h"
#include "kern/kern.h"
#include "kern/lwp.h"
#include "kern/proc_impl.h"
#include "kern/sysctl.h"
#include "kern/timer.h"

#define VERSION_MAJOR 0
#define VERSION_MINOR 1
#define VERSION_PATCH 0

/* How far boot has come; threads that find it going on wait. */
enum { BOOT_NOT, BOOT_GOING, BOOT_DONE };
static _Atomic uint32_t boot_state;

bool
kern_booted(void)
{
	/* Acquire pairs with the release in rump_init. */
	return atomic_load_explicit(&boot_state, memory_order_acquire) ==
	       BOOT_DONE;
}

bool
kern_booting(void)
{
	return atomic_load_explicit(&boot_state, memory_order_seq_cst) ==
	       BOOT_GOING;
}

void
kern_boot_wait(void)
{
	while (atomic_load_explicit(&boot_state, memory_order_acquire) ==
	       BOOT_GOING)
		hyper_wait(&boot_state, BOOT_GOING, HYPER_FOREVER);
}

static const struct hyper_ops hyper_ops = {
    .ho_thread_exit = hostthread_detach,
    .ho_timers = ktimer_turn,
    .ho_fork_prepare = fork_prepare,
    .ho_fork_parent = fork_parent,
    .ho_fork_child = fork_child,
};

/*
 * When the library is loaded, not at boot: so no fork can copy a boot that is
 * going on without being told.
 */
static int host_error;

static __attribute__((constructor)) void
boot_prepare_host(void)
{
	host_error = hyper_init(&hyper_ops);
}

/* What can be tried again when it fails: the environment, and memory. */
static int
boot_host(void)
{
	int error = config_read();

	if (error == 0)
		error = hyper_choose(kern_config.kc_host);
	kern_alone = hyper_host->hh_fibers;
	/* The host has one clock for all fibers. */
	if (kern_alone)
		kern_config.kc_cputime = false;
	return error != 0 ? error : kmem_init(kern_config.kc_memlimit);
}

/* The parts, from the bottom up. */
static int
boot_parts_init(void)
{
	const struct boot_part *bp;
	struct kref *cwdi = NULL;
	int error;

	if (!hyper_membarrier())
		atomic_fetch_or_explicit(
		    &kern_entry.ke_slow, KE_STRONG, memory_order_relaxed);
	fd_init();
	sysctl_kern_init();
	fiber_init();
	for (bp = boot_parts; bp->bp_name != NULL; bp++) {
		if (kern_config.kc_verbose)
			kern_printf("boot: %s", bp->bp_name);
		if (bp->bp_init != NULL && (error = bp->bp_init(&cwdi)) != 0)
			return error;
	}
	return proc_init(cwdi);
}

/* Process 1 gets its first lwp, the caller's implicit one, and a console. */
static int
boot_init_process(void)
{
	const struct boot_part *bp;
	struct lwp *l;
	int error;

	if ((error = hostthread_attach()) != 0)
		return error;
	smr_enter(curht());
	if ((l = lwp_implicit()) == NULL)
		error = ENOMEM;
	else {
		setcurlwp(l);
		error = console_open_std(l);
		for (bp = boot_parts; bp->bp_name != NULL && error == 0; bp++)
			if (bp->bp_ready != NULL)
				bp->bp_ready(l);
	}
	syscall_exit();
	return error;
}

static int
boot(void)
{
	static int failed;
	int error;

	/* A kernel that is half there stays so. */
	if (failed != 0)
		return failed;
	if ((error = boot_host()) != 0)
		return error;
	clock_init();
	hostthread_init();
	error = boot_parts_init();
	if (error == 0)
		error = boot_init_process();
	if (error != 0) {
		hostthread_boot_failed();
		failed = error;
	}
	return error;
}

static void
boot_end(uint32_t state)
{
	/* Release pairs with the acquire in kern_booted. */
	atomic_store_explicit(&boot_state, state, memory_order_release);
	hyper_wake(&boot_state, INT_MAX);
}

void
kern_boot_forked(void)
{
	if (kern_booting())
		boot_end(BOOT_NOT);
}

/*
 * The calling host thread is to boot; false if somebody has, who is waited
 * for.  A fork(2) that is going on is let through first.
 */
static bool
boot_begin(void)
{
	uint32_t state, slow;

	for (;;) {
		state = BOOT_NOT;
		if (atomic_compare_exchange_strong_explicit(&boot_state, &state,
			BOOT_GOING, memory_order_seq_cst,
			memory_order_acquire)) {
			/* Pairs with fork_close_gate. */
			slow = atomic_load_explicit(
			    &kern_entry.ke_slow, memory_order_seq_cst);
			if ((slow & KE_FORK) == 0)
				return true;
			boot_end(BOOT_NOT);
			hyper_wait(&kern_entry.ke_slow, slow, HYPER_FOREVER);
		} else if (state == BOOT_DONE)
			return false;
		else
			hyper_wait(&boot_state, BOOT_GOING, HYPER_FOREVER);
	}
}

RUMP_EXPORT int
rump_init(void)
{
	int error;

	if (host_error != 0)
		return host_error;
	if (!boot_begin())
		return 0;
	error = boot();
	boot_end(error == 0 ? BOOT_DONE : BOOT_NOT);
	if (error == 0 && kern_config.kc_verbose)
		kern_printf("librump %d.%d.%d: %s, %d cpus", VERSION_MAJOR,
		    VERSION_MINOR, VERSION_PATCH, kern_config.kc_hostname,
		    kern_config.kc_ncpu);
	return error;
}

void
kern_release(char *buf, size_t size)
{
	(void)snprintf(
	    buf, size, "%d.%d.%d", VERSION_MAJOR, VERSION_MINOR, VERSION_PATCH);
}

void
kern_version(char *buf, size_t size)
{
	(void)snprintf(buf, size, KERN_OSTYPE_NAME " version %d.%d.%d",
	    VERSION_MAJOR, VERSION_MINOR, VERSION_PATCH);
}

RUMP_EXPORT int
rump_getversion(void)
{
	return VERSION_MAJOR * 100000000 + VERSION_MINOR * 1000000 +
	       VERSION_PATCH * 100;
}

RUMP_EXPORT int
rump_pub_getversion(void)
{
	return rump_getversion();
}

RUMP_EXPORT int
rump_nativeabi_p(void)
{
	return 1;
}
