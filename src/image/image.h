/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Images: a source of entries and a sink for them.
 *
 * Sources are an archive (load.c) and a tree of files (walk.c), sinks are an
 * archive (store.c) and a tree (put.c).  A tree is the kernel's or the host's:
 * both have the same calls, named by a table (fsops.c).  An entry passes from
 * one to the other as soon as it is known; nothing holds the whole image.
 *
 * Everything here belongs to one call by one host thread.
 */
#ifndef IMAGE_IMAGE_H
#define IMAGE_IMAGE_H

#include <sys/stat.h>
#include <sys/types.h>

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rump/rump_image.h>

struct open_how;

/*
 * The call that is going on
 */
struct image {
	unsigned im_flags;
	bool im_fatal; /* the image itself is broken: no use to go on */
	locale_t im_locale, im_before;
};

/*
 * Begin and end a call, which knows the flags in `known'.  Between them names
 * are bytes to libarchive, or with utf8, where it writes, what they look like.
 */
int image_begin(struct image *, unsigned flags, unsigned known, bool utf8);
void image_end(struct image *);

/* Tell about an error; returns it. */
int image_report(const char *path, int error, const char *why);

/* The same of one file, without which the call can go on: 0 if it shall. */
int image_skip(struct image *, const char *path, int error, const char *why);

/*
 * Trees
 */
struct fsops {
	int (*f_openat2)(int, const char *, struct open_how *, size_t);
	int (*f_close)(int);
	int (*f_getdents)(int, char *, size_t);
	ssize_t (*f_pread)(int, void *, size_t, off_t);
	ssize_t (*f_pwrite)(int, const void *, size_t, off_t);
	off_t (*f_lseek)(int, off_t, int);
	int (*f_ftruncate)(int, off_t);
	int (*f_fstat)(int, struct stat *);
	int (*f_fstatat)(int, const char *, struct stat *, int);
	int (*f_mkdirat)(int, const char *, mode_t);
	int (*f_mknodat)(int, const char *, mode_t, dev_t);
	int (*f_symlinkat)(const char *, int, const char *);
	ssize_t (*f_readlinkat)(int, const char *, char *, size_t);
	int (*f_linkat)(int, const char *, int, const char *, int);
	int (*f_unlinkat)(int, const char *, int);
	int (*f_renameat)(int, const char *, int, const char *);
	int (*f_fchown)(int, uid_t, gid_t);
	int (*f_fchownat)(int, const char *, uid_t, gid_t, int);
	int (*f_fchmod)(int, mode_t);
	int (*f_fchmodat)(int, const char *, mode_t, int);
	int (*f_futimens)(int, const struct timespec *);
	int (*f_utimensat)(int, const char *, const struct timespec *, int);
	ssize_t (*f_flistxattr)(int, char *, size_t);
	ssize_t (*f_llistxattr)(const char *, char *, size_t);
	ssize_t (*f_fgetxattr)(int, const char *, void *, size_t);
	ssize_t (*f_lgetxattr)(const char *, const char *, void *, size_t);
	int (*f_fsetxattr)(int, const char *, const void *, size_t, int);
	int (*f_lsetxattr)(
	    const char *, const char *, const void *, size_t, int);
};

extern const struct fsops kernel_fsops, host_fsops;

/*
 * Open a path below dirfd, which leads neither out of it nor through symbolic
 * links.  Returns 0 or an errno.
 */
int fs_open(const struct fsops *, int dirfd, const char *path, int flags,
    mode_t mode, int *fdp);

/* Open the kernel's directory that is the top of a tree. */
int fs_top(const char *dir, int *fdp);

/*
 * Entries
 */
struct xattr {
	char *x_name;
	void *x_value;
	size_t x_size;
};

struct xattrs {
	struct xattr *xs_all;
	size_t xs_count;
};

struct imgentry {
	const char *e_path;	    /* clean, from the top; "" is the top */
	const char *e_link;	    /* what a link leads to: see e_hard */
	bool e_hard;		    /* another name for e_link, a clean path */
	struct stat e_stat;	    /* mode, uid, gid, rdev, size */
	struct timespec e_times[2]; /* for utimensat */
	struct xattrs e_xattrs;

	/* The next piece of a regular file's data; *len is 0 at its end. */
	int (*e_read)(void *arg, const void **bufp, size_t *lenp, off_t *offp);
	void *e_arg;
};

/*
 * path.c
 *
 * Make a clean path of one from an archive: no empty names, no ".", and
 * `strip' names taken off its front; NULL if that leaves nothing.  EXDEV: it
 * is absolute, or has "..".
 */
int path_clean(const char *path, unsigned strip, char **cleanp);

/* Path and name with a slash between them, in memory to be freed, or NULL. */
char *path_join(const char *path, const char *name);

/*
 * xattr.c: of an open file or, if path is not NULL, of that one.  Buf, with
 * room for XATTRS_BUF bytes, is for xattrs_read to use.
 */
#define XATTRS_BUF ((size_t)2 * 65536)
int
xattrs_add(struct xattrs *, const char *name, const void *value, size_t size);
void xattrs_clear(struct xattrs *);
int xattrs_read(
    const struct fsops *, int fd, const char *path, char *buf, struct xattrs *);
int xattrs_write(struct image *, const struct fsops *, int fd, const char *path,
    const struct imgentry *);

/*
 * walk.c: a tree as a source.  Directories come before what is in them, names
 * in the order of their bytes.
 */
struct walk {
	struct image *w_im;
	const struct fsops *w_fs;
	int w_top;	    /* its top, the caller's, */
	const char *w_name; /* and a path of that */
	dev_t w_dev;
	char **w_todo; /* paths, the next one last */
	size_t w_count, w_room;
	void *w_links; /* files with more names: tsearch(3) */
	char *w_buf;   /* a piece of data, or of a directory */

	/* The entry that was given last. */
	struct imgentry w_entry;
	char *w_path;
	char *w_link;
	int w_fd; /* a regular file, or -1 */
	bool w_sparse;
	off_t w_off, w_end; /* data to be read next, and its end */
};

int walk_init(struct walk *, struct image *, const struct fsops *, int top,
    const char *name);
void walk_fini(struct walk *);

/* The next entry, until the next call; NULL at the end. */
int walk_next(struct walk *, const struct imgentry **);

/* The next stretch of data of the entry's file at *offp or after it. */
int walk_extent(struct walk *, off_t *offp, off_t *endp);

/*
 * put.c: a tree as a sink
 */
struct putdir;
struct put {
	struct image *p_im;
	const struct fsops *p_fs;
	int p_top;	    /* the caller's, */
	const char *p_name; /* and a path of that */
	struct putdir *p_dirs;
	unsigned long p_temps; /* names that were made up */
};

void put_init(struct put *, struct image *, const struct fsops *, int top,
    const char *name);
int put_entry(struct put *, const struct imgentry *);

/* What can be done only at the end; also after an error. */
int put_fini(struct put *);

#endif /* IMAGE_IMAGE_H */
