/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The same random calls on signals and children, here and on the host, by a
 * parent and its children: results, errors, what is pending, what waitid
 * tells and which handlers ran, in which order and with which mask, must be
 * the same.
 *
 *	signal [seed [steps [verbose]]]
 *
 * Without arguments a few seeds, always the same.
 *
 * On the host each is a process that takes its commands from a pipe.  After
 * each step all the others make a call, so that here, too, the handlers of
 * what was posted to them run, and the next step finds the same.  Signals
 * that would end a process are always caught or ignored, but SIGKILL.
 */
#include <sys/prctl.h>
#include <sys/wait.h>

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rump/rump.h>
#include <rump/rump_syscalls.h>

#include "lib/random.h"

#define NSLOTS 4 /* 0 is the parent of the others */
#define NLOG   64

enum op {
	OP_SYNC,
	OP_KILL,
	OP_QUEUE,
	OP_TGKILL,
	OP_ACTION,
	OP_MASK,
	OP_PENDING,
	OP_TAKE,
	OP_SUSPEND,
	OP_WAITID,
	OP_WAIT4,
	OP_RANDOM, /* the ones above are drawn */
	OP_FORK = OP_RANDOM,
	OP_EXIT,
	OP_KILLED,
	OP_STOP,
	OP_CONT,
	OP_COUNT,
	OP_AWAIT /* the host: until a child has ended or stopped */
};

static const char *const opnames[] = {"sync", "kill", "sigqueue", "tgkill",
    "sigaction", "sigprocmask", "sigpending", "sigtimedwait", "sigsuspend",
    "waitid", "wait4", "fork", "exit", "SIGKILL", "SIGSTOP", "SIGCONT", ""};

struct cmd {
	int op, slot, sig, how, flags, options;
	pid_t pid;
	uint64_t mask;
};

struct seen {
	int sig, code, status;
	pid_t pid;
	uint64_t mask;
};

struct reply {
	long rv;
	int error, nlog;
	uint64_t set;
	struct seen info, log[NLOG];
};

/* The calls under test. */
struct world {
	int (*w_kill)(pid_t, int);
	int (*w_sigqueue)(pid_t, int, const union sigval);
	int (*w_tgkill)(pid_t, pid_t, int);
	int (*w_sigaction)(int, const struct sigaction *, struct sigaction *);
	int (*w_sigprocmask)(int, const sigset_t *, sigset_t *);
	int (*w_sigpending)(sigset_t *);
	int (*w_sigsuspend)(const sigset_t *);
	int (*w_sigtimedwait)(
	    const sigset_t *, siginfo_t *, const struct timespec *);
	int (*w_waitid)(idtype_t, id_t, siginfo_t *, int);
	pid_t (*w_wait4)(pid_t, int *, int, struct rusage *);
	pid_t (*w_getpid)(void);
	pid_t w_pid[NSLOTS];
	struct lwp *w_lwp[NSLOTS];
	int w_cmd[NSLOTS][2], w_reply[NSLOTS][2];
};

static struct world host = {.w_kill = kill,
    .w_sigqueue = sigqueue,
    .w_tgkill = tgkill,
    .w_sigaction = sigaction,
    .w_sigprocmask = sigprocmask,
    .w_sigpending = sigpending,
    .w_sigsuspend = sigsuspend,
    .w_sigtimedwait = sigtimedwait,
    .w_waitid = waitid,
    .w_wait4 = wait4,
    .w_getpid = getpid};
static struct world rump = {.w_kill = rump_sys_kill,
    .w_sigqueue = rump_sys_sigqueue,
    .w_tgkill = rump_sys_tgkill,
    .w_sigaction = rump_sys_sigaction,
    .w_sigprocmask = rump_sys_sigprocmask,
    .w_sigpending = rump_sys_sigpending,
    .w_sigsuspend = rump_sys_sigsuspend,
    .w_sigtimedwait = rump_sys_sigtimedwait,
    .w_waitid = rump_sys_waitid,
    .w_wait4 = rump_sys_wait4,
    .w_getpid = rump_sys_getpid};

static struct world *cur; /* of the handlers */
static struct seen seen[NLOG];
static int nseen;

static uint64_t seed;
static long step;
static bool verbose;

static void
fail(const char *what)
{
	fprintf(stderr, "signal: seed %llu step %ld: %s\n",
	    (unsigned long long)seed, step, what);
	exit(1);
}

/*
 * What a process does
 */

static uint64_t
bits(const sigset_t *set)
{
	uint64_t mask;

	memcpy(&mask, set, sizeof(mask));
	return mask;
}

