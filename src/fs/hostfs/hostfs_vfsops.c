/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mounting a directory of the host.  Options:
 *
 *	path=DIR	the directory, as the host process names it; DIR alone,
 *			if it begins with a slash, is the same without options
 *	ro		as the flag MNT_RDONLY
 *	uid=N, gid=N	shown as the owner and group of everything
 *	nosubdirs	what is in it, but no directories
 *	attrtime=N	attributes are believed for N milliseconds; read-only
 */
#include <stdio.h>

#include "fs/hostfs/hostfs.h"
#include "vfs/mountopt.h"

#include <rump/rump_mount.h>

extern const struct vfsops hostfs_vfsops;

struct hostfs_options {
	struct mountstr ho_path;
	uint32_t ho_uid, ho_gid;
	uint64_t ho_attrtime;
};

/* An hour. */
#define ATTRTIME_MOST 3600000u

enum {
	OPT_PATH,
	OPT_RO,
	OPT_RW,
	OPT_UID,
	OPT_GID,
	OPT_NOSUBDIRS,
	OPT_ATTRTIME
};

static const struct mountopt options[] = {
    [OPT_PATH] = {"path", MOUNTOPT_STRING,
	offsetof(struct hostfs_options, ho_path)},
    [OPT_RO] = {"ro", MOUNTOPT_FLAG, 0},
    [OPT_RW] = {"rw", MOUNTOPT_FLAG, 0},
    [OPT_UID] = {"uid", MOUNTOPT_ID, offsetof(struct hostfs_options, ho_uid)},
    [OPT_GID] = {"gid", MOUNTOPT_ID, offsetof(struct hostfs_options, ho_gid)},
    [OPT_NOSUBDIRS] = {"nosubdirs", MOUNTOPT_FLAG, 0},
    [OPT_ATTRTIME] = {"attrtime", MOUNTOPT_NUMBER,
	offsetof(struct hostfs_options, ho_attrtime)},
};

/* What the data says: options of hm, the directory in path. */
static int
options_parse(
    struct mountargs *ma, struct hostfs_mount *hm, char path[PATH_MAX])
{
	struct hostfs_options ho;
	uint32_t seen;
	int error;

	if (ma->ma_data[0] == '/') {
		if (strlen(ma->ma_data) >= PATH_MAX)
			return ENAMETOOLONG;
		(void)strcpy(path, ma->ma_data);
		return 0;
	}
	error =
	    mountopt_parse(options, nitems(options), ma->ma_data, &ho, &seen);
	if (error != 0 || (seen & 1u << OPT_PATH) == 0)
		return EINVAL;
	if ((seen & 1u << OPT_RO) != 0)
		ma->ma_flags |= RUMP_MNT_RDONLY;
	if ((seen & 1u << OPT_ATTRTIME) != 0) {
		/* What is changed through us has other attributes at once. */
		if (ho.ho_attrtime > ATTRTIME_MOST ||
		    (ma->ma_flags & RUMP_MNT_RDONLY) == 0)
			return EINVAL;
		hm->hm_attrtime = (int64_t)ho.ho_attrtime * 1000000;
	}
	hm->hm_setuid = (seen & 1u << OPT_UID) != 0;
	hm->hm_setgid = (seen & 1u << OPT_GID) != 0;
	if (hm->hm_setuid)
		hm->hm_uid = ho.ho_uid;
	if (hm->hm_setgid)
		hm->hm_gid = ho.ho_gid;
	hm->hm_nosubdirs = (seen & 1u << OPT_NOSUBDIRS) != 0;
	return mountstr_copy(&ho.ho_path, path, PATH_MAX);
}

/* Where it is, for hostfs_hostdir. */
static void
path_note(struct hostfs_mount *hm, const char *path)
{
	size_t len = strlen(path);

	while (len > 0 && path[len - 1] == '/')
		len--;
	(void)snprintf(hm->hm_path, sizeof(hm->hm_path), "%.*s",
	    path[0] == '/' && len < sizeof(hm->hm_path) ? (int)len : 1,
	    path[0] == '/' && len < sizeof(hm->hm_path) ? path : "?");
}

