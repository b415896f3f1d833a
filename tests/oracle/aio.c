/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The same random asynchronous requests on files and pipes, here and in the
 * host's C library, each waited for: errors, results and what is read must be
 * the same.
 *
 *	aio [seed [steps [verbose]]]
 *
 * Without arguments a few seeds, always the same.  A difference is printed
 * with seed and step; the exit status is 1 then.
 */
#include <aio.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <rump/rump.h>
#include <rump/rump_syscalls.h>

#include "lib/random.h"

#define NFDS   6 /* read-write, read, append, the ends of a pipe, none */
#define BUFFER 3000

enum op { OP_READ, OP_WRITE, OP_FSYNC, OP_LIST, OP_CANCEL, OP_COUNT };

static const char *const opnames[] = {
    "aio_read", "aio_write", "aio_fsync", "lio_listio", "aio_cancel"};

struct step {
	enum op op;
	int slot, flags;
	size_t len;
	off_t off;
	bool null;
};

struct result {
	int ret, error;
	int status[2];
	ssize_t done[2];
	char data[BUFFER];
};

struct world {
	int (*w_read)(struct aiocb *);
	int (*w_write)(struct aiocb *);
	int (*w_fsync)(int, struct aiocb *);
	int (*w_error)(const struct aiocb *);
	ssize_t (*w_return)(struct aiocb *);
	int (*w_suspend)(
	    const struct aiocb *const *, int, const struct timespec *);
	int (*w_cancel)(int, struct aiocb *);
	int (*w_listio)(int, struct aiocb *const *, int, struct sigevent *);
	int (*w_open)(const char *, int, ...);
	int (*w_pipe2)(int *, int);
	int (*w_close)(int);
	int (*w_ioctl)(int, unsigned long, ...);
	const char *w_path;
	int w_fd[NFDS];
};

static struct world host = {aio_read, aio_write, aio_fsync, aio_error,
    aio_return, aio_suspend, aio_cancel, lio_listio, open, pipe2, close, ioctl,
    NULL, {0}};
static struct world rump = {rump_sys_aio_read, rump_sys_aio_write,
    rump_sys_aio_fsync, rump_sys_aio_error, rump_sys_aio_return,
    rump_sys_aio_suspend, rump_sys_aio_cancel, rump_sys_lio_listio,
    rump_sys_open, rump_sys_pipe2, rump_sys_close, rump_sys_ioctl, "/file",
    {0}};

static bool verbose;

static void
pick(struct step *s)
{
	unsigned k = rnd(100);

	memset(s, 0, sizeof(*s));
	s->op = k < 38	 ? OP_READ
		: k < 78 ? OP_WRITE
		: k < 84 ? OP_FSYNC
		: k < 95 ? OP_LIST
			 : OP_CANCEL;
	s->slot = (int)rnd(NFDS);
	s->len = rnd(rnd(4) == 0 ? BUFFER : 100);
	s->off = rnd(20) == 0 ? -1 - (off_t)rnd(3) : (off_t)rnd(5000);
	s->flags = rnd(8) == 0 ? 12345 : rnd(2) == 0 ? O_SYNC : O_DSYNC;
	s->null = rnd(2) == 0;
}

/* Nothing may wait for ever: is there anything to read, or room? */
static bool
would_wait(struct world *w, const struct step *s, bool reads)
{
	int n = 0;

	if (s->slot == 3 && reads)
		return w->w_ioctl(w->w_fd[3], FIONREAD, &n) != 0 || n == 0;
	if (s->slot == 4 && !reads)
		return w->w_ioctl(w->w_fd[3], FIONREAD, &n) != 0 || n > 30000;
	return false;
}

static void
await(struct world *w, struct aiocb *cb, struct result *r, int i)
{
	const struct aiocb *list[] = {cb};

	while (w->w_error(cb) == EINPROGRESS)
		(void)w->w_suspend(list, 1, NULL);
	r->status[i] = w->w_error(cb);
	r->done[i] = w->w_return(cb);
}

static void
do_list(
    struct world *w, const struct step *s, struct aiocb *cb, struct result *r)
{
	struct aiocb other = *cb, *list[] = {cb, NULL, &other};

