/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A directory of the host in the kernel: hostfs.
 */
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>

#include <rump/rump_mount.h>
#include <rump/rumpuser.h>

#include "../lib/child.h"
#include "../lib/tc.h"
#include "../lib/threads.h"

/* The directory on the host, in kyua's own for this test case. */
static char hostdir[2048];

/* The same from where the test case is. */
#define H(name) "host/" name

static void
host_mkdir(void)
{
	char cwd[2000];

	T_ASSERT(getcwd(cwd, sizeof(cwd)) != NULL);
	(void)snprintf(hostdir, sizeof(hostdir), "%s/host", cwd);
	T_OK(mkdir(hostdir, 0755));
}

static void
host_write(const char *path, const char *text)
{
	int fd = (int)T_OK(open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644));

	T_EQ(strlen(text), write(fd, text, strlen(text)));
	T_OK(close(fd));
}

static const char *
host_read(const char *path)
{
	static char buf[256];
	int fd = (int)T_OK(open(path, O_RDONLY));

	buf[T_OK(read(fd, buf, sizeof(buf) - 1))] = '\0';
	T_OK(close(fd));
	return buf;
}

static const char *
rump_read(const char *path)
{
	static char buf[256];
	int fd = (int)T_OK(rump_sys_open(path, O_RDONLY));

	buf[T_OK(rump_sys_read(fd, buf, sizeof(buf) - 1))] = '\0';
	T_OK(rump_sys_close(fd));
	return buf;
}

static void
rump_write(const char *path, const char *text)
{
	int fd =
	    (int)T_OK(rump_sys_open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644));

	T_EQ(strlen(text), rump_sys_write(fd, text, strlen(text)));
	T_OK(rump_sys_close(fd));
}

static int
mount_at(const char *dir, const char *options)
{
	char data[2 * PATH_MAX];

	(void)snprintf(data, sizeof(data), options, hostdir);
	return rump_sys_mount("hostfs", dir, 0, data, strlen(data));
}

/* hostdir is /h, in a process of its own. */
static void
setup(void)
{
	host_mkdir();
	boot();
	(void)newproc(RUMP_RFCFDG);
	T_OK(rump_sys_mkdir("/h", 0755));
	T_OK(mount_at("/h", "path=%s"));
}

TC(both_sides_see_the_same, "Names, data and attributes, both ways.")
{
	struct stat h, r;

	setup();
	host_write(H("a"), "host");
	T_ASSERT(strcmp(rump_read("/h/a"), "host") == 0);
	rump_write("/h/b", "rump");
	T_ASSERT(strcmp(host_read(H("b")), "rump") == 0);
	T_OK(chmod(H("a"), 0640));
	T_OK(stat(H("a"), &h));
	T_OK(rump_sys_stat("/h/a", &r));
	T_EQ(h.st_mode, r.st_mode);
	T_EQ(h.st_ino, r.st_ino);
	T_EQ(h.st_size, r.st_size);
	T_EQ(h.st_blocks, r.st_blocks);
	T_EQ(h.st_nlink, r.st_nlink);
	T_EQ(h.st_uid, r.st_uid);
	T_EQ(h.st_mtim.tv_sec, r.st_mtim.tv_sec);
	T_EQ(h.st_mtim.tv_nsec, r.st_mtim.tv_nsec);
	T_OK(rump_sys_chmod("/h/a", 04711));
	T_OK(stat(H("a"), &h));
	T_EQ(S_IFREG | 04711, h.st_mode);
	T_OK(unlink(H("a")));
	T_ERR(ENOENT, rump_sys_stat("/h/a", &r));
	T_OK(rump_sys_unlink("/h/b"));
	T_ERR(ENOENT, stat(H("b"), &h));
}

TC(what_can_be_mounted, "Data of mount: a path, options, mistakes.")
{
	struct rump_vfsstat st[8];
	int n, i;

	setup();
	host_write(H("f"), "x");
	T_OK(rump_sys_mkdir("/m", 0755));
	T_ERR(EINVAL, mount_at("/m", ""));
	T_ERR(EINVAL, mount_at("/m", "ro"));
	T_ERR(EINVAL, mount_at("/m", "path="));
	T_ERR(EINVAL, mount_at("/m", "path=%s,nonsense"));
	T_ERR(EINVAL, mount_at("/m", "path=%s,uid=x"));
	T_ERR(ENOENT, mount_at("/m", "path=%s/none"));
	T_ERR(ENOENT, mount_at("/m", "%s/none"));
	T_ERR(ENOTDIR, mount_at("/m", "path=%s/f"));
	T_ERR(ENOTDIR, mount_at("/h/f", "path=%s"));
	T_OK(mount_at("/m", "%s"));
	n = (int)T_OK(rump_sys_getvfsstat(st, sizeof(st), 0));
	for (i = 0; i < n; i++)
		if (strcmp(st[i].vs_mntonname, "/m") == 0)
			break;
	T_ASSERT(i < n);
	T_ASSERT(strcmp(st[i].vs_fstypename, "hostfs") == 0);
	T_ASSERT(strncmp(st[i].vs_mntfromname, hostdir, 100) == 0);
	T_OK(rump_sys_unmount("/m", 0));
	T_OK(mkdir(H("a,b\\c"), 0755));
	host_write(H("a,b\\c/in"), "x");
	T_OK(mount_at("/m", "path=%s/a\\,b\\\\c,ro"));
	T_ASSERT(strcmp(rump_read("/m/in"), "x") == 0);
	T_OK(rump_sys_unmount("/m", 0));
	T_OK(mount_at("/m", "%s/a,b\\c"));
	T_ASSERT(strcmp(rump_read("/m/in"), "x") == 0);
}

