/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Trees from the host to the kernel and back.
 */
#include <stdio.h>

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

/* The top of a tree. */
struct top {
	const struct fsops *t_fs;
	int t_fd;
	const char *t_name;
};

static int
copy_tree(const struct top *from, const struct top *to, unsigned flags)
{
	struct image im;
	struct walk w;
	struct put p;
	int error, later;

	if ((error = image_begin(&im, flags, KNOWN, false)) != 0)
		return error;
	error = walk_init(&w, &im, from->t_fs, from->t_fd, from->t_name);
	if (error == 0) {
		put_init(&p, &im, to->t_fs, to->t_fd, to->t_name);
		error = copy_entries(&w, &p);
		later = put_fini(&p);
		error = error != 0 ? error : later;
		walk_fini(&w);
	}
	image_end(&im);
	return error;
}

static int
copy(int hostdirfd, const char *dir, bool in, unsigned flags)
{
	struct top kernel = {.t_fs = &kernel_fsops, .t_name = dir};
	struct top host = {.t_fs = &host_fsops, .t_fd = hostdirfd};
	char name[32];
	int error;

	snprintf(name, sizeof(name), "/proc/self/fd/%d", hostdirfd);
	host.t_name = name;
	if ((error = fs_top(dir, &kernel.t_fd)) != 0)
		return error;
	error = copy_tree(in ? &host : &kernel, in ? &kernel : &host, flags);
	(void)rump_sys_close(kernel.t_fd);
	return error;
}

EXPORT int
rump_image_copyin(int hostdirfd, const char *dir, unsigned flags)
{
	return copy(hostdirfd, dir, true, flags);
}

EXPORT int
rump_image_copyout(const char *dir, int hostdirfd, unsigned flags)
{
	return copy(hostdirfd, dir, false, flags);
}
