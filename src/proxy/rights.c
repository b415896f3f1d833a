/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files on their way from one hosted client to another, through sockets of the
 * host.  What is sent there is the writing end of a pipe, whose inode's number
 * says which file it stands for, as often as it is received.  The file is held
 * until nobody has that end any more: then the pipe's reading end, which is
 * here, has an event.
 *
 * The list has a lock; what is on it stays the same.  The leader takes off.
 */
#include "proxy/proxy.h"

#include "hyper/hostfile.h"
#include "hyper/hostpipe.h"
#include "kern/entry.h"
#include "kern/filedesc.h"

struct rights {
	LIST_ENTRY(rights) ri_link; /* (rights_lock) */
	struct file *ri_file;
	int ri_pipe;
	ino_t ri_ino;
	uid_t ri_uid; /* the host's, who sent it */
};

static LIST_HEAD(, rights) rights_list;
static struct kmutex rights_lock;

static struct rights *
rights_make(const struct session *se, struct file *fp, int *writep)
{
	struct rights *ri = kmem_alloc(sizeof(*ri));
	struct hyper_stat hs;

	if (ri == NULL)
		return NULL;
	if (hyper_pipe(&ri->ri_pipe, writep) != 0) {
		kmem_free(ri, sizeof(*ri));
		return NULL;
	}
	(void)hyper_file_stat(ri->ri_pipe, "", &hs);
	ri->ri_ino = hs.hs_stat.st_ino;
	ri->ri_uid = se->se_peer.hp_uid;
	ri->ri_file = fp;
	mutex_enter(&rights_lock);
	LIST_INSERT_HEAD(&rights_list, ri, ri_link);
	mutex_exit(&rights_lock);
	return ri;
}

/* The file that a number stands for, referenced; NULL: none for this client. */
static struct file *
rights_find(const struct session *se, ino_t ino)
{
	struct file *fp = NULL;
	struct rights *ri;

	mutex_enter(&rights_lock);
	LIST_FOREACH (ri, &rights_list, ri_link) {
		if (ri->ri_ino == ino &&
		    (ri->ri_uid == se->se_peer.hp_uid || session_isroot(se))) {
			fp = ri->ri_file;
			file_hold(fp);
			break;
		}
	}
	mutex_exit(&rights_lock);
	return fp;
}

int
hosted_send(struct call *c)
{
	struct lwp *l = syscall_enter();
	struct rights *ri = NULL;
	struct file *fp;
	int *fds, fd = HYPER_FILE_NONE, error = ENOMEM;

	if (l == NULL)
		return syscall_refusal();
	if ((fds = hosted_table(c->c_session)) != NULL)
		error = fd_getref(l, (int)c->c_msg.sm_args[0], &fp);
	if (error == 0 && (ri = rights_make(c->c_session, fp, &fd)) == NULL) {
		file_rele(fp);
		error = EMFILE;
	}
	if (error == 0) {
		/* With this end it does not go before it can be known. */
		fds[c->c_slot] = fd;
		c->c_msg.sm_retval = fd;
	}
	syscall_exit();
	if (error == 0)
		error = hyper_events_add(pool_events(), ri->ri_pipe, 0,
		    (uint64_t)(uintptr_t)ri | POOL_RIGHTS);
	if (error != 0 && ri != NULL)
		rights_gone(ri);
	return error;
}

int
hosted_receive(struct call *c)
{
	struct lwp *l = syscall_enter();
	struct file *fp;
	int fd, error;

	if (l == NULL)
		return syscall_refusal();
	fp = rights_find(c->c_session, (ino_t)c->c_msg.sm_args[0]);
	error = fp == NULL ? ENOENT : fd_alloc(l, 0, &fd);
	if (error == 0) {
		fd_affix(l, fd, fp, c->c_msg.sm_args[1] != 0);
		c->c_msg.sm_retval = fd;
	} else if (fp != NULL) {
		file_rele(fp);
	}
	syscall_exit();
	return error;
}

void
rights_gone(struct rights *ri)
{
	if (syscall_enter() == NULL)
		panic("a server's thread has no lwp");
	mutex_enter(&rights_lock);
	LIST_REMOVE(ri, ri_link);
	mutex_exit(&rights_lock);
	hyper_events_remove(pool_events(), ri->ri_pipe);
	hyper_file_close(ri->ri_pipe);
	file_rele(ri->ri_file);
	kmem_free(ri, sizeof(*ri));
	syscall_exit();
}
