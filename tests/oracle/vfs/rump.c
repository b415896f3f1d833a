/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel's side: a process for each of the host's, and one that makes,
 * scans and removes the directories.
 */
#include <sys/resource.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include <rump/rump.h>
#include <rump/rump_syscalls.h>

#include "vfs.h"

#define OVERLAY_UPPER "/tmp/upper"

static struct lwp *boss, *lwp[NPROCS];
static unsigned sequence;
static char dir[32];
static char under[32]; /* what the directory is an overlay of, if it is one */
static const char *top = ""; /* where the directories are made */

static int
rump_fchmodat(int dirfd, const char *path, mode_t mode)
{
	return rump_sys_fchmodat(dirfd, path, mode, 0);
}

static ssize_t
rump_getdents(int fd, char *buf, size_t len)
{
	return rump_sys_getdents(fd, buf, len);
}

static const struct fs rump_fs = {
    .f_openat = rump_sys_openat,
    .f_close = rump_sys_close,
    .f_getdents = rump_getdents,
    .f_fstatat = rump_sys_fstatat,
    .f_utimensat = rump_sys_utimensat,
    .f_unlinkat = rump_sys_unlinkat,
    .f_fchmodat = rump_fchmodat,
    .f_readlinkat = rump_sys_readlinkat,
    .f_read = rump_sys_read,
};

static void
must(bool ok, const char *what)
{
	if (!ok)
		fatal("rump: %s: %s", what, strerror(errno));
}

static void
enter(struct lwp *l)
{
	if (rump_pub_lwproc_curlwp() != l)
		rump_pub_lwproc_switch(l);
}

void
rump_start(const char *fstype, const char *data)
{
	rump_boot_setsigmodel(RUMP_SIGMODEL_IGNORE);
	must(rump_init() == 0, "rump_init");
	must(rump_pub_lwproc_rfork(RUMP_RFCFDG) == 0, "rfork");
	boss = rump_pub_lwproc_curlwp();
	(void)rump_sys_umask(0);
	if (fstype == NULL)
		return;
	top = "/fs";
	must(rump_sys_mkdir(top, 0755) == 0, "mkdir");
	must(rump_sys_mount(
		 fstype, top, 0, (void *)(uintptr_t)data, strlen(data)) == 0,
	    "mount");
}

static void
become(const struct ids *i)
{
	gid_t g = i->i_gid;
	uid_t u = i->i_uid;

	if (!have_ids)
		return;
	must(rump_sys_setgroups((size_t)i->i_ngroups, i->i_groups) == 0,
	    "setgroups");
	must(rump_sys_setresgid(g, g, g) == 0, "setresgid");
	must(rump_sys_setresuid(u, u, u) == 0, "setresuid");
}

static void
processes_begin(void)
{
	struct rlimit rl = {NFDS, NFDS};

	for (int i = 0; i < NPROCS; i++) {
		enter(boss);
		must(rump_pub_lwproc_rfork(RUMP_RFCFDG) == 0, "rfork");
		lwp[i] = rump_pub_lwproc_curlwp();
		must(rump_sys_chroot(dir) == 0 && rump_sys_chdir("/") == 0,
		    "chroot");
		(void)rump_sys_umask(022);
		must(rump_sys_setrlimit(RLIMIT_NOFILE, &rl) == 0, "setrlimit");
		become(&ids[i]);
	}
}

static void
processes_end(void)
{
	for (int i = 0; i < NPROCS; i++) {
		enter(lwp[i]);
		rump_pub_lwproc_releaselwp();
	}
	enter(boss);
}

void
rump_begin(void)
{
	enter(boss);
	(void)snprintf(dir, sizeof(dir), "%s/s%u", top, ++sequence);
	must(rump_sys_mkdir(dir, 0777) == 0, "mkdir");
	processes_begin();
}

static void
copy_xattrs(const char *from, const char *to)
{
	static char list[65536], value[65536];
	ssize_t len = rump_sys_listxattr(from, list, sizeof(list)), size;

	for (char *name = list; name < list + len; name += strlen(name) + 1) {
		size = rump_sys_getxattr(from, name, value, sizeof(value));
		/* There may be one that cannot be read, on hostfs. */
		if (size >= 0)
			must(rump_sys_setxattr(
				 to, name, value, (size_t)size, 0) == 0,
			    "setxattr");
	}
}

/* The root of an overlay is its upper directory's. */
static void
make_upper(void)
{
	struct timespec times[2];
	struct stat st;

	must(rump_sys_mkdir(OVERLAY_UPPER, 0700) == 0 &&
		 rump_sys_stat(under, &st) == 0 &&
		 rump_sys_chown(OVERLAY_UPPER, st.st_uid, st.st_gid) == 0 &&
		 rump_sys_chmod(OVERLAY_UPPER, st.st_mode & 07777) == 0,
	    "mkdir");
	copy_xattrs(under, OVERLAY_UPPER);
	times[0] = st.st_atim;
	times[1] = st.st_mtim;
	must(rump_sys_utimensat(AT_FDCWD, OVERLAY_UPPER, times, 0) == 0,
	    "utimensat");
}

void
rump_again(void)
{
	char options[128];

	processes_end();
	memcpy(under, dir, sizeof(under));
	(void)snprintf(dir, sizeof(dir), "/tmp/overlay%u", sequence);
	make_upper();
	must(rump_sys_mkdir(dir, 0777) == 0, "mkdir");
	(void)snprintf(options, sizeof(options), "lower=%s,upper=%s", under,
	    OVERLAY_UPPER);
	must(rump_sys_mount("overlay", dir, 0, options, strlen(options)) == 0,
	    "mount");
	processes_begin();
}

void
rump_end(void)
{
	processes_end();
	if (under[0] != '\0') {
		must(rump_sys_unmount(dir, 0) == 0, "unmount");
		tree_remove(&rump_fs, AT_FDCWD, dir);
		tree_remove(&rump_fs, AT_FDCWD, OVERLAY_UPPER);
		memcpy(dir, under, sizeof(dir));
		under[0] = '\0';
	}
	tree_remove(&rump_fs, AT_FDCWD, dir);
}

const struct result *
rump_call(const struct call *c)
{
	static struct result r;

	enter(lwp[c->c_proc]);
	call_do(RUMP, c, &r);
	return &r;
}

mode_t
rump_fdtype(int proc, int fd)
{
	struct stat st;

	enter(lwp[proc]);
	return rump_sys_fstat(fd, &st) == 0 ? st.st_mode & S_IFMT : 0;
}

const struct scan *
rump_scan(const struct timespec *mark, bool deep)
{
	static struct scan s;

	enter(boss);
	tree_scan(&rump_fs, AT_FDCWD, dir, &s, mark, deep);
	return &s;
}
