/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The filters of kqueue that collect what happens: VNODE, SIGNAL, TIMER, PROC;
 * and READ and WRITE of regular files and directories.
 */
#include <sys/inotify.h>

#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

#include <rump/rump_event.h>

#include "clock.h"
#include "files.h"
#include "threads.h"

#define ALL_NOTES 0x7ffu

static int kq;
static struct kevent got[8];

/* One change; -1 with errno if it fails. */
static int
change(uintptr_t ident, uint32_t filter, uint32_t flags, uint32_t fflags,
    int64_t data)
{
	struct kevent kev;

	EV_SET(&kev, ident, filter, flags, fflags, data, 0x1234);
	return rump_sys_kevent(kq, &kev, 1, NULL, 0, NULL);
}

static int
ready(void)
{
	static const struct timespec zero;

	return rump_sys_kevent(kq, NULL, 0, got, 8, &zero);
}

/* Wait for one event. */
static void
await(void)
{
	static const struct timespec most = {30, 0};

	T_EQ(1, rump_sys_kevent(kq, NULL, 0, got, 8, &most));
	T_PTR((void *)0x1234, got[0].udata);
}

/* What has happened to the one file that is watched. */
static uint32_t
notes(void)
{
	int n = ready();

	T_ASSERT(n == 0 || n == 1);
	if (n == 0)
		return 0;
	T_EQ(EVFILT_VNODE, got[0].filter);
	T_PTR((void *)0x1234, got[0].udata);
	return got[0].fflags;
}

static void
watch(int fd, uint32_t flags, uint32_t fflags)
{
	T_OK(change((uintptr_t)fd, EVFILT_VNODE, EV_ADD | flags, fflags, 0));
}

TC(vnode_file, "VNODE: what happens to a file.")
{
	int fd, other;
	char c;

	start();
	kq = (int)T_OK(rump_sys_kqueue());
	fd = make_open("f", 0600);
	watch(fd, EV_CLEAR, ALL_NOTES);
	T_EQ(0, notes());
	T_EQ(1, rump_sys_write(fd, "a", 1));
	T_EQ(NOTE_WRITE | NOTE_EXTEND, notes());
	T_EQ(0, notes());
	T_EQ(1, rump_sys_pwrite(fd, "b", 1, 0));
	T_EQ(NOTE_WRITE, notes());
	T_EQ(1, rump_sys_pread(fd, &c, 1, 0));
	T_EQ(NOTE_READ, notes());
	T_OK(rump_sys_ftruncate(fd, 10));
	T_EQ(NOTE_WRITE | NOTE_EXTEND, notes());
	T_OK(rump_sys_ftruncate(fd, 0));
	T_EQ(NOTE_WRITE, notes());
	T_OK(rump_sys_posix_fallocate(fd, 0, 5));
	T_EQ(NOTE_WRITE | NOTE_EXTEND, notes());
	T_OK(rump_sys_chmod("f", 0644));
	T_EQ(NOTE_ATTRIB, notes());
	T_OK(rump_sys_link("f", "g"));
	T_EQ(NOTE_LINK, notes());
	T_OK(rump_sys_rename("g", "h"));
	T_EQ(NOTE_RENAME, notes());
	T_OK(rump_sys_unlink("h"));
	T_EQ(NOTE_LINK, notes());
	other = (int)T_OK(rump_sys_open("f", O_RDONLY));
	T_EQ(NOTE_OPEN, notes());
	T_OK(rump_sys_close(other));
	T_EQ(NOTE_CLOSE, notes());
	other = (int)T_OK(rump_sys_open("f", O_WRONLY));
	T_OK(rump_sys_close(other));
	T_EQ(NOTE_OPEN | NOTE_CLOSE_WRITE, notes());
	T_OK(rump_sys_unlink("f"));
	T_EQ(NOTE_DELETE, notes());
	T_EQ(1, rump_sys_pwrite(fd, "b", 1, 0));
	T_EQ(NOTE_WRITE, notes());
	T_OK(rump_sys_close(fd));
	T_EQ(0, notes());
}

