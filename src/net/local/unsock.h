/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is inside AF_UNIX.
 *
 *	local.c		the domain: making, closing, looking at sockets
 *	unname.c	names: binding, finding who has one
 *	unconnect.c	listen, connect, accept
 *	unmsg.c		messages in queues, and what they count for
 *	unstream.c	SOCK_STREAM: sending and receiving
 *	undgram.c	SOCK_DGRAM and SOCK_SEQPACKET: the same
 *	unscm.c		descriptors and credentials that come along
 *	ungc.c		descriptors in flight that nobody can receive any more
 *	untext.c	/proc/net/unix
 *
 * Life of a socket: its memory is counted by us_refs.  Its file has a
 * reference, or, until it is accepted, the message in the queue of the
 * listening socket; so has everybody whose peer it is, each datagram that it
 * has sent and nobody received, and who has just found it by its name.  When
 * the file is closed it is dead (us_dead): its queue is thrown away and its
 * peer told; what refers to it still finds that out.
 *
 * The peer of a stream or packet socket is set once and stays until the
 * socket is closed, so its own calls use it without a lock.  That of a
 * datagram socket changes under so_lock.
 *
 * What a sender may have on its way is limited by its SO_SNDBUF, and counted
 * as Linux does, where a message is charged with the memory that it takes
 * there (unmsg_cost): so the same writes fit here and there.
 *
 *	stream	counted where it lies, in us_charge of the receiver, by whose
 *		lock writers wait, on its us_snd
 *	others	counted in us_wmem of the sender, by whose lock it waits
 *
 * Letters: (s) stable after creation; (k) so_lock; (a) atomic, changed under
 * so_lock and read without; (b) lock of its bucket of names; (g) ungc_lock;
 * (p) so_lock of the peer, too.
 */
#ifndef NET_LOCAL_UNSOCK_H
#define NET_LOCAL_UNSOCK_H

#include <sys/queue.h>
#include <sys/un.h>

#include "net/local/local.h"
#include "net/socket.h"

/* sun_path begins here. */
#define UN_OFFSET ((socklen_t)offsetof(struct sockaddr_un, sun_path))

/* A path and its NUL. */
#define UNIX_PATH_SIZE (sizeof(((struct sockaddr_un *)0)->sun_path) + 1)

/* Messages that a datagram socket has room for. */
#define UN_QLEN 10

/* A name; the same for a listening socket and those that it accepts. */
struct unaddr {
	_Atomic uint32_t ua_refs;
	socklen_t ua_len;	    /* (s) of ua_name */
	uint32_t ua_hash;	    /* (s) of an abstract name and type */
	struct mount *ua_mount;	    /* (s) held; NULL: abstract */
	struct vnode *ua_vnode;	    /* (s) held */
	struct sockaddr_un ua_name; /* (s) a NUL may follow */
	char ua_nul;
};

/* Files on their way. */
struct unrights {
	struct unrights *ur_next; /* of those to be dropped */
	struct cred *ur_cred;	  /* of who they count for; held */
	uint32_t ur_count;
	uint32_t ur_sockets; /* of them are sockets of this domain */
	struct file *ur_files[];
};

/* As many can come with a message. */
#define UN_MAXFILES 253

/* Who sent something. */
struct unident {
	pid_t ui_pid; /* 0: nobody asked */
	uid_t ui_uid; /* -1 then */
	gid_t ui_gid;
};

#define UNMSG_INLINE 128

/* All (k) of the socket whose queue it is in, or its maker's. */
struct unmsg {
	TAILQ_ENTRY(unmsg) um_link;
	char *um_data; /* um_inline or memory of its own */
	uint32_t um_len;
	uint32_t um_off;  /* a stream's: read so far */
	uint32_t um_cost; /* counts for so much */
	struct unident um_ident;
	struct unsock *um_from; /* held: sender, or who wants to connect */
	struct unrights *um_rights;
	char um_inline[UNMSG_INLINE];
};

TAILQ_HEAD(unmsgs, unmsg);

enum unstate { UN_CLOSED, UN_LISTEN, UN_CONNECTED };

struct unsock {
	struct socket us_so;		/* first */
	struct unsock *_Atomic us_peer; /* (a) held; see above */
	_Atomic uint32_t us_state;	/* (a) enum unstate */
	bool us_dead;			/* (k) */
	bool us_embryo;			/* (k) not accepted yet */
	uint32_t us_charge;		/* (k) */
	struct unmsgs us_queue;		/* (k) */
	uint32_t us_qlen;		/* (k) messages in it */
	uint32_t us_backlog;		/* (k) it is full with more than this */
	struct kcondvar us_rcv;		/* (k) for a message */
	struct kcondvar us_snd;		/* (k) see above */
	struct kcondvar us_room;	/* (k) until it is not full */

	_Atomic uint32_t us_refs;
	uint32_t us_wmem; /* (k) */
	/*
	 * (p) Sockets, whose peer this is, that are to be told when it is not
	 * full any more; is it on its peer's list?
	 */
	LIST_HEAD(, unsock) us_tell;
	LIST_ENTRY(unsock) us_telllink;
	bool us_told;

