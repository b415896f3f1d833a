/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A component for tests that requires another.
 */
#include <stddef.h>

#include <rump/rump_component.h>

static int32_t more = 7;

static const struct rump_sysctl nodes[] = {
    {"test", "more", RUMP_CTLTYPE_INT, "in the other's node", &more, 0},
};

static int
needy_init(struct rump_module *self)
{
	return rump_component_sysctl(self, nodes, 1);
}

RUMP_COMPONENT = {
    .rc_version = RUMP_COMPONENT_VERSION,
    .rc_name = "needy",
    .rc_requires = "counter",
    .rc_init = needy_init,
};
