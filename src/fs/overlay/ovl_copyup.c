/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copying up: before a file is changed it is brought to the upper layer, with
 * the directories that it is in, its data, owner, permissions, times and
 * extended attributes.  om_lock is held all the time, so that nobody sees it
 * half done; what fails is undone.
 *
 * A file whose last name was removed has no place: it is copied to a name of
 * its own in the upper layer's root, which is removed at once.
 */
#include <unistd.h>

#include "fs/overlay/overlay.h"

#define COPY_BYTES (16 * KPAGE_SIZE)

/* A copy that is being made. */
struct copy {
	struct vnode *c_from;
	struct vnode *c_to;
	struct stat c_stat; /* of c_from */
	char *c_buf;
	struct vwrite c_write;
};

/* Copy what is between two offsets, less if the file has become shorter. */
static int
copy_range(struct copy *c, off_t off, off_t end)
{
	struct iovec iov;
	struct uio u;
	size_t n;
	off_t at;
	int error = 0;

	while (off < end && error == 0) {
		n = end - off < COPY_BYTES ? (size_t)(end - off) : COPY_BYTES;
		uio_init1(&u, &iov, c->c_buf, n, UIO_READ);
		at = off;
		error = c->c_from->v_ops->vop_read(c->c_from, &at, &u);
		if (error != 0 || (n -= u.uio_resid) == 0)
			break;
		uio_init1(&u, &iov, c->c_buf, n, UIO_WRITE);
		error =
		    c->c_to->v_ops->vop_write(c->c_to, &off, &u, &c->c_write);
	}
	return error;
}

/* The next stretch of data from *off on: up to *end.  ENXIO: no more. */
static int
copy_next(const struct copy *c, off_t *off, off_t *end)
{
	struct vnode *vp = c->c_from;
	int error;

	*end = c->c_stat.st_size;
	if (*off >= *end)
		return ENXIO;
	if (vp->v_ops->vop_seek == NULL)
		return 0;
	if ((error = vp->v_ops->vop_seek(vp, SEEK_DATA, off)) != 0)
		return error;
	*end = *off;
	return vp->v_ops->vop_seek(vp, SEEK_HOLE, end);
}

static int
copy_data(struct copy *c)
{
	off_t off, end;
	int error;

	if (c->c_stat.st_size == 0)
		return 0;
	if ((c->c_buf = kmem_alloc(COPY_BYTES)) == NULL)
		return ENOMEM;
	error = c->c_to->v_ops->vop_truncate(
	    c->c_to, c->c_stat.st_size, &c->c_write, false);
	for (off = 0; error == 0; off = end)
		if ((error = copy_next(c, &off, &end)) == 0)
			error = copy_range(c, off, end);
	kmem_free(c->c_buf, COPY_BYTES);
	return error == ENXIO ? 0 : error;
}

static int
copy_xattr(const struct copy *c, const char *name)
{
	struct vnode *vp = c->c_from;
	size_t size, len;
	void *value;
	int error;

	if (strncmp(name, OVL_XATTR, strlen(OVL_XATTR)) == 0)
		return 0;
	/* EINVAL: a value that the host lists and lets nobody read. */
	if ((error = vp->v_ops->vop_getxattr(vp, name, NULL, 0, &size)) != 0)
		return error == ENODATA || error == EINVAL ? 0 : error;
	if ((value = kmem_alloc(size + 1)) == NULL)
		return ENOMEM;
	error = vp->v_ops->vop_getxattr(vp, name, value, size, &len);
	if (error == 0)
		error = up_setxattr(c->c_to, name, value, size == 0 ? 0 : len);
	kmem_free(value, size + 1);
	return error;
}

static int
copy_xattrs(const struct copy *c)
{
	struct vnode *vp = c->c_from;
	size_t size, len;
	char *list, *p;
	int error;

	if (vp->v_ops->vop_listxattr == NULL ||
	    vp->v_ops->vop_listxattr(vp, NULL, 0, &size) != 0 || size == 0)
		return 0;
	if ((list = kmem_alloc(size)) == NULL)
		return ENOMEM;
	error = vp->v_ops->vop_listxattr(vp, list, size, &len);
	for (p = list; error == 0 && p < list + len; p += strlen(p) + 1)
		error = copy_xattr(c, p);
	kmem_free(list, size);
	return error;
}

