/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Host threads: being told of their end, and giving way.
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

#include "hyper/impl.h"

static pthread_key_t key; /* written by thread_init only */

static void
thread_exit(void *arg)
{
	hyper_ops->ho_thread_exit(arg);
}

int
thread_init(void)
{
	return pthread_key_create(&key, thread_exit);
}

int
hyper_thread_register(void *arg)
{
	return pthread_setspecific(key, arg) == 0 ? 0 : ENOMEM;
}

void
hyper_yield(void)
{
	(void)sched_yield();
}

int
hyper_cpu(void)
{
	return sched_getcpu();
}

void
hyper_cpu_leave(void)
{
	int saved = errno, cpu = sched_getcpu();
	cpu_set_t all, others;

	if (cpu >= 0 && cpu < CPU_SETSIZE &&
	    sched_getaffinity(0, sizeof(all), &all) == 0) {
		others = all;
		CPU_CLR(cpu, &others);
		if (CPU_COUNT(&others) != 0 &&
		    sched_setaffinity(0, sizeof(others), &others) == 0)
			(void)sched_setaffinity(0, sizeof(all), &all);
	}
	errno = saved;
}

void
hyper_cpu_stay(bool stay)
{
	static cpu_set_t all;
	int saved = errno, cpu = sched_getcpu();
	cpu_set_t one;

	if (!stay)
		(void)sched_setaffinity(0, sizeof(all), &all);
	else if (cpu >= 0 && cpu < CPU_SETSIZE &&
		 sched_getaffinity(0, sizeof(all), &all) == 0) {
		CPU_ZERO(&one);
		CPU_SET(cpu, &one);
		(void)sched_setaffinity(0, sizeof(one), &one);
	}
	errno = saved;
}
