/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The life of sessions; see proxy.h.
 *
 * The list of all has a lock: whoever made the last of its calls takes a
 * session off.  One that is not dead stays where it is as long as the leader,
 * who alone ends sessions, does not end it.
 */
#include "proxy/proxy.h"

#include "hyper/hostfile.h"
#include "kern/entry.h"
#include "vfs/vfs.h"

#define HELLO_MOST 256u /* who have said nothing */
#define LATE_MOST  64

static LIST_HEAD(, session) sessions; /* (S) */
static LIST_HEAD(, session) dying;    /* (L) to be buried */
static struct kmutex sessions_lock;
static uint64_t last_id;	 /* (L) */
static uint32_t nwaiting;	 /* (L) who waits for the next tick */
static uint32_t nhello;		 /* (L) sessions that are SE_HELLO */
static int resting = HYPER_NOFD; /* (L) listening, when there is a handle */

static void
list_enter(void)
{
	if (syscall_enter() == NULL)
		panic("a server's thread has no lwp");
	mutex_enter(&sessions_lock);
}

static void
list_exit(void)
{
	mutex_exit(&sessions_lock);
	syscall_exit();
}

/*
 * Making and freeing
 */

static struct session *
session_make(enum session_state state)
{
	struct session *se;

	if (syscall_enter() == NULL)
		return NULL;
	if ((se = kmem_alloc(sizeof(*se))) != NULL) {
		memset(se, 0, sizeof(*se));
		se->se_id = ++last_id;
		se->se_sock = se->se_pidfd = se->se_memfd = HYPER_NOFD;
		atomic_store_explicit(
		    &se->se_state, state, memory_order_relaxed);
		atomic_store_explicit(&se->se_refs, 1, memory_order_relaxed);
		se->se_deadline = HYPER_FOREVER;
		se->se_nslots = proxy_config.pc_maxcalls;
		hyper_random(se->se_token, sizeof(se->se_token));
		mutex_enter(&sessions_lock);
		LIST_INSERT_HEAD(&sessions, se, se_link);
		mutex_exit(&sessions_lock);
	}
	syscall_exit();
	return se;
}

/* Its lwps go; its processes with the last of them. */
static void
session_reap(struct session *se)
{
	uint64_t handle;
	struct lwp *l;
	uint32_t n = 0;

	while ((n = lwps_next(se, n + 1, &handle)) != 0) {
		if ((l = remote_enter(handle)) != NULL)
			remote_release(l);
	}
}

static void
session_free(struct session *se)
{
	uint32_t i;

	session_reap(se);
	session_unfollow(se);
	if (se->se_shm != NULL)
		memory_give(se->se_shm);
	if (syscall_enter() == NULL)
		panic("a server's thread has no lwp");
	if (se->se_program != NULL)
		exefile_rele(se->se_program);
	if (se->se_executed != NULL)
		exefile_rele(se->se_executed);
	mutex_enter(&sessions_lock);
	LIST_REMOVE(se, se_link);
	mutex_exit(&sessions_lock);
	for (i = 0; i < SE_NCHUNKS; i++)
		if (se->se_lwps[i] != NULL)
			kmem_free(se->se_lwps[i], sizeof(*se->se_lwps[i]));
	hosted_fini(se);
	stream_free(se);
	kmem_free(se, sizeof(*se));
	syscall_exit();
}

void
session_hold(struct session *se)
{
	atomic_fetch_add_explicit(&se->se_refs, 1, memory_order_relaxed);
}

void
session_rele(struct session *se)
{
	/* Each drop is seen by who frees it. */
	if (atomic_fetch_sub_explicit(&se->se_refs, 1, memory_order_acq_rel) ==
	    1)
		session_free(se);
}

/*
 * The tree of files.  What is told is what vfs_tree says while the list is
 * locked, so that it never goes back.
 */

