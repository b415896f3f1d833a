/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Credentials and the calls that change them.
 *
 * A change builds a new credential from the process's present one and puts it
 * in place; readers in a section keep the old one until they leave.
 */
#include "kern/cred.h"

#include <limits.h>
#include <stdlib.h>

#include "kern/signal_impl.h"
#include "kern/uio.h"
#include "sysproto.h"

struct cred *cred0;

static _Atomic int64_t cred_count;
static _Atomic uint64_t cred_made; /* relaxed: it orders nothing */

static size_t
cred_size(const struct cred *cr)
{
	return sizeof(*cr) + cr->cr_maxgroups * sizeof(gid_t);
}

static void
cred_reclaim(struct smr_item *si)
{
	struct cred *cr = container_of(si, struct cred, cr_smr);

	kmem_free(cr, cred_size(cr));
}

static void
cred_unref(struct kref *kr)
{
	struct cred *cr = (struct cred *)kr;

	atomic_fetch_sub_explicit(&cred_count, 1, memory_order_relaxed);
	uidinfo_rele(cr->cr_uidinfo);
	smr_retire(&cr->cr_smr, cred_reclaim);
}

uint64_t
cred_live(void)
{
	return (uint64_t)atomic_load_explicit(
	    &cred_count, memory_order_relaxed);
}

static int
gid_compare(const void *a, const void *b)
{
	gid_t x = *(const gid_t *)a, y = *(const gid_t *)b;

	return (x > y) - (x < y);
}

/* A credential with room for groups and a user, otherwise not filled in. */
static int
cred_new(uid_t ruid, size_t ngroups, struct cred **crp)
{
	struct cred *cr;

	if (ngroups > NGROUPS_MAX)
		return EINVAL;
	cr = kmem_alloc(sizeof(*cr) + ngroups * sizeof(gid_t));
	if (cr == NULL)
		return ENOMEM;
	if ((cr->cr_uidinfo = uidinfo_get(ruid)) == NULL) {
		kmem_free(cr, sizeof(*cr) + ngroups * sizeof(gid_t));
		return ENOMEM;
	}
	kref_init(&cr->cr_ref, cred_unref);
	cr->cr_ruid = ruid;
	cr->cr_ngroups = cr->cr_maxgroups = (uint32_t)ngroups;
	cr->cr_serial =
	    atomic_fetch_add_explicit(&cred_made, 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&cred_count, 1, memory_order_relaxed);
	*crp = cr;
	return 0;
}

/* User ids, or group ids, of a credential: real, effective, saved, file. */
struct ids {
	uint32_t real, eff, saved, fs;
};

static struct ids
cred_uids(const struct cred *cr)
{
	return (struct ids){
	    cr->cr_ruid, cr->cr_euid, cr->cr_svuid, cr->cr_fsuid};
}

static struct ids
cred_gids(const struct cred *cr)
{
	return (struct ids){
	    cr->cr_rgid, cr->cr_egid, cr->cr_svgid, cr->cr_fsgid};
}

/* A credential with these ids and groups. */
static int
cred_make(struct ids uids, struct ids gids, size_t ngroups, const gid_t *groups,
    struct cred **crp)
{
	struct cred *cr;
	int error;

	if ((error = cred_new(uids.real, ngroups, &cr)) != 0)
		return error;
	cr->cr_euid = uids.eff;
	cr->cr_svuid = uids.saved;
	cr->cr_fsuid = uids.fs;
	cr->cr_rgid = gids.real;
	cr->cr_egid = gids.eff;
	cr->cr_svgid = gids.saved;
	cr->cr_fsgid = gids.fs;
	if (ngroups != 0) {
		memcpy(cr->cr_groups, groups, ngroups * sizeof(gid_t));
		qsort(cr->cr_groups, ngroups, sizeof(gid_t), gid_compare);
	}
	*crp = cr;
	return 0;
}

int
cred_alloc(uid_t uid, gid_t gid, size_t ngroups, const gid_t *groups,
    struct cred **crp)
{
	return cred_make((struct ids){uid, uid, uid, uid},
	    (struct ids){gid, gid, gid, gid}, ngroups, groups, crp);
}

bool
cred_groupmember(const struct cred *cr, gid_t gid)
{
	uint32_t lo = 0, hi = cr->cr_ngroups, mid;

	if (gid == cr->cr_fsgid)
		return true;
	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (cr->cr_groups[mid] == gid)
			return true;
		if (cr->cr_groups[mid] < gid)
			lo = mid + 1;
		else
			hi = mid;
	}
	return false;
}

/*
 * The calls that change ids
 */

#define KEEP UINT32_MAX

/*
 * The rules, the same for users and groups; priv: effective user 0.
 */

/* set*id(id) */
static int
ids_set(struct ids *i, uint32_t id, bool priv)
{
	if (id == KEEP)
		return EINVAL;
	if (priv)
		i->real = i->saved = id;
	else if (id != i->real && id != i->saved)
		return EPERM;
	i->eff = i->fs = id;
	return 0;
}

