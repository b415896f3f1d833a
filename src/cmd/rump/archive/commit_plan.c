/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Carrying a layer over to the host: what is to be done.
 */
#include "cmd/rump/archive/commit.h"

#include <grp.h>

#define SHOWN 10 /* complaints of one kind */

/*
 * Selection
 */

static bool
is_within(const char *path, const char *dir)
{
	size_t len = strlen(dir);

	return len == 0 || (strncmp(path, dir, len) == 0 &&
			       (path[len] == '/' || path[len] == '\0'));
}

static int
change_compare(const void *a, const void *b)
{
	const struct layer_change *x = a, *y = b;

	return strcmp(x->lc_path, y->lc_path);
}

static const struct layer_change *
any_change(const struct commit *c, const char *path)
{
	struct layer_change key = {.lc_path = (char *)(uintptr_t)path};

	return c->c_diff.ld_count == 0
		   ? NULL
		   : bsearch(&key, c->c_diff.ld_all, c->c_diff.ld_count,
			 sizeof(key), change_compare);
}

const struct layer_change *
commit_change(const struct commit *c, const char *path)
{
	const struct layer_change *lc = any_change(c, path);

	return lc != NULL && c->c_selected[lc - c->c_diff.ld_all] ? lc : NULL;
}

/* A path as rump diff prints it: the user may write the host's. */
static const char *
below_root(const struct commit *c, char *path)
{
	const char *root = c->c_layer->l_root;
	size_t len = strlen(path);

	while (len > 1 && path[len - 1] == '/')
		path[--len] = '\0';
	if (strcmp(root, "/") != 0 && is_within(path, root))
		path += strlen(root);
	while (strncmp(path, "./", 2) == 0 || *path == '/')
		path++;
	return strcmp(path, ".") == 0 ? "" : path;
}

/* What is in a directory that is new needs that directory. */
static void
select_parents(struct commit *c, const char *path)
{
	char *copy = tool_format("%s", path), *slash;
	const struct layer_change *lc;

	while ((slash = strrchr(copy, '/')) != NULL) {
		*slash = '\0';
		lc = any_change(c, copy);
		if (lc != NULL && (lc->lc_kind == 'A' || lc->lc_kind == 'T'))
			c->c_selected[lc - c->c_diff.ld_all] = true;
	}
	free(copy);
}

static int
select_changes(struct commit *c)
{
	size_t i, p, n = c->c_diff.ld_count, found;
	const char *path;

	c->c_selected = tool_alloc(NULL, n * sizeof(c->c_selected[0]) + 1);
	for (i = 0; i < n; i++)
		c->c_selected[i] = c->c_npaths == 0;
	for (p = 0; p < c->c_npaths; p++) {
		path = below_root(c, c->c_paths[p]);
		for (i = found = 0; i < n; i++)
			if (is_within(c->c_diff.ld_all[i].lc_path, path)) {
				c->c_selected[i] = true;
				found++;
			}
		if (found == 0) {
			complain("%s: the layer changes nothing there",
			    c->c_paths[p]);
			return STATUS_FAILED;
		}
	}
	for (i = 0; i < n; i++)
		if (c->c_selected[i])
			select_parents(c, c->c_diff.ld_all[i].lc_path);
	return STATUS_OK;
}

/*
 * Has the host changed?
 */

struct check {
	struct commit *k_commit;
	size_t k_conflicts;
};

static void
conflict(struct check *k, const char *path, const char *what)
{
	if (++k->k_conflicts <= SHOWN)
		complain("%s: %s", path, what);
	else if (k->k_conflicts == SHOWN + 1)
		complain("and more");
}

