/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calls with paths: the kernel's, unless the path leads to the host (EREMOTE),
 * which then makes the call, with the path that the kernel says.  A relative
 * path is the host's if its directory is.  What /proc and /dev say of the
 * caller's own descriptors and directories is the kernel's again (own.c).
 */
#include <linux/fcntl.h>
#include <linux/openat2.h>
#include <linux/stat.h>

#include "hijack/engine.h"

#define MOST 2 /* paths in a call */

/* A call that is being made. */
struct attempt {
	const char *a_how; /* letters: hostcalls.conf */
	int a_npaths;
	int a_at[MOST];	  /* which arguments are paths */
	int a_host[MOST]; /* relative to a directory of the host */
};

int
hj_path_isabsolute(unsigned long path)
{
	char first = 0;

	return hj_copyin(&first, path, 1) == 0 && first == '/';
}

/* Whether there are two dots in a path that could be a name. */
int
hj_path_hasdots(unsigned long path)
{
	char text[HJ_PATHMAX];
	long n = hj_copyinstr(text, path, sizeof(text));

	for (long i = 0; i + 1 < n; i++) {
		if (text[i] == '.' && text[i + 1] == '.')
			return 1;
	}
	return 0;
}

/*
 * Take dots out of an absolute path, as if there were no symbolic links.  What
 * the host calls a thing that has no path stays as it is.
 */
void
hj_path_normalize(char *path)
{
	char *to = path;
	const char *from = path, *name;
	size_t n;

	if (*path != '/')
		return;
	while (*from != '\0') {
		while (*from == '/')
			from++;
		for (name = from; *from != '\0' && *from != '/';)
			from++;
		n = (size_t)(from - name);
		if (n == 2 && name[0] == '.' && name[1] == '.') {
			while (to > path && *--to != '/')
				;
		} else if (n > 0 && !(n == 1 && name[0] == '.')) {
			*to++ = '/';
			memmove(to, name, n);
			to += n;
		}
	}
	if (to == path)
		*to++ = '/';
	*to = '\0';
}

/* Whether paths that begin at a directory are the host's. */
int
hj_path_begins_on_host(struct hj_thread *t, long dirfd, unsigned long path)
{
	if ((int)dirfd == AT_FDCWD ? !t->t_proc->p_hostcwd
				   : hj_fd_iskernel(t, (int)dirfd))
		return 0;
	return !hj_path_isabsolute(path);
}

static long
directory_of(const struct attempt *a, int i, const long *args)
{
	int at = a->a_at[i];

	return at > 0 && a->a_how[at - 1] == 'd' ? (int)args[at - 1] : AT_FDCWD;
}

static void
look_at(
    struct hj_thread *t, struct attempt *a, const char *how, const long *args)
{
	a->a_how = how;
	a->a_npaths = 0;
	for (int i = 0; i < HJ_NARGS && how[i] != 0; i++) {
		int n = a->a_npaths;

		if (how[i] != 'p' && how[i] != 'l')
			continue;
		a->a_at[n] = i;
		a->a_host[n] = hj_path_begins_on_host(
		    t, directory_of(a, n, args), (unsigned long)args[i]);
		a->a_npaths++;
	}
}

/* Whether a symbolic link at the end is followed. */
static int
follows(const struct attempt *a, int i, const long *args)
{
	if (a->a_how[a->a_at[i]] == 'l')
		return 0;
	for (int k = 0; k < HJ_NARGS && a->a_how[k] != 0; k++) {
		if (a->a_how[k] == 'a')
			return (args[k] & AT_SYMLINK_NOFOLLOW) == 0;
	}
	return 1;
}

/* Where on the host a path of the kernel leads: 0 or a negative errno. */
long
hj_path_onhost(struct hj_thread *t, long dirfd, unsigned long path, int follow,
    char host[HJ_PATHMAX])
{
	long args[HJ_OPARGS] = {dirfd, follow};
	long n = hj_copyinstr(host, path, HJ_PATHMAX);

	if (n < 0)
		return n;
	n = hj_kernel_op(t, SP_HOSTPATH, args, host, (size_t)n + 1, HJ_PATHMAX);
	return HJ_FAILED(n) ? n : 0;
}

