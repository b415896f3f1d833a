/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A sequence of calls: each is done on both sides, then result and tree are
 * compared.
 *
 * Times.  What a call sets a time to is compared if it is far from now; all
 * that are near are the same.  Besides it is compared which times of which
 * files a call has changed, if the host lets that be seen.  For the rules
 * about the time of access, all files get certain times before some of the
 * calls: the mark of the call says which.
 *
 * Numbers of inodes and devices are each side's own: a number of the host's
 * always goes with the same one of the kernel's.
 *
 * Not done by the kernel, because the host's administrator may forbid it: a
 * link to somebody else's file (fs.protected_hardlinks).  Where the other
 * fs.protected_* are in force, no file gets the sticky bit.
 */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vfs.h"

#define NEAR	(24 * 60 * 60)
#define MAXINOS 4096

/* Of access and of modification. */
static const struct timespec marks[][2] = {
    {{0, 0}, {0, 0}},
    {{1000000, 1}, {2000000, 1}},
    {{4102444000, 1}, {2000000, 1}},
    {{2000000, 1}, {1000000, 1}},
};

bool verbose, quiet, noatime;
int layer_at;
const char *volatile doing;
const struct call *volatile doing_call;
volatile unsigned long doing_count;

/* What a file's times were when it was last looked at, on each side. */
struct before {
	ino_t b_ino;
	struct stat b_stat[NSIDES];
};

static struct ino {
	ino_t i_ino[NSIDES];
} inos[MAXINOS];
static int ninos;
static struct before before[MAXNODES];
static int nbefore;
static time_t began;
static bool lenient; /* a call was not done: times may differ */
static bool layered; /* what was there has become a lower layer */

static bool
near(const struct timespec *ts)
{
	return ts->tv_sec > began - NEAR && ts->tv_sec < began + NEAR;
}

