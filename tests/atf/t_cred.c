/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * User and group ids: every call from every state, with the host as the
 * oracle.  A host thread has ids of its own in Linux (the C library makes
 * them look like the process's), so each case runs in a host thread that
 * makes the bare calls and ends.
 */
#include <sys/fsuid.h>
#include <sys/syscall.h>

#include <limits.h>

#include "../lib/tc.h"
#include "../lib/threads.h"

#define KEEP ((uid_t)-1)

enum call {
	SETUID,
	SETEUID,
	SETREUID,
	SETRESUID,
	SETFSUID,
	SETGID,
	SETEGID,
	SETREGID,
	SETRESGID,
	SETFSGID,
	NCALLS
};

static const struct {
	const char *name;
	int nargs;
	bool group;
} calls[NCALLS] = {
    [SETUID] = {"setuid", 1, false},
    [SETEUID] = {"seteuid", 1, false},
    [SETREUID] = {"setreuid", 2, false},
    [SETRESUID] = {"setresuid", 3, false},
    [SETFSUID] = {"setfsuid", 1, false},
    [SETGID] = {"setgid", 1, true},
    [SETEGID] = {"setegid", 1, true},
    [SETREGID] = {"setregid", 2, true},
    [SETRESGID] = {"setresgid", 3, true},
    [SETFSGID] = {"setfsgid", 1, true},
};

/* What a case starts with, does, and comes to. */
struct idcase {
	uid_t uid[3]; /* real, effective, saved */
	gid_t gid[3];
	enum call call;
	uid_t arg[3];
};

struct outcome {
	long rv;
	int error;
	uid_t uid[3], fsuid;
	gid_t gid[3], fsgid;
};

static long
host_call(enum call call, const uid_t *a)
{
	switch (call) {
	case SETUID:
		return syscall(SYS_setuid, a[0]);
	case SETREUID:
		return syscall(SYS_setreuid, a[0], a[1]);
	case SETRESUID:
		return syscall(SYS_setresuid, a[0], a[1], a[2]);
	case SETFSUID:
		return syscall(SYS_setfsuid, a[0]);
	case SETGID:
		return syscall(SYS_setgid, a[0]);
	case SETREGID:
		return syscall(SYS_setregid, a[0], a[1]);
	case SETRESGID:
		return syscall(SYS_setresgid, a[0], a[1], a[2]);
	case SETFSGID:
		return syscall(SYS_setfsgid, a[0]);
	default:
		break;
	}
	/* The C library's seteuid and setegid. */
	if (a[0] == KEEP) {
		errno = EINVAL;
		return -1;
	}
	return call == SETEUID ? syscall(SYS_setresuid, KEEP, a[0], KEEP)
			       : syscall(SYS_setresgid, KEEP, a[0], KEEP);
}

static long
rump_call(enum call call, const uid_t *a)
{
	switch (call) {
	case SETUID:
		return rump_sys_setuid(a[0]);
	case SETEUID:
		return rump_sys_seteuid(a[0]);
	case SETREUID:
		return rump_sys_setreuid(a[0], a[1]);
	case SETRESUID:
		return rump_sys_setresuid(a[0], a[1], a[2]);
	case SETFSUID:
		return rump_sys_setfsuid(a[0]);
	case SETGID:
		return rump_sys_setgid(a[0]);
	case SETEGID:
		return rump_sys_setegid(a[0]);
	case SETREGID:
		return rump_sys_setregid(a[0], a[1]);
	case SETRESGID:
		return rump_sys_setresgid(a[0], a[1], a[2]);
	case SETFSGID:
		return rump_sys_setfsgid(a[0]);
	default:
		return -1;
	}
}

static void
host_case(const struct idcase *c, struct outcome *o)
{
	if (syscall(SYS_setresgid, c->gid[0], c->gid[1], c->gid[2]) != 0 ||
	    syscall(SYS_setresuid, c->uid[0], c->uid[1], c->uid[2]) != 0) {
		o->error = -1;
		return;
	}
	errno = 0;
	o->rv = host_call(c->call, c->arg);
	o->error = errno;
	(void)syscall(SYS_getresuid, &o->uid[0], &o->uid[1], &o->uid[2]);
	(void)syscall(SYS_getresgid, &o->gid[0], &o->gid[1], &o->gid[2]);
	o->fsuid = (uid_t)syscall(SYS_setfsuid, KEEP);
	o->fsgid = (gid_t)syscall(SYS_setfsgid, KEEP);
}

static void
rump_case(const struct idcase *c, struct outcome *o)
{
	struct lwp *l = newproc(RUMP_RFCFDG);

	T_OK(rump_sys_setresgid(c->gid[0], c->gid[1], c->gid[2]));
	T_OK(rump_sys_setresuid(c->uid[0], c->uid[1], c->uid[2]));
	errno = 0;
	o->rv = rump_call(c->call, c->arg);
	o->error = errno;
	T_OK(rump_sys_getresuid(&o->uid[0], &o->uid[1], &o->uid[2]));
	T_OK(rump_sys_getresgid(&o->gid[0], &o->gid[1], &o->gid[2]));
	T_EQ(o->uid[0], rump_sys_getuid());
	T_EQ(o->uid[1], rump_sys_geteuid());
	T_EQ(o->gid[0], rump_sys_getgid());
	T_EQ(o->gid[1], rump_sys_getegid());
	o->fsuid = (uid_t)rump_sys_setfsuid(KEEP);
	o->fsgid = (gid_t)rump_sys_setfsgid(KEEP);
	release(l);
}

static void
describe(char *buf, size_t len, const struct outcome *o)
{
	(void)snprintf(buf, len,
	    "%ld errno %d uids %d,%d,%d,%d gids %d,%d,%d,%d", o->rv, o->error,
	    (int)o->uid[0], (int)o->uid[1], (int)o->uid[2], (int)o->fsuid,
	    (int)o->gid[0], (int)o->gid[1], (int)o->gid[2], (int)o->fsgid);
}

static void
compare(const struct idcase *c, const struct outcome *host,
    const struct outcome *rump)
{
	char hbuf[128], rbuf[128];

	if (memcmp(host, rump, sizeof(*host)) == 0)
		return;
	describe(hbuf, sizeof(hbuf), host);
	describe(rbuf, sizeof(rbuf), rump);
	tc_fail(__FILE__, __LINE__,
	    "uids %d,%d,%d gids %d,%d,%d: %s(%d,%d,%d): host %s, here %s",
	    (int)c->uid[0], (int)c->uid[1], (int)c->uid[2], (int)c->gid[0],
	    (int)c->gid[1], (int)c->gid[2], calls[c->call].name, (int)c->arg[0],
	    (int)c->arg[1], (int)c->arg[2], hbuf, rbuf);
}

struct run {
	struct idcase c;
	struct outcome host;
};

static void
host_thread(struct thread *t)
{
	struct run *run = t->t_arg;

	host_case(&run->c, &run->host);
}

static void
one_case(const struct idcase *c)
{
	struct outcome rump;
	struct run run;
	struct thread t;

	memset(&run, 0, sizeof(run));
	memset(&rump, 0, sizeof(rump));
	run.c = *c;
	thread_start(&t, 0, host_thread, &run);
	rump_case(c, &rump);
	thread_join(&t);
	if (run.host.error == -1)
		atf_tc_skip("the host does not let us set ids");
	compare(c, &run.host, &rump);
}

static const uid_t ids[] = {0, 1000, 1001};
static const uid_t args[] = {KEEP, 0, 1000, 1001, 1002};
#define NIDS  3
#define NARGS 5

/* All arguments of a call, from one state. */
static void
all_args(struct idcase *c)
{
	int n = 1;

	for (int i = 0; i < calls[c->call].nargs; i++)
		n *= NARGS;
	for (int k = 0; k < n; k++) {
		/* The longest list is thinned where it is slow. */
		if (n > NARGS * NARGS && k % (TC_SLOW > 1 ? 7 : 1) != 0)
			continue;
		c->arg[0] = args[k % NARGS];
		c->arg[1] = args[k / NARGS % NARGS];
		c->arg[2] = args[k / NARGS / NARGS];
		one_case(c);
	}
}

static void
all_states(enum call call)
{
	struct idcase c = {.call = call};

	if (geteuid() != 0)
		atf_tc_skip("needs root on the host");
	boot();
	for (int s = 0; s < NIDS * NIDS * NIDS; s++) {
		uid_t id[3] = {
		    ids[s % NIDS], ids[s / NIDS % NIDS], ids[s / NIDS / NIDS]};

		memcpy(calls[call].group ? c.gid : c.uid, id, sizeof(id));
		if (!calls[call].group) {
			all_args(&c);
			continue;
		}
		/* As root, not as root, and as root in hiding. */
		for (int u = 0; u < 3; u++) {
			c.uid[0] = c.uid[2] = u == 1 ? 1000 : 0;
			c.uid[1] = u == 0 ? 0 : 1000;
			all_args(&c);
		}
	}
}

TC(setuid_as_the_host, "setuid from every state.")
{
	all_states(SETUID);
}

TC(seteuid_as_the_host, "seteuid from every state.")
{
	all_states(SETEUID);
}

TC(setreuid_as_the_host, "setreuid from every state.")
{
	all_states(SETREUID);
}

TC(setresuid_as_the_host, "setresuid from every state.")
{
	all_states(SETRESUID);
}

TC(setfsuid_as_the_host, "setfsuid from every state.")
{
	all_states(SETFSUID);
}

TC(setgid_as_the_host, "setgid from every state.")
{
	all_states(SETGID);
}

TC(setegid_as_the_host, "setegid from every state.")
{
	all_states(SETEGID);
}

TC(setregid_as_the_host, "setregid from every state.")
{
	all_states(SETREGID);
}

TC(setresgid_as_the_host, "setresgid from every state.")
{
	all_states(SETRESGID);
}

TC(setfsgid_as_the_host, "setfsgid from every state.")
{
	all_states(SETFSGID);
}

/* The groups of the bare calls, in and out. */
struct grouprun {
	gid_t in[8], out[8];
	long set, get;
};

static void
host_groups(struct thread *t)
{
	struct grouprun *g = t->t_arg;

	g->set = syscall(SYS_setgroups, 6, g->in);
	g->get = syscall(SYS_getgroups, 8, g->out);
}

TC(getgroups_as_the_host, "What was set comes back as it does on the host.")
{
	struct grouprun host = {.in = {9, 3, 3, 70000, 0, 5}};
	gid_t out[8] = {0};

	if (geteuid() != 0)
		atf_tc_skip("needs root on the host");
	boot();
	(void)newproc(RUMP_RFCFDG);
	team_run(1, host_groups, &host);
	if (host.set != 0)
		atf_tc_skip("the host does not let us set groups");
	T_OK(rump_sys_setgroups(6, host.in));
	T_EQ(host.get, rump_sys_getgroups(8, out));
	T_ASSERT(memcmp(out, host.out, sizeof(out)) == 0);
	rump_pub_lwproc_releaselwp();
}

TC(setgroups_and_getgroups, "Sizes, errors, who may.")
{
	static gid_t many[NGROUPS_MAX + 1], got[NGROUPS_MAX];
	gid_t groups[3] = {7, 8, 9};
	struct lwp *l;

	boot();
	l = newproc(RUMP_RFCFDG);
	T_EQ(0, rump_sys_getgroups(0, NULL));
	T_OK(rump_sys_setgroups(3, groups));
	T_EQ(3, rump_sys_getgroups(0, NULL));
	T_EQ(3, rump_sys_getgroups(3, got));
	T_ASSERT(memcmp(got, groups, sizeof(groups)) == 0);
	T_ERR(EINVAL, rump_sys_getgroups(2, got));
	T_ERR(EINVAL, rump_sys_getgroups(-1, got));
	T_ERR(EFAULT, rump_sys_getgroups(3, NULL));
	T_ERR(EFAULT, rump_sys_setgroups(3, NULL));
	T_EQ(3, rump_sys_getgroups(0, NULL));

	for (size_t i = 0; i < NGROUPS_MAX + 1; i++)
		many[i] = (gid_t)i;
	T_ERR(EINVAL, rump_sys_setgroups(NGROUPS_MAX + 1, many));
	T_ERR(EINVAL, rump_sys_setgroups((size_t)-1, many));
	T_OK(rump_sys_setgroups(NGROUPS_MAX, many));
	T_EQ(NGROUPS_MAX, rump_sys_getgroups(NGROUPS_MAX, got));
	T_ASSERT(memcmp(got, many, sizeof(got)) == 0);
	T_OK(rump_sys_setgroups(0, NULL));
	T_EQ(0, rump_sys_getgroups(8, got));

	T_OK(rump_sys_setgroups(3, groups));
	T_OK(rump_sys_seteuid(1000));
	T_ERR(EPERM, rump_sys_setgroups(0, NULL));
	T_ERR(EPERM, rump_sys_setgroups(3, groups));
	T_EQ(3, rump_sys_getgroups(0, NULL));
	release(l);
}

TC(groups_decide_access, "A group of the list, or the effective one, counts.")
{
	gid_t groups[4] = {5, 77, 78, 1000};
	struct lwp *l;

	boot();
	T_OK(rump_sys_mkdir("/for77", 0770));
	T_OK(rump_sys_chmod("/for77", 0770));
	T_OK(rump_sys_chown("/for77", 0, 77));
	for (int i = 0; i < 4; i++) {
		l = newproc(RUMP_RFCFDG);
		if (i == 1)
			T_OK(rump_sys_setgroups(4, groups));
		T_OK(rump_sys_setresgid(
		    i == 3 ? 77 : 6, i == 2 ? 77 : 6, i == 3 ? 77 : 6));
		T_OK(rump_sys_setuid(1000));
		if (i == 1 || i == 2)
			T_OK(rump_sys_chdir("/for77"));
		else
			T_ERR(EACCES, rump_sys_chdir("/for77"));
		release(l);
	}
}

TC(fsuid_decides_access, "Files are checked with the file user id.")
{
	struct lwp *l;

	boot();
	T_OK(rump_sys_mkdir("/for1000", 0700));
	T_OK(rump_sys_chown("/for1000", 1000, 1000));
	l = newproc(RUMP_RFCFDG);
	T_OK(rump_sys_setresuid(1000, 1001, 0));
	T_ERR(EACCES, rump_sys_chdir("/for1000"));
	T_EQ(1001, rump_sys_setfsuid(1000));
	T_EQ(1000, rump_sys_setfsuid(KEEP));
	T_OK(rump_sys_chdir("/for1000"));
	T_EQ(1001, rump_sys_geteuid());
	/* Only ids that it has. */
	T_EQ(1000, rump_sys_setfsuid(1234));
	T_EQ(1000, rump_sys_setfsuid(KEEP));
	/* It follows the effective one when that is set. */
	T_OK(rump_sys_seteuid(1001));
	T_EQ(1001, rump_sys_setfsuid(KEEP));
	release(l);
}

TC(getresuid_needs_room, "All three pointers are written, or EFAULT.")
{
	uid_t r, e, s;
	struct lwp *l;

	boot();
	l = newproc(RUMP_RFCFDG);
	T_OK(rump_sys_setresgid(1, 2, 3));
	T_OK(rump_sys_setresuid(4, 5, 6));
	T_OK(rump_sys_getresuid(&r, &e, &s));
	T_ASSERT(r == 4 && e == 5 && s == 6);
	T_OK(rump_sys_getresgid(&r, &e, &s));
	T_ASSERT(r == 1 && e == 2 && s == 3);
	T_ERR(EFAULT, rump_sys_getresuid(NULL, &e, &s));
	T_ERR(EFAULT, rump_sys_getresuid(&r, NULL, &s));
	T_ERR(EFAULT, rump_sys_getresgid(&r, &e, NULL));
	release(l);
}

TC(issetugid_after_a_change, "0 until ids change; inherited after.")
{
	struct lwp *a, *b;

	boot();
	T_EQ(0, rump_sys_issetugid());
	a = newproc(0);
	T_EQ(0, rump_sys_issetugid());
	T_OK(rump_sys_setuid(1000));
	T_EQ(1, rump_sys_issetugid());
	T_ERR(EPERM, rump_sys_setuid(0));
	b = newproc(0);
	T_EQ(1, rump_sys_issetugid());
	release(b);
	release(a);
	T_EQ(0, rump_sys_issetugid());
	a = newproc(0);
	T_ERR(EINVAL, rump_sys_setuid(KEEP));
	T_EQ(0, rump_sys_issetugid());
	T_OK(rump_sys_setegid(5));
	T_EQ(1, rump_sys_issetugid());
	release(a);
}

TC(root_in_hiding, "A saved id of 0 brings root back; dropping it does not.")
{
	struct lwp *l;

	boot();
	l = newproc(RUMP_RFCFDG);
	T_OK(rump_sys_mkdir("/secret", 0700));
	T_OK(rump_sys_seteuid(1000));
	T_ERR(EACCES, rump_sys_chdir("/secret"));
	T_OK(rump_sys_seteuid(0));
	T_OK(rump_sys_chdir("/secret"));
	T_OK(rump_sys_setuid(1000));
	T_ERR(EPERM, rump_sys_seteuid(0));
	T_ERR(EPERM, rump_sys_setreuid(0, KEEP));
	release(l);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, setuid_as_the_host);
	ATF_TP_ADD_TC(tp, seteuid_as_the_host);
	ATF_TP_ADD_TC(tp, setreuid_as_the_host);
	ATF_TP_ADD_TC(tp, setresuid_as_the_host);
	ATF_TP_ADD_TC(tp, setfsuid_as_the_host);
	ATF_TP_ADD_TC(tp, setgid_as_the_host);
	ATF_TP_ADD_TC(tp, setegid_as_the_host);
	ATF_TP_ADD_TC(tp, setregid_as_the_host);
	ATF_TP_ADD_TC(tp, setresgid_as_the_host);
	ATF_TP_ADD_TC(tp, setfsgid_as_the_host);
	ATF_TP_ADD_TC(tp, getgroups_as_the_host);
	ATF_TP_ADD_TC(tp, setgroups_and_getgroups);
	ATF_TP_ADD_TC(tp, groups_decide_access);
	ATF_TP_ADD_TC(tp, fsuid_decides_access);
	ATF_TP_ADD_TC(tp, getresuid_needs_room);
	ATF_TP_ADD_TC(tp, issetugid_after_a_change);
	ATF_TP_ADD_TC(tp, root_in_hiding);
	return atf_no_error();
}