static void
tree_tell(struct session *se)
{
	/* Pairs with who looks whether what he knows is still true. */
	if (se->se_follows != NULL)
		atomic_store_explicit(
		    &se->se_follows->sh_tree, vfs_tree(), memory_order_seq_cst);
}

void
session_follow(struct session *se)
{
	mutex_enter(&sessions_lock);
	se->se_follows = se->se_shm;
	tree_tell(se);
	mutex_exit(&sessions_lock);
}

void
session_unfollow(struct session *se)
{
	list_enter();
	se->se_follows = NULL;
	list_exit();
}

void
session_tree(void)
{
	struct session *se;

	mutex_enter(&sessions_lock);
	LIST_FOREACH (se, &sessions, se_link)
		tree_tell(se);
	mutex_exit(&sessions_lock);
}

bool
session_late(void)
{
	struct session *se;
	bool late = false;

	mutex_enter(&sessions_lock);
	LIST_FOREACH (se, &sessions, se_link)
		/* Pairs with the client, who then looks at sh_tree. */
		if (se->se_follows != NULL &&
		    atomic_load_explicit(
			&se->se_follows->sh_late, memory_order_seq_cst) != 0)
			late = true;
	mutex_exit(&sessions_lock);
	return late;
}

/* What one executes, or was about to, whose host process has ended; or NULL. */
static struct exefile *
executed_take(void)
{
	struct exefile *xf = NULL, **xfp;
	struct session *se;

	mutex_enter(&sessions_lock);
	LIST_FOREACH (se, &sessions, se_link) {
		mutex_enter(&se->se_lock);
		xfp =
		    se->se_program != NULL ? &se->se_program : &se->se_executed;
		if (*xfp != NULL &&
		    (session_state(se) == SE_DEAD ||
			(se->se_pidfd != HYPER_NOFD &&
			    hyper_process_ended(se->se_pidfd)))) {
			xf = *xfp;
			*xfp = NULL;
		}
		mutex_exit(&se->se_lock);
		if (xf != NULL)
			break;
	}
	mutex_exit(&sessions_lock);
	return xf;
}

bool
session_ended(void)
{
	struct exefile *xf;
	bool any = false;

	while ((xf = executed_take()) != NULL) {
		exefile_rele(xf);
		any = true;
	}
	return any;
}

/*
 * Charging
 */

bool
session_charge(struct session *se, size_t n)
{
	size_t had =
	    atomic_fetch_add_explicit(&se->se_charged, n, memory_order_relaxed);

	if (had <= proxy_config.pc_maxmemory &&
	    n <= proxy_config.pc_maxmemory - had)
		return true;
	session_discharge(se, n);
	return false;
}

void
session_discharge(struct session *se, size_t n)
{
	atomic_fetch_sub_explicit(&se->se_charged, n, memory_order_relaxed);
}

/*
 * Ending
 */

/* Until when it has to do what it is to do next, nanoseconds from now. */
static void
deadline_set(struct session *se, int64_t nsec)
{
	se->se_deadline = hyper_clock(HYPER_CLOCK_MONOTONIC) + nsec;
	nwaiting++;
}

static void
deadline_clear(struct session *se)
{
	if (se->se_deadline == HYPER_FOREVER)
		return;
	se->se_deadline = HYPER_FOREVER;
	nwaiting--;
}

/* The socket for whoever does not lead, until session_leave. */
int
session_enter(struct session *se)
{
	if (syscall_enter() == NULL)
		panic("a server's thread has no lwp");
	mutex_enter(&se->se_lock);
	return se->se_sock;
}

void
session_leave(struct session *se)
{
	mutex_exit(&se->se_lock);
	syscall_exit();
}

static void
fd_drop(struct session *se, int *fdp)
{
	int fd = *fdp;

	if (fd == HYPER_NOFD)
		return;
	hyper_events_remove(pool_events(), fd);
	/* Others use it under the lock. */
	(void)session_enter(se);
	*fdp = HYPER_NOFD;
	session_leave(se);
	hyper_file_close(fd);
}