/* sb is NULL if there is nothing. */
static void
check_path(void *arg, const char *path, const struct stat *sb)
{
	struct check *k = arg;
	const char *seen = layer_seen(k->k_commit->c_layer, path);
	char *now = sb != NULL ? base_text(sb) : tool_format("%s", BASE_NONE);

	if (seen == NULL)
		conflict(k, path, "is new on the host");
	else if (strcmp(seen, BASE_UNKNOWN) == 0)
		conflict(
		    k, path, "was changed on the host while the program ran");
	else if (strcmp(seen, now) != 0)
		conflict(k, path,
		    strcmp(seen, BASE_NONE) == 0 ? "is new on the host"
		    : sb == NULL ? "has been removed on the host"
				 : "has been changed on the host");
	free(now);
}

static int
check_change(struct check *k, const struct layer_change *lc)
{
	int root = k->k_commit->c_root;
	struct stat sb;

	if (lc->lc_kind == 'A') {
		check_path(k, lc->lc_path, NULL);
		return STATUS_OK;
	}
	if (lc->lc_kind == 'D' || lc->lc_kind == 'T')
		return host_walk(root, lc->lc_path, check_path, k) == 0
			   ? STATUS_OK
			   : complain_errno(lc->lc_path);
	if (host_lstat(root, lc->lc_path, &sb) == -1)
		return complain_errno(lc->lc_path);
	check_path(k, lc->lc_path, &sb);
	return STATUS_OK;
}

static int
check_host(struct commit *c)
{
	struct check k = {.k_commit = c};
	size_t i;

	for (i = 0; i < c->c_diff.ld_count; i++)
		if (c->c_selected[i] &&
		    check_change(&k, &c->c_diff.ld_all[i]) != STATUS_OK)
			return STATUS_FAILED;
	if (k.k_conflicts == 0)
		return STATUS_OK;
	complain("the host has changed since the layer began; --force does it "
		 "nevertheless");
	return STATUS_FAILED;
}

/*
 * May we?
 */

static bool
in_group(gid_t gid)
{
	gid_t groups[1024];
	int i, n = getgroups(nitems(groups), groups);

	for (i = 0; i < n; i++)
		if (groups[i] == gid)
			return true;
	return gid == getegid();
}

bool
commit_owner(
    const struct commit *c, const struct stat *sb, uid_t *uid, gid_t *gid)
{
	*uid = sb->st_uid;
	*gid = sb->st_gid;
	if (geteuid() == 0)
		return true;
	if (*uid == 0 || c->c_own)
		*uid = geteuid();
	if ((sb->st_gid == 0 || c->c_own) && !in_group(*gid))
		*gid = getegid();
	return *uid == geteuid() && in_group(*gid);
}

static int
check_owners(struct commit *c)
{
	struct check k = {.k_commit = c};
	const struct layer_change *lc;
	const struct stat *sb;
	uid_t uid;
	gid_t gid;

	for (lc = c->c_diff.ld_all; lc < c->c_diff.ld_all + c->c_diff.ld_count;
	     lc++) {
		if (!c->c_selected[lc - c->c_diff.ld_all] ||
		    lc->lc_entry == -1 || lc->lc_kind == 'D')
			continue;
		sb = &c->c_layer->l_entries[lc->lc_entry].le_stat;
		if (!commit_owner(c, sb, &uid, &gid))
			conflict(&k, lc->lc_path,
			    "belongs to somebody else in the layer");
		else if (uid != sb->st_uid || gid != sb->st_gid)
			c->c_mapped++;
	}
	if (k.k_conflicts == 0)
		return STATUS_OK;
	complain("only root can give files away; --no-same-owner makes them "
		 "yours");
	return STATUS_FAILED;
}

/*
 * Units
 */

static int
unit_compare(const void *a, const void *b)
{
	const struct unit *x = a, *y = b;

	return strcmp(x->u_path, y->u_path);
}

/* Units are in the order of their paths, as changes are. */
const struct unit *
commit_unit(const struct commit *c, const char *path)
{
	struct unit key = {.u_path = tool_format("%s", path)}, *u = NULL;
	char *slash;

	while (c->c_nunits > 0) {
		u = bsearch(
		    &key, c->c_units, c->c_nunits, sizeof(key), unit_compare);
		if (u != NULL && u->u_kind == 'd')
			u = NULL;
		slash = strrchr(key.u_path, '/');
		if (u != NULL || slash == NULL)
			break;
		*slash = '\0';
	}
	free(key.u_path);
	return u;
}