TC(vnode_replaced, "A file that another is renamed over has lost its name.")
{
	int fd;

	start();
	kq = (int)T_OK(rump_sys_kqueue());
	fd = make_open("f", 0600);
	make_file("g", 0600);
	watch(fd, EV_CLEAR, NOTE_DELETE | NOTE_RENAME | NOTE_LINK);
	T_OK(rump_sys_rename("g", "f"));
	T_EQ(NOTE_DELETE, notes());
	T_OK(rump_sys_unlink("f"));
	T_EQ(0, notes());
}

TC(vnode_directory, "VNODE: what happens in a directory.")
{
	int fd;

	start();
	kq = (int)T_OK(rump_sys_kqueue());
	T_OK(rump_sys_mkdir("d", 0700));
	fd = (int)T_OK(rump_sys_open("d", O_RDONLY | O_DIRECTORY));
	watch(fd, EV_CLEAR, ALL_NOTES);
	make_file("d/f", 0600);
	T_EQ(NOTE_WRITE, notes());
	T_OK(rump_sys_mkdir("d/e", 0700));
	T_EQ(NOTE_WRITE | NOTE_LINK, notes());
	T_OK(rump_sys_rename("d/f", "d/g"));
	T_EQ(NOTE_WRITE | NOTE_EXTEND, notes());
	T_OK(rump_sys_unlink("d/g"));
	T_EQ(NOTE_WRITE, notes());
	T_OK(rump_sys_rmdir("d/e"));
	T_EQ(NOTE_WRITE | NOTE_LINK, notes());
	T_OK(rump_sys_rmdir("d"));
	T_EQ(NOTE_DELETE, notes());
}

TC(vnode_ways, "Without EV_CLEAR it stays; what is not asked for is not told.")
{
	int fd, again;

	start();
	kq = (int)T_OK(rump_sys_kqueue());
	fd = make_open("f", 0600);
	again = (int)T_OK(rump_sys_open("f", O_RDWR));
	watch(fd, 0, NOTE_ATTRIB);
	T_EQ(1, rump_sys_write(fd, "a", 1));
	T_EQ(0, notes());
	T_OK(rump_sys_chmod("f", 0644));
	T_EQ(NOTE_ATTRIB, notes());
	T_EQ(NOTE_ATTRIB, notes());
	watch(fd, EV_CLEAR, NOTE_WRITE);
	T_EQ(NOTE_ATTRIB, notes());
	T_OK(rump_sys_chmod("f", 0644));
	T_EQ(0, notes());
	T_EQ(1, rump_sys_write(again, "a", 1));
	T_EQ(NOTE_WRITE, notes());
	T_OK(change((uintptr_t)fd, EVFILT_VNODE, EV_DISABLE, 0, 0));
	T_EQ(1, rump_sys_write(fd, "a", 1));
	T_EQ(0, notes());
	T_OK(change((uintptr_t)fd, EVFILT_VNODE, EV_ENABLE, 0, 0));
	T_EQ(NOTE_WRITE, notes());
	T_OK(change((uintptr_t)fd, EVFILT_VNODE, EV_DELETE, 0, 0));
	watch(fd, EV_ONESHOT, NOTE_WRITE);
	T_EQ(1, rump_sys_write(fd, "a", 1));
	T_EQ(NOTE_WRITE, notes());
	T_EQ(1, rump_sys_write(fd, "a", 1));
	T_EQ(0, notes());
	T_ERR(EINVAL, change((uintptr_t)fd, EVFILT_VNODE, EV_ADD, 0x800, 0));
	T_ERR(
	    EINVAL, change((uintptr_t)kq, EVFILT_VNODE, EV_ADD, NOTE_WRITE, 0));
	T_ERR(EBADF, change(99, EVFILT_VNODE, EV_ADD, NOTE_WRITE, 0));
}

/* What READ has of the one file that it is asked about; 0: nothing. */
static int64_t
rest(void)
{
	int n = ready();

	T_ASSERT(n == 0 || n == 1);
	if (n == 0)
		return 0;
	T_EQ(EVFILT_READ, got[0].filter);
	T_ASSERT(got[0].data != 0);
	return got[0].data;
}

