/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Frames of a stream, in and out, for both ends; wire.h says what they are.
 *
 * Nothing here waits, allocates or locks: who calls sees to it that nobody else
 * does, and calls again when the stream has bytes or room.
 */
#ifndef PROXY_FRAMES_H
#define PROXY_FRAMES_H

#include <stdbool.h>

#include "proxy/wire.h"

#define FRAMES_BUFFER 4096u

struct frames;

struct frames_ops {
	/*
	 * Receive or send what is possible now, *lenp bytes at most and then
	 * what it was.  EAGAIN if nothing is; 0 bytes received: the end.
	 */
	int (*fo_recv)(struct frames *, void *buf, size_t *lenp);
	/* Is there more that the host will not tell of?  NULL: never. */
	bool (*fo_pending)(struct frames *);
	int (*fo_send)(struct frames *, const void *buf, size_t *lenp);

	/*
	 * A frame begins: where its part of the payload goes, as many bytes as
	 * it says, or NULL for nowhere.  EPROTO: there is no such frame.
	 */
	int (*fo_begin)(struct frames *, const struct sp_frame *, uint8_t **to);

	/* All of it has come, with its signal if its flags say so. */
	int (*fo_end)(
	    struct frames *, const struct sp_frame *, const struct sp_signal *);

	/*
	 * The next to send; false if there is none.  Payload and signal stay
	 * as they are until all has been sent.
	 */
	bool (*fo_next)(struct frames *, struct sp_frame *,
	    const uint8_t **from, const struct sp_signal **);
};

/* One direction: a frame, and how much of it has gone by. */
struct frames_way {
	struct sp_frame fw_frame;
	size_t fw_done;	      /* bytes of frame, payload and signal */
	size_t fw_total;      /* of these; 0: not known so far */
	size_t fw_at, fw_len; /* what is in fw_buffer */
	uint8_t fw_buffer[FRAMES_BUFFER];
};

struct frames {
	const struct frames_ops *fr_ops;
	struct frames_way fr_in, fr_out;
	uint8_t *fr_to;			/* of the frame that comes */
	struct sp_signal fr_signal;	/* the same */
	const uint8_t *fr_from;		/* of the one that goes */
	const struct sp_signal *fr_sig; /* the same, or NULL */
};

/* Nothing is under way, in either direction. */
void frames_reset(struct frames *);

/*
 * Take what has come, and little more than `most' bytes of it.  0, also when
 * nothing has; ECONNRESET at the end of the stream, and other errors, after
 * which there is nothing more to be had.
 */
int frames_in(struct frames *, size_t most);

/* Send what fo_next has.  0: all of it; EAGAIN: some is left; else as above. */
int frames_out(struct frames *);

/* The slot of a call or result that is just being sent, or -1. */
int frames_sending(const struct frames *);

#endif /* PROXY_FRAMES_H */
