/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rump, the tool: what its subcommands share.
 *
 * A subcommand is a file cmd_NAME.c with a struct command, which it makes known
 * by COMMAND.  Help and completion are made from that.  It calls the kernel by
 * rump_sys_*, and does not know whether that is in another host process or in
 * this one: see kernel.h.
 */
#ifndef CMD_RUMP_TOOL_H
#define CMD_RUMP_TOOL_H

#include <sys/stat.h>
#include <sys/types.h>

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rump/rump_syscalls.h>
#include <rump/rumpdefs.h>

#define nitems(a) (sizeof(a) / sizeof((a)[0]))

/* Exit statuses. */
enum { STATUS_OK, STATUS_FAILED, STATUS_USAGE };

/* An option of a subcommand. */
struct option_desc {
	int o_short;	    /* a letter, or more than that: has only a name */
	const char *o_long; /* without "--"; or NULL */
	const char *o_arg;  /* what it takes, "FILE"; or NULL */
	const char *o_what; /* for the help; NULL: the end of the list */
};

/* What the arguments of a subcommand are, for completion. */
enum complete {
	COMPLETE_NONE,
	COMPLETE_PATH, /* of the kernel */
	COMPLETE_COPY, /* of the kernel, or with "host:" */
	COMPLETE_HOST, /* files of the host */
	COMPLETE_PID,
	COMPLETE_SYSCTL,
	COMPLETE_COMMAND,
	COMPLETE_LAYER,
};

struct command {
	const char *c_name;
	const char *c_args;  /* "[-l] [PATH ...]" */
	const char *c_brief; /* a few words */
	const char *c_help;  /* sentences, without the options */
	const struct option_desc *c_options; /* or NULL */
	enum complete c_complete;
	bool c_nokernel; /* calls no kernel */
	bool c_inorder;	 /* the first argument ends the options: 'H' is help */
	int (*c_run)(const struct command *, int argc, char **argv);
	struct command *c_next;
};

#define COMMAND(cmd)                                                  \
	static __attribute__((constructor)) void cmd##_register(void) \
	{                                                             \
		command_register(&(cmd));                             \
	}

void command_register(struct command *);
const struct command *command_find(const char *name);
/* In the order of names: the first, the next one. */
const struct command *command_first(void);

/*
 * The next option: its o_short; -1: no more, optind is the first argument; '?':
 * wrong, and the user was told: return STATUS_USAGE.
 */
int command_getopt(const struct command *, int argc, char **argv);
void command_help(const struct command *, FILE *);
/* Tell how it is used and why this is not: STATUS_USAGE. */
int command_usage(const struct command *, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * Run a subcommand with its name as argv[0]; the kernel is connected if it
 * needs one.
 */
int command_run(int argc, char **argv);

/* "rump ls: ..." on standard error. */
void complain(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* The same about a path, or whatever it is about, by errno: STATUS_FAILED. */
int complain_errno(const char *what);

/* Ask on the terminal; without one --yes is missed, and it is no. */
bool tool_ask(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Memory, or the end. */
void *tool_alloc(void *old, size_t size);
char *tool_format(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* A whole number in decimal, up to max. */
bool parse_number(const char *s, uint64_t max, uint64_t *np);

/*
 * Output
 */

/* May escape sequences be written?  Is standard output a terminal? */
bool out_color(void);
bool out_tty(void);

/* A name for people: on a terminal without control characters. */
void out_name(const char *name);

/* Bytes, for people: "1.5M"; buf has HUMAN_SIZE bytes. */
#define HUMAN_SIZE 16
const char *human(uint64_t bytes, char *buf);
/* A time: of the last half year with the hour, else with the year. */
#define TIME_SIZE 24
const char *time_text(const struct timespec *, char *buf);
/* A length of time in seconds: "3d 04:05:06". */
const char *duration_text(int64_t seconds, char *buf);

/*
 * A table: its columns' heads are "PID>|NAME", '>' for those to the right.
 * Cells are put one after the other.
 */
struct table;
struct table *table_new(const char *heads);
void table_cell(struct table *, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* Also gets rid of it. */
void table_print(struct table *);

/* JSON on standard output; the commas come by themselves. */
void json_begin(char bracket);
void json_end(char bracket);
void json_key(const char *);
void json_string(const char *);
void json_number(int64_t);
void json_time(const struct timespec *);
void json_bool(bool);

/*
 * The kernel's files
 */

/* A user's or group's name by the kernel's /etc, or its number. */
const char *user_name(uid_t);
const char *group_name(gid_t);
/* The other way round. */
bool user_find(const char *name, uid_t *);
bool group_find(const char *name, gid_t *);

/* dir/name, to be freed. */
char *tool_path(const char *dir, const char *name);
const char *path_last(const char *path);

/* All of a file; NULL with errno set. */
char *file_read(int dirfd, const char *path);

/* "drwxr-xr-x", 11 bytes with the NUL. */
void mode_text(mode_t mode, char *buf);
const char *type_name(mode_t mode);

/* A descriptor of a directory with what procfs shows; -1. */
int proc_open(void);

#endif /* CMD_RUMP_TOOL_H */
