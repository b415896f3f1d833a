/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Structures that arguments point to, as text.  Of the large ones, what is
 * looked at most.
 */
#include <inttypes.h>
#include <stddef.h>
#include <string.h>

#include <sys/ioctl.h>
#include <sys/sysmacros.h>
#include <sys/un.h>

#include <netinet/in.h>

#include <arpa/inet.h>

#include "kern/param.h"
#include "syscall/systypes.h"
#include "syscall/tracetext.h"

typedef void put_object_fn(struct tracetext *, const void *, size_t size);

static void
put_signed(struct tracetext *tt, const void *p, size_t size)
{
	int32_t narrow;
	int64_t wide = 0;

	if (size == sizeof(narrow)) {
		memcpy(&narrow, p, sizeof(narrow));
		wide = narrow;
	} else
		memcpy(&wide, p, sizeof(wide));
	tracetext_printf(tt, "%" PRId64, wide);
}

static void
put_unsigned(struct tracetext *tt, const void *p, size_t size)
{
	uint64_t value = 0;

	memcpy(&value, p, size);
	tracetext_value(tt, NULL, value, false);
}

static void
put_timespec(struct tracetext *tt, const void *p, size_t size)
{
	const struct timespec *ts = p;

	(void)size;
	tracetext_printf(tt, "{tv_sec=%jd, tv_nsec=", (intmax_t)ts->tv_sec);
	if (ts->tv_nsec == UTIME_NOW)
		tracetext_printf(tt, "UTIME_NOW}");
	else if (ts->tv_nsec == UTIME_OMIT)
		tracetext_printf(tt, "UTIME_OMIT}");
	else
		tracetext_printf(tt, "%ld}", ts->tv_nsec);
}

static void
put_timeval(struct tracetext *tt, const void *p, size_t size)
{
	const struct timeval *tv = p;

	(void)size;
	tracetext_printf(tt, "{tv_sec=%jd, tv_usec=%jd}", (intmax_t)tv->tv_sec,
	    (intmax_t)tv->tv_usec);
}

static void
put_itimerspec(struct tracetext *tt, const void *p, size_t size)
{
	const struct itimerspec *its = p;

	tracetext_printf(tt, "{it_interval=");
	put_timespec(tt, &its->it_interval, size);
	tracetext_printf(tt, ", it_value=");
	put_timespec(tt, &its->it_value, size);
	tracetext_printf(tt, "}");
}

static void
put_itimerval(struct tracetext *tt, const void *p, size_t size)
{
	const struct itimerval *itv = p;

	tracetext_printf(tt, "{it_interval=");
	put_timeval(tt, &itv->it_interval, size);
	tracetext_printf(tt, ", it_value=");
	put_timeval(tt, &itv->it_value, size);
	tracetext_printf(tt, "}");
}

static void
put_type(struct tracetext *tt, mode_t mode)
{
	static const struct {
		mode_t mode;
		const char *name;
	} types[] = {{S_IFREG, "S_IFREG"}, {S_IFDIR, "S_IFDIR"},
	    {S_IFLNK, "S_IFLNK"}, {S_IFIFO, "S_IFIFO"}, {S_IFSOCK, "S_IFSOCK"},
	    {S_IFCHR, "S_IFCHR"}, {S_IFBLK, "S_IFBLK"}};

	for (size_t i = 0; i < nitems(types); i++)
		if ((mode & S_IFMT) == types[i].mode)
			tracetext_printf(tt, "%s|", types[i].name);
	tracetext_printf(tt, "%#03o", mode & ~(mode_t)S_IFMT);
}

static void
put_stat(struct tracetext *tt, const void *p, size_t size)
{
	const struct stat *sb = p;

	(void)size;
	tracetext_printf(tt, "{st_mode=");
	put_type(tt, sb->st_mode);
	if (S_ISCHR(sb->st_mode) || S_ISBLK(sb->st_mode))
		tracetext_printf(tt, ", st_rdev=makedev(%u, %u), ...}",
		    major(sb->st_rdev), minor(sb->st_rdev));
	else
		tracetext_printf(
		    tt, ", st_size=%jd, ...}", (intmax_t)sb->st_size);
}

static void
put_statx(struct tracetext *tt, const void *p, size_t size)
{
	const struct statx *sx = p;

	(void)size;
	tracetext_printf(tt, "{stx_mask=");
	tracetext_value(tt, "statx", sx->stx_mask, false);
	tracetext_printf(tt, ", stx_mode=");
	put_type(tt, sx->stx_mode);
	tracetext_printf(tt, ", stx_size=%ju, ...}", (uintmax_t)sx->stx_size);
}

