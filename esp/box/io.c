/* SPDX-License-Identifier: MIT */
/* Bytes, frames, this terminal and its signals. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>
#include "box.h"

static struct termios terminal_before;
static int terminal_is_raw;
static volatile int is_resized;
int signal_pipe[2];

void terminal_restore(void)
{
	if (terminal_is_raw)
		(void)tcsetattr(0, TCSADRAIN, &terminal_before);
	terminal_is_raw = 0;
}

void fail(const char *format, ...)
{
	va_list list;

	terminal_restore();
	fputs("box: ", stderr);
	va_start(list, format);
	vfprintf(stderr, format, list);
	va_end(list);
	fputc('\n', stderr);
	exit(STATUS_OWN);
}

int all_write(int fd, const void *from, size_t n)
{
	const char *at = from;

	while (n) {
		ssize_t done = write(fd, at, n);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return 0;
		at += done;
		n -= (size_t)done;
	}
	return 1;
}

void output_write(int fd, const void *from, size_t n)
{
	if (all_write(fd, from, n))
		return;
	if (errno != EPIPE)
		fail("standard %s: %s", fd == 1 ? "output" : "error", strerror(errno));
	terminal_restore();
	(void)signal(SIGPIPE, SIG_DFL);
	(void)raise(SIGPIPE);
}

void frame_write(int fd, char type, const void *data, size_t n)
{
	uint8_t out[FRAME_HEAD + PAYLOAD] = { (uint8_t)type, (uint8_t)n, (uint8_t)(n >> 8) };

	memcpy(out + FRAME_HEAD, data, n);
	(void)all_write(fd, out, FRAME_HEAD + n); /* its reader is gone: what is read from there says why */
}

void frames_take(uint8_t *in, size_t *fill, size_t most, const char *name,
	void (*take)(void *to, char type, const uint8_t *data, size_t n), void *to)
{
	size_t at = 0;

	while (*fill - at >= FRAME_HEAD) {
		size_t size = in[at + 1] | (size_t)in[at + 2] << 8;

		if (size > most)
			fail("%s says what is no frame", name);
		if (*fill - at < FRAME_HEAD + size)
			break;
		take(to, (char)in[at], in + at + FRAME_HEAD, size);
		at += FRAME_HEAD + size;
	}
	memmove(in, in + at, *fill - at);
	*fill -= at;
}

void terminal_take(void)
{
	struct termios raw;

	if (tcgetattr(0, &terminal_before) < 0)
		fail("--terminal: standard input is no terminal");
	raw = terminal_before;
	cfmakeraw(&raw);
	(void)tcsetattr(0, TCSADRAIN, &raw);
	terminal_is_raw = 1;
}

static void on_resize(int sig)
{
	(void)sig;
	is_resized = 1;
	(void)!write(signal_pipe[1], "", 1);
}

void signals_set(int is_terminal, void (*end)(int sig))
{
	if (pipe2(signal_pipe, O_CLOEXEC | O_NONBLOCK) < 0)
		fail("no pipe: %s", strerror(errno));
	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGTERM, end);
	(void)signal(SIGHUP, end);
	(void)signal(SIGINT, end);
	if (is_terminal)
		(void)signal(SIGWINCH, on_resize);
}

int is_in_background(void)
{
	pid_t front = tcgetpgrp(0);

	return front > 0 && front != getpgrp();
}

int terminal_has_changed(void)
{
	char rest[16];
	int was = is_resized;

	is_resized = 0;
	(void)!read(signal_pipe[0], rest, sizeof rest);
	return was;
}

int terminal_size(uint8_t word[4])
{
	struct winsize size;

	if (ioctl(0, TIOCGWINSZ, &size) < 0)
		return 0;
	word[0] = (uint8_t)size.ws_row;
	word[1] = (uint8_t)(size.ws_row >> 8);
	word[2] = (uint8_t)size.ws_col;
	word[3] = (uint8_t)(size.ws_col >> 8);
	return 1;
}
