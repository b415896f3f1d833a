/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What components register: devices and nodes of sysctl.
 *
 * Life of a device: it is in the list of devices (dev.c) and in every /dev.
 * Who opens it counts cv_opens and then looks at cv_gone, in a section; who
 * takes it back sets cv_gone, waits for all sections to end, and then looks
 * at cv_opens.  So either the open fails or the device stays.
 */
#include "kern/entry.h"
#include "kern/sysctl.h"
#include "vfs/module.h"
#include "vfs/vfs_impl.h"

#define COMPONENT_MAJOR	 240 /* of those that Linux leaves for local use */
#define COMPONENT_MINORS 256

struct compdev {
	struct cdev cv_cdev;
	const struct rump_device *cv_rd;
	_Atomic uint32_t cv_opens; /* seq_cst, as cv_gone */
	_Atomic bool cv_gone;
	struct compdev *cv_next; /* of the same component */
};

/* What is open. */
struct compfile {
	struct compdev *cf_dev;
	void *cf_cookie;
};

/*
 * Devices: what open ones do
 */

static struct compfile *
fp_to_compfile(const struct file *fp)
{
	return fp->f_data;
}

static int
compdev_read(struct lwp *l, struct file *fp, off_t *offp, struct uio *uio)
{
	struct compfile *cf = fp_to_compfile(fp);
	const struct rump_device *rd = cf->cf_dev->cv_rd;

	(void)l;
	return rd->rd_read != NULL
		   ? rd->rd_read(rd->rd_arg, cf->cf_cookie, uio, offp)
		   : EINVAL;
}

static int
compdev_write(struct lwp *l, struct file *fp, off_t *offp, struct uio *uio)
{
	struct compfile *cf = fp_to_compfile(fp);
	const struct rump_device *rd = cf->cf_dev->cv_rd;

	(void)l;
	return rd->rd_write != NULL
		   ? rd->rd_write(rd->rd_arg, cf->cf_cookie, uio, offp)
		   : EINVAL;
}

static int
compdev_ioctl(
    struct lwp *l, struct file *fp, unsigned long cmd, void *data, int *retval)
{
	struct compfile *cf = fp_to_compfile(fp);
	const struct rump_device *rd = cf->cf_dev->cv_rd;

	(void)l, (void)retval;
	return rd->rd_ioctl != NULL
		   ? rd->rd_ioctl(rd->rd_arg, cf->cf_cookie, cmd, data)
		   : ENOTTY;
}

/* A device has no end to seek from. */
static int
compdev_seek(struct lwp *l, struct file *fp, off_t off, int whence, off_t *offp)
{
	(void)l;
	if (whence == SEEK_CUR) {
		if (__builtin_add_overflow(fp->f_offset, off, &off))
			return EOVERFLOW;
	} else if (whence != SEEK_SET)
		return EINVAL;
	if (off < 0)
		return EINVAL;
	*offp = fp->f_offset = off;
	return 0;
}

static void
compdev_drop(struct compdev *cv)
{
	atomic_fetch_sub_explicit(&cv->cv_opens, 1, memory_order_seq_cst);
}

static void
compdev_close(struct file *fp)
{
	struct compfile *cf = fp_to_compfile(fp);
	const struct rump_device *rd = cf->cf_dev->cv_rd;

	if (rd->rd_close != NULL)
		rd->rd_close(rd->rd_arg, cf->cf_cookie);
	compdev_drop(cf->cf_dev);
	kmem_free(cf, sizeof(*cf));
	vnode_fo_close(fp);
}

static const struct fileops compdev_fileops = {
    .fo_read = compdev_read,
    .fo_write = compdev_write,
    .fo_stat = vnode_fo_stat,
    .fo_seek = compdev_seek,
    .fo_ioctl = compdev_ioctl,
    .fo_close = compdev_close,
};

static int
compdev_open(struct lwp *l, struct vnode *vp, int flags, struct file *fp,
    struct file **fpp)
{
	const struct rump_device *rd;
	const struct cdev *cd;
	struct compfile *cf;
	struct compdev *cv;
	dev_t dev;
	int error;

