/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A pseudo terminal here and one of the host's, with the same random settings
 * and the same bytes written on both sides: what comes out on both sides must
 * be the same, byte for byte.
 *
 *	tty [seed [steps]]
 *
 * Without arguments a few seeds, always the same.  A difference is printed
 * with seed and step; the exit status is 1 then.
 *
 * On the host what is typed is looked at by somebody else, later, and what a
 * signal character flushes depends on when that is.  So what is typed is cut
 * before and after special characters, and waited for.  The terminals are
 * nobody's controlling terminals, so signal characters only flush.
 */
#include <sys/ioctl.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <asm/termbits.h>

#include <rump/rump.h>
#include <rump/rump_syscalls.h>

#include "lib/random.h"

/* The calls under test. */
struct world {
	const char *w_name;
	int (*w_open)(const char *, int, ...);
	int (*w_close)(int);
	int (*w_ioctl)(int, unsigned long, ...);
	ssize_t (*w_read)(int, void *, size_t);
	ssize_t (*w_write)(int, const void *, size_t);
	int w_master, w_slave;
};

static struct world worlds[2] = {
    {"here", rump_sys_open, rump_sys_close, rump_sys_ioctl, rump_sys_read,
	rump_sys_write, -1, -1},
    {"host", open, close, ioctl, read, write, -1, -1},
};

/* What a step gave. */
struct result {
	long r_value;
	int r_errno;
	unsigned char r_bytes[512];
};

static uint64_t seed;
static long step;
static bool report = true;

static void
die(const char *what)
{
	fprintf(stderr, "oracle-tty: %s: %s\n", what, strerror(errno));
	exit(2);
}

static void
world_open(struct world *w)
{
	const int flags = O_RDWR | O_NOCTTY | O_NONBLOCK;
	char path[32];
	int n = 0;

	if ((w->w_master = w->w_open("/dev/ptmx", flags)) < 0 ||
	    w->w_ioctl(w->w_master, TIOCSPTLCK, &n) != 0 ||
	    w->w_ioctl(w->w_master, TIOCGPTN, &n) != 0)
		die(w->w_name);
	snprintf(path, sizeof(path), "/dev/pts/%d", n);
	if ((w->w_slave = w->w_open(path, flags)) < 0)
		die(path);
}

static void
world_close(struct world *w)
{
	w->w_close(w->w_slave);
	w->w_close(w->w_master);
}

static void
queues(const struct world *w, int n[2])
{
	w->w_ioctl(w->w_master, FIONREAD, &n[0]);
	w->w_ioctl(w->w_slave, FIONREAD, &n[1]);
}

/* Until the host's queues are as long as those here, or never will be. */
static void
settle(void)
{
	const struct timespec ts = {0, 100000};
	struct world *w = &worlds[1];
	struct pollfd pfd[2] = {
	    {.fd = w->w_master, .events = POLLIN},
	    {.fd = w->w_slave, .events = POLLIN},
	};
	int here[2], there[2], tries = 0;

	queues(&worlds[0], here);
	do {
		/* Waits for what is typed to be looked at if there is none. */
		(void)poll(pfd, 2, 0);
		if (tries > 0)
			(void)nanosleep(&ts, NULL);
		queues(w, there);
	} while (memcmp(here, there, sizeof(here)) != 0 && tries++ < 500);
	(void)nanosleep(&ts, NULL);
}

/*
 * Settings
 */

static unsigned
some(const unsigned *flags, size_t n)
{
	unsigned v = 0;

	while (n-- > 0)
		if (rnd(2) != 0)
			v |= flags[n];
	return v;
}
#define SOME(...)                             \
	some((const unsigned[]){__VA_ARGS__}, \
	    sizeof((const unsigned[]){__VA_ARGS__}) / sizeof(unsigned))

