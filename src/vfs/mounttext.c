/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The mounts as text, in the formats of Linux's /proc.
 */
#include <sys/sysmacros.h>

#include "vfs/textfile.h"
#include "vfs/vfs_impl.h"

#define OPTIONS_SIZE 512

struct mounttext {
	const struct cwdinfo *mt_root;
	struct text *mt_text;
};

/* Flags of the mount. */
static void
put_flags(struct text *t, const struct mount *mp)
{
	uint32_t flags = mount_flags(mp);

	text_printf(t, "%s%s%s%s%s", (flags & MNT_RDONLY) != 0 ? "ro" : "rw",
	    (flags & MNT_NOSUID) != 0 ? ",nosuid" : "",
	    (flags & MNT_NODEV) != 0 ? ",nodev" : "",
	    (flags & MNT_NOEXEC) != 0 ? ",noexec" : "",
	    (flags & MNT_NOATIME) != 0 ? ",noatime" : ",relatime");
}

/* Options of the super. */
static void
put_options(struct text *t, struct super *sb)
{
	char buf[OPTIONS_SIZE] = "";

	if (sb->sb_ops->vfs_options != NULL)
		sb->sb_ops->vfs_options(sb, buf, sizeof(buf));
	text_put(t, buf, strlen(buf));
}

/* Where it is seen; false if that is not below the root. */
static bool
mount_on(
    struct mount *mp, const struct cwdinfo *root, char *buf, const char **onp)
{
	return vfs_path(mp, mp->mnt_root, root, buf, onp) == 0;
}

static int
mounts_line(struct mount *mp, void *arg)
{
	struct mounttext *mt = arg;
	struct text *t = mt->mt_text;
	char buf[PATH_MAX];
	const char *on;

	if (!mount_on(mp, mt->mt_root, buf, &on))
		return 0;
	text_putescaped(t, mp->mnt_from);
	text_put(t, " ", 1);
	text_putescaped(t, on);
	text_printf(t, " %s ", mp->mnt_super->sb_ops->vfs_name);
	put_flags(t, mp);
	put_options(t, mp->mnt_super);
	text_printf(t, " 0 0\n");
	return 0;
}

void
vfs_mounts(const struct cwdinfo *root, struct text *t)
{
	struct mounttext mt = {root, t};

	(void)mount_foreach(mounts_line, &mt);
}

/* The part of the super that it shows: "/" or a path in it. */
static void
put_part(struct text *t, const struct mount *mp)
{
	struct vnode *vp = mp->mnt_root, *root = mp->mnt_super->sb_root;
	char buf[PATH_MAX], *p = buf + sizeof(buf);
	const char *name;
	size_t len;

	*--p = '\0';
	mutex_enter(mp->mnt_super->sb_rename);
	while (vp != root && vnode_isdir(vp) && !vnode_isdead(vp)) {
		vp->v_ops->vop_name(vp, &name, &len);
		if (len + 1 > (size_t)(p - buf))
			break;
		p -= len;
		memcpy(p, name, len);
		*--p = '/';
		vp = vp->v_ops->vop_parent(vp);
	}
	mutex_exit(mp->mnt_super->sb_rename);
	text_putescaped(t, *p == '\0' ? "/" : p);
}

static int
mountinfo_line(struct mount *mp, void *arg)
{
	struct mounttext *mt = arg;
	struct text *t = mt->mt_text;
	const struct mount *parent = mount_parent(mp);
	dev_t dev = mp->mnt_super->sb_dev;
	char buf[PATH_MAX];
	const char *on;

	if (!mount_on(mp, mt->mt_root, buf, &on))
		return 0;
	text_printf(t, "%u %u %u:%u ", mp->mnt_id,
	    parent != NULL ? parent->mnt_id : 0, major(dev), minor(dev));
	put_part(t, mp);
	text_put(t, " ", 1);
	text_putescaped(t, on);
	text_put(t, " ", 1);
	put_flags(t, mp);
	text_printf(t, " - %s ", mp->mnt_super->sb_ops->vfs_name);
	text_putescaped(t, mp->mnt_from);
	text_put(t, " rw", 3);
	put_options(t, mp->mnt_super);
	text_put(t, "\n", 1);
	return 0;
}

void
vfs_mountinfo(const struct cwdinfo *root, struct text *t)
{
	struct mounttext mt = {root, t};

	(void)mount_foreach(mountinfo_line, &mt);
}
