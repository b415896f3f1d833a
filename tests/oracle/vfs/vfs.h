/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The oracle for files: between its files.
 *
 *	main.c		options; which sequences are run; making failures small
 *	run.c		a sequence: each call on both sides, and comparing
 *	calls.c		the table of calls; doing one
 *	generate.c	random calls
 *	more.c		calls that take more than a line of the table
 *	text.c		calls and results as text, and back
 *	scan.c		a tree: what is in it, and removing it
 *	host.c		the host's side: processes in a namespace of their own
 *	rump.c		the kernel's side
 *
 * To add a call, add a line to the table in calls.c and, if it has a kind of
 * argument that is new, say how such arguments are made (generate.c), named
 * (text.c) and handed over (calls.c).
 */
#ifndef TESTS_ORACLE_VFS_H
#define TESTS_ORACLE_VFS_H

#include <sys/stat.h>
#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#define NPROCS	3  /* processes of a sequence */
#define NFDS	16 /* RLIMIT_NOFILE of each */
#define MAXARGS 5
#define NSTRS	2     /* strings among the arguments, at most */
#define STRLEN	96    /* of one, not expanded */
#define MAXPATH 8192  /* of one, expanded */
#define OUTSIZE 16384 /* what a call puts out, at most */
#define OUTPAST 16    /* looked at beyond the end of its buffer */
#define MAXIOV	8

/*
 * Kinds of arguments.  Those that are a pointer have a pointer's kind as
 * value, enum where; text goes with the value INPLACE of the first seven.
 */
enum kind {
	K_END = 0,
	K_PATH = 'p',
	K_TARGET = 't', /* of a symbolic link */
	K_TIMES = 'T',	/* two times: "SEC.NSEC", "now", "omit" */
	K_IOVIN = 'i',	/* lengths; "!" before one: a bad address */
	K_IOVOUT = 'I',
	K_DATA = 'D',	 /* bytes to write; the value of text is a seed */
	K_BUF = 'B',	 /* room for bytes; the size is the next argument */
	K_ENTRIES = 'E', /* room for directory entries */
	K_STAT = 'S',
	K_FD = 'f',
	K_DIRFD = 'd',
	K_OPEN = 'o',
	K_MODE = 'm',
	K_MKNOD = 'k', /* with the type */
	K_DEV = 'n',
	K_AT = 'a',	/* AT_* flags */
	K_RENAME = 'R', /* RENAME_* flags */
	K_ACCESS = 'x',
	K_UID = 'u',
	K_GID = 'g',
	K_SIZE = 'z',
	K_OFFSET = 'l',
	K_WHENCE = 'w',
	K_COUNT = 'c', /* of an iovec */
	K_FCNTL = 'C',
	K_FCNTLARG = 'F',
	K_XATTR = 'X', /* name of an extended attribute */
	K_BITS = 'b',  /* a few of the lowest */
};

enum where { INPLACE, NOWHERE, UNMAPPED, KERNEL };

struct call {
	int c_op;
	int c_proc;
	int c_mark; /* times that all files get before it: see run.c */
	long c_arg[MAXARGS];
	char c_str[MAXARGS][STRLEN];
};

struct result {
	long r_ret;
	int r_errno;
	bool r_skipped; /* not done: see run.c */
	struct stat r_stat;
	size_t r_len; /* bytes of r_out that count */
	unsigned char r_out[OUTSIZE + OUTPAST];
};

enum side { HOST, RUMP, NSIDES };

struct op {
	const char *o_name;
	const char *o_kinds;
	int o_weight;
	long (*o_do[NSIDES])(const long *);
};

extern const struct op ops[];
extern const int nops;

/* calls.c */
bool kind_istext(enum kind);
bool kind_ispointer(enum kind);
void call_do(enum side, const struct call *, struct result *);
size_t expand(const char *, char *, size_t);
void times_parse(const char *, struct timespec[2]);
int iov_parse(const char *, long len[MAXIOV], bool bad[MAXIOV]);

