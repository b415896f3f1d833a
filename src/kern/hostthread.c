/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Records of host threads.
 *
 * A record is made when a host thread first enters the kernel, given up when
 * the thread ends, and taken again by a later thread.  Records are linked into
 * hostthread_list once and stay there, so that the list can be walked without
 * a lock; ht_alive says which are in use.
 *
 * Making a record takes memory, and taking memory needs a record.  The way out
 * is the spare record, which boot and every thread that attaches use for a
 * moment, one at a time.
 */
#include "kern/hostthread.h"
#include "kern/file.h"
#include "kern/lwp.h"
#include "kern/smr.h"

struct kcontext kcontext_nobody = {
    .kc_hyper.hc_next = &kcontext_nobody.kc_hyper};

#define TLS_NOBODY                                                       \
	{                                                                \
		.kt_running = { &lwp_nobody, &kcontext_nobody.kc_hyper } \
	}
_Thread_local struct kern_tls kern_tls = TLS_NOBODY;

struct hostthread *_Atomic hostthread_list;

bool kern_alone;

static struct hostthread spare;
static _Atomic uint32_t spare_taken; /* 1 while somebody uses `spare' */
static _Atomic uint32_t last_id;
static struct kcache *hostthread_cache;

/* The calling thread works on this record from now on, or on none. */
static void
hostthread_be(struct hostthread *ht)
{
	kern_tls.kt_ht = ht;
	kern_tls.kt_running.hr_context =
	    ht == NULL ? &kcontext_nobody.kc_hyper : &ht->ht_ctx.kc_hyper;
}

static void
spare_enter(void)
{
	uint32_t no = 0;

	/* Acquire pairs with the release in spare_exit. */
	while (!atomic_compare_exchange_strong_explicit(
	    &spare_taken, &no, 1, memory_order_acquire, memory_order_relaxed)) {
		no = 0;
		hyper_yield();
	}
	hostthread_be(&spare);
	smr_enter(&spare);
}

static void
spare_exit(struct hostthread *ht)
{
	smr_exit(&spare);
	hostthread_be(ht);
	/* Release pairs with the acquire in spare_enter. */
	atomic_store_explicit(&spare_taken, 0, memory_order_release);
}

uint32_t
hostthread_newid(void)
{
	return atomic_fetch_add_explicit(&last_id, 1, memory_order_relaxed) + 1;
}

static void
hostthread_link(struct hostthread *ht)
{
	struct hostthread *first;

	ht->ht_id = hostthread_newid();
	ht->ht_ctx.kc_id = ht->ht_id;
	ht->ht_ctx.kc_ht = ht;
	atomic_store_explicit(&ht->ht_alive, true, memory_order_relaxed);
	first = atomic_load_explicit(&hostthread_list, memory_order_relaxed);
	do
		ht->ht_next = first;
	/* Release pairs with the acquire of those who walk the list. */
	while (!atomic_compare_exchange_weak_explicit(&hostthread_list, &first,
	    ht, memory_order_release, memory_order_relaxed));
}

void
hostthread_init(void)
{
	hostthread_link(&spare);
	spare_enter();
}

void
hostthread_boot_failed(void)
{
	if (kern_tls.kt_ht == &spare)
		spare_exit(NULL);
	kern_tls = (struct kern_tls)TLS_NOBODY;
}

/* A record that an ended thread has left, or NULL. */
static struct hostthread *
hostthread_reuse(void)
{
	struct hostthread *ht;
	bool no;

	ht = atomic_load_explicit(&hostthread_list, memory_order_acquire);
	for (; ht != NULL; ht = ht->ht_next) {
		no = false;
		/* Acquire pairs with the release in hostthread_detach. */
		if (atomic_compare_exchange_strong_explicit(&ht->ht_alive, &no,
			true, memory_order_acquire, memory_order_relaxed))
			return ht;
	}
	return NULL;
}

static struct hostthread *
hostthread_make(void)
{
	struct hostthread *ht;

	if (hostthread_cache == NULL)
		hostthread_cache = kcache_init("hostthread",
		    sizeof(struct hostthread), CACHE_LINE, KCACHE_STABLE);
	ht = kcache_alloc(hostthread_cache);
	if (ht == NULL)
		return NULL;
	memset(ht, 0, sizeof(*ht));
	hostthread_link(ht);
	return ht;
}

int
hostthread_attach(void)
{
	struct hostthread *ht;
	int error = hyper_refusal();

	if (error != 0)
		return error;
	if ((ht = hostthread_reuse()) == NULL) {
		if (kern_tls.kt_ht != &spare)
			spare_enter();
		ht = hostthread_make();
		spare_exit(ht);
		if (ht == NULL)
			return ENOMEM;
	} else if (kern_tls.kt_ht == &spare)
		spare_exit(ht);
	hyper_enter(&ht->ht_ctx.kc_hyper, &kern_tls.kt_running);
	hostthread_be(ht);
	if (hyper_thread_register(ht) != 0) {
		hostthread_be(NULL);
		atomic_store_explicit(
		    &ht->ht_alive, false, memory_order_release);
		return ENOMEM;
	}
	return 0;
}

uint64_t
hostthread_bytes(void)
{
	return kcache_live(hostthread_cache) * sizeof(struct hostthread);
}

/* Give back what the record holds.  In a section. */
static void
hostthread_empty(struct hostthread *ht)
{
	proc_thread_flush(ht);
	lwp_thread_flush(ht);
	smr_thread_flush(ht);
	file_thread_flush(ht);
	kmem_thread_flush(ht);
}

void
hostthread_detach(void *arg)
{
	struct hostthread *ht = arg;

	KASSERT(kern_tls.kt_ht == ht);
	if (ht->ht_ctx.kc_scheduled)
		panic("a host thread ended between rump_schedule and "
		      "rump_unschedule");
	smr_enter(ht);
	lwp_context_exit(&ht->ht_ctx);
	hostthread_empty(ht);
	setcurlwp(&lwp_nobody);
	smr_exit(ht);
	hostthread_be(NULL);
	atomic_store_explicit(&ht->ht_alive, false, memory_order_release);
}

void
hostthread_forked(void)
{
	struct hostthread *ht, *me = curht();

	/*
	 * Host threads that were at the gate show a sequence, and one may
	 * have been about to use the spare: they are not here.
	 */
	ht = atomic_load_explicit(&hostthread_list, memory_order_relaxed);
	for (; ht != NULL; ht = ht->ht_next)
		atomic_store_explicit(&ht->ht_smr, 0, memory_order_relaxed);
	atomic_store_explicit(&spare_taken, 0, memory_order_relaxed);
	if (me == NULL)
		spare_enter();
	else
		smr_enter(me);
	lwp_forked();
	ht = atomic_load_explicit(&hostthread_list, memory_order_relaxed);
	for (; ht != NULL; ht = ht->ht_next) {
		if (ht == curht() || ht == &spare ||
		    !atomic_load_explicit(&ht->ht_alive, memory_order_relaxed))
			continue;
		ht->ht_ctx.kc_scheduled = false;
		hostthread_empty(ht);
		atomic_store_explicit(
		    &ht->ht_alive, false, memory_order_release);
	}
	if (me == NULL)
		spare_exit(NULL);
	else
		smr_exit(me);
}