TC(read_only, "ro and MNT_RDONLY: EROFS for all changes.")
{
	char data[PATH_MAX + 16];

	setup();
	host_write(H("f"), "x");
	T_OK(rump_sys_mkdir("/m", 0755));
	T_OK(rump_sys_mkdir("/n", 0755));
	T_OK(mount_at("/m", "path=%s,ro"));
	(void)snprintf(data, sizeof(data), "path=%s", hostdir);
	T_OK(rump_sys_mount(
	    "hostfs", "/n", RUMP_MNT_RDONLY, data, strlen(data)));
	T_ERR(EROFS, rump_sys_open("/m/f", O_RDWR));
	T_ERR(EROFS, rump_sys_open("/n/f", O_WRONLY));
	T_ERR(EROFS, rump_sys_open("/m/new", O_WRONLY | O_CREAT, 0644));
	T_ERR(EROFS, rump_sys_mkdir("/m/new", 0755));
	T_ERR(EROFS, rump_sys_unlink("/n/f"));
	T_ERR(EROFS, rump_sys_rename("/n/f", "/n/g"));
	T_ERR(EROFS, rump_sys_chmod("/m/f", 0600));
	T_ERR(EROFS, rump_sys_truncate("/m/f", 0));
	T_ASSERT(strcmp(rump_read("/m/f"), "x") == 0);
}

TC(attributes_believed, "attrtime=: so long, if read-only.")
{
	struct stat sb;
	int fd;

	setup();
	host_write(H("a"), "one");
	T_ERR(EINVAL, mount_at("/h", "path=%s,attrtime=100"));
	T_ERR(EINVAL, mount_at("/h", "path=%s,ro,attrtime=3600001"));
	T_ERR(EINVAL, mount_at("/h", "path=%s,ro,attrtime=x"));
	T_OK(mount_at("/h", "path=%s,ro,attrtime=3600000"));
	fd = (int)T_OK(rump_sys_open("/h/a", O_RDONLY));
	host_write(H("a"), "longer");
	T_OK(rump_sys_fstat(fd, &sb));
	T_EQ(3, sb.st_size);
	/* A name is looked for, which says more. */
	T_OK(rump_sys_stat("/h/a", &sb));
	T_EQ(6, sb.st_size);
	T_OK(rump_sys_fstat(fd, &sb));
	T_EQ(6, sb.st_size);
	T_OK(rump_sys_close(fd));
	T_OK(rump_sys_unmount("/h", 0));
	T_OK(mount_at("/h", "path=%s,ro,attrtime=1"));
	fd = (int)T_OK(rump_sys_open("/h/a", O_RDONLY));
	host_write(H("a"), "long");
	usleep(20000);
	T_OK(rump_sys_fstat(fd, &sb));
	T_EQ(4, sb.st_size);
	T_OK(rump_sys_close(fd));
}

TC(shown_owner, "uid= and gid=: of everything; nothing changes on the host.")
{
	struct stat h, r;

	setup();
	host_write(H("f"), "x");
	T_OK(rump_sys_mkdir("/m", 0755));
	T_OK(mount_at("/m", "path=%s,uid=77,gid=88"));
	T_OK(rump_sys_stat("/m", &r));
	T_EQ(77, r.st_uid);
	T_OK(rump_sys_stat("/m/f", &r));
	T_EQ(77, r.st_uid);
	T_EQ(88, r.st_gid);
	rump_write("/m/new", "x");
	T_OK(rump_sys_stat("/m/new", &r));
	T_EQ(77, r.st_uid);
	T_OK(stat(H("new"), &h));
	T_EQ(geteuid(), h.st_uid);
	T_ERR(EPERM, rump_sys_chown("/m/f", 1, (gid_t)-1));
	T_OK(rump_sys_chown("/m/f", 77, 88));
	T_OK(chmod(H("f"), 0600));
	T_OK(rump_sys_setresuid(77, 77, 77));
	T_ASSERT(strcmp(rump_read("/m/f"), "x") == 0);
	T_ERR(EACCES, rump_sys_open("/h/f", O_RDONLY));
}

