/* SPDX-License-Identifier: MIT */
/* Other commands in a box that is there. `box exec` speaks with the `box` that holds it, over an abstract Unix socket
 * with the box's name; that one passes frames on to the agent in the box, one at a time, as far as it has room. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include "box.h"

#define PLACE "aril-box/"

static socklen_t place_of(struct sockaddr_un *to, const char *name)
{
	memset(to, 0, sizeof *to);
	to->sun_family = AF_UNIX;
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 +
		(size_t)snprintf(to->sun_path + 1, sizeof to->sun_path - 1, PLACE "%s", name));
}

/* ---- in the `box` that holds it */

void execs_open(struct execs *e, const char *name)
{
	struct sockaddr_un at;
	socklen_t size = place_of(&at, name);

	for (size_t i = 0; i < EXEC_SESSIONS; i++) { /* not their rooms, which would cost a page each */
		e->client[i].fd = -1;
		e->client[i].number = (uint16_t)i;
	}
	e->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (e->listener >= 0 && !bind(e->listener, (struct sockaddr *)&at, size) && !listen(e->listener, EXEC_SESSIONS))
		return;
	fprintf(stderr, "box: `box exec` will not find %s: %s\n", name, strerror(errno));
	(void)close(e->listener);
	e->listener = -1;
}

size_t execs_poll(const struct execs *e, struct pollfd *p)
{
	size_t n = 0;

	if (e->listener < 0)
		return 0;
	p[n++] = (struct pollfd){ e->listener, POLLIN, 0 };
	for (size_t i = 0; i < EXEC_SESSIONS; i++) /* the agent has room for a frame of one of them at least */
		p[n++] = (struct pollfd){ e->credit >= EXEC_HEAD + EXEC_DATA ? e->client[i].fd : -1,
			POLLIN, 0 };
	return n;
}

static void agent_say(struct box *b, uint16_t session, const uint8_t *frame, size_t n)
{
	uint8_t out[EXEC_HEAD + EXEC_DATA] = { (uint8_t)session, (uint8_t)(session >> 8) };

	memcpy(out + 2, frame, n);
	frame_write(b->fd, 'K', out, 2 + n);
	b->execs.credit -= (uint32_t)(2 + n);
}

static void client_leave(struct exec_client *c)
{
	(void)close(c->fd);
	c->fd = -1;
}

static void client_accept(struct execs *e)
{
	int fd = accept4(e->listener, NULL, NULL, SOCK_CLOEXEC);
	size_t i = 0;

	while (i < EXEC_SESSIONS && e->client[i].fd >= 0)
		i++;
	if (i < EXEC_SESSIONS)
		e->client[i] = (struct exec_client){ .fd = fd, .number = (uint16_t)(e->client[i].number + EXEC_SESSIONS) };
	else if (fd >= 0)
		(void)close(fd);
}

/* Its next frame, or its end, which the agent hears of. */
static void client_serve(struct box *b, size_t i)
{
	static const uint8_t gone[FRAME_HEAD] = { 'Q' };
	struct exec_client *c = &b->execs.client[i];
	size_t size = c->fill < FRAME_HEAD ? 0 : c->in[1] | (size_t)c->in[2] << 8;
	ssize_t n = size > EXEC_DATA ? 0 : read(c->fd, c->in + c->fill, FRAME_HEAD + size - c->fill);

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n <= 0) {
		agent_say(b, c->number, gone, sizeof gone);
		client_leave(c);
		return;
	}
	c->fill += (size_t)n;
	if (c->fill < FRAME_HEAD || c->fill < FRAME_HEAD + (c->in[1] | (size_t)c->in[2] << 8))
		return;
	agent_say(b, c->number, c->in, c->fill);
	c->fill = 0;
}

void execs_serve(struct box *b, const struct pollfd *p, size_t n)
{
	for (size_t i = 1; i < n; i++)
		if (p[i].revents && b->execs.credit >= EXEC_HEAD + EXEC_DATA)
			client_serve(b, i - 1);
	if (n && p[0].revents)
		client_accept(&b->execs);
}

/* A whole frame; one for nobody was on its way when its client left. */
static void client_say(struct execs *e, const uint8_t *frame, size_t size)
{
	uint16_t number = (uint16_t)(frame[0] | frame[1] << 8);
	struct exec_client *c = &e->client[number % EXEC_SESSIONS];

	if (c->fd < 0 || c->number != number)
		return;
	(void)all_write(c->fd, frame + 2, size - 2);
	if (frame[2] == 'X')
		client_leave(c);
}

void execs_take(struct execs *e, const uint8_t *data, size_t n)
{
	if (!n) /* the agent has ended */
		for (size_t i = 0; i < EXEC_SESSIONS; i++)
			if (e->client[i].fd >= 0)
				client_leave(&e->client[i]);
	while (n) {
		size_t want = EXEC_HEAD, here;

		if (e->from_agent_fill >= EXEC_HEAD)
			want += e->from_agent[3] | (size_t)e->from_agent[4] << 8;
		if (want > sizeof e->from_agent)
			fail("the agent in the box says what is no frame");
		here = want - e->from_agent_fill < n ? want - e->from_agent_fill : n;
		memcpy(e->from_agent + e->from_agent_fill, data, here);
		e->from_agent_fill += here;
		data += here;
		n -= here;
		if (e->from_agent_fill == EXEC_HEAD && (e->from_agent[3] | e->from_agent[4]))
			continue;
		if (e->from_agent_fill < want)
			continue;
		client_say(e, e->from_agent, want);
		e->from_agent_fill = 0;
	}
}