static char *
temp_path(const struct commit *c, const char *path, size_t number)
{
	const char *slash = strrchr(path, '/');

	return tool_format("%.*s" TEMP "%s-%zu",
	    slash != NULL ? (int)(slash - path) + 1 : 0, path,
	    c->c_layer->l_name, number);
}

/* A directory whose owner or mode is another one. */
static int
plan_dir(struct commit *c, struct unit *u, const struct layer_change *lc)
{
	const struct layer_entry *le = &c->c_layer->l_entries[lc->lc_entry];
	struct stat sb;

	if (host_lstat(c->c_root, lc->lc_path, &sb) == -1)
		return complain_errno(lc->lc_path);
	u->u_kind = 'd';
	u->u_was = (struct owner){sb.st_mode & 07777, sb.st_uid, sb.st_gid};
	u->u_is.o_mode = le->le_stat.st_mode & 07777;
	(void)commit_owner(c, &le->le_stat, &u->u_is.o_uid, &u->u_is.o_gid);
	/* Root's directory that is left to root. */
	if (le->le_stat.st_uid == sb.st_uid &&
	    le->le_stat.st_gid == sb.st_gid) {
		u->u_is.o_uid = sb.st_uid;
		u->u_is.o_gid = sb.st_gid;
	}
	if (memcmp(&u->u_is, &u->u_was, sizeof(u->u_is)) != 0)
		return STATUS_OK;
	complain("%s: extended attributes of a directory that is there are "
		 "not carried over; set them on the host, or commit other "
		 "paths",
	    lc->lc_path);
	return STATUS_FAILED;
}

static int
plan_unit(struct commit *c, const struct layer_change *lc)
{
	struct unit *u;
	struct stat sb;

	if ((lc->lc_kind == 'A' || lc->lc_kind == 'T') && c->c_nunits > 0 &&
	    commit_unit(c, lc->lc_path) != NULL)
		return STATUS_OK;
	c->c_units =
	    tool_alloc(c->c_units, (c->c_nunits + 1) * sizeof(c->c_units[0]));
	u = &c->c_units[c->c_nunits];
	*u = (struct unit){
	    .u_kind = lc->lc_kind,
	    .u_path = tool_format("%s", lc->lc_path),
	    .u_temp = temp_path(c, lc->lc_path, c->c_nunits),
	};
	c->c_nunits++;
	if (lc->lc_kind == 'M' && S_ISDIR(lc->lc_type))
		return plan_dir(c, u, lc);
	if (host_lstat(c->c_root, u->u_temp, &sb) == 0) {
		complain("%s: is in the way; what is it?", u->u_temp);
		return STATUS_FAILED;
	}
	if (lc->lc_kind == 'D' && host_lstat(c->c_root, lc->lc_path, &sb) == -1)
		return complain_errno(lc->lc_path);
	u->u_ino = lc->lc_kind == 'D' ? sb.st_ino : 0;
	return STATUS_OK;
}

static int
plan_units(struct commit *c)
{
	size_t i;

	/* Directories come before what is in them. */
	for (i = 0; i < c->c_diff.ld_count; i++)
		if (c->c_selected[i] &&
		    plan_unit(c, &c->c_diff.ld_all[i]) != STATUS_OK)
			return STATUS_FAILED;
	return STATUS_OK;
}

int
commit_plan(struct commit *c)
{
	if (layer_diff(c->c_layer, c->c_root, &c->c_diff) != STATUS_OK ||
	    select_changes(c) != STATUS_OK)
		return STATUS_FAILED;
	if (!c->c_force && check_host(c) != STATUS_OK)
		return STATUS_FAILED;
	if (check_owners(c) != STATUS_OK)
		return STATUS_FAILED;
	return plan_units(c);
}

