/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * inotify: an instance is the kernel's, which tells of its files; at the host's
 * number is a pipe that the kernel keeps something in while there are events,
 * so that the host's poll and its like wait for them.  Files of the host cannot
 * be watched by it.  With rules instances are the host's, and watch its files.
 */
#include <linux/fcntl.h>
#include <linux/inotify.h>

#include "hijack/engine.h"

static long
make(struct hj_thread *t, long flags)
{
	const long words[6] = {flags};
	long cloexec = flags & IN_CLOEXEC;
	long args[HJ_OPARGS] = {0};
	long fd, r, pipe;

	t->t_bykernel = 1;
	fd = hj_fd_make(t, HJ_K_inotify_init1, words,
	    HJ_MAKE | (cloexec != 0 ? HJ_CLOEXEC : 0));
	if (HJ_FAILED(fd) || fd == HJ_RESTART)
		return fd;
	args[0] = fd;
	r = hj_kernel_op(t, SP_HOSTFILE, args, NULL, 0, 0);
	pipe =
	    HJ_FAILED(r) ? r : hj_file_server(t, (int)r, O_RDONLY | O_NONBLOCK);
	if (!HJ_FAILED(pipe)) {
		r = hj_raw3(__NR_dup3, pipe, fd, cloexec != 0 ? O_CLOEXEC : 0);
		hj_raw1(__NR_close, pipe);
	}
	if (!HJ_FAILED(pipe) && !HJ_FAILED(r))
		return fd;
	hj_fd_close(t, (int)fd);
	return -EMFILE;
}

long
hj_sys_inotify_init1(struct hj_thread *t, const long *args)
{
	if (!hj_has_kernel() || hj_has_rules())
		return hj_window(t, __NR_inotify_init1, args);
	return make(t, (int)args[0]);
}

/* For what is not in its reach there is no room; programs look themselves. */
static long
watch_ruled(struct hj_thread *t, const long *args)
{
	char found[HJ_PATHMAX];
	long host[6] = {args[0], args[1], args[2]}, r;

	r = hj_rules_find(
	    t, AT_FDCWD, (unsigned long)args[1], 1 /* follow */, found);
	if (r < 0)
		return r;
	if (r == HJ_KERNEL_SAME || r == HJ_KERNEL_PATH)
		return -ENOSPC;
	if (r == HJ_HOST_PATH)
		host[1] = (long)found;
	return hj_window(t, __NR_inotify_add_watch, host);
}

long
hj_sys_inotify_add_watch(struct hj_thread *t, const long *args)
{
	const struct hj_path p = {.p_host = __NR_inotify_add_watch,
	    .p_kernel = HJ_K_inotify_add_watch,
	    .p_how = (args[2] & IN_DONT_FOLLOW) != 0 ? "flv" : "fpv"};
	long r;

	if (hj_is_ours(args[0]))
		return -EBADF;
	if (hj_has_rules())
		return watch_ruled(t, args);
	if (!hj_has_kernel() || !hj_fd_iskernel(t, (int)args[0]))
		return hj_window(t, __NR_inotify_add_watch, args);
	/* The host finds that a pipe is none of its instances. */
	r = hj_path_call(t, &p, args);
	return r == -EINVAL && !t->t_bykernel ? -ENOSPC : r;
}
