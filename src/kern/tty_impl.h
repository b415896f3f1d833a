/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Between the files of the terminal:
 *
 *	pty.c		which there are; opening and closing
 *	tty_input.c	what the master wrote becomes the slave's input
 *	tty_output.c	what the slave wrote and echoes become the master's
 *	tty_rw.c	reading and writing both sides
 *	tty_ioctl.c	control
 *	tty_ctty.c	sessions and job control
 *
 * Signals are posted without t_lock: who holds it notes them in t_signals,
 * and tty_leave posts them.
 *
 * Letters: (t) t_lock; (c) ctty_lock; (s) stable.  ctty_lock and t_lock are
 * never held at once.
 */
#ifndef KERN_TTY_IMPL_H
#define KERN_TTY_IMPL_H

#include <sys/ioctl.h>

#include <asm/termbits.h>

#include "kern/event.h"
#include "kern/kern.h"
#include "kern/proc_impl.h"
#include "kern/tty.h"

#define TTY_LINE  4096u	 /* input that can be read, and one byte */
#define TTY_AHEAD 8192u	 /* input that is still to be looked at */
#define TTY_OUT	  16384u /* output, of which echoes have the last part */
#define TTY_WROTE 12288u /* and what is written the first */
#define TTY_ECHO  2048u	 /* echoes that are still to become output */
/* The most bytes that one written or echoed becomes: a tab. */
#define TTY_WIDEST 8u
/* Output that a flush leaves, because the master could have it already. */
#define TTY_TAKEN 4095u

struct tty {
	struct kref t_ref; /* first */
	struct kmutex t_lock;
	uint32_t t_index;	    /* (s) */
	uid_t t_uid;		    /* (s) of who made it */
	struct termios2 t_termios;  /* (t) */
	struct winsize t_winsize;   /* (t) */
	struct kcondvar t_slavecv;  /* (t) slave's readers and writers */
	struct kcondvar t_mastercv; /* (t) master's */
	struct klist t_slavekl;	    /* who polls the slave */
	struct klist t_masterkl;    /* the master */
	uint64_t t_signals;	    /* (t) to post to the foreground group */
	uint32_t t_slaves;	    /* (t) open slave files */
	uint32_t t_hangups;	    /* (t) slave files from before are dead */
	bool t_used;		    /* (t) the slave has been open */
	bool t_gone;		    /* (t) the master is closed */
	bool t_ptlock;		    /* (t) TIOCSPTLCK */
	bool t_packet;		    /* (t) TIOCPKT */
	uint8_t t_pktstatus;	    /* (t) TIOCPKT_* to be read */
	bool t_stopped;		    /* (t) output, by VSTOP or TCOOFF */
	bool t_tcooff;		    /* (t) by TCOOFF */

	/* (t) Input; positions go up, TTY_LINE and so on are the sizes. */
	bool t_push;	     /* what was there became a line without an end */
	bool t_lnext;	     /* the next character is literal */
	bool t_erasing;	     /* inside ECHOPRT's \ and / */
	uint32_t t_head;     /* behind the last character */
	uint32_t t_canon;    /* behind the last whole line */
	uint32_t t_tail;     /* where is read */
	uint32_t t_ahead[2]; /* typed ahead: from, to */

	/* (t) Output. */
	uint32_t t_column;
	uint32_t t_canoncol; /* where the line that is typed began */
	uint32_t t_ohead;    /* behind the last byte */
	uint32_t t_osafe;    /* to here the master has had time to see it */
	uint32_t t_otail;
	uint32_t t_toldin, t_toldout; /* SIGIO was posted for what is before */
	uint32_t t_echo[2];	      /* from, to */

	struct pgrp *t_session;	   /* (c) founder, held; or NULL */
	struct pgrp *t_foreground; /* (c) held; or NULL */

	uint64_t t_eol[TTY_LINE / 64]; /* (t) ends of lines in t_line */
	uint8_t t_line[TTY_LINE];      /* (t) */
	uint8_t t_aheadbuf[TTY_AHEAD]; /* (t) */
	uint8_t t_out[TTY_OUT];	       /* (t) */
	uint16_t t_echobuf[TTY_ECHO];  /* (t) what it is, and a character */
};

/* f_data of an open side. */
struct ttyfile {
	struct tty *tf_tty;
	bool tf_master;
	uint32_t tf_hangups; /* t_hangups when it was opened */
};

static inline bool
tty_iflag(const struct tty *t, unsigned flag)
{
	return (t->t_termios.c_iflag & flag) != 0;
}

