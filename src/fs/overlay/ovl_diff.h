/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The list of what has been changed: between ovl_diff.c and ovl_apply.c.
 *
 * The list is also that of directories to look into: it grows at its end while
 * it is gone through.  Directories that did not change are in it without being
 * told of.
 */
#ifndef FS_OVERLAY_OVL_DIFF_H
#define FS_OVERLAY_OVL_DIFF_H

#include <rump/rump_overlay.h>

#include "fs/overlay/overlay.h"

struct change {
	struct change *ch_next;
	struct ovl_node *ch_node; /* what is seen, or NULL */
	struct change *ch_same;	  /* ovl_apply.c: with the same hash of it */
	bool ch_told;
	bool ch_fresh; /* nothing below counts: all that is in it is added */
	enum rump_overlay_kind ch_kind;
	mode_t ch_type;
	size_t ch_len;
	char ch_path[];
};

struct diff {
	struct change *df_first, **df_last;
	struct change *df_at; /* the directory that is looked into */
	int df_error;
};

/*
 * All that has been changed in the overlay at dir.  Its nodes are good until
 * the section ends.  Whatever it returns, ovl_diff_free is called.
 */
int ovl_diff_list(struct lwp *, const char *dir, struct diff *);
void ovl_diff_free(struct diff *);

#endif /* FS_OVERLAY_OVL_DIFF_H */