TC(size_read, "READ of a regular file: what is left, or how far it is back.")
{
	struct iovec iov[2] = {{"ab", 2}, {"cd", 2}};
	char buf[8];
	int fd, other;

	start();
	kq = (int)T_OK(rump_sys_kqueue());
	fd = make_open("f", 0600);
	other = (int)T_OK(rump_sys_open("f", O_WRONLY | O_APPEND));
	T_OK(change((uintptr_t)fd, EVFILT_READ, EV_ADD, 0, 0));
	T_EQ(0, rest());
	T_EQ(4, rump_sys_writev(other, iov, 2));
	T_EQ(4, rest());
	T_EQ(4, rest());
	T_EQ(3, rump_sys_read(fd, buf, 3));
	T_EQ(1, rest());
	T_EQ(1, rump_sys_read(fd, buf, 3));
	T_EQ(0, rest());
	T_OK(rump_sys_ftruncate(other, 1));
	T_EQ(-3, rest());
	T_OK(rump_sys_ftruncate(other, 10));
	T_EQ(6, rest());
	T_OK(rump_sys_lseek(fd, 0, SEEK_END));
	T_EQ(0, rest());
	/* Its own writes, too; not what only changes attributes. */
	T_OK(rump_sys_chmod("f", 0640));
	T_EQ(0, rest());
	T_EQ(1, rump_sys_pwrite(fd, "e", 1, 20));
	T_EQ(11, rest());
	/* With a low water mark. */
	T_OK(change((uintptr_t)fd, EVFILT_READ, EV_ADD, NOTE_LOWAT, 12));
	T_EQ(0, rest());
	T_EQ(1, rump_sys_write(other, "f", 1));
	T_EQ(12, rest());
	T_OK(rump_sys_close(fd));
	T_EQ(1, rump_sys_write(other, "f", 1));
	T_EQ(0, rest());
}

TC(size_ways, "READ and WRITE of files with EV_CLEAR, EV_ONESHOT, EV_DISABLE.")
{
	int fd, other;

	start();
	kq = (int)T_OK(rump_sys_kqueue());
	fd = make_open("f", 0600);
	other = (int)T_OK(rump_sys_open("f", O_WRONLY | O_APPEND));
	T_OK(change((uintptr_t)fd, EVFILT_READ, EV_ADD | EV_CLEAR, 0, 0));
	T_EQ(1, rump_sys_write(other, "a", 1));
	T_EQ(1, rest());
	T_EQ(0, rest());
	T_EQ(1, rump_sys_write(other, "a", 1));
	T_EQ(2, rest());
	T_OK(change((uintptr_t)fd, EVFILT_READ, EV_DISABLE, 0, 0));
	T_EQ(1, rump_sys_write(other, "a", 1));
	T_EQ(0, rest());
	T_OK(change((uintptr_t)fd, EVFILT_READ, EV_ENABLE, 0, 0));
	T_EQ(3, rest());
	T_OK(change((uintptr_t)fd, EVFILT_READ, EV_DELETE, 0, 0));
	T_OK(change((uintptr_t)fd, EVFILT_WRITE, EV_ADD, 0, 0));
	T_EQ(1, ready());
	T_EQ(EVFILT_WRITE, got[0].filter);
	T_EQ(0, got[0].data);
	T_EQ(1, ready());
	T_OK(change((uintptr_t)fd, EVFILT_WRITE, EV_ADD | EV_CLEAR, 0, 0));
	T_EQ(1, ready());
	T_EQ(0, ready());
	T_EQ(1, rump_sys_write(other, "a", 1));
	T_EQ(1, ready());
	T_OK(change((uintptr_t)fd, EVFILT_WRITE, EV_ADD | EV_ONESHOT, 0, 0));
	T_EQ(1, ready());
	T_EQ(1, rump_sys_write(other, "a", 1));
	T_EQ(0, ready());
}

