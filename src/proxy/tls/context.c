/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What all connections of a server or client have in common.
 */
#include "proxy/tls/tls.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

void
tls_why(char *why, size_t size, const char *what)
{
	unsigned long code = ERR_peek_error();
	const char *reason = ERR_reason_error_string(code);

	if (code != 0 && ERR_SYSTEM_ERROR(code))
		reason = strerror(ERR_GET_REASON(code));
	else if (ERR_GET_LIB(code) == ERR_LIB_SSL &&
		 ERR_GET_REASON(code) == SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE)
		reason = "the other end does not believe who this is";
	else if (ERR_GET_LIB(code) == ERR_LIB_OSSL_DECODER)
		reason = "has no private key in it";
	if (reason == NULL)
		reason = "no TLS";
	if (what != NULL)
		(void)snprintf(why, size, "%s: %s", what, reason);
	else
		(void)snprintf(why, size, "%s", reason);
	ERR_clear_error();
}

/*
 * The socket
 */

static int
socket_done(BIO *bio, int error, size_t n, bool reading)
{
	struct tls *t = BIO_get_data(bio);

	BIO_clear_retry_flags(bio);
	t->t_blocked = error == EAGAIN;
	if (error == 0)
		return (int)n;
	if (t->t_blocked && reading)
		BIO_set_retry_read(bio);
	else if (t->t_blocked)
		BIO_set_retry_write(bio);
	return -1;
}

static int
socket_read(BIO *bio, char *buf, int len)
{
	struct tls *t = BIO_get_data(bio);
	size_t n = (size_t)len;
	int error = t->t_context->tc_setup.ts_recv(t->t_fd, buf, &n);

	return socket_done(bio, error, n, true);
}

static int
socket_write(BIO *bio, const char *buf, int len)
{
	struct tls *t = BIO_get_data(bio);
	size_t n = (size_t)len;
	int error = t->t_context->tc_setup.ts_send(t->t_fd, buf, &n);

	return socket_done(bio, error, n, false);
}

static long
socket_control(BIO *bio, int cmd, long num, void *ptr)
{
	(void)bio, (void)num, (void)ptr;
	return cmd == BIO_CTRL_FLUSH;
}

BIO_METHOD *
socket_method(void)
{
	BIO_METHOD *method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "rump");

	if (method == NULL || BIO_meth_set_read(method, socket_read) != 1 ||
	    BIO_meth_set_write(method, socket_write) != 1 ||
	    BIO_meth_set_ctrl(method, socket_control) != 1) {
		BIO_meth_free(method);
		return NULL;
	}
	return method;
}

/*
 * Certificates
 */

static int
setup_certificate(SSL_CTX *ctx, const struct tls_setup *ts, char *why, size_t n)
{
	const char *key = ts->ts_key != NULL ? ts->ts_key : ts->ts_cert;

	if (SSL_CTX_use_certificate_chain_file(ctx, ts->ts_cert) != 1) {
		tls_why(why, n, ts->ts_cert);
		return EINVAL;
	}
	if (SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) != 1) {
		tls_why(why, n, key);
		return EINVAL;
	}
	return 0;
}

/* The certificate of a server is one of its name, or of its address. */
static int
setup_name(SSL_CTX *ctx, const char *name)
{
	X509_VERIFY_PARAM *param = SSL_CTX_get0_param(ctx);

	if (X509_VERIFY_PARAM_set1_ip_asc(param, name) == 1)
		return 0;
	ERR_clear_error();
	return X509_VERIFY_PARAM_set1_host(param, name, 0) == 1 ? 0 : EINVAL;
}

static int
setup_verify(SSL_CTX *ctx, const struct tls_setup *ts, char *why, size_t n)
{
	/* Nobody is believed without one, but by a pre-shared key. */
	SSL_CTX_set_verify(
	    ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	if (ts->ts_ca != NULL &&
	    SSL_CTX_load_verify_locations(ctx, ts->ts_ca, NULL) != 1) {
		tls_why(why, n, ts->ts_ca);
		return EINVAL;
	}
	if (ts->ts_name != NULL && setup_name(ctx, ts->ts_name) != 0) {
		tls_why(why, n, ts->ts_name);
		return EINVAL;
	}
	return 0;
}

/*
 * Both
 */

/* Sessions end with their connections: no tickets, nothing to resume. */
static void
setup_protocol(SSL_CTX *ctx)
{
	(void)SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION);
	(void)SSL_CTX_set_num_tickets(ctx, 0);
	(void)SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	(void)SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
	(void)SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE |
					SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
}

static int
setup_context(
    struct tls_context *tc, const struct tls_setup *ts, char *why, size_t size)
{
	int error = 0;

	tc->tc_setup = *ts;
	(void)snprintf(tc->tc_identity, sizeof(tc->tc_identity), "%s",
	    ts->ts_identity != NULL ? ts->ts_identity : "");
	tc->tc_socket = socket_method();
	tc->tc_ssl = SSL_CTX_new(
	    ts->ts_server ? TLS_server_method() : TLS_client_method());
	if (tc->tc_socket == NULL || tc->tc_ssl == NULL) {
		tls_why(why, size, NULL);
		return ENOMEM;
	}
	setup_protocol(tc->tc_ssl);
	psk_prepare(tc);
	if (ts->ts_cert != NULL)
		error = setup_certificate(tc->tc_ssl, ts, why, size);
	return error != 0 ? error : setup_verify(tc->tc_ssl, ts, why, size);
}

int
tls_setup(const struct tls_setup *ts, struct tls_context **tcp, char *why,
    size_t size)
{
	struct tls_context *tc;
	int error;

	/* Connections last until the host process has ended. */
	(void)OPENSSL_init_ssl(OPENSSL_INIT_NO_ATEXIT, NULL);
	tc = OPENSSL_zalloc(sizeof(*tc));

	if (tc == NULL) {
		tls_why(why, size, NULL);
		return ENOMEM;
	}
	if ((error = setup_context(tc, ts, why, size)) != 0)
		tls_finish(tc);
	else
		*tcp = tc;
	return error;
}

void
tls_finish(struct tls_context *tc)
{
	SSL_CTX_free(tc->tc_ssl);
	BIO_meth_free(tc->tc_socket);
	OPENSSL_clear_free(tc, sizeof(*tc));
}
