/* SPDX-License-Identifier: MIT */
/* A pseudo-terminal: its making, lines and raw bytes through it, echo, ^C, window size, who owns it, and what each side sees when the other goes. */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <termios.h>
#include "check.h"

#define FAILS(x, e) CHECK((x) == -1 && errno == (e))

static volatile sig_atomic_t caught; /* a bit for each signal */

static void note(int sig) { caught |= 1 << sig; }

/* All that comes from the master until `end` has come. */
static void expect(int m, const char *end)
{
	char text[512] = "";
	size_t n = 0;

	while (!strstr(text, end)) {
		ssize_t got = read(m, text + n, sizeof(text) - 1 - n);

		CHECK(got > 0);
		n += (size_t)got;
		text[n] = 0;
	}
	for (size_t i = 0; i < n; i++)
		printf(text[i] < 32 ? "<%d>" : "%c", text[i]);
	printf("\n");
	fflush(stdout);
}

/* What a terminal holds of its mode stays, whichever side sets another one; but TIOCSSOFTCAR does not look. */
static void holds(int m)
{
	struct termios mode, held = { 0 }, got;
	int s = ioctl(m, TIOCGPTPEER, O_RDWR | O_NOCTTY), value = 7;

	CHECK(s >= 0 && ioctl(s, TIOCGLCKTRMIOS, &got) == 0 && got.c_lflag == 0 && got.c_cc[VINTR] == 0);
	held.c_lflag = ECHO;
	held.c_cflag = CLOCAL;
	held.c_cc[VINTR] = 1;
	CHECK(ioctl(s, TIOCSLCKTRMIOS, &held) == 0 && ioctl(m, TIOCGLCKTRMIOS, &got) == 0);
	CHECK(got.c_lflag == ECHO && got.c_cc[VINTR] == 1);
	CHECK(tcgetattr(s, &mode) == 0 && mode.c_lflag & ECHO);
	mode.c_lflag &= ~(tcflag_t)(ECHO | ICANON);
	mode.c_cflag |= CLOCAL;
	mode.c_cc[VINTR] = 'i';
	mode.c_cc[VEOF] = 'e';
	CHECK(tcsetattr(s, TCSANOW, &mode) == 0 && tcgetattr(s, &mode) == 0);
	CHECK((mode.c_lflag & (ECHO | ICANON)) == ECHO && !(mode.c_cflag & CLOCAL));
	CHECK(mode.c_cc[VINTR] == 3 && mode.c_cc[VEOF] == 'e');
	value = 7;
	CHECK(ioctl(s, TIOCSSOFTCAR, &value) == 0 && ioctl(m, TIOCGSOFTCAR, &value) == 0 && value == 1);
	CHECK(tcgetattr(s, &mode) == 0 && mode.c_cflag & CLOCAL);
	mode.c_cflag &= ~(tcflag_t)CLOCAL;
	CHECK(tcsetattr(m, TCSANOW, &mode) == 0 && ioctl(s, TIOCGSOFTCAR, &value) == 0 && value == 1);
	memset(&held, 0, sizeof(held));
	CHECK(ioctl(m, TIOCSLCKTRMIOS, &held) == 0 && tcsetattr(s, TCSANOW, &mode) == 0);
	CHECK(ioctl(s, TIOCGSOFTCAR, &value) == 0 && value == 0);
	FAILS(ioctl(s, TIOCGLCKTRMIOS, 8), EFAULT);
	FAILS(ioctl(s, TIOCSLCKTRMIOS, 8), EFAULT);
	FAILS(ioctl(s, TIOCSSOFTCAR, 8), EFAULT);
	/* Each side is alone with its user by itself. */
	CHECK(ioctl(s, TIOCGEXCL, &value) == 0 && value == 0 && ioctl(s, TIOCEXCL) == 0);
	CHECK(ioctl(s, TIOCGEXCL, &value) == 0 && value == 1);
	CHECK(ioctl(m, TIOCGEXCL, &value) == 0 && value == 0 && ioctl(m, TIOCEXCL) == 0 && ioctl(s, TIOCNXCL) == 0);
	CHECK(ioctl(s, TIOCGEXCL, &value) == 0 && value == 0);
	CHECK(ioctl(m, TIOCGEXCL, &value) == 0 && value == 1 && close(s) == 0);
}

