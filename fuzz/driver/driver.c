/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Between libFuzzer and a target: boot, a process and a file system for each
 * input, and nothing left over after it.
 */
#include "fuzz.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	CHECK(setenv("RUMP_MEMLIMIT", "128m", 1) == 0);
	rump_boot_setsigmodel(RUMP_SIGMODEL_IGNORE);
	CHECK(rump_init() == 0);
	CHECK(rump_sys_mkdir("/fuzz", 0755) == 0);
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct input in = {data, len};
	struct rump_memstat before, after;

	CHECK(rump_pub_memstat(&before) == 0);
	CHECK(rump_sys_mount("tmpfs", "/fuzz", 0, NULL, 0) == 0);
	CHECK(rump_pub_lwproc_rfork(RUMP_RFCFDG) == 0);
	CHECK(rump_sys_chdir("/fuzz") == 0);
	fuzz_one(&in);
	rump_pub_lwproc_releaselwp();
	CHECK(rump_sys_unmount("/fuzz", 0) == 0);
	CHECK(rump_pub_memstat(&after) == 0);
	CHECK(after.procs == before.procs && after.lwps == before.lwps &&
	      after.files == before.files);
	return 0;
}
