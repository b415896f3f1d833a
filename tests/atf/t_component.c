/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Components: loading them, what they register, and unloading them.
 */
#include <elf.h>
#include <fcntl.h>

#include <rump/rump_component.h>
#include <rump/rump_sysctl.h>

#include "../component/counter.h"
#include "files.h"
#include "tc.h"
#include "threads.h"

static int
load(const char *name)
{
	char path[512];
	struct rump_modctl_load ml = {.ml_filename = path};

	(void)snprintf(path, sizeof(path), "%s/%s.so", TEST_COMPONENTS, name);
	return rump_sys_modctl(MODCTL_LOAD, &ml);
}

static int
unload(const char *name)
{
	return rump_sys_modctl(MODCTL_UNLOAD, (void *)(uintptr_t)name);
}

static int64_t
number(const char *name)
{
	int64_t v = 0;
	size_t len = sizeof(v);

	T_OK(rump_sys_sysctlbyname(name, &v, &len, NULL, 0));
	return v;
}

TC(device, "what it registers in /dev works")
{
	char buf[16] = {0};
	int64_t n = 0;
	struct stat sb;
	int fd;

	boot();
	T_OK(load("counter"));
	T_OK(rump_sys_stat("/dev/test/counter", &sb));
	T_EQ(S_IFCHR | 0640, sb.st_mode);
	fd = (int)T_OK(rump_sys_open("/dev/test/counter", O_RDWR));
	T_EQ(12, rump_sys_write(fd, "hello, world", 12));
	T_EQ(2, rump_sys_read(fd, buf, 2));
	ATF_CHECK_STREQ("12", buf);
	T_EQ(1, rump_sys_read(fd, buf, 2));
	T_EQ(0, rump_sys_read(fd, buf, 2));
	T_EQ(1, rump_sys_lseek(fd, 1, SEEK_SET));
	T_EQ(2, rump_sys_read(fd, buf, 16));
	T_EQ(2, rump_sys_pread(fd, buf, 2, 0));
	T_EQ(2, rump_sys_lseek(fd, -1, SEEK_CUR));
	T_ERR(EINVAL, rump_sys_lseek(fd, 0, SEEK_END));
	T_ERR(EINVAL, rump_sys_lseek(fd, -5, SEEK_SET));
	T_ERR(EOVERFLOW, rump_sys_lseek(fd, INT64_MAX, SEEK_CUR));
	T_OK(rump_sys_ioctl(fd, COUNTER_GET, &n));
	T_EQ(12, n);
	n = 1000;
	T_OK(rump_sys_ioctl(fd, COUNTER_SET, &n));
	T_EQ(1000, number("test.count"));
	T_ERR(EFAULT, rump_sys_ioctl(fd, COUNTER_GET, (void *)1));
	T_ERR(ENOTTY, rump_sys_ioctl(fd, _IO('z', 99), NULL));
	T_ERR(EFAULT, rump_sys_write(fd, (void *)1, 1));
	T_EQ(0, number("test.closed"));
	T_OK(rump_sys_close(fd));
	T_EQ(1, number("test.closed"));

	fd = (int)T_OK(rump_sys_open("/dev/mute", O_RDWR));
	T_ERR(EINVAL, rump_sys_read(fd, buf, 1));
	T_ERR(EINVAL, rump_sys_write(fd, buf, 1));
	T_ERR(ENOTTY, rump_sys_ioctl(fd, COUNTER_GET, &n));
}

TC(open_fails, "what its open says is what open says")
{
	int fds[3];

	boot();
	T_OK(load("counter"));
	for (int i = 0; i < 3; i++)
		fds[i] =
		    (int)T_OK(rump_sys_open("/dev/test/counter", O_RDONLY));
	T_ERR(EBUSY, rump_sys_open("/dev/test/counter", O_RDONLY));
	for (int i = 0; i < 2; i++)
		T_OK(rump_sys_close(fds[i]));
	T_ERR(EBUSY, unload("counter"));
	T_OK(rump_sys_close(fds[2]));
	T_OK(unload("counter"));
}

