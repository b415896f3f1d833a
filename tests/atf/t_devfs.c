/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * /dev: the devices that are always there, as the host's.
 */
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <fcntl.h>
#include <signal.h>

#include <rump/rump_mount.h>

#include "../lib/child.h"
#include "../lib/tc.h"
#include "../lib/threads.h"

static const struct {
	const char *path;
	mode_t mode;
	unsigned major, minor;
} devices[] = {
    {"/dev/null", S_IFCHR | 0666, 1, 3},
    {"/dev/zero", S_IFCHR | 0666, 1, 5},
    {"/dev/full", S_IFCHR | 0666, 1, 7},
    {"/dev/random", S_IFCHR | 0666, 1, 8},
    {"/dev/urandom", S_IFCHR | 0666, 1, 9},
    {"/dev/tty", S_IFCHR | 0666, 5, 0},
    {"/dev/console", S_IFCHR | 0600, 5, 1},
    {"/dev/ptmx", S_IFCHR | 0666, 5, 2},
    {"/dev/pts/ptmx", S_IFCHR, 5, 2},
};

TC(devices, "Numbers, modes and owners are the host's.")
{
	struct stat sb;
	size_t i;

	boot();
	for (i = 0; i < sizeof(devices) / sizeof(devices[0]); i++) {
		T_OK(rump_sys_stat(devices[i].path, &sb));
		T_EQ(devices[i].mode, sb.st_mode);
		T_EQ(makedev(devices[i].major, devices[i].minor), sb.st_rdev);
		T_EQ(0, sb.st_uid);
		T_EQ(1, sb.st_nlink);
	}
	T_OK(rump_sys_stat("/dev/pts", &sb));
	T_ASSERT(S_ISDIR(sb.st_mode));
	T_OK(rump_sys_stat("/dev/shm", &sb));
	T_EQ(S_IFDIR | 01777, sb.st_mode);
}

/* What the device does, whatever its position. */
static void
check_io(const char *path, ssize_t reads, ssize_t writes, int error)
{
	char buf[64], want[64] = {0};
	struct stat sb;
	off_t off;
	int fd = (int)T_OK(rump_sys_open(path, O_RDWR));

	for (off = 0; off < 2000; off += 1000) {
		memset(buf, 0xff, sizeof(buf));
		T_EQ(reads, rump_sys_pread(fd, buf, sizeof(buf), off));
		T_ASSERT(memcmp(buf, want, (size_t)reads) == 0 ||
			 strstr(path, "random") != NULL);
		T_EQ(reads, rump_sys_read(fd, buf, sizeof(buf)));
		errno = 0;
		T_EQ(writes, rump_sys_write(fd, buf, sizeof(buf)));
		T_EQ(error, errno);
		errno = 0;
		T_EQ(writes, rump_sys_pwrite(fd, buf, sizeof(buf), off));
		T_EQ(error, errno);
		T_EQ(0, rump_sys_lseek(fd, 100, SEEK_SET));
		T_EQ(0, rump_sys_lseek(fd, 5, SEEK_END));
		T_EQ(0, rump_sys_lseek(fd, 0, SEEK_CUR));
	}
	T_ERR(EINVAL, rump_sys_ftruncate(fd, 0));
	T_ERR(EINVAL, rump_sys_fsync(fd));
	T_ERR(EINVAL, rump_sys_fcntl(fd, F_SETFL, O_DIRECT));
	T_OK(rump_sys_fstat(fd, &sb));
	T_ASSERT(S_ISCHR(sb.st_mode));
	T_OK(rump_sys_close(fd));
	T_ERR(EINVAL, rump_sys_open(path, O_RDWR | O_DIRECT));
	T_ERR(ENOTDIR, rump_sys_open(path, O_RDWR | O_DIRECTORY));
	T_OK(rump_sys_close((int)T_OK(rump_sys_open(path, O_RDWR | O_TRUNC))));
}

TC(bytes, "null, zero, full and random: reads, writes, positions.")
{
	int fd, n;

	boot();
	check_io("/dev/null", 0, 64, 0);
	check_io("/dev/zero", 64, 64, 0);
	check_io("/dev/full", 64, -1, ENOSPC);
	check_io("/dev/random", 64, 64, 0);
	check_io("/dev/urandom", 64, 64, 0);
	fd = (int)T_OK(rump_sys_open("/dev/null", O_RDWR));
	T_ERR(ENOTTY, rump_sys_ioctl(fd, FIONREAD, &n));
	T_EQ(4, rump_sys_write(fd, (void *)8, 4));
	fd = (int)T_OK(rump_sys_open("/dev/full", O_RDWR));
	T_ERR(ENOSPC, rump_sys_write(fd, "", 0));
	T_ERR(EFAULT, rump_sys_read(fd, (void *)8, 4));
	fd = (int)T_OK(rump_sys_open("/dev/null", O_RDONLY));
	T_ERR(EBADF, rump_sys_write(fd, "x", 1));
}

TC(random_differs, "Two reads give different bytes.")
{
	char a[300], b[300];
	int fd;

	boot();
	fd = (int)T_OK(rump_sys_open("/dev/urandom", O_RDONLY));
	T_EQ(sizeof(a), rump_sys_read(fd, a, sizeof(a)));
	T_EQ(sizeof(b), rump_sys_read(fd, b, sizeof(b)));
	T_ASSERT(memcmp(a, b, sizeof(a)) != 0);
}

