/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Shared memory of System V.
 *
 * All processes but those of remote clients are in the host process's address
 * space, so that a segment is at one address for all of them.  Attaching tells
 * where that is and counts; nothing keeps who has not attached it, or has
 * attached it to read, from writing there.
 *
 * A remote client on the same machine maps the segment's pages itself, before
 * it attaches it, and tells where.  What it says is an address in its own host
 * process, and here a name of the attachment.
 *
 * A segment that is removed stays until it is attached nowhere.
 *
 * Locks: st_lock over all of it, with so_lock for those who only look; and
 * pc_lock of a process before them.
 */
#include <sys/shm.h>

#include <stdio.h>

#include "ipc/limits.h"
#include "ipc/procipc.h"
#include "ipc/shmmem.h"
#include "ipc/sysv_shm.h"
#include "sysproto.h"

/* Removed, but still attached; as Linux shows it in the mode. */
#define SHM_GOES 01000

/* All so_lock, the first three stable. */
struct shmseg {
	struct sysvobj sg_obj;
	struct shmmem sg_mem;
	size_t sg_size; /* as asked for */
	uint64_t sg_nattch;
	LIST_HEAD(, shmattach) sg_attaches;
	pid_t sg_cpid, sg_lpid;
	time_t sg_atime, sg_dtime, sg_ctime;
};

/* A process has attached a segment; it may have several of one. */
struct shmattach {
	LIST_ENTRY(shmattach) sa_link; /* pc_lock */
	LIST_ENTRY(shmattach) sa_seg;  /* so_lock */
	struct proc *sa_proc;	       /* (s) */
	int sa_id;		       /* (s) */
	const char *sa_addr;	       /* (s) */
};

static size_t
shm_size(size_t size)
{
	return (size + KPAGE_SIZE - 1) & ~(size_t)(KPAGE_SIZE - 1);
}

static struct shmseg *
so_to_sg(struct sysvobj *so)
{
	return container_of(so, struct shmseg, sg_obj);
}

/*
 * Life
 */

static int
shm_line(const struct sysvobj *so, char *buf, size_t size)
{
	const struct shmseg *sg = container_of(so, const struct shmseg, sg_obj);

	return snprintf(buf, size,
	    "%10d %10d  %4o %21zu %5u %5u  %5llu %5u %5u %5u %5u %10lld %10lld "
	    "%10lld %21zu %21d\n",
	    so->so_key, so->so_id, (unsigned)so->so_mode, sg->sg_size,
	    (unsigned)sg->sg_cpid, (unsigned)sg->sg_lpid,
	    (unsigned long long)sg->sg_nattch, so->so_uid, so->so_gid,
	    so->so_cuid, so->so_cgid, (long long)sg->sg_atime,
	    (long long)sg->sg_dtime, (long long)sg->sg_ctime,
	    shm_size(sg->sg_size), 0);
}

struct sysvtab sysv_shms = {
    .st_name = "sysvshm",
    .st_size = sizeof(struct shmseg),
    .st_most = SHM_SEGS,
    .st_title = "       key      shmid perms                  size  cpid  lpid"
		" nattch   uid   gid  cuid  cgid      atime      dtime"
		"      ctime                   rss                  swap\n",
    .st_line = shm_line,
};

static int
shm_check(struct sysvobj *so, void *arg)
{
	return so_to_sg(so)->sg_size < *(size_t *)arg ? EINVAL : 0;
}

static int
shm_make(struct lwp *l, struct sysvobj *so, void *arg)
{
	struct shmseg *sg = so_to_sg(so);
	size_t size = *(size_t *)arg;
	int error;

	if (size == 0 || size > SHM_MOST)
		return EINVAL;
	if ((error = shmmem_make(&sg->sg_mem, shm_size(size))) != 0)
		return error;
	sg->sg_size = size;
	sg->sg_nattch = 0;
	LIST_INIT(&sg->sg_attaches);
	sg->sg_cpid = proc_pid(l->l_proc);
	sg->sg_lpid = 0;
	sg->sg_atime = sg->sg_dtime = 0;
	sg->sg_ctime = sysv_now();
	return 0;
}

int
sys_shmget(struct lwp *l, key_t key, size_t size, int flags, int *retval)
{
	static const struct sysvmaker maker = {shm_check, shm_make};

	return sysv_get(&sysv_shms, l, key, flags, &maker, &size, retval);
}