TC(size_directory, "READ and WRITE of directories.")
{
	struct stat sb;
	char buf[4096];
	int fd, i, n;

	start();
	kq = (int)T_OK(rump_sys_kqueue());
	T_OK(rump_sys_mkdir("d", 0700));
	for (i = 0; i < 3; i++) {
		(void)snprintf(buf, sizeof(buf), "d/%d", i);
		make_file(buf, 0600);
	}
	fd = (int)T_OK(rump_sys_open("d", O_RDONLY | O_DIRECTORY));
	T_OK(change((uintptr_t)fd, EVFILT_READ, EV_ADD | EV_CLEAR, 0, 0));
	T_OK(rump_sys_fstat(fd, &sb));
	T_EQ(sb.st_size, rest());
	T_EQ(0, rest());
	make_file("d/new", 0600);
	n = ready();
	T_OK(rump_sys_fstat(fd, &sb));
	T_EQ(sb.st_size != 0, n);
	T_OK(change((uintptr_t)fd, EVFILT_READ, EV_DELETE, 0, 0));
	T_OK(change((uintptr_t)fd, EVFILT_WRITE, EV_ADD, 0, 0));
	T_EQ(1, ready());
}

static int growing[2]; /* a process, and a descriptor of it */

static void
grow(struct thread *t)
{
	(void)t;
	T_EQ(0, rump_pub_lwproc_newlwp(growing[0]));
	host_msleep(50);
	T_EQ(3, rump_sys_pwrite(growing[1], "abc", 3, 0));
	rump_pub_lwproc_releaselwp();
}

TC(size_wakes, "Who waits for a file to grow is woken.")
{
	struct thread t;

	start();
	(void)newproc(RUMP_RFFDG);
	kq = (int)T_OK(rump_sys_kqueue());
	growing[0] = rump_sys_getpid();
	growing[1] = make_open("f", 0600);
	T_OK(change((uintptr_t)growing[1], EVFILT_READ, EV_ADD, 0, 0));
	thread_start(&t, 0, grow, NULL);
	await();
	T_EQ(3, got[0].data);
	thread_join(&t);
}

TC(vnode_and_inotify, "Kevents and inotify of the same files, in both orders.")
{
	char buf[4096];
	int dir, in;

	start();
	kq = (int)T_OK(rump_sys_kqueue());
	T_OK(rump_sys_mkdir("d", 0700));
	make_file("d/f", 0600);
	dir = (int)T_OK(rump_sys_open("d", O_RDONLY));
	watch(dir, EV_CLEAR, NOTE_WRITE);
	/* Names of the directory are known, although it was watched before. */
	in = (int)T_OK(rump_sys_inotify_init1(IN_NONBLOCK));
	T_OK(rump_sys_inotify_add_watch(in, "d", IN_ATTRIB | IN_CREATE));
	T_OK(rump_sys_chmod("d/f", 0644));
	T_ASSERT(rump_sys_read(in, buf, sizeof(buf)) > 0);
	T_EQ(0, strcmp("f", ((struct inotify_event *)(void *)buf)->name));
	make_file("d/g", 0600);
	T_EQ(NOTE_WRITE, notes());
	T_ASSERT(rump_sys_read(in, buf, sizeof(buf)) > 0);
	/* Each ends without the other. */
	T_OK(rump_sys_close(in));
	make_file("d/h", 0600);
	T_EQ(NOTE_WRITE, notes());
	in = (int)T_OK(rump_sys_inotify_init1(IN_NONBLOCK));
	T_OK(rump_sys_inotify_add_watch(in, "d", IN_CREATE));
	T_OK(rump_sys_close(dir));
	make_file("d/i", 0600);
	T_EQ(0, notes());
	T_ASSERT(rump_sys_read(in, buf, sizeof(buf)) > 0);
	T_OK(rump_sys_close(in));
	T_OK(rump_sys_unlink("d/i"));
}

static void
nothing(int signo)
{
	(void)signo;
}

