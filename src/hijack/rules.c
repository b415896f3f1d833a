/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rules: whose a path is, if only some names are the kernel's.
 *
 * What the program names is one tree: the host's, with the kernel's root shown
 * at a directory of it (hr_prefix), whether there is one or not, and names that
 * are the kernel's as they are (hr_blanket).  A path in it without dots and
 * symbolic links says whose it is (in_kernel).  Others are walked here until
 * they do: dots lead out of the kernel and into it, and so do symbolic links
 * of the host.  Those of the kernel stay there, as it follows them itself.
 *
 * Most paths need no walk: those that begin with the prefix, and those that do
 * not mention it and have no symbolic links, which the host says at once.
 */
#include <linux/fcntl.h>
#include <linux/openat2.h>

#include "hijack/engine.h"

/* Older headers do not know them. */
#define NR_STATMOUNT 457
#define NR_LISTMOUNT 458

#define MOSTLINKS 40 /* as the host follows */

struct walk {
	char *w_at;	    /* where we are: absolute, no slash at its end */
	const char *w_rest; /* what is still to be walked */
	size_t w_inside;    /* a longer rest is of a link of the kernel's */
	int w_links;
	const char *w_tail; /* what follows w_at if there is no more to walk */
	int w_crossed;	    /* the host could not walk so */
	char w_text[HJ_PATHMAX]; /* w_rest is in here */
};

/* Where an absolute path is in the kernel ("" is its root); NULL: it is not. */
static const char *
in_kernel(const char *path)
{
	const struct hj_rules *hr = &hj_control->hc_rules;
	const char *rest;

	for (const char *p = hr->hr_blanket; *p != '\0';
	     p += hj_strlen(p) + 1) {
		if (hj_after(path, p) != NULL)
			return path;
	}
	rest = hr->hr_prefix[0] != '\0' ? hj_after(path, hr->hr_prefix) : NULL;
	return rest != NULL && (*rest == '\0' || *rest == '/') ? rest : NULL;
}

/* How a path of the kernel's is called, in place: its length. */
long
hj_rules_show(char path[HJ_PATHMAX])
{
	const char *prefix = hj_control->hc_rules.hr_prefix;
	size_t n = hj_strlen(prefix), len = hj_strlen(path);

	if (n == 0)
		return (long)len;
	if (n + len >= HJ_PATHMAX)
		return -ENAMETOOLONG;
	if (len == 1)
		len = 0;
	memmove(path + n, path, len);
	memcpy(path, prefix, n);
	path[n + len] = '\0';
	return (long)(n + len);
}

/* The first name in a path; its length, 0: there is none. */
static size_t
name_first(const char **path)
{
	const char *p = *path;

	while (*p == '/')
		p++;
	*path = p;
	while (*p != '\0' && *p != '/')
		p++;
	return (size_t)(p - *path);
}

static int
is_dots(const char *name, size_t n)
{
	return n == 2 && name[0] == '.' && name[1] == '.';
}

static int
has_dots(const char *path)
{
	size_t n;

	for (; (n = name_first(&path)) > 0; path += n) {
		if (is_dots(path, n))
			return 1;
	}
	return 0;
}

/* Whether one of the names begins with the last one of a path of the rules. */
static int
mentions(const char *path, const char *rule)
{
	const char *last = hj_basename(rule);
	size_t n;

	for (; (n = name_first(&path)) > 0; path += n) {
		if (hj_after(path, last) != NULL)
			return 1;
	}
	return 0;
}

static int
mentions_any(const char *path)
{
	const struct hj_rules *hr = &hj_control->hc_rules;

	for (const char *p = hr->hr_blanket; *p != '\0';
	     p += hj_strlen(p) + 1) {
		if (mentions(path, p))
			return 1;
	}
	return hr->hr_prefix[0] != '\0' && mentions(path, hr->hr_prefix);
}