/* Both locks are held; so_lock is not afterwards. */
static void
shm_destroy(struct shmseg *sg)
{
	shmmem_free(&sg->sg_mem);
	sysv_remove(&sysv_shms, &sg->sg_obj);
}

static int
shm_rmid(struct lwp *l, int id)
{
	struct sysvobj *so;
	int error = sysv_find_owned(&sysv_shms, l, id, &so);

	if (error != 0)
		return error;
	if (so_to_sg(so)->sg_nattch == 0)
		shm_destroy(so_to_sg(so));
	else {
		sysv_unkey(&sysv_shms, so);
		so->so_mode |= SHM_GOES;
		mutex_exit(&so->so_lock);
	}
	mutex_exit(&sysv_shms.st_lock);
	return 0;
}

/*
 * Attaching
 */

/* Does the process's client map segments itself? */
static bool
proc_isfar(struct proc *p)
{
	return (proc_flags(p) & PF_REMOTE) != 0;
}

/* Whose memory addresses are about: the client's, or 0. */
static uint64_t
proc_session(const struct proc *p)
{
	return atomic_load_explicit(&p->p_remote, memory_order_relaxed);
}

/* Where it is, if it can be there: at the address asked for, or anywhere. */
static int
shm_place(const struct shmseg *sg, const char *want, int flags)
{
	if (want == NULL)
		return (flags & SHM_REMAP) != 0 ? EINVAL : 0;
	if ((flags & SHM_RND) != 0)
		want -= (uintptr_t)want % KPAGE_SIZE;
	return want == sg->sg_mem.sm_addr ? 0 : EINVAL;
}

/* May l attach it so? */
static int
shm_permitted(struct lwp *l, const struct sysvobj *so, int flags)
{
	return sysv_access(
	    l, so, (flags & SHM_RDONLY) != 0 ? SYSV_R : SYSV_R | SYSV_W);
}

/* One more.  so_lock is held. */
static void
attach_note(
    struct shmseg *sg, struct shmattach *sa, struct proc *p, const char *addr)
{
	sg->sg_nattch++;
	LIST_INSERT_HEAD(&sg->sg_attaches, sa, sa_seg);
	sa->sa_proc = p;
	sa->sa_id = sg->sg_obj.so_id;
	sa->sa_addr = addr;
}

static int
shm_attach(
    struct lwp *l, int id, const char *want, int flags, struct shmattach *sa)
{
	bool far = proc_isfar(l->l_proc);
	struct sysvobj *so;
	struct shmseg *sg;
	int error;

	if ((error = sysv_find(&sysv_shms, id, &so)) != 0)
		return error;
	sg = so_to_sg(so);
	if (far || (error = shm_place(sg, want, flags)) == 0)
		error = shm_permitted(l, so, flags);
	if (error == 0) {
		attach_note(sg, sa, l->l_proc, far ? want : sg->sg_mem.sm_addr);
		sg->sg_atime = sysv_now();
		sg->sg_lpid = proc_pid(l->l_proc);
	}
	mutex_exit(&so->so_lock);
	return error;
}

/*
 * One attachment less; the last of a removed segment ends it.  In *unmapp, if
 * that is not NULL, how many bytes its client is to unmap: none if another of
 * the client's processes has the segment there.
 */
static void
shm_detach(struct shmattach *sa, size_t *unmapp)
{
	struct shmattach *other;
	struct sysvobj *so;
	struct shmseg *sg;

	mutex_enter(&sysv_shms.st_lock);
	/* It is there as long as it is attached. */
	if (sysv_find(&sysv_shms, sa->sa_id, &so) != 0)
		panic("a segment has gone while it was attached");
	sg = so_to_sg(so);
	LIST_REMOVE(sa, sa_seg);
	LIST_FOREACH (other, &sg->sg_attaches, sa_seg)
		if (other->sa_addr == sa->sa_addr &&
		    proc_session(other->sa_proc) == proc_session(sa->sa_proc))
			break;
	if (unmapp != NULL)
		*unmapp = other == NULL ? sg->sg_mem.sm_size : 0;
	sg->sg_nattch--;
	sg->sg_dtime = sysv_now();
	sg->sg_lpid = proc_pid(sa->sa_proc);
	if (sg->sg_nattch == 0 && (so->so_mode & SHM_GOES) != 0)
		shm_destroy(sg);
	else
		mutex_exit(&so->so_lock);
	mutex_exit(&sysv_shms.st_lock);
	kmem_free(sa, sizeof(*sa));
}

