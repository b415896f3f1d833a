/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Eight host threads read one file, in bursts so long that its lock is held
 * lightly (rw_enter_light); now and then one of them changes the file.
 *
 *	read_light [seed [steps]]
 *
 * What one write wrote must be read as a whole, holes as zeroes, and never
 * what other files have in pages that were this file's.
 */
#include <sys/stat.h>

#include <fcntl.h>
#include <unistd.h>

#include "../lib/stress.h"

#define PAGE  4096
#define PAGES 4
#define PIECE 64
#define BURST 400
#define OTHER 'x' /* what other files have */

static _Thread_local int fd;

static void
read_piece(void)
{
	off_t off = (off_t)rnd(PAGES * PAGE / PIECE) * PIECE;
	char buf[PIECE];
	ssize_t n = rump_sys_pread(fd, buf, PIECE, off);

	/* None, if somebody has just cut the file. */
	if (n == 0)
		return;
	want(PIECE, n);
	if (buf[0] != '\0' && (buf[0] < 'A' || buf[0] >= 'A' + NTHREADS))
		differ("read %#x at %jd", (unsigned)buf[0], (intmax_t)off);
	if (memcmp(buf, buf + 1, PIECE - 1) != 0)
		differ("read two writes at %jd", (intmax_t)off);
}

static void
read_burst(void)
{
	for (int i = 0; i < BURST; i++)
		read_piece();
}

static void
write_page(void)
{
	char page[PAGE];

	memset(page, 'A' + me->id, PAGE);
	want(PAGE, rump_sys_pwrite(fd, page, PAGE, (off_t)rnd(PAGES) * PAGE));
}

static void
cut(void)
{
	want(0, rump_sys_ftruncate(fd, (off_t)rnd(PAGES) * PAGE));
	want(0, rump_sys_ftruncate(fd, PAGES * PAGE));
}

static void
punch(void)
{
	want(0,
	    rump_sys_fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
		(off_t)rnd(PAGES) * PAGE, PAGE));
}

/* Use pages that were free for another file. */
static void
other_file(void)
{
	char name[16], page[PAGE];
	int other;

	(void)snprintf(name, sizeof(name), "/other%d", me->id);
	want(0, (other = rump_sys_open(name, O_RDWR | O_CREAT, 0600)) == -1);
	memset(page, OTHER, PAGE);
	for (int i = 0; i < PAGES; i++)
		want(PAGE, rump_sys_write(other, page, PAGE));
	want(0, rump_sys_close(other));
	want(0, rump_sys_unlink(name));
}

static const struct action actions[] = {
    {60, "read_burst", read_burst},
    {1, "write_page", write_page},
    {1, "cut", cut},
    {1, "punch", punch},
    {1, "other_file", other_file},
};

static void *
tester_main(void *arg)
{
	me = arg;
	want(0, rump_pub_lwproc_rfork(RUMP_RFCFDG));
	want(0, (fd = rump_sys_open("/light", O_RDWR)) == -1);
	for (me->step = 0; me->step < steps; me->step++)
		one_step(actions, sizeof(actions) / sizeof(actions[0]));
	rump_pub_lwproc_releaselwp();
	return NULL;
}

int
main(int argc, char **argv)
{
	int first;

	seed = argc > 1 ? strtoull(argv[1], NULL, 0) : 1;
	steps = argc > 2 ? strtol(argv[2], NULL, 0) : 1000;
	if (rump_init() != 0)
		differ("rump_init");
	first = rump_sys_open("/light", O_RDWR | O_CREAT, 0600);
	want(0, first == -1);
	want(0, rump_sys_ftruncate(first, PAGES * PAGE));
	run_testers(seed, tester_main);
	want(0, rump_sys_close(first));
	return 0;
}
