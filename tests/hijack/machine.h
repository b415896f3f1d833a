/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the programs here do that is different on each machine.
 */
#ifndef HIJACK_TESTS_MACHINE_H
#define HIJACK_TESTS_MACHINE_H

#include <stdint.h>
#include <ucontext.h>

#if defined(__x86_64__)

#define ENGINE ((void *)0x7e9000000000)

/* A fault, of which skip_load is the cure; what is loaded then. */
static inline long
load_badly(void)
{
	long got = 1;

	/* mov (%rax), %ecx is two bytes. */
	__asm__ volatile(".byte 0x8b, 0x08" : "=c"(got) : "a"(16) : "memory");
	return got;
}

static inline void
skip_load(ucontext_t *uc, long value)
{
	uc->uc_mcontext.gregs[REG_RIP] += 2;
	uc->uc_mcontext.gregs[REG_RCX] = value;
}

static inline void
spoil_floats(void)
{
	__asm__ volatile("pcmpeqd %%xmm0, %%xmm0; pcmpeqd %%xmm1, %%xmm1;"
			 "pcmpeqd %%xmm2, %%xmm2; pcmpeqd %%xmm3, %%xmm3;"
			 "pcmpeqd %%xmm8, %%xmm8; pcmpeqd %%xmm15, %%xmm15"
			 :
			 :
			 : "xmm0", "xmm1", "xmm2", "xmm3", "xmm8", "xmm15");
}

/* A call that no library sees. */
static inline long
raw(long nr, long a, long b, long c, long d)
{
	register long r10 __asm__("r10") = d;
	long r;

	__asm__ volatile("syscall"
			 : "=a"(r)
			 : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10)
			 : "rcx", "r11", "memory");
	return r;
}

/*
 * The registers that a call must leave alone are loaded from in, the call is
 * made, and all are stored to out, the result first.
 */
#define NREGS 13
void raw_call(long nr, const uint64_t *in, uint64_t *out);
__asm__(".text\n"
	".type	raw_call, @function\n"
	"raw_call:\n"
	"	pushq	%rbx\n"
	"	pushq	%rbp\n"
	"	pushq	%r12\n"
	"	pushq	%r13\n"
	"	pushq	%r14\n"
	"	pushq	%r15\n"
	"	pushq	%rdx\n"
	"	movq	%rdi, %rax\n"
	"	movq	%rsi, %r15\n"
	"	movq	8(%r15), %rbx\n"
	"	movq	16(%r15), %rdx\n"
	"	movq	24(%r15), %rsi\n"
	"	movq	32(%r15), %rdi\n"
	"	movq	40(%r15), %rbp\n"
	"	movq	48(%r15), %r8\n"
	"	movq	56(%r15), %r9\n"
	"	movq	64(%r15), %r10\n"
	"	movq	72(%r15), %r12\n"
	"	movq	80(%r15), %r13\n"
	"	movq	88(%r15), %r14\n"
	"	movups	96(%r15), %xmm15\n"
	"	xorl	%r15d, %r15d\n"
	"	syscall\n"
	"	orq	(%rsp), %r15\n"
	"	movq	%rax, (%r15)\n"
	"	movq	%rbx, 8(%r15)\n"
	"	movq	%rdx, 16(%r15)\n"
	"	movq	%rsi, 24(%r15)\n"
	"	movq	%rdi, 32(%r15)\n"
	"	movq	%rbp, 40(%r15)\n"
	"	movq	%r8, 48(%r15)\n"
	"	movq	%r9, 56(%r15)\n"
	"	movq	%r10, 64(%r15)\n"
	"	movq	%r12, 72(%r15)\n"
	"	movq	%r13, 80(%r15)\n"
	"	movq	%r14, 88(%r15)\n"
	"	movlps	%xmm15, 96(%r15)\n"
	"	popq	%rdx\n"
	"	popq	%r15\n"
	"	popq	%r14\n"
	"	popq	%r13\n"
	"	popq	%r12\n"
	"	popq	%rbp\n"
	"	popq	%rbx\n"
	"	ret\n"
	".size	raw_call, . - raw_call\n");

#elif defined(__aarch64__)

#define ENGINE ((void *)0xe90000000)

static inline long
load_badly(void)
{
	register long got __asm__("x0") = 1;

	__asm__ volatile("ldr	%w0, [%1]" : "+r"(got) : "r"(16L) : "memory");
	return got;
}

static inline void
skip_load(ucontext_t *uc, long value)
{
	uc->uc_mcontext.pc += 4;
	uc->uc_mcontext.regs[0] = (unsigned long)value;
}

static inline void
spoil_floats(void)
{
	__asm__ volatile("movi v0.16b, #255; movi v1.16b, #255;"
			 "movi v2.16b, #255; movi v3.16b, #255;"
			 "movi v8.16b, #255; movi v31.16b, #255"
			 :
			 :
			 : "v0", "v1", "v2", "v3", "v8", "v31");
}

