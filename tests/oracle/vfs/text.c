/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calls and results as text, and calls back from it.  A call is a line:
 *
 *	PROCESS[@MARK] NAME(ARGUMENT, ...)
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vfs.h"

#define N(name)             \
	{                   \
#name, name \
	}

static const struct name {
	const char *n_name;
	long n_value;
} open_names[] = {N(O_WRONLY), N(O_RDWR), N(O_CREAT), N(O_EXCL), N(O_NOCTTY),
    N(O_TRUNC), N(O_APPEND), N(O_NONBLOCK), N(O_SYNC), N(O_DSYNC), N(O_ASYNC),
    N(O_DIRECT), {"O_LARGEFILE", 0100000}, N(O_TMPFILE), N(O_DIRECTORY),
    N(O_NOFOLLOW), N(O_NOATIME), N(O_CLOEXEC), N(O_PATH), {NULL, 0}},
  at_names[] = {N(AT_SYMLINK_NOFOLLOW), N(AT_REMOVEDIR), N(AT_SYMLINK_FOLLOW),
      N(AT_NO_AUTOMOUNT), N(AT_EMPTY_PATH), {NULL, 0}},
  rename_names[] = {N(RENAME_NOREPLACE), N(RENAME_EXCHANGE), N(RENAME_WHITEOUT),
      {NULL, 0}},
  fd_names[] = {N(AT_FDCWD), {NULL, 0}},
  whence_names[] = {N(SEEK_SET), N(SEEK_CUR), N(SEEK_END), N(SEEK_DATA),
      N(SEEK_HOLE), {NULL, 0}},
  fcntl_names[] = {N(F_DUPFD), N(F_DUPFD_CLOEXEC), N(F_GETFD), N(F_SETFD),
      N(F_GETFL), N(F_SETFL), {NULL, 0}},
  where_names[] = {N(NOWHERE), N(UNMAPPED), N(KERNEL), N(INPLACE), {NULL, 0}};

/* The names of a kind's values; *bits: they are put together. */
static const struct name *
names_of(enum kind k, bool *bits)
{
	*bits = false;
	switch (k) {
	case K_OPEN:
	case K_FCNTLARG:
		*bits = true;
		return open_names;
	case K_AT:
		*bits = true;
		return at_names;
	case K_RENAME:
		*bits = true;
		return rename_names;
	case K_FD:
	case K_DIRFD:
		return fd_names;
	case K_WHENCE:
		return whence_names;
	case K_FCNTL:
		return fcntl_names;
	default:
		return NULL;
	}
}

static void
value_print(FILE *f, enum kind k, long v)
{
	const struct name *n;
	const char *bar = "";
	bool bits;

	if (k == K_MODE || k == K_MKNOD) {
		fprintf(f, "0%lo", (unsigned long)v);
		return;
	}
	if ((n = names_of(k, &bits)) == NULL) {
		fprintf(f, "%ld", v);
		return;
	}
	for (; n->n_name != NULL; n++) {
		if (bits ? (v & n->n_value) != n->n_value : v != n->n_value)
			continue;
		fprintf(f, "%s%s", bar, n->n_name);
		bar = "|";
		v -= n->n_value;
		if (!bits)
			return;
	}
	if (v != 0 || *bar == '\0')
		fprintf(f, bits ? "%s%#lx" : "%s%ld", bar, v);
}

static void
argument_print(FILE *f, enum kind k, long v, const char *s)
{
	if (k == K_DATA && v >= 0)
		fprintf(f, "%ld", v);
	else if (kind_ispointer(k) && (k != K_DATA ? v : -v) != INPLACE) {
		for (const struct name *n = where_names; n->n_name; n++)
			if (n->n_value == (k != K_DATA ? v : -v))
				fprintf(f, "%s", n->n_name);
	} else if (kind_istext(k))
		fprintf(f, "\"%s\"", s);
	else if (kind_ispointer(k))
		fprintf(f, "INPLACE");
	else
		value_print(f, k, v);
}

void
call_print(FILE *f, const struct call *c)
{
	const struct op *o = &ops[c->c_op];

	fprintf(f, "%d", c->c_proc);
	if (c->c_mark != 0)
		fprintf(f, "@%d", c->c_mark);
	fprintf(f, " %s(", o->o_name);
	for (int i = 0; o->o_kinds[i] != '\0'; i++) {
		fprintf(f, "%s", i > 0 ? ", " : "");
		argument_print(
		    f, (enum kind)o->o_kinds[i], c->c_arg[i], c->c_str[i]);
	}
	fprintf(f, ")\n");
}

