/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rump batch: several subcommands one after the other.
 */
#include <ctype.h>

#include "cmd/rump/tool.h"
#include "cmd/rump/whole.h"

#define MAXWORDS 256

static const struct option_desc options[] = {
    {'k', "keep-going", NULL, "go on after a subcommand that failed"},
    {0},
};

/*
 * Cut a line into words, in place, as a shell does it: blanks separate, ' and
 * " and \ quote, # begins a comment.  The number of words; -1: a quote is not
 * closed, -2: too many.
 */
static int
split(char *line, char **words)
{
	char *in = line, *out = line, quote = '\0';
	bool inword = false;
	int n = 0;

	for (; *in != '\0'; in++) {
		if (quote == '\0' && isspace((unsigned char)*in)) {
			if (inword)
				*out++ = '\0';
			inword = false;
			continue;
		}
		if (quote == '\0' && *in == '#' && !inword)
			break;
		if (!inword) {
			if (n == MAXWORDS)
				return -2;
			inword = true;
			words[n++] = out;
		}
		if (*in == '\\' && quote != '\'' && in[1] != '\0')
			*out++ = *++in;
		else if (quote == '\0' && (*in == '\'' || *in == '"'))
			quote = *in;
		else if (*in == quote)
			quote = '\0';
		else
			*out++ = *in;
	}
	*out = '\0';
	words[n] = NULL;
	return quote != '\0' ? -1 : n;
}

static int
run_line(const struct command *self, char *line, unsigned long number)
{
	char *words[MAXWORDS + 1];
	int n = split(line, words);

	if (n < 0) {
		complain("line %lu: %s", number,
		    n == -1 ? "a quote is not closed" : "too many words");
		return STATUS_USAGE;
	}
	if (n == 0)
		return STATUS_OK;
	if (strcmp(words[0], self->c_name) == 0) {
		complain("line %lu: %s in itself", number, self->c_name);
		return STATUS_USAGE;
	}
	return command_run(n, words);
}

static int
run_lines(const struct command *self, FILE *f, const char *name, bool keep)
{
	int status = STATUS_OK, s;
	unsigned long number = 0;
	char *line = NULL;
	size_t size = 0;

	while ((keep || status == STATUS_OK) && getline(&line, &size, f) > 0) {
		s = run_line(self, line, ++number);
		if (s != STATUS_OK) {
			status = s;
			complain("%s: line %lu failed", name, number);
		}
		/* What it printed is before what the next one complains of. */
		if (fflush(stdout) != 0)
			break;
	}
	if (ferror(f))
		status = complain_errno(name);
	free(line);
	return status;
}

static int
batch_run(const struct command *self, int argc, char **argv)
{
	bool keep = false;
	int opt, status;
	const char *name;
	FILE *f = stdin;

	while ((opt = command_getopt(self, argc, argv)) != -1)
		if (opt == 'k')
			keep = true;
		else
			return STATUS_USAGE;
	if (argc - optind > 1)
		return command_usage(self, "one file, or standard input");
	/* What is read is read once. */
	whole_program();
	name = optind < argc && strcmp(argv[optind], "-") != 0 ? argv[optind]
							       : NULL;
	if (name != NULL && (f = fopen(name, "re")) == NULL)
		return complain_errno(name);
	status =
	    run_lines(self, f, name != NULL ? name : "standard input", keep);
	if (f != stdin)
		(void)fclose(f);
	return status;
}

static struct command batch = {
    .c_name = "batch",
    .c_args = "[-k] [FILE]",
    .c_brief = "run subcommands out of a file",
    .c_help = "Runs the subcommands that a file of the host or standard input "
	      "has, one a line, by one connection, until one fails. Words are "
	      "quoted as in a shell; # begins a comment.",
    .c_options = options,
    .c_complete = COMPLETE_HOST,
    .c_run = batch_run,
};
COMMAND(batch)
