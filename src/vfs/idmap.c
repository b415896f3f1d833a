/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mounts that shift ids: an id of the file system is shown as another, and
 * back.  What the table does not name is shown as nobody's and cannot be
 * given to a file.
 */
#include "vfs/idmap.h"

struct idmap *
idmap_alloc(uint32_t nuids, uint32_t ngids)
{
	struct idmap *im;

	if (nuids > IDMAP_MAX || ngids > IDMAP_MAX)
		return NULL;
	im = kmem_zalloc(
	    sizeof(*im) + (nuids + ngids) * sizeof(im->im_range[0]));
	if (im != NULL) {
		im->im_nuids = nuids;
		im->im_ngids = ngids;
	}
	return im;
}

static size_t
idmap_bytes(const struct idmap *im)
{
	return sizeof(*im) +
	       (im->im_nuids + im->im_ngids) * sizeof(im->im_range[0]);
}

void
idmap_free(struct idmap *im)
{
	if (im != NULL)
		kmem_free(im, idmap_bytes(im));
}

struct idmap *
idmap_copy(const struct idmap *im)
{
	struct idmap *copy = idmap_alloc(im->im_nuids, im->im_ngids);

	if (copy != NULL)
		memcpy(copy, im, idmap_bytes(im));
	return copy;
}

static const struct idrange *
idmap_ranges(const struct idmap *im, bool group, uint32_t *n)
{
	*n = group ? im->im_ngids : im->im_nuids;
	return im->im_range + (group ? im->im_nuids : 0);
}

/* Do `n' ids from a on and m from b on have one in common? */
static bool
ids_meet(uint32_t a, uint32_t n, uint32_t b, uint32_t m)
{
	return a - b < m || b - a < n;
}

static int
ranges_check(const struct idmap *im, bool group)
{
	uint32_t n, i, k;
	const struct idrange *r = idmap_ranges(im, group, &n);

	for (i = 0; i < n; i++) {
		if (r[i].ir_count == 0 ||
		    r[i].ir_count > ID_NONE - r[i].ir_stored ||
		    r[i].ir_count > ID_NONE - r[i].ir_shown)
			return EINVAL;
		for (k = 0; k < i; k++)
			if (ids_meet(r[i].ir_stored, r[i].ir_count,
				r[k].ir_stored, r[k].ir_count) ||
			    ids_meet(r[i].ir_shown, r[i].ir_count,
				r[k].ir_shown, r[k].ir_count))
				return EINVAL;
	}
	return 0;
}

int
idmap_check(const struct idmap *im)
{
	int error = ranges_check(im, false);

	return error != 0 ? error : ranges_check(im, true);
}

uint32_t
idmap_show(const struct idmap *im, bool group, uint32_t id)
{
	uint32_t n, i;
	const struct idrange *r = idmap_ranges(im, group, &n);

	for (i = 0; i < n; i++)
		if (id - r[i].ir_stored < r[i].ir_count)
			return id - r[i].ir_stored + r[i].ir_shown;
	return ID_NONE;
}

bool
idmap_store(const struct idmap *im, bool group, uint32_t id, uint32_t *stored)
{
	uint32_t n, i;
	const struct idrange *r = idmap_ranges(im, group, &n);

	for (i = 0; i < n; i++)
		if (id - r[i].ir_shown < r[i].ir_count) {
			*stored = id - r[i].ir_shown + r[i].ir_stored;
			return true;
		}
	return false;
}
