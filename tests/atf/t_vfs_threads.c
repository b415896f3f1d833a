/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files that several host threads use at the same time.
 */
#include <stdatomic.h>

#include "../lib/files.h"
#include "../lib/threads.h"

#define NUSERS 4
#define NBYTES 8192

struct shared {
	pid_t pid;
	int fd;
	int rounds;
	pthread_barrier_t barrier;
};

static void
shared_init(struct shared *s, int rounds)
{
	start();
	s->pid = rump_sys_getpid();
	s->fd = make_open("f", 0600);
	s->rounds = rounds;
	T_EQ(0, pthread_barrier_init(&s->barrier, NULL, NUSERS));
}

static void
write_all(int fd, char c)
{
	char buf[NBYTES];

	memset(buf, c, sizeof(buf));
	T_EQ(NBYTES, rump_sys_pwrite(fd, buf, sizeof(buf), 0));
}

static void
read_all(int fd)
{
	char buf[NBYTES];

	T_EQ(NBYTES, rump_sys_pread(fd, buf, sizeof(buf), 0));
	T_EQ(0, memcmp(buf, buf + 1, NBYTES - 1));
}

static void
read_and_write(struct thread *t)
{
	struct shared *s = t->t_arg;
	struct lwp *l = newlwp(s->pid);

	for (int i = 0; i < s->rounds; i++) {
		if (t->t_id % 2 == 0)
			write_all(s->fd, (char)('a' + t->t_id));
		else
			read_all(s->fd);
	}
	release(l);
}

TC(transfers_are_whole, "A read sees all of a write or nothing.")
{
	struct shared s;

	shared_init(&s, 20000 / TC_SLOW);
	write_all(s.fd, 'x');
	team_run(NUSERS, read_and_write, &s);
}

/* Each round everybody comes once, at the same time, and then nobody. */
static void
meet(struct thread *t)
{
	struct shared *s = t->t_arg;
	struct lwp *l = newlwp(s->pid);
	uint64_t random = (uint64_t)t->t_id + 1;

	for (int i = 0; i < s->rounds; i++) {
		(void)pthread_barrier_wait(&s->barrier);
		if (rng(&random) % 2 == 0)
			write_all(s->fd, 'y');
		else
			read_all(s->fd);
	}
	release(l);
}

TC(nobody_is_left_waiting,
    "Readers and writers all go on, though nobody comes after them.")
{
	struct shared s;

	shared_init(&s, 20000 / TC_SLOW);
	write_all(s.fd, 'x');
	team_run(NUSERS, meet, &s);
}

/* Append records of one's own. */
static void
append(struct thread *t)
{
	struct shared *s = t->t_arg;
	struct lwp *l = newlwp(s->pid);
	int fd = (int)T_OK(rump_sys_open("log", O_WRONLY | O_APPEND));

	for (int i = 0; i < s->rounds; i++) {
		int record[2] = {t->t_id, i};

		T_EQ(sizeof(record),
		    rump_sys_write(
			t->t_id % 2 == 0 ? fd : s->fd, record, sizeof(record)));
	}
	T_OK(rump_sys_close(fd));
	release(l);
}

TC(appends_are_all_there,
    "Nothing that is appended is lost, and each thread's is in order.")
{
	struct shared s;
	int record[2], next[NUSERS] = {0}, fd;

	shared_init(&s, 20000 / TC_SLOW);
	make_file("log", 0600);
	s.fd = (int)T_OK(rump_sys_open("log", O_WRONLY | O_APPEND));
	team_run(NUSERS, append, &s);
	fd = (int)T_OK(rump_sys_open("log", O_RDONLY));
	while (rump_sys_read(fd, record, sizeof(record)) == sizeof(record)) {
		T_ASSERT(record[0] >= 0 && record[0] < NUSERS);
		T_EQ(next[record[0]]++, record[1]);
	}
	for (int i = 0; i < NUSERS; i++)
		T_EQ(s.rounds, next[i]);
}

/* Everybody makes the same name; one may. */
struct contest {
	struct shared shared;
	_Atomic int made, removed;
};

static void
make_the_same(struct thread *t)
{
	struct contest *c = t->t_arg;
	struct lwp *l = newlwp(c->shared.pid);
	int fd;

	for (int i = 0; i < c->shared.rounds; i++) {
		fd = rump_sys_open("one", O_WRONLY | O_CREAT | O_EXCL, 0600);
		if (fd != -1) {
			atomic_fetch_add(&c->made, 1);
			T_OK(rump_sys_close(fd));
		} else
			T_EQ(EEXIST, errno);
		if (rump_sys_unlink("one") == 0)
			atomic_fetch_add(&c->removed, 1);
		else
			T_EQ(ENOENT, errno);
	}
	release(l);
}

