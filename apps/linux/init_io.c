/* SPDX-License-Identifier: MIT */
/* Init's streams: standard input, output and error of the first program, or the console terminal, over the channel or COM1.
 * Runs in the first env, under the family lock, and never sleeps. */
#include <base/string.h>
#include <rt/gate.h>
#include <family/family.h>
#include "init.h"

#define CREDIT_STEP 512 /* a grant smaller than this waits until the last one is used up */
#define LINGER_NS   100000u  /* bytes that come in a stream follow one another within this time */
#define LINGER_MAX  2000000u /* but programs want to run too */
#define LINGER_LOOK 3000u

static int is_terminal(const struct init *in) { return in->config.mode <= INIT_TTY; }

void init_io_open(struct init *in)
{
	struct init_config *c = &in->config;

	if (c->has_channel) {
		in->has_port = !channel_open(&in->channel, SERIAL_COM2);
		if (in->has_port) {
			(void)channel_put(&in->channel, 'H', c->nonce, 16);
			return;
		}
		posix_log("init: no COM2 for the channel: the terminal is this machine's own");
		c->has_channel = 0;
		c->mode = INIT_CONSOLE;
	}
	if (!c->has_serial)
		return;
	in->has_port = !serial_open(&in->channel.serial, SERIAL_COM1);
	if (!in->has_port)
		posix_log("init: no COM1");
}

static size_t input_room(struct init *in)
{
	if (is_terminal(in))
		return tty_input_room();
	return pipe_has_reader(in->in) ? pipe_room(in->in) : CHANNEL_QUEUE;
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

static void frame_take(struct init *in, const struct channel_frame *f)
{
	switch (f->type) {
	case 'I':
		in->credit -= in->credit < f->size ? in->credit : f->size;
		if (in->input_ended)
			break;
		size_t given = input_give(in, f->data, f->size);
		if (given < f->size) {
			in->parked_done = 0;
			in->parked_size = (uint32_t)(f->size - given);
			memcpy(in->parked, f->data + given, f->size - given);
		}
		break;
	case 'Z':
		input_end(in);
		break;
	case 'S':
		if (f->size == 4)
			tty_set_size(f->data[0] | f->data[1] << 8, f->data[2] | f->data[3] << 8);
		break;
	}
}

/* Input that had no room goes first. True when nothing of it is left. */
static int parked_give(struct init *in)
{
	while (in->parked_done < in->parked_size) {
		size_t given = input_give(in, in->parked + in->parked_done, in->parked_size - in->parked_done);
		if (!given)
			return 0;
		in->parked_done += given;
	}
	return 1;
}

static void credit_grant(struct init *in)
{
	size_t room = input_room(in);
	uint32_t grant = (uint32_t)(room - in->credit);

	if (in->input_ended || room <= in->credit || (in->credit && grant < CREDIT_STEP))
		return;
	if (channel_put(&in->channel, 'W', &grant, sizeof grant))
		in->credit += grant;
}

static void channel_input(struct init *in)
{
	struct channel_frame frame;
	uint64_t begin = clock_ns(), last = 0, fill = in->channel.in_fill;

	while (parked_give(in)) {
		int got = channel_get(&in->channel, &frame);
		uint64_t now = clock_ns();

		if (got)
			frame_take(in, &frame);
		/* A 16-byte FIFO behind an interrupt each would be slow: stay while a stream flows. */
		if (got || fill != in->channel.in_fill)
			last = now;
		fill = in->channel.in_fill;
		if (now - last > LINGER_NS || now - begin > LINGER_MAX)
			break;
		if (!got)
			while (clock_ns() - now < LINGER_LOOK)
				;
	}
	credit_grant(in);
}

/* True when bytes are left that the channel has no room for. */
static int stream_output(struct init *in, char type, struct pipe *p)
{
	for (;;) {
		size_t room = channel_room(&in->channel);
		if (!(p ? pipe_fill(p) : tty_output_fill()))
			return 0;
		if (room < INIT_BUFFER && channel_flush(&in->channel) && channel_room(&in->channel) < INIT_BUFFER)
			return 1;
		size_t n = p ? pipe_take(p, in->buffer, INIT_BUFFER) : tty_take_output(in->buffer, INIT_BUFFER);
		if (!p)
			init_console_put(in, in->buffer, n);
		(void)channel_put(&in->channel, type, in->buffer, n);
	}
}

static void channel_output(struct init *in)
{
	int left = 0;

	if (is_terminal(in))
		left = stream_output(in, 'T', NULL);
	else {
		left = stream_output(in, 'O', in->out);
		left |= stream_output(in, 'E', in->err);
		/* The host does not see the terminal: what was said there is in the kernel log too. */
		while (tty_output_fill())
			init_console_put(in, in->buffer, tty_take_output(in->buffer, INIT_BUFFER));
	}
	if (F->strace && pipe_fill(F->strace)) {
		left |= stream_output(in, 'C', F->strace);
		wake_up(F->strace);
	}
	in->blocked = channel_flush(&in->channel) | left;
}

/* The terminal's bytes to the screen at once and to COM1 as it takes them: the slower one sets the pace. */
static void console_pump(struct init *in)
{
	struct serial *port = &in->channel.serial;
	size_t n, room;

	while (in->has_port && (room = tty_input_room()) && (n = serial_receive(port, in->buffer, room < 64 ? room : 64)))
		tty_input(in->buffer, n);
	for (;;) {
		if (in->parked_done == in->parked_size) {
			in->parked_done = 0;
			in->parked_size = (uint32_t)tty_take_output(in->parked, sizeof in->parked);
			init_console_put(in, in->parked, in->parked_size);
		}
		if (!in->parked_size)
			break;
		n = !in->has_port ? in->parked_size : serial_send(port, in->parked + in->parked_done, in->parked_size - in->parked_done);
		in->parked_done += n;
		if (in->parked_done < in->parked_size)
			break;
	}
	in->blocked = in->parked_done < in->parked_size;
}

void init_io_pump(struct init *in)
{
	if (!in->config.has_channel) {
		console_pump(in);
		return;
	}
	if (!in->command_pid) {
		in->blocked = channel_flush(&in->channel);
		return;
	}
	channel_input(in);
	channel_output(in);
}

void init_io_drain(struct init *in)
{
	do
		init_io_pump(in);
	while (in->blocked);
	init_console_drain(in);
	/* Power may go right after this: let the last bits leave, but do not hang on a port that is stuck. */
	for (uint64_t until = rt_now() + 100000000u; in->has_port && !serial_idle(&in->channel.serial) && rt_now() < until; )
		;
}

void init_io_frame(struct init *in, char type, const void *data, size_t n)
{
	if (!in->config.has_channel)
		return;
	while (!channel_put(&in->channel, type, data, n))
		(void)channel_flush(&in->channel);
}
