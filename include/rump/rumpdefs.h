/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The RUMP_ names of constants.  All are equal to the host's: the kernel uses
 * the host's types, flags and error numbers everywhere.
 */
#ifndef RUMP_RUMPDEFS_H
#define RUMP_RUMPDEFS_H

#include <sys/ioctl.h>
#include <sys/stat.h>

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#define RUMP_O_RDONLY	 O_RDONLY
#define RUMP_O_WRONLY	 O_WRONLY
#define RUMP_O_RDWR	 O_RDWR
#define RUMP_O_ACCMODE	 O_ACCMODE
#define RUMP_O_CREAT	 O_CREAT
#define RUMP_O_EXCL	 O_EXCL
#define RUMP_O_TRUNC	 O_TRUNC
#define RUMP_O_APPEND	 O_APPEND
#define RUMP_O_NONBLOCK	 O_NONBLOCK
#define RUMP_O_DIRECTORY O_DIRECTORY
#define RUMP_O_CLOEXEC	 O_CLOEXEC
#define RUMP_O_SYNC	 O_SYNC
#define RUMP_O_NOCTTY	 O_NOCTTY

#define RUMP_AT_FDCWD AT_FDCWD

#define RUMP_F_DUPFD	     F_DUPFD
#define RUMP_F_DUPFD_CLOEXEC F_DUPFD_CLOEXEC
#define RUMP_F_GETFD	     F_GETFD
#define RUMP_F_SETFD	     F_SETFD
#define RUMP_F_GETFL	     F_GETFL
#define RUMP_F_SETFL	     F_SETFL
#define RUMP_FD_CLOEXEC	     FD_CLOEXEC

#define RUMP_S_IFMT   S_IFMT
#define RUMP_S_IFIFO  S_IFIFO
#define RUMP_S_IFCHR  S_IFCHR
#define RUMP_S_IFDIR  S_IFDIR
#define RUMP_S_IFBLK  S_IFBLK
#define RUMP_S_IFREG  S_IFREG
#define RUMP_S_IFLNK  S_IFLNK
#define RUMP_S_IFSOCK S_IFSOCK
#define RUMP_S_ISUID  S_ISUID
#define RUMP_S_ISGID  S_ISGID
#define RUMP_S_ISVTX  S_ISVTX

#define RUMP_SEEK_SET SEEK_SET
#define RUMP_SEEK_CUR SEEK_CUR
#define RUMP_SEEK_END SEEK_END

#define RUMP_POLLIN   POLLIN
#define RUMP_POLLPRI  POLLPRI
#define RUMP_POLLOUT  POLLOUT
#define RUMP_POLLERR  POLLERR
#define RUMP_POLLHUP  POLLHUP
#define RUMP_POLLNVAL POLLNVAL

#define RUMP_FIONREAD FIONREAD
#define RUMP_FIONBIO  FIONBIO

/*
 * How rump_sys_reboot ends the kernel: without a sync, for good, with what
 * the host keeps of a crash, and how the BSDs say that power is to go.  (BSD)
 */
#define RUMP_RB_AUTOBOOT  0
#define RUMP_RB_NOSYNC	  0x0004
#define RUMP_RB_HALT	  0x0008
#define RUMP_RB_DUMP	  0x0100
#define RUMP_RB_POWERDOWN 0x0808

/* Boot flags: rump_boot_sethowto. */
#define RUMP_AB_VERBOSE 0x00020000
#define RUMP_AB_DEBUG	0x00080000

#endif /* RUMP_RUMPDEFS_H */
