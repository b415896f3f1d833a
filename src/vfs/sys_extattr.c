/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Extended attributes: the BSDs' calls.
 *
 * The namespace is a number instead of a prefix of the name, a value that does
 * not fit is cut, and in a list each name has its length before it and no NUL.
 */
#include <linux/limits.h>
#include <linux/xattr.h>

#include "sysproto.h"
#include "vfs/xattr.h"

/* A file that was looked for. */
struct extattr {
	struct xattrfile ea_file; /* if there was no error; held */
	int ea_error;
};

static struct extattr
by_path(struct lwp *l, const char *path, bool follow)
{
	struct extattr ea;

	ea.ea_error = xattr_path(l, path, follow, &ea.ea_file);
	return ea;
}

static struct extattr
by_fd(struct lwp *l, int fd)
{
	struct extattr ea;

	ea.ea_error = xattr_fd(l, fd, &ea.ea_file);
	return ea;
}

static const char *
ns_prefix(int ns)
{
	switch (ns) {
	case RUMP_EXTATTR_NAMESPACE_USER:
		return XATTR_USER_PREFIX;
	case RUMP_EXTATTR_NAMESPACE_SYSTEM:
		return XATTR_SYSTEM_PREFIX;
	}
	return NULL;
}

/* What is checked before anything else; the prefix of the namespace. */
static int
ea_check(const struct extattr *ea, int ns, const char **prefixp)
{
	if ((*prefixp = ns_prefix(ns)) == NULL)
		return EINVAL;
	if (ea->ea_error != 0)
		return ea->ea_error;
	return ns == RUMP_EXTATTR_NAMESPACE_SYSTEM &&
		       !cred_is_root(ea->ea_file.xf_cred)
		   ? EPERM
		   : 0;
}

/* The same, and the whole name. */
static int
ea_name(const struct extattr *ea, int ns, const char *uname, char *name)
{
	const char *prefix;
	size_t len;
	int error;

	if ((error = ea_check(ea, ns, &prefix)) != 0)
		return error;
	len = strlen(prefix);
	memcpy(name, prefix, len);
	error = copyinstr(uname, name + len, XATTR_NAME_SIZE - len, NULL);
	return error == 0 && name[len] == '\0' ? EINVAL : error;
}

static int
do_get(const struct extattr *ea, int ns, const char *uname, void *udata,
    size_t size, ssize_t *retval)
{
	char name[XATTR_NAME_SIZE], *buf;
	size_t len = 0;
	int error;

	if ((error = ea_name(ea, ns, uname, name)) != 0)
		return error;
	if (udata == NULL) {
		error = xattr_get(&ea->ea_file, name, NULL, 0, &len);
		*retval = (ssize_t)len;
		return error;
	}
	if ((buf = kmem_alloc(XATTR_SIZE_MAX)) == NULL)
		return ENOMEM;
	error = xattr_get(&ea->ea_file, name, buf, XATTR_SIZE_MAX, &len);
	if (len > size)
		len = size;
	if (error == 0)
		error = copyout(buf, udata, len);
	kmem_free(buf, XATTR_SIZE_MAX);
	*retval = (ssize_t)len;
	return error;
}

static int
do_set(const struct extattr *ea, int ns, const char *uname, const void *udata,
    size_t size, int *retval)
{
	char name[XATTR_NAME_SIZE];
	void *value;
	int error;

	if ((error = ea_name(ea, ns, uname, name)) != 0 ||
	    (error = xattr_value_copyin(udata, size, &value)) != 0)
		return error;
	error = xattr_set(&ea->ea_file, name, value, size, 0);
	kmem_free(value, size + 1);
	*retval = (int)size;
	return error;
}

static int
do_delete(const struct extattr *ea, int ns, const char *uname)
{
	char name[XATTR_NAME_SIZE];
	int error = ea_name(ea, ns, uname, name);

	return error != 0 ? error : xattr_set(&ea->ea_file, name, NULL, 0, 0);
}

/* Make the names with this prefix a list of the BSDs', in place. */
static size_t
list_convert(struct xattrlist *xl, const char *prefix)
{
	size_t plen = strlen(prefix), from = 0, to = 0, n;
	char *names = xl->xl_names;

	for (; from < xl->xl_len; from += n + 1) {
		n = strlen(names + from);
		if (strncmp(names + from, prefix, plen) != 0)
			continue;
		memmove(names + to + 1, names + from + plen, n - plen);
		names[to] = (char)(n - plen);
		to += n - plen + 1;
	}
	return to;
}

