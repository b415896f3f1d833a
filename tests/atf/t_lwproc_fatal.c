/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rump_lwproc(3): the fatal errors.  Each is committed in a forked child of
 * the host, which must end by SIGABRT after one line on standard error that
 * names the call, the lwp as pid.lid and the reason.
 */
#include "../lib/child.h"
#include "../lib/threads.h"

#define SWITCH	   "switch"
#define RELEASELWP "releaselwp"

/* The lwp's process is the only one that was made: its pid, dot, lid. */
static void
lwp_pattern(char *buf, size_t len, pid_t pid)
{
	(void)snprintf(buf, len, "(^|[^0-9.])%d\\.[0-9]+([^0-9.]|$)", pid);
}

/* What pid does the first new process of a booted kernel get? */
static void
tell_first_pid(void *arg)
{
	boot();
	(void)newproc(0);
	(void)arg;
	dprintf(STDERR_FILENO, "%d", rump_sys_getpid());
}

static void
first_lwp_pattern(char *buf, size_t len)
{
	struct child c;

	child_run(&c, tell_first_pid, NULL);
	T_EQ(0, c.status);
	lwp_pattern(buf, len, atoi(c.out));
}

static void
switch_to_own(void *arg)
{
	(void)arg;
	boot();
	rump_pub_lwproc_switch(newproc(0));
}

TC(switch_to_own_lwp_is_fatal,
    "Switching to the lwp that this host thread already is, is fatal.")
{
	char lwp[64];

	first_lwp_pattern(lwp, sizeof(lwp));
	child_aborts(switch_to_own, NULL, SWITCH, lwp);
}

static void
hold_lwp(struct thread *t)
{
	struct gate *gate = t->t_arg;

	t->t_result = newproc(0);
	gate_raise(gate);
	gate_await(gate, 2);
}

static void
switch_to_running(void *arg)
{
	bool bound = *(bool *)arg;
	struct gate gate = GATE_INITIALIZER;
	struct thread t;

	boot();
	thread_start(&t, 0, hold_lwp, &gate);
	gate_await(&gate, 1);
	if (bound)
		(void)newproc(0);
	rump_pub_lwproc_switch(t.t_result);
	gate_raise(&gate);
	thread_join(&t);
}

TC(switch_to_running_lwp_is_fatal,
    "Using one lwp in two host threads at once is fatal.")
{
	char lwp[64];
	bool bound;

	first_lwp_pattern(lwp, sizeof(lwp));
	bound = false;
	child_aborts(switch_to_running, &bound, SWITCH, lwp);
	bound = true;
	child_aborts(switch_to_running, &bound, SWITCH, lwp);
}

static void
release_unbound(void *arg)
{
	(void)arg;
	boot();
	rump_pub_lwproc_releaselwp();
}

static void
release_unbound_after_calls(void *arg)
{
	(void)arg;
	boot();
	(void)rump_sys_getpid();
	(void)newproc(0);
	rump_pub_lwproc_switch(NULL);
	rump_pub_lwproc_releaselwp();
}

static void
release_twice(void *arg)
{
	(void)arg;
	boot();
	(void)newproc(0);
	rump_pub_lwproc_releaselwp();
	rump_pub_lwproc_releaselwp();
}

static void
release_in_thread(struct thread *t)
{
	(void)t;
	rump_pub_lwproc_releaselwp();
}

static void
release_in_fresh_thread(void *arg)
{
	(void)arg;
	boot();
	(void)newproc(0);
	team_run(1, release_in_thread, NULL);
}

TC(releaselwp_without_curlwp_is_fatal,
    "Releasing without a dedicated lwp is fatal.")
{
	child_aborts(release_unbound, NULL, RELEASELWP, ANY_LWP);
	child_aborts(release_unbound_after_calls, NULL, RELEASELWP, ANY_LWP);
	child_aborts(release_twice, NULL, RELEASELWP, ANY_LWP);
	child_aborts(release_in_fresh_thread, NULL, RELEASELWP, ANY_LWP);
}

static void
switch_to_released(void *arg)
{
	struct lwp *l;

	(void)arg;
	boot();
	l = newproc(0);
	rump_pub_lwproc_releaselwp();
	rump_pub_lwproc_switch(l);
}

static void
switch_to_released_of_live_process(void *arg)
{
	struct lwp *l;

	(void)arg;
	boot();
	(void)newproc(0);
	l = newlwp(rump_sys_getpid());
	rump_pub_lwproc_releaselwp();
	rump_pub_lwproc_switch(l);
}

static void
switch_to_released_from_bound(void *arg)
{
	struct lwp *l;

	(void)arg;
	boot();
	l = newproc(0);
	rump_pub_lwproc_releaselwp();
	(void)newproc(0);
	rump_pub_lwproc_switch(l);
}

TC(switch_to_released_lwp_is_fatal,
    "A pointer to an lwp that was released is caught.")
{
	child_aborts(switch_to_released, NULL, SWITCH, ANY_LWP);
	child_aborts(switch_to_released_of_live_process, NULL, SWITCH, ANY_LWP);
	child_aborts(switch_to_released_from_bound, NULL, SWITCH, ANY_LWP);
}

static void
release_elsewhere(struct thread *t)
{
	rump_pub_lwproc_switch(t->t_arg);
	rump_pub_lwproc_releaselwp();
}

static void
switch_to_released_elsewhere(void *arg)
{
	struct lwp *l;

	(void)arg;
	boot();
	l = newproc(0);
	rump_pub_lwproc_switch(NULL);
	team_run(1, release_elsewhere, l);
	rump_pub_lwproc_switch(l);
}

TC(switch_to_lwp_released_by_another_thread_is_fatal,
    "It does not matter which host thread released the lwp.")
{
	child_aborts(switch_to_released_elsewhere, NULL, SWITCH, ANY_LWP);
}

