/* SPDX-License-Identifier: MIT */
/* Line discipline of the terminal: what each received byte does: editing, echo, signals. Byte for byte as Linux's N_TTY. */
#include <asm/signal.h>
#include <fs/async.h>
#include "tty.h"

#define AT(i) ((i) & (TTY_IN - 1))

static int is_word(uint8_t c)
{
	return is_upper(c) || is_lower(c) || (c >= '0' && c <= '9') || c == '_';
}

/* A control character that is set: VMIN's place and 0 mean none. */
static int is_char(const struct tty *t, int which, uint8_t c)
{
	return c && t->mode.c_cc[which] == c;
}

static void mark_set(struct tty *t, uint32_t at, int on)
{
	uint8_t bit = (uint8_t)(1u << (at & 7));

	if (on)
		t->line_end[AT(at) >> 3] |= bit;
	else
		t->line_end[AT(at) >> 3] &= (uint8_t)~bit;
}

static int mark_get(const struct tty *t, uint32_t at)
{
	return t->line_end[AT(at) >> 3] >> (at & 7) & 1;
}

/* The last place is kept for a line's end, or a full line could never be finished. */
/* There is more to read, or it counts otherwise. */
static void input_tell(struct tty *t)
{
	tty_wake(t, &t->head);
	async_notify(t, POLL_IN);
}

static void queue(struct tty *t, uint8_t c, int ends_line)
{
	uint32_t limit = MODE_L(t, ICANON) && !ends_line ? TTY_IN - 1 : TTY_IN;

	if (t->head - t->tail >= limit)
		return;
	t->in[AT(t->head)] = c;
	mark_set(t, t->head, ends_line);
	t->head++;
	if (ends_line || !MODE_L(t, ICANON)) {
		t->canon = t->head;
		input_tell(t);
	}
}

/* A tab is taken back to where the text before it ended: counted from the last tab, or from the line's begin on the screen. */
static void erase_tab(struct tty *t)
{
	uint32_t width = 0, at = t->head;
	int after_tab = 0;

	while (at != t->canon) {
		uint8_t c = t->in[AT(--at)];

		if (c == '\t') {
			after_tab = 1;
			break;
		}
		if (is_control(c))
			width += MODE_L(t, ECHOCTL) ? 2 : 0;
		else if (!is_inside_utf8(t, c))
			width++;
	}
	if (!after_tab)
		width += t->canon_column;
	/* Past output processing: the cursor moves in every mode. */
	for (width = 8 - (width & 7); width && tty_room(t) > 8; width--) {
		tty_raw_out(t, '\b');
		t->column -= t->column != 0;
	}
}

static void erase(struct tty *t, uint8_t key)
{
	int kind = is_char(t, VERASE, key) ? VERASE : is_char(t, VWERASE, key) ? VWERASE : VKILL, words = 0;

	if (t->head == t->canon)
		return;
	if (kind == VKILL) {
		if (!MODE_L(t, ECHO)) {
			t->head = t->canon;
			return;
		}
		if (!MODE_L(t, ECHOK) || !MODE_L(t, ECHOKE) || !MODE_L(t, ECHOE)) {
			t->head = t->canon;
			echo_char(t, key);
			if (MODE_L(t, ECHOK))
				echo_plain(t, '\n');
			return;
		}
	}
	while (t->head != t->canon) {
		uint32_t at = t->head;
		uint8_t c;

		do {
			c = t->in[AT(--at)];
		} while (is_inside_utf8(t, c) && at != t->canon);
		if (is_inside_utf8(t, c))
			break;
		if (kind == VWERASE) {
			if (is_word(c))
				words = 1;
			else if (words)
				break;
		}
		t->head = at;
		if (MODE_L(t, ECHO)) {
			if (kind == VERASE && !MODE_L(t, ECHOE)) {
				echo_char(t, key);
			} else if (c == '\t') {
				erase_tab(t);
			} else {
				if (is_control(c) && MODE_L(t, ECHOCTL))
					echo_text(t, "\b \b");
				if (!is_control(c) || MODE_L(t, ECHOCTL))
					echo_text(t, "\b \b");
			}
		}
		if (kind == VERASE)
			break;
	}
}

void line_flush(struct tty *t)
{
	t->tail = t->canon = t->head;
	t->quoted = 0;
	memset(t->line_end, 0, sizeof(t->line_end));
	tty_wake(t, &t->tail);
}

static void signal_key(struct tty *t, int sig, uint8_t c)
{
	if (!MODE_L(t, NOFLSH)) {
		line_flush(t);
		t->out_tail = t->out_head;
		tty_wake(t, &t->out_tail);
		pty_tell(t, TIOCPKT_FLUSHREAD | TIOCPKT_FLUSHWRITE);
	}
	tty_stop(t, 0);
	if (MODE_L(t, ECHO))
		echo_char(t, c);
	if (t->pgrp)
		(void)signal_group(t->pgrp, sig);
}

/* A line feed is shown as one only where a carriage return was turned into it; typed or quoted it is a control character. */
static void plain_key(struct tty *t, uint8_t c, int was_return)
{
	if (MODE_L(t, ECHO)) {
		if (c == '\n' && was_return) {
			echo_plain(t, '\n');
		} else {
			if (t->canon == t->head)
				t->canon_column = t->column;
			echo_char(t, c);
		}
	}
	if (c == 0xff && MODE_I(t, PARMRK))
		queue(t, c, 0);
	queue(t, c, 0);
}

