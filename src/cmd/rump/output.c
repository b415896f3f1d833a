/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What people and programs read: tables, sizes, times and JSON.
 */
#include <locale.h>
#include <stdarg.h>
#include <time.h>
#include <wchar.h>

#include "cmd/rump/tool.h"

#define HALF_YEAR (182 * 24 * 3600)

bool
out_tty(void)
{
	return isatty(STDOUT_FILENO);
}

/* NO_COLOR as https://no-color.org has it: whatever it is, but not empty. */
bool
out_color(void)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	return out_tty() && (no == NULL || *no == '\0') && term != NULL &&
	       strcmp(term, "dumb") != 0;
}

void
out_name(const char *name)
{
	for (; *name != '\0'; name++)
		(void)putchar(
		    out_tty() && ((unsigned char)*name < ' ' || *name == 0x7f)
			? '?'
			: *name);
}

const char *
human(uint64_t bytes, char *buf)
{
	static const char units[] = "BKMGTPE";
	double n = (double)bytes;
	int unit = 0;

	for (; n >= 1024 && units[unit + 1] != '\0'; unit++)
		n /= 1024;
	(void)snprintf(buf, HUMAN_SIZE,
	    unit == 0 || n >= 99.95 ? "%.0f%c" : "%.1f%c", n, units[unit]);
	return buf;
}

const char *
time_text(const struct timespec *ts, char *buf)
{
	time_t now = time(NULL);
	struct tm tm;

	buf[0] = '\0';
	if (localtime_r(&ts->tv_sec, &tm) == NULL)
		(void)snprintf(buf, TIME_SIZE, "%lld", (long long)ts->tv_sec);
	else if (ts->tv_sec > now - HALF_YEAR && ts->tv_sec <= now + 60)
		(void)strftime(buf, TIME_SIZE, "%b %e %H:%M", &tm);
	else
		(void)strftime(buf, TIME_SIZE, "%b %e  %Y", &tm);
	return buf;
}

const char *
duration_text(int64_t s, char *buf)
{
	int n = 0;

	if (s >= 86400)
		n = snprintf(buf, TIME_SIZE, "%lldd ", (long long)s / 86400);
	(void)snprintf(buf + n, TIME_SIZE - (size_t)n, "%02d:%02d:%02d",
	    (int)(s / 3600 % 24), (int)(s / 60 % 60), (int)(s % 60));
	return buf;
}

/*
 * Tables
 */

struct table {
	size_t t_columns;
	size_t t_cells; /* with the heads */
	char **t_cell;
	bool *t_right; /* of each column */
};

static void
table_put(struct table *t, char *cell)
{
	t->t_cell =
	    tool_alloc(t->t_cell, (t->t_cells + 1) * sizeof(t->t_cell[0]));
	t->t_cell[t->t_cells++] = cell;
}

struct table *
table_new(const char *heads)
{
	struct table *t = tool_alloc(NULL, sizeof(*t));
	size_t n, len;

	*t = (struct table){0};
	for (;; heads += len + 1) {
		len = strcspn(heads, "|");
		n = t->t_columns++;
		t->t_right = tool_alloc(
		    t->t_right, t->t_columns * sizeof(t->t_right[0]));
		t->t_right[n] = len > 0 && heads[len - 1] == '>';
		table_put(
		    t, tool_format("%.*s", (int)(len - t->t_right[n]), heads));
		if (heads[len] == '\0')
			return t;
	}
}

