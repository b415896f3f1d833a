/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Random processes, lwps and descriptors from eight host threads, checked
 * against a model of what must be.
 *
 *	lwproc [seed [steps]]
 *
 * Every lwp is either held by one host thread or in the pool, from which any
 * host thread may take it.  A process's model and its descriptor table's are
 * changed with their lock held around the call, so that each result can be
 * foretold, while calls on different processes and tables run at once.  Half
 * of the calls that only read are made without the lock.
 *
 * At the end everything is released, and the kernel's memory, processes,
 * lwps, files and credentials must be what they were at the start.
 */
#include <fcntl.h>
#include <signal.h>

#include "../lib/stress.h"

#define POOL_MAX  256
#define TABLE_FDS 24

/* What a descriptor names: one end of a pipe. */
struct mpipe {
	pthread_mutex_t lock;
	int ends[2]; /* descriptors there are of the two ends */
	int bytes;   /* in it */
	int tables;  /* whether it was ever copied to another table */
};

struct mfd {
	struct mpipe *pipe; /* NULL: closed */
	int end;	    /* 0 reads, 1 writes */
	bool cloexec;
};

struct mtable {
	pthread_mutex_t lock;
	int refs;	  /* processes */
	_Atomic int wild; /* calls that run without the lock */
	struct mfd fd[TABLE_FDS];
};

struct mproc {
	pthread_mutex_t lock;
	pid_t pid;
	int nlwps;
	uid_t euid;
	mode_t umask;
	struct mtable *table;
};

struct mlwp {
	struct lwp *lwp;
	struct mproc *proc;
};

/* Of the host thread; lwp is NULL: implicit. */
static _Thread_local struct mlwp cur;

static pthread_mutex_t pool_lock = PTHREAD_MUTEX_INITIALIZER;
static struct mlwp pool[POOL_MAX];
static int pool_count;

static void *
make(size_t size)
{
	void *p = calloc(1, size);

	if (p == NULL)
		differ("the host has no memory");
	return p;
}

/*
 * Models of tables and pipes.  A table's lock comes before a pipe's.
 */
static void
mfd_open(struct mfd *fd, struct mpipe *pipe, int end, bool cloexec)
{
	pthread_mutex_lock(&pipe->lock);
	pipe->ends[end]++;
	pthread_mutex_unlock(&pipe->lock);
	fd->pipe = pipe;
	fd->end = end;
	fd->cloexec = cloexec;
}

static void
mfd_close(struct mfd *fd)
{
	struct mpipe *pipe = fd->pipe;
	bool last;

	pthread_mutex_lock(&pipe->lock);
	last = --pipe->ends[fd->end] == 0 && pipe->ends[!fd->end] == 0;
	pthread_mutex_unlock(&pipe->lock);
	fd->pipe = NULL;
	if (last) {
		pthread_mutex_destroy(&pipe->lock);
		free(pipe);
	}
}

static struct mtable *
mtable_make(void)
{
	struct mtable *t = make(sizeof(*t));

	pthread_mutex_init(&t->lock, NULL);
	t->refs = 1;
	return t;
}

/* A copy, as rfork makes one; the original's lock is held. */
static struct mtable *
mtable_copy(struct mtable *from)
{
	struct mtable *t = mtable_make();

	for (int i = 0; i < TABLE_FDS; i++) {
		struct mfd *fd = &from->fd[i];

		if (fd->pipe == NULL)
			continue;
		mfd_open(&t->fd[i], fd->pipe, fd->end, fd->cloexec);
		pthread_mutex_lock(&fd->pipe->lock);
		fd->pipe->tables++;
		pthread_mutex_unlock(&fd->pipe->lock);
	}
	return t;
}

static void
mtable_drop(struct mtable *t)
{
	bool last;

	pthread_mutex_lock(&t->lock);
	last = --t->refs == 0;
	pthread_mutex_unlock(&t->lock);
	if (!last)
		return;
	for (int i = 0; i < TABLE_FDS; i++) {
		if (t->fd[i].pipe != NULL)
			mfd_close(&t->fd[i]);
	}
	pthread_mutex_destroy(&t->lock);
	free(t);
}

