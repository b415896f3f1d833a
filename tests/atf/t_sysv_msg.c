/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Message queues of System V, waiting.
 */
#include <sys/ipc.h>
#include <sys/msg.h>

#include "threads.h"

static int q;

struct message {
	long type;
	char data[8192];
};

static void
put(long type, size_t len)
{
	struct message m = {.type = type};

	T_OK(rump_sys_msgsnd(q, &m, len, 0));
}

static void
get_type(struct thread *t)
{
	struct message m;

	thread_sleeps(t);
	T_EQ(t->t_id, rump_sys_msgrcv(q, &m, 100, t->t_id + 1, 0));
	T_EQ(t->t_id + 1, m.type);
}

TC(types, "each waits for the type that it wants")
{
	struct thread team[4];

	boot();
	q = (int)T_OK(rump_sys_msgget(IPC_PRIVATE, 0600));
	team_start(team, 4, get_type, NULL);
	team_await_asleep(team, 4);
	for (int i = 3; i >= 0; i--)
		put(i + 1, (size_t)i);
	team_join(team, 4);
}

static void
put_big(struct thread *t)
{
	thread_sleeps(t);
	put(1, 8192);
}

TC(room, "who sends waits for room")
{
	struct thread team[3];
	struct message m;
	struct msqid_ds ds;

	boot();
	q = (int)T_OK(rump_sys_msgget(IPC_PRIVATE, 0600));
	put(1, 8192);
	put(1, 8192);
	m.type = 1;
	T_ERR(EAGAIN, rump_sys_msgsnd(q, &m, 1, IPC_NOWAIT));
	team_start(team, 3, put_big, NULL);
	team_await_asleep(team, 3);
	for (int i = 0; i < 3; i++)
		T_EQ(8192, rump_sys_msgrcv(q, &m, 8192, 0, 0));
	team_join(team, 3);
	T_OK(rump_sys_msgctl(q, IPC_STAT, &ds));
	T_EQ(2, ds.msg_qnum);
	T_EQ(16384, ds.__msg_cbytes);
	T_EQ(rump_sys_getpid(), ds.msg_lspid);
}

static void
get_removed(struct thread *t)
{
	struct message m = {.type = 1};

	thread_sleeps(t);
	if (t->t_id == 0)
		T_ERR(EIDRM, rump_sys_msgrcv(q, &m, 100, 7, 0));
	else
		T_ERR(EIDRM, rump_sys_msgsnd(q, &m, 8192, 0));
}

TC(removed, "removing a queue ends what waits")
{
	struct thread team[2];
	struct message m;

	boot();
	q = (int)T_OK(rump_sys_msgget(IPC_PRIVATE, 0600));
	put(1, 8192);
	put(2, 8192);
	team_start(team, 2, get_removed, NULL);
	team_await_asleep(team, 2);
	T_OK(rump_sys_msgctl(q, IPC_RMID, NULL));
	team_join(team, 2);
	T_ERR(EINVAL, rump_sys_msgrcv(q, &m, 1, 0, IPC_NOWAIT));
}

TC(removed_full, "the messages of a queue go with it")
{
	struct rump_memstat before, after;

	boot();
	q = (int)T_OK(rump_sys_msgget(IPC_PRIVATE, 0600));
	T_OK(rump_sys_msgctl(q, IPC_RMID, NULL));
	T_EQ(0, rump_pub_memstat(&before));
	q = (int)T_OK(rump_sys_msgget(IPC_PRIVATE, 0600));
	put(1, 8192);
	put(2, 8192);
	T_OK(rump_sys_msgctl(q, IPC_RMID, NULL));
	T_EQ(0, rump_pub_memstat(&after));
	T_EQ(before.used, after.used);
}

TC(arguments, "bad arguments are refused")
{
	struct message m = {.type = 1};

	boot();
	q = (int)T_OK(rump_sys_msgget(5, IPC_CREAT | 0600));
	T_ERR(EFAULT, rump_sys_msgsnd(q, NULL, 1, 0));
	T_ERR(EINVAL, rump_sys_msgsnd(-1, &m, 1, 0));
	/* What is longer than any memory is not sent to a server: no address.
	 */
	T_ERR(TC_IS_REMOTE ? EFAULT : EINVAL,
	    rump_sys_msgsnd(q, &m, (size_t)-1, 0));
	T_ERR(EINVAL, rump_sys_msgrcv(q, &m, (size_t)-1, 0, 0));
	m.type = 0;
	T_ERR(EINVAL, rump_sys_msgsnd(q, &m, 1, 0));
	put(3, 10);
	T_ERR(E2BIG, rump_sys_msgrcv(q, &m, 9, 0, 0));
	T_ERR(EFAULT, rump_sys_msgctl(q, IPC_STAT, NULL));
	T_ERR(EINVAL, rump_sys_msgctl(q, 12345, NULL));
	T_EQ(9, rump_sys_msgrcv(q, &m, 9, 0, MSG_NOERROR));
	T_ERR(ENOMSG, rump_sys_msgrcv(q, &m, 9, 0, IPC_NOWAIT));
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, types);
	ATF_TP_ADD_TC(tp, room);
	ATF_TP_ADD_TC(tp, removed);
	ATF_TP_ADD_TC(tp, removed_full);
	ATF_TP_ADD_TC(tp, arguments);
	return atf_no_error();
}