/* Where on the host is what only has a name there: beside the kernel. */
void
hj_path_beside(const char *name, char *path)
{
	const char *server = hj_control->hc_server;
	size_t n = (size_t)(hj_basename(server) - server);

	if (*name == '/')
		n = 0;
	memcpy(path, server, n);
	hj_append(path + n, name);
}

/* The words of a call for the kernel: without those that it has not. */
void
hj_words(const char *how, const long *args, long *words)
{
	int n = 0;

	for (int i = 0; i < HJ_NARGS; i++)
		words[i] = 0;
	for (int i = 0; i < HJ_NARGS && how[i] != 0; i++) {
		if (how[i] == '-')
			continue;
		words[n++] = how[i] == 'd' || how[i] == 'f' || how[i] == 'r' ||
				     how[i] == 's'
				 ? (int)args[i]
				 : args[i];
	}
}

/* The kernel makes it. */
static long
by_kernel(struct hj_thread *t, const struct hj_path *p, const long *words)
{
	t->t_bykernel = 1;
	if (p->p_makes)
		return hj_fd_make(t, p->p_kernel, words, p->p_makes);
	return hj_kernel(t, p->p_kernel, words);
}

/* The one path is one of the caller's own. */
static long
by_own(struct hj_thread *t, const struct hj_path *p, const struct attempt *a,
    const long *args, const char *own)
{
	long words[HJ_NARGS];

	hj_words(a->a_how, args, words);
	words[a->a_at[0]] = (long)own;
	return by_kernel(t, p, words);
}

/* A fifo of the kernel's tree is one beside the kernel while it is open. */
static void
make_fifo(char path[HJ_PATHMAX])
{
	char full[HJ_PATHMAX + HJ_SERVER];

	hj_path_beside(path, full);
	full[HJ_PATHMAX - 1] = '\0';
	hj_append(path, full);
	hj_raw4(__NR_mknodat, AT_FDCWD, path, S_IFIFO | 0600, 0);
}

/* A path of the host's, from its root on and without dots: 0 or an error. */
long
hj_path_full(long dirfd, unsigned long path, char full[HJ_PATHMAX])
{
	char link[32];
	long n = 0;

	if (!hj_path_isabsolute(path)) {
		hj_append(link, "/proc/self/cwd");
		if ((int)dirfd != AT_FDCWD)
			hj_fd_link(link, (int)dirfd);
		n = hj_raw4(__NR_readlinkat, AT_FDCWD, link, full, HJ_PATHMAX);
		if (HJ_FAILED(n))
			return n;
		if (n + 1 >= HJ_PATHMAX)
			return -ENAMETOOLONG;
		full[n++] = '/';
	}
	n = hj_copyinstr(full + n, path, HJ_PATHMAX - (size_t)n);
	if (n < 0)
		return n;
	hj_path_normalize(full);
	return 0;
}

/* Is the host asked for what would change what it needs itself? */
static long
host_check(const struct hj_path *p, const struct attempt *a, const long *args,
    const long *host)
{
	int which;
	enum hj_change change = hj_place_change(p, host, &which);

	if (hj_has_rules() || which >= a->a_npaths)
		return 0;
	return hj_place_check(change, directory_of(a, which, args),
	    (unsigned long)host[a->a_at[which]], follows(a, which, args));
}

/* The directory that a path leads to, on the host: 0 or what the host says. */
static long
host_directory(long dirfd, unsigned long path)
{
	char text[HJ_PATHMAX], *end;
	struct statx st;
	long n = hj_copyinstr(text + 2, path, sizeof(text) - 2);

	if (n < 0)
		return n;
	/* Of a name alone it is the directory itself. */
	memcpy(text, "./", 2);
	for (end = text + 2 + n; end > text + 3 && end[-1] == '/';)
		end--;
	while (end > text + 2 && end[-1] != '/')
		end--;
	*end = '\0';
	return hj_raw5(__NR_statx, dirfd, end == text + 2 ? text : text + 2, 0,
	    STATX_TYPE, &st);
}

