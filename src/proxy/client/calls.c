/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calls of librumpclient, and what threads keep for them; see client.h.
 */
#include "proxy/client/client.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <ucontext.h>

#include <rump/rump_syscalls.h>
#include <rump/rumpclient.h>

#include "proxy/client/sysraw.h"
#include "syscall/sysdesc.h"

_Thread_local struct client_thread client_thread = {
    .ct_slot = SPC_NOSLOT,
    .ct_current = SPC_NOSLOT,
};

/*
 * Memory of the program: a bad address faults, as in any library.  It may have
 * less there than it says, which is for the kernel to find out: no checker is
 * to, and pages that are not there are not read.
 */

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define CHECKED 1
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define CHECKED 1
#endif

#ifdef CHECKED
__attribute__((no_sanitize_address)) static void
mem_copy(void *dst, const void *from, size_t n)
{
	volatile char *to = dst;
	const volatile char *p = from;

	while (n-- > 0)
		*to++ = *p++;
}
#else
static void
mem_copy(void *dst, const void *from, size_t n)
{
	memcpy(dst, from, n);
}
#endif

#define PAGE ((uintptr_t)4096) /* the smallest of any host */

/* The host reads a mask there, and does nothing for it: no such "how". */
static bool
page_isthere(uintptr_t page)
{
	return sysraw4(SYS_rt_sigprocmask, -1, (long)page, 0, _NSIG / 8) !=
	       -EFAULT;
}

/* Its first page is taken to be there. */
static bool
mem_read(void *dst, const void *from, size_t n)
{
	uintptr_t page = ((uintptr_t)from & -PAGE) + PAGE;
	uintptr_t end = (uintptr_t)from + n;

	for (; page < end; page += PAGE) {
		if (!page_isthere(page))
			return false;
	}
	mem_copy(dst, from, n);
	return true;
}

static bool
mem_write(void *to, const void *src, size_t n)
{
	memcpy(to, src, n);
	return true;
}

/* What does not end is as long as it can be read, if no call wants that much.
 */
static size_t
mem_strlen(const char *s, size_t most)
{
	size_t n = 0, k, left;

	for (;;) {
		left = PAGE - ((uintptr_t)(s + n) & (PAGE - 1));
		if (left > most - n)
			left = most - n;
		k = strnlen(s + n, left);
		n += k;
		if (k < left || n == most)
			return n;
		if (!page_isthere((uintptr_t)(s + n)))
			return n < PATH_MAX ? SIZE_MAX : n;
	}
}

static const struct spc_mem mem = {mem_read, mem_write, mem_strlen, NULL};

struct spc client = {.cl_mem = &mem, .cl_stream = &client_stream};

/*
 * Threads
 */

static pthread_key_t key;

static void
thread_end(void *arg)
{
	struct client_thread *ct = &client_thread;
	struct sp_msg m = {.sm_op = SP_SLOTEND};
	uint32_t slot = ct->ct_slot;

	(void)arg;
	client_lwps_threadend();
	if (slot == SPC_NOSLOT)
		return;
	/* The first slot's lwp stays, whoever has the slot next. */
	if (slot != 0 && client_check() == 0)
		(void)client_op(&m, NULL, 0);
	ct->ct_slot = SPC_NOSLOT;
	ct->ct_known = false;
	spc_slot_give(&client, slot);
}

static void
thread_forked(void)
{
	client_thread.ct_slot = client_thread.ct_current = SPC_NOSLOT;
	client_lwps_forked();
	client_aio_forked();
	spc_forked(&client);
}

static __attribute__((constructor)) void
client_prepare(void)
{
	(void)pthread_key_create(&key, thread_end);
	(void)pthread_atfork(NULL, NULL, thread_forked);
}

