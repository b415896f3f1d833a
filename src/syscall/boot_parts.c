/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The parts above src/kern that boot starts, from the bottom up.
 */
#include "fs/etfs/etfs.h"
#include "ipc/ipc.h"
#include "kern/boot.h"
#include "kern/kref.h"
#include "net/socket.h"
#include "syscall/tracefile.h"
#include "vfs/vfs.h"

static int
boot_vfs(struct kref **cwdip)
{
	struct cwdinfo *cwdi;
	int error = vfs_init(&cwdi);

	if (error == 0)
		*cwdip = (struct kref *)cwdi;
	return error;
}

static int
boot_ipc(struct kref **cwdip)
{
	(void)cwdip;
	return ipc_init();
}

const struct boot_part boot_parts[] = {
    {"vfs", boot_vfs, etfs_boot},
    {"ipc", boot_ipc, NULL},
    {"net", net_init, NULL},
    {"trace", NULL, tracefile_boot},
    {NULL, NULL, NULL},
};
