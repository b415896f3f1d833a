/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The walk of a path; working and root directories.
 */
#include "../lib/files.h"

/* A chain of n links: PREFIX0 to what, PREFIX1 to PREFIX0 … */
static void
make_chain(const char *prefix, int n, const char *what)
{
	char name[32], target[32];

	snprintf(target, sizeof(target), "%s", what);
	for (int i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "%s%d", prefix, i);
		T_OK(rump_sys_symlink(target, name));
		memcpy(target, name, sizeof(target));
	}
}

TC(forty_links, "A walk follows 40 symbolic links, not 41.")
{
	struct stat sb;

	start();
	make_file("file", 0644);
	make_chain("f", 41, "file");
	make_chain("d", 21, ".");
	T_OK(rump_sys_stat("f39", &sb));
	T_EQ(ino_of("file"), sb.st_ino);
	T_ERR(ELOOP, rump_sys_stat("f40", &sb));
	T_OK(rump_sys_lstat("f40", &sb));
	T_OK(rump_sys_stat("d19/d19/file", &sb));
	T_OK(rump_sys_stat("d19/d18/f0", &sb));
	T_ERR(ELOOP, rump_sys_stat("d19/d20/file", &sb));
	T_ERR(ELOOP, rump_sys_lstat("d20/d20/file", &sb));
	T_OK(rump_sys_symlink("self", "self"));
	T_ERR(ELOOP, rump_sys_open("self", O_RDWR | O_CREAT, 0600));
	T_ERR(ELOOP, rump_sys_chdir("self"));
	T_ERR(ELOOP, rump_sys_open("f0", O_RDONLY | O_NOFOLLOW));
	T_OK(rump_sys_open("d3/file", O_RDONLY | O_NOFOLLOW));
}

TC(long_names, "A name has at most NAME_MAX bytes.")
{
	char name[NAME_MAX + 2], path[NAME_MAX + 20];
	struct stat sb;

	start();
	memset(name, 'n', sizeof(name));
	name[NAME_MAX + 1] = '\0';
	T_ERR(ENAMETOOLONG, rump_sys_open(name, O_RDWR | O_CREAT, 0600));
	T_ERR(ENAMETOOLONG, rump_sys_open(name, O_RDONLY));
	T_ERR(ENAMETOOLONG, rump_sys_stat(name, &sb));
	T_ERR(ENAMETOOLONG, rump_sys_mkdir(name, 0700));
	T_ERR(ENAMETOOLONG, rump_sys_rmdir(name));
	T_ERR(ENAMETOOLONG, rump_sys_unlink(name));
	T_ERR(ENAMETOOLONG, rump_sys_symlink("x", name));
	make_file("f", 0644);
	T_ERR(ENAMETOOLONG, rump_sys_rename("f", name));
	T_ERR(ENAMETOOLONG, rump_sys_link("f", name));
	snprintf(path, sizeof(path), "%s/f", name);
	T_ERR(ENAMETOOLONG, rump_sys_stat(path, &sb));

	name[NAME_MAX] = '\0';
	T_OK(rump_sys_mkdir(name, 0700));
	snprintf(path, sizeof(path), "%s/f", name);
	T_OK(rump_sys_link("f", path));
	T_EQ(2, nlink_of("f"));
	T_OK(rump_sys_chdir(name));
	snprintf(path, sizeof(path), "/t/%s", name);
	T_CWD(path);
}

TC(long_paths, "A path has at most PATH_MAX - 1 bytes, a link's text too.")
{
	char path[PATH_MAX + 1], text[PATH_MAX + 1];
	struct stat sb;

	start();
	make_file("f", 0644);
	memset(path, '/', sizeof(path));
	memcpy(path, "/t", 2);
	path[PATH_MAX - 2] = 'f';
	path[PATH_MAX - 1] = '\0';
	T_OK(rump_sys_stat(path, &sb));
	T_OK(rump_sys_symlink(path, "long"));
	T_OK(rump_sys_stat("long", &sb));
	T_EQ(ino_of("f"), sb.st_ino);
	T_EQ(PATH_MAX - 1, rump_sys_readlink("long", text, sizeof(text)));
	T_EQ(0, memcmp(path, text, PATH_MAX - 1));

	path[PATH_MAX - 2] = '/';
	path[PATH_MAX - 1] = 'f';
	path[PATH_MAX] = '\0';
	T_ERR(ENAMETOOLONG, rump_sys_stat(path, &sb));
	T_ERR(ENAMETOOLONG, rump_sys_symlink(path, "longer"));
	T_ERR(ENAMETOOLONG, rump_sys_rename("f", path));
	T_ERR(ENAMETOOLONG, rump_sys_open(path, O_RDWR | O_CREAT, 0600));
}

