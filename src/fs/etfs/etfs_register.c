/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The public calls that put a file or directory of the host at a path of the
 * kernel, its key: an empty file or directory is made there, and etfs or
 * hostfs mounted on it.
 *
 * They act for process 0, whoever calls: for root, and from the root.
 *
 * etfs_lock covers the list of keys.
 */
#include <stdio.h>

#include <rump/rump.h>

#include "fs/etfs/etfs.h"
#include "hyper/hostfile.h"
#include "kern/boot.h"
#include "kern/entry.h"
#include "kern/kern.h"
#include "sysproto.h"

struct etfs_key {
	struct etfs_key *ek_next;
	bool ek_isdir;
	char ek_key[]; /* terminated */
};

static struct kmutex etfs_lock;
static struct etfs_key *etfs_keys;

static void
key_free(struct etfs_key *ek)
{
	kmem_free(ek, sizeof(*ek) + strlen(ek->ek_key) + 1);
}

static struct etfs_key *
key_alloc(const char *key, bool isdir)
{
	size_t len = strlen(key) + 1;
	struct etfs_key *ek = kmem_alloc(sizeof(*ek) + len);

	if (ek != NULL) {
		ek->ek_isdir = isdir;
		memcpy(ek->ek_key, key, len);
	}
	return ek;
}

static void
key_insert(struct etfs_key *ek)
{
	mutex_enter(&etfs_lock);
	ek->ek_next = etfs_keys;
	etfs_keys = ek;
	mutex_exit(&etfs_lock);
}

/* Take it out of the list; NULL if it is not there. */
static struct etfs_key *
key_take(const char *key)
{
	struct etfs_key **ekp, *ek;

	mutex_enter(&etfs_lock);
	ekp = &etfs_keys;
	while ((ek = *ekp) != NULL && strcmp(ek->ek_key, key) != 0)
		ekp = &ek->ek_next;
	if (ek != NULL)
		*ekp = ek->ek_next;
	mutex_exit(&etfs_lock);
	return ek;
}

/*
 * Registering
 */

/* The directories that lead to key. */
static int
make_parents(struct lwp *l, const char *key)
{
	char path[PATH_MAX];
	const char *p;
	int error;

	for (p = key + 1; (p = strchr(p, '/')) != NULL; p++) {
		memcpy(path, key, (size_t)(p - key));
		path[p - key] = '\0';
		error = sys_mkdir(l, path, 0755);
		if (error != 0 && error != EEXIST)
			return error;
	}
	return 0;
}

/* Options with the host's path as the last, commas in it made harmless. */
static size_t
make_options(char *buf, size_t size, const char *options, const char *hostpath)
{
	size_t n = (size_t)snprintf(buf, size, "%s,path=", options);

	for (; *hostpath != '\0'; hostpath++) {
		if (*hostpath == ',' || *hostpath == '\\')
			buf[n++] = '\\';
		buf[n++] = *hostpath;
	}
	return n;
}

static int
mount_hostpath(struct lwp *l, const char *key, const char *hostpath,
    enum rump_etfs_type type, uint64_t begin, uint64_t size)
{
	char options[100], data[sizeof(options) + 2 * PATH_MAX + 8];
	const char *fs = "etfs";

	switch (type) {
	case RUMP_ETFS_DIR:
	case RUMP_ETFS_DIR_SUBDIRS:
		fs = "hostfs";
		(void)strcpy(
		    options, type == RUMP_ETFS_DIR ? "rw,nosubdirs" : "rw");
		break;
	default:
		(void)snprintf(options, sizeof(options), "type=%s,begin=%llu",
		    type == RUMP_ETFS_REG   ? "reg"
		    : type == RUMP_ETFS_BLK ? "blk"
					    : "chr",
		    (unsigned long long)begin);
		if (size != RUMP_ETFS_SIZE_ENDOFF)
			(void)snprintf(options + strlen(options),
			    sizeof(options) - strlen(options), ",size=%llu",
			    (unsigned long long)size);
	}
	return sys_mount(l, fs, key, 0, data,
	    make_options(data, sizeof(data), options, hostpath));
}

static bool
type_isdir(enum rump_etfs_type type)
{
	return type == RUMP_ETFS_DIR || type == RUMP_ETFS_DIR_SUBDIRS;
}

/* What there is to mount on. */
static int
make_place(struct lwp *l, const char *key, bool isdir)
{
	return isdir ? sys_mkdir(l, key, 0755)
		     : sys_mknod(l, key, S_IFREG | 0600, 0);
}

