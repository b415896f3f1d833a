/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The engine that intercepts every system call of a program.
 *
 * A seccomp filter, which children and executed programs inherit, lets system
 * calls through only from the engine's text, whose address is fixed; others
 * end in SIGSYS, whose handler (signal.c) leads to hj_call (dispatch.c), which
 * decides, on the engine's stack.  hj_exit is the one way out.  What lies
 * between is the machine's: on x86-64 the handler ends first and goes on in
 * hj_enter (x86_64/entry.S), where sites that are patched (x86_64/patch.c) jump
 * to as well; on aarch64 the call is made in the handler (aarch64/frame.c).
 *
 * Signals.  The program's handlers are never the host's: hj_master is, for
 * each signal that has one.  If it interrupts the program, it makes the
 * program's frame at once.  If it interrupts the engine, it notes the signal in
 * the thread (t_deferred), blocks all others, and the engine goes on, to the
 * end of its call: then hj_exit makes the frame.  A call that the host would
 * block in is made in a window (hj_host): a signal before the call, or one
 * after which the host would do it again, leads out of the window with
 * HJ_RESTART, and the program's frame says that the call is still to be made.
 * So no handler ever runs on top of the engine, and one that never returns
 * leaves nothing behind.  An engine call has at most one window, with nothing
 * done before it that must not be done twice.
 *
 * SIGSYS, SIGSEGV and SIGBUS are the engine's (HJ_OURS): never blocked for the
 * host, and always handled by the engine, which needs them for its net and for
 * the program's memory that is not there (hj_copyin).  What the program does
 * with them is kept here: t_held is its mask of them, t_sent one that somebody
 * sent and that waits.  The host's mask is the program's without them.  The
 * host's alternate stack is always the engine's; t_alt is the program's.
 *
 * Locks.  hj_lock covers struct hj_proc and the regions of text (region.c).
 * A thread that is in the engine is not interrupted by handlers, so that
 * none is taken twice; fork takes it, so that the child finds it free.
 *
 * The kernel.  With one (hc_server), names, files and ids are a rump kernel's,
 * of which the process is a client (kernel.c); all else is the host's.
 * hostcalls.conf says which calls are whose, descriptors.c whose a descriptor
 * is, paths.c whose a path is.
 *
 * There is no C library here: no function of it is called.
 */
#ifndef HIJACK_ENGINE_H
#define HIJACK_ENGINE_H

#include <linux/errno.h>
#include <linux/signal.h>
#include <linux/types.h>
#include <stddef.h>
#include <stdint.h>

/* These want the ones above. */
#include <asm/sigcontext.h>
#include <asm/siginfo.h>
#include <asm/ucontext.h>
#include <asm/unistd.h>

#include "hijack/hijack.h"
#include "proxy/client/sysraw.h"
#if defined(__x86_64__)
#include "hijack/x86_64/layout.h"
#elif defined(__aarch64__)
#include "hijack/aarch64/layout.h"
#else
#error "the engine does not know this machine"
#endif

/* A system call of the host, by the engine itself. */
#define hj_raw0(nr)	  sysraw(nr, 0, 0, 0, 0, 0, 0)
#define hj_raw1(nr, a)	  sysraw(nr, (long)(a), 0, 0, 0, 0, 0)
#define hj_raw2(nr, a, b) sysraw(nr, (long)(a), (long)(b), 0, 0, 0, 0)
#define hj_raw3(nr, a, b, c) \
	sysraw(nr, (long)(a), (long)(b), (long)(c), 0, 0, 0)
#define hj_raw4(nr, a, b, c, d) \
	sysraw(nr, (long)(a), (long)(b), (long)(c), (long)(d), 0, 0)
#define hj_raw5(nr, a, b, c, d, e) \
	sysraw(nr, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), 0)
#define hj_raw6(nr, a, b, c, d, e, f)                                     \
	sysraw(nr, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), \
	    (long)(f))

/* Addresses relative to the instruction, for what is elsewhere, too. */
#pragma GCC visibility push(hidden)
#include "proxy/client/core.h"
#include "syscall/sysdesc.h"
#pragma GCC visibility pop

