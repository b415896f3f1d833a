/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The tree of sysctl: what a part of the kernel has to say of itself, and
 * what root can set.
 *
 * A part has a table of nodes and registers it at boot.  A node is read in
 * the section of the call, without a lock; whoever takes a table back
 * (sysctl_unregister) waits for all sections to end.
 *
 * Letters: (s) stable while it is registered; (l) written with sysctl_lock
 * held, read without it.
 */
#ifndef KERN_SYSCTL_H
#define KERN_SYSCTL_H

#include <rump/rump_sysctl.h>

#include "kern/param.h"

/* Any number that is free: from SYSCTL_DYNAMIC on. */
#define SYSCTL_ANY     (-1)
#define SYSCTL_DYNAMIC 1024

/* What a string can be, with its NUL. */
#define SYSCTL_STRSIZE 256

#define SYSCTL_RW RUMP_CTLFLAG_READWRITE

struct sysctl_out;

/*
 * A value is what its function says or, without one, sn_value or sn_text.  The
 * functions are called without locks and do not sleep.
 */
struct sysctl_node {
	const char *sn_parent; /* (s) path of the node it is in; "" the top */
	int sn_num;	       /* (s) */
	const char *sn_name;   /* (s) */
	uint32_t sn_flags;     /* (s) RUMP_CTLTYPE_*, SYSCTL_RW */
	const char *sn_desc;   /* (s) */
	void *sn_arg;	       /* (s) the functions' */

	/* INT, QUAD, BOOL */
	int64_t sn_value;
	int64_t (*sn_number)(const struct sysctl_node *);
	/* STRING */
	const char *sn_text;
	void (*sn_string)(const struct sysctl_node *, char buf[SYSCTL_STRSIZE]);
	/*
	 * STRUCT: put it (sysctl_put).  name are the numbers that follow the
	 * node's own.
	 */
	int (*sn_fill)(struct lwp *, const int *name, unsigned namelen,
	    struct sysctl_out *);

	/* SYSCTL_RW: the new value; EINVAL if it makes no sense. */
	int (*sn_setnumber)(const struct sysctl_node *, int64_t);
	int (*sn_setstring)(const struct sysctl_node *, const char *, size_t);

	/* sysctl.c */
	struct sysctl_node *sn_up;	      /* (s) */
	struct sysctl_node *_Atomic sn_child; /* (l) first in it */
	struct sysctl_node *_Atomic sn_next;  /* (l) of the same, by number */
};

/*
 * Add nodes, an inner one before what is in it.  EEXIST, ENOENT (no such
 * parent), ENOTDIR; then none is there.  Called from a section, which it may
 * leave and enter again.
 */
int sysctl_register(struct sysctl_node *, size_t n);

/*
 * Take them back.  Called from a section, which it leaves and enters again.
 * EBUSY if others have registered nodes in them.
 */
int sysctl_unregister(struct sysctl_node *, size_t n);

/* Boot: the same for a table of the kernel's own, which fits. */
void sysctl_boot(struct sysctl_node *, size_t n);

/* Append to the value, as far as the caller has room.  EFAULT. */
int sysctl_put(struct sysctl_out *, const void *, size_t len);

/* Has the caller a buffer, or asks only for the size? */
bool sysctl_sizeonly(const struct sysctl_out *);

/* Boot: the nodes of src/kern. */
void sysctl_kern_init(void);

#endif /* KERN_SYSCTL_H */
