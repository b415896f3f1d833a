/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calls by number, through the functions that programs call: so there is one
 * way to make a call.  These leave their error beside errno, because -1 and an
 * errno that somebody else has set can also be a success.
 */
#include "syscall/invoke.h"

#include <errno.h>
#include <string.h>

#include <rump/rump.h>

#include "kern/entry.h"
#include "syscall/sysdesc.h"

int
syscall_invoke(int number, const uint64_t *args, int64_t *retval)
{
	const struct sysdesc *sd = sysdesc_find(number);
	int saved = errno, error;

	*retval = -1;
	if (sd == NULL)
		return ENOSYS;
	if (syscall_peek() == NULL)
		return syscall_refusal();
	curctx()->kc_error = 0;
	*retval = invoke_list[sd - sysdesc_list](args);
	error = curctx()->kc_error;
	if (error != 0)
		*retval = -1;
	errno = saved;
	return error;
}

RUMP_EXPORT int
rump_syscall(int num, void *data, size_t dlen, register_t *retval)
{
	const struct sysdesc *sd = sysdesc_find(num);
	uint64_t args[SYSCALL_MAXARGS] = {0};
	int64_t value;
	int error;

	if (sd == NULL)
		return ENOSYS;
	if (dlen % sizeof(args[0]) != 0 || dlen > sizeof(args) ||
	    dlen < sd->sd_nfixed * sizeof(args[0]))
		return EINVAL;
	if (dlen != 0)
		memcpy(args, data, dlen);
	error = syscall_invoke(num, args, &value);
	*retval = (register_t)value;
	return error;
}
