/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lists of locks: what is in the way of what, and how the ranges of an owner
 * change.
 *
 * The locks of an owner stand together, sorted, and do not overlap; owners
 * stand in the order in which they locked.  So the first lock in the way, which
 * F_GETLK tells about, is the one that Linux would tell about.
 */
#include "vfs/lockf.h"

static bool
overlap(const struct lock *a, const struct lock *b)
{
	return a->lk_start <= b->lk_end && b->lk_start <= a->lk_end;
}

struct lock *
locklist_conflict(
    const struct locklist *list, enum lock_kind kind, const struct lock *want)
{
	struct lock *lk;

	if (want->lk_type == F_UNLCK)
		return NULL;
	TAILQ_FOREACH (lk, list, lk_link)
		if (lk->lk_owner != want->lk_owner &&
		    (lk->lk_type == F_WRLCK || want->lk_type == F_WRLCK) &&
		    (kind == LOCK_WHOLE || overlap(lk, want)))
			return lk;
	return NULL;
}

struct lock *
locklist_own(const struct locklist *list, const struct lock *want)
{
	struct lock *lk;

	TAILQ_FOREACH (lk, list, lk_link)
		if (lk->lk_owner == want->lk_owner && overlap(lk, want))
			break;
	return lk;
}

static struct lock *
first_of(const struct locklist *list, const void *owner)
{
	struct lock *lk;

	TAILQ_FOREACH (lk, list, lk_link)
		if (lk->lk_owner == owner)
			break;
	return lk;
}

/* The next one of the same owner. */
static struct lock *
next_of(struct lock *lk)
{
	struct lock *next = TAILQ_NEXT(lk, lk_link);

	return next != NULL && next->lk_owner == lk->lk_owner ? next : NULL;
}

static void
list_free(struct locklist *list, struct lock *lk)
{
	TAILQ_REMOVE(list, lk, lk_link);
	kmem_free(lk, sizeof(*lk));
}

static struct lock *
take_spare(struct lockreq *lr, const struct lock *is)
{
	int i = lr->lr_spare[0] == NULL;
	struct lock *lk = lr->lr_spare[i];

	KASSERT(lk != NULL);
	lr->lr_spare[i] = NULL;
	*lk = *is;
	return lk;
}

/* Put a lock before the first of its owner that does not begin before it. */
static void
list_insert(struct locklist *list, struct lock *new)
{
	struct lock *lk = first_of(list, new->lk_owner), *last = NULL;

	for (; lk != NULL && lk->lk_start < new->lk_start; lk = next_of(lk))
		last = lk;
	if (lk != NULL)
		TAILQ_INSERT_BEFORE(lk, new, lk_link);
	else if (last != NULL)
		TAILQ_INSERT_AFTER(list, last, new, lk_link);
	else
		TAILQ_INSERT_TAIL(list, new, lk_link);
}

/* lk, of the same owner and type as `new', becomes a part of it. */
static void
absorb(struct locklist *list, struct lock *new, struct lock *lk)
{
	if (lk->lk_start < new->lk_start)
		new->lk_start = lk->lk_start;
	if (lk->lk_end > new->lk_end)
		new->lk_end = lk->lk_end;
	new->lk_pid = lk->lk_pid;
	list_free(list, lk);
}

/* Take what is wanted out of lk, of the same owner, which overlaps it. */
static void
cut(struct locklist *list, struct lock *lk, struct lockreq *lr)
{
	const struct lock *want = &lr->lr_want;
	struct lock rest = *lk;

	if (lk->lk_start < want->lk_start) {
		lk->lk_end = want->lk_start - 1;
		if (rest.lk_end > want->lk_end) {
			rest.lk_start = want->lk_end + 1;
			list_insert(list, take_spare(lr, &rest));
		}
	} else if (lk->lk_end > want->lk_end)
		lk->lk_start = want->lk_end + 1;
	else
		list_free(list, lk);
}

static bool
touch(const struct lock *a, const struct lock *b)
{
	/* A start of 0 is one more than no end. */
	return a->lk_end >= b->lk_start - 1 && b->lk_end >= a->lk_start - 1;
}

static void
range_apply(struct locklist *list, struct lockreq *lr)
{
	const struct lock *want = &lr->lr_want;
	struct lock *lk, *next, *new = NULL;

	if (want->lk_type != F_UNLCK) {
		new = take_spare(lr, want);
		list_insert(list, new);
	}
	for (lk = first_of(list, want->lk_owner); lk != NULL; lk = next) {
		next = next_of(lk);
		if (lk == new)
			continue;
		if (new != NULL && lk->lk_type == new->lk_type) {
			if (touch(lk, new))
				absorb(list, new, lk);
		} else if (overlap(lk, want))
			cut(list, lk, lr);
	}
}

static void
whole_apply(struct locklist *list, struct lockreq *lr)
{
	struct lock *lk = first_of(list, lr->lr_want.lk_owner);

	if (lk != NULL && lk->lk_type == lr->lr_want.lk_type)
		return;
	if (lk != NULL)
		list_free(list, lk);
	if (lr->lr_want.lk_type != F_UNLCK) {
		lk = take_spare(lr, &lr->lr_want);
		TAILQ_INSERT_TAIL(list, lk, lk_link);
	}
}

void
locklist_apply(struct locklist *list, struct lockreq *lr)
{
	if (lr->lr_kind == LOCK_WHOLE)
		whole_apply(list, lr);
	else
		range_apply(list, lr);
}

bool
locklist_drop(struct locklist *list, const void *owner)
{
	struct lock *lk = first_of(list, owner), *next;
	bool any = lk != NULL;

	for (; lk != NULL; lk = next) {
		next = next_of(lk);
		list_free(list, lk);
	}
	return any;
}
