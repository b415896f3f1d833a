/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Programs that are linked statically load nothing: a shared object would bring
 * a C library of its own.  What they have from our libraries asks for it all
 * the same, and is told so: the linker puts these in the place of what they are
 * named after.  Users are known by their numbers: who has a name is in
 * libraries of the host's, too.
 */
#include <dlfcn.h>
#include <pwd.h>
#include <stddef.h>

void *__wrap_dlopen(const char *, int);
void *__wrap_dlsym(void *, const char *);
int __wrap_dlclose(void *);
char *__wrap_dlerror(void);
int __wrap_dladdr(const void *, Dl_info *);
struct passwd *__wrap_getpwnam(const char *);

void *
__wrap_dlopen(const char *file, int mode)
{
	(void)file;
	(void)mode;
	return NULL;
}

void *
__wrap_dlsym(void *handle, const char *name)
{
	(void)handle;
	(void)name;
	return NULL;
}

int
__wrap_dlclose(void *handle)
{
	(void)handle;
	return -1;
}

char *
__wrap_dlerror(void)
{
	static char why[] = "this program loads no shared objects";

	return why;
}

int
__wrap_dladdr(const void *address, Dl_info *info)
{
	(void)address;
	(void)info;
	return 0;
}

struct passwd *
__wrap_getpwnam(const char *name)
{
	(void)name;
	return NULL;
}
