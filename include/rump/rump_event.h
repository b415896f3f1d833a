/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kqueue and kevent: the structure and the constants, with NetBSD's values.
 *
 * They all begin with RUMP_ or rump_, and are there by their own names too,
 * unless a header of that kind, like libkqueue's <sys/event.h>, has been
 * included before.
 */
#ifndef RUMP_RUMP_EVENT_H
#define RUMP_RUMP_EVENT_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct rump_kevent {
	uintptr_t ident; /* what it is about: a descriptor, a process, … */
	uint32_t filter; /* RUMP_EVFILT_* */
	uint32_t flags;	 /* RUMP_EV_* */
	uint32_t fflags; /* RUMP_NOTE_* */
	int64_t data;
	void *udata; /* the caller's */
};

/*
 * Filters.
 *	READ	data: bytes that can be read, or ready kevents of a kqueue
 *	WRITE	data: bytes that there is room for
 *	both	not of regular files and directories: EINVAL
 *	PROC	NOTE_EXIT of a process
 *	USER	NOTE_TRIGGER, and 24 bits that NOTE_FF* change
 */
#define RUMP_EVFILT_READ  0u
#define RUMP_EVFILT_WRITE 1u
#define RUMP_EVFILT_PROC  4u
#define RUMP_EVFILT_USER  8u

/* Actions. */
#define RUMP_EV_ADD	0x0001u
#define RUMP_EV_DELETE	0x0002u
#define RUMP_EV_ENABLE	0x0004u
#define RUMP_EV_DISABLE 0x0008u
/* How it is reported. */
#define RUMP_EV_ONESHOT	 0x0010u /* once, then deleted */
#define RUMP_EV_CLEAR	 0x0020u /* once for each change */
#define RUMP_EV_RECEIPT	 0x0040u /* answer each change with EV_ERROR */
#define RUMP_EV_DISPATCH 0x0080u /* once, then disabled */
/* What is reported. */
#define RUMP_EV_EOF   0x8000u
#define RUMP_EV_ERROR 0x4000u /* data: an error number, or 0 */

#define RUMP_NOTE_LOWAT 0x0001u /* READ, WRITE: at least data bytes */
#define RUMP_NOTE_EXIT	0x80000000u

#define RUMP_NOTE_FFNOP	     0x00000000u
#define RUMP_NOTE_FFAND	     0x40000000u
#define RUMP_NOTE_FFOR	     0x80000000u
#define RUMP_NOTE_FFCOPY     0xc0000000u
#define RUMP_NOTE_FFCTRLMASK 0xc0000000u
#define RUMP_NOTE_FFLAGSMASK 0x00ffffffu
#define RUMP_NOTE_TRIGGER    0x01000000u

#ifndef EV_ADD
#define kevent	     rump_kevent
#define EVFILT_READ  RUMP_EVFILT_READ
#define EVFILT_WRITE RUMP_EVFILT_WRITE
#define EVFILT_PROC  RUMP_EVFILT_PROC
#define EVFILT_USER  RUMP_EVFILT_USER
#define EV_ADD	     RUMP_EV_ADD
#define EV_DELETE    RUMP_EV_DELETE
#define EV_ENABLE    RUMP_EV_ENABLE
#define EV_DISABLE   RUMP_EV_DISABLE
#define EV_ONESHOT   RUMP_EV_ONESHOT
#define EV_CLEAR     RUMP_EV_CLEAR
#define EV_RECEIPT   RUMP_EV_RECEIPT
#define EV_DISPATCH  RUMP_EV_DISPATCH
#define EV_EOF	     RUMP_EV_EOF
#define EV_ERROR     RUMP_EV_ERROR

#define NOTE_LOWAT	RUMP_NOTE_LOWAT
#define NOTE_EXIT	RUMP_NOTE_EXIT
#define NOTE_FFNOP	RUMP_NOTE_FFNOP
#define NOTE_FFAND	RUMP_NOTE_FFAND
#define NOTE_FFOR	RUMP_NOTE_FFOR
#define NOTE_FFCOPY	RUMP_NOTE_FFCOPY
#define NOTE_FFCTRLMASK RUMP_NOTE_FFCTRLMASK
#define NOTE_FFLAGSMASK RUMP_NOTE_FFLAGSMASK
#define NOTE_TRIGGER	RUMP_NOTE_TRIGGER

#define EV_SET(kev, a, b, c, d, e, f)                \
	do {                                         \
		struct rump_kevent *ev_set_ = (kev); \
		ev_set_->ident = (uintptr_t)(a);     \
		ev_set_->filter = (b);               \
		ev_set_->flags = (c);                \
		ev_set_->fflags = (d);               \
		ev_set_->data = (e);                 \
		ev_set_->udata = (void *)(f);        \
	} while (0)
#endif

#ifdef __cplusplus
}
#endif

#endif /* RUMP_RUMP_EVENT_H */
