/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Carrying a layer over to the host: the journal, and what is done by it.
 *
 * The journal is a list of words, each with a NUL behind it: JOURNAL_MAGIC, the
 * state, the options, how many paths were asked for, these, how many units
 * there are, and for each its kind, path, other name, inode, and attributes of
 * a directory.
 */
#include <fcntl.h>
#include <signal.h>

#include "cmd/rump/archive/commit.h"
#include "cmd/rump/side.h"

#define JOURNAL_MAGIC "rump-commit 1"

static const char *const states[] = {"staging", "ready", "applied"};

void
commit_step(void)
{
	static uint64_t steps;
	const char *text = getenv("RUMP_COMMIT_STOP");
	uint64_t last;

	if (text != NULL && parse_number(text, UINT64_MAX, &last) &&
	    ++steps == last)
		(void)kill(getpid(), SIGKILL);
}

/*
 * Write
 */

static void
put_journal(const struct commit *c, FILE *f)
{
	const struct unit *u;
	size_t i;

	(void)fprintf(f, "%s%c%s%c%s%s%c%zu%c", JOURNAL_MAGIC, 0,
	    states[c->c_state], 0, c->c_force ? "f" : "", c->c_own ? "o" : "",
	    0, c->c_npaths, 0);
	for (i = 0; i < c->c_npaths; i++)
		(void)fprintf(f, "%s%c", c->c_paths[i], 0);
	(void)fprintf(f, "%zu%c", c->c_nunits, 0);
	for (u = c->c_units; u < c->c_units + c->c_nunits; u++)
		(void)fprintf(f, "%c%c%s%c%s%c%llu%c%o %u %u %o %u %u%c",
		    u->u_kind, 0, u->u_path, 0, u->u_temp, 0,
		    (unsigned long long)u->u_ino, 0, u->u_was.o_mode,
		    u->u_was.o_uid, u->u_was.o_gid, u->u_is.o_mode,
		    u->u_is.o_uid, u->u_is.o_gid, 0);
}

