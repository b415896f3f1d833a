/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A component for tests: /dev/test/counter counts what is written to it, which
 * is read as text; nodes of sysctl say the same.
 */
#include <sys/stat.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <rump/rump_component.h>

#include "counter.h"

static _Atomic int64_t count;
static _Atomic int32_t step = 1;
static _Atomic uint8_t closed;
static char label[16] = "none";
static _Atomic int opens;

static int
counter_open(void *arg, int flags, void **cookiep)
{
	int n = ++opens;

	(void)flags;
	*cookiep = (int *)arg + n;
	/* Who fails is not closed. */
	if (n > 3)
		opens--;
	return n > 3 ? EBUSY : 0;
}

static void
counter_close(void *arg, void *cookie)
{
	closed = cookie > arg;
	opens--;
}

static int
counter_read(void *arg, void *cookie, struct uio *uio, off_t *pos)
{
	char text[32];
	int len = snprintf(text, sizeof(text), "%lld\n", (long long)count);
	size_t n = rump_component_resid(uio);
	int error;

	(void)arg, (void)cookie;
	if (*pos >= len)
		return 0;
	if (n > (size_t)(len - *pos))
		n = (size_t)(len - *pos);
	error = rump_component_move(text + *pos, n, uio);
	*pos += (off_t)n;
	return error;
}

static int
counter_write(void *arg, void *cookie, struct uio *uio, off_t *pos)
{
	char buf[8];
	size_t n;
	int error = 0;

	(void)arg, (void)cookie, (void)pos;
	while (error == 0 && (n = rump_component_resid(uio)) > 0) {
		n = n < sizeof(buf) ? n : sizeof(buf);
		error = rump_component_move(buf, n, uio);
		count += (int64_t)n * step;
	}
	return error;
}

static int
counter_ioctl(void *arg, void *cookie, unsigned long request, void *data)
{
	int64_t n;
	int error;

	(void)arg, (void)cookie;
	switch (request) {
	case COUNTER_GET:
		n = count;
		return rump_component_copyout(&n, data, sizeof(n));
	case COUNTER_SET:
		error = rump_component_copyin(data, &n, sizeof(n));
		if (error == 0)
			count = n;
		return error;
	default:
		return ENOTTY;
	}
}

static int cookies[8];

static const struct rump_device device = {
    .rd_name = "test/counter",
    .rd_mode = S_IFCHR | 0640,
    .rd_arg = cookies,
    .rd_open = counter_open,
    .rd_close = counter_close,
    .rd_read = counter_read,
    .rd_write = counter_write,
    .rd_ioctl = counter_ioctl,
};

static const struct rump_device mute = {
    .rd_name = "mute",
    .rd_mode = S_IFCHR | 0666,
};

#define RW RUMP_CTLFLAG_READWRITE

static const struct rump_sysctl nodes[] = {
    {"", "test", RUMP_CTLTYPE_NODE, "for tests", NULL, 0},
    {"test", "count", RUMP_CTLTYPE_QUAD | RW, "bytes", &count, 0},
    {"test", "step", RUMP_CTLTYPE_INT | RW, "each counts", &step, 0},
    {"test", "closed", RUMP_CTLTYPE_BOOL, "was closed", &closed, 0},
    {"test", "label", RUMP_CTLTYPE_STRING | RW, "a word", label, sizeof(label)},
};

static int
counter_init(struct rump_module *self)
{
	int error;

	if ((error = rump_component_device(self, &device)) != 0 ||
	    (error = rump_component_device(self, &mute)) != 0)
		return error;
	return rump_component_sysctl(
	    self, nodes, sizeof(nodes) / sizeof(nodes[0]));
}

static int
counter_fini(void)
{
	return strcmp(label, "stay") == 0 ? EBUSY : 0;
}

RUMP_COMPONENT = {
    .rc_version = RUMP_COMPONENT_VERSION,
    .rc_name = "counter",
    .rc_init = counter_init,
    .rc_fini = counter_fini,
};
