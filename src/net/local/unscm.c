/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What comes along with messages: descriptors (SCM_RIGHTS) and who sent them
 * (SCM_CREDENTIALS).
 */
#include "net/local/unsock.h"

/* What Linux shows where there is no such user. */
#define OVERFLOW_ID 65534

void
unscm_init(struct unscm *scm)
{
	scm->sc_ident = (struct unident){0, (uid_t)-1, (gid_t)-1};
	scm->sc_rights = NULL;
	scm->sc_flying = false;
}

/*
 * Files
 */

static size_t
unrights_size(uint32_t n)
{
	return sizeof(struct unrights) + n * sizeof(struct file *);
}

/* With room for all that can be there. */
static struct unrights *
unrights_alloc(struct cred *cr)
{
	struct unrights *ur = kmem_alloc(unrights_size(UN_MAXFILES));

	if (ur != NULL) {
		ur->ur_next = NULL;
		ur->ur_cred = cred_hold(cr);
		ur->ur_count = ur->ur_sockets = 0;
	}
	return ur;
}

static void
unrights_free(struct unrights *ur)
{
	cred_rele(ur->ur_cred);
	kmem_free(ur, unrights_size(UN_MAXFILES));
}

/*
 * Closing a file can throw away messages that bring files, and so on: all that
 * happens in the first call of these on a host thread.
 */
void
unrights_drop(struct unrights *ur)
{
	struct hostthread *ht = curht();
	struct unrights *next;
	bool first = ht->ht_netdrops == NULL;
	uint32_t i;

	if (!first) {
		next = ht->ht_netdrops;
		ur->ur_next = next->ur_next;
		next->ur_next = ur;
		return;
	}
	ur->ur_next = NULL;
	ht->ht_netdrops = ur;
	for (; ur != NULL; ur = next) {
		for (i = 0; i < ur->ur_count; i++)
			file_rele(ur->ur_files[i]);
		next = ur->ur_next;
		ht->ht_netdrops = next;
		unrights_free(ur);
	}
}

static void
unrights_add(struct unrights *ur, struct file *fp)
{
	ur->ur_files[ur->ur_count++] = fp;
	if (unsock_of(fp) != NULL)
		ur->ur_sockets++;
}

/* Another reference to each file. */
static struct unrights *
unrights_copy(const struct unrights *from)
{
	struct unrights *ur = unrights_alloc(from->ur_cred);
	uint32_t i;

	if (ur == NULL)
		return NULL;
	for (i = 0; i < from->ur_count; i++) {
		file_hold(from->ur_files[i]);
		unrights_add(ur, from->ur_files[i]);
	}
	return ur;
}

/*
 * Sending
 */

/* SCM_RIGHTS: n descriptors at data. */
static int
copyin_rights(struct lwp *l, struct unscm *scm, const char *data, size_t n)
{
	struct file *fp;
	size_t i;
	int fd, error;

	if (n == 0)
		return 0;
	if (n > UN_MAXFILES)
		return EINVAL;
	if (scm->sc_rights == NULL &&
	    (scm->sc_rights = unrights_alloc(proc_cred(l->l_proc))) == NULL)
		return ENOMEM;
	if (scm->sc_rights->ur_count + n > UN_MAXFILES)
		return EINVAL;
	for (i = 0; i < n; i++) {
		memcpy(&fd, data + i * sizeof(fd), sizeof(fd));
		if ((error = fd_getref(l, fd, &fp)) != 0)
			return error;
		unrights_add(scm->sc_rights, fp);
	}
	return 0;
}

