/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Text about the kernel, and the links to the caller's own process.
 */
#include "fs/procfs/procfs.h"
#include "kern/boot.h"

#define NSEC_TICK    INT64_C(10000000)
#define TICKS_SECOND 100

/* A random UUID of version 4; stable after boot. */
static uint8_t boot_id[16];

void
pfs_sys_init(void)
{
	hyper_random(boot_id, sizeof(boot_id));
	boot_id[6] = (uint8_t)((boot_id[6] & 0x0f) | 0x40);
	boot_id[8] = (uint8_t)((boot_id[8] & 0x3f) | 0x80);
}

int
pfs_self(struct pfs_node *pn, struct text *t)
{
	(void)pn;
	text_printf(t, "%d", (int)proc_pid(curlwp()->l_proc));
	return 0;
}

int
pfs_threadself(struct pfs_node *pn, struct text *t)
{
	struct lwp *l = curlwp();

	(void)pn;
	text_printf(t, "%d/task/%d", (int)proc_pid(l->l_proc), l->l_lid);
	return 0;
}

int
pfs_selfmounts(struct pfs_node *pn, struct text *t)
{
	(void)pn;
	text_printf(t, "self/mounts");
	return 0;
}

int
pfs_selfnet(struct pfs_node *pn, struct text *t)
{
	(void)pn;
	text_printf(t, "self/net");
	return 0;
}

int
pfs_netunix(struct pfs_node *pn, struct text *t)
{
	(void)pn;
	return text_netunix(t);
}

static int64_t
uptime_ticks(void)
{
	return kern_uptime(kern_monotonic()) / NSEC_TICK;
}

/* The processors are the host's: they count as idle. */
int
pfs_uptime(struct pfs_node *pn, struct text *t)
{
	int64_t up = uptime_ticks(), idle = up * kern_config.kc_ncpu;

	(void)pn;
	text_printf(t, "%lld.%02lld %lld.%02lld\n",
	    (long long)(up / TICKS_SECOND), (long long)(up % TICKS_SECOND),
	    (long long)(idle / TICKS_SECOND), (long long)(idle % TICKS_SECOND));
	return 0;
}

/* Lwps of all processes, and the last pid. */
struct census {
	uint32_t ce_lwps;
	uint32_t ce_running;
	pid_t ce_lastpid;
};

static void
census_take(struct census *ce)
{
	struct procinfo pi;
	struct procid id;
	pid_t pid;

	memset(ce, 0, sizeof(*ce));
	for (pid = 0; (pid = proc_nextpid(pid)) >= 0; pid++) {
		if (proc_id(pid, &id) != 0 || proc_getinfo(&id, &pi) != 0)
			continue;
		ce->ce_lwps += pi.pi_nlwps;
		ce->ce_running += pi.pi_running;
		ce->ce_lastpid = pid;
	}
}

static void
put_cpu(struct text *t, int64_t idle)
{
	text_printf(t, " 0 0 0 %lld 0 0 0 0 0 0\n", (long long)idle);
}

int
pfs_sysstat(struct pfs_node *pn, struct text *t)
{
	int64_t up = uptime_ticks();
	struct timespec boot;
	struct census ce;
	int i;

	(void)pn;
	census_take(&ce);
	kern_boottime(&boot);
	text_printf(t, "cpu ");
	put_cpu(t, up * kern_config.kc_ncpu);
	for (i = 0; i < kern_config.kc_ncpu; i++) {
		text_printf(t, "cpu%d", i);
		put_cpu(t, up);
	}
	text_printf(t,
	    "intr 0\nctxt 0\nbtime %lld\nprocs_running %u\n"
	    "procs_blocked 0\n",
	    (long long)boot.tv_sec, ce.ce_running);
	return 0;
}

/* The averages are those of now: nothing counts from time to time. */
int
pfs_loadavg(struct pfs_node *pn, struct text *t)
{
	struct census ce;
	uint32_t n;

	(void)pn;
	census_take(&ce);
	n = ce.ce_running;
	text_printf(t, "%u.00 %u.00 %u.00 %u/%u %d\n", n, n, n, n, ce.ce_lwps,
	    (int)ce.ce_lastpid);
	return 0;
}

