/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A kernel of which the arguments say what is done to its directory /image:
 *
 *	load:FLAGS FILE		rump_image_load, and so on: FLAGS are any of
 *	store:FLAGS FILE	the letters below, or nothing
 *	copyin:FLAGS DIRECTORY
 *	copyout:FLAGS DIRECTORY
 *	cut FILE		rump_image_load of FILE cut at each length
 *	put NAME		make a file of that name there
 *	link TARGET		make a symbolic link "link" there
 *	only N			there are N files, other than directories
 *
 * FILE may be "-".  What is reported is printed, "path: errno: why"; ends with
 * 1 after the first call that fails, with 2 if the rest is not as it should.
 */
#include <sys/mman.h>
#include <sys/stat.h>

#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rump/rump.h>
#include <rump/rump_image.h>
#include <rump/rump_syscalls.h>

#define TOP "/image"

static const struct {
	char letter;
	unsigned flag;
} letters[] = {
    {'c', RUMP_IMAGE_CALLER},
    {'k', RUMP_IMAGE_KEEP},
    {'s', RUMP_IMAGE_SKIP},
    {'x', RUMP_IMAGE_ONEFS},
    {'1', RUMP_IMAGE_STRIP(1)},
};

static void
report(void *arg, const char *path, int error, const char *why)
{
	(void)arg;
	printf("%s: %s: %s\n", path, strerrorname_np(error), why);
}

static unsigned
flags_of(const char *text)
{
	unsigned flags = 0;

	for (; *text != '\0'; text++)
		for (size_t i = 0; i < sizeof(letters) / sizeof(*letters); i++)
			if (letters[i].letter == *text)
				flags |= letters[i].flag;
	return flags;
}

static int
host_open(const char *path, int flags)
{
	int fd;

	if (strcmp(path, "-") == 0)
		return (flags & O_ACCMODE) == O_RDONLY ? STDIN_FILENO
						       : STDOUT_FILENO;
	if ((fd = open(path, flags, 0644)) < 0)
		err(2, "%s", path);
	return fd;
}

static int
entries(const char *path, bool clear)
{
	char buf[4096], name[PATH_MAX];
	int fd, n, count = 0;

	if ((fd = rump_sys_open(path, O_RDONLY | O_DIRECTORY)) < 0)
		err(2, "%s", path);
	while ((n = rump_sys_getdents(fd, buf, sizeof(buf))) > 0) {
		for (int i = 0; i < n;) {
			const struct dirent64 *d = (const void *)(buf + i);
			struct stat st;

			i += d->d_reclen;
			if (strcmp(d->d_name, ".") == 0 ||
			    strcmp(d->d_name, "..") == 0)
				continue;
			snprintf(name, sizeof(name), "%s/%s", path, d->d_name);
			if (rump_sys_lstat(name, &st) != 0)
				err(2, "%s", name);
			if (S_ISDIR(st.st_mode))
				count += entries(name, clear);
			else
				count++;
			if (clear)
				(void)(S_ISDIR(st.st_mode)
					   ? rump_sys_rmdir(name)
					   : rump_sys_unlink(name));
		}
	}
	(void)rump_sys_close(fd);
	return count;
}

/*
 * Each cut is an error, up to one from which on nothing that matters is
 * missing; the more is there the more files there are.
 */
static int
cut(const char *path)
{
	int fd = host_open(path, O_RDONLY), out, before = 0, after;
	off_t size = lseek(fd, 0, SEEK_END), len;
	char *data = mmap(NULL, (size_t)size, PROT_READ, MAP_PRIVATE, fd, 0);
	off_t enough = -1;

	if (data == MAP_FAILED)
		err(2, "%s", path);
	rump_image_onreport(NULL, NULL);
	for (len = 0; len <= size; len++) {
		int error;

		if ((out = memfd_create("cut", 0)) < 0 ||
		    write(out, data, (size_t)len) != len ||
		    lseek(out, 0, SEEK_SET) != 0)
			err(2, "memfd");
		error = rump_image_load(out, TOP, 0);
		close(out);
		if (error == 0 && enough < 0)
			enough = len;
		if (error != 0 && enough >= 0)
			errx(2, "cut at %jd is enough, at %jd not",
			    (intmax_t)enough, (intmax_t)len);
		after = entries(TOP, true);
		if (after < before)
			errx(2, "cut at %jd gives %d files, not %d",
			    (intmax_t)len, after, before);
		before = after;
	}
	printf("cut %jd of %jd\n", (intmax_t)enough, (intmax_t)size);
	munmap(data, (size_t)size);
	close(fd);
	return enough < 0 ? EINVAL : 0;
}

static int
put(const char *name)
{
	char path[PATH_MAX];
	int fd;

	snprintf(path, sizeof(path), TOP "/%s", name);
	if ((fd = rump_sys_open(path, O_WRONLY | O_CREAT, 0644)) < 0 ||
	    rump_sys_write(fd, "old\n", 4) != 4 || rump_sys_close(fd) != 0)
		return errno;
	return 0;
}

static int
perform(const char *what, const char *arg)
{
	const char *colon = strchr(what, ':');
	unsigned flags = colon != NULL ? flags_of(colon + 1) : 0;

	if (strncmp(what, "load:", 5) == 0)
		return rump_image_load(host_open(arg, O_RDONLY), TOP, flags);
	if (strncmp(what, "store:", 6) == 0)
		return rump_image_store(TOP,
		    host_open(arg, O_WRONLY | O_CREAT | O_TRUNC), NULL, flags);
	if (strncmp(what, "copyin:", 7) == 0)
		return rump_image_copyin(
		    host_open(arg, O_RDONLY | O_DIRECTORY), TOP, flags);
	if (strncmp(what, "copyout:", 8) == 0)
		return rump_image_copyout(
		    TOP, host_open(arg, O_RDONLY | O_DIRECTORY), flags);
	if (strcmp(what, "cut") == 0)
		return cut(arg);
	if (strcmp(what, "put") == 0)
		return put(arg);
	if (strcmp(what, "link") == 0)
		return rump_sys_symlink(arg, TOP "/link") != 0 ? errno : 0;
	if (strcmp(what, "only") == 0) {
		int n = entries(TOP, false);

		if (n != atoi(arg))
			errx(2, "%d files, not %s", n, arg);
		return 0;
	}
	errx(2, "what is %s?", what);
}

/* The descriptor that is free. */
static int
descriptor(void)
{
	int fd = rump_sys_open("/", O_RDONLY);

	(void)rump_sys_close(fd);
	return fd;
}

int
main(int argc, char *argv[])
{
	int before, error;

	if (rump_init() != 0 || rump_sys_mkdir(TOP, 0755) != 0 ||
	    rump_sys_mkdir("/outside", 0755) != 0)
		errx(2, "no kernel");
	before = descriptor();
	rump_image_onreport(report, NULL);
	for (int i = 1; i + 1 < argc; i += 2) {
		error = perform(argv[i], argv[i + 1]);
		if (entries("/outside", false) != 0)
			errx(2, "something is outside");
		if (descriptor() != before)
			errx(2, "a descriptor is left open");
		if (error != 0) {
			printf("%s %s: %s\n", argv[i], argv[i + 1],
			    strerrorname_np(error));
			return 1;
		}
	}
	return 0;
}
