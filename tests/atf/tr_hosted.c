/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Clients whose programs are the host's but for their files: where on the host
 * a path leads, files of the host with the data of files here, numbers of
 * descriptors.
 */
#include <sys/stat.h>

#include <fcntl.h>

#include <rump/rump_mount.h>
#include <rump/rumpclient.h>

#include "lib/byhand.h"
#include "lib/tc.h"

/* Of syscalls.conf. */
enum { NR_OPENAT = 101 };

static pid_t server;
static struct sp_shared *sh;
static int sock;

/*
 * An overlay of the host's directory "below" at /world, with hostpass at
 * /world/pass, as a client of the usual kind makes it; one by hand that is
 * hosted.
 */
static void
start(void)
{
	char dir[512], data[640];

	ATF_REQUIRE(mkdir("below", 0755) == 0);
	atf_utils_create_file("below/file", "lower");
	ATF_REQUIRE(symlink("pass/sub/dir", "below/link") == 0);
	ATF_REQUIRE(mkdir("below/pass", 0755) == 0);
	ATF_REQUIRE(mkfifo("below/fifo", 0600) == 0);
	ATF_REQUIRE((server = server_start(0, NULL)) != -1);
	ATF_REQUIRE_EQ(rumpclient_init(), 0);
	ATF_REQUIRE(getcwd(dir, sizeof(dir)) != NULL);
	ATF_REQUIRE(rump_sys_mkdir("/lower", 0755) != -1);
	ATF_REQUIRE(rump_sys_mkdir("/upper", 0755) != -1);
	ATF_REQUIRE(rump_sys_mkdir("/world", 0755) != -1);
	snprintf(data, sizeof(data), "path=%s/below,attrtime=1", dir);
	ATF_REQUIRE(rump_sys_mount("hostfs", "/lower", MNT_RDONLY, data,
			strlen(data)) != -1);
	ATF_REQUIRE(rump_sys_mount("tmpfs", "/upper", 0, NULL, 0) != -1);
	strcpy(data, "lowerdir=/lower,upperdir=/upper");
	ATF_REQUIRE(
	    rump_sys_mount("overlay", "/world", 0, data, strlen(data)) != -1);
	strcpy(data, "path=/host/there");
	ATF_REQUIRE(rump_sys_mount("hostpass", "/world/pass", 0, data,
			strlen(data)) != -1);
	sock = hand_hello(SP_MAGIC, SP_VERSION, SP_H_NEW, SP_H_HOSTED, &sh);
	ATF_REQUIRE(sock != -1);
}

static struct sp_msg *
message(uint32_t op)
{
	struct sp_msg *m = &sp_slot(sh, 0)->ss_msg;

	memset(m, 0, sizeof(*m));
	m->sm_op = op;
	return m;
}

static void
put_path(struct sp_msg *m, const char *path)
{
	m->sm_len = m->sm_head = (uint32_t)strlen(path) + 1;
	memcpy(sp_slot(sh, 0)->ss_payload, path, m->sm_len);
}

static int
host_path(const char *path, bool follow)
{
	struct sp_msg *m = message(SP_HOSTPATH);

	m->sm_args[0] = (uint64_t)AT_FDCWD;
	m->sm_args[1] = follow;
	put_path(m, path);
	return hand_call(sock, sh);
}

static const char *
answer(void)
{
	return (const char *)sp_slot(sh, 0)->ss_payload;
}

/* The error; the descriptor is sm_retval. */
static int
open_by_hand(const char *path, int flags, uint32_t fdmin)
{
	struct sp_msg *m = message(SP_SYSCALL);

	m->sm_nr = NR_OPENAT;
	m->sm_fdmin = fdmin;
	m->sm_args[0] = (uint64_t)AT_FDCWD;
	m->sm_args[1] = SP_TAG;
	m->sm_args[2] = (uint64_t)flags;
	m->sm_args[3] = 0644;
	put_path(m, path);
	return hand_call(sock, sh);
}