TC(every_dev, "every devfs shows it, those that come later too")
{
	struct stat sb, other;

	boot();
	T_OK(rump_sys_mkdir("/dev2", 0755));
	T_OK(rump_sys_mkdir("/dev3", 0755));
	T_OK(rump_sys_mount("devfs", "/dev2", 0, NULL, 0));
	T_OK(load("counter"));
	T_OK(rump_sys_mount("devfs", "/dev3", 0, NULL, 0));
	T_OK(rump_sys_stat("/dev/test/counter", &sb));
	T_OK(rump_sys_stat("/dev2/test/counter", &other));
	T_EQ(sb.st_rdev, other.st_rdev);
	T_OK(rump_sys_stat("/dev3/test/counter", &other));
	T_EQ(sb.st_rdev, other.st_rdev);
	/* Another file of that number opens it, too. */
	T_OK(rump_sys_mknod("/node", S_IFCHR | 0600, sb.st_rdev));
	T_OK(rump_sys_close((int)T_OK(rump_sys_open("/node", O_RDWR))));
	/* What has taken its name is not taken away. */
	T_OK(rump_sys_unlink("/dev2/test/counter"));
	T_OK(rump_sys_close(
	    (int)T_OK(rump_sys_open("/dev2/test/counter", O_CREAT, 0600))));
	T_OK(unload("counter"));
	T_ERR(ENOENT, rump_sys_stat("/dev/test/counter", &sb));
	T_ERR(ENOENT, rump_sys_stat("/dev3/test/counter", &sb));
	T_OK(rump_sys_stat("/dev2/test/counter", &sb));
	T_ERR(ENXIO, rump_sys_open("/node", O_RDWR));
}

TC(nodes, "nodes of sysctl are its variables")
{
	int32_t step = 10;
	char word[32];
	size_t len = sizeof(word);
	int fd;

	boot();
	T_OK(load("counter"));
	T_OK(rump_sys_sysctlbyname("test.step", NULL, NULL, &step, 4));
	fd = (int)T_OK(rump_sys_open("/dev/test/counter", O_RDWR));
	T_EQ(4, rump_sys_write(fd, "abcd", 4));
	T_EQ(40, number("test.count"));
	T_OK(rump_sys_sysctlbyname("test.label", word, &len, "word", 4));
	ATF_CHECK_STREQ("none", word);
	len = sizeof(word);
	T_OK(rump_sys_sysctlbyname("test.label", word, &len, NULL, 0));
	ATF_CHECK_STREQ("word", word);
	memset(word, 'x', sizeof(word));
	T_OK(rump_sys_sysctlbyname("test.label", NULL, NULL, word, 15));
	T_ERR(
	    EINVAL, rump_sys_sysctlbyname("test.label", NULL, NULL, word, 16));
	T_ERR(EPERM, rump_sys_sysctlbyname("test.closed", NULL, NULL, word, 1));
}

static size_t
stat_all(struct rump_modstat *ms, size_t n)
{
	struct iovec iov = {ms, n * sizeof(*ms)};

	T_OK(rump_sys_modctl(MODCTL_STAT, &iov));
	return iov.iov_len / sizeof(*ms);
}

