/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Twins: an epoll instance of the host may have one, an instance of the kernel
 * that has the same number (p_twin).  It is made when that is to collect
 * something of the kernel's, and shares the fate of the number.  waits.c waits
 * for both.
 */
#include <linux/fcntl.h>

#include "hijack/engine.h"

static long
close_kernel(struct hj_thread *t, long fd)
{
	const long args[6] = {fd};

	return hj_kernel(t, HJ_K_close, args);
}

/* Have fd, an epoll instance of the host, be one of the kernel's, too. */
long
hj_fd_twin(struct hj_thread *t, long fd)
{
	long r, flags = hj_raw2(__NR_fcntl, fd, F_GETFD);
	const long args[6] = {(flags & FD_CLOEXEC) != 0 ? O_CLOEXEC : 0};

	if (hj_fd_marked(t->t_proc->p_twin, fd))
		return 0;
	if (hj_fd_iskernel(t, fd))
		return -EINVAL;
	/* The host says what fd is by what it says of something else. */
	r = hj_raw4(__NR_epoll_ctl, fd, 2 /* EPOLL_CTL_DEL */,
	    t->t_proc->p_spc.cl_sock, NULL);
	if (r != -ENOENT)
		return r;
	for (;;) {
		t->t_fdmin = (uint32_t)fd;
		r = hj_kernel(t, HJ_K_epoll_create1, args);
		if (HJ_FAILED(r) || r == HJ_RESTART)
			return r;
		if (r == fd)
			break;
		/* On its way to another thread for a moment: see adopt. */
		close_kernel(t, r);
		hj_raw0(__NR_sched_yield);
	}
	hj_fd_mark(t->t_proc->p_twin, (int)fd, 1);
	return 0;
}

/* The number is the host's no more. */
void
hj_twin_close(struct hj_thread *t, long fd)
{
	if (!hj_fd_marked(t->t_proc->p_twin, fd))
		return;
	hj_fd_mark(t->t_proc->p_twin, (int)fd, 0);
	close_kernel(t, fd);
}

/* The host has made a copy of one: the result for the program. */
long
hj_twin_copied(struct hj_thread *t, long from, long to, int cloexec)
{
	const long args[6] = {from, to, cloexec ? O_CLOEXEC : 0};
	long r;

	if (HJ_FAILED(to) || to == HJ_RESTART || to == from ||
	    !hj_fd_marked(t->t_proc->p_twin, from))
		return to;
	r = hj_kernel(t, HJ_K_dup3, args);
	if (r == to)
		hj_fd_mark(t->t_proc->p_twin, (int)to, 1);
	else
		hj_raw1(__NR_close, to);
	return r;
}

/* Whether a descriptor is an epoll instance of both sides. */
int
hj_fd_istwin(const struct hj_thread *t, long fd)
{
	return hj_fd_marked(t->t_proc->p_twin, fd);
}

/* A word of sets of descriptors. */
unsigned long
hj_fd_kernelbits(const struct hj_thread *t, size_t word)
{
	return __atomic_load_n(&t->t_proc->p_kernel[word], __ATOMIC_ACQUIRE);
}

unsigned long
hj_fd_twinbits(const struct hj_thread *t, size_t word)
{
	return __atomic_load_n(&t->t_proc->p_twin[word], __ATOMIC_ACQUIRE);
}
