/* SPDX-License-Identifier: MIT */
/* Words that name their holder (futex(2), "Priority-inheritance futexes"): locked, tried, unlocked in line, handed on
 * by who ends, moved to from a condition; what is refused; and mutexes of the C library that are made of them. */
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include "check.h"

/* <linux/futex.h>, which musl-gcc does not find. */
enum {
	FUTEX_WAIT, FUTEX_WAKE, FUTEX_REQUEUE = 3,
	LOCK_PI = 6, UNLOCK_PI, TRYLOCK_PI, WAIT_REQUEUE_PI = 11, CMP_REQUEUE_PI, LOCK_PI2,
	PRIVATE = 128, CLOCK_WALL = 256,
};
#define WAITERS 0x80000000u
#define OWNER_DIED 0x40000000u

static _Atomic uint32_t *word; /* a page, shared with children */
static _Atomic int turn, order[8], locked;
static _Atomic uint32_t begun[8]; /* tids of those who are about to wait */
static int kind; /* PRIVATE or 0 */

static long futex(_Atomic uint32_t *at, int op, uint32_t value, const void *timeout, _Atomic uint32_t *at2,
	uint32_t value3)
{
	return syscall(SYS_futex, at, op | kind, value, timeout, at2, value3);
}

#define FAILS(error, ...) CHECK(futex(__VA_ARGS__) == -1 && errno == (error))

static uint32_t tid(void) { return (uint32_t)syscall(SYS_gettid); }

static struct timespec in_ms(clockid_t clock, long ms)
{
	struct timespec t;

	CHECK(clock_gettime(clock, &t) == 0);
	t.tv_nsec += ms * 1000000;
	t.tv_sec += t.tv_nsec / 1000000000;
	t.tv_nsec %= 1000000000;
	return t;
}

/* Until that thread has begun, and sleeps: /proc says so. */
static void until_asleep(_Atomic uint32_t *who)
{
	char path[40], stat[200];

	while (!*who)
		(void)sched_yield();
	snprintf(path, sizeof path, "/proc/%u/stat", *who);
	for (;;) {
		int fd = open(path, O_RDONLY);
		ssize_t n = read(fd, stat, sizeof stat - 1);

		CHECK(fd >= 0 && n > 0);
		close(fd);
		stat[n] = 0;
		if (strrchr(stat, ')')[2] == 'S')
			return;
		(void)sched_yield();
	}
}

static void alone(void)
{
	struct timespec bad = { 0, 1000000000 };
	_Atomic uint32_t *odd = (void *)((char *)word + 2), *nowhere = (void *)8;

	CHECK(futex(word, LOCK_PI, 0, 0, 0, 0) == 0 && *word == tid());
	FAILS(EDEADLK, word, LOCK_PI, 0, 0, 0, 0);
	FAILS(EDEADLK, word, TRYLOCK_PI, 0, 0, 0, 0);
	CHECK(futex(word, UNLOCK_PI, 0, 0, 0, 0) == 0 && *word == 0);
	FAILS(EPERM, word, UNLOCK_PI, 0, 0, 0, 0);
	CHECK(futex(word, TRYLOCK_PI, 0, 0, 0, 0) == 0 && *word == tid());
	CHECK(futex(word, UNLOCK_PI, 0, 0, 0, 0) == 0);
	*word = OWNER_DIED;
	CHECK(futex(word, LOCK_PI2, 0, 0, 0, 0) == 0 && *word == (tid() | OWNER_DIED));
	CHECK(futex(word, UNLOCK_PI, 0, 0, 0, 0) == 0 && *word == 0);
	*word = 0x3ffffff0;
	FAILS(ESRCH, word, LOCK_PI, 0, 0, 0, 0);
	*word = 0;
	FAILS(EINVAL, odd, LOCK_PI, 0, 0, 0, 0);
	FAILS(EPERM, odd, UNLOCK_PI, 0, 0, 0, 0);
	FAILS(EFAULT, nowhere, LOCK_PI, 0, 0, 0, 0);
	FAILS(EFAULT, nowhere, UNLOCK_PI, 0, 0, 0, 0);
	FAILS(EINVAL, word, LOCK_PI, 0, &bad, 0, 0);
	FAILS(ENOSYS, word, LOCK_PI | CLOCK_WALL, 0, 0, 0, 0);
	FAILS(ENOSYS, word, UNLOCK_PI | CLOCK_WALL, 0, 0, 0, 0);
	FAILS(EINVAL, word, WAIT_REQUEUE_PI, 0, 0, word, 0);
	FAILS(EAGAIN, word, WAIT_REQUEUE_PI, 1, 0, word + 1, 0);
	FAILS(EINVAL, word, CMP_REQUEUE_PI, 2, 0, word + 1, 0);
	FAILS(EAGAIN, word, CMP_REQUEUE_PI, 1, 0, word + 1, 1);
	CHECK(futex(word, CMP_REQUEUE_PI, 1, 0, word + 1, 0) == 0);
}

