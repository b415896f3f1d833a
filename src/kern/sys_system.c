/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * System calls about the kernel as a whole: what it is, its names, random
 * bytes.
 */
#include <sys/random.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>

#include "kern/ktime.h"
#include "kern/lwp.h"
#include "sysproto.h"

int
sys_uname(struct lwp *l, struct utsname *uname)
{
	struct utsname un;

	(void)l;
	memset(&un, 0, sizeof(un));
	strcpy(un.sysname, KERN_OSTYPE_NAME);
	kern_gethostname(un.nodename);
	kern_release(un.release, sizeof(un.release));
	kern_version(un.version, sizeof(un.version));
	strcpy(un.machine, KERN_MACHINE);
	kern_getdomainname(un.domainname);
	return copyout(&un, uname, sizeof(un));
}

/* There is no load to speak of and no swap space. */
int
sys_sysinfo(struct lwp *l, struct sysinfo *uinfo)
{
	struct kmem_stats ks;
	struct sysinfo si;
	uint64_t lwps = lwp_live();

	(void)l;
	memset(&si, 0, sizeof(si));
	kmem_stats(&ks);
	si.uptime = kern_uptime(kern_monotonic()) / NSEC_PER_SEC;
	si.totalram = ks.ks_limit;
	si.freeram = ks.ks_limit > ks.ks_used ? ks.ks_limit - ks.ks_used : 0;
	si.procs = lwps < UINT16_MAX ? (unsigned short)lwps : UINT16_MAX;
	si.mem_unit = 1;
	return copyout(&si, uinfo, sizeof(si));
}

int
sys_gethostname(struct lwp *l, char *uname, size_t size)
{
	char name[HOSTNAME_SIZE];
	size_t len;
	int error;

	(void)l;
	kern_gethostname(name);
	len = strlen(name) + 1;
	error = copyout(name, uname, len < size ? len : size);
	return error == 0 && len > size ? ENAMETOOLONG : error;
}

int
sys_getdomainname(struct lwp *l, char *uname, size_t size)
{
	char name[HOSTNAME_SIZE];
	size_t len;

	(void)l;
	kern_getdomainname(name);
	len = strlen(name) + 1;
	return copyout(name, uname, len < size ? len : size);
}

/* A name that the caller wants to set. */
static int
name_copyin(struct lwp *l, const char *uname, size_t len, char *name)
{
	if (!cred_is_root(proc_cred(l->l_proc)))
		return EPERM;
	return len < HOSTNAME_SIZE ? copyin(uname, name, len) : EINVAL;
}

int
sys_sethostname(struct lwp *l, const char *uname, size_t len)
{
	char name[HOSTNAME_SIZE];
	int error = name_copyin(l, uname, len, name);

	return error != 0 ? error : kern_sethostname(name, len);
}

int
sys_setdomainname(struct lwp *l, const char *uname, size_t len)
{
	char name[HOSTNAME_SIZE];
	int error = name_copyin(l, uname, len, name);

	return error != 0 ? error : kern_setdomainname(name, len);
}

int
sys_getrandom(
    struct lwp *l, void *ubuf, size_t len, unsigned int flags, ssize_t *retval)
{
	char buf[256], *to = ubuf;
	size_t n, done;
	int error = 0;

	(void)l;
	if ((flags & ~(unsigned)(GRND_NONBLOCK | GRND_RANDOM |
				 GRND_INSECURE)) != 0 ||
	    (flags & (GRND_RANDOM | GRND_INSECURE)) ==
		(GRND_RANDOM | GRND_INSECURE))
		return EINVAL;
	if (len > UIO_MAXLEN)
		len = UIO_MAXLEN;
	if (!useraddr_inrange(ubuf, len))
		return EFAULT;
	for (done = 0; done < len && error == 0; done += n) {
		n = len - done < sizeof(buf) ? len - done : sizeof(buf);
		hyper_random(buf, n);
		error = copyout(buf, to + done, n);
	}
	*retval = (ssize_t)len;
	return error;
}
