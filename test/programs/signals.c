/* SPDX-License-Identifier: MIT */
/* Signals as shells use them: SIGCHLD, SIGPIPE, masks, pending, sigsuspend, stop and continue, kill of a group, SIG_IGN across exec. */
#include "check.h"
#include <fcntl.h>
#include <signal.h>
#include <sys/types.h>

static volatile sig_atomic_t children, users;
static void on_child(int s) { (void)s; children++; }
static void on_user(int s) { (void)s; users++; }

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "again")) {
		struct sigaction now;
		CHECK(!sigaction(SIGUSR1, 0, &now) && now.sa_handler == SIG_IGN);
		CHECK(!sigaction(SIGUSR2, 0, &now) && now.sa_handler == SIG_DFL);
		return 23;
	}
	struct sigaction sa = { .sa_handler = on_child, .sa_flags = SA_RESTART };
	CHECK(!sigaction(SIGCHLD, &sa, 0));
	sa.sa_handler = on_user;
	CHECK(!sigaction(SIGUSR1, &sa, 0));
	pid_t pid = fork();
	CHECK(pid >= 0);
	if (!pid)
		_exit(3);
	CHECK(wait_status(pid) == 3 && children == 1);

	/* SIGPIPE: kills; ignored: EPIPE. */
	int fd[2];
	CHECK(!pipe(fd));
	close(fd[0]);
	pid = fork();
	CHECK(pid >= 0);
	if (!pid) {
		CHECK(write(fd[1], "x", 1) == 1);
		_exit(0);
	}
	CHECK(wait_status(pid) == 128 + SIGPIPE);
	signal(SIGPIPE, SIG_IGN);
	CHECK(write(fd[1], "x", 1) == -1 && errno == EPIPE);

	/* Blocked signals wait; sigsuspend lets one in. */
	sigset_t block, old, pending;
	sigemptyset(&block);
	sigaddset(&block, SIGUSR1);
	CHECK(!sigprocmask(SIG_BLOCK, &block, &old));
	CHECK(!kill(getpid(), SIGUSR1) && !kill(getpid(), SIGUSR1) && users == 0);
	CHECK(!sigpending(&pending) && sigismember(&pending, SIGUSR1) == 1);
	CHECK(sigsuspend(&old) == -1 && errno == EINTR && users == 1);
	CHECK(!sigprocmask(SIG_SETMASK, &old, 0) && users == 1);
	CHECK(!raise(SIGUSR1) && users == 2);

	/* Stop, continue, kill. */
	pid = fork();
	CHECK(pid >= 0);
	if (!pid)
		for (;;)
			pause();
	int st;
	CHECK(!kill(pid, SIGSTOP));
	CHECK(waitpid(pid, &st, WUNTRACED) == pid && WIFSTOPPED(st) && WSTOPSIG(st) == SIGSTOP);
	CHECK(!kill(pid, SIGCONT));
	CHECK(waitpid(pid, &st, WCONTINUED) == pid && WIFCONTINUED(st));
	CHECK(!kill(pid, SIGTERM) && wait_status(pid) == 128 + SIGTERM);
	CHECK(kill(pid, 0) == -1 && errno == ESRCH);

	/* A group of two. */
	pid_t first = 0, pids[2];
	for (int i = 0; i < 2; i++) {
		pids[i] = fork();
		CHECK(pids[i] >= 0);
		if (!pids[i])
			for (;;)
				pause();
		if (!first)
			first = pids[i];
		CHECK(!setpgid(pids[i], first));
	}
	CHECK(getpgid(pids[1]) == first && getpgrp() != first);
	CHECK(waitpid(-first, &st, WNOHANG) == 0);
	CHECK(!killpg(first, SIGINT));
	CHECK(wait_status(pids[0]) == 128 + SIGINT && wait_status(pids[1]) == 128 + SIGINT);

	/* exec: ignored stays ignored, a handler becomes the default. */
	signal(SIGUSR1, SIG_IGN);
	signal(SIGUSR2, on_user);
	pid = fork();
	CHECK(pid >= 0);
	if (!pid) {
		execl("/proc/self/exe", "signals", "again", (char *)0);
		_exit(1);
	}
	CHECK(wait_status(pid) == 23);
	printf("ok\n");
	return 0;
}
