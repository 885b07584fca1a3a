/* SPDX-License-Identifier: MIT */
/* Packed pages. A *shelf* is a page of data memory that holds packed pages of one size, and a record in control memory
 * that says which. So what the library follows is where no member can map something else, and a page that a member
 * takes away is missed, not believed. A page of zeros is only a mark. */
#include <asm/errno.h>
#include <base/string.h>
#include <lz4.h>
#include <rt/log.h>
#include <rt/page.h>
#include <family/family.h>
#include "swap.h"

_Static_assert(SWAP_STATE >= sizeof(LZ4_stream_t), "what LZ4 works in");

#define SLOT_ZERO 1u
#define REFS_MOST 65535

struct shelf {
	struct shelf *next, *prev; /* of those of this size that have room */
	char   *page;
	uint8_t each, used;        /* how many fit, how many are there */
	struct { uint16_t size, refs; } packed[];
};
/* A slot is the record's place in control memory, which is a multiple of 32 (heap.c), and the number there. */
_Static_assert(SWAP_EACH <= 32 && FAMILY_PAGES * PAGE <= 1ul << 32, "a slot has 32 bits");

static struct shelf *shelf_of(uint32_t slot) { return (struct shelf *)(FAMILY_BASE + (slot & -32u)); }

static uint64_t room_of(const struct shelf *h) { return PAGE / h->each; }

static void shelf_link(struct shelf *h)
{
	struct shelf **first = &F->swap->shelves[h->each];

	h->prev = NULL;
	h->next = *first;
	if (h->next)
		h->next->prev = h;
	*first = h;
}

static void shelf_unlink(struct shelf *h)
{
	*(h->prev ? &h->prev->next : &F->swap->shelves[h->each]) = h->next;
	if (h->next)
		h->next->prev = h->prev;
}

/* The reserve is there for this: who packs a page is about to give more than it takes. */
static struct shelf *shelf_new(unsigned each)
{
	struct shelf *h = fam_alloc(sizeof *h + each * sizeof h->packed[0]);

	if (!h)
		return NULL;
	h->page = data_page(ROOM_ANY);
	if (!h->page) {
		fam_free(h);
		return NULL;
	}
	h->each = (uint8_t)each;
	shelf_link(h);
	return h;
}

static int is_zero(const uint64_t *word)
{
	unsigned i = 0;

	while (i < PAGE / sizeof *word && !word[i])
		i++;
	return i == PAGE / sizeof *word;
}

uint32_t store_put(const void *page)
{
	struct swap *s = F->swap;
	unsigned i = 0, each;
	struct shelf *h;
	int size;

	if (s->used >= s->limit)
		return 0;
	if (is_zero(page)) {
		s->used++;
		s->zeros++;
		return SLOT_ZERO;
	}
	size = LZ4_compress_fast_extState(s->state, page, s->packed, PAGE, SWAP_PACKED, 1);
	if (size <= 0) {
		s->refused++;
		return 0;
	}
	each = MIN_OF(PAGE / (unsigned)size, (unsigned)SWAP_EACH);
	h = s->shelves[each] ? s->shelves[each] : shelf_new(each);
	if (!h)
		return 0;
	while (h->packed[i].refs)
		i++;
	h->packed[i].size = (uint16_t)size;
	h->packed[i].refs = 1;
	if (++h->used == h->each)
		shelf_unlink(h);
	memcpy(h->page + i * room_of(h), s->packed, (size_t)size);
	s->used++;
	return (uint32_t)((uint64_t)h - FAMILY_BASE) | i;
}

int store_get(uint32_t slot, void *page)
{
	const struct shelf *h = shelf_of(slot);
	const unsigned i = slot % 32;
	const char *from;

	if (slot == SLOT_ZERO) {
		memset(page, 0, PAGE);
		return 0;
	}
	from = h->page + i * room_of(h);
	/* A block begins with a literal, so its first byte is never 0: a page of zeros in the place of this one is seen. */
	if (!*from || LZ4_decompress_safe(from, page, h->packed[i].size, PAGE) != (int)PAGE) {
		rt_log("swap: a page that was kept there is gone");
		return -EIO;
	}
	return 0;
}

int store_share(uint32_t slot)
{
	struct shelf *h = shelf_of(slot);

	if (slot == SLOT_ZERO) {
		F->swap->used++;
		F->swap->zeros++;
		return 0;
	}
	if (h->packed[slot % 32].refs == REFS_MOST)
		return -ENOMEM;
	h->packed[slot % 32].refs++;
	return 0;
}

void store_drop(uint32_t slot)
{
	struct shelf *h = shelf_of(slot);

	if (slot == SLOT_ZERO) {
		F->swap->used--;
		F->swap->zeros--;
		return;
	}
	if (--h->packed[slot % 32].refs)
		return;
	F->swap->used--;
	if (h->used-- == h->each)
		shelf_link(h);
	if (h->used)
		return;
	shelf_unlink(h);
	data_page_free(h->page);
	fam_free(h);
}
