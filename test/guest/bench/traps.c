/* SPDX-License-Identifier: MIT */
/* Figures of ways in: the gate, foreign system calls, faults as upcalls, faults that enter ring 3 directly. */
#include "bench.h"

static uint64_t resume_skip;
static uint64_t restore_at;

void rt_on_foreign(struct rt_regs *regs)
{
	regs->rax = 0;
}

void rt_on_fault(struct rt_regs *regs)
{
	if (restore_at)
		(void)gate_pte_write(0, restore_at | 1 | EXO_AT_CHANGE, 1, EXO_PTE_RW, EXO_PTE_RW, 0);
	else
		regs->at.rip += resume_skip;
}

static int64_t call(uint64_t number)
{
	int64_t r;
	__asm__ volatile("syscall" : "=a"(r) : "a"(number) : "rcx", "r11", "memory");
	return r;
}

/* entries.S: note the time by their first instruction. `skip`: bytes that the fault entry steps over. */
void stamp_fault(void), stamp_foreign(void);
uint64_t skip;

static void entries(int stamped_ones)
{
	uint64_t entry[EXO_ENTRY_COUNT];

	rt_entries_fill(entry);
	if (stamped_ones) {
		entry[EXO_ENTRY_FAULT] = (uint64_t)stamp_fault;
		entry[EXO_ENTRY_FOREIGN] = (uint64_t)stamp_foreign;
	}
	(void)gate_env_set(0, EXO_SET_ENTRIES, (uint64_t)entry, 0);
}

void figures_calls(void)
{
	EXACT(, (void)stamped(EXO_GATE_nop, 0, 0, 0, 0));
	exact("gate: nop", 1);
	entries(1);
	stamp.rax = 39;
	EXACT(, __asm__ volatile(BEFORE "syscall" ::: "rax", "rdx", "rcx", "r11", "memory"));
	exact("foreign system call: to its entry", 1);
	entries(0);
	EACH(, (void)call(39));
	figure("foreign system call, empty handler, back", 1);
	EACH(, __asm__ volatile("int $0x80" ::: "rax", "memory"));
	figure("int 0x80, empty handler, back", 1);
}

/* ud2 by way of the direct vectors: the handler notes the time, steps over the instruction and returns from the exception page itself, by the address
 * that iretq wants there (0 further on a CPU). */
void direct_bench(void);
static volatile uint64_t direct_arrived __attribute__((used));
static uint64_t direct_alias __attribute__((used)), direct_saved[2] __attribute__((used));
__asm__(
	".text\n.globl direct_bench\n.hidden direct_bench\ndirect_bench:\n"
	"	mov %rax, direct_saved(%rip)\n"
	"	mov %rdx, direct_saved+8(%rip)\n"
	"	rdtsc\n"
	"	shl $32, %rdx\n	or %rdx, %rax\n	mov %rax, direct_arrived(%rip)\n"
	"	mov direct_saved+8(%rip), %rdx\n"
	"	mov direct_saved(%rip), %rax\n"
	"	addq $2, (%rsp)\n"
	"	add direct_alias(%rip), %rsp\n"
	"	iretq\n");

static void direct_figures(void)
{
	struct exo_direct *page = (struct exo_direct *)EXO_SELF_DIRECT;

	for (int v = 0; v < 32; v++)
		page->handler[v] = (uint64_t)direct_bench;
	direct_alias = rt_page()->iret_alias[2];
	if (gate_env_set(0, EXO_SET_DIRECT, 1, 0) < 0)
		return;
	for (unsigned k = 0; k < N; k++) {
		uint64_t from = rt_tsc();

		__asm__ volatile("ud2" ::: "memory");
		took[k] = direct_arrived - from;
	}
	figure("#UD direct: to the handler", 1);
	EACH(, __asm__ volatile("ud2" ::: "memory"));
	figure("#UD direct: handler and back", 1);
	(void)gate_env_set(0, EXO_SET_DIRECT, 0, 0);
}

#define PLACE 0x50000000ul

void figures_traps(void)
{
	int64_t pfn;

	entries(1);
	skip = resume_skip = 2;
	EXACT(, __asm__ volatile(BEFORE "ud2" ::: "rax", "rdx", "memory"));
	exact("#UD upcall: to its entry", 1);
	entries(0);
	EACH(, __asm__ volatile("ud2" ::: "memory"));
	figure("#UD upcall: handler and back", 1);
	direct_figures();
	if (rt_tables(0, PLACE, 0, 0) < 0 || (pfn = rt_frame()) < 0 || rt_map(0, PLACE, (uint64_t)pfn, 1, EXO_PTE_NX) < 0)
		return;
	entries(1);
	skip = resume_skip = 3; /* movb $1, (%rdi) */
	EXACT(, __asm__ volatile(BEFORE "movb $1, (%%rdi)" : : "D"(PLACE) : "rax", "rdx", "memory"));
	exact("page fault: to its entry", 1);
	entries(0);
	EACH(, __asm__ volatile("movb $1, (%0)" : : "D"(PLACE) : "memory"));
	figure("page fault: skip, resume", 1);
	restore_at = PLACE;
	EACH(, {
		(void)gate_pte_write(0, PLACE | 1 | EXO_AT_CHANGE, 1, 0, EXO_PTE_RW, 0);
		__asm__ volatile("movb $1, (%0)" : : "D"(PLACE) : "memory");
	});
	figure("prot1 + trap + unprot", 1);
	restore_at = 0;
	(void)rt_unmap(0, PLACE, 1, 1);
}