TC(owner_of_new_files, "The credential's if the host lets us.")
{
	struct stat h;

	setup();
	T_OK(chmod(hostdir, 0777));
	(void)rump_sys_umask(022);
	T_OK(rump_sys_setresgid(201, 201, 201));
	T_OK(rump_sys_setresuid(200, 200, 200));
	rump_write("/h/f", "x");
	T_OK(rump_sys_mkdir("/h/d", 0777));
	T_OK(rump_sys_symlink("x", "/h/l"));
	T_OK(rump_sys_mkfifo("/h/p", 0666));
	T_OK(lstat(H("f"), &h));
	T_EQ(S_IFREG | 0644, h.st_mode);
	T_EQ(geteuid() == 0 ? 200 : geteuid(), h.st_uid);
	T_EQ(geteuid() == 0 ? 201 : getegid(), h.st_gid);
	T_OK(lstat(H("d"), &h));
	T_EQ(S_IFDIR | 0755, h.st_mode);
	T_EQ(geteuid() == 0 ? 200 : geteuid(), h.st_uid);
	T_OK(lstat(H("l"), &h));
	T_EQ(geteuid() == 0 ? 200 : geteuid(), h.st_uid);
	T_OK(lstat(H("p"), &h));
	T_EQ(S_IFIFO | 0644, h.st_mode);
	T_EQ(geteuid() == 0 ? 200 : geteuid(), h.st_uid);
}

static void
as_nobody(void *arg)
{
	(void)arg;
	T_OK(setresgid(65534, 65534, 65534));
	T_OK(setresuid(65534, 65534, 65534));
	boot();
	(void)newproc(RUMP_RFCFDG);
	T_OK(rump_sys_mkdir("/h", 0755));
	T_OK(mount_at("/h", "path=%s"));
	T_ERR(EACCES, rump_sys_open("/h/secret", O_RDONLY));
	T_ERR(EPERM, rump_sys_chmod("/h/secret", 0666));
	T_ERR(EPERM, rump_sys_chown("/h/secret", 65534, 65534));
	rump_write("/h/mine", "x");
	/* What was made for writing can be written, whatever its mode. */
	int fd = (int)T_OK(rump_sys_open("/h/w", O_RDWR | O_CREAT, 0));
	T_EQ(1, rump_sys_write(fd, "w", 1));
	char c;
	T_EQ(1, rump_sys_pread(fd, &c, 1, 0));
	T_EQ('w', c);
}

TC(the_host_has_the_last_word, "Its errno for what its process may not do.")
{
	struct stat h;

	host_mkdir();
	T_OK(chmod(hostdir, 0777));
	if (geteuid() != 0)
		atf_tc_skip("needs root on the host");
	T_OK(chmod(".", 0755));
	host_write(H("secret"), "x");
	T_OK(chmod(H("secret"), 0600));
	child_passes(as_nobody, NULL);
	T_OK(stat(H("mine"), &h));
	T_EQ(65534, h.st_uid);
}

TC(permissions_are_the_kernels, "By credential, on the ids that the host has.")
{
	struct stat r;

	setup();
	T_OK(mkdir(H("d"), 0700));
	host_write(H("d/f"), "x");
	host_write(H("g"), "x");
	T_OK(chmod(H("g"), 0604));
	T_OK(rump_sys_setresgid(300, 300, 300));
	T_OK(rump_sys_setresuid(300, 300, 300));
	T_ERR(EACCES, rump_sys_stat("/h/d/f", &r));
	T_ERR(EACCES, rump_sys_open("/h/g", O_RDWR));
	T_ASSERT(strcmp(rump_read("/h/g"), "x") == 0);
	/* As it is now, not as it was. */
	T_OK(chmod(H("d"), 0755));
	T_OK(rump_sys_stat("/h/d/f", &r));
	T_OK(chmod(H("g"), 0600));
	T_ERR(EACCES, rump_sys_open("/h/g", O_RDONLY));
	/* Where a walk begins too: the root, the working directory. */
	T_OK(rump_sys_chdir("/h/d"));
	T_OK(rump_sys_stat("f", &r));
	T_OK(chmod(H("d"), 0700));
	T_ERR(EACCES, rump_sys_stat("f", &r));
	T_OK(chmod(hostdir, 0700));
	T_ERR(EACCES, rump_sys_stat("/h/g", &r));
	T_OK(chmod(hostdir, 0777));
	rump_write("/h/new", "x");
}

