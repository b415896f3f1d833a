/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The lwps of a session: a table of handles, in pieces that are made when they
 * are needed and go with the session.  A client names them by their number.
 */
#include "proxy/proxy.h"

#include "kern/entry.h"

static struct session_lwps *
lwps_chunk(struct session *se, uint32_t n)
{
	/* Acquire pairs with the release in lwps_grow. */
	return atomic_load_explicit(
	    &se->se_lwps[n / SE_CHUNK], memory_order_acquire);
}

uint64_t
lwps_handle(struct session *se, uint32_t n)
{
	struct session_lwps *sl;

	if (n == 0 || n >= SE_NLWPS || (sl = lwps_chunk(se, n)) == NULL)
		return 0;
	return atomic_load_explicit(
	    &sl->sl_handle[n % SE_CHUNK], memory_order_acquire);
}

static int
lwps_grow(struct session *se, uint32_t n)
{
	struct session_lwps *sl;

	KASSERT(mutex_owned(&se->se_lock));
	if (lwps_chunk(se, n) != NULL)
		return 0;
	if ((sl = kmem_alloc(sizeof(*sl))) == NULL)
		return ENOMEM;
	memset(sl, 0, sizeof(*sl));
	atomic_store_explicit(
	    &se->se_lwps[n / SE_CHUNK], sl, memory_order_release);
	return 0;
}

/* The first free place that is no slot's; SE_NLWPS if there is none. */
static uint32_t
lwps_free(struct session *se)
{
	uint32_t most = SE_FIRST + proxy_config.pc_maxlwps, n;

	for (n = SE_FIRST; n < most && n < SE_NLWPS; n++)
		if (lwps_handle(se, n) == 0)
			return n;
	return SE_NLWPS;
}

static int
lwps_put_locked(struct session *se, uint64_t handle, uint32_t n, uint32_t *np)
{
	int error;

	KASSERT(mutex_owned(&se->se_lock));
	if (n == 0 && (n = lwps_free(se)) == SE_NLWPS)
		return EAGAIN;
	if ((error = lwps_grow(se, n)) != 0)
		return error;
	/* Release pairs with the acquire in lwps_handle. */
	atomic_store_explicit(&lwps_chunk(se, n)->sl_handle[n % SE_CHUNK],
	    handle, memory_order_release);
	*np = n;
	return 0;
}

int
lwps_put(struct session *se, uint64_t handle, uint32_t n, uint32_t *np)
{
	int error;

	if (syscall_enter() == NULL)
		return syscall_refusal();
	mutex_enter(&se->se_lock);
	error = lwps_put_locked(se, handle, n, np);
	mutex_exit(&se->se_lock);
	syscall_exit();
	return error;
}

void
lwps_clear(struct session *se, uint32_t n)
{
	atomic_store_explicit(&lwps_chunk(se, n)->sl_handle[n % SE_CHUNK], 0,
	    memory_order_release);
}

uint32_t
lwps_next(struct session *se, uint32_t n, uint64_t *handlep)
{
	for (; n < SE_NLWPS; n++) {
		if (lwps_chunk(se, n) == NULL)
			n |= SE_CHUNK - 1;
		else if ((*handlep = lwps_handle(se, n)) != 0)
			return n;
	}
	return 0;
}

int
lwps_slot(struct session *se, uint32_t slot, uint64_t *handlep)
{
	uint32_t n = slot + 1;
	int error;

	if (likely((*handlep = lwps_handle(se, n)) != 0))
		return 0;
	if ((error = remote_newlwp(se->se_id, se->se_pid, handlep)) != 0)
		return error;
	if ((error = lwps_put(se, *handlep, n, &n)) != 0)
		remote_release(remote_enter(*handlep));
	return error;
}