static void
put_kb(struct text *t, const char *name, uint64_t bytes)
{
	text_printf(
	    t, "%-15s %8llu kB\n", name, (unsigned long long)(bytes / 1024));
}

int
pfs_meminfo(struct pfs_node *pn, struct text *t)
{
	struct kmem_stats ks;
	uint64_t avail;

	(void)pn;
	kmem_stats(&ks);
	avail = ks.ks_limit > ks.ks_used ? ks.ks_limit - ks.ks_used : 0;
	put_kb(t, "MemTotal:", ks.ks_limit);
	put_kb(t, "MemFree:", avail);
	put_kb(t, "MemAvailable:", avail);
	put_kb(t, "Buffers:", 0);
	put_kb(t, "Cached:", 0);
	put_kb(t, "SwapCached:", 0);
	put_kb(t, "SwapTotal:", 0);
	put_kb(t, "SwapFree:", 0);
	put_kb(t, "Slab:", ks.ks_used);
	return 0;
}

int
pfs_osrelease(struct pfs_node *pn, struct text *t)
{
	char release[32];

	(void)pn;
	kern_release(release, sizeof(release));
	text_printf(t, "%s\n", release);
	return 0;
}

int
pfs_ostype(struct pfs_node *pn, struct text *t)
{
	(void)pn;
	text_printf(t, KERN_OSTYPE_NAME "\n");
	return 0;
}

int
pfs_version(struct pfs_node *pn, struct text *t)
{
	char version[64];

	(void)pn;
	kern_version(version, sizeof(version));
	text_printf(t, "%s\n", version);
	return 0;
}

int
pfs_cpuinfo(struct pfs_node *pn, struct text *t)
{
	int i;

	(void)pn;
	for (i = 0; i < kern_config.kc_ncpu; i++)
		text_printf(t, "processor\t: %d\nmodel name\t: rump\n\n", i);
	return 0;
}

int
pfs_filesystems(struct pfs_node *pn, struct text *t)
{
	const struct vfsops *const *fsp;

	(void)pn;
	for (fsp = vfs_list; *fsp != NULL; fsp++)
		text_printf(t, "nodev\t%s\n", (*fsp)->vfs_name);
	return 0;
}

int
pfs_hostname(struct pfs_node *pn, struct text *t)
{
	char name[HOSTNAME_SIZE];

	(void)pn;
	kern_gethostname(name);
	text_printf(t, "%s\n", name);
	return 0;
}

/* Up to the end of the line; what is too long is cut, as on Linux. */
int
pfs_sethostname(struct pfs_node *pn, const char *buf, size_t len)
{
	const char *end = memchr(buf, '\n', len);

	(void)pn;
	if (end != NULL)
		len = (size_t)(end - buf);
	return kern_sethostname(
	    buf, len < HOSTNAME_SIZE ? len : HOSTNAME_SIZE - 1);
}

int
pfs_pidmax(struct pfs_node *pn, struct text *t)
{
	(void)pn;
	text_printf(t, "%d\n", (int)pid_max());
	return 0;
}

int
pfs_bootid(struct pfs_node *pn, struct text *t)
{
	size_t i;

	(void)pn;
	for (i = 0; i < sizeof(boot_id); i++)
		text_printf(t, "%s%02x",
		    i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "",
		    boot_id[i]);
	text_put(t, "\n", 1);
	return 0;
}

int
pfs_filemax(struct pfs_node *pn, struct text *t)
{
	(void)pn;
	text_printf(t, "%llu\n", (unsigned long long)kern_maxfiles);
	return 0;
}

int
pfs_filenr(struct pfs_node *pn, struct text *t)
{
	(void)pn;
	text_printf(t, "%llu\t0\t%llu\n", (unsigned long long)file_live(),
	    (unsigned long long)kern_maxfiles);
	return 0;
}
