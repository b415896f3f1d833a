/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Waiting for descriptors of the host and of the kernel at once, which only
 * rules need: without them those of the kernel are always ready.
 *
 * Each side is asked for its own.  Who sleeps for the kernel sleeps on the
 * connection, where it is told when to look; so he sleeps on that and on the
 * descriptors of the host (hj_wait_sleep), and if it is those, the kernel's
 * call is interrupted.  Of several threads one has the connection to sleep on:
 * the others look at the host after SLICE nanoseconds each time.
 *
 * An epoll instance of the host that a descriptor of the kernel's is added to
 * gets a twin: one in the kernel, with the same number (twins.c).
 */
#include <linux/eventpoll.h>
#include <linux/poll.h>
#include <linux/time_types.h>

#include "hijack/engine.h"

#define SECOND	     1000000000L
#define MSEC	     1000000L
#define USEC	     1000L
#define SLICE	     5000000L
#define FOREVER	     INT64_MAX
#define MSG_DONTWAIT 0x40
#define NSETS	     3

/* A call that waits, in two parts: each the number of what is ready. */
struct hj_wait {
	long (*w_host)(struct hj_thread *, struct hj_wait *);
	long (*w_kernel)(struct hj_thread *, struct hj_wait *, long nsec);
	/* Sleep for the host's, and sock: above 0 if there is something. */
	long (*w_sleep)(struct hj_thread *, struct hj_wait *, long sock);
	int w_both;   /* there are some of the host's */
	long w_until; /* by the monotonic clock, or FOREVER */
	long w_left;  /* of the time, in the end */
	int w_masked; /* with a mask for its time: */
	unsigned long w_mask;
	/* poll and select */
	unsigned long w_nfds;
	char *w_hostset;
	char *w_kernelset;
	/* epoll */
	long w_epfd;
	unsigned long w_events;
	long w_most;
	long w_got;
};

static const struct __kernel_timespec no_time = {0, 0};

static void
until_set(struct hj_wait *w, long nsec)
{
	long begin = hj_now();

	w->w_until =
	    nsec < 0 || nsec > FOREVER - begin ? FOREVER : begin + nsec;
}

/* The time that is at an address, in nanoseconds; -1: for ever. */
static long
time_get(unsigned long at, long unit, long *nsec)
{
	struct __kernel_timespec ts;

	*nsec = -1;
	if (at == 0)
		return 0;
	if (hj_copyin(&ts, at, sizeof(ts)) != 0)
		return -EFAULT;
	if (ts.tv_sec < 0 || ts.tv_nsec < 0 || ts.tv_nsec >= SECOND / unit)
		return -EINVAL;
	if (ts.tv_sec < FOREVER / SECOND - 1)
		*nsec = (long)ts.tv_sec * SECOND + (long)ts.tv_nsec * unit;
	return 0;
}

/* What is left, where the host says it, too. */
static void
time_put(unsigned long at, long unit, const struct hj_wait *w)
{
	const struct __kernel_timespec ts = {
	    w->w_left / SECOND, w->w_left % SECOND / unit};

	if (at != 0 && w->w_until != FOREVER)
		(void)hj_copyout(at, &ts, sizeof(ts));
}

/*
 * The mask
 */

static void
mask_begin(const struct hj_wait *w, unsigned long *old)
{
	unsigned long mask = w->w_mask & ~HJ_OURS;

	if (w->w_masked)
		hj_raw4(
		    __NR_rt_sigprocmask, SIG_SETMASK, &mask, old, sizeof(mask));
}

/* A signal that came meanwhile came with that mask, in place of the old one. */
static void
mask_end(struct hj_thread *t, const struct hj_wait *w, unsigned long old)
{
	unsigned long all = HJ_ALL;

	if (!w->w_masked)
		return;
	hj_raw4(__NR_rt_sigprocmask, SIG_SETMASK, &all, NULL, sizeof(all));
	if (__atomic_load_n(&t->t_deferred, __ATOMIC_RELAXED) != 0) {
		t->t_oldmask = old;
		t->t_basemask = w->w_mask;
	} else
		hj_raw4(
		    __NR_rt_sigprocmask, SIG_SETMASK, &old, NULL, sizeof(old));
}

