/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * System calls that move data from descriptor to descriptor: splice, tee,
 * sendfile.
 */
#include <fcntl.h>
#include <limits.h>

#include "kern/kern.h"
#include "kern/signal.h"
#include "sysproto.h"

#define SPLICE_ALL \
	(SPLICE_F_MOVE | SPLICE_F_NONBLOCK | SPLICE_F_MORE | SPLICE_F_GIFT)

/* One end of a transfer. */
struct splice_end {
	struct file *se_file;
	struct pipe *se_pipe; /* or NULL */
	off_t *se_uoff;	      /* the caller's, or NULL */
	off_t se_off;	      /* where it is, without a pipe */
};

/* The one that is read; fd_putfile.  EBADF. */
static int
end_getin(struct lwp *l, int fd, struct splice_end *se)
{
	int error = fd_getopen(l, fd, &se->se_file);

	if (error == 0)
		se->se_pipe = pipe_of(se->se_file);
	return error;
}

/* The other, which has a reference of its own; file_rele.  EBADF. */
static int
end_getout(struct lwp *l, int fd, struct splice_end *se)
{
	int error = fd_getref(l, fd, &se->se_file);

	if (error != 0)
		return error;
	if ((file_flags(se->se_file) & O_PATH) != 0) {
		file_rele(se->se_file);
		return EBADF;
	}
	se->se_pipe = pipe_of(se->se_file);
	return 0;
}

static int
ends_get(struct lwp *l, int infd, struct splice_end *in, int outfd,
    struct splice_end *out)
{
	int error;

	if ((error = end_getin(l, infd, in)) == 0 &&
	    (error = end_getout(l, outfd, out)) != 0)
		fd_putfile(l, in->se_file);
	return error;
}

static void
ends_put(struct lwp *l, struct splice_end *in, struct splice_end *out)
{
	fd_putfile(l, in->se_file);
	file_rele(out->se_file);
}

static bool
end_nonblock(const struct splice_end *se)
{
	return (file_flags(se->se_file) & O_NONBLOCK) != 0;
}

/*
 * Is it a file that can be read or written with a lock held?  What has
 * positions does not sleep.
 */
static bool
end_positioned(const struct splice_end *se)
{
	return se->se_file->f_type == DTYPE_VNODE &&
	       se->se_file->f_ops->fo_seek != NULL;
}

static bool
end_socket(const struct splice_end *se)
{
	return se->se_file->f_type == DTYPE_SOCKET;
}

/* Where to begin.  EFAULT. */
static int
end_start(struct lwp *l, struct splice_end *se)
{
	if (se->se_uoff != NULL)
		return copyin(se->se_uoff, &se->se_off, sizeof(se->se_off));
	if (se->se_pipe == NULL && !end_socket(se))
		se->se_off = file_getpos(l, se->se_file);
	return 0;
}

/* Where it ended.  EFAULT. */
static int
end_finish(struct lwp *l, struct splice_end *se)
{
	if (se->se_uoff != NULL)
		return copyout(&se->se_off, se->se_uoff, sizeof(se->se_off));
	if (se->se_pipe == NULL && !end_socket(se))
		file_setpos(l, se->se_file, se->se_off);
	return 0;
}

/* Can there be len bytes at the offset? */
static int
end_checkrange(const struct splice_end *se, size_t len)
{
	return se->se_off < 0 || len > (size_t)(INT64_MAX - se->se_off) ? EINVAL
									: 0;
}

/* A directory has positions too, but no data. */
static int
fill_error(int error)
{
	return error == EISDIR ? EINVAL : error;
}

/* Read the file into the pipe. */
static int
splice_in(struct lwp *l, struct splice_end *in, struct splice_end *out,
    size_t len, bool nonblock, size_t *donep)
{
	int error;

	if (end_socket(in))
		return pipe_fill(l, out->se_pipe, in->se_file, NULL, len,
		    nonblock || end_nonblock(out), donep);
	if (!end_positioned(in))
		return EINVAL;
	if ((error = end_checkrange(in, len)) != 0)
		return error;
	return fill_error(pipe_fill(l, out->se_pipe, in->se_file, &in->se_off,
	    len, nonblock || end_nonblock(out), donep));
}

/* Write the pipe to the file. */
static int
splice_out(struct lwp *l, struct splice_end *in, struct splice_end *out,
    size_t len, bool nonblock, size_t *donep)
{
	int error;

	if (end_socket(out))
		return pipe_drain(l, in->se_pipe, out->se_file, NULL, len,
		    nonblock || end_nonblock(in), donep);
	if (!end_positioned(out) || (file_flags(out->se_file) & O_APPEND) != 0)
		return EINVAL;
	if ((error = end_checkrange(out, len)) != 0)
		return error;
	return pipe_drain(l, in->se_pipe, out->se_file, &out->se_off, len,
	    nonblock || end_nonblock(in), donep);
}

static int
splice_ends(struct lwp *l, struct splice_end *in, struct splice_end *out,
    size_t len, bool nonblock, size_t *donep)
{
	if (!file_readable(in->se_file) || !file_writable(out->se_file))
		return EBADF;
	if (in->se_pipe != NULL && out->se_pipe != NULL)
		return in->se_pipe == out->se_pipe
			   ? EINVAL
			   : pipe_splice(in->se_pipe, out->se_pipe, len,
				 nonblock || end_nonblock(in) ||
				     end_nonblock(out),
				 donep);
	if (in->se_pipe != NULL)
		return splice_out(l, in, out, len, nonblock, donep);
	if (out->se_pipe != NULL)
		return splice_in(l, in, out, len, nonblock, donep);
	return EINVAL;
}

