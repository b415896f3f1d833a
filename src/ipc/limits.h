/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Limits, which are Linux's defaults, and cannot be changed.
 */
#ifndef IPC_LIMITS_H
#define IPC_LIMITS_H

/* Message queues of POSIX: queues, and of one; root's are higher. */
#define MQ_QUEUES   256
#define MQ_MAXMSG   10
#define MQ_MSGSIZE  8192
#define MQ_HARDMSG  65536
#define MQ_HARDSIZE 16777216

/* System V: sets, semaphores of a set and of all, operations of a call. */
#define SEM_SETS   32000
#define SEM_SETMAX 32000
#define SEM_ALL	   1024000000
#define SEM_OPS	   500

/* Queues, bytes of a message and of a queue. */
#define MSG_QUEUES 32000
#define MSG_MOST   8192
#define MSG_BYTES  16384

/* Segments, bytes of one. */
#define SHM_SEGS 4096
#define SHM_MOST 18446744073692774399UL

#endif /* IPC_LIMITS_H */
