/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Asynchronous input and output of clients: SP_AIO.
 */
#include "proxy/proxy.h"

#include "ipc/aio.h"
#include "kern/entry.h"
#include "kern/signal.h"

/* A struct in the head.  False: there is none. */
static bool
head_get(const struct call *c, void *to, size_t size)
{
	if (c->c_msg.sm_head != size)
		return false;
	memcpy(to, c->c_head, size);
	return true;
}

/* What a request is made of, and the data of a write behind it. */
static int
aio_make(struct lwp *l, struct call *c, int op)
{
	const struct sp_msg *m = &c->c_msg;
	size_t at = roundup2(sizeof(struct aiocb), (size_t)SP_ALIGN);
	struct aiofar far = {.af_group = (uint32_t)m->sm_args[2]};
	struct aiocb cb;

	if (!head_get(c, &cb, sizeof(cb)) ||
	    (m->sm_args[0] == SP_AIO_LIST) != (far.af_group != 0))
		return EPROTO;
	if (m->sm_len >= at) {
		far.af_data = c->c_shared + at;
		far.af_len = m->sm_len - at;
	}
	return aio_farsubmit(l, &cb, m->sm_args[1], op, &far);
}

static int
aio_cancelone(struct lwp *l, struct call *c)
{
	const struct sp_msg *m = &c->c_msg;
	struct aiocb cb;
	int value = 0, error;

	if (m->sm_head != 0 && !head_get(c, &cb, sizeof(cb)))
		return EPROTO;
	error = aio_farcancel(l, (int)m->sm_args[2],
	    m->sm_head != 0 ? &cb : NULL, m->sm_args[1], &value);
	c->c_msg.sm_retval = value;
	return error;
}

static int
aio_group(struct lwp *l, struct call *c)
{
	struct sigevent ev = {.sigev_notify = SIGEV_NONE};
	uint32_t id = 0;
	int error;

	if (c->c_msg.sm_head != 0 && !head_get(c, &ev, sizeof(ev)))
		return EPROTO;
	error = aio_fargroup(l, &ev, &id);
	c->c_msg.sm_retval = id;
	return error;
}

static int
aio_give(struct lwp *l, struct call *c)
{
	const struct sp_msg *m = &c->c_msg;
	struct sp_aiodata *ad = (struct sp_aiodata *)c->c_shared;
	struct aiofetch af;
	int error;

	if (m->sm_len < sizeof(*ad))
		return EPROTO;
	error = aio_fetch(l, m->sm_args[1], m->sm_args[2], ad + 1,
	    m->sm_len - sizeof(*ad), &af);
	ad->ad_name = af.af_name;
	ad->ad_buf = af.af_user;
	ad->ad_at = af.af_at;
	ad->ad_len = af.af_len;
	c->c_from = 0;
	c->c_to = sizeof(*ad) + af.af_len;
	return error;
}

static int
aio_do(struct lwp *l, struct call *c)
{
	const uint64_t *args = c->c_msg.sm_args;

	switch (args[0]) {
	case SP_AIO_READ:
		return aio_make(l, c, LIO_READ);
	case SP_AIO_WRITE:
		return aio_make(l, c, LIO_WRITE);
	case SP_AIO_SYNC:
		return aio_make(l, c, AIO_FSYNC);
	case SP_AIO_DATASYNC:
		return aio_make(l, c, AIO_FDATASYNC);
	case SP_AIO_LIST:
		return aio_make(l, c, LIO_NOP);
	case SP_AIO_CANCEL:
		return aio_cancelone(l, c);
	case SP_AIO_FETCH:
		return aio_give(l, c);
	case SP_AIO_GROUP:
		return aio_group(l, c);
	case SP_AIO_GROUPEND:
		return aio_fargroupend(l, (uint32_t)args[2], args[1] == 1);
	default:
		return EPROTO;
	}
}

int
op_aio(struct call *c)
{
	uint64_t what = c->c_msg.sm_args[0];
	struct lwp *l = syscall_enter();
	int error;

	if (l == NULL)
		return syscall_refusal();
	error = aio_do(l, c);
	syscall_exit();
	/* Parts of a call of the client's end with that. */
	if (what == SP_AIO_LIST || what == SP_AIO_FETCH || what == SP_AIO_GROUP)
		return error;
	(void)remote_restart(error);
	(void)call_handler(c, SR_NEVER);
	return error;
}
