/* SPDX-License-Identifier: MIT */
/* Threads and processes: fork, vfork, exec and wait in a thread, what clone and clone3 refuse, memory shared by processes, descriptors shared by threads. */
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include "check.h"

/* <linux/sched.h>, which does not go together with <sched.h>. */
struct clone3_args { uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls; };

static _Atomic int ready;
static long tid(void) { return syscall(SYS_gettid); }

static void *spin(void *stop)
{
	ready++;
	while (!*(_Atomic int *)stop)
		(void)sched_yield();
	return 0;
}

static void *fork_here(void *nothing)
{
	char buffer[64];
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		/* One thread, whose tid is the pid; the others are not there. */
		CHECK(tid() == getpid());
		FILE *f = fopen("/proc/self/status", "r");
		int threads = 0;
		while (fgets(buffer, sizeof buffer, f))
			if (sscanf(buffer, "Threads: %d", &threads) == 1)
				break;
		_exit(threads == 1 ? 11 : 12);
	}
	CHECK(wait_status(pid) == 11);
	return nothing;
}

static void *vfork_here(void *nothing)
{
	static volatile int seen;
	pid_t pid = vfork();

	CHECK(pid >= 0);
	if (pid == 0) {
		seen = getpid();
		_exit(13);
	}
	CHECK(seen == pid && getpid() != pid && wait_status(pid) == 13);
	return nothing;
}

static void *spawn_here(void *self)
{
	char *const argv[] = { self, "child", 0 };
	char *const env[] = { 0 };
	pid_t pid;

	CHECK(posix_spawn(&pid, self, 0, 0, argv, env) == 0 && wait_status(pid) == 21);
	return self;
}

static void *exec_here(void *self)
{
	char *const argv[] = { self, "child", 0 };
	char *const env[] = { 0 };

	(void)execve(self, argv, env);
	return 0;
}

/* exec from a thread: the process keeps its pid, the other threads are gone, and what waits for it sees the new program's end. */
static void execs(char *self)
{
	pid_t pid = fork();

	if (pid == 0) {
		static _Atomic int never;
		pthread_t t;

		(void)pthread_create(&t, 0, spin, (void *)&never);
		(void)pthread_create(&t, 0, exec_here, self);
		for (;;)
			(void)pause();
	}
	CHECK(wait_status(pid) == 21);
	/* With the leader gone already. */
	pid = fork();
	if (pid == 0) {
		pthread_t t;

		(void)pthread_create(&t, 0, exec_here, self);
		pthread_exit(0);
	}
	CHECK(wait_status(pid) == 21);
	/* One that fails changes nothing. */
	pid = fork();
	if (pid == 0) {
		static _Atomic int stop;
		pthread_t t, u;

		(void)pthread_create(&t, 0, spin, (void *)&stop);
		(void)pthread_create(&u, 0, exec_here, "/nowhere");
		(void)pthread_join(u, 0);
		stop = 1;
		(void)pthread_join(t, 0);
		_exit(22);
	}
	CHECK(wait_status(pid) == 22);
}

static _Atomic int in_memory;
static int clone_main(void *what) { in_memory = (int)(long)what; return 31; }

#define FAILS(error, call) CHECK((call) == -1 && errno == (error))
static void clones(void)
{
	char *stack = malloc(65536);
	struct clone3_args a = { .exit_signal = SIGCHLD };
	pid_t pid;

	CHECK(stack);
	/* A process of its own in the same memory. */
	CHECK((pid = clone(clone_main, stack + 65536, CLONE_VM | SIGCHLD, (void *)5)) > 0);
	CHECK(wait_status(pid) == 31 && in_memory == 5);
	CHECK((pid = clone(clone_main, stack + 65536, CLONE_VM | CLONE_VFORK | SIGCHLD, (void *)6)) > 0);
	CHECK(in_memory == 6 && wait_status(pid) == 31);
	CHECK((pid = clone(clone_main, stack + 65536, SIGCHLD, (void *)7)) > 0);
	CHECK(wait_status(pid) == 31 && in_memory == 6);
	FAILS(EINVAL, syscall(SYS_clone, CLONE_THREAD, stack + 65536, 0, 0, 0));
	FAILS(EINVAL, syscall(SYS_clone, CLONE_THREAD | CLONE_SIGHAND, stack + 65536, 0, 0, 0));
	FAILS(EINVAL, syscall(SYS_clone, CLONE_SIGHAND, stack + 65536, 0, 0, 0));
	FAILS(EINVAL, syscall(SYS_clone3, &a, sizeof a - 1));
	FAILS(E2BIG, syscall(SYS_clone3, &a, 1ul << 20));
	FAILS(EFAULT, syscall(SYS_clone3, 8, sizeof a));
	a.stack = (uint64_t)stack;
	FAILS(EINVAL, syscall(SYS_clone3, &a, sizeof a)); /* a stack without a size */
	a = (struct clone3_args){ .flags = CLONE_THREAD | CLONE_SIGHAND | CLONE_VM, .exit_signal = SIGCHLD };
	FAILS(EINVAL, syscall(SYS_clone3, &a, sizeof a));
	a = (struct clone3_args){ .exit_signal = 100 };
	FAILS(EINVAL, syscall(SYS_clone3, &a, sizeof a));
	a = (struct clone3_args){ .exit_signal = SIGCHLD };
	CHECK((pid = (pid_t)syscall(SYS_clone3, &a, sizeof a)) >= 0);
	if (pid == 0)
		_exit(32);
	CHECK(wait_status(pid) == 32);
	free(stack);
}

