/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Opening files, the current directory, and calls whose arguments the kernel
 * has in another shape.
 */
#include <linux/fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <linux/stat.h>
#include <linux/time_types.h>

#include <sys/statvfs.h>

#include "hijack/engine.h"

/* As the host's statfs has it. */
struct statfs {
	long f_type;
	long f_bsize;
	long f_blocks;
	long f_bfree;
	long f_bavail;
	long f_files;
	long f_ffree;
	int f_fsid[2];
	long f_namelen;
	long f_frsize;
	long f_flags;
	long f_spare[4];
};

#define MS_REMOUNT 32L
#define MS_BIND	   4096L
#define MS_REC	   16384L

#define ST_VALID 0x20 /* f_flags is filled in */

/*
 * Opening
 */

static int
how_to_make(long flags)
{
	return HJ_MAKE | ((flags & O_CLOEXEC) != 0 ? HJ_CLOEXEC : 0) |
	       ((flags & O_PATH) != 0 ? HJ_ATPATH : 0) |
	       ((flags & (O_ACCMODE | O_TRUNC | O_CREAT)) == O_RDONLY ? HJ_QUIET
								      : 0);
}

/* args are those of openat. */
static long
open_at(struct hj_thread *t, const long *args)
{
	long flags = args[2], r;
	struct hj_path p = {.p_host = __NR_openat,
	    .p_kernel = HJ_K_openat,
	    .p_how = "dpvv",
	    .p_makes = how_to_make(flags)};

	if (hj_lower_open(t, args, &r))
		return r;
	if ((flags & O_NOFOLLOW) != 0 ||
	    (flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL))
		p.p_how = "dlvv";
	return hj_path_call(t, &p, args);
}

long
hj_sys_openat(struct hj_thread *t, const long *args)
{
	return hj_has_kernel() ? open_at(t, args) : hj_proc_open(t, args);
}

long
hj_sys_openat2(struct hj_thread *t, const long *args)
{
	struct open_how how = {0};
	struct hj_path p = {
	    .p_host = __NR_openat2, .p_kernel = HJ_K_openat2, .p_how = "dpvv"};

	if (hj_is_ours(args[0]))
		return -EBADF;
	if (!hj_has_kernel())
		return hj_window(t, __NR_openat2, args);
	if (args[3] < (long)sizeof(how))
		return -EINVAL;
	if (hj_copyin(&how, (unsigned long)args[2], sizeof(how)) != 0)
		return -EFAULT;
	p.p_makes = how_to_make((long)how.flags);
	if ((how.flags & O_NOFOLLOW) != 0 ||
	    (how.resolve & RESOLVE_NO_SYMLINKS) != 0 ||
	    (how.flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL))
		p.p_how = "dlvv";
	return hj_path_call(t, &p, args);
}

/*
 * The current directory
 */

long
hj_sys_chdir(struct hj_thread *t, const long *args)
{
	const struct hj_path p = {
	    .p_host = __NR_chdir, .p_kernel = HJ_K_chdir, .p_how = "p"};
	long r;

	if (!hj_has_kernel())
		return hj_window(t, __NR_chdir, args);
	hj_lower_forget(t);
	r = hj_path_call(t, &p, args);
	if (r == 0)
		t->t_proc->p_hostcwd = !t->t_bykernel;
	return r;
}

long
hj_sys_fchdir(struct hj_thread *t, const long *args)
{
	const long words[6] = {(int)args[0]};
	int kernel = hj_fd_iskernel(t, (int)args[0]);
	long r;

	if (hj_is_ours(args[0]))
		return -EBADF;
	hj_lower_forget(t);
	t->t_bykernel = (uint32_t)kernel;
	r = kernel ? hj_kernel(t, HJ_K_fchdir, words)
		   : hj_window(t, __NR_fchdir, args);
	if (r == 0)
		t->t_proc->p_hostcwd = !kernel;
	return r;
}

/* What the kernel's current directory is called by the rules. */
static long
shown_cwd(struct hj_thread *t, const long *args)
{
	char path[HJ_PATHMAX];
	const long words[6] = {(long)path, sizeof(path)};
	long n = hj_kernel(t, HJ_K___getcwd, words);

	if (n > 0)
		n = hj_rules_show(path);
	if (n < 0)
		return n;
	if (n++ >= args[1])
		return -ERANGE;
	return hj_copyout((unsigned long)args[0], path, (size_t)n) != 0
		   ? -EFAULT
		   : n;
}

long
hj_sys_getcwd(struct hj_thread *t, const long *args)
{
	if (!hj_has_kernel() || t->t_proc->p_hostcwd)
		return hj_window(t, __NR_getcwd, args);
	t->t_bykernel = 1;
	return hj_has_rules() ? shown_cwd(t, args)
			      : hj_kernel(t, HJ_K___getcwd, args);
}

