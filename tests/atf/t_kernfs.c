/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kernfs: what is in /kern.
 */
#include <time.h>

#include <rump/rump_mount.h>
#include <rump/rump_vfs.h>

#include "../lib/files.h"

static void
start_kern(void)
{
	start();
	T_OK(rump_sys_mkdir("/kern", 0755));
	T_OK(rump_sys_mount("kernfs", "/kern", 0, NULL, 0));
	T_OK(rump_sys_chdir("/kern"));
}

/* What a file has, as a string. */
static const char *
text_of(const char *path)
{
	static char text[256];
	int fd = (int)T_OK(rump_sys_open(path, O_RDONLY));
	ssize_t n = T_OK(rump_sys_read(fd, text, sizeof(text) - 1));

	text[n] = '\0';
	T_OK(rump_sys_close(fd));
	return text;
}

TC(figures, "The files say what the kernel is and has.")
{
	struct rump_memstat st;
	long sec, usec, now;
	char line[256];

	start_kern();
	T_EQ(0, rump_pub_memstat(&st));
	now = (long)time(NULL);
	T_EQ(2, sscanf(text_of("time"), "%ld %ld\n", &sec, &usec));
	T_ASSERT(sec >= now - 1 && sec <= now + 5);
	T_ASSERT(usec >= 0 && usec < 1000000);
	T_EQ(1, sscanf(text_of("boottime"), "%ld\n", &sec));
	T_ASSERT(sec <= now && sec >= now - 120);
	ATF_REQUIRE_STREQ("4096\n", text_of("pagesize"));
	(void)snprintf(line, sizeof(line), "%ju\n", st.limit / 4096);
	ATF_REQUIRE_STREQ(line, text_of("physmem"));
	ATF_REQUIRE_STREQ("100\n", text_of("hz"));
	T_EQ(0, strncmp(text_of("version"), "librump ", 8));
	T_ASSERT(strlen(text_of("copyright")) > 1);
	T_EQ(0, stat_of("version").st_size);
	T_ERR(ENOENT, rump_sys_open("none", O_RDONLY));
	T_ERR(EPERM, rump_sys_open("new", O_WRONLY | O_CREAT, 0644));
	T_ERR(EPERM, rump_sys_unlink("version"));
}

TC(hostname, "Root names the host.")
{
	char name[80];
	int fd;

	start_kern();
	fd = (int)T_OK(rump_sys_open("hostname", O_RDWR | O_TRUNC));
	T_EQ(5, rump_sys_write(fd, "here\n", 5));
	ATF_REQUIRE_STREQ("here\n", text_of("hostname"));
	T_EQ(3, rump_sys_write(fd, "now", 3));
	ATF_REQUIRE_STREQ("now\n", text_of("hostname"));
	memset(name, 'x', sizeof(name));
	T_ERR(EINVAL, rump_sys_write(fd, name, sizeof(name)));
	ATF_REQUIRE_STREQ("now\n", text_of("hostname"));
	T_OK(rump_sys_close(fd));
	fd = (int)T_OK(rump_sys_open("version", O_RDWR));
	T_ERR(EINVAL, rump_sys_write(fd, "1", 1));
	T_OK(rump_sys_setuid(7));
	T_ERR(EACCES, rump_sys_open("hostname", O_WRONLY));
	ATF_REQUIRE_STREQ("now\n", text_of("hostname"));
}

TC(pieces, "A text that is read in pieces fits together.")
{
	char whole[64], piece[64];
	size_t n = 0;
	ssize_t len;
	int fd;

	start_kern();
	fd = (int)T_OK(rump_sys_open("time", O_RDONLY));
	len = T_OK(rump_sys_pread(fd, whole, sizeof(whole), 0));
	T_OK(rump_sys_lseek(fd, 0, SEEK_SET));
	while (T_OK(rump_sys_read(fd, piece + n, 1)) == 1)
		n++;
	T_EQ(len, n);
	/* Made anew at offset 0, not between. */
	T_EQ(len - 3, T_OK(rump_sys_pread(fd, whole, sizeof(whole), 3)));
	T_EQ(0, memcmp(whole, piece + 3, n - 3));
	T_EQ(0, rump_sys_pread(fd, whole, sizeof(whole), 1000));
	T_ERR(EINVAL, rump_sys_lseek(fd, 0, SEEK_END));
	T_ERR(EINVAL, rump_sys_lseek(fd, -1, SEEK_SET));
}

TC(unopened, "Reading and writing without opening.")
{
	struct vnode *vp;
	struct uio *uio;
	char buf[80] = "name\n";

	start_kern();
	T_EQ(0, rump_pub_namei(RUMP_NAMEI_LOOKUP, RUMP_NAMEI_FOLLOW,
		    "/kern/hostname", NULL, &vp, NULL));
	uio = rump_pub_uio_setup(buf, 5, 0, RUMPUIO_WRITE);
	T_EQ(0, rump_pub_vop_write(vp, uio, NULL));
	T_EQ(0, rump_pub_uio_free(uio));
	uio = rump_pub_uio_setup(buf, sizeof(buf), 1, RUMPUIO_READ);
	T_EQ(0, rump_pub_vop_read(vp, uio, NULL));
	T_EQ(sizeof(buf) - 4, rump_pub_uio_free(uio));
	T_EQ(0, memcmp(buf, "ame\n", 4));
	rump_pub_vp_rele(vp);
}

TC(unmounting, "Unmounting gives the memory back.")
{
	struct rump_memstat before, after;
	int fd;

	start();
	T_OK(rump_sys_mkdir("/kern", 0755));
	/* From here on there is a descriptor table. */
	T_ERR(ENOENT, rump_sys_open("/kern/time", O_RDONLY));
	T_EQ(0, rump_pub_memstat(&before));
	T_OK(rump_sys_mount("kernfs", "/kern", 0, NULL, 0));
	fd = (int)T_OK(rump_sys_open("/kern/time", O_RDONLY));
	T_EQ(1, rump_sys_read(fd, &(char){0}, 1));
	T_ERR(EBUSY, rump_sys_unmount("/kern", 0));
	T_OK(rump_sys_unmount("/kern", RUMP_MNT_FORCE));
	T_EQ(1, rump_sys_read(fd, &(char){0}, 1));
	T_OK(rump_sys_close(fd));
	T_EQ(0, rump_pub_memstat(&after));
	T_EQ(before.used, after.used);
	T_ERR(EINVAL, rump_sys_mount("kernfs", "/kern", 0, "x=y", 3));
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, figures);
	ATF_TP_ADD_TC(tp, hostname);
	ATF_TP_ADD_TC(tp, pieces);
	ATF_TP_ADD_TC(tp, unopened);
	ATF_TP_ADD_TC(tp, unmounting);
	return atf_no_error();
}