/* setre*id(real, eff) */
static int
ids_setre(struct ids *i, uint32_t real, uint32_t eff, bool priv)
{
	struct ids old = *i;

	if (real != KEEP) {
		if (!priv && real != old.real && real != old.eff)
			return EPERM;
		i->real = real;
	}
	if (eff != KEEP) {
		if (!priv && eff != old.real && eff != old.eff &&
		    eff != old.saved)
			return EPERM;
		i->eff = eff;
	}
	if (real != KEEP || (eff != KEEP && eff != old.real))
		i->saved = i->eff;
	i->fs = i->eff;
	return 0;
}

static bool
ids_has(const struct ids *i, uint32_t id)
{
	return id == KEEP || id == i->real || id == i->eff || id == i->saved;
}

/* setres*id(real, eff, saved) */
static int
ids_setres(
    struct ids *i, uint32_t real, uint32_t eff, uint32_t saved, bool priv)
{
	if (!priv &&
	    (!ids_has(i, real) || !ids_has(i, eff) || !ids_has(i, saved)))
		return EPERM;
	if (real != KEEP)
		i->real = real;
	if (eff != KEEP)
		i->eff = eff;
	if (saved != KEEP)
		i->saved = saved;
	i->fs = i->eff;
	return 0;
}

/* set*id for files: a refusal is silent, the old id is the result. */
static int
ids_setfs(struct ids *i, uint32_t id, bool priv)
{
	if (id != KEEP && (priv || id == i->fs || ids_has(i, id)))
		i->fs = id;
	return 0;
}

/* A program is executed, which may have a set-id bit for eff. */
static int
ids_exec(struct ids *i, uint32_t eff)
{
	if (eff != KEEP)
		i->eff = eff;
	i->saved = i->fs = i->eff;
	return 0;
}

enum ids_rule { IDS_SET, IDS_SETRE, IDS_SETRES, IDS_SETFS, IDS_EXEC };

static int
ids_apply(struct ids *i, enum ids_rule rule, const uint32_t arg[3], bool priv)
{
	switch (rule) {
	case IDS_SET:
		return ids_set(i, arg[0], priv);
	case IDS_SETRE:
		return ids_setre(i, arg[0], arg[1], priv);
	case IDS_SETRES:
		return ids_setres(i, arg[0], arg[1], arg[2], priv);
	case IDS_SETFS:
		return ids_setfs(i, arg[0], priv);
	case IDS_EXEC:
		return ids_exec(i, arg[0]);
	}
	return EINVAL;
}

/* Make it p's credential; the process moves with its user.  p_lock held. */
static void
cred_install(struct proc *p, struct cred *cr)
{
	struct cred *old;

	KASSERT(mutex_owned(&p->p_lock));
	old = (struct cred *)proc_setshared_locked(p, PS_CRED, &cr->cr_ref);
	if (old->cr_uidinfo != cr->cr_uidinfo) {
		(void)uidinfo_enter(cr->cr_uidinfo, false, 0);
		uidinfo_leave(old->cr_uidinfo);
		sigq_setuser(p, old->cr_uidinfo, cr->cr_uidinfo);
	}
	cred_rele(old);
}

/*
 * Change the user or group ids of the calling process as a rule says.  fsp,
 * unless NULL: where the file id that it had goes.
 */
static int
change_ids(struct lwp *l, bool groups, enum ids_rule rule,
    const uint32_t arg[3], int *fsp)
{
	struct proc *p = l->l_proc;
	struct cred *old, *cr;
	struct ids u, g, *i = groups ? &g : &u, was;
	int error;

	mutex_enter(&p->p_lock);
	old = proc_cred(p);
	u = cred_uids(old);
	g = cred_gids(old);
	was = *i;
	if (fsp != NULL)
		*fsp = (int)was.fs;
	error = ids_apply(i, rule, arg, cred_is_root(old));
	if (error == 0 && memcmp(i, &was, sizeof(was)) != 0 &&
	    (error = cred_make(u, g, old->cr_ngroups, old->cr_groups, &cr)) ==
		0) {
		cred_install(p, cr);
		if (rule != IDS_SETFS)
			atomic_fetch_or_explicit(
			    &p->p_flags, PF_SUGID, memory_order_relaxed);
	}
	mutex_exit(&p->p_lock);
	return error;
}

#define ARGS(...) ((const uint32_t[3]){__VA_ARGS__})

int
sys_setuid(struct lwp *l, uid_t uid)
{
	return change_ids(l, false, IDS_SET, ARGS(uid), NULL);
}

int
sys_setgid(struct lwp *l, gid_t gid)
{
	return change_ids(l, true, IDS_SET, ARGS(gid), NULL);
}

int
sys_seteuid(struct lwp *l, uid_t euid)
{
	if (euid == KEEP)
		return EINVAL;
	return change_ids(l, false, IDS_SETRES, ARGS(KEEP, euid, KEEP), NULL);
}

