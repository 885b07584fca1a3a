/* SPDX-License-Identifier: MIT */
/* A terminal's other side, which init serves for the console and the master for a pseudo-terminal: bytes in from the keyboard, bytes out to the screen. */
#include <fs/async.h>
#include "tty.h"

/* As Linux sets a new terminal up: stty sane at 38400. */
static const struct termios sane = {
	.c_iflag = ICRNL | IXON | IUTF8,
	.c_oflag = OPOST | ONLCR,
	.c_cflag = B38400 | CS8 | CREAD | HUPCL,
	.c_lflag = ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN,
	.c_cc = {
		[VINTR] = 3, [VQUIT] = 28, [VERASE] = 127, [VKILL] = 21, [VEOF] = 4, [VMIN] = 1, [VSTART] = 17, [VSTOP] = 19, [VSUSP] = 26,
		[VREPRINT] = 18, [VDISCARD] = 15, [VWERASE] = 23, [VLNEXT] = 22,
	},
};

struct tty *tty_new(int number)
{
	struct tty *t = fam_pages(TTY_PAGES);

	if (!t)
		return NULL;
	t->mode = sane;
	t->speed_in = t->speed_out = 38400;
	t->number = number;
	return t;
}

int tty_init(struct fs_family *family)
{
	family->tty = tty_new(NO_PTS);
	if (!family->tty)
		return -ENOMEM;
	family->tty->window = (struct window_size){ 24, 80, 0, 0 };
	return 0;
}

void tty_keys(struct tty *t, const void *bytes, size_t n)
{
	const uint8_t *p = bytes;
	uint32_t before = t->out_head;

	while (n--)
		line_receive(t, *p++);
	if (t->out_head != before)
		tty_wake(t, &t->out_head);
}

size_t tty_output_take(struct tty *t, void *to, size_t max)
{
	uint8_t *p = to;
	size_t n = 0;

	if (t->stopped)
		return 0;
	while (n < max && t->out_tail != t->out_head)
		p[n++] = t->out[t->out_tail++ & (TTY_OUT - 1)];
	if (n) {
		tty_wake(t, &t->out_tail);
		async_notify(t, POLL_OUT);
	}
	return n;
}

size_t tty_output_waits(const struct tty *t)
{
	return t->stopped ? 0 : t->out_head - t->out_tail;
}

void tty_end(struct tty *t)
{
	t->ended = 1;
	tty_wake(t, &t->head);
	async_notify(t, POLL_HUP);
}

/* With no whole line to read, one byte is always let in: it may be the line's end, or an erase. */
size_t tty_keys_room(const struct tty *t)
{
	size_t room = TTY_IN - (t->head - t->tail);

	room = room > 8 ? room - 8 : 0;
	if (!room && MODE_L(t, ICANON) && t->canon == t->tail)
		return 1;
	return room;
}

/* The console, for init. */
void tty_input(const void *bytes, size_t n) { tty_keys(the_tty(), bytes, n); }
size_t tty_take_output(void *to, size_t max) { return tty_output_take(the_tty(), to, max); }
size_t tty_output_fill(void) { return tty_output_waits(the_tty()); }
void tty_hangup(void) { tty_end(the_tty()); }
void tty_reset(int lines)
{
	struct tty *t = the_tty();

	line_flush(t);
	t->mode = sane;
	if (!lines)
		t->mode.c_lflag &= ~(tcflag_t)(ICANON | ECHO | ISIG | IEXTEN);
	t->stopped = 0;
}

size_t tty_input_room(void) { return tty_keys_room(the_tty()); }

/* When the terminal's buffer is full, the oldest output gives way: a crash line must be seen. */
void console_message(const char *text, size_t n)
{
	struct tty *t = the_tty();

	if (!t)
		return;
	for (size_t i = 0; i < n; i++) {
		if (tty_room(t) < 2)
			t->out_tail += 2;
		if (text[i] == '\n')
			t->out[t->out_head++ & (TTY_OUT - 1)] = '\r';
		t->out[t->out_head++ & (TTY_OUT - 1)] = (uint8_t)text[i];
	}
	tty_wake(t, &t->out_head);
}
