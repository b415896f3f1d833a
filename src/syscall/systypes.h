/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where the types of all arguments are, for who needs their sizes.
 */
#ifndef SYSCALL_SYSTYPES_H
#define SYSCALL_SYSTYPES_H

#include <aio.h>
#include <fcntl.h>
#include <mqueue.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <time.h>
#include <utime.h>

#include <linux/openat2.h>
#include <sys/epoll.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysinfo.h>
#include <sys/time.h>
#include <sys/times.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/utsname.h>
#include <sys/wait.h>

#include <rump/rump_event.h>
#include <rump/rump_file.h>
#include <rump/rump_mount.h>
#include <rump/rump_wait.h>

#endif /* SYSCALL_SYSTYPES_H */
