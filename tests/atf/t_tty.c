/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pseudo terminals: the pair, blocking, job control, hangups.  What the line
 * discipline makes of bytes is compared with the host's in tests/oracle/tty.c.
 */
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>

#include <asm/termbits.h>

#include <rump/rump_mount.h>

#include "../lib/tc.h"
#include "../lib/threads.h"

static int master, slave;

static int
open_slave(int flags)
{
	char path[32];
	int n;

	T_OK(rump_sys_ioctl(master, TIOCGPTN, &n));
	snprintf(path, sizeof(path), "/dev/pts/%d", n);
	return (int)T_OK(rump_sys_open(path, O_RDWR | flags));
}

static void
open_pair(void)
{
	int no = 0;

	rump_boot_setsigmodel(RUMP_SIGMODEL_RECORD);
	boot();
	(void)newproc(RUMP_RFCFDG);
	master = (int)T_OK(rump_sys_open("/dev/ptmx", O_RDWR));
	T_OK(rump_sys_ioctl(master, TIOCSPTLCK, &no));
	slave = open_slave(O_NOCTTY);
}

static void
set_flags(unsigned lflag, unsigned oflag, int min, int time)
{
	struct termios tio;

	T_OK(rump_sys_ioctl(slave, TCGETS, &tio));
	tio.c_lflag = lflag;
	tio.c_oflag = oflag;
	tio.c_cc[VMIN] = (unsigned char)min;
	tio.c_cc[VTIME] = (unsigned char)time;
	T_OK(rump_sys_ioctl(slave, TCSETS, &tio));
}

static void
expect(int fd, const char *want)
{
	char buf[200];

	T_EQ(strlen(want), rump_sys_read(fd, buf, sizeof(buf)));
	T_EQ(0, memcmp(buf, want, strlen(want)));
}

static void
put(int fd, const char *text)
{
	T_EQ(strlen(text), rump_sys_write(fd, text, strlen(text)));
}

TC(pair, "A line goes one way, output the other, echoes back.")
{
	struct stat sb;
	int n;

	open_pair();
	put(master, "hallo\n");
	expect(slave, "hallo\n");
	expect(master, "hallo\r\n");
	put(slave, "x\n");
	expect(master, "x\r\n");
	put(master, "ab\177c\004");
	T_OK(rump_sys_ioctl(slave, FIONREAD, &n));
	T_EQ(2, n);
	expect(slave, "ac");
	T_OK(rump_sys_fstat(slave, &sb));
	T_EQ(S_IFCHR | 0620, sb.st_mode);
	T_EQ(136, major(sb.st_rdev));
	T_EQ(5, sb.st_gid);
	T_ERR(ESPIPE, rump_sys_lseek(slave, 0, SEEK_SET));
	T_ERR(ENOTTY, rump_sys_ioctl(slave, TIOCGPTN, &n));
	T_ERR(ENOTTY, rump_sys_ioctl(slave, 0x4711, &n));
	T_ERR(EFAULT, rump_sys_read(master, (void *)8, 4));
}

TC(names, "A slave has a name while its master is open; locked at first.")
{
	struct stat sb;
	char path[32];
	int fd, n, no = 0;

	open_pair();
	fd = (int)T_OK(rump_sys_open("/dev/ptmx", O_RDWR));
	T_OK(rump_sys_ioctl(fd, TIOCGPTN, &n));
	snprintf(path, sizeof(path), "/dev/pts/%d", n);
	T_OK(rump_sys_stat(path, &sb));
	T_ERR(EIO, rump_sys_open(path, O_RDWR | O_NOCTTY));
	T_OK(rump_sys_ioctl(fd, TIOCSPTLCK, &no));
	T_OK(rump_sys_open(path, O_RDWR | O_NOCTTY));
	T_OK(rump_sys_mkdir("/pts", 0755));
	T_OK(rump_sys_mount("devpts", "/pts", 0, NULL, 0));
	T_OK(rump_sys_stat(path + 4, &sb));
	T_ERR(EPERM, rump_sys_unlink(path));
	T_ERR(EPERM, rump_sys_mkdir("/dev/pts/x", 0755));
	T_OK(rump_sys_close(fd));
	T_ERR(ENOENT, rump_sys_stat(path, &sb));
	T_ERR(ENOENT, rump_sys_stat(path + 4, &sb));
	T_OK(rump_sys_unmount("/pts", 0));
	fd = (int)T_OK(rump_sys_open("/dev/ptmx", O_RDWR));
	T_OK(rump_sys_stat(path, &sb));
}

