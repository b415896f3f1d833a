/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Connections to servers elsewhere, and what of TLS the environment says:
 * rumpclient(3).
 */
#include "proxy/client/client.h"

#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proxy/tls.h"

#define WAIT_MS	  10000
#define KEY_LEAST 16u

char client_reason[CLIENT_REASONMOST];

int
client_because(int error, const char *what, const char *why)
{
	/* What there is no room for is left out. */
	(void)snprintf(
	    client_reason, sizeof(client_reason), "%.100s: %.150s", what, why);
	return error;
}

/*
 * Connecting
 */

static int
tcp_address(const struct url *u, struct sockaddr_storage *ss, socklen_t *lenp,
    bool *loopbackp)
{
	struct sockaddr_in6 *sin6 = (struct sockaddr_in6 *)ss;
	struct sockaddr_in *sin = (struct sockaddr_in *)ss;

	memset(ss, 0, sizeof(*ss));
	if (u->u_kind == URL_TCP6) {
		*lenp = sizeof(*sin6);
		sin6->sin6_family = AF_INET6;
		sin6->sin6_port = htons(u->u_port);
		if (inet_pton(AF_INET6, u->u_path, &sin6->sin6_addr) != 1)
			return EINVAL;
		*loopbackp = IN6_IS_ADDR_LOOPBACK(&sin6->sin6_addr);
	} else {
		*lenp = sizeof(*sin);
		sin->sin_family = AF_INET;
		sin->sin_port = htons(u->u_port);
		if (inet_pton(AF_INET, u->u_path, &sin->sin_addr) != 1)
			return EINVAL;
		*loopbackp = ntohl(sin->sin_addr.s_addr) >> 24 == 127;
	}
	return 0;
}

int
client_tcp_wait(int fd, short events)
{
	struct pollfd pfd = {.fd = fd, .events = events};
	int n;

	while ((n = poll(&pfd, 1, WAIT_MS)) == -1 && errno == EINTR)
		continue;
	return n > 0 ? 0 : n == 0 ? ETIMEDOUT : errno;
}

