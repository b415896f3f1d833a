/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the engine counted, as text.  Calls that the kernel did not answer are
 * the host's or, by their rule, the engine's or refused.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#include "hijack/launch/launch.h"
#include "hostnames.h"

#define NNAMES (sizeof(hj_names) / sizeof(hj_names[0]))

/* Is a call of this rule answered with an errno, by nobody? */
static bool
is_refused(const char *rule)
{
	return rule[0] == 'E';
}

/* How many calls became what. */
static void
report_sums(const struct hj_control *c, FILE *to)
{
	uint64_t kernel = 0, others = 0, refused = 0;

	for (size_t i = 0; i < NNAMES && i < HJ_NCALLS; i++) {
		/* Numbers that are not in the table have no rule. */
		if (c->hc_calls[i] == 0)
			continue;
		kernel += c->hc_kernel[i];
		if (is_refused(hj_names[i].rule))
			refused += c->hc_calls[i] - c->hc_kernel[i];
		else
			others += c->hc_calls[i] - c->hc_kernel[i];
	}
	fprintf(to,
	    "kernel %" PRIu64 ", host or engine %" PRIu64 ", refused %" PRIu64
	    ", unknown %" PRIu64 ", 32-bit %" PRIu64 "\n",
	    kernel, others, refused, c->hc_unknown, c->hc_foreign);
}

void
hijack_report(const struct hj_control *c, FILE *to)
{
	fprintf(to,
	    "programs %" PRIu64 ", calls by trap %" PRIu64 ", by jump %" PRIu64
	    ", sites patched %" PRIu64 "\n",
	    c->hc_execs, c->hc_traps, c->hc_jumps, c->hc_sites);
	report_sums(c, to);
	fprintf(to, "%10s  %10s  %-10s call\n", "kernel", "others", "rule");
	for (size_t i = 0; i < NNAMES && i < HJ_NCALLS; i++) {
		if (c->hc_calls[i] == 0)
			continue;
		fprintf(to, "%10" PRIu64 "  %10" PRIu64 "  %-10s %s\n",
		    c->hc_kernel[i], c->hc_calls[i] - c->hc_kernel[i],
		    hj_names[i].rule, hj_names[i].name);
	}
}
