/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two processes of which one changes what the other one knows: names, files
 * and directories that it has just used, and files that it has open.
 *
 * usage: hijack-lower DIRECTORY [links CHANGE]
 *
 * With a change that is all that is done; it is one of links/b, which is the
 * same file as links/a.
 *
 * In the directory are folders 0, 1 ... with files a ... h of different sizes,
 * a symbolic link `l' to a, and folders `sub' with files of the same names; and
 * symbolic links between them.
 * What is printed is the same wherever this runs, if nothing is out of date.
 */
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NAMES "abcdefgh"

static int to_helper, from_helper;
static char top[512];

static void
die(const char *what)
{
	perror(what);
	exit(1);
}

static void
must(int ok, const char *what)
{
	if (!ok)
		die(what);
}

/*
 * The other process: it does a line after the other.
 */

static void
put(const char *path, const char *text, int flags)
{
	int fd = open(path, O_WRONLY | O_CREAT | flags, 0644);

	must(fd >= 0, path);
	must(write(fd, text, strlen(text)) == (ssize_t)strlen(text), path);
	close(fd);
}

static int
helper_do(const char *verb, const char *a, const char *b)
{
	if (strcmp(verb, "unlink") == 0)
		return unlink(a);
	if (strcmp(verb, "rmdir") == 0)
		return rmdir(a);
	if (strcmp(verb, "mkdir") == 0)
		return mkdir(a, 0755);
	if (strcmp(verb, "rename") == 0)
		return rename(a, b);
	if (strcmp(verb, "exchange") == 0)
		return renameat2(AT_FDCWD, a, AT_FDCWD, b, RENAME_EXCHANGE);
	if (strcmp(verb, "link") == 0)
		return link(a, b);
	if (strcmp(verb, "symlink") == 0)
		return symlink(a, b);
	if (strcmp(verb, "chmod") == 0)
		return chmod(a, (mode_t)strtol(b, NULL, 8));
	if (strcmp(verb, "append") == 0)
		put(a, b, O_APPEND);
	else if (strcmp(verb, "put") == 0)
		put(a, b, O_TRUNC);
	else
		return truncate(a, atoi(b));
	return 0;
}

static void
helper_main(int in, int out)
{
	char line[1024], verb[32], a[512], b[512];
	ssize_t n;
	int r;

	while ((n = read(in, line, sizeof(line))) > 0) {
		line[n - 1] = '\0';
		a[0] = b[0] = '\0';
		sscanf(line, "%31s %511s %511s", verb, a, b);
		r = helper_do(verb, a, b) == 0 ? 0 : errno;
		must(write(out, &r, sizeof(r)) == sizeof(r), "write");
	}
	exit(0);
}

static void
helper_start(void)
{
	int there[2], back[2];

	must(pipe(there) == 0 && pipe(back) == 0, "pipe");
	switch (fork()) {
	case -1:
		die("fork");
		break;
	case 0:
		close(there[1]);
		close(back[0]);
		helper_main(there[0], back[1]);
		break;
	}
	close(there[0]);
	close(back[1]);
	to_helper = there[1];
	from_helper = back[0];
}

/* Have something done there; it is, when this is back. */
static void
change(const char *what)
{
	char line[1024];
	int n = snprintf(line, sizeof(line), "%s", what), error;

	must(write(to_helper, line, (size_t)n + 1) == n + 1, "write");
	must(read(from_helper, &error, sizeof(error)) == sizeof(error), "read");
	printf("%s: %s\n", what, strerror(error));
}

/*
 * What is seen
 */

static void
show_stat(const char *how, const char *path, int error, const struct stat *st)
{
	if (error != 0)
		printf("  %s %s: %s\n", how, path, strerror(errno));
	else if (S_ISDIR(st->st_mode))
		printf("  %s %s: %o\n", how, path, (unsigned)st->st_mode);
	else
		printf("  %s %s: %o %lld %d\n", how, path,
		    (unsigned)st->st_mode, (long long)st->st_size,
		    (int)st->st_nlink);
}

