/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What remote clients and their server say to each other: rump_sp(7).
 *
 * A client connects, sends a hello and gets a welcome.  From then on it makes
 * calls, each in a slot, as many at a time as there are slots.
 *
 * On the same machine the slots are in memory that both have mapped.  The
 * socket is the way in, carries single bytes that say nothing but "look", and
 * says by its end that the other one has gone:
 *
 *	client	writes the call into a slot, ss_state = REQUEST, sets the
 *		slot's bit in sh_bell if it is not set; if sh_cold is set and
 *		it is the one who clears that, sends a byte
 *	server	takes bits from sh_bell, makes the calls, writes the results,
 *		ss_state = DONE, and wakes who has set a WAITS bit; at slots
 *		that have a turn it looks without taking their bits
 *	client	that wants a call not to sleep sets ss_intr and does as if it
 *		were a call
 *	server that finds nothing for a while sets sh_cold, looks at sh_bell
 *		and at those slots once more, and waits for bytes
 *
 *	server that finds more clients than processors for them sets SP_PARK
 *		in ss_turn when it answers, and takes it back when it is
 *		the slot's turn; a client that finds it there before it posts
 *		a call notes that in ss_seen and sleeps on ss_turn, for a
 *		little while at most, before it looks for the answer
 *
 * Elsewhere each has slots of its own, and what is in them goes through the
 * stream, in frames: the message and the bytes of the payload that matter, as
 * struct sp_frame says.  Many calls are under way at a time, in either
 * direction, and are told apart by their slots.  A call in a slot has the
 * number of the one before it and one more: when a connection was lost, the
 * client sends all calls again that it has no result of, and the server makes
 * those that it has not seen, and keeps for the others what came of them.
 *
 * A call's pointers are offsets into the payload with SP_TAG, or addresses
 * that no program has, as they are.  What has to be looked at is in the first
 * sm_head bytes, which the server copies before it does so; behind them are
 * data that it copies once, from or to where they belong.
 *
 * The server believes nothing that it is told.
 */
#ifndef PROXY_WIRE_H
#define PROXY_WIRE_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#define SP_MAGIC   0x504d5552u /* "RUMP" */
#define SP_VERSION 8u

/* Calls that a client can have going on at a time. */
#define SP_NSLOTS 512u
#define SP_NBELLS (SP_NSLOTS / 64)

/* Address space of a slot, and of that what is for data. */
#define SP_STRIDE  (8u << 20)
#define SP_PAYLOAD (SP_STRIDE - 4096u)

/* The most that a call has to look at; strings, structures, vectors. */
#define SP_HEADMAX (1u << 20)

#define SP_TAG	 (UINT64_C(1) << 63)
#define SP_ALIGN 16u

/*
 * An argument that is not in the payload: what is below or not below are
 * addresses that are none on any machine, or on the client's.
 */
#define SP_BADADDR_LOW	4096u
#define SP_BADADDR_HIGH ((UINT64_C(1) << 47) - 4096)

/*
 * semctl with GETALL or SETALL is about as many as the set has.  SP_SEMS says
 * that, and it goes along in this argument.  Whatever it is, the payload has
 * room for as many as any set can have, SYSARG_SETMOST bytes, so that nothing
 * is looked at outside of it.
 */
#define SP_SEMARG 4

enum sp_op {
	SP_SYSCALL,    /* sm_nr, sm_args */
	SP_RFORK,      /* sm_args[0]: flags; value: handle of an lwp */
	SP_NEWLWP,     /* sm_args[0]: pid; value: handle */
	SP_RELEASE,    /* release sm_lwp */
	SP_SLOTEND,    /* the thread that had the slot has ended */
	SP_FORK,       /* payload: a token for the child's hello; sp_forked */
	SP_FORKCANCEL, /* payload: that token */
	SP_SIGRETURN,  /* sm_args[0]: the mask before a handler */
	SP_PID,	       /* value: pid of sm_lwp's process */
	SP_SEMS,       /* sm_args[0]: id, [1]: cmd of semctl; value: how many */
	SP_AIO,	       /* sm_args[0]: enum sp_aio; see there */
	SP_HOSTFILE,   /* sm_args[0]: fd, [1]: written through, [2]: PROT_* */
	SP_HOSTPATH,   /* sm_args[0]: dirfd, [1]: follow; payload: paths */
	SP_FDS,	       /* payload: struct sp_fds; value: how many */
	SP_PROGRAM,    /* sm_args[0]: dirfd, [1]: follow, [2]; payload: paths */
	SP_FDPATH,     /* sm_args[0]: fd, [1]: pid, [2]; payload: its path */
	SP_REOPEN,     /* sm_args[0]: fd, [1]: flags; value: descriptor */
	SP_SEND,       /* sm_args[0]: fd; value: as of SP_HOSTFILE */
	SP_RECEIVE,    /* sm_args[0]: st_ino, [1]: close-on-exec; value: fd */
	SP_EXEC,       /* payload: a name, struct sp_fds; value: how many */
	SP_GONE,       /* sm_args[0]: pid, or 0; payload: a token or nothing */
	SP_HOSTDIR,    /* sm_args[0]: dirfd; payload: path, sp_hostdir */
	SP_ADOPT,      /* sm_args[0]: flags, [1]: mount, [2]: number; path */
	SP_SHMFILE,    /* sm_args[0]: id, [1]: flags; value: bytes */
	SP_SHMDT,      /* sm_args[0]: address; value: bytes to be unmapped */
	SP_NOPS,
};

