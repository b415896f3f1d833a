/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * procfs: processes as files, in the formats of Linux.
 */
#include <dirent.h>
#include <inttypes.h>
#include <sched.h>

#include <linux/openat2.h>
#include <rump/rump_mount.h>

#include "../lib/files.h"
#include "../lib/procfs.h"
#include "../lib/threads.h"

static void
start_proc(void)
{
	start();
	T_OK(rump_sys_mkdir("/proc", 0755));
	T_OK(rump_sys_mount("proc", "/proc", 0, NULL, 0));
}

/* What a file has; all of it, as a string. */
static const char *
text_of(const char *path)
{
	static char text[16384];
	ssize_t n = procfs_read(path, text, sizeof(text));

	if (n < 0)
		tc_fail(__FILE__, __LINE__, "%s: %s", path, strerror(errno));
	return text;
}

static const char *
link_of(const char *path)
{
	static char text[PATH_MAX];
	ssize_t n = T_OK(rump_sys_readlink(path, text, sizeof(text) - 1));

	text[n] = '\0';
	return text;
}

/* The value of "Name:\tvalue" in a text of lines. */
static const char *
line_of(const char *text, const char *name)
{
	static char value[256];
	size_t len = strlen(name);

	for (; *text != '\0'; text = strchr(text, '\n') + 1)
		if (strncmp(text, name, len) == 0 && text[len] == ':') {
			text += len + 2;
			len = strcspn(text, "\n");
			T_ASSERT(len < sizeof(value));
			memcpy(value, text, len);
			value[len] = '\0';
			return value;
		}
	tc_fail(__FILE__, __LINE__, "no line %s", name);
}

/* Fields of a line that are divided by spaces; sscanf's %s of number n. */
static const char *
field_of(const char *text, int n)
{
	static char value[64];

	for (; n > 1; n--) {
		text = strchr(text, ' ');
		T_ASSERT(text != NULL);
		text++;
	}
	T_EQ(1, sscanf(text, "%63s", value));
	return value;
}

#define T_FIELD(want, text, n)	 ATF_REQUIRE_STREQ(want, field_of(text, n))
#define T_LINE(want, text, name) ATF_REQUIRE_STREQ(want, line_of(text, name))
#define T_LINK(want, path)	 ATF_REQUIRE_STREQ(want, link_of(path))

/* A path below the directory of a process. */
static const char *
path_of(pid_t pid, const char *name)
{
	static char path[2][128];
	static int turn;

	turn = !turn;
	(void)snprintf(
	    path[turn], sizeof(path[0]), "/proc/%d/%.63s", (int)pid, name);
	return path[turn];
}

TC(lists, "Directories list what can be looked up, processes by pid.")
{
	char names[128][32];
	struct lwp *l[3];
	int i, n, last = -1, pids = 0;

	tc_local();
	start_proc();
	for (i = 0; i < 3; i++)
		l[i] = newproc(RUMP_RFCFDG);
	n = procfs_list("/proc", names, 128);
	for (i = 0; i < n; i++) {
		char path[64];

		(void)snprintf(path, sizeof(path), "/proc/%.31s", names[i]);
		T_ASSERT(exists(path));
		if (names[i][0] < '0' || names[i][0] > '9')
			continue;
		T_ASSERT(atoi(names[i]) > last);
		last = atoi(names[i]);
		pids++;
	}
	T_EQ(6, pids);
	T_EQ(last, rump_sys_getpid());
	n = procfs_list("/proc/self", names, 128);
	for (i = 0; i < n; i++)
		T_ASSERT(exists(path_of(last, names[i])));
	T_ASSERT(n > 15);
	/* All numbers are different. */
	T_ASSERT(ino_of("/proc/self/stat") != ino_of("/proc/1/stat"));
	T_ASSERT(ino_of("/proc/stat") != ino_of("/proc/0/stat"));
	T_ERR(ENOENT, rump_sys_open("/proc/01", O_RDONLY));
	T_ERR(ENOENT, rump_sys_open("/proc/12345678901", O_RDONLY));
	T_ERR(ENOENT, rump_sys_open("/proc/31000", O_RDONLY));
	T_ERR(ENOTDIR, rump_sys_open("/proc/stat/x", O_RDONLY));
	for (i = 0; i < 3; i++)
		release(l[i]);
}

