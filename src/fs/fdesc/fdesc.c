/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fdesc: a directory with an entry for each descriptor of who looks.
 *
 * The entries are the same vnodes for everybody; what is behind one is found
 * out when it is used, for the calling lwp.  To open one is to duplicate the
 * descriptor, if that allows what is asked for.  The names stdin, stdout and
 * stderr are links to the first three and are not listed.
 */
#include "vfs/vcache.h"

#define FD_DIGITS 10
#define ROOT_INO  1
#define FIRST_INO 2 /* of descriptor 0 */

struct fdesc_node {
	struct vcnode fn_vcnode; /* key: the descriptor, or a LINK_KEY */
};

struct fdesc_mount {
	struct super fm_super;
	struct vnode fm_root;
	struct smr_item fm_smr;
};

/* The key of stdin; those of the others follow. */
#define LINK_KEY (UINT64_C(1) << 32)

/* Targets, with the bytes behind them that namei wants. */
static const char link_target[3][16] = {"0", "1", "2"};

static const struct vnodeops fdesc_dirops, fdesc_fdops, fdesc_linkops;

static int
vp_to_fd(struct vnode *vp)
{
	return (int)vp_to_vcnode(vp)->vn_key[0];
}

/* The descriptor that a name stands for; a number as it is written. */
static bool
fdesc_number(const struct cname *cn, int *fdp)
{
	int64_t n = 0;
	uint32_t i;

	if (cn->cn_len > FD_DIGITS || (cn->cn_name[0] == '0' && cn->cn_len > 1))
		return false;
	for (i = 0; i < cn->cn_len; i++) {
		if (cn->cn_name[i] < '0' || cn->cn_name[i] > '9')
			return false;
		n = n * 10 + (cn->cn_name[i] - '0');
	}
	*fdp = (int)n;
	return n <= INT_MAX;
}

static int
fdesc_key(const struct cname *cn, uint64_t key[2])
{
	static const char names[3][8] = {"stdin", "stdout", "stderr"};
	unsigned i;
	int fd;

	key[1] = 0;
	for (i = 0; i < nitems(names); i++) {
		key[0] = LINK_KEY + i;
		if (cn->cn_len == strlen(names[i]) &&
		    memcmp(cn->cn_name, names[i], cn->cn_len) == 0)
			return 0;
	}
	if (!fdesc_number(cn, &fd) || fd_next(curlwp(), fd) != fd)
		return ENOENT;
	key[0] = (uint64_t)fd;
	return 0;
}

static int
fdesc_lookup(struct vnode *dvp, const struct cname *cn, struct vnode **vpp)
{
	struct vattr va = {.va_mode = S_IFCHR | 0666};
	const struct vnodeops *ops = &fdesc_fdops;
	struct vcnode *vcn, *other;
	uint64_t key[2];
	int error;

	if ((error = fdesc_key(cn, key)) != 0)
		return error;
	if ((vcn = vcache_find(dvp->v_super, key)) == NULL) {
		if ((vcn = kmem_zalloc(sizeof(struct fdesc_node))) == NULL)
			return ENOMEM;
		if (key[0] >= LINK_KEY) {
			va.va_mode = S_IFLNK | 0777;
			ops = &fdesc_linkops;
		}
		vnode_init(&vcn->vn_vnode, ops, dvp->v_super, &va);
		if ((other = vcache_insert(vcn, key)) != vcn) {
			kmem_free(vcn, sizeof(struct fdesc_node));
			vcn = other;
		}
	}
	*vpp = &vcn->vn_vnode;
	return 0;
}

static struct vnode *
fdesc_parent(struct vnode *dvp)
{
	return dvp;
}

static int
fdesc_readdir(struct vnode *dvp, off_t *pos, readdir_fn fn, void *arg)
{
	struct direntry de = {.de_mode = S_IFCHR};
	char name[FD_DIGITS];
	int fd, n;

	(void)dvp;
	if (*pos - 2 > INT_MAX)
		return 0;
	for (fd = (int)(*pos - 2); (fd = fd_next(curlwp(), fd)) >= 0; fd++) {
		de.de_namelen = 0;
		n = fd;
		do {
			de.de_name = &name[FD_DIGITS - ++de.de_namelen];
			name[FD_DIGITS - de.de_namelen] = (char)('0' + n % 10);
		} while ((n /= 10) > 0);
		de.de_ino = (uint64_t)fd + FIRST_INO;
		de.de_next = fd + 3;
		if (!fn(arg, &de))
			break;
		*pos = de.de_next;
	}
	return 0;
}

