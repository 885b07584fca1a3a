/* SPDX-License-Identifier: MIT */
/* Rows of processes: fork, exec, spawn, with end and wait. */
#include <spawn.h>
#include "measure.h"

#define TINY "/bin/bench-tiny"
#define DYNAMIC "/bin/bench-dynamic"

static void fork_wait(void)
{
	pid_t child = fork();

	if (child == 0)
		_exit(0);
	(void)waitpid(child, 0, 0);
}

static int fork_with(size_t size, unsigned n)
{
	NEED(!size || touched(size) != 0);
	fork_wait();
	MEAN(5, n, 1, fork_wait());
	samples_say("");
	return 0;
}

int row_fork(void) { return fork_with(0, rounds(200)); }

/* musl's program has glibc's do it: the row is its name there, too. */
int row_fork_glibc(void)
{
#ifdef __GLIBC__
	return row_fork();
#else
	NEED(execl("/bin/bench-glibc", "bench-glibc", row_mode(), "fork-glibc", (char *)0) == 0);
	return 0;
#endif
}
int row_fork_64m(void) { return fork_with(64 * MIB, rounds(10)); }
int row_fork_512m(void) { return fork_with(512 * MIB, rounds(10)); }

int row_fork_child1(void)
{
	char *m = touched(64 * MIB);

	NEED(m != 0);
	MEAN(5, rounds(10), 1, {
		pid_t child = fork();

		if (child == 0) {
			m[32 * MIB] = 3;
			_exit(0);
		}
		(void)waitpid(child, 0, 0);
	});
	samples_say("");
	return 0;
}

int row_fork_parent(void)
{
	char *m = touched(64 * MIB);

	NEED(m != 0);
	for (int b = 0; b < 3; b++) {
		uint64_t from = ticks();
		int fd[2];
		pid_t child;

		NEED(pipe(fd) == 0);
		child = fork();
		if (child == 0) {
			char byte;

			(void)close(fd[1]);
			(void)!read(fd[0], &byte, 1);
			_exit(0);
		}
		(void)close(fd[0]);
		for (size_t i = 0; i < 64 * MIB; i += PAGE)
			m[i] = (char)b;
		(void)close(fd[1]);
		(void)waitpid(child, 0, 0);
		sample(from, ticks(), 1);
	}
	samples_say("");
	return 0;
}

static void exec_end(const char *path)
{
	char *const av[] = { (char *)path, 0 };
	char *const no_env[] = { 0 };

	(void)execve(path, av, no_env);
	_exit(errno & 127);
}

static pid_t exec_vfork(const char *path)
{
	pid_t child = vfork();

	if (child == 0)
		exec_end(path);
	return child;
}

static pid_t exec_fork(const char *path)
{
	pid_t child = fork();

	if (child == 0)
		exec_end(path);
	return child;
}

static pid_t exec_spawn(const char *path)
{
	char *const av[] = { (char *)path, 0 };
	char *const no_env[] = { 0 };
	pid_t child;

	errno = posix_spawn(&child, path, 0, 0, av, no_env);
	return errno ? -1 : child;
}

static int exec_rows(pid_t (*start)(const char *), const char *path)
{
	int e = ended_well(start(path));

	if (e)
		return e;
	MEAN(20, rounds(5), 1, (void)waitpid(start(path), 0, 0));
	samples_say("");
	return 0;
}

int row_vfork_exec(void) { return exec_rows(exec_vfork, TINY); }
int row_fork_exec(void) { return exec_rows(exec_fork, TINY); }
int row_spawn(void) { return exec_rows(exec_spawn, TINY); }
int row_exec_dynamic(void) { return exec_rows(exec_vfork, DYNAMIC); }
