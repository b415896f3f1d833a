/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rump sysctl: what the kernel says of itself, and what can be set.
 */
#include <inttypes.h>
#include <time.h>

#include <rump/rump_sysctl.h>

#include "cmd/rump/tool.h"

enum { OPT_JSON = 256 };

static const struct option_desc options[] = {
    {'a', "all", NULL, "all nodes"},
    {'d', "describe", NULL, "say what nodes are, instead of their values"},
    {'n', "values", NULL, "print no names"},
    {'N', "names", NULL, "print only names; without arguments all"},
    {OPT_JSON, "json", NULL, "for programs"},
    {0},
};

struct show {
	bool s_describe, s_values, s_names, s_json;
	int s_status;
};

/* A node: its name in numbers and in words, and what the kernel says of it. */
struct node {
	int n_number[RUMP_CTL_MAXNAME];
	unsigned n_length;
	char n_path[RUMP_CTL_MAXNAME * 32]; /* each has its NUL or dot */
	struct rump_sysctlnode n_node;
};

static uint32_t
node_type(const struct node *n)
{
	return n->n_node.sysctl_flags & RUMP_CTLTYPE_MASK;
}

static bool
node_writable(const struct node *n)
{
	return (n->n_node.sysctl_flags & RUMP_CTLFLAG_READWRITE) != 0;
}

/* What is in a node, to be freed; the one at the top has no length. */
static struct rump_sysctlnode *
node_children(const struct node *up, size_t *count)
{
	struct rump_sysctlnode *list;
	int name[RUMP_CTL_MAXNAME];
	size_t len;

	if (up->n_length == RUMP_CTL_MAXNAME)
		return NULL;
	memcpy(name, up->n_number, sizeof(name));
	name[up->n_length] = RUMP_CTL_QUERY;
	if (rump_sys___sysctl(name, up->n_length + 1, NULL, &len, NULL, 0) ==
	    -1)
		return NULL;
	list = tool_alloc(NULL, len);
	if (rump_sys___sysctl(name, up->n_length + 1, list, &len, NULL, 0) ==
	    -1) {
		free(list);
		return NULL;
	}
	*count = len / sizeof(*list);
	return list;
}

static void
node_enter(
    const struct node *up, const struct rump_sysctlnode *child, struct node *n)
{
	*n = *up;
	n->n_number[n->n_length++] = child->sysctl_num;
	n->n_node = *child;
	if (up->n_length > 0)
		strcat(n->n_path, ".");
	strcat(n->n_path, child->sysctl_name);
}

/* The node with this name in words. */
static bool
node_find(const char *path, struct node *n)
{
	struct rump_sysctlnode *list;
	struct node up;
	size_t i, count, len;

	*n = (struct node){.n_node = {.sysctl_flags = RUMP_CTLTYPE_NODE}};
	for (;; path += len + 1) {
		len = strcspn(path, ".");
		up = *n;
		if ((list = node_children(&up, &count)) == NULL)
			return false;
		for (i = 0; i < count; i++)
			if (strlen(list[i].sysctl_name) == len &&
			    memcmp(list[i].sysctl_name, path, len) == 0)
				break;
		if (i < count)
			node_enter(&up, &list[i], n);
		free(list);
		if (i == count)
			return false;
		if (path[len] == '\0')
			return true;
	}
}

/*
 * Values
 */

static bool
is_proc2(const struct node *n)
{
	return strcmp(n->n_path, "kern.proc2") == 0;
}

/* To be freed; NULL with errno set. */
static unsigned char *
value_get(const struct node *n, size_t *lenp)
{
	unsigned char *buf;
	size_t len;

	if (rump_sys___sysctl(n->n_number, n->n_length, NULL, &len, NULL, 0) ==
	    -1)
		return NULL;
	/* It may have become longer. */
	len += 64;
	buf = tool_alloc(NULL, len + 1);
	if (rump_sys___sysctl(n->n_number, n->n_length, buf, &len, NULL, 0) ==
	    -1) {
		free(buf);
		return NULL;
	}
	buf[len] = '\0';
	*lenp = len;
	return buf;
}

static int64_t
value_number(const struct node *n, const unsigned char *buf)
{
	int64_t q;
	int32_t i;

	switch (node_type(n)) {
	case RUMP_CTLTYPE_BOOL:
		return buf[0];
	case RUMP_CTLTYPE_INT:
		memcpy(&i, buf, sizeof(i));
		return i;
	default:
		memcpy(&q, buf, sizeof(q));
		return q;
	}
}

