/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Open file descriptions: what a descriptor names.  Counted; f_ops->fo_close
 * runs when the last reference goes.
 *
 * struct file is type-stable, so that a table can be read without a lock: who
 * finds one takes a reference unless the count is zero (file_tryhold), and
 * then looks whether it still is what the slot names (fd_getfile).  So a
 * stranger can hold a reference to any file for a moment.
 *
 * Letters: (s) stable after file_alloc's caller published it; (a) atomic;
 * (l) f_lock.
 */
#ifndef KERN_FILE_H
#define KERN_FILE_H

#include <sys/stat.h>

#include <fcntl.h>
#include <unistd.h>

#include "kern/lock.h"
#include "kern/uio.h"

enum file_type {
	DTYPE_NONE,
	DTYPE_VNODE,
	DTYPE_PIPE,
	DTYPE_CONSOLE,
	DTYPE_DEVICE,
	DTYPE_EVENTFD,
	DTYPE_EVQUEUE,
	DTYPE_KSEM,
	DTYPE_MQUEUE,
	DTYPE_SOCKET,
};

struct filedesc;
struct flock;
struct klist;
struct knote;
struct mount;
struct vnode;

/* How much can be read and written without waiting. */
struct pollsize {
	int64_t ps_in;
	int64_t ps_out;
};

struct fileops {
	/* What has no path is "anon_inode:[fo_name]" in /proc. */
	const char *fo_name;
	/*
	 * Read or write what the uio says, at *offp, and advance *offp.
	 * offp is &f_offset for a file with a position (fo_seek is not NULL),
	 * or the offset of pread and pwrite, or NULL for a stream.  Bytes
	 * moved are what uio_resid went down by; an error with some moved is
	 * reported by the caller as success.  The access mode is checked.
	 *
	 * &f_offset and fo_seek come with f_lock held, or without it where
	 * nobody but the calling lwp can reach the file (file_enter).
	 */
	int (*fo_read)(struct lwp *, struct file *, off_t *offp, struct uio *);
	int (*fo_write)(struct lwp *, struct file *, off_t *offp, struct uio *);
	/*
	 * Short cuts for a stream, or NULL: move up to len bytes, 1 to
	 * UIO_SMALL, of memory that is checked.  The bytes moved; 0 if it is a
	 * case for fo_read or fo_write; of a read that slept, -EINTR.
	 */
	ssize_t (*fo_fastread)(struct file *, void *, size_t len);
	size_t (*fo_fastwrite)(struct file *, const void *, size_t len);
	/* It has been read by more than fo_read.  NULL: nothing to note. */
	void (*fo_accessed)(struct file *);
	int (*fo_stat)(struct lwp *, struct file *, struct stat *);
	/* Set f_offset; *offp is the new position.  NULL: ESPIPE. */
	int (*fo_seek)(
	    struct lwp *, struct file *, off_t off, int whence, off_t *offp);
	/* length >= 0; the file is open for writing.  NULL: EINVAL. */
	int (*fo_truncate)(struct lwp *, struct file *, off_t length);
	/*
	 * NULL: ENOTTY.  data is the caller's, not yet copied; *retval is 0
	 * before.
	 */
	int (*fo_ioctl)(struct lwp *, struct file *, unsigned long, void *data,
	    int *retval);
	/* May F_SETFL set these O_* flags?  NULL: yes. */
	int (*fo_setfl)(struct lwp *, struct file *, uint32_t flags);
	/* F_* commands beyond those of filedesc.c.  NULL: EINVAL. */
	int (*fo_fcntl)(
	    struct lwp *, struct file *, int cmd, uintptr_t arg, int *retval);
	/*
	 * What is true now, of the POLL* bits, and, unless it is NULL, how much
	 * can be moved.  NULL: can always be read and written, and is nothing
	 * to wait for.  It takes the object's lock; see event.h.
	 */
	uint32_t (*fo_poll)(struct lwp *, struct file *, struct pollsize *);
	/* The list that fo_poll's changes are told to; with fo_poll. */
	struct klist *(*fo_klist)(struct file *);
	/* The lwp is about to hang a knote on that.  NULL: 0.  ENOMEM. */
	int (*fo_listen)(struct lwp *, struct file *);
	/*
	 * It has O_ASYNC: whom SIGIO is for if nobody has been named, a process
	 * or, negative, a group; 0: nobody.  NULL: O_ASYNC does nothing.
	 */
	pid_t (*fo_async)(struct lwp *, struct file *);
	/*
	 * A table let go of a descriptor of it, which has no vnode.  NULL:
	 * nothing to note.  Without locks.
	 */
	void (*fo_closing)(struct file *);
	/* Last reference gone.  Must not fail; may sleep for nothing. */
	void (*fo_close)(struct file *);
};

struct file {
	const struct fileops *f_ops; /* (s) the allocator's while free */
	_Atomic uint32_t f_count;    /* (a) references; 0: free */
	_Atomic uint32_t f_flags;    /* (a) O_* of open, access mode too */
	uint8_t f_type;		     /* (s) enum file_type */
	bool f_writes;		     /* (s) it uses its vnode as a writer */
	_Atomic uint16_t f_owned;    /* (a) it has an owner; fowner.c */
	struct kmutex f_lock;	     /* f_offset, over a whole read or write */
	void *f_data;		     /* (s) pipe, … */
	struct vnode *f_vnode;	     /* (s) what has a name; src/vfs's */
	struct mount *f_mount;	     /* (s) where that was found */
	uint64_t f_credserial;	     /* (s) cr_serial of who opened it */
	off_t f_offset;		     /* (l) a fifo's: (s), see pipe_poll */
};