TC(reading_and_writing, "Offsets, vectors, O_APPEND, holes, length.")
{
	char buf[64] = {0};
	struct iovec iov[3] = {{buf, 2}, {buf + 2, 0}, {buf + 2, 3}};
	struct stat r;
	int fd, fd2;

	setup();
	fd = (int)T_OK(rump_sys_open("/h/f", O_RDWR | O_CREAT, 0644));
	T_EQ(10, rump_sys_write(fd, "0123456789", 10));
	T_EQ(10, rump_sys_lseek(fd, 0, SEEK_CUR));
	T_EQ(5, rump_sys_preadv(fd, iov, 3, 4));
	T_ASSERT(memcmp(buf, "45678", 5) == 0);
	T_EQ(0, rump_sys_read(fd, buf, 5));
	T_EQ(2, rump_sys_pwrite(fd, "ab", 2, 8));
	fd2 = (int)T_OK(rump_sys_open("/h/f", O_RDWR | O_APPEND));
	T_EQ(1, rump_sys_write(fd2, "!", 1));
	T_EQ(11, rump_sys_lseek(fd2, 0, SEEK_CUR));
	T_ASSERT(strcmp(host_read(H("f")), "01234567ab!") == 0);
	T_OK(rump_sys_ftruncate(fd, 4));
	T_OK(stat(H("f"), &r));
	T_EQ(4, r.st_size);
	T_OK(rump_sys_truncate("/h/f", 1 << 20));
	T_EQ(1, rump_sys_pwrite(fd, "x", 1, 1 << 19));
	T_EQ(1 << 19, rump_sys_lseek(fd, 1 << 16, SEEK_DATA));
	T_ASSERT(rump_sys_lseek(fd, 0, SEEK_HOLE) < 1 << 19);
	T_ERR(ENXIO, rump_sys_lseek(fd, 1 << 20, SEEK_DATA));
	T_EQ(1 << 20, rump_sys_lseek(fd, 0, SEEK_END));
	T_OK(rump_sys_fsync(fd));
	T_OK(rump_sys_fdatasync(fd));
	T_ERR(EFAULT, rump_sys_pwrite(fd, (void *)8, 1, 0));
	T_ERR(EFAULT, rump_sys_pread(fd, (void *)8, 1, 0));
	T_OK(rump_sys_open("/h/f", O_WRONLY | O_TRUNC));
	T_OK(rump_sys_fstat(fd, &r));
	T_EQ(0, r.st_size);
}

TC(size_limit, "RLIMIT_FSIZE of the process: up to it, then EFBIG.")
{
	struct rlimit rl = {.rlim_cur = 10, .rlim_max = RLIM_INFINITY};
	int fd;

	rump_boot_setsigmodel(RUMP_SIGMODEL_IGNORE);
	setup();
	fd = (int)T_OK(rump_sys_open("/h/f", O_RDWR | O_CREAT, 0644));
	T_OK(rump_sys_setrlimit(RLIMIT_FSIZE, &rl));
	T_EQ(10, rump_sys_write(fd, "0123456789abcdef", 16));
	T_ERR(EFBIG, rump_sys_write(fd, "x", 1));
	T_ERR(EFBIG, rump_sys_ftruncate(fd, 11));
	T_OK(rump_sys_ftruncate(fd, 3));
	T_ASSERT(strcmp(host_read(H("f")), "012") == 0);
}

TC(set_id_bits_go, "When somebody without the right writes.")
{
	struct stat h;
	int fd;

	setup();
	host_write(H("f"), "x");
	T_OK(chmod(H("f"), 06777));
	T_OK(rump_sys_setresuid(300, 300, 300));
	fd = (int)T_OK(rump_sys_open("/h/f", O_WRONLY));
	T_EQ(1, rump_sys_write(fd, "y", 1));
	T_OK(stat(H("f"), &h));
	T_EQ(0777, h.st_mode & 07777);
}

TC(making_and_removing, "mkdir, symlink, link, mknod, rmdir, unlink.")
{
	struct stat h, r;
	char buf[64];

	setup();
	T_OK(rump_sys_mkdir("/h/d", 0750));
	T_ERR(EEXIST, rump_sys_mkdir("/h/d", 0750));
	T_OK(rump_sys_symlink("d/f", "/h/l"));
	T_EQ(3, rump_sys_readlink("/h/l", buf, sizeof(buf)));
	T_EQ(3, readlink(H("l"), buf, sizeof(buf)));
	rump_write("/h/l", "through");
	T_ASSERT(strcmp(host_read(H("d/f")), "through") == 0);
	T_OK(rump_sys_link("/h/d/f", "/h/g"));
	T_OK(stat(H("g"), &h));
	T_EQ(2, h.st_nlink);
	T_OK(rump_sys_stat("/h/d/f", &r));
	T_EQ(h.st_ino, r.st_ino);
	T_ERR(ENOTEMPTY, rump_sys_rmdir("/h/d"));
	T_ERR(EISDIR, rump_sys_unlink("/h/d"));
	T_ERR(ENOTDIR, rump_sys_rmdir("/h/g"));
	T_OK(rump_sys_unlink("/h/d/f"));
	T_ASSERT(strcmp(rump_read("/h/g"), "through") == 0);
	T_OK(rump_sys_rmdir("/h/d"));
	T_ERR(ENOENT, stat(H("d"), &h));
	T_OK(rump_sys_link("/h/l", "/h/l2"));
	T_OK(lstat(H("l2"), &h));
	T_ASSERT(S_ISLNK(h.st_mode));
	T_ERR(EXDEV, rump_sys_link("/h/g", "/tmp/g"));
}

