/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Clients whose programs are the host's but for their files: what they ask for
 * to get from files here to files there.
 */
#include "proxy/proxy.h"

#include "hyper/hostfile.h"
#include "kern/entry.h"
#include "kern/filedesc.h"
#include "kern/procinfo.h"
#include "vfs/inotify.h"
#include "vfs/vfs.h"

static void
hostfds_free(int *fds)
{
	kmem_free(fds, SP_NSLOTS * sizeof(*fds));
}

int *
hosted_table(struct session *se)
{
	int *fds;
	uint32_t i;

	mutex_enter(&se->se_lock);
	fds = atomic_load_explicit(&se->se_hostfds, memory_order_relaxed);
	if (fds == NULL &&
	    (fds = kmem_alloc(SP_NSLOTS * sizeof(*fds))) != NULL) {
		for (i = 0; i < SP_NSLOTS; i++)
			fds[i] = HYPER_FILE_NONE;
		/* Release pairs with the acquire in call_run. */
		atomic_store_explicit(
		    &se->se_hostfds, fds, memory_order_release);
	}
	mutex_exit(&se->se_lock);
	return fds;
}

void
hosted_close(struct session *se, uint32_t slot)
{
	int *fds = atomic_load_explicit(&se->se_hostfds, memory_order_acquire);

	if (fds[slot] == HYPER_FILE_NONE)
		return;
	atomic_fetch_and_explicit(&se->se_segments[slot / 64],
	    ~(UINT64_C(1) << slot % 64), memory_order_relaxed);
	hyper_file_close(fds[slot]);
	fds[slot] = HYPER_FILE_NONE;
}

void
hosted_fini(struct session *se)
{
	int *fds = atomic_load_explicit(&se->se_hostfds, memory_order_relaxed);
	uint32_t i;

	if (fds == NULL)
		return;
	for (i = 0; i < SP_NSLOTS; i++)
		if (fds[i] != HYPER_FILE_NONE)
			hyper_file_close(fds[i]);
	hostfds_free(fds);
}

/* A path that came along; NULL: none did. */
static const char *
path_given(const struct call *c)
{
	if (c->c_msg.sm_head == 0 || c->c_head[c->c_msg.sm_head - 1] != '\0')
		return NULL;
	return (const char *)c->c_head;
}

/* A path that goes back, and its length. */
static void
path_give(struct call *c, const char *path)
{
	size_t len = strlen(path);

	call_give(c, path, len + 1);
	c->c_msg.sm_retval = (int64_t)len;
}

int
hosted_file(struct call *c)
{
	const uint64_t *args = c->c_msg.sm_args;
	struct lwp *l = syscall_enter();
	int *fds, fd, error = ENOMEM;
	bool lower;

	if (l == NULL)
		return syscall_refusal();
	if ((fds = hosted_table(c->c_session)) != NULL)
		error = vfs_mapfd(
		    l, (int)args[0], (int)args[2], args[1] != 0, &fd, &lower);
	if (error == ENODEV) {
		error = inotify_hostpipe(l, (int)args[0], &fd);
		lower = false;
	}
	if (error == 0) {
		fds[c->c_slot] = fd;
		c->c_msg.sm_retval = fd | (lower ? SP_HOSTFILE_LOWER : 0);
	}
	syscall_exit();
	return error;
}

void
hosted_opened(struct call *c)
{
	struct lwp *l = syscall_enter();
	struct stat sb;
	int *fds, fd;

	if (l == NULL)
		return;
	if ((fds = hosted_table(c->c_session)) != NULL &&
	    vfs_opened(l, (int)c->c_msg.sm_retval, &sb, &fd) == 0) {
		memcpy(c->c_shared, &sb, sizeof(sb));
		c->c_msg.sm_flags |= SP_F_STAT;
		fds[c->c_slot] = fd;
		if (fd != HYPER_FILE_NONE) {
			c->c_msg.sm_retval |= (int64_t)fd << 32;
			c->c_msg.sm_flags |= SP_F_HOSTFILE;
		}
	}
	syscall_exit();
}

/* What is to be executed next; NULL: nothing after all. */
static void
program_set(struct session *se, struct exefile *xf, uid_t uid, gid_t gid)
{
	struct exefile *old;

	mutex_enter(&se->se_lock);
	old = se->se_program;
	se->se_program = xf;
	se->se_uid = uid;
	se->se_gid = gid;
	mutex_exit(&se->se_lock);
	if (old != NULL)
		exefile_rele(old);
}

void
hosted_executed(struct session *se, uid_t *uid, gid_t *gid)
{
	struct exefile *old;

	mutex_enter(&se->se_lock);
	old = se->se_executed;
	*uid = se->se_program != NULL ? se->se_uid : UINT32_MAX;
	*gid = se->se_program != NULL ? se->se_gid : UINT32_MAX;
	se->se_executed = se->se_program;
	se->se_program = NULL;
	mutex_exit(&se->se_lock);
	if (old != NULL)
		exefile_rele(old);
}

