/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the kernel needs of its host.  Nothing outside src/hyper calls the
 * host's threads, futexes, clocks, memory, random numbers, console or files;
 * the rest of the kernel reaches them through the functions below and those of
 * hostfile.h.  What kinds of host differ in, how lwps run side by side, is in
 * struct hyper_host, which each of them has in a folder beside this file.
 *
 * Locks: none of these functions takes a lock of the kernel's.  Only
 * hyper_wait, hyper_park, hyper_console_read and those of hostfile.h and
 * library.h block.
 */
#ifndef HYPER_HYPER_H
#define HYPER_HYPER_H

#include <sys/types.h>

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdnoreturn.h>

/* No deadline, for hyper_wait and hyper_park. */
#define HYPER_FOREVER INT64_MAX

enum hyper_clock {
	HYPER_CLOCK_REALTIME,	     /* nanoseconds since 1970 */
	HYPER_CLOCK_MONOTONIC,	     /* nanoseconds, never set back */
	HYPER_CLOCK_COARSE,	     /* the same, some ms late, cheaper */
	HYPER_CLOCK_REALTIME_COARSE, /* the first, some ms late, cheaper */
	HYPER_CLOCK_PROCESS,	     /* CPU time of the host process */
	HYPER_CLOCK_THREAD,	     /* and of the calling host thread */
};

/*
 * What the kernel wants to be told.  ho_thread_exit runs on a host thread
 * that ends, if hyper_thread_register was called on it.  The fork functions
 * run around the host's fork(2): prepare and parent in the parent, child in
 * the child.  ho_timers is called by a host that makes no host threads, between
 * the lwps that run: it calls what is due now, and returns when to be called
 * again at the latest, a time of HYPER_CLOCK_MONOTONIC or HYPER_FOREVER.
 */
struct hyper_ops {
	void (*ho_thread_exit)(void *arg);
	int64_t (*ho_timers)(void);
	void (*ho_fork_prepare)(void);
	void (*ho_fork_parent)(void);
	void (*ho_fork_child)(void);
};

/*
 * Prepare the host, once, before any other call; when the library is loaded,
 * while there is one host thread.  The table must stay.  Returns 0 or an errno.
 */
int hyper_init(const struct hyper_ops *ops);

/*
 * A context of the kernel's that can wait: part of what the kernel knows of a
 * host thread or fiber.  What is in it belongs to the host: that of fibers
 * has it on the host thread of all fibers, that of pthreads has the last lines,
 * which are the context's own.
 */
struct fiber;
struct lwp;
struct hyper_context {
	void *hc_sp; /* first: its registers are there while it is out */
	struct hyper_context
	    *hc_next;	    /* of who can run; itself: none of these */
	struct lwp *hc_lwp; /* hr_lwp while it is out */
	int hc_errno;	    /* the same */
	int hc_state;	    /* enum fiber_state */
	struct fiber *hc_fiber;
	bool hc_hasty; /* set by the kernel: parks at once, see pthread.c */
	uint16_t hc_looks, hc_naps;
};

/* Whose turn it is on a host thread: changed when contexts change places. */
struct hyper_running {
	struct lwp *hr_lwp; /* kept for the kernel, whatever it is */
	struct hyper_context *hr_context;
};

/* A kind of host; what the functions do is said at the calls below. */
struct hyper_host {
	const char *hh_name;
	bool hh_fibers; /* contexts are fibers: see fiber.h */
	int (*hh_begin)(void);
	int (*hh_refusal)(void);
	void (*hh_enter)(struct hyper_context *, struct hyper_running *);
	int (*hh_park)(struct hyper_context *, _Atomic uint32_t *addr,
	    uint32_t val, int64_t deadline);
	void (*hh_unpark)(struct hyper_context *, _Atomic uint32_t *addr);
	int (*hh_start)(void *(*fn)(void *), void *arg);
};

/* The one that is in use: the pthread host until another is chosen. */
extern const struct hyper_host *hyper_host
    __attribute__((visibility("hidden")));

/* The kind of host that has this name, or NULL. */
const struct hyper_host *hyper_find(const char *name);

/*
 * The kernel boots on that kind of host, by the calling host thread.  Returns
 * 0 or an errno.
 */
int hyper_choose(const struct hyper_host *);

/* 0, or ENOTSUP if this host does not let the calling host thread in. */
static inline int
hyper_refusal(void)
{
	return hyper_host->hh_refusal();
}

/*
 * The calling host thread, which is let in, enters the kernel for the first
 * time: set up its context, which stays where it is, as does what tells the
 * thread's turn.
 */
static inline void
hyper_enter(struct hyper_context *hc, struct hyper_running *hr)
{
	hc->hc_next = hc;
	hyper_host->hh_enter(hc, hr);
}

/*
 * Have ho_thread_exit(arg) called when the calling host thread ends.
 * Returns 0 or ENOMEM.
 */
int hyper_thread_register(void *arg);

/*
 * Call fn(arg) on a host thread of the kernel's own, which takes no signals and
 * ends when fn returns, NULL.  A host that makes none does nothing; it calls
 * ho_timers itself.  Returns 0 or EAGAIN.
 */
static inline int
hyper_start(void *(*fn)(void *), void *arg)
{
	return hyper_host->hh_start(fn, arg);
}

/*
 * The calling context sleeps while *addr == val, until hyper_unpark or the
 * deadline, which is as for hyper_wait.  Others may run on the host thread
 * meanwhile.  May also return for no reason.  Returns 0, ETIMEDOUT once the
 * deadline is over, or EDEADLK if there is nobody who could wake it.
 */