/* ---- box exec */

struct exec {
	int fd, is_terminal, input_ended, is_over, status;
	uint32_t credit, taken; /* bytes of input that it has room for; of output, not told yet */
	size_t fill;
	uint8_t in[FRAME_HEAD + EXEC_DATA];
};

static volatile int passed_on;

static void on_signal(int sig)
{
	passed_on = sig;
	(void)!write(signal_pipe[1], "", 1);
}

static void arguments_send(const struct exec *e, char **argv)
{
	static char all[EXEC_ARGS];
	size_t sum = 0;

	for (; *argv; argv++) {
		size_t n = strlen(*argv) + 1;

		if (n > sizeof all - sum)
			fail("the arguments are too long: %d bytes is all that fits", EXEC_ARGS);
		memcpy(all + sum, *argv, n);
		sum += n;
	}
	for (size_t at = 0; at < sum; at += EXEC_DATA)
		frame_write(e->fd, 'A', all + at, sum - at < EXEC_DATA ? sum - at : EXEC_DATA);
}

static void begin_send(const struct exec *e)
{
	struct exec_go go = { .is_terminal = (uint8_t)e->is_terminal };
	const char *term = getenv("TERM");
	uint8_t word[4] = { 24, 0, 80, 0 };

	(void)terminal_size(word);
	go.rows = (uint16_t)(word[0] | word[1] << 8);
	go.columns = (uint16_t)(word[2] | word[3] << 8);
	strncpy(go.term, term ? term : "dumb", sizeof go.term - 1);
	frame_write(e->fd, 'G', &go, sizeof go);
}

static void exec_take(void *to, char type, const uint8_t *data, size_t n)
{
	struct exec *e = to;
	uint32_t word = (uint32_t)n;

	switch (type) {
	case 'O':
	case 'E':
		output_write(type == 'O' ? 1 : 2, data, n);
		e->taken += word;
		if (e->taken < EXEC_WINDOW / 4)
			break;
		frame_write(e->fd, 'W', &e->taken, sizeof e->taken);
		e->taken = 0;
		break;
	case 'W':
	case 'X':
		if (n != 4)
			break;
		memcpy(&word, data, 4);
		if (type == 'W') {
			e->credit += word;
		} else {
			e->status = (int)word;
			e->is_over = 1;
		}
		break;
	}
}

static void exec_input(struct exec *e)
{
	uint8_t data[EXEC_DATA];
	ssize_t n = read(0, data, e->credit < sizeof data ? e->credit : sizeof data);

	if (n < 0 && errno == EINTR)
		return;
	if (n <= 0) {
		e->input_ended = 1;
		frame_write(e->fd, 'Z', "", 0);
		return;
	}
	e->credit -= (uint32_t)n;
	frame_write(e->fd, 'I', data, (size_t)n);
}

/* Until the status is there, or the other side has ended. */
static void exec_loop(struct exec *e)
{
	while (!e->is_over) {
		struct pollfd p[3] = { { e->fd, POLLIN, 0 }, { signal_pipe[0], POLLIN, 0 },
			{ !e->credit || e->input_ended || is_in_background() ? -1 : 0, POLLIN, 0 } };
		uint8_t word[4];
		ssize_t n;

		if (poll(p, 3, is_in_background() ? FRONT_LOOK_MS : -1) < 0 && errno != EINTR)
			fail("poll: %s", strerror(errno));
		if (p[1].revents > 0 && terminal_has_changed() && terminal_size(word))
			frame_write(e->fd, 'S', word, sizeof word);
		if (passed_on) {
			word[0] = (uint8_t)passed_on;
			passed_on = 0;
			frame_write(e->fd, 'N', word, 1);
		}
		if (p[2].revents > 0)
			exec_input(e);
		if (p[0].revents <= 0)
			continue;
		n = read(e->fd, e->in + e->fill, sizeof e->in - e->fill);
		if (!n || (n < 0 && errno != EINTR))
			return;
		e->fill += n > 0 ? (size_t)n : 0;
		frames_take(e->in, &e->fill, EXEC_DATA, "the box", exec_take, e);
	}
}

int exec_run(char **argv)
{
	static struct exec e = { .credit = EXEC_WINDOW };
	struct sockaddr_un at;
	const char *name;
	socklen_t size;

	if (*argv && !strcmp(*argv, "--terminal")) {
		e.is_terminal = 1;
		argv++;
	}
	name = *argv;
	if (!name || !argv[1])
		fail("which box, and what? box exec [--terminal] NAME COMMAND [ARG]...");
	size = place_of(&at, name);
	e.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (strlen(name) >= BOX_NAME_SIZE || e.fd < 0 || connect(e.fd, (struct sockaddr *)&at, size) < 0)
		fail("%s: there is no box of that name that runs Linux's programs", name);
	signals_set(1, on_signal);
	arguments_send(&e, argv + 1);
	begin_send(&e);
	if (e.is_terminal)
		terminal_take();
	exec_loop(&e);
	terminal_restore();
	if (!e.is_over)
		fail("%s: the box has ended, or takes no more commands", name);
	return e.status;
}
