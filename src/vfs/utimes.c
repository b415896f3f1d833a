/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Setting times with microseconds and with seconds: the older calls.
 */
#include <utime.h>

#include "sysproto.h"
#include "vfs/vfs_impl.h"

/* Now for both without any. */
static int
timevals_copyin(const struct timeval *utv, struct timespec ts[2])
{
	struct timeval tv[2];
	int i, error;

	ts[0].tv_nsec = ts[1].tv_nsec = UTIME_NOW;
	if (utv == NULL)
		return 0;
	if ((error = copyin(utv, tv, sizeof(tv))) != 0)
		return error;
	for (i = 0; i < 2; i++) {
		if (tv[i].tv_usec < 0 || tv[i].tv_usec >= 1000000)
			return EINVAL;
		ts[i].tv_sec = tv[i].tv_sec;
		ts[i].tv_nsec = tv[i].tv_usec * 1000;
	}
	return 0;
}

static int
do_utimes(struct lwp *l, int dirfd, const char *path,
    const struct timeval *times, int flags)
{
	struct timespec ts[2];
	int error = timevals_copyin(times, ts);

	return error != 0 ? error : vfs_utimes(l, dirfd, path, ts, flags);
}

int
sys_utimes(struct lwp *l, const char *path, const struct timeval *times)
{
	return do_utimes(l, AT_FDCWD, path, times, 0);
}

int
sys_lutimes(struct lwp *l, const char *path, const struct timeval *times)
{
	return do_utimes(l, AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW);
}

/* A descriptor of AT_FDCWD's number is none. */
int
sys_futimes(struct lwp *l, int fd, const struct timeval *times)
{
	return fd < 0 ? EBADF : do_utimes(l, fd, NULL, times, 0);
}

int
sys_futimesat(
    struct lwp *l, int dirfd, const char *path, const struct timeval *times)
{
	return do_utimes(l, dirfd, path, times, 0);
}

int
sys_utime(struct lwp *l, const char *path, const struct utimbuf *utimes)
{
	struct timespec ts[2] = {
	    {.tv_nsec = UTIME_NOW}, {.tv_nsec = UTIME_NOW}};
	struct utimbuf ut;
	int error;

	if (utimes != NULL) {
		if ((error = copyin(utimes, &ut, sizeof(ut))) != 0)
			return error;
		ts[0] = (struct timespec){.tv_sec = ut.actime};
		ts[1] = (struct timespec){.tv_sec = ut.modtime};
	}
	return vfs_utimes(l, AT_FDCWD, path, ts, 0);
}
