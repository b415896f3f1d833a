/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Random calls on the files of one small tree from eight host threads, each
 * with a process of its own.
 *
 *	vfs_race [seed [steps]]
 *
 * Most of what is done is done to names that everybody uses (/race/w), so
 * that hardly a result can be foretold: only those errors may come that some
 * order of the calls explains.  Beside that are things that hold whatever the
 * others do:
 *
 *	always	a file that is only ever replaced by a rename: it is always
 *		there, and whole
 *	ball	a directory that is thrown from one of the directories a, b
 *		and c to another: what is in it, and what is beside it, is
 *		always found from it
 *	token-N	a file that thread N renames to the next number, and the next:
 *		who does not find it by one number finds it by a later one
 *	s0 …	names in a, b and c that stay: each is listed exactly once
 *	own-N	a file and a directory in a, b or c that thread N alone
 *		changes: all about them can be foretold
 *	log	files of records, to which all append: no record is torn
 *
 * At the end of each round link counts must agree with the tree, then all is
 * removed, and the kernel's memory, processes and files must be what they
 * were at the start.
 */
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>

#include <rump/rump_mount.h>

#include "../lib/stress.h"

/* overlay_race.c sets it. */
#ifndef OVERLAID
#define OVERLAID false
#endif

#define NSTAY  6
#define NNAMES 3
#define DEPTH  4
#define BURST  32
#define RECORD 16
#define LOWER  200 /* times that something is made in a lower layer */

#define arraycount(a) (sizeof(a) / sizeof((a)[0]))

static const char *const dirs[] = {"/race/a", "/race/b", "/race/c"};

/* What this host thread's own names are. */
static _Thread_local struct {
	int file, dir; /* in which of dirs; -1: nowhere */
	bool second;   /* the file has a second name, in the same directory */
	off_t size;
} own;

/* The numbers of the tokens; stored after the rename. */
static _Atomic long tokens[NTHREADS];
static _Atomic int pusher; /* who renames one, at least now and then */

/* The call succeeds, or fails with one of these (ended by 0). */
static bool
may_fail(long got, const int *errors)
{
	if (got != -1)
		return false;
	while (*errors != 0 && *errors != errno)
		errors++;
	if (*errors == 0)
		differ("an error that nothing explains");
	return true;
}
#define MAY_FAIL(call, ...) may_fail(call, (const int[]){__VA_ARGS__, 0})

static void
fill_record(char *rec)
{
	char text[RECORD + 1];

	snprintf(text, sizeof(text), "%02d:%012ld\n", me->id,
	    atomic_load(&me->step));
	memcpy(rec, text, RECORD);
}

static void
check_record(const char *rec)
{
	if (rec[2] != ':' || rec[RECORD - 1] != '\n')
		differ("a torn record: '%.16s'", rec);
}

/*
 * Paths that others use too: so many names below /race/w or the working
 * directory, which is there or below it.  Symbolic links lead from one name to
 * another that is as deep, and renames not to deeper ones, lest the tree gets
 * so deep that nobody comes to its end.
 */
static char *
wild_names(char *buf, const char *top, int n)
{
	char *p = stpcpy(buf, top);

	while (n-- > 0)
		p += sprintf(p, "/n%d", (int)rnd(NNAMES));
	return buf;
}

static const char *
wild_top(void)
{
	return rnd(4) != 0 ? "/race/w" : ".";
}

/* To a name, or the directory that it is in. */
static const char *
wild_path(char *buf)
{
	(void)wild_names(buf, wild_top(), 1 + (int)rnd(DEPTH));
	if (rnd(16) == 0)
		strcat(buf, "/..");
	if (rnd(16) == 0)
		strcat(buf, "/");
	return buf;
}

/* What a path can meet. */
#define PATH_ERRORS ENOENT, ENOTDIR, ELOOP

static void
wild_mkdir(void)
{
	char path[PATH_MAX];

	(void)MAY_FAIL(
	    rump_sys_mkdir(wild_path(path), 0777), PATH_ERRORS, EEXIST);
}

static void
wild_rmdir(void)
{
	char path[PATH_MAX];

	(void)MAY_FAIL(rump_sys_rmdir(wild_path(path)), PATH_ERRORS, ENOTEMPTY);
}

static void
wild_unlink(void)
{
	char path[PATH_MAX];

	(void)MAY_FAIL(rump_sys_unlink(wild_path(path)), PATH_ERRORS, EISDIR);
}

static void
wild_link(void)
{
	char from[PATH_MAX], to[PATH_MAX];

	(void)MAY_FAIL(rump_sys_link(wild_path(from), wild_path(to)),
	    PATH_ERRORS, EEXIST, EPERM);
}

