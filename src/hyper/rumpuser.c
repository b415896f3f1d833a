/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The public face of the host interface, and fault injection: both are the
 * same on every kind of host.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <rump/rumpuser.h>

#include "hyper/hyper.h"

#define EXPORT __attribute__((visibility("default")))

/* Longest text of one rumpuser_dprintf; the rest is cut off. */
#define DPRINTF_MAX 2048

/*
 * (a) allocations until the one that fails, 0: unarmed.  It is a count and
 * publishes nothing, hence relaxed everywhere.
 */
_Atomic long hyper_memfail_left;

bool
hyper_mem_fails_armed(void)
{
	long left =
	    atomic_load_explicit(&hyper_memfail_left, memory_order_relaxed);

	do {
		if (left == 0)
			return false;
	} while (!atomic_compare_exchange_weak_explicit(&hyper_memfail_left,
	    &left, left - 1, memory_order_relaxed, memory_order_relaxed));
	return left == 1;
}

EXPORT long
rumpuser_memfail(long n)
{
	return atomic_exchange_explicit(
	    &hyper_memfail_left, n > 0 ? n : 0, memory_order_relaxed);
}

EXPORT int
rumpuser_getparam(const char *name, void *buf, size_t buflen)
{
	char own[256];
	const char *value = own;
	size_t len;

	if (strcmp(name, RUMPUSER_PARAM_NCPU) == 0)
		(void)snprintf(own, sizeof(own), "%d", hyper_ncpu());
	else if (strcmp(name, RUMPUSER_PARAM_HOSTNAME) == 0)
		hyper_hostname(own, sizeof(own));
	else
		value = hyper_getenv(name);
	if (value == NULL)
		return ENOENT;
	len = strlen(value) + 1;
	if (len > buflen)
		return E2BIG;
	memcpy(buf, value, len);
	return 0;
}

EXPORT int
rumpuser_clock_gettime(int clock, int64_t *sec, long *nsec)
{
	int64_t now;

	switch (clock) {
	case RUMPUSER_CLOCK_RELWALL:
		now = hyper_clock(HYPER_CLOCK_REALTIME);
		break;
	case RUMPUSER_CLOCK_ABSMONO:
		now = hyper_clock(HYPER_CLOCK_MONOTONIC);
		break;
	default:
		return EINVAL;
	}
	*sec = now / 1000000000;
	*nsec = (long)(now % 1000000000);
	return 0;
}

EXPORT int
rumpuser_getrandom(void *buf, size_t buflen, int flags, size_t *retlen)
{
	if (flags != 0)
		return EINVAL;
	hyper_random(buf, buflen);
	*retlen = buflen;
	return 0;
}

EXPORT void
rumpuser_putchar(int c)
{
	char ch = (char)c;

	hyper_console_write(&ch, 1);
}

EXPORT void
rumpuser_dprintf(const char *fmt, ...)
{
	char buf[DPRINTF_MAX];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(buf, sizeof(buf), fmt, ap);
	va_end(ap);
	if (n <= 0)
		return;
	hyper_console_message(
	    buf, (size_t)n < sizeof(buf) ? (size_t)n : sizeof(buf) - 1);
}

EXPORT void
rumpuser_seterrno(int error)
{
	errno = error;
}

EXPORT void
rumpuser_exit(int value)
{
	if (value == RUMPUSER_PANIC)
		hyper_abort();
	hyper_exit(value);
}
