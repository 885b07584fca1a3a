/* SPDX-License-Identifier: MIT */
/* For a debugger to look into: calls, a signal, a child, a wait. */
#pragma GCC optimize("O0")
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct point { int x, y; };

static volatile int total, handled;

static int deep(int n)
{
	if (!n)
		return total;
	return deep(n - 1) + 1;
}

int twice(int x)
{
	int y = 2 * x;

	total += y;
	return y;
}

static void on_signal(int sig) { handled = sig; }

static int child(void)
{
	int status;
	pid_t pid = fork();

	if (!pid)
		_exit(3);
	waitpid(pid, &status, 0);
	return WEXITSTATUS(status);
}

int main(int argc, char **argv)
{
	struct point p = { 3, 4 };

	(void)argv;
	signal(SIGUSR1, on_signal);
	if (argc > 1)
		for (;;)
			pause();
	for (int i = 1; i <= 3; i++)
		p.x += twice(i);
	printf("deep %d\n", deep(4));
	raise(SIGUSR1);
	printf("handled %d child %d x %d y %d\n", handled, child(), p.x, p.y);
	return total & 7;
}
