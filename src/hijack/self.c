/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The engine's own image.  The host lets a process have another executable, to
 * be shown in /proc, only if nothing of the old one is mapped.  So every loader
 * puts a copy of the file that it was executed from in the place of that.
 * Nothing in it is written to: variables are all zero at first, thus not in it,
 * as is the stack that we stand on.  In the place of the headers, which have a
 * page of their own, the copy has the image for debuggers.
 */
#include <linux/elf.h>
#include <linux/fcntl.h>
#include <linux/mman.h>

#include "hijack/engine.h"

/* A first loader's; only who is the very first may still write to the copy. */
void
hj_self_prepare(void)
{
	char page[HJ_PAGE];
	int fd = hj_control->hc_fd + HJ_FD_IMAGE;
	long r;

	hj_debug_image(page);
	r = hj_raw4(__NR_pwrite64, fd, page, sizeof(page), 0);
	if (r == -EPERM)
		return;
	if (!HJ_FAILED(r))
		r = hj_raw3(__NR_fcntl, fd, F_ADD_SEALS, HJ_SEALS);
	if (HJ_FAILED(r))
		hj_fail("cannot have its image", "loader", -r);
}

static int
segment_map(const Elf64_Phdr *ph)
{
	unsigned long in = ph->p_vaddr & (HJ_PAGE - 1);

	return HJ_FAILED(hj_raw6(__NR_mmap, ph->p_vaddr - in, ph->p_filesz + in,
		   hj_protection(ph->p_flags), MAP_PRIVATE | MAP_FIXED,
		   hj_control->hc_fd + HJ_FD_IMAGE, ph->p_offset - in))
		   ? ENOMEM
		   : 0;
}

void
hj_self_detach(void)
{
	const Elf64_Ehdr *eh = (const Elf64_Ehdr *)HJ_BASE;
	const Elf64_Phdr *ph = (const Elf64_Phdr *)(HJ_BASE + eh->e_phoff);

	/* The headers themselves go last. */
	for (int i = eh->e_phnum - 1; i >= 0; i--) {
		if (ph[i].p_type == PT_LOAD && ph[i].p_filesz != 0 &&
		    segment_map(&ph[i]) != 0)
			return;
	}
}