TC(hostpath, "a walk into hostpass is EREMOTE, and SP_HOSTPATH says where")
{
	struct stat st;

	start();
	/* For all clients. */
	ATF_REQUIRE_ERRNO(EREMOTE, rump_sys_stat("/world/pass", &st) == -1);
	ATF_REQUIRE_ERRNO(
	    EREMOTE, rump_sys_open("/world/pass/a/b", O_RDONLY) == -1);
	ATF_REQUIRE_ERRNO(EREMOTE,
	    rump_sys_open("/world/pass/new", O_WRONLY | O_CREAT, 0644) == -1);
	ATF_REQUIRE_ERRNO(EREMOTE, rump_sys_stat("/world/link", &st) == -1);
	ATF_REQUIRE_ERRNO(EREMOTE, rump_sys_chdir("/world/pass") == -1);
	ATF_REQUIRE(rump_sys_lstat("/world/link", &st) != -1);
	ATF_REQUIRE_EQ(host_path("/world/pass", true), 0);
	ATF_REQUIRE_STREQ(answer(), "/host/there");
	ATF_REQUIRE_EQ(host_path("/world//pass/a/../b/", true), 0);
	ATF_REQUIRE_STREQ(answer(), "/host/there/a/../b/");
	ATF_REQUIRE_EQ(host_path("/world/link", true), 0);
	ATF_REQUIRE_STREQ(answer(), "/host/there/sub/dir");
	ATF_REQUIRE_EQ(host_path("/world/link/x/y", false), 0);
	ATF_REQUIRE_STREQ(answer(), "/host/there/sub/dir/x/y");
	ATF_REQUIRE_EQ(host_path("/world/file", true), EINVAL);
	ATF_REQUIRE_EQ(host_path("/world/none", true), ENOENT);
	ATF_REQUIRE_EQ(host_path("", true), ENOENT);
	/* What is there can be taken away again. */
	ATF_REQUIRE(rump_sys_unmount("/world/pass", 0) != -1);
	ATF_REQUIRE(rump_sys_stat("/world/pass", &st) != -1);
	ATF_REQUIRE_ERRNO(ENOENT, rump_sys_stat("/world/link", &st) == -1);
}

TC(hostpass_data, "hostpass wants a path of the host, which fits")
{
	char data[256] = "path=/";

	start();
	ATF_REQUIRE_ERRNO(
	    EINVAL, rump_sys_mount("hostpass", "/upper", 0, "", 0) == -1);
	ATF_REQUIRE_ERRNO(EINVAL,
	    rump_sys_mount("hostpass", "/upper", 0, "path=rel", 8) == -1);
	memset(data + 6, 'x', 200);
	ATF_REQUIRE_ERRNO(ENAMETOOLONG,
	    rump_sys_mount("hostpass", "/upper", 0, data, strlen(data)) == -1);
}

TC(fifos, "hosted programs open fifos on the host, each by its name there")
{
	char name[64];

	start();
	ATF_REQUIRE(rump_sys_mkfifo("/world/new", 0600) != -1);
	ATF_REQUIRE(rump_sys_close(rump_sys_open("/world/new", O_RDWR)) != -1);
	ATF_REQUIRE_EQ(open_by_hand("/world/new", O_RDWR, 0), EREMOTE);
	ATF_REQUIRE_EQ(open_by_hand("/world/fifo", O_RDWR, 0), EREMOTE);
	ATF_REQUIRE_EQ(host_path("/world/new", true), 0);
	ATF_REQUIRE(strncmp(answer(), "fifo.", 5) == 0);
	strcpy(name, answer());
	ATF_REQUIRE(rump_sys_rename("/world/new", "/world/other") != -1);
	ATF_REQUIRE_EQ(host_path("/world/other", true), 0);
	ATF_REQUIRE_STREQ(answer(), name);
	ATF_REQUIRE_EQ(host_path("/world/fifo", true), 0);
	ATF_REQUIRE(strcmp(answer(), name) != 0);
	ATF_REQUIRE(rump_sys_mknod("/world/sock", S_IFSOCK | 0600, 0) != -1);
	ATF_REQUIRE_EQ(host_path("/world/sock", true), 0);
	ATF_REQUIRE(strncmp(answer(), "socket.", 7) == 0);
}

/* Open on the host what SP_HOSTFILE gave for fd, and read it. */
static int64_t
host_file(int64_t fd, bool write, int flags, char *buf, size_t size)
{
	struct sp_msg *m = message(SP_HOSTFILE);
	char path[64];
	int64_t value;
	ssize_t n;
	int hostfd;

	m->sm_args[0] = (uint64_t)fd;
	m->sm_args[1] = write;
	if (hand_call(sock, sh) != 0)
		return -m->sm_error;
	value = m->sm_retval;
	snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)server,
	    (int)(value & INT32_MAX));
	ATF_REQUIRE((hostfd = open(path, flags)) != -1);
	ATF_REQUIRE((n = pread(hostfd, buf, size - 1, 0)) != -1);
	buf[n] = '\0';
	if (write)
		ATF_REQUIRE_EQ(pwrite(hostfd, "W", 1, 0), 1);
	close(hostfd);
	return value;
}

