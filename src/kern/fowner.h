/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SIGIO: signals for changes of a file, to an owner that was named.
 *
 * A file with O_ASYNC hangs a knote, which is told of no events, on the list
 * of what it is open on.  What changes calls klist_async where no lock is
 * held: a load where nobody waits.
 */
#ifndef KERN_FOWNER_H
#define KERN_FOWNER_H

#include <signal.h>

#include "kern/event.h"

struct lwp;

/* Whom it is for: a process, a group, or nobody (all zero). */
struct fowner_dest {
	int d_type;	     /* F_OWNER_* */
	pid_t d_pid;	     /* of a process */
	uint64_t d_serial;   /* its */
	int d_lid;	     /* F_OWNER_TID: its lwp */
	struct pgrp *d_pgrp; /* F_OWNER_PGRP: held */
	uid_t d_uid, d_euid; /* who named it */
	int d_signo;	     /* 0: SIGIO, and nothing else is told */
	int d_fd;	     /* that O_ASYNC was switched on for */
};

/*
 * F_SETOWN, F_GETOWN, F_SETOWN_EX, F_GETOWN_EX, F_SETSIG, F_GETSIG.
 * EFAULT, EINVAL, ENOMEM, ESRCH.
 */
int
fowner_fcntl(struct lwp *, struct file *, int cmd, uintptr_t arg, int *retval);

/* Switch O_ASYNC of fp on or off, if it has it (fo_async).  ENOMEM. */
int fowner_setasync(struct lwp *, int fd, struct file *fp, bool on);

/* l's process is the owner of fp, if it has none so far.  ENOMEM. */
int fowner_default(struct lwp *, struct file *fp);

/*
 * For what is told of a file without O_ASYNC: whom it is for, by now, as if fd
 * had been named; any lock may be held.  Then, without locks and if it was
 * somebody, so many signals, at least one.
 */
bool fowner_dest(struct file *fp, int fd, struct fowner_dest *);
void fowner_post(struct fowner_dest *, int code, unsigned times);

/* The last reference to fp, which has an owner (f_owned), is gone. */
void fowner_free(struct file *fp);

void klist_async_slow(struct klist *, int code);

/*
 * Something can be read (POLL_IN) or written (POLL_OUT), or has ended: tell
 * the owners of those files that can do it; or of all files, of an error
 * (POLL_ERR) or the end of a connection (POLL_HUP).  Without locks.
 */
static inline void
klist_async(struct klist *kl, int code)
{
	if (klist_waited(kl))
		klist_async_slow(kl, code);
}

#endif /* KERN_FOWNER_H */