static void
show_text(const char *path, int fd)
{
	struct stat one, other;
	char text[64] = "";

	if (fd < 0) {
		printf("  open %s: %s\n", path, strerror(errno));
		return;
	}
	if (read(fd, text, sizeof(text) - 1) < 0)
		strcpy(text, strerror(errno));
	printf("  open %s: \"%.20s\" %d", path, text, (int)strlen(text));
	must(fstat(fd, &one) == 0, "fstat");
	if (stat(path, &other) == 0)
		printf(" %s",
		    one.st_ino == other.st_ino && one.st_dev == other.st_dev
			? "it is"
			: "it is not");
	printf("\n");
	close(fd);
}

static void
show_open(const char *what, const char *path, int flags)
{
	int fd = open(path, flags);
	struct stat st;

	if (fd < 0) {
		printf("  open %s: %s\n", what, strerror(errno));
		return;
	}
	show_stat("open", what, fstat(fd, &st), &st);
	close(fd);
}

/* A name in folder `in', by a path, by a descriptor, from where we are. */
static void
show(const char *in, const char *name)
{
	char path[1024], whole[1600], text[256] = "";
	struct stat st;
	int dir = open(in, O_PATH | O_DIRECTORY);
	ssize_t n;

	snprintf(path, sizeof(path), "%s/%s", in, name);
	snprintf(whole, sizeof(whole), "%s/%s", top, path);
	show_stat("stat", path, stat(path, &st), &st);
	show_stat("lstat", path, lstat(path, &st), &st);
	show_stat("whole", path, stat(whole, &st), &st);
	show_stat("at", path, fstatat(dir, name, &st, 0), &st);
	printf("  access %s: %d %d\n", path, access(path, F_OK),
	    access(whole, R_OK));
	n = readlink(path, text, sizeof(text) - 1);
	printf("  readlink %s: %d %s\n", path, (int)n, text);
	show_text(path, open(path, O_RDONLY | O_NOFOLLOW));
	show_text(path, openat(dir, name, O_RDONLY));
	show_text(path, open(whole, O_RDONLY | O_NONBLOCK | O_CLOEXEC));
	if (dir >= 0)
		close(dir);
}

static void
show_fd(const char *what, int fd)
{
	struct stat st;

	show_stat("fstat", what, fstat(fd, &st), &st);
}

/* Use a folder so often that it is well known, in each way. */
static void
warm(const char *in)
{
	char path[1024], whole[1600];
	int dir = open(in, O_RDONLY | O_DIRECTORY);
	struct stat st;

	must(dir >= 0, in);
	for (int i = 0; i < 8; i++) {
		const char name[2] = {NAMES[i], '\0'};

		snprintf(path, sizeof(path), "%s/%s", in, name);
		snprintf(whole, sizeof(whole), "%s/%s", top, path);
		must(fstatat(dir, name, &st, 0) == 0 && stat(path, &st) == 0 &&
			 stat(whole, &st) == 0,
		    path);
		must(stat("nothing", &st) != 0, "nothing");
	}
	close(dir);
}

static int
opened(const char *path)
{
	int fd = open(path, O_RDONLY);

	must(fd >= 0, path);
	return fd;
}

/*
 * Scenarios, each with a folder of its own
 */