static sigset_t
sigs(uint64_t mask)
{
	sigset_t set;

	memset(&set, 0, sizeof(set));
	memcpy(&set, &mask, sizeof(mask));
	return set;
}

static struct seen
see(const siginfo_t *info)
{
	struct seen s = {info->si_signo, info->si_code, 0, 0, 0};

	if (info->si_signo == 0)
		return s;
	s.pid = info->si_pid;
	if (info->si_code == SI_QUEUE)
		s.status = info->si_value.sival_int;
	else if (info->si_signo == SIGCHLD && info->si_code > 0)
		s.status = info->si_status;
	return s;
}

static void
log_seen(struct seen s)
{
	sigset_t now;

	(void)cur->w_sigprocmask(SIG_BLOCK, NULL, &now);
	s.mask = bits(&now);
	if (nseen < NLOG)
		seen[nseen++] = s;
}

static void
on_signal(int sig)
{
	log_seen((struct seen){.sig = sig});
}

static void
on_siginfo(int sig, siginfo_t *info, void *uc)
{
	(void)sig, (void)uc;
	log_seen(see(info));
}

static long
do_action(struct world *w, const struct cmd *c)
{
	struct sigaction sa = {.sa_flags = c->flags};

	sa.sa_mask = sigs(c->mask);
	if (c->how == 0)
		sa.sa_handler = SIG_IGN;
	else if (c->how == 1)
		sa.sa_handler = SIG_DFL;
	else if ((c->flags & SA_SIGINFO) != 0)
		sa.sa_sigaction = on_siginfo;
	else
		sa.sa_handler = on_signal;
	return w->w_sigaction(c->sig, &sa, NULL);
}

/* There is something to be taken, so it does not wait. */
static long
do_suspend(struct world *w, const struct cmd *c)
{
	struct sigaction sa = {.sa_flags = c->flags & SA_RESTART};
	sigset_t usr1 = sigs(1u << (SIGUSR1 - 1)), mask = sigs(c->mask);

	sa.sa_handler = on_signal;
	(void)w->w_sigaction(SIGUSR1, &sa, NULL);
	(void)w->w_sigprocmask(SIG_BLOCK, &usr1, NULL);
	(void)w->w_kill(w->w_getpid(), SIGUSR1);
	sigdelset(&mask, SIGUSR1);
	return w->w_sigsuspend(&mask);
}

static void
perform(struct world *w, const struct cmd *c, struct reply *r)
{
	const struct timespec none = {0, 0};
	union sigval value = {.sival_int = c->flags};
	sigset_t set = sigs(c->mask), old = sigs(0);
	siginfo_t info = {.si_signo = 0};
	int status = 0;

	errno = 0;
	switch (c->op) {
	case OP_KILL:
		r->rv = w->w_kill(c->pid, c->sig);
		break;
	case OP_QUEUE:
		r->rv = w->w_sigqueue(c->pid, c->sig, value);
		break;
	case OP_TGKILL:
		r->rv = w->w_tgkill(w->w_getpid(),
		    w == &host ? getpid() : rump_sys_gettid(), c->sig);
		break;
	case OP_ACTION:
		r->rv = do_action(w, c);
		break;
	case OP_MASK:
		r->rv = w->w_sigprocmask(c->how, &set, &old);
		break;
	case OP_PENDING:
		r->rv = w->w_sigpending(&old);
		break;
	case OP_TAKE:
		r->rv = w->w_sigtimedwait(&set, &info, &none);
		/* The host's library says so of tgkill. */
		if (info.si_code == SI_TKILL)
			info.si_code = SI_USER;
		break;
	case OP_SUSPEND:
		r->rv = do_suspend(w, c);
		break;
	case OP_WAITID:
		r->rv = w->w_waitid(c->how, (id_t)c->pid, &info, c->options);
		break;
	case OP_WAIT4:
		r->rv = w->w_wait4(c->pid, &status, c->options, NULL);
		info.si_signo = info.si_status = status;
		info.si_code = status;
		info.si_pid = 0;
		break;
	default:
		r->rv = w->w_sigprocmask(SIG_BLOCK, NULL, &old);
		break;
	}
	r->error = r->rv == -1 ? errno : 0;
	r->set = bits(&old);
	r->info = r->rv == -1 ? (struct seen){0} : see(&info);
}

static void
take_log(struct reply *r)
{
	r->nlog = nseen;
	memcpy(r->log, seen, sizeof(seen));
	nseen = 0;
}

