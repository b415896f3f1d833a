/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names of the numbers in arguments, by the hints of the table.  A hint that is
 * not here shows a number.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <linux/falloc.h>
#include <linux/fs.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <sys/xattr.h>

#include <rump/rump_file.h>
#include <rump/rump_trace.h>

#include "kern/largefile.h"
#include "kern/param.h"
#include "syscall/tracetext.h"

/* One of these, or a sum of bits of which each has a name. */
struct name {
	uint64_t n_value;
	const char *n_name;
};

struct names {
	const char *ns_hint;
	bool ns_bits;
	const struct name *ns_names;
	size_t ns_count;
};

#define N(x)                      \
	{                         \
		(uint32_t)(x), #x \
	}
#define R(x)                            \
	{                               \
		(uint32_t) RUMP_##x, #x \
	}

static const struct name n_dirfd[] = {N(AT_FDCWD)};
static const struct name n_whence[] = {
    N(SEEK_SET), N(SEEK_CUR), N(SEEK_END), N(SEEK_DATA), N(SEEK_HOLE)};
static const struct name n_clock[] = {N(CLOCK_REALTIME), N(CLOCK_MONOTONIC),
    N(CLOCK_PROCESS_CPUTIME_ID), N(CLOCK_THREAD_CPUTIME_ID),
    N(CLOCK_MONOTONIC_RAW), N(CLOCK_REALTIME_COARSE), N(CLOCK_MONOTONIC_COARSE),
    N(CLOCK_BOOTTIME), N(CLOCK_REALTIME_ALARM), N(CLOCK_BOOTTIME_ALARM),
    N(CLOCK_TAI)};
static const struct name n_idtype[] = {N(P_ALL), N(P_PID), N(P_PGID)};
static const struct name n_prctl[] = {N(PR_SET_NAME), N(PR_GET_NAME)};
static const struct name n_rlimit[] = {N(RLIMIT_CPU), N(RLIMIT_FSIZE),
    N(RLIMIT_DATA), N(RLIMIT_STACK), N(RLIMIT_CORE), N(RLIMIT_RSS),
    N(RLIMIT_NPROC), N(RLIMIT_NOFILE), N(RLIMIT_MEMLOCK), N(RLIMIT_AS),
    N(RLIMIT_LOCKS), N(RLIMIT_SIGPENDING), N(RLIMIT_MSGQUEUE), N(RLIMIT_NICE),
    N(RLIMIT_RTPRIO), N(RLIMIT_RTTIME)};
static const struct name n_closerange[] = {
    N(CLOSE_RANGE_UNSHARE), N(CLOSE_RANGE_CLOEXEC)};
static const struct name n_fcntl[] = {N(F_DUPFD), N(F_GETFD), N(F_SETFD),
    N(F_GETFL), N(F_SETFL), N(F_GETLK), N(F_SETLK), N(F_SETLKW), N(F_SETOWN),
    N(F_GETOWN), N(F_SETSIG), N(F_GETSIG), N(F_SETOWN_EX), N(F_GETOWN_EX),
    N(F_OFD_GETLK), N(F_OFD_SETLK), N(F_OFD_SETLKW), N(F_SETLEASE),
    N(F_GETLEASE), N(F_DUPFD_CLOEXEC), N(F_SETPIPE_SZ), N(F_GETPIPE_SZ),
    N(F_ADD_SEALS), N(F_GET_SEALS), N(F_NOTIFY), N(F_GET_RW_HINT),
    N(F_SET_RW_HINT)};
