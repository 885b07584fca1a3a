/* SPDX-License-Identifier: MIT */
/* Lab 1, what is wanted: a program that needs stack gets it, and nobody else gets anything. */
#include <check.h>
#include <lab1.h>

#define LOWEST    (STACK_TOP - STACK_MOST * EXO_PAGE_SIZE)
#define FAULTS    1000 /* no program here has so many: who comes back so often has not been served */
#define DEPTH     200  /* of a call that wants a KiB and more each time: 55 pages or so */
#define FAR_PAGE  30   /* touched before those between it and the top */

static volatile uint64_t faults; /* the upcall counts, where the compiler sees a read or a write */

static uint64_t served(uint64_t address, uint64_t error)
{
	uint64_t start = rt_tsc(), answer = (uint64_t)stack_fault(address, error);

	lab_ticks += rt_tsc() - start;
	return answer;
}

void rt_on_fault(struct rt_regs *regs)
{
	uint64_t page = regs->at.addr & -EXO_PAGE_SIZE;

	if (regs->at.vector != 14 || page < LOWEST || page >= STACK_TOP)
		lab_check(0, "faults", "vector %lu at %lx, by %lx: none of the stack's", regs->at.vector, regs->at.addr,
			regs->at.rip);
	if (!served(regs->at.addr, regs->at.error))
		lab_check(0, "grows", "the touch of %lx, %lu pages below the top, was not served", regs->at.addr,
			(STACK_TOP - page) / EXO_PAGE_SIZE);
	if (EXO_IS_ERROR(rt_entry(page, 1)))
		lab_check(0, "grows", "stack_fault says that %lx is served, and nothing is mapped there", regs->at.addr);
	if (++faults > FAULTS)
		lab_check(0, "grows", "%lu faults, the last at %lx", faults, regs->at.addr);
}

static __attribute__((noinline)) uint64_t deep(uint64_t n)
{
	volatile uint64_t here[128];

	for (unsigned i = 0; i < 128; i++)
		here[i] = n + i;
	return n ? deep(n - 1) + here[n % 128] : here[0];
}

static uint64_t deep_sum(uint64_t n)
{
	uint64_t sum = 0;

	for (; n; n--)
		sum += n + n % 128;
	return sum;
}

/* A call on the stack that grows. */
static uint64_t call_there(uint64_t (*function)(uint64_t), uint64_t argument)
{
	uint64_t result, kept;

	__asm__ volatile("mov %%rsp, %1\n\tmov %2, %%rsp\n\tcall *%3\n\tmov %1, %%rsp"
		: "=a"(result), "=&b"(kept) : "r"(STACK_TOP), "r"(function), "D"(argument)
		: "rcx", "rdx", "rsi", "r8", "r9", "r10", "r11", "memory", "cc");
	return result;
}

static uint64_t pages_there(void)
{
	uint64_t n = 0;

	for (uint64_t va = LOWEST; va < STACK_TOP; va += EXO_PAGE_SIZE)
		n += !EXO_IS_ERROR(rt_entry(va, 1));
	return n;
}

static uint64_t frames_used(void) { return rt_envs[rt_envs[EXO_NAME_INDEX(rt_self())].account].used[EXO_C_FRAMES]; }

void app_main(exo_name self)
{
	volatile uint64_t *far = (volatile uint64_t *)(STACK_TOP - FAR_PAGE * EXO_PAGE_SIZE);
	uint64_t before, entry, there, first;
	int64_t sum;

	(void)self;
	lab_must(rt_entries_set(), "entries");
	lab_must(rt_tables(0, LOWEST, 0, 0), "tables");
	before = frames_used();
	*far = 1;
	lab_check(*far == 1, "far", "what was written to page %u below the top is not there", FAR_PAGE);
	first = (uint64_t)rt_entry((uint64_t)far, 1) & EXO_PTE_ADDR;
	sum = (int64_t)call_there(deep, DEPTH);
	lab_check(sum == (int64_t)deep_sum(DEPTH), "grows", "a call %u deep returned %ld", DEPTH, sum);
	lab_check(((uint64_t)rt_entry((uint64_t)far, 1) & EXO_PTE_ADDR) == first, "same",
		"the page that was there before the call is in another frame");
	there = pages_there();
	lab_check(frames_used() - before == there, "frames", "%lu frames are used for %lu pages", frames_used() - before,
		there);
	lab_check(there <= faults + 8, "few", "%lu pages are there after %lu faults", there, faults);
	entry = (uint64_t)rt_entry(STACK_TOP - EXO_PAGE_SIZE, 1);
	lab_check(entry & EXO_PTE_RW && entry & EXO_PTE_NX, "rights", "the entry is %lx: R/W and NX are wanted", entry);
	lab_check(!served(STACK_TOP - 8, 3) && rt_entry(STACK_TOP - EXO_PAGE_SIZE, 1) == (int64_t)entry, "forbidden",
		"a fault on a page that is there is none of the stack's");
	lab_check(!served(LOWEST - 8, 2) && EXO_IS_ERROR(rt_entry(LOWEST - EXO_PAGE_SIZE, 1)), "limit",
		"it grew beyond %u pages", STACK_MOST);
	lab_check(!served(STACK_TOP, 2) && !served(0x1000, 2) && !served(~0ul - 7, 2), "elsewhere",
		"an address that is none of its was served");
	lab_check(frames_used() - before == there, "refused", "a refusal kept %lu frames", frames_used() - before - there);
	lab_check(served(LOWEST, 2) && !EXO_IS_ERROR(rt_entry(LOWEST, 1)), "last", "the last page was not served");
	lab_end();
}
