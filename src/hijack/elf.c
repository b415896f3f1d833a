/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Executables: looked at before the old program goes, and mapped when the new
 * one comes.  The errors are those that the host's execve gives.
 */
#include <linux/elf.h>
#include <linux/fcntl.h>
#include <linux/mman.h>

#include "hijack/engine.h"

#define MAXHEADERS 64 /* program headers */
#define FLOOR(n)   ((n) & ~(HJ_PAGE - 1))
#define CEIL(n)	   FLOOR((n) + HJ_PAGE - 1)

static int
read_at(int fd, void *to, size_t n, uint64_t offset)
{
	return hj_raw4(__NR_pread64, fd, to, n, offset) == (long)n ? 0
								   : ENOEXEC;
}

static int
check_header(const Elf64_Ehdr *eh)
{
	if (memcmp(eh->e_ident, ELFMAG, SELFMAG) != 0 ||
	    eh->e_ident[EI_CLASS] != ELFCLASS64 ||
	    (eh->e_type != ET_EXEC && eh->e_type != ET_DYN) ||
	    eh->e_machine != HJ_MACHINE ||
	    eh->e_phentsize != sizeof(Elf64_Phdr) || eh->e_phnum == 0 ||
	    eh->e_phnum > MAXHEADERS)
		return ENOEXEC;
	return 0;
}

static int
open_interpreter(
    struct hj_thread *t, int fd, const Elf64_Phdr *ph, int *interpfd)
{
	char path[HJ_PATHMAX];
	Elf64_Ehdr eh;
	int error;

	if (ph->p_filesz < 2 || ph->p_filesz > sizeof(path))
		return ENOEXEC;
	error = read_at(fd, path, ph->p_filesz, ph->p_offset);
	if (error != 0 || path[ph->p_filesz - 1] != '\0')
		return ENOEXEC;
	error = hj_open_program(t, AT_FDCWD, path, 0, interpfd, NULL);
	if (error == 0 && (read_at(*interpfd, &eh, sizeof(eh), 0) != 0 ||
			      check_header(&eh) != 0)) {
		hj_raw1(__NR_close, *interpfd);
		error = ELIBBAD;
	}
	return error;
}

/*
 * Look at the executable fd; its interpreter is left open.  That is interpfd if
 * somebody has done this before us; else -1.
 */
int
hj_image_open(struct hj_thread *t, int fd, int interpfd, struct hj_image *image)
{
	Elf64_Phdr ph[MAXHEADERS];
	Elf64_Ehdr eh;
	int error;

	image->i_fd = fd;
	image->i_interpfd = interpfd;
	image->i_stackflags = PF_X;
	if (read_at(fd, &eh, sizeof(eh), 0) != 0 || check_header(&eh) != 0 ||
	    read_at(fd, ph, eh.e_phnum * sizeof(ph[0]), eh.e_phoff) != 0)
		return ENOEXEC;
	image->i_type = eh.e_type;
	image->i_phnum = eh.e_phnum;
	image->i_phoff = eh.e_phoff;
	image->i_entry = eh.e_entry;
	image->i_phaddr = 0;
	for (int i = 0; i < eh.e_phnum; i++) {
		if (ph[i].p_type == PT_LOAD && ph[i].p_offset <= eh.e_phoff &&
		    eh.e_phoff < ph[i].p_offset + ph[i].p_filesz)
			image->i_phaddr =
			    eh.e_phoff - ph[i].p_offset + ph[i].p_vaddr;
		if (ph[i].p_type == PT_GNU_STACK)
			image->i_stackflags = ph[i].p_flags;
		if (ph[i].p_type != PT_INTERP || image->i_interpfd >= 0)
			continue;
		error = open_interpreter(t, fd, &ph[i], &image->i_interpfd);
		if (error != 0)
			return error;
	}
	return 0;
}

/* PROT_* of PF_*. */
int
hj_protection(uint32_t flags)
{
	return ((flags & PF_R) != 0 ? PROT_READ : 0) |
	       ((flags & PF_W) != 0 ? PROT_WRITE : 0) |
	       ((flags & PF_X) != 0 ? PROT_EXEC : 0);
}

/* Where all segments lie together, and what their addresses are multiples of.
 */
