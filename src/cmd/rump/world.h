/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A world: a kernel in a server of its own, in which a program is to find the
 * host's files, or others, and can change them without changing the host's.
 *
 * In the kernel are
 *
 *	/lower		the host's directory, or what an archive had in it
 *	/layer		what has been changed: layer.h
 *	/world		an overlay of these two, and what is mounted there
 *
 * and this tool's process, which is root's, has /world as its root directory
 * once world_settle has been called; world_leave takes it out again.
 */
#ifndef CMD_RUMP_WORLD_H
#define CMD_RUMP_WORLD_H

#include "cmd/rump/tool.h"

#define WORLD_ROOT  "/world"
#define WORLD_LAYER "/layer"
#define WORLD_UPPER WORLD_LAYER "/upper"

struct world_mount {
	char *wm_text; /* allocated: what the others are in, or NULL */
	const char *wm_type;
	const char *wm_from; /* of the host, or options of the type */
	const char *wm_on;   /* in the world */
	bool wm_readonly;
};

struct world_options {
	const char *wo_root;  /* a directory or archive of the host */
	const char *wo_size;  /* limit of what is changed, as tmpfs; or NULL */
	const char *wo_trace; /* a file of the host; or NULL */
	bool wo_leave;	      /* world_leave is going to be called */
	struct world_mount *wo_mounts;
	size_t wo_nmounts;
};

struct world {
	pid_t w_pid;	 /* of the server, or 0 */
	char *w_dir;	 /* the host's, with the socket */
	char *w_socket;	 /* its path */
	int w_dirfd;	 /* keeps others from removing that */
	int w_listening; /* the socket, until the server has it */
	int w_ready;	 /* tells when clients can connect */
	int w_top;	 /* the kernel's own root directory */
	bool w_whole;	 /* the server makes all of it before it is ready */
	char **w_steps;	 /* allocated: what the server is told to make, */
	size_t w_nsteps; /* how many */
};

#define WORLD_NONE                                                           \
	{                                                                    \
		.w_ready = -1, .w_top = -1, .w_dirfd = -1, .w_listening = -1 \
	}

/*
 * In this order; each a STATUS_*, after a complaint if it is not STATUS_OK.
 * Start the server, without waiting for it; mount the layers, without the
 * overlay, so that something can be put into WORLD_LAYER; and the rest.
 *
 * If nothing is to be put or looked up there, which is what `simple' says, the
 * server does it all by itself where it can, and this process is no client:
 * that takes a message for each step, and a connection.
 */
int world_start(struct world *, const struct world_options *, bool simple);
int world_connect(struct world *, const struct world_options *);
int world_settle(struct world *, const struct world_options *);

/* Is there still somebody who answers? */
bool world_answers(struct world *);

/* Have "/" mean the kernel's root directory again. */
int world_leave(struct world *);

/* The server has ended by itself, and was waited for: do not again. */
void world_lost(struct world *);

/* End the server, if there is one. */
void world_end(struct world *);

/* Wrong options are found before there is a server. */
bool world_isarchive(const char *root);

#endif /* CMD_RUMP_WORLD_H */
