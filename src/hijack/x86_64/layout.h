/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * x86-64: where the engine lies, the registers of a program, how the host is
 * called, and what entry.S knows of struct hj_thread.
 *
 * The address is below what the host lays out from the top (at most 1 TiB and
 * a stack further up), above what sanitizers use, and the upper half is the
 * same for all of the engine.
 */
#ifndef HIJACK_X86_64_LAYOUT_H
#define HIJACK_X86_64_LAYOUT_H

#define HJ_BASE	     0x7e9000000000
#define HJ_PIE_BASE  0x555555554000 /* of programs that can be anywhere */
#define HJ_STACKSIZE 57344	    /* the engine's, of a thread */
/* The stack and the thread above it are together in so much, aligned. */
#define HJ_STACKALIGN 65536

#define HJ_T_STACK    8
#define HJ_T_DEFERRED 16
#define HJ_T_HOW      20
#define HJ_T_REGS     24

#define HJ_R_RAX   (HJ_T_REGS + 0)
#define HJ_R_RBX   (HJ_T_REGS + 8)
#define HJ_R_RDX   (HJ_T_REGS + 16)
#define HJ_R_RSI   (HJ_T_REGS + 24)
#define HJ_R_RDI   (HJ_T_REGS + 32)
#define HJ_R_RBP   (HJ_T_REGS + 40)
#define HJ_R_RSP   (HJ_T_REGS + 48)
#define HJ_R_R8	   (HJ_T_REGS + 56)
#define HJ_R_R9	   (HJ_T_REGS + 64)
#define HJ_R_R10   (HJ_T_REGS + 72)
#define HJ_R_R12   (HJ_T_REGS + 80)
#define HJ_R_R13   (HJ_T_REGS + 88)
#define HJ_R_R14   (HJ_T_REGS + 96)
#define HJ_R_R15   (HJ_T_REGS + 104)
#define HJ_R_RIP   (HJ_T_REGS + 112)
#define HJ_R_FLAGS (HJ_T_REGS + 120)

#define HJ_BY_TRAP    0 /* SIGSYS */
#define HJ_BY_JUMP    1 /* a patched site */
#define HJ_BY_FOREIGN 2 /* SIGSYS, of another architecture */

#ifndef __ASSEMBLER__

/*
 * As after the instruction `syscall': rip behind it, rax the number.  rcx and
 * r11, which it overwrites, are rip and the flags.
 */
struct hj_regs {
	unsigned long r_rax, r_rbx, r_rdx, r_rsi, r_rdi, r_rbp, r_rsp;
	unsigned long r_r8, r_r9, r_r10, r_r12, r_r13, r_r14, r_r15;
	unsigned long r_rip, r_flags;
};

#define HJ_SYSCALLSIZE 2 /* bytes of the instruction */

/* Of a thread's t_regs: the call, its arguments and result, and who made it. */
#define HJ_NUMBER(t) ((t)->t_regs.r_rax)
#define HJ_RESULT(t) ((t)->t_regs.r_rax)
#define HJ_PC(t)     ((t)->t_regs.r_rip)
#define HJ_SP(t)     ((t)->t_regs.r_rsp)
#define HJ_ARGS(t)                                                    \
	{                                                             \
		(long)(t)->t_regs.r_rdi, (long)(t)->t_regs.r_rsi,     \
		    (long)(t)->t_regs.r_rdx, (long)(t)->t_regs.r_r10, \
		    (long)(t)->t_regs.r_r8, (long)(t)->t_regs.r_r9,   \
	}

/* Of a frame of the host's. */
#define HJ_UC_PC(uc)	 ((uc)->uc_mcontext.rip)
#define HJ_UC_SP(uc)	 ((uc)->uc_mcontext.rsp)
#define HJ_UC_NUMBER(uc) ((uc)->uc_mcontext.rax)
#define HJ_UC_RESULT(uc) ((uc)->uc_mcontext.rax)
#define HJ_UC_MASK(uc)	 ((uc)->uc_sigmask)

/* NT_PRSTATUS: the general ones come first. */
#define HJ_USER_REGS	27
#define HJ_USER_GENERAL 15
#define HJ_USER_PC	16

#define HJ_MINSTACK	2048 /* of an alternate stack of the program's */
#define HJ_REDZONE	128  /* below the stack, what a function may use */
#define HJ_MACHINE	EM_X86_64
#define HJ_AUDIT	AUDIT_ARCH_X86_64
#define HJ_STATSIZE	144 /* of struct stat */
#define HJ_VDSO(symbol) "__vdso_" symbol
#define HJ_FILTER_TRAP	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP)

static inline void
hj_user_begin(unsigned long *regs, unsigned long pc, unsigned long sp)
{
	regs[15] = ~0UL; /* no call to make again */
	regs[16] = pc;
	regs[18] = 0x202; /* flags */
	regs[19] = sp;
}

static inline void
hj_bytes_copy(void *to, const void *from, size_t n)
{
	__asm__ volatile("rep movsb"
			 : "+D"(to), "+S"(from), "+c"(n)
			 :
			 : "memory");
}

static inline void
hj_bytes_set(void *to, int c, size_t n)
{
	__asm__ volatile("rep stosb" : "+D"(to), "+c"(n) : "a"(c) : "memory");
}

#endif
#endif
