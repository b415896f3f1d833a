/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The host is prepared when the library is loaded, and of which kind it is is
 * chosen at boot.
 */
#include <errno.h>
#include <string.h>

#include "hyper/impl.h"

const struct hyper_ops *hyper_ops;
const struct hyper_host *hyper_host = &hyper_pthread;

int
hyper_init(const struct hyper_ops *ops)
{
	int error;

	hyper_ops = ops;
	membarrier_init();
	error = thread_init();
	return error != 0 ? error : fork_init();
}

const struct hyper_host *
hyper_find(const char *name)
{
	static const struct hyper_host *const hosts[] = {
	    &hyper_pthread, &hyper_fiber};
	size_t i;

	for (i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++)
		if (strcmp(name, hosts[i]->hh_name) == 0)
			return hosts[i];
	return NULL;
}

int
hyper_choose(const struct hyper_host *hh)
{
	hyper_host = hh;
	return hh->hh_begin();
}