TC(renaming, "Over files and directories, exchange, in itself.")
{
	struct stat h;
	int fd, dir;

	setup();
	rump_write("/h/a", "a");
	rump_write("/h/b", "b");
	T_OK(rump_sys_mkdir("/h/d", 0755));
	T_OK(rump_sys_mkdir("/h/d/e", 0755));
	fd = (int)T_OK(rump_sys_open("/h/b", O_RDWR));
	T_OK(rump_sys_rename("/h/a", "/h/b"));
	T_ASSERT(strcmp(host_read(H("b")), "a") == 0);
	T_EQ(1, rump_sys_pwrite(fd, "B", 1, 0));
	T_OK(rump_sys_fstat(fd, &h));
	T_EQ(0, h.st_nlink);
	T_OK(rump_sys_rename("/h/b", "/h/d/e/c"));
	T_ASSERT(strcmp(host_read(H("d/e/c")), "a") == 0);
	dir = (int)T_OK(rump_sys_open("/h/d/e", O_RDONLY | O_DIRECTORY));
	T_OK(rump_sys_rename("/h/d/e", "/h/top"));
	T_OK(rump_sys_fstatat(dir, "c", &h, 0));
	T_OK(rump_sys_fstatat(dir, "../d", &h, 0));
	T_ERR(EINVAL, rump_sys_rename("/h/d", "/h/d/x"));
	T_ERR(ENOTEMPTY, rump_sys_rename("/h/d", "/h/top"));
	rump_write("/h/x", "x");
	T_OK(rump_sys_renameat2(
	    AT_FDCWD, "/h/x", AT_FDCWD, "/h/top", RENAME_EXCHANGE));
	T_ASSERT(strcmp(host_read(H("top")), "x") == 0);
	T_ASSERT(strcmp(rump_read("/h/x/c"), "a") == 0);
	T_ERR(EEXIST, rump_sys_renameat2(AT_FDCWD, "/h/x", AT_FDCWD, "/h/d",
			  RENAME_NOREPLACE));
	T_ERR(EXDEV, rump_sys_rename("/h/x", "/tmp/x"));
}

TC(unlinked_files_go_on, "For who has them open, whatever else is opened.")
{
	char name[32], c;
	struct stat r;
	int fd, i, fd2;

	setup();
	fd = (int)T_OK(rump_sys_open("/h/f", O_RDWR | O_CREAT, 0644));
	T_EQ(1, rump_sys_write(fd, "x", 1));
	T_OK(rump_sys_unlink("/h/f"));
	rump_write("/h/f", "other");
	for (i = 0; i < 2000; i++) {
		(void)snprintf(name, sizeof(name), "/h/%d", i);
		rump_write(name, name);
	}
	T_EQ(1, rump_sys_pread(fd, &c, 1, 0));
	T_EQ('x', c);
	T_EQ(1, rump_sys_pwrite(fd, "y", 1, 0));
	T_OK(rump_sys_fstat(fd, &r));
	T_EQ(0, r.st_nlink);
	T_ASSERT(strcmp(host_read(H("f")), "other") == 0);
	fd2 = (int)T_OK(rump_sys_open("/h", O_TMPFILE | O_RDWR, 0600));
	T_EQ(1, rump_sys_write(fd2, "t", 1));
	T_OK(rump_sys_linkat(fd2, "", AT_FDCWD, "/h/tmp", AT_EMPTY_PATH));
	T_ASSERT(strcmp(host_read(H("tmp")), "t") == 0);
}

/* All names of a directory with a small buffer; each must come once. */
static int
list(const char *path, bool seen[], int most)
{
	int fd = (int)T_OK(rump_sys_open(path, O_RDONLY | O_DIRECTORY)), n = 0;
	union {
		struct dirent64 first;
		char all[400];
	} buf;
	off_t pos = 0;

	for (;;) {
		int len =
		    (int)T_OK(rump_sys_getdents(fd, buf.all, sizeof(buf)));
		struct dirent64 *d = &buf.first;

		if (len == 0)
			break;
		/* Only the first is taken; the next call goes on after it. */
		pos = d->d_off;
		T_EQ(pos, rump_sys_lseek(fd, pos, SEEK_SET));
		n++;
		if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0)
			continue;
		T_ASSERT(atoi(d->d_name) < most && !seen[atoi(d->d_name)]);
		seen[atoi(d->d_name)] = true;
	}
	T_OK(rump_sys_close(fd));
	return n;
}

TC(listing, "Each name once, positions can be sought to.")
{
	bool seen[300] = {false};
	char name[32];
	int i;

	setup();
	T_OK(rump_sys_mkdir("/h/d", 0755));
	for (i = 0; i < 300; i++) {
		(void)snprintf(name, sizeof(name), "host/d/%d", i);
		host_write(name, "");
	}
	T_EQ(302, list("/h/d", seen, 300));
	for (i = 0; i < 300; i++)
		T_ASSERT(seen[i]);
}

