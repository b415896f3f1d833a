/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Terminals.  Each is a pseudo terminal: a master, whose reads and writes are
 * what a terminal's user sees and types, and a slave, which programs use, with
 * a line discipline in between that does what Linux's does.
 */
#ifndef KERN_TTY_H
#define KERN_TTY_H

#include "kern/file.h"

#define PTY_MAX 4096

/*
 * Covers which pseudo terminals there are, and is held around the functions
 * of pty_names.
 */
extern struct kmutex pty_lock;

/* Who has names for slaves is told when one comes and goes.  ENOMEM. */
struct pty_names {
	int (*pn_made)(unsigned index, uid_t uid);
	void (*pn_gone)(unsigned index);
};
void pty_setnames(const struct pty_names *);

/* Call pn_made for each one there is; pty_lock is held. */
int pty_foreach(int (*made)(unsigned index, uid_t uid));

/*
 * Open into fp: a new master (ENOSPC, ENOMEM); a slave (ENXIO, EIO); the
 * controlling terminal (ENXIO).  tty_close undoes it, the rest are fileops.
 */
int pty_open_master(struct lwp *, struct file *fp);
int pty_open_slave(struct lwp *, unsigned index, int flags, struct file *fp);
int tty_open_controlling(struct lwp *, struct file *fp);

/*
 * Hang up: the open files of a slave are dead, new ones are not, and it is
 * nobody's controlling terminal any more.  ENXIO.
 */
int pty_revoke(unsigned index);

int tty_read(struct lwp *, struct file *, off_t *, struct uio *);
int tty_write(struct lwp *, struct file *, off_t *, struct uio *);
int tty_ioctl(
    struct lwp *, struct file *, unsigned long cmd, void *data, int *retval);
uint32_t tty_poll(struct lwp *, struct file *, struct pollsize *);
struct klist *tty_klist(struct file *);
pid_t tty_async(struct lwp *, struct file *);
void tty_close(struct file *);

#endif /* KERN_TTY_H */
