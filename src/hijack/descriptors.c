/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Descriptors: one space of numbers, of the host's and of the kernel's.
 *
 * What is open in the kernel as N has a placeholder at the host's N: an empty
 * file (HJ_FD_HOLDER), for which the host waits as for any regular file.  So
 * the host gives the numbers: N is taken there first, the kernel is then asked
 * for one that is not lower (t_fdmin), and since what is free on the host is
 * free in the kernel, it is N.  What closes, closes in the kernel first.
 * p_kernel says which are the kernel's; after execve the kernel does.
 *
 * A file of the host that is only read, and that the kernel does not write to
 * either, can be at N itself in place of the placeholder: p_direct.  What reads
 * it, or moves its offset, is then the host's; all else is the kernel's.
 */
#include <linux/close_range.h>
#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/kcmp.h>
#include <linux/stat.h>

#include "hijack/engine.h"

#define NAMESIZE 16 /* of a process in the kernel, with its NUL */

static unsigned long
bit(unsigned int fd)
{
	return 1UL << fd % 64;
}

void
hj_fd_mark(unsigned long *map, int fd, int on)
{
	if (on)
		__atomic_fetch_or(
		    &map[fd / 64], bit((unsigned int)fd), __ATOMIC_RELEASE);
	else
		__atomic_fetch_and(
		    &map[fd / 64], ~bit((unsigned int)fd), __ATOMIC_RELEASE);
}

int
hj_fd_marked(const unsigned long *map, long fd)
{
	unsigned int n = (unsigned int)fd;

	return n < HJ_NKFDS &&
	       (__atomic_load_n(&map[n / 64], __ATOMIC_ACQUIRE) & bit(n)) != 0;
}

/* Whether a descriptor is the kernel's. */
int
hj_fd_iskernel(const struct hj_thread *t, long fd)
{
	return hj_has_kernel() && hj_fd_marked(t->t_proc->p_kernel, fd);
}

/* And may be read on the host. */
int
hj_fd_isdirect(const struct hj_thread *t, long fd)
{
	return hj_fd_marked(t->t_proc->p_direct, fd);
}

void
hj_fd_setdirect(struct hj_thread *t, int fd)
{
	hj_fd_mark(t->t_proc->p_direct, fd, 1);
}

static void
close_host(long fd)
{
	hj_raw1(__NR_close, fd);
}

static long
close_kernel(struct hj_thread *t, long fd)
{
	const long args[6] = {fd};

	return hj_kernel(t, HJ_K_close, args);
}

/* A number that was just taken on the host: can it be the kernel's? */
static long
check_number(long fd)
{
	if (HJ_FAILED(fd) || (fd < HJ_NKFDS && !hj_is_ours(fd)))
		return fd;
	close_host(fd);
	return -EMFILE;
}

static void
mark_made(struct hj_thread *t, long fd, int direct, int quiet)
{
	hj_lower_forgetfd(t, (int)fd);
	hj_fd_mark(t->t_proc->p_direct, (int)fd, direct);
	hj_fd_mark(t->t_proc->p_quiet, (int)fd, quiet);
	hj_fd_mark(t->t_proc->p_kernel, (int)fd, 1);
}

/*
 * What the kernel has made as k, with a number of its own, gets one that the
 * host has free.  That may be on its way to another thread in the kernel, which
 * then gives what is free above.
 */
static long
adopt(struct hj_thread *t, long k, int cloexec)
{
	long cmd = cloexec ? F_DUPFD_CLOEXEC : F_DUPFD, fd, r;
	long off = (long)hj_control->hc_rules.hr_fdoff;

	for (;;) {
		fd = check_number(hj_raw3(__NR_fcntl,
		    hj_control->hc_fd + HJ_FD_HOLDER, cmd, HJ_MAX(off, k)));
		if (fd == k)
			break;
		const long args[6] = {k, cmd, fd};

		r = HJ_FAILED(fd) ? fd : hj_kernel(t, HJ_K_fcntl, args);
		close_kernel(t, k);
		if (r == fd)
			break;
		if (!HJ_FAILED(fd))
			close_host(fd);
		if (HJ_FAILED(r) || r == HJ_RESTART)
			return r;
		k = r;
	}
	mark_made(t, fd, 0, 0);
	return fd;
}

