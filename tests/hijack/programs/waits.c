/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Says who it is and waits for its input to end, two functions down, in two
 * threads: for debuggers to look at.
 */
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

static ssize_t __attribute__((noinline)) wait_for_input(const char *who)
{
	char c;
	ssize_t n;

	printf("%s of %d\n", who, getpid() > 0);
	fflush(stdout);
	n = read(STDIN_FILENO, &c, 1);
	printf("%zd\n", n);
	return n;
}

static void *
thread(void *arg)
{
	return wait_for_input("thread") == 0 ? arg : NULL;
}

int
main(int argc, char **argv)
{
	pthread_t t;

	if (argc > 1)
		printf("%s %d\n", argv[1], getpid());
	pthread_create(&t, NULL, thread, NULL);
	pthread_join(t, NULL);
	return wait_for_input("main") == 0 ? 0 : 1;
}
