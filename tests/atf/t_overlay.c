/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * overlay: a directory that can be written to above others.
 */
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>

#include <rump/rump_mount.h>
#include <rump/rump_overlay.h>

#include "tc.h"

static void
make(const char *path, const char *text)
{
	int fd =
	    (int)T_OK(rump_sys_open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644));

	T_EQ(strlen(text), rump_sys_write(fd, text, strlen(text)));
	T_OK(rump_sys_close(fd));
}

static void
fd_holds(int fd, const char *text)
{
	char buf[64] = "";

	T_EQ(strlen(text), rump_sys_pread(fd, buf, sizeof(buf) - 1, 0));
	T_ASSERT(strcmp(buf, text) == 0);
}

static void
holds(const char *path, const char *text)
{
	int fd = (int)T_OK(rump_sys_open(path, O_RDONLY, 0));

	fd_holds(fd, text);
	T_OK(rump_sys_close(fd));
}

static void
absent(const char *path)
{
	struct stat st;

	T_ERR(ENOENT, rump_sys_lstat(path, &st));
}

static void
whiteout(const char *path)
{
	struct stat st;

	T_OK(rump_sys_lstat(path, &st));
	T_ASSERT(S_ISCHR(st.st_mode));
	T_EQ(0, st.st_rdev);
}

static int
mount_text(const char *type, const char *dir, const char *data)
{
	return rump_sys_mount(
	    type, dir, 0, (void *)(uintptr_t)data, strlen(data));
}

/* The names in a directory, with a blank after each, in no order. */
static void
lists(const char *path, const char *names)
{
	char buf[512], name[300];
	int fd = (int)T_OK(rump_sys_open(path, O_RDONLY | O_DIRECTORY, 0));
	size_t len = 0;
	int n, pos;

	while ((n = (int)T_OK(rump_sys_getdents(fd, buf, 64))) > 0)
		for (pos = 0; pos < n;) {
			const struct dirent64 *d = (void *)(buf + pos);

			pos += d->d_reclen;
			if (strcmp(d->d_name, ".") == 0 ||
			    strcmp(d->d_name, "..") == 0)
				continue;
			(void)snprintf(name, sizeof(name), "%s ", d->d_name);
			len += strlen(name);
			if (strstr(names, name) == NULL)
				tc_fail(
				    __FILE__, __LINE__, "%s in %s", name, path);
		}
	T_EQ(strlen(names), len);
	T_OK(rump_sys_close(fd));
}

/*
 * /b: f d/x d/y d/e/z both; /a: g d/w, both "a"; /u is above them; all of it
 * is at /m.
 */
static void
setup_layers(void)
{
	static const char *const dirs[] = {
	    "/a", "/b", "/u", "/w", "/m", "/a/d", "/b/d", "/b/d/e"};
	size_t i;

	boot();
	(void)rump_sys_umask(0);
	for (i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++)
		T_OK(rump_sys_mkdir(dirs[i], 0755));
	make("/b/f", "f of b");
	make("/b/both", "b");
	make("/a/both", "a");
	make("/a/g", "g of a");
	make("/b/d/x", "x");
	make("/b/d/y", "y");
	make("/b/d/e/z", "z");
	make("/a/d/w", "w");
}

static void
mount_again(void)
{
	T_OK(mount_text(
	    "overlay", "/m", "lowerdir=/a:/b,upperdir=/u,workdir=/w"));
}

static void
setup(void)
{
	setup_layers();
	mount_again();
}

/* What is in the layers must say it all. */
static void
remount(void)
{
	T_OK(rump_sys_unmount("/m", 0));
	mount_again();
}

TC(layers_are_one, "names of all layers are there, the highest counts")
{
	struct stat st, d;

	setup();
	holds("/m/f", "f of b");
	holds("/m/g", "g of a");
	holds("/m/both", "a");
	lists("/m", "f g both d ");
	lists("/m/d", "x y e w ");
	T_OK(rump_sys_stat("/m", &st));
	T_EQ(3, st.st_nlink);
	T_OK(rump_sys_stat("/m/d", &d));
	T_EQ(3, d.st_nlink);
	T_EQ(st.st_dev, d.st_dev);
	lists("/u", "");
}

