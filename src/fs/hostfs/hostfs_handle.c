/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Descriptors of the host.  The host lets a process have few of them, and the
 * program wants some for itself; so those of files that nobody used for a
 * while are closed.  A file that is needed again is opened again: by its name
 * in its directory, and if that one is closed too, by both names in the one
 * above, and so on up to the root, which is always open.  What is opened so
 * must be the same file.
 *
 * hh_word is the descriptor plus one, or zero, and above it the number of
 * users.  It becomes zero by a compare-and-swap that fails if there are any.
 * Open handles are in a list in the order of opening; the evictor takes from
 * its beginning, and what was used since it came by goes to its end.
 *
 * handles_lock is taken with any lock of src/vfs held, and none is taken while
 * it is held.
 */
#include "fs/hostfs/hostfs.h"

#define USER	 (UINT64_C(1) << 32)
#define USERS(w) ((w) >> 32)

/* Of what the host allows; the rest is the program's. */
#define HANDLES_SHARE 4
#define HANDLES_MAX   1024u
#define HANDLES_MIN   8u

static struct kmutex handles_lock;
static struct hostfs_handle *handles_first, *handles_last; /* (h) */
static unsigned long handles_count;			   /* (h) */

static unsigned long
handles_limit(void)
{
	unsigned long n = hyper_file_maxopen() / HANDLES_SHARE;

	return n > HANDLES_MAX	 ? HANDLES_MAX
	       : n < HANDLES_MIN ? HANDLES_MIN
				 : n;
}

static void
list_append(struct hostfs_handle *hh)
{
	KASSERT(mutex_owned(&handles_lock));
	hh->hh_next = NULL;
	if ((hh->hh_prev = handles_last) != NULL)
		handles_last->hh_next = hh;
	else
		handles_first = hh;
	handles_last = hh;
	handles_count++;
}

static void
list_remove(struct hostfs_handle *hh)
{
	KASSERT(mutex_owned(&handles_lock));
	if (hh->hh_prev != NULL)
		hh->hh_prev->hh_next = hh->hh_next;
	else
		handles_first = hh->hh_next;
	if (hh->hh_next != NULL)
		hh->hh_next->hh_prev = hh->hh_prev;
	else
		handles_last = hh->hh_prev;
	handles_count--;
}

static int
word_fd(uint64_t w)
{
	return (int)(uint32_t)w - 1;
}

/* If nobody uses it or did lately: it is closed for all others. */
static bool
handle_evict(struct hostfs_handle *hh, int *fdp)
{
	uint64_t w;

	if (atomic_exchange_explicit(&hh->hh_used, false, memory_order_relaxed))
		return false;
	w = atomic_load_explicit(&hh->hh_word, memory_order_relaxed);
	*fdp = word_fd(w);
	/* Acquire: every user's call is over before it is closed. */
	return USERS(w) == 0 &&
	       atomic_compare_exchange_strong_explicit(&hh->hh_word, &w, 0,
		   memory_order_acquire, memory_order_relaxed);
}

/* Close one of those that are open; false if all are in use. */
static bool
handles_evict(void)
{
	struct hostfs_handle *hh;
	unsigned long n;
	int fd = -1;

	mutex_enter(&handles_lock);
	for (n = 2 * handles_count; n > 0; n--) {
		hh = handles_first;
		list_remove(hh);
		if (handle_evict(hh, &fd))
			break;
		list_append(hh);
	}
	mutex_exit(&handles_lock);
	if (n == 0)
		return false;
	hyper_file_close(fd);
	return true;
}

int
hostfs_open(int dir, const char *path, int flags, mode_t mode, int *fdp)
{
	int error;

	do
		error = hyper_file_open(dir, path, flags, mode, fdp);
	while ((error == EMFILE || error == ENFILE) && handles_evict());
	return error;
}

int
hostfs_reopen(int fd, int flags, int *fdp)
{
	int error;

	do
		error = hyper_file_reopen(fd, flags, fdp);
	while ((error == EMFILE || error == ENFILE) && handles_evict());
	return error;
}

