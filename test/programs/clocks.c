/* SPDX-License-Identifier: MIT */
/* CPU time and what counts it: clocks by number, timers and sleeps on them, limits, usage, classes of scheduling;
 * and timers that come more often than anybody looks. */
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <time.h>
#include "try.h"

#define MS 1000000l

static volatile int handled;
static void on_signal(int sig) { (void)sig; handled++; }

static long ns_of(clockid_t clock)
{
	struct timespec t;

	CHECK(clock_gettime(clock, &t) == 0);
	return t.tv_sec * 1000 * MS + t.tv_nsec;
}

static void spin(long ns)
{
	for (long from = ns_of(CLOCK_PROCESS_CPUTIME_ID); ns_of(CLOCK_PROCESS_CPUTIME_ID) - from < ns;)
		for (volatile int i = 0; i < 20000; i++)
			;
}

#define PROCESS(pid) ((clockid_t)(~(unsigned)(pid) << 3 | 2))
#define THREAD(tid)  ((clockid_t)(~(unsigned)(tid) << 3 | 6))

static void numbers(void)
{
	struct timespec t;
	clockid_t c;
	long child;
	int pipes[2];
	pid_t pid;
	char byte;

	CHECK(pipe(pipes) == 0);
	pid = fork();
	if (pid == 0) {
		spin(60 * MS);
		CHECK(write(pipes[1], "x", 1) == 1);
		for (;;)
			pause();
	}
	CHECK(pid > 0 && read(pipes[0], &byte, 1) == 1);
	printf("getcpuclockid: %d %d %d\n", clock_getcpuclockid(0, &c), clock_getcpuclockid(getpid(), &c),
		clock_getcpuclockid(pid, &c));
	child = ns_of(PROCESS(pid));
	printf("child has used what it said: %d\n", child >= 60 * MS);
	CHECK(kill(pid, SIGKILL) == 0 && wait_status(pid) == 128 + SIGKILL);
	TRY(clock_gettime, PROCESS(pid), &t);
	TRY(clock_gettime, THREAD(getppid()), &t);
	TRY(clock_gettime, THREAD(getpid()), &t);
	TRY(clock_gettime, PROCESS(0) | 3, &t);
	TRY(clock_getres, PROCESS(getpid()), &t);
	TRY(clock_getres, PROCESS(pid), &t);
	TRY(clock_settime, PROCESS(getpid()), &t);
	TRY(clock_nanosleep, THREAD(0), 0, &t, 0);
	TRY(clock_nanosleep, CLOCK_THREAD_CPUTIME_ID, 0, &t, 0);
	close(pipes[0]);
	close(pipes[1]);
}

/* A timer on a CPU clock comes after so much work, and not by waiting. */
static void cpu_timer(clockid_t clock)
{
	struct sigevent e = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1 };
	struct itimerspec set = { { 0, 0 }, { 0, 30 * MS } };
	timer_t id;

	handled = 0;
	CHECK(timer_create(clock, &e, &id) == 0 && timer_settime(id, 0, &set, 0) == 0);
	usleep(60000);
	printf("after a sleep: %d", handled);
	spin(300 * MS); /* Linux looks at its ticks, and a busy host takes some of them */
	printf(", after work: %d", handled);
	CHECK(timer_gettime(id, &set) == 0);
	printf(", left %d\n", (int)(set.it_value.tv_sec + set.it_value.tv_nsec));
	set = (struct itimerspec){ { 0, 0 }, { 0, 1 } };
	CHECK(timer_settime(id, TIMER_ABSTIME, &set, 0) == 0);
	spin(200 * MS);
	printf("of the past: %d\n", handled);
	CHECK(timer_delete(id) == 0);
}


