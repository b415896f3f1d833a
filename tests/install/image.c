/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>

#include <rump/rump.h>
#include <rump/rump_image.h>

int
main(void)
{
	if (rump_init() != 0)
		return 1;
	return rump_image_load(-1, "/", 0) != EBADF;
}