static void *lock_in_turn(void *number)
{
	begun[(intptr_t)number] = tid();
	CHECK(futex(word, LOCK_PI, 0, 0, 0, 0) == 0);
	CHECK((*word & ~WAITERS) == tid());
	order[turn++] = (int)(intptr_t)number;
	CHECK(futex(word, UNLOCK_PI, 0, 0, 0, 0) == 0);
	return 0;
}

/* Those who wait get the word in the order in which they came. */
static void in_line(void)
{
	struct timespec t;
	pthread_t th[4];

	turn = 0;
	memset((void *)begun, 0, sizeof begun);
	CHECK(futex(word, LOCK_PI, 0, 0, 0, 0) == 0);
	for (int i = 0; i < 4; i++) {
		CHECK(pthread_create(&th[i], 0, lock_in_turn, (void *)(intptr_t)i) == 0);
		until_asleep(&begun[i]);
	}
	FAILS(EINVAL, word, FUTEX_WAKE, 1, 0, 0, 0);
	FAILS(EINVAL, word, FUTEX_REQUEUE, 0, (void *)1, word + 1, 0);
	CHECK(turn == 0 && *word == (tid() | WAITERS));
	CHECK(futex(word, UNLOCK_PI, 0, 0, 0, 0) == 0);
	for (int i = 0; i < 4; i++)
		CHECK(pthread_join(th[i], 0) == 0);
	for (int i = 0; i < 4; i++)
		CHECK(order[i] == i);
	/* The last one was given it with the mark of waiters, though there were none; its unlocking takes that away. */
	CHECK(*word == 0);
	t = in_ms(CLOCK_REALTIME, -1);
	CHECK(futex(word, LOCK_PI, 0, &t, 0, 0) == 0); /* free: it need not wait */
	CHECK(futex(word, UNLOCK_PI, 0, 0, 0, 0) == 0);
}

static void *try(void *unused)
{
	struct timespec t = in_ms(CLOCK_REALTIME, 5), steady = in_ms(CLOCK_MONOTONIC, 5);

	(void)unused;
	FAILS(EAGAIN, word, TRYLOCK_PI, 0, 0, 0, 0);
	FAILS(EPERM, word, UNLOCK_PI, 0, 0, 0, 0);
	FAILS(ETIMEDOUT, word, LOCK_PI, 0, &t, 0, 0);
	FAILS(ETIMEDOUT, word, LOCK_PI2, 0, &steady, 0, 0);
	t = in_ms(CLOCK_REALTIME, 5);
	FAILS(ETIMEDOUT, word, LOCK_PI2 | CLOCK_WALL, 0, &t, 0, 0);
	return 0;
}

static void *lock_and_end(void *unused)
{
	(void)unused;
	CHECK(futex(word, LOCK_PI, 0, 0, 0, 0) == 0);
	locked = 1;
	until_asleep(&begun[0]);
	return 0;
}

static void *other_way(void *unused)
{
	(void)unused;
	CHECK(futex(word + 1, LOCK_PI, 0, 0, 0, 0) == 0);
	begun[0] = tid();
	CHECK(futex(word, LOCK_PI, 0, 0, 0, 0) == 0);
	CHECK(futex(word, UNLOCK_PI, 0, 0, 0, 0) == 0);
	CHECK(futex(word + 1, UNLOCK_PI, 0, 0, 0, 0) == 0);
	return 0;
}

static void with_another(void)
{
	pthread_t th;

	CHECK(futex(word, LOCK_PI, 0, 0, 0, 0) == 0);
	CHECK(pthread_create(&th, 0, try, 0) == 0 && pthread_join(th, 0) == 0);
	CHECK(futex(word, UNLOCK_PI, 0, 0, 0, 0) == 0 && *word == 0);
	/* Whose holder ends gets it, and is told. */
	locked = 0;
	begun[0] = 0;
	CHECK(pthread_create(&th, 0, lock_and_end, 0) == 0);
	while (!locked)
		(void)sched_yield();
	begun[0] = tid();
	CHECK(futex(word, LOCK_PI, 0, 0, 0, 0) == 0);
	CHECK((*word & ~WAITERS) == (tid() | OWNER_DIED));
	CHECK(pthread_join(th, 0) == 0);
	CHECK(futex(word, UNLOCK_PI, 0, 0, 0, 0) == 0 && *word == 0);
	/* A circle. */
	begun[0] = 0;
	CHECK(futex(word, LOCK_PI, 0, 0, 0, 0) == 0);
	CHECK(pthread_create(&th, 0, other_way, 0) == 0);
	until_asleep(&begun[0]);
	FAILS(EDEADLK, word + 1, LOCK_PI, 0, 0, 0, 0);
	CHECK(futex(word, UNLOCK_PI, 0, 0, 0, 0) == 0);
	CHECK(pthread_join(th, 0) == 0 && word[0] == 0);
	word[1] = 0;
}

