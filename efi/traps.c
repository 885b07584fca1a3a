/* SPDX-License-Identifier: MIT */
/* Own GDT, TSS and IDT, twice: one set for the loader's one-to-one addresses, one for the kernel's half, in force until the kernel loads its own. */
#include <exo/page.h>
#include <base/string.h>
#include "cpu.h"
#include "loader.h"

#define VECTORS 32
#define CODE    0x08
#define GATE_INTERRUPT 0x8eul /* present, DPL 0 */

extern const uint8_t traps_code[], traps_code_end[]; /* traps.S */
void traps_switch(const void *gdt, const void *idt, unsigned task);

struct trap_tables {
	uint64_t gdt[5];
	uint64_t idt[VECTORS][2];
	uint8_t tss[104];
	struct table_pointer gdt_pointer, idt_pointer;
};
_Static_assert(sizeof(struct trap_tables) <= EXO_PAGE_SIZE, "one page");

/* code: where traps.S stands, at: where these tables do, stack: a stack's top, with a struct trap_voice from there on;
 * all as the CPU will see them. */
static void tables_fill(struct trap_tables *t, uint64_t code, uint64_t at, uint64_t stack)
{
	uint64_t tss = at + offsetof(struct trap_tables, tss), limit = sizeof(t->tss);

	t->gdt[1] = 0x00af9b000000fffful; /* code: 64 bit, DPL 0 */
	t->gdt[2] = 0x00cf93000000fffful; /* data */
	t->gdt[3] = (sizeof(t->tss) - 1) | (tss & 0xffffff) << 16 | 0x89ul << 40 | (tss >> 24 & 0xff) << 56; /* available 64-bit TSS */
	t->gdt[4] = tss >> 32;
	memcpy(t->tss + 36, &stack, sizeof(stack)); /* IST1 */
	memcpy(t->tss + 102, &limit, 2);            /* no I/O map */
	for (uint64_t v = 0; v < VECTORS; v++) {
		uint64_t handler = code + 16 * v;
		t->idt[v][0] = (handler & 0xffff) | CODE << 16 | 1ul << 32 /* IST1 */ | GATE_INTERRUPT << 40 | (handler >> 16 & 0xffff) << 48;
		t->idt[v][1] = handler >> 32;
	}
	t->gdt_pointer = (struct table_pointer){ sizeof(t->gdt) - 1, at + offsetof(struct trap_tables, gdt) };
	t->idt_pointer = (struct table_pointer){ sizeof(t->idt) - 1, at + offsetof(struct trap_tables, idt) };
}

/* What the handlers speak through: traps.S finds it above the frame that the CPU pushed. */
struct trap_voice { uint64_t at, step; };
_Static_assert(sizeof(struct trap_voice) == 16, "traps.S; and the stack's top stays aligned");

static struct trap_tables flat;
static _Alignas(16) uint8_t flat_stack[2048];
static uint64_t upper; /* three pages: code, tables, stack */

void traps_build(const struct boot_info *info)
{
	struct trap_voice voice = { info->log_at, info->log_step }, flat_voice = { info->serial_base, info->serial_step };
	const uint64_t size = 3 * EXO_PAGE_SIZE - sizeof(voice), flat_size = sizeof(flat_stack) - sizeof(flat_voice);

	upper = memory_pages(3, BOOT_KERNEL, "exception handlers");
	memcpy((void *)upper, traps_code, traps_code_end - traps_code);
	tables_fill((struct trap_tables *)(upper + EXO_PAGE_SIZE), TRAPS_VA, TRAPS_VA + EXO_PAGE_SIZE, TRAPS_VA + size);
	memcpy((void *)(upper + size), &voice, sizeof(voice));
	tables_fill(&flat, (uint64_t)traps_code, (uint64_t)&flat, (uint64_t)flat_stack + flat_size);
	memcpy(flat_stack + flat_size, &flat_voice, sizeof(flat_voice));
}

void traps_map(void)
{
	paging_map_kernel(TRAPS_VA, upper, EXO_PAGE_SIZE, 0);
	paging_map_kernel(TRAPS_VA + EXO_PAGE_SIZE, upper + EXO_PAGE_SIZE, 2 * EXO_PAGE_SIZE, EXO_PTE_RW | EXO_PTE_NX);
}

void traps_load(void)
{
	traps_switch(&flat.gdt_pointer, &flat.idt_pointer, TRAPS_TASK);
}

uint64_t traps_gdt_pointer(void) { return TRAPS_VA + EXO_PAGE_SIZE + offsetof(struct trap_tables, gdt_pointer); }
uint64_t traps_idt_pointer(void) { return TRAPS_VA + EXO_PAGE_SIZE + offsetof(struct trap_tables, idt_pointer); }
