/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * inotify: its calls and its queue.  The events themselves are compared with
 * the host by tests/oracle/inotify.c.
 */
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>

#include <rump/rump_mount.h>

#include "../lib/child.h"
#include "../lib/tc.h"
#include "../lib/threads.h"

#define HEAD sizeof(struct inotify_event)

static int in;

static void
touch(const char *path)
{
	T_OK(rump_sys_close(
	    (int)T_OK(rump_sys_open(path, O_WRONLY | O_CREAT, 0600))));
}

static void
setup(void)
{
	rump_boot_setsigmodel(RUMP_SIGMODEL_RECORD);
	boot();
	(void)newproc(RUMP_RFCFDG);
	T_OK(rump_sys_mkdir("/d", 0700));
	touch("/d/f");
	in = (int)T_OK(rump_sys_inotify_init1(IN_NONBLOCK));
}

/* The next event, read alone. */
static void
expect(int wd, uint32_t mask, const char *name)
{
	char buf[HEAD + 256];
	struct inotify_event ev;
	ssize_t n;
	size_t size;

	/* One event and no more: make the buffer larger until it fits. */
	for (size = HEAD; size <= sizeof(buf); size += HEAD) {
		n = rump_sys_read(in, buf, size);
		if (n != -1 || errno != EINVAL)
			break;
	}
	T_OK(n);
	memcpy(&ev, buf, sizeof(ev));
	T_EQ(wd, ev.wd);
	T_EQ(mask, ev.mask);
	T_EQ(n, (ssize_t)(HEAD + ev.len));
	if (name == NULL)
		T_EQ(0, ev.len);
	else
		T_EQ(0, strcmp(name, buf + HEAD));
}

static void
expect_nothing(void)
{
	char buf[HEAD];

	T_ERR(EAGAIN, rump_sys_read(in, buf, sizeof(buf)));
}

TC(errors, "What makes no sense gives the errors of the host.")
{
	int fd, host = (int)T_OK(inotify_init1(0));

	setup();
	T_ERR(EINVAL, inotify_init1(1));
	T_ERR(EINVAL, rump_sys_inotify_init1(1));
	T_ERR(EINVAL, inotify_add_watch(host, "/", 0));
	T_ERR(EINVAL, rump_sys_inotify_add_watch(in, "/", 0));
	T_ERR(EINVAL, inotify_add_watch(-1, "/", 0));
	T_ERR(EINVAL, rump_sys_inotify_add_watch(-1, "/", 0));
	T_ERR(EBADF, inotify_add_watch(-1, "/", IN_OPEN));
	T_ERR(EBADF, rump_sys_inotify_add_watch(-1, "/", IN_OPEN));
	fd = (int)T_OK(open("/", O_RDONLY));
	T_ERR(EINVAL, inotify_add_watch(fd, "/", IN_OPEN));
	T_ERR(EINVAL, inotify_rm_watch(fd, 1));
	fd = (int)T_OK(rump_sys_open("/", O_RDONLY));
	T_ERR(EINVAL, rump_sys_inotify_add_watch(fd, "/", IN_OPEN));
	T_ERR(EINVAL, rump_sys_inotify_rm_watch(fd, 1));
	T_ERR(EINVAL, inotify_rm_watch(host, 1));
	T_ERR(EINVAL, rump_sys_inotify_rm_watch(in, 1));
	T_ERR(EBADF, rump_sys_inotify_rm_watch(-1, 1));
	T_ERR(ENOENT, rump_sys_inotify_add_watch(in, "/no", IN_OPEN));
	T_ERR(EFAULT, inotify_add_watch(host, NULL, IN_OPEN));
	T_ERR(EFAULT, rump_sys_inotify_add_watch(in, NULL, IN_OPEN));
	T_ERR(ENOTDIR,
	    rump_sys_inotify_add_watch(in, "/d/f", IN_OPEN | IN_ONLYDIR));
	T_ERR(EINVAL, rump_sys_inotify_add_watch(
			  in, "/d/f", IN_OPEN | IN_MASK_ADD | IN_MASK_CREATE));
	T_OK(rump_sys_chmod("/d/f", 0));
	T_OK(rump_sys_chmod("/d", 0755));
	T_OK(rump_sys_seteuid(1000));
	T_ERR(EACCES, rump_sys_inotify_add_watch(in, "/d/f", IN_OPEN));
	T_ERR(EBADF, write(host, "x", 1));
	T_ERR(EBADF, rump_sys_write(in, "x", 1));
}

