/* SPDX-License-Identifier: MIT */
/* Runs in a box, for `box exec`: process 1 starts it when the first command comes, with frames of all sessions on its
 * standard input and output (box/exec.h). It never waits for one session: what comes for one has room, and what a
 * command says is read as far as somebody takes it. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>
#include "box/exec.h"

#define STATUS_MISSING 127
#define STATUS_BROKEN  126

struct session {
	char *args;         /* as far as they are here; NULL: none */
	size_t args_size;
	uint16_t number;
	pid_t pid;          /* 0: not begun */
	int in, out, err;   /* -1: there is none, or it has ended */
	int is_terminal, input_ended, has_ended, status;
	uint32_t window;    /* bytes of output that may be sent */
	size_t input_at, input_size;
	uint8_t *input;     /* EXEC_WINDOW bytes, a ring */
};
static struct session sessions[EXEC_SESSIONS];

static void say(size_t n, char type, const void *data, size_t size)
{
	uint16_t number = sessions[n].number;
	uint8_t out[EXEC_HEAD + EXEC_DATA] = { (uint8_t)number, (uint8_t)(number >> 8), (uint8_t)type, (uint8_t)size,
		(uint8_t)(size >> 8) };
	size_t at = 0;

	memcpy(out + EXEC_HEAD, data, size);
	while (at < EXEC_HEAD + size) {
		ssize_t done = write(1, out + at, EXEC_HEAD + size - at);

		if (done < 0 && errno != EINTR)
			exit(1); /* the box ends */
		at += done > 0 ? (size_t)done : 0;
	}
}

static void fd_end(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
}

static void session_free(struct session *s)
{
	if (s->is_terminal)
		s->out = -1; /* the same as in */
	fd_end(&s->in);
	fd_end(&s->out);
	fd_end(&s->err);
	free(s->args);
	free(s->input);
	*s = (struct session){ .in = -1, .out = -1, .err = -1 };
}

static void session_end(size_t n, int status)
{
	uint32_t word = (uint32_t)status;

	say(n, 'X', &word, sizeof word);
	session_free(&sessions[n]);
}

/* ---- the beginning */

static void args_add(size_t n, const uint8_t *data, size_t size)
{
	struct session *s = &sessions[n];

	if (!s->args) {
		s->args = malloc(EXEC_ARGS);
		s->input = malloc(EXEC_WINDOW);
	}
	if (!s->args || !s->input || s->pid || s->args_size + size > EXEC_ARGS)
		return; /* `box exec` sends no more */
	memcpy(s->args + s->args_size, data, size);
	s->args_size += size;
}

/* In the child. */
static void command_become(const struct session *s)
{
	static char *argv[EXEC_ARGS + 1]; /* each may be empty */
	sigset_t none;
	size_t n = 0;

	for (const char *at = s->args; at < s->args + s->args_size; at += strlen(at) + 1)
		argv[n++] = (char *)(uintptr_t)at;
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)signal(SIGPIPE, SIG_DFL);
	execvp(argv[0], argv);
	dprintf(2, "%s: %s\n", argv[0], errno == ENOENT ? "command not found" : strerror(errno));
	_exit(errno == ENOENT ? STATUS_MISSING : STATUS_BROKEN);
}

static pid_t pipes_fork(struct session *s)
{
	int in[2] = { -1, -1 }, out[2] = { -1, -1 }, err[2] = { -1, -1 };
	pid_t pid = -1;

	if (!pipe2(in, O_CLOEXEC) && !pipe2(out, O_CLOEXEC) && !pipe2(err, O_CLOEXEC))
		pid = fork();
	if (!pid) {
		(void)setsid();
		if (dup2(in[0], 0) < 0 || dup2(out[1], 1) < 0 || dup2(err[1], 2) < 0)
			_exit(STATUS_BROKEN);
		command_become(s);
	}
	fd_end(&in[0]);
	fd_end(&out[1]);
	fd_end(&err[1]);
	s->in = in[1];
	s->out = out[0];
	s->err = err[0];
	return pid;
}