	/* The same twice, since the host makes them in any order; or one fails.
	 */
	cb->aio_lio_opcode = LIO_WRITE;
	cb->aio_fildes = w->w_fd[s->null ? 2 : 5];
	other.aio_fildes = w->w_fd[2];
	other.aio_lio_opcode = LIO_WRITE;
	r->ret = w->w_listio(LIO_WAIT, list, 3, NULL);
	r->error = r->ret == -1 ? errno : 0;
	await(w, cb, r, 0);
	await(w, &other, r, 1);
}

static void
do_step(struct world *w, const struct step *s, struct result *r)
{
	static char data[BUFFER];
	struct aiocb cb;

	memset(r, 0, sizeof(*r));
	memset(data, 'a' + (int)(s->len % 26), sizeof(data));
	memset(&cb, 0, sizeof(cb));
	cb.aio_fildes = w->w_fd[s->slot];
	cb.aio_buf = s->op == OP_READ ? r->data : data;
	cb.aio_nbytes = s->len;
	cb.aio_offset = s->off;
	cb.aio_sigevent.sigev_notify = SIGEV_NONE;
	if (s->op == OP_LIST) {
		do_list(w, s, &cb, r);
		return;
	}
	if (would_wait(w, s, s->op == OP_READ))
		return;
	if (s->op == OP_READ)
		r->ret = w->w_read(&cb);
	else if (s->op == OP_WRITE)
		r->ret = w->w_write(&cb);
	else if (s->op == OP_FSYNC)
		r->ret = w->w_fsync(s->flags, &cb);
	else
		r->ret = w->w_cancel(cb.aio_fildes, NULL);
	r->error = r->ret == -1 ? errno : 0;
	if (r->ret == 0)
		await(w, &cb, r, 0);
}

static void
open_all(struct world *w)
{
	int fds[2];

	w->w_fd[0] = w->w_open(w->w_path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	w->w_fd[1] = w->w_open(w->w_path, O_RDONLY);
	w->w_fd[2] = w->w_open(w->w_path, O_WRONLY | O_APPEND);
	if (w->w_fd[2] == -1 || w->w_pipe2(fds, 0) != 0) {
		perror("aio: open");
		exit(2);
	}
	w->w_fd[3] = fds[0];
	w->w_fd[4] = fds[1];
	w->w_fd[5] = 999;
}

static void
close_all(struct world *w)
{
	int i;

	for (i = 0; i < 5; i++)
		(void)w->w_close(w->w_fd[i]);
}

static int
run(uint64_t seed, long steps)
{
	static struct result a, b;
	struct step s;
	long i;

	rnd_seed(seed);
	open_all(&host);
	open_all(&rump);
	for (i = 0; i < steps; i++) {
		pick(&s);
		do_step(&host, &s, &a);
		do_step(&rump, &s, &b);
		if (verbose)
			printf("%ld %s slot %d len %zu off %lld: %d %d\n", i,
			    opnames[s.op], s.slot, s.len, (long long)s.off,
			    a.ret, a.status[0]);
		if (memcmp(&a, &b, sizeof(a)) == 0)
			continue;
		fprintf(stderr,
		    "aio: seed %llu step %ld: %s slot %d len %zu off %lld: "
		    "the host gives %d (errno %d), %d %zd, %d %zd; we %d "
		    "(errno %d), %d %zd, %d %zd\n",
		    (unsigned long long)seed, i, opnames[s.op], s.slot, s.len,
		    (long long)s.off, a.ret, a.error, a.status[0], a.done[0],
		    a.status[1], a.done[1], b.ret, b.error, b.status[0],
		    b.done[0], b.status[1], b.done[1]);
		break;
	}
	close_all(&host);
	close_all(&rump);
	return i < steps;
}

int
main(int argc, char **argv)
{
	long steps = argc > 2 ? atol(argv[2]) : 1500;
	char path[] = "/tmp/rump-aio-XXXXXX";
	uint64_t seed;
	int differs = 0, fd;

	verbose = argc > 3;
	(void)signal(SIGPIPE, SIG_IGN);
	rump_boot_setsigmodel(RUMP_SIGMODEL_IGNORE);
	if ((fd = mkstemp(path)) == -1 || rump_init() != 0 ||
	    rump_pub_lwproc_rfork(RUMP_RFCFDG) != 0)
		return 2;
	(void)close(fd);
	host.w_path = path;
	if (argc > 1)
		differs = run(strtoull(argv[1], NULL, 0), steps);
	else
		for (seed = 1; seed <= 4; seed++)
			differs |= run(seed, steps);
	(void)unlink(path);
	return differs;
}
