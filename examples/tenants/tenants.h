/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tenants: a directory of the host, served by the kernel to many tenants.
 *
 *	tree.c	what is in the directory of the host
 *	load.c	a process for each tenant, and its files in the kernel
 *	serve.c	thousands of lwps on a few host threads read them all
 *	queue.c	the lwps that wait for a host thread
 *	main.c	options, and the table at the end
 *	report.c	warnings, differences and errors
 *
 * Every entry at the top of the directory is a tenant: a process of the
 * kernel with a user id, a working directory and a descriptor table of its
 * own, and as many lwps as its share of the work asks for.
 */
#ifndef TENANTS_H
#define TENANTS_H

#include <sys/stat.h>
#include <sys/types.h>

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdnoreturn.h>

#define SHA256_LEN 32

/*
 * The tree of the host
 */
enum node_type { NODE_DIR, NODE_FILE, NODE_LINK };

struct node {
	char *n_path;	 /* from the directory; any bytes */
	size_t n_tenant; /* number of the tenant it belongs to */
	size_t n_order;	 /* a directory comes before what is in it */
	enum node_type n_type;
	bool n_served;	    /* loaded, and unchanged on the host since */
	struct stat n_stat; /* of the host, when it was loaded */
	unsigned char n_sha[SHA256_LEN]; /* NODE_FILE: of the host's file */
	char *n_target;			 /* NODE_LINK: what it points to */
	atomic_uint n_read;		 /* times its owner found it right */
	atomic_uint n_refused;		 /* times another tenant was refused */
};

struct tree {
	int t_dirfd;	      /* the directory */
	struct node *t_nodes; /* by tenant, then by order */
	size_t t_count;
	size_t t_room;
	size_t t_tenants; /* entries at the top that can be served */
	uint64_t t_bytes; /* in files */
};

/* Read the directory.  What cannot be served is left out with a warning. */
void tree_scan(struct tree *, const char *dir);
void tree_free(struct tree *);

/*
 * Tenants
 */
struct tenant {
	size_t t_number;
	uid_t t_uid;
	pid_t t_pid;
	struct node *t_nodes; /* its part of the tree */
	size_t t_nnodes;
	size_t t_nlwps;
	struct lwp *t_lwp; /* the lwp that the process began with */

	/* Work: its own nodes that are served, then its neighbour's. */
	struct node **t_work;
	size_t t_nwork;
	size_t t_nown;
	atomic_size_t t_next; /* next piece of work to hand out */

	/* Done, counted by the lwps on any host thread. */
	atomic_size_t t_reads, t_links, t_refused;
	_Atomic uint64_t t_bytes;
};

struct tenants {
	struct tenant *ts_all;
	size_t ts_count;
	size_t ts_nlwps;
};

/* What to call it: its entry at the top of the directory. */
const char *tenant_name(const struct tenant *, char *buf, size_t len);

/* Share out the nodes and about nlwps lwps; nothing is in the kernel yet. */
void tenants_alloc(struct tenants *, struct tree *, size_t nlwps);
void tenants_free(struct tenants *);

/* Make the processes, and load and check each one's files. */
void tenants_load(struct tenants *, const struct tree *);

/*
 * Serving
 */
struct service {
	uint64_t s_switches;
	uint64_t s_moved; /* switches on another host thread than before */
	double s_seconds;
};

/* Run until every lwp has done its work and is released. */
void tenants_serve(struct tenants *, unsigned nthreads, struct service *);

/* A counter's value, once the host threads that count have been joined. */
#define counted(counter) atomic_load_explicit(&(counter), memory_order_relaxed)

/* Every node must have been read, and every file refused. */
void tenants_check(const struct tenants *);

/* One lwp that has work left. */
struct task {
	struct lwp *k_lwp;
	struct tenant *k_tenant;
	struct node *k_node; /* the file it reads, NULL: none */
	int k_fd;	     /* the file, in its process */
	unsigned k_thread;   /* host thread that ran it last, 0: none yet */
	bool k_worked;	     /* has had a piece of work */
	struct evp_md_ctx_st *k_sha;
};

/*
 * queue.c: first in, first out, so that all lwps make progress together.
 * take waits until there is something, and gives at most max tasks that the
 * caller alone may then run; 0 means that all tasks are done.  put gives back
 * the unfinished ones of them and says how many are done.
 */
struct queue;
struct queue *queue_alloc(struct task *tasks, size_t ntasks, unsigned nthreads);
void queue_free(struct queue *);
size_t queue_take(struct queue *, struct task **batch, size_t max);
void
queue_put(struct queue *, struct task *const *batch, size_t n, size_t ndone);

/*
 * report.c; paths are printed with odd bytes escaped
 */
extern bool verbose;

/* Something is left out. */
void warn_skip(const char *path, const char *why);

/* The kernel did not do what it should; the program will exit with 1. */
void differs(const char *path, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

size_t skipped_count(void);
size_t differs_count(void);

/* End the program with one line on standard error. */
noreturn void
die(int status, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The kernel refused something that we cannot do without. */
noreturn void die_kernel(const char *what, const char *path, int error);

/* The host has no memory for us. */
void *need(void *);

/* "12.3 MiB" */
const char *human(char *buf, size_t len, uint64_t bytes);

/* The path with odd bytes escaped, cut to fit. */
const char *printable(char *buf, size_t len, const char *path);

#endif /* TENANTS_H */
