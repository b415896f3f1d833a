/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Arguments that are described by what another argument is: requests of ioctl,
 * commands of fcntl, prctl and modctl, data of mount; and modes of open, that
 * are there only if a file is made.
 */
#include <string.h>

#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>

#include <rump/rump_component.h>
#include <rump/rump_syscalls.h>

#include "syscall/sysdesc.h"
#include "syscall/systypes.h"

#include <asm/termbits.h>

struct command {
	uint64_t cm_number;
	uint16_t cm_flags; /* SYSARG_IN, SYSARG_OUT; 0: no pointer */
	uint32_t cm_size;  /* 0: nothing at all */
	const char *cm_type;
};

#define IN    SYSARG_IN
#define OUT   SYSARG_OUT
#define INOUT (SYSARG_IN | SYSARG_OUT)
#define POINTER(n, flags, type)                                \
	{                                                      \
		(uint32_t)(n), flags, sizeof(type), #type " *" \
	}
#define VALUE(n)                           \
	{                                  \
		(uint32_t)(n), 0, 4, "int" \
	}
#define NOTHING(n)                      \
	{                               \
		(uint32_t)(n), 0, 0, "" \
	}

/* Those whose number does not say it, or not the truth. */
static const struct command ioctls[] = {
    POINTER(FIONREAD, OUT, int),
    POINTER(FIONBIO, IN, int),
    POINTER(FIOASYNC, IN, int),
    POINTER(FIOQSIZE, OUT, loff_t),
    POINTER(FIGETBSZ, OUT, int),
    NOTHING(FIOCLEX),
    NOTHING(FIONCLEX),
    POINTER(FS_IOC_GETFLAGS, OUT, int),
    POINTER(FS_IOC_SETFLAGS, IN, int),
    POINTER(TCGETS, OUT, struct termios),
    POINTER(TCSETS, IN, struct termios),
    POINTER(TCSETSW, IN, struct termios),
    POINTER(TCSETSF, IN, struct termios),
    VALUE(TCSBRK),
    VALUE(TCSBRKP),
    VALUE(TCXONC),
    VALUE(TCFLSH),
    NOTHING(TIOCEXCL),
    NOTHING(TIOCNXCL),
    VALUE(TIOCSCTTY),
    NOTHING(TIOCNOTTY),
    NOTHING(TIOCSBRK),
    NOTHING(TIOCCBRK),
    VALUE(TIOCSIG),
    POINTER(TIOCGPGRP, OUT, pid_t),
    POINTER(TIOCSPGRP, IN, pid_t),
    POINTER(TIOCGSID, OUT, pid_t),
    POINTER(TIOCOUTQ, OUT, int),
    POINTER(TIOCSTI, IN, char),
    POINTER(TIOCGWINSZ, OUT, struct winsize),
    POINTER(TIOCSWINSZ, IN, struct winsize),
    POINTER(TIOCPKT, IN, int),
    POINTER(TIOCGETD, OUT, int),
    POINTER(TIOCSETD, IN, int),
    {0},
};

static const struct command fcntls[] = {
    NOTHING(F_GETFD),
    NOTHING(F_GETFL),
    NOTHING(F_GETOWN),
    NOTHING(F_GETSIG),
    NOTHING(F_GETLEASE),
    NOTHING(F_GETPIPE_SZ),
    NOTHING(F_GET_SEALS),
    POINTER(F_GETLK, INOUT, struct flock),
    POINTER(F_SETLK, IN, struct flock),
    POINTER(F_SETLKW, IN, struct flock),
    POINTER(F_OFD_GETLK, INOUT, struct flock),
    POINTER(F_OFD_SETLK, IN, struct flock),
    POINTER(F_OFD_SETLKW, IN, struct flock),
    POINTER(F_GETOWN_EX, OUT, struct f_owner_ex),
    POINTER(F_SETOWN_EX, IN, struct f_owner_ex),
    POINTER(F_GET_RW_HINT, OUT, uint64_t),
    POINTER(F_SET_RW_HINT, IN, uint64_t),
    {0},
};

static const struct command shmctls[] = {
    {IPC_RMID, 0, 0, "void *"},
    {SHM_LOCK, 0, 0, "void *"},
    {SHM_UNLOCK, 0, 0, "void *"},
    POINTER(IPC_SET, IN, struct shmid_ds),
    POINTER(IPC_STAT, OUT, struct shmid_ds),
    POINTER(SHM_STAT, OUT, struct shmid_ds),
    POINTER(SHM_STAT_ANY, OUT, struct shmid_ds),
    POINTER(IPC_INFO, OUT, struct shminfo),
    POINTER(SHM_INFO, OUT, struct shm_info),
    {0},
};

