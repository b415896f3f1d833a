/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rump stat: all about files.
 */
#include <sys/sysmacros.h>

#include <limits.h>
#include <time.h>

#include "cmd/rump/tool.h"

enum { OPT_JSON = 256 };

static const struct option_desc options[] = {
    {'L', "dereference", NULL, "of what a symbolic link leads to"},
    {OPT_JSON, "json", NULL, "for programs"},
    {0},
};

static void
put_time(const char *what, const struct timespec *ts)
{
	char buf[64], zone[16];
	struct tm tm;

	if (localtime_r(&ts->tv_sec, &tm) == NULL) {
		(void)printf("%s: %jd s\n", what, (intmax_t)ts->tv_sec);
		return;
	}
	(void)strftime(buf, sizeof(buf), "%Y-%m-%d %H:%M:%S", &tm);
	(void)strftime(zone, sizeof(zone), "%z", &tm);
	(void)printf("%s: %s.%09ld %s\n", what, buf, ts->tv_nsec, zone);
}

static void
print(const char *path, const struct stat *sb, const char *target)
{
	char mode[11];

	mode_text(sb->st_mode, mode);
	(void)printf("    File: ");
	out_name(path);
	if (target != NULL) {
		(void)printf(" -> ");
		out_name(target);
	}
	(void)printf("\n    Type: %s\n    Size: %jd, in %jd blocks of 512\n"
		     "  Device: %u,%u  Inode: %ju  Links: %ju\n",
	    type_name(sb->st_mode), (intmax_t)sb->st_size,
	    (intmax_t)sb->st_blocks, major(sb->st_dev), minor(sb->st_dev),
	    (uintmax_t)sb->st_ino, (uintmax_t)sb->st_nlink);
	if (S_ISCHR(sb->st_mode) || S_ISBLK(sb->st_mode))
		(void)printf("  Number: %u,%u\n", major(sb->st_rdev),
		    minor(sb->st_rdev));
	(void)printf("    Mode: %04o %s\n   Owner: %u %s\n",
	    sb->st_mode & 07777u, mode, sb->st_uid, user_name(sb->st_uid));
	(void)printf("   Group: %u %s\n", sb->st_gid, group_name(sb->st_gid));
	put_time("Accessed", &sb->st_atim);
	put_time("Modified", &sb->st_mtim);
	put_time(" Changed", &sb->st_ctim);
}

static void
print_json(const char *path, const struct stat *sb, const char *target)
{
	char mode[8];
	const struct {
		const char *key;
		int64_t value;
	} numbers[] = {
	    {"size", sb->st_size},
	    {"blocks", sb->st_blocks},
	    {"blksize", sb->st_blksize},
	    {"dev", (int64_t)sb->st_dev},
	    {"inode", (int64_t)sb->st_ino},
	    {"nlink", (int64_t)sb->st_nlink},
	    {"uid", sb->st_uid},
	    {"gid", sb->st_gid},
	    {"rdev", (int64_t)sb->st_rdev},
	};
	size_t i;

	json_begin('{');
	json_key("path");
	json_string(path);
	json_key("type");
	json_string(type_name(sb->st_mode));
	(void)snprintf(mode, sizeof(mode), "%04o", sb->st_mode & 07777u);
	json_key("mode");
	json_string(mode);
	for (i = 0; i < nitems(numbers); i++) {
		json_key(numbers[i].key);
		json_number(numbers[i].value);
	}
	json_key("atime");
	json_time(&sb->st_atim);
	json_key("mtime");
	json_time(&sb->st_mtim);
	json_key("ctime");
	json_time(&sb->st_ctim);
	if (target != NULL) {
		json_key("target");
		json_string(target);
	}
	json_end('}');
}

static int
stat_file(const char *path, bool follow, bool json)
{
	char target[PATH_MAX + 1];
	struct stat sb;
	ssize_t n = -1;

	if ((follow ? rump_sys_stat : rump_sys_lstat)(path, &sb) == -1)
		return complain_errno(path);
	if (S_ISLNK(sb.st_mode) &&
	    (n = rump_sys_readlink(path, target, PATH_MAX)) == -1)
		return complain_errno(path);
	if (n >= 0)
		target[n] = '\0';
	(json ? print_json : print)(path, &sb, n >= 0 ? target : NULL);
	return STATUS_OK;
}

static int
stat_run(const struct command *self, int argc, char **argv)
{
	bool follow = false, json = false;
	int opt, i, status = STATUS_OK;

	while ((opt = command_getopt(self, argc, argv)) != -1)
		switch (opt) {
		case 'L':
			follow = true;
			break;
		case OPT_JSON:
			json = true;
			break;
		default:
			return STATUS_USAGE;
		}
	if (optind == argc)
		return command_usage(self, "no files");
	if (json)
		json_begin('[');
	for (i = optind; i < argc; i++)
		if (stat_file(argv[i], follow, json) != STATUS_OK)
			status = STATUS_FAILED;
	if (json)
		json_end(']');
	return status;
}

static struct command stat_command = {
    .c_name = "stat",
    .c_args = "[-L] [--json] PATH ...",
    .c_brief = "show all about files",
    .c_help = "Shows what the kernel knows of files.",
    .c_options = options,
    .c_complete = COMPLETE_PATH,
    .c_run = stat_run,
};
COMMAND(stat_command)
