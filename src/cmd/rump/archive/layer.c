/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Layers: where they are, who has them, and how the host was before.
 */
#include "cmd/rump/archive/layer.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>

#include "cmd/rump/side.h"

/*
 * Names
 */

bool
layer_isname(const char *name)
{
	const char *p;

	for (p = name; *p != '\0'; p++)
		if (*p == '/' || (unsigned char)*p < ' ' || *p == '\177')
			break;
	if (*p == '\0' && *name != '\0' && *name != '.' &&
	    strlen(name) <= LAYER_NAMEMAX)
		return true;
	complain("%s: is no name of a layer: 1 to %d characters, not / and no "
		 ". in front",
	    *p == '\0' || *p == '/' ? name : "this", LAYER_NAMEMAX);
	return false;
}

/* Where layers are; to be freed. */
static char *
layers_path(void)
{
	const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");

	if (state != NULL && *state == '/')
		return tool_format("%s/rump/layers", state);
	return tool_format(
	    "%s/.local/state/rump/layers", home != NULL ? home : "");
}

/* Make the directories on the way to it, too. */
static int
layers_make(const char *path)
{
	char *copy = tool_format("%s", path), *p = copy;
	int r;

	while ((p = strchr(p + 1, '/')) != NULL) {
		*p = '\0';
		(void)mkdir(copy, 0700);
		*p = '/';
	}
	free(copy);
	r = mkdir(path, 0700);
	return r == -1 && errno != EEXIST ? -1 : 0;
}

/* A descriptor of that directory; -1. */
static int
layers_open(bool make)
{
	char *path = layers_path();
	int fd = -1, error;

	if (!make || layers_make(path) == 0)
		fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	error = errno;
	if (fd == -1 && (make || error != ENOENT))
		(void)complain_errno(path);
	free(path);
	errno = error;
	return fd;
}

/* Does it hold a layer, or what is left of one in the middle of a commit? */
static bool
layer_there(int dirfd)
{
	return faccessat(dirfd, "layer.tar", F_OK, 0) == 0;
}

