/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Signals: to oneself, with a handler, and read from a descriptor.
 */
#include <sys/signalfd.h>

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <unistd.h>

#include <rump/rump.h>
#include <rump/rump_syscalls.h>

#include "bench.h"

static volatile sig_atomic_t handled;
static pid_t rump_pid, host_pid;
static int rump_fd, host_fd;

static void
on_signal(int signo)
{
	(void)signo;
	handled++;
}

static void
handler_setup(void)
{
	struct sigaction sa = {.sa_handler = on_signal};

	bench_newproc();
	rump_pid = rump_sys_getpid();
	host_pid = getpid();
	bench_must(
	    rump_sys_sigaction(SIGUSR1, &sa, NULL) == 0, "rump sigaction");
	bench_must(sigaction(SIGUSR1, &sa, NULL) == 0, "sigaction");
}

BENCH_BODY(
    rump_kills, bench_must(rump_sys_kill(rump_pid, SIGUSR1) == 0, "rump kill"))
BENCH_BODY(host_kills, bench_must(kill(host_pid, SIGUSR1) == 0, "kill"))

static void
signalfd_setup(void)
{
	sigset_t set;

	bench_newproc();
	rump_pid = rump_sys_getpid();
	host_pid = getpid();
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	bench_must(rump_sys_sigprocmask(SIG_BLOCK, &set, NULL) == 0,
	    "rump sigprocmask");
	bench_must(sigprocmask(SIG_BLOCK, &set, NULL) == 0, "sigprocmask");
	bench_must(
	    (rump_fd = rump_sys_signalfd(-1, &set, 0)) >= 0, "rump signalfd");
	bench_must((host_fd = signalfd(-1, &set, 0)) >= 0, "signalfd");
}

static inline void
rump_read_one(void)
{
	struct signalfd_siginfo si;

	bench_must(rump_sys_kill(rump_pid, SIGUSR2) == 0, "rump kill");
	bench_must(
	    rump_sys_read(rump_fd, &si, sizeof(si)) == (ssize_t)sizeof(si),
	    "rump read");
}

static inline void
host_read_one(void)
{
	struct signalfd_siginfo si;

	bench_must(kill(host_pid, SIGUSR2) == 0, "kill");
	bench_must(
	    read(host_fd, &si, sizeof(si)) == (ssize_t)sizeof(si), "read");
}

BENCH_BODY(rump_reads, rump_read_one())
BENCH_BODY(host_reads, host_read_one())

const struct bench_line signal_lines[] = {
    {
	.bl_name = "kill_handler",
	.bl_what = "kill: the caller, which has a handler, and that",
	.bl_hostcall = "the same call",
	.bl_asked = 200,
	.bl_hostref = 1000,
	.bl_setup = handler_setup,
	.bl_rump = rump_kills,
	.bl_host = host_kills,
    },
    {
	.bl_name = "signalfd_read",
	.bl_what = "kill: the caller; and read of a signalfd",
	.bl_hostcall = "the same calls",
	.bl_setup = signalfd_setup,
	.bl_rump = rump_reads,
	.bl_host = host_reads,
    },
    {0},
};
