/* SPDX-License-Identifier: MIT */
/* The monitor's bytes: from the ring that process 1 fills to the channel, screen and serial port, and from the host and
 * that port to the ring that it reads. Whatever a member can write is taken for what it may be: a frame is looked at
 * before it is believed, and a ring whose frames make no sense is emptied, with a line. */
#include <base/string.h>
#include "monitor.h"

#define LINGER_NS   100000u  /* bytes that come in a stream follow one another within this time */
#define LINGER_MAX  2000000u /* but programs want to run too */
#define LINGER_LOOK 3000u
#define ASKED_NS 1000000000u
#define CHANNEL_NAME "aril.channel"
/* What one turn moves, in bytes that are copied, so that it is short (test_budget.py); the screen's cost more. */
#define TURN_MAX  262144u
#define TEXT_COST 512u
#define FRAME_COST 256u
#define TYPES_OUT   "OETCLBDNUK" /* what members may say to the host */

void io_open(struct monitor *m)
{
	struct init_config *c = CONFIG_SAY;

	if (c->has_channel) {
		int error;

		m->dev.wants.port_name = CHANNEL_NAME;
		m->dev.wants.serial = SERIAL_COM2;
		error = drivers_open(&m->dev, DRIVER_vserial);
		if (error)
			rt_log("init: no virtio port `%s` (error %d): the channel goes over COM2", CHANNEL_NAME, -error);
		m->has_port = !error || !drivers_open(&m->dev, DRIVER_serial);
		if (m->has_port) {
			channel_open(&m->channel, error ? NULL : m->dev.vserial, m->dev.serial);
			return;
		}
		rt_log("init: no COM2 for the channel: the terminal is this machine's own");
		c->has_channel = 0;
		c->mode = INIT_CONSOLE;
	}
	if (!c->has_serial)
		return;
	m->dev.wants.serial = (struct serial_place){ rt_info->serial_base, rt_info->serial_step, rt_info->serial_divisor };
	m->has_port = !drivers_open(&m->dev, DRIVER_serial);
	if (!m->has_port)
		rt_log("init: no serial port");
}

void io_hello(struct monitor *m)
{
	if (CONFIG->has_channel)
		(void)channel_put(&m->channel, 'H', m->nonce, 16);
}

/* ---- in */

/* What process 1 has not taken yet; whatever it says, no more than the ring. */
static uint32_t waiting(uint32_t put, uint32_t taken, uint32_t size)
{
	return MIN_OF(put - taken, size);
}

static uint32_t in_room(const struct monitor *m)
{
	return SAID_IN - waiting(SAY->in_put, m->told.in_taken, SAID_IN);
}

/* How many found room. */
static size_t bytes_put(uint8_t *ring, uint32_t size, uint32_t *put, uint32_t taken, const void *from, size_t n)
{
	uint32_t at = *put, offset = at & (size - 1), first;

	n = MIN_OF(n, size - waiting(at, taken, size));
	first = MIN_OF((uint32_t)n, size - offset);
	memcpy(ring + offset, from, first);
	memcpy(ring, (const uint8_t *)from + first, n - first);
	__atomic_store_n(put, at + (uint32_t)n, __ATOMIC_RELEASE);
	return n;
}

size_t in_put(const void *from, size_t n, const struct monitor *m)
{
	return bytes_put(IN_RING, SAID_IN, &SAY->in_put, m->told.in_taken, from, n);
}

void keys_put(const void *from, size_t n, const struct monitor *m)
{
	(void)bytes_put(SAY->keys, SAID_KEYS, &SAY->keys_put, m->told.keys_taken, from, n);
}

/* True: there is news for process 1. */
static int frame_take(struct monitor *m, const struct channel_frame *f)
{
	switch (f->type) {
	case 'I':
		m->credit -= m->credit < f->size ? m->credit : f->size;
		/* The host keeps to its credit, so there is room. */
		return in_put(f->data, f->size, m) != 0;
	case 'K':
		if (!IS_BOX)
			return 0;
		m->agent_credit -= MIN_OF(m->agent_credit, f->size);
		if (!m->agent_ring && said_more((uint64_t)AGENT_RING, SAID_AGENT / PAGE) < 0) {
			rt_log("monitor: no memory for other commands in this box");
			(void)channel_put(&m->channel, 'K', "", 0);
			return 0;
		}
		m->agent_ring = 1;
		(void)bytes_put(AGENT_RING, SAID_AGENT, &SAY->agent_put, m->told.agent_taken, f->data, f->size);
		return 1;
	case 'Z':
		SAY->input_ended = 1;
		return 1;
	case 'S':
		if (f->size != 4)
			return 0;
		SAY->rows = (uint32_t)(f->data[0] | f->data[1] << 8);
		SAY->columns = (uint32_t)(f->data[2] | f->data[3] << 8);
		SAY->resized++;
		return 1;
	}
	return 0;
}

