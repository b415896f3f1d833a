/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The processes of the kernel.
 */
#ifndef CMD_RUMP_PROCS_H
#define CMD_RUMP_PROCS_H

#include <rump/rump_sysctl.h>

#include "cmd/rump/tool.h"

struct procs {
	struct rump_kinfo_proc2 *ps_proc;
	size_t ps_count;
};

/* All, or those of an effective user; 0, or -1 and errno. */
int procs_get(struct procs *, bool byuser, uid_t uid);

/* "run", "sleep" and so on. */
const char *proc_state(const struct rump_kinfo_proc2 *);

/* A table of them; more: heads of columns before the name, or NULL. */
struct table *procs_table(const char *more);
/* A row but for the name, then that. */
void procs_cells(struct table *, const struct rump_kinfo_proc2 *);
void procs_row(struct table *, const struct rump_kinfo_proc2 *);

/* A value of sysctl that is a number; -1 and errno. */
int64_t sysctl_number(const char *name);

#endif /* CMD_RUMP_PROCS_H */