#define HJ_RESTART     (-512) /* the program is to make the call again */
#define HJ_PAGE	       4096UL
#define HJ_NSIG	       64
#define HJ_SIGBIT(sig) (1UL << ((sig)-1))
#define HJ_OURS	       (HJ_SIGBIT(SIGSYS) | HJ_SIGBIT(SIGSEGV) | HJ_SIGBIT(SIGBUS))
#define HJ_ALL	       (~HJ_OURS)
#define HJ_MAX(a, b)   ((a) > (b) ? (a) : (b))
#define HJ_MIN(a, b)   ((a) < (b) ? (a) : (b))
#define HJ_FAILED(r)   ((unsigned long)(r) >= -4095UL)

/* Eight bytes, of strings or text, anywhere. */
static inline uint64_t
hj_word_at(const void *at)
{
	typedef uint64_t __attribute__((may_alias, aligned(1))) word_t;

	return *(const word_t *)at;
}

/* As the host's rt_sigaction has it. */
struct hj_sigaction {
	unsigned long sa_handler;
	unsigned long sa_flags;
	unsigned long sa_restorer;
	unsigned long sa_mask;
};

#define HJ_NKFDS 65536 /* descriptors of the kernel's are lower */

#define HJ_NDIRS   32  /* directories that are known */
#define HJ_DIRPATH 128 /* a path of such a one, with its NUL */

/* A directory that names were looked up in: lowerdirs.c. */
struct hj_dir {
	uint32_t d_used;
	uint32_t d_below;	   /* the root has it, at hd_path */
	uint32_t d_apart;	   /* the root does not have it */
	int d_fd;		   /* where d_prefix begins, or AT_FDCWD */
	uint32_t d_misses;	   /* used, and not known */
	uint32_t d_wait;	   /* so often until the kernel is asked */
	uint32_t d_hits;	   /* used, and known */
	struct sp_hostdir d_host;  /* hd_tree is 0: not known */
	char d_prefix[HJ_DIRPATH]; /* zeros at its end */
};

/* The root directory, and all below it. */
struct hj_root {
	struct hj_dir r_dir;	/* without d_prefix */
	char r_but[SP_HOSTBUT]; /* as in struct sp_hosttree */
};

/* A path of the program's whose directory is known. */
struct hj_lowplace {
	const struct hj_dir *pl_dir;
	const char *pl_name; /* the last one, in pl_path */
	long pl_dirfd;
	int pl_missing; /* there is no such directory */
	char pl_path[HJ_DIRPATH + 256];
	char pl_host[SP_HOSTPATHMAX + 256]; /* the same on the host */
};

/* The last name of a regular file that was asked for; k_dir NULL: none. */
struct hj_known {
	const struct hj_dir *k_dir;
	char k_name[64];
};

#define HJ_NSTEPS 16 /* threads that are told to make one at a time */

/* A child, which may have been killed before it told the kernel. */
#define HJ_NFORKS 8
struct hj_fork {
	int f_pid;
	uint8_t f_token[SP_TOKEN];
};

/*
 * What a process has that a child in the same memory has of its own.  The
 * bitmaps are read and written atomically, but for p_late.
 */
