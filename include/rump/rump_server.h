/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a server of remote clients is like.  All of this comes before
 * rump_init_server (<rump/rump.h>).  Manual page: rump_sp(7).
 */
#ifndef RUMP_RUMP_SERVER_H
#define RUMP_RUMP_SERVER_H

#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * This user of the host is root in the kernel, as is the one who runs the
 * server; all others are who they are on the host.  Returns 0 or ENOSPC if
 * there are 16 already.  (ours)
 */
int rump_server_allowroot(uid_t uid);

/*
 * RUMP_SERVER_LWPS: how many lwps a client may have beside those of its
 * threads; 1024.  RUMP_SERVER_GRACE: for how many seconds the process of a
 * client whose connection is lost waits for it; 10.  RUMP_SERVER_HOSTPIDS: 1
 * if a client's process may have the pid of its host process; 0.
 * RUMP_SERVER_VERBOSE: 1 if clients that come and go are printed; 0.  Returns
 * 0 or EINVAL.  (ours)
 */
enum rump_server_limit {
	RUMP_SERVER_LWPS,
	RUMP_SERVER_GRACE,
	RUMP_SERVER_HOSTPIDS,
	RUMP_SERVER_VERBOSE,
};
int rump_server_limit(enum rump_server_limit which, unsigned long value);

#ifdef __cplusplus
}
#endif

#endif /* RUMP_RUMP_SERVER_H */