static bool
time_same(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static bool
time_agrees(const struct timespec *h, const struct timespec *r)
{
	return (near(h) && near(r)) || time_same(h, r);
}

/* Do these two always go together? */
static bool
ino_agrees(ino_t h, ino_t r)
{
	int i;

	for (i = ninos; i-- > 0;)
		if (inos[i].i_ino[HOST] == h || inos[i].i_ino[RUMP] == r)
			return inos[i].i_ino[HOST] == h &&
			       inos[i].i_ino[RUMP] == r;
	if (ninos < MAXINOS)
		inos[ninos++] = (struct ino){{h, r}};
	return true;
}

/* What two files' times differ in, or NULL. */
static const char *
times_compare(const struct stat *h, const struct stat *r)
{
	return !noatime && !time_agrees(&h->st_atim, &r->st_atim) ? "atime"
	       : !time_agrees(&h->st_mtim, &r->st_mtim)		  ? "mtime"
	       : !time_agrees(&h->st_ctim, &r->st_ctim)		  ? "ctime"
								  : NULL;
}

/*
 * What two files differ in, or NULL.  A directory of several layers has the
 * size that its upper one has.  Copying up makes a file anew, without room
 * that was not used, and changes the directory.
 */
static const char *
stat_compare(const struct stat *h, const struct stat *r)
{
	bool sized = !layered || !S_ISDIR(h->st_mode);

	return h->st_mode != r->st_mode			  ? "mode"
	       : h->st_uid != r->st_uid			  ? "uid"
	       : h->st_gid != r->st_gid			  ? "gid"
	       : h->st_nlink != r->st_nlink		  ? "nlink"
	       : sized && h->st_size != r->st_size	  ? "size"
	       : !layered && h->st_blocks != r->st_blocks ? "blocks"
	       : h->st_blksize != r->st_blksize		  ? "blksize"
	       : h->st_rdev != r->st_rdev		  ? "rdev"
	       : !ino_agrees(h->st_ino, r->st_ino)	  ? "ino"
	       : lenient				  ? NULL
							  : times_compare(h, r);
}

static int
by_name(const void *a, const void *b)
{
	return strcmp((*(struct dirent64 *const *)a)->d_name,
	    (*(struct dirent64 *const *)b)->d_name);
}

static int
entries_sort(const struct result *r, const struct dirent64 **d)
{
	int n = 0;

	for (size_t at = 0; at < r->r_len; at += d[n - 1]->d_reclen)
		d[n++] = (const void *)(r->r_out + at);
	qsort(d, (size_t)n, sizeof(*d), by_name);
	return n;
}

static const char *
entries_compare(const struct result *h, const struct result *r)
{
	static const struct dirent64 *dh[OUTSIZE / 24], *dr[OUTSIZE / 24];
	int n = entries_sort(h, dh);

	if (n != entries_sort(r, dr))
		return "number of entries";
	for (int i = 0; i < n; i++) {
		if (strcmp(dh[i]->d_name, dr[i]->d_name) != 0)
			return "name of an entry";
		if (dh[i]->d_type != dr[i]->d_type)
			return "type of an entry";
		/* That of ".." may be outside of the tree. */
		if (strcmp(dh[i]->d_name, "..") != 0 &&
		    !ino_agrees(dh[i]->d_ino, dr[i]->d_ino))
			return "inode of an entry";
	}
	return NULL;
}

static const char *
result_compare(
    const struct call *c, const struct result *h, const struct result *r)
{
	const char *kinds = ops[c->c_op].o_kinds;

	/* FIOQSIZE: of the blocks. */
	if (layered && strcmp(ops[c->c_op].o_name, "ask") == 0 &&
	    (c->c_arg[1] & 3) == 1)
		return (h->r_ret < 0) != (r->r_ret < 0) ? "result" : NULL;
	if (h->r_ret != r->r_ret)
		return "result";
	if (h->r_errno != r->r_errno)
		return "errno";
	if (strchr(kinds, K_STAT) != NULL)
		return h->r_ret == 0 ? stat_compare(&h->r_stat, &r->r_stat)
				     : NULL;
	if (strchr(kinds, K_ENTRIES) != NULL)
		return entries_compare(h, r);
	return memcmp(h->r_out, r->r_out, h->r_len) != 0 ? "data" : NULL;
}

/*
 * Trees
 */

/* Has the same been changed since the last scan? */
static bool
same_changes(const struct stat was[NSIDES], const struct stat *h,
    const struct stat *r, size_t offset)
{
	const struct timespec *t[] = {
	    (const void *)((const char *)&was[HOST] + offset),
	    (const void *)((const char *)h + offset),
	    (const void *)((const char *)&was[RUMP] + offset),
	    (const void *)((const char *)r + offset),
	};

	return time_same(t[0], t[1]) == time_same(t[2], t[3]);
}

static const char *
change_compare(const struct stat *h, const struct stat *r)
{
	const struct stat *was;
	int i;

	for (i = 0; i < nbefore && before[i].b_ino != h->st_ino; i++)
		continue;
	if (i == nbefore || lenient)
		return NULL;
	was = before[i].b_stat;
	return !noatime &&
		       !same_changes(was, h, r, offsetof(struct stat, st_atim))
		   ? "change of atime"
	       : !same_changes(was, h, r, offsetof(struct stat, st_mtim))
		   ? "change of mtime"
	       : !layered &&
		       !same_changes(was, h, r, offsetof(struct stat, st_ctim))
		   ? "change of ctime"
		   : NULL;
}

static const char *
node_compare(const struct node *h, const struct node *r)
{
	const char *what;

	if (h->n_errno != r->n_errno)
		return "errno";
	if ((what = stat_compare(&h->n_stat, &r->n_stat)) != NULL)
		return what;
	if (h->n_sum != r->n_sum)
		return "contents";
	return hostrules.hr_ticks ? change_compare(&h->n_stat, &r->n_stat)
				  : NULL;
}

static void
remember(const struct scan *h, const struct scan *r)
{
	nbefore = h->s_count;
	for (int i = 0; i < nbefore; i++) {
		const struct stat *sh = &h->s_node[i].n_marked;
		const struct stat *sr = &r->s_node[i].n_marked;

		before[i] = (struct before){sh->st_ino, {*sh, *sr}};
	}
}

static bool
trees_agree(int mark, bool deep)
{
	const struct timespec *times =
	    mark != 0 || lenient ? marks[mark] : NULL;
	const struct scan *h, *r;
	const char *what = NULL;
	int i;

	doing = "scanning the host's tree";
	h = host_scan(times, deep);
	doing = "scanning the kernel's tree";
	r = rump_scan(times, deep);
	for (i = 0; i < h->s_count && i < r->s_count; i++) {
		const struct node *nh = &h->s_node[i], *nr = &r->s_node[i];
		const char *path = h->s_names + nh->n_path;

		if (strcmp(path, r->s_names + nr->n_path) != 0)
			break;
		if ((what = node_compare(nh, nr)) == NULL)
			continue;
		if (quiet)
			return false;
		fprintf(stderr, "    .%s differs: %s\n    host: errno %d, ",
		    path, what, nh->n_errno);
		stat_print(stderr, &nh->n_stat);
		fprintf(stderr, "\n    rump: errno %d, ", nr->n_errno);
		stat_print(stderr, &nr->n_stat);
		fprintf(stderr, "\n");
		return false;
	}
	remember(h, r);
	generate_tree(h);
	lenient = false;
	if (i == h->s_count && i == r->s_count)
		return true;
	if (!quiet)
		fprintf(stderr, "    host has .%s, rump has .%s\n",
		    i < h->s_count ? h->s_names + h->s_node[i].n_path : "",
		    i < r->s_count ? r->s_names + r->s_node[i].n_path : "");
	return false;
}

/*
 * Calls
 */

/* May the host have refused what the kernel would not? */
static bool
forbidden(const struct call *c, const struct result *h)
{
	return hostrules.hr_hardlinks && h->r_errno == EPERM && have_ids &&
	       c->c_proc != 0 && strncmp(ops[c->c_op].o_name, "link", 4) == 0;
}

static bool
call_agrees(const struct call *c, const struct result **hp)
{
	static const struct result skipped = {.r_skipped = true};
	const struct result *h, *r = &skipped;
	const char *what = NULL;

	doing_call = c;
	doing_count++;
	doing = "host";
	*hp = h = host_call(c);
	doing = "rump";
	lenient = forbidden(c, h);
	if (!lenient) {
		r = rump_call(c);
		what = result_compare(c, h, r);
	}
	if (!quiet && (verbose || what != NULL)) {
		fflush(stdout);
		call_print(stderr, c);
		result_print(stderr, "host", c, h);
		result_print(stderr, "rump", c, r);
	}
	if (what != NULL && !quiet)
		fprintf(stderr, "    %s differs\n", what);
	return what == NULL;
}

/* What is there becomes the lower layer of an overlay. */
static void
layer_begin(void)
{
	const struct scan *s = host_scan(NULL, false);

	host_again();
	rump_again();
	generate_begin(false);
	generate_tree(s);
	layered = true;
	ninos = nbefore = 0;
}

bool
sequence_run(struct sequence *q, int want)
{
	const struct result *h;
	bool same = true;
	int i = 0;

	ninos = nbefore = 0;
	lenient = layered = false;
	began = time(NULL);
	generate_begin(layer_at > 0);
	doing = "beginning";
	host_begin();
	rump_begin();
	while (same) {
		if (i == layer_at && i > 0)
			layer_begin();
		if (i == q->q_count && i < want)
			generate(&q->q_call[q->q_count++]);
		same = i == q->q_count
			   ? trees_agree(0, true)
			   : trees_agree(q->q_call[i].c_mark, false);
		if (!same && !quiet && !verbose && i > 0)
			call_print(stderr, &q->q_call[i - 1]);
		if (!same || i == q->q_count)
			break;
		same = call_agrees(&q->q_call[i], &h);
		generate_done(&q->q_call[i++], h);
	}
	if (!same)
		q->q_count = i;
	doing = "ending";
	host_end();
	rump_end();
	return same;
}

/* Leave out as many calls as can be, in pieces that get smaller. */
void
sequence_shrink(struct sequence *q)
{
	static struct sequence less;
	bool was = quiet;
	int piece, at;

	quiet = true;
	for (piece = q->q_count / 2; piece > 0;) {
		bool any = false;

		for (at = q->q_count - piece; at >= 0; at -= piece) {
			less = *q;
			memmove(&less.q_call[at], &less.q_call[at + piece],
			    (size_t)(q->q_count - at - piece) *
				sizeof(less.q_call[0]));
			less.q_count -= piece;
			if (sequence_run(&less, 0))
				continue;
			*q = less;
			any = true;
			if (at > q->q_count)
				at = q->q_count;
		}
		if (!any || piece > 1)
			piece /= 2;
	}
	/* Marks that do not matter. */
	for (at = 0; at < q->q_count; at++) {
		less = *q;
		less.q_call[at].c_mark = 0;
		if (!sequence_run(&less, 0))
			*q = less;
	}
	quiet = was;
}