static void
struct_print(const struct node *n, const unsigned char *buf, size_t len)
{
	struct rump_clockinfo ci;
	struct timespec ts;
	char when[32];
	struct tm tm;
	size_t i;

	if (strcmp(n->n_path, "kern.clockrate") == 0) {
		memcpy(&ci, buf, sizeof(ci));
		(void)printf("hz = %d, tick = %d, tickadj = %d", ci.hz, ci.tick,
		    ci.tickadj);
	} else if (strcmp(n->n_path, "kern.boottime") == 0) {
		memcpy(&ts, buf, sizeof(ts));
		(void)strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S",
		    localtime_r(&ts.tv_sec, &tm));
		(void)printf(
		    "%lld.%09ld, %s", (long long)ts.tv_sec, ts.tv_nsec, when);
	} else
		for (i = 0; i < len; i++)
			(void)printf("%02x", buf[i]);
}

static void
value_print(const struct node *n, const unsigned char *buf, size_t len)
{
	switch (node_type(n)) {
	case RUMP_CTLTYPE_STRING:
		out_name((const char *)buf);
		break;
	case RUMP_CTLTYPE_STRUCT:
		struct_print(n, buf, len);
		break;
	default:
		(void)printf("%" PRId64, value_number(n, buf));
		break;
	}
}

static void
struct_json(const struct node *n, const unsigned char *buf, size_t len)
{
	struct rump_clockinfo ci;
	struct timespec ts;
	char *hex;
	size_t i;

	if (strcmp(n->n_path, "kern.clockrate") == 0) {
		memcpy(&ci, buf, sizeof(ci));
		json_begin('{');
		json_key("hz");
		json_number(ci.hz);
		json_key("tick");
		json_number(ci.tick);
		json_key("tickadj");
		json_number(ci.tickadj);
		json_end('}');
	} else if (strcmp(n->n_path, "kern.boottime") == 0) {
		memcpy(&ts, buf, sizeof(ts));
		json_time(&ts);
	} else {
		hex = tool_alloc(NULL, 2 * len + 1);
		hex[0] = '\0';
		for (i = 0; i < len; i++)
			(void)snprintf(hex + 2 * i, 3, "%02x", buf[i]);
		json_string(hex);
		free(hex);
	}
}

static void
node_json(const struct node *n, const unsigned char *buf, size_t len)
{
	json_key(n->n_path);
	json_begin('{');
	json_key("description");
	json_string(n->n_node.sysctl_desc);
	json_key("writable");
	json_bool(node_writable(n));
	if (buf != NULL) {
		json_key("value");
		if (node_type(n) == RUMP_CTLTYPE_STRING)
			json_string((const char *)buf);
		else if (node_type(n) == RUMP_CTLTYPE_STRUCT)
			struct_json(n, buf, len);
		else if (node_type(n) == RUMP_CTLTYPE_BOOL)
			json_bool(buf[0] != 0);
		else
			json_number(value_number(n, buf));
	}
	json_end('}');
}

static void
leaf_show(struct show *s, const struct node *n)
{
	unsigned char *buf = NULL;
	size_t len = 0;

	if (s->s_names) {
		(void)printf("%s\n", n->n_path);
		return;
	}
	if (!s->s_describe && !is_proc2(n) &&
	    (buf = value_get(n, &len)) == NULL) {
		s->s_status = complain_errno(n->n_path);
		return;
	}
	if (s->s_json) {
		node_json(n, buf, len);
		free(buf);
		return;
	}
	if (!s->s_values)
		(void)printf("%s%s ", n->n_path, s->s_describe ? ":" : " =");
	if (s->s_describe)
		(void)printf("%s%s", n->n_node.sysctl_desc,
		    node_writable(n) ? " (can be set)" : "");
	else if (buf == NULL)
		(void)printf("(see rump ps)");
	else
		value_print(n, buf, len);
	(void)putchar('\n');
	free(buf);
}

/* A node, or all in it. */
static void
node_show(struct show *s, const struct node *n)
{
	struct rump_sysctlnode *list;
	struct node child;
	size_t i, count;

	if (node_type(n) != RUMP_CTLTYPE_NODE) {
		leaf_show(s, n);
		return;
	}
	if ((list = node_children(n, &count)) == NULL) {
		s->s_status = complain_errno(n->n_path);
		return;
	}
	for (i = 0; i < count; i++) {
		node_enter(n, &list[i], &child);
		node_show(s, &child);
	}
	free(list);
}

