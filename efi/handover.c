/* SPDX-License-Identifier: MIT */
/* Leaves the firmware and jumps to the kernel. Everything that takes memory or time is done before ExitBootServices. */
#include <base/string.h>
#include "cpu.h"
#include "handover.h"
#include "loader.h"

#define STACK_SIZE_PAGES 4

static uint64_t stack, bridge, code;

static void put32(const uint8_t *label, uint64_t value)
{
	memcpy((void *)(code + (label - handover_code)), &value, 4);
}

void handover_prepare(struct boot_info *info)
{
	uint64_t gdt;

	stack = memory_pages(STACK_SIZE_PAGES, BOOT_KERNEL, "the kernel's first stack");
	code = memory_low_page("the switching code");
	memcpy((void *)code, handover_code, handover_code_end - handover_code);
	gdt = code + (handover_gdt - handover_code);
	memcpy((void *)(code + (handover_gdt_pointer - handover_code) + 2), &gdt, sizeof(gdt));
	put32(handover_far32, code + (handover_code32 - handover_code));
	put32(handover_far64, code + (handover_code64 - handover_code));
	bridge = paging_bridge(info, code);
	memory_prepare(info);
}

_Noreturn void handover(struct boot_info *info, const struct kernel_image *kernel)
{
	struct handover_arguments *to = (struct handover_arguments *)(code + (handover_arguments - handover_code));
	EFI_STATUS status;

	if (cpu_cr4() & CR4_LA57)
		log_line("CPU: the firmware left 57-bit addresses on; switching them off");
	log_line("leaving firmware");
	status = memory_exit();
	if (EFI_ERROR(status)) {
		log_leave(); /* after a failed exit the console may not be called any more */
		stop(status, "ExitBootServices: the firmware does not let go; update the firmware");
	}
	info->tsc_exit = cpu_tsc();
	__asm__ volatile("cli");
	traps_load();
	log_leave();
	master_stop();
	pci_table_fill(info);
	memory_finish(info);
	*to = (struct handover_arguments){
		.info = KERNEL_DIRECT + (uint64_t)info,
		.root = bridge,
		.gdt = traps_gdt_pointer(),
		.idt = traps_idt_pointer(),
		.stack = KERNEL_DIRECT + stack + STACK_SIZE_PAGES * EXO_PAGE_SIZE,
		.entry = kernel->entry,
		.task = TRAPS_TASK,
	};
	log_hand_over(info);
	((void (*)(void))code)();
	cpu_halt(); /* not reached: the kernel does not return */
}