TC(hostfile, "SP_HOSTFILE gives a file of the host with a file's data")
{
	int64_t fd, value;
	char buf[32];
	int mine;

	start();
	ATF_REQUIRE_EQ(open_by_hand("/world/file", O_RDONLY, 0), 0);
	fd = sp_slot(sh, 0)->ss_msg.sm_retval;
	value = host_file(fd, false, O_RDONLY, buf, sizeof(buf));
	ATF_REQUIRE(value >= SP_HOSTFILE_LOWER);
	ATF_REQUIRE_STREQ(buf, "lower");
	ATF_REQUIRE_EQ(host_file(fd, true, O_RDWR, buf, sizeof(buf)), -EACCES);
	/* Written to, it is another file. */
	ATF_REQUIRE_EQ(open_by_hand("/world/file", O_RDWR, 0), 0);
	fd = sp_slot(sh, 0)->ss_msg.sm_retval;
	value = host_file(fd, true, O_RDWR, buf, sizeof(buf));
	ATF_REQUIRE(value >= 0 && value < SP_HOSTFILE_LOWER);
	ATF_REQUIRE_STREQ(buf, "lower");
	ATF_REQUIRE((mine = rump_sys_open("/world/file", O_RDONLY)) != -1);
	ATF_REQUIRE_EQ(rump_sys_read(mine, buf, sizeof(buf)), 5);
	ATF_REQUIRE(memcmp(buf, "Wower", 5) == 0);
	ATF_REQUIRE(atf_utils_compare_file("below/file", "lower"));
	ATF_REQUIRE_EQ(
	    host_file(77, false, O_RDONLY, buf, sizeof(buf)), -EBADF);
	ATF_REQUIRE_EQ(
	    host_file(0, false, O_RDONLY, buf, sizeof(buf)), -ENODEV);
}

TC(hostfile_closed, "what SP_HOSTFILE gave is closed again by the next call")
{
	int before;
	char buf[32];
	int64_t fd;

	start();
	ATF_REQUIRE_EQ(open_by_hand("/world/file", O_RDONLY, 0), 0);
	fd = sp_slot(sh, 0)->ss_msg.sm_retval;
	ATF_REQUIRE(host_file(fd, false, O_RDONLY, buf, sizeof(buf)) >= 0);
	before = server_files(server);
	for (int i = 0; i < 100; i++)
		ATF_REQUIRE(
		    host_file(fd, false, O_RDONLY, buf, sizeof(buf)) >= 0);
	ATF_REQUIRE_EQ(server_files(server), before);
	close(sock);
	for (int i = 0; i < 1000 && server_files(server) >= before; i++)
		usleep(1000);
	ATF_REQUIRE(server_files(server) < before);
}

TC(fdmin, "sm_fdmin is the lowest descriptor that a call makes")
{
	struct sp_msg *m;
	struct sp_fds sf;
	int32_t fds[6];

	start();
	ATF_REQUIRE_EQ(open_by_hand("/world/file", O_RDONLY, 7), 0);
	ATF_REQUIRE_EQ(sp_slot(sh, 0)->ss_msg.sm_retval, 7);
	ATF_REQUIRE_EQ(open_by_hand("/world/file", O_RDONLY, 7), 0);
	ATF_REQUIRE_EQ(sp_slot(sh, 0)->ss_msg.sm_retval, 8);
	ATF_REQUIRE_EQ(open_by_hand("/world/file", O_RDONLY, 0), 0);
	ATF_REQUIRE_EQ(sp_slot(sh, 0)->ss_msg.sm_retval, 3);
	m = message(SP_FDS);
	ATF_REQUIRE_EQ(hand_call(sock, sh), 0);
	ATF_REQUIRE_EQ(m->sm_retval, 6);
	memcpy(&sf, answer(), sizeof(sf));
	ATF_REQUIRE(sf.sf_uid == 0 && sf.sf_euid == 0 && sf.sf_gid == 0);
	memcpy(fds, answer() + sizeof(sf), sizeof(fds));
	ATF_REQUIRE(fds[0] == 0 && fds[1] == 1 && fds[2] == 2 && fds[3] == 3 &&
		    fds[4] == 7 && fds[5] == 8);
	ATF_REQUIRE_EQ(
	    open_by_hand("/world/file", O_RDONLY, UINT32_MAX), EMFILE);
}

