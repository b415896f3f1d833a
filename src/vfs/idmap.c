/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mounts that shift ids: an id of the file system is shown as another, and
 * back.  What the table does not name is shown as nobody's and cannot be
 * given to a file.
 */
#include "vfs/vfs_impl.h"

#define ID_NOBODY 65534

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

void
idmap_free(struct idmap *im)
{
	if (im != NULL)
		kmem_free(im, sizeof(*im) + (im->im_nuids + im->im_ngids) *
						sizeof(im->im_range[0]));
}

static const struct idrange *
idmap_ranges(const struct idmap *im, bool group, uint32_t *n)
{
	*n = group ? im->im_ngids : im->im_nuids;
	return im->im_range + (group ? im->im_nuids : 0);
}

uint32_t
idmap_show(const struct idmap *im, bool group, uint32_t id)
{
	uint32_t n, i;
	const struct idrange *r = idmap_ranges(im, group, &n);

	for (i = 0; i < n; i++)
		if (id - r[i].ir_stored < r[i].ir_count)
			return id - r[i].ir_stored + r[i].ir_shown;
	return ID_NOBODY;
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