static void
put_statvfs(struct tracetext *tt, const void *p, size_t size)
{
	const struct statvfs *sb = p;

	(void)size;
	tracetext_printf(tt,
	    "{f_bsize=%lu, f_blocks=%ju, f_bfree=%ju, f_files=%ju, ...}",
	    sb->f_bsize, (uintmax_t)sb->f_blocks, (uintmax_t)sb->f_bfree,
	    (uintmax_t)sb->f_files);
}

static void
put_events(struct tracetext *tt, const char *prefix, uint32_t events)
{
	static const struct {
		uint32_t bit;
		const char *name;
	} bits[] = {{POLLIN, "IN"}, {POLLPRI, "PRI"}, {POLLOUT, "OUT"},
	    {POLLERR, "ERR"}, {POLLHUP, "HUP"}, {POLLNVAL, "NVAL"},
	    {POLLRDNORM, "RDNORM"}, {POLLRDBAND, "RDBAND"},
	    {POLLWRNORM, "WRNORM"}, {POLLWRBAND, "WRBAND"},
	    {POLLRDHUP, "RDHUP"}, {EPOLLEXCLUSIVE, "EXCLUSIVE"},
	    {EPOLLONESHOT, "ONESHOT"}, {EPOLLET, "ET"}};
	const char *bar = "";

	for (size_t i = 0; i < nitems(bits); i++) {
		if ((events & bits[i].bit) == 0)
			continue;
		tracetext_printf(tt, "%s%s%s", bar, prefix, bits[i].name);
		events &= ~bits[i].bit;
		bar = "|";
	}
	if (events != 0 || *bar == '\0')
		tracetext_printf(tt, "%s%#x", bar, events);
}

static void
put_pollfd(struct tracetext *tt, const void *p, size_t size)
{
	const struct pollfd *pfd = p;

	(void)size;
	tracetext_printf(tt, "{fd=%d, events=", pfd->fd);
	put_events(tt, "POLL", (uint16_t)pfd->events);
	if (pfd->revents != 0) {
		tracetext_printf(tt, ", revents=");
		put_events(tt, "POLL", (uint16_t)pfd->revents);
	}
	tracetext_printf(tt, "}");
}

static void
put_epoll_event(struct tracetext *tt, const void *p, size_t size)
{
	const struct epoll_event *ev = p;

	(void)size;
	tracetext_printf(tt, "{events=");
	put_events(tt, "EPOLL", ev->events);
	tracetext_printf(tt, ", data=%#" PRIx64 "}", (uint64_t)ev->data.u64);
}

static void
put_kevent(struct tracetext *tt, const void *p, size_t size)
{
	const struct rump_kevent *kev = p;

	(void)size;
	tracetext_printf(tt,
	    "{ident=%ju, filter=%u, flags=%#x, fflags=%#x, data=%jd}",
	    (uintmax_t)kev->ident, kev->filter, kev->flags, kev->fflags,
	    (intmax_t)kev->data);
}

static void
put_sigset(struct tracetext *tt, const void *p, size_t size)
{
	const char *space = "";
	uint64_t mask;

	(void)size;
	memcpy(&mask, p, sizeof(mask));
	tracetext_printf(tt, "[");
	for (int signo = 1; signo <= 64; signo++) {
		if ((mask >> (signo - 1) & 1) == 0)
			continue;
		tracetext_printf(tt, "%s", space);
		tracetext_signal(tt, signo);
		space = " ";
	}
	tracetext_printf(tt, "]");
}

void
tracetext_siginfo(struct tracetext *tt, const siginfo_t *info)
{
	tracetext_printf(tt, "{si_signo=");
	tracetext_signal(tt, info->si_signo);
	tracetext_printf(tt, ", si_code=%d, si_pid=%d, si_uid=%d}",
	    info->si_code, (int)info->si_pid, (int)info->si_uid);
}

static void
put_siginfo(struct tracetext *tt, const void *p, size_t size)
{
	(void)size;
	tracetext_siginfo(tt, p);
}

