/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Programs that are linked statically load nothing: a shared object would bring
 * a C library of its own.  What they have from our libraries asks for it all
 * the same, and is told so.
 */
#include <dlfcn.h>
#include <stddef.h>

void *
dlopen(const char *file, int mode)
{
	(void)file;
	(void)mode;
	return NULL;
}

void *
dlsym(void *restrict handle, const char *restrict name)
{
	(void)handle;
	(void)name;
	return NULL;
}

int
dlclose(void *handle)
{
	(void)handle;
	return -1;
}

char *
dlerror(void)
{
	static char why[] = "this program loads no shared objects";

	return why;
}

int
dladdr(const void *address, Dl_info *info)
{
	(void)address;
	(void)info;
	return 0;
}