TC(writing_copies_up, "a write changes the upper layer, and nothing else")
{
	struct stat before, after, up;
	int fd, old;

	setup();
	T_OK(rump_sys_chown("/b/d/e/z", 5, 6));
	T_OK(rump_sys_chmod("/b/d/e/z", 0640));
	T_OK(rump_sys_stat("/m/d/e/z", &before));
	old = (int)T_OK(rump_sys_open("/m/d/e/z", O_RDONLY, 0));
	fd = (int)T_OK(rump_sys_open("/m/d/e/z", O_WRONLY | O_APPEND, 0));
	T_OK(rump_sys_stat("/m/d/e/z", &after));
	T_EQ(before.st_ino, after.st_ino);
	T_EQ(before.st_dev, after.st_dev);
	T_EQ(before.st_mtim.tv_nsec, after.st_mtim.tv_nsec);
	T_EQ(2, rump_sys_write(fd, "zz", 2));
	T_OK(rump_sys_close(fd));
	holds("/m/d/e/z", "zzz");
	holds("/b/d/e/z", "z");
	holds("/u/d/e/z", "zzz");
	/* What was open before goes on as well. */
	fd_holds(old, "zzz");
	T_OK(rump_sys_close(old));
	T_OK(rump_sys_stat("/u/d/e/z", &up));
	T_EQ(5, up.st_uid);
	T_EQ(6, up.st_gid);
	T_EQ(S_IFREG | 0640, up.st_mode);
	lists("/u", "d ");
	lists("/m/d", "x y e w ");
	remount();
	holds("/m/d/e/z", "zzz");
}

TC(attributes_copy_up, "so does a change of attributes")
{
	struct timespec ts[2] = {{1, 2}, {3, 4}};
	struct stat st;

	setup();
	T_OK(rump_sys_chmod("/m/f", 0600));
	T_OK(rump_sys_chown("/m/d", 7, 8));
	T_OK(rump_sys_utimensat(AT_FDCWD, "/m/d/x", ts, 0));
	T_OK(rump_sys_stat("/m/f", &st));
	T_EQ(S_IFREG | 0600, st.st_mode);
	T_OK(rump_sys_stat("/b/f", &st));
	T_EQ(S_IFREG | 0644, st.st_mode);
	T_OK(rump_sys_stat("/m/d", &st));
	T_EQ(7, st.st_uid);
	T_OK(rump_sys_stat("/m/d/x", &st));
	T_EQ(3, st.st_mtim.tv_sec);
	T_EQ(4, st.st_mtim.tv_nsec);
	holds("/u/f", "f of b");
	T_OK(rump_sys_truncate("/m/both", 0));
	holds("/m/both", "");
	holds("/a/both", "a");
}

TC(all_kinds, "links and special files are copied up")
{
	char text[16] = "";
	struct stat st;

	setup_layers();
	T_OK(rump_sys_symlink("f", "/b/l"));
	T_OK(rump_sys_mkfifo("/b/p", 0600));
	T_OK(rump_sys_mknod("/b/c", S_IFCHR | 0600, makedev(1, 3)));
	mount_again();
	T_OK(rump_sys_lchown("/m/l", 1, 1));
	T_OK(rump_sys_chmod("/m/p", 0640));
	T_OK(rump_sys_chmod("/m/c", 0640));
	T_EQ(1, rump_sys_readlink("/u/l", text, sizeof(text)));
	T_OK(rump_sys_stat("/u/p", &st));
	T_EQ(S_IFIFO | 0640, st.st_mode);
	T_OK(rump_sys_stat("/u/c", &st));
	T_EQ(makedev(1, 3), st.st_rdev);
	holds("/m/l", "f of b");
	T_ERR(EPERM, rump_sys_mknod("/m/w", S_IFCHR | 0600, 0));
}

TC(removing_hides, "what lower layers have is hidden by a whiteout")
{
	setup();
	T_OK(rump_sys_unlink("/m/f"));
	T_OK(rump_sys_unlink("/m/both"));
	absent("/m/f");
	absent("/m/both");
	lists("/m", "g d ");
	whiteout("/u/f");
	whiteout("/u/both");
	holds("/b/f", "f of b");
	/* In the upper layer and below. */
	make("/m/d/x", "new");
	T_OK(rump_sys_unlink("/m/d/x"));
	whiteout("/u/d/x");
	/* In the upper layer only. */
	make("/m/n", "n");
	T_OK(rump_sys_unlink("/m/n"));
	absent("/u/n");
	remount();
	lists("/m", "g d ");
	lists("/m/d", "y e w ");
	make("/m/f", "again");
	holds("/m/f", "again");
	remount();
	holds("/m/f", "again");
	lists("/u", "f both d ");
}

TC(directories, "removed and made again, a directory is empty")
{
	struct stat st;

	setup();
	T_ERR(ENOTEMPTY, rump_sys_rmdir("/m/d"));
	T_OK(rump_sys_unlink("/m/d/w"));
	T_OK(rump_sys_unlink("/m/d/x"));
	T_OK(rump_sys_unlink("/m/d/y"));
	T_OK(rump_sys_unlink("/m/d/e/z"));
	T_OK(rump_sys_rmdir("/m/d/e"));
	T_OK(rump_sys_rmdir("/m/d"));
	absent("/m/d");
	whiteout("/u/d");
	T_OK(rump_sys_stat("/m", &st));
	T_EQ(2, st.st_nlink);
	T_OK(rump_sys_mkdir("/m/d", 0700));
	lists("/m/d", "");
	make("/m/d/x", "mine");
	remount();
	lists("/m/d", "x ");
	T_OK(rump_sys_unlink("/m/d/x"));
	T_OK(rump_sys_rmdir("/m/d"));
	whiteout("/u/d");
}

