/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The walk of paths.  The input is a script of calls with paths made of few
 * names, in a process whose root is /fuzz/jail.  Whatever it makes, moves and
 * links: it never sees what is outside of its root, and what it opens below a
 * directory with RESOLVE_BENEATH is below that.
 */
#include <linux/openat2.h>

#include <limits.h>

#include "fuzz.h"

#define NDIRS 4

static struct fileid outside[3]; /* no path may lead there */
static struct fileid root;

/* A path of up to 15 names; sometimes a long one. */
static const char *
take_path(struct input *in, char path[PATH_MAX + 1])
{
	static const char *const names[] = {"a", "b", "c", "a", "b", "..", "..",
	    ".", "", "jail", "canary", "/", "../..", "x/y"};
	unsigned shape = take_byte(in), n = shape & 15;
	size_t len = 0;

	if ((shape & 0x80) != 0)
		path[len++] = '/';
	if ((shape & 0x70) == 0x70)
		for (unsigned i = take_byte(in) * 16; i > 0 && len < PATH_MAX;
		     i--)
			path[len++] = i % 3 == 0 ? '/' : '.';
	for (unsigned i = 0; i < n; i++) {
		const char *name =
		    names[take_below(in, sizeof(names) / sizeof(names[0]))];

		if (len + strlen(name) + 1 > PATH_MAX)
			break;
		if (i > 0)
			path[len++] = '/';
		len = (size_t)(stpcpy(path + len, name) - path);
	}
	path[len] = '\0';
	return path;
}

static void
check_inside(const struct stat *st)
{
	for (size_t i = 0; i < sizeof(outside) / sizeof(outside[0]); i++)
		CHECK(!id_equal(id_of(st), outside[i]));
}

/* The directory is top, or below it. */
static void
check_below(int fd, struct fileid top)
{
	struct stat st;
	int up;

	CHECK(rump_sys_fstat(fd, &st) == 0);
	fd = rump_sys_dup(fd);
	while (!id_equal(id_of(&st), top) && !id_equal(id_of(&st), root) &&
	       fd >= 0) {
		up = rump_sys_openat(fd, "..", O_PATH | O_DIRECTORY);
		CHECK(rump_sys_close(fd) == 0);
		/* It has been removed since it was opened. */
		if ((fd = up) >= 0)
			CHECK(rump_sys_fstat(fd, &st) == 0);
	}
	if (fd >= 0) {
		CHECK(id_equal(id_of(&st), top));
		CHECK(rump_sys_close(fd) == 0);
	}
}

static void
try_beneath(struct input *in, int dirfd, const char *path)
{
	struct open_how how = {
	    .flags = O_PATH,
	    .resolve = RESOLVE_BENEATH | take_below(in, 16),
	};
	struct stat st, top;
	int fd;

	if (rump_sys_fstat(dirfd, &top) != 0)
		return;
	if ((fd = rump_sys_openat2(dirfd, path, &how, sizeof(how))) < 0)
		return;
	CHECK(rump_sys_fstat(fd, &st) == 0);
	check_inside(&st);
	if (S_ISDIR(st.st_mode))
		check_below(fd, id_of(&top));
	CHECK(rump_sys_close(fd) == 0);
}

static void
try_look(int dirfd, const char *path)
{
	char link[PATH_MAX];
	struct stat st;
	int fd;

	if (rump_sys_fstatat(dirfd, path, &st, 0) == 0)
		check_inside(&st);
	if (rump_sys_fstatat(dirfd, path, &st, AT_SYMLINK_NOFOLLOW) == 0) {
		check_inside(&st);
		if (S_ISLNK(st.st_mode))
			CHECK(rump_sys_readlinkat(dirfd, path, link,
				  sizeof(link)) == st.st_size);
	}
	if ((fd = rump_sys_openat(dirfd, path, O_RDONLY | O_NONBLOCK)) >= 0) {
		CHECK(rump_sys_fstat(fd, &st) == 0);
		check_inside(&st);
		CHECK(rump_sys_close(fd) == 0);
	}
}

static void
step(struct input *in, int dirs[NDIRS])
{
	char one[PATH_MAX + 1], two[PATH_MAX + 1];
	unsigned call = take_below(in, 16);
	int *slot = &dirs[take_below(in, NDIRS)], dirfd = *slot;

	take_path(in, one);
	switch (call) {
	case 0:
	case 1:
		(void)rump_sys_mkdirat(dirfd, one, 0755);
		break;
	case 2:
	case 3:
		(void)rump_sys_symlinkat(take_path(in, two), dirfd, one);
		break;
	case 4:
		(void)rump_sys_mknodat(dirfd, one, S_IFREG | 0644, 0);
		break;
	case 5:
		(void)rump_sys_unlinkat(dirfd, one, AT_REMOVEDIR);
		break;
	case 6:
		(void)rump_sys_unlinkat(dirfd, one, 0);
		break;
	case 7:
	case 8:
		(void)rump_sys_renameat2(dirfd, one,
		    dirs[take_below(in, NDIRS)], take_path(in, two),
		    take_below(in, 4));
		break;
	case 9:
		(void)rump_sys_linkat(dirfd, one, AT_FDCWD, take_path(in, two),
		    take_below(in, 2) ? AT_SYMLINK_FOLLOW : 0);
		break;
	case 10:
		(void)rump_sys_chdir(one);
		break;
	case 11:
		(void)rump_sys_close(*slot);
		*slot = rump_sys_openat(AT_FDCWD, one, O_PATH | O_DIRECTORY);
		break;
	case 12:
		try_beneath(in, dirfd, one);
		break;
	case 13:
		if (rump_sys___getcwd(two, sizeof(two)) > 0)
			CHECK(two[0] == '/');
		break;
	default:
		try_look(dirfd, one);
	}
}

void
fuzz_one(struct input *in)
{
	int dirs[NDIRS] = {AT_FDCWD, AT_FDCWD, AT_FDCWD, AT_FDCWD};

	CHECK(rump_sys_mkdir("jail", 0755) == 0);
	CHECK(rump_sys_mkdir("canary", 0755) == 0);
	outside[0] = id_at("/");
	outside[1] = id_at("/fuzz");
	outside[2] = id_at("/fuzz/canary");
	root = id_at("/fuzz/jail");
	CHECK(rump_sys_chroot("jail") == 0 && rump_sys_chdir("/") == 0);
	while (in->in_len > 0)
		step(in, dirs);
	CHECK(id_equal(id_at("/"), root));
	CHECK(id_equal(id_at("/../.."), root));
}
