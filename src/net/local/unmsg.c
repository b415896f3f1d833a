/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Messages: their memory, and what they count for.
 */
#include "net/local/unsock.h"

struct kcache *unmsg_cache;

void
unmsg_init(void)
{
	unmsg_cache = kcache_init("unmsg", sizeof(struct unmsg), CACHE_LINE, 0);
}

struct unmsg *
unmsg_alloc(uint32_t len, uint32_t cost)
{
	struct unmsg *m = kcache_alloc(unmsg_cache);

	if (unlikely(m == NULL))
		return NULL;
	memset(m, 0, offsetof(struct unmsg, um_inline));
	m->um_data = m->um_inline;
	m->um_len = len;
	m->um_cost = cost;
	m->um_ident = (struct unident){0, (uid_t)-1, (gid_t)-1};
	if (len > UNMSG_INLINE && (m->um_data = kmem_alloc(len)) == NULL) {
		kcache_free(unmsg_cache, m);
		return NULL;
	}
	return m;
}

void
unmsg_free(struct unmsg *m)
{
	if (m->um_rights != NULL) {
		ungc_arrive(m->um_rights);
		unrights_drop(m->um_rights);
	}
	if (m->um_from != NULL)
		unsock_rele(m->um_from);
	if (m->um_data != m->um_inline)
		kmem_free(m->um_data, m->um_len);
	kcache_free(unmsg_cache, m);
}

void
unmsgs_free(struct unmsgs *list)
{
	struct unmsg *m;

	while ((m = TAILQ_FIRST(list)) != NULL) {
		TAILQ_REMOVE(list, m, um_link);
		unmsg_free(m);
	}
}

int
unmsg_fill(struct unmsg *m, struct uio *uio)
{
	size_t resid = uio->uio_resid;
	int error = uiomove(m->um_data, m->um_len, uio);

	if (unlikely(error != 0))
		uio->uio_resid = resid;
	return error;
}

void
unmsg_append(struct unsock *us, struct unmsg *m)
{
	KASSERT(unsock_owned(us));
	TAILQ_INSERT_TAIL(&us->us_queue, m, um_link);
	us->us_qlen++;
}

void
unmsg_unlink(struct unsock *us, struct unmsg *m)
{
	KASSERT(unsock_owned(us));
	TAILQ_REMOVE(&us->us_queue, m, um_link);
	us->us_qlen--;
}

/*
 * Cost
 *
 * On Linux a message is a head, a buffer with some room of its own at the end
 * that the allocator rounds up to a power of two, and whole pages of what the
 * buffer does not have.
 */

#define COST_HEAD  256u
#define COST_TAIL  320u
#define COST_LEAST 512u

/* What the buffers of the two kinds hold, and pages behind them. */
#define STREAM_LINEAR (KPAGE_SIZE - COST_TAIL)
#define STREAM_PAGES  (8u * KPAGE_SIZE)
#define DGRAM_LINEAR  (4u * KPAGE_SIZE - COST_TAIL)
#define DGRAM_PAGES   (17u * KPAGE_SIZE)

static uint32_t
roundup_page(uint32_t n)
{
	return (n + KPAGE_SIZE - 1) & ~(uint32_t)(KPAGE_SIZE - 1);
}

/* paged of the len bytes are in pages. */
static uint32_t
cost(uint32_t len, uint32_t paged)
{
	uint32_t need = ((len - paged + 63) & ~63u) + COST_TAIL;
	uint32_t size = COST_LEAST;

	while (size < need)
		size *= 2;
	return COST_HEAD + size + roundup_page(paged);
}

uint32_t
unmsg_cost_stream(uint32_t len)
{
	uint32_t paged = 0;

	if (likely(len <= 192))
		return COST_HEAD + COST_LEAST;
	if (len > STREAM_LINEAR)
		paged = roundup_page(len - STREAM_LINEAR);
	return cost(len, paged < len ? paged : len);
}

uint32_t
unmsg_most_stream(const struct unsock *us)
{
	uint32_t most = (uint32_t)(us->us_so.so_sndbuf / 2 - 64);

	return most < STREAM_LINEAR + STREAM_PAGES
		   ? most
		   : STREAM_LINEAR + STREAM_PAGES;
}

uint32_t
unmsg_cost_dgram(uint32_t len)
{
	uint32_t paged = 0;

	if (len > DGRAM_LINEAR)
		paged = roundup_page(len - DGRAM_LINEAR < DGRAM_PAGES
					 ? len - DGRAM_LINEAR
					 : DGRAM_PAGES);
	return cost(len, paged);
}
