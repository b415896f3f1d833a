/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Asynchronous input and output of POSIX, between aio.c (calls) and aio_job.c
 * (requests).
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
	unsigned ag_left;	 /* that go on, and the call itself */
	bool ag_failed;		 /* one of them has */
	struct aiotell *ag_tell; /* when none is left; or NULL */
};

/* Letters: (s) stable; (l) aa_lock; (b) who has set aj_busy; (a) atomic. */
struct aiojob {
	LIST_ENTRY(aiojob) aj_hash;  /* (l) */
	TAILQ_ENTRY(aiojob) aj_link; /* (l) while it goes on */
	struct knote aj_note;
	bool aj_attached;	   /* (l) */
	bool aj_busy;		   /* (l) */
	_Atomic bool aj_told;	   /* (a) to be tried */
	struct aioproc *aj_owner;  /* (s) */
	const struct aiocb *aj_cb; /* (s) the caller's; only a name */
	int aj_fd, aj_op;	   /* (s) LIO_*, or AIO_F* */
	struct file *aj_fp;	   /* (s) while it goes on */
	char *aj_buf;		   /* (s) */
	size_t aj_len, aj_done;	   /* (s), (b) */
	off_t aj_off;		   /* (s) */
	int aj_error;		   /* (l) EINPROGRESS: it goes on */
	ssize_t aj_result;	   /* (l) */
	struct aiotell *aj_tell;   /* (l) NULL when it has ended */
	struct aiogroup *aj_group; /* (l) or NULL */
};

#define AIO_FSYNC     100
#define AIO_FDATASYNC 101

/* Letters: (l) aa_lock; (s) stable. */
struct aioproc {
	struct kmutex aa_lock;
	struct kcondvar aa_cv;		 /* (l) a request has ended */
	struct proc *aa_proc;		 /* (s) */
	struct procid aa_id;		 /* (s) */
	bool aa_dead;			 /* (l) the process has ended */
	unsigned aa_count;		 /* (l) */
	uint64_t aa_serial;		 /* (l) requests that have ended */
	TAILQ_HEAD(, aiojob) aa_pending; /* (l) that go on */
	LIST_HEAD(, aiojob) aa_jobs[AIO_BUCKETS]; /* (l) */
	struct ktimer aa_timer;
	struct smr_item aa_smr;
};

/* The process's, which is made if there is none.  EAGAIN, ENOMEM. */
int aio_get(struct proc *, struct aioproc **);

struct aiojob *aio_find(struct aioproc *, const struct aiocb *);

/* For kevents; see kqproc.h. */
int aio_state(struct lwp *, uintptr_t request, bool *endedp, int64_t *errorp);

/*
 * A request that is set up but for what to do, known from now on, in place of
 * an old one that has ended.  EAGAIN, EINVAL if the old one goes on, ENOMEM.
 */
int aio_add(struct aioproc *, const struct aiocb *, struct aiojob **);

/* Those that have been told are tried. */
void aio_kick(struct aioproc *);

/* It is forgotten; it has ended.  aa_lock is held. */
void aio_forget(struct aioproc *, struct aiojob *);

/* Try it for the first time, and let it go on if it must wait. */
void aio_start(struct lwp *, struct aiojob *);

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
