/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tenants come to be: each is a process made with rfork, which makes its own
 * files in the kernel with its own credentials.  The tree is then looked at
 * on the host a second time: what the lwps read later is compared with that,
 * and what has changed on the host in between is left out.
 *
 * All of this runs on the first host thread.
 */
#include <sys/resource.h>

#include <openssl/evp.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rump/rump.h>
#include <rump/rump_syscalls.h>

#include "tenants.h"

#define FIRST_UID 1000
#define BUFLEN	  65536

static char buffer[BUFLEN];

void
tenants_alloc(struct tenants *ts, struct tree *tree, size_t nlwps)
{
	/* Without nodes there are no tenants that have any. */
	size_t all = tree->t_count > 0 ? tree->t_count : 1;
	size_t spare, n = 0;

	/* Somebody must be there to be refused: one alone gets a visitor. */
	ts->ts_count = tree->t_tenants == 1 ? 2 : tree->t_tenants;
	ts->ts_all = need(calloc(ts->ts_count + 1, sizeof(*ts->ts_all)));
	ts->ts_nlwps = nlwps > ts->ts_count ? nlwps : ts->ts_count;
	if (ts->ts_count == 0)
		ts->ts_nlwps = 0;
	spare = ts->ts_nlwps - ts->ts_count;

	for (size_t i = 0; i < ts->ts_count; i++) {
		struct tenant *t = &ts->ts_all[i];
		size_t first = n;

		while (n < tree->t_count && tree->t_nodes[n].n_tenant == i)
			n++;
		t->t_number = i;
		t->t_uid = FIRST_UID + (uid_t)i;
		t->t_nodes = &tree->t_nodes[first];
		t->t_nnodes = n - first;
		/* One, and a share of the rest by its part of the tree. */
		t->t_nlwps = 1 + spare * n / all - spare * first / all;
	}
}

const char *
tenant_name(const struct tenant *t, char *buf, size_t len)
{
	if (t->t_nnodes == 0)
		snprintf(buf, len, "(visitor)");
	else
		snprintf(buf, len, "%.*s",
		    (int)strcspn(t->t_nodes->n_path, "/"), t->t_nodes->n_path);
	return buf;
}

void
tenants_free(struct tenants *ts)
{
	for (size_t i = 0; i < ts->ts_count; i++)
		free(ts->ts_all[i].t_work);
	free(ts->ts_all);
}

/*
 * A process for the tenant.  It is made by rfork as the superuser, who can
 * give it a home and more descriptors than usual, and then steps down.
 */
static void
tenant_process(struct tenant *t)
{
	struct rlimit rl = {
	    .rlim_cur = t->t_nlwps + 16, .rlim_max = t->t_nlwps + 16};
	char home[64];
	int error;

	/* The implicit context's process is to be the parent of all. */
	rump_pub_lwproc_switch(NULL);
	if ((error = rump_pub_lwproc_rfork(RUMP_RFCFDG)) != 0)
		die_kernel(
		    "rfork for", tenant_name(t, home, sizeof(home)), error);
	t->t_lwp = rump_pub_lwproc_curlwp();
	t->t_pid = rump_sys_getpid();

	snprintf(home, sizeof(home), "/tenants/%zu", t->t_number);
	if (rump_sys_mkdir(home, 0755) != 0 ||
	    rump_sys_chown(home, t->t_uid, t->t_uid) != 0 ||
	    rump_sys_chdir(home) != 0)
		die_kernel("a home in", home, errno);
	if (rump_sys_setrlimit(RLIMIT_NOFILE, &rl) != 0 ||
	    rump_sys_setgroups(0, NULL) != 0 ||
	    rump_sys_setgid(t->t_uid) != 0 || rump_sys_setuid(t->t_uid) != 0)
		die_kernel("limits and ids for", home, errno);
}

static bool
same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino &&
	       a->st_mode == b->st_mode && a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	       a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
	       a->st_ctim.tv_sec == b->st_ctim.tv_sec &&
	       a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

/*
 * Read the host's file through sink, to its end.  Returns NULL, or why the
 * file cannot be served.  It must be what n_stat says, before and after.
 */
