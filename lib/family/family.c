/* SPDX-License-Identifier: MIT */
/* The family segment's pages: who maps them, and where. The bitmap of used pages follows struct family; small objects
 * are heap.c's. A page's frame is shared, mapped once here, and disowned at once: so it belongs to no member, and is
 * free when it is unmapped, by whomever. */
#include <asm/errno.h>
#include <base/string.h>
#include <rt/log.h>
#include <rt/page.h>
#include <family/family.h>

#define CHUNK 64
#define SAID_PAGES_MAX 32
#define STRUCT_PAGES (PAGE_UP(sizeof(struct family)) / PAGE)
#define BITMAP       ((uint64_t *)(FAMILY_BASE + STRUCT_PAGES * PAGE))
#define BITMAP_PAGES (FAMILY_PAGES / 8 / PAGE)
#define FIRST_PAGES  (STRUCT_PAGES + BITMAP_PAGES)

static int claim(uint64_t *list, uint64_t n, int zeroed)
{
	uint64_t done = 0;

	while (done < n) {
		int64_t r = zeroed ? gate_frame_zeroed(n - done, list + done) : gate_frame_any(n - done, list + done);

		if (r == -EXO_ENOMEM && memory_recover())
			continue;
		if (r <= 0) {
			frames_release(list, done);
			return -ENOMEM;
		}
		done += (uint64_t)r;
	}
	return 0;
}

int frames_claim(uint64_t *list, uint64_t n) { return claim(list, n, 0); }
int frames_claim_zeroed(uint64_t *list, uint64_t n) { return claim(list, n, 1); }

void frames_release(const uint64_t *list, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++)
		(void)gate_frame_give(list[i], 1, 0);
}

uint64_t frame_at(uint64_t va)
{
	int64_t e = gate_pte_write(0, PAGE_DOWN(va) | EXO_AT_CHANGE | 1, 1, 0, 0, 0);

	return EXO_IS_ERROR(e) ? 0 : ((uint64_t)e & EXO_PTE_ADDR) >> EXO_PAGE_SHIFT;
}

/* How many frames from list[0] on have consecutive numbers. */
static uint64_t run_length(const uint64_t *list, uint64_t n)
{
	uint64_t i = 1;

	while (i < n && list[i] == list[0] + i)
		i++;
	return i;
}

/* Zeroed shared frames at va, n <= CHUNK; 0 or -ENOMEM. */
static int chunk_map(uint64_t va, uint64_t n)
{
	uint64_t list[CHUNK], value[CHUNK];
	int64_t r = 0;

	if (frames_claim(list, n))
		return -ENOMEM;
	for (uint64_t i = 0; i < n && r >= 0;) {
		uint64_t run = run_length(list + i, n - i);

		r = gate_frame_type(list[i], run, EXO_DATA, EXO_F_SHARED);
		if (r > 0)
			i += (uint64_t)r;
	}
	for (uint64_t i = 0; i < n; i++)
		value[i] = list[i] << EXO_PAGE_SHIFT | EXO_PTE_P | EXO_PTE_U | EXO_PTE_RW | EXO_PTE_NX;
	if (r >= 0)
		r = entries_write(0, va, n, (uint64_t)value, EXO_AT_LIST, 0);
	for (uint64_t i = 0; i < n;) {
		int64_t given = gate_frame_give(list[i], run_length(list + i, n - i), 0);

		i += given > 0 ? (uint64_t)given : 1;
	}
	if (r < 0) {
		(void)entries_write(0, va, n, 0, 0, 0);
		return gate_errno(r);
	}
	memset((void *)va, 0, n * PAGE);
	return 0;
}

static void range_unmap(uint64_t page, uint64_t n)
{
	int64_t r = entries_write(0, FAMILY_BASE + page * PAGE, n, 0, 0, 0);

	if (r < 0)
		rt_log("family: page %lu cannot be unmapped: %ld", page, (long)r);
}

static int range_map(uint64_t page, uint64_t n)
{
	for (uint64_t done = 0; done < n; done += CHUNK)
		if (chunk_map(FAMILY_BASE + (page + done) * PAGE, n - done < CHUNK ? n - done : CHUNK)) {
			if (done)
				range_unmap(page, done);
			return -ENOMEM;
		} else {
			family_progress();
		}
	return 0;
}

static int page_used(uint64_t page)
{
	return BITMAP[page / 64] >> (page % 64) & 1;
}

static void pages_mark(uint64_t page, uint64_t n, int used)
{
	for (uint64_t i = page; i < page + n; i++) {
		if (used)
			BITMAP[i / 64] |= 1ul << (i % 64);
		else
			BITMAP[i / 64] &= ~(1ul << (i % 64));
	}
	F->pages_used += used ? n : -n;
}

/* First page of n free ones at or after `from`, 0 = none. */
static uint64_t pages_find(uint64_t from, uint64_t n)
{
	uint64_t run = 0;

	for (uint64_t i = from; i < F->page_limit; i++) {
		if (!run && i % 64 == 0 && BITMAP[i / 64] == ~0ul) {
			i += 63;
			continue;
		}
		run = page_used(i) ? 0 : run + 1;
		if (run == n)
			return i + 1 - n;
	}
	return 0;
}

