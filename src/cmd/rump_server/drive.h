/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Between the files of rump_server.
 */
#ifndef CMD_RUMP_SERVER_DRIVE_H
#define CMD_RUMP_SERVER_DRIVE_H

#include <stdint.h>

#include <rump/rump.h>

/* What -d says: a file of the host shown at a path of the kernel. */
struct drive {
	const char *d_key;
	const char *d_hostpath;
	enum rump_etfs_type d_type;
	uint64_t d_offset;
	uint64_t d_size; /* RUMP_ETFS_SIZE_ENDOFF: up to the file's end */
};

/*
 * Take apart text, which is changed and must stay.  NULL, or a word on what is
 * wrong with it.
 */
const char *drive_parse(char *text, struct drive *d);

/* A number of bytes, with k, m or g behind it.  EINVAL. */
int drive_bytes(const char *text, uint64_t *bytesp);

#endif /* CMD_RUMP_SERVER_DRIVE_H */
