/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Eight host threads use a directory of the host through the kernel, while
 * two more, outside of the kernel, let directories in it change places with
 * symbolic links out of it, with each other, and with what is in them.
 *
 *	hostfs_escape [seed [steps]]
 *
 * What lies outside must never be read or changed, what is read must be what
 * the name stands for, nothing must hang, and few vnodes and descriptors must
 * be enough.  At the end the kernel's memory must be what it was.
 */
#include <sys/resource.h>
#include <sys/stat.h>

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

#include <rump/rump_mount.h>

#include "../lib/stress.h"

#define SECRET "secret"
#define INSIDE "inside"

static char top[64] = "/tmp/hostfs_escape.XXXXXX";
static int topfd;
/* The directories in, a and b themselves, wherever they are. */
enum { IN, A, B, NDIRS };
static int dirfds[NDIRS];
static _Atomic bool over;

static void
must(int result)
{
	if (result == -1)
		differ("the host refuses");
}

static void
put_file(const char *path, const char *text)
{
	int fd = openat(topfd, path, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	must(fd);
	if (write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		differ("the host writes too little");
	(void)close(fd);
}

/*
 *	out/f		what must not be read
 *	in/a/d/f	in/b/d/f: what may be read
 *	in/abs		a link to out; in/up and in/a/up too
 *	in/t		where the kernel makes and removes things
 */
static void
make_tree(void)
{
	char out[128];

	if (mkdtemp(top) == NULL)
		differ("mkdtemp");
	must(topfd = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	(void)snprintf(out, sizeof(out), "%s/out", top);
	must(mkdirat(topfd, "out", 0755));
	must(mkdirat(topfd, "out/d", 0755));
	must(mkdirat(topfd, "in", 0755));
	must(mkdirat(topfd, "in/a", 0755));
	must(mkdirat(topfd, "in/b", 0755));
	must(mkdirat(topfd, "in/a/d", 0755));
	must(mkdirat(topfd, "in/b/d", 0755));
	must(mkdirat(topfd, "in/t", 0755));
	must(dirfds[IN] = openat(topfd, "in", O_PATH | O_CLOEXEC));
	must(dirfds[A] = openat(topfd, "in/a", O_PATH | O_CLOEXEC));
	must(dirfds[B] = openat(topfd, "in/b", O_PATH | O_CLOEXEC));
	put_file("out/f", SECRET);
	put_file("out/d/f", SECRET);
	put_file("in/a/f", INSIDE);
	put_file("in/b/f", INSIDE);
	put_file("in/a/d/f", INSIDE);
	put_file("in/b/d/f", INSIDE);
	must(symlinkat(out, topfd, "in/abs"));
	must(symlinkat("../out", topfd, "in/up"));
	must(symlinkat("../../out", topfd, "in/a/up"));
	must(symlinkat("/etc", topfd, "in/b/up"));
}

/*
 * Of the host: names that change places, or move and come back.  Always in a
 * directory itself, since a path could go through a link by now.
 */
struct names {
	int n_from;
	const char *n_fromname;
	int n_to;
	const char *n_toname;
};

static int
host_rename(const struct names *n, bool back, unsigned flags)
{
	return back ? renameat2(dirfds[n->n_to], n->n_toname, dirfds[n->n_from],
			  n->n_fromname, flags)
		    : renameat2(dirfds[n->n_from], n->n_fromname,
			  dirfds[n->n_to], n->n_toname, flags);
}

static void *
swapper_main(void *arg)
{
	static const struct names pairs[] = {
	    {IN, "a", IN, "abs"},
	    {IN, "b", IN, "up"},
	    {A, "d", A, "up"},
	    {B, "d", IN, "abs"},
	    {IN, "a", IN, "b"},
	    {A, "d", IN, "b"},
	    {IN, "t", IN, "abs"},
	    {A, "f", IN, "up"},
	};
	static const struct names moves[] = {
	    {IN, "a", B, "a"}, {IN, "b", A, "b"}, {A, "d", IN, "c"}};
	unsigned n = (unsigned)(uintptr_t)arg;
	const struct names *names;

	while (!over) {
		n = n * 1103515245 + 12345;
		names = &pairs[(n >> 16) % 8];
		(void)host_rename(names, false, RENAME_EXCHANGE);
		if (n % 3 == 0)
			(void)host_rename(names, false, RENAME_EXCHANGE);
		names = &moves[(n >> 20) % 3];
		if (host_rename(names, false, 0) == 0 && n % 5 != 0)
			(void)host_rename(names, true, 0);
	}
	return NULL;
}

/*
 * Steps of the kernel's threads: a path at random, and what is done to it.
 */

static const char *
some_path(char buf[128])
{
	static const char *const names[] = {
	    "a", "b", "d", "f", "abs", "up", "c", "t", "..", "out"};
	size_t n = 1 + rnd(4), len;

	len = (size_t)sprintf(buf, "%s", rnd(4) == 0 ? "" : "/h/");
	while (n-- > 0)
		len += (size_t)sprintf(buf + len, "%s%s",
		    names[rnd(sizeof(names) / sizeof(names[0]))],
		    n > 0 ? "/" : "");
	return buf;
}

/* What can happen to a name that is somewhere else by now. */
static void
check_error(void)
{
	switch (errno) {
	case EACCES:
	case EBUSY:
	case EEXIST:
	case EINVAL:
	case EISDIR:
	case ELOOP:
	case ENOENT:
	case ENOTDIR:
	case ENOTEMPTY:
	case EPERM:
	case ESTALE:
	case EXDEV:
		return;
	}
	differ("an error that cannot be");
}

static void
check_result(long result)
{
	if (result == -1)
		check_error();
}

static void
read_file(void)
{
	char path[128], buf[32] = {0};
	int fd = rump_sys_open(some_path(path), O_RDONLY | O_NONBLOCK);
	ssize_t n;

	if (fd == -1) {
		check_error();
		return;
	}
	n = rump_sys_read(fd, buf, sizeof(buf) - 1);
	if (n == -1)
		check_error();
	else if (strstr(buf, SECRET) != NULL)
		differ("%s: read the secret", path);
	else if (n > 0 && strcmp(buf, INSIDE) != 0)
		differ("%s: read '%s'", path, buf);
	want(0, rump_sys_close(fd));
}

static void
make_file(void)
{
	char path[128], more[160];
	int fd;

	(void)snprintf(more, sizeof(more), "%s/%d", some_path(path), me->id);
	fd = rump_sys_open(more, O_WRONLY | O_CREAT | O_EXCL, 0644);
	if (fd == -1) {
		check_error();
		return;
	}
	want(6, rump_sys_write(fd, INSIDE, 6));
	want(0, rump_sys_close(fd));
	check_result(rump_sys_unlink(more));
}

static void
make_dir(void)
{
	char path[128], more[160];

	(void)snprintf(more, sizeof(more), "%s/x%d", some_path(path), me->id);
	check_result(rump_sys_mkdir(more, 0755));
	check_result(rump_sys_stat(more, &(struct stat){0}));
	check_result(rump_sys_rmdir(more));
}

static void
move(void)
{
	char from[128], to[128];

	check_result(rump_sys_renameat2(AT_FDCWD, some_path(from), AT_FDCWD,
	    some_path(to), rnd(2) == 0 ? RENAME_EXCHANGE : RENAME_NOREPLACE));
}

static void
look(void)
{
	char path[128];
	struct stat st;

	check_result(rump_sys_lstat(some_path(path), &st));
	check_result(rump_sys_stat(some_path(path), &st));
	check_result(rump_sys_chmod(some_path(path), 0755));
}

static void
list(void)
{
	char path[128], buf[512];
	int fd = rump_sys_open(some_path(path), O_RDONLY | O_DIRECTORY);
	long n;

	if (fd == -1) {
		check_error();
		return;
	}
	do
		check_result(n = rump_sys_getdents(fd, buf, sizeof(buf)));
	while (n > 0);
	want(0, rump_sys_close(fd));
}

static void
stand(void)
{
	char path[128], buf[PATH_MAX];

	check_result(rump_sys_chdir(some_path(path)));
	check_result(rump_sys___getcwd(buf, sizeof(buf)));
}

static const struct action actions[] = {
    {10, "read_file", read_file},
    {4, "make_file", make_file},
    {4, "make_dir", make_dir},
    {3, "move", move},
    {6, "look", look},
    {3, "list", list},
    {2, "stand", stand},
};

/* All are there at once, so that each round takes as many records of them. */
static pthread_barrier_t all_there;

static void *
tester_main(void *arg)
{
	me = arg;
	want(0, rump_pub_lwproc_rfork(RUMP_RFCFDG));
	(void)pthread_barrier_wait(&all_there);
	for (me->step = 0; me->step < steps; me->step++)
		one_step(actions, sizeof(actions) / sizeof(actions[0]));
	rump_pub_lwproc_releaselwp();
	return NULL;
}

/* All that is outside is what it was. */
static void
check_outside(const char *path, int entries)
{
	char buf[8] = {0};
	char file[160];
	DIR *d = opendir(path);
	int n = 0, fd;

	if (d == NULL)
		differ("%s is gone", path);
	while (readdir(d) != NULL)
		n++;
	(void)closedir(d);
	want(entries, n);
	(void)snprintf(file, sizeof(file), "%s/f", path);
	must(fd = open(file, O_RDONLY));
	want(6, read(fd, buf, sizeof(buf)));
	if (strcmp(buf, SECRET) != 0)
		differ("%s was written", file);
	(void)close(fd);
}

/* What leaks in a round would be so many times more than SLACK bytes. */
#define ROUNDS 4
#define SLACK  128

static void
round_of(uint64_t first)
{
	char data[128];
	pthread_t swappers[2];
	size_t i;

	(void)snprintf(data, sizeof(data), "path=%s/in", top);
	want(0, rump_sys_mount("hostfs", "/h", 0, data, strlen(data)));
	over = false;
	for (i = 0; i < 2; i++)
		want(0, pthread_create(&swappers[i], NULL, swapper_main,
			    (void *)(uintptr_t)(first + i)));
	run_testers(first, tester_main);
	over = true;
	for (i = 0; i < 2; i++)
		want(0, pthread_join(swappers[i], NULL));
	want(0, rump_sys_unmount("/h", 0));
}

static void
remove_tree(void)
{
	char command[128];

	(void)snprintf(command, sizeof(command), "rm -rf %s", top);
	if (system(command) != 0)
		differ("rm");
}

int
main(int argc, char **argv)
{
	struct rlimit rl = {.rlim_cur = 128, .rlim_max = 128};
	struct rump_memstat start, end;
	char path[128];

	seed = argc > 1 ? strtoull(argv[1], NULL, 0) : 1;
	steps = argc > 2 ? strtol(argv[2], NULL, 0) : 1000;
	make_tree();
	must(setrlimit(RLIMIT_NOFILE, &rl));
	must(setenv("RUMP_NVNODES", "20", 1));
	if (rump_init() != 0)
		differ("rump_init");
	must(pthread_barrier_init(&all_there, NULL, NTHREADS));
	want(0, rump_sys_mkdir("/h", 0755));
	round_of(seed);
	memstat(&start);
	for (uint64_t round = 1; round <= ROUNDS; round++)
		round_of(seed + round);
	memstat(&end);
	/* One thing more or less in the kernel's caches is no leak. */
	if (end.used > start.used && end.used - start.used <= SLACK)
		end.used = start.used;
	else if (end.used < start.used && start.used - end.used <= SLACK)
		end.used = start.used;
	compare(&start, &end);
	(void)snprintf(path, sizeof(path), "%s/out", top);
	check_outside(path, 4);
	(void)snprintf(path, sizeof(path), "%s/out/d", top);
	check_outside(path, 3);
	remove_tree();
	return 0;
}
