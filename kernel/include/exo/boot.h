/* SPDX-License-Identifier: MIT */
/* All that crosses from the loader to the kernel. Physical addresses throughout, unless a name says va. */
#ifndef EXO_BOOT_H
#define EXO_BOOT_H
#include <stdint.h>
#include <exo/facts.h>

#define BOOT_MAGIC   0x746f6f626c697241ul /* "Arilboot" */
#define BOOT_VERSION 5

enum boot_range_type {
	BOOT_FREE,     /* usable RAM once the loader is gone (conventional, loader and boot-services memory) */
	BOOT_KERNEL,   /* RAM that stays the kernel's: image, tables, arenas, boot_info, map */
	BOOT_FIRST,    /* RAM that becomes the first env's: its image and stack, config, root image */
	BOOT_RESERVED, /* RAM that nobody may touch: runtime services, ACPI, unusable */
};
/* Cleaned memory map: sorted by pfn, disjoint, neighbours of one type merged. What it does not name is not RAM. */
struct boot_range { uint64_t pfn, count; uint32_t type, spare; };

#define BOOT_SEG_W 1u
#define BOOT_SEG_X 2u
#define BOOT_SEGMENTS 16
/* A mapping of the first env: lies in homes; physically contiguous. */
struct boot_segment { uint64_t va, pfn, count; uint32_t rights, spare; };

/* What the kernel does after a panic was told. */
enum boot_panic { BOOT_PANIC_HALT, BOOT_PANIC_RESET, BOOT_PANIC_OFF };

struct boot_arena { uint64_t phys, size; }; /* page-aligned, physically contiguous, zeroed before the exit */
/* Bits of the frames that were never used: each level has one for each 64 of the level below, and is a whole number of words; the uppermost is one word. All take a
 * 63rd part more than the lowest, which is an eighth of a byte a frame: less than a seventh. */
#define BOOT_FRESH_LEVELS 5
#define BOOT_FRESH_SIZE(frames) ((frames) / 7 + 8 * BOOT_FRESH_LEVELS)

struct boot_irq_override { uint8_t isa, flags; uint16_t spare; uint32_t gsi; }; /* flags: MADT's MPS INTI bits: 0-1 polarity, 2-3 trigger */

struct boot_info {
	uint64_t magic;
	uint32_t version, size;
	uint64_t log_at;          /* the facts' serial port, set up, as the kernel reaches it: port or address; 0 = none.
	                           * Here, so that a kernel of another version finds it, too, and says what it misses */
	uint32_t log_step;        /* the facts' serial_step */
	uint32_t panic_action;    /* enum boot_panic */
	char build[64];

	/* memory */
	uint64_t map;             /* struct boot_range[map_count] */
	uint64_t map_count;
	uint64_t frame_count;     /* length of the frame table: one past the last RAM pfn that is used */
	uint64_t kernel_root;     /* PML4: upper half and slot 255 (system window tables) filled, the rest empty */
	struct boot_arena frames; /* exo_frame_rec[frame_count] */
	struct boot_arena fresh;  /* BOOT_FRESH_SIZE(frame_count): a bit for each frame, and levels over it */
	struct boot_arena envs;   /* exo_env[EXO_ENV_MAX] */
	struct boot_arena homes;  /* exo_home[EXO_HOME_COUNT] */
	struct boot_arena pci;    /* exo_pci[pci_count]; at least a page */
	struct boot_arena info;   /* two pages: exo_info, exo_slices */
	struct boot_arena pool;   /* pages for the first env's tables, group and record; what is left is freed */

	/* first env */
	struct boot_segment segment[BOOT_SEGMENTS];
	uint64_t segment_count;
	uint64_t entry_va;
	uint64_t stack_va;        /* top of a mapped stack */

	/* facts */
	EXO_FACTS;                        /* for ring 3 */
	uint64_t rsdp;
	uint64_t lapic, ioapic, hpet;     /* MMIO bases, 0 = none */
	uint64_t ecam, ecam_size;         /* PCI configuration space by memory (MCFG), 0 = none */
	uint32_t ioapic_gsi;
	uint32_t pm_timer_port;           /* 0 = none */
	uint32_t pm_timer_32bit;
	uint32_t pm1a_cnt, pm1b_cnt;      /* ports, 0 = none */
	uint32_t s5_typ_a, s5_typ_b;      /* SLP_TYP values found by a bounded scan of the DSDT; 0xff = not found */
	uint32_t reset_port, reset_value; /* ACPI's reset register, if in I/O space; port 0 = none */
	uint32_t override_count;
	struct boot_irq_override irq_override[16];
	uint64_t fb_va;                   /* the kernel's mapping of fb_base, 0 = none */
	uint64_t wall_ns;                 /* since 1970 UTC, at wall_tsc; 0 = no clock */
	uint64_t wall_tsc;
	uint64_t tsc_hz;                  /* measured, never 0 */
	uint64_t tsc_exit;                /* right after ExitBootServices returned */
	uint64_t reset_root;              /* PML4 that maps kernel image and, 1:1, the runtime regions; 0 = none */
	uint64_t reset_system;            /* where RuntimeServices' pointer to ResetSystem lies, 1:1 in reset_root */

	/* the loader's log so far, shown again at the head of the kernel's */
	uint64_t log, log_size;
};
#endif
