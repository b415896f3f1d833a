/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Input of a terminal: from what the master writes to what the slave reads.
 *
 * In canonical mode the line that is being typed, from t_canon to t_head, can
 * be edited; t_eol marks the last character of each whole line.  An end of
 * file is such a character, NUL, that nobody reads.  What is typed while there
 * is no room is kept as it is (t_ahead) and looked at later.
 */
#include <signal.h>

#include "kern/tty_impl.h"

enum erase { ERASE_CHAR, ERASE_WORD, ERASE_LINE };

static uint8_t
line_at(const struct tty *t, uint32_t pos)
{
	return t->t_line[pos % TTY_LINE];
}

static void
line_put(struct tty *t, uint8_t c)
{
	if (c == 0xff && tty_iflag(t, PARMRK))
		t->t_line[t->t_head++ % TTY_LINE] = c;
	t->t_line[t->t_head++ % TTY_LINE] = c;
}

/* The end of a line: c is '\0' for an end of file. */
static void
line_end(struct tty *t, uint8_t c)
{
	tty_seteol(t, t->t_head, true);
	t->t_line[t->t_head++ % TTY_LINE] = c;
	t->t_canon = t->t_head;
}

/* Is c this special character, one that is not switched off? */
static bool
is_special(const struct tty *t, uint8_t c, int which)
{
	return c != 0 && t->t_termios.c_cc[which] == c;
}

/* One that IEXTEN turns on. */
static bool
is_extended(const struct tty *t, uint8_t c, int which)
{
	return tty_lflag(t, IEXTEN) && is_special(t, c, which);
}

/*
 * Echoing
 */

static void
echo_finish(struct tty *t)
{
	if (t->t_erasing) {
		tty_echo(t, ECHO_CHAR, '/');
		t->t_erasing = false;
	}
}

/* A character of the line. */
static void
echo_linechar(struct tty *t, uint8_t c)
{
	if (t->t_canon == t->t_head)
		tty_echo(t, ECHO_LINESTART, 0);
	tty_echochar(t, c);
}

static void
echo_rubout(struct tty *t)
{
	tty_echo(t, ECHO_CHAR, '\b');
	tty_echo(t, ECHO_CHAR, ' ');
	tty_echo(t, ECHO_CHAR, '\b');
}

/* Back over a tab: to where the characters before it end. */
static void
echo_rubtab(struct tty *t)
{
	uint32_t pos = t->t_head, width = 0;
	bool tab = false;
	uint8_t c;

	while (pos != t->t_canon && !tab) {
		c = line_at(t, --pos);
		if (c == '\t')
			tab = true;
		else if (tty_iscntrl(c))
			width += tty_lflag(t, ECHOCTL) ? 2 : 0;
		else if (!tty_iscontinued(t, c))
			width++;
	}
	tty_echo(t, tab ? ECHO_BACKTAB : ECHO_BACKTAB0, width % 8);
}

/*
 * Erasing
 */

/* The character of `bytes' bytes behind t_head has been erased. */
static void
echo_erased(struct tty *t, enum erase what, uint32_t bytes)
{
	uint8_t c = line_at(t, t->t_head);
	uint32_t i;

	if (tty_lflag(t, ECHOPRT)) {
		if (!t->t_erasing) {
			tty_echo(t, ECHO_CHAR, '\\');
			t->t_erasing = true;
		}
		tty_echochar(t, c);
		for (i = 1; i < bytes; i++) {
			tty_echo(t, ECHO_CHAR, line_at(t, t->t_head + i));
			tty_echo(t, ECHO_NARROW, 0);
		}
	} else if (what == ERASE_CHAR && !tty_lflag(t, ECHOE))
		tty_echochar(t, t->t_termios.c_cc[VERASE]);
	else if (c == '\t')
		echo_rubtab(t);
	else {
		if (tty_iscntrl(c) && tty_lflag(t, ECHOCTL))
			echo_rubout(t);
		if (!tty_iscntrl(c) || tty_lflag(t, ECHOCTL))
			echo_rubout(t);
	}
}

static bool
is_word(uint8_t c)
{
	return (c >= '0' && c <= '9') || tty_isupper(c) || tty_islower(c) ||
	       c == '_';
}