TC(by_number, "A special file anywhere opens the driver; MNT_NODEV refuses.")
{
	char c = 'x';
	int fd;

	boot();
	T_OK(rump_sys_mknod("/zero", S_IFCHR | 0600, makedev(1, 5)));
	fd = (int)T_OK(rump_sys_open("/zero", O_RDONLY));
	T_EQ(1, rump_sys_read(fd, &c, 1));
	T_EQ(0, c);
	T_OK(rump_sys_mknod("/block", S_IFBLK | 0600, makedev(1, 5)));
	T_ERR(ENXIO, rump_sys_open("/block", O_RDONLY));
	T_OK(rump_sys_mknod("/none", S_IFCHR | 0600, makedev(77, 5)));
	T_ERR(ENXIO, rump_sys_open("/none", O_RDONLY));
	T_OK(rump_sys_mkdir("/mnt", 0755));
	T_OK(rump_sys_mount("devfs", "/mnt", RUMP_MNT_NODEV, NULL, 0));
	T_ERR(EACCES, rump_sys_open("/mnt/null", O_RDONLY));
	T_OK(rump_sys_unmount("/mnt", 0));
}

TC(instance, "Each mount is an instance, in which root makes what it likes.")
{
	struct stat sb;

	boot();
	T_OK(rump_sys_mkdir("/mnt", 0755));
	T_OK(rump_sys_mount("devfs", "/mnt", 0, NULL, 0));
	T_OK(rump_sys_unlink("/mnt/null"));
	T_OK(rump_sys_mknod("/mnt/mine", S_IFCHR | 0666, makedev(1, 3)));
	T_ERR(ENOENT, rump_sys_stat("/mnt/null", &sb));
	T_OK(rump_sys_stat("/dev/null", &sb));
	T_ERR(ENOENT, rump_sys_stat("/dev/mine", &sb));
	T_OK(rump_sys_unmount("/mnt", 0));
	T_OK(rump_sys_mount("devfs", "/mnt", 0, NULL, 0));
	T_OK(rump_sys_stat("/mnt/null", &sb));
	T_OK(rump_sys_unmount("/mnt", 0));
}

TC(no_terminal, "/dev/tty is not there without a controlling terminal.")
{
	boot();
	T_ERR(ENXIO, rump_sys_open("/dev/tty", O_RDWR));
}

/* In a child, whose standard input is a pipe. */
static void
console_child(void *arg)
{
	struct stat sb;
	char buf[16];
	int fd, fds[2];

	(void)arg;
	T_ASSERT(pipe(fds) == 0 && dup2(fds[0], 0) == 0);
	boot();
	T_OK(rump_sys_fstat(0, &sb));
	T_EQ(makedev(5, 1), sb.st_rdev);
	fd = (int)T_OK(rump_sys_open("/dev/console", O_RDONLY | O_NONBLOCK));
	T_OK(rump_sys_fstat(fd, &sb));
	T_EQ(makedev(5, 1), sb.st_rdev);
	T_ERR(EAGAIN, rump_sys_read(fd, buf, sizeof(buf)));
	T_EQ(3, write(fds[1], "abc", 3));
	T_EQ(3, rump_sys_read(fd, buf, sizeof(buf)));
	T_EQ(2, write(fds[1], "de", 2));
	T_EQ(2, rump_sys_read(0, buf, sizeof(buf)));
	T_ASSERT(close(fds[1]) == 0);
	T_EQ(0, rump_sys_read(0, buf, sizeof(buf)));
}

TC(console, "/dev/console is the host's standard input, as descriptor 0.")
{
	tc_local();
	child_passes(console_child, NULL);
}

static _Atomic int console_error;

static void
console_reader(struct thread *t)
{
	char c;

	(void)newlwp(*(pid_t *)t->t_arg);
	thread_sleeps(t);
	T_EQ(-1, rump_sys_read(0, &c, 1));
	console_error = errno;
	rump_pub_lwproc_releaselwp();
}

static void
interrupt_child(void *arg)
{
	struct thread t;
	int fds[2];
	pid_t pid;

	(void)arg;
	T_ASSERT(pipe(fds) == 0 && dup2(fds[0], 0) == 0);
	rump_boot_setsigmodel(RUMP_SIGMODEL_RECORD);
	boot();
	(void)newproc(RUMP_RFFDG);
	pid = rump_sys_getpid();
	thread_start(&t, 0, console_reader, &pid);
	thread_await_host(&t);
	T_OK(rump_sys_kill(pid, SIGUSR1));
	thread_join(&t);
	T_EQ(EINTR, console_error);
}

TC(console_interrupted, "A signal ends a read of the console.")
{
	tc_local();
	child_passes(interrupt_child, NULL);
}

TC(devpts_options, "Linux's are understood, others are not.")
{
	char good[] = "gid=5,mode=620,ptmxmode=666,newinstance";
	char bad[] = "mode=620,junk";

	boot();
	T_OK(rump_sys_mkdir("/pts", 0755));
	T_OK(rump_sys_mount("devpts", "/pts", 0, good, strlen(good)));
	T_OK(rump_sys_unmount("/pts", 0));
	T_ERR(EINVAL, rump_sys_mount("devpts", "/pts", 0, bad, strlen(bad)));
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, devpts_options);
	ATF_TP_ADD_TC(tp, devices);
	ATF_TP_ADD_TC(tp, bytes);
	ATF_TP_ADD_TC(tp, random_differs);
	ATF_TP_ADD_TC(tp, by_number);
	ATF_TP_ADD_TC(tp, instance);
	ATF_TP_ADD_TC(tp, no_terminal);
	ATF_TP_ADD_TC(tp, console);
	ATF_TP_ADD_TC(tp, console_interrupted);
	return atf_no_error();
}
