/* SPDX-License-Identifier: MIT */
/* Terminal controls: modes, window size, job control, flushing. */
#include <asm/signal.h>
#include <asm/termios.h>
#include "tty.h"

/* Waits until the terminal has taken all output. What a pseudo-terminal's master has not read yet is out already. */
static long output_drain(struct tty *t)
{
	if (t->has_master)
		return 0;
	while (t->out_head != t->out_tail)
		if (sleep_on(&t->out_tail, 0) == -EINTR)
			return -ERESTARTSYS;
	return 0;
}

static void output_flush(struct tty *t)
{
	t->out_tail = t->out_head;
	tty_wake(t, &t->out_tail);
}

/* Is output stopped and begun by the usual characters? What TIOCPKT tells. */
static int has_usual_flow(const struct termios *m)
{
	return m->c_iflag & IXON && m->c_cc[VSTOP] == 19 && m->c_cc[VSTART] == 17;
}

static tcflag_t bits_kept(tcflag_t old, tcflag_t new, tcflag_t held) { return (new & ~held) | (old & held); }

/* What TIOCSLCKTRMIOS holds stays as it is, whoever sets a mode. */
static void mode_hold(const struct tty *t, struct termios *mode)
{
	const struct termios *old = &t->mode, *held = &t->held;

	mode->c_iflag = bits_kept(old->c_iflag, mode->c_iflag, held->c_iflag);
	mode->c_oflag = bits_kept(old->c_oflag, mode->c_oflag, held->c_oflag);
	mode->c_cflag = bits_kept(old->c_cflag, mode->c_cflag, held->c_cflag);
	mode->c_lflag = bits_kept(old->c_lflag, mode->c_lflag, held->c_lflag);
	if (held->c_line)
		mode->c_line = old->c_line;
	for (int i = 0; i < NCCS; i++)
		if (held->c_cc[i])
			mode->c_cc[i] = old->c_cc[i];
}

static void mode_take(struct tty *t, const struct termios *mode)
{
	const struct termios old = t->mode;

	t->mode = *mode;
	line_mode_changed(t, old.c_lflag);
	tty_wake(t, &t->head); /* fewer bytes may be enough now */
	if (t->stopped && !MODE_I(t, IXON)) {
		tty_stop(t, 0);
		tty_wake(t, &t->out_head);
	}
	if (has_usual_flow(&old) != has_usual_flow(mode))
		pty_tell(t, has_usual_flow(mode) ? TIOCPKT_DOSTOP : TIOCPKT_NOSTOP);
	if ((old.c_lflag | mode->c_lflag) & EXTPROC && memcmp(&old, mode, sizeof(old)))
		pty_tell(t, TIOCPKT_IOCTL);
}

/* Bits a second that a Bxxx means; BOTHER: as it was said. */
static uint32_t speed_of(unsigned code, uint32_t said)
{
	static const uint32_t slow[] = { 0, 50, 75, 110, 134, 150, 200, 300, 600, 1200, 1800, 2400, 4800, 9600, 19200, 38400 };
	static const uint32_t fast[] = { 57600, 115200, 230400, 460800, 500000, 576000, 921600, 1000000, 1152000, 1500000, 2000000, 2500000,
		3000000, 3500000, 4000000 };

	if (code == BOTHER)
		return said;
	return code & CBAUDEX ? fast[(code & 15) - 1] : slow[code & 15];
}

/* Reads what the call gives: of the old and the newer form the fields that they have. */
static long mode_read(const struct tty *t, unsigned request, uint64_t arg, struct termios *mode, uint32_t speed[2])
{
	struct termio old;
	struct termios2 wide;

	*mode = t->mode;
	switch (request) {
	case TCSETA: case TCSETAW: case TCSETAF:
		if (user_read(&old, arg, sizeof(old)))
			return -EFAULT;
		mode->c_iflag = (mode->c_iflag & 0xffff0000u) | old.c_iflag;
		mode->c_oflag = (mode->c_oflag & 0xffff0000u) | old.c_oflag;
		mode->c_cflag = (mode->c_cflag & 0xffff0000u) | old.c_cflag;
		mode->c_lflag = (mode->c_lflag & 0xffff0000u) | old.c_lflag;
		memcpy(mode->c_cc, old.c_cc, NCC);
		return 0;
	case TCSETS2: case TCSETSW2: case TCSETSF2:
		if (user_read(&wide, arg, sizeof(wide)))
			return -EFAULT;
		memcpy(mode, &wide, sizeof(*mode));
		speed[0] = wide.c_ispeed;
		speed[1] = wide.c_ospeed;
		return 0;
	}
	return user_read(mode, arg, sizeof(*mode));
}

