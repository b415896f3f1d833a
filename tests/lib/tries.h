/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Part of tests/fault/alloc.c: allocations that a host process or a host
 * thread makes only once, each tried in a forked child.
 */
#ifndef TESTS_TRIES_H
#define TESTS_TRIES_H

/*
 * What a host process or a host thread does only once.  Each try is in a
 * forked child, which exits with one of these.
 */
enum { TRY_FIRED = 0, TRY_DONE = 77, TRY_WRONG = 1 };

static int
try_boot(long n)
{
	int error;
	bool fired;

	(void)rumpuser_memfail(n);
	error = rump_init();
	fired = rumpuser_memfail(0) == 0;
	if (error != 0 && (!fired || error != ENOMEM)) {
		complain("rump_init", ENOMEM, error);
		return TRY_WRONG;
	}
	if (error != 0) {
		/* A kernel that is half there stays so; it must not hang. */
		int again = rump_init();

		if (again == error)
			return TRY_FIRED;
		if (again != 0) {
			complain("rump_init the second time", error, again);
			return TRY_WRONG;
		}
	}
	if (rump_sys_getpid() != 1 || rump_pub_lwproc_rfork(RUMP_RFCFDG) != 0) {
		complain("after boot", 1, rump_sys_getpid());
		return TRY_WRONG;
	}
	return fired ? TRY_FIRED : TRY_DONE;
}

/* The first call of a host thread. */
static int (*thread_call)(void);
static bool thread_binds;
static long thread_n;
static int thread_result;

static int
call_getpid(void)
{
	return result(rump_sys_getpid());
}

static int
call_newlwp_1(void)
{
	return rump_pub_lwproc_newlwp(1);
}

static void *
thread_main(void *arg)
{
	int error;
	bool fired;

	(void)arg;
	(void)rumpuser_memfail(thread_n);
	error = thread_call();
	fired = rumpuser_memfail(0) == 0;
	thread_result = fired ? TRY_FIRED : TRY_DONE;
	if (error != 0 && (!fired || error != ENOMEM)) {
		complain("first call", ENOMEM, error);
		thread_result = TRY_WRONG;
	}
	if (error != 0 && rump_pub_lwproc_curlwp() != NULL) {
		complain("bound after a failure", 0, 1);
		thread_result = TRY_WRONG;
	}
	if (error != 0 && (error = thread_call()) != 0) {
		complain("second call", 0, error);
		thread_result = TRY_WRONG;
	}
	if (thread_binds)
		rump_pub_lwproc_releaselwp();
	return NULL;
}

static int
try_thread(long n)
{
	struct rump_memstat before, after;
	pthread_t t;

	thread_n = n;
	measure(&before);
	if (pthread_create(&t, NULL, thread_main, NULL) != 0)
		return TRY_WRONG;
	pthread_join(t, NULL);
	measure(&after);
	/* The record of the host thread is kept for the next one. */
	if (before.procs != after.procs || before.lwps != after.lwps ||
	    before.files != after.files || before.creds != after.creds) {
		complain("objects left", (long)before.lwps, (long)after.lwps);
		return TRY_WRONG;
	}
	return thread_result;
}

static void
run_tries(const char *name, int (*try)(long))
{
	struct rlimit nocore = {0, 0};
	int status = 0;
	pid_t pid;
	long n;

	scenario = name;
	for (n = 1; n < MAX_ALLOCS; n++) {
		failing = n;
		fflush(NULL);
		if ((pid = fork()) == 0) {
			(void)setrlimit(RLIMIT_CORE, &nocore);
			(void)alarm(20);
			_exit(try(n));
		}
		if (pid == -1 || waitpid(pid, &status, 0) != pid) {
			complain("fork", 0, -1);
			return;
		}
		if (WIFEXITED(status) && WEXITSTATUS(status) == TRY_DONE)
			break;
		if (status != 0)
			complain("status of the try", 0, status);
	}
	if (n == MAX_ALLOCS)
		complain("no end of allocations", 0, n);
	if (verbose)
		printf("%-20s %ld allocations\n", name, n - 1);
}

#endif /* TESTS_TRIES_H */