/*
 * The host's processes
 */

static void
move(bool out, int fd, void *buf, size_t len)
{
	ssize_t n;

	do
		n = out ? write(fd, buf, len) : read(fd, buf, len);
	while (n == -1 && errno == EINTR);
	if (n != (ssize_t)len)
		_exit(1);
}

static void
host_main(int slot)
{
	struct cmd c;
	struct reply r;

	/* Not to stay when the test has failed. */
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;) {
		move(false, host.w_cmd[slot][0], &c, sizeof(c));
		memset(&r, 0, sizeof(r));
		if (c.op == OP_EXIT)
			_exit(c.flags);
		if (c.op == OP_FORK) {
			if ((r.rv = fork()) == 0) {
				(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
				nseen = 0;
				slot = c.slot;
				continue;
			}
		} else if (c.op == OP_AWAIT) {
			while (
			    waitid(P_PID, (id_t)c.pid, NULL, c.options) == -1 &&
			    errno == EINTR)
				continue;
		} else
			perform(&host, &c, &r);
		/* The handler of SIGCHLD belongs to the next call. */
		if (c.op != OP_AWAIT)
			take_log(&r);
		move(true, host.w_reply[slot][1], &r, sizeof(r));
	}
}

static void
host_do(int slot, struct cmd *c, struct reply *r)
{
	move(true, host.w_cmd[slot][1], c, sizeof(*c));
	if (c->op != OP_EXIT)
		move(false, host.w_reply[slot][0], r, sizeof(*r));
}

static void
host_await(int slot, int options, struct reply *r)
{
	struct cmd c = {.op = OP_AWAIT, .options = options | WNOWAIT};

	c.pid = host.w_pid[slot];
	host_do(0, &c, r);
}

/*
 * Ours
 */

static void
rump_do(int slot, struct cmd *c, struct reply *r)
{
	memset(r, 0, sizeof(*r));
	rump_pub_lwproc_switch(rump.w_lwp[slot]);
	cur = &rump;
	if (c->op == OP_EXIT)
		(void)rump_sys_exit(c->flags);
	else if (c->op == OP_FORK) {
		if (rump_pub_lwproc_rfork(RUMP_RFFDG) != 0)
			fail("rfork");
		rump.w_lwp[c->slot] = rump_pub_lwproc_curlwp();
		r->rv = rump_sys_getpid();
	} else
		perform(&rump, c, r);
	take_log(r);
	rump_pub_lwproc_switch(NULL);
}

/*
 * Both
 */

enum life { GONE, LIVES, STOPPED };
static enum life life[NSLOTS];

static int
slot_of(const struct world *w, pid_t pid)
{
	for (int i = 0; i < NSLOTS; i++)
		if (w->w_pid[i] == pid)
			return i;
	return pid == 0 ? -1 : -2;
}

static void
check(int slot, const struct cmd *c, struct reply *h, struct reply *r)
{
	bool same =
	    h->error == r->error && h->set == r->set && h->nlog == r->nlog;

	if (c->op == OP_WAIT4 && h->rv > 0 && r->rv > 0) {
		h->rv = slot_of(&host, (pid_t)h->rv);
		r->rv = slot_of(&rump, (pid_t)r->rv);
	}
	h->info.pid = slot_of(&host, h->info.pid);
	r->info.pid = slot_of(&rump, r->info.pid);
	same = same && h->rv == r->rv &&
	       memcmp(&h->info, &r->info, sizeof(h->info)) == 0;
	for (int i = 0; i < h->nlog && same; i++) {
		h->log[i].pid = slot_of(&host, h->log[i].pid);
		r->log[i].pid = slot_of(&rump, r->log[i].pid);
		same = memcmp(&h->log[i], &r->log[i], sizeof(h->log[i])) == 0;
	}
	if (same && (!verbose || c->op == OP_SYNC))
		return;
	fprintf(stderr,
	    "%s by %d: slot %d sig %d how %d flags %#x options %#x mask %#llx"
	    "\n",
	    opnames[c->op], slot, c->slot, c->sig, c->how, c->flags, c->options,
	    (unsigned long long)c->mask);
	for (struct reply *x = h;; x = r) {
		fprintf(stderr, "%s: %ld errno %d set %#llx info %d %d %d %d\n",
		    x == h ? "host" : "rump", x->rv, x->error,
		    (unsigned long long)x->set, x->info.sig, x->info.code,
		    x->info.status, x->info.pid);
		for (int i = 0; i < x->nlog; i++)
			fprintf(stderr, "  %d code %d %d %d mask %#llx\n",
			    x->log[i].sig, x->log[i].code, x->log[i].status,
			    x->log[i].pid, (unsigned long long)x->log[i].mask);
		if (x == r)
			break;
	}
	if (!same)
		fail("they differ");
}

