/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Asynchronous input and output of POSIX, between aio.c (calls), aio_far.c
 * (those of remote clients) and aio_job.c (requests).
 *
 * A request on something that never waits, such as a regular file, is done
 * within the call that makes it.  One that would wait hangs a knote on its
 * file and is tried again when that is told (by the timer aa_timer, whose
 * function is called without locks): so there are no threads for it.
 *
 * Requests are known by the address of the caller's struct aiocb, which is not
 * looked at again, from the call that makes them to aio_return.  Those that go
 * on are in a list, too, in order; of two for one file and direction the first
 * is done first.
 *
 * Whoever tries a request has marked it (aj_busy) and holds no lock.
 *
 * The memory of a remote client is elsewhere: its requests have a buffer of
 * their own (aj_room), with the data of a write from the beginning.  What a
 * read has got is kept there until the client has fetched it (aio_fetch): so
 * long the request goes on for who asks for its result, but is waited for and
 * told of no longer.
 *
 * Lock: aa_lock, of a process's requests; then kl_lock of files.
 */
#ifndef IPC_AIO_H
#define IPC_AIO_H

#include <aio.h>

#include "ipc/procipc.h"
#include "kern/event.h"
#include "kern/procinfo.h"

#define AIO_MOST    4096u /* requests of a process, until aio_return */
#define AIO_BUCKETS 64u

/* What is to be done when a request ends, without locks. */
struct aiotell {
	struct aiotell *at_next;
	struct file *at_fp;	     /* or NULL: to be released */
	int at_signo;		     /* 0: none */
	void (*at_fn)(union sigval); /* SIGEV_THREAD, or NULL */
	union sigval at_value;
};

/* Requests that lio_listio has made together; aa_lock. */
struct aiogroup {
	LIST_ENTRY(aiogroup) ag_link; /* a client's, until its call ends */
	uint32_t ag_id;
	unsigned ag_left;	 /* that go on, and the call itself */
	bool ag_failed;		 /* one of them has */
	struct aiotell *ag_tell; /* when none is left; or NULL */
};

/* Letters: (s) stable; (l) aa_lock; (b) who has set aj_busy; (a) atomic. */
struct aiojob {
	LIST_ENTRY(aiojob) aj_hash;  /* (l) */
	TAILQ_ENTRY(aiojob) aj_link; /* (l) while it goes on, or is kept */
	struct knote aj_note;
	bool aj_attached;	   /* (l) */
	bool aj_busy;		   /* (l) */
	_Atomic bool aj_told;	   /* (a) to be tried */
	struct aioproc *aj_owner;  /* (s) */
	const struct aiocb *aj_cb; /* (s) the caller's; only a name */
	int aj_fd, aj_op;	   /* (s) LIO_*, or AIO_F* */
	struct file *aj_fp;	   /* (s) while it goes on */
	char *aj_user;		   /* (s) the caller's buffer, and how much */
	size_t aj_asked;	   /* (s) was asked for */
	char *aj_buf;		   /* (s) that, or one of its own */
	size_t aj_room;		   /* (l) bytes of its own */
	size_t aj_len, aj_done;	   /* (s), (b) */
	bool aj_kept;		   /* (l) what it has read is to be fetched */
	size_t aj_fetched;	   /* (l) so much of it has been */
	off_t aj_off;		   /* (s) */
	int aj_error;		   /* (l) EINPROGRESS: it goes on */
	ssize_t aj_result;	   /* (l) */
	struct aiotell *aj_tell;   /* (l) NULL when it has ended */
	struct aiogroup *aj_group; /* (l) or NULL */
};

/* What a remote client can have written or read at a time, and groups. */
#define AIO_FARMOST   (8u << 20)
#define AIO_FARGROUPS 512u

#define AIO_FSYNC     100
#define AIO_FDATASYNC 101

/* Letters: (l) aa_lock; (s) stable. */
struct aioproc {
	struct kmutex aa_lock;
	struct kcondvar aa_cv; /* (l) a request has ended */
	struct proc *aa_proc;  /* (s) */
	struct procid aa_id;   /* (s) */
	bool aa_dead;	       /* (l) the process has ended */
	unsigned aa_count;     /* (l) */
	uint64_t aa_serial;    /* (l) requests that have ended */
	TAILQ_HEAD(aiojobs, aiojob) aa_pending;	  /* (l) that go on */
	struct aiojobs aa_kept;			  /* (l) read, to be fetched */
	LIST_HEAD(, aiogroup) aa_groups;	  /* (l) of clients' calls */
	uint32_t aa_ngroups;			  /* (l) of these */
	uint32_t aa_lastgroup;			  /* (l) */
	LIST_HEAD(, aiojob) aa_jobs[AIO_BUCKETS]; /* (l) */
	struct ktimer aa_timer;
	struct smr_item aa_smr;
};

