/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rump commit: have the host look like a layer.
 */
#include "cmd/rump/archive/commit.h"

enum { OPT_CONTINUE = 256, OPT_UNDO, OPT_FORCE, OPT_OWN };

static const struct option_desc options[] = {
    {'y', "yes", NULL, "do not ask"},
    {OPT_FORCE, "force", NULL, "also over what was changed on the host"},
    {OPT_OWN, "no-same-owner", NULL, "all files become the caller's"},
    {OPT_CONTINUE, "continue", NULL, "finish a commit that was interrupted"},
    {OPT_UNDO, "undo", NULL, "or have it never been"},
    {0},
};

/* What is done, if it is all that is asked. */
static bool
agreed(const struct commit *c, bool yes)
{
	const struct layer_change *lc;
	size_t i, n = 0;

	for (i = 0; i < c->c_diff.ld_count; i++) {
		lc = &c->c_diff.ld_all[i];
		if (!c->c_selected[i])
			continue;
		n++;
		(void)printf("%c ", lc->lc_kind);
		out_name(*lc->lc_path != '\0' ? lc->lc_path : ".");
		(void)printf("%s\n", S_ISDIR(lc->lc_type) ? "/" : "");
	}
	if (c->c_mapped > 0)
		complain("%zu files that are root's in the layer, or somebody "
			 "else's, become yours",
		    c->c_mapped);
	return yes ||
	       tool_ask("Do these %zu changes to %s?", n, c->c_layer->l_root);
}

/* All are in place: what was before goes, and the layer has less to do. */
static int
finish(struct commit *c)
{
	struct commit left = {.c_layer = c->c_layer,
	    .c_root = c->c_root,
	    .c_units = c->c_units,
	    .c_nunits = c->c_nunits};
	int status;

	if (commit_clean(c) != STATUS_OK)
		return STATUS_FAILED;
	status = layer_diff(c->c_layer, c->c_root, &left.c_diff);
	if (status == STATUS_OK)
		status = commit_forget(&left);
	layer_diff_free(&left.c_diff);
	if (status != STATUS_OK)
		return status;
	commit_step();
	return journal_remove(c);
}

static int
apply(struct commit *c)
{
	if (commit_apply(c) == STATUS_OK &&
	    journal_write(c, COMMIT_APPLIED) == STATUS_OK)
		return finish(c);
	c->c_state = COMMIT_READY;
	if (commit_undo(c) == STATUS_OK)
		complain("%s: nothing has been changed", c->c_layer->l_name);
	else
		complain("%s: is neither done nor undone: when the cause is "
			 "removed, rump commit --continue or --undo",
		    c->c_layer->l_name);
	return STATUS_FAILED;
}

/* From the beginning. */
static int
commit_new(struct commit *c, bool yes)
{
	if (commit_plan(c) != STATUS_OK)
		return STATUS_FAILED;
	if (c->c_nunits == 0) {
		(void)printf("nothing to be done\n");
		return STATUS_OK;
	}
	if (!agreed(c, yes))
		return STATUS_FAILED;
	if (journal_write(c, COMMIT_STAGING) != STATUS_OK)
		return STATUS_FAILED;
	if (commit_stage(c) == STATUS_OK &&
	    journal_write(c, COMMIT_READY) == STATUS_OK)
		return apply(c);
	c->c_state = COMMIT_STAGING;
	if (commit_undo(c) == STATUS_OK)
		complain("%s: nothing has been changed", c->c_layer->l_name);
	return STATUS_FAILED;
}

static int
commit_again(struct commit *c)
{
	switch (c->c_state) {
	case COMMIT_STAGING:
		if (commit_undo(c) != STATUS_OK)
			return STATUS_FAILED;
		commit_free(c);
		return commit_new(c, true);
	case COMMIT_READY:
		return apply(c);
	default:
		return finish(c);
	}
}

static int
commit_layer(struct commit *c, int way, bool yes)
{
	if ((c->c_root = layer_root(c->c_layer)) == -1)
		return STATUS_FAILED;
	if (journal_read(c) != STATUS_OK)
		return STATUS_FAILED;
	if (c->c_layer->l_journal && way == 0) {
		complain("%s: a commit was interrupted; --continue finishes "
			 "it, --undo takes it back",
		    c->c_layer->l_name);
		return STATUS_FAILED;
	}
	if (way != 0 && !c->c_layer->l_journal) {
		complain("%s: no commit was interrupted", c->c_layer->l_name);
		return STATUS_FAILED;
	}
	return way == OPT_UNDO	     ? commit_undo(c)
	       : way == OPT_CONTINUE ? commit_again(c)
				     : commit_new(c, yes);
}

static int
commit_run(const struct command *self, int argc, char **argv)
{
	struct layer l;
	struct commit c = {.c_layer = &l, .c_root = -1};
	int opt, way = 0, status;
	bool yes = false;

	while ((opt = command_getopt(self, argc, argv)) != -1)
		switch (opt) {
		case 'y':
			yes = true;
			break;
		case OPT_FORCE:
			c.c_force = true;
			break;
		case OPT_OWN:
			c.c_own = true;
			break;
		case OPT_CONTINUE:
		case OPT_UNDO:
			if (way != 0 && way != opt)
				return command_usage(
				    self, "--continue or --undo, not both");
			way = opt;
			break;
		default:
			return STATUS_USAGE;
		}
	if (optind == argc)
		return command_usage(self, "what layer?");
	c.c_paths = argv + optind + 1;
	c.c_npaths = (size_t)(argc - optind - 1);
	if (way != 0 && c.c_npaths > 0)
		return command_usage(self, "with --continue and --undo, no "
					   "paths");
	if (layer_open(&l, argv[optind], LAYER_LOCK) != STATUS_OK)
		return STATUS_FAILED;
	status = commit_layer(&c, way, yes);
	commit_free(&c);
	while (c.c_readpaths && c.c_npaths > 0)
		free(c.c_paths[--c.c_npaths]);
	if (c.c_readpaths)
		free(c.c_paths);
	if (c.c_root != -1)
		(void)close(c.c_root);
	layer_close(&l);
	return status;
}

static struct command commit_command = {
    .c_name = "commit",
    .c_args = "[-y] [--force] [--no-same-owner] NAME [PATH ...]\n"
	      "       rump commit --continue | --undo NAME",
    .c_brief = "do to the host what a layer changes",
    .c_help = "Does to the host what rump diff lists, or of that what is at "
	      "these paths or below: all of it, or nothing. Shows it and asks "
	      "before, on a terminal; elsewhere --yes has to be given. What "
	      "has been done is not in the layer any more. Nothing is done if "
	      "the host's files have been changed since the layer began, or if "
	      "a file cannot be given to whom it belongs. When it was "
	      "interrupted, by a crash of the host too, --continue finishes "
	      "it, and --undo has everything as it was.",
    .c_options = options,
    .c_complete = COMPLETE_LAYER,
    .c_nokernel = true,
    .c_run = commit_run,
};
COMMAND(commit_command)
