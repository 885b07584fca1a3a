/* SPDX-License-Identifier: MIT */
/* futex(2) by its own words: results and errnos of each operation, time-outs by both clocks, words shared between processes, and robust lists. */
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
	FUTEX_WAIT, FUTEX_WAKE, FUTEX_REQUEUE = 3, FUTEX_CMP_REQUEUE, FUTEX_WAKE_OP, FUTEX_WAIT_BITSET = 9, FUTEX_WAKE_BITSET, FUTEX_PRIVATE_FLAG = 128,
	FUTEX_CLOCK_REALTIME = 256, FUTEX_OP_SET = 0, FUTEX_OP_ADD = 1, FUTEX_OP_CMP_EQ = 0,
};
#define FUTEX_BITSET_MATCH_ANY 0xffffffffu
#define FUTEX_OP(op, oparg, cmp, cmparg) ((uint32_t)(op) << 28 | (uint32_t)(cmp) << 24 | (uint32_t)(oparg) << 12 | (uint32_t)(cmparg))

static _Atomic uint32_t *word; /* a page, shared with children */
static _Atomic int woken, waiting;

static long futex(_Atomic uint32_t *at, int op, uint32_t value, const void *timeout, _Atomic uint32_t *at2, uint32_t value3)
{
	return syscall(SYS_futex, at, op, value, timeout, at2, value3);
}

#define FAILS(error, ...) CHECK(futex(__VA_ARGS__) == -1 && errno == (error))

static void refused(void)
{
	struct timespec bad = { 0, 1000000000 }, negative = { -1, 0 };
	_Atomic uint32_t *odd = (void *)((char *)word + 2), *nowhere = (void *)8;

	FAILS(EAGAIN, &word[0], FUTEX_WAIT, 1, 0, 0, 0);
	FAILS(EINVAL, odd, FUTEX_WAIT, 0, 0, 0, 0);
	FAILS(EINVAL, odd, FUTEX_WAKE, 1, 0, 0, 0);
	FAILS(EFAULT, nowhere, FUTEX_WAIT, 0, 0, 0, 0);
	FAILS(EFAULT, nowhere, FUTEX_WAKE, 1, 0, 0, 0);
	CHECK(futex(nowhere, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1, 0, 0, 0) == 0); /* whose word is not looked at */
	FAILS(EFAULT, nowhere, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, 0, 0, 0, 0);
	FAILS(EFAULT, (void *)(-1ul - 3), FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1, 0, 0, 0);
	FAILS(EINVAL, &word[0], FUTEX_WAIT, 0, &bad, 0, 0);
	FAILS(EINVAL, &word[0], FUTEX_WAIT, 0, &negative, 0, 0);
	FAILS(EFAULT, &word[0], FUTEX_WAIT, 0, (void *)8, 0, 0);
	FAILS(EINVAL, &word[0], FUTEX_WAIT_BITSET, 0, 0, 0, 0);
	FAILS(EINVAL, &word[0], FUTEX_WAKE_BITSET, 1, 0, 0, 0);
	FAILS(EAGAIN, &word[0], FUTEX_CMP_REQUEUE, 1, (void *)1, &word[1], 5);
	FAILS(EINVAL, &word[0], FUTEX_CMP_REQUEUE, (uint32_t)-1, (void *)1, &word[1], 0);
	FAILS(EINVAL, &word[0], FUTEX_REQUEUE, 1, (void *)-1, &word[1], 0);
	FAILS(ENOSYS, &word[0], 77, 1, 0, 0, 0);
	FAILS(ENOSYS, &word[0], FUTEX_WAKE | FUTEX_CLOCK_REALTIME, 1, 0, 0, 0);
	CHECK(futex(&word[0], FUTEX_WAKE, 1, 0, 0, 0) == 0);
	CHECK(futex(&word[0], FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1, 0, 0, 0) == 0);
}

