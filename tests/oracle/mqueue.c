/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The same random calls on message queues, here and on the host, none of which
 * waits: results, errors, messages and their order, attributes, what poll says
 * and the text that a read gives must be the same.
 *
 *	mqueue [seed [steps [verbose]]]
 *
 * Without arguments a few seeds, always the same.  A difference is printed
 * with seed and step; the exit status is 1 then.
 */
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <rump/rump.h>
#include <rump/rump_syscalls.h>

#include "lib/random.h"

#define NFDS   8
#define NNAMES 9
#define BUFFER 9000
#define TEXT   60 /* up to the pid */

enum op {
	OP_OPEN,
	OP_CLOSE,
	OP_UNLINK,
	OP_SEND,
	OP_RECEIVE,
	OP_GETATTR,
	OP_SETATTR,
	OP_NOTIFY,
	OP_POLL,
	OP_READ,
	OP_STAT,
	OP_DUP,
	OP_COUNT
};

static const char *const opnames[] = {"open", "close", "unlink", "send",
    "receive", "getattr", "setattr", "notify", "poll", "read", "fstat", "dup"};
/* How often of 100. */
static const unsigned weights[] = {12, 4, 4, 28, 26, 4, 4, 6, 5, 3, 2, 2};

struct step {
	enum op op;
	int slot, flags, other;
	unsigned name, prio, mode;
	size_t len;
	bool withattr, timed, null;
	struct mq_attr attr;
	struct timespec ts;
	struct sigevent ev;
};

/* What a step gave, without a trace of the numbers of descriptors. */
struct result {
	long ret;
	int error;
	unsigned prio;
	struct mq_attr attr;
	short revents;
	unsigned mode, size;
	char data[BUFFER];
};

struct world {
	int (*w_open)(const char *, int, ...);
	int (*w_close)(int);
	int (*w_unlink)(const char *);
	int (*w_send)(int, const char *, size_t, unsigned);
	int (*w_timedsend)(
	    int, const char *, size_t, unsigned, const struct timespec *);
	ssize_t (*w_receive)(int, char *, size_t, unsigned *);
	ssize_t (*w_timedreceive)(
	    int, char *, size_t, unsigned *, const struct timespec *);
	int (*w_getattr)(int, struct mq_attr *);
	int (*w_setattr)(int, const struct mq_attr *, struct mq_attr *);
	int (*w_notify)(int, const struct sigevent *);
	int (*w_poll)(struct pollfd *, nfds_t, int);
	ssize_t (*w_read)(int, void *, size_t);
	int (*w_fstat)(int, struct stat *);
	int (*w_dup)(int);
	off_t (*w_lseek)(int, off_t, int);
	int w_fd[NFDS]; /* -1: closed */
};

static struct world host = {mq_open, mq_close, mq_unlink, mq_send, mq_timedsend,
    mq_receive, mq_timedreceive, mq_getattr, mq_setattr, mq_notify, poll, read,
    fstat, dup, lseek, {0}};
static struct world rump = {rump_sys_mq_open, rump_sys_mq_close,
    rump_sys_mq_unlink, rump_sys_mq_send, rump_sys_mq_timedsend,
    rump_sys_mq_receive, rump_sys_mq_timedreceive, rump_sys_mq_getattr,
    rump_sys_mq_setattr, rump_sys_mq_notify, rump_sys_poll, rump_sys_read,
    rump_sys_fstat, rump_sys_dup, rump_sys_lseek, {0}};

static bool verbose;
static char names[NNAMES][300];

/* Most steps are about names that are good, few about the others. */
static unsigned
rnd_name(void)
{
	return rnd(8) != 0 ? rnd(3) : rnd(NNAMES);
}

static void
pick_attr(struct mq_attr *attr)
{
	static const long sizes[] = {1, 8, 100, 8192, 0, -1, 1L << 40};
	static const long counts[] = {1, 2, 3, 10, 0, -5, 70000};

	attr->mq_maxmsg = counts[rnd(10) == 0 ? rnd(7) : rnd(4)];
	attr->mq_msgsize = sizes[rnd(10) == 0 ? rnd(7) : rnd(4)];
	attr->mq_flags = rnd(20) == 0 ? O_APPEND : rnd(8) ? O_NONBLOCK : 0;
}