int
sys_setegid(struct lwp *l, gid_t egid)
{
	if (egid == KEEP)
		return EINVAL;
	return change_ids(l, true, IDS_SETRES, ARGS(KEEP, egid, KEEP), NULL);
}

int
sys_setreuid(struct lwp *l, uid_t ruid, uid_t euid)
{
	return change_ids(l, false, IDS_SETRE, ARGS(ruid, euid), NULL);
}

int
sys_setregid(struct lwp *l, gid_t rgid, gid_t egid)
{
	return change_ids(l, true, IDS_SETRE, ARGS(rgid, egid), NULL);
}

int
sys_setresuid(struct lwp *l, uid_t ruid, uid_t euid, uid_t suid)
{
	return change_ids(l, false, IDS_SETRES, ARGS(ruid, euid, suid), NULL);
}

int
sys_setresgid(struct lwp *l, gid_t rgid, gid_t egid, gid_t sgid)
{
	return change_ids(l, true, IDS_SETRES, ARGS(rgid, egid, sgid), NULL);
}

int
sys_setfsuid(struct lwp *l, uid_t uid, int *retval)
{
	return change_ids(l, false, IDS_SETFS, ARGS(uid), retval);
}

int
sys_setfsgid(struct lwp *l, gid_t gid, int *retval)
{
	return change_ids(l, true, IDS_SETFS, ARGS(gid), retval);
}

int
cred_exec(struct lwp *l, uid_t uid, gid_t gid)
{
	int error = change_ids(l, true, IDS_EXEC, ARGS(gid), NULL);

	return error != 0 ? error
			  : change_ids(l, false, IDS_EXEC, ARGS(uid), NULL);
}

/*
 * The calls that tell
 */

int
sys_getuid(struct lwp *l, uid_t *retval)
{
	*retval = proc_cred(l->l_proc)->cr_ruid;
	return 0;
}

int
sys_geteuid(struct lwp *l, uid_t *retval)
{
	*retval = proc_cred(l->l_proc)->cr_euid;
	return 0;
}

int
sys_getgid(struct lwp *l, gid_t *retval)
{
	*retval = proc_cred(l->l_proc)->cr_rgid;
	return 0;
}

int
sys_getegid(struct lwp *l, gid_t *retval)
{
	*retval = proc_cred(l->l_proc)->cr_egid;
	return 0;
}

static int
copyout_ids(const struct ids *i, uint32_t *r, uint32_t *e, uint32_t *s)
{
	int error;

	if ((error = copyout(&i->real, r, sizeof(*r))) == 0 &&
	    (error = copyout(&i->eff, e, sizeof(*e))) == 0)
		error = copyout(&i->saved, s, sizeof(*s));
	return error;
}

int
sys_getresuid(struct lwp *l, uid_t *ruid, uid_t *euid, uid_t *suid)
{
	struct ids i = cred_uids(proc_cred(l->l_proc));

	return copyout_ids(&i, ruid, euid, suid);
}

int
sys_getresgid(struct lwp *l, gid_t *rgid, gid_t *egid, gid_t *sgid)
{
	struct ids i = cred_gids(proc_cred(l->l_proc));

	return copyout_ids(&i, rgid, egid, sgid);
}

int
sys_getgroups(struct lwp *l, int size, gid_t *list, int *retval)
{
	struct cred *cr = proc_cred(l->l_proc);

	*retval = (int)cr->cr_ngroups;
	if (size < 0)
		return EINVAL;
	if (size == 0)
		return 0;
	if ((uint32_t)size < cr->cr_ngroups)
		return EINVAL;
	if (cr->cr_ngroups == 0)
		return 0;
	return copyout(cr->cr_groups, list, cr->cr_ngroups * sizeof(gid_t));
}

int
sys_setgroups(struct lwp *l, size_t size, const gid_t *list)
{
	struct proc *p = l->l_proc;
	struct cred *old, *cr;
	gid_t *groups = NULL;
	int error = 0;

	if (!cred_is_root(proc_cred(p)))
		return EPERM;
	if (size > NGROUPS_MAX)
		return EINVAL;
	if (size != 0 && (groups = kmem_alloc(size * sizeof(gid_t))) == NULL)
		return ENOMEM;
	if (size != 0)
		error = copyin(list, groups, size * sizeof(gid_t));
	mutex_enter(&p->p_lock);
	old = proc_cred(p);
	if (error == 0 && !cred_is_root(old))
		error = EPERM;
	if (error == 0 && (error = cred_make(cred_uids(old), cred_gids(old),
			       size, groups, &cr)) == 0)
		cred_install(p, cr);
	mutex_exit(&p->p_lock);
	if (size != 0)
		kmem_free(groups, size * sizeof(gid_t));
	return error;
}

int
sys_issetugid(struct lwp *l, int *retval)
{
	*retval =
	    (atomic_load_explicit(&l->l_proc->p_flags, memory_order_relaxed) &
		PF_SUGID) != 0;
	return 0;
}
