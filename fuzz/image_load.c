/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rump_image_load of any bytes: an error or not, nothing is outside of the
 * directory that is given.  The first byte is for flags.
 */
#include <sys/mman.h>

#include <dirent.h>
#include <unistd.h>

#include <rump/rump_image.h>

#include "fuzz.h"

static int
names_in(const char *path)
{
	char buf[1024];
	int fd, n, count = 0;

	CHECK((fd = rump_sys_open(path, O_RDONLY | O_DIRECTORY)) >= 0);
	while ((n = rump_sys_getdents(fd, buf, sizeof(buf))) > 0)
		for (int i = 0; i < n; count++)
			i += ((struct dirent64 *)(void *)(buf + i))->d_reclen;
	CHECK(n == 0);
	CHECK(rump_sys_close(fd) == 0);
	return count;
}

void
fuzz_one(struct input *in)
{
	unsigned byte = take_byte(in), flags = byte & 7;
	int fd = memfd_create("image", MFD_CLOEXEC);
	int error;

	CHECK(fd >= 0);
	CHECK(write(fd, in->in_data, in->in_len) == (ssize_t)in->in_len);
	CHECK(lseek(fd, 0, SEEK_SET) == 0);
	CHECK(rump_sys_mkdir("image", 0755) == 0);
	CHECK(rump_sys_mkdir("outside", 0755) == 0);
	flags |= RUMP_IMAGE_STRIP(byte >> 3 & 3);
	error = rump_image_load(fd, "image", flags);
	CHECK(error >= 0);
	close(fd);
	/* And "." and "..". */
	CHECK(names_in(".") == 4);
	CHECK(names_in("outside") == 2);
}