/*
 * The host tells a parent of a child that stops, goes on or ends when the
 * child does, sooner or later than we do: what handlers ran is compared with
 * the next call.
 */
static void
carry(const struct cmd *c, struct reply *r, struct reply *late)
{
	bool later =
	    c->op == OP_KILL &&
	    (c->sig == SIGSTOP || c->sig == SIGCONT || c->sig == SIGKILL);
	int n = r->nlog;

	if (n + late->nlog > NLOG)
		fail("a long log");
	memcpy(late->log + late->nlog, r->log, (size_t)n * sizeof(r->log[0]));
	late->nlog += n;
	r->nlog = 0;
	if (later)
		return;
	memcpy(r->log, late->log, sizeof(r->log));
	r->nlog = late->nlog;
	late->nlog = 0;
}

static void
both(int slot, struct cmd *c)
{
	static struct reply h, r, hlate, rlate;
	int target = c->slot;

	c->pid = target < 0 ? target : host.w_pid[target];
	host_do(slot, c, &h);
	c->pid = target < 0 ? target : rump.w_pid[target];
	rump_do(slot, c, &r);
	if (c->op == OP_FORK) {
		host.w_pid[target] = (pid_t)h.rv;
		rump.w_pid[target] = (pid_t)r.rv;
		h.rv = r.rv = 0;
	}
	if (slot == 0) {
		carry(c, &h, &hlate);
		carry(c, &r, &rlate);
	}
	if (c->op != OP_EXIT)
		check(slot, c, &h, &r);
}

/* Everybody; the parent last, when its children have told it. */
static void
sync_all(void)
{
	struct cmd c = {.op = OP_SYNC};

	for (int i = NSLOTS - 1; i >= 0; i--)
		if (life[i] == LIVES)
			both(i, &c);
}

static const int plain[] = {
    SIGUSR1, SIGUSR2, 34, 35, SIGWINCH, SIGURG, SIGCHLD};

static int
any_signal(void)
{
	return plain[rnd(7)];
}

static uint64_t
any_mask(void)
{
	uint64_t mask = 0;

	for (int i = 0; i < 7; i++)
		if (rnd(3) == 0)
			mask |= UINT64_C(1) << (plain[i] - 1);
	return mask;
}

static void
draw_action(struct cmd *c)
{
	static const int flags[] = {SA_SIGINFO, SA_RESTART, SA_NODEFER};
	bool ignorable;

	c->sig = any_signal();
	ignorable = c->sig == SIGWINCH || c->sig == SIGURG || c->sig == SIGCHLD;
	c->how = (int)rnd(5);
	if (c->how == 1 && !ignorable)
		c->how = 2;
	c->flags = 0;
	for (int i = 0; i < 3; i++)
		if (rnd(2) == 0)
			c->flags |= flags[i];
	if (ignorable && rnd(4) == 0)
		c->flags |= (int)SA_RESETHAND;
	if (c->sig == SIGCHLD)
		c->flags |= (rnd(3) == 0 ? SA_NOCLDSTOP : 0) |
			    (rnd(4) == 0 ? SA_NOCLDWAIT : 0);
}

static void
draw_wait(struct cmd *c)
{
	c->how = P_ALL;
	if (c->op == OP_WAIT4) {
		c->options = WNOHANG | (rnd(2) == 0 ? WUNTRACED : 0) |
			     (rnd(2) == 0 ? WCONTINUED : 0);
		if (rnd(2) == 0)
			c->slot = -1;
		return;
	}
	if (rnd(2) == 0)
		c->how = P_PID;
	c->options = WNOHANG | (rnd(4) != 0 ? WEXITED : 0) |
		     (rnd(2) == 0 ? WSTOPPED : 0) |
		     (rnd(2) == 0 ? WCONTINUED : 0) |
		     (rnd(2) == 0 ? WNOWAIT : 0);
}

