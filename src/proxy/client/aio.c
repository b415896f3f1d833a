/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Asynchronous input and output.  What a request is made of, and the data of a
 * write, go along when it is made; what a read has got is kept by the server,
 * for which the request goes on, until it is fetched: when the program asks for
 * its result, or has waited for it, or before a handler that is told of it.
 */
#include "proxy/client/client.h"

#include <aio.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>

#include <rump/rump_syscalls.h>

#include "proxy/client/marshal.h"

#define DATA_AT \
	((sizeof(struct aiocb) + SP_ALIGN - 1) & ~(size_t)(SP_ALIGN - 1))

/* Bytes that are fetched at a time; more would be a long call. */
#define FETCH_ROOM ((128u << 10) - (unsigned)sizeof(struct sp_aiodata))

/*
 * Somebody fetches: what he has fetched is not to be put there once more, when
 * the program may have changed it.  Signals of the host are blocked meanwhile.
 */
static pthread_mutex_t fetch_lock = PTHREAD_MUTEX_INITIALIZER;

/*
 * How often a request was made.  One thread may fetch what another has asked
 * for: the server is between them, which nothing in this process shows, so
 * submit releases this and fetch_next acquires it.
 */
static _Atomic uint64_t submitted;

void
client_aio_forked(void)
{
	fetch_lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
}

/* Ask for what is next, when that of *ad has been put where it belongs. */
static int
fetch_next(struct sp_aiodata *ad)
{
	struct sp_msg m = {.sm_op = SP_AIO,
	    .sm_len = FETCH_ROOM,
	    .sm_lwp = client_thread.ct_lwp,
	    .sm_args = {SP_AIO_FETCH, ad->ad_name, ad->ad_at + ad->ad_len}};
	const unsigned char *payload;
	struct client_call cc;
	int error;

	if ((error = client_enter(&cc)) != 0)
		return error;
	if ((error = client_ask(&cc, &m, 0)) == 0) {
		(void)atomic_load_explicit(&submitted, memory_order_acquire);
		payload = cc.cc_slot->ss_payload;
		memcpy(ad, payload, sizeof(*ad));
		if (ad->ad_name != 0)
			(void)client.cl_mem->write(
			    (void *)(uintptr_t)(ad->ad_buf + ad->ad_at),
			    payload + sizeof(*ad), (size_t)ad->ad_len);
	}
	client_exit(&cc);
	return error;
}

bool
client_aio_fetch(void)
{
	struct sp_aiodata ad = {0};
	sigset_t all, old;
	bool some;

	sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &old);
	some = pthread_mutex_trylock(&fetch_lock) != 0;
	if (some)
		(void)pthread_mutex_lock(&fetch_lock);
	while (fetch_next(&ad) == 0 && ad.ad_name != 0)
		some = true;
	(void)pthread_mutex_unlock(&fetch_lock);
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	return some;
}

/*
 * Messages
 */

/*
 * A part of a call: n bytes at head go along, and len more of the program's at
 * data.  Handlers that are due are run.
 */
static int
part_make(
    struct sp_msg *m, const void *head, size_t n, const void *data, size_t len)
{
	struct client_call cc;
	struct sp_signal sg;
	int error;

	if ((error = client_enter(&cc)) != 0)
		return error;
	m->sm_op = SP_AIO;
	m->sm_lwp = client_thread.ct_lwp;
	m->sm_head = m->sm_len = (uint32_t)n;
	if (n != 0)
		memcpy(cc.cc_slot->ss_payload, head, n);
	if (data != NULL &&
	    client.cl_mem->read(cc.cc_slot->ss_payload + DATA_AT, data, len))
		m->sm_len = (uint32_t)(DATA_AT + len);
	error = client_ask(&cc, m, m->sm_len);
	if ((m->sm_flags & SP_F_SIGNAL) != 0)
		sg = cc.cc_slot->ss_signal;
	client_exit(&cc);
	if ((m->sm_flags & SP_F_SIGNAL) != 0)
		client_handlers(&sg);
	return error;
}

/* A struct of the program's. */
static bool
user_read(void *to, uint64_t addr, size_t n)
{
	return !word_isbad(addr) && client.cl_mem->read(to, word_ptr(addr), n);
}

/*
 * Requests
 */

