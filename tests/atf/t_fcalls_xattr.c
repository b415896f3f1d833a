/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Extended attributes, and files by handle.
 */
#include <sys/stat.h>
#include <sys/xattr.h>

#include <fcntl.h>
#include <linux/limits.h>

#include "../lib/tc.h"

#define USER 1000

static void
begin(void)
{
	boot();
	(void)newproc(RUMP_RFCFDG);
	T_OK(rump_sys_mkdir("/t", 0777));
	T_OK(rump_sys_chdir("/t"));
	T_OK(rump_sys_close(
	    (int)T_OK(rump_sys_open("f", O_WRONLY | O_CREAT, 0644))));
}

TC(attributes, "Set, get, list, remove; by path, link and descriptor.")
{
	char buf[64];
	int fd;

	begin();
	fd = (int)T_OK(rump_sys_open("f", O_RDONLY));
	T_OK(rump_sys_symlink("f", "l"));
	T_OK(rump_sys_setxattr("l", "user.a", "one", 3, XATTR_CREATE));
	T_ERR(EEXIST, rump_sys_setxattr("f", "user.a", "", 0, XATTR_CREATE));
	T_ERR(ENODATA, rump_sys_setxattr("f", "user.b", "", 0, XATTR_REPLACE));
	T_OK(rump_sys_fsetxattr(fd, "user.b", "", 0, 0));
	T_EQ(3, rump_sys_fgetxattr(fd, "user.a", buf, sizeof(buf)));
	T_EQ(0, memcmp("one", buf, 3));
	T_EQ(3, rump_sys_getxattr("f", "user.a", NULL, 0));
	T_EQ(0, rump_sys_getxattr("f", "user.b", buf, 1));
	T_ERR(ERANGE, rump_sys_getxattr("f", "user.a", buf, 2));
	T_ERR(ENODATA, rump_sys_getxattr("f", "user.c", buf, 2));
	T_EQ(14, rump_sys_listxattr("l", NULL, 0));
	T_ERR(ERANGE, rump_sys_flistxattr(fd, buf, 13));
	T_EQ(14, rump_sys_flistxattr(fd, buf, 14));
	T_EQ(0, memcmp("user.b\0user.a", buf, 14));
	T_EQ(0, rump_sys_llistxattr("l", buf, 14));
	T_ERR(EPERM, rump_sys_lsetxattr("l", "user.a", "", 0, 0));
	T_ERR(ENODATA, rump_sys_lgetxattr("l", "user.a", buf, 1));
	T_OK(rump_sys_removexattr("f", "user.a"));
	T_ERR(ENODATA, rump_sys_fremovexattr(fd, "user.a"));
	T_ERR(EPERM, rump_sys_lremovexattr("l", "user.b"));
}

TC(bad_attributes, "Names and values that cannot be.")
{
	static char big[XATTR_SIZE_MAX + 1];
	char name[300], c;
	int p[2];

	begin();
	T_OK(rump_sys_pipe(p));
	T_ERR(EINVAL, rump_sys_setxattr("f", "user.a", "", 0, 4));
	T_ERR(E2BIG, rump_sys_setxattr("nope", "user.a", big, sizeof(big), 0));
	T_ERR(ERANGE, rump_sys_setxattr("f", "", "", 0, 0));
	memset(name, 'n', sizeof(name));
	memcpy(name, "user.", 5);
	name[256] = '\0';
	T_ERR(ERANGE, rump_sys_setxattr("f", name, "", 0, 0));
	name[255] = '\0';
	T_OK(rump_sys_setxattr("f", name, "", 0, 0));
	T_ERR(EINVAL, rump_sys_setxattr("f", "user.", "", 0, 0));
	T_ERR(EOPNOTSUPP, rump_sys_setxattr("f", "user", "", 0, 0));
	T_ERR(EOPNOTSUPP, rump_sys_setxattr("f", "other.a", "", 0, 0));
	T_ERR(EFAULT, rump_sys_setxattr("f", "user.a", NULL, 1, 0));
	T_ERR(EFAULT, rump_sys_setxattr("f", NULL, "", 0, 0));
	T_ERR(EINVAL, rump_sys_setxattr("f", "security.capability", "x", 1, 0));
	T_ERR(ENODATA, rump_sys_fgetxattr(p[0], "user.a", &c, 1));
	T_ERR(EPERM, rump_sys_fsetxattr(p[0], "user.a", &c, 1, 0));
	T_EQ(0, rump_sys_flistxattr(p[0], &c, 1));
	T_ERR(EBADF, rump_sys_fgetxattr((int)T_OK(rump_sys_open("f", O_PATH)),
			 "user.a", &c, 1));
}

