/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Regular files whose data is in a file of the host in memory, because a
 * program maps it.
 *
 * A file is moved there when it is asked for first (vop_hostfile), and stays:
 * nobody tells when the last mapping has gone.  From then on the node has no
 * pages of its own.  tp_root is the struct tmpfs_hosted with TMPFS_BLANK, so
 * that a lookup of any page finds a hole, and it is only there that one looks
 * whether the file is here.
 *
 * A hole can be filled through a mapping, which asks nobody.  So all pages up
 * to the end of the file are paid for, in blocks of the file system and in
 * kernel memory, and counted as the file's.
 *
 * After the host's fork(2) the child has another kernel with the same files,
 * but the host's file would be one for both: it is copied before.
 */
#include <fcntl.h>
#include <unistd.h>

#include "fs/tmpfs/tmpfs.h"
#include "hyper/hostfile.h"
#include "kern/kern.h"

#define NO_FILE (-1)

struct tmpfs_hosted {
	int th_fd;   /* (l) NO_FILE: a fork could not copy it */
	int th_copy; /* for the child of a fork that is going on */
	LIST_ENTRY(tmpfs_hosted) th_all; /* hosted_lock */
};

static struct kmutex hosted_lock;
static LIST_HEAD(, tmpfs_hosted) hosted_all; /* hosted_lock */

static struct tmpfs_hosted *
hosted(const struct tmpfs_node *tn)
{
	KASSERT(tn->tn_hosted);
	return (struct tmpfs_hosted *)(tn->tn_pages.tp_root &
				       ~(uintptr_t)TMPFS_BLANK);
}

static int
hosted_fd(const struct tmpfs_node *tn, int *fdp)
{
	*fdp = hosted(tn)->th_fd;
	return *fdp == NO_FILE ? EIO : 0;
}

static uint64_t
pages_of(off_t size)
{
	return ((uint64_t)size + KPAGE_SIZE - 1) / KPAGE_SIZE;
}

static uint64_t
npages(const struct tmpfs_node *tn)
{
	return atomic_load_explicit(&tn->tn_npages, memory_order_relaxed);
}

/*
 * Memory for n pages.  Blocks of the file system are taken and given apart,
 * because pages that a file has before it is moved have theirs.
 */
static int
memory_take(uint64_t n)
{
	return n > UINT64_MAX / KPAGE_SIZE ? ENOMEM
					   : kmem_charge(n * KPAGE_SIZE);
}

/* The file is about to reach to `end'. */
static int
host_cover(struct tmpfs_node *tn, off_t end)
{
	uint64_t have = npages(tn), want = pages_of(end);
	int error;

	if (want <= have)
		return 0;
	error =
	    tmpfs_take(node_super(tn), TMPFS_BLOCKS, (int64_t)(want - have));
	if (error != 0)
		return error;
	if ((error = memory_take(want - have)) != 0) {
		tmpfs_give(
		    node_super(tn), TMPFS_BLOCKS, (int64_t)(want - have));
		return error;
	}
	tmpfs_set(tn->tn_npages, want);
	return 0;
}

/* It ends at `end'. */
static void
host_uncover(struct tmpfs_node *tn, off_t end)
{
	uint64_t have = npages(tn), want = pages_of(end);

	if (want >= have)
		return;
	tmpfs_give(node_super(tn), TMPFS_BLOCKS, (int64_t)(have - want));
	kmem_uncharge((have - want) * KPAGE_SIZE);
	tmpfs_set(tn->tn_npages, want);
}

/*
 * Moving
 */

static int
move_pages(struct tmpfs_node *tn, int fd)
{
	off_t size = tmpfs_size(tn), at;
	uint64_t i;
	size_t n, done;
	int error;

	if ((error = hyper_file_truncate(fd, size)) != 0)
		return error;
	for (i = 0; error == 0 && tmpfs_pages_next(&tn->tn_pages, &i); i++) {
		if ((at = (off_t)(i * KPAGE_SIZE)) >= size)
			break;
		n = size - at < KPAGE_SIZE ? (size_t)(size - at) : KPAGE_SIZE;
		error = hyper_file_pwrite(
		    fd, tmpfs_pages_get(&tn->tn_pages, i), n, at, &done);
		if (error == 0 && done < n)
			error = ENOSPC;
	}
	return error;
}

/* What the file has is paid for as it will be. */
static int
move_account(struct tmpfs_node *tn, uint64_t want)
{
	struct tmpfs_mount *tm = node_super(tn);
	int64_t more = (int64_t)want - (int64_t)npages(tn);
	int error;

	if (more > 0 && (error = tmpfs_take(tm, TMPFS_BLOCKS, more)) != 0)
		return error;
	if ((error = memory_take(want)) != 0) {
		if (more > 0)
			tmpfs_give(tm, TMPFS_BLOCKS, more);
		return error;
	}
	if (more < 0)
		tmpfs_give(tm, TMPFS_BLOCKS, -more);
	return 0;
}

