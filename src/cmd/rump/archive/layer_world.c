/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Layers: into a world, and out of it when its program has ended.
 */
#include <fcntl.h>
#include <limits.h>
#include <sys/xattr.h>

#include <rump/rump_image.h>
#include <rump/rump_mount.h>

#include "cmd/rump/archive/layer.h"
#include "cmd/rump/side.h"
#include "cmd/rump/whole.h"
#include "cmd/rump/world.h"

#define OVL_REDIRECT "trusted.overlay.redirect"
#define OVL_OPAQUE   "trusted.overlay.opaque"

static void
tell_report(void *arg, const char *path, int error, const char *why)
{
	(void)arg;
	complain("%s%s%s (%s)", path, *path != '\0' ? ": " : "", why,
	    strerror(error));
}

static int
load_archive(const char *archive, const char *dir)
{
	int fd = open(archive, O_RDONLY | O_CLOEXEC), error;

	if (fd == -1)
		return complain_errno(archive);
	rump_image_onreport(tell_report, NULL);
	error = rump_image_load(fd, dir, 0);
	(void)close(fd);
	if (error == 0)
		return STATUS_OK;
	complain("%s: is not loaded: %s", archive, strerror(error));
	return STATUS_FAILED;
}

int
layer_enter(struct layer *l)
{
	int fd = openat(l->l_dirfd, "layer.tar", O_RDONLY | O_CLOEXEC), error;

	if (fd == -1)
		return complain_errno(l->l_name);
	rump_image_onreport(tell_report, NULL);
	error = rump_image_load(fd, WORLD_LAYER, 0);
	(void)close(fd);
	if (error == 0)
		return STATUS_OK;
	complain("%s: the layer cannot be entered: %s%s", l->l_name,
	    strerror(error),
	    error == ENOSPC ? "; --size is too small for it" : "");
	return STATUS_FAILED;
}

/*
 * Directories that were renamed
 */

/*
 * Have the upper directory hold all that is seen below a path: to set a file's
 * times to what they are brings it there.
 */
static int
bring_up(const char *path)
{
	struct timespec times[2];
	char **names, *sub;
	struct stat sb;
	int status = STATUS_OK;
	size_t i;

	if (rump_sys_lstat(path, &sb) == -1)
		return complain_errno(path);
	if (S_ISDIR(sb.st_mode)) {
		if ((names = side_list(&kernel_side, path)) == NULL)
			return complain_errno(path);
		for (i = 0; names[i] != NULL && status == STATUS_OK; i++) {
			sub = tool_path(path, names[i]);
			status = bring_up(sub);
			free(sub);
		}
		side_listfree(names);
	}
	times[0] = sb.st_atim;
	times[1] = sb.st_mtim;
	if (status == STATUS_OK && rump_sys_utimensat(AT_FDCWD, path, times,
				       AT_SYMLINK_NOFOLLOW) == -1)
		status = complain_errno(path);
	return status;
}

/* A directory of the upper layer, with the path below that. */
static int
undo_redirects(const char *path)
{
	char **names, *sub, *dir = tool_format(WORLD_UPPER "%s", path);
	char *seen = tool_format(WORLD_ROOT "%s", path);
	char value[PATH_MAX];
	struct stat sb;
	int status = STATUS_OK;
	size_t i;

	if (rump_sys_lgetxattr(dir, OVL_REDIRECT, value, sizeof(value)) >= 0 &&
	    ((status = bring_up(seen)) != STATUS_OK ||
		rump_sys_lsetxattr(dir, OVL_OPAQUE, "y", 1, 0) == -1 ||
		rump_sys_lremovexattr(dir, OVL_REDIRECT) == -1))
		status = status != STATUS_OK ? status : complain_errno(dir);
	names = status == STATUS_OK ? side_list(&kernel_side, dir) : NULL;
	if (names == NULL && status == STATUS_OK)
		status = complain_errno(dir);
	for (i = 0; names != NULL && names[i] != NULL; i++) {
		sub = tool_path(dir, names[i]);
		if (status == STATUS_OK && rump_sys_lstat(sub, &sb) == 0 &&
		    S_ISDIR(sb.st_mode))
			status = undo_redirects(sub + strlen(WORLD_UPPER));
		free(sub);
	}
	if (names != NULL)
		side_listfree(names);
	free(seen);
	free(dir);
	return status;
}

/*
 * What the host had
 */

/* A layer that is kept. */
struct saving {
	struct layer *s_layer;
	struct timespec s_began;
	int s_root; /* of the host */
};

static bool
is_before(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec != b->tv_sec ? a->tv_sec < b->tv_sec
				      : a->tv_nsec < b->tv_nsec;
}

/*
 * What is noted first counts.  What changed on the host while the program ran
 * may be what the program has seen, or not.
 */
