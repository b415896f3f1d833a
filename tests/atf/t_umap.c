/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * umap: the same files with other owners.
 */
#include <sys/stat.h>

#include <fcntl.h>
#include <string.h>

#include <rump/rump_mount.h>

#include "tc.h"

static int
mount_text(const char *dir, const char *data)
{
	return rump_sys_mount(
	    "umap", dir, 0, (void *)(uintptr_t)data, strlen(data));
}

static void
make(const char *path, mode_t mode, uid_t uid, gid_t gid)
{
	int fd = (int)T_OK(rump_sys_open(path, O_WRONLY | O_CREAT, 0644));

	T_OK(rump_sys_close(fd));
	T_OK(rump_sys_chown(path, uid, gid));
	T_OK(rump_sys_chmod(path, mode));
}

static void
owned(const char *path, uid_t uid, gid_t gid)
{
	struct stat st;

	T_OK(rump_sys_stat(path, &st));
	T_EQ(uid, st.st_uid);
	T_EQ(gid, st.st_gid);
}

/* In a process of its own. */
static void
become(uid_t uid, gid_t gid)
{
	rump_pub_lwproc_switch(NULL);
	(void)newproc(0);
	T_OK(rump_sys_setgroups(0, NULL));
	T_OK(rump_sys_setgid(gid));
	T_OK(rump_sys_setuid(uid));
}

/*
 * /a, all of it 1000:100's but /a/other, which is 5:6's; at /b 1000 to 1009
 * are 2000 to 2009 and 100 to 109 are 200 to 209.
 */
static void
setup(void)
{
	boot();
	(void)rump_sys_umask(0);
	T_OK(rump_sys_mkdir("/a", 0755));
	T_OK(rump_sys_mkdir("/b", 0755));
	T_OK(rump_sys_chown("/a", 1000, 100));
	make("/a/f", 0640, 1000, 100);
	make("/a/other", 0646, 5, 6);
	T_OK(mount_text("/b", "target=/a,uid=1000:2000:10,gid=100:200:10"));
}

TC(stat_shows, "owners are shown shifted, what has no place as nobody's")
{
	setup();
	owned("/b/f", 2000, 200);
	owned("/a/f", 1000, 100);
	owned("/b/other", 65534, 65534);
}

TC(pairs, "the structure's pairs")
{
	uint64_t uids[][2] = {{1000, 1}, {5, 2}}, gids[][2] = {{100, 7}};
	struct umap_args ua = {(char *)(uintptr_t) "/a", 2, 1, uids, gids};

	setup();
	T_OK(rump_sys_unmount("/b", 0));
	T_OK(rump_sys_mount("umap", "/b", 0, &ua, sizeof(ua)));
	owned("/b/f", 1, 7);
	owned("/b/other", 2, 65534);
	T_OK(rump_sys_unmount("/b", 0));
	ua.gnentries = 0;
	T_OK(rump_sys_mount("umap", "/b", 0, &ua, sizeof(ua)));
	owned("/b/other", 2, 6);
	T_OK(rump_sys_unmount("/b", 0));
	uids[1][1] = 1;
	T_ERR(EINVAL, rump_sys_mount("umap", "/b", 0, &ua, sizeof(ua)));
	uids[1][1] = UINT64_C(1) << 32;
	T_ERR(EINVAL, rump_sys_mount("umap", "/b", 0, &ua, sizeof(ua)));
	ua.nentries = -1;
	T_ERR(EINVAL, rump_sys_mount("umap", "/b", 0, &ua, sizeof(ua)));
	ua.nentries = 1;
	ua.mapdata = NULL;
	T_ERR(EFAULT, rump_sys_mount("umap", "/b", 0, &ua, sizeof(ua)));
}