static int64_t now_ns(clockid_t clock)
{
	struct timespec t;

	CHECK(clock_gettime(clock, &t) == 0);
	return t.tv_sec * 1000000000ll + t.tv_nsec;
}

static struct timespec timespec_of(int64_t ns) { return (struct timespec){ ns / 1000000000, ns % 1000000000 }; }

static void timeouts(void)
{
	int64_t before = now_ns(CLOCK_MONOTONIC);
	struct timespec t = timespec_of(3000000);

	FAILS(ETIMEDOUT, &word[0], FUTEX_WAIT, 0, &t, 0, 0);
	CHECK(now_ns(CLOCK_MONOTONIC) - before >= 3000000);
	t = timespec_of(now_ns(CLOCK_MONOTONIC) + 3000000);
	FAILS(ETIMEDOUT, &word[0], FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG, 0, &t, 0, FUTEX_BITSET_MATCH_ANY);
	CHECK(now_ns(CLOCK_MONOTONIC) >= t.tv_sec * 1000000000ll + t.tv_nsec);
	t = timespec_of(now_ns(CLOCK_REALTIME) + 3000000);
	FAILS(ETIMEDOUT, &word[0], FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG | FUTEX_CLOCK_REALTIME, 0, &t, 0, FUTEX_BITSET_MATCH_ANY);
	CHECK(now_ns(CLOCK_REALTIME) >= t.tv_sec * 1000000000ll + t.tv_nsec);
	t = timespec_of(1);
	FAILS(ETIMEDOUT, &word[0], FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG, 0, &t, 0, FUTEX_BITSET_MATCH_ANY);
}

struct want { int at, op; uint32_t bits; };
static void *wait_as(void *what)
{
	const struct want *w = what;

	waiting++;
	CHECK(futex(&word[w->at], w->op, 0, 0, 0, w->bits) == 0);
	woken |= (int)w->bits;
	waiting--;
	return 0;
}

/* Until all of them sleep: FUTEX_WAKE with none to wake says nothing, so each is asked for by a requeue to where it stands. */
static void until_sleeping(int at, int n, int private)
{
	while (futex(&word[at], FUTEX_CMP_REQUEUE | private, 0, (void *)1000, &word[100], word[at]) != n) {
		(void)futex(&word[100], FUTEX_CMP_REQUEUE | private, 0, (void *)1000, &word[at], word[100]);
		(void)sched_yield();
	}
	CHECK(futex(&word[100], FUTEX_CMP_REQUEUE | private, 0, (void *)1000, &word[at], word[100]) == n);
}

static void until(_Atomic int *what, int value)
{
	while (*what != value)
		(void)sched_yield();
}

static void groups(void)
{
	static const struct want want[4] = {
		{ 3, FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG, 1 }, { 3, FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG, 2 }, { 3, FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG, 4 }, { 3, FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG, 8 },
	};
	pthread_t t[4];

	for (int i = 0; i < 4; i++)
		CHECK(pthread_create(&t[i], 0, wait_as, (void *)&want[i]) == 0);
	until_sleeping(3, 4, FUTEX_PRIVATE_FLAG);
	CHECK(futex(&word[3], FUTEX_WAKE_BITSET | FUTEX_PRIVATE_FLAG, 10, 0, 0, 16) == 0);
	CHECK(futex(&word[3], FUTEX_WAKE_BITSET | FUTEX_PRIVATE_FLAG, 10, 0, 0, 6) == 2);
	until(&waiting, 2);
	CHECK(woken == 6);
	/* The first of the two goes, the other moves, and is found only there. */
	CHECK(futex(&word[3], FUTEX_CMP_REQUEUE | FUTEX_PRIVATE_FLAG, 1, (void *)1, &word[5], 0) == 2);
	until(&waiting, 1);
	CHECK(futex(&word[3], FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 10, 0, 0, 0) == 0);
	/* WAKE_OP: word 6 becomes 12; it was 5, so the waiters of word 5 that it names second wake too. */
	word[6] = 5;
	CHECK(futex(&word[6], FUTEX_WAKE_OP | FUTEX_PRIVATE_FLAG, 1, (void *)1, &word[6], FUTEX_OP(FUTEX_OP_ADD, 7, FUTEX_OP_CMP_EQ, 4)) == 0);
	CHECK(word[6] == 12);
	word[5] = 5;
	CHECK(futex(&word[6], FUTEX_WAKE_OP | FUTEX_PRIVATE_FLAG, 1, (void *)1, &word[5], FUTEX_OP(FUTEX_OP_SET, 0, FUTEX_OP_CMP_EQ, 5)) == 1);
	until(&waiting, 0);
	CHECK(word[5] == 0 && woken == 15);
	for (int i = 0; i < 4; i++)
		CHECK(pthread_join(t[i], 0) == 0);
}

