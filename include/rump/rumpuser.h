/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rumpuser: what the kernel asks of its host, for components and tests that
 * want to ask the same.  See rumpuser(3).
 */
#ifndef RUMP_RUMPUSER_H
#define RUMP_RUMPUSER_H

#include <sys/types.h>

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Version of this interface. */
#define RUMPUSER_VERSION 1

/* Names that rumpuser_getparam knows beside environment variables. */
#define RUMPUSER_PARAM_NCPU	"_RUMPUSER_NCPU"
#define RUMPUSER_PARAM_HOSTNAME "_RUMPUSER_HOSTNAME"

/*
 * A parameter of the host: one of the above, or an environment variable.
 * Copies it with a NUL into buf.  Returns 0, ENOENT, or E2BIG if it does not
 * fit in buflen bytes.
 */
int rumpuser_getparam(const char *name, void *buf, size_t buflen);

/*
 * The time of a clock: RUMPUSER_CLOCK_RELWALL since 1970,
 * RUMPUSER_CLOCK_ABSMONO since some moment and never set back.  Returns 0 or
 * EINVAL.
 */
enum rumpuser_clock { RUMPUSER_CLOCK_RELWALL, RUMPUSER_CLOCK_ABSMONO };
int rumpuser_clock_gettime(int clock, int64_t *sec, long *nsec);

/*
 * Fill buf with buflen random bytes; *retlen is how many.  No flags are
 * known: EINVAL for any.  Returns 0.
 */
int rumpuser_getrandom(void *buf, size_t buflen, int flags, size_t *retlen);

/* Put a character on the console: the host's standard output. */
void rumpuser_putchar(int c);

/* Print on the host's standard error. */
void rumpuser_dprintf(const char *fmt, ...)
    __attribute__((__format__(__printf__, 1, 2)));

/* Set the calling host thread's errno. */
void rumpuser_seterrno(int error);

/* rumpuser_exit ends the host process: by abort(3) for this value. */
#define RUMPUSER_PANIC (-1)
void rumpuser_exit(int value) __attribute__((__noreturn__));

/*
 * For tests: let allocation number n of kernel memory from now on (1: the
 * next) fail, once; 0 stops it.  Returns what was left of the number given
 * before: 0 if that one has failed.
 */
long rumpuser_memfail(long n);

#ifdef __cplusplus
}
#endif

#endif /* RUMP_RUMPUSER_H */
