/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names of sockets.
 *
 * A name is a path, and then what it stands for is the file that bind makes
 * there, or, if it begins with a NUL, just bytes ("abstract"), of which each
 * type of socket has its own.  Once a socket has a name it keeps it.
 *
 * All sockets are in a hash table, those with a name by what it stands for.
 * The locks of its buckets come before so_lock; of two, the lower one first.
 */
#include <stdio.h>

#include "net/local/unsock.h"
#include "vfs/sockname.h"

#define UN_BUCKETS 256

struct bucket {
	struct kmutex b_lock;
	LIST_HEAD(, unsock) b_socks;
} __attribute__((aligned(CACHE_LINE)));

static struct bucket buckets[UN_BUCKETS];
static _Atomic uint32_t autobind_next; /* relaxed: where to begin */

void
unname_init(void)
{
	hyper_random(&autobind_next, sizeof(autobind_next));
}

void
unname_insert(struct unsock *us)
{
	us->us_bucket = (uint32_t)us->us_so.so_ino % UN_BUCKETS;
	mutex_enter(&buckets[us->us_bucket].b_lock);
	LIST_INSERT_HEAD(&buckets[us->us_bucket].b_socks, us, us_names);
	mutex_exit(&buckets[us->us_bucket].b_lock);
}

/* Nobody else gives it a name now. */
void
unname_remove(struct unsock *us)
{
	uint32_t n;

	unsock_enter(us);
	n = us->us_bucket;
	unsock_exit(us);
	mutex_enter(&buckets[n].b_lock);
	LIST_REMOVE(us, us_names);
	mutex_exit(&buckets[n].b_lock);
}

void
unname_each(void (*fn)(struct unsock *, void *), void *arg)
{
	struct unsock *us;
	unsigned i;

	for (i = 0; i < UN_BUCKETS; i++) {
		mutex_enter(&buckets[i].b_lock);
		LIST_FOREACH (us, &buckets[i].b_socks, us_names)
			fn(us, arg);
		mutex_exit(&buckets[i].b_lock);
	}
}

/*
 * Names
 */

void
unaddr_rele(struct unaddr *ua)
{
	/* acq_rel: every holder's use is over before it is freed. */
	if (atomic_fetch_sub_explicit(&ua->ua_refs, 1, memory_order_acq_rel) !=
	    1)
		return;
	if (ua->ua_vnode != NULL) {
		vnode_rele(ua->ua_vnode);
		mount_rele(ua->ua_mount);
	}
	kmem_free(ua, sizeof(*ua));
}

int
unname_check(const struct sockaddr_storage *ss, socklen_t len)
{
	if (len <= UN_OFFSET || len > sizeof(struct sockaddr_un) ||
	    ss->ss_family != AF_UNIX)
		return EINVAL;
	return 0;
}

static const struct sockaddr_un *
ss_to_un(const struct sockaddr_storage *ss)
{
	return (const struct sockaddr_un *)ss;
}

/* The path in a name, with a NUL, or NULL if it is abstract. */
static const char *
unname_path(
    const struct sockaddr_storage *ss, socklen_t len, char path[UNIX_PATH_SIZE])
{
	const struct sockaddr_un *un = ss_to_un(ss);
	size_t n;

	if (un->sun_path[0] == '\0')
		return NULL;
	n = strnlen(un->sun_path, len - UN_OFFSET);
	memcpy(path, un->sun_path, n);
	path[n] = '\0';
	return path;
}

static uint32_t
hash_bytes(const char *p, size_t len, int type)
{
	uint32_t h = 2166136261u + (uint32_t)type;
	size_t i;

	for (i = 0; i < len; i++)
		h = (h ^ (uint8_t)p[i]) * 16777619u;
	return h ^ h >> 15;
}

static uint32_t
hash_vnode(const struct vnode *vp)
{
	return (uint32_t)((uintptr_t)vp * UINT64_C(0x9e3779b97f4a7c15) >> 40);
}

static struct unaddr *
unaddr_alloc(const struct sockaddr_un *un, socklen_t len)
{
	struct unaddr *ua = kmem_zalloc(sizeof(*ua));

	if (ua != NULL) {
		atomic_init(&ua->ua_refs, 1);
		ua->ua_len = len;
		memcpy(&ua->ua_name, un,
		    len < sizeof(ua->ua_name) ? len : sizeof(ua->ua_name));
	}
	return ua;
}

socklen_t
unname_copy(const struct unsock *us, struct sockaddr_storage *ss)
{
	const struct unaddr *ua = unsock_addr(us);

	memset(ss, 0, sizeof(*ss));
	ss->ss_family = AF_UNIX;
	if (ua == NULL)
		return UN_OFFSET;
	memcpy(ss, &ua->ua_name, sizeof(ua->ua_name));
	return ua->ua_len;
}

/*
 * Looking up
 */

/* Who has this abstract name; its bucket is locked. */
static struct unsock *
find_abstract(const struct sockaddr_un *un, socklen_t len, int type)
{
	uint32_t h = hash_bytes((const char *)un, len, type);
	const struct unaddr *ua;
	struct unsock *us;

	LIST_FOREACH (us, &buckets[h % UN_BUCKETS].b_socks, us_names) {
		ua = unsock_addr(us);
		if (us->us_bound && ua->ua_vnode == NULL && ua->ua_len == len &&
		    unsock_type(us) == type &&
		    memcmp(&ua->ua_name, un, len) == 0)
			return us;
	}
	return NULL;
}

