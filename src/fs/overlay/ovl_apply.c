/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * <rump/rump_overlay.h>: what has been changed is done to a directory of the
 * host as well.
 *
 * A file is made under a name of its own and then renamed, so that each is
 * there as it was or as it is to be.  Directories get owner, permissions and
 * times last, from below, when nothing is to be done in them any more.
 */
#include <fcntl.h>
#include <unistd.h>

#include "fs/overlay/ovl_diff.h"

#include "hyper/hostfile.h"
#include "kern/entry.h"

#define APPLY_TEMP  ".rump-overlay"
#define APPLY_BYTES (16 * KPAGE_SIZE)
#define APPLY_LINKS 256u

struct apply {
	/* The first names of files that have several. */
	struct change *ap_links[APPLY_LINKS];
	int ap_top;	     /* the host's directory */
	int ap_dir;	     /* the one that the change is in */
	const char *ap_name; /* there */
	struct vnode *ap_vp; /* what is to be there */
	struct stat ap_stat; /* of it */
};

static int remove_entries(int dir);

/* Remove what is there, if anything is. */
static int
host_remove(int dir, const char *name)
{
	int fd, error = hyper_file_unlink(dir, name, false);

	if (error != EISDIR && error != EPERM)
		return error == ENOENT ? 0 : error;
	if ((error = hyper_file_unlink(dir, name, true)) != ENOTEMPTY)
		return error;
	error = hyper_file_open(dir, name, O_RDONLY | O_DIRECTORY, 0, &fd);
	if (error != 0)
		return error;
	error = remove_entries(fd);
	hyper_file_close(fd);
	return error != 0 ? error : hyper_file_unlink(dir, name, true);
}

static int
remove_entries(int dir)
{
	union {
		char bytes[1024];
		struct dirent64 align;
	} buf;
	const struct dirent64 *d;
	size_t len, at, n;
	int error;

	/* From the front again and again, until there is none. */
	do {
		error = hyper_file_readdir(
		    dir, 0, buf.bytes, sizeof(buf.bytes), &len);
		for (at = n = 0; at < len && error == 0; at += d->d_reclen) {
			d = (void *)(buf.bytes + at);
			if (strcmp(d->d_name, ".") == 0 ||
			    strcmp(d->d_name, "..") == 0)
				continue;
			n++;
			error = host_remove(dir, d->d_name);
		}
	} while (error == 0 && n > 0);
	return error;
}

/* Who is not root cannot give files away; then they are the caller's. */
static int
host_setattr(const struct apply *ap, const char *name)
{
	const struct stat *sb = &ap->ap_stat;
	struct timespec ts[2] = {sb->st_atim, sb->st_mtim};
	int fd, error;

	error = hyper_file_open(ap->ap_dir, name, O_PATH, 0, &fd);
	if (error != 0)
		return error;
	error = hyper_file_chown(fd, sb->st_uid, sb->st_gid);
	if (error == EPERM)
		error = 0;
	if (error == 0 && !S_ISLNK(sb->st_mode))
		error = hyper_file_chmod(fd, sb->st_mode & 07777);
	if (error == 0)
		error = hyper_file_utimens(fd, ts);
	hyper_file_close(fd);
	return error;
}

static int
copy_out(struct vnode *vp, int fd, char *buf)
{
	struct iovec iov;
	struct uio u;
	off_t off = 0, at;
	size_t n, done;
	int error;

	do {
		at = off;
		uio_init1(&u, &iov, buf, APPLY_BYTES, UIO_READ);
		error = vp->v_ops->vop_read(vp, &at, &u);
		n = APPLY_BYTES - u.uio_resid;
		for (at = 0; error == 0 && (size_t)at < n; at += (off_t)done)
			error = hyper_file_pwrite(
			    fd, buf + at, n - (size_t)at, off + at, &done);
		off += (off_t)n;
	} while (error == 0 && n > 0);
	return error;
}

static int
make_file(const struct apply *ap)
{
	char *buf = kmem_alloc(APPLY_BYTES);
	int fd, error;

	if (buf == NULL)
		return ENOMEM;
	error = hyper_file_open(
	    ap->ap_dir, APPLY_TEMP, O_WRONLY | O_CREAT | O_EXCL, 0600, &fd);
	if (error == 0) {
		error = copy_out(ap->ap_vp, fd, buf);
		hyper_file_close(fd);
	}
	kmem_free(buf, APPLY_BYTES);
	return error;
}

/* The name by which a file is there already, or NULL: this is the first. */
static const struct change *
first_name(struct apply *ap, struct change *ch)
{
	uint64_t h =
	    (uint64_t)(uintptr_t)ch->ch_node * UINT64_C(0x9e3779b97f4a7c15);
	struct change **chain = &ap->ap_links[(h >> 32) % APPLY_LINKS], *first;

	if (ap->ap_stat.st_nlink < 2)
		return NULL;
	for (first = *chain; first != NULL; first = first->ch_same)
		if (first->ch_node == ch->ch_node)
			return first;
	ch->ch_same = *chain;
	*chain = ch;
	return NULL;
}

static int
make_link(const struct apply *ap, const struct change *first)
{
	int fd, error;

	error = hyper_file_open(
	    ap->ap_top, first->ch_path, O_PATH | O_NOFOLLOW, 0, &fd);
	if (error != 0)
		return error;
	error = hyper_file_link(fd, ap->ap_dir, APPLY_TEMP);
	hyper_file_close(fd);
	return error;
}

