/* SPDX-License-Identifier: MIT */
/* The switching code's arguments, in the copied page itself: leaving 57-bit addresses goes through 32-bit code, which keeps no 64-bit register. */
#ifndef EFI_HANDOVER_H
#define EFI_HANDOVER_H
#define HANDOVER_INFO  0
#define HANDOVER_ROOT  8
#define HANDOVER_GDT   16
#define HANDOVER_IDT   24
#define HANDOVER_STACK 32
#define HANDOVER_ENTRY 40
#define HANDOVER_TASK  48
#define HANDOVER_SIZE  56
#ifndef __ASSEMBLER__
#include <stddef.h>
#include <stdint.h>
struct handover_arguments { uint64_t info, root, gdt, idt, stack, entry, task; };
_Static_assert(offsetof(struct handover_arguments, info) == HANDOVER_INFO && offsetof(struct handover_arguments, root) == HANDOVER_ROOT, "asm");
_Static_assert(offsetof(struct handover_arguments, gdt) == HANDOVER_GDT && offsetof(struct handover_arguments, idt) == HANDOVER_IDT, "asm");
_Static_assert(offsetof(struct handover_arguments, stack) == HANDOVER_STACK && offsetof(struct handover_arguments, entry) == HANDOVER_ENTRY, "asm");
_Static_assert(offsetof(struct handover_arguments, task) == HANDOVER_TASK && sizeof(struct handover_arguments) == HANDOVER_SIZE, "asm");

/* handover.S: a position-independent block of less than a page. The two far pointers' offsets and the table pointer's base are filled in by C. */
extern uint8_t handover_code[], handover_code_end[], handover_arguments[];
extern uint8_t handover_far32[], handover_code32[], handover_far64[], handover_code64[], handover_gdt[], handover_gdt_pointer[];
#endif
#endif
