/* SPDX-License-Identifier: MIT */
/* Words that name the thread that holds them. futex(2), "Priority-inheritance futexes": unlocking hands the word to who
 * goes before the others, and so does the holder's end. The holder goes before others as who waits for it does.
 * get_robust_list(2): at a thread's end the words of its list are marked, and one waiter of each finds that out. */
#include <linux/futex.h>
#include <posix/process/futex.h>
#include <posix/signal/signals.h>

#define CHAIN_MAX 1024 /* holders that wait for holders; as Linux */
#define ENTRIES_MAX 2048 /* as Linux; a list may be a ring that never comes back */

static struct futex_wait *first_at(struct futex_key k)
{
	struct futex_wait *w = futex_queue_of(k)->first;

	while (w && !futex_is_at(w, k))
		w = w->next;
	return w;
}

/* The highest rank of those who wait for th. */
static int rank_of_waiters(const struct thread *th)
{
	uint64_t left = th->futex_waiters;
	int rank = 0;

	for (uint32_t i = 0; i < F->tid_size && left; i++) {
		const struct thread *w = F->by_tid[i];

		if (!w || !w->futex.space || w->futex.holder != th->tid || w == th)
			continue;
		rank = MAX_OF(rank, w->rank);
		left--;
	}
	return rank;
}

/* th, and whom it waits for, and so on. */
static void inherit(struct thread *th)
{
	for (int n = 0; th && n < CHAIN_MAX; n++) {
		int was = th->rank;

		sched_inherit(th, rank_of_waiters(th));
		th = th->rank == was ? NULL : thread_by_tid(th->futex.holder);
	}
}

/* Who holds what th waits for may have to go before others now, or no more. */
static void inherit_from(const struct thread *th, struct thread *holder)
{
	if (holder && holder != th && (th->rank || holder->inherits))
		inherit(holder);
}

/* th, which waits, waits for the end of `holder` from now on; its own number: it has the word and is to be told so. */
static void wait_for(struct thread *th, int holder)
{
	struct thread *of = thread_by_tid(th->futex.holder);

	th->futex.holder = holder;
	if (of) {
		of->futex_waiters--;
		inherit_from(th, of);
	}
	of = thread_by_tid(holder);
	if (of) {
		of->futex_waiters++;
		inherit_from(th, of);
	}
}

void futex_rank_changed(struct thread *th)
{
	struct futex_wait *w = &th->futex;
	struct futex_key k = { w->space, w->at };

	if (!w->space || !w->holder || w->holder == th->tid)
		return;
	futex_leave(w);
	futex_add(w, th, k);
	inherit(thread_by_tid(w->holder));
}

static void leave(struct thread *th)
{
	wait_for(th, 0);
	futex_leave(&th->futex);
}

static void queue(struct thread *th, struct futex_key k, int holder)
{
	futex_add(&th->futex, th, k);
	th->futex.bits = 0;
	wait_for(th, holder);
}

/* All who wait for the word wait for `th`, which has it now. */
static void hand_to(struct thread *th, struct futex_key k)
{
	for (const struct futex_wait *each = futex_queue_of(k)->first; each; each = each->next)
		if (futex_is_at(each, k) && each->holder)
			wait_for(each->thread, th->tid);
	thread_run(th);
}

/* Makes `bits` of the word: 0, -EFAULT, or -EAGAIN when it is not *value any more (that is read anew). */
static int word_set(uint64_t va, uint32_t *value, uint32_t bits)
{
	uint32_t was = *value;
	int e = user_compare_swap((uint32_t *)va, value, bits);

	if (e)
		return e;
	return *value == was ? 0 : -EAGAIN;
}

/* For `th` at a word with that value, whose line begins with `first`: the number of the holder for whom it would wait,
 * 0 when nobody holds it, or -errno. */