/* The process's, which is made if there is none.  EAGAIN, ENOMEM. */
int aio_get(struct proc *, struct aioproc **);

struct aiojob *aio_find(struct aioproc *, const struct aiocb *);

/*
 * For src/proxy, whose clients' calls these are.  What a request is made of is
 * a copy; name is the address that the client knows it by.  far: the first n
 * bytes of what is to be written, NULL if they are not to be had.
 */
struct aiofar {
	const void *af_data;
	size_t af_len;
	uint32_t af_group; /* of lio_listio, or 0 */
};
int aio_farsubmit(struct lwp *, const struct aiocb *cb, uint64_t name, int op,
    const struct aiofar *);

/* aio_cancel of one, or with cb NULL of all of a descriptor. */
int aio_farcancel(
    struct lwp *, int fd, const struct aiocb *cb, uint64_t name, int *retval);

/* A group, told by *ev, and its end: all of it is waited for, or is not. */
int aio_fargroup(struct lwp *, const struct sigevent *ev, uint32_t *idp);
int aio_fargroupend(struct lwp *, uint32_t id, bool wait);

/*
 * Of the request `name', if that is not 0, `got' bytes have been fetched.  The
 * next that are to be are in *af, at most `room' of them in buf; its name is 0
 * if there are none.
 */
struct aiofetch {
	uint64_t af_name;
	uint64_t af_user; /* the caller's buffer */
	size_t af_at;	  /* where in it */
	size_t af_len;
};
int aio_fetch(struct lwp *, uint64_t name, uint64_t got, void *buf, size_t room,
    struct aiofetch *af);

/* For kevents; see kqproc.h. */
int aio_state(struct lwp *, uintptr_t request, bool *endedp, int64_t *errorp);

/*
 * A request that is set up but for what to do, known from now on, in place of
 * an old one that has ended.  EAGAIN, EINVAL if the old one goes on, ENOMEM.
 */
int aio_add(struct aioproc *, const struct aiocb *, struct aiojob **);

/* Those that have been told are tried. */
void aio_kick(struct aioproc *);

/*
 * What cb, which is known as name, asks for: done or begun, as one of a group
 * unless that is NULL; far is NULL if its buffer is in memory that is here.
 */
int aio_submit(struct lwp *, const struct aiocb *cb, const struct aiocb *name,
    int op, struct aiogroup *, const struct aiofar *far);

/*
 * A group, whose end is told as *ev says.  wait: until all have ended but the
 * call's own part; EIO: one has failed.  leave: the call is done with it.
 */
int
aio_groupmake(struct lwp *, const struct sigevent *ev, struct aiogroup **agp);
int aio_groupwait(struct aioproc *, struct aiogroup *);
void aio_groupleave(struct aioproc *, struct aiogroup *);

/* What can be cancelled of fd, which is open, or of cb, known as name. */
int aio_cancelsome(struct lwp *, int fd, const struct aiocb *cb,
    const struct aiocb *name, int *retval);

/* A buffer of its own; it goes. */
int aio_roommake(struct aiojob *, const struct aiofar *);
void aio_roomfree(struct aiojob *);

/* It is forgotten; it has ended.  aa_lock is held. */
void aio_forget(struct aioproc *, struct aiojob *);

/*
 * Try it for the first time, and let it go on if it must wait.  far: as
 * aio_submit.
 */
void aio_start(struct lwp *, struct aiojob *, const struct aiofar *far);

/*
 * End a request with a result: what is left to do is put in front of *tells.
 * aa_lock is held.
 */
void
aio_end(struct aiojob *, int error, ssize_t result, struct aiotell **tells);

/* Not one is left of a group: the same for that. */
void aio_group_rele(struct aiogroup *, struct aiotell **tells);

/* Do that: nothing is held; the section may be left. */
void aio_tell(const struct procid *, struct aiotell *tells);

#endif /* IPC_AIO_H */