/*
 * Of forks whose children have not said who they are: nobody is there who could
 * be one, once nobody has the parent's end of its connection.  That holds for
 * children that let go of it afterwards.
 */
static void
session_endforks(struct session *parent)
{
	struct session *se, *over[LATE_MOST];
	char bytes[64];
	uint32_t n, i;
	size_t len;
	int error;

	if (parent->se_stream != NULL || parent->se_sock == HYPER_NOFD ||
	    (parent->se_hello.sp_flags & SP_H_HOSTED) == 0)
		return;
	do {
		len = sizeof(bytes);
		error = hyper_sock_recv(parent->se_sock, bytes, &len);
	} while (error == 0 && len != 0);
	if (error == EAGAIN)
		return;
	do {
		n = 0;
		list_enter();
		LIST_FOREACH (se, &sessions, se_link)
			if (session_state(se) == SE_FORKED &&
			    se->se_parent == parent->se_id && n < LATE_MOST)
				over[n++] = se;
		list_exit();
		for (i = 0; i < n; i++)
			session_end(over[i], "a fork that nobody is");
	} while (n == LATE_MOST);
}

/* Its calls end, if they sleep; the rest when the last of them has. */
void
session_end(struct session *se, const char *why)
{
	uint64_t handle;
	uint32_t n = 0;

	if (session_state(se) == SE_DEAD)
		return;
	if (proxy_config.pc_verbose)
		kern_printf("client %d: %s", (int)se->se_pid, why);
	if (session_state(se) == SE_HELLO)
		nhello--;
	/* Release pairs with the acquire in session_state. */
	atomic_store_explicit(&se->se_state, SE_DEAD, memory_order_release);
	pool_forget(se);
	deadline_clear(se);
	session_endforks(se);
	if (se->se_stream != NULL)
		stream_detach(se);
	fd_drop(se, &se->se_sock);
	fd_drop(se, &se->se_pidfd);
	while ((n = lwps_next(se, n + 1, &handle)) != 0)
		remote_kill(handle);
	LIST_INSERT_HEAD(&dying, se, se_dying);
}

void
session_bury(void)
{
	struct session *se;

	while ((se = LIST_FIRST(&dying)) != NULL) {
		LIST_REMOVE(se, se_dying);
		session_rele(se);
	}
}

/* Its connection has ended; it may come back, if it is there at all. */
static void
session_lost(struct session *se)
{
	if (session_state(se) != SE_OPEN || proxy_config.pc_grace == 0 ||
	    atomic_load_explicit(&se->se_accused, memory_order_relaxed)) {
		session_end(se, "connection closed");
		return;
	}
	session_endforks(se);
	if (se->se_stream != NULL)
		stream_detach(se);
	fd_drop(se, &se->se_sock);
	deadline_set(se, proxy_config.pc_grace);
	atomic_store_explicit(&se->se_state, SE_LOST, memory_order_relaxed);
}

/*
 * Deadlines
 */

/* The host has no handle left: not to be asked again before the next tick. */
static void
accept_rest(int listening)
{
	(void)hyper_events_change(pool_events(), listening, 0, 0);
	resting = listening;
	nwaiting++;
}

static void
accept_again(void)
{
	if (resting == HYPER_NOFD)
		return;
	(void)hyper_events_change(pool_events(), resting, HYPER_EV_IN, 0);
	resting = HYPER_NOFD;
	nwaiting--;
}

bool
session_waiting(void)
{
	return nwaiting != 0;
}

/* Some of those whose deadline is over; how many. */
static uint32_t
sessions_late(int64_t now, struct session *late[LATE_MOST])
{
	struct session *se;
	uint32_t n = 0;

	list_enter();
	LIST_FOREACH (se, &sessions, se_link) {
		if (se->se_deadline > now)
			continue;
		late[n++] = se;
		if (n == LATE_MOST)
			break;
	}
	list_exit();
	return n;
}