/* more.c */
long copy_range(enum side, int, off_t, int, off_t, size_t);
long send_file(enum side, int, int, off_t, size_t);
long splice_fds(enum side, int, off_t, int, off_t, size_t);
long statx_stat(enum side, int, const char *, struct stat *, int);
long advise(enum side, int, off_t, off_t, int);
long ask(enum side, int, int);
long utimes_at(enum side, int, const char *, const struct timespec[2]);

/* text.c */
void call_print(FILE *, const struct call *);
bool call_parse(const char *, struct call *);
void
result_print(FILE *, const char *, const struct call *, const struct result *);
void stat_print(FILE *, const struct stat *);

/* generate.c */
extern uint64_t rng;
int below(int);
void generate(struct call *);
/* for_lower: nothing is made that copying up would not keep. */
void generate_begin(bool for_lower);
void generate_done(const struct call *, const struct result *);
struct scan;
void generate_tree(const struct scan *);

/* scan.c */
#define MAXNODES 400
#define NAMEPOOL 65536

struct node {
	uint32_t n_path; /* in s_names */
	int n_errno;	 /* of looking into it */
	struct stat n_stat;
	struct stat n_marked; /* after the times were set */
	uint64_t n_sum;	      /* of what it contains, if the scan is deep */
};

struct scan {
	int s_count;
	bool s_full; /* there is more */
	uint32_t s_used;
	struct node s_node[MAXNODES];
	char s_names[NAMEPOOL];
};

struct fs {
	int (*f_openat)(int, const char *, int, ...);
	int (*f_close)(int);
	ssize_t (*f_getdents)(int, char *, size_t);
	int (*f_fstatat)(int, const char *, struct stat *, int);
	int (*f_utimensat)(int, const char *, const struct timespec *, int);
	int (*f_unlinkat)(int, const char *, int);
	int (*f_fchmodat)(int, const char *, mode_t);
	ssize_t (*f_readlinkat)(int, const char *, char *, size_t);
	ssize_t (*f_read)(int, void *, size_t);
};

/* What a scan sets times to when it has looked; NULL: nothing. */
void tree_scan(const struct fs *, int dirfd, const char *, struct scan *,
    const struct timespec *mark, bool deep);
void tree_remove(const struct fs *, int dirfd, const char *);

/* Ids of the processes. */
struct ids {
	uid_t i_uid;
	gid_t i_gid;
	int i_ngroups;
	gid_t i_groups[2];
};
extern const struct ids ids[NPROCS];
extern bool have_ids; /* else all of them are root, and there is no other */

/* host.c */
struct hostrules {
	bool hr_hardlinks; /* fs.protected_hardlinks */
	bool hr_sticky;	   /* the other fs.protected_* */
	bool hr_devices;   /* they can be made */
	bool hr_ticks;	   /* each change has a time of its own */
};
extern struct hostrules hostrules;
int host_start(void); /* 0 or why not, an errno */
void host_stop(void);
void host_begin(void);
/* Other processes go on with what is there. */
void host_again(void);
void host_end(void);
const struct result *host_call(const struct call *);
const struct scan *host_scan(const struct timespec *mark, bool deep);

/* rump.c */
/* fstype: where the sequences' directories are made; NULL: the root's. */
void rump_start(const char *fstype, const char *data);
void rump_begin(void);
/* The same; what is there is the lower layer of an overlay from now on. */
void rump_again(void);
void rump_end(void);
const struct result *rump_call(const struct call *);
mode_t rump_fdtype(int proc, int fd);
const struct scan *rump_scan(const struct timespec *mark, bool deep);

/* run.c */
#define MAXCALLS 400

struct sequence {
	int q_count;
	struct call q_call[MAXCALLS];
};

extern bool verbose, quiet;
/* Access times are not compared. */
extern bool noatime;
/* After so many calls what is there becomes a lower layer; 0: never. */
extern int layer_at;
extern const char *volatile doing; /* for what takes too long */
extern const struct call *volatile doing_call;
extern volatile unsigned long doing_count; /* calls begun */

/* Add calls until there are `want', or a difference: false. */
bool sequence_run(struct sequence *, int want);
/* Make it as short as it can be and still differ. */
void sequence_shrink(struct sequence *);

void fatal(const char *, ...) __attribute__((format(printf, 1, 2), noreturn));

#endif /* TESTS_ORACLE_VFS_H */
