/* SPDX-License-Identifier: MIT */
/* futex_waitv(2): a thread that waits for several words of memory at once. Each word has a place in the queue of its
 * own, so whoever wakes or moves waiters knows no difference. The family lock is held. */
#include <linux/futex.h>
#include <linux/time.h>
#include <posix/library.h>
#include <posix/call/calls.h>
#include <posix/process/futex.h>

struct futex_many { uint32_t count; struct futex_wait wait[]; };

_Static_assert(sizeof(struct futex_many) + FUTEX_WAITV_MAX * sizeof(struct futex_wait) <= 4 * PAGE, "one allocation");

void futex_many_end(struct thread *th)
{
	struct futex_many *many = th->futexes;

	for (uint32_t i = 0; i < many->count; i++)
		futex_leave(&many->wait[i]);
	th->futexes = NULL;
	fam_free(many);
}

/* The last of the first n places whose waiter was woken; -1: none. */
static long woken(const struct futex_many *many, uint32_t n)
{
	while (n && many->wait[n - 1].space)
		n--;
	return (long)n - 1;
}

/* All keys are found before any value is looked at, as Linux does. to: as many as there are. */
static int keys_read(uint64_t from, uint32_t n, struct futex_key *to)
{
	for (uint32_t i = 0; i < n; i++) {
		struct futex_waitv one;
		int e;

		if (user_read(&one, from + i * sizeof one, sizeof one))
			return -EFAULT;
		if (one.flags & ~(uint32_t)(FUTEX_32 | FUTEX_PRIVATE_FLAG) || one.__reserved || !(one.flags & FUTEX_32))
			return -EINVAL;
		e = futex_key(one.uaddr, (one.flags & FUTEX_PRIVATE_FLAG) != 0, &to[i]);
		if (e)
			return e;
	}
	return 0;
}

/* Lies down at each word in turn: 0, or why it must not sleep. */
static int lie_down(struct thread *me, uint64_t from, uint32_t n, const struct futex_key *keys)
{
	struct futex_many *many = me->futexes;

	for (uint32_t i = 0; i < n; i++) {
		struct futex_waitv one;
		uint32_t value;

		if (user_read(&one, from + i * sizeof one, sizeof one) || user_read(&value, one.uaddr, sizeof value))
			return -EFAULT;
		if (value != (uint32_t)one.val)
			return -EAGAIN;
		futex_add(&many->wait[i], me, keys[i]);
		many->wait[i].bits = FUTEX_ANY_BITS;
		many->count = i + 1;
	}
	return 0;
}

CALL5(futex_waitv, from, n, flags, timeout, clock)
{
	struct futex_key keys[FUTEX_WAITV_MAX];
	struct thread *me = P->thread;
	uint64_t deadline;
	long at;
	int e;

	if ((uint32_t)flags || !(uint32_t)n || (uint32_t)n > FUTEX_WAITV_MAX || !from)
		return -EINVAL;
	if (timeout && (int)clock != CLOCK_REALTIME && (int)clock != CLOCK_MONOTONIC)
		return -EINVAL;
	e = futex_timeout(timeout, 1, (int)clock == CLOCK_REALTIME, &deadline);
	if (!e)
		e = keys_read(from, (uint32_t)n, keys);
	if (e)
		return e;
	me->futexes = fam_alloc(sizeof *me->futexes + (uint32_t)n * sizeof me->futexes->wait[0]);
	if (!me->futexes)
		return -ENOMEM;
	e = lie_down(me, from, (uint32_t)n, keys);
	while (!e && woken(me->futexes, (uint32_t)n) < 0)
		e = sleep_on(me->futexes, deadline);
	at = woken(me->futexes, me->futexes->count);
	futex_many_end(me);
	if (at >= 0)
		return at; /* whatever came after that */
	return e == -EINTR ? -ERESTARTSYS : e;
}
