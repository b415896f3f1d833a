/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Directories: how names are made, linked, renamed, removed and listed.
 */
#include <dirent.h>

#include "../lib/files.h"

TC(rename_replaces, "What a rename may replace, and what is left alone.")
{
	struct stat sb;
	int fd;

	start();
	make_file("f", 0644);
	make_file("g", 0644);
	T_OK(rump_sys_mkdir("d", 0755));
	T_OK(rump_sys_mkdir("e", 0755));
	T_OK(rump_sys_mkdir("full", 0755));
	make_file("full/in", 0644);
	T_ERR(ENOENT, rump_sys_rename("none", "f"));
	T_ERR(EISDIR, rump_sys_rename("f", "d"));
	T_ERR(ENOTDIR, rump_sys_rename("d", "f"));
	T_ERR(ENOTEMPTY, rump_sys_rename("d", "full"));
	T_ERR(EINVAL, rump_sys_rename("d", "d/in"));
	T_ERR(ENOTDIR, rump_sys_rename("full", "full/in/deep"));
	T_ERR(ENOTEMPTY, rump_sys_rename("full/in", "full"));
	T_ERR(EBUSY, rump_sys_rename("d/.", "x"));
	T_ERR(EBUSY, rump_sys_rename("d", "e/.."));
	T_ERR(EBUSY, rump_sys_rename("/", "x"));

	fd = (int)T_OK(rump_sys_open("g", O_RDONLY));
	T_OK(rump_sys_rename("f", "g"));
	T_EQ(false, exists("f"));
	T_OK(rump_sys_fstat(fd, &sb));
	T_EQ(0, sb.st_nlink);
	T_ASSERT(sb.st_ino != ino_of("g"));
	T_OK(rump_sys_rename("full", "d"));
	T_ASSERT(exists("d/in"));
	T_EQ(false, exists("full"));
	/* Two names of one file both stay. */
	T_OK(rump_sys_link("g", "h"));
	T_OK(rump_sys_rename("g", "h"));
	T_EQ(2, nlink_of("g"));
	T_OK(rump_sys_rename("d", "d"));
	/* A symbolic link is renamed and replaced itself. */
	T_OK(rump_sys_symlink("h", "link"));
	T_OK(rump_sys_rename("link", "link2"));
	T_OK(rump_sys_rename("g", "link2"));
	T_EQ(ino_of("h"), ino_of("link2"));
	T_EQ(2, nlink_of("h"));
}

TC(rename_moves_parents, "A directory that moves has another parent.")
{
	start();
	T_OK(rump_sys_mkdir("a", 0755));
	T_OK(rump_sys_mkdir("b", 0755));
	T_OK(rump_sys_mkdir("a/d", 0755));
	T_EQ(3, nlink_of("a"));
	T_EQ(4, nlink_of("."));
	T_OK(rump_sys_rename("a/d", "b/d"));
	T_EQ(2, nlink_of("a"));
	T_EQ(3, nlink_of("b"));
	T_EQ(ino_of("b"), ino_of("b/d/.."));
	T_OK(rump_sys_mkdir("a/d", 0755));
	T_OK(rump_sys_rename("b/d", "a/d"));
	T_EQ(3, nlink_of("a"));
	T_EQ(2, nlink_of("b"));
	T_OK(rump_sys_rename("b", "a/d"));
	T_EQ(3, nlink_of("a"));
	T_EQ(3, nlink_of("."));
	T_EQ(2, nlink_of("a/d"));
}

