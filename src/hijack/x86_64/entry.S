/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * x86-64: into the engine and out of it, and the few calls of the host that
 * cannot be made from C.
 *
 * hj_exit restores the program's registers from the thread and jumps to the
 * program.  It can be begun again at any instruction before the last: a signal
 * that comes in between makes hj_master do that, and is then seen.
 */
#include "hijack/x86_64/layout.h"

	.text
	.globl _start, hj_text_begin
	.globl hj_entry, hj_enter, hj_exit, hj_exit_end, hj_trap_end
	.globl hj_host, hj_window_begin, hj_window_call, hj_window_end
	.globl hj_window_abort
	.globl hj_copy, hj_copy_string, hj_copy_begin, hj_copy_end
	.globl hj_string_length
	.globl hj_copy_fault
	.globl hj_clone, hj_thread_end, hj_sigreturn, hj_restorer

/* The host begins here: all is on the stack.  hj_main says where %gs is. */
_start:
	movq	%rsp, %rdi
	leaq	hj_stack0+HJ_STACKSIZE(%rip), %rsp
	xorl	%ebp, %ebp
	call	hj_main
	jmp	hj_exit

/*
 * From a patched site: the number is in %rax, where to return to in %rcx, and
 * below the program's stack is what it still needs.
 */
hj_entry:
	movq	%rsp, %gs:HJ_R_RSP
	movq	%gs:HJ_T_STACK, %rsp
	pushfq
	popq	%gs:HJ_R_FLAGS
	movq	%rcx, %gs:HJ_R_RIP
	movq	%rax, %gs:HJ_R_RAX
	movq	%rbx, %gs:HJ_R_RBX
	movq	%rdx, %gs:HJ_R_RDX
	movq	%rsi, %gs:HJ_R_RSI
	movq	%rdi, %gs:HJ_R_RDI
	movq	%rbp, %gs:HJ_R_RBP
	movq	%r8, %gs:HJ_R_R8
	movq	%r9, %gs:HJ_R_R9
	movq	%r10, %gs:HJ_R_R10
	movq	%r12, %gs:HJ_R_R12
	movq	%r13, %gs:HJ_R_R13
	movq	%r14, %gs:HJ_R_R14
	movq	%r15, %gs:HJ_R_R15
	movl	$HJ_BY_JUMP, %gs:HJ_T_HOW

/* From the handler of SIGSYS: the registers are in the thread. */
hj_enter:
	cld
	movq	%gs:0, %rdi
	xorl	%ebp, %ebp
	call	hj_call

hj_exit:
	movq	%gs:HJ_T_STACK, %rsp
	cmpl	$0, %gs:HJ_T_DEFERRED
	jne	.Ldeliver
	pushq	%gs:HJ_R_FLAGS
	popfq
	movq	%gs:HJ_R_RAX, %rax
	movq	%gs:HJ_R_RBX, %rbx
	movq	%gs:HJ_R_RDX, %rdx
	movq	%gs:HJ_R_RSI, %rsi
	movq	%gs:HJ_R_RDI, %rdi
	movq	%gs:HJ_R_RBP, %rbp
	movq	%gs:HJ_R_R8, %r8
	movq	%gs:HJ_R_R9, %r9
	movq	%gs:HJ_R_R10, %r10
	movq	%gs:HJ_R_R12, %r12
	movq	%gs:HJ_R_R13, %r13
	movq	%gs:HJ_R_R14, %r14
	movq	%gs:HJ_R_R15, %r15
	movq	%gs:HJ_R_RIP, %rcx
	movq	%gs:HJ_R_FLAGS, %r11
	movq	%gs:HJ_R_RSP, %rsp
	jmp	*%gs:HJ_R_RIP
hj_exit_end:

/*
 * A signal waits, and all are blocked.  The filter does not let this call
 * through: the handler of SIGSYS gets the program's registers as the host
 * saves them, those that the engine does not know too, and makes of them the
 * frame of the program's handler.
 */