/*
 * A call with two paths, of which this one is the host's and the other is not:
 * the host would have looked for what there has to be first.
 */
static long
across(const struct hj_path *p, int which, long dirfd, unsigned long path,
    long flags)
{
	struct statx st;
	long r;

	if (p->p_kernel != HJ_K_link && p->p_kernel != HJ_K_linkat) {
		r = host_directory(dirfd, path);
		return r != 0 ? r : -EXDEV;
	}
	r = hj_raw5(__NR_statx, dirfd, path,
	    which == 0 && (flags & AT_SYMLINK_FOLLOW) != 0
		? 0
		: AT_SYMLINK_NOFOLLOW,
	    STATX_TYPE, &st);
	if (which == 1)
		r = r == 0 ? -EEXIST : host_directory(dirfd, path);
	return r != 0 ? r : -EXDEV;
}

/* A call with two paths, of which the one that is not the host's is not. */
static long
half_host(struct hj_thread *t, const struct hj_path *p, const struct attempt *a,
    int not, const long *args, const long *host)
{
	int which = 1 - not, at = a->a_at[which];
	long dirfd = directory_of(a, which, args), path = host[at];
	char found[HJ_PATHMAX];

	if (not == 0 && !a->a_host[1]) {
		if (hj_path_onhost(t, dirfd, (unsigned long)path, 0, found) !=
		    0)
			return -EXDEV;
		path = (long)found;
	}
	return across(p, which, dirfd, (unsigned long)path,
	    p->p_kernel == HJ_K_linkat ? args[4] : 0);
}

/*
 * The caller's own link in /proc is followed by openat2: an error if it is not
 * to follow such links, or not to leave /proc by them.
 */
static long
magic_check(const struct hj_path *p, const long *args)
{
	const uint64_t scoped =
	    RESOLVE_BENEATH | RESOLVE_IN_ROOT | RESOLVE_NO_XDEV;
	struct open_how how;

	if (p->p_kernel != HJ_K_openat2)
		return 0;
	if (hj_copyin(&how, (unsigned long)args[2], sizeof(how)) != 0)
		return -EFAULT;
	if ((how.resolve & (RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS)) != 0)
		return -ELOOP;
	return (how.resolve & scoped) != 0 ? -EXDEV : 0;
}

/* The host makes the call. */
static long
by_host(struct hj_thread *t, const struct hj_path *p, struct attempt *a,
    const long *args)
{
	char paths[MOST][HJ_PATHMAX], own[HJ_PATHMAX];
	long host[HJ_NARGS], r;
	int fd = -1;

	memcpy(host, p->p_args != NULL ? p->p_args : args, sizeof(host));
	for (int i = 0; i < a->a_npaths; i++) {
		int at = a->a_at[i];

		if (a->a_host[i])
			continue;
		r = hj_path_onhost(t, directory_of(a, i, args),
		    (unsigned long)args[at], follows(a, i, args), paths[i]);
		if (r != 0)
			return a->a_npaths == 1
				   ? r
				   : half_host(t, p, a, i, args, host);
		if (paths[i][0] != '/')
			make_fifo(paths[i]);
		host[at] = (long)paths[i];
	}
	if (a->a_npaths == 1 && !a->a_host[0] &&
	    hj_own_find(t, paths[0], follows(a, 0, args), own, &fd)) {
		r = magic_check(p, args);
		return r != 0 ? r : by_own(t, p, a, args, own);
	}
	if (fd >= 0 && p->p_kernel == HJ_K_openat && hj_fd_iskernel(t, fd))
		return hj_fd_reopen(t, fd, args[2], p->p_makes);
	t->t_bykernel = 0;
	r = host_check(p, a, args, host);
	return r != 0 ? r : hj_window(t, p->p_host, host);
}

