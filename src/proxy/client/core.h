/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The heart of a client: the connection to a server, and calls through slots
 * of the memory that both share.  It stands alone: no errno, no thread-local
 * storage, no memory but what it is given, no function of a library but
 * memcpy, memset and memcmp.  So it works inside a program whose library must
 * not be used.  librumpclient is a layer over it.
 *
 * Whoever makes a call takes a slot, keeps it as long as he likes, and gives
 * it back.  A call:
 *
 *	fill in the slot's ss_msg and payload, or spc_encode does
 *	spc_post		the server may make it now
 *	spc_wait		until it has.  SPC_LOST: the connection has
 *				been lost, and the call may be going on: after
 *				spc_connect with SP_H_RESUME wait again
 *	look at ss_msg and payload, or spc_decode does
 *
 * Sleeping: of those who wait one watches the socket, so that the end of the
 * server is seen; he is woken by a byte there.  The others sleep on their
 * slots.  Both ways a handler of the host without SA_RESTART ends the sleep,
 * and then that of the call; one with SA_RESTART does not.
 *
 * Who must not be interrupted so sleeps himself: see struct spc_mem.
 *
 * Signals for this host process that the server may not send are raised by
 * spc_wait.
 *
 * Functions return 0, a positive errno, or SPC_LOST.
 */
#ifndef PROXY_CLIENT_CORE_H
#define PROXY_CLIENT_CORE_H

#include <stdbool.h>

#include "proxy/url.h"
#include "proxy/wire.h"

#define SPC_LOST   (-1)
#define SPC_NOSLOT UINT32_MAX

enum spc_state { SPC_OFF, SPC_ON, SPC_GONE };

/* How the caller's memory is reached; false or SIZE_MAX: it is not there. */
struct spc_mem {
	bool (*read)(void *dst, const void *from, size_t n);
	bool (*write)(void *to, const void *src, size_t n);
	size_t (*strlen)(const char *s, size_t most); /* or most */
	/*
	 * A system call of the host that sleeps, with six arguments: its
	 * result.  -EINTR ends the sleep of the call that is waited for; the
	 * next sleep waits for that.  NULL: the host is called.
	 */
	long (*sleep)(long nr, const long *args);
};

struct spc;
struct spc_hello;

/*
 * How a server elsewhere is reached, by who has threads and a library for that:
 * the slots are this client's alone then.  Somebody has to see to it that what
 * comes is put into them, and their sleepers are woken: spc_done.
 */
struct spc_stream {
	/* As spc_connect; start: what there is may be sent, once more. */
	int (*connect)(struct spc *, const struct url *,
	    const struct spc_hello *, struct sp_welcome *);
	void (*start)(struct spc *);
	/* forked: the connection is the parent's, and goes on. */
	void (*disconnect)(struct spc *, bool forked);
	/* Of a slot, whose call has no number so far. */
	void (*post)(struct spc *, uint32_t slot);
	/* The same thread, before it sleeps: see whether it is done soon. */
	void (*look)(struct spc *, uint32_t slot);
	void (*interrupt)(struct spc *, uint32_t slot);
};

/* All zero at first, and then core.c's; these two are the caller's. */
struct spc {
	const struct spc_mem *cl_mem;
	const struct spc_stream *cl_stream; /* NULL: on this machine only */
	_Atomic bool cl_far;		    /* it is in use */
	_Atomic uint32_t cl_nslots;	    /* calls at a time */
	_Atomic uint32_t cl_state;	    /* enum spc_state */
	_Atomic uint32_t cl_watch; /* slot + 1 of who watches; 0: nobody */
	int cl_sock;
	int cl_lowfd; /* the caller's: the socket is no less; 0: high up */
	int cl_memfd; /* if cl_lowfd is not 0, the memory, for spc_adopt */
	int cl_pid;   /* of the process in the kernel */
	uint64_t cl_cookie; /* the host's name of the socket */
	struct sp_shared *cl_shm;
	uint8_t cl_token[SP_TOKEN];
	_Atomic uint32_t cl_spin;		 /* looks before sleeping */
	_Atomic uint32_t cl_waits;		 /* how often */
	_Atomic uint64_t cl_taken[SP_NBELLS];	 /* slots that are */
	_Atomic uint64_t cl_left[SP_NBELLS];	 /* of these, with lost calls */
	_Atomic uint64_t cl_sleepers[SP_NBELLS]; /* slots slept on */
};

/* cl_spin at first: about as long as it takes to sleep and be woken. */
#define SPC_SPIN 2048u