TC(special_files, "A fifo is the kernel's own; sockets cannot be opened.")
{
	int fd;
	char c;

	setup();
	T_OK(mkfifo(H("p"), 0666));
	/* Would wait for a reader of the host's if it were that fifo. */
	fd = (int)T_OK(rump_sys_open("/h/p", O_RDWR));
	T_EQ(1, rump_sys_write(fd, "x", 1));
	T_ERR(ENXIO, open(H("p"), O_WRONLY | O_NONBLOCK));
	T_EQ(1, rump_sys_read(fd, &c, 1));
	T_OK(rump_sys_mknod("/h/s", S_IFSOCK | 0666, 0));
	T_ERR(ENXIO, rump_sys_open("/h/s", O_RDWR));
	if (mknod(H("c"), S_IFCHR | 0666, makedev(250, 250)) == 0)
		T_ERR(ENXIO, rump_sys_open("/h/c", O_RDWR));
}

TC(links_end_in_the_kernel, "Absolute targets and .. never leave hostdir.")
{
	struct stat r;

	setup();
	host_write("outside", "secret");
	T_OK(symlink("/etc/passwd", H("abs")));
	T_OK(symlink("../outside", H("up")));
	T_OK(symlink("../../../../../../../../etc", H("far")));
	T_ERR(ENOENT, rump_sys_open("/h/abs", O_RDONLY));
	T_ERR(ENOENT, rump_sys_open("/h/up", O_RDONLY));
	T_ERR(ENOENT, rump_sys_open("/h/../outside", O_RDONLY));
	T_ERR(ENOENT, rump_sys_open("/h/far/passwd", O_RDONLY));
	T_OK(rump_sys_mkdir("/etc", 0755));
	rump_write("/etc/passwd", "the kernel's");
	T_ASSERT(strcmp(rump_read("/h/abs"), "the kernel's") == 0);
	T_ASSERT(strcmp(rump_read("/h/far/passwd"), "the kernel's") == 0);
	/* In a directory that the host replaces by a link out of it. */
	T_OK(mkdir(H("d"), 0755));
	host_write(H("d/outside"), "inside");
	T_ASSERT(strcmp(rump_read("/h/d/outside"), "inside") == 0);
	T_OK(rename(H("d"), H("e")));
	T_OK(symlink("..", H("d")));
	T_ERR(ENOENT, rump_sys_stat("/h/d/outside", &r));
}

TC(the_host_moves_things, "ESTALE or ENOENT, never another file.")
{
	struct stat r;
	int dir, fd;
	char c;

	setup();
	T_OK(mkdir(H("a"), 0755));
	T_OK(mkdir(H("a/b"), 0755));
	host_write(H("a/b/f"), "1");
	dir = (int)T_OK(rump_sys_open("/h/a/b", O_RDONLY | O_DIRECTORY));
	fd = (int)T_OK(rump_sys_open("/h/a/b/f", O_RDONLY));
	/* b above a: each is found where it is. */
	T_OK(rename(H("a/b"), H("b")));
	T_OK(rename(H("a"), H("b/a")));
	T_ERR(ENOENT, rump_sys_stat("/h/a", &r));
	T_OK(rump_sys_stat("/h/b/a", &r));
	T_OK(rump_sys_fstatat(dir, "a", &r, 0));
	T_ERR(ENOENT, rump_sys_stat("/h/b/a/b", &r));
	T_OK(rump_sys_rename("/h/b/a", "/h/a"));
	/* A file in the place of another one. */
	T_OK(rename(H("b/f"), H("g")));
	host_write(H("b/f"), "2");
	T_EQ(1, rump_sys_pread(fd, &c, 1, 0));
	T_EQ('1', c);
	T_ASSERT(strcmp(rump_read("/h/b/f"), "2") == 0);
	T_OK(rump_sys_chdir("/h/b"));
	T_OK(rename(H("b"), H("c")));
	T_OK(rump_sys_stat("f", &r));
	T_OK(unlink(H("c/f")));
	T_OK(rmdir(H("c")));
	T_ERR(ENOENT, rump_sys_stat("f", &r));
	T_ERR(ENOENT, rump_sys_mkdir("x", 0755));
}

TC(the_hosts_figures, "statvfs is the host's.")
{
	struct statvfs h, r;

	setup();
	T_OK(statvfs(hostdir, &h));
	T_OK(rump_sys_statvfs("/h", &r));
	T_EQ(h.f_blocks, r.f_blocks);
	T_EQ(h.f_bsize, r.f_bsize);
	T_EQ(h.f_files, r.f_files);
}

TC(unmounting, "EBUSY while it is used; then nothing is left of it.")
{
	struct rump_memstat before, after;
	struct stat r;
	int fd, i;

	setup();
	host_write(H("f"), "x");
	T_OK(rump_sys_mkdir("/m", 0755));
	for (i = 0; i < 3; i++) {
		T_EQ(0, rump_pub_memstat(i < 2 ? &before : &after));
		T_OK(mount_at("/m", "path=%s"));
		fd = (int)T_OK(rump_sys_open("/m/f", O_RDONLY));
		T_OK(rump_sys_mkdir("/m/d", 0755));
		T_OK(rump_sys_stat("/m/d", &r));
		T_OK(rump_sys_rmdir("/m/d"));
		T_ERR(EBUSY, rump_sys_unmount("/m", 0));
		T_OK(rump_sys_close(fd));
		T_OK(rump_sys_unmount("/m", 0));
	}
	T_EQ(0, rump_pub_memstat(&after));
	T_EQ(before.used, after.used);
}