static int
fd_path(int64_t fd)
{
	struct sp_msg *m = message(SP_FDPATH);

	m->sm_args[0] = (uint64_t)fd;
	return hand_call(sock, sh);
}

TC(fdpath, "SP_FDPATH says what path a descriptor has")
{
	int64_t fd;

	start();
	ATF_REQUIRE_EQ(open_by_hand("/world", O_RDONLY | O_DIRECTORY, 0), 0);
	ATF_REQUIRE_EQ(fd_path(sp_slot(sh, 0)->ss_msg.sm_retval), 0);
	ATF_REQUIRE_STREQ(answer(), "/world");
	ATF_REQUIRE_EQ(open_by_hand("/world/file", O_RDONLY, 0), 0);
	fd = sp_slot(sh, 0)->ss_msg.sm_retval;
	ATF_REQUIRE_EQ(fd_path(fd), 0);
	ATF_REQUIRE_STREQ(answer(), "/world/file");
	ATF_REQUIRE_EQ(sp_slot(sh, 0)->ss_msg.sm_retval, 11);
	ATF_REQUIRE(rump_sys_rename("/world/file", "/world/moved") != -1);
	ATF_REQUIRE_EQ(fd_path(fd), 0);
	ATF_REQUIRE_STREQ(answer(), "/world/moved");
	ATF_REQUIRE(rump_sys_unlink("/world/moved") != -1);
	ATF_REQUIRE_EQ(fd_path(fd), ENOENT);
	ATF_REQUIRE_EQ(fd_path(0), ENOENT);
	ATF_REQUIRE_EQ(fd_path(99), EBADF);
	ATF_REQUIRE_EQ(open_by_hand("/new", O_RDWR | O_CREAT, 0), 0);
	ATF_REQUIRE_EQ(fd_path(sp_slot(sh, 0)->ss_msg.sm_retval), 0);
	ATF_REQUIRE_STREQ(answer(), "/new");
}

TC(reopen, "SP_REOPEN opens a file once more that has no name any more")
{
	struct sp_msg *m;
	int64_t fd;

	start();
	ATF_REQUIRE_EQ(open_by_hand("/world/file", O_RDONLY, 0), 0);
	fd = sp_slot(sh, 0)->ss_msg.sm_retval;
	ATF_REQUIRE(rump_sys_unlink("/world/file") != -1);
	m = message(SP_REOPEN);
	m->sm_args[0] = (uint64_t)fd;
	m->sm_args[1] = O_RDONLY;
	m->sm_fdmin = 20;
	ATF_REQUIRE_EQ(hand_call(sock, sh), 0);
	ATF_REQUIRE_EQ(m->sm_retval, 20);
	m = message(SP_REOPEN);
	m->sm_args[0] = 99;
	ATF_REQUIRE_EQ(hand_call(sock, sh), EBADF);
}

static int
receive(ino_t ino)
{
	struct sp_msg *m = message(SP_RECEIVE);

	m->sm_args[0] = ino;
	m->sm_fdmin = 30;
	return hand_call(sock, sh);
}

TC(rights, "a file that is sent stays as long as somebody has the pipe's end")
{
	struct sp_msg *m;
	char path[64];
	struct stat st;
	int fd, tries;

	start();
	ATF_REQUIRE_EQ(open_by_hand("/sent", O_RDWR | O_CREAT, 0), 0);
	fd = (int)sp_slot(sh, 0)->ss_msg.sm_retval;
	m = message(SP_SEND);
	m->sm_args[0] = 99;
	ATF_REQUIRE_EQ(hand_call(sock, sh), EBADF);
	m = message(SP_SEND);
	m->sm_args[0] = (uint64_t)fd;
	ATF_REQUIRE_EQ(hand_call(sock, sh), 0);
	snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)server,
	    (int)m->sm_retval);
	ATF_REQUIRE((fd = open(path, O_WRONLY | O_NONBLOCK)) != -1);
	ATF_REQUIRE(fstat(fd, &st) == 0);
	ATF_REQUIRE_EQ(receive(st.st_ino + 1), ENOENT);
	ATF_REQUIRE_EQ(receive(st.st_ino), 0);
	ATF_REQUIRE_EQ(m->sm_retval, 30);
	ATF_REQUIRE_EQ(receive(st.st_ino), 0);
	ATF_REQUIRE_EQ(m->sm_retval, 31);
	close(fd);
	for (tries = 0; tries < 1000 && receive(st.st_ino) == 0; tries++)
		usleep(1000);
	ATF_REQUIRE_EQ(receive(st.st_ino), ENOENT);
}