void
session_expire(void)
{
	int64_t now = hyper_clock(HYPER_CLOCK_MONOTONIC);
	struct session *late[LATE_MOST];
	uint32_t n, i;

	accept_again();
	while ((n = sessions_late(now, late)) != 0)
		for (i = 0; i < n; i++)
			session_end(late[i], "has said nothing for too long");
	session_bury();
}

/*
 * Connections
 */

/* Of those who have not said who they are, the oldest goes.  False: none. */
static bool
hello_shorten(void)
{
	struct session *se, *oldest = NULL;

	list_enter();
	LIST_FOREACH (se, &sessions, se_link)
		if (session_state(se) == SE_HELLO)
			oldest = se;
	list_exit();
	if (oldest != NULL)
		session_end(oldest, "others say more");
	return oldest != NULL;
}

static int
accept_next(int listening, int *fdp)
{
	int error;

	do
		error = hyper_sock_accept(listening, fdp);
	while ((error == EMFILE || error == ENFILE) && hello_shorten());
	if (error == EMFILE || error == ENFILE)
		accept_rest(listening);
	return error;
}

/*
 * What comes through the socket once the memory is shared only says that
 * there is something to look at.
 */
static void
session_rung(struct session *se)
{
	char bytes[64];
	size_t n = sizeof(bytes);
	int error = hyper_sock_recv(se->se_sock, bytes, &n);

	if (error == 0 && n != 0) {
		pool_heat(se);
		turns_rung(se);
	} else if (error != EAGAIN)
		session_lost(se);
}

/* What comes through a stream is all there is. */
static void
session_frames(struct session *se)
{
	int error = stream_event(se);

	if (error == ESHUTDOWN)
		session_end(se, "its host process has ended");
	else if (error == EPROTO)
		session_end(se, "has said what no client says");
	else if (error != 0)
		session_lost(se);
}

static void
session_hello(struct session *se)
{
	size_t n = sizeof(se->se_hello) - se->se_nhello;
	char *to;
	int error;

	if (se->se_stream != NULL && (error = stream_meet(se)) != 0) {
		if (error != EAGAIN)
			session_end(se, "nobody knows who it is");
		return;
	}
	to = (char *)&se->se_hello + se->se_nhello;
	if (se->se_stream != NULL)
		error = stream_recv(se, to, &n);
	else
		error = hyper_sock_recv(se->se_sock, to, &n);
	if (error == EAGAIN)
		return;
	if (error != 0 || n == 0) {
		session_end(se, "has left without a word");
		return;
	}
	se->se_nhello += n;
	if (se->se_nhello == sizeof(se->se_hello))
		hello_done(se);
}

void
session_accept(int listening, bool far)
{
	struct session *se;
	int fd;

	while (accept_next(listening, &fd) == 0) {
		if ((se = session_make(SE_HELLO)) == NULL) {
			hyper_file_close(fd);
			return;
		}
		if (++nhello > HELLO_MOST)
			(void)hello_shorten();
		se->se_sock = fd;
		se->se_far = far;
		deadline_set(se, proxy_config.pc_hello);
		if ((far ? stream_make(se, true)
			 : hyper_sock_peer(fd, &se->se_peer)) != 0 ||
		    hyper_events_add(pool_events(), fd, HYPER_EV_IN,
			(uint64_t)(uintptr_t)se) != 0)
			session_end(se, "cannot be served");
		else if (!far)
			/* What it wants often is there already. */
			session_hello(se);
	}
}

void
session_event(struct session *se, bool process, uint32_t events)
{
	(void)events;
	switch (session_state(se)) {
	case SE_HELLO:
		session_hello(se);
		break;
	case SE_OPEN:
	case SE_LOST:
		if (process)
			session_end(se, "its host process has ended");
		else if (se->se_stream != NULL)
			session_frames(se);
		else
			session_rung(se);
		break;
	default:
		break;
	}
}