TC(one_makes_and_one_removes,
    "Of those who make or remove the same name one succeeds.")
{
	struct contest c = {.made = 0};

	shared_init(&c.shared, 20000 / TC_SLOW);
	team_run(NUSERS, make_the_same, &c);
	T_ASSERT(!exists("one"));
	T_EQ(c.made, c.removed);
	T_ASSERT(c.made >= c.shared.rounds);
}

struct places {
	struct shared shared;
	int fd[4];
	ino_t ino[4];
};

/* Between two directories each: one the working one, the other the root. */
static void
change_place(struct thread *t)
{
	struct places *p = t->t_arg;
	struct lwp *l = newlwp(p->shared.pid);
	bool root = t->t_id == 1;
	struct stat sb;

	for (int i = 0; i < p->shared.rounds; i++) {
		int k = (i & 1) + (root ? 2 : 0);

		T_OK(root ? rump_sys_fchroot(p->fd[k])
			  : rump_sys_fchdir(p->fd[k]));
		T_OK(rump_sys_stat(root ? "/" : ".", &sb));
		T_EQ(p->ino[k], sb.st_ino);
	}
	release(l);
}

TC(places_change_at_once, "Working and root directory: no change is lost.")
{
	struct places p;
	char name[] = "0";
	struct stat sb;

	shared_init(&p.shared, 40000 / TC_SLOW);
	for (int k = 0; k < 4; k++) {
		name[0] = (char)('0' + k);
		T_OK(rump_sys_mkdir(name, 0755));
		p.fd[k] = (int)T_OK(rump_sys_open(name, O_RDONLY));
		T_OK(rump_sys_fstat(p.fd[k], &sb));
		p.ino[k] = sb.st_ino;
	}
	team_run(2, change_place, &p);
}

/* A list that lets user 5 read, and not write. */
static const uint16_t list[] = {2, 0, 1, 6, 0xffff, 0xffff, 2, 4, 5, 0, 4, 0,
    0xffff, 0xffff, 16, 4, 0xffff, 0xffff, 32, 0, 0xffff, 0xffff};

static void
list_set(struct shared *s)
{
	static const char access[] = "system.posix_acl_access";
	static const char inherited[] = "system.posix_acl_default";

	T_OK(rump_sys_fsetxattr(s->fd, access, list, sizeof(list), 0));
	T_OK(rump_sys_setxattr("d", inherited, list, sizeof(list), 0));
	T_OK(rump_sys_fremovexattr(s->fd, access));
	T_OK(rump_sys_removexattr("d", inherited));
}

static void
list_use(void)
{
	int r = rump_sys_access("f", R_OK), fd;

	T_ASSERT(r == 0 || errno == EACCES);
	T_ERR(EACCES, rump_sys_access("f", W_OK));
	fd = rump_sys_open("d/new", O_RDWR | O_CREAT, 0666);
	T_OK(fd);
	T_OK(rump_sys_close(fd));
	T_OK(rump_sys_unlink("d/new"));
}

static void
change_and_use(struct thread *t)
{
	struct shared *s = t->t_arg;
	struct lwp *l = newlwp(s->pid);

	if (t->t_id != 0) {
		T_OK(rump_pub_lwproc_rfork(RUMP_RFFDG));
		T_OK(rump_sys_setuid(5));
	}
	for (int i = 0; i < s->rounds; i++)
		if (t->t_id == 0)
			list_set(s);
		else
			list_use();
	if (t->t_id != 0)
		rump_pub_lwproc_switch(l);
	release(l);
}

TC(lists_change, "Who may is decided while access control lists come and go.")
{
	struct shared s;

	shared_init(&s, 20000 / TC_SLOW);
	T_OK(rump_sys_mkdir("d", 0777));
	T_OK(rump_sys_chmod("d", 0777));
	team_run(2, change_and_use, &s);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, transfers_are_whole);
	ATF_TP_ADD_TC(tp, nobody_is_left_waiting);
	ATF_TP_ADD_TC(tp, appends_are_all_there);
	ATF_TP_ADD_TC(tp, one_makes_and_one_removes);
	ATF_TP_ADD_TC(tp, places_change_at_once);
	ATF_TP_ADD_TC(tp, lists_change);
	return atf_no_error();
}
