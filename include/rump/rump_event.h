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
 * Filters, and what ident and data are.
 *	READ	a descriptor; bytes that can be read, or ready kevents of a
 *		kqueue; of regular files and directories bytes from the position
 *		to the end, less than 0 beyond it, and not if that is 0: told
 *		when it is changed, but not when the position is
 *	WRITE	a descriptor; bytes that there is room for; of regular files
 *		and directories always, and 0
 *	both	not of devices that nothing tells of: EINVAL
 *	AIO	the address of a struct aiocb, whose request the process has
 *		made; what aio_error gives when it has ended, told to that
 *		process once
 *	VNODE	a descriptor of what has a name; fflags: what to report of the
 *		file, and what has happened until EV_CLEAR
 *	PROC	a process; its status as wait gives it, for NOTE_EXIT, the
 *		parent's pid for NOTE_CHILD
 *	SIGNAL	a signal; how often it was posted to the process that added the
 *		kevent, even if it is ignored
 *	TIMER	any number; given: a time in milliseconds, or as NOTE_* say,
 *		and the interval, told: how often it was due
 *	USER	any number; NOTE_TRIGGER, and 24 bits that NOTE_FF* change
 * PROC, SIGNAL and TIMER are EV_CLEAR by themselves.
 */
#define RUMP_EVFILT_READ   0u
#define RUMP_EVFILT_WRITE  1u
#define RUMP_EVFILT_AIO	   2u
#define RUMP_EVFILT_VNODE  3u
#define RUMP_EVFILT_PROC   4u
#define RUMP_EVFILT_SIGNAL 5u
#define RUMP_EVFILT_TIMER  6u
#define RUMP_EVFILT_USER   8u

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

/* VNODE. */
#define RUMP_NOTE_DELETE      0x0001u /* the last name has gone */
#define RUMP_NOTE_WRITE	      0x0002u /* data, or entries of a directory */
#define RUMP_NOTE_EXTEND      0x0004u /* it has become longer */
#define RUMP_NOTE_ATTRIB      0x0008u
#define RUMP_NOTE_LINK	      0x0010u /* a name came or went */
#define RUMP_NOTE_RENAME      0x0020u
#define RUMP_NOTE_REVOKE      0x0040u /* never: nothing is revoked */
#define RUMP_NOTE_OPEN	      0x0080u
#define RUMP_NOTE_CLOSE	      0x0100u /* what was open for reading */
#define RUMP_NOTE_CLOSE_WRITE 0x0200u /* what was open for writing */
#define RUMP_NOTE_READ	      0x0400u

/*
 * PROC.  With NOTE_TRACK each child gets a kevent like it, which reports
 * NOTE_CHILD at once; where there is no memory for that, NOTE_TRACKERR.
 */
#define RUMP_NOTE_EXIT	    0x80000000u
#define RUMP_NOTE_FORK	    0x40000000u
#define RUMP_NOTE_EXEC	    0x20000000u /* never: there is no exec */
#define RUMP_NOTE_PCTRLMASK 0xf0000000u
#define RUMP_NOTE_PDATAMASK 0x000fffffu
#define RUMP_NOTE_TRACK	    0x00000001u
#define RUMP_NOTE_TRACKERR  0x00000002u
#define RUMP_NOTE_CHILD	    0x00000004u

/* TIMER. */
#define RUMP_NOTE_MSECONDS 0x00000000u
#define RUMP_NOTE_SECONDS  0x00000001u
#define RUMP_NOTE_USECONDS 0x00000002u
#define RUMP_NOTE_NSECONDS 0x00000003u
#define RUMP_NOTE_ABSTIME  0x00000010u /* by CLOCK_REALTIME, once */

#define RUMP_NOTE_FFNOP	     0x00000000u
#define RUMP_NOTE_FFAND	     0x40000000u
#define RUMP_NOTE_FFOR	     0x80000000u
#define RUMP_NOTE_FFCOPY     0xc0000000u
#define RUMP_NOTE_FFCTRLMASK 0xc0000000u
#define RUMP_NOTE_FFLAGSMASK 0x00ffffffu
#define RUMP_NOTE_TRIGGER    0x01000000u

