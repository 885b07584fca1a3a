/* SPDX-License-Identifier: MIT */
/* What test programs share: a check that names its place and ends the program with status 1. Linux programs only; no Aril header. */
#ifndef CHECK_H
#define CHECK_H
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHECK(x) do { if (!(x)) { dprintf(2, "%s:%d: failed: %s (errno %d)\n", __FILE__, __LINE__, #x, errno); _exit(1); } } while (0)

/* Waits for pid; its exit status, or 128 + signal. */
static inline int wait_status(pid_t pid)
{
	int st;
	pid_t got;
	do
		got = waitpid(pid, &st, 0);
	while (got < 0 && errno == EINTR);
	if (got != pid) {
		dprintf(2, "waitpid %d gave %d (errno %d)\n", (int)pid, (int)got, errno);
		_exit(1);
	}
	return WIFEXITED(st) ? WEXITSTATUS(st) : 128 + WTERMSIG(st);
}
#endif
