/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who clients are that come from elsewhere: a file of lines
 *
 *	identity uid gid[,gid...] root [psk=key]
 *
 * where key is in hexadecimal digits.  Lines that are empty or begin with #
 * say nothing.  Read once; users stay.
 */
#include <stdio.h>

#include "proxy/proxy.h"

#include "hyper/hostfile.h"
#include "kern/entry.h"

#define FILE_MOST   (1u << 20)
#define FIELDS_MOST 6
#define KEY_LEAST   16u

static struct user *users;
static size_t nusers;

/* All of its text, with a NUL behind; *sizep bytes of memory. */
static int
file_read(int fd, char **textp, size_t *sizep, bool *openp)
{
	struct hyper_stat hs;
	size_t done;
	int error;

	if ((error = hyper_file_stat(fd, "", &hs)) != 0)
		return error;
	if (!S_ISREG(hs.hs_stat.st_mode) ||
	    hs.hs_stat.st_size > (off_t)FILE_MOST)
		return EINVAL;
	*openp = (hs.hs_stat.st_mode & (S_IRWXG | S_IRWXO)) != 0;
	*sizep = (size_t)hs.hs_stat.st_size + 1;
	if ((*textp = kmem_alloc(*sizep)) == NULL)
		return ENOMEM;
	error = hyper_file_pread(fd, *textp, *sizep - 1, 0, &done);
	if (error != 0)
		kmem_free(*textp, *sizep);
	else
		(*textp)[done] = '\0';
	return error;
}

/* A number up to most, and what follows it. */
static bool
number_take(char **textp, uint32_t most, uint32_t *np)
{
	uint64_t n = 0;
	char *p = *textp;

	for (; *p >= '0' && *p <= '9' && n <= most; p++)
		n = n * 10 + (uint64_t)(*p - '0');
	if (p == *textp || n > most)
		return false;
	*textp = p;
	*np = (uint32_t)n;
	return true;
}

static bool
groups_parse(char *text, struct user *u)
{
	while (u->u_ngids < nitems(u->u_gids)) {
		if (!number_take(&text, UINT32_MAX - 1, &u->u_gids[u->u_ngids]))
			return false;
		u->u_ngids++;
		if (*text == '\0')
			return true;
		if (*text++ != ',')
			return false;
	}
	return false;
}

static int
digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool
key_parse(const char *text, struct user *u)
{
	int high, low;

	for (; *text != '\0'; text += 2) {
		high = digit(text[0]);
		low = high < 0 ? -1 : digit(text[1]);
		if (low < 0 || u->u_keylen == sizeof(u->u_key))
			return false;
		u->u_key[u->u_keylen++] = (uint8_t)(high << 4 | low);
	}
	return u->u_keylen >= KEY_LEAST;
}

/* What is wrong with these fields, or NULL. */
static const char *
user_parse(char *fields[], int n, struct user *u)
{
	uint32_t uid;

	*u = (struct user){0};
	if (n < 4 || n > 5)
		return "identity uid gid[,gid...] root [psk=key] is wanted";
	if (strlen(fields[0]) >= sizeof(u->u_name))
		return "the identity is too long";
	if (!number_take(&fields[1], UINT32_MAX - 1, &uid) ||
	    *fields[1] != '\0')
		return "the uid is no number";
	if (!groups_parse(fields[2], u))
		return "gids are up to 64 numbers with commas between them";
	if (fields[3][0] != '/' || strlen(fields[3]) >= sizeof(u->u_root))
		return "the root is no absolute path of less than 256 bytes";
	if (n == 5 && (strncmp(fields[4], "psk=", 4) != 0 ||
			  !key_parse(fields[4] + 4, u)))
		return "psk= has 16 to 64 bytes in hexadecimal digits";
	strcpy(u->u_name, fields[0]);
	strcpy(u->u_root, fields[3]);
	u->u_uid = uid;
	if (users_find(u->u_name, u->u_keylen != 0) != NULL)
		return "the identity is there already";
	return NULL;
}

/* Up to FIELDS_MOST words of a line. */
static int
line_split(char *line, char *fields[])
{
	int n = 0;

	while (n < FIELDS_MOST) {
		line += strspn(line, " \t\r");
		if (*line == '\0')
			break;
		fields[n++] = line;
		line += strcspn(line, " \t\r");
		if (*line != '\0')
			*line++ = '\0';
	}
	return n;
}

static int
users_parse(const char *path, char *text, char *why, size_t size)
{
	char *fields[FIELDS_MOST], *line, *next;
	const char *wrong = NULL;
	int n, number;

	for (line = text, number = 1; line != NULL; line = next, number++) {
		if ((next = strchr(line, '\n')) != NULL)
			*next++ = '\0';
		n = line_split(line, fields);
		if (n == 0 || fields[0][0] == '#')
			continue;
		wrong = user_parse(fields, n, &users[nusers]);
		if (wrong != NULL)
			break;
		nusers++;
	}
	if (wrong == NULL)
		return 0;
	(void)snprintf(why, size, "%s:%d: %s", path, number, wrong);
	return EINVAL;
}

/* As many as it has lines, so that each has a place. */
static int
users_room(const char *text)
{
	size_t lines = 1;

	for (; *text != '\0'; text++)
		lines += *text == '\n';
	users = kmem_alloc(lines * sizeof(*users));
	return users != NULL ? 0 : ENOMEM;
}

/* Others may read it, and are not to read keys. */
static bool
users_arepublic(void)
{
	size_t i;

	for (i = 0; i < nusers; i++)
		if (users[i].u_keylen != 0)
			return true;
	return false;
}

static int
users_read(int fd, const char *path, char *why, size_t size)
{
	size_t len;
	char *text;
	bool open;
	int error = file_read(fd, &text, &len, &open);

	if (error != 0)
		return error;
	if ((error = users_room(text)) == 0)
		error = users_parse(path, text, why, size);
	kmem_free(text, len);
	if (error == 0 && open && users_arepublic()) {
		(void)snprintf(why, size,
		    "%s: has keys in it, and not only its owner may read it",
		    path);
		error = EACCES;
	}
	return error;
}

int
users_load(const char *path, char *why, size_t size)
{
	int fd, error;

	*why = '\0';
	error = hyper_file_open(HYPER_FILE_NONE, path, O_RDONLY, 0, &fd);
	if (error == 0) {
		if (syscall_enter() == NULL)
			error = syscall_refusal();
		else {
			error = users_read(fd, path, why, size);
			syscall_exit();
		}
		hyper_file_close(fd);
	}
	if (error != 0 && *why == '\0')
		(void)snprintf(why, size, "%s: %s", path, strerror(error));
	return error;
}

const struct user *
users_find(const char *name, bool key)
{
	size_t i;

	for (i = 0; i < nusers; i++)
		if ((users[i].u_keylen != 0) == key &&
		    strcmp(users[i].u_name, name) == 0)
			return &users[i];
	return NULL;
}

bool
users_findkey(const char *name, uint8_t key[TLS_KEYMOST], size_t *lenp)
{
	const struct user *u = users_find(name, true);

	if (u == NULL)
		return false;
	memcpy(key, u->u_key, u->u_keylen);
	*lenp = u->u_keylen;
	return true;
}
