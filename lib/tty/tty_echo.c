/* SPDX-License-Identifier: MIT */
/* How written bytes and echo look on the terminal: output processing and the cursor's column. Byte for byte as Linux's N_TTY. */
#include "tty.h"

void tty_raw_out(struct tty *t, uint8_t c)
{
	t->out[t->out_head++ & (TTY_OUT - 1)] = c;
}

int line_output(struct tty *t, uint8_t c, uint32_t keep)
{
	uint32_t width;

	if (tty_room(t) < keep + 8)
		return 0;
	if (!MODE_O(t, OPOST)) {
		tty_raw_out(t, c);
		return 1;
	}
	switch (c) {
	case '\n':
		if (MODE_O(t, ONLRET))
			t->column = 0;
		if (MODE_O(t, ONLCR)) {
			t->column = t->canon_column = 0;
			tty_raw_out(t, '\r');
		} else {
			t->canon_column = t->column;
		}
		break;
	case '\r':
		if (MODE_O(t, ONOCR) && !t->column)
			return 1;
		if (MODE_O(t, OCRNL)) {
			c = '\n';
			if (MODE_O(t, ONLRET))
				t->column = t->canon_column = 0;
			break;
		}
		t->column = t->canon_column = 0;
		break;
	case '\t':
		width = 8 - (t->column & 7);
		t->column += width;
		if (MODE_O(t, TABDLY) == XTABS) {
			while (width--)
				tty_raw_out(t, ' ');
			return 1;
		}
		break;
	case '\b':
		if (t->column)
			t->column--;
		break;
	default:
		if (is_control(c))
			break;
		if (MODE_O(t, OLCUC) && is_lower(c) && c != 0xdf && c != 0xff)
			c -= 'a' - 'A';
		if (!is_inside_utf8(t, c))
			t->column++;
	}
	tty_raw_out(t, c);
	return 1;
}

/* Echo is lost rather than waited for: the terminal's side must never block. */
void echo_plain(struct tty *t, uint8_t c)
{
	/* Linux marks its echo commands with this byte, so the byte itself passes output processing by. */
	if (c == 0xff && tty_room(t) > 8) {
		tty_raw_out(t, c);
		t->column++;
		return;
	}
	(void)line_output(t, c, 0);
}

void echo_char(struct tty *t, uint8_t c)
{
	if (!MODE_L(t, ECHOCTL) || !is_control(c) || c == '\t') {
		echo_plain(t, c);
		return;
	}
	if (tty_room(t) < 8)
		return;
	tty_raw_out(t, '^');
	tty_raw_out(t, c ^ 0100);
	t->column += 2;
}

void echo_text(struct tty *t, const char *text)
{
	while (*text)
		echo_plain(t, (uint8_t)*text++);
}
