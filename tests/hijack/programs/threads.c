/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Threads: made and joined in numbers, with signals of their own, cancelled in
 * calls, and calling from many places at once while these are being patched.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#define NTHREADS 8
#define ROUNDS	 200

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static atomic_long handled, calls;
static int turn;

static void
handler(int sig)
{
	(void)sig;
	handled++;
}

/* Calls of many kinds, each at a site of its own. */
static void *
caller(void *arg)
{
	struct stat st;
	char buf[16];
	int fds[2];
	long bad = 0;

	for (int i = 0; i < 1000; i++) {
		bad += getppid() <= 0;
		bad += getuid() != (uid_t)syscall(SYS_getuid);
		bad += stat("/", &st) != 0;
		bad += access("/", F_OK) != 0;
		bad += getcwd(buf, 1) != NULL;
		bad += fstat(1, &st) != 0;
		bad += getpgrp() <= 0;
		bad += getsid(0) < 0;
		bad += syscall(SYS_gettid) <= 0;
		if (i % 50 == 0) {
			bad += pipe(fds) != 0;
			bad += write(fds[1], "abc", 3) != 3;
			bad += read(fds[0], buf, sizeof(buf)) != 3;
			bad += dup2(fds[0], fds[1]) != fds[1];
			bad += close(fds[0]) != 0 || close(fds[1]) != 0;
		}
		calls += 9;
	}
	*(long *)arg += bad;
	return NULL;
}

static void *
take_turns(void *arg)
{
	int me = (int)(long)arg;

	for (int i = 0; i < 100; i++) {
		pthread_mutex_lock(&mutex);
		while (turn % NTHREADS != me)
			pthread_cond_wait(&cond, &mutex);
		turn++;
		pthread_cond_broadcast(&cond);
		pthread_mutex_unlock(&mutex);
	}
	return NULL;
}

static void *
nothing(void *arg)
{
	return arg;
}

static void *
reader(void *arg)
{
	char c;

	while (read(*(int *)arg, &c, 1) < 0 && errno == EINTR) {
	}
	return NULL;
}

static void
test_cancel(void)
{
	int fds[2];
	pthread_t t;
	void *result;

	if (pipe(fds) != 0)
		return;
	pthread_create(&t, NULL, reader, &fds[0]);
	for (int i = 0; i < 50; i++) {
		pthread_kill(t, SIGUSR1);
		usleep(200);
	}
	pthread_cancel(t);
	pthread_join(t, &result);
	printf("cancelled: %d, handled some: %d\n", result == PTHREAD_CANCELED,
	    handled > 0);
}

static void
test_fork(void)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		pthread_t t;
		void *result;

		if (pthread_create(&t, NULL, nothing, &status) != 0)
			_exit(1);
		pthread_join(t, &result);
		_exit(result == &status ? 0 : 2);
	}
	waitpid(pid, &status, 0);
	printf("forked: %d\n", status);
}

int
main(void)
{
	pthread_t threads[NTHREADS];
	struct sigaction sa = {.sa_handler = handler};
	long bad[NTHREADS] = {0}, sum = 0;
	void *result;

	sigaction(SIGUSR1, &sa, NULL);
	for (long i = 0; i < NTHREADS; i++)
		pthread_create(&threads[i], NULL, caller, &bad[i]);
	for (int i = 0; i < 200; i++)
		pthread_kill(threads[i % NTHREADS], 0);
	for (int i = 0; i < NTHREADS; i++) {
		pthread_join(threads[i], NULL);
		sum += bad[i];
	}
	printf("calls %ld, bad %ld\n", (long)calls, sum);
	for (long i = 0; i < NTHREADS; i++)
		pthread_create(&threads[i], NULL, take_turns, (void *)i);
	for (int i = 0; i < NTHREADS; i++)
		pthread_join(threads[i], NULL);
	printf("turns %d\n", turn);
	for (int i = 0; i < ROUNDS; i++) {
		pthread_create(&threads[0], NULL, nothing, &sum);
		pthread_join(threads[0], &result);
		if (result != &sum)
			printf("wrong result\n");
	}
	test_cancel();
	test_fork();
	return 0;
}
