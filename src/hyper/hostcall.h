/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How src/hyper calls the host: an errno is returned, never left behind, and a
 * call that a signal handler interrupted is made again.
 */
#ifndef HYPER_HOSTCALL_H
#define HYPER_HOSTCALL_H

#include <errno.h>

#define HOST_CALL(expr, resultp)                         \
	__extension__({                                  \
		int hc_saved = errno, hc_error = 0;      \
		while ((*(resultp) = (expr)) == -1) {    \
			if ((hc_error = errno) != EINTR) \
				break;                   \
			hc_error = 0;                    \
		}                                        \
		errno = hc_saved;                        \
		hc_error;                                \
	})

#define HOST_CALL0(expr)                     \
	__extension__({                      \
		long hc_result;              \
		HOST_CALL(expr, &hc_result); \
	})

#endif /* HYPER_HOSTCALL_H */
