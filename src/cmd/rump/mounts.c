/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is mounted in the kernel.
 */
#include "cmd/rump/mounts.h"

#include <sys/statvfs.h>

#define SLOP 4 /* mounts that may come meanwhile */

struct rump_vfsstat *
mounts_get(size_t *np)
{
	struct rump_vfsstat *list;
	int n = rump_sys_getvfsstat(NULL, 0, 0), room;

	if (n == -1)
		return NULL;
	room = n + SLOP;
	list = tool_alloc(NULL, (size_t)room * sizeof(*list));
	n = rump_sys_getvfsstat(list, (size_t)room * sizeof(*list), 0);
	if (n == -1) {
		free(list);
		return NULL;
	}
	*np = (size_t)(n < room ? n : room);
	return list;
}

const char *
mount_flags_text(const struct rump_vfsstat *vs, char *buf)
{
	unsigned long flags = vs->vs_statvfs.f_flag;

	(void)snprintf(buf, MOUNT_FLAGS_SIZE, "%s%s%s%s%s",
	    (flags & ST_RDONLY) != 0 ? "ro" : "rw",
	    (flags & ST_NOSUID) != 0 ? ",nosuid" : "",
	    (flags & ST_NODEV) != 0 ? ",nodev" : "",
	    (flags & ST_NOEXEC) != 0 ? ",noexec" : "",
	    (flags & ST_NOATIME) != 0 ? ",noatime" : "");
	return buf;
}
