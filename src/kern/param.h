/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What every file of the kernel wants: standard types, assertions, panic.
 */
#ifndef KERN_PARAM_H
#define KERN_PARAM_H

#include <sys/types.h>

#include <errno.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdnoreturn.h>
#include <string.h>

#include "hyper/hyper.h"

struct cred;
struct file;
struct filedesc;
struct hostthread;
struct lwp;
struct proc;
struct uio;

/* A function that programs outside the library may call. */
#define RUMP_EXPORT __attribute__((visibility("default")))

#define likely(x)   __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

/* The line of p is going to be written: compilers ask for a copy to read. */
#ifdef __x86_64__
#define prefetch_write(p) __asm__ volatile("prefetchw %0" : : "m"(*(p)))
#else
#define prefetch_write(p) __builtin_prefetch(p, 1)
#endif
#define nitems(a)	   (sizeof(a) / sizeof((a)[0]))
#define roundup2(x, align) (((x) + (align)-1) & ~((__typeof__(x))(align)-1))
#define container_of(ptr, type, field) \
	((type *)((char *)(ptr)-offsetof(type, field)))

#define KPAGE_SIZE 4096u
#define CACHE_LINE 128 /* two lines: what is fetched together */

/*
 * Print one line on standard error and end the host process by SIGABRT.
 * For the fatal mistakes that the specification names, and for our own.
 */
noreturn void panic(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Print one line on standard error: something is wrong with the caller. */
void kern_message(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Print one line on the console. */
void kern_printf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/*
 * Our own mistakes, never the caller's.  Not in the release build.
 */
#ifdef RUMP_RELEASE
#define KASSERT(e) ((void)sizeof(!(e)))
#else
#define KASSERT(e)     \
	((e) ? (void)0 \
	     : panic("%s:%d: assertion failed: %s", __FILE__, __LINE__, #e))
#endif

#endif /* KERN_PARAM_H */