/* Whole paths, while nobody has changed anything. */
static void
paths(void)
{
	static const char *const ways[] = {"0/a", "0//a", "./0/./a", "0/../1/b",
	    "0/sub/../../1/sub/c", "0/", "0/.", "0/sub/..", "0/l", "0/l/",
	    "0/l/.", "0/l/x", "0/a/", "0/a/.", "0/a/x", "0/a/../b", "0/none",
	    "none", "none/", "none/.", "none/a", "none/../0/a", "way", "way/",
	    "way/.", "way/a", "way/l", "way/sub/../c", "way/none", "over",
	    "over/", "far", "far/d", "far/../d", "round", "round/a", "lost",
	    "lost/", "lost/a", "..", "../", "0/.."};
	char path[1600], text[64];
	struct stat st;
	ssize_t n;

	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", top, ways[i]);
		show_stat("stat", ways[i], stat(path, &st), &st);
		if (lstat(path, &st) == 0 && S_ISLNK(st.st_mode))
			printf("  lstat %s: a link\n", ways[i]);
		else
			show_stat("lstat", ways[i], lstat(path, &st), &st);
		printf("  access %s: %d\n", ways[i], access(path, R_OK));
		errno = 0;
		n = readlink(path, text, sizeof(text));
		printf("  readlink %s: %d %d\n", ways[i], (int)n, errno);
		show_open(ways[i], path, O_RDONLY);
		show_open(ways[i], path, O_RDONLY | O_NOFOLLOW);
	}
}

static void
names(void)
{
	int a = opened("0/a"), b = opened("0/b"), c, d;

	warm("0");
	c = opened("0/c");
	d = opened("0/d");
	show("0", "e");
	change("unlink 0/a");
	show("0", "a");
	show_fd("a", a);
	change("rename 0/b 0/new");
	show("0", "b");
	show("0", "new");
	show_fd("b", b);
	change("put 0/x something");
	change("rename 0/x 0/c");
	show("0", "c");
	show_fd("c", c);
	change("chmod 0/d 600");
	change("unlink 0/d");
	show_fd("d", d);
	show("0", "d");
	show("0", "l");
	change("unlink 0/l");
	change("symlink e 0/l");
	show("0", "l");
	change("put 0/nothing text");
	show("0", "nothing");
	close(a);
	close(b);
	close(c);
	close(d);
}

/* The first change in its world to a file with two names. */
static void
links(const char *what)
{
	int a = opened("links/a"), b = opened("links/b");

	warm("links");
	show("links", "a");
	change(what);
	show("links", "a");
	show("links", "b");
	show("links", "l");
	show_fd("a", a);
	show_fd("b", b);
	change("put links/a again");
	show("links", "a");
	show("links", "b");
	close(a);
	close(b);
}

static void
contents(void)
{
	int fd;

	warm("1");
	show("1", "l");
	show("1", "sub");
	show("1", "h");
	fd = opened("1/a");
	change("append 1/a more");
	show("1", "a");
	show_fd("a", fd);
	close(fd);
	warm("2");
	fd = opened("2/b");
	change("truncate 2/b 1");
	show_fd("b", fd);
	show("2", "b");
	close(fd);
	warm("3");
	fd = opened("3/c");
	change("chmod 3/c 444");
	show_fd("c", fd);
	show("3", "c");
	change("link 3/c 3/z");
	show_fd("c", fd);
	show("3", "z");
	close(fd);
	warm("4");
	change("exchange 4/a 4/b");
	show("4", "a");
	show("4", "b");
}

static void
directories(void)
{
	int fd;

	warm("5/sub");
	fd = opened("5/sub/c");
	change("rename 5 moved");
	show("5/sub", "a");
	show("moved/sub", "a");
	show_fd("c", fd);
	change("mkdir 5");
	change("mkdir 5/sub");
	change("put 5/sub/a another");
	show("5/sub", "a");
	show("5/sub", "b");
	close(fd);
	warm("6/sub");
	change("exchange 6/sub 0");
	show("6/sub", "e");
	show("0", "e");
	warm("7");
	change("chmod 7/sub 700");
	change("rmdir 7/empty");
	show("7", "empty");
	show("7", "sub");
	change("mkdir 7/nothing");
	show("7/nothing", "a");
	change("symlink 7/sub way");
	for (int i = 0; i < 4; i++)
		show("way", "f");
	change("unlink way");
	change("symlink 8 way");
	show("way", "f");
}

