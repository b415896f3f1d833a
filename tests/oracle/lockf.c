/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The same random calls on locks, here and on the host, by several processes:
 * each result, errno and answer of F_GETLK must agree.
 *
 *	lockf [seed [steps]]
 *
 * Without arguments a few seeds, always the same.  A difference is printed
 * with seed and step; the exit status is 1 then.
 *
 * On the host the processes are forked children, each at the end of a pair of
 * pipes; here they are processes of the rump kernel.  Nothing waits.
 *
 * Difference that is meant: only what has a name can be locked, so there are
 * no pipes among the files.
 */
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rump/rump.h>
#include <rump/rump_syscalls.h>

#include "lib/random.h"

#define NPROCS 4
#define NFILES 3 /* the last is a fifo */
#define NFDS   6 /* of each process */
#define FDBASE 40
#define SIZE   100 /* of the files */

enum op { OP_OPEN, OP_CLOSE, OP_DUP, OP_SEEK, OP_FLOCK, OP_LOCK, OP_QUIT };

/* A call, and what came of it. */
struct step {
	enum op op;
	int proc, fd, arg;
	int file, flags;
	struct flock lk;
	int ret, error;
};

/* The calls under test. */
struct world {
	int (*w_open)(const char *, int, ...);
	int (*w_close)(int);
	int (*w_dup2)(int, int);
	int (*w_fcntl)(int, int, ...);
	int (*w_flock)(int, int);
	off_t (*w_lseek)(int, off_t, int);
	const char *w_paths[NFILES];
};

static char hostpaths[NFILES][64];

static struct world host = {
    open,
    close,
    dup2,
    fcntl,
    flock,
    lseek,
    {hostpaths[0], hostpaths[1], hostpaths[2]},
};
static const struct world rump = {
    rump_sys_open,
    rump_sys_close,
    rump_sys_dup2,
    rump_sys_fcntl,
    rump_sys_flock,
    rump_sys_lseek,
    {"/lockf.0", "/lockf.1", "/lockf.2"},
};

static int tochild[NPROCS], fromchild[NPROCS];
static pid_t hostpids[NPROCS], rumppids[NPROCS];
static struct lwp *rumplwps[NPROCS];

/* Do one step with the calls of a world, in the process that is to do it. */
static void
perform(const struct world *w, struct step *s)
{
	int fd;

	errno = 0;
	switch (s->op) {
	case OP_OPEN:
		s->ret = fd = w->w_open(w->w_paths[s->file], s->flags);
		if (fd >= 0 && fd != s->fd) {
			s->ret = w->w_dup2(fd, s->fd);
			(void)w->w_close(fd);
		}
		break;
	case OP_CLOSE:
		s->ret = w->w_close(s->fd);
		break;
	case OP_DUP:
		s->ret = w->w_dup2(s->fd, s->arg);
		break;
	case OP_SEEK:
		s->ret = (int)w->w_lseek(s->fd, s->arg, SEEK_SET);
		break;
	case OP_FLOCK:
		s->ret = w->w_flock(s->fd, s->arg);
		break;
	case OP_LOCK:
		s->ret = w->w_fcntl(s->fd, s->arg, &s->lk);
		break;
	case OP_QUIT:
		break;
	}
	s->error = s->ret == -1 ? errno : 0;
}

/*
 * The host's processes
 */

static void
child_main(int in, int out)
{
	struct step s;

	while (read(in, &s, sizeof(s)) == sizeof(s) && s.op != OP_QUIT) {
		perform(&host, &s);
		if (write(out, &s, sizeof(s)) != sizeof(s))
			break;
	}
	_exit(0);
}

static void
host_start(int i)
{
	int to[2], from[2], fd;

	if (pipe(to) != 0 || pipe(from) != 0)
		host_refuses("pipe");
	if ((hostpids[i] = fork()) == -1)
		host_refuses("fork");
	if (hostpids[i] == 0) {
		/* Nothing of other children's is to stay open. */
		for (fd = 3; fd < FDBASE + NFDS; fd++)
			if (fd != to[0] && fd != from[1])
				(void)close(fd);
		child_main(to[0], from[1]);
	}
	(void)close(to[0]);
	(void)close(from[1]);
	tochild[i] = to[1];
	fromchild[i] = from[0];
}

