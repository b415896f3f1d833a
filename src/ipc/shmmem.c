/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The memory of segments of System V; see shmmem.h.
 */
#include "ipc/shmmem.h"

#include <fcntl.h>

#include "hyper/hostfile.h"
#include "hyper/hostsock.h"
#include "ipc/sysv.h"

static LIST_HEAD(, shmmem) all; /* st_lock; forks look without */

int
shmmem_make(struct shmmem *sm, size_t size)
{
	void *addr;
	int error;

	KASSERT(mutex_owned(&sysv_shms.st_lock));
	if ((error = kmem_charge(size)) != 0)
		return error;
	if ((error = hyper_shm_create(size, &sm->sm_fd, &addr)) != 0) {
		kmem_uncharge(size);
		return error == EMFILE ? ENFILE : error;
	}
	sm->sm_addr = addr;
	sm->sm_size = size;
	sm->sm_copy = NULL;
	LIST_INSERT_HEAD(&all, sm, sm_all);
	return 0;
}

static void
memory_close(char *addr, size_t size, int fd)
{
	hyper_shm_destroy(addr, size);
	if (fd != HYPER_NOFD)
		hyper_file_close(fd);
}

void
shmmem_free(struct shmmem *sm)
{
	KASSERT(mutex_owned(&sysv_shms.st_lock));
	LIST_REMOVE(sm, sm_all);
	memory_close(sm->sm_addr, sm->sm_size, sm->sm_fd);
	kmem_uncharge(sm->sm_size);
}

int
shmmem_open(const struct shmmem *sm, bool rdonly, int *fdp)
{
	if (sm->sm_fd == HYPER_NOFD)
		return EIO;
	return hyper_file_reopen(sm->sm_fd, rdonly ? O_RDONLY : O_RDWR, fdp);
}

/*
 * fork(2)
 */

static void
shmmem_fork_prepare(void)
{
	struct shmmem *sm;
	void *copy;

	LIST_FOREACH (sm, &all, sm_all) {
		sm->sm_copy = NULL;
		if (sm->sm_fd == HYPER_NOFD ||
		    hyper_shm_create(sm->sm_size, &sm->sm_copyfd, &copy) != 0)
			continue;
		if (hyper_file_copy(sm->sm_fd, sm->sm_copyfd) == 0)
			sm->sm_copy = copy;
		else
			memory_close(copy, sm->sm_size, sm->sm_copyfd);
	}
}

static void
shmmem_fork_parent(void)
{
	struct shmmem *sm;

	LIST_FOREACH (sm, &all, sm_all)
		if (sm->sm_copy != NULL)
			memory_close(sm->sm_copy, sm->sm_size, sm->sm_copyfd);
}

static void
shmmem_fork_child(void)
{
	struct shmmem *sm;

	LIST_FOREACH (sm, &all, sm_all) {
		if (sm->sm_copy != NULL)
			hyper_shm_move(sm->sm_copy, sm->sm_addr, sm->sm_size);
		else if (sm->sm_fd != HYPER_NOFD)
			hyper_shm_part(sm->sm_fd, sm->sm_addr, sm->sm_size);
		if (sm->sm_fd != HYPER_NOFD)
			hyper_file_close(sm->sm_fd);
		sm->sm_fd = sm->sm_copy != NULL ? sm->sm_copyfd : HYPER_NOFD;
	}
}

void
shmmem_init(void)
{
	static struct fork_hook hook = {
	    .fh_prepare = shmmem_fork_prepare,
	    .fh_parent = shmmem_fork_parent,
	    .fh_child = shmmem_fork_child,
	};

	fork_hook_register(&hook);
}
