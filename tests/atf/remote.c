/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Linked to programs of this folder that are also run as remote clients: each
 * case has a server of its own, which is there before it begins.
 *
 * What only a program with a kernel of its own has is here too, as far as that
 * makes sense; a case that goes further is skipped.
 */
#include <rump/rumpfiber.h>

#include "lib/server.h"
#include "lib/tc.h"

static __attribute__((constructor)) void
remote_start(void)
{
	if (server_start(0, NULL) == -1)
		abort();
	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGXFSZ, SIG_IGN);
}

/* The server has no fibers. */
void
rump_fiber_yield(void)
{
}

/*
 * A signal that nobody catches goes to the client's host process: it is to be
 * ignored there.  It is recorded nowhere.
 */
void
rump_boot_setsigmodel(enum rump_sigmodel model)
{
	int signo;

	if (model == RUMP_SIGMODEL_POSIX || model == RUMP_SIGMODEL_PANIC)
		tc_needs_kernel();
	for (signo = 1; signo < NSIG && model != RUMP_SIGMODEL_RAISE; signo++)
		if (signo != SIGCHLD)
			(void)signal(signo, SIG_IGN);
}

int
rump_pub_memstat(struct rump_memstat *st)
{
	(void)st;
	tc_needs_kernel();
}