static int
remove_place(struct lwp *l, const char *key, bool isdir)
{
	return isdir ? sys_rmdir(l, key) : sys_unlink(l, key);
}

/* Before anything is made: is there such a file? */
static int
check_hostpath(const char *hostpath)
{
	int fd, error;

	if (strlen(hostpath) >= PATH_MAX)
		return ENAMETOOLONG;
	error = hyper_file_open(HYPER_FILE_NONE, hostpath, O_PATH, 0, &fd);
	if (error == 0)
		hyper_file_close(fd);
	return error;
}

static int
etfs_register(struct lwp *l, const char *key, const char *hostpath,
    enum rump_etfs_type type, uint64_t begin, uint64_t size)
{
	bool isdir = type_isdir(type);
	struct etfs_key *ek;
	int error;

	if (key[0] != '/' || (unsigned)type > RUMP_ETFS_DIR_SUBDIRS)
		return EINVAL;
	if (strlen(key) >= PATH_MAX)
		return ENAMETOOLONG;
	if ((error = check_hostpath(hostpath)) != 0)
		return error;
	if ((ek = key_alloc(key, isdir)) == NULL)
		return ENOMEM;
	if ((error = make_parents(l, key)) != 0 ||
	    (error = make_place(l, key, isdir)) != 0)
		goto fail;
	error = mount_hostpath(l, key, hostpath, type, begin, size);
	if (error != 0) {
		(void)remove_place(l, key, isdir);
		goto fail;
	}
	key_insert(ek);
	return 0;

fail:
	key_free(ek);
	return error;
}

static int
etfs_remove(struct lwp *l, const char *key)
{
	struct etfs_key *ek = key_take(key);
	int error;

	if (ek == NULL)
		return ENOENT;
	/* EINVAL, ENOENT: somebody has unmounted or removed it already. */
	error = sys_unmount(l, key, 0);
	if (error == 0 || error == EINVAL || error == ENOENT) {
		(void)remove_place(l, key, ek->ek_isdir);
		key_free(ek);
		return 0;
	}
	key_insert(ek);
	return error;
}

/*
 * Calls
 */

struct context {
	struct lwp *c_lwp; /* of process 0 */
	struct lwp *c_old; /* of the caller, as the public calls name it */
};

static int
context_enter(struct context *c)
{
	int error;

	c->c_old = rump_pub_lwproc_curlwp();
	if ((error = rump_pub_lwproc_newlwp(0)) != 0)
		return error;
	c->c_lwp = syscall_enter();
	return 0;
}

static void
context_exit(const struct context *c)
{
	syscall_exit();
	rump_pub_lwproc_releaselwp();
	rump_pub_lwproc_switch(c->c_old);
}

RUMP_EXPORT int
rump_pub_etfs_register_withsize(const char *key, const char *hostpath,
    enum rump_etfs_type type, uint64_t begin, uint64_t size)
{
	struct context c;
	int error;

	if ((error = context_enter(&c)) != 0)
		return error;
	error = etfs_register(c.c_lwp, key, hostpath, type, begin, size);
	context_exit(&c);
	return error;
}

RUMP_EXPORT int
rump_pub_etfs_register(
    const char *key, const char *hostpath, enum rump_etfs_type type)
{
	return rump_pub_etfs_register_withsize(
	    key, hostpath, type, 0, RUMP_ETFS_SIZE_ENDOFF);
}

RUMP_EXPORT int
rump_pub_etfs_remove(const char *key)
{
	struct context c;
	int error;

	if ((error = context_enter(&c)) != 0)
		return error;
	error = etfs_remove(c.c_lwp, key);
	context_exit(&c);
	return error;
}

/*
 * Boot
 */

/* In the order of registration; one host thread at a time, before boot. */
static struct rump_boot_etfs *boot_first, **boot_last = &boot_first;

RUMP_EXPORT void
rump_boot_etfs_register(struct rump_boot_etfs *eb)
{
	eb->eb_status = -1;
	eb->_eb_next = NULL;
	*boot_last = eb;
	boot_last = &eb->_eb_next;
}

void
etfs_boot(struct lwp *l)
{
	struct rump_boot_etfs *eb;

	for (eb = boot_first; eb != NULL; eb = eb->_eb_next)
		eb->eb_status = etfs_register(l, eb->eb_key, eb->eb_hostpath,
		    eb->eb_type, (uint64_t)eb->eb_begin,
		    eb->eb_size == 0 ? RUMP_ETFS_SIZE_ENDOFF
				     : (uint64_t)eb->eb_size);
	boot_first = NULL;
	boot_last = &boot_first;
}