static pid_t terminal_fork(struct session *s, const struct exec_go *go)
{
	struct winsize size = { go->rows, go->columns, 0, 0 };
	pid_t pid = forkpty(&s->in, NULL, NULL, &size);

	if (!pid) {
		(void)setenv("TERM", go->term, 1);
		command_become(s);
	}
	s->out = s->in;
	s->err = -1;
	return pid;
}

static void session_begin(size_t n, const uint8_t *data, size_t size)
{
	struct session *s = &sessions[n];
	struct exec_go go;

	if (size != sizeof go || s->pid || !s->input || !s->args_size || s->args[s->args_size - 1])
		return;
	memcpy(&go, data, sizeof go);
	go.term[sizeof go.term - 1] = 0;
	s->window = EXEC_WINDOW;
	s->is_terminal = go.is_terminal;
	s->pid = go.is_terminal ? terminal_fork(s, &go) : pipes_fork(s);
	if (s->pid < 0) {
		static const char text[] = "box-agent: no process, or no file, is left\n";
		say(n, 'E', text, sizeof text - 1);
		s->is_terminal = 0;
		session_end(n, STATUS_BROKEN);
		return;
	}
	for (int *fd = &s->in; fd <= &s->err; fd++)
		if (*fd >= 0)
			(void)fcntl(*fd, F_SETFL, O_NONBLOCK);
	(void)fcntl(s->in, F_SETFD, FD_CLOEXEC);
}

/* ---- while it runs */

static void input_move(size_t n)
{
	struct session *s = &sessions[n];
	uint32_t moved = 0;

	while (s->in >= 0 && s->input_size) {
		size_t piece = EXEC_WINDOW - s->input_at < s->input_size ? EXEC_WINDOW - s->input_at : s->input_size;
		ssize_t done = write(s->in, s->input + s->input_at, piece);

		if (done < 0 && errno == EAGAIN)
			break;
		if (done <= 0) { /* nobody reads: all is taken */
			done = (ssize_t)piece;
			if (!s->is_terminal)
				fd_end(&s->in);
		}
		s->input_at = (s->input_at + (size_t)done) % EXEC_WINDOW;
		s->input_size -= (size_t)done;
		moved += (uint32_t)done;
	}
	if (s->in < 0) {
		moved += (uint32_t)s->input_size;
		s->input_size = 0;
	}
	if (s->input_ended && !s->input_size && !s->is_terminal)
		fd_end(&s->in);
	if (moved)
		say(n, 'W', &moved, sizeof moved);
}

static void input_take(size_t n, const uint8_t *data, size_t size)
{
	struct session *s = &sessions[n];

	for (size_t i = 0; i < size && s->input_size < EXEC_WINDOW; i++)
		s->input[(s->input_at + s->input_size++) % EXEC_WINDOW] = data[i];
	input_move(n);
}