TC(stat, "The line of stat has 52 fields.")
{
	const char *text;
	char want[32];
	pid_t pid;
	int i, n = 1;

	tc_local();
	start_proc();
	pid = rump_sys_getpid();
	T_OK(rump_sys_prctl(PR_SET_NAME, (unsigned long)"one", 0, 0, 0, NULL));
	T_OK(rump_sys_setpgid(0, 0));
	text = text_of(path_of(pid, "stat"));
	for (i = 0; text[i] != '\0'; i++)
		n += text[i] == ' ';
	T_EQ(52, n);
	(void)snprintf(want, sizeof(want), "%d", (int)pid);
	T_FIELD(want, text, 1);
	T_FIELD(want, text, 5);
	T_FIELD("(one)", text, 2);
	T_FIELD("R", text, 3);
	T_FIELD("1", text, 4);
	T_FIELD("1", text, 6);
	T_FIELD("0", text, 7);
	T_FIELD("-1", text, 8);
	T_FIELD("1", text, 20);
	T_FIELD("17", text, 38);
	/* Hundredths of a second since boot. */
	T_ASSERT(atol(field_of(text, 22)) < 6000);
	T_FIELD("0", text_of("/proc/0/stat"), 1);
	T_FIELD("(init)", text_of("/proc/1/stat"), 2);
	T_EQ(0, stat_of("/proc/1/stat").st_size);
	ATF_REQUIRE_STREQ("0 0 0 0 0 0 0\n", text_of("/proc/self/statm"));
	T_EQ(0, strcmp("one", text_of("/proc/self/cmdline")));
	T_EQ(0, strlen(text_of("/proc/self/maps")));
}

TC(status, "The lines of status.")
{
	tc_local();
	gid_t groups[] = {30, 20};
	const char *text;

	start_proc();
	T_OK(rump_sys_setgroups(2, groups));
	T_OK(rump_sys_setresgid(1, 2, 3));
	T_OK(rump_sys_setresuid(4, 5, 6));
	T_OK(rump_sys_prctl(
	    PR_SET_NAME, (unsigned long)"a\nb\\c", 0, 0, 0, NULL));
	(void)rump_sys_umask(027);
	text = text_of("/proc/self/status");
	T_LINE("a\\nb\\\\c", text, "Name");
	T_LINE("0027", text, "Umask");
	T_LINE("R (running)", text, "State");
	T_LINE("1", text, "PPid");
	T_LINE("4\t5\t6\t5", text, "Uid");
	T_LINE("1\t2\t3\t2", text, "Gid");
	T_LINE("20 30 ", text, "Groups");
	T_LINE("1", text, "Threads");
	T_LINE("0000000000000000", text, "CapEff");
	T_EQ(rump_sys_getpid(), atoi(line_of(text, "Pid")));
	T_EQ(rump_sys_getpid(), atoi(line_of(text, "Tgid")));
	text = text_of("/proc/1/status");
	T_LINE("0\t0\t0\t0", text, "Uid");
	T_LINE("000001ffffffffff", text, "CapEff");
}

TC(status_names, "Every line of status is one that the host has.")
{
	char host[16384];
	const char *text;
	FILE *f;
	size_t n;

	start_proc();
	f = fopen("/proc/self/status", "r");
	if (f == NULL)
		atf_tc_skip("the host has no /proc");
	n = fread(host, 1, sizeof(host) - 1, f);
	host[n] = '\0';
	(void)fclose(f);
	for (text = text_of("/proc/self/status"); *text != '\0';
	     text = strchr(text, '\n') + 1) {
		char name[64];

		(void)snprintf(name, sizeof(name), "\n%.*s:\t",
		    (int)strcspn(text, ":"), text);
		if (strstr(host, name) == NULL &&
		    strncmp(host, name + 1, strlen(name + 1)) != 0)
			tc_fail(__FILE__, __LINE__, "the host has no%s", name);
	}
}

