/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mounting tmpfs, and its options.
 *
 * Without a limit there is as much as kernel memory has room for.
 */
#include <inttypes.h>
#include <linux/magic.h>
#include <stdarg.h>
#include <stdio.h>

#include <rump/rump_mount.h>

#include "fs/tmpfs/tmpfs.h"
#include "vfs/mountopt.h"

extern const struct vfsops tmpfs_vfsops;

/* What the mount data says. */
struct tmpfs_options {
	uint64_t to_size;  /* bytes */
	uint64_t to_nodes; /* files */
	uint64_t to_blocks;
	uint32_t to_mode;
	uint32_t to_uid;
	uint32_t to_gid;
	uint32_t to_seen; /* the bits of those that were there */
};

enum { OPT_SIZE, OPT_NODES, OPT_BLOCKS, OPT_MODE, OPT_UID, OPT_GID };
#define SEEN(opt) (1u << (opt))

static const struct mountopt option_table[] = {
    [OPT_SIZE] = {"size", MOUNTOPT_SIZE,
	offsetof(struct tmpfs_options, to_size)},
    [OPT_NODES] = {"nr_inodes", MOUNTOPT_COUNT,
	offsetof(struct tmpfs_options, to_nodes)},
    [OPT_BLOCKS] = {"nr_blocks", MOUNTOPT_COUNT,
	offsetof(struct tmpfs_options, to_blocks)},
    [OPT_MODE] = {"mode", MOUNTOPT_MODE,
	offsetof(struct tmpfs_options, to_mode)},
    [OPT_UID] = {"uid", MOUNTOPT_ID, offsetof(struct tmpfs_options, to_uid)},
    [OPT_GID] = {"gid", MOUNTOPT_ID, offsetof(struct tmpfs_options, to_gid)},
};

/* What is mounted by a program, unless it says otherwise; and at boot. */
#define DEFAULT_MODE 01777
#define BOOT_MODE    0755

static bool
data_isargs(const struct mountargs *ma, struct tmpfs_args *ta)
{
	if (ma->ma_len != sizeof(*ta))
		return false;
	memcpy(ta, ma->ma_data, sizeof(*ta));
	return ta->ta_version == TMPFS_ARGS_VERSION;
}

static int
options_from_args(struct tmpfs_options *to, const struct tmpfs_args *ta)
{
	if (ta->ta_size_max < 0 || ta->ta_root_uid == (uid_t)-1 ||
	    ta->ta_root_gid == (gid_t)-1 || (ta->ta_root_mode & ~07777u) != 0)
		return EINVAL;
	to->to_seen = SEEN(OPT_SIZE) | SEEN(OPT_NODES) | SEEN(OPT_MODE) |
		      SEEN(OPT_UID) | SEEN(OPT_GID);
	to->to_size = (uint64_t)ta->ta_size_max;
	to->to_nodes = ta->ta_nodes_max;
	to->to_mode = ta->ta_root_mode;
	to->to_uid = ta->ta_root_uid;
	to->to_gid = ta->ta_root_gid;
	return 0;
}

/* Sizes become blocks, files become their room. */
static int
options_convert(struct tmpfs_options *to)
{
	uint64_t most = INT64_MAX / TMPFS_INODE_SPACE;

	if ((to->to_seen & SEEN(OPT_BLOCKS)) == 0)
		to->to_blocks =
		    to->to_size / KPAGE_SIZE + (to->to_size % KPAGE_SIZE != 0);
	if (to->to_nodes > most || to->to_blocks > most)
		return EINVAL;
	to->to_nodes *= TMPFS_INODE_SPACE;
	return 0;
}

static int
options_get(struct tmpfs_options *to, const struct mountargs *ma)
{
	struct tmpfs_args ta;
	int error;

	*to = (struct tmpfs_options){
	    .to_mode = ma->ma_lwp != NULL ? DEFAULT_MODE : BOOT_MODE};
	if (ma->ma_len == 0)
		return 0;
	if (data_isargs(ma, &ta))
		error = options_from_args(to, &ta);
	else
		error = mountopt_parse(option_table, nitems(option_table),
		    ma->ma_data, to, &to->to_seen);
	return error != 0 ? error : options_convert(to);
}

static int
tmpfs_mount(struct mountargs *ma, struct super **sbp)
{
	struct tmpfs_options to;
	struct tmpfs_mount *tm;
	struct vattr va = {0};
	struct tmpfs_node *root;
	struct timespec now;
	int error;

	if ((error = options_get(&to, ma)) != 0)
		return error;
	if ((tm = kmem_zalloc(sizeof(*tm))) == NULL)
		return ENOMEM;
	tm->tm_super.sb_ops = &tmpfs_vfsops;
	tm->tm_super.sb_dev = ma->ma_dev;
	tm->tm_super.sb_rename = &tm->tm_super.sb_mutex;
	tmpfs_limit_init(tm, TMPFS_BLOCKS, to.to_blocks);
	tmpfs_limit_init(tm, TMPFS_INODES, to.to_nodes);
	va.va_mode = S_IFDIR | (tm->tm_mode = to.to_mode);
	va.va_uid = tm->tm_uid = to.to_uid;
	va.va_gid = tm->tm_gid = to.to_gid;
	vfs_coarse_now(&now);
	if ((error = tmpfs_node_alloc(tm, NULL, &va, &now, &root)) != 0) {
		kmem_free(tm, sizeof(*tm));
		return error;
	}
	atomic_init(&root->tn_nlink, 2);
	atomic_init(&root->tn_parent, root);
	tm->tm_super.sb_root = &root->tn_vnode;
	*sbp = &tm->tm_super;
	return 0;
}

