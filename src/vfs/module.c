/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Components: loading and unloading them.
 *
 * One is loaded or unloaded at a time; who comes meanwhile sleeps.  Its own
 * functions, and the host's dynamic linker, run outside of the section, as if
 * the lwp slept: they may call the kernel, and take their time.
 *
 * Lock: modules_lock covers the list and modules_busy; whoever set that may
 * read the list without.
 */
#include "vfs/module.h"

#include <elf.h>

#include <rump/rump.h>

#include "hyper/library.h"
#include "kern/entry.h"
#include "kern/file.h"
#include "sysproto.h"
#include "vfs/vfs_impl.h"

#define COMPONENT_SYMBOL "rump_component"
#define REQUIRES_SIZE	 256

static struct kmutex modules_lock;
static struct kcondvar modules_cv;
static bool modules_busy;
static struct rump_module *modules;

/* It is the caller's turn.  EINTR. */
static int
modules_enter(void)
{
	int error = 0;

	mutex_enter(&modules_lock);
	while (modules_busy && error == 0)
		error = cv_wait_sig(&modules_cv, &modules_lock);
	if (error == 0)
		modules_busy = true;
	mutex_exit(&modules_lock);
	return error;
}

static void
modules_exit(void)
{
	mutex_enter(&modules_lock);
	modules_busy = false;
	cv_signal(&modules_cv);
	mutex_exit(&modules_lock);
}

static struct rump_module *
module_find(const char *name, size_t len)
{
	struct rump_module *m;

	for (m = modules; m != NULL; m = m->m_next)
		if (strlen(m->m_rc->rc_name) == len &&
		    memcmp(m->m_rc->rc_name, name, len) == 0)
			break;
	return m;
}

/* Letters, digits, '_', '-' and '.'. */
static bool
name_ok(const char *name)
{
	static const char ok[] = "abcdefghijklmnopqrstuvwxyz"
				 "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.";
	size_t len = name != NULL ? strlen(name) : 0;

	return len > 0 && len < RUMP_COMPONENT_NAMELEN &&
	       strspn(name, ok) == len;
}

static int
component_check(const struct rump_component *rc)
{
	if (rc->rc_version != RUMP_COMPONENT_VERSION || !name_ok(rc->rc_name) ||
	    rc->rc_init == NULL ||
	    (rc->rc_requires != NULL &&
		strlen(rc->rc_requires) >= REQUIRES_SIZE))
		return EINVAL;
	return module_find(rc->rc_name, strlen(rc->rc_name)) != NULL ? EEXIST
								     : 0;
}

/* Count n more, or less, for each that it requires; ENOENT: not all there. */
static int
requires_count(const struct rump_component *rc, int n)
{
	const char *p = rc->rc_requires;
	struct rump_module *m;
	size_t len;

	if (p == NULL || *p == '\0')
		return 0;
	for (;; p += len + 1) {
		len = strcspn(p, ",");
		if ((m = module_find(p, len)) == NULL)
			return ENOENT;
		m->m_refs += (uint32_t)n;
		if (p[len] == '\0')
			return 0;
	}
}

/*
 * Loading
 */

/* Its own function, outside of the section. */
static int
module_init(struct rump_module *m)
{
	int error;

	m->m_init = true;
	smr_exit(curht());
	error = m->m_rc->rc_init(m);
	smr_enter(curht());
	m->m_init = false;
	return error;
}

/* Take back what it registered, as far as nobody uses it. */
static int
module_withdraw(struct rump_module *m)
{
	int error = compdev_quiesce(m);

	if (error != 0)
		return error;
	if ((error = compnodes_unregister(m)) != 0) {
		compdev_revive(m);
		return error;
	}
	return compdev_unregister(m);
}

static void
module_insert(struct rump_module *m)
{
	mutex_enter(&modules_lock);
	m->m_next = modules;
	modules = m;
	mutex_exit(&modules_lock);
}