TC(limits, "limits is as the host has it.")
{
	char host[16384], *h;
	const char *text;
	struct rlimit rl = {12, 345};
	FILE *f;
	size_t n;

	start_proc();
	T_OK(rump_sys_setrlimit(RLIMIT_NOFILE, &rl));
	text = text_of("/proc/self/limits");
	T_ASSERT(
	    strstr(text, "Max open files            12                   345"
			 "                  files     \n") != NULL);
	f = fopen("/proc/self/limits", "r");
	if (f == NULL)
		atf_tc_skip("the host has no /proc");
	n = fread(host, 1, sizeof(host) - 1, f);
	host[n] = '\0';
	(void)fclose(f);
	/* All but the two columns of figures. */
	for (h = host; *h != '\0'; h = strchr(h, '\n') + 1) {
		T_EQ(0, strncmp(h, text, 26));
		T_EQ(strcspn(h, "\n"), strcspn(text, "\n"));
		T_EQ(0, strncmp(h + 68, text + 68, strcspn(h + 68, "\n")));
		text = strchr(text, '\n') + 1;
	}
	T_EQ('\0', *text);
}

TC(self, "self and thread-self lead to the caller's own.")
{
	char want[32];
	struct lwp *l, *back;

	start_proc();
	back = rump_pub_lwproc_curlwp();
	(void)snprintf(want, sizeof(want), "%d", (int)rump_sys_getpid());
	T_LINK(want, "/proc/self");
	l = newlwp(rump_sys_getpid());
	T_LINK(want, "/proc/self");
	(void)strcat(want, "/task/2");
	T_LINK(want, "/proc/thread-self");
	T_FIELD("2", text_of("/proc/thread-self/stat"), 1);
	T_FIELD("R", text_of("/proc/thread-self/stat"), 3);
	/* Nobody runs the other one. */
	T_FIELD("S", text_of("/proc/self/task/1/stat"), 3);
	T_FIELD("R", text_of("/proc/self/stat"), 3);
	T_FIELD("2", text_of("/proc/self/stat"), 20);
	T_LINE("2", text_of("/proc/thread-self/status"), "Pid");
	T_ERR(ENOENT, rump_sys_open("/proc/self/task/3", O_RDONLY));
	rump_pub_lwproc_switch(back);
	release(l);
	T_ERR(ENOENT, rump_sys_open("/proc/self/task/2/stat", O_RDONLY));
	T_LINK("self/mounts", "/proc/mounts");
}

/* A reader of the pipe whose descriptors are the arguments. */
static void
sleeper(struct thread *t)
{
	struct lwp **lp = t->t_arg;
	char c;

	rump_pub_lwproc_switch(*lp);
	T_EQ(1, rump_sys_read(0, &c, 1));
	rump_pub_lwproc_switch(NULL);
}

TC(sleeping, "A process that sleeps is S.")
{
	struct lwp *back, *l;
	struct thread t;
	int fds[2], i;
	pid_t pid;

	start_proc();
	T_OK(rump_sys_pipe(fds));
	back = rump_pub_lwproc_curlwp();
	l = newproc(RUMP_RFFDG);
	pid = rump_sys_getpid();
	rump_pub_lwproc_switch(back);
	T_FIELD("S", text_of(path_of(pid, "stat")), 3);
	thread_start(&t, 0, sleeper, &l);
	for (i = 0; i < 3000; i++) {
		host_msleep(1);
		if (*field_of(text_of(path_of(pid, "stat")), 3) == 'S' &&
		    i > 100)
			break;
	}
	T_FIELD("S", text_of(path_of(pid, "stat")), 3);
	T_LINE("S (sleeping)", text_of(path_of(pid, "status")), "State");
	T_EQ(1, rump_sys_write(fds[1], "x", 1));
	thread_join(&t);
	release(l);
}