struct stale {
	int cycles;
	bool alive; /* an lwp that may sit in the same place is alive */
	bool rfork; /* make processes, not lwps */
};

static void
cycle(const struct stale *st)
{
	if (st->rfork)
		T_EQ(0, rump_pub_lwproc_rfork(RUMP_RFCFDG));
	else
		T_EQ(0, rump_pub_lwproc_newlwp(1));
}

static void
keep_stale(void *arg)
{
	const struct stale *st = arg;
	struct lwp *l;

	boot();
	cycle(st);
	l = rump_pub_lwproc_curlwp();
	rump_pub_lwproc_releaselwp();
	for (int i = 0; i < st->cycles; i++) {
		cycle(st);
		rump_pub_lwproc_releaselwp();
	}
	if (st->alive) {
		/* Whatever place the old one had is now used again. */
		for (int i = 0; i < 300; i++)
			cycle(st);
		rump_pub_lwproc_switch(NULL);
	}
	rump_pub_lwproc_switch(l);
}

TC(stale_pointer_is_caught_after_many_reuses,
    "A released lwp's pointer is caught however many lwps were made since, "
    "also around the powers of two where a counter could wrap.")
{
	static const int cycles[] = {
	    0, 1, 100, 254, 255, 256, 65534, 65535, 65536, 100000};

	for (size_t i = 0; i < sizeof(cycles) / sizeof(cycles[0]); i++) {
		for (int kind = 0; kind < 4; kind++) {
			struct stale st = {
			    .cycles = cycles[i],
			    .alive = kind & 1,
			    .rfork = kind & 2,
			};

			if (cycles[i] > 256 && st.rfork && TC_SLOW > 1)
				continue;
			child_aborts(keep_stale, &st, SWITCH, ANY_LWP);
		}
	}
}

#define NSTALE 20000

static void
one_of_many(void *arg)
{
	static struct lwp *l[NSTALE];
	int which = *(int *)arg;

	boot();
	for (int i = 0; i < NSTALE; i++)
		l[i] = newlwp(1);
	for (int i = 0; i < NSTALE; i++)
		release(l[i]);
	T_PTR(NULL, rump_pub_lwproc_curlwp());
	/* The places are used by others, some of which are alive. */
	for (int i = 0; i < NSTALE; i++) {
		(void)newlwp(1);
		if (i % 2 == 0)
			rump_pub_lwproc_releaselwp();
	}
	rump_pub_lwproc_switch(l[which]);
}

TC(stale_pointer_among_many_is_caught,
    "Any of many released lwps is caught when it is used again.")
{
	static const int which[] = {0, 1, 17, NSTALE / 2, NSTALE - 1};

	for (size_t i = 0; i < sizeof(which) / sizeof(which[0]); i++) {
		int w = which[i];

		child_aborts(one_of_many, &w, SWITCH, ANY_LWP);
	}
}

static void
setid_unbound(void *arg)
{
	(void)arg;
	boot();
	rump_pub_allbetsareoff_setid(77, 1);
}

static void
setid_taken(void *arg)
{
	pid_t pid;

	(void)arg;
	boot();
	(void)newproc(0);
	pid = rump_sys_getpid();
	(void)newproc(0);
	rump_pub_allbetsareoff_setid(pid, 1);
}

TC(setid_that_cannot_be_is_fatal,
    "allbetsareoff_setid without an lwp, or to another process's pid.")
{
	child_aborts(setid_unbound, NULL, "setid", "");
	child_aborts(setid_taken, NULL, "setid", ANY_LWP);
}

static void
setid_and_die(void *arg)
{
	(void)arg;
	boot();
	(void)newproc(0);
	rump_pub_allbetsareoff_setid(31337, 42);
	rump_pub_lwproc_switch(rump_pub_lwproc_curlwp());
}

TC(fatal_line_names_pid_and_lid,
    "The line has the ids of the lwp that the error is about.")
{
	child_aborts(
	    setid_and_die, NULL, SWITCH, "(^|[^0-9.])31337\\.42([^0-9.]|$)");
}

static void
schedule_twice(void *arg)
{
	(void)arg;
	boot();
	rump_schedule();
	rump_schedule();
}

static void
unschedule_only(void *arg)
{
	(void)arg;
	boot();
	rump_unschedule();
}

static void
schedule_and_call(void *arg)
{
	(void)arg;
	boot();
	rump_schedule();
	(void)rump_sys_getpid();
	rump_unschedule();
	rump_unschedule();
}

TC(schedule_does_not_nest, "rump_schedule twice, rump_unschedule alone.")
{
	child_aborts(schedule_twice, NULL, "rump_schedule", "");
	child_aborts(unschedule_only, NULL, "rump_unschedule", "");
	child_aborts(schedule_and_call, NULL, "schedule", "");
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, switch_to_own_lwp_is_fatal);
	ATF_TP_ADD_TC(tp, switch_to_running_lwp_is_fatal);
	ATF_TP_ADD_TC(tp, releaselwp_without_curlwp_is_fatal);
	ATF_TP_ADD_TC(tp, switch_to_released_lwp_is_fatal);
	ATF_TP_ADD_TC(tp, switch_to_lwp_released_by_another_thread_is_fatal);
	ATF_TP_ADD_TC(tp, stale_pointer_is_caught_after_many_reuses);
	ATF_TP_ADD_TC(tp, stale_pointer_among_many_is_caught);
	ATF_TP_ADD_TC(tp, setid_that_cannot_be_is_fatal);
	ATF_TP_ADD_TC(tp, fatal_line_names_pid_and_lid);
	ATF_TP_ADD_TC(tp, schedule_does_not_nest);
	return atf_no_error();
}