static inline bool
tty_oflag(const struct tty *t, unsigned flag)
{
	return (t->t_termios.c_oflag & flag) != 0;
}

static inline bool
tty_lflag(const struct tty *t, unsigned flag)
{
	return (t->t_termios.c_lflag & flag) != 0;
}

static inline bool
tty_iscntrl(uint8_t c)
{
	return c < 0x20 || c == 0x7f;
}

/* Letters of Latin-1, as the host sees them. */
static inline bool
tty_isupper(uint8_t c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 0xc0 && c <= 0xde && c != 0xd7);
}

static inline bool
tty_islower(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 0xdf && c != 0xf7);
}

/* Not the first byte of a character, if there can be several. */
static inline bool
tty_iscontinued(const struct tty *t, uint8_t c)
{
	return tty_iflag(t, IUTF8) && (c & 0xc0) == 0x80;
}

/* This file's side of a terminal that is not open any more for it. */
static inline bool
ttyfile_hungup(const struct ttyfile *tf)
{
	return !tf->tf_master && tf->tf_hangups != tf->tf_tty->t_hangups;
}

/* t_lock; tty_leave wakes the other side and posts signals. */
void tty_enter(struct tty *);
void tty_leave(struct tty *);

/* What is echoed, with a character or a number. */
enum tty_echo {
	ECHO_CHAR,	/* as it is */
	ECHO_CONTROL,	/* ^X */
	ECHO_LITERAL,	/* whatever OPOST says */
	ECHO_BACKTAB,	/* back over a tab behind so many columns */
	ECHO_BACKTAB0,	/* the same, of the line, not behind another tab */
	ECHO_LINESTART, /* nothing: the line begins here */
	ECHO_NARROW,	/* nothing: the last character had no width */
};

/*
 * Output: tty_output.c.  Under t_lock.
 *
 *	tty_put		one byte as the slave writes it
 *	tty_putraw	without OPOST
 *	tty_echo	note an echo; tty_echochar: of a character that came in
 *	tty_show	let echoes become output, unless that is stopped
 */
void tty_put(struct tty *, uint8_t c);
void tty_putraw(struct tty *, uint8_t c);
void tty_echo(struct tty *, enum tty_echo, uint32_t c);
void tty_echochar(struct tty *, uint8_t c);
void tty_show(struct tty *);
uint32_t tty_room(const struct tty *);
void tty_stop(struct tty *);
void tty_start(struct tty *);
void tty_pktstatus(struct tty *, unsigned set, unsigned clear);
/* Drop output that the master cannot have. */
void tty_flushout(struct tty *);

/* Input: tty_input.c.  Under t_lock. */
void tty_type(struct tty *); /* look at what is typed ahead */
void tty_flushin(struct tty *);
void tty_setcanon(struct tty *); /* ICANON has changed */
bool tty_hasinput(const struct tty *);
uint32_t tty_inputsize(const struct tty *);

static inline bool
tty_iseol(const struct tty *t, uint32_t pos)
{
	pos %= TTY_LINE;
	return (t->t_eol[pos / 64] >> pos % 64 & 1) != 0;
}

static inline void
tty_seteol(struct tty *t, uint32_t pos, bool on)
{
	pos %= TTY_LINE;
	if (on)
		t->t_eol[pos / 64] |= UINT64_C(1) << pos % 64;
	else
		t->t_eol[pos / 64] &= ~(UINT64_C(1) << pos % 64);
}

/*
 * Sessions: tty_ctty.c.  Without locks.
 */

/* Opened or asked for: make it l's controlling terminal if that may be. */
int tty_setctty(struct lwp *, struct tty *, bool steal);
int tty_notty(struct lwp *, struct tty *);
/* l's controlling terminal, held, or NULL. */
struct tty *ctty_get(struct lwp *);
bool tty_isctty(struct lwp *, struct tty *);
pid_t tty_getpgrp(struct tty *);
pid_t tty_getsid(struct tty *);
int tty_setpgrp(struct lwp *, struct tty *, pid_t);
/*
 * May l read (SIGTTIN), write or change (SIGTTOU) it now?  EIO, or EINTR after
 * the signal has been posted to its group.
 */
int tty_background(struct lwp *, struct tty *, int signo);
void tty_signal(struct tty *, uint64_t signals); /* to the foreground */
/* The master has gone: tell the session's leader and part them. */
void tty_part(struct tty *);

#endif /* KERN_TTY_IMPL_H */
