/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel's files as files of the host, and copying between the two.
 */
#include <linux/fcntl.h>
#include <linux/mman.h>
#include <linux/stat.h>

#include "hijack/engine.h"

#define CHUNK	     0x100000L
#define PIPESIZE     65536L
#define SPLICE_FLAGS 15UL /* that there are */

/*
 * Files of the kernel's on the host
 */

/* A descriptor of the server's, as one of our own. */
long
hj_file_server(const struct hj_thread *t, int fd, int how)
{
	char path[64], *p;

	p = hj_number(
	    hj_append(path, "/proc/"), (unsigned long)t->t_proc->p_server);
	hj_number(hj_append(p, "/fd/"), (unsigned int)fd);
	return hj_raw4(__NR_openat, AT_FDCWD, path, how | O_CLOEXEC, 0);
}

/* The host's file with the data of fd. */
static long
host_file(struct hj_thread *t, int fd, int write, int prot)
{
	long args[HJ_OPARGS] = {fd, write, prot};
	long n = hj_kernel_op(t, SP_HOSTFILE, args, NULL, 0, 0);

	if (HJ_FAILED(n) || n == HJ_RESTART)
		return n;
	return hj_file_server(t, (int)n, write ? O_RDWR : O_RDONLY);
}

static const long program_args[HJ_OPARGS] = {AT_FDCWD, 0, SP_PROGRAM_PLAIN};

/*
 * The kernel is told of a program whose path is known, and may take its time
 * for that.  Whether it is.
 */
static int
program_tell(struct hj_thread *t, const char *exe)
{
	t->t_telling =
	    exe[0] != '\0' && hj_kernel_begin(t, SP_PROGRAM, program_args, exe,
				  hj_strlen(exe) + 1) == 0;
	return (int)t->t_telling;
}

/*
 * Before the program is executed: the kernel has heard of it, so that nobody
 * writes to it any more.  An errno.
 */
int
hj_file_told(struct hj_thread *t, const char *exe)
{
	long args[HJ_OPARGS], r;
	char path[HJ_PATHMAX];

	if (!t->t_telling)
		return 0;
	t->t_telling = 0;
	if (t->t_posted) {
		r = hj_kernel_end(t);
	} else {
		/* Something else has been asked since, and the answer lost. */
		memcpy(args, program_args, sizeof(args));
		hj_append(path, exe);
		r = hj_kernel_op(
		    t, SP_PROGRAM, args, path, hj_strlen(path) + 1, 0);
	}
	return HJ_FAILED(r) || r == HJ_RESTART ? (int)-r : 0;
}

/*
 * A program to be executed; exe, unless it is NULL, gets its path.  NULL: it is
 * an interpreter, whose set-id bits do not count.  An errno.
 */
int
hj_file_program(struct hj_thread *t, long dirfd, const char *path, int follow,
    char *exe, int *fd)
{
	long args[HJ_OPARGS] = {dirfd, follow,
	    exe == NULL ? SP_PROGRAM_INTERPRETER
	    : t->t_nnp	? SP_PROGRAM_PLAIN
			: SP_PROGRAM_SETID};
	uint64_t tree = 0;
	char buf[HJ_PATHMAX];
	size_t n = hj_strlen(path) + 1;
	int own = -1;
	long r;

	if (exe != NULL)
		t->t_telling = 0;
	if (!hj_has_rules()) {
		tree = hj_lower_tree(t->t_proc);
		own = hj_lower_program(t, dirfd, path, follow, exe);
	}
	/* The kernel need not know of an interpreter, but of a program. */
	if (own >= 0 && (exe == NULL || program_tell(t, exe))) {
		*fd = own;
		return 0;
	}
	memcpy(buf, path, n);
	r = hj_kernel_op(t, SP_PROGRAM, args, buf, n, sizeof(buf));
	if (own >= 0 && (HJ_FAILED(r) || r == HJ_RESTART ||
			    tree != hj_lower_tree(t->t_proc))) {
		hj_raw1(__NR_close, own);
		own = -1;
	}
	if (HJ_FAILED(r) || r == HJ_RESTART)
		return (int)-r;
	if (exe != NULL)
		memcpy(exe, buf, sizeof(buf));
	if (own >= 0) {
		*fd = own;
		return 0;
	}
	r = hj_file_server(t, (int)r, O_RDONLY);
	if (HJ_FAILED(r))
		return (int)-r;
	/* Who has mapped it may write to it without having it open. */
	if (hj_is_written((int)r)) {
		hj_raw1(__NR_close, r);
		return ETXTBSY;
	}
	*fd = (int)r;
	return 0;
}

/* What was found last is not executed after all. */
void
hj_file_noprogram(struct hj_thread *t)
{
	long args[HJ_OPARGS] = {0, 0, SP_PROGRAM_NONE};

	hj_kernel_op(t, SP_PROGRAM, args, NULL, 0, 0);
}

