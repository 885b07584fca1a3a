/* SPDX-License-Identifier: MIT */
/* futex(2): who waits for a word of memory, and waking them. A word is known by what it stands in: private memory by env
 * and address, shared memory by file (or number, when anonymous) and position. Looking at the word and lying down happen
 * under the family lock, waking too: so no wake-up is lost. */
#include <linux/futex.h>
#include <posix/library.h>
#include <posix/call/calls.h>
#include <posix/process/futex.h>
#include <posix/signal/signals.h>

#define SHARED_ANONYMOUS 1ul /* a space that is neither an env's name nor an inode */

/* A word that a page could be had of, to read it. */
static inline int is_there(const struct region *r, uint64_t va)
{
	return r->prot && (!r->inode || r->offset * PAGE + va - r->start < inode_size(r->inode));
}

int futex_key(uint64_t va, int is_private, struct futex_key *to)
{
	const struct region *r = 0;

	if (va % 4)
		return -EINVAL;
	if (is_private ? va >= EXO_USER_END - PAGE : !(r = region_find(va)))
		return -EFAULT;
	if (!is_private && !is_there(r, va))
		return -EFAULT;
	if (is_private || !(r->flags & REGION_SHARED))
		*to = (struct futex_key){ (uint64_t)P->self << 32, va };
	else
		*to = (struct futex_key){ r->inode ? (uint64_t)r->inode : SHARED_ANONYMOUS, r->offset * PAGE + va - r->start };
	return 0;
}

struct futex_wait *futex_before(const struct futex_queue *q, const struct thread *th)
{
	struct futex_wait *before = q->last;

	while (before && before->thread->rank < th->rank)
		before = before->prev;
	return before;
}

void futex_leave(struct futex_wait *w)
{
	struct futex_queue *q = futex_queue_of((struct futex_key){ w->space, w->at });

	if (!w->space)
		return;
	*(w->prev ? &w->prev->next : &q->first) = w->next;
	*(w->next ? &w->next->prev : &q->last) = w->prev;
	w->space = 0;
}

void futex_forget(struct thread *th)
{
	futex_leave(&th->futex);
	if (th->futexes)
		futex_many_end(th);
}

/* By an operation of futex_holder.c: no other one serves it. */
static int waits_pi(const struct futex_wait *w)
{
	return !w->bits;
}

/* At most that many, in the order in which they came. */
static int wake(struct futex_key k, uint32_t most, uint32_t bits)
{
	struct futex_wait *next;
	int n = 0;

	for (struct futex_wait *w = futex_queue_of(k)->first; w && (uint32_t)n < most; w = next) {
		next = w->next;
		if (!futex_is_at(w, k))
			continue;
		if (!(w->bits & bits)) {
			if (waits_pi(w))
				return -EINVAL;
			continue;
		}
		futex_leave(w);
		thread_run(w->thread);
		n++;
	}
	return n;
}

long futex_wake(uint64_t va, uint32_t most)
{
	struct futex_key k;
	int e = futex_key(va, 0, &k);

	return e ? e : wake(k, most, FUTEX_ANY_BITS);
}

int futex_timeout(uint64_t from, int is_absolute, int is_wall, uint64_t *deadline)
{
	uint64_t ns;
	int error;

	*deadline = 0;
	if (!from)
		return 0;
	error = timespec_read(from, &ns);
	if (error)
		return error;
	*deadline = is_wall ? SLEEP_WALL | ns : clock_deadline(ns, is_absolute, 0);
	return 0;
}

static long wait(uint64_t va, int is_private, uint32_t expected, uint64_t deadline, uint32_t bits)
{
	struct thread *me = P->thread;
	struct futex_key k;
	uint32_t value;
	int e = futex_key(va, is_private, &k);

	if (e)
		return e;
	if (user_read(&value, va, sizeof value))
		return -EFAULT;
	if (value != expected)
		return -EAGAIN;
	futex_add(&me->futex, me, k);
	me->futex.bits = bits;
	do
		e = sleep_on(&me->futex, deadline);
	while (!e && me->futex.space);
	/* Who was woken is off the queue, whatever came after that. */
	if (!me->futex.space)
		return 0;
	futex_leave(&me->futex);
	/* Linux goes on with what is left of a relative time when no handler ran; here it starts anew. */
	return e != -EINTR ? e : deadline ? -ERESTARTNOHAND : -ERESTARTSYS;
}

static long requeue(struct futex_key from, struct futex_key to, uint32_t wakes, uint32_t moves)
{
	struct futex_wait *next;
	long n = wake(from, wakes, FUTEX_ANY_BITS);

	if (n < 0 || (from.at == to.at && from.space == to.space))
		return n;
	for (struct futex_wait *w = futex_queue_of(from)->first; w && moves; w = next) {
		next = w->next;
		if (!futex_is_at(w, from))
			continue;
		if (waits_pi(w))
			return -EINVAL;
		futex_leave(w);
		futex_add(w, w->thread, to);
		moves--;
		n++;
	}
	return n;
}