int
client_slot_enter(uint32_t *slotp, uint32_t *outerp)
{
	struct client_thread *ct = &client_thread;
	int error = 0;

	*outerp = ct->ct_current;
	if (*outerp != SPC_NOSLOT)
		error = spc_slot_take(&client, slotp);
	else if (ct->ct_slot != SPC_NOSLOT)
		*slotp = ct->ct_slot;
	else if ((error = spc_slot_take(&client, slotp)) == 0)
		ct->ct_slot = *slotp;
	if (error != 0)
		return error;
	ct->ct_current = *slotp;
	if (!ct->ct_known)
		ct->ct_known = pthread_setspecific(key, &client) == 0;
	return 0;
}

void
client_slot_exit(uint32_t slot, uint32_t outer, bool lost)
{
	struct client_thread *ct = &client_thread;

	ct->ct_current = outer;
	if (lost) {
		if (slot == ct->ct_slot)
			ct->ct_slot = SPC_NOSLOT;
		spc_slot_leave(&client, slot);
	} else if (slot != ct->ct_slot)
		spc_slot_give(&client, slot);
}

/*
 * Calls
 */

int
client_slot_call(uint32_t slot, uint32_t outer, bool *lostp)
{
	uint32_t generation =
	    atomic_load_explicit(&client_generation, memory_order_relaxed);
	int error;

	spc_slot(&client, slot)->ss_msg.sm_slot = slot;
	spc_post(&client, slot);
	while ((error = spc_wait(&client, slot, outer)) == SPC_LOST) {
		*lostp = (error = client_reconnect(generation)) != 0;
		if (*lostp)
			return error;
		if (atomic_load_explicit(
			&client_generation, memory_order_relaxed) != generation)
			return ENOTCONN;
	}
	return error;
}

int
client_op(struct sp_msg *m, void *data, size_t n)
{
	uint32_t slot, outer;
	struct sp_slot *ss;
	bool lost = false;
	int error;

	if ((error = client_slot_enter(&slot, &outer)) != 0)
		return error;
	ss = spc_slot(&client, slot);
	ss->ss_msg = *m;
	ss->ss_msg.sm_len = ss->ss_msg.sm_head = ss->ss_size = (uint32_t)n;
	if (n != 0)
		memcpy(ss->ss_payload, data, n);
	if ((error = client_slot_call(slot, outer, &lost)) == 0) {
		*m = ss->ss_msg;
		error = m->sm_error;
	}
	if (error == 0 && n != 0)
		memcpy(data, ss->ss_payload, n);
	client_slot_exit(slot, outer, lost);
	return error;
}

/* One try; what the server has to say of signals in *flags and *sg. */
static int
syscall_once(const struct sysdesc *sd, const uint64_t *args, int64_t *retval,
    uint32_t *flags, struct sp_signal *sg)
{
	uint32_t slot, outer;
	struct sp_slot *ss;
	bool lost = false;
	int error;

	*flags = 0;
	*retval = -1;
	if ((error = client_slot_enter(&slot, &outer)) != 0)
		return error;
	ss = spc_slot(&client, slot);
	if ((error = spc_encode(&client, slot, sd, args)) == 0) {
		ss->ss_msg.sm_lwp = client_thread.ct_lwp;
		error = client_slot_call(slot, outer, &lost);
	}
	if (error == 0) {
		error = spc_decode(&client, slot, sd, args, retval);
		*flags = ss->ss_msg.sm_flags;
		if (*flags != 0)
			*sg = ss->ss_signal;
	}
	client_slot_exit(slot, outer, lost);
	return error;
}

/* A handler has returned.  True if there is another to call. */
static bool
handler_done(struct sp_msg *m, struct sp_signal *sg)
{
	uint32_t slot, outer;
	struct sp_slot *ss;
	bool lost = false;
	int error;

	if (client_check() != 0 || client_slot_enter(&slot, &outer) != 0)
		return false;
	ss = spc_slot(&client, slot);
	ss->ss_msg = *m;
	ss->ss_size = 0;
	error = client_slot_call(slot, outer, &lost);
	*m = ss->ss_msg;
	*sg = ss->ss_signal;
	client_slot_exit(slot, outer, lost);
	return error == 0 && m->sm_error == 0 &&
	       (m->sm_flags & SP_F_SIGNAL) != 0;
}

