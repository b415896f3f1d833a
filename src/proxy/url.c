/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names of servers.  No function of a library is called: a client may have
 * none.
 */
#include "proxy/url.h"

#include <errno.h>
#include <stdbool.h>

/* What follows prefix in text, or NULL if it does not begin so. */
static const char *
text_after(const char *text, const char *prefix)
{
	for (; *prefix != '\0'; text++, prefix++)
		if (*text != *prefix)
			return NULL;
	return text;
}

/* Copy up to the character `end'; what follows that in *textp. */
static int
text_take(const char **textp, char end, char *to)
{
	const char *p = *textp;
	size_t n = 0;

	for (; *p != '\0' && *p != end; p++) {
		if (n == URL_MOST - 1)
			return ENAMETOOLONG;
		to[n++] = *p;
	}
	to[n] = '\0';
	if (n == 0 || (end != '\0' && *p != end))
		return EINVAL;
	*textp = end == '\0' ? p : p + 1;
	return 0;
}

/* A port, and a slash or nothing. */
static int
port_take(const char *p, uint16_t *portp)
{
	uint32_t port = 0;
	bool any = false;

	for (; *p >= '0' && *p <= '9'; p++) {
		port = port * 10 + (uint32_t)(*p - '0');
		any = true;
		if (port > UINT16_MAX)
			return EINVAL;
	}
	if (!any || port == 0 || (*p != '\0' && (*p != '/' || p[1] != '\0')))
		return EINVAL;
	*portp = (uint16_t)port;
	return 0;
}

int
url_parse(const char *text, struct url *u)
{
	const char *p;
	int error;

	u->u_port = 0;
	if ((p = text_after(text, "unix://")) != NULL) {
		u->u_kind = URL_UNIX;
		return text_take(&p, '\0', u->u_path);
	}
	if ((p = text_after(text, "tcp://")) != NULL) {
		u->u_kind = URL_TCP;
		error = text_take(&p, ':', u->u_path);
	} else if ((p = text_after(text, "tcp6://[")) != NULL) {
		u->u_kind = URL_TCP6;
		error = text_take(&p, ']', u->u_path);
		if (error == 0 && *p++ != ':')
			error = EINVAL;
	} else
		return EINVAL;
	return error != 0 ? error : port_take(p, &u->u_port);
}
