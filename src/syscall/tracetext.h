/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calls as text, as strace shows them: made in a buffer of bounded size, and
 * cut with "..." where that is full.  What the caller's pointers point to is
 * read by hyper_mem_read, so a bad one shows as its address.
 */
#ifndef SYSCALL_TRACETEXT_H
#define SYSCALL_TRACETEXT_H

#include <signal.h>

#include "syscall/sysdesc.h"

struct tracetext {
	char *tt_buf;
	size_t tt_size;
	size_t tt_len; /* without the NUL that is always there */
};

/* Elements and bytes of a buffer that are shown. */
#define TRACETEXT_ELEMENTS 16
#define TRACETEXT_BYTES	   32

void tracetext_init(struct tracetext *, char *buf, size_t size);
void tracetext_printf(struct tracetext *, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* n bytes between quotes, of which some are shown; more: there are others. */
void tracetext_bytes(struct tracetext *, const void *, size_t n, bool more);

/* The value of an argument that means what the hint says. */
void
tracetext_value(struct tracetext *, const char *hint, uint64_t, bool issigned);

/* The name of a signal. */
void tracetext_signal(struct tracetext *, int signo);
void tracetext_siginfo(struct tracetext *, const siginfo_t *);

/*
 * An object of this type ("struct stat") at p, of size bytes.  False if there
 * is nobody who knows the type.
 */
bool tracetext_object(
    struct tracetext *, const char *type, const void *p, size_t size);

/* How a process ended: "+++ killed by SIGTERM +++"; status is wait's. */
void tracetext_end(struct tracetext *, int status);

/* "openat(AT_FDCWD, "/tmp/x", O_RDWR)" */
void tracetext_args(struct tracetext *, const struct sysdesc *,
    const uint64_t *args, int error, int64_t retval);

/* "3", "-1 ENOENT (No such file or directory)" */
void tracetext_result(
    struct tracetext *, const struct sysdesc *, int error, int64_t retval);

#endif /* SYSCALL_TRACETEXT_H */
