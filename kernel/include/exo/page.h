/* SPDX-License-Identifier: MIT */
/* Page table entry bits (Intel SDM vol. 3, 4.5) and the public record of each frame. */
#ifndef EXO_PAGE_H
#define EXO_PAGE_H

#define EXO_PTE_P     0x001ul
#define EXO_PTE_RW    0x002ul
#define EXO_PTE_U     0x004ul
#define EXO_PTE_PWT   0x008ul /* kernel-kept: memory type of device frames */
#define EXO_PTE_PCD   0x010ul
#define EXO_PTE_A     0x020ul
#define EXO_PTE_D     0x040ul
#define EXO_PTE_PS    0x080ul /* kernel-kept: level 2, maps a run */
#define EXO_PTE_AVAIL 0x07f0000000000e00ul /* bits 9-11 and 52-58: the library OS's own at level 1 */
#define EXO_PTE_NX    (1ul << 63)
#define EXO_PTE_ADDR  0x000ffffffffff000ul
/* Kernel-kept software bits of links (level 2 and up). */
#define EXO_LINK_BIT_REMAP   0x200ul /* level 3, live link: entries below may be rewritten over this link */
#define EXO_LINK_BIT_PRIVATE 0x400ul /* level 4: this slot is private in this root (also when the entry is absent) */

#ifndef EXO_RUN_FRAMES /* tests on the host have smaller ones */
#define EXO_RUN_FRAMES 512
#endif

#ifndef __ASSEMBLER__
#include <stdint.h>

enum exo_frame_type {
	EXO_FREE,   /* nobody's */
	EXO_NONE,   /* not RAM */
	EXO_KERNEL, /* the kernel's for ever */
	EXO_DATA,   /* owned, mappable */
	EXO_PT1, EXO_PT2, EXO_PT3, EXO_PT4, /* page tables; never writable in ring 3 */
	EXO_ENV,    /* pinned: an env's record, group, or window table */
	EXO_RUN,    /* head of a run: the first of `used` frames from a 2 MiB boundary that are owned, counted and, when all EXO_RUN_FRAMES are in, mapped as one */
	EXO_PART,   /* another frame of a run: all that is to be said of it stands in the head's record */
};

enum exo_frame_flag {
	EXO_F_SHARED = 1,   /* may have several writable entries */
	EXO_F_SEALED = 2,   /* table: R/W is clear in all its links */
	EXO_F_CHAINED = 4,  /* free frame that stands in the free chain (else: never used since boot) */
	EXO_F_ROOT_USED = 8, /* PT4 that an env runs on */
};

/* One per frame of RAM, indexed by pfn, readable at EXO_FRAMES. 32 bytes. */
struct exo_frame_rec {
	union {
		struct { uint32_t next, prev; }; /* chain of the frames of one owner (or of free frames); 0 ends it */
		uint64_t left_by; /* disowned: name of the env that let it go, 0 = nobody */
	};
	uint16_t owner;      /* env index, 0 = none: free, or disowned when type is not EXO_FREE */
	uint16_t account;    /* env index of the account charged; of a free frame: last charged */
	uint8_t  type;       /* enum exo_frame_type */
	uint8_t  flags;      /* enum exo_frame_flag */
	uint16_t pins;       /* references held by kernel or device */
	uint32_t maps;       /* leaf entries that map this frame */
	union {
		uint32_t base;     /* table: its base VA >> 21 */
		uint32_t pin_next; /* frame or run that a device may reach: chain of those of one driver */
	};
	union {
		struct {
			uint16_t glinks; /* table: links in global slots */
			uint16_t plinks; /* table: links in private slots */
		};
		uint32_t pin_prev;
	};
	uint16_t used;       /* table: present entries; run: frames in it */
	uint16_t spare;      /* pinned for a device: env index of its driver */
};
_Static_assert(sizeof(struct exo_frame_rec) == 32, "frame record");
#endif
#endif
