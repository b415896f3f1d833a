/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * TLS 1.3 for streams, as both ends use it: librumptls, which alone needs
 * OpenSSL, has one table of this type by the name of TLS_SYMBOL.  It is loaded
 * by who needs it, so that nobody else depends on OpenSSL.
 *
 * Nothing here waits.  One thread at a time may use a connection.
 */
#ifndef PROXY_TLS_H
#define PROXY_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TLS_LIBRARY "librumptls.so.0"
#define TLS_SYMBOL  "rump_tls_ops"
#define TLS_VERSION 1u

#define TLS_NAMEMOST 64u /* of an identity, with its NUL */
#define TLS_KEYMOST  64u /* bytes of a pre-shared key */

/* What connections are to be like; strings are used at once. */
struct tls_setup {
	bool ts_server;
	/* Files in PEM; NULL: none. */
	const char *ts_cert, *ts_key;
	const char *ts_ca; /* who signs certificates of the other end */
	/* A client's: the server's certificate has this name or address. */
	const char *ts_name;
	/* A client's: who it is by a pre-shared key; NULL: by certificate. */
	const char *ts_identity;
	uint8_t ts_psk[TLS_KEYMOST];
	size_t ts_psklen;
	/* A server's: the key of an identity; false: it has none. */
	bool (*ts_findpsk)(
	    const char *identity, uint8_t key[TLS_KEYMOST], size_t *lenp);
	/*
	 * The socket: as fo_recv and fo_send of frames.h.
	 */
	int (*ts_recv)(int fd, void *buf, size_t *lenp);
	int (*ts_send)(int fd, const void *buf, size_t *lenp);
};

struct tls_context;
struct tls;

struct tls_ops {
	uint32_t to_version; /* TLS_VERSION */

	/* 0, or an errno with words in why. */
	int (*to_setup)(
	    const struct tls_setup *, struct tls_context **, char *why, size_t);
	void (*to_finish)(struct tls_context *);

	/* A connection through a socket; ENOMEM.  end leaves the socket. */
	int (*to_begin)(struct tls_context *, int fd, struct tls **);
	void (*to_end)(struct tls *);

	/*
	 * Go on until both know each other: EAGAIN if more has to come or,
	 * with *outp set, to go first; EACCES with words in why.
	 */
	int (*to_handshake)(struct tls *, bool *outp, char *why, size_t);

	/*
	 * A server's, after that: who the client is, by a pre-shared key
	 * (*pskp) or the common name of a certificate.  EACCES: nobody.
	 */
	int (*to_who)(struct tls *, bool *pskp, char name[TLS_NAMEMOST]);

	/* As those of a socket. */
	int (*to_recv)(struct tls *, void *buf, size_t *lenp);
	/* Is there something that was read from the socket with the last? */
	bool (*to_pending)(struct tls *);
	int (*to_send)(struct tls *, const void *buf, size_t *lenp);
};

#endif /* PROXY_TLS_H */
