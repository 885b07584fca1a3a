/* SPDX-License-Identifier: MIT */
/* An app's beginning and its words, wherever it was started: as the first env its lines go to the kernel's log; in a
 * box they are bytes of the box's stream, as frames of the channel, and its status is told at the end. */
#include <base/conf.h>
#include <base/string.h>
#include <rt/page.h>
#include <rt/ring.h>
#include <rt/rt.h>

#define INPUT_ROOM 4096u /* bytes that may be on their way */

static struct rt_box *box; /* NULL: there is none around it */

const struct rt_box *rt_box(void) { return box; }

const char *rt_settings(size_t *size)
{
	*size = box ? box->settings_size : rt_info->config_size;
	return box ? box->settings : (const char *)rt_info->config_va;
}

uint64_t rt_setting(const char *key, uint64_t otherwise)
{
	struct conf_line line = { 0 };
	uint64_t number = 0;
	size_t size;
	const char *at = rt_settings(&size), *end = at + size;

	while (conf_next(&at, end, &line) > 0) {
		if (!conf_is(&line, key))
			continue;
		for (size_t i = 0; i < line.value_size; i++) {
			if (line.value[i] < '0' || line.value[i] > '9' || number > UINT32_MAX)
				return 0;
			number = number * 10 + (uint64_t)(line.value[i] - '0');
		}
		return number;
	}
	return otherwise;
}

static void bytes_send(const void *from, size_t n)
{
	const uint8_t *at = from;

	while (n) {
		uint8_t *to;
		uint32_t piece = ring_to_put(box->up, box->down, &to, n);

		memcpy(to, at, piece);
		ring_was_put(box->up, piece);
		at += piece;
		n -= piece;
		(void)gate_notify(box->maker, box->bits);
		if (n && !piece)
			(void)gate_yield(box->maker, 0); /* nobody has read yet */
	}
}

static void frame_send(char type, const void *data, size_t n)
{
	uint8_t head[3] = { (uint8_t)type, (uint8_t)n, (uint8_t)(n >> 8) };

	bytes_send(head, sizeof head);
	bytes_send(data, n);
}

/* Only the env that was started has the rings. */
static int is_told_here(void) { return box && rt_self() == box->self; }

/* What comes for it: the frame that has begun, and how much may still be sent. */
static struct { uint8_t head[3]; uint32_t fill, left, credit; int has_ended; } input;

/* Up to n bytes of the ring, which may not lie together. */
static size_t bytes_take(void *to, size_t n)
{
	const uint8_t *from;
	size_t done = 0;
	uint32_t piece;

	while (done < n && (piece = ring_to_take(box->up, box->down, &from, n - done))) {
		memcpy((uint8_t *)to + done, from, piece);
		ring_took(box->up, piece);
		done += piece;
	}
	return done;
}

/* Of the next frames, until there is input or there are no more bytes: how much was taken. */
static size_t input_take(uint8_t *to, size_t n)
{
	uint8_t other[64];
	size_t got;

	for (;;) {
		got = bytes_take(input.head + input.fill, sizeof input.head - input.fill);
		input.fill += (uint32_t)got;
		if (input.fill < sizeof input.head)
			return 0;
		if (got)
			input.left = input.head[1] | (uint32_t)input.head[2] << 8;
		if (input.head[0] == 'I')
			got = bytes_take(to, MIN_OF(n, input.left));
		else
			got = bytes_take(other, MIN_OF(sizeof other, input.left));
		input.left -= (uint32_t)got;
		input.has_ended |= input.head[0] == 'Z';
		if (!input.left)
			input.fill = 0;
		if (got && input.head[0] == 'I')
			return got;
		if (input.left && !got)
			return 0;
	}
}

int64_t rt_input(void *to, size_t n, int waits)
{
	size_t got = 0;

	if (!is_told_here() || !n)
		return 0;
	(void)gate_env_set(0, EXO_SET_OPEN, box->bits, 0);
	while (!input.has_ended) {
		uint32_t grant = INPUT_ROOM - input.credit;

		if (grant >= INPUT_ROOM / 2) {
			frame_send('W', &grant, sizeof grant);
			input.credit = INPUT_ROOM;
		}
		(void)__atomic_fetch_and(&rt_page()->pending, ~EXO_PEND_NOTIFY, __ATOMIC_ACQ_REL);
		got = input_take(to, n);
		(void)gate_notify(box->maker, box->bits);
		if (got || input.has_ended)
			break;
		if (!waits)
			return -EXO_EAGAIN;
		(void)gate_wait(EXO_PEND_NOTIFY, 0);
	}
	input.credit -= (uint32_t)got;
	return (int64_t)got;
}

void rt_say(char *line, size_t n)
{
	if (!is_told_here()) {
		(void)gate_log(line, n);
		return;
	}
	line[n] = '\n';
	frame_send('O', line, n + 1);
}

void rt_end(int status)
{
	uint8_t last[20];

	if (!is_told_here())
		return;
	memcpy(last, box->nonce, 16);
	memcpy(last + 16, &status, 4);
	frame_send('X', last, sizeof last);
	(void)gate_yield(box->maker, 0);
}

void rt_begin(exo_name self, struct rt_box *in)
{
	box = in;
	app_main(self);
	rt_off(0);
}