/* Whose signal waits is not sent again; how often it would have been is told with it. */
static void often(void)
{
	struct sigevent e = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1 }, none = { .sigev_notify = SIGEV_NONE };
	struct itimerspec fast = { { 0, 1 }, { 0, 1 } }, slow = { { 0, 5 * MS }, { 0, 5 * MS } }, is;
	struct itimerval alarm = { { 0, 1 }, { 0, 1 } }, off = { { 0, 0 }, { 0, 0 } };
	struct timespec now = { 0, 0 };
	timer_t a, b, quiet;
	uint64_t times = 0;
	siginfo_t info;
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGALRM);
	CHECK(sigprocmask(SIG_BLOCK, &set, 0) == 0);
	CHECK(timer_create(CLOCK_MONOTONIC, &e, &a) == 0 && timer_create(CLOCK_MONOTONIC, &e, &b) == 0
		&& timer_create(CLOCK_MONOTONIC, &none, &quiet) == 0);
	CHECK(timer_settime(a, 0, &fast, 0) == 0 && timer_settime(b, 0, &slow, 0) == 0 && timer_settime(quiet, 0, &fast,
		0) == 0);
	usleep(52000);
	/* Both timers' signals are there, though the number is one. */
	CHECK(sigtimedwait(&set, &info, &now) == SIGUSR1 && info.si_code == SI_TIMER);
	printf("first: overrun of 1 ns above 50 million: %d, told again: %d\n", info.si_overrun > 50000000,
		timer_getoverrun(a) == info.si_overrun);
	CHECK(timer_delete(a) == 0);
	CHECK(sigtimedwait(&set, &info, &now) == SIGUSR1);
	while (info.si_overrun > 50000000) /* the first one's once more: it had gone on */
		CHECK(sigtimedwait(&set, &info, &now) == SIGUSR1);
	printf("second: overrun of 5 ms at least 9: %d\n", info.si_overrun >= 9);
	CHECK(timer_gettime(b, &is) == 0);
	printf("it goes on: %d\n", is.it_value.tv_nsec > 0 && is.it_value.tv_nsec <= 5 * MS);
	CHECK(timer_gettime(quiet, &is) == 0);
	printf("the quiet one: %ld, overrun %d\n", is.it_value.tv_nsec, timer_getoverrun(quiet));
	CHECK(timer_delete(b) == 0 && timer_delete(quiet) == 0);
	while (sigtimedwait(&set, &info, &now) > 0)
		;
	CHECK(setitimer(ITIMER_REAL, &alarm, 0) == 0);
	usleep(5000);
	CHECK(sigtimedwait(&set, &info, &now) == SIGALRM && setitimer(ITIMER_REAL, &off, 0) == 0);
	while (sigtimedwait(&set, &info, &now) > 0)
		;
	fd = timerfd_create(CLOCK_MONOTONIC, 0);
	CHECK(fd >= 0 && timerfd_settime(fd, 0, &fast, 0) == 0);
	usleep(20000);
	CHECK(read(fd, &times, sizeof times) == sizeof times);
	printf("timerfd of 1 ns above 20 million: %d\n", times > 20000000);
	close(fd);
	CHECK(sigprocmask(SIG_UNBLOCK, &set, 0) == 0);
}

/* Timers that come all the time, of somebody who sleeps, leave others their CPU. */
static void beside(void)
{
	int pipes[2];
	long began;
	pid_t pid;
	char byte;

	CHECK(pipe(pipes) == 0);
	pid = fork();
	if (pid == 0) {
		struct itimerspec fast = { { 0, 1 }, { 0, 1 } };
		struct itimerval alarm = { { 0, 1 }, { 0, 1 } };
		sigset_t all;
		timer_t id;
		int fd = timerfd_create(CLOCK_MONOTONIC, 0);

		sigfillset(&all);
		CHECK(sigprocmask(SIG_BLOCK, &all, 0) == 0 && timer_create(CLOCK_MONOTONIC, 0, &id) == 0);
		CHECK(timer_settime(id, 0, &fast, 0) == 0 && timerfd_settime(fd, 0, &fast, 0) == 0 && setitimer(ITIMER_REAL,
			&alarm, 0) == 0);
		CHECK(write(pipes[1], "x", 1) == 1);
		pause();
	}
	CHECK(read(pipes[0], &byte, 1) == 1);
	began = ns_of(CLOCK_PROCESS_CPUTIME_ID);
	usleep(100000);
	spin(100 * MS);
	printf("beside a sleeper with fast timers, CPU time is the worker's own: %d\n",
		ns_of(CLOCK_PROCESS_CPUTIME_ID) - began >= 100 * MS && ns_of(PROCESS(pid)) < 50 * MS);
	CHECK(kill(pid, SIGKILL) == 0 && wait_status(pid) == 128 + SIGKILL);
}