static void
module_remove(struct rump_module *m)
{
	struct rump_module **mp = &modules;

	mutex_enter(&modules_lock);
	while (*mp != m)
		mp = &(*mp)->m_next;
	*mp = m->m_next;
	mutex_exit(&modules_lock);
}

/*
 * A component from `library', or NULL, which is the caller's still if this
 * fails.  Its devices can be opened when its rc_init has succeeded.
 */
static int
module_load(const struct rump_component *rc, void *library)
{
	struct rump_module *m;
	int error, withdrawn;

	if ((error = component_check(rc)) != 0)
		return error;
	if ((m = kmem_zalloc(sizeof(*m))) == NULL)
		return ENOMEM;
	m->m_rc = rc;
	m->m_library = library;
	if ((error = requires_count(rc, 0)) != 0) {
		kmem_free(m, sizeof(*m));
		return error;
	}
	(void)requires_count(rc, 1);
	module_insert(m);
	if ((error = module_init(m)) == 0) {
		compdev_revive(m);
		return 0;
	}
	withdrawn = module_withdraw(m);
	/* Nobody could open its devices yet, or register nodes in its own. */
	KASSERT(withdrawn == 0);
	(void)withdrawn;
	module_remove(m);
	(void)requires_count(rc, -1);
	kmem_free(m, sizeof(*m));
	return error;
}

static void
library_close(void *library)
{
	if (library == NULL)
		return;
	smr_exit(curht());
	hyper_library_close(library);
	smr_enter(curht());
}

static int
module_unload(struct rump_module *m)
{
	int error;

	if (m->m_refs > 0)
		return EBUSY;
	if ((error = module_withdraw(m)) != 0)
		return error;
	if (m->m_rc->rc_fini != NULL) {
		smr_exit(curht());
		error = m->m_rc->rc_fini();
		smr_enter(curht());
		if (error != 0)
			return error;
	}
	module_remove(m);
	(void)requires_count(m->m_rc, -1);
	library_close(m->m_library);
	kmem_free(m, sizeof(*m));
	return 0;
}

/*
 * From the host.  Why it is no component is told on standard error, since no
 * errno says it.
 */
static int
module_open(const char *path)
{
	const struct rump_component *rc = NULL;
	void *library = NULL;
	char why[256];
	int error;

	smr_exit(curht());
	error = hyper_library_open(path, COMPONENT_SYMBOL, &library,
	    (const void **)&rc, why, sizeof(why));
	smr_enter(curht());
	if (error != 0) {
		kern_message("modctl: %s", why);
		return error;
	}
	if ((error = module_load(rc, library)) != 0)
		library_close(library);
	return error;
}

/*
 * modctl
 */

static int
modctl_load(const void *arg)
{
	struct rump_modctl_load ml;
	char path[PATH_MAX];
	int error;

	if ((error = copyin(arg, &ml, sizeof(ml))) != 0 ||
	    (error = copyinstr(ml.ml_filename, path, sizeof(path), NULL)) != 0)
		return error;
	if (ml.ml_flags != 0 || path[0] == '\0')
		return EINVAL;
	return module_open(path);
}

static int
modctl_unload(const void *arg)
{
	char name[RUMP_COMPONENT_NAMELEN];
	struct rump_module *m;
	int error;

	error = copyinstr(arg, name, sizeof(name), NULL);
	if (error != 0)
		return error == ENAMETOOLONG ? ENOENT : error;
	if ((m = module_find(name, strlen(name))) == NULL)
		return ENOENT;
	return module_unload(m);
}

static void
module_stat(const struct rump_module *m, struct rump_modstat *ms)
{
	const struct rump_component *rc = m->m_rc;

	memset(ms, 0, sizeof(*ms));
	strcpy(ms->ms_name, rc->rc_name);
	if (rc->rc_requires != NULL)
		strcpy(ms->ms_required, rc->rc_requires);
	ms->ms_addr = (uintptr_t)rc;
	ms->ms_source = m->m_library != NULL ? RUMP_MODULE_SOURCE_FILESYS
					     : RUMP_MODULE_SOURCE_KERNEL;
	ms->ms_refcnt = m->m_refs;
	ms->ms_devices = m->m_ndevs;
	ms->ms_nodes = m->m_nnodes;
}

