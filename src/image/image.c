/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What all calls share: flags, reports, and how libarchive reads names.
 */
#include <string.h>

#include "image/image.h"

#define EXPORT __attribute__((visibility("default")))

/* Whom a host thread wants to be told. */
static _Thread_local struct {
	rump_image_report_fn *r_report;
	void *r_arg;
} reports;

EXPORT void
rump_image_onreport(rump_image_report_fn *report, void *arg)
{
	reports.r_report = report;
	reports.r_arg = arg;
}

int
image_report(const char *path, int error, const char *why)
{
	if (reports.r_report != NULL)
		reports.r_report(reports.r_arg, path, error,
		    why != NULL ? why : strerrordesc_np(error));
	return error;
}

/*
 * libarchive converts names between the archive's character set and that of
 * the locale.  In the locale C it leaves bytes that are not ASCII alone when
 * it reads; in one of UTF-8 it would compose characters.  When it writes, UTF-8
 * is to be written as such.
 */
int
image_begin(struct image *im, unsigned flags, unsigned known, bool utf8)
{
	*im = (struct image){.im_flags = flags};
	if ((flags & ~known) != 0)
		return image_report("", EINVAL, "No such flags");
	im->im_locale =
	    newlocale(LC_CTYPE_MASK, utf8 ? "C.UTF-8" : "C", (locale_t)0);
	if (im->im_locale == (locale_t)0)
		return image_report("", errno, NULL);
	im->im_before = uselocale(im->im_locale);
	return 0;
}

void
image_end(struct image *im)
{
	(void)uselocale(im->im_before);
	freelocale(im->im_locale);
}

/* Is it of no use to go on with other files? */
static bool
is_fatal(const struct image *im, int error)
{
	return im->im_fatal || error == ENOMEM || error == ENOSPC ||
	       error == EDQUOT;
}

int
image_skip(struct image *im, const char *path, int error, const char *why)
{
	(void)image_report(path, error, why);
	return (im->im_flags & RUMP_IMAGE_SKIP) != 0 && !is_fatal(im, error)
		   ? 0
		   : error;
}