TC(whose_attributes, "Who may see and change which.")
{
	char buf[64];

	begin();
	T_OK(rump_sys_mkdir("d", 01777));
	T_OK(rump_sys_setxattr("f", "trusted.a", "t", 1, 0));
	T_OK(rump_sys_setxattr("f", "security.a", "s", 1, 0));
	T_OK(rump_sys_setxattr("f", "user.a", "u", 1, 0));
	T_EQ(28, rump_sys_listxattr("f", buf, sizeof(buf)));
	T_OK(rump_sys_setresuid(-1, USER, -1));
	T_EQ(18, rump_sys_listxattr("f", buf, sizeof(buf)));
	T_ERR(ENODATA, rump_sys_getxattr("f", "trusted.a", buf, 1));
	T_ERR(EPERM, rump_sys_setxattr("f", "trusted.a", "", 0, 0));
	T_EQ(1, rump_sys_getxattr("f", "security.a", buf, 1));
	T_ERR(EPERM, rump_sys_setxattr("f", "security.a", "", 0, 0));
	T_EQ(1, rump_sys_getxattr("f", "user.a", buf, 1));
	T_ERR(EACCES, rump_sys_setxattr("f", "user.a", "", 0, 0));
	T_ERR(EACCES, rump_sys_removexattr("f", "user.a"));
	T_ERR(EPERM, rump_sys_setxattr("d", "user.a", "", 0, 0));
	T_ERR(ENODATA, rump_sys_getxattr("d", "user.a", buf, 1));
}

TC(attributes_of_bsd, "extattr_*: namespaces, cut values, counted names.")
{
	const int user = EXTATTR_NAMESPACE_USER;
	const int sys = EXTATTR_NAMESPACE_SYSTEM;
	char buf[64];
	int fd;

	begin();
	fd = (int)T_OK(rump_sys_open("f", O_RDONLY));
	T_OK(rump_sys_symlink("f", "l"));
	T_EQ(5, rump_sys_extattr_set_file("l", user, "abc", "value", 5));
	T_EQ(1, rump_sys_extattr_set_fd(fd, user, "d", "x", 1));
	T_OK(rump_sys_setxattr("f", "trusted.z", "", 0, 0));
	T_EQ(5, rump_sys_extattr_get_fd(fd, user, "abc", NULL, 0));
	T_EQ(2, rump_sys_extattr_get_file("f", user, "abc", buf, 2));
	T_EQ(0, memcmp("va", buf, 2));
	T_EQ(5, rump_sys_getxattr("f", "user.abc", buf, 5));
	T_EQ(6, rump_sys_extattr_list_file("f", user, NULL, 0));
	T_EQ(6, rump_sys_extattr_list_fd(fd, user, buf, sizeof(buf)));
	T_EQ(0, memcmp("\1d\3abc", buf, 6));
	T_EQ(0, rump_sys_extattr_list_file("f", sys, buf, sizeof(buf)));
	T_EQ(0, rump_sys_extattr_list_link("l", user, buf, sizeof(buf)));
	T_ERR(EPERM, rump_sys_extattr_set_link("l", user, "a", "", 0));
	T_ERR(ENODATA, rump_sys_extattr_get_link("l", user, "a", buf, 1));
	T_ERR(EPERM, rump_sys_extattr_delete_link("l", user, "a"));
	T_OK(rump_sys_extattr_delete_file("f", user, "abc"));
	T_ERR(ENODATA, rump_sys_extattr_delete_fd(fd, user, "abc"));
	T_ERR(EINVAL, rump_sys_extattr_get_file("f", 3, "a", buf, 1));
	T_ERR(EOPNOTSUPP, rump_sys_extattr_set_file("f", sys, "a", "", 0));
	T_OK(rump_sys_setresuid(-1, USER, -1));
	T_ERR(EPERM, rump_sys_extattr_get_file("f", sys, "a", buf, 1));
}

