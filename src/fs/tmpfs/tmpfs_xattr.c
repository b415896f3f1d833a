/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Extended attributes: a list for each file, in the order of Linux: the access
 * control lists, the rest by names backwards.  v_lock covers it, but access
 * control lists are found without; so what is dropped is retired.
 */
#include <sys/xattr.h>

#include <linux/xattr.h>

#include "fs/tmpfs/tmpfs.h"

/* All stable but for tx_next. */
struct tmpfs_xattr {
	struct tmpfs_xattr *_Atomic tx_next; /* (v) */
	struct smr_item tx_smr;		     /* once it is dropped */
	uint32_t tx_rank; /* its flag of v_mode; 0: no access list */
	uint32_t tx_size; /* of the value */
	uint32_t tx_len;  /* of the name, with its NUL */
	char tx_name[];	  /* and then the value */
};

/* What one takes of a file's room, beside the value and the name, on Linux. */
#define XATTR_SPACE 40

/* Where the value begins: the numbers in an access control list are aligned. */
static inline size_t
value_at(size_t len)
{
	return (offsetof(struct tmpfs_xattr, tx_name) + len + 3) & ~(size_t)3;
}

static inline size_t
xattr_bytes(const struct tmpfs_xattr *tx)
{
	return value_at(tx->tx_len) + tx->tx_size;
}

static inline char *
xattr_value(struct tmpfs_xattr *tx)
{
	return (char *)tx + value_at(tx->tx_len);
}

/* The flag in v_mode of the list of that name, of which V_ACL comes first. */
static uint32_t
xattr_rank(const char *name)
{
	if (strcmp(name, XATTR_NAME_POSIX_ACL_ACCESS) == 0)
		return V_ACL;
	return strcmp(name, XATTR_NAME_POSIX_ACL_DEFAULT) == 0 ? V_DEFACL : 0;
}

/* Can a file have one of that name? */
static int
xattr_check(const struct vnode *vp, const char *name)
{
	static const char *const prefixes[] = {
	    "user.", "trusted.", "security."};
	size_t i, len;

	for (i = 0; i < nitems(prefixes); i++) {
		len = strlen(prefixes[i]);
		if (strncmp(name, prefixes[i], len) == 0)
			return name[len] != '\0' ? 0 : EINVAL;
	}
	return xattr_rank(name) != 0 && vp->v_ops->vop_getacl != NULL
		   ? 0
		   : EOPNOTSUPP;
}

/* Access control lists are not counted there. */
static inline int64_t
xattr_space(const char *name, size_t size)
{
	return xattr_rank(name) != 0
		   ? 0
		   : (int64_t)(XATTR_SPACE + strlen(name) + size);
}

static void
xattr_smrfree(struct smr_item *si)
{
	struct tmpfs_xattr *tx = container_of(si, struct tmpfs_xattr, tx_smr);

	kmem_free(tx, xattr_bytes(tx));
}

static void
xattr_drop(struct tmpfs_mount *tm, struct tmpfs_xattr *tx)
{
	tmpfs_give(tm, TMPFS_INODES, xattr_space(tx->tx_name, tx->tx_size));
	smr_retire(&tx->tx_smr, xattr_smrfree);
}

/* Does it come before where one of that name is, or would be? */
static bool
xattr_isbefore(const struct tmpfs_xattr *tx, uint32_t rank, const char *name)
{
	/* 0 is the last rank. */
	return tx->tx_rank != rank ? tx->tx_rank - 1 < rank - 1
				   : strcmp(tx->tx_name, name) > 0;
}

/* Where the attribute is linked, or where it would be. */
static struct tmpfs_xattr *_Atomic *
xattr_find(struct tmpfs_node *tn, const char *name)
{
	struct tmpfs_xattr *_Atomic *txp = &tn->tn_xattrs, *tx;
	uint32_t rank = xattr_rank(name);

	for (; (tx = tmpfs_get(*txp)) != NULL; txp = &tx->tx_next)
		if (!xattr_isbefore(tx, rank, name))
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

	if ((error = xattr_check(vp, name)) != 0)
		return error;
	rw_enter_read(&vp->v_lock);
	tx = tmpfs_get(*xattr_find(tn, name));
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
	tx = kmem_alloc(value_at(len) + size);
	if (tx == NULL) {
		tmpfs_give(tm, TMPFS_INODES, space);
		return ENOMEM;
	}
	tx->tx_rank = xattr_rank(name);
	tx->tx_size = (uint32_t)size;
	tx->tx_len = (uint32_t)len;
	memcpy(tx->tx_name, name, len);
	memcpy(xattr_value(tx), value, size);
	*txp = tx;
	return 0;
}