struct hj_proc {
	struct hj_sigaction p_actions[HJ_NSIG + 1]; /* hj_lock */
	struct spc p_spc;			    /* the core's own */
	int p_server;	    /* the host's pid of the kernel */
	uint32_t p_hostcwd; /* the current directory is on the host */
	uint64_t p_nofile;  /* hard limit of descriptors + 1; 0: the host's */
	uint32_t p_locks;   /* it has asked for locks on files */
	uint32_t p_tracecalls;	/* what it traces tells of calls; trace.c */
	int p_steps[HJ_NSTEPS]; /* the same; hj_lock to have a new one */
	uint32_t p_users;	/* reconnect.c's, as the next; atomic */
	uint32_t p_renewing;
	uint32_t p_renewed; /* what was open before is not there; atomic */
	uint32_t p_kept;    /* + 1: saved uid of who kept root's rights */
	uint32_t p_ids[4];  /* + 1: uid, euid, gid, egid; 0: not known */
	struct hj_fork p_forks[HJ_NFORKS]; /* hj_lock; the last ones */
	uint32_t p_nforks;		   /* hj_lock */
	/* lower.c; only the one thread's that there is. */
	uint32_t p_nlate;
	uint32_t p_nextdir;
	struct sp_hostdir
	    p_lateshow; /* if there are some: how they are shown */
	struct hj_root p_root;
	struct hj_known p_known;
	/* From here on there are mostly zeros (thread.c). */
	struct hj_dir p_dirs[HJ_NDIRS];
	unsigned long p_late[HJ_NKFDS / 64];
	unsigned long p_kernel[HJ_NKFDS / 64];
	unsigned long p_direct[HJ_NKFDS / 64];
	unsigned long p_quiet[HJ_NKFDS / 64];
	unsigned long p_twin[HJ_NKFDS / 64];
};

/*
 * A thread; all is its own.  %gs points to it.  It lies above its stack.  What
 * entry.S knows of it is in x86_64/layout.h.
 */
struct hj_thread {
	struct hj_thread *t_self;
	unsigned long t_stack; /* top of the engine's stack */
	uint32_t t_deferred;   /* a signal waits for the end of the call */
	uint32_t t_how;	       /* HJ_BY_*: how the call came */
	struct hj_regs t_regs; /* the program's */
	struct hj_proc *t_proc;
	unsigned long t_begin;	 /* the stack that a child begins with */
	unsigned long t_mapping; /* what is freed with it, or 0 */
	unsigned long t_mapsize;
	unsigned long t_scratch; /* of execve in a child in this memory */
	unsigned long t_scratchsize;
	unsigned long t_restartnr; /* the call's number, if made again */
	unsigned long t_held;	   /* of HJ_OURS, what the program blocks */
	uint32_t t_sent;	   /* one of HJ_OURS waits: t_sentinfo */
	uint32_t t_blocked;	   /* hj_block was called */
	unsigned long t_tempmask;  /* in a window with another mask */
	uint32_t t_hastemp;
	uint32_t t_vmshared;	       /* a process in the memory of another */
	uint32_t t_vfork;	       /* of which that one waits for us */
	const struct spc_cpus *t_cpus; /* a child's, from its begin on */
	uint32_t t_traceme; /* is to be traced when it executes something */
	uint32_t t_clearhandlers; /* a child begins without handlers */
	uint32_t t_nnp;		  /* the program asked for no_new_privs */
	unsigned long t_oldmask;  /* deferred: the mask before */
	unsigned long t_basemask; /* deferred: the handler's, to be added to */
	siginfo_t t_info;	  /* deferred: of the signal */
	siginfo_t t_sentinfo;
	stack_t t_alt;	   /* the program's alternate stack */
	uint32_t t_slot;   /* + 1: of the kernel's calls; 0: none */
	uint32_t t_wants;  /* SP_F_* of the next call of the kernel's */
	uint32_t t_got;	   /* of the result of the last one */
	uint32_t t_statfd; /* + 1: just opened, and t_stat is what fstat says */
	uint8_t t_stat[HJ_STATSIZE];
	uint32_t t_posted;	/* a call is under way that nobody waits for */
	uint32_t t_telling;	/* the kernel is being told of a program */
	uint32_t t_fdmin;	/* of the next one */
	uint32_t t_interrupted; /* it was told not to sleep any more */
	uint32_t t_bykernel;	/* the kernel has made the program's call */
	uint32_t t_leaving;	/* it ends: without the kernel, if need be */
	struct hj_wait
	    *t_wait; /* whose sleep the host's descriptors end, too */
	uint8_t t_token[SP_TOKEN]; /* of a child that begins */
};

enum {
	HJ_PASS = 1,
	HJ_DESCRIPTOR,
	HJ_ENGINE,
	HJ_ANSWER,
	HJ_PATH,
	HJ_FILE,
	HJ_KERNEL,
	HJ_HOST,
};

