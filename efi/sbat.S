/* SPDX-License-Identifier: MIT */
/* What shim reads before it starts a second stage (its SBAT.md): the format's own line; then component, generation, vendor, package, version, address. The
 * generation rises when a fault lets an older BOOTX64.EFI be used against Secure Boot. */
	.section .sbat, "a"
	.ascii "sbat,1,SBAT Version,sbat,1,https://github.com/rhboot/shim/blob/main/SBAT.md\n"
	.ascii "aril,1,Aril,aril,0.1,none\n"
	.section .note.GNU-stack, "", @progbits
