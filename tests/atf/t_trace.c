/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Traces: RUMP_TRACE, and the text of all kinds of calls.  ktrace is in
 * t_ktrace.
 */
#include <poll.h>
#include <signal.h>

#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <rump/rump_event.h>

#include "../lib/child.h"
#include "../lib/threads.h"
#include "../lib/trace.h"

static char trace_path[256];

/* Boot with RUMP_TRACE=name in the test's folder. */
static void
begin(const char *name)
{
	char cwd[200];

	T_ASSERT(getcwd(cwd, sizeof(cwd)) != NULL);
	(void)snprintf(trace_path, sizeof(trace_path), "%s/%s", cwd, name);
	T_EQ(0, setenv("RUMP_TRACE", trace_path, 1));
	rump_boot_setsigmodel(RUMP_SIGMODEL_RECORD);
	boot();
	newproc(RUMP_RFCFDG);
	T_EQ(2, rump_sys_getpid());
}

TC(files, "Paths, flags, modes, structures and bytes.")
{
	char buf[100] = "";
	struct stat sb;
	int fd;

	begin("trace");
	fd = (int)T_OK(rump_sys_open("/f", O_RDWR | O_CREAT | O_EXCL, 0640));
	T_OK(rump_sys_write(fd, "a\"\n\0001\377", 6));
	T_OK(rump_sys_pwrite(
	    fd, "0123456789012345678901234567890123456789", 40, 0));
	T_OK(rump_sys_lseek(fd, -5, SEEK_END));
	T_OK(rump_sys_read(fd, buf, sizeof(buf)));
	T_OK(rump_sys_fstat(fd, &sb));
	T_OK(rump_sys_stat("/dev/null", &sb));
	T_OK(rump_sys_openat(AT_FDCWD, "f", O_RDONLY | O_CLOEXEC));
	T_OK(rump_sys_mkdirat(AT_FDCWD, "d", 01777));
	T_OK(rump_sys_fstatat(AT_FDCWD, "d", &sb, AT_SYMLINK_NOFOLLOW));
	T_OK(rump_sys_utimensat(
	    AT_FDCWD, "f", (struct timespec[]){{7, 8}, {0, UTIME_OMIT}}, 0));
	T_OK(rump_sys_mount("tmpfs", "/d", RUMP_MNT_RDONLY, "size=1m", 7));
	trace_read_host(trace_path);
	trace_want(
	    1, "2.1", "open\\(\"/f\", O_RDWR\\|O_CREAT\\|O_EXCL, 0640\\) = 0");
	trace_want(
	    1, "2.1", "write\\(0, \"a\\\\\"\\\\n\\\\0001\\\\377\", 6\\) = 6");
	trace_want(1, "2.1",
	    "pwrite\\(0, \"01234567890123456789012345678901\"\\.\\.\\., 40, "
	    "0\\) "
	    "= 40");
	trace_want(1, "2.1", "lseek\\(0, -5, SEEK_END\\) = 35");
	trace_want(1, "2.1", "read\\(0, \"56789\", 100\\) = 5");
	trace_want(1, "2.1",
	    "fstat\\(0, \\{st_mode=S_IFREG\\|0640, st_size=40, ...\\}\\) = 0");
	trace_want(1, "2.1",
	    "stat\\(\"/dev/null\", \\{st_mode=S_IFCHR\\|0666, "
	    "st_rdev=makedev\\(1, 3\\), ...\\}\\) = 0");
	trace_want(
	    1, "2.1", "openat\\(AT_FDCWD, \"f\", O_RDONLY\\|O_CLOEXEC\\) = 1");
	trace_want(1, "2.1", "mkdirat\\(AT_FDCWD, \"d\", 01777\\) = 0");
	trace_want(1, "2.1",
	    "fstatat\\(AT_FDCWD, \"d\", \\{.*\\}, AT_SYMLINK_NOFOLLOW\\) = 0");
	trace_want(1, "2.1",
	    "utimensat\\(AT_FDCWD, \"f\", \\[\\{tv_sec=7, tv_nsec=8\\}, "
	    "\\{tv_sec=0, tv_nsec=UTIME_OMIT\\}\\], 0\\) = 0");
	trace_want(1, "2.1",
	    "mount\\(\"tmpfs\", \"/d\", MS_RDONLY, \"size=1m\", 7\\) = 0");
}

