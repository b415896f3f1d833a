/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Starting and ending a server: rump_init_server.
 */
#include <rump/rump.h>
#include <rump/rump_server.h>

#include <limits.h>

#include "hyper/hostfile.h"
#include "kern/boot.h"
#include "kern/ktime.h"
#include "kern/reboot.h"
#include "proxy/proxy.h"
#include "proxy/url.h"

struct proxy_config proxy_config = {
    .pc_maxlwps = 1024,
    .pc_maxcalls = SP_NSLOTS,
    .pc_maxmemory = 256u << 20,
    .pc_grace = 10 * NSEC_PER_SEC,
    .pc_hello = 10 * NSEC_PER_SEC,
    .pc_spin = 1000000,
    .pc_listening = HYPER_NOFD,
};

static struct {
	struct url sv_url;
	int sv_listening;
} server;

/*
 * What it is to be like
 */

RUMP_EXPORT int
rump_server_allowroot(uid_t uid)
{
	if (proxy_config.pc_nroots == nitems(proxy_config.pc_roots))
		return ENOSPC;
	proxy_config.pc_roots[proxy_config.pc_nroots++] = uid;
	return 0;
}

/* The least and the most there may be of each. */
static const struct {
	unsigned long sl_least, sl_most;
} server_limits[] = {
    [RUMP_SERVER_LWPS] = {0, SE_NLWPS - SE_FIRST},
    [RUMP_SERVER_GRACE] = {0, INT32_MAX},
    [RUMP_SERVER_HOSTPIDS] = {0, ULONG_MAX},
    [RUMP_SERVER_VERBOSE] = {0, ULONG_MAX},
    [RUMP_SERVER_FILES] = {3, INT32_MAX}, /* the console has three of them */
    [RUMP_SERVER_CALLS] = {1, SP_NSLOTS},
    [RUMP_SERVER_MEMORY] = {0, SIZE_MAX / 2},
    [RUMP_SERVER_HELLO] = {1, INT32_MAX},
    [RUMP_SERVER_LISTENING] = {0, INT32_MAX},
    [RUMP_SERVER_SPIN] = {50, 1000000},
};

RUMP_EXPORT int
rump_server_limit(enum rump_server_limit which, unsigned long value)
{
	struct proxy_config *pc = &proxy_config;

	if ((unsigned)which >= nitems(server_limits) ||
	    value < server_limits[which].sl_least ||
	    value > server_limits[which].sl_most)
		return EINVAL;
	switch (which) {
	case RUMP_SERVER_LWPS:
		pc->pc_maxlwps = (uint32_t)value;
		break;
	case RUMP_SERVER_GRACE:
		pc->pc_grace = (int64_t)value * NSEC_PER_SEC;
		break;
	case RUMP_SERVER_HOSTPIDS:
		pc->pc_setpid = value != 0;
		break;
	case RUMP_SERVER_VERBOSE:
		pc->pc_verbose = value != 0;
		break;
	case RUMP_SERVER_FILES:
		pc->pc_maxfiles = (uint32_t)value;
		break;
	case RUMP_SERVER_CALLS:
		pc->pc_maxcalls = (uint32_t)value;
		break;
	case RUMP_SERVER_MEMORY:
		pc->pc_maxmemory = value;
		break;
	case RUMP_SERVER_HELLO:
		pc->pc_hello = (int64_t)value * NSEC_PER_SEC;
		break;
	case RUMP_SERVER_LISTENING:
		pc->pc_listening = (int)value;
		break;
	case RUMP_SERVER_SPIN:
		pc->pc_spin = (int64_t)value * 1000;
		break;
	}
	return 0;
}

/*
 * Ending
 */

static void
server_unlisten(void)
{
	if (server.sv_url.u_kind == URL_UNIX)
		hyper_sock_unlink(server.sv_url.u_path, server.sv_listening);
	else
		hyper_file_close(server.sv_listening);
}

static bool
server_halt(struct lwp *l, int howto)
{
	(void)l, (void)howto;
	if (pool_stop())
		return true;
	/* Not a client's call: the host process ends at once. */
	if (server.sv_listening != 0)
		server_unlisten();
	return false;
}

noreturn void
server_end(void)
{
	server_unlisten();
	hyper_exit(0);
}

/*
 * Starting
 */

static int
server_listen(const char *text)
{
	int error = url_parse(text, &server.sv_url);

	if (error != 0)
		return error;
	if (server.sv_url.u_kind != URL_UNIX)
		return tcp_listen(&server.sv_url, &server.sv_listening);
	if (proxy_config.pc_listening == HYPER_NOFD)
		return hyper_sock_listen(
		    server.sv_url.u_path, &server.sv_listening);
	server.sv_listening = proxy_config.pc_listening;
	return hyper_sock_adopt(server.sv_listening);
}

RUMP_EXPORT int
rump_init_server(const char *url)
{
	static struct reboot_hook hook;
	static _Atomic bool there;
	int error;

	if (atomic_exchange_explicit(&there, true, memory_order_relaxed))
		return EBUSY;
	if ((error = server_listen(url)) != 0)
		goto fail;
	if ((error = rump_init()) != 0)
		goto fail_listening;
	/* The leader waits in the host, and others are to go on. */
	error = hyper_host->hh_fibers ? ENOTSUP : 0;
	if (error != 0)
		goto fail_listening;
	if (hook.rh_halt == NULL) {
		hook.rh_halt = server_halt;
		reboot_hook_register(&hook);
	}
	hyper_handles_raise();
	if ((error = pool_start(
		 server.sv_listening, server.sv_url.u_kind != URL_UNIX)) != 0)
		goto fail_listening;
	return 0;

fail_listening:
	server_unlisten();
fail:
	atomic_store_explicit(&there, false, memory_order_relaxed);
	return error;
}