/* The life of a child. */
static void
child_step(int slot)
{
	struct cmd c = {.slot = slot, .flags = (int)rnd(256)};
	struct reply r;

	if (life[slot] == GONE) {
		c.op = OP_FORK;
		both(0, &c);
		life[slot] = LIVES;
		return;
	}
	c.op = OP_KILL;
	if (life[slot] == STOPPED || rnd(4) == 0) {
		/* Also one that is not stopped. */
		c.sig = SIGCONT;
		both(0, &c);
		life[slot] = LIVES;
	} else if (rnd(3) == 0) {
		c.sig = SIGSTOP;
		both(0, &c);
		life[slot] = STOPPED;
		host_await(slot, WSTOPPED, &r);
	} else if (rnd(2) == 0) {
		c.sig = SIGKILL;
		both(0, &c);
		rump_pub_lwproc_switch(rump.w_lwp[slot]);
		rump_pub_lwproc_releaselwp();
		life[slot] = GONE;
		host_await(slot, WEXITED, &r);
	} else {
		c.op = OP_EXIT;
		both(slot, &c);
		life[slot] = GONE;
		host_await(slot, WEXITED, &r);
	}
}

static void
one_step(void)
{
	int slot = (int)rnd(NSLOTS);
	struct cmd c = {.op = (int)rnd(OP_RANDOM), .slot = (int)rnd(NSLOTS)};

	if (rnd(8) == 0) {
		child_step(1 + (int)rnd(NSLOTS - 1));
		return;
	}
	if (life[slot] != LIVES)
		slot = 0;
	c.sig = any_signal();
	c.mask = any_mask();
	c.how = (int)rnd(3);
	c.flags = (int)rnd(1000);
	if (c.op == OP_ACTION)
		draw_action(&c);
	else if (c.op == OP_WAITID || c.op == OP_WAIT4)
		draw_wait(&c);
	else if (c.op == OP_SUSPEND)
		c.flags = rnd(2) == 0 ? SA_RESTART : 0;
	else if (rnd(20) == 0)
		c.sig = 0;
	/* The pid of one that has gone may be somebody else's there. */
	if (c.slot >= 0 && life[c.slot] == GONE && c.op != OP_WAITID &&
	    c.op != OP_WAIT4)
		c.slot = 0;
	if (c.slot >= 0 && host.w_pid[c.slot] == 0)
		c.slot = 0;
	both(slot, &c);
}

static void
start(void)
{
	struct cmd c = {.op = OP_ACTION, .how = 2, .flags = SA_SIGINFO};

	for (int i = 0; i < NSLOTS; i++) {
		if (pipe(host.w_cmd[i]) != 0 || pipe(host.w_reply[i]) != 0)
			fail("pipe");
		host.w_pid[i] = rump.w_pid[i] = 0;
		life[i] = GONE;
	}
	if ((host.w_pid[0] = fork()) == 0) {
		cur = &host;
		host_main(0);
	}
	if (rump_pub_lwproc_rfork(RUMP_RFCFDG) != 0)
		fail("rfork");
	rump.w_lwp[0] = rump_pub_lwproc_curlwp();
	rump.w_pid[0] = rump_sys_getpid();
	rump_pub_lwproc_switch(NULL);
	life[0] = LIVES;
	for (int i = 0; i < 4; i++) {
		c.sig = plain[i];
		both(0, &c);
	}
}

static void
finish(void)
{
	for (int i = NSLOTS - 1; i >= 0; i--) {
		if (life[i] != GONE) {
			(void)kill(host.w_pid[i], SIGKILL);
			rump_pub_lwproc_switch(rump.w_lwp[i]);
			rump_pub_lwproc_releaselwp();
		}
		for (int k = 0; k < 2; k++) {
			(void)close(host.w_cmd[i][k]);
			(void)close(host.w_reply[i][k]);
		}
	}
	(void)waitpid(host.w_pid[0], NULL, 0);
}

static void
run(long steps)
{
	struct rump_memstat before, after;

	rnd_seed(seed);
	(void)rump_pub_memstat(&before);
	start();
	for (step = 1; step <= steps; step++) {
		one_step();
		sync_all();
	}
	finish();
	(void)rump_pub_memstat(&after);
	if (before.procs != after.procs || before.lwps != after.lwps ||
	    before.used != after.used)
		fail("something is left over");
}

int
main(int argc, char **argv)
{
	long steps = argc > 2 ? strtol(argv[2], NULL, 0) : 1500;

	rump_boot_setsigmodel(RUMP_SIGMODEL_POSIX);
	if (rump_init() != 0)
		fail("rump_init");
	verbose = argc > 3;
	if (argc > 1) {
		seed = strtoull(argv[1], NULL, 0);
		run(steps);
		return 0;
	}
	for (seed = 1; seed <= 6; seed++)
		run(steps);
	return 0;
}
