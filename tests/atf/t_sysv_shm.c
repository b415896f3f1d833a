/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Shared memory of System V, and /proc/sysvipc.
 */
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/shm.h>
#include <sys/wait.h>

#include <dlfcn.h>
#include <fcntl.h>

#include "threads.h"

static int seg;

static struct shmid_ds
stat_seg(void)
{
	struct shmid_ds ds;

	T_OK(rump_sys_shmctl(seg, IPC_STAT, &ds));
	return ds;
}

TC(attach, "all processes see the same memory")
{
	struct lwp *p;
	char *a, *b;

	boot();
	seg = (int)T_OK(rump_sys_shmget(IPC_PRIVATE, 10000, 0600));
	a = rump_sys_shmat(seg, NULL, 0);
	T_ASSERT(a != (void *)-1);
	for (int i = 0; i < 10000; i++)
		T_EQ(0, a[i]);
	memset(a, 'x', 10000);
	p = newproc(RUMP_RFCFDG);
	/* What the parent has attached is attached in the child. */
	T_EQ(2, stat_seg().shm_nattch);
	/* Here it is where it was; a client has it once more, elsewhere. */
	b = rump_sys_shmat(seg, TC_IS_REMOTE ? NULL : a + 1, SHM_RND);
	T_EQ(TC_IS_REMOTE, a != b);
	T_EQ('x', b[9999]);
	T_EQ(3, stat_seg().shm_nattch);
	T_OK(rump_sys_shmdt(b));
	T_OK(rump_sys_shmdt(a));
	T_ERR(EINVAL, rump_sys_shmdt(a));
	T_EQ(1, stat_seg().shm_nattch);
	b = rump_sys_shmat(seg, TC_IS_REMOTE ? NULL : a, SHM_RDONLY);
	T_EQ('x', b[9999]);
	T_EQ(2, stat_seg().shm_nattch);
	release(p);
	T_EQ(1, stat_seg().shm_nattch);
	a[5000] = 'y';
	T_OK(rump_sys_shmdt(a));
	T_EQ(0, stat_seg().shm_nattch);
	a = rump_sys_shmat(seg, NULL, 0);
	T_EQ('y', a[5000]);
	T_OK(rump_sys_shmdt(a));
	T_OK(rump_sys_shmctl(seg, IPC_RMID, NULL));
}

TC(removed, "a removed segment stays while it is attached")
{
	struct rump_memstat before, after;
	struct lwp *p;
	char *a;

	boot();
	seg = (int)T_OK(rump_sys_shmget(IPC_PRIVATE, 1, 0600));
	T_OK(rump_sys_shmctl(seg, IPC_RMID, NULL));
	p = newproc(RUMP_RFCFDG);
	release(p);
	T_EQ(0, rump_pub_memstat(&before));
	p = newproc(RUMP_RFCFDG);
	seg = (int)T_OK(rump_sys_shmget(99, 100000, IPC_CREAT | 0600));
	a = rump_sys_shmat(seg, NULL, 0);
	T_OK(rump_sys_shmctl(seg, IPC_RMID, NULL));
	T_ERR(ENOENT, rump_sys_shmget(99, 1, 0));
	T_EQ(01600, stat_seg().shm_perm.mode);
	T_EQ(IPC_PRIVATE, stat_seg().shm_perm.__key);
	a[99999] = 1;
	T_PTR(a, rump_sys_shmat(seg, NULL, 0));
	T_OK(rump_sys_shmdt(a));
	T_EQ(1, stat_seg().shm_nattch);
	release(p);
	T_ERR(EINVAL, rump_sys_shmctl(seg, IPC_STAT, NULL));
	T_EQ(0, rump_pub_memstat(&after));
	T_EQ(before.used, after.used);
}