	struct unaddr *_Atomic us_addr; /* (a) NULL, then (s); held */
	LIST_ENTRY(unsock) us_names;	/* (b) */
	uint32_t us_bucket;		/* (b) and so_lock */
	bool us_bound;			/* (b) found by its name */

	struct ucred us_peercred;   /* (k) */
	struct cred *us_peergroups; /* (k) held, or NULL */

	/* (g) */
	TAILQ_ENTRY(unsock) us_flight;
	struct file *us_file; /* while in flight */
	uint32_t us_inflight; /* how often */
	uint32_t us_found;    /* ungc.c */
	bool us_suspect;      /* ungc.c */
};

static inline struct unsock *
so_to_us(struct socket *so)
{
	return (struct unsock *)so;
}

static inline void
unsock_enter(struct unsock *us)
{
	mutex_enter(&us->us_so.so_lock);
}

static inline void
unsock_exit(struct unsock *us)
{
	mutex_exit(&us->us_so.so_lock);
}

static inline bool
unsock_owned(struct unsock *us)
{
	return mutex_owned(&us->us_so.so_lock);
}

static inline void
unsock_hold(struct unsock *us)
{
	atomic_fetch_add_explicit(&us->us_refs, 1, memory_order_relaxed);
}

/* Without locks: its name may hold a file. */
void unsock_rele(struct unsock *);

static inline int
unsock_type(const struct unsock *us)
{
	return us->us_so.so_proto->pr_type;
}

static inline enum unstate
unsock_state(const struct unsock *us)
{
	/* Acquire: who finds it connected finds its peer. */
	return atomic_load_explicit(&us->us_state, memory_order_acquire);
}

static inline void
unsock_setstate(struct unsock *us, enum unstate state)
{
	/* Release pairs with the acquire in unsock_state. */
	atomic_store_explicit(&us->us_state, state, memory_order_release);
}

/* For who need not hold it: see above. */
static inline struct unsock *
unsock_peer(const struct unsock *us)
{
	/* Acquire pairs with the release in unsock_setpeer. */
	return atomic_load_explicit(&us->us_peer, memory_order_acquire);
}

static inline void
unsock_setpeer(struct unsock *us, struct unsock *peer)
{
	KASSERT(unsock_owned(us));
	atomic_store_explicit(&us->us_peer, peer, memory_order_release);
}

/* Its peer with a reference, or NULL. */
struct unsock *unsock_holdpeer(struct unsock *);

static inline struct unaddr *
unsock_addr(const struct unsock *us)
{
	/* Acquire pairs with the release in unname_set. */
	return atomic_load_explicit(&us->us_addr, memory_order_acquire);
}

static inline bool
unsock_full(const struct unsock *us)
{
	return us->us_qlen > us->us_backlog;
}

/* Hints for who polls. */
#define UN_IN  (POLLIN | POLLPRI | POLLRDNORM | POLLRDBAND)
#define UN_OUT (POLLOUT | POLLWRNORM | POLLWRBAND)

/* Is there so little on its way that a socket counts as writable? */
static inline bool
un_writable(const struct unsock *us, uint32_t charge)
{
	return (int64_t)charge * 4 < us->us_so.so_sndbuf - 3;
}

/* May a message be sent, although others are on their way? */
static inline bool
un_hasspace(const struct unsock *us, uint32_t charge)
{
	return (int64_t)charge < us->us_so.so_sndbuf;
}

/* A new one without a file; ENOMEM. */
int unsock_alloc(const struct protosw *, const struct cred *, struct unsock **);

/*
 * Unlock, after waking who can go on, one of each kind; who has been woken
 * does the same.
 */
void unsock_leave(struct unsock *);

/*
 * As socket_tell, but owners are not told of what a reader of a stream is
 * `asleep' for, as on Linux.
 */
static inline void
unsock_tell(struct unsock *us, uint32_t hint, int code, bool asleep)
{
	if (unlikely(asleep))
		klist_notify(&us->us_so.so_klist, hint);
	else
		socket_tell(&us->us_so, hint, code);
}

/* Does somebody sleep in reading this stream?  Locked. */
static inline bool
unsock_reads(struct unsock *us)
{
	KASSERT(unsock_owned(us));
	return cv_has_waiters(&us->us_rcv) && unsock_type(us) == SOCK_STREAM &&
	       unsock_state(us) != UN_LISTEN;
}

/* All who sleep in it look again; locked. */
void unsock_wakeall(struct unsock *);

/* Tell who polls its senders that it is not full; locked. */
void unsock_tellroom(struct unsock *);

/* It is no longer on the list of its peer; both are locked. */
void unsock_untell(struct unsock *);

/* The end: of its file, or, of one that was not accepted, of the listener's. */
void unsock_close(struct unsock *, bool refused);