static void
host_stop(int i)
{
	struct step s = {.op = OP_QUIT};

	if (write(tochild[i], &s, sizeof(s)) != sizeof(s))
		host_refuses("write");
	(void)close(tochild[i]);
	(void)close(fromchild[i]);
	(void)waitpid(hostpids[i], NULL, 0);
}

static void
host_perform(struct step *s)
{
	if (write(tochild[s->proc], s, sizeof(*s)) != sizeof(*s) ||
	    read(fromchild[s->proc], s, sizeof(*s)) != sizeof(*s))
		host_refuses("child");
}

/*
 * Processes here
 */

static void
rump_start(int i)
{
	if (rump_pub_lwproc_curlwp() != NULL)
		rump_pub_lwproc_switch(NULL);
	if (rump_pub_lwproc_rfork(RUMP_RFCFDG) != 0)
		host_refuses("rfork");
	rumplwps[i] = rump_pub_lwproc_curlwp();
	rumppids[i] = rump_sys_getpid();
}

static void
rump_enter(int i)
{
	if (rump_pub_lwproc_curlwp() != rumplwps[i])
		rump_pub_lwproc_switch(rumplwps[i]);
}

static void
rump_stop(int i)
{
	rump_enter(i);
	rump_pub_lwproc_releaselwp();
}

static void
rump_perform(struct step *s)
{
	rump_enter(s->proc);
	perform(&rump, s);
}

/*
 * Steps
 */

static off_t
pick_offset(void)
{
	static const off_t odd[] = {
	    0, 1, -1, INT64_MAX, INT64_MAX - 1, INT64_MIN, -5, 1000000};

	return rnd(12) == 0 ? odd[rnd(8)] : (off_t)rnd(40);
}

static void
pick_lock(struct step *s)
{
	static const int cmds[] = {F_SETLK, F_SETLK, F_SETLK, F_GETLK,
	    F_OFD_SETLK, F_OFD_SETLK, F_OFD_GETLK};
	static const short types[] = {
	    F_RDLCK, F_RDLCK, F_WRLCK, F_WRLCK, F_UNLCK, F_UNLCK};

	s->op = OP_LOCK;
	s->arg = cmds[rnd(7)];
	s->lk.l_type = rnd(60) == 0 ? (short)rnd(9) : types[rnd(6)];
	s->lk.l_whence = (short)(rnd(60) == 0 ? 9 : rnd(3));
	s->lk.l_start = pick_offset();
	if (s->lk.l_whence == SEEK_END && rnd(2) == 0 && s->lk.l_start >= 0)
		s->lk.l_start -= SIZE;
	s->lk.l_len = pick_offset();
	if (rnd(4) == 0 && s->lk.l_len != INT64_MIN)
		s->lk.l_len = -s->lk.l_len;
	s->lk.l_pid = rnd(50) == 0 ? 7 : 0;
}

static void
pick(struct step *s)
{
	static const int access[] = {
	    O_RDWR, O_RDWR, O_RDWR, O_RDONLY, O_WRONLY, O_PATH};
	static const int flocks[] = {LOCK_SH, LOCK_EX, LOCK_UN, LOCK_EX, 0, 3,
	    LOCK_SH | LOCK_EX | LOCK_UN, 64};

	memset(s, 0, sizeof(*s));
	s->proc = (int)rnd(NPROCS);
	s->fd = FDBASE + (int)rnd(NFDS);
	switch (rnd(16)) {
	case 0:
		s->op = OP_OPEN;
		s->file = (int)rnd(NFILES);
		s->flags = access[rnd(6)] | O_NONBLOCK;
		break;
	case 1:
		s->op = OP_CLOSE;
		break;
	case 2:
		s->op = OP_DUP;
		s->arg = FDBASE + (int)rnd(NFDS);
		break;
	case 3:
		s->op = OP_SEEK;
		s->arg = (int)rnd(50);
		break;
	case 4:
	case 5:
	case 6:
		s->op = OP_FLOCK;
		s->arg = flocks[rnd(rnd(10) == 0 ? 8 : 4)] | LOCK_NB;
		break;
	default:
		pick_lock(s);
	}
}

