/* SPDX-License-Identifier: MIT */
/* Rows between two processes or threads: what a message, a wake-up or a switch costs. */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <time.h>
#include <sys/prctl.h>
#include "measure.h"

/* musl has no <linux/futex.h>. */
#define FUTEX_WAIT 0
#define FUTEX_WAKE 1
/* Short samples and many: which of the two has run less, and so how far its wake-up must look, changes from one to the next, and so does whether the timer comes. */
#define TRIPS 50
#define BATCHES 100

static int there[2], back[2];

/* A round trip by descriptors, of 1 byte or (eventfds) 8. */
static int trips_by_descriptors(int size)
{
	uint64_t word = 1;
	pid_t child = fork();

	NEED(child >= 0);
	if (child == 0) {
		while (read(there[0], &word, (size_t)size) == size && write(back[1], &word, (size_t)size) == size)
			;
		_exit(0);
	}
	NEED(write(there[1], &word, (size_t)size) == size && read(back[0], &word, (size_t)size) == size);
	MEAN(BATCHES, rounds(TRIPS), 2, { (void)!write(there[1], &word, (size_t)size); (void)!read(back[0], &word, (size_t)size); });
	(void)kill(child, SIGKILL);
	(void)waitpid(child, 0, 0);
	samples_say("");
	return 0;
}

int row_pipe(void)
{
	NEED(pipe(there) == 0 && pipe(back) == 0);
	return trips_by_descriptors(1);
}

int row_eventfd(void)
{
	NEED((there[0] = there[1] = eventfd(0, 0)) >= 0 && (back[0] = back[1] = eventfd(0, 0)) >= 0);
	return trips_by_descriptors(8);
}

static long futex(volatile int *word, int op, int value)
{
	return syscall(SYS_futex, word, op, value, 0, 0, 0);
}

static void futex_pass(volatile int *mine, volatile int *theirs)
{
	*theirs = 1;
	(void)futex(theirs, FUTEX_WAKE, 1);
	while (!*mine)
		(void)futex(mine, FUTEX_WAIT, 0);
	*mine = 0;
}

int row_futex(void)
{
	volatile int *word = mmap(0, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t child;

	NEED(word != MAP_FAILED);
	word[0] = word[64] = 0;
	NEED(futex(&word[0], FUTEX_WAKE, 1) >= 0);
	child = fork();
	NEED(child >= 0);
	if (child == 0) {
		while (!word[64])
			(void)futex(&word[64], FUTEX_WAIT, 0);
		word[64] = 0;
		for (;;)
			futex_pass(&word[64], &word[0]);
	}
	futex_pass(&word[0], &word[64]);
	MEAN(BATCHES, rounds(TRIPS), 2, futex_pass(&word[0], &word[64]));
	(void)kill(child, SIGKILL);
	(void)waitpid(child, 0, 0);
	samples_say("");
	return 0;
}

/* Who ran last, and how often that changed: a yield need not switch, and then it is not counted. */
static volatile struct { int last; long switches; } *turn;

static void yield_as(int who)
{
	if (turn->last != who) {
		turn->last = who;
		turn->switches++;
	}
	(void)sched_yield();
}

int row_yield(void)
{
	pid_t child;

	turn = mmap(0, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	NEED(turn != MAP_FAILED);
	turn->last = 0;
	child = fork();
	NEED(child >= 0);
	if (child == 0)
		for (;;)
			yield_as(1);
	while (turn->last == 0)
		(void)sched_yield();
	for (int b = 0; b < BATCHES; b++) {
		long before = turn->switches;
		uint64_t from = ticks();

		for (unsigned k = 0, n = rounds(TRIPS) * 4; k < n; k++)
			yield_as(2);
		if (turn->switches > before)
			sample(from, ticks(), (double)(turn->switches - before));
	}
	(void)kill(child, SIGKILL);
	(void)waitpid(child, 0, 0);
	samples_say("");
	return 0;
}

static void *thread_main(void *argument) { return argument; }

int row_thread(void)
{
	pthread_t thread;
	int e = pthread_create(&thread, 0, thread_main, 0);

	if (e)
		return e;
	(void)pthread_join(thread, 0);
	MEAN(45, rounds(10), 1, { if (pthread_create(&thread, 0, thread_main, 0) == 0) (void)pthread_join(thread, 0); });
	samples_say("");
	return 0;
}

static uint64_t nanoseconds(const struct timespec *t) { return (uint64_t)t->tv_sec * 1000000000ul + (uint64_t)t->tv_nsec; }

#define SLEEPS 10000
int row_timer(void)
{
	static uint32_t late[SLEEPS];
	unsigned n = rounds(SLEEPS);
	uint32_t worst = 0;

	NEED(prctl(PR_SET_TIMERSLACK, 1) == 0);
	for (unsigned i = 0; i < n; i++) {
		struct timespec t, now;
		uint64_t at;

		NEED(clock_gettime(CLOCK_MONOTONIC, &t) == 0);
		at = nanoseconds(&t) + 100000;
		t.tv_sec = (time_t)(at / 1000000000ul);
		t.tv_nsec = (long)(at % 1000000000ul);
		NEED(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, 0) == 0);
		(void)clock_gettime(CLOCK_MONOTONIC, &now);
		late[i] = (uint32_t)(nanoseconds(&now) - at);
		worst = late[i] > worst ? late[i] : worst;
		if (i % 10 == 0 && i < n - 10)
			sample_value(late[i]);
	}
	sample_value(worst);
	samples_worst();
	return 0;
}