static void on_signal(int sig) { (void)sig; }
static _Atomic int interrupted;
static void *wait_interrupted(void *op)
{
	struct timespec t = { 1000, 0 };

	FAILS(EINTR, &word[7], (int)(long)op, 0, (long)op == FUTEX_WAIT ? &t : 0, 0, FUTEX_BITSET_MATCH_ANY);
	interrupted = 1;
	return 0;
}

static void signals(void)
{
	struct sigaction a = { .sa_handler = on_signal };

	CHECK(sigaction(SIGUSR1, &a, 0) == 0);
	for (int i = 0; i < 2; i++) {
		pthread_t t;

		interrupted = 0;
		CHECK(pthread_create(&t, 0, wait_interrupted, (void *)(long)(i ? FUTEX_WAIT : FUTEX_WAIT_BITSET)) == 0);
		until_sleeping(7, 1, 0);
		CHECK(pthread_kill(t, SIGUSR1) == 0 && pthread_join(t, 0) == 0 && interrupted);
	}
}

/* Between processes: by the shared page, at different addresses; by a file, mapped twice. Private operations do not cross. */
static void processes(void)
{
	char name[] = "/tmp/futexXXXXXX";
	int fd = mkstemp(name);
	_Atomic uint32_t *in_file, *again;
	pid_t pid;

	CHECK(fd >= 0 && ftruncate(fd, 8192) == 0 && unlink(name) == 0);
	in_file = mmap(0, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	again = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 4096);
	CHECK(in_file != MAP_FAILED && again != MAP_FAILED);
	for (int i = 0; i < 2; i++) {
		_Atomic uint32_t *mine = i ? &again[3] : &word[20], *other = i ? &in_file[1024 + 3] : &word[20];

		CHECK((pid = fork()) >= 0);
		if (pid == 0)
			_exit(futex(other, FUTEX_WAIT, 0, 0, 0, 0) == 0 ? 0 : 1);
		while (futex(mine, FUTEX_CMP_REQUEUE, 0, (void *)1, mine + 1, 0) != 1)
			(void)sched_yield();
		CHECK(futex(mine + 1, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1, 0, 0, 0) == 0);
		CHECK(futex(mine + 1, FUTEX_WAKE, 1, 0, 0, 0) == 1);
		CHECK(wait_status(pid) == 0);
	}
	munmap((void *)in_file, 8192);
	munmap((void *)again, 4096);
	close(fd);
}

/* A mutex in shared memory: mutual exclusion between processes, and the death of its owner. */
struct common { pthread_mutex_t mutex; pthread_cond_t cond; pthread_mutex_t robust; volatile long count, held; };

