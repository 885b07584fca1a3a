/* SPDX-License-Identifier: MIT */
/* BOOTIA32.EFI: what a 32-bit firmware starts from the medium. Says why Aril cannot run there, waits for a key, and goes back. The file as it is, with its
 * PE header (Microsoft's PE format; UEFI 2.10, 2.1.1): code that runs anywhere, one section, an empty block of relocations. */
#define ALIGN 512

	.code32
	.text
image:
	.ascii "MZ"
	.org 0x3c
	.long pe - image
pe:
	.ascii "PE\0\0"
	.word 0x14c                     /* i386 */
	.word 1                         /* sections */
	.long 0, 0, 0                   /* time, symbols */
	.word sections - optional
	.word 0x0102                    /* executable, for 32 bits */
optional:
	.word 0x10b                     /* PE32 */
	.byte 0, 0
	.long end - begin, 0, 0         /* code, data, zeros */
	.long begin - image             /* entry */
	.long begin - image             /* base of code */
	.long 0                         /* base of data */
	.long 0x400000                  /* where it would like to be */
	.long ALIGN, ALIGN              /* in memory, in the file */
	.word 0, 0, 0, 0, 0, 0          /* versions */
	.long 0
	.long end - image
	.long begin - image             /* headers */
	.long 0                         /* checksum */
	.word 10                        /* EFI application */
	.word 0x100                     /* NX_COMPAT */
	.long 0, 0, 0, 0, 0
	.long 6                         /* directories: the sixth is the relocations' */
	.quad 0, 0, 0, 0, 0
	.long relocations - image, 8
sections:
	.ascii ".text\0\0\0"
	.long end - begin
	.long begin - image
	.long end - begin
	.long begin - image
	.long 0, 0, 0
	.long 0x60000020                /* code, to be read and run */

/* Offsets in the 32-bit tables (UEFI 2.10: 4.3, 4.4, 12.3, 12.4). */
#define SYSTEM_IN    36
#define SYSTEM_OUT   44
#define SYSTEM_BOOT  60
#define OUT_STRING   4
#define OUT_CLEAR    24
#define IN_READ      4
#define IN_EVENT     8
#define BOOT_WAIT    60

/* begin(image handle, system table), cdecl. */
	.balign ALIGN
begin:
	push %ebp
	mov %esp, %ebp
	push %ebx
	push %esi
	sub $24, %esp                   /* room for arguments, and for a key */
	and $-16, %esp
	mov 12(%ebp), %esi
	call 1f
1:	pop %ebx
	mov SYSTEM_OUT(%esi), %eax
	mov %eax, (%esp)
	call *OUT_CLEAR(%eax)
	mov SYSTEM_OUT(%esi), %eax
	lea text - 1b(%ebx), %ecx
	mov %eax, (%esp)
	mov %ecx, 4(%esp)
	call *OUT_STRING(%eax)
	mov SYSTEM_IN(%esi), %ecx
	test %ecx, %ecx
	jz 2f
	add $IN_EVENT, %ecx
	mov SYSTEM_BOOT(%esi), %eax
	movl $1, (%esp)
	mov %ecx, 4(%esp)
	lea 16(%esp), %ecx
	mov %ecx, 8(%esp)
	call *BOOT_WAIT(%eax)
	mov SYSTEM_IN(%esi), %eax
	lea 16(%esp), %ecx
	mov %eax, (%esp)
	mov %ecx, 4(%esp)
	call *IN_READ(%eax)             /* or the next program would find the key */
2:	xor %eax, %eax
	lea -8(%ebp), %esp
	pop %esi
	pop %ebx
	pop %ebp
	ret

text:
	.string16 "Aril needs a 64-bit UEFI firmware (BOOTX64.EFI); this one is a 32-bit one.\r\nSome tablets and early Macs have a 64-bit CPU behind such a firmware: Aril cannot start there.\r\nPress a key to go back to the firmware.\r\n"
	.balign 4
relocations:
	.long 0, 8
	.balign ALIGN
end:
	.section .note.GNU-stack, "", @progbits