TC(descriptors, "Commands, vectors, sets, events.")
{
	char a[2], b[40];
	struct iovec in[2] = {{a, 2}, {b, 40}};
	struct iovec out[2] = {{(char[]){"ab"}, 2}, {(char[]){"cdef"}, 4}};
	struct epoll_event ev = {.events = EPOLLIN, .data.u64 = 7};
	struct pollfd pfd[2];
	fd_set set;
	int fds[2], ep, n;

	begin("trace");
	T_OK(rump_sys_pipe2(fds, O_CLOEXEC));
	T_OK(rump_sys_writev(fds[1], out, 2));
	T_OK(rump_sys_ioctl(fds[0], FIONREAD, &n));
	pfd[0] = (struct pollfd){fds[0], POLLIN | POLLPRI, 0};
	pfd[1] = (struct pollfd){fds[1], 0, 0};
	T_OK(rump_sys_poll(pfd, 2, -1));
	FD_ZERO(&set);
	FD_SET(0, &set);
	FD_SET(1, &set);
	T_OK(rump_sys_select(2, NULL, &set, NULL, NULL));
	ep = (int)T_OK(rump_sys_epoll_create1(EPOLL_CLOEXEC));
	T_OK(rump_sys_epoll_ctl(ep, EPOLL_CTL_ADD, fds[0], &ev));
	T_OK(rump_sys_epoll_wait(ep, &ev, 1, 0));
	T_OK(rump_sys_readv(fds[0], in, 2));
	T_OK(rump_sys_fcntl(fds[0], F_SETFL, O_NONBLOCK));
	T_OK(rump_sys_fcntl(fds[0], F_GETFD));
	T_ERR(EAGAIN, rump_sys_read(fds[0], b, 9));
	trace_read_host(trace_path);
	trace_want(1, "2.1", "pipe2\\(\\[0, 1\\], O_CLOEXEC\\) = 0");
	trace_want(1, "2.1",
	    "writev\\(1, \\[\\{iov_base=\"ab\", iov_len=2\\}, "
	    "\\{iov_base=\"cdef\", iov_len=4\\}\\], 2\\) = 6");
	trace_want(1, "2.1",
	    "readv\\(0, \\[\\{iov_base=\"ab\", iov_len=2\\}, "
	    "\\{iov_base=\"cdef\", iov_len=40\\}\\], 2\\) = 6");
	trace_want(1, "2.1", "ioctl\\(0, FIONREAD, \\[6\\]\\) = 0");
	trace_want(1, "2.1",
	    "poll\\(\\[\\{fd=0, events=POLLIN\\|POLLPRI, revents=POLLIN\\}, "
	    "\\{fd=1, events=0\\}\\], 2, -1\\) = 1");
	trace_want(1, "2.1", "select\\(2, NULL, \\[1\\], NULL, NULL\\) = 1");
	trace_want(1, "2.1",
	    "epoll_ctl\\(2, EPOLL_CTL_ADD, 0, \\{events=EPOLLIN, "
	    "data=0x7\\}\\) "
	    "= 0");
	trace_want(1, "2.1",
	    "epoll_wait\\(2, \\[\\{events=EPOLLIN, data=0x7\\}\\], 1, 0\\) = "
	    "1");
	trace_want(1, "2.1", "fcntl\\(0, F_SETFL, 2048\\) = 0");
	trace_want(1, "2.1", "fcntl\\(0, F_GETFD\\) = 1");
	trace_want(1, "2.1",
	    "read\\(0, 0x[0-9a-f]+, 9\\) = -1 EAGAIN \\(Resource temporarily "
	    "unavailable\\)");
}

static void
note(int sig)
{
	(void)sig;
	T_EQ(2, rump_sys_getpid());
}

