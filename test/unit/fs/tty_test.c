/* SPDX-License-Identifier: MIT */
/* The terminal: editing and echo byte for byte as Linux's line discipline gives them, raw reads, job control. */
#include <asm/termbits.h>
#include <asm/ioctls.h>
#include <asm/poll.h>
#include "calls.h"

static char buffer[20000];

static void type(const char *text)
{
	tty_input(text, strlen(text));
}

static const char *screen(void)
{
	static char text[40000];

	text[tty_take_output(text, sizeof text - 1)] = 0;
	return text;
}

static const char *line(void)
{
	static char text[5000];
	long n = SYS(read, 0, text, sizeof text - 1);

	CHECK(n >= 0);
	text[n] = 0;
	return text;
}

static void terminal_start(void)
{
	int group;

	shim_start();
	CHECK_EQ(files_open_tty(current_files()), 0);
	CHECK_EQ(SYS(ioctl, 0, TIOCGPGRP, &group), 0);
	CHECK_EQ(group, 100);
}

static void mode_change(unsigned clear, unsigned set)
{
	struct termios mode;

	CHECK_EQ(SYS(ioctl, 0, TCGETS, &mode), 0);
	mode.c_lflag = (mode.c_lflag & ~clear) | set;
	CHECK_EQ(SYS(ioctl, 0, TCSETS, &mode), 0);
}

TEST(tty_lines)
{
	terminal_start();
	CHECK_EQ(SYS(read, 0, buffer, 10), -ERESTARTSYS);
	type("ls\r");
	CHECK_STR(screen(), "ls\r\n");
	CHECK_STR(line(), "ls\n");
	type("two\nlines\n");
	CHECK_STR(line(), "two\n");
	CHECK_STR(line(), "lines\n");
	type("abc\n");
	CHECK_EQ(SYS(read, 0, buffer, 2), 2);
	CHECK_STR(line(), "c\n");
	type("part\004");
	CHECK_STR(line(), "part");
	type("\004");
	CHECK_STR(line(), "");
	type("ab\004");
	CHECK_EQ(SYS(read, 0, buffer, 2), 2);
	CHECK_EQ(SYS(read, 0, buffer, 2), -ERESTARTSYS);
	screen();
	CHECK_EQ(SYS(write, 1, "a\nb", 3), 3);
	CHECK_STR(screen(), "a\r\nb");
}

TEST(tty_editing)
{
	terminal_start();
	type("abd\177c\n");
	CHECK_STR(screen(), "abd\b \bc\r\n");
	CHECK_STR(line(), "abc\n");
	type("\177x\025\n");
	CHECK_STR(screen(), "x\b \b\r\n");
	CHECK_STR(line(), "\n");
	type("one two  \027\n");
	CHECK_STR(screen(), "one two  \b \b\b \b\b \b\b \b\b \b\r\n");
	CHECK_STR(line(), "one \n");
	type("a\001\177\n");
	CHECK_STR(screen(), "a^A\b \b\b \b\r\n");
	CHECK_STR(line(), "a\n");
	type("\026\003z\n");
	CHECK_STR(screen(), "^\b^Cz\r\n");
	CHECK_STR(line(), "\003z\n");
	type("ab\t\177c\n");
	CHECK_STR(screen(), "ab\t\b\b\b\b\b\bc\r\n");
	CHECK_STR(line(), "abc\n");
	SYS(write, 1, "$ ", 2);
	type("\t\177\n");
	CHECK_STR(screen(), "$ \t\b\b\b\b\b\b\r\n");
	line();
	type("xy\022\n");
	CHECK_STR(screen(), "xy^R\r\nxy\r\n");
	line();
	type("\303\244\177\n"); /* one character of two bytes */
	CHECK_STR(screen(), "\303\244\b \b\r\n");
	CHECK_STR(line(), "\n");
	mode_change(ECHOE, 0);
	type("ab\177\025c\n");
	CHECK_STR(screen(), "ab^?^U\r\nc\r\n");
	CHECK_STR(line(), "c\n");
	mode_change(ECHO, ECHONL | ECHOE);
	type("hidden\n");
	CHECK_STR(screen(), "\r\n");
	CHECK_STR(line(), "hidden\n");
}

TEST(tty_signals)
{
	terminal_start();
	type("abc\003");
	CHECK_EQ(shim_signals[2], 1);
	CHECK_EQ(shim_group_of[2], 100);
	CHECK_STR(screen(), "^C");
	CHECK_EQ(SYS(read, 0, buffer, 10), -ERESTARTSYS);
	type("\032\034");
	CHECK_EQ(shim_signals[20], 1);
	CHECK_EQ(shim_signals[3], 1);
	CHECK_STR(screen(), "^\\"); /* the second flushes the first's echo */
	mode_change(ISIG, 0);
	type("\003\n");
	CHECK_EQ(shim_signals[2], 1);
	CHECK_STR(line(), "\003\n");
	type("\023");
	SYS(write, 1, "x", 1);
	CHECK_EQ(tty_output_fill(), 0);
	type("\021");
	CHECK_STR(screen(), "^C\r\nx");
	tty_set_size(50, 132);
	CHECK_EQ(shim_signals[28], 1);
	tty_set_size(50, 132);
	CHECK_EQ(shim_signals[28], 1);
	unsigned short size[4];
	CHECK_EQ(SYS(ioctl, 1, TIOCGWINSZ, size), 0);
	CHECK_EQ(size[1], 132);
}

