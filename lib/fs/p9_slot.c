/* SPDX-License-Identifier: MIT */
/* The way of a message from a member to the monitor, and of its answer back (family/monitor.h): slots, who holds them,
 * who sleeps for what. An answer may be -EIO, but comes: the monitor sees to that. */
#include "p9.h"
#include <rt/gate.h>
#include <run/thread.h>

#define ROOM_PAGES (SHARE_SLOTS * SHARE_MESSAGE / PAGE)
#define PATIENCE_NS 60000000000u /* longer than the monitor's with its device: V9P_PATIENCE */

static struct told_share *told(const struct p9_share *s) { return &TOLD->share[s->number]; }
static volatile struct said_share *said(const struct p9_share *s) { return &SAID->share[s->number]; }

/* Who waits for any slot sleeps on the share, who waits for an answer on its slot. */
static void *share_channel(unsigned share) { return (void *)(uintptr_t)&SAID->share[share]; }
static void *slot_channel(unsigned share, unsigned slot) { return (void *)(uintptr_t)&SAID->share[share].slot[slot]; }

static int is_under_way(const struct p9_share *s, unsigned slot)
{
	return told(s)->slot[slot].asked != __atomic_load_n(&said(s)->slot[slot].answered, __ATOMIC_ACQUIRE);
}

int p9_connect(struct p9_share *s, const char *tag)
{
	uint64_t end = clock_after(PATIENCE_NS);
	unsigned n = 0;
	void *room;

	while (n < SAID->shares && n < SHARES && strcmp((const char *)(uintptr_t)SAID->share[n].tag, tag))
		n++;
	if (n >= SAID->shares || n >= SHARES)
		return -ENOENT;
	s->number = n;
	if (told(s)->room)
		return -EBUSY;
	room = fam_pages(ROOM_PAGES);
	if (!room)
		return -ENOMEM;
	told(s)->room = (uint64_t)room;
	for (unsigned i = 0; i < SHARE_SLOTS; i++) /* what was asked by who used it last */
		while (is_under_way(s, i) && clock_ns() < end)
			sleep_through(slot_channel(n, i), end);
	return 0;
}

void p9_disconnect(struct p9_share *s)
{
	fam_pages_free((void *)told(s)->room, ROOM_PAGES);
	told(s)->room = 0;
}

/* What nobody waits for comes free with its answer; so does what somebody held who is no more. */
static void slot_look(struct p9_share *s, unsigned slot)
{
	struct p9_slot *p = &s->slot[slot];

	if (!p->is_taken || is_under_way(s, slot))
		return;
	if (p->is_alone || thread_by_tid(p->tid) != p->holder)
		p->is_taken = 0;
}

/* holder NULL: nobody will wait for it. */
static int slot_find(struct p9_share *s, const struct thread *holder)
{
	for (unsigned i = 0; i < SHARE_SLOTS; i++) {
		slot_look(s, i);
		if (s->slot[i].is_taken)
			continue;
		s->slot[i] = (struct p9_slot){ holder, holder ? holder->tid : 0, 1, !holder };
		return (int)i;
	}
	return -1;
}

static uint8_t *slot_room(const struct p9_share *s, unsigned slot)
{
	return (uint8_t *)(told(s)->room + slot * (uint64_t)SHARE_MESSAGE);
}

int p9_slot_take(struct p9_share *s, uint8_t **room)
{
	uint64_t end = clock_after(2 * (uint64_t)PATIENCE_NS);
	int slot;

	while ((slot = slot_find(s, P->thread)) < 0) {
		if (clock_ns() >= end)
			return -EIO;
		sleep_through(share_channel(s->number), end);
	}
	*room = slot_room(s, (unsigned)slot);
	return slot;
}

void p9_slot_give(struct p9_share *s, unsigned slot)
{
	s->slot[slot].is_alone = 1; /* until its answer comes, if it has not come */
	slot_look(s, slot);
	wake_up(share_channel(s->number));
}

static void ask(struct p9_share *s, unsigned slot, uint32_t n)
{
	struct told_ask *a = &told(s)->slot[slot];

	a->size = n;
	__atomic_store_n(&a->asked, a->asked + 1, __ATOMIC_RELEASE);
	(void)gate_notify(SAID->monitor, MONITOR_SHARES);
}

long p9_send(struct p9_share *s, unsigned slot, uint32_t n, uint8_t **reply)
{
	uint64_t end = clock_after(PATIENCE_NS);

	ask(s, slot, n);
	while (is_under_way(s, slot)) {
		if (clock_ns() >= end)
			return -EIO;
		sleep_through(slot_channel(s->number, slot), end);
	}
	*reply = (uint8_t *)SHARE_SAID(s->number, slot);
	return min_u64((uint64_t)said(s)->slot[slot].size, SHARE_MESSAGE) == (uint64_t)said(s)->slot[slot].size ?
		said(s)->slot[slot].size : -EIO;
}

int p9_post(struct p9_share *s, const uint8_t *message, uint32_t n)
{
	int slot = slot_find(s, NULL); /* who ends has no thread any more */
	uint8_t *room;

	if (slot < 0)
		return 0;
	room = slot_room(s, (unsigned)slot);
	memcpy(room, message, n);
	room[5] = (uint8_t)slot; /* its tag */
	room[6] = 0;
	ask(s, (unsigned)slot, n);
	return 1;
}

void p9_answers(void)
{
	for (unsigned share = 0; share < SHARES && share < SAID->shares; share++)
		for (unsigned slot = 0; slot < SHARE_SLOTS; slot++) {
			struct told_ask *a = &TOLD->share[share].slot[slot];
			uint32_t answered = SAID->share[share].slot[slot].answered;

			if (a->woken == answered)
				continue;
			a->woken = answered;
			wake_up(slot_channel(share, slot));
			wake_up(share_channel(share));
		}
}