TC(signals, "SIGNAL counts what is posted, whatever becomes of it.")
{
	struct sigaction sa = {.sa_handler = SIG_IGN};
	sigset_t set;

	start();
	kq = (int)T_OK(rump_sys_kqueue());
	T_ERR(EINVAL, change(0, EVFILT_SIGNAL, EV_ADD, 0, 0));
	T_ERR(EINVAL, change(65, EVFILT_SIGNAL, EV_ADD, 0, 0));
	T_OK(change(SIGUSR1, EVFILT_SIGNAL, EV_ADD, 0, 0));
	T_OK(rump_sys_sigaction(SIGUSR1, &sa, NULL));
	T_EQ(0, ready());
	T_OK(rump_sys_kill(rump_sys_getpid(), SIGUSR1));
	T_OK(rump_sys_kill(rump_sys_getpid(), SIGUSR1));
	T_OK(rump_sys_kill(rump_sys_getpid(), SIGUSR2));
	T_EQ(1, ready());
	T_EQ(SIGUSR1, got[0].ident);
	T_EQ(EVFILT_SIGNAL, got[0].filter);
	T_EQ(2, got[0].data);
	T_PTR((void *)0x1234, got[0].udata);
	T_EQ(0, ready());
	/* Caught, and blocked and pending. */
	sa.sa_handler = nothing;
	T_OK(rump_sys_sigaction(SIGUSR1, &sa, NULL));
	T_OK(rump_sys_kill(rump_sys_getpid(), SIGUSR1));
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	T_OK(rump_sys_sigprocmask(SIG_BLOCK, &set, NULL));
	T_OK(rump_sys_kill(rump_sys_getpid(), SIGUSR1));
	T_OK(rump_sys_kill(rump_sys_getpid(), SIGUSR1));
	T_EQ(1, ready());
	T_EQ(3, got[0].data);
	/* Of the process that added it only. */
	release(newproc(RUMP_RFCFDG));
}

TC(signals_of_who_added, "It is about the process that added it; then it ends.")
{
	struct lwp *me, *child;
	pid_t pid;

	start();
	kq = (int)T_OK(rump_sys_kqueue());
	me = rump_pub_lwproc_curlwp();
	child = newproc(0);
	pid = rump_sys_getpid();
	T_OK(change(SIGUSR1, EVFILT_SIGNAL, EV_ADD, 0, 0));
	rump_pub_lwproc_switch(me);
	T_OK(rump_sys_kill(rump_sys_getpid(), SIGUSR1));
	T_EQ(0, ready());
	T_OK(rump_sys_kill(pid, SIGUSR1));
	T_EQ(1, ready());
	T_EQ(1, got[0].data);
	release(child);
	T_EQ(0, ready());
	T_OK(change(SIGUSR1, EVFILT_SIGNAL, EV_DELETE, 0, 0));
	T_OK(change(SIGUSR1, EVFILT_SIGNAL, EV_ADD, 0, 0));
	T_OK(rump_sys_kill(rump_sys_getpid(), SIGUSR1));
	T_EQ(1, ready());
}

TC(timer_periodic, "TIMER: milliseconds, and how often it was due.")
{
	int64_t begin, n = 0;

	start();
	kq = (int)T_OK(rump_sys_kqueue());
	begin = host_now();
	T_OK(change(7, EVFILT_TIMER, EV_ADD, 0, 5));
	while (n < 10) {
		await();
		T_EQ(7, got[0].ident);
		T_EQ(EVFILT_TIMER, got[0].filter);
		T_ASSERT(got[0].data >= 1);
		n += got[0].data;
	}
	T_ASSERT(host_now() - begin >= n * 5 * MSEC);
	/* What nobody collects is counted. */
	host_msleep(60);
	await();
	T_ASSERT(got[0].data >= 5);
	T_OK(change(7, EVFILT_TIMER, EV_DELETE, 0, 0));
	host_msleep(20);
	T_EQ(0, ready());
	T_ERR(ENOENT, change(7, EVFILT_TIMER, EV_DELETE, 0, 0));
}