/* Of whom to say that he is at the other end. */
void unsock_setpeercred(struct unsock *, struct lwp *);
void unsock_copypeercred(struct unsock *, const struct unsock *from);

/* unname.c */
void unname_init(void);
void unname_insert(struct unsock *);
void unname_remove(struct unsock *);
void unaddr_rele(struct unaddr *);
int unsock_bind(
    struct lwp *, struct socket *, const struct sockaddr_storage *, socklen_t);
int unsock_autobind(struct unsock *);
/* EINVAL for what is no name to send or connect to. */
int unname_check(const struct sockaddr_storage *, socklen_t);
/*
 * Who has a name, with a reference.  ECONNREFUSED, EPROTOTYPE, and what
 * looking up a path gives.
 */
int unname_find(struct lwp *, const struct sockaddr_storage *, socklen_t,
    int type, struct unsock **);
/* Call fn for each socket there is, with the lock of its bucket. */
void unname_each(void (*fn)(struct unsock *, void *), void *arg);
/* Its name, or no more than a family. */
socklen_t unname_copy(const struct unsock *, struct sockaddr_storage *);

/* unconnect.c */
int unsock_listen(struct lwp *, struct socket *, int backlog);
int unsock_connect(struct lwp *, struct socket *,
    const struct sockaddr_storage *, socklen_t, bool nowait);
int unsock_accept(struct lwp *, struct socket *, bool, struct socket **);
int undgram_connect(struct lwp *, struct socket *,
    const struct sockaddr_storage *, socklen_t, bool nowait);
int unsock_pair(struct lwp *, struct socket *, struct socket *);
/* A datagram socket's peer is dead: have none.  False if it had another. */
bool undgram_forget(struct unsock *, struct unsock *peer);

/* unmsg.c */
void unmsg_init(void);
/* len bytes that cost so much.  NULL without memory. */
struct unmsg *unmsg_alloc(uint32_t len, uint32_t cost);
/* Without locks if it has rights or a sender. */
void unmsg_free(struct unmsg *);
void unmsgs_free(struct unmsgs *);
/* What a message of len bytes counts for. */
uint32_t unmsg_cost_stream(uint32_t len);
uint32_t unmsg_cost_dgram(uint32_t len);
/* The most that one message of a stream has. */
uint32_t unmsg_most_stream(const struct unsock *);
/* Fill it; EFAULT leaves what is to be copied as it was. */
int unmsg_fill(struct unmsg *, struct uio *);
void unmsg_append(struct unsock *, struct unmsg *);
void unmsg_unlink(struct unsock *, struct unmsg *);
extern struct kcache *unmsg_cache;

/* unstream.c, undgram.c */
int unstream_send(
    struct lwp *, struct socket *, struct sockmsg *, size_t *, bool *sigp);
int unstream_recv(struct lwp *, struct socket *, struct sockmsg *, size_t *);
ssize_t unstream_fastread(struct file *, void *, size_t);
size_t unstream_fastwrite(struct file *, const void *, size_t);
int undgram_send(
    struct lwp *, struct socket *, struct sockmsg *, size_t *, bool *sigp);
int undgram_recv(struct lwp *, struct socket *, struct sockmsg *, size_t *);
/* A message is out of the queue that it was in: it is no longer on its way. */
void undgram_unload(struct unmsg *);
/* Is its peer full?  If so it will be told when it is not any more. */
bool undgram_peerfull(struct unsock *);

/*
 * unscm.c: what comes along with a message.  unscm_copyin: EBADF, EINVAL,
 * ENOMEM, EPERM, ESRCH, ETOOMANYREFS.  unscm_free is the end of it, without
 * locks.
 */
struct unscm {
	struct unident sc_ident;
	struct unrights *sc_rights;
	bool sc_flying; /* they are in flight */
};

void unscm_init(struct unscm *);
int unscm_copyin(struct lwp *, const struct sockmsg *, struct unscm *);
void unscm_free(struct unscm *);
/* Attach it to a message from `us' to `to', which is locked. */
int unscm_attach(struct lwp *, struct unscm *, struct unmsg *,
    struct unsock *us, struct unsock *to);
/* Take what a message has, or a copy (peek: ENOMEM); its socket is locked. */
int unscm_take(struct unscm *, struct unmsg *, bool peek);
/* Give it to the caller, without locks. */
void
unscm_copyout(struct lwp *, struct unsock *, struct sockmsg *, struct unscm *);
/* Let go of files; perhaps by and by, so that no chain of them nests. */
void unrights_drop(struct unrights *);

/* ungc.c: sockets in flight.  Without locks. */
void ungc_depart(struct unrights *);
void ungc_arrive(struct unrights *);
/* What was peeked at is not in a queue that is looked at just now. */
void ungc_barrier(void);
void ungc_run(void);
/* Is it one of this domain?  Else NULL. */
struct unsock *unsock_of(const struct file *);

/* untext.c */
void untext_init(void);

#endif /* NET_LOCAL_UNSOCK_H */
