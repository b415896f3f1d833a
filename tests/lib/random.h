/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Numbers at random, the same each time for a seed, for a test of one host
 * thread; and its end when the host refuses something.
 */
#ifndef TESTS_LIB_RANDOM_H
#define TESTS_LIB_RANDOM_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* xorshift64* */
static uint64_t rnd_state;

static inline void
rnd_seed(uint64_t seed)
{
	rnd_state = seed * 0x9e3779b97f4a7c15ULL + 1;
}

/* From 0 to n - 1. */
static inline uint32_t
rnd(uint32_t n)
{
	rnd_state ^= rnd_state << 13;
	rnd_state ^= rnd_state >> 7;
	rnd_state ^= rnd_state << 17;
	return (uint32_t)((rnd_state * 0x2545f4914f6cdd1dULL) >> 33) % n;
}

static inline void
host_refuses(const char *what)
{
	perror(what);
	exit(2);
}

#endif /* TESTS_LIB_RANDOM_H */
