/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a client says first, and what becomes of it: a new process, the one
 * that a fork has made, or the session whose connection was lost.
 *
 * Whose process it is: users of the host are users here, by what the host says
 * of the socket.  Root is who runs the server and who it was told is; root of
 * the host, if he is none of these, is nobody.
 */
#include "proxy/proxy.h"

#include "hyper/hostfile.h"
#include "kern/entry.h"

#define NOBODY 65534u

bool
session_isroot(const struct session *se)
{
	uid_t uid = se->se_peer.hp_uid;
	uint32_t i;

	if (se->se_far)
		return false;
	if (uid == hyper_uid())
		return true;
	for (i = 0; i < proxy_config.pc_nroots; i++)
		if (proxy_config.pc_roots[i] == uid)
			return true;
	return false;
}

static void
who_is(const struct session *se, struct remote_who *rw)
{
	const struct hyper_peer *hp = &se->se_peer;
	const struct user *u = se->se_user;

	*rw = (struct remote_who){
	    .rw_session = se->se_id,
	    .rw_name = se->se_hello.sp_name,
	    .rw_pid = proxy_config.pc_setpid ? se->se_hello.sp_pid : 0,
	    .rw_hosted =
		!se->se_far && (se->se_hello.sp_flags & SP_H_HOSTED) != 0,
	    .rw_maxfiles = proxy_config.pc_maxfiles,
	};
	if (se->se_far) {
		rw->rw_uid = u != NULL ? u->u_uid : NOBODY;
		rw->rw_gid = u != NULL ? u->u_gids[0] : NOBODY;
		rw->rw_groups = u != NULL ? u->u_gids + 1 : NULL;
		rw->rw_ngroups = u != NULL ? u->u_ngids - 1 : 0;
		rw->rw_root = u != NULL ? u->u_root : NULL;
		return;
	}
	if (session_isroot(se))
		return;
	rw->rw_uid = hp->hp_uid == 0 ? NOBODY : hp->hp_uid;
	rw->rw_gid = hp->hp_gid == 0 ? NOBODY : hp->hp_gid;
	if (hp->hp_uid == 0)
		return;
	rw->rw_groups = hp->hp_groups;
	rw->rw_ngroups = hp->hp_ngroups;
}

/* The pid of the process that the session's first lwp is in. */
static int
hello_pid(struct session *se)
{
	struct lwp *l = remote_enter(lwps_handle(se, 1));

	if (l == NULL)
		return ESRCH;
	se->se_pid = remote_pid(l);
	remote_leave(l);
	return 0;
}

static int
hello_new(struct session *se)
{
	struct remote_who rw;
	uint64_t handle;
	uint32_t n;
	int error;

	who_is(se, &rw);
	if ((error = remote_create(&rw, &handle)) != 0)
		return error;
	if ((error = lwps_put(se, handle, 1, &n)) != 0)
		remote_release(remote_enter(handle));
	return error == 0 ? hello_pid(se) : error;
}

static int
hello_fork(struct session *se)
{
	struct lwp *l = remote_enter(lwps_handle(se, 1));

	if (l == NULL)
		return ESRCH;
	remote_adopt(l, se->se_id,
	    proxy_config.pc_setpid ? se->se_hello.sp_pid : 0,
	    se->se_hello.sp_name);
	remote_leave(l);
	return hello_pid(se);
}

/* The memory with the slots. */
static int
hello_memory(struct session *se)
{
	int error;

	if (se->se_stream != NULL)
		return stream_slots(se);
	if (se->se_shm != NULL)
		return 0;
	if ((error = memory_take(&se->se_memfd, &se->se_shm)) != 0)
		se->se_memfd = HYPER_NOFD;
	return error;
}

/* Other memory: threads of the program before may have had the old one. */
static int
memory_renew(struct session *se)
{
	struct sp_shared *old = se->se_shm, *new;
	int fd, error;

	if ((error = memory_take(&fd, &new)) != 0)
		return error;
	/* Others leave word of signals there. */
	(void)session_enter(se);
	se->se_shm = new;
	session_leave(se);
	se->se_memfd = fd;
	session_unfollow(se);
	memory_give(old);
	return 0;
}