/* Whether the host would follow a symbolic link, or we cannot know. */
static int
has_links(long dirfd, const char *path, int follow)
{
	const struct open_how how = {
	    .flags = O_PATH | O_CLOEXEC | (follow ? 0U : O_NOFOLLOW),
	    .resolve = RESOLVE_NO_SYMLINKS};
	long r = hj_raw4(__NR_openat2, dirfd, path, &how, sizeof(how));

	if (HJ_FAILED(r))
		return r != -ENOENT && r != -ENOTDIR && r != -EACCES;
	hj_raw1(__NR_close, r);
	return 0;
}

/* Where the kernel is shown need not be on the host, nor what leads there. */
static int
leads_there(const char *at)
{
	const char *rest = hj_after(hj_control->hc_rules.hr_prefix, at);

	return rest != NULL && *rest == '/';
}

/*
 * The walk
 */

/* Where a relative path begins. */
static long
walk_begin(struct hj_thread *t, struct walk *w, long dirfd)
{
	const long args[6] = {(long)w->w_at, HJ_PATHMAX};
	char link[32];
	long n;

	if ((int)dirfd != AT_FDCWD) {
		hj_fd_link(link, (int)dirfd);
		n = hj_fd_iskernel(t, (int)dirfd)
			? hj_own_fdpath(t, (int)dirfd, w->w_at)
			: 0;
	} else {
		hj_append(link, "/proc/self/cwd");
		n = t->t_proc->p_hostcwd ? 0
					 : hj_kernel(t, HJ_K___getcwd, args);
	}
	if (n < 0)
		return n;
	if (n > 0) {
		n = hj_rules_show(w->w_at);
		if (n == 1)
			w->w_at[0] = '\0';
		return n;
	}
	n = hj_raw4(__NR_readlinkat, AT_FDCWD, link, w->w_at, HJ_PATHMAX - 1);
	if (HJ_FAILED(n))
		return n;
	w->w_at[n == 1 ? 0 : n] = '\0';
	return 0;
}

/* Whether dots lead from there to anywhere: there is a directory. */
static int
is_directory(struct hj_thread *t, const char *at)
{
	char path[HJ_PATHMAX];
	const char *there = in_kernel(at);
	const long args[6] = {(long)path, 0 /* F_OK */};

	if (*at == '\0' || leads_there(at) || (there != NULL && *there == '\0'))
		return 1;
	if (hj_strlen(at) + 3 > sizeof(path))
		return 0;
	hj_append(hj_append(path, there != NULL ? there : at), "/.");
	return (there != NULL
		       ? hj_kernel(t, HJ_K_access, args)
		       : hj_raw3(__NR_faccessat, AT_FDCWD, path, 0)) == 0;
}

/* Without the last name, but not out of the kernel if a link of its says so. */
static void
walk_up(struct walk *w, int inside)
{
	const char *there = in_kernel(w->w_at);
	char *last = w->w_at + hj_strlen(w->w_at);

	if (inside && there != NULL && *there == '\0')
		return;
	while (last > w->w_at && *--last != '/')
		;
	*last = '\0';
}

static long
walk_down(struct walk *w, size_t n)
{
	size_t len = hj_strlen(w->w_at);

	if (len + n + 2 > HJ_PATHMAX)
		return -ENAMETOOLONG;
	w->w_at[len] = '/';
	memcpy(w->w_at + len + 1, w->w_rest, n);
	w->w_at[len + 1 + n] = '\0';
	return 0;
}

/* Go on with this, and then what follows the first n bytes of the rest. */
static long
walk_with(struct walk *w, const char *text, size_t n)
{
	size_t len = hj_strlen(text), more = hj_strlen(w->w_rest + n);

	if (++w->w_links > MOSTLINKS)
		return -ELOOP;
	if (len + more >= HJ_PATHMAX)
		return -ENAMETOOLONG;
	memmove(w->w_text + len, w->w_rest + n, more + 1);
	memcpy(w->w_text, text, len);
	w->w_rest = w->w_text;
	return 0;
}