TC(queue, "FIONREAD, small buffers, and what is the same again.")
{
	char buf[4 * HEAD];
	int wd, bytes;

	setup();
	wd = (int)T_OK(
	    rump_sys_inotify_add_watch(in, "/d", IN_CREATE | IN_DELETE));
	expect_nothing();
	touch("/d/g");
	T_OK(rump_sys_unlink("/d/g"));
	T_OK(rump_sys_ioctl(in, FIONREAD, &bytes));
	T_EQ(4 * (int)HEAD, bytes);
	T_ERR(EINVAL, rump_sys_read(in, buf, 2 * HEAD - 1));
	T_EQ(2 * (ssize_t)HEAD, rump_sys_read(in, buf, 4 * HEAD - 1));
	expect(wd, IN_DELETE, "g");
	T_OK(rump_sys_ioctl(in, FIONREAD, &bytes));
	T_EQ(0, bytes);
	expect_nothing();

	wd = (int)T_OK(rump_sys_inotify_add_watch(in, "/d/f", IN_ATTRIB));
	T_OK(rump_sys_chmod("/d/f", 0600));
	T_OK(rump_sys_chmod("/d/f", 0640));
	expect(wd, IN_ATTRIB, NULL);
	expect_nothing();
}

TC(ending, "IN_IGNORED when a watch ends; nothing after that.")
{
	int wd, again;

	setup();
	wd = (int)T_OK(rump_sys_inotify_add_watch(in, "/d/f", IN_ATTRIB));
	T_EQ(wd, rump_sys_inotify_add_watch(in, "/d/f", IN_OPEN));
	T_OK(rump_sys_chmod("/d/f", 0600));
	expect_nothing();
	T_OK(rump_sys_inotify_rm_watch(in, wd));
	expect(wd, IN_IGNORED, NULL);
	touch("/d/f");
	expect_nothing();
	T_ERR(EINVAL, rump_sys_inotify_rm_watch(in, wd));
	again = (int)T_OK(rump_sys_inotify_add_watch(in, "/d/f", IN_OPEN));
	T_EQ(wd + 1, again);
	touch("/d/f");
	expect(again, IN_OPEN, NULL);

	again = (int)T_OK(rump_sys_inotify_add_watch(
	    in, "/d", IN_OPEN | (uint32_t)IN_ONESHOT));
	touch("/d/f");
	expect(again, IN_OPEN, "f");
	expect(again, IN_IGNORED, NULL);
	expect(wd + 1, IN_OPEN, NULL);
	expect_nothing();
}

TC(overflow, "A full queue says so once, and goes on when it is read.")
{
	const int max = 16384; /* the host's default, too */
	char name[32];
	int wd, i;

	setup();
	wd = (int)T_OK(
	    rump_sys_inotify_add_watch(in, "/d", IN_CREATE | IN_DELETE));
	for (i = 0; i < max / 2 + 2; i++) {
		(void)snprintf(name, sizeof(name), "/d/%d", i);
		T_OK(rump_sys_symlink("x", name));
		T_OK(rump_sys_unlink(name));
	}
	for (i = 0; i < max / 2; i++) {
		(void)snprintf(name, sizeof(name), "%d", i);
		expect(wd, IN_CREATE, name);
		expect(wd, IN_DELETE, name);
	}
	expect(-1, IN_Q_OVERFLOW, NULL);
	expect_nothing();
	T_OK(rump_sys_symlink("x", "/d/again"));
	expect(wd, IN_CREATE, "again");
}

TC(unmount, "A file system that goes says so, and its watches end.")
{
	int wd, fd;

	setup();
	T_OK(rump_sys_mkdir("/mnt", 0700));
	T_OK(rump_sys_mount("tmpfs", "/mnt", 0, NULL, 0));
	touch("/mnt/f");
	wd = (int)T_OK(rump_sys_inotify_add_watch(in, "/mnt/f", IN_ALL_EVENTS));
	T_OK(rump_sys_unmount("/mnt", 0));
	expect(wd, IN_UNMOUNT, NULL);
	expect(wd, IN_IGNORED, NULL);
	expect_nothing();

	T_OK(rump_sys_mount("tmpfs", "/mnt", 0, NULL, 0));
	touch("/mnt/f");
	wd = (int)T_OK(rump_sys_inotify_add_watch(in, "/mnt", IN_OPEN));
	fd = (int)T_OK(rump_sys_open("/mnt/f", O_RDONLY));
	expect(wd, IN_OPEN, "f");
	T_OK(rump_sys_unmount("/mnt", RUMP_MNT_DETACH));
	expect_nothing();
	T_OK(rump_sys_close(fd));
	expect(wd, IN_UNMOUNT, NULL);
	expect(wd, IN_IGNORED, NULL);
}

TC(special_files, "What has no data tells of its attributes all the same.")
{
	int wd, fd;

	setup();
	T_OK(rump_sys_mkfifo("/d/p", 0600));
	wd = (int)T_OK(rump_sys_inotify_add_watch(in, "/d", IN_ALL_EVENTS));
	fd = (int)T_OK(rump_sys_open("/d/p", O_RDWR));
	expect(wd, IN_OPEN, "p");
	T_OK(rump_sys_fchmod(fd, 0644));
	expect(wd, IN_ATTRIB, "p");
	T_OK(rump_sys_close(fd));
	expect(wd, IN_CLOSE_WRITE, "p");
	expect_nothing();
}

