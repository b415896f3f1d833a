/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rump tar: trees of the kernel as archives of the host.
 */
#include <fcntl.h>

#include <rump/rump_image.h>

#include "cmd/rump/tool.h"

static const struct option_desc options[] = {
    {'c', "create", NULL, "write DIRECTORY of the kernel as an archive"},
    {'x', "extract", NULL, "read an archive into DIRECTORY of the kernel"},
    {'f', "file", "FILE", "of the host; - or none: standard input or output"},
    {'H', "format", "FORMAT", "of -c: pax, gnutar or ustar"},
    {'o', "no-same-owner", NULL, "of -x: files are this process's own"},
    {'k', "keep-old-files", NULL, "of -x: what is there is an error"},
    {'i', "ignore-errors", NULL, "leave out what fails, and go on"},
    {'1', "one-file-system", NULL, "of -c: what is mounted below is an error"},
    {'s', "strip", "NUMBER", "of -x: take so many names off paths"},
    {0},
};

struct tar {
	char t_way; /* 'c' or 'x' */
	const char *t_file;
	const char *t_format;
	unsigned t_flags;
};

static void
report(void *arg, const char *path, int error, const char *why)
{
	(void)arg;
	complain("%s%s%s (%s)", path, *path != '\0' ? ": " : "", why,
	    strerror(error));
}

/* The archive on the host; -1 after a complaint. */
static int
archive_open(const struct tar *t)
{
	bool create = t->t_way == 'c';
	int fd = create ? STDOUT_FILENO : STDIN_FILENO;

	if (strcmp(t->t_file, "-") != 0) {
		fd = open(t->t_file,
		    create ? O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC
			   : O_RDONLY | O_CLOEXEC,
		    0666);
		if (fd == -1)
			(void)complain_errno(t->t_file);
	} else if (isatty(fd)) {
		complain("an archive is not for a terminal; -f names a file");
		fd = -1;
	}
	return fd;
}

static int
tar_do(const struct tar *t, const char *dir)
{
	int fd, error;

	/* Before the archive, which would be empty, is made. */
	if (rump_sys_access(dir, F_OK) == -1)
		return complain_errno(dir);
	if ((fd = archive_open(t)) == -1)
		return STATUS_FAILED;
	rump_image_onreport(report, NULL);
	if (t->t_way == 'c')
		error = rump_image_store(dir, fd, t->t_format, t->t_flags);
	else
		error = rump_image_load(fd, dir, t->t_flags);
	if (fd > STDERR_FILENO && close(fd) == -1 && error == 0) {
		error = errno;
		complain("%s: %s", t->t_file, strerror(error));
	}
	return error == 0 ? STATUS_OK : STATUS_FAILED;
}

/* False: the user was told. */
static bool
set_option(const struct command *self, struct tar *t, int opt)
{
	uint64_t n;

	switch (opt) {
	case 'c':
	case 'x':
		if (t->t_way != '\0' && t->t_way != opt) {
			(void)command_usage(self, "-c or -x, and not both");
			return false;
		}
		t->t_way = (char)opt;
		return true;
	case 'f':
		t->t_file = optarg;
		return true;
	case 'H':
		t->t_format = optarg;
		return true;
	case 'o':
		t->t_flags |= RUMP_IMAGE_CALLER;
		return true;
	case 'k':
		t->t_flags |= RUMP_IMAGE_KEEP;
		return true;
	case 'i':
		t->t_flags |= RUMP_IMAGE_SKIP;
		return true;
	case '1':
		t->t_flags |= RUMP_IMAGE_ONEFS;
		return true;
	case 's':
		if (parse_number(optarg, 255, &n)) {
			t->t_flags |= RUMP_IMAGE_STRIP(n);
			return true;
		}
		(void)command_usage(self, "-s is from 0 to 255");
		return false;
	default:
		return false;
	}
}

static int
tar_run(const struct command *self, int argc, char **argv)
{
	struct tar t = {.t_file = "-"};
	unsigned other;
	int opt;

	while ((opt = command_getopt(self, argc, argv)) != -1)
		if (!set_option(self, &t, opt))
			return STATUS_USAGE;
	if (t.t_way == '\0')
		return command_usage(self, "-c writes one, -x reads one");
	if (argc - optind != 1)
		return command_usage(self, "wants one directory of the kernel");
	other = t.t_way == 'c' ? RUMP_IMAGE_CALLER | RUMP_IMAGE_KEEP |
				     RUMP_IMAGE_STRIP(255)
			       : RUMP_IMAGE_ONEFS;
	if ((t.t_flags & other) != 0 || (t.t_way == 'x' && t.t_format != NULL))
		return command_usage(
		    self, "an option that is not for -%c", t.t_way);
	return tar_do(&t, argv[optind]);
}

static struct command tar = {
    .c_name = "tar",
    .c_args = "-c | -x [-oki1] [-f FILE] [-H FORMAT] [-s NUMBER] DIRECTORY",
    .c_brief = "archives of the host into the kernel and out of it",
    .c_help =
	"Writes a directory of the kernel as an archive, or reads one into a "
	"directory there: tar of all kinds, cpio and zip, compressed or not.\n"
	"  rump tar -x -f image.tar.gz /srv\n"
	"  rump tar -c /srv | zstd >srv.tar.zst",
    .c_options = options,
    .c_complete = COMPLETE_PATH,
    .c_run = tar_run,
};
COMMAND(tar)
