/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Access control lists of POSIX, as Linux has them: two extended attributes,
 * of which this says what they mean.
 *
 * A file system that has them (vop_getacl) keeps values as they are stored
 * here: checked, ids as the file has them.  V_ACL and V_DEFACL in v_mode say
 * that there is one, so that a file without costs nothing.  Permissions of the
 * owner, of the mask and of others in the access list are not looked at: they
 * are those of v_mode, which chmod changes.
 */
#ifndef VFS_ACL_H
#define VFS_ACL_H

#include "vfs/xattr.h"

enum acl_kind { ACL_NONE, ACL_ACCESS, ACL_DEFAULT };

/* Which one a name is. */
enum acl_kind acl_named(const char *name);

/*
 * Does a value have the shape of a list?  EINVAL, or EOPNOTSUPP for another
 * version of them.
 */
int acl_checkshape(const void *value, size_t size);

/* A value of this kind, as it was kept, becomes what the mount shows. */
void acl_show(const struct xattrfile *, enum acl_kind, void *value, size_t);

/*
 * The file, whose v_lock is held exclusively, gets this list, of which the
 * shape is right and which may be changed here; NULL: none.  EACCES: a default
 * one of no directory; EINVAL, EPERM.
 */
int acl_set(const struct xattrfile *, enum acl_kind, void *value, size_t size);

/* May cr, who is not the owner, do it by the file's access list? */
bool acl_permits(const struct mount *, const struct vnode *,
    const struct cred *, unsigned want);

/*
 * What is to be made in dvp, which has a default list, of va_mode: that and
 * va_acl are completed.  The value stays until the section ends.
 */
void acl_inherit(struct vattr *va, struct vnode *dvp);

#endif /* VFS_ACL_H */