TC(hangup, "The end of one side, seen from the other.")
{
	char c;

	open_pair();
	put(slave, "last\n");
	T_OK(rump_sys_close(slave));
	expect(master, "last\r\n");
	T_ERR(EIO, rump_sys_read(master, &c, 1));
	slave = open_slave(O_NOCTTY);
	put(slave, "x");
	expect(master, "x");
	T_OK(rump_sys_close(master));
	T_EQ(0, rump_sys_read(slave, &c, 1));
	T_ERR(EIO, rump_sys_write(slave, &c, 1));
	T_ERR(EIO, rump_sys_ioctl(slave, FIONREAD, &c));
}

TC(nonblock, "O_NONBLOCK gives EAGAIN, and a full side says how far it came.")
{
	static char many[20000];
	ssize_t n;

	open_pair();
	T_OK(rump_sys_fcntl(slave, F_SETFL, O_NONBLOCK));
	T_OK(rump_sys_fcntl(master, F_SETFL, O_NONBLOCK));
	T_ERR(EAGAIN, rump_sys_read(slave, many, 1));
	T_ERR(EAGAIN, rump_sys_read(master, many, 1));
	put(master, "no line");
	T_ERR(EAGAIN, rump_sys_read(slave, many, 1));
	set_flags(0, 0, 1, 0);
	expect(slave, "no line");
	n = T_OK(rump_sys_write(master, many, sizeof(many)));
	T_ASSERT(n >= 4095 && n < (ssize_t)sizeof(many));
	T_ERR(EAGAIN, rump_sys_write(master, many, 1));
	for (; n > 0; n -= T_OK(rump_sys_read(slave, many, sizeof(many))))
		continue;
	T_ERR(EAGAIN, rump_sys_read(slave, many, 1));
	n = T_OK(rump_sys_write(slave, many, sizeof(many)));
	T_ASSERT(n >= 4095 && n < (ssize_t)sizeof(many));
}

TC(long_line, "A line that is too long loses characters, not its end.")
{
	static char line[5000], got[5000];

	open_pair();
	set_flags(ICANON, 0, 1, 0);
	memset(line, 'a', sizeof(line));
	line[sizeof(line) - 1] = '\n';
	T_EQ(sizeof(line), rump_sys_write(master, line, sizeof(line)));
	T_EQ(4096, rump_sys_read(slave, got, sizeof(got)));
	T_EQ('\n', got[4095]);
}

/* Somebody else, in a thread. */
struct other {
	struct thread thread;
	pid_t pid;
	int fd;
	ssize_t result;
	int error;
	_Atomic bool done;
	char buf[16];
};

static void
other_read(struct thread *t)
{
	struct other *o = t->t_arg;

	(void)newlwp(o->pid);
	thread_sleeps(t);
	o->result = rump_sys_read(o->fd, o->buf, sizeof(o->buf));
	o->error = errno;
	rump_pub_lwproc_releaselwp();
	atomic_store(&o->done, true);
}

static void
other_start(struct other *o, int fd)
{
	memset(o, 0, sizeof(*o));
	o->pid = rump_sys_getpid();
	o->fd = fd;
	thread_start(&o->thread, 0, other_read, o);
	thread_await_asleep(&o->thread);
	T_EQ(false, atomic_load(&o->done));
}

TC(blocking, "Readers wait for a line, for output, for the other side's end.")
{
	struct other o;

	tc_local();
	open_pair();
	other_start(&o, slave);
	put(master, "ab");
	host_msleep(20);
	T_EQ(false, atomic_load(&o.done));
	put(master, "c\n");
	thread_join(&o.thread);
	T_EQ(4, o.result);
	expect(master, "abc\r\n");
	other_start(&o, master);
	put(slave, "x");
	thread_join(&o.thread);
	T_EQ(1, o.result);
	other_start(&o, master);
	T_OK(rump_sys_close(slave));
	thread_join(&o.thread);
	T_EQ(-1, o.result);
	T_EQ(EIO, o.error);
	slave = open_slave(O_NOCTTY);
	other_start(&o, slave);
	T_OK(rump_sys_kill(o.pid, SIGUSR1));
	thread_join(&o.thread);
	T_EQ(-1, o.result);
	T_EQ(EINTR, o.error);
	other_start(&o, slave);
	T_OK(rump_sys_close(master));
	thread_join(&o.thread);
	T_EQ(0, o.result);
}

