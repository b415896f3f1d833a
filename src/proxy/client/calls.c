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
	client_conn_forked();
	/* Who has not been a client has all this as it is to be. */
	if (client.cl_shm != NULL) {
		client_thread.ct_slot = client_thread.ct_current = SPC_NOSLOT;
		client_lwps_forked();
		client_aio_forked();
		spc_forked(&client);
	}
	client_stream_forked();
}

static __attribute__((constructor)) void
client_prepare(void)
{
	(void)pthread_key_create(&key, thread_end);
	(void)pthread_atfork(
	    client_stream_fork, client_stream_forked, thread_forked);
}

int
client_enter(struct client_call *cc)
{
	struct client_thread *ct = &client_thread;
	int error = 0;

	cc->cc_lost = false;
	cc->cc_outer = ct->ct_current;
	if (cc->cc_outer != SPC_NOSLOT)
		error = spc_slot_take(&client, &cc->cc_number);
	else if (ct->ct_slot != SPC_NOSLOT)
		cc->cc_number = ct->ct_slot;
	else if ((error = spc_slot_take(&client, &cc->cc_number)) == 0)
		ct->ct_slot = cc->cc_number;
	if (error != 0)
		return error;
	ct->ct_current = cc->cc_number;
	if (!ct->ct_known)
		ct->ct_known = pthread_setspecific(key, &client) == 0;
	cc->cc_slot = spc_slot(&client, cc->cc_number);
	return 0;
}

void
client_exit(struct client_call *cc)
{
	struct client_thread *ct = &client_thread;

	ct->ct_current = cc->cc_outer;
	if (cc->cc_lost) {
		if (cc->cc_number == ct->ct_slot)
			ct->ct_slot = SPC_NOSLOT;
		spc_slot_leave(&client, cc->cc_number);
	} else if (cc->cc_number != ct->ct_slot)
		spc_slot_give(&client, cc->cc_number);
}

/*
 * Calls
 */

int
client_wait(struct client_call *cc)
{
	uint32_t generation =
	    atomic_load_explicit(&client_generation, memory_order_relaxed);
	uint32_t slot = cc->cc_number;
	int error;

	cc->cc_slot->ss_msg.sm_slot = slot;
	spc_post(&client, slot);
	while ((error = spc_wait(&client, slot, cc->cc_outer)) == SPC_LOST) {
		cc->cc_lost = (error = client_reconnect(generation)) != 0;
		if (cc->cc_lost)
			return error;
		if (atomic_load_explicit(
			&client_generation, memory_order_relaxed) != generation)
			return ENOTCONN;
	}
	return error;
}

int
client_ask(struct client_call *cc, struct sp_msg *m, size_t n)
{
	int error;

	cc->cc_slot->ss_msg = *m;
	cc->cc_slot->ss_size = (uint32_t)n;
	if ((error = client_wait(cc)) != 0)
		return error;
	*m = cc->cc_slot->ss_msg;
	return m->sm_error;
}

int
client_op(struct sp_msg *m, void *data, size_t n)
{
	struct client_call cc;
	int error;

	if ((error = client_enter(&cc)) != 0)
		return error;
	m->sm_len = m->sm_head = (uint32_t)n;
	if (n != 0)
		memcpy(cc.cc_slot->ss_payload, data, n);
	error = client_ask(&cc, m, n);
	if (error == 0 && n != 0)
		memcpy(data, cc.cc_slot->ss_payload, n);
	client_exit(&cc);
	return error;
}

/* One try; what the server has to say of signals in *flags and *sg. */
static int
syscall_once(const struct sysdesc *sd, const uint64_t *args, int64_t *retval,
    uint32_t *flags, struct sp_signal *sg)
{
	struct client_call cc;
	int error;

	*flags = 0;
	*retval = -1;
	if ((error = client_enter(&cc)) != 0)
		return error;
	if ((error = spc_encode(&client, cc.cc_number, sd, args)) == 0) {
		cc.cc_slot->ss_msg.sm_lwp = client_thread.ct_lwp;
		error = client_wait(&cc);
	}
	if (error == 0) {
		error = spc_decode(&client, cc.cc_number, sd, args, retval);
		*flags = cc.cc_slot->ss_msg.sm_flags;
		if (*flags != 0)
			*sg = cc.cc_slot->ss_signal;
	}
	client_exit(&cc);
	return error;
}

/* A handler has returned.  True if there is another to call. */
static bool
handler_done(struct sp_msg *m, struct sp_signal *sg)
{
	struct client_call cc;
	bool more;

	if (client_check() != 0 || client_enter(&cc) != 0)
		return false;
	more = client_ask(&cc, m, 0) == 0 && (m->sm_flags & SP_F_SIGNAL) != 0;
	if (more)
		*sg = cc.cc_slot->ss_signal;
	client_exit(&cc);
	return more;
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

	if (sd->sd_client == SYSCLIENT_MESSAGE)
		return client_made(sd, args, retval);
	if ((error = client_check()) != 0)
		*retval = -1;
	else if (sd->sd_client == SYSCLIENT_AIO)
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