static void
line_erase(struct tty *t, enum erase what)
{
	bool word = false;
	uint32_t pos, bytes;

	while (t->t_head != t->t_canon) {
		pos = t->t_head;
		do
			pos--;
		while (
		    tty_iscontinued(t, line_at(t, pos)) && pos != t->t_canon);
		if (tty_iscontinued(t, line_at(t, pos)))
			break;
		if (what == ERASE_WORD) {
			if (is_word(line_at(t, pos)))
				word = true;
			else if (word)
				break;
		}
		bytes = t->t_head - pos;
		t->t_head = pos;
		if (tty_lflag(t, ECHO))
			echo_erased(t, what, bytes);
		if (what == ERASE_CHAR)
			break;
	}
	if (t->t_head == t->t_canon && tty_lflag(t, ECHO))
		echo_finish(t);
}

/* VKILL: rubbed out, or just crossed off. */
static void
line_kill(struct tty *t)
{
	const unsigned all = ECHOK | ECHOKE | ECHOE;

	if (tty_lflag(t, ECHO) && (t->t_termios.c_lflag & all) == all) {
		line_erase(t, ERASE_LINE);
		return;
	}
	t->t_head = t->t_canon;
	if (!tty_lflag(t, ECHO))
		return;
	echo_finish(t);
	tty_echochar(t, t->t_termios.c_cc[VKILL]);
	if (tty_lflag(t, ECHOK))
		tty_echo(t, ECHO_CHAR, '\n');
}

static void
line_reprint(struct tty *t, uint8_t c)
{
	uint32_t pos;

	echo_finish(t);
	tty_echochar(t, c);
	tty_echo(t, ECHO_CHAR, '\n');
	for (pos = t->t_canon; pos != t->t_head; pos++)
		tty_echochar(t, line_at(t, pos));
}

/*
 * Characters
 */

static void
type_lnext(struct tty *t)
{
	t->t_lnext = true;
	if (!tty_lflag(t, ECHO))
		return;
	echo_finish(t);
	if (tty_lflag(t, ECHOCTL)) {
		tty_echo(t, ECHO_CHAR, '^');
		tty_echo(t, ECHO_CHAR, '\b');
	}
}

/* In canonical mode; true if that was all. */
static bool
type_canon(struct tty *t, uint8_t c)
{
	bool empty = t->t_head == t->t_canon;

	if (is_special(t, c, VERASE)) {
		if (!empty)
			line_erase(t, ERASE_CHAR);
	} else if (is_special(t, c, VKILL)) {
		if (!empty)
			line_kill(t);
	} else if (is_extended(t, c, VWERASE)) {
		if (!empty)
			line_erase(t, ERASE_WORD);
	} else if (is_extended(t, c, VLNEXT))
		type_lnext(t);
	else if (tty_lflag(t, ECHO) && is_extended(t, c, VREPRINT))
		line_reprint(t, c);
	else if (c == '\n') {
		if (tty_lflag(t, ECHO | ECHONL))
			tty_echo(t, ECHO_CHAR, '\n');
		line_end(t, c);
	} else if (is_special(t, c, VEOF))
		line_end(t, '\0');
	else if (is_special(t, c, VEOL) || is_extended(t, c, VEOL2)) {
		if (tty_lflag(t, ECHO))
			echo_linechar(t, c);
		if (c == 0xff && tty_iflag(t, PARMRK))
			t->t_line[t->t_head++ % TTY_LINE] = c;
		line_end(t, c);
	} else
		return false;
	return true;
}

static void
type_signal(struct tty *t, uint8_t c, int signo)
{
	t->t_signals |= UINT64_C(1) << signo;
	if (!tty_lflag(t, NOFLSH)) {
		t->t_echo[0] = t->t_echo[1];
		t->t_ohead = t->t_osafe;
		tty_flushout(t);
		tty_flushin(t);
	}
	if (tty_iflag(t, IXON)) {
		tty_start(t);
		tty_show(t);
	}
	if (tty_lflag(t, ECHO))
		tty_echochar(t, c);
	else
		tty_show(t);
}