static long
mask_get(struct hj_wait *w, unsigned long at, unsigned long size)
{
	w->w_masked = at != 0;
	if (at == 0)
		return 0;
	if (size != sizeof(w->w_mask))
		return -EINVAL;
	return hj_copyin(&w->w_mask, at, sizeof(w->w_mask)) != 0 ? -EFAULT : 0;
}

/*
 * Both sides
 */

/* Whether there is something on the connection. */
static int
is_told(long sock)
{
	struct pollfd pfd = {.fd = (int)sock, .events = POLLIN};

	return hj_raw5(__NR_ppoll, &pfd, 1, &no_time, NULL, 0) > 0;
}

/*
 * A sleep of the core's, which may end for the host's descriptors: as if there
 * had been a signal.
 */
long
hj_wait_sleep(struct hj_thread *t, long nr, const long *args)
{
	const struct __kernel_timespec slice = {0, SLICE};
	const long words[6] = {args[0], args[1], args[2], (long)&slice};
	long r;

	if (nr == __NR_futex) {
		r = hj_host(nr, words);
		return r == -ETIMEDOUT ? -EINTR : r;
	}
	r = t->t_wait->w_sleep(t, t->t_wait, args[0]);
	if (HJ_FAILED(r) || r == HJ_RESTART || !is_told(args[0]))
		return -EINTR;
	return hj_raw6(nr, args[0], args[1], args[2], MSG_DONTWAIT, NULL, NULL);
}

static long
wait_turns(struct hj_thread *t, struct hj_wait *w)
{
	long host = 0, kernel;

	for (;;) {
		if (w->w_both)
			host = w->w_host(t, w);
		if (host < 0)
			return host;
		w->w_left =
		    w->w_until == FOREVER ? FOREVER : w->w_until - hj_now();
		w->w_left = HJ_MAX(w->w_left, 0);
		t->t_wait = w->w_both ? w : NULL;
		kernel = w->w_kernel(
		    t, w, host > 0 || t->t_deferred ? 0 : w->w_left);
		t->t_wait = NULL;
		/* It is interrupted even where others are made again. */
		if (kernel == HJ_RESTART || kernel == -EINTR)
			kernel = 0;
		if (kernel < 0 || host + kernel > 0)
			return kernel < 0 ? kernel : host + kernel;
		if (t->t_deferred)
			return -EINTR;
		if (w->w_left == 0)
			return 0;
	}
}

static long
wait_both(struct hj_thread *t, struct hj_wait *w)
{
	unsigned long old = 0;
	long r;

	t->t_bykernel = 1;
	mask_begin(w, &old);
	r = wait_turns(t, w);
	mask_end(t, w, old);
	return r;
}

/*
 * poll
 */

static long
poll_host(struct hj_thread *t, struct hj_wait *w)
{
	(void)t;
	return hj_raw5(__NR_ppoll, w->w_hostset, w->w_nfds, &no_time, NULL, 0);
}

static long
poll_sleep(struct hj_thread *t, struct hj_wait *w, long sock)
{
	struct pollfd *host = (struct pollfd *)(void *)w->w_hostset;
	const long args[6] = {(long)host, (long)w->w_nfds + 1};

	(void)t;
	/* There is room for it. */
	host[w->w_nfds].fd = (int)sock;
	host[w->w_nfds].events = POLLIN;
	return hj_host(__NR_ppoll, args);
}

static long
poll_kernel(struct hj_thread *t, struct hj_wait *w, long nsec)
{
	const struct __kernel_timespec ts = {nsec / SECOND, nsec % SECOND};
	const long args[6] = {(long)w->w_kernelset, (long)w->w_nfds,
	    nsec == FOREVER ? 0 : (long)&ts, 0};

	return hj_kernel(t, HJ_K_ppoll, args);
}

/* Whose is which?  Whether any is the kernel's. */
static int
poll_split(struct hj_thread *t, struct hj_wait *w, struct pollfd *fds)
{
	struct pollfd *host = (struct pollfd *)(void *)w->w_hostset;
	struct pollfd *kernel = (struct pollfd *)(void *)w->w_kernelset;
	int some = 0;

	for (unsigned long i = 0; i < w->w_nfds; i++) {
		int fd = fds[i].fd, twin = hj_fd_istwin(t, fd);

		host[i] = kernel[i] = fds[i];
		host[i].revents = kernel[i].revents = 0;
		if (hj_fd_iskernel(t, fd))
			host[i].fd = -1;
		else if (!twin)
			kernel[i].fd = -1;
		if (kernel[i].fd >= 0)
			some = 1;
		if (host[i].fd >= 0)
			w->w_both = 1;
	}
	return some;
}