TC(min_and_time, "Without ICANON VMIN and VTIME say when a read is complete.")
{
	struct other o;
	char c;

	open_pair();
	set_flags(0, 0, 0, 0);
	T_EQ(0, rump_sys_read(slave, &c, 1));
	set_flags(0, 0, 0, 1);
	T_EQ(0, rump_sys_read(slave, &c, 1));
	set_flags(0, 0, 3, 0);
	other_start(&o, slave);
	put(master, "ab");
	host_msleep(150);
	T_EQ(false, atomic_load(&o.done));
	put(master, "c");
	thread_join(&o.thread);
	T_EQ(3, o.result);
	set_flags(0, 0, 3, 1);
	other_start(&o, slave);
	put(master, "ab");
	thread_join(&o.thread);
	T_EQ(2, o.result);
}

TC(flow, "VSTOP holds output, VSTART lets it go.")
{
	char c;

	open_pair();
	T_OK(rump_sys_fcntl(slave, F_SETFL, O_NONBLOCK));
	T_OK(rump_sys_fcntl(master, F_SETFL, O_NONBLOCK));
	put(master, "\023");
	T_ERR(EAGAIN, rump_sys_write(slave, "x", 1));
	put(master, "\021");
	put(slave, "x");
	expect(master, "x");
	T_OK(rump_sys_ioctl(slave, TCXONC, (void *)TCOOFF));
	T_ERR(EAGAIN, rump_sys_write(slave, "x", 1));
	put(master, "a");
	T_ERR(EAGAIN, rump_sys_read(master, &c, 1));
	T_OK(rump_sys_ioctl(slave, TCXONC, (void *)TCOON));
	put(slave, "b");
	expect(master, "ab");
}

TC(packets, "TIOCPKT: data has a zero before it, changes are told.")
{
	int on = 1;

	open_pair();
	T_OK(rump_sys_ioctl(master, TIOCPKT, &on));
	put(slave, "x");
	T_EQ(2, rump_sys_ioctl(master, FIONREAD, &on) + 2);
	T_EQ(1, on);
	{
		char buf[8];

		T_EQ(2, rump_sys_read(master, buf, sizeof(buf)));
		T_ASSERT(buf[0] == TIOCPKT_DATA && buf[1] == 'x');
		T_OK(rump_sys_ioctl(slave, TCFLSH, (void *)TCIOFLUSH));
		T_EQ(1, rump_sys_read(master, buf, sizeof(buf)));
		T_EQ(TIOCPKT_FLUSHREAD | TIOCPKT_FLUSHWRITE, buf[0]);
		put(master, "\023");
		T_EQ(1, rump_sys_read(master, buf, sizeof(buf)));
		T_EQ(TIOCPKT_STOP, buf[0]);
	}
}

TC(session, "The controlling terminal and its groups.")
{
	pid_t id, sid;
	int fd;

	open_pair();
	T_ERR(EPERM, rump_sys_ioctl(slave, TIOCSCTTY, (void *)0));
	sid = (pid_t)T_OK(rump_sys_setsid());
	T_ERR(ENXIO, rump_sys_open("/dev/tty", O_RDWR));
	T_ERR(ENOTTY, rump_sys_ioctl(slave, TIOCGPGRP, &id));
	T_OK(rump_sys_close(open_slave(0)));
	fd = (int)T_OK(rump_sys_open("/dev/tty", O_RDWR));
	put(fd, "tty");
	expect(master, "tty");
	T_OK(rump_sys_ioctl(slave, TIOCGPGRP, &id));
	T_EQ(sid, id);
	T_OK(rump_sys_ioctl(master, TIOCGSID, &id));
	T_EQ(sid, id);
	id = -1;
	T_ERR(EINVAL, rump_sys_ioctl(slave, TIOCSPGRP, &id));
	id = 1;
	T_ERR(EPERM, rump_sys_ioctl(slave, TIOCSPGRP, &id));
	id = 30000;
	T_ERR(ESRCH, rump_sys_ioctl(slave, TIOCSPGRP, &id));
	T_OK(rump_sys_ioctl(slave, TIOCNOTTY, NULL));
	T_ERR(ENOTTY, rump_sys_ioctl(slave, TIOCNOTTY, NULL));
	T_ERR(ENXIO, rump_sys_open("/dev/tty", O_RDWR));
	T_OK(rump_sys_ioctl(slave, TIOCSCTTY, (void *)0));
	T_OK(rump_sys_open("/dev/tty", O_RDWR));
}

