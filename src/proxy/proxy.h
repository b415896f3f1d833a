/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The server of remote clients: what the files of src/proxy share.
 *
 * A session is a client: its connection, its slots, and the lwps that belong to
 * it.  A few host threads (workers) serve all of them.  One is the leader: it
 * alone waits for clients, and makes their calls itself, so that a call that
 * does not sleep costs no switch between threads.  When a call is about to
 * sleep, or is long, the leader first hands over to another worker; when the
 * call is done it is one of those who wait to lead.
 *
 * A session whose client is elsewhere has slots of its own, and a stream
 * through which what is in them comes and goes (stream.c).  Only the leader
 * reads it, but for handshakes of TLS, before which he hands over; who has made
 * a call sends the result, or what there is room for: the leader sends the
 * rest.
 *
 * A session that shares memory and has had no call for a while is cold: it has
 * to send a byte.  All others are hot, and the leader looks at their bells, and
 * at the slots that have turns (turns.c) themselves.
 *
 * Life of a session:
 *
 *	HELLO	connected, has not said what it wants; until se_deadline
 *	FORKED	a process made by SP_FORK, not claimed; until se_deadline
 *	OPEN	makes calls
 *	LOST	its connection has ended, not its host process as far as the
 *		server can see; may be resumed until se_deadline
 *	DEAD	its processes are being ended; goes with the last of its calls
 *
 * Letters: (L) the leader only; (S) sessions_lock; (l) se_lock; (a) atomic;
 * (s) stable once the session is open.  Leadership is handed over with a
 * release and taken with an acquire.
 */
#ifndef PROXY_PROXY_H
#define PROXY_PROXY_H

#include <sys/queue.h>

#include "hyper/hostsock.h"
#include "kern/kern.h"
#include "kern/remote.h"
#include "proxy/frames.h"
#include "proxy/tls.h"
#include "proxy/url.h"
#include "proxy/wire.h"

enum session_state { SE_HELLO, SE_FORKED, SE_OPEN, SE_LOST, SE_DEAD };

/* Lwps of a session, by number: SP_NSLOTS of the slots', then the others. */
#define SE_CHUNK   64u
#define SE_NCHUNKS 128u
#define SE_NLWPS   (SE_CHUNK * SE_NCHUNKS)
#define SE_FIRST   (SP_NSLOTS + 1) /* of those that are no slot's */

struct session_lwps {
	_Atomic uint64_t sl_handle[SE_CHUNK]; /* (l), read without; 0: none */
};

/* Who has made no call for so long, in nanoseconds, calls rarely. */
#define SE_RARE_NSEC INT64_C(100000)

struct session {
	LIST_ENTRY(session) se_link;	/* (S) */
	TAILQ_ENTRY(session) se_hot;	/* (L) while se_ishot */
	TAILQ_ENTRY(session) se_ready;	/* (L) while se_npending is not 0 */
	TAILQ_ENTRY(session) se_parks;	/* (L) while se_parked has bits */
	TAILQ_ENTRY(session) se_meet;	/* (L) while se_meets */
	LIST_ENTRY(session) se_dying;	/* (L) */
	uint64_t se_id;			/* (s) */
	uint64_t se_parent;		/* (L) that had it forked, or 0 */
	_Atomic int se_state;		/* (L) writes, others read */
	_Atomic uint32_t se_refs;	/* (a) one of the leader's, of calls */
	_Atomic bool se_accused;	/* (a) has broken the protocol */
	int se_sock;			/* (L), (l) or HYPER_NOFD */
	int se_pidfd;			/* (L), (l) the same */
	int se_memfd;			/* (L) of se_shm, for the welcome */
	struct sp_shared *se_shm;	/* (s) the slots */
	struct sp_shared *se_follows;	/* (S) the same, to be told, or NULL */
	struct stream *se_stream;	/* (s) NULL: the slots are shared */
	bool se_far;			/* (s) not a process of this host */
	const struct user *se_user;	/* (s) of that: NULL: nobody */
	uint32_t se_nslots;		/* (s) calls at a time */
	_Atomic size_t se_charged;	/* (a) bytes of calls going on */
	bool se_ishot;			/* (L) */
	bool se_meets;			/* (L) its handshake is to go on */
	uint32_t se_quiet;		/* (L) looks in vain */
	uint32_t se_npending;		/* (L) bits in se_pending */
	uint64_t se_pending[SP_NBELLS]; /* (L) slots to look at */
	uint64_t se_turns[SP_NBELLS];	/* (L) slots that have a turn */
	uint64_t se_parked[SP_NBELLS];	/* (L) answered, asleep until theirs */
	uint32_t se_nextturn;		/* (L) the first that may be next */
	int64_t se_called;		/* (L) when, or so */
	bool se_rare;			/* (L) had not called for long */
	_Atomic uint8_t se_calls[SP_NSLOTS];	/* (a) in slots: see call.c */
	_Atomic uint32_t se_running[SP_NSLOTS]; /* (a) lwp of the call */
	int64_t se_deadline;			/* (L) or HYPER_FOREVER */
	struct hyper_peer se_peer;		/* (s) */
	pid_t se_pid;				/* (L) of its process */
	uint8_t se_token[SP_TOKEN];		/* (s) */
	struct sp_hello se_hello;		/* (L) */
	size_t se_nhello;			/* (L) bytes of it */
	struct kmutex se_lock;
	uint64_t se_early;	 /* (l) signals while SE_FORKED */
	int *_Atomic se_hostfds; /* (l) of each slot; or NULL */
	/* (a) Slots of which that is a segment's, to be had by SP_H_FILE. */
	_Atomic uint64_t se_segments[SP_NBELLS];
	/* (l) The program that is to be executed, or NULL: its set-id bits. */
	struct exefile *se_program;
	uid_t se_uid;
	gid_t se_gid;
	struct exefile *se_executed; /* (l) the one that is, or NULL */
	struct session_lwps *_Atomic se_lwps[SE_NCHUNKS]; /* (l) */
};

