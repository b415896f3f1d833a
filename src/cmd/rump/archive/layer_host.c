/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Layers: the host's files that one is above.  Their directories are reached
 * without following a symbolic link, as the layer has them.
 */
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>

#include "cmd/rump/archive/layer.h"
#include "cmd/rump/side.h"

int
layer_root(const struct layer *l)
{
	int fd;

	if (l->l_archive) {
		complain("%s: is above the archive %s, not above files of the "
			 "host; rump export gives its changes",
		    l->l_name, l->l_root);
		return -1;
	}
	fd = open(l->l_root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1)
		(void)complain_errno(l->l_root);
	return fd;
}

static int
open_beneath(int rootfd, const char *path, int flags)
{
	struct open_how how = {
	    .flags = (uint64_t)(flags | O_DIRECTORY | O_CLOEXEC),
	    .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS,
	};

	return (int)syscall(
	    SYS_openat2, rootfd, *path != '\0' ? path : ".", &how, sizeof(how));
}

int
host_parent(int rootfd, const char *path, const char **namep)
{
	const char *slash = strrchr(path, '/');
	char *parent;
	int fd, error;

	*namep = slash != NULL ? slash + 1 : path;
	if (**namep == '\0')
		*namep = ".";
	parent =
	    tool_format("%.*s", slash != NULL ? (int)(slash - path) : 0, path);
	/* Readable, because changes in it are to be made safe. */
	fd = open_beneath(rootfd, parent, O_RDONLY);
	if (fd == -1 && errno == EACCES)
		fd = open_beneath(rootfd, parent, O_PATH);
	error = errno;
	free(parent);
	errno = error;
	return fd;
}

int
host_lstat(int rootfd, const char *path, struct stat *sb)
{
	const char *name;
	int fd = host_parent(rootfd, path, &name), r, error;

	if (fd == -1)
		return -1;
	r = fstatat(fd, name, sb, AT_SYMLINK_NOFOLLOW);
	error = errno;
	(void)close(fd);
	errno = error;
	return r;
}

int
host_walk(int rootfd, const char *path,
    void (*fn)(void *arg, const char *path, const struct stat *), void *arg)
{
	char **names, *sub;
	struct stat sb;
	size_t i;
	int fd, r = 0;

	if (host_lstat(rootfd, path, &sb) == -1)
		return -1;
	fn(arg, path, &sb);
	if (!S_ISDIR(sb.st_mode))
		return 0;
	if ((fd = open_beneath(rootfd, path, O_RDONLY)) == -1)
		return -1;
	names = side_listat(&host_side, fd, ".");
	(void)close(fd);
	if (names == NULL)
		return -1;
	for (i = 0; names[i] != NULL && r == 0; i++) {
		sub = tool_format(
		    "%s%s%s", path, *path != '\0' ? "/" : "", names[i]);
		r = host_walk(rootfd, sub, fn, arg);
		free(sub);
	}
	side_listfree(names);
	return r;
}
