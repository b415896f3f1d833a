/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * librumphijack: what its files have in common.
 */
#ifndef HIJACK_PRELOAD_PRELOAD_H
#define HIJACK_PRELOAD_PRELOAD_H

#include <stdbool.h>

#include "hijack/hijack.h"

/* Say on standard error what is wrong, and end the program. */
void preload_fail(const char *format, ...)
    __attribute__((noreturn, format(printf, 1, 2)));

/*
 * What RUMPHIJACK and RUMPHIJACK_RETRYCONNECT say; NULL: they are not there.
 * False if nothing is to be the kernel's.  Who has written what does not mean
 * anything is told, and the program ends.
 */
bool rules_parse(struct hj_rules *, const char *rules, const char *retry);

#endif