static const struct name n_ioctl[] = {N(FIONREAD), N(FIONBIO), N(FIOASYNC),
    N(FIOCLEX), N(FIONCLEX), N(FS_IOC_GETFLAGS), N(FS_IOC_SETFLAGS), N(TCGETS),
    N(TCSETS), N(TCSETSW), N(TCSETSF), N(TCSBRK), N(TCSBRKP), N(TCXONC),
    N(TCFLSH), N(TIOCEXCL), N(TIOCNXCL), N(TIOCSCTTY), N(TIOCNOTTY),
    N(TIOCSBRK), N(TIOCCBRK), N(TIOCSIG), N(TIOCGPGRP), N(TIOCSPGRP),
    N(TIOCGSID), N(TIOCOUTQ), N(TIOCSTI), N(TIOCGWINSZ), N(TIOCSWINSZ),
    N(TIOCPKT), N(TIOCGPKT), N(TIOCGETD), N(TIOCSETD), N(TIOCGPTN),
    N(TIOCSPTLCK), N(TIOCGPTLCK)};
static const struct name n_access[] = {N(X_OK), N(W_OK), N(R_OK)};
static const struct name n_at[] = {N(AT_SYMLINK_NOFOLLOW), N(AT_REMOVEDIR),
    N(AT_SYMLINK_FOLLOW), N(AT_NO_AUTOMOUNT), N(AT_EMPTY_PATH),
    N(AT_STATX_FORCE_SYNC), N(AT_STATX_DONT_SYNC)};
static const struct name n_mount[] = {N(MS_RDONLY), N(MS_NOSUID), N(MS_NODEV),
    N(MS_NOEXEC), N(MS_SYNCHRONOUS), N(MS_REMOUNT), N(MS_NOATIME)};
static const struct name n_unmount[] = {N(MNT_FORCE), N(MNT_DETACH)};
static const struct name n_rename[] = {
    N(RENAME_NOREPLACE), N(RENAME_EXCHANGE), N(RENAME_WHITEOUT)};
static const struct name n_fallocate[] = {N(FALLOC_FL_KEEP_SIZE),
    N(FALLOC_FL_PUNCH_HOLE), N(FALLOC_FL_COLLAPSE_RANGE),
    N(FALLOC_FL_ZERO_RANGE), N(FALLOC_FL_INSERT_RANGE),
    N(FALLOC_FL_UNSHARE_RANGE)};
static const struct name n_fadvise[] = {N(POSIX_FADV_NORMAL),
    N(POSIX_FADV_RANDOM), N(POSIX_FADV_SEQUENTIAL), N(POSIX_FADV_WILLNEED),
    N(POSIX_FADV_DONTNEED), N(POSIX_FADV_NOREUSE)};
static const struct name n_fsync[] = {R(FDATASYNC), R(FFILESYNC), R(FDISKSYNC)};
static const struct name n_pathconf[] = {N(_PC_LINK_MAX), N(_PC_MAX_CANON),
    N(_PC_MAX_INPUT), N(_PC_NAME_MAX), N(_PC_PATH_MAX), N(_PC_PIPE_BUF),
    N(_PC_CHOWN_RESTRICTED), N(_PC_NO_TRUNC), N(_PC_VDISABLE), N(_PC_SYNC_IO),
    N(_PC_ASYNC_IO), N(_PC_PRIO_IO), N(_PC_FILESIZEBITS), N(_PC_SYMLINK_MAX),
    N(_PC_2_SYMLINKS)};
static const struct name n_statx[] = {N(STATX_ALL), N(STATX_BASIC_STATS),
    N(STATX_TYPE), N(STATX_MODE), N(STATX_NLINK), N(STATX_UID), N(STATX_GID),
    N(STATX_ATIME), N(STATX_MTIME), N(STATX_CTIME), N(STATX_INO), N(STATX_SIZE),
    N(STATX_BLOCKS), N(STATX_BTIME), N(STATX_MNT_ID)};
static const struct name n_rwf[] = {
    N(RWF_HIPRI), N(RWF_DSYNC), N(RWF_SYNC), N(RWF_NOWAIT), N(RWF_APPEND)};
static const struct name n_splice[] = {
    N(SPLICE_F_MOVE), N(SPLICE_F_NONBLOCK), N(SPLICE_F_MORE), N(SPLICE_F_GIFT)};
