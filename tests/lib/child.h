/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Run a function in a forked child of the host, with its standard error
 * caught and a limit on its time; for what ends the host process, and for
 * what can be done once in a host process only, such as booting.
 */
#ifndef TESTS_LIB_CHILD_H
#define TESTS_LIB_CHILD_H

#include <sys/resource.h>
#include <sys/wait.h>

#include <poll.h>
#include <regex.h>
#include <signal.h>

#include "tc.h"

#define CHILD_SECONDS 60

struct child {
	pid_t pid;
	int status;	 /* of waitpid */
	bool late;	 /* had to be killed */
	size_t outlen;	 /* bytes in out */
	char out[16384]; /* what it wrote on standard error, with a NUL */
};

/* Collect the output until its end; false when time is over. */
static inline bool
child_collect(struct child *c, int fd)
{
	struct pollfd pfd = {.fd = fd, .events = POLLIN};
	char spill[512];
	ssize_t n;

	for (;;) {
		size_t room = sizeof(c->out) - 1 - c->outlen;

		if (poll(&pfd, 1, CHILD_SECONDS * 1000) <= 0)
			return false;
		n = room > 0 ? read(fd, c->out + c->outlen, room)
			     : read(fd, spill, sizeof(spill));
		if (n <= 0)
			return true;
		if (room > 0)
			c->outlen += (size_t)n;
	}
}

static inline void
child_run_fds(struct child *c, void (*fn)(void *), void *arg, bool stdoutput)
{
	struct rlimit nocore = {0, 0};
	int fds[2];

	memset(c, 0, sizeof(*c));
	T_ASSERT(pipe(fds) == 0);
	fflush(NULL);
	c->pid = fork();
	T_ASSERT(c->pid != -1);
	if (c->pid == 0) {
		tc_in_child = true;
		(void)setrlimit(RLIMIT_CORE, &nocore);
		(void)dup2(fds[1], STDERR_FILENO);
		if (stdoutput)
			(void)dup2(fds[1], STDOUT_FILENO);
		(void)close(fds[0]);
		(void)close(fds[1]);
		fn(arg);
		_exit(0);
	}
	(void)close(fds[1]);
	if (!child_collect(c, fds[0])) {
		c->late = true;
		(void)kill(c->pid, SIGKILL);
	}
	(void)close(fds[0]);
	T_ASSERT(waitpid(c->pid, &c->status, 0) == c->pid);
	c->out[c->outlen] = '\0';
	if (WIFEXITED(c->status) && WEXITSTATUS(c->status) == TC_CHILD_SKIPS)
		atf_tc_skip("%s", TC_NEEDS_THREADS);
	if (WIFEXITED(c->status) && WEXITSTATUS(c->status) == TC_CHILD_REMOTE)
		tc_needs_kernel();
}

/* Run fn(arg) and then _exit(0) in a child; wait for its end. */
static inline void
child_run(struct child *c, void (*fn)(void *), void *arg)
{
	child_run_fds(c, fn, arg, false);
}

/* fn(arg) must return, with no T_* assertion failed. */
static inline void
child_passes_at(
    const char *file, int line, const char *what, void (*fn)(void *), void *arg)
{
	struct child c;

	child_run(&c, fn, arg);
	if (c.late)
		tc_fail(file, line, "%s: hangs: %s", what, c.out);
	if (!WIFEXITED(c.status) || WEXITSTATUS(c.status) != 0)
		tc_fail(
		    file, line, "%s: status %#x: %s", what, c.status, c.out);
}
#define child_passes(fn, arg) child_passes_at(__FILE__, __LINE__, #fn, fn, arg)

static inline bool
child_matches(const char *text, const char *pattern)
{
	regex_t re;
	bool yes;

	T_EQ(0, regcomp(&re, pattern, REG_EXTENDED | REG_NOSUB));
	yes = regexec(&re, text, 0, NULL, 0) == 0;
	regfree(&re);
	return yes;
}

/*
 * fn(arg) must be fatal: SIGABRT after one line on standard error, which
 * matches the regular expressions for the call and for the lwp, and says a
 * few words beside them.
 */
static inline void
child_aborts_at(const char *file, int line, const char *what,
    void (*fn)(void *), void *arg, const char *call, const char *lwp)
{
	struct child c;
	const char *nl;

	child_run(&c, fn, arg);
	if (c.late)
		tc_fail(file, line, "%s: hangs: %s", what, c.out);
	if (!WIFSIGNALED(c.status) || WTERMSIG(c.status) != SIGABRT)
		tc_fail(file, line, "%s: not SIGABRT but status %#x: %s", what,
		    c.status, c.out);
	nl = strchr(c.out, '\n');
	if (nl == NULL || nl[1] != '\0')
		tc_fail(file, line, "%s: not one line: '%s'", what, c.out);
	if (!child_matches(c.out, call))
		tc_fail(file, line, "%s: no '%s' in: %s", what, call, c.out);
	if (!child_matches(c.out, lwp))
		tc_fail(file, line, "%s: no '%s' in: %s", what, lwp, c.out);
	if (c.outlen < strlen(call) + 10)
		tc_fail(file, line, "%s: gives no reason: %s", what, c.out);
}
#define child_aborts(fn, arg, call, lwp) \
	child_aborts_at(__FILE__, __LINE__, #fn, fn, arg, call, lwp)

/* Any lwp, written as pid.lid. */
#define ANY_LWP "(^|[^0-9.])[0-9]+\\.[0-9]+([^0-9.]|$)"

#endif /* TESTS_LIB_CHILD_H */
