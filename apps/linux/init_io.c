/* SPDX-License-Identifier: MIT */
/* Process 1's streams: standard input, output and error of the first program, or the console terminal, from and to
 * the monitor's rings. Runs under the family lock, and never sleeps. */
#include <base/string.h>
#include <rt/gate.h>
#include <family/family.h>
#include "init.h"

/* Of the terminal's bytes in a frame: the monitor takes frames whole, and text is much work for the screen. */
#define TEXT_MAX 512u

static int is_terminal(const struct init *in) { return CONFIG->mode <= INIT_TTY && !in->unpacks; }

static size_t input_room(struct init *in)
{
	if (is_terminal(in))
		return tty_input_room();
	return pipe_has_reader(in->in) ? pipe_room(in->in) : SAID_IN;
}

/* Bytes taken. A pipe that nobody will ever read swallows all, so that the host does not wait for room. */
static size_t input_give(struct init *in, const uint8_t *data, size_t n)
{
	if (is_terminal(in)) {
		tty_input(data, n);
		return n;
	}
	return pipe_has_reader(in->in) ? pipe_put(in->in, data, n) : n;
}

static void input_end(struct init *in)
{
	if (in->input_ended)
		return;
	in->input_ended = 1;
	if (is_terminal(in))
		tty_hangup();
	else
		pipe_close_writer(in->in);
}

static uint32_t least(uint32_t a, uint32_t b) { return a < b ? a : b; }

uint32_t init_ring_piece(const volatile uint8_t *ring, uint32_t size, uint32_t at, uint32_t put, const uint8_t **from)
{
	uint32_t n = put - at, offset = at & (size - 1);

	*from = (const uint8_t *)ring + offset;
	return n > size ? 0 : least(n, size - offset);
}

/* The archive's reader finds its end behind the last byte, whatever comes then. */
static void archive_count(struct init *in, uint32_t given)
{
	in->archive_left -= given;
	if (!in->archive_left)
		pipe_close_writer(in->in);
}

static void input_take(struct init *in)
{
	struct told_head *told = &F->told;
	const uint8_t *from;
	uint32_t n, given;

	/* What is typed and finds no room is lost, as anywhere; but it may be a ^C. */
	while ((n = init_ring_piece(SAID->keys, SAID_KEYS, told->keys_taken, SAID->keys_put, &from))) {
		tty_input(from, n);
		told->keys_taken += n;
	}
	while (in->command_pid && (n = init_ring_piece(IN_RING, SAID_IN, told->in_taken, SAID->in_put, &from))) {
		n = least(n, (uint32_t)input_room(in));
		if (in->unpacks)
			n = least(n, in->archive_left);
		given = n && !in->input_ended ? (uint32_t)input_give(in, from, n) : n;
		if (!given)
			break;
		told->in_taken += given;
		if (in->unpacks)
			archive_count(in, given);
	}
	if (SAID->input_ended && told->in_taken == SAID->in_put && in->command_pid && !in->unpacks)
		input_end(in);
	else if (SAID->input_ended && told->in_taken == SAID->in_put && in->archive_left)
		archive_count(in, in->archive_left); /* it ends early */
	if (SAID->resized != in->resized) {
		in->resized = SAID->resized;
		tty_set_size((int)SAID->rows, (int)SAID->columns);
	}
}

/* Bytes that a frame to the monitor may have now. */
static uint32_t frame_room(void)
{
	uint32_t used = F->told.out_put - SAID->out_taken;

	return used + FRAME_HEAD >= TOLD_OUT ? 0 : least(TOLD_OUT - FRAME_HEAD - used, FRAME_MAX);
}

/* Where the next frame's bytes are to lie, n of them at most, up to the ring's edge. */
static uint8_t *frame_begin(uint32_t *n)
{
	uint32_t offset = (F->told.out_put + FRAME_HEAD) & (TOLD_OUT - 1);

	*n = least(*n, TOLD_OUT - offset);
	return TOLD->out + offset;
}

static uint32_t ring_put(uint32_t at, const void *from, size_t n)
{
	uint32_t offset = at & (TOLD_OUT - 1), first = least((uint32_t)n, TOLD_OUT - offset);

	memcpy(TOLD->out + offset, from, first);
	memcpy(TOLD->out, (const uint8_t *)from + first, n - first);
	return at + (uint32_t)n;
}

/* The monitor may look at any time: a frame is there when it is whole, its bytes before its head. */
static void frame_put(char type, size_t n)
{
	const uint8_t head[FRAME_HEAD] = { (uint8_t)type, (uint8_t)n, (uint8_t)(n >> 8) };
	uint32_t at = ring_put(F->told.out_put, head, sizeof head);

	__atomic_store_n(&F->told.out_put, at + (uint32_t)n, __ATOMIC_RELEASE);
}

int init_io_stream(char type, struct pipe *p)
{
	for (;;) {
		uint32_t room = type == 'T' ? least(frame_room(), TEXT_MAX) : frame_room();
		uint8_t *to = frame_begin(&room);
		size_t n;

		if (!(p ? pipe_fill(p) : tty_output_fill()))
			return 0;
		if (!room)
			return 1;
		n = p ? pipe_take(p, to, room) : tty_take_output(to, room);
		if (!n)
			return 0;
		frame_put(type, n);
	}
}

int init_io_pump(struct init *in)
{
	int left;

	input_take(in);
	init_agent_pump(in);
	/* The host of a COMMAND does not see the terminal; the screen does. */
	left = init_io_stream('T', NULL);
	if (in->out)
		left |= init_io_stream('O', in->out) | init_io_stream('E', in->err);
	left |= init_agent_output(in);
	if (F->strace && pipe_fill(F->strace)) {
		left |= init_io_stream('C', F->strace);
		wake_up(F->strace);
	}
	F->told.wants_room = (uint32_t)left;
	return left;
}

/* The monitor takes what is in the ring as the outside takes it, and gives the CPU back, since this env has not
 * parked. Only at the end, so that what was noted before is not old. False: nothing is taken any more. */
static int monitor_run_on(void)
{
	struct init *in = INIT;
	uint64_t now = clock_ns();

	if (SAID->out_taken != in->leave.taken || !in->leave.since) {
		in->leave.taken = SAID->out_taken;
		in->leave.since = now;
	}
	in->leave.is_stuck |= now - in->leave.since >= LEAVE_NS;
	F->told.progress++;
	(void)gate_yield(0, 0);
	return !in->leave.is_stuck;
}

void init_io_drain(struct init *in)
{
	while (init_io_pump(in) && monitor_run_on())
		;
}

void init_io_frame(char type, const void *data, size_t n)
{
	while (frame_room() < n)
		if (!monitor_run_on())
			return;
	(void)ring_put(F->told.out_put + FRAME_HEAD, data, n);
	frame_put(type, n);
}