TC(links_are_counted, "Link counts of files and directories.")
{
	struct stat sb;
	int fd;

	start();
	make_file("f", 0644);
	T_EQ(1, nlink_of("f"));
	T_OK(rump_sys_link("f", "g"));
	T_EQ(2, nlink_of("f"));
	T_EQ(ino_of("f"), ino_of("g"));
	T_ERR(EEXIST, rump_sys_link("f", "g"));
	T_ERR(ENOENT, rump_sys_link("none", "h"));
	T_ERR(EPERM, rump_sys_link(".", "h"));
	T_OK(rump_sys_symlink("f", "s"));
	T_OK(rump_sys_link("s", "s2"));
	T_EQ(2, nlink_of("s"));
	T_OK(rump_sys_linkat(AT_FDCWD, "s", AT_FDCWD, "h", AT_SYMLINK_FOLLOW));
	T_EQ(3, nlink_of("f"));
	T_OK(rump_sys_unlink("f"));
	T_OK(rump_sys_unlink("g"));
	T_EQ(1, nlink_of("h"));
	/* Without a name it can be used, but not get one again. */
	fd = (int)T_OK(rump_sys_open("h", O_RDONLY));
	T_OK(rump_sys_unlink("h"));
	T_OK(rump_sys_fstat(fd, &sb));
	T_EQ(0, sb.st_nlink);
	T_ERR(
	    ENOENT, rump_sys_linkat(fd, "", AT_FDCWD, "again", AT_EMPTY_PATH));
}

TC(rmdir_rules, "Which directories can be removed, and by which call.")
{
	start();
	T_OK(rump_sys_mkdir("d", 0755));
	T_OK(rump_sys_mkdir("d/in", 0755));
	make_file("f", 0644);
	T_ERR(EEXIST, rump_sys_mkdir("d", 0755));
	T_ERR(EEXIST, rump_sys_mkdir("f", 0755));
	T_ERR(EEXIST, rump_sys_mkdir("/", 0755));
	T_ERR(EEXIST, rump_sys_mkdir("d/.", 0755));
	T_ERR(ENOENT, rump_sys_mkdir("none/d", 0755));
	T_ERR(ENOTDIR, rump_sys_mkdir("f/d", 0755));
	T_ERR(ENOTEMPTY, rump_sys_rmdir("d"));
	T_ERR(ENOTDIR, rump_sys_rmdir("f"));
	T_ERR(ENOENT, rump_sys_rmdir("none"));
	T_ERR(EINVAL, rump_sys_rmdir("d/in/."));
	T_ERR(ENOTEMPTY, rump_sys_rmdir("d/in/.."));
	T_ERR(EBUSY, rump_sys_rmdir("/"));
	T_ERR(EISDIR, rump_sys_unlink("d"));
	T_ERR(EISDIR, rump_sys_unlink("d/in/.."));
	T_EQ(3, nlink_of("d"));
	T_OK(rump_sys_unlinkat(AT_FDCWD, "d/in", AT_REMOVEDIR));
	T_EQ(2, nlink_of("d"));
	T_OK(rump_sys_rmdir("d"));
	T_ERR(ENOENT, rump_sys_rmdir("d"));
}

/*
 * Directories.
 */
#define NENTRIES 200

/* Read on; what was seen of the names e0, e1, … is counted. */
static int
read_entries(int fd, size_t size, int seen[NENTRIES])
{
	union {
		char bytes[1024];
		struct dirent64 align;
	} buf;
	int n = (int)T_OK(rump_sys_getdents(fd, buf.bytes, size));

	T_ASSERT(n <= (int)size);
	for (int at = 0; at < n;) {
		struct dirent64 *d = (void *)(buf.bytes + at);

		at += d->d_reclen;
		if (d->d_name[0] != 'e')
			continue;
		T_EQ(DT_REG, d->d_type);
		seen[atoi(d->d_name + 1)]++;
	}
	return n;
}

static void
make_entries(int from, int to)
{
	char name[32];

	for (int i = from; i < to; i++) {
		snprintf(name, sizeof(name), "e%d", i);
		make_file(name, 0644);
	}
}

TC(getdents_small_buffers, "Each entry is read once, whatever the buffer.")
{
	static const size_t sizes[] = {24, 32, 56, 100, 1024};
	int seen[NENTRIES], fd;

	start();
	make_entries(0, NENTRIES);
	fd = (int)T_OK(rump_sys_open(".", O_RDONLY | O_DIRECTORY));
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		memset(seen, 0, sizeof(seen));
		T_EQ(0, rump_sys_lseek(fd, 0, SEEK_SET));
		while (read_entries(fd, sizes[i], seen) > 0)
			continue;
		for (int k = 0; k < NENTRIES; k++)
			T_EQ(1, seen[k]);
		T_EQ(0, read_entries(fd, sizes[i], seen));
	}
	T_EQ(0, rump_sys_lseek(fd, 0, SEEK_SET));
	T_ERR(EINVAL, rump_sys_getdents(fd, (char *)seen, 23));
	T_OK(read_entries(fd, 24, seen));
}