static void
executed(struct session *se, struct lwp *l)
{
	uid_t uid = UINT32_MAX;
	gid_t gid = UINT32_MAX;

	if (syscall_enter() != NULL) {
		hosted_executed(se, &uid, &gid);
		syscall_exit();
	}
	remote_exec(l, se->se_hello.sp_name, uid, gid);
}

/*
 * Another program in the same host process: its threads are no more, so that
 * only the first lwp goes on.  What can fail comes first: the session is what
 * it was then, and the client may try again.
 */
static int
hello_exec(struct session *se)
{
	uint64_t handle;
	struct lwp *l;
	uint32_t n = 1;
	int error;

	if ((l = remote_enter(lwps_handle(se, 1))) == NULL)
		return EBUSY;
	remote_leave(l);
	if (se->se_stream != NULL)
		stream_forget(se);
	else if ((error = memory_renew(se)) != 0)
		return error;
	pool_forget(se);
	while ((n = lwps_next(se, n + 1, &handle)) != 0) {
		if ((l = remote_enter(handle)) == NULL)
			continue;
		remote_release(l);
		lwps_clear(se, n);
	}
	/* Nobody else enters it: no call of the session is going on. */
	l = remote_enter(lwps_handle(se, 1));
	KASSERT(l != NULL);
	executed(se, l);
	remote_leave(l);
	return 0;
}

static void
memory_close(struct session *se)
{
	if (se->se_memfd == HYPER_NOFD)
		return;
	hyper_file_close(se->se_memfd);
	se->se_memfd = HYPER_NOFD;
}

static int
hello_welcome(struct session *se, int error)
{
	struct sp_welcome sw = {.sw_magic = SP_MAGIC,
	    .sw_version = SP_VERSION,
	    .sw_error = error,
	    .sw_pid = (int32_t)se->se_pid,
	    .sw_slots = se->se_nslots};
	size_t len = sizeof(sw);

	if (error == 0)
		memcpy(sw.sw_token, se->se_token, SP_TOKEN);
	/* A new socket has room for this. */
	if (se->se_stream != NULL)
		return stream_send(se, &sw, &len);
	if (error == 0 && se->se_memfd != HYPER_NOFD)
		sw.sw_flags |= SP_W_SHM;
	return hyper_sock_send(
	    se->se_sock, &sw, &len, error == 0 ? se->se_memfd : HYPER_NOFD);
}

/* The session that `se' wants to be, or NULL. */
static struct session *
hello_claim(struct session *se, enum session_state was)
{
	const struct sp_hello *h = &se->se_hello;
	struct session *old = session_find(h->sp_token);

	if (old == NULL || !session_same(old, se))
		return NULL;
	/* The memory that it had is shared, or not. */
	if (was != SE_FORKED &&
	    (old->se_stream != NULL) != (se->se_stream != NULL))
		return NULL;
	/* The connection may be lost without our having been told so far. */
	if (session_state(old) != (int)was &&
	    !(was == SE_LOST && session_state(old) == SE_OPEN))
		return NULL;
	old->se_hello = *h;
	return old;
}

/* End what the threads of the program before sleep in.  False: none did. */
static bool
hello_isbusy(struct session *se)
{
	uint32_t i, n;
	bool busy = false;

	for (i = 0; i < SP_NSLOTS; i++) {
		if (!slot_isbusy(se, i))
			continue;
		n = atomic_load_explicit(
		    &se->se_running[i], memory_order_relaxed);
		remote_interrupt(lwps_handle(se, n));
		busy = true;
	}
	/*
	 * Who has made a call still tells those who wait in the memory that it
	 * is done.  Acquire pairs with the release in session_rele.
	 */
	return busy ||
	       atomic_load_explicit(&se->se_refs, memory_order_acquire) != 1;
}