/* Flow control and signals; true if it was one of these. */
static bool
type_control(struct tty *t, uint8_t c)
{
	static const struct {
		int sk_which, sk_signo;
	} keys[] = {{VINTR, SIGINT}, {VQUIT, SIGQUIT}, {VSUSP, SIGTSTP}};
	size_t i;

	if (tty_iflag(t, IXON)) {
		if (is_special(t, c, VSTART)) {
			tty_start(t);
			tty_show(t);
			return true;
		}
		if (is_special(t, c, VSTOP)) {
			tty_stop(t);
			return true;
		}
	}
	if (!tty_lflag(t, ISIG))
		return false;
	for (i = 0; i < nitems(keys); i++)
		if (is_special(t, c, keys[i].sk_which)) {
			type_signal(t, c, keys[i].sk_signo);
			return true;
		}
	return false;
}

/* A character for the line, or the end of one. */
static void
type_plain(struct tty *t, uint8_t c, bool literal)
{
	bool newline = false;

	if (t->t_stopped && !t->t_tcooff && tty_iflag(t, IXON) &&
	    tty_iflag(t, IXANY)) {
		tty_start(t);
		tty_show(t);
	}
	if (!literal) {
		if (c == '\r' && tty_iflag(t, IGNCR))
			return;
		newline = c == '\r' && tty_iflag(t, ICRNL);
		if (newline)
			c = '\n';
		else if (c == '\n' && tty_iflag(t, INLCR))
			c = '\r';
		if (tty_lflag(t, ICANON) && type_canon(t, c))
			return;
	}
	if (tty_lflag(t, ECHO)) {
		echo_finish(t);
		if (newline)
			tty_echo(t, ECHO_CHAR, c);
		else
			echo_linechar(t, c);
	}
	line_put(t, c);
}

static void
type_char(struct tty *t, uint8_t c)
{
	bool literal = t->t_lnext;

	t->t_lnext = false;
	if (tty_iflag(t, ISTRIP))
		c &= 0x7f;
	if (tty_iflag(t, IUCLC) && tty_lflag(t, IEXTEN) && tty_isupper(c))
		c = (uint8_t)(c + 0x20);
	if (literal || !type_control(t, c))
		type_plain(t, c, literal);
}

/*
 * Is there room for one more?  A line that is too long loses its last
 * character for it, so that it can be ended.
 */
static bool
line_room(struct tty *t)
{
	uint32_t used = t->t_head - t->t_tail;
	uint32_t each = tty_iflag(t, PARMRK) ? 3 : 1;
	int32_t room = (int32_t)((TTY_LINE - used + each - 1) / each) - 1;

	if (room > 0)
		return true;
	if (!tty_lflag(t, ICANON) || t->t_canon != t->t_tail)
		return false;
	if (room < 0)
		t->t_head--;
	return true;
}

void
tty_type(struct tty *t)
{
	uint32_t from = t->t_ahead[0];

	while (t->t_ahead[0] != t->t_ahead[1] && line_room(t))
		type_char(t, t->t_aheadbuf[t->t_ahead[0]++ % TTY_AHEAD]);
	if (t->t_ahead[0] != from && tty_lflag(t, ECHO | ECHONL))
		tty_show(t);
}

void
tty_flushin(struct tty *t)
{
	t->t_head = t->t_canon = t->t_tail = 0;
	t->t_push = t->t_erasing = false;
	memset(t->t_eol, 0, sizeof(t->t_eol));
	tty_pktstatus(t, TIOCPKT_FLUSHREAD, 0);
}

void
tty_setcanon(struct tty *t)
{
	memset(t->t_eol, 0, sizeof(t->t_eol));
	t->t_push = tty_lflag(t, ICANON) && t->t_head != t->t_tail;
	if (t->t_push) {
		tty_seteol(t, t->t_head - 1, true);
		t->t_canon = t->t_head;
	} else
		t->t_canon = t->t_tail;
	t->t_erasing = t->t_lnext = false;
}

bool
tty_hasinput(const struct tty *t)
{
	return (tty_lflag(t, ICANON) ? t->t_canon : t->t_head) != t->t_tail;
}

uint32_t
tty_inputsize(const struct tty *t)
{
	uint32_t pos, n;

	if (!tty_lflag(t, ICANON))
		return t->t_head - t->t_tail;
	n = t->t_canon - t->t_tail;
	for (pos = t->t_tail; pos != t->t_canon; pos++)
		if (tty_iseol(t, pos) && line_at(t, pos) == '\0')
			n--;
	return n;
}