/* tx takes the place of old at *txp; both may be NULL. */
static void
xattr_link(struct tmpfs_node *tn, struct tmpfs_xattr *_Atomic *txp,
    struct tmpfs_xattr *old, struct tmpfs_xattr *tx)
{
	struct tmpfs_xattr *next =
	    old != NULL ? tmpfs_get(old->tx_next) : tmpfs_get(*txp);

	if (tx != NULL) {
		atomic_init(&tx->tx_next, next);
		next = tx;
	}
	/* Pairs with the acquire in tmpfs_getacl. */
	atomic_store_explicit(txp, next, memory_order_release);
	if (old != NULL)
		xattr_drop(node_super(tn), old);
}

int
tmpfs_setxattr(struct vnode *vp, const char *name, const void *value,
    size_t size, int flags)
{
	struct tmpfs_node *tn = vp_to_node(vp);
	struct tmpfs_mount *tm = node_super(tn);
	struct tmpfs_xattr *_Atomic *txp, *old, *tx = NULL;
	struct timespec now;
	uint32_t rank;
	int error;

	if ((error = xattr_check(vp, name)) != 0)
		return error;
	rank = xattr_rank(name);
	txp = xattr_find(tn, name);
	old = tmpfs_get(*txp);
	if (old != NULL && strcmp(old->tx_name, name) != 0)
		old = NULL;
	if (old != NULL && (flags & XATTR_CREATE) != 0)
		return EEXIST;
	if (old == NULL && rank == 0 &&
	    (value == NULL || (flags & XATTR_REPLACE) != 0))
		return ENODATA;
	if (value != NULL &&
	    (error = xattr_make(tm, name, value, size, &tx)) != 0)
		return error;
	xattr_link(tn, txp, old, tx);
	if (rank != 0)
		tmpfs_set(vp->v_mode,
		    (vnode_mode(vp) & ~rank) | (tx != NULL ? rank : 0));
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
	for (tx = tmpfs_get(vp_to_node(vp)->tn_xattrs); tx != NULL;
	     tx = tmpfs_get(tx->tx_next)) {
		if (size - len >= tx->tx_len && len <= size)
			memcpy(buf + len, tx->tx_name, tx->tx_len);
		len += tx->tx_len;
	}
	rw_exit_read(&vp->v_lock);
	*lenp = len;
	return size != 0 && len > size ? ERANGE : 0;
}

bool
tmpfs_getacl(
    const struct vnode *vp, bool isdefault, const void **valuep, size_t *sizep)
{
	const struct tmpfs_node *tn =
	    container_of(vp, const struct tmpfs_node, tn_vnode);
	uint32_t rank = isdefault ? V_DEFACL : V_ACL;
	struct tmpfs_xattr *tx;

	/* Acquire pairs with the release in xattr_link. */
	tx = atomic_load_explicit(&tn->tn_xattrs, memory_order_acquire);
	while (tx != NULL && tx->tx_rank != 0 && tx->tx_rank != rank)
		tx = atomic_load_explicit(&tx->tx_next, memory_order_acquire);
	if (tx == NULL || tx->tx_rank == 0)
		return false;
	*valuep = xattr_value(tx);
	*sizep = tx->tx_size;
	return true;
}

int
tmpfs_acl_init(struct tmpfs_node *tn, const struct vattr *va)
{
	struct tmpfs_mount *tm = node_super(tn);
	struct tmpfs_xattr *tx;
	int error = 0;

	if ((va->va_mode & V_DEFACL) != 0) {
		error = xattr_make(tm, XATTR_NAME_POSIX_ACL_DEFAULT, va->va_acl,
		    va->va_aclsize, &tx);
		if (error == 0)
			xattr_link(tn, &tn->tn_xattrs, NULL, tx);
	}
	if (error == 0 && (va->va_mode & V_ACL) != 0) {
		error = xattr_make(tm, XATTR_NAME_POSIX_ACL_ACCESS, va->va_acl,
		    va->va_aclsize, &tx);
		if (error == 0)
			xattr_link(tn, &tn->tn_xattrs, NULL, tx);
	}
	return error;
}

void
tmpfs_xattr_freeall(struct tmpfs_node *tn)
{
	struct tmpfs_xattr *tx;

	while ((tx = tmpfs_get(tn->tn_xattrs)) != NULL) {
		tmpfs_set(tn->tn_xattrs, tmpfs_get(tx->tx_next));
		xattr_drop(node_super(tn), tx);
	}
}