/*
 * Requests of asynchronous input and output.  What they are made of comes in
 * the message: a struct aiocb and, behind the head, the data of a write.  The
 * server keeps what a read has got, in memory of its own, and the request goes
 * on (EINPROGRESS) until the client has fetched it.  sm_args[1] is the address
 * of the caller's struct, which is its name.
 *
 * SP_AIO_FETCH: sm_args[1] is what was fetched before, or 0, and [2] how much
 * of it there is by now.  The result is a struct sp_aiodata, of which the next
 * part follows; its ad_name is 0 if there is nothing to be fetched.
 *
 * lio_listio: SP_AIO_GROUP, whose payload may be a struct sigevent, gives a
 * number; with that in sm_args[2] SP_AIO_LIST does what the struct says; and
 * SP_AIO_GROUPEND waits for all, if sm_args[1] is 1.
 */
enum sp_aio {
	SP_AIO_READ,
	SP_AIO_WRITE,
	SP_AIO_SYNC,
	SP_AIO_DATASYNC,
	SP_AIO_LIST,
	SP_AIO_CANCEL, /* sm_args[2]: fd; without a struct: all of it */
	SP_AIO_FETCH,
	SP_AIO_GROUP,
	SP_AIO_GROUPEND,
};

struct sp_aiodata {
	uint64_t ad_name;
	uint64_t ad_buf; /* the caller's */
	uint64_t ad_at;	 /* where in it the data belong */
	uint64_t ad_len;
};

/* What goes through a stream beside calls; nothing comes back. */
enum sp_note {
	SP_INTERRUPT = 64, /* sm_slot: the call is not to sleep */
	SP_GOT,		   /* sm_slot: its result need not be kept */
	SP_RAISE,  /* by the server: sm_args[0]: signals for the client */
	SP_RAISED, /* those have been raised */
	SP_BYE,	   /* the client's host process ends */
};

/*
 * For clients on the same machine whose programs are on this kernel with their
 * files only (SP_H_HOSTED): a call whose path leads to the host, or that opens
 * a fifo, ends with EREMOTE.
 *
 * SP_HOSTPATH says where: the host's path, or for a fifo or socket a name
 * without a slash, for the client to make one of.
 *
 * SP_PROGRAM finds a file that is to be executed, by the process's rights: the
 * value is as of SP_HOSTFILE, the payload of the result its path or "".
 * sm_args[2] says what it is: an interpreter is only looked for; nobody opens
 * another one to write to it from now on, and at the next SP_EXEC or SP_H_EXEC
 * it takes the place of the one before and its set-id bits count, unless it is
 * SP_PROGRAM_PLAIN.  SP_PROGRAM_NONE, without a path: it is not executed after
 * all.
 *
 * SP_EXEC: there is another program in the host process, which has kept the
 * connection and the memory; it has no other thread.  The result is that of
 * SP_FDS.  EBUSY: in the kernel there are others, as SP_H_EXEC can end.
 *
 * The result of SP_FORK for such a client is a struct sp_forked: the root
 * directory as SP_HOSTDIR would have it; hd_tree is 0 if that would fail.
 *
 * SP_REOPEN opens what fd is once more, as opening /proc/self/fd/N would.
 *
 * SP_SEND holds what fd names, and gives the end of a pipe for it: to be sent
 * to another client, who has SP_RECEIVE make a descriptor of it, by the pipe's
 * inode.  ENOENT: it is none of those, or another user's.  It is held as long
 * as anybody has the pipe's end.
 *
 * SP_GONE is for who has been told by the host that a process, or with pid 0
 * any, has ended: EAGAIN as long as something of it is left here.  The token is
 * that of its SP_FORK, which nobody wants any more.
 *
 * SP_HOSTDIR finds a directory in which all files are the host's as they are,
 * but for those with some names: the client may ask the host for what is there,
 * and open regular files to read them, as long as sh_tree is hd_tree.  With
 * SP_HD_TREE the same is true of all directories below, which the client may
 * search; symbolic links lead elsewhere.  Without SP_HD_LINKS it is not true of
 * files with several names, as one may have been changed by another.  The
 * kernel does not know of those until SP_ADOPT, with the path on the host and
 * the number that the file showed, makes a descriptor of one, whatever became
 * of the file meanwhile. The client sets sh_late and then looks at sh_tree
 * again before it uses the first; what is removed while it is set is kept for a
 * while.  EPERM: it is not root.
 *
 * SP_FDPATH says what path a descriptor has now, as /proc/self/fd would; the
 * value is its length.  ENOENT: none, below the process's root.  With a pid of
 * the host's, that of another client: its descriptor, one of its directories or
 * its program, as sm_args[2] says.  EACCES, ESRCH.
 *
 * SP_SHMFILE, for all clients on the same machine, finds a segment of System V
 * that may be attached: the client gets its memory by SP_H_FILE before the next
 * call in the same slot, maps it, and then attaches it by shmat with the
 * address of that.  SP_SHMDT is shmdt.
 *
 * SP_HOSTFILE: the value is the server's descriptor of a file of the host with
 * the data of fd, to be opened as /proc/PID/fd/N before the next call in the
 * same slot, and SP_HOSTFILE_LOWER if changes would go to another file.  Of an
 * instance of inotify: a pipe that can be read while there are events.
 */
