/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calls that only rules give to the kernel, or take from it: what it is, what
 * is mounted in it, handles of its files.
 */
#include <linux/fcntl.h>
#include <linux/stat.h>

#include <sys/statvfs.h>

#include "hijack/engine.h"

/* As <rump/rump_mount.h> has it, whose headers cannot be had here. */
struct vfsstat {
	struct statvfs vs_statvfs;
	char vs_fstypename[32];
	char vs_mntfromname[128];
	char vs_mntonname[1024];
};

/*
 * Numbers of devices that file systems are on: programs take files of the same
 * number and inode for one, so those of the kernel get others than the host's.
 */

/* At the beginning of a struct stat. */
void
hj_ruled_device(void *st)
{
	uint64_t dev;

	memcpy(&dev, st, sizeof(dev));
	dev |= HJ_RULED_MAJOR << 8;
	memcpy(st, &dev, sizeof(dev));
}

/* The kernel has made a call, nr of HJ_K_*: if it was one of these. */
void
hj_ruled_stat(int nr, const long *args)
{
	const uint32_t major = HJ_RULED_MAJOR;
	unsigned long at = 0;
	uint64_t dev;

	if (nr == HJ_K_statx)
		(void)hj_copyout((unsigned long)args[4] +
				     offsetof(struct statx, stx_dev_major),
		    &major, sizeof(major));
	else if (nr == HJ_K_fstatat)
		at = (unsigned long)args[2];
	else if (nr == HJ_K_stat || nr == HJ_K_lstat || nr == HJ_K_fstat)
		at = (unsigned long)args[1];
	if (at == 0 || hj_copyin(&dev, at, sizeof(dev)) != 0)
		return;
	hj_ruled_device(&dev);
	(void)hj_copyout(at, &dev, sizeof(dev));
}

/* Whether some calls are to be made by the kernel. */
int
hj_is_ruled(uint32_t calls)
{
	return hj_has_rules() && (hj_control->hc_rules.hr_calls & calls) != 0;
}

long
hj_sys_uname(struct hj_thread *t, const long *args)
{
	if (!hj_is_ruled(HJ_CALLS_SYSCTL))
		return hj_window(t, __NR_uname, args);
	t->t_bykernel = 1;
	return hj_kernel(t, HJ_K_uname, args);
}

long
hj_sys_open_by_handle_at(struct hj_thread *t, const long *args)
{
	const long words[6] = {(int)args[0], args[1], (int)args[2]};
	int kernel = (int)args[0] == AT_FDCWD ? !t->t_proc->p_hostcwd
					      : hj_fd_iskernel(t, (int)args[0]);

	if (hj_is_ours(args[0]))
		return -EBADF;
	if (hj_has_kernel() && !hj_has_rules())
		return -EPERM;
	if (!hj_has_kernel() || !kernel)
		return hj_window(t, __NR_open_by_handle_at, args);
	if (!hj_is_ruled(HJ_CALLS_HANDLES))
		return -EOPNOTSUPP;
	t->t_bykernel = 1;
	return hj_fd_make(t, HJ_K_open_by_handle_at, words,
	    HJ_MAKE | ((args[2] & O_CLOEXEC) != 0 ? HJ_CLOEXEC : 0));
}

/*
 * What is mounted
 */

#define LINE  (4 * (128 + 1024) + 256) /* of a mount, however it is written */
#define SPARE 4			       /* mounts that may come meanwhile */

/* A word of a line: what would end it is written in octal. */
static char *
put_word(char *to, const char *word)
{
	for (; *word != '\0'; word++) {
		if (*word != ' ' && *word != '\t' && *word != '\n' &&
		    *word != '\\') {
			*to++ = *word;
			continue;
		}
		*to++ = '\\';
		for (int shift = 6; shift >= 0; shift -= 3)
			*to++ = (char)('0' + (*word >> shift & 7));
	}
	*to++ = ' ';
	return to;
}