/* True when the byte was a command of canonical mode. */
static int canonical_key(struct tty *t, uint8_t c)
{
	int extended = MODE_L(t, IEXTEN) != 0;

	if (is_char(t, VERASE, c) || is_char(t, VKILL, c) || (is_char(t, VWERASE, c) && extended)) {
		erase(t, c);
	} else if (is_char(t, VREPRINT, c) && MODE_L(t, ECHO) && extended) {
		echo_char(t, c);
		echo_plain(t, '\n');
		for (uint32_t at = t->canon; at != t->head; at++)
			echo_char(t, t->in[AT(at)]);
	} else if (c == '\n') {
		if (MODE_L(t, ECHO | ECHONL))
			echo_plain(t, '\n');
		queue(t, c, 1);
	} else if (is_char(t, VEOF, c)) {
		queue(t, TTY_EOF, 1);
	} else if (is_char(t, VEOL, c) || (is_char(t, VEOL2, c) && extended)) {
		if (MODE_L(t, ECHO)) {
			if (t->canon == t->head)
				t->canon_column = t->column;
			echo_char(t, c);
		}
		queue(t, c, 1);
	} else {
		return 0;
	}
	return 1;
}

void line_receive(struct tty *t, uint8_t c)
{
	int was_return = 0;

	if (MODE_I(t, ISTRIP))
		c &= 0x7f;
	if (MODE_I(t, IUCLC) && MODE_L(t, IEXTEN) && is_upper(c))
		c += 'a' - 'A';
	if (t->quoted) {
		t->quoted = 0;
		plain_key(t, c, 0);
		return;
	}
	if (MODE_I(t, IXON)) {
		if (is_char(t, VSTART, c) || is_char(t, VSTOP, c)) {
			tty_stop(t, !is_char(t, VSTART, c));
			tty_wake(t, &t->out_tail);
			return;
		}
		if (t->stopped && MODE_I(t, IXANY)) {
			tty_stop(t, 0);
			tty_wake(t, &t->out_tail);
		}
	}
	if (MODE_L(t, ISIG)) {
		int sig = is_char(t, VINTR, c) ? SIGINT : is_char(t, VQUIT, c) ? SIGQUIT : is_char(t, VSUSP, c) ? SIGTSTP : 0;

		if (sig) {
			signal_key(t, sig, c);
			return;
		}
	}
	if (c == '\r') {
		if (MODE_I(t, IGNCR))
			return;
		if (MODE_I(t, ICRNL)) {
			c = '\n';
			was_return = 1;
		}
	} else if (c == '\n' && MODE_I(t, INLCR)) {
		c = '\r';
	}
	if (is_char(t, VLNEXT, c) && MODE_L(t, IEXTEN) && MODE_L(t, ICANON)) {
		t->quoted = 1;
		if (MODE_L(t, ECHO) && MODE_L(t, ECHOCTL))
			echo_text(t, "^\b");
		return;
	}
	if (MODE_L(t, ICANON) && canonical_key(t, c))
		return;
	plain_key(t, c, was_return);
}

/* Text typed under one mode is not lost under the other: entering canonical mode makes one line of it. */
void line_mode_changed(struct tty *t, unsigned old_lflag)
{
	if (!((old_lflag ^ t->mode.c_lflag) & ICANON))
		return;
	memset(t->line_end, 0, sizeof(t->line_end));
	t->quoted = 0;
	if (MODE_L(t, ICANON) && t->head != t->tail)
		mark_set(t, t->head - 1, 1);
	t->canon = t->head;
	input_tell(t);
}

int line_ready(struct tty *t, unsigned want)
{
	if (MODE_L(t, ICANON))
		return t->canon != t->tail || (t->ended && t->head != t->tail);
	return t->head - t->tail >= want;
}

/* Bytes that reads could get now: an EOF is none. */
unsigned line_waiting(const struct tty *t)
{
	uint32_t end = MODE_L(t, ICANON) ? t->canon : t->head;
	unsigned n = 0;

	for (uint32_t at = t->tail; at != end; at++)
		n += !(MODE_L(t, ICANON) && mark_get(t, at) && t->in[AT(at)] == TTY_EOF);
	return n;
}

size_t line_take(struct tty *t, uint8_t *to, size_t max)
{
	uint32_t end = t->head;
	size_t n = 0;
	int canonical = MODE_L(t, ICANON) != 0;

	if (canonical && t->canon != t->tail)
		end = t->canon;
	while (n < max && t->tail != end) {
		uint8_t c = t->in[AT(t->tail)];
		int ends = mark_get(t, t->tail);

		mark_set(t, t->tail, 0);
		t->tail++;
		if (canonical && ends && c == TTY_EOF)
			return n;
		to[n++] = c;
		if (canonical && ends)
			return n;
	}
	/* An EOF right behind a full buffer belongs to these bytes, it is no end of its own. */
	if (canonical && n && t->tail != end && mark_get(t, t->tail) && t->in[AT(t->tail)] == TTY_EOF) {
		mark_set(t, t->tail, 0);
		t->tail++;
	}
	if ((int32_t)(t->canon - t->tail) < 0)
		t->canon = t->tail;
	return n;
}
