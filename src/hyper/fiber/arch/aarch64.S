/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Changing stacks on aarch64.  What a function must keep, by its ABI, is x19
 * to x29, the low halves of v8 to v15, and fpcr, which is loaded only if it
 * differs.
 */
	.text

/* void fiber_arch_switch(struct hyper_context *from, *to) */
	.globl	fiber_arch_switch
	.hidden	fiber_arch_switch
	.type	fiber_arch_switch, %function
	.p2align 4
fiber_arch_switch:
	.cfi_startproc
	sub	sp, sp, #176
	stp	x29, x30, [sp]
	stp	x19, x20, [sp, #16]
	stp	x21, x22, [sp, #32]
	stp	x23, x24, [sp, #48]
	stp	x25, x26, [sp, #64]
	stp	x27, x28, [sp, #80]
	stp	d8, d9, [sp, #96]
	stp	d10, d11, [sp, #112]
	stp	d12, d13, [sp, #128]
	stp	d14, d15, [sp, #144]
	mrs	x2, fpcr
	str	x2, [sp, #160]
	mov	x3, sp
	str	x3, [x0]
	ldr	x3, [x1]
	mov	sp, x3
	ldr	x4, [sp, #160]
	cmp	x4, x2
	b.eq	1f
	msr	fpcr, x4
1:	ldp	x29, x30, [sp]
	ldp	x19, x20, [sp, #16]
	ldp	x21, x22, [sp, #32]
	ldp	x23, x24, [sp, #48]
	ldp	x25, x26, [sp, #64]
	ldp	x27, x28, [sp, #80]
	ldp	d8, d9, [sp, #96]
	ldp	d10, d11, [sp, #112]
	ldp	d12, d13, [sp, #128]
	ldp	d14, d15, [sp, #144]
	add	sp, sp, #176
	ret
	.cfi_endproc
	.size	fiber_arch_switch, . - fiber_arch_switch

/* void *fiber_arch_make(void *top): aligned to 16 bytes */
	.globl	fiber_arch_make
	.hidden	fiber_arch_make
	.type	fiber_arch_make, %function
	.p2align 4
fiber_arch_make:
	.cfi_startproc
	sub	x0, x0, #176
	adr	x1, fiber_arch_start
	stp	xzr, x1, [x0]
	stp	xzr, xzr, [x0, #16]
	stp	xzr, xzr, [x0, #32]
	stp	xzr, xzr, [x0, #48]
	stp	xzr, xzr, [x0, #64]
	stp	xzr, xzr, [x0, #80]
	stp	xzr, xzr, [x0, #96]
	stp	xzr, xzr, [x0, #112]
	stp	xzr, xzr, [x0, #128]
	stp	xzr, xzr, [x0, #144]
	mrs	x2, fpcr
	str	x2, [x0, #160]
	ret
	.cfi_endproc
	.size	fiber_arch_make, . - fiber_arch_make

/* The first place of a fiber; the outermost frame for who walks the stack. */
	.type	fiber_arch_start, %function
	.p2align 4
fiber_arch_start:
	.cfi_startproc
	.cfi_undefined x30
	bl	fiber_begin
	brk	#0
	.cfi_endproc
	.size	fiber_arch_start, . - fiber_arch_start

/* uint64_t fiber_arch_request(const uint64_t args[6]): 0 without valgrind */
	.globl	fiber_arch_request
	.hidden	fiber_arch_request
	.type	fiber_arch_request, %function
	.p2align 4
fiber_arch_request:
	.cfi_startproc
	mov	x4, x0
	mov	x3, #0
	ror	x12, x12, #3
	ror	x12, x12, #13
	ror	x12, x12, #51
	ror	x12, x12, #61
	orr	x10, x10, x10
	mov	x0, x3
	ret
	.cfi_endproc
	.size	fiber_arch_request, . - fiber_arch_request

	.section .rodata
	.globl	fiber_arch
	.hidden	fiber_arch
	.type	fiber_arch, %object
	.size	fiber_arch, 1
fiber_arch:
	.byte	1

	.section .note.GNU-stack, "", %progbits