static const char *
host_read(const struct tree *tree, const struct node *n,
    void (*sink)(void *arg, const char *buf, size_t len), void *arg)
{
	const char *why = NULL;
	off_t total = 0;
	struct stat st;
	ssize_t len;
	int fd;

	/* O_NONBLOCK: it may have become a fifo since we looked. */
	fd = openat(tree->t_dirfd, n->n_path,
	    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return strerror(errno);
	if (fstat(fd, &st) != 0 || !same_file(&st, &n->n_stat)) {
		why = "changed on the host meanwhile";
		goto out;
	}
	while ((len = read(fd, buffer, sizeof(buffer))) > 0) {
		total += len;
		if (total > st.st_size)
			break;
		sink(arg, buffer, (size_t)len);
	}
	if (len < 0)
		why = strerror(errno);
	else if (total != st.st_size || fstat(fd, &st) != 0 ||
		 !same_file(&st, &n->n_stat))
		why = "changed on the host meanwhile";
out:
	close(fd);
	return why;
}

struct copy {
	int c_fd;
	const char *c_path;
};

static void
copy_sink(void *arg, const char *buf, size_t len)
{
	struct copy *c = arg;
	ssize_t n;

	while (len > 0) {
		n = rump_sys_write(c->c_fd, buf, len);
		if (n < 0)
			die_kernel("to write", c->c_path, errno);
		buf += n;
		len -= (size_t)n;
	}
}

static const char *
load_file(const struct tree *tree, struct node *n)
{
	struct copy c = {.c_path = n->n_path};
	const char *why;

	c.c_fd = rump_sys_open(n->n_path, O_WRONLY | O_CREAT | O_EXCL, 0600);
	if (c.c_fd < 0)
		die_kernel("to make", n->n_path, errno);
	why = host_read(tree, n, copy_sink, &c);
	if (rump_sys_close(c.c_fd) != 0)
		die_kernel("to close", n->n_path, errno);
	if (why != NULL && rump_sys_unlink(n->n_path) != 0)
		die_kernel("to unlink", n->n_path, errno);
	return why;
}

/* The host's link, in memory of its own, or NULL with errno. */
static char *
host_readlink(const struct tree *tree, const struct node *n)
{
	char target[PATH_MAX];
	ssize_t len;

	len = readlinkat(tree->t_dirfd, n->n_path, target, sizeof(target) - 1);
	if (len < 0)
		return NULL;
	target[len] = '\0';
	return need(strdup(target));
}

static const char *
load_link(const struct tree *tree, struct node *n)
{
	if ((n->n_target = host_readlink(tree, n)) == NULL)
		return strerror(errno);
	if (rump_sys_symlink(n->n_target, n->n_path) != 0)
		die_kernel("to link", n->n_path, errno);
	return NULL;
}

static void
tenant_load(struct tenant *t, const struct tree *tree)
{
	for (size_t i = 0; i < t->t_nnodes; i++) {
		struct node *n = &t->t_nodes[i];
		const char *why = NULL;

		switch (n->n_type) {
		case NODE_DIR:
			if (rump_sys_mkdir(n->n_path, 0755) != 0)
				die_kernel("to make", n->n_path, errno);
			continue;
		case NODE_FILE:
			why = load_file(tree, n);
			break;
		case NODE_LINK:
			why = load_link(tree, n);
			break;
		}
		n->n_served = why == NULL;
		if (why != NULL)
			warn_skip(n->n_path, why);
	}
}

static void
sha_sink(void *arg, const char *buf, size_t len)
{
	if (EVP_DigestUpdate(arg, buf, len) != 1)
		die(1, "libcrypto cannot digest");
}

static const char *
check_file(const struct tree *tree, struct node *n, EVP_MD_CTX *sha)
{
	const char *why;

	if (EVP_DigestInit_ex(sha, EVP_sha256(), NULL) != 1)
		die(1, "libcrypto has no SHA-256");
	why = host_read(tree, n, sha_sink, sha);
	if (EVP_DigestFinal_ex(sha, n->n_sha, NULL) != 1)
		die(1, "libcrypto cannot digest");
	return why;
}

static const char *
check_link(const struct tree *tree, const struct node *n)
{
	char *target = host_readlink(tree, n);
	bool same = target != NULL && strcmp(target, n->n_target) == 0;

	free(target);
	return same ? NULL : "changed on the host meanwhile";
}

/*
 * Look at the host once more: what the tenant has to find in its files.
 */
static void
tenant_check(struct tenant *t, const struct tree *tree, EVP_MD_CTX *sha)
{
	for (size_t i = 0; i < t->t_nnodes; i++) {
		struct node *n = &t->t_nodes[i];
		const char *why = NULL;

		if (!n->n_served)
			continue;
		if (n->n_type == NODE_FILE)
			why = check_file(tree, n, sha);
		else if (n->n_type == NODE_LINK)
			why = check_link(tree, n);
		n->n_served = why == NULL;
		if (why != NULL)
			warn_skip(n->n_path, why);
	}
}

/*
 * The list of work: to read what is its own, and to try what is not.
 */
static void
tenant_plan(struct tenant *t, const struct tenant *victim)
{
	size_t n = t->t_nnodes + victim->t_nnodes;

	t->t_work = need(calloc(n + 1, sizeof(*t->t_work)));
	for (size_t i = 0; i < t->t_nnodes; i++)
		if (t->t_nodes[i].n_served)
			t->t_work[t->t_nwork++] = &t->t_nodes[i];
	t->t_nown = t->t_nwork;
	for (size_t i = 0; i < victim->t_nnodes; i++)
		if (victim->t_nodes[i].n_served &&
		    victim->t_nodes[i].n_type == NODE_FILE)
			t->t_work[t->t_nwork++] = &victim->t_nodes[i];
}

void
tenants_load(struct tenants *ts, const struct tree *tree)
{
	EVP_MD_CTX *sha = need(EVP_MD_CTX_new());

	if (rump_sys_mkdir("/tenants", 0755) != 0)
		die_kernel("to make", "/tenants", errno);
	for (size_t i = 0; i < ts->ts_count; i++) {
		tenant_process(&ts->ts_all[i]);
		tenant_load(&ts->ts_all[i], tree);
	}
	rump_pub_lwproc_switch(NULL);

	for (size_t i = 0; i < ts->ts_count; i++)
		tenant_check(&ts->ts_all[i], tree, sha);
	EVP_MD_CTX_free(sha);
	for (size_t i = 0; i < ts->ts_count; i++)
		tenant_plan(
		    &ts->ts_all[i], &ts->ts_all[(i + 1) % ts->ts_count]);
}