/* Make what is no directory under the temporary name. */
static int
make_temp(struct apply *ap, struct change *ch)
{
	const struct change *first = first_name(ap, ch);
	const char *target;
	size_t len;
	int error;

	if (first != NULL)
		return make_link(ap, first);
	switch (ap->ap_stat.st_mode & S_IFMT) {
	case S_IFREG:
		return make_file(ap);
	case S_IFLNK:
		error =
		    ap->ap_vp->v_ops->vop_readlink(ap->ap_vp, &target, &len);
		return error != 0
			   ? error
			   : hyper_file_symlink(target, ap->ap_dir, APPLY_TEMP);
	default:
		return hyper_file_mknod(ap->ap_dir, APPLY_TEMP,
		    ap->ap_stat.st_mode, ap->ap_stat.st_rdev);
	}
}

static int
put_other(struct apply *ap, struct change *ch)
{
	int error;

	if ((error = host_remove(ap->ap_dir, APPLY_TEMP)) != 0)
		return error;
	if ((error = make_temp(ap, ch)) == 0 &&
	    (error = host_setattr(ap, APPLY_TEMP)) == 0) {
		error = hyper_file_rename(
		    ap->ap_dir, APPLY_TEMP, ap->ap_dir, ap->ap_name, 0);
		if (error == EISDIR &&
		    (error = host_remove(ap->ap_dir, ap->ap_name)) == 0)
			error = hyper_file_rename(
			    ap->ap_dir, APPLY_TEMP, ap->ap_dir, ap->ap_name, 0);
	}
	if (error != 0)
		(void)host_remove(ap->ap_dir, APPLY_TEMP);
	return error;
}

static int
put_directory(const struct apply *ap)
{
	struct hyper_stat hs;
	int error = hyper_file_mkdir(ap->ap_dir, ap->ap_name, 0700);

	if (error != EEXIST)
		return error;
	error = hyper_file_stat(ap->ap_dir, ap->ap_name, &hs);
	if (error != 0 || S_ISDIR(hs.hs_stat.st_mode))
		return error;
	if ((error = host_remove(ap->ap_dir, ap->ap_name)) != 0)
		return error;
	return hyper_file_mkdir(ap->ap_dir, ap->ap_name, 0700);
}

static int
apply_make(struct apply *ap, struct change *ch)
{
	int error = 0;

	if (ch->ch_kind == RUMP_OVERLAY_REMOVED ||
	    ch->ch_kind == RUMP_OVERLAY_REPLACED)
		error = host_remove(ap->ap_dir, ap->ap_name);
	if (error != 0 || ch->ch_kind == RUMP_OVERLAY_REMOVED)
		return error;
	return S_ISDIR(ch->ch_type) ? put_directory(ap) : put_other(ap, ch);
}

static int
apply_attributes(struct apply *ap, struct change *ch)
{
	return ch->ch_kind != RUMP_OVERLAY_REMOVED && S_ISDIR(ch->ch_type)
		   ? host_setattr(ap, ap->ap_name)
		   : 0;
}

/* Call fn for one change with its directory open. */
static int
apply_one(struct apply *ap, struct change *ch,
    int (*fn)(struct apply *, struct change *))
{
	char *slash = strrchr(ch->ch_path, '/');
	int error = 0;

	ap->ap_name = slash != NULL ? slash + 1 : ch->ch_path;
	ap->ap_vp = NULL;
	if (ch->ch_node != NULL) {
		ap->ap_vp = &ch->ch_node->on_vnode;
		error = ap->ap_vp->v_ops->vop_getattr(ap->ap_vp, &ap->ap_stat);
	}
	if (slash != NULL)
		*slash = '\0';
	if (error == 0)
		error = hyper_file_open(ap->ap_top,
		    slash != NULL ? ch->ch_path : ".", O_PATH | O_DIRECTORY, 0,
		    &ap->ap_dir);
	if (slash != NULL)
		*slash = '/';
	if (error != 0)
		return error;
	error = fn(ap, ch);
	hyper_file_close(ap->ap_dir);
	return error;
}

static int
apply_all(struct apply *ap, struct diff *df)
{
	struct change *ch, *next, *back = NULL;
	int error = 0;

	for (ch = df->df_first; ch != NULL && error == 0; ch = ch->ch_next)
		if (ch->ch_told)
			error = apply_one(ap, ch, apply_make);
	/* From below. */
	for (ch = df->df_first; ch != NULL; ch = next) {
		next = ch->ch_next;
		ch->ch_next = back;
		back = ch;
	}
	df->df_first = back;
	for (ch = df->df_first; ch != NULL && error == 0; ch = ch->ch_next)
		if (ch->ch_told)
			error = apply_one(ap, ch, apply_attributes);
	return error;
}

RUMP_EXPORT int
rump_pub_overlay_apply(const char *dir, int hostdirfd)
{
	struct diff df = {.df_first = NULL};
	struct apply ap = {.ap_top = hostdirfd};
	struct lwp *l = syscall_enter();
	int error;

	if (l == NULL)
		return syscall_refusal();
	if (hostdirfd < 0)
		error = EBADF;
	else if ((error = ovl_diff_list(l, dir, &df)) == 0)
		error = apply_all(&ap, &df);
	ovl_diff_free(&df);
	syscall_exit();
	return error;
}