static void
pick(struct step *s)
{
	static const int accs[] = {
	    O_RDWR, O_RDWR, O_RDWR, O_RDONLY, O_WRONLY, O_ACCMODE};
	static const size_t lens[] = {0, 1, 7, 8, 9, 99, 100, 101, 8192, 8193};
	unsigned k = rnd(100);

	memset(s, 0, sizeof(*s));
	for (s->op = 0; k >= weights[s->op]; s->op++)
		k -= weights[s->op];
	s->slot = (int)rnd(NFDS);
	s->other = (int)rnd(NFDS);
	s->name = rnd_name();
	s->flags = O_NONBLOCK | accs[rnd(20) == 0 ? 5 : rnd(5)];
	if (rnd(3) != 0)
		s->flags |= O_CREAT;
	if (rnd(5) == 0)
		s->flags |= O_EXCL;
	s->mode = rnd(4) == 0 ? 0 : 0644;
	s->withattr = rnd(4) != 0;
	pick_attr(&s->attr);
	s->prio = rnd(20) == 0 ? 32767 + rnd(2) : rnd(5);
	s->len = lens[rnd(10)];
	s->timed = rnd(4) == 0;
	s->ts.tv_sec = rnd(10) == 0 ? -1 : 1;
	s->ts.tv_nsec = rnd(10) == 0 ? 1000000000 : 0;
	s->null = rnd(3) == 0;
	s->ev.sigev_notify = rnd(2) == 0 ? SIGEV_NONE : SIGEV_SIGNAL;
	s->ev.sigev_signo = rnd(10) == 0 ? 65 + (int)rnd(2) : SIGURG;
}

static void
do_open(struct world *w, const struct step *s, struct result *r)
{
	struct mq_attr attr = s->attr;
	int fd;

	if (w->w_fd[s->slot] != -1)
		return;
	fd = w->w_open(names[s->name], s->flags, (mode_t)s->mode,
	    s->withattr ? &attr : NULL);
	r->error = errno;
	r->ret = fd == -1 ? -1 : 0;
	w->w_fd[s->slot] = fd;
}

static void
do_receive(struct world *w, const struct step *s, struct result *r)
{
	int fd = w->w_fd[s->slot];
	size_t len = s->len < 100 ? s->len : BUFFER;

	r->ret = s->timed
		     ? w->w_timedreceive(fd, r->data, len, &r->prio, &s->ts)
		     : w->w_receive(fd, r->data, len, &r->prio);
}

static void
do_send(struct world *w, const struct step *s, struct result *r)
{
	static char data[BUFFER];
	int fd = w->w_fd[s->slot];

	memset(data, (int)(s->prio + s->len), sizeof(data));
	memcpy(data, s, s->len < 8 ? s->len : 8);
	r->ret = s->timed ? w->w_timedsend(fd, data, s->len, s->prio, &s->ts)
			  : w->w_send(fd, data, s->len, s->prio);
}

static void
do_poll(struct world *w, const struct step *s, struct result *r)
{
	struct pollfd p = {w->w_fd[s->slot], 0x7ff, 0};

	r->ret = w->w_poll(&p, 1, 0);
	r->revents = p.revents;
}

/* Where the text is read from is the same for all who share the file. */
static void
do_read(struct world *w, const struct step *s, struct result *r)
{
	int fd = w->w_fd[s->slot];
	char *pid;

	if (s->null)
		(void)w->w_lseek(fd, 0, SEEK_SET);
	r->ret = w->w_read(fd, r->data, TEXT < s->len + 1 ? TEXT : s->len + 1);
	r->error = errno;
	if ((pid = strstr(r->data, "PID:")) != NULL)
		memset(pid, 0, TEXT);
}

static void
do_stat(struct world *w, const struct step *s, struct result *r)
{
	struct stat sb;

	memset(&sb, 0, sizeof(sb));
	r->ret = w->w_fstat(w->w_fd[s->slot], &sb);
	r->mode = sb.st_mode;
	r->size = (unsigned)sb.st_size * 2 + (unsigned)sb.st_nlink;
}

static void
do_dup(struct world *w, const struct step *s, struct result *r)
{
	int fd;

	if (w->w_fd[s->other] != -1)
		return;
	fd = w->w_dup(w->w_fd[s->slot]);
	r->error = errno;
	r->ret = fd == -1 ? -1 : 0;
	w->w_fd[s->other] = fd;
}

