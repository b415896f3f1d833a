/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calls of the rump kernel, by the core of a client (proxy/client/core.h).
 *
 * A process has a connection (p_spc); a thread has a slot from its first call
 * to its end.  While it waits for the kernel a signal ends the sleep of the
 * call there, as on the host: the wait is a window (engine.h), and after the
 * first signal all others are blocked.  If that makes the call fail with EINTR,
 * the signal's action says whether the program is to make it again.
 *
 * If the kernel is lost, so is the program.
 */
#include <asm/socket.h>
#include <linux/fcntl.h>
#include <linux/futex.h>
#include <linux/poll.h>
#include <linux/resource.h>
#include <linux/time_types.h>

#include "hijack/engine.h"

#define AGAIN_NSEC   10000000 /* until a call's end is asked for once more */
#define MSG_DONTWAIT 0x40
#define SHARED_SLOTS                                             \
	(SP_NSLOTS - 64) /* from here on: for one call at a time \
			  */
#define EXEC_TRIES 400
#define GONE_QUICK 20 /* times to ask at once */
#define PAUSE_NSEC 5000000

/*
 * The program's memory, and ours
 */

static bool
mem_read(void *dst, const void *from, size_t n)
{
	return hj_copyin(dst, (unsigned long)from, n) == 0;
}

static bool
mem_write(void *to, const void *src, size_t n)
{
	return hj_copyout((unsigned long)to, src, n) == 0;
}

static size_t
mem_strlen(const char *s, size_t most)
{
	long n = hj_string_length(s, most);

	return n < 0 ? SIZE_MAX : (size_t)n;
}

/*
 * Sleeping
 */

/* For a while: the kernel may not have heard that its call is to end. */
static long
sleep_shortly(long nr, const long *args)
{
	struct __kernel_timespec ts = {0, AGAIN_NSEC};
	struct pollfd pfd = {.fd = (int)args[0], .events = POLLIN};
	long r;

	if (nr == __NR_futex) {
		r = hj_raw4(nr, args[0], args[1], args[2], &ts);
		return r == -ETIMEDOUT ? -EINTR : r;
	}
	r = hj_raw5(__NR_ppoll, &pfd, 1, &ts, NULL, 0);
	if (r == 0)
		return -EINTR;
	return hj_raw6(nr, args[0], args[1], args[2], MSG_DONTWAIT, NULL, NULL);
}

/* A sleep of the core's. */
static long
mem_sleep(long nr, const long *args)
{
	struct hj_thread *t = hj_current();
	long r;

	if (t->t_interrupted)
		return sleep_shortly(nr, args);
	r = t->t_wait != NULL ? hj_wait_sleep(t, nr, args) : hj_host(nr, args);
	if (r == HJ_RESTART)
		r = -EINTR;
	if (r == -EINTR)
		t->t_interrupted = 1;
	return r;
}

static const struct spc_mem mem = {mem_read, mem_write, mem_strlen, mem_sleep};

/*
 * Slots
 */

void
hj_kernel_lost(void)
{
	static const char run[] = "rump run: the kernel is not there\n";
	static const char rules[] = "librumphijack: the server is not there\n";

	if (hj_has_rules())
		hj_raw3(__NR_write, 2, rules, sizeof(rules) - 1);
	else
		hj_raw3(__NR_write, 2, run, sizeof(run) - 1);
	for (;;)
		hj_raw1(__NR_exit_group, HJ_EXIT_KERNEL);
}

/* With rules the program goes on, and calls of the kernel fail. */
static int
lost(void)
{
	if (!hj_has_rules() || hj_control->hc_rules.hr_retry == HJ_RETRY_DIE)
		hj_kernel_lost();
	return ENOTCONN;
}

static void
unreachable(long error)
{
	if (error == ECONNREFUSED || error == ENOENT || error == ECONNRESET)
		hj_kernel_lost();
	hj_fail("cannot be reached", hj_control->hc_server, error);
}

