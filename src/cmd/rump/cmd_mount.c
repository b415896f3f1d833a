/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rump mount: mount file systems, and show what is mounted.
 */
#include "cmd/rump/mounts.h"

#define OPTIONS_SIZE 4096

enum { OPT_JSON = 256 };

static const struct option_desc options[] = {
    {'t', "type", "TYPE",
	"of the file system; rump sysctl vfs.generic.fstypes"},
    {'o', "options", "LIST",
	"ro, nosuid, update and so on, and the type's own"},
    {'r', "read-only", NULL, "as -o ro"},
    {OPT_JSON, "json", NULL, "with no arguments: for programs"},
    {0},
};

static const struct {
	const char *name;
	int set, clear;
} flag_names[] = {
    {"ro", RUMP_MNT_RDONLY, 0},
    {"rw", 0, RUMP_MNT_RDONLY},
    {"nosuid", RUMP_MNT_NOSUID, 0},
    {"suid", 0, RUMP_MNT_NOSUID},
    {"nodev", RUMP_MNT_NODEV, 0},
    {"dev", 0, RUMP_MNT_NODEV},
    {"noexec", RUMP_MNT_NOEXEC, 0},
    {"exec", 0, RUMP_MNT_NOEXEC},
    {"noatime", RUMP_MNT_NOATIME, 0},
    {"atime", 0, RUMP_MNT_NOATIME},
    {"update", RUMP_MNT_UPDATE, 0},
    {"remount", RUMP_MNT_UPDATE, 0},
};

struct request {
	int m_flags;
	char m_data[OPTIONS_SIZE]; /* the type's own options */
};

static bool
add_flag(struct request *m, const char *word, size_t len)
{
	size_t i;

	for (i = 0; i < nitems(flag_names); i++)
		if (strlen(flag_names[i].name) == len &&
		    memcmp(flag_names[i].name, word, len) == 0) {
			m->m_flags |= flag_names[i].set;
			m->m_flags &= ~flag_names[i].clear;
			return true;
		}
	return false;
}

/* Flags go into the flags, all else to the file system; false: too long. */
static bool
add_options(struct request *m, const char *list)
{
	size_t len, at;

	for (;; list += len + 1) {
		len = strcspn(list, ",");
		at = strlen(m->m_data);
		if (len > 0 && !add_flag(m, list, len)) {
			if (at + len + 2 > sizeof(m->m_data))
				return false;
			(void)snprintf(m->m_data + at, sizeof(m->m_data) - at,
			    "%s%.*s", at > 0 ? "," : "", (int)len, list);
		}
		if (list[len] == '\0')
			return true;
	}
}

static int
list(bool json)
{
	char flags[MOUNT_FLAGS_SIZE];
	struct rump_vfsstat *vs;
	struct table *t = NULL;
	size_t i, n;

	if ((vs = mounts_get(&n)) == NULL)
		return complain_errno("mounts");
	if (json)
		json_begin('[');
	else
		t = table_new("FROM|ON|TYPE|FLAGS");
	for (i = 0; i < n; i++) {
		const char *cells[] = {vs[i].vs_mntfromname, vs[i].vs_mntonname,
		    vs[i].vs_fstypename, mount_flags_text(&vs[i], flags)};
		static const char *const keys[] = {
		    "from", "on", "type", "flags"};
		size_t c;

		if (json)
			json_begin('{');
		for (c = 0; c < nitems(cells); c++) {
			if (!json) {
				table_cell(t, "%s", cells[c]);
				continue;
			}
			json_key(keys[c]);
			json_string(cells[c]);
		}
		if (json)
			json_end('}');
	}
	if (json)
		json_end(']');
	else
		table_print(t);
	free(vs);
	return STATUS_OK;
}

/* What errors of mount mean, where that is not plain. */
static int
mount_failed(const char *type, const char *dir)
{
	char types[256] = "";
	size_t len = sizeof(types);

	if (errno == ENODEV) {
		(void)rump_sys_sysctlbyname(
		    "vfs.generic.fstypes", types, &len, NULL, 0);
		complain("there is no type %s, but: %s", type, types);
	} else if (errno == EINVAL)
		complain("%s: %s has no such options, or cannot be mounted "
			 "like this; see rump_mount(3)",
		    dir, type);
	else
		(void)complain_errno(dir);
	return STATUS_FAILED;
}

static int
mount_run(const struct command *self, int argc, char **argv)
{
	struct request m = {0};
	const char *type = NULL;
	bool json = false, asked = false;
	int opt;

	while ((opt = command_getopt(self, argc, argv)) != -1)
		switch (opt) {
		case 't':
			type = optarg;
			break;
		case 'o':
			asked = true;
			if (!add_options(&m, optarg))
				return command_usage(self, "too many options");
			break;
		case 'r':
			asked = true;
			m.m_flags |= RUMP_MNT_RDONLY;
			break;
		case OPT_JSON:
			json = true;
			break;
		default:
			return STATUS_USAGE;
		}
	if (optind == argc && type == NULL && !asked)
		return list(json);
	if (argc - optind != 1)
		return command_usage(self, "wants one directory to mount on");
	if (type == NULL && (m.m_flags & RUMP_MNT_UPDATE) == 0)
		return command_usage(self, "what type? -t says it");
	if (rump_sys_mount(type != NULL ? type : "", argv[optind], m.m_flags,
		m.m_data, strlen(m.m_data)) == -1)
		return mount_failed(type != NULL ? type : "it", argv[optind]);
	return STATUS_OK;
}

static struct command mount_command = {
    .c_name = "mount",
    .c_args = "[-r] [-t TYPE] [-o OPTIONS] [DIRECTORY] [--json]",
    .c_brief = "mount a file system, or list what is mounted",
    .c_help = "Mounts a file system on a directory of the kernel, or lists "
	      "what is mounted there. Types and options are those of "
	      "rump_mount(3):\n"
	      "  rump mount -t tmpfs -o size=64m,mode=1777 /scratch\n"
	      "  rump mount -t hostfs -o path=/srv/data,ro /data",
    .c_options = options,
    .c_complete = COMPLETE_PATH,
    .c_run = mount_run,
};
COMMAND(mount_command)
