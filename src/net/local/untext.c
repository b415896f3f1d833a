/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * /proc/net/unix.
 */
#include "net/local/unsock.h"
#include "vfs/textfile.h"

/* As Linux has them: of a listening socket, and what became of the others. */
#define FLAG_LISTENS	  0x00010000u
#define STATE_UNCONNECTED 1u
#define STATE_CONNECTING  2u
#define STATE_CONNECTED	  3u

static void
untext_socket(struct unsock *us, void *arg)
{
	const struct unaddr *ua = unsock_addr(us);
	enum unstate state = unsock_state(us);
	struct text *t = arg;
	char name[sizeof(struct sockaddr_un) + 2] = "";
	uint32_t shown = STATE_UNCONNECTED;
	size_t n, i;

	unsock_enter(us);
	if (us->us_embryo)
		shown = STATE_CONNECTING;
	else if (state == UN_CONNECTED)
		shown = STATE_CONNECTED;
	unsock_exit(us);
	if (ua != NULL) {
		n = ua->ua_len - UN_OFFSET - (ua->ua_vnode != NULL);
		for (i = 0; i < n; i++)
			name[i] = ua->ua_name.sun_path[i] != '\0'
				      ? ua->ua_name.sun_path[i]
				      : '@';
		name[n] = '\0';
	}
	text_printf(t, "%016x: %08X %08X %08X %04X %02X %5ju%s%s\n", 0,
	    atomic_load_explicit(&us->us_refs, memory_order_relaxed), 0,
	    state == UN_LISTEN ? FLAG_LISTENS : 0, (unsigned)unsock_type(us),
	    shown, (uintmax_t)us->us_so.so_ino, name[0] != '\0' ? " " : "",
	    name);
}

static int
untext_make(struct text *t)
{
	text_printf(t, "Num       RefCount Protocol Flags    Type St "
		       "Inode Path\n");
	unname_each(untext_socket, t);
	return 0;
}

void
untext_init(void)
{
	text_netunix = untext_make;
}
