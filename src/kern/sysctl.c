/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The tree of sysctl, and the calls on it.
 *
 * Children are a list in the order of their numbers.  It is read without a
 * lock: a node that was found stays readable in this section.
 *
 * Lock: sysctl_lock covers changes of the lists.
 */
#include "kern/sysctl.h"

#include "kern/kern.h"
#include "sysproto.h"

struct sysctl_out {
	char *so_old;	/* the caller's, or NULL */
	size_t so_room; /* bytes there */
	size_t so_len;	/* bytes of the value */
};

static struct kmutex sysctl_lock;
static struct sysctl_node sysctl_root = {.sn_flags = RUMP_CTLTYPE_NODE};

static uint32_t
node_type(const struct sysctl_node *sn)
{
	return sn->sn_flags & RUMP_CTLTYPE_MASK;
}

static struct sysctl_node *
node_first(const struct sysctl_node *sn)
{
	return atomic_load_explicit(&sn->sn_child, memory_order_acquire);
}

static struct sysctl_node *
node_next(const struct sysctl_node *sn)
{
	return atomic_load_explicit(&sn->sn_next, memory_order_acquire);
}

static struct sysctl_node *
node_bynumber(const struct sysctl_node *up, int num)
{
	struct sysctl_node *sn;

	for (sn = node_first(up); sn != NULL && sn->sn_num != num;)
		sn = node_next(sn);
	return sn;
}

static struct sysctl_node *
node_byname(const struct sysctl_node *up, const char *name, size_t len)
{
	struct sysctl_node *sn;

	for (sn = node_first(up); sn != NULL; sn = node_next(sn))
		if (strlen(sn->sn_name) == len &&
		    memcmp(sn->sn_name, name, len) == 0)
			break;
	return sn;
}

/* The node at a path that is all names; NULL. */
static struct sysctl_node *
node_bypath(const char *path)
{
	struct sysctl_node *sn = &sysctl_root;
	size_t len;

	for (; sn != NULL && *path != '\0'; path += len) {
		path += *path == '.';
		len = strcspn(path, ".");
		sn = node_byname(sn, path, len);
	}
	return sn;
}

/*
 * Registration
 */

static int
node_link(struct sysctl_node *sn)
{
	struct sysctl_node *up = node_bypath(sn->sn_parent), *next;
	struct sysctl_node *_Atomic *snp;
	int num = sn->sn_num;

	KASSERT(mutex_owned(&sysctl_lock));
	KASSERT(strlen(sn->sn_name) <
		sizeof(((struct rump_sysctlnode *)0)->sysctl_name));
	KASSERT(strlen(sn->sn_desc) <
		sizeof(((struct rump_sysctlnode *)0)->sysctl_desc));
	if (up == NULL)
		return ENOENT;
	if (node_type(up) != RUMP_CTLTYPE_NODE)
		return ENOTDIR;
	if (num == SYSCTL_ANY)
		for (num = SYSCTL_DYNAMIC; node_bynumber(up, num) != NULL;)
			num++;
	if (node_bynumber(up, num) != NULL ||
	    node_byname(up, sn->sn_name, strlen(sn->sn_name)) != NULL)
		return EEXIST;
	snp = &up->sn_child;
	while (
	    (next = atomic_load_explicit(snp, memory_order_relaxed)) != NULL &&
	    next->sn_num < num)
		snp = &next->sn_next;
	sn->sn_num = num;
	sn->sn_up = up;
	atomic_store_explicit(&sn->sn_next, next, memory_order_relaxed);
	/* Release pairs with the acquires of node_first and node_next. */
	atomic_store_explicit(snp, sn, memory_order_release);
	return 0;
}

static void
node_unlink(struct sysctl_node *sn)
{
	struct sysctl_node *_Atomic *snp = &sn->sn_up->sn_child;
	struct sysctl_node *s;

	KASSERT(mutex_owned(&sysctl_lock));
	while ((s = atomic_load_explicit(snp, memory_order_relaxed)) != sn)
		snp = &s->sn_next;
	atomic_store_explicit(snp, node_next(sn), memory_order_release);
}

int
sysctl_register(struct sysctl_node *nodes, size_t n)
{
	size_t i;
	int error = 0;

	mutex_enter(&sysctl_lock);
	for (i = 0; i < n && error == 0; i++)
		error = node_link(&nodes[i]);
	if (error != 0)
		for (i--; i > 0; i--)
			node_unlink(&nodes[i - 1]);
	mutex_exit(&sysctl_lock);
	if (error != 0)
		smr_synchronize();
	return error;
}

void
sysctl_boot(struct sysctl_node *nodes, size_t n)
{
	int error = sysctl_register(nodes, n);

	KASSERT(error == 0);
	(void)error;
}

