/* SPDX-License-Identifier: MIT */
/* What a family's members may do wrong with boxes: reads of one that is being made, ended ones that are kept, and what
 * the monitor is told of them that makes no sense. Aril only. */
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <rt/gate.h>
#include <family/memory.h>
#include <family/monitor.h>
#include <fs/box.h>
#include "check.h"

#define KEPT 20 /* of 64 MiB: more than there is */
#define WRONG 300

static const struct box_wants wants = { .frames = 16384, .envs = 40, .homes = 64, .percent = 1 };

static int open_one(void)
{
	int fd = open("/dev/box", O_RDWR);

	CHECK(fd >= 0);
	return fd;
}

/* Another process looks at the file all the while. */
static void looked_at(void)
{
	int fd = open_one(), st;
	struct pollfd p = { fd, POLLIN | POLLOUT, 0 };
	pid_t pid = fork();

	CHECK(pid >= 0);
	while (!pid && !(poll(&p, 1, 0) < 0))
		if (p.revents & POLLOUT)
			_exit(7);
	CHECK(ioctl(fd, BOX_MAKE, &wants) == 0);
	CHECK(waitpid(pid, &st, 0) == pid && WIFEXITED(st) && WEXITSTATUS(st) == 7);
	close(fd);
}

static void kept(void)
{
	int fd[KEPT];
	struct box_tells t;

	for (int i = 0; i < KEPT; i++) {
		fd[i] = open_one();
		while (ioctl(fd[i], BOX_MAKE, &wants) != 0)
			usleep(1000); /* the one before has not gone yet */
		CHECK(ioctl(fd[i], BOX_TELL, &t) == 0 && ioctl(fd[i], BOX_KILL, t.name) == 0);
		while (t.state != 2)
			CHECK(usleep(1000) == 0 && ioctl(fd[i], BOX_TELL, &t) == 0);
	}
	for (int i = 0; i < KEPT; i++)
		close(fd[i]);
}

static void tell(void)
{
	(void)gate_notify(SAID->monitor, MONITOR_BOXES);
	(void)gate_yield(SAID->monitor, 0);
}

/* The monitor reads no address of ours, and what it cannot make it takes back. */
static void lies(void)
{
	int fd = open_one();
	volatile struct told_box *t = &TOLD->box[0], *other = &TOLD->box[BOXES - 1];
	uint64_t room;

	CHECK(ioctl(fd, BOX_MAKE, &wants) == 0);
	room = t->room;
	for (int i = 0; i < 8; i++) {
		t->room = (uint64_t[]){ 0x20000, 0, ~0ul, PRIVATE_BASE + 0x3000, PRIVATE_BASE + EXO_HOME_SIZE - 4096,
			EXO_INFO, 0xffff800000000000ul, 1 }[i];
		tell();
	}
	t->room = room;
	((volatile struct told_head *)(PRIVATE_BASE + PRIVATE_FAMILY))->boxes = BOXES;
	other->room = room;
	for (int i = 0; i < WRONG; i++) {
		for (int c = 0; c < EXO_C_COUNT; c++)
			other->spec.count[c] = (uint32_t[]){ 1, 60, 200, 16384, ~0u }[(i + c) % 5];
		other->spec.count[EXO_C_SLICES] = 1;
		other->asked++;
		tell();
		other->asked += other->asked & 1;
		tell();
	}
	other->room = 0;
	close(fd);
}

int main(void)
{
	looked_at();
	kept();
	lies();
	printf("done\n");
	return 0;
}
