/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Servers elsewhere: slots are this client's alone, and what is in them goes
 * and comes in frames.
 *
 * Who makes a call sends it, as much as there is room for, and then sleeps on
 * its slot.  A thread of this library's for each connection receives what
 * comes, and wakes who waits for it.  It also hears of signals for this host
 * process while no call is going on.
 *
 * To be woken by one who was woken takes longer than the way to a server that
 * is near.  So the only call there is receives for itself at first, as long as
 * that helps, and while it does the thread rests.
 *
 * OpenSSL allocates memory, and who makes a call may be a handler of the host's
 * that has interrupted malloc.  While one runs its signal is blocked; so with
 * TLS other threads send and receive for who has a signal blocked.
 *
 * stream_lock, with the host's signals blocked, has all of this; nobody waits
 * for anything meanwhile.
 */
#include "proxy/client/client.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "proxy/frames.h"

#define READ_MOST (1u << 20)

#define LOOK_MOST  100000  /* ns that a call receives for itself */
#define LOOK_PROBE 64	   /* one of so many does so as long as ever */
#define REST	   2000000 /* ns that the thread rests after a look */

/* Results of calls with so many bytes the server need not keep. */
#define LONG_CALL (128u << 10)

struct stream {
	struct frames st_frames;
	struct client_link st_link;
	struct stream *st_next; /* of the inherited */
	int st_refs;		/* of its threads, of a look, of `current' */
	bool st_over;		/* nothing more comes or goes */
	bool st_bye;		/* to be said */
	bool st_room;	   /* there is more to send than there was room for */
	bool st_work;	   /* there is something for the other thread to send */
	bool st_reply;	   /* what has come is to be replied to */
	bool st_looks;	   /* a call receives for itself */
	bool st_rests;	   /* the thread does */
	uint32_t st_going; /* calls that are going on */
	uint32_t st_calls; /* those that might have looked */
	int64_t st_look;   /* ns to look for */
	int64_t st_looked; /* when that has helped */
	uint64_t st_got[SP_NBELLS]; /* slots with results that have come */
	uint64_t st_post[SP_NBELLS];
	uint64_t st_intr[SP_NBELLS];
	uint64_t st_raise;  /* signals to raise */
	uint64_t st_raised; /* to be said */
};

static pthread_mutex_t stream_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t stream_work = PTHREAD_COND_INITIALIZER;
static pthread_cond_t stream_rested = PTHREAD_COND_INITIALIZER;
static bool stream_wakes;	 /* stream_lock: who sends has work */
static struct stream *current;	 /* stream_lock */
static struct stream *inherited; /* nobody's, in the child of a fork */

static void
lock_take(void)
{
	(void)pthread_mutex_lock(&stream_lock);
}

/* Who is woken then does not have to wait for the lock. */
static void
lock_drop(void)
{
	bool woken = stream_wakes;

	stream_wakes = false;
	(void)pthread_mutex_unlock(&stream_lock);
	if (woken)
		(void)pthread_cond_signal(&stream_work);
}

static void
lock_enter(sigset_t *old)
{
	sigset_t all;

	sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, old);
	lock_take();
}

static void
lock_exit(const sigset_t *old)
{
	lock_drop();
	(void)pthread_sigmask(SIG_SETMASK, old, NULL);
}

static void
stream_rele(struct stream *st)
{
	if (--st->st_refs != 0)
		return;
	client_link_close(&st->st_link);
	free(st);
}

/*
 * Frames
 */

static int
frames_recv(struct frames *fr, void *buf, size_t *lenp)
{
	return client_link_recv(&((struct stream *)fr)->st_link, buf, lenp);
}

static bool
frames_pending(struct frames *fr)
{
	return client_link_pending(&((struct stream *)fr)->st_link);
}

static int
frames_send(struct frames *fr, const void *buf, size_t *lenp)
{
	return client_link_send(&((struct stream *)fr)->st_link, buf, lenp);
}

static void
bit_set(uint64_t *bits, uint32_t slot)
{
	bits[slot / 64] |= UINT64_C(1) << slot % 64;
}

static bool
bit_isset(const uint64_t *bits, uint32_t slot)
{
	return (bits[slot / 64] >> slot % 64 & 1) != 0;
}

