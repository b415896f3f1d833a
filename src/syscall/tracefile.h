/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A trace that is written to a file: of the host (RUMP_TRACE) or of the kernel
 * (ktrace), as text or in Perfetto's format.
 *
 * Each event is one write at the end of the file, made by the context that it
 * happens in, from a buffer on its stack: so nothing is kept, there is no
 * lock, and what a host process that dies has done so far is in the file.
 * When a write fails, tracing to the file ends with a line on the console; no
 * call ever fails for it.
 */
#ifndef SYSCALL_TRACEFILE_H
#define SYSCALL_TRACEFILE_H

#include "kern/trace.h"

struct file;

struct tracefile {
	struct trace tf_trace; /* first */
	int tf_fd;	       /* of the host's, or -1 */
	struct file *tf_file;  /* of the kernel's, referenced, or NULL */
	struct cred *tf_cred;  /* that this is written with; referenced */
};

/* Longest event; what is longer is cut. */
#define TRACEFILE_EVENT 4096

/* RUMP_TRACE: processes 0 and 1 and all that come of them are traced. */
void tracefile_boot(struct lwp *);

/*
 * A trace to an open file of the kernel's, a regular one, with a reference; it
 * takes over the caller's to fp if there is no error.  ENOMEM.
 */
int
tracefile_make(struct lwp *, struct file *fp, bool perfetto, struct trace **);

/* Is it to that file? */
bool tracefile_isto(struct trace *, const struct file *fp);

/* One event. */
void tracefile_write(struct trace *, void *buf, size_t len);

void tracefile_free(struct trace *);

/* Both formats. */
extern const struct trace_ops tracelog_ops, perfetto_ops;

#endif /* SYSCALL_TRACEFILE_H */
