/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Turns of clients that are more than processors for them, by hand.
 */
#include <errno.h>
#include <sched.h>

#include <rump/rump_syscalls.h>
#include <rump/rumpclient.h>

#include "lib/byhand.h"
#include "lib/clock.h"
#include "lib/tc.h"

#define OTHERS_MOST 64
#define LONGEST	    INT64_C(30000000000)

struct hand {
	int fd;
	struct sp_shared *shm;
	struct sp_slot *slot;
};

static void
hand_start(struct hand *h)
{
	h->fd = hand_hello(SP_MAGIC, SP_VERSION, SP_H_NEW, 0, &h->shm);
	ATF_REQUIRE(h->fd != -1);
	h->slot = sp_slot(h->shm, 0);
}

/* Post a call without arguments; seen: it sleeps for its turn. */
static void
hand_post(struct hand *h, uint32_t nr, uint32_t seen)
{
	h->slot->ss_msg = (struct sp_msg){.sm_op = SP_SYSCALL, .sm_nr = nr};
	atomic_store(&h->slot->ss_seen, seen);
	atomic_store(&h->slot->ss_state, SP_REQUEST);
	ATF_REQUIRE(hand_ring(h->fd, h->shm));
}

static bool
hand_isdone(struct hand *h)
{
	return (atomic_load(&h->slot->ss_state) & SP_STATE) == SP_DONE;
}

static int
hand_done(struct hand *h)
{
	int64_t until = host_now() + LONGEST;

	while (!hand_isdone(h)) {
		ATF_REQUIRE(host_now() < until);
		sched_yield();
	}
	return h->slot->ss_msg.sm_error;
}

/* The call is not to sleep; again, as it may not have been made so far. */
static void
hand_interrupt(struct hand *h)
{
	int64_t until = host_now() + LONGEST;

	while (!hand_isdone(h)) {
		ATF_REQUIRE(host_now() < until);
		atomic_store(&h->slot->ss_intr, 1);
		ATF_REQUIRE(hand_ring(h->fd, h->shm));
		usleep(1000);
	}
}

/*
 * Call in turn, until the first is told to wait for his: that word.  0: he is
 * not, because on a busy host nobody calls often enough.
 */
static uint32_t
told_to_wait(struct hand *hands, int n)
{
	int64_t until = host_now() + LONGEST / 3;
	uint32_t turn;

	do {
		if (host_now() >= until)
			return 0;
		for (int i = n; i-- > 0;) {
			hand_post(&hands[i], RUMP_SYS_getpid, 0);
			ATF_REQUIRE_EQ(hand_done(&hands[i]), 0);
		}
		turn = atomic_load(&hands[0].slot->ss_turn);
	} while ((turn & SP_PARK) == 0);
	return turn;
}

TC(in_vain, "who goes on without his turn, and sleeps, is interrupted")
{
	int n = (int)sysconf(_SC_NPROCESSORS_ONLN);
	struct hand hands[OTHERS_MOST + 1];
	uint32_t turn;

	if (n < 2 || n > OTHERS_MOST)
		atf_tc_skip("%d processors", n);
	ATF_REQUIRE(server_start(0, NULL) != -1);
	for (int i = 0; i <= n; i++)
		hand_start(&hands[i]);
	for (int i = 0; i < 20; i++) {
		/* It says that it sleeps for its turn, and does not. */
		if ((turn = told_to_wait(hands, n + 1)) == 0)
			atf_tc_skip("nobody is told to wait: a busy host");
		hand_post(&hands[0], RUMP_SYS_getpid, turn);
		ATF_REQUIRE_EQ(hand_done(&hands[0]), 0);
		hand_post(&hands[0], RUMP_SYS_pause, 0);
		/* Nobody else calls: a turn is anybody's. */
		usleep(20000);
		ATF_REQUIRE(!hand_isdone(&hands[0]));
		hand_interrupt(&hands[0]);
		ATF_REQUIRE_EQ(hand_done(&hands[0]), EINTR);
	}
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, in_vain);
	return atf_no_error();
}
