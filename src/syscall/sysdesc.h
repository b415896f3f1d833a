/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What each system call and each of its arguments is: made from syscalls.conf,
 * where the grammar is.  For whoever handles calls without knowing them: the
 * trace, the protocol of remote clients on both ends, tests.
 *
 * Arguments come as an array of six words, each extended to 64 bits.  What
 * pointers in it point to is only read by a function that the caller gives, so
 * that it is the caller who says what happens with a bad one.
 *
 * Stands on nothing but the public headers.
 */
#ifndef SYSCALL_SYSDESC_H
#define SYSCALL_SYSDESC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SYSCALL_MAXARGS = 6 };

enum sysarg_kind {
	SYSARG_VALUE,	/* no pointer */
	SYSARG_STRING,	/* up to a NUL; goes in */
	SYSARG_BUFFER,	/* elements in a row */
	SYSARG_VECTOR,	/* of struct iovec, which go in; flags are the data's */
	SYSARG_MESSAGE, /* struct msghdr or mmsghdr; flags are the data's */
	SYSARG_SPECIAL, /* one of these by what others are: sysarg_resolve */
	SYSARG_NESTED,	/* resolved: a structure with pointers, goes in */
	SYSARG_OPAQUE,	/* resolved, but nobody knows what it points to */
	SYSARG_ABSENT,	/* resolved: the call does not look at it */
};

#define SYSARG_IN	  1u   /* the call reads it */
#define SYSARG_OUT	  2u   /* the call writes it */
#define SYSARG_RETURNED	  4u   /* the call's value is how much it wrote */
#define SYSARG_COUNTPTR	  8u   /* the counter points to the count, both ways */
#define SYSARG_BYTES	  16u  /* the count is of bytes, not of elements */
#define SYSARG_BITS	  32u  /* the count is of bits, in words of 64 */
#define SYSARG_HANDLE	  64u  /* struct file_handle, whose size is in it */
#define SYSARG_TERMINATED 128u /* written up to a NUL */
#define SYSARG_SIGNED	  256u /* a value that can be negative */
#define SYSARG_SET	  512u /* the call may look at SYSARG_SETMOST bytes */

/* As many semaphores of System V as a set can have, two bytes each. */
#define SYSARG_SETMOST ((size_t)64000)

struct sysarg {
	const char *sa_name;
	const char *sa_type; /* in C: "const struct iovec *" */
	const char *sa_hint; /* what a value or bytes mean, or NULL */
	uint32_t sa_size;    /* bytes of a value, or of an element */
	uint32_t sa_count;   /* elements, without a counter */
	uint16_t sa_extra;   /* bytes before the elements */
	uint16_t sa_flags;   /* SYSARG_* above */
	uint8_t sa_kind;     /* enum sysarg_kind */
	int8_t sa_counter;   /* the argument that is the count, or -1 */
};

enum sysresult { SYSRESULT_ZERO, SYSRESULT_SIGNED, SYSRESULT_UNSIGNED };

/* How a remote client makes it: by one message, or by a file of its own. */
enum sysclient { SYSCLIENT_MESSAGE, SYSCLIENT_AIO, SYSCLIENT_SHM };

struct sysdesc {
	const char *sd_name;
	uint16_t sd_number;
	uint8_t sd_nargs;
	uint8_t sd_nfixed; /* of these, the caller must give so many */
	uint8_t sd_result; /* enum sysresult */
	uint8_t sd_client; /* enum sysclient */
	struct sysarg sd_args[SYSCALL_MAXARGS];
};

/* All calls, by number. */
extern const struct sysdesc sysdesc_list[];
extern const size_t sysdesc_count;

/* The call of this number, or NULL. */
const struct sysdesc *sysdesc_find(int number);

/*
 * Copy n bytes from the caller's memory, or whatever keeps it; false if they
 * are not there.
 */
typedef bool sysarg_read(void *dst, const void *addr, size_t n);

/*
 * What argument i of a call with these arguments is: its description or, where
 * that says SPECIAL, one that does not.
 */
void sysarg_resolve(const struct sysdesc *, int i, const uint64_t *args,
    sysarg_read *, struct sysarg *result);

/*
 * A pointer in a structure (NESTED): to a string, or to so many elements as an
 * int in the structure says.
 */
struct sysinner {
	uint16_t si_at;	     /* bytes into the structure */
	uint16_t si_counter; /* the same, of the count */
	uint16_t si_size;    /* of an element; 0: it is a string */
};

/* All of them in this structure; how many. */
size_t sysarg_inner(const struct sysarg *, const struct sysinner **listp);

/*
 * Is it semctl with GETALL or SETALL?  Its array is as long as the set, which
 * is not among the arguments, and is resolved as OPAQUE.
 */
bool sysdesc_isset(const struct sysdesc *, const uint64_t *args);

/*
 * As sysarg_resolve; an array of that kind is one of n, unless that is 0 or
 * more than a set can have.
 */
void sysarg_resolve_set(const struct sysdesc *, int i, const uint64_t *args,
    uint64_t n, sysarg_read *, struct sysarg *result);

/* Bytes that there must be for a buffer that sysarg_room says this of. */
static inline size_t
sysarg_place(const struct sysarg *sa, size_t room)
{
	return (sa->sa_flags & SYSARG_SET) != 0 && room < SYSARG_SETMOST
		   ? SYSARG_SETMOST
		   : room;
}

/* The argument as its type has it: cut to its size, extended by its sign. */
uint64_t sysarg_value(const struct sysarg *, uint64_t word);

/*
 * Elements that a buffer, vector or message has room for, before the call.
 * 0 if a count is negative, or its pointer NULL or bad.
 */
uint64_t sysarg_count(const struct sysdesc *, const struct sysarg *,
    const uint64_t *args, sysarg_read *);

/*
 * Bytes of a buffer whose argument is `word', before the call: what goes in,
 * or the most that goes out.  SIZE_MAX if that is more than there can be.
 */
size_t sysarg_room(const struct sysdesc *, const struct sysarg *, uint64_t word,
    const uint64_t *args, sysarg_read *);

/*
 * Bytes of them that are valid after a call that returned retval, not an
 * error; room is what sysarg_room gave before it.
 */
size_t
sysarg_filled(const struct sysdesc *, const struct sysarg *, uint64_t word,
    const uint64_t *args, sysarg_read *, size_t room, int64_t retval);

#endif /* SYSCALL_SYSDESC_H */
