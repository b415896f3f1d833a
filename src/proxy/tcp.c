/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Servers for clients from elsewhere: what rump_server_settcp has said, and the
 * library that has TLS.
 *
 * All of this is written before the server starts.
 */
#include <stdio.h>

#include <rump/rump_server.h>

#include "proxy/proxy.h"

#include "hyper/hyper.h"
#include "hyper/library.h"

static struct {
	const struct tls_ops *tcp_ops; /* NULL: no TLS */
	struct tls_context *tcp_context;
	bool tcp_plain;
	bool tcp_ready;
} tcp;

const struct tls_ops *
tcp_tls(struct tls_context **contextp)
{
	*contextp = tcp.tcp_context;
	return tcp.tcp_ops;
}

int
tcp_listen(const struct url *u, int *fdp)
{
	if (!tcp.tcp_ready)
		return EACCES;
	return hyper_sock_listentcp(
	    u->u_kind == URL_TCP6, u->u_path, u->u_port, tcp.tcp_plain, fdp);
}

static int
tls_load(char *why, size_t size)
{
	const char *path = hyper_getenv("RUMP_TLS_LIBRARY");
	const struct tls_ops *ops;
	const void *symbol;
	void *library;
	int error;

	error = hyper_library_open(path != NULL ? path : TLS_LIBRARY,
	    TLS_SYMBOL, &library, &symbol, why, size);
	if (error != 0)
		return ELIBACC;
	ops = symbol;
	if (ops->to_version != TLS_VERSION) {
		(void)snprintf(why, size, "%s: of another version",
		    path != NULL ? path : TLS_LIBRARY);
		hyper_library_close(library);
		return ELIBBAD;
	}
	tcp.tcp_ops = ops;
	return 0;
}

static int
tls_start(const struct rump_server_tcp *st, char *why, size_t size)
{
	const struct tls_setup ts = {
	    .ts_server = true,
	    .ts_cert = st->rst_cert,
	    .ts_key = st->rst_key,
	    .ts_ca = st->rst_ca,
	    .ts_findpsk = users_findkey,
	    .ts_recv = hyper_sock_recv,
	    .ts_send = hyper_sock_sendbytes,
	};
	int error;

	if ((error = tls_load(why, size)) != 0)
		return error;
	error = tcp.tcp_ops->to_setup(&ts, &tcp.tcp_context, why, size);
	if (error != 0)
		tcp.tcp_ops = NULL;
	return error;
}

RUMP_EXPORT int
rump_server_settcp(const struct rump_server_tcp *st, char *why, size_t size)
{
	int error = 0;

	if (tcp.tcp_ready) {
		(void)snprintf(why, size, "it has been said already");
		return EBUSY;
	}
	if (st->rst_users == NULL && !st->rst_plain) {
		(void)snprintf(why, size, "nobody knows who the users are");
		return EINVAL;
	}
	if (st->rst_users != NULL)
		error = users_load(st->rst_users, why, size);
	if (error == 0 && !st->rst_plain)
		error = tls_start(st, why, size);
	tcp.tcp_plain = st->rst_plain != 0;
	tcp.tcp_ready = error == 0;
	return error;
}
