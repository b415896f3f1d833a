/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Between the files of librumptls.
 */
#ifndef PROXY_TLS_TLS_H
#define PROXY_TLS_TLS_H

#include <openssl/ssl.h>

#include "proxy/tls.h"

struct tls_context {
	SSL_CTX *tc_ssl;
	BIO_METHOD *tc_socket;
	struct tls_setup tc_setup; /* without its strings, but this one */
	char tc_identity[TLS_NAMEMOST];
};

struct tls {
	SSL *t_ssl;
	struct tls_context *t_context;
	int t_fd;
	bool t_blocked;		       /* the socket has nothing, or no room */
	char t_identity[TLS_NAMEMOST]; /* whose key was asked for */
};

/* context.c: the socket of a connection as OpenSSL sees it. */
BIO_METHOD *socket_method(void);

/* What went wrong last, in words. */
void tls_why(char *why, size_t size, const char *what);

/* psk.c: pre-shared keys, as a server or a client has them. */
void psk_prepare(struct tls_context *);

/* context.c */
int
tls_setup(const struct tls_setup *, struct tls_context **, char *why, size_t);
void tls_finish(struct tls_context *);

#endif /* PROXY_TLS_TLS_H */
