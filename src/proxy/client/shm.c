/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Shared memory of System V: segments of a server on the same machine.  The
 * client maps a segment where the program wants it, and then attaches it in the
 * kernel, which knows the attachment by that address.
 */
#include "proxy/client/client.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <unistd.h>

#include <rump/rump_syscalls.h>

#include "syscall/sysdesc.h"

/* As the host has it: a page's. */
static uintptr_t
place_mask(void)
{
	return (uintptr_t)sysconf(_SC_PAGESIZE) - 1;
}

/* Where it is to be; 0: anywhere. */
static int
place_find(uintptr_t addr, int flags, uintptr_t *wherep)
{
	if ((addr & place_mask()) != 0 && (flags & SHM_RND) == 0)
		return EINVAL;
	*wherep = addr & ~place_mask();
	return *wherep == 0 && (flags & SHM_REMAP) != 0 ? EINVAL : 0;
}

static int
segment_map(int fd, size_t size, int flags, uintptr_t where, void **addrp)
{
	int prot = PROT_READ | ((flags & SHM_RDONLY) != 0 ? 0 : PROT_WRITE) |
		   ((flags & SHM_EXEC) != 0 ? PROT_EXEC : 0);
	int how = where == 0		     ? 0
		  : (flags & SHM_REMAP) != 0 ? MAP_FIXED
					     : MAP_FIXED_NOREPLACE;
	void *addr;

	addr = mmap((void *)where, size, prot, MAP_SHARED | how, fd, 0);
	if (addr == MAP_FAILED)
		return errno == EEXIST ? EINVAL : errno;
	*addrp = addr;
	if (where == 0 || (uintptr_t)addr == where)
		return 0;
	/* A host that does not know MAP_FIXED_NOREPLACE. */
	(void)munmap(addr, size);
	return EINVAL;
}

/*
 * The segment's memory.  The slot is held until it has come, so that no
 * handler's call takes it.
 */
static int
segment_get(const uint64_t *args, int *fdp, size_t *sizep)
{
	struct sp_msg m = {.sm_op = SP_SHMFILE,
	    .sm_lwp = client_thread.ct_lwp,
	    .sm_args = {args[0], args[2]}};
	struct client_call cc;
	int error;

	if ((error = client_enter(&cc)) != 0)
		return error;
	if ((error = client_ask(&cc, &m, 0)) == 0) {
		*sizep = (size_t)m.sm_retval;
		error = client_file(cc.cc_number, fdp);
	}
	client_exit(&cc);
	/* Elsewhere there is no memory to share. */
	return error == EOPNOTSUPP ? ENOSYS : error;
}

static int
attach(const struct sysdesc *sd, const uint64_t *args, int64_t *retval)
{
	uint64_t words[SYSCALL_MAXARGS] = {args[0], 0, args[2]};
	uintptr_t where;
	void *addr = NULL;
	size_t size;
	int fd, error;

	if ((error = place_find((uintptr_t)args[1], (int)args[2], &where)) !=
		0 ||
	    (error = segment_get(args, &fd, &size)) != 0)
		return error;
	error = segment_map(fd, size, (int)args[2], where, &addr);
	(void)close(fd);
	if (error != 0)
		return error;
	words[1] = (uint64_t)(uintptr_t)addr;
	/* It may have been removed meanwhile. */
	if ((error = client_made(sd, words, retval)) != 0)
		(void)munmap(addr, size);
	return error;
}

static int
detach(uint64_t addr)
{
	struct sp_msg m = {.sm_op = SP_SHMDT,
	    .sm_lwp = client_thread.ct_lwp,
	    .sm_args = {addr}};
	int error = client_op(&m, NULL, 0);

	if (error != 0)
		return error == EOPNOTSUPP ? ENOSYS : error;
	if (m.sm_retval != 0)
		(void)munmap((void *)(uintptr_t)addr, (size_t)m.sm_retval);
	return 0;
}

int
client_shm(const struct sysdesc *sd, const uint64_t *args, int64_t *retval)
{
	int error;

	*retval = -1;
	if (sd->sd_number == RUMP_SYS_shmat)
		return attach(sd, args, retval);
	if (sd->sd_number != RUMP_SYS_shmdt)
		return client_made(sd, args, retval);
	if ((error = detach(args[0])) == 0)
		*retval = 0;
	return error;
}