.Ldeliver:
	movq	%gs:HJ_R_RBX, %rbx
	movq	%gs:HJ_R_RDX, %rdx
	movq	%gs:HJ_R_RSI, %rsi
	movq	%gs:HJ_R_RDI, %rdi
	movq	%gs:HJ_R_RBP, %rbp
	movq	%gs:HJ_R_R8, %r8
	movq	%gs:HJ_R_R9, %r9
	movq	%gs:HJ_R_R10, %r10
	movq	%gs:HJ_R_R12, %r12
	movq	%gs:HJ_R_R13, %r13
	movq	%gs:HJ_R_R14, %r14
	movq	%gs:HJ_R_R15, %r15
	movq	%gs:HJ_R_RSP, %rsp
	movl	$-1, %eax
	syscall
hj_trap_end:
	ud2

/* long hj_host(long nr, const long *args): a call in a window. */
hj_host:
	movq	%rdi, %rax
	movq	%rsi, %r11
	movq	0(%r11), %rdi
	movq	8(%r11), %rsi
	movq	16(%r11), %rdx
	movq	24(%r11), %r10
	movq	32(%r11), %r8
	movq	40(%r11), %r9
hj_window_begin:
	cmpl	$0, %gs:HJ_T_DEFERRED
	jne	hj_window_abort
hj_window_call:
	syscall
hj_window_end:
	nop	/* where debuggers would take a ret for the end of a frame */
	ret
hj_window_abort:
	movq	$-512, %rax
	ret

/*
 * long hj_clone(long nr, const long *args, struct hj_thread *child): clone or
 * clone3, of a child that is on another stack.
 */
hj_clone:
	pushq	%r12
	movq	%rdx, %r12
	movq	%rdi, %rax
	movq	%rsi, %r11
	movq	0(%r11), %rdi
	movq	8(%r11), %rsi
	movq	16(%r11), %rdx
	movq	24(%r11), %r10
	movq	32(%r11), %r8
	syscall
	testq	%rax, %rax
	jz	1f
	popq	%r12
	ret
1:	movq	%r12, %rdi
	xorl	%ebp, %ebp
	call	hj_child
	jmp	hj_exit

/*
 * void hj_thread_end(unsigned long addr, unsigned long len, long nr, long
 * code): give back the memory that we stand on, and end.
 */
hj_thread_end:
	movq	%rdx, %r12
	movq	%rcx, %r13
	movl	$11, %eax
	syscall
	movq	%r12, %rax
	movq	%r13, %rdi
	syscall
	ud2

/*
 * int hj_copy(void *to, const void *from, size_t n): 0, or -EFAULT if there is a
 * fault between hj_copy_begin and hj_copy_end, after which it goes on at
 * hj_copy_fault.
 */
hj_copy:
	movq	%rdx, %rcx
	xorl	%eax, %eax
hj_copy_begin:
	rep movsb
	ret

/*
 * long hj_copy_string(char *to, const char *from, size_t size): its length,
 * -EFAULT, or -ENAMETOOLONG if there is no NUL in size bytes.
 */
hj_copy_string:
	xorl	%eax, %eax
1:	cmpq	%rdx, %rax
	jae	2f
	movb	(%rsi,%rax), %cl
	movb	%cl, (%rdi,%rax)
	testb	%cl, %cl
	jz	3f
	incq	%rax
	jmp	1b
2:	movq	$-36, %rax
3:	ret

/* long hj_string_length(const char *s, size_t most): or most, or -EFAULT. */
hj_string_length:
	xorl	%eax, %eax
1:	cmpq	%rsi, %rax
	jae	2f
	cmpb	$0, (%rdi,%rax)
	je	2f
	incq	%rax
	jmp	1b
2:	ret
hj_copy_end:
hj_copy_fault:
	movq	$-14, %rax
	ret

/* void hj_sigreturn(unsigned long sp): to where a frame there says. */
hj_sigreturn:
	movq	%rdi, %rsp
hj_restorer:
	movl	$15, %eax
	syscall
	ud2

	.section .note.GNU-stack, "", @progbits
