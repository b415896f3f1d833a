/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The benchmark: operations of the kernel, each beside the nearest thing that
 * the host's kernel does.
 *
 * A line is one operation.  Every line runs in a host process of its own,
 * forked from a parent that never boots the kernel, so that no line sees what
 * another left behind and one that dies does not end the others.  Within a
 * line, repetitions of librump and of the host take turns, so that a change
 * of the machine's speed meets both.
 *
 * State of a line is static in its file: nothing else runs in that process.
 */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include <sys/types.h>

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdnoreturn.h>

enum bench_unit {
	UNIT_NS,      /* nanoseconds; less is better */
	UNIT_BYTES,   /* less is better */
	UNIT_TIMES,   /* cost against another cost; less is better */
	UNIT_SPEEDUP, /* work done against one thread's; more is better */
};

/* A figure of one side: the best repetition and the middle one. */
struct bench_figure {
	double bf_best; /* 0: not measured */
	double bf_median;
};

struct bench_result {
	struct bench_figure br_rump;
	struct bench_figure br_host;
	double br_base;	    /* of bl_base; 0: there is none */
	char br_note[96];   /* more figures, for the reader */
	char br_error[128]; /* why there are none; empty: there are */
};

/* Does an operation n times; returns the nanoseconds that took. */
typedef double bench_body(uint64_t n);

struct bench_line {
	const char *bl_name;
	const char *bl_what;	 /* one operation, in words */
	const char *bl_hostcall; /* what the host did, NULL: nothing is near */
	enum bench_unit bl_unit;
	double bl_original;  /* measured of the original; 0: not known */
	double bl_asked;     /* at most (UNIT_SPEEDUP: at least); 0: none */
	bench_body *bl_base; /* what is asked is this much more than it */
	double bl_hostref; /* the host's figure where that was asked; 0: none */

	/* A pair of bodies, after a set-up ... */
	void (*bl_setup)(void);
	bench_body *bl_rump;
	bench_body *bl_host;
	/* ... or a function that measures by itself. */
	void (*bl_run)(struct bench_result *);
	bool bl_cold; /* do not boot the kernel before */
};

/* The lines of each file, ended by one without a name. */
extern const struct bench_line call_lines[], lwp_lines[], proc_lines[],
    scale_lines[], memory_lines[], boot_lines[], pipe_lines[], event_lines[],
    file_lines[], bigfile_lines[], timer_lines[], fiber_lines[], hijack_lines[],
    signal_lines[], socket_lines[], ipc_lines[], remote_lines[], world_lines[];

/* Short repetitions and few of them: to see that it works. */
extern bool bench_quick;

/* A directory of the host for the lines with files; see files.c. */
extern char bench_hostdir[];

/*
 * measure.c
 */

/* A monotonic clock in nanoseconds, and the calling thread's CPU time. */
int64_t bench_now(void);
int64_t bench_cputime(void);

/* Repetitions that a line does. */
unsigned bench_reps(void);

/* How often to do an operation so that it takes long enough to time. */
uint64_t bench_calibrate(bench_body *);

/* The best and the middle of n figures, which are sorted. */
struct bench_figure bench_figure(double *v, unsigned n);

/* Repetitions of one body: nanoseconds for one operation. */
struct bench_figure bench_alone(bench_body *);

/*
 * Repetitions of several bodies in turn: for those that are
 * NULL nothing is stored.
 */
#define BENCH_TURNS 3
void bench_turns(
    bench_body *const body[BENCH_TURNS], struct bench_figure bf[BENCH_TURNS]);

/*
 * Run body(n) on nthreads host threads at once.  wall is from the first start
 * to the last end, cpu the CPU time of all of them, in nanoseconds.
 */
struct bench_crewtime {
	double wall;
	double cpu;
};
struct bench_crewtime
bench_crew(unsigned nthreads, bench_body *body, uint64_t n);

/* hijack.c: make calls, start programs, and print the nanoseconds of each. */
void bench_calls(void);
void bench_spawns(void);

/*
 * children.c: a program of the same build, by where it is from this one's
 * folder; and a child of this process that becomes one, by exec(arg): the
 * number that it prints, and its end, which is waited for.
 */
struct bench_child {
	pid_t bc_pid;
	int bc_output;
};
void bench_near(const char *name, char path[PATH_MAX]);
void bench_child_start(struct bench_child *, void (*exec)(void *), void *arg);
double bench_child_result(struct bench_child *);
void bench_child_end(struct bench_child *);

/* Run on at most n processors from now on. */
void bench_use_cpus(unsigned n);

/*
 * End the line: print why in place of its figures.  bench_must is for the
 * results of calls, and cheap enough for a timed loop.
 */
noreturn void
bench_fail(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
noreturn void bench_fail_call(const char *call, int error);

#define bench_must(ok, call) \
	(__builtin_expect(!(ok), 0) ? bench_fail_call(call, errno) : (void)0)
#define bench_must0(error, call)                       \
	do {                                           \
		int error_ = (error);                  \
		if (__builtin_expect(error_ != 0, 0))  \
			bench_fail_call(call, error_); \
	} while (0)

/*
 * Uses a value without writing it anywhere: a variable that all threads of a
 * crew wrote would be what is measured.
 */
#define BENCH_KEEP(value) __asm__ volatile("" : : "r"(value))

/*
 * A body that does one statement again and again.  The loop's own cost, about
 * a cycle, is in the figure.
 */
#define BENCH_BODY(name, ...)                         \
	static double name(uint64_t n)                \
	{                                             \
		int64_t start = bench_now();          \
                                                      \
		for (uint64_t i = 0; i < n; i++) {    \
			__VA_ARGS__;                  \
		}                                     \
		return (double)(bench_now() - start); \
	}

/*
 * Processes of the kernel, in procs.c: a new child of process 1 with no
 * descriptors, its lwp current; and its pid.
 */
pid_t bench_newproc(void);

/*
 * Make and end a child of the host process that shares its memory: the
 * cheapest that the host has.  flags are more clone(2) flags.
 */
void bench_host_clone(int flags);

/*
 * scale.c: what two host threads get done, against one.  The note, unless it
 * is NULL, has the CPU time of an operation too: what they cost each other, on
 * however busy a machine.
 */
struct bench_figure bench_speedup(bench_body *, char *note, size_t notelen);

/*
 * run.c: do a line in a process of its own.  Returns false if the user
 * interrupted it.
 */
bool bench_run(const struct bench_line *, struct bench_result *);

#endif /* BENCH_BENCH_H */
