/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rump discard: remove layers.
 */
#include "cmd/rump/archive/layer.h"

static const struct option_desc options[] = {
    {'y', "yes", NULL, "do not ask"},
    {0},
};

static int
discard(const char *name, bool yes)
{
	struct layer l;
	int status;

	if (layer_open(&l, name, LAYER_LOCK) != STATUS_OK)
		return STATUS_FAILED;
	if (l.l_journal) {
		complain("%s: a commit was interrupted; rump commit --continue "
			 "or --undo first",
		    name);
		status = STATUS_FAILED;
	} else if (!yes && !tool_ask("Discard %s, with %llu changes?", name,
			       (unsigned long long)l.l_count))
		status = STATUS_FAILED;
	else
		status = layer_remove(&l);
	layer_close(&l);
	return status;
}

static int
discard_run(const struct command *self, int argc, char **argv)
{
	int opt, i, status = STATUS_OK;
	bool yes = false;

	while ((opt = command_getopt(self, argc, argv)) != -1)
		switch (opt) {
		case 'y':
			yes = true;
			break;
		default:
			return STATUS_USAGE;
		}
	if (optind == argc)
		return command_usage(self, "what layers?");
	for (i = optind; i < argc; i++)
		if (discard(argv[i], yes) != STATUS_OK)
			status = STATUS_FAILED;
	return status;
}

static struct command discard_command = {
    .c_name = "discard",
    .c_args = "[-y] NAME ...",
    .c_brief = "remove layers that are kept",
    .c_help = "Removes layers that rump run --keep has kept, for good. Asks "
	      "before, on a terminal; elsewhere --yes has to be given.",
    .c_options = options,
    .c_complete = COMPLETE_LAYER,
    .c_nokernel = true,
    .c_run = discard_run,
};
COMMAND(discard_command)
