/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * System calls into slots and out of them, by what the table of system calls
 * says of their arguments; see core.h and wire.h.
 *
 * First comes the head: strings, structures, vectors, small buffers.  Behind
 * it are the data.  What does not fit is cut where the call has a count of
 * bytes: it reads or writes less then.
 */
#include "proxy/client/marshal.h"

#include <errno.h>
#include <string.h>

#include "kern/useraddr.h"

#define SMALL	    512u /* bytes of a buffer that goes into the head */
#define STRING_MOST 65536u

bool
word_isbad(uint64_t word)
{
	return word < SP_BADADDR_LOW || word >= USERADDR_END;
}

/* As an offset it would look like one that is not bad. */
uint64_t
word_bad(uint64_t word)
{
	return (word & SP_TAG) != 0 ? SP_BADADDR_HIGH : word;
}

int
room_take(struct encoding *e, size_t n, size_t most, uint64_t *wordp)
{
	size_t at = (e->e_used + SP_ALIGN - 1) & ~((size_t)SP_ALIGN - 1);

	if (at > most || n > most - at)
		return E2BIG;
	e->e_used = at + n;
	*wordp = SP_TAG | at;
	return 0;
}

int
room_fill(struct encoding *e, const void *addr, size_t n, size_t most,
    uint64_t *wordp)
{
	int error = room_take(e, n, most, wordp);

	if (error == 0 && n != 0 &&
	    !e->e_cl->cl_mem->read(room_at(e, *wordp), addr, n))
		*wordp = NOWHERE;
	return error;
}

int
string_encode(struct encoding *e, const char *s, uint64_t *wordp)
{
	size_t n = e->e_cl->cl_mem->strlen(s, STRING_MOST);
	int error;

	if (n == SIZE_MAX) {
		*wordp = NOWHERE;
		return 0;
	}
	if ((error = room_take(e, n + 1, SP_HEADMAX, wordp)) != 0)
		return error;
	if (!e->e_cl->cl_mem->read(room_at(e, *wordp), s, n))
		return EFAULT;
	room_at(e, *wordp)[n] = '\0';
	return 0;
}

static size_t
buffer_room(const struct encoding *e, const struct sysarg *sa, int i)
{
	return sysarg_room(
	    e->e_sd, sa, e->e_args[i], e->e_args, e->e_cl->cl_mem->read);
}

static bool
buffer_inhead(const struct sysarg *sa, size_t room)
{
	return room <= SMALL || (sa->sa_flags & SYSARG_HANDLE) != 0;
}

/* A buffer that is to be in the part that most is the end of. */
static int
encode_buffer(struct encoding *e, const struct sysarg *sa, int i, size_t room,
    size_t most)
{
	uint64_t *wordp = &e->e_msg->sm_args[i], rest;
	size_t place = sysarg_place(sa, room);
	int error;

	if ((sa->sa_flags & SYSARG_IN) == 0)
		return room_take(e, place, most, wordp);
	error = room_fill(e, word_ptr(e->e_args[i]), room, most, wordp);
	e->e_in = e->e_used;
	if (error == 0 && place > room)
		error = room_take(e, place - room, most, &rest);
	return error;
}

/* As many bytes as there is room for, if the call has a count that says so. */
static size_t
buffer_cut(struct encoding *e, const struct sysarg *sa, size_t room)
{
	size_t left = SP_PAYLOAD - SP_ALIGN - e->e_used;

	if (room <= left || sa->sa_counter < 0 || sa->sa_extra != 0 ||
	    (sa->sa_flags & SYSARG_COUNTPTR) != 0 ||
	    (sa->sa_size != 1 && (sa->sa_flags & SYSARG_BYTES) == 0))
		return room;
	e->e_msg->sm_args[sa->sa_counter] = left;
	return left;
}

/*
 * Vectors: lengths are cut to what there is room for.
 */

int
vector_encode(struct encoding *e, const void *addr, uint64_t n, uint64_t *wordp)
{
	/* The count itself is wrong then, and that comes first. */
	if (n == 0 || n > VECTOR_MOST) {
		*wordp = NOWHERE;
		return 0;
	}
	return room_fill(e, addr, n * sizeof(struct iovec), SP_HEADMAX, wordp);
}