char **
layer_list(void)
{
	int fd = layers_open(false), dirfd;
	char **names, **in, **out;

	if (fd == -1) {
		names = tool_alloc(NULL, sizeof(names[0]));
		names[0] = NULL;
		return names;
	}
	if ((names = side_listat(&host_side, fd, ".")) == NULL)
		return NULL;
	for (in = out = names; *in != NULL; in++) {
		dirfd = openat(fd, *in, O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (**in != '.' && dirfd != -1 && layer_there(dirfd))
			*out++ = *in;
		else
			free(*in);
		if (dirfd != -1)
			(void)close(dirfd);
	}
	*out = NULL;
	(void)close(fd);
	return names;
}

/*
 * Open and close
 */

/* The lock is worth something only if the directory is still that one. */
static int
layer_lock(struct layer *l, int layers, const char *name)
{
	struct stat mine, now;

	l->l_locked = flock(l->l_dirfd, LOCK_EX | LOCK_NB) == 0;
	if (!l->l_locked) {
		if (errno != EWOULDBLOCK)
			return complain_errno(name);
		complain("%s: another process is in it", name);
		return STATUS_FAILED;
	}
	if (fstat(l->l_dirfd, &mine) == -1 ||
	    fstatat(layers, name, &now, AT_SYMLINK_NOFOLLOW) == -1 ||
	    mine.st_ino != now.st_ino || mine.st_dev != now.st_dev) {
		complain("%s: has just been discarded; try again", name);
		return STATUS_FAILED;
	}
	return STATUS_OK;
}

static int
layer_openat(struct layer *l, int layers, const char *name, enum layer_open how)
{
	if (how == LAYER_MAKE && mkdirat(layers, name, 0700) == -1 &&
	    errno != EEXIST)
		return complain_errno(name);
	l->l_dirfd = openat(
	    layers, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (l->l_dirfd == -1 && errno != ENOENT)
		return complain_errno(name);
	if (l->l_dirfd != -1 && how != LAYER_LOOK &&
	    layer_lock(l, layers, name) != STATUS_OK)
		return STATUS_FAILED;
	l->l_exists = l->l_dirfd != -1 && layer_there(l->l_dirfd);
	l->l_journal =
	    l->l_dirfd != -1 && faccessat(l->l_dirfd, "journal", F_OK, 0) == 0;
	if (l->l_exists)
		return layer_readmeta(l);
	if (how == LAYER_MAKE)
		return STATUS_OK;
	complain("there is no layer %s; `rump list' lists them", name);
	return STATUS_FAILED;
}

int
layer_open(struct layer *l, const char *name, enum layer_open how)
{
	int layers, status;

	*l = (struct layer){.l_dirfd = -1};
	if (!layer_isname(name))
		return STATUS_FAILED;
	layers = layers_open(how == LAYER_MAKE);
	if (layers == -1) {
		if (errno == ENOENT && how != LAYER_MAKE)
			complain("there is no layer %s; there are none", name);
		return STATUS_FAILED;
	}
	l->l_name = tool_format("%s", name);
	status = layer_openat(l, layers, name, how);
	(void)close(layers);
	if (status != STATUS_OK)
		layer_close(l);
	return status;
}

static void
entries_free(struct layer *l)
{
	struct layer_entry *le;
	size_t i;

	for (le = l->l_entries; le < l->l_entries + l->l_nentries; le++) {
		for (i = 0; i < le->le_nxattrs; i++) {
			free(le->le_xattrs[i].lx_name);
			free(le->le_xattrs[i].lx_value);
		}
		free(le->le_xattrs);
		free(le->le_path);
		free(le->le_link);
	}
	free(l->l_entries);
}

void
layer_close(struct layer *l)
{
	char *path, *dir;
	size_t i;

	if (l->l_locked && !layer_there(l->l_dirfd)) {
		path = layers_path();
		dir = tool_path(path, l->l_name);
		(void)rmdir(dir);
		free(dir);
		free(path);
	}
	if (l->l_dirfd != -1)
		(void)close(l->l_dirfd);
	for (i = 0; i < l->l_nbase; i++) {
		free(l->l_base[i].lb_path);
		free(l->l_base[i].lb_seen);
	}
	free(l->l_base);
	entries_free(l);
	free(l->l_root);
	free(l->l_name);
	*l = (struct layer){.l_dirfd = -1};
}

int
layer_remove(struct layer *l)
{
	static const char *const files[] = {
	    "layer.tar", "layer.new", "journal", "journal.new"};
	size_t i;

	for (i = 0; i < nitems(files); i++)
		if (unlinkat(l->l_dirfd, files[i], 0) == -1 && errno != ENOENT)
			return complain_errno(l->l_name);
	return STATUS_OK;
}

/*
 * How the host was
 */

static int
base_compare(const void *a, const void *b)
{
	const struct layer_base *x = a, *y = b;

	return strcmp(x->lb_path, y->lb_path);
}

const char *
layer_seen(const struct layer *l, const char *path)
{
	struct layer_base key = {.lb_path = (char *)(uintptr_t)path}, *lb;

	if (l->l_nsorted == 0)
		return NULL;
	lb = bsearch(
	    &key, l->l_base, l->l_nsorted, sizeof(l->l_base[0]), base_compare);
	return lb != NULL ? lb->lb_seen : NULL;
}

void
layer_see(struct layer *l, const char *path, const char *seen)
{
	/* The room is a power of two. */
	if ((l->l_nbase & (l->l_nbase + 1)) == 0)
		l->l_base = tool_alloc(
		    l->l_base, 2 * (l->l_nbase + 1) * sizeof(l->l_base[0]));
	l->l_base[l->l_nbase].lb_path = tool_format("%s", path);
	l->l_base[l->l_nbase++].lb_seen = tool_format("%s", seen);
}

void
layer_sort(struct layer *l)
{
	if (l->l_nbase > 0)
		qsort(
		    l->l_base, l->l_nbase, sizeof(l->l_base[0]), base_compare);
	l->l_nsorted = l->l_nbase;
}

char *
base_text(const struct stat *sb)
{
	/* A directory's size and times say nothing of itself. */
	bool dir = S_ISDIR(sb->st_mode);

	return tool_format("%o %u %u %lld %lld.%09ld %llu", sb->st_mode,
	    sb->st_uid, sb->st_gid, dir ? 0 : (long long)sb->st_size,
	    dir ? 0 : (long long)sb->st_mtim.tv_sec,
	    dir ? 0 : sb->st_mtim.tv_nsec, (unsigned long long)sb->st_ino);
}
