/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calls that are made by the instruction itself: what they must leave alone is
 * left alone, and any argument gets to where it is wanted.
 */
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "machine.h"

#define TIMES 100 /* enough for the site to be patched */

static void
test_registers(void)
{
	uint64_t in[NREGS], out[NREGS];
	int bad = 0;

	for (int n = 0; n < TIMES; n++) {
		for (int i = 0; i < NREGS; i++)
			in[i] = 0x0123456789abcdefU * (uint64_t)(n + i + 1);
		memset(out, 0, sizeof(out));
		raw_call(SYS_getppid, in, out);
		bad += out[0] != (uint64_t)getppid();
		bad += memcmp(in + 1, out + 1, sizeof(in) - sizeof(in[0])) != 0;
	}
	printf("registers: %d wrong\n", bad);
}

/*
 * Small negative numbers as the first argument: that is where some hosts have
 * the result, in which they mean something to the host itself.
 */
static void
test_numbers(void)
{
	struct timespec ts;

	for (long i = -520; i < -508; i++)
		printf("%ld: %ld %ld\n", i, syscall(SYS_clock_gettime, i, &ts),
		    syscall(SYS_umask, i) & syscall(SYS_umask, 022));
}

int
main(void)
{
	test_registers();
	test_numbers();
	return 0;
}