/*
 * From here on what is said by hand is said by a user of the host who is not
 * root here.
 */
static void
become_user(void)
{
	if (geteuid() != 0)
		atf_tc_skip("has to be root on the host");
	ATF_REQUIRE(chmod(server_path(0), 0777) == 0);
	ATF_REQUIRE(seteuid(1000) == 0);
	sock = hand_hello(SP_MAGIC, SP_VERSION, SP_H_NEW, SP_H_HOSTED, &sh);
	ATF_REQUIRE(seteuid(0) == 0);
	ATF_REQUIRE(sock != -1);
}

TC(rights_user, "who receives a file is root or of the user who sent it")
{
	struct sp_msg *m;
	char path[64];
	struct stat st;
	int fd;

	start();
	ATF_REQUIRE_EQ(open_by_hand("/secret", O_RDWR | O_CREAT, 0), 0);
	fd = (int)sp_slot(sh, 0)->ss_msg.sm_retval;
	m = message(SP_SEND);
	m->sm_args[0] = (uint64_t)fd;
	ATF_REQUIRE_EQ(hand_call(sock, sh), 0);
	snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)server,
	    (int)m->sm_retval);
	ATF_REQUIRE((fd = open(path, O_WRONLY | O_NONBLOCK)) != -1);
	ATF_REQUIRE(fstat(fd, &st) == 0);
	ATF_REQUIRE_EQ(receive(st.st_ino), 0);
	become_user();
	ATF_REQUIRE_EQ(receive(st.st_ino), ENOENT);
	close(fd);
}

static int
host_dir(const char *path)
{
	struct sp_msg *m = message(SP_HOSTDIR);

	m->sm_args[0] = (uint64_t)AT_FDCWD;
	put_path(m, path);
	return hand_call(sock, sh);
}

static int
adopt(uint32_t mount, ino_t ino)
{
	struct sp_msg *m = message(SP_ADOPT);
	char path[512];

	ATF_REQUIRE(getcwd(path, sizeof(path)) != NULL);
	strcat(path, "/below/file");
	m->sm_args[1] = mount;
	m->sm_args[2] = ino;
	put_path(m, path);
	return hand_call(sock, sh);
}

TC(adopt_user, "a user's word that he has opened a file is not enough")
{
	struct sp_hostdir hd;
	struct sp_msg *m;
	struct stat st;

	start();
	ATF_REQUIRE(chmod("below/file", 0600) == 0);
	ATF_REQUIRE(rump_sys_stat("/world/file", &st) == 0);
	m = message(SP_SYSCALL);
	m->sm_nr = RUMP_SYS_chroot;
	m->sm_args[0] = SP_TAG;
	put_path(m, "/world");
	ATF_REQUIRE_EQ(hand_call(sock, sh), 0);
	ATF_REQUIRE_EQ(host_dir("/"), 0);
	memcpy(&hd, answer(), sizeof(hd));
	ATF_REQUIRE_EQ(adopt(hd.hd_mount, st.st_ino), 0);
	become_user();
	ATF_REQUIRE_EQ(adopt(hd.hd_mount, st.st_ino), EPERM);
	ATF_REQUIRE_EQ(host_dir("/"), EPERM);
}

static int
program_call(const char *path)
{
	struct sp_msg *m = message(SP_PROGRAM);

	m->sm_args[0] = (uint64_t)AT_FDCWD;
	m->sm_args[1] = 1;
	m->sm_args[2] = 1; /* set-id bits count */
	put_path(m, path);
	return hand_call(sock, sh);
}

static int
exec_call(const char *name)
{
	struct sp_msg *m = message(SP_EXEC);

	if (name != NULL)
		put_path(m, name);
	return hand_call(sock, sh);
}