TC(rename_files, "files of all layers are renamed")
{
	setup();
	T_OK(rump_sys_rename("/m/f", "/m/d/f2"));
	holds("/m/d/f2", "f of b");
	absent("/m/f");
	whiteout("/u/f");
	T_OK(rump_sys_rename("/m/d/f2", "/m/f"));
	holds("/m/f", "f of b");
	absent("/u/d/f2");
	/* Over what is below, in both, and above. */
	T_OK(rump_sys_rename("/m/f", "/m/g"));
	holds("/m/g", "f of b");
	make("/m/both", "up");
	T_OK(rump_sys_rename("/m/both", "/m/g"));
	holds("/m/g", "up");
	absent("/m/both");
	remount();
	lists("/m", "g d ");
	holds("/m/g", "up");
	lists("/u", "g d both f ");
}

TC(rename_directories, "a directory takes along what lower layers have of it")
{
	struct stat st;

	setup();
	T_OK(rump_sys_rename("/m/d", "/m/k"));
	lists("/m", "f g both k ");
	lists("/m/k", "x y e w ");
	make("/m/k/x", "X");
	T_OK(rump_sys_mkdir("/m/d", 0755));
	lists("/m/d", "");
	T_OK(rump_sys_rename("/m/k/e", "/m/d/e2"));
	remount();
	lists("/m/d", "e2 ");
	lists("/m/k", "x y w ");
	holds("/m/k/x", "X");
	holds("/m/k/w", "w");
	holds("/m/d/e2/z", "z");
	T_OK(rump_sys_stat("/m/k", &st));
	T_EQ(2, st.st_nlink);
	T_OK(rump_sys_stat("/m/d", &st));
	T_EQ(3, st.st_nlink);
	/* Back to where lower layers have one of that name. */
	T_OK(rump_sys_mkdir("/m/n", 0755));
	make("/m/n/only", "o");
	T_OK(rump_sys_rename("/m/d/e2", "/m/k/e"));
	T_OK(rump_sys_rename("/m/n", "/m/d"));
	lists("/m/d", "only ");
	remount();
	lists("/m/d", "only ");
	holds("/m/k/e/z", "z");
	T_ERR(EINVAL, rump_sys_rename("/m/k", "/m/k/e/x"));
}

TC(exchange, "two names change places")
{
	setup();
	T_OK(rump_sys_renameat2(
	    AT_FDCWD, "/m/d", AT_FDCWD, "/m/f", RENAME_EXCHANGE));
	holds("/m/d", "f of b");
	lists("/m/f", "x y e w ");
	remount();
	holds("/m/d", "f of b");
	lists("/m/f", "x y e w ");
	holds("/m/f/e/z", "z");
}

TC(hard_links, "names of one file")
{
	struct stat a, b;

	setup();
	T_OK(rump_sys_link("/m/f", "/m/d/f2"));
	T_OK(rump_sys_stat("/m/f", &a));
	T_OK(rump_sys_stat("/m/d/f2", &b));
	T_EQ(a.st_ino, b.st_ino);
	T_EQ(2, b.st_nlink);
	make("/m/f", "changed");
	holds("/m/d/f2", "changed");
	remount();
	T_OK(rump_sys_stat("/m/f", &a));
	T_OK(rump_sys_stat("/m/d/f2", &b));
	T_EQ(a.st_ino, b.st_ino);
	T_OK(rump_sys_unlink("/m/f"));
	holds("/m/d/f2", "changed");
	/* Over a whiteout. */
	T_OK(rump_sys_link("/m/d/f2", "/m/f"));
	holds("/m/f", "changed");
}

TC(removed_and_open, "what is removed can be used while it is open")
{
	struct stat st;
	int fd, rd;

	setup();
	fd = (int)T_OK(rump_sys_open("/m/f", O_RDWR, 0));
	rd = (int)T_OK(rump_sys_open("/m/g", O_RDONLY, 0));
	T_OK(rump_sys_unlink("/m/f"));
	T_OK(rump_sys_unlink("/m/g"));
	T_EQ(1, rump_sys_pwrite(fd, "F", 1, 0));
	fd_holds(fd, "F of b");
	fd_holds(rd, "g of a");
	T_OK(rump_sys_fstat(rd, &st));
	T_EQ(0, st.st_nlink);
	T_OK(rump_sys_fchmod(rd, 0600));
	T_OK(rump_sys_fstat(rd, &st));
	T_EQ(S_IFREG | 0600, st.st_mode);
	T_EQ(0, st.st_nlink);
	fd_holds(rd, "g of a");
	T_OK(rump_sys_close(fd));
	T_OK(rump_sys_close(rd));
	lists("/m", "both d ");
	lists("/u", "f g ");
}

