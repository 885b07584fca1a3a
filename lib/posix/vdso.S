/* SPDX-License-Identifier: MIT */
/* The vDSO's image (vdso/), at a page of its own in the library's text, which every member maps and may execute. */
	.section .text.vdso, "ax"
	.globl	vdso_image, vdso_image_end
	.balign	4096
vdso_image:
	.incbin	VDSO
	.balign	4096, 0
vdso_image_end:
	.section .note.GNU-stack, "", @progbits
