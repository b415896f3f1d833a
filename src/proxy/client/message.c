/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Messages of sockets into slots and out of them: struct msghdr, or several of
 * them with their lengths, struct mmsghdr.  The structures, names, control data
 * and vectors are in the head, the data of the vectors behind it.
 */
#include "proxy/client/marshal.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

/* Longer ones are an error of the call's. */
#define NAME_MOST    4096u
#define CONTROL_MOST 65536u

static bool
is_many(const struct sysarg *sa)
{
	return sa->sa_size == sizeof(struct mmsghdr);
}

static uint64_t
message_count(const struct encoding *e, const struct sysarg *sa)
{
	if (!is_many(sa))
		return 1;
	return sysarg_count(e->e_sd, sa, e->e_args, e->e_cl->cl_mem->read);
}

/* Both begin with it. */
static struct msghdr *
slot_message(
    const struct encoding *e, const struct sysarg *sa, int i, uint64_t k)
{
	return (struct msghdr *)(room_at(e, e->e_msg->sm_args[i]) +
				 k * sa->sa_size);
}

static bool
user_message(const struct encoding *e, const struct sysarg *sa, int i,
    uint64_t k, struct msghdr *mh)
{
	return e->e_cl->cl_mem->read(
	    mh, word_ptr(e->e_args[i] + k * sa->sa_size), sizeof(*mh));
}

/* A name or control data: its address becomes an offset. */
static int
part_encode(struct encoding *e, bool in, void **addrp, size_t len, size_t most)
{
	uint64_t word = (uintptr_t)*addrp;
	const void *addr = *addrp;
	int error;

	if (word_isbad(word) || len > most) {
		*addrp = (void *)(uintptr_t)(word_isbad(word) ? word_bad(word)
							      : NOWHERE);
		return 0;
	}
	error = in ? room_fill(e, addr, len, SP_HEADMAX, &word)
		   : room_take(e, len, SP_HEADMAX, &word);
	*addrp = (void *)(uintptr_t)word;
	return error;
}

static int
one_encode(struct encoding *e, bool in, struct msghdr *mh)
{
	uint64_t word = (uintptr_t)mh->msg_iov;
	const void *iov = mh->msg_iov;
	int error;

	error = part_encode(e, in, &mh->msg_name, mh->msg_namelen, NAME_MOST);
	if (error == 0)
		error = part_encode(
		    e, in, &mh->msg_control, mh->msg_controllen, CONTROL_MOST);
	if (error != 0)
		return error;
	if (word_isbad(word))
		word = word_bad(word);
	else if ((error = vector_encode(e, iov, mh->msg_iovlen, &word)) != 0)
		return error;
	mh->msg_iov = (struct iovec *)(uintptr_t)word;
	return 0;
}

int
message_encode(struct encoding *e, const struct sysarg *sa, int i)
{
	uint64_t n = message_count(e, sa), k;
	int error;

	/* As the host does. */
	if (n > VECTOR_MOST)
		n = VECTOR_MOST;
	error =
	    room_take(e, n * sa->sa_size, SP_HEADMAX, &e->e_msg->sm_args[i]);
	if (error == 0 && n != 0 &&
	    !e->e_cl->cl_mem->read(room_at(e, e->e_msg->sm_args[i]),
		word_ptr(e->e_args[i]), n * sa->sa_size))
		error = EFAULT;
	if (is_many(sa))
		e->e_msg->sm_args[sa->sa_counter] = n;
	for (k = 0; k < n && error == 0; k++)
		error = one_encode(e, (sa->sa_flags & SYSARG_IN) != 0,
		    slot_message(e, sa, i, k));
	return error;
}

int
message_data(struct encoding *e, const struct sysarg *sa, int i)
{
	uint64_t n = is_many(sa) ? e->e_msg->sm_args[sa->sa_counter] : 1, k;
	int error = 0;

	for (k = 0; k < n && error == 0; k++) {
		const struct msghdr *mh = slot_message(e, sa, i, k);

		error = vector_data(e, (sa->sa_flags & SYSARG_IN) != 0,
		    (uintptr_t)mh->msg_iov, mh->msg_iovlen);
	}
	return error;
}

/* What came with it: name, control data and flags, and how long they are. */
static int
one_decode(const struct encoding *e, uint64_t to, const struct msghdr *user,
    const struct msghdr *mh, size_t done)
{
	const struct spc_mem *mem = e->e_cl->cl_mem;
	struct msghdr new = *user;
	size_t name = mh->msg_namelen, control = mh->msg_controllen;

	new.msg_namelen = mh->msg_namelen;
	new.msg_controllen = mh->msg_controllen;
	new.msg_flags = mh->msg_flags;
	if (name > user->msg_namelen)
		name = user->msg_namelen;
	if (control > user->msg_controllen)
		control = user->msg_controllen;
	if (((uintptr_t)mh->msg_name & SP_TAG) != 0 && name != 0 &&
	    !mem->write(
		user->msg_name, room_at(e, (uintptr_t)mh->msg_name), name))
		return EFAULT;
	if (((uintptr_t)mh->msg_control & SP_TAG) != 0 && control != 0 &&
	    !mem->write(user->msg_control,
		room_at(e, (uintptr_t)mh->msg_control), control))
		return EFAULT;
	if (!mem->write((void *)(uintptr_t)to, &new, sizeof(new)))
		return EFAULT;
	if (((uintptr_t)mh->msg_iov & SP_TAG) == 0)
		return 0;
	return vector_decode(e, user->msg_iov, (uintptr_t)mh->msg_iov, done);
}

int
message_decode(
    const struct encoding *e, const struct sysarg *sa, int i, int64_t retval)
{
	uint64_t n = is_many(sa) ? (uint64_t)retval : 1, k;
	struct msghdr user;
	unsigned int len;
	int error = 0;

	if (n > VECTOR_MOST)
		n = VECTOR_MOST;
	for (k = 0; k < n && error == 0; k++) {
		uint64_t to = e->e_args[i] + k * sa->sa_size;
		const struct msghdr *mh = slot_message(e, sa, i, k);

		len = is_many(sa) ? ((const struct mmsghdr *)mh)->msg_len
				  : (unsigned int)retval;
		if (!user_message(e, sa, i, k, &user))
			return EFAULT;
		if ((sa->sa_flags & SYSARG_OUT) != 0)
			error = one_decode(e, to, &user, mh, len);
		if (error == 0 && is_many(sa) &&
		    !e->e_cl->cl_mem->write(
			&((struct mmsghdr *)(uintptr_t)to)->msg_len, &len,
			sizeof(len)))
			error = EFAULT;
	}
	return error;
}