/* Processes: one is killed while it holds a shared word for which another waits. */
static void processes(void)
{
	pid_t holder, waiter;

	holder = fork();
	if (!holder) {
		CHECK(futex(word, LOCK_PI, 0, 0, 0, 0) == 0);
		for (;;)
			pause();
	}
	while (!*word)
		(void)sched_yield();
	waiter = fork();
	begun[0] = (uint32_t)waiter;
	if (!waiter) {
		CHECK(futex(word, LOCK_PI, 0, 0, 0, 0) == 0);
		CHECK((*word & ~WAITERS) == (tid() | OWNER_DIED));
		CHECK(futex(word, UNLOCK_PI, 0, 0, 0, 0) == 0);
		_exit(7);
	}
	while (!(*word & WAITERS))
		(void)sched_yield();
	until_asleep(&begun[0]);
	CHECK(kill(holder, SIGKILL) == 0);
	CHECK(wait_status(holder) == 128 + SIGKILL);
	CHECK(wait_status(waiter) == 7);
	CHECK(*word == 0);
}

static void *wait_to_lock(void *number)
{
	begun[(intptr_t)number] = tid();
	CHECK(futex(word + 2, WAIT_REQUEUE_PI, 0, 0, word, 0) == 0);
	CHECK((*word & ~WAITERS) == tid());
	order[turn++] = (int)(intptr_t)number;
	CHECK(futex(word, UNLOCK_PI, 0, 0, 0, 0) == 0);
	return 0;
}

static void conditions(void)
{
	struct timespec t = in_ms(CLOCK_MONOTONIC, 5);
	pthread_t th[3];

	FAILS(ETIMEDOUT, word + 2, WAIT_REQUEUE_PI, 0, &t, word, 0);
	turn = 0;
	memset((void *)begun, 0, sizeof begun);
	for (int i = 0; i < 3; i++) {
		CHECK(pthread_create(&th[i], 0, wait_to_lock, (void *)(intptr_t)i) == 0);
		until_asleep(&begun[i]);
	}
	FAILS(EINVAL, word + 2, CMP_REQUEUE_PI, 1, (void *)3, word + 3, 0);
	FAILS(EINVAL, word + 2, FUTEX_WAKE, 1, 0, 0, 0);
	/* Held: all three stand in line. */
	CHECK(futex(word, LOCK_PI, 0, 0, 0, 0) == 0);
	CHECK(futex(word + 2, CMP_REQUEUE_PI, 1, (void *)3, word, 0) == 3);
	CHECK(turn == 0 && *word == (tid() | WAITERS));
	CHECK(futex(word, UNLOCK_PI, 0, 0, 0, 0) == 0);
	for (int i = 0; i < 3; i++)
		CHECK(pthread_join(th[i], 0) == 0 && order[i] == i);
	CHECK(*word == 0);
	/* Free: the first one gets it at once. */
	turn = 0;
	begun[0] = 0;
	CHECK(pthread_create(&th[0], 0, wait_to_lock, 0) == 0);
	until_asleep(&begun[0]);
	CHECK(futex(word + 2, CMP_REQUEUE_PI, 1, 0, word, 0) == 1);
	CHECK(pthread_join(th[0], 0) == 0 && turn == 1);
}

static pthread_mutex_t mutex;
static int guarded;

static void *add(void *unused)
{
	for (int i = 0; i < 2000; i++) {
		CHECK(pthread_mutex_lock(&mutex) == 0);
		int was = guarded;
		if (i % 100 == 0)
			(void)sched_yield();
		guarded = was + 1;
		CHECK(pthread_mutex_unlock(&mutex) == 0);
	}
	return unused;
}

static void mutexes(void)
{
	pthread_mutexattr_t a;
	pthread_t th[4];

	CHECK(pthread_mutexattr_init(&a) == 0 && pthread_mutexattr_setprotocol(&a, PTHREAD_PRIO_INHERIT) == 0);
	CHECK(pthread_mutex_init(&mutex, &a) == 0);
	for (int i = 0; i < 4; i++)
		CHECK(pthread_create(&th[i], 0, add, 0) == 0);
	for (int i = 0; i < 4; i++)
		CHECK(pthread_join(th[i], 0) == 0);
	CHECK(guarded == 8000);
}

int main(void)
{
	word = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(word != MAP_FAILED);
	processes();
	for (kind = 0; kind <= PRIVATE; kind += PRIVATE) {
		alone();
		in_line();
		with_another();
		conditions();
	}
	mutexes();
	printf("words with holders are well\n");
	return 0;
}