#define HJ_NARGS 6

struct hj_rule {
	uint8_t r_rule;
	uint8_t r_errno;	   /* HJ_ANSWER, HJ_HOST */
	uint16_t r_kernel;	   /* the kernel's call, HJ_K_* */
	char r_args[HJ_NARGS + 1]; /* letters */
	long (*r_call)(struct hj_thread *, const long *);
};

#define HJ_MAKE	   1 /* a descriptor */
#define HJ_CLOEXEC 2
#define HJ_QUIET   4 /* only read: nobody sees when it is closed */
#define HJ_ATPATH  8 /* O_PATH */

/* A call with paths: see hj_path_call. */
struct hj_path {
	int p_host;	    /* __NR_* */
	int p_kernel;	    /* HJ_K_* */
	const char *p_how;  /* letters */
	const long *p_args; /* for the host, if not the same; or NULL */
	int p_makes;	    /* a descriptor, HJ_MAKE_*; 0: none */
};

/* An executable that was opened and looked at. */
struct hj_image {
	int i_fd;
	int i_interpfd; /* -1: none */
	uint16_t i_type;
	uint16_t i_phnum;
	uint32_t i_stackflags; /* PF_X: an executable stack */
	uint64_t i_entry;
	uint64_t i_phoff;
	uint64_t i_phaddr; /* the address that the headers are mapped at */
};

/* Flags for the loader; the first two are for SIGSYS, SIGSEGV and SIGBUS. */
#define HJ_EXEC_BLOCKED	  0x010
#define HJ_EXEC_IGNORED	  0x100
#define HJ_EXEC_NNP	  4 /* and asked for no_new_privs */
#define HJ_EXEC_FIRST	  8 /* there is no filter yet (hijack.h) */
#define HJ_EXEC_HOSTCWD	  0x1000
#define HJ_EXEC_RENEWED	  0x2000
#define HJ_EXEC_CONNECTED 0x4000 /* the connection goes on */
#define HJ_EXEC_LOCKS	  0x8000 /* it may have locks on files */
#define HJ_EXEC_INTERP	  16	 /* from this bit on: the interpreter + 1 */

/* The engine's descriptors, from hc_fd on. */
#define HJ_FD_HOLDER 2 /* an empty file */
#define HJ_FD_SOCKET 3 /* connections to the kernel, from here on */

/* Of a connection that goes on: socket, memory, slots, the server's pid. */
#define HJ_NCARRIED 4

#define HJ_SCRIPT (-1) /* beside errnos */

#define HJ_EXIT_KERNEL 125 /* the kernel has gone */
#define HJ_OPARGS      3   /* of hj_kernel_op */

/* Of the host's headers, which cannot be had beside those of the library. */
#define HJ_MEMFD_SEALS 3   /* MFD_CLOEXEC, MFD_ALLOW_SEALING */
#define HJ_SEALS       0xf /* all that there are of old */
#define SEEK_SET       0
#define SEEK_CUR       1

#pragma GCC visibility push(hidden)

extern struct hj_control *hj_control;
extern int hj_threaded; /* there was more than one thread in this memory */
extern char hj_exepath[HJ_PATHMAX];
extern int hj_exeset; /* the host knows the program as our executable */

#include "hostprotos.h"

/* entry.S */
long hj_host(long nr, const long *args);
long hj_clone(long nr, const long *args, struct hj_thread *child);
void hj_exit(void) __attribute__((noreturn));
void hj_thread_end(unsigned long addr, unsigned long len, long nr, long code)
    __attribute__((noreturn));
void hj_sigreturn(unsigned long sp) __attribute__((noreturn));
void hj_restorer(void);
void hj_program_restorer(void);
extern const char _start[];
extern const char hj_text_begin[], hj_text_end[], hj_image_end[];
extern const char hj_entry[], hj_enter[], hj_exit_end[], hj_trap_end[];
extern const char hj_window_begin[], hj_window_call[], hj_window_end[];
extern const char hj_window_abort[];
extern const char hj_copy_begin[], hj_copy_end[], hj_copy_fault[];
extern const uint8_t hj_ours[3];
int hj_copy(void *to, const void *from, size_t n);
long hj_copy_string(char *to, const char *from, size_t size);
long hj_string_length(const char *s, size_t most);

