/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rump completion: for shells, out of the table of subcommands.
 */
#include "cmd/rump/tool.h"

static const char *
kind_name(enum complete kind)
{
	switch (kind) {
	case COMPLETE_PATH:
		return "path";
	case COMPLETE_COPY:
		return "copy";
	case COMPLETE_HOST:
		return "host";
	case COMPLETE_PID:
		return "pid";
	case COMPLETE_SYSCTL:
		return "sysctl";
	case COMPLETE_COMMAND:
		return "command";
	case COMPLETE_LAYER:
		return "layer";
	default:
		return "none";
	}
}

static void
put_options(const struct option_desc *o)
{
	(void)printf("--help");
	for (; o != NULL && o->o_what != NULL; o++) {
		if (o->o_short < 128)
			(void)printf(" -%c", o->o_short);
		if (o->o_long != NULL)
			(void)printf(" --%s", o->o_long);
	}
}

/* What each subcommand has: options, and what its arguments are. */
static void
put_tables(void)
{
	const struct command *c;

	(void)printf("_rump_commands='");
	for (c = command_first(); c != NULL; c = c->c_next)
		(void)printf(
		    "%s%s", c == command_first() ? "" : " ", c->c_name);
	(void)printf("'\n_rump_describe()\n{\n\tcase $1 in\n");
	for (c = command_first(); c != NULL; c = c->c_next) {
		(void)printf("\t%s) kind=%s options='", c->c_name,
		    kind_name(c->c_complete));
		put_options(c->c_options);
		(void)printf("' ;;\n");
	}
	(void)printf("\t*) kind=none options= ;;\n\tesac\n}\n");
}

static const char functions[] =
    "# Names in a directory of the kernel.\n"
    "_rump_paths()\n"
    "{\n"
    "\tlocal dir= IFS=$'\\n' name\n"
    "\t[[ $1 == */* ]] && dir=${1%/*}/\n"
    "\tfor name in $(\"${tool[@]}\" ls -1 -p -- \"${dir:-.}\" "
    "2>/dev/null); do\n"
    "\t\t[[ $dir$name == \"$1\"* ]] && COMPREPLY+=(\"$dir$name\")\n"
    "\tdone\n"
    "\t[[ ${COMPREPLY[0]} == */ ]] && compopt -o nospace\n"
    "\treturn 0\n"
    "}\n"
    "_rump()\n"
    "{\n"
    "\tlocal cur=$2 kind options command= i\n"
    "\tlocal -a tool=(\"${COMP_WORDS[0]}\")\n"
    "\tCOMPREPLY=()\n"
    "\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
    "\t\tcase ${COMP_WORDS[i]} in\n"
    "\t\t-s) tool+=(-s \"${COMP_WORDS[++i]}\") ;;\n"
    "\t\t-*) ;;\n"
    "\t\t*) command=${COMP_WORDS[i]}; break ;;\n"
    "\t\tesac\n"
    "\tdone\n"
    "\tif [[ -z $command ]]; then\n"
    "\t\tCOMPREPLY=($(compgen -W \"$_rump_commands -s --help --version\" "
    "-- \"$cur\"))\n"
    "\t\treturn 0\n"
    "\tfi\n"
    "\t_rump_describe \"$command\"\n"
    "\tif [[ $cur == -* ]]; then\n"
    "\t\tCOMPREPLY=($(compgen -W \"$options\" -- \"$cur\"))\n"
    "\t\treturn 0\n"
    "\tfi\n"
    "\tcase $kind in\n"
    "\tcommand)\n"
    "\t\tCOMPREPLY=($(compgen -W \"$_rump_commands\" -- \"$cur\")) ;;\n"
    "\tlayer)\n"
    "\t\tCOMPREPLY=($(compgen -W \"$(\"${tool[@]}\" list -q 2>/dev/null)\" "
    "-- \"$cur\")) ;;\n"
    "\tpid)\n"
    "\t\tCOMPREPLY=($(compgen -W \"$(\"${tool[@]}\" ps -q 2>/dev/null)\" "
    "-- \"$cur\")) ;;\n"
    "\tsysctl)\n"
    "\t\tCOMPREPLY=($(compgen -W \"$(\"${tool[@]}\" sysctl -N 2>/dev/null)\" "
    "-- \"$cur\")) ;;\n"
    "\tpath) _rump_paths \"$cur\" ;;\n"
    "\tcopy)\n"
    "\t\t# A colon ends a word: what is behind it is the host's.\n"
    "\t\tif [[ $cur == : || ${COMP_WORDS[COMP_CWORD - 1]} == : ]]; then\n"
    "\t\t\tCOMPREPLY=($(compgen -f -- \"${cur#:}\"))\n"
    "\t\t\tcompopt -o filenames\n"
    "\t\telse\n"
    "\t\t\t_rump_paths \"$cur\"\n"
    "\t\t\tif [[ -n $cur && host: == \"$cur\"* ]]; then\n"
    "\t\t\t\tCOMPREPLY+=(host:)\n"
    "\t\t\t\tcompopt -o nospace\n"
    "\t\t\tfi\n"
    "\t\tfi ;;\n"
    "\thost)\n"
    "\t\tCOMPREPLY=($(compgen -f -- \"$cur\"))\n"
    "\t\tcompopt -o filenames ;;\n"
    "\tesac\n"
    "\treturn 0\n"
    "}\n"
    "complete -F _rump rump\n";

static int
completion_run(const struct command *self, int argc, char **argv)
{
	if (command_getopt(self, argc, argv) != -1)
		return STATUS_USAGE;
	if (argc - optind != 1 || strcmp(argv[optind], "bash") != 0)
		return command_usage(self, "there is completion for bash only");
	(void)printf("# SPDX-License-Identifier: BSD-2-Clause\n"
		     "# Completion of rump(1) for bash, made by "
		     "`rump completion bash'.\n");
	put_tables();
	(void)fputs(functions, stdout);
	return STATUS_OK;
}

static struct command completion = {
    .c_name = "completion",
    .c_args = "bash",
    .c_brief = "print what a shell needs to complete command lines",
    .c_help = "Prints functions for bash that complete the command lines of "
	      "this tool: source <(rump completion bash).\nInstalled, they are "
	      "found by themselves.",
    .c_nokernel = true,
    .c_run = completion_run,
};
COMMAND(completion)
