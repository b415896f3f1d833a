/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * aarch64: into the engine and out of it, and the few calls of the host that
 * cannot be made from C.
 */
#include "hijack/aarch64/layout.h"

#define NR_RT_SIGRETURN 139
#define NR_MUNMAP	215

	.text
	.globl _start, hj_exit, hj_exit_end, hj_trap_end
	.globl hj_host, hj_window_begin, hj_window_call, hj_window_end
	.globl hj_window_abort
	.globl hj_copy, hj_copy_string, hj_copy_begin, hj_copy_end
	.globl hj_string_length
	.globl hj_copy_fault
	.globl hj_clone, hj_thread_end, hj_sigreturn, hj_restorer
	.globl hj_program_restorer

/* The thread whose stack this is. */
	.macro	current reg
	mov	\reg, sp
	and	\reg, \reg, #~(HJ_STACKALIGN - 1)
	add	\reg, \reg, #HJ_STACKSIZE
	.endm

/* The host begins here: all is on the stack.  The frame has its place. */
_start:
	mov	x0, sp
	adrp	x1, hj_stack0
	add	x1, x1, :lo12:hj_stack0
	mov	x2, #HJ_STACKSIZE - HJ_FRAMESIZE
	add	x1, x1, x2
	mov	sp, x1
	mov	x29, xzr
	mov	x30, xzr
	bl	hj_main

/* To the program, from anywhere on the engine's stack. */
hj_exit:
	current	x0
	b	hj_leave
hj_exit_end:

/*
 * What handlers of the program's return to that named nothing.  It is the
 * program's: the filter does not let this call through.  Debuggers and
 * unwinders know signals' frames by these two instructions.
 */
	nop
hj_program_restorer:
	mov	x8, #NR_RT_SIGRETURN
	svc	#0
hj_trap_end:
	brk	#0

/* long hj_host(long nr, const long *args): a call in a window. */
hj_host:
	mov	x8, x0
	mov	x9, x1
	current	x10
	ldp	x0, x1, [x9]
	ldp	x2, x3, [x9, #16]
	ldp	x4, x5, [x9, #32]
hj_window_begin:
	ldr	w11, [x10, #HJ_T_DEFERRED]
	cbnz	w11, hj_window_abort
hj_window_call:
	svc	#0
hj_window_end:
	ret
hj_window_abort:
	mov	x0, #-512
	ret

/*
 * long hj_clone(long nr, const long *args, struct hj_thread *child): clone or
 * clone3, of a child that is on another stack.
 */
hj_clone:
	mov	x8, x0
	mov	x9, x1
	mov	x10, x2
	ldp	x0, x1, [x9]
	ldp	x2, x3, [x9, #16]
	ldr	x4, [x9, #32]
	svc	#0
	cbz	x0, 1f
	ret
1:	mov	x0, x10
	mov	x29, xzr
	mov	x30, xzr
	bl	hj_child
	b	hj_exit

/*
 * void hj_thread_end(unsigned long addr, unsigned long len, long nr, long
 * code): give back the memory that we stand on, and end.
 */
hj_thread_end:
	mov	x9, x3
	mov	x10, x2
	mov	x8, #NR_MUNMAP
	svc	#0
	mov	x8, x10
	mov	x0, x9
	svc	#0
	brk	#0

/*
 * int hj_copy(void *to, const void *from, size_t n): 0, or -EFAULT if there is a
 * fault between hj_copy_begin and hj_copy_end, after which it goes on at
 * hj_copy_fault.
 */
hj_copy:
hj_copy_begin:
1:	subs	x2, x2, #16
	b.lo	2f
	ldp	x3, x4, [x1], #16
	stp	x3, x4, [x0], #16
	b	1b
2:	add	x2, x2, #16
3:	cbz	x2, 4f
	ldrb	w3, [x1], #1
	strb	w3, [x0], #1
	sub	x2, x2, #1
	b	3b
4:	mov	x0, xzr
	ret

/*
 * long hj_copy_string(char *to, const char *from, size_t size): its length,
 * -EFAULT, or -ENAMETOOLONG if there is no NUL in size bytes.
 */
hj_copy_string:
	mov	x3, xzr
1:	cmp	x3, x2
	b.hs	2f
	ldrb	w4, [x1, x3]
	strb	w4, [x0, x3]
	cbz	w4, 3f
	add	x3, x3, #1
	b	1b
2:	mov	x3, #-36
3:	mov	x0, x3
	ret

/* long hj_string_length(const char *s, size_t most): or most, or -EFAULT. */
hj_string_length:
	mov	x3, xzr
1:	cmp	x3, x1
	b.hs	2f
	ldrb	w4, [x0, x3]
	cbz	w4, 2f
	add	x3, x3, #1
	b	1b
2:	mov	x0, x3
	ret
hj_copy_end:
hj_copy_fault:
	mov	x0, #-14
	ret

/* void hj_sigreturn(unsigned long sp): to where a frame there says. */
hj_sigreturn:
	mov	sp, x0
hj_restorer:
	mov	x8, #NR_RT_SIGRETURN
	svc	#0
	brk	#0

	.section .note.GNU-stack, "", %progbits
