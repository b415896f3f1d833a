/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Traces as text, a line an event:
 *
 *	12.1 1.000123 openat(AT_FDCWD, "/tmp/x", O_RDWR) = 3 <0.000001>
 *	12.1 1.000150 --- switch to 13.1 ---
 *	12.1 1.000170 --- SIGUSR1 {si_signo=SIGUSR1, …} ---
 *	12.0 1.000190 +++ exited with 0 +++
 *
 * process and lwp, seconds since boot, what it is; of a call, when it began
 * and how long it took.  Lines are in the order of the events' ends.
 */
#include "kern/kern.h"
#include "syscall/tracefile.h"
#include "syscall/tracetext.h"

#define USEC 1000

struct line {
	struct tracetext ln_text;
	char ln_buf[TRACEFILE_EVENT];
};

static void
line_begin(struct line *ln, const struct tracepoint *tp, int64_t when)
{
	int64_t usec = kern_uptime(when) / USEC;

	/* Room for the end of the line, whatever is cut. */
	tracetext_init(&ln->ln_text, ln->ln_buf, sizeof(ln->ln_buf) - 128);
	tracetext_printf(&ln->ln_text, "%d.%d %jd.%06jd ", (int)tp->tp_pid,
	    tp->tp_lid, (intmax_t)(usec / 1000000), (intmax_t)(usec % 1000000));
}

static void
line_write(struct line *ln, struct trace *tr)
{
	struct tracetext *tt = &ln->ln_text;

	tt->tt_buf[tt->tt_len] = '\n';
	tracefile_write(tr, tt->tt_buf, tt->tt_len + 1);
}

static void
log_call(struct trace *tr, const struct tracecall *tc)
{
	const struct sysdesc *sd = sysdesc_find(tc->tc_number);
	int64_t took = (tc->tc_point.tp_when - tc->tc_start) / USEC;
	struct line ln;

	line_begin(&ln, &tc->tc_point, tc->tc_start);
	tracetext_args(
	    &ln.ln_text, sd, tc->tc_args, tc->tc_error, tc->tc_retval);
	ln.ln_text.tt_size = sizeof(ln.ln_buf);
	tracetext_printf(&ln.ln_text, " = ");
	tracetext_result(&ln.ln_text, sd, tc->tc_error, tc->tc_retval);
	tracetext_printf(&ln.ln_text, " <%jd.%06jd>",
	    (intmax_t)(took / 1000000), (intmax_t)(took % 1000000));
	line_write(&ln, tr);
}

static void
log_switch(struct trace *tr, const struct tracepoint *tp, pid_t pid, int lid)
{
	struct line ln;

	line_begin(&ln, tp, tp->tp_when);
	tracetext_printf(&ln.ln_text, "--- switch to %d.%d ---", (int)pid, lid);
	line_write(&ln, tr);
}

static void
log_signal(struct trace *tr, const struct tracepoint *tp, const siginfo_t *info)
{
	struct line ln;

	line_begin(&ln, tp, tp->tp_when);
	tracetext_printf(&ln.ln_text, "--- ");
	tracetext_signal(&ln.ln_text, info->si_signo);
	tracetext_printf(&ln.ln_text, " ");
	tracetext_siginfo(&ln.ln_text, info);
	tracetext_printf(&ln.ln_text, " ---");
	line_write(&ln, tr);
}

static void
log_exit(struct trace *tr, const struct tracepoint *tp, int status)
{
	struct line ln;

	line_begin(&ln, tp, tp->tp_when);
	tracetext_end(&ln.ln_text, status);
	line_write(&ln, tr);
}

static void
log_user(struct trace *tr, const struct tracepoint *tp, const char *label,
    const void *data, size_t len)
{
	size_t shown = len < 256 ? len : 256;
	struct line ln;

	line_begin(&ln, tp, tp->tp_when);
	tracetext_printf(&ln.ln_text, "--- utrace ");
	tracetext_bytes(&ln.ln_text, label, strlen(label), false);
	tracetext_printf(&ln.ln_text, " ");
	tracetext_bytes(&ln.ln_text, data, shown, shown < len);
	tracetext_printf(&ln.ln_text, " ---");
	line_write(&ln, tr);
}

const struct trace_ops tracelog_ops = {
    .to_call = log_call,
    .to_switch = log_switch,
    .to_signal = log_signal,
    .to_exit = log_exit,
    .to_user = log_user,
    .to_free = tracefile_free,
};
