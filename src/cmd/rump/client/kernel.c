/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel is that of a server, whose URL is in the environment.
 */
#include "cmd/rump/kernel.h"

#include <getopt.h>

#include <rump/rumpclient.h>

#include "cmd/rump/tool.h"
#include "cmd/rump/whole.h"

/* That of rump_server, which is linked in. */
int rump_server_main(int argc, char **argv);

static int
connect_failed(const char *url)
{
	if (rumpclient_reason() != NULL) {
		complain("%s: %s", url, rumpclient_reason());
		return -1;
	}
	switch (errno) {
	case EINVAL:
	case EPROTONOSUPPORT:
		complain("%s: is no URL of a server, like "
			 "unix:///tmp/rump.sock",
		    url);
		break;
	case ENOENT:
	case ECONNREFUSED:
		complain("%s: there is no server; `rump_server %s' starts one",
		    url, url);
		break;
	default:
		complain("%s: the server cannot be reached: %s", url,
		    strerror(errno));
		break;
	}
	return -1;
}

/* With who the environment says. */
static int
connect_once(void)
{
	static bool connected;

	if (connected)
		return 0;
	if (rumpclient_init() == -1)
		return -1;
	/* What this tool did there would not be there any more. */
	(void)rumpclient_setconnretry(0);
	connected = true;
	return 0;
}

/* NULL: it is not said. */
static const char *
server_url(void)
{
	const char *url = getenv("RUMP_SERVER");

	return url != NULL && *url != '\0' ? url : NULL;
}

int
kernel_open(void)
{
	const char *url = server_url();

	if (url == NULL) {
		complain("which server?  RUMP_SERVER or -s says it, as "
			 "unix:///tmp/rump.sock");
		return -1;
	}
	/* There may be TLS. */
	if (strncmp(url, "tcp", 3) == 0)
		whole_program();
	return connect_once() == 0 ? 0 : connect_failed(url);
}

/* The environment says where; it is not to say so to others. */
int
kernel_openat(const char *url)
{
	char *before = getenv("RUMP_SERVER");
	int r, error;

	if (before != NULL)
		before = tool_format("%s", before);
	(void)setenv("RUMP_SERVER", url, 1);
	r = connect_once();
	error = errno;
	if (before != NULL)
		(void)setenv("RUMP_SERVER", before, 1);
	else
		(void)unsetenv("RUMP_SERVER");
	free(before);
	errno = error;
	return r;
}

static int
serve(int argc, char **argv)
{
	optind = 0;
	return rump_server_main(argc, argv);
}

int (*const kernel_serve)(int argc, char **argv) = serve;

bool
kernel_named(void)
{
	return server_url() != NULL;
}