static int
slot_take(struct hj_thread *t, uint32_t *slot)
{
	struct spc *cl = &t->t_proc->p_spc;
	int error = 0;

	if (t->t_posted && spc_wait(cl, t->t_slot - 1, SPC_NOSLOT) != 0)
		error = lost();
	t->t_posted = 0;
	*slot = t->t_slot - 1;
	if (error != 0 || t->t_slot != 0)
		return error;
	/* With more threads than slots, the last ones take turns. */
	while (spc_slot_take(cl, slot) != 0)
		hj_raw0(__NR_sched_yield);
	if (*slot < SHARED_SLOTS)
		t->t_slot = *slot + 1;
	return 0;
}

static void
slot_give(struct hj_thread *t, uint32_t slot)
{
	if (t->t_slot == 0)
		spc_slot_give(&t->t_proc->p_spc, slot);
}

static int
slot_enter(struct hj_thread *t, uint32_t *slot)
{
	int error = hj_session_enter(t);

	if (error != 0)
		return error;
	error = slot_take(t, slot);
	if (error != 0)
		hj_session_exit(t);
	return error;
}

static void
slot_exit(struct hj_thread *t, uint32_t slot)
{
	slot_give(t, slot);
	hj_session_exit(t);
}

static void
slot_post(struct hj_thread *t, uint32_t slot)
{
	struct spc *cl = &t->t_proc->p_spc;
	struct sp_msg *m = &spc_slot(cl, slot)->ss_msg;

	m->sm_slot = slot;
	m->sm_lwp = 0;
	m->sm_flags = t->t_wants;
	m->sm_fdmin = t->t_fdmin;
	t->t_interrupted = 0;
	spc_post(cl, slot);
}

static int
slot_call(struct hj_thread *t, uint32_t slot)
{
	slot_post(t, slot);
	return spc_wait(&t->t_proc->p_spc, slot, SPC_NOSLOT) != 0 ? lost() : 0;
}

/*
 * Calls
 */

/* A call was interrupted: is it to be made again? */
static long
interrupted(struct hj_thread *t)
{
	const struct hj_sigaction *action;

	action = &t->t_proc->p_actions[t->t_info.si_signo];
	/* Without a signal, what interrupted it was for the call before. */
	if (t->t_deferred && (action->sa_flags & SA_RESTART) == 0)
		return -EINTR;
	t->t_restartnr = HJ_NUMBER(t);
	return HJ_RESTART;
}

/* A call in a slot: an errno. */
static int
call_in(struct hj_thread *t, uint32_t slot, int nr, const long *args,
    int64_t *value)
{
	const struct sysdesc *sd = sysdesc_find(nr);
	const uint64_t *words = (const uint64_t *)(const void *)args;
	struct spc *cl = &t->t_proc->p_spc;
	int error = spc_encode(cl, slot, sd, words);

	if (error == 0)
		error = slot_call(t, slot);
	if (error == 0) {
		error = spc_decode(cl, slot, sd, words, value);
		t->t_got = spc_slot(cl, slot)->ss_msg.sm_flags;
		if ((t->t_got & SP_F_STAT) != 0) {
			memcpy(t->t_stat, spc_slot(cl, slot)->ss_payload,
			    sizeof(t->t_stat));
			if (hj_has_rules())
				hj_ruled_device(t->t_stat);
		}
	}
	t->t_fdmin = 0;
	t->t_wants = 0;
	return error;
}

/*
 * A system call of the kernel's, nr of HJ_K_*: its value or a negative errno,
 * or HJ_RESTART.  t_fdmin and t_wants are for this call; t_got is its result's.
 */
long
hj_kernel(struct hj_thread *t, int nr, const long *args)
{
	uint32_t slot;
	int64_t value = 0;
	int error = slot_enter(t, &slot);

	if (error == 0) {
		error = call_in(t, slot, nr, args, &value);
		slot_exit(t, slot);
	}
	if (error == EINTR)
		return interrupted(t);
	return error != 0 ? -error : value;
}

/*
 * A call whose result nobody wants to know, and that does not sleep: the next
 * one of this thread comes after it.
 */
void
hj_kernel_post(struct hj_thread *t, int nr, const long *args)
{
	uint32_t slot;

	if (slot_enter(t, &slot) != 0)
		return;
	if (t->t_slot == 0) {
		slot_exit(t, slot);
		hj_kernel(t, nr, args);
		return;
	}
	if (spc_encode(&t->t_proc->p_spc, slot, sysdesc_find(nr),
		(const uint64_t *)(const void *)args) == 0) {
		slot_post(t, slot);
		t->t_posted = 1;
	}
	slot_exit(t, slot);
}