bool
hostfs_tryget(struct hostfs_node *hn, enum hostfs_kind kind, int *fdp)
{
	struct hostfs_handle *hh = &hn->hn_handle[kind];
	uint64_t w = atomic_load_explicit(&hh->hh_word, memory_order_relaxed);

	do {
		if ((uint32_t)w == 0)
			return false;
		/* Acquire pairs with the release in handle_publish. */
	} while (!atomic_compare_exchange_weak_explicit(&hh->hh_word, &w,
	    w + USER, memory_order_acquire, memory_order_relaxed));
	atomic_store_explicit(&hh->hh_used, true, memory_order_relaxed);
	*fdp = word_fd(w);
	return true;
}

void
hostfs_put(struct hostfs_node *hn, enum hostfs_kind kind)
{
	/* Release pairs with the acquire in handle_evict. */
	atomic_fetch_sub_explicit(
	    &hn->hn_handle[kind].hh_word, USER, memory_order_release);
}

/*
 * Let all have a descriptor, and have it got; false if somebody else was
 * faster.  Another one may have to go for it.
 */
static bool
handle_publish(struct hostfs_handle *hh, int fd)
{
	uint64_t none = 0;
	bool done, full;

	mutex_enter(&handles_lock);
	done = atomic_compare_exchange_strong_explicit(&hh->hh_word, &none,
	    ((uint64_t)fd + 1) | USER, memory_order_release,
	    memory_order_relaxed);
	if (done)
		list_append(hh);
	full = handles_count > handles_limit();
	mutex_exit(&handles_lock);
	if (done && full)
		(void)handles_evict();
	return done;
}

void
hostfs_offer(struct hostfs_node *hn, enum hostfs_kind kind, int fd)
{
	if (handle_publish(&hn->hn_handle[kind], fd))
		hostfs_put(hn, kind);
	else
		hyper_file_close(fd);
}

void
hostfs_offer_pinned(struct hostfs_node *hn, int fd)
{
	bool done = handle_publish(&hn->hn_handle[HF_PATH], fd);

	KASSERT(done);
	(void)done;
	hn->hn_nameless = true;
}

void
hostfs_closeall(struct hostfs_node *hn)
{
	struct hostfs_handle *hh;
	uint64_t w;

	for (hh = hn->hn_handle; hh < hn->hn_handle + HF_NKINDS; hh++) {
		mutex_enter(&handles_lock);
		w = atomic_exchange_explicit(
		    &hh->hh_word, 0, memory_order_acquire);
		if (w != 0)
			list_remove(hh);
		mutex_exit(&handles_lock);
		if (w != 0)
			hyper_file_close(word_fd(w));
	}
}

void
hostfs_drop(struct hostfs_node *hn, enum hostfs_kind kind)
{
	struct hostfs_handle *hh = &hn->hn_handle[kind];
	uint64_t w;
	bool done;

	mutex_enter(&handles_lock);
	w = atomic_load_explicit(&hh->hh_word, memory_order_relaxed);
	done = (uint32_t)w != 0 && USERS(w) == 0 &&
	       atomic_compare_exchange_strong_explicit(&hh->hh_word, &w, 0,
		   memory_order_acquire, memory_order_relaxed);
	if (done)
		list_remove(hh);
	mutex_exit(&handles_lock);
	if (done)
		hyper_file_close(word_fd(w));
}

/*
 * Opening by name
 */

/* A directory that is open, and the way from there. */
struct climb {
	struct hostfs_node *cl_base; /* NULL, or open as cl_basefd */
	int cl_basefd;
	int cl_fd;		       /* of the directory */
	struct hostfs_node *cl_got;    /* what to put, or NULL */
	const char *cl_path;	       /* to cl_target */
	struct hostfs_node *cl_target; /* the node, or one above */
	char cl_buf[PATH_MAX];
};

