/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Open file descriptions: what a descriptor names.  Counted; f_ops->fo_close
 * runs when the last reference goes.  struct file is type-stable and retired
 * by smr, so that a table can be read without a lock (fd_getfile).
 *
 * Letters: (s) stable after file_alloc's caller published it; (a) atomic;
 * (l) f_lock.
 */
#ifndef KERN_FILE_H
#define KERN_FILE_H

#include <sys/stat.h>

#include "kern/lock.h"
#include "kern/uio.h"

enum file_type { DTYPE_NONE, DTYPE_VNODE, DTYPE_PIPE, DTYPE_CONSOLE };

struct fileops {
	/*
	 * Read or write what the uio says, at *offp, and advance *offp.
	 * offp is &f_offset with f_lock held for a file with a position
	 * (fo_seek is not NULL), or the offset of pread and pwrite, or NULL
	 * for a stream.  Bytes moved are what uio_resid went down by; an
	 * error with some moved is reported by the caller as success.
	 */
	int (*fo_read)(struct lwp *, struct file *, off_t *offp, struct uio *);
	int (*fo_write)(struct lwp *, struct file *, off_t *offp, struct uio *);
	int (*fo_stat)(struct lwp *, struct file *, struct stat *);
	/* Set f_offset; *offp is the new position.  NULL: ESPIPE. */
	int (*fo_seek)(
	    struct lwp *, struct file *, off_t off, int whence, off_t *offp);
	/* NULL: EINVAL. */
	int (*fo_truncate)(struct lwp *, struct file *, off_t length);
	/* NULL: ENOTTY.  data is the caller's, not yet copied. */
	int (*fo_ioctl)(struct lwp *, struct file *, unsigned long, void *data);
	/* F_* commands beyond those of filedesc.c.  NULL: EINVAL. */
	int (*fo_fcntl)(
	    struct lwp *, struct file *, int cmd, uintptr_t arg, int *retval);
	/* Last reference gone.  Must not fail; may sleep for nothing. */
	void (*fo_close)(struct file *);
};

struct file {
	_Atomic uint32_t f_count;  /* (a) references; 0: free */
	_Atomic uint32_t f_flags;  /* (a) O_* of open, access mode too */
	enum file_type f_type;	   /* (s) */
	const struct fileops *f_ops; /* (s) */
	void *f_data;		   /* (s) pipe, vnode, … */
	struct cred *f_cred;	   /* (s) of who opened it; held */
	struct kmutex f_lock;	   /* f_offset, over a whole read or write */
	off_t f_offset;		   /* (l) */
	struct smr_item f_smr;
};

/* May it be read, written?  By the access mode it was opened with. */
static inline bool
file_readable(const struct file *fp)
{
	return (atomic_load_explicit(&fp->f_flags, memory_order_relaxed) &
		   3) != 1;
}

static inline bool
file_writable(const struct file *fp)
{
	return (atomic_load_explicit(&fp->f_flags, memory_order_relaxed) &
		   3) != 0;
}

static inline uint32_t
file_flags(const struct file *fp)
{
	return atomic_load_explicit(&fp->f_flags, memory_order_relaxed);
}

#endif /* KERN_FILE_H */
