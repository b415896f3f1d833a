/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Requests of the device that counts.
 */
#include <sys/ioctl.h>

#include <stdint.h>

#define COUNTER_GET _IOR('z', 1, int64_t)
#define COUNTER_SET _IOW('z', 2, int64_t)