/* start.c */
unsigned long hj_main(unsigned long *sp);
void hj_fail(const char *what, const char *path, long error)
    __attribute__((noreturn));

/* self.c */
void hj_self_detach(void);

/* filter.c */
void hj_filter_install(void);

/* dispatch.c */
int hj_is_ours(long fd);
void hj_call(struct hj_thread *t);

/* string.c */
size_t hj_strlen(const char *s);
int hj_streq(const char *a, const char *b);
const char *hj_basename(const char *path);
const char *hj_after(const char *path, const char *prefix);
char *hj_append(char *to, const char *text);
void hj_fd_link(char *link, int fd);
char *hj_number(char *to, unsigned long n);
int hj_getnumber(const char *s, unsigned long *n);
void *memcpy(void *to, const void *from, size_t n);
void *memmove(void *to, const void *from, size_t n);
void *memset(void *to, int c, size_t n);
int memcmp(const void *a, const void *b, size_t n);

/* host.c */
int hj_copyin(void *to, unsigned long from, size_t n);
int hj_copyout(unsigned long to, const void *from, size_t n);
long hj_copyinstr(char *to, unsigned long from, size_t size);
long hj_window(struct hj_thread *t, long nr, const long *args);
long hj_now(void);
void *hj_map(size_t size);
void hj_unmap(void *addr, size_t size);
void hj_lock(void);
void hj_unlock(void);
void hj_proc_lock(const struct hj_thread *t);
void hj_proc_unlock(const struct hj_thread *t);
int hj_block(struct hj_thread *t, unsigned long *old);
void hj_setmask(struct hj_thread *t, unsigned long mask);

/* region.c: mapped text, whose sites may be patched. */
struct hj_region {
	unsigned long start;
	unsigned long end;
	unsigned long base;  /* where the beginning of its file would be */
	unsigned long block; /* of what sites jump to, the last one; 0: none */
	unsigned long used;  /* bytes of it */
	struct hj_fileid file;
};
void hj_region_add(
    unsigned long start, unsigned long end, unsigned long base, int fd);
void hj_region_remove(unsigned long start, unsigned long end);
int hj_region_overlaps(unsigned long start, unsigned long end);
struct hj_region *hj_region_find(unsigned long start, unsigned long end);
struct hj_region *hj_region_next(
    const struct hj_region *r, unsigned long start, unsigned long end);
unsigned char *hj_region_slot(struct hj_region *r);

/* x86_64/gap.c */
unsigned long hj_gap_find(unsigned long site, unsigned long start,
    unsigned long end, unsigned long base, unsigned long *gapend);

int hj_gap_isfree(unsigned long site, unsigned long gap, unsigned long gapend);

/* x86_64/sites.c */
void hj_file_identify(int fd, struct hj_fileid *id);
struct hj_sites *hj_sites_find(const struct hj_fileid *id);
struct hj_sites *hj_sites_get(const struct hj_fileid *id);
void hj_sites_note(const struct hj_fileid *id, unsigned long at,
    unsigned long nr, uint32_t how);

/* x86_64/scan.c; the first one is for what begins: it was just mapped. */
void hj_scan(unsigned long start, unsigned long end);
int hj_answer_patch(struct hj_region *r, unsigned char *at);

/* x86_64/patch.c */
int
hj_mov_at(const struct hj_region *r, const unsigned char *mov, uint32_t *value);
void hj_jump_put(unsigned char *site, const unsigned char *slot);
void hj_patch(struct hj_thread *t);
void hj_patch_known(unsigned long start, unsigned long end);
void hj_patch_waiting(void);

/* frame.c of the machine */
struct hj_thread *hj_current(void);
void hj_thread_set(struct hj_thread *t);
void
hj_frame_push(struct hj_thread *t, struct ucontext *uc, const siginfo_t *info,
    const struct hj_sigaction *action, unsigned long mask, unsigned long sp);
