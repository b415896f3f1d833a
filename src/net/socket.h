/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sockets: what all domains have in common.
 *
 * A domain (address family) is a folder below src/net and a line in the table
 * of domain.c.  It makes sockets, which have a struct socket at their
 * beginning, with a struct protosw: its operations.  Calls that programs make
 * on sockets are in sys_socket.c and sys_sockmsg.c, options in sockopt.c.
 *
 * A socket's memory is the domain's: pr_close is the end of its file, but
 * others may still refer to it.
 *
 * so_lock covers a socket, its options and what the domain keeps in it, and
 * is the mutex of who sleeps in it.  Of two, the one at the lower address is
 * first.  The caller's memory is read and written under it.
 *
 * Letters: (s) stable after creation; (k) so_lock; (a) atomic, changed under
 * so_lock or by one store, and read without.
 */
#ifndef NET_SOCKET_H
#define NET_SOCKET_H

#include <sys/socket.h>

#include "kern/event.h"
#include "kern/fowner.h"
#include "kern/kern.h"

struct protosw;
struct sockmsg;

#define SOPT_NVALUES 7

struct socket {
	const struct protosw *so_proto; /* (s) */
	struct kmutex so_lock;
	_Atomic uint32_t so_shut;    /* (a) SO_SHUT* */
	_Atomic int so_sndbuf;	     /* (a) bytes, as SO_SNDBUF gives them */
	_Atomic uint32_t so_opts;    /* (a) SOPT_* */
	struct klist so_klist;	     /* who polls it */
	_Atomic int so_rcvbuf;	     /* (a) */
	_Atomic int so_rcvlowat;     /* (a) */
	_Atomic int so_error;	     /* (a) to be told once; 0: none */
	_Atomic int64_t so_rcvtimeo; /* (a) nanoseconds, HYPER_FOREVER */
	_Atomic int64_t so_sndtimeo; /* (a) */
	_Atomic int so_peekoff;	     /* (a) SO_PEEK_OFF, -1: off */
	_Atomic bool so_noroom;	     /* (a) SIGIO is wanted for room */
	ino_t so_ino;		     /* (s) */
	uid_t so_uid;		     /* (s) */
	gid_t so_gid;		     /* (s) */
	struct timespec so_ctime;    /* (s) */
	_Atomic int
	    so_values[SOPT_NVALUES]; /* (a) options that are only kept */
	_Atomic uint64_t so_pacing;  /* (a) SO_MAX_PACING_RATE */
	struct linger so_linger;     /* (k) */
};

#define SO_SHUTRD 1u /* nothing more will be received */
#define SO_SHUTWR 2u /* or sent */
#define SO_SHUTRW 3u

/*
 * A message on its way between a call and a domain.
 *
 * Sending: sm_name and sm_control are copies in the kernel.  Receiving: the
 * domain puts a name into sm_name, and with sockmsg_putcmsg what comes along
 * into the caller's memory.
 */
struct sockmsg {
	struct uio *sm_uio;
	int sm_flags;	 /* MSG_* of the call */
	int sm_outflags; /* receiving: MSG_* to be told */
	bool sm_nowait;	 /* by MSG_DONTWAIT, O_NONBLOCK or RWF_NOWAIT */
	struct sockaddr_storage *sm_name; /* or NULL */
	socklen_t sm_namelen;		  /* of sm_name; 0: there is none */
	char *sm_control;     /* receiving: where the next goes, or NULL */
	size_t sm_controllen; /* receiving: room that is left */
};

/* Put one in, or a part of it and MSG_CTRUNC. */
void sockmsg_putcmsg(
    struct sockmsg *, int level, int type, const void *data, size_t len);

/*
 * Operations of the sockets of one kind.  They are called without locks; what
 * is NULL gives EOPNOTSUPP.  Those that wait give EAGAIN if they may not.
 */
struct protosw {
	int pr_family, pr_type, pr_protocol;
	const struct fileops *pr_fileops; /* with socket_read and so on */

	int (*pr_bind)(struct lwp *, struct socket *,
	    const struct sockaddr_storage *, socklen_t);
	int (*pr_connect)(struct lwp *, struct socket *,
	    const struct sockaddr_storage *, socklen_t, bool nowait);
	/* Connect two that are new to each other. */
	int (*pr_pair)(struct lwp *, struct socket *, struct socket *);
	int (*pr_listen)(struct lwp *, struct socket *, int backlog);
	/* The first that has connected; the caller's, with pr_close. */
	int (*pr_accept)(
	    struct lwp *, struct socket *, bool nowait, struct socket **);
	/* Its own or its peer's name.  ENOTCONN. */
	int (*pr_getname)(
	    struct socket *, bool peer, struct sockaddr_storage *, socklen_t *);
	int (*pr_shutdown)(struct socket *, uint32_t how); /* SO_SHUT* */
	/*
	 * Move what sm_uio says.  *lenp: the value of the call.  *sigp is set,
	 * unless MSG_NOSIGNAL is, if the error is one to post SIGPIPE for.
	 */
	int (*pr_send)(struct lwp *, struct socket *, struct sockmsg *,
	    size_t *lenp, bool *sigp);
	int (*pr_recv)(
	    struct lwp *, struct socket *, struct sockmsg *, size_t *lenp);
	uint32_t (*pr_poll)(struct socket *, struct pollsize *);
	/* ENOTTY. */
	int (*pr_ioctl)(
	    struct lwp *, struct socket *, unsigned long, void *data);
	/*
	 * Options of SOL_SOCKET that are the domain's: up to len bytes go to
	 * the caller's memory; *lenp is how long it is.  ENOPROTOOPT.
	 */
	int (*pr_getopt)(struct lwp *, struct socket *, int name, void *val,
	    socklen_t len, socklen_t *lenp);
	/* One of the options has changed that the domain looks at. */
	void (*pr_optchanged)(struct socket *, int name);
	/* Is it waiting for connections? */
	bool (*pr_listening)(struct socket *);
	/* The end of its file. */
	void (*pr_close)(struct socket *);
};