/* What is made on the host has it, too. */
long
hj_sys_umask(struct hj_thread *t, const long *args)
{
	long was;

	if (!hj_has_kernel())
		return hj_window(t, __NR_umask, args);
	was = hj_raw1(__NR_umask, args[0]);
	t->t_bykernel = 1;
	if (!hj_has_rules())
		return hj_kernel(t, HJ_K_umask, args);
	hj_kernel(t, HJ_K_umask, args);
	return was;
}

/*
 * File systems
 */

static long
statfs_out(unsigned long to, const struct statvfs *sv)
{
	const char *end = (const char *)(&sv->f_namemax + 1);
	uint32_t type; /* newer C libraries have a name for it */
	struct statfs sf = {.f_type = OVERLAYFS_SUPER_MAGIC,
	    .f_bsize = (long)sv->f_bsize,
	    .f_blocks = (long)sv->f_blocks,
	    .f_bfree = (long)sv->f_bfree,
	    .f_bavail = (long)sv->f_bavail,
	    .f_files = (long)sv->f_files,
	    .f_ffree = (long)sv->f_ffree,
	    .f_namelen = (long)sv->f_namemax,
	    .f_frsize = (long)sv->f_frsize,
	    .f_flags = (long)sv->f_flag | ST_VALID};

	memcpy(sf.f_fsid, &sv->f_fsid, sizeof(sf.f_fsid));
	memcpy(&type, end, sizeof(type));
	if (type != 0)
		sf.f_type = type;
	return hj_copyout(to, &sf, sizeof(sf)) != 0 ? -EFAULT : 0;
}

long
hj_sys_statfs(struct hj_thread *t, const long *args)
{
	struct statvfs sv = {0};
	const long words[6] = {args[0], (long)&sv};
	const struct hj_path p = {.p_host = __NR_statfs,
	    .p_kernel = HJ_K_statvfs,
	    .p_how = "pv",
	    .p_args = args};
	long r;

	if (!hj_has_kernel())
		return hj_window(t, __NR_statfs, args);
	r = hj_path_call(t, &p, words);
	if (r == 0 && t->t_bykernel)
		r = statfs_out((unsigned long)args[1], &sv);
	return r;
}

long
hj_sys_fstatfs(struct hj_thread *t, const long *args)
{
	struct statvfs sv = {0};
	const long words[6] = {(int)args[0], (long)&sv};
	long r;

	if (hj_is_ours(args[0]))
		return -EBADF;
	if (!hj_fd_iskernel(t, (int)args[0]))
		return hj_window(t, __NR_fstatfs, args);
	t->t_bykernel = 1;
	r = hj_kernel(t, HJ_K_fstatvfs, words);
	if (r == 0)
		r = statfs_out((unsigned long)args[1], &sv);
	return r;
}

/*
 * The rest
 */

/* The kernel's value is an errno. */
long
hj_sys_fadvise64(struct hj_thread *t, const long *args)
{
	const long words[6] = {(int)args[0], args[1], args[2], args[3]};

	if (hj_is_ours(args[0]))
		return -EBADF;
	if (!hj_fd_iskernel(t, (int)args[0]) || hj_fd_isdirect(t, (int)args[0]))
		return hj_window(t, __NR_fadvise64, args);
	t->t_bykernel = 1;
	return -hj_kernel(t, HJ_K_posix_fadvise, words);
}

/* Without a path: the times of a descriptor. */
long
hj_sys_utimensat(struct hj_thread *t, const long *args)
{
	const struct hj_path p = {.p_host = __NR_utimensat,
	    .p_kernel = HJ_K_utimensat,
	    .p_how = "dpva"};
	const long words[6] = {(int)args[0], 0, args[2], (int)args[3]};

	if (hj_is_ours(args[0]))
		return -EBADF;
	if (!hj_has_kernel())
		return hj_window(t, __NR_utimensat, args);
	if (args[1] != 0)
		return hj_path_call(t, &p, args);
	if (!hj_fd_iskernel(t, (int)args[0]))
		return hj_window(t, __NR_utimensat, args);
	t->t_bykernel = 1;
	return hj_kernel(t, HJ_K_utimensat, words);
}

/*
 * A descriptor's link in /proc, as programs name a file that has no name yet
 * and is to have one: the descriptor, or -1.
 */
static int
linked_descriptor(struct hj_thread *t, const long *args)
{
	char path[HJ_PATHMAX], own[HJ_PATHMAX];
	int fd = -1;

	if ((args[4] & AT_SYMLINK_FOLLOW) == 0 ||
	    hj_copyinstr(path, (unsigned long)args[1], sizeof(path)) <= 0)
		return -1;
	hj_own_find(t, path, 1, own, &fd);
	return fd >= 0 && hj_fd_iskernel(t, fd) ? fd : -1;
}