struct ucontext *hj_frame_uc(const struct hj_thread *t);
void hj_regs_start(struct hj_thread *t, unsigned long pc, unsigned long sp);
unsigned long hj_regs_child(struct hj_thread *child, const struct hj_thread *t);
void hj_leave(struct hj_thread *t) __attribute__((noreturn));
void
hj_trapped(struct hj_thread *t, struct ucontext *uc, const siginfo_t *info);

/* vdso.c */
void hj_vdso_init(unsigned long address);

/* x86_64/debug.c */
void hj_debug_image(void *page);

/* signal.c, sigcalls.c */
void hj_sent_deliver(struct hj_thread *t);
void hj_sent(struct hj_thread *t, struct ucontext *uc, const siginfo_t *info);
void hj_defer(struct hj_thread *t, struct ucontext *uc, const siginfo_t *info);
int hj_in_engine(const struct hj_thread *t, const struct ucontext *uc);
int hj_on_altstack(const stack_t *alt, unsigned long sp);
void hj_signal_init(struct hj_thread *t);
void hj_signal_reset(struct hj_proc *p);
void hj_altstack_set(struct hj_thread *t);
void hj_master(int sig, siginfo_t *info, void *uc);
void hj_deliver(struct hj_thread *t, struct ucontext *uc, const siginfo_t *info,
    unsigned long oldmask, unsigned long basemask);
void hj_host_action(int sig, unsigned long handler, unsigned long flags);

/* thread.c */
void hj_child(struct hj_thread *t);

/* kernel.c */
static inline int
hj_has_kernel(void)
{
	return hj_control->hc_server[0] != '\0';
}
static inline int
hj_has_rules(void)
{
	return hj_control->hc_rules.hr_on != 0;
}
long hj_kernel(struct hj_thread *t, int nr, const long *args);
void hj_kernel_post(struct hj_thread *t, int nr, const long *args);
long hj_kernel_op(struct hj_thread *t, uint32_t op, long *args, void *data,
    size_t n, size_t room);
int hj_kernel_begin(struct hj_thread *t, uint32_t op, const long *args,
    const void *data, size_t n);
long hj_kernel_end(struct hj_thread *t);
const void *hj_kernel_payload(const struct hj_thread *t);
void hj_kernel_threadend(struct hj_thread *t);
void hj_kernel_first(struct hj_thread *t, const char *name);
int hj_kernel_carry(struct hj_thread *t, uint64_t carried[HJ_NCARRIED]);
void hj_kernel_keep(const struct hj_thread *t);
int hj_kernel_adopt(struct hj_thread *t, const uint8_t *token,
    const uint64_t carried[HJ_NCARRIED]);
void
hj_kernel_exec(struct hj_thread *t, const uint8_t *token, const char *name);
long hj_kernel_fork(struct hj_thread *t, uint8_t token[SP_TOKEN]);
void hj_kernel_cloned(struct hj_thread *t, long pid, uint8_t token[SP_TOKEN]);
void hj_kernel_forked(
    struct hj_thread *t, const uint8_t token[SP_TOKEN], int copied);
void hj_kernel_gone(struct hj_thread *t, int pid);
void hj_kernel_unmap(struct hj_proc *p);
int hj_kernel_connect(struct hj_thread *t, const char *name);
void hj_kernel_lost(void) __attribute__((noreturn));

/* reconnect.c */
int hj_session_enter(struct hj_thread *t);
void hj_session_exit(struct hj_thread *t);
void hj_session_forked(struct hj_proc *p);

/* descriptors.c */
int hj_fd_iskernel(const struct hj_thread *t, long fd);
int hj_fd_isdirect(const struct hj_thread *t, long fd);
void hj_fd_setdirect(struct hj_thread *t, int fd);
long hj_fd_undirect(struct hj_thread *t, int fd);
void hj_fd_received(struct hj_thread *t, int fd, uint64_t ino);
long hj_fd_make(struct hj_thread *t, int nr, const long *args, int how);
long hj_fd_reopen(struct hj_thread *t, int fd, long flags, int how);
long hj_fd_close(struct hj_thread *t, int fd);
void hj_fd_end(struct hj_thread *t);
void hj_fd_held(struct hj_thread *t);
long hj_fd_adopt(struct hj_thread *t, int fd, int how);
void hj_fd_mark(unsigned long *map, int fd, int on);
int hj_fd_marked(const unsigned long *map, long fd);

