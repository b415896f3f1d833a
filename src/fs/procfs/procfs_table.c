/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which files there are.  The order is that of lists.
 */
#include "fs/procfs/procfs.h"

#define DIR(in, name, mode, dir)                                               \
	{                                                                      \
		.pe_in = (in), .pe_name = (name), .pe_mode = S_IFDIR | (mode), \
		.pe_dir = (dir)                                                \
	}
#define FILE(in, name, mode, text)                                             \
	{                                                                      \
		.pe_in = (in), .pe_name = (name), .pe_mode = S_IFREG | (mode), \
		.pe_text = (text)                                              \
	}
#define STORE(in, name, mode, text, store)                                     \
	{                                                                      \
		.pe_in = (in), .pe_name = (name), .pe_mode = S_IFREG | (mode), \
		.pe_text = (text), .pe_store = (store)                         \
	}
#define LINK(in, name, text)                                                 \
	{                                                                    \
		.pe_in = (in), .pe_name = (name), .pe_mode = S_IFLNK | 0777, \
		.pe_text = (text)                                            \
	}
#define MAGIC(in, name, text, follow)                                        \
	{                                                                    \
		.pe_in = (in), .pe_name = (name), .pe_mode = S_IFLNK | 0777, \
		.pe_text = (text), .pe_follow = (follow)                     \
	}

/* What a process and an lwp have in common. */
#define PROCESS(in)                                             \
	FILE(in, "status", 0444, pfs_status),                   \
	    FILE(in, "stat", 0444, pfs_stat),                   \
	    FILE(in, "statm", 0444, pfs_statm),                 \
	    FILE(in, "cmdline", 0444, pfs_cmdline),             \
	    STORE(in, "comm", 0644, pfs_comm, pfs_setcomm),     \
	    FILE(in, "limits", 0444, pfs_limits),               \
	    MAGIC(in, "cwd", pfs_cwd, pfs_cwd_follow),          \
	    MAGIC(in, "root", pfs_rootdir, pfs_rootdir_follow), \
	    MAGIC(in, "exe", pfs_exe, pfs_exe_follow),          \
	    FILE(in, "mounts", 0444, pfs_mounts),               \
	    FILE(in, "mountinfo", 0444, pfs_mountinfo),         \
	    FILE(in, "maps", 0444, pfs_empty),                  \
	    FILE(in, "environ", 0400, pfs_empty),               \
	    FILE(in, "wchan", 0444, pfs_zero),                  \
	    FILE(in, "cgroup", 0444, pfs_cgroup),               \
	    FILE(in, "oom_score", 0444, pfs_zero),              \
	    FILE(in, "loginuid", 0444, pfs_noid),               \
	    FILE(in, "sessionid", 0444, pfs_noid),              \
	    FILE(in, "uid_map", 0444, pfs_idmap),               \
	    FILE(in, "gid_map", 0444, pfs_idmap)

static int
next_pid(const struct pfs_node *dir, int n)
{
	(void)dir;
	return proc_nextpid(n);
}

static int
next_lid(const struct pfs_node *dir, int n)
{
	return lwp_nextlid(&dir->pn_proc, n);
}