TC(exec, "SP_EXEC begins another program on the connection of the one before")
{
	struct sp_fds sf;
	struct sp_msg *m;
	int64_t pid;
	int32_t fd;

	start();
	ATF_REQUIRE_EQ(open_by_hand("/world/file", O_RDONLY | O_CLOEXEC, 7), 0);
	ATF_REQUIRE_EQ(open_by_hand("/world/file", O_RDONLY, 8), 0);
	ATF_REQUIRE_EQ(exec_call("a name that is too long"), 0);
	/* What it has at first, and one more. */
	m = &sp_slot(sh, 0)->ss_msg;
	ATF_REQUIRE_EQ(m->sm_retval, 4);
	memcpy(&sf, answer(), sizeof(sf));
	ATF_REQUIRE(sf.sf_uid == 0 && sf.sf_egid == 0);
	memcpy(&fd, answer() + sizeof(sf) + 3 * sizeof(fd), sizeof(fd));
	ATF_REQUIRE_EQ(fd, 8);
	/* It must be alone. */
	m = message(SP_PID);
	ATF_REQUIRE_EQ(hand_call(sock, sh), 0);
	pid = m->sm_retval;
	m = message(SP_NEWLWP);
	m->sm_args[0] = (uint64_t)pid;
	ATF_REQUIRE_EQ(hand_call(sock, sh), 0);
	ATF_REQUIRE_EQ(exec_call("name"), EBUSY);
	ATF_REQUIRE_EQ(exec_call(NULL), EPROTO);
}

TC(exec_user, "a user does not become another one by saying what he executes")
{
	struct sp_fds sf;
	int fd;

	start();
	fd = rump_sys_open("/su", O_WRONLY | O_CREAT, 0755);
	ATF_REQUIRE_EQ(rump_sys_write(fd, "#!/bin/sh\n", 10), 10);
	ATF_REQUIRE_EQ(rump_sys_close(fd), 0);
	ATF_REQUIRE_EQ(rump_sys_chmod("/su", 04755), 0);
	become_user();
	ATF_REQUIRE_EQ(program_call("/su"), 0);
	ATF_REQUIRE_EQ(exec_call("su"), 0);
	memcpy(&sf, answer(), sizeof(sf));
	ATF_REQUIRE_EQ(sf.sf_uid, 1000);
	ATF_REQUIRE_EQ(sf.sf_euid, 1000);
}

TC(fork_root, "the answer to SP_FORK has what SP_HOSTDIR says of the root")
{
	struct sp_hosttree ht;
	struct sp_forked sf;
	struct sp_msg *m;

	start();
	m = message(SP_FORK);
	ATF_REQUIRE_EQ(hand_call(sock, sh), 0);
	memcpy(&sf, answer(), sizeof(sf));
	ATF_REQUIRE_EQ(sf.sf_root.ht_dir.hd_tree, 0);
	m = message(SP_SYSCALL);
	m->sm_nr = RUMP_SYS_chroot;
	m->sm_args[0] = SP_TAG;
	put_path(m, "/world");
	ATF_REQUIRE_EQ(hand_call(sock, sh), 0);
	(void)message(SP_FORK);
	ATF_REQUIRE_EQ(hand_call(sock, sh), 0);
	memcpy(&sf, answer(), sizeof(sf));
	ATF_REQUIRE_EQ(host_dir("/"), 0);
	memcpy(&ht, answer(), sizeof(ht));
	ATF_REQUIRE(ht.ht_dir.hd_tree != 0);
	ATF_REQUIRE_EQ(sf.sf_root.ht_dir.hd_flags, ht.ht_dir.hd_flags);
	ATF_REQUIRE_STREQ(sf.sf_root.ht_dir.hd_path, ht.ht_dir.hd_path);
	ATF_REQUIRE_STREQ(sf.sf_root.ht_but, "pass");
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, hostpath);
	ATF_TP_ADD_TC(tp, hostpass_data);
	ATF_TP_ADD_TC(tp, fifos);
	ATF_TP_ADD_TC(tp, hostfile);
	ATF_TP_ADD_TC(tp, hostfile_closed);
	ATF_TP_ADD_TC(tp, fdmin);
	ATF_TP_ADD_TC(tp, fdpath);
	ATF_TP_ADD_TC(tp, reopen);
	ATF_TP_ADD_TC(tp, rights);
	ATF_TP_ADD_TC(tp, rights_user);
	ATF_TP_ADD_TC(tp, adopt_user);
	ATF_TP_ADD_TC(tp, exec);
	ATF_TP_ADD_TC(tp, exec_user);
	ATF_TP_ADD_TC(tp, fork_root);
	return atf_no_error();
}