/* twins.c */
int hj_fd_istwin(const struct hj_thread *t, long fd);
long hj_fd_twin(struct hj_thread *t, long fd);
void hj_twin_close(struct hj_thread *t, long fd);
long hj_twin_copied(struct hj_thread *t, long from, long to, int cloexec);
unsigned long hj_fd_kernelbits(const struct hj_thread *t, size_t word);
unsigned long hj_fd_twinbits(const struct hj_thread *t, size_t word);
int hj_fd_ask(struct hj_thread *t, const char *name);
int hj_fd_learn(struct hj_thread *t, int asked, struct sp_fds *ids);
void hj_fd_holder(void);

void hj_fd_setlate(struct hj_thread *t, int fd);
void hj_fd_disown(struct hj_thread *t, int fd, long got);

/* lowerdirs.c */
uint64_t hj_lower_tree(const struct hj_proc *p);
void hj_lower_forget(struct hj_thread *t);
void hj_lower_learn(struct hj_thread *t, const struct sp_hosttree *root);
void hj_lower_carry(const struct hj_thread *t, void *payload);
void hj_lower_carried(struct hj_thread *t, const void *payload);
void hj_lower_forgetfd(struct hj_thread *t, int fd);
int hj_lowplace_find(struct hj_thread *t, long dirfd, unsigned long path,
    struct hj_lowplace *pl);
int hj_lowplace_isdir(struct hj_thread *t, const struct hj_lowplace *pl);
void
hj_lowplace_name(struct hj_thread *t, const struct hj_lowplace *pl, char *path);

/* lower.c */
int hj_lower_call(struct hj_thread *t, int nr, const long *args, long *result);
int hj_lower_ismissing(
    struct hj_thread *t, long dirfd, const char *path, int follow);
int hj_lower_program(
    struct hj_thread *t, long dirfd, const char *path, int follow, char *exe);
int hj_lower_open(struct hj_thread *t, const long *args, long *result);
int hj_lower_islate(const struct hj_thread *t, long fd);
int hj_lower_close(struct hj_thread *t, int fd);
void hj_lower_adopt(struct hj_thread *t);
int hj_lower_before(struct hj_thread *t, unsigned long nr,
    const struct hj_rule *rule, const long *args, long *result);

/* paths.c */
long
hj_path_call(struct hj_thread *t, const struct hj_path *p, const long *args);
long hj_path_onhost(struct hj_thread *t, long dirfd, unsigned long path,
    int follow, char host[HJ_PATHMAX]);
void hj_path_beside(const char *name, char *path);
int hj_path_isabsolute(unsigned long path);
int hj_path_begins_on_host(struct hj_thread *t, long dirfd, unsigned long path);
int hj_path_hasdots(unsigned long path);
void hj_path_normalize(char *path);
long hj_path_full(long dirfd, unsigned long path, char full[HJ_PATHMAX]);
void hj_words(const char *how, const long *args, long *words);

/* places.c: what is done to names of the host's, their modes and owners. */
enum hj_change { HJ_CHANGES_NOTHING, HJ_RENAMES, HJ_SETS, HJ_MAKES };
enum hj_change
hj_place_change(const struct hj_path *p, const long *args, int *which);
long hj_place_check(
    enum hj_change change, long dirfd, unsigned long path, int follow);
long hj_place_fdcheck(long fd);

/* rules.c: whose is a path? */
enum hj_place {
	HJ_HOST_SAME,	/* the host's, by the arguments as they are */
	HJ_HOST_PATH,	/* the host's, by another path */
	HJ_KERNEL_SAME, /* the kernel's, relative to a directory of its */
	HJ_KERNEL_PATH, /* by a path there */
};
long hj_rules_find(struct hj_thread *t, long dirfd, unsigned long path,
    int follow, char found[HJ_PATHMAX]);