static void
op_fill(struct sp_msg *m, uint32_t op, const long *args, size_t n)
{
	memset(m, 0, sizeof(*m));
	m->sm_op = op;
	m->sm_len = m->sm_head = (uint32_t)n;
	memcpy(m->sm_args, args, HJ_OPARGS * sizeof(args[0]));
}

/*
 * Anything but a system call: args[0] and [1] go along and come back, as do n
 * bytes of data at the payload's head, of which at most `room' come back.
 */
long
hj_kernel_op(struct hj_thread *t, uint32_t op, long *args, void *data, size_t n,
    size_t room)
{
	struct spc *cl = &t->t_proc->p_spc;
	struct sp_slot *ss;
	uint32_t slot;
	long r;
	int error = slot_enter(t, &slot);

	if (error != 0)
		return -error;
	ss = spc_slot(cl, slot);
	op_fill(&ss->ss_msg, op, args, n);
	if (n != 0)
		memcpy(ss->ss_payload, data, n);
	error = slot_call(t, slot);
	if (error != 0) {
		slot_exit(t, slot);
		return -error;
	}
	memcpy(args, ss->ss_msg.sm_args, HJ_OPARGS * sizeof(args[0]));
	r = ss->ss_msg.sm_error != 0 ? -(long)ss->ss_msg.sm_error
				     : ss->ss_msg.sm_retval;
	t->t_fdmin = 0;
	if (room != 0 && !HJ_FAILED(r))
		memcpy(data, ss->ss_payload, room);
	slot_exit(t, slot);
	return r;
}

/*
 * The same in two steps, by a thread that does nothing else between them: an
 * errno, and the value or a negative errno.
 */
int
hj_kernel_begin(struct hj_thread *t, uint32_t op, const long *args,
    const void *data, size_t n)
{
	struct sp_slot *ss;
	uint32_t slot;
	int error = slot_enter(t, &slot);

	if (error != 0)
		return error;
	if (t->t_slot == 0) {
		slot_exit(t, slot);
		return EBUSY;
	}
	ss = spc_slot(&t->t_proc->p_spc, slot);
	op_fill(&ss->ss_msg, op, args, n);
	memcpy(ss->ss_payload, data, n);
	slot_post(t, slot);
	t->t_posted = 1;
	slot_exit(t, slot);
	return 0;
}

long
hj_kernel_end(struct hj_thread *t)
{
	const struct sp_msg *m;
	uint32_t slot;
	int error = slot_enter(t, &slot);

	if (error != 0)
		return -error;
	m = &spc_slot(&t->t_proc->p_spc, slot)->ss_msg;
	slot_exit(t, slot);
	return m->sm_error != 0 ? -(long)m->sm_error : m->sm_retval;
}

/* What came with the result of the thread's last one. */
const void *
hj_kernel_payload(const struct hj_thread *t)
{
	return spc_slot(&t->t_proc->p_spc, t->t_slot - 1)->ss_payload;
}

/* A thread ends. */
void
hj_kernel_threadend(struct hj_thread *t)
{
	long args[HJ_OPARGS] = {0};
	uint32_t slot = t->t_slot;

	if (slot == 0)
		return;
	t->t_leaving = 1;
	/* The first slot's lwp stays, whoever has the slot next. */
	if (slot != 1)
		hj_kernel_op(t, SP_SLOTEND, args, NULL, 0, 0);
	t->t_slot = 0;
	spc_slot_give(&t->t_proc->p_spc, slot - 1);
}

/*
 * Connections
 */