TC(processes_and_signals, "Ids, limits, sets, times; handlers; ends.")
{
	const struct timespec ms = {0, 1000000};
	struct sigaction sa = {0};
	struct lwp *l, *child;
	struct rlimit rl;
	sigset_t set;
	int status;

	begin("trace");
	l = rump_pub_lwproc_curlwp();
	T_OK(rump_sys_getrlimit(RLIMIT_NOFILE, &rl));
	sa.sa_handler = note;
	sigemptyset(&sa.sa_mask);
	sigaddset(&sa.sa_mask, SIGINT);
	T_OK(rump_sys_sigaction(SIGUSR1, &sa, NULL));
	T_OK(rump_sys_kill(2, SIGUSR1));
	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, 34);
	T_OK(rump_sys_sigprocmask(SIG_BLOCK, &set, NULL));
	T_OK(rump_sys_nanosleep(&ms, NULL));
	child = newproc(0);
	T_OK(rump_sys_setreuid((uid_t)-1, 5));
	rump_sys_exit(3);
	T_PTR(NULL, rump_pub_lwproc_curlwp());
	rump_pub_lwproc_switch(l);
	T_EQ(3, rump_sys_wait4(-1, &status, WNOHANG, NULL));
	(void)child;
	trace_read_host(trace_path);
	trace_want(1, "2.1",
	    "getrlimit\\(RLIMIT_NOFILE, \\{rlim_cur=[0-9]+, "
	    "rlim_max=[0-9]+\\}\\) = 0");
	trace_want(1, "2.1",
	    "sigaction\\(SIGUSR1, \\{sa_handler=0x[0-9a-f]+, "
	    "sa_mask=\\[SIGINT\\], sa_flags=0\\}, NULL\\) = 0");
	trace_want(1, "2.1", "kill\\(2, SIGUSR1\\) = 0");
	trace_want(1, "2.1",
	    "--- SIGUSR1 \\{si_signo=SIGUSR1, si_code=0, si_pid=2, "
	    "si_uid=0\\} ---");
	trace_want(1, "2.1",
	    "sigprocmask\\(SIG_BLOCK, \\[SIGHUP SIGRT_2\\], NULL\\) = 0");
	trace_want(1, "2.1",
	    "nanosleep\\(\\{tv_sec=0, tv_nsec=1000000\\}, NULL\\) = 0");
	trace_want(1, "3.1", "setreuid\\(-1, 5\\) = 0");
	trace_want(1, "3.0", "\\+\\+\\+ exited with 3 \\+\\+\\+");
	trace_want(1, "3.1", "exit\\(3\\) = 0");
	trace_want(1, "2.1",
	    "wait4\\(-1, \\[WEXITSTATUS\\(s\\) == 3\\], WNOHANG, NULL\\) = 3");
	/* The handler's call comes between. */
	T_ASSERT(strstr(trace_text, "kill(2") < strstr(trace_text, "--- SIG"));
	T_ASSERT(strstr(strstr(trace_text, "--- SIG"), "getpid() = 2") != NULL);
}

TC(switches, "From lwp to lwp, to and from the implicit one.")
{
	struct lwp *a, *b;

	begin("trace");
	a = rump_pub_lwproc_curlwp();
	b = newlwp(2);
	T_EQ(2, rump_sys_gettid());
	rump_pub_lwproc_switch(a);
	T_EQ(1, rump_sys_gettid());
	rump_pub_lwproc_switch(b);
	rump_pub_lwproc_switch(NULL);
	T_EQ(1, rump_sys_getpid());
	rump_pub_lwproc_switch(b);
	rump_pub_lwproc_releaselwp();
	rump_pub_lwproc_switch(a);
	rump_pub_lwproc_releaselwp();
	trace_read_host(trace_path);
	trace_want(2, "1.1", "--- switch to 2.1 ---");
	trace_want(2, "2.1", "--- switch to 2.2 ---");
	trace_want(1, "2.2", "gettid\\(\\) = 2");
	trace_want(1, "2.2", "--- switch to 2.1 ---");
	trace_want(1, "2.1", "gettid\\(\\) = 1");
	trace_want(2, "2.2", "--- switch to 1.1 ---");
	trace_want(1, "1.1", "--- switch to 2.2 ---");
	trace_want(1, "1.1", "getpid\\(\\) = 1");
	trace_want(1, "2.0", "\\+\\+\\+ exited with 0 \\+\\+\\+");
}

