/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ids are the kernel's.  Capabilities: who is the kernel's root has all of
 * them, others none.  They cannot be given away one by one, and are only shown:
 * the kernel goes by ids.
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

/* What root has, and who was root if he asked to keep them. */
static uint64_t
capabilities(struct hj_thread *t)
{
	if (hj_is_root(t) ||
	    hj_raw5(__NR_prctl, PR_GET_KEEPCAPS, 0, 0, 0, 0) == 1)
		return ALL_CAPS;
	return 0;
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