static bool
bit_take(uint64_t *bits, uint32_t *slotp)
{
	uint32_t i;

	for (i = 0; i < SP_NBELLS; i++) {
		if (bits[i] == 0)
			continue;
		*slotp = i * 64 + (uint32_t)__builtin_ctzll(bits[i]);
		bits[i] &= bits[i] - 1;
		return true;
	}
	return false;
}

/* The slot that waits for this result; NULL: none does any more. */
static struct sp_slot *
result_slot(const struct sp_frame *f)
{
	struct sp_slot *ss = spc_slot(&client, f->sf_msg.sm_slot);

	return f->sf_number == ss->ss_number &&
		       (atomic_load_explicit(
			    &ss->ss_state, memory_order_relaxed) &
			   SP_STATE) == SP_REQUEST
		   ? ss
		   : NULL;
}

static int
frames_begin(struct frames *fr, const struct sp_frame *f, uint8_t **to)
{
	struct sp_slot *ss;

	(void)fr;
	if (f->sf_msg.sm_op == SP_RAISE)
		return f->sf_size == 0 ? 0 : EPROTO;
	if (f->sf_msg.sm_op >= SP_NOPS)
		return EPROTO;
	if ((ss = result_slot(f)) != NULL)
		*to = ss->ss_payload + f->sf_at;
	return 0;
}

static int
frames_end(
    struct frames *fr, const struct sp_frame *f, const struct sp_signal *sg)
{
	struct stream *st = (struct stream *)fr;
	struct sp_slot *ss;

	if (f->sf_msg.sm_op == SP_RAISE) {
		st->st_raise |= f->sf_msg.sm_args[0];
		return 0;
	}
	if ((ss = result_slot(f)) == NULL)
		return 0;
	ss->ss_msg.sm_error = f->sf_msg.sm_error;
	ss->ss_msg.sm_flags = f->sf_msg.sm_flags;
	ss->ss_msg.sm_retval = f->sf_msg.sm_retval;
	if (sg != NULL)
		ss->ss_signal = *sg;
	st->st_going--;
	if (ss->ss_msg.sm_len > LONG_CALL) {
		bit_set(st->st_got, f->sf_msg.sm_slot);
		st->st_reply = true;
	}
	spc_done(&client, f->sf_msg.sm_slot);
	return 0;
}

static void
next_call(struct sp_frame *f, const uint8_t **from)
{
	struct sp_slot *ss = spc_slot(&client, f->sf_msg.sm_slot);
	uint32_t slot = f->sf_msg.sm_slot;

	f->sf_msg = ss->ss_msg;
	f->sf_msg.sm_slot = slot;
	f->sf_msg.sm_flags = 0;
	f->sf_size = ss->ss_size;
	*from = ss->ss_payload;
}

/* What was got comes first: the next call in the slot says it, too. */
static bool
frames_next(struct frames *fr, struct sp_frame *f, const uint8_t **from,
    const struct sp_signal **sg)
{
	struct stream *st = (struct stream *)fr;
	struct sp_msg *m = &f->sf_msg;

	(void)sg;
	*f = (struct sp_frame){0};
	if (st->st_raised != 0) {
		m->sm_op = SP_RAISED;
		m->sm_args[0] = st->st_raised;
		st->st_raised = 0;
		return true;
	}
	if (st->st_bye) {
		m->sm_op = SP_BYE;
		st->st_bye = false;
		return true;
	}
	if (bit_take(st->st_got, &m->sm_slot))
		m->sm_op = SP_GOT;
	else if (bit_take(st->st_post, &m->sm_slot))
		next_call(f, from);
	else if (bit_take(st->st_intr, &m->sm_slot))
		m->sm_op = SP_INTERRUPT;
	else
		return false;
	f->sf_number = spc_slot(&client, m->sm_slot)->ss_number;
	return true;
}

static const struct frames_ops frames_ops = {
    .fo_recv = frames_recv,
    .fo_pending = frames_pending,
    .fo_send = frames_send,
    .fo_begin = frames_begin,
    .fo_end = frames_end,
    .fo_next = frames_next,
};