static void
wild_symlink(void)
{
	char target[PATH_MAX], path[PATH_MAX];

	if (rnd(2) == 0)
		(void)wild_names(target, ".", 1);
	else
		(void)wild_names(target, "..", 2);
	(void)MAY_FAIL(
	    rump_sys_symlink(target, wild_path(path)), PATH_ERRORS, EEXIST);
}

/* One time in eight into what is renamed, which must not be. */
static void
wild_rename(void)
{
	char from[PATH_MAX], to[PATH_MAX];
	const char *top = wild_top();
	int depth = 1 + (int)rnd(DEPTH);

	(void)wild_names(from, top, depth);
	if (rnd(8) == 0)
		(void)wild_names(to, from, 1);
	else
		(void)wild_names(to, top, 1 + (int)rnd((uint64_t)depth));
	(void)MAY_FAIL(
	    rump_sys_rename(from, to), PATH_ERRORS, EISDIR, ENOTEMPTY, EINVAL);
}

static void
wild_mkfifo(void)
{
	char path[PATH_MAX];
	int fd;

	if (MAY_FAIL(
		rump_sys_mkfifo(wild_path(path), 0666), PATH_ERRORS, EEXIST))
		return;
	/* It may be something else by now. */
	fd = rump_sys_open(path, O_RDONLY | O_NONBLOCK);
	if (!MAY_FAIL(fd, PATH_ERRORS))
		want(0, rump_sys_close(fd));
}

static void
wild_lookup(void)
{
	char path[PATH_MAX], text[PATH_MAX];
	struct stat sb;

	if (!MAY_FAIL(rump_sys_stat(wild_path(path), &sb), PATH_ERRORS) &&
	    S_ISLNK(sb.st_mode))
		differ("stat did not follow %s", path);
	if (!MAY_FAIL(rump_sys_lstat(wild_path(path), &sb), PATH_ERRORS) &&
	    sb.st_ino == 0)
		differ("no inode number: %s", path);
	(void)MAY_FAIL(rump_sys_readlink(wild_path(path), text, sizeof(text)),
	    PATH_ERRORS, EINVAL);
}

/* Append to or read a file of records, through whatever the name is. */
static void
wild_file(void)
{
	static const int flags[] = {O_RDONLY, O_WRONLY | O_APPEND | O_CREAT,
	    O_RDWR | O_APPEND, O_RDWR | O_APPEND | O_CREAT | O_EXCL,
	    O_RDWR | O_APPEND | O_TRUNC};
	int how = flags[rnd(arraycount(flags))] | O_NONBLOCK, fd;
	char path[PATH_MAX], rec[RECORD];
	struct stat sb;

	fd = rump_sys_open(wild_path(path), how, 0666);
	if (MAY_FAIL(fd, PATH_ERRORS, EISDIR, EEXIST, ENXIO))
		return;
	want(0, rump_sys_fstat(fd, &sb));
	if (S_ISREG(sb.st_mode) && (how & O_ACCMODE) != O_RDONLY) {
		fill_record(rec);
		want(RECORD, rump_sys_write(fd, rec, RECORD));
	}
	if (S_ISREG(sb.st_mode) && (how & O_ACCMODE) != O_WRONLY) {
		long n =
		    rump_sys_pread(fd, rec, RECORD, (off_t)rnd(4) * RECORD);

		if (n == RECORD)
			check_record(rec);
		else
			want(0, n);
	}
	want(0, rump_sys_close(fd));
}

static void
wild_chdir(void)
{
	char path[PATH_MAX];

	(void)MAY_FAIL(rump_sys_chdir(wild_path(path)), PATH_ERRORS);
	if (!MAY_FAIL(rump_sys___getcwd(path, sizeof(path)), ENOENT) &&
	    strncmp(path, "/race/w", 7) != 0)
		differ("getcwd: %s", path);
}

/*
 * What always holds.
 */
static void
replace_always(void)
{
	char path[PATH_MAX], rec[RECORD];
	int fd;

	snprintf(path, sizeof(path), "%s/new-%d", dirs[rnd(arraycount(dirs))],
	    me->id);
	fd = rump_sys_open(path, O_WRONLY | O_CREAT | O_EXCL, 0666);
	fill_record(rec);
	want(RECORD, rump_sys_write(fd, rec, RECORD));
	want(0, rump_sys_close(fd));
	want(0, rump_sys_rename(path, "/race/always"));
	want_error(ENOENT, rump_sys_unlink(path));
}

