/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tenants come to be: each is a process made with rfork, with credentials of
 * its own.  The directory is copied into the kernel at once, and then each
 * tenant is given its part.  The tree is looked at on the host once more: what
 * the lwps read later is compared with that, and what has changed on the host
 * since it was first looked at is left out.
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
#include <rump/rump_image.h>
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
 * Digest the host's file.  Returns NULL, or why the file cannot be served.  It
 * must be what n_stat says, before and after.
 */
static const char *
host_digest(const struct tree *tree, const struct node *n, EVP_MD_CTX *sha)
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
		if (EVP_DigestUpdate(sha, buffer, (size_t)len) != 1)
			die(1, "libcrypto cannot digest");
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

/*
 * What could not be loaded, of what was found there before.
 */
static void
load_report(void *arg, const char *path, int error, const char *why)
{
	const struct tree *tree = arg;

	(void)error;
	for (size_t i = 0; i < tree->t_count; i++)
		if (strcmp(tree->t_nodes[i].n_path, path) == 0)
			warn_skip(path, why);
}

/*
 * The whole directory goes where nobody but root may look.  A file that has
 * names in the trees of several tenants becomes one file for each.
 */
static void
tree_load(const struct tree *tree)
{
	int error;

	if (rump_sys_mkdir("/loaded", 0700) != 0)
		die_kernel("to make", "/loaded", errno);
	rump_image_onreport(load_report, (void *)(uintptr_t)tree);
	error = rump_image_copyin(tree->t_dirfd, "/loaded",
	    RUMP_IMAGE_CALLER | RUMP_IMAGE_SKIP | RUMP_IMAGE_ONEFS |
		RUMP_IMAGE_SEPARATE);
	rump_image_onreport(NULL, NULL);
	if (error != 0)
		die_kernel("to load", "the directory", error);
}

/* Is the node's file in the kernel?  Then give it to the tenant. */
static bool
node_give(const struct tenant *t, int home, const struct node *n)
{
	mode_t mode = n->n_type == NODE_DIR ? 0755 : 0600;
	struct stat st;

	if (rump_sys_fstatat(home, n->n_path, &st, AT_SYMLINK_NOFOLLOW) != 0 ||
	    (st.st_mode & S_IFMT) != (n->n_stat.st_mode & S_IFMT))
		return false;
	if (rump_sys_fchownat(home, n->n_path, t->t_uid, t->t_uid,
		AT_SYMLINK_NOFOLLOW) != 0 ||
	    (n->n_type != NODE_LINK &&
		rump_sys_fchmodat(home, n->n_path, mode, 0) != 0))
		die_kernel("to give", n->n_path, errno);
	return true;
}

/*
 * Its part of the directory becomes the tenant's, at its home.
 */
static void
tenant_load(struct tenant *t, const struct tree *tree)
{
	char path[PATH_MAX], name[NAME_MAX + 1];
	int home;

	if (t->t_nnodes == 0)
		return;
	tenant_name(t, name, sizeof(name));
	snprintf(path, sizeof(path), "/tenants/%zu", t->t_number);
	if ((home = rump_sys_open(path, O_RDONLY | O_DIRECTORY)) < 0)
		die_kernel("to open", path, errno);
	snprintf(path, sizeof(path), "/loaded/%s", name);
	/* If it is not there, why has been said. */
	if (rump_sys_renameat(AT_FDCWD, path, home, name) != 0 &&
	    errno != ENOENT)
		die_kernel("to move", path, errno);
	for (size_t i = 0; i < t->t_nnodes; i++) {
		struct node *n = &t->t_nodes[i];

		n->n_served = node_give(t, home, n) && n->n_type != NODE_DIR;
		if (n->n_served && n->n_type == NODE_LINK)
			n->n_served =
			    (n->n_target = host_readlink(tree, n)) != NULL;
	}
	if (rump_sys_close(home) != 0)
		die_kernel("to close", path, errno);
}

static const char *
check_file(const struct tree *tree, struct node *n, EVP_MD_CTX *sha)
{
	const char *why;

	if (EVP_DigestInit_ex(sha, EVP_sha256(), NULL) != 1)
		die(1, "libcrypto has no SHA-256");
	why = host_digest(tree, n, sha);
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
	tree_load(tree);
	for (size_t i = 0; i < ts->ts_count; i++) {
		tenant_process(&ts->ts_all[i]);
		rump_pub_lwproc_switch(NULL);
		tenant_load(&ts->ts_all[i], tree);
	}
	for (size_t i = 0; i < ts->ts_count; i++)
		tenant_check(&ts->ts_all[i], tree, sha);
	EVP_MD_CTX_free(sha);
	for (size_t i = 0; i < ts->ts_count; i++)
		tenant_plan(
		    &ts->ts_all[i], &ts->ts_all[(i + 1) % ts->ts_count]);
}
