/* SPDX-License-Identifier: MIT */
/* Runs the broken executables DIR/000, DIR/001, ... each in a child with a time limit, and prints for each: refused and why, or how it ended. */
#include "check.h"
#include <fcntl.h>
#include <signal.h>
#include <sys/time.h>

int main(int argc, char **argv)
{
	CHECK(argc == 3);
	int count = atoi(argv[2]);
	for (int i = 0; i < count; i++) {
		char path[64];
		snprintf(path, sizeof path, "%s/%03d", argv[1], i);
		int fd[2], error = 0;
		CHECK(!pipe2(fd, O_CLOEXEC));
		pid_t pid = fork();
		CHECK(pid >= 0);
		if (!pid) {
			int null = open("/dev/null", O_RDWR);
			CHECK(null >= 0 && dup2(null, 0) == 0 && dup2(null, 1) == 1 && dup2(null, 2) == 2);
			struct itimerval limit = { { 0, 0 }, { 0, 500000 } };
			setitimer(ITIMER_REAL, &limit, 0);
			execl(path, path, (char *)0);
			error = errno;
			if (write(fd[1], &error, sizeof error) != sizeof error)
				_exit(111);
			_exit(110);
		}
		close(fd[1]);
		int got = (int)read(fd[0], &error, sizeof error);
		close(fd[0]);
		int st = wait_status(pid);
		if (got == sizeof error)
			printf("%03d refused %d\n", i, error);
		else
			printf("%03d ended %d\n", i, st);
		fflush(stdout);
	}
	printf("done\n");
	return 0;
}