long
hj_fd_adopt(struct hj_thread *t, int fd, int how)
{
	return adopt(t, fd, (how & HJ_CLOEXEC) != 0);
}

/* The kernel has made what is at the host's fd, or an error. */
static long
made(struct hj_thread *t, long fd, long r, int direct, int quiet)
{
	int cloexec;

	if (r == fd) {
		mark_made(t, fd, direct, quiet);
		return fd;
	}
	cloexec = hj_raw2(__NR_fcntl, fd, F_GETFD) == FD_CLOEXEC;
	close_host(fd);
	if (HJ_FAILED(r) || r == HJ_RESTART)
		return r;
	return adopt(t, r, cloexec);
}

/* A late one: the host's, as if the kernel had it. */
void
hj_fd_setlate(struct hj_thread *t, int fd)
{
	mark_made(t, fd, 1, 1);
}

/* The kernel has made another number of it, or an error: it is the host's. */
void
hj_fd_disown(struct hj_thread *t, int fd, long got)
{
	hj_fd_mark(t->t_proc->p_direct, fd, 0);
	hj_fd_mark(t->t_proc->p_kernel, fd, 0);
	if (got >= 0)
		close_kernel(t, got);
}

/*
 * A number for the kernel's next descriptor.  One with O_PATH has a placeholder
 * with O_PATH, of which the host says EBADF where it is to be said.  By rules
 * the kernel is asked.
 */
static long
reserve(int how)
{
	char link[32];

	if ((how & HJ_ATPATH) != 0 && !hj_has_rules()) {
		hj_fd_link(link, hj_control->hc_fd + HJ_FD_HOLDER);
		return check_number(hj_raw4(__NR_openat, AT_FDCWD, link,
		    O_PATH | ((how & HJ_CLOEXEC) != 0 ? O_CLOEXEC : 0), 0));
	}
	return check_number(
	    hj_raw3(__NR_fcntl, hj_control->hc_fd + HJ_FD_HOLDER,
		(how & HJ_CLOEXEC) != 0 ? F_DUPFD_CLOEXEC : F_DUPFD,
		hj_control->hc_rules.hr_fdoff));
}

/* A call of the kernel that makes a descriptor. */
long
hj_fd_make(struct hj_thread *t, int nr, const long *args, int how)
{
	long fd = reserve(how), new, r;

	if (HJ_FAILED(fd))
		return fd;
	t->t_fdmin = (uint32_t)fd;
	t->t_wants = SP_F_HOSTFILE;
	r = hj_kernel(t, nr, args);
	if (HJ_FAILED(r) || r == HJ_RESTART)
		return made(t, fd, r, 0, 0);
	new = made(t, fd, (int)r, 0, how & HJ_QUIET);
	if ((t->t_got & SP_F_STAT) != 0 && new == fd)
		t->t_statfd = (uint32_t)fd + 1;
	if ((t->t_got & SP_F_HOSTFILE) != 0 && new == fd)
		hj_file_direct(t, (int)fd, (int)(r >> 32), how & HJ_CLOEXEC);
	return new;
}

/* F_DUPFD of one of the kernel's. */
static long
duplicate(struct hj_thread *t, long fd, long cmd, long lowest)
{
	long off = (long)hj_control->hc_rules.hr_fdoff, new, r;

	if (lowest >= 0 && lowest < off)
		lowest = off;
	for (;; lowest = new + 1) {
		new = check_number(hj_raw3(__NR_fcntl, fd, cmd, lowest));
		if (HJ_FAILED(new))
			return new;
		const long args[6] = {fd, cmd, new};

		r = hj_kernel(t, HJ_K_fcntl, args);
		if (HJ_FAILED(r) || r == HJ_RESTART || r == new)
			return made(t, new, r, hj_fd_isdirect(t, fd),
			    hj_fd_marked(t->t_proc->p_quiet, fd));
		/* On its way to another thread: see adopt. */
		close_kernel(t, r);
		close_host(new);
	}
}

