/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Debuggers that run through the engine, as does what they trace.  A process
 * that is traced stops for each signal, and for the host some of those are the
 * engine's: calls that are no site's jump, and memory of the program's that is
 * not there.  It stops when the host has executed the loader, too, and not
 * when the program begins.  So what the host tells of such stops is not told:
 * the process goes on, with the signal.
 *
 * Where the host has executed the loader, it is asked (hj_tracing, in its
 * memory) to stop before the program's first instruction: it sends itself
 * SIGTRAP, and is put there.
 *
 * An instruction that is a call is stepped over, where the machine can stop
 * behind it (hj_step_begin): the step would end in the engine.
 *
 * Who has calls told (PTRACE_SYSCALL) sees all as the host does.
 *
 * The child of a vfork is not traced before it executes something: its parent,
 * who waits for that, could not have it go on.
 */
#include <linux/elf.h>
#include <linux/ptrace.h>
#include <linux/uio.h>

#include "hijack/engine.h"

#ifndef SYS_SECCOMP
#define SYS_SECCOMP 1
#endif

#define STOPPED 0x7f	 /* in a status of wait */
#define TID_MAX 0x400000 /* the host's */

/* Of a process that is traced, for who traces it. */
struct {
	unsigned long wanted; /* 1: to stop; more: PTRACE_EVENT_EXEC + 1 */
	unsigned long stopped;
	unsigned long pc, sp; /* where the program begins */
} hj_tracing;

static long
request(long what, int tid, const void *addr, void *data)
{
	return hj_raw4(__NR_ptrace, what, tid, addr, data);
}

static unsigned long
peek(int tid, const unsigned long *word)
{
	unsigned long value = 0;

	request(PTRACE_PEEKDATA, tid, word, &value);
	return value;
}

static long
poke(int tid, const unsigned long *word, unsigned long value)
{
	return request(PTRACE_POKEDATA, tid, word, (void *)value);
}

static long
regs_get(int tid, unsigned long *regs)
{
	struct iovec iov = {regs, HJ_USER_REGS * sizeof(*regs)};

	return request(PTRACE_GETREGSET, tid, (void *)NT_PRSTATUS, &iov);
}

/* The registers with which a program begins. */
static void
regs_begin(int tid, unsigned long *regs)
{
	struct iovec iov = {regs, HJ_USER_REGS * sizeof(*regs)};

	for (int i = 0; i < HJ_USER_GENERAL; i++)
		regs[i] = 0;
	hj_user_begin(
	    regs, peek(tid, &hj_tracing.pc), peek(tid, &hj_tracing.sp));
	request(PTRACE_SETREGSET, tid, (void *)NT_PRSTATUS, &iov);
}

/*
 * Steps: p_steps has those who were told to make one, as 2 * tid, plus 1 if it
 * is a call that has begun.
 */

static int *
step_find(struct hj_proc *p, int tid)
{
	for (int i = 0; i < HJ_NSTEPS; i++) {
		if (p->p_steps[i] / 2 == tid)
			return &p->p_steps[i];
	}
	return NULL;
}

/*
 * It is told to go on, with a step or without.  Whether it is to go on to where
 * the step ends that it has begun.
 */
static int
step_note(struct hj_proc *p, int tid, int on)
{
	int *step, begun;

	hj_lock();
	step = step_find(p, tid);
	if (step == NULL && on && tid > 0 && tid <= TID_MAX)
		step = step_find(p, 0);
	begun = step != NULL && *step % 2 != 0;
	if (begun && !on)
		hj_step_end(tid);
	if (step != NULL)
		*step = on ? 2 * tid + begun : 0;
	hj_unlock();
	return begun && on;
}

/* It is to go on from a signal of the engine's: 0 if it cannot be helped. */
static int
go_on(struct hj_proc *p, int tid, int sig)
{
	unsigned long regs[HJ_USER_REGS] = {0};
	int *step = step_find(p, tid);

	if (step != NULL && sig == SIGSYS) {
		if (regs_get(tid, regs) != 0 ||
		    hj_step_begin(tid, regs[HJ_USER_PC]) != 0)
			return 0;
		*step |= 1;
	}
	return request(PTRACE_CONT, tid, NULL, (void *)(long)sig) == 0;
}

/*
 * It has stopped, and it is told, or has ended: the step is over, unless it has
 * begun, and it is about something else.
 */
static void
step_end(struct hj_proc *p, int tid, int status)
{
	int *step = step_find(p, tid);

	if (step == NULL)
		return;
	if ((status & 0xff) == STOPPED && *step % 2 != 0) {
		if (status >> 8 != SIGTRAP)
			return;
		hj_step_end(tid);
	}
	*step = 0;
}

static int
is_in_engine(unsigned long pc)
{
	return pc >= (uintptr_t)hj_text_begin && pc < (uintptr_t)hj_text_end;
}