/* The results: how many are ready. */
static long
poll_merge(const struct hj_wait *w, struct pollfd *fds, unsigned long at)
{
	const struct pollfd *host = (const void *)w->w_hostset;
	const struct pollfd *kernel = (const void *)w->w_kernelset;
	long n = 0;

	for (unsigned long i = 0; i < w->w_nfds; i++) {
		fds[i].revents = (short)(host[i].revents | kernel[i].revents);
		n += fds[i].revents != 0;
	}
	return hj_copyout(at, fds, w->w_nfds * sizeof(*fds)) != 0 ? -EFAULT : n;
}

/*
 * ppoll, if it is about something of the kernel's: 1, and its result.  The time
 * is in nanoseconds.
 */
static int
poll_ruled(struct hj_thread *t, struct hj_wait *w, const long *args, long nsec,
    long *result)
{
	size_t size;
	struct pollfd *fds;
	int ours;

	w->w_nfds = (unsigned int)args[1];
	if (w->w_nfds == 0 || w->w_nfds > HJ_NKFDS)
		return 0;
	size = w->w_nfds * sizeof(*fds);
	fds = hj_map(3 * size + sizeof(*fds));
	if (fds == NULL)
		return 0;
	w->w_kernelset = (char *)fds + size;
	w->w_hostset = (char *)fds + 2 * size;
	w->w_host = poll_host;
	w->w_sleep = poll_sleep;
	w->w_kernel = poll_kernel;
	ours = hj_copyin(fds, (unsigned long)args[0], size) == 0 &&
	       poll_split(t, w, fds);
	if (ours) {
		until_set(w, nsec);
		*result = wait_both(t, w);
		if (*result >= 0)
			*result = poll_merge(w, fds, (unsigned long)args[0]);
	}
	hj_unmap(fds, 3 * size + sizeof(*fds));
	return ours;
}

/* 1: it was that, with this result; what is wrong the host may say. */
int
hj_wait_poll(struct hj_thread *t, const long *args, long *result)
{
	struct hj_wait w = {0};
	long msec = (int)args[2];

	return hj_has_rules() &&
	       poll_ruled(t, &w, args, msec < 0 ? -1 : msec * MSEC, result);
}

int
hj_wait_ppoll(struct hj_thread *t, const long *args, long *result)
{
	struct hj_wait w = {0};
	long nsec;

	if (!hj_has_rules() ||
	    time_get((unsigned long)args[2], 1, &nsec) != 0 ||
	    mask_get(&w, (unsigned long)args[3], (unsigned long)args[4]) != 0 ||
	    !poll_ruled(t, &w, args, nsec, result))
		return 0;
	time_put((unsigned long)args[2], 1, &w);
	return 1;
}

/*
 * select
 */

static size_t
set_size(const struct hj_wait *w)
{
	return (w->w_nfds + 63) / 64 * sizeof(long);
}

/* The sets there are in a call, as pointers into a copy of them. */
static void
set_args(const struct hj_wait *w, char *sets, const long *args, long *words)
{
	words[0] = (long)w->w_nfds;
	for (int i = 0; i < NSETS; i++)
		words[i + 1] = args[i + 1] == 0
				   ? 0
				   : (long)(sets + (size_t)i * set_size(w));
}

struct selected {
	struct hj_wait s_wait;
	const long *s_args;
	char *s_results; /* of the kernel */
};

static long
select_host(struct hj_thread *t, struct hj_wait *w)
{
	const struct selected *s = (const struct selected *)w;
	struct __kernel_timespec ts = no_time;
	char *results = s->s_results + NSETS * set_size(w);
	long words[6];

	(void)t;
	memcpy(results, w->w_hostset, NSETS * set_size(w));
	set_args(w, results, s->s_args, words);
	return hj_raw6(
	    __NR_pselect6, words[0], words[1], words[2], words[3], &ts, NULL);
}

