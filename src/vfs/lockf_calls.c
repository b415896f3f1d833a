/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * flock, and the commands of fcntl that lock ranges.
 */
#include <sys/file.h>

#include "sysproto.h"
#include "vfs/lockf.h"

static bool
cmd_isofd(int cmd)
{
	return cmd == F_OFD_GETLK || cmd == F_OFD_SETLK || cmd == F_OFD_SETLKW;
}

/* What l_start counts from. */
static int
flock_base(struct lwp *l, struct file *fp, int whence, off_t *basep)
{
	bool locked;

	switch (whence) {
	case SEEK_SET:
		*basep = 0;
		return 0;
	case SEEK_CUR:
		locked = file_enter(l, fp);
		/* A fifo keeps something else there. */
		*basep = fp->f_ops->fo_seek != NULL ? fp->f_offset : 0;
		file_leave(fp, locked);
		return 0;
	case SEEK_END:
		return vnode_size(fp->f_vnode, basep);
	}
	return EINVAL;
}

/* The range of *fl in *lk.  EINVAL, EOVERFLOW. */
static int
flock_range(
    struct lwp *l, struct file *fp, const struct flock *fl, struct lock *lk)
{
	off_t start;
	int error;

	if ((error = flock_base(l, fp, fl->l_whence, &start)) != 0)
		return error;
	if (__builtin_add_overflow(start, fl->l_start, &start))
		return EOVERFLOW;
	if (start < 0)
		return EINVAL;
	lk->lk_start = start;
	lk->lk_end = LOCK_OFFMAX;
	if (fl->l_len > 0 &&
	    __builtin_add_overflow(start, fl->l_len - 1, &lk->lk_end))
		return EOVERFLOW;
	if (fl->l_len < 0) {
		if (start + fl->l_len < 0)
			return EINVAL;
		lk->lk_start = start + fl->l_len;
		lk->lk_end = start - 1;
	}
	return 0;
}

/* What *fl wants of fp by this command, in *lk. */
static int
flock_decode(struct lwp *l, struct file *fp, int cmd, const struct flock *fl,
    struct lock *lk)
{
	int error = flock_range(l, fp, fl, lk);

	if (error != 0)
		return error;
	if (fl->l_type != F_RDLCK && fl->l_type != F_WRLCK &&
	    fl->l_type != F_UNLCK)
		return EINVAL;
	lk->lk_type = fl->l_type;
	lk->lk_owner = fp;
	lk->lk_pid = -1;
	if (!cmd_isofd(cmd)) {
		lk->lk_owner = atomic_load_explicit(
		    &l->l_proc->p_fd, memory_order_relaxed);
		lk->lk_pid = proc_pid(l->l_proc);
	}
	return 0;
}

static int
file_getlk(struct lwp *l, struct file *fp, int cmd, struct flock *fl)
{
	struct lock lk;
	int error;

	if (!cmd_isofd(cmd) && fl->l_type != F_RDLCK && fl->l_type != F_WRLCK)
		return EINVAL;
	if ((error = flock_decode(l, fp, cmd, fl, &lk)) != 0)
		return error;
	if (cmd_isofd(cmd) && fl->l_pid != 0)
		return EINVAL;
	lock_test(fp->f_vnode, &lk);
	fl->l_type = lk.lk_type;
	if (lk.lk_type == F_UNLCK)
		return 0;
	fl->l_whence = SEEK_SET;
	fl->l_start = lk.lk_start;
	fl->l_len = lk.lk_end == LOCK_OFFMAX ? 0 : lk.lk_end - lk.lk_start + 1;
	fl->l_pid = lk.lk_pid;
	return 0;
}

static int
file_setlk(
    struct lwp *l, int fd, struct file *fp, int cmd, const struct flock *fl)
{
	struct lockreq *lr;
	int error;

	if ((lr = lockreq_alloc()) == NULL)
		return ENOLCK;
	lr->lr_kind = LOCK_RANGE;
	lr->lr_wait = cmd == F_SETLKW || cmd == F_OFD_SETLKW;
	lr->lr_detect = cmd == F_SETLKW;
	if ((error = flock_decode(l, fp, cmd, fl, &lr->lr_want)) != 0)
		goto out;
	if ((fl->l_type == F_RDLCK && !file_readable(fp)) ||
	    (fl->l_type == F_WRLCK && !file_writable(fp)))
		error = EBADF;
	else if (cmd_isofd(cmd) && fl->l_pid != 0)
		error = EINVAL;
	else if ((error = lock_set(fp->f_vnode, lr)) == ENOMEM)
		error = ENOLCK;
	if (error == 0 && fl->l_type != F_UNLCK && !cmd_isofd(cmd) &&
	    !fd_names(l, fd, fp, lr->lr_want.lk_owner)) {
		/* As if it had been closed just now. */
		lock_closing_slow(fp, lr->lr_want.lk_owner);
		error = EBADF;
	}
out:
	lockreq_free(lr);
	return error;
}

int
file_lock(struct lwp *l, int fd, struct file *fp, int cmd, struct flock *ufl)
{
	struct flock fl;
	int error;

	if ((error = copyin(ufl, &fl, sizeof(fl))) != 0)
		return error;
	if (cmd != F_GETLK && cmd != F_OFD_GETLK)
		return file_setlk(l, fd, fp, cmd, &fl);
	error = file_getlk(l, fp, cmd, &fl);
	return error != 0 ? error : copyout(&fl, ufl, sizeof(fl));
}

int
sys_flock(struct lwp *l, int fd, int op)
{
	static const short types[] = {
	    [LOCK_SH] = F_RDLCK,
	    [LOCK_EX] = F_WRLCK,
	    [LOCK_UN] = F_UNLCK,
	};
	int type = op & ~LOCK_NB, error;
	struct lockreq *lr;
	struct file *fp;

	if (type != LOCK_SH && type != LOCK_EX && type != LOCK_UN)
		return EINVAL;
	if ((error = fd_getopen(l, fd, &fp)) != 0)
		return error;
	if (type != LOCK_UN && !file_readable(fp) && !file_writable(fp))
		error = EBADF;
	else if (fp->f_vnode == NULL)
		error = EINVAL;
	else if ((lr = lockreq_alloc()) == NULL)
		error = ENOMEM;
	else {
		lr->lr_kind = LOCK_WHOLE;
		lr->lr_wait = (op & LOCK_NB) == 0;
		lr->lr_want = (struct lock){.lk_owner = fp,
		    .lk_end = LOCK_OFFMAX,
		    .lk_type = types[type]};
		error = lock_set(fp->f_vnode, lr);
		lockreq_free(lr);
	}
	fd_putfile(l, fp);
	return error;
}
