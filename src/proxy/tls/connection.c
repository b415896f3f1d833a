/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A connection: made known to both ends, then bytes.
 */
#include "proxy/tls/tls.h"

#include <errno.h>
#include <openssl/err.h>
#include <stdio.h>
#include <string.h>

static void
tls_end(struct tls *t)
{
	SSL_free(t->t_ssl);
	OPENSSL_free(t);
}

/* OpenSSL has the socket through this; it goes with the connection. */
static int
tls_attach(struct tls *t)
{
	BIO *bio = BIO_new(t->t_context->tc_socket);

	if (bio == NULL)
		return ENOMEM;
	BIO_set_data(bio, t);
	BIO_set_init(bio, 1);
	SSL_set_bio(t->t_ssl, bio, bio);
	return 0;
}

static int
tls_begin(struct tls_context *tc, int fd, struct tls **tp)
{
	struct tls *t = OPENSSL_zalloc(sizeof(*t));

	if (t == NULL)
		return ENOMEM;
	t->t_context = tc;
	t->t_fd = fd;
	if ((t->t_ssl = SSL_new(tc->tc_ssl)) == NULL || tls_attach(t) != 0) {
		tls_end(t);
		ERR_clear_error();
		return ENOMEM;
	}
	SSL_set_app_data(t->t_ssl, t);
	if (tc->tc_setup.ts_server)
		SSL_set_accept_state(t->t_ssl);
	else
		SSL_set_connect_state(t->t_ssl);
	*tp = t;
	return 0;
}

static int
tls_handshake(struct tls *t, bool *outp, char *why, size_t size)
{
	int result;

	ERR_clear_error();
	if ((result = SSL_do_handshake(t->t_ssl)) == 1)
		return 0;
	result = SSL_get_error(t->t_ssl, result);
	*outp = result == SSL_ERROR_WANT_WRITE;
	if (*outp || result == SSL_ERROR_WANT_READ)
		return EAGAIN;
	if (ERR_peek_error() == 0)
		(void)snprintf(why, size, "the other end has gone");
	else
		tls_why(why, size, NULL);
	return EACCES;
}

/* The only common name, and nothing that looks like one. */
static int
common_name(X509 *cert, char name[TLS_NAMEMOST])
{
	X509_NAME *subject = X509_get_subject_name(cert);
	unsigned char *text = NULL;
	int i, len, error = EACCES;

	i = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
	if (i < 0 ||
	    X509_NAME_get_index_by_NID(subject, NID_commonName, i) >= 0)
		return EACCES;
	len = ASN1_STRING_to_UTF8(
	    &text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, i)));
	if (len > 0 && len < (int)TLS_NAMEMOST &&
	    memchr(text, '\0', (size_t)len) == NULL) {
		memcpy(name, text, (size_t)len);
		name[len] = '\0';
		error = 0;
	}
	OPENSSL_free(text);
	return error;
}

static int
tls_who(struct tls *t, bool *pskp, char name[TLS_NAMEMOST])
{
	X509 *cert;
	int error;

	/* That a key was asked for does not say that it was used. */
	*pskp = SSL_session_reused(t->t_ssl) == 1;
	if (*pskp) {
		memcpy(name, t->t_identity, TLS_NAMEMOST);
		return 0;
	}
	if (SSL_get_verify_result(t->t_ssl) != X509_V_OK ||
	    (cert = SSL_get1_peer_certificate(t->t_ssl)) == NULL)
		return EACCES;
	error = common_name(cert, name);
	X509_free(cert);
	return error;
}

/* What a transfer that has failed is. */
static int
transfer_error(struct tls *t, int result)
{
	int error;

	switch (SSL_get_error(t->t_ssl, result)) {
	case SSL_ERROR_WANT_READ:
	case SSL_ERROR_WANT_WRITE:
		return EAGAIN;
	case SSL_ERROR_ZERO_RETURN:
		return 0;
	case SSL_ERROR_SSL:
		/* An alert, for one: the server does not believe us. */
		error = ERR_GET_REASON(ERR_peek_error()) >= SSL_AD_REASON_OFFSET
			    ? EACCES
			    : EPROTO;
		ERR_clear_error();
		return error;
	default:
		ERR_clear_error();
		return ECONNRESET;
	}
}

static int
tls_recv(struct tls *t, void *buf, size_t *lenp)
{
	size_t n = 0;
	int result;

	ERR_clear_error();
	result = SSL_read_ex(t->t_ssl, buf, *lenp, &n);
	*lenp = n;
	return result == 1 ? 0 : transfer_error(t, result);
}

static bool
tls_pending(struct tls *t)
{
	return SSL_pending(t->t_ssl) > 0;
}

/*
 * Handlers of signals of the host send, and one of them may have interrupted
 * malloc: so nothing here that allocates, as the thread's queue of errors does,
 * unless the connection fails.
 */
static int
tls_send(struct tls *t, const void *buf, size_t *lenp)
{
	size_t n = 0;
	int result, error;

	t->t_blocked = false;
	result = SSL_write_ex(t->t_ssl, buf, *lenp, &n);
	*lenp = n;
	if (result == 1)
		return 0;
	if (t->t_blocked)
		return EAGAIN;
	error = transfer_error(t, result);
	return error == 0 ? ECONNRESET : error;
}

__attribute__((visibility("default"))) extern const struct tls_ops rump_tls_ops;

const struct tls_ops rump_tls_ops = {
    .to_version = TLS_VERSION,
    .to_setup = tls_setup,
    .to_finish = tls_finish,
    .to_begin = tls_begin,
    .to_end = tls_end,
    .to_handshake = tls_handshake,
    .to_who = tls_who,
    .to_recv = tls_recv,
    .to_pending = tls_pending,
    .to_send = tls_send,
};