TC(trailing_slashes, "A slash at the end asks for a directory.")
{
	struct stat sb;

	start();
	make_file("f", 0644);
	T_OK(rump_sys_mkdir("d", 0700));
	T_OK(rump_sys_symlink("d", "to-d"));
	T_OK(rump_sys_symlink("f", "to-f"));
	T_OK(rump_sys_stat("d///", &sb));
	T_OK(rump_sys_stat("//t////d", &sb));
	T_OK(rump_sys_lstat("to-d/", &sb));
	T_ASSERT(S_ISDIR(sb.st_mode));
	T_ERR(ENOTDIR, rump_sys_lstat("to-f/", &sb));
	T_ERR(ENOTDIR, rump_sys_stat("f/", &sb));
	T_ERR(ENOTDIR, rump_sys_stat("f/.", &sb));
	T_ERR(ENOTDIR, rump_sys_open("f/", O_RDONLY));
	T_ERR(EISDIR, rump_sys_open("new/", O_RDWR | O_CREAT, 0600));
	T_ERR(ENOTDIR, rump_sys_unlink("f/"));
	T_ERR(ENOTDIR, rump_sys_unlink("to-d/"));
	T_ERR(EISDIR, rump_sys_unlink("d/"));
	T_ERR(ENOTDIR, rump_sys_rmdir("to-d/"));
	T_ERR(ENOENT, rump_sys_symlink("f", "new/"));
	T_ERR(ENOENT, rump_sys_link("f", "new/"));
	T_ERR(ENOENT, rump_sys_mknod("new/", S_IFREG | 0600, 0));
	T_ERR(ENOTDIR, rump_sys_rename("f", "new/"));
	T_ERR(ENOTDIR, rump_sys_rename("f/", "new"));
	T_OK(rump_sys_mkdir("new/", 0700));
	T_OK(rump_sys_rename("new/", "newer///"));
	T_OK(rump_sys_rmdir("newer/"));
	T_EQ(false, exists("newer"));
}

TC(empty_paths, "The empty path names nothing, but with AT_EMPTY_PATH.")
{
	struct stat sb;
	int fd;

	start();
	make_file("f", 0644);
	T_ERR(ENOENT, rump_sys_open("", O_RDWR | O_CREAT, 0600));
	T_ERR(ENOENT, rump_sys_stat("", &sb));
	T_ERR(ENOENT, rump_sys_chdir(""));
	T_ERR(ENOENT, rump_sys_mkdir("", 0700));
	T_ERR(ENOENT, rump_sys_rmdir(""));
	T_ERR(ENOENT, rump_sys_unlink(""));
	T_ERR(ENOENT, rump_sys_rename("f", ""));
	T_ERR(ENOENT, rump_sys_rename("", "f"));
	T_ERR(ENOENT, rump_sys_symlink("", "new"));
	T_ERR(ENOENT, rump_sys_symlink("f", ""));
	fd = (int)T_OK(rump_sys_open("f", O_RDONLY));
	T_ERR(ENOENT, rump_sys_fstatat(fd, "", &sb, 0));
	T_OK(rump_sys_fstatat(fd, "", &sb, AT_EMPTY_PATH));
	T_EQ(ino_of("f"), sb.st_ino);
	T_OK(rump_sys_fstatat(AT_FDCWD, "", &sb, AT_EMPTY_PATH));
	T_EQ(ino_of("."), sb.st_ino);
}

TC(relative_to_a_descriptor, "A path begins at a descriptor's directory.")
{
	struct stat sb;
	int d, f;

	start();
	make_file("f", 0644);
	T_OK(rump_sys_mkdir("d", 0700));
	d = (int)T_OK(rump_sys_open("d", O_RDONLY | O_DIRECTORY));
	f = (int)T_OK(rump_sys_open("f", O_RDONLY));
	T_OK(rump_sys_mkdirat(d, "in", 0700));
	T_ASSERT(exists("d/in"));
	T_OK(rump_sys_renameat(d, "in", AT_FDCWD, "out"));
	T_OK(rump_sys_renameat(AT_FDCWD, "out", d, "in"));
	T_ERR(ENOTDIR, rump_sys_fstatat(f, "in", &sb, 0));
	T_ERR(EBADF, rump_sys_fstatat(99, "in", &sb, 0));
	T_OK(rump_sys_fstatat(99, "/t/d/in", &sb, 0));
	T_ERR(ENOTDIR, rump_sys_stat("f/../f", &sb));
	T_ERR(ENOENT, rump_sys_stat("none/../f", &sb));
	/* It is the directory that counts, not what it was called. */
	T_OK(rump_sys_rename("d", "e"));
	T_OK(rump_sys_fstatat(d, "in", &sb, 0));
	T_OK(rump_sys_fstatat(d, "../f", &sb, 0));
}