/* The lowest free descriptor from `min', or TABLE_FDS. */
static int
mtable_lowest(const struct mtable *t, int min)
{
	int i;

	for (i = min; i < TABLE_FDS && t->fd[i].pipe != NULL; i++)
		continue;
	return i;
}

/*
 * The pool.
 */
static bool
pool_put(struct mlwp l)
{
	bool ok;

	pthread_mutex_lock(&pool_lock);
	if ((ok = pool_count < POOL_MAX))
		pool[pool_count++] = l;
	pthread_mutex_unlock(&pool_lock);
	return ok;
}

static bool
pool_take(struct mlwp *l)
{
	bool ok;
	int k;

	pthread_mutex_lock(&pool_lock);
	if ((ok = pool_count > 0)) {
		k = (int)rnd((uint64_t)pool_count);
		*l = pool[k];
		pool[k] = pool[--pool_count];
	}
	pthread_mutex_unlock(&pool_lock);
	return ok;
}

/* The context is what the model says. */
static void
check_context(void)
{
	struct mproc *p = cur.proc;

	if (rump_pub_lwproc_curlwp() != cur.lwp)
		differ("curlwp %p, not %p", (void *)rump_pub_lwproc_curlwp(),
		    (void *)cur.lwp);
	want(cur.lwp == NULL ? 1 : p->pid, rump_sys_getpid());
}

/*
 * Steps on processes and lwps.
 */
static void
do_release(void)
{
	struct mproc *p = cur.proc;
	struct mlwp none = {NULL, NULL};
	bool last;

	if (cur.lwp == NULL)
		return;
	/* The lock covers the call only if the process stays. */
	pthread_mutex_lock(&p->lock);
	last = --p->nlwps == 0;
	if (!last)
		rump_pub_lwproc_releaselwp();
	pthread_mutex_unlock(&p->lock);
	if (last) {
		rump_pub_lwproc_releaselwp();
		want(ESRCH, rump_pub_lwproc_newlwp(p->pid));
		mtable_drop(p->table);
		pthread_mutex_destroy(&p->lock);
		free(p);
	}
	cur = none;
}

/* Leave the current lwp in the pool, or release it if that is full. */
static void
leave(void)
{
	struct mlwp l = cur;

	if (l.lwp == NULL)
		return;
	rump_pub_lwproc_switch(NULL);
	if (pool_put(l)) {
		cur.lwp = NULL;
		cur.proc = NULL;
		return;
	}
	rump_pub_lwproc_switch(l.lwp);
	do_release();
}

static struct mproc *
mproc_make(int flags, struct mproc *parent)
{
	struct mproc *p = make(sizeof(*p));

	pthread_mutex_init(&p->lock, NULL);
	p->nlwps = 1;
	p->umask = parent != NULL ? parent->umask : 022;
	p->euid = parent != NULL ? parent->euid : 0;
	if (flags == RUMP_RFCFDG || parent == NULL)
		p->table = mtable_make();
	else if (flags == RUMP_RFFDG)
		p->table = mtable_copy(parent->table);
	else {
		p->table = parent->table;
		p->table->refs++;
	}
	return p;
}

static void
do_rfork(void)
{
	int flags = cur.lwp == NULL ? RUMP_RFCFDG : (int)rnd(3);
	struct mproc *parent = cur.proc, *p;
	struct mlwp old = cur;

	if (parent != NULL) {
		pthread_mutex_lock(&parent->lock);
		pthread_mutex_lock(&parent->table->lock);
	}
	p = mproc_make(flags, parent);
	want(0, rump_pub_lwproc_rfork(flags));
	if (parent != NULL) {
		pthread_mutex_unlock(&parent->table->lock);
		pthread_mutex_unlock(&parent->lock);
	}
	p->pid = rump_sys_getpid();
	cur.lwp = rump_pub_lwproc_curlwp();
	cur.proc = p;
	if (old.lwp != NULL && !pool_put(old)) {
		struct mlwp made = cur;

		cur = old;
		rump_pub_lwproc_switch(old.lwp);
		do_release();
		cur = made;
		rump_pub_lwproc_switch(made.lwp);
	}
	check_context();
}