/* More than the host has descriptors for, and the kernel vnodes. */
#define MANY (TC_SLOW > 1 ? 600 : 3000)

static int
host_descriptors(void)
{
	DIR *d = opendir("/proc/self/fd");
	int n = 0;

	T_ASSERT(d != NULL);
	while (readdir(d) != NULL)
		n++;
	(void)closedir(d);
	return n;
}

static void
visit_many(void *arg)
{
	struct rlimit rl = {.rlim_cur = 256, .rlim_max = 256};
	int fds[100], i, n = MANY;
	char name[64], text[32];

	(void)arg;
	T_OK(setrlimit(RLIMIT_NOFILE, &rl));
	T_OK(setenv("RUMP_NVNODES", "64", 1));
	boot();
	(void)newproc(RUMP_RFCFDG);
	T_OK(rump_sys_mkdir("/h", 0755));
	T_OK(mount_at("/h", "path=%s"));
	for (i = 0; i < 100; i++) {
		(void)snprintf(name, sizeof(name), "/h/open%d", i);
		fds[i] = (int)T_OK(rump_sys_open(name, O_RDWR | O_CREAT, 0644));
		T_EQ(4, rump_sys_write(fds[i], &i, 4));
	}
	for (i = 0; i < n; i++) {
		(void)snprintf(name, sizeof(name), "/h/d%d", i % 300);
		if (i < 300)
			T_OK(rump_sys_mkdir(name, 0755));
		(void)snprintf(name, sizeof(name), "/h/d%d/f%d", i % 300, i);
		rump_write(name, name);
		if (i % 500 == 0)
			T_ASSERT(host_descriptors() < 200);
	}
	for (i = 0; i < n; i++) {
		(void)snprintf(name, sizeof(name), "/h/d%d/f%d", i % 300, i);
		T_ASSERT(strcmp(rump_read(name), name) == 0);
	}
	for (i = 0; i < 100; i++) {
		memset(text, 0xff, sizeof(text));
		T_EQ(4, rump_sys_pread(fds[i], text, 8, 0));
		T_EQ(0, memcmp(text, &i, 4));
	}
	T_ASSERT(host_descriptors() < 200);
}

TC(few_descriptors, "Many files with few descriptors and few vnodes.")
{
	host_mkdir();
	child_passes(visit_many, NULL);
}

/* What is in use after `arg' (or the default) vnodes may be kept. */
static void
visit_and_measure(void *arg)
{
	struct rump_memstat before, after;
	char name[32];
	struct stat r;
	int i, n = 3000;

	if (arg != NULL)
		T_OK(setenv("RUMP_NVNODES", arg, 1));
	boot();
	(void)newproc(RUMP_RFCFDG);
	T_OK(rump_sys_mkdir("/h", 0755));
	T_OK(mount_at("/h", "path=%s"));
	T_EQ(0, rump_pub_memstat(&before));
	for (i = 0; i < n; i++) {
		(void)snprintf(name, sizeof(name), "/h/%d", i);
		T_OK(rump_sys_stat(name, &r));
	}
	T_EQ(0, rump_pub_memstat(&after));
	/* A vnode of hostfs is some hundred bytes. */
	T_EQ(arg == NULL, after.used - before.used > (uint64_t)n * 200);
	if (arg != NULL)
		T_ASSERT(after.used - before.used < (uint64_t)n * 100);
}

TC(vnode_limit, "RUMP_NVNODES: that many are kept, or 65536.")
{
	char name[32], few[] = "100";
	int i;

	host_mkdir();
	for (i = 0; i < 3000; i++) {
		(void)snprintf(name, sizeof(name), "host/%d", i);
		host_write(name, "x");
	}
	child_passes(visit_and_measure, few);
	child_passes(visit_and_measure, NULL);
}

TC(deep_and_forgotten, "Reopened through paths longer than PATH_MAX.")
{
	char name[256], file[32];
	struct stat r;
	int i;

	setup();
	memset(name, 'n', 250);
	name[250] = '\0';
	T_OK(rump_sys_chdir("/h"));
	for (i = 0; i < 50; i++) {
		T_OK(rump_sys_mkdir(name, 0755));
		T_OK(rump_sys_chdir(name));
	}
	rump_write("deep", "deep");
	/* The host's descriptors go to others. */
	for (i = 0; i < 3000; i++) {
		(void)snprintf(file, sizeof(file), "/h/%d", i);
		rump_write(file, "x");
	}
	T_ASSERT(strcmp(rump_read("deep"), "deep") == 0);
	T_OK(rump_sys_stat("..", &r));
	for (i = 0; i < 50; i++)
		T_OK(rump_sys_chdir(".."));
	T_OK(rump_sys_stat("2999", &r));
}

/* It worked, or there was no memory for it or for what it needs. */
static int
tried(long result)
{
	T_ASSERT(result != -1 || errno == ENOMEM || errno == ENOENT);
	return (int)result;
}

