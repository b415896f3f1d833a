/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * System calls that make pipes.
 */
#include <fcntl.h>

#include "kern/kern.h"
#include "kern/pipe_impl.h"
#include "sysproto.h"

static void
pipe_affix(struct pipe *pi, struct file *fp, uint32_t flags)
{
	fp->f_type = DTYPE_PIPE;
	fp->f_data = pi;
	fp->f_ops = &pipe_fileops;
	atomic_store_explicit(&fp->f_flags, flags, memory_order_relaxed);
}

/* A pipe and files for its two ends.  ENFILE, ENOMEM. */
static int
pipe_make(struct lwp *l, uint32_t flags, struct file *fps[2])
{
	struct cred *cr = proc_cred(l->l_proc);
	struct pipe *pi;
	int error;

	if ((pi = pipe_alloc()) == NULL)
		return ENOMEM;
	if ((error = file_alloc(l, &fps[0])) != 0)
		goto fail_pipe;
	if ((error = file_alloc(l, &fps[1])) != 0)
		goto fail_file;
	pi->pi_uid = cr->cr_fsuid;
	pi->pi_gid = cr->cr_fsgid;
	pi->pi_refs = 2;
	pi->pi_readers = pi->pi_writers = pi->pi_wopens = 1;
	pipe_affix(pi, fps[0], O_RDONLY | (flags & O_NONBLOCK));
	pipe_affix(pi, fps[1], O_WRONLY | (flags & (O_NONBLOCK | O_DIRECT)));
	return 0;

fail_file:
	file_abort(fps[0]);
fail_pipe:
	pipe_rele(pi);
	return error;
}

int
pipe_reopen(
    struct lwp *l, const struct file *end, uint32_t flags, struct file **fpp)
{
	struct pipe *pi = end->f_data;
	int error;

	if (end->f_ops != &pipe_fileops)
		return ENXIO;
	if ((flags & O_ACCMODE) == O_ACCMODE || (flags & O_DIRECT) != 0)
		return EINVAL;
	if ((error = file_alloc(l, fpp)) != 0)
		return error;
	mutex_enter(&pi->pi_lock);
	pi->pi_refs++;
	pipe_open_ends(pi, flags);
	mutex_exit(&pi->pi_lock);
	pipe_affix(pi, *fpp, flags);
	return 0;
}

int
sys_pipe2(struct lwp *l, int *ufds, int flags)
{
	bool cloexec = (flags & O_CLOEXEC) != 0;
	struct file *fps[2];
	int fds[2], error;

	if ((flags & ~(O_CLOEXEC | O_NONBLOCK | O_DIRECT)) != 0)
		return EINVAL;
	if ((error = pipe_make(l, (uint32_t)flags, fps)) != 0)
		return error;
	if ((error = fd_alloc(l, 0, &fds[0])) != 0)
		goto fail_files;
	if ((error = fd_alloc(l, 0, &fds[1])) != 0)
		goto fail_first;
	if ((error = copyout(fds, ufds, sizeof(fds))) != 0)
		goto fail_second;
	fd_affix(l, fds[0], fps[0], cloexec);
	fd_affix(l, fds[1], fps[1], cloexec);
	return 0;

fail_second:
	fd_abort(l, fds[1]);
fail_first:
	fd_abort(l, fds[0]);
fail_files:
	file_rele(fps[0]);
	file_rele(fps[1]);
	return error;
}

int
sys_pipe(struct lwp *l, int *ufds)
{
	return sys_pipe2(l, ufds, 0);
}
