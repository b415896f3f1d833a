/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Communication between processes other than by pipes and sockets: what the
 * files of src/ipc share.
 *
 *	ksem.c		semaphores of POSIX, which are descriptors
 *	mqueue.c, mq_message.c	message queues of POSIX
 *	aio.c, aio_job.c	asynchronous input and output
 *	sysv*.c		shared memory, semaphores, message queues of System V
 *	procipc.c	what a process has of it
 *	ipc.c		names, permissions, waiting
 */
#ifndef IPC_IPC_H
#define IPC_IPC_H

#include <sys/stat.h>

#include <limits.h>

#include "kern/kern.h"
#include "kern/ktime.h"

/*
 * The name of a semaphore or queue of POSIX, "/name", without the slash.
 * EINVAL without a slash, ENOENT for nothing behind it, EACCES for what cannot
 * be the name of a file, EFAULT, ENAMETOOLONG.
 */
#define IPC_NAMESIZE (NAME_MAX + 1)
int ipc_copyinname(const char *uname, char name[IPC_NAMESIZE]);

/* What one that is made with this mode gets: the umask is applied. */
mode_t ipc_newmode(struct lwp *, mode_t mode);

/* May cr do `want' (S_IROTH, S_IWOTH) with what is of uid and gid? */
bool ipc_allows(
    const struct cred *cr, uid_t uid, gid_t gid, mode_t mode, mode_t want);

/*
 * A time of the realtime clock that the caller gave.  NULL: KTIME_MAX.
 * EFAULT, EINVAL.
 */
int ipc_copyintime(const struct timespec *uts, int64_t *whenp);

/*
 * cv_timedwait_sig until a time of the realtime clock or, with KTIME_MAX,
 * without an end.
 */
int ipc_wait(struct kcondvar *, struct kmutex *, int64_t when);

/* What stat says of an object that has no name in a file system. */
void ipc_stat(struct stat *, uid_t uid, gid_t gid, mode_t mode);

/*
 * A line of a file of /proc/sysvipc: the title for a place below 0, else the
 * first object from that place on.  The place for the next, or -1: no more.
 */
enum ipc_sysv { IPC_SYSV_MSG, IPC_SYSV_SEM, IPC_SYSV_SHM };
#define IPC_SYSVLINE 256
int ipc_sysvline(enum ipc_sysv, int place, char buf[IPC_SYSVLINE]);

/*
 * A limit in /proc/sys/kernel or /proc/sys/fs/mqueue, by the name of its file.
 */
const char *ipc_limit(const char *name);

/* Boot. */
int ipc_init(void);

#endif /* IPC_IPC_H */