TC(read_only, "without an upper layer nothing can be changed")
{
	struct stat st;

	setup_layers();
	T_OK(mount_text("overlay", "/m", "lower=/a:/b"));
	lists("/m/d", "x y e w ");
	T_ERR(EROFS, rump_sys_mkdir("/m/n", 0755));
	T_ERR(EROFS, rump_sys_unlink("/m/f"));
	T_ERR(EROFS, rump_sys_open("/m/f", O_WRONLY, 0));
	T_OK(rump_sys_mount("overlay", "/m", RUMP_MNT_UPDATE, NULL, 0));
	T_ERR(EROFS, rump_sys_chmod("/m/f", 0600));
	T_ERR(EROFS, rump_sys_open("/m/f", O_WRONLY, 0));
	T_OK(rump_sys_stat("/m/f", &st));
}

TC(union_structure, "the target above what is covered, or below")
{
	struct union_args ua = {(char *)(uintptr_t) "/a", UNMNT_ABOVE};

	setup_layers();
	T_OK(rump_sys_mount("union", "/b", 0, &ua, sizeof(ua)));
	holds("/b/both", "a");
	holds("/b/f", "f of b");
	make("/b/f", "new");
	holds("/a/f", "new");
	T_OK(rump_sys_unmount("/b", 0));
	holds("/b/f", "f of b");
	T_OK(rump_sys_unlink("/a/f"));
	ua.mntflags = UNMNT_BELOW;
	T_OK(rump_sys_mount("union", "/b", 0, &ua, sizeof(ua)));
	holds("/b/both", "b");
	make("/b/n", "n");
	absent("/a/n");
	T_OK(rump_sys_unmount("/b", 0));
	holds("/b/n", "n");
	ua.mntflags = 3;
	T_ERR(EINVAL, rump_sys_mount("union", "/b", 0, &ua, sizeof(ua)));
}

TC(bad_data, "what makes no sense is refused")
{
	setup_layers();
	T_ERR(EINVAL, mount_text("overlay", "/m", ""));
	T_ERR(EINVAL, mount_text("overlay", "/m", "upperdir=/u"));
	T_ERR(EINVAL, mount_text("overlay", "/m", "lowerdir=/a:"));
	T_ERR(EINVAL, mount_text("overlay", "/m", "lowerdir=/a::/b"));
	T_ERR(EINVAL, mount_text("overlay", "/m", "lowerdir=/a,x=1"));
	T_ERR(ENOENT, mount_text("overlay", "/m", "lowerdir=/none"));
	T_ERR(ENOTDIR, mount_text("overlay", "/m", "lowerdir=/b/f"));
	T_ERR(ELOOP, mount_text("overlay", "/m", "lowerdir=/b:/b/d"));
	T_ERR(ELOOP, mount_text("overlay", "/m", "lower=/b/d,upper=/b"));
	/* The layers are in use as long as the overlay is there. */
	T_OK(rump_sys_mount("tmpfs", "/u", 0, NULL, 0));
	mount_again();
	T_ERR(EBUSY, rump_sys_unmount("/u", 0));
	T_OK(rump_sys_unmount("/m", 0));
	T_OK(rump_sys_unmount("/u", 0));
}

TC(no_space, "a copy that does not fit leaves nothing")
{
	char buf[4096] = "";
	struct stat st;
	int fd, i;

	setup_layers();
	fd = (int)T_OK(rump_sys_open("/b/d/e/big", O_WRONLY | O_CREAT, 0644));
	for (i = 0; i < 64; i++)
		T_EQ(sizeof(buf), rump_sys_write(fd, buf, sizeof(buf)));
	T_OK(rump_sys_close(fd));
	T_OK(rump_sys_mount(
	    "tmpfs", "/u", 0, (void *)(uintptr_t) "size=64k", 8));
	mount_again();
	T_ERR(ENOSPC, rump_sys_open("/m/d/e/big", O_WRONLY, 0));
	T_ERR(ENOSPC, rump_sys_chmod("/m/d/e/big", 0600));
	absent("/u/d/e/big");
	T_OK(rump_sys_stat("/m/d/e/big", &st));
	T_EQ(64 * 4096, st.st_size);
	T_EQ(S_IFREG | 0644, st.st_mode);
	/* Without the data it fits. */
	fd = (int)T_OK(rump_sys_open("/m/d/e/big", O_WRONLY | O_TRUNC, 0));
	T_OK(rump_sys_close(fd));
	holds("/m/d/e/big", "");
}

TC(positions_stay, "reading a directory goes on where it was")
{
	char buf[512], path[32];
	int fd, n, seen = 0, i;

	setup();
	for (i = 0; i < 100; i++) {
		(void)snprintf(path, sizeof(path), "/b/d/e/%d", i);
		make(path, "");
	}
	remount();
	fd = (int)T_OK(rump_sys_open("/m/d/e", O_RDONLY | O_DIRECTORY, 0));
	for (i = 0; (n = (int)T_OK(rump_sys_getdents(fd, buf, 32))) > 0; i++) {
		const struct dirent64 *d = (void *)buf;

		T_EQ(n, d->d_reclen);
		seen++;
		/* They come to the upper layer meanwhile. */
		if (i < 100) {
			(void)snprintf(path, sizeof(path), "/m/d/e/%d", i);
			T_OK(rump_sys_chmod(path, 0600));
		}
	}
	T_EQ(100 + 1 + 2, seen);
	T_OK(rump_sys_close(fd));
}