TC(bad_pointers, "Are shown, and do no harm that the call does not do.")
{
	void *gone = mmap(NULL, 8192, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *edge = (char *)gone + 4096 - 3;

	T_ASSERT(gone != MAP_FAILED);
	memcpy(edge, "/f", 3);
	T_EQ(0, mprotect((char *)gone + 4096, 4096, PROT_NONE));
	begin("trace");
	T_ERR(EFAULT, rump_sys_stat(NULL, NULL));
	T_ERR(EFAULT, rump_sys_open((const char *)8, O_RDONLY));
	T_ERR(ENOENT, rump_sys_open(edge, O_RDONLY));
	/* What is not looked at, because something else is wrong. */
	T_ERR(EBADF, rump_sys_write(77, edge + 4096, 10));
	T_ERR(EBADF, rump_sys_read(77, edge + 4096, 10));
	T_ERR(EBADF, rump_sys_readv(77, (void *)8, -1));
	T_ERR(EBADF, rump_sys_writev(77, (void *)(edge + 4096), 2));
	trace_read_host(trace_path);
	trace_want(1, "2.1", "stat\\(NULL, NULL\\) = -1 EFAULT .*");
	trace_want(1, "2.1", "open\\(0x8, O_RDONLY\\) = -1 EFAULT .*");
	trace_want(1, "2.1", "open\\(\"/f\", O_RDONLY\\) = -1 ENOENT .*");
	trace_want(1, "2.1", "write\\(77, 0x[0-9a-f]+, 10\\) = -1 EBADF .*");
	trace_want(1, "2.1", "writev\\(77, 0x[0-9a-f]+, 2\\) = -1 EBADF .*");
}

TC(long_paths, "Are cut; the line is whole.")
{
	static char path[5000];

	memset(path, 'x', sizeof(path) - 1);
	begin("trace");
	T_ERR(ENAMETOOLONG, rump_sys_rename(path, path));
	trace_read_host(trace_path);
	trace_want(1, "2.1",
	    "rename\\(\"x{255}\"\\.\\.\\., \"x{255}\"\\.\\.\\.\\) = -1 "
	    "ENAMETOOLONG \\(.*\\)");
}

#define THREADS 4
#define CALLS	(2000 / TC_SLOW)

static void *
caller(void *arg)
{
	char c = (char)('a' + *(int *)arg);
	int fds[2];

	newproc(RUMP_RFCFDG);
	T_OK(rump_sys_pipe(fds));
	for (int i = 0; i < CALLS; i++) {
		T_EQ(1, rump_sys_write(fds[1], &c, 1));
		T_EQ(1, rump_sys_read(fds[0], &c, 1));
		rump_sys_getpid();
	}
	rump_pub_lwproc_releaselwp();
	return NULL;
}

TC(many_threads, "Every line is whole and nothing is lost.")
{
	pthread_t threads[THREADS];
	int ids[THREADS];

	begin("trace");
	for (int i = 0; i < THREADS; i++) {
		ids[i] = i;
		T_EQ(0, pthread_create(&threads[i], NULL, caller, &ids[i]));
	}
	for (int i = 0; i < THREADS; i++)
		T_EQ(0, pthread_join(threads[i], NULL));
	trace_read_host(trace_path);
	trace_want(
	    THREADS * CALLS, "[0-9]+\\.1", "write\\(1, \"[a-d]\", 1\\) = 1");
	trace_want(
	    THREADS * CALLS, "[0-9]+\\.1", "read\\(0, \"[a-d]\", 1\\) = 1");
	trace_want(THREADS * CALLS + 1, "[0-9]+\\.1", "getpid\\(\\) = [0-9]+");
	/* No other lines than these and some that are counted. */
	T_EQ(trace_count("[0-9]+\\.[0-9] .*"), trace_count(".+"));
}

TC(fork_of_the_host, "The child writes to a file of its own.")
{
	char own[300];
	pid_t pid;
	int status;

	begin("trace");
	T_EQ(022, rump_sys_umask(0));
	fflush(NULL);
	if ((pid = fork()) == 0) {
		tc_in_child = true;
		T_OK(rump_sys_umask(011));
		_exit(0);
	}
	T_EQ(pid, waitpid(pid, &status, 0));
	T_EQ(0, status);
	T_OK(rump_sys_umask(022));
	trace_read_host(trace_path);
	trace_want(1, "2.1", "umask\\(022\\) = .*");
	trace_want(0, "2.1", "umask\\(011\\) = .*");
	(void)snprintf(own, sizeof(own), "%s.%d", trace_path, (int)pid);
	trace_read_host(own);
	trace_want(1, "2.1", "umask\\(011\\) = 0");
	T_EQ(1, trace_count(".+"));
}

/* RLIMIT_FSIZE would be a signal of the host's. */
static void
file_is_full(void *arg)
{
	struct rlimit rl = {3000, 3000};

	(void)arg;
	(void)signal(SIGXFSZ, SIG_IGN);
	begin("full");
	T_EQ(0, setrlimit(RLIMIT_FSIZE, &rl));
	for (int i = 0; i < 1000; i++)
		T_EQ(2, rump_sys_getpid());
	T_OK(rump_sys_mkdir("/d", 0777));
}

TC(full, "One message, and no call fails.")
{
	struct child c;
	struct stat sb;

	child_run_fds(&c, file_is_full, NULL, true);
	T_EQ(0, c.status);
	T_ASSERT(child_matches(c.out, "^trace: .*/full: .*: no more is "
				      "written\n$"));
	T_EQ(0, stat("full", &sb));
	T_ASSERT(sb.st_size <= 3000 && sb.st_size > 2000);
}

static void
boot_with(void *arg)
{
	T_EQ(0, setenv("RUMP_TRACE", arg, 1));
	T_EQ(EINVAL, rump_init());
	T_EQ(0, unsetenv("RUMP_TRACE"));
	T_EQ(0, rump_init());
}

TC(bad_files, "A line, and boot can be tried again.")
{
	static const char *const bad[] = {
	    "", "perfetto:", "/nothere/trace", "/dev/null", "/", "fifo"};
	struct child c;

	T_EQ(0, mkfifo("fifo", 0600));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		child_run(&c, boot_with, (void *)(uintptr_t)bad[i]);
		T_EQ(0, c.status);
		T_ASSERT(child_matches(c.out, "RUMP_TRACE: bad value: "));
	}
}