void
client_handlers(struct sp_signal *sg)
{
	struct sp_msg m;
	siginfo_t info;
	ucontext_t uc;
	int saved = errno;

	do {
		memcpy(&info, sg->sg_info, sizeof(info));
		/* The handler may look at what was read. */
		if (info.si_code == SI_ASYNCIO)
			(void)client_aio_fetch();
		memset(&uc, 0, sizeof(uc));
		memcpy(&uc.uc_sigmask, &sg->sg_oldmask, sizeof(sg->sg_oldmask));
		if ((sg->sg_flags & SA_SIGINFO) != 0)
			((void (*)(int, siginfo_t *, void *))(
			    uintptr_t)sg->sg_handler)(sg->sg_signo, &info, &uc);
		else
			((void (*)(int))(uintptr_t)sg->sg_handler)(
			    sg->sg_signo);
		m = (struct sp_msg){
		    .sm_op = SP_SIGRETURN, .sm_lwp = client_thread.ct_lwp};
		memcpy(m.sm_args, &uc.uc_sigmask, sizeof(m.sm_args[0]));
	} while (handler_done(&m, sg));
	errno = saved;
}

/*
 * semctl with GETALL or SETALL is about as many as the set has: words are args
 * with that number.
 */
static int
semctl_count(const uint64_t *args, uint64_t *words)
{
	struct sp_msg m = {.sm_op = SP_SEMS,
	    .sm_lwp = client_thread.ct_lwp,
	    .sm_args = {args[0], args[2]}};
	int error = client_op(&m, NULL, 0);

	memcpy(words, args, SYSCALL_MAXARGS * sizeof(*words));
	words[SP_SEMARG] = (uint64_t)m.sm_retval;
	return error;
}

int
client_made(const struct sysdesc *sd, const uint64_t *args, int64_t *retval)
{
	uint64_t words[SYSCALL_MAXARGS];
	const uint64_t *with = args;
	struct sp_signal sg;
	uint32_t flags;
	int error;

	do {
		error = client_check();
		if (error == 0 && sysdesc_isset(sd, args)) {
			error = semctl_count(args, words);
			with = words;
		}
		if (error != 0) {
			*retval = -1;
			return error;
		}
		error = syscall_once(sd, with, retval, &flags, &sg);
		if ((flags & SP_F_SIGNAL) != 0)
			client_handlers(&sg);
	} while ((flags & SP_F_RESTART) != 0);
	return error;
}

int
client_make(const struct sysdesc *sd, const uint64_t *args, int64_t *retval)
{
	int error;

	if (sd->sd_number < RUMP_SYS_aio_read || sd->sd_number > RUMP_SYS_shmdt)
		return client_made(sd, args, retval);
	if ((error = client_check()) != 0)
		*retval = -1;
	else if (sd->sd_number <= RUMP_SYS_lio_listio)
		error = client_aio(sd, args, retval);
	else
		error = client_shm(sd, args, retval);
	return error;
}

int64_t
client_syscall(const struct sysdesc *sd, const uint64_t *args)
{
	int64_t retval;
	int error = client_make(sd, args, &retval);

	if (error == 0)
		return retval;
	errno = error;
	return -1;
}

RUMP_EXPORT int
rumpclient_syscall(int num, const void *data, size_t len, register_t *retval)
{
	const struct sysdesc *sd = sysdesc_find(num);
	uint64_t args[SYSCALL_MAXARGS] = {0};
	int64_t value;
	int error;

	if (sd == NULL)
		error = ENOSYS;
	else if (len % sizeof(args[0]) != 0 || len > sizeof(args) ||
		 len < sd->sd_nfixed * sizeof(args[0]))
		error = EINVAL;
	else {
		if (len != 0)
			memcpy(args, data, len);
		error = client_make(sd, args, &value);
		*retval = (register_t)value;
	}
	if (error == 0)
		return 0;
	errno = error;
	return -1;
}