/* With room for sock, which may be a larger number than all of them. */
static long
select_sleep(struct hj_thread *t, struct hj_wait *w, long sock)
{
	size_t size = set_size(w), room = (size_t)sock / 64 * 8 + 8;
	unsigned long *sets;
	long words[6], r;

	(void)t;
	room = HJ_MAX(room, size);
	sets = hj_map(NSETS * room);
	if (sets == NULL)
		return -EINTR;
	for (size_t i = 0; i < NSETS; i++)
		memcpy((char *)sets + i * room, w->w_hostset + i * size, size);
	/* The first is that of who can be read. */
	sets[sock / 64] |= 1UL << sock % 64;
	words[0] = HJ_MAX((long)w->w_nfds, sock + 1);
	for (int i = 0; i < NSETS; i++)
		words[i + 1] = (long)((char *)sets + (size_t)i * room);
	words[4] = words[5] = 0;
	r = hj_host(__NR_pselect6, words);
	hj_unmap(sets, NSETS * room);
	return r;
}

static long
select_kernel(struct hj_thread *t, struct hj_wait *w, long nsec)
{
	const struct selected *s = (const struct selected *)w;
	const struct __kernel_timespec ts = {nsec / SECOND, nsec % SECOND};
	long words[6];

	memcpy(s->s_results, w->w_kernelset, NSETS * set_size(w));
	set_args(w, s->s_results, s->s_args, words);
	words[4] = nsec == FOREVER ? 0 : (long)&ts;
	words[5] = 0;
	return hj_kernel(t, HJ_K_pselect, words);
}

/* Whether any is the kernel's. */
static int
select_split(struct hj_thread *t, struct hj_wait *w)
{
	unsigned long *host = (unsigned long *)(void *)w->w_hostset;
	unsigned long *kernel = (unsigned long *)(void *)w->w_kernelset;
	size_t n = set_size(w) / sizeof(long);
	int some = 0;

	for (size_t i = 0; i < NSETS * n; i++) {
		unsigned long theirs = hj_fd_kernelbits(t, i % n);
		unsigned long twins = hj_fd_twinbits(t, i % n);

		kernel[i] = host[i] & (theirs | twins);
		host[i] &= ~theirs;
		some |= kernel[i] != 0;
		w->w_both |= host[i] != 0;
	}
	return some;
}

static long
select_merge(const struct selected *s)
{
	size_t size = set_size(&s->s_wait);
	unsigned long *sets = (unsigned long *)(void *)s->s_results;
	long n = 0;

	for (size_t i = 0; i < NSETS * size / sizeof(long); i++) {
		if (s->s_wait.w_both)
			sets[i] |= sets[NSETS * size / sizeof(long) + i];
		for (unsigned long word = sets[i]; word != 0; word &= word - 1)
			n++;
	}
	for (int i = 0; i < NSETS; i++) {
		if (s->s_args[i + 1] != 0 &&
		    hj_copyout((unsigned long)s->s_args[i + 1],
			s->s_results + (size_t)i * size, size) != 0)
			return -EFAULT;
	}
	return n;
}

/* select, as poll_ruled. */
static int
select_ruled(struct hj_thread *t, struct selected *s, long nsec, long *result)
{
	struct hj_wait *w = &s->s_wait;
	size_t size;
	int ours = 1;

	w->w_nfds = (unsigned long)s->s_args[0];
	if (s->s_args[0] <= 0 || w->w_nfds > HJ_NKFDS)
		return 0;
	size = set_size(w);
	w->w_hostset = hj_map(4 * NSETS * size);
	if (w->w_hostset == NULL)
		return 0;
	w->w_kernelset = w->w_hostset + NSETS * size;
	s->s_results = w->w_hostset + 2 * NSETS * size;
	w->w_host = select_host;
	w->w_sleep = select_sleep;
	w->w_kernel = select_kernel;
	for (int i = 0; i < NSETS; i++) {
		if (s->s_args[i + 1] != 0 &&
		    hj_copyin(w->w_hostset + (size_t)i * size,
			(unsigned long)s->s_args[i + 1], size) != 0)
			ours = 0;
	}
	ours = ours && select_split(t, w);
	if (ours) {
		until_set(w, nsec);
		*result = wait_both(t, w);
		if (*result >= 0)
			*result = select_merge(s);
	}
	hj_unmap(w->w_hostset, 4 * NSETS * size);
	return ours;
}