static void
find_always(void)
{
	char rec[RECORD + 1];
	struct stat sb;
	int fd;

	want(0, rump_sys_access("/race/always", F_OK));
	want(0, rump_sys_lstat("/race/a/../always", &sb));
	want(RECORD, sb.st_size);
	if ((fd = rump_sys_open("/race/always", O_RDONLY)) == -1)
		differ("open");
	want(RECORD, rump_sys_read(fd, rec, sizeof(rec)));
	check_record(rec);
	want(0, rump_sys_close(fd));
}

static void
throw_ball(void)
{
	char from[PATH_MAX], to[PATH_MAX];

	snprintf(from, sizeof(from), "%s/ball", dirs[rnd(arraycount(dirs))]);
	snprintf(to, sizeof(to), "%s/ball", dirs[rnd(arraycount(dirs))]);
	(void)MAY_FAIL(rump_sys_rename(from, to), ENOENT);
}

static void
look_from_ball(void)
{
	static const char *const there[] = {"in", "sub/in", "sub/../in",
	    "../s0", "../../always", "../s1/../s2"};
	char path[PATH_MAX];
	struct stat sb;
	int fd;

	snprintf(path, sizeof(path), "%s/ball", dirs[rnd(arraycount(dirs))]);
	fd = rump_sys_open(path, O_RDONLY | O_DIRECTORY);
	if (MAY_FAIL(fd, ENOENT))
		return;
	for (size_t i = 0; i < arraycount(there); i++) {
		if (rump_sys_fstatat(fd, there[i], &sb, 0) != 0)
			differ("from the ball: %s", there[i]);
	}
	want(0, rump_sys_fchdir(fd));
	if (rump_sys___getcwd(path, sizeof(path)) !=
	    (int)sizeof("/race/a/ball"))
		differ("in the ball: getcwd");
	want(0, strcmp(path + strlen("/race/a"), "/ball"));
	want(0, rump_sys_chdir("/race/w"));
	want(0, rump_sys_close(fd));
}

static const char *
token_path(char *buf, int id, long n)
{
	snprintf(buf, PATH_MAX, "%s/token-%d-%ld",
	    dirs[n / 2 % (long)arraycount(dirs)], id, n);
	return buf;
}

static void
push_token(void)
{
	char from[PATH_MAX], to[PATH_MAX];
	long n = tokens[me->id];

	pusher = me->id;
	for (int i = 0; i < BURST; i++, n++) {
		token_path(from, me->id, n);
		want(0, rump_sys_rename(from, token_path(to, me->id, n + 1)));
		tokens[me->id] = n + 1;
	}
}

static bool
token_is_at(int id, long n)
{
	char path[PATH_MAX];

	token_path(path, id, n);
	return !MAY_FAIL(rump_sys_access(path, F_OK), ENOENT);
}

/* It is gone from n, and from n + 1: so the first of these renames is over. */
static void
chase_token(void)
{
	int id = pusher;

	for (int i = 0; i < BURST; i++) {
		long n = tokens[id];

		if (!token_is_at(id, n) && !token_is_at(id, n + 1) &&
		    tokens[id] <= n)
			differ("token %d-%ld is lost", id, n);
	}
}

/* Read a directory with a small buffer and count the names that stay. */
static void
list(void)
{
	union {
		char bytes[128];
		struct dirent64 align;
	} buf;
	int seen[NSTAY] = {0}, fd, n;

	fd = rump_sys_open(dirs[rnd(arraycount(dirs))], O_RDONLY | O_DIRECTORY);
	while ((n = rump_sys_getdents(fd, buf.bytes, sizeof(buf.bytes))) > 0) {
		for (int at = 0; at < n;) {
			struct dirent64 *d = (void *)(buf.bytes + at);

			if (d->d_name[0] == 's')
				seen[d->d_name[1] - '0']++;
			at += d->d_reclen;
		}
	}
	want(0, n);
	for (int i = 0; i < NSTAY; i++)
		want(1, seen[i]);
	want(0, rump_sys_close(fd));
}

/*
 * Names of this thread alone.
 */
static const char *
own_path(char *buf, int dir, const char *name)
{
	snprintf(buf, PATH_MAX, "%s/own-%d%s", dirs[dir], me->id, name);
	return buf;
}