/* What a symbolic link says, if there is one; 0: there is none. */
static long
read_link(struct hj_thread *t, const char *at, char *text)
{
	const char *there = in_kernel(at);
	const long args[6] = {(long)there, (long)text, HJ_PATHMAX - 1};
	long n;

	if (there == NULL)
		n = hj_raw4(
		    __NR_readlinkat, AT_FDCWD, at, text, HJ_PATHMAX - 1);
	else
		n = *there == '\0' ? -EINVAL
				   : hj_kernel(t, HJ_K_readlink, args);
	if (HJ_FAILED(n) || n == HJ_RESTART)
		return n == -EINVAL ? 0 : n;
	text[n] = '\0';
	return n;
}

/*
 * We have come down to w_at by n bytes of the rest, perhaps a symbolic link.
 * 0: go on; 1: it ends here.
 */
static long
walk_link(struct hj_thread *t, struct walk *w, size_t n)
{
	char text[HJ_PATHMAX];
	const char *there = in_kernel(w->w_at);
	size_t more = hj_strlen(w->w_rest + n);
	long len = read_link(t, w->w_at, text);

	if (len < 0 || len == 0) {
		w->w_rest += n;
		return len < 0 && !leads_there(w->w_at);
	}
	if (there != NULL && w->w_inside > more)
		w->w_inside = more;
	if (text[0] != '/') {
		walk_up(w, 0);
	} else if (there == NULL) {
		w->w_at[0] = '\0';
	} else if (hj_control->hc_rules.hr_prefix[0] != '\0') {
		hj_append(w->w_at, hj_control->hc_rules.hr_prefix);
	} else {
		/* It may be where no name leads. */
		w->w_rest += n;
		return 1;
	}
	return walk_with(w, text, n);
}

/*
 * In /proc links are not what they say.  Those of our own that lead to the
 * kernel, and where dots lead out again, we know.  0: go on; 1: it ends here.
 */
static long
walk_proc(struct hj_thread *t, struct walk *w, int follow)
{
	char path[HJ_PATHMAX], own[HJ_PATHMAX];
	size_t n = hj_strlen(w->w_at);
	long r;
	int fd;

	if (n + hj_strlen(w->w_rest) + 2 > sizeof(path))
		return 1;
	hj_append(path, w->w_at);
	path[n] = '/';
	hj_append(path + n + 1, w->w_rest);
	hj_path_normalize(path);
	if (hj_after(path, "/proc") == NULL)
		r = walk_with(w, path, hj_strlen(w->w_rest));
	else if (hj_own_find(t, path, follow, own, &fd)) {
		/* The host does not know it. */
		w->w_crossed = 1;
		r = walk_with(w, own, hj_strlen(w->w_rest));
	} else
		return 1;
	w->w_at[0] = '\0';
	return r;
}

static int
in_proc(const char *path)
{
	const char *rest = hj_after(path, "/proc");

	return rest != NULL && (*rest == '\0' || *rest == '/');
}

/* One name.  0: go on; 1: w_at and w_rest say it. */
static long
walk_once(struct hj_thread *t, struct walk *w, int follow)
{
	const char *there = in_kernel(w->w_at), *rest;
	size_t n;
	long r;

	if (there != NULL) {
		w->w_crossed = 1;
		if (!has_dots(w->w_rest))
			return 1;
	} else if (in_proc(w->w_at))
		return walk_proc(t, w, follow);
	if (*w->w_rest == '/' && w->w_tail[0] == '\0')
		w->w_tail = "/";
	n = name_first(&w->w_rest);
	if (n == 0)
		return 1;
	if (n == 1 && *w->w_rest == '.') {
		w->w_tail = "/.";
		w->w_rest += n;
		return 0;
	}
	w->w_tail = "";
	if (is_dots(w->w_rest, n)) {
		if (!is_directory(t, w->w_at))
			return 1;
		walk_up(w, hj_strlen(w->w_rest) > w->w_inside);
		w->w_rest += n;
		return 0;
	}
	r = walk_down(w, n);
	if (r != 0)
		return r;
	rest = w->w_rest + n;
	if ((*rest == '\0' && !follow) || in_proc(w->w_at) ||
	    (in_kernel(w->w_at) != NULL && !has_dots(rest))) {
		w->w_rest = rest;
		return 0;
	}
	return walk_link(t, w, n);
}

