/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * System calls of the host without its library: no errno, no cancellation, no
 * thread-local storage.  A negative result is an error number.
 */
#ifndef PROXY_CLIENT_SYSRAW_H
#define PROXY_CLIENT_SYSRAW_H

#include <sys/syscall.h>

#include <stdint.h>

#if defined(__x86_64__)

static inline long
sysraw(long nr, long a, long b, long c, long d, long e, long f)
{
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;
	long result;

	__asm__ volatile(
	    "syscall"
	    : "=a"(result)
	    : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
	    : "rcx", "r11", "memory");
	return result;
}

#elif defined(__aarch64__)

static inline long
sysraw(long nr, long a, long b, long c, long d, long e, long f)
{
	register long x8 __asm__("x8") = nr;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c;
	register long x3 __asm__("x3") = d;
	register long x4 __asm__("x4") = e;
	register long x5 __asm__("x5") = f;

	__asm__ volatile("svc 0"
			 : "+r"(x0)
			 : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
			 : "memory");
	return x0;
}

#else
#error "how does this machine make a system call?"
#endif

#define SYSRAW_P(p) ((long)(uintptr_t)(p))

#define sysraw1(nr, a)		sysraw(nr, a, 0, 0, 0, 0, 0)
#define sysraw2(nr, a, b)	sysraw(nr, a, b, 0, 0, 0, 0)
#define sysraw3(nr, a, b, c)	sysraw(nr, a, b, c, 0, 0, 0)
#define sysraw4(nr, a, b, c, d) sysraw(nr, a, b, c, d, 0, 0)

#endif /* PROXY_CLIENT_SYSRAW_H */