static void
own_file(void)
{
	char path[PATH_MAX], to[PATH_MAX], rec[RECORD];
	int next = (int)rnd(arraycount(dirs)), fd;
	struct stat sb;

	if (own.file == -1) {
		own_path(path, next, "");
		want_error(ENOENT, rump_sys_stat(path, &sb));
		want(0, rump_sys_mknod(path, S_IFREG | 0666, 0));
		own.file = next;
		own.size = 0;
		return;
	}
	own_path(path, own.file, "");
	switch (rnd(5)) {
	case 0:
		want_error(ENOTDIR, rump_sys_rmdir(path));
		want(0, rump_sys_unlink(path));
		if (own.second)
			want(0, rump_sys_rename(
				    own_path(to, own.file, "-second"), path));
		else
			own.file = -1;
		own.second = false;
		return;
	case 1:
		if (own.second)
			return;
		want(0, rump_sys_rename(path, own_path(to, next, "")));
		own.file = next;
		return;
	case 2:
		fd = rump_sys_open(path, O_WRONLY | O_APPEND);
		fill_record(rec);
		want(RECORD, rump_sys_write(fd, rec, RECORD));
		want(0, rump_sys_close(fd));
		own.size += RECORD;
		return;
	case 3:
		own_path(to, own.file, "-second");
		if (own.second)
			want_error(EEXIST, rump_sys_link(path, to));
		else
			want(0, rump_sys_link(path, to));
		own.second = true;
		return;
	default:
		want(0, rump_sys_stat(path, &sb));
		want(own.size, sb.st_size);
		want(own.second ? 2 : 1, (long)sb.st_nlink);
	}
}

static void
own_dir(void)
{
	char path[PATH_MAX], to[PATH_MAX];
	int next = (int)rnd(arraycount(dirs));
	struct stat sb, up;

	if (own.dir == -1) {
		want(0, rump_sys_mkdir(own_path(path, next, "-dir"), 0777));
		want(0, rump_sys_mkdir(own_path(path, next, "-dir/in"), 0777));
		own.dir = next;
		return;
	}
	own_path(path, own.dir, "-dir");
	switch (rnd(4)) {
	case 0:
		want_error(ENOTEMPTY, rump_sys_rmdir(path));
		own_path(to, own.dir, "-dir/in");
		want(0, rump_sys_rmdir(to));
		want(0, rump_sys_rmdir(path));
		own.dir = -1;
		return;
	case 1:
		own_path(to, own.dir, "-dir/in/deeper");
		want_error(EINVAL, rump_sys_rename(path, to));
		own_path(to, next, "-dir");
		want(0, rump_sys_rename(path, to));
		own.dir = next;
		return;
	default:
		want(0, rump_sys_stat(path, &sb));
		want(3, (long)sb.st_nlink);
		own_path(to, own.dir, "-dir/in/../..");
		want(0, rump_sys_stat(to, &sb));
		want(0, rump_sys_stat(dirs[own.dir], &up));
		want((long)up.st_ino, (long)sb.st_ino);
	}
}

static const struct action actions[] = {
    {10, "mkdir", wild_mkdir},
    {6, "rmdir", wild_rmdir},
    {8, "unlink", wild_unlink},
    {6, "link", wild_link},
    {5, "symlink", wild_symlink},
    {20, "rename", wild_rename},
    {2, "mkfifo", wild_mkfifo},
    {12, "lookup", wild_lookup},
    {14, "file", wild_file},
    {8, "chdir", wild_chdir},
    {5, "replace always", replace_always},
    {12, "find always", find_always},
    {6, "throw ball", throw_ball},
    {8, "look from ball", look_from_ball},
    {1, "push token", push_token},
    {2, "chase token", chase_token},
    {3, "list", list},
    {12, "own file", own_file},
    {12, "own directory", own_dir},
};

static void *
tester_main(void *arg)
{
	me = arg;
	want(0, rump_pub_lwproc_rfork(RUMP_RFCFDG));
	own.file = own.dir = -1;
	own.second = false;
	if (steps > 0)
		want(0, rump_sys_chdir("/race/w"));
	for (me->step = 0; me->step < steps; me->step++)
		one_step(actions, arraycount(actions));
	me->doing = "end";
	rump_pub_lwproc_releaselwp();
	return NULL;
}

static void
make_file(const char *path)
{
	char rec[RECORD];
	int fd = rump_sys_open(path, O_WRONLY | O_CREAT | O_EXCL, 0666);

	fill_record(rec);
	want(RECORD, rump_sys_write(fd, rec, RECORD));
	want(0, rump_sys_close(fd));
}

