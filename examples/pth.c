/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A program that has green threads already, those of GNU Pth: each of them is
 * a process of the kernel.  All run on one host thread, which is all that the
 * kernel sees; so after each switch of Pth's the thread that goes on says which
 * lwp it is, by rump_pub_lwproc_switch.
 *
 * A call of the kernel that has to wait would stop all of them.  So they ask
 * whether a call would, as they do about the host's.
 */
#include <errno.h>
#include <fcntl.h>
#include <pth.h>
#include <stdio.h>

#include <rump/rump.h>
#include <rump/rump_syscalls.h>

#define WORKERS 3

static int ring[WORKERS][2]; /* pipes; descriptors are shared */

/* Let others run, and be the same lwp again. */
static void
yield(void)
{
	struct lwp *l = rump_pub_lwproc_curlwp();

	pth_yield(NULL);
	if (rump_pub_lwproc_curlwp() != l)
		rump_pub_lwproc_switch(l);
}

static ssize_t
read_byte(int fd, char *c)
{
	ssize_t n;

	while ((n = rump_sys_read(fd, c, 1)) == -1 && errno == EAGAIN)
		yield();
	return n;
}

/* A word goes round the ring, and each adds a letter to its own. */
static void *
worker(void *arg)
{
	int me = *(int *)arg;
	char c, word[32] = "";
	size_t n = 0;

	/* A process of its own, whose umask nobody else has. */
	if (rump_pub_lwproc_rfork(RUMP_RFFD_SHARE) != 0)
		return NULL;
	rump_sys_umask((mode_t)me);
	while (n < 8 && read_byte(ring[me][0], &c) == 1) {
		word[n++] = c++;
		if (rump_sys_write(ring[(me + 1) % WORKERS][1], &c, 1) != 1)
			break;
	}
	yield();
	printf("process %d, umask %d: %s\n", rump_sys_getpid(),
	    (int)rump_sys_umask(0), word);
	rump_pub_lwproc_releaselwp();
	return arg;
}

int
main(void)
{
	static int numbers[WORKERS];
	pth_t threads[WORKERS];
	void *result;
	int failed = 0;

	if (rump_init() != 0 || !pth_init())
		return 1;
	for (int i = 0; i < WORKERS; i++)
		if (rump_sys_pipe2(ring[i], O_NONBLOCK) != 0)
			return 1;
	if (rump_sys_write(ring[0][1], "a", 1) != 1)
		return 1;
	for (int i = 0; i < WORKERS; i++) {
		numbers[i] = i;
		threads[i] = pth_spawn(PTH_ATTR_DEFAULT, worker, &numbers[i]);
	}
	for (int i = 0; i < WORKERS; i++) {
		pth_join(threads[i], &result);
		failed |= result == NULL;
	}
	return failed;
}
