/* SPDX-License-Identifier: MIT */
/* Signals and threads: masks and pending signals of each, who takes what is sent to the process, alternate stacks, and how all of them end, stop and go on. */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include "check.h"

static _Atomic long taker, takes, ready;
static long tid(void) { return syscall(SYS_gettid); }
static int tgkill_(long group, long id, int sig) { return (int)syscall(SYS_tgkill, group, id, sig); }
static void on_signal(int sig) { (void)sig; taker = tid(); takes++; }

static void wait_for(_Atomic long *what, long value)
{
	while (*what != value)
		(void)sched_yield();
}

static void handle(int sig, void (*handler)(int), int flags)
{
	struct sigaction a = { .sa_handler = handler, .sa_flags = flags };

	CHECK(sigaction(sig, &a, 0) == 0);
}

static sigset_t set_of(int sig)
{
	sigset_t s;

	sigemptyset(&s);
	sigaddset(&s, sig);
	return s;
}

static void *sleeper(void *nothing)
{
	struct timespec t = { 1000, 0 };

	ready = tid();
	CHECK(nanosleep(&t, 0) < 0 && errno == EINTR);
	return nothing;
}

/* Sent to one thread: that one takes it, also out of its sleep. */
static void to_one(void)
{
	pthread_t t;
	long id;

	handle(SIGUSR1, on_signal, 0);
	ready = takes = 0;
	CHECK(pthread_create(&t, 0, sleeper, 0) == 0);
	while (!(id = ready))
		(void)sched_yield();
	(void)sched_yield();
	CHECK(tgkill_(getpid(), id, SIGUSR1) == 0 && pthread_join(t, 0) == 0);
	CHECK(taker == id && takes == 1);
	while (tgkill_(getpid(), id, 0) == 0) /* the joined thread has only told its id's word that it leaves */
		(void)sched_yield();
	CHECK(errno == ESRCH);
	CHECK(tgkill_(getpid() + 1, getpid(), 0) < 0 && errno == ESRCH);
	CHECK(tgkill_(0, getpid(), 0) < 0 && errno == EINVAL);
	CHECK(tgkill_(getpid(), -1, 0) < 0 && errno == EINVAL);
	CHECK(tgkill_(getpid(), getpid(), 65) < 0 && errno == EINVAL);
	CHECK(syscall(SYS_tkill, 0, 0) < 0 && errno == EINVAL);
	CHECK(syscall(SYS_tkill, getpid(), 0) == 0);
}

static void *unblocked(void *nothing)
{
	sigset_t s = set_of(SIGUSR2);

	CHECK(pthread_sigmask(SIG_UNBLOCK, &s, 0) == 0);
	ready = tid();
	wait_for(&takes, 1);
	return nothing;
}

/* Sent to the process: whoever does not block it. */
static void to_process(void)
{
	sigset_t s = set_of(SIGUSR2), pending;
	pthread_t t;

	handle(SIGUSR2, on_signal, 0);
	ready = takes = 0;
	CHECK(pthread_sigmask(SIG_BLOCK, &s, 0) == 0);
	CHECK(pthread_create(&t, 0, unblocked, 0) == 0);
	while (!ready)
		(void)sched_yield();
	CHECK(kill(getpid(), SIGUSR2) == 0 && pthread_join(t, 0) == 0);
	CHECK(taker == ready);
	/* With all of them blocking it stays pending for the process; what is sent to a thread only there. */
	CHECK(kill(getpid(), SIGUSR2) == 0 && sigpending(&pending) == 0 && sigismember(&pending, SIGUSR2) == 1 && takes == 1);
	CHECK(pthread_sigmask(SIG_UNBLOCK, &s, 0) == 0 && takes == 2);
}

static void *waiter(void *nothing)
{
	sigset_t s = set_of(SIGRTMIN);
	siginfo_t info;

	ready = tid();
	CHECK(sigwaitinfo(&s, &info) == SIGRTMIN && info.si_pid == getpid());
	ready = 0;
	return nothing;
}

static void waits(void)
{
	sigset_t s = set_of(SIGRTMIN), pending;
	struct timespec none = { 0, 0 }, some = { 0, 2000000 };
	pthread_t t;

	CHECK(pthread_sigmask(SIG_BLOCK, &s, 0) == 0);
	ready = 0;
	CHECK(pthread_create(&t, 0, waiter, 0) == 0);
	while (!ready)
		(void)sched_yield();
	CHECK(kill(getpid(), SIGRTMIN) == 0 && pthread_join(t, 0) == 0);
	CHECK(sigtimedwait(&s, 0, &none) < 0 && errno == EAGAIN);
	CHECK(sigtimedwait(&s, 0, &some) < 0 && errno == EAGAIN);
	CHECK(tgkill_(getpid(), tid(), SIGRTMIN) == 0 && sigpending(&pending) == 0 && sigismember(&pending, SIGRTMIN) == 1);
	CHECK(sigtimedwait(&s, 0, &none) == SIGRTMIN);
}

static __thread char *stack_low, *stack_high;
static void on_stack(int sig)
{
	char here;

	(void)sig;
	CHECK(&here >= stack_low && &here < stack_high);
	takes++;
}

