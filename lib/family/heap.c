/* SPDX-License-Identifier: MIT */
/* Small objects in family memory. A page holds objects of one class; its head lists the free ones. A page whose last
 * object goes is counted as free at once, so that what a process used is free when it is gone; one of each class stays
 * for the next object until somebody needs it: a message that is its page's first and last object costs no page.
 * Objects too large for a class get pages of their own behind the same kind of head. */
#include <asm/errno.h>
#include <base/string.h>
#include <rt/log.h>
#include <rt/page.h>
#include <family/family.h>

#define HEAD 64
#define HEAP_MAGIC 0x48656170u

struct heap_page {
	struct heap_page *next, *prev;
	void    *free;    /* chain of free objects, through their first word */
	uint32_t magic, class; /* class HEAP_CLASSES: a large object */
	uint32_t used;
	uint32_t fresh;   /* objects from this index on were never handed out */
	uint64_t pages;   /* of a large object */
};
_Static_assert(sizeof(struct heap_page) <= HEAD, "head");

static const uint16_t class_size[HEAP_CLASSES] = { 32, 64, 128, 256, 448, 1008, 1344, 2016 };

static uint32_t class_room(uint32_t class)
{
	return (uint32_t)(PAGE - HEAD) / class_size[class];
}

static void page_unlink(struct heap_page *h)
{
	if (h->prev)
		h->prev->next = h->next;
	else
		F->heap[h->class] = h->next;
	if (h->next)
		h->next->prev = h->prev;
	h->next = h->prev = 0;
}

static void page_link(struct heap_page *h)
{
	h->next = F->heap[h->class];
	h->prev = 0;
	if (h->next)
		h->next->prev = h;
	F->heap[h->class] = h;
}

/* The class's page that was kept, or a new one. */
static struct heap_page *page_new(uint32_t class)
{
	struct heap_page *h = F->heap_kept[class];

	if (h) {
		F->heap_kept[class] = NULL;
		F->told.control_used++;
		return h;
	}
	h = fam_pages_any(1);
	if (!h)
		return NULL;
	memset(h, 0, HEAD);
	h->magic = HEAP_MAGIC;
	h->class = class;
	return h;
}

static void page_empty(struct heap_page *h)
{
	page_unlink(h);
	if (F->heap_kept[h->class]) {
		fam_pages_free(h, 1);
		return;
	}
	F->heap_kept[h->class] = h;
	F->told.control_used--;
}

int heap_give_back(void)
{
	int any = 0;

	for (uint32_t class = 0; class < HEAP_CLASSES; class++) {
		struct heap_page *h = F->heap_kept[class];

		if (!h)
			continue;
		F->heap_kept[class] = NULL;
		F->told.control_used++;
		fam_pages_free(h, 1);
		any = 1;
	}
	return any;
}

static void *large_alloc(size_t size)
{
	uint64_t pages = PAGE_UP(size + HEAD) / PAGE;
	struct heap_page *h = fam_pages_any(pages);

	if (!h)
		return 0;
	memset(h, 0, HEAD);
	h->magic = HEAP_MAGIC;
	h->class = HEAP_CLASSES;
	h->pages = pages;
	return (char *)h + HEAD;
}

void *fam_alloc_any(size_t size)
{
	uint32_t class = 0;
	struct heap_page *h;
	void *object;

	while (class < HEAP_CLASSES && class_size[class] < size)
		class++;
	if (class == HEAP_CLASSES)
		return size < EXO_HOME_SIZE ? large_alloc(size) : 0;
	h = F->heap[class];
	if (!h) {
		h = page_new(class);
		if (!h)
			return 0;
		page_link(h);
	}
	object = h->free;
	if (object)
		h->free = *(void **)object;
	else
		object = (char *)h + HEAD + h->fresh++ * class_size[class];
	if (++h->used == class_room(class))
		page_unlink(h);
	return object;
}

void *fam_alloc(size_t size)
{
	void *object = fam_alloc_any(size);

	return object ? memset(object, 0, (size + 7) & -8ul) : NULL; /* by words */
}

void fam_free(void *p)
{
	struct heap_page *h = (struct heap_page *)PAGE_DOWN(p);

	if (!p)
		return;
	if (h->magic != HEAP_MAGIC) {
		rt_log("heap: %p was not allocated", p);
		return;
	}
	if (h->class == HEAP_CLASSES) {
		fam_pages_free(h, h->pages);
		return;
	}
	if (h->used-- == class_room(h->class))
		page_link(h);
	*(void **)p = h->free;
	h->free = p;
	if (!h->used)
		page_empty(h);
}
