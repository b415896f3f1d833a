/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What vfs_race.c does, on an overlay: all that there is at first is in its
 * lower layer.
 */
#define OVERLAID true

#include "vfs_race.c"