/* Open once more what has no name any more. */
long
hj_fd_reopen(struct hj_thread *t, int fd, long flags, int how)
{
	long args[HJ_OPARGS] = {fd, flags};
	long new = reserve(how);

	if (HJ_FAILED(new))
		return new;
	t->t_fdmin = (uint32_t) new;
	return made(t, new, hj_kernel_op(t, SP_REOPEN, args, NULL, 0, 0), 0, 0);
}

/* dup3, of which the descriptors are not equal. */
static long
replace(struct hj_thread *t, long from, long to, long flags)
{
	const long args[6] = {from, to, flags};
	int was = hj_fd_iskernel(t, to);
	long r;

	if (hj_fd_iskernel(t, from) && to >= HJ_NKFDS)
		return -EBADF;
	r = hj_raw3(__NR_dup3, from, to, flags);
	if (HJ_FAILED(r))
		return r;
	if (hj_fd_iskernel(t, from)) {
		hj_fd_mark(t->t_proc->p_twin, (int)to, 0);
		r = hj_kernel(t, HJ_K_dup3, args);
		if (HJ_FAILED(r) && was) {
			hj_fd_mark(t->t_proc->p_kernel, (int)to, 0);
			close_kernel(t, to);
		}
		return made(t, to, r, hj_fd_isdirect(t, from), 0);
	}
	if (was) {
		hj_fd_mark(t->t_proc->p_kernel, (int)to, 0);
		close_kernel(t, to);
	}
	hj_twin_close(t, to);
	return hj_twin_copied(t, from, to, (flags & O_CLOEXEC) != 0);
}

/* Whether a number is something in the kernel. */
static int
on_both(const struct hj_thread *t, long fd)
{
	return hj_fd_iskernel(t, fd) || hj_fd_istwin(t, fd);
}

static long
replace_window(struct hj_thread *t, long nr, const long *args, long flags)
{
	if (hj_is_ours(args[0]) || hj_is_ours(args[1]))
		return -EBADF;
	if ((int)args[0] == (int)args[1] ||
	    (!on_both(t, (int)args[0]) && !on_both(t, (int)args[1])))
		return hj_window(t, nr, args);
	return replace(t, (int)args[0], (int)args[1], flags);
}

long
hj_sys_dup3(struct hj_thread *t, const long *args)
{
	return replace_window(t, __NR_dup3, args, (int)args[2]);
}

long
hj_sys_dup(struct hj_thread *t, const long *args)
{
	if (hj_is_ours(args[0]))
		return -EBADF;
	if (hj_fd_iskernel(t, (int)args[0]))
		return duplicate(t, (int)args[0], F_DUPFD, 0);
	return hj_twin_copied(t, args[0], hj_window(t, __NR_dup, args), 0);
}

/*
 * Close one of the kernel's.  If nobody can see when that happens, it is not
 * waited for; another thread would, as it could be given the number.
 */
long
hj_fd_close(struct hj_thread *t, int fd)
{
	const long args[6] = {fd};
	long r = 0;

	hj_fd_mark(t->t_proc->p_direct, fd, 0);
	hj_fd_mark(t->t_proc->p_kernel, fd, 0);
	if (hj_lower_close(t, fd))
		r = 0;
	else if (hj_fd_marked(t->t_proc->p_quiet, fd) && !hj_threaded &&
		 !t->t_proc->p_locks)
		hj_kernel_post(t, HJ_K_close, args);
	else
		r = close_kernel(t, fd);
	close_host(fd);
	return r;
}

long
hj_sys_close(struct hj_thread *t, const long *args)
{
	if (hj_is_ours(args[0]))
		return -EBADF;
	if (hj_fd_iskernel(t, (unsigned int)args[0]))
		return hj_fd_close(t, (int)args[0]);
	hj_twin_close(t, (unsigned int)args[0]);
	return hj_window(t, __NR_close, args);
}

/* Close-on-exec of one of the kernel's. */
static long
set_cloexec(struct hj_thread *t, long fd, long flags)
{
	const long args[6] = {fd, F_SETFD, flags};
	long r = hj_kernel(t, HJ_K_fcntl, args);

	return r != 0 ? r : hj_raw3(__NR_fcntl, fd, F_SETFD, flags);
}

