/* SPDX-License-Identifier: MIT */
/* futex_waitv(2): what it refuses, which word it names, words that were woken before it looks, moved waiters, time by
 * both clocks, words shared between processes, signals, and the end of who waits. */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/mman.h>
#include <time.h>
#include "try.h"

#ifndef SYS_futex_waitv
#define SYS_futex_waitv 449
#endif

/* <linux/futex.h>, which musl-gcc does not find. */
enum { FUTEX_WAIT, FUTEX_WAKE, FUTEX_CMP_REQUEUE = 4, PRIVATE = 128, WORD = 2, MOST = 128, SPARE = 1000 };
struct waitv { uint64_t value, at; uint32_t flags, reserved; };

static _Atomic uint32_t *word; /* a page, shared with children */

static struct waitv one(int at, uint64_t value, uint32_t flags)
{
	return (struct waitv){ value, (uint64_t)&word[at], WORD | flags, 0 };
}

static long wake(int at, int flags) { return syscall(SYS_futex, &word[at], FUTEX_WAKE | flags, 1, 0, 0, 0); }

static void refused(void)
{
	struct waitv list[MOST + 1] = { one(0, 0, 0), one(1, 0, 0) }, bad[2] = { list[0], list[0] };
	const struct timespec past = { 0, 1 }, wrong = { 0, 1000000000 }, late = { 1l << 40, 0 };

	for (int i = 2; i <= MOST; i++)
		list[i] = one(i, 0, PRIVATE);
	TRY(futex_waitv, list, 0, 0, 0, 0);
	TRY(futex_waitv, list, MOST + 1, 0, 0, 0);
	TRY(futex_waitv, 0, 1, 0, 0, 0);
	TRY(futex_waitv, list, 1, 1, 0, 0);
	TRY(futex_waitv, BAD, 1, 0, 0, 0);
	TRY(futex_waitv, list, 2, 0, BAD, CLOCK_MONOTONIC);
	TRY(futex_waitv, list, 2, 0, &wrong, CLOCK_MONOTONIC);
	TRY(futex_waitv, list, 2, 0, &past, CLOCK_BOOTTIME);
	TRY(futex_waitv, list, 2, 0, &past, CLOCK_MONOTONIC);
	TRY(futex_waitv, list, MOST, 0, &past, CLOCK_REALTIME);
	list[1].value = 7;
	TRY(futex_waitv, list, 2, 0, 0, 99);
	TRY(futex_waitv, list, 2, 0, &late, CLOCK_MONOTONIC);
	bad[1].flags = 0;
	TRY(futex_waitv, bad, 2, 0, 0, 0);
	bad[1].flags = WORD | 32;
	TRY(futex_waitv, bad, 2, 0, 0, 0);
	bad[1] = list[0];
	bad[1].reserved = 1;
	TRY(futex_waitv, bad, 2, 0, 0, 0);
	bad[1] = list[0];
	bad[1].at += 2;
	TRY(futex_waitv, bad, 2, 0, 0, 0);
	bad[1].at = BAD;
	TRY(futex_waitv, bad, 2, 0, 0, 0);
	bad[1].flags |= PRIVATE;
	TRY(futex_waitv, bad, 2, 0, 0, 0);
	bad[0].value = 7; /* the first that is wrong is told, and keys come before values */
	TRY(futex_waitv, bad, 2, 0, 0, 0);
	bad[1].at = 1;
	TRY(futex_waitv, bad, 2, 0, 0, 0);
}

/* Until one waits for that word, as he does for those before it: Linux says that he sleeps before he lies down at each.
 * So he is moved elsewhere and back. */
static void until_waits(int at, int flags)
{
	while (syscall(SYS_futex, &word[at], FUTEX_CMP_REQUEUE | flags, 0, 1l, &word[SPARE], 0) != 1)
		(void)sched_yield();
	CHECK(syscall(SYS_futex, &word[SPARE], FUTEX_CMP_REQUEUE | flags, 0, 1l, &word[at], 0) == 1);
}

