/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Layers: what programs have changed in a world, kept on the host.
 *
 * A layer NAME is a directory of that name in $XDG_STATE_HOME/rump/layers:
 *
 *	layer.tar	the layer, replaced as a whole
 *	layer.new	the one that is to replace it
 *	journal		there while a commit is going on or was interrupted
 *
 * Who changes something there, or is in the layer with `rump run', has locked
 * the directory (flock).  layer.tar is what the kernel had in WORLD_LAYER, as
 * an archive: the file `meta', below, and the directory `upper', that of the
 * overlay, in which are no redirects: what was in a directory that was renamed
 * is there as well.
 *
 * meta is a list of words, each with a NUL behind it: LAYER_MAGIC; what the
 * layer is seen above, LAYER_HOST or LAYER_ARCHIVE and the path of that; how
 * many files were changed; and for each path that the layer changes or hides,
 * and that is a file of the host, how that was before (struct layer_base).
 */
#ifndef CMD_RUMP_LAYER_H
#define CMD_RUMP_LAYER_H

#include "cmd/rump/tool.h"

#define LAYER_MAGIC   "rump-layer 1"
#define LAYER_HOST    "host"
#define LAYER_ARCHIVE "archive"
#define LAYER_NAMEMAX 64

struct archive;
struct archive_entry;

/* How a file of the host was when the layer began to differ from it. */
struct layer_base {
	char *lb_path; /* below the root, without a slash in front */
	char *lb_seen; /* base_text's, or that there was none, or: not known */
};

struct layer_xattr {
	char *lx_name;
	void *lx_value;
	size_t lx_size;
};

/* A file in the layer. */
struct layer_entry {
	char *le_path;	     /* below the root; "" is the root itself */
	char *le_link;	     /* of a symbolic link; or NULL */
	size_t le_first;     /* of the names of one file the first */
	struct stat le_stat; /* mode, owners, size, device, times */
	bool le_linked;	     /* it is the first of several names */
	bool le_whiteout;    /* there is no such file */
	bool le_opaque;	     /* nothing of the host is in it */
	struct layer_xattr *le_xattrs;
	size_t le_nxattrs;
};

struct layer {
	char *l_name;
	int l_dirfd;
	bool l_locked;
	bool l_exists;	/* it has been kept before */
	bool l_journal; /* a commit is going on, or was interrupted */
	char *l_root;	/* what it is above, on the host */
	bool l_archive; /* which is an archive */
	uint64_t l_count;
	struct layer_base *l_base;
	size_t l_nbase;
	size_t l_nsorted; /* the first are in order, by layer_sort */
	struct layer_entry *l_entries; /* after layer_read */
	size_t l_nentries;
};

/*
 * layer.c
 */

/* May a layer be called that?  Complains if not. */
bool layer_isname(const char *name);

/*
 * Open one that is there, or with make one that may be new, and lock it if
 * asked.  STATUS_OK, or STATUS_FAILED after a complaint.
 */
enum layer_open { LAYER_LOOK, LAYER_LOCK, LAYER_MAKE };
int layer_open(struct layer *, const char *name, enum layer_open);
/* A layer that was never kept leaves nothing. */
void layer_close(struct layer *);

/* Remove it, locked, with all that is kept of it. */
int layer_remove(struct layer *);

/* The names of all, in order; the last is NULL; side_listfree frees them. */
char **layer_list(void);

/* What was a path at first, or NULL; of those that are in order. */
const char *layer_seen(const struct layer *, const char *path);
/* Note that; layer_sort has it found. */
void layer_see(struct layer *, const char *path, const char *seen);
void layer_sort(struct layer *);

/* What is noted of a file; to be freed. */
char *base_text(const struct stat *);
#define BASE_NONE    "-" /* there was no file */
#define BASE_UNKNOWN "?" /* it changed while the program ran */

/*
 * layer_file.c: the archive.  All return STATUS_*, after a complaint.
 */

/* What meta says of a layer that exists; layer_open has done so. */
int layer_readmeta(struct layer *);

/*
 * Read all entries into l_entries.  fn is called for each when it has been
 * read, with its number, and can get the data of a regular file that is no
 * further name from the archive.  It returns 0, or whatever ends it all.
 */
typedef int
layer_read_fn(void *arg, struct layer *, size_t index, struct archive *);
int layer_read(struct layer *, layer_read_fn *, void *arg);

/*
 * Write the layer again, without the entries that keep says no to, and with
 * the words of meta as they are now.
 */
int
layer_rewrite(struct layer *, bool (*keep)(void *arg, size_t index), void *arg);

/* An entry of an archive that is written; false: archive_error_string. */
bool layer_write_header(struct archive *, struct archive_entry *);

/* The words of meta, in memory to be freed. */
char *layer_meta(const struct layer *, size_t *sizep);

/* layer.new is complete: it is layer.tar from now on. */
int layer_replace(struct layer *);

/*
 * layer_world.c: into a world and out of it
 */

/* Put it into WORLD_LAYER; it exists. */
int layer_enter(struct layer *);
/* Keep what is there now; began is when the program could first change it. */
int layer_save(struct layer *, const struct timespec *began);

/*
 * layer_diff.c: what is different on the host
 */
struct layer_change {
	char lc_kind; /* added, modified, deleted or another type: A M D T */
	char *lc_path;
	ssize_t lc_entry; /* its number, or -1: it is hidden by a directory */
	mode_t lc_type;	  /* S_IFMT bits: what it is, or was */
	bool lc_data;	  /* modified: not only attributes */
};

struct layer_diff {
	struct layer_change *ld_all; /* in the order of paths */
	size_t ld_count;
};

/* Reads the layer.  rootfd is that of l_root. */
int layer_diff(struct layer *, int rootfd, struct layer_diff *);
void layer_diff_free(struct layer_diff *);

/* Open l_root; -1 after a complaint. */
int layer_root(const struct layer *);

/*
 * The directory of the host that a path's last name is in, never through a
 * symbolic link: a descriptor to be closed, or -1.
 */
int host_parent(int rootfd, const char *path, const char **namep);
/* The same, and what is there. */
int host_lstat(int rootfd, const char *path, struct stat *);

/*
 * Call fn for what is below a directory of the host, and for it, before what
 * is in it.  0, or -1 with errno set.
 */
int host_walk(int rootfd, const char *path,
    void (*fn)(void *arg, const char *path, const struct stat *), void *arg);

#endif /* CMD_RUMP_LAYER_H */
