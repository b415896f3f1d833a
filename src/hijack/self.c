/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The engine's own image.  The host lets a process have another executable, to
 * be shown in /proc, only if nothing of the old one is mapped.  So every loader
 * puts a copy of the file that it was executed from in the place of that, which
 * is another file with the same bytes: at once, before much has been brought
 * in.  Nothing in it is written to: variables are all zero at first, thus not
 * in it, as is the stack that we stand on.  In the place of the headers, which
 * have a page of their own, comes the image for debuggers.
 */
#include <linux/elf.h>
#include <linux/mman.h>

#include "hijack/engine.h"

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

/* From here on there are no headers. */
static void
headers_replace(void)
{
	char page[HJ_PAGE];

	hj_debug_image(page);
	if (HJ_FAILED(
		hj_raw6(__NR_mmap, HJ_BASE, HJ_PAGE, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0)))
		return;
	memcpy((void *)HJ_BASE, page, HJ_PAGE);
	hj_raw3(__NR_mprotect, HJ_BASE, HJ_PAGE, PROT_READ);
}

void
hj_self_detach(void)
{
	const Elf64_Ehdr *eh = (const Elf64_Ehdr *)HJ_BASE;
	const Elf64_Phdr *ph = (const Elf64_Phdr *)(HJ_BASE + eh->e_phoff);

	/* The first segment is the headers. */
	for (int i = eh->e_phnum - 1; i > 0; i--) {
		if (ph[i].p_type == PT_LOAD && ph[i].p_filesz != 0 &&
		    segment_map(&ph[i]) != 0)
			return;
	}
	headers_replace();
}
