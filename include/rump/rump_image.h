/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Images: trees of files into the kernel and out of it, as archives or as
 * directories of the host.  In a library of its own, librumpimage, which
 * calls the kernel as any program does: as the process of the calling
 * context, with its credentials.  Manual page: rump_image(3).
 */
#ifndef RUMP_RUMP_IMAGE_H
#define RUMP_RUMP_IMAGE_H

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Flags
 */

/* Files belong to the caller and are not set-id; else to whom they did. */
#define RUMP_IMAGE_CALLER 0x0001
/* What is there stays as it is: EEXIST; else it is replaced. */
#define RUMP_IMAGE_KEEP 0x0002
/* Leave out what cannot be had or made, and go on; else that ends the call. */
#define RUMP_IMAGE_SKIP 0x0004
/* Leave out what is on another file system than the top of the tree. */
#define RUMP_IMAGE_ONEFS 0x0008
/* Every name is a file of its own; else names of one file stay that. */
#define RUMP_IMAGE_SEPARATE 0x0010
/* Take the first n names, at most 255, off each path of an archive. */
#define RUMP_IMAGE_STRIP(n) ((unsigned)(n) << 24)

/*
 * Read the archive that the host's descriptor gives up to its end into
 * directory dir: tar of all kinds and cpio, compressed or not, and zip, that
 * one only from a file.  Nothing is made outside of dir.  Returns 0 or an
 * errno: EBADMSG if it is no archive, or a broken or cut one, EXDEV or ELOOP
 * for a path that leads out of dir or through a symbolic link, EINVAL for
 * flags that make no sense, and those of the calls that make files.  What was
 * complete before an error is there.  (rump_image(3))
 */
int rump_image_load(int hostfd, const char *dir, unsigned flags);

/*
 * Write directory dir as an archive to the host's descriptor.  Format is
 * "pax" (or NULL), which keeps everything, "gnutar" or "ustar".  Equal trees
 * give equal archives.  Returns 0 or an errno.  (rump_image(3))
 */
int rump_image_store(
    const char *dir, int hostfd, const char *format, unsigned flags);

/*
 * Copy what is in the host's directory to directory dir of the kernel, and
 * the other way round.  The host's files are not left by symbolic links.
 * Return 0 or an errno.  (rump_image(3))
 */
int rump_image_copyin(int hostdirfd, const char *dir, unsigned flags);
int rump_image_copyout(const char *dir, int hostdirfd, unsigned flags);

/*
 * From now on, tell this function of all that is left out, and of what ends a
 * call that fails, in calls by this host thread.  Path is that in the tree,
 * "" for its top or if it is about no file; error an errno; why a sentence.
 * NULL: nobody is told.
 */
typedef void
rump_image_report_fn(void *arg, const char *path, int error, const char *why);
void rump_image_onreport(rump_image_report_fn *report, void *arg);

#ifdef __cplusplus
}
#endif

#endif /* RUMP_RUMP_IMAGE_H */