int
session_watch(struct session *se)
{
	int error;

	if (se->se_pidfd != HYPER_NOFD || se->se_far)
		return 0;
	if ((error = hyper_process_open(se->se_peer.hp_pid, &se->se_pidfd)) !=
	    0) {
		se->se_pidfd = HYPER_NOFD;
		return error;
	}
	return hyper_events_add(pool_events(), se->se_pidfd, HYPER_EV_IN,
	    (uint64_t)(uintptr_t)se | POOL_PROCESS);
}

/* What `from', which is nobody yet, is connected by is se's from now on. */
int
session_take(struct session *se, struct session *from)
{
	int fd = from->se_sock;

	(void)session_enter(from);
	from->se_sock = HYPER_NOFD;
	session_leave(from);
	if (se->se_stream != NULL)
		stream_detach(se);
	fd_drop(se, &se->se_sock);
	(void)session_enter(se);
	se->se_sock = fd;
	session_leave(se);
	if (from->se_stream != NULL)
		stream_take(se, from);
	se->se_peer = from->se_peer;
	session_end(from, "is an older one's connection");
	return hyper_events_change(
	    pool_events(), se->se_sock, HYPER_EV_IN, (uint64_t)(uintptr_t)se);
}

/*
 * Looking for one
 */

bool
session_same(const struct session *a, const struct session *b)
{
	return a->se_far == b->se_far && a->se_user == b->se_user &&
	       a->se_peer.hp_uid == b->se_peer.hp_uid;
}

struct session *
session_find(const uint8_t token[SP_TOKEN])
{
	struct session *se;

	list_enter();
	LIST_FOREACH (se, &sessions, se_link)
		if (session_state(se) != SE_DEAD &&
		    session_state(se) != SE_HELLO &&
		    memcmp(se->se_token, token, SP_TOKEN) == 0)
			break;
	list_exit();
	return se;
}

/* The list is locked. */
static struct session *
session_of(pid_t host)
{
	struct session *se;

	LIST_FOREACH (se, &sessions, se_link)
		if (session_state(se) == SE_OPEN && !se->se_far &&
		    se->se_peer.hp_pid == host)
			break;
	return se;
}

pid_t
session_pid(pid_t host)
{
	struct session *se;
	pid_t pid;

	list_enter();
	se = session_of(host);
	pid = se != NULL ? se->se_pid : -1;
	list_exit();
	return pid;
}

struct exefile *
session_program(pid_t host)
{
	struct exefile *xf = NULL;
	struct session *se;

	mutex_enter(&sessions_lock);
	if ((se = session_of(host)) != NULL) {
		mutex_enter(&se->se_lock);
		if ((xf = se->se_executed) != NULL)
			exefile_hold(xf);
		mutex_exit(&se->se_lock);
	}
	mutex_exit(&sessions_lock);
	return xf;
}

void
session_poke(struct session *se)
{
	char byte = 0;
	size_t n = 1;
	int fd = session_enter(se);

	if (fd != HYPER_NOFD)
		(void)hyper_sock_send(fd, &byte, &n, HYPER_NOFD);
	session_leave(se);
}

/*
 * Whoever has found out may not lead any more; the leader hears of it as of
 * the end of the connection, after which it does not come back.
 */
void
session_accuse(struct session *se)
{
	int fd = session_enter(se);

	atomic_store_explicit(&se->se_accused, true, memory_order_relaxed);
	if (fd != HYPER_NOFD)
		hyper_sock_shutdown(fd);
	session_leave(se);
}

/*
 * The client's host process is to be told.  Where the host does not let us, it
 * is to do it itself when it looks.
 */
static void
session_tell(struct session *se, int signo)
{
	char byte = 0;
	size_t n = 1;

	if (se->se_pidfd != HYPER_NOFD &&
	    hyper_process_signal(se->se_pidfd, signo) == 0)
		return;
	if (se->se_stream != NULL)
		stream_raise(se, UINT64_C(1) << (signo - 1));
	if (se->se_stream != NULL || se->se_shm == NULL ||
	    se->se_sock == HYPER_NOFD)
		return;
	atomic_fetch_or_explicit(&se->se_shm->sh_signal,
	    UINT64_C(1) << (signo - 1), memory_order_relaxed);
	atomic_store_explicit(&se->se_shm->sh_signals, 1, memory_order_release);
	(void)hyper_sock_send(se->se_sock, &byte, &n, HYPER_NOFD);
}