/* From hn up to one that is open; if that is far, from one above it. */
static int
climb_up(struct climb *cl, struct hostfs_node *hn)
{
	char *end = cl->cl_buf + sizeof(cl->cl_buf) - 1, *p = end;
	struct hostfs_place *hp;

	*p = '\0';
	cl->cl_target = hn;
	cl->cl_got = NULL;
	for (;; hn = hp->hp_dir) {
		if (hn == cl->cl_base) {
			cl->cl_fd = cl->cl_basefd;
			break;
		}
		if (p != end && hostfs_tryget(hn, HF_PATH, &cl->cl_fd)) {
			cl->cl_got = hn;
			break;
		}
		if ((hp = hn_place(hn)) == NULL)
			return ESTALE;
		if ((size_t)(p - cl->cl_buf) < hp->hp_len + 1u) {
			p = end;
			cl->cl_target = hn;
		}
		if (p != end)
			*--p = '/';
		p -= hp->hp_len;
		memcpy(p, hp->hp_name, hp->hp_len);
	}
	cl->cl_path = p;
	return 0;
}

/* The believed name leads elsewhere. */
static int
stale(int error)
{
	switch (error) {
	case ENOENT:
	case ENOTDIR:
	case ELOOP:
	case EXDEV:
		return ESTALE;
	default:
		return error;
	}
}

/* Open cl_target, which must be what it was. */
static int
climb_down(struct climb *cl, int *fdp)
{
	struct hyper_stat hs;
	int error;

	error = stale(hostfs_open(cl->cl_fd, cl->cl_path, O_PATH, 0, fdp));
	if (cl->cl_got != NULL)
		hostfs_put(cl->cl_got, HF_PATH);
	if (error != 0)
		return error;
	error = hyper_file_stat(*fdp, "", &hs);
	if (error == 0 && !hostfs_same(cl->cl_target, &hs))
		error = ESTALE;
	if (error != 0)
		hyper_file_close(*fdp);
	return error;
}

static int
open_by_name(struct hostfs_node *hn, int *fdp)
{
	struct climb cl = {.cl_base = NULL, .cl_basefd = HYPER_FILE_NONE};
	int error;

	for (;;) {
		if ((error = climb_up(&cl, hn)) == 0)
			error = climb_down(&cl, fdp);
		if (cl.cl_base != NULL)
			hyper_file_close(cl.cl_basefd);
		if (error != 0 || cl.cl_target == hn)
			return error;
		cl.cl_base = cl.cl_target;
		cl.cl_basefd = *fdp;
	}
}

static int
open_kind(struct hostfs_node *hn, enum hostfs_kind kind, int *fdp)
{
	int path, error;

	if (kind == HF_PATH)
		return open_by_name(hn, fdp);
	if ((error = hostfs_get(hn, HF_PATH, &path)) != 0)
		return error;
	error = hostfs_reopen(
	    path, (kind == HF_READ ? O_RDONLY : O_WRONLY) | O_NONBLOCK, fdp);
	hostfs_put(hn, HF_PATH);
	return error;
}

int
hostfs_get(struct hostfs_node *hn, enum hostfs_kind kind, int *fdp)
{
	int error;

	for (;;) {
		if (hostfs_tryget(hn, kind, fdp))
			return 0;
		if ((error = open_kind(hn, kind, fdp)) != 0)
			return error;
		if (handle_publish(&hn->hn_handle[kind], *fdp))
			return 0;
		hyper_file_close(*fdp);
	}
}

int
hostfs_get_data(struct hostfs_node *hn, enum hostfs_kind *kindp, int *fdp)
{
	int error;

	*kindp = HF_WRITE;
	if (hostfs_tryget(hn, HF_WRITE, fdp))
		return 0;
	*kindp = HF_READ;
	error = hostfs_get(hn, HF_READ, fdp);
	if (error != EACCES)
		return error;
	*kindp = HF_WRITE;
	return hostfs_get(hn, HF_WRITE, fdp);
}
