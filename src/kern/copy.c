/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copying of more than a few bytes.
 *
 * For this a C library may have an instruction (rep movsb), during which the
 * processor does nothing else.  In a loop of wide moves it does what comes
 * before and after at the same time.
 */
#include "kern/uio.h"

/* A C library has such loops for shorter pieces. */
static void
copy_pieces(char *to, const char *from, size_t n)
{
	/* Not a constant, for which the compiler has instructions, too. */
	size_t step = UIO_STEP;

	__asm__("" : "+r"(step));
	for (; n > step; n -= step, to += step, from += step)
		memcpy(to, from, step);
	memcpy(to, from, n);
}

#if defined(__x86_64__)
typedef uint64_t wide_t __attribute__((vector_size(32), aligned(1), may_alias));

/* So many are moved in one round. */
#define WIDES 4

static inline __attribute__((always_inline, target("avx"))) void
wides_move(char *to, const char *from)
{
	const wide_t *f = (const wide_t *)from;
	wide_t *t = (wide_t *)to;
	wide_t a = f[0], b = f[1], c = f[2], d = f[3];

	t[0] = a;
	t[1] = b;
	t[2] = c;
	t[3] = d;
}

/*
 * No move of the rounds crosses a line of the target: what comes before the
 * first line and after the last round is moved apart.
 */
static __attribute__((target("avx"))) void
copy_wide(char *to, const char *from, size_t n)
{
	const size_t round = WIDES * sizeof(wide_t);
	char *last = to + n - round;
	size_t skip = -(uintptr_t)to % sizeof(wide_t);

	*(wide_t *)to = *(const wide_t *)from;
	wides_move(last, from + n - round);
	for (from += skip, to += skip; to < last; from += round, to += round)
		wides_move(to, from);
}

void
copy_large(char *to, const char *from, size_t n)
{
	KASSERT(n > UIO_STEP);
	if (likely(hyper_wide))
		copy_wide(to, from, n);
	else
		copy_pieces(to, from, n);
}
#else
void
copy_large(char *to, const char *from, size_t n)
{
	copy_pieces(to, from, n);
}
#endif
