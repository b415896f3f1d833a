/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Objects of System V: ids, keys, owners and permissions; see sysv.h.
 */
#include "ipc/sysv.h"

#include <stdio.h>

#include "kern/signal.h"

void
sysv_init(struct sysvtab *st)
{
	st->st_cache =
	    kcache_init(st->st_name, st->st_size, CACHE_LINE, KCACHE_STABLE);
}

/*
 * Places
 */

/* What is in a place, or NULL.  Takes no lock. */
static struct sysvobj *
place_get(struct sysvtab *st, uint32_t place)
{
	/* Acquire pairs with the releases in place_find, place_set. */
	struct sysvobj *_Atomic *chunk = atomic_load_explicit(
	    &st->st_chunks[place / SYSV_CHUNK], memory_order_acquire);

	if (chunk == NULL)
		return NULL;
	return atomic_load_explicit(
	    &chunk[place % SYSV_CHUNK], memory_order_acquire);
}

static void
place_set(struct sysvtab *st, uint32_t place, struct sysvobj *so)
{
	struct sysvobj *_Atomic *chunk = atomic_load_explicit(
	    &st->st_chunks[place / SYSV_CHUNK], memory_order_relaxed);

	KASSERT(mutex_owned(&st->st_lock));
	atomic_store_explicit(
	    &chunk[place % SYSV_CHUNK], so, memory_order_release);
}

/* The first free place, with memory behind it.  Chunks stay. */
static int
place_find(struct sysvtab *st, uint32_t *placep)
{
	struct sysvobj *_Atomic *chunk;
	uint32_t place = st->st_lowest;

	KASSERT(mutex_owned(&st->st_lock));
	while (place_get(st, place) != NULL)
		place++;
	*placep = st->st_lowest = place;
	if (atomic_load_explicit(&st->st_chunks[place / SYSV_CHUNK],
		memory_order_relaxed) != NULL)
		return 0;
	if ((chunk = kmem_zalloc(SYSV_CHUNK * sizeof(*chunk))) == NULL)
		return ENOMEM;
	atomic_store_explicit(
	    &st->st_chunks[place / SYSV_CHUNK], chunk, memory_order_release);
	return 0;
}

int
sysv_find_place(struct sysvtab *st, int place, struct sysvobj **sop)
{
	struct sysvobj *so;

	if (place < 0 || (uint32_t)place >= SYSV_PLACES ||
	    (so = place_get(st, (uint32_t)place)) == NULL)
		return EINVAL;
	mutex_enter(&so->so_lock);
	if (so->so_id != -1 &&
	    ((uint32_t)so->so_id & (SYSV_PLACES - 1)) == (uint32_t)place) {
		*sop = so;
		return 0;
	}
	mutex_exit(&so->so_lock);
	return EINVAL;
}

int
sysv_find(struct sysvtab *st, int id, struct sysvobj **sop)
{
	int error;

	if (id < 0)
		return EINVAL;
	error = sysv_find_place(st, id & (int)(SYSV_PLACES - 1), sop);
	if (error == 0 && !sysv_is(*sop, id)) {
		mutex_exit(&(*sop)->so_lock);
		error = EINVAL;
	}
	return error;
}

int
sysv_last(struct sysvtab *st)
{
	uint32_t place, seen = 0, last = 0;

	mutex_enter(&st->st_lock);
	for (place = 0; seen < st->st_count; place++)
		if (place_get(st, place) != NULL) {
			last = place;
			seen++;
		}
	mutex_exit(&st->st_lock);
	return (int)last;
}

/*
 * Permissions, as for files, but that the creator is an owner, too
 */

int
sysv_access(struct lwp *l, const struct sysvobj *so, mode_t want)
{
	const struct cred *cr = proc_cred(l->l_proc);
	mode_t mode = so->so_mode;

	if (cred_is_root(cr))
		return 0;
	want |= want >> 3 | want >> 6;
	if (cr->cr_euid == so->so_uid || cr->cr_euid == so->so_cuid)
		mode >>= 6;
	else if (cred_groupmember(cr, so->so_gid) ||
		 cred_groupmember(cr, so->so_cgid))
		mode >>= 3;
	return (want & ~mode & 7) == 0 ? 0 : EACCES;
}

int
sysv_owner(struct lwp *l, const struct sysvobj *so)
{
	const struct cred *cr = proc_cred(l->l_proc);

	return cred_is_root(cr) || cr->cr_euid == so->so_uid ||
		       cr->cr_euid == so->so_cuid
		   ? 0
		   : EPERM;
}

void
sysv_perm(const struct sysvobj *so, struct ipc_perm *ip)
{
	memset(ip, 0, sizeof(*ip));
	ip->__key = so->so_key;
	ip->uid = so->so_uid;
	ip->gid = so->so_gid;
	ip->cuid = so->so_cuid;
	ip->cgid = so->so_cgid;
	ip->mode = (__typeof__(ip->mode))so->so_mode;
	ip->__seq = (unsigned short)((unsigned)so->so_id >> SYSV_PLACEBITS);
}

void
sysv_setperm(struct sysvobj *so, const struct ipc_perm *ip)
{
	so->so_uid = ip->uid;
	so->so_gid = ip->gid;
	so->so_mode = (so->so_mode & ~0777u) | (ip->mode & 0777u);
}