/* On a terminal, what a name has of control characters is not let out. */
void
table_cell(struct table *t, const char *fmt, ...)
{
	va_list ap;
	char *s, *c;

	va_start(ap, fmt);
	if (vasprintf(&s, fmt, ap) == -1)
		exit(STATUS_FAILED);
	va_end(ap);
	for (c = s; *c != '\0' && out_tty(); c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = '?';
	table_put(t, s);
}

/* Columns of the terminal that a text takes. */
static int
text_width(const char *s)
{
	wchar_t ws[512];
	size_t n = mbstowcs(ws, s, nitems(ws));
	int width = n < nitems(ws) ? wcswidth(ws, n) : -1;

	return width >= 0 ? width : (int)strlen(s);
}

static void
table_row(struct table *t, size_t at, const int *width)
{
	size_t c;
	int pad;

	for (c = 0; c < t->t_columns; c++) {
		pad = width[c] - text_width(t->t_cell[at + c]);
		if (t->t_right[c])
			(void)printf("%*s", pad, "");
		(void)printf("%s", t->t_cell[at + c]);
		if (c + 1 < t->t_columns)
			(void)printf("%*s", t->t_right[c] ? 1 : pad + 1, "");
	}
}

void
table_print(struct table *t)
{
	int *width = tool_alloc(NULL, t->t_columns * sizeof(width[0])), w;
	bool color = out_color();
	size_t i;

	(void)setlocale(LC_CTYPE, "");
	memset(width, 0, t->t_columns * sizeof(width[0]));
	for (i = 0; i < t->t_cells; i++)
		if ((w = text_width(t->t_cell[i])) > width[i % t->t_columns])
			width[i % t->t_columns] = w;
	for (i = 0; i < t->t_cells; i += t->t_columns) {
		if (i == 0 && t->t_cell[0][0] == '\0')
			continue;
		if (i == 0 && color)
			(void)printf("\033[1m");
		table_row(t, i, width);
		(void)printf(i == 0 && color ? "\033[0m\n" : "\n");
	}
	for (i = 0; i < t->t_cells; i++)
		free(t->t_cell[i]);
	free(t->t_cell);
	free(t->t_right);
	free(t);
	free(width);
}

/*
 * JSON
 */

static bool json_comma; /* before what comes next */
static int json_depth;

static void
json_next(void)
{
	if (json_comma)
		(void)putchar(',');
	json_comma = true;
}

void
json_begin(char bracket)
{
	json_next();
	(void)putchar(bracket);
	json_comma = false;
	json_depth++;
}

void
json_end(char bracket)
{
	(void)putchar(bracket);
	json_comma = true;
	if (--json_depth == 0) {
		(void)putchar('\n');
		json_comma = false;
	}
}

/* Bytes of the character of UTF-8 that s begins with; 0: it is none. */
static size_t
utf8_length(const unsigned char *s)
{
	size_t n = *s < 0x80   ? 1
		   : *s < 0xc2 ? 0
		   : *s < 0xe0 ? 2
		   : *s < 0xf0 ? 3
		   : *s < 0xf5 ? 4
			       : 0;
	size_t i;

	for (i = 1; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	/* Too long, a surrogate, or beyond the last. */
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
	    (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
		return 0;
	return n;
}

/* A byte that is no character comes out as \udcXX, as Python has it. */
void
json_string(const char *text)
{
	const unsigned char *s = (const unsigned char *)text;
	size_t n;

	json_next();
	(void)putchar('"');
	for (; *s != '\0'; s += n) {
		n = utf8_length(s);
		if (n == 0) {
			(void)printf("\\udc%02x", *s);
			n = 1;
		} else if (*s == '"' || *s == '\\')
			(void)printf("\\%c", *s);
		else if (*s < ' ' || *s == 0x7f)
			(void)printf("\\u%04x", *s);
		else
			(void)fwrite(s, 1, n, stdout);
	}
	(void)putchar('"');
}

void
json_key(const char *key)
{
	json_string(key);
	(void)putchar(':');
	json_comma = false;
}

void
json_number(int64_t n)
{
	json_next();
	(void)printf("%lld", (long long)n);
}

/* Seconds, with a fraction. */
void
json_time(const struct timespec *ts)
{
	json_next();
	(void)printf("%lld.%09ld", (long long)ts->tv_sec, ts->tv_nsec);
}

void
json_bool(bool b)
{
	json_next();
	(void)printf(b ? "true" : "false");
}
