/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Semaphores of POSIX, as NetBSD's kernel has them: an id is a descriptor, and
 * so an open semaphore is inherited, shared and closed with a process as its
 * files are.
 *
 * One that _ksem_init makes has no name and goes with its last descriptor.  A
 * name, from _ksem_open to _ksem_unlink, is a reference of its own.
 *
 * The value is changed without a lock.  Who finds it 0 counts itself in
 * ks_waiters, looks again, and sleeps; who adds to it looks at ks_waiters
 * afterwards: one of the two sees the other.
 *
 * Locks: ksem_lock covers the names and references; ks_lock, under no other,
 * those who sleep.
 */
#include <sys/queue.h>

#include "ipc/ipc.h"
#include "sysproto.h"

#define KSEM_BUCKETS 64
/* Names that there can be: they stay when their processes go. */
#define KSEM_NAMES 4096

/* Letters: (s) stable; (a) atomic; (n) ksem_lock; (l) ks_lock. */
struct ksem {
	_Atomic uint32_t ks_value;   /* (a) */
	_Atomic uint32_t ks_waiters; /* (a) who found it 0 */
	struct kmutex ks_lock;
	struct kcondvar ks_cv;	  /* (l) */
	uid_t ks_uid;		  /* (s) */
	gid_t ks_gid;		  /* (s) */
	mode_t ks_mode;		  /* (s) */
	uint32_t ks_refs;	  /* (n) open files, and a name */
	LIST_ENTRY(ksem) ks_link; /* (n) */
	size_t ks_namesize;	  /* (s) 0: none */
	char ks_name[];		  /* (s) */
};

static struct kmutex ksem_lock;
static LIST_HEAD(, ksem) ksem_names[KSEM_BUCKETS];
static uint32_t ksem_nnames;

static const struct fileops ksem_fileops;

/*
 * Objects
 */

static struct ksem *
ksem_alloc(struct lwp *l, const char *name, mode_t mode, uint32_t value)
{
	const struct cred *cr = proc_cred(l->l_proc);
	size_t size = name == NULL ? 0 : strlen(name) + 1;
	struct ksem *ks = kmem_zalloc(sizeof(*ks) + size);

	if (ks == NULL)
		return NULL;
	atomic_init(&ks->ks_value, value);
	ks->ks_uid = cr->cr_fsuid;
	ks->ks_gid = cr->cr_fsgid;
	ks->ks_mode = mode;
	ks->ks_refs = 1;
	ks->ks_namesize = size;
	if (name != NULL)
		memcpy(ks->ks_name, name, size);
	return ks;
}

static void
ksem_free(struct ksem *ks)
{
	kmem_free(ks, sizeof(*ks) + ks->ks_namesize);
}

static void
ksem_rele(struct ksem *ks)
{
	bool last;

	mutex_enter(&ksem_lock);
	last = --ks->ks_refs == 0;
	mutex_exit(&ksem_lock);
	if (last)
		ksem_free(ks);
}

static uint32_t
name_bucket(const char *name)
{
	uint32_t h = 0;

	while (*name != '\0')
		h = h * 31 + (uint8_t)*name++;
	return h % KSEM_BUCKETS;
}

static struct ksem *
ksem_find(const char *name)
{
	struct ksem *ks;

	KASSERT(mutex_owned(&ksem_lock));
	LIST_FOREACH (ks, &ksem_names[name_bucket(name)], ks_link)
		if (strcmp(ks->ks_name, name) == 0)
			break;
	return ks;
}

static int
ksem_copyinname(const char *uname, char *name)
{
	int error = ipc_copyinname(uname, name);

	return error == ENOENT || error == EACCES ? EINVAL : error;
}

static int
ksem_access(struct lwp *l, const struct ksem *ks)
{
	return ipc_allows(proc_cred(l->l_proc), ks->ks_uid, ks->ks_gid,
		   ks->ks_mode, S_IWOTH)
		   ? 0
		   : EACCES;
}

/*
 * The value
 */

static bool
ksem_take(struct ksem *ks)
{
	/* seq_cst pairs with ksem_add: see above. */
	uint32_t n = atomic_load_explicit(&ks->ks_value, memory_order_seq_cst);

	do {
		if (n == 0)
			return false;
		/* Acquire pairs with the release of who added. */
	} while (!atomic_compare_exchange_weak_explicit(&ks->ks_value, &n,
	    n - 1, memory_order_acquire, memory_order_relaxed));
	return true;
}

static int
ksem_add(struct ksem *ks)
{
	uint32_t n = atomic_load_explicit(&ks->ks_value, memory_order_relaxed);
	struct lwp *l;

	do {
		if (n >= SEM_VALUE_MAX)
			return EOVERFLOW;
	} while (!atomic_compare_exchange_weak_explicit(&ks->ks_value, &n,
	    n + 1, memory_order_seq_cst, memory_order_relaxed));
	if (likely(atomic_load_explicit(
		       &ks->ks_waiters, memory_order_seq_cst) == 0))
		return 0;
	mutex_enter(&ks->ks_lock);
	l = cv_take(&ks->ks_cv);
	mutex_exit(&ks->ks_lock);
	if (l != NULL)
		cv_wake(l);
	return 0;
}

