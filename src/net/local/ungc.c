/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sockets in flight that nobody can receive any more.
 *
 * A socket whose descriptor is in a message has a reference to its file from
 * there.  If all references to the files of some sockets are from messages in
 * queues of these same sockets, nobody will ever close them.  ungc_run finds
 * them and throws their messages away, which does.
 *
 *	1. Suspects are those to whose file there are as many references as the
 *	   socket is in flight: nobody has a descriptor of it.
 *	2. Count for each how often it is in a queue of a suspect.  Who is in
 *	   flight more often than that can still be received: he, and who is in
 *	   his queue, and so on, are no suspects any more.
 *	3. Empty the queues of those that are left.
 *
 * ungc_lock is held over 1 and 2.  Sockets depart and arrive under it; who
 * receives or peeks at some takes it before he returns, and while he is in the
 * call the socket that he uses is no suspect.  So a queue of a suspect does
 * not change, but for messages that are on their way to it: what they bring is
 * in flight already and in no queue, so it is not suspected in the end.
 * so_lock comes after it.
 *
 * The queue of a socket that is listening is those of the sockets in it.
 *
 * All that costs time for each socket in flight, at each close of a socket.
 * Where it was in vain and there are many, some closes pass without it.
 */
#include "net/local/unsock.h"

static struct kmutex ungc_lock;
static TAILQ_HEAD(, unsock) flying = TAILQ_HEAD_INITIALIZER(flying); /* (g) */
static _Atomic uint32_t nflying; /* (g), read without */
static uint32_t to_pass;	 /* (g) closes that need not look */

/* So many of those in flight, for each close that passes. */
#define PASS_SHARE 64

static void
fly(struct file *fp, int n)
{
	struct unsock *us = unsock_of(fp);

	if (us == NULL)
		return;
	if (us->us_inflight == 0) {
		us->us_file = fp;
		TAILQ_INSERT_TAIL(&flying, us, us_flight);
	}
	us->us_inflight += (uint32_t)n;
	if (us->us_inflight == 0)
		TAILQ_REMOVE(&flying, us, us_flight);
	atomic_fetch_add_explicit(&nflying, (uint32_t)n, memory_order_relaxed);
}

static void
fly_all(struct unrights *ur, int n)
{
	uint32_t i;

	(void)cred_inflight(ur->ur_cred, n * (int64_t)ur->ur_count);
	if (ur->ur_sockets == 0)
		return;
	mutex_enter(&ungc_lock);
	for (i = 0; i < ur->ur_count; i++)
		fly(ur->ur_files[i], n);
	mutex_exit(&ungc_lock);
}

void
ungc_depart(struct unrights *ur)
{
	fly_all(ur, 1);
}

void
ungc_arrive(struct unrights *ur)
{
	fly_all(ur, -1);
}

void
ungc_barrier(void)
{
	mutex_enter(&ungc_lock);
	mutex_exit(&ungc_lock);
}

/*
 * Call fn for each socket that is in us's queue, or in one of a socket that
 * waits there to be accepted.
 */
static void
scan_queue(struct unsock *us, void (*fn)(struct unsock *))
{
	struct unsock *to;
	struct unmsg *m;
	uint32_t i;

	unsock_enter(us);
	TAILQ_FOREACH (m, &us->us_queue, um_link) {
		if (unsock_state(us) == UN_LISTEN)
			scan_queue(m->um_from, fn);
		if (m->um_rights == NULL || m->um_rights->ur_sockets == 0)
			continue;
		for (i = 0; i < m->um_rights->ur_count; i++)
			if ((to = unsock_of(m->um_rights->ur_files[i])) != NULL)
				fn(to);
	}
	unsock_exit(us);
}

static void
count_found(struct unsock *us)
{
	us->us_found++;
}

static struct unsock *cleared; /* (g) by clear_suspect: end of the list */

/*
 * It can be received.  It goes behind those that were cleared before, so that
 * its queue is looked at, too.
 */
static void
clear_suspect(struct unsock *us)
{
	if (!us->us_suspect)
		return;
	us->us_suspect = false;
	TAILQ_REMOVE(&flying, us, us_flight);
	if (cleared == NULL)
		TAILQ_INSERT_HEAD(&flying, us, us_flight);
	else
		TAILQ_INSERT_AFTER(&flying, cleared, us, us_flight);
	cleared = us;
}

/* What of those in flight is lost has us_suspect set; ungc_lock is held. */
static void
find_suspects(void)
{
	struct unsock *us, *next;

	KASSERT(mutex_owned(&ungc_lock));
	TAILQ_FOREACH (us, &flying, us_flight) {
		us->us_found = 0;
		us->us_suspect = atomic_load_explicit(&us->us_file->f_count,
				     memory_order_acquire) == us->us_inflight;
	}
	TAILQ_FOREACH (us, &flying, us_flight)
		if (us->us_suspect)
			scan_queue(us, count_found);
	cleared = NULL;
	for (us = TAILQ_FIRST(&flying); us != NULL; us = next) {
		next = TAILQ_NEXT(us, us_flight);
		if (us->us_suspect && us->us_found < us->us_inflight)
			clear_suspect(us);
	}
	/* Those in front, which become more by this. */
	for (us = cleared != NULL ? TAILQ_FIRST(&flying) : NULL; us != NULL;
	     us = us == cleared ? NULL : TAILQ_NEXT(us, us_flight))
		scan_queue(us, clear_suspect);
}

/* Take all messages that bring files from us's queue. */
static void
empty_queue(struct unsock *us, struct unmsgs *list)
{
	struct unmsg *m, *next;

	unsock_enter(us);
	for (m = TAILQ_FIRST(&us->us_queue); m != NULL; m = next) {
		next = TAILQ_NEXT(m, um_link);
		if (unsock_state(us) == UN_LISTEN)
			empty_queue(m->um_from, list);
		if (m->um_rights == NULL)
			continue;
		unmsg_unlink(us, m);
		if (unsock_type(us) == SOCK_STREAM)
			us->us_charge -= m->um_cost;
		TAILQ_INSERT_TAIL(list, m, um_link);
	}
	unsock_exit(us);
}

void
ungc_run(void)
{
	struct unmsgs list = TAILQ_HEAD_INITIALIZER(list);
	struct unsock *us;
	struct unmsg *m;

	/* Relaxed: what is missed is found by the next who closes a socket. */
	if (likely(atomic_load_explicit(&nflying, memory_order_relaxed) == 0))
		return;
	mutex_enter(&ungc_lock);
	if (to_pass > 0)
		to_pass--;
	else {
		find_suspects();
		TAILQ_FOREACH (us, &flying, us_flight)
			if (us->us_suspect)
				empty_queue(us, &list);
		if (TAILQ_EMPTY(&list))
			to_pass = nflying / PASS_SHARE;
	}
	mutex_exit(&ungc_lock);
	TAILQ_FOREACH (m, &list, um_link)
		if (m->um_from != NULL)
			undgram_unload(m);
	unmsgs_free(&list);
}
