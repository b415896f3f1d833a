/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What rump_sys_mount is given, and what getvfsstat gives.
 *
 *	rump_sys_mount(type, dir, flags, data, len)
 *
 * data is an option string of len bytes, "size=64m,mode=755", as mount(8) on
 * Linux has it; or the structure of the type, below, with len its size.  An
 * option string that has just the size of a structure is told apart by what
 * the structure begins with, a version or a pointer, which no text begins with.
 * Types, options and errors: rump_mount(3).
 */
#ifndef RUMP_RUMP_MOUNT_H
#define RUMP_RUMP_MOUNT_H

#include <sys/statvfs.h>
#include <sys/types.h>

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Flags of mount: the host's MS_*.  (BSD names, Linux values) */
#define RUMP_MNT_RDONLY	 0x0001
#define RUMP_MNT_NOSUID	 0x0002
#define RUMP_MNT_NODEV	 0x0004
#define RUMP_MNT_NOEXEC	 0x0008
#define RUMP_MNT_UPDATE	 0x0020 /* change flags or options of a mount */
#define RUMP_MNT_NOATIME 0x0400

/* Flags of unmount: the host's MNT_FORCE, MNT_DETACH.  (Linux) */
#define RUMP_MNT_FORCE	0x0001 /* also if it is in use */
#define RUMP_MNT_DETACH 0x0002 /* the same: it goes when it is unused */

#ifndef MNT_RDONLY
#define MNT_RDONLY  RUMP_MNT_RDONLY
#define MNT_NOSUID  RUMP_MNT_NOSUID
#define MNT_NODEV   RUMP_MNT_NODEV
#define MNT_NOEXEC  RUMP_MNT_NOEXEC
#define MNT_UPDATE  RUMP_MNT_UPDATE
#define MNT_NOATIME RUMP_MNT_NOATIME
#endif

/* "tmpfs": a maximum of zero means that there is no limit.  (NetBSD) */
#define TMPFS_ARGS_VERSION 1
struct tmpfs_args {
	int ta_version;	    /* TMPFS_ARGS_VERSION */
	ino_t ta_nodes_max; /* files */
	off_t ta_size_max;  /* bytes of data */
	uid_t ta_root_uid;
	gid_t ta_root_gid;
	mode_t ta_root_mode;
};

/* "null": the directory or file that is shown again.  (NetBSD) */
struct null_args {
	char *nulla_target;
};

/*
 * "umap": the same, and pairs of {id in the target, id shown}, at most 1024 of
 * each kind.  (NetBSD)
 */
struct umap_args {
	char *umap_target;
	int nentries;		 /* of mapdata */
	int gnentries;		 /* of gmapdata */
	uint64_t (*mapdata)[2];	 /* users */
	uint64_t (*gmapdata)[2]; /* groups */
};

/*
 * "union" and "overlay": the target is shown above what the directory has, or
 * below it; changes go to the upper one.  (BSD)
 */
#define UNMNT_ABOVE 1
#define UNMNT_BELOW 2
struct union_args {
	char *target;
	int mntflags; /* UNMNT_* */
};

/*
 * What getvfsstat gives for a mount: strings that are terminated, and cut if
 * they are longer.  (after NetBSD's statvfs)
 */
struct rump_vfsstat {
	struct statvfs vs_statvfs;
	char vs_fstypename[32];	  /* "tmpfs" */
	char vs_mntfromname[128]; /* a path of the host or here, or the type */
	char vs_mntonname[1024];  /* as the calling process sees it */
};

#ifdef __cplusplus
}
#endif

#endif /* RUMP_RUMP_MOUNT_H */