static long
fcntl_host(struct hj_thread *t, const long *args)
{
	long fd = (int)args[0], cmd = (int)args[1];
	long r = hj_window(t, __NR_fcntl, args);

	if (!hj_fd_marked(t->t_proc->p_twin, fd))
		return r;
	if (cmd == F_SETFD)
		set_cloexec(t, fd, args[2]);
	if (cmd == F_DUPFD || cmd == F_DUPFD_CLOEXEC)
		return hj_twin_copied(t, fd, r, cmd == F_DUPFD_CLOEXEC);
	return r;
}

long
hj_sys_fcntl(struct hj_thread *t, const long *args)
{
	long fd = (int)args[0], cmd = (int)args[1], r;
	const long words[6] = {fd, cmd, args[2]};

	if (hj_is_ours(fd))
		return -EBADF;
	if (!hj_fd_iskernel(t, fd))
		return fcntl_host(t, args);
	t->t_bykernel = 1;
	switch (cmd) {
	case F_DUPFD:
	case F_DUPFD_CLOEXEC:
		return duplicate(t, fd, cmd, args[2]);
	case F_SETFD:
		return set_cloexec(t, fd, args[2]);
	case F_GETFD:
		return hj_raw2(__NR_fcntl, fd, F_GETFD);
	case F_SETLK:
	case F_SETLKW:
	case F_OFD_SETLK:
	case F_OFD_SETLKW:
		t->t_proc->p_locks = 1;
		return hj_kernel(t, HJ_K_fcntl, words);
	default:
		r = hj_kernel(t, HJ_K_fcntl, words);
		return r == -EOPNOTSUPP ? -EINVAL : r;
	}
}

/* Whether two descriptors are on the same open file of the host. */
static int
is_same(int a, int b)
{
	long pid = hj_raw0(__NR_getpid);

	return a == b || hj_raw5(__NR_kcmp, pid, pid, KCMP_FILE, a, b) == 0;
}

/* A placeholder in place of what is at the host's number. */
static long
hold(int fd)
{
	long flags = hj_raw2(__NR_fcntl, fd, F_GETFD);

	return hj_raw3(__NR_dup3, hj_control->hc_fd + HJ_FD_HOLDER, fd,
	    (flags & FD_CLOEXEC) != 0 ? O_CLOEXEC : 0);
}

/*
 * A file that is read on the host is the kernel's again, at the same offset, by
 * all descriptors of this process that share it.
 */
long
hj_fd_undirect(struct hj_thread *t, int fd)
{
	const long args[6] = {
	    fd, hj_raw3(__NR_lseek, fd, 0, SEEK_CUR), SEEK_SET};
	long r = hj_kernel(t, HJ_K_lseek, args);

	if (HJ_FAILED(r) || r == HJ_RESTART)
		return r;
	for (int other = 0; other < HJ_NKFDS; other++) {
		if (t->t_proc->p_direct[other / 64] == 0)
			other |= 63;
		else if (other != fd && hj_fd_isdirect(t, other) &&
			 is_same(fd, other) && !HJ_FAILED(hold(other)))
			hj_fd_mark(t->t_proc->p_direct, other, 0);
	}
	r = hold(fd);
	if (HJ_FAILED(r))
		return r;
	hj_fd_mark(t->t_proc->p_direct, fd, 0);
	return 0;
}

/* What was received by the name of an inode may be one of the kernel's. */
void
hj_fd_received(struct hj_thread *t, int fd, uint64_t ino)
{
	long flags = hj_raw2(__NR_fcntl, fd, F_GETFD);
	long args[HJ_OPARGS] = {(long)ino, flags & FD_CLOEXEC}, r;

	if (fd >= HJ_NKFDS)
		return;
	t->t_fdmin = (uint32_t)fd;
	r = hj_kernel_op(t, SP_RECEIVE, args, NULL, 0, 0);
	if (r == fd && !HJ_FAILED(hold(fd)))
		made(t, fd, fd, 0, 0);
	else if (!HJ_FAILED(r) && r != HJ_RESTART)
		close_kernel(t, r);
}

#define TCGETS	   0x5401
#define TIOCGPGRP  0x540f
#define TIOCGWINSZ 0x5413
#define FIONCLEX   0x5450
#define FIOCLEX	   0x5451

