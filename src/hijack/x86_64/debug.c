/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * x86-64: how debuggers find their way from the engine back to the program.
 *
 * A debugger takes what AT_SYSINFO_EHDR names, in the auxiliary vector that
 * the host shows, for the image of a library that the host put there, and reads
 * it from memory.  Ours has one entry of unwinding information, for all of the
 * engine's text: the caller's registers are those of the struct hj_thread that
 * lies above the stack.  So a back trace has one frame for the engine, shown
 * as where a signal's handler was called, and then the program's.
 */
#include <linux/elf.h>
#include <linux/ptrace.h>

#include "hijack/engine.h"

#define NREGS 16
/* DWARF's codes. */
#define DEF_CFA_EXPRESSION 0x0f
#define EXPRESSION	   0x10
#define OP_DEREF	   0x06
#define OP_CONST8S	   0x0f
#define OP_AND		   0x1a
#define OP_PLUS_UCONST	   0x23
#define OP_BREG7	   0x77
#define REG_RA		   16

enum { S_NULL, S_TEXT, S_FRAME, S_SYMTAB, S_STRTAB, S_COUNT };

struct image {
	Elf64_Ehdr ehdr;
	Elf64_Phdr phdr;
	Elf64_Shdr shdr[S_COUNT];
	Elf64_Sym sym[2];
	char strings[64];
	unsigned char frame[1024]; /* ends with four zeros */
};

_Static_assert(sizeof(struct image) <= HJ_PAGE, "it is the first page");

/* Names in it by their positions. */
static const char strings[64] =
    "\0.text\0.eh_frame\0.symtab\0.strtab\0rump_engine";
#define NAME_TEXT   1
#define NAME_FRAME  7
#define NAME_SYMTAB 17
#define NAME_STRTAB 25
#define NAME_ENGINE 33

/* Where the registers of DWARF's numbers are saved; the stack is the CFA. */
static const struct {
	uint8_t number;
	uint8_t offset;
} saved[NREGS] = {{0, HJ_R_RAX}, {1, HJ_R_RDX}, {2, HJ_R_RIP}, {3, HJ_R_RBX},
    {4, HJ_R_RSI}, {5, HJ_R_RDI}, {6, HJ_R_RBP}, {8, HJ_R_R8}, {9, HJ_R_R9},
    {10, HJ_R_R10}, {11, HJ_R_FLAGS}, {12, HJ_R_R12}, {13, HJ_R_R13},
    {14, HJ_R_R14}, {15, HJ_R_R15}, {REG_RA, HJ_R_RIP}};

/* Between symbols of the linker's. */
static unsigned long
text_size(void)
{
	return (uintptr_t)hj_text_end - (uintptr_t)hj_text_begin;
}

static unsigned char *
put(unsigned char *p, unsigned long value, size_t n)
{
	memcpy(p, &value, n);
	return p + n;
}

/* The address of what is at an offset in the thread, as an expression. */
static unsigned char *
put_address(unsigned char *p, unsigned long offset, int deref)
{
	unsigned char *size = p++;
	unsigned long at = HJ_STACKSIZE + offset;

	*p++ = OP_BREG7;
	*p++ = 0;
	*p++ = OP_CONST8S;
	p = put(p, ~(HJ_STACKALIGN - 1UL), 8);
	*p++ = OP_AND;
	*p++ = OP_PLUS_UCONST;
	*p++ = (unsigned char)(at | 0x80);
	*p++ = (unsigned char)(at >> 7 | 0x80);
	*p++ = (unsigned char)(at >> 14 & 0x7f);
	if (deref)
		*p++ = OP_DEREF;
	*size = (unsigned char)(p - size - 1);
	return p;
}

/* An entry and what is common to entries; returns their size. */
static size_t
make_frame(unsigned char *frame)
{
	unsigned char *p = frame, *fde;

	/* A signal's frame: only such ones may be on another stack. */
	p = put(p, 4 + 1 + sizeof("zS") + 1 + 1 + 1 + 1, 4);
	p = put(p, 0, 4);
	*p++ = 1; /* version */
	memcpy(p, "zS", sizeof("zS"));
	p += sizeof("zS");
	*p++ = 1; /* code's and data's alignment */
	*p++ = 0x78;
	*p++ = REG_RA;
	*p++ = 0; /* bytes of augmentation */
	fde = p;
	p = put(p, 0, 4);
	p = put(p, (unsigned long)(p - frame), 4);
	p = put(p, (uintptr_t)hj_text_begin, 8);
	p = put(p, text_size(), 8);
	*p++ = 0;
	*p++ = DEF_CFA_EXPRESSION;
	p = put_address(p, HJ_R_RSP, 1);
	for (int i = 0; i < NREGS; i++) {
		*p++ = EXPRESSION;
		*p++ = saved[i].number;
		p = put_address(p, saved[i].offset, 0);
	}
	put(fde, (unsigned long)(p - fde - 4), 4);
	put(p, 0, 4);
	return (size_t)(p + 4 - frame);
}

