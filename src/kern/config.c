/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The environment variables that configure the kernel.
 */
#include <stdlib.h>
#include <unistd.h>

#include <rump/rump.h>

#include "hyper/hostfile.h"
#include "kern/boot.h"
#include "kern/kmem.h"
#include "kern/trace.h"

struct kern_config kern_config;

static int boot_howto;

/* What rump_boot_setthreads was told, or NULL. */
static const struct hyper_host *boot_host;

RUMP_EXPORT int
rump_boot_gethowto(void)
{
	return boot_howto;
}

RUMP_EXPORT void
rump_boot_sethowto(int howto)
{
	boot_howto = howto;
}

RUMP_EXPORT int
rump_boot_setthreads(const char *kind)
{
	const struct hyper_host *hh = kind == NULL ? NULL : hyper_find(kind);

	if (hh == NULL)
		return EINVAL;
	if (kern_booted() || kern_booting())
		return EBUSY;
	boot_host = hh;
	return 0;
}

/* A number with an optional k, m or g behind it, if `suffixes'. */
static bool
parse_number(const char *s, bool suffixes, uint64_t *np)
{
	unsigned long long n;
	unsigned shift = 0;
	char *end;

	if (*s < '0' || *s > '9')
		return false;
	errno = 0;
	n = strtoull(s, &end, 10);
	if (errno != 0)
		return false;
	if (suffixes && *end != '\0') {
		switch (*end++) {
		case 'k':
		case 'K':
			shift = 10;
			break;
		case 'm':
		case 'M':
			shift = 20;
			break;
		case 'g':
		case 'G':
			shift = 30;
			break;
		default:
			return false;
		}
	}
	if (*end != '\0' || n > UINT64_MAX >> shift)
		return false;
	*np = (uint64_t)n << shift;
	return true;
}

static bool
config_memlimit(const char *s)
{
	return parse_number(s, true, &kern_config.kc_memlimit) &&
	       kern_config.kc_memlimit >= KMEM_MINLIMIT;
}

/* Vnodes in the cache of src/vfs that nobody uses. */
static bool
config_nvnodes(const char *s)
{
	return parse_number(s, true, &kern_config.kc_nvnodes) &&
	       kern_config.kc_nvnodes != 0;
}

static bool
config_ncpu(const char *s)
{
	uint64_t n;

	if (strcmp(s, "host") == 0)
		n = (uint64_t)hyper_ncpu();
	else if (!parse_number(s, false, &n) || n == 0 || n > INT_MAX)
		return false;
	kern_config.kc_ncpu = (int)n;
	return true;
}

/* Anything but 0 and the empty string turns it on. */
static bool
parse_switch(const char *s)
{
	return *s != '\0' && strcmp(s, "0") != 0;
}

static bool
config_verbose(const char *s)
{
	kern_config.kc_verbose = parse_switch(s);
	return true;
}

static bool
config_cputime(const char *s)
{
	kern_config.kc_cputime = parse_switch(s);
	return true;
}

/* What the program has said goes first: it is made for threads or fibers. */
static bool
config_threads(const char *s)
{
	if (boot_host == NULL)
		kern_config.kc_host = hyper_find(s);
	return hyper_find(s) != NULL;
}

static bool
config_hostname(const char *s)
{
	size_t len = strlen(s);

	if (len == 0 || len >= sizeof(kern_config.kc_hostname))
		return false;
	memcpy(kern_config.kc_hostname, s, len + 1);
	return true;
}

/* The file is opened here, so that boot can be tried again without it. */
static bool
config_trace(const char *s)
{
	size_t len;
	int error;

	kern_config.kc_perfetto = trace_isperfetto(s);
	if (strncmp(s, "perfetto:", 9) == 0) {
		kern_config.kc_perfetto = true;
		s += 9;
	} else if (strncmp(s, "text:", 5) == 0) {
		kern_config.kc_perfetto = false;
		s += 5;
	}
	len = strlen(s);
	if (len == 0)
		return false;
	error = len >= sizeof(kern_config.kc_trace)
		    ? ENAMETOOLONG
		    : trace_openhost(s, false, &kern_config.kc_tracefd);
	if (error != 0) {
		kern_message("RUMP_TRACE: %s",
		    error == EINVAL ? "not a regular file" : strerror(error));
		return false;
	}
	memcpy(kern_config.kc_trace, s, len + 1);
	return true;
}

static const struct {
	const char *name;
	bool (*parse)(const char *);
} variables[] = {
    {"RUMP_MEMLIMIT", config_memlimit},
    {"RUMP_NVNODES", config_nvnodes},
    {"RUMP_NCPU", config_ncpu},
    {"RUMP_VERBOSE", config_verbose},
    {"RUMP_CPUTIME", config_cputime},
    {"RUMP_THREADS", config_threads},
    {"RUMP_HOSTNAME", config_hostname},
    /* Last: nothing is opened if something else is wrong. */
    {"RUMP_TRACE", config_trace},
};

int
config_read(void)
{
	const char *value;
	size_t i;

	if (kern_config.kc_trace[0] != '\0')
		hyper_file_close(kern_config.kc_tracefd);
	memset(&kern_config, 0, sizeof(kern_config));
	kern_config.kc_ncpu = hyper_ncpu();
	kern_config.kc_host =
	    boot_host != NULL ? boot_host : hyper_find("pthread");
	hyper_hostname(
	    kern_config.kc_hostname, sizeof(kern_config.kc_hostname));
	for (i = 0; i < nitems(variables); i++) {
		value = hyper_getenv(variables[i].name);
		if (value == NULL || variables[i].parse(value))
			continue;
		kern_message("%s: bad value: %s", variables[i].name, value);
		return EINVAL;
	}
	if ((boot_howto & (RUMP_AB_VERBOSE | RUMP_AB_DEBUG)) != 0)
		kern_config.kc_verbose = true;
	return 0;
}