TC(bad_options, "tables that make no sense are refused")
{
	static const char *const bad[] = {"", "target=/a,uid=1", "uid=1:2",
	    "target=/a,uid=1:2:0", "target=/a,uid=1:2:4294967295",
	    "target=/a,uid=1:2x", "target=/a,uid=1:5,uid=2:5",
	    "target=/a,gid=1:5:9,gid=9:20", "target=/a,uid=99999999999:1",
	    "target=/a,foo=1:2", "target="};
	size_t i;

	setup();
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		T_ERR(EINVAL, mount_text("/b", bad[i]));
	T_ERR(ENOENT, mount_text("/b", "target=/none,uid=1:2"));
	T_ERR(EPERM, mount_text("/b", "target=/b,uid=2000:1"));
}

TC(permission, "who may is decided by the ids that are seen")
{
	setup();
	become(2000, 5);
	T_OK(rump_sys_access("/b/f", R_OK | W_OK));
	T_ERR(EACCES, rump_sys_access("/a/f", R_OK));
	become(3000, 200);
	T_OK(rump_sys_access("/b/f", R_OK));
	T_ERR(EACCES, rump_sys_access("/b/f", W_OK));
	become(1000, 100);
	T_ERR(EACCES, rump_sys_access("/b/f", R_OK));
}

TC(nobodys, "what is nobody's is not the user nobody's, nor root's")
{
	setup();
	T_OK(rump_sys_access("/b/other", R_OK));
	T_ERR(EACCES, rump_sys_access("/b/other", W_OK));
	T_ERR(EACCES, rump_sys_open("/b/other", O_RDWR, 0));
	T_ERR(EOVERFLOW, rump_sys_chmod("/b/other", 0600));
	T_ERR(EOVERFLOW, rump_sys_unlink("/b/other"));
	T_ERR(EOVERFLOW, rump_sys_rename("/b/other", "/b/x"));
	become(65534, 65534);
	T_ERR(EACCES, rump_sys_access("/b/other", W_OK));
	T_OK(rump_sys_access("/a/other", W_OK));
}

TC(create, "new files are stored with the ids that are shown as the maker's")
{
	setup();
	T_ERR(EOVERFLOW, rump_sys_mkdir("/b/x", 0755));
	T_ERR(EOVERFLOW, rump_sys_open("/b/x", O_CREAT | O_RDWR, 0644));
	become(2000, 209);
	T_OK(rump_sys_mkdir("/b/d", 0755));
	owned("/b/d", 2000, 209);
	owned("/a/d", 1000, 109);
	T_OK(rump_sys_symlink("f", "/b/l"));
	T_OK(rump_sys_rmdir("/b/d"));
}

TC(chown, "a file can be given the ids that have a place")
{
	setup();
	T_OK(rump_sys_chown("/b/f", 2009, 209));
	owned("/a/f", 1009, 109);
	T_ERR(EOVERFLOW, rump_sys_chown("/b/f", 2010, 209));
	T_ERR(EOVERFLOW, rump_sys_chown("/b/f", 1000, (gid_t)-1));
	T_ERR(EOVERFLOW, rump_sys_chown("/b/f", 2000, 0));
	owned("/a/f", 1009, 109);
	T_ERR(EOVERFLOW, rump_sys_chown("/b/other", 2000, (gid_t)-1));
	T_OK(rump_sys_chown("/b/other", 2000, 200));
	become(2009, 201);
	T_OK(rump_sys_chown("/b/f", (uid_t)-1, 201));
	owned("/a/f", 1009, 101);
	T_ERR(EPERM, rump_sys_chown("/b/f", (uid_t)-1, 202));
}

