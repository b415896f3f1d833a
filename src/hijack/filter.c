/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The filter: the host does what the engine's text asks for, and sends SIGSYS
 * to everybody else.  It stays for all that the process will ever start.
 */
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/prctl.h>
#include <linux/seccomp.h>

#include "hijack/engine.h"

#define FIELD(name) \
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, name))
#define FIELD_HIGH(name) \
	BPF_STMT(        \
	    BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, name) + 4)
#define JUMP(test, value, yes, no) \
	BPF_JUMP(BPF_JMP | (test) | BPF_K, (uint32_t)(value), yes, no)
#define LOW(symbol) ((uint32_t)(uintptr_t)(symbol))

void
hj_filter_install(void)
{
	/* The instruction pointer is behind the call. */
	struct sock_filter code[] = {
	    FIELD(arch),
	    JUMP(BPF_JEQ, HJ_AUDIT, 0, 7),
	    FIELD_HIGH(instruction_pointer),
	    JUMP(BPF_JEQ, HJ_BASE >> 32, 0, 5),
	    FIELD(instruction_pointer),
	    JUMP(BPF_JGT, LOW(hj_text_begin), 0, 3),
	    JUMP(BPF_JGT, LOW(hj_text_end), 2, 0),
	    JUMP(BPF_JEQ, LOW(hj_trap_end), 1, 0),
	    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	    HJ_FILTER_TRAP,
	};
	struct sock_fprog program = {sizeof(code) / sizeof(code[0]), code};
	long r;

	r = hj_raw5(__NR_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (r == 0)
		r = hj_raw3(__NR_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program);
	if (r != 0)
		hj_fail(
		    "the host has no filter of system calls", "seccomp", -r);
}