/* *credit: what it may still send; a grant smaller than `step` waits until the last one is used up. */
static void credit_grant(struct monitor *m, char type, uint32_t *credit, uint32_t room, uint32_t step)
{
	uint32_t grant = room - *credit;

	if (room <= *credit || (*credit && grant < step))
		return;
	if (channel_put(&m->channel, type, &grant, sizeof grant))
		*credit += grant;
}

static int channel_input(struct monitor *m)
{
	struct channel_frame frame;
	uint64_t begin = clock_ns(), last = 0, fill = m->channel.in_fill;
	uint32_t moved = 0;
	int news = 0;

	for (;;) {
		int got = channel_get(&m->channel, &frame);
		uint64_t now = clock_ns();

		if (got) {
			news |= frame_take(m, &frame);
			moved += frame.size;
		}
		if (moved >= TURN_MAX) {
			m->more = 1;
			break;
		}
		/* A 16-byte FIFO behind an interrupt each would be slow: stay while a stream flows. */
		if (got || fill != m->channel.in_fill)
			last = now;
		fill = m->channel.in_fill;
		if ((m->channel.port && !got) || now - last > LINGER_NS || now - begin > LINGER_MAX)
			break;
		if (!got)
			while (clock_ns() - now < LINGER_LOOK)
				;
	}
	if (!SAY->input_ended)
		credit_grant(m, 'W', &m->credit, in_room(m), SAID_IN / 4);
	if (IS_BOX)
		credit_grant(m, 'V', &m->agent_credit,
			SAID_AGENT - waiting(SAY->agent_put, m->told.agent_taken, SAID_AGENT), SAID_AGENT / 4);
	return news;
}

/* ---- out */

static int is_for_host(char type)
{
	return CONFIG->has_channel && (type != 'T' || CONFIG->mode <= INIT_TTY);
}

/* The terminal's bytes that wait for COM1 go first: true when none are left. */
static int parked_send(struct monitor *m)
{
	while (m->parked_done < m->parked_size) {
		size_t n = serial_send(m->dev.serial, m->parked + m->parked_done, m->parked_size - m->parked_done);

		if (!n)
			return 0;
		m->parked_done += (uint32_t)n;
	}
	return 1;
}

/* Room for one frame of that type. */
static int has_room(struct monitor *m, char type, size_t n)
{
	if (is_for_host(type))
		return channel_has_room(&m->channel, n) || (channel_flush(&m->channel), channel_has_room(&m->channel, n));
	return CONFIG->has_channel || !m->has_port || parked_send(m);
}

/* To screen, host and COM1, as it is meant for them; there is room. */
static void frame_send(struct monitor *m, char type, const uint8_t *data, size_t n)
{
	if (type == 'T')
		console_put(m, data, n);
	if (is_for_host(type))
		(void)channel_put(&m->channel, type, data, n);
	else if (type == 'T' && !CONFIG->has_channel && m->has_port) {
		memcpy(m->parked, data, n);
		m->parked_size = (uint32_t)n;
		m->parked_done = 0;
		(void)parked_send(m);
	}
}

/* n bytes of the ring from index `at` on, by way of a copy that may fail. */
static int ring_read(void *to, uint32_t at, uint32_t n)
{
	const uint8_t *out = TOLD->out;
	uint32_t offset = at & (TOLD_OUT - 1), first = MIN_OF(n, TOLD_OUT - offset);

	return user_copy(to, out + offset, first) || user_copy((uint8_t *)to + first, out, n - first);
}

static void ring_empty(struct monitor *m, const char *why)
{
	char who[32];

	member_name(m->told.ran, who, sizeof who);
	rt_log("family: the bytes on their way out %s and are lost; last had the CPU: %s", why, who);
	SAY->out_taken = m->told.out_put;
}

