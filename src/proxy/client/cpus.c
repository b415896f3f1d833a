/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where a client's threads run; see core.h.
 */
#include "proxy/client/core.h"

#include <asm/unistd.h>
#include <string.h>

#include "proxy/client/sysraw.h"

static uint64_t
cpu_bit(unsigned cpu)
{
	return UINT64_C(1) << cpu % 64;
}

static void
cpus_set(const struct spc_cpus *cs)
{
	(void)sysraw3(
	    SYS_sched_setaffinity, 0, cs->sc_size, SYSRAW_P(cs->sc_bits));
}

unsigned
spc_cpu(void)
{
	unsigned cpu = SPC_NOCPU;

	(void)sysraw3(SYS_getcpu, SYSRAW_P(&cpu), 0, 0);
	return cpu < SPC_NOCPU ? cpu : SPC_NOCPU;
}

static bool
cpus_get(struct spc_cpus *cs)
{
	memset(cs, 0, sizeof(*cs));
	cs->sc_size = sysraw3(SYS_sched_getaffinity, 0, sizeof(cs->sc_bits),
	    SYSRAW_P(cs->sc_bits));
	if (cs->sc_size < 0)
		cs->sc_size = 0;
	return cs->sc_size != 0;
}

void
spc_cpus_restore(const struct spc_cpus *was)
{
	if (was->sc_size != 0)
		cpus_set(was);
}

void
spc_cpus_stay(struct spc_cpus *was)
{
	unsigned cpu = spc_cpu();
	struct spc_cpus one;

	was->sc_size = 0;
	if (cpu == SPC_NOCPU || !cpus_get(was))
		return;
	memset(&one, 0, sizeof(one));
	one.sc_size = was->sc_size;
	one.sc_bits[cpu / 64] = cpu_bit(cpu);
	cpus_set(&one);
}

void
spc_cpus_leave(unsigned cpu)
{
	struct spc_cpus all, others;

	if (!cpus_get(&all))
		return;
	others = all;
	others.sc_bits[cpu / 64] &= ~cpu_bit(cpu);
	/* Fails if there is no other. */
	cpus_set(&others);
	cpus_set(&all);
}