#define SP_HOSTFILE_LOWER (INT64_C(1) << 32)
#define SP_NFDS		  65536u

enum { SP_FDPATH_FD, SP_FDPATH_CWD, SP_FDPATH_ROOT, SP_FDPATH_EXE };

enum {
	SP_PROGRAM_INTERPRETER,
	SP_PROGRAM_SETID,
	SP_PROGRAM_PLAIN,
	SP_PROGRAM_NONE,
};

/* The result of SP_FDS: the process's ids, and what it has open. */
struct sp_fds {
	uint32_t sf_uid, sf_euid;
	uint32_t sf_gid, sf_egid;
	int32_t sf_fds[];
};

/*
 * The result of SP_HOSTDIR.  Files show hd_dev, and the bits hd_inos of the
 * host's number with hd_ino; those of the host's other devices show another
 * number (SP_HOSTDIR_INO).
 */
#define SP_HOSTDIR_INO(dev) ((uint64_t)(dev)*UINT64_C(0x9e3779b97f4a7c15))
#define SP_HOSTPATHMAX	    256u
struct sp_hostdir {
	uint64_t hd_tree;
	uint64_t hd_dev;
	uint64_t hd_host; /* the host's device */
	uint64_t hd_ino, hd_inos;
	uint32_t hd_mount;
	uint32_t hd_flags;
	uint32_t hd_uid, hd_gid; /* all files' owners, with these flags */
	char hd_path[SP_HOSTPATHMAX];
};
#define SP_HD_ROOT  1u /* may read what nobody may */
#define SP_HD_UID   2u
#define SP_HD_GID   4u
#define SP_HD_TREE  8u
#define SP_HD_LINKS 16u

/* The same, and the names that are not the host's. */
#define SP_HOSTBUT 512u
struct sp_hosttree {
	struct sp_hostdir ht_dir;
	char ht_but[SP_HOSTBUT]; /* each with a NUL; an empty one behind */
};

/*
 * Of a result: a handler is to be called, and then SP_SIGRETURN, which may
 * bring another; after that the call is to be made again.
 */
#define SP_F_SIGNAL  1u
#define SP_F_RESTART 2u

/*
 * Of a call that opens a file, by a hosted client.  If it is only to be read,
 * the result has SP_F_STAT, and begins with its struct stat; what can be had as
 * with SP_HOSTFILE_LOWER comes along: the result has SP_F_HOSTFILE, too, and
 * the server's descriptor in the upper half of its value.
 */
#define SP_F_HOSTFILE 4u
#define SP_F_STAT     8u

/* A message: of a call, or of its result. */
struct sp_msg {
	uint32_t sm_op;	  /* enum sp_op */
	uint32_t sm_slot; /* stream: which */
	uint32_t sm_len;  /* bytes of payload */
	uint32_t sm_head; /* of these, what has to be looked at */
	uint32_t sm_nr;
	uint32_t sm_lwp; /* handle; 0: the slot's own */
	int32_t sm_error;
	uint32_t sm_flags; /* SP_F_* */
	uint32_t sm_fdmin; /* descriptors that are made are not below it */
	uint32_t sm_pad;
	int64_t sm_retval;
	uint64_t sm_args[6];
};

#define SP_SIGINFO 128
struct sp_signal {
	uint64_t sg_handler;
	uint64_t sg_oldmask;
	int32_t sg_signo;
	int32_t sg_flags; /* SA_* */
	uint8_t sg_info[SP_SIGINFO];
};

/* The payload of the results of SP_RFORK and SP_NEWLWP. */
struct sp_lwpids {
	int32_t li_pid;
	int32_t li_lid;
};