/* Nothing more comes or goes; its threads are to see it, too.  stream_lock. */
static void
stream_end(struct stream *st)
{
	st->st_over = true;
	(void)pthread_cond_broadcast(&stream_work);
	(void)pthread_cond_broadcast(&stream_rested);
	if (client_link_isours(&st->st_link))
		(void)shutdown(st->st_link.ck_fd, SHUT_RDWR);
}

/* Send what can be sent, or see that nothing can.  stream_lock. */
static void
stream_send(struct stream *st)
{
	int error = st->st_over ? 0 : frames_out(&st->st_frames);

	st->st_room = error == EAGAIN;
	if (error == 0 || error == EAGAIN)
		return;
	stream_end(st);
	if (st == current)
		spc_lost(&client);
}

/* The same, but perhaps somewhat later. */
static void
stream_flush(struct stream *st)
{
	if (st->st_link.ck_tls == NULL) {
		stream_send(st);
		return;
	}
	st->st_work = true;
	stream_wakes = true;
}

/*
 * The threads of a connection
 */

/* Raise what the server has told us of.  stream_lock, but not meanwhile. */
static void
stream_raise(struct stream *st)
{
	uint64_t bits = st->st_raise, left;

	st->st_raise = 0;
	if (bits == 0)
		return;
	lock_drop();
	for (left = bits; left != 0; left &= left - 1)
		(void)kill(getpid(), __builtin_ctzll(left) + 1);
	lock_take();
	st->st_raised |= bits;
	stream_flush(st);
}

/* What has come, and what it asks for.  False at the end.  stream_lock. */
static bool
stream_recv(struct stream *st)
{
	if (st->st_over || st != current)
		return false;
	if (frames_in(&st->st_frames, READ_MOST) != 0) {
		stream_end(st);
		spc_lost(&client);
		return false;
	}
	if (st->st_reply || st->st_room)
		stream_flush(st);
	st->st_reply = false;
	stream_raise(st);
	return !st->st_over;
}

/* Rest while calls receive, and a little longer.  False if they do not. */
static bool
stream_rest(struct stream *st)
{
	int64_t until = st->st_looked + REST;
	struct timespec ts = {until / 1000000000, until % 1000000000};

	if (st->st_going > st->st_looks || st->st_room || client_now() >= until)
		return false;
	st->st_rests = true;
	(void)pthread_cond_clockwait(
	    &stream_rested, &stream_lock, CLOCK_MONOTONIC, &ts);
	st->st_rests = false;
	return true;
}

/* False at the end. */
static bool
stream_turn(struct stream *st)
{
	struct pollfd pfd = {.fd = st->st_link.ck_fd, .events = POLLIN};

	if (stream_rest(st))
		return !st->st_over;
	if (st->st_room && st->st_link.ck_tls == NULL)
		pfd.events |= POLLOUT;
	lock_drop();
	(void)poll(&pfd, 1, -1);
	lock_take();
	return stream_recv(st);
}

static void *
stream_main(void *arg)
{
	struct stream *st = arg;
	uint32_t generation;
	bool lost;

	lock_take();
	while (st == current && stream_turn(st))
		continue;
	lost = st == current;
	generation =
	    atomic_load_explicit(&client_generation, memory_order_relaxed);
	stream_rele(st);
	lock_drop();
	if (lost)
		client_resume(generation);
	return NULL;
}

/* Once there is room, if there was none. */
static void
sender_turn(struct stream *st)
{
	struct pollfd pfd = {.fd = st->st_link.ck_fd, .events = POLLOUT};

	if (!st->st_work) {
		(void)pthread_cond_wait(&stream_work, &stream_lock);
		return;
	}
	st->st_work = false;
	stream_send(st);
	if (!st->st_room)
		return;
	st->st_work = true;
	lock_drop();
	(void)poll(&pfd, 1, 1000);
	lock_take();
}

static void *
sender_main(void *arg)
{
	struct stream *st = arg;

	lock_take();
	while (st == current && !st->st_over)
		sender_turn(st);
	stream_rele(st);
	lock_drop();
	return NULL;
}

/* It takes no signals of the host's.  stream_lock. */
static int
stream_thread(struct stream *st, void *(*function)(void *))
{
	pthread_attr_t attr;
	pthread_t thread;
	sigset_t all, old;
	int error;

	if ((error = pthread_attr_init(&attr)) != 0)
		return error;
	(void)pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &old);
	error = pthread_create(&thread, &attr, function, st);
	if (error == 0)
		st->st_refs++;
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	(void)pthread_attr_destroy(&attr);
	return error;
}