/* One buffer of a vector: its base becomes an offset. */
static int
vector_one(struct encoding *e, bool in, struct iovec *iov)
{
	uint64_t base = (uintptr_t)iov->iov_base, word = NOWHERE;
	size_t left = SP_PAYLOAD - SP_ALIGN - e->e_used;
	int error;

	/* Lengths that no program has are an error of the call's. */
	if (iov->iov_len > INT64_MAX || word_isbad(base)) {
		iov->iov_base =
		    (void *)(uintptr_t)(word_isbad(base) ? word_bad(base)
							 : NOWHERE);
		return 0;
	}
	if (iov->iov_len > left)
		iov->iov_len = left;
	if (in) {
		error = room_fill(
		    e, word_ptr(base), iov->iov_len, SP_PAYLOAD, &word);
		e->e_in = e->e_used;
	} else {
		error = room_take(e, iov->iov_len, SP_PAYLOAD, &word);
	}
	iov->iov_base = (void *)(uintptr_t)word;
	return error;
}

int
vector_data(struct encoding *e, bool in, uint64_t word, uint64_t n)
{
	struct iovec *iov = (struct iovec *)room_at(e, word);
	uint64_t k;
	int error = 0;

	for (k = 0; k < n && error == 0 && (word & SP_TAG) != 0; k++)
		error = vector_one(e, in, &iov[k]);
	return error;
}

int
vector_decode(
    const struct encoding *e, const void *addr, uint64_t word, size_t done)
{
	const struct spc_mem *mem = e->e_cl->cl_mem;
	const struct iovec *iov = (const struct iovec *)room_at(e, word);
	struct iovec user;
	size_t n;
	uint64_t k;

	for (k = 0; done > 0 && k < VECTOR_MOST; k++) {
		n = iov[k].iov_len < done ? iov[k].iov_len : done;
		if (!mem->read(
			&user, (const struct iovec *)addr + k, sizeof(user)) ||
		    (n != 0 && !mem->write(user.iov_base,
				   room_at(e, (uintptr_t)iov[k].iov_base), n)))
			return EFAULT;
		done -= n;
	}
	return 0;
}

static uint64_t
vector_count(const struct encoding *e, const struct sysarg *sa)
{
	return sysarg_count(e->e_sd, sa, e->e_args, e->e_cl->cl_mem->read);
}

/* What goes into the head. */
static int
encode_head(struct encoding *e, const struct sysarg *sa, int i)
{
	size_t room;

	if (sa->sa_kind == SYSARG_VALUE)
		return 0;
	if (sa->sa_kind == SYSARG_OPAQUE)
		return EOPNOTSUPP;
	if (word_isbad(e->e_args[i])) {
		e->e_msg->sm_args[i] = word_bad(e->e_args[i]);
		return 0;
	}
	if (sa->sa_kind == SYSARG_STRING)
		return string_encode(
		    e, word_ptr(e->e_args[i]), &e->e_msg->sm_args[i]);
	if (sa->sa_kind == SYSARG_VECTOR)
		return vector_encode(e, word_ptr(e->e_args[i]),
		    vector_count(e, sa), &e->e_msg->sm_args[i]);
	if (sa->sa_kind == SYSARG_MESSAGE)
		return message_encode(e, sa, i);
	if (sa->sa_kind == SYSARG_NESTED)
		return nested_encode(e, sa, i);
	room = buffer_room(e, sa, i);
	if (!buffer_inhead(sa, sysarg_place(sa, room)))
		return 0;
	return encode_buffer(e, sa, i, room, SP_HEADMAX);
}

/* What goes behind it. */
static int
encode_data(struct encoding *e, const struct sysarg *sa, int i)
{
	size_t room;

	if (sa->sa_kind == SYSARG_VECTOR)
		return vector_data(e, (sa->sa_flags & SYSARG_IN) != 0,
		    e->e_msg->sm_args[i], vector_count(e, sa));
	if (sa->sa_kind == SYSARG_MESSAGE)
		return message_data(e, sa, i);
	if (sa->sa_kind != SYSARG_BUFFER || word_isbad(e->e_args[i]))
		return 0;
	room = buffer_room(e, sa, i);
	if (buffer_inhead(sa, sysarg_place(sa, room)))
		return 0;
	room = buffer_cut(e, sa, room);
	/* More than the call will take, whatever the count is of. */
	if (sysarg_place(sa, room) > SP_PAYLOAD - SP_ALIGN - e->e_used) {
		e->e_msg->sm_args[i] = NOWHERE;
		return 0;
	}
	return encode_buffer(e, sa, i, room, SP_PAYLOAD);
}

