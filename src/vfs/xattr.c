/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Extended attributes.
 *
 * A name begins with a namespace, which says who may use it:
 *
 *	user.		who may read or write the file, which is a regular one
 *			or a directory; in a sticky directory only its owner
 *			writes them
 *	trusted.	root; others do not see them
 *	security.	all read them, root writes them
 *	system.		access control lists (acl.h): all read them, the owner
 *			writes them
 *
 * What names there are is up to the file system.  The order of the checks is
 * Linux's: the name, the value, the file, the permission, the file system.
 */
#include <linux/capability.h>
#include <linux/limits.h>
#include <linux/xattr.h>

#include "sysproto.h"
#include "vfs/acl.h"
#include "vfs/inotify.h"

static bool
has_prefix(const char *name, const char *prefix)
{
	return strncmp(name, prefix, strlen(prefix)) == 0;
}

int
xattr_name_copyin(const char *uname, char *name)
{
	size_t len;
	int error = copyinstr(uname, name, XATTR_NAME_SIZE, &len);

	if (error == ENAMETOOLONG || (error == 0 && len == 0))
		return ERANGE;
	return error;
}

/*
 * Files
 */

/* Attributes are gone with the last reference. */
static int
xattr_hold(struct xattrfile *xf)
{
	return xf->xf_vnode == NULL || vnode_tryhold(xf->xf_vnode) ? 0 : ENOENT;
}

void
xattr_rele(struct xattrfile *xf)
{
	if (xf->xf_vnode != NULL)
		vnode_rele(xf->xf_vnode);
}

int
xattr_path(struct lwp *l, const char *path, bool follow, struct xattrfile *xf)
{
	struct nameidata nd;
	int error;

	error = namei_user(&nd, l, AT_FDCWD, path, follow ? NAMEI_FOLLOW : 0);
	if (error != 0)
		return error;
	xf->xf_cred = nd.ni_cred;
	xf->xf_mount = nd.ni_mount;
	xf->xf_vnode = nd.ni_vp;
	return xattr_hold(xf);
}

int
xattr_fd(struct lwp *l, int fd, struct xattrfile *xf)
{
	int error;

	xf->xf_cred = proc_cred(l->l_proc);
	error = fd_vnode_open(l, fd, 0, &xf->xf_mount, &xf->xf_vnode);
	return error != 0 ? error : xattr_hold(xf);
}

/*
 * Permission
 */

static int
user_permitted(const struct xattrfile *xf, bool write)
{
	const struct vnode *vp = xf->xf_vnode;

	if (vp == NULL || (!S_ISREG(vnode_mode(vp)) && !vnode_isdir(vp)))
		return write ? EPERM : ENODATA;
	if (write && vnode_isdir(vp) && (vnode_mode(vp) & S_ISVTX) != 0)
		return vnode_owner(xf->xf_mount, vp, xf->xf_cred);
	return 0;
}

/* empty: a value without bytes is set, which may be anybody's business. */
static int
xattr_permitted(
    const struct xattrfile *xf, const char *name, bool write, bool empty)
{
	const struct vnode *vp = xf->xf_vnode;
	bool root = cred_is_root(xf->xf_cred);
	int error;

	if (write && vp != NULL &&
	    (vnode_mode(vp) & (V_IMMUTABLE | V_APPEND)) != 0)
		return EPERM;
	if (has_prefix(name, XATTR_SECURITY_PREFIX))
		return write && !root &&
			       !(empty && strcmp(name, XATTR_NAME_CAPS) == 0)
			   ? EPERM
			   : 0;
	if (has_prefix(name, XATTR_SYSTEM_PREFIX))
		return 0;
	if (has_prefix(name, XATTR_TRUSTED_PREFIX))
		return root ? 0 : write ? EPERM : ENODATA;
	if (has_prefix(name, XATTR_USER_PREFIX) &&
	    (error = user_permitted(xf, write)) != 0)
		return error;
	return vp == NULL ? 0
			  : vnode_access(xf->xf_mount, vp, xf->xf_cred,
				write ? W_OK : R_OK);
}

/*
 * The operations
 */

int
xattr_get(const struct xattrfile *xf, const char *name, void *buf, size_t size,
    size_t *lenp)
{
	enum acl_kind kind = acl_named(name);
	struct vnode *vp = xf->xf_vnode;
	int error;

	if ((error = xattr_permitted(xf, name, false, false)) != 0)
		return error;
	if (vp == NULL || vp->v_ops->vop_getxattr == NULL ||
	    (kind != ACL_NONE && S_ISLNK(vnode_mode(vp))))
		return EOPNOTSUPP;
	error = vp->v_ops->vop_getxattr(vp, name, buf, size, lenp);
	if (error == 0 && size != 0 && kind != ACL_NONE &&
	    vp->v_ops->vop_getacl != NULL)
		acl_show(xf, kind, buf, *lenp);
	return error;
}

