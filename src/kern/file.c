/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Open file descriptions: their life, and how many there can be.
 *
 * kern_maxfiles permits are dealt out.  A file needs one and gives it back at
 * its end.  Permits lie in shards, a host thread takes from the shard of its
 * id, and in a pool that shards take from and give to in batches, so that
 * host threads that make files write no line in common.  Besides, a host
 * thread may keep one, which nobody else gets, for it to open and close files
 * without an atomic operation.  Permits and files together are always
 * kern_maxfiles; root goes on when there is none, and then the pool is below
 * zero.
 */
#include "kern/event.h"
#include "kern/filedesc.h"
#include "kern/fowner.h"
#include "kern/kmem.h"

#define FILE_SHARDS 16
#define FILE_BATCH  32

struct file_shard {
	_Atomic int64_t fs_permits;
} __attribute__((aligned(CACHE_LINE)));

_Atomic uint64_t kern_maxfiles;

/* All relaxed: they are counts and publish nothing. */
static struct file_shard shards[FILE_SHARDS];
static struct file_shard pool;
static struct kcache *file_cache;

void
file_init(void)
{
	struct kmem_stats ks;

	if (kern_maxfiles == 0) {
		kmem_stats(&ks);
		kern_maxfiles = ks.ks_limit / 1024;
		if (kern_maxfiles < KERN_MINFILES)
			kern_maxfiles = KERN_MINFILES;
	}
	atomic_store_explicit(
	    &pool.fs_permits, (int64_t)kern_maxfiles, memory_order_relaxed);
	file_cache =
	    kcache_init("file", sizeof(struct file), CACHE_LINE, KCACHE_STABLE);
}

/* An aligned word is read whole; whether it is old or new says nobody. */
__attribute__((no_sanitize("thread"), noinline)) off_t
file_peekpos(const struct file *fp)
{
	if (fp->f_ops->fo_seek == NULL)
		return 0;
	return *(const volatile off_t *)&fp->f_offset;
}

uint64_t
file_live(void)
{
	return kcache_live(file_cache);
}

/* Take between one and max permits; how many there were. */
static int64_t
permits_take(struct file_shard *fs, int64_t max)
{
	int64_t n = atomic_load_explicit(&fs->fs_permits, memory_order_relaxed);
	int64_t want;

	do {
		if (n <= 0)
			return 0;
		want = n < max ? n : max;
	} while (!atomic_compare_exchange_weak_explicit(&fs->fs_permits, &n,
	    n - want, memory_order_relaxed, memory_order_relaxed));
	return want;
}

static void
permits_put(struct file_shard *fs, int64_t n)
{
	atomic_fetch_add_explicit(&fs->fs_permits, n, memory_order_relaxed);
}

static int
permit_get(struct lwp *l)
{
	struct hostthread *ht = curht();
	struct file_shard *mine = &shards[ht->ht_id % FILE_SHARDS];
	int64_t n;
	int i;

	if (likely(ht->ht_filepermit)) {
		ht->ht_filepermit = false;
		return 0;
	}
	if (likely(permits_take(mine, 1) != 0))
		return 0;
	if ((n = permits_take(&pool, FILE_BATCH)) != 0) {
		if (n > 1)
			permits_put(mine, n - 1);
		return 0;
	}
	for (i = 0; i < FILE_SHARDS; i++) {
		if (permits_take(&shards[i], 1) != 0)
			return 0;
	}
	if (!cred_is_root(proc_cred(l->l_proc)))
		return ENFILE;
	permits_put(&pool, -1);
	return 0;
}

static void
permit_put(void)
{
	struct hostthread *ht = curht();
	struct file_shard *mine = &shards[ht->ht_id % FILE_SHARDS];
	int64_t n;

	if (unlikely(atomic_load_explicit(
			 &pool.fs_permits, memory_order_relaxed) < 0)) {
		permits_put(&pool, 1);
		return;
	}
	if (!ht->ht_filepermit) {
		ht->ht_filepermit = true;
		return;
	}
	permits_put(mine, 1);
	if (unlikely(atomic_load_explicit(&mine->fs_permits,
			 memory_order_relaxed) > 2 * FILE_BATCH)) {
		n = permits_take(mine, FILE_BATCH);
		permits_put(&pool, n);
	}
}

void
file_thread_flush(struct hostthread *ht)
{
	if (ht->ht_filepermit)
		permits_put(&pool, 1);
	ht->ht_filepermit = false;
}

int
file_setmax(int64_t max)
{
	int64_t more;
	int i;

	if (max < 1)
		return EINVAL;
	more = max - (int64_t)atomic_exchange_explicit(
			 &kern_maxfiles, (uint64_t)max, memory_order_relaxed);
	/* What lies in the shards may be too much. */
	for (i = 0; i < FILE_SHARDS && more < 0; i++)
		more += permits_take(&shards[i], INT64_MAX);
	permits_put(&pool, more);
	return 0;
}

int
file_alloc(struct lwp *l, struct file **fpp)
{
	struct file *fp;
	int error;

	if ((error = permit_get(l)) != 0)
		return error;
	if ((fp = kcache_alloc(file_cache)) == NULL) {
		permit_put();
		return ENOMEM;
	}
	/* NULL until it is a file: see file_free. */
	fp->f_ops = NULL;
	fp->f_type = DTYPE_NONE;
	fp->f_writes = false;
	fp->f_data = NULL;
	fp->f_vnode = NULL;
	atomic_store_explicit(&fp->f_owned, 0, memory_order_relaxed);
	/* Not a reference: it would be a line that all processes share. */
	fp->f_credserial = proc_cred(l->l_proc)->cr_serial;
	fp->f_offset = 0;
	atomic_store_explicit(&fp->f_flags, 0, memory_order_relaxed);
	/* Release pairs with the acquire in file_tryhold. */
	atomic_store_explicit(&fp->f_count, 1, memory_order_release);
	*fpp = fp;
	return 0;
}

void
file_abort(struct file *fp)
{
	/* A stranger's reference can outlive ours; see file.h. */
	fp->f_ops = NULL;
	file_rele(fp);
}

void
file_free(struct file *fp)
{
	KASSERT(atomic_load_explicit(&fp->f_count, memory_order_relaxed) == 0);
	if (fp->f_ops != NULL) {
		if (fp->f_ops->fo_klist != NULL)
			klist_closing(fp->f_ops->fo_klist(fp), fp);
		if (unlikely(atomic_load_explicit(
				 &fp->f_owned, memory_order_relaxed) != 0))
			fowner_free(fp);
		if (fp->f_vnode != NULL)
			file_vnodeops.fv_close(fp);
		fp->f_ops->fo_close(fp);
	}
	kcache_free(file_cache, fp);
	permit_put();
}

void
file_setflags(struct file *fp, uint32_t mask, uint32_t flags)
{
	uint32_t old = file_flags(fp);

	while (!atomic_compare_exchange_weak_explicit(&fp->f_flags, &old,
	    (old & ~mask) | (flags & mask), memory_order_relaxed,
	    memory_order_relaxed))
		continue;
}

int
file_statanon(struct lwp *l, struct file *fp, struct stat *sb)
{
	(void)l, (void)fp;
	memset(sb, 0, sizeof(*sb));
	sb->st_mode = 0600;
	sb->st_nlink = 1;
	sb->st_blksize = KPAGE_SIZE;
	return 0;
}
