/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a remote client may have at most.
 */
#include <fcntl.h>
#include <pthread.h>

#include <rump/rumpclient.h>

#include "lib/server.h"
#include "lib/tc.h"

#define PIECE (1u << 20)

static void
start(const char *option)
{
	ATF_REQUIRE(server_start(0, option) != -1);
	ATF_REQUIRE_EQ(rumpclient_init(), 0);
}

static void *
sleeper(void *arg)
{
	char c;

	/* The fourth may have been here before. */
	while (rump_sys_read(*(int *)arg, &c, 1) == -1 && errno == EAGAIN)
		usleep(1000);
	return NULL;
}

static void *
fourth(void *arg)
{
	*(int *)arg = rump_sys_getpid() == -1 ? errno : 0;
	return NULL;
}

TC(max_calls, "more calls at a time than a client may have are EAGAIN")
{
	pthread_t threads[2], thread;
	int fds[2], i, error = 0;

	start("--max-calls=3");
	ATF_REQUIRE_EQ(rump_sys_pipe(fds), 0);
	for (i = 0; i < 2; i++)
		ATF_REQUIRE_EQ(
		    pthread_create(&threads[i], NULL, sleeper, &fds[0]), 0);
	/* Once they sleep. */
	for (i = 0; i < 2000 && error != EAGAIN; i++) {
		usleep(5000);
		ATF_REQUIRE_EQ(
		    pthread_create(&thread, NULL, fourth, &error), 0);
		ATF_REQUIRE_EQ(pthread_join(thread, NULL), 0);
	}
	ATF_REQUIRE_EQ(error, EAGAIN);
	ATF_REQUIRE_EQ(rump_sys_write(fds[1], "ab", 2), 2);
	for (i = 0; i < 2; i++)
		ATF_REQUIRE_EQ(pthread_join(threads[i], NULL), 0);
}

TC(max_memory, "a call that is larger than a client may have is ENOMEM")
{
	char *buf = calloc(4, PIECE);
	int fd;

	start("--max-memory=2m");
	fd = rump_sys_open("/f", O_RDWR | O_CREAT, 0644);
	ATF_REQUIRE_ERRNO(ENOMEM, rump_sys_write(fd, buf, 4 * PIECE) == -1);
	ATF_REQUIRE_EQ(rump_sys_write(fd, buf, PIECE), PIECE);
	ATF_REQUIRE_ERRNO(ENOMEM, rump_sys_pread(fd, buf, 4 * PIECE, 0) == -1);
	ATF_REQUIRE_EQ(rump_sys_pread(fd, buf, PIECE, 0), PIECE);
	ATF_REQUIRE_EQ(rump_sys_pread(fd, buf, PIECE, 0), PIECE);
	free(buf);
}

TC(max_files, "descriptors that a client may have")
{
	int i, fd = 0;

	start("--max-files=20");
	for (i = 3; i < 20; i++)
		ATF_REQUIRE_EQ(fd = rump_sys_dup(1), i);
	ATF_REQUIRE_ERRNO(EMFILE, rump_sys_dup(1) == -1);
	ATF_REQUIRE_EQ(rump_sys_close(fd), 0);
	ATF_REQUIRE_EQ(rump_sys_dup(1), fd);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, max_calls);
	ATF_TP_ADD_TC(tp, max_memory);
	ATF_TP_ADD_TC(tp, max_files);
	return atf_no_error();
}
