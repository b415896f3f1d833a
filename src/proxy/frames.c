/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Frames of a stream; see frames.h.
 *
 * Bytes come through a buffer, so that a small frame is one call of the host's,
 * and many of them as well.  Large payloads come and go directly.
 */
#include "proxy/frames.h"

#include <errno.h>
#include <string.h>

#define HEADER sizeof(struct sp_frame)

void
frames_reset(struct frames *fr)
{
	fr->fr_in.fw_done = fr->fr_in.fw_total = 0;
	fr->fr_in.fw_at = fr->fr_in.fw_len = 0;
	fr->fr_out.fw_done = fr->fr_out.fw_total = 0;
	fr->fr_out.fw_at = fr->fr_out.fw_len = 0;
}

static size_t
signal_size(const struct sp_frame *f)
{
	return (f->sf_msg.sm_flags & SP_F_SIGNAL) != 0
		   ? sizeof(struct sp_signal)
		   : 0;
}

static size_t
frame_total(const struct sp_frame *f)
{
	return HEADER + f->sf_size + signal_size(f);
}

/* What no frame is, whoever sends it. */
static bool
frame_isfine(const struct sp_frame *f)
{
	return f->sf_size <= SP_PAYLOAD &&
	       f->sf_at <= SP_PAYLOAD - f->sf_size &&
	       f->sf_msg.sm_slot < SP_NSLOTS;
}

static size_t
least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/*
 * In
 */

/* Where the next bytes of the frame go (NULL: nowhere), and how many. */
static uint8_t *
in_place(struct frames *fr, size_t *roomp)
{
	struct frames_way *in = &fr->fr_in;
	size_t done = in->fw_done, payload = HEADER + in->fw_frame.sf_size;

	if (done < HEADER) {
		*roomp = HEADER - done;
		return (uint8_t *)&in->fw_frame + done;
	}
	if (done < payload) {
		*roomp = payload - done;
		return fr->fr_to != NULL ? fr->fr_to + (done - HEADER) : NULL;
	}
	*roomp = in->fw_total - done;
	return (uint8_t *)&fr->fr_signal + (done - payload);
}

/* So many bytes more are where they belong. */
static int
in_advance(struct frames *fr, size_t n)
{
	struct frames_way *in = &fr->fr_in;
	int error;

	in->fw_done += n;
	if (in->fw_done == HEADER) {
		if (!frame_isfine(&in->fw_frame))
			return EPROTO;
		fr->fr_to = NULL;
		error = fr->fr_ops->fo_begin(fr, &in->fw_frame, &fr->fr_to);
		if (error != 0)
			return error;
		in->fw_total = frame_total(&in->fw_frame);
	}
	if (in->fw_done != in->fw_total)
		return 0;
	in->fw_done = in->fw_total = 0;
	return fr->fr_ops->fo_end(fr, &in->fw_frame,
	    signal_size(&in->fw_frame) != 0 ? &fr->fr_signal : NULL);
}

/* What is in the buffer. */
static int
in_buffer(struct frames *fr)
{
	struct frames_way *in = &fr->fr_in;
	size_t n, room;
	uint8_t *to;
	int error = 0;

	while (in->fw_at < in->fw_len && error == 0) {
		to = in_place(fr, &room);
		n = least(room, in->fw_len - in->fw_at);
		if (to != NULL)
			memcpy(to, in->fw_buffer + in->fw_at, n);
		in->fw_at += n;
		error = in_advance(fr, n);
	}
	return error;
}

/* Receive, into its place or the buffer; *fullp: there may be more. */
static int
in_receive(struct frames *fr, size_t *np, bool *fullp)
{
	struct frames_way *in = &fr->fr_in;
	size_t room, asked;
	uint8_t *to = in_place(fr, &room);
	bool direct = to != NULL && room >= sizeof(in->fw_buffer);
	int error;

	*np = asked = direct ? room : sizeof(in->fw_buffer);
	error = fr->fr_ops->fo_recv(fr, direct ? to : in->fw_buffer, np);
	if (error != 0)
		return error;
	*fullp = *np == asked;
	if (*np == 0)
		return ECONNRESET;
	if (direct)
		return in_advance(fr, *np);
	in->fw_at = 0;
	in->fw_len = *np;
	return in_buffer(fr);
}