TC(arguments, "bad arguments are refused")
{
	void *failed = (void *)-1;

	boot();
	T_ERR(EINVAL, rump_sys_shmget(IPC_PRIVATE, 0, 0600));
	T_ERR(EINVAL, rump_sys_shmget(IPC_PRIVATE, (size_t)-1, 0600));
	T_ERR(ENOMEM, rump_sys_shmget(IPC_PRIVATE, (size_t)1 << 50, 0600));
	seg = (int)T_OK(rump_sys_shmget(3, 100, IPC_CREAT | 0600));
	T_ERR(EINVAL, rump_sys_shmget(3, 101, 0600));
	T_EQ(seg, rump_sys_shmget(3, 0, 0600));
	T_PTR(failed, rump_sys_shmat(seg, (void *)0x10001, 0));
	T_EQ(EINVAL, errno);
	T_PTR(failed, rump_sys_shmat(seg, NULL, SHM_REMAP));
	T_EQ(EINVAL, errno);
	/* A client puts it there. */
	if (!TC_IS_REMOTE) {
		T_PTR(failed, rump_sys_shmat(seg, (void *)0x10000, 0));
		T_EQ(EINVAL, errno);
	}
	T_PTR(failed, rump_sys_shmat(seg + 1, NULL, 0));
	T_EQ(EINVAL, errno);
	T_ERR(EINVAL, rump_sys_shmdt(NULL));
	newproc(RUMP_RFCFDG);
	T_OK(rump_sys_setuid(9));
	T_PTR(failed, rump_sys_shmat(seg, NULL, SHM_RDONLY));
	T_EQ(EACCES, errno);
	T_ERR(EACCES, rump_sys_shmctl(seg, IPC_STAT, NULL));
	T_ERR(EPERM, rump_sys_shmctl(seg, SHM_LOCK, NULL));
}

TC(info, "what ipcs asks for")
{
	struct shminfo limits;
	struct shm_info si;
	struct msginfo mi;
	struct shmid_ds ds;
	int last;

	boot();
	T_EQ(0, rump_sys_shmctl(0, IPC_INFO, (struct shmid_ds *)&limits));
	T_EQ(4096, limits.shmmni);
	(void)T_OK(rump_sys_shmget(IPC_PRIVATE, 1, 0600));
	seg = (int)T_OK(rump_sys_shmget(IPC_PRIVATE, 5000, 0600));
	last = (int)T_OK(rump_sys_shmctl(0, SHM_INFO, (struct shmid_ds *)&si));
	T_EQ(1, last);
	T_EQ(2, si.used_ids);
	T_EQ(3, si.shm_tot);
	T_EQ(seg, rump_sys_shmctl(last, SHM_STAT, &ds));
	T_EQ(5000, ds.shm_segsz);
	T_ERR(EINVAL, rump_sys_shmctl(last + 1, SHM_STAT, &ds));
	T_EQ(0, rump_sys_msgctl(0, MSG_INFO, (struct msqid_ds *)&mi));
	T_EQ(0, mi.msgpool);
}

static void
read_file(const char *path, char *buf, size_t size)
{
	int fd = (int)T_OK(rump_sys_open(path, O_RDONLY));
	size_t n = 0;
	ssize_t got;

	while ((got = T_OK(rump_sys_read(fd, buf + n, size - 1 - n))) > 0)
		n += (size_t)got;
	buf[n] = '\0';
	T_OK(rump_sys_close(fd));
}

TC(proc, "/proc says what there is, in Linux's format")
{
	char buf[4096], want[300];

	boot();
	T_OK(rump_sys_mkdir("/proc", 0755));
	T_OK(rump_sys_mount("procfs", "/proc", 0, NULL, 0));
	seg = (int)T_OK(rump_sys_shmget(291, 5000, IPC_CREAT | 0640));
	read_file("/proc/sysvipc/shm", buf, sizeof(buf));
	(void)snprintf(want, sizeof(want),
	    "\n%10d %10d  %4o %21lu %5u %5u  %5lu %5u %5u %5u %5u %10u %10u ",
	    291, seg, 0640, 5000UL, (unsigned)rump_sys_getpid(), 0, 0UL, 0, 0,
	    0, 0, 0, 0);
	T_ASSERT(strstr(buf, want) != NULL);
	T_ASSERT(strstr(buf, "nattch") != NULL);
	read_file("/proc/sysvipc/sem", buf, sizeof(buf));
	T_ASSERT(strchr(buf, '\n') == buf + strlen(buf) - 1);
	(void)T_OK(rump_sys_msgget(7, IPC_CREAT | 0600));
	read_file("/proc/sysvipc/msg", buf, sizeof(buf));
	T_ASSERT(strstr(buf, "\n         7 ") != NULL);
	read_file("/proc/sys/kernel/sem", buf, sizeof(buf));
	T_EQ(0, strcmp(buf, "32000\t1024000000\t500\t32000\n"));
	read_file("/proc/sys/fs/mqueue/queues_max", buf, sizeof(buf));
	T_EQ(0, strcmp(buf, "256\n"));
}