TC(load_and_unload, "again and again; who is required stays")
{
	struct rump_modstat ms[3];
	struct rump_memstat before, after;
	int fd;

	boot();
	T_EQ(0, stat_all(ms, 3));
	T_OK(rump_sys_modctl(MODCTL_EXISTS, NULL));
	T_ERR(ENOENT, load("needy"));
	T_OK(load("counter"));
	T_ERR(EEXIST, load("counter"));
	T_OK(load("needy"));
	T_EQ(7, number("test.more"));
	T_EQ(2, stat_all(ms, 3));
	ATF_CHECK_STREQ("needy", ms[0].ms_name);
	ATF_CHECK_STREQ("counter", ms[0].ms_required);
	ATF_CHECK_STREQ("counter", ms[1].ms_name);
	T_EQ(1, ms[1].ms_refcnt);
	T_EQ(2, ms[1].ms_devices);
	T_EQ(5, ms[1].ms_nodes);
	T_EQ(RUMP_MODULE_SOURCE_FILESYS, ms[1].ms_source);
	T_EQ(2, stat_all(ms, 1));
	T_ERR(EBUSY, unload("counter"));
	T_OK(unload("needy"));
	T_ERR(ENOENT, unload("needy"));
	fd = (int)T_OK(rump_sys_open("/dev/mute", O_RDWR));
	T_ERR(EBUSY, unload("counter"));
	T_EQ(0, number("test.count"));
	T_OK(rump_sys_close(fd));
	T_OK(unload("counter"));
	T_ERR(ENOENT, rump_sys_sysctlbyname("test.count", NULL, NULL, NULL, 0));
	T_EQ(0, rump_pub_memstat(&before));
	for (int i = 0; i < 10; i++) {
		T_OK(load("counter"));
		T_OK(unload("counter"));
	}
	T_EQ(0, rump_pub_memstat(&after));
	T_EQ(before.used, after.used);
}

TC(fini_refuses, "it stays, with nothing registered")
{
	struct rump_modstat ms[2];

	boot();
	T_OK(load("counter"));
	T_OK(rump_sys_sysctlbyname("test.label", NULL, NULL, "stay", 5));
	T_ERR(EBUSY, unload("counter"));
	T_EQ(1, stat_all(ms, 2));
	T_EQ(0, ms[0].ms_devices);
	T_EQ(0, ms[0].ms_nodes);
	T_ERR(ENOENT, rump_sys_open("/dev/mute", O_RDWR));
}

TC(errors, "files that are none, and who may not")
{
	struct rump_modctl_load ml = {.ml_filename = "/no/such.so"};
	struct rump_modstat ms[1];

	boot();
	newproc(RUMP_RFCFDG);
	T_ERR(ENOENT, rump_sys_modctl(MODCTL_LOAD, &ml));
	ml.ml_filename = "/etc/passwd";
	T_ERR(ENOEXEC, rump_sys_modctl(MODCTL_LOAD, &ml));
	T_ERR(ENOEXEC, load("nothing"));
	ml.ml_filename = "";
	T_ERR(EINVAL, rump_sys_modctl(MODCTL_LOAD, &ml));
	ml.ml_filename = (char *)8;
	T_ERR(EFAULT, rump_sys_modctl(MODCTL_LOAD, &ml));
	T_ERR(EFAULT, rump_sys_modctl(MODCTL_LOAD, (void *)8));
	T_ERR(EFAULT, rump_sys_modctl(MODCTL_STAT, (void *)8));
	T_ERR(EINVAL, rump_sys_modctl(-1, NULL));
	T_ERR(EINVAL, rump_sys_modctl(4, NULL));
	T_OK(rump_sys_setuid(5));
	T_ERR(EPERM, load("counter"));
	T_ERR(EPERM, unload("counter"));
	T_EQ(0, stat_all(ms, 1));
}

static struct rump_module *kept;
static int init_error;