/*
 * A path that leads up from a place of the host's: without its dots it may lead
 * back.  *normal is such a path, or NULL.
 */
static long
leave_host(
    const struct attempt *a, const long *args, char *buf, const char **normal)
{
	unsigned long path = (unsigned long)args[a->a_at[0]];
	long dirfd = directory_of(a, 0, args), r;

	*normal = NULL;
	if (!hj_path_hasdots(path) ||
	    (!a->a_host[0] && !hj_path_isabsolute(path)))
		return 0;
	r = hj_path_full(dirfd, path, buf);
	if (r == 0)
		*normal = buf;
	return r;
}

/* By the rules the host makes it; path: where, if not as args say. */
static long
by_rules_host(struct hj_thread *t, const struct hj_path *p, const long *host,
    const char *path)
{
	char own[HJ_PATHMAX];
	int fd = -1;
	long r;

	if (path != NULL && p->p_kernel == HJ_K_openat &&
	    hj_ruled_mounts(t, path, host[2], &r))
		return r;
	/* What is open and has no name any more. */
	if (path != NULL && p->p_kernel == HJ_K_openat &&
	    !hj_own_find(t, path, 1, own, &fd) && hj_fd_iskernel(t, fd))
		return hj_fd_reopen(t, fd, host[2], p->p_makes);
	t->t_bykernel = 0;
	return hj_window(t, p->p_host, host);
}

/* Whoever the rules say. */
static long
by_rules(struct hj_thread *t, const struct hj_path *p, struct attempt *a,
    const long *args)
{
	char found[MOST][HJ_PATHMAX];
	long host[HJ_NARGS], there[HJ_NARGS], words[HJ_NARGS], r = 0;
	int kernel = 0;

	memcpy(host, p->p_args != NULL ? p->p_args : args, sizeof(host));
	memcpy(there, args, sizeof(there));
	for (int i = 0; i < a->a_npaths; i++) {
		int at = a->a_at[i];

		r = hj_rules_find(t, directory_of(a, i, args),
		    (unsigned long)args[at], follows(a, i, args), found[i]);
		if (r < 0)
			return r;
		if (r == HJ_HOST_PATH)
			host[at] = (long)found[i];
		if (r == HJ_KERNEL_PATH)
			there[at] = (long)found[i];
		kernel += r == HJ_KERNEL_SAME || r == HJ_KERNEL_PATH;
		a->a_host[i] = 0;
	}
	if (kernel == 0)
		return by_rules_host(
		    t, p, host, r == HJ_HOST_PATH ? found[0] : NULL);
	if (kernel < a->a_npaths)
		return -EXDEV;
	if (p->p_kernel == HJ_K_name_to_handle_at &&
	    (hj_control->hc_rules.hr_calls & HJ_CALLS_HANDLES) == 0)
		return -EOPNOTSUPP;
	hj_words(a->a_how, there, words);
	r = by_kernel(t, p, words);
	if (r == 0)
		hj_ruled_stat(p->p_kernel, words);
	return r == -EREMOTE ? by_host(t, p, a, there) : r;
}

/* A call with paths, of which p tells; args are as the kernel has them. */
long
hj_path_call(struct hj_thread *t, const struct hj_path *p, const long *args)
{
	char buf[HJ_PATHMAX];
	const char *normal;
	struct attempt a;
	long words[HJ_NARGS], r;

	look_at(t, &a, p->p_how, args);
	if (hj_has_rules())
		return by_rules(t, p, &a, args);
	hj_words(p->p_how, args, words);
	if (!a.a_host[0] && !(a.a_npaths > 1 && a.a_host[1])) {
		r = by_kernel(t, p, words);
		if (r != -EREMOTE)
			return r;
	}
	r = leave_host(&a, args, buf, &normal);
	if (r != 0)
		return r;
	if (normal != NULL) {
		words[a.a_at[0]] = (long)normal;
		r = by_kernel(t, p, words);
		if (r != -EREMOTE)
			return r;
	}
	return by_host(t, p, &a, args);
}