/* Who `se' is from now on, in *sep; not welcome: an errno. */
static int
hello_kind(struct session **sep)
{
	struct session *se = *sep, *old = se;
	enum sp_hello_kind kind = se->se_hello.sp_kind;
	int error = 0;

	if (se->se_hello.sp_version != SP_VERSION)
		return EPROTONOSUPPORT;
	if (kind > SP_H_EXEC)
		return EINVAL;
	/* On the same machine, too, if that is wanted. */
	if ((se->se_hello.sp_flags & SP_H_NOSHM) != 0 &&
	    se->se_stream == NULL && (error = stream_make(se, false)) != 0)
		return error;
	if (kind != SP_H_NEW) {
		old = hello_claim(se, kind == SP_H_FORK ? SE_FORKED : SE_LOST);
		if (old == NULL)
			return ESTALE;
		if (kind == SP_H_EXEC && hello_isbusy(old))
			return EBUSY;
		if (kind == SP_H_EXEC && (error = hello_exec(old)) != 0)
			return error;
		error = session_take(old, se);
		*sep = old;
	}
	if (error == 0 && kind == SP_H_NEW)
		error = hello_new(old);
	else if (error == 0 && kind == SP_H_FORK)
		error = hello_fork(old);
	return error;
}

/* What a call in that slot has found, if it is a segment's memory. */
static int
segment_file(struct session *se, uint32_t slot)
{
	if (slot >= SP_NSLOTS ||
	    (atomic_load_explicit(
		 &se->se_segments[slot / 64], memory_order_acquire) >>
		    slot % 64 &
		1) == 0)
		return HYPER_NOFD;
	return atomic_load_explicit(
	    &se->se_hostfds, memory_order_acquire)[slot];
}

/*
 * A file for an older session: this connection is for that alone.  The slot has
 * no next call before the client has got it.
 */
static void
hello_file(struct session *se)
{
	const struct sp_hello *h = &se->se_hello;
	struct session *old = session_find(h->sp_token);
	int error = ESTALE;

	if (h->sp_version == SP_VERSION && old != NULL &&
	    session_state(old) == SE_OPEN && session_same(old, se) &&
	    !se->se_far) {
		se->se_memfd = segment_file(old, (uint32_t)h->sp_pid);
		error = se->se_memfd == HYPER_NOFD ? ESTALE : 0;
	}
	(void)hello_welcome(se, error);
	se->se_memfd = HYPER_NOFD;
	session_end(se, "has what it wanted");
}

static void
hello_tell(const struct session *se)
{
	if (!proxy_config.pc_verbose)
		return;
	if (se->se_far)
		kern_printf("client %d: from elsewhere, %s", (int)se->se_pid,
		    se->se_user != NULL ? se->se_user->u_name : "nobody");
	else
		kern_printf("client %d: host process %d, user %d",
		    (int)se->se_pid, (int)se->se_peer.hp_pid,
		    (int)se->se_peer.hp_uid);
}

void
hello_done(struct session *se)
{
	int error;

	if (se->se_hello.sp_magic != SP_MAGIC) {
		session_end(se, "speaks another language");
		return;
	}
	se->se_hello.sp_name[sizeof(se->se_hello.sp_name) - 1] = '\0';
	if (se->se_hello.sp_kind == SP_H_FILE) {
		hello_file(se);
		return;
	}
	error = hello_kind(&se);
	if (error == 0)
		error = session_watch(se);
	if (error == 0)
		error = hello_memory(se);
	/* What its parent was told of directories, it may know, too. */
	if (error == 0 && se->se_stream == NULL &&
	    (se->se_hello.sp_flags & SP_H_HOSTED) != 0)
		session_follow(se);
	if (hello_welcome(se, error) != 0)
		error = ECONNRESET;
	/* The client has it, and never wants it again. */
	memory_close(se);
	if (error != 0) {
		session_end(se, "is not welcome");
		return;
	}
	session_open(se);
	hello_tell(se);
	if (se->se_stream != NULL)
		stream_start(se);
	else {
		pool_expect(se);
		/* Until the client has mapped its own there is time. */
		memory_prepare();
	}
}
