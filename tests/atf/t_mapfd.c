/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mapping files of the kernel: rump_pub_vfs_mapfd.
 */
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>

#include <fcntl.h>

#include "../lib/tc.h"

#define PAGE 4096

static char *
map(int fd, size_t len, int prot, int flags)
{
	int hostfd;
	char *p;

	T_EQ(0, rump_pub_vfs_mapfd(fd, prot, flags, &hostfd));
	p = mmap(NULL, len, prot, flags, hostfd, 0);
	T_ASSERT(p != MAP_FAILED);
	T_EQ(0, close(hostfd));
	return p;
}

static int
file(const char *path, size_t size)
{
	int fd = rump_sys_open(path, O_RDWR | O_CREAT | O_TRUNC, 0644);
	char *buf = malloc(size);

	T_ASSERT(fd >= 0 && buf != NULL);
	memset(buf, 'a', size);
	T_EQ((ssize_t)size, rump_sys_write(fd, buf, size));
	free(buf);
	return fd;
}

TC(coherent_with_read_and_write,
    "reads, writes and mappings show the same data")
{
	char buf[8] = "";
	char *p;
	int fd;

	boot();
	fd = file("/f", 3 * PAGE);
	p = map(fd, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED);
	T_EQ('a', p[0]);
	T_EQ('a', p[3 * PAGE - 1]);
	memcpy(p + 2 * PAGE, "mapped", 6);
	T_EQ(6, rump_sys_pread(fd, buf, 6, 2 * PAGE));
	T_ASSERT(strcmp(buf, "mapped") == 0);
	T_EQ(7, rump_sys_pwrite(fd, "written", 7, PAGE - 3));
	T_ASSERT(memcmp(p + PAGE - 3, "written", 7) == 0);
	/* It grows. */
	T_EQ(3, rump_sys_pwrite(fd, "end", 3, 4 * PAGE - 3));
	T_ASSERT(memcmp(p + 4 * PAGE - 3, "end", 3) == 0);
	/* Another descriptor, made later, and another mapping. */
	T_OK(rump_sys_close(fd));
	fd = rump_sys_open("/f", O_RDONLY);
	T_EQ(6, rump_sys_pread(fd, buf, 6, 2 * PAGE));
	T_ASSERT(strcmp(buf, "mapped") == 0);
	T_ASSERT(memcmp(map(fd, PAGE, PROT_READ, MAP_PRIVATE) + PAGE - 3, "wri",
		     3) == 0);
}

