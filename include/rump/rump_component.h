/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Components: parts that are added to a kernel while it runs.  A component is
 * a struct rump_component, in a shared object of the host under the name
 * rump_component or in the program itself.  When it is loaded, its rc_init
 * registers what it has: devices and nodes of sysctl.  Manual page:
 * rump_component(3).
 */
#ifndef RUMP_RUMP_COMPONENT_H
#define RUMP_RUMP_COMPONENT_H

#include <sys/types.h>

#include <stddef.h>
#include <stdint.h>

#include <rump/rump_sysctl.h>

#ifdef __cplusplus
extern "C" {
#endif

struct rump_module; /* a component that is loaded; the kernel's */
struct uio;

#define RUMP_COMPONENT_VERSION 1
#define RUMP_COMPONENT_NAMELEN 64 /* with the NUL */

struct rump_component {
	uint32_t rc_version;	 /* RUMP_COMPONENT_VERSION */
	const char *rc_name;	 /* no other that is loaded has it */
	const char *rc_requires; /* names, with a comma between; or NULL */
	/*
	 * Register what there is; self is for the calls below.  May make any
	 * call.  An errno: all is taken back, and it is not loaded.
	 */
	int (*rc_init)(struct rump_module *self);
	/*
	 * It is about to go; what it registered has been taken back.  An
	 * errno: it stays, with nothing registered.  NULL: it can go.
	 */
	int (*rc_fini)(void);
};

/* In a shared object: RUMP_COMPONENT = { .rc_version = ..., ... }; */
#define RUMP_COMPONENT                         \
	__attribute__((visibility("default"))) \
	const struct rump_component rump_component

/*
 * Devices
 *
 * The functions return 0 or an errno.  They are called inside the kernel, by
 * several host threads at once, and must not wait for anything but locks that
 * are held for a moment, nor call the kernel other than by what is declared
 * here.  One that is NULL gives the errno in brackets.
 */
struct rump_device {
	const char *rd_name; /* in /dev; may have slashes */
	mode_t rd_mode;	     /* permissions, with S_IFCHR or S_IFBLK */
	void *rd_arg;	     /* for the functions */
	/* flags are those of open; *cookiep is for the others. [it is open] */
	int (*rd_open)(void *arg, int flags, void **cookiep);
	/* The last descriptor of what was opened has gone. */
	void (*rd_close)(void *arg, void *cookie);
	/*
	 * Move bytes with rump_component_move.  *pos is where; the function
	 * moves it on, or leaves it, if the device has no such thing. [EINVAL]
	 */
	int (*rd_read)(void *arg, void *cookie, struct uio *, off_t *pos);
	int (*rd_write)(void *arg, void *cookie, struct uio *, off_t *pos);
	/* data is of the caller: rump_component_copyin, _copyout. [ENOTTY] */
	int (*rd_ioctl)(
	    void *arg, void *cookie, unsigned long request, void *data);
};

/*
 * Have the device in every /dev; the struct must stay.  For rc_init only.
 * EEXIST if there is one of this name, EINVAL for a name or mode that makes
 * no sense, ENOMEM, ENOSPC.
 */
int rump_component_device(struct rump_module *, const struct rump_device *);

/*
 * Copy at most len bytes between buf and what a read or write is given; as
 * many as are left of it.  EFAULT.
 */
int rump_component_move(void *buf, size_t len, struct uio *);
/* Bytes that are left. */
size_t rump_component_resid(const struct uio *);

/* Copy from and to the caller of ioctl.  EFAULT. */
int rump_component_copyin(const void *from, void *buf, size_t len);
int rump_component_copyout(const void *buf, void *to, size_t len);

/*
 * Nodes of sysctl
 */
struct rump_sysctl {
	const char *rs_parent; /* path of the node it is in, "" the top */
	const char *rs_name;   /* at most 31 bytes */
	uint32_t rs_flags;     /* RUMP_CTLTYPE_*, RUMP_CTLFLAG_READWRITE */
	const char *rs_desc;   /* a line about it, at most 87 bytes */
	/*
	 * INT, QUAD, BOOL: the int32_t, int64_t or byte; the kernel reads and
	 * writes it at once.  STRING: rs_size bytes, at most 256, with a NUL
	 * in them.  NODE: NULL.
	 */
	void *rs_data;
	size_t rs_size; /* STRING */
};

/*
 * Add nodes, an inner one before those in it; the array must stay.  For
 * rc_init only.  EEXIST, ENOENT if there is no such parent, ENOTDIR, EINVAL
 * for what makes no sense, ENOMEM.
 */
int rump_component_sysctl(
    struct rump_module *, const struct rump_sysctl *, size_t n);

/*
 * Load components that are part of the program, those that others require
 * before these.  0 or an errno, of the first that failed: EEXIST, EINVAL for
 * another version or a bad name, ENOENT for what it requires and is not there,
 * ENXIO before boot, and that of its rc_init.  (after NetBSD)
 */
int rump_pub_module_init(const struct rump_component *const *, size_t n);

/*
 * Unload one.  EBUSY if it is in use or required, ENOENT, and that of its
 * rc_fini.  (after NetBSD)
 */
int rump_pub_module_fini(const struct rump_component *);

/*
 * Where the symbols of the kernel are, for who links components to it: the
 * host's dynamic linker does, and knows.  So the tables are only looked at:
 * EINVAL if they are none.  (after NetBSD)
 */
int rump_pub_kernelfsym_load(
    void *symtab, uint64_t symsize, char *strtab, uint64_t strsize);

/*
 * rump_sys_modctl: its commands, and what they are given.  (NetBSD)
 *
 *	LOAD	struct rump_modctl_load
 *	UNLOAD	the name
 *	STAT	struct iovec: struct rump_modstat for each that is loaded, as
 *		many as there is room for; iov_len becomes the size of all
 *	EXISTS	nothing; it succeeds: components can be loaded
 */
#define RUMP_MODCTL_LOAD   0
#define RUMP_MODCTL_UNLOAD 1
#define RUMP_MODCTL_STAT   2
#define RUMP_MODCTL_EXISTS 3

struct rump_modctl_load {
	const char *ml_filename; /* path on the host of the shared object */
	int ml_flags;		 /* 0 */
	const char *ml_props;	 /* not used */
	size_t ml_propslen;
};

struct rump_modstat {
	char ms_name[RUMP_COMPONENT_NAMELEN];
	char ms_required[256]; /* what it requires, as it says */
	uint64_t ms_addr;      /* of its struct rump_component */
	uint32_t ms_source;    /* RUMP_MODULE_SOURCE_* */
	uint32_t ms_refcnt;    /* of those loaded, so many require it */
	uint32_t ms_devices;   /* that it registered */
	uint32_t ms_nodes;     /* of sysctl, the same */
};

#define RUMP_MODULE_SOURCE_KERNEL  0 /* part of the program */
#define RUMP_MODULE_SOURCE_FILESYS 2 /* loaded from the host */

#ifndef MODCTL_LOAD
#define MODCTL_LOAD   RUMP_MODCTL_LOAD
#define MODCTL_UNLOAD RUMP_MODCTL_UNLOAD
#define MODCTL_STAT   RUMP_MODCTL_STAT
#define MODCTL_EXISTS RUMP_MODCTL_EXISTS
typedef struct rump_modctl_load modctl_load_t;
typedef struct rump_modstat modstat_t;
#endif

#ifdef __cplusplus
}
#endif

#endif /* RUMP_RUMP_COMPONENT_H */