int
spc_encode(struct spc *cl, uint32_t slot, const struct sysdesc *sd,
    const uint64_t *args)
{
	struct sp_slot *ss = spc_slot(cl, slot);
	struct encoding e = {.e_cl = cl,
	    .e_msg = &ss->ss_msg,
	    .e_payload = ss->ss_payload,
	    .e_sd = sd,
	    .e_args = args};
	struct sysarg sa[SYSCALL_MAXARGS];
	int i, error = 0;

	ss->ss_msg.sm_op = SP_SYSCALL;
	ss->ss_msg.sm_nr = sd->sd_number;
	memcpy(ss->ss_msg.sm_args, args, sizeof(ss->ss_msg.sm_args));
	for (i = 0; i < sd->sd_nargs && error == 0; i++) {
		sysarg_resolve_set(
		    sd, i, args, args[SP_SEMARG], cl->cl_mem->read, &sa[i]);
		error = encode_head(&e, &sa[i], i);
	}
	ss->ss_msg.sm_head = (uint32_t)e.e_used;
	/* All of the head counts as going in. */
	e.e_in = e.e_used;
	for (i = 0; i < sd->sd_nargs && error == 0; i++)
		error = encode_data(&e, &sa[i], i);
	ss->ss_msg.sm_len = (uint32_t)e.e_used;
	ss->ss_size = (uint32_t)e.e_in;
	return error;
}

/*
 * And back
 */

/* What the descriptions ask for is in the slot now. */
static bool
slot_read(void *dst, const void *addr, size_t n)
{
	memcpy(dst, addr, n);
	return true;
}

static int
decode_buffer(
    const struct encoding *e, const struct sysarg *sa, int i, int64_t retval)
{
	uint64_t word = e->e_msg->sm_args[i], args[SYSCALL_MAXARGS];
	size_t room, n;
	int k;

	/* What points to counts: in the slot, where the call has set them. */
	for (k = 0; k < SYSCALL_MAXARGS; k++) {
		args[k] = e->e_msg->sm_args[k];
		if ((args[k] & SP_TAG) != 0 &&
		    e->e_sd->sd_args[k].sa_kind != SYSARG_VALUE)
			args[k] = (uintptr_t)room_at(e, args[k]);
	}
	room = buffer_room(e, sa, i);
	n = sysarg_filled(e->e_sd, sa, args[i], args, slot_read, room, retval);
	if (n != 0 && !e->e_cl->cl_mem->write(
			  (void *)(uintptr_t)e->e_args[i], room_at(e, word), n))
		return EFAULT;
	return 0;
}

int
spc_decode(struct spc *cl, uint32_t slot, const struct sysdesc *sd,
    const uint64_t *args, int64_t *retval)
{
	struct sp_slot *ss = spc_slot(cl, slot);
	const struct encoding e = {.e_cl = cl,
	    .e_msg = &ss->ss_msg,
	    .e_payload = ss->ss_payload,
	    .e_sd = sd,
	    .e_args = args};
	struct sysarg sa;
	int i, error = ss->ss_msg.sm_error, bad = 0;

	*retval = error == 0 ? ss->ss_msg.sm_retval : -1;
	for (i = 0; i < sd->sd_nargs && bad == 0; i++) {
		sysarg_resolve_set(
		    sd, i, args, args[SP_SEMARG], cl->cl_mem->read, &sa);
		if ((ss->ss_msg.sm_args[i] & SP_TAG) == 0)
			continue;
		if (sa.sa_kind == SYSARG_MESSAGE && error == 0)
			bad = message_decode(&e, &sa, i, *retval);
		if ((sa.sa_flags & SYSARG_OUT) == 0 ||
		    (error != 0 && (sa.sa_flags & SYSARG_IN) == 0))
			continue;
		if (sa.sa_kind == SYSARG_BUFFER)
			bad = decode_buffer(&e, &sa, i, *retval);
		else if (sa.sa_kind == SYSARG_VECTOR && *retval > 0)
			bad = vector_decode(&e, word_ptr(args[i]),
			    ss->ss_msg.sm_args[i], (size_t)*retval);
	}
	return error != 0 ? error : bad;
}
