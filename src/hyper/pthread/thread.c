/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Host threads: being told of their end, making one, and giving way.
 *
 * The end of a host thread is seen by the destructor of a pthread key.  Other
 * destructors can run after ours and enter the kernel again; that registers
 * the thread again, and pthread calls our destructor once more.  It gives up
 * after PTHREAD_DESTRUCTOR_ITERATIONS rounds; what was registered by then in
 * the last one is not told.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>

#include "hyper/pthread/impl.h"

static struct {
	const struct hyper_ops *ops;
	pthread_key_t key;
} threads; /* written by thread_init only */

static void
thread_exit(void *arg)
{
	threads.ops->ho_thread_exit(arg);
}

int
thread_init(const struct hyper_ops *ops)
{
	threads.ops = ops;
	return pthread_key_create(&threads.key, thread_exit);
}

int
hyper_thread_register(void *arg)
{
	return pthread_setspecific(threads.key, arg) == 0 ? 0 : ENOMEM;
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
	hyper_abort();
}

int
hyper_thread_create(void (*fn)(void *), void *arg)
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

void
hyper_yield(void)
{
	(void)sched_yield();
}