/* Another run: found, mapped, marked. Its first page, or 0. */
static uint64_t run_make(uint64_t count)
{
	uint64_t page = pages_find(F->page_hint, count);

	if (!page)
		page = pages_find(FIRST_PAGES, count);
	if (!page || range_map(page, count))
		return 0;
	pages_mark(page, count, 1);
	if (page == F->page_hint)
		F->page_hint = page + count;
	return page;
}

static void run_end(uint64_t page, uint64_t count)
{
	range_unmap(page, count);
	pages_mark(page, count, 0);
	if (page < F->page_hint)
		F->page_hint = page;
}

/* All that is kept goes back: true when there was something. */
static int kept_give_back(void)
{
	int any = 0;

	for (uint32_t n = 1; n <= KEPT_PAGES; n++)
		while (F->kept[n - 1].count) {
			run_end(F->kept[n - 1].run[--F->kept[n - 1].count], n);
			any = 1;
		}
	return any;
}

void *fam_pages(size_t count)
{
	uint64_t page;

	if (!count || count > F->page_limit)
		return 0;
	if (count <= KEPT_PAGES && F->kept[count - 1].count) {
		void *p = (void *)(FAMILY_BASE + F->kept[count - 1].run[--F->kept[count - 1].count] * PAGE);

		return memset(p, 0, count * PAGE);
	}
	page = run_make(count);
	if (!page && kept_give_back())
		page = run_make(count);
	return page ? (void *)(FAMILY_BASE + page * PAGE) : 0;
}

void fam_pages_free(void *p, size_t count)
{
	uint64_t page = ((uint64_t)p - FAMILY_BASE) / PAGE;

	if (!p || !count)
		return;
	if (count <= KEPT_PAGES && F->kept[count - 1].count < KEPT_RUNS)
		F->kept[count - 1].run[F->kept[count - 1].count++] = (uint32_t)page;
	else
		run_end(page, count);
}

uint64_t fam_pages_used(void)
{
	uint64_t kept = 0;

	for (uint32_t n = 1; n <= KEPT_PAGES; n++)
		kept += n * F->kept[n - 1].count;
	return F->pages_used - kept;
}

void **family_slot_fs(void)
{
	return &F->fs;
}

/* The home's level-2 table and as many level-1 tables as a quarter of RAM wants: all made now, so that no member ever
 * needs the home's owner. */
static int64_t tables_make(uint64_t pages)
{
	uint64_t list[CHUNK], tables = (pages + 511) / 512, n;
	int64_t r = gate_home_set(0, EXO_HOME_CLAIM, FAMILY_BASE, 1);

	if (r > 0)
		r = table_new(FAMILY_BASE, 3);
	for (uint64_t done = 0; done < tables && r >= 0; done += n) {
		n = tables - done < CHUNK ? tables - done : CHUNK;
		if (frames_claim(list, n))
			return -EXO_ENOMEM;
		for (uint64_t i = 0; i < n && r >= 0; i++)
			r = gate_frame_type(list[i], 1, EXO_PT1, 0);
		for (uint64_t i = 0; i < n && r >= 0; i++)
			r = gate_pt_link(0, (FAMILY_BASE + (done + i) * 512 * PAGE) | 2, 1, list[i]);
	}
	return r < 0 ? r : 0;
}

/* Frames of the caller's own, zeroed: nobody else has a link with R/W to that home's table. */
int said_start(uint64_t size)
{
	uint64_t list[SAID_PAGES_MAX], n = PAGE_UP(size) / PAGE;
	int64_t r = n > SAID_PAGES_MAX || ROOTIMG_BASE + rt_info->root_size > MONITOR_BASE ? -EXO_ENOMEM : table_new(MONITOR_BASE, 2);

	if (r >= 0 && frames_claim(list, n))
		r = -EXO_ENOMEM;
	for (uint64_t i = 0; i < n && r >= 0; i++)
		r = gate_pte_write(0, (MONITOR_BASE + i * PAGE) | 1, 1,
			list[i] << EXO_PAGE_SHIFT | EXO_PTE_P | EXO_PTE_U | EXO_PTE_RW | EXO_PTE_NX, 0, 0);
	if (r < 0)
		return (int)r;
	memset((void *)MONITOR_BASE, 0, n * PAGE);
	return 0;
}

int family_start(void)
{
	uint64_t limit = rt_info->frames_ram / 2;
	int64_t r;

	if (limit > FAMILY_PAGES)
		limit = FAMILY_PAGES;
	limit &= ~511ul;
	r = tables_make(limit);
	if (r < 0)
		return (int)r;
	if (range_map(0, FIRST_PAGES))
		return -EXO_ENOMEM;
	F->page_limit = limit;
	F->page_hint = FIRST_PAGES;
	reserves_set();
	pages_mark(0, FIRST_PAGES, 1);
	F->rootimg_pfn = frame_at(rt_info->root_va);
	F->rootimg_pages = PAGE_UP(rt_info->root_size) / PAGE;
	return 0;
}