static const struct name n_memfd[] = {N(MFD_CLOEXEC), N(MFD_ALLOW_SEALING),
    {8, "MFD_NOEXEC_SEAL"}, {16, "MFD_EXEC"}};
static const struct name n_flock[] = {
    N(LOCK_SH), N(LOCK_EX), N(LOCK_NB), N(LOCK_UN)};
static const struct name n_inotify_init[] = {N(IN_NONBLOCK), N(IN_CLOEXEC)};
static const struct name n_inotify[] = {N(IN_ALL_EVENTS), N(IN_ACCESS),
    N(IN_MODIFY), N(IN_ATTRIB), N(IN_CLOSE_WRITE), N(IN_CLOSE_NOWRITE),
    N(IN_OPEN), N(IN_MOVED_FROM), N(IN_MOVED_TO), N(IN_CREATE), N(IN_DELETE),
    N(IN_DELETE_SELF), N(IN_MOVE_SELF), N(IN_ONLYDIR), N(IN_DONT_FOLLOW),
    N(IN_EXCL_UNLINK), N(IN_MASK_CREATE), N(IN_MASK_ADD), N(IN_ONESHOT)};
static const struct name n_sigprocmask[] = {
    N(SIG_BLOCK), N(SIG_UNBLOCK), N(SIG_SETMASK)};
static const struct name n_wait[] = {N(WNOHANG), N(WUNTRACED), N(WEXITED),
    N(WCONTINUED), N(WNOWAIT), {WSTOPPED, "WSTOPPED"}};
static const struct name n_epoll[] = {
    N(EPOLL_CTL_ADD), N(EPOLL_CTL_DEL), N(EPOLL_CTL_MOD)};
static const struct name n_eventfd[] = {
    N(EFD_SEMAPHORE), N(EFD_NONBLOCK), N(EFD_CLOEXEC)};
static const struct name n_abstime[] = {N(TIMER_ABSTIME)};
static const struct name n_itimer[] = {
    N(ITIMER_REAL), N(ITIMER_VIRTUAL), N(ITIMER_PROF)};
static const struct name n_rusage[] = {
    N(RUSAGE_SELF), N(RUSAGE_CHILDREN), N(RUSAGE_THREAD)};
static const struct name n_timerfd[] = {N(TFD_NONBLOCK), N(TFD_CLOEXEC)};
static const struct name n_timerfd_settime[] = {
    N(TFD_TIMER_ABSTIME), N(TFD_TIMER_CANCEL_ON_SET)};
static const struct name n_extattr[] = {
    R(EXTATTR_NAMESPACE_USER), R(EXTATTR_NAMESPACE_SYSTEM)};
static const struct name n_xattr[] = {N(XATTR_CREATE), N(XATTR_REPLACE)};
static const struct name n_chflags[] = {
    R(UF_NODUMP), R(UF_IMMUTABLE), R(UF_APPEND), R(SF_IMMUTABLE), R(SF_APPEND)};
static const struct name n_domain[] = {
    N(AF_UNSPEC), N(AF_UNIX), N(AF_INET), N(AF_INET6)};
/* Of these one, and bits. */
static const struct name n_socktype[] = {N(SOCK_SEQPACKET), N(SOCK_RAW),
    N(SOCK_DGRAM), N(SOCK_STREAM), N(SOCK_NONBLOCK), N(SOCK_CLOEXEC)};