	(void)l, (void)fpp;
	if ((error = dev_find(vp, &cd, &dev)) != 0)
		return error;
	cv = container_of(cd, struct compdev, cv_cdev);
	rd = cv->cv_rd;
	if ((cf = kmem_alloc(sizeof(*cf))) == NULL)
		return ENOMEM;
	*cf = (struct compfile){.cf_dev = cv};
	atomic_fetch_add_explicit(&cv->cv_opens, 1, memory_order_seq_cst);
	if (atomic_load_explicit(&cv->cv_gone, memory_order_seq_cst))
		error = ENXIO;
	else if (rd->rd_open != NULL)
		error = rd->rd_open(rd->rd_arg, flags, &cf->cf_cookie);
	if (error != 0) {
		compdev_drop(cv);
		kmem_free(cf, sizeof(*cf));
		return error;
	}
	fp->f_data = cf;
	fp->f_ops = &compdev_fileops;
	return 0;
}

/*
 * Devices: there and gone
 */

static int
number_taken(const struct cdev *cd, void *arg)
{
	return cd->cd_dev == *(const dev_t *)arg ? EEXIST : 0;
}

static int
name_taken(const struct cdev *cd, void *arg)
{
	return cd->cd_name != NULL && strcmp(cd->cd_name, arg) == 0 ? EEXIST
								    : 0;
}

static int
number_alloc(dev_t *devp)
{
	unsigned minor;

	for (minor = 0; minor < COMPONENT_MINORS; minor++) {
		*devp = DEV_NUMBER(COMPONENT_MAJOR, minor);
		if (dev_foreach(number_taken, devp) == 0)
			return 0;
	}
	return ENOSPC;
}

/* "name" or "dir/name", of parts that a directory can have. */
static bool
devname_ok(const char *name)
{
	size_t len;

	for (;; name += len + 1) {
		len = strcspn(name, "/");
		if (len == 0 || len > NAME_MAX ||
		    (name[0] == '.' &&
			(len == 1 || (len == 2 && name[1] == '.'))))
			return false;
		if (name[len] == '\0')
			return true;
	}
}

static int
compdev_check(const struct rump_device *rd)
{
	mode_t type = rd->rd_mode & S_IFMT;

	if (rd->rd_name == NULL || !devname_ok(rd->rd_name) ||
	    (type != S_IFCHR && type != S_IFBLK) ||
	    (rd->rd_mode & ~(S_IFMT | 0777u)) != 0)
		return EINVAL;
	return dev_foreach(name_taken, (void *)(uintptr_t)rd->rd_name);
}

static int
device_register(struct rump_module *m, const struct rump_device *rd)
{
	struct compdev *cv;
	dev_t dev;
	int error;

	if ((error = compdev_check(rd)) != 0 ||
	    (error = number_alloc(&dev)) != 0)
		return error;
	if ((cv = kmem_zalloc(sizeof(*cv))) == NULL)
		return ENOMEM;
	cv->cv_rd = rd;
	atomic_init(&cv->cv_gone, true); /* until compdev_revive */
	cv->cv_cdev = (struct cdev){
	    .cd_name = rd->rd_name,
	    .cd_mode = rd->rd_mode,
	    .cd_dev = dev,
	    .cd_open = compdev_open,
	};
	if ((error = dev_add(&cv->cv_cdev)) != 0) {
		dev_remove(&cv->cv_cdev);
		smr_synchronize();
		kmem_free(cv, sizeof(*cv));
		return error;
	}
	cv->cv_next = m->m_devs;
	m->m_devs = cv;
	m->m_ndevs++;
	return 0;
}

RUMP_EXPORT int
rump_component_device(struct rump_module *m, const struct rump_device *rd)
{
	int error;

	if (!m->m_init)
		return EPERM;
	if (syscall_enter() == NULL)
		return syscall_refusal();
	error = device_register(m, rd);
	syscall_exit();
	return error;
}

void
compdev_revive(struct rump_module *m)
{
	struct compdev *cv;

	for (cv = m->m_devs; cv != NULL; cv = cv->cv_next)
		atomic_store_explicit(
		    &cv->cv_gone, false, memory_order_seq_cst);
}

