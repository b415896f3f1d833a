/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The calls that trees are read and made with: the kernel's and the host's.
 */
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <sys/xattr.h>

#include <dirent.h>
#include <stdio.h>
#include <unistd.h>

#include <rump/rump_syscalls.h>

#include "image/image.h"

const struct fsops kernel_fsops = {
    .f_openat2 = rump_sys_openat2,
    .f_close = rump_sys_close,
    .f_getdents = rump_sys_getdents,
    .f_pread = rump_sys_pread,
    .f_pwrite = rump_sys_pwrite,
    .f_lseek = rump_sys_lseek,
    .f_ftruncate = rump_sys_ftruncate,
    .f_fstat = rump_sys_fstat,
    .f_fstatat = rump_sys_fstatat,
    .f_mkdirat = rump_sys_mkdirat,
    .f_mknodat = rump_sys_mknodat,
    .f_symlinkat = rump_sys_symlinkat,
    .f_readlinkat = rump_sys_readlinkat,
    .f_linkat = rump_sys_linkat,
    .f_unlinkat = rump_sys_unlinkat,
    .f_renameat = rump_sys_renameat,
    .f_fchown = rump_sys_fchown,
    .f_fchownat = rump_sys_fchownat,
    .f_fchmod = rump_sys_fchmod,
    .f_fchmodat = rump_sys_fchmodat,
    .f_futimens = rump_sys_futimens,
    .f_utimensat = rump_sys_utimensat,
    .f_flistxattr = rump_sys_flistxattr,
    .f_llistxattr = rump_sys_llistxattr,
    .f_fgetxattr = rump_sys_fgetxattr,
    .f_lgetxattr = rump_sys_lgetxattr,
    .f_fsetxattr = rump_sys_fsetxattr,
    .f_lsetxattr = rump_sys_lsetxattr,
};

static int
host_openat2(int dirfd, const char *path, struct open_how *how, size_t size)
{
	return (int)syscall(SYS_openat2, dirfd, path, how, size);
}

static int
host_getdents(int fd, char *buf, size_t len)
{
	return (int)getdents64(fd, buf, len);
}

const struct fsops host_fsops = {
    .f_openat2 = host_openat2,
    .f_close = close,
    .f_getdents = host_getdents,
    .f_pread = pread,
    .f_pwrite = pwrite,
    .f_lseek = lseek,
    .f_ftruncate = ftruncate,
    .f_fstat = fstat,
    .f_fstatat = fstatat,
    .f_mkdirat = mkdirat,
    .f_mknodat = mknodat,
    .f_symlinkat = symlinkat,
    .f_readlinkat = readlinkat,
    .f_linkat = linkat,
    .f_unlinkat = unlinkat,
    .f_renameat = renameat,
    .f_fchown = fchown,
    .f_fchownat = fchownat,
    .f_fchmod = fchmod,
    .f_fchmodat = fchmodat,
    .f_futimens = futimens,
    .f_utimensat = utimensat,
    .f_flistxattr = flistxattr,
    .f_llistxattr = llistxattr,
    .f_fgetxattr = fgetxattr,
    .f_lgetxattr = lgetxattr,
    .f_fsetxattr = fsetxattr,
    .f_lsetxattr = lsetxattr,
};

int
fs_open(const struct fsops *fs, int dirfd, const char *path, int flags,
    mode_t mode, int *fdp)
{
	struct open_how how = {
	    .flags = (uint64_t)(flags | O_CLOEXEC),
	    .mode = mode,
	    .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS,
	};

	if (*path == '\0')
		path = ".";
	*fdp = fs->f_openat2(dirfd, path, &how, sizeof(how));
	return *fdp < 0 ? errno : 0;
}

int
fs_top(const char *dir, int *fdp)
{
	*fdp = rump_sys_open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return *fdp < 0 ? image_report("", errno, NULL) : 0;
}