static void
random_termios(struct termios *tio)
{
	static const int special[] = {VINTR, VQUIT, VERASE, VKILL, VEOF, VEOL,
	    VEOL2, VSTART, VSTOP, VSUSP, VREPRINT, VWERASE, VLNEXT};
	static const char chars[] = "\0\003\004\010\021\023\025\026\027\177"
				    "aX\t\n\r\377";

	tio->c_iflag = SOME(ICRNL, INLCR, IGNCR, ISTRIP, IXON, IXOFF, IXANY,
	    IMAXBEL, IUCLC, PARMRK, IGNBRK, BRKINT, IUTF8);
	tio->c_oflag = SOME(OPOST, ONLCR, OCRNL, ONOCR, ONLRET, XTABS, OLCUC);
	tio->c_lflag = SOME(ICANON, ECHO, ECHOE, ECHOK, ECHONL, ECHOCTL, ECHOKE,
	    ECHOPRT, ISIG, NOFLSH, IEXTEN);
	/* More often than not it is used as it is meant to be. */
	if (rnd(3) != 0)
		tio->c_lflag |= ICANON | ECHO;
	if (rnd(4) == 0)
		tio->c_cc[special[rnd(sizeof(special) / sizeof(int))]] =
		    (unsigned char)chars[rnd(sizeof(chars) - 1)];
	tio->c_cc[VMIN] = (unsigned char)rnd(3);
	tio->c_cc[VTIME] = 0;
}

static void
random_bytes(unsigned char *buf, size_t n)
{
	static const char often[] =
	    "\003\004\004\b\n\n\n\r\r\t\t\021\022\023\025\026\027\027\032\034"
	    "\177\177\377 _  aZ.\303\251";

	while (n-- > 0)
		*buf++ = rnd(3) != 0
			     ? (unsigned char)often[rnd(sizeof(often) - 1)]
			     : (unsigned char)rnd(256);
}

/*
 * Steps
 */

enum kind { TYPE, PRINT, READ, SEE, SET, FLUSH, PENDING, FLOW, PACKET, KINDS };

struct action {
	enum kind a_kind;
	unsigned long a_cmd;
	long a_arg;
	size_t a_len;
	struct termios a_tio;
	unsigned char a_bytes[64];
};

static void
action_random(struct action *a, struct termios *tio)
{
	static const enum kind often[] = {
	    TYPE, TYPE, TYPE, TYPE, PRINT, PRINT, READ, READ, SEE, SEE};

	memset(a, 0, sizeof(*a));
	a->a_kind = rnd(10) < 8 ? often[rnd(10)] : (enum kind)rnd(KINDS);
	a->a_len = 1 + rnd(rnd(4) == 0 ? 60 : 8);
	random_bytes(a->a_bytes, a->a_len);
	switch (a->a_kind) {
	case SET:
		random_termios(tio);
		a->a_tio = *tio;
		a->a_cmd = rnd(3) == 0 ? TCSETSF : TCSETS;
		break;
	case FLUSH:
		a->a_arg = rnd(3);
		break;
	case FLOW:
		a->a_arg = rnd(4);
		break;
	case PACKET:
		a->a_arg = rnd(2);
		break;
	default:
		break;
	}
}

static void
act(struct world *w, const struct action *a, struct result *r)
{
	int n = (int)a->a_arg;

	memset(r, 0, sizeof(*r));
	errno = 0;
	switch (a->a_kind) {
	case TYPE:
		r->r_value = w->w_write(w->w_master, a->a_bytes, a->a_len);
		break;
	case PRINT:
		r->r_value = w->w_write(w->w_slave, a->a_bytes, a->a_len);
		break;
	case READ:
		r->r_value = w->w_read(w->w_slave, r->r_bytes, a->a_len);
		break;
	case SEE:
		r->r_value =
		    w->w_read(w->w_master, r->r_bytes, sizeof(r->r_bytes));
		break;
	case SET:
		r->r_value = w->w_ioctl(w->w_slave, a->a_cmd, &a->a_tio);
		break;
	case FLUSH:
		r->r_value = w->w_ioctl(w->w_slave, TCFLSH, a->a_arg);
		break;
	case PENDING:
		r->r_value = w->w_ioctl(w->w_slave, FIONREAD, r->r_bytes);
		break;
	case FLOW:
		r->r_value = w->w_ioctl(w->w_slave, TCXONC, a->a_arg);
		break;
	default:
		r->r_value = w->w_ioctl(w->w_master, TIOCPKT, &n);
	}
	r->r_errno = r->r_value < 0 ? errno : 0;
}

