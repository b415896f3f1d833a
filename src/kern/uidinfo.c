/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Users: the number of processes of each real user id, for RLIMIT_NPROC, and
 * of signals queued for them, for RLIMIT_SIGPENDING, and of bytes of message
 * queues, for RLIMIT_MSGQUEUE.
 *
 * A uidinfo is held by the credentials of its user.  User 0, whose processes
 * many host threads make and end at once, has a counter for each shard.
 *
 * Lock: hash_lock covers the hash and the references.
 */
#include "kern/proc_impl.h"

#define NHASH 256

struct uidinfo_wide {
	_Atomic int64_t uw_nproc __attribute__((aligned(CACHE_LINE)));
};

static struct kmutex hash_lock;
static struct uidinfo *hash[NHASH];
static struct uidinfo_wide root_counts[PLIST_WIDTH];

struct uidinfo *
uidinfo_get(uid_t uid)
{
	struct uidinfo **head = &hash[uid % NHASH], *ui, *fresh;

	if ((fresh = kmem_zalloc(sizeof(*fresh))) == NULL)
		return NULL;
	mutex_enter(&hash_lock);
	for (ui = *head; ui != NULL && ui->ui_uid != uid; ui = ui->ui_next)
		;
	if (ui == NULL) {
		ui = fresh;
		fresh = NULL;
		ui->ui_uid = uid;
		ui->ui_wide = uid == 0 ? root_counts : NULL;
		ui->ui_next = *head;
		*head = ui;
	}
	ui->ui_refs++;
	mutex_exit(&hash_lock);
	if (fresh != NULL)
		kmem_free(fresh, sizeof(*fresh));
	return ui;
}

void
uidinfo_hold(struct uidinfo *ui)
{
	mutex_enter(&hash_lock);
	ui->ui_refs++;
	mutex_exit(&hash_lock);
}

void
uidinfo_rele(struct uidinfo *ui)
{
	struct uidinfo **pp;

	mutex_enter(&hash_lock);
	if (--ui->ui_refs != 0) {
		mutex_exit(&hash_lock);
		return;
	}
	for (pp = &hash[ui->ui_uid % NHASH]; *pp != ui; pp = &(*pp)->ui_next)
		;
	*pp = ui->ui_next;
	mutex_exit(&hash_lock);
	kmem_free(ui, sizeof(*ui));
}

static _Atomic int64_t *
uidinfo_counter(struct uidinfo *ui)
{
	if (ui->ui_wide == NULL)
		return &ui->ui_nproc;
	return &ui->ui_wide[curht()->ht_id % PLIST_WIDTH].uw_nproc;
}

static int64_t
uidinfo_count(struct uidinfo *ui)
{
	int64_t n = 0;
	int i;

	if (ui->ui_wide == NULL)
		return atomic_load_explicit(
		    &ui->ui_nproc, memory_order_relaxed);
	for (i = 0; i < PLIST_WIDTH; i++)
		n += atomic_load_explicit(
		    &ui->ui_wide[i].uw_nproc, memory_order_relaxed);
	return n;
}

bool
uidinfo_enter(struct uidinfo *ui, bool limited, rlim_t max)
{
	_Atomic int64_t *counter = uidinfo_counter(ui);

	/* The first of several that come at once finds the place. */
	atomic_fetch_add_explicit(counter, 1, memory_order_seq_cst);
	if (!limited || max == RLIM_INFINITY ||
	    (rlim_t)uidinfo_count(ui) <= max)
		return true;
	atomic_fetch_sub_explicit(counter, 1, memory_order_relaxed);
	return false;
}

void
uidinfo_leave(struct uidinfo *ui)
{
	atomic_fetch_sub_explicit(uidinfo_counter(ui), 1, memory_order_relaxed);
}

bool
uidinfo_sigenter(struct uidinfo *ui, bool limited, rlim_t max)
{
	int64_t n =
	    atomic_fetch_add_explicit(&ui->ui_nsig, 1, memory_order_relaxed);

	if (!limited || (rlim_t)n < max)
		return true;
	uidinfo_sigleave(ui, 1);
	return false;
}

void
uidinfo_sigleave(struct uidinfo *ui, int64_t n)
{
	atomic_fetch_sub_explicit(&ui->ui_nsig, n, memory_order_relaxed);
}

int64_t
cred_inflight(struct cred *cr, int64_t n)
{
	_Atomic int64_t *count = &cr->cr_uidinfo->ui_inflight;

	if (n == 0)
		return atomic_load_explicit(count, memory_order_relaxed);
	return atomic_fetch_add_explicit(count, n, memory_order_relaxed) + n;
}

bool
cred_mqueue_enter(struct cred *cr, uint64_t bytes, uint64_t most)
{
	_Atomic uint64_t *counter = &cr->cr_uidinfo->ui_mqbytes;
	uint64_t n = atomic_load_explicit(counter, memory_order_relaxed);

	do {
		if (bytes > most || n > most - bytes)
			return false;
	} while (!atomic_compare_exchange_weak_explicit(counter, &n, n + bytes,
	    memory_order_relaxed, memory_order_relaxed));
	return true;
}

void
cred_mqueue_leave(struct cred *cr, uint64_t bytes)
{
	atomic_fetch_sub_explicit(
	    &cr->cr_uidinfo->ui_mqbytes, bytes, memory_order_relaxed);
}
