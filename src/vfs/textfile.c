/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files whose text is made up when they are read.
 *
 * An open file has the text of its last read at offset 0.  Reads at offsets of
 * their own (pread) come without f_lock, so the text is replaced as a whole
 * and the old one retired: whoever copies from it does so in a section.
 */
#include "vfs/textfile.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "vfs/vfs_impl.h"

#define TEXT_FIRST 1024
#define TEXT_MAX   (16u << 20)

int (*text_netunix)(struct text *);

/* When it is made, others read it: freed by smr. */
struct madetext {
	struct smr_item mt_smr;
	size_t mt_size; /* of the allocation */
	size_t mt_len;	/* of the text */
	char mt_text[];
};

struct textfile {
	const struct textops *tf_ops;	  /* (s) */
	struct madetext *_Atomic tf_made; /* (a) or NULL */
};

/*
 * Making
 */

/* Room for so many bytes more. */
static bool
text_room(struct text *t, size_t len)
{
	struct madetext *mt = t->t_made, *longer;
	size_t used = sizeof(*mt) + (mt != NULL ? mt->mt_len : 0);
	size_t size = mt != NULL ? mt->mt_size : TEXT_FIRST;

	if (t->t_error != 0)
		return false;
	if (mt != NULL && len <= size - used)
		return true;
	while (size < TEXT_MAX && size - used < len)
		size *= 2;
	if (size >= TEXT_MAX || (longer = kmem_alloc(size)) == NULL) {
		t->t_error = ENOMEM;
		return false;
	}
	longer->mt_len = 0;
	if (mt != NULL) {
		memcpy(longer, mt, used);
		kmem_free(mt, mt->mt_size);
	}
	longer->mt_size = size;
	t->t_made = longer;
	return true;
}

void
text_put(struct text *t, const char *s, size_t len)
{
	if (!text_room(t, len))
		return;
	memcpy(t->t_made->mt_text + t->t_made->mt_len, s, len);
	t->t_made->mt_len += len;
}

void
text_printf(struct text *t, const char *fmt, ...)
{
	char line[512];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	KASSERT(n >= 0 && (size_t)n < sizeof(line));
	text_put(t, line, (size_t)n);
}

void
text_putescaped(struct text *t, const char *s)
{
	for (; *s != '\0'; s++)
		if (strchr(" \t\n\\#", *s) != NULL)
			text_printf(t, "\\%03o", (unsigned char)*s);
		else
			text_put(t, s, 1);
}

/* Done with it, unless that failed before: ENOMEM, or *mtp has it. */
static int
text_finish(struct text *t, int error, struct madetext **mtp)
{
	/* A walk reads links a word at a time. */
	if (error == 0 && text_room(t, sizeof(uint64_t)))
		memset(t->t_made->mt_text + t->t_made->mt_len, 0,
		    sizeof(uint64_t));
	if (error == 0)
		error = t->t_error;
	if (error != 0 && t->t_made != NULL)
		kmem_free(t->t_made, t->t_made->mt_size);
	*mtp = t->t_made;
	return error;
}

static void
madetext_smrfree(struct smr_item *si)
{
	struct madetext *mt = container_of(si, struct madetext, mt_smr);

	kmem_free(mt, mt->mt_size);
}

static void
madetext_retire(struct madetext *mt)
{
	if (mt != NULL)
		smr_retire(&mt->mt_smr, madetext_smrfree);
}

int
text_readlink(struct text *t, int error, const char **targetp, size_t *lenp)
{
	struct madetext *mt;

	if ((error = text_finish(t, error, &mt)) != 0)
		return error;
	*targetp = mt->mt_text;
	*lenp = mt->mt_len;
	madetext_retire(mt);
	return 0;
}

/*
 * Open files
 */

static int
made_make(const struct textops *to, struct lwp *l, struct vnode *vp,
    struct madetext **mtp)
{
	struct text t = {0};
	int error = to->to_make(l, vp, &t);

	return text_finish(&t, error, mtp);
}