static int
hostfs_mount(struct mountargs *ma, struct super **sbp)
{
	struct hostfs_mount *hm = kmem_zalloc(sizeof(*hm));
	struct hostfs_node *root;
	char path[PATH_MAX];
	int fd, error;

	if (hm == NULL)
		return ENOMEM;
	hm->hm_super.sb_ops = &hostfs_vfsops;
	hm->hm_super.sb_dev = ma->ma_dev;
	hm->hm_super.sb_rename = &hm->hm_super.sb_mutex;
	if ((error = options_parse(ma, hm, path)) != 0 ||
	    (error = hostfs_open(
		 HYPER_FILE_NONE, path, O_PATH | O_DIRECTORY, 0, &fd)) != 0)
		goto fail;
	if ((error = hostfs_node_root(hm, fd, &root)) != 0) {
		hyper_file_close(fd);
		goto fail;
	}
	(void)snprintf(ma->ma_from, MNT_FROMLEN, "%.*s", MNT_FROMLEN - 1, path);
	path_note(hm, path);
	hm->hm_super.sb_root = hn_vnode(root);
	*sbp = &hm->hm_super;
	return 0;

fail:
	kmem_free(hm, sizeof(*hm));
	return error;
}

static void
hostfs_smrfree(struct smr_item *si)
{
	kmem_free(container_of(si, struct hostfs_mount, hm_smr),
	    sizeof(struct hostfs_mount));
}

static void
hostfs_unmount(struct super *sb)
{
	struct hostfs_mount *hm =
	    container_of(sb, struct hostfs_mount, hm_super);

	vcache_purge(sb);
	vnode_rele(sb->sb_root);
	smr_retire(&hm->hm_smr, hostfs_smrfree);
}

static int
hostfs_statvfs(struct super *sb, struct statvfs *to)
{
	struct hostfs_node *root = vp_to_hn(sb->sb_root);
	struct statvfs from;
	int fd, error;

	if ((error = hostfs_get(root, HF_PATH, &fd)) != 0)
		return error;
	error = hyper_file_statvfs(fd, &from);
	hostfs_put(root, HF_PATH);
	if (error != 0)
		return error;
	to->f_bsize = from.f_bsize;
	to->f_frsize = from.f_frsize;
	to->f_blocks = from.f_blocks;
	to->f_bfree = from.f_bfree;
	to->f_bavail = from.f_bavail;
	to->f_files = from.f_files;
	to->f_ffree = from.f_ffree;
	to->f_favail = from.f_favail;
	return 0;
}

/* All of the host's file system that the directory is in. */
static int
hostfs_sync(struct super *sb)
{
	struct hostfs_node *root = vp_to_hn(sb->sb_root);
	int path, fd, error;

	if ((error = hostfs_get(root, HF_PATH, &path)) != 0)
		return error;
	error = hostfs_reopen(path, O_RDONLY | O_DIRECTORY, &fd);
	hostfs_put(root, HF_PATH);
	if (error != 0)
		return error;
	error = hyper_file_syncfs(fd);
	hyper_file_close(fd);
	return error;
}

static void
hostfs_options(struct super *sb, char *buf, size_t size)
{
	const struct hostfs_mount *hm =
	    container_of(sb, struct hostfs_mount, hm_super);
	char uid[20] = "", gid[20] = "", attrtime[32] = "";

	if (hm->hm_setuid)
		(void)snprintf(uid, sizeof(uid), ",uid=%u", hm->hm_uid);
	if (hm->hm_setgid)
		(void)snprintf(gid, sizeof(gid), ",gid=%u", hm->hm_gid);
	if (hm->hm_attrtime != 0)
		(void)snprintf(attrtime, sizeof(attrtime), ",attrtime=%lld",
		    (long long)hm->hm_attrtime / 1000000);
	(void)snprintf(buf, size, "%s%s%s%s", uid, gid, attrtime,
	    hm->hm_nosubdirs ? ",nosubdirs" : "");
}

const struct vfsops hostfs_vfsops = {
    .vfs_name = "hostfs",
    .vfs_init = hostfs_node_init,
    .vfs_mount = hostfs_mount,
    .vfs_statvfs = hostfs_statvfs,
    .vfs_sync = hostfs_sync,
    .vfs_unmount = hostfs_unmount,
    .vfs_hostdir = hostfs_hostdir,
    .vfs_options = hostfs_options,
};