/* No delay for small frames; the end of the other machine is seen. */
static void
tcp_options(int fd)
{
	static const struct {
		int level, name, value;
	} options[] = {
	    {IPPROTO_TCP, TCP_NODELAY, 1},
	    {SOL_SOCKET, SO_KEEPALIVE, 1},
	    {IPPROTO_TCP, TCP_KEEPIDLE, 30},
	    {IPPROTO_TCP, TCP_KEEPINTVL, 10},
	    {IPPROTO_TCP, TCP_KEEPCNT, 3},
	};
	size_t i;

	for (i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		(void)setsockopt(fd, options[i].level, options[i].name,
		    &options[i].value, sizeof(options[i].value));
}

int
client_tcp_connect(const struct url *u, int *fdp)
{
	struct sockaddr_storage ss;
	int fd, error, value;
	socklen_t len;
	bool loopback;

	if ((error = tcp_address(u, &ss, &len, &loopback)) != 0)
		return error;
	fd =
	    socket(ss.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1)
		return errno;
	tcp_options(fd);
	error = connect(fd, (struct sockaddr *)&ss, len) == 0 ? 0 : errno;
	if (error == EINPROGRESS &&
	    (error = client_tcp_wait(fd, POLLOUT)) == 0) {
		len = sizeof(value);
		error = getsockopt(fd, SOL_SOCKET, SO_ERROR, &value, &len) == 0
			    ? value
			    : errno;
	}
	if (error != 0) {
		(void)close(fd);
		return error;
	}
	*fdp = spc_sock_high(fd);
	return 0;
}

/*
 * TLS
 */

static int
tls_recv(int fd, void *buf, size_t *lenp)
{
	ssize_t n = recv(fd, buf, *lenp, MSG_DONTWAIT);

	*lenp = n > 0 ? (size_t)n : 0;
	return n >= 0 ? 0 : errno;
}

static int
tls_send(int fd, const void *buf, size_t *lenp)
{
	ssize_t n = send(fd, buf, *lenp, MSG_DONTWAIT | MSG_NOSIGNAL);

	*lenp = n > 0 ? (size_t)n : 0;
	return n >= 0 ? 0 : errno;
}

static int
tls_load(const struct tls_ops **opsp)
{
	const char *path = secure_getenv("RUMP_TLS_LIBRARY");
	const struct tls_ops *ops = NULL;
	void *library;

	if (path == NULL)
		path = TLS_LIBRARY;
	/* It stays: connections may be made again. */
	if ((library = dlopen(path, RTLD_NOW | RTLD_LOCAL)) != NULL)
		ops = dlsym(library, TLS_SYMBOL);
	if (ops == NULL)
		return client_because(ELIBACC, "TLS", dlerror());
	if (ops->to_version != TLS_VERSION)
		return client_because(ELIBBAD, path, "of another version");
	*opsp = ops;
	return 0;
}

static int
key_digits(const char *text, struct tls_setup *ts)
{
	unsigned byte;
	size_t n = strspn(text, "0123456789abcdefABCDEF"), i;

	if (strspn(text + n, " \t\r\n") != strlen(text + n) || n % 2 != 0 ||
	    n / 2 < KEY_LEAST || n / 2 > TLS_KEYMOST)
		return EINVAL;
	for (i = 0; i < n / 2; i++) {
		(void)sscanf(text + 2 * i, "%2x", &byte);
		ts->ts_psk[i] = (uint8_t)byte;
	}
	ts->ts_psklen = n / 2;
	return 0;
}

/* IDENTITY:FILE, and in the file the key. */
static int
key_read(const char *text, char identity[TLS_NAMEMOST], struct tls_setup *ts)
{
	const char *path = strrchr(text, ':');
	char line[4 * TLS_KEYMOST] = "";
	FILE *f;
	int error;

	if (path == NULL || path == text ||
	    (size_t)(path - text) >= TLS_NAMEMOST)
		return client_because(
		    EINVAL, "RUMP_TLS_PSK", "is no IDENTITY:FILE");
	memcpy(identity, text, (size_t)(path - text));
	identity[path - text] = '\0';
	ts->ts_identity = identity;
	if ((f = fopen(++path, "re")) == NULL)
		return client_because(errno, path, strerror(errno));
	error = fgets(line, sizeof(line), f) != NULL ? key_digits(line, ts)
						     : EINVAL;
	(void)fclose(f);
	explicit_bzero(line, sizeof(line));
	if (error != 0)
		return client_because(error, path,
		    "has no key of 16 to 64 bytes in hexadecimal digits");
	return 0;
}

/* What the environment says.  False: nothing. */
static bool
tls_wanted(struct tls_setup *ts)
{
	ts->ts_ca = getenv("RUMP_TLS_CA");
	ts->ts_cert = getenv("RUMP_TLS_CERT");
	ts->ts_key = getenv("RUMP_TLS_KEY");
	ts->ts_name = getenv("RUMP_TLS_NAME");
	return getenv("RUMP_TLS_PSK") != NULL || ts->ts_ca != NULL ||
	       ts->ts_cert != NULL;
}

static int
tls_make(const struct url *u, const struct tls_ops **opsp,
    struct tls_context **contextp, struct tls_setup *ts)
{
	const char *psk = getenv("RUMP_TLS_PSK");
	char identity[TLS_NAMEMOST], why[CLIENT_REASONMOST / 2];
	int error;

	if (psk != NULL && (error = key_read(psk, identity, ts)) != 0)
		return error;
	if (ts->ts_name == NULL)
		ts->ts_name = u->u_path;
	if ((error = tls_load(opsp)) != 0)
		return error;
	error = (*opsp)->to_setup(ts, contextp, why, sizeof(why));
	return error == 0 ? 0 : client_because(error, "TLS", why);
}

int
client_tls(const struct url *u, const struct tls_ops **opsp,
    struct tls_context **contextp)
{
	static const struct tls_ops *ops;
	static struct tls_context *context;
	struct tls_setup ts = {.ts_recv = tls_recv, .ts_send = tls_send};
	struct sockaddr_storage ss;
	bool loopback;
	socklen_t len;
	int error;

	client_reason[0] = '\0';
	*opsp = NULL;
	if ((error = tcp_address(u, &ss, &len, &loopback)) != 0)
		return error;
	if (!tls_wanted(&ts))
		return loopback ? 0
				: client_because(EACCES, u->u_path,
				      "wants RUMP_TLS_PSK or RUMP_TLS_CERT");
	/* The environment is read once. */
	if (ops == NULL) {
		error = tls_make(u, &ops, &context, &ts);
		explicit_bzero(ts.ts_psk, sizeof(ts.ts_psk));
		if (error != 0) {
			ops = NULL;
			return error;
		}
	}
	*opsp = ops;
	*contextp = context;
	return 0;
}