TC(handles_of_bsd, "getfh names a file until it is gone.")
{
	struct rump_fhandle fh;
	struct statvfs vfs, same;
	struct stat sb, want;
	size_t size = 1;
	int fd;

	begin();
	T_ERR(E2BIG, rump_sys_getfh("f", &fh, &size));
	T_EQ(sizeof(fh), size);
	T_OK(rump_sys_getfh("f", &fh, &size));
	T_OK(rump_sys_rename("f", "g"));
	T_OK(rump_sys_stat("g", &want));
	T_OK(rump_sys_fhstat(&fh, size, &sb));
	T_EQ(want.st_ino, sb.st_ino);
	T_OK(rump_sys_fhstatvfs1(&fh, size, &vfs, 0));
	T_OK(rump_sys_statvfs("g", &same));
	T_EQ(same.f_fsid, vfs.f_fsid);
	fd = (int)T_OK(rump_sys_fhopen(&fh, size, O_RDWR));
	T_EQ(3, rump_sys_write(fd, "abc", 3));
	T_OK(rump_sys_stat("g", &want));
	T_EQ(3, want.st_size);
	T_ERR(EINVAL, rump_sys_fhopen(&fh, size - 1, O_RDWR));
	T_ERR(EINVAL, rump_sys_fhopen(&fh, size, O_RDWR | O_CREAT));
	T_OK(rump_sys_close(fd));
	T_OK(rump_sys_unlink("g"));
	T_ERR(ESTALE, rump_sys_fhopen(&fh, size, O_RDONLY));
	fh.fh_fsid ^= 0x1234;
	T_ERR(ESTALE, rump_sys_fhstat(&fh, size, &sb));
	T_OK(rump_sys_setresuid(-1, USER, -1));
	T_ERR(EPERM, rump_sys_getfh("/", &fh, &size));
	T_ERR(EPERM, rump_sys_fhopen(&fh, size, O_RDONLY));
}

TC(handles_of_linux, "name_to_handle_at and open_by_handle_at.")
{
	union {
		struct file_handle fh;
		char room[sizeof(struct file_handle) + MAX_HANDLE_SZ];
	} u;
	struct stat sb, want;
	int fd, dirfd, mount;

	begin();
	dirfd = (int)T_OK(rump_sys_open(".", O_RDONLY));
	u.fh.handle_bytes = 0;
	T_ERR(EOVERFLOW,
	    rump_sys_name_to_handle_at(dirfd, "f", &u.fh, &mount, 0));
	T_ASSERT(u.fh.handle_bytes > 0);
	T_OK(rump_sys_name_to_handle_at(dirfd, "f", &u.fh, &mount, 0));
	fd = (int)T_OK(rump_sys_open_by_handle_at(dirfd, &u.fh, O_RDONLY));
	T_OK(rump_sys_stat("f", &want));
	T_OK(rump_sys_fstat(fd, &sb));
	T_EQ(want.st_ino, sb.st_ino);
	T_ERR(EBADF, rump_sys_open_by_handle_at(999, &u.fh, O_RDONLY));
	T_OK(rump_sys_setresuid(-1, USER, 0));
	T_ERR(EPERM, rump_sys_open_by_handle_at(dirfd, &u.fh, O_RDONLY));
	T_OK(rump_sys_name_to_handle_at(dirfd, "f", &u.fh, &mount, 0));
	u.fh.handle_bytes = 0;
	T_ERR(EINVAL, rump_sys_open_by_handle_at(dirfd, &u.fh, O_RDONLY));
	u.fh.handle_bytes = 129;
	T_ERR(EINVAL, rump_sys_name_to_handle_at(dirfd, "f", &u.fh, &mount, 0));
	T_ERR(EINVAL, rump_sys_name_to_handle_at(
			  dirfd, "f", &u.fh, &mount, AT_SYMLINK_NOFOLLOW));
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, attributes);
	ATF_TP_ADD_TC(tp, bad_attributes);
	ATF_TP_ADD_TC(tp, whose_attributes);
	ATF_TP_ADD_TC(tp, attributes_of_bsd);
	ATF_TP_ADD_TC(tp, handles_of_bsd);
	ATF_TP_ADD_TC(tp, handles_of_linux);
	return atf_no_error();
}
