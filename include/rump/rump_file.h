/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Constants and structures of calls on files that the BSDs have and the host
 * has not.
 */
#ifndef RUMP_RUMP_FILE_H
#define RUMP_RUMP_FILE_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * fsync_range: one of the first two, and perhaps the third, which is always
 * the case.  (NetBSD)
 */
#define RUMP_FDATASYNC 0x0010
#define RUMP_FFILESYNC 0x0020
#define RUMP_FDISKSYNC 0x0040

/*
 * chflags: as the host has but three such flags, UF_ and SF_ are the same
 * here, and only root sets or clears others than UF_NODUMP.  (BSD names and
 * values; rights as on Linux)
 */
#define RUMP_UF_NODUMP	  0x00000001
#define RUMP_UF_IMMUTABLE 0x00000002
#define RUMP_UF_APPEND	  0x00000004
#define RUMP_SF_IMMUTABLE 0x00020000
#define RUMP_SF_APPEND	  0x00040000

#ifndef UF_NODUMP
#define UF_NODUMP    RUMP_UF_NODUMP
#define UF_IMMUTABLE RUMP_UF_IMMUTABLE
#define UF_APPEND    RUMP_UF_APPEND
#define SF_IMMUTABLE RUMP_SF_IMMUTABLE
#define SF_APPEND    RUMP_SF_APPEND
#endif

/*
 * extattr_*: attributes whose names begin with "user." and "system." for
 * getxattr; here they are without.  (BSD)
 */
#define RUMP_EXTATTR_NAMESPACE_USER   1
#define RUMP_EXTATTR_NAMESPACE_SYSTEM 2

#ifndef EXTATTR_NAMESPACE_USER
#define EXTATTR_NAMESPACE_USER	 RUMP_EXTATTR_NAMESPACE_USER
#define EXTATTR_NAMESPACE_SYSTEM RUMP_EXTATTR_NAMESPACE_SYSTEM
#endif

/*
 * What getfh gives: names a file for as long as it is there, whatever its
 * path.  Nothing but its size is of interest to a program.
 */
struct rump_fhandle {
	uint64_t fh_fsid;
	uint64_t fh_id[2];
};

#ifdef __cplusplus
}
#endif

#endif /* RUMP_RUMP_FILE_H */
