/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SIGIO.
 */
#include "async.h"

const struct script sigio_scripts[] = {
    {NULL, NULL},
};
