/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pre-shared keys.  To TLS 1.3 each is a session that both have from
 * elsewhere, of a cipher with SHA-256.
 */
#include "proxy/tls/tls.h"

#include <string.h>

/* TLS_AES_128_GCM_SHA256 */
static const unsigned char cipher_id[] = {0x13, 0x01};

/* Sessions without the server's are none of it. */
static const unsigned char session_context[] = "rump";

static SSL_SESSION *
psk_session(SSL *ssl, const uint8_t *key, size_t len)
{
	const SSL_CIPHER *cipher = SSL_CIPHER_find(ssl, cipher_id);
	SSL_SESSION *session = SSL_SESSION_new();

	if (cipher == NULL || session == NULL ||
	    SSL_SESSION_set1_master_key(session, key, len) != 1 ||
	    SSL_SESSION_set_cipher(session, cipher) != 1 ||
	    SSL_SESSION_set_protocol_version(session, TLS1_3_VERSION) != 1 ||
	    SSL_SESSION_set1_id_context(
		session, session_context, sizeof(session_context)) != 1) {
		SSL_SESSION_free(session);
		return NULL;
	}
	return session;
}

/* The client's, if the server may use a cipher with that hash. */
static int
psk_use(SSL *ssl, const EVP_MD *md, const unsigned char **id, size_t *idlen,
    SSL_SESSION **sessionp)
{
	struct tls *t = SSL_get_app_data(ssl);
	const struct tls_setup *ts = &t->t_context->tc_setup;

	*sessionp = NULL;
	if (md != NULL && EVP_MD_get_type(md) != NID_sha256)
		return 1;
	if ((*sessionp = psk_session(ssl, ts->ts_psk, ts->ts_psklen)) == NULL)
		return 0;
	*id = (const unsigned char *)t->t_context->tc_identity;
	*idlen = strlen(t->t_context->tc_identity);
	return 1;
}

/* The server's: whom nobody knows may have a certificate. */
static int
psk_find(
    SSL *ssl, const unsigned char *id, size_t idlen, SSL_SESSION **sessionp)
{
	struct tls *t = SSL_get_app_data(ssl);
	uint8_t key[TLS_KEYMOST];
	size_t len;

	*sessionp = NULL;
	if (idlen == 0 || idlen >= sizeof(t->t_identity) ||
	    memchr(id, '\0', idlen) != NULL)
		return 1;
	memcpy(t->t_identity, id, idlen);
	t->t_identity[idlen] = '\0';
	if (!t->t_context->tc_setup.ts_findpsk(t->t_identity, key, &len))
		return 1;
	*sessionp = psk_session(ssl, key, len);
	OPENSSL_cleanse(key, sizeof(key));
	return *sessionp != NULL;
}

void
psk_prepare(struct tls_context *tc)
{
	(void)SSL_CTX_set_session_id_context(
	    tc->tc_ssl, session_context, sizeof(session_context));
	if (tc->tc_setup.ts_server && tc->tc_setup.ts_findpsk != NULL)
		SSL_CTX_set_psk_find_session_callback(tc->tc_ssl, psk_find);
	if (tc->tc_setup.ts_server || tc->tc_identity[0] == '\0')
		return;
	SSL_CTX_set_psk_use_session_callback(tc->tc_ssl, psk_use);
	/* With another hash the server would want a certificate instead. */
	(void)SSL_CTX_set_ciphersuites(
	    tc->tc_ssl, "TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256");
}