static inline int
hyper_park(struct hyper_context *hc, _Atomic uint32_t *addr, uint32_t val,
    int64_t deadline)
{
	return hyper_host->hh_park(hc, addr, val, deadline);
}

/* Wake that context if it sleeps there; *addr has been changed. */
static inline void
hyper_unpark(struct hyper_context *hc, _Atomic uint32_t *addr)
{
	hyper_host->hh_unpark(hc, addr);
}

/*
 * The host thread sleeps while *addr == val, until hyper_wake(addr) or the
 * deadline, which is a time of HYPER_CLOCK_MONOTONIC in nanoseconds or
 * HYPER_FOREVER.  May also return for no reason.  Returns 0, or ETIMEDOUT once
 * the deadline is over.
 */
int hyper_wait(_Atomic uint32_t *addr, uint32_t val, int64_t deadline);

/* Wake at most n sleepers of hyper_wait(addr); INT_MAX means all. */
void hyper_wake(_Atomic uint32_t *addr, int n);

/*
 * Let other host threads run.  These three are for what host threads wait for;
 * an lwp sleeps by hyper_park.
 */
void hyper_yield(void);

/*
 * The processor that the caller is on, or -1; and go on on another one, if
 * there is one that the thread may be on.  What it may is as before then.
 */
int hyper_cpu(void);
void hyper_cpu_leave(void);

/*
 * Be on that one only, like the threads that the caller starts from now on;
 * and not any more, in each of them.  For one who starts threads at a time.
 */
void hyper_cpu_stay(bool stay);

/*
 * How many threads on the machine run, or would if they had a processor; the
 * caller is one.  INT_MAX if the host does not say.
 */
int hyper_running(void);

/*
 * Make every other running thread of this host process pass a full memory
 * barrier before the call returns: the expensive half of an asymmetric pair
 * whose cheap half is a compiler barrier.  Returns false where the host has
 * no such call; then the cheap half must be a real barrier.
 */
bool hyper_membarrier(void);

/*
 * The time of a clock in nanoseconds, the same as the host gives it, and its
 * resolution.
 */
int64_t hyper_clock(enum hyper_clock which);
void hyper_clock_timespec(enum hyper_clock which, struct timespec *);
int64_t hyper_clock_res(enum hyper_clock which);

/*
 * What the host process, or only the calling host thread, has used of the
 * host so far.
 */
struct rusage;
void hyper_rusage(struct rusage *ru, bool thread);

/* Fill buf with len random bytes. */
void hyper_random(void *buf, size_t len);

/* Processors that the host process may run on, at least 1. */
int hyper_ncpu(void);

/* Do the processor and the host have wide moves (x86-64: AVX)? */
extern bool hyper_wide;

/* Physical memory of the host in bytes. */
uint64_t hyper_physmem(void);

/* The value of an environment variable of the host process, or NULL. */
const char *hyper_getenv(const char *name);

/* The host's name, at most len - 1 bytes and a NUL. */
void hyper_hostname(char *buf, size_t len);

/*
 * Reserve len bytes of address space, aligned to `align' (a power of two,
 * at least a page).  Nothing is committed.  NULL if the host refuses.
 */
void *hyper_mem_reserve(size_t len, size_t align);

/*
 * Make reserved pages usable; they read as zero.  Returns 0 or ENOMEM.
 */
int hyper_mem_commit(void *addr, size_t len);

/*
 * Give the contents of committed pages back to the host.  The pages stay
 * usable and read as zero afterwards.
 */
void hyper_mem_discard(void *addr, size_t len);

/*
 * Reserved pages will be used densely, from their beginning on: the host may
 * give memory for HYPER_LARGE bytes, aligned, at the first touch of one of
 * them, once all of these are committed.  Only advice.
 */
#define HYPER_LARGE ((size_t)2 << 20)
void hyper_mem_large(void *addr, size_t len);

/*
 * Copy len bytes of the host process's memory from an address that may be bad.
 * False if they cannot be read.
 */
bool hyper_mem_read(void *dst, const void *addr, size_t len);

/*
 * Fault injection: true if the allocation that asks must fail.  Armed by
 * rumpuser_memfail (see <rump/rumpuser.h>); one relaxed load while unarmed.
 */
extern _Atomic long hyper_memfail_left __attribute__((visibility("hidden")));
bool hyper_mem_fails_armed(void);

static inline bool
hyper_mem_armed(void)
{
	return __builtin_expect(atomic_load_explicit(&hyper_memfail_left,
				    memory_order_relaxed) != 0,
	    0);
}

static inline bool
hyper_mem_fails(void)
{
	return hyper_mem_armed() && hyper_mem_fails_armed();
}

/*
 * Console.  write puts all len bytes on the host's standard output (or
 * standard error for the message form); read waits at most ms milliseconds
 * for at least one byte of standard input and returns 0 or an errno, EAGAIN if
 * nothing came, *lenp being the bytes read, 0 at the end of the input.
 */
void hyper_console_write(const void *buf, size_t len);
void hyper_console_message(const char *buf, size_t len);
int hyper_console_read(void *buf, size_t *lenp, int ms);

/* The id of the host process. */
pid_t hyper_pid(void);

/* Send a signal to the host process. */
void hyper_raise(int signo);

/* End the host process by SIGABRT, or with an exit status. */
noreturn void hyper_abort(void);
noreturn void hyper_exit(int status);

#endif /* HYPER_HYPER_H */