/* True: some was there. */
static int output_move(size_t n, char type, int *fd)
{
	struct session *s = &sessions[n];
	uint8_t data[EXEC_DATA];
	ssize_t size;

	if (*fd < 0 || !s->window)
		return 0;
	size = read(*fd, data, s->window < sizeof data ? s->window : sizeof data);
	if (size < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (size <= 0) { /* of a terminal: nobody has it open */
		if (s->is_terminal)
			s->in = -1;
		fd_end(fd);
		return 0;
	}
	s->window -= (uint32_t)size;
	say(n, type, data, (size_t)size);
	return 1;
}

/* Its command has ended: what it has said goes first, as far as it is taken. Who else has its pipes is not waited
 * for. */
static void end_look(size_t n)
{
	struct session *s = &sessions[n];

	while (s->window && (output_move(n, 'O', &s->out) | output_move(n, 'E', &s->err)))
		;
	if (s->has_ended && (s->window || (s->out < 0 && s->err < 0)))
		session_end(n, s->status);
}

static void size_set(const struct session *s, const uint8_t *data, size_t size)
{
	struct winsize to = { 0 };

	if (size != 4 || !s->is_terminal)
		return;
	to.ws_row = (uint16_t)(data[0] | data[1] << 8);
	to.ws_col = (uint16_t)(data[2] | data[3] << 8);
	(void)ioctl(s->in, TIOCSWINSZ, &to);
}

static void frame_take(uint16_t number, char type, const uint8_t *data, size_t size)
{
	size_t n = number % EXEC_SESSIONS;
	struct session *s = &sessions[n];
	uint32_t word;

	if (!s->args)
		s->number = number;
	if (s->number != number)
		return;
	if (type == 'A') {
		args_add(n, data, size);
		return;
	}
	if (type == 'G') {
		session_begin(n, data, size);
		return;
	}
	if (type == 'Q' && s->pid && !s->has_ended)
		(void)kill(-s->pid, SIGKILL);
	if (type == 'Q')
		session_free(s);
	if (!s->pid)
		return;
	switch (type) {
	case 'I':
		input_take(n, data, size);
		break;
	case 'Z':
		s->input_ended = 1;
		input_move(n);
		break;
	case 'S':
		size_set(s, data, size);
		break;
	case 'N':
		if (size == 1 && !s->has_ended)
			(void)kill(-s->pid, data[0]);
		break;
	case 'W':
		if (size == 4) {
			memcpy(&word, data, 4);
			s->window += word;
			end_look(n);
		}
		break;
	}
}

/* False: there will be no more. */
static int frames_take(void)
{
	static uint8_t in[4 * (EXEC_HEAD + EXEC_DATA)];
	static size_t fill;
	ssize_t got = read(0, in + fill, sizeof in - fill);
	size_t at = 0;

	if (got <= 0)
		return got < 0 && errno == EINTR;
	fill += (size_t)got;
	while (fill - at >= EXEC_HEAD) {
		size_t size = in[at + 3] | (size_t)in[at + 4] << 8;

		if (size > EXEC_DATA)
			return 0;
		if (fill - at < EXEC_HEAD + size)
			break;
		frame_take((uint16_t)(in[at] | in[at + 1] << 8), (char)in[at + 2], in + at + EXEC_HEAD, size);
		at += EXEC_HEAD + size;
	}
	memmove(in, in + at, fill - at);
	fill -= at;
	return 1;
}

static void children_reap(int fd)
{
	struct signalfd_siginfo what;
	int status;
	pid_t pid;

	(void)!read(fd, &what, sizeof what);
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		for (size_t n = 0; n < EXEC_SESSIONS; n++)
			if (sessions[n].pid == pid) {
				sessions[n].has_ended = 1;
				sessions[n].status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
				end_look(n);
			}
}

int main(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC), children;
	struct pollfd p[2 + 3 * EXEC_SESSIONS];
	sigset_t mask;

	(void)sigemptyset(&mask);
	(void)sigaddset(&mask, SIGCHLD);
	(void)sigprocmask(SIG_BLOCK, &mask, NULL);
	(void)signal(SIGPIPE, SIG_IGN);
	children = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
	if (null < 0 || children < 0 || dup2(null, 2) < 0)
		return 1;
	for (size_t n = 0; n < EXEC_SESSIONS; n++)
		sessions[n].in = sessions[n].out = sessions[n].err = -1;
	for (;;) {
		p[0] = (struct pollfd){ 0, POLLIN, 0 };
		p[1] = (struct pollfd){ children, POLLIN, 0 };
		for (size_t n = 0; n < EXEC_SESSIONS; n++) {
			const struct session *s = &sessions[n];
			struct pollfd *of = p + 2 + 3 * n;

			of[0] = (struct pollfd){ s->pid && s->input_size ? s->in : -1, POLLOUT, 0 };
			of[1] = (struct pollfd){ s->pid && s->window ? s->out : -1, POLLIN, 0 };
			of[2] = (struct pollfd){ s->pid && s->window ? s->err : -1, POLLIN, 0 };
		}
		if (poll(p, sizeof p / sizeof *p, -1) < 0 && errno != EINTR)
			return 1;
		for (size_t n = 0; n < EXEC_SESSIONS; n++) {
			if (p[2 + 3 * n].revents)
				input_move(n);
			if (p[3 + 3 * n].revents)
				(void)output_move(n, 'O', &sessions[n].out);
			if (p[4 + 3 * n].revents)
				(void)output_move(n, 'E', &sessions[n].err);
		}
		if (p[1].revents)
			children_reap(children);
		if (p[0].revents && !frames_take())
			return 0;
	}
}