static void limited(void)
{
	const struct { long soft, hard; int handles; } row[] = { { 1, 1, 0 }, { 1, 2, 0 }, { 1, 2, 1 } };

	for (unsigned i = 0; i < sizeof row / sizeof *row; i++) {
		struct rlimit limit = { (rlim_t)row[i].soft, (rlim_t)row[i].hard };
		pid_t pid = fork();

		if (pid == 0) {
			if (row[i].handles)
				signal(SIGXCPU, on_signal);
			handled = 0;
			CHECK(setrlimit(RLIMIT_CPU, &limit) == 0);
			/* A grandchild has the limit too. */
			if (i == 1 && (pid = fork()) > 0) {
				printf("of a child: %d\n", wait_status(pid));
				fflush(stdout);
				_exit(0);
			}
			spin(3000 * MS);
			_exit(handled);
		}
		printf("limit %ld %ld: ended by %d\n", row[i].soft, row[i].hard, wait_status(pid));
		fflush(stdout);
	}
}

static void used(void)
{
	const size_t big = 24ul << 20;
	struct rusage r, c, was;
	char *p;
	pid_t pid;

	CHECK(getrusage(RUSAGE_SELF, &was) == 0);
	p = mmap(0, big, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(p != MAP_FAILED);
	for (size_t i = 0; i < big; i += 4096)
		p[i] = 1;
	CHECK(munmap(p, big) == 0 && getrusage(RUSAGE_SELF, &r) == 0);
	printf("most pages, though they are gone: %d; faults: %d\n", r.ru_maxrss >= (long)(big / 1024),
		r.ru_minflt - was.ru_minflt >= 6144 / 512);
	for (int i = 0; i < 20; i++)
		usleep(1000);
	CHECK(getrusage(RUSAGE_SELF, &c) == 0);
	printf("waits: %d\n", c.ru_nvcsw - r.ru_nvcsw >= 20);
	pid = fork();
	if (pid == 0) {
		spin(300 * MS);
		CHECK(getrusage(RUSAGE_SELF, &r) == 0);
		_exit(r.ru_utime.tv_usec > r.ru_stime.tv_usec);
	}
	printf("mostly its own code: %d\n", wait_status(pid));
	CHECK(getrusage(RUSAGE_CHILDREN, &c) == 0);
	printf("of children: %d\n", c.ru_utime.tv_sec * 1000000 + c.ru_utime.tv_usec >= 150000);
	printf("their most pages: %d\n", c.ru_maxrss > 0);
}

static void classes(void)
{
	struct sched_param p = { 0 };

	printf("batch: %d", sched_setscheduler(0, SCHED_BATCH, &p));
	printf(", is %d\n", sched_getscheduler(0));
	printf("reset at fork: %d", sched_setscheduler(0, SCHED_IDLE | SCHED_RESET_ON_FORK, &p));
	printf(", is %x", sched_getscheduler(0));
	fflush(stdout);
	if (fork() == 0) {
		printf(", child's %x\n", sched_getscheduler(0));
		fflush(stdout);
		_exit(0);
	}
	wait(0);
	CHECK(sched_setscheduler(0, SCHED_BATCH, &p) == 0);
	if (fork() == 0) {
		printf("inherited: %x\n", sched_getscheduler(0));
		fflush(stdout);
		_exit(0);
	}
	wait(0);
	CHECK(sched_setscheduler(0, SCHED_OTHER, &p) == 0);
	TRY(sched_setscheduler, 0, 77, &p);
	TRY(sched_setscheduler, 0, SCHED_BATCH, BAD);
	TRY(sched_getscheduler, -1);
	TRY(sched_getscheduler, 0x7ffffff);
}

int main(void)
{
	setvbuf(stdout, 0, _IOLBF, 0);
	CHECK(signal(SIGUSR1, on_signal) != SIG_ERR);
	numbers();
	cpu_timer(CLOCK_PROCESS_CPUTIME_ID);
	cpu_timer(CLOCK_THREAD_CPUTIME_ID);
	often();
	beside();
	limited();
	used();
	classes();
	return 0;
}
