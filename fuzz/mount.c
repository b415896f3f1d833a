/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Data for mount: option strings and structures, for each file system there
 * is.  What has been mounted is used a little, so that it must make sense, and
 * can be unmounted.
 */
#include <limits.h>

#include "fuzz.h"
#include "vfs/vfs.h"

#define NPAIRS 1024 /* more than are taken */

/* What a structure points to. */
static char target[PATH_MAX];
static uint64_t pairs[NPAIRS][2];

union data {
	char d_text[4096];
	struct tmpfs_args d_tmpfs;
	struct null_args d_null;
	struct umap_args d_umap;
	struct union_args d_union;
};

static const char *
take_type(struct input *in)
{
	unsigned n = 0;

	while (vfs_list[n] != NULL)
		n++;
	n = take_below(in, n + 1);
	return vfs_list[n] != NULL ? vfs_list[n]->vfs_name : "none";
}

/* Words that options are made of, and other text. */
static size_t
take_text(struct input *in, char *text, size_t room)
{
	static const char *const words[] = {"size=", "mode=", "uid=", "gid=",
	    "target=", "nr_inodes=", "nr_blocks=", "key=", "path=", "root=",
	    "upperdir=", "lowerdir=", "workdir=", "ro", "/fuzz/dir", "/fuzz",
	    "0", "0x", "777", "18446744073709551615", "4294967295", "%", "k",
	    "e", ",", "=", ":", "-", "1", "host", "offset=", "above"};
	size_t len = 0, n;

	while (in->in_len > 0 && len + 32 < room) {
		unsigned byte = take_byte(in);

		if (byte == 0)
			break;
		if (byte < 0x20) {
			n = strlen(words[byte]);
			memcpy(text + len, words[byte], n);
			len += n;
		} else
			text[len++] = (char)byte;
	}
	text[len] = '\0';
	return len;
}

static size_t
take_struct(struct input *in, union data *d)
{
	unsigned kind = take_below(in, 4);
	size_t i;

	switch (kind) {
	case 0:
		d->d_tmpfs = (struct tmpfs_args){
		    .ta_version = (int)take_below(in, 3),
		    .ta_nodes_max = (ino_t)take_word(in) << take_below(in, 33),
		    .ta_size_max =
			(off_t)((uint64_t)take_word(in) << take_below(in, 33)),
		    .ta_root_uid = take_word(in),
		    .ta_root_gid = take_word(in),
		    .ta_root_mode = take_word(in),
		};
		return sizeof(d->d_tmpfs);
	case 1:
		d->d_umap = (struct umap_args){
		    .umap_target = target,
		    .nentries = (int)take_word(in) >> take_below(in, 32),
		    .gnentries = (int)take_word(in) >> take_below(in, 32),
		    .mapdata = pairs,
		    .gmapdata = pairs,
		};
		for (i = 0; i < 8; i++) {
			pairs[i][0] =
			    take_below(in, 2) ? take_word(in) : take_byte(in);
			pairs[i][1] = take_byte(in);
		}
		break;
	case 2:
		d->d_union = (struct union_args){
		    .target = target, .mntflags = (int)take_word(in)};
		break;
	default:
		d->d_null = (struct null_args){.nulla_target = target};
	}
	(void)take_text(in, target, sizeof(target));
	return kind == 1   ? sizeof(d->d_umap)
	       : kind == 2 ? sizeof(d->d_union)
			   : sizeof(d->d_null);
}

/* Nothing that could do anything to the host's files. */
static void
use(void)
{
	struct rump_vfsstat stats[8];
	struct statvfs sv;
	struct stat st;
	int fd;

	if (rump_sys_statvfs("/fuzz/on", &sv) == 0)
		CHECK(sv.f_bavail <= sv.f_bfree || sv.f_blocks == 0);
	(void)rump_sys_getvfsstat(stats, sizeof(stats), 0);
	(void)rump_sys_stat("/fuzz/on", &st);
	if ((fd = rump_sys_open("/fuzz/on", O_RDONLY | O_DIRECTORY)) >= 0) {
		(void)rump_sys_getdents(fd, (char *)stats, sizeof(stats));
		CHECK(rump_sys_close(fd) == 0);
	}
}

void
fuzz_one(struct input *in)
{
	static union data d;
	unsigned mounts = 0;

	for (size_t i = 0; i < NPAIRS; i++)
		pairs[i][0] = pairs[i][1] = i;
	CHECK(rump_sys_mkdir("on", 0755) == 0);
	CHECK(rump_sys_mkdir("dir", 0755) == 0);
	while (in->in_len > 0 && mounts < 8) {
		const char *type = take_type(in);
		int flags = (int)(take_byte(in) | take_below(in, 8) << 8);
		size_t len;

		len = take_below(in, 2)
			  ? take_struct(in, &d)
			  : take_text(in, d.d_text, sizeof(d.d_text));
		if (rump_sys_mount(type, "/fuzz/on", flags, &d, len) == 0 &&
		    (flags & RUMP_MNT_UPDATE) == 0)
			mounts++;
		use();
	}
	while (mounts-- > 0)
		CHECK(rump_sys_unmount("/fuzz/on", 0) == 0);
}