static int
proc_connect(struct hj_proc *p, enum sp_hello_kind kind, const uint8_t *token,
    const char *name)
{
	struct spc_hello hello = {.sh_kind = kind,
	    .sh_token = token,
	    .sh_pid = (int)hj_raw0(__NR_getpid),
	    .sh_flags = hj_has_rules() ? 0 : SP_H_HOSTED,
	    .sh_name = name};
	struct url url = {.u_kind = URL_UNIX};
	struct {
		int pid;
		unsigned int uid, gid;
	} peer = {0};
	unsigned int size = sizeof(peer);
	int error;

	memcpy(
	    url.u_path, hj_control->hc_server, sizeof(hj_control->hc_server));
	p->p_spc.cl_mem = &mem;
	p->p_spc.cl_lowfd = hj_control->hc_fd + HJ_FD_SOCKET;
	error = spc_connect(&p->p_spc, &url, &hello);
	if (error == 0) {
		hj_raw5(__NR_getsockopt, p->p_spc.cl_sock, SOL_SOCKET,
		    SO_PEERCRED, &peer, &size);
		p->p_server = peer.pid;
	}
	return error;
}

/* One step of the first process's way to its place. */
static void
step(struct hj_thread *t, const char *what, int nr, long a, long b, long c)
{
	const long args[6] = {a, b, c};
	long r = hj_kernel(t, nr, args);

	if (HJ_FAILED(r))
		hj_fail(what, "kernel", -r);
}

/* The kernel may still be made; who makes it, ends us if that fails. */
static void
wait_kernel(void)
{
	uint32_t wait;

	while ((wait = atomic_load_explicit(
		    &hj_control->hc_wait, memory_order_acquire)) != 0)
		hj_raw4(
		    __NR_futex, &hj_control->hc_wait, FUTEX_WAIT, wait, NULL);
}

static int
first_connect(struct hj_proc *p, const char *name)
{
	int error;

	if (atomic_load_explicit(&hj_control->hc_wait, memory_order_acquire) ==
	    HJ_WAIT_FAILED) {
		error = proc_connect(p, SP_H_NEW, NULL, name);
		if (error == 0)
			return 0;
	}
	wait_kernel();
	return proc_connect(p, SP_H_NEW, NULL, name);
}

/* The first process: what the control page says. */
void
hj_kernel_first(struct hj_thread *t, const char *name)
{
	const struct hj_control *c = hj_control;
	const long cwd[6] = {(long)(c->hc_cwd[0] != '\0' ? c->hc_cwd : "/")};
	int error = first_connect(t->t_proc, name);
	long limit[HJ_NARGS], r;
	struct rlimit64 rl;

	if (error != 0)
		unreachable(error);
	/* What a kernel gives its processes is not ours. */
	step(t, "close_range", HJ_K_close_range, 0, UINT32_MAX, 0);
	step(t, "umask", HJ_K_umask, c->hc_umask, 0, 0);
	hj_raw1(__NR_umask, c->hc_umask);
	hj_limits_fsize(&rl, limit);
	if (rl.rlim_cur != RLIM64_INFINITY)
		step(t, "setrlimit", HJ_K_setrlimit, limit[0], limit[1], 0);
	if (hj_has_rules())
		return;
	if (c->hc_root[0] != '\0')
		step(
		    t, "has no such root", HJ_K_chroot, (long)c->hc_root, 0, 0);
	/* It may be one of the host's. */
	if ((r = hj_sys_chdir(t, cwd)) != 0)
		hj_fail("has no such directory", "kernel", -r);
	step(t, "setgroups", HJ_K_setgroups, 0, 0, 0);
	step(t, "setresgid", HJ_K_setresgid, c->hc_gid, c->hc_gid, c->hc_gid);
	step(t, "setresuid", HJ_K_setresuid, c->hc_uid, c->hc_uid, c->hc_uid);
}

/* Again, after the kernel was lost: an errno. */
int
hj_kernel_connect(struct hj_thread *t, const char *name)
{
	struct spc *cl = &t->t_proc->p_spc;
	const long umask = hj_raw1(__NR_umask, 077);
	const long calls[2][6] = {{0, UINT32_MAX, 0}, {umask}};
	long limit[HJ_NARGS];
	struct rlimit64 rl;
	int64_t value;
	uint32_t slot;
	int error;

	hj_raw1(__NR_umask, umask);
	spc_disconnect(cl);
	t->t_posted = 0;
	error = proc_connect(t->t_proc, SP_H_NEW, NULL, name);
	if (error == 0)
		error = slot_take(t, &slot);
	if (error != 0)
		return error;
	error = call_in(t, slot, HJ_K_close_range, calls[0], &value);
	if (error == 0)
		error = call_in(t, slot, HJ_K_umask, calls[1], &value);
	hj_limits_fsize(&rl, limit);
	if (error == 0)
		error = call_in(t, slot, HJ_K_setrlimit, limit, &value);
	slot_give(t, slot);
	return error;
}

