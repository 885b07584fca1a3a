/* SPDX-License-Identifier: MIT */
/* Interrupt vectors and stacks of the IDT. Timer, lines and the first messages lie in one 32-bit word of the APIC's
 * request register, so that one read polls them. */
#ifndef KERNEL_VECTOR_H
#define KERNEL_VECTOR_H
#define VECTOR_TIMER    0x40
#define VECTOR_MSI      0x41 /* messages of PCI functions: 15 here, and, when those are used up, 49 more */
#define VECTOR_IRQ      0x50
#define VECTOR_MSI_MORE 0xa0
#define MSI_FIRST       15
#define VECTOR_INT80    0x80
#define VECTOR_SPURIOUS 0xff
#define DIRECT_STUB_SIZE 32
#ifndef __ASSEMBLER__
enum { IST_DEBUG = 1, IST_NMI, IST_FATAL, IST_DIRECT };
#endif
#endif