/* How much of a message's name and control data there is room for. */
struct message_rooms {
	size_t mr_name;
	size_t mr_control;
};
#define VECTOR_MOST 1024u /* of messages, and of buffers in a vector */

/* A call that a worker makes. */
struct call {
	struct session *c_session;
	uint32_t c_slot;
	bool c_parks;	     /* the client sleeps for its turn */
	struct sp_msg c_msg; /* a copy */
	bool c_hostfile;     /* SP_F_HOSTFILE is wanted */
	struct sp_signal c_signal;
	uint8_t *c_head;   /* copy of what is looked at */
	uint8_t *c_shared; /* the payload as the client sees it */
	uint64_t c_args[6];
	struct message_rooms *c_rooms; /* VECTOR_MOST, behind c_head */
	size_t c_room[6];	       /* bytes of a buffer */
	size_t c_parts;		       /* of c_head: the next part is behind */
	size_t c_from, c_to;	       /* of the payload, what is the result */
	struct lwp *c_lwp;	       /* entered */
};

struct worker {
	bool w_leader;
	uint8_t *w_scratch; /* c_head */
	size_t w_size;
	struct call w_call;
};

/* What the server was told to be like; written before it starts. */
struct proxy_config {
	uid_t pc_roots[16]; /* users who are root here, too */
	uint32_t pc_nroots;
	bool pc_setpid; /* clients may have their host pids */
	bool pc_verbose;
	uint32_t pc_maxlwps; /* for each client */
	uint32_t pc_maxcalls;
	size_t pc_maxmemory;  /* bytes of calls going on */
	uint32_t pc_maxfiles; /* 0: as process 1 has it */
	int64_t pc_grace;     /* nanoseconds to come back in */
	int64_t pc_hello;     /* and to say who one is */
	int64_t pc_spin;      /* to look for the next call, at most */
	int pc_listening;     /* a socket, or HYPER_NOFD */
};
extern struct proxy_config proxy_config;

/*
 * pool.c
 */

/* Start serving: the socket is listened on.  0 or an errno. */
int pool_start(int listening, bool far);

/* Leader: have the slot looked at; and because there is a call in it. */
void pool_ready(struct session *, uint32_t slot);
void pool_rang(struct session *, uint32_t slot);

/* Have somebody who is not the leader go on with its handshake. */
void pool_meet(struct session *);

/* What is left to do is somebody else's: no more the leader. */
void pool_handover(struct worker *);

/* Leader: when it last looked at the clock. */
int64_t pool_now(void);

/* Leader: have the session's slots looked at; not any more. */
void pool_heat(struct session *);
void pool_forget(struct session *);

/* The same, and its client is about to make a call. */
void pool_expect(struct session *);

/*
 * In reboot(2): the server ends once the call is answered.  False if it is not
 * a client's call.
 */
bool pool_stop(void);

/*
 * The set that the leader waits on: a word is that of a session with
 * POOL_PROCESS or without, of a struct rights with POOL_RIGHTS, or 0.
 */
#define POOL_PROCESS 1u
#define POOL_RIGHTS  2u
int pool_events(void);

/*
 * turns.c, for the leader: whose turn it is to look for answers.
 */

/* An answer is there, since now; parks: for who sleeps for his turn. */
void turns_answer(struct session *, uint32_t slot, bool parks, int64_t now);

/*
 * It has not looked for this answer until it came, as who is on the leader's
 * processor cannot: the leader goes to another one, or a turn is of no use to
 * it while others wait.
 */