#ifndef EV_ADD
#define kevent	      rump_kevent
#define EVFILT_READ   RUMP_EVFILT_READ
#define EVFILT_WRITE  RUMP_EVFILT_WRITE
#define EVFILT_AIO    RUMP_EVFILT_AIO
#define EVFILT_VNODE  RUMP_EVFILT_VNODE
#define EVFILT_PROC   RUMP_EVFILT_PROC
#define EVFILT_SIGNAL RUMP_EVFILT_SIGNAL
#define EVFILT_TIMER  RUMP_EVFILT_TIMER
#define EVFILT_USER   RUMP_EVFILT_USER
#define EV_ADD	      RUMP_EV_ADD
#define EV_DELETE     RUMP_EV_DELETE
#define EV_ENABLE     RUMP_EV_ENABLE
#define EV_DISABLE    RUMP_EV_DISABLE
#define EV_ONESHOT    RUMP_EV_ONESHOT
#define EV_CLEAR      RUMP_EV_CLEAR
#define EV_RECEIPT    RUMP_EV_RECEIPT
#define EV_DISPATCH   RUMP_EV_DISPATCH
#define EV_EOF	      RUMP_EV_EOF
#define EV_ERROR      RUMP_EV_ERROR

#define NOTE_LOWAT	 RUMP_NOTE_LOWAT
#define NOTE_DELETE	 RUMP_NOTE_DELETE
#define NOTE_WRITE	 RUMP_NOTE_WRITE
#define NOTE_EXTEND	 RUMP_NOTE_EXTEND
#define NOTE_ATTRIB	 RUMP_NOTE_ATTRIB
#define NOTE_LINK	 RUMP_NOTE_LINK
#define NOTE_RENAME	 RUMP_NOTE_RENAME
#define NOTE_REVOKE	 RUMP_NOTE_REVOKE
#define NOTE_OPEN	 RUMP_NOTE_OPEN
#define NOTE_CLOSE	 RUMP_NOTE_CLOSE
#define NOTE_CLOSE_WRITE RUMP_NOTE_CLOSE_WRITE
#define NOTE_READ	 RUMP_NOTE_READ
#define NOTE_EXIT	 RUMP_NOTE_EXIT
#define NOTE_FORK	 RUMP_NOTE_FORK
#define NOTE_EXEC	 RUMP_NOTE_EXEC
#define NOTE_PCTRLMASK	 RUMP_NOTE_PCTRLMASK
#define NOTE_PDATAMASK	 RUMP_NOTE_PDATAMASK
#define NOTE_TRACK	 RUMP_NOTE_TRACK
#define NOTE_TRACKERR	 RUMP_NOTE_TRACKERR
#define NOTE_CHILD	 RUMP_NOTE_CHILD
#define NOTE_MSECONDS	 RUMP_NOTE_MSECONDS
#define NOTE_SECONDS	 RUMP_NOTE_SECONDS
#define NOTE_USECONDS	 RUMP_NOTE_USECONDS
#define NOTE_NSECONDS	 RUMP_NOTE_NSECONDS
#define NOTE_ABSTIME	 RUMP_NOTE_ABSTIME
#define NOTE_FFNOP	 RUMP_NOTE_FFNOP
#define NOTE_FFAND	 RUMP_NOTE_FFAND
#define NOTE_FFOR	 RUMP_NOTE_FFOR
#define NOTE_FFCOPY	 RUMP_NOTE_FFCOPY
#define NOTE_FFCTRLMASK	 RUMP_NOTE_FFCTRLMASK
#define NOTE_FFLAGSMASK	 RUMP_NOTE_FFLAGSMASK
#define NOTE_TRIGGER	 RUMP_NOTE_TRIGGER

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
