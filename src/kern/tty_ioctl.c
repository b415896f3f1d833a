/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Control of a terminal.  Settings, window and session are the slave's, also
 * through the master.
 */
#include <signal.h>

#include "kern/tty_impl.h"

/* What a program that was built for the older structure gives. */
#define OLD_TERMIOS sizeof(struct termios)

static const uint32_t speeds[] = {0, 50, 75, 110, 134, 150, 200, 300, 600, 1200,
    1800, 2400, 4800, 9600, 19200, 38400, 57600, 115200, 230400, 460800, 500000,
    576000, 921600, 1000000, 1152000, 1500000, 2000000, 2500000, 3000000,
    3500000, 4000000};

/* The speeds that c_cflag names; those after 38400 are CBAUDEX. */
static void
termios_setspeeds(struct termios2 *tio)
{
	uint32_t i = tio->c_cflag & CBAUD;

	if (i == BOTHER)
		return;
	if ((i & CBAUDEX) != 0)
		i = (i & ~(uint32_t)CBAUDEX) + 15;
	tio->c_ospeed = i < nitems(speeds) ? speeds[i] : 0;
	tio->c_ispeed = tio->c_ospeed;
}

/* Does the master see VSTOP and VSTART as everybody expects them? */
static bool
termios_flow(const struct termios2 *tio)
{
	return (tio->c_iflag & IXON) != 0 && tio->c_cc[VSTOP] == ('S' & 037) &&
	       tio->c_cc[VSTART] == ('Q' & 037);
}

static void
tty_set(struct tty *t, const struct termios2 *tio)
{
	struct termios2 old = t->t_termios;
	bool flow = termios_flow(tio);

	t->t_termios = *tio;
	t->t_termios.c_cflag &= ~(unsigned)(CSIZE | PARENB);
	t->t_termios.c_cflag |= CS8 | CREAD;
	if (((old.c_lflag ^ tio->c_lflag) & ICANON) != 0)
		tty_setcanon(t);
	if ((old.c_iflag & IXON) != 0 && !tty_iflag(t, IXON) && !t->t_tcooff) {
		tty_start(t);
		tty_show(t);
	}
	if (flow != termios_flow(&old))
		tty_pktstatus(t, flow ? TIOCPKT_DOSTOP : TIOCPKT_NOSTOP,
		    TIOCPKT_DOSTOP | TIOCPKT_NOSTOP);
	tty_type(t);
}

static int
ioctl_gettermios(struct tty *t, size_t size, void *data)
{
	struct termios2 tio;

	tty_enter(t);
	tio = t->t_termios;
	mutex_exit(&t->t_lock);
	return copyout(&tio, data, size);
}

static int
ioctl_settermios(
    struct lwp *l, struct tty *t, size_t size, bool flush, const void *data)
{
	struct termios2 tio;
	int error;

	if ((error = tty_background(l, t, SIGTTOU)) != 0)
		return error;
	tty_enter(t);
	tio = t->t_termios;
	mutex_exit(&t->t_lock);
	if ((error = copyin(data, &tio, size)) != 0)
		return error;
	termios_setspeeds(&tio);
	tty_enter(t);
	if (flush)
		tty_flushin(t);
	tty_set(t, &tio);
	tty_leave(t);
	return 0;
}

static int
ioctl_termios(struct lwp *l, struct tty *t, unsigned long cmd, void *data)
{
	switch (cmd) {
	case TCGETS:
		return ioctl_gettermios(t, OLD_TERMIOS, data);
	case TCGETS2:
		return ioctl_gettermios(t, sizeof(struct termios2), data);
	case TCSETS:
	case TCSETSW:
	case TCSETSF:
		return ioctl_settermios(
		    l, t, OLD_TERMIOS, cmd == TCSETSF, data);
	case TCSETS2:
	case TCSETSW2:
	case TCSETSF2:
		return ioctl_settermios(
		    l, t, sizeof(struct termios2), cmd == TCSETSF2, data);
	}
	return ENOTTY;
}

/*
 * Windows and queues
 */

