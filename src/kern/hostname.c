/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The name of the kernel's host: as configured at boot, until somebody
 * changes it.
 */
#include "kern/boot.h"
#include "kern/kern.h"

_Static_assert(sizeof(kern_config.kc_hostname) == HOSTNAME_SIZE,
    "what is configured is what there can be");

static struct kmutex hostname_lock; /* kc_hostname after boot */

void
kern_gethostname(char *name)
{
	mutex_enter(&hostname_lock);
	memcpy(name, kern_config.kc_hostname, HOSTNAME_SIZE);
	mutex_exit(&hostname_lock);
}

int
kern_sethostname(const char *name, size_t len)
{
	if (len >= HOSTNAME_SIZE)
		return EINVAL;
	mutex_enter(&hostname_lock);
	memset(kern_config.kc_hostname, 0, HOSTNAME_SIZE);
	memcpy(kern_config.kc_hostname, name, len);
	mutex_exit(&hostname_lock);
	return 0;
}
