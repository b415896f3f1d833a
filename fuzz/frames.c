/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a server makes of a client's stream: whatever comes, in whatever pieces,
 * and whenever the connection is cut, no byte goes elsewhere than into the slot
 * that it is for, and what comes back are the results of calls, once each
 * unless they were asked for again.
 */
#include "fuzz.h"

#include <sys/socket.h>
#include <unistd.h>

#include "proxy/proxy.h"

#include "hyper/hostfile.h"

#define NSLOTS	8u
#define STEPS	200
#define PAYLOAD 65536u
#define RESULT	9000u /* the most that an answer here brings */

/* The client's end, and what it knows of its slots. */
static struct {
	struct session *se;
	int fd;
	struct sp_frame calls[NSLOTS]; /* the last that was sent whole */
	bool waits[NSLOTS];	       /* for its result */
	bool honest;		       /* did nothing but make calls */
	uint8_t in[32768];	       /* what has come, less than a frame */
	size_t have;
} client;

static void
client_connect(void)
{
	int fds[2], size = 1 << 20;

	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
	(void)setsockopt(fds[1], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	client.se->se_sock = fds[0];
	client.fd = fds[1];
	stream_start(client.se);
}

static void
client_cut(void)
{
	stream_detach(client.se);
	close(client.se->se_sock);
	close(client.fd);
	client.se->se_sock = HYPER_NOFD;
	client.have = 0;
}

static void
put(const void *buf, size_t len)
{
	ssize_t n = send(client.fd, buf, len, MSG_DONTWAIT | MSG_NOSIGNAL);

	/* What follows is something else then. */
	if (n != (ssize_t)len && len != 0)
		client.honest = false;
}

static void
put_call(const struct sp_frame *f, unsigned slot)
{
	static uint8_t payload[PAYLOAD];
	size_t len = f->sf_size % PAYLOAD;

	memset(payload, (int)(slot + f->sf_number), len);
	put(f, sizeof(*f));
	put(payload, len);
}

/* A call in its turn, perhaps with something wrong in it. */
static void
send_call(struct input *in)
{
	unsigned slot = take_below(in, NSLOTS), wrong = take_byte(in);
	struct sp_frame f = {.sf_number = client.calls[slot].sf_number + 1,
	    .sf_size = take_word(in) % PAYLOAD,
	    .sf_msg = {.sm_slot = slot}};

	f.sf_msg.sm_len = f.sf_size + take_byte(in) * 1024;
	switch (wrong) {
	case 1:
		f.sf_number = take_word(in);
		break;
	case 2:
		f.sf_msg.sm_slot = take_word(in);
		break;
	case 3:
		f.sf_at = take_word(in);
		break;
	case 4:
		f.sf_msg.sm_len = take_word(in);
		break;
	case 5:
		f.sf_msg.sm_flags = take_word(in);
		break;
	case 6:
		f.sf_msg.sm_op = take_word(in);
		break;
	case 7:
		f = client.calls[slot];
		break;
	default:
		client.calls[slot] = f;
		break;
	}
	if (wrong == 0 || wrong > 7) {
		client.honest = client.honest && !client.waits[slot];
		client.waits[slot] = true;
	} else if (wrong != 7 || f.sf_number == 0)
		client.honest = false;
	put_call(&f, slot);
}

static void
send_note(struct input *in)
{
	static const uint32_t ops[] = {
	    SP_INTERRUPT, SP_GOT, SP_RAISED, SP_BYE, SP_RAISE};
	struct sp_frame f = {.sf_msg = {.sm_op = ops[take_below(in, 5)],
				 .sm_slot = take_byte(in)}};

	f.sf_number = take_byte(in);
	client.honest = false;
	put(&f, sizeof(f));
}

static void
send_bytes(struct input *in)
{
	uint8_t bytes[64];
	unsigned n = take_below(in, sizeof(bytes)), i;

	for (i = 0; i < n; i++)
		bytes[i] = (uint8_t)take_byte(in);
	client.honest = false;
	put(bytes, n);
}

/* Be the worker that has made the call of a slot, if there is one. */
static void
answer(struct input *in)
{
	unsigned slot = take_below(in, NSLOTS);
	struct sp_slot *ss = sp_slot(client.se->se_shm, slot);
	struct call c = {.c_session = client.se, .c_slot = slot};
	size_t i;

	if (atomic_load(&ss->ss_state) != SP_REQUEST)
		return;
	CHECK(ss->ss_msg.sm_len <= SP_PAYLOAD);
	/* All of it is what that call has brought. */
	for (i = 0; client.honest && i < client.calls[slot].sf_size; i++)
		CHECK(ss->ss_payload[i] ==
		      (uint8_t)(slot + client.calls[slot].sf_number));
	c.c_msg = ss->ss_msg;
	c.c_msg.sm_flags = take_below(in, 4) == 0 ? SP_F_SIGNAL : 0;
	memset(&c.c_signal, 0x5a, sizeof(c.c_signal));
	if (c.c_msg.sm_len != 0) {
		c.c_from = take_word(in) % c.c_msg.sm_len;
		c.c_to = c.c_from + take_word(in) % RESULT;
		if (c.c_to > c.c_msg.sm_len)
			c.c_to = c.c_msg.sm_len;
	}
	memset(ss->ss_payload + c.c_from, (int)~slot, c.c_to - c.c_from);
	stream_answer(&c);
}

/* The size of the frame at the beginning of what has come; 0: not all of it. */
static size_t
frame_size(struct sp_frame *f)
{
	size_t size;

	if (client.have < sizeof(*f))
		return 0;
	memcpy(f, client.in, sizeof(*f));
	CHECK(f->sf_size <= RESULT);
	size = sizeof(*f) + f->sf_size;
	if ((f->sf_msg.sm_flags & SP_F_SIGNAL) != 0)
		size += sizeof(struct sp_signal);
	return client.have < size ? 0 : size;
}

/* Results are of slots that there are, and bring what the call has written. */
static void
frame_check(const struct sp_frame *f)
{
	const uint8_t *payload = client.in + sizeof(*f);
	struct sp_signal sg;
	uint32_t i;

	if (f->sf_msg.sm_op == SP_RAISE) {
		CHECK(f->sf_size == 0 && f->sf_msg.sm_args[0] != 0);
		return;
	}
	CHECK(f->sf_msg.sm_op == 0 && f->sf_msg.sm_slot < NSLOTS);
	for (i = 0; i < f->sf_size; i++)
		CHECK(payload[i] == (uint8_t)~f->sf_msg.sm_slot);
	if (client.honest) {
		CHECK(
		    f->sf_number == client.calls[f->sf_msg.sm_slot].sf_number);
		client.waits[f->sf_msg.sm_slot] = false;
	}
	if ((f->sf_msg.sm_flags & SP_F_SIGNAL) == 0)
		return;
	memcpy(&sg, payload + f->sf_size, sizeof(sg));
	CHECK(sg.sg_info[0] == 0x5a && sg.sg_signo == 0x5a5a5a5a);
}

static void
receive(void)
{
	struct sp_frame f;
	size_t size;
	ssize_t n;

	while ((n = recv(client.fd, client.in + client.have,
		    sizeof(client.in) - client.have, MSG_DONTWAIT)) > 0) {
		client.have += (size_t)n;
		while ((size = frame_size(&f)) != 0) {
			frame_check(&f);
			client.have -= size;
			memmove(client.in, client.in + size, client.have);
		}
	}
}

/* The connection is another one: calls without results are sent once more. */
static void
again(void)
{
	unsigned slot;

	client_cut();
	client_connect();
	for (slot = 0; slot < NSLOTS && client.honest; slot++)
		if (client.waits[slot])
			put_call(&client.calls[slot], slot);
}

static int
step(struct input *in)
{
	switch (take_below(in, 10)) {
	case 0:
		send_bytes(in);
		break;
	case 1:
		send_note(in);
		break;
	case 2:
		again();
		break;
	case 3:
	case 4:
		answer(in);
		break;
	case 5:
		receive();
		break;
	case 6:
		(void)session_enter(client.se);
		stream_raise(client.se, 1 + take_word(in));
		session_leave(client.se);
		break;
	default:
		send_call(in);
		break;
	}
	return stream_event(client.se);
}

void
fuzz_one(struct input *in)
{
	int i, error = 0;

	proxy_config.pc_maxmemory = 1u << 20;
	memset(&client, 0, sizeof(client));
	client.honest = true;
	client.se = calloc(1, sizeof(*client.se));
	CHECK(client.se != NULL);
	client.se->se_nslots = NSLOTS;
	CHECK(stream_make(client.se, false) == 0);
	CHECK(stream_slots(client.se) == 0);
	client_connect();
	for (i = 0; i < STEPS && in->in_len > 0 && error == 0; i++)
		error = step(in);
	/* Who only makes calls is never sent away. */
	CHECK(error == 0 || !client.honest);
	client_cut();
	stream_forget(client.se);
	CHECK(client.se->se_charged == 0);
	pool_forget(client.se);
	hyper_shm_destroy(client.se->se_shm, SP_SHMSIZE);
	CHECK(rump_sys_getpid() > 0);
	stream_free(client.se);
	free(client.se);
}