/*
 * Another program in the same process: the session goes on.  If nobody else has
 * ever made a call in it, the connection does, too.
 */

static void
set_cloexec(const struct spc *cl, int flag)
{
	hj_raw3(__NR_fcntl, cl->cl_sock, F_SETFD, flag);
	hj_raw3(__NR_fcntl, cl->cl_memfd, F_SETFD, flag);
}

/* Before execve: whether the loader can have the connection, and what it is. */
int
hj_kernel_carry(struct hj_thread *t, uint64_t carried[HJ_NCARRIED])
{
	struct hj_proc *p = t->t_proc;
	struct spc *cl = &p->p_spc;
	uint32_t slot;

	if (cl->cl_state != SPC_ON || slot_take(t, &slot) != 0)
		return 0;
	slot_give(t, slot);
	if (t->t_slot != 1 || (hj_threaded && !t->t_vfork))
		return 0;
	for (uint32_t i = 0; i < SP_NBELLS; i++) {
		if (cl->cl_taken[i] != (i == 0))
			return 0;
	}
	carried[0] = (uint64_t)cl->cl_sock;
	carried[1] = (uint64_t)cl->cl_memfd;
	carried[2] = cl->cl_nslots;
	carried[3] = (uint64_t)p->p_server;
	if (!hj_has_rules())
		hj_lower_carry(t, spc_slot(cl, 0)->ss_payload);
	set_cloexec(cl, 0);
	return 1;
}

/* Not executed. */
void
hj_kernel_keep(const struct hj_thread *t)
{
	set_cloexec(&t->t_proc->p_spc, FD_CLOEXEC);
}

/* After execve: an errno, if it cannot be had after all. */
int
hj_kernel_adopt(struct hj_thread *t, const uint8_t *token,
    const uint64_t carried[HJ_NCARRIED])
{
	struct hj_proc *p = t->t_proc;
	struct spc *cl = &p->p_spc;
	int error;

	cl->cl_mem = &mem;
	cl->cl_lowfd = hj_control->hc_fd + HJ_FD_SOCKET;
	cl->cl_sock = (int)carried[0];
	cl->cl_memfd = (int)carried[1];
	cl->cl_nslots = (uint32_t)carried[2];
	p->p_server = (int)carried[3];
	memcpy(cl->cl_token, token, SP_TOKEN);
	set_cloexec(cl, FD_CLOEXEC);
	error = spc_adopt(cl);
	if (error == 0 && !hj_has_rules())
		hj_lower_carried(t, spc_slot(cl, 0)->ss_payload);
	return error;
}

/* Another connection of the session. */
void
hj_kernel_exec(struct hj_thread *t, const uint8_t *token, const char *name)
{
	struct __kernel_timespec ts = {0, PAUSE_NSEC};
	int error, tries = 0;

	if (t->t_proc->p_spc.cl_shm != NULL)
		spc_disconnect(&t->t_proc->p_spc);
	while ((error = proc_connect(t->t_proc, SP_H_EXEC, token, name)) ==
		   EBUSY &&
	       ++tries < EXEC_TRIES)
		hj_raw2(__NR_nanosleep, &ts, NULL);
	if (error != 0 && !hj_has_rules())
		unreachable(error);
	if (error != 0) {
		t->t_proc->p_renewed = 1;
		hj_fd_held(t);
	}
}

/* Whether a child has no session, because there is no kernel. */
static int
is_none(const uint8_t token[SP_TOKEN])
{
	for (int i = 0; i < SP_TOKEN; i++) {
		if (token[i] != 0)
			return 0;
	}
	return 1;
}

