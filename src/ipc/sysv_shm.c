/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Shared memory of System V.
 *
 * All processes are in the host process's address space, so that a segment is
 * kernel memory at one address for all of them.  Attaching tells where that is
 * and counts; nothing keeps who has not attached it, or has attached it to
 * read, from writing there.
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
#include "ipc/sysv.h"
#include "sysproto.h"

/* Removed, but still attached; as Linux shows it in the mode. */
#define SHM_GOES 01000

/* All so_lock, the first two stable. */
struct shmseg {
	struct sysvobj sg_obj;
	char *sg_addr;
	size_t sg_size; /* as asked for */
	uint64_t sg_nattch;
	pid_t sg_cpid, sg_lpid;
	time_t sg_atime, sg_dtime, sg_ctime;
};

/* A process has attached a segment; it may have several of one. */
struct shmattach {
	LIST_ENTRY(shmattach) sa_link; /* pc_lock */
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

	if (size == 0 || size > SHM_MOST)
		return EINVAL;
	if ((sg->sg_addr = kmem_zalloc(shm_size(size))) == NULL)
		return ENOMEM;
	sg->sg_size = size;
	sg->sg_nattch = 0;
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
	char *addr = sg->sg_addr;
	size_t size = sg->sg_size;

	sysv_remove(&sysv_shms, &sg->sg_obj);
	kmem_free(addr, shm_size(size));
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

/* Where it is, if it can be there: at the address asked for, or anywhere. */
static int
shm_place(const struct shmseg *sg, const char *want, int flags)
{
	if (want == NULL)
		return (flags & SHM_REMAP) != 0 ? EINVAL : 0;
	if ((flags & SHM_RND) != 0)
		want -= (uintptr_t)want % KPAGE_SIZE;
	return want == sg->sg_addr ? 0 : EINVAL;
}

static int
shm_attach(
    struct lwp *l, int id, const char *want, int flags, struct shmattach *sa)
{
	struct sysvobj *so;
	struct shmseg *sg;
	int error;

	if ((error = sysv_find(&sysv_shms, id, &so)) != 0)
		return error;
	sg = so_to_sg(so);
	if ((error = shm_place(sg, want, flags)) == 0)
		error = sysv_access(l, so,
		    (flags & SHM_RDONLY) != 0 ? SYSV_R : SYSV_R | SYSV_W);
	if (error == 0) {
		sg->sg_nattch++;
		sg->sg_atime = sysv_now();
		sg->sg_lpid = proc_pid(l->l_proc);
		sa->sa_id = id;
		sa->sa_addr = sg->sg_addr;
	}
	mutex_exit(&so->so_lock);
	return error;
}

int
sys_shmat(struct lwp *l, int id, const void *addr, int flags, void **retval)
{
	struct shmattach *sa;
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
	mutex_enter(&pc->pc_lock);
	LIST_INSERT_HEAD(&pc->pc_shares, sa, sa_link);
	mutex_exit(&pc->pc_lock);
	return 0;
}

/* One attachment less; the last of a removed segment ends it. */
static void
shm_detach(int id, pid_t pid)
{
	struct sysvobj *so;
	struct shmseg *sg;

	mutex_enter(&sysv_shms.st_lock);
	if (sysv_find(&sysv_shms, id, &so) == 0) {
		sg = so_to_sg(so);
		sg->sg_nattch--;
		sg->sg_dtime = sysv_now();
		sg->sg_lpid = pid;
		if (sg->sg_nattch == 0 && (so->so_mode & SHM_GOES) != 0)
			shm_destroy(sg);
		else
			mutex_exit(&so->so_lock);
	}
	mutex_exit(&sysv_shms.st_lock);
}

int
sys_shmdt(struct lwp *l, const void *addr)
{
	struct procipc *pc = proc_ipc(l->l_proc);
	struct shmattach *sa;

	if (pc == NULL)
		return EINVAL;
	mutex_enter(&pc->pc_lock);
	LIST_FOREACH (sa, &pc->pc_shares, sa_link)
		if (sa->sa_addr == addr)
			break;
	if (sa != NULL)
		LIST_REMOVE(sa, sa_link);
	mutex_exit(&pc->pc_lock);
	if (sa == NULL)
		return EINVAL;
	shm_detach(sa->sa_id, proc_pid(l->l_proc));
	kmem_free(sa, sizeof(*sa));
	return 0;
}

void
shm_exit(struct procipc *pc, pid_t pid)
{
	struct shmattach *sa;

	while ((sa = LIST_FIRST(&pc->pc_shares)) != NULL) {
		LIST_REMOVE(sa, sa_link);
		shm_detach(sa->sa_id, pid);
		kmem_free(sa, sizeof(*sa));
	}
}

/* One attachment more, of what the parent keeps attached meanwhile. */
static void
shm_again(int id)
{
	struct sysvobj *so;

	if (sysv_find(&sysv_shms, id, &so) != 0)
		return;
	so_to_sg(so)->sg_nattch++;
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
		copy->sa_id = sa->sa_id;
		copy->sa_addr = sa->sa_addr;
		shm_again(sa->sa_id);
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
