/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading a directory that changes, into buffers of any size and alignment,
 * with steps back: every entry lies in the buffer and has a name that can be
 * there, and each name that is always there comes exactly once.
 */
#include <dirent.h>

#include "fuzz.h"

#define STABLE	 24
#define VOLATILE 16
#define BUFLEN	 2048
#define GUARD	 64
#define FILL	 0xa5

/* Names that have been seen since the beginning. */
struct pass {
	int p_fd;
	uint32_t p_seen;
	bool p_dot, p_dotdot;
};

/* A file's name; its length says more about buffers than its letters. */
static void
name_of(char kind, unsigned n, char name[256])
{
	size_t len = 2 + n * n % 200;

	memset(name, 'a' + (int)n, len);
	name[0] = kind;
	name[len] = '\0';
}

/* Note the entry; if it is to be seen again later, forget it. */
static void
pass_entry(struct pass *p, const char *name, bool forget)
{
	char want[256];
	unsigned n = 0;
	uint32_t bit;

	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0) {
		bool *dot = name[1] == '\0' ? &p->p_dot : &p->p_dotdot;

		CHECK(forget || !*dot);
		*dot = !forget;
		return;
	}
	CHECK(name[0] == 's' || name[0] == 'v');
	CHECK(name[1] >= 'a' && name[1] < 'a' + STABLE);
	n = (unsigned)(name[1] - 'a');
	name_of(name[0], n, want);
	CHECK(strcmp(name, want) == 0);
	if (name[0] == 'v')
		return;
	bit = UINT32_C(1) << n;
	CHECK(forget || (p->p_seen & bit) == 0);
	p->p_seen = forget ? p->p_seen & ~bit : p->p_seen | bit;
}

/* All entries in a buffer; from number `back' on they are to be seen again. */
static void
pass_buffer(struct pass *p, const char *buf, size_t len, unsigned back)
{
	off_t where = -1;
	unsigned i = 0;

	for (size_t at = 0; at < len; i++) {
		struct dirent64 d;
		size_t name = offsetof(struct dirent64, d_name), room;

		CHECK(len - at > name);
		memcpy(&d, buf + at, name);
		CHECK(d.d_reclen > name && d.d_reclen <= len - at);
		CHECK(d.d_reclen % 8 == 0);
		room = d.d_reclen - name;
		CHECK(strnlen(buf + at + name, room) < room);
		pass_entry(p, buf + at + name, false);
		if (i >= back && back > 0)
			pass_entry(p, buf + at + name, true);
		if (i + 1 == back)
			where = d.d_off;
		at += d.d_reclen;
	}
	if (where >= 0)
		CHECK(rump_sys_lseek(p->p_fd, where, SEEK_SET) == where);
	CHECK(i > 0);
}

static void
pass_read(struct input *in, struct pass *p)
{
	static char memory[GUARD + BUFLEN + GUARD];
	size_t len = take_byte(in) * 8 + take_below(in, 8);
	char *buf = memory + GUARD / 2 + take_below(in, 16);
	int n;

	memset(memory, FILL, sizeof(memory));
	n = rump_sys_getdents(p->p_fd, buf, len);
	if (n < 0) {
		CHECK(errno == EINVAL && len < sizeof(struct dirent64));
		n = 0;
	} else if (n == 0) {
		CHECK(p->p_seen == (UINT32_C(1) << STABLE) - 1);
		CHECK(p->p_dot && p->p_dotdot);
	} else {
		CHECK((size_t)n <= len);
		pass_buffer(p, buf, (size_t)n, take_below(in, 8));
	}
	for (char *c = memory; c < memory + sizeof(memory); c++)
		CHECK((c >= buf && c < buf + n) || (uint8_t)*c == FILL);
}

static void
change(struct input *in)
{
	char name[256], other[256];

	name_of('v', take_below(in, VOLATILE), name);
	switch (take_below(in, 3)) {
	case 0:
		(void)rump_sys_mknod(name, S_IFREG | 0644, 0);
		break;
	case 1:
		(void)rump_sys_unlink(name);
		break;
	default:
		name_of('v', take_below(in, VOLATILE), other);
		(void)rump_sys_rename(name, other);
	}
}

void
fuzz_one(struct input *in)
{
	struct pass p = {0};
	char name[256];

	for (unsigned i = 0; i < STABLE; i++) {
		name_of('s', i, name);
		CHECK(rump_sys_mknod(name, S_IFREG | 0644, 0) == 0);
	}
	CHECK((p.p_fd = rump_sys_open(".", O_RDONLY | O_DIRECTORY)) >= 0);
	while (in->in_len > 0) {
		switch (take_below(in, 4)) {
		case 0:
			change(in);
			break;
		case 1:
			if (take_below(in, 8) != 0)
				break;
			CHECK(rump_sys_lseek(p.p_fd, 0, SEEK_SET) == 0);
			p.p_seen = 0;
			p.p_dot = p.p_dotdot = false;
			break;
		default:
			pass_read(in, &p);
		}
	}
}
