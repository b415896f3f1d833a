/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the engine counted, as text.  Calls that the kernel did not answer are
 * the host's or, by their rule, the engine's or refused.
 */
#include <inttypes.h>
#include <string.h>

#include "hijack/launch/launch.h"
#include "hostnames.h"

#define NNAMES (sizeof(hj_names) / sizeof(hj_names[0]))

void
hijack_report(const struct hj_control *c, FILE *to)
{
	fprintf(to,
	    "programs %" PRIu64 ", calls by trap %" PRIu64 ", by jump %" PRIu64
	    ", sites patched %" PRIu64 "\n",
	    c->hc_execs, c->hc_traps, c->hc_jumps, c->hc_sites);
	fprintf(to, "unknown %" PRIu64 ", 32-bit %" PRIu64 "\n", c->hc_unknown,
	    c->hc_foreign);
	fprintf(to, "%10s  %10s  %-10s call\n", "kernel", "others", "rule");
	for (size_t i = 0; i < NNAMES && i < HJ_NCALLS; i++) {
		if (c->hc_calls[i] == 0)
			continue;
		fprintf(to, "%10" PRIu64 "  %10" PRIu64 "  %-10s %s\n",
		    c->hc_kernel[i], c->hc_calls[i] - c->hc_kernel[i],
		    hj_names[i].rule, hj_names[i].name);
	}
}