TC(timer_units, "TIMER: once, in other units, and until a time.")
{
	static const struct {
		uint32_t note;
		int64_t data, ns;
	} units[] = {{NOTE_MSECONDS, 20, 20 * MSEC},
	    {NOTE_USECONDS, 20000, 20 * MSEC},
	    {NOTE_NSECONDS, 20 * MSEC, 20 * MSEC}, {NOTE_SECONDS, 1, SEC}};
	int64_t begin;

	start();
	kq = (int)T_OK(rump_sys_kqueue());
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		begin = host_now();
		T_OK(change(i, EVFILT_TIMER, EV_ADD | EV_ONESHOT, units[i].note,
		    units[i].data));
		await();
		T_TOOK(units[i].ns, begin);
		T_EQ(1, got[0].data);
		T_ERR(ENOENT, change(i, EVFILT_TIMER, EV_DELETE, 0, 0));
	}
	begin = host_now();
	T_OK(change(1, EVFILT_TIMER, EV_ADD, NOTE_ABSTIME | NOTE_NSECONDS,
	    now_by(CLOCK_REALTIME) + 20 * MSEC));
	await();
	T_TOOK(20 * MSEC, begin);
	/* Once; and one that is past is due at once. */
	host_msleep(50);
	T_EQ(0, ready());
	T_OK(change(1, EVFILT_TIMER, EV_ADD, NOTE_ABSTIME | NOTE_SECONDS, 1));
	await();
	T_ERR(EINVAL, change(2, EVFILT_TIMER, EV_ADD, 0, -1));
	T_ERR(EINVAL, change(2, EVFILT_TIMER, EV_ADD, 0x20, 1));
	T_ERR(ENOENT, change(2, EVFILT_TIMER, EV_DELETE, 0, 0));
	T_OK(change(2, EVFILT_TIMER, EV_ADD, NOTE_SECONDS, INT64_MAX));
	T_EQ(0, ready());
	/* Added again it is set again. */
	T_OK(change(2, EVFILT_TIMER, EV_ADD, 0, 1));
	await();
	T_EQ(2, got[0].ident);
}

TC(proc_exit, "PROC: the status of who has ended, also if it had before.")
{
	struct sigaction sa = {.sa_handler = nothing};
	struct lwp *me;
	pid_t pid;

	start();
	kq = (int)T_OK(rump_sys_kqueue());
	me = rump_pub_lwproc_curlwp();
	T_OK(rump_sys_sigaction(SIGCHLD, &sa, NULL));
	(void)newproc(RUMP_RFCFDG);
	pid = rump_sys_getpid();
	struct lwp *child = rump_pub_lwproc_curlwp();

	rump_pub_lwproc_switch(me);
	T_OK(change((uintptr_t)pid, EVFILT_PROC, EV_ADD, NOTE_EXIT, 0));
	rump_pub_lwproc_switch(child);
	T_OK(rump_sys_exit(3));
	rump_pub_lwproc_switch(me);
	for (int i = 0; i < 2; i++) {
		T_EQ(1, ready());
		T_EQ(pid, got[0].ident);
		T_EQ(NOTE_EXIT, got[0].fflags);
		T_EQ(EV_EOF, got[0].flags & EV_EOF);
		T_EQ(3 << 8, got[0].data);
		T_EQ(0, ready());
		/* It is a zombie. */
		T_OK(change((uintptr_t)pid, EVFILT_PROC, EV_ADD, NOTE_EXIT, 0));
	}
	T_EQ(pid, rump_sys_wait(NULL));
	T_EQ(1, ready());
	T_ERR(ESRCH, change((uintptr_t)pid, EVFILT_PROC, EV_ADD, NOTE_EXIT, 0));
	T_ERR(EINVAL,
	    change((uintptr_t)rump_sys_getpid(), EVFILT_PROC, EV_ADD, 8, 0));
}

/* The event about a process. */
static const struct kevent *
about(pid_t pid, int n)
{
	for (int i = 0; i < n; i++)
		if (got[i].ident == (uintptr_t)pid)
			return &got[i];
	return NULL;
}