static int holder_find(const struct thread *th, const struct futex_wait *first, uint32_t value)
{
	int tid = (int)(value & FUTEX_TID_MASK);
	const struct thread *holder;

	if (first && !first->holder)
		return -EINVAL; /* somebody waits for it as for a word of the other kind */
	if (tid == th->tid)
		return -EDEADLK;
	if (first)
		tid = first->holder;
	if (!tid)
		return 0;
	holder = thread_by_tid(tid);
	if (!holder || holder->state == THREAD_ENDED)
		return -ESRCH;
	/* A circle: the holder waits for one who waits ... for th. */
	while (holder && holder->futex.space && holder->futex.holder && holder->futex.holder != holder->tid) {
		if (holder->futex.holder == th->tid)
			return -EDEADLK;
		holder = thread_by_tid(holder->futex.holder);
	}
	return tid;
}

/* `th` takes the word when nobody has it: its own number; else whom it has to wait for, whose word says now that there
 * are waiters (unless it only tries); or -errno. */
static int take(const struct thread *th, uint64_t va, struct futex_key k, int is_try)
{
	uint32_t value;
	int holder, e;

	if (user_read(&value, va, sizeof value))
		return -EFAULT;
	do {
		holder = holder_find(th, first_at(k), value);
		if (holder < 0 || (holder && is_try))
			return holder;
		e = word_set(va, &value, holder ? value | FUTEX_WAITERS : (value & FUTEX_OWNER_DIED) | (uint32_t)th->tid);
	} while (e == -EAGAIN);
	if (e)
		return e;
	return holder ? holder : th->tid;
}

/* Sleeps until the word at va is the caller's, who stands in its line or in that of a word it is to come from. */
static int sleep_for(uint64_t va, uint64_t deadline)
{
	struct thread *me = P->thread;
	uint32_t value;
	int e;

	do
		e = sleep_on(&me->futex, deadline);
	while (!e && me->futex.space && me->futex.holder != me->tid);
	if (!me->futex.space)
		return 0; /* who unlocked has written our number */
	if (me->futex.holder != me->tid)
		return e;
	/* The holder has ended. It may have had the word elsewhere, so whoever gets it writes it. */
	leave(me);
	if (user_read(&value, va, sizeof value))
		return -EFAULT;
	do
		e = word_set(va, &value, (uint32_t)me->tid | FUTEX_WAITERS | FUTEX_OWNER_DIED);
	while (e == -EAGAIN);
	return e;
}

long futex_pi_lock(uint64_t va, int is_private, uint64_t deadline, int is_try)
{
	struct thread *me = P->thread;
	struct futex_key k;
	int holder, e = futex_key(va, is_private, &k);

	if (e)
		return e;
	holder = take(me, va, k, is_try);
	if (holder < 0)
		return holder;
	if (holder == me->tid)
		return 0;
	if (is_try)
		return -EAGAIN;
	queue(me, k, holder);
	e = sleep_for(va, deadline);
	if (e && me->futex.space)
		leave(me);
	return e == -EINTR ? -ERESTARTNOINTR : e; /* the deadline is a time, so nothing is lost */
}

long futex_pi_unlock(uint64_t va, int is_private)
{
	struct futex_key k;
	struct futex_wait *first;
	uint32_t value;
	int e, no_key;

	if (user_read(&value, va, sizeof value))
		return -EFAULT;
	no_key = futex_key(va, is_private, &k);
	first = no_key ? NULL : first_at(k);
	do {
		/* Whose it is comes first, whatever address it is. */
		if ((value & FUTEX_TID_MASK) != (uint32_t)P->thread->tid)
			return -EPERM;
		if (no_key)
			return no_key;
		if (first && !first->holder)
			return -EINVAL;
		e = word_set(va, &value, first ? (uint32_t)first->thread->tid | FUTEX_WAITERS : 0);
	} while (e == -EAGAIN);
	if (e || !first)
		return e;
	leave(first->thread);
	hand_to(first->thread, k);
	return 0;
}

void futex_hand_on(struct thread *th)
{
	if (th->futex.holder)
		leave(th);
	for (uint32_t i = 0; i < F->tid_size && th->futex_waiters; i++) {
		const struct thread *w = F->by_tid[i];

		if (w && w->futex.space && w->futex.holder == th->tid) {
			struct futex_key k = { w->futex.space, w->futex.at };

			hand_to(first_at(k)->thread, k);
		}
	}
}