static int
do_list(
    const struct extattr *ea, int ns, void *udata, size_t size, ssize_t *retval)
{
	struct xattrlist xl;
	const char *prefix;
	size_t len;
	int error;

	if ((error = ea_check(ea, ns, &prefix)) != 0 ||
	    (error = xattr_list(&ea->ea_file, &xl)) != 0)
		return error;
	len = list_convert(&xl, prefix);
	if (udata != NULL) {
		if (len > size)
			len = size;
		error = copyout(xl.xl_names, udata, len);
	}
	xattr_listfree(&xl);
	*retval = (ssize_t)len;
	return error;
}

/* The end of a call. */
static int
ea_done(struct extattr *ea, int error)
{
	if (ea->ea_error == 0)
		xattr_rele(&ea->ea_file);
	return error;
}

static int
ea_get(struct extattr ea, int ns, const char *name, void *data, size_t size,
    ssize_t *retval)
{
	return ea_done(&ea, do_get(&ea, ns, name, data, size, retval));
}

static int
ea_set(struct extattr ea, int ns, const char *name, const void *data,
    size_t size, int *retval)
{
	return ea_done(&ea, do_set(&ea, ns, name, data, size, retval));
}

static int
ea_delete(struct extattr ea, int ns, const char *name)
{
	return ea_done(&ea, do_delete(&ea, ns, name));
}

static int
ea_list(struct extattr ea, int ns, void *data, size_t size, ssize_t *retval)
{
	return ea_done(&ea, do_list(&ea, ns, data, size, retval));
}

int
sys_extattr_get_file(struct lwp *l, const char *path, int ns, const char *name,
    void *data, size_t size, ssize_t *retval)
{
	return ea_get(by_path(l, path, true), ns, name, data, size, retval);
}

int
sys_extattr_set_file(struct lwp *l, const char *path, int ns, const char *name,
    const void *data, size_t size, int *retval)
{
	return ea_set(by_path(l, path, true), ns, name, data, size, retval);
}

int
sys_extattr_delete_file(
    struct lwp *l, const char *path, int ns, const char *name)
{
	return ea_delete(by_path(l, path, true), ns, name);
}

int
sys_extattr_list_file(struct lwp *l, const char *path, int ns, void *data,
    size_t size, ssize_t *retval)
{
	return ea_list(by_path(l, path, true), ns, data, size, retval);
}

int
sys_extattr_get_link(struct lwp *l, const char *path, int ns, const char *name,
    void *data, size_t size, ssize_t *retval)
{
	return ea_get(by_path(l, path, false), ns, name, data, size, retval);
}

int
sys_extattr_set_link(struct lwp *l, const char *path, int ns, const char *name,
    const void *data, size_t size, int *retval)
{
	return ea_set(by_path(l, path, false), ns, name, data, size, retval);
}

int
sys_extattr_delete_link(
    struct lwp *l, const char *path, int ns, const char *name)
{
	return ea_delete(by_path(l, path, false), ns, name);
}

int
sys_extattr_list_link(struct lwp *l, const char *path, int ns, void *data,
    size_t size, ssize_t *retval)
{
	return ea_list(by_path(l, path, false), ns, data, size, retval);
}

int
sys_extattr_get_fd(struct lwp *l, int fd, int ns, const char *name, void *data,
    size_t size, ssize_t *retval)
{
	return ea_get(by_fd(l, fd), ns, name, data, size, retval);
}

int
sys_extattr_set_fd(struct lwp *l, int fd, int ns, const char *name,
    const void *data, size_t size, int *retval)
{
	return ea_set(by_fd(l, fd), ns, name, data, size, retval);
}

int
sys_extattr_delete_fd(struct lwp *l, int fd, int ns, const char *name)
{
	return ea_delete(by_fd(l, fd), ns, name);
}

int
sys_extattr_list_fd(
    struct lwp *l, int fd, int ns, void *data, size_t size, ssize_t *retval)
{
	return ea_list(by_fd(l, fd), ns, data, size, retval);
}
