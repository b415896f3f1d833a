/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The directory of the host: its directories, regular files and symbolic
 * links, breadth first, so that no descriptor is held while another directory
 * is read.  Nothing is followed out of it: not a link, not a mount.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tenants.h"

/* Room for "../<tenant>/" in front, as its neighbour names it. */
#define MAXPATH	 (PATH_MAX - 32)
#define MAXNODES 2000000

/* The path of name in the directory of that path ("": the top). */
static char *
path_join(const char *dir, const char *name)
{
	char *path;

	if (asprintf(&path, *dir == '\0' ? "%s%s" : "%s/%s", dir, name) < 0)
		path = NULL;
	return need(path);
}

static const char *
type_refused(mode_t mode)
{
	if (S_ISSOCK(mode))
		return "a socket";
	if (S_ISFIFO(mode))
		return "a fifo";
	if (S_ISCHR(mode) || S_ISBLK(mode))
		return "a device";
	return "of no kind that we know";
}

/* Why the entry cannot be served, or NULL. */
static const char *
node_look(const struct tree *t, struct node *n, dev_t dev)
{
	struct stat *st = &n->n_stat;

	if (strlen(n->n_path) >= MAXPATH)
		return "its path is too long";
	if (fstatat(t->t_dirfd, n->n_path, st, AT_SYMLINK_NOFOLLOW) != 0)
		return strerror(errno);
	if (S_ISREG(st->st_mode))
		n->n_type = NODE_FILE;
	else if (S_ISLNK(st->st_mode))
		n->n_type = NODE_LINK;
	else if (!S_ISDIR(st->st_mode))
		return type_refused(st->st_mode);
	else if (st->st_dev != dev)
		return "on another file system";
	else
		n->n_type = NODE_DIR;
	return NULL;
}

/* Add the entry; tenant SIZE_MAX means that it is a tenant itself. */
static void
node_add(struct tree *t, char *path, size_t tenant, dev_t dev)
{
	struct node n = {.n_path = path, .n_order = t->t_count};
	const char *why = node_look(t, &n, dev);

	if (why != NULL) {
		warn_skip(path, why);
		free(path);
		return;
	}
	if (t->t_count == MAXNODES)
		die(1, "more than %d files: serve a smaller directory",
		    MAXNODES);
	if (t->t_count == t->t_room) {
		t->t_room = t->t_room == 0 ? 1024 : 2 * t->t_room;
		t->t_nodes =
		    need(realloc(t->t_nodes, t->t_room * sizeof(*t->t_nodes)));
	}
	n.n_tenant = tenant == SIZE_MAX ? t->t_tenants++ : tenant;
	if (n.n_type == NODE_FILE)
		t->t_bytes += (uint64_t)n.n_stat.st_size;
	t->t_nodes[t->t_count++] = n;
}

static int
cmp_name(const void *va, const void *vb)
{
	const char *const *a = va, *const *b = vb;

	return strcmp(*a, *b);
}

static void
dir_scan(struct tree *t, const char *path, size_t tenant, dev_t dev)
{
	char **names = NULL;
	size_t count = 0, room = 0;
	struct dirent *de;
	DIR *d = NULL;
	int fd;

	fd = openat(t->t_dirfd, *path == '\0' ? "." : path,
	    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || (d = fdopendir(fd)) == NULL) {
		warn_skip(path, strerror(errno));
		if (fd >= 0)
			close(fd);
		return;
	}
	while ((de = readdir(d)) != NULL) {
		if (strcmp(de->d_name, ".") == 0 ||
		    strcmp(de->d_name, "..") == 0)
			continue;
		if (count == room) {
			room = room == 0 ? 64 : 2 * room;
			names = need(realloc(names, room * sizeof(*names)));
		}
		names[count++] = path_join(path, de->d_name);
	}
	closedir(d);
	if (count > 0)
		qsort(names, count, sizeof(*names), cmp_name);
	for (size_t i = 0; i < count; i++)
		node_add(t, names[i], tenant, dev);
	free(names);
}

static int
cmp_node(const void *va, const void *vb)
{
	const struct node *a = va, *b = vb;

	if (a->n_tenant != b->n_tenant)
		return a->n_tenant < b->n_tenant ? -1 : 1;
	return a->n_order < b->n_order ? -1 : a->n_order > b->n_order;
}

void
tree_scan(struct tree *t, const char *dir)
{
	char name[256];
	struct stat st;

	memset(t, 0, sizeof(*t));
	t->t_dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (t->t_dirfd < 0 || fstat(t->t_dirfd, &st) != 0)
		die(2, "%s: %s", printable(name, sizeof(name), dir),
		    strerror(errno));
	dir_scan(t, "", SIZE_MAX, st.st_dev);
	/* The array grows, and moves, while we walk it. */
	for (size_t i = 0; i < t->t_count; i++) {
		if (t->t_nodes[i].n_type == NODE_DIR)
			dir_scan(t, t->t_nodes[i].n_path,
			    t->t_nodes[i].n_tenant, st.st_dev);
	}
	if (t->t_count > 0)
		qsort(t->t_nodes, t->t_count, sizeof(*t->t_nodes), cmp_node);
}

void
tree_free(struct tree *t)
{
	for (size_t i = 0; i < t->t_count; i++) {
		free(t->t_nodes[i].n_path);
		free(t->t_nodes[i].n_target);
	}
	free(t->t_nodes);
	close(t->t_dirfd);
}