/* Where it has come to, as a path of whose it is. */
static long
walk_end(struct walk *w)
{
	const char *there = in_kernel(w->w_at);
	size_t n = hj_strlen(w->w_at), more = hj_strlen(w->w_rest);

	if (there == NULL && !w->w_crossed && !in_proc(w->w_at))
		return HJ_HOST_SAME;
	if (n + more + 4 > HJ_PATHMAX)
		return -ENAMETOOLONG;
	if (more == 0) {
		w->w_rest = w->w_tail;
		more = hj_strlen(w->w_tail);
	}
	if (more > 0 && *w->w_rest != '/')
		w->w_at[n++] = '/';
	memcpy(w->w_at + n, w->w_rest, more + 1);
	if (there != NULL)
		memmove(w->w_at, there, hj_strlen(there) + 1);
	if (w->w_at[0] == '\0')
		hj_append(w->w_at, "/");
	return there != NULL ? HJ_KERNEL_PATH : HJ_HOST_PATH;
}

/*
 * Whose is a path: of HJ_HOST_* or HJ_KERNEL_*, or a negative errno.  found is
 * where, but for *_SAME.  follow: a symbolic link at its end, too.
 */
long
hj_rules_find(struct hj_thread *t, long dirfd, unsigned long path, int follow,
    char found[HJ_PATHMAX])
{
	struct walk w = {.w_at = found, .w_inside = HJ_PATHMAX, .w_tail = ""};
	int host = hj_path_begins_on_host(t, dirfd, path);
	const char *there;
	long r = hj_copyinstr(w.w_text, path, HJ_PATHMAX);

	w.w_rest = w.w_text;
	if (r > 0 && w.w_text[0] == '/') {
		there = in_kernel(w.w_text);
		if (there != NULL && !has_dots(w.w_text)) {
			hj_append(found, *there == '\0' ? "/" : there);
			return HJ_KERNEL_PATH;
		}
		host = 1;
	}
	/* What is wrong with it says whose it is. */
	if (r <= 0)
		return host ? HJ_HOST_SAME : HJ_KERNEL_SAME;
	if (!host && !has_dots(w.w_text))
		return HJ_KERNEL_SAME;
	if (host && !mentions_any(w.w_text) &&
	    !has_links(dirfd, w.w_text, follow))
		return HJ_HOST_SAME;
	found[0] = '\0';
	r = w.w_text[0] == '/' ? 0 : walk_begin(t, &w, dirfd);
	if (r < 0)
		return host ? HJ_HOST_SAME : r;
	w.w_crossed = !host;
	do
		r = walk_once(t, &w, follow);
	while (r == 0);
	return r < 0 ? r : walk_end(&w);
}

/* The path of a call that only the kernel makes: EPERM if it is not its. */
long
hj_rules_kernel(
    struct hj_thread *t, unsigned long path, char found[HJ_PATHMAX], long *at)
{
	long r = hj_rules_find(t, AT_FDCWD, path, 1, found);

	*at = r == HJ_KERNEL_PATH ? (long)found : (long)path;
	if (r < 0)
		return r;
	return r == HJ_KERNEL_PATH || r == HJ_KERNEL_SAME ? 0 : -EPERM;
}

/* A call without a path: but for files the host's. */
long
hj_rules_call(struct hj_thread *t, unsigned long nr, const struct hj_rule *rule,
    const long *args)
{
	const long none[6] = {0};

	int mounts = nr == NR_STATMOUNT || nr == NR_LISTMOUNT;

	if (rule->r_rule == HJ_HOST &&
	    !(mounts && (hj_control->hc_rules.hr_calls & HJ_CALLS_MOUNTS) == 0))
		return -(long)rule->r_errno;
	if (nr == __NR_sync)
		hj_kernel(t, HJ_K_sync, none);
	return hj_window(t, (long)nr, args);
}
