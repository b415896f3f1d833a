/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kernfs: /kern of the BSDs, a directory of files that say something about the
 * kernel.  They are part of the super and there as long as it.
 */
#include "kern/boot.h"
#include "vfs/textfile.h"

#define ROOT_INO 1
#define HZ	 100

struct kernfs_entry {
	const char *ke_name;
	uint32_t ke_mode;
	void (*ke_text)(struct text *);
	int (*ke_store)(const char *buf, size_t len);
};

static void
kernfs_boottime(struct text *t)
{
	struct timespec ts;

	kern_boottime(&ts);
	text_printf(t, "%lld\n", (long long)ts.tv_sec);
}

static void
kernfs_copyright(struct text *t)
{
	text_printf(t, "librump, BSD-2-Clause\n");
}

static void
kernfs_hostname(struct text *t)
{
	char name[HOSTNAME_SIZE];

	kern_gethostname(name);
	text_printf(t, "%s\n", name);
}

/* A newline at the end is not part of the name. */
static int
kernfs_sethostname(const char *buf, size_t len)
{
	if (len > 0 && buf[len - 1] == '\n')
		len--;
	return kern_sethostname(buf, len);
}

static void
kernfs_hz(struct text *t)
{
	text_printf(t, "%d\n", HZ);
}

/* Nothing counts from time to time: there is no load to speak of. */
static void
kernfs_loadavg(struct text *t)
{
	text_printf(t, "0 0 0 2048\n");
}

static void
kernfs_pagesize(struct text *t)
{
	text_printf(t, "%u\n", KPAGE_SIZE);
}

/* In pages. */
static void
kernfs_physmem(struct text *t)
{
	struct kmem_stats ks;

	kmem_stats(&ks);
	text_printf(
	    t, "%llu\n", (unsigned long long)(ks.ks_limit / KPAGE_SIZE));
}

static void
kernfs_time(struct text *t)
{
	struct timespec ts;

	kern_realtime(&ts);
	text_printf(t, "%lld %lld\n", (long long)ts.tv_sec,
	    (long long)ts.tv_nsec / 1000);
}

static void
kernfs_version(struct text *t)
{
	char release[32];

	kern_release(release, sizeof(release));
	text_printf(t, "librump %s\n", release);
}

static const struct kernfs_entry entries[] = {
    {"boottime", 0444, kernfs_boottime, NULL},
    {"copyright", 0444, kernfs_copyright, NULL},
    {"hostname", 0644, kernfs_hostname, kernfs_sethostname},
    {"hz", 0444, kernfs_hz, NULL},
    {"loadavg", 0444, kernfs_loadavg, NULL},
    {"pagesize", 0444, kernfs_pagesize, NULL},
    {"physmem", 0444, kernfs_physmem, NULL},
    {"time", 0444, kernfs_time, NULL},
    {"version", 0444, kernfs_version, NULL},
};

struct kernfs {
	struct super kf_super;
	struct smr_item kf_smr;
	struct vnode kf_root;
	struct vnode kf_file[nitems(entries)]; /* of each entry */
};

static struct kernfs *
vp_to_kernfs(struct vnode *vp)
{
	return container_of(vp->v_super, struct kernfs, kf_super);
}

static size_t
vp_to_index(struct vnode *vp)
{
	return (size_t)(vp - vp_to_kernfs(vp)->kf_file);
}

static int
kernfs_lookup(struct vnode *dvp, const struct cname *cn, struct vnode **vpp)
{
	size_t i;

	for (i = 0; i < nitems(entries); i++)
		if (strlen(entries[i].ke_name) == cn->cn_len &&
		    memcmp(entries[i].ke_name, cn->cn_name, cn->cn_len) == 0) {
			*vpp = &vp_to_kernfs(dvp)->kf_file[i];
			return 0;
		}
	return ENOENT;
}

static struct vnode *
kernfs_parent(struct vnode *dvp)
{
	return dvp;
}

static int
kernfs_aname(
    struct vnode *vp, struct vnode **dvpp, const char **namep, size_t *lenp)
{
	*dvpp = &vp_to_kernfs(vp)->kf_root;
	*namep = entries[vp_to_index(vp)].ke_name;
	*lenp = strlen(*namep);
	return 0;
}

static int
kernfs_readdir(struct vnode *dvp, off_t *pos, readdir_fn fn, void *arg)
{
	struct direntry de = {.de_mode = S_IFREG};

	(void)dvp;
	for (; *pos - 2 < (off_t)nitems(entries); ++*pos) {
		de.de_name = entries[*pos - 2].ke_name;
		de.de_namelen = (uint32_t)strlen(de.de_name);
		de.de_ino = (uint64_t)*pos - 2 + ROOT_INO + 1;
		de.de_next = *pos + 1;
		if (!fn(arg, &de))
			break;
	}
	return 0;
}