TC(getdents_while_it_changes, "An entry that stays is read exactly once.")
{
	int seen[NENTRIES] = {0}, fd, n = 0;
	char name[32], to[32];

	start();
	make_entries(0, 100);
	fd = (int)T_OK(rump_sys_open(".", O_RDONLY | O_DIRECTORY));
	/* The first 50 stay; others go, come and change their names. */
	while (read_entries(fd, 64, seen) > 0) {
		if (n < 50) {
			snprintf(name, sizeof(name), "e%d", 50 + n);
			T_OK(rump_sys_unlink(name));
		}
		if (n < 100) {
			make_entries(100 + n, 101 + n);
			snprintf(name, sizeof(name), "e%d", 100 + n);
			snprintf(to, sizeof(to), "x%d", 100 + n);
			T_OK(rump_sys_rename(name, to));
		}
		n++;
	}
	for (int k = 0; k < NENTRIES; k++) {
		if (k < 50)
			T_EQ(1, seen[k]);
		else
			T_ASSERT(seen[k] <= 1);
	}
}

TC(getdents_positions, "d_off leads back to the entry after it.")
{
	union {
		char bytes[1024];
		struct dirent64 align;
	} buf;
	char next[256];
	struct dirent64 *d = &buf.align, *e;
	off_t after;
	int fd, n;

	start();
	make_entries(0, 10);
	fd = (int)T_OK(rump_sys_open(".", O_RDONLY | O_DIRECTORY));
	n = (int)T_OK(rump_sys_getdents(fd, buf.bytes, sizeof(buf.bytes)));
	for (int at = d->d_reclen; at + d->d_reclen < n; at += e->d_reclen) {
		e = (void *)(buf.bytes + at);
		if (at + e->d_reclen >= n)
			break;
		after = e->d_off;
		snprintf(next, sizeof(next), "%s",
		    ((struct dirent64 *)(buf.bytes + at + e->d_reclen))
			->d_name);
		T_EQ(after, rump_sys_lseek(fd, after, SEEK_SET));
		T_OK(rump_sys_getdents(fd, buf.bytes, 64));
		ATF_REQUIRE_STREQ(next, buf.align.d_name);
		/* Again, since it was written over. */
		T_EQ(0, rump_sys_lseek(fd, 0, SEEK_SET));
		T_EQ(n, rump_sys_getdents(fd, buf.bytes, sizeof(buf.bytes)));
	}
}

TC(getdents_errors, "What is no directory, and one that is no more.")
{
	char buf[512];
	int fd;

	start();
	make_file("f", 0644);
	fd = (int)T_OK(rump_sys_open("f", O_RDONLY));
	T_ERR(ENOTDIR, rump_sys_getdents(fd, buf, sizeof(buf)));
	T_ERR(EBADF, rump_sys_getdents(99, buf, sizeof(buf)));
	T_OK(rump_sys_mkdir("d", 0755));
	fd = (int)T_OK(rump_sys_open("d", O_RDONLY));
	T_ERR(EISDIR, rump_sys_read(fd, buf, sizeof(buf)));
	T_OK(rump_sys_rmdir("d"));
	T_ERR(ENOENT, rump_sys_getdents(fd, buf, sizeof(buf)));
	T_ERR(ENOENT, rump_sys_openat(fd, "f", O_RDWR | O_CREAT, 0600));
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, rename_replaces);
	ATF_TP_ADD_TC(tp, rename_moves_parents);
	ATF_TP_ADD_TC(tp, links_are_counted);
	ATF_TP_ADD_TC(tp, rmdir_rules);
	ATF_TP_ADD_TC(tp, getdents_small_buffers);
	ATF_TP_ADD_TC(tp, getdents_while_it_changes);
	ATF_TP_ADD_TC(tp, getdents_positions);
	ATF_TP_ADD_TC(tp, getdents_errors);
	return atf_no_error();
}
