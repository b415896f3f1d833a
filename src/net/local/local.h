/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The domain of AF_UNIX: sockets between processes of this kernel.
 */
#ifndef NET_LOCAL_LOCAL_H
#define NET_LOCAL_LOCAL_H

struct domain;

extern const struct domain local_domain;

#endif /* NET_LOCAL_LOCAL_H */
