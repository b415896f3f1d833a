/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Directories and mounts that rump_server makes before its clients come.
 */
#include "setup.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <rump/rump_mount.h>
#include <rump/rump_syscalls.h>

#define DIRMODE 0755

struct step {
	const char *s_text; /* the option's argument */
	char *s_type;	    /* NULL: to make a directory */
	char *s_on;
	char *s_data; /* or NULL */
	int s_flags;
};

static struct step *steps;
static size_t nsteps;

static const char *
step_add(const struct step *s)
{
	struct step *more = realloc(steps, (nsteps + 1) * sizeof(*more));

	if (more == NULL)
		return strerror(ENOMEM);
	steps = more;
	steps[nsteps++] = *s;
	return NULL;
}

const char *
setup_mkdir(char *path)
{
	const struct step s = {.s_text = path, .s_on = path};

	return *path == '/' ? step_add(&s) : "is no absolute path";
}

/* Take the copy of an option's argument apart. */
static const char *
mount_add(struct step *s, char *rest)
{
	static const char why[] = "is not type:on:ro|rw[:options]";
	char *how;

	s->s_type = strsep(&rest, ":");
	s->s_on = strsep(&rest, ":");
	how = strsep(&rest, ":");
	s->s_data = rest;
	if (how != NULL && strcmp(how, "ro") == 0)
		s->s_flags = RUMP_MNT_RDONLY;
	else if (how == NULL || strcmp(how, "rw") != 0)
		return why;
	return *s->s_type != '\0' && *s->s_on == '/' ? step_add(s) : why;
}

const char *
setup_mount(char *text)
{
	struct step s = {.s_text = text};
	char *copy = strdup(text);
	const char *why;

	if (copy == NULL)
		return strerror(ENOMEM);
	if ((why = mount_add(&s, copy)) != NULL)
		free(copy);
	return why;
}

/* Make those on the way to it; what there is stays. */
static void
parents_make(char *path)
{
	char *p = path;

	while ((p = strchr(p + 1, '/')) != NULL) {
		*p = '\0';
		(void)rump_sys_mkdir(path, DIRMODE);
		*p = '/';
	}
}

static int
step_try(const struct step *s)
{
	int r = s->s_type == NULL
		    ? rump_sys_mkdir(s->s_on, DIRMODE)
		    : rump_sys_mount(s->s_type, s->s_on, s->s_flags, s->s_data,
			  s->s_data != NULL ? strlen(s->s_data) : 0);

	return r == 0 ? 0 : errno;
}

static int
step_run(const struct step *s)
{
	int error = step_try(s);

	if (error != ENOENT)
		return error;
	parents_make(s->s_on);
	/* Or is it what is mounted that is not there? */
	if (s->s_type != NULL && rump_sys_mkdir(s->s_on, DIRMODE) == -1)
		return error;
	return step_try(s);
}

int
setup_run(const char **whatp)
{
	size_t i;
	int error = 0;

	for (i = 0; i < nsteps && error == 0; i++) {
		*whatp = steps[i].s_text;
		error = step_run(&steps[i]);
	}
	return error;
}
