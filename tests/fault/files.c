/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Faults in what files, names and mounts take.
 *
 *	files [-v] [name]
 */
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <fcntl.h>
#include <unistd.h>

#include "../lib/fault.h"

#define LONGNAME                                                              \
	"/d/a-name-that-is-so-long-that-it-will-not-fit-into-any-place-that-" \
	"somebody-may-have-thought-to-be-enough-for-the-usual-name-of-a-file"

/* With room for more names: a failure would leave a larger table. */
static void
setup_dir(void)
{
	MUST(rump_sys_mkdir("/d", 0777));
	MUST(rump_sys_mkdir("/d/e", 0777));
	fd = (int)MUST(rump_sys_open("/d/f", O_RDWR | O_CREAT, 0600));
	MUST(rump_sys_write(fd, "contents", 8));
	MUST(rump_sys_close(fd));
	MUST(rump_sys_symlink("/d/e/../f", "/d/l"));
	MUST(rump_sys_mkfifo("/d/p", 0600));
	MUST(rump_sys_mkdir("/d/new", 0700));
	MUST(rump_sys_mkdir(LONGNAME, 0700));
	MUST(rump_sys_rmdir("/d/new"));
	MUST(rump_sys_rmdir(LONGNAME));
}

static void
teardown_dir(void)
{
	MUST(rump_sys_unlink("/d/p"));
	MUST(rump_sys_unlink("/d/l"));
	MUST(rump_sys_unlink("/d/f"));
	MUST(rump_sys_rmdir("/d/e"));
	MUST(rump_sys_rmdir("/d"));
}

static int
run_open(void)
{
	return result(fd = rump_sys_open("/d/l", O_RDWR));
}

static int
run_open_fifo(void)
{
	return result(fd = rump_sys_open("/d/p", O_RDWR));
}

static int fds[2]; /* an inotify instance and a file */

static void
undo_locks(void)
{
	MUST(rump_sys_close(fds[0]));
	if (fds[1] != -1)
		MUST(rump_sys_close(fds[1]));
}

static int
run_locks(void)
{
	struct flock fl = {.l_type = F_WRLCK, .l_len = 10};
	int error = 0;

	if ((fds[0] = rump_sys_inotify_init()) == -1)
		return errno;
	if ((fds[1] = rump_sys_open("/d/f", O_RDWR)) == -1 ||
	    rump_sys_flock(fds[1], LOCK_EX) == -1 ||
	    rump_sys_fcntl(fds[1], F_SETLK, &fl) == -1 ||
	    rump_sys_inotify_add_watch(fds[0], "/d", IN_ALL_EVENTS) == -1) {
		/* What Linux calls it. */
		error = errno == ENOLCK ? ENOMEM : errno;
		undo_locks();
	}
	return error;
}

static int
run_create(void)
{
	return result(fd = rump_sys_open("/d/new", O_RDWR | O_CREAT, 0600));
}

static void
undo_create(void)
{
	MUST(rump_sys_close(fd));
	MUST(rump_sys_unlink("/d/new"));
}

static int
run_mkdir(void)
{
	return result(rump_sys_mkdir(LONGNAME, 0700));
}

static void
undo_mkdir(void)
{
	MUST(rump_sys_rmdir(LONGNAME));
}

static int
run_symlink(void)
{
	char target[1001];

	memset(target, 't', 1000);
	target[1000] = '\0';
	return result(rump_sys_symlink(target, "/d/new"));
}

static void
undo_new(void)
{
	MUST(rump_sys_unlink("/d/new"));
}

static int
run_link(void)
{
	return result(rump_sys_link("/d/f", "/d/new"));
}

static int
run_mkfifo(void)
{
	return result(rump_sys_mkfifo("/d/new", 0600));
}

static int
run_mknod(void)
{
	return result(rump_sys_mknod("/d/new", S_IFREG | 0600, 0));
}

static int
run_rename(void)
{
	return result(rump_sys_rename("/d/f", LONGNAME));
}

