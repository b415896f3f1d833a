/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rump chown: owners.
 */
#include "cmd/rump/side.h"

static const struct option_desc options[] = {
    {'R', "recursive", NULL, "and what is in directories"},
    {'h', "no-dereference", NULL, "symbolic links themselves"},
    {0},
};

struct owner {
	uid_t o_uid; /* -1: stays */
	gid_t o_gid;
	bool o_recursive, o_nofollow;
};

/* "user", "user:group", ":group", or with numbers. */
static int
parse_owner(struct owner *o, const char *s)
{
	char *user = tool_format("%s", s), *group = strchr(user, ':');
	int status = STATUS_OK;

	o->o_uid = (uid_t)-1;
	o->o_gid = (gid_t)-1;
	if (group != NULL)
		*group++ = '\0';
	if (*user != '\0' && !user_find(user, &o->o_uid)) {
		complain("no user %s in the kernel's /etc/passwd; a number "
			 "will do",
		    user);
		status = STATUS_FAILED;
	}
	if (group != NULL && *group != '\0' && !group_find(group, &o->o_gid)) {
		complain("no group %s in the kernel's /etc/group; a number "
			 "will do",
		    group);
		status = STATUS_FAILED;
	}
	free(user);
	return status;
}

static int
chown_tree(const char *path, const struct owner *o)
{
	char **names, *inside;
	int status = STATUS_OK;
	struct stat sb;
	size_t i;

	if ((o->o_nofollow || o->o_recursive
		    ? rump_sys_lchown
		    : rump_sys_chown)(path, o->o_uid, o->o_gid) == -1)
		return complain_errno(path);
	if (!o->o_recursive || rump_sys_lstat(path, &sb) == -1 ||
	    !S_ISDIR(sb.st_mode))
		return STATUS_OK;
	if ((names = side_list(&kernel_side, path)) == NULL)
		return complain_errno(path);
	for (i = 0; names[i] != NULL; i++) {
		inside = tool_path(path, names[i]);
		if (chown_tree(inside, o) != STATUS_OK)
			status = STATUS_FAILED;
		free(inside);
	}
	side_listfree(names);
	return status;
}

static int
chown_run(const struct command *self, int argc, char **argv)
{
	int opt, i, status;
	struct owner o = {0};

	while ((opt = command_getopt(self, argc, argv)) != -1)
		switch (opt) {
		case 'R':
			o.o_recursive = true;
			break;
		case 'h':
			o.o_nofollow = true;
			break;
		default:
			return STATUS_USAGE;
		}
	if (argc - optind < 2)
		return command_usage(self, "wants an owner and files");
	if ((status = parse_owner(&o, argv[optind])) != STATUS_OK)
		return status;
	for (i = optind + 1; i < argc; i++)
		if (chown_tree(argv[i], &o) != STATUS_OK)
			status = STATUS_FAILED;
	return status;
}

static struct command chown_command = {
    .c_name = "chown",
    .c_args = "[-Rh] [USER][:GROUP] PATH ...",
    .c_brief = "change owners",
    .c_help = "Changes the owner and group of files of the kernel. Names are "
	      "those of its own /etc/passwd and /etc/group; numbers always do.",
    .c_options = options,
    .c_complete = COMPLETE_PATH,
    .c_run = chown_run,
};
COMMAND(chown_command)
