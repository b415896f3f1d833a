/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The memory that clients share with the server: made before it is wanted, and
 * gone when there is time for that, so that neither keeps who connects waiting.
 *
 * None is ever used for two clients: the first may still have it mapped.
 */
#include "proxy/proxy.h"

#define GONE_MOST 8

static struct {
	int fd; /* HYPER_NOFD: there is none */
	struct sp_shared *shm;
} spare = {.fd = HYPER_NOFD}; /* (L) */

static _Atomic(void *) gone[GONE_MOST]; /* (a) */

static int
memory_make(int *fdp, struct sp_shared **shp)
{
	void *addr;
	int error = hyper_shm_create(SP_SHMSIZE, fdp, &addr);

	if (error != 0)
		return error;
	*shp = addr;
	/* Where everybody writes, so that the pages are there. */
	atomic_store_explicit(&(*shp)->sh_cold, 1, memory_order_relaxed);
	atomic_store_explicit(
	    &sp_slot(*shp, 0)->ss_state, SP_FREE, memory_order_relaxed);
	return 0;
}

int
memory_take(int *fdp, struct sp_shared **shp)
{
	if (spare.fd == HYPER_NOFD)
		return memory_make(fdp, shp);
	*fdp = spare.fd;
	*shp = spare.shm;
	spare.fd = HYPER_NOFD;
	return 0;
}

void
memory_prepare(void)
{
	if (spare.fd == HYPER_NOFD && memory_make(&spare.fd, &spare.shm) != 0)
		spare.fd = HYPER_NOFD;
}

void
memory_give(struct sp_shared *shm)
{
	void *none;
	int i;

	for (i = 0; i < GONE_MOST; i++) {
		none = NULL;
		/* Release pairs with the acquire in memory_clean. */
		if (atomic_compare_exchange_strong_explicit(&gone[i], &none,
			shm, memory_order_release, memory_order_relaxed))
			return;
	}
	hyper_shm_destroy(shm, SP_SHMSIZE);
}

void
memory_clean(void)
{
	void *shm;
	int i;

	for (i = 0; i < GONE_MOST; i++) {
		if (atomic_load_explicit(&gone[i], memory_order_relaxed) ==
		    NULL)
			continue;
		shm = atomic_exchange_explicit(
		    &gone[i], NULL, memory_order_acquire);
		if (shm != NULL)
			hyper_shm_destroy(shm, SP_SHMSIZE);
	}
}