/* To be mapped; to be closed after that. */
long
hj_file_map(struct hj_thread *t, int fd, int prot, int flags)
{
	long r;

	if ((flags & MAP_TYPE) == MAP_PRIVATE)
		return host_file(t, fd, 0, prot);
	/* What is only read so far may be written to later. */
	r = host_file(t, fd, 1, prot);
	if (r == -EACCES && (prot & PROT_WRITE) == 0)
		r = host_file(t, fd, 0, prot);
	return r;
}

/* The server's descriptor has what was opened as fd, to be read here. */
void
hj_file_direct(struct hj_thread *t, int fd, int server, int cloexec)
{
	long host = hj_file_server(t, server, O_RDONLY);

	if (HJ_FAILED(host))
		return;
	if (hj_raw3(__NR_dup3, host, fd, cloexec ? O_CLOEXEC : 0) == fd)
		hj_fd_setdirect(t, fd);
	hj_raw1(__NR_close, host);
}

/*
 * Copying
 */

/* Where a descriptor is when it reads, or writes nothing. */
static int
reads_here(const struct hj_thread *t, long fd)
{
	return hj_fd_iskernel(t, fd) && !hj_fd_isdirect(t, fd);
}

static long
seek(struct hj_thread *t, long fd, long off, long whence)
{
	const long args[6] = {fd, off, whence};

	return reads_here(t, fd) ? hj_kernel(t, HJ_K_lseek, args)
				 : hj_raw3(__NR_lseek, fd, off, whence);
}

static long
read_at(struct hj_thread *t, long fd, void *buf, long n, long off)
{
	const long args[6] = {fd, (long)buf, n, off};

	return reads_here(t, fd) ? hj_kernel(t, HJ_K_pread, args)
				 : hj_raw4(__NR_pread64, fd, buf, n, off);
}

/* Where to read: the offset at an address, or the descriptor's. */
static long
position_get(struct hj_thread *t, long fd, unsigned long at)
{
	long off;

	if (at == 0)
		return seek(t, fd, 0, SEEK_CUR);
	if (hj_copyin(&off, at, sizeof(off)) != 0)
		return -EFAULT;
	return off < 0 ? -EINVAL : off;
}

static long
position_set(struct hj_thread *t, long fd, unsigned long at, long off)
{
	if (at == 0)
		return seek(t, fd, off, SEEK_SET);
	return hj_copyout(at, &off, sizeof(off)) != 0 ? -EFAULT : 0;
}

/* Whether it is open for this, O_RDONLY or O_WRONLY: 0 or -EBADF. */
static long
is_open_for(struct hj_thread *t, long fd, long mode)
{
	const long args[6] = {fd, F_GETFL};
	long flags = hj_fd_iskernel(t, fd) ? hj_kernel(t, HJ_K_fcntl, args)
					   : hj_raw2(__NR_fcntl, fd, F_GETFL);

	if (flags < 0 || (flags & O_PATH) != 0)
		return -EBADF;
	flags &= O_ACCMODE;
	return flags == O_RDWR || flags == mode ? 0 : -EBADF;
}

/* A part of a file to where another kernel is asked: what sendfile may do. */
static long
bounce(struct hj_thread *t, long out, long in, unsigned long at, long count)
{
	long off = position_get(t, in, at), n, done, r;
	char *buf;

	if (off < 0 || count < 0)
		return off == -ESPIPE || count < 0 ? -EINVAL : off;
	count = HJ_MIN(count, CHUNK);
	buf = count > 0 ? hj_map((size_t)count) : NULL;
	if (buf == NULL)
		return count > 0 ? -ENOMEM : count;
	n = read_at(t, in, buf, count, off);
	done = n;
	if (n > 0) {
		const long args[6] = {out, (long)buf, n};

		done = hj_fd_iskernel(t, out) ? hj_kernel(t, HJ_K_write, args)
					      : hj_window(t, __NR_write, args);
	}
	hj_unmap(buf, (size_t)count);
	if (done <= 0)
		return done == -EISDIR ? -EINVAL : done;
	r = position_set(t, in, at, off + done);
	return r < 0 ? r : done;
}

/* The kernel copies; where the host has the offset, it is told and asked. */
static long
copy_kernel(struct hj_thread *t, int nr, const long *args, int in, int at)
{
	long words[6], off, n;

	memcpy(words, args, sizeof(words));
	if (args[at] != 0 || !hj_fd_isdirect(t, args[in]))
		return hj_kernel(t, nr, words);
	off = seek(t, args[in], 0, SEEK_CUR);
	if (off < 0)
		return off;
	words[at] = (long)&off;
	n = hj_kernel(t, nr, words);
	if (n > 0)
		seek(t, args[in], off, SEEK_SET);
	return n;
}

