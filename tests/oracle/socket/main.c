/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The same random calls on AF_UNIX sockets, here and on the host, by several
 * processes of several users, none of which waits: results, errors, data,
 * names, flags, what comes along, what poll says and what epoll reports must be
 * the same.
 *
 *	socket [seed [steps [verbose]]]
 *
 * Without arguments a few seeds, always the same.  A difference is printed
 * with seed and step; the exit status is 1 then.  On the host each process is
 * one of its own, and does what it is told by memory that it shares with this
 * one.
 */
#include "socket.h"

#include "lib/random.h"

static const char *const opnames[] = {"socket", "socketpair", "bind", "listen",
    "connect", "accept", "getname", "shutdown", "send", "sendto", "sendmsg",
    "recv", "recvfrom", "recvmsg", "read", "write", "mmsg", "poll", "close",
    "getsockopt", "setsockopt", "ioctl", "unlink", "chmod", "dup", "epoll_ctl",
    "epoll_wait", "stat"};
/* How often of 1000. */
static const unsigned weights[] = {40, 50, 60, 35, 80, 45, 25, 12, 70, 50, 80,
    60, 30, 80, 25, 35, 20, 50, 45, 30, 30, 20, 12, 6, 10, 20, 20, 5};

struct shared *shared;
static struct world rump;
static struct lwp *rump_lwps[NPROCS];
static int to_host[NPROCS], from_host[NPROCS];
static pid_t host_pids[NPROCS];
static bool verbose;

static unsigned
rnd_size(void)
{
	switch (rnd(12)) {
	case 0:
		return 0;
	case 1:
		return rnd(BUFFER);
	case 2:
		return 4096;
	case 3:
	case 4:
		return rnd(5000);
	default:
		return 1 + rnd(20);
	}
}

static int
rnd_flags(bool sending)
{
	int flags = 0;

	if (!sending) {
		if (rnd(4) == 0)
			flags |= MSG_PEEK;
		if (rnd(5) == 0)
			flags |= MSG_TRUNC;
		if (rnd(8) == 0)
			flags |= MSG_WAITALL;
		if (rnd(6) == 0)
			flags |= MSG_CMSG_CLOEXEC;
	} else if (rnd(4) == 0)
		flags |= MSG_EOR;
	return flags | (rnd(4) == 0 ? MSG_DONTWAIT : 0) |
	       (sending ? MSG_NOSIGNAL : 0);
}

static void
pick(struct step *s, unsigned n)
{
	static const uint32_t some[] = {EPOLLIN, EPOLLOUT, EPOLLRDHUP, EPOLLET,
	    EPOLLET, EPOLLONESHOT, EPOLLRDNORM, EPOLLWRNORM, EPOLLRDBAND,
	    EPOLLWRBAND, EPOLLPRI};
	unsigned i, at = rnd(1000);

	memset(s, 0, sizeof(*s));
	while (s->op < OP_COUNT - 1 && at >= weights[s->op])
		at -= weights[s->op++];
	s->proc = rnd(4) == 0 ? 2 : rnd(2);
	s->a = (int)rnd(NFDS);
	s->b = (int)rnd(NFDS);
	s->c = (int)rnd(NFDS);
	s->name = (int)rnd(NNAMES);
	s->flags = rnd_flags(s->op == OP_SEND || s->op == OP_SENDTO ||
			     s->op == OP_SENDMSG || s->op == OP_MMSG);
	s->value = (int)rnd(1000);
	s->n = rnd_size();
	s->m = rnd(5) == 0 ? rnd(80) : 80;
	s->fill = n;
	s->events = EPOLLIN;
	for (i = rnd(4); i > 0; i--)
		s->events |= some[rnd(11)];
}

/*
 * The two worlds
 */

static void
tell(int fd)
{
	if (write(fd, "", 1) != 1)
		host_refuses("write");
}

static void
hear(int fd)
{
	char c;

	if (read(fd, &c, 1) != 1)
		exit(0);
}

static void
perform_into(struct world *w, const struct step *s, struct result *r)
{
	memset(r, 0, sizeof(*r));
	errno = 0;
	r->ret = perform(w, s, r);
	r->error = r->ret < 0 ? errno : 0;
}

static void
host_process(unsigned i, int in, int out, const char *dir)
{
	(void)signal(SIGPIPE, SIG_IGN);
	if (chdir(dir) != 0)
		host_refuses(dir);
	if (i == 2 && (setresgid(1, 1, 1) != 0 || setresuid(1, 1, 1) != 0))
		host_refuses("setresuid");
	for (;;) {
		hear(in);
		perform_into(
		    &shared->sh_host, &shared->sh_step, &shared->sh_result);
		tell(out);
	}
}

static void
host_start(const char *dir)
{
	int in[2], out[2], p[2];
	unsigned i;

	for (i = 0; i < NPROCS; i++) {
		if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0)
			host_refuses("pipe");
		if (pipe2(p, O_NONBLOCK) != 0)
			host_refuses("pipe");
		shared->sh_host.w_pipe[i] = p[0];
		shared->sh_host.w_epoll[i] = epoll_create1(0);
		if ((host_pids[i] = fork()) == 0) {
			(void)close(in[1]);
			(void)close(out[0]);
			for (unsigned k = 0; k < i; k++) {
				(void)close(to_host[k]);
				(void)close(from_host[k]);
			}
			host_process(i, in[0], out[1], dir);
		}
		(void)close(shared->sh_host.w_epoll[i]);
		(void)close(p[0]);
		(void)close(p[1]);
		(void)close(in[0]);
		(void)close(out[1]);
		to_host[i] = in[1];
		from_host[i] = out[0];
		shared->sh_host.w_pid[i] = host_pids[i];
	}
}

