/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the program says: warnings, differences and errors.  Any host thread
 * may call these.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tenants.h"

#define SHOWN 10 /* of a kind, unless -v is given */

bool verbose;
static atomic_size_t nskipped, ndiffers;

const char *
printable(char *buf, size_t len, const char *path)
{
	size_t n = 0;

	for (; *path != '\0' && n + 5 < len; path++) {
		unsigned char c = (unsigned char)*path;

		if (c < 0x20 || c >= 0x7f || c == '\\')
			n += (size_t)snprintf(buf + n, len - n, "\\%03o", c);
		else
			buf[n++] = (char)c;
	}
	buf[n] = '\0';
	return buf;
}

const char *
human(char *buf, size_t len, uint64_t bytes)
{
	static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
	double v = (double)bytes;
	size_t i = 0;

	while (v >= 1024 && i < 4) {
		v /= 1024;
		i++;
	}
	snprintf(buf, len, i == 0 ? "%.0f %s" : "%.1f %s", v, units[i]);
	return buf;
}

/* Says whether number n of a kind is shown, and when no more will be. */
static bool
shown(size_t n, const char *kind)
{
	if (verbose || n < SHOWN)
		return true;
	if (n == SHOWN)
		fprintf(stderr, "tenants: more %s; -v shows all\n", kind);
	return false;
}

void
warn_skip(const char *path, const char *why)
{
	char name[256];
	size_t n;

	n = atomic_fetch_add_explicit(&nskipped, 1, memory_order_relaxed);
	if (shown(n, "is left out"))
		fprintf(stderr, "tenants: left out: %s: %s\n",
		    printable(name, sizeof(name), path), why);
}

void
differs(const char *path, const char *fmt, ...)
{
	char name[256], why[256];
	va_list ap;
	size_t n;

	n = atomic_fetch_add_explicit(&ndiffers, 1, memory_order_relaxed);
	if (!shown(n, "differs"))
		return;
	va_start(ap, fmt);
	vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	fprintf(stderr, "tenants: differs: %s: %s\n",
	    printable(name, sizeof(name), path), why);
}

size_t
skipped_count(void)
{
	return atomic_load_explicit(&nskipped, memory_order_relaxed);
}

size_t
differs_count(void)
{
	return atomic_load_explicit(&ndiffers, memory_order_relaxed);
}

noreturn void
die(int status, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	fprintf(stderr, "tenants: %s\n", text);
	exit(status);
}

noreturn void
die_kernel(const char *what, const char *path, int error)
{
	char name[256];

	printable(name, sizeof(name), path);
	if (error == ENOMEM || error == ENOSPC)
		die(1,
		    "the kernel is out of memory (%s %s): give it more with "
		    "RUMP_MEMLIMIT, or serve a smaller directory",
		    what, name);
	die(1, "the kernel refuses %s %s: %s", what, name, strerror(error));
}

void *
need(void *p)
{
	if (p == NULL)
		die(1, "the host is out of memory");
	return p;
}
