/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A server for a test of remote clients: rump_server, in a host process of its
 * own that ends with the test.
 *
 * With SERVER_TLS it is at an address of TCP, and clients have a key; with
 * SERVER_PLAIN it is, and they have none.
 */
#ifndef TESTS_LIB_SERVER_H
#define TESTS_LIB_SERVER_H

#include <sys/prctl.h>
#include <sys/wait.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <rump/rump_syscalls.h>

/* The socket of server n of this test, as a path; and as a URL. */
static inline const char *
server_path(int n)
{
	static char path[8][64];

	snprintf(path[n], sizeof(path[n]), "/tmp/rump-test.%d.%d",
	    (int)getpgrp(), n);
	return path[n];
}

#if defined(SERVER_TLS) || defined(SERVER_PLAIN)
#define SERVER_KEY "000102030405060708090a0b0c0d0e0f"

/*
 * Nobody else's: it stays bound, which does not keep a server from listening
 * there.  The descriptor is none that tests use.
 */
static inline int
server_port(int n)
{
	static int ports[8];
	struct sockaddr_in sin = {
	    .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(sin);
	int fd, one = 1;

	if (ports[n] != 0)
		return ports[n];
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd == -1 ||
	    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) == -1 ||
	    bind(fd, (struct sockaddr *)&sin, len) == -1 ||
	    getsockname(fd, (struct sockaddr *)&sin, &len) == -1 ||
	    fcntl(fd, F_DUPFD_CLOEXEC, 200) == -1)
		abort();
	close(fd);
	return ports[n] = ntohs(sin.sin_port);
}

static inline const char *
server_url(int n)
{
	static char url[8][80];

	snprintf(url[n], sizeof(url[n]), "tcp://127.0.0.1:%d", server_port(n));
	return url[n];
}

static inline int
server_connect(int n)
{
	struct sockaddr_in sin = {.sin_family = AF_INET,
	    .sin_port = htons((uint16_t)server_port(n)),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd != -1 &&
	    connect(fd, (struct sockaddr *)&sin, sizeof(sin)) == -1) {
		close(fd);
		fd = -1;
	}
	return fd;
}

/* What clients are known by, into this file. */
static inline void
server_write(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	if (f == NULL || fchmod(fileno(f), 0600) == -1 || fputs(text, f) < 0 ||
	    fclose(f) != 0)
		abort();
}

/* Options for that, into argv; and the environment of clients. */
static inline int
server_secrets(const char *argv[], int argc)
{
	static char users[80], key[80], text[160];

	snprintf(users, sizeof(users), "%s.users", server_path(0));
	snprintf(key, sizeof(key), "%s.key", server_path(0));
	server_write(users, "- 0 0 /\ntest 0 0 / psk=" SERVER_KEY "\n");
	argv[argc++] = "--users";
	argv[argc++] = users;
#ifdef SERVER_PLAIN
	argv[argc++] = "--plain";
	return argc;
#endif
	server_write(key, SERVER_KEY "\n");
	snprintf(text, sizeof(text), "test:%s", key);
	setenv("RUMP_TLS_PSK", text, 1);
	setenv("RUMP_TLS_LIBRARY", RUMP_TLS_LIBRARY, 1);
	return argc;
}
#else
static inline const char *
server_url(int n)
{
	static char url[8][80];

	snprintf(url[n], sizeof(url[n]), "unix://%s", server_path(n));
	return url[n];
}

static inline int
server_secrets(const char *argv[], int argc)
{
	(void)argv;
	return argc;
}

static inline int
server_connect(int n)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strcpy(sun.sun_path, server_path(n));
	if (fd != -1 &&
	    connect(fd, (struct sockaddr *)&sun, sizeof(sun)) == -1) {
		close(fd);
		fd = -1;
	}
	return fd;
}
#endif

/* Does a server end this connection?  What it says until then is dropped. */
static inline bool
server_ends(int fd)
{
	struct pollfd pfd = {.fd = fd, .events = POLLIN};
	char bytes[4096];
	ssize_t n;

	do {
		if (poll(&pfd, 1, 5000) != 1)
			return false;
		n = read(fd, bytes, sizeof(bytes));
	} while (n > 0);
	return n == 0 || errno == ECONNRESET;
}

/* Sockets' files do not go with their servers. */
static pid_t server_owner;

static inline void
server_cleanup(void)
{
	char path[600];

	for (int n = 0; n < 8 && getpid() == server_owner; n++) {
		unlink(server_path(n));
		snprintf(path, sizeof(path), "%s.users", server_path(n));
		unlink(path);
		snprintf(path, sizeof(path), "%s.key", server_path(n));
		unlink(path);
	}
}

/*
 * Start server n with these options, spaces between them, or NULL, and wait
 * until it can be connected to; RUMP_SERVER is its name then.  Its pid, or -1
 * if it has ended at once.
 */
static inline pid_t
server_start(int n, const char *options)
{
	const char *argv[10] = {RUMP_SERVER_PROGRAM, "-s"};
	char words[80], *rest = words, *word;
	int argc = 2, fd;
	pid_t pid;

	snprintf(words, sizeof(words), "%s", options != NULL ? options : "");
	while ((word = strsep(&rest, " ")) != NULL)
		if (*word != '\0')
			argv[argc++] = word;
	argc = server_secrets(argv, argc);
	argv[argc] = server_url(n);
	fflush(NULL);
	if (server_owner == 0) {
		server_owner = getpid();
		atexit(server_cleanup);
	}
	if ((pid = fork()) == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		execv(argv[0], (char **)(uintptr_t)argv);
		_exit(127);
	}
	while ((fd = server_connect(n)) == -1) {
		if (waitpid(pid, NULL, WNOHANG) == pid)
			return -1;
		usleep(2000);
	}
	close(fd);
	setenv("RUMP_SERVER", server_url(n), 1);
	return pid;
}

static inline void
server_kill(int n, pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	unlink(server_path(n));
}

/* The descriptors of a server, and two entries more. */
static inline int
server_files(pid_t pid)
{
	char path[64];
	int n = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	if ((dir = opendir(path)) == NULL)
		abort();
	while (readdir(dir) != NULL)
		n++;
	closedir(dir);
	return n;
}

/* The processes that the kernel knows of. */
static inline int
server_processes(void)
{
	char buf[8192];
	int fd, n = 0;
	ssize_t len, at;

	fd = rump_sys_open("/proc", O_RDONLY | O_DIRECTORY);
	if (fd == -1)
		abort();
	while ((len = rump_sys_getdents(fd, buf, sizeof(buf))) > 0)
		for (at = 0; at < len;) {
			const char *e = buf + at;

			/* The name of struct dirent64. */
			if (e[19] >= '1' && e[19] <= '9')
				n++;
			at += *(const unsigned short *)(const void *)(e + 16);
		}
	if (rump_sys_close(fd) != 0)
		abort();
	return n;
}

#endif /* TESTS_LIB_SERVER_H */