TC(directories, "cwd and root lead to the directories of the process.")
{
	struct lwp *back, *l;
	char buf[PATH_MAX];
	pid_t pid;

	start_proc();
	T_OK(rump_sys_mkdir("d", 0755));
	T_OK(rump_sys_mkdir("d/e", 0755));
	make_file("d/e/f", 0644);
	back = rump_pub_lwproc_curlwp();
	l = newproc(RUMP_RFCFDG);
	pid = rump_sys_getpid();
	T_OK(rump_sys_chroot("d"));
	T_OK(rump_sys_chdir("/e"));
	rump_pub_lwproc_switch(back);
	T_LINK("/t/d/e", path_of(pid, "cwd"));
	T_LINK("/t/d", path_of(pid, "root"));
	T_ASSERT(exists(path_of(pid, "cwd/f")));
	T_OK(rump_sys_rename("d", "moved"));
	T_LINK("/t/moved/e", path_of(pid, "cwd"));
	T_OK(rump_sys_chdir(path_of(pid, "cwd")));
	T_OK(rump_sys___getcwd(buf, sizeof(buf)));
	ATF_REQUIRE_STREQ("/t/moved/e", buf);
	T_OK(rump_sys_unlink("f"));
	T_OK(rump_sys_rmdir("../e"));
	T_ASSERT(strstr(link_of(path_of(pid, "cwd")), " (deleted)") != NULL);
	T_ERR(ENOENT, rump_sys_readlink(path_of(pid, "exe"), buf, 1));
	release(l);
	T_ERR(ENOENT, rump_sys_readlink(path_of(pid, "cwd"), buf, 1));
}

TC(descriptors, "fd leads to what descriptors name, whatever its name.")
{
	char c[8];
	struct stat sb, link;
	int fd, again;

	start_proc();
	T_EQ(0, make_open("f", 0644));
	T_EQ(5, rump_sys_write(0, "hello", 5));
	T_LINK("/t/f", "/proc/self/fd/0");
	T_OK(rump_sys_link("f", "g"));
	T_OK(rump_sys_mkdir("d", 0755));
	T_OK(rump_sys_rename("f", "d/h"));
	T_LINK("/t/d/h", "/proc/self/fd/0");
	T_OK(rump_sys_unlink("g"));
	T_LINK("/t/d/h", "/proc/self/fd/0");
	T_OK(rump_sys_unlink("d/h"));
	T_ASSERT(strstr(link_of("/proc/self/fd/0"), " (deleted)") != NULL);

	/* Another open file of it: at its own position. */
	fd = (int)T_OK(rump_sys_open("/proc/self/fd/0", O_RDONLY));
	T_EQ(5, rump_sys_read(fd, c, sizeof(c)));
	T_ERR(EBADF, rump_sys_write(fd, "x", 1));
	T_OK(rump_sys_fstat(0, &sb));
	T_OK(rump_sys_stat("/proc/self/fd/0", &link));
	T_EQ(sb.st_ino, link.st_ino);
	T_EQ(0, link.st_nlink);
	link = stat_of("/proc/self/fd/1");
	T_EQ(S_IFLNK | 0500, link.st_mode);
	T_EQ(S_IFLNK | 0700, stat_of("/proc/self/fd/0").st_mode);
	T_EQ(64, link.st_size);
	/* The access mode of another descriptor is no limit, its file is. */
	again = (int)T_OK(rump_sys_open("/proc/self/fd/1", O_WRONLY));
	T_EQ(1, rump_sys_write(again, "j", 1));
	T_OK(rump_sys_fchmod(0, 0400));
	T_OK(rump_sys_setuid(9));
	T_ERR(EACCES, rump_sys_open("/proc/self/fd/0", O_WRONLY));
	T_ERR(ENOENT, rump_sys_open("/proc/self/fd/77", O_RDONLY));
}