static int
ksem_sleep(struct ksem *ks, int64_t when)
{
	int error = 0;

	mutex_enter(&ks->ks_lock);
	atomic_fetch_add_explicit(&ks->ks_waiters, 1, memory_order_seq_cst);
	while (!ksem_take(ks))
		if ((error = ipc_wait(&ks->ks_cv, &ks->ks_lock, when)) != 0)
			break;
	atomic_fetch_sub_explicit(&ks->ks_waiters, 1, memory_order_relaxed);
	mutex_exit(&ks->ks_lock);
	return error;
}

/*
 * Files
 */

static int
ksem_norw(struct lwp *l, struct file *fp, off_t *offp, struct uio *uio)
{
	(void)l, (void)fp, (void)offp, (void)uio;
	return EINVAL;
}

static int
ksem_fstat(struct lwp *l, struct file *fp, struct stat *sb)
{
	const struct ksem *ks = fp->f_data;

	(void)l;
	ipc_stat(sb, ks->ks_uid, ks->ks_gid, ks->ks_mode);
	return 0;
}

static void
ksem_fclose(struct file *fp)
{
	ksem_rele(fp->f_data);
}

static const struct fileops ksem_fileops = {
    .fo_name = "ksem",
    .fo_read = ksem_norw,
    .fo_write = ksem_norw,
    .fo_stat = ksem_fstat,
    .fo_close = ksem_fclose,
};

/* A descriptor and a file for a semaphore that is to come. */
static int
ksem_reserve(struct lwp *l, struct file **fpp, int *fdp)
{
	int error = file_alloc(l, fpp);

	if (error == 0 && (error = fd_alloc(l, 0, fdp)) != 0)
		file_abort(*fpp);
	return error;
}

/* Consumes the caller's reference to ks. */
static void
ksem_affix(struct lwp *l, int fd, struct file *fp, struct ksem *ks)
{
	fp->f_type = DTYPE_KSEM;
	fp->f_data = ks;
	fp->f_ops = &ksem_fileops;
	atomic_store_explicit(&fp->f_flags, O_RDWR, memory_order_relaxed);
	fd_affix(l, fd, fp, true);
}

/* fd_putfile afterwards.  EINVAL for what is no semaphore. */
static int
ksem_get(struct lwp *l, intptr_t id, struct file **fpp)
{
	if (id < 0 || id > INT_MAX || fd_getfile(l, (int)id, fpp) != 0)
		return EINVAL;
	if ((*fpp)->f_ops == &ksem_fileops)
		return 0;
	fd_putfile(l, *fpp);
	return EINVAL;
}

/*
 * Calls
 */

/* The semaphore is given a descriptor, and the caller its number. */
static int
ksem_install(
    struct lwp *l, struct ksem *ks, struct file *fp, int fd, intptr_t *uid)
{
	intptr_t id = fd;
	int error;

	ksem_affix(l, fd, fp, ks);
	if ((error = copyout(&id, uid, sizeof(id))) != 0)
		(void)fd_close(l, fd);
	return error;
}

int
sys__ksem_init(struct lwp *l, unsigned int value, intptr_t *uid)
{
	struct ksem *ks;
	struct file *fp;
	int fd, error;

	if (value > SEM_VALUE_MAX)
		return EINVAL;
	if ((ks = ksem_alloc(l, NULL, 0600, value)) == NULL)
		return ENOMEM;
	if ((error = ksem_reserve(l, &fp, &fd)) != 0) {
		ksem_free(ks);
		return error;
	}
	return ksem_install(l, ks, fp, fd, uid);
}

/*
 * A reference to the semaphore of that name: to `fresh', unless it is NULL, if
 * there is none.
 */
static int
ksem_lookup(struct lwp *l, const char *name, int oflag, struct ksem *fresh,
    struct ksem **ksp)
{
	struct ksem *ks;
	int error = 0;

	mutex_enter(&ksem_lock);
	if ((ks = ksem_find(name)) != NULL) {
		if ((oflag & O_CREAT) != 0 && (oflag & O_EXCL) != 0)
			error = EEXIST;
		else
			error = ksem_access(l, ks);
	} else if ((ks = fresh) == NULL)
		error = ENOENT;
	else if (ksem_nnames >= KSEM_NAMES)
		error = ENFILE;
	else {
		/* The reference that it was made with is the name's. */
		ksem_nnames++;
		LIST_INSERT_HEAD(&ksem_names[name_bucket(name)], ks, ks_link);
	}
	if (error == 0)
		ks->ks_refs++;
	mutex_exit(&ksem_lock);
	*ksp = ks;
	return error;
}