int
compdev_quiesce(struct rump_module *m)
{
	struct compdev *cv;
	bool open = false;

	if (m->m_devs == NULL)
		return 0;
	for (cv = m->m_devs; cv != NULL; cv = cv->cv_next)
		atomic_store_explicit(&cv->cv_gone, true, memory_order_seq_cst);
	smr_synchronize();
	for (cv = m->m_devs; cv != NULL; cv = cv->cv_next)
		open |= atomic_load_explicit(
			    &cv->cv_opens, memory_order_seq_cst) != 0;
	if (!open)
		return 0;
	compdev_revive(m);
	return EBUSY;
}

int
compdev_unregister(struct rump_module *m)
{
	struct compdev *cv;

	if (m->m_devs == NULL)
		return 0;
	for (cv = m->m_devs; cv != NULL; cv = cv->cv_next)
		dev_remove(&cv->cv_cdev);
	smr_synchronize();
	while ((cv = m->m_devs) != NULL) {
		m->m_devs = cv->cv_next;
		kmem_free(cv, sizeof(*cv));
	}
	m->m_ndevs = 0;
	return 0;
}

/*
 * Nodes of sysctl
 */

struct compnodes {
	struct compnodes *cn_next; /* of the same component */
	size_t cn_count;
	struct sysctl_node cn_nodes[];
};

static struct kmutex strings_lock; /* strings of all components */

static const struct rump_sysctl *
node_source(const struct sysctl_node *sn)
{
	return sn->sn_arg;
}

static int64_t
node_number(const struct sysctl_node *sn)
{
	void *data = node_source(sn)->rs_data;

	switch (sn->sn_flags & RUMP_CTLTYPE_MASK) {
	case RUMP_CTLTYPE_BOOL:
		return __atomic_load_n((uint8_t *)data, __ATOMIC_RELAXED) != 0;
	case RUMP_CTLTYPE_INT:
		return __atomic_load_n((int32_t *)data, __ATOMIC_RELAXED);
	default:
		return __atomic_load_n((int64_t *)data, __ATOMIC_RELAXED);
	}
}

static int
node_setnumber(const struct sysctl_node *sn, int64_t v)
{
	void *data = node_source(sn)->rs_data;

	switch (sn->sn_flags & RUMP_CTLTYPE_MASK) {
	case RUMP_CTLTYPE_BOOL:
		__atomic_store_n(
		    (uint8_t *)data, (uint8_t)(v != 0), __ATOMIC_RELAXED);
		break;
	case RUMP_CTLTYPE_INT:
		__atomic_store_n((int32_t *)data, (int32_t)v, __ATOMIC_RELAXED);
		break;
	default:
		__atomic_store_n((int64_t *)data, v, __ATOMIC_RELAXED);
		break;
	}
	return 0;
}

static void
node_string(const struct sysctl_node *sn, char buf[SYSCTL_STRSIZE])
{
	const struct rump_sysctl *rs = node_source(sn);

	mutex_enter(&strings_lock);
	memcpy(buf, rs->rs_data, rs->rs_size);
	mutex_exit(&strings_lock);
	buf[rs->rs_size - 1] = '\0';
}

static int
node_setstring(const struct sysctl_node *sn, const char *s, size_t len)
{
	const struct rump_sysctl *rs = node_source(sn);

	if (len >= rs->rs_size)
		return EINVAL;
	mutex_enter(&strings_lock);
	memset(rs->rs_data, 0, rs->rs_size);
	memcpy(rs->rs_data, s, len);
	mutex_exit(&strings_lock);
	return 0;
}

