/* SPDX-License-Identifier: MIT */
/* What the loader found out and ring 3 may know: it crosses the kernel as it is, from boot_info to the info page. */
#ifndef EXO_FACTS_H
#define EXO_FACTS_H
#include <stdint.h>

#define EXO_FACTS_FIELDS \
	uint64_t config_va, config_size; /* aril.conf in the first env, read-only, NUL-terminated */ \
	uint64_t root_va, root_size;     /* root image in the first env, read-only */ \
	uint64_t report_va, report_size; /* in the root image's home: the machine as its firmware knows it, text for people */ \
	uint64_t vars_va, vars_size;     /* there, too: the firmware's variables (base/efi_var.h); 0 = none */ \
	uint64_t fb_base;       /* physical address of the framebuffer as the loader left it, 0 = none */ \
	uint64_t fb_size;       /* bytes */ \
	uint32_t fb_width, fb_height, fb_stride; /* pixels; stride: of one scan line */ \
	uint32_t fb_format;     /* EFI_GRAPHICS_PIXEL_FORMAT; the masks below say all that drawing needs */ \
	uint32_t fb_red, fb_green, fb_blue, fb_rest; /* bits of a pixel; its size is that of all four */ \
	uint64_t pci_count;     /* records in the table of PCI functions (pci.h) */ \
	uint64_t serial_base;   /* of the 16550 for the log: its first port, or physical address; 0 = none */ \
	uint32_t serial_step;   /* bytes between its registers in memory: 1, or 4, moved 32 bits at a time; 0 = ports */ \
	uint32_t serial_divisor; /* of the UART's clock, for its speed; 0 = as the firmware left it */ \
	uint64_t entropy[4];    /* firmware's (EFI_RNG), for the first env to mix in; zeros when it has none */

struct exo_facts { EXO_FACTS_FIELDS };
/* The same fields as members of the struct around, and as one. */
#define EXO_FACTS union { struct exo_facts facts; struct { EXO_FACTS_FIELDS }; }
#endif