static const struct name n_socklevel[] = {N(SOL_SOCKET)};
static const struct name n_sockopt[] = {N(SO_DEBUG), N(SO_REUSEADDR),
    N(SO_TYPE), N(SO_ERROR), N(SO_DONTROUTE), N(SO_BROADCAST), N(SO_SNDBUF),
    N(SO_RCVBUF), N(SO_KEEPALIVE), N(SO_OOBINLINE), N(SO_LINGER),
    N(SO_REUSEPORT), N(SO_PASSCRED), N(SO_PEERCRED), N(SO_RCVLOWAT),
    N(SO_SNDLOWAT), N(SO_RCVTIMEO), N(SO_SNDTIMEO), N(SO_TIMESTAMP),
    N(SO_ACCEPTCONN), N(SO_PEERSEC), N(SO_PROTOCOL), N(SO_DOMAIN)};
static const struct name n_msg[] = {N(MSG_OOB), N(MSG_PEEK), N(MSG_DONTROUTE),
    N(MSG_CTRUNC), N(MSG_TRUNC), N(MSG_DONTWAIT), N(MSG_EOR), N(MSG_WAITALL),
    N(MSG_NOSIGNAL), N(MSG_MORE), N(MSG_WAITFORONE), N(MSG_CMSG_CLOEXEC)};
static const struct name n_shutdown[] = {N(SHUT_RD), N(SHUT_WR), N(SHUT_RDWR)};
static const struct name n_ktrop[] = {R(KTROP_SET), R(KTROP_CLEAR),
    R(KTROP_CLEARFILE), {4, "KTROP_SET|KTRFLAG_DESCEND"},
    {5, "KTROP_CLEAR|KTRFLAG_DESCEND"}, {8, "KTROP_SET|KTRFLAG_OTHERS"},
    {9, "KTROP_CLEAR|KTRFLAG_OTHERS"},
    {12, "KTROP_SET|KTRFLAG_DESCEND|KTRFLAG_OTHERS"},
    {13, "KTROP_CLEAR|KTRFLAG_DESCEND|KTRFLAG_OTHERS"}};
static const struct name n_ktrfac[] = {R(KTRFAC_SYSCALL), R(KTRFAC_SYSRET),
    R(KTRFAC_PSIG), R(KTRFAC_CSW), R(KTRFAC_USER), R(KTRFAC_PERFETTO),
    R(KTRFAC_INHERIT)};
/* Beside the access mode. */
static const struct name n_oflags[] = {N(O_CREAT), N(O_EXCL), N(O_NOCTTY),
    N(O_TRUNC), N(O_APPEND), N(O_NONBLOCK), N(O_SYNC), N(O_DSYNC), N(O_ASYNC),
    N(O_DIRECT), {KERN_LARGEFILE, "O_LARGEFILE"}, N(O_TMPFILE), N(O_DIRECTORY),
    N(O_NOFOLLOW), N(O_NOATIME), N(O_CLOEXEC), N(O_PATH)};

#define ONE_OF(hint)                                     \
	{                                                \
#hint, false, n_##hint, nitems(n_##hint) \
	}
#define BITS(hint)                                      \
	{                                               \
#hint, true, n_##hint, nitems(n_##hint) \
	}

static const struct names lists[] = {ONE_OF(dirfd), ONE_OF(whence),
    ONE_OF(clock), ONE_OF(idtype), ONE_OF(prctl), ONE_OF(rlimit),
    BITS(closerange), ONE_OF(fcntl), ONE_OF(ioctl), BITS(access), BITS(at),
    BITS(mount), BITS(unmount), BITS(rename), BITS(fallocate), ONE_OF(fadvise),
    BITS(fsync), ONE_OF(pathconf), BITS(statx), BITS(rwf), BITS(splice),
    BITS(memfd), BITS(flock), BITS(inotify_init), BITS(inotify),
    ONE_OF(sigprocmask), BITS(wait), ONE_OF(epoll), BITS(eventfd),
    BITS(abstime), ONE_OF(itimer), ONE_OF(rusage), BITS(timerfd),
    BITS(timerfd_settime), ONE_OF(extattr), BITS(xattr), BITS(chflags),
    ONE_OF(domain), BITS(socktype), ONE_OF(socklevel), ONE_OF(sockopt),
    BITS(msg), ONE_OF(shutdown), ONE_OF(ktrop), BITS(oflags), BITS(ktrfac)};

