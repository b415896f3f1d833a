/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The same random calls on semaphores, message queues and shared memory of
 * System V, here and on the host, none of which waits: results, errors, values,
 * messages, owners and figures must be the same.
 *
 *	sysv [seed [steps [verbose]]]
 *
 * Without arguments a few seeds, always the same.  A difference is printed
 * with seed and step; the exit status is 1 then.  Ids and times are each
 * kernel's own.
 */
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rump/rump.h>
#include <rump/rump_syscalls.h>

#include "lib/random.h"

#define NIDS	 6
#define NSEMS	 5
#define NOPS	 4
#define NBYTES	 64
#define NPRIVATE 1000

enum op {
	OP_SEMGET,
	OP_SEMOP,
	OP_SEMCTL,
	OP_MSGGET,
	OP_MSGSND,
	OP_MSGRCV,
	OP_MSGCTL,
	OP_SHMGET,
	OP_SHMAT,
	OP_SHMDT,
	OP_SHMCTL,
	OP_COUNT
};

static const char *const opnames[] = {"semget", "semop", "semctl", "msgget",
    "msgsnd", "msgrcv", "msgctl", "shmget", "shmat", "shmdt", "shmctl"};
/* How often of 100. */
static const unsigned weights[] = {6, 18, 22, 5, 14, 14, 5, 4, 5, 4, 3};

struct step {
	enum op op;
	int slot, key, flags, cmd, semnum, value;
	unsigned nops;
	struct sembuf ops[NOPS];
	size_t len;
	long type;
	uint16_t values[NSEMS + 2];
	unsigned long qbytes;
	unsigned mode;
};

/* What a step gave, without ids, addresses and times. */
struct result {
	long ret;
	int error;
	uint16_t values[NSEMS + 2];
	struct ipc_perm perm;
	unsigned long figures[4];
	long type;
	char data[NBYTES];
};

struct world {
	int (*w_semget)(key_t, int, int);
	int (*w_semop)(int, struct sembuf *, size_t);
	int (*w_semctl)(int, int, int, ...);
	int (*w_msgget)(key_t, int);
	int (*w_msgsnd)(int, const void *, size_t, int);
	ssize_t (*w_msgrcv)(int, void *, size_t, long, int);
	int (*w_msgctl)(int, int, struct msqid_ds *);
	int (*w_shmget)(key_t, size_t, int);
	void *(*w_shmat)(int, const void *, int);
	int (*w_shmdt)(const void *);
	int (*w_shmctl)(int, int, struct shmid_ds *);
	int w_sem[NIDS], w_msg[NIDS], w_shm[NIDS]; /* -1: none so far */
	char *w_addr[NIDS];
	int w_private[3][NPRIVATE], w_nprivate[3]; /* to be removed */
};

static int
host_semctl(int id, int semnum, int cmd, ...)
{
	va_list ap;
	uintptr_t arg;

	va_start(ap, cmd);
	arg = va_arg(ap, uintptr_t);
	va_end(ap);
	return semctl(id, semnum, cmd, arg);
}

static struct world host = {semget, semop, host_semctl, msgget, msgsnd, msgrcv,
    msgctl, shmget, shmat, shmdt, shmctl, {0}, {0}, {0}, {NULL}, {{0}}, {0}};
static struct world rump = {rump_sys_semget, rump_sys_semop, rump_sys_semctl,
    rump_sys_msgget, rump_sys_msgsnd, rump_sys_msgrcv, rump_sys_msgctl,
    rump_sys_shmget, rump_sys_shmat, rump_sys_shmdt, rump_sys_shmctl, {0}, {0},
    {0}, {NULL}, {{0}}, {0}};

static bool verbose;
static key_t keys[4];

static void
pick_ops(struct step *s)
{
	static const short deltas[] = {-2, -1, 0, 1, 2, 32767, -32768};
	unsigned i;

	s->nops = rnd(20) == 0 ? 0 : 1 + rnd(NOPS);
	for (i = 0; i < s->nops; i++) {
		s->ops[i].sem_num =
		    (unsigned short)rnd(rnd(10) == 0 ? NSEMS + 2 : NSEMS);
		s->ops[i].sem_op = deltas[rnd(rnd(8) == 0 ? 7 : 5)];
		/* None waits. */
		s->ops[i].sem_flg =
		    (short)(IPC_NOWAIT | (rnd(4) == 0 ? SEM_UNDO : 0));
	}
}

