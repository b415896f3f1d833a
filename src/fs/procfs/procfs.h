/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * procfs: the kernel's processes and some of its figures as files, in the
 * formats of Linux.  Between its files.
 *
 *	procfs_vfsops.c	mounting
 *	procfs_table.c	which files there are
 *	procfs_node.c	a file's node: its life, attributes
 *	procfs_dir.c	names and lists
 *	procfs_proc.c	text about a process
 *	procfs_fd.c	its descriptors and directories: links that lead there
 *	procfs_sys.c	text about the kernel
 *	procfs_ipc.c	text about what processes talk by
 *
 * The table has a line for each file of a directory.  A directory whose files
 * are numbered (processes, lwps, descriptors) has one line for all of them.
 * Nodes are made when they are looked up.  What they show is found out when it
 * is asked for, by pid and serial number: a process that has ended is gone
 * even if its pid is used again.
 */
#ifndef FS_PROCFS_PROCFS_H
#define FS_PROCFS_PROCFS_H

#include "kern/procinfo.h"
#include "vfs/textfile.h"
#include "vfs/vcache.h"

/* Directories. */
enum pfs_dir {
	PFS_NODIR,
	PFS_ROOT,
	PFS_NET,
	PFS_SYS,
	PFS_SYSFS,
	PFS_KERNEL,
	PFS_RANDOM,
	PFS_MQUEUE,
	PFS_SYSVIPC,
	PFS_PROC,  /* a process */
	PFS_TASKS, /* its lwps */
	PFS_TASK,  /* one of them */
	PFS_FDS,
	PFS_FDINFOS,
};

struct pfs_node;

/* All (s). */
struct pfs_entry {
	enum pfs_dir pe_in;  /* where it is */
	const char *pe_name; /* NULL: numbers */
	uint32_t pe_mode;    /* with its type */
	enum pfs_dir pe_dir; /* which directory it is */
	/* The text of a file, the target of a link. */
	int (*pe_text)(struct pfs_node *, struct text *);
	int (*pe_store)(struct pfs_node *, const char *buf, size_t len);
	/* A link that leads to a file whatever its name: see vop_follow. */
	int (*pe_follow)(struct pfs_node *, struct mount **, struct vnode **);
	/* For numbers: the first from n on, or -1. */
	int (*pe_next)(const struct pfs_node *dir, int n);
};

/* The first is the root, the second what has no name. */
extern const struct pfs_entry pfs_table[];
extern const size_t pfs_tablesize;
#define PFS_ENTRY_ROOT (&pfs_table[0])
#define PFS_ENTRY_ANON (&pfs_table[1])

/* All (s). */
struct pfs_node {
	struct vcnode pn_vcnode;
	const struct pfs_entry *pn_entry;
	struct pfs_node *pn_parent; /* held; the root's: itself, not held */
	struct procid pn_proc;	    /* id_pid is -1: of none */
	int pn_num;	    /* of an lwp or descriptor; -1: of the process */
	char pn_number[12]; /* its name, if that is a number */
	ino_t pn_ino;	    /* what has no name: that of what it stands for */
};

static inline struct vnode *
pn_to_vp(struct pfs_node *pn)
{
	return &pn->pn_vcnode.vn_vnode;
}

static inline struct pfs_node *
vp_to_pn(struct vnode *vp)
{
	return container_of(vp_to_vcnode(vp), struct pfs_node, pn_vcnode);
}

/* procfs_node.c */
void pfs_node_init(void);
/* The super's root, with its one reference; NULL without memory. */
struct pfs_node *pfs_node_root(struct super *);
/*
 * The node of an entry of a directory, not referenced; id and num are the
 * process and number that it is about.  ENOENT, ENOMEM.
 */
int pfs_node_get(struct pfs_node *dir, const struct pfs_entry *,
    const struct procid *id, int num, struct pfs_node **pnp);
/* What a descriptor names that has no vnode; sb is its attributes. */
int
pfs_node_anon(struct pfs_node *fd, const struct stat *sb, struct vnode **vpp);
uint64_t pfs_ino(const struct pfs_entry *, pid_t, int num);
/* Does what it shows still exist? */
bool pfs_node_exists(const struct pfs_node *);
int pfs_getattr(struct vnode *, struct stat *);
struct vnode *pfs_reclaim(struct vnode *);
extern const struct vnodeops pfs_dirops, pfs_textops, pfs_linkops, pfs_magicops,
    pfs_anonops;