void turns_slept(struct session *, uint32_t slot);

/* It has sent a byte. */
void turns_rung(struct session *);

/* Somebody else will answer: its call is long or about to sleep. */
void turns_leave(struct session *, uint32_t slot, bool parks);

/*
 * There has been nothing to do for `spent' nanoseconds: give a turn to one who
 * waits for his, if there is one and it is time to.  True: it was.
 */
bool turns_idle(int64_t now, int64_t spent);
bool turns_waited(void);

/* Look at the slots that have turns.  True if there is a call in one. */
bool turns_look(void);

/* Its slots are no more. */
void turns_forget(struct session *);

/*
 * session.c.  For the leader, but for those marked (any).
 */

void session_accept(int listening, bool far);

/* Its socket or host process has something to say. */
void session_event(struct session *, bool process, uint32_t events);

/* Its client has gone or has done what no client does. */
void session_end(struct session *, const char *why);

/* Has some session a deadline?  End those whose is over. */
bool session_waiting(void);
void session_expire(void);

/* For hello.c. */
void session_open(struct session *);
int session_watch(struct session *);
int session_take(struct session *, struct session *from);
bool session_same(const struct session *, const struct session *);
struct session *session_find(const uint8_t token[SP_TOKEN]);

/* Have those that were ended go. */
void session_bury(void);

/* (any) The lock of its socket and stream; the socket, or HYPER_NOFD. */
int session_enter(struct session *);
void session_leave(struct session *);

/* (any) So many bytes more, or less, of calls.  False: too many. */
bool session_charge(struct session *, size_t n);
void session_discharge(struct session *, size_t n);

/* (any) */
void session_hold(struct session *);
void session_rele(struct session *);
void session_signal(uint64_t id, int signo);
void session_poke(struct session *); /* a byte for it */
/*
 * It is told how often the tree of files has changed, until its memory goes.
 * follow, tree, late: in a section, with any locks.  tree: it has changed;
 * late: does one of them have files open that are not known?
 */
void session_follow(struct session *);
void session_unfollow(struct session *);
void session_tree(void);
bool session_late(void);
bool session_ended(void); /* ro_ended; in a section, without locks */
void session_accuse(struct session *); /* it has broken the protocol */

/* A session for the child of a fork; its process's lwp is `handle'. */
int session_fork(struct session *parent, uint64_t handle,
    uint8_t token[SP_TOKEN], uint64_t *idp);
/* Leader: the pid of a client whose host process this is; -1: none. */
pid_t session_pid(pid_t host);
/* What it executes, referenced, or NULL; in a section. */
struct exefile *session_program(pid_t host);
int session_forkcancel(
    struct session *parent, const uint8_t token[SP_TOKEN], pid_t);

/*
 * Leader: is nothing left of a process that has been waited for on the host, or
 * with pid 0 of any?  If not it will be.
 */
bool session_gone(pid_t);

static inline int
session_state(struct session *se)
{
	return atomic_load_explicit(&se->se_state, memory_order_acquire);
}

/*
 * stream.c: sessions whose clients are elsewhere.  For the leader, but for
 * those marked (any).
 */

/* Give it a stream, of TLS or not.  ENOMEM. */
int stream_make(struct session *, bool secret);
void stream_free(struct session *);

/* Its slots.  ENOMEM.  forget: they are as new. */
int stream_slots(struct session *);
void stream_forget(struct session *);

/*
 * Who it is: 0, EAGAIN while that is not known, EACCES.  Handshakes take long:
 * shake is a part of one, for who is not the leader (any).
 */
int stream_meet(struct session *);
void stream_shake(struct session *);

/* Bytes before and besides frames. */
int stream_recv(struct session *, void *buf, size_t *lenp);
int stream_send(struct session *, const void *buf, size_t *lenp);

/* What is under way is lost; then the session has what another is called by. */
void stream_detach(struct session *);
void stream_take(struct session *, struct session *from);

/* From now on there are frames. */
void stream_start(struct session *);

/*
 * There are bytes, or room.  EPROTO: it says what no client does; ESHUTDOWN:
 * its host process has ended; other errors: the connection has.
 */
int stream_event(struct session *);

/* (any) The result of a call. */
void stream_answer(struct call *);

/* (any) The client is to raise these signals; se_lock. */
void stream_raise(struct session *, uint64_t signals);

/*
 * users.c: who clients are that are not users of the host.
 */
struct user {
	char u_name[TLS_NAMEMOST];
	uid_t u_uid;
	uint32_t u_ngids;
	gid_t u_gids[64];
	char u_root[256];
	size_t u_keylen; /* 0: known by a certificate */
	uint8_t u_key[TLS_KEYMOST];
};
#define USERS_PLAIN "-" /* who comes without TLS */

