/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * memfd_create and seals, with the host as the oracle: each table of calls is
 * made here and there.
 */
#include <sys/mman.h>
#include <sys/syscall.h>

#include <linux/falloc.h>

#include "../lib/files.h"

#define NOEXEC_SEAL 8u
#define SEAL_EXEC   0x20

struct world {
	int (*create)(const char *, unsigned);
	int (*fcntl)(int, int, ...);
	ssize_t (*pwrite)(int, const void *, size_t, off_t);
	int (*ftruncate)(int, off_t);
	int (*fallocate)(int, int, off_t, off_t);
	int (*fchmod)(int, mode_t);
	int (*close)(int);
};

static int
host_create(const char *name, unsigned flags)
{
	return (int)syscall(SYS_memfd_create, name, flags);
}

static int
rump_fcntl(int fd, int cmd, ...)
{
	va_list ap;
	uintptr_t arg;

	va_start(ap, cmd);
	arg = va_arg(ap, uintptr_t);
	va_end(ap);
	return rump_sys_fcntl(fd, cmd, arg);
}

static const struct world host = {
    host_create, fcntl, pwrite, ftruncate, fallocate, fchmod, close};
static const struct world rump = {rump_sys_memfd_create, rump_fcntl,
    rump_sys_pwrite, rump_sys_ftruncate, rump_sys_fallocate, rump_sys_fchmod,
    rump_sys_close};

#define NRESULTS 24

static int
note(long rv)
{
	return rv == -1 ? -errno : (int)rv;
}

/* A file of three pages and a half with these seals: what can be done to it? */
static void
perform(const struct world *w, unsigned flags, unsigned seals, int *r)
{
	static char page[4096];
	int fd = w->create("name", flags), n = 0;

	r[n++] = fd == -1 ? -errno : 0;
	if (fd == -1)
		return;
	r[n++] = note(w->ftruncate(fd, 14000));
	r[n++] = note(w->fcntl(fd, F_GET_SEALS, (uintptr_t)0));
	r[n++] = note(w->fcntl(fd, F_ADD_SEALS, (uintptr_t)seals));
	r[n++] = note(w->fcntl(fd, F_GET_SEALS, (uintptr_t)0));
	r[n++] = (int)note(w->pwrite(fd, page, 100, 0));
	r[n++] = (int)note(w->pwrite(fd, page, 100, 13950));
	r[n++] = (int)note(w->pwrite(fd, page, 4096, 12000));
	r[n++] = (int)note(w->pwrite(fd, page, 1, 20000));
	r[n++] = note(w->ftruncate(fd, 14000));
	r[n++] = note(w->ftruncate(fd, 13000));
	r[n++] = note(w->ftruncate(fd, 50000));
	r[n++] = note(w->fallocate(fd, 0, 0, 4096));
	r[n++] = note(w->fallocate(fd, 0, 60000, 4096));
	r[n++] = note(w->fallocate(
	    fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096));
	r[n++] = note(w->fchmod(fd, 0600));
	r[n++] = note(w->fchmod(fd, 0755));
	r[n++] = note(w->fcntl(fd, F_ADD_SEALS, (uintptr_t)F_SEAL_SEAL));
	r[n++] = note(w->fcntl(fd, F_ADD_SEALS, (uintptr_t)F_SEAL_GROW));
	r[n++] = note(w->fcntl(fd, F_GET_SEALS, (uintptr_t)0));
	T_ASSERT(n <= NRESULTS);
	T_EQ(0, w->close(fd));
}

TC(seals, "Every set of seals, with and without leave to add them.")
{
	static const unsigned flags[] = {
	    0, MFD_CLOEXEC, MFD_ALLOW_SEALING, NOEXEC_SEAL, 0x10, 0x18, 0x100};

	start();
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		for (unsigned seals = 0; seals < 0x80; seals++) {
			int there[NRESULTS] = {0}, here[NRESULTS] = {0};

			perform(&host, flags[i], seals, there);
			perform(&rump, flags[i], seals, here);
			/* Hosts before 6.3 know neither flag nor seal. */
			if ((seals & SEAL_EXEC) != 0 && there[3] == -EINVAL)
				continue;
			if (flags[i] >= NOEXEC_SEAL && there[0] == -EINVAL)
				continue;
			for (int k = 0; k < NRESULTS; k++)
				if (there[k] != here[k])
					atf_tc_fail("flags %#x seals %#x step "
						    "%d: host %d, here %d",
					    flags[i], seals, k, there[k],
					    here[k]);
		}
}

