/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The names of the kernel's host and of its domain: as configured at boot,
 * until somebody changes them.
 */
#include "kern/boot.h"
#include "kern/kern.h"

_Static_assert(sizeof(kern_config.kc_hostname) == HOSTNAME_SIZE,
    "what is configured is what there can be");

static struct kmutex hostname_lock; /* kc_hostname after boot, domainname */
static char domainname[HOSTNAME_SIZE] = "(none)"; /* as on Linux */

static void
name_get(const char *from, char *name)
{
	mutex_enter(&hostname_lock);
	memcpy(name, from, HOSTNAME_SIZE);
	mutex_exit(&hostname_lock);
}

static int
name_set(char *to, const char *name, size_t len)
{
	if (len >= HOSTNAME_SIZE)
		return EINVAL;
	mutex_enter(&hostname_lock);
	memset(to, 0, HOSTNAME_SIZE);
	memcpy(to, name, len);
	mutex_exit(&hostname_lock);
	return 0;
}

void
kern_gethostname(char *name)
{
	name_get(kern_config.kc_hostname, name);
}

int
kern_sethostname(const char *name, size_t len)
{
	return name_set(kern_config.kc_hostname, name, len);
}

void
kern_getdomainname(char *name)
{
	name_get(domainname, name);
}

int
kern_setdomainname(const char *name, size_t len)
{
	return name_set(domainname, name, len);
}
