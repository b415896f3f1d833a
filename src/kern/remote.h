/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Processes whose programs are elsewhere: what a server of remote clients,
 * above this, needs of src/kern.
 *
 * Such a process has PF_REMOTE and, in p_remote, the number of the session that
 * it belongs to, both inherited by its children.  Its signal handlers are
 * addresses in another host process: they are never called here.  At the end
 * of a call the server takes what is to be handled (remote_signal) and has the
 * client do it.  A signal that nobody catches goes to the client's host process
 * (ro_signal).
 *
 * A server's host thread makes the calls of many lwps: it enters one, makes a
 * call, and leaves it.  These functions are called outside of a section.
 */
#ifndef KERN_REMOTE_H
#define KERN_REMOTE_H

#include <sys/resource.h>

#include <signal.h>

#include "kern/param.h"

struct remote_ops {
	/* A signal for the host process of a session; may be of any thread. */
	void (*ro_signal)(uint64_t session, int signo);
	/* A host thread that is a server's is about to sleep in a call. */
	void (*ro_sleep)(void);
	/* The tree of files is about to change (vfs_tree); any locks. */
	void (*ro_tree)(void);
	/* May a client have files open that are not known yet?  Any locks. */
	bool (*ro_late)(void);
	/*
	 * A client's host process may have ended without our having been told
	 * so far: what it executed is let go of.  False: of none.
	 */
	bool (*ro_ended)(void);
};

/* There is a server; once.  The table must stay. */
void remote_register(const struct remote_ops *ops);

/* ro_tree, ro_late, ro_ended, if there is a server; else false. */
void remote_tree(void);
bool remote_late(void);
bool remote_ended(void);

/* Is the calling host thread a server's?  Gives it a record: ENOMEM. */
int remote_thread(void);
void remote_thread_serve(bool on);

/* Whom a process is made for. */
struct remote_who {
	uint64_t rw_session;
	uid_t rw_uid;
	gid_t rw_gid;
	const gid_t *rw_groups;
	size_t rw_ngroups;
	pid_t rw_pid;	     /* wanted, or 0; if it is free */
	const char *rw_name; /* or NULL */
	bool rw_hosted;	     /* PF_HOSTED */
	const char *rw_root; /* its root directory, or NULL */
	rlim_t rw_maxfiles;  /* limit of descriptors; 0: process 1's */
};

/*
 * A process, child of process 1, with the console as its first descriptors and
 * one lwp, whose handle is in *handlep.  EAGAIN, ENOMEM and others.
 */
int remote_create(const struct remote_who *, uint64_t *handlep);

/* The calling host thread runs the lwp: NULL if another does or it is gone. */
struct lwp *remote_enter(uint64_t handle);
void remote_leave(struct lwp *);

/*
 * rump_pub_lwproc_rfork as the current lwp, and _newlwp for a process of that
 * session, else EPERM; the new lwp is in *handlep and not entered.
 */
int remote_rfork(struct lwp *, int flags, uint64_t *handlep);
int remote_newlwp(uint64_t session, pid_t pid, uint64_t *handlep);

/* Release the current lwp. */
void remote_release(struct lwp *);

/*
 * The process of the current lwp belongs to another session from now on; it
 * gets the pid, if that is not 0 and to be had, and the name, if it is not "".
 */
void remote_adopt(struct lwp *, uint64_t session, pid_t pid, const char *name);

/*
 * What the client has executed: descriptors that are closed then, handlers; uid
 * and gid are those of set-id bits, UINT32_MAX: of none.
 */
void remote_exec(struct lwp *, const char *name, uid_t uid, gid_t gid);

/* End the sleep of an lwp, or all of its process's for good. */
void remote_interrupt(uint64_t handle);
void remote_kill(uint64_t handle);

pid_t remote_pid(const struct lwp *);

/* A handler that the client is to call, and the mask to put back then. */
struct remote_signal {
	siginfo_t rs_info;
	uint64_t rs_handler;
	uint64_t rs_oldmask;
	int32_t rs_flags; /* SA_* */
};

/*
 * The call of the current lwp has ended with this error.  Take the next signal
 * to handle: false if there is none.  Put back a mask.
 */
bool remote_signal(struct lwp *, struct remote_signal *);
void remote_sigreturn(struct lwp *, uint64_t mask);

/* Is a call that was interrupted made again? (enum signal_restart) */
int remote_restart(int error);

#endif /* KERN_REMOTE_H */