static struct unsock *
find_vnode(const struct vnode *vp)
{
	uint32_t h = hash_vnode(vp);
	const struct unaddr *ua;
	struct unsock *us;

	LIST_FOREACH (us, &buckets[h % UN_BUCKETS].b_socks, us_names) {
		ua = unsock_addr(us);
		if (us->us_bound && ua->ua_vnode == vp)
			return us;
	}
	return NULL;
}

int
unname_find(struct lwp *l, const struct sockaddr_storage *ss, socklen_t len,
    int type, struct unsock **usp)
{
	char buf[UNIX_PATH_SIZE];
	const char *path = unname_path(ss, len, buf);
	struct vnode *vp = NULL;
	struct unsock *us;
	uint32_t h;
	int error;

	if (path != NULL) {
		if ((error = sockname_find(l, path, &vp)) != 0)
			return error;
		h = hash_vnode(vp) % UN_BUCKETS;
	} else
		h = hash_bytes((const char *)ss, len, type) % UN_BUCKETS;
	mutex_enter(&buckets[h].b_lock);
	us = path != NULL ? find_vnode(vp)
			  : find_abstract(ss_to_un(ss), len, type);
	if (us != NULL)
		unsock_hold(us);
	mutex_exit(&buckets[h].b_lock);
	if (us == NULL)
		return ECONNREFUSED;
	if (unsock_type(us) != type) {
		unsock_rele(us);
		return EPROTOTYPE;
	}
	*usp = us;
	return 0;
}

/*
 * Binding
 */

/*
 * Give it a name, whose reference goes over, unless it has one: EINVAL.
 * EADDRINUSE if it is abstract and somebody else's.
 */
static int
unname_set(struct unsock *us, struct unaddr *ua)
{
	uint32_t to = ua->ua_hash % UN_BUCKETS, from;
	int error = 0;

	unsock_enter(us);
	from = us->us_bucket;
	unsock_exit(us);
	mutex_enter(&buckets[from < to ? from : to].b_lock);
	if (from != to)
		mutex_enter(&buckets[from < to ? to : from].b_lock);
	unsock_enter(us);
	if (unsock_addr(us) != NULL)
		error = EINVAL;
	else if (ua->ua_vnode == NULL && find_abstract(&ua->ua_name, ua->ua_len,
					     unsock_type(us)) != NULL)
		error = EADDRINUSE;
	else {
		/* Who has no name is where it was put at first. */
		KASSERT(us->us_bucket == from);
		LIST_REMOVE(us, us_names);
		us->us_bucket = to;
		us->us_bound = true;
		/* Release pairs with the acquire in unsock_addr. */
		atomic_store_explicit(&us->us_addr, ua, memory_order_release);
		LIST_INSERT_HEAD(&buckets[to].b_socks, us, us_names);
	}
	unsock_exit(us);
	mutex_exit(&buckets[from].b_lock);
	if (from != to)
		mutex_exit(&buckets[to].b_lock);
	return error;
}

static int
bind_path(struct lwp *l, struct unsock *us, const struct sockaddr_un *un,
    const char *path)
{
	socklen_t len = UN_OFFSET + (socklen_t)strlen(path);
	struct unaddr *ua = unaddr_alloc(un, len);
	int error;

	if (ua == NULL)
		return ENOMEM;
	error = sockname_make(l, path, &ua->ua_mount, &ua->ua_vnode);
	if (error != 0) {
		ua->ua_vnode = NULL;
		unaddr_rele(ua);
		return error == EEXIST ? EADDRINUSE : error;
	}
	ua->ua_len++;
	ua->ua_hash = hash_vnode(ua->ua_vnode);
	if ((error = unname_set(us, ua)) != 0) {
		sockname_unmake(l, path, ua->ua_vnode);
		unaddr_rele(ua);
	}
	return error;
}

static int
bind_abstract(struct unsock *us, const struct sockaddr_un *un, socklen_t len)
{
	struct unaddr *ua;
	int error;

	if (unsock_addr(us) != NULL)
		return EINVAL;
	if ((ua = unaddr_alloc(un, len)) == NULL)
		return ENOMEM;
	ua->ua_hash = hash_bytes((const char *)un, len, unsock_type(us));
	if ((error = unname_set(us, ua)) != 0)
		unaddr_rele(ua);
	return error;
}

/* A name that nobody has: a NUL and five digits. */
int
unsock_autobind(struct unsock *us)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	uint32_t n, i;
	int error;

	if (unsock_addr(us) != NULL)
		return 0;
	for (i = 0; i <= 0xfffff; i++) {
		n = atomic_fetch_add_explicit(
			&autobind_next, 1, memory_order_relaxed) &
		    0xfffff;
		(void)snprintf(
		    un.sun_path + 1, sizeof(un.sun_path) - 1, "%05x", n);
		error = bind_abstract(us, &un, UN_OFFSET + 6);
		if (error != EADDRINUSE)
			return error == EINVAL ? 0 : error;
	}
	return ENOSPC;
}

int
unsock_bind(struct lwp *l, struct socket *so, const struct sockaddr_storage *ss,
    socklen_t len)
{
	struct unsock *us = so_to_us(so);
	char buf[UNIX_PATH_SIZE];
	const char *path;
	int error;

	if (len == UN_OFFSET && ss->ss_family == AF_UNIX)
		return unsock_autobind(us);
	if ((error = unname_check(ss, len)) != 0)
		return error;
	if ((path = unname_path(ss, len, buf)) != NULL)
		return bind_path(l, us, ss_to_un(ss), path);
	return bind_abstract(us, ss_to_un(ss), len);
}
