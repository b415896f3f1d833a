/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Output of a terminal: from what the slave writes and from echoes to what the
 * master reads.
 *
 * Echoes are noted, and become output at the end of what was typed at once,
 * or when output goes on after a stop, by what is set then.  A signal
 * character takes back those of the same stroke (t_osafe).  Writes wait while
 * output is stopped.
 */
#include "kern/tty_impl.h"

void
tty_pktstatus(struct tty *t, unsigned set, unsigned clear)
{
	if (t->t_packet)
		t->t_pktstatus = (uint8_t)((t->t_pktstatus & ~clear) | set);
}

void
tty_stop(struct tty *t)
{
	if (t->t_stopped)
		return;
	t->t_stopped = true;
	tty_pktstatus(t, TIOCPKT_STOP, TIOCPKT_START);
}

void
tty_start(struct tty *t)
{
	if (!t->t_stopped || t->t_tcooff)
		return;
	t->t_stopped = false;
	tty_pktstatus(t, TIOCPKT_START, TIOCPKT_STOP);
}

void
tty_flushout(struct tty *t)
{
	if (t->t_ohead - t->t_otail > TTY_TAKEN)
		t->t_ohead = t->t_otail + TTY_TAKEN;
	tty_pktstatus(t, TIOCPKT_FLUSHWRITE, 0);
}

uint32_t
tty_room(const struct tty *t)
{
	uint32_t used = t->t_ohead - t->t_otail;

	return t->t_stopped || used > TTY_WROTE ? 0 : TTY_WROTE - used;
}

/* There is room: tty_room, tty_show. */
void
tty_putraw(struct tty *t, uint8_t c)
{
	KASSERT(t->t_ohead - t->t_otail < TTY_OUT);
	t->t_out[t->t_ohead++ % TTY_OUT] = c;
}

static void
put_newline(struct tty *t)
{
	if (tty_oflag(t, ONLRET))
		t->t_column = 0;
	if (tty_oflag(t, ONLCR)) {
		t->t_column = 0;
		tty_putraw(t, '\r');
	}
	t->t_canoncol = t->t_column;
	tty_putraw(t, '\n');
}

static void
put_return(struct tty *t)
{
	bool tonl = tty_oflag(t, OCRNL);

	if (tty_oflag(t, ONOCR) && t->t_column == 0)
		return;
	if (!tonl || tty_oflag(t, ONLRET))
		t->t_canoncol = t->t_column = 0;
	tty_putraw(t, tonl ? '\n' : '\r');
}

static void
put_tab(struct tty *t)
{
	uint32_t n = 8 - t->t_column % 8;

	t->t_column += n;
	if ((t->t_termios.c_oflag & TABDLY) != XTABS)
		tty_putraw(t, '\t');
	else
		while (n-- > 0)
			tty_putraw(t, ' ');
}

static void
put_char(struct tty *t, uint8_t c)
{
	if (c == '\b') {
		if (t->t_column > 0)
			t->t_column--;
	} else if (!tty_iscntrl(c)) {
		if (tty_oflag(t, OLCUC) && tty_islower(c))
			c = (uint8_t)(c - 0x20);
		if (!tty_iscontinued(t, c))
			t->t_column++;
	}
	tty_putraw(t, c);
}

void
tty_put(struct tty *t, uint8_t c)
{
	if (!tty_oflag(t, OPOST))
		tty_putraw(t, c);
	else if (c == '\n')
		put_newline(t);
	else if (c == '\r')
		put_return(t);
	else if (c == '\t')
		put_tab(t);
	else
		put_char(t, c);
}

/*
 * Echoes
 */

/* Nobody has seen the oldest for long. */
void
tty_echo(struct tty *t, enum tty_echo what, uint32_t c)
{
	if (t->t_echo[1] - t->t_echo[0] == TTY_ECHO)
		t->t_echo[0]++;
	t->t_echobuf[t->t_echo[1]++ % TTY_ECHO] =
	    (uint16_t)((uint32_t)what << 8 | c);
}

void
tty_echochar(struct tty *t, uint8_t c)
{
	/* The host does not treat this one as output. */
	if (c == 0xff)
		tty_echo(t, ECHO_LITERAL, c);
	else if (tty_lflag(t, ECHOCTL) && tty_iscntrl(c) && c != '\t')
		tty_echo(t, ECHO_CONTROL, c);
	else
		tty_echo(t, ECHO_CHAR, c);
}

static void
put_back(struct tty *t, uint32_t width)
{
	uint32_t n;

	for (n = 8 - width % 8; n > 0; n--) {
		tty_putraw(t, '\b');
		if (t->t_column > 0)
			t->t_column--;
	}
}

static void
put_echo(struct tty *t, enum tty_echo what, uint8_t c)
{
	switch (what) {
	case ECHO_CHAR:
		tty_put(t, c);
		break;
	case ECHO_CONTROL:
		tty_putraw(t, '^');
		tty_putraw(t, c ^ 0x40);
		t->t_column += 2;
		break;
	case ECHO_LITERAL:
		tty_putraw(t, c);
		t->t_column++;
		break;
	case ECHO_BACKTAB:
		put_back(t, c);
		break;
	case ECHO_BACKTAB0:
		put_back(t, c + t->t_canoncol);
		break;
	case ECHO_LINESTART:
		t->t_canoncol = t->t_column;
		break;
	case ECHO_NARROW:
		if (t->t_column > 0)
			t->t_column--;
		break;
	}
}

void
tty_show(struct tty *t)
{
	uint16_t e;

	while (!t->t_stopped && t->t_echo[0] != t->t_echo[1] &&
	       TTY_OUT - (t->t_ohead - t->t_otail) >= TTY_WIDEST) {
		e = t->t_echobuf[t->t_echo[0]++ % TTY_ECHO];
		put_echo(t, (enum tty_echo)(e >> 8), (uint8_t)e);
	}
}
