/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Clients of a rump kernel in another host process.
 *
 * A program that links with librumpclient instead of librump makes the calls of
 * <rump/rump_syscalls.h> and rump_pub_lwproc_* of <rump/rump.h> there; the
 * environment variable RUMP_SERVER names the server.  Manual pages:
 * rumpclient(3), rump_sp(7).
 *
 * All functions return -1 and set errno when they fail.
 */
#ifndef RUMP_RUMPCLIENT_H
#define RUMP_RUMPCLIENT_H

#include <sys/types.h>

#include <stddef.h>
#include <time.h>
#include <unistd.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Connect to the server of RUMP_SERVER: this host process is then a new process
 * there, or what it was before rumpclient_exec.  0 if it is connected already.
 * ENOENT: RUMP_SERVER is not set; EINVAL: it names nothing, or a file for TLS
 * is wrong; EACCES: client or server is not believed; ELIBACC: no librumptls;
 * ETIMEDOUT; and what connect(2) gives.  rump_init of
 * <rump/rump.h> does the same and returns the errno.  (NetBSD)
 */
int rumpclient_init(void);

/*
 * What was wrong with the last try to connect, in words, if an errno does not
 * say it: a certificate that is not believed, a file of keys without one; else
 * NULL.  The text changes with the next try.  (ours)
 */
const char *rumpclient_reason(void);

/*
 * The system call of this number (RUMP_SYS_*), with its arguments as 64-bit
 * words, len bytes of them, in data; its value in *retval.  EINVAL for a wrong
 * number of arguments, ENOSYS if there is no such call.  (NetBSD)
 */
int
rumpclient_syscall(int num, const void *data, size_t len, register_t *retval);

/*
 * Around the host's fork: prefork makes the child's process, with copies of
 * the descriptors; then the child calls fork_init, or the parent fork_cancel
 * if there is none.  Each consumes what prefork has returned, NULL for an
 * error.  A child that calls neither has no connection: ENOTCONN.  (NetBSD)
 */
struct rumpclient_fork;
struct rumpclient_fork *rumpclient_prefork(void);
int rumpclient_fork_init(struct rumpclient_fork *rf);
void rumpclient_fork_cancel(struct rumpclient_fork *rf);

/*
 * fork(2) of the host process and of its process in the kernel.  vfork is the
 * same.  (NetBSD)
 */
#if defined(__cplusplus) && defined(__GNUC__)
/* A struct and a function of one name: C++ sees a hidden constructor. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"
#endif
pid_t rumpclient_fork(void);
#if defined(__cplusplus) && defined(__GNUC__)
#pragma GCC diagnostic pop
#endif
pid_t rumpclient_vfork(void);

/*
 * execve(2): the process in the kernel stays, with its descriptors but those
 * that are closed on exec.  The new program takes it over by rumpclient_init,
 * within the server's grace time (rump_sp(7)).  (NetBSD)
 */
int rumpclient_exec(const char *path, char *const argv[], char *const envp[]);

/* daemon(3), going on as the same kernel process's child.  (NetBSD) */
int rumpclient_daemon(int nochdir, int noclose);

/*
 * What happens when the connection is lost and the server cannot give it back:
 * for how many seconds to try again (0: not at all), for ever, once, or end
 * the host process.  ONCE is the default.  A process that is connected anew is
 * a new one in the kernel.  Calls that find no connection, and those that
 * were going on, fail with ENOTCONN.  EINVAL for another negative number.
 * (NetBSD)
 */
#define RUMPCLIENT_RETRYCONN_INFTIME ((time_t)-1)
#define RUMPCLIENT_RETRYCONN_ONCE    ((time_t)-2)
#define RUMPCLIENT_RETRYCONN_DIE     ((time_t)-3)
int rumpclient_setconnretry(time_t retry);

#ifdef __cplusplus
}
#endif

#endif /* RUMP_RUMPCLIENT_H */
