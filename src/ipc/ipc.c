/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What objects for communication have in common: names, permissions, waiting.
 */
#include "ipc/ipc.h"

int
ipc_copyinname(const char *uname, char name[IPC_NAMESIZE])
{
	char first;
	size_t len;
	int error;

	if ((error = copyin(uname, &first, 1)) != 0)
		return error;
	if (first != '/')
		return EINVAL;
	if ((error = copyinstr(uname + 1, name, IPC_NAMESIZE, &len)) != 0)
		return error;
	if (len == 0)
		return ENOENT;
	if (strchr(name, '/') != NULL || strcmp(name, ".") == 0 ||
	    strcmp(name, "..") == 0)
		return EACCES;
	return 0;
}

mode_t
ipc_newmode(struct lwp *l, mode_t mode)
{
	return mode & 0777 &
	       ~atomic_load_explicit(&l->l_proc->p_umask, memory_order_relaxed);
}

bool
ipc_allows(
    const struct cred *cr, uid_t uid, gid_t gid, mode_t mode, mode_t want)
{
	if (cred_is_fsroot(cr))
		return true;
	if (cr->cr_fsuid == uid)
		mode >>= 6;
	else if (cred_groupmember(cr, gid))
		mode >>= 3;
	return (want & ~mode) == 0;
}

int
ipc_copyintime(const struct timespec *uts, int64_t *whenp)
{
	struct timespec ts;
	int error;

	*whenp = KTIME_MAX;
	if (uts == NULL)
		return 0;
	if ((error = copyin(uts, &ts, sizeof(ts))) != 0)
		return error;
	return ktime_from_timespec(&ts, whenp);
}

int
ipc_wait(struct kcondvar *cv, struct kmutex *m, int64_t when)
{
	int64_t left;
	int error;

	if (when == KTIME_MAX)
		return cv_wait_sig(cv, m);
	if ((left = kern_realtime_wait(when)) <= 0)
		return ETIMEDOUT;
	error = cv_timedwait_sig(cv, m, ktime_add(kern_monotonic(), left));
	/* By a clock that was set back it is not late yet: come again. */
	if (error == ETIMEDOUT && kern_realtime_wait(when) > 0)
		error = 0;
	return error;
}

void
ipc_stat(struct stat *sb, uid_t uid, gid_t gid, mode_t mode)
{
	memset(sb, 0, sizeof(*sb));
	sb->st_mode = S_IFREG | mode;
	sb->st_nlink = 1;
	sb->st_uid = uid;
	sb->st_gid = gid;
	sb->st_blksize = KPAGE_SIZE;
}