/* What the process has attached there, which is its no more; or NULL. */
static struct shmattach *
attach_take(struct procipc *pc, const void *addr)
{
	struct shmattach *sa;

	mutex_enter(&pc->pc_lock);
	LIST_FOREACH (sa, &pc->pc_shares, sa_link)
		if (sa->sa_addr == addr)
			break;
	if (sa != NULL)
		LIST_REMOVE(sa, sa_link);
	mutex_exit(&pc->pc_lock);
	return sa;
}

int
sys_shmat(struct lwp *l, int id, const void *addr, int flags, void **retval)
{
	struct shmattach *sa, *old = NULL;
	struct procipc *pc;
	int error;

	if ((error = procipc_get(l->l_proc, &pc)) != 0)
		return error;
	if ((sa = kmem_alloc(sizeof(*sa))) == NULL)
		return ENOMEM;
	if ((error = shm_attach(l, id, addr, flags, sa)) != 0) {
		kmem_free(sa, sizeof(*sa));
		return error;
	}
	*retval = (void *)(uintptr_t)sa->sa_addr;
	/* The client has mapped it in the place of what was there. */
	if ((flags & SHM_REMAP) != 0 && proc_isfar(l->l_proc))
		old = attach_take(pc, addr);
	mutex_enter(&pc->pc_lock);
	LIST_INSERT_HEAD(&pc->pc_shares, sa, sa_link);
	mutex_exit(&pc->pc_lock);
	if (old != NULL)
		shm_detach(old, NULL);
	return 0;
}

int
shm_unattach(struct lwp *l, const void *addr, size_t *unmapp)
{
	struct procipc *pc = proc_ipc(l->l_proc);
	struct shmattach *sa = pc != NULL ? attach_take(pc, addr) : NULL;

	if (sa == NULL)
		return EINVAL;
	shm_detach(sa, unmapp);
	return 0;
}

int
sys_shmdt(struct lwp *l, const void *addr)
{
	return shm_unattach(l, addr, NULL);
}

int
shm_hostfd(struct lwp *l, int id, int flags, int *fdp, size_t *sizep)
{
	struct sysvobj *so;
	int error;

	if ((error = sysv_find(&sysv_shms, id, &so)) != 0)
		return error;
	*sizep = so_to_sg(so)->sg_mem.sm_size;
	if ((error = shm_permitted(l, so, flags)) == 0)
		error = shmmem_open(
		    &so_to_sg(so)->sg_mem, (flags & SHM_RDONLY) != 0, fdp);
	mutex_exit(&so->so_lock);
	return error;
}

void
shm_exit(struct procipc *pc)
{
	struct shmattach *sa;

	while ((sa = LIST_FIRST(&pc->pc_shares)) != NULL) {
		LIST_REMOVE(sa, sa_link);
		shm_detach(sa, NULL);
	}
}

/* One attachment more, of what the parent keeps attached meanwhile. */
static void
shm_again(const struct shmattach *sa, struct shmattach *copy, struct proc *p)
{
	struct sysvobj *so;

	if (sysv_find(&sysv_shms, sa->sa_id, &so) != 0)
		panic("a segment has gone while it was attached");
	attach_note(so_to_sg(so), copy, p, sa->sa_addr);
	mutex_exit(&so->so_lock);
}

int
shm_fork(struct procipc *parent, struct proc *child)
{
	struct shmattach *sa, *copy;
	struct procipc *pc;
	int error = 0;

	mutex_enter(&parent->pc_lock);
	LIST_FOREACH (sa, &parent->pc_shares, sa_link) {
		if ((error = procipc_get(child, &pc)) != 0)
			break;
		if ((copy = kmem_alloc(sizeof(*copy))) == NULL) {
			error = ENOMEM;
			break;
		}
		shm_again(sa, copy, child);
		LIST_INSERT_HEAD(&pc->pc_shares, copy, sa_link);
	}
	mutex_exit(&parent->pc_lock);
	return error;
}

/*
 * Control
 */