TC(private_mappings_change_nothing,
    "what is written to a private mapping stays there")
{
	char *p, c;
	int fd;

	boot();
	fd = file("/f", PAGE);
	p = map(fd, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	p[0] = 'b';
	T_EQ(1, rump_sys_pread(fd, &c, 1, 0));
	T_EQ('a', c);
}

TC(length_holes_and_blocks, "truncation and holes of a file that is mapped")
{
	struct stat st;
	char *p, c;
	int fd;

	boot();
	fd = file("/f", 2 * PAGE);
	T_OK(rump_sys_ftruncate(fd, 8 * PAGE));
	p = map(fd, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED);
	T_EQ(2 * PAGE, rump_sys_lseek(fd, 0, SEEK_HOLE));
	p[5 * PAGE] = 'x';
	T_EQ(5 * PAGE, rump_sys_lseek(fd, 2 * PAGE, SEEK_DATA));
	/* Holes can be filled without asking: they are paid for. */
	T_OK(rump_sys_fstat(fd, &st));
	T_EQ(8 * PAGE / 512, st.st_blocks);
	T_OK(rump_sys_fallocate(
	    fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 5 * PAGE, PAGE));
	T_EQ(0, p[5 * PAGE]);
	T_OK(rump_sys_ftruncate(fd, PAGE + 1));
	T_OK(rump_sys_fstat(fd, &st));
	T_EQ(PAGE + 1, st.st_size);
	T_EQ(2 * PAGE / 512, st.st_blocks);
	T_OK(rump_sys_ftruncate(fd, 2 * PAGE));
	T_EQ('a', p[PAGE]);
	T_EQ(0, p[PAGE + 1]);
	T_EQ(0, rump_sys_pread(fd, &c, 1, 2 * PAGE));
	T_OK(rump_sys_fallocate(fd, 0, 0, 3 * PAGE));
	T_OK(rump_sys_fstat(fd, &st));
	T_EQ(3 * PAGE, st.st_size);
}

TC(counts_as_the_file_systems, "a mapped file uses blocks of its file system")
{
	static const char options[] = "size=16k";
	struct statvfs sb;
	char buf[PAGE] = "";
	int fd, hostfd;

	boot();
	T_OK(rump_sys_mkdir("/m", 0755));
	T_OK(rump_sys_mount(
	    "tmpfs", "/m", 0, (void *)(uintptr_t)options, sizeof(options) - 1));
	fd = file("/m/f", PAGE);
	T_OK(rump_sys_ftruncate(fd, 8 * PAGE));
	T_EQ(ENOSPC, rump_pub_vfs_mapfd(fd, PROT_READ, MAP_SHARED, &hostfd));
	T_OK(rump_sys_ftruncate(fd, 3 * PAGE));
	(void)map(fd, PAGE, PROT_READ, MAP_SHARED);
	T_OK(rump_sys_statvfs("/m", &sb));
	T_EQ(1, sb.f_bfree);
	T_EQ(PAGE, rump_sys_pwrite(fd, buf, PAGE, 3 * PAGE));
	T_ERR(ENOSPC, rump_sys_pwrite(fd, buf, PAGE, 4 * PAGE));
	T_ERR(ENOSPC, rump_sys_ftruncate(fd, 5 * PAGE));
	T_OK(rump_sys_close(fd));
	T_OK(rump_sys_unlink("/m/f"));
	T_OK(rump_sys_statvfs("/m", &sb));
	T_EQ(4, sb.f_bfree);
	T_OK(rump_sys_unmount("/m", 0));
}

TC(what_may_be_mapped,
    "descriptors that cannot be mapped get the errno of mmap")
{
	int fds[2], fd, hostfd;

	boot();
	(void)rump_sys_close(file("/f", 1));
	T_EQ(EBADF, rump_pub_vfs_mapfd(99, PROT_READ, MAP_SHARED, &hostfd));
	fd = rump_sys_open("/f", O_WRONLY);
	T_EQ(EACCES, rump_pub_vfs_mapfd(fd, PROT_WRITE, MAP_SHARED, &hostfd));
	fd = rump_sys_open("/f", O_RDONLY);
	T_EQ(EACCES, rump_pub_vfs_mapfd(
			 fd, PROT_READ | PROT_WRITE, MAP_SHARED, &hostfd));
	T_EQ(EINVAL, rump_pub_vfs_mapfd(fd, PROT_READ, 0, &hostfd));
	T_EQ(0, rump_pub_vfs_mapfd(
		    fd, PROT_READ | PROT_WRITE, MAP_PRIVATE, &hostfd));
	T_EQ(O_RDONLY, fcntl(hostfd, F_GETFL) & O_ACCMODE);
	fd = rump_sys_open("/f", O_PATH);
	T_EQ(EBADF, rump_pub_vfs_mapfd(fd, PROT_READ, MAP_SHARED, &hostfd));
	fd = rump_sys_open("/", O_RDONLY);
	T_EQ(ENODEV, rump_pub_vfs_mapfd(fd, PROT_READ, MAP_SHARED, &hostfd));
	T_OK(rump_sys_pipe(fds));
	T_EQ(
	    ENODEV, rump_pub_vfs_mapfd(fds[0], PROT_READ, MAP_SHARED, &hostfd));
	fd = rump_sys_memfd_create("m", MFD_ALLOW_SEALING);
	T_OK(rump_sys_fcntl(fd, F_ADD_SEALS, (uintptr_t)F_SEAL_WRITE));
	T_EQ(EPERM, rump_pub_vfs_mapfd(
			fd, PROT_READ | PROT_WRITE, MAP_SHARED, &hostfd));
	T_EQ(0, rump_pub_vfs_mapfd(fd, PROT_READ, MAP_SHARED, &hostfd));
}

TC(overlay_and_hostfs,
    "a lower file is copied up for a map that is written through")
{
	static const char lower[] = "path=lower";
	static const char layers[] = "lower=/l,upper=/u";
	char buf[8] = "", *p, *q;
	int fd, host;

	boot();
	T_ASSERT(mkdir("lower", 0755) == 0);
	host = open("lower/f", O_RDWR | O_CREAT, 0644);
	T_ASSERT(host >= 0 && write(host, "below", 5) == 5);
	T_OK(rump_sys_mkdir("/l", 0755));
	T_OK(rump_sys_mkdir("/u", 0755));
	T_OK(rump_sys_mkdir("/o", 0755));
	T_OK(rump_sys_mount("hostfs", "/l", RUMP_MNT_RDONLY,
	    (void *)(uintptr_t)lower, sizeof(lower) - 1));
	T_OK(rump_sys_mount(
	    "overlay", "/o", 0, (void *)(uintptr_t)layers, sizeof(layers) - 1));
	fd = rump_sys_open("/o/f", O_RDONLY);
	p = map(fd, PAGE, PROT_READ, MAP_SHARED);
	T_ASSERT(memcmp(p, "below", 5) == 0);
	fd = rump_sys_open("/o/f", O_RDWR);
	q = map(fd, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED);
	memcpy(q, "above", 5);
	T_EQ(5, rump_sys_pread(fd, buf, 5, 0));
	T_ASSERT(strcmp(buf, "above") == 0);
	T_ASSERT(pread(host, buf, 5, 0) == 5);
	T_ASSERT(strcmp(buf, "below") == 0);
}

TC(host_fork, "after a fork each kernel has its own file")
{
	char buf[2] = "";
	int fd, status;
	pid_t pid;

	boot();
	fd = file("/f", PAGE);
	(void)map(fd, PAGE, PROT_READ, MAP_SHARED);
	T_ASSERT((pid = fork()) >= 0);
	if (pid == 0)
		_exit(rump_sys_pwrite(fd, "c", 1, 0) == 1 &&
			      rump_sys_pread(fd, buf, 2, 0) == 2 &&
			      memcmp(buf, "ca", 2) == 0
			  ? 0
			  : 1);
	T_EQ(pid, waitpid(pid, &status, 0));
	T_EQ(0, status);
	T_EQ(1, rump_sys_pread(fd, buf, 1, 0));
	T_EQ('a', buf[0]);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, coherent_with_read_and_write);
	ATF_TP_ADD_TC(tp, private_mappings_change_nothing);
	ATF_TP_ADD_TC(tp, length_holes_and_blocks);
	ATF_TP_ADD_TC(tp, counts_as_the_file_systems);
	ATF_TP_ADD_TC(tp, what_may_be_mapped);
	ATF_TP_ADD_TC(tp, overlay_and_hostfs);
	ATF_TP_ADD_TC(tp, host_fork);
	return atf_no_error();
}