TC(interrupt_key, "VINTR interrupts the foreground group.")
{
	struct other o;

	tc_local();
	open_pair();
	(void)T_OK(rump_sys_setsid());
	T_OK(rump_sys_ioctl(slave, TIOCSCTTY, (void *)0));
	other_start(&o, slave);
	put(master, "abc\003");
	/* We are in the group, too: our next sleep would end at once. */
	thread_join(&o.thread);
	T_EQ(-1, o.result);
	T_EQ(EINTR, o.error);
}

TC(background, "A background group may not read; it may write unless TOSTOP.")
{
	struct lwp *leader, *child;
	pid_t pgid;
	char c;

	tc_local();
	open_pair();
	(void)T_OK(rump_sys_setsid());
	T_OK(rump_sys_ioctl(slave, TIOCSCTTY, (void *)0));
	leader = rump_pub_lwproc_curlwp();
	child = newproc(RUMP_RFFDG);
	T_OK(rump_sys_setpgid(0, 0));
	T_ERR(EINTR, rump_sys_read(slave, &c, 1));
	put(slave, "x");
	T_ERR(EINTR, rump_sys_ioctl(slave, TCFLSH, (void *)TCIFLUSH));
	pgid = rump_sys_getpid();
	rump_pub_lwproc_switch(leader);
	set_flags(ICANON | TOSTOP, 0, 1, 0);
	T_OK(rump_sys_ioctl(slave, TIOCSPGRP, &pgid));
	T_ERR(EIO, rump_sys_write(slave, "x", 1));
	rump_pub_lwproc_switch(child);
	put(slave, "y");
	expect(master, "xy");
	release(child);
}

static void
read_till_revoked(struct thread *t)
{
	char c;

	rump_pub_lwproc_switch(t->t_arg);
	thread_sleeps(t);
	T_EQ(0, rump_sys_read(slave, &c, 1));
	rump_pub_lwproc_switch(NULL);
}

TC(revoke, "What was open is dead, also who waits; what is opened then is not.")
{
	struct lwp *l = NULL, *other;
	struct thread t;
	char c, path[32];
	int n, again;

	open_pair();
	l = rump_pub_lwproc_curlwp();
	T_OK(rump_sys_ioctl(master, TIOCGPTN, &n));
	snprintf(path, sizeof(path), "/dev/pts/%d", n);
	other = newlwp(rump_sys_getpid());
	rump_pub_lwproc_switch(l);
	thread_start(&t, 0, read_till_revoked, other);
	thread_await_asleep(&t);
	T_OK(rump_sys_revoke(path));
	thread_join(&t);
	T_EQ(0, rump_sys_read(slave, &c, 1));
	T_ERR(EIO, rump_sys_write(slave, "x", 1));
	again = open_slave(O_NOCTTY);
	put(master, "new\n");
	expect(again, "new\n");
	T_ERR(EINVAL, rump_sys_revoke("/tmp"));
	T_ERR(EOPNOTSUPP, rump_sys_revoke("/dev/null"));
	T_ERR(ENOENT, rump_sys_revoke("/dev/none"));
	T_OK(rump_sys_setuid(1000));
	T_ERR(EPERM, rump_sys_revoke(path));
	release(other);
}

TC(window, "Its size, and input by TIOCSTI.")
{
	struct winsize a = {24, 80, 1, 2}, b;

	open_pair();
	T_OK(rump_sys_ioctl(slave, TIOCSWINSZ, &a));
	T_OK(rump_sys_ioctl(master, TIOCGWINSZ, &b));
	T_EQ(0, memcmp(&a, &b, sizeof(a)));
	T_OK(rump_sys_ioctl(slave, TIOCSTI, "q"));
	T_OK(rump_sys_ioctl(slave, TIOCSTI, "\n"));
	expect(slave, "q\n");
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, pair);
	ATF_TP_ADD_TC(tp, names);
	ATF_TP_ADD_TC(tp, hangup);
	ATF_TP_ADD_TC(tp, nonblock);
	ATF_TP_ADD_TC(tp, long_line);
	ATF_TP_ADD_TC(tp, blocking);
	ATF_TP_ADD_TC(tp, min_and_time);
	ATF_TP_ADD_TC(tp, flow);
	ATF_TP_ADD_TC(tp, packets);
	ATF_TP_ADD_TC(tp, session);
	ATF_TP_ADD_TC(tp, interrupt_key);
	ATF_TP_ADD_TC(tp, background);
	ATF_TP_ADD_TC(tp, revoke);
	ATF_TP_ADD_TC(tp, window);
	return atf_no_error();
}
