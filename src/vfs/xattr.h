/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Extended attributes, between their files: xattr.c is what they are,
 * sys_xattr.c and sys_extattr.c are Linux's and the BSDs' calls.
 */
#ifndef VFS_XATTR_H
#define VFS_XATTR_H

#include "vfs/vfs_impl.h"

/* Names with their NUL are at most as long. */
#define XATTR_NAME_SIZE 256

/* The file that a call is about. */
struct xattrfile {
	const struct cred *xf_cred;
	struct mount *xf_mount;
	struct vnode *xf_vnode; /* held; NULL: not in a file system */
};

struct xattrlist {
	char *xl_names; /* with a NUL after each */
	size_t xl_len;	/* of the names */
	size_t xl_size; /* of the memory */
};

/* xattr_rele.  Errors of path resolution; EBADF. */
int
xattr_path(struct lwp *, const char *upath, bool follow, struct xattrfile *);
int xattr_fd(struct lwp *, int fd, struct xattrfile *);
void xattr_rele(struct xattrfile *);

/* Into XATTR_NAME_SIZE bytes.  EFAULT, ERANGE. */
int xattr_name_copyin(const char *uname, char *name);

/* A value of size bytes, in size + 1.  E2BIG, EFAULT, ENOMEM. */
int xattr_value_copyin(const void *uvalue, size_t size, void **valuep);

/* As vop_getxattr and vop_setxattr, if xf_cred may; the value is changed. */
int xattr_get(const struct xattrfile *, const char *name, void *buf,
    size_t size, size_t *lenp);
int xattr_set(const struct xattrfile *, const char *name, void *value,
    size_t size, int flags);

/* Those that xf_cred may see; xattr_listfree. */
int xattr_list(const struct xattrfile *, struct xattrlist *);
void xattr_listfree(struct xattrlist *);

#endif /* VFS_XATTR_H */
