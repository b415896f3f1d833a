/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Text about what processes talk by: objects of System V, and limits.
 */
#include "fs/procfs/procfs.h"
#include "ipc/ipc.h"

/* What the file is called in /proc/sys says which limit it is. */
int
pfs_ipclimit(struct pfs_node *pn, struct text *t)
{
	text_printf(t, "%s\n", ipc_limit(pn->pn_entry->pe_name));
	return 0;
}

static int
put_objects(struct text *t, enum ipc_sysv kind)
{
	char line[IPC_SYSVLINE];
	int place = -1;

	while ((place = ipc_sysvline(kind, place, line)) >= 0)
		text_printf(t, "%s", line);
	return 0;
}

int
pfs_sysvmsg(struct pfs_node *pn, struct text *t)
{
	(void)pn;
	return put_objects(t, IPC_SYSV_MSG);
}

int
pfs_sysvsem(struct pfs_node *pn, struct text *t)
{
	(void)pn;
	return put_objects(t, IPC_SYSV_SEM);
}

int
pfs_sysvshm(struct pfs_node *pn, struct text *t)
{
	(void)pn;
	return put_objects(t, IPC_SYSV_SHM);
}