/* The number that a name ends with was not seen before. */
static void
seen_once(const char *name, bool *seen, int n)
{
	int i = atoi(name + strcspn(name, "0123456789"));

	T_ASSERT(i >= 0 && i < n && !seen[i]);
	seen[i] = true;
}

TC(large_directory, "more names than are collected at a time, long ones too")
{
	static const char long_name[] =
	    "a-name-that-is-longer-than-most-others-";
	static bool seen[5000];
	static char buf[32768];
	int fd, n, pos, count = 0, times = 0;
	char path[96];

	setup_layers();
	for (int i = 0; i < 5000; i++) {
		(void)snprintf(path, sizeof(path), "/%c/d/e/%s%d",
		    i % 7 == 0 ? 'u' : 'b', i % 3 == 0 ? long_name : "", i);
		if (i == 0)
			T_OK(rump_sys_mkdir("/u/d", 0755) |
			     rump_sys_mkdir("/u/d/e", 0755));
		T_OK(rump_sys_mknod(path, S_IFREG | 0644, 0));
	}
	T_OK(rump_sys_unlink("/b/d/e/z"));
	mount_again();
	fd = (int)T_OK(rump_sys_open("/m/d/e", O_RDONLY | O_DIRECTORY, 0));
	while ((n = (int)T_OK(rump_sys_getdents(fd, buf, sizeof(buf)))) > 0) {
		times++;
		for (pos = 0; pos < n; count++) {
			const struct dirent64 *d = (void *)(buf + pos);

			pos += d->d_reclen;
			if (d->d_name[0] != '.')
				seen_once(d->d_name, seen, 5000);
		}
	}
	T_EQ(5000 + 2, count);
	T_ASSERT(times > 5);
	/* Still the end; and what is new is there for who begins again. */
	make("/b/d/e/z", "");
	T_EQ(0, T_OK(rump_sys_getdents(fd, buf, sizeof(buf))));
	T_EQ(0, T_OK(rump_sys_lseek(fd, 0, SEEK_SET)));
	T_OK(rump_sys_unlink("/m/d/e/1"));
	for (count = 0;
	     (n = (int)T_OK(rump_sys_getdents(fd, buf, sizeof(buf)))) > 0;)
		for (pos = 0; pos < n; count++)
			pos +=
			    ((struct dirent64 *)(void *)(buf + pos))->d_reclen;
	T_EQ(5000 + 2, count);
	T_OK(rump_sys_close(fd));
}

/* How many links, and all show the same file. */
static void
are_one(const char *a, const char *b, nlink_t links)
{
	struct stat sa, sb;

	T_OK(rump_sys_lstat(a, &sa));
	T_OK(rump_sys_lstat(b, &sb));
	T_EQ(sa.st_ino, sb.st_ino);
	T_EQ(links, sa.st_nlink);
	T_EQ(links, sb.st_nlink);
}

TC(lower_links, "names of one lower file stay that when it is changed")
{
	struct stat before, now;

	setup_layers();
	T_OK(rump_sys_link("/b/f", "/b/f2"));
	T_OK(rump_sys_link("/b/f", "/b/d/e/f3"));
	mount_again();
	T_OK(rump_sys_stat("/m/f", &before));
	T_EQ(3, before.st_nlink);
	make("/m/f2", "two");
	holds("/m/f2", "two");
	holds("/m/f", "two");
	holds("/b/f", "f of b");
	are_one("/m/f", "/m/f2", 3);
	T_OK(rump_sys_stat("/m/f", &now));
	T_EQ(before.st_ino, now.st_ino);
	/* One that nobody has looked up so far. */
	holds("/m/d/e/f3", "two");
	are_one("/m/d/e/f3", "/m/f2", 3);
	T_OK(rump_sys_link("/m/d/e/f3", "/m/f4"));
	are_one("/m/f4", "/m/f", 4);
	T_OK(rump_sys_unlink("/m/f"));
	are_one("/m/f4", "/m/f2", 3);
	/* The same file: nothing happens. */
	T_OK(rump_sys_rename("/m/f4", "/m/f2"));
	are_one("/m/f4", "/m/f2", 3);
	T_OK(rump_sys_rename("/m/f4", "/m/g"));
	are_one("/m/g", "/m/d/e/f3", 3);
	remount();
	are_one("/m/g", "/m/d/e/f3", 3);
	are_one("/m/g", "/m/f2", 3);
	holds("/m/f2", "two");
	holds("/b/f", "f of b");
}

