/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Trees from the host to the kernel and back.
 */
#include <rump/rump_syscalls.h>

#include "image/image.h"

#define EXPORT __attribute__((visibility("default")))

#define KNOWN                                                    \
	(RUMP_IMAGE_CALLER | RUMP_IMAGE_KEEP | RUMP_IMAGE_SKIP | \
	    RUMP_IMAGE_ONEFS | RUMP_IMAGE_SEPARATE)

static int
copy_entries(struct walk *w, struct put *p)
{
	const struct imgentry *e;
	int error;

	while ((error = walk_next(w, &e)) == 0 && e != NULL)
		if ((error = put_entry(p, e)) != 0)
			break;
	return error;
}

static int
copy_tree(const struct fsops *from, int fromfd, const struct fsops *to,
    int tofd, unsigned flags)
{
	struct image im;
	struct walk w;
	struct put p;
	int error, later;

	if ((error = image_begin(&im, flags, KNOWN, false)) != 0)
		return error;
	if ((error = walk_init(&w, &im, from, fromfd)) != 0)
		(void)image_report(&im, "", error, NULL);
	else {
		put_init(&p, &im, to, tofd);
		error = copy_entries(&w, &p);
		later = put_fini(&p);
		error = error != 0 ? error : later;
		walk_fini(&w);
	}
	image_end(&im);
	return error;
}

EXPORT int
rump_image_copyin(int hostdirfd, const char *dir, unsigned flags)
{
	int fd, error;

	if ((error = fs_top(dir, &fd)) != 0)
		return error;
	error = copy_tree(&host_fsops, hostdirfd, &kernel_fsops, fd, flags);
	(void)rump_sys_close(fd);
	return error;
}

EXPORT int
rump_image_copyout(const char *dir, int hostdirfd, unsigned flags)
{
	int fd, error;

	if ((error = fs_top(dir, &fd)) != 0)
		return error;
	error = copy_tree(&kernel_fsops, fd, &host_fsops, hostdirfd, flags);
	(void)rump_sys_close(fd);
	return error;
}
