/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pathconf and fpathconf.
 *
 * The values, and which of them do not ask for a file at all, are the host's C
 * library's for files in memory.
 */
#include <limits.h>
#include <unistd.h>

#include "sysproto.h"
#include "vfs/vfs_impl.h"

#define NEVER (-1) /* no limit, or not offered: the value -1 is no error */

/* Values of any file; false: it is to be looked for first. */
static int
pathconf_fixed(int name, long *valuep, bool *found)
{
	*found = true;
	switch (name) {
	case _PC_MAX_CANON:
	case _PC_MAX_INPUT:
		*valuep = 255;
		return 0;
	case _PC_PATH_MAX:
		*valuep = PATH_MAX;
		return 0;
	case _PC_PIPE_BUF:
		*valuep = PIPE_BUF;
		return 0;
	case _PC_NO_TRUNC:
		*valuep = 1;
		return 0;
	case _PC_VDISABLE:
		*valuep = 0;
		return 0;
	case _PC_SYNC_IO:
	case _PC_PRIO_IO:
	case _PC_SOCK_MAXBUF:
	case _PC_REC_INCR_XFER_SIZE:
	case _PC_REC_MAX_XFER_SIZE:
	case _PC_SYMLINK_MAX:
		*valuep = NEVER;
		return 0;
	}
	*found = false;
	return name >= _PC_LINK_MAX && name <= _PC_2_SYMLINKS ? 0 : EINVAL;
}

/* Values of a file that is there, of this type. */
static long
pathconf_file(int name, uint32_t type)
{
	switch (name) {
	case _PC_LINK_MAX:
		return 127;
	case _PC_NAME_MAX:
		return NAME_MAX;
	case _PC_ASYNC_IO:
		return S_ISREG(type) || S_ISBLK(type) ? 1 : NEVER;
	case _PC_FILESIZEBITS:
		return 32;
	case _PC_REC_MIN_XFER_SIZE:
	case _PC_REC_XFER_ALIGN:
	case _PC_ALLOC_SIZE_MIN:
		return KPAGE_SIZE;
	default: /* _PC_CHOWN_RESTRICTED, _PC_2_SYMLINKS */
		return 1;
	}
}

int
sys_pathconf(struct lwp *l, const char *path, int name, long *retval)
{
	struct nameidata nd;
	bool found;
	char c;
	int error;

	if ((error = copyin(path, &c, 1)) != 0)
		return error;
	if (c == '\0')
		return ENOENT;
	if ((error = pathconf_fixed(name, retval, &found)) != 0 || found)
		return error;
	error = namei_user(&nd, l, AT_FDCWD, path, NAMEI_FOLLOW);
	if (error == 0)
		*retval = pathconf_file(name, vnode_type(nd.ni_vp));
	return error;
}

int
sys_fpathconf(struct lwp *l, int fd, int name, long *retval)
{
	struct file *fp;
	struct stat sb;
	bool found;
	int error;

	if (fd < 0)
		return EBADF;
	if ((error = pathconf_fixed(name, retval, &found)) != 0 || found)
		return error;
	if ((error = fd_getfile(l, fd, &fp)) != 0)
		return error;
	if ((error = fp->f_ops->fo_stat(l, fp, &sb)) == 0)
		*retval = pathconf_file(name, sb.st_mode & S_IFMT);
	fd_putfile(l, fp);
	return error;
}