/* IPC_STAT by id; SHM_STAT and SHM_STAT_ANY by place, whose value is the id. */
static int
shm_stat(struct lwp *l, int id, int cmd, struct shmid_ds *uds, int *retval)
{
	struct shmid_ds ds;
	struct sysvobj *so;
	struct shmseg *sg;
	int error = cmd == IPC_STAT ? sysv_find(&sysv_shms, id, &so)
				    : sysv_find_place(&sysv_shms, id, &so);

	if (error != 0)
		return error;
	if (cmd != SHM_STAT_ANY)
		error = sysv_access(l, so, SYSV_R);
	sg = so_to_sg(so);
	memset(&ds, 0, sizeof(ds));
	sysv_perm(so, &ds.shm_perm);
	ds.shm_segsz = sg->sg_size;
	ds.shm_atime = sg->sg_atime;
	ds.shm_dtime = sg->sg_dtime;
	ds.shm_ctime = sg->sg_ctime;
	ds.shm_cpid = sg->sg_cpid;
	ds.shm_lpid = sg->sg_lpid;
	ds.shm_nattch = sg->sg_nattch;
	if (cmd != IPC_STAT)
		*retval = so->so_id;
	mutex_exit(&so->so_lock);
	return error != 0 ? error : copyout(&ds, uds, sizeof(ds));
}

static int
shm_set(struct lwp *l, int id, const struct shmid_ds *uds)
{
	struct shmid_ds ds;
	struct sysvobj *so;
	int error;

	if ((error = copyin(uds, &ds, sizeof(ds))) != 0 ||
	    (error = sysv_find(&sysv_shms, id, &so)) != 0)
		return error;
	if ((error = sysv_owner(l, so)) == 0) {
		sysv_setperm(so, &ds.shm_perm);
		so_to_sg(so)->sg_ctime = sysv_now();
	}
	mutex_exit(&so->so_lock);
	return error;
}

/* Kernel memory is always there: only the mode shows it. */
static int
shm_lock(struct lwp *l, int id, bool lock)
{
	struct sysvobj *so;
	int error;

	if ((error = sysv_find(&sysv_shms, id, &so)) != 0)
		return error;
	if ((error = sysv_owner(l, so)) == 0)
		so->so_mode = (so->so_mode & ~(mode_t)SHM_LOCKED) |
			      (lock ? (mode_t)SHM_LOCKED : 0);
	mutex_exit(&so->so_lock);
	return error;
}

static int
shm_limits(struct shminfo *uinfo)
{
	struct shminfo si = {
	    .shmmax = SHM_MOST,
	    .shmmin = 1,
	    .shmmni = SHM_SEGS,
	    .shmseg = SHM_SEGS,
	    .shmall = SHM_MOST,
	};

	return copyout(&si, uinfo, sizeof(si));
}

static int
shm_info(int last, struct shm_info *uinfo)
{
	struct shm_info si;
	struct sysvobj *so;
	int place;

	memset(&si, 0, sizeof(si));
	for (place = 0; place <= last; place++) {
		if (sysv_find_place(&sysv_shms, place, &so) != 0)
			continue;
		si.used_ids++;
		si.shm_tot += shm_size(so_to_sg(so)->sg_size) / KPAGE_SIZE;
		mutex_exit(&so->so_lock);
	}
	si.shm_rss = si.shm_tot;
	return copyout(&si, uinfo, sizeof(si));
}

int
sys_shmctl(struct lwp *l, int id, int cmd, struct shmid_ds *uds, int *retval)
{
	if (id < 0 || cmd < 0)
		return EINVAL;
	switch (cmd) {
	case IPC_RMID:
		return shm_rmid(l, id);
	case IPC_SET:
		return shm_set(l, id, uds);
	case IPC_STAT:
	case SHM_STAT:
	case SHM_STAT_ANY:
		return shm_stat(l, id, cmd, uds, retval);
	case SHM_LOCK:
	case SHM_UNLOCK:
		return shm_lock(l, id, cmd == SHM_LOCK);
	case IPC_INFO:
		*retval = sysv_last(&sysv_shms);
		return shm_limits((struct shminfo *)uds);
	case SHM_INFO:
		*retval = sysv_last(&sysv_shms);
		return shm_info(*retval, (struct shm_info *)uds);
	default:
		return EINVAL;
	}
}