TC(arguments, "Names, and what is no such file.")
{
	char name[300];
	int fd, p[2];

	start();
	memset(name, 'n', sizeof(name));
	name[249] = '\0';
	T_OK(rump_sys_close((int)T_OK(rump_sys_memfd_create(name, 0))));
	name[249] = 'n';
	name[250] = '\0';
	T_ERR(EINVAL, rump_sys_memfd_create(name, 0));
	T_ERR(EFAULT, rump_sys_memfd_create(NULL, 0));
	fd = make_open("f", 0600);
	T_EQ(F_SEAL_SEAL, rump_sys_fcntl(fd, F_GET_SEALS));
	T_ERR(EPERM, rump_sys_fcntl(fd, F_ADD_SEALS, (uintptr_t)F_SEAL_GROW));
	T_OK(rump_sys_pipe(p));
	T_ERR(EINVAL, rump_sys_fcntl(p[0], F_GET_SEALS));
}

TC(a_file_of_nobody, "No name, no links, and gone with its last descriptor.")
{
	struct rump_memstat before, after;
	static char data[1 << 20];
	struct stat sb;
	int fd;

	start();
	T_OK(rump_sys_close((int)T_OK(rump_sys_memfd_create("", 0))));
	T_EQ(0, rump_pub_memstat(&before));
	fd = (int)T_OK(rump_sys_memfd_create("x", MFD_CLOEXEC));
	T_EQ(FD_CLOEXEC, rump_sys_fcntl(fd, F_GETFD));
	T_EQ(O_RDWR, rump_sys_fcntl(fd, F_GETFL) & O_ACCMODE);
	T_EQ((long)sizeof(data), rump_sys_write(fd, data, sizeof(data)));
	T_OK(rump_sys_fstat(fd, &sb));
	T_EQ(0u, sb.st_nlink);
	T_EQ(S_IFREG | 0777, sb.st_mode);
	T_EQ((long)sizeof(data), sb.st_size);
	T_OK(rump_sys_close(fd));
	T_EQ(0, rump_pub_memstat(&after));
	T_EQ(before.used, after.used);
}

/* What is expected of how long writes live, in commands and out of them. */
static void
hints(const struct world *w, uint64_t *r)
{
	static const uint64_t values[] = {
	    0, 1, 5, 6, 2, (uint64_t)1 << 32, ((uint64_t)1 << 33) + 3, 4};
	int fd = w->create("name", 0), copy;
	uint64_t value;

	T_ASSERT(fd != -1);
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		value = values[i];
		*r++ = (uint64_t)note(
		    w->fcntl(fd, F_SET_RW_HINT, (uintptr_t)&value));
		value = 77;
		*r++ = (uint64_t)note(
		    w->fcntl(fd, F_GET_RW_HINT, (uintptr_t)&value));
		*r++ = value;
	}
	*r++ = (uint64_t)note(w->fcntl(fd, F_SET_RW_HINT, (uintptr_t)8));
	*r++ = (uint64_t)note(w->fcntl(fd, F_GET_RW_HINT, (uintptr_t)8));
	*r++ = (uint64_t)note(
	    w->fcntl(fd, 1024 + 13, (uintptr_t)&value)); /* F_GET_FILE_… */
	copy = w->fcntl(fd, F_DUPFD, (uintptr_t)0);
	*r++ = (uint64_t)note(w->fcntl(copy, F_GET_RW_HINT, (uintptr_t)&value));
	*r++ = value;
	T_EQ(0, w->close(copy));
	T_EQ(0, w->close(fd));
}

TC(hints, "Hints of how long what is written lives belong to the file.")
{
	uint64_t there[32] = {0}, here[32] = {0}, value = 3;
	int fd, other;

	start();
	hints(&host, there);
	hints(&rump, here);
	for (size_t i = 0; i < 32; i++)
		T_EQ(there[i], here[i]);
	fd = (int)T_OK(rump_sys_open("/f", O_RDWR | O_CREAT, 0666));
	T_OK(rump_sys_fcntl(fd, F_SET_RW_HINT, (uintptr_t)&value));
	T_OK(rump_sys_close(fd));
	fd = (int)T_OK(rump_sys_open("/f", O_RDONLY));
	value = 0;
	T_OK(rump_sys_fcntl(fd, F_GET_RW_HINT, (uintptr_t)&value));
	T_EQ(3, value);
	other = (int)T_OK(rump_sys_open("/f", O_PATH));
	T_ERR(EBADF, rump_sys_fcntl(other, F_GET_RW_HINT, (uintptr_t)&value));
	T_OK(rump_sys_setuid(7));
	value = 9;
	T_ERR(EPERM, rump_sys_fcntl(fd, F_SET_RW_HINT, (uintptr_t)&value));
	T_OK(rump_sys_fcntl(fd, F_GET_RW_HINT, (uintptr_t)&value));
	T_EQ(3, value);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, seals);
	ATF_TP_ADD_TC(tp, hints);
	ATF_TP_ADD_TC(tp, arguments);
	ATF_TP_ADD_TC(tp, a_file_of_nobody);
	return atf_no_error();
}
