/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where the programs are that this one starts, and its module: beside it where
 * it is installed, or where it was built.
 */
#ifndef CMD_RUMP_PROGRAMS_H
#define CMD_RUMP_PROGRAMS_H

enum program { PROGRAM_LOADER, PROGRAM_WHOLE };

/* An absolute path, to be freed; the place where it should be if it is not. */
char *program_path(enum program);

#endif /* CMD_RUMP_PROGRAMS_H */
