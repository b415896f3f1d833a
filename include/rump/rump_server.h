/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a server of remote clients is like.  All of this comes before
 * rump_init_server (<rump/rump.h>).  Manual page: rump_sp(7).
 */
#ifndef RUMP_RUMP_SERVER_H
#define RUMP_RUMP_SERVER_H

#include <sys/types.h>

#include <stddef.h>

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
 * RUMP_SERVER_VERBOSE: 1 if clients that come and go are printed; 0.
 * RUMP_SERVER_FILES: the hard limit of descriptors of a client's processes, at
 * least 3; as process 1 has it.  RUMP_SERVER_CALLS: how many calls a client may
 * have going on; 512, the most there can be.  RUMP_SERVER_MEMORY: how many
 * bytes of arguments and results the calls that a client has going on may
 * have, not counting those of at most 128 KiB; 256 MiB.  RUMP_SERVER_HELLO: for
 * how many seconds, at least 1, who has connected, or the child of a client
 * that forks, may say nothing; 10.  RUMP_SERVER_LISTENING: a descriptor of the
 * host, of a socket that listens at the server's unix:// URL already; none.
 * RUMP_SERVER_SPIN: for how many microseconds at most, 50 to 1000000, the
 * server looks for the next call before it sleeps, while no more want to run
 * than the host has processors; 1000.  Returns 0 or EINVAL.  (ours)
 */
enum rump_server_limit {
	RUMP_SERVER_LWPS,
	RUMP_SERVER_GRACE,
	RUMP_SERVER_HOSTPIDS,
	RUMP_SERVER_VERBOSE,
	RUMP_SERVER_FILES,
	RUMP_SERVER_CALLS,
	RUMP_SERVER_MEMORY,
	RUMP_SERVER_HELLO,
	RUMP_SERVER_LISTENING,
	RUMP_SERVER_SPIN,
};
int rump_server_limit(enum rump_server_limit which, unsigned long value);

/*
 * For URLs that begin with tcp:// or tcp6://: who clients are, and how they and
 * the server prove it to each other; files of the host.  After rump_init.
 * Returns 0 or, with a line of words in why, an errno: EINVAL for what is wrong
 * in a file, EACCES for one with keys in it that others may read, ELIBACC if
 * there is no librumptls, and what opening a file gives.  EBUSY the second
 * time.  (ours)
 */
struct rump_server_tcp {
	const char *rst_users; /* see rump_sp(7) */
	const char *rst_cert;  /* the server's certificate, PEM; or NULL */
	const char *rst_key;   /* its key, PEM; NULL: in the same file */
	const char *rst_ca;    /* who signs clients', PEM; or NULL */
	int rst_plain;	       /* no TLS: only addresses of this machine */
};
int rump_server_settcp(const struct rump_server_tcp *, char *why, size_t size);

#ifdef __cplusplus
}
#endif

#endif /* RUMP_RUMP_SERVER_H */