static const struct command msgctls[] = {
    {IPC_RMID, 0, 0, "void *"},
    POINTER(IPC_SET, IN, struct msqid_ds),
    POINTER(IPC_STAT, OUT, struct msqid_ds),
    POINTER(MSG_STAT, OUT, struct msqid_ds),
    POINTER(MSG_STAT_ANY, OUT, struct msqid_ds),
    POINTER(IPC_INFO, OUT, struct msginfo),
    POINTER(MSG_INFO, OUT, struct msginfo),
    {0},
};

/* GETALL and SETALL are of as many as the set has, which nobody says. */
static const struct command semctls[] = {
    POINTER(IPC_SET, IN, struct semid_ds),
    POINTER(IPC_STAT, OUT, struct semid_ds),
    POINTER(SEM_STAT, OUT, struct semid_ds),
    POINTER(SEM_STAT_ANY, OUT, struct semid_ds),
    POINTER(IPC_INFO, OUT, struct seminfo),
    POINTER(SEM_INFO, OUT, struct seminfo),
    {0},
};

static const struct command prctls[] = {
    {PR_GET_NAME, OUT, 16, "char *"},
    {0},
};

static void
make_value(struct sysarg *sa)
{
	sa->sa_kind = SYSARG_VALUE;
	sa->sa_type = "long";
	sa->sa_size = sizeof(long);
	sa->sa_flags = SYSARG_SIGNED;
}

static void
make_buffer(struct sysarg *sa, uint16_t flags, const char *type, uint32_t size)
{
	sa->sa_kind = SYSARG_BUFFER;
	sa->sa_type = type;
	sa->sa_flags = flags;
	sa->sa_size = size;
	sa->sa_count = 1;
	sa->sa_counter = -1;
}

static bool
by_command(const struct command *list, uint64_t number, struct sysarg *sa)
{
	for (; list->cm_type != NULL; list++) {
		if (list->cm_number != number)
			continue;
		if (list->cm_size == 0)
			sa->sa_kind = SYSARG_ABSENT;
		else if (list->cm_flags != 0)
			make_buffer(
			    sa, list->cm_flags, list->cm_type, list->cm_size);
		return true;
	}
	return false;
}

/* What the number says, if it is one of those that do. */
static void
by_request(uint32_t request, struct sysarg *sa)
{
	uint16_t flags =
	    (uint16_t)(((_IOC_DIR(request) & _IOC_WRITE) != 0 ? IN : 0) |
		       ((_IOC_DIR(request) & _IOC_READ) != 0 ? OUT : 0));

	if (flags == 0 || _IOC_SIZE(request) == 0)
		return;
	if (_IOC_SIZE(request) == sizeof(int)) {
		make_buffer(sa, flags, "int *", sizeof(int));
		return;
	}
	make_buffer(sa, flags, "void *", 1);
	sa->sa_count = _IOC_SIZE(request);
}

/* Structures of mount that have pointers: <rump/rump_mount.h>. */
#define STRING(type, field)                        \
	{                                          \
		offsetof(struct type, field), 0, 0 \
	}
#define ARRAY(type, field, counter)                                           \
	{                                                                     \
		offsetof(struct type, field), offsetof(struct type, counter), \
		    2 * sizeof(uint64_t)                                      \
	}
static const struct sysinner null_inner[] = {STRING(null_args, nulla_target)};
static const struct sysinner umap_inner[] = {STRING(umap_args, umap_target),
    ARRAY(umap_args, mapdata, nentries), ARRAY(umap_args, gmapdata, gnentries)};
static const struct sysinner union_inner[] = {STRING(union_args, target)};

/* Told apart by their sizes. */
static const struct nested {
	const struct sysinner *n_inner;
	size_t n_count;
	uint32_t n_size;
} nesteds[] = {
    {null_inner, 1, sizeof(struct null_args)},
    {umap_inner, 3, sizeof(struct umap_args)},
    {union_inner, 1, sizeof(struct union_args)},
};

static const struct nested *
nested_find(uint64_t size)
{
	size_t i;

	for (i = 0; i < sizeof(nesteds) / sizeof(nesteds[0]); i++)
		if (nesteds[i].n_size == size)
			return &nesteds[i];
	return NULL;
}

size_t
sysarg_inner(const struct sysarg *sa, const struct sysinner **listp)
{
	const struct nested *n = nested_find(sa->sa_size);

	*listp = n != NULL ? n->n_inner : NULL;
	return n != NULL ? n->n_count : 0;
}

