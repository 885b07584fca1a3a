/* SPDX-License-Identifier: MIT */
/* Roots: the parts of one that are the kernel's (upper half, slot 255), the taking down of tables, and the one place that loads CR3. */
#include "walk.h"

#define WINDOW_ENTRIES 16 /* level-3 entries of slot 255 that the loader may have filled */

static struct { uint32_t index; uint64_t entry; } upper[16]; /* present entries of the kernel's root, upper half */
static unsigned upper_count;
static uint64_t window[WINDOW_ENTRIES];
static uint64_t direct_stubs; /* physical address of the page of stubs */

#ifndef KERNEL_HOST
extern const uint8_t direct_enter[]; /* entry.S: one page of the image */

static void stubs_find(const uint64_t *root)
{
	const uint64_t *table = root;
	for (int l = 4; l > 1; l--)
		table = pfn_ptr(entry_pfn(table[entry_index((uint64_t)direct_enter, l)]));
	direct_stubs = table[entry_index((uint64_t)direct_enter, 1)] & EXO_PTE_ADDR;
}
#else
static void stubs_find(const uint64_t *root) { (void)root; }
#endif

void root_start(void)
{
	const uint64_t *root = pa_ptr(boot->kernel_root);
	for (uint32_t i = 256; i < 512; i++)
		if (root[i] & EXO_PTE_P) {
			assert(upper_count < sizeof(upper) / sizeof(upper[0]));
			upper[upper_count].index = i;
			upper[upper_count++].entry = root[i];
		}
	const uint64_t *w = pfn_ptr(entry_pfn(root[entry_index(EXO_WINDOW, 4)]));
	for (uint32_t i = 0; i < WINDOW_ENTRIES; i++)
		window[i] = w[i];
	stubs_find(root);
}

void root_prepare(uint32_t pfn)
{
	uint64_t *root = pfn_ptr(pfn);
	for (unsigned i = 0; i < upper_count; i++)
		root[upper[i].index] = upper[i].entry;
}

/* Pages of the group window; pages 12 to 14 of any group's 16 are free for the addresses that are equal in all envs. */
static const struct { uint16_t frame, page; bool rw; } place[] = {
	{ EXO_EF_EXO, EXO_GROUP_EXO / EXO_PAGE_SIZE, true },
	{ EXO_EF_SAVE, EXO_GROUP_SAVE / EXO_PAGE_SIZE, false },
	{ EXO_EF_STACK0, EXO_GROUP_STACK / EXO_PAGE_SIZE, true },
	{ EXO_EF_STACK1, EXO_GROUP_STACK / EXO_PAGE_SIZE + 1, true },
	{ EXO_EF_DIRECT, EXO_GROUP_DIRECT / EXO_PAGE_SIZE, true },
};
#define PLACES (sizeof(place) / sizeof(place[0]))

void window_build(struct env *e)
{
	uint64_t *w3 = pfn_ptr(e->group[EXO_EF_WINDOW3]);
	uint64_t *w2 = pfn_ptr(e->group[EXO_EF_WINDOW2]);
	uint64_t *w1 = pfn_ptr(e->group[EXO_EF_WINDOW1]);
	for (int i = EXO_EF_WINDOW3; i <= EXO_EF_WINDOW1; i++)
		frame_clean(e->group[i]);
	for (uint32_t i = 0; i < WINDOW_ENTRIES; i++)
		w3[i] = window[i];

	uint64_t link = LINK_BITS | EXO_PTE_RW;
	for (unsigned i = 0; i < PLACES; i++)
		w1[entry_index(e->group_va, 1) + place[i].page] = (uint64_t)e->group[place[i].frame] << EXO_PAGE_SHIFT
			| EXO_PTE_P | EXO_PTE_U | EXO_PTE_A | EXO_PTE_NX | (place[i].rw ? EXO_PTE_RW | EXO_PTE_D : 0);
	uint64_t own = EXO_PTE_P | EXO_PTE_U | EXO_PTE_A, data = own | EXO_PTE_NX | EXO_PTE_RW | EXO_PTE_D;
	w1[entry_index(EXO_SELF_EXO, 1)] = (uint64_t)e->group[EXO_EF_EXO] << EXO_PAGE_SHIFT | data;
	w1[entry_index(EXO_SELF_ENTER, 1)] = direct_stubs | own;
	w1[entry_index(EXO_SELF_DIRECT, 1)] = (uint64_t)e->group[EXO_EF_DIRECT] << EXO_PAGE_SHIFT | data;
	w2[entry_index(EXO_SELF, 2)] = (uint64_t)e->group[EXO_EF_WINDOW1] << EXO_PAGE_SHIFT | link;
	w2[entry_index(e->group_va, 2)] = (uint64_t)e->group[EXO_EF_WINDOW1] << EXO_PAGE_SHIFT | link;
	w3[entry_index(e->group_va, 3)] = (uint64_t)e->group[EXO_EF_WINDOW2] << EXO_PAGE_SHIFT | link;
	((uint64_t *)pfn_ptr(e->root))[entry_index(EXO_WINDOW, 4)] = (uint64_t)e->group[EXO_EF_WINDOW3] << EXO_PAGE_SHIFT | link;
}