static int
modctl_stat(void *arg)
{
	struct rump_modstat ms;
	struct rump_module *m;
	struct iovec iov;
	size_t len = 0;
	int error;

	if ((error = copyin(arg, &iov, sizeof(iov))) != 0)
		return error;
	for (m = modules; m != NULL && error == 0; m = m->m_next) {
		module_stat(m, &ms);
		if (len + sizeof(ms) <= iov.iov_len)
			error = copyout(
			    &ms, (char *)iov.iov_base + len, sizeof(ms));
		len += sizeof(ms);
	}
	if (error != 0)
		return error;
	iov.iov_len = len;
	return copyout(&iov, arg, sizeof(iov));
}

int
sys_modctl(struct lwp *l, int cmd, void *arg)
{
	bool root = cred_is_root(proc_cred(l->l_proc));
	int error;

	if (cmd < RUMP_MODCTL_LOAD || cmd > RUMP_MODCTL_EXISTS)
		return EINVAL;
	if (cmd == RUMP_MODCTL_EXISTS)
		return 0;
	if (cmd != RUMP_MODCTL_STAT && !root)
		return EPERM;
	if ((error = modules_enter()) != 0)
		return error;
	if (cmd == RUMP_MODCTL_LOAD)
		error = modctl_load(arg);
	else if (cmd == RUMP_MODCTL_UNLOAD)
		error = modctl_unload(arg);
	else
		error = modctl_stat(arg);
	modules_exit();
	return error;
}

/*
 * Public calls
 */

/* Those that can be loaded by now; how many of the rest are left. */
static size_t
modules_pass(
    const struct rump_component *const *list, size_t n, bool *done, int *errorp)
{
	size_t i, left = 0;
	int error;

	for (i = 0; i < n; i++) {
		if (done[i])
			continue;
		error = module_load(list[i], NULL);
		done[i] = error == 0;
		left += error != 0;
		if (error != 0 && (*errorp == 0 || *errorp == ENOENT))
			*errorp = error;
	}
	return left;
}

static int
modules_load(const struct rump_component *const *list, size_t n)
{
	bool *done = kmem_zalloc(n);
	size_t left = n, before;
	int error = 0;

	if (done == NULL)
		return ENOMEM;
	/* Until there is no more that waits for what has just come. */
	do {
		before = left;
		error = 0;
		left = modules_pass(list, n, done, &error);
	} while (error == ENOENT && left < before);
	kmem_free(done, n);
	return error;
}

RUMP_EXPORT int
rump_pub_module_init(const struct rump_component *const *list, size_t n)
{
	int error;

	if (syscall_enter() == NULL)
		return syscall_refusal();
	if (n > 0 && (error = modules_enter()) == 0) {
		error = modules_load(list, n);
		modules_exit();
	} else if (n == 0)
		error = 0;
	syscall_exit();
	return error;
}

RUMP_EXPORT int
rump_pub_module_fini(const struct rump_component *rc)
{
	struct rump_module *m;
	int error;

	if (syscall_enter() == NULL)
		return syscall_refusal();
	if ((error = modules_enter()) == 0) {
		for (m = modules; m != NULL && m->m_rc != rc; m = m->m_next)
			continue;
		error = m != NULL ? module_unload(m) : ENOENT;
		modules_exit();
	}
	syscall_exit();
	return error;
}

RUMP_EXPORT int
rump_pub_kernelfsym_load(
    void *symtab, uint64_t symsize, char *strtab, uint64_t strsize)
{
	const Elf64_Sym *sym = symtab;
	uint64_t i;

	if (sym == NULL || strtab == NULL || symsize % sizeof(*sym) != 0 ||
	    strsize == 0 || strtab[strsize - 1] != '\0')
		return EINVAL;
	for (i = 0; i < symsize / sizeof(*sym); i++)
		if (sym[i].st_name >= strsize)
			return EINVAL;
	return 0;
}