static void
print_bytes(const char *what, const unsigned char *p, size_t n)
{
	printf("\t%s:", what);
	while (n-- > 0)
		printf(" %02x", *p++);
	printf("\n");
}

static bool
same(const struct action *a, const struct result r[2])
{
	static const char *const names[] = {"type", "print", "read", "see",
	    "set", "flush", "pending", "flow", "packet"};
	int i;

	if (memcmp(&r[0], &r[1], sizeof(r[0])) == 0)
		return true;
	if (!report)
		return false;
	printf("seed %llu step %ld: %s\n", (unsigned long long)seed, step,
	    names[a->a_kind]);
	for (i = 0; i < 2; i++) {
		printf("\t%s: %ld, errno %d\n", worlds[i].w_name, r[i].r_value,
		    r[i].r_errno);
		print_bytes("bytes", r[i].r_bytes,
		    r[i].r_value > 0 ? (size_t)r[i].r_value : 8);
	}
	return false;
}

/* How much of what is typed to write at once. */
static size_t
stroke(const struct action *a, const struct termios *tio)
{
	size_t n;

	for (n = 0; n < a->a_len; n++)
		if (a->a_bytes[n] == tio->c_cc[VINTR] ||
		    a->a_bytes[n] == tio->c_cc[VQUIT] ||
		    a->a_bytes[n] == tio->c_cc[VSUSP])
			return n > 0 ? n : 1;
	return n;
}

/* Do it in both worlds, in as many steps as it takes. */
static bool
try(const struct action *whole, const struct termios *tio)
{
	struct action a = *whole;
	struct result r[2];
	size_t n, left = a.a_len;
	int i;

	do {
		n = a.a_len;
		if (a.a_kind == TYPE)
			a.a_len = n = stroke(&a, tio);
		for (i = 0; i < 2; i++)
			act(&worlds[i], &a, &r[i]);
		settle();
		if (!same(&a, r))
			return false;
		left -= n;
		memmove(a.a_bytes, a.a_bytes + n, sizeof(a.a_bytes) - n);
		a.a_len = left;
	} while (left > 0);
	return true;
}

static bool
run(uint64_t start, long steps, bool verbose)
{
	struct termios tio;
	struct action a;
	struct result r[2];
	bool ok = true;
	int i;

	seed = start;
	rnd_seed(seed);
	for (i = 0; i < 2; i++) {
		world_open(&worlds[i]);
		memset(&r[i], 0, sizeof(r[i]));
		worlds[i].w_ioctl(worlds[i].w_slave, TCGETS, r[i].r_bytes);
	}
	memcpy(&tio, r[0].r_bytes, sizeof(tio));
	a.a_kind = SET;
	ok = same(&a, r);
	for (step = 1; ok && step <= steps; step++) {
		action_random(&a, &tio);
		if (verbose) {
			printf("%ld: kind %d arg %ld i %o o %o l %o\n", step,
			    a.a_kind, a.a_arg, a.a_tio.c_iflag, a.a_tio.c_oflag,
			    a.a_tio.c_lflag);
			print_bytes("in", a.a_bytes, a.a_len);
		}
		ok = try(&a, &tio);
	}
	for (i = 0; i < 2; i++)
		world_close(&worlds[i]);
	return ok;
}

/*
 * A host that is busy may be late all the same: a difference is one if it is
 * there each time.
 */
static bool
run_often(uint64_t start)
{
	int i;

	for (i = 2; i >= 0; i--) {
		report = i == 0;
		if (run(start, 150, false))
			return true;
	}
	return false;
}

int
main(int argc, char **argv)
{
	uint64_t s;
	bool ok = true;

	if (access("/dev/ptmx", R_OK | W_OK) != 0)
		return 77;
	rump_boot_setsigmodel(RUMP_SIGMODEL_IGNORE);
	if ((errno = rump_init()) != 0)
		die("rump_init");
	if (argc > 1)
		return !run(strtoull(argv[1], NULL, 0),
		    argc > 2 ? strtol(argv[2], NULL, 0) : 150, argc > 3);
	for (s = 1; s <= 8; s++)
		ok = run_often(s) && ok;
	return !ok;
}