static int
submit(enum sp_aio what, uint64_t addr, uint64_t group)
{
	struct sp_msg m = {.sm_args = {what, addr, group}};
	struct aiocb cb;
	const void *data = NULL;
	size_t len = 0;

	if (!user_read(&cb, addr, sizeof(cb)))
		return EFAULT;
	/* As write does, it writes less if that is more than there is room for.
	 */
	if ((what == SP_AIO_WRITE ||
		(what == SP_AIO_LIST && cb.aio_lio_opcode == LIO_WRITE)) &&
	    !word_isbad((uintptr_t)cb.aio_buf)) {
		data = (const void *)(uintptr_t)cb.aio_buf;
		len = cb.aio_nbytes;
		if (len > SP_PAYLOAD - DATA_AT)
			len = SP_PAYLOAD - DATA_AT;
	}
	/* Pairs with fetch_next. */
	(void)atomic_fetch_add_explicit(&submitted, 1, memory_order_release);
	return part_make(&m, &cb, sizeof(cb), data, len);
}

static int
cancel(const uint64_t *args, int64_t *retval)
{
	struct sp_msg m = {
	    .sm_args = {SP_AIO_CANCEL, args[1], (uint32_t)args[0]}};
	struct aiocb cb;
	int error;

	if (args[1] != 0 && !user_read(&cb, args[1], sizeof(cb)))
		return EFAULT;
	error = part_make(&m, &cb, args[1] != 0 ? sizeof(cb) : 0, NULL, 0);
	if (error == 0)
		*retval = m.sm_retval;
	return error;
}

/* The number of a group that is told as the program wants it. */
static int
group_begin(uint64_t event, uint64_t *groupp)
{
	struct sp_msg m = {.sm_args = {SP_AIO_GROUP}};
	struct sigevent ev;
	int error;

	if (event != 0 && !user_read(&ev, event, sizeof(ev)))
		return EFAULT;
	error = part_make(&m, &ev, event != 0 ? sizeof(ev) : 0, NULL, 0);
	*groupp = (uint64_t)m.sm_retval;
	return error;
}

static int
listio(const uint64_t *args)
{
	int mode = (int)args[0], n = (int)args[2], i, error, failed = 0;
	struct sp_msg end = {.sm_args = {SP_AIO_GROUPEND}};
	uint64_t group, cb;

	if (mode != LIO_WAIT && mode != LIO_NOWAIT)
		return EINVAL;
	error = group_begin(mode == LIO_NOWAIT ? args[3] : 0, &group);
	if (error != 0)
		return error;
	for (i = 0; i < n && error == 0; i++)
		if (!user_read(
			&cb, args[1] + (uint64_t)i * sizeof(cb), sizeof(cb)))
			error = EFAULT;
		else if (cb != 0 && submit(SP_AIO_LIST, cb, group) != 0)
			failed = EIO;
	end.sm_args[1] = error == 0 && mode == LIO_WAIT;
	end.sm_args[2] = group;
	i = part_make(&end, NULL, 0, NULL, 0);
	if (mode == LIO_WAIT)
		(void)client_aio_fetch();
	return error != 0 ? error : i != 0 ? i : failed;
}

/* aio_error or aio_return; again if it only was to be fetched. */
static int
result(const struct sysdesc *sd, const uint64_t *args, int64_t *retval)
{
	int error, known;

	do {
		error = client_made(sd, args, retval);
		known = sd->sd_number == RUMP_SYS_aio_error && error == 0
			    ? (int)*retval
			    : error;
	} while (known == EINPROGRESS && client_aio_fetch());
	return error;
}

int
client_aio(const struct sysdesc *sd, const uint64_t *args, int64_t *retval)
{
	int error, op;

	*retval = -1;
	switch (sd->sd_number) {
	case RUMP_SYS_aio_read:
		error = submit(SP_AIO_READ, args[0], 0);
		break;
	case RUMP_SYS_aio_write:
		error = submit(SP_AIO_WRITE, args[0], 0);
		break;
	case RUMP_SYS_aio_fsync:
		op = (int)args[0];
		error = op == O_SYNC	? submit(SP_AIO_SYNC, args[1], 0)
			: op == O_DSYNC ? submit(SP_AIO_DATASYNC, args[1], 0)
					: EINVAL;
		break;
	case RUMP_SYS_aio_cancel:
		return cancel(args, retval);
	case RUMP_SYS_lio_listio:
		error = listio(args);
		break;
	case RUMP_SYS_aio_error:
	case RUMP_SYS_aio_return:
		return result(sd, args, retval);
	default:
		error = client_made(sd, args, retval);
		if (error == 0 && sd->sd_number == RUMP_SYS_aio_suspend)
			(void)client_aio_fetch();
		return error;
	}
	if (error == 0)
		*retval = 0;
	return error;
}
