/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * select: sets of descriptors, made into what poll looks at.
 */
#include <sys/select.h>
#include <sys/time.h>

#include "kern/event.h"
#include "kern/fdtab.h"
#include "kern/ktime.h"
#include "kern/signal.h"
#include "sysproto.h"

#define NSEC_PER_USEC INT64_C(1000)
#define USEC_PER_SEC  INT64_C(1000000)

/* What makes a descriptor a member of a set that is returned. */
static const uint16_t set_events[3] = {
    POLLIN | POLLRDNORM | POLLRDBAND | POLLHUP | POLLERR | POLLNVAL,
    POLLOUT | POLLWRNORM | POLLWRBAND | POLLERR | POLLNVAL,
    POLLPRI | POLLNVAL,
};

struct select {
	unsigned long *s_uset[3]; /* the caller's, or NULL */
	unsigned long *s_in;	  /* copies of the three, then results */
	uint32_t s_words;	  /* of one */
	uint32_t s_nfds;	  /* bits that count */
	struct pollfd *s_fds;
	uint32_t s_count;
};

#define WORD_BITS (8 * sizeof(unsigned long))

static inline bool
set_bit(const struct select *s, int which, uint32_t fd)
{
	return (s->s_in[(uint32_t)which * s->s_words + fd / WORD_BITS] >>
		       fd % WORD_BITS &
		   1) != 0;
}

static short
select_events(const struct select *s, uint32_t fd)
{
	uint32_t events = 0;
	int i;

	for (i = 0; i < 3; i++)
		if (set_bit(s, i, fd))
			events |= set_events[i];
	return (short)events;
}

/* Descriptors in any set; fds may be NULL to count them. */
static uint32_t
select_list(const struct select *s, struct pollfd *fds)
{
	uint32_t fd, n = 0;
	short events;

	for (fd = 0; fd < s->s_nfds; fd++) {
		if ((events = select_events(s, fd)) == 0)
			continue;
		if (fds != NULL)
			fds[n] = (struct pollfd){(int)fd, events, 0};
		n++;
	}
	return n;
}

static int
select_copyin(struct select *s)
{
	size_t size = s->s_words * sizeof(unsigned long);
	int i, error;

	for (i = 0; i < 3; i++) {
		if (s->s_uset[i] == NULL)
			continue;
		error = copyin(
		    s->s_uset[i], s->s_in + (uint32_t)i * s->s_words, size);
		if (error != 0)
			return error;
	}
	return 0;
}

/* Only what was found; the number of bits. */
static int
select_copyout(struct select *s, int *retval)
{
	uint32_t i, fd, found;
	int which, error = 0;
	unsigned long *word;

	*retval = 0;
	for (i = 0; i < s->s_count; i++) {
		fd = (uint32_t)s->s_fds[i].fd;
		found = (uint16_t)s->s_fds[i].revents;
		for (which = 0; which < 3; which++) {
			if (!set_bit(s, which, fd))
				continue;
			if ((found & set_events[which]) != 0) {
				++*retval;
				continue;
			}
			word = &s->s_in[(uint32_t)which * s->s_words +
					fd / WORD_BITS];
			*word &= ~(1UL << fd % WORD_BITS);
		}
	}
	for (which = 0; which < 3 && error == 0; which++)
		if (s->s_uset[which] != NULL)
			error = copyout(s->s_in + (uint32_t)which * s->s_words,
			    s->s_uset[which],
			    s->s_words * sizeof(unsigned long));
	return error;
}

/* A bit that names nothing is an error, before anything is waited for. */
static int
select_check(struct lwp *l, const struct select *s)
{
	struct file *fp;
	uint32_t i;

	for (i = 0; i < s->s_count; i++) {
		if (fd_getopen(l, s->s_fds[i].fd, &fp) != 0)
			return EBADF;
		fd_putfile(l, fp);
	}
	return 0;
}

static int
select_run(struct lwp *l, struct select *s, int64_t deadline, int *retval)
{
	size_t size;
	int error;

	if ((error = select_copyin(s)) != 0)
		return error;
	s->s_count = select_list(s, NULL);
	/* Never nothing: the allocator does not give that. */
	size = (s->s_count + 1) * sizeof(*s->s_fds);
	if ((s->s_fds = kmem_alloc(size)) == NULL)
		return ENOMEM;
	(void)select_list(s, s->s_fds);
	error = select_check(l, s);
	if (error == 0)
		error = poll_files(l, s->s_fds, s->s_count, deadline, retval);
	if (error == 0)
		error = select_copyout(s, retval);
	kmem_free(s->s_fds, size);
	return error;
}

static int
select_user(struct lwp *l, int nfds, fd_set *const sets[3], int64_t deadline,
    int *retval)
{
	struct select s = {.s_nfds = (uint32_t)nfds};
	size_t size;
	int i, error;

	if (nfds < 0)
		return EINVAL;
	if (s.s_nfds > FD_MAX)
		s.s_nfds = FD_MAX;
	s.s_words = (uint32_t)((s.s_nfds + WORD_BITS - 1) / WORD_BITS);
	for (i = 0; i < 3; i++)
		s.s_uset[i] = (unsigned long *)(void *)sets[i];
	size = (3 * s.s_words + 1) * sizeof(*s.s_in);
	if ((s.s_in = kmem_zalloc(size)) == NULL)
		return ENOMEM;
	error = select_run(l, &s, deadline, retval);
	kmem_free(s.s_in, size);
	return error;
}

/* How much of the time is left, for the caller to see. */
static void
select_remaining(struct timeval *utv, int64_t deadline)
{
	int64_t left = deadline == 0 ? 0 : deadline - kern_monotonic();
	struct timeval tv;

	if (left < 0)
		left = 0;
	tv.tv_sec = left / NSEC_PER_SEC;
	tv.tv_usec = left % NSEC_PER_SEC / NSEC_PER_USEC;
	(void)copyout(&tv, utv, sizeof(tv));
}

int
sys_select(struct lwp *l, int nfds, fd_set *in, fd_set *out, fd_set *ex,
    struct timeval *utv, int *retval)
{
	fd_set *const sets[3] = {in, out, ex};
	int64_t deadline = HYPER_FOREVER;
	struct timespec ts;
	struct timeval tv;
	int error;

	if (utv != NULL) {
		if ((error = copyin(utv, &tv, sizeof(tv))) != 0)
			return error;
		if (tv.tv_sec < 0 || tv.tv_usec < 0)
			return EINVAL;
		ts.tv_nsec = tv.tv_usec % USEC_PER_SEC * NSEC_PER_USEC;
		if (__builtin_add_overflow(
			tv.tv_sec, tv.tv_usec / USEC_PER_SEC, &ts.tv_sec))
			ts.tv_sec = INT64_MAX;
		(void)deadline_after(&ts, &deadline);
	}
	error = select_user(l, nfds, sets, deadline, retval);
	if (utv != NULL && deadline != HYPER_FOREVER)
		select_remaining(utv, deadline);
	return error;
}

int
sys_pselect(struct lwp *l, int nfds, fd_set *in, fd_set *out, fd_set *ex,
    const struct timespec *uts, const sigset_t *umask, int *retval)
{
	fd_set *const sets[3] = {in, out, ex};
	int64_t deadline;
	int error;

	if ((error = copyin_deadline(uts, &deadline)) != 0 ||
	    (error = signal_maskwait(l, umask)) != 0)
		return error;
	error = select_user(l, nfds, sets, deadline, retval);
	signal_unmaskwait(l, error);
	return error;
}
