/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Extended attributes, of an open file or, if path is not NULL, of that one.
 */
#include <linux/limits.h>

#include <stdlib.h>
#include <string.h>

#include "image/image.h"

int
xattrs_add(struct xattrs *xs, const char *name, const void *value, size_t size)
{
	struct xattr *all, x = {.x_size = size};

	all = reallocarray(xs->xs_all, xs->xs_count + 1, sizeof(*all));
	if (all == NULL)
		return ENOMEM;
	xs->xs_all = all;
	x.x_name = strdup(name);
	x.x_value = malloc(size > 0 ? size : 1);
	if (x.x_name == NULL || x.x_value == NULL) {
		free(x.x_name);
		free(x.x_value);
		return ENOMEM;
	}
	memcpy(x.x_value, value, size);
	all[xs->xs_count++] = x;
	return 0;
}

void
xattrs_clear(struct xattrs *xs)
{
	while (xs->xs_count > 0) {
		xs->xs_count--;
		free(xs->xs_all[xs->xs_count].x_name);
		free(xs->xs_all[xs->xs_count].x_value);
	}
	free(xs->xs_all);
	xs->xs_all = NULL;
}

static int
xattrs_get(const struct fsops *fs, int fd, const char *path, const char *name,
    char *value, struct xattrs *xs)
{
	ssize_t size = path != NULL
			   ? fs->f_lgetxattr(path, name, value, XATTR_SIZE_MAX)
			   : fs->f_fgetxattr(fd, name, value, XATTR_SIZE_MAX);

	/* Somebody has removed it. */
	if (size < 0)
		return errno == ENODATA ? 0 : errno;
	return xattrs_add(xs, name, value, (size_t)size);
}

int
xattrs_read(const struct fsops *fs, int fd, const char *path, char *buf,
    struct xattrs *xs)
{
	ssize_t len = path != NULL ? fs->f_llistxattr(path, buf, XATTR_LIST_MAX)
				   : fs->f_flistxattr(fd, buf, XATTR_LIST_MAX);
	const char *name = buf;
	int error = 0;

	if (len < 0)
		return errno == EOPNOTSUPP ? 0 : errno;
	for (; name < buf + len && error == 0; name += strlen(name) + 1)
		error =
		    xattrs_get(fs, fd, path, name, buf + XATTR_LIST_MAX, xs);
	return error;
}

int
xattrs_write(struct image *im, const struct fsops *fs, int fd, const char *path,
    const struct imgentry *e)
{
	int r, error;

	for (size_t i = 0; i < e->e_xattrs.xs_count; i++) {
		const struct xattr *x = &e->e_xattrs.xs_all[i];

		r = path != NULL ? fs->f_lsetxattr(path, x->x_name, x->x_value,
				       x->x_size, 0)
				 : fs->f_fsetxattr(
				       fd, x->x_name, x->x_value, x->x_size, 0);
		/* The file itself is there: it stays without it. */
		if (r != 0 && (error = image_skip(im, e->e_path, errno,
				   "An extended attribute cannot be set")) != 0)
			return error;
	}
	return 0;
}
