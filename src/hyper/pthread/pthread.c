/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The pthread host: every lwp that runs has a host thread of its own, which
 * parks on a futex.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include "hyper/impl.h"

static int
pthread_begin(void)
{
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

static int
pthread_park(struct hyper_context *hc, _Atomic uint32_t *addr, uint32_t val,
    int64_t deadline)
{
	(void)hc;
	return hyper_wait(addr, val, deadline);
}

static void
pthread_unpark(struct hyper_context *hc, _Atomic uint32_t *addr)
{
	(void)hc;
	hyper_wake(addr, 1);
}

/* What a thread of the kernel's own does. */
struct start {
	void (*fn)(void *);
	void *arg;
};

static void *
thread_main(void *arg)
{
	struct start st = *(struct start *)arg;

	free(arg);
	st.fn(st.arg);
	return NULL;
}

static int
pthread_start(void (*fn)(void *), void *arg)
{
	struct start *st = malloc(sizeof(*st));
	sigset_t all, old;
	pthread_t thread;
	int error;

	if (st == NULL)
		return EAGAIN;
	*st = (struct start){fn, arg};
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &old);
	error = pthread_create(&thread, NULL, thread_main, st);
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (error != 0) {
		free(st);
		return EAGAIN;
	}
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
