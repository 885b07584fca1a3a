/* SPDX-License-Identifier: MIT */
/* Looks for a word in all memory that this program can read: its own slot, every home that is linked here, the system
 * window. argv[1]: the word, each character one higher, so that it does not stand here itself. Prints where it was
 * found and how many pages were read; argv[2], if any, is put into memory first, to be found. Also tries to write
 * where the monitor alone writes. Aril only. */
#include "check.h"
#include <family/monitor.h>
#include <family/memory.h>
#include <rt/gate.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>

#define PAGE EXO_PAGE_SIZE
#define SELF_PAGES 16

static char word[17];
static sigjmp_buf again;
static unsigned long pages, found, writes;
static volatile int tried;

static void on_fault(int sig)
{
	(void)sig;
	siglongjmp(again, 1);
}

static int is_here(const volatile char *p)
{
	for (int i = 0; i < 16; i++)
		if (p[i] != (char)(word[i] - 1))
			return 0;
	return 1;
}

static void page_search(uint64_t va)
{
	char *p = (char *)va;

	if (sigsetjmp(again, 1))
		return;
	tried = *(volatile char *)p; /* a page that is not there ends here */
	pages++;
	for (char *at = p; (at = memchr(at, word[0] - 1, (size_t)(p + PAGE - at))) && at + 16 <= p + PAGE; at++) {
		if (!is_here(at))
			continue;
		printf("found at %#llx\n", (unsigned long long)(uint64_t)at);
		found++;
	}
}

/* All pages below a level-3 entry that are present, by the walk that a query of an entry is. */
static void unit_search(uint64_t base)
{
	for (uint64_t t = base; t < base + EXO_HOME_SIZE; t += 512 * PAGE) {
		int64_t e = gate_pte_write(0, t | EXO_AT_CHANGE | 2, 1, 0, 0, 0);

		if (EXO_IS_ERROR(e) || !(e & EXO_PTE_P))
			continue;
		for (uint64_t va = t; va < t + 512 * PAGE; va += PAGE) {
			e = gate_pte_write(0, va | EXO_AT_CHANGE | 1, 1, 0, 0, 0);
			if (e == -EXO_EEXIST || (!EXO_IS_ERROR(e) && e & EXO_PTE_P))
				page_search(va);
		}
	}
}

static void range_search(uint64_t from, uint64_t size)
{
	for (uint64_t va = from; va < from + size; va += PAGE)
		page_search(va);
}

int main(int argc, char **argv)
{
	static char planted[17];

	CHECK(argc > 1 && strlen(argv[1]) == 16);
	memcpy(word, argv[1], 17);
	for (int i = 0; argc > 2 && i < 16; i++)
		planted[i] = (char)(word[i] - 1);
	signal(SIGSEGV, on_fault);
	signal(SIGBUS, on_fault);
	for (uint64_t slot = 0; slot < EXO_WINDOW >> EXO_SLOT_SHIFT; slot++) {
		int64_t e = gate_pte_write(0, slot << EXO_SLOT_SHIFT | EXO_AT_CHANGE | 4, 1, 0, 0, 0);

		if (EXO_IS_ERROR(e) || !(e & EXO_PTE_P))
			continue;
		for (uint64_t i = 0; i < 512; i++) {
			uint64_t base = (slot << EXO_SLOT_SHIFT) + i * EXO_HOME_SIZE;

			e = gate_pte_write(0, base | EXO_AT_CHANGE | 3, 1, 0, 0, 0);
			if (!EXO_IS_ERROR(e) && e & EXO_PTE_P)
				unit_search(base);
		}
	}
	range_search(EXO_INFO, PAGE);
	range_search(EXO_SLICES, PAGE);
	range_search(EXO_ENVS, EXO_ENV_MAX * sizeof(struct exo_env));
	range_search(EXO_HOMES, EXO_HOME_COUNT * sizeof(struct exo_home));
	range_search(EXO_FRAMES, rt_info->frame_count * sizeof(struct exo_frame_rec));
	/* The groups of all envs: only one's own is there. */
	for (uint64_t i = 0; i < EXO_ENV_MAX; i++)
		if (rt_envs[i].name)
			range_search(EXO_GROUPS + i * EXO_GROUP_SIZE, SELF_PAGES * PAGE);

	/* What the monitor says is read, and nothing else. */
	for (uint64_t va = MONITOR_BASE; va < MONITOR_BASE + sizeof(struct said); va += PAGE) {
		if (sigsetjmp(again, 1)) {
			writes++;
			continue;
		}
		*(volatile char *)va = 1;
		printf("written: %#llx\n", (unsigned long long)va);
	}
	printf("%lu pages, found %lu times, %lu writes refused%s\n", pages, found, writes, planted[0] ? " (planted)" : "");
	return 0;
}
