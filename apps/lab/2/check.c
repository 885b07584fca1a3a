/* SPDX-License-Identifier: MIT */
/* Lab 2, what is wanted: a pager in less memory than its program wants, whose faults are fewer than those of first in,
 * first out. The program adds to words of 64 pages: in each third of its life ten of them are wanted most. */
#include <base/string.h>
#include <check.h>
#include <lab2.h>

#define MEMORY  0x40000000ul
#define PAGES   64
#define STEPS   6000
#define THIRD   (STEPS / 3)
#define HOT     10
#define BETTER  85 /* per cent of its faults at most */

static unsigned present[PLACES], taken;
static volatile uint64_t faults; /* the upcall counts, where the compiler sees a read or a write */
static uint64_t added[PAGES];
static uint8_t store[PAGES][EXO_PAGE_SIZE];

static uint64_t address(unsigned page) { return MEMORY + page * EXO_PAGE_SIZE; }

/* The page that a step wants; *random: where the sequence stands. */
static unsigned wanted(unsigned step, uint64_t *random)
{
	unsigned r;

	*random = *random * 6364136223846793005ul + 1442695040888963407ul;
	r = (unsigned)(*random >> 33);
	return (r % 10 < 8 ? step / THIRD * (HOT + 2) + (r >> 8) % HOT : r >> 8) % PAGES;
}

int page_touched(unsigned page)
{
	int64_t entry = page < PAGES ? rt_entry(address(page), 1) : -EXO_EINVAL;

	if (EXO_IS_ERROR(entry))
		lab_check(0, "victim", "page %u, which page_touched was asked of, is not there", page);
	if (!(entry & (int64_t)EXO_PTE_A))
		return 0;
	(void)gate_pte_write(0, address(page) | EXO_AT_CHANGE | 1, 1, 0, EXO_PTE_A, 0);
	return 1;
}

static unsigned place_empty(void)
{
	unsigned place = victim_choose(present), page;

	if (place >= PLACES)
		lab_check(0, "victim", "place %u is none: there are %u", place, PLACES);
	page = present[place];
	memcpy(store[page], (const void *)address(page), EXO_PAGE_SIZE);
	lab_must(rt_unmap(0, address(page), 1, 1), "unmapping");
	return place;
}

void rt_on_fault(struct rt_regs *regs)
{
	unsigned page = (unsigned)((regs->at.addr - MEMORY) / EXO_PAGE_SIZE), place;

	if (regs->at.vector != 14 || regs->at.addr < MEMORY || page >= PAGES)
		lab_check(0, "faults", "vector %lu at %lx, by %lx", regs->at.vector, regs->at.addr, regs->at.rip);
	faults++;
	place = taken < PLACES ? taken++ : place_empty();
	lab_must(rt_map(0, address(page), (uint64_t)lab_must(rt_frame(), "frame"), 1, EXO_PTE_RW | EXO_PTE_NX), "mapping");
	memcpy((void *)address(page), store[page], EXO_PAGE_SIZE);
	/* Copying has touched it: the program has not yet. */
	(void)gate_pte_write(0, address(page) | EXO_AT_CHANGE | 1, 1, 0, EXO_PTE_A, 0);
	present[place] = page;
}

/* How many faults first in, first out would have. */
static uint64_t fifo_faults(void)
{
	uint64_t random = 1, n = 0, is_there[PAGES] = { 0 };
	unsigned queue[PLACES], next = 0;

	for (unsigned step = 0; step < STEPS; step++) {
		unsigned page = wanted(step, &random);

		if (is_there[page])
			continue;
		if (n >= PLACES)
			is_there[queue[next]] = 0;
		queue[next] = page;
		next = (next + 1) % PLACES;
		is_there[page] = 1;
		n++;
	}
	return n;
}

void app_main(exo_name self)
{
	uint64_t random = 1, right = 0, fifo = fifo_faults(), start;

	(void)self;
	lab_must(rt_entries_set(), "entries");
	lab_must(rt_tables(0, MEMORY, 0, 0), "tables");
	start = rt_tsc();
	for (unsigned step = 0; step < STEPS; step++) {
		unsigned page = wanted(step, &random);

		*(volatile uint64_t *)(address(page) + 8 * (step % 512)) += step;
		added[page] += step;
	}
	lab_ticks = rt_tsc() - start; /* the whole life: fewer faults pay for a dearer choice */
	for (unsigned page = 0; page < PAGES; page++) {
		uint64_t sum = 0, before = faults;

		for (unsigned i = 0; i < 512; i++)
			sum += *(volatile uint64_t *)(address(page) + 8 * i);
		right += sum == added[page];
		faults = before; /* looking is not part of the program's life */
	}
	lab_check(right == PAGES, "bytes", "%lu of %u pages hold what was written", right, PAGES);
	rt_log("lab: %lu faults, first in, first out has %lu", faults, fifo);
	lab_check(faults * 100 <= fifo * BETTER, "policy", "%lu faults; first in, first out has %lu, and %u %% of that "
		"are wanted", faults, fifo, BETTER);
	lab_end();
}
