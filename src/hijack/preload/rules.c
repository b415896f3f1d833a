/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The words of RUMPHIJACK and RUMPHIJACK_RETRYCONNECT: rumphijack(3) says what
 * they mean.  What is wrong is never passed over.
 */
#include "hijack/preload/preload.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>

#define DEFAULT	     "path=/rump,socket=all:nolocal"
#define DEFAULT_PATH "/rump"
#define RULES	     "RUMPHIJACK"
#define RETRY	     "RUMPHIJACK_RETRYCONNECT"
#define FDS_MOST     65536 /* of the kernel's */
#define SECONDS_MOST 1000000000L

static const struct {
	const char *name;
	int family;
} families[] = {{"local", AF_UNIX}, {"unix", AF_UNIX}, {"inet", AF_INET},
    {"inet6", AF_INET6}, {"netlink", AF_NETLINK}, {"route", AF_NETLINK},
    {"packet", AF_PACKET}, {"link", AF_PACKET}, {"bluetooth", AF_BLUETOOTH},
    {"can", AF_CAN}, {"vsock", AF_VSOCK}};

#define NFAMILIES (sizeof(families) / sizeof(families[0]))

/* Only the first word that is separated by a character; the rest in *text. */
static char *
word_next(char **text, char separator)
{
	char *word = *text, *end = strchr(word, separator);

	if (end != NULL)
		*end++ = '\0';
	*text = end;
	return word;
}

/* A number from 0 to most, and nothing else. */
static bool
number_parse(const char *text, long most, long *n)
{
	*n = 0;
	if (*text == '\0')
		return false;
	for (; *text != '\0'; text++) {
		if (*text < '0' || *text > '9')
			return false;
		*n = *n * 10 + *text - '0';
		if (*n > most)
			return false;
	}
	return true;
}

/*
 * Take slashes out of an absolute path that are too many, and those at its
 * end.  False if it is none, or is the root, or has dots.
 */
static bool
path_tidy(char *path)
{
	char *to = path;
	const char *from = path;
	size_t n;

	if (*path != '/')
		return false;
	for (;;) {
		from += strspn(from, "/");
		n = strcspn(from, "/");
		if (n == 0)
			break;
		if (strncmp(from, "..", n) == 0 && n <= 2)
			return false;
		*to++ = '/';
		memmove(to, from, n);
		to += n;
		from += n;
	}
	if (to == path) {
		strcpy(path, "/");
		return false;
	}
	*to = '\0';
	return true;
}

/* Without symbolic links on the way, as far as it is there. */
static void
prefix_resolve(const char *path, char real[PATH_MAX])
{
	char above[PATH_MAX];
	const char *last = strrchr(path, '/');

	memcpy(above, path, (size_t)(last - path));
	above[last - path] = '\0';
	if (above[0] == '\0' || realpath(above, real) == NULL)
		strcpy(real, above);
	if (strlen(real) + strlen(last) >= HJ_PREFIX)
		preload_fail(RULES ": path: %s%s is too long", real, last);
	strcat(real, last);
}

static void
path_set(struct hj_rules *hr, char *value)
{
	char real[PATH_MAX] = "", text[] = DEFAULT_PATH;

	if (value == NULL)
		value = text;
	if (strlen(value) >= HJ_PREFIX)
		preload_fail(RULES ": path: %s is too long", value);
	if (!path_tidy(value))
		preload_fail(RULES ": path=%s: an absolute path is wanted, "
				   "below the root and without dots",
		    value);
	prefix_resolve(value, real);
	strcpy(hr->hr_prefix, real);
}

static void
blanket_set(struct hj_rules *hr, char *value)
{
	char *to = hr->hr_blanket, *word;

	while (value != NULL) {
		word = word_next(&value, ':');
		/* With room for the end of the list. */
		if (strlen(word) + 2 >
		    (size_t)(hr->hr_blanket + sizeof(hr->hr_blanket) - to))
			preload_fail(RULES ": blanket: the list is too long");
		if (!path_tidy(word))
			preload_fail(RULES ": blanket=%s: an absolute path is "
					   "wanted, below the root and without "
					   "dots",
			    word);
		strcpy(to, word);
		to += strlen(word) + 1;
	}
}

/* The bits of a family, or of all of them; 0: there is none of that name. */
static uint64_t
family_find(const char *name)
{
	if (strcmp(name, "all") == 0)
		return UINT64_MAX;
	for (size_t i = 0; i < NFAMILIES; i++) {
		if (strcmp(name, families[i].name) == 0)
			return UINT64_C(1) << families[i].family;
	}
	return 0;
}

