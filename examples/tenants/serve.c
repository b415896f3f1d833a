/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Thousands of lwps on a few host threads.
 *
 * A host thread takes some lwps from the queue and for each of them switches
 * to it, does one step of its work (open a file, read a piece of it, compare,
 * try a door that should be locked) and goes on to the next.  Then it switches
 * to NULL, because an lwp must not be current here when another host thread
 * takes it from the queue.  An lwp whose tenant has no work left releases
 * itself; the last one of a process ends the process.
 */
#include <openssl/evp.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <rump/rump.h>
#include <rump/rump_syscalls.h>

#include "tenants.h"

#define STEP  16384 /* bytes read in one step */
#define BATCH 32    /* lwps a host thread takes at once */

struct host_thread {
	pthread_t h_thread;
	unsigned h_number; /* from 1 */
	struct queue *h_queue;
	uint64_t h_switches;
	uint64_t h_moved;
};

static void
count(atomic_size_t *counter)
{
	/* Only read after the host threads have been joined. */
	atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

static void
read_begin(struct task *k, struct node *n)
{
	k->k_fd = rump_sys_open(n->n_path, O_RDONLY);
	if (k->k_fd < 0) {
		differs(
		    n->n_path, "its owner cannot open it: %s", strerror(errno));
		return;
	}
	k->k_node = n;
	if (EVP_DigestInit_ex(k->k_sha, EVP_sha256(), NULL) != 1)
		die(1, "libcrypto has no SHA-256");
}

static void
read_end(struct task *k)
{
	unsigned char sha[EVP_MAX_MD_SIZE];

	if (EVP_DigestFinal_ex(k->k_sha, sha, NULL) != 1)
		die(1, "libcrypto cannot digest");
	if (memcmp(sha, k->k_node->n_sha, SHA256_LEN) != 0)
		differs(k->k_node->n_path, "not the host's contents");
	else {
		count(&k->k_tenant->t_reads);
		atomic_fetch_add_explicit(
		    &k->k_node->n_read, 1, memory_order_relaxed);
	}
	if (rump_sys_close(k->k_fd) != 0)
		differs(k->k_node->n_path, "close: %s", strerror(errno));
	k->k_node = NULL;
}

static void
read_some(struct task *k)
{
	char buf[STEP];
	ssize_t n = rump_sys_read(k->k_fd, buf, sizeof(buf));

	if (n < 0)
		differs(k->k_node->n_path, "read: %s", strerror(errno));
	if (n <= 0) {
		read_end(k);
		return;
	}
	if (EVP_DigestUpdate(k->k_sha, buf, (size_t)n) != 1)
		die(1, "libcrypto cannot digest");
	atomic_fetch_add_explicit(
	    &k->k_tenant->t_bytes, (uint64_t)n, memory_order_relaxed);
}

static void
check_link(struct task *k, struct node *n)
{
	char target[PATH_MAX];
	size_t want = strlen(n->n_target);
	ssize_t len;

	len = rump_sys_readlink(n->n_path, target, sizeof(target));
	if (len < 0)
		differs(n->n_path, "readlink: %s", strerror(errno));
	else if ((size_t)len != want || memcmp(target, n->n_target, want) != 0)
		differs(n->n_path, "not the host's target");
	else {
		count(&k->k_tenant->t_links);
		atomic_fetch_add_explicit(&n->n_read, 1, memory_order_relaxed);
	}
}

/* Another tenant's file: everybody may look where it is, nobody inside. */
static void
try_foreign(struct task *k, struct node *n)
{
	char path[PATH_MAX];
	int fd;

	snprintf(path, sizeof(path), "../%zu/%s", n->n_tenant, n->n_path);
	fd = rump_sys_open(path, O_RDONLY);
	if (fd >= 0) {
		differs(n->n_path, "open to uid %u, who does not own it",
		    (unsigned)k->k_tenant->t_uid);
		rump_sys_close(fd);
	} else if (errno != EACCES) {
		differs(n->n_path, "refused to others with '%s', not EACCES",
		    strerror(errno));
	} else {
		count(&k->k_tenant->t_refused);
		atomic_fetch_add_explicit(
		    &n->n_refused, 1, memory_order_relaxed);
	}
}

/*
 * Number i of the tenant's work.  When all is handed out, an lwp that had
 * none yet looks at something small a second time.
 */
static struct node *
work_next(struct task *k, size_t *numberp)
{
	struct tenant *t = k->k_tenant;
	size_t i;

	i = atomic_fetch_add_explicit(&t->t_next, 1, memory_order_relaxed);
	if (i >= t->t_nwork) {
		if (k->k_worked || t->t_nwork == 0)
			return NULL;
		i %= t->t_nwork;
		if (i < t->t_nown && t->t_work[i]->n_stat.st_size > STEP)
			return NULL;
	}
	k->k_worked = true;
	*numberp = i;
	return t->t_work[i];
}

/*
 * One step of the current lwp.  Returns false if it was the last.
 */
static bool
task_step(struct task *k)
{
	struct node *n;
	size_t number;

	if (k->k_node != NULL) {
		read_some(k);
		return true;
	}
	if ((n = work_next(k, &number)) == NULL) {
		rump_pub_lwproc_releaselwp();
		return false;
	}
	if (number >= k->k_tenant->t_nown)
		try_foreign(k, n);
	else if (n->n_type == NODE_LINK)
		check_link(k, n);
	else
		read_begin(k, n);
	return true;
}

static void *
host_thread_main(void *arg)
{
	struct host_thread *h = arg;
	struct task *batch[BATCH];
	size_t n, left;

	while ((n = queue_take(h->h_queue, batch, BATCH)) > 0) {
		left = 0;
		for (size_t i = 0; i < n; i++) {
			struct task *k = batch[i];

			rump_pub_lwproc_switch(k->k_lwp);
			h->h_switches++;
			if (k->k_thread != 0 && k->k_thread != h->h_number)
				h->h_moved++;
			k->k_thread = h->h_number;
			if (task_step(k))
				batch[left++] = k;
		}
		rump_pub_lwproc_switch(NULL);
		h->h_switches++;
		queue_put(h->h_queue, batch, left, n - left);
	}
	return NULL;
}

/* The lwps: each process has one already. */
static struct task *
tasks_alloc(struct tenants *ts)
{
	struct task *tasks = need(calloc(ts->ts_nlwps + 1, sizeof(*tasks)));
	struct task *k = tasks;
	char name[64];
	int error;

	for (size_t i = 0; i < ts->ts_count; i++) {
		struct tenant *t = &ts->ts_all[i];

		for (size_t j = 0; j < t->t_nlwps; j++, k++) {
			k->k_tenant = t;
			k->k_sha = need(EVP_MD_CTX_new());
			k->k_lwp = t->t_lwp;
			if (j == 0)
				continue;
			error = rump_pub_lwproc_newlwp(t->t_pid);
			if (error != 0)
				die_kernel("an lwp for",
				    tenant_name(t, name, sizeof(name)), error);
			k->k_lwp = rump_pub_lwproc_curlwp();
		}
	}
	rump_pub_lwproc_switch(NULL);
	return tasks;
}

void
tenants_check(const struct tenants *ts)
{
	for (size_t i = 0; i < ts->ts_count; i++) {
		const struct tenant *t = &ts->ts_all[i];

		for (size_t j = 0; j < t->t_nnodes; j++) {
			const struct node *n = &t->t_nodes[j];

			if (!n->n_served || n->n_type == NODE_DIR)
				continue;
			if (counted(n->n_read) == 0)
				differs(n->n_path, "its owner never read it");
			if (n->n_type == NODE_FILE &&
			    counted(n->n_refused) == 0)
				differs(n->n_path, "nobody was refused");
		}
	}
}

static double
seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

void
tenants_serve(struct tenants *ts, unsigned nthreads, struct service *s)
{
	struct task *tasks = tasks_alloc(ts);
	struct queue *q = queue_alloc(tasks, ts->ts_nlwps, nthreads);
	struct host_thread *threads = need(calloc(nthreads, sizeof(*threads)));
	int error;

	memset(s, 0, sizeof(*s));
	s->s_seconds = -seconds();
	for (unsigned i = 0; i < nthreads; i++) {
		threads[i].h_number = i + 1;
		threads[i].h_queue = q;
		error = pthread_create(
		    &threads[i].h_thread, NULL, host_thread_main, &threads[i]);
		if (error != 0)
			die(1, "host thread %u: %s", i + 1, strerror(error));
	}
	for (unsigned i = 0; i < nthreads; i++) {
		pthread_join(threads[i].h_thread, NULL);
		s->s_switches += threads[i].h_switches;
		s->s_moved += threads[i].h_moved;
	}
	s->s_seconds += seconds();

	for (size_t i = 0; i < ts->ts_nlwps; i++)
		EVP_MD_CTX_free(tasks[i].k_sha);
	free(threads);
	queue_free(q);
	free(tasks);
}