struct wait { uint32_t flags; int from, count; long result; int error; };
static void *wait_all(void *what)
{
	struct wait *w = what;
	struct waitv list[MOST];

	for (int i = 0; i < w->count; i++)
		list[i] = one(w->from + i, 0, w->flags);
	w->result = syscall(SYS_futex_waitv, list, w->count, 0, 0, 0);
	w->error = errno;
	return 0;
}

static pthread_t begin(struct wait *w)
{
	pthread_t t;

	CHECK(pthread_create(&t, 0, wait_all, w) == 0);
	until_waits(w->from + w->count - 1, (int)w->flags);
	return t;
}

static void which(void)
{
	for (uint32_t flags = 0; flags <= PRIVATE; flags += PRIVATE)
		for (int at = 0; at < MOST; at += 21) {
			struct wait w = { .flags = flags, .from = 8, .count = MOST };
			pthread_t t = begin(&w);

			CHECK(wake(8 + MOST, (int)flags) == 0 && wake(7, (int)flags) == 0 && wake(8 + at, (int)flags) == 1);
			CHECK(pthread_join(t, 0) == 0 && w.result == at);
			CHECK(wake(8, (int)flags) == 0 && wake(8 + MOST - 1, (int)flags) == 0);
		}
}

/* Beside one who waits for a single word: each wake-up serves who came first. One is moved, and found only there. */
static void mixed(void)
{
	struct wait a = { .flags = PRIVATE, .from = 8, .count = 3 }, b = { .flags = PRIVATE, .from = 9, .count = 3 };
	pthread_t first = begin(&a), second = begin(&b);

	CHECK(wake(9, PRIVATE) == 1 && pthread_join(first, 0) == 0 && a.result == 1);
	CHECK(syscall(SYS_futex, &word[11], FUTEX_CMP_REQUEUE | PRIVATE, 0, 5l, &word[30], 0) == 1);
	CHECK(wake(11, PRIVATE) == 0 && wake(30, PRIVATE) == 1 && pthread_join(second, 0) == 0 && b.result == 2);
}

static void on_signal(int sig) { (void)sig; }
static void interrupted(int flags, int expected)
{
	struct sigaction a = { .sa_handler = on_signal, .sa_flags = flags };
	struct wait w = { .from = 8, .count = 2 };
	pthread_t t;

	CHECK(sigaction(SIGUSR1, &a, 0) == 0);
	t = begin(&w);
	CHECK(pthread_kill(t, SIGUSR1) == 0);
	while (!expected && wake(9, 0) == 0) /* it begins anew */
		(void)sched_yield();
	CHECK(pthread_join(t, 0) == 0);
	CHECK(expected ? w.result == -1 && w.error == expected : w.result == 1);
}

/* Between processes, and what stands in the queues of one who is killed is gone. */
static void processes(void)
{
	for (int dies = 0; dies < 2; dies++) {
		pid_t pid;

		CHECK((pid = fork()) >= 0);
		if (pid == 0) {
			struct waitv list[2] = { one(100, 0, 0), one(101, 0, 0) };

			_exit((int)syscall(SYS_futex_waitv, list, 2, 0, 0, 0) + 10);
		}
		until_waits(101, 0);
		CHECK(wake(101, PRIVATE) == 0);
		CHECK(dies ? kill(pid, SIGKILL) == 0 : wake(101, 0) == 1);
		CHECK(wait_status(pid) == (dies ? 128 + SIGKILL : 11));
		CHECK(wake(100, 0) == 0 && wake(101, 0) == 0);
	}
}

int main(void)
{
	setvbuf(stdout, NULL, _IOFBF, 1 << 16);
	word = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(word != MAP_FAILED);
	refused();
	which();
	mixed();
	interrupted(0, EINTR);
	interrupted(SA_RESTART, 0);
	processes();
	printf("futexes are well, many at once\n");
	return 0;
}