/* procfs_dir.c */
int pfs_lookup(struct vnode *, const struct cname *, struct vnode **);
int pfs_readdir(struct vnode *, off_t *, readdir_fn, void *);
struct vnode *pfs_parent(struct vnode *);
void pfs_name(struct vnode *, const char **, size_t *);
int pfs_aname(struct vnode *, struct vnode **, const char **, size_t *);

/* procfs_proc.c */
int pfs_stat(struct pfs_node *, struct text *);
int pfs_statm(struct pfs_node *, struct text *);
int pfs_status(struct pfs_node *, struct text *);
int pfs_cmdline(struct pfs_node *, struct text *);
int pfs_comm(struct pfs_node *, struct text *);
int pfs_setcomm(struct pfs_node *, const char *, size_t);
int pfs_limits(struct pfs_node *, struct text *);
int pfs_mounts(struct pfs_node *, struct text *);
int pfs_mountinfo(struct pfs_node *, struct text *);
int pfs_empty(struct pfs_node *, struct text *);
int pfs_zero(struct pfs_node *, struct text *);
int pfs_idmap(struct pfs_node *, struct text *);
int pfs_noid(struct pfs_node *, struct text *);
int pfs_cgroup(struct pfs_node *, struct text *);

/* procfs_fd.c */
int pfs_nextfd(const struct pfs_node *, int);
uint32_t pfs_fdmode(const struct pfs_node *);
int pfs_cwd(struct pfs_node *, struct text *);
int pfs_cwd_follow(struct pfs_node *, struct mount **, struct vnode **);
int pfs_rootdir(struct pfs_node *, struct text *);
int pfs_rootdir_follow(struct pfs_node *, struct mount **, struct vnode **);
int pfs_exe(struct pfs_node *, struct text *);
int pfs_exe_follow(struct pfs_node *, struct mount **, struct vnode **);
int pfs_fd(struct pfs_node *, struct text *);
int pfs_fd_follow(struct pfs_node *, struct mount **, struct vnode **);
int pfs_fdinfo(struct pfs_node *, struct text *);
int pfs_anon_getattr(struct vnode *, struct stat *);
int
pfs_anon_open(struct lwp *, struct vnode *, int, struct file *, struct file **);

/* procfs_sys.c */
void pfs_sys_init(void);
int pfs_self(struct pfs_node *, struct text *);
int pfs_selfnet(struct pfs_node *, struct text *);
int pfs_netunix(struct pfs_node *, struct text *);
int pfs_threadself(struct pfs_node *, struct text *);
int pfs_selfmounts(struct pfs_node *, struct text *);
int pfs_uptime(struct pfs_node *, struct text *);
int pfs_sysstat(struct pfs_node *, struct text *);
int pfs_meminfo(struct pfs_node *, struct text *);
int pfs_version(struct pfs_node *, struct text *);
int pfs_cpuinfo(struct pfs_node *, struct text *);
int pfs_loadavg(struct pfs_node *, struct text *);
int pfs_filesystems(struct pfs_node *, struct text *);
int pfs_ostype(struct pfs_node *, struct text *);
int pfs_osrelease(struct pfs_node *, struct text *);
int pfs_hostname(struct pfs_node *, struct text *);
int pfs_sethostname(struct pfs_node *, const char *, size_t);
int pfs_pidmax(struct pfs_node *, struct text *);
int pfs_bootid(struct pfs_node *, struct text *);
int pfs_filemax(struct pfs_node *, struct text *);
int pfs_filenr(struct pfs_node *, struct text *);

/* procfs_ipc.c */
int pfs_ipclimit(struct pfs_node *, struct text *);
int pfs_sysvmsg(struct pfs_node *, struct text *);
int pfs_sysvsem(struct pfs_node *, struct text *);
int pfs_sysvshm(struct pfs_node *, struct text *);

#endif /* FS_PROCFS_PROCFS_H */