static int
made_read(struct madetext *mt, off_t *offp, struct uio *u)
{
	size_t resid = u->uio_resid, len;
	int error;

	if ((uint64_t)*offp >= mt->mt_len)
		return 0;
	len = mt->mt_len - (size_t)*offp;
	error = uiomove(mt->mt_text + *offp, len < resid ? len : resid, u);
	*offp += (off_t)(resid - u->uio_resid);
	return error;
}

static int
textfile_read(struct lwp *l, struct file *fp, off_t *offp, struct uio *u)
{
	struct textfile *tf = fp->f_data;
	struct madetext *mt =
	    atomic_load_explicit(&tf->tf_made, memory_order_acquire);
	int error;

	if (*offp == 0 || mt == NULL) {
		error = made_make(tf->tf_ops, l, fp->f_vnode, &mt);
		if (error != 0)
			return error;
		/* Release: others read what it says. */
		madetext_retire(atomic_exchange_explicit(
		    &tf->tf_made, mt, memory_order_acq_rel));
	}
	return made_read(mt, offp, u);
}

static int
textops_store(const struct textops *to, struct lwp *l, struct vnode *vp,
    off_t *offp, struct uio *u)
{
	size_t len = u->uio_resid;
	char *buf;
	int error;

	if (to->to_store == NULL)
		return EINVAL;
	if (len > KPAGE_SIZE)
		len = KPAGE_SIZE;
	if ((buf = kmem_alloc(KPAGE_SIZE)) == NULL)
		return ENOMEM;
	if ((error = uiomove(buf, len, u)) == 0)
		error = to->to_store(l, vp, buf, len);
	if (error == 0)
		*offp += (off_t)len;
	else
		u->uio_resid += len;
	kmem_free(buf, KPAGE_SIZE);
	return error;
}

static int
textfile_write(struct lwp *l, struct file *fp, off_t *offp, struct uio *u)
{
	struct textfile *tf = fp->f_data;

	return textops_store(tf->tf_ops, l, fp->f_vnode, offp, u);
}

/* Nobody knows where it will end. */
static int
textfile_seek(
    struct lwp *l, struct file *fp, off_t off, int whence, off_t *offp)
{
	(void)l;
	if (whence == SEEK_CUR) {
		if (__builtin_add_overflow(fp->f_offset, off, &off))
			return EINVAL;
	} else if (whence != SEEK_SET)
		return EINVAL;
	if (off < 0)
		return EINVAL;
	*offp = fp->f_offset = off;
	return 0;
}

static void
textfile_close(struct file *fp)
{
	struct textfile *tf = fp->f_data;

	madetext_retire(
	    atomic_load_explicit(&tf->tf_made, memory_order_relaxed));
	kmem_free(tf, sizeof(*tf));
	vnode_fo_close(fp);
}

static const struct fileops textfile_fileops = {
    .fo_read = textfile_read,
    .fo_write = textfile_write,
    .fo_stat = vnode_fo_stat,
    .fo_seek = textfile_seek,
    .fo_close = textfile_close,
};

int
textfile_open(const struct textops *ops, struct file *fp)
{
	struct textfile *tf = kmem_alloc(sizeof(*tf));

	if (tf == NULL)
		return ENOMEM;
	tf->tf_ops = ops;
	atomic_init(&tf->tf_made, NULL);
	fp->f_data = tf;
	/* Making the text takes locks: it is not done with a pipe's held. */
	fp->f_type = DTYPE_DEVICE;
	fp->f_ops = &textfile_fileops;
	return 0;
}

int
textfile_vread(
    const struct textops *to, struct vnode *vp, off_t *offp, struct uio *u)
{
	struct madetext *mt;
	int error;

	if ((error = made_make(to, curlwp(), vp, &mt)) != 0)
		return error;
	error = made_read(mt, offp, u);
	kmem_free(mt, mt->mt_size);
	return error;
}

int
textfile_vwrite(
    const struct textops *to, struct vnode *vp, off_t *offp, struct uio *u)
{
	return textops_store(to, curlwp(), vp, offp, u);
}

/* O_TRUNC has nothing to cut. */
int
textfile_truncate(
    struct vnode *vp, off_t length, const struct vwrite *vw, bool always)
{
	(void)vp, (void)length, (void)vw, (void)always;
	return 0;
}
