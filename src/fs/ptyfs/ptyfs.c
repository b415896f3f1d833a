/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ptyfs, also known as devpts: a directory with the slave of each pseudo
 * terminal.  There is one instance, made by the first mount, which all mounts
 * show and which stays when none does.  It is a tmpfs in which nobody but this
 * file makes, removes or renames anything.
 *
 * pty_lock covers `super' and what is in it.
 */
#include <sys/sysmacros.h>

#include <linux/magic.h>
#include <stdio.h>

#include "kern/tty.h"
#include "vfs/dev.h"
#include "vfs/mountopt.h"
#include "vfs/vfs_impl.h"

/* What the host's devpts has when it is mounted for use. */
#define PTS_MODE 0620
#define PTS_GID	 5

static struct super *super;
static struct vnodeops dirops; /* of its root; stable after the first mount */
static const struct vnodeops *memops; /* tmpfs's; the same */

static void
name_init(struct cname *cn, char buf[16], unsigned index)
{
	int len = snprintf(buf, 16, "%u", index);

	cname_init(cn, buf, (size_t)len);
}

static int
ptyfs_make(const struct cname *cn, const struct vattr *va)
{
	struct vnode *root = super->sb_root, *vp;
	int error;

	rw_enter_write(&root->v_lock);
	error = memops->vop_create(root, cn, va, &vp);
	rw_exit_write(&root->v_lock);
	return error;
}

static int
ptyfs_made(unsigned index, uid_t uid)
{
	struct vattr va = {
	    .va_mode = S_IFCHR | PTS_MODE,
	    .va_uid = uid,
	    .va_gid = PTS_GID,
	    .va_rdev = makedev(major(DEV_PTS), index),
	};
	struct cname cn;
	char buf[16];

	KASSERT(mutex_owned(&pty_lock));
	if (super == NULL)
		return 0;
	name_init(&cn, buf, index);
	return ptyfs_make(&cn, &va);
}

static void
ptyfs_gone(unsigned index)
{
	struct vnode *root, *vp;
	struct cname cn;
	char buf[16];
	bool last = false;

	KASSERT(mutex_owned(&pty_lock));
	if (super == NULL)
		return;
	root = super->sb_root;
	name_init(&cn, buf, index);
	rw_enter_write(&root->v_lock);
	if (memops->vop_lookup(root, &cn, &vp) == 0) {
		rw_enter_write(&vp->v_lock);
		(void)memops->vop_remove(root, &cn, vp, &last);
		rw_exit_write(&vp->v_lock);
	}
	rw_exit_write(&root->v_lock);
	if (last)
		vnode_rele(vp);
}

/* A new instance, with what there is. */
static int
ptyfs_fill(struct super *sb)
{
	struct vattr va = {.va_mode = S_IFCHR, .va_rdev = DEV_NUMBER(5, 2)};
	struct cname cn;
	int error;

	if (memops == NULL) {
		memops = sb->sb_root->v_ops;
		dirops = *memops;
		dirops.vop_create = NULL;
		dirops.vop_tmpfile = NULL;
		dirops.vop_link = NULL;
		dirops.vop_remove = NULL;
		dirops.vop_rename = NULL;
		dirops.vop_exchange = NULL;
	}
	sb->sb_root->v_ops = &dirops;
	super = sb;
	cname_init(&cn, "ptmx", 4);
	error = ptyfs_make(&cn, &va);
	if (error == 0)
		error = pty_foreach(ptyfs_made);
	if (error != 0)
		super = NULL;
	return error;
}

extern const struct vfsops ptyfs_vfsops;

/* Linux's, which are understood; there is one instance, as boot made it. */
struct ptyfs_options {
	uint32_t po_uid, po_gid, po_mode, po_ptmxmode;
	uint64_t po_max;
};

static const struct mountopt options[] = {
    {"uid", MOUNTOPT_ID, offsetof(struct ptyfs_options, po_uid)},
    {"gid", MOUNTOPT_ID, offsetof(struct ptyfs_options, po_gid)},
    {"mode", MOUNTOPT_MODE, offsetof(struct ptyfs_options, po_mode)},
    {"ptmxmode", MOUNTOPT_MODE, offsetof(struct ptyfs_options, po_ptmxmode)},
    {"max", MOUNTOPT_NUMBER, offsetof(struct ptyfs_options, po_max)},
    {"newinstance", MOUNTOPT_FLAG, 0},
};

static int
ptyfs_mount(struct mountargs *ma, struct super **sbp)
{
	const struct vfsops *mem = vfs_byname("tmpfs");
	struct mountargs plain = *ma;
	struct ptyfs_options po;
	struct super *sb;
	uint32_t seen;
	int error;

	error =
	    mountopt_parse(options, nitems(options), ma->ma_data, &po, &seen);
	if (error != 0)
		return error;
	plain.ma_data = "";
	plain.ma_len = 0;
	if ((error = mem->vfs_mount(&plain, &sb)) != 0)
		return error;
	sb->sb_ops = &ptyfs_vfsops;
	mutex_enter(&pty_lock);
	*sbp = sb;
	if (super == NULL)
		error = ptyfs_fill(sb);
	else
		*sbp = super;
	mutex_exit(&pty_lock);
	if (error != 0 || *sbp != sb)
		mem->vfs_unmount(sb);
	return error;
}

static void
ptyfs_unmount(struct super *sb)
{
	(void)sb;
}

static void
ptyfs_init(void)
{
	static const struct pty_names names = {ptyfs_made, ptyfs_gone};

	pty_setnames(&names);
}

extern const struct vfsops devpts_vfsops;

const struct vfsops ptyfs_vfsops = {
    .vfs_name = "ptyfs",
    .vfs_type = DEVPTS_SUPER_MAGIC,
    .vfs_init = ptyfs_init,
    .vfs_mount = ptyfs_mount,
    .vfs_unmount = ptyfs_unmount,
};

/* The name that the host has for it. */
const struct vfsops devpts_vfsops = {
    .vfs_name = "devpts",
    .vfs_type = DEVPTS_SUPER_MAGIC,
    .vfs_mount = ptyfs_mount,
    .vfs_unmount = ptyfs_unmount,
};