TC(host_fork, "after a fork each kernel has its own segments")
{
	char *a;
	int status;
	pid_t pid;

	tc_local();
	boot();
	seg = (int)T_OK(rump_sys_shmget(IPC_PRIVATE, 20000, 0600));
	a = rump_sys_shmat(seg, NULL, 0);
	T_ASSERT(a != (void *)-1);
	a[9000] = 'a';
	T_ASSERT((pid = fork()) >= 0);
	if (pid == 0) {
		if (a[9000] != 'a' || a[0] != 0)
			_exit(1);
		a[9000] = 'c';
		_exit(rump_sys_shmdt(a) == 0 &&
			      rump_sys_shmctl(seg, IPC_RMID, NULL) == 0
			  ? 0
			  : 2);
	}
	T_EQ(pid, waitpid(pid, &status, 0));
	T_EQ(0, status);
	T_EQ('a', a[9000]);
	T_OK(rump_sys_shmdt(a));
}

#if !TC_IS_REMOTE
static void *
client_call(void *library, const char *name)
{
	void *fn = dlsym(library, name);

	if (fn == NULL)
		_exit(10);
	return fn;
}

/* A client in a host process of its own, with the library of clients. */
static void
client_run(int go)
{
	void *lib = dlopen(RUMP_CLIENT_LIBRARY, RTLD_NOW | RTLD_LOCAL);
	int (*init)(void);
	void *(*at)(int, const void *, int);
	char *a;

	if (lib == NULL || read(go, &seg, sizeof(seg)) != sizeof(seg))
		_exit(11);
	(void)setenv("RUMP_SERVER", "unix://here", 1);
	*(void **)&init = client_call(lib, "rumpclient_init");
	*(void **)&at = client_call(lib, "rump_sys_shmat");
	if (init() != 0 || (a = at(seg, NULL, 0)) == (void *)-1)
		_exit(12);
	/* What the server's own processes write is here, and the reverse. */
	if (strcmp(a, "server") != 0)
		_exit(13);
	strcpy(a + 5000, "client");
	for (int i = 0; i < 30000; i++) {
		if (*(volatile char *)a == 'S')
			_exit(0);
		(void)usleep(1000);
	}
	_exit(14);
}

TC(server, "processes of the server and clients share a segment")
{
	int go[2], status;
	pid_t pid;
	char *a;

	thread_wanted();
	T_EQ(0, pipe(go));
	T_ASSERT((pid = fork()) >= 0);
	if (pid == 0)
		client_run(go[0]);
	T_EQ(0, rump_init_server("unix://here"));
	seg = (int)T_OK(rump_sys_shmget(IPC_PRIVATE, 6000, 0600));
	a = rump_sys_shmat(seg, NULL, 0);
	strcpy(a, "server");
	T_EQ(sizeof(seg), write(go[1], &seg, sizeof(seg)));
	for (int i = 0; i < 3000 && a[5005] == 0; i++)
		host_msleep(10);
	T_EQ(0, strcmp(a + 5000, "client"));
	T_EQ(2, stat_seg().shm_nattch);
	a[0] = 'S';
	T_EQ(pid, waitpid(pid, &status, 0));
	T_EQ(0, status);
	for (int i = 0; i < 500 && stat_seg().shm_nattch != 1; i++)
		host_msleep(10);
	T_EQ(1, stat_seg().shm_nattch);
}
#endif

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, attach);
	ATF_TP_ADD_TC(tp, removed);
	ATF_TP_ADD_TC(tp, arguments);
	ATF_TP_ADD_TC(tp, info);
	ATF_TP_ADD_TC(tp, proc);
	ATF_TP_ADD_TC(tp, host_fork);
#if !TC_IS_REMOTE
	ATF_TP_ADD_TC(tp, server);
#endif
	return atf_no_error();
}
