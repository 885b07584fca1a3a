/* SPDX-License-Identifier: MIT */
/* The kernel's ELF file inside BOOTX64.EFI, with the CRC32 that the build computed. KERNEL_ELF and KERNEL_CRC come from the Makefile. */
	.section .kernel, "a"
	.balign 4096
	.global kernel_elf, kernel_elf_end, kernel_elf_crc
kernel_elf:
	.incbin KERNEL_ELF
kernel_elf_end:
	.balign 4
kernel_elf_crc:
	.long KERNEL_CRC
	.section .note.GNU-stack, "", @progbits