/*
 * Finding and making
 */

static struct sysvobj *
key_find(struct sysvtab *st, key_t key)
{
	struct sysvobj *so;

	KASSERT(mutex_owned(&st->st_lock));
	if (key == IPC_PRIVATE)
		return NULL;
	LIST_FOREACH (
	    so, &st->st_keys[(uint32_t)key % SYSV_BUCKETS], so_keylink)
		if (so->so_key == key)
			break;
	return so;
}

/* Make an object in a free place. */
static int
obj_make(struct sysvtab *st, struct lwp *l, key_t key, int flags,
    const struct sysvmaker *sm, void *arg, int *idp)
{
	const struct cred *cr = proc_cred(l->l_proc);
	struct sysvobj *so;
	uint32_t place;
	int error;

	if (st->st_count >= st->st_most)
		return ENOSPC;
	if ((error = place_find(st, &place)) != 0)
		return error;
	if ((so = kcache_alloc(st->st_cache)) == NULL)
		return ENOMEM;
	mutex_enter(&so->so_lock);
	so->so_id = -1;
	so->so_key = key;
	so->so_uid = so->so_cuid = cr->cr_euid;
	so->so_gid = so->so_cgid = cr->cr_egid;
	so->so_mode = (mode_t)flags & 0777;
	if ((error = sm->sm_make(l, so, arg)) == 0) {
		st->st_serial = (st->st_serial + 1) % (SYSV_PLACES * 2);
		so->so_id = (int)(st->st_serial << SYSV_PLACEBITS | place);
		*idp = so->so_id;
		place_set(st, place, so);
		if (key != IPC_PRIVATE)
			LIST_INSERT_HEAD(
			    &st->st_keys[(uint32_t)key % SYSV_BUCKETS], so,
			    so_keylink);
		st->st_count++;
	}
	mutex_exit(&so->so_lock);
	if (error != 0)
		kcache_free(st->st_cache, so);
	return error;
}

int
sysv_get(struct sysvtab *st, struct lwp *l, key_t key, int flags,
    const struct sysvmaker *sm, void *arg, int *idp)
{
	struct sysvobj *so;
	int error;

	mutex_enter(&st->st_lock);
	if ((so = key_find(st, key)) == NULL) {
		if (key != IPC_PRIVATE && (flags & IPC_CREAT) == 0)
			error = ENOENT;
		else
			error = obj_make(st, l, key, flags, sm, arg, idp);
	} else if ((flags & IPC_CREAT) != 0 && (flags & IPC_EXCL) != 0)
		error = EEXIST;
	else {
		mutex_enter(&so->so_lock);
		error = sm->sm_check != NULL ? sm->sm_check(so, arg) : 0;
		if (error == 0)
			error = sysv_access(l, so, (mode_t)flags & 0777);
		*idp = so->so_id;
		mutex_exit(&so->so_lock);
	}
	mutex_exit(&st->st_lock);
	return error;
}

/*
 * Ends
 */

void
sysv_unkey(struct sysvtab *st, struct sysvobj *so)
{
	KASSERT(mutex_owned(&st->st_lock) && mutex_owned(&so->so_lock));
	if (so->so_key != IPC_PRIVATE)
		LIST_REMOVE(so, so_keylink);
	so->so_key = IPC_PRIVATE;
}

void
sysv_remove(struct sysvtab *st, struct sysvobj *so)
{
	uint32_t place = (uint32_t)so->so_id & (SYSV_PLACES - 1);

	sysv_unkey(st, so);
	place_set(st, place, NULL);
	if (place < st->st_lowest)
		st->st_lowest = place;
	so->so_id = -1;
	st->st_count--;
	mutex_exit(&so->so_lock);
	kcache_free(st->st_cache, so);
}

int
sysv_find_owned(struct sysvtab *st, struct lwp *l, int id, struct sysvobj **sop)
{
	int error;

	mutex_enter(&st->st_lock);
	if ((error = sysv_find(st, id, sop)) == 0 &&
	    (error = sysv_owner(l, *sop)) != 0)
		mutex_exit(&(*sop)->so_lock);
	if (error != 0)
		mutex_exit(&st->st_lock);
	return error;
}

/*
 * Others
 */

int
sysv_wait(struct kcondvar *cv, struct sysvobj *so, int64_t deadline)
{
	int error = cv_timedwait_sig(cv, &so->so_lock, deadline);

	if (error == EINTR)
		signal_restart(SR_NEVER);
	return error;
}

time_t
sysv_now(void)
{
	struct timespec ts;

	kern_realtime(&ts);
	return ts.tv_sec;
}

int
ipc_sysvline(enum ipc_sysv kind, int place, char buf[IPC_SYSVLINE])
{
	struct sysvtab *const tabs[] = {&sysv_msgs, &sysv_sems, &sysv_shms};
	struct sysvtab *st = tabs[kind];
	struct sysvobj *so;
	int last = sysv_last(st);

	if (place < 0) {
		(void)snprintf(buf, IPC_SYSVLINE, "%s", st->st_title);
		return 0;
	}
	for (; place <= last; place++) {
		if (sysv_find_place(st, place, &so) != 0)
			continue;
		(void)st->st_line(so, buf, IPC_SYSVLINE);
		mutex_exit(&so->so_lock);
		return place + 1;
	}
	return -1;
}