static void child(const char *name)
{
	char line[64];
	struct winsize size;
	struct termios mode;
	struct sigaction a = { .sa_handler = note };
	int s, n;

	CHECK(setsid() == getpid());
	FAILS(open("/dev/tty", O_RDWR), ENXIO);
	s = open(name, O_RDWR);
	CHECK(s >= 0 && isatty(s) && strcmp(ttyname(s), name) == 0 && tcgetsid(s) == getpid() && tcgetpgrp(s) == getpid());
	CHECK((n = open("/dev/tty", O_RDWR)) >= 0 && close(n) == 0);
	CHECK(ioctl(s, TIOCGWINSZ, &size) == 0 && size.ws_row == 33 && size.ws_col == 101);
	sigaction(SIGINT, &a, NULL);
	sigaction(SIGWINCH, &a, NULL);
	CHECK(write(s, "ready\n", 6) == 6);
	CHECK(read(s, line, sizeof(line)) == 6 && memcmp(line, "typed\n", 6) == 0);
	/* The ^C may come before the read does: then another one comes, and neither is echoed nor takes away what is written. */
	CHECK(tcgetattr(s, &mode) == 0);
	mode.c_lflag = (mode.c_lflag & ~(tcflag_t)ECHO) | NOFLSH;
	CHECK(tcsetattr(s, TCSANOW, &mode) == 0 && write(s, "waits\n", 6) == 6);
	FAILS(read(s, line, sizeof(line)), EINTR);
	CHECK(caught & 1 << SIGINT && write(s, "interrupted\n", 12) == 12);
	while (!(caught & 1 << SIGWINCH))
		usleep(1000);
	CHECK(ioctl(s, TIOCGWINSZ, &size) == 0 && size.ws_row == 7);
	CHECK(tcgetattr(s, &mode) == 0);
	cfmakeraw(&mode);
	CHECK(tcsetattr(s, TCSANOW, &mode) == 0 && write(s, "raw\n", 4) == 4);
	for (n = 0; n < 3;)
		n += (int)read(s, line + n, sizeof(line) - (size_t)n);
	CHECK(n == 3 && line[0] == 3 && line[1] == '\r' && line[2] == 'x');
	_exit(5);
}

int main(void)
{
	char name[64], c;
	struct winsize size = { 33, 101, 0, 0 };
	struct stat st;
	int m = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC), second, s, number, value = 0, ready[2];
	struct pollfd p = { .fd = m, .events = POLLIN | POLLOUT };
	pid_t pid;

	CHECK(m >= 0 && fcntl(m, F_GETFD) == FD_CLOEXEC && ioctl(m, TIOCGPTN, &number) == 0 && ptsname_r(m, name, sizeof(name)) == 0);
	FAILS(open(name, O_RDWR | O_NOCTTY), EIO);
	CHECK(grantpt(m) == 0 && unlockpt(m) == 0 && ioctl(m, TIOCGPTLCK, &value) == 0 && value == 0);
	CHECK(stat(name, &st) == 0 && S_ISCHR(st.st_mode) && st.st_rdev >> 8 == 136);
	second = posix_openpt(O_RDWR | O_NOCTTY);
	CHECK(second >= 0 && ioctl(second, TIOCGPTN, &value) == 0 && value != number);
	CHECK(unlockpt(second) == 0);
	holds(second);
	CHECK(close(second) == 0);
	CHECK(ioctl(m, TIOCSWINSZ, &size) == 0 && poll(&p, 1, 0) == 1 && p.revents == POLLOUT);
	pid = fork();
	if (!pid)
		child(name);
	expect(m, "ready\r\n");
	CHECK(write(m, "typz\177ed\n", 8) == 8);
	expect(m, "waits\r\n");
	p.events = POLLIN;
	do
		CHECK(write(m, "\3", 1) == 1);
	while (poll(&p, 1, 50) == 0);
	expect(m, "interrupted\r\n");
	size.ws_row = 7;
	CHECK(ioctl(m, TIOCSWINSZ, &size) == 0);
	expect(m, "raw\n");
	CHECK(write(m, "\3\rx", 3) == 3 && wait_status(pid) == 5);
	FAILS(read(m, &c, 1), EIO);
	CHECK(poll(&p, 1, 0) == 1 && p.revents & POLLHUP);
	/* The master goes first: readers find the end, writers an error, the session is told. */
	s = ioctl(m, TIOCGPTPEER, O_RDWR | O_NOCTTY);
	CHECK(s >= 0 && isatty(s) && pipe(ready) == 0);
	pid = fork();
	if (!pid) {
		close(m);
		setsid();
		CHECK(ioctl(s, TIOCSCTTY, 0) == 0);
		signal(SIGHUP, note);
		CHECK(write(ready[1], "x", 1) == 1);
		for (int i = 0; i < 5000 && !(caught & 1 << SIGHUP); i++)
			usleep(1000);
		CHECK(caught & 1 << SIGHUP && read(s, &c, 1) == 0);
		FAILS(write(s, "x", 1), EIO);
		_exit(6);
	}
	CHECK(read(ready[0], &c, 1) == 1);
	close(m);
	CHECK(wait_status(pid) == 6 && stat(name, &st) == -1 && errno == ENOENT);
	printf("all seen\n");
	return 0;
}