/* What programs ask to learn whether something is a terminal. */
static int
is_terminal_call(long cmd)
{
	return cmd == TCGETS || cmd == TIOCGWINSZ || cmd == TIOCGPGRP;
}

long
hj_sys_ioctl(struct hj_thread *t, const long *args)
{
	long fd = (int)args[0], cmd = (unsigned int)args[1], r;
	const long words[6] = {fd, cmd, args[2]};

	if (hj_is_ours(fd))
		return -EBADF;
	if (!hj_fd_iskernel(t, fd)) {
		r = cmd == FS_IOC_SETFLAGS || cmd == FS_IOC_FSSETXATTR
			? hj_place_fdcheck(fd)
			: 0;
		return r != 0 ? r : hj_window(t, __NR_ioctl, args);
	}
	t->t_bykernel = 1;
	/* By rules there may be terminals there. */
	if (is_terminal_call(cmd) && !hj_has_rules())
		return hj_raw3(__NR_ioctl, fd, cmd, args[2]);
	if (cmd == FIOCLEX || cmd == FIONCLEX) {
		r = hj_raw2(__NR_ioctl, fd, cmd);
		return r != 0 ? r
			      : set_cloexec(
				    t, fd, cmd == FIOCLEX ? FD_CLOEXEC : 0);
	}
	/* What nobody knows is nothing that files know. */
	r = hj_kernel(t, HJ_K_ioctl, words);
	return r == -EOPNOTSUPP ? -ENOTTY : r;
}

/* The kernel's part of close_range. */
static long
close_kernel_range(
    struct hj_thread *t, unsigned int first, unsigned int last, long flags)
{
	const long args[6] = {first, last, flags & CLOSE_RANGE_CLOEXEC};
	int some = 0;

	last = HJ_MIN(last, HJ_NKFDS - 1);
	for (unsigned int fd = first; fd <= last; fd++) {
		if (fd % 64 == 0 && t->t_proc->p_kernel[fd / 64] == 0 &&
		    t->t_proc->p_twin[fd / 64] == 0) {
			fd += 63;
		} else if (on_both(t, fd)) {
			some = 1;
			if ((flags & CLOSE_RANGE_CLOEXEC) == 0) {
				hj_fd_mark(t->t_proc->p_direct, (int)fd, 0);
				hj_fd_mark(t->t_proc->p_twin, (int)fd, 0);
				hj_fd_mark(t->t_proc->p_kernel, (int)fd, 0);
			}
		}
	}
	return some ? hj_kernel(t, HJ_K_close_range, args) : 0;
}

/* Around the engine's descriptors: below them, and above. */
long
hj_sys_close_range(struct hj_thread *t, const long *args)
{
	unsigned int first = (unsigned int)args[0];
	unsigned int last = (unsigned int)args[1];
	unsigned int ours = (unsigned int)hj_control->hc_fd;
	long r = 0;

	if (first > last)
		return -EINVAL;
	if (hj_has_kernel() &&
	    ((unsigned int)args[2] &
		~(CLOSE_RANGE_CLOEXEC | CLOSE_RANGE_UNSHARE)) == 0)
		r = close_kernel_range(t, first, last, args[2]);
	/* What is lost is closed. */
	if (r != 0 && r != -ENOTCONN)
		return r;
	if (first >= ours + HJ_NFDS || last < ours)
		return hj_raw3(__NR_close_range, first, last, args[2]);
	if (first < ours)
		r = hj_raw3(__NR_close_range, first, ours - 1, args[2]);
	if (r == 0 && last >= ours + HJ_NFDS)
		r = hj_raw3(__NR_close_range, ours + HJ_NFDS, last, args[2]);
	return r;
}

/* Before the process ends: its locks go before anybody hears of that. */
void
hj_fd_end(struct hj_thread *t)
{
	t->t_leaving = 1;
	if (hj_has_kernel())
		close_kernel_range(t, 0, HJ_NKFDS - 1, 0);
}

/* Whether the host's file is what holds numbers. */
static int
is_holder(long fd, const struct statx *holder)
{
	struct statx st = {0};

	return hj_raw5(__NR_statx, fd, "", AT_EMPTY_PATH, STATX_INO, &st) ==
		   0 &&
	       st.stx_ino == holder->stx_ino &&
	       st.stx_dev_major == holder->stx_dev_major &&
	       st.stx_dev_minor == holder->stx_dev_minor;
}