TC(lower_links_removed, "a file stays as long as it has a name")
{
	struct stat st;
	int fd;

	setup_layers();
	T_OK(rump_sys_link("/b/f", "/b/d/e/f2"));
	T_OK(rump_sys_link("/b/both", "/b/both2"));
	T_OK(rump_sys_link("/b/d/x", "/b/d/x2"));
	T_OK(rump_sys_link("/b/d/y", "/b/d/y2"));
	T_OK(rump_sys_link("/b/d/y", "/b/d/y3"));
	mount_again();
	/* Changed, and then the other name is the only one. */
	make("/m/f", "new");
	T_OK(rump_sys_unlink("/m/f"));
	holds("/m/d/e/f2", "new");
	are_one("/m/d/e/f2", "/m/d/e/f2", 1);
	T_OK(rump_sys_link("/m/d/e/f2", "/m/f"));
	are_one("/m/f", "/m/d/e/f2", 2);
	/* One name is hidden by another layer. */
	holds("/m/both", "a");
	make("/m/both2", "b2");
	are_one("/m/both2", "/m/both2", 2);
	holds("/m/both", "a");
	/* Not changed: the count is right all the same. */
	T_OK(rump_sys_unlink("/m/d/x"));
	are_one("/m/d/x2", "/m/d/x2", 1);
	fd = (int)T_OK(rump_sys_open("/m/d/x2", O_RDONLY, 0));
	T_OK(rump_sys_unlink("/m/d/x2"));
	T_OK(rump_sys_fstat(fd, &st));
	T_EQ(0, st.st_nlink);
	T_OK(rump_sys_close(fd));
	/* In its place there is another one. */
	T_OK(rump_sys_rename("/m/g", "/m/d/y"));
	are_one("/m/d/y2", "/m/d/y3", 2);
	holds("/m/d/y2", "y");
	holds("/m/d/y", "g of a");
	remount();
	are_one("/m/f", "/m/d/e/f2", 2);
	holds("/m/f", "new");
	absent("/m/d/x");
	absent("/m/d/x2");
}

TC(lower_links_kinds, "links of all kinds have several names, too")
{
	char text[64];

	setup_layers();
	T_OK(rump_sys_symlink("f", "/b/l"));
	T_OK(rump_sys_link("/b/l", "/b/l2"));
	T_OK(rump_sys_mkfifo("/b/p", 0600));
	T_OK(rump_sys_link("/b/p", "/b/d/p2"));
	mount_again();
	T_OK(rump_sys_lchown("/m/l", 1, 2));
	are_one("/m/l", "/m/l2", 2);
	T_EQ(1, rump_sys_readlink("/m/l2", text, sizeof(text)));
	T_OK(rump_sys_chmod("/m/p", 0640));
	are_one("/m/p", "/m/d/p2", 2);
	T_OK(rump_sys_rename("/m/d/p2", "/m/p3"));
	T_OK(rump_sys_unlink("/m/p"));
	are_one("/m/p3", "/m/p3", 1);
	lists("/m", "both d f g l l2 p3 ");
	remount();
	are_one("/m/l", "/m/l2", 2);
	lists("/m", "both d f g l l2 p3 ");
}

/* An entry of a directory shows the number of its file. */
static void
entry_is(const char *dir, const char *name)
{
	char buf[1024], path[64];
	int fd = (int)T_OK(rump_sys_open(dir, O_RDONLY | O_DIRECTORY, 0));
	int n = (int)T_OK(rump_sys_getdents(fd, buf, sizeof(buf)));
	struct stat st;
	bool seen = false;

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	T_OK(rump_sys_stat(path, &st));
	for (int pos = 0; pos < n;) {
		const struct dirent64 *d = (void *)(buf + pos);

		pos += d->d_reclen;
		if (strcmp(d->d_name, name) != 0)
			continue;
		T_EQ(st.st_ino, d->d_ino);
		seen = true;
	}
	T_ASSERT(seen);
	T_OK(rump_sys_close(fd));
}

TC(lower_links_numbers, "directories show the numbers that stat does")
{
	setup_layers();
	T_OK(rump_sys_link("/b/f", "/b/f2"));
	mount_again();
	entry_is("/m", "f");
	T_OK(rump_sys_chmod("/m/f2", 0600));
	entry_is("/m", "f");
	entry_is("/m", "f2");
	T_OK(rump_sys_unlink("/m/f"));
	entry_is("/m", "f2");
}

/* Each change as "A name ". */
static int
note_change(void *arg, const struct rump_overlay_change *oc)
{
	char *p = (char *)arg + strlen(arg);

	(void)sprintf(p, "%c%s ", "AMRX"[oc->oc_kind], oc -> oc_path);
	if (S_ISDIR(oc->oc_type))
		strcpy(p + strlen(p) - 1, "/ ");
	return strcmp(oc->oc_path, "stop") == 0 ? 1234 : 0;
}

static void
differs(const char *changes)
{
	char all[512] = "", one[64];
	size_t len = 0;

	T_EQ(0, rump_pub_overlay_diff("/m", note_change, all));
	while (sscanf(changes + len, "%63[^ ] ", one) == 1) {
		len += strlen(one) + 1;
		strcat(one, " ");
		if (strstr(all, one) == NULL)
			tc_fail(__FILE__, __LINE__, "no %sin %s", one, all);
	}
	T_EQ(len, strlen(all));
}