static void *stacked(void *nothing)
{
	stack_t was, s = { .ss_size = 65536, .ss_sp = malloc(65536) };

	CHECK(sigaltstack(0, &was) == 0 && was.ss_flags == SS_DISABLE);
	CHECK(s.ss_sp && sigaltstack(&s, 0) == 0);
	stack_low = s.ss_sp;
	stack_high = stack_low + s.ss_size;
	for (int i = 0; i < 20; i++) {
		CHECK(raise(SIGUSR1) == 0);
		(void)sched_yield();
	}
	s.ss_flags = SS_DISABLE;
	CHECK(sigaltstack(&s, 0) == 0);
	free(stack_low);
	return nothing;
}

static void stacks(void)
{
	pthread_t t[4];

	handle(SIGUSR1, on_stack, SA_ONSTACK);
	takes = 0;
	for (int i = 0; i < 4; i++)
		CHECK(pthread_create(&t[i], 0, stacked, 0) == 0);
	for (int i = 0; i < 4; i++)
		CHECK(pthread_join(t[i], 0) == 0);
	CHECK(takes == 80);
}

/* ---- ends: what a child with threads does, and the status that its parent sees */
static void *sleep_long(void *nothing)
{
	struct timespec t = { 1000, 0 };

	ready++;
	(void)nanosleep(&t, 0);
	return nothing;
}

static void *read_long(void *fd)
{
	char byte;

	ready++;
	(void)!read((int)(long)fd, &byte, 1);
	return 0;
}

static void *spin_long(void *nothing)
{
	ready++;
	for (;;)
		;
	return nothing;
}

static void *end_exit(void *nothing) { wait_for(&ready, 3); exit(23); return nothing; }
static void *end_crash(void *nothing) { wait_for(&ready, 3); *(volatile int *)nothing = 1; return nothing; }
static void *end_abort(void *nothing) { wait_for(&ready, 3); abort(); return nothing; }
static void *end_term(void *nothing) { wait_for(&ready, 3); (void)kill(getpid(), SIGTERM); return nothing; }
static void *end_kill(void *nothing) { wait_for(&ready, 3); (void)kill(getpid(), SIGKILL); return nothing; }

static int ends(void *(*how)(void *))
{
	pid_t pid = fork();

	if (pid == 0) {
		pthread_t t;
		int fd[2];

		(void)pipe(fd);
		ready = 0;
		(void)pthread_create(&t, 0, sleep_long, 0);
		(void)pthread_create(&t, 0, read_long, (void *)(long)fd[0]);
		(void)pthread_create(&t, 0, spin_long, 0);
		(void)pthread_create(&t, 0, how, 0);
		for (;;)
			(void)pause();
	}
	return wait_status(pid);
}

/* Threads that end one by one: the last one's code counts (Linux 6.0 and later). */
static void *late(void *nothing)
{
	for (int i = 0; i < 50; i++)
		(void)sched_yield();
	syscall(SYS_exit, 9);
	return nothing;
}

static void codes(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		pthread_t t;

		(void)pthread_create(&t, 0, late, 0);
		syscall(SYS_exit, 4);
	}
	CHECK(wait_status(pid) == 9);
}

/* Stopped and continued from outside: no thread runs while it is stopped. */
static volatile long *shared;
static void *counts(void *i)
{
	for (;;)
		shared[(long)i]++;
	return 0;
}

static void stops(void)
{
	struct timespec t = { 0, 30000000 };
	long before[3];
	int st;
	pid_t pid;

	CHECK((pid = fork()) >= 0);
	if (pid == 0) {
		pthread_t thread;

		(void)pthread_create(&thread, 0, counts, (void *)1);
		(void)pthread_create(&thread, 0, counts, (void *)2);
		counts(0);
	}
	while (!shared[0] || !shared[1] || !shared[2])
		(void)sched_yield();
	CHECK(kill(pid, SIGSTOP) == 0 && waitpid(pid, &st, WUNTRACED) == pid && WIFSTOPPED(st) && WSTOPSIG(st) == SIGSTOP);
	nanosleep(&t, 0);
	for (int i = 0; i < 3; i++)
		before[i] = shared[i];
	nanosleep(&t, 0);
	for (int i = 0; i < 3; i++)
		CHECK(shared[i] == before[i]);
	CHECK(kill(pid, SIGCONT) == 0 && waitpid(pid, &st, WCONTINUED) == pid && WIFCONTINUED(st));
	while (shared[0] == before[0] || shared[1] == before[1] || shared[2] == before[2])
		(void)sched_yield();
	CHECK(kill(pid, SIGKILL) == 0 && wait_status(pid) == 128 + SIGKILL);
}

int main(void)
{
	to_one();
	to_process();
	waits();
	stacks();
	CHECK(ends(end_exit) == 23);
	CHECK(ends(end_crash) == 128 + SIGSEGV);
	CHECK(ends(end_abort) == 128 + SIGABRT);
	CHECK(ends(end_term) == 128 + SIGTERM);
	CHECK(ends(end_kill) == 128 + SIGKILL);
	codes();
	shared = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(shared != MAP_FAILED);
	stops();
	printf("signals of threads are well\n");
	return 0;
}