static int
ioctl_window(struct tty *t, unsigned long cmd, void *data)
{
	struct winsize ws;
	int error;

	if (cmd == TIOCGWINSZ) {
		tty_enter(t);
		ws = t->t_winsize;
		mutex_exit(&t->t_lock);
		return copyout(&ws, data, sizeof(ws));
	}
	if ((error = copyin(data, &ws, sizeof(ws))) != 0)
		return error;
	tty_enter(t);
	if (memcmp(&ws, &t->t_winsize, sizeof(ws)) != 0) {
		t->t_winsize = ws;
		t->t_signals |= UINT64_C(1) << SIGWINCH;
	}
	tty_leave(t);
	return 0;
}

static int
ioctl_flush(struct tty *t, bool master, uintptr_t which)
{
	if (which != TCIFLUSH && which != TCOFLUSH && which != TCIOFLUSH)
		return EINVAL;
	tty_enter(t);
	if (which != TCOFLUSH) {
		if (master)
			t->t_otail = t->t_ohead;
		else
			tty_flushin(t);
	}
	if (which != TCIFLUSH) {
		if (master)
			t->t_ahead[0] = t->t_ahead[1];
		else
			tty_flushout(t);
	}
	if (!master)
		tty_type(t);
	tty_leave(t);
	return 0;
}

/* Output stops and goes on; or tell the other side to do so. */
static int
ioctl_flow(struct tty *t, uintptr_t action)
{
	uint8_t c;

	if (action > TCION)
		return EINVAL;
	tty_enter(t);
	if (action == TCOOFF) {
		t->t_tcooff = true;
		tty_stop(t);
	} else if (action == TCOON) {
		/* Echoes wait for more, as on the host. */
		if (t->t_tcooff) {
			t->t_tcooff = false;
			tty_start(t);
		}
	} else {
		c = t->t_termios.c_cc[action == TCIOFF ? VSTOP : VSTART];
		if (c != 0 && !t->t_tcooff &&
		    t->t_ohead - t->t_otail < TTY_OUT) {
			tty_putraw(t, c);
			/* Past a stop: it went on for a moment. */
			if (t->t_stopped)
				tty_pktstatus(t, TIOCPKT_STOP, TIOCPKT_START);
		}
	}
	tty_leave(t);
	return 0;
}

static int
ioctl_queue(
    struct lwp *l, struct tty *t, bool master, unsigned long cmd, void *data)
{
	int n = 0, error;

	switch (cmd) {
	case FIONREAD:
		tty_enter(t);
		n = (int)(master ? t->t_ohead - t->t_otail : tty_inputsize(t));
		mutex_exit(&t->t_lock);
		return copyout(&n, data, sizeof(n));
	case TIOCOUTQ:
		/* What is written is at the other side at once. */
		return copyout(&n, data, sizeof(n));
	}
	if ((error = tty_background(l, t, SIGTTOU)) != 0)
		return error;
	if (cmd == TCFLSH)
		return ioctl_flush(t, master, (uintptr_t)data);
	if (cmd == TCXONC)
		return master ? EINVAL : ioctl_flow(t, (uintptr_t)data);
	/* TCSBRK and the like: nobody sees a break. */
	return 0;
}

/* As if it were typed: on the own terminal, or as root. */
static int
ioctl_type(struct lwp *l, struct tty *t, const void *data)
{
	uint8_t c;
	int error;

	if (!tty_isctty(l, t) && !cred_is_root(proc_cred(l->l_proc)))
		return EPERM;
	if ((error = copyin(data, &c, 1)) != 0)
		return error;
	tty_enter(t);
	if (t->t_ahead[1] - t->t_ahead[0] < TTY_AHEAD)
		t->t_aheadbuf[t->t_ahead[1]++ % TTY_AHEAD] = c;
	tty_type(t);
	tty_leave(t);
	return 0;
}

/*
 * Sessions
 */

static int
ioctl_setpgrp(struct lwp *l, struct tty *t, const void *data)
{
	pid_t pgid;
	int error = tty_background(l, t, SIGTTOU);

	if (error != 0)
		return error == EIO ? ENOTTY : error;
	if ((error = copyin(data, &pgid, sizeof(pgid))) != 0)
		return error;
	if (pgid < 0)
		return EINVAL;
	return tty_isctty(l, t) ? tty_setpgrp(l, t, pgid) : ENOTTY;
}

