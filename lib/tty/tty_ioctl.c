/* SPDX-License-Identifier: MIT */
/* Terminal controls: modes, window size, job control, flushing. */
#include <asm/signal.h>
#include "tty.h"

/* Waits until the terminal has taken all output. */
static long output_drain(struct tty *t)
{
	while (t->out_head != t->out_tail)
		if (sleep_on(&t->out_tail, 0) == -EINTR)
			return -ERESTARTSYS;
	return 0;
}

static void output_flush(struct tty *t)
{
	t->out_tail = t->out_head;
	wake_up(&t->out_tail);
}

static long mode_set(struct tty *t, unsigned request, uint64_t arg)
{
	struct termios mode;
	unsigned old = t->mode.c_lflag;
	long error = tty_check(t, SIGTTOU);

	if (!error)
		error = user_read(&mode, arg, sizeof(mode));
	if (!error && request != TCSETS)
		error = output_drain(t);
	if (error)
		return error;
	if (request == TCSETSF)
		line_flush(t);
	t->mode = mode;
	line_mode_changed(t, old);
	if (t->stopped && !MODE_I(t, IXON)) {
		t->stopped = 0;
		wake_up(&t->out_head);
	}
	return 0;
}

static long flush(struct tty *t, int queue)
{
	long error = tty_check(t, SIGTTOU);

	if (error)
		return error;
	if (queue < TCIFLUSH || queue > TCIOFLUSH)
		return -EINVAL;
	if (queue != TCOFLUSH)
		line_flush(t);
	if (queue != TCIFLUSH)
		output_flush(t);
	return 0;
}

static long flow(struct tty *t, int action)
{
	long error = tty_check(t, SIGTTOU);

	if (error)
		return error;
	if (action == TCOOFF || action == TCOON) {
		t->stopped = action == TCOOFF;
		wake_up(&t->out_head);
		return 0;
	}
	if (action != TCIOFF && action != TCION)
		return -EINVAL;
	line_output(t, t->mode.c_cc[action == TCIOFF ? VSTOP : VSTART], 0);
	return 0;
}

static int window_set(struct tty *t, const struct window_size *size)
{
	if (!memcmp(&t->window, size, sizeof(*size)))
		return 0;
	t->window = *size;
	if (t->pgrp)
		(void)signal_group(t->pgrp, SIGWINCH);
	return 0;
}

void tty_set_size(int rows, int columns)
{
	struct tty *t = the_tty();
	struct window_size size = { (unsigned short)rows, (unsigned short)columns, 0, 0 };

	window_set(t, &size);
}

long tty_ioctl(struct file *f, unsigned request, uint64_t arg)
{
	struct tty *t = f->own;
	struct window_size size;
	int value = 0;
	long error;

	switch (request) {
	case TCGETS:
		return user_write(arg, &t->mode, sizeof(t->mode));
	case TCSETS:
	case TCSETSW:
	case TCSETSF:
		return mode_set(t, request, arg);
	case TIOCGWINSZ:
		return user_write(arg, &t->window, sizeof(t->window));
	case TIOCSWINSZ:
		error = user_read(&size, arg, sizeof(size));
		return error ? error : window_set(t, &size);
	case TIOCGPGRP:
		error = tty_get_group(t, &value);
		return error ? error : user_write(arg, &value, sizeof(value));
	case TIOCSPGRP:
		error = user_read(&value, arg, sizeof(value));
		return error ? error : tty_set_group(t, value);
	case TIOCGSID:
		if (!tty_is_ours(t))
			return -ENOTTY;
		return user_write(arg, &t->session, sizeof(t->session));
	case TIOCSCTTY:
		return tty_claim(t, arg == 1);
	case TIOCNOTTY:
		return tty_disown(t);
	case TCFLSH:
		return flush(t, (int)arg);
	case TCXONC:
		return flow(t, (int)arg);
	case TCSBRK:
	case TCSBRKP:
		error = tty_check(t, SIGTTOU);
		return error ? error : output_drain(t);
	case FIONREAD:
		value = (int)line_waiting(t);
		return user_write(arg, &value, sizeof(value));
	case TIOCOUTQ:
		value = (int)(t->out_head - t->out_tail);
		return user_write(arg, &value, sizeof(value));
	case TIOCGETD:
		return user_write(arg, &value, sizeof(value));
	case TIOCEXCL:
	case TIOCNXCL:
		return 0;
	}
	return -ENOTTY;
}
