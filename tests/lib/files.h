/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the programs about files share: a place to work in, and what is there.
 */
#ifndef TESTS_LIB_FILES_H
#define TESTS_LIB_FILES_H

#include <sys/stat.h>

#include <fcntl.h>
#include <limits.h>

#include "tc.h"

/* Boot, and be a process whose directory is /t, which is empty. */
static inline void
start(void)
{
	rump_boot_setsigmodel(RUMP_SIGMODEL_IGNORE);
	boot();
	(void)newproc(RUMP_RFCFDG);
	(void)rump_sys_umask(0);
	T_OK(rump_sys_mkdir("/t", 0777));
	T_OK(rump_sys_chdir("/t"));
}

/* A new file, open for reading and writing. */
static inline int
make_open(const char *path, mode_t mode)
{
	return (int)T_OK(rump_sys_open(path, O_RDWR | O_CREAT | O_EXCL, mode));
}

static inline void
make_file(const char *path, mode_t mode)
{
	T_OK(rump_sys_close(make_open(path, mode)));
}

static inline bool
exists(const char *path)
{
	struct stat sb;

	return rump_sys_lstat(path, &sb) == 0;
}

static inline struct stat
stat_of(const char *path)
{
	struct stat sb;

	T_OK(rump_sys_lstat(path, &sb));
	return sb;
}

static inline ino_t
ino_of(const char *path)
{
	return stat_of(path).st_ino;
}

static inline nlink_t
nlink_of(const char *path)
{
	return stat_of(path).st_nlink;
}

#define T_MODE(want, path) T_EQ(want, stat_of(path).st_mode & 07777)

#define T_CWD(want)                                              \
	do {                                                     \
		char tc_buf[PATH_MAX];                           \
		T_OK(rump_sys___getcwd(tc_buf, sizeof(tc_buf))); \
		ATF_REQUIRE_STREQ(want, tc_buf);                 \
	} while (0)

#endif /* TESTS_LIB_FILES_H */