static int
ioctl_session(struct lwp *l, struct file *fp, unsigned long cmd, void *data)
{
	struct ttyfile *tf = fp->f_data;
	struct tty *t = tf->tf_tty;
	bool root = cred_is_root(proc_cred(l->l_proc));
	pid_t id;

	switch (cmd) {
	case TIOCSCTTY:
		if (!file_readable(fp) && !root)
			return EPERM;
		return tty_setctty(l, t, (uintptr_t)data == 1 && root);
	case TIOCNOTTY:
		return tty_notty(l, t);
	case TIOCSPGRP:
		return ioctl_setpgrp(l, t, data);
	}
	/* TIOCGPGRP, TIOCGSID: the master may ask about any. */
	if (!tf->tf_master && !tty_isctty(l, t))
		return ENOTTY;
	id = cmd == TIOCGSID ? tty_getsid(t) : tty_getpgrp(t);
	if (cmd == TIOCGSID && id == 0)
		return ENOTTY;
	return copyout(&id, data, sizeof(id));
}

/*
 * The master alone
 */

static int
ioctl_setpacket(struct tty *t, bool on)
{
	tty_enter(t);
	if (on && !t->t_packet)
		t->t_pktstatus = 0;
	t->t_packet = on;
	tty_leave(t);
	return 0;
}

static int
ioctl_master(struct tty *t, unsigned long cmd, void *data)
{
	int n = 0, error;

	if (cmd == TIOCSPTLCK || cmd == TIOCPKT) {
		if ((error = copyin(data, &n, sizeof(n))) != 0)
			return error;
		if (cmd == TIOCPKT)
			return ioctl_setpacket(t, n != 0);
		tty_enter(t);
		t->t_ptlock = n != 0;
		mutex_exit(&t->t_lock);
		return 0;
	}
	if (cmd == TIOCSIG) {
		n = (int)(uintptr_t)data;
		if (n != SIGINT && n != SIGQUIT && n != SIGTSTP)
			return EINVAL;
		tty_signal(t, UINT64_C(1) << n);
		return 0;
	}
	tty_enter(t);
	if (cmd == TIOCGPTN)
		n = (int)t->t_index;
	else
		n = cmd == TIOCGPKT ? t->t_packet : t->t_ptlock;
	mutex_exit(&t->t_lock);
	return copyout(&n, data, sizeof(n));
}

int
tty_ioctl(
    struct lwp *l, struct file *fp, unsigned long cmd, void *data, int *retval)
{
	struct ttyfile *tf = fp->f_data;
	struct tty *t = tf->tf_tty;
	bool hungup;

	(void)retval;
	tty_enter(t);
	hungup = ttyfile_hungup(tf);
	mutex_exit(&t->t_lock);
	if (hungup)
		return cmd == TIOCSPGRP ? ENOTTY : EIO;
	switch (cmd) {
	case TIOCGWINSZ:
	case TIOCSWINSZ:
		return ioctl_window(t, cmd, data);
	case FIONREAD:
	case TIOCOUTQ:
	case TCFLSH:
	case TCXONC:
	case TCSBRK:
	case TCSBRKP:
	case TIOCSBRK:
	case TIOCCBRK:
		return ioctl_queue(l, t, tf->tf_master, cmd, data);
	case TIOCSTI:
		return ioctl_type(l, t, data);
	case TIOCSCTTY:
	case TIOCNOTTY:
	case TIOCGPGRP:
	case TIOCSPGRP:
	case TIOCGSID:
		return ioctl_session(l, fp, cmd, data);
	case TIOCGPTN:
	case TIOCSPTLCK:
	case TIOCGPTLCK:
	case TIOCPKT:
	case TIOCGPKT:
	case TIOCSIG:
		return tf->tf_master ? ioctl_master(t, cmd, data) : ENOTTY;
	}
	return ioctl_termios(l, t, cmd, data);
}
