/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where a server is: unix://path, tcp://address:port/, tcp6://[address]:port/.
 * For both ends; calls nothing.
 */
#ifndef PROXY_URL_H
#define PROXY_URL_H

#include <stddef.h>
#include <stdint.h>

enum url_kind { URL_UNIX, URL_TCP, URL_TCP6 };

#define URL_MOST 256

struct url {
	enum url_kind u_kind;
	uint16_t u_port;       /* in the host's order */
	char u_path[URL_MOST]; /* or the address */
};

/* 0, EINVAL for what is no such name, ENAMETOOLONG. */
int url_parse(const char *text, struct url *u);

#endif /* PROXY_URL_H */