void
session_signal(uint64_t id, int signo)
{
	struct session *se;

	mutex_enter(&sessions_lock);
	LIST_FOREACH (se, &sessions, se_link)
		if (se->se_id == id)
			break;
	if (se != NULL) {
		mutex_enter(&se->se_lock);
		/* The child of a fork hears of it once it is somebody. */
		if (session_state(se) == SE_FORKED)
			se->se_early |= UINT64_C(1) << (signo - 1);
		else if (session_state(se) == SE_OPEN)
			session_tell(se, signo);
		mutex_exit(&se->se_lock);
	}
	mutex_exit(&sessions_lock);
}

void
session_open(struct session *se)
{
	uint64_t bits;

	deadline_clear(se);
	if (session_state(se) == SE_HELLO)
		nhello--;
	/* Release: what the session is; see session_state. */
	atomic_store_explicit(&se->se_state, SE_OPEN, memory_order_release);
	(void)session_enter(se);
	for (bits = se->se_early; bits != 0; bits &= bits - 1)
		session_tell(se, __builtin_ctzll(bits) + 1);
	se->se_early = 0;
	session_leave(se);
}

/* Has its host process ended, and been waited for?  It may be dead already. */
static bool
session_isover(struct session *se)
{
	return session_state(se) == SE_DEAD ||
	       (se->se_pidfd != HYPER_NOFD &&
		   hyper_process_signal(se->se_pidfd, 0) == ESRCH);
}

bool
session_gone(pid_t pid)
{
	struct session *se, *over[LATE_MOST];
	uint32_t n = 0, i;

	list_enter();
	LIST_FOREACH (se, &sessions, se_link) {
		if ((pid != 0 && se->se_peer.hp_pid != pid) ||
		    !session_isover(se))
			continue;
		over[n++] = se;
		if (n == LATE_MOST)
			break;
	}
	list_exit();
	for (i = 0; i < n; i++)
		session_end(over[i], "its host process has ended");
	return n == 0;
}

/*
 * Forks: by the leader, as all calls that do not sleep.
 */

/* It executes what its parent does. */
static void
session_execute(struct session *se, struct session *parent)
{
	struct exefile *xf;

	(void)session_enter(parent);
	if ((xf = parent->se_executed) != NULL)
		exefile_hold(xf);
	session_leave(parent);
	(void)session_enter(se);
	se->se_executed = xf;
	session_leave(se);
}

int
session_fork(struct session *parent, uint64_t handle, uint8_t token[SP_TOKEN],
    uint64_t *idp)
{
	struct session *se;
	uint32_t n = 1;
	int error;

	if ((se = session_make(SE_FORKED)) == NULL)
		return ENOMEM;
	deadline_set(se, proxy_config.pc_hello);
	if ((error = lwps_put(se, handle, 1, &n)) != 0) {
		session_end(se, "no memory");
		return error;
	}
	session_execute(se, parent);
	se->se_parent = parent->se_id;
	se->se_peer = parent->se_peer;
	se->se_far = parent->se_far;
	se->se_user = parent->se_user;
	memcpy(token, se->se_token, SP_TOKEN);
	*idp = se->se_id;
	return 0;
}

int
session_forkcancel(
    struct session *parent, const uint8_t token[SP_TOKEN], pid_t pid)
{
	struct session *se = session_find(token);

	if (se == NULL || session_state(se) != SE_FORKED ||
	    !session_same(se, parent))
		return ESRCH;
	/* For session_gone. */
	se->se_peer.hp_pid = pid;
	session_end(se, "a fork that failed");
	return 0;
}
