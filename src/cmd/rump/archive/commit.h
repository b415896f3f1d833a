/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Carrying a layer over to the host: all of it or nothing, whenever it stops.
 *
 * What is new is staged first, beside the place where it will be and under a
 * name that begins with a dot (TEMP), so that each unit of the change is then
 * one rename: of what is new to its name, of what is deleted to the name that
 * begins with a dot, or of both at once.  Which units there are is in the
 * journal of the layer, with how far it is:
 *
 *	staging	  files are made that nobody sees; they can be removed
 *	ready	  all are there and safe; units are done, one after the other.
 *		  The inode at a name says whether its unit is done, so that
 *		  the rest can be done, or what was done undone
 *	applied	  all are done; what was before is removed
 *
 * commit_plan.c says what is to be done and whether it may be, commit_stage.c
 * makes the files, commit_journal.c does and undoes.  Functions that return int
 * give STATUS_*, after a complaint.
 */
#ifndef CMD_RUMP_COMMIT_H
#define CMD_RUMP_COMMIT_H

#include "cmd/rump/archive/layer.h"

#define TEMP ".rump-"

enum commit_state { COMMIT_STAGING, COMMIT_READY, COMMIT_APPLIED };

struct owner {
	mode_t o_mode;
	uid_t o_uid;
	gid_t o_gid;
};

/* One rename, or a change of a directory's attributes. */
struct unit {
	char u_kind;  /* A M T D as in a diff; or d: of a directory */
	char *u_path; /* below the root */
	char *u_temp; /* beside it; not for d */
	ino_t u_ino;  /* of what is new or, for D, of what was */
	struct owner u_was, u_is; /* for d */
};

struct commit {
	struct layer *c_layer;
	int c_root;
	enum commit_state c_state;
	bool c_force, c_own; /* the options; */
	char **c_paths;	     /* and the paths that were asked for */
	size_t c_npaths;
	bool c_readpaths; /* from the journal: allocated */
	struct layer_diff c_diff;
	bool *c_selected; /* of the diff */
	struct unit *c_units;
	size_t c_nunits;
	size_t c_mapped; /* files of root's that become the caller's */
};

/* commit_plan.c: c_diff, c_selected and c_units, after all checks. */
int commit_plan(struct commit *);
/* The change of a path, if it is selected, or NULL. */
const struct layer_change *
commit_change(const struct commit *, const char *path);
/* The selected change that a path is in and that is a unit; or NULL. */
const struct unit *commit_unit(const struct commit *, const char *path);
/* To whom a file will belong; false: the caller cannot give it away. */
bool commit_owner(const struct commit *, const struct stat *, uid_t *, gid_t *);
/* Take out of the layer what is on the host now: c_diff is what is not. */
int commit_forget(struct commit *);
void commit_free(struct commit *);

/* commit_stage.c: make all files; u_ino. */
int commit_stage(struct commit *);

/* commit_journal.c */
int journal_write(struct commit *, enum commit_state);
/* STATUS_OK also if there is none: then c_units is NULL. */
int journal_read(struct commit *);
int journal_remove(struct commit *);
int commit_apply(struct commit *);
int commit_undo(struct commit *);
/* Remove what is there under names of TEMP. */
int commit_clean(struct commit *);
/* Something was done that stays if we end now.  Tests have us end. */
void commit_step(void);

#endif /* CMD_RUMP_COMMIT_H */