struct domain {
	int dom_family;
	void (*dom_init)(void);
	/*
	 * A socket of this type (SOCK_*, in range) and protocol.  Every type
	 * for which there is none: ESOCKTNOSUPPORT, EPROTONOSUPPORT; ENOMEM.
	 */
	int (*dom_create)(
	    struct lwp *, int type, int protocol, struct socket **);
};

/* The domains there are; ends with NULL.  By family, or NULL. */
extern const struct domain *const domains[];
const struct domain *domain_find(int family);

/* Boot. */
int net_init(struct kref **cwdip);

/* For dom_create: everything of a zeroed socket that is the same for all. */
void socket_init(struct socket *, const struct protosw *, const struct cred *);

/* The parts of every pr_fileops. */
int socket_read(struct lwp *, struct file *, off_t *, struct uio *);
int socket_write(struct lwp *, struct file *, off_t *, struct uio *);
int socket_stat(struct lwp *, struct file *, struct stat *);
int socket_ioctl(
    struct lwp *, struct file *, unsigned long, void *data, int *retval);
uint32_t socket_poll(struct lwp *, struct file *, struct pollsize *);
struct klist *socket_klist(struct file *);
pid_t socket_async(struct lwp *, struct file *);
void socket_close(struct file *);

/*
 * Without locks: tell who polls by that hint, and owners by SIGIO with that
 * code (POLL_*).
 */
void socket_tell_slow(struct socket *, uint32_t hint, int code);

static inline void
socket_tell(struct socket *so, uint32_t hint, int code)
{
	if (klist_waited(&so->so_klist))
		socket_tell_slow(so, hint, code);
}

/*
 * There is room to send: owners are told, as on Linux, if something that was
 * to be sent, or who polled a datagram socket, has found none before.
 */
static inline void
socket_noroom(struct socket *so)
{
	if (klist_waited(&so->so_klist))
		atomic_store_explicit(
		    &so->so_noroom, true, memory_order_relaxed);
}

void socket_tellroom(struct socket *, uint32_t hint);

/* The error that is to be told, which it then is. */
static inline int
socket_takeerror(struct socket *so)
{
	if (likely(
		atomic_load_explicit(&so->so_error, memory_order_relaxed) == 0))
		return 0;
	return atomic_exchange_explicit(&so->so_error, 0, memory_order_relaxed);
}

static inline uint32_t
socket_shut(const struct socket *so)
{
	return atomic_load_explicit(&so->so_shut, memory_order_relaxed);
}

/* SOPT_*, a bit for each option that is on or off. */
#define SOPT_PASSCRED	0x00000001u
#define SOPT_PASSRIGHTS 0x00000002u
#define SOPT_FILTERLOCK 0x00000004u
#define SOPT_OOBINLINE	0x00000008u
#define SOPT_LINGER	0x00000010u
#define SOPT_OTHER	0x00000020u /* from here on: only kept */

static inline bool
socket_opt(const struct socket *so, uint32_t opt)
{
	return (atomic_load_explicit(&so->so_opts, memory_order_relaxed) &
		   opt) != 0;
}

/* Deadline of a wait that lasts as long as an option says. */
int64_t socket_deadline(int64_t timeo, bool nowait);

/*
 * Sleep on cv by the lock of `so', up to the deadline (0: not at all).
 * EAGAIN, EINTR.
 */
int socket_sleep(struct socket *so, struct kcondvar *cv, int64_t deadline);

/* Lock and unlock two; either may be NULL, and they may be the same. */
void socket_lock2(struct socket *, struct socket *);
void socket_unlock2(struct socket *, struct socket *);

/* setsockopt and getsockopt of SOL_SOCKET; both copy. */
void sockopt_init(struct socket *);
int sockopt_get(
    struct lwp *, struct socket *, int name, void *val, socklen_t *lenp);
int sockopt_set(
    struct lwp *, struct socket *, int name, const void *val, socklen_t len);

/* What fd names, which fd_putfile puts.  EBADF, ENOTSOCK. */
int fd_getsocket(struct lwp *, int fd, struct file **, struct socket **);

/* Let a new file be that of a new socket; flags: SOCK_NONBLOCK. */
void socket_affix(struct socket *, int flags, struct file *);

#endif /* NET_SOCKET_H */