/* A name or number off the front of *sp. */
static bool
word_parse(const char **sp, const struct name *n, long *v)
{
	size_t len =
	    strspn(*sp, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz"
			"0123456789-");
	char *end;

	if (isdigit((unsigned char)**sp) || **sp == '-') {
		*v = strtol(*sp, &end, 0);
		*sp = end;
		return true;
	}
	for (; n != NULL && n->n_name != NULL; n++) {
		if (strlen(n->n_name) == len &&
		    strncmp(n->n_name, *sp, len) == 0) {
			*v = n->n_value;
			*sp += len;
			return true;
		}
	}
	return false;
}

static bool
argument_parse(const char **sp, enum kind k, long *v, char *str)
{
	const struct name *n;
	const char *end;
	bool bits;
	long more;

	if (**sp == '"' && kind_istext(k)) {
		end = strchr(++*sp, '"');
		if (end == NULL || end - *sp >= STRLEN)
			return false;
		memcpy(str, *sp, (size_t)(end - *sp));
		*v = INPLACE;
		*sp = end + 1;
		return true;
	}
	n = kind_ispointer(k) ? where_names : names_of(k, &bits);
	if (k == K_DATA && !isdigit((unsigned char)**sp)) {
		if (!word_parse(sp, n, v))
			return false;
		*v = -*v;
		return true;
	}
	if (!word_parse(sp, n, v))
		return false;
	while (**sp == '|') {
		++*sp;
		if (!word_parse(sp, n, &more))
			return false;
		*v |= more;
	}
	return true;
}

static const char *
skip(const char *s, const char *what)
{
	return s + strspn(s, what);
}

bool
call_parse(const char *s, struct call *c)
{
	size_t len;
	char *end;

	memset(c, 0, sizeof(*c));
	c->c_proc = (int)strtol(s, &end, 10);
	if (*end == '@')
		c->c_mark = (int)strtol(end + 1, &end, 10);
	if (*end != ' ' || c->c_proc < 0 || c->c_proc >= NPROCS)
		return false;
	s = end + 1;
	len = strcspn(s, "(");
	for (c->c_op = 0; c->c_op < nops; c->c_op++)
		if (strlen(ops[c->c_op].o_name) == len &&
		    strncmp(ops[c->c_op].o_name, s, len) == 0)
			break;
	if (c->c_op == nops || s[len] == '\0')
		return false;
	s += len + 1;
	for (int i = 0; ops[c->c_op].o_kinds[i] != '\0'; i++) {
		s = skip(s, ", ");
		if (!argument_parse(&s, (enum kind)ops[c->c_op].o_kinds[i],
			&c->c_arg[i], c->c_str[i]))
			return false;
	}
	return *s == ')';
}

/*
 * Results
 */

static void
time_print(FILE *f, const char *what, const struct timespec *ts)
{
	fprintf(f, " %s %lld.%09ld", what, (long long)ts->tv_sec, ts->tv_nsec);
}

void
stat_print(FILE *f, const struct stat *st)
{
	fprintf(f,
	    "mode %o uid %d gid %d nlink %lu size %lld blocks %lld rdev %lx "
	    "blksize %ld ino %lu",
	    st->st_mode, (int)st->st_uid, (int)st->st_gid,
	    (unsigned long)st->st_nlink, (long long)st->st_size,
	    (long long)st->st_blocks, (unsigned long)st->st_rdev,
	    (long)st->st_blksize, (unsigned long)st->st_ino);
	time_print(f, "atime", &st->st_atim);
	time_print(f, "mtime", &st->st_mtim);
	time_print(f, "ctime", &st->st_ctim);
}

static void
entries_print(FILE *f, const struct result *r)
{
	for (size_t at = 0; at < r->r_len;) {
		const struct dirent64 *d = (const void *)(r->r_out + at);

		fprintf(f, " %s:%d:%lu", d->d_name, d->d_type,
		    (unsigned long)d->d_ino);
		at += d->d_reclen;
	}
}

void
result_print(
    FILE *f, const char *who, const struct call *c, const struct result *r)
{
	const char *kinds = ops[c->c_op].o_kinds;

	if (r->r_skipped) {
		fprintf(f, "    %s: not done\n", who);
		return;
	}
	fprintf(f, "    %s: %ld", who, r->r_ret);
	if (r->r_ret == -1)
		fprintf(f, " %s", strerrorname_np(r->r_errno));
	else if (strchr(kinds, K_STAT) != NULL) {
		fprintf(f, " ");
		stat_print(f, &r->r_stat);
	} else if (strchr(kinds, K_ENTRIES) != NULL)
		entries_print(f, r);
	else {
		for (long i = 0; i < r->r_ret && (size_t)i < r->r_len; i++) {
			if (i == 40) {
				fprintf(f, "...");
				break;
			}
			fprintf(f, isgraph(r->r_out[i]) ? " %c" : " %02x",
			    r->r_out[i]);
		}
	}
	fprintf(f, "\n");
}
