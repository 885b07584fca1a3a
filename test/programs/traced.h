/* SPDX-License-Identifier: MIT */
/* Children that are traced, and what their tracer sees, in words. */
#ifndef TRACED_H
#define TRACED_H
#include <elf.h>
#include <linux/ptrace.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/reg.h>
#include <sys/uio.h>
#include <sys/user.h>
#include "try.h"

static inline long trace(long request, pid_t pid, long addr, long data)
{
	return syscall(SYS_ptrace, request, (long)pid, addr, data);
}

/* A child that is traced by its parent, and stops before it does that. */
static inline pid_t child_traced(void (*does)(void))
{
	int status;
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (!pid) {
		CHECK(trace(PTRACE_TRACEME, 0, 0, 0) == 0);
		CHECK(syscall(SYS_kill, getpid(), SIGSTOP) == 0);
		does();
		_exit(0);
	}
	CHECK(waitpid(pid, &status, 0) == pid && WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
	return pid;
}

static inline pid_t child(void (*does)(void))
{
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (!pid) {
		does();
		_exit(0);
	}
	return pid;
}

/* The next news of it, said: wait4's word. */
static inline int next(pid_t pid, const char *what)
{
	int status = 0;

	CHECK(waitpid(pid, &status, __WALL) == pid);
	if (WIFSTOPPED(status))
		printf("%s: stopped by %d, event %d\n", what, WSTOPSIG(status), status >> 16);
	else if (WIFEXITED(status))
		printf("%s: exited with %d\n", what, WEXITSTATUS(status));
	else
		printf("%s: ended by %d\n", what, WTERMSIG(status));
	return status;
}

static inline int go(long request, pid_t pid, int sig, const char *what)
{
	CHECK(trace(request, pid, 0, sig) == 0);
	return next(pid, what);
}

static inline struct user_regs_struct regs_of(pid_t pid)
{
	struct user_regs_struct r;

	CHECK(trace(PTRACE_GETREGS, pid, 0, (long)&r) == 0);
	return r;
}

static inline void regs_to(pid_t pid, struct user_regs_struct r)
{
	CHECK(trace(PTRACE_SETREGS, pid, 0, (long)&r) == 0);
}

static inline siginfo_t info_of(pid_t pid)
{
	siginfo_t info = { 0 };

	CHECK(trace(PTRACE_GETSIGINFO, pid, 0, (long)&info) == 0);
	return info;
}

static inline unsigned long message_of(pid_t pid)
{
	unsigned long message = ~0ul;

	CHECK(trace(PTRACE_GETEVENTMSG, pid, 0, (long)&message) == 0);
	return message;
}

/* What /proc/PID/status says: the letter of its state, and its tracer. */
static inline char state_of(pid_t pid, int *tracer)
{
	char name[64], line[256], state = 0;
	FILE *f;

	snprintf(name, sizeof name, "/proc/%d/status", pid);
	f = fopen(name, "r");
	CHECK(f);
	while (fgets(line, sizeof line, f)) {
		(void)sscanf(line, "State: %c", &state);
		if (tracer)
			(void)sscanf(line, "TracerPid: %d", tracer);
	}
	fclose(f);
	return state;
}

static inline void state_await(pid_t pid, char state)
{
	while (state_of(pid, 0) != state)
		sched_yield();
}

static inline void end(pid_t pid)
{
	int status;

	CHECK(kill(pid, SIGKILL) == 0);
	CHECK(waitpid(pid, &status, __WALL) == pid && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}
#endif
