/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Between marshal.c and message.c: a message that is being made.
 */
#ifndef PROXY_CLIENT_MARSHAL_H
#define PROXY_CLIENT_MARSHAL_H

#include <sys/uio.h>

#include "proxy/client/core.h"
#include "syscall/sysdesc.h"

#define VECTOR_MOST 1024u

/* An address that no program has, in the place of one that is of no use. */
#define NOWHERE 1u

struct encoding {
	struct spc *e_cl;
	struct sp_msg *e_msg;
	uint8_t *e_payload;
	const struct sysdesc *e_sd;
	const uint64_t *e_args; /* the caller's */
	size_t e_used;		/* bytes of payload */
	size_t e_in;		/* of these, up to the last that goes in */
};

static inline const void *
word_ptr(uint64_t word)
{
	return (const void *)(uintptr_t)word;
}

static inline uint8_t *
room_at(const struct encoding *e, uint64_t word)
{
	return e->e_payload + (word & ~SP_TAG);
}

/* An address that is none: it goes as it is. */
bool word_isbad(uint64_t word);
uint64_t word_bad(uint64_t word);

/* Room for n bytes, none of them beyond `most'.  E2BIG. */
int room_take(struct encoding *, size_t n, size_t most, uint64_t *wordp);

/*
 * The same with n bytes of the caller's.  What is not there goes as NOWHERE:
 * the call may find first that it is not asked for.
 */
int room_fill(struct encoding *, const void *addr, size_t n, size_t most,
    uint64_t *wordp);

/* A string into the head, what says where in *wordp. */
int string_encode(struct encoding *, const char *s, uint64_t *wordp);

/* nested.c: a structure with pointers, and what they point to. */
int nested_encode(struct encoding *, const struct sysarg *, int i);

/*
 * The structures of a vector of n buffers at `addr' into the head, what says
 * where in *wordp; then its data, of which those that go in are copied.
 */
int
vector_encode(struct encoding *, const void *addr, uint64_t n, uint64_t *wordp);
int vector_data(struct encoding *, bool in, uint64_t word, uint64_t n);

/* Copy `done' bytes back to the buffers of the vector at addr. */
int vector_decode(
    const struct encoding *, const void *addr, uint64_t word, size_t done);

/*
 * message.c: the same for struct msghdr and struct mmsghdr.
 */
int message_encode(struct encoding *, const struct sysarg *, int i);
int message_data(struct encoding *, const struct sysarg *, int i);
int message_decode(
    const struct encoding *, const struct sysarg *, int i, int64_t retval);

#endif /* PROXY_CLIENT_MARSHAL_H */