/* Or a file that is read there; the third kind is a pipe (inotify.c). */
static int
is_file(int fd)
{
	struct statx st = {0};

	return hj_raw5(__NR_statx, fd, "", AT_EMPTY_PATH, STATX_TYPE, &st) ==
		   0 &&
	       (st.stx_mode & S_IFMT) != S_IFIFO;
}

/* Whether it is an epoll instance of the host. */
static int
is_epoll(int fd)
{
	static const char what[] = "anon_inode:[eventpoll]";
	char link[32], text[sizeof(what)];

	hj_fd_link(link, fd);
	return hj_raw4(__NR_readlinkat, AT_FDCWD, link, text, sizeof(text)) ==
		   sizeof(what) - 1 &&
	       memcmp(text, what, sizeof(what) - 1) == 0;
}

/* After execve without a kernel: what was open there. */
void
hj_fd_held(struct hj_thread *t)
{
	struct statx holder = {0};

	hj_raw5(__NR_statx, hj_control->hc_fd + HJ_FD_HOLDER, "", AT_EMPTY_PATH,
	    STATX_INO, &holder);
	for (int fd = 0; fd < hj_control->hc_fd; fd++) {
		if (is_holder(fd, &holder))
			hj_fd_mark(t->t_proc->p_kernel, fd, 1);
	}
}

/*
 * After execve: the kernel is told of the program's name and asked what is open
 * there, on the connection that was there before.  An errno.
 */
int
hj_fd_ask(struct hj_thread *t, const char *name)
{
	const long args[HJ_OPARGS] = {0};
	char buf[NAMESIZE] = {0};

	memcpy(buf, name, HJ_MIN(hj_strlen(name), NAMESIZE - 1));
	return hj_kernel_begin(t, SP_EXEC, args, buf, sizeof(buf));
}

/*
 * What is open in the kernel, and who we are there.  If that was asked before,
 * an errno if there is no answer.
 */
int
hj_fd_learn(struct hj_thread *t, int asked, struct sp_fds *ids)
{
	struct statx holder = {0};
	long args[HJ_OPARGS] = {0}, n;
	const struct sp_fds *sf;
	const int32_t *fds;

	n = asked ? hj_kernel_end(t)
		  : hj_kernel_op(t, SP_FDS, args, NULL, 0, 0);
	if (HJ_FAILED(n) && asked)
		return (int)-n;
	if (HJ_FAILED(n) && hj_has_rules())
		return 0;
	if (HJ_FAILED(n))
		hj_fail("cannot tell its descriptors", "kernel", -n);
	sf = hj_kernel_payload(t);
	fds = sf->sf_fds;
	*ids = *sf;
	hj_raw5(__NR_statx, hj_control->hc_fd + HJ_FD_HOLDER, "", AT_EMPTY_PATH,
	    STATX_INO, &holder);
	for (long i = 0; i < n; i++) {
		if ((uint32_t)fds[i] >= HJ_NKFDS)
			continue;
		if (hj_has_rules() && is_epoll(fds[i])) {
			hj_fd_mark(t->t_proc->p_twin, fds[i], 1);
			continue;
		}
		hj_fd_mark(t->t_proc->p_kernel, fds[i], 1);
		if (!is_holder(fds[i], &holder) && is_file(fds[i]))
			hj_fd_mark(t->t_proc->p_direct, fds[i], 1);
	}
	return 0;
}

/* The file that holds numbers: empty, and stays so. */
void
hj_fd_holder(void)
{
	long fd = hj_raw2(__NR_memfd_create, "rump", HJ_MEMFD_SEALS), r;

	r = HJ_FAILED(fd) ? fd : hj_raw3(__NR_fcntl, fd, F_ADD_SEALS, HJ_SEALS);
	if (!HJ_FAILED(r))
		r = hj_raw3(__NR_dup3, fd, hj_control->hc_fd + HJ_FD_HOLDER, 0);
	if (HJ_FAILED(r))
		hj_fail("cannot have its descriptors", "loader", -r);
	close_host(fd);
}