static void
pick(struct step *s)
{
	static const int semcmds[] = {GETVAL, GETVAL, SETVAL, SETVAL, GETALL,
	    SETALL, GETPID, GETNCNT, GETZCNT, IPC_STAT, IPC_SET, IPC_RMID, 99};
	static const int objcmds[] = {
	    IPC_STAT, IPC_STAT, IPC_STAT, IPC_SET, IPC_RMID, 99};
	static const size_t lens[] = {0, 1, 5, 20, 40, 8192, 8193};
	unsigned k = rnd(100), i;

	memset(s, 0, sizeof(*s));
	for (s->op = 0; k >= weights[s->op]; s->op++)
		k -= weights[s->op];
	s->slot = (int)rnd(NIDS);
	s->key = (int)rnd(4);
	s->flags = (int)(rnd(3) != 0 ? IPC_CREAT : 0) |
		   (int)(rnd(4) == 0 ? IPC_EXCL : 0) | 0600 | (int)rnd(0100);
	s->cmd = s->op == OP_SEMCTL ? semcmds[rnd(13)] : objcmds[rnd(6)];
	s->semnum = (int)rnd(NSEMS + 1) - (int)(rnd(10) == 0);
	s->value =
	    (int)rnd(4) - (int)(rnd(10) == 0) * 3 + (int)(rnd(20) == 0) * 40000;
	pick_ops(s);
	s->len = lens[rnd(rnd(4) == 0 ? 7 : 5)];
	s->type = (long)rnd(5) - (long)(rnd(3) == 0) * 4;
	if (rnd(30) == 0)
		s->type = rnd(2) == 0 ? INT64_MIN : INT64_MAX;
	for (i = 0; i < NSEMS + 2; i++)
		s->values[i] = (uint16_t)rnd(rnd(40) == 0 ? 65536 : 4);
	s->qbytes = rnd(3) == 0 ? 30 : 16384;
	s->mode = 0600 | rnd(0100);
}

static void
perm_result(struct result *r, const struct ipc_perm *ip)
{
	r->perm = *ip;
	r->perm.__key = ip->__key == IPC_PRIVATE;
	r->perm.__seq = 0;
}

static void
do_semctl(struct world *w, const struct step *s, struct result *r)
{
	struct semid_ds ds;
	int id = w->w_sem[s->slot];

	memset(&ds, 0, sizeof(ds));
	ds.sem_perm.mode = (__typeof__(ds.sem_perm.mode))s->mode;
	memcpy(r->values, s->values, sizeof(r->values));
	if (s->cmd == IPC_STAT || s->cmd == IPC_SET)
		r->ret = w->w_semctl(id, 0, s->cmd, &ds);
	else if (s->cmd == GETALL || s->cmd == SETALL)
		r->ret = w->w_semctl(id, 0, s->cmd, r->values);
	else
		r->ret = w->w_semctl(
		    id, s->semnum, s->cmd, (uintptr_t)(unsigned)s->value);
	if (s->cmd == IPC_STAT && r->ret == 0) {
		perm_result(r, &ds.sem_perm);
		r->figures[0] = ds.sem_nsems;
		r->figures[1] = ds.sem_otime != 0;
		r->figures[2] = ds.sem_ctime != 0;
	}
	if (s->cmd == GETPID && r->ret > 0)
		r->ret = 1;
}

struct message {
	long type;
	char data[9000];
};

static void
do_msgsnd(struct world *w, const struct step *s, struct result *r)
{
	static struct message m;

	m.type = s->type;
	memset(m.data, 'a' + (int)s->len, sizeof(m.data));
	r->ret = w->w_msgsnd(w->w_msg[s->slot], &m, s->len, IPC_NOWAIT);
}

static void
do_msgrcv(struct world *w, const struct step *s, struct result *r)
{
	static struct message m;
	int flags = IPC_NOWAIT | ((s->value & 1) != 0 ? MSG_NOERROR : 0) |
		    ((s->values[0] & 3) == 3 ? MSG_EXCEPT : 0) |
		    ((s->values[1] & 3) == 3 ? MSG_COPY : 0);

	memset(&m, 0, sizeof(m));
	r->ret = w->w_msgrcv(w->w_msg[s->slot], &m, s->len, s->type, flags);
	r->type = m.type;
	memcpy(r->data, m.data, sizeof(r->data));
}