TC(pipes, "fd of a pipe opens it again, with the end that is asked for.")
{
	struct open_how how = {
	    .flags = O_RDONLY, .resolve = RESOLVE_NO_MAGICLINKS};
	struct stat sb, sb2;
	char want[64], c;
	int fds[2], fd;

	start_proc();
	T_OK(rump_sys_pipe(fds));
	T_OK(rump_sys_fstat(0, &sb));
	(void)snprintf(want, sizeof(want), "pipe:[%ju]", (uintmax_t)sb.st_ino);
	T_LINK(want, "/proc/self/fd/0");
	T_LINK(want, "/proc/self/fd/1");
	T_OK(rump_sys_stat("/proc/self/fd/1", &sb2));
	T_EQ(sb.st_ino, sb2.st_ino);
	T_EQ(sb.st_mode, sb2.st_mode);
	fd = (int)T_OK(rump_sys_open("/proc/self/fd/0", O_WRONLY));
	T_OK(rump_sys_close(1));
	T_EQ(1, rump_sys_write(fd, "a", 1));
	T_ERR(EBADF, rump_sys_read(fd, &c, 1));
	T_EQ(1, rump_sys_read(0, &c, 1));
	T_EQ('a', c);
	T_OK(rump_sys_close(fd));
	/* Nobody writes any more. */
	T_EQ(0, rump_sys_read(0, &c, 1));
	T_ERR(EINVAL, rump_sys_open("/proc/self/fd/0", O_RDONLY | O_DIRECT));
	T_ERR(ELOOP,
	    rump_sys_openat2(AT_FDCWD, "/proc/self/fd/0", &how, sizeof(how)));
	T_ERR(ELOOP, rump_sys_open("/proc/self/fd/0", O_RDONLY | O_NOFOLLOW));
	/* The descriptor is another pipe's now. */
	T_OK(rump_sys_close(0));
	T_OK(rump_sys_pipe(fds));
	T_OK(rump_sys_fstat(0, &sb2));
	T_ASSERT(sb.st_ino != sb2.st_ino);
	T_OK(rump_sys_stat("/proc/self/fd/0", &sb));
	T_EQ(sb.st_ino, sb2.st_ino);
	T_LINK("/dev/console", "/proc/1/fd/0");
	fd = (int)T_OK(rump_sys_open("/proc/1/fd/1", O_WRONLY));
	T_OK(rump_sys_fstat(fd, &sb));
	T_ASSERT(S_ISCHR(sb.st_mode));
}

TC(anonymous, "What has no path and cannot be opened again.")
{
	struct stat sb;
	int fd, fds[2];

	start_proc();
	fd = (int)T_OK(rump_sys_inotify_init1(0));
	T_EQ(0, fd);
	T_LINK("anon_inode:[inotify]", "/proc/self/fd/0");
	T_ERR(ENXIO, rump_sys_open("/proc/self/fd/0", O_RDONLY));
	T_OK(rump_sys_stat("/proc/self/fd/0", &sb));
	T_EQ(0, sb.st_mode & S_IFMT);
	/* A text is not made with a pipe's lock held: as on the host. */
	T_OK(rump_sys_pipe(fds));
	fd = (int)T_OK(rump_sys_open("/proc/self/fdinfo/1", O_RDONLY));
	T_ERR(EINVAL, rump_sys_splice(fd, NULL, fds[1], NULL, 100, 0));
}

