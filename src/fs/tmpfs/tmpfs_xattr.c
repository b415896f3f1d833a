/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Extended attributes: a list for each file, in the order of Linux, by names
 * backwards.  v_lock covers it.
 */
#include <sys/xattr.h>

#include "fs/tmpfs/tmpfs.h"

/* All stable but for tx_next. */
struct tmpfs_xattr {
	struct tmpfs_xattr *tx_next; /* (l) */
	uint32_t tx_size;	     /* of the value */
	uint32_t tx_len;	     /* of the name, with its NUL */
	char tx_name[];		     /* and then the value */
};

/* What one takes of a file's room, beside the value and the name, on Linux. */
#define XATTR_SPACE 40

static inline size_t
xattr_bytes(const struct tmpfs_xattr *tx)
{
	return offsetof(struct tmpfs_xattr, tx_name) + tx->tx_len + tx->tx_size;
}

static inline char *
xattr_value(struct tmpfs_xattr *tx)
{
	return tx->tx_name + tx->tx_len;
}

/* Can a file have one of that name? */
static int
xattr_check(const char *name)
{
	static const char *const prefixes[] = {
	    "user.", "trusted.", "security."};
	size_t i, len;

	for (i = 0; i < nitems(prefixes); i++) {
		len = strlen(prefixes[i]);
		if (strncmp(name, prefixes[i], len) == 0)
			return name[len] != '\0' ? 0 : EINVAL;
	}
	return EOPNOTSUPP;
}

static inline int64_t
xattr_space(const char *name, size_t size)
{
	return (int64_t)(XATTR_SPACE + strlen(name) + size);
}

static void
xattr_drop(struct tmpfs_mount *tm, struct tmpfs_xattr *tx)
{
	tmpfs_give(tm, TMPFS_INODES, xattr_space(tx->tx_name, tx->tx_size));
	kmem_free(tx, xattr_bytes(tx));
}

/* Where the attribute is linked, or where it would be. */
static struct tmpfs_xattr **
xattr_find(struct tmpfs_node *tn, const char *name)
{
	struct tmpfs_xattr **txp;

	for (txp = &tn->tn_xattrs; *txp != NULL; txp = &(*txp)->tx_next)
		if (strcmp((*txp)->tx_name, name) <= 0)
			break;
	return txp;
}

int
tmpfs_getxattr(
    struct vnode *vp, const char *name, void *buf, size_t size, size_t *lenp)
{
	struct tmpfs_node *tn = vp_to_node(vp);
	struct tmpfs_xattr *tx;
	int error;

	if ((error = xattr_check(name)) != 0)
		return error;
	rw_enter_read(&vp->v_lock);
	tx = *xattr_find(tn, name);
	if (tx == NULL || strcmp(tx->tx_name, name) != 0)
		error = ENODATA;
	else {
		*lenp = tx->tx_size;
		if (size != 0 && size < *lenp)
			error = ERANGE;
		else if (size != 0)
			memcpy(buf, xattr_value(tx), *lenp);
	}
	rw_exit_read(&vp->v_lock);
	return error;
}

static int
xattr_make(struct tmpfs_mount *tm, const char *name, const void *value,
    size_t size, struct tmpfs_xattr **txp)
{
	size_t len = strlen(name) + 1;
	int64_t space = xattr_space(name, size);
	struct tmpfs_xattr *tx;
	int error;

	if ((error = tmpfs_take(tm, TMPFS_INODES, space)) != 0)
		return error;
	tx = kmem_alloc(offsetof(struct tmpfs_xattr, tx_name) + len + size);
	if (tx == NULL) {
		tmpfs_give(tm, TMPFS_INODES, space);
		return ENOMEM;
	}
	tx->tx_size = (uint32_t)size;
	tx->tx_len = (uint32_t)len;
	memcpy(tx->tx_name, name, len);
	memcpy(xattr_value(tx), value, size);
	*txp = tx;
	return 0;
}

int
tmpfs_setxattr(struct vnode *vp, const char *name, const void *value,
    size_t size, int flags)
{
	struct tmpfs_node *tn = vp_to_node(vp);
	struct tmpfs_mount *tm = node_super(tn);
	struct tmpfs_xattr **txp, *old, *tx = NULL;
	struct timespec now;
	int error;

	if ((error = xattr_check(name)) != 0)
		return error;
	txp = xattr_find(tn, name);
	old = *txp;
	if (old != NULL && strcmp(old->tx_name, name) != 0)
		old = NULL;
	if (old != NULL && (flags & XATTR_CREATE) != 0)
		return EEXIST;
	if (old == NULL && (value == NULL || (flags & XATTR_REPLACE) != 0))
		return ENODATA;
	if (value != NULL &&
	    (error = xattr_make(tm, name, value, size, &tx)) != 0)
		return error;
	if (old != NULL) {
		*txp = old->tx_next;
		xattr_drop(tm, old);
	}
	if (tx != NULL) {
		tx->tx_next = *txp;
		*txp = tx;
	}
	vfs_coarse_now(&now);
	tmpfs_change(tn, &now);
	tmpfs_settime(tn, TMPFS_CTIME, &now);
	tmpfs_changed(tn);
	return 0;
}

int
tmpfs_listxattr(struct vnode *vp, char *buf, size_t size, size_t *lenp)
{
	const struct tmpfs_xattr *tx;
	size_t len = 0;

	rw_enter_read(&vp->v_lock);
	for (tx = vp_to_node(vp)->tn_xattrs; tx != NULL; tx = tx->tx_next) {
		if (size - len >= tx->tx_len && len <= size)
			memcpy(buf + len, tx->tx_name, tx->tx_len);
		len += tx->tx_len;
	}
	rw_exit_read(&vp->v_lock);
	*lenp = len;
	return size != 0 && len > size ? ERANGE : 0;
}

void
tmpfs_xattr_free(struct tmpfs_node *tn)
{
	struct tmpfs_xattr *tx;

	while ((tx = tn->tn_xattrs) != NULL) {
		tn->tn_xattrs = tx->tx_next;
		xattr_drop(node_super(tn), tx);
	}
}