static char *
put_flags(char *to, unsigned long flags)
{
	to = hj_append(to, (flags & ST_RDONLY) != 0 ? "ro" : "rw");
	if ((flags & ST_NOSUID) != 0)
		to = hj_append(to, ",nosuid");
	if ((flags & ST_NODEV) != 0)
		to = hj_append(to, ",nodev");
	if ((flags & ST_NOEXEC) != 0)
		to = hj_append(to, ",noexec");
	return hj_append(to, " ");
}

/* A line of /proc/self/mounts, or of mountinfo there. */
static char *
put_mount(char *to, const struct vfsstat *vs, int n, int info)
{
	unsigned long flags = vs->vs_statvfs.f_flag;
	char on[HJ_PATHMAX];

	hj_append(on, vs->vs_mntonname);
	hj_rules_show(on);
	if (!info) {
		to = put_word(to, vs->vs_mntfromname);
		to = put_word(to, on);
		to = put_word(to, vs->vs_fstypename);
		return hj_append(put_flags(to, flags), "0 0\n");
	}
	to = hj_append(hj_number(to, (unsigned int)n + 1), " 0 ");
	to = hj_append(hj_number(to, HJ_RULED_MAJOR), ":");
	to = hj_append(hj_number(to, vs->vs_statvfs.f_fsid), " / ");
	to = put_flags(put_word(to, on), flags);
	to = put_word(hj_append(to, "- "), vs->vs_fstypename);
	to = put_flags(put_word(to, vs->vs_mntfromname), flags);
	to[-1] = '\n';
	return to;
}

/* Write what the kernel says of its mounts to a file. */
static long
mounts_write(struct hj_thread *t, long fd, int info)
{
	const long count[6] = {0};
	long n = hj_kernel(t, HJ_K_getvfsstat, count), room, done = 0;
	size_t size;
	struct vfsstat *list;
	char *text, *to;

	if (n < 0)
		return n;
	room = n + SPARE;
	size = (size_t)room * (sizeof(*list) + LINE);
	list = hj_map(size);
	if (list == NULL)
		return -ENOMEM;
	const long words[6] = {(long)list, room * (long)sizeof(*list)};
	n = hj_kernel(t, HJ_K_getvfsstat, words);
	to = text = (char *)(list + room);
	for (int i = 0; i < n; i++)
		to = put_mount(to, &list[i], i, info);
	if (n >= 0)
		done = hj_raw4(__NR_pwrite64, fd, text, to - text, 0);
	hj_unmap(list, size);
	return n < 0 ? n : HJ_MIN(done, 0);
}

/*
 * Opening what the host says is mounted, by path: 1 if the rules say that it is
 * the kernel's to say; *result is a descriptor, or a negative errno.
 */
int
hj_ruled_mounts(struct hj_thread *t, const char *path, long flags, long *result)
{
	const char *rest = hj_own_folder(path);
	int info = rest != NULL && hj_streq(rest, "mountinfo");
	char link[32];
	long fd, r;

	if (!hj_is_ruled(HJ_CALLS_MOUNTS) ||
	    (!info && !hj_streq(path, "/proc/mounts") &&
		(rest == NULL || !hj_streq(rest, "mounts"))))
		return 0;
	*result = -EACCES;
	if ((flags & O_ACCMODE) != O_RDONLY)
		return 1;
	fd = hj_raw2(__NR_memfd_create, path, 1 /* MFD_CLOEXEC */);
	*result = fd;
	if (HJ_FAILED(fd))
		return 1;
	r = mounts_write(t, fd, info);
	/* What the program gets cannot be written to. */
	hj_fd_link(link, (int)fd);
	if (r >= 0)
		r = hj_raw4(__NR_openat, AT_FDCWD, link,
		    flags & (O_CLOEXEC | O_NONBLOCK), 0);
	hj_raw1(__NR_close, fd);
	*result = r;
	return 1;
}
