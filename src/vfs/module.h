/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Components that are loaded, and what they registered.
 */
#ifndef VFS_MODULE_H
#define VFS_MODULE_H

#include <rump/rump_component.h>

#include "vfs/dev.h"

struct compdev;
struct compnodes;

/*
 * All but the list is of whoever loads or unloads it, one at a time
 * (module.c).
 */
struct rump_module {
	const struct rump_component *m_rc;
	void *m_library; /* of the host; NULL: part of the program */
	uint32_t m_refs; /* of those loaded that require it */
	bool m_init;	 /* its rc_init runs */
	struct compdev *m_devs;
	struct compnodes *m_nodes;
	uint32_t m_ndevs, m_nnodes;
	struct rump_module *m_next; /* (modules_lock) */
};

/*
 * Take back all devices and nodes; EBUSY, with nothing changed, if one is in
 * use.  Called from a section, which it leaves and enters again.
 */
int compdev_unregister(struct rump_module *);
int compnodes_unregister(struct rump_module *);

/*
 * No device of it is open, and none can be opened: EBUSY.  _revive: they can
 * be opened, and at first they cannot.
 */
int compdev_quiesce(struct rump_module *);
void compdev_revive(struct rump_module *);

#endif /* VFS_MODULE_H */