static void
undo_rename(void)
{
	MUST(rump_sys_rename(LONGNAME, "/d/f"));
}

/* The first name in a directory. */
static int
run_mknod_first(void)
{
	return result(rump_sys_mknod("/d/e/first", S_IFREG | 0600, 0));
}

static void
undo_mknod_first(void)
{
	MUST(rump_sys_unlink("/d/e/first"));
}

static int
run_rename_over(void)
{
	return result(rump_sys_rename("/d/f", "/d/e/over"));
}

static void
setup_over(void)
{
	setup_dir();
	fd = (int)MUST(rump_sys_open("/d/e/over", O_RDWR | O_CREAT, 0600));
	MUST(rump_sys_write(fd, "contents", 8));
	MUST(rump_sys_close(fd));
}

static void
undo_rename_over(void)
{
	MUST(rump_sys_link("/d/e/over", "/d/f"));
}

static void
teardown_over(void)
{
	MUST(rump_sys_unlink("/d/e/over"));
	teardown_dir();
}

static int
run_unlink(void)
{
	return result(rump_sys_unlink("/d/l"));
}

static void
undo_unlink(void)
{
	MUST(rump_sys_symlink("/d/e/../f", "/d/l"));
}

static int
run_rmdir(void)
{
	return result(rump_sys_rmdir("/d/e"));
}

static void
undo_rmdir(void)
{
	MUST(rump_sys_mkdir("/d/e", 0777));
}

static void
setup_open(void)
{
	setup_dir();
	fd = (int)MUST(rump_sys_open("/d/f", O_RDWR | O_TRUNC));
}

static void
teardown_open(void)
{
	MUST(rump_sys_close(fd));
	teardown_dir();
}

static int
run_write(void)
{
	return result(rump_sys_pwrite(fd, "a few bytes", 11, 0));
}

static int
run_write_much(void)
{
	return result(rump_sys_pwrite(fd, big, sizeof(big), 0));
}

static int
run_write_far(void)
{
	return result(rump_sys_pwrite(fd, "far", 3, (off_t)1 << 40));
}

static void
undo_write(void)
{
	MUST(rump_sys_ftruncate(fd, 0));
}

static int
run_truncate_up(void)
{
	return result(rump_sys_ftruncate(fd, 1 << 30));
}

static void
setup_half_page(void)
{
	setup_open();
	MUST(rump_sys_write(fd, big, 100000));
}

static int
run_truncate_down(void)
{
	return result(rump_sys_ftruncate(fd, 50001));
}

static void
undo_truncate_down(void)
{
	MUST(rump_sys_pwrite(fd, big, 50000, 50000));
}

static int
run_read(void)
{
	return result(rump_sys_pread(fd, big, sizeof(big), 0));
}

static int
run_stat(void)
{
	struct stat sb;

	return result(rump_sys_stat("/d/e/../l", &sb));
}

static int
run_readlink(void)
{
	return result(rump_sys_readlink("/d/l", big, sizeof(big)));
}

static int
run_chdir(void)
{
	return result(rump_sys_chdir("/d/e"));
}

static int
run_chroot(void)
{
	return result(rump_sys_chroot("/d"));
}

static void
undo_chroot(void)
{
	/* Out by the directory it is still in. */
	MUST(rump_sys_chroot("."));
}

static void
undo_chdir(void)
{
	MUST(rump_sys_chdir("/"));
}

static int
run_getcwd(void)
{
	return result(rump_sys___getcwd(big, sizeof(big)));
}

static int
run_getdents(void)
{
	int error, dir = (int)rump_sys_open("/d", O_RDONLY);

	if (dir == -1)
		return errno;
	error = result(rump_sys_getdents(dir, big, sizeof(big)));
	MUST(rump_sys_close(dir));
	return error;
}