/* SCM_CREDENTIALS: only root may say that he is somebody else. */
static int
copyin_ident(struct lwp *l, struct unscm *scm, const char *data)
{
	const struct cred *cr = proc_cred(l->l_proc);
	bool root = cred_is_root(cr);
	struct ucred uc;
	struct proc *p;

	memcpy(&uc, data, sizeof(uc));
	if (!root && (uc.pid != proc_pid(l->l_proc) ||
			 (uc.uid != cr->cr_ruid && uc.uid != cr->cr_euid &&
			     uc.uid != cr->cr_svuid) ||
			 (uc.gid != cr->cr_rgid && uc.gid != cr->cr_egid &&
			     uc.gid != cr->cr_svgid)))
		return EPERM;
	if (uc.pid != proc_pid(l->l_proc)) {
		if ((p = proc_find_locked(uc.pid)) == NULL)
			return ESRCH;
		mutex_exit(&p->p_lock);
	}
	if (uc.uid == (uid_t)-1 || uc.gid == (gid_t)-1)
		return EINVAL;
	scm->sc_ident = (struct unident){uc.pid, uc.uid, uc.gid};
	return 0;
}

static int
copyin_one(struct lwp *l, struct unscm *scm, const struct cmsghdr *cm)
{
	const char *data = (const char *)CMSG_DATA(cm);

	switch (cm->cmsg_type) {
	case SCM_RIGHTS:
		return copyin_rights(
		    l, scm, data, (cm->cmsg_len - CMSG_LEN(0)) / sizeof(int));
	case SCM_CREDENTIALS:
		if (cm->cmsg_len != CMSG_LEN(sizeof(struct ucred)))
			return EINVAL;
		return copyin_ident(l, scm, data);
	}
	return EINVAL;
}

int
unscm_copyin(struct lwp *l, const struct sockmsg *sm, struct unscm *scm)
{
	size_t off = 0, left = sm->sm_controllen;
	struct cmsghdr cm;
	int error = 0;

	while (error == 0 && left - off >= sizeof(cm)) {
		memcpy(&cm, sm->sm_control + off, sizeof(cm));
		if (cm.cmsg_len < sizeof(cm) || cm.cmsg_len > left - off)
			error = EINVAL;
		else if (cm.cmsg_level == SOL_SOCKET)
			error = copyin_one(l, scm,
			    (const struct cmsghdr *)(const void
				    *)(sm->sm_control + off));
		if (CMSG_ALIGN(cm.cmsg_len) >= left - off)
			break;
		off += CMSG_ALIGN(cm.cmsg_len);
	}
	if (error == 0 && scm->sc_rights != NULL &&
	    cred_inflight(scm->sc_rights->ur_cred, 0) >
		(int64_t)proc_limit(l->l_proc, RLIMIT_NOFILE) &&
	    !cred_is_root(proc_cred(l->l_proc)))
		error = ETOOMANYREFS;
	if (error != 0)
		unscm_free(scm);
	else if (scm->sc_rights != NULL) {
		ungc_depart(scm->sc_rights);
		scm->sc_flying = true;
	}
	return error;
}

/* They are not in flight any more. */
static void
unscm_land(struct unscm *scm)
{
	if (scm->sc_flying)
		ungc_arrive(scm->sc_rights);
	scm->sc_flying = false;
}

void
unscm_free(struct unscm *scm)
{
	if (unlikely(scm->sc_rights != NULL)) {
		unscm_land(scm);
		unrights_drop(scm->sc_rights);
		scm->sc_rights = NULL;
	}
}

int
unscm_attach(struct lwp *l, struct unscm *scm, struct unmsg *m,
    struct unsock *us, struct unsock *to)
{
	const struct cred *cr;

	KASSERT(unsock_owned(to));
	m->um_ident = scm->sc_ident;
	if (m->um_ident.ui_pid == 0 &&
	    (socket_opt(&us->us_so, SOPT_PASSCRED) || to->us_embryo ||
		socket_opt(&to->us_so, SOPT_PASSCRED))) {
		cr = proc_cred(l->l_proc);
		m->um_ident = (struct unident){
		    proc_pid(l->l_proc), cr->cr_ruid, cr->cr_rgid};
	}
	if (likely(scm->sc_rights == NULL))
		return 0;
	if (!socket_opt(&to->us_so, SOPT_PASSRIGHTS))
		return EPERM;
	m->um_rights = scm->sc_rights;
	scm->sc_rights = NULL;
	scm->sc_flying = false;
	return 0;
}

