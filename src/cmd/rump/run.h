/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The program in a world: started, waited for, and ended with all that it
 * leaves behind.
 */
#ifndef CMD_RUMP_RUN_H
#define CMD_RUMP_RUN_H

#include <signal.h>
#include <sys/resource.h>

#include "cmd/rump/tool.h"

struct hj_control;
struct world;

/* Exit statuses beside the program's. */
#define RUN_FAILED   125 /* there is no world, or it is lost */
#define RUN_CANNOT   126 /* the program cannot be executed */
#define RUN_NOTFOUND 127
#define RUN_BYSIGNAL 128  /* and its number */
#define RUN_HELPED   (-1) /* none: the help was asked for */

struct run {
	char **r_argv;
	char *r_cwd; /* in the world */
	uid_t r_uid;
	gid_t r_gid;
	bool r_report;
	bool r_ashost;	 /* the world begins as the host is, and where we are */
	sigset_t r_mask; /* what was blocked when we were started */
	struct rlimit r_fsize;	   /* and the limit of the size of files */
	void (*r_xfsz)(int signo); /* and what became of SIGXFSZ */
	struct hj_control *r_control;
	pid_t r_program; /* 0: not started */
};

/*
 * Before there are other processes: block the signals that are passed on, and
 * lift the limit of the size of files, which is about the program's.
 */
void run_signals(struct run *);

/* Make what does not need the world.  A STATUS_*, after a complaint. */
int run_prepare(struct run *);

/*
 * Start it, with "/" the root of the world, or with r_ashost before there is
 * one, for which it waits then.  A STATUS_*, or its exit status after a
 * complaint.
 */
int run_start(struct run *, const struct world *);

/* There is going to be no world for it. */
void run_abandon(struct run *);

/*
 * Let it run to its end.  The exit status; nothing but the server is left then,
 * and not even that if w_pid is 0.
 */
int run_program(struct run *, struct world *);

#endif /* CMD_RUMP_RUN_H */
