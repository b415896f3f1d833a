/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Linked to programs of this folder that are also run as remote clients: each
 * case has a server of its own, which is there before it begins.
 */
#include "lib/server.h"

static __attribute__((constructor)) void
remote_start(void)
{
	if (server_start(0, NULL) == -1)
		abort();
}
