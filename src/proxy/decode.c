/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The arguments of a system call, from a message and back, by what the table
 * of system calls says of them.
 *
 * All of what is looked at here or by the kernel more than once is in c_head,
 * a copy.  In what the client can change meanwhile are only data of buffers
 * and vectors, which are copied once.
 */
#include <sys/socket.h>

#include <rump/rump_syscalls.h>

#include "proxy/proxy.h"

#include "kern/useraddr.h"
#include "syscall/sysdesc.h"

/* Smaller ones must be in the head. */
#define SMALL 512u

/* An address that no program has. */
#define NOWHERE 1u

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

/* A bad one as an address: where a client's memory has ended ours may go on. */
static void *
word_nowhere(uint64_t word)
{
	if (word >= SP_BADADDR_LOW && word < USERADDR_END)
		word = USERADDR_END;
	return (void *)(uintptr_t)word;
}

/* n bytes at what a word says.  EPROTO: they are not in the payload. */
static int
payload_find(
    const struct call *c, uint64_t word, size_t n, bool headonly, void **addrp)
{
	uint64_t off = word & ~SP_TAG;

	if (word_isbad(word)) {
		*addrp = word_nowhere(word);
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

static bool
addr_inshared(const struct call *c, const void *addr)
{
	uintptr_t at = (uintptr_t)addr, shared = (uintptr_t)c->c_shared;

	return at >= shared && at < shared + c->c_msg.sm_len;
}

/* What a word says, up to a NUL. */
static int
string_find(const struct call *c, uint64_t word, void **addrp)
{
	size_t room;
	int error;

	if ((error = payload_find(c, word, 1, true, addrp)) != 0 ||
	    !addr_inhead(c, *addrp))
		return error;
	room = c->c_msg.sm_head - (size_t)((uint8_t *)*addrp - c->c_head);
	return memchr(*addrp, '\0', room) != NULL ? 0 : EPROTO;
}

static int
decode_string(struct call *c, int i)
{
	void *addr;
	int error;

	if ((error = string_find(c, c->c_args[i], &addr)) == 0)
		c->c_args[i] = (uint64_t)(uintptr_t)addr;
	return error;
}

/* Its bytes, once all pointers that say how many are found. */
static int
decode_buffer(struct call *c, const struct sysdesc *sd, const struct sysarg *sa,
    int i, uint64_t word)
{
	size_t room, place;
	void *addr;

	room = sysarg_room(sd, sa, c->c_args[i], c->c_args, head_read);
	c->c_room[i] = room;
	place = sysarg_place(sa, room);
	return payload_find(c, word, place,
	    place <= SMALL || (sa->sa_flags & SYSARG_HANDLE) != 0, &addr);
}

/*
 * What a call looks at while it writes other things: each of these parts of the
 * head is behind the one before, so that nothing of it is written over.
 */
static int
part_find(struct call *c, uint64_t word, size_t n, void **addrp)
{
	size_t at;
	int error = payload_find(c, word, n, true, addrp);

	if (error != 0 || n == 0 || word_isbad(word))
		return error;
	at = (size_t)((uint8_t *)*addrp - c->c_head);
	if (at < c->c_parts)
		return EPROTO;
	c->c_parts = at + n;
	return 0;
}

/* A vector of n buffers at what a word says. */
static int
vector_find(struct call *c, bool out, uint64_t word, uint64_t n, void **iovp)
{
	struct iovec *iov;
	uint64_t k;
	int error;

	if (word_isbad(word)) {
		*iovp = word_nowhere(word);
		return 0;
	}
	if (n > VECTOR_MOST)
		return EPROTO;
	if ((error = part_find(c, word, n * sizeof(*iov), iovp)) != 0)
		return error;
	iov = *iovp;
	for (k = 0; k < n && error == 0; k++) {
		error = payload_find(c, (uint64_t)(uintptr_t)iov[k].iov_base,
		    iov[k].iov_len, false, &iov[k].iov_base);
		/* What is written must not be in a copy. */
		if (error == 0 && out && iov[k].iov_len != 0 &&
		    addr_inhead(c, iov[k].iov_base))
			error = EPROTO;
	}
	return error;
}

static int
decode_vector(struct call *c, const struct sysdesc *sd, const struct sysarg *sa,
    uint64_t word)
{
	void *iov;

	return vector_find(c, (sa->sa_flags & SYSARG_OUT) != 0, word,
	    sysarg_count(sd, sa, c->c_args, head_read), &iov);
}

/*
 * Messages of sockets: n structures in the head that begin with a struct
 * msghdr, each sa_size bytes.
 */

static uint64_t
message_count(const struct call *c, const struct sysarg *sa)
{
	if (sa->sa_size == sizeof(struct msghdr))
		return 1;
	return (uint32_t)c->c_args[sa->sa_counter];
}

static int
message_find(struct call *c, const struct sysarg *sa, struct msghdr *mh,
    struct message_rooms *mr)
{
	int error;

	mr->mr_name = mh->msg_namelen;
	mr->mr_control = mh->msg_controllen;
	error = part_find(
	    c, (uintptr_t)mh->msg_name, mh->msg_namelen, &mh->msg_name);
	if (error == 0)
		error = part_find(c, (uintptr_t)mh->msg_control,
		    mh->msg_controllen, &mh->msg_control);
	if (error == 0)
		error = vector_find(c, (sa->sa_flags & SYSARG_OUT) != 0,
		    (uintptr_t)mh->msg_iov, mh->msg_iovlen,
		    (void **)(void *)&mh->msg_iov);
	return error;
}

static int
decode_message(struct call *c, const struct sysarg *sa, uint64_t word)
{
	uint64_t n = message_count(c, sa), k;
	void *addr;
	int error;

	if (word_isbad(word))
		return 0;
	if (n > VECTOR_MOST)
		return EPROTO;
	error = part_find(c, word, n * sa->sa_size, &addr);
	for (k = 0; k < n && error == 0; k++)
		error = message_find(c, sa,
		    (struct msghdr *)((uint8_t *)addr + k * sa->sa_size),
		    &c->c_rooms[k]);
	return error;
}

/* These n bytes of the payload have to go back through a stream. */
static void
encode_mark(struct call *c, const uint8_t *addr, size_t n)
{
	size_t at = (size_t)(addr_inhead(c, addr) ? addr - c->c_head
						  : addr - c->c_shared);

	if (n == 0)
		return;
	if (c->c_to == 0 || at < c->c_from)
		c->c_from = at;
	if (at + n > c->c_to)
		c->c_to = at + n;
}

/* Bytes that the kernel has written, perhaps into the head. */
static void
encode_part(struct call *c, const void *addr, size_t n)
{
	if (addr_inhead(c, addr))
		memcpy(
		    c->c_shared + ((const uint8_t *)addr - c->c_head), addr, n);
	else if (!addr_inshared(c, addr))
		return;
	encode_mark(c, addr, n);
}

void
call_give(struct call *c, const void *data, size_t n)
{
	memcpy(c->c_shared, data, n);
	encode_mark(c, c->c_shared, n);
}

static size_t
least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Of a vector of so many buffers, the first `done' bytes. */
static void
encode_vector(
    struct call *c, const struct iovec *iov, uint64_t count, size_t done)
{
	uint64_t k;
	size_t n;

	if (!addr_inhead(c, iov))
		return;
	for (k = 0; k < count && done != 0; k++, done -= n) {
		n = least(iov[k].iov_len, done);
		encode_part(c, iov[k].iov_base, n);
	}
}

/*
 * What the kernel says of messages: lengths, flags, names and control data, no
 * more than there was room for.  The addresses in c_head are nobody's business.
 */
static void
encode_message(struct call *c, const struct sysarg *sa, uint8_t *addr)
{
	bool many = sa->sa_size == sizeof(struct mmsghdr);
	uint64_t n = message_count(c, sa), k;

	/* The rest of many was not looked at. */
	if (many)
		n = least(n, (size_t)c->c_msg.sm_retval);
	for (k = 0; k < n; k++, addr += sa->sa_size) {
		struct msghdr *mh = (struct msghdr *)addr;
		struct msghdr *old =
		    (struct msghdr *)(c->c_shared + (addr - c->c_head));

		if (many)
			encode_part(c, &((struct mmsghdr *)addr)->msg_len,
			    sizeof(unsigned int));
		if ((sa->sa_flags & SYSARG_OUT) == 0)
			continue;
		encode_part(c, mh->msg_name,
		    least(mh->msg_namelen, c->c_rooms[k].mr_name));
		encode_part(c, mh->msg_control,
		    least(mh->msg_controllen, c->c_rooms[k].mr_control));
		old->msg_namelen = mh->msg_namelen;
		old->msg_controllen = mh->msg_controllen;
		old->msg_flags = mh->msg_flags;
		encode_mark(c, addr, sizeof(*mh));
		encode_vector(c, mh->msg_iov, mh->msg_iovlen,
		    many ? ((struct mmsghdr *)addr)->msg_len
			 : (size_t)c->c_msg.sm_retval);
	}
}

/* A pointer in a structure, which is in the head: it becomes an address. */
static int
inner_find(const struct call *c, uint8_t *base, const struct sysinner *si)
{
	int32_t n = 0;
	uint64_t word;
	void *addr;
	int error;

	memcpy(&word, base + si->si_at, sizeof(word));
	if (si->si_size == 0)
		error = string_find(c, word, &addr);
	else {
		memcpy(&n, base + si->si_counter, sizeof(n));
		error = payload_find(
		    c, word, n > 0 ? (size_t)n * si->si_size : 0, true, &addr);
	}
	if (error == 0)
		memcpy(base + si->si_at, &addr, sizeof(addr));
	return error;
}

static int
decode_nested(const struct call *c, const struct sysarg *sa, uint64_t word)
{
	const struct sysinner *list;
	size_t n = sysarg_inner(sa, &list), k;
	void *base;
	int error;

	if ((error = payload_find(c, word, sa->sa_size, true, &base)) != 0)
		return error;
	for (k = 0; k < n && error == 0; k++)
		error = inner_find(c, base, &list[k]);
	return error;
}

/*
 * A request that is not described gets a number.  If that could be an address,
 * and the driver takes it for one, it is one of nothing.
 */
static void
decode_request(struct call *c, int i)
{
	if (!word_isbad(c->c_args[i]))
		c->c_args[i] = NOWHERE;
}

/* Where it is, so that others can be asked for what it points to. */
static int
decode_place(struct call *c, const struct sysarg *sa, int i)
{
	void *addr;
	int error;

	switch (sa->sa_kind) {
	case SYSARG_VALUE:
		if (c->c_msg.sm_nr == RUMP_SYS_ioctl && i == 2)
			decode_request(c, i);
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
		return decode_message(c, sa, word);
	case SYSARG_NESTED:
		return decode_nested(c, sa, word);
	default:
		return 0;
	}
}

/* What is special looks at what comes before it, and at what is there. */
static void
special_resolve(
    const struct call *c, const struct sysdesc *sd, int i, struct sysarg *sa)
{
	uint64_t args[SYSCALL_MAXARGS];
	void *addr;

	memcpy(args, c->c_args, sizeof(args));
	if ((args[i] & SP_TAG) != 0 &&
	    payload_find(c, args[i], 0, true, &addr) == 0)
		args[i] = (uintptr_t)addr;
	sysarg_resolve_set(sd, i, args, args[SP_SEMARG], head_read, sa);
}

int
call_decode(struct call *c, const struct sysdesc *sd)
{
	struct sysarg sa[SYSCALL_MAXARGS];
	int i, error = 0;

	reading = c;
	c->c_parts = 0;
	memcpy(c->c_args, c->c_msg.sm_args, sizeof(c->c_args));
	for (i = 0; i < sd->sd_nargs && error == 0; i++) {
		special_resolve(c, sd, i, &sa[i]);
		error = decode_place(c, &sa[i], i);
	}
	for (i = 0; i < sd->sd_nargs && error == 0; i++)
		error = decode_size(c, sd, &sa[i], i, c->c_msg.sm_args[i]);
	return error;
}

/* What the kernel has written may be behind the head, too. */
static bool
payload_read(void *dst, const void *addr, size_t n)
{
	const struct call *c = reading;

	if (head_read(dst, addr, n))
		return true;
	if (!addr_inshared(c, addr) ||
	    n > (size_t)(c->c_shared + c->c_msg.sm_len - (const uint8_t *)addr))
		return false;
	memcpy(dst, addr, n);
	return true;
}

/* What a buffer has been filled with. */
static void
encode_buffer(struct call *c, const struct sysdesc *sd, const struct sysarg *sa,
    int i, int error)
{
	if ((sa->sa_flags & SYSARG_OUT) == 0 ||
	    (error != 0 && (sa->sa_flags & SYSARG_IN) == 0))
		return;
	encode_part(c, (void *)(uintptr_t)c->c_args[i],
	    sysarg_filled(sd, sa, c->c_args[i], c->c_args, payload_read,
		c->c_room[i], c->c_msg.sm_retval));
}

void
call_encode(struct call *c, const struct sysdesc *sd, int error)
{
	struct sysarg sa;
	void *addr;
	int i;

	reading = c;
	for (i = 0; i < sd->sd_nargs; i++) {
		addr = (void *)(uintptr_t)c->c_args[i];
		if (!addr_inhead(c, addr) && !addr_inshared(c, addr))
			continue;
		sysarg_resolve_set(
		    sd, i, c->c_args, c->c_args[SP_SEMARG], head_read, &sa);
		if (sa.sa_kind == SYSARG_BUFFER)
			encode_buffer(c, sd, &sa, i, error);
		else if (sa.sa_kind == SYSARG_MESSAGE && error == 0)
			encode_message(c, &sa, addr);
		else if (sa.sa_kind == SYSARG_VECTOR && error == 0 &&
			 (sa.sa_flags & SYSARG_OUT) != 0)
			encode_vector(c, addr,
			    sysarg_count(sd, &sa, c->c_args, head_read),
			    (size_t)c->c_msg.sm_retval);
	}
}