static inline long
raw(long nr, long a, long b, long c, long d)
{
	register long x8 __asm__("x8") = nr;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c;
	register long x3 __asm__("x3") = d;

	__asm__ volatile("svc	#0"
			 : "+r"(x0)
			 : "r"(x8), "r"(x1), "r"(x2), "r"(x3)
			 : "memory");
	return x0;
}

/* x0 to x7, x9 to x28, and some of the vector registers. */
#define NREGS  56
void raw_call(long nr, const uint64_t *in, uint64_t *out);
__asm__(".text\n"
	".type	raw_call, %function\n"
	"raw_call:\n"
	"	stp	x29, x30, [sp, #-176]!\n"
	"	stp	x19, x20, [sp, #16]\n"
	"	stp	x21, x22, [sp, #32]\n"
	"	stp	x23, x24, [sp, #48]\n"
	"	stp	x25, x26, [sp, #64]\n"
	"	stp	x27, x28, [sp, #80]\n"
	"	stp	d8, d9, [sp, #96]\n"
	"	stp	d10, d11, [sp, #112]\n"
	"	stp	d12, d13, [sp, #128]\n"
	"	stp	d14, d15, [sp, #144]\n"
	"	str	x2, [sp, #160]\n"
	"	mov	x8, x0\n"
	"	add	x0, x1, #224\n"
	"	ldp	q0, q1, [x0]\n"
	"	ldp	q8, q9, [x0, #32]\n"
	"	ldp	q10, q11, [x0, #64]\n"
	"	ldp	q12, q13, [x0, #96]\n"
	"	ldp	q14, q15, [x0, #128]\n"
	"	ldp	q16, q17, [x0, #160]\n"
	"	ldp	q29, q30, [x0, #192]\n"
	"	mov	x0, x1\n"
	"	ldp	x2, x3, [x0, #16]\n"
	"	ldp	x4, x5, [x0, #32]\n"
	"	ldp	x6, x7, [x0, #48]\n"
	"	ldp	x9, x10, [x0, #64]\n"
	"	ldp	x11, x12, [x0, #80]\n"
	"	ldp	x13, x14, [x0, #96]\n"
	"	ldp	x15, x16, [x0, #112]\n"
	"	ldp	x17, x18, [x0, #128]\n"
	"	ldp	x19, x20, [x0, #144]\n"
	"	ldp	x21, x22, [x0, #160]\n"
	"	ldp	x23, x24, [x0, #176]\n"
	"	ldp	x25, x26, [x0, #192]\n"
	"	ldp	x27, x28, [x0, #208]\n"
	"	ldp	x0, x1, [x0]\n"
	"	svc	#0\n"
	"	str	x0, [sp, #168]\n"
	"	ldr	x0, [sp, #160]\n"
	"	str	x1, [x0, #8]\n"
	"	stp	x2, x3, [x0, #16]\n"
	"	stp	x4, x5, [x0, #32]\n"
	"	stp	x6, x7, [x0, #48]\n"
	"	stp	x9, x10, [x0, #64]\n"
	"	stp	x11, x12, [x0, #80]\n"
	"	stp	x13, x14, [x0, #96]\n"
	"	stp	x15, x16, [x0, #112]\n"
	"	stp	x17, x18, [x0, #128]\n"
	"	stp	x19, x20, [x0, #144]\n"
	"	stp	x21, x22, [x0, #160]\n"
	"	stp	x23, x24, [x0, #176]\n"
	"	stp	x25, x26, [x0, #192]\n"
	"	stp	x27, x28, [x0, #208]\n"
	"	ldr	x1, [sp, #168]\n"
	"	str	x1, [x0]\n"
	"	add	x0, x0, #224\n"
	"	stp	q0, q1, [x0]\n"
	"	stp	q8, q9, [x0, #32]\n"
	"	stp	q10, q11, [x0, #64]\n"
	"	stp	q12, q13, [x0, #96]\n"
	"	stp	q14, q15, [x0, #128]\n"
	"	stp	q16, q17, [x0, #160]\n"
	"	stp	q29, q30, [x0, #192]\n"
	"	ldp	x19, x20, [sp, #16]\n"
	"	ldp	x21, x22, [sp, #32]\n"
	"	ldp	x23, x24, [sp, #48]\n"
	"	ldp	x25, x26, [sp, #64]\n"
	"	ldp	x27, x28, [sp, #80]\n"
	"	ldp	d8, d9, [sp, #96]\n"
	"	ldp	d10, d11, [sp, #112]\n"
	"	ldp	d12, d13, [sp, #128]\n"
	"	ldp	d14, d15, [sp, #144]\n"
	"	ldp	x29, x30, [sp], #176\n"
	"	ret\n"
	".size	raw_call, . - raw_call\n");

#endif
#endif
