/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Traces in Perfetto's format: the protocol buffers of its track events, for
 * ui.perfetto.dev and trace_processor.
 *
 * A file is a sequence of packets.  Each event brings the descriptions of the
 * tracks that it is on, so the order of events does not matter and nothing is
 * remembered between them:
 *
 *	process track	uuid: pid
 *	lwp track	its child; uuid: pid and lid.  Calls are slices on it,
 *			with arguments and result; signals, utrace and the
 *			process's end are instants.
 *	context track	one for each host thread: which lwp it runs, a slice
 *			from switch to switch.
 *
 * The numbers of fields are those of perfetto's trace_packet.proto,
 * track_event.proto, track_descriptor.proto and debug_annotation.proto.
 */
#include <inttypes.h>
#include <stdio.h>

#include "kern/kern.h"
#include "syscall/tracefile.h"
#include "syscall/tracetext.h"

enum {
	TRACE_PACKET = 1,

	PACKET_TIMESTAMP = 8,
	PACKET_SEQUENCE = 10,
	PACKET_EVENT = 11,
	PACKET_TRACK = 60,

	TRACK_UUID = 1,
	TRACK_NAME = 2,
	TRACK_PROCESS = 3,
	TRACK_PARENT = 5,

	PROCESS_PID = 1,
	PROCESS_NAME = 6,

	EVENT_ANNOTATION = 4,
	EVENT_TYPE = 9,
	EVENT_TRACK = 11,
	EVENT_CATEGORY = 22,
	EVENT_NAME = 23,

	ANNOTATION_STRING = 6,
	ANNOTATION_NAME = 10,
};

enum { SLICE_BEGIN = 1, SLICE_END = 2, INSTANT = 3 };

/* Writes here are never late, so one sequence is as good as many. */
#define SEQUENCE 1

/* What is being made: always less than there is room for. */
struct pb {
	unsigned char *pb_buf;
	size_t pb_size;
	size_t pb_len;
};

/*
 * A message in a message is preceded by its length, in two bytes always: so it
 * is made in place and the length put in afterwards.
 */
#define LENGTH_BYTES 2
#define LENGTH_MAX   ((1u << 14) - 1)

static void
pb_byte(struct pb *pb, unsigned char c)
{
	if (pb->pb_len < pb->pb_size)
		pb->pb_buf[pb->pb_len] = c;
	pb->pb_len++;
}

static void
pb_number(struct pb *pb, uint64_t n)
{
	for (; n >= 0x80; n >>= 7)
		pb_byte(pb, (unsigned char)(n | 0x80));
	pb_byte(pb, (unsigned char)n);
}

/* A field that is a number. */
static void
pb_uint(struct pb *pb, int field, uint64_t n)
{
	pb_number(pb, (uint64_t)field << 3);
	pb_number(pb, n);
}

static void
pb_string(struct pb *pb, int field, const char *s, size_t len)
{
	pb_number(pb, (uint64_t)field << 3 | 2);
	pb_number(pb, len);
	for (size_t i = 0; i < len; i++)
		pb_byte(pb, (unsigned char)s[i]);
}

/* A field that is a message, between begin and end. */
static size_t
pb_begin(struct pb *pb, int field)
{
	pb_number(pb, (uint64_t)field << 3 | 2);
	pb->pb_len += LENGTH_BYTES;
	return pb->pb_len;
}

static void
pb_end(struct pb *pb, size_t begin)
{
	size_t n = pb->pb_len - begin;

	KASSERT(n <= LENGTH_MAX);
	if (begin > pb->pb_size)
		return;
	pb->pb_buf[begin - 2] = (unsigned char)(n | 0x80);
	pb->pb_buf[begin - 1] = (unsigned char)(n >> 7);
}

static uint64_t
process_uuid(pid_t pid)
{
	return (uint64_t)(uint32_t)pid << 32 | UINT32_MAX;
}

static uint64_t
lwp_uuid(pid_t pid, int lid)
{
	return (uint64_t)(uint32_t)pid << 32 | (uint32_t)lid;
}

