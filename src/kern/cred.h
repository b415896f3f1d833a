/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Credentials: immutable once shared.  A change makes a new one and puts it
 * in the process (cred.c); whoever holds a reference keeps what it had.
 */
#ifndef KERN_CRED_H
#define KERN_CRED_H

#include "kern/kref.h"

struct uidinfo;

struct cred {
	struct kref cr_ref; /* first */
	uid_t cr_ruid, cr_euid, cr_svuid, cr_fsuid;
	gid_t cr_rgid, cr_egid, cr_svgid, cr_fsgid;
	uint32_t cr_ngroups;
	uint32_t cr_maxgroups;	    /* room in cr_groups */
	struct uidinfo *cr_uidinfo; /* of cr_ruid; held */
	uint64_t cr_serial;	    /* no other's, ever */
	struct smr_item cr_smr;
	gid_t cr_groups[]; /* sorted */
};

/* uid 0's credential without groups, held by process 0. */
extern struct cred *cred0;

static inline struct cred *
cred_hold(struct cred *cr)
{
	kref_hold(&cr->cr_ref);
	return cr;
}

static inline void
cred_rele(struct cred *cr)
{
	kref_rele(&cr->cr_ref);
}

/*
 * A new credential: real, effective, saved and file ids all uid and gid.
 * groups may be NULL if ngroups is 0.  0, ENOMEM, or EINVAL for more than
 * NGROUPS_MAX groups.
 */
int cred_alloc(uid_t uid, gid_t gid, size_t ngroups, const gid_t *groups,
    struct cred **crp);

/*
 * Files of the user's that are in messages on their way: n more; how many
 * there are now.
 */
int64_t cred_inflight(struct cred *, int64_t n);

/* Credentials alive. */
uint64_t cred_live(void);

/*
 * The bytes of message queues that its real user has go up, to `most', or
 * down.
 */
bool cred_mqueue_enter(struct cred *, uint64_t bytes, uint64_t most);
void cred_mqueue_leave(struct cred *, uint64_t bytes);

/*
 * The process executes a program with set-id bits for these, UINT32_MAX: with
 * none.  ENOMEM.
 */
struct lwp;
int cred_exec(struct lwp *, uid_t uid, gid_t gid);

/* Is gid the credential's file gid or one of its groups? */
bool cred_groupmember(const struct cred *, gid_t gid);

/* May it override file permissions?  May it change ids, limits, …? */
static inline bool
cred_is_fsroot(const struct cred *cr)
{
	return cr->cr_fsuid == 0;
}

static inline bool
cred_is_root(const struct cred *cr)
{
	return cr->cr_euid == 0;
}

#endif /* KERN_CRED_H */