TC(difference, "what has been changed is listed")
{
	char all[512] = "";

	setup();
	differs("");
	make("/m/d/e/z", "Z");
	differs("Md/e/z ");
	T_OK(rump_sys_chmod("/m/d", 0700));
	T_OK(rump_sys_unlink("/m/f"));
	T_OK(rump_sys_mkdir("/m/n", 0755));
	make("/m/n/new", "");
	make("/m/gone", "");
	T_OK(rump_sys_unlink("/m/gone"));
	T_OK(rump_sys_unlink("/m/g"));
	T_OK(rump_sys_mkdir("/m/g", 0755));
	differs("Md/e/z Md/ Rf An/ An/new Xg/ ");
	T_OK(rump_sys_rename("/m/d", "/m/k"));
	differs("Rf An/ An/new Xg/ Rd/ Ak/ Ak/x Ak/y Ak/w Ak/e/ Ak/e/z ");
	T_OK(rump_sys_mkdir("/m/d", 0755));
	make("/m/d/x", "");
	differs("Rf An/ An/new Xg/ Xd/ Ad/x "
		"Ak/ Ak/x Ak/y Ak/w Ak/e/ Ak/e/z ");
	remount();
	make("/m/stop", "");
	T_EQ(1234, rump_pub_overlay_diff("/m", note_change, all));
	T_EQ(EINVAL, rump_pub_overlay_diff("/m/d", note_change, all));
	T_EQ(EINVAL, rump_pub_overlay_diff("/u", note_change, all));
	T_EQ(ENOENT, rump_pub_overlay_diff("/none", note_change, all));
}

static void
host_holds(int dir, const char *path, const char *text)
{
	char buf[64] = "";
	int fd = (int)T_OK(openat(dir, path, O_RDONLY));

	T_EQ(strlen(text), read(fd, buf, sizeof(buf) - 1));
	T_ASSERT(strcmp(buf, text) == 0);
	T_OK(close(fd));
}

static void
host_links(int dir, const char *a, const char *b)
{
	struct stat sa, sb;

	T_OK(fstatat(dir, a, &sa, AT_SYMLINK_NOFOLLOW));
	T_OK(fstatat(dir, b, &sb, AT_SYMLINK_NOFOLLOW));
	T_EQ(sa.st_ino, sb.st_ino);
	T_EQ(2, sa.st_nlink);
}

TC(applied, "what has been changed is done to a directory of the host")
{
	struct stat st;
	int dir;

	T_OK(mkdir("host", 0755));
	dir = (int)T_OK(open("host", O_RDONLY | O_DIRECTORY));
	T_OK(mkdirat(dir, "d", 0755));
	T_OK(mkdirat(dir, "d/e", 0755));
	T_OK(mkdirat(dir, "f", 0755));
	T_OK(mkdirat(dir, "f/deep", 0755));
	T_OK(close((int)T_OK(openat(dir, "f/deep/x", O_CREAT | O_RDWR, 0))));
	setup();
	T_OK(rump_sys_unlink("/m/f"));
	make("/m/d/e/z", "Z");
	T_OK(rump_sys_mkdir("/m/n", 0755));
	make("/m/n/new", "new");
	T_OK(rump_sys_symlink("/etc", "/m/n/l"));
	T_OK(rump_sys_link("/m/n/new", "/m/d/new2"));
	T_OK(rump_sys_link("/m/n/l", "/m/n/l2"));
	T_OK(rump_sys_chmod("/m/n", 0500));
	T_EQ(0, rump_pub_overlay_apply("/m", dir));
	host_links(dir, "n/new", "d/new2");
	host_links(dir, "n/l", "n/l2");
	T_ERR(ENOENT, fstatat(dir, "f", &st, 0));
	host_holds(dir, "d/e/z", "Z");
	host_holds(dir, "n/new", "new");
	T_OK(fstatat(dir, "n", &st, 0));
	T_EQ(S_IFDIR | 0500, st.st_mode);
	T_OK(fstatat(dir, "n/l", &st, AT_SYMLINK_NOFOLLOW));
	T_ASSERT(S_ISLNK(st.st_mode));
	/* A link in the way is not followed. */
	T_OK(unlinkat(dir, "d/e/z", 0));
	T_OK(unlinkat(dir, "d/e", AT_REMOVEDIR));
	T_OK(mkdir("elsewhere", 0755));
	T_OK(symlinkat("../../elsewhere", dir, "d/e"));
	T_EQ(ENOTDIR, rump_pub_overlay_apply("/m", dir));
	T_ERR(ENOENT, stat("elsewhere/z", &st));
	T_EQ(EBADF, rump_pub_overlay_apply("/m", -1));
	T_OK(close(dir));
}