/* The pids differ: number the processes. */
static void
translate(struct step *s, const pid_t *pids)
{
	int i;

	if (s->op != OP_LOCK || s->error != 0 || s->lk.l_type == F_UNLCK ||
	    (s->arg != F_GETLK && s->arg != F_OFD_GETLK))
		return;
	for (i = 0; i < NPROCS; i++)
		if (s->lk.l_pid == pids[i])
			s->lk.l_pid = 1000000 + i;
}

static void
show(const char *who, const struct step *s)
{
	printf("  %-4s op %d proc %d fd %d arg %d file %d flags %#x: %d errno "
	       "%d; type %d whence %d start %lld len %lld pid %d\n",
	    who, s->op, s->proc, s->fd, s->arg, s->file, (unsigned)s->flags,
	    s->ret, s->error, s->lk.l_type, s->lk.l_whence,
	    (long long)s->lk.l_start, (long long)s->lk.l_len, s->lk.l_pid);
}

/* A process goes with all that it holds, and another takes its place. */
static void
replace(int i)
{
	host_stop(i);
	host_start(i);
	rump_stop(i);
	rump_start(i);
}

static bool
run(uint64_t seed, unsigned steps)
{
	struct step ask, h, r;
	unsigned n;
	int i;
	bool same = true;

	rnd_seed(seed);
	for (i = 0; i < NPROCS; i++) {
		host_start(i);
		rump_start(i);
	}
	for (n = 0; n < steps && same; n++) {
		if (rnd(400) == 0)
			replace((int)rnd(NPROCS));
		pick(&ask);
		h = r = ask;
		host_perform(&h);
		rump_perform(&r);
		translate(&h, hostpids);
		translate(&r, rumppids);
		same = memcmp(&h, &r, sizeof(h)) == 0;
	}
	if (!same) {
		printf(
		    "lockf: seed %llu, step %u\n", (unsigned long long)seed, n);
		show("ask", &ask);
		show("host", &h);
		show("here", &r);
	}
	for (i = 0; i < NPROCS; i++) {
		host_stop(i);
		rump_stop(i);
	}
	return same;
}

/* The files, with the same length in both worlds. */
static void
make_files(const char *dir)
{
	static const char zeros[SIZE];
	int i, fd;

	for (i = 0; i < NFILES - 1; i++) {
		(void)snprintf(
		    hostpaths[i], sizeof(hostpaths[i]), "%s/%d", dir, i);
		fd = open(hostpaths[i], O_CREAT | O_RDWR, 0600);
		if (fd == -1 || write(fd, zeros, SIZE) != SIZE)
			host_refuses(hostpaths[i]);
		(void)close(fd);
		fd = rump_sys_open(rump.w_paths[i], O_CREAT | O_RDWR, 0600);
		if (fd == -1 || rump_sys_write(fd, zeros, SIZE) != SIZE)
			host_refuses(rump.w_paths[i]);
		(void)rump_sys_close(fd);
	}
	(void)snprintf(hostpaths[i], sizeof(hostpaths[i]), "%s/%d", dir, i);
	if (mkfifo(hostpaths[i], 0600) != 0 ||
	    rump_sys_mkfifo(rump.w_paths[i], 0600) != 0)
		host_refuses("mkfifo");
}

int
main(int argc, char **argv)
{
	char dir[] = "/tmp/lockf.XXXXXX";
	unsigned steps = argc > 2 ? (unsigned)atoi(argv[2]) : 8000;
	uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 0) : 1;
	uint64_t last = argc > 1 ? seed : 4;
	bool same = true;
	int i;

	if (mkdtemp(dir) == NULL)
		host_refuses(dir);
	if (rump_init() != 0)
		host_refuses("rump_init");
	make_files(dir);
	for (; seed <= last && same; seed++)
		same = run(seed, steps);
	for (i = 0; i < NFILES; i++)
		(void)unlink(hostpaths[i]);
	(void)rmdir(dir);
	return same ? 0 : 1;
}