int
hj_wait_select(struct hj_thread *t, const long *args, long *result)
{
	const long words[6] = {(int)args[0], args[1], args[2], args[3]};
	struct selected s = {.s_args = words};
	long nsec;

	if (!hj_has_rules() ||
	    time_get((unsigned long)args[4], USEC, &nsec) != 0 ||
	    !select_ruled(t, &s, nsec, result))
		return 0;
	time_put((unsigned long)args[4], USEC, &s.s_wait);
	return 1;
}

int
hj_wait_pselect6(struct hj_thread *t, const long *args, long *result)
{
	const long words[6] = {(int)args[0], args[1], args[2], args[3]};
	struct selected s = {.s_args = words};
	unsigned long mask[2] = {0, 0};
	long nsec;

	if (!hj_has_rules() ||
	    time_get((unsigned long)args[4], 1, &nsec) != 0 ||
	    (args[5] != 0 &&
		hj_copyin(mask, (unsigned long)args[5], sizeof(mask)) != 0) ||
	    mask_get(&s.s_wait, mask[0], mask[1]) != 0 ||
	    !select_ruled(t, &s, nsec, result))
		return 0;
	time_put((unsigned long)args[4], 1, &s.s_wait);
	return 1;
}

/*
 * epoll
 */

static long
epoll_host(struct hj_thread *t, struct hj_wait *w)
{
	(void)t;
	w->w_got = hj_raw6(
	    __NR_epoll_pwait, w->w_epfd, w->w_events, w->w_most, 0, NULL, 0);
	return w->w_got;
}

static long
epoll_sleep(struct hj_thread *t, struct hj_wait *w, long sock)
{
	struct pollfd pfds[2] = {{.fd = (int)w->w_epfd, .events = POLLIN},
	    {.fd = (int)sock, .events = POLLIN}};
	const long args[6] = {(long)pfds, 2};

	(void)t;
	return hj_host(__NR_ppoll, args);
}

static long
epoll_kernel(struct hj_thread *t, struct hj_wait *w, long nsec)
{
	const struct __kernel_timespec ts = {nsec / SECOND, nsec % SECOND};
	const long args[6] = {w->w_epfd,
	    (long)w->w_events + w->w_got * (long)sizeof(struct epoll_event),
	    w->w_most - w->w_got, nsec == FOREVER ? 0 : (long)&ts, 0};

	return w->w_got == w->w_most ? 0
				     : hj_kernel(t, HJ_K_epoll_pwait2, args);
}

/* epoll_pwait, as poll_ruled. */
static int
epoll_ruled(struct hj_thread *t, struct hj_wait *w, const long *args, long nsec,
    long *result)
{
	w->w_epfd = (int)args[0];
	w->w_events = (unsigned long)args[1];
	w->w_most = (int)args[2];
	w->w_both = 1;
	w->w_host = epoll_host;
	w->w_sleep = epoll_sleep;
	w->w_kernel = epoll_kernel;
	if (!hj_fd_istwin(t, w->w_epfd) || w->w_most <= 0)
		return 0;
	until_set(w, nsec);
	*result = wait_both(t, w);
	return 1;
}

int
hj_wait_epoll(struct hj_thread *t, const long *args, int hastime, long *result)
{
	struct hj_wait w = {0};
	long nsec = (int)args[3] < 0 ? -1 : (int)args[3] * MSEC;

	if (!hj_has_rules() ||
	    (hastime && time_get((unsigned long)args[3], 1, &nsec) != 0) ||
	    mask_get(&w, (unsigned long)args[4], (unsigned long)args[5]) != 0)
		return 0;
	return epoll_ruled(t, &w, args, nsec, result);
}

long
hj_sys_epoll_ctl(struct hj_thread *t, const long *args)
{
	const long words[6] = {
	    (int)args[0], (int)args[1], (int)args[2], args[3]};
	int kernel = hj_fd_iskernel(t, words[2]);
	int nested = hj_fd_istwin(t, words[2]);
	long r = 0;

	if (hj_is_ours(words[0]) || hj_is_ours(words[2]))
		return -EBADF;
	if (!hj_has_rules() || (!kernel && !nested))
		return hj_window(t, __NR_epoll_ctl, args);
	r = hj_fd_twin(t, words[0]);
	if (r == 0 && nested)
		r = hj_window(t, __NR_epoll_ctl, args);
	if (r != 0)
		return r;
	t->t_bykernel = 1;
	return hj_kernel(t, HJ_K_epoll_ctl, words);
}