static void
host_stop(void)
{
	unsigned i;

	for (i = 0; i < NPROCS; i++) {
		(void)close(to_host[i]);
		(void)waitpid(host_pids[i], NULL, 0);
		(void)close(from_host[i]);
	}
}

static void
rump_start(const char *dir)
{
	unsigned i;
	int p[2];

	if (rump_sys_mkdir(dir, 0777) != 0 || rump_sys_chmod(dir, 0777) != 0)
		host_refuses(dir);
	for (i = 0; i < NPROCS; i++) {
		if (rump_pub_lwproc_rfork(RUMP_RFCFDG) != 0 ||
		    rump_sys_chdir(dir) != 0)
			host_refuses("rfork");
		rump_lwps[i] = rump_pub_lwproc_curlwp();
		rump.w_pid[i] = rump_sys_getpid();
		if (rump_sys_pipe2(p, O_NONBLOCK) != 0)
			host_refuses("pipe");
		rump.w_pipe[i] = p[0];
		rump.w_epoll[i] = rump_sys_epoll_create1(0);
		if (i == 2 && (rump_sys_setresgid(1, 1, 1) != 0 ||
				  rump_sys_setresuid(1, 1, 1) != 0))
			host_refuses("setresuid");
		rump_pub_lwproc_switch(NULL);
	}
}

static void
rump_stop(void)
{
	unsigned i;

	for (i = 0; i < NPROCS; i++) {
		rump_pub_lwproc_switch(rump_lwps[i]);
		rump_pub_lwproc_releaselwp();
	}
}

static void
show(const char *who, const struct result *r)
{
	int i;

	printf(
	    "  %s: %d errno %d data %#llx name %d %#llx flags %#x control %d "
	    "%d fds %d cred %d %d %d value %d revents %#x",
	    who, r->ret, r->error, (unsigned long long)r->data, r->namelen,
	    (unsigned long long)r->name, r->msgflags, r->controllen, r->cmsgs,
	    r->nfds, r->pid, r->uid, r->gid, r->value,
	    (unsigned short)r->revents);
	for (i = 0; i < NEVENT; i++)
		if (r->events[i] != 0)
			printf(" [%llu: %#x]", (unsigned long long)r->evdata[i],
			    r->events[i]);
	printf("\n");
}

static void
show_step(unsigned n, const struct step *s)
{
	printf("%u: process %u %s slots %d %d %d name %d flags %#x value %d "
	       "bytes %u %u events %#x\n",
	    n, s->proc, opnames[s->op], s->a, s->b, s->c, s->name,
	    (unsigned)s->flags, s->value, s->n, s->m, s->events);
}

/* Which option it was, for who reads the output. */
static void
show_option(const struct step *s)
{
	if (s->op == OP_GETOPT)
		printf("  option %d\n", option_get(s));
	if (s->op == OP_SETOPT)
		printf("  option %d fill %u\n", option_set(s), s->fill);
}

static bool
run_steps(unsigned steps, unsigned *np)
{
	struct result rr;
	struct step s;
	bool same = true;
	unsigned n;

	for (n = 0; n < steps && same; n++) {
		pick(&s, n);
		shared->sh_step = s;
		tell(to_host[s.proc]);
		hear(from_host[s.proc]);
		rump_pub_lwproc_switch(rump_lwps[s.proc]);
		perform_into(&rump, &s, &rr);
		rump_pub_lwproc_switch(NULL);
		same = memcmp(&shared->sh_result, &rr, sizeof(rr)) == 0;
		if (verbose || !same) {
			show_step(n, &s);
			show_option(&s);
			show("host", &shared->sh_result);
		}
		if (!same)
			show("here", &rr);
	}
	*np = n;
	return same;
}

static bool
run(uint64_t seed, unsigned steps)
{
	char dir[] = "/tmp/socket.XXXXXX", cmd[64];
	unsigned i, k, n;
	bool same;

	rnd_seed(seed);
	if (mkdtemp(dir) == NULL || chmod(dir, 0777) != 0)
		host_refuses(dir);
	shared->sh_host = host_calls;
	rump = rump_calls;
	(void)snprintf(shared->sh_prefix, sizeof(shared->sh_prefix), "%s.",
	    strrchr(dir, '/') + 1);
	for (i = 0; i < NPROCS; i++)
		for (k = 0; k < NFDS; k++)
			shared->sh_host.w_fd[i][k] = rump.w_fd[i][k] = -1;
	host_start(dir);
	rump_start(strrchr(dir, '/'));
	same = run_steps(steps, &n);
	if (!same)
		printf("socket: seed %llu, step %u\n", (unsigned long long)seed,
		    n - 1);
	host_stop();
	rump_stop();
	(void)snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	if (system(cmd) != 0)
		host_refuses(cmd);
	return same;
}

int
main(int argc, char **argv)
{
	unsigned steps = argc > 2 ? (unsigned)atoi(argv[2]) : 4000;
	uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 0) : 1;
	uint64_t last = argc > 1 ? seed : 8;
	bool same = true;

	verbose = argc > 3;
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		host_refuses("mmap");
	if (geteuid() != 0) {
		printf("socket: only root can be several users\n");
		return 77;
	}
	rump_boot_setsigmodel(RUMP_SIGMODEL_IGNORE);
	if (rump_init() != 0)
		host_refuses("rump_init");
	for (; seed <= last && same; seed++)
		same = run(seed, steps);
	return same ? 0 : 1;
}