/* True when process 1 finds room that it had not. */
static int ring_output(struct monitor *m)
{
	uint32_t before = SAY->out_taken, moved = 0;

	while (m->told.out_put != SAY->out_taken) {
		uint32_t left = m->told.out_put - SAY->out_taken, n;
		uint8_t head[FRAME_HEAD];

		if (left > TOLD_OUT || left < FRAME_HEAD || ring_read(head, SAY->out_taken, FRAME_HEAD)) {
			ring_empty(m, "have no sensible end");
			break;
		}
		n = head[1] | (uint32_t)head[2] << 8;
		if (n > FRAME_MAX || n > left - FRAME_HEAD || !head[0] || !strchr(TYPES_OUT, head[0])) {
			ring_empty(m, "are no frames");
			break;
		}
		if (moved >= TURN_MAX) {
			m->more = 1;
			break;
		}
		if (!has_room(m, (char)head[0], n)) {
			m->soon = 1;
			break;
		}
		if (ring_read(m->buffer, SAY->out_taken + FRAME_HEAD, n))
			break;
		frame_send(m, (char)head[0], m->buffer, n);
		SAY->out_taken += FRAME_HEAD + n;
		moved += FRAME_COST + n * (head[0] == 'T' && m->dev.screen->on ? TEXT_COST : 1);
	}
	return before != SAY->out_taken && m->told.wants_room;
}

/* True: look again soon. */
static int silence_watch(struct monitor *m, uint64_t messages)
{
	int soon = channel_watch(&m->channel, messages, clock_ns());

	if (soon && !m->is_silent && m->channel.port->silent) {
		m->is_silent = 1;
		rt_log("monitor: no messages come from the channel's device: it is looked at every ms");
	}
	return soon;
}

int io_pump(struct monitor *m, uint64_t messages)
{
	int news = 0;
	size_t n;

	m->soon = m->more = 0;
	if (CONFIG->has_channel) {
		news = channel_input(m);
		m->soon = silence_watch(m, messages);
	} else
		while (m->has_port && (n = serial_receive(m->dev.serial, m->buffer, MIN_OF(in_room(m), 64u))))
			news |= in_put(m->buffer, n, m) != 0;
	news |= ring_output(m);
	if (CONFIG->has_channel)
		m->soon |= channel_flush(&m->channel);
	else
		m->soon |= m->has_port && !parked_send(m);
	return news;
}

/* ---- the end */

int io_leaves(struct monitor *m)
{
	uint32_t sent = channel_sent(&m->channel) + m->parked_done;
	uint64_t now = clock_ns();

	if (m->leave.is_stuck)
		return 0;
	if (sent != m->leave.sent || now - m->leave.asked > ASKED_NS)
		m->leave.since = now; /* also when nobody has asked for a while */
	m->leave.sent = sent;
	m->leave.asked = now;
	if (now - m->leave.since < LEAVE_NS)
		return 1;
	m->leave.is_stuck = 1;
	rt_log("monitor: nothing leaves any more: what waits for %s is given up",
		CONFIG->has_channel ? "the host" : "the serial port");
	return 0;
}

static int is_idle(struct monitor *m)
{
	return CONFIG->has_channel ? channel_idle(&m->channel) : serial_idle(m->dev.serial);
}

/* A box's maker may wait for room in the other ring before it takes from this one: what it says now is of no use. */
static void input_skip(struct monitor *m)
{
	struct channel_frame frame;

	while (m->channel.up && channel_get(&m->channel, &frame))
		;
}

void io_drain(struct monitor *m)
{
	while ((CONFIG->has_channel ? channel_flush(&m->channel) : m->has_port && !parked_send(m)) && io_leaves(m))
		input_skip(m);
	while (m->channel.port && !channel_idle(&m->channel) && io_leaves(m))
		channel_flush(&m->channel);
	console_drain(m);
	/* Power may go right after this: let the last bits leave, but do not hang on a port that is stuck. */
	for (uint64_t until = rt_now() + 100000000u; m->has_port && !is_idle(m) && rt_now() < until; )
		;
}

void io_frame(struct monitor *m, char type, const void *data, size_t n)
{
	if (!CONFIG->has_channel)
		return;
	while (!channel_put(&m->channel, type, data, n) && io_leaves(m)) {
		(void)channel_flush(&m->channel);
		input_skip(m);
	}
}

void io_terminal(struct monitor *m, const char *text, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const char *byte = text[i] == '\n' ? "\r\n" : text + i;

		while (!has_room(m, 'T', 2))
			if (!io_leaves(m))
				return;
		frame_send(m, 'T', (const uint8_t *)byte, text[i] == '\n' ? 2 : 1);
	}
}