static void
socket_set(struct hj_rules *hr, char *value)
{
	const char *word;
	uint64_t bits;

	while (value != NULL) {
		word = word_next(&value, ':');
		if ((bits = family_find(word)) != 0)
			hr->hr_sockets |= bits;
		else if (strncmp(word, "no", 2) == 0 &&
			 (bits = family_find(word + 2)) != 0)
			hr->hr_sockets &= ~bits;
		else
			preload_fail(RULES ": socket=%s: all, or a family "
					   "(local, inet, inet6, netlink, "
					   "packet, bluetooth, can, vsock), or "
					   "no and one of these",
			    word);
	}
}

static void
vfs_set(struct hj_rules *hr, char *value)
{
	const char *word;

	while (value != NULL) {
		word = word_next(&value, ':');
		if (strcmp(word, "getvfsstat") == 0)
			hr->hr_calls |= HJ_CALLS_MOUNTS;
		else if (strcmp(word, "fhcalls") == 0)
			hr->hr_calls |= HJ_CALLS_HANDLES;
		else
			preload_fail(
			    RULES ": vfs=%s: getvfsstat or fhcalls", word);
	}
}

static void
sysctl_set(struct hj_rules *hr, char *value)
{
	if (strcmp(value, "yes") == 0)
		hr->hr_calls |= HJ_CALLS_SYSCTL;
	else if (strcmp(value, "no") != 0)
		preload_fail(RULES ": sysctl=%s: yes or no", value);
}

static void
fdoff_set(struct hj_rules *hr, char *value)
{
	struct rlimit limit;
	long n, most = FDS_MOST;

	/* Above may be the engine's own. */
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < FDS_MOST)
		most = (long)limit.rlim_cur;
	most -= HJ_NFDS + 1;
	if (!number_parse(value, most, &n))
		preload_fail(
		    RULES ": fdoff=%s: a number from 0 to %ld", value, most);
	hr->hr_fdoff = (uint32_t)n;
}

static const struct rule {
	const char *name;
	void (*set)(struct hj_rules *, char *value);
} rules[] = {{"path", path_set}, {"blanket", blanket_set},
    {"socket", socket_set}, {"vfs", vfs_set}, {"sysctl", sysctl_set},
    {"fdoff", fdoff_set}};

#define NRULES (sizeof(rules) / sizeof(rules[0]))

static size_t
rule_find(const char *name)
{
	for (size_t i = 0; i < NRULES; i++) {
		if (strcmp(rules[i].name, name) == 0)
			return i;
	}
	preload_fail(RULES ": %s: there are path, blanket, socket, vfs, sysctl "
			   "and fdoff",
	    *name == '\0' ? "nothing between commas" : name);
}

static void
retry_parse(struct hj_rules *hr, const char *text)
{
	long seconds;

	if (text == NULL || strcmp(text, "once") == 0)
		hr->hr_retry = HJ_RETRY_ONCE;
	else if (strcmp(text, "inftime") == 0)
		hr->hr_retry = HJ_RETRY_FOREVER;
	else if (strcmp(text, "die") == 0)
		hr->hr_retry = HJ_RETRY_DIE;
	else if (number_parse(text, SECONDS_MOST, &seconds))
		hr->hr_retry = seconds;
	else
		preload_fail(RETRY "=%s: inftime, once, die, or a number of "
				   "seconds",
		    text);
}

bool
rules_parse(struct hj_rules *hr, const char *text, const char *retry)
{
	char *copy = strdup(text != NULL ? text : DEFAULT), *rest = copy,
	     *value;
	bool given[NRULES] = {false};
	const char *word;
	size_t i;

	if (copy == NULL)
		preload_fail("there is no memory");
	memset(hr, 0, sizeof(*hr));
	retry_parse(hr, retry);
	while (*copy != '\0' && rest != NULL) {
		value = word_next(&rest, ',');
		word = word_next(&value, '=');
		i = rule_find(word);
		if (given[i])
			preload_fail(RULES ": %s is there twice", word);
		if (value == NULL && rules[i].set != path_set)
			preload_fail(RULES ": %s: a value is wanted", word);
		rules[i].set(hr, value);
		given[i] = true;
	}
	hr->hr_on = *copy != '\0';
	free(copy);
	return hr->hr_on != 0;
}