/*
 * Connecting
 */

static int
stream_connect(struct spc *cl, const struct url *u, const struct spc_hello *sh,
    struct sp_welcome *sw)
{
	struct stream *st = calloc(1, sizeof(*st));
	int error;

	if (st == NULL)
		return ENOMEM;
	st->st_refs = 1;
	st->st_frames.fr_ops = &frames_ops;
	st->st_look = LOOK_MOST;
	if ((error = client_link_open(&st->st_link, u, sh, sw)) != 0) {
		stream_rele(st);
		return error;
	}
	cl->cl_sock = st->st_link.ck_fd;
	cl->cl_cookie = st->st_link.ck_cookie;
	lock_take();
	current = st;
	lock_drop();
	return 0;
}

/* Calls that are going on are sent, once more if this is not the first time. */
static void
stream_start(struct spc *cl)
{
	struct stream *st;
	struct sp_slot *ss;
	sigset_t old;
	uint32_t i;

	lock_enter(&old);
	st = current;
	st->st_going = 0;
	for (i = 0; i < cl->cl_nslots; i++) {
		ss = spc_slot(cl, i);
		if ((atomic_load_explicit(&ss->ss_state, memory_order_relaxed) &
			SP_STATE) != SP_REQUEST)
			continue;
		bit_set(st->st_post, i);
		st->st_going++;
		if (atomic_load_explicit(&ss->ss_intr, memory_order_relaxed) !=
		    0)
			bit_set(st->st_intr, i);
	}
	if (stream_thread(st, stream_main) != 0 ||
	    (st->st_link.ck_tls != NULL &&
		stream_thread(st, sender_main) != 0)) {
		stream_end(st);
		spc_lost(cl);
	} else
		stream_flush(st);
	lock_exit(&old);
}

static void
stream_disconnect(struct spc *cl, bool forked)
{
	struct stream *st;
	sigset_t old;

	(void)cl;
	if (forked) {
		/* What it had under way is the parent's. */
		(void)pthread_cond_init(&stream_work, NULL);
		(void)pthread_cond_init(&stream_rested, NULL);
		stream_wakes = false;
		if ((st = current) == NULL)
			return;
		if (client_link_isours(&st->st_link))
			(void)close(st->st_link.ck_fd);
		current = NULL;
		st->st_next = inherited;
		inherited = st;
		return;
	}
	lock_enter(&old);
	if ((st = current) != NULL) {
		current = NULL;
		stream_end(st);
		stream_rele(st);
	}
	lock_exit(&old);
}

/*
 * Calls
 */

/*
 * Send what was just noted of the slot.  If there is no room for it, wait for
 * that, with signals as they were and the lock free: handlers make calls.
 */
static void
stream_push(const struct stream *st, int fd, uint32_t slot)
{
	struct pollfd pfd = {.fd = fd, .events = POLLOUT};
	sigset_t old;
	bool left;

	do {
		(void)poll(&pfd, 1, 1000);
		lock_enter(&old);
		left = st == current && !st->st_over;
		if (left) {
			stream_flush(current);
			left = !st->st_over &&
			       (bit_isset(st->st_post, slot) ||
				   frames_sending(&st->st_frames) == (int)slot);
		}
		lock_exit(&old);
	} while (left);
}