static void
put_sigaction(struct tracetext *tt, const void *p, size_t size)
{
	const struct sigaction *sa = p;

	if (sa->sa_handler == SIG_DFL)
		tracetext_printf(tt, "{sa_handler=SIG_DFL");
	else if (sa->sa_handler == SIG_IGN)
		tracetext_printf(tt, "{sa_handler=SIG_IGN");
	else
		tracetext_printf(tt, "{sa_handler=%#jx",
		    (uintmax_t)(uintptr_t)sa->sa_handler);
	tracetext_printf(tt, ", sa_mask=");
	put_sigset(tt, &sa->sa_mask, size);
	tracetext_printf(tt, ", sa_flags=%#x}", (unsigned)sa->sa_flags);
}

static void
put_rlimit(struct tracetext *tt, const void *p, size_t size)
{
	const struct rlimit *rl = p;

	(void)size;
	tracetext_printf(tt, "{rlim_cur=");
	tracetext_value(tt, NULL, rl->rlim_cur, false);
	tracetext_printf(tt, ", rlim_max=");
	tracetext_value(tt, NULL, rl->rlim_max, false);
	tracetext_printf(tt, "}");
}

static void
put_flock(struct tracetext *tt, const void *p, size_t size)
{
	static const char *const types[] = {"F_RDLCK", "F_WRLCK", "F_UNLCK"};
	const struct flock *fl = p;

	(void)size;
	tracetext_printf(tt, "{l_type=");
	if (fl->l_type >= 0 && fl->l_type < 3)
		tracetext_printf(tt, "%s", types[fl->l_type]);
	else
		tracetext_printf(tt, "%d", fl->l_type);
	tracetext_printf(tt, ", l_whence=");
	tracetext_value(tt, "whence", (uint64_t)fl->l_whence, true);
	tracetext_printf(tt, ", l_start=%jd, l_len=%jd, l_pid=%d}",
	    (intmax_t)fl->l_start, (intmax_t)fl->l_len, (int)fl->l_pid);
}

static void
put_winsize(struct tracetext *tt, const void *p, size_t size)
{
	const struct winsize *ws = p;

	(void)size;
	tracetext_printf(tt, "{ws_row=%u, ws_col=%u}", ws->ws_row, ws->ws_col);
}

static void
put_open_how(struct tracetext *tt, const void *p, size_t size)
{
	const struct open_how *how = p;

	(void)size;
	tracetext_printf(tt, "{flags=");
	tracetext_value(tt, "open", how->flags, false);
	tracetext_printf(tt, ", mode=%#" PRIo64 ", resolve=%#" PRIx64 "}",
	    (uint64_t)how->mode, (uint64_t)how->resolve);
}

static void
put_sockaddr_un(
    struct tracetext *tt, const struct sockaddr_un *sun, size_t size)
{
	size_t n = size - offsetof(struct sockaddr_un, sun_path);

	tracetext_printf(tt, "{sa_family=AF_UNIX");
	if (n > sizeof(sun->sun_path))
		n = sizeof(sun->sun_path);
	/* An abstract name begins with a NUL and has no end but its length. */
	if (n > 0 && sun->sun_path[0] != '\0')
		n = strnlen(sun->sun_path, n);
	if (n > 0) {
		tracetext_printf(tt, ", sun_path=");
		tracetext_bytes(tt, sun->sun_path, n, false);
	}
	tracetext_printf(tt, "}");
}

static void
put_sockaddr(struct tracetext *tt, const void *p, size_t size)
{
	const struct sockaddr_in *sin = p;
	const struct sockaddr_in6 *sin6 = p;
	char name[INET6_ADDRSTRLEN];

	if (size < sizeof(sa_family_t)) {
		tracetext_printf(tt, "{}");
		return;
	}
	if (sin->sin_family == AF_UNIX)
		put_sockaddr_un(tt, p, size);
	else if (sin->sin_family == AF_INET && size >= sizeof(*sin))
		tracetext_printf(tt,
		    "{sa_family=AF_INET, sin_port=htons(%u), sin_addr=%s}",
		    ntohs(sin->sin_port),
		    inet_ntop(AF_INET, &sin->sin_addr, name, sizeof(name)));
	else if (sin->sin_family == AF_INET6 && size >= sizeof(*sin6))
		tracetext_printf(tt,
		    "{sa_family=AF_INET6, sin6_port=htons(%u), sin6_addr=%s}",
		    ntohs(sin6->sin6_port),
		    inet_ntop(AF_INET6, &sin6->sin6_addr, name, sizeof(name)));
	else
		tracetext_printf(tt, "{sa_family=%u, ...}", sin->sin_family);
}

