/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Clocks and random numbers of the host.
 */
#include <sys/random.h>
#include <sys/resource.h>

#include <errno.h>
#include <string.h>
#include <time.h>

#include "hyper/impl.h"

static const clockid_t clocks[] = {
    [HYPER_CLOCK_REALTIME] = CLOCK_REALTIME,
    [HYPER_CLOCK_MONOTONIC] = CLOCK_MONOTONIC,
    [HYPER_CLOCK_COARSE] = CLOCK_MONOTONIC_COARSE,
    [HYPER_CLOCK_REALTIME_COARSE] = CLOCK_REALTIME_COARSE,
    [HYPER_CLOCK_PROCESS] = CLOCK_PROCESS_CPUTIME_ID,
    [HYPER_CLOCK_THREAD] = CLOCK_THREAD_CPUTIME_ID,
};

int64_t
hyper_clock(enum hyper_clock which)
{
	struct timespec ts;

	hyper_clock_timespec(which, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

void
hyper_clock_timespec(enum hyper_clock which, struct timespec *ts)
{
	(void)clock_gettime(clocks[which], ts);
}

int64_t
hyper_clock_res(enum hyper_clock which)
{
	struct timespec ts;

	(void)clock_getres(clocks[which], &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

void
hyper_rusage(struct rusage *ru, bool thread)
{
	(void)getrusage(thread ? RUSAGE_THREAD : RUSAGE_SELF, ru);
}

void
hyper_random(void *buf, size_t len)
{
	static const char msg[] = "rump: the host gives no random numbers\n";
	char *p = buf;
	int saved = errno;
	ssize_t n;

	while (len > 0) {
		n = getrandom(p, len, 0);
		if (n < 0) {
			if (errno == EINTR)
				continue;
			/* Better none than some that can be guessed. */
			hyper_console_message(msg, sizeof(msg) - 1);
			hyper_abort();
		}
		p += n;
		len -= (size_t)n;
	}
	errno = saved;
}