long hj_rules_show(char path[HJ_PATHMAX]);
long hj_rules_kernel(
    struct hj_thread *t, unsigned long path, char found[HJ_PATHMAX], long *at);
long hj_rules_call(struct hj_thread *t, unsigned long nr,
    const struct hj_rule *rule, const long *args);

/* own.c */
int hj_own_find(struct hj_thread *t, const char *path, int follow,
    char own[HJ_PATHMAX], int *fd);
long hj_own_fdpath(struct hj_thread *t, int fd, char path[HJ_PATHMAX]);
long hj_own_readlink(struct hj_thread *t, const long *args);

const char *hj_own_folder(const char *path);

/* ruledcalls.c */
#define HJ_RULED_MAJOR 4095 /* of devices of the kernel: none of the host's */
void hj_ruled_stat(int nr, const long *args);
void hj_ruled_device(void *st);
int hj_is_ruled(uint32_t calls);
int hj_ruled_mounts(
    struct hj_thread *t, const char *path, long flags, long *result);

/* waits.c */
int hj_wait_poll(struct hj_thread *t, const long *args, long *result);
int hj_wait_select(struct hj_thread *t, const long *args, long *result);
long hj_wait_sleep(struct hj_thread *t, long nr, const long *args);
int hj_wait_ppoll(struct hj_thread *t, const long *args, long *result);
int hj_wait_pselect6(struct hj_thread *t, const long *args, long *result);
int
hj_wait_epoll(struct hj_thread *t, const long *args, int hastime, long *result);

/* ids.c */
long hj_id(struct hj_thread *t, unsigned long nr, int kernel);
void hj_ids_forget(struct hj_thread *t);
long hj_ids_set(struct hj_thread *t, unsigned long nr, int kernel, long *words);
void hj_ids_drop(struct hj_thread *t);
int hj_is_root(struct hj_thread *t);

/* limits.c */
struct rlimit64;
void hj_limits_shared(int begins);
void hj_limits_fsize(struct rlimit64 *rl, long words[HJ_NARGS]);

/* io.c */
int hj_file_program(struct hj_thread *t, long dirfd, const char *path,
    int follow, char *exe, int *fd);
void hj_file_noprogram(struct hj_thread *t);
int hj_file_told(struct hj_thread *t, const char *exe);
long hj_file_server(const struct hj_thread *t, int fd, int how);
long hj_file_map(struct hj_thread *t, int fd, int prot, int flags);
void hj_file_direct(struct hj_thread *t, int fd, int server, int cloexec);

/* large.c */
#define HJ_LARGE (4L << 20) /* calls that do less were not cut */
long
hj_large(struct hj_thread *t, unsigned long nr, const long *args, long done);

/* trace.c */
int hj_trace_hides(struct hj_thread *t, int tid, int *status);
void hj_trace_begin(unsigned long pc, unsigned long sp);
/* The machine's: have a thread that is traced stop there; not any more. */
int hj_step_begin(int tid, unsigned long pc);
void hj_step_end(int tid);
int hj_is_debugged(void);
int hj_trace_exec(const struct hj_thread *t);

/* proccalls.c */
long hj_proc_open(struct hj_thread *t, const long *args);

/* exec.c, elf.c */
long hj_exec(struct hj_thread *t, int dirfd, const char *path, long flags,
    unsigned long argv, unsigned long envp);
int hj_exec_open(struct hj_thread *t, const char *path, int *fd, char *exe);
int hj_protection(uint32_t flags);
int hj_is_written(int fd);
int hj_may_execute(int fd);
int hj_open_program(struct hj_thread *t, int dirfd, const char *path,
    long flags, int *fd, char *exe);
int hj_image_open(
    struct hj_thread *t, int fd, int interpfd, struct hj_image *image);
long hj_image_map(
    const struct hj_image *image, unsigned long hint, unsigned long *end);

#pragma GCC visibility pop

#endif
