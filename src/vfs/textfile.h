/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files whose text the kernel makes up when they are read: for procfs and its
 * like.
 *
 * The text is made anew by each read at offset 0 of an open file, and kept for
 * the reads that go on from there: so what one reads in pieces fits together.
 */
#ifndef VFS_TEXTFILE_H
#define VFS_TEXTFILE_H

#include "vfs/vfs.h"

/* Text on its way; zeroed at first.  Once it has failed it stays so. */
struct text {
	struct madetext *t_made; /* or NULL: nothing so far */
	int t_error;		 /* ENOMEM */
};

void text_printf(struct text *, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void text_put(struct text *, const char *, size_t len);

/* Bytes that separate fields come out as \ooo, as in /proc/mounts. */
void text_putescaped(struct text *, const char *);

/*
 * What a symbolic link leads to, out of a text, which is used up: as
 * vop_readlink wants it, to be read in this section.  error is how making it
 * ended, and is returned if it is not 0.
 */
int text_readlink(struct text *, int error, const char **targetp, size_t *lenp);

struct textops {
	/* Make the text.  Called in a section; f_lock may be held. */
	int (*to_make)(struct lwp *, struct vnode *, struct text *);
	/* Somebody wrote this, or the first page of it.  NULL: EINVAL. */
	int (*to_store)(
	    struct lwp *, struct vnode *, const char *buf, size_t len);
};

/*
 * /proc/net/unix, which is for who has sockets to make; set at boot, before
 * anybody can ask.
 */
extern int (*text_netunix)(struct text *);

/*
 * For vop_open, vop_truncate and, of who does not open it, vop_read and
 * vop_write.
 */
int textfile_open(const struct textops *, struct file *);
int
textfile_vread(const struct textops *, struct vnode *, off_t *, struct uio *);
int
textfile_vwrite(const struct textops *, struct vnode *, off_t *, struct uio *);
int textfile_truncate(struct vnode *, off_t, const struct vwrite *, bool);

#endif /* VFS_TEXTFILE_H */
