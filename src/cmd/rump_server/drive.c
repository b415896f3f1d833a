/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Drives of rump_server: key=K,hostpath=H,size=N|size=host[,type=T][,offset=O]
 */
#include "drive.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { D_KEY, D_HOSTPATH, D_SIZE, D_TYPE, D_OFFSET };

static char *const words[] = {
    [D_KEY] = "key",
    [D_HOSTPATH] = "hostpath",
    [D_SIZE] = "size",
    [D_TYPE] = "type",
    [D_OFFSET] = "offset",
    NULL,
};

int
drive_bytes(const char *text, uint64_t *bytesp)
{
	static const char suffixes[] = "kmg";
	const char *suffix;
	unsigned shift = 0;
	char *end;

	errno = 0;
	*bytesp = strtoull(text, &end, 0);
	if (end == text || *text == '-' || errno != 0)
		return EINVAL;
	if (*end != '\0') {
		suffix = strchr(suffixes, *end | 0x20);
		if (suffix == NULL || *suffix == '\0' || end[1] != '\0')
			return EINVAL;
		shift = 10 * (unsigned)(suffix - suffixes + 1);
	}
	if (*bytesp > UINT64_MAX >> shift)
		return EINVAL;
	*bytesp <<= shift;
	return 0;
}

static int
parse_type(const char *text, enum rump_etfs_type *typep)
{
	if (strcmp(text, "blk") == 0)
		*typep = RUMP_ETFS_BLK;
	else if (strcmp(text, "chr") == 0)
		*typep = RUMP_ETFS_CHR;
	else if (strcmp(text, "reg") == 0)
		*typep = RUMP_ETFS_REG;
	else
		return EINVAL;
	return 0;
}

const char *
drive_parse(char *text, struct drive *d)
{
	bool sized = false;
	char *value;

	*d = (struct drive){.d_type = RUMP_ETFS_BLK};
	while (*text != '\0') {
		int word = getsubopt(&text, words, &value);

		if (word == -1 || value == NULL)
			return "each part is key=, hostpath=, size=, type= or "
			       "offset=";
		if (word == D_KEY)
			d->d_key = value;
		else if (word == D_HOSTPATH)
			d->d_hostpath = value;
		else if (word == D_TYPE && parse_type(value, &d->d_type) != 0)
			return "type is blk, chr or reg";
		else if (word == D_OFFSET &&
			 drive_bytes(value, &d->d_offset) != 0)
			return "offset is a number of bytes";
		if (word != D_SIZE)
			continue;
		sized = true;
		d->d_size = RUMP_ETFS_SIZE_ENDOFF;
		if (strcmp(value, "host") != 0 &&
		    drive_bytes(value, &d->d_size) != 0)
			return "size is a number of bytes, or `host'";
	}
	if (d->d_key == NULL || d->d_hostpath == NULL || !sized)
		return "key, hostpath and size are wanted";
	return NULL;
}
