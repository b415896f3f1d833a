/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calls as text: their arguments by the descriptions of the table.
 */
#include "syscall/tracetext.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <sys/socket.h>
#include <sys/uio.h>

#include "hyper/hyper.h"
#include "kern/param.h"

/* The longest string that is shown, and the largest object. */
#define STRING_MAX 255
#define OBJECT_MAX 1024

/* A call whose arguments are shown. */
struct showncall {
	const struct sysdesc *sc_desc;
	const uint64_t *sc_args;
	int sc_error;
	int64_t sc_retval;
};

void
tracetext_init(struct tracetext *tt, char *buf, size_t size)
{
	tt->tt_buf = buf;
	tt->tt_size = size;
	tt->tt_len = 0;
	buf[0] = '\0';
}

void
tracetext_printf(struct tracetext *tt, const char *fmt, ...)
{
	size_t room = tt->tt_size - tt->tt_len;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(tt->tt_buf + tt->tt_len, room, fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	if ((size_t)n < room) {
		tt->tt_len += (size_t)n;
		return;
	}
	tt->tt_len = tt->tt_size - 1;
	memcpy(tt->tt_buf + tt->tt_len - 3, "...", 3);
}

static void
put_byte(struct tracetext *tt, unsigned char c, bool digitnext)
{
	static const char escapes[] = "\a\b\t\n\v\f\r", names[] = "abtnvfr";
	const char *e;

	if (c == '"' || c == '\\')
		tracetext_printf(tt, "\\%c", c);
	else if (c >= ' ' && c < 0x7f)
		tracetext_printf(tt, "%c", c);
	else if (c != '\0' && (e = strchr(escapes, c)) != NULL)
		tracetext_printf(tt, "\\%c", names[e - escapes]);
	else
		tracetext_printf(tt, digitnext ? "\\%03o" : "\\%o", c);
}

void
tracetext_bytes(struct tracetext *tt, const void *p, size_t n, bool more)
{
	const unsigned char *c = p;
	size_t i;

	tracetext_printf(tt, "\"");
	for (i = 0; i < n; i++)
		put_byte(
		    tt, c[i], i + 1 < n && c[i + 1] >= '0' && c[i + 1] <= '9');
	tracetext_printf(tt, more ? "\"..." : "\"");
}

static void
put_pointer(struct tracetext *tt, uint64_t addr)
{
	if (addr == 0)
		tracetext_printf(tt, "NULL");
	else
		tracetext_printf(tt, "%#jx", (uintmax_t)addr);
}

/* Up to a NUL, in pieces that end where a page may. */
static void
put_string(struct tracetext *tt, uint64_t addr)
{
	char buf[STRING_MAX + 1];
	size_t n = 0, piece;
	const char *nul;

	while (n < sizeof(buf)) {
		piece = 64 - (addr + n) % 64;
		if (piece > sizeof(buf) - n)
			piece = sizeof(buf) - n;
		if (!hyper_mem_read(
			buf + n, (const char *)(uintptr_t)addr + n, piece)) {
			put_pointer(tt, addr);
			return;
		}
		if ((nul = memchr(buf + n, '\0', piece)) != NULL) {
			tracetext_bytes(tt, buf, (size_t)(nul - buf), false);
			return;
		}
		n += piece;
	}
	tracetext_bytes(tt, buf, STRING_MAX, true);
}

static void
put_data(struct tracetext *tt, uint64_t addr, size_t n)
{
	char buf[TRACETEXT_BYTES];
	size_t shown = n < sizeof(buf) ? n : sizeof(buf);

	if (addr == 0 ||
	    !hyper_mem_read(buf, (const void *)(uintptr_t)addr, shown))
		put_pointer(tt, addr);
	else
		tracetext_bytes(tt, buf, shown, shown < n);
}

/* "const struct stat *" is about a "struct stat". */
static void
pointed_type(const char *type, char *buf, size_t size)
{
	size_t n;

	if (strncmp(type, "const ", 6) == 0)
		type += 6;
	n = strcspn(type, "*");
	while (n > 0 && type[n - 1] == ' ')
		n--;
	if (n >= size)
		n = size - 1;
	memcpy(buf, type, n);
	buf[n] = '\0';
}

/* One object, or false, without a trace, if it is not known or not there. */
static bool
put_object(
    struct tracetext *tt, const char *type, const char *addr, size_t size)
{
	char obj[OBJECT_MAX] __attribute__((aligned(16)));

	if (size > sizeof(obj) || !hyper_mem_read(obj, addr, size))
		return false;
	return tracetext_object(tt, type, obj, size);
}

static void
put_objects(struct tracetext *tt, const struct sysarg *sa, uint64_t addr,
    size_t bytes, bool array)
{
	size_t i, n = bytes / sa->sa_size, start = tt->tt_len;
	const char *p = (const char *)(uintptr_t)addr;
	char type[40];

	pointed_type(sa->sa_type, type, sizeof(type));
	tracetext_printf(tt, array ? "[" : "");
	for (i = 0; i < n && i < TRACETEXT_ELEMENTS; i++) {
		if (i > 0)
			tracetext_printf(tt, ", ");
		if (!put_object(tt, type, p + i * sa->sa_size, sa->sa_size)) {
			tt->tt_len = start;
			put_pointer(tt, addr);
			return;
		}
	}
	tracetext_printf(tt, i < n ? ", ...]" : array ? "]" : "");
}

/* How much of it there is to be seen now. */
static size_t
shown_bytes(const struct showncall *sc, const struct sysarg *sa, uint64_t word)
{
	size_t room =
	    sysarg_room(sc->sc_desc, sa, word, sc->sc_args, hyper_mem_read);

	if ((sa->sa_flags & SYSARG_OUT) == 0 || sc->sc_error != 0)
		return room;
	return sysarg_filled(sc->sc_desc, sa, word, sc->sc_args, hyper_mem_read,
	    room, sc->sc_retval);
}

/* A number shows in brackets that it is not the argument itself. */
static bool
is_scalar(const char *type)
{
	return strncmp(type, "struct ", 7) != 0 &&
	       strcmp(type, "sigset_t") != 0 && strcmp(type, "siginfo_t") != 0;
}

static void
put_buffer(struct tracetext *tt, const struct showncall *sc,
    const struct sysarg *sa, uint64_t word)
{
	char type[40];
	size_t n;

	/* What did not come out is not there. */
	if (word == 0 ||
	    ((sa->sa_flags & SYSARG_IN) == 0 && sc->sc_error != 0)) {
		put_pointer(tt, word);
		return;
	}
	n = shown_bytes(sc, sa, word);
	pointed_type(sa->sa_type, type, sizeof(type));
	if ((sa->sa_flags & SYSARG_TERMINATED) != 0)
		put_string(tt, word);
	else if (sa->sa_hint != NULL && strcmp(sa->sa_hint, "dirents") == 0)
		tracetext_printf(
		    tt, "%#jx /* %zu bytes of entries */", (uintmax_t)word, n);
	else if (sa->sa_hint != NULL &&
		 put_object(tt, sa->sa_hint, (const char *)(uintptr_t)word, n))
		;
	else if (strcmp(type, "struct sockaddr") == 0 ||
		 (sa->sa_flags & (SYSARG_BITS | SYSARG_HANDLE)) != 0) {
		if (!put_object(tt, type, (const char *)(uintptr_t)word, n))
			put_data(tt, word, n);
	} else if (sa->sa_size == 1)
		put_data(tt, word, n);
	else
		put_objects(tt, sa, word, n,
		    sa->sa_counter >= 0 || sa->sa_count != 1 ||
			is_scalar(type));
}

/* The vectors; done: how many bytes of them are there, at most. */
static void
put_vectors(struct tracetext *tt, uint64_t addr, uint64_t n, uint64_t done)
{
	const struct iovec *uiov = (const struct iovec *)(uintptr_t)addr;
	struct iovec iov;
	uint64_t i;
	size_t len;

	if (addr == 0 ||
	    !hyper_mem_read(&iov, uiov, n == 0 ? 0 : sizeof(iov))) {
		put_pointer(tt, addr);
		return;
	}
	tracetext_printf(tt, "[");
	for (i = 0; i < n && i < TRACETEXT_ELEMENTS; i++) {
		if (i > 0)
			tracetext_printf(tt, ", ");
		if (!hyper_mem_read(&iov, &uiov[i], sizeof(iov))) {
			put_pointer(tt, (uintptr_t)&uiov[i]);
			break;
		}
		len = iov.iov_len < done ? iov.iov_len : (size_t)done;
		done -= len;
		tracetext_printf(tt, "{iov_base=");
		put_data(tt, (uintptr_t)iov.iov_base, len);
		tracetext_printf(tt, ", iov_len=%zu}", iov.iov_len);
	}
	tracetext_printf(tt, i < n ? ", ...]" : "]");
}

/* How many bytes of the data that it describes are there now. */
static uint64_t
data_done(const struct showncall *sc, const struct sysarg *sa)
{
	if ((sa->sa_flags & SYSARG_OUT) == 0)
		return UINT64_MAX;
	if (sc->sc_error != 0 || sc->sc_retval < 0)
		return 0;
	return (uint64_t)sc->sc_retval;
}

static void
put_message(struct tracetext *tt, const struct msghdr *msg, uint64_t done)
{
	tracetext_printf(tt, "{msg_name=");
	if (msg->msg_name == NULL ||
	    !put_object(tt, "struct sockaddr", msg->msg_name, msg->msg_namelen))
		put_pointer(tt, (uintptr_t)msg->msg_name);
	tracetext_printf(
	    tt, ", msg_namelen=%u, msg_iov=", (unsigned)msg->msg_namelen);
	put_vectors(tt, (uintptr_t)msg->msg_iov, msg->msg_iovlen, done);
	tracetext_printf(tt,
	    ", msg_iovlen=%zu, msg_controllen=%zu, msg_flags=%#x}",
	    (size_t)msg->msg_iovlen, (size_t)msg->msg_controllen,
	    (unsigned)msg->msg_flags);
}

static void
put_messages(struct tracetext *tt, const struct showncall *sc,
    const struct sysarg *sa, uint64_t word)
{
	const char *p = (const char *)(uintptr_t)word;
	bool one = sa->sa_size == sizeof(struct msghdr);
	uint64_t i, n;
	struct mmsghdr mm = {0};

	n = sysarg_count(sc->sc_desc, sa, sc->sc_args, hyper_mem_read);
	if (!one && (sa->sa_flags & SYSARG_OUT) != 0)
		n = data_done(sc, sa);
	tracetext_printf(tt, one ? "" : "[");
	for (i = 0; i < n && i < TRACETEXT_ELEMENTS; i++) {
		if (i > 0)
			tracetext_printf(tt, ", ");
		if (!hyper_mem_read(&mm, p + i * sa->sa_size, sa->sa_size)) {
			put_pointer(tt, word);
			break;
		}
		put_message(tt, &mm.msg_hdr,
		    one				  ? data_done(sc, sa)
		    : (sa->sa_flags & SYSARG_OUT) ? mm.msg_len
						  : UINT64_MAX);
	}
	tracetext_printf(tt, one ? "" : "]");
}

static void
put_arg(struct tracetext *tt, const struct showncall *sc, int i)
{
	uint64_t word = sc->sc_args[i];
	struct sysarg sa;

	sysarg_resolve(sc->sc_desc, i, sc->sc_args, hyper_mem_read, &sa);
	if (sa.sa_kind == SYSARG_ABSENT)
		return;
	if (i > 0)
		tracetext_printf(tt, ", ");
	switch (sa.sa_kind) {
	case SYSARG_VALUE:
		tracetext_value(tt, sa.sa_hint, sysarg_value(&sa, word),
		    (sa.sa_flags & SYSARG_SIGNED) != 0);
		break;
	case SYSARG_STRING:
		put_string(tt, word);
		break;
	case SYSARG_BUFFER:
		put_buffer(tt, sc, &sa, word);
		break;
	case SYSARG_VECTOR:
		put_vectors(tt, word,
		    sysarg_count(sc->sc_desc, &sa, sc->sc_args, hyper_mem_read),
		    data_done(sc, &sa));
		break;
	case SYSARG_MESSAGE:
		put_messages(tt, sc, &sa, word);
		break;
	default:
		put_pointer(tt, word);
		break;
	}
}

void
tracetext_args(struct tracetext *tt, const struct sysdesc *sd,
    const uint64_t *args, int error, int64_t retval)
{
	struct showncall sc = {sd, args, error, retval};
	int i;

	tracetext_printf(tt, "%s(", sd->sd_name);
	for (i = 0; i < sd->sd_nargs; i++)
		put_arg(tt, &sc, i);
	tracetext_printf(tt, ")");
}

void
tracetext_result(
    struct tracetext *tt, const struct sysdesc *sd, int error, int64_t retval)
{
	const char *name;

	if (error == 0) {
		tracetext_printf(tt,
		    sd->sd_result == SYSRESULT_UNSIGNED ? "%ju" : "%jd",
		    (intmax_t)retval);
		return;
	}
	if ((name = strerrorname_np(error)) == NULL)
		tracetext_printf(tt, "-1 (errno %d)", error);
	else
		tracetext_printf(
		    tt, "-1 %s (%s)", name, strerrordesc_np(error));
}
