/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Links to what a process has: its directories and what its descriptors name.
 * Who may follow and read them is who may ptrace the process.
 *
 * A descriptor that names something without a vnode leads to a node that
 * stands for it and looks it up again when it is used.
 */
#include "fs/procfs/procfs.h"

/*
 * Directories
 */

/* The target's, if the caller may look at it.  EACCES, ESRCH. */
static int
node_cwdi(const struct pfs_node *pn, const struct cwdinfo **cwdip)
{
	int error = proc_maylook(curlwp(), &pn->pn_proc);

	return error != 0 ? error : proc_getcwdi(&pn->pn_proc, cwdip);
}

/* As the caller sees it. */
static void
put_path(struct text *t, struct mount *mp, struct vnode *vp)
{
	vfs_describe(mp, vp, proc_cwdi(curlwp()->l_proc), t);
}

int
pfs_cwd(struct pfs_node *pn, struct text *t)
{
	const struct cwdinfo *cwdi;
	int error = node_cwdi(pn, &cwdi);

	if (error == 0)
		put_path(t, cwdi->cwd_cmount, cwdi->cwd_cdir);
	return error;
}

int
pfs_cwd_follow(struct pfs_node *pn, struct mount **mpp, struct vnode **vpp)
{
	const struct cwdinfo *cwdi;
	int error = node_cwdi(pn, &cwdi);

	if (error == 0) {
		*mpp = cwdi->cwd_cmount;
		*vpp = cwdi->cwd_cdir;
	}
	return error;
}

int
pfs_rootdir(struct pfs_node *pn, struct text *t)
{
	const struct cwdinfo *cwdi;
	int error = node_cwdi(pn, &cwdi);

	if (error == 0)
		put_path(t, cwdi->cwd_rmount, cwdi->cwd_rdir);
	return error;
}

int
pfs_rootdir_follow(struct pfs_node *pn, struct mount **mpp, struct vnode **vpp)
{
	const struct cwdinfo *cwdi;
	int error = node_cwdi(pn, &cwdi);

	if (error == 0) {
		*mpp = cwdi->cwd_rmount;
		*vpp = cwdi->cwd_rdir;
	}
	return error;
}

/* The programs are the host's. */
int
pfs_exe(struct pfs_node *pn, struct text *t)
{
	int error = proc_maylook(curlwp(), &pn->pn_proc);

	(void)t;
	return error != 0 ? error : ENOENT;
}

int
pfs_exe_follow(struct pfs_node *pn, struct mount **mpp, struct vnode **vpp)
{
	(void)mpp, (void)vpp;
	return pfs_exe(pn, NULL);
}

/*
 * Descriptors
 */

int
pfs_nextfd(const struct pfs_node *pn, int fd)
{
	return proc_nextfd(&pn->pn_proc, fd);
}

/* A reference to what it names.  EACCES, ENOENT. */
static int
node_file(const struct pfs_node *pn, struct file **fpp, bool *cloexec)
{
	int error = proc_maylook(curlwp(), &pn->pn_proc);

	if (error == 0)
		error = proc_getfile(&pn->pn_proc, pn->pn_num, fpp, cloexec);
	return error == 0 || error == EACCES ? error : ENOENT;
}

uint32_t
pfs_fdmode(const struct pfs_node *pn)
{
	uint32_t mode = 0;
	struct file *fp;
	bool cloexec;

	if (proc_getfile(&pn->pn_proc, pn->pn_num, &fp, &cloexec) != 0)
		return 0;
	if (file_readable(fp))
		mode |= 0500;
	if (file_writable(fp))
		mode |= 0300;
	file_rele(fp);
	return mode;
}

/* What has no path. */
static int
put_anon(struct text *t, struct file *fp)
{
	struct stat sb;
	int error = fp->f_ops->fo_stat(curlwp(), fp, &sb);

	if (error != 0)
		return error;
	if (fp->f_ops->fo_name != NULL)
		text_printf(t, "anon_inode:[%s]", fp->f_ops->fo_name);
	else if (fp->f_type == DTYPE_CONSOLE)
		text_printf(t, "/dev/console");
	else
		text_printf(t, "%s:[%ju]",
		    S_ISSOCK(sb.st_mode) ? "socket" : "pipe",
		    (uintmax_t)sb.st_ino);
	return 0;
}

int
pfs_fd(struct pfs_node *pn, struct text *t)
{
	struct file *fp;
	bool cloexec;
	int error;

	if ((error = node_file(pn, &fp, &cloexec)) != 0)
		return error;
	if (fp->f_vnode != NULL)
		put_path(t, fp->f_mount, fp->f_vnode);
	else
		error = put_anon(t, fp);
	file_rele(fp);
	return error;
}

int
pfs_fd_follow(struct pfs_node *pn, struct mount **mpp, struct vnode **vpp)
{
	struct file *fp;
	struct stat sb;
	bool cloexec;
	int error;

	if ((error = node_file(pn, &fp, &cloexec)) != 0)
		return error;
	if (fp->f_vnode != NULL) {
		/* Readable in this section, even if this closes the file. */
		*mpp = fp->f_mount;
		*vpp = fp->f_vnode;
	} else if ((error = fp->f_ops->fo_stat(curlwp(), fp, &sb)) == 0)
		error = pfs_node_anon(pn, &sb, vpp);
	file_rele(fp);
	return error;
}

int
pfs_fdinfo(struct pfs_node *pn, struct text *t)
{
	struct file *fp;
	struct stat sb;
	bool cloexec;
	int error;

	if ((error = node_file(pn, &fp, &cloexec)) != 0)
		return error;
	if ((error = fp->f_ops->fo_stat(curlwp(), fp, &sb)) == 0)
		text_printf(t,
		    "pos:\t%jd\nflags:\t0%o\nmnt_id:\t%u\nino:\t%ju\n",
		    (intmax_t)file_peekpos(fp),
		    file_flags(fp) | (cloexec ? O_CLOEXEC : 0),
		    fp->f_vnode != NULL ? fp->f_mount->mnt_id : 0,
		    (uintmax_t)sb.st_ino);
	file_rele(fp);
	return error;
}

/*
 * What has no vnode
 */

/* The file that the node stands for, if the descriptor still names it. */
static int
anon_file(struct vnode *vp, struct file **fpp, struct stat *sb)
{
	struct pfs_node *pn = vp_to_pn(vp);
	bool cloexec;
	int error;

	if ((error = node_file(pn, fpp, &cloexec)) != 0)
		return error;
	error = (*fpp)->f_ops->fo_stat(curlwp(), *fpp, sb);
	if (error == 0 && (sb->st_ino != pn->pn_ino ||
			      (sb->st_mode & S_IFMT) != vnode_type(vp)))
		error = ENXIO;
	if (error != 0)
		file_rele(*fpp);
	return error;
}

int
pfs_anon_getattr(struct vnode *vp, struct stat *sb)
{
	struct file *fp;
	int error = anon_file(vp, &fp, sb);

	if (error == 0)
		file_rele(fp);
	return error;
}

/* A pipe is opened again; the console is one file for all. */
int
pfs_anon_open(struct lwp *l, struct vnode *vp, int flags, struct file *fp,
    struct file **fpp)
{
	struct file *old;
	struct stat sb;
	int error;

	(void)flags;
	if ((error = anon_file(vp, &old, &sb)) != 0)
		return error;
	if (old->f_type == DTYPE_CONSOLE) {
		*fpp = old;
		return 0;
	}
	error = pipe_reopen(l, old, file_flags(fp), fpp);
	file_rele(old);
	return error;
}
