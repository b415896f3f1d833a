/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Between inotify.c (instances: queues and calls) and inotify_watch.c (what is
 * watched, and whom to tell).
 */
#ifndef VFS_INOTIFY_IMPL_H
#define VFS_INOTIFY_IMPL_H

#include <sys/queue.h>

#include "kern/event.h"
#include "kern/smr.h"
#include "kern/timer.h"
#include "vfs/inotify.h"

struct watched;

/* All of these are covered by inotify_lock. */
extern struct kmutex inotify_lock;

struct watch {
	LIST_ENTRY(watch) w_link;   /* of what is watched */
	LIST_ENTRY(watch) w_iolink; /* of the instance */
	struct watched *w_watched;
	struct inotify *w_inotify;
	uint32_t w_mask; /* as given */
	int w_id;
};

struct event {
	TAILQ_ENTRY(event) ev_link;
	uint32_t ev_namelen;
	struct inotify_event ev_head; /* last: its name follows */
};

TAILQ_HEAD(eventq, event);

/* What a descriptor of inotify_init is. */
struct inotify {
	LIST_HEAD(, watch) in_watches;
	struct eventq in_queue;
	uint32_t in_queued; /* events in it */
	int in_bytes;	    /* what reading them all would give */
	int in_lastid;
	struct kcondvar in_cv;	   /* readers */
	struct klist in_klist;	   /* who polls it; not inotify_lock */
	struct event *in_overflow; /* without a name */
	bool in_overflowed;	   /* it is in the queue */

	/*
	 * A pipe of the host with a byte in it while there are events, for
	 * processes of the host that wait for them; or HYPER_FILE_NONE.
	 */
	int in_pipe[2];

	/*
	 * SIGIO: who queues an event may hold any vnode's lock, and to post a
	 * signal may end a process, so a timer does it.
	 */
	bool in_async;	       /* O_ASYNC has been on */
	unsigned in_untold;    /* events that owners are to be told of */
	unsigned in_refs;      /* the file, and the timer while it runs */
	struct ktimer in_tell; /* not inotify_lock */
	struct smr_item in_smr;
};

/* Queue an event; if there is no room or memory, that some are lost. */
void inotify_queue(const struct watch *, uint32_t mask, uint32_t cookie,
    const char *name, size_t namelen);

/*
 * Watch vp, which is referenced; if the instance does, change that watch.
 * EEXIST, ENOMEM.
 */
int watch_add(struct inotify *, struct vnode *, uint32_t mask, int *idp);

/* End a watch: EINVAL.  End them all, without an event. */
int watch_rm(struct inotify *, int id);
void watch_rmall(struct inotify *);

#endif /* VFS_INOTIFY_IMPL_H */
