/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Times for tests: in nanoseconds, by the host's monotonic clock, which is the
 * kernel's too.  What must not be early is exact; what must not be late is
 * only given up after LATE_NS, because machines are busy.
 */
#ifndef TESTS_LIB_CLOCK_H
#define TESTS_LIB_CLOCK_H

#include <time.h>

#include "tc.h"

#define MSEC	INT64_C(1000000)
#define SEC	INT64_C(1000000000)
#define LATE_NS (30 * SEC)

static inline int64_t
ns_of(struct timespec ts)
{
	return ts.tv_sec * SEC + ts.tv_nsec;
}

static inline struct timespec
ts_of(int64_t ns)
{
	return (struct timespec){ns / SEC, ns % SEC};
}

static inline int64_t
host_now(void)
{
	struct timespec ts;

	T_OK(clock_gettime(CLOCK_MONOTONIC, &ts));
	return ns_of(ts);
}

static inline int64_t
now_by(clockid_t id)
{
	struct timespec ts;

	T_OK(rump_sys_clock_gettime(id, &ts));
	T_ASSERT(ts.tv_nsec >= 0 && ts.tv_nsec < SEC);
	return ns_of(ts);
}

/* At least `least' nanoseconds have passed since start, and not too many. */
#define T_TOOK(least, start)                                                  \
	do {                                                                  \
		long long tc_took = (long long)(host_now() - (start));        \
		if (tc_took < (least) || tc_took > (least) + LATE_NS)         \
			tc_fail(__FILE__, __LINE__, "took %lld ns", tc_took); \
	} while (0)

#endif /* TESTS_LIB_CLOCK_H */
