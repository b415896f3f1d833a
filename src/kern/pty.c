/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pseudo terminals: which there are, opening and closing them.
 *
 * A terminal is made when a master is opened and gone from the table, and
 * hung up, when the master is closed.  Open files and the session whose
 * controlling terminal it is have a reference each; the master's is the
 * table's as well.
 */
#include <fcntl.h>

#include "kern/tty_impl.h"

struct kmutex pty_lock;
static struct tty *ptys[PTY_MAX];	  /* pty_lock */
static unsigned pty_end;		  /* pty_lock; never one from here on */
static const struct pty_names *pty_names; /* stable after boot */

void
pty_setnames(const struct pty_names *names)
{
	pty_names = names;
}

int
pty_foreach(int (*made)(unsigned index, uid_t uid))
{
	unsigned i;
	int error = 0;

	KASSERT(mutex_owned(&pty_lock));
	for (i = 0; i < pty_end && error == 0; i++)
		if (ptys[i] != NULL)
			error = made(i, ptys[i]->t_uid);
	return error;
}

static void
tty_free(struct kref *kr)
{
	kmem_free(kr, sizeof(struct tty));
}

/* What the host gives a new one. */
static const struct termios2 pty_termios = {
    .c_iflag = ICRNL | IXON,
    .c_oflag = OPOST | ONLCR,
    .c_cflag = B38400 | CS8 | CREAD,
    .c_lflag = ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN,
    .c_cc =
	{
	    [VINTR] = 'C' & 037,
	    [VQUIT] = '\\' & 037,
	    [VERASE] = 0177,
	    [VKILL] = 'U' & 037,
	    [VEOF] = 'D' & 037,
	    [VMIN] = 1,
	    [VSTART] = 'Q' & 037,
	    [VSTOP] = 'S' & 037,
	    [VSUSP] = 'Z' & 037,
	    [VREPRINT] = 'R' & 037,
	    [VDISCARD] = 'O' & 037,
	    [VWERASE] = 'W' & 037,
	    [VLNEXT] = 'V' & 037,
	},
    .c_ispeed = 38400,
    .c_ospeed = 38400,
};

static struct tty *
tty_alloc(struct lwp *l)
{
	struct tty *t = kmem_zalloc(sizeof(*t));

	if (t == NULL)
		return NULL;
	kref_init(&t->t_ref, tty_free);
	t->t_termios = pty_termios;
	t->t_uid = proc_cred(l->l_proc)->cr_fsuid;
	t->t_ptlock = true;
	return t;
}

/* fp is a side of t, whose reference it takes over. */
static int
ttyfile_make(struct file *fp, struct tty *t, bool master)
{
	struct ttyfile *tf = kmem_alloc(sizeof(*tf));

	if (tf == NULL)
		return ENOMEM;
	tf->tf_tty = t;
	tf->tf_master = master;
	fp->f_data = tf;
	return 0;
}

/* Put t into the table, with the lowest number that is free. */
static int
pty_insert(struct tty *t)
{
	unsigned i;
	int error = 0;

	mutex_enter(&pty_lock);
	for (i = 0; i < PTY_MAX && ptys[i] != NULL; i++)
		continue;
	if (i == PTY_MAX)
		error = ENOSPC;
	else
		error = pty_names->pn_made(i, t->t_uid);
	if (error == 0) {
		t->t_index = i;
		ptys[i] = t;
		if (i >= pty_end)
			pty_end = i + 1;
	}
	mutex_exit(&pty_lock);
	return error;
}

int
pty_open_master(struct lwp *l, struct file *fp)
{
	struct tty *t = tty_alloc(l);
	int error;

	if (t == NULL)
		return ENOMEM;
	if ((error = ttyfile_make(fp, t, true)) != 0)
		goto abort_tty;
	if ((error = pty_insert(t)) != 0)
		goto abort_file;
	return 0;

abort_file:
	kmem_free(fp->f_data, sizeof(struct ttyfile));
abort_tty:
	kref_rele(&t->t_ref);
	return error;
}

/* Open the slave of t, whose reference it takes over. */
static int
slave_open(struct tty *t, struct file *fp)
{
	struct ttyfile *tf;
	int error;

	if ((error = ttyfile_make(fp, t, false)) != 0) {
		kref_rele(&t->t_ref);
		return error;
	}
	tf = fp->f_data;
	mutex_enter(&t->t_lock);
	tf->tf_hangups = t->t_hangups;
	if (t->t_gone || t->t_ptlock)
		error = EIO;
	else {
		t->t_slaves++;
		t->t_used = true;
	}
	mutex_exit(&t->t_lock);
	if (error != 0) {
		kmem_free(tf, sizeof(*tf));
		kref_rele(&t->t_ref);
	}
	return error;
}

int
pty_open_slave(struct lwp *l, unsigned index, int flags, struct file *fp)
{
	struct tty *t = NULL;
	int error;

	mutex_enter(&pty_lock);
	if (index < PTY_MAX && (t = ptys[index]) != NULL)
		kref_hold(&t->t_ref);
	mutex_exit(&pty_lock);
	if (t == NULL)
		return ENXIO;
	if ((error = slave_open(t, fp)) != 0)
		return error;
	if ((flags & O_NOCTTY) == 0 && (flags & O_ACCMODE) != O_WRONLY)
		(void)tty_setctty(l, t, false);
	return 0;
}

int
pty_revoke(unsigned index)
{
	struct tty *t = NULL;

	mutex_enter(&pty_lock);
	if (index < PTY_MAX && (t = ptys[index]) != NULL)
		kref_hold(&t->t_ref);
	mutex_exit(&pty_lock);
	if (t == NULL)
		return ENXIO;
	mutex_enter(&t->t_lock);
	t->t_hangups++;
	tty_leave(t);
	tty_part(t);
	kref_rele(&t->t_ref);
	return 0;
}

int
tty_open_controlling(struct lwp *l, struct file *fp)
{
	struct tty *t = ctty_get(l);

	return t == NULL ? ENXIO : slave_open(t, fp);
}

static void
master_close(struct tty *t)
{
	mutex_enter(&pty_lock);
	pty_names->pn_gone(t->t_index);
	ptys[t->t_index] = NULL;
	mutex_exit(&pty_lock);
	mutex_enter(&t->t_lock);
	t->t_gone = true;
	t->t_packet = false;
	t->t_hangups++;
	tty_leave(t);
	tty_part(t);
}

void
tty_close(struct file *fp)
{
	struct ttyfile *tf = fp->f_data;
	struct tty *t = tf->tf_tty;

	if (tf->tf_master)
		master_close(t);
	else {
		mutex_enter(&t->t_lock);
		t->t_slaves--;
		tty_leave(t);
	}
	kmem_free(tf, sizeof(*tf));
	kref_rele(&t->t_ref);
}