static uint64_t
context_uuid(uint32_t context)
{
	return UINT64_C(1) << 63 | context;
}

static void
put_process(struct pb *pb, pid_t pid)
{
	size_t packet = pb_begin(pb, TRACE_PACKET), track, process;
	char name[PROC_NAMELEN + 16];
	struct proc *p;
	int n;

	n = snprintf(name, sizeof(name), "process");
	if ((p = proc_find_locked(pid)) != NULL) {
		n = snprintf(
		    name, sizeof(name), "%.*s", PROC_NAMELEN, p->p_name);
		mutex_exit(&p->p_lock);
	}
	pb_uint(pb, PACKET_SEQUENCE, SEQUENCE);
	track = pb_begin(pb, PACKET_TRACK);
	pb_uint(pb, TRACK_UUID, process_uuid(pid));
	process = pb_begin(pb, TRACK_PROCESS);
	pb_uint(pb, PROCESS_PID, (uint64_t)pid);
	pb_string(pb, PROCESS_NAME, name, (size_t)n);
	pb_end(pb, process);
	pb_end(pb, track);
	pb_end(pb, packet);
}

static void
put_track(struct pb *pb, uint64_t uuid, uint64_t parent, const char *name)
{
	size_t packet = pb_begin(pb, TRACE_PACKET), track;

	pb_uint(pb, PACKET_SEQUENCE, SEQUENCE);
	track = pb_begin(pb, PACKET_TRACK);
	pb_uint(pb, TRACK_UUID, uuid);
	if (parent != 0)
		pb_uint(pb, TRACK_PARENT, parent);
	pb_string(pb, TRACK_NAME, name, strlen(name));
	pb_end(pb, track);
	pb_end(pb, packet);
}

/* The tracks of a process and its lwp. */
static uint64_t
put_lwp(struct pb *pb, const struct tracepoint *tp)
{
	uint64_t uuid = lwp_uuid(tp->tp_pid, tp->tp_lid);
	char name[40];

	put_process(pb, tp->tp_pid);
	(void)snprintf(
	    name, sizeof(name), "lwp %d.%d", (int)tp->tp_pid, tp->tp_lid);
	put_track(pb, uuid, process_uuid(tp->tp_pid), name);
	return uuid;
}

/* An event, up to its annotations. */
struct event {
	size_t ev_packet, ev_event;
};

static void
event_begin(struct pb *pb, struct event *ev, int64_t when, int type,
    uint64_t track, const char *name)
{
	ev->ev_packet = pb_begin(pb, TRACE_PACKET);
	pb_uint(pb, PACKET_TIMESTAMP, (uint64_t)kern_uptime(when));
	pb_uint(pb, PACKET_SEQUENCE, SEQUENCE);
	ev->ev_event = pb_begin(pb, PACKET_EVENT);
	pb_uint(pb, EVENT_TYPE, (uint64_t)type);
	pb_uint(pb, EVENT_TRACK, track);
	if (name != NULL)
		pb_string(pb, EVENT_NAME, name, strlen(name));
}

static void
event_annotate(struct pb *pb, const char *name, const struct tracetext *tt)
{
	size_t annotation = pb_begin(pb, EVENT_ANNOTATION);

	pb_string(pb, ANNOTATION_NAME, name, strlen(name));
	pb_string(pb, ANNOTATION_STRING, tt->tt_buf, tt->tt_len);
	pb_end(pb, annotation);
}

static void
event_end(struct pb *pb, const struct event *ev)
{
	pb_end(pb, ev->ev_event);
	pb_end(pb, ev->ev_packet);
}

static void
pb_write(struct pb *pb, struct trace *tr)
{
	KASSERT(pb->pb_len <= pb->pb_size);
	tracefile_write(tr, pb->pb_buf, pb->pb_len);
}

#define PB(buf)                       \
	{                             \
		(buf), sizeof(buf), 0 \
	}