/* It has stopped with SIGTRAP: whether nobody is told. */
static int
hides_trap(struct hj_proc *p, int tid, const siginfo_t *info, int *status)
{
	unsigned long regs[HJ_USER_REGS] = {0}, pc;
	int event = *status >> 16, *step;

	if ((event != 0 && event != PTRACE_EVENT_EXEC) ||
	    regs_get(tid, regs) != 0)
		return 0;
	pc = regs[HJ_USER_PC];
	if (pc == (uintptr_t)_start &&
	    (event != 0 || info->si_code == SI_USER)) {
		poke(tid, &hj_tracing.wanted, (unsigned long)event + 1);
		return request(PTRACE_CONT, tid, NULL, NULL) == 0;
	}
	/* The host's call is over, by which the step has begun. */
	step = step_find(p, tid);
	if (event == 0 && info->si_code == TRAP_BRKPT && is_in_engine(pc) &&
	    step != NULL && *step % 2 != 0)
		return request(PTRACE_CONT, tid, NULL, NULL) == 0;
	if (event == 0 && info->si_code == SI_TKILL && is_in_engine(pc) &&
	    peek(tid, &hj_tracing.stopped) != 0) {
		event = (int)peek(tid, &hj_tracing.wanted) - 1;
		poke(tid, &hj_tracing.stopped, 0);
		regs_begin(tid, regs);
		*status |= event << 16;
	}
	return 0;
}

/* It has stopped with SIGSEGV or SIGBUS: whether the engine only looked. */
static int
is_copying(int tid)
{
	unsigned long regs[HJ_USER_REGS] = {0};

	return regs_get(tid, regs) == 0 &&
	       regs[HJ_USER_PC] >= (uintptr_t)hj_copy_begin &&
	       regs[HJ_USER_PC] < (uintptr_t)hj_copy_end;
}

static int
hides(struct hj_proc *p, int tid, int *status)
{
	int sig = *status >> 8 & 0xff;
	siginfo_t info;

	if ((sig != SIGSYS && sig != SIGSEGV && sig != SIGBUS &&
		sig != SIGTRAP) ||
	    request(PTRACE_GETSIGINFO, tid, NULL, &info) != 0)
		return 0;
	if (sig == SIGTRAP)
		return hides_trap(p, tid, &info, status);
	if (sig == SIGSYS ? info.si_code != SYS_SECCOMP : !is_copying(tid))
		return 0;
	return go_on(p, tid, sig);
}

/*
 * What wait says of a process: whether nobody is to hear of it, and it goes on;
 * else what is told.
 */
int
hj_trace_hides(struct hj_thread *t, int tid, int *status)
{
	struct hj_proc *p = t->t_proc;

	if (p->p_tracecalls)
		return 0;
	if ((*status & 0xff) == STOPPED && hides(p, tid, status))
		return 1;
	step_end(p, tid, *status);
	return 0;
}

/* The loader has done its work: who traces us wants to see us stop. */
void
hj_trace_begin(unsigned long pc, unsigned long sp)
{
	if (hj_tracing.wanted == 0)
		return;
	hj_tracing.pc = pc;
	hj_tracing.sp = sp;
	hj_tracing.stopped = 1;
	hj_raw3(
	    __NR_tgkill, hj_raw0(__NR_getpid), hj_raw0(__NR_gettid), SIGTRAP);
	/* It is blocked. */
	hj_tracing.stopped = 0;
}

/*
 * Whether a debugger has started the program: it looks at instructions, puts
 * others in their place, and makes steps; so no site is patched.
 */
int
hj_is_debugged(void)
{
	return hj_tracing.wanted != 0;
}

/* Before another program is executed: an errno. */
int
hj_trace_exec(const struct hj_thread *t)
{
	return t->t_traceme ? (int)-hj_raw1(__NR_ptrace, PTRACE_TRACEME) : 0;
}

long
hj_sys_ptrace(struct hj_thread *t, const long *args)
{
	long what = args[0];

	switch (what) {
	case PTRACE_TRACEME:
		if (!t->t_vfork)
			break;
		if (t->t_traceme)
			return -EPERM;
		t->t_traceme = 1;
		return 0;
	case PTRACE_CONT:
		t->t_proc->p_tracecalls = 0;
		step_note(t->t_proc, (int)args[1], 0);
		break;
	case PTRACE_SINGLESTEP:
		t->t_proc->p_tracecalls = 0;
		if (step_note(t->t_proc, (int)args[1], 1))
			what = PTRACE_CONT;
		break;
	case PTRACE_SYSCALL:
		t->t_proc->p_tracecalls = 1;
		step_note(t->t_proc, (int)args[1], 0);
		break;
	case PTRACE_DETACH:
		step_note(t->t_proc, (int)args[1], 0);
		break;
	}
	return hj_raw4(__NR_ptrace, what, args[1], args[2], args[3]);
}