TC(proc_track, "PROC: forks, and kevents for the children.")
{
	struct lwp *me, *parent, *child;
	pid_t ppid, pid;
	const struct kevent *kev;

	start();
	kq = (int)T_OK(rump_sys_kqueue());
	me = rump_pub_lwproc_curlwp();
	parent = newproc(RUMP_RFCFDG);
	ppid = rump_sys_getpid();
	rump_pub_lwproc_switch(me);
	T_OK(change((uintptr_t)ppid, EVFILT_PROC, EV_ADD,
	    NOTE_EXIT | NOTE_FORK | NOTE_EXEC, 0));
	rump_pub_lwproc_switch(parent);
	T_EQ(0, rump_pub_lwproc_rfork(RUMP_RFCFDG));
	rump_pub_lwproc_releaselwp();
	rump_pub_lwproc_switch(me);
	T_EQ(1, ready());
	T_EQ(NOTE_FORK, got[0].fflags);
	T_EQ(0, ready());
	/* Now the children, too, and theirs. */
	T_OK(change((uintptr_t)ppid, EVFILT_PROC, EV_ADD,
	    NOTE_EXIT | NOTE_FORK | NOTE_TRACK, 0));
	rump_pub_lwproc_switch(parent);
	T_EQ(0, rump_pub_lwproc_rfork(RUMP_RFCFDG));
	child = rump_pub_lwproc_curlwp();
	pid = rump_sys_getpid();
	rump_pub_lwproc_switch(me);
	T_EQ(2, ready());
	kev = about(ppid, 2);
	T_ASSERT(kev != NULL && kev->fflags == NOTE_FORK);
	kev = about(pid, 2);
	T_ASSERT(kev != NULL && kev->fflags == NOTE_CHILD);
	T_EQ(ppid, kev->data);
	T_PTR((void *)0x1234, kev->udata);
	T_EQ(0, ready());
	rump_pub_lwproc_switch(child);
	T_EQ(0, rump_pub_lwproc_rfork(RUMP_RFCFDG));
	rump_pub_lwproc_releaselwp();
	release(child);
	rump_pub_lwproc_switch(me);
	T_EQ(2, ready());
	kev = about(pid, 2);
	T_ASSERT(kev != NULL);
	T_EQ(NOTE_FORK | NOTE_EXIT, kev->fflags);
	release(parent);
	T_EQ(1, ready());
	T_EQ(NOTE_EXIT, got[0].fflags);
}

/* Children come while kqueues that track them are made and closed. */
static _Atomic bool done;

static void
forker(struct thread *t)
{
	rump_pub_lwproc_switch(t->t_arg);
	for (int i = 0; i < 4000 / TC_SLOW; i++) {
		T_EQ(0, rump_pub_lwproc_rfork(RUMP_RFCFDG));
		rump_pub_lwproc_releaselwp();
		rump_pub_lwproc_switch(t->t_arg);
	}
	atomic_store(&done, true);
	rump_pub_lwproc_releaselwp();
}

TC(proc_track_race, "Tracking and closing at once.")
{
	struct lwp *parent;
	struct thread t;
	pid_t ppid;
	int fd;

	start();
	kq = (int)T_OK(rump_sys_kqueue());
	struct lwp *me = rump_pub_lwproc_curlwp();

	parent = newproc(RUMP_RFCFDG);
	ppid = rump_sys_getpid();
	rump_pub_lwproc_switch(me);
	thread_start(&t, 0, forker, parent);
	while (!atomic_load(&done)) {
		fd = kq;
		kq = (int)T_OK(rump_sys_kqueue());
		T_OK(rump_sys_close(fd));
		if (change((uintptr_t)ppid, EVFILT_PROC, EV_ADD,
			NOTE_TRACK | NOTE_EXIT, 0) == -1)
			break;
		(void)ready();
	}
	thread_join(&t);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, vnode_file);
	ATF_TP_ADD_TC(tp, vnode_replaced);
	ATF_TP_ADD_TC(tp, vnode_directory);
	ATF_TP_ADD_TC(tp, vnode_ways);
	ATF_TP_ADD_TC(tp, size_read);
	ATF_TP_ADD_TC(tp, size_ways);
	ATF_TP_ADD_TC(tp, size_directory);
	ATF_TP_ADD_TC(tp, size_wakes);
	ATF_TP_ADD_TC(tp, vnode_and_inotify);
	ATF_TP_ADD_TC(tp, signals);
	ATF_TP_ADD_TC(tp, signals_of_who_added);
	ATF_TP_ADD_TC(tp, timer_periodic);
	ATF_TP_ADD_TC(tp, timer_units);
	ATF_TP_ADD_TC(tp, proc_exit);
	ATF_TP_ADD_TC(tp, proc_track);
	ATF_TP_ADD_TC(tp, proc_track_race);
	return atf_no_error();
}
