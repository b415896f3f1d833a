/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calls by number.
 */
#ifndef SYSCALL_INVOKE_H
#define SYSCALL_INVOKE_H

#include <stdint.h>

/* A call with its arguments from words: made from the table. */
typedef int64_t invoke_fn(const uint64_t *args);

/* In the order of sysdesc_list. */
extern invoke_fn *const invoke_list[];

/*
 * Make the call as rump_sys_NAME does, for the calling context: with its
 * signals and restarts.  args are six words, each an argument as C converts
 * it to uint64_t; those that the call does not have are not looked at.  Returns
 * 0 with the call's value in *retval, or an errno, ENOSYS if there is no such
 * call, and -1 in *retval.  errno stays as it is.
 */
int syscall_invoke(int number, const uint64_t *args, int64_t *retval);

#endif /* SYSCALL_INVOKE_H */