static void
do_msgctl(struct world *w, const struct step *s, struct result *r)
{
	struct msqid_ds ds;

	memset(&ds, 0, sizeof(ds));
	ds.msg_perm.mode = (__typeof__(ds.msg_perm.mode))s->mode;
	ds.msg_qbytes = s->qbytes;
	r->ret = w->w_msgctl(w->w_msg[s->slot], s->cmd, &ds);
	if (s->cmd == IPC_STAT && r->ret == 0) {
		perm_result(r, &ds.msg_perm);
		r->figures[0] = ds.msg_qnum;
		r->figures[1] = ds.__msg_cbytes;
		r->figures[2] = ds.msg_qbytes;
		r->figures[3] = (ds.msg_lspid != 0) + 2 * (ds.msg_lrpid != 0) +
				4 * (ds.msg_stime != 0) +
				8 * (ds.msg_rtime != 0);
	}
}

static void
do_shmat(struct world *w, const struct step *s, struct result *r)
{
	char *addr;

	if (w->w_addr[s->slot] != NULL)
		return;
	addr = w->w_shmat(w->w_shm[s->slot], NULL,
	    (s->value & 1) != 0 ? SHM_RDONLY
	    : s->value == 2	? SHM_REMAP
				: 0);
	r->error = errno;
	if (addr == (void *)-1) {
		r->ret = -1;
		return;
	}
	w->w_addr[s->slot] = addr;
	memcpy(r->data, addr, sizeof(r->data));
	if ((s->value & 1) == 0)
		memset(addr, (int)s->len + 1, NBYTES / 2);
}

static void
do_shmctl(struct world *w, const struct step *s, struct result *r)
{
	struct shmid_ds ds;

	memset(&ds, 0, sizeof(ds));
	ds.shm_perm.mode = (__typeof__(ds.shm_perm.mode))s->mode;
	r->ret = w->w_shmctl(w->w_shm[s->slot], s->cmd, &ds);
	if (s->cmd == IPC_STAT && r->ret == 0) {
		perm_result(r, &ds.shm_perm);
		r->figures[0] = ds.shm_segsz;
		r->figures[1] = ds.shm_nattch;
		r->figures[2] = (ds.shm_atime != 0) + 2 * (ds.shm_dtime != 0) +
				4 * (ds.shm_lpid != 0) + 8 * (ds.shm_cpid != 0);
	}
}

/* An id instead of the value. */
static void
keep(struct world *w, int kind, key_t key, int *slot, struct result *r, int id)
{
	r->error = errno;
	r->ret = id == -1 ? -1 : 0;
	if (id == -1)
		return;
	*slot = id;
	if (key == IPC_PRIVATE && w->w_nprivate[kind] < NPRIVATE)
		w->w_private[kind][w->w_nprivate[kind]++] = id;
}

static void
do_step(struct world *w, const struct step *s, struct result *r)
{
	struct sembuf ops[NOPS];

	memset(r, 0, sizeof(*r));
	errno = 0;
	memcpy(ops, s->ops, sizeof(ops));
	switch (s->op) {
	case OP_SEMGET:
		keep(w, 0, keys[s->key], &w->w_sem[s->slot], r,
		    w->w_semget(keys[s->key], s->semnum, s->flags));
		break;
	case OP_SEMOP:
		r->ret = w->w_semop(w->w_sem[s->slot], ops, s->nops);
		break;
	case OP_SEMCTL:
		do_semctl(w, s, r);
		break;
	case OP_MSGGET:
		keep(w, 1, keys[s->key], &w->w_msg[s->slot], r,
		    w->w_msgget(keys[s->key], s->flags));
		break;
	case OP_MSGSND:
		do_msgsnd(w, s, r);
		break;
	case OP_MSGRCV:
		do_msgrcv(w, s, r);
		break;
	case OP_MSGCTL:
		do_msgctl(w, s, r);
		break;
	case OP_SHMGET:
		keep(w, 2, keys[s->key], &w->w_shm[s->slot], r,
		    w->w_shmget(keys[s->key], s->len, s->flags));
		break;
	case OP_SHMAT:
		do_shmat(w, s, r);
		break;
	case OP_SHMDT:
		r->ret = w->w_shmdt(w->w_addr[s->slot]);
		w->w_addr[s->slot] = NULL;
		break;
	default:
		do_shmctl(w, s, r);
	}
	if (r->error == 0)
		r->error = errno;
	if (r->ret != -1)
		r->error = 0;
}