/* All at once: what is found in procfs stays until it is unmounted. */
static int
run_procfs(void)
{
	int error, file;

	if (rump_sys_mount("proc", "/d/e", 0, NULL, 0) != 0)
		return errno;
	file = (int)rump_sys_open("/d/e/1/fdinfo/0", O_RDONLY);
	error = result(file);
	if (error == 0) {
		error = result(rump_sys_read(file, big, sizeof(big)));
		MUST(rump_sys_close(file));
	}
	if (error == 0)
		error = result(rump_sys_readlink("/d/e/1/cwd", big, 9));
	if (error == 0)
		error = result(rump_sys_stat("/d/e/1/fd/0", &(struct stat){0}));
	MUST(rump_sys_unmount("/d/e", 0));
	return error;
}

static int
run_chmod(void)
{
	return result(rump_sys_chmod("/d/f", 0640));
}

static int
run_chown(void)
{
	return result(rump_sys_chown("/d/f", 1, 2));
}

static int
run_exchange(void)
{
	return result(rump_sys_renameat2(
	    AT_FDCWD, "/d/f", AT_FDCWD, "/d/e", RENAME_EXCHANGE));
}

static void
undo_exchange(void)
{
	MUST(run_exchange() == 0 ? 0 : -1);
}

static int
run_tmpfile(void)
{
	return result(fd = rump_sys_open("/d", O_TMPFILE | O_RDWR, 0600));
}

static int
run_tmpfile_link(void)
{
	int error = run_tmpfile();

	if (error != 0)
		return error;
	error =
	    result(rump_sys_linkat(fd, "", AT_FDCWD, "/d/new", AT_EMPTY_PATH));
	MUST(rump_sys_close(fd));
	return error;
}

/* Enough of them for more than one table. */
#define MANY 60

static void
remove_many(int n)
{
	char name[32];

	while (n-- > 0) {
		(void)snprintf(name, sizeof(name), "/d/new/%d", n);
		MUST(rump_sys_unlink(name));
	}
	MUST(rump_sys_rmdir("/d/new"));
}

static int
run_many(void)
{
	char name[32];
	int error;

	if (rump_sys_mkdir("/d/new", 0700) == -1)
		return errno;
	for (int i = 0; i < MANY; i++) {
		(void)snprintf(name, sizeof(name), "/d/new/%d", i);
		if (rump_sys_mknod(name, S_IFREG | 0600, 0) == -1) {
			error = errno;
			remove_many(i);
			return error;
		}
	}
	return 0;
}

static void
undo_many(void)
{
	remove_many(MANY);
}

static int
run_mount(void)
{
	static char options[] = "size=1m,nr_inodes=10";

	return result(
	    rump_sys_mount("tmpfs", "/d/e", 0, options, sizeof(options) - 1));
}

static void
undo_mount(void)
{
	MUST(rump_sys_unmount("/d/e", 0));
}

static int
run_fallocate(void)
{
	return result(rump_sys_fallocate(fd, 0, 0, 70 * 4096));
}

static int
run_setxattr(void)
{
	return result(rump_sys_setxattr("/d/f", "user.name", "value", 5, 0));
}

static void
undo_setxattr(void)
{
	MUST(rump_sys_removexattr("/d/f", "user.name"));
}

/* An access control list for user 5, which what is made in /d is to get. */
static const uint16_t list[] = {2, 0, 1, 7, 0xffff, 0xffff, 2, 4, 5, 0, 4, 0,
    0xffff, 0xffff, 16, 7, 0xffff, 0xffff, 32, 0, 0xffff, 0xffff};
static const char list_name[] = "system.posix_acl_default";

static int
run_setlist(void)
{
	return result(
	    rump_sys_setxattr("/d", list_name, list, sizeof(list), 0));
}

static void
undo_setlist(void)
{
	MUST(rump_sys_removexattr("/d", list_name));
}

static void
setup_list(void)
{
	setup_dir();
	MUST(rump_sys_setxattr("/d", list_name, list, sizeof(list), 0));
}

static int
run_mapfd(void)
{
	int hostfd = -1;
	int error =
	    rump_pub_vfs_mapfd(fd, PROT_READ | PROT_WRITE, MAP_SHARED, &hostfd);

	if (error == 0)
		(void)close(hostfd);
	return error;
}