struct seen {
	int packets, begins, ends, instants, tracks, processes;
	int getpids, switches;
};

static void
see_event(struct seen *s, const struct field *event)
{
	struct field f, name;

	T_ASSERT(field_find(event, 11, &f));
	T_ASSERT(field_find(event, 9, &f));
	s->begins += f.value == 1;
	s->ends += f.value == 2;
	s->instants += f.value == 3;
	T_ASSERT(f.value >= 1 && f.value <= 3);
	if (f.value == 2)
		return;
	T_ASSERT(field_find(event, 23, &name));
	T_ASSERT(field_find(event, 22, &f));
	s->switches += f.value == 6 && memcmp(f.bytes, "switch", 6) == 0;
	if (name.value != 6 || memcmp(name.bytes, "getpid", 6) != 0)
		return;
	s->getpids++;
	T_ASSERT(field_find(event, 4, &f));
	T_ASSERT(field_find(&f, 6, &name));
	T_ASSERT(name.value == 8 && memcmp(name.bytes, "getpid()", 8) == 0);
}

static void
see_packet(struct seen *s, const struct field *packet)
{
	struct field f, inner;

	T_EQ(1, packet->number);
	T_EQ(2, packet->type);
	s->packets++;
	T_ASSERT(field_find(packet, 10, &f) && f.value == 1);
	if (field_find(packet, 60, &f)) {
		T_ASSERT(field_find(&f, 1, &inner) && inner.value != 0);
		if (field_find(&f, 3, &inner))
			s->processes++;
		else
			T_ASSERT(field_find(&f, 2, &inner));
		s->tracks++;
		return;
	}
	T_ASSERT(field_find(packet, 8, &f));
	T_ASSERT(field_find(packet, 11, &f));
	see_event(s, &f);
}

