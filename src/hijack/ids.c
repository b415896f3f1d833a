/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ids are the kernel's.  Capabilities: who is the kernel's root has all of
 * them, others none.  They cannot be given away one by one, and are only shown:
 * the kernel goes by ids.  Who keeps them (PR_SET_KEEPCAPS) can set groups.
 */
#include <linux/capability.h>
#include <linux/prctl.h>

#include "hijack/engine.h"

/*
 * Calls of the kernel's without arguments: ids are asked for often, and change
 * by calls of this process only.  With several threads they are not kept.
 */
long
hj_id(struct hj_thread *t, unsigned long nr, int kernel)
{
	static const int calls[4] = {
	    __NR_getuid, __NR_geteuid, __NR_getgid, __NR_getegid};
	const long none[6] = {0};
	uint32_t *known = t->t_proc->p_ids, id;
	long r;

	t->t_bykernel = 1;
	for (int i = 0; i < 4; i++) {
		if (nr != (unsigned long)calls[i])
			continue;
		id = __atomic_load_n(&known[i], __ATOMIC_RELAXED);
		if (id != 0 && !hj_threaded)
			return (long)id - 1;
		r = hj_kernel(t, kernel, none);
		__atomic_store_n(&known[i], (uint32_t)r + 1, __ATOMIC_RELAXED);
		return r;
	}
	return hj_kernel(t, kernel, none);
}

/* A call that may change them is about to be made. */
void
hj_ids_forget(struct hj_thread *t)
{
	hj_lower_forget(t);
	for (int i = 0; i < 4; i++)
		__atomic_store_n(&t->t_proc->p_ids[i], 0, __ATOMIC_RELAXED);
}

#define ALL_CAPS ((1ULL << (CAP_LAST_CAP + 1)) - 1)

int
hj_is_root(struct hj_thread *t)
{
	const long none[6] = {0};

	if (hj_has_rules())
		return hj_raw0(__NR_geteuid) == 0;
	return hj_kernel(t, HJ_K_geteuid, none) == 0;
}

/* How many words a version has; 0: it is none, and the caller is told. */
static long
words_of(unsigned long at, struct __user_cap_header_struct *head, size_t *n)
{
	*n = 0;
	if (hj_copyin(head, at, sizeof(*head)) != 0)
		return -EFAULT;
	if (head->version == _LINUX_CAPABILITY_VERSION_1)
		*n = 1;
	else if (head->version == _LINUX_CAPABILITY_VERSION_2 ||
		 head->version == _LINUX_CAPABILITY_VERSION_3)
		*n = 2;
	if (*n != 0)
		return 0;
	head->version = _LINUX_CAPABILITY_VERSION_3;
	return hj_copyout(at, head, sizeof(*head)) != 0 ? -EFAULT : -EINVAL;
}

/* What root has, and who was root and has kept them. */
static uint64_t
capabilities(struct hj_thread *t)
{
	return t->t_proc->p_kept != 0 || hj_is_root(t) ? ALL_CAPS : 0;
}

/*
 * PR_SET_KEEPCAPS: root becomes somebody else and may still set ids.  In the
 * kernel the saved uid is root's then, as which such calls are made, until the
 * next execve.
 */

/* Is that what a setresuid is? */
static int
keeps(struct hj_thread *t, const long *words)
{
	for (int i = 0; i < 3; i++) {
		if ((uint32_t)words[i] == 0 || (uint32_t)words[i] == UINT32_MAX)
			return 0;
	}
	return hj_raw5(__NR_prctl, PR_GET_KEEPCAPS, 0, 0, 0, 0) == 1 &&
	       hj_is_root(t);
}

static long
set_effective(struct hj_thread *t, long uid)
{
	const long words[6] = {-1, uid, -1};

	return hj_kernel(t, HJ_K_setresuid, words);
}

/* A call about groups, as root. */
static long
set_as_root(struct hj_thread *t, int kernel, const long *words)
{
	const long none[6] = {0};
	long uid = hj_kernel(t, HJ_K_geteuid, none);
	long r = set_effective(t, 0);

	if (r != 0)
		return r;
	r = hj_kernel(t, kernel, words);
	set_effective(t, uid);
	return r;
}

/* A call of the kernel's about ids or the like. */
long
hj_ids_set(struct hj_thread *t, unsigned long nr, int kernel, long *words)
{
	uint32_t *kept = &t->t_proc->p_kept;
	uint32_t saved = (uint32_t)words[2];
	int keep = nr == __NR_setresuid && keeps(t, words);
	long r;

	if (keep)
		words[2] = 0;
	r = hj_kernel(t, kernel, words);
	if (keep && r == 0)
		*kept = saved + 1;
	else if (*kept == 0)
		return r;
	else if (r == -EPERM &&
		 (nr == __NR_setgid || nr == __NR_setregid ||
		     nr == __NR_setresgid || nr == __NR_setgroups))
		r = set_as_root(t, kernel, words);
	else if (r == 0 && nr == __NR_getresuid) {
		saved = *kept - 1;
		r = hj_copyout(
			(unsigned long)words[2], &saved, sizeof(saved)) != 0
			? -EFAULT
			: 0;
	}
	return r;
}

/* Before execve: what was kept goes. */
void
hj_ids_drop(struct hj_thread *t)
{
	const long words[6] = {-1, -1, (long)t->t_proc->p_kept - 1};

	if (t->t_proc->p_kept == 0)
		return;
	t->t_proc->p_kept = 0;
	hj_ids_forget(t);
	hj_kernel(t, HJ_K_setresuid, words);
}

long
hj_sys_capget(struct hj_thread *t, const long *args)
{
	struct __user_cap_header_struct head;
	struct __user_cap_data_struct data[2];
	uint64_t caps;
	size_t n;
	long r;

	if (!hj_has_kernel() || hj_has_rules())
		return hj_window(t, __NR_capget, args);
	r = words_of((unsigned long)args[0], &head, &n);
	if (r != 0)
		return r == -EINVAL && args[1] == 0 ? 0 : r;
	t->t_bykernel = 1;
	caps = capabilities(t);
	for (size_t i = 0; i < n; i++) {
		data[i].effective = (uint32_t)(caps >> 32 * i);
		data[i].permitted = data[i].effective;
		data[i].inheritable = 0;
	}
	return hj_copyout((unsigned long)args[1], data, n * sizeof(data[0])) !=
		       0
		   ? -EFAULT
		   : 0;
}

long
hj_sys_capset(struct hj_thread *t, const long *args)
{
	struct __user_cap_header_struct head;
	struct __user_cap_data_struct data[2];
	uint64_t caps;
	size_t n;
	long r;

	if (!hj_has_kernel() || hj_has_rules())
		return hj_window(t, __NR_capset, args);
	r = words_of((unsigned long)args[0], &head, &n);
	if (r != 0)
		return r;
	if (hj_copyin(data, (unsigned long)args[1], n * sizeof(data[0])) != 0)
		return -EFAULT;
	t->t_bykernel = 1;
	caps = capabilities(t);
	for (size_t i = 0; i < n; i++) {
		if (((data[i].effective | data[i].permitted) &
			~(uint32_t)(caps >> 32 * i)) != 0)
			return -EPERM;
	}
	return 0;
}
