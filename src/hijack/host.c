/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the engine needs of the host: the program's memory without faults,
 * memory of its own, a lock, calls in a window.
 */
#include <linux/futex.h>
#include <linux/mman.h>
#include <linux/time.h>
#include <linux/time_types.h>

#include "hijack/engine.h"

/* 0: free, 1: taken, 2: taken and somebody waits. */
static int hj_lockword;

/* The program's memory may not be there: see engine_fault. */
int
hj_copyin(void *to, unsigned long from, size_t n)
{
	return hj_copy(to, (const void *)from, n);
}

int
hj_copyout(unsigned long to, const void *from, size_t n)
{
	return hj_copy((void *)to, from, n);
}

/* A string with its NUL: its length, or -EFAULT, or -ENAMETOOLONG. */
long
hj_copyinstr(char *to, unsigned long from, size_t size)
{
	return hj_copy_string(to, (const char *)from, size);
}

/*
 * A call that may block or be interrupted: it need not be the program's own,
 * which is what will be made again.
 */
long
hj_window(struct hj_thread *t, long nr, const long *args)
{
	t->t_restartnr = HJ_NUMBER(t);
	return hj_host(nr, args);
}

/* The monotonic clock, in nanoseconds. */
long
hj_now(void)
{
	struct __kernel_timespec ts = {0};

	hj_raw2(__NR_clock_gettime, CLOCK_MONOTONIC, &ts);
	return (long)ts.tv_sec * 1000000000 + (long)ts.tv_nsec;
}

/* NULL: there is none. */
void *
hj_map(size_t size)
{
	long r = hj_raw6(__NR_mmap, 0, size, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return HJ_FAILED(r) ? NULL : (void *)r;
}

void
hj_unmap(void *addr, size_t size)
{
	hj_raw2(__NR_munmap, addr, size);
}

void
hj_lock(void)
{
	int was = 0;

	if (__atomic_compare_exchange_n(
		&hj_lockword, &was, 1, 0, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
		return;
	while (__atomic_exchange_n(&hj_lockword, 2, __ATOMIC_ACQUIRE) != 0) {
		hj_raw4(__NR_futex, &hj_lockword, FUTEX_WAIT_PRIVATE, 2, NULL);
	}
}

void
hj_unlock(void)
{
	if (__atomic_exchange_n(&hj_lockword, 0, __ATOMIC_RELEASE) == 2)
		hj_raw3(__NR_futex, &hj_lockword, FUTEX_WAKE_PRIVATE, 1);
}

/*
 * The same for what struct hj_proc has.  The child of a vfork has one of its
 * own, and must not be killed with a lock that its parent needs.
 */
void
hj_proc_lock(const struct hj_thread *t)
{
	if (!t->t_vfork)
		hj_lock();
}

void
hj_proc_unlock(const struct hj_thread *t)
{
	if (!t->t_vfork)
		hj_unlock();
}

/*
 * Block all signals.  HJ_RESTART: one came before that, and they stay blocked
 * for its sake.  *old is for hj_setmask.
 */
int
hj_block(struct hj_thread *t, unsigned long *old)
{
	unsigned long all = HJ_ALL;

	t->t_blocked = 1;
	hj_raw4(__NR_rt_sigprocmask, SIG_SETMASK, &all, old, sizeof(all));
	if (__atomic_load_n(&t->t_deferred, __ATOMIC_RELAXED) == 0)
		return 0;
	t->t_restartnr = HJ_NUMBER(t);
	return HJ_RESTART;
}

void
hj_setmask(struct hj_thread *t, unsigned long mask)
{
	mask &= ~HJ_OURS;
	t->t_blocked = 0;
	hj_raw4(__NR_rt_sigprocmask, SIG_SETMASK, &mask, NULL, sizeof(mask));
}
