/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Clocks, by the host's vDSO, which is hidden from the program: as cheap as
 * they can be that the engine still sees.  What the vDSO does not know it asks
 * the host for, which ends in our handler of SIGSYS.  It is made with the
 * host's kernel, which does not touch floating-point registers.
 */
#include <linux/elf.h>
#include <linux/time.h>
#include <linux/time_types.h>

#include "hijack/engine.h"

static int (*vdso_clock_gettime)(int, struct __kernel_timespec *);
static int (*vdso_gettimeofday)(
    struct __kernel_old_timeval *, struct timezone *);

static void *
find_symbol(const Elf64_Ehdr *eh, const char *name)
{
	const char *base = (const char *)eh;
	const Elf64_Shdr *sh = (const Elf64_Shdr *)(base + eh->e_shoff);
	const Elf64_Sym *sym;
	const char *strings;

	for (int i = 0; i < eh->e_shnum; i++) {
		if (sh[i].sh_type != SHT_DYNSYM)
			continue;
		sym = (const Elf64_Sym *)(base + sh[i].sh_offset);
		strings = base + sh[sh[i].sh_link].sh_offset;
		for (size_t k = 0; k < sh[i].sh_size / sizeof(*sym); k++) {
			if (sym[k].st_shndx != SHN_UNDEF &&
			    hj_streq(strings + sym[k].st_name, name))
				return (
				    void *)((uintptr_t)eh + sym[k].st_value);
		}
	}
	return NULL;
}

/* Where the host put it, 0: nowhere. */
void
hj_vdso_init(unsigned long address)
{
	const Elf64_Ehdr *eh = (const Elf64_Ehdr *)address;

	if (address == 0)
		return;
	vdso_clock_gettime =
	    (__typeof__(vdso_clock_gettime))(uintptr_t)find_symbol(
		eh, HJ_VDSO("clock_gettime"));
	vdso_gettimeofday =
	    (__typeof__(vdso_gettimeofday))(uintptr_t)find_symbol(
		eh, HJ_VDSO("gettimeofday"));
}

long
hj_sys_clock_gettime(struct hj_thread *t, const long *args)
{
	struct __kernel_timespec ts;
	long r;

	if (vdso_clock_gettime == NULL)
		return hj_window(t, __NR_clock_gettime, args);
	r = vdso_clock_gettime((int)args[0], &ts);
	if (r == 0 && hj_copyout((unsigned long)args[1], &ts, sizeof(ts)) != 0)
		r = -EFAULT;
	return r;
}

long
hj_sys_gettimeofday(struct hj_thread *t, const long *args)
{
	struct __kernel_old_timeval tv;
	long r;

	if (vdso_gettimeofday == NULL || args[0] == 0 || args[1] != 0)
		return hj_window(t, __NR_gettimeofday, args);
	r = vdso_gettimeofday(&tv, NULL);
	if (r == 0 && hj_copyout((unsigned long)args[0], &tv, sizeof(tv)) != 0)
		r = -EFAULT;
	return r;
}
