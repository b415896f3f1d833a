/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Last words, and words that can be turned on.
 */
#include <stdarg.h>
#include <stdio.h>

#include "kern/boot.h"

#define LINE_SIZE 512

/* Format one line, with its newline; its length. */
static size_t __attribute__((format(printf, 3, 0))) format_line(
    char line[LINE_SIZE], const char *prefix, const char *fmt, va_list ap)
{
	int n = snprintf(line, LINE_SIZE - 1, "%s", prefix), m;

	m = vsnprintf(line + n, LINE_SIZE - 1 - (size_t)n, fmt, ap);
	n = m < LINE_SIZE - 1 - n ? n + m : LINE_SIZE - 2;
	line[n++] = '\n';
	return (size_t)n;
}

void
panic(const char *fmt, ...)
{
	char line[LINE_SIZE];
	va_list ap;

	va_start(ap, fmt);
	hyper_console_message(line, format_line(line, "rump: ", fmt, ap));
	va_end(ap);
	hyper_abort();
}

void
kern_message(const char *fmt, ...)
{
	char line[LINE_SIZE];
	va_list ap;

	va_start(ap, fmt);
	hyper_console_message(line, format_line(line, "rump: ", fmt, ap));
	va_end(ap);
}

void
kern_printf(const char *fmt, ...)
{
	char line[LINE_SIZE];
	va_list ap;

	va_start(ap, fmt);
	hyper_console_write(line, format_line(line, "", fmt, ap));
	va_end(ap);
}