static void
do_newlwp(void)
{
	struct mproc *p = cur.proc;
	struct mlwp old, l;

	if (p == NULL) {
		want(ESRCH, rump_pub_lwproc_newlwp(INT32_MAX));
		return;
	}
	/*
	 * Our own lwp keeps the process until the new one is there; then it
	 * goes into the pool, if there is room.
	 */
	old = cur;
	pthread_mutex_lock(&p->lock);
	p->nlwps++;
	pthread_mutex_unlock(&p->lock);
	want(0, rump_pub_lwproc_newlwp(p->pid));
	cur.lwp = rump_pub_lwproc_curlwp();
	cur.proc = p;
	if (!pool_put(old)) {
		l = cur;
		rump_pub_lwproc_switch(old.lwp);
		cur = old;
		do_release();
		rump_pub_lwproc_switch(l.lwp);
		cur = l;
	}
	check_context();
}

static void
do_switch(void)
{
	struct mlwp old = cur, l;

	if (!pool_take(&l))
		return;
	if (rnd(2) == 0) {
		leave();
		rump_pub_lwproc_switch(l.lwp);
		cur = l;
	} else {
		rump_pub_lwproc_switch(l.lwp);
		cur = l;
		if (old.lwp != NULL && !pool_put(old)) {
			rump_pub_lwproc_switch(old.lwp);
			cur = old;
			do_release();
			rump_pub_lwproc_switch(l.lwp);
			cur = l;
		}
	}
	check_context();
}

/*
 * Steps on descriptors.  The table's lock is held.
 */
static void
do_pipe(struct mtable *t)
{
	int a = mtable_lowest(t, 0), b = mtable_lowest(t, a + 1), fd[2];
	bool cloexec = rnd(2);
	struct mpipe *pipe;

	if (b >= TABLE_FDS)
		return;
	want(0, rump_sys_pipe2(fd, O_NONBLOCK | (cloexec ? O_CLOEXEC : 0)));
	want(a, fd[0]);
	want(b, fd[1]);
	pipe = make(sizeof(*pipe));
	pthread_mutex_init(&pipe->lock, NULL);
	mfd_open(&t->fd[a], pipe, 0, cloexec);
	mfd_open(&t->fd[b], pipe, 1, cloexec);
}

static void
do_close(struct mtable *t, int fd)
{
	if (t->fd[fd].pipe == NULL) {
		want_error(EBADF, rump_sys_close(fd));
		return;
	}
	want(0, rump_sys_close(fd));
	mfd_close(&t->fd[fd]);
}

static void
do_dup(struct mtable *t, int fd)
{
	struct mfd *from = &t->fd[fd];
	int min = (int)rnd(TABLE_FDS), lowest = mtable_lowest(t, 0);

	if (from->pipe == NULL) {
		want_error(EBADF, rump_sys_dup(fd));
		return;
	}
	if (rnd(2) == 0 && lowest < TABLE_FDS) {
		want(lowest, rump_sys_dup(fd));
		mfd_open(&t->fd[lowest], from->pipe, from->end, false);
		return;
	}
	lowest = mtable_lowest(t, min);
	if (lowest == TABLE_FDS)
		return;
	want(lowest, rump_sys_fcntl(fd, F_DUPFD_CLOEXEC, min));
	mfd_open(&t->fd[lowest], from->pipe, from->end, true);
}

