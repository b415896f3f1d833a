/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Subcommands: which there are, their options and their help.
 */
#include <getopt.h>
#include <stdarg.h>

#include "cmd/rump/kernel.h"
#include "cmd/rump/tool.h"
#include "cmd/rump/whole.h"

#define MAXOPTIONS 24
#define WIDTH	   78 /* of help */

static struct command *commands;
static const char *running; /* for complaints */

void
command_register(struct command *c)
{
	struct command **cp = &commands;

	while (*cp != NULL && strcmp((*cp)->c_name, c->c_name) < 0)
		cp = &(*cp)->c_next;
	c->c_next = *cp;
	*cp = c;
}

/* All of them. */
const struct command *
command_first(void)
{
	whole_program();
	return commands;
}

static const struct command *
find_known(const char *name)
{
	const struct command *c;

	for (c = commands; c != NULL && strcmp(c->c_name, name) != 0;)
		c = c->c_next;
	return c;
}

const struct command *
command_find(const char *name)
{
	const struct command *c = find_known(name);

	if (c != NULL)
		return c;
	whole_program();
	return find_known(name);
}

static void
complain_va(const char *fmt, va_list ap, const char *more)
{
	(void)fflush(stdout);
	(void)fprintf(stderr, "rump%s%s: ", running != NULL ? " " : "",
	    running != NULL ? running : "");
	(void)vfprintf(stderr, fmt, ap);
	(void)fprintf(stderr, "%s\n", more);
}

void
complain(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	complain_va(fmt, ap, "");
	va_end(ap);
}

int
complain_errno(const char *what)
{
	int error = errno;

	complain("%s: %s%s", what, strerror(error),
	    error == ENOTCONN ? "; the server has gone" : "");
	return STATUS_FAILED;
}

int
command_usage(const struct command *c, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	complain_va(fmt, ap, "");
	va_end(ap);
	(void)fprintf(stderr, "usage: rump %s %s\nMore: rump help %s\n",
	    c->c_name, c->c_args, c->c_name);
	return STATUS_USAGE;
}

/*
 * Help
 */

/* Sentences, in lines that are not too long; each newline is one. */
static void
print_text(const char *text, FILE *f)
{
	int column = 0;
	size_t n;

	while (*text != '\0') {
		n = strcspn(text, " \n");
		if (column > 0 && column + 1 + (int)n > WIDTH) {
			(void)fputc('\n', f);
			column = 0;
		}
		column +=
		    fprintf(f, "%s%.*s", column > 0 ? " " : "", (int)n, text);
		text += n;
		if (*text == '\n') {
			(void)fputc('\n', f);
			column = 0;
		}
		text += *text != '\0';
	}
	(void)fputc('\n', f);
}

void
command_help(const struct command *c, FILE *f)
{
	static const struct option_desc none = {0};
	const struct option_desc *o = c->c_options;
	char head[48];
	int n;

	(void)fprintf(f, "usage: rump %s %s\n\n", c->c_name, c->c_args);
	print_text(c->c_help, f);
	if (o == NULL)
		o = &none;
	if (o->o_what != NULL)
		(void)fprintf(f, "\nOptions:\n");
	for (; o->o_what != NULL; o++) {
		n = 0;
		if (o->o_short < 128)
			n = snprintf(head, sizeof(head), "-%c%s", o->o_short,
			    o->o_long != NULL ? ", " : "");
		if (o->o_long != NULL)
			n += snprintf(head + n, sizeof(head) - (size_t)n,
			    "--%s", o->o_long);
		if (o->o_arg != NULL)
			(void)snprintf(head + n, sizeof(head) - (size_t)n,
			    " %s", o->o_arg);
		(void)fprintf(f, "  %-22s %s\n", head, o->o_what);
	}
}

/*
 * Options
 */

