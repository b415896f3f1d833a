/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calls that are not let through: check knows what they are to give.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../machine.h"

static void
show(const char *what, long r)
{
	printf("%s: %ld %d\n", what, r, r < 0 ? errno : 0);
}

/* What only x86-64 has. */
static void
show_others(void)
{
#if defined(__x86_64__)
	long r = 20; /* getpid */

	show("x32", syscall(0x40000000 | SYS_getpid));
	__asm__ volatile("int $0x80" : "+a"(r) : : "r8", "r9", "r10", "r11");
	printf("int 80: %ld\n", r);
	show("gs", syscall(SYS_arch_prctl, 0x1001, 0x1000));
#endif
}

int
main(int argc, char **argv)
{
	int ours = argc > 1 ? atoi(argv[1]) : -1;
	struct {
		unsigned short n;
		void *code;
	} filter = {0, NULL};

	show("unknown", syscall(5000));
	show_others();
	show("io_uring", syscall(SYS_io_uring_setup, 1, NULL));
	show("unshare", unshare(CLONE_NEWNS));
	show("mount", mount("none", "/mnt", "tmpfs", 0, NULL));
	show("chroot", chroot("/"));
	show("clone", syscall(SYS_clone, CLONE_NEWNS | SIGCHLD, 0, 0, 0, 0));
	show("filter", prctl(PR_SET_SECCOMP, 2, &filter));
	show("seccomp", syscall(SYS_seccomp, 1, 0, &filter));
	show("has filter", prctl(PR_GET_SECCOMP));
	show("privileges", prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	show("privileges", prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
	show("munmap", munmap(ENGINE, 1 << 20));
	show("mprotect", mprotect(ENGINE, 4096, PROT_NONE));
	show("mmap",
	    mmap(ENGINE, 4096, PROT_READ,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED
		? -1
		: 0);
	show("mremap",
	    mremap(ENGINE, 4096, 8192, MREMAP_MAYMOVE) == MAP_FAILED ? -1 : 0);
	show("close", close(ours));
	show("dup2", dup2(0, ours));
	show("fcntl", fcntl(ours, F_GETFD));
	show("close_range", syscall(SYS_close_range, 3, ~0U, 0));
	fflush(stdout);
	execl("/bin/echo", "echo", "and still there", NULL);
	return 1;
}