/* What spc_connect is to say. */
struct spc_hello {
	enum sp_hello_kind sh_kind;
	const uint8_t *sh_token; /* for all but SP_H_NEW */
	int sh_pid;		 /* wanted, or 0 */
	uint32_t sh_flags;	 /* SP_H_* */
	const char *sh_name;	 /* at most 15 characters count; or NULL */
};

/*
 * Connect to the server and become SPC_ON.  With SP_H_RESUME the memory stays
 * mapped and calls go on.  ECONNREFUSED, ENOENT and so on if there is none;
 * ESTALE if it does not know the token; EBUSY for SP_H_EXEC while a thread of
 * the program before is still in a call: try again.
 */
int spc_connect(struct spc *, const struct url *, const struct spc_hello *);

/*
 * After execve, with cl_sock, cl_memfd, cl_pid, cl_nslots and cl_token what
 * they were before: have the connection once more, of which only the first slot
 * was taken then, and nobody was in a call.  The server wants SP_EXEC, or to be
 * connected to with SP_H_EXEC after all.
 */
int spc_adopt(struct spc *);

/*
 * A file that the server has for the call in the slot, which has been answered,
 * by a connection for that alone.  As spc_connect.
 */
int spc_file(struct spc *, const struct url *, uint32_t slot, int *fdp);

/* Let go of the connection, which is SPC_GONE then. */
void spc_disconnect(struct spc *);

/*
 * In the child of a fork: what it has is its parent's.  It lets go of that and
 * has no slots taken; spc_connect is its own then.
 */
void spc_forked(struct spc *);

/*
 * A slot that nobody has.  EAGAIN: there is none.  leave: give it back, but
 * its call may be going on in the server, after SPC_LOST.
 */
int spc_slot_take(struct spc *, uint32_t *slotp);
void spc_slot_give(struct spc *, uint32_t slot);
void spc_slot_leave(struct spc *, uint32_t slot);

static inline struct sp_slot *
spc_slot(struct spc *cl, uint32_t slot)
{
	return sp_slot(cl->cl_shm, slot);
}

/* Acquire pairs with who stored it: the result. */
static inline bool
spc_isdone(const struct sp_slot *ss)
{
	return (atomic_load_explicit(&ss->ss_state, memory_order_acquire) &
		   SP_STATE) == SP_DONE;
}

/*
 * See above.  outer: the slot of the call that was interrupted by the handler
 * that makes this one, or SPC_NOSLOT.
 */
void spc_post(struct spc *, uint32_t slot);
int spc_wait(struct spc *, uint32_t slot, uint32_t outer);

/* For a stream: the call in the slot is done; and the connection is lost. */
void spc_done(struct spc *, uint32_t slot);
void spc_lost(struct spc *);

/* The same: is fd, of that cookie, what it was?  As high as it can be. */
bool spc_sock_isours(int fd, uint64_t cookie);
uint64_t spc_sock_cookie(int fd);
int spc_sock_high(int fd);

/* What spc_connect says, made of what it is told. */
void spc_hello_fill(const struct spc_hello *, struct sp_hello *);

/* Have the call in the slot not sleep any longer: EINTR. */
void spc_interrupt(struct spc *, uint32_t slot);

/*
 * The processor that the caller is on, or SPC_NOCPU; and those that it may be
 * on: only that one from now on, until it, or a child, may be on others again
 * (cpus.c).  leave: it goes on elsewhere, if it may.
 */
#define SPC_NOCPU 1024u /* more are not told apart */
struct spc_cpus {
	long sc_size; /* of the host's; 0: not known */
	uint64_t sc_bits[SPC_NOCPU / 64];
};
unsigned spc_cpu(void);
void spc_cpus_stay(struct spc_cpus *was);
void spc_cpus_restore(const struct spc_cpus *was);
void spc_cpus_leave(unsigned cpu);

/*
 * marshal.c: a system call into a slot, and what came of it out of it.
 * args are six, and SP_SEMARG counts.
 * encode: EFAULT, ENOSYS; E2BIG for more than a slot has room for;
 * EOPNOTSUPP.  decode: the call's error, or EFAULT, with its value.
 */
struct sysdesc;
int spc_encode(
    struct spc *, uint32_t slot, const struct sysdesc *, const uint64_t *args);
int spc_decode(struct spc *, uint32_t slot, const struct sysdesc *,
    const uint64_t *args, int64_t *retval);

#endif /* PROXY_CLIENT_CORE_H */