/* FUTEX_WAKE_OP: changes the word as `code` says; what stood there decides whether its waiters are woken too. */
static int word_change(uint64_t va, uint32_t code, int *decides)
{
	int32_t operand = (int32_t)(code << 8) >> 20, compare = (int32_t)(code << 20) >> 20;
	uint32_t old, new;
	int e;

	if (code >> 28 & FUTEX_OP_OPARG_SHIFT)
		operand = (int32_t)(1u << (operand & 31));
	if (user_read(&old, va, sizeof old))
		return -EFAULT;
	for (uint32_t was;; ) {
		was = old;
		switch (code >> 28 & 7) {
		case FUTEX_OP_SET: new = (uint32_t)operand; break;
		case FUTEX_OP_ADD: new = old + (uint32_t)operand; break;
		case FUTEX_OP_OR: new = old | (uint32_t)operand; break;
		case FUTEX_OP_ANDN: new = old & ~(uint32_t)operand; break;
		case FUTEX_OP_XOR: new = old ^ (uint32_t)operand; break;
		default: return -ENOSYS;
		}
		e = user_compare_swap((uint32_t *)va, &old, new);
		if (e)
			return e;
		if (old == was)
			break;
	}
	switch (code >> 24 & 15) {
	case FUTEX_OP_CMP_EQ: *decides = (int32_t)old == compare; break;
	case FUTEX_OP_CMP_NE: *decides = (int32_t)old != compare; break;
	case FUTEX_OP_CMP_LT: *decides = (int32_t)old < compare; break;
	case FUTEX_OP_CMP_LE: *decides = (int32_t)old <= compare; break;
	case FUTEX_OP_CMP_GT: *decides = (int32_t)old > compare; break;
	case FUTEX_OP_CMP_GE: *decides = (int32_t)old >= compare; break;
	default: return -ENOSYS;
	}
	return 0;
}

static long two_words(int command, int is_private, const uint64_t va[2], uint32_t value, uint64_t value2, uint32_t value3)
{
	struct futex_key k[2];
	uint32_t now;
	int e = futex_key(va[0], is_private, &k[0]), decides = 0, more;

	if (!e)
		e = futex_key(va[1], is_private, &k[1]);
	if (e)
		return e;
	if (command == FUTEX_WAKE_OP) {
		e = word_change(va[1], value3, &decides);
		if (e)
			return e;
		e = wake(k[0], value, FUTEX_ANY_BITS);
		more = e >= 0 && decides ? wake(k[1], (uint32_t)value2, FUTEX_ANY_BITS) : 0;
		return e < 0 || more < 0 ? -EINVAL : e + more;
	}
	if ((int32_t)value < 0 || (int32_t)value2 < 0)
		return -EINVAL;
	if (command == FUTEX_CMP_REQUEUE) {
		if (user_read(&now, va[0], sizeof now))
			return -EFAULT;
		if (now != value3)
			return -EAGAIN;
	}
	return requeue(k[0], k[1], value, (uint32_t)value2);
}

/* The operations on words that name their holder. */
static __attribute__((noinline)) long by_holder(uint64_t at, uint64_t operation, uint64_t value, uint64_t timeout,
	uint64_t at2, uint64_t value3)
{
	const uint64_t va[2] = { at, at2 };
	int command = (int)operation & FUTEX_CMD_MASK, is_private = (operation & FUTEX_PRIVATE_FLAG) != 0, e;
	int is_wall = (operation & FUTEX_CLOCK_REALTIME) != 0;
	uint64_t deadline;

	switch (command) {
	case FUTEX_LOCK_PI: /* by the wall clock, as it always was */
	case FUTEX_LOCK_PI2:
		if (command == FUTEX_LOCK_PI && is_wall)
			return -ENOSYS;
		e = futex_timeout(timeout, 1, is_wall || command == FUTEX_LOCK_PI, &deadline);
		return e ? e : futex_pi_lock(va[0], is_private, deadline, 0);
	case FUTEX_WAIT_REQUEUE_PI:
		e = futex_timeout(timeout, 1, is_wall, &deadline);
		return e ? e : futex_pi_wait(va, is_private, (uint32_t)value, deadline);
	}
	if (is_wall)
		return -ENOSYS;
	switch (command) {
	case FUTEX_TRYLOCK_PI:
		return futex_pi_lock(va[0], is_private, 0, 1);
	case FUTEX_UNLOCK_PI:
		return futex_pi_unlock(va[0], is_private);
	case FUTEX_CMP_REQUEUE_PI:
		return futex_pi_requeue(va, is_private, (uint32_t)value, (uint32_t)timeout, (uint32_t)value3);
	}
	return -ENOSYS;
}

CALL6(futex, va, operation, value, timeout, va2, value3)
{
	int command = (int)operation & FUTEX_CMD_MASK, is_private = (operation & FUTEX_PRIVATE_FLAG) != 0;
	int is_wall = (operation & FUTEX_CLOCK_REALTIME) != 0, e;
	uint64_t deadline;
	struct futex_key k;

	if (is_wall && command != FUTEX_WAIT_BITSET)
		return by_holder(va, operation, value, timeout, va2, value3);
	switch (command) {
	case FUTEX_WAIT:
	case FUTEX_WAIT_BITSET:
		e = futex_timeout(timeout, command == FUTEX_WAIT_BITSET, is_wall, &deadline);
		if (e)
			return e;
		if (command == FUTEX_WAIT)
			value3 = FUTEX_ANY_BITS;
		return (uint32_t)value3 ? wait(va, is_private, (uint32_t)value, deadline, (uint32_t)value3) : -EINVAL;
	case FUTEX_WAKE:
	case FUTEX_WAKE_BITSET:
		if (command == FUTEX_WAKE)
			value3 = FUTEX_ANY_BITS;
		if (!(uint32_t)value3)
			return -EINVAL;
		e = futex_key(va, is_private, &k);
		/* Linux wakes one even when asked for none. */
		return e ? e : wake(k, (uint32_t)value ? (uint32_t)value : 1, (uint32_t)value3);
	case FUTEX_REQUEUE:
	case FUTEX_CMP_REQUEUE:
	case FUTEX_WAKE_OP:
		return two_words(command, is_private, (uint64_t[2]){ va, va2 }, (uint32_t)value, timeout, (uint32_t)value3);
	}
	return by_holder(va, operation, value, timeout, va2, value3);
}