static void
perfetto_call(struct trace *tr, const struct tracecall *tc)
{
	const struct sysdesc *sd = sysdesc_find(tc->tc_number);
	unsigned char buf[TRACEFILE_EVENT];
	char text[TRACEFILE_EVENT / 2];
	struct pb pb = PB(buf);
	struct tracetext tt;
	struct event ev;
	uint64_t track = put_lwp(&pb, &tc->tc_point);

	event_begin(&pb, &ev, tc->tc_start, SLICE_BEGIN, track, sd->sd_name);
	pb_string(&pb, EVENT_CATEGORY, "call", 4);
	tracetext_init(&tt, text, sizeof(text));
	tracetext_args(&tt, sd, tc->tc_args, tc->tc_error, tc->tc_retval);
	event_annotate(&pb, "call", &tt);
	tracetext_init(&tt, text, sizeof(text));
	tracetext_result(&tt, sd, tc->tc_error, tc->tc_retval);
	event_annotate(&pb, "result", &tt);
	event_end(&pb, &ev);
	event_begin(&pb, &ev, tc->tc_point.tp_when, SLICE_END, track, NULL);
	event_end(&pb, &ev);
	pb_write(&pb, tr);
}

static void
perfetto_switch(
    struct trace *tr, const struct tracepoint *tp, pid_t pid, int lid)
{
	uint64_t track = context_uuid(tp->tp_context);
	unsigned char buf[512];
	struct pb pb = PB(buf);
	struct event ev;
	char name[40];

	(void)snprintf(
	    name, sizeof(name), "host thread %" PRIu32, tp->tp_context);
	put_track(&pb, track, 0, name);
	event_begin(&pb, &ev, tp->tp_when, SLICE_END, track, NULL);
	event_end(&pb, &ev);
	(void)snprintf(name, sizeof(name), "%d.%d", (int)pid, lid);
	event_begin(&pb, &ev, tp->tp_when, SLICE_BEGIN, track, name);
	pb_string(&pb, EVENT_CATEGORY, "switch", 6);
	event_end(&pb, &ev);
	pb_write(&pb, tr);
}

static void
perfetto_instant(struct trace *tr, const struct tracepoint *tp,
    const char *category, const char *name, const struct tracetext *tt)
{
	unsigned char buf[TRACEFILE_EVENT];
	struct pb pb = PB(buf);
	struct event ev;
	uint64_t track = put_lwp(&pb, tp);

	event_begin(&pb, &ev, tp->tp_when, INSTANT, track, name);
	pb_string(&pb, EVENT_CATEGORY, category, strlen(category));
	event_annotate(&pb, category, tt);
	event_end(&pb, &ev);
	pb_write(&pb, tr);
}

static void
perfetto_signal(
    struct trace *tr, const struct tracepoint *tp, const siginfo_t *info)
{
	struct tracetext name, tt;
	char text[512], signame[32];

	tracetext_init(&name, signame, sizeof(signame));
	tracetext_signal(&name, info->si_signo);
	tracetext_init(&tt, text, sizeof(text));
	tracetext_siginfo(&tt, info);
	perfetto_instant(tr, tp, "signal", signame, &tt);
}

static void
perfetto_exit(struct trace *tr, const struct tracepoint *tp, int status)
{
	struct tracetext tt;
	char text[128];

	tracetext_init(&tt, text, sizeof(text));
	tracetext_end(&tt, status);
	perfetto_instant(tr, tp, "exit", "exit", &tt);
}

static void
perfetto_user(struct trace *tr, const struct tracepoint *tp, const char *label,
    const void *data, size_t len)
{
	size_t shown = len < 256 ? len : 256;
	struct tracetext tt;
	char text[1200];

	tracetext_init(&tt, text, sizeof(text));
	tracetext_bytes(&tt, data, shown, shown < len);
	perfetto_instant(tr, tp, "utrace", label, &tt);
}

const struct trace_ops perfetto_ops = {
    .to_call = perfetto_call,
    .to_switch = perfetto_switch,
    .to_signal = perfetto_signal,
    .to_exit = perfetto_exit,
    .to_user = perfetto_user,
    .to_free = tracefile_free,
};
