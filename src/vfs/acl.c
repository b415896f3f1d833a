/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Access control lists of POSIX; see acl.h.  The order of the checks, and what
 * is no list, are Linux's.
 */
#include "vfs/acl.h"

#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
#include <linux/xattr.h>

#define VERSION_SIZE sizeof(struct posix_acl_xattr_header)

struct list {
	struct posix_acl_xattr_entry *ls_entries;
	size_t ls_count;
};

#define LIST_FOREACH_ENTRY(e, ls)                                             \
	for ((e) = (ls)->ls_entries; (e) < (ls)->ls_entries + (ls)->ls_count; \
	     (e)++)

/* What is kept, or was found to have the shape. */
static struct list
list_of(const void *value, size_t size)
{
	/* Nobody writes to what is kept. */
	char *p = (char *)(uintptr_t)value;

	return (struct list){
	    .ls_entries = (void *)(p + VERSION_SIZE),
	    .ls_count = size < VERSION_SIZE
			    ? 0
			    : (size - VERSION_SIZE) /
				  sizeof(struct posix_acl_xattr_entry),
	};
}

enum acl_kind
acl_named(const char *name)
{
	if (strcmp(name, XATTR_NAME_POSIX_ACL_ACCESS) == 0)
		return ACL_ACCESS;
	return strcmp(name, XATTR_NAME_POSIX_ACL_DEFAULT) == 0 ? ACL_DEFAULT
							       : ACL_NONE;
}

static bool
is_named(const struct posix_acl_xattr_entry *e)
{
	return e->e_tag == ACL_USER || e->e_tag == ACL_GROUP;
}

int
acl_checkshape(const void *value, size_t size)
{
	const struct posix_acl_xattr_header *h = value;
	const struct posix_acl_xattr_entry *e;
	struct list ls = list_of(value, size);

	/* No list at all: it is removed. */
	if (size == 0)
		return 0;
	if (size < VERSION_SIZE)
		return EINVAL;
	if (h->a_version != POSIX_ACL_XATTR_VERSION)
		return EOPNOTSUPP;
	if ((size - VERSION_SIZE) % sizeof(*e) != 0)
		return EINVAL;
	LIST_FOREACH_ENTRY(e, &ls)
	{
		switch (e->e_tag) {
		case ACL_USER_OBJ:
		case ACL_GROUP_OBJ:
		case ACL_MASK:
		case ACL_OTHER:
			break;
		case ACL_USER:
		case ACL_GROUP:
			if (e->e_id != (uint32_t)-1)
				break;
			return EINVAL;
		default:
			return EINVAL;
		}
	}
	return 0;
}

/*
 * The order of the entries: each tag is a bit, and what comes later has a
 * higher one.  Only named ones can be there again; with them there is a mask.
 */
static bool
list_isvalid(const struct list *ls)
{
	const unsigned always = ACL_USER_OBJ | ACL_GROUP_OBJ | ACL_OTHER;
	const struct posix_acl_xattr_entry *e;
	unsigned seen = 0;

	LIST_FOREACH_ENTRY(e, ls)
	{
		if ((e->e_perm & ~07) != 0 || e->e_tag < seen ||
		    (e->e_tag == seen && !is_named(e)))
			return false;
		/* The highest, and all of them. */
		seen = e->e_tag;
	}
	seen = 0;
	LIST_FOREACH_ENTRY(e, ls)
	seen |= e->e_tag;
	return (seen & always) == always &&
	       ((seen & (ACL_USER | ACL_GROUP)) == 0 || (seen & ACL_MASK) != 0);
}

/* Ids as the file is to have them. */
static bool
list_store(const struct mount *mp, struct list *ls)
{
	struct posix_acl_xattr_entry *e;
	uint32_t id;

	LIST_FOREACH_ENTRY(e, ls)
	{
		if (e->e_tag == ACL_USER) {
			if (!mount_storeuid(mp, e->e_id, &id))
				return false;
		} else if (e->e_tag == ACL_GROUP) {
			if (!mount_storegid(mp, e->e_id, &id))
				return false;
		} else
			id = (uint32_t)ACL_UNDEFINED_ID;
		e->e_id = id;
	}
	return true;
}

/* The permissions of v_mode that an entry of the access list has; -1: none. */
static int
mode_shift(const struct posix_acl_xattr_entry *e)
{
	switch (e->e_tag) {
	case ACL_USER_OBJ:
		return 6;
	case ACL_MASK:
		return 3;
	case ACL_OTHER:
		return 0;
	default:
		return -1;
	}
}

void
acl_show(
    const struct xattrfile *xf, enum acl_kind kind, void *value, size_t size)
{
	struct list ls = list_of(value, size);
	uint32_t mode = vnode_mode(xf->xf_vnode);
	struct posix_acl_xattr_entry *e;

	LIST_FOREACH_ENTRY(e, &ls)
	{
		if (e->e_tag == ACL_USER)
			e->e_id = mount_uid(xf->xf_mount, e->e_id);
		else if (e->e_tag == ACL_GROUP)
			e->e_id = mount_gid(xf->xf_mount, e->e_id);
		else if (kind == ACL_ACCESS && mode_shift(e) >= 0)
			e->e_perm = mode >> mode_shift(e) & 07;
	}
}

