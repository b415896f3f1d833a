/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The nodes of sysctl that src/vfs has, and the sync before the kernel ends.
 */
#include "kern/reboot.h"
#include "kern/sysctl.h"
#include "sysproto.h"
#include "vfs/vcache.h"
#include "vfs/vfs_impl.h"

/* The types of file systems, with a space between. */
static void
get_fstypes(const struct sysctl_node *sn, char buf[SYSCTL_STRSIZE])
{
	const struct vfsops *const *fsp;
	size_t at = 0, len;

	(void)sn;
	for (fsp = vfs_list; *fsp != NULL; fsp++) {
		len = strlen((*fsp)->vfs_name);
		if (at + len + 1 >= SYSCTL_STRSIZE)
			break;
		if (at > 0)
			buf[at++] = ' ';
		memcpy(buf + at, (*fsp)->vfs_name, len);
		at += len;
	}
	buf[at] = '\0';
}

static int64_t
get_maxvnodes(const struct sysctl_node *sn)
{
	(void)sn;
	return (int64_t)vcache_getmax();
}

static int
set_maxvnodes(const struct sysctl_node *sn, int64_t max)
{
	(void)sn;
	return vcache_setmax(max);
}

static struct sysctl_node nodes[] = {
    {
	.sn_parent = "",
	.sn_num = RUMP_CTL_VFS,
	.sn_name = "vfs",
	.sn_flags = RUMP_CTLTYPE_NODE,
	.sn_desc = "file systems",
    },
    {
	.sn_parent = "vfs",
	.sn_num = RUMP_VFS_GENERIC,
	.sn_name = "generic",
	.sn_flags = RUMP_CTLTYPE_NODE,
	.sn_desc = "all of them",
    },
    {
	.sn_parent = "vfs.generic",
	.sn_num = SYSCTL_ANY,
	.sn_name = "fstypes",
	.sn_flags = RUMP_CTLTYPE_STRING,
	.sn_desc = "types that can be mounted",
	.sn_string = get_fstypes,
    },
    {
	.sn_parent = "kern",
	.sn_num = RUMP_KERN_MAXVNODES,
	.sn_name = "maxvnodes",
	.sn_flags = RUMP_CTLTYPE_INT | SYSCTL_RW,
	.sn_desc = "cached vnodes that there may be and nobody uses",
	.sn_number = get_maxvnodes,
	.sn_setnumber = set_maxvnodes,
    },
};

static void
sync_all(struct lwp *l)
{
	(void)sys_sync(l);
}

void
vfs_sysctl_init(void)
{
	static struct reboot_hook hook = {.rh_sync = sync_all};

	sysctl_boot(nodes, nitems(nodes));
	reboot_hook_register(&hook);
}