static void
do_step(struct world *w, const struct step *s, struct result *r)
{
	int fd = w->w_fd[s->slot];

	memset(r, 0, sizeof(*r));
	errno = 0;
	switch (s->op) {
	case OP_OPEN:
		do_open(w, s, r);
		break;
	case OP_CLOSE:
		r->ret = w->w_close(fd);
		w->w_fd[s->slot] = -1;
		break;
	case OP_UNLINK:
		r->ret = w->w_unlink(names[s->name]);
		break;
	case OP_SEND:
		do_send(w, s, r);
		break;
	case OP_RECEIVE:
		do_receive(w, s, r);
		break;
	case OP_GETATTR:
		r->ret = w->w_getattr(fd, &r->attr);
		break;
	case OP_SETATTR: {
		struct mq_attr attr = s->attr;

		/* A call that waits would not end. */
		attr.mq_flags |= O_NONBLOCK;
		r->ret = w->w_setattr(fd, &attr, s->null ? NULL : &r->attr);
		break;
	}
	case OP_NOTIFY:
		r->ret = w->w_notify(fd, s->null ? NULL : &s->ev);
		break;
	case OP_POLL:
		do_poll(w, s, r);
		break;
	case OP_READ:
		do_read(w, s, r);
		break;
	case OP_STAT:
		do_stat(w, s, r);
		break;
	default:
		do_dup(w, s, r);
	}
	if (r->error == 0)
		r->error = errno;
	if (r->ret != -1)
		r->error = 0;
}

static void
clean(struct world *w)
{
	int i;

	for (i = 0; i < NFDS; i++) {
		if (w->w_fd[i] != -1)
			(void)w->w_close(w->w_fd[i]);
		w->w_fd[i] = -1;
	}
	for (i = 0; i < NNAMES; i++)
		(void)w->w_unlink(names[i]);
}

static void
make_names(void)
{
	int i;

	for (i = 0; i < 3; i++)
		(void)snprintf(names[i], sizeof(names[i]), "/rump-%d-%d",
		    (int)getpid(), i);
	strcpy(names[3], "/");
	strcpy(names[4], "none");
	strcpy(names[5], "/..");
	strcpy(names[6], "/a/b");
	strcpy(names[7], "");
	memset(names[8], 'x', 280);
	names[8][0] = '/';
}

static int
run(uint64_t seed, long steps)
{
	static struct result a, b;
	struct step s;
	long i;

	rnd_seed(seed);
	clean(&host);
	clean(&rump);
	for (i = 0; i < steps; i++) {
		pick(&s);
		do_step(&host, &s, &a);
		do_step(&rump, &s, &b);
		if (verbose)
			printf("%ld %s slot %d name %u: %ld %d\n", i,
			    opnames[s.op], s.slot, s.name, a.ret, a.error);
		if (memcmp(&a, &b, sizeof(a)) == 0)
			continue;
		fprintf(stderr,
		    "mqueue: seed %llu step %ld: %s slot %d name %u len %zu "
		    "flags %#x: the host gives %ld (errno %d, %#x, %u, %u) "
		    "'%.60s', we %ld (errno %d, %#x, %u, %u) '%.60s'\n",
		    (unsigned long long)seed, i, opnames[s.op], s.slot, s.name,
		    s.len, (unsigned)s.flags, a.ret, a.error,
		    (unsigned)a.revents, a.mode, a.size, a.data, b.ret, b.error,
		    (unsigned)b.revents, b.mode, b.size, b.data);
		clean(&host);
		return 1;
	}
	clean(&host);
	return 0;
}

int
main(int argc, char **argv)
{
	long steps = argc > 2 ? atol(argv[2]) : 4000;
	uint64_t seed;
	int differs = 0, fd;

	if ((fd = mq_open("/rump-probe", O_CREAT | O_RDWR, 0600, NULL)) == -1) {
		printf("no message queues on the host: %s\n", strerror(errno));
		return 77;
	}
	(void)mq_close(fd);
	(void)mq_unlink("/rump-probe");
	verbose = argc > 3;
	rump_boot_setsigmodel(RUMP_SIGMODEL_IGNORE);
	if (rump_init() != 0 || rump_pub_lwproc_rfork(RUMP_RFCFDG) != 0)
		return 2;
	(void)umask(022);
	memset(host.w_fd, 0xff, sizeof(host.w_fd));
	memset(rump.w_fd, 0xff, sizeof(rump.w_fd));
	make_names();
	if (argc > 1)
		return run(strtoull(argv[1], NULL, 0), steps);
	for (seed = 1; seed <= 10; seed++)
		differs |= run(seed, steps);
	return differs;
}
