/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names and lists.  Positions in a directory are those of the table, then the
 * numbers: processes are in the order of their pids, and one that comes or
 * goes moves no other.
 */
#include <stdio.h>

#include "fs/procfs/procfs.h"

#define POS_FIRST   2
#define POS_NUMBERS 0x1000
#define NUM_DIGITS  11 /* with a NUL */

_Static_assert(POS_NUMBERS > 256, "the table fits in front of the numbers");

/* A name that is a number as it is written. */
static bool
cname_number(const struct cname *cn, int *np)
{
	int64_t n = 0;
	uint32_t i;

	if (cn->cn_len >= NUM_DIGITS ||
	    (cn->cn_name[0] == '0' && cn->cn_len > 1))
		return false;
	for (i = 0; i < cn->cn_len; i++) {
		if (cn->cn_name[i] < '0' || cn->cn_name[i] > '9')
			return false;
		n = n * 10 + (cn->cn_name[i] - '0');
	}
	*np = (int)n;
	return n < INT_MAX;
}

static bool
entry_matches(const struct pfs_entry *pe, const struct cname *cn, int *np)
{
	if (pe->pe_name == NULL)
		return cname_number(cn, np);
	return strlen(pe->pe_name) == cn->cn_len &&
	       memcmp(pe->pe_name, cn->cn_name, cn->cn_len) == 0;
}

static const struct pfs_entry *
dir_find(enum pfs_dir in, const struct cname *cn, int *np)
{
	const struct pfs_entry *pe = pfs_table;

	for (; pe < pfs_table + pfs_tablesize; pe++)
		if (pe->pe_in == in && entry_matches(pe, cn, np))
			return pe;
	return NULL;
}

int
pfs_lookup(struct vnode *dvp, const struct cname *cn, struct vnode **vpp)
{
	struct pfs_node *dir = vp_to_pn(dvp), *pn;
	struct procid id = dir->pn_proc;
	const struct pfs_entry *pe;
	int num = dir->pn_num, error;

	pe = dir_find(dir->pn_entry->pe_dir, cn, &num);
	if (pe == NULL || !pfs_node_exists(dir))
		return ENOENT;
	if (pe->pe_name == NULL && pe->pe_next(dir, num) != num)
		return ENOENT;
	if (pe->pe_dir == PFS_PROC) {
		if (proc_id(num, &id) != 0)
			return ENOENT;
		num = -1;
	}
	if ((error = pfs_node_get(dir, pe, &id, num, &pn)) != 0)
		return error;
	*vpp = pn_to_vp(pn);
	return 0;
}

/* The entries that have names; false if the list is full. */
static bool
readdir_named(struct pfs_node *dir, off_t *pos, readdir_fn fn, void *arg)
{
	const struct pfs_entry *pe;
	struct direntry de;

	for (; *pos < (off_t)pfs_tablesize + POS_FIRST; ++*pos) {
		pe = &pfs_table[*pos - POS_FIRST];
		if (pe->pe_in != dir->pn_entry->pe_dir || pe->pe_name == NULL)
			continue;
		de.de_name = pe->pe_name;
		de.de_namelen = (uint32_t)strlen(pe->pe_name);
		de.de_mode = pe->pe_mode;
		de.de_ino = pfs_ino(pe, dir->pn_proc.id_pid, dir->pn_num);
		de.de_next = *pos + 1;
		if (!fn(arg, &de))
			return false;
	}
	return true;
}

/* Those that have numbers. */
static void
readdir_numbers(struct pfs_node *dir, const struct pfs_entry *pe, off_t *pos,
    readdir_fn fn, void *arg)
{
	char name[NUM_DIGITS];
	struct direntry de = {.de_name = name, .de_mode = pe->pe_mode};
	int n;

	if (*pos < POS_NUMBERS)
		*pos = POS_NUMBERS;
	while (*pos - POS_NUMBERS < INT_MAX &&
	       (n = pe->pe_next(dir, (int)(*pos - POS_NUMBERS))) >= 0) {
		de.de_namelen = (uint32_t)snprintf(name, sizeof(name), "%d", n);
		de.de_ino = pe->pe_dir == PFS_PROC
				? pfs_ino(pe, n, -1)
				: pfs_ino(pe, dir->pn_proc.id_pid, n);
		de.de_next = (off_t)n + 1 + POS_NUMBERS;
		if (!fn(arg, &de))
			return;
		*pos = de.de_next;
	}
}

int
pfs_readdir(struct vnode *dvp, off_t *pos, readdir_fn fn, void *arg)
{
	struct pfs_node *dir = vp_to_pn(dvp);
	const struct pfs_entry *pe = pfs_table;

	if (!pfs_node_exists(dir))
		return ENOENT;
	if (!readdir_named(dir, pos, fn, arg))
		return 0;
	for (; pe < pfs_table + pfs_tablesize; pe++)
		if (pe->pe_in == dir->pn_entry->pe_dir && pe->pe_name == NULL)
			readdir_numbers(dir, pe, pos, fn, arg);
	return 0;
}

struct vnode *
pfs_parent(struct vnode *dvp)
{
	return pn_to_vp(vp_to_pn(dvp)->pn_parent);
}

void
pfs_name(struct vnode *vp, const char **namep, size_t *lenp)
{
	struct pfs_node *pn = vp_to_pn(vp);

	*namep = pn->pn_entry->pe_name != NULL ? pn->pn_entry->pe_name
					       : pn->pn_number;
	*lenp = strlen(*namep);
}

int
pfs_aname(
    struct vnode *vp, struct vnode **dvpp, const char **namep, size_t *lenp)
{
	*dvpp = pfs_parent(vp);
	pfs_name(vp, namep, lenp);
	return 0;
}