static int
own_init(struct rump_module *self)
{
	static const struct rump_device dev = {
	    .rd_name = "own", .rd_mode = S_IFCHR | 0600};
	static const struct rump_device bad[] = {
	    {.rd_name = "own", .rd_mode = S_IFCHR},
	    {.rd_name = "null", .rd_mode = S_IFCHR},
	    {.rd_name = "a/../b", .rd_mode = S_IFCHR},
	    {.rd_name = "/a", .rd_mode = S_IFCHR},
	    {.rd_name = "", .rd_mode = S_IFCHR},
	    {.rd_name = "reg", .rd_mode = S_IFREG},
	    {.rd_name = "mode", .rd_mode = S_IFCHR | S_ISUID},
	};
	static const struct rump_sysctl node[] = {
	    {"kern", "own", RUMP_CTLTYPE_INT, "mine", &init_error, 0}};
	static const struct rump_sysctl badnode[] = {
	    {"no", "own", RUMP_CTLTYPE_INT, "", &init_error, 0},
	    {"kern.ostype", "own", RUMP_CTLTYPE_INT, "", &init_error, 0},
	    {"kern", "ostype", RUMP_CTLTYPE_INT, "", &init_error, 0},
	    {"kern", "a.b", RUMP_CTLTYPE_INT, "", &init_error, 0},
	    {"kern", "s", RUMP_CTLTYPE_STRUCT, "", &init_error, 0},
	    {"kern", "s", RUMP_CTLTYPE_STRING, "", &init_error, 0},
	    {"kern", "i", RUMP_CTLTYPE_INT, "", NULL, 0},
	};
	static const int want[] = {
	    EEXIST, EEXIST, EINVAL, EINVAL, EINVAL, EINVAL, EINVAL};
	static const int wantnode[] = {
	    ENOENT, ENOTDIR, EEXIST, EINVAL, EINVAL, EINVAL, EINVAL};

	kept = self;
	T_EQ(0, rump_component_device(self, &dev));
	/* It may call the kernel, but nobody opens the device yet. */
	T_ERR(ENXIO, rump_sys_open("/dev/own", O_RDWR));
	for (size_t i = 0; i < 7; i++)
		T_EQ(want[i], rump_component_device(self, &bad[i]));
	T_EQ(0, rump_component_sysctl(self, node, 1));
	for (size_t i = 0; i < 7; i++)
		T_EQ(wantnode[i], rump_component_sysctl(self, &badnode[i], 1));
	T_EQ(EINVAL, rump_component_sysctl(self, node, 0));
	return init_error;
}

static int
nop_init(struct rump_module *self)
{
	(void)self;
	return 0;
}

static const struct rump_component own = {
    .rc_version = RUMP_COMPONENT_VERSION,
    .rc_name = "own",
    .rc_requires = "first,second",
    .rc_init = own_init,
};
static const struct rump_component first = {
    .rc_version = RUMP_COMPONENT_VERSION,
    .rc_name = "first",
    .rc_requires = "second",
    .rc_init = nop_init,
};
static const struct rump_component second = {
    .rc_version = RUMP_COMPONENT_VERSION,
    .rc_name = "second",
    .rc_init = nop_init,
};

TC(program, "components of the program, in the order that they need")
{
	const struct rump_component *list[] = {&own, &first, &second};
	struct rump_modstat ms[3];

	T_EQ(ENXIO, rump_pub_module_init(list, 3));
	T_EQ(ENXIO, rump_pub_module_fini(&own));
	boot();
	T_EQ(ENOENT, rump_pub_module_init(list, 2));
	T_EQ(0, rump_pub_module_init(list, 0));
	init_error = EDOM;
	T_EQ(EDOM, rump_pub_module_init(list, 3));
	T_EQ(2, stat_all(ms, 3));
	T_ERR(ENOENT, rump_sys_open("/dev/own", O_RDWR));
	T_ERR(ENOENT, rump_sys_sysctlbyname("kern.own", NULL, NULL, NULL, 0));
	init_error = 0;
	T_EQ(0, rump_pub_module_init(list, 1));
	T_EQ(3, stat_all(ms, 3));
	T_EQ(RUMP_MODULE_SOURCE_KERNEL, ms[0].ms_source);
	T_OK(rump_sys_close((int)T_OK(rump_sys_open("/dev/own", O_RDWR))));
	T_EQ(EPERM, rump_component_device(kept, NULL));
	T_EQ(EPERM, rump_component_sysctl(kept, NULL, 1));
	T_EQ(EBUSY, rump_pub_module_fini(&second));
	T_EQ(0, rump_pub_module_fini(&own));
	T_EQ(ENOENT, rump_pub_module_fini(&own));
	T_OK(unload("first"));
	T_EQ(0, rump_pub_module_fini(&second));
}