TEST(tty_raw)
{
	struct termios mode;

	terminal_start();
	type("left over");
	screen();
	CHECK_EQ(SYS(ioctl, 0, TCGETS, &mode), 0);
	mode.c_iflag = 0;
	mode.c_oflag = 0;
	mode.c_lflag = 0;
	CHECK_EQ(SYS(ioctl, 0, TCSETSW, &mode), 0);
	CHECK_STR(line(), "left over");
	type("\003\r\n\004\177");
	CHECK_STR(line(), "\003\r\n\004\177");
	CHECK_STR(screen(), "");
	SYS(write, 1, "a\n", 2);
	CHECK_STR(screen(), "a\n");
	mode.c_cc[VMIN] = 0;
	CHECK_EQ(SYS(ioctl, 0, TCSETS, &mode), 0);
	CHECK_EQ(SYS(read, 0, buffer, 10), 0);
	mode.c_cc[VTIME] = 3;
	CHECK_EQ(SYS(ioctl, 0, TCSETS, &mode), 0);
	uint64_t before = shim_clock;
	CHECK_EQ(SYS(read, 0, buffer, 10), 0);
	CHECK(shim_clock - before >= 300000000);
	mode.c_cc[VMIN] = 5;
	CHECK_EQ(SYS(ioctl, 0, TCSETS, &mode), 0);
	type("ab");
	CHECK_STR(line(), "ab"); /* time between bytes ran out */
	mode.c_cc[VTIME] = 0;
	CHECK_EQ(SYS(ioctl, 0, TCSETS, &mode), 0);
	struct pollfd p = { 0, POLLIN, 0 };
	type("abc");
	CHECK_EQ(SYS(poll, &p, 1, 0), 0);
	type("de");
	CHECK_EQ(SYS(poll, &p, 1, 0), 1);
	CHECK_STR(line(), "abcde");
	CHECK_EQ(SYS(fcntl, 0, F_SETFL, O_NONBLOCK), 0);
	CHECK_EQ(SYS(read, 0, buffer, 10), -EAGAIN);
	type("queued");
	CHECK_EQ(SYS(ioctl, 0, TCSETSF, &mode), 0);
	CHECK_EQ(SYS(read, 0, buffer, 10), -EAGAIN);
	type("was raw");
	mode.c_lflag = ICANON;
	CHECK_EQ(SYS(ioctl, 0, TCSETS, &mode), 0);
	CHECK_STR(line(), "was raw");
}

TEST(tty_limits)
{
	terminal_start();
	for (int i = 0; i < 6000; i++)
		type("x");
	screen();
	CHECK_EQ(tty_input_room(), 1);
	type("\n");
	CHECK_EQ(strlen(line()), 4096);
	CHECK(tty_input_room() > 4000);
	screen();
	memset(buffer, 'o', sizeof buffer);
	CHECK_EQ(SYS(write, 1, buffer, 20000), 20000);
	CHECK_EQ(SYS(write, 1, buffer, 20000), 11737); /* then a signal ended the wait for room */
	CHECK_EQ(tty_output_fill(), 31737);
	console_message("crash\n", 6);
	CHECK(strstr(screen(), "crash\r\n") != NULL);
	type("end");
	tty_hangup();
	CHECK_STR(line(), "end");
	CHECK_STR(line(), "");
	CHECK_STR(line(), "");
}

TEST(tty_job_control)
{
	int child, group, fd;

	terminal_start();
	child = shim_fork();
	shim_task[child].pgrp = 101;
	CHECK_EQ(SYS(open, "/dev/tty", O_RDWR, 0), 3);
	group = 101;
	CHECK_EQ(SYS(ioctl, 3, TIOCSPGRP, &group), 0);
	CHECK_EQ(SYS(read, 0, buffer, 10), -ERESTARTSYS);
	CHECK_EQ(shim_signals[21], 1);
	CHECK_EQ(shim_group_of[21], 100);
	CHECK_EQ(SYS(write, 1, "x", 1), 1);
	CHECK_EQ(shim_signals[22], 0);
	struct termios mode;
	CHECK_EQ(SYS(ioctl, 0, TCGETS, &mode), 0);
	CHECK_EQ(SYS(ioctl, 0, TCSETS, &mode), -ERESTARTSYS);
	CHECK_EQ(shim_signals[22], 1);
	shim_blocked = 1;
	CHECK_EQ(SYS(read, 0, buffer, 10), -EIO);
	mode_change(0, TOSTOP);
	CHECK_EQ(SYS(write, 1, "x", 1), 1);
	shim_blocked = 0;
	CHECK_EQ(SYS(write, 1, "x", 1), -ERESTARTSYS);
	CHECK_EQ(shim_signals[22], 2);
	group = 77;
	shim_current = child;
	CHECK_EQ(SYS(ioctl, 0, TIOCSPGRP, &group), -ESRCH);
	group = -1;
	CHECK_EQ(SYS(ioctl, 0, TIOCSPGRP, &group), -EINVAL);
	shim_task[child].session = shim_task[child].pgrp = 101;
	CHECK_EQ(SYS(ioctl, 0, TIOCGPGRP, &group), -ENOTTY);
	CHECK_EQ(SYS(open, "/dev/tty", O_RDWR, 0), -ENXIO);
	CHECK_EQ(SYS(ioctl, 0, TIOCSCTTY, 0), -EPERM);
	shim_task[0].pid = 0; /* the session is gone */
	fd = opened("/dev/console", O_RDWR);
	CHECK_EQ(SYS(ioctl, fd, TIOCGPGRP, &group), 0);
	CHECK_EQ(group, 101);
	CHECK_EQ(SYS(ioctl, fd, TIOCGSID, &group), 0);
	CHECK_EQ(group, 101);
	CHECK_EQ(SYS(ioctl, fd, TIOCNOTTY), 0);
	CHECK_EQ(shim_signals[1], 1);
	CHECK_EQ(SYS(readlink, "/proc/self/fd/0", buffer, 100), 12);
	CHECK(!memcmp(buffer, "/dev/console", 12));
}