static void
tried_file(long fd)
{
	if (tried(fd) != -1)
		T_OK(rump_sys_close((int)fd));
}

/* One of each kind of call. */
static void
touch_all(void)
{
	struct stat st;
	char buf[16];

	tried(mount_at("/m", "path=%s/sub"));
	tried(rump_sys_mkdir("/h/d", 0755));
	tried_file(rump_sys_open("/h/d/f", O_RDWR | O_CREAT, 0644));
	tried(rump_sys_symlink("d/f", "/h/l"));
	tried(rump_sys_stat("/h/l", &st));
	tried(rump_sys_readlink("/h/l", buf, sizeof(buf)));
	tried(rump_sys_link("/h/d/f", "/h/g"));
	tried(rump_sys_rename("/h/g", "/h/d/g"));
	tried(rump_sys_renameat2(
	    AT_FDCWD, "/h/d/g", AT_FDCWD, "/h/l", RENAME_EXCHANGE));
	tried_file(rump_sys_open("/h", O_TMPFILE | O_RDWR, 0600));
	(void)rumpuser_memfail(0);
	tried(rump_sys_unlink("/h/d/g"));
	tried(rump_sys_unlink("/h/d/f"));
	tried(rump_sys_unlink("/h/l"));
	tried(rump_sys_unlink("/h/g"));
	tried(rump_sys_rmdir("/h/d"));
	(void)rump_sys_unmount("/m", 0);
}

TC(memory_runs_out, "Each allocation fails once; nothing is lost.")
{
	struct rump_memstat before, after;
	long n;

	setup();
	T_OK(mkdir(H("sub"), 0755));
	T_OK(rump_sys_mkdir("/m", 0755));
	touch_all();
	T_EQ(0, rump_pub_memstat(&before));
	for (n = 1; n < 60; n++) {
		(void)rumpuser_memfail(n);
		touch_all();
		T_EQ(0, rump_pub_memstat(&after));
		T_EQ(before.used, after.used);
		T_EQ(before.files, after.files);
	}
	/* The host's files are gone as well. */
	T_OK(rmdir(H("sub")));
	T_OK(rmdir("host"));
}

TC(host_fork, "Parent and child go on with the same files.")
{
	char buf[4] = {0};
	int fd, status;
	pid_t pid;

	setup();
	fd = (int)T_OK(rump_sys_open("/h/f", O_RDWR | O_CREAT, 0644));
	T_EQ(4, rump_sys_write(fd, "abcd", 4));
	T_EQ(0, rump_sys_lseek(fd, 0, SEEK_SET));
	T_EQ(1, rump_sys_read(fd, buf, 1));
	pid = (pid_t)T_OK(fork());
	if (pid == 0) {
		tc_in_child = true;
		T_EQ(2, rump_sys_read(fd, buf, 2));
		T_EQ(0, memcmp(buf, "bc", 2));
		rump_write("/h/child", "x");
		_exit(0);
	}
	T_EQ(pid, waitpid(pid, &status, 0));
	T_EQ(0, status);
	/* The position is the kernel's, and each has its own kernel now. */
	T_EQ(2, rump_sys_read(fd, buf, 2));
	T_EQ(0, memcmp(buf, "bc", 2));
	T_ASSERT(strcmp(rump_read("/h/child"), "x") == 0);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, both_sides_see_the_same);
	ATF_TP_ADD_TC(tp, what_can_be_mounted);
	ATF_TP_ADD_TC(tp, read_only);
	ATF_TP_ADD_TC(tp, attributes_believed);
	ATF_TP_ADD_TC(tp, shown_owner);
	ATF_TP_ADD_TC(tp, owner_of_new_files);
	ATF_TP_ADD_TC(tp, the_host_has_the_last_word);
	ATF_TP_ADD_TC(tp, permissions_are_the_kernels);
	ATF_TP_ADD_TC(tp, reading_and_writing);
	ATF_TP_ADD_TC(tp, size_limit);
	ATF_TP_ADD_TC(tp, set_id_bits_go);
	ATF_TP_ADD_TC(tp, making_and_removing);
	ATF_TP_ADD_TC(tp, renaming);
	ATF_TP_ADD_TC(tp, unlinked_files_go_on);
	ATF_TP_ADD_TC(tp, listing);
	ATF_TP_ADD_TC(tp, special_files);
	ATF_TP_ADD_TC(tp, links_end_in_the_kernel);
	ATF_TP_ADD_TC(tp, the_host_moves_things);
	ATF_TP_ADD_TC(tp, the_hosts_figures);
	ATF_TP_ADD_TC(tp, unmounting);
	ATF_TP_ADD_TC(tp, few_descriptors);
	ATF_TP_ADD_TC(tp, vnode_limit);
	ATF_TP_ADD_TC(tp, deep_and_forgotten);
	ATF_TP_ADD_TC(tp, memory_runs_out);
	ATF_TP_ADD_TC(tp, host_fork);
	return atf_no_error();
}
