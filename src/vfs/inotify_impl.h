/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Between inotify.c (instances: queues and calls), dnotify.c (signals for
 * directories) and inotify_watch.c (what is watched, and whom to tell).
 */
#ifndef VFS_INOTIFY_IMPL_H
#define VFS_INOTIFY_IMPL_H

#include <sys/queue.h>

#include "kern/event.h"
#include "kern/smr.h"
#include "kern/timer.h"
#include "vfs/inotify.h"

/* All of these are covered by inotify_lock. */
extern struct kmutex inotify_lock;

struct named;
LIST_HEAD(nameds, named);
LIST_HEAD(dnotifies, dnotify);

struct watched {
	LIST_ENTRY(watched) wd_link; /* in its chain */
	struct vnode *wd_vnode;
	LIST_HEAD(, watch) wd_watches;
	struct dnotifies wd_dnotifies;
	struct nameds wd_names;
	struct klist wd_klist; /* kevents */
	unsigned wd_holds;     /* who looks at wd_klist without the lock */
	bool wd_named;	       /* wd_names is kept */
};

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

/* What vp has in the table, or NULL; inotify_lock is held. */
struct watched *watched_find(const struct vnode *);

/* The same: what there is, or *wdp, which is NULL then. */
struct watched *watched_get(struct vnode *, struct watched **wdp);

/* If nobody watches it any more, it is to be freed: by inotify_leave. */
void watched_check(struct watched *);

/* Find out what is in a directory that is watched from now on. */
int watched_collect(struct vnode *dvp);

/* Free what nobody watches any more, and let go of the lock. */
void inotify_leave(void);

/* Of one of IN_ALL_EVENTS, or VN_RENAMED. */
void dnotify_tell(const struct watched *, uint32_t mask);

/* End a watch: EINVAL.  End them all, without an event. */
int watch_rm(struct inotify *, int id);
void watch_rmall(struct inotify *);

#endif /* VFS_INOTIFY_IMPL_H */