static int
program_find(struct call *c, struct lwp *l, const char *path)
{
	const uint64_t *args = c->c_msg.sm_args;
	/* Whether it executes that at all, nobody knows. */
	bool plain =
	    args[2] == SP_PROGRAM_PLAIN || !session_isroot(c->c_session);
	struct program pg;
	int *fds, fd, error;

	if ((fds = hosted_table(c->c_session)) == NULL)
		return ENOMEM;
	error = vfs_program(l, (int)args[0], path, args[1] != 0, &pg);
	if (error != 0)
		return error;
	if ((error = exefile_hostfile(pg.pg_exe, &fd)) != 0) {
		exefile_rele(pg.pg_exe);
		return error;
	}
	fds[c->c_slot] = fd;
	c->c_msg.sm_retval = fd;
	call_give(c, pg.pg_path, strlen(pg.pg_path) + 1);
	if (args[2] == SP_PROGRAM_INTERPRETER)
		exefile_rele(pg.pg_exe);
	else if (plain)
		program_set(c->c_session, pg.pg_exe, UINT32_MAX, UINT32_MAX);
	else
		program_set(c->c_session, pg.pg_exe, pg.pg_uid, pg.pg_gid);
	return 0;
}

int
hosted_program(struct call *c)
{
	bool none = c->c_msg.sm_args[2] == SP_PROGRAM_NONE;
	const char *path = path_given(c);
	struct lwp *l;
	int error = 0;

	if (path == NULL && !none)
		return EPROTO;
	if ((l = syscall_enter()) == NULL)
		return syscall_refusal();
	if (none)
		program_set(c->c_session, NULL, UINT32_MAX, UINT32_MAX);
	else
		error = program_find(c, l, path);
	syscall_exit();
	return error;
}

int
hosted_path(struct call *c)
{
	const uint64_t *args = c->c_msg.sm_args;
	const char *path = path_given(c);
	char buf[PATH_MAX];
	struct lwp *l;
	int error;

	if (path == NULL)
		return EPROTO;
	if ((l = syscall_enter()) == NULL)
		return syscall_refusal();
	error = vfs_hostpath(l, (int)args[0], path, args[1] != 0, buf);
	syscall_exit();
	if (error == 0)
		path_give(c, buf);
	return error;
}

int
hosted_fds(struct call *c)
{
	struct lwp *l = syscall_enter();
	struct sp_fds *sf = (struct sp_fds *)c->c_shared;
	const struct cred *cr;
	int32_t n = 0;
	int fd;

	if (l == NULL)
		return syscall_refusal();
	cr = proc_cred(l->l_proc);
	sf->sf_uid = cr->cr_ruid;
	sf->sf_euid = cr->cr_euid;
	sf->sf_gid = cr->cr_rgid;
	sf->sf_egid = cr->cr_egid;
	for (fd = fd_next(l, 0); fd >= 0 && n < (int32_t)SP_NFDS;
	     fd = fd_next(l, fd + 1))
		sf->sf_fds[n++] = fd;
	syscall_exit();
	c->c_msg.sm_retval = n;
	return 0;
}

int
hosted_exec(struct call *c)
{
	const char *name = path_given(c);
	struct session *se = c->c_session;
	uint64_t handle;
	uid_t uid;
	gid_t gid;

	if (name == NULL)
		return EPROTO;
	if (lwps_next(se, 2, &handle) != 0)
		return EBUSY;
	if (syscall_enter() == NULL)
		return syscall_refusal();
	hosted_executed(se, &uid, &gid);
	syscall_exit();
	remote_exec(c->c_lwp, name, uid, gid);
	return hosted_fds(c);
}

static int
program_path(
    pid_t host, const struct cwdinfo *root, char *buf, const char **pathp)
{
	struct exefile *xf = session_program(host);
	int error;

	if (xf == NULL)
		return ENOENT;
	error = exefile_name(xf, root, buf, pathp);
	exefile_rele(xf);
	return error;
}

