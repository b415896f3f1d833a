/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The arguments of a system call, from a message and back, by what the table
 * of system calls says of them.
 *
 * All of what is looked at here or by the kernel more than once is in c_head,
 * a copy.  In what the client can change meanwhile are only data of buffers
 * and vectors, which are copied once.
 */
#include "proxy/proxy.h"

#include "syscall/sysdesc.h"

/* Smaller ones must be in the head. */
#define SMALL 512u

#define VECTOR_MOST 1024u

/* sysarg_read has no argument for this. */
static _Thread_local const struct call *reading;

/* What the descriptions ask for is only in the head. */
static bool
head_read(void *dst, const void *addr, size_t n)
{
	const struct call *c = reading;
	uintptr_t at = (uintptr_t)addr, head = (uintptr_t)c->c_head;

	if (at < head || at - head > c->c_msg.sm_head ||
	    n > c->c_msg.sm_head - (at - head))
		return false;
	memcpy(dst, addr, n);
	return true;
}

static bool
word_isbad(uint64_t word)
{
	return word < SP_BADADDR_LOW ||
	       (word >= SP_BADADDR_HIGH && (word & SP_TAG) == 0);
}

/* n bytes at what a word says.  EPROTO: they are not in the payload. */
static int
payload_find(
    const struct call *c, uint64_t word, size_t n, bool headonly, void **addrp)
{
	uint64_t off = word & ~SP_TAG;

	if (word_isbad(word)) {
		*addrp = (void *)(uintptr_t)word;
		return 0;
	}
	if ((word & SP_TAG) == 0 || off % SP_ALIGN != 0 ||
	    off > c->c_msg.sm_len || n > c->c_msg.sm_len - off)
		return EPROTO;
	if (off < c->c_msg.sm_head) {
		if (n > c->c_msg.sm_head - off)
			return EPROTO;
		*addrp = c->c_head + off;
		return 0;
	}
	*addrp = c->c_shared + off;
	return headonly && n != 0 ? EPROTO : 0;
}

static bool
addr_inhead(const struct call *c, const void *addr)
{
	uintptr_t at = (uintptr_t)addr, head = (uintptr_t)c->c_head;

	return at >= head && at < head + c->c_msg.sm_head;
}

static int
decode_string(struct call *c, int i)
{
	void *addr;
	size_t room;
	int error;

	if ((error = payload_find(c, c->c_args[i], 1, true, &addr)) != 0)
		return error;
	c->c_args[i] = (uint64_t)(uintptr_t)addr;
	if (!addr_inhead(c, addr))
		return 0;
	room = c->c_msg.sm_head - (size_t)((uint8_t *)addr - c->c_head);
	return memchr(addr, '\0', room) != NULL ? 0 : EPROTO;
}

/* Its bytes, once all pointers that say how many are found. */
static int
decode_buffer(struct call *c, const struct sysdesc *sd, const struct sysarg *sa,
    int i, uint64_t word)
{
	size_t room;
	void *addr;

	room = sysarg_room(sd, sa, c->c_args[i], c->c_args, head_read);
	c->c_room[i] = room;
	return payload_find(c, word, room,
	    room <= SMALL || (sa->sa_flags & SYSARG_HANDLE) != 0, &addr);
}

static int
decode_vector(struct call *c, const struct sysdesc *sd, const struct sysarg *sa,
    uint64_t word)
{
	uint64_t n = sysarg_count(sd, sa, c->c_args, head_read), k;
	struct iovec *iov;
	void *addr;
	int error;

	if (word_isbad(word))
		return 0;
	if (n > VECTOR_MOST)
		return EPROTO;
	if ((error = payload_find(c, word, n * sizeof(*iov), true, &addr)) != 0)
		return error;
	iov = addr;
	for (k = 0; k < n && error == 0; k++) {
		error = payload_find(c, (uint64_t)(uintptr_t)iov[k].iov_base,
		    iov[k].iov_len, false, &addr);
		/* What is written must not be in a copy. */
		if (error == 0 && addr_inhead(c, addr) && iov[k].iov_len != 0 &&
		    (sa->sa_flags & SYSARG_OUT) != 0)
			error = EPROTO;
		iov[k].iov_base = addr;
	}
	return error;
}

/* Where it is, so that others can be asked for what it points to. */
static int
decode_place(struct call *c, const struct sysarg *sa, int i)
{
	void *addr;
	int error;

	switch (sa->sa_kind) {
	case SYSARG_VALUE:
		return 0;
	case SYSARG_STRING:
		return decode_string(c, i);
	case SYSARG_OPAQUE:
		return EOPNOTSUPP;
	default:
		error = payload_find(c, c->c_args[i], 0, false, &addr);
		c->c_args[i] = (uint64_t)(uintptr_t)addr;
		return error;
	}
}

static int
decode_size(struct call *c, const struct sysdesc *sd, const struct sysarg *sa,
    int i, uint64_t word)
{
	switch (sa->sa_kind) {
	case SYSARG_BUFFER:
		return decode_buffer(c, sd, sa, i, word);
	case SYSARG_VECTOR:
		return decode_vector(c, sd, sa, word);
	case SYSARG_MESSAGE:
		return EOPNOTSUPP;
	default:
		return 0;
	}
}

int
call_decode(struct call *c, const struct sysdesc *sd)
{
	struct sysarg sa[SYSCALL_MAXARGS];
	int i, error = 0;

	reading = c;
	memcpy(c->c_args, c->c_msg.sm_args, sizeof(c->c_args));
	/* What is special looks at what comes before it. */
	for (i = 0; i < sd->sd_nargs && error == 0; i++) {
		sysarg_resolve(sd, i, c->c_args, head_read, &sa[i]);
		error = decode_place(c, &sa[i], i);
	}
	for (i = 0; i < sd->sd_nargs && error == 0; i++)
		error = decode_size(c, sd, &sa[i], i, c->c_msg.sm_args[i]);
	return error;
}

void
call_encode(struct call *c, const struct sysdesc *sd, int error)
{
	struct sysarg sa;
	uint8_t *addr;
	size_t n;
	int i;

	reading = c;
	for (i = 0; i < sd->sd_nargs; i++) {
		addr = (uint8_t *)(uintptr_t)c->c_args[i];
		if (!addr_inhead(c, addr))
			continue;
		sysarg_resolve(sd, i, c->c_args, head_read, &sa);
		if (sa.sa_kind != SYSARG_BUFFER ||
		    (sa.sa_flags & SYSARG_OUT) == 0 ||
		    (error != 0 && (sa.sa_flags & SYSARG_IN) == 0))
			continue;
		n = sysarg_filled(sd, &sa, c->c_args[i], c->c_args, head_read,
		    c->c_room[i], c->c_msg.sm_retval);
		memcpy(c->c_shared + (addr - c->c_head), addr, n);
	}
}