TC(setgid_bits, "set-group-id bits stay for members of the group seen")
{
	struct stat st;
	int fd;

	setup();
	T_OK(rump_sys_chown("/a/f", 1000, 100));
	become(2000, 200);
	T_OK(rump_sys_chmod("/b/f", 02660));
	T_OK(rump_sys_stat("/b/f", &st));
	T_EQ(02660, st.st_mode & 07777);
	/* Without S_IXGRP the bit stays for a member who writes. */
	fd = (int)T_OK(rump_sys_open("/b/f", O_WRONLY, 0));
	T_EQ(1, rump_sys_write(fd, "x", 1));
	T_OK(rump_sys_stat("/b/f", &st));
	T_EQ(02660, st.st_mode & 07777);
	T_OK(rump_sys_close(fd));
	become(2000, 100);
	T_OK(rump_sys_chmod("/b/f", 02660));
	T_OK(rump_sys_stat("/b/f", &st));
	T_EQ(0660, st.st_mode & 07777);
}

TC(sticky, "in a sticky directory owners are those that are seen")
{
	setup();
	T_OK(rump_sys_chmod("/a", 01777));
	become(2001, 200);
	T_ERR(EPERM, rump_sys_unlink("/b/f"));
	become(1000, 200);
	T_ERR(EPERM, rump_sys_unlink("/b/f"));
	become(2000, 200);
	T_OK(rump_sys_unlink("/b/f"));
}

TC(seen_again, "null of a umap shifts the same ids")
{
	setup();
	T_OK(rump_sys_mkdir("/c", 0755));
	T_OK(rump_sys_mount("null", "/c", 0, (void *)(uintptr_t) "/b", 2));
	owned("/c/f", 2000, 200);
	T_OK(rump_sys_unmount("/b", 0));
	owned("/c/f", 2000, 200);
}

/* An entry of an access control list, as its attribute has it. */
struct entry {
	uint16_t tag, perm;
	uint32_t id;
};

struct list {
	uint32_t version;
	struct entry entries[6];
};

TC(lists, "ids in access control lists are shown and stored as owners are")
{
	static const char name[] = "system.posix_acl_access";
	const struct list want = {
	    2, {{1, 6, ~0u}, {2, 6, 2003}, {4, 0, ~0u}, {8, 4, 204},
		   {16, 6, ~0u}, {32, 0, ~0u}}};
	struct list seen;

	setup();
	T_OK(rump_sys_setxattr("/b/f", name, &want, sizeof(want), 0));
	T_EQ((ssize_t)sizeof(seen),
	    rump_sys_getxattr("/b/f", name, &seen, sizeof(seen)));
	T_EQ(0, memcmp(&want, &seen, sizeof(seen)));
	T_EQ((ssize_t)sizeof(seen),
	    rump_sys_getxattr("/a/f", name, &seen, sizeof(seen)));
	T_EQ(1003, seen.entries[1].id);
	T_EQ(104, seen.entries[3].id);
	seen = want;
	seen.entries[1].id = 1003;
	T_ERR(EINVAL, rump_sys_setxattr("/b/f", name, &seen, sizeof(seen), 0));
	become(2003, 5);
	T_OK(rump_sys_access("/b/f", R_OK | W_OK));
	T_ERR(EACCES, rump_sys_access("/a/f", R_OK));
	become(1003, 104);
	T_ERR(EACCES, rump_sys_access("/b/f", R_OK));
	T_OK(rump_sys_access("/a/f", R_OK | W_OK));
	become(5, 204);
	T_OK(rump_sys_access("/b/f", R_OK));
	T_ERR(EACCES, rump_sys_access("/b/f", W_OK));
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, stat_shows);
	ATF_TP_ADD_TC(tp, pairs);
	ATF_TP_ADD_TC(tp, bad_options);
	ATF_TP_ADD_TC(tp, permission);
	ATF_TP_ADD_TC(tp, lists);
	ATF_TP_ADD_TC(tp, nobodys);
	ATF_TP_ADD_TC(tp, create);
	ATF_TP_ADD_TC(tp, chown);
	ATF_TP_ADD_TC(tp, setgid_bits);
	ATF_TP_ADD_TC(tp, sticky);
	ATF_TP_ADD_TC(tp, seen_again);
	return atf_no_error();
}