/* The window's tables hold zeros again. */
void window_clear(struct env *e)
{
	uint64_t *w3 = pfn_ptr(e->group[EXO_EF_WINDOW3]);
	uint64_t *w2 = pfn_ptr(e->group[EXO_EF_WINDOW2]);
	uint64_t *w1 = pfn_ptr(e->group[EXO_EF_WINDOW1]);
	for (uint32_t i = 0; i < WINDOW_ENTRIES; i++)
		w3[i] = 0;
	for (unsigned i = 0; i < PLACES; i++)
		w1[entry_index(e->group_va, 1) + place[i].page] = 0;
	w1[entry_index(EXO_SELF_EXO, 1)] = w1[entry_index(EXO_SELF_ENTER, 1)] = w1[entry_index(EXO_SELF_DIRECT, 1)] = 0;
	w2[entry_index(EXO_SELF, 2)] = w2[entry_index(e->group_va, 2)] = 0;
	w3[entry_index(e->group_va, 3)] = 0;
}

bool table_teardown(struct env *e, uint32_t pfn, uint32_t *index)
{
	struct exo_frame_rec *t = &frames[pfn];
	int level = t->type - EXO_PT1 + 1;
	uint64_t *table = pfn_ptr(pfn), base = level == 4 ? 0 : (uint64_t)t->base << 21;

	uint32_t i = *index;
	for (int left = STRETCH; left > 0 && t->used; i++) {
		if (i % 16 == 0)
			while (i < 512 && !(any_of_8(&table[i]) | any_of_8(&table[i + 8])))
				i += 16;
		assert(i < 512);
		uint64_t *entry = &table[i];
		uint32_t child = entry_pfn(*entry);
		struct exo_frame_rec *f = &frames[child];
		if (!(*entry & EXO_PTE_P)) {
			left -= COST_ENTRY;
			continue;
		}
		if (entry_is_leaf(*entry, level)) {
			if (level == 2 && left < STRETCH)
				break;
			left -= level == 2 ? COST_RUN : COST_FRAME;
			leaf_drop(*entry, false);
			*entry = 0;
			t->used--;
			if (child < frame_count && f->owner == e->index && !frame_is_counted(f) && !(frame_is_table(f) && f->used))
				frame_free(child);
			continue;
		}
		left -= COST_PARK;
		link_drop(pfn, entry, base + i * entry_span(level), level, false);
		if (!frame_is_table(f) || table_links(f))
			continue;
		/* Next in line: now nothing reaches it. A disowned one becomes this env's to take down. */
		if (f->owner == e->index)
			frame_unchain(child);
		if (f->owner == 0)
			frame_adopt(child, e);
	}
	*index = i;
	table_unplace(t);
	return t->used == 0;
}

#ifndef KERNEL_HOST
void kernel_map_device(uint64_t va, uint64_t pa)
{
	uint64_t *table = pa_ptr(boot->kernel_root);
	for (int l = 4; l > 1; l--)
		table = pfn_ptr(entry_pfn(table[entry_index(va, l)]));
	/* PCD | PWT: uncached whatever the MTRRs say (Intel SDM vol. 3, 11.5.2.1, PAT entry 3) */
	table[entry_index(va, 1)] = (pa & EXO_PTE_ADDR) | EXO_PTE_P | EXO_PTE_RW | EXO_PTE_A | EXO_PTE_D | EXO_PTE_NX | 0x18;
	invlpg(va);
}

volatile uint32_t *kernel_device(uint64_t pa)
{
	const uint64_t va = KERNEL_DEVICES + 2 * EXO_PAGE_SIZE; /* behind the interrupt controllers */
	kernel_map_device(va, pa);
	return (volatile uint32_t *)(va + pa % EXO_PAGE_SIZE);
}
#endif