long
hj_sys_linkat(struct hj_thread *t, const long *args)
{
	const struct hj_path p = {
	    .p_host = __NR_linkat, .p_kernel = HJ_K_linkat, .p_how = "dldlv"};
	long words[6] = {args[0], args[1], args[2], args[3], args[4]};
	int fd;

	if (hj_is_ours(args[0]) || hj_is_ours(args[2]))
		return -EBADF;
	if (!hj_has_kernel())
		return hj_window(t, __NR_linkat, args);
	fd = linked_descriptor(t, args);
	if (fd >= 0) {
		words[0] = fd;
		words[1] = (long)"";
		words[4] = AT_EMPTY_PATH;
	}
	return hj_path_call(t, &p, words);
}

/*
 * The kernel's own tree: EPERM without one.
 */

long
hj_sys_chroot(struct hj_thread *t, const long *args)
{
	char found[HJ_PATHMAX];
	long words[6] = {args[0]}, r = 0;

	if (!hj_has_kernel())
		return -EPERM;
	hj_lower_forget(t);
	if (hj_has_rules())
		r = hj_rules_kernel(t, (unsigned long)args[0], found, words);
	t->t_bykernel = 1;
	if (r == 0)
		r = hj_kernel(t, HJ_K_chroot, words);
	/* A root on the host would be the way out. */
	return r == -EREMOTE ? -EPERM : r;
}

long
hj_sys_umount2(struct hj_thread *t, const long *args)
{
	char found[HJ_PATHMAX];
	long words[6] = {args[0], args[1]}, r = 0;

	if (!hj_has_kernel())
		return -EPERM;
	if (hj_has_rules())
		r = hj_rules_kernel(t, (unsigned long)args[0], found, words);
	if (r != 0)
		return r;
	t->t_bykernel = 1;
	r = hj_kernel(t, HJ_K_unmount, words);
	if (r != -EBUSY)
		return r;
	/* Perhaps the kernel has not heard of the end of who used it. */
	hj_kernel_gone(t, 0);
	return hj_kernel(t, HJ_K_unmount, words);
}

/* Flags that ask for what the kernel does anyway, or need not do. */
#define MOUNT_HINTS (32768L | 1L << 21 | 1L << 24 | 1L << 25)

/* Kinds that lead to the host: not for programs. */
static int
leads_out(const char *type)
{
	return hj_streq(type, "hostfs") || hj_streq(type, "hostpass") ||
	       hj_streq(type, "etfs");
}

/* A mount of this type, with one option that is a path. */
static long
mount_path(struct hj_thread *t, const char *type, const char *option,
    const char *path, const long *place)
{
	char data[16 + HJ_PATHMAX];
	long n = hj_append(hj_append(data, option), path) - data;
	const long words[6] = {(long)type, place[0], place[1], (long)data, n};

	/* Options are between commas. */
	for (; *path != '\0'; path++) {
		if (*path == ',')
			return -EINVAL;
	}
	return hj_kernel(t, HJ_K_mount, words);
}

/*
 * A directory at another place, too.  One of the host, which the program can
 * reach anyway, is there by a mount of the kind that it is reached by.
 */
static long
bind_mount(struct hj_thread *t, unsigned long source, const long *place)
{
	char path[HJ_PATHMAX];
	long r = hj_copyinstr(path, source, sizeof(path));

	if (r < 0)
		return r;
	r = mount_path(t, "null", "target=", path, place);
	if (r != -EREMOTE)
		return r;
	r = hj_path_onhost(t, AT_FDCWD, source, 1, path);
	if (r == 0 && path[0] != '/')
		r = -ENOTDIR;
	return r != 0 ? r : mount_path(t, "hostpass", "path=", path, place);
}

long
hj_sys_mount(struct hj_thread *t, const long *args)
{
	long words[6] = {args[2], args[1], args[3] & ~MOUNT_HINTS, args[4]};
	char type[32] = "", found[HJ_PATHMAX];
	long place[2], n = 0;

	if (!hj_has_kernel())
		return -EPERM;
	if (hj_has_rules())
		n = hj_rules_kernel(
		    t, (unsigned long)args[1], found, &words[1]);
	if (n != 0)
		return n;
	t->t_bykernel = 1;
	place[0] = words[1];
	place[1] = words[2] & ~(MS_BIND | MS_REC);
	if ((args[3] & (MS_BIND | MS_REMOUNT)) == MS_BIND)
		return bind_mount(t, (unsigned long)args[0], place);
	if (args[2] != 0)
		n = hj_copyinstr(type, (unsigned long)args[2], sizeof(type));
	if (n == -EFAULT)
		return n;
	if (leads_out(type))
		return -EPERM;
	n = args[4] == 0 ? 0 : hj_string_length((const char *)args[4], HJ_PAGE);
	if (n < 0)
		return -EFAULT;
	words[4] = n;
	words[0] = (long)type;
	return hj_kernel(t, HJ_K_mount, words);
}
