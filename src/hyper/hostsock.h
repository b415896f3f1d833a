/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a server of remote clients needs of its host: sockets, waiting for
 * many descriptors, memory shared with another host process, and host
 * processes that are told of signals.  Only src/proxy calls this.
 *
 * Handles are numbers that the host gave, closed on exec, as in hostfile.h;
 * hyper_file_close closes them.  All functions return 0 or a positive errno of
 * the host's, leave the caller's errno alone and take no lock of the kernel's.
 * Only hyper_events_wait blocks.
 */
#ifndef HYPER_HOSTSOCK_H
#define HYPER_HOSTSOCK_H

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hyper/hyper.h"

/*
 * Listen on a stream socket of the host's file system.  A socket file that
 * nobody listens on any more is replaced.  EADDRINUSE if somebody does,
 * ENAMETOOLONG, and what bind gives.
 */
int hyper_sock_listen(const char *path, int *fdp);

/*
 * Have one that listens already, which somebody else has made.  EINVAL: it does
 * not; EBADF, ENOTSOCK.
 */
int hyper_sock_adopt(int fd);

/*
 * Listen on an address of TCP, in figures, of IPv6 or of IPv4.  loopback:
 * EACCES for others than those that only this machine reaches.  EINVAL: it is
 * no address; and what bind gives.  Connections that are accepted do not wait
 * for more to send, and see that the other machine has gone.
 */
int hyper_sock_listentcp(
    bool v6, const char *address, uint16_t port, bool loopback, int *fdp);

/* Remove the socket's file, if it is still that of fd. */
void hyper_sock_unlink(const char *path, int fd);

/*
 * The next connection; EAGAIN if there is none.  One that there is no handle
 * for is closed: EMFILE, ENFILE.  One thread at a time.
 */
int hyper_sock_accept(int fd, int *newp);

/* Who is at the other end of a socket of the host's file system. */
struct hyper_peer {
	pid_t hp_pid;
	uid_t hp_uid;
	gid_t hp_gid;
	uint32_t hp_ngroups;
	gid_t hp_groups[64]; /* of more than these the rest is left out */
};
int hyper_sock_peer(int fd, struct hyper_peer *peer);

/*
 * Receive or send what is possible now, *lenp bytes at most and then what it
 * was: 0 received is the end of the stream.  With pass a handle goes along,
 * or HYPER_NOFD.  EAGAIN if nothing is possible.  shutdown: both ends see the
 * end of the stream.
 */
#define HYPER_NOFD (-1)
void hyper_sock_shutdown(int fd);
int hyper_sock_recv(int fd, void *buf, size_t *lenp);
int hyper_sock_send(int fd, const void *buf, size_t *lenp, int pass);
int hyper_sock_sendbytes(int fd, const void *buf, size_t *lenp);

/*
 * Waiting for many: a set, what is in it with a word of the caller's, and what
 * is ready.  wait returns at most n events; ms as in poll(2).
 */
#define HYPER_EV_IN  1u
#define HYPER_EV_OUT 2u
#define HYPER_EV_END 4u /* the other end has gone */
struct hyper_event {
	uint64_t he_word;
	uint32_t he_events;
};
int hyper_events_create(int *setp);
int hyper_events_add(int set, int fd, uint32_t events, uint64_t word);
int hyper_events_change(int set, int fd, uint32_t events, uint64_t word);
void hyper_events_remove(int set, int fd);
int hyper_events_wait(int set, struct hyper_event *ev, int n, int ms, int *np);

/*
 * Memory of len bytes, all zero, that another host process can map by the
 * handle and nobody can make shorter.  Pages take memory once they are
 * written.
 */
int hyper_shm_create(size_t len, int *fdp, void **addrp);
void hyper_shm_destroy(void *addr, size_t len);

/*
 * Have memory of the same length in the place of other such memory; have what
 * is written to it from now on be seen by this process alone.
 */
void hyper_shm_move(void *from, void *to, size_t len);
void hyper_shm_part(int fd, void *addr, size_t len);

/*
 * The same for this process alone; destroyed in the same way.  discard: whole
 * pages of it go back to the host, and are zero then.
 */
int hyper_shm_private(size_t len, void **addrp);
void hyper_shm_discard(void *addr, size_t len);

/* Wake whoever sleeps on a word in such memory. */
void hyper_shm_wake(_Atomic uint32_t *addr, int n);

/*
 * A handle of a host process that is ready (HYPER_EV_IN) once it has ended;
 * is it?  And a signal to it: EPERM, ESRCH.
 */
int hyper_process_open(pid_t pid, int *fdp);
bool hyper_process_ended(int fd);
int hyper_process_signal(int fd, int signo);

/* The user that this host process runs as. */
uid_t hyper_uid(void);

/* As many handles as the host allows. */
void hyper_handles_raise(void);

#endif /* HYPER_HOSTSOCK_H */
