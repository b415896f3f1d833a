/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * librumpclient: what its files share.  It is core.h with threads, errno,
 * signal handlers, and a connection that is made again when it is lost.
 *
 * Each thread keeps a slot.  A call that a handler of the host makes while the
 * thread is in one already takes another slot for as long as it lasts.
 */
#ifndef PROXY_CLIENT_CLIENT_H
#define PROXY_CLIENT_CLIENT_H

#include "proxy/client/core.h"

#define RUMP_EXPORT __attribute__((visibility("default")))

struct sysdesc;

/* Of a thread; touched by it and by handlers on top of it. */
struct client_thread {
	uint32_t ct_slot;    /* kept; SPC_NOSLOT: none */
	uint32_t ct_current; /* of the innermost call; SPC_NOSLOT: none */
	uint32_t ct_lwp;     /* number of the lwp it is bound to, or 0 */
	bool ct_known;	     /* its end will be told */
};

extern _Thread_local struct client_thread client_thread
    __attribute__((tls_model("initial-exec")));

/* The connection. */
extern struct spc client;

/* How often it has become another kernel process's. */
extern _Atomic uint32_t client_generation;

/* The end of a call: errno and -1, or the value. */
int64_t client_syscall(const struct sysdesc *, const uint64_t *args);

/* The same without errno: an errno, and the value. */
int client_make(const struct sysdesc *, const uint64_t *args, int64_t *retval);

/* The same of a call that is one message, and all of it. */
int client_made(const struct sysdesc *, const uint64_t *args, int64_t *retval);

/*
 * Calls that are more than that, or another; there is a connection.
 *
 * aio.c: those of asynchronous input and output.  fetch: what requests have
 * read is put where it belongs; false: there was none, nor did somebody else.
 */
int client_aio(const struct sysdesc *, const uint64_t *args, int64_t *retval);
bool client_aio_fetch(void);
void client_aio_forked(void);

/* shm.c: shmat and shmdt. */
int client_shm(const struct sysdesc *, const uint64_t *args, int64_t *retval);

/*
 * A call that is being made, in a slot of its own:
 *
 *	client_enter	which has the slot then
 *	fill in cc_slot's ss_msg, ss_size and payload
 *	client_wait	until the server has made it: 0 or ENOTCONN.  Or
 *	client_ask	the same of a message that is not a system call, of
 *			which n bytes of payload are filled in: it becomes the
 *			answer, whose error is returned, too
 *	look at them
 *	client_exit	always, after client_enter has returned 0
 */
struct client_call {
	struct sp_slot *cc_slot;
	uint32_t cc_number; /* of the slot */
	uint32_t cc_outer;  /* that of the call that this one interrupts */
	bool cc_lost;	    /* it may be going on, and nobody waits for it */
};
int client_enter(struct client_call *);
int client_wait(struct client_call *);
int client_ask(struct client_call *, struct sp_msg *, size_t n);
void client_exit(struct client_call *);

/* Call the handler, and those that the server has for us after it. */
void client_handlers(struct sp_signal *);

/*
 * Anything but a system call: m is the message and becomes the result; n bytes
 * of data go along, and as many at the beginning of the payload come back.
 * An errno.
 */
int client_op(struct sp_msg *m, void *data, size_t n);

/*
 * stream.c: servers elsewhere.  reason: where words are better than an errno,
 * what was wrong with the last try to connect; else empty.  fork: before one
 * of the host process; forked: after it, in both.
 */
extern const struct spc_stream client_stream;
void client_stream_fork(void);
void client_stream_forked(void);
#define CLIENT_REASONMOST 256
extern char client_reason[CLIENT_REASONMOST];
int client_because(int error, const char *what, const char *why);

/*
 * link.c: the connection.  open: with a server that has said who we are; close
 * it also if that fails.  isours: the program has put nothing else in the
 * socket's place; recv and send are EBADF then, else as those of frames.h.
 */
struct tls_ops;
struct tls;
struct client_link {
	const struct tls_ops *ck_ops; /* NULL: no TLS */
	struct tls *ck_tls;
	int ck_fd;
	uint64_t ck_cookie;
};
int client_link_open(struct client_link *, const struct url *,
    const struct spc_hello *, struct sp_welcome *);
void client_link_close(struct client_link *);
bool client_link_isours(const struct client_link *);
int client_link_recv(struct client_link *, void *buf, size_t *lenp);
/* Is there more, of which the host will not tell? */
bool client_link_pending(struct client_link *);
int client_link_send(struct client_link *, const void *buf, size_t *lenp);

/*
 * tcp.c: a socket that is connected, as high as it can be, and does not block.
 * wait: until it has something, or room; ETIMEDOUT after ten seconds.
 */
int client_tcp_connect(const struct url *, int *fdp);
int client_tcp_wait(int fd, short events);

/* TLS as the environment wants it; *opsp is NULL: none. */
struct tls_context;
int client_tls(const struct url *, const struct tls_ops **opsp,
    struct tls_context **contextp);

/*
 * connection.c: there is a connection, of this generation; or get it back.
 * 0 or an errno: ENXIO before rumpclient_init, ENOTCONN.
 */
int client_check(void);
int client_reconnect(uint32_t generation);

/* Nanoseconds of the host's monotonic clock. */
int64_t client_now(void);

/* In the child of a fork: nobody else is getting it back. */
void client_conn_forked(void);

/*
 * The same without a call that needs it, so that the session's time does not
 * run out: only the session that was lost.  Waits between tries; for a thread
 * of the library's own.
 */
void client_resume(uint32_t generation);

/* The file that the server has for the slot's call, on this machine. */
int client_file(uint32_t slot, int *fdp);

/* lwproc.c: in the child of a fork the thread is bound to nothing. */
void client_lwps_forked(void);

/* The thread ends: the lwp that it is bound to is nobody's. */
void client_lwps_threadend(void);

#endif /* PROXY_CLIENT_CLIENT_H */