static void
do_dup2(struct mtable *t, int fd)
{
	struct mfd from = t->fd[fd];
	int to = (int)rnd(TABLE_FDS);

	if (from.pipe == NULL) {
		want_error(EBADF, rump_sys_dup2(fd, to));
		return;
	}
	want(to, rump_sys_dup2(fd, to));
	if (to == fd)
		return;
	/* Open first: it may be the same pipe. */
	pthread_mutex_lock(&from.pipe->lock);
	from.pipe->ends[from.end]++;
	pthread_mutex_unlock(&from.pipe->lock);
	if (t->fd[to].pipe != NULL)
		mfd_close(&t->fd[to]);
	t->fd[to] = from;
	t->fd[to].cloexec = false;
}

static void
do_fcntl(struct mtable *t, int fd)
{
	struct mfd *m = &t->fd[fd];

	if (m->pipe == NULL) {
		want_error(EBADF, rump_sys_fcntl(fd, F_GETFD));
		return;
	}
	want(m->cloexec ? FD_CLOEXEC : 0, rump_sys_fcntl(fd, F_GETFD));
	m->cloexec = rnd(2);
	want(0, rump_sys_fcntl(fd, F_SETFD, m->cloexec ? FD_CLOEXEC : 0));
	want((m->end == 1 ? O_WRONLY : O_RDONLY) | O_NONBLOCK,
	    rump_sys_fcntl(fd, F_GETFL));
}

/*
 * The results of using a pipe that no other table can know.  A call without
 * the lock can delay the closing of an end, but not after it has returned.
 */
static void
use_own_pipe(struct mfd *m, int fd)
{
	struct mpipe *pipe = m->pipe;
	char c = 'c';

	if (m->end == 1 && pipe->ends[0] == 0) {
		want_error(EPIPE, rump_sys_write(fd, &c, 1));
	} else if (m->end == 1) {
		if (pipe->bytes < 4096) {
			want(1, rump_sys_write(fd, &c, 1));
			pipe->bytes++;
		}
	} else if (pipe->bytes > 0) {
		want(1, rump_sys_read(fd, &c, 1));
		want('c', c);
		pipe->bytes--;
	} else if (pipe->ends[1] == 0) {
		want(0, rump_sys_read(fd, &c, 1));
	} else
		want_error(EAGAIN, rump_sys_read(fd, &c, 1));
}

static void
do_io(struct mtable *t, int fd)
{
	struct mfd *m = &t->fd[fd];
	char c = 'c';
	long rv;

	if (m->pipe == NULL) {
		want_error(EBADF, rump_sys_read(fd, &c, 1));
		return;
	}
	pthread_mutex_lock(&m->pipe->lock);
	if (m->pipe->tables == 0 && atomic_load(&t->wild) == 0)
		use_own_pipe(m, fd);
	else {
		rv = m->end == 1 ? rump_sys_write(fd, &c, 1)
				 : rump_sys_read(fd, &c, 1);
		if (rv == -1 && errno != EAGAIN && errno != EPIPE)
			differ("shared pipe: %ld", rv);
		if (rv == 1)
			m->pipe->bytes += m->end == 1 ? 1 : -1;
	}
	pthread_mutex_unlock(&m->pipe->lock);
	want_error(EBADF,
	    m->end == 1 ? rump_sys_read(fd, &c, 1) : rump_sys_write(fd, &c, 1));
}

static void
do_descriptor(void)
{
	static void (*const what[])(struct mtable *, int) = {
	    do_close, do_dup, do_dup2, do_fcntl, do_io, do_io};
	static const char *const names[] = {
	    "close", "dup", "dup2", "fcntl", "io", "io"};
	struct mtable *t;
	int k, fd;

	if (cur.lwp == NULL)
		return;
	t = cur.proc->table;
	k = (int)rnd(7);
	fd = (int)rnd(TABLE_FDS);
	pthread_mutex_lock(&t->lock);
	if (k == 6) {
		me->doing = "pipe";
		do_pipe(t);
	} else {
		me->doing = names[k];
		what[k](t, fd);
	}
	pthread_mutex_unlock(&t->lock);
}