TC(layers_of_layers, "an overlay can be a layer, an upper one a lower one")
{
	setup();
	T_OK(rump_sys_rename("/m/d", "/m/k"));
	T_OK(rump_sys_unlink("/m/f"));
	T_OK(rump_sys_mkdir("/u2", 0755));
	T_OK(rump_sys_mkdir("/m2", 0755));
	T_OK(mount_text("overlay", "/m2", "lower=/m,upper=/u2"));
	lists("/m2", "g both k ");
	make("/m2/k/x", "2");
	holds("/m/k/x", "x");
	T_OK(rump_sys_unmount("/m2", 0));
	T_OK(rump_sys_unmount("/m", 0));
	/* The same from all the layers at once. */
	T_OK(mount_text("overlay", "/m2", "lower=/u:/a:/b,upper=/u2"));
	lists("/m2", "g both k ");
	lists("/m2/k", "x y e w ");
	holds("/m2/k/x", "2");
	holds("/m2/k/e/z", "z");
}

#define NMANY 4000

static void
look_at_all(ino_t *ino)
{
	char path[64];
	struct stat st;

	for (int i = 0; i < NMANY; i++) {
		(void)snprintf(
		    path, sizeof(path), "/o/%d/a-file-%d", i % 40, i);
		T_OK(rump_sys_stat(path, &st));
		if (ino[i] != 0)
			T_EQ(ino[i], st.st_ino);
		ino[i] = st.st_ino;
	}
}

TC(unused_names_go, "names that are not used are not kept, and come again")
{
	struct rump_memstat start, end;
	static ino_t ino[NMANY];
	char path[64];
	struct stat st;
	int fd;

	T_OK(setenv("RUMP_NVNODES", "100", 1));
	boot();
	T_OK(rump_sys_mkdir("/l", 0755));
	T_OK(rump_sys_mkdir("/u", 0755));
	T_OK(rump_sys_mkdir("/o", 0755));
	for (int i = 0; i < NMANY; i++) {
		(void)snprintf(path, sizeof(path), "/l/%d", i % 40);
		if (i < 40)
			T_OK(rump_sys_mkdir(path, 0755));
		(void)snprintf(
		    path, sizeof(path), "/l/%d/a-file-%d", i % 40, i);
		T_OK(rump_sys_mknod(path, S_IFREG | 0644, 0));
	}
	T_OK(mount_text("overlay", "/o", "lower=/l,upper=/u"));
	T_EQ(0, rump_pub_memstat(&start));
	fd = (int)T_OK(rump_sys_open("/o/7/a-file-7", O_RDONLY));
	T_OK(rump_sys_chmod("/o/8/a-file-8", 0600));
	for (int i = 0; i < 3; i++)
		look_at_all(ino);
	T_EQ(0, rump_pub_memstat(&end));
	/* All nodes and names would take ten times that. */
	T_ASSERT(end.used - start.used < 200000);
	/* What is open is still what its name stands for. */
	T_OK(rump_sys_fstat(fd, &st));
	T_EQ(ino[7], st.st_ino);
	T_OK(rump_sys_chmod("/o/7/a-file-7", 0640));
	T_OK(rump_sys_fstat(fd, &st));
	T_EQ(S_IFREG | 0640, st.st_mode);
	T_OK(rump_sys_stat("/o/8/a-file-8", &st));
	T_EQ(S_IFREG | 0600, st.st_mode);
	T_OK(rump_sys_close(fd));
	T_OK(rump_sys_unmount("/o", 0));
	lists("/u", "7 8 ");
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, unused_names_go);
	ATF_TP_ADD_TC(tp, layers_are_one);
	ATF_TP_ADD_TC(tp, writing_copies_up);
	ATF_TP_ADD_TC(tp, attributes_copy_up);
	ATF_TP_ADD_TC(tp, all_kinds);
	ATF_TP_ADD_TC(tp, removing_hides);
	ATF_TP_ADD_TC(tp, directories);
	ATF_TP_ADD_TC(tp, rename_files);
	ATF_TP_ADD_TC(tp, rename_directories);
	ATF_TP_ADD_TC(tp, exchange);
	ATF_TP_ADD_TC(tp, hard_links);
	ATF_TP_ADD_TC(tp, removed_and_open);
	ATF_TP_ADD_TC(tp, read_only);
	ATF_TP_ADD_TC(tp, union_structure);
	ATF_TP_ADD_TC(tp, bad_data);
	ATF_TP_ADD_TC(tp, no_space);
	ATF_TP_ADD_TC(tp, positions_stay);
	ATF_TP_ADD_TC(tp, large_directory);
	ATF_TP_ADD_TC(tp, lower_links);
	ATF_TP_ADD_TC(tp, lower_links_removed);
	ATF_TP_ADD_TC(tp, lower_links_kinds);
	ATF_TP_ADD_TC(tp, lower_links_numbers);
	ATF_TP_ADD_TC(tp, difference);
	ATF_TP_ADD_TC(tp, applied);
	ATF_TP_ADD_TC(tp, layers_of_layers);
	return atf_no_error();
}
