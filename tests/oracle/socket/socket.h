/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Between the files of the oracle of sockets.
 */
#ifndef ORACLE_SOCKET_H
#define ORACLE_SOCKET_H

#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rump/rump.h>
#include <rump/rump_syscalls.h>

#define NPROCS 3
#define NFDS   10
#define NPATHS 4
#define NNAMES 8 /* paths, then abstract ones */
#define NEVENT 8
#define BUFFER 70000

enum op {
	OP_SOCKET,
	OP_PAIR,
	OP_BIND,
	OP_LISTEN,
	OP_CONNECT,
	OP_ACCEPT,
	OP_GETNAME,
	OP_SHUTDOWN,
	OP_SEND,
	OP_SENDTO,
	OP_SENDMSG,
	OP_RECV,
	OP_RECVFROM,
	OP_RECVMSG,
	OP_READ,
	OP_WRITE,
	OP_MMSG,
	OP_POLL,
	OP_CLOSE,
	OP_GETOPT,
	OP_SETOPT,
	OP_IOCTL,
	OP_UNLINK,
	OP_CHMOD,
	OP_DUP,
	OP_CTL,
	OP_WAIT,
	OP_STAT,
	OP_COUNT
};

/* A name that may be said to be longer than it can be. */
struct name {
	struct sockaddr_un un;
	char more[40];
};

struct step {
	enum op op;
	unsigned proc;
	int a, b, c; /* slots */
	int name;    /* which, or -1 */
	int flags;   /* of the call */
	int value;
	uint32_t events;
	unsigned n, m; /* bytes, and of control */
	unsigned fill;
};

/* What a step gave, without a trace of numbers of descriptors or processes. */
struct result {
	int ret, error;
	uint64_t data;
	int namelen;
	uint64_t name;
	int msgflags, controllen, cmsgs, nfds;
	int pid, uid, gid;
	int value;
	short revents;
	uint32_t events[NEVENT];
	uint64_t evdata[NEVENT];
};

struct world {
	int (*w_socket)(int, int, int);
	int (*w_pair)(int, int, int, int *);
	int (*w_bind)(int, const struct sockaddr *, socklen_t);
	int (*w_listen)(int, int);
	int (*w_connect)(int, const struct sockaddr *, socklen_t);
	int (*w_accept)(int, struct sockaddr *, socklen_t *, int);
	int (*w_sockname)(int, struct sockaddr *, socklen_t *);
	int (*w_peername)(int, struct sockaddr *, socklen_t *);
	int (*w_shutdown)(int, int);
	ssize_t (*w_send)(int, const void *, size_t, int);
	ssize_t (*w_sendto)(
	    int, const void *, size_t, int, const struct sockaddr *, socklen_t);
	ssize_t (*w_sendmsg)(int, const struct msghdr *, int);
	ssize_t (*w_recv)(int, void *, size_t, int);
	ssize_t (*w_recvfrom)(
	    int, void *, size_t, int, struct sockaddr *, socklen_t *);
	ssize_t (*w_recvmsg)(int, struct msghdr *, int);
	ssize_t (*w_read)(int, void *, size_t);
	ssize_t (*w_write)(int, const void *, size_t);
	int (*w_sendmmsg)(int, struct mmsghdr *, unsigned, int);
	int (*w_recvmmsg)(
	    int, struct mmsghdr *, unsigned, int, struct timespec *);
	int (*w_poll)(struct pollfd *, nfds_t, int);
	int (*w_close)(int);
	int (*w_getopt)(int, int, int, void *, socklen_t *);
	int (*w_setopt)(int, int, int, const void *, socklen_t);
	int (*w_ioctl)(int, unsigned long, ...);
	int (*w_unlink)(const char *);
	int (*w_chmod)(const char *, mode_t);
	int (*w_dup)(int);
	int (*w_ctl)(int, int, int, struct epoll_event *);
	int (*w_wait)(int, struct epoll_event *, int, int);
	int (*w_fstat)(int, struct stat *);
	pid_t w_pid[NPROCS];
	int w_epoll[NPROCS];
	int w_pipe[NPROCS];
	int w_fd[NPROCS][NFDS];
};

/* What this process and those of the host share. */
struct shared {
	struct step sh_step;
	struct result sh_result;
	unsigned sh_n;
	char sh_prefix[32]; /* of abstract names */
	struct world sh_host;
};

extern struct shared *shared;
extern const struct world host_calls, rump_calls;

/* The options that are asked for and set, by s->value. */
int option_get(const struct step *s);
int option_set(const struct step *s);

/* Do it. */
int perform(struct world *w, const struct step *s, struct result *r);

#endif /* ORACLE_SOCKET_H */