/* Everything but the name, which c_to has. */
static int
copy_fill(struct copy *c, bool data)
{
	struct vattr va = {
	    .va_mask = VA_MODE,
	    .va_mode = c->c_stat.st_mode & 07777,
	};
	int error = 0;

	if (data && S_ISREG(c->c_stat.st_mode))
		error = copy_data(c);
	if (error == 0)
		error = copy_xattrs(c);
	/* Writing may have cleared set-id bits. */
	if (error == 0 && S_ISREG(c->c_stat.st_mode))
		error = up_setattr(c->c_to, &va);
	return error != 0 ? error : up_settimes(c->c_to, &c->c_stat);
}

/* The file that is made for c_from under a name. */
static int
copy_make(struct copy *c, struct vnode *udvp, const struct cname *cn)
{
	struct vattr va = {
	    .va_mode = c->c_stat.st_mode,
	    .va_uid = c->c_stat.st_uid,
	    .va_gid = c->c_stat.st_gid,
	    .va_rdev = c->c_stat.st_rdev,
	};
	int error;

	if (S_ISLNK(va.va_mode)) {
		error = c->c_from->v_ops->vop_readlink(
		    c->c_from, &va.va_target, &va.va_targetlen);
		if (error != 0)
			return error;
	}
	return up_create(udvp, cn, &va, &c->c_to);
}

/* Copy `on' to a name in udvp. */
static int
copyup_to(
    struct ovl_node *on, struct vnode *udvp, const struct cname *cn, bool data)
{
	struct copy c = {
	    .c_from = ovl_real(on),
	    .c_write = {.vw_cred = proc_cred(curlwp()->l_proc),
		.vw_mount = ovl_super(on)->om_layer[0].ol_mount,
		.vw_limit = INT64_MAX},
	};
	struct stat dir = {0};
	int error;

	if ((error = c.c_from->v_ops->vop_getattr(c.c_from, &c.c_stat)) != 0 ||
	    (error = udvp->v_ops->vop_getattr(udvp, &dir)) != 0 ||
	    (error = copy_make(&c, udvp, cn)) != 0)
		return error;
	if ((error = copy_fill(&c, data)) == 0)
		ovl_setupper(on, c.c_to);
	else {
		vnode_rele(c.c_to);
		(void)up_remove(udvp, cn);
	}
	/* Nobody changed the directory, as far as anybody can see. */
	(void)up_settimes(udvp, &dir);
	return error;
}

/* One whose directory is there. */
static int
copyup_one(struct ovl_node *on, bool data)
{
	struct ovl_mount *om = ovl_super(on);
	struct vnode *root = om->om_layer[0].ol_root;
	const struct ovl_entry *oe = ovl_entry(on);
	struct ovl_temp ot;
	struct cname cn;
	int error;

	if (on->on_entries > 0) {
		cname_init(&cn, oe->oe_name, oe->oe_len);
		return copyup_to(on, ovl_upper(oe->oe_parent), &cn, data);
	}
	if ((error = ovl_temp(om, root, &ot)) != 0 ||
	    (error = copyup_to(on, root, &ot.ot_cn, data)) != 0)
		return error;
	return up_remove(root, &ot.ot_cn);
}

int
ovl_copyup_locked(struct ovl_node *on, bool data)
{
	struct ovl_mount *om = ovl_super(on);
	struct ovl_node *n;
	int error = 0;

	KASSERT(mutex_owned(&om->om_lock));
	if (om->om_layer[0].ol_root == NULL)
		return EROFS;
	if (ovl_upper(on) != NULL)
		return 0;
	ovl_links_change(on);
	vfs_tree_begin();
	/* From the topmost directory that is missing down. */
	while (error == 0 && ovl_upper(on) == NULL) {
		for (n = on; n->on_entries > 0 &&
			     ovl_upper(ovl_entry(n)->oe_parent) == NULL;)
			n = ovl_entry(n)->oe_parent;
		error = copyup_one(n, n == on ? data : true);
	}
	if (error == 0 && on->on_linked)
		ovl_links_names(on);
	vfs_tree_end();
	return error;
}

int
ovl_copyup(struct ovl_node *on, bool data)
{
	struct ovl_mount *om = ovl_super(on);
	int error;

	if (likely(ovl_upper(on) != NULL))
		return 0;
	mutex_enter(&om->om_lock);
	error = ovl_copyup_locked(on, data);
	mutex_exit(&om->om_lock);
	return error;
}