static int
splice_files(struct lwp *l, struct splice_end *in, struct splice_end *out,
    size_t len, bool nonblock, ssize_t *retval)
{
	size_t done = 0;
	int error;

	if ((in->se_pipe != NULL && in->se_uoff != NULL) ||
	    (out->se_pipe != NULL && out->se_uoff != NULL))
		return ESPIPE;
	if ((in->se_uoff != NULL && end_socket(in)) ||
	    (out->se_uoff != NULL && end_socket(out)))
		return EINVAL;
	if ((error = end_start(l, out)) != 0 ||
	    (error = end_start(l, in)) != 0 ||
	    (error = splice_ends(l, in, out, len, nonblock, &done)) != 0 ||
	    (error = end_finish(l, out)) != 0 ||
	    (error = end_finish(l, in)) != 0)
		return error;
	*retval = (ssize_t)done;
	return 0;
}

int
sys_splice(struct lwp *l, int infd, off_t *inoff, int outfd, off_t *outoff,
    size_t len, unsigned int flags, ssize_t *retval)
{
	struct splice_end in = {.se_uoff = inoff}, out = {.se_uoff = outoff};
	int error;

	if (len == 0)
		return 0;
	if ((flags & ~SPLICE_ALL) != 0)
		return EINVAL;
	if ((error = ends_get(l, infd, &in, outfd, &out)) != 0)
		return error;
	error = splice_files(
	    l, &in, &out, len, (flags & SPLICE_F_NONBLOCK) != 0, retval);
	ends_put(l, &in, &out);
	return signal_xfsz(l, signal_pipe(l, error));
}

int
sys_tee(struct lwp *l, int infd, int outfd, size_t len, unsigned int flags,
    ssize_t *retval)
{
	struct splice_end in = {.se_uoff = NULL}, out = {.se_uoff = NULL};
	size_t done = 0;
	int error;

	if ((flags & ~SPLICE_ALL) != 0)
		return EINVAL;
	if (len == 0)
		return 0;
	if ((error = ends_get(l, infd, &in, outfd, &out)) != 0)
		return error;
	if (!file_readable(in.se_file) || !file_writable(out.se_file))
		error = EBADF;
	else if (in.se_pipe == NULL || out.se_pipe == NULL ||
		 in.se_pipe == out.se_pipe)
		error = EINVAL;
	else
		error = pipe_tee(in.se_pipe, out.se_pipe, len,
		    (flags & SPLICE_F_NONBLOCK) != 0 || end_nonblock(&in) ||
			end_nonblock(&out),
		    &done);
	ends_put(l, &in, &out);
	*retval = (ssize_t)done;
	return signal_pipe(l, error);
}

/*
 * sendfile
 */

/* To what is no pipe. */
static int
send_file(struct lwp *l, struct splice_end *in, struct splice_end *out,
    size_t len, size_t *donep)
{
	bool stream = out->se_file->f_ops->fo_seek == NULL;
	int error;

	if ((file_flags(out->se_file) & O_APPEND) != 0 || !end_positioned(in))
		return EINVAL;
	out->se_off = stream ? 0 : file_getpos(l, out->se_file);
	if ((error = end_checkrange(out, len)) != 0)
		return error;
	error = fill_error(file_copy(l, in->se_file, &in->se_off, out->se_file,
	    stream ? NULL : &out->se_off, len, donep));
	if (!stream)
		file_setpos(l, out->se_file, out->se_off);
	return error;
}

/* What is checked of the first file before the second is looked for. */
static int
send_checkin(struct lwp *l, struct splice_end *in, size_t len)
{
	if (!file_readable(in->se_file))
		return EBADF;
	if (in->se_uoff != NULL && in->se_file->f_ops->fo_seek == NULL)
		return ESPIPE;
	if (in->se_uoff == NULL && in->se_pipe == NULL)
		in->se_off = file_getpos(l, in->se_file);
	return end_checkrange(in, len);
}

static int
send_ends(struct lwp *l, struct splice_end *in, struct splice_end *out,
    size_t len, size_t *donep)
{
	if (!file_writable(out->se_file))
		return EBADF;
	if (len > UIO_MAXLEN)
		len = UIO_MAXLEN;
	return out->se_pipe != NULL ? splice_in(l, in, out, len, false, donep)
				    : send_file(l, in, out, len, donep);
}

int
sys_sendfile(struct lwp *l, int outfd, int infd, off_t *uoff, size_t len,
    ssize_t *retval)
{
	struct splice_end in = {.se_uoff = uoff}, out = {.se_uoff = NULL};
	size_t done = 0;
	int error, late;

	if (uoff != NULL &&
	    (error = copyin(uoff, &in.se_off, sizeof(in.se_off))) != 0)
		return error;
	if ((error = end_getin(l, infd, &in)) != 0)
		return error;
	if ((error = send_checkin(l, &in, len)) == 0 &&
	    (error = end_getout(l, outfd, &out)) == 0) {
		error = send_ends(l, &in, &out, len, &done);
		late = end_finish(l, &in);
		error = error != 0 ? error : late;
		file_rele(out.se_file);
	}
	fd_putfile(l, in.se_file);
	*retval = (ssize_t)done;
	return signal_xfsz(l, signal_pipe(l, error));
}