int
frames_in(struct frames *fr, size_t most)
{
	size_t n, got = 0;
	bool full = true;
	int error = 0;

	/* Less than was asked for: there was no more just now. */
	while (error == 0 && full && got < most) {
		if ((error = in_receive(fr, &n, &full)) == 0)
			got += n;
	}
	/* The host has given these already, and will not tell of them again. */
	while (error == 0 && fr->fr_ops->fo_pending != NULL &&
	       fr->fr_ops->fo_pending(fr))
		error = in_receive(fr, &n, &full);
	return error == EAGAIN ? 0 : error;
}

/*
 * Out
 */

/* The next bytes of the frame, and how many of them are in one place. */
static const uint8_t *
out_place(const struct frames *fr, size_t *sizep)
{
	const struct frames_way *out = &fr->fr_out;
	size_t done = out->fw_done, payload = HEADER + out->fw_frame.sf_size;

	if (done < HEADER) {
		*sizep = HEADER - done;
		return (const uint8_t *)&out->fw_frame + done;
	}
	if (done < payload) {
		*sizep = payload - done;
		return fr->fr_from + (done - HEADER);
	}
	*sizep = out->fw_total - done;
	return (const uint8_t *)fr->fr_sig + (done - payload);
}

/* Small pieces go into the buffer, to be sent at once. */
static void
out_fill(struct frames *fr)
{
	struct frames_way *out = &fr->fr_out;
	const uint8_t *from;
	size_t n;

	out->fw_at = out->fw_len = 0;
	while (out->fw_done < out->fw_total &&
	       out->fw_len < sizeof(out->fw_buffer)) {
		from = out_place(fr, &n);
		/* The rest of a large one is better sent from where it is. */
		if (out->fw_len == 0 && n >= sizeof(out->fw_buffer))
			return;
		n = least(n, sizeof(out->fw_buffer) - out->fw_len);
		memcpy(out->fw_buffer + out->fw_len, from, n);
		out->fw_len += n;
		out->fw_done += n;
	}
}

/* False if there is nothing to send. */
static bool
out_next(struct frames *fr)
{
	struct frames_way *out = &fr->fr_out;

	if (out->fw_total != 0)
		return true;
	if (!fr->fr_ops->fo_next(fr, &out->fw_frame, &fr->fr_from, &fr->fr_sig))
		return false;
	out->fw_total = frame_total(&out->fw_frame);
	out->fw_done = 0;
	out_fill(fr);
	return true;
}

/* Send what is in the buffer, or directly. */
static int
out_some(struct frames *fr)
{
	struct frames_way *out = &fr->fr_out;
	const uint8_t *from;
	size_t n;
	int error;

	if (out->fw_at == out->fw_len)
		out_fill(fr);
	if (out->fw_at < out->fw_len) {
		n = out->fw_len - out->fw_at;
		error =
		    fr->fr_ops->fo_send(fr, out->fw_buffer + out->fw_at, &n);
		out->fw_at += error == 0 ? n : 0;
		return error;
	}
	from = out_place(fr, &n);
	if ((error = fr->fr_ops->fo_send(fr, from, &n)) == 0)
		out->fw_done += n;
	return error;
}

int
frames_out(struct frames *fr)
{
	struct frames_way *out = &fr->fr_out;
	int error = 0;

	while (error == 0 && out_next(fr)) {
		error = out_some(fr);
		if (error == 0 && out->fw_done == out->fw_total &&
		    out->fw_at == out->fw_len)
			out->fw_total = 0;
	}
	return error;
}

int
frames_sending(const struct frames *fr)
{
	const struct frames_way *out = &fr->fr_out;

	return out->fw_total != 0 && out->fw_frame.sf_msg.sm_op < SP_NOPS
		   ? (int)out->fw_frame.sf_msg.sm_slot
		   : -1;
}