static void
make_sections(struct image *image, size_t framesize)
{
	image->shdr[S_TEXT] = (Elf64_Shdr){.sh_name = NAME_TEXT,
	    .sh_type = SHT_NOBITS,
	    .sh_flags = SHF_ALLOC | SHF_EXECINSTR,
	    .sh_addr = (uintptr_t)hj_text_begin,
	    .sh_size = text_size(),
	    .sh_addralign = 1};
	image->shdr[S_FRAME] = (Elf64_Shdr){.sh_name = NAME_FRAME,
	    .sh_type = SHT_PROGBITS,
	    .sh_flags = SHF_ALLOC,
	    .sh_addr = HJ_BASE + offsetof(struct image, frame),
	    .sh_offset = offsetof(struct image, frame),
	    .sh_size = framesize,
	    .sh_addralign = 8};
	image->shdr[S_SYMTAB] = (Elf64_Shdr){.sh_name = NAME_SYMTAB,
	    .sh_type = SHT_SYMTAB,
	    .sh_offset = offsetof(struct image, sym),
	    .sh_size = sizeof(image->sym),
	    .sh_link = S_STRTAB,
	    .sh_info = 1,
	    .sh_addralign = 8,
	    .sh_entsize = sizeof(image->sym[0])};
	image->shdr[S_STRTAB] = (Elf64_Shdr){.sh_name = NAME_STRTAB,
	    .sh_type = SHT_STRTAB,
	    .sh_offset = offsetof(struct image, strings),
	    .sh_size = sizeof(image->strings),
	    .sh_addralign = 1};
	image->sym[1] = (Elf64_Sym){.st_name = NAME_ENGINE,
	    .st_info = STB_GLOBAL << 4 | STT_FUNC,
	    .st_shndx = S_TEXT,
	    .st_value = (uintptr_t)hj_text_begin,
	    .st_size = text_size()};
}

/* Make the image in a page, which is to be at HJ_BASE. */
void
hj_debug_image(void *page)
{
	struct image *image = page;

	memset(image, 0, sizeof(*image));
	image->ehdr = (Elf64_Ehdr){.e_type = ET_DYN,
	    .e_machine = EM_X86_64,
	    .e_version = EV_CURRENT,
	    .e_phoff = offsetof(struct image, phdr),
	    .e_shoff = offsetof(struct image, shdr),
	    .e_ehsize = sizeof(image->ehdr),
	    .e_phentsize = sizeof(image->phdr),
	    .e_phnum = 1,
	    .e_shentsize = sizeof(image->shdr[0]),
	    .e_shnum = S_COUNT,
	    .e_shstrndx = S_STRTAB};
	memcpy(image->ehdr.e_ident, ELFMAG, SELFMAG);
	image->ehdr.e_ident[EI_CLASS] = ELFCLASS64;
	image->ehdr.e_ident[EI_DATA] = ELFDATA2LSB;
	image->ehdr.e_ident[EI_VERSION] = EV_CURRENT;
	image->phdr = (Elf64_Phdr){.p_type = PT_LOAD,
	    .p_flags = PF_R,
	    .p_vaddr = HJ_BASE,
	    .p_filesz = sizeof(*image),
	    .p_memsz = sizeof(*image),
	    .p_align = HJ_PAGE};
	memcpy(image->strings, strings, sizeof(strings));
	make_sections(image, make_frame(image->frame));
}

/*
 * The last of the processor's breakpoints, if the debugger has not got it: a
 * child does not inherit that.
 */
#define DEBUG_REGISTERS 848 /* where struct user has them */
#define BREAKPOINT	3
#define CONTROL		7
#define CONTROL_ON	(3UL << 2 * BREAKPOINT) /* in the thread, or always */
#define CONTROL_KIND	(15UL << (16 + 4 * BREAKPOINT))

static long
debug_register(long what, int tid, int n, void *data)
{
	return hj_raw4(__NR_ptrace, what, tid, DEBUG_REGISTERS + 8 * n, data);
}

int
hj_step_begin(int tid, unsigned long pc)
{
	unsigned long control = 0;

	if (debug_register(PTRACE_PEEKUSR, tid, CONTROL, &control) != 0 ||
	    (control & CONTROL_ON) != 0 ||
	    debug_register(PTRACE_POKEUSR, tid, BREAKPOINT, (void *)pc) != 0)
		return EBUSY;
	control = (control & ~CONTROL_KIND) | 1UL << 2 * BREAKPOINT;
	return debug_register(PTRACE_POKEUSR, tid, CONTROL, (void *)control) ==
		       0
		   ? 0
		   : EBUSY;
}

void
hj_step_end(int tid)
{
	unsigned long control = 0;

	debug_register(PTRACE_PEEKUSR, tid, CONTROL, &control);
	control &= ~(CONTROL_KIND | CONTROL_ON);
	debug_register(PTRACE_POKEUSR, tid, CONTROL, (void *)control);
	/* What has stopped it is no breakpoint that the debugger knows of. */
	debug_register(PTRACE_POKEUSR, tid, 6, NULL);
}