static void
stream_post(struct spc *cl, uint32_t slot)
{
	struct sp_slot *ss = spc_slot(cl, slot);
	struct stream *st;
	sigset_t old;
	bool left = false, direct;
	int fd = -1, state;

	(void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
	lock_enter(&old);
	direct = sigisemptyset(&old) != 0;
	ss->ss_number++;
	atomic_store_explicit(&ss->ss_intr, 0, memory_order_relaxed);
	atomic_store_explicit(&ss->ss_state, SP_REQUEST, memory_order_relaxed);
	if ((st = current) != NULL && !st->st_over) {
		bit_set(st->st_post, slot);
		st->st_going++;
		if (direct)
			stream_send(st);
		if (!direct || st->st_room)
			stream_flush(st);
		left = st->st_room && st->st_link.ck_tls == NULL;
		fd = st->st_link.ck_fd;
	}
	lock_exit(&old);
	if (left)
		stream_push(st, fd, slot);
	(void)pthread_setcancelstate(state, NULL);
}

/* Receive until the call is done, for a while; signals are as they were. */
static void
look_for(struct stream *st, int fd, const struct sp_slot *ss, int64_t most)
{
	struct pollfd pfd = {.fd = fd, .events = POLLIN};
	int64_t until = client_now() + most;
	sigset_t old;
	bool more = true;

	while (more && !spc_isdone(ss) && client_now() < until) {
		if (poll(&pfd, 1, 0) == 0)
			continue;
		lock_enter(&old);
		more = stream_recv(st);
		lock_exit(&old);
	}
}

/*
 * How long to look for the result of a call; 0: not at all.  Longer if it has
 * helped, less long if it has not; and now and then as long as ever, because
 * what is too short never helps.  stream_lock.
 */
static int64_t
look_most(struct stream *st, const sigset_t *old)
{
	if (st == NULL || st->st_over || st->st_looks || st->st_going != 1 ||
	    (st->st_link.ck_tls != NULL && sigisemptyset(old) == 0))
		return 0;
	return ++st->st_calls % LOOK_PROBE == 0 ? LOOK_MOST : st->st_look;
}

static void
look_learn(struct stream *st, int64_t most, int64_t took, bool done)
{
	if (done) {
		st->st_looked = client_now();
		if (took > st->st_look / 4)
			st->st_look =
			    took < LOOK_MOST / 4 ? took * 4 : LOOK_MOST;
	} else if (most == st->st_look)
		st->st_look -= st->st_look / 4;
}

static void
stream_look(struct spc *cl, uint32_t slot)
{
	const struct sp_slot *ss = spc_slot(cl, slot);
	int64_t most, from;
	int fd, state, saved = errno;
	struct stream *st;
	sigset_t old;

	(void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
	lock_enter(&old);
	st = current;
	if ((most = look_most(st, &old)) != 0) {
		st->st_looks = true;
		st->st_refs++;
		fd = st->st_link.ck_fd;
		lock_exit(&old);
		from = client_now();
		look_for(st, fd, ss, most);
		lock_enter(&old);
		look_learn(st, most, client_now() - from, spc_isdone(ss));
		st->st_looks = false;
	}
	/* The thread is to go on where we do not. */
	if (st != NULL && st->st_rests && st->st_going > st->st_looks)
		(void)pthread_cond_signal(&stream_rested);
	if (most != 0)
		stream_rele(st);
	lock_exit(&old);
	(void)pthread_setcancelstate(state, NULL);
	errno = saved;
}

static void
stream_interrupt(struct spc *cl, uint32_t slot)
{
	struct stream *st;
	sigset_t old;

	(void)cl;
	lock_enter(&old);
	if ((st = current) != NULL && !st->st_over) {
		bit_set(st->st_intr, slot);
		stream_flush(st);
	}
	lock_exit(&old);
}

/*
 * Around a fork of the host process its thread has stream_lock, so that no
 * other is in the middle of OpenSSL or of malloc: what they lock would stay so
 * in the child (a sanitizer's malloc is not made for forks).
 */

static sigset_t forking; /* stream_lock: the signals of who forks */

void
client_stream_fork(void)
{
	sigset_t old;

	lock_enter(&old);
	forking = old;
}

void
client_stream_forked(void)
{
	sigset_t old = forking;

	lock_exit(&old);
}

/* The host process ends: the server need not wait for it. */
static __attribute__((destructor)) void
stream_bye(void)
{
	sigset_t old;

	if (!client.cl_far || atomic_load_explicit(&client.cl_state,
				  memory_order_relaxed) != SPC_ON)
		return;
	lock_enter(&old);
	if (current != NULL && !current->st_over) {
		current->st_bye = true;
		stream_send(current);
		current->st_over = true;
	}
	lock_exit(&old);
}

const struct spc_stream client_stream = {
    .connect = stream_connect,
    .start = stream_start,
    .disconnect = stream_disconnect,
    .post = stream_post,
    .look = stream_look,
    .interrupt = stream_interrupt,
};
