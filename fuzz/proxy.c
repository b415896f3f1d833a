/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a server makes of a client's message: whatever is in it, what is taken
 * for memory lies in the message, and all that a system call is told it may
 * read and write there is there.
 */
#include "fuzz.h"

#include <sys/socket.h>

#include "proxy/proxy.h"
#include "syscall/sysdesc.h"

#define PAYLOAD 2048u

/* A word that could be an argument: a number, an offset, an address. */
static uint64_t
take_arg(struct input *in)
{
	switch (take_below(in, 8)) {
	case 0:
	case 1:
		return take_byte(in);
	case 2:
	case 3:
		return SP_TAG | (uint64_t)take_byte(in) * SP_ALIGN;
	case 4:
		return SP_TAG | take_word(in);
	case 5:
		return (uint64_t)take_word(in) << 32 | take_word(in);
	case 6:
		return (uint64_t) - (int64_t)take_byte(in);
	default:
		return take_word(in);
	}
}

/*
 * Structures and what is in them: numbers and offsets where the kinds of
 * messages have some.
 */
static void
fill(struct input *in, uint8_t *payload, size_t len)
{
	uint64_t word;
	size_t i;

	memset(payload, 0, len);
	for (i = 0; i + sizeof(word) <= len && in->in_len > 0;
	     i += sizeof(word)) {
		word = take_arg(in);
		memcpy(payload + i, &word, sizeof(word));
	}
	for (; i < len && in->in_len > 0; i++)
		payload[i] = (uint8_t)take_byte(in);
}

/* Read it, and write it if that is for the call to do. */
static void
touch(const struct call *c, void *addr, size_t n, bool out)
{
	volatile uint8_t *p = addr;
	uint8_t *at = addr;
	size_t i;

	if ((uintptr_t)addr < SP_BADADDR_LOW ||
	    (uintptr_t)addr >= SP_BADADDR_HIGH)
		return;
	CHECK((at >= c->c_head && at + n <= c->c_head + c->c_msg.sm_head) ||
	      (at >= c->c_shared + c->c_msg.sm_head &&
		  at + n <= c->c_shared + c->c_msg.sm_len));
	for (i = 0; i < n; i++)
		p[i] = out ? 0xa5 : p[i];
}

static bool
is_head(const struct call *c, const void *addr)
{
	const uint8_t *at = addr;

	return at >= c->c_head && at < c->c_head + c->c_msg.sm_head;
}

/*
 * As the call does: one message after the other, each looked at when those
 * before it have been told of.
 */
static void
touch_messages(const struct call *c, const struct sysarg *sa, uint8_t *addr)
{
	bool many = sa->sa_size == sizeof(struct mmsghdr);
	bool out = (sa->sa_flags & SYSARG_OUT) != 0;
	size_t n = many ? (uint32_t)c->c_args[sa->sa_counter] : 1, i;

	for (; n > 0 && is_head(c, addr); n--, addr += sa->sa_size) {
		struct mmsghdr *m = (struct mmsghdr *)addr;
		const struct msghdr *mh = &m->msg_hdr;

		touch(c, addr, sa->sa_size, false);
		for (i = 0; is_head(c, mh->msg_iov) && i < mh->msg_iovlen; i++)
			touch(c, mh->msg_iov[i].iov_base,
			    mh->msg_iov[i].iov_len, out);
		touch(c, mh->msg_name, mh->msg_namelen, out);
		touch(c, mh->msg_control, mh->msg_controllen, out);
		if (many)
			m->msg_len = UINT32_MAX;
	}
}

static void
touch_all(const struct call *c, const struct sysdesc *sd)
{
	int i;

	for (i = 0; i < sd->sd_nargs; i++) {
		const struct sysarg *sa = &sd->sd_args[i];
		void *addr = (void *)(uintptr_t)c->c_args[i];

		if (sa->sa_kind == SYSARG_STRING &&
		    (uintptr_t)addr >= SP_BADADDR_LOW &&
		    (uintptr_t)addr < SP_BADADDR_HIGH)
			touch(c, addr, strlen(addr) + 1, false);
		else if (sa->sa_kind == SYSARG_BUFFER)
			touch(c, addr, c->c_room[i],
			    (sa->sa_flags & SYSARG_OUT) != 0 &&
				(sa->sa_flags & SYSARG_IN) == 0);
		else if (sa->sa_kind == SYSARG_MESSAGE)
			touch_messages(c, sa, addr);
	}
}

void
fuzz_one(struct input *in)
{
	const struct sysdesc *sd;
	struct call c = {0};

	sd = &sysdesc_list[take_word(in) % sysdesc_count];
	c.c_msg.sm_nr = sd->sd_number;
	c.c_msg.sm_len = take_word(in) % PAYLOAD;
	c.c_msg.sm_head = c.c_msg.sm_len;
	if (take_below(in, 3) == 0)
		c.c_msg.sm_head = take_word(in) % (c.c_msg.sm_len + 1);
	for (int i = 0; i < SYSCALL_MAXARGS; i++)
		c.c_msg.sm_args[i] = take_arg(in);
	/* Of just this size each, so that a byte too many is found. */
	c.c_shared = malloc(c.c_msg.sm_len + 1);
	c.c_head = malloc(c.c_msg.sm_head + 1);
	c.c_rooms = calloc(VECTOR_MOST, sizeof(*c.c_rooms));
	CHECK(c.c_shared != NULL && c.c_head != NULL && c.c_rooms != NULL);
	fill(in, c.c_shared, c.c_msg.sm_len);
	memcpy(c.c_head, c.c_shared, c.c_msg.sm_head);
	if (call_decode(&c, sd) == 0) {
		touch_all(&c, sd);
		c.c_msg.sm_retval = (int64_t)take_arg(in);
		call_encode(&c, sd, (int)take_below(in, 2));
		CHECK(c.c_from <= c.c_to && c.c_to <= c.c_msg.sm_len);
	}
	free(c.c_rooms);
	free(c.c_head);
	free(c.c_shared);
}
