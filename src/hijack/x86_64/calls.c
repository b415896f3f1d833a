/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * x86-64: system calls that other machines have not, most of them because a
 * later call does what they do.
 */
#include <asm/prctl.h>
#include <linux/fcntl.h>
#include <linux/sched.h>

#include "hijack/engine.h"

long
hj_sys_open(struct hj_thread *t, const long *args)
{
	const long at[6] = {AT_FDCWD, args[0], args[1], args[2]};

	return hj_sys_openat(t, at);
}

long
hj_sys_creat(struct hj_thread *t, const long *args)
{
	const long at[6] = {
	    AT_FDCWD, args[0], O_CREAT | O_WRONLY | O_TRUNC, args[1]};

	return hj_sys_openat(t, at);
}

long
hj_sys_dup2(struct hj_thread *t, const long *args)
{
	const long dup[6] = {args[0], args[1]};

	if ((int)args[0] != (int)args[1])
		return hj_sys_dup3(t, dup);
	return hj_is_ours(args[0]) ? -EBADF : hj_window(t, __NR_dup2, args);
}

long
hj_sys_readlink(struct hj_thread *t, const long *args)
{
	const long at[6] = {AT_FDCWD, args[0], args[1], args[2]};

	return hj_sys_readlinkat(t, at);
}

/* As getdents has it. */
struct olddirent {
	unsigned long d_ino;
	unsigned long d_off;
	unsigned short d_reclen;
	char d_name[];
};

/* From getdents64's form to the older one, which is as long, in place. */
static long
older_entries(unsigned long at, long size)
{
	unsigned char entry[512];
	unsigned short n;
	unsigned char type;
	const size_t name = offsetof(struct olddirent, d_name);

	for (long done = 0; done < size; done += n, at += n) {
		if (hj_copyin(&n, at + name - 2, sizeof(n)) != 0 ||
		    n > sizeof(entry) || n < name + 2 ||
		    hj_copyin(entry, at, n) != 0)
			return -EFAULT;
		/* The type moves behind the name, at the very end. */
		type = entry[name];
		memmove(entry + name, entry + name + 1, n - name - 1U);
		entry[n - 1] = type;
		if (hj_copyout(at, entry, n) != 0)
			return -EFAULT;
	}
	return size;
}

long
hj_sys_getdents(struct hj_thread *t, const long *args)
{
	const long words[6] = {(int)args[0], args[1], (unsigned int)args[2]};
	long n;

	if (hj_is_ours(args[0]))
		return -EBADF;
	if (!hj_fd_iskernel(t, (int)args[0]))
		return hj_window(t, __NR_getdents, args);
	t->t_bykernel = 1;
	n = hj_kernel(t, HJ_K_getdents64, words);
	return n <= 0 ? n : older_entries((unsigned long)args[1], n);
}

long
hj_sys_fork(struct hj_thread *t, const long *args)
{
	const long clone[6] = {SIGCHLD};

	(void)args;
	return hj_sys_clone(t, clone);
}

long
hj_sys_vfork(struct hj_thread *t, const long *args)
{
	const long clone[6] = {CLONE_VM | CLONE_VFORK | SIGCHLD};

	(void)args;
	return hj_sys_clone(t, clone);
}

long
hj_sys_signalfd(struct hj_thread *t, const long *args)
{
	const long signalfd4[6] = {args[0], args[1], args[2]};

	return hj_sys_signalfd4(t, signalfd4);
}

long
hj_sys_poll(struct hj_thread *t, const long *args)
{
	long r;

	return hj_wait_poll(t, args, &r) ? r : hj_window(t, __NR_poll, args);
}

long
hj_sys_select(struct hj_thread *t, const long *args)
{
	long r;

	return hj_wait_select(t, args, &r) ? r
					   : hj_window(t, __NR_select, args);
}

long
hj_sys_epoll_wait(struct hj_thread *t, const long *args)
{
	const long pwait[6] = {args[0], args[1], args[2], args[3]};

	if (hj_is_ours(args[0]))
		return -EBADF;
	return hj_sys_epoll_pwait(t, pwait);
}

long
hj_sys_inotify_init(struct hj_thread *t, const long *args)
{
	const long init1[6] = {0};

	(void)args;
	return hj_sys_inotify_init1(t, init1);
}

/* As the host has it. */
struct sysctl_args {
	int *name;
	int nlen;
	void *oldval;
	size_t *oldlenp;
	void *newval;
	size_t newlen;
	unsigned long unused[4];
};

long
hj_sys__sysctl(struct hj_thread *t, const long *args)
{
	struct sysctl_args sa;

	if (!hj_is_ruled(HJ_CALLS_SYSCTL))
		return -ENOSYS;
	if (hj_copyin(&sa, (unsigned long)args[0], sizeof(sa)) != 0)
		return -EFAULT;
	const long words[6] = {(long)sa.name, sa.nlen, (long)sa.oldval,
	    (long)sa.oldlenp, (long)sa.newval, (long)sa.newlen};
	t->t_bykernel = 1;
	return hj_kernel(t, HJ_K___sysctl, words);
}

/* %gs is the engine's. */
long
hj_sys_arch_prctl(struct hj_thread *t, const long *args)
{
	unsigned long none = 0;

	switch ((int)args[0]) {
	case ARCH_SET_GS:
		return -EPERM;
	case ARCH_GET_GS:
		return hj_copyout(
			   (unsigned long)args[1], &none, sizeof(none)) == 0
			   ? 0
			   : -EFAULT;
	default:
		return hj_window(t, __NR_arch_prctl, args);
	}
}