/* What another process, by its pid here, has; as the caller sees it. */
static int
other_path(struct lwp *l, pid_t pid, const uint64_t *args, char *buf,
    const char **pathp)
{
	const struct cwdinfo *root = proc_cwdi(l->l_proc), *cwdi;
	struct procid id;
	struct file *fp;
	bool cloexec;
	int error;

	if ((error = proc_id(pid, &id)) != 0 ||
	    (error = proc_maylook(l, &id)) != 0)
		return error;
	if (args[2] == SP_FDPATH_EXE)
		return program_path((pid_t)args[1], root, buf, pathp);
	if (args[2] == SP_FDPATH_FD) {
		error = proc_getfile(&id, (int)args[0], &fp, &cloexec);
		if (error != 0)
			return error;
		error = fp->f_vnode == NULL ? ENOENT
					    : vfs_name(fp->f_mount, fp->f_vnode,
						  root, buf, pathp);
		file_rele(fp);
		return error;
	}
	if ((error = proc_getcwdi(&id, &cwdi)) != 0)
		return error;
	if (args[2] == SP_FDPATH_CWD)
		return vfs_path(
		    cwdi->cwd_cmount, cwdi->cwd_cdir, root, buf, pathp);
	return vfs_path(cwdi->cwd_rmount, cwdi->cwd_rdir, root, buf, pathp);
}

int
hosted_fdpath(struct call *c)
{
	const uint64_t *args = c->c_msg.sm_args;
	pid_t pid = args[1] == 0 ? 0 : session_pid((pid_t)args[1]);
	char buf[PATH_MAX];
	const char *path;
	struct lwp *l;
	int error;

	if (pid < 0)
		return ESRCH;
	if ((l = syscall_enter()) == NULL)
		return syscall_refusal();
	if (pid != 0)
		error = other_path(l, pid, args, buf, &path);
	else
		error = vfs_fdpath(l, (int)args[0], buf, &path);
	syscall_exit();
	if (error == 0)
		path_give(c, path);
	return error;
}

int
hosted_reopen(struct call *c)
{
	struct lwp *l = syscall_enter();
	int fd = -1, error;

	if (l == NULL)
		return syscall_refusal();
	error = vfs_reopen(
	    l, (int)c->c_msg.sm_args[0], (int)c->c_msg.sm_args[1], &fd);
	syscall_exit();
	c->c_msg.sm_retval = fd;
	return error;
}

static void
hostdir_encode(const struct hostdir *hd, struct sp_hosttree *to)
{
	struct sp_hostdir *ht = &to->ht_dir;

	_Static_assert(sizeof(ht->hd_path) == sizeof(hd->hd_path), "paths");
	_Static_assert(sizeof(to->ht_but) > sizeof(hd->hd_but), "names");
	ht->hd_tree = hd->hd_tree;
	ht->hd_dev = hd->hd_dev;
	ht->hd_host = hd->hd_host;
	ht->hd_ino = hd->hd_ino;
	ht->hd_inos = hd->hd_inos;
	ht->hd_mount = hd->hd_mount;
	ht->hd_flags = (hd->hd_isroot ? SP_HD_ROOT | SP_HD_TREE : 0) |
		       (hd->hd_links ? SP_HD_LINKS : 0) |
		       (hd->hd_setuid ? SP_HD_UID : 0) |
		       (hd->hd_setgid ? SP_HD_GID : 0);
	ht->hd_uid = hd->hd_uid;
	ht->hd_gid = hd->hd_gid;
	memcpy(ht->hd_path, hd->hd_path, sizeof(ht->hd_path));
	memcpy(to->ht_but, hd->hd_but, hd->hd_nbut);
	to->ht_but[hd->hd_nbut] = '\0';
}

int
hosted_dir(struct call *c)
{
	const char *path = path_given(c);
	struct sp_hosttree to = {0};
	struct hostdir hd;
	struct lwp *l;
	int error;

	if (path == NULL)
		return EPROTO;
	if ((l = syscall_enter()) == NULL)
		return syscall_refusal();
	session_follow(c->c_session);
	error = vfs_hostdir(l, (int)c->c_msg.sm_args[0], path, &hd);
	syscall_exit();
	if (error != 0)
		return error;
	hostdir_encode(&hd, &to);
	call_give(c, &to, sizeof(to));
	return 0;
}

bool
hosted_root(struct sp_hosttree *to)
{
	struct lwp *l = syscall_enter();
	struct hostdir hd;
	bool hosted;

	if (l == NULL)
		return false;
	hosted = (proc_flags(l->l_proc) & PF_HOSTED) != 0;
	if (hosted && vfs_hostdir(l, AT_FDCWD, "/", &hd) == 0)
		hostdir_encode(&hd, to);
	syscall_exit();
	return hosted;
}

int
hosted_adopt(struct call *c)
{
	const uint64_t *args = c->c_msg.sm_args;
	const char *path = path_given(c);
	struct lwp *l;
	int fd = -1, error;

	if (path == NULL)
		return EPROTO;
	if ((l = syscall_enter()) == NULL)
		return syscall_refusal();
	error = vfs_adopt(l, (uint32_t)args[1], path, args[2],
	    (int)args[0] & (O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW), &fd);
	syscall_exit();
	c->c_msg.sm_retval = fd;
	return error;
}