static void mutexes(void)
{
	struct common *c = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pthread_mutexattr_t a;
	pthread_condattr_t ca;
	pid_t pid[4];

	CHECK(c != MAP_FAILED);
	CHECK(pthread_mutexattr_init(&a) == 0 && pthread_mutexattr_setpshared(&a, PTHREAD_PROCESS_SHARED) == 0 && pthread_mutex_init(&c->mutex, &a) == 0);
	CHECK(pthread_condattr_init(&ca) == 0 && pthread_condattr_setpshared(&ca, PTHREAD_PROCESS_SHARED) == 0 && pthread_cond_init(&c->cond, &ca) == 0);
	CHECK(pthread_mutexattr_setrobust(&a, PTHREAD_MUTEX_ROBUST) == 0 && pthread_mutex_init(&c->robust, &a) == 0);
	for (int i = 0; i < 4; i++) {
		CHECK((pid[i] = fork()) >= 0);
		if (pid[i] == 0) {
			for (int k = 0; k < 300; k++) {
				pthread_mutex_lock(&c->mutex);
				CHECK(c->held++ == 0);
				if (k % 8 == i)
					(void)sched_yield();
				c->held--;
				c->count++;
				if (c->count == 1200)
					pthread_cond_broadcast(&c->cond);
				pthread_mutex_unlock(&c->mutex);
			}
			pthread_mutex_lock(&c->mutex);
			while (c->count < 1200)
				pthread_cond_wait(&c->cond, &c->mutex);
			pthread_mutex_unlock(&c->mutex);
			_exit(0);
		}
	}
	for (int i = 0; i < 4; i++)
		CHECK(wait_status(pid[i]) == 0);
	CHECK(c->count == 1200);
	CHECK((pid[0] = fork()) >= 0);
	if (pid[0] == 0) {
		pthread_mutex_lock(&c->robust);
		c->count = 1;
		for (;;)
			(void)pause();
	}
	while (c->count != 1)
		(void)sched_yield();
	/* Two wait for it while it dies by SIGKILL: one gets EOWNERDEAD, and mends it for the other. */
	CHECK((pid[1] = fork()) >= 0);
	if (pid[1] == 0) {
		int r = pthread_mutex_lock(&c->robust);

		if (r == EOWNERDEAD)
			CHECK(pthread_mutex_consistent(&c->robust) == 0);
		c->held++;
		CHECK(pthread_mutex_unlock(&c->robust) == 0);
		_exit(r == EOWNERDEAD ? 1 : r);
	}
	for (int i = 0; i < 20; i++)
		(void)sched_yield();
	CHECK(kill(pid[0], SIGKILL) == 0);
	int r = pthread_mutex_lock(&c->robust);
	if (r == EOWNERDEAD)
		CHECK(pthread_mutex_consistent(&c->robust) == 0);
	CHECK(pthread_mutex_unlock(&c->robust) == 0);
	CHECK(wait_status(pid[0]) == 128 + SIGKILL);
	CHECK((wait_status(pid[1]) == 1) + (r == EOWNERDEAD) == 1);
	munmap(c, 4096);
}

static pthread_mutex_t robust;
static void *die_with_it(void *nothing) { CHECK(pthread_mutex_lock(&robust) == 0); return nothing; }

static void robusts(void)
{
	pthread_mutexattr_t a;
	pthread_t t;
	void *head;
	size_t size;

	CHECK(pthread_mutexattr_init(&a) == 0 && pthread_mutexattr_setrobust(&a, PTHREAD_MUTEX_ROBUST) == 0 && pthread_mutex_init(&robust, &a) == 0);
	CHECK(pthread_create(&t, 0, die_with_it, 0) == 0 && pthread_join(t, 0) == 0);
	CHECK(pthread_mutex_lock(&robust) == EOWNERDEAD);
	CHECK(pthread_mutex_unlock(&robust) == 0);
	CHECK(pthread_mutex_lock(&robust) == ENOTRECOVERABLE);
	CHECK(syscall(SYS_get_robust_list, 0, &head, &size) == 0 && size == 24 && head);
	CHECK(syscall(SYS_set_robust_list, head, 23) < 0 && errno == EINVAL);
	CHECK(syscall(SYS_get_robust_list, 999999, &head, &size) < 0 && errno == ESRCH);
}

int main(void)
{
	word = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(word != MAP_FAILED);
	refused();
	timeouts();
	groups();
	signals();
	processes();
	mutexes();
	robusts();
	printf("futexes are well\n");
	return 0;
}
