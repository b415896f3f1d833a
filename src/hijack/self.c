/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The engine's own image.  The host lets a process have another executable, to
 * be shown in /proc, only if nothing of the old one is mapped.  So the first
 * loader keeps a copy of what it is, in a descriptor of the engine's, and every
 * loader puts that in the place of the file that it was executed from.  Nothing
 * in that file is written to: variables are all zero at first, thus not in it,
 * as is the stack that we stand on.  The page of headers is, in the copy, the
 * image for debuggers.
 */
#include <linux/elf.h>
#include <linux/fcntl.h>
#include <linux/mman.h>

#include "hijack/engine.h"

/* The pages of a segment that are in the file; false: there are none. */
static int
segment(int i, unsigned long *start, size_t *size, int *prot)
{
	const Elf64_Ehdr *eh = (const Elf64_Ehdr *)HJ_BASE;
	const Elf64_Phdr *ph = (const Elf64_Phdr *)(HJ_BASE + eh->e_phoff) + i;

	if (ph->p_type != PT_LOAD || ph->p_filesz == 0)
		return 0;
	*start = ph->p_vaddr & ~(HJ_PAGE - 1);
	*size = (ph->p_vaddr + ph->p_filesz - *start + HJ_PAGE - 1) &
		~(HJ_PAGE - 1);
	*prot = hj_protection(ph->p_flags);
	return 1;
}

static int
segments(void)
{
	return ((const Elf64_Ehdr *)HJ_BASE)->e_phnum;
}

/* Where its address says, from the beginning on. */
static long
keep(long fd)
{
	char page[HJ_PAGE];
	unsigned long start;
	size_t size;
	int prot;
	long r;

	for (int i = 0; i < segments(); i++) {
		if (!segment(i, &start, &size, &prot))
			continue;
		r = hj_raw4(__NR_pwrite64, fd, start, size, start - HJ_BASE);
		if (r != (long)size)
			return r < 0 ? r : -ENOSPC;
	}
	hj_debug_image(page);
	r = hj_raw4(__NR_pwrite64, fd, page, sizeof(page), 0);
	return r < 0 ? r : hj_raw3(__NR_fcntl, fd, F_ADD_SEALS, HJ_SEALS);
}

/* The first loader's. */
void
hj_self_keep(void)
{
	long fd = hj_raw2(__NR_memfd_create, "rump-engine", HJ_MEMFD_SEALS);
	long r = HJ_FAILED(fd) ? fd : keep(fd);

	if (!HJ_FAILED(r))
		r = hj_raw3(__NR_dup3, fd, hj_control->hc_fd + HJ_FD_IMAGE, 0);
	if (HJ_FAILED(r))
		hj_fail("cannot have its image", "loader", -r);
	hj_raw1(__NR_close, fd);
}

void
hj_self_detach(void)
{
	unsigned long start;
	size_t size;
	int prot;

	/* The headers themselves go last. */
	for (int i = segments() - 1; i >= 0; i--) {
		if (segment(i, &start, &size, &prot) &&
		    HJ_FAILED(hj_raw6(__NR_mmap, start, size, prot,
			MAP_PRIVATE | MAP_FIXED,
			hj_control->hc_fd + HJ_FD_IMAGE, start - HJ_BASE)))
			return;
	}
}
