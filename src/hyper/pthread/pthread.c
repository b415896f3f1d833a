/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The pthread host: every lwp that runs has a host thread of its own, which
 * parks on a futex.
 *
 * To sleep in the host and be woken from there takes longer than most waits for
 * a thread on another processor, so who parks looks at its word for a while
 * first: LOOKS times if that was of use the last time, half as often each time
 * that it was not, and then only in one park of NAPS.  As long as it takes to
 * wake a thread that sleeps in the host, so that two which do begin to look.
 * Not where others are known to wait for the processor (hc_hasty).
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>

#include "hyper/impl.h"
#include "hyper/pause.h"

#define LOOKS 512 /* some microseconds */
#define NAPS  64

/* LOOKS, or 0 where there is one processor. */
static uint16_t looks_most;

static int
pthread_begin(void)
{
	looks_most = hyper_ncpu() > 1 ? LOOKS : 0;
	return 0;
}

/* Any host thread may enter the kernel, and its context is its own. */
static int
pthread_refusal(void)
{
	return 0;
}

static void
pthread_enter(struct hyper_context *hc, struct hyper_running *hr)
{
	(void)hc, (void)hr;
}

/* Does *addr change soon? */
static bool
park_looks(struct hyper_context *hc, _Atomic uint32_t *addr, uint32_t val)
{
	unsigned n = hc->hc_looks;

	if (n == 0 && hc->hc_naps++ % NAPS == 0)
		n = looks_most;
	if (hc->hc_hasty)
		n = 0;
	for (; n > 0; n--) {
		if (atomic_load_explicit(addr, memory_order_acquire) != val) {
			hc->hc_looks = looks_most;
			return true;
		}
		cpu_pause();
	}
	hc->hc_looks /= 2;
	return false;
}

static int
pthread_park(struct hyper_context *hc, _Atomic uint32_t *addr, uint32_t val,
    int64_t deadline)
{
	return park_looks(hc, addr, val) ? 0 : hyper_wait(addr, val, deadline);
}

static void
pthread_unpark(struct hyper_context *hc, _Atomic uint32_t *addr)
{
	(void)hc;
	hyper_wake(addr, 1);
}

static int
pthread_start(void *(*fn)(void *), void *arg)
{
	sigset_t all, old;
	pthread_t thread;
	int error;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &old);
	error = pthread_create(&thread, NULL, fn, arg);
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (error != 0)
		return EAGAIN;
	(void)pthread_detach(thread);
	return 0;
}

const struct hyper_host hyper_pthread = {
    .hh_name = "pthread",
    .hh_begin = pthread_begin,
    .hh_refusal = pthread_refusal,
    .hh_enter = pthread_enter,
    .hh_park = pthread_park,
    .hh_unpark = pthread_unpark,
    .hh_start = pthread_start,
};