static int
span(
    const Elf64_Phdr *ph, int n, uint64_t *low, uint64_t *high, uint64_t *align)
{
	*low = ~0UL;
	*high = 0;
	*align = HJ_PAGE;
	for (int i = 0; i < n; i++) {
		if (ph[i].p_type != PT_LOAD || ph[i].p_memsz == 0)
			continue;
		*low = HJ_MIN(*low, FLOOR(ph[i].p_vaddr));
		*high = HJ_MAX(*high, CEIL(ph[i].p_vaddr + ph[i].p_memsz));
		if ((ph[i].p_align & (ph[i].p_align - 1)) == 0)
			*align = HJ_MAX(*align, ph[i].p_align);
	}
	return *low < *high ? 0 : ENOEXEC;
}

static long
map_fixed(
    unsigned long at, size_t size, int prot, int flags, int fd, uint64_t offset)
{
	return hj_raw6(__NR_mmap, at, size, prot,
	    MAP_PRIVATE | MAP_FIXED | flags, fd, offset);
}

/* One segment, and zeros behind it. */
static int
map_segment(int fd, const Elf64_Phdr *ph, uint64_t bias)
{
	unsigned long start = bias + FLOOR(ph->p_vaddr);
	unsigned long fileend = bias + ph->p_vaddr + ph->p_filesz;
	unsigned long end = CEIL(bias + ph->p_vaddr + ph->p_memsz);
	int prot = hj_protection(ph->p_flags);
	long r;

	if (ph->p_filesz > 0) {
		r = map_fixed(start, CEIL(fileend) - start, prot, 0, fd,
		    FLOOR(ph->p_offset));
		if (HJ_FAILED(r))
			return (int)-r;
		if (prot == (PROT_READ | PROT_EXEC))
			hj_region_add(start, CEIL(fileend),
			    start - FLOOR(ph->p_offset), fd);
		start = CEIL(fileend);
	}
	if (ph->p_memsz > ph->p_filesz && ph->p_filesz > 0 &&
	    (prot & PROT_WRITE) != 0 && fileend < start)
		memset((void *)fileend, 0, start - fileend);
	if (end > start) {
		r = map_fixed(start, end - start, prot, MAP_ANONYMOUS, -1, 0);
		if (HJ_FAILED(r))
			return (int)-r;
	}
	return 0;
}

/* Room for all segments: what is to be added to their addresses, or -errno. */
static long
reserve(const struct hj_image *image, unsigned long hint, uint64_t low,
    uint64_t high, uint64_t align)
{
	long flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, r;
	unsigned long size = high - low, at;

	if (image->i_type == ET_EXEC) {
		r = hj_raw6(__NR_mmap, low, size, PROT_NONE,
		    flags | MAP_FIXED_NOREPLACE, -1, 0);
		return HJ_FAILED(r) ? r : 0;
	}
	if (hint != 0) {
		at = hint & ~(align - 1);
		r = hj_raw6(__NR_mmap, at, size, PROT_NONE,
		    flags | MAP_FIXED_NOREPLACE, -1, 0);
		if (!HJ_FAILED(r))
			return r - (long)low;
	}
	r = hj_raw6(
	    __NR_mmap, 0, size + align - HJ_PAGE, PROT_NONE, flags, -1, 0);
	if (HJ_FAILED(r))
		return r;
	at = ((unsigned long)r + align - 1) & ~(align - 1);
	if (at > (unsigned long)r)
		hj_unmap((void *)r, at - (unsigned long)r);
	if (at + size < (unsigned long)r + size + align - HJ_PAGE)
		hj_unmap((void *)(at + size),
		    (unsigned long)r + align - HJ_PAGE - at);
	return (long)(at - low);
}

/*
 * Map an executable, near hint if it can be anywhere.  Returns what is added
 * to its addresses, or -errno; *end is where it ends.
 */
long
hj_image_map(
    const struct hj_image *image, unsigned long hint, unsigned long *end)
{
	Elf64_Phdr ph[MAXHEADERS];
	uint64_t low, high, align;
	long bias;
	int error;

	if (read_at(image->i_fd, ph, image->i_phnum * sizeof(ph[0]),
		image->i_phoff) != 0 ||
	    span(ph, image->i_phnum, &low, &high, &align) != 0)
		return -ENOEXEC;
	bias = reserve(image, hint, low, high, align);
	if (HJ_FAILED(bias))
		return bias;
	for (int i = 0; i < image->i_phnum; i++) {
		if (ph[i].p_type != PT_LOAD || ph[i].p_memsz == 0)
			continue;
		error = map_segment(image->i_fd, &ph[i], (uint64_t)bias);
		if (error != 0)
			return -error;
	}
	*end = (unsigned long)bias + high;
	/* What begins: a dynamic linker, or a program without one. */
	if (image->i_interpfd < 0)
		hj_scan((unsigned long)bias + low, *end);
	hj_patch_known((unsigned long)bias + low, *end);
	return bias;
}