/*
 * What src/vfs does about every file with a vnode, whatever its operations.
 */
struct file_vnodeops {
	/* A table let go of a descriptor of it: the slot is free by now. */
	void (*fv_closing)(struct file *, const struct filedesc *);
	/* The last reference is gone; before fo_close. */
	void (*fv_close)(struct file *);
	/*
	 * Hang a knote, whose kn_events are RUMP_NOTE_*, on what tells of
	 * changes of its file's vnode.  ENOMEM.
	 */
	int (*fv_attach)(struct knote *);
	/* F_NOTIFY, on what fd names. */
	int (*fv_notify)(struct lwp *, int fd, struct file *, uint32_t mask);
	/* F_GET_RW_HINT, F_SET_RW_HINT. */
	int (*fv_hint)(struct lwp *, struct file *, int cmd, uint64_t *uhint);
	/* F_GETLK and its kin, on what fd names. */
	int (*fv_lock)(
	    struct lwp *, int fd, struct file *, int cmd, struct flock *);
};
extern const struct file_vnodeops file_vnodeops; /* in src/vfs */

static inline uint32_t
file_flags(const struct file *fp)
{
	return atomic_load_explicit(&fp->f_flags, memory_order_relaxed);
}

/*
 * May it be read, written?  By the access mode it was opened with, whose two
 * bits plus one are the answer.  Mode 3, Linux's "for ioctl only", gives
 * neither, and so does O_PATH.
 */
static inline bool
file_readable(const struct file *fp)
{
	return ((file_flags(fp) + 1) & (O_PATH | 1)) == 1;
}

static inline bool
file_writable(const struct file *fp)
{
	return ((file_flags(fp) + 1) & (O_PATH | 2)) == 2;
}

/* The last reference is gone. */
void file_free(struct file *);

/* Its count, where nobody else changes it. */
static inline uint32_t
file_countalone(struct file *fp, uint32_t more)
{
	uint32_t n =
	    atomic_load_explicit(&fp->f_count, memory_order_relaxed) + more;

	atomic_store_explicit(&fp->f_count, n, memory_order_relaxed);
	return n;
}

/* The caller has a reference and makes another. */
static inline void
file_hold(struct file *fp)
{
	KASSERT(atomic_load_explicit(&fp->f_count, memory_order_relaxed) != 0);
	if (kern_alone)
		(void)file_countalone(fp, 1);
	else
		atomic_fetch_add_explicit(
		    &fp->f_count, 1, memory_order_relaxed);
}

static inline void
file_rele(struct file *fp)
{
	if (kern_alone) {
		if (file_countalone(fp, (uint32_t)-1) == 0)
			file_free(fp);
		return;
	}
	/* acq_rel: every holder's use is over before file_free looks. */
	if (atomic_fetch_sub_explicit(&fp->f_count, 1, memory_order_acq_rel) ==
	    1)
		file_free(fp);
}

/* fp was read from a slot and may be free, or another file by now. */
static inline bool
file_tryhold(struct file *fp)
{
	uint32_t n = atomic_load_explicit(&fp->f_count, memory_order_relaxed);

	if (kern_alone) {
		if (n != 0)
			(void)file_countalone(fp, 1);
		return n != 0;
	}
	do {
		if (n == 0)
			return false;
		/* Acquire pairs with the release in file_alloc. */
	} while (!atomic_compare_exchange_weak_explicit(&fp->f_count, &n, n + 1,
	    memory_order_acquire, memory_order_relaxed));
	return true;
}

/* Set the flags of `mask' to what `flags' says. */
void file_setflags(struct file *, uint32_t mask, uint32_t flags);

/* fo_stat of what is neither a file nor a pipe. */
int file_statanon(struct lwp *, struct file *, struct stat *);

/*
 * The file's position, for calls that do not keep it while they use it; the
 * caller has a loan or a reference.
 */
off_t file_getpos(struct lwp *, struct file *);
void file_setpos(struct lwp *, struct file *, off_t);

/*
 * Copy up to len bytes from `in' at *inp, which has positions, to `out' at
 * *outp, or outp NULL for a stream; both advance.  *donep bytes were copied:
 * fewer without an error at the end of `in'.  Holds no lock.
 */
int file_copy(struct lwp *, struct file *in, off_t *inp, struct file *out,
    off_t *outp, size_t len, size_t *donep);

/*
 * The position, for who only looks: it may be on its way to another one,
 * written without a lock by the one lwp that can reach the file.
 */
off_t file_peekpos(const struct file *);

/* Open file descriptions, in all processes. */
uint64_t file_live(void);

/*
 * How many there can be; ENFILE beyond, except for root.  Boot sets it, before
 * file_init.
 */
extern _Atomic uint64_t kern_maxfiles;
#define KERN_MINFILES 1024

/* There may be another number of them from now on.  EINVAL for none. */
int file_setmax(int64_t max);

/* The host thread ends: give back what it keeps. */
void file_thread_flush(struct hostthread *);

void file_init(void);

#endif /* KERN_FILE_H */