static bool
node_ok(const struct rump_sysctl *rs)
{
	uint32_t type = rs->rs_flags & RUMP_CTLTYPE_MASK;
	const struct rump_sysctlnode *sn = NULL;

	if ((rs->rs_flags &
		~(uint32_t)(RUMP_CTLTYPE_MASK | RUMP_CTLFLAG_READWRITE)) != 0 ||
	    rs->rs_parent == NULL || rs->rs_name == NULL ||
	    rs->rs_desc == NULL || rs->rs_name[0] == '\0' ||
	    strchr(rs->rs_name, '.') != NULL ||
	    strlen(rs->rs_name) >= sizeof(sn->sysctl_name) ||
	    strlen(rs->rs_desc) >= sizeof(sn->sysctl_desc))
		return false;
	switch (type) {
	case RUMP_CTLTYPE_NODE:
		return rs->rs_data == NULL && rs->rs_flags == type;
	case RUMP_CTLTYPE_STRING:
		return rs->rs_data != NULL && rs->rs_size > 0 &&
		       rs->rs_size <= SYSCTL_STRSIZE;
	case RUMP_CTLTYPE_INT:
	case RUMP_CTLTYPE_QUAD:
	case RUMP_CTLTYPE_BOOL:
		return rs->rs_data != NULL;
	default:
		return false;
	}
}

static void
node_fill(struct sysctl_node *sn, const struct rump_sysctl *rs)
{
	*sn = (struct sysctl_node){
	    .sn_parent = rs->rs_parent,
	    .sn_num = SYSCTL_ANY,
	    .sn_name = rs->rs_name,
	    .sn_flags = rs->rs_flags,
	    .sn_desc = rs->rs_desc,
	    .sn_arg = (void *)(uintptr_t)rs,
	    .sn_number = node_number,
	    .sn_string = node_string,
	    .sn_setnumber = node_setnumber,
	    .sn_setstring = node_setstring,
	};
}

static size_t
compnodes_size(size_t n)
{
	return sizeof(struct compnodes) + n * sizeof(struct sysctl_node);
}

static int
nodes_register(struct rump_module *m, const struct rump_sysctl *rs, size_t n)
{
	struct compnodes *cn;
	size_t i;
	int error;

	for (i = 0; i < n; i++)
		if (!node_ok(&rs[i]))
			return EINVAL;
	if (n == 0 || n > UINT16_MAX)
		return EINVAL;
	if ((cn = kmem_alloc(compnodes_size(n))) == NULL)
		return ENOMEM;
	cn->cn_count = n;
	for (i = 0; i < n; i++)
		node_fill(&cn->cn_nodes[i], &rs[i]);
	if ((error = sysctl_register(cn->cn_nodes, n)) != 0) {
		kmem_free(cn, compnodes_size(n));
		return error;
	}
	cn->cn_next = m->m_nodes;
	m->m_nodes = cn;
	m->m_nnodes += (uint32_t)n;
	return 0;
}

RUMP_EXPORT int
rump_component_sysctl(
    struct rump_module *m, const struct rump_sysctl *rs, size_t n)
{
	int error;

	if (!m->m_init)
		return EPERM;
	if (syscall_enter() == NULL)
		return syscall_refusal();
	error = nodes_register(m, rs, n);
	syscall_exit();
	return error;
}

/* Those that came last, first: others may be in the ones before. */
int
compnodes_unregister(struct rump_module *m)
{
	struct compnodes *cn;
	int error;

	while ((cn = m->m_nodes) != NULL) {
		error = sysctl_unregister(cn->cn_nodes, cn->cn_count);
		if (error != 0)
			return error;
		m->m_nodes = cn->cn_next;
		m->m_nnodes -= (uint32_t)cn->cn_count;
		kmem_free(cn, compnodes_size(cn->cn_count));
	}
	return 0;
}

/*
 * Copying
 */

RUMP_EXPORT int
rump_component_move(void *buf, size_t len, struct uio *uio)
{
	return uiomove(buf, len < uio->uio_resid ? len : uio->uio_resid, uio);
}

RUMP_EXPORT size_t
rump_component_resid(const struct uio *uio)
{
	return uio->uio_resid;
}

RUMP_EXPORT int
rump_component_copyin(const void *from, void *buf, size_t len)
{
	return copyin(from, buf, len);
}

RUMP_EXPORT int
rump_component_copyout(const void *buf, void *to, size_t len)
{
	return copyout(buf, to, len);
}