/* Before a fork: a token for the child. */
long
hj_kernel_fork(struct hj_thread *t, uint8_t token[SP_TOKEN])
{
	const size_t room =
	    hj_has_rules() ? SP_TOKEN : sizeof(struct sp_forked);
	struct sp_forked forked = {0};
	long args[HJ_OPARGS] = {0};
	long r = hj_kernel_op(t, SP_FORK, args, &forked, 0, room);

	if (HJ_FAILED(r) && (r != -ENOTCONN || !hj_has_rules()))
		return r;
	memcpy(token, forked.sf_token, SP_TOKEN);
	if (!hj_threaded)
		hj_lower_learn(t, &forked.sf_root);
	return 0;
}

/* In the parent: there is such a child, or the host has refused it. */
void
hj_kernel_cloned(struct hj_thread *t, long pid, uint8_t token[SP_TOKEN])
{
	struct hj_proc *p = t->t_proc;
	long args[HJ_OPARGS] = {0};
	struct hj_fork *f;

	if (is_none(token))
		return;
	if (HJ_FAILED(pid)) {
		hj_kernel_op(t, SP_FORKCANCEL, args, token, SP_TOKEN, 0);
		return;
	}
	hj_lock();
	f = &p->p_forks[p->p_nforks++ % HJ_NFORKS];
	f->f_pid = (int)pid;
	memcpy(f->f_token, token, SP_TOKEN);
	hj_unlock();
}

/* The token of a child that has ended: how long it is. */
static size_t
fork_take(struct hj_proc *p, int pid, uint8_t token[SP_TOKEN])
{
	size_t n = 0;

	hj_lock();
	for (int i = 0; i < HJ_NFORKS && pid != 0 && n == 0; i++) {
		if (p->p_forks[i].f_pid != pid)
			continue;
		p->p_forks[i].f_pid = 0;
		memcpy(token, p->p_forks[i].f_token, SP_TOKEN);
		n = SP_TOKEN;
	}
	hj_unlock();
	return n;
}

/*
 * In the child, whose struct hj_proc is its own by now.  It lets go of the
 * parent's connection last: as long as somebody has that the kernel knows that
 * there may be a child, whatever becomes of the parent.
 */
void
hj_kernel_forked(struct hj_thread *t, const uint8_t token[SP_TOKEN], int copied)
{
	struct hj_proc *p = t->t_proc;
	const int parent = p->p_spc.cl_state == SPC_ON ? p->p_spc.cl_sock : -1;
	int error = 0;

	t->t_slot = 0;
	t->t_posted = 0;
	hj_session_forked(p);
	if (copied) {
		if (parent >= 0)
			p->p_spc.cl_cookie = 0;
		spc_forked(&p->p_spc);
	} else {
		/* The memory is still the parent's; this is a copy. */
		hj_raw1(__NR_close, p->p_spc.cl_memfd);
		memset(&p->p_spc, 0, sizeof(p->p_spc));
		hj_limits_shared(1);
	}
	if (!is_none(token))
		error = proc_connect(p, SP_H_FORK, token, NULL);
	if (parent >= 0)
		hj_raw1(__NR_close, parent);
	if (error != 0 && !hj_has_rules())
		unreachable(error);
}

/*
 * The host has told that a process has ended, of which nothing is to be left in
 * the kernel either; with pid 0 any such process.  A call of it that sleeps
 * there ends first.
 */
void
hj_kernel_gone(struct hj_thread *t, int pid)
{
	struct __kernel_timespec ts = {0, PAUSE_NSEC};
	uint8_t token[SP_TOKEN];
	size_t n = fork_take(t->t_proc, pid, token);
	long args[HJ_OPARGS];

	for (int i = 0; i < EXEC_TRIES; i++) {
		args[0] = pid;
		if (hj_kernel_op(t, SP_GONE, args, token, n, 0) != -EAGAIN)
			break;
		if (i < GONE_QUICK)
			hj_raw0(__NR_sched_yield);
		else
			hj_raw2(__NR_nanosleep, &ts, NULL);
	}
}

/* What a child in this memory leaves behind. */
void
hj_kernel_unmap(struct hj_proc *p)
{
	if (p->p_spc.cl_shm != NULL)
		hj_unmap(p->p_spc.cl_shm, SP_SHMSIZE);
}