static int
host_move(struct tmpfs_node *tn)
{
	struct tmpfs_hosted *th = kmem_zalloc(sizeof(*th));
	uint64_t want = pages_of(tmpfs_size(tn));
	int error;

	KASSERT(rw_write_held(&tn->tn_vnode.v_lock));
	if (th == NULL)
		return ENOMEM;
	if ((error = hyper_file_memory(&th->th_fd)) != 0)
		goto free;
	if ((error = move_pages(tn, th->th_fd)) != 0 ||
	    (error = move_account(tn, want)) != 0)
		goto close;
	(void)tmpfs_pages_remove(&tn->tn_pages, 0, UINT64_MAX);
	tn->tn_pages.tp_root = (uintptr_t)th | TMPFS_BLANK;
	tn->tn_hosted = true;
	tmpfs_set(tn->tn_npages, want);
	th->th_copy = NO_FILE;
	mutex_enter(&hosted_lock);
	LIST_INSERT_HEAD(&hosted_all, th, th_all);
	mutex_exit(&hosted_lock);
	return 0;
close:
	hyper_file_close(th->th_fd);
free:
	kmem_free(th, sizeof(*th));
	return error;
}

int
tmpfs_hostfile(struct vnode *vp, bool write, int *fdp)
{
	struct tmpfs_node *tn = vp_to_node(vp);
	int fd, error = 0;

	rw_enter_write(&vp->v_lock);
	if (!tn->tn_hosted)
		error = host_move(tn);
	if (error == 0 && (error = hosted_fd(tn, &fd)) == 0)
		error = hyper_file_reopen(fd, write ? O_RDWR : O_RDONLY, fdp);
	rw_exit_write(&vp->v_lock);
	return error;
}

void
tmpfs_host_free(struct tmpfs_node *tn)
{
	struct tmpfs_hosted *th = hosted(tn);

	host_uncover(tn, 0);
	mutex_enter(&hosted_lock);
	LIST_REMOVE(th, th_all);
	mutex_exit(&hosted_lock);
	if (th->th_fd != NO_FILE)
		hyper_file_close(th->th_fd);
	kmem_free(th, sizeof(*th));
	tn->tn_hosted = false;
	tn->tn_pages = (struct tmpfs_pages){0};
}

/*
 * What is done to such files; v_lock is held as tmpfs_file.c says.
 */

int
tmpfs_host_read(struct tmpfs_node *tn, off_t off, size_t n, struct uio *u)
{
	size_t done;
	int fd, error;

	if ((error = hosted_fd(tn, &fd)) != 0)
		return error;
	error = uio_hostfile(u, fd, off, n, false, &done);
	/* The host's file is as long as this one. */
	return error == 0 && done < n ? EIO : error;
}

int
tmpfs_host_write(struct tmpfs_node *tn, off_t off, size_t n, struct uio *u)
{
	off_t size = tmpfs_size(tn);
	size_t done;
	int fd, error;

	if ((error = hosted_fd(tn, &fd)) != 0 ||
	    (error = host_cover(tn, off + (off_t)n)) != 0)
		return error;
	error = uio_hostfile(u, fd, off, n, false, &done);
	if (done < n && off + (off_t)done >= size)
		host_uncover(tn, off + (off_t)done);
	/* The caller goes on if there is no error. */
	return error == 0 && done < n ? EIO : error;
}

int
tmpfs_host_truncate(struct tmpfs_node *tn, off_t length)
{
	int fd, error;

	if ((error = hosted_fd(tn, &fd)) != 0 ||
	    (error = host_cover(tn, length)) != 0)
		return error;
	error = hyper_file_truncate(fd, length);
	host_uncover(tn, error == 0 ? length : tmpfs_size(tn));
	return error;
}

int
tmpfs_host_seek(struct tmpfs_node *tn, int whence, off_t *offp)
{
	int fd, error;

	if ((error = hosted_fd(tn, &fd)) != 0)
		return error;
	return hyper_file_seek(fd, whence, offp);
}

int
tmpfs_host_fallocate(struct tmpfs_node *tn, int mode, off_t off, off_t len)
{
	int fd, error;

	if ((error = hosted_fd(tn, &fd)) != 0)
		return error;
	/* Within the file all is paid for; beyond it nothing can be kept. */
	if ((mode & FALLOC_FL_KEEP_SIZE) != 0) {
		if (off >= tmpfs_size(tn))
			return 0;
		if (len > tmpfs_size(tn) - off)
			len = tmpfs_size(tn) - off;
	} else if ((error = host_cover(tn, off + len)) != 0)
		return error;
	if ((error = hyper_file_fallocate(fd, mode, off, len)) != 0)
		host_uncover(tn, tmpfs_size(tn));
	return error;
}

/*
 * fork(2)
 */

static void
hosted_fork_prepare(void)
{
	struct tmpfs_hosted *th;

	LIST_FOREACH (th, &hosted_all, th_all)
		if (th->th_fd == NO_FILE ||
		    hyper_file_memory(&th->th_copy) != 0)
			th->th_copy = NO_FILE;
		else if (hyper_file_copy(th->th_fd, th->th_copy) != 0) {
			hyper_file_close(th->th_copy);
			th->th_copy = NO_FILE;
		}
}

static void
hosted_fork_parent(void)
{
	struct tmpfs_hosted *th;

	LIST_FOREACH (th, &hosted_all, th_all) {
		if (th->th_copy != NO_FILE)
			hyper_file_close(th->th_copy);
		th->th_copy = NO_FILE;
	}
}

static void
hosted_fork_child(void)
{
	struct tmpfs_hosted *th;

	LIST_FOREACH (th, &hosted_all, th_all) {
		if (th->th_fd != NO_FILE)
			hyper_file_close(th->th_fd);
		th->th_fd = th->th_copy;
		th->th_copy = NO_FILE;
	}
}

void
tmpfs_host_init(void)
{
	static struct fork_hook hook = {
	    .fh_prepare = hosted_fork_prepare,
	    .fh_parent = hosted_fork_parent,
	    .fh_child = hosted_fork_child,
	};

	fork_hook_register(&hook);
}