static void
options_build(const struct command *c, char *letters, struct option *longs)
{
	const struct option_desc *o = c->c_options;

	for (; o != NULL && o->o_what != NULL; o++) {
		if (o->o_short < 128) {
			*letters++ = (char)o->o_short;
			if (o->o_arg != NULL)
				*letters++ = ':';
		}
		if (o->o_long != NULL)
			*longs++ = (struct option){.name = o->o_long,
			    .has_arg = o->o_arg != NULL,
			    .val = o->o_short};
	}
	*letters = '\0';
	*longs++ = (struct option){.name = "help", .val = 'H'};
	*longs = (struct option){0};
}

int
command_getopt(const struct command *c, int argc, char **argv)
{
	struct option longs[MAXOPTIONS + 2];
	char letters[2 * MAXOPTIONS + 3] = "+:";
	int opt;

	options_build(c, letters + 2, longs);
	opt = getopt_long(
	    argc, argv, c->c_inorder ? letters : letters + 1, longs, NULL);
	if (opt == ':') {
		(void)command_usage(
		    c, "option %s wants an argument", argv[optind - 1]);
		return '?';
	}
	if (opt == '?') {
		if (optopt != 0 && optopt < 128)
			(void)command_usage(c, "no option -%c", optopt);
		else
			(void)command_usage(
			    c, "no such option: %s", argv[optind - 1]);
	}
	return opt;
}

static bool
wants_help(int argc, char **argv)
{
	int i;

	for (i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
		if (strcmp(argv[i], "--help") == 0)
			return true;
	return false;
}

/* What was meant, if it begins as one or ends as one. */
static const struct command *
command_like(const char *name)
{
	const struct command *c;
	size_t len = strlen(name);

	for (c = commands; c != NULL && len > 0; c = c->c_next)
		if (strncmp(c->c_name, name, len) == 0 ||
		    strstr(name, c->c_name) != NULL)
			break;
	return len > 0 ? c : NULL;
}

int
command_run(int argc, char **argv)
{
	const struct command *c = command_find(argv[0]), *like;
	const char *before = running;
	int status;

	if (c == NULL) {
		like = command_like(argv[0]);
		complain("no subcommand %s%s%s; `rump help' lists them",
		    argv[0], like != NULL ? "; is it rump " : "",
		    like != NULL ? like->c_name : "");
		return STATUS_USAGE;
	}
	if (!c->c_inorder && wants_help(argc, argv)) {
		command_help(c, stdout);
		return STATUS_OK;
	}
	running = c->c_name;
	optind = 0;
	opterr = 0;
	if (!c->c_nokernel && kernel_open() != 0)
		status = STATUS_FAILED;
	else
		status = c->c_run(c, argc, argv);
	running = before;
	return status;
}

/*
 * Small things
 */

bool
tool_ask(const char *fmt, ...)
{
	char answer[16] = "";
	va_list ap;

	if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO)) {
		complain("there is no terminal to ask on; --yes says yes");
		return false;
	}
	va_start(ap, fmt);
	(void)fflush(stdout);
	(void)vfprintf(stderr, fmt, ap);
	va_end(ap);
	(void)fprintf(stderr, " [y/N] ");
	return fgets(answer, sizeof(answer), stdin) != NULL &&
	       (strcmp(answer, "y\n") == 0 || strcmp(answer, "yes\n") == 0);
}

void *
tool_alloc(void *old, size_t size)
{
	void *p = realloc(old, size > 0 ? size : 1);

	if (p == NULL) {
		complain("no memory");
		exit(STATUS_FAILED);
	}
	return p;
}

char *
tool_format(const char *fmt, ...)
{
	va_list ap;
	char *s;

	va_start(ap, fmt);
	if (vasprintf(&s, fmt, ap) == -1) {
		complain("no memory");
		exit(STATUS_FAILED);
	}
	va_end(ap);
	return s;
}

bool
parse_number(const char *s, uint64_t max, uint64_t *np)
{
	char *end;

	if (*s < '0' || *s > '9')
		return false;
	errno = 0;
	*np = strtoull(s, &end, 10);
	return errno == 0 && *end == '\0' && *np <= max;
}
