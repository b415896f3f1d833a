/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * x86-64: the sites of calls in files that were mapped as text, in the control
 * page, which all processes have (hijack.h): a site that somebody has come from
 * by SIGSYS, or that was found (scan.c), is patched by who maps the file after
 * that (patch.c).
 *
 * A file is who it was as long as its number, size and time of change are.  The
 * page is no secret of ours: what it says is checked against what is mapped, as
 * if it were somebody's guess.
 *
 * An entry is taken once, and never given back: what is complete is said by
 * st_state and s_call, which are written last.  Who is killed meanwhile has
 * wasted it.
 */
#include <asm/stat.h>

#include "hijack/engine.h"

enum { FREE, TAKEN, THERE };

/* Which file it is; zeros if it has none of its own. */
void
hj_file_identify(int fd, struct hj_fileid *id)
{
	struct stat st;

	memset(id, 0, sizeof(*id));
	if (hj_control->hc_nopatch || hj_raw2(__NR_fstat, fd, &st) != 0)
		return;
	id->f_dev = st.st_dev;
	id->f_ino = st.st_ino;
	id->f_size = (uint64_t)st.st_size;
	id->f_sec = st.st_ctime;
	id->f_nsec = st.st_ctime_nsec;
}

static int
is_this(struct hj_sites *st, const struct hj_fileid *id)
{
	/* Acquire pairs with the release in sites_take. */
	return __atomic_load_n(&st->st_state, __ATOMIC_ACQUIRE) == THERE &&
	       memcmp(&st->st_file, id, sizeof(*id)) == 0;
}

/* What is known of a file; NULL: nothing. */
struct hj_sites *
hj_sites_find(const struct hj_fileid *id)
{
	struct hj_sites *st = hj_control->hc_files;

	if (id->f_ino == 0)
		return NULL;
	for (; st < hj_control->hc_files + HJ_NFILES; st++) {
		if (is_this(st, id))
			return st;
		/* They are taken in order. */
		if (st->st_state == FREE)
			break;
	}
	return NULL;
}

/* A new entry; NULL: there is none. */
static struct hj_sites *
sites_take(const struct hj_fileid *id)
{
	struct hj_sites *st = hj_control->hc_files;

	for (; st < hj_control->hc_files + HJ_NFILES; st++) {
		uint32_t state = FREE;

		if (!__atomic_compare_exchange_n(&st->st_state, &state, TAKEN,
			0, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
			continue;
		st->st_file = *id;
		__atomic_store_n(&st->st_state, THERE, __ATOMIC_RELEASE);
		return st;
	}
	return NULL;
}

struct hj_sites *
hj_sites_get(const struct hj_fileid *id)
{
	struct hj_sites *st = hj_sites_find(id);

	return st != NULL || id->f_ino == 0 ? st : sites_take(id);
}

/*
 * At `at' in a file a call is made, by its number, or something is asked whose
 * answer is known (HJ_GAP_ANSWER).
 */
void
hj_sites_note(const struct hj_fileid *id, unsigned long at, unsigned long nr,
    uint32_t how)
{
	struct hj_sites *st;
	uint32_t n;

	if (at == 0 || at > UINT32_MAX || (st = hj_sites_get(id)) == NULL)
		return;
	for (n = 0; n < HJ_NSITES; n++) {
		if (st->st_sites[n].s_call == at)
			return;
	}
	if (st->st_count >= HJ_NSITES)
		return;
	n = __atomic_fetch_add(&st->st_count, 1, __ATOMIC_RELAXED);
	if (n >= HJ_NSITES)
		return;
	st->st_sites[n].s_nr = (uint32_t)nr;
	st->st_sites[n].s_gap = how;
	/* Pairs with the acquire in patch.c. */
	__atomic_store_n(
	    &st->st_sites[n].s_call, (uint32_t)at, __ATOMIC_RELEASE);
}
