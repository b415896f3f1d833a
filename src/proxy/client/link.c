/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A connection to a server elsewhere, with TLS or without, until both ends have
 * said who they are; then bytes.
 */
#include "proxy/client/client.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proxy/tls.h"

/* The program may have put something else in the socket's place. */
bool
client_link_isours(const struct client_link *ck)
{
	return spc_sock_isours(ck->ck_fd, ck->ck_cookie);
}

int
client_link_recv(struct client_link *ck, void *buf, size_t *lenp)
{
	ssize_t n;

	if (!client_link_isours(ck))
		return EBADF;
	if (ck->ck_tls != NULL)
		return ck->ck_ops->to_recv(ck->ck_tls, buf, lenp);
	n = recv(ck->ck_fd, buf, *lenp, MSG_DONTWAIT);
	*lenp = n > 0 ? (size_t)n : 0;
	return n >= 0 ? 0 : errno;
}

bool
client_link_pending(struct client_link *ck)
{
	return ck->ck_tls != NULL && ck->ck_ops->to_pending(ck->ck_tls);
}

int
client_link_send(struct client_link *ck, const void *buf, size_t *lenp)
{
	ssize_t n;

	if (!client_link_isours(ck))
		return EBADF;
	if (ck->ck_tls != NULL)
		return ck->ck_ops->to_send(ck->ck_tls, buf, lenp);
	n = send(ck->ck_fd, buf, *lenp, MSG_DONTWAIT | MSG_NOSIGNAL);
	*lenp = n > 0 ? (size_t)n : 0;
	return n >= 0 ? 0 : errno;
}

/*
 * Making and ending
 */

static int
link_handshake(struct client_link *ck)
{
	char why[CLIENT_REASONMOST / 2];
	bool out = false;
	int error;

	while ((error = ck->ck_ops->to_handshake(
		    ck->ck_tls, &out, why, sizeof(why))) == EAGAIN)
		if ((error = client_tcp_wait(
			 ck->ck_fd, out ? POLLOUT : POLLIN)) != 0)
			return error;
	return error != 0 ? client_because(error, "TLS", why) : 0;
}

/* All of it, either way. */
static int
link_exchange(struct client_link *ck, void *buf, size_t len, bool out)
{
	char *at = buf;
	size_t n;
	int error;

	while (len != 0) {
		n = len;
		error = out ? client_link_send(ck, at, &n)
			    : client_link_recv(ck, at, &n);
		if (error == EAGAIN)
			error =
			    client_tcp_wait(ck->ck_fd, out ? POLLOUT : POLLIN);
		else if (error == 0 && n == 0)
			error = ECONNRESET;
		else if (error == 0) {
			at += n;
			len -= n;
		}
		if (error != 0)
			return error;
	}
	return 0;
}

static int
link_greet(
    struct client_link *ck, const struct spc_hello *sh, struct sp_welcome *sw)
{
	struct sp_hello h;
	int error;

	spc_hello_fill(sh, &h);
	error = link_exchange(ck, &h, sizeof(h), true);
	if (error == 0)
		error = link_exchange(ck, sw, sizeof(*sw), false);
	if (error == EACCES ||
	    (ck->ck_tls != NULL && (error == ECONNRESET || error == EPIPE)))
		return client_because(
		    EACCES, "TLS", "the server does not let us in");
	if (error != 0)
		return error;
	if (sw->sw_magic != SP_MAGIC || sw->sw_version != SP_VERSION)
		return EPROTO;
	/* Not of the server, which is there. */
	if (sw->sw_error == ENOENT || sw->sw_error == ENOTDIR)
		return client_because(sw->sw_error,
		    "the directory that is this client's root",
		    strerror(sw->sw_error));
	return sw->sw_error;
}

static int
link_connect(struct client_link *ck, const struct url *u)
{
	struct tls_context *context = NULL;
	int error;

	if ((error = client_tls(u, &ck->ck_ops, &context)) != 0 ||
	    (error = client_tcp_connect(u, &ck->ck_fd)) != 0)
		return error;
	ck->ck_cookie = spc_sock_cookie(ck->ck_fd);
	if (ck->ck_ops == NULL)
		return 0;
	error = ck->ck_ops->to_begin(context, ck->ck_fd, &ck->ck_tls);
	return error != 0 ? error : link_handshake(ck);
}

int
client_link_open(struct client_link *ck, const struct url *u,
    const struct spc_hello *sh, struct sp_welcome *sw)
{
	int error;

	*ck = (struct client_link){.ck_fd = -1};
	error = link_connect(ck, u);
	return error != 0 ? error : link_greet(ck, sh, sw);
}

void
client_link_close(struct client_link *ck)
{
	if (ck->ck_tls != NULL)
		ck->ck_ops->to_end(ck->ck_tls);
	if (client_link_isours(ck))
		(void)close(ck->ck_fd);
}
