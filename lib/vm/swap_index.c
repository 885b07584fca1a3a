/* SPDX-License-Identifier: MIT */
/* Which pages of a space are in which slot. It does not stand in the page tables: what fork's sealed tables are copied
 * by drops what is absent, and an env that was ended from outside leaves its tables to the kernel, which knows no
 * slots. So each space has a list of its own in control memory, and whoever finds that its env is gone frees it.
 * A *span* is the slots of a MiB; spans stand by rising address. */
#include <asm/errno.h>
#include <base/string.h>
#include <rt/log.h>
#include <rt/page.h>
#include <family/family.h>
#include "swap.h"

#define SPAN_PAGES 256u
#define ROOM_FIRST 8u

struct span { uint64_t number; uint32_t used, slot[SPAN_PAGES]; };

struct swap_space {
	struct swap_space *next;
	exo_name env;
	uint64_t count;       /* pages */
	uint32_t spans, room; /* that there are; places for some */
	struct span **span;
};

static uint64_t number_of(uint64_t va) { return va / PAGE / SPAN_PAGES; }
static uint32_t place_in(uint64_t va) { return va / PAGE % SPAN_PAGES; }

/* The first span with that number or a higher one. */
static uint32_t span_above(const struct swap_space *s, uint64_t number)
{
	uint32_t low = 0, high = s->spans;

	while (low < high) {
		uint32_t middle = (low + high) / 2;

		if (s->span[middle]->number < number)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct span *span_of(const struct swap_space *s, uint64_t va)
{
	uint32_t i = span_above(s, number_of(va));

	return i < s->spans && s->span[i]->number == number_of(va) ? s->span[i] : NULL;
}

uint64_t swap_next(uint64_t va, uint64_t end)
{
	const struct swap_space *s = SPACE->swap;

	for (uint32_t i = span_above(s, number_of(va)); i < s->spans; i++) {
		const struct span *p = s->span[i];
		const uint64_t base = p->number * SPAN_PAGES * PAGE;

		for (uint32_t k = base < va ? place_in(va) : 0; k < SPAN_PAGES; k++)
			if (p->slot[k])
				return MIN_OF(base + k * PAGE, end);
		if (base >= end)
			break;
	}
	return end;
}

uint64_t swap_count(uint64_t start, uint64_t end)
{
	uint64_t n = 0;

	for (uint64_t va = start; (va = swap_from(va, end)) < end; va += PAGE)
		n++;
	return n;
}

uint32_t *swap_slot(uint64_t va)
{
	struct span *p = SPACE->swap ? span_of(SPACE->swap, va) : NULL;

	return p && p->slot[place_in(va)] ? &p->slot[place_in(va)] : NULL;
}

static int room_make(struct swap_space *s)
{
	uint32_t room = s->room ? 2 * s->room : ROOM_FIRST;
	struct span **span;

	if (s->spans < s->room)
		return 0;
	span = fam_alloc(room * sizeof *span);
	if (!span)
		return -ENOMEM;
	if (s->spans)
		memcpy(span, s->span, s->spans * sizeof *span);
	fam_free(s->span);
	s->span = span;
	s->room = room;
	return 0;
}

static struct span *span_make(struct swap_space *s, uint64_t va)
{
	uint32_t i = span_above(s, number_of(va));
	struct span *p;

	if (i < s->spans && s->span[i]->number == number_of(va))
		return s->span[i];
	p = room_make(s) ? NULL : fam_alloc(sizeof *p);
	if (!p)
		return NULL;
	p->number = number_of(va);
	memmove(s->span + i + 1, s->span + i, (s->spans - i) * sizeof *s->span);
	s->span[i] = p;
	s->spans++;
	return p;
}

static struct swap_space *space_new(void)
{
	struct swap_space *s = fam_alloc(sizeof *s);

	if (!s)
		return NULL;
	s->env = P->self;
	s->next = F->swap->spaces;
	F->swap->spaces = s;
	return s;
}

/* Spans without a page go, and the whole when none is left. */
void swap_trim(void)
{
	struct swap_space *s = SPACE->swap;
	uint32_t n = 0;

	if (!s)
		return;
	for (uint32_t i = 0; i < s->spans; i++)
		if (s->span[i]->used)
			s->span[n++] = s->span[i];
		else
			fam_free(s->span[i]);
	s->spans = n;
	if (n)
		return;
	SPACE->swap = NULL;
	swap_free(s);
}

int swap_note(uint64_t va, uint32_t slot)
{
	struct span *p;

	if (!SPACE->swap && !(SPACE->swap = space_new()))
		return -ENOMEM;
	p = span_make(SPACE->swap, va);
	if (!p) {
		swap_trim();
		return -ENOMEM;
	}
	p->slot[place_in(va)] = slot;
	p->used++;
	SPACE->swap->count++;
	return 0;
}

static void slot_clear(struct span *p, uint64_t va)
{
	p->slot[place_in(va)] = 0;
	p->used--;
	SPACE->swap->count--;
}

void swap_forget(uint64_t va)
{
	struct span *p = span_of(SPACE->swap, va);

	slot_clear(p, va);
	if (!p->used)
		swap_trim();
}

void swap_drop(uint64_t start, uint64_t end)
{
	uint64_t n = 0;

	for (uint64_t va = start; (va = swap_from(va, end)) < end; va += PAGE) {
		struct span *p = span_of(SPACE->swap, va);

		store_drop(p->slot[place_in(va)]);
		slot_clear(p, va);
		if (++n % SPAN_PAGES == 0)
			family_progress();
	}
	if (n)
		swap_trim();
}

int swap_move_begin(uint64_t start, uint64_t end, uint64_t to)
{
	for (uint64_t va = start; (va = swap_from(va, end)) < end; va += PAGE)
		if (!span_make(SPACE->swap, to + (va - start))) {
			swap_trim();
			return -ENOMEM;
		}
	return 0;
}

void swap_move_end(uint64_t start, uint64_t end, uint64_t to)
{
	for (uint64_t va = start; (va = swap_from(va, end)) < end; va += PAGE) {
		struct span *from = span_of(SPACE->swap, va);
		uint32_t slot = from->slot[place_in(va)];

		slot_clear(from, va);
		(void)swap_note(to + (va - start), slot);
	}
	swap_trim();
}

static int span_copy(struct swap_space *to, const struct span *from)
{
	struct span *p = span_make(to, from->number * SPAN_PAGES * PAGE);

	for (uint32_t k = 0; p && k < SPAN_PAGES; k++) {
		if (!from->slot[k])
			continue;
		if (store_share(from->slot[k]))
			return -ENOMEM;
		p->slot[k] = from->slot[k];
		p->used++;
		to->count++;
	}
	family_progress();
	return p ? 0 : -ENOMEM;
}

struct swap_space *swap_fork(void)
{
	struct swap_space *s = space_new();

	for (uint32_t i = 0; s && i < SPACE->swap->spans; i++)
		if (span_copy(s, SPACE->swap->span[i])) {
			swap_free(s);
			return NULL;
		}
	return s;
}

void swap_born(struct swap_space *s, exo_name env) { s->env = env; }

void swap_free(struct swap_space *s)
{
	struct swap_space **at = &F->swap->spaces;

	for (uint32_t i = 0; i < s->spans; i++) {
		for (uint32_t k = 0; k < SPAN_PAGES; k++)
			if (s->span[i]->slot[k])
				store_drop(s->span[i]->slot[k]);
		fam_free(s->span[i]);
		family_progress();
	}
	fam_free(s->span);
	while (*at && *at != s)
		at = &(*at)->next;
	if (*at)
		*at = s->next;
	fam_free(s);
}

void swap_leave(void)
{
	struct swap_space *s = SPACE->swap;

	SPACE->swap = NULL;
	if (s)
		swap_free(s);
}

void swap_dead(void)
{
	struct swap_space *next;

	for (struct swap_space *s = F->swap ? F->swap->spaces : NULL; s; s = next) {
		const volatile struct exo_env *e = &rt_envs[EXO_NAME_INDEX(s->env)];

		next = s->next;
		if (e->name != s->env || e->state == EXO_S_DYING || e->state == EXO_S_FREE)
			swap_free(s);
	}
}

exo_name swap_someone(void) { return F->swap && F->swap->spaces ? F->swap->spaces->env : 0; }
