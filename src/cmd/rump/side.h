/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The two sides that files can be on, the kernel and the host, by the same
 * calls; and copying from one to the other.
 *
 * A path on the command line is one of the kernel, or with "host:" in front
 * one of the host.
 */
#ifndef CMD_RUMP_SIDE_H
#define CMD_RUMP_SIDE_H

#include "cmd/rump/tool.h"

/* As the calls of that name: -1 and errno. */
struct side {
	const char *s_prefix; /* of paths when they are shown */
	int (*s_open)(const char *, int flags, ... /* mode_t */);
	int (*s_openat)(int, const char *, int flags, ... /* mode_t */);
	int (*s_close)(int);
	ssize_t (*s_read)(int, void *, size_t);
	ssize_t (*s_write)(int, const void *, size_t);
	off_t (*s_lseek)(int, off_t, int);
	int (*s_ftruncate)(int, off_t);
	ssize_t (*s_getdents)(int, void *, size_t);
	int (*s_stat)(const char *, struct stat *);
	int (*s_lstat)(const char *, struct stat *);
	int (*s_fstat)(int, struct stat *);
	int (*s_mkdir)(const char *, mode_t);
	int (*s_mknod)(const char *, mode_t, dev_t);
	int (*s_symlink)(const char *, const char *);
	ssize_t (*s_readlink)(const char *, char *, size_t);
	int (*s_link)(const char *, const char *);
	int (*s_chmod)(const char *, mode_t);
	int (*s_lchown)(const char *, uid_t, gid_t);
	int (*s_utimensat)(int, const char *, const struct timespec *, int);
	int (*s_unlink)(const char *);
	int (*s_rmdir)(const char *);
};

extern const struct side kernel_side, host_side;

struct place {
	const struct side *p_side;
	const char *p_path;
};

struct place place_parse(const char *arg);

/*
 * The names in a directory but "." and "..", in order; the last is NULL.
 * NULL with errno set.  names_free frees them.
 */
char **side_list(const struct side *, const char *dir);
char **side_listat(const struct side *, int dirfd, const char *dir);
void side_listfree(char **names);

struct copy_options {
	bool co_recursive; /* directories, too; symbolic links stay that */
	bool co_preserve;  /* owner, mode and times */
	bool co_keep;	   /* what is there stays */
	bool co_verbose;
	bool co_quiet;	  /* no progress on a terminal */
	bool co_nofollow; /* not even a link that is named */
};

/* Copy a file or tree to what is or will be `to'.  A STATUS_*. */
int side_copy(struct place from, struct place to, const struct copy_options *);

/* Remove a file or, with what is in it, a directory.  A STATUS_*. */
int side_remove(const struct side *, const char *path, bool verbose);

#endif /* CMD_RUMP_SIDE_H */
