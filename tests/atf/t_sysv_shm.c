/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Shared memory of System V, and /proc/sysvipc.
 */
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/shm.h>

#include <fcntl.h>

#include "tc.h"

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
	b = rump_sys_shmat(seg, a + 1, SHM_RND);
	T_PTR(a, b);
	T_EQ('x', b[9999]);
	T_EQ(3, stat_seg().shm_nattch);
	T_OK(rump_sys_shmdt(b));
	T_OK(rump_sys_shmdt(a));
	T_ERR(EINVAL, rump_sys_shmdt(a));
	T_EQ(1, stat_seg().shm_nattch);
	T_ASSERT(rump_sys_shmat(seg, a, SHM_RDONLY) == a);
	release(p);
	T_EQ(1, stat_seg().shm_nattch);
	T_OK(rump_sys_shmdt(a));
	T_EQ(0, stat_seg().shm_nattch);
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
	T_PTR(failed, rump_sys_shmat(seg, (void *)0x10000, 0));
	T_EQ(EINVAL, errno);
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
	    291, seg, 0640, 5000UL, 1, 0, 0UL, 0, 0, 0, 0, 0, 0);
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

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, attach);
	ATF_TP_ADD_TC(tp, removed);
	ATF_TP_ADD_TC(tp, arguments);
	ATF_TP_ADD_TC(tp, info);
	ATF_TP_ADD_TC(tp, proc);
	return atf_no_error();
}
