/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * umap: a directory or file that is seen at another place with other owners.
 *
 * It is the same vnode through a mount with a table of ids (vfs/idmap.h).
 * If no user, or no group, is named in the data, those are as they are.
 */
#include <rump/rump_mount.h>

#include "kern/uio.h"
#include "vfs/bind.h"
#include "vfs/idmap.h"

extern const struct vfsops umap_vfsops;

/* A table in the making: what the data says so far. */
struct umap {
	struct mountstr um_target;
	struct idmap *um_idmap; /* NULL: only count */
	uint32_t um_nuids;
	uint32_t um_ngids;
};

static int
umap_number(const char **p, uint32_t *np)
{
	uint64_t n = 0;

	if (**p < '0' || **p > '9')
		return EINVAL;
	for (; **p >= '0' && **p <= '9'; ++*p)
		if ((n = n * 10 + (uint64_t)(**p - '0')) > UINT32_MAX)
			return EINVAL;
	*np = (uint32_t)n;
	return 0;
}

/* FROM:TO[:COUNT], up to a comma or the end. */
static int
umap_range(const char *p, struct idrange *r)
{
	r->ir_count = 1;
	if (umap_number(&p, &r->ir_stored) != 0 || *p++ != ':' ||
	    umap_number(&p, &r->ir_shown) != 0)
		return EINVAL;
	if (*p == ':' && (p++, umap_number(&p, &r->ir_count) != 0))
		return EINVAL;
	return *p == ',' || *p == '\0' ? 0 : EINVAL;
}

static int
umap_add(struct umap *um, bool group, const struct idrange *r)
{
	uint32_t *n = group ? &um->um_ngids : &um->um_nuids;

	if (*n == IDMAP_MAX)
		return EINVAL;
	if (um->um_idmap != NULL)
		um->um_idmap
		    ->im_range[*n + (group ? um->um_idmap->im_nuids : 0)] = *r;
	++*n;
	return 0;
}

static int
umap_option(struct umap *um, const char *p, size_t len)
{
	struct idrange r;
	int error;

	if (len > 7 && memcmp(p, "target=", 7) == 0) {
		um->um_target = (struct mountstr){p + 7, len - 7};
		return 0;
	}
	if (len < 4 || p[3] != '=' || p[1] != 'i' || p[2] != 'd' ||
	    (p[0] != 'u' && p[0] != 'g'))
		return EINVAL;
	error = umap_range(p + 4, &r);
	return error != 0 ? error : umap_add(um, p[0] == 'g', &r);
}

/* Up to a comma that has no backslash before it. */
static size_t
option_len(const char *p)
{
	size_t len = 0;

	while (p[len] != '\0' && p[len] != ',')
		len += p[len] == '\\' && p[len + 1] != '\0' ? 2 : 1;
	return len;
}

static int
umap_parse(struct umap *um, const char *p)
{
	size_t len;
	int error;

	for (; *p != '\0'; p += len + (p[len] == ',')) {
		len = option_len(p);
		if (len > 0 && (error = umap_option(um, p, len)) != 0)
			return error;
	}
	return 0;
}

/* n pairs of the caller's memory. */
static int
umap_pairs(struct umap *um, bool group, uint64_t (*pairs)[2], int n)
{
	struct idrange r = {.ir_count = 1};
	uint64_t pair[2];
	int i, error;

	if (n < 0 || n > IDMAP_MAX)
		return EINVAL;
	for (i = 0; i < n; i++) {
		if ((error = copyin(pairs[i], pair, sizeof(pair))) != 0)
			return error;
		if (pair[0] >= ID_NONE || pair[1] >= ID_NONE)
			return EINVAL;
		r.ir_stored = (uint32_t)pair[0];
		r.ir_shown = (uint32_t)pair[1];
		if ((error = umap_add(um, group, &r)) != 0)
			return error;
	}
	return 0;
}

/* Everything that the data says into um. */
static int
umap_read(
    const struct mountargs *ma, const struct umap_args *ua, struct umap *um)
{
	static const struct idrange all = {.ir_count = ID_NONE};
	int error;

	um->um_nuids = um->um_ngids = 0;
	if (ua == NULL)
		error = umap_parse(um, ma->ma_data);
	else if ((error = umap_pairs(um, false, ua->mapdata, ua->nentries)) ==
		 0)
		error = umap_pairs(um, true, ua->gmapdata, ua->gnentries);
	if (error == 0 && um->um_nuids == 0)
		error = umap_add(um, false, &all);
	if (error == 0 && um->um_ngids == 0)
		error = umap_add(um, true, &all);
	return error;
}

/* The table, counted first and filled then. */
static int
umap_table(
    const struct mountargs *ma, const struct umap_args *ua, struct umap *um)
{
	int error;

	if ((error = umap_read(ma, ua, um)) != 0)
		return error;
	if ((um->um_idmap = idmap_alloc(um->um_nuids, um->um_ngids)) == NULL)
		return ENOMEM;
	if ((error = umap_read(ma, ua, um)) != 0 ||
	    (error = idmap_check(um->um_idmap)) != 0)
		idmap_free(um->um_idmap);
	return error;
}

static int
umap_mount(struct mountargs *ma, struct super **sbp)
{
	bool isstruct = mountdata_isstruct(ma, sizeof(struct umap_args));
	struct umap um = {.um_target = {NULL, 0}};
	struct umap_args ua;
	struct mount *mp;
	struct vnode *vp;
	int error;

	memcpy(&ua, ma->ma_data, isstruct ? sizeof(ua) : 0);
	if ((error = umap_table(ma, isstruct ? &ua : NULL, &um)) != 0)
		return error;
	if (isstruct)
		error = bind_lookup_user(ma, ua.umap_target, &mp, &vp);
	else if (um.um_target.ms_len == 0)
		error = EINVAL;
	else
		error = bind_lookup(ma, um.um_target, &mp, &vp);
	if (error == 0 && mp->mnt_idmap != NULL) {
		/* Its ids are shifted already. */
		vnode_rele(vp);
		mount_rele(mp);
		error = EPERM;
	}
	if (error != 0) {
		idmap_free(um.um_idmap);
		return error;
	}
	ma->ma_idmap = um.um_idmap;
	bind_to(ma, mp, vp, sbp);
	return 0;
}

const struct vfsops umap_vfsops = {
    .vfs_name = "umap",
    .vfs_mount = umap_mount,
};