/* Descriptors of select: size is in whole words. */
static void
put_fd_set(struct tracetext *tt, const void *p, size_t size)
{
	const uint64_t *words = p;
	const char *space = "";

	tracetext_printf(tt, "[");
	for (size_t fd = 0; fd < size * 8; fd++) {
		if ((words[fd / 64] >> fd % 64 & 1) == 0)
			continue;
		tracetext_printf(tt, "%s%zu", space, fd);
		space = " ";
	}
	tracetext_printf(tt, "]");
}

static void
put_file_handle(struct tracetext *tt, const void *p, size_t size)
{
	const struct file_handle *fh = p;
	size_t n = size - sizeof(*fh);

	tracetext_printf(tt,
	    "{handle_bytes=%u, handle_type=%d, f_handle=", fh->handle_bytes,
	    fh->handle_type);
	tracetext_bytes(tt, fh->f_handle,
	    n < TRACETEXT_BYTES ? n : TRACETEXT_BYTES, n > TRACETEXT_BYTES);
	tracetext_printf(tt, "}");
}

static void
put_wstatus(struct tracetext *tt, const void *p, size_t size)
{
	int status;

	(void)size;
	memcpy(&status, p, sizeof(status));
	if (WIFEXITED(status))
		tracetext_printf(
		    tt, "[WEXITSTATUS(s) == %d]", WEXITSTATUS(status));
	else if (WIFSTOPPED(status)) {
		tracetext_printf(tt, "[WSTOPSIG(s) == ");
		tracetext_signal(tt, WSTOPSIG(status));
		tracetext_printf(tt, "]");
	} else {
		tracetext_printf(tt, "[WTERMSIG(s) == ");
		tracetext_signal(tt, WTERMSIG(status));
		tracetext_printf(tt, "]");
	}
}

static const struct {
	const char *type;
	size_t size; /* the least */
	put_object_fn *put;
} types[] = {
    {"int", sizeof(int), put_signed},
    {"pid_t", sizeof(pid_t), put_signed},
    {"off_t", sizeof(off_t), put_signed},
    {"time_t", sizeof(time_t), put_signed},
    {"ssize_t", sizeof(ssize_t), put_signed},
    {"unsigned int", sizeof(unsigned int), put_unsigned},
    {"size_t", sizeof(size_t), put_unsigned},
    {"uid_t", sizeof(uid_t), put_unsigned},
    {"gid_t", sizeof(gid_t), put_unsigned},
    {"socklen_t", sizeof(socklen_t), put_unsigned},
    {"timer_t", sizeof(timer_t), put_unsigned},
    {"intptr_t", sizeof(intptr_t), put_signed},
    {"sigset_t", sizeof(uint64_t), put_sigset},
    {"siginfo_t", sizeof(siginfo_t), put_siginfo},
    {"fd_set", 0, put_fd_set},
    {"wstatus", sizeof(int), put_wstatus},
    {"struct epoll_event", sizeof(struct epoll_event), put_epoll_event},
    {"struct file_handle", sizeof(struct file_handle), put_file_handle},
    {"struct flock", sizeof(struct flock), put_flock},
    {"struct itimerspec", sizeof(struct itimerspec), put_itimerspec},
    {"struct itimerval", sizeof(struct itimerval), put_itimerval},
    {"struct open_how", sizeof(struct open_how), put_open_how},
    {"struct pollfd", sizeof(struct pollfd), put_pollfd},
    {"struct rlimit", sizeof(struct rlimit), put_rlimit},
    {"struct rump_kevent", sizeof(struct rump_kevent), put_kevent},
    {"struct sigaction", sizeof(struct sigaction), put_sigaction},
    {"struct sockaddr", 0, put_sockaddr},
    {"struct stat", sizeof(struct stat), put_stat},
    {"struct statvfs", sizeof(struct statvfs), put_statvfs},
    {"struct statx", sizeof(struct statx), put_statx},
    {"struct timespec", sizeof(struct timespec), put_timespec},
    {"struct timeval", sizeof(struct timeval), put_timeval},
    {"struct winsize", sizeof(struct winsize), put_winsize},
};

bool
tracetext_object(
    struct tracetext *tt, const char *type, const void *p, size_t size)
{
	for (size_t i = 0; i < nitems(types); i++) {
		if (strcmp(types[i].type, type) != 0)
			continue;
		if (size < types[i].size)
			return false;
		types[i].put(tt, p, size);
		return true;
	}
	return false;
}