TC(bad_components, "versions and names that are none")
{
	struct rump_component bad = first;
	const struct rump_component *list[] = {&bad};

	boot();
	bad.rc_version = 99;
	T_EQ(EINVAL, rump_pub_module_init(list, 1));
	bad = first;
	bad.rc_name = "a/b";
	T_EQ(EINVAL, rump_pub_module_init(list, 1));
	bad.rc_name = "";
	T_EQ(EINVAL, rump_pub_module_init(list, 1));
	bad.rc_name = NULL;
	T_EQ(EINVAL, rump_pub_module_init(list, 1));
	bad = first;
	bad.rc_init = NULL;
	T_EQ(EINVAL, rump_pub_module_init(list, 1));
}

TC(symbols, "tables of symbols are looked at")
{
	Elf64_Sym sym[2] = {{.st_name = 0}, {.st_name = 1}};
	char names[] = "\0a";

	boot();
	T_EQ(0, rump_pub_kernelfsym_load(sym, sizeof(sym), names, 3));
	T_EQ(EINVAL, rump_pub_kernelfsym_load(sym, 5, names, 3));
	T_EQ(EINVAL, rump_pub_kernelfsym_load(sym, sizeof(sym), names, 1));
	T_EQ(EINVAL, rump_pub_kernelfsym_load(sym, sizeof(sym), names, 2));
	T_EQ(EINVAL, rump_pub_kernelfsym_load(NULL, 0, names, 3));
	T_EQ(EINVAL, rump_pub_kernelfsym_load(sym, sizeof(sym), NULL, 0));
}

static _Atomic bool stop;

static void *
user(void *arg)
{
	char buf[16];
	int fd;

	newproc(RUMP_RFCFDG);
	while (!stop) {
		if ((fd = rump_sys_open("/dev/test/counter", O_RDWR)) == -1) {
			T_ASSERT(errno == ENOENT || errno == ENXIO ||
				 errno == EBUSY);
			continue;
		}
		T_EQ(3, rump_sys_write(fd, "abc", 3));
		T_ASSERT(rump_sys_read(fd, buf, sizeof(buf)) > 0);
		T_OK(rump_sys_close(fd));
		(void)rump_sys_sysctlbyname("test.count", NULL, NULL, NULL, 0);
	}
	rump_pub_lwproc_releaselwp();
	return arg;
}

TC(race, "it goes and comes while others use it")
{
	pthread_t t[2];
	int i, gone = 0;

	boot();
	for (i = 0; i < 2; i++)
		T_EQ(0, pthread_create(&t[i], NULL, user, NULL));
	for (i = 0; i < 150 / TC_SLOW; i++) {
		if (load("counter") == -1)
			T_EQ(EEXIST, errno);
		if (unload("counter") == 0)
			gone++;
		else
			T_EQ(EBUSY, errno);
	}
	stop = true;
	for (i = 0; i < 2; i++)
		T_EQ(0, pthread_join(t[i], NULL));
	T_ASSERT(gone > 0);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, device);
	ATF_TP_ADD_TC(tp, open_fails);
	ATF_TP_ADD_TC(tp, every_dev);
	ATF_TP_ADD_TC(tp, nodes);
	ATF_TP_ADD_TC(tp, load_and_unload);
	ATF_TP_ADD_TC(tp, fini_refuses);
	ATF_TP_ADD_TC(tp, errors);
	ATF_TP_ADD_TC(tp, program);
	ATF_TP_ADD_TC(tp, bad_components);
	ATF_TP_ADD_TC(tp, symbols);
	ATF_TP_ADD_TC(tp, race);
	return atf_no_error();
}
