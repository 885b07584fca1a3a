/* SPDX-License-Identifier: MIT */
/* A firmware that hands over with 57-bit addresses on. */
#include "chain.h"
#include "la57.h"

static uint64_t page_new(EFI_MEMORY_TYPE type)
{
	EFI_PHYSICAL_ADDRESS page = 0xffffffff;

	if (EFI_ERROR(firmware_boot->AllocatePages(AllocateMaxAddress, type, 1, &page)))
		fail("no page below 4 GiB");
	for (size_t i = 0; i < 4096; i++)
		((uint8_t *)page)[i] = 0;
	return page;
}

void before(void)
{
	uint64_t code = page_new(EfiBootServicesCode), root = page_new(EfiBootServicesData), cr3, flags, cr4;
	uint32_t id[4];

	__asm__ volatile("cpuid" : "=a"(id[0]), "=b"(id[1]), "=c"(id[2]), "=d"(id[3]) : "a"(7), "c"(0));
	if (!(id[2] >> 16 & 1))
		fail("this CPU has no LA57");
	__asm__ volatile("mov %%cr3, %0" : "=r"(cr3));
	*(uint64_t *)root = cr3 | 3;
	for (size_t i = 0; i < (size_t)(la57_code_end - la57_code); i++)
		((uint8_t *)code)[i] = la57_code[i];
	__asm__ volatile("pushfq; pop %0; cli" : "=r"(flags));
	((void (*)(uint64_t, uint64_t))code)(root, code);
	if (flags & 0x200)
		__asm__ volatile("sti");
	__asm__ volatile("mov %%cr4, %0" : "=r"(cr4));
	if (!(cr4 >> 12 & 1))
		fail("LA57 is not on");
	say("\nla57: on\n");
}