/* The same number, or place, is another directory. */
static void
places(void)
{
	int dir = opened("8"), fd;
	struct stat st;

	must(dir >= 0, "8");
	for (int i = 0; i < 6; i++)
		must(fstatat(dir, "a", &st, 0) == 0, "8/a");
	fd = opened("9/sub");
	must(dup2(fd, dir) == dir, "dup2");
	close(fd);
	show_stat("fstatat", "a", fstatat(dir, "a", &st, 0), &st);
	show_stat("fstatat", "empty", fstatat(dir, "empty", &st, 0), &st);
	close(dir);
	must(chdir("8") == 0, "chdir");
	for (int i = 0; i < 6; i++)
		must(stat("a", &st) == 0, "a");
	must(chdir("../9/sub") == 0, "chdir");
	show_stat("stat", "a", stat("a", &st), &st);
	must(chdir("../..") == 0, "chdir");
	for (int i = 0; i < 6; i++)
		show_stat("stat", "sub/../a", stat("9/sub/../a", &st), &st);
}

/* How many names are in a folder, whose number was another file's. */
static int
listed(const char *path)
{
	DIR *dir = opendir(path);
	int n = 0;

	must(dir != NULL, path);
	while (readdir(dir) != NULL)
		n++;
	closedir(dir);
	return n;
}

/* What is done with an open file that nobody was told of. */
static void
descriptors(const char *self)
{
	char text[32] = "", link[64], number[16];
	int fd, fd2, status;
	struct stat st;

	warm("9");
	fd = opened("9/a");
	must(read(fd, text, 3) == 3, "read");
	must(fchmod(fd, 0640) == 0, "fchmod");
	must(read(fd, text + 3, 3) == 3, "read");
	printf("%s at %d\n", text, (int)lseek(fd, 0, SEEK_CUR));
	show("9", "a");
	close(fd);
	warm("8");
	fd = open("8/b", O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	printf("flags %x %x\n", (unsigned)fcntl(fd, F_GETFL) & ~0100000u,
	    (unsigned)fcntl(fd, F_GETFD));
	show_fd("b", fd);
	fd2 = dup(fd);
	close(fd);
	show_fd("b", fd2);
	printf("flock %d\n", flock(fd2, LOCK_EX | LOCK_NB));
	close(fd2);
	fd = opened("8/c");
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	show_stat("stat", "the link", stat(link, &st), &st);
	printf("write %d", (int)write(fd, "x", 1));
	printf(" %s\n", strerror(errno));
	snprintf(number, sizeof(number), "%d", fd);
	fflush(stdout);
	if (fork() == 0) {
		execl(self, self, number, "fstat", (char *)NULL);
		die(self);
	}
	must(wait(&status) > 0, "wait");
	close(fd);
	fd = opened("8/d");
	printf("openat %d", openat(fd, "a", O_RDONLY));
	printf(" %s\n", strerror(errno));
	close(fd);
	show_fd("closed", fd);
	printf("listed %d\n", listed("8"));
}

/* Who may not, may not. */
static void
rights(void)
{
	int status;

	if (geteuid() != 0)
		return;
	change("chmod 9/h 600");
	warm("8/sub");
	show("8/secret", "a");
	for (int i = 0; i < 6; i++)
		show("8/secret", "b");
	fflush(stdout);
	if (fork() == 0) {
		must(setresuid(65534, 65534, 65534) == 0, "setresuid");
		show("8/secret", "a");
		for (int i = 0; i < 6; i++)
			show("8/sub", "h");
		exit(0);
	}
	must(wait(&status) > 0, "wait");
}

int
main(int argc, char **argv)
{
	char self[600] = "";

	if (argc == 3) {
		show_fd("after execve", atoi(argv[1]));
		return 0;
	}
	must(argc == 2 || argc == 4, "usage");
	must(readlink("/proc/self/exe", self, sizeof(self) - 1) > 0, "self");
	must(chdir(argv[1]) == 0 && getcwd(top, sizeof(top)) != NULL, argv[1]);
	setvbuf(stdout, NULL, _IOFBF, 1 << 16);
	helper_start();
	if (argc == 4) {
		links(argv[3]);
		return 0;
	}
	paths();
	names();
	contents();
	directories();
	places();
	descriptors(self);
	rights();
	return 0;
}