static int mode_flushes(unsigned request) { return request == TCSETSF || request == TCSETSF2 || request == TCSETAF; }
static int mode_waits(unsigned request) { return request != TCSETS && request != TCSETS2 && request != TCSETA; }

static long mode_set(struct tty *t, unsigned request, uint64_t arg)
{
	struct termios mode;
	uint32_t speed[2] = { t->speed_in, t->speed_out };
	long error = tty_check(t, SIGTTOU);

	if (!error)
		error = mode_read(t, request, arg, &mode, speed);
	if (!error && mode_waits(request))
		error = output_drain(t);
	if (error)
		return error;
	if (mode_flushes(request))
		line_flush(t);
	mode_hold(t, &mode);
	mode_take(t, &mode);
	t->speed_out = speed_of(mode.c_cflag & CBAUD, speed[1]);
	t->speed_in = mode.c_cflag >> IBSHIFT & CBAUD ? speed_of(mode.c_cflag >> IBSHIFT & CBAUD, speed[0]) : t->speed_out;
	return 0;
}

static long mode_get(const struct tty *t, unsigned request, uint64_t arg)
{
	struct termio old = { 0 };
	struct termios2 wide = { 0 };

	switch (request) {
	case TCGETA:
		old.c_iflag = (unsigned short)t->mode.c_iflag;
		old.c_oflag = (unsigned short)t->mode.c_oflag;
		old.c_cflag = (unsigned short)t->mode.c_cflag;
		old.c_lflag = (unsigned short)t->mode.c_lflag;
		memcpy(old.c_cc, t->mode.c_cc, NCC);
		return user_write(arg, &old, sizeof(old));
	case TCGETS2:
		memcpy(&wide, &t->mode, sizeof(t->mode));
		wide.c_ispeed = t->speed_in;
		wide.c_ospeed = t->speed_out;
		return user_write(arg, &wide, sizeof(wide));
	}
	return user_write(arg, &t->mode, sizeof(t->mode));
}

static long flush(struct tty *t, int queue)
{
	long error = tty_check(t, SIGTTOU);

	if (error)
		return error;
	if (queue < TCIFLUSH || queue > TCIOFLUSH)
		return -EINVAL;
	if (queue != TCOFLUSH) {
		line_flush(t);
		pty_tell(t, TIOCPKT_FLUSHREAD);
	}
	if (queue != TCIFLUSH) {
		output_flush(t);
		pty_tell(t, TIOCPKT_FLUSHWRITE);
	}
	return 0;
}

static long flow(struct tty *t, int action)
{
	long error = tty_check(t, SIGTTOU);

	if (error)
		return error;
	if (action == TCOOFF || action == TCOON) {
		tty_stop(t, action == TCOOFF);
		tty_wake(t, &t->out_head);
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

long tty_exclusive(uint8_t *flag, unsigned request, uint64_t arg)
{
	int value = *flag;

	if (request == TIOCGEXCL)
		return user_write(arg, &value, sizeof(value));
	*flag = request == TIOCEXCL;
	return 0;
}

/* CLOCAL by a call of its own, which older programs use; what is held does not count for it. */
static long carrier_set(struct tty *t, uint64_t arg)
{
	struct termios mode = t->mode;
	int value;

	if (user_read(&value, arg, sizeof(value)))
		return -EFAULT;
	mode.c_cflag = bits_kept(mode.c_cflag, value ? CLOCAL : 0, ~(tcflag_t)CLOCAL);
	mode_take(t, &mode);
	return 0;
}

long tty_ioctl(struct file *f, unsigned request, uint64_t arg)
{
	struct tty *t = f->own;
	struct window_size size;
	int value = 0;
	long error;

	switch (request) {
	case TCGETS: case TCGETS2: case TCGETA:
		return mode_get(t, request, arg);
	case TCSETS: case TCSETSW: case TCSETSF:
	case TCSETS2: case TCSETSW2: case TCSETSF2:
	case TCSETA: case TCSETAW: case TCSETAF:
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
	case TIOCGLCKTRMIOS:
		return user_write(arg, &t->held, sizeof(t->held));
	case TIOCSLCKTRMIOS:
		return user_read(&t->held, arg, sizeof(t->held));
	case TIOCGSOFTCAR:
		value = !!(t->mode.c_cflag & CLOCAL);
		return user_write(arg, &value, sizeof(value));
	case TIOCSSOFTCAR:
		return carrier_set(t, arg);
	case TIOCEXCL: case TIOCNXCL: case TIOCGEXCL:
		return tty_exclusive(&t->exclusive[0], request, arg);
	}
	return -ENOTTY;
}
