/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * librump: a POSIX kernel as a library.
 *
 * A program boots the kernel with rump_init, then makes processes and lwps
 * with rump_pub_lwproc_* and calls the kernel with rump_sys_* (see
 * <rump/rump_syscalls.h>).  Types, flags and error numbers are the host's.
 * Manual pages: rump(3), rump_lwproc(3), rump_vfs(3), rumpuser(3).
 */
#ifndef RUMP_RUMP_H
#define RUMP_RUMP_H

#include <sys/types.h>

#include <stddef.h>
#include <stdint.h>

#include <rump/rump_vfs.h>
#include <rump/rumpdefs.h>

#ifdef __cplusplus
extern "C" {
#endif

struct cred;
struct lwp;
struct uio;

/*
 * Boot
 */

/*
 * Boot the kernel in this host process.  Reads the environment variables that
 * rump(3) lists.  Returns 0, or an errno: ENOMEM if the host gives no memory,
 * EINVAL if an environment variable has a value that makes no sense (a line on
 * standard error names it).  Calls after the first successful one return 0 and
 * do nothing; concurrent calls wait for the first.  (rump(3))
 */
int rump_init(void);

/*
 * Boot, then serve remote clients on url, which is unix://path or, after
 * rump_server_settcp, tcp://address:port or tcp6://[address]:port, by host
 * threads of the kernel's own.  What the server is like is said before that
 * (<rump/rump_server.h>).  Returns 0 or an errno: EINVAL for what is no url,
 * EACCES for TCP where that may not be served, EADDRINUSE if somebody else
 * serves it, what bind(2) gives, EBUSY if this kernel is a server already,
 * ENOTSUP if it runs on fibers, and those of rump_init.  (rump(3))
 */
int rump_init_server(const char *url);

/*
 * Detach the host process from its terminal around boot.  _begin forks: the
 * parent waits, the child returns 0 and goes on to boot.  _done(error) ends
 * the wait: the parent exits with 0 if error is RUMP_DAEMONIZE_SUCCESS, else
 * it prints the error, unless that is RUMP_DAEMONIZE_TOLD, for a program that
 * has done so itself, and exits with 1; the child, on success, leaves the
 * session and its standard descriptors.  Both return 0 or an errno; _done
 * without _begin: EINVAL.  (rump(3); RUMP_DAEMONIZE_TOLD is ours)
 */
#define RUMP_DAEMONIZE_SUCCESS 0
#define RUMP_DAEMONIZE_TOLD    (-1)
int rump_daemonize_begin(void);
int rump_daemonize_done(int error);

/*
 * Boot flags, before rump_init; RUMP_AB_VERBOSE and RUMP_AB_DEBUG print what
 * boot does, as RUMP_VERBOSE in the environment.  (rump(3))
 */
int rump_boot_gethowto(void);
void rump_boot_sethowto(int howto);

/*
 * How lwps run side by side, before rump_init: "pthread", each on a host thread
 * that calls the kernel, or "fiber", all on the host thread that boots
 * (rump_fiber(3)).  RUMP_THREADS in the environment says the same where a
 * program does not.  Returns 0, EINVAL for anything else, or EBUSY after boot.
 * (rump(3); ours)
 */
int rump_boot_setthreads(const char *kind);

/*
 * What a signal posted to a process of the kernel does that is neither caught
 * nor ignored nor blocked by it; before rump_init.  (rump(3); POSIX is ours)
 */
enum rump_sigmodel {
	RUMP_SIGMODEL_PANIC,  /* end the host process; the default */
	RUMP_SIGMODEL_IGNORE, /* nothing */
	RUMP_SIGMODEL_RAISE,  /* raise it on the host process */
	RUMP_SIGMODEL_RECORD, /* keep it pending and interrupt sleeps */
	RUMP_SIGMODEL_POSIX,  /* its default action */
};
void rump_boot_setsigmodel(enum rump_sigmodel model);

/*
 * Enter and leave the kernel by hand, around direct use of kernel objects.
 * They come in pairs and nest with nothing: neither a system call nor another
 * rump_schedule may stand between them.  A host thread that is not bound gets
 * its implicit context.  A second rump_schedule, an unpaired rump_unschedule
 * and a host thread that ends in between are fatal errors.  (rump(3))
 */
void rump_schedule(void);
void rump_unschedule(void);

/*
 * Make the system call RUMP_SYS_num of <rump/rump_syscalls.h> for the calling
 * context.  data has its arguments, each in eight bytes, dlen bytes in all;
 * what a caller of rump_sys_* may leave out may be missing at the end.
 * Returns 0, with the call's value in *retval, or an errno, and -1 there; errno
 * stays as it is.  ENOSYS: there is no such call; EINVAL: too few arguments, or
 * too many for any call.  (NetBSD)
 */
int rump_syscall(int num, void *data, size_t dlen, register_t *retval);

/*
 * Version of the kernel, as major * 100000000 + minor * 1000000 + patch * 100
 * (the arithmetic of BSD's __NetBSD_Version__).  rump_nativeabi_p is 1: the
 * kernel's types and numbers are the host's.  (rump(3))
 */
int rump_getversion(void);
int rump_pub_getversion(void);
int rump_nativeabi_p(void);

/*
 * Print the kernel's counters on the console, one a line: processes, lwps,
 * files, credentials, memory limit, committed and used in bytes.  (rump(3))
 */
void rump_printevcnts(void);

/*
 * Processes and lwps: rump_lwproc(3)
 *
 * The fatal errors print one line on standard error that names the call, the
 * lwp as pid.lid and the reason, and end the host process by SIGABRT.
 */

/* Descriptors of a new process: shared by default, copied, or none. */
#define RUMP_RFFDG	0x01
#define RUMP_RFCFDG	0x02
#define RUMP_RFFD_SHARE 0
#define RUMP_RFFD_COPY	RUMP_RFFDG
#define RUMP_RFFD_CLEAR RUMP_RFCFDG

/*
 * Make a process with one lwp in it and make that lwp the current one; the
 * lwp that was current stays, not running.  The parent is the process of the
 * calling context.  Returns 0 or, with nothing changed: EINVAL for flags other
 * than the above or both of them, EAGAIN at RLIMIT_NPROC, ENOMEM, ENXIO before
 * boot.
 */
int rump_pub_lwproc_rfork(int flags);

/*
 * Make an lwp in process pid and make it the current one.  Returns 0 or, with
 * nothing changed: ESRCH if no process has this pid, EBUSY if it is going
 * away, ENOMEM, ENXIO before boot.
 */
int rump_pub_lwproc_newlwp(pid_t pid);

/*
 * Make l the current lwp; the one that was current stays, not running.  NULL
 * leaves the calling host thread with the implicit context.  Fatal if l is
 * running, on this host thread or another, or has been released.
 */
void rump_pub_lwproc_switch(struct lwp *l);

/*
 * Release the current lwp; the host thread goes on with the implicit context.
 * If it was the last of its process, the process goes and its descriptors are
 * closed before this returns.  Fatal without a current lwp.
 */
void rump_pub_lwproc_releaselwp(void);

/* The current lwp, or NULL in the implicit context. */
struct lwp *rump_pub_lwproc_curlwp(void);

/* Use the host's system call numbers and types: always so here. */
void rump_pub_lwproc_sysent_usenative(void);

/*
 * Give the current process and lwp other ids; for processes that come from
 * elsewhere.  Fatal if there is no current lwp or pid names another process.
 */
void rump_pub_allbetsareoff_setid(pid_t pid, int lid);

/*
 * Credentials and transfers, for calls that take them
 */

/*
 * A credential with these user and group ids.  ngroups ids in groups, at most
 * NGROUPS_MAX.  NULL if there is no memory or there are too many groups.
 * cred_put drops it.
 */
struct cred *
rump_pub_cred_create(uid_t uid, gid_t gid, size_t ngroups, gid_t *groups);
void rump_pub_cred_put(struct cred *cred);

/*
 * A transfer of buflen bytes to (RUMPUIO_READ) or from (RUMPUIO_WRITE) buf at
 * an offset.  NULL if there is no memory.  _getresid: bytes still to be moved;
 * _getoff: the offset reached; _free: frees it, returns the bytes not moved.
 */
enum rump_uiorw { RUMPUIO_READ, RUMPUIO_WRITE };
struct uio *
rump_pub_uio_setup(void *buf, size_t buflen, off_t offset, enum rump_uiorw rw);
size_t rump_pub_uio_getresid(struct uio *uio);
off_t rump_pub_uio_getoff(struct uio *uio);
size_t rump_pub_uio_free(struct uio *uio);

/*
 * Files of the host at a path of the kernel
 */

/*
 * What a file of the host is shown as: a regular file, a block or character
 * device; a directory without the directories in it, or with them.
 */
enum rump_etfs_type {
	RUMP_ETFS_REG,
	RUMP_ETFS_BLK,
	RUMP_ETFS_CHR,
	RUMP_ETFS_DIR,
	RUMP_ETFS_DIR_SUBDIRS,
};

/* As a size: up to the end of the host's file. */
#define RUMP_ETFS_SIZE_ENDOFF ((uint64_t)-1)

/*
 * Show the host's file or directory hostpath at the absolute path key of the
 * kernel, until it is removed or the kernel ends.  Directories that lead to
 * key are made.  The file is opened for reading and writing or, if the host
 * refuses that, for reading.  With a size, what is shown is `size' bytes from
 * `begin' on: reads end there, writes beyond it fail with ENOSPC.  Without one
 * it is from `begin' to the end of the host's file, and a regular file can
 * grow.  begin and size mean nothing for directories.  Returns 0 or: EINVAL
 * for a key that does not begin with a slash, an unknown type or a range that
 * is none; EEXIST if key is there already; ENOENT and others of the host's for
 * hostpath; ENXIO before boot; ENOMEM.  (rump(3))
 */
int rump_pub_etfs_register(
    const char *key, const char *hostpath, enum rump_etfs_type type);
int rump_pub_etfs_register_withsize(const char *key, const char *hostpath,
    enum rump_etfs_type type, uint64_t begin, uint64_t size);

/*
 * Remove what was registered as key, in the same spelling.  Returns 0, ENOENT
 * if nothing was, EBUSY if it is in use, ENXIO before boot.  (rump(3))
 */
int rump_pub_etfs_remove(const char *key);

/*
 * Register at boot, before the program can make a call; before rump_init.
 * eb_size 0 is RUMP_ETFS_SIZE_ENDOFF.  The struct must stay until rump_init
 * has returned; then eb_status is what rump_pub_etfs_register_withsize would
 * have returned.  (rump(3))
 */
struct rump_boot_etfs {
	const char *eb_key;
	const char *eb_hostpath;
	enum rump_etfs_type eb_type;
	off_t eb_begin;
	off_t eb_size;
	struct rump_boot_etfs *_eb_next; /* the kernel's */
	int eb_status;			 /* -1 until boot */
};
void rump_boot_etfs_register(struct rump_boot_etfs *eb);

/*
 * Memory and objects of the kernel
 */
struct rump_memstat {
	uint64_t limit;	    /* bytes the kernel may use (RUMP_MEMLIMIT) */
	uint64_t committed; /* bytes it has from the host */
	uint64_t used;	    /* bytes in its objects */
	uint64_t procs;	    /* processes */
	uint64_t lwps;	    /* lwps, implicit ones not counted */
	uint64_t files;	    /* open file descriptions */
	uint64_t creds;	    /* credentials */
};

/*
 * Report them.  First gives back what the caches of the calling host thread
 * hold and what waits to be freed, so that equal states of the kernel report
 * equal figures.  May wait for other host threads to leave the kernel.
 * Returns 0, ENOMEM, or ENXIO before boot.
 */
int rump_pub_memstat(struct rump_memstat *st);

#ifdef __cplusplus
}
#endif

#endif /* RUMP_RUMP_H */