TC(fdinfo, "fdinfo has position and flags.")
{
	struct stat sb;
	const char *text;
	int fd;

	start_proc();
	fd = (int)T_OK(rump_sys_open(
	    "f", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
	T_EQ(7, rump_sys_write(fd, "1234567", 7));
	T_OK(rump_sys_fstat(fd, &sb));
	text = text_of("/proc/self/fdinfo/0");
	T_LINE("7", text, "pos");
	T_LINE("02102001", text, "flags");
	T_EQ(sb.st_ino, (ino_t)atol(line_of(text, "ino")));
	T_ASSERT(atoi(line_of(text, "mnt_id")) > 0);
	T_ERR(ENOENT, rump_sys_open("/proc/self/fdinfo/5", O_RDONLY));
}

TC(permissions, "Other users see what anybody may see.")
{
	struct lwp *back, *l;
	char buf[64];
	pid_t pid;

	start_proc();
	back = rump_pub_lwproc_curlwp();
	l = newproc(RUMP_RFCFDG);
	pid = rump_sys_getpid();
	make_file("f", 0644);
	T_EQ(0, rump_sys_open("f", O_RDONLY));
	T_OK(rump_sys_setgid(8));
	T_OK(rump_sys_setuid(9));
	T_EQ(9, stat_of("/proc/self/fd").st_uid);
	T_EQ(8, stat_of("/proc/self/stat").st_gid);
	T_LINK("/t/f", "/proc/self/fd/0");
	T_ERR(EACCES, rump_sys_readlink("/proc/1/cwd", buf, sizeof(buf)));
	T_ERR(EACCES, rump_sys_open("/proc/1/fd", O_RDONLY));
	T_ERR(EACCES, rump_sys_open("/proc/1/fd/0", O_RDONLY));
	T_ERR(EACCES, rump_sys_open("/proc/1/environ", O_RDONLY));
	T_ERR(EACCES, rump_sys_open("/proc/1/root/t", O_RDONLY));
	T_ASSERT(strlen(text_of("/proc/1/stat")) > 0);
	T_ASSERT(strlen(text_of("/proc/1/limits")) > 0);
	/* Root sees it all. */
	rump_pub_lwproc_switch(back);
	T_LINK("/t/f", path_of(pid, "fd/0"));
	T_EQ(9, stat_of(path_of(pid, "fd")).st_uid);
	/* Another group is another user. */
	T_OK(rump_sys_setgid(7));
	T_OK(rump_sys_setuid(9));
	T_EQ(0, procfs_list(path_of(pid, "fd"), NULL, 0));
	T_ERR(
	    EACCES, rump_sys_readlink(path_of(pid, "fd/0"), buf, sizeof(buf)));
	T_ERR(EACCES, rump_sys_stat(path_of(pid, "cwd"), &(struct stat){0}));
	release(l);
}

TC(comm, "A process can be given a name by itself only.")
{
	char name[PATH_MAX];
	int fd;

	start_proc();
	fd = (int)T_OK(rump_sys_open("/proc/self/comm", O_RDWR | O_TRUNC));
	T_EQ(3, rump_sys_write(fd, "abc", 3));
	ATF_REQUIRE_STREQ("abc\n", text_of("/proc/self/comm"));
	T_EQ(20, rump_sys_write(fd, "01234567890123456789", 20));
	ATF_REQUIRE_STREQ("012345678901234\n", text_of("/proc/self/comm"));
	T_OK(rump_sys_prctl(PR_GET_NAME, (unsigned long)name, 0, 0, 0, NULL));
	ATF_REQUIRE_STREQ("012345678901234", name);
	fd = (int)T_OK(rump_sys_open("/proc/1/comm", O_WRONLY));
	T_ERR(EINVAL, rump_sys_write(fd, "abc", 3));
	ATF_REQUIRE_STREQ("init\n", text_of("/proc/1/comm"));
	fd = (int)T_OK(rump_sys_open("/proc/self/stat", O_WRONLY));
	T_ERR(EINVAL, rump_sys_write(fd, "abc", 3));
	T_OK(rump_sys_setuid(9));
	T_ERR(EACCES, rump_sys_open("/proc/1/comm", O_WRONLY));
}

TC(ended, "What was opened is of no use when the process has ended.")
{
	struct lwp *back, *l;
	char buf[256];
	int dir, fd;
	pid_t pid;

	start_proc();
	back = rump_pub_lwproc_curlwp();
	/* Lower pids are not used again. */
	for (l = newproc(RUMP_RFCFDG); rump_sys_getpid() < 300;
	     l = newproc(RUMP_RFCFDG))
		rump_pub_lwproc_releaselwp();
	pid = rump_sys_getpid();
	rump_pub_lwproc_switch(back);
	dir = (int)T_OK(rump_sys_open(path_of(pid, ""), O_RDONLY));
	fd = (int)T_OK(rump_sys_openat(dir, "stat", O_RDONLY));
	T_EQ(4, rump_sys_read(fd, buf, 4));
	release(l);
	/* The rest of what was made, and then nothing more. */
	T_ASSERT(rump_sys_read(fd, buf, sizeof(buf)) > 50);
	T_ERR(ESRCH, rump_sys_pread(fd, buf, sizeof(buf), 0));
	T_ERR(ENOENT, rump_sys_openat(dir, "stat", O_RDONLY));
	T_ERR(ENOENT, rump_sys_open(path_of(pid, "stat"), O_RDONLY));
	T_OK(rump_sys_fstat(fd, &(struct stat){0}));
	/* Another process of that pid is another one. */
	for (l = newproc(RUMP_RFCFDG); rump_sys_getpid() != pid;
	     l = newproc(RUMP_RFCFDG))
		rump_pub_lwproc_releaselwp();
	rump_pub_lwproc_switch(back);
	T_ERR(ESRCH, rump_sys_pread(fd, buf, sizeof(buf), 0));
	T_ERR(ENOENT, rump_sys_openat(dir, "stat", O_RDONLY));
	T_ASSERT(strlen(text_of(path_of(pid, "stat"))) > 50);
	release(l);
}

TC(mounts, "mounts and mountinfo say what is mounted.")
{
	int id, parent;
	const char *text;

	start_proc();
	T_OK(rump_sys_mkdir("/a b", 0755));
	T_OK(rump_sys_mount(
	    "tmpfs", "/a b", RUMP_MNT_RDONLY | RUMP_MNT_NODEV, NULL, 0));
	text = text_of("/proc/mounts");
	T_ASSERT(strstr(text, "proc /proc proc rw,relatime") != NULL);
	T_ASSERT(strstr(text, "tmpfs /a\\040b tmpfs ro,nodev") != NULL);
	text = text_of("/proc/self/mountinfo");
	T_EQ(2, sscanf(text, "%d %d", &id, &parent));
	T_EQ(0, parent);
	text = strstr(text, "/a\\040b");
	T_ASSERT(text != NULL);
	T_ASSERT(strstr(text, " - tmpfs tmpfs rw") != NULL);
	T_ASSERT(
	    strstr(text_of("/proc/filesystems"), "nodev\ttmpfs\n") != NULL);
	T_OK(rump_sys_chroot("/proc"));
	T_ASSERT(strstr(text_of("/mounts"), "proc / proc rw") != NULL);
	T_ASSERT(strstr(text_of("/mounts"), "tmpfs") == NULL);
}

TC(kernel, "Files about the kernel.")
{
	double up, idle;
	char id[64];
	const char *text;
	int fd;

	start_proc();
	T_EQ(2, sscanf(text_of("/proc/uptime"), "%lf %lf", &up, &idle));
	T_ASSERT(up >= 0 && up < 60 && idle >= up);
	T_ASSERT(strstr(text_of("/proc/stat"), "\nbtime ") != NULL);
	text = text_of("/proc/meminfo");
	T_ASSERT(atol(line_of(text, "MemTotal")) >=
		 atol(line_of(text, "MemAvailable")));
	T_ASSERT(strstr(text_of("/proc/cpuinfo"), "processor\t: 0\n") != NULL);
	T_FIELD("0.1.0", text_of("/proc/sys/kernel/osrelease"), 1);
	ATF_REQUIRE_STREQ("rump\n", text_of("/proc/sys/kernel/ostype"));
	(void)strcpy(id, text_of("/proc/sys/kernel/random/boot_id"));
	T_EQ(37, strlen(id));
	ATF_REQUIRE_STREQ(id, text_of("/proc/sys/kernel/random/boot_id"));
	T_ASSERT(atol(text_of("/proc/sys/fs/file-max")) >= 1024);
	T_ASSERT(atol(text_of("/proc/sys/fs/file-nr")) >= 1);
	T_ASSERT(atol(text_of("/proc/sys/kernel/pid_max")) >= 32768);
	T_ASSERT(strchr(text_of("/proc/loadavg"), '/') != NULL);
	fd = (int)T_OK(rump_sys_open("/proc/sys/kernel/hostname", O_WRONLY));
	T_EQ(7, rump_sys_write(fd, "x.y\nz\n\n", 7));
	ATF_REQUIRE_STREQ("x.y\n", text_of("/proc/sys/kernel/hostname"));
}

TC(unmounting, "Unmounting gives the memory back.")
{
	struct rump_memstat before, after;
	int fd;

	start();
	T_OK(rump_sys_mkdir("/proc", 0755));
	/* From here on there is a descriptor table. */
	T_ERR(ENOENT, rump_sys_open("/proc/1", O_RDONLY));
	T_EQ(0, rump_pub_memstat(&before));
	T_OK(rump_sys_mount("procfs", "/proc", 0, NULL, 0));
	T_ASSERT(procfs_walk("/proc", NULL) > 50);
	fd = (int)T_OK(rump_sys_open("/proc/1/fdinfo", O_RDONLY));
	T_ERR(EBUSY, rump_sys_unmount("/proc", 0));
	T_OK(rump_sys_close(fd));
	T_OK(rump_sys_unmount("/proc", 0));
	T_EQ(0, rump_pub_memstat(&after));
	T_EQ(before.used, after.used);
	T_ERR(EINVAL, rump_sys_mount("procfs", "/proc", 0, "x", 1));
}

/*
 * The lines of the host's ps, run on a copy of the tree in the directory.  ps
 * looks itself up: what it finds is another copy of process 1.
 */
static void
host_ps(const char *dir, char *out, size_t size)
{
	char command[PATH_MAX];
	size_t n;
	FILE *f;

	(void)snprintf(command, sizeof(command),
	    "unshare -m sh -c 'mount --bind %s /proc && "
	    "cp -a /proc/1 /proc/$$ && "
	    "exec ps -eo pid=,ppid=,uid=,stat=,comm='",
	    dir);
	f = popen(command, "r");
	T_ASSERT(f != NULL);
	n = fread(out, 1, size - 1, f);
	out[n] = '\0';
	T_EQ(0, pclose(f));
}

ATF_TC(ps);
ATF_TC_HEAD(ps, tc)
{
	atf_tc_set_md_var(tc, "descr", "The host's ps can read it.");
	atf_tc_set_md_var(tc, "require.user", "root");
	atf_tc_set_md_var(tc, "require.progs", "ps unshare");
}
ATF_TC_BODY(ps, tc)
{
	char dir[] = "/tmp/t_procfs.XXXXXX", out[4096], name[32];
	int pid, ppid, uid;
	unsigned seen = 0;
	char state[16], *line;
	struct lwp *back, *l;
	pid_t child, me;

	tc_local();
	if (system("unshare -m true") != 0)
		atf_tc_skip("no name spaces");
	start_proc();
	back = rump_pub_lwproc_curlwp();
	me = rump_sys_getpid();
	l = newproc(RUMP_RFCFDG);
	child = rump_sys_getpid();
	T_OK(rump_sys_prctl(PR_SET_NAME, (unsigned long)"kid", 0, 0, 0, NULL));
	T_OK(rump_sys_setsid());
	T_OK(rump_sys_setuid(33));
	rump_pub_lwproc_switch(back);
	T_ASSERT(mkdtemp(dir) != NULL);
	T_ASSERT(procfs_walk("/proc", dir) > 50);
	host_ps(dir, out, sizeof(out));
	for (line = strtok(out, "\n"); line != NULL;
	     line = strtok(NULL, "\n")) {
		T_EQ(5, sscanf(line, "%d %d %d %15s %31s", &pid, &ppid, &uid,
			    state, name));
		T_ASSERT(pid == 1 || pid == me || pid == child);
		T_EQ(pid == 1 ? 0 : pid == me ? 1 : me, ppid);
		T_EQ(pid == child ? 33 : 0, uid);
		ATF_REQUIRE_STREQ(pid == child ? "kid" : "init", name);
		if (pid == child)
			ATF_REQUIRE_STREQ("Ss", state);
		else
			T_EQ('R', state[0]);
		seen |= pid == 1 ? 1u : pid == me ? 2u : 4u;
	}
	T_EQ(7, seen);
	(void)snprintf(out, sizeof(out), "rm -r %s", dir);
	T_EQ(0, system(out));
	release(l);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, lists);
	ATF_TP_ADD_TC(tp, stat);
	ATF_TP_ADD_TC(tp, status);
	ATF_TP_ADD_TC(tp, status_names);
	ATF_TP_ADD_TC(tp, limits);
	ATF_TP_ADD_TC(tp, self);
	ATF_TP_ADD_TC(tp, sleeping);
	ATF_TP_ADD_TC(tp, directories);
	ATF_TP_ADD_TC(tp, descriptors);
	ATF_TP_ADD_TC(tp, pipes);
	ATF_TP_ADD_TC(tp, anonymous);
	ATF_TP_ADD_TC(tp, fdinfo);
	ATF_TP_ADD_TC(tp, permissions);
	ATF_TP_ADD_TC(tp, comm);
	ATF_TP_ADD_TC(tp, ended);
	ATF_TP_ADD_TC(tp, mounts);
	ATF_TP_ADD_TC(tp, kernel);
	ATF_TP_ADD_TC(tp, unmounting);
	ATF_TP_ADD_TC(tp, ps);
	return atf_no_error();
}