static const struct scenario scenarios[] = {
    {"open", setup_dir, run_open, undo_fd, teardown_dir, 0},
    {"open-fifo", setup_dir, run_open_fifo, undo_fd, teardown_dir, 0},
    {"locks", setup_dir, run_locks, undo_locks, teardown_dir, 0},
    {"create", setup_dir, run_create, undo_create, teardown_dir, 0},
    {"mkdir", setup_dir, run_mkdir, undo_mkdir, teardown_dir, 0},
    {"symlink", setup_dir, run_symlink, undo_new, teardown_dir, 0},
    {"link", setup_dir, run_link, undo_new, teardown_dir, 0},
    {"mkfifo", setup_dir, run_mkfifo, undo_new, teardown_dir, 0},
    {"mknod", setup_dir, run_mknod, undo_new, teardown_dir, 0},
    {"mknod-first", setup_dir, run_mknod_first, undo_mknod_first, teardown_dir,
	KEEPS},
    {"rename", setup_dir, run_rename, undo_rename, teardown_dir, 0},
    {"rename-over", setup_over, run_rename_over, undo_rename_over,
	teardown_over, 0},
    {"unlink", setup_dir, run_unlink, undo_unlink, teardown_dir, 0},
    {"rmdir", setup_dir, run_rmdir, undo_rmdir, teardown_dir, 0},
    {"write", setup_open, run_write, undo_write, teardown_open, DATA},
    {"write-much", setup_open, run_write_much, undo_write, teardown_open, DATA},
    {"write-far", setup_open, run_write_far, undo_write, teardown_open,
	DATA | KEEPS},
    {"truncate-up", setup_open, run_truncate_up, undo_write, teardown_open,
	DATA},
    {"truncate-down", setup_half_page, run_truncate_down, undo_truncate_down,
	teardown_open, DATA},
    {"read", setup_half_page, run_read, nothing, teardown_open, 0},
    {"stat", setup_dir, run_stat, nothing, teardown_dir, 0},
    {"readlink", setup_dir, run_readlink, nothing, teardown_dir, 0},
    {"chdir", setup_dir, run_chdir, undo_chdir, teardown_dir, 0},
    {"chroot", setup_dir, run_chroot, undo_chroot, teardown_dir, 0},
    {"getcwd", setup_dir, run_getcwd, nothing, teardown_dir, 0},
    {"getdents", setup_dir, run_getdents, nothing, teardown_dir, 0},
    {"procfs", setup_dir, run_procfs, nothing, teardown_dir, 0},
    {"chmod", setup_dir, run_chmod, nothing, teardown_dir, 0},
    {"chown", setup_dir, run_chown, nothing, teardown_dir, 0},
    {"exchange", setup_dir, run_exchange, undo_exchange, teardown_dir, 0},
    {"tmpfile", setup_dir, run_tmpfile, undo_fd, teardown_dir, 0},
    {"tmpfile-link", setup_dir, run_tmpfile_link, undo_new, teardown_dir, 0},
    {"many", setup_dir, run_many, undo_many, teardown_dir, 0},
    {"fallocate", setup_open, run_fallocate, undo_write, teardown_open,
	DATA | KEEPS},
    {"mapfd", setup_half_page, run_mapfd, undo_write, teardown_open,
	DATA | KEEPS},
    {"setxattr", setup_dir, run_setxattr, undo_setxattr, teardown_dir, 0},
    {"set-list", setup_dir, run_setlist, undo_setlist, teardown_dir, 0},
    {"mkdir-list", setup_list, run_mkdir, undo_mkdir, teardown_dir, 0},
    {"mount", setup_dir, run_mount, undo_mount, teardown_dir, 0},
};

int
main(int argc, char **argv)
{
	const char *only = fault_start(argc, argv);

	if (fault_boot() != 0)
		return 1;
	run_scenarios(
	    scenarios, sizeof(scenarios) / sizeof(scenarios[0]), only);
	return errors == 0 ? 0 : 1;
}
