/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Extended attributes: Linux's calls.
 */
#include <linux/limits.h>
#include <linux/xattr.h>

#include "sysproto.h"
#include "vfs/xattr.h"

/* A file is named by a path, which may be followed, or by a descriptor. */
struct xattrarg {
	const char *xa_path;
	int xa_fd; /* if there is no path */
	bool xa_follow;
	bool xa_isfd;
};

#define BY_PATH(p) (&(struct xattrarg){.xa_path = (p), .xa_follow = true})
#define BY_LINK(p) (&(struct xattrarg){.xa_path = (p)})
/* AT_FDCWD is the working directory for the two that take it, as on Linux. */
#define BY_FDCWD(n) ((n) == AT_FDCWD ? BY_PATH(".") : BY_FD(n))
#define BY_FD(n)    (&(struct xattrarg){.xa_fd = (n), .xa_isfd = true})

static int
arg_file(struct lwp *l, const struct xattrarg *xa, struct xattrfile *xf)
{
	return xa->xa_isfd ? xattr_fd(l, xa->xa_fd, xf)
			   : xattr_path(l, xa->xa_path, xa->xa_follow, xf);
}

static int
do_get(struct lwp *l, const struct xattrarg *xa, const char *uname,
    void *uvalue, size_t size, ssize_t *retval)
{
	char name[XATTR_NAME_SIZE];
	struct xattrfile xf;
	void *buf = NULL;
	size_t len = 0;
	int error;

	if ((error = xattr_name_copyin(uname, name)) != 0 ||
	    (error = arg_file(l, xa, &xf)) != 0)
		return error;
	if (size > XATTR_SIZE_MAX)
		size = XATTR_SIZE_MAX;
	if (size > 0 && (buf = kmem_alloc(size)) == NULL) {
		error = ENOMEM;
		goto out;
	}
	error = xattr_get(&xf, name, buf, size, &len);
	if (error == 0 && size > 0)
		error = copyout(buf, uvalue, len);
	else if (error == ERANGE && size == XATTR_SIZE_MAX)
		error = E2BIG;
	if (buf != NULL)
		kmem_free(buf, size);
	*retval = (ssize_t)len;
out:
	xattr_rele(&xf);
	return error;
}

static int
do_set(struct lwp *l, const struct xattrarg *xa, const char *uname,
    const void *uvalue, size_t size, int flags)
{
	char name[XATTR_NAME_SIZE];
	struct xattrfile xf;
	void *value;
	int error;

	if ((flags & ~(XATTR_CREATE | XATTR_REPLACE)) != 0)
		return EINVAL;
	if ((error = xattr_name_copyin(uname, name)) != 0 ||
	    (error = xattr_value_copyin(uvalue, size, &value)) != 0)
		return error;
	if ((error = arg_file(l, xa, &xf)) == 0) {
		error = xattr_set(&xf, name, value, size, flags);
		xattr_rele(&xf);
	}
	kmem_free(value, size + 1);
	return error;
}

static int
do_list(struct lwp *l, const struct xattrarg *xa, char *ulist, size_t size,
    ssize_t *retval)
{
	struct xattrlist xl;
	struct xattrfile xf;
	int error;

	if ((error = arg_file(l, xa, &xf)) != 0)
		return error;
	error = xattr_list(&xf, &xl);
	xattr_rele(&xf);
	if (error != 0)
		return error;
	*retval = (ssize_t)xl.xl_len;
	if (xl.xl_len > XATTR_LIST_MAX && (size == 0 || size > XATTR_LIST_MAX))
		error = E2BIG;
	else if (size > 0 && xl.xl_len > size)
		error = ERANGE;
	else if (size > 0)
		error = copyout(xl.xl_names, ulist, xl.xl_len);
	xattr_listfree(&xl);
	return error;
}

static int
do_remove(struct lwp *l, const struct xattrarg *xa, const char *uname)
{
	char name[XATTR_NAME_SIZE];
	struct xattrfile xf;
	int error;

	if ((error = xattr_name_copyin(uname, name)) != 0 ||
	    (error = arg_file(l, xa, &xf)) != 0)
		return error;
	error = xattr_set(&xf, name, NULL, 0, 0);
	xattr_rele(&xf);
	return error;
}

int
sys_getxattr(struct lwp *l, const char *path, const char *name, void *value,
    size_t size, ssize_t *retval)
{
	return do_get(l, BY_PATH(path), name, value, size, retval);
}

int
sys_lgetxattr(struct lwp *l, const char *path, const char *name, void *value,
    size_t size, ssize_t *retval)
{
	return do_get(l, BY_LINK(path), name, value, size, retval);
}

int
sys_fgetxattr(struct lwp *l, int fd, const char *name, void *value, size_t size,
    ssize_t *retval)
{
	return do_get(l, BY_FDCWD(fd), name, value, size, retval);
}

int
sys_setxattr(struct lwp *l, const char *path, const char *name,
    const void *value, size_t size, int flags)
{
	return do_set(l, BY_PATH(path), name, value, size, flags);
}

int
sys_lsetxattr(struct lwp *l, const char *path, const char *name,
    const void *value, size_t size, int flags)
{
	return do_set(l, BY_LINK(path), name, value, size, flags);
}

int
sys_fsetxattr(struct lwp *l, int fd, const char *name, const void *value,
    size_t size, int flags)
{
	return do_set(l, BY_FDCWD(fd), name, value, size, flags);
}

int
sys_listxattr(
    struct lwp *l, const char *path, char *list, size_t size, ssize_t *retval)
{
	return do_list(l, BY_PATH(path), list, size, retval);
}

int
sys_llistxattr(
    struct lwp *l, const char *path, char *list, size_t size, ssize_t *retval)
{
	return do_list(l, BY_LINK(path), list, size, retval);
}

int
sys_flistxattr(struct lwp *l, int fd, char *list, size_t size, ssize_t *retval)
{
	return do_list(l, BY_FD(fd), list, size, retval);
}

int
sys_removexattr(struct lwp *l, const char *path, const char *name)
{
	return do_remove(l, BY_PATH(path), name);
}

int
sys_lremovexattr(struct lwp *l, const char *path, const char *name)
{
	return do_remove(l, BY_LINK(path), name);
}

int
sys_fremovexattr(struct lwp *l, int fd, const char *name)
{
	return do_remove(l, BY_FD(fd), name);
}
