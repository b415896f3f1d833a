/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * System calls that would show the engine in /proc: the executable is the
 * program, also where the host was not let say so, and the control page's
 * descriptor is in no list.
 */
#include <linux/fcntl.h>

#include "hijack/engine.h"

#define NAMESIZE 12 /* of a descriptor's number */

/* As getdents64 has it. */
struct dirent {
	uint64_t d_ino;
	int64_t d_off;
	uint16_t d_reclen;
	uint8_t d_type;
	char d_name[NAMESIZE];
};

/* Whether a path names the executable of this process. */
static int
is_exe(const char *path)
{
	char own[40];
	char *p;

	if (hj_streq(path, "/proc/self/exe") ||
	    hj_streq(path, "/proc/thread-self/exe"))
		return 1;
	p = hj_number(
	    hj_append(own, "/proc/"), (unsigned long)hj_raw0(__NR_getpid));
	hj_append(p, "/exe");
	return hj_streq(path, own);
}

static long
readlink_at(struct hj_thread *t, const long *args)
{
	size_t size = hj_strlen(hj_exepath);
	char path[40];

	if (hj_exeset ||
	    hj_copyinstr(path, (unsigned long)args[1], sizeof(path)) < 0 ||
	    !is_exe(path))
		return hj_window(t, __NR_readlinkat, args);
	if ((int)args[3] <= 0)
		return -EINVAL;
	size = HJ_MIN(size, (size_t)args[3]);
	if (hj_copyout((unsigned long)args[2], hj_exepath, size) != 0)
		return -EFAULT;
	return (long)size;
}

long
hj_sys_readlinkat(struct hj_thread *t, const long *args)
{
	if (hj_has_kernel())
		return hj_own_readlink(t, args);
	return readlink_at(t, args);
}

/* The path to open in place of one at an address. */
static long
path_to_open(unsigned long address)
{
	char path[40];

	if (hj_exeset || hj_copyinstr(path, address, sizeof(path)) < 0 ||
	    !is_exe(path))
		return (long)address;
	return (long)hj_exepath;
}

/* openat without a kernel. */
long
hj_proc_open(struct hj_thread *t, const long *args)
{
	const long at[6] = {
	    args[0], path_to_open((unsigned long)args[1]), args[2], args[3]};

	return hj_window(t, __NR_openat, at);
}

/* Whether a directory lists the descriptors of a process. */
static int
lists_descriptors(int fd)
{
	char link[32], path[64];
	long n;

	hj_fd_link(link, fd);
	n = hj_raw4(__NR_readlinkat, AT_FDCWD, link, path, sizeof(path));
	return n > 9 && n < (long)sizeof(path) &&
	       memcmp(path, "/proc/", 6) == 0 &&
	       (memcmp(path + n - 3, "/fd", 3) == 0 ||
		   memcmp(path + n - 7, "/fdinfo", 7) == 0);
}

/*
 * Take the entries of our descriptors out of size bytes of entries; returns how
 * many are left, or -EFAULT.
 */
static long
take_out(int fd, unsigned long entries, long size)
{
	struct dirent entry;
	unsigned long at = entries, end = entries + (unsigned long)size, next;
	unsigned long n;
	int lists = -1;

	while (at < end) {
		memset(&entry, 0, sizeof(entry));
		if (hj_copyin(&entry, at, HJ_MIN(end - at, sizeof(entry))) !=
			0 ||
		    entry.d_reclen == 0)
			return -EFAULT;
		next = at + entry.d_reclen;
		entry.d_name[NAMESIZE - 1] = '\0';
		if (hj_getnumber(entry.d_name, &n) != 0 ||
		    !hj_is_ours((long)n)) {
			at = next;
			continue;
		}
		if (lists == -1)
			lists = lists_descriptors(fd);
		if (!lists)
			break;
		if (hj_copy((void *)at, (const void *)next, end - next) != 0)
			return -EFAULT;
		end -= entry.d_reclen;
	}
	return (long)(end - entries);
}

long
hj_sys_getdents64(struct hj_thread *t, const long *args)
{
	const long words[6] = {(int)args[0], args[1], (unsigned int)args[2]};
	long n;

	if (hj_fd_iskernel(t, (int)args[0])) {
		t->t_bykernel = 1;
		return hj_kernel(t, HJ_K_getdents64, words);
	}
	/* If ours is all there is, that is not the end. */
	do {
		n = hj_window(t, __NR_getdents64, args);
		if (n <= 0)
			return n;
		n = take_out((int)args[0], (unsigned long)args[1], n);
	} while (n == 0);
	return n;
}
