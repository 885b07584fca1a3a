/* SPDX-License-Identifier: MIT */
/* The robust list of a thread that ends: mutexes that it held are marked, and one waiter of each is woken to find that out (get_robust_list(2)). */
#include <linux/futex.h>
#include <posix/library.h>

#define ENTRIES_MAX 2048 /* as Linux; a list may be a ring that never comes back */

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

void robust_end(struct thread *th)
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