static void
see_all(struct seen *s)
{
	const unsigned char *p = (const unsigned char *)trace_text;
	const unsigned char *end = p + trace_len;
	struct field f;

	memset(s, 0, sizeof(*s));
	while (field_next(&p, end, &f))
		see_packet(s, &f);
}

TC(perfetto, "Tracks, slices and instants, in the wire format.")
{
	struct sigaction sa = {0};
	static char big[4096];
	struct seen s;

	begin("t.pftrace");
	sa.sa_handler = note;
	T_OK(rump_sys_sigaction(SIGUSR1, &sa, NULL));
	T_OK(rump_sys_kill(2, SIGUSR1));
	memset(big, '\1', sizeof(big) - 1);
	T_ERR(ENAMETOOLONG, rump_sys_link(big, big));
	rump_pub_lwproc_releaselwp();
	trace_read_host(trace_path);
	see_all(&s);
	/* sigaction, kill, link, two getpids; to 2.1 and back. */
	T_EQ(2, s.getpids);
	T_EQ(2, s.switches);
	T_EQ(5 + 2, s.begins);
	T_EQ(s.begins, s.ends);
	T_EQ(2, s.instants);
	T_EQ(5 + 2, s.processes);
	T_EQ(2 * (5 + 2) + 2, s.tracks);
	T_EQ(s.begins + s.ends + s.instants + s.tracks, s.packets);
}

TC(perfetto_by_others, "protoc reads it, where there is one.")
{
	char command[600];

	if (system("protoc --version >/dev/null 2>&1") != 0)
		atf_tc_skip("no protoc");
	(void)unlink("p.perfetto-trace");
	begin("p.perfetto-trace");
	T_OK(rump_sys_mkdir("/d", 0777));
	rump_pub_lwproc_releaselwp();
	(void)snprintf(command, sizeof(command),
	    "protoc --decode_raw <'%s' >p.txt && grep -q 'mkdir' p.txt",
	    trace_path);
	T_EQ(0, unsetenv("RUMP_TRACE"));
	T_EQ(0, system(command));
}

TC(formats, "A prefix says what the suffix does not.")
{
	char cwd[200], value[300];

	T_ASSERT(getcwd(cwd, sizeof(cwd)) != NULL);
	(void)snprintf(value, sizeof(value), "text:%s/t.pftrace", cwd);
	T_EQ(0, setenv("RUMP_TRACE", value, 1));
	boot();
	T_EQ(1, rump_sys_getpid());
	trace_read_host("t.pftrace");
	trace_want(1, "1.1", "getpid\\(\\) = 1");
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, files);
	ATF_TP_ADD_TC(tp, descriptors);
	ATF_TP_ADD_TC(tp, processes_and_signals);
	ATF_TP_ADD_TC(tp, switches);
	ATF_TP_ADD_TC(tp, bad_pointers);
	ATF_TP_ADD_TC(tp, long_paths);
	ATF_TP_ADD_TC(tp, many_threads);
	ATF_TP_ADD_TC(tp, fork_of_the_host);
	ATF_TP_ADD_TC(tp, full);
	ATF_TP_ADD_TC(tp, bad_files);
	ATF_TP_ADD_TC(tp, perfetto);
	ATF_TP_ADD_TC(tp, perfetto_by_others);
	ATF_TP_ADD_TC(tp, formats);
	return atf_no_error();
}