static void
see(void *arg, const char *path, const struct stat *sb)
{
	struct saving *s = arg;
	char *text;

	if (layer_seen(s->s_layer, path) != NULL)
		return;
	if (sb == NULL)
		layer_see(s->s_layer, path, BASE_NONE);
	else if (!S_ISDIR(sb->st_mode) && !is_before(&sb->st_ctim, &s->s_began))
		layer_see(s->s_layer, path, BASE_UNKNOWN);
	else {
		text = base_text(sb);
		layer_see(s->s_layer, path, text);
		free(text);
	}
}

/*
 * Note one file, and what is in a directory of which nothing is left.  *newp:
 * the host has nothing there.
 */
static int
see_host(struct saving *s, const char *path, bool all, bool *newp)
{
	struct stat sb;

	*newp = false;
	if (host_lstat(s->s_root, path, &sb) == -1) {
		if (errno != ENOENT && errno != ENOTDIR && errno != ELOOP)
			return complain_errno(path);
		see(s, path, NULL);
		*newp = true;
		return STATUS_OK;
	}
	if (!S_ISDIR(sb.st_mode) || !all) {
		see(s, path, &sb);
		return STATUS_OK;
	}
	return host_walk(s->s_root, path, see, s) == 0 ? STATUS_OK
						       : complain_errno(path);
}

static bool
is_opaque(const char *path)
{
	char value[8];

	return rump_sys_lgetxattr(path, OVL_OPAQUE, value, sizeof(value)) > 0;
}

/*
 * A directory of the upper layer, with the path below that, and whether
 * something of the host is seen through it.
 */
static int
see_upper(struct saving *s, const char *path)
{
	char *dir = tool_format(WORLD_UPPER "/%s", path), *sub, *file;
	char **names = side_list(&kernel_side, dir);
	int status = STATUS_OK;
	struct stat sb;
	size_t i;
	bool isdir, isnew;

	if (names == NULL)
		return complain_errno(dir);
	for (i = 0; names[i] != NULL && status == STATUS_OK; i++) {
		sub = tool_format(
		    "%s%s%s", path, *path != '\0' ? "/" : "", names[i]);
		file = tool_path(WORLD_UPPER, sub);
		if (rump_sys_lstat(file, &sb) == -1)
			status = complain_errno(sub);
		isdir = status == STATUS_OK && S_ISDIR(sb.st_mode);
		isnew = !isdir || is_opaque(file);
		if (status == STATUS_OK && !s->s_layer->l_archive)
			status = see_host(s, sub, isnew, &isnew);
		if (!isdir || isnew)
			s->s_layer->l_count++;
		if (isdir && status == STATUS_OK)
			status = see_upper(s, sub);
		free(file);
		free(sub);
	}
	side_listfree(names);
	free(dir);
	return status;
}

static int
see_all(struct layer *l, const struct timespec *began)
{
	struct saving s = {.s_layer = l, .s_began = *began, .s_root = -1};
	int status;

	l->l_count = 0;
	if (!l->l_archive && (s.s_root = layer_root(l)) == -1)
		return STATUS_FAILED;
	status = see_upper(&s, "");
	if (s.s_root != -1)
		(void)close(s.s_root);
	layer_sort(l);
	return status;
}

/*
 * Keeping
 */

static int
put_meta(const struct layer *l)
{
	int fd = rump_sys_open(WORLD_LAYER "/meta",
	    O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	size_t size, at = 0;
	char *text = layer_meta(l, &size);
	ssize_t n = 0;

	while (fd != -1 && at < size &&
	       (n = rump_sys_write(fd, text + at, size - at)) > 0)
		at += (size_t)n;
	free(text);
	if (fd == -1 || at < size)
		return complain_errno("meta");
	(void)rump_sys_close(fd);
	return STATUS_OK;
}

static int
store(struct layer *l)
{
	int fd, error;

	fd = openat(l->l_dirfd, "layer.new",
	    O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd == -1)
		return complain_errno(l->l_name);
	rump_image_onreport(tell_report, NULL);
	error = rump_image_store(WORLD_LAYER, fd, NULL, 0);
	if (error == 0 && fsync(fd) == -1)
		error = errno;
	(void)close(fd);
	if (error == 0)
		return layer_replace(l);
	(void)unlinkat(l->l_dirfd, "layer.new", 0);
	complain("%s: the layer is not kept: %s", l->l_name, strerror(error));
	return STATUS_FAILED;
}

int
layer_save(struct layer *l, const struct timespec *began)
{
	static char nolimit[] = "size=0";

	/* What is to be kept is not to fail for what the program may have. */
	(void)rump_sys_mount(
	    "tmpfs", WORLD_LAYER, RUMP_MNT_UPDATE, nolimit, strlen(nolimit));
	if (undo_redirects("") != STATUS_OK || see_all(l, began) != STATUS_OK ||
	    put_meta(l) != STATUS_OK) {
		complain("%s: the layer is not kept", l->l_name);
		return STATUS_FAILED;
	}
	return store(l);
}

static const struct archive_ops ops = {
    .ao_open = layer_open,
    .ao_close = layer_close,
    .ao_enter = layer_enter,
    .ao_save = layer_save,
    .ao_load = load_archive,
};
ARCHIVE_OPS(ops)
