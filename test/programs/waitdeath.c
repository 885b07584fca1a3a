/* SPDX-License-Identifier: MIT */
/* Processes whose env dies while threads of theirs sleep in poll and in epoll_wait: nobody tells them anything any
 * more, and what they held in the lists is back. Aril only. */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <rt/gate.h>
#include <sys/epoll.h>
#include "check.h"
#include "spare.h"

#define PIPES 30
#define ROUNDS 6

static int in[PIPES], out[PIPES], ep;

static void poll_all(int timeout, int wanted)
{
	struct pollfd fds[PIPES];

	for (int i = 0; i < PIPES; i++)
		fds[i] = (struct pollfd){ in[i], POLLIN, 0 };
	CHECK(poll(fds, PIPES, timeout) == wanted);
}

static void *polls(void *none)
{
	poll_all(-1, 0);
	return none;
}

static void *watches(void *none)
{
	struct epoll_event got[PIPES];

	(void)epoll_wait(ep, got, PIPES, -1);
	return none;
}

static void die(int round)
{
	pthread_t thread[4];

	for (int i = 0; i < 4; i++)
		CHECK(!pthread_create(&thread[i], NULL, round % 2 && i > 1 ? watches : polls, NULL));
	usleep(20000); /* they sleep */
	(void)gate_env_kill(0);
	_exit(1);
}

int main(void)
{
	uint64_t before = 0;
	char byte;

	CHECK((ep = epoll_create1(0)) >= 0);
	for (int i = 0; i < PIPES; i++) {
		struct epoll_event e = { EPOLLIN, { .fd = i } };
		int fd[2];

		CHECK(!pipe(fd));
		in[i] = fd[0];
		out[i] = fd[1];
		CHECK(!epoll_ctl(ep, EPOLL_CTL_ADD, in[i], &e));
	}
	for (int round = 0; round < ROUNDS; round++) {
		struct epoll_event got[PIPES];
		pid_t pid = fork();

		CHECK(pid >= 0);
		if (!pid)
			die(round);
		CHECK(wait_status(pid) == 139);
		for (int i = 0; i < PIPES; i++)
			CHECK(write(out[i], "x", 1) == 1);
		poll_all(1000, PIPES);
		CHECK(epoll_wait(ep, got, PIPES, 1000) == PIPES);
		for (int i = 0; i < PIPES; i++)
			CHECK(read(in[i], &byte, 1) == 1);
		poll_all(0, 0);
		if (round == 1)
			before = frames_free();
	}
	frames_back_tell(before);
	return 0;
}