/* 0 or an errno, and in why what is wrong with which line. */
int users_load(const char *path, char *why, size_t size);

/* By a key, or not.  NULL: nobody. */
const struct user *users_find(const char *name, bool key);
bool users_findkey(const char *name, uint8_t key[TLS_KEYMOST], size_t *lenp);

/*
 * tcp.c: the server's URL and what connections are to be like.
 */

/* 0, or an errno. */
int tcp_listen(const struct url *, int *fdp);

/* Is TLS wanted of clients? */
struct tls_context;
const struct tls_ops *tcp_tls(struct tls_context **);

/*
 * memory.c: memory to be shared.  For the leader, but for memory_give (any).
 */

/* As new, and its descriptor; or an errno. */
int memory_take(int *fdp, struct sp_shared **shp);
void memory_give(struct sp_shared *);

/* There is time to make some, for memory_take; to let go of what was given. */
void memory_prepare(void);
void memory_clean(void);

/*
 * hello.c: a session has said what it wants.
 */
void hello_done(struct session *);

/*
 * Is its host process of a user who is root here?  What it says of itself that
 * nobody can know, is believed of those alone, who could do all that anyway.
 */
bool session_isroot(const struct session *);

/*
 * lwps.c: the lwps of a session, (any).
 */

/* The handle of lwp n, or 0. */
uint64_t lwps_handle(struct session *, uint32_t n);

/* Put one into place n, or in the first free one if n is 0.  EAGAIN, ENOMEM. */
int lwps_put(struct session *, uint64_t handle, uint32_t n, uint32_t *np);
void lwps_clear(struct session *, uint32_t n);

/* The first from n on, or 0 if there is none. */
uint32_t lwps_next(struct session *, uint32_t n, uint64_t *handlep);

/* Of the slot: made when it is first used. */
int lwps_slot(struct session *, uint32_t slot, uint64_t *handlep);

/*
 * call.c, ops.c, decode.c
 */

/* The slot is DONE: no call is going on in it any more. */
void slot_done(struct session *, uint32_t slot);

/* A call is going on in it, and not ending. */
bool slot_isbusy(struct session *, uint32_t slot);

/* Calls with so many bytes are long, and charged to the client. */
#define LONG_CALL (128u << 10)

/* Make the call in the slot and say how it ended. */
void call_run(struct worker *, struct session *, uint32_t slot);

/* What the worker has kept for calls goes. */
void call_fini(struct worker *);

/*
 * Have the client call a handler, if there is a signal to handle; restart is
 * what becomes of the call then (enum signal_restart).
 */
bool call_handler(struct call *, int restart);

/* All but system calls; the error, the value in c_msg.sm_retval. */
int op_run(struct call *);

/* aio.c: SP_AIO. */
int op_aio(struct call *);

/* Their result: the first n bytes of the payload. */
void call_give(struct call *, const void *data, size_t n);

/*
 * Check what a system call points to, and find its arguments; then copy back
 * what it has written into c_head, in a call that failed only what goes both
 * ways.  EPROTO: no client does that.
 */
struct sysdesc;
int call_decode(struct call *, const struct sysdesc *);
void call_encode(struct call *, const struct sysdesc *, int error);

/*
 * hosted.c: what only clients with SP_H_HOSTED ask for.  A file that was given
 * out is closed before the slot's next call, and with the session (hosted_fini,
 * in a section).
 */
int hosted_file(struct call *);
int hosted_path(struct call *);
void hosted_opened(struct call *); /* c_hostfile, and it has succeeded */
int hosted_fds(struct call *);
int hosted_exec(struct call *);
int hosted_fdpath(struct call *);
int hosted_program(struct call *);
/* What is to be executed is: the ids of its set-id bits; in a section. */
void hosted_executed(struct session *, uid_t *, gid_t *);
int hosted_reopen(struct call *);
int hosted_dir(struct call *);
bool hosted_root(struct sp_hosttree *); /* false: the caller is no such */
int hosted_adopt(struct call *);

/* The handles of the slots, made now if need be; NULL: there is no memory. */
int *hosted_table(struct session *);
void hosted_close(struct session *, uint32_t slot);
void hosted_fini(struct session *);

/*
 * rights.c: files that hosted clients send each other.  The number of a pipe is
 * no secret: who receives one is of the user who sent it, or root.  For the
 * leader: nobody has what this stands for.
 */
struct rights;
int hosted_send(struct call *);
int hosted_receive(struct call *);
void rights_gone(struct rights *);

/* server.c: the server ends; its place is free for another one. */
noreturn void server_end(void);

#endif /* PROXY_PROXY_H */