static void
clean(struct world *w)
{
	int i;

	for (i = 0; i < NIDS; i++) {
		if (w->w_addr[i] != NULL)
			(void)w->w_shmdt(w->w_addr[i]);
		w->w_addr[i] = NULL;
		w->w_sem[i] = w->w_msg[i] = w->w_shm[i] = -1;
	}
	for (i = 0; i < w->w_nprivate[0]; i++)
		(void)w->w_semctl(
		    w->w_private[0][i], 0, IPC_RMID, (uintptr_t)0);
	for (i = 0; i < w->w_nprivate[1]; i++)
		(void)w->w_msgctl(w->w_private[1][i], IPC_RMID, NULL);
	for (i = 0; i < w->w_nprivate[2]; i++)
		(void)w->w_shmctl(w->w_private[2][i], IPC_RMID, NULL);
	memset(w->w_nprivate, 0, sizeof(w->w_nprivate));
	for (i = 1; i < 4; i++) {
		(void)w->w_semctl(
		    w->w_semget(keys[i], 0, 0), 0, IPC_RMID, (uintptr_t)0);
		(void)w->w_msgctl(w->w_msgget(keys[i], 0), IPC_RMID, NULL);
		(void)w->w_shmctl(w->w_shmget(keys[i], 0, 0), IPC_RMID, NULL);
	}
}

static int
run(uint64_t seed, long steps)
{
	static struct result a, b;
	struct step s;
	long i;

	rnd_seed(seed);
	for (i = 0; i < steps; i++) {
		pick(&s);
		do_step(&host, &s, &a);
		do_step(&rump, &s, &b);
		if (verbose)
			printf("%ld %s slot %d cmd %d: %ld %d\n", i,
			    opnames[s.op], s.slot, s.cmd, a.ret, a.error);
		if (memcmp(&a, &b, sizeof(a)) == 0)
			continue;
		fprintf(stderr,
		    "sysv: seed %llu step %ld: %s slot %d cmd %d semnum %d "
		    "value %d len %zu type %ld flags %#o: the host gives %ld "
		    "(errno %d; %lu %lu %lu %lu, %o, %ld), we %ld (errno %d; "
		    "%lu %lu %lu %lu, %o, %ld)\n",
		    (unsigned long long)seed, i, opnames[s.op], s.slot, s.cmd,
		    s.semnum, s.value, s.len, s.type, (unsigned)s.flags, a.ret,
		    a.error, a.figures[0], a.figures[1], a.figures[2],
		    a.figures[3], (unsigned)a.perm.mode, a.type, b.ret, b.error,
		    b.figures[0], b.figures[1], b.figures[2], b.figures[3],
		    (unsigned)b.perm.mode, b.type);
		break;
	}
	clean(&host);
	clean(&rump);
	return i < steps;
}

int
main(int argc, char **argv)
{
	long steps = argc > 2 ? atol(argv[2]) : 5000;
	uint64_t seed;
	int differs = 0, id, i;

	if ((id = semget(IPC_PRIVATE, 1, 0600)) == -1) {
		printf("no System V on the host: %s\n", strerror(errno));
		return 77;
	}
	(void)semctl(id, 0, IPC_RMID);
	verbose = argc > 3;
	rump_boot_setsigmodel(RUMP_SIGMODEL_IGNORE);
	if (rump_init() != 0 || rump_pub_lwproc_rfork(RUMP_RFCFDG) != 0)
		return 2;
	for (i = 1; i < 4; i++)
		keys[i] = (key_t)(0x52000000 + (getpid() << 3) + i);
	for (i = 0; i < NIDS; i++)
		host.w_sem[i] = host.w_msg[i] = host.w_shm[i] = rump.w_sem[i] =
		    rump.w_msg[i] = rump.w_shm[i] = -1;
	if (argc > 1)
		return run(strtoull(argv[1], NULL, 0), steps);
	for (seed = 1; seed <= 8; seed++)
		differs |= run(seed, steps);
	return differs;
}
