/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Shared memory, semaphores and message queues of System V: what they have in
 * common, which is ids, keys, owners and permissions (sysv.c).
 *
 * An object begins with a struct sysvobj and is in type-stable memory: who has
 * found one by its id locks it, and sees then whether it still has that id.
 * So looking up takes the object's own lock alone, and who has slept locks it
 * and looks again.
 *
 * An id is a place in the table and, above it, a serial number: a removed one
 * is not used again soon.
 *
 * Locks: st_lock of the table, then so_lock of an object.
 */
#ifndef IPC_SYSV_H
#define IPC_SYSV_H

#include <sys/ipc.h>
#include <sys/queue.h>

#include "ipc/ipc.h"

#define SYSV_PLACEBITS 15
#define SYSV_PLACES    (1u << SYSV_PLACEBITS)
#define SYSV_CHUNK     1024u
#define SYSV_BUCKETS   256

/* Permissions to read and write, for all three classes. */
#define SYSV_R 0444
#define SYSV_W 0222

/* Letters: (o) so_lock; (t) st_lock, too, to change it. */
struct sysvobj {
	void *so_free; /* the allocator's */
	struct kmutex so_lock;
	int so_id;    /* (o)(t) -1: free */
	key_t so_key; /* (o)(t) */
	uid_t so_uid, so_cuid;
	gid_t so_gid, so_cgid;		/* (o) owner, creator */
	mode_t so_mode;			/* (o) */
	LIST_ENTRY(sysvobj) so_keylink; /* (t) */
};

/* A kind of object.  Letters: (s) stable after boot; (t) st_lock. */
struct sysvtab {
	struct kmutex st_lock;
	const char *st_name; /* (s) */
	size_t st_size;	     /* (s) of an object */
	uint32_t st_most;    /* (s) objects */
	/* (s) In /proc/sysvipc: the first line, and one for an object. */
	const char *st_title;
	int (*st_line)(const struct sysvobj *, char *buf, size_t size);
	struct kcache *st_cache;
	uint32_t st_count;  /* (t) */
	uint32_t st_lowest; /* (t) no free place is below this */
	uint32_t st_serial; /* (t) of the last one that was made */
	struct sysvobj *_Atomic *_Atomic st_chunks[SYSV_PLACES / SYSV_CHUNK];
	LIST_HEAD(, sysvobj) st_keys[SYSV_BUCKETS]; /* (t) */
};

void sysv_init(struct sysvtab *);

/*
 * Find by key, or make, an object: its id.  check (existing, fresh) work on a
 * locked object, with arg.  EACCES, EEXIST, ENOENT, ENOSPC, ENOMEM and what
 * they say.
 */
struct sysvmaker {
	int (*sm_check)(struct sysvobj *, void *arg);
	int (*sm_make)(struct lwp *, struct sysvobj *, void *arg);
};
int sysv_get(struct sysvtab *, struct lwp *, key_t, int flags,
    const struct sysvmaker *, void *arg, int *idp);

/* The object with that id, locked.  EINVAL. */
int sysv_find(struct sysvtab *, int id, struct sysvobj **);

/* The object in that place, locked.  EINVAL. */
int sysv_find_place(struct sysvtab *, int place, struct sysvobj **);

/* The last place that is taken, or 0. */
int sysv_last(struct sysvtab *);

/* Has the object, which was found before and is locked again, still this id? */
static inline bool
sysv_is(const struct sysvobj *so, int id)
{
	return so->so_id == id;
}

/* May l do that: bits of SYSV_R, SYSV_W?  EACCES. */
int sysv_access(struct lwp *, const struct sysvobj *, mode_t want);

/* May l change or remove it?  EPERM. */
int sysv_owner(struct lwp *, const struct sysvobj *);

/* For IPC_STAT and IPC_SET, which changes owner and permissions. */
void sysv_perm(const struct sysvobj *, struct ipc_perm *);
void sysv_setperm(struct sysvobj *, const struct ipc_perm *);

/* Its key leads to it no more.  Both locks are held. */
void sysv_unkey(struct sysvtab *, struct sysvobj *);

/*
 * Take it out of the table, which ends it: it is unlocked.  Both locks are
 * held.
 */
void sysv_remove(struct sysvtab *, struct sysvobj *);

/*
 * The process of the caller goes on with what IPC_RMID found to be its own:
 * both locks are held on success, and st_lock is not on failure.
 */
int sysv_find_owned(struct sysvtab *, struct lwp *, int id, struct sysvobj **);

/* Calls that sleep are not made again after a handler. */
int sysv_wait(struct kcondvar *, struct sysvobj *, int64_t deadline);

/* The seconds of the realtime clock. */
time_t sysv_now(void);

extern struct sysvtab sysv_sems, sysv_msgs, sysv_shms;

#endif /* IPC_SYSV_H */