/* Are there nodes of others in these? */
static bool
nodes_inuse(const struct sysctl_node *nodes, size_t n)
{
	const struct sysctl_node *sn;
	size_t i;

	for (i = 0; i < n; i++)
		for (sn = node_first(&nodes[i]); sn != NULL; sn = node_next(sn))
			if (sn < nodes || sn >= nodes + n)
				return true;
	return false;
}

int
sysctl_unregister(struct sysctl_node *nodes, size_t n)
{
	bool busy;
	size_t i;

	mutex_enter(&sysctl_lock);
	busy = nodes_inuse(nodes, n);
	for (i = n; i > 0 && !busy; i--)
		node_unlink(&nodes[i - 1]);
	mutex_exit(&sysctl_lock);
	if (busy)
		return EBUSY;
	smr_synchronize();
	return 0;
}

/*
 * Values
 */

bool
sysctl_sizeonly(const struct sysctl_out *so)
{
	return so->so_old == NULL;
}

int
sysctl_put(struct sysctl_out *so, const void *data, size_t len)
{
	size_t n = 0;
	int error = 0;

	if (so->so_old != NULL && so->so_len < so->so_room) {
		n = so->so_room - so->so_len;
		error =
		    copyout(data, so->so_old + so->so_len, len < n ? len : n);
	}
	so->so_len += len;
	return error;
}

static size_t
number_size(const struct sysctl_node *sn)
{
	switch (node_type(sn)) {
	case RUMP_CTLTYPE_BOOL:
		return 1;
	case RUMP_CTLTYPE_INT:
		return sizeof(int32_t);
	default:
		return sizeof(int64_t);
	}
}

/* What does not fit into an int is the most, or least, that does. */
static int
number_put(const struct sysctl_node *sn, struct sysctl_out *so)
{
	int64_t v = sn->sn_number != NULL ? sn->sn_number(sn) : sn->sn_value;
	int32_t i = v > INT32_MAX   ? INT32_MAX
		    : v < INT32_MIN ? INT32_MIN
				    : (int32_t)v;
	bool b = v != 0;

	switch (node_type(sn)) {
	case RUMP_CTLTYPE_BOOL:
		return sysctl_put(so, &b, sizeof(b));
	case RUMP_CTLTYPE_INT:
		return sysctl_put(so, &i, sizeof(i));
	default:
		return sysctl_put(so, &v, sizeof(v));
	}
}

static int
string_put(const struct sysctl_node *sn, struct sysctl_out *so)
{
	char buf[SYSCTL_STRSIZE];
	const char *text = sn->sn_text;

	if (sn->sn_string != NULL) {
		sn->sn_string(sn, buf);
		text = buf;
	}
	return sysctl_put(so, text, strlen(text) + 1);
}

static int
number_set(const struct sysctl_node *sn, const void *new, size_t newlen)
{
	int64_t v;
	int32_t i;
	bool b;
	int error;

	if (newlen != number_size(sn))
		return EINVAL;
	switch (node_type(sn)) {
	case RUMP_CTLTYPE_BOOL:
		error = copyin(new, &b, sizeof(b));
		v = b;
		break;
	case RUMP_CTLTYPE_INT:
		error = copyin(new, &i, sizeof(i));
		v = i;
		break;
	default:
		error = copyin(new, &v, sizeof(v));
		break;
	}
	return error != 0 ? error : sn->sn_setnumber(sn, v);
}

/* With or without a NUL at the end. */
static int
string_set(const struct sysctl_node *sn, const void *new, size_t newlen)
{
	char buf[SYSCTL_STRSIZE];
	int error;

	if (newlen >= sizeof(buf))
		return EINVAL;
	if ((error = copyin(new, buf, newlen)) != 0)
		return error;
	return sn->sn_setstring(sn, buf, strnlen(buf, newlen));
}

/*
 * Calls
 */

static int
node_query(const struct sysctl_node *up, struct sysctl_out *so)
{
	struct rump_sysctlnode rs;
	const struct sysctl_node *sn;
	int error = 0;

	if (node_type(up) != RUMP_CTLTYPE_NODE)
		return ENOTDIR;
	for (sn = node_first(up); sn != NULL && error == 0;
	     sn = node_next(sn)) {
		memset(&rs, 0, sizeof(rs));
		rs.sysctl_num = sn->sn_num;
		rs.sysctl_flags = sn->sn_flags;
		memcpy(rs.sysctl_name, sn->sn_name, strlen(sn->sn_name));
		memcpy(rs.sysctl_desc, sn->sn_desc, strlen(sn->sn_desc));
		error = sysctl_put(so, &rs, sizeof(rs));
	}
	return error;
}

