/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the kernel tells of itself.
 */
#include <inttypes.h>

#include <rump/rump.h>

#include "kern/boot.h"
#include "kern/entry.h"
#include "kern/filedesc.h"
#include "kern/lwp.h"
#include "kern/proc_impl.h"

/* Give back what the calling host thread keeps for later. */
static void
flush_caches(struct hostthread *ht)
{
	proc_thread_flush(ht);
	smr_drain();
	lwp_thread_flush(ht);
	kmem_thread_flush(ht);
}

RUMP_EXPORT int
rump_pub_memstat(struct rump_memstat *st)
{
	struct kmem_stats ks;

	if (syscall_enter() == NULL)
		return syscall_refusal();
	flush_caches(curht());
	kmem_stats(&ks);
	st->limit = ks.ks_limit;
	st->committed = ks.ks_committed;
	st->lwps = lwp_live();
	st->used =
	    ks.ks_used + st->lwps * sizeof(struct lwp) - hostthread_bytes();
	st->procs = proc_live();
	st->files = file_live();
	st->creds = cred_live();
	syscall_exit();
	return 0;
}

RUMP_EXPORT void
rump_printevcnts(void)
{
	struct rump_memstat st = {0};

	if (rump_pub_memstat(&st) != 0)
		return;
	kern_printf("processes %" PRIu64, st.procs);
	kern_printf("lwps %" PRIu64, st.lwps);
	kern_printf("files %" PRIu64, st.files);
	kern_printf("credentials %" PRIu64, st.creds);
	kern_printf("memory limit %" PRIu64, st.limit);
	kern_printf("memory committed %" PRIu64, st.committed);
	kern_printf("memory used %" PRIu64, st.used);
}