static int
kernfs_getattr(struct vnode *vp, struct stat *sb)
{
	sb->st_mode = vnode_mode(vp);
	sb->st_ino = ROOT_INO;
	sb->st_nlink = 2;
	if (S_ISREG(sb->st_mode)) {
		sb->st_ino += vp_to_index(vp) + 1;
		sb->st_nlink = 1;
	}
	kern_boottime(&sb->st_ctim);
	sb->st_atim = sb->st_mtim = sb->st_ctim;
	return 0;
}

static int
kernfs_make(struct lwp *l, struct vnode *vp, struct text *t)
{
	(void)l;
	entries[vp_to_index(vp)].ke_text(t);
	return 0;
}

static int
kernfs_store(struct lwp *l, struct vnode *vp, const char *buf, size_t len)
{
	const struct kernfs_entry *ke = &entries[vp_to_index(vp)];

	(void)l;
	return ke->ke_store != NULL ? ke->ke_store(buf, len) : EINVAL;
}

static const struct textops kernfs_textops = {
    .to_make = kernfs_make,
    .to_store = kernfs_store,
};

static int
kernfs_open(struct lwp *l, struct vnode *vp, int flags, struct file *fp,
    struct file **fpp)
{
	(void)l, (void)vp, (void)flags, (void)fpp;
	return textfile_open(&kernfs_textops, fp);
}

static int
kernfs_read(struct vnode *vp, off_t *offp, struct uio *u)
{
	return textfile_vread(&kernfs_textops, vp, offp, u);
}

static int
kernfs_write(
    struct vnode *vp, off_t *offp, struct uio *u, const struct vwrite *vw)
{
	(void)vw;
	return textfile_vwrite(&kernfs_textops, vp, offp, u);
}

static void
kernfs_smrfree(struct smr_item *si)
{
	kmem_free(
	    container_of(si, struct kernfs, kf_smr), sizeof(struct kernfs));
}

/* A file goes with the rest. */
static struct vnode *
kernfs_reclaim(struct vnode *vp)
{
	return &vp_to_kernfs(vp)->kf_root;
}

static struct vnode *
kernfs_rootreclaim(struct vnode *vp)
{
	smr_retire(&vp_to_kernfs(vp)->kf_smr, kernfs_smrfree);
	return NULL;
}

static const struct vnodeops kernfs_dirops = {
    .vop_lookup = kernfs_lookup,
    .vop_parent = kernfs_parent,
    .vop_readdir = kernfs_readdir,
    .vop_getattr = kernfs_getattr,
    .vop_reclaim = kernfs_rootreclaim,
};

static const struct vnodeops kernfs_fileops = {
    .vop_aname = kernfs_aname,
    .vop_open = kernfs_open,
    .vop_read = kernfs_read,
    .vop_write = kernfs_write,
    .vop_truncate = textfile_truncate,
    .vop_getattr = kernfs_getattr,
    .vop_reclaim = kernfs_reclaim,
};

extern const struct vfsops kernfs_vfsops;

static int
kernfs_mount(struct mountargs *ma, struct super **sbp)
{
	struct vattr va = {.va_mode = S_IFDIR | 0555};
	struct kernfs *kf;
	size_t i;

	if (ma->ma_data[0] != '\0')
		return EINVAL;
	if ((kf = kmem_zalloc(sizeof(*kf))) == NULL)
		return ENOMEM;
	kf->kf_super.sb_ops = &kernfs_vfsops;
	kf->kf_super.sb_dev = ma->ma_dev;
	kf->kf_super.sb_rename = &kf->kf_super.sb_mutex;
	kf->kf_super.sb_root = &kf->kf_root;
	vnode_init(&kf->kf_root, &kernfs_dirops, &kf->kf_super, &va);
	for (i = 0; i < nitems(entries); i++) {
		va.va_mode = S_IFREG | entries[i].ke_mode;
		vnode_init(
		    &kf->kf_file[i], &kernfs_fileops, &kf->kf_super, &va);
		/* Until the file is taken apart. */
		vnode_hold(&kf->kf_root);
	}
	*sbp = &kf->kf_super;
	return 0;
}

static void
kernfs_unmount(struct super *sb)
{
	struct kernfs *kf = container_of(sb, struct kernfs, kf_super);
	size_t i;

	for (i = 0; i < nitems(entries); i++)
		vnode_rele(&kf->kf_file[i]);
	vnode_rele(&kf->kf_root);
}

const struct vfsops kernfs_vfsops = {
    .vfs_name = "kernfs",
    .vfs_mount = kernfs_mount,
    .vfs_unmount = kernfs_unmount,
};