TC(root_has_no_parent, "The root's parent is the root; a chroot's too.")
{
	struct stat sb;
	ino_t root;
	int out;

	start();
	root = ino_of("/");
	T_EQ(root, ino_of("/.."));
	T_EQ(root, ino_of("/../../t/../.."));
	T_OK(rump_sys_mkdir("jail", 0755));
	T_OK(rump_sys_mkdir("jail/d", 0755));
	make_file("outside", 0644);
	make_file("jail/inside", 0644);
	T_OK(rump_sys_symlink("/inside", "jail/d/link"));
	T_OK(rump_sys_symlink("../../../outside", "jail/d/escape"));
	out = (int)T_OK(rump_sys_open(".", O_RDONLY | O_DIRECTORY));
	T_ERR(ENOENT, rump_sys_stat("jail/d/link", &sb));
	T_ERR(ENOTDIR, rump_sys_chroot("outside"));
	T_OK(rump_sys_chroot("jail"));
	/* The working directory stays where it is. */
	T_ASSERT(exists("outside"));
	T_OK(rump_sys_chdir("/"));
	T_CWD("/");
	T_EQ(ino_of("/"), ino_of(".."));
	T_EQ(ino_of("/"), ino_of("/d/../.."));
	T_OK(rump_sys_stat("d/link", &sb));
	T_EQ(ino_of("/inside"), sb.st_ino);
	T_ERR(ENOENT, rump_sys_stat("d/escape", &sb));
	T_OK(rump_sys_chdir("d"));
	T_CWD("/d");
	/* A descriptor from before still leads out, as everywhere. */
	T_OK(rump_sys_fstatat(out, "outside", &sb, 0));
	T_OK(rump_sys_setuid(1));
	T_ERR(EPERM, rump_sys_chroot("/d"));
}

TC(getcwd_follows, "The path of the working directory is the present one.")
{
	char buf[PATH_MAX];

	start();
	T_OK(rump_sys_mkdir("a", 0755));
	T_OK(rump_sys_mkdir("a/b", 0755));
	T_OK(rump_sys_symlink("a/b", "short"));
	T_OK(rump_sys_chdir("short"));
	T_CWD("/t/a/b");
	T_OK(rump_sys_rename("/t/a", "/t/moved"));
	T_CWD("/t/moved/b");
	T_OK(rump_sys_rename("/t/moved/b", "/c"));
	T_CWD("/c");
	T_EQ(3, rump_sys___getcwd(buf, 3));
	T_ERR(ERANGE, rump_sys___getcwd(buf, 2));
	T_ERR(ERANGE, rump_sys___getcwd(buf, 0));
}

TC(removed_cwd, "A working directory that was removed can only be left.")
{
	char buf[PATH_MAX];
	struct stat sb;

	start();
	T_OK(rump_sys_mkdir("d", 0755));
	T_OK(rump_sys_chdir("d"));
	T_OK(rump_sys_rmdir("/t/d"));
	T_ERR(ENOENT, rump_sys___getcwd(buf, sizeof(buf)));
	T_ERR(ENOENT, rump_sys_open("f", O_RDWR | O_CREAT, 0600));
	T_ERR(ENOENT, rump_sys_mkdir("f", 0700));
	T_ERR(ENOENT, rump_sys_symlink("x", "f"));
	T_ERR(ENOENT, rump_sys_rename("/tmp", "f"));
	T_ERR(ENOENT, rump_sys_stat("f", &sb));
	T_OK(rump_sys_stat(".", &sb));
	T_EQ(0, sb.st_nlink);
	T_OK(rump_sys_mkdir("/t/d", 0755));
	T_ASSERT(ino_of("/t/d") != sb.st_ino);
	T_ERR(ENOENT, rump_sys___getcwd(buf, sizeof(buf)));
	T_OK(rump_sys_chdir(".."));
	T_CWD("/t");
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, forty_links);
	ATF_TP_ADD_TC(tp, long_names);
	ATF_TP_ADD_TC(tp, long_paths);
	ATF_TP_ADD_TC(tp, trailing_slashes);
	ATF_TP_ADD_TC(tp, empty_paths);
	ATF_TP_ADD_TC(tp, relative_to_a_descriptor);
	ATF_TP_ADD_TC(tp, root_has_no_parent);
	ATF_TP_ADD_TC(tp, getcwd_follows);
	ATF_TP_ADD_TC(tp, removed_cwd);
	return atf_no_error();
}