const struct pfs_entry pfs_table[] = {
    DIR(PFS_NODIR, "", 0555, PFS_ROOT),
    {.pe_in = PFS_NODIR},

    LINK(PFS_ROOT, "self", pfs_self),
    LINK(PFS_ROOT, "thread-self", pfs_threadself),
    LINK(PFS_ROOT, "mounts", pfs_selfmounts),
    LINK(PFS_ROOT, "net", pfs_selfnet),
    FILE(PFS_ROOT, "cpuinfo", 0444, pfs_cpuinfo),
    FILE(PFS_ROOT, "filesystems", 0444, pfs_filesystems),
    FILE(PFS_ROOT, "loadavg", 0444, pfs_loadavg),
    FILE(PFS_ROOT, "meminfo", 0444, pfs_meminfo),
    FILE(PFS_ROOT, "stat", 0444, pfs_sysstat),
    DIR(PFS_ROOT, "sys", 0555, PFS_SYS),
    DIR(PFS_ROOT, "sysvipc", 0555, PFS_SYSVIPC),
    FILE(PFS_ROOT, "uptime", 0444, pfs_uptime),
    FILE(PFS_ROOT, "version", 0444, pfs_version),
    {
	.pe_in = PFS_ROOT,
	.pe_mode = S_IFDIR | 0555,
	.pe_dir = PFS_PROC,
	.pe_next = next_pid,
    },

    DIR(PFS_SYS, "fs", 0555, PFS_SYSFS),
    DIR(PFS_SYS, "kernel", 0555, PFS_KERNEL),
    FILE(PFS_SYSFS, "file-max", 0444, pfs_filemax),
    FILE(PFS_SYSFS, "file-nr", 0444, pfs_filenr),
    STORE(PFS_KERNEL, "hostname", 0644, pfs_hostname, pfs_sethostname),
    FILE(PFS_KERNEL, "osrelease", 0444, pfs_osrelease),
    FILE(PFS_KERNEL, "ostype", 0444, pfs_ostype),
    FILE(PFS_KERNEL, "pid_max", 0444, pfs_pidmax),
    DIR(PFS_KERNEL, "random", 0555, PFS_RANDOM),
    FILE(PFS_RANDOM, "boot_id", 0444, pfs_bootid),

    DIR(PFS_SYSFS, "mqueue", 0555, PFS_MQUEUE),
    FILE(PFS_MQUEUE, "msg_default", 0444, pfs_ipclimit),
    FILE(PFS_MQUEUE, "msg_max", 0444, pfs_ipclimit),
    FILE(PFS_MQUEUE, "msgsize_default", 0444, pfs_ipclimit),
    FILE(PFS_MQUEUE, "msgsize_max", 0444, pfs_ipclimit),
    FILE(PFS_MQUEUE, "queues_max", 0444, pfs_ipclimit),
    FILE(PFS_KERNEL, "msgmax", 0444, pfs_ipclimit),
    FILE(PFS_KERNEL, "msgmnb", 0444, pfs_ipclimit),
    FILE(PFS_KERNEL, "msgmni", 0444, pfs_ipclimit),
    FILE(PFS_KERNEL, "sem", 0444, pfs_ipclimit),
    FILE(PFS_KERNEL, "shmall", 0444, pfs_ipclimit),
    FILE(PFS_KERNEL, "shmmax", 0444, pfs_ipclimit),
    FILE(PFS_KERNEL, "shmmni", 0444, pfs_ipclimit),
    FILE(PFS_SYSVIPC, "msg", 0444, pfs_sysvmsg),
    FILE(PFS_SYSVIPC, "sem", 0444, pfs_sysvsem),
    FILE(PFS_SYSVIPC, "shm", 0444, pfs_sysvshm),

    DIR(PFS_PROC, "task", 0555, PFS_TASKS),
    DIR(PFS_PROC, "fd", 0500, PFS_FDS),
    DIR(PFS_PROC, "fdinfo", 0555, PFS_FDINFOS),
    DIR(PFS_PROC, "net", 0555, PFS_NET),
    PROCESS(PFS_PROC),
    {
	.pe_in = PFS_TASKS,
	.pe_mode = S_IFDIR | 0555,
	.pe_dir = PFS_TASK,
	.pe_next = next_lid,
    },
    PROCESS(PFS_TASK),
    DIR(PFS_TASK, "net", 0555, PFS_NET),
    FILE(PFS_NET, "unix", 0444, pfs_netunix),
    {
	.pe_in = PFS_FDS,
	.pe_mode = S_IFLNK | 0700,
	.pe_text = pfs_fd,
	.pe_follow = pfs_fd_follow,
	.pe_next = pfs_nextfd,
    },
    {
	.pe_in = PFS_FDINFOS,
	.pe_mode = S_IFREG | 0444,
	.pe_text = pfs_fdinfo,
	.pe_next = pfs_nextfd,
    },
};
const size_t pfs_tablesize = nitems(pfs_table);