int
journal_write(struct commit *c, enum commit_state state)
{
	int dirfd = c->c_layer->l_dirfd;
	int fd = openat(dirfd, "journal.new",
	    O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	FILE *f = fd != -1 ? fdopen(fd, "w") : NULL;
	bool good = f != NULL;

	c->c_state = state;
	if (good) {
		put_journal(c, f);
		good = fflush(f) == 0 && ferror(f) == 0 && fsync(fd) == 0;
		good = fclose(f) == 0 && good;
	}
	if (!good || renameat(dirfd, "journal.new", dirfd, "journal") == -1 ||
	    fsync(dirfd) == -1)
		return complain_errno("journal");
	commit_step();
	return STATUS_OK;
}

int
journal_remove(struct commit *c)
{
	if (unlinkat(c->c_layer->l_dirfd, "journal", 0) == -1 ||
	    fsync(c->c_layer->l_dirfd) == -1)
		return complain_errno("journal");
	c->c_layer->l_journal = false;
	return STATUS_OK;
}

/*
 * Read
 */

/* A text of words. */
struct words {
	const char *ws_next, *ws_end;
};

static const char *
word(struct words *ws)
{
	const char *w = ws->ws_next;

	if (w >= ws->ws_end)
		return "";
	ws->ws_next += strlen(w) + 1;
	return w;
}

static bool
get_unit(struct words *ws, struct unit *u)
{
	uint64_t ino;

	*u = (struct unit){.u_kind = *word(ws)};
	u->u_path = tool_format("%s", word(ws));
	u->u_temp = tool_format("%s", word(ws));
	if (!parse_number(word(ws), UINT64_MAX, &ino))
		return false;
	u->u_ino = (ino_t)ino;
	return sscanf(word(ws), "%o %u %u %o %u %u", &u->u_was.o_mode,
		   &u->u_was.o_uid, &u->u_was.o_gid, &u->u_is.o_mode,
		   &u->u_is.o_uid, &u->u_is.o_gid) == 6;
}

static bool
get_journal(struct commit *c, struct words *ws)
{
	const char *state, *options;
	uint64_t n;
	size_t i;

	if (strcmp(word(ws), JOURNAL_MAGIC) != 0)
		return false;
	state = word(ws);
	for (i = 0; i < nitems(states) && strcmp(states[i], state) != 0;)
		i++;
	if (i == nitems(states))
		return false;
	c->c_state = (enum commit_state)i;
	options = word(ws);
	c->c_force = strchr(options, 'f') != NULL;
	c->c_own = strchr(options, 'o') != NULL;
	if (!parse_number(word(ws), SIZE_MAX / sizeof(char *), &n))
		return false;
	c->c_paths = tool_alloc(NULL, n * sizeof(c->c_paths[0]));
	c->c_readpaths = true;
	for (c->c_npaths = 0; c->c_npaths < n; c->c_npaths++)
		c->c_paths[c->c_npaths] = tool_format("%s", word(ws));
	if (!parse_number(word(ws), (uint64_t)(ws->ws_end - ws->ws_next), &n))
		return false;
	c->c_units = tool_alloc(NULL, n * sizeof(c->c_units[0]));
	for (c->c_nunits = 0; c->c_nunits < n;)
		if (!get_unit(ws, &c->c_units[c->c_nunits++]))
			return false;
	return ws->ws_next == ws->ws_end;
}

int
journal_read(struct commit *c)
{
	struct words ws;
	struct stat sb;
	char *text;
	ssize_t n = -1;
	int fd = openat(c->c_layer->l_dirfd, "journal", O_RDONLY | O_CLOEXEC);
	bool good;

	if (fd == -1)
		return errno == ENOENT ? STATUS_OK : complain_errno("journal");
	if (fstat(fd, &sb) == -1) {
		(void)close(fd);
		return complain_errno("journal");
	}
	text = tool_alloc(NULL, (size_t)sb.st_size + 1);
	n = read(fd, text, (size_t)sb.st_size);
	(void)close(fd);
	text[n > 0 ? n : 0] = '\0';
	ws = (struct words){text, text + (n > 0 ? n : 0)};
	good = n == sb.st_size && get_journal(c, &ws);
	free(text);
	if (good)
		return STATUS_OK;
	complain(
	    "%s: the journal of the commit is damaged", c->c_layer->l_name);
	return STATUS_FAILED;
}

/*
 * Units
 */

/* Where a unit is: its directory, and both names in it. */
struct spot {
	int sp_dirfd;
	const char *sp_name, *sp_temp;
};

static bool
spot_open(const struct commit *c, const struct unit *u, struct spot *sp)
{
	const char *slash = strrchr(u->u_temp, '/');

	sp->sp_dirfd = host_parent(c->c_root, u->u_path, &sp->sp_name);
	sp->sp_temp = slash != NULL ? slash + 1 : u->u_temp;
	if (sp->sp_dirfd == -1)
		(void)complain_errno(u->u_path);
	return sp->sp_dirfd != -1;
}

static bool
is_inode(const struct spot *sp, const char *name, ino_t ino)
{
	struct stat sb;

	return fstatat(sp->sp_dirfd, name, &sb, AT_SYMLINK_NOFOLLOW) == 0 &&
	       sb.st_ino == ino;
}

static bool
is_done(const struct unit *u, const struct spot *sp)
{
	return is_inode(
	    sp, u->u_kind == 'D' ? sp->sp_temp : sp->sp_name, u->u_ino);
}

static int
set_owner(const struct spot *sp, const struct owner *o)
{
	/* The mode last: it may have bits that a change of owner takes. */
	return fchownat(sp->sp_dirfd, sp->sp_name, o->o_uid, o->o_gid,
		   AT_SYMLINK_NOFOLLOW) == -1 ||
		       fchmodat(sp->sp_dirfd, sp->sp_name, o->o_mode, 0) == -1
		   ? -1
		   : 0;
}

/* To and fro: -1 and errno. */
static int
unit_move(const struct unit *u, const struct spot *sp, bool back)
{
	int fd = sp->sp_dirfd;

	switch (u->u_kind) {
	case 'd':
		return set_owner(sp, back ? &u->u_was : &u->u_is);
	case 'A':
	case 'D':
		/* What is added comes, what is deleted goes. */
		if ((u->u_kind == 'A') != back)
			return renameat2(
			    fd, sp->sp_temp, fd, sp->sp_name, RENAME_NOREPLACE);
		return renameat2(
		    fd, sp->sp_name, fd, sp->sp_temp, RENAME_NOREPLACE);
	default:
		return renameat2(
		    fd, sp->sp_temp, fd, sp->sp_name, RENAME_EXCHANGE);
	}
}

static int
unit_do(const struct commit *c, const struct unit *u, bool back)
{
	struct spot sp;
	int status = STATUS_OK;

	if (!spot_open(c, u, &sp))
		return STATUS_FAILED;
	if (u->u_kind == 'd' || is_done(u, &sp) == back) {
		if (unit_move(u, &sp, back) == -1) {
			complain("%s: cannot be %s: %s", u->u_path,
			    back ? "put back" : "put in place",
			    strerror(errno));
			status = STATUS_FAILED;
		}
	}
	(void)close(sp.sp_dirfd);
	return status;
}

/* The names in the directories are on the disk. */
static int
units_sync(const struct commit *c)
{
	const struct unit *u;
	struct spot sp;
	int status = STATUS_OK;

	for (u = c->c_units; u < c->c_units + c->c_nunits; u++) {
		if (!spot_open(c, u, &sp))
			return STATUS_FAILED;
		if (fsync(sp.sp_dirfd) == -1 && errno != EBADF)
			status = complain_errno(u->u_path);
		(void)close(sp.sp_dirfd);
	}
	return status;
}

int
commit_apply(struct commit *c)
{
	size_t i;

	for (i = 0; i < c->c_nunits; i++) {
		if (unit_do(c, &c->c_units[i], false) != STATUS_OK)
			return STATUS_FAILED;
		commit_step();
	}
	return units_sync(c);
}

int
commit_clean(struct commit *c)
{
	const struct unit *u;
	struct stat sb;
	struct spot sp;
	char *path;
	int status = STATUS_OK;

	for (u = c->c_units; u < c->c_units + c->c_nunits; u++) {
		if (u->u_kind == 'd')
			continue;
		if (!spot_open(c, u, &sp))
			return STATUS_FAILED;
		path =
		    tool_format("/proc/self/fd/%d/%s", sp.sp_dirfd, sp.sp_temp);
		if (lstat(path, &sb) == 0 &&
		    side_remove(&host_side, path, false) != STATUS_OK)
			status = STATUS_FAILED;
		free(path);
		(void)close(sp.sp_dirfd);
		commit_step();
	}
	return status;
}

int
commit_undo(struct commit *c)
{
	size_t i;

	if (c->c_state == COMMIT_APPLIED) {
		complain("%s: has been committed; --continue removes what is "
			 "left of it",
		    c->c_layer->l_name);
		return STATUS_FAILED;
	}
	for (i = c->c_nunits; c->c_state == COMMIT_READY && i-- > 0;) {
		if (unit_do(c, &c->c_units[i], true) != STATUS_OK)
			return STATUS_FAILED;
		commit_step();
	}
	if (units_sync(c) != STATUS_OK || commit_clean(c) != STATUS_OK)
		return STATUS_FAILED;
	return journal_remove(c);
}