/*
 * In a stream: sf_size bytes of the payload, from sf_at on, follow; then a
 * struct sp_signal, in a result with SP_F_SIGNAL.  sm_len is how long the
 * payload is.
 */
struct sp_frame {
	uint32_t sf_size;
	uint32_t sf_at;
	uint32_t sf_number; /* of the call in its slot: 1, 2 ... */
	uint32_t sf_pad;
	struct sp_msg sf_msg;
};

enum sp_state { SP_FREE, SP_REQUEST, SP_DONE };
#define SP_STATE      0xffu
#define SP_WAITS      0x100u /* wake ss_state */
#define SP_WAITS_SOCK 0x200u /* send a byte */

#define SP_PARK 1u /* of ss_turn; the rest counts how often it was set */

struct sp_slot {
	_Atomic uint32_t ss_state; /* enum sp_state, SP_WAITS* */
	_Atomic uint32_t ss_intr;  /* 1: end the call's sleep */
	struct sp_msg ss_msg;
	_Atomic uint32_t ss_turn; /* SP_PARK: sleep in your next call */
	_Atomic uint32_t ss_seen; /* of this call: what made it sleep, or 0 */
	/* A stream's, for whose slots nobody else is. */
	uint32_t ss_number;
	uint32_t ss_size, ss_at; /* of the payload, to be sent */
	uint32_t ss_room;	 /* bytes that count as the client's */
	uint32_t ss_pad[2];
	struct sp_signal ss_signal; /* of a result with SP_F_SIGNAL */
	uint8_t ss_payload[];
};
_Static_assert(sizeof(struct sp_slot) % SP_ALIGN == 0, "payload is aligned");

/* The first page of the shared memory; slots follow, SP_STRIDE each. */
#define SP_FIRST 4096u
struct sp_shared {
	_Atomic uint64_t sh_bell[SP_NBELLS]; /* slots to look at */
	_Atomic uint32_t sh_cold	     /* 1: the server has to be told */
	    __attribute__((aligned(64)));
	/* The processor, and 1, of who last told it or began to sleep. */
	_Atomic uint32_t sh_cpu;
	_Atomic uint32_t sh_apart;  /* 1: the server has just gone from there */
	_Atomic uint32_t sh_leader; /* the same of who gave the last turn */
	_Atomic uint32_t sh_signals /* 1: sh_signal has some */
	    __attribute__((aligned(64)));
	_Atomic uint64_t sh_signal; /* for the client to raise, a bit each */
	_Atomic uint64_t sh_tree    /* how often the tree has changed, or 0 */
	    __attribute__((aligned(64)));
	_Atomic uint32_t sh_late; /* files are open that are to be adopted */
};
#define SP_SHMSIZE (SP_FIRST + (size_t)SP_NSLOTS * SP_STRIDE)

static inline struct sp_slot *
sp_slot(struct sp_shared *sh, uint32_t n)
{
	return (
	    struct sp_slot *)((uint8_t *)sh + SP_FIRST + (size_t)n * SP_STRIDE);
}

#define SP_TOKEN 16

struct sp_forked {
	uint8_t sf_token[SP_TOKEN];
	struct sp_hosttree sf_root;
};

enum sp_hello_kind {
	SP_H_NEW,    /* a new process */
	SP_H_FORK,   /* the process that SP_FORK has made for this token */
	SP_H_RESUME, /* the session of this token, whose connection was lost */
	SP_H_EXEC,   /* the same, with another program in the host process */
	SP_H_FILE,   /* the file for that session's slot sp_pid, and no more */
};

#define SP_H_NOSHM  1u /* no shared memory: through the stream */
#define SP_H_HOSTED 2u /* only files are here; see SP_HOSTPATH */

/* The first thing that a client sends, and what it gets back. */
struct sp_hello {
	uint32_t sp_magic;
	uint32_t sp_version;
	uint32_t sp_kind;  /* enum sp_hello_kind */
	uint32_t sp_flags; /* SP_H_* */
	int32_t sp_pid;	   /* the host's, wanted here, too; or 0 */
	uint32_t sp_pad;
	uint8_t sp_token[SP_TOKEN];
	char sp_name[16]; /* of the process */
};

#define SP_W_SHM 1u /* the memory's, or the file's, descriptor comes along */

struct sp_welcome {
	uint32_t sw_magic;
	uint32_t sw_version;
	int32_t sw_error; /* errno: not welcome */
	int32_t sw_pid;
	uint32_t sw_flags;	    /* SP_W_* */
	uint32_t sw_slots;	    /* as many calls at a time */
	uint8_t sw_token[SP_TOKEN]; /* for SP_H_RESUME and SP_H_EXEC */
};

#endif /* PROXY_WIRE_H */
