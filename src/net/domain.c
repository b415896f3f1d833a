/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which domains of sockets there are.
 */
#include "net/local/local.h"
#include "net/socket.h"

const struct domain *const domains[] = {
    &local_domain,
    NULL,
};

const struct domain *
domain_find(int family)
{
	const struct domain *const *dp;

	for (dp = domains; *dp != NULL; dp++)
		if ((*dp)->dom_family == family)
			break;
	return *dp;
}

int
net_init(struct kref **cwdip)
{
	const struct domain *const *dp;

	(void)cwdip;
	for (dp = domains; *dp != NULL; dp++)
		(*dp)->dom_init();
	return 0;
}