/* Of attributes whose values are looked at: capabilities of a program, lists.
 */
static int
value_check(const char *name, const void *value, size_t size)
{
	uint32_t magic;

	if (acl_named(name) != ACL_NONE)
		return acl_checkshape(value, size);
	if (size == 0 || strcmp(name, XATTR_NAME_CAPS) != 0)
		return 0;
	if (size != XATTR_CAPS_SZ_2 && size != XATTR_CAPS_SZ_3)
		return EINVAL;
	memcpy(&magic, value, sizeof(magic));
	return (magic & VFS_CAP_REVISION_MASK) == (size == XATTR_CAPS_SZ_2
							  ? VFS_CAP_REVISION_2
							  : VFS_CAP_REVISION_3)
		   ? 0
		   : EINVAL;
}

/* v_lock is held, and it is permitted. */
static int
set_locked(const struct xattrfile *xf, const char *name, void *value,
    size_t size, int flags)
{
	const struct vnodeops *ops = xf->xf_vnode->v_ops;
	enum acl_kind kind = acl_named(name);

	if (ops->vop_setxattr == NULL ||
	    (kind != ACL_NONE && S_ISLNK(vnode_mode(xf->xf_vnode))))
		return EOPNOTSUPP;
	if (kind != ACL_NONE && ops->vop_getacl != NULL)
		return acl_set(xf, kind, value, size);
	return ops->vop_setxattr(xf->xf_vnode, name, value, size, flags);
}

int
xattr_set(const struct xattrfile *xf, const char *name, void *value,
    size_t size, int flags)
{
	bool empty = value != NULL && size == 0;
	struct vnode *vp = xf->xf_vnode;
	int error;

	if (vp != NULL && (error = mount_writable(xf->xf_mount)) != 0)
		return error;
	if (value != NULL && (error = value_check(name, value, size)) != 0)
		return error;
	if (vp == NULL) {
		error = xattr_permitted(xf, name, true, empty);
		return error != 0 ? error : EOPNOTSUPP;
	}
	rw_enter_write(&vp->v_lock);
	if ((error = xattr_permitted(xf, name, true, empty)) == 0)
		error = set_locked(xf, name, value, size, flags);
	rw_exit_write(&vp->v_lock);
	if (error == 0)
		inotify_changed(vp, IN_ATTRIB);
	return error;
}

/* Drop the names that are not to be seen; what is left of them. */
static size_t
list_filter(char *list, size_t len)
{
	size_t from = 0, to = 0, n;

	for (; from < len; from += n) {
		n = strlen(list + from) + 1;
		if (has_prefix(list + from, XATTR_TRUSTED_PREFIX))
			continue;
		memmove(list + to, list + from, n);
		to += n;
	}
	return to;
}

int
xattr_list(const struct xattrfile *xf, struct xattrlist *xl)
{
	struct vnode *vp = xf->xf_vnode;
	size_t len;
	int error;

	*xl = (struct xattrlist){.xl_names = NULL};
	if (vp == NULL || vp->v_ops->vop_listxattr == NULL)
		return 0;
	do {
		xattr_listfree(xl);
		error = vp->v_ops->vop_listxattr(vp, NULL, 0, &len);
		if (error != 0 || len == 0)
			return error;
		xl->xl_size = len;
		if ((xl->xl_names = kmem_alloc(len)) == NULL)
			return ENOMEM;
		/* It may have become longer. */
		error = vp->v_ops->vop_listxattr(
		    vp, xl->xl_names, xl->xl_size, &len);
	} while (error == ERANGE);
	if (error != 0) {
		xattr_listfree(xl);
		return error;
	}
	xl->xl_len =
	    cred_is_root(xf->xf_cred) ? len : list_filter(xl->xl_names, len);
	return 0;
}

void
xattr_listfree(struct xattrlist *xl)
{
	if (xl->xl_names != NULL)
		kmem_free(xl->xl_names, xl->xl_size);
	*xl = (struct xattrlist){.xl_names = NULL};
}

int
xattr_value_copyin(const void *uvalue, size_t size, void **valuep)
{
	int error;

	*valuep = NULL;
	if (size > XATTR_SIZE_MAX)
		return E2BIG;
	/* An empty value is one, too. */
	if ((*valuep = kmem_alloc(size + 1)) == NULL)
		return ENOMEM;
	if ((error = copyin(uvalue, *valuep, size)) != 0)
		kmem_free(*valuep, size + 1);
	return error;
}