long futex_pi_wait(const uint64_t va[2], int is_private, uint32_t expected, uint64_t deadline)
{
	struct thread *me = P->thread;
	struct futex_key from, to;
	uint32_t value;
	int e = futex_key(va[0], is_private, &from);

	if (!e)
		e = futex_key(va[1], is_private, &to);
	if (e)
		return e;
	if (from.at == to.at && from.space == to.space)
		return -EINVAL;
	if (user_read(&value, va[0], sizeof value))
		return -EFAULT;
	if (value != expected)
		return -EAGAIN;
	futex_add(&me->futex, me, from);
	me->futex.bits = 0;
	me->futex.goes_to = va[1];
	me->futex.to_space = to.space;
	me->futex.to_at = to.at;
	e = sleep_for(va[1], deadline);
	me->futex.goes_to = 0;
	if (!e || !me->futex.space)
		return e;
	/* Once it stands in the other line it cannot begin anew. */
	if (e == -EINTR)
		e = me->futex.holder ? -EAGAIN : -ERESTARTNOINTR;
	leave(me);
	return e;
}

long futex_pi_requeue(const uint64_t va[2], int is_private, uint32_t wakes, uint32_t moves, uint32_t expected)
{
	struct futex_key from, to;
	struct futex_wait *next;
	uint32_t value;
	int holder, e = futex_key(va[0], is_private, &from);
	long n = 0;

	if (!e)
		e = futex_key(va[1], is_private, &to);
	if (e)
		return e;
	if (wakes != 1 || (int32_t)moves < 0 || (from.at == to.at && from.space == to.space))
		return -EINVAL;
	if (user_read(&value, va[0], sizeof value))
		return -EFAULT;
	if (value != expected)
		return -EAGAIN;
	for (struct futex_wait *w = futex_queue_of(from)->first; w && n < (long)moves + 1; w = next) {
		struct thread *th = w->thread;

		next = w->next;
		if (!futex_is_at(w, from))
			continue;
		if (!w->goes_to || w->to_space != to.space || w->to_at != to.at)
			return n ? n : -EINVAL;
		holder = take(th, va[1], to, 0);
		if (holder < 0)
			return n ? n : holder;
		futex_leave(w);
		if (holder == th->tid)
			thread_run(th);
		else
			queue(th, to, holder);
		n++;
	}
	return n;
}

static void word_die(const struct thread *th, uint64_t va, int is_pending)
{
	uint32_t value, was;

	if (va % 4 || !user_range_ok(va, 4) || user_read(&value, va, sizeof value))
		return;
	/* Freed, but its waiters not yet woken. */
	if (is_pending && !value) {
		(void)futex_wake(va, 1);
		return;
	}
	do {
		was = value;
		if ((value & FUTEX_TID_MASK) != (uint32_t)th->tid)
			return;
		if (user_compare_swap((uint32_t *)va, &value, (value & FUTEX_WAITERS) | FUTEX_OWNER_DIED))
			return;
	} while (value != was);
	if (value & FUTEX_WAITERS)
		(void)futex_wake(va, 1);
}

static void robust_end(struct thread *th)
{
	struct { uint64_t next; int64_t offset; uint64_t pending; } head;
	uint64_t entry;

	if (user_read(&head, th->robust_list, sizeof head))
		return;
	/* The lowest bit of a link says that the mutex inherits priorities. */
	entry = head.next & ~1ul;
	for (int n = 0; n < ENTRIES_MAX && entry && entry != th->robust_list; n++) {
		uint64_t next;
		int is_last = user_read(&next, entry, sizeof next);

		if (entry != (head.pending & ~1ul))
			word_die(th, entry + (uint64_t)head.offset, 0);
		if (is_last)
			break;
		entry = next & ~1ul;
	}
	if (head.pending & ~1ul)
		word_die(th, (head.pending & ~1ul) + (uint64_t)head.offset, 1);
}

void futex_end(struct thread *th)
{
	if (th->robust_list)
		robust_end(th);
	th->robust_list = 0;
	futex_hand_on(th);
}
