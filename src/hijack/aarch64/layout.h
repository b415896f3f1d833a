/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * aarch64: where the engine lies, the registers of a program, how the host is
 * called, and what entry.S knows of struct hj_thread.
 *
 * The address is one that the host has with every size of its page tables, and
 * below what sanitizers use; the upper half is the same for all of the engine.
 *
 * No register is the engine's own.  It runs on its own stack only, and what it
 * knows of a thread lies at a fixed place above that (hj_current).
 */
#ifndef HIJACK_AARCH64_LAYOUT_H
#define HIJACK_AARCH64_LAYOUT_H

#define HJ_BASE	     0xe90000000
#define HJ_PIE_BASE  0xaaaaaaaaa000 /* of programs that can be anywhere */
#define HJ_STACKSIZE 57344	    /* the engine's, of a thread */
/* The stack and the thread above it are together in so much, aligned. */
#define HJ_STACKALIGN 65536
/* Of a struct hj_frame, and what the host puts above it. */
#define HJ_FRAMESIZE 4704

#define HJ_T_DEFERRED 16

#define HJ_BY_TRAP    0 /* SIGSYS */
#define HJ_BY_JUMP    1 /* not here: no site is patched */
#define HJ_BY_FOREIGN 2 /* SIGSYS, of another architecture */

#ifndef __ASSEMBLER__

/* What the host puts on the stack for a handler; sp is where it begins. */
struct hj_frame {
	siginfo_t f_info;
	struct ucontext f_uc;
};

/*
 * In the frame of SIGSYS, on the engine's stack, which the engine leaves by
 * rt_sigreturn: as after the instruction `svc', x8 the number.
 */
struct hj_regs {
	struct hj_frame *r_frame;
};

#define HJ_SYSCALLSIZE 4 /* bytes of the instruction */

/* Of a thread's t_regs: the call, its arguments and result, and who made it. */
#define HJ_SC(t)     ((t)->t_regs.r_frame->f_uc.uc_mcontext)
#define HJ_NUMBER(t) (HJ_SC(t).regs[8])
#define HJ_RESULT(t) (HJ_SC(t).regs[0])
#define HJ_PC(t)     (HJ_SC(t).pc)
#define HJ_SP(t)     (HJ_SC(t).sp)
#define HJ_ARGS(t)                                                  \
	{                                                           \
		(long)HJ_SC(t).regs[0], (long)HJ_SC(t).regs[1],     \
		    (long)HJ_SC(t).regs[2], (long)HJ_SC(t).regs[3], \
		    (long)HJ_SC(t).regs[4], (long)HJ_SC(t).regs[5], \
	}

/* Of a frame of the host's. */
#define HJ_UC_PC(uc)	 ((uc)->uc_mcontext.pc)
#define HJ_UC_SP(uc)	 ((uc)->uc_mcontext.sp)
#define HJ_UC_NUMBER(uc) ((uc)->uc_mcontext.regs[8])
#define HJ_UC_RESULT(uc) ((uc)->uc_mcontext.regs[0])
#define HJ_UC_MASK(uc)	 ((uc)->uc_sigmask.sig[0])

#define HJ_REDZONE	0    /* below the stack, what a function may use */
#define HJ_MINSTACK	5120 /* of an alternate stack of the program's */
#define HJ_MACHINE	EM_AARCH64
#define HJ_AUDIT	AUDIT_ARCH_AARCH64
#define HJ_STATSIZE	128 /* of struct stat */
#define HJ_VDSO(symbol) "__kernel_" symbol

/*
 * The first argument is in the register of the result, where these numbers mean
 * to the host that the call is to be made again or, for want of a handler that
 * wants it so, ends with EINTR: then that is there, too.  The filter says which
 * number it was.
 */
#define HJ_FILTER_TRAP                                                        \
	FIELD(args[0]), JUMP(BPF_JEQ, -512, 3, 0), JUMP(BPF_JEQ, -514, 3, 0), \
	    JUMP(BPF_JEQ, -516, 3, 0),                                        \
	    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),                      \
	    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP | 512),                \
	    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP | 514),                \
	    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP | 516)

static inline void
hj_bytes_copy(void *to, const void *from, size_t n)
{
	unsigned long a, b;

	__asm__ volatile("1:	subs	%2, %2, #16\n"
			 "	b.lo	2f\n"
			 "	ldp	%3, %4, [%1], #16\n"
			 "	stp	%3, %4, [%0], #16\n"
			 "	b	1b\n"
			 "2:	adds	%2, %2, #16\n"
			 "3:	cbz	%2, 4f\n"
			 "	ldrb	%w3, [%1], #1\n"
			 "	strb	%w3, [%0], #1\n"
			 "	sub	%2, %2, #1\n"
			 "	b	3b\n"
			 "4:"
			 : "+r"(to), "+r"(from), "+r"(n), "=&r"(a), "=&r"(b)
			 :
			 : "cc", "memory");
}

/* NT_PRSTATUS: the general ones come first. */
#define HJ_USER_REGS	34
#define HJ_USER_GENERAL 31
#define HJ_USER_PC	32

static inline void
hj_user_begin(unsigned long *regs, unsigned long pc, unsigned long sp)
{
	regs[31] = sp;
	regs[32] = pc;
}

static inline void
hj_bytes_set(void *to, int c, size_t n)
{
	const unsigned long bytes = (unsigned char)c * 0x0101010101010101UL;

	__asm__ volatile("1:	subs	%1, %1, #16\n"
			 "	b.lo	2f\n"
			 "	stp	%2, %2, [%0], #16\n"
			 "	b	1b\n"
			 "2:	adds	%1, %1, #16\n"
			 "3:	cbz	%1, 4f\n"
			 "	strb	%w2, [%0], #1\n"
			 "	sub	%1, %1, #1\n"
			 "	b	3b\n"
			 "4:"
			 : "+r"(to), "+r"(n)
			 : "r"(bytes)
			 : "cc", "memory");
}

#endif
#endif
