/* SPDX-License-Identifier: MIT */
/* While a box runs: its streams, and how it ended. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include "box.h"

static void frame_take(void *to, char type, const uint8_t *data, size_t n)
{
	struct box *b = to;
	uint32_t grant;
	int32_t status;

	switch (type) {
	case 'O':
	case 'T':
		output_write(1, data, n);
		break;
	case 'E':
		output_write(2, data, n);
		break;
	case 'L':
		terminal_restore();
		fprintf(stderr, "box: %.*s\n", (int)n, (const char *)data);
		break;
	case 'W':
		if (n == 4) {
			memcpy(&grant, data, 4);
			b->credit += grant;
		}
		break;
	case 'V':
		if (n == 4) {
			memcpy(&grant, data, 4);
			b->execs.credit += grant;
		}
		break;
	case 'K':
		execs_take(&b->execs, data, n);
		break;
	case 'X':
		if (n == 20 && !memcmp(data, b->nonce, 16)) {
			memcpy(&status, data + 16, 4);
			b->status = status & 255;
			b->is_over = 1;
		}
		break;
	}
}

/* False: it has ended. */
static int output_take(struct box *b)
{
	ssize_t n = read(b->fd, b->in + b->in_fill, sizeof b->in - b->in_fill);

	if (n <= 0)
		return n < 0 && errno == EINTR;
	b->in_fill += (size_t)n;
	frames_take(b->in, &b->in_fill, PAYLOAD, b->name, frame_take, b);
	return 1;
}

/* -1: nothing can be sent. */
static int input_of(const struct box *b)
{
	if (!b->credit || b->input_ended || (b->archive < 0 && is_in_background()))
		return -1;
	return b->archive < 0 ? 0 : b->archive;
}

static void input_give(struct box *b)
{
	uint8_t data[PAYLOAD];
	size_t most = b->credit < PAYLOAD ? b->credit : PAYLOAD;
	ssize_t n = read(input_of(b), data, most);

	if (n < 0 && errno == EINTR)
		return;
	if (n < 0 && b->archive >= 0)
		fail("its archive cannot be read: %s", strerror(errno));
	if (n <= 0 && b->archive >= 0) {
		(void)close(b->archive);
		b->archive = -1;
		return;
	}
	if (n <= 0) {
		b->input_ended = 1;
		frame_write(b->fd, 'Z', "", 0);
		return;
	}
	b->credit -= (uint32_t)n;
	frame_write(b->fd, 'I', data, (size_t)n);
}

static void size_send(const struct box *b)
{
	uint8_t word[4];

	if (terminal_size(word))
		frame_write(b->fd, 'S', word, sizeof word);
}

static void on_end(int sig)
{
	terminal_restore();
	(void)signal(sig, SIG_DFL);
	(void)raise(sig); /* the last close of the file ends the box */
}

int box_run(struct box *b, char **argv)
{
	struct box_tells tells;

	signals_set(b->is_terminal, on_end);
	if (b->is_terminal)
		terminal_take();
	app_send(b);
	settings_send(b, argv);
	go_send(b);
	for (;;) {
		struct pollfd p[3 + EXEC_POLLS] = { { b->fd, POLLIN, 0 }, { signal_pipe[0], POLLIN, 0 },
			{ input_of(b), POLLIN, 0 } };
		size_t execs = execs_poll(&b->execs, p + 3);

		if (poll(p, 3 + execs, is_in_background() ? FRONT_LOOK_MS : -1) < 0) {
			if (errno == EINTR)
				continue;
			fail("poll: %s", strerror(errno));
		}
		if (p[1].revents && terminal_has_changed())
			size_send(b);
		if (p[0].revents && !output_take(b))
			break;
		if (p[2].revents)
			input_give(b);
		execs_serve(b, p + 3, execs);
	}
	terminal_restore();
	if (b->is_over)
		return b->status;
	(void)ioctl(b->fd, BOX_TELL, &tells);
	fail("%s has ended before its command: %s", b->name, tells.why);
}