/* A call on the table that nobody foresees, while others use it. */
static void
do_wild(void)
{
	int fd = (int)rnd(TABLE_FDS);
	struct mtable *t;
	struct stat sb;

	if (cur.lwp == NULL)
		return;
	t = cur.proc->table;
	atomic_fetch_add(&t->wild, 1);
	if (rump_sys_fstat(fd, &sb) == -1 && errno != EBADF)
		differ("fstat");
	if (rump_sys_fcntl(fd, F_GETFL) == -1 && errno != EBADF)
		differ("F_GETFL");
	atomic_fetch_sub(&t->wild, 1);
}

/*
 * Steps on what else a process has.
 */
static void
do_ids(void)
{
	struct mproc *p = cur.proc;

	if (p == NULL)
		return;
	pthread_mutex_lock(&p->lock);
	want(p->euid, rump_sys_geteuid());
	p->euid = (uid_t)rnd(3);
	want(0, rump_sys_seteuid(0));
	want(0, rump_sys_seteuid(p->euid));
	want(p->euid, rump_sys_geteuid());
	pthread_mutex_unlock(&p->lock);
}

static void
do_umask(void)
{
	struct mproc *p = cur.proc;
	mode_t mask = (mode_t)rnd(0777);

	if (p == NULL)
		return;
	pthread_mutex_lock(&p->lock);
	want(p->umask, rump_sys_umask(mask));
	p->umask = mask;
	pthread_mutex_unlock(&p->lock);
}

static void
do_group(void)
{
	pid_t pid;

	if (cur.proc == NULL)
		return;
	pid = cur.proc->pid;
	if (rnd(2) == 0) {
		if (rump_sys_setsid() == -1 && errno != EPERM)
			differ("setsid");
	} else if (rump_sys_setpgid(0, 0) == -1 && errno != EPERM)
		differ("setpgid");
	if (rump_sys_getpgid(pid) == -1 || rump_sys_getsid(0) == -1)
		differ("getpgid, getsid");
	if (rump_sys_kill(-pid, SIGUSR1) == -1 && errno != ESRCH &&
	    errno != EPERM)
		differ("kill");
}

static const struct action actions[] = {
    {10, "rfork", do_rfork},
    {15, "newlwp", do_newlwp},
    {30, "switch", do_switch},
    {6, "switch to NULL", leave},
    {24, "releaselwp", do_release},
    {70, "descriptor", do_descriptor},
    {10, "wild", do_wild},
    {6, "ids", do_ids},
    {4, "umask", do_umask},
    {4, "group", do_group},
    {4, "context", check_context},
};
#define NACTIONS (sizeof(actions) / sizeof(actions[0]))

static void *
tester_main(void *arg)
{
	me = arg;
	/* Without steps: only enter, for the records of host threads. */
	want(1, rump_sys_getpid());
	for (me->step = 0; me->step < steps; me->step++)
		one_step(actions, NACTIONS);
	me->doing = "end";
	leave();
	return NULL;
}

/* Release what is left. */
static void
drain(void)
{
	static struct tester self = {.id = -1, .random = 1, .doing = "drain"};

	me = &self;
	while (pool_take(&cur)) {
		rump_pub_lwproc_switch(cur.lwp);
		check_context();
		do_release();
	}
	me = NULL;
}

int
main(int argc, char **argv)
{
	struct rump_memstat start, end;
	long wanted;

	seed = argc > 1 ? strtoull(argv[1], NULL, 0) : 1;
	wanted = argc > 2 ? strtol(argv[2], NULL, 0) : 20000;
	rump_boot_setsigmodel(RUMP_SIGMODEL_IGNORE);
	if (rump_init() != 0)
		differ("rump_init");
	run_testers(0, tester_main);
	memstat(&start);
	for (int round = 0; round < 2; round++) {
		steps = wanted / 2;
		run_testers(seed + (uint64_t)round, tester_main);
		drain();
		memstat(&end);
		compare(&start, &end);
	}
	return 0;
}