/*
 * Setting
 */

/* The permissions that a list says a mode has: those of a mask for a group. */
static uint32_t
list_mode(const struct list *ls)
{
	const struct posix_acl_xattr_entry *e;
	uint32_t mode = 0;

	LIST_FOREACH_ENTRY(e, ls)
	{
		if (e->e_tag == ACL_GROUP_OBJ)
			mode |= (uint32_t)e->e_perm << 3;
		else if (e->e_tag == ACL_MASK)
			mode = (mode & ~070u) | (uint32_t)e->e_perm << 3;
		else if (mode_shift(e) >= 0)
			mode |= (uint32_t)e->e_perm << mode_shift(e);
	}
	return mode;
}

/* An access list that says no more than the mode is none. */
static bool
list_ismode(const struct list *ls)
{
	return ls->ls_count <= 3;
}

/* The file's mode becomes that of the list; NULL: it stays, as far as it may.
 */
static int
mode_set(const struct xattrfile *xf, const struct list *ls)
{
	struct vnode *vp = xf->xf_vnode;
	struct vattr va = {
	    .va_mask = VA_MODE, .va_mode = vnode_mode(vp) & 07777};

	if (ls->ls_count != 0)
		va.va_mode = (va.va_mode & 07000) | list_mode(ls);
	if (!cred_may_setgid(
		xf->xf_cred, mount_gid(xf->xf_mount, vnode_gid(vp))))
		va.va_mode &= ~(uint32_t)S_ISGID;
	return vp->v_ops->vop_setattr(vp, &va);
}

static int
acl_store(const struct xattrfile *xf, enum acl_kind kind, const void *value,
    size_t size, const struct list *ls)
{
	struct vnode *vp = xf->xf_vnode;
	int error = 0;

	if (kind == ACL_ACCESS)
		error = mode_set(xf, ls);
	if (error != 0)
		return error;
	if (ls->ls_count == 0 || (kind == ACL_ACCESS && list_ismode(ls)))
		value = NULL;
	return vp->v_ops->vop_setxattr(vp,
	    kind == ACL_ACCESS ? XATTR_NAME_POSIX_ACL_ACCESS
			       : XATTR_NAME_POSIX_ACL_DEFAULT,
	    value, value != NULL ? size : 0, 0);
}

int
acl_set(
    const struct xattrfile *xf, enum acl_kind kind, void *value, size_t size)
{
	struct list ls = list_of(value, size);
	struct vnode *vp = xf->xf_vnode;
	bool leads = vnode_isdir(vp);
	int error;

	KASSERT(rw_write_held(&vp->v_lock));
	if (kind == ACL_DEFAULT && !leads)
		return ls.ls_count != 0 ? EACCES : 0;
	if ((error = vnode_owner(xf->xf_mount, vp, xf->xf_cred)) != 0)
		return error;
	if (ls.ls_count != 0 &&
	    (!list_isvalid(&ls) || !list_store(xf->xf_mount, &ls)))
		return EINVAL;
	if (leads)
		vfs_tree_begin();
	error = acl_store(xf, kind, value, size, &ls);
	if (leads)
		vfs_tree_end();
	return error;
}

/*
 * Use
 */

bool
acl_permits(const struct mount *mp, const struct vnode *vp,
    const struct cred *cr, unsigned want)
{
	const struct posix_acl_xattr_entry *e;
	uint32_t mode = vnode_mode(vp);
	unsigned mask = mode >> 3;
	bool member = false;
	const void *value;
	struct list ls;
	size_t size;

	/* It may go at any time. */
	if (!vp->v_ops->vop_getacl(vp, false, &value, &size))
		return (want & ~mask) == 0 && (want & ~mode) == 0;
	ls = list_of(value, size);
	LIST_FOREACH_ENTRY(e, &ls)
	{
		if (e->e_tag == ACL_USER &&
		    mount_uid(mp, e->e_id) == cr->cr_fsuid)
			return (want & ~(e->e_perm & mask)) == 0;
		if (e->e_tag != ACL_GROUP_OBJ && e->e_tag != ACL_GROUP)
			continue;
		if (!cred_groupmember(cr,
			mount_gid(mp,
			    e->e_tag == ACL_GROUP ? e->e_id : vnode_gid(vp))))
			continue;
		member = true;
		/* The first that would do decides, and others if none does. */
		if ((want & ~(unsigned)e->e_perm) == 0)
			return (want & ~mask) == 0;
	}
	return !member && (want & ~mode) == 0;
}

void
acl_inherit(struct vattr *va, struct vnode *dvp)
{
	const void *value;
	struct list ls;
	size_t size;

	if (!dvp->v_ops->vop_getacl(dvp, true, &value, &size))
		return;
	ls = list_of(value, size);
	va->va_mode &= list_mode(&ls) | ~0777u;
	va->va_acl = value;
	va->va_aclsize = size;
	if (!list_ismode(&ls))
		va->va_mode |= V_ACL;
	if (S_ISDIR(va->va_mode))
		va->va_mode |= V_DEFACL;
}