/* Is the string at this address `text'?  No more of it is read than that. */
static bool
string_is(uint64_t addr, const char *text, sysarg_read *get)
{
	char c;

	for (;; text++, addr++)
		if (!get(&c, (void *)(uintptr_t)addr, 1) || c != *text)
			return false;
		else if (c == '\0')
			return true;
}

/*
 * A structure that begins with a pointer, or what remote clients send in place
 * of one, which no text does; or text, or a structure without pointers.
 */
static void
mount_data(const uint64_t *args, sysarg_read *get, struct sysarg *sa)
{
	char first[sizeof(void *)];

	make_buffer(sa, IN, "const void *", 1);
	sa->sa_counter = 4;
	if (args[0] == 0 || string_is(args[0], "tmpfs", get))
		return;
	if (nested_find(args[4]) == NULL || args[3] == 0 ||
	    !get(first, (void *)(uintptr_t)args[3], sizeof(first)) ||
	    (first[sizeof(first) - 1] & 0x7f) != 0 ||
	    first[sizeof(first) - 2] != '\0')
		return;
	sa->sa_kind = SYSARG_NESTED;
	sa->sa_size = (uint32_t)args[4];
	sa->sa_counter = -1;
}

bool
sysdesc_isset(const struct sysdesc *sd, const uint64_t *args)
{
	return sd->sd_number == RUMP_SYS_semctl &&
	       ((int)args[2] == GETALL || (int)args[2] == SETALL);
}

static void
open_mode(int flags, struct sysarg *sa)
{
	sa->sa_hint = "mode";
	if ((flags & O_CREAT) == 0 && (flags & O_TMPFILE) != O_TMPFILE)
		sa->sa_kind = SYSARG_ABSENT;
}

void
sysarg_resolve(const struct sysdesc *sd, int i, const uint64_t *args,
    sysarg_read *get, struct sysarg *result)
{
	*result = sd->sd_args[i];
	if (result->sa_kind != SYSARG_SPECIAL)
		return;
	make_value(result);
	switch (sd->sd_number) {
	case RUMP_SYS_ioctl:
		if (!by_command(ioctls, (uint32_t)args[1], result))
			by_request((uint32_t)args[1], result);
		break;
	case RUMP_SYS_fcntl:
		(void)by_command(fcntls, (uint32_t)args[1], result);
		break;
	case RUMP_SYS_prctl:
		if (i > 1)
			result->sa_kind = SYSARG_ABSENT;
		else if ((int)args[0] == PR_SET_NAME)
			result->sa_kind = SYSARG_STRING;
		else
			(void)by_command(prctls, (uint32_t)args[0], result);
		break;
	case RUMP_SYS_open:
	case RUMP_SYS_openat:
		open_mode((int)args[i - 1], result);
		break;
	case RUMP_SYS_shmat:
	case RUMP_SYS_shmdt:
	case RUMP_SYS_aio_error:
	case RUMP_SYS_aio_return:
		/* Where a segment or a request is, not what is there. */
		break;
	case RUMP_SYS_aio_suspend:
		make_buffer(result, IN, "const struct aiocb *const *",
		    sizeof(struct aiocb *));
		result->sa_counter = 1;
		break;
	case RUMP_SYS_shmctl:
		(void)by_command(shmctls, (uint32_t)args[1], result);
		break;
	case RUMP_SYS_msgctl:
		(void)by_command(msgctls, (uint32_t)args[1], result);
		break;
	case RUMP_SYS_semctl:
		if (sysdesc_isset(sd, args))
			result->sa_kind = SYSARG_OPAQUE;
		else
			(void)by_command(semctls, (uint32_t)args[2], result);
		break;
	case RUMP_SYS_mount:
		mount_data(args, get, result);
		break;
	case RUMP_SYS_modctl:
		result->sa_kind = (int)args[0] == RUMP_MODCTL_UNLOAD
				      ? SYSARG_STRING
				      : SYSARG_OPAQUE;
		break;
	default:
		result->sa_kind = SYSARG_OPAQUE;
		break;
	}
}

void
sysarg_resolve_set(const struct sysdesc *sd, int i, const uint64_t *args,
    uint64_t n, sysarg_read *get, struct sysarg *result)
{
	sysarg_resolve(sd, i, args, get, result);
	if (result->sa_kind != SYSARG_OPAQUE || !sysdesc_isset(sd, args) ||
	    n == 0 || n > SYSARG_SETMOST / sizeof(uint16_t))
		return;
	make_buffer(result, ((int)args[2] == SETALL ? IN : OUT) | SYSARG_SET,
	    "unsigned short *", sizeof(uint16_t));
	result->sa_count = (uint32_t)n;
}
