/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fifos: pipes with a name.
 */
#include <sys/stat.h>

#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>

#include "../lib/tc.h"
#include "../lib/threads.h"

/* A process with a fifo, and a host thread that opens it there. */
struct opener {
	struct thread thread;
	pid_t pid;
	int flags;
	_Atomic bool done;
	int fd, error;
};

static void
make_fifo(void)
{
	boot();
	(void)newproc(RUMP_RFCFDG);
	T_OK(rump_sys_mkfifo("/fifo", 0600));
}

static void
opener_main(struct thread *t)
{
	struct opener *o = t->t_arg;

	(void)newlwp(o->pid);
	thread_sleeps(t);
	o->fd = rump_sys_open("/fifo", o->flags);
	o->error = errno;
	rump_pub_lwproc_releaselwp();
	atomic_store(&o->done, true);
}

static void
opener_start(struct opener *o, int flags)
{
	memset(o, 0, sizeof(*o));
	o->pid = rump_sys_getpid();
	o->flags = flags;
	thread_start(&o->thread, 0, opener_main, o);
	thread_await_asleep(&o->thread);
}

static int
opener_ends(struct opener *o)
{
	thread_join(&o->thread);
	T_OK(o->fd);
	return o->fd;
}

TC(opening_waits_for_the_other_end, "Readers for a writer, and the reverse.")
{
	struct opener o;
	int r, w;
	char c;

	make_fifo();
	opener_start(&o, O_RDONLY);
	T_EQ(false, atomic_load(&o.done));
	w = (int)T_OK(rump_sys_open("/fifo", O_WRONLY));
	r = opener_ends(&o);
	T_EQ(1, rump_sys_write(w, "x", 1));
	T_EQ(1, rump_sys_read(r, &c, 1));
	T_EQ('x', c);
	T_OK(rump_sys_close(r));
	T_OK(rump_sys_close(w));

	opener_start(&o, O_WRONLY);
	T_EQ(false, atomic_load(&o.done));
	r = (int)T_OK(rump_sys_open("/fifo", O_RDONLY));
	w = opener_ends(&o);
	T_EQ(1, rump_sys_write(w, "y", 1));
	T_EQ(1, rump_sys_read(r, &c, 1));
	T_EQ('y', c);
}

TC(opening_without_waiting, "O_NONBLOCK: readers get it, writers ENXIO.")
{
	char c;
	int r, w;

	make_fifo();
	T_ERR(ENXIO, rump_sys_open("/fifo", O_WRONLY | O_NONBLOCK));
	r = (int)T_OK(rump_sys_open("/fifo", O_RDONLY | O_NONBLOCK));
	T_EQ(0, rump_sys_read(r, &c, 1));
	w = (int)T_OK(rump_sys_open("/fifo", O_WRONLY | O_NONBLOCK));
	T_ERR(EAGAIN, rump_sys_read(r, &c, 1));
	T_EQ(1, rump_sys_write(w, "x", 1));
	T_EQ(1, rump_sys_read(r, &c, 1));
	T_OK(rump_sys_close(w));
	T_EQ(0, rump_sys_read(r, &c, 1));
}

TC(opening_for_both, "O_RDWR waits for nobody.")
{
	char c;
	int fd;

	make_fifo();
	fd = (int)T_OK(rump_sys_open("/fifo", O_RDWR));
	T_EQ(1, rump_sys_write(fd, "x", 1));
	T_EQ(1, rump_sys_read(fd, &c, 1));
	T_EQ('x', c);
}

TC(interrupted_open, "EINTR, and the end does not count as open.")
{
	struct opener o;

	tc_local();
	rump_boot_setsigmodel(RUMP_SIGMODEL_RECORD);
	make_fifo();
	opener_start(&o, O_RDONLY);
	T_EQ(false, atomic_load(&o.done));
	T_OK(rump_sys_kill(o.pid, SIGUSR1));
	thread_join(&o.thread);
	T_EQ(-1, o.fd);
	T_EQ(EINTR, o.error);
	T_ERR(ENXIO, rump_sys_open("/fifo", O_WRONLY | O_NONBLOCK));
}

TC(data_goes_with_the_last_file, "A fifo that nobody has open is empty.")
{
	char c;
	int fd;

	make_fifo();
	fd = (int)T_OK(rump_sys_open("/fifo", O_RDWR | O_NONBLOCK));
	T_EQ(1, rump_sys_write(fd, "x", 1));
	T_EQ(4096, rump_sys_fcntl(fd, F_SETPIPE_SZ, 4096UL));
	T_OK(rump_sys_close(fd));
	fd = (int)T_OK(rump_sys_open("/fifo", O_RDWR | O_NONBLOCK));
	T_ERR(EAGAIN, rump_sys_read(fd, &c, 1));
	T_EQ(65536, rump_sys_fcntl(fd, F_GETPIPE_SZ));
}

TC(what_it_is, "fstat of the open fifo is stat of its name.")
{
	struct stat a, b;
	int fd;

	make_fifo();
	fd = (int)T_OK(rump_sys_open("/fifo", O_RDWR));
	T_OK(rump_sys_stat("/fifo", &a));
	T_OK(rump_sys_fstat(fd, &b));
	T_EQ(S_IFIFO | 0600, b.st_mode);
	T_ASSERT(a.st_ino == b.st_ino && a.st_dev == b.st_dev);
	T_ERR(ESPIPE, rump_sys_lseek(fd, 0, SEEK_SET));
}

TC(it_outlives_its_name, "Unlinked, it goes on for who has it open.")
{
	char c;
	int r, w;

	make_fifo();
	r = (int)T_OK(rump_sys_open("/fifo", O_RDONLY | O_NONBLOCK));
	w = (int)T_OK(rump_sys_open("/fifo", O_WRONLY));
	T_OK(rump_sys_unlink("/fifo"));
	T_EQ(1, rump_sys_write(w, "x", 1));
	T_EQ(1, rump_sys_read(r, &c, 1));
	T_OK(rump_sys_close(r));
	T_ERR(EPIPE, rump_sys_write(w, "x", 1));
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, opening_waits_for_the_other_end);
	ATF_TP_ADD_TC(tp, opening_without_waiting);
	ATF_TP_ADD_TC(tp, opening_for_both);
	ATF_TP_ADD_TC(tp, interrupted_open);
	ATF_TP_ADD_TC(tp, data_goes_with_the_last_file);
	ATF_TP_ADD_TC(tp, what_it_is);
	ATF_TP_ADD_TC(tp, it_outlives_its_name);
	return atf_no_error();
}
