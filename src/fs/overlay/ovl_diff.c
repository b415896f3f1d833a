/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * <rump/rump_overlay.h>: what has been changed.
 */
#include "fs/overlay/ovl_diff.h"

#include "kern/entry.h"

static struct change *
change_add(struct diff *df, const char *name, size_t len)
{
	const struct change *dir = df->df_at;
	size_t at = dir != NULL && dir->ch_len > 0 ? dir->ch_len + 1 : 0;
	struct change *ch;

	if (at + len >= PATH_MAX) {
		df->df_error = ENAMETOOLONG;
		return NULL;
	}
	ch = kmem_zalloc(sizeof(*ch) + at + len + 1);
	if (ch == NULL) {
		df->df_error = ENOMEM;
		return NULL;
	}
	if (at > 0) {
		memcpy(ch->ch_path, dir->ch_path, at - 1);
		ch->ch_path[at - 1] = '/';
	}
	memcpy(ch->ch_path + at, name, len);
	ch->ch_len = at + len;
	*df->df_last = ch;
	df->df_last = &ch->ch_next;
	return ch;
}

void
ovl_diff_free(struct diff *df)
{
	struct change *ch;

	while ((ch = df->df_first) != NULL) {
		df->df_first = ch->ch_next;
		kmem_free(ch, sizeof(*ch) + ch->ch_len + 1);
	}
}

static bool
same_attributes(const struct vnode *a, const struct vnode *b)
{
	return ((vnode_mode(a) ^ vnode_mode(b)) & 07777) == 0 &&
	       vnode_uid(a) == vnode_uid(b) && vnode_gid(a) == vnode_gid(b);
}

/* A name that is seen; `was' is what the lower layers have, or NULL. */
static void
change_of(struct change *ch, struct ovl_node *on, struct vnode *was)
{
	bool isdir = ovl_isdir(on);

	ch->ch_told = true;
	ch->ch_type = vnode_type(&on->on_vnode);
	ch->ch_node = on;
	ch->ch_fresh = true;
	if (was == NULL)
		ch->ch_kind = RUMP_OVERLAY_ADDED;
	else if (vnode_type(was) != ch->ch_type ||
		 (isdir && (on->on_nlower == 0 || on->on_lower[0].r_vp != was)))
		ch->ch_kind = RUMP_OVERLAY_REPLACED;
	else {
		ch->ch_kind = RUMP_OVERLAY_MODIFIED;
		ch->ch_fresh = false;
		ch->ch_told = !isdir || !same_attributes(&on->on_vnode, was);
	}
}

/* An entry of the upper directory, or of all layers if it is fresh. */
static bool
diff_entry(void *arg, const struct direntry *de)
{
	struct diff *df = arg;
	struct ovl_node *dn = df->df_at->ch_node, *on;
	struct ovl_stack below = {.s_count = 0};
	struct vnode *was = NULL;
	struct change *ch;
	struct cname cn;
	int error;

	cname_init(&cn, de->de_name, de->de_namelen);
	if (!df->df_at->ch_fresh &&
	    (df->df_error = ovl_below(dn, &cn, &below)) != 0)
		return false;
	if (below.s_count > 0)
		was = below.s_real[0].r_vp;
	error = ovl_lookup_locked(dn, &cn, &on);
	if (error == ENOENT && was == NULL)
		return true;
	if (error != 0 && error != ENOENT) {
		df->df_error = error;
		return false;
	}
	if ((ch = change_add(df, de->de_name, de->de_namelen)) == NULL)
		return false;
	if (error == 0)
		change_of(ch, on, was);
	else {
		ch->ch_told = true;
		ch->ch_kind = RUMP_OVERLAY_REMOVED;
		ch->ch_type = vnode_type(was);
	}
	return true;
}

/* om_lock is held. */
static int
diff_dir(struct diff *df)
{
	struct ovl_node *dn = df->df_at->ch_node;
	struct vnode *uvp = ovl_upper(dn);
	off_t pos = 2;
	int error = 0;

	if (df->df_at->ch_fresh)
		error = ovl_readdir_locked(dn, &pos, diff_entry, df);
	else if (uvp != NULL)
		error = uvp->v_ops->vop_readdir(uvp, &pos, diff_entry, df);
	return error != 0 ? error : df->df_error;
}

static int
diff_make(struct diff *df, struct vnode *root)
{
	struct ovl_mount *om = ovl_super(vp_to_ovl(root));
	int error = 0;

	if ((df->df_at = change_add(df, "", 0)) == NULL)
		return df->df_error;
	df->df_at->ch_node = vp_to_ovl(root);
	mutex_enter(&om->om_lock);
	for (; df->df_at != NULL && error == 0; df->df_at = df->df_at->ch_next)
		if (df->df_at->ch_node != NULL && ovl_isdir(df->df_at->ch_node))
			error = diff_dir(df);
	mutex_exit(&om->om_lock);
	return error;
}

int
ovl_diff_list(struct lwp *l, const char *dir, struct diff *df)
{
	struct mount *mp;
	struct vnode *vp;
	int error;

	df->df_last = &df->df_first;
	if (!cred_is_root(proc_cred(l->l_proc)))
		return EPERM;
	if ((error = vfs_lookup(l, dir, &mp, &vp)) != 0)
		return error;
	error = vp->v_ops == &ovl_dirops && vp == vp->v_super->sb_root
		    ? diff_make(df, vp)
		    : EINVAL;
	vnode_rele(vp);
	mount_rele(mp);
	return error;
}

RUMP_EXPORT int
rump_pub_overlay_diff(const char *dir,
    int (*fn)(void *arg, const struct rump_overlay_change *), void *arg)
{
	struct diff df = {.df_first = NULL};
	struct rump_overlay_change oc;
	struct lwp *l = syscall_enter();
	struct change *ch;
	int error;

	if (l == NULL)
		return syscall_refusal();
	error = ovl_diff_list(l, dir, &df);
	syscall_exit();
	for (ch = df.df_first; ch != NULL && error == 0; ch = ch->ch_next) {
		if (!ch->ch_told)
			continue;
		oc.oc_kind = ch->ch_kind;
		oc.oc_type = ch->ch_type;
		oc.oc_path = ch->ch_path;
		error = fn(arg, &oc);
	}
	if (syscall_enter() != NULL) {
		ovl_diff_free(&df);
		syscall_exit();
	}
	return error;
}