static void
put_number(struct tracetext *tt, uint64_t value, bool issigned)
{
	if (issigned)
		tracetext_printf(tt, "%" PRId64, (int64_t)value);
	else if (value == UINT32_MAX || value == UINT64_MAX)
		tracetext_printf(tt, "-1");
	else
		tracetext_printf(tt, "%" PRIu64, value);
}

static void
put_bits(struct tracetext *tt, const struct name *n, size_t count,
    uint64_t value, bool first)
{
	size_t i;

	if (value == 0 && first)
		tracetext_printf(tt, "0");
	for (i = 0; i < count; i++) {
		if (n[i].n_value == 0 || (value & n[i].n_value) != n[i].n_value)
			continue;
		tracetext_printf(tt, "%s%s", first ? "" : "|", n[i].n_name);
		value &= ~n[i].n_value;
		first = false;
	}
	if (value != 0)
		tracetext_printf(tt, "%s%#" PRIx64, first ? "" : "|", value);
}

static void
put_open(struct tracetext *tt, uint64_t value)
{
	static const char *const modes[] = {
	    "O_RDONLY", "O_WRONLY", "O_RDWR", "O_ACCMODE"};

	tracetext_printf(tt, "%s", modes[value & O_ACCMODE]);
	put_bits(tt, n_oflags, nitems(n_oflags),
	    (uint32_t)(value & ~(uint64_t)O_ACCMODE), false);
}

void
tracetext_signal(struct tracetext *tt, int signo)
{
	const char *name = sigabbrev_np(signo);

	if (name != NULL)
		tracetext_printf(tt, "SIG%s", name);
	else if (signo >= 32 && signo <= 64)
		tracetext_printf(tt, "SIGRT_%d", signo - 32);
	else
		tracetext_printf(tt, "%d", signo);
}

void
tracetext_end(struct tracetext *tt, int status)
{
	if (WIFEXITED(status)) {
		tracetext_printf(
		    tt, "+++ exited with %d +++", WEXITSTATUS(status));
		return;
	}
	tracetext_printf(tt, "+++ killed by ");
	tracetext_signal(tt, WTERMSIG(status));
	tracetext_printf(tt, " +++");
}

static bool
put_listed(struct tracetext *tt, const char *hint, uint64_t value)
{
	const struct names *ns;
	size_t i, k;

	for (i = 0; i < nitems(lists); i++)
		if (strcmp(lists[i].ns_hint, hint) == 0)
			break;
	if (i == nitems(lists))
		return false;
	ns = &lists[i];
	if (ns->ns_bits) {
		put_bits(tt, ns->ns_names, ns->ns_count, (uint32_t)value, true);
		return true;
	}
	for (k = 0; k < ns->ns_count; k++) {
		if (ns->ns_names[k].n_value != (uint32_t)value)
			continue;
		tracetext_printf(tt, "%s", ns->ns_names[k].n_name);
		return true;
	}
	return false;
}

void
tracetext_value(
    struct tracetext *tt, const char *hint, uint64_t value, bool issigned)
{
	if (hint == NULL)
		put_number(tt, value, issigned);
	else if (strcmp(hint, "open") == 0)
		put_open(tt, value);
	else if (strcmp(hint, "mode") == 0)
		tracetext_printf(tt, "%#03" PRIo64, value);
	else if (strcmp(hint, "signal") == 0)
		tracetext_signal(tt, (int)value);
	else if (strcmp(hint, "dev") == 0)
		tracetext_printf(
		    tt, "makedev(%u, %u)", major(value), minor(value));
	else if (!put_listed(tt, hint, value)) {
		if (strcmp(hint, "ioctl") == 0)
			tracetext_printf(tt, "%#" PRIx64, value);
		else
			put_number(tt, value, issigned);
	}
}
