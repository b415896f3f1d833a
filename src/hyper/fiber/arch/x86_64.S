/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Changing stacks on x86-64.  What a function must keep, by its ABI, is rbx,
 * rbp, r12 to r15, and the control bits of the x87 control word and mxcsr.
 *
 * The control word is in the red zone below what is pushed.  It is seldom
 * changed, and only loaded if it differs.  Storing mxcsr takes longer, on some
 * machines, than all else here.  <fenv.h> sets both alike, so mxcsr gets its
 * rounding and its masks from the control word when that is loaded.  What only
 * mxcsr has, how it treats denormal numbers, is the host thread's.
 */
	.text

/* void fiber_arch_switch(struct hyper_context *from, *to) */
	.globl	fiber_arch_switch
	.hidden	fiber_arch_switch
	.type	fiber_arch_switch, @function
	.p2align 4
fiber_arch_switch:
	.cfi_startproc
	pushq	%rbp
	pushq	%rbx
	pushq	%r12
	pushq	%r13
	pushq	%r14
	pushq	%r15
	.cfi_def_cfa_offset 56
	fnstcw	-4(%rsp)
	movq	%rsp, (%rdi)
	movzwl	-4(%rsp), %eax
	movq	(%rsi), %rsp
	cmpw	-4(%rsp), %ax
	jne	1f
2:	popq	%r15
	popq	%r14
	popq	%r13
	popq	%r12
	popq	%rbx
	popq	%rbp
	.cfi_remember_state
	.cfi_def_cfa_offset 8
	ret
	.cfi_restore_state
1:	fldcw	-4(%rsp)
	stmxcsr	-8(%rsp)
	movzwl	-4(%rsp), %eax
	movl	%eax, %ecx
	andl	$0x3f, %eax	/* masks */
	shll	$7, %eax
	andl	$0xc00, %ecx	/* rounding */
	shll	$3, %ecx
	orl	%ecx, %eax
	andl	$~0x7f80, -8(%rsp)
	orl	%eax, -8(%rsp)
	ldmxcsr	-8(%rsp)
	jmp	2b
	.cfi_endproc
	.size	fiber_arch_switch, . - fiber_arch_switch

/* void *fiber_arch_make(void *top): aligned to 16 bytes */
	.globl	fiber_arch_make
	.hidden	fiber_arch_make
	.type	fiber_arch_make, @function
	.p2align 4
fiber_arch_make:
	.cfi_startproc
	leaq	fiber_arch_start(%rip), %rcx
	xorl	%edx, %edx
	leaq	-56(%rdi), %rax
	movq	%rcx, 48(%rax)
	movq	%rdx, 40(%rax)
	movq	%rdx, 32(%rax)
	movq	%rdx, 24(%rax)
	movq	%rdx, 16(%rax)
	movq	%rdx, 8(%rax)
	movq	%rdx, (%rax)
	fnstcw	-4(%rax)
	ret
	.cfi_endproc
	.size	fiber_arch_make, . - fiber_arch_make

/* The first place of a fiber; the outermost frame for who walks the stack. */
	.type	fiber_arch_start, @function
	.p2align 4
fiber_arch_start:
	.cfi_startproc
	.cfi_undefined rip
	call	fiber_begin
	ud2
	.cfi_endproc
	.size	fiber_arch_start, . - fiber_arch_start

/* uint64_t fiber_arch_request(const uint64_t args[6]): 0 without valgrind */
	.globl	fiber_arch_request
	.hidden	fiber_arch_request
	.type	fiber_arch_request, @function
	.p2align 4
fiber_arch_request:
	.cfi_startproc
	movq	%rdi, %rax
	xorl	%edx, %edx
	rolq	$3, %rdi
	rolq	$13, %rdi
	rolq	$61, %rdi
	rolq	$51, %rdi
	xchgq	%rbx, %rbx
	movq	%rdx, %rax
	ret
	.cfi_endproc
	.size	fiber_arch_request, . - fiber_arch_request

	.section .rodata
	.globl	fiber_arch
	.hidden	fiber_arch
	.type	fiber_arch, @object
	.size	fiber_arch, 1
fiber_arch:
	.byte	1

	.section .note.GNU-stack, "", @progbits