/*
 * Receiving
 */

int
unscm_take(struct unscm *scm, struct unmsg *m, bool peek)
{
	if (likely(m->um_rights == NULL))
		return 0;
	if (peek) {
		scm->sc_rights = unrights_copy(m->um_rights);
		return scm->sc_rights != NULL ? 0 : ENOMEM;
	}
	scm->sc_rights = m->um_rights;
	scm->sc_flying = true;
	m->um_rights = NULL;
	return 0;
}

/* A descriptor of the file, whose number goes to the caller. */
static int
copyout_file(struct lwp *l, struct file *fp, char *to, bool cloexec)
{
	int fd, error;

	if ((error = fd_alloc(l, 0, &fd)) != 0)
		return error;
	if ((error = copyout(&fd, to, sizeof(fd))) != 0) {
		fd_abort(l, fd);
		return error;
	}
	file_hold(fp);
	fd_affix(l, fd, fp, cloexec);
	return 0;
}

static void
copyout_rights(struct lwp *l, struct sockmsg *sm, const struct unrights *ur)
{
	bool cloexec = (sm->sm_flags & MSG_CMSG_CLOEXEC) != 0;
	char *data = sm->sm_control + CMSG_LEN(0);
	struct cmsghdr cm;
	size_t room = 0;
	uint32_t i;

	if (sm->sm_control != NULL && sm->sm_controllen > CMSG_LEN(0))
		room = (sm->sm_controllen - CMSG_LEN(0)) / sizeof(int);
	for (i = 0; i < ur->ur_count && i < room; i++)
		if (copyout_file(l, ur->ur_files[i], data + i * sizeof(int),
			cloexec) != 0)
			break;
	if (i < ur->ur_count)
		sm->sm_outflags |= MSG_CTRUNC;
	if (i == 0)
		return;
	memset(&cm, 0, sizeof(cm));
	cm.cmsg_len = CMSG_LEN(i * sizeof(int));
	cm.cmsg_level = SOL_SOCKET;
	cm.cmsg_type = SCM_RIGHTS;
	if (copyout(&cm, sm->sm_control, sizeof(cm)) != 0)
		return;
	room = CMSG_SPACE(i * sizeof(int));
	if (room > sm->sm_controllen)
		room = sm->sm_controllen;
	sm->sm_control += room;
	sm->sm_controllen -= room;
}

void
unscm_copyout(
    struct lwp *l, struct unsock *us, struct sockmsg *sm, struct unscm *scm)
{
	bool passcred = socket_opt(&us->us_so, SOPT_PASSCRED);
	struct unrights *ur = scm->sc_rights;
	struct ucred uc;

	if (likely(ur == NULL && !passcred))
		return;
	if (ur != NULL) {
		if (scm->sc_flying)
			unscm_land(scm);
		else
			ungc_barrier();
	}
	if (sm->sm_control == NULL) {
		sm->sm_outflags |= MSG_CTRUNC;
		unscm_free(scm);
		return;
	}
	if (passcred) {
		uc.pid = scm->sc_ident.ui_pid;
		uc.uid = scm->sc_ident.ui_uid;
		uc.gid = scm->sc_ident.ui_gid;
		if (uc.uid == (uid_t)-1)
			uc.uid = OVERFLOW_ID;
		if (uc.gid == (gid_t)-1)
			uc.gid = OVERFLOW_ID;
		sockmsg_putcmsg(
		    sm, SOL_SOCKET, SCM_CREDENTIALS, &uc, sizeof(uc));
	}
	if (ur != NULL)
		copyout_rights(l, sm, ur);
	unscm_free(scm);
}
