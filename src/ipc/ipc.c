/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What objects for communication have in common: names, permissions, waiting.
 */
#include "ipc/ipc.h"

#include "ipc/limits.h"

#define TEXT1(x) #x
#define TEXT(x)	 TEXT1(x)

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

const char *
ipc_limit(const char *name)
{
	static const struct {
		const char *name, *value;
	} limits[] = {
	    {"msg_default", TEXT(MQ_MAXMSG)},
	    {"msg_max", TEXT(MQ_MAXMSG)},
	    {"msgsize_default", TEXT(MQ_MSGSIZE)},
	    {"msgsize_max", TEXT(MQ_MSGSIZE)},
	    {"queues_max", TEXT(MQ_QUEUES)},
	    {"msgmax", TEXT(MSG_MOST)},
	    {"msgmnb", TEXT(MSG_BYTES)},
	    {"msgmni", TEXT(MSG_QUEUES)},
	    {"sem", TEXT(SEM_SETMAX) "\t" TEXT(SEM_ALL) "\t" TEXT(
			SEM_OPS) "\t" TEXT(SEM_SETS)},
	    {"shmall", "18446744073692774399"},
	    {"shmmax", "18446744073692774399"},
	    {"shmmni", TEXT(SHM_SEGS)},
	};
	size_t i;

	for (i = 0; i < nitems(limits); i++)
		if (strcmp(limits[i].name, name) == 0)
			return limits[i].value;
	panic("no limit is called %s", name);
}