static int
fdesc_dirattr(struct vnode *vp, struct stat *sb)
{
	(void)vp;
	kern_realtime(&sb->st_ctim);
	sb->st_atim = sb->st_mtim = sb->st_ctim;
	sb->st_ino = ROOT_INO;
	sb->st_mode = S_IFDIR | 0555;
	sb->st_nlink = 2;
	return 0;
}

/* Those of what the descriptor names. */
static int
fdesc_fdattr(struct vnode *vp, struct stat *sb)
{
	struct lwp *l = curlwp();
	struct file *fp;
	int error;

	if ((error = fd_getref(l, vp_to_fd(vp), &fp)) != 0)
		return ENOENT;
	error = fp->f_ops->fo_stat(l, fp, sb);
	file_rele(fp);
	return error;
}

static int
fdesc_linkattr(struct vnode *vp, struct stat *sb)
{
	uint64_t n = vp_to_vcnode(vp)->vn_key[0] - LINK_KEY;

	kern_realtime(&sb->st_ctim);
	sb->st_atim = sb->st_mtim = sb->st_ctim;
	sb->st_ino = (ino_t)INT_MAX + 1 + FIRST_INO + n;
	sb->st_mode = S_IFLNK | 0777;
	sb->st_nlink = 1;
	sb->st_size = (off_t)strlen(link_target[n]);
	return 0;
}

static int
fdesc_readlink(struct vnode *vp, const char **targetp, size_t *lenp)
{
	*targetp = link_target[vp_to_vcnode(vp)->vn_key[0] - LINK_KEY];
	*lenp = strlen(*targetp);
	return 0;
}

static int
fdesc_open(struct lwp *l, struct vnode *vp, int flags, struct file *fp,
    struct file **fpp)
{
	struct file *old;
	int mode = flags & O_ACCMODE, error;

	(void)fp;
	if ((error = fd_getref(l, vp_to_fd(vp), &old)) != 0)
		return error;
	if ((mode != O_WRONLY && !file_readable(old)) ||
	    (mode != O_RDONLY && !file_writable(old))) {
		file_rele(old);
		return EACCES;
	}
	*fpp = old;
	return 0;
}

static void
fdesc_smrfree(struct smr_item *si)
{
	kmem_free(container_of(si, struct fdesc_node, fn_vcnode.vn_vnode.v_smr),
	    sizeof(struct fdesc_node));
}

static struct vnode *
fdesc_reclaim(struct vnode *vp)
{
	smr_retire(&vp->v_smr, fdesc_smrfree);
	return NULL;
}

static void
fdesc_mountfree(struct smr_item *si)
{
	kmem_free(container_of(si, struct fdesc_mount, fm_smr),
	    sizeof(struct fdesc_mount));
}

/* The root goes with its super, which may be read as long as it. */
static struct vnode *
fdesc_rootreclaim(struct vnode *vp)
{
	struct fdesc_mount *fm = container_of(vp, struct fdesc_mount, fm_root);

	smr_retire(&fm->fm_smr, fdesc_mountfree);
	return NULL;
}

static const struct vnodeops fdesc_dirops = {
    .vop_lookup = fdesc_lookup,
    .vop_parent = fdesc_parent,
    .vop_readdir = fdesc_readdir,
    .vop_getattr = fdesc_dirattr,
    .vop_reclaim = fdesc_rootreclaim,
};

static const struct vnodeops fdesc_fdops = {
    .vop_open = fdesc_open,
    .vop_getattr = fdesc_fdattr,
    .vop_reclaim = fdesc_reclaim,
};

static const struct vnodeops fdesc_linkops = {
    .vop_readlink = fdesc_readlink,
    .vop_getattr = fdesc_linkattr,
    .vop_reclaim = fdesc_reclaim,
};

extern const struct vfsops fdesc_vfsops;

static int
fdesc_mount(struct mountargs *ma, struct super **sbp)
{
	struct vattr va = {.va_mode = S_IFDIR | 0555};
	struct fdesc_mount *fm;

	if (ma->ma_data[0] != '\0')
		return EINVAL;
	if ((fm = kmem_zalloc(sizeof(*fm))) == NULL)
		return ENOMEM;
	fm->fm_super.sb_ops = &fdesc_vfsops;
	fm->fm_super.sb_dev = ma->ma_dev;
	fm->fm_super.sb_rename = &fm->fm_super.sb_mutex;
	vnode_init(&fm->fm_root, &fdesc_dirops, &fm->fm_super, &va);
	fm->fm_super.sb_root = &fm->fm_root;
	*sbp = &fm->fm_super;
	return 0;
}

static void
fdesc_unmount(struct super *sb)
{
	vcache_purge(sb);
	vnode_rele(sb->sb_root);
}

const struct vfsops fdesc_vfsops = {
    .vfs_name = "fdesc",
    .vfs_mount = fdesc_mount,
    .vfs_unmount = fdesc_unmount,
};