long
hj_sys_sendfile(struct hj_thread *t, const long *args)
{
	const long words[6] = {(int)args[0], (int)args[1], args[2], args[3]};

	if (hj_is_ours(words[0]) || hj_is_ours(words[1]))
		return -EBADF;
	if (!hj_fd_iskernel(t, words[0]) && !reads_here(t, words[1]))
		return hj_window(t, __NR_sendfile, args);
	t->t_bykernel = 1;
	if (hj_fd_iskernel(t, words[0]) && hj_fd_iskernel(t, words[1]))
		return copy_kernel(t, HJ_K_sendfile, words, 1, 2);
	if (is_open_for(t, words[1], O_RDONLY) != 0 ||
	    is_open_for(t, words[0], O_WRONLY) != 0)
		return -EBADF;
	return bounce(t, words[0], words[1], (unsigned long)args[2], args[3]);
}

/* Programs copy themselves where two file systems cannot. */
long
hj_sys_copy_file_range(struct hj_thread *t, const long *args)
{
	const long words[6] = {
	    (int)args[0], args[1], (int)args[2], args[3], args[4], args[5]};
	int in = hj_fd_iskernel(t, words[0]), out = hj_fd_iskernel(t, words[2]);

	if (hj_is_ours(words[0]) || hj_is_ours(words[2]))
		return -EBADF;
	if (!in && !out)
		return hj_window(t, __NR_copy_file_range, args);
	if (!in || !out)
		return hj_raw2(__NR_fcntl, words[in ? 2 : 0], F_GETFD) < 0
			   ? -EBADF
			   : -EXDEV;
	t->t_bykernel = 1;
	return copy_kernel(t, HJ_K_copy_file_range, words, 0, 1);
}

static int
is_pipe(long fd)
{
	struct statx st = {0};

	return hj_raw5(__NR_statx, fd, "", AT_EMPTY_PATH, STATX_TYPE, &st) ==
		   0 &&
	       (st.stx_mode & S_IFMT) == S_IFIFO;
}

static long
write_at(
    struct hj_thread *t, long fd, const void *buf, long n, unsigned long at)
{
	long off = at == 0 ? 0 : position_get(t, fd, at), done;
	const long args[6] = {fd, (long)buf, n, off};

	if (off < 0)
		return off;
	done = hj_kernel(t, at == 0 ? HJ_K_write : HJ_K_pwrite, args);
	if (done > 0 && at != 0 && position_set(t, fd, at, off + done) != 0)
		return -EFAULT;
	return done;
}

/*
 * From a pipe to the kernel's file: by a copy of what the pipe has, so that
 * nothing is lost that cannot be written.
 */
static long
drain(struct hj_thread *t, const long *args)
{
	const long getfl[6] = {(int)args[2], F_GETFL};
	int fds[2];
	long n = HJ_MIN(args[4], PIPESIZE), done = 0;
	char *buf;

	if ((hj_kernel(t, HJ_K_fcntl, getfl) & O_APPEND) != 0)
		return -EINVAL;
	if (hj_raw2(__NR_pipe2, fds, O_CLOEXEC) != 0)
		return -EMFILE;
	buf = hj_map(PIPESIZE);
	if (buf == NULL) {
		done = -ENOMEM;
	} else {
		const long tee[6] = {args[0], fds[1], n, args[5]};

		done = hj_window(t, __NR_tee, tee);
		if (done > 0)
			done = hj_raw3(__NR_read, fds[0], buf, done);
		if (done > 0)
			done = write_at(
			    t, (int)args[2], buf, done, (unsigned long)args[3]);
		if (done > 0)
			hj_raw3(__NR_read, args[0], buf, done);
		hj_unmap(buf, PIPESIZE);
	}
	hj_raw1(__NR_close, fds[0]);
	hj_raw1(__NR_close, fds[1]);
	return done;
}

long
hj_sys_splice(struct hj_thread *t, const long *args)
{
	int in = reads_here(t, (int)args[0]);
	int out = hj_fd_iskernel(t, (int)args[2]);

	if (hj_is_ours(args[0]) || hj_is_ours(args[2]))
		return -EBADF;
	if (!in && !out)
		return hj_window(t, __NR_splice, args);
	if (((unsigned long)args[5] & ~SPLICE_FLAGS) != 0)
		return -EINVAL;
	if (in && !out && is_pipe((int)args[2]))
		return args[3] != 0 ? -ESPIPE
				    : bounce(t, (int)args[2], (int)args[0],
					  (unsigned long)args[1],
					  HJ_MIN(args[4], PIPESIZE));
	if (out && !hj_fd_iskernel(t, (int)args[0]) && is_pipe((int)args[0]))
		return args[1] != 0 ? -ESPIPE : drain(t, args);
	return -EINVAL;
}