static inline struct tmpfs_mount *
super_tmpfs(struct super *sb)
{
	return container_of(sb, struct tmpfs_mount, tm_super);
}

/* The limits that are given change; what was given for the root is over. */
static int
tmpfs_update(struct super *sb, const struct mountargs *ma)
{
	struct tmpfs_mount *tm = super_tmpfs(sb);
	struct tmpfs_options to;
	bool blocks, nodes;
	int error;

	if ((error = options_get(&to, ma)) != 0)
		return error;
	blocks = (to.to_seen & (SEEN(OPT_SIZE) | SEEN(OPT_BLOCKS))) != 0;
	nodes = (to.to_seen & SEEN(OPT_NODES)) != 0;
	mutex_enter(&tm->tm_lock);
	if ((blocks && !tmpfs_limit_may_be(tm, TMPFS_BLOCKS, to.to_blocks)) ||
	    (nodes && !tmpfs_limit_may_be(tm, TMPFS_INODES, to.to_nodes)))
		error = EINVAL;
	if (error == 0 && blocks)
		tmpfs_limit_set(tm, TMPFS_BLOCKS, to.to_blocks);
	if (error == 0 && nodes)
		tmpfs_limit_set(tm, TMPFS_INODES, to.to_nodes);
	mutex_exit(&tm->tm_lock);
	return error;
}

static int
tmpfs_statvfs(struct super *sb, struct statvfs *sv)
{
	struct tmpfs_mount *tm = super_tmpfs(sb);
	uint64_t max = tmpfs_limit_max(tm, TMPFS_BLOCKS);
	struct kmem_stats ks;

	kmem_stats(&ks);
	if (max != 0) {
		sv->f_blocks = max;
		sv->f_bfree = tmpfs_limit_free(tm, TMPFS_BLOCKS);
	} else {
		sv->f_blocks = ks.ks_limit / KPAGE_SIZE;
		sv->f_bfree = (ks.ks_limit - ks.ks_used) / KPAGE_SIZE;
	}
	sv->f_bavail = sv->f_bfree;
	if ((max = tmpfs_limit_max(tm, TMPFS_INODES)) != 0) {
		sv->f_files = max / TMPFS_INODE_SPACE;
		sv->f_ffree =
		    tmpfs_limit_free(tm, TMPFS_INODES) / TMPFS_INODE_SPACE;
	} else {
		sv->f_files = ks.ks_limit / TMPFS_INODE_SPACE;
		sv->f_ffree = (ks.ks_limit - ks.ks_used) / TMPFS_INODE_SPACE;
	}
	sv->f_favail = sv->f_ffree;
	return 0;
}

static void __attribute__((format(printf, 3, 4)))
option_show(char *buf, size_t size, const char *fmt, ...)
{
	size_t len = strlen(buf);
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(buf + len, size - len, fmt, ap);
	va_end(ap);
}

static void
tmpfs_options(struct super *sb, char *buf, size_t size)
{
	struct tmpfs_mount *tm = super_tmpfs(sb);
	uint64_t max;

	buf[0] = '\0';
	if ((max = tmpfs_limit_max(tm, TMPFS_BLOCKS)) != 0)
		option_show(
		    buf, size, ",size=%" PRIu64 "k", max * (KPAGE_SIZE / 1024));
	if ((max = tmpfs_limit_max(tm, TMPFS_INODES)) != 0)
		option_show(
		    buf, size, ",nr_inodes=%" PRIu64, max / TMPFS_INODE_SPACE);
	if (tm->tm_mode != DEFAULT_MODE)
		option_show(buf, size, ",mode=%03" PRIo32, tm->tm_mode);
	if (tm->tm_uid != 0)
		option_show(buf, size, ",uid=%" PRIu32, tm->tm_uid);
	if (tm->tm_gid != 0)
		option_show(buf, size, ",gid=%" PRIu32, tm->tm_gid);
}

static void
tmpfs_smrfree(struct smr_item *si)
{
	struct tmpfs_mount *tm = container_of(si, struct tmpfs_mount, tm_smr);

	tmpfs_handle_free(tm);
	kmem_free(tm, sizeof(*tm));
}

static void
tmpfs_unmount(struct super *sb)
{
	struct tmpfs_mount *tm = super_tmpfs(sb);

	/* A rename that had come so far before the last mount went. */
	mutex_enter(sb->sb_rename);
	tmpfs_clear(tm);
	mutex_exit(sb->sb_rename);
	vnode_rele(sb->sb_root);
	smr_retire(&tm->tm_smr, tmpfs_smrfree);
}

const struct vfsops tmpfs_vfsops = {
    .vfs_name = "tmpfs",
    .vfs_type = TMPFS_MAGIC,
    .vfs_init = tmpfs_node_init,
    .vfs_mount = tmpfs_mount,
    .vfs_update = tmpfs_update,
    .vfs_statvfs = tmpfs_statvfs,
    .vfs_unmount = tmpfs_unmount,
    .vfs_vptofh = tmpfs_vptofh,
    .vfs_fhtovp = tmpfs_fhtovp,
    .vfs_options = tmpfs_options,
};