static int
ksem_open(struct lwp *l, const char *name, int oflag, mode_t mode,
    uint32_t value, struct ksem **ksp)
{
	struct ksem *fresh = NULL;
	int error;

	if ((oflag & O_CREAT) != 0) {
		fresh = ksem_alloc(l, name, ipc_newmode(l, mode), value);
		if (fresh == NULL)
			return ENOMEM;
	}
	error = ksem_lookup(l, name, oflag, fresh, ksp);
	if (fresh != NULL && (error != 0 || *ksp != fresh))
		ksem_free(fresh);
	return error;
}

int
sys__ksem_open(struct lwp *l, const char *uname, int oflag, mode_t mode,
    unsigned int value, intptr_t *uid)
{
	char name[IPC_NAMESIZE];
	struct ksem *ks;
	struct file *fp;
	int fd, error;

	if ((oflag & ~(O_CREAT | O_EXCL)) != 0 ||
	    ((oflag & O_CREAT) != 0 && value > SEM_VALUE_MAX))
		return EINVAL;
	if ((error = ksem_copyinname(uname, name)) != 0 ||
	    (error = ksem_reserve(l, &fp, &fd)) != 0)
		return error;
	if ((error = ksem_open(l, name, oflag, mode, value, &ks)) != 0) {
		fd_abort(l, fd);
		file_abort(fp);
		return error;
	}
	return ksem_install(l, ks, fp, fd, uid);
}

int
sys__ksem_unlink(struct lwp *l, const char *uname)
{
	char name[IPC_NAMESIZE];
	struct ksem *ks;
	int error;

	if ((error = ksem_copyinname(uname, name)) != 0)
		return error;
	mutex_enter(&ksem_lock);
	if ((ks = ksem_find(name)) == NULL)
		error = ENOENT;
	else if ((error = ksem_access(l, ks)) == 0) {
		LIST_REMOVE(ks, ks_link);
		ksem_nnames--;
	}
	mutex_exit(&ksem_lock);
	if (error == 0)
		ksem_rele(ks);
	return error;
}

/* Close one that has a name, or has none and is waited for by nobody. */
static int
ksem_end(struct lwp *l, intptr_t id, bool named)
{
	struct file *fp;
	struct ksem *ks;
	int error;

	if ((error = ksem_get(l, id, &fp)) != 0)
		return error;
	ks = fp->f_data;
	if ((ks->ks_namesize != 0) != named)
		error = EINVAL;
	else if (!named) {
		mutex_enter(&ks->ks_lock);
		if (cv_has_waiters(&ks->ks_cv))
			error = EBUSY;
		mutex_exit(&ks->ks_lock);
	}
	fd_putfile(l, fp);
	return error != 0 ? error : fd_close(l, (int)id);
}

int
sys__ksem_close(struct lwp *l, intptr_t id)
{
	return ksem_end(l, id, true);
}

int
sys__ksem_destroy(struct lwp *l, intptr_t id)
{
	return ksem_end(l, id, false);
}

int
sys__ksem_post(struct lwp *l, intptr_t id)
{
	struct file *fp;
	int error;

	if ((error = ksem_get(l, id, &fp)) != 0)
		return error;
	error = ksem_add(fp->f_data);
	fd_putfile(l, fp);
	return error;
}

int
sys__ksem_wait(struct lwp *l, intptr_t id)
{
	struct file *fp;
	int error;

	if ((error = ksem_get(l, id, &fp)) != 0)
		return error;
	if (!ksem_take(fp->f_data))
		error = ksem_sleep(fp->f_data, KTIME_MAX);
	fd_putfile(l, fp);
	return error;
}

int
sys__ksem_trywait(struct lwp *l, intptr_t id)
{
	struct file *fp;
	int error;

	if ((error = ksem_get(l, id, &fp)) != 0)
		return error;
	if (!ksem_take(fp->f_data))
		error = EAGAIN;
	fd_putfile(l, fp);
	return error;
}

/* The time is not looked at if there is nothing to wait for. */
int
sys__ksem_timedwait(struct lwp *l, intptr_t id, const struct timespec *abstime)
{
	struct file *fp;
	int64_t when;
	int error;

	if ((error = ksem_get(l, id, &fp)) != 0)
		return error;
	if (!ksem_take(fp->f_data)) {
		error =
		    abstime == NULL ? EINVAL : ipc_copyintime(abstime, &when);
		if (error == 0)
			error = ksem_sleep(fp->f_data, when);
	}
	fd_putfile(l, fp);
	return error;
}

int
sys__ksem_getvalue(struct lwp *l, intptr_t id, unsigned int *uvalue)
{
	struct file *fp;
	struct ksem *ks;
	unsigned int value;
	int error;

	if ((error = ksem_get(l, id, &fp)) != 0)
		return error;
	ks = fp->f_data;
	value = atomic_load_explicit(&ks->ks_value, memory_order_relaxed);
	fd_putfile(l, fp);
	return copyout(&value, uvalue, sizeof(value));
}