/* What is left of the name is for the node alone. */
static int
node_get(struct lwp *l, const struct sysctl_node *sn, const int *name,
    unsigned namelen, struct sysctl_out *so)
{
	switch (node_type(sn)) {
	case RUMP_CTLTYPE_NODE:
		return EISDIR;
	case RUMP_CTLTYPE_STRUCT:
		return sn->sn_fill(l, name, namelen, so);
	case RUMP_CTLTYPE_STRING:
		return namelen > 0 ? ENOTDIR : string_put(sn, so);
	default:
		return namelen > 0 ? ENOTDIR : number_put(sn, so);
	}
}

static int
node_set(
    struct lwp *l, const struct sysctl_node *sn, const void *new, size_t newlen)
{
	if ((sn->sn_flags & SYSCTL_RW) == 0 ||
	    !cred_is_root(proc_cred(l->l_proc)))
		return EPERM;
	return node_type(sn) == RUMP_CTLTYPE_STRING
		   ? string_set(sn, new, newlen)
		   : number_set(sn, new, newlen);
}

/* The value that was, then the new one, if there is room for the former. */
static int
node_getset(struct lwp *l, const struct sysctl_node *sn, const int *name,
    unsigned namelen, void *old, size_t *oldlenp, const void *new,
    size_t newlen)
{
	struct sysctl_out so = {.so_old = oldlenp != NULL ? old : NULL};
	int error;

	if (so.so_old != NULL &&
	    (error = copyin(oldlenp, &so.so_room, sizeof(so.so_room))) != 0)
		return error;
	if (namelen > 0 && name[0] == RUMP_CTL_QUERY)
		error = namelen > 1 ? EINVAL : node_query(sn, &so);
	else
		error = node_get(l, sn, name, namelen, &so);
	if (error == 0 && oldlenp != NULL)
		error = copyout(&so.so_len, oldlenp, sizeof(so.so_len));
	if (error != 0)
		return error;
	if (so.so_old != NULL && so.so_len > so.so_room)
		return ENOMEM;
	return new != NULL ? node_set(l, sn, new, newlen) : 0;
}

int
sys___sysctl(struct lwp *l, const int *uname, unsigned int namelen, void *old,
    size_t *oldlenp, const void *new, size_t newlen)
{
	struct sysctl_node *sn = &sysctl_root, *child;
	int name[RUMP_CTL_MAXNAME];
	unsigned i;
	int error;

	if (namelen == 0 || namelen > RUMP_CTL_MAXNAME)
		return EINVAL;
	if ((error = copyin(uname, name, namelen * sizeof(name[0]))) != 0)
		return error;
	for (i = 0; i < namelen && node_type(sn) == RUMP_CTLTYPE_NODE; i++) {
		if (name[i] == RUMP_CTL_QUERY)
			break;
		if (name[i] < 0)
			return EOPNOTSUPP;
		if ((child = node_bynumber(sn, name[i])) == NULL)
			return ENOENT;
		sn = child;
	}
	return node_getset(
	    l, sn, name + i, namelen - i, old, oldlenp, new, newlen);
}

/* Numbers behind the name of a node: what kern.proc2 takes. */
static int
path_number(const char *s, size_t len, int *np)
{
	int64_t n = 0;
	size_t i;

	for (i = 0; i < len && s[i] >= '0' && s[i] <= '9' && n <= INT_MAX; i++)
		n = n * 10 + (s[i] - '0');
	if (len == 0 || i < len || n > INT_MAX)
		return ENOENT;
	*np = (int)n;
	return 0;
}

int
sys_sysctlbyname(struct lwp *l, const char *upath, void *old, size_t *oldlenp,
    const void *new, size_t newlen)
{
	struct sysctl_node *sn = &sysctl_root, *child;
	char path[SYSCTL_STRSIZE], *p = path;
	int name[RUMP_CTL_MAXNAME];
	unsigned n = 0;
	size_t len;
	int error;

	if ((error = copyinstr(upath, path, sizeof(path), NULL)) != 0)
		return error;
	for (;; p += len + 1) {
		len = strcspn(p, ".");
		child = node_type(sn) == RUMP_CTLTYPE_NODE
			    ? node_byname(sn, p, len)
			    : NULL;
		if (child != NULL)
			sn = child;
		else if (node_type(sn) == RUMP_CTLTYPE_NODE)
			return ENOENT;
		else if (n == RUMP_CTL_MAXNAME)
			return EINVAL;
		else if ((error = path_number(p, len, &name[n++])) != 0)
			return error;
		if (p[len] == '\0')
			break;
	}
	return node_getset(l, sn, name, n, old, oldlenp, new, newlen);
}