static void *file_here(void *fd)
{
	CHECK(write(((int *)fd)[1], "x", 1) == 1 && close(((int *)fd)[1]) == 0 && chdir("/tmp") == 0);
	return 0;
}

/* What one thread opens, closes and changes is the others' too. */
static void files(void)
{
	char here[64], byte;
	pthread_t t;
	int fd[2];

	CHECK(pipe(fd) == 0 && chdir("/") == 0);
	CHECK(pthread_create(&t, 0, file_here, fd) == 0 && pthread_join(t, 0) == 0);
	CHECK(read(fd[0], &byte, 1) == 1 && byte == 'x' && read(fd[0], &byte, 1) == 0);
	CHECK(fcntl(fd[1], F_GETFD) < 0 && errno == EBADF && getcwd(here, sizeof here) && strcmp(here, "/tmp") == 0);
	close(fd[0]);
}

static void *wait_here(void *pid) { CHECK(wait_status((pid_t)(long)pid) == 41); return 0; }

/* Memory that one thread maps, protects and gives back while others run. */
static void *map_here(void *n)
{
	for (int k = 0; k < 30; k++) {
		size_t size = 4096 * (1 + ((size_t)n + (size_t)k) % 7);
		char *m = mmap(0, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		CHECK(m != MAP_FAILED);
		memset(m, (int)(long)n, size);
		(void)sched_yield();
		for (size_t i = 0; i < size; i++)
			CHECK(m[i] == (char)(long)n);
		CHECK(mprotect(m, 4096, PROT_READ) == 0 && munmap(m, size) == 0);
	}
	return 0;
}

static _Atomic int came[2];
static void note(int sig) { came[sig == SIGUSR2]++; }

/* The leader has ended: what is sent to it alone is lost, SIGSTOP and SIGKILL too; not what is sent to the process. */
static void *without_leader(void *unused)
{
	const int lost[] = { SIGUSR1, SIGSTOP, SIGKILL };
	char line[200] = "";

	while (!strstr(line, ") Z ")) {
		FILE *f = fopen("/proc/self/stat", "r");

		if (!fgets(line, sizeof line, f))
			break;
		fclose(f);
		(void)sched_yield();
	}
	for (int i = 0; i < 3; i++)
		CHECK(syscall(SYS_tgkill, getpid(), getpid(), lost[i]) == 0);
	CHECK(kill(getpid(), SIGUSR2) == 0);
	while (!came[1])
		(void)sched_yield();
	CHECK(!came[0]);
	_exit(42);
	return unused;
}

static void leaderless(void)
{
	pid_t pid = fork();
	pthread_t t;

	CHECK(pid >= 0);
	if (pid == 0) {
		signal(SIGUSR1, note);
		signal(SIGUSR2, note);
		CHECK(pthread_create(&t, 0, without_leader, 0) == 0);
		pthread_exit(0);
	}
	CHECK(wait_status(pid) == 42);
}

int main(int argc, char **argv)
{
	static _Atomic int stop;
	pthread_t spinner[3], t, many[6];
	char self[4096] = "";
	pid_t pid;

	(void)argv;
	if (argc > 1) {
		char line[64];
		int threads = 0;
		FILE *f = fopen("/proc/self/status", "r");

		while (f && fgets(line, sizeof line, f))
			if (sscanf(line, "Threads: %d", &threads) == 1)
				break;
		return tid() == getpid() && threads == 1 ? 21 : 20;
	}
	CHECK(readlink("/proc/self/exe", self, sizeof self - 1) > 0);
	for (int i = 0; i < 3; i++)
		CHECK(pthread_create(&spinner[i], 0, spin, (void *)&stop) == 0);
	while (ready < 3)
		(void)sched_yield();
	for (int i = 0; i < 5; i++) {
		CHECK(pthread_create(&t, 0, fork_here, 0) == 0 && pthread_join(t, 0) == 0);
		CHECK(pthread_create(&t, 0, vfork_here, 0) == 0 && pthread_join(t, 0) == 0);
		CHECK(pthread_create(&t, 0, spawn_here, self) == 0 && pthread_join(t, 0) == 0);
	}
	execs(self);
	leaderless();
	clones();
	files();
	CHECK((pid = fork()) >= 0);
	if (pid == 0)
		_exit(41);
	CHECK(pthread_create(&t, 0, wait_here, (void *)(long)pid) == 0 && pthread_join(t, 0) == 0);
	for (long i = 0; i < 6; i++)
		CHECK(pthread_create(&many[i], 0, map_here, (void *)(i + 1)) == 0);
	for (int i = 0; i < 6; i++)
		CHECK(pthread_join(many[i], 0) == 0);
	stop = 1;
	for (int i = 0; i < 3; i++)
		CHECK(pthread_join(spinner[i], 0) == 0);
	printf("threads and processes are well\n");
	return 0;
}