/*
 * Arguments
 */

/* Give a node the value that the text says; false: it cannot be one. */
static bool
node_set(const struct node *n, const char *text, int *errorp)
{
	int64_t q;
	int32_t i;
	bool b;
	const void *new = &q;
	size_t len = sizeof(q);
	char *end;

	if (node_type(n) == RUMP_CTLTYPE_STRING) {
		new = text;
		len = strlen(text);
	} else {
		errno = 0;
		q = strtoll(text, &end, 0);
		i = (int32_t)q;
		b = q != 0;
		if (errno != 0 || *text == '\0' || *end != '\0')
			return false;
		if (node_type(n) == RUMP_CTLTYPE_INT) {
			new = &i;
			len = sizeof(i);
			if (i != q)
				return false;
		} else if (node_type(n) == RUMP_CTLTYPE_BOOL) {
			new = &b;
			len = sizeof(b);
		}
	}
	*errorp = rump_sys___sysctl(
		      n->n_number, n->n_length, NULL, NULL, new, len) == -1
		      ? errno
		      : 0;
	return true;
}

static int
set(const struct node *n, const char *text)
{
	int error;

	if (node_type(n) == RUMP_CTLTYPE_NODE || !node_writable(n)) {
		complain("%s: cannot be set", n->n_path);
		return STATUS_FAILED;
	}
	if (!node_set(n, text, &error)) {
		complain("%s: %s is no number that it can be", n->n_path, text);
		return STATUS_FAILED;
	}
	if (error == EPERM)
		complain("%s: only root sets it", n->n_path);
	else if (error == EINVAL)
		complain("%s: cannot be %s", n->n_path, text);
	else if (error != 0)
		complain("%s: %s", n->n_path, strerror(error));
	return error == 0 ? STATUS_OK : STATUS_FAILED;
}

/* "name" or "name=value". */
static void
argument(struct show *s, const char *arg)
{
	char *name = tool_format("%s", arg), *value = strchr(name, '=');
	struct node n;

	if (value != NULL)
		*value++ = '\0';
	if (!node_find(name, &n)) {
		complain("%s: there is no such node; rump sysctl -N lists all",
		    name);
		s->s_status = STATUS_FAILED;
	} else if (value != NULL && set(&n, value) != STATUS_OK)
		s->s_status = STATUS_FAILED;
	else
		node_show(s, &n);
	free(name);
}

static bool
set_option(struct show *s, int opt, bool *all)
{
	switch (opt) {
	case 'a':
		*all = true;
		return true;
	case 'd':
		s->s_describe = true;
		return true;
	case 'n':
		s->s_values = true;
		return true;
	case 'N':
		s->s_names = true;
		return true;
	case OPT_JSON:
		s->s_json = true;
		return true;
	default:
		return false;
	}
}

static int
sysctl_run(const struct command *self, int argc, char **argv)
{
	static const struct node root = {
	    .n_node = {.sysctl_flags = RUMP_CTLTYPE_NODE}};
	struct show s = {0};
	bool all = false;
	int opt, i;

	while ((opt = command_getopt(self, argc, argv)) != -1)
		if (!set_option(&s, opt, &all))
			return STATUS_USAGE;
	if (optind < argc && all)
		return command_usage(self, "-a and names do not go together");
	if (optind == argc && !all && !s.s_names)
		return command_usage(self, "no names; -a shows all");
	if (s.s_json)
		json_begin('{');
	if (optind == argc)
		node_show(&s, &root);
	for (i = optind; i < argc; i++)
		argument(&s, argv[i]);
	if (s.s_json)
		json_end('}');
	return s.s_status;
}

static struct command sysctl_command = {
    .c_name = "sysctl",
    .c_args = "[-dnN] [--json] -a | NAME[=VALUE] ...",
    .c_brief = "show and set what the kernel says of itself",
    .c_help = "Shows the values of nodes, those of an inner node all together, "
	      "and sets them for root. The tree is in rump_sysctl(3):\n"
	      "  rump sysctl vm.kmem\n"
	      "  rump sysctl kern.maxproc=100",
    .c_options = options,
    .c_complete = COMPLETE_SYSCTL,
    .c_run = sysctl_run,
};
COMMAND(sysctl_command)