static void
make_tree(void)
{
	char path[PATH_MAX];

	want(0, rump_sys_mkdir("/race", 0777));
	want(0, rump_sys_mkdir("/race/w", 0777));
	for (size_t i = 0; i < arraycount(dirs); i++) {
		want(0, rump_sys_mkdir(dirs[i], 0777));
		for (int k = 0; k < NSTAY; k++) {
			snprintf(path, sizeof(path), "%s/s%d", dirs[i], k);
			want(0, rump_sys_mkdir(path, 0777));
		}
	}
	want(0, rump_sys_mkdir("/race/a/ball", 0777));
	want(0, rump_sys_mkdir("/race/a/ball/sub", 0777));
	make_file("/race/a/ball/in");
	make_file("/race/a/ball/sub/in");
	make_file("/race/always");
	for (int i = 0; i < NTHREADS; i++) {
		tokens[i] = 0;
		make_file(token_path(path, i, 0));
	}
}

static void remove_dir(void);

/* The path of what is being removed. */
static char removing[PATH_MAX];

/* Remove it; 1 if it was a directory. */
static int
remove_name(void)
{
	struct stat sb;

	want(0, rump_sys_lstat(removing, &sb));
	if (S_ISDIR(sb.st_mode)) {
		remove_dir();
		return 1;
	}
	want(0, rump_sys_unlink(removing));
	return 0;
}

/* Remove what is in a directory; its link count must be right. */
static int
remove_entries(void)
{
	union {
		char bytes[256];
		struct dirent64 align;
	} buf;
	size_t len = strlen(removing);
	int fd, n, subdirs = 0;
	struct stat sb;

	if ((fd = rump_sys_open(removing, O_RDONLY | O_DIRECTORY)) == -1)
		differ("open %s", removing);
	want(0, rump_sys_fstat(fd, &sb));
	while ((n = rump_sys_getdents(fd, buf.bytes, sizeof(buf.bytes))) > 0) {
		for (int at = 0; at < n;) {
			struct dirent64 *d = (void *)(buf.bytes + at);

			at += d->d_reclen;
			if (strcmp(d->d_name, ".") == 0 ||
			    strcmp(d->d_name, "..") == 0)
				continue;
			snprintf(removing + len, sizeof(removing) - len, "/%s",
			    d->d_name);
			subdirs += remove_name();
			removing[len] = '\0';
		}
	}
	want(0, n);
	want(0, rump_sys_close(fd));
	want(2 + subdirs, (long)sb.st_nlink);
	return subdirs;
}

static void
remove_dir(void)
{
	(void)remove_entries();
	want(0, rump_sys_rmdir(removing));
}

static void
remove_tree(const char *top)
{
	strcpy(removing, top);
	remove_dir();
}

/*
 * The tree, in which there are files with several names, is seen through an
 * overlay, below an upper layer that is empty at first.
 */
static void
overlay_begin(void)
{
	static char data[] = "lowerdir=/race,upperdir=/upper";

	want(0, rump_sys_chdir("/race/w"));
	for (int i = 0; i < LOWER; i++) {
		wild_mkdir();
		wild_file();
		wild_link();
		wild_link();
	}
	want(0, rump_sys_chdir("/"));
	want(0, rump_sys_mkdir("/upper", 0777));
	want(0, rump_sys_mount("overlay", "/race", 0, data, strlen(data)));
}

static void
overlay_end(void)
{
	strcpy(removing, "/race");
	(void)remove_entries();
	want(0, rump_sys_unmount("/race", 0));
	remove_tree("/upper");
}

static void
round_of(long n, uint64_t first)
{
	static struct tester self = {.id = NTHREADS, .random = 1};

	me = &self;
	me->doing = "make the tree";
	make_tree();
	if (OVERLAID)
		overlay_begin();
	steps = n;
	me = NULL;
	run_testers(first, tester_main);
	me = &self;
	me->doing = "remove the tree";
	if (OVERLAID)
		overlay_end();
	remove_tree("/race");
	me = NULL;
}

int
main(int argc, char **argv)
{
	struct rump_memstat start, end;
	long wanted;

	seed = argc > 1 ? strtoull(argv[1], NULL, 0) : 1;
	wanted = argc > 2   ? strtol(argv[2], NULL, 0)
		 : OVERLAID ? 80000
			    : 200000;
	/* Names in the overlay go all the time. */
	if (OVERLAID)
		(void)setenv("RUMP_NVNODES", "64", 1);
	if (rump_init() != 0)
		differ("rump_init");
	(void)rump_sys_umask(0);
	/* Without steps: only enter, for the records of host threads. */
	round_of(0, 0);
	memstat(&start);
	for (int round = 0; round < 2; round++) {
		round_of(wanted / 2, seed + (uint64_t)round);
		memstat(&end);
		compare(&start, &end);
	}
	return 0;
}
