/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Faults in what mounts of other directories take: null, umap, overlay.
 *
 *	overlay [-v] [name]
 */
#include <sys/stat.h>

#include <fcntl.h>

#include "../lib/fault.h"

static long
mount_text(const char *type, const char *dir, const char *data)
{
	return rump_sys_mount(
	    type, dir, 0, (void *)(uintptr_t)data, strlen(data));
}

static void
make(const char *path)
{
	fd = (int)MUST(rump_sys_open(path, O_RDWR | O_CREAT, 0600));
	MUST(rump_sys_write(fd, "contents", 8));
	MUST(rump_sys_close(fd));
}

/* /lo/f, /lo/g and /lo/d/e/z below /up; all of it is to be at /m. */
static void
setup_layers(void)
{
	MUST(rump_sys_mkdir("/lo", 0700));
	MUST(rump_sys_mkdir("/up", 0700));
	MUST(rump_sys_mkdir("/m", 0700));
	MUST(mount_text("tmpfs", "/lo", ""));
	MUST(mount_text("tmpfs", "/up", ""));
	MUST(rump_sys_mkdir("/lo/d", 0700));
	MUST(rump_sys_mkdir("/lo/d/e", 0700));
	make("/lo/f");
	make("/lo/g");
	make("/lo/d/e/z");
}

static void
teardown_layers(void)
{
	MUST(rump_sys_unmount("/lo", 0));
	MUST(rump_sys_unmount("/up", 0));
	MUST(rump_sys_rmdir("/lo"));
	MUST(rump_sys_rmdir("/up"));
	MUST(rump_sys_rmdir("/m"));
}

static int
run_mount(void)
{
	return result(mount_text("overlay", "/m", "lower=/lo,upper=/up"));
}

static int
run_null(void)
{
	return result(mount_text("null", "/m", "target=/lo"));
}

static int
run_umap(void)
{
	return result(mount_text("umap", "/m", "target=/lo,uid=0:1000"));
}

static void
undo_mount(void)
{
	MUST(rump_sys_unmount("/m", 0));
}

/* f is replaced by a whiteout. */
static void
setup(void)
{
	setup_layers();
	MUST(run_mount() == 0 ? 0 : -1);
	MUST(rump_sys_unlink("/m/f"));
}

static void
teardown(void)
{
	undo_mount();
	teardown_layers();
}

static int
run_lookup(void)
{
	struct stat sb;

	return result(rump_sys_stat("/m/d/e/z", &sb));
}

/* All of it is copied, or nothing is seen of it. */
static int
run_copyup(void)
{
	struct stat sb;
	int error = result(rump_sys_chmod("/m/d/e/z", 0604));

	if (error != 0 && rump_sys_stat("/up/d/e/z", &sb) == 0)
		complain("a copy that failed is there", -1, 0);
	return error;
}

static int
run_open(void)
{
	return result(fd = rump_sys_open("/m/g", O_RDWR));
}

static int
run_create(void)
{
	return result(fd = rump_sys_open("/m/new", O_RDWR | O_CREAT, 0600));
}

static int
run_mkdir_again(void)
{
	return result(rump_sys_mkdir("/m/f", 0700));
}

static int
run_link(void)
{
	return result(rump_sys_link("/m/g", "/m/f"));
}

/* What is hidden must stay so. */
static int
run_unlink(void)
{
	struct stat sb;
	int error = result(rump_sys_unlink("/m/d/e/z"));

	if (error == 0 && rump_sys_stat("/m/d/e/z", &sb) == 0)
		complain("what was removed is there", -1, 0);
	return error;
}

static int
run_unlink_both(void)
{
	int error = run_copyup();

	return error != 0 ? error : run_unlink();
}

static int
run_rename(void)
{
	struct stat sb;
	int error = result(rump_sys_rename("/m/g", "/m/d/e/z"));

	if ((rump_sys_stat("/m/g", &sb) == 0) != (error != 0))
		complain("the old name", error, 0);
	return error;
}

static int
run_rename_dir(void)
{
	return result(rump_sys_rename("/m/d", "/m/f"));
}

static int
run_exchange(void)
{
	return result(rump_sys_renameat2(
	    AT_FDCWD, "/m/d", AT_FDCWD, "/m/g", RENAME_EXCHANGE));
}

static int
run_getdents(void)
{
	int error;

	fd = rump_sys_open("/m/d", O_RDONLY | O_DIRECTORY);
	if (fd == -1)
		return errno;
	error = result(rump_sys_getdents(fd, big, sizeof(big)));
	/* What comes first takes no memory, and was read. */
	MUST(rump_sys_close(fd));
	return error;
}

static const struct scenario scenarios[] = {
    {"null", setup_layers, run_null, undo_mount, teardown_layers, 0},
    {"umap", setup_layers, run_umap, undo_mount, teardown_layers, 0},
    {"mount", setup_layers, run_mount, undo_mount, teardown_layers, 0},
    {"lookup", setup, run_lookup, nothing, teardown, KEEPS},
    {"copyup", setup, run_copyup, nothing, teardown, KEEPS | DATA},
    {"open", setup, run_open, undo_fd, teardown, KEEPS | DATA},
    {"create", setup, run_create, undo_fd, teardown, KEEPS},
    {"mkdir-again", setup, run_mkdir_again, nothing, teardown, KEEPS},
    {"link", setup, run_link, nothing, teardown, KEEPS | DATA},
    {"unlink", setup, run_unlink, nothing, teardown, KEEPS},
    {"unlink-both", setup, run_unlink_both, nothing, teardown, KEEPS | DATA},
    {"rename", setup, run_rename, nothing, teardown, KEEPS | DATA},
    {"rename-dir", setup, run_rename_dir, nothing, teardown, KEEPS},
    {"exchange", setup, run_exchange, nothing, teardown, KEEPS | DATA},
    {"getdents", setup, run_getdents, nothing, teardown, KEEPS},
};

/* So many names that the few that come and go do not change its table. */
static void
fill_root(void)
{
	char path[32];

	for (int i = 0; i < 40; i++) {
		snprintf(path, sizeof(path), "/stays-%d", i);
		MUST(rump_sys_mkdir(path, 0700));
	}
}

int
main(int argc, char **argv)
{
	const char *only = fault_start(argc, argv);

	if (fault_boot() != 0)
		return 1;
	fill_root();
	run_scenarios(
	    scenarios, sizeof(scenarios) / sizeof(scenarios[0]), only);
	return errors == 0 ? 0 : 1;
}
