/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The host is prepared when the library is loaded, and of which kind it is is
 * chosen at boot.
 */
#include <errno.h>
#include <string.h>

#include "hyper/impl.h"
#if defined(__x86_64__) && __has_include(<sys/platform/x86.h>)
#include <sys/platform/x86.h>
#endif

const struct hyper_ops *hyper_ops;
const struct hyper_host *hyper_host = &hyper_pthread;
bool hyper_wide;

/*
 * The C library knows: to ask the processor itself takes a tenth of a
 * millisecond in a virtual machine, and the compiler's way does it in each
 * program that is started with us in it.
 */
static bool
has_wide(void)
{
#ifdef CPU_FEATURE_ACTIVE
	return CPU_FEATURE_ACTIVE(AVX);
#elif defined(__x86_64__)
	__builtin_cpu_init();
	return __builtin_cpu_supports("avx");
#else
	return false;
#endif
}

int
hyper_init(const struct hyper_ops *ops)
{
	int error;

	hyper_ops = ops;
	hyper_wide = has_wide();
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