/* A host thread that reads, in the process of the test. */
struct reader {
	struct thread thread;
	pid_t pid;
	_Atomic bool done;
	ssize_t ret;
	int error;
	char buf[HEAD];
};

static void
reader_main(struct thread *t)
{
	struct reader *r = t->t_arg;

	(void)newlwp(r->pid);
	thread_sleeps(t);
	r->ret = rump_sys_read(in, r->buf, sizeof(r->buf));
	r->error = errno;
	atomic_store(&r->done, true);
	rump_pub_lwproc_releaselwp();
}

static void
reader_start(struct reader *r)
{
	memset(r, 0, sizeof(*r));
	r->pid = rump_sys_getpid();
	thread_start(&r->thread, 0, reader_main, r);
	thread_await_asleep(&r->thread);
	T_EQ(false, atomic_load(&r->done));
}

TC(blocking, "Readers wait, are woken one by one, and can be interrupted.")
{
	struct reader a, b;
	int on = 0;

	tc_local();
	setup();
	T_OK(rump_sys_ioctl(in, FIONBIO, &on));
	T_OK(rump_sys_inotify_add_watch(in, "/d/f", IN_ATTRIB));
	reader_start(&a);
	reader_start(&b);
	T_OK(rump_sys_chmod("/d/f", 0600));
	thread_join(&a.thread);
	T_EQ((ssize_t)HEAD, a.ret);
	host_msleep(20);
	T_EQ(false, atomic_load(&b.done));
	T_OK(rump_sys_chmod("/d/f", 0600));
	thread_join(&b.thread);
	T_EQ((ssize_t)HEAD, b.ret);

	reader_start(&a);
	T_OK(rump_sys_kill(a.pid, SIGUSR1));
	thread_join(&a.thread);
	T_EQ(-1, a.ret);
	T_EQ(EINTR, a.error);
}

TC(closing, "The last close ends the watches of all that it watched.")
{
	int other, dup;

	setup();
	other = (int)T_OK(rump_sys_inotify_init());
	T_OK(rump_sys_inotify_add_watch(other, "/d", IN_ALL_EVENTS));
	T_OK(rump_sys_inotify_add_watch(other, "/d/f", IN_ALL_EVENTS));
	dup = (int)T_OK(rump_sys_dup(other));
	touch("/d/f");
	T_OK(rump_sys_close(other));
	T_OK(rump_sys_inotify_add_watch(dup, "/", IN_ALL_EVENTS));
	T_OK(rump_sys_close(dup));
	touch("/d/f");
	T_OK(rump_sys_unlink("/d/f"));
	T_OK(rump_sys_rmdir("/d"));
	expect_nothing();
}

#define STRESS_THREADS 4
#define STRESS_STEPS   (3000 / TC_SLOW)

/* Watches that come and go while names do. */
static void
stress_main(struct thread *t)
{
	uint64_t state = (uint64_t)t->t_id + 1;
	char buf[4096], path[32], to[32];
	int fd, i;

	(void)newproc(RUMP_RFCFDG);
	fd = (int)T_OK(rump_sys_inotify_init1(IN_NONBLOCK));
	for (i = 0; i < STRESS_STEPS; i++) {
		(void)snprintf(
		    path, sizeof(path), "/d/%d", (int)(rng(&state) % 4));
		(void)snprintf(to, sizeof(to), "/d/%d", (int)(rng(&state) % 4));
		switch (rng(&state) % 7) {
		case 0:
			(void)rump_sys_inotify_add_watch(fd,
			    rng(&state) % 2 == 0 ? "/d" : path, IN_ALL_EVENTS);
			break;
		case 1:
			(void)rump_sys_inotify_rm_watch(
			    fd, (int)(rng(&state) % 100));
			break;
		case 2:
			touch(path);
			break;
		case 3:
			(void)rump_sys_unlink(path);
			break;
		case 4:
			(void)rump_sys_rename(path, to);
			break;
		case 5:
			(void)rump_sys_read(fd, buf, sizeof(buf));
			break;
		default:
			T_OK(rump_sys_close(fd));
			fd = (int)T_OK(rump_sys_inotify_init1(IN_NONBLOCK));
		}
	}
	rump_pub_lwproc_releaselwp();
}

TC(coming_and_going, "Watches and names come and go at the same time.")
{
	setup();
	team_run(STRESS_THREADS, stress_main, NULL);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, errors);
	ATF_TP_ADD_TC(tp, queue);
	ATF_TP_ADD_TC(tp, ending);
	ATF_TP_ADD_TC(tp, overflow);
	ATF_TP_ADD_TC(tp, unmount);
	ATF_TP_ADD_TC(tp, special_files);
	ATF_TP_ADD_TC(tp, blocking);
	ATF_TP_ADD_TC(tp, closing);
	ATF_TP_ADD_TC(tp, coming_and_going);
	return atf_no_error();
}