void
commit_free(struct commit *c)
{
	size_t i;

	for (i = 0; i < c->c_nunits; i++) {
		free(c->c_units[i].u_path);
		free(c->c_units[i].u_temp);
	}
	free(c->c_units);
	free(c->c_selected);
	layer_diff_free(&c->c_diff);
	c->c_units = NULL;
	c->c_selected = NULL;
	c->c_nunits = 0;
}

/*
 * Afterwards
 */

/* Is a path that, or below that, of a change that was not carried over? */
static bool
still_changed(const struct commit *c, const char *path)
{
	char *copy = tool_format("%s", path), *slash;
	const struct layer_change *lc;
	bool found = false;

	for (;;) {
		lc = any_change(c, copy);
		if (lc != NULL &&
		    (lc->lc_kind != 'M' || strcmp(copy, path) == 0))
			found = true;
		slash = strrchr(copy, '/');
		if (found || slash == NULL)
			break;
		*slash = '\0';
	}
	free(copy);
	return found;
}

/* A path that we have changed ourselves is as it should be. */
static void
see_again(const struct commit *c, struct layer_base *lb)
{
	struct stat sb;

	if (commit_unit(c, lb->lb_path) == NULL)
		return;
	free(lb->lb_seen);
	lb->lb_seen = host_lstat(c->c_root, lb->lb_path, &sb) == 0
			  ? base_text(&sb)
			  : tool_format("%s", BASE_NONE);
}

/* What is different after the commit stays in the layer, and what that needs.
 */
static bool
forget_keeps(void *arg, size_t index)
{
	return ((const bool *)arg)[index];
}

/* What is kept is in directories: these come before it. */
static void
keep_parents(const struct layer *l, bool *keep)
{
	size_t *stack = tool_alloc(NULL, l->l_nentries * sizeof(stack[0]));
	size_t depth = 0, i, d;

	for (i = 0; i < l->l_nentries; i++) {
		while (depth > 0 && !is_within(l->l_entries[i].le_path,
					l->l_entries[stack[depth - 1]].le_path))
			depth--;
		for (d = 0; keep[i] && d < depth; d++)
			keep[stack[d]] = true;
		if (S_ISDIR(l->l_entries[i].le_stat.st_mode))
			stack[depth++] = i;
	}
	free(stack);
}

static bool
change_within(const struct commit *c, const char *path)
{
	size_t i;

	for (i = 0; i < c->c_diff.ld_count; i++)
		if (is_within(c->c_diff.ld_all[i].lc_path, path))
			return true;
	return false;
}

/* c_diff is what is left to be done, after the commit, c_units what was. */
int
commit_forget(struct commit *c)
{
	struct layer *l = c->c_layer;
	bool *keep = tool_alloc(NULL, l->l_nentries * sizeof(keep[0]) + 1);
	const struct layer_entry *le;
	size_t i, n;
	int status;

	for (i = 0; i < l->l_nentries; i++)
		keep[i] = *l->l_entries[i].le_path == '\0';
	for (i = 0; i < l->l_nentries; i++) {
		le = &l->l_entries[i];
		if (any_change(c, le->le_path) != NULL ||
		    (le->le_opaque && change_within(c, le->le_path)))
			keep[i] = keep[le->le_first] = true;
	}
	keep_parents(l, keep);
	for (i = n = 0; i < l->l_nbase; i++)
		if (still_changed(c, l->l_base[i].lb_path)) {
			see_again(c, &l->l_base[i]);
			l->l_base[n++] = l->l_base[i];
		} else {
			free(l->l_base[i].lb_path);
			free(l->l_base[i].lb_seen);
		}
	l->l_nbase = l->l_nsorted = n;
	l->l_count = c->c_diff.ld_count;
	status = layer_rewrite(l, forget_keeps, keep);
	free(keep);
	return status;
}
