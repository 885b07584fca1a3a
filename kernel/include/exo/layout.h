/* SPDX-License-Identifier: MIT */
/* The address map, computed. Serves C and assembly. Each constant derives from its neighbour.
 *
 *   0                 +------------------------------------------+ slot 0: private in every env
 *                     | 64 KiB null guard, never mapped          |
 *   EXO_HOMES_BASE    +------------------------------------------+ slots 1..254: homes, 1 GiB each, one meaning in all envs
 *   EXO_WINDOW        +------------------------------------------+ slot 255: system window, read-only in ring 3
 *     EXO_INFO        |   info page                              |
 *     EXO_SLICES      |   slice vector                           |
 *     EXO_ENVS        |   env table                              |
 *     EXO_HOMES       |   home table                             |
 *     EXO_PCI         |   table of PCI functions                 |
 *     EXO_FRAMES      |   frame table                            |
 *     EXO_GROUPS      |   group window of the env itself         |
 *   2^47              +------------------------------------------+ (never reached: the last page stays empty)
 *   KERNEL_DIRECT     +------------------------------------------+ direct map of RAM: write-back, NX, supervisor
 *   KERNEL_DEVICES    +------------------------------------------+ interrupt controllers and timers, uncached
 *   KERNEL_SCREEN     +------------------------------------------+ framebuffer, write-combined
 *   KERNEL_IMAGE      +------------------------------------------+ kernel text, constants, data: W^X, global
 */
#ifndef EXO_LAYOUT_H
#define EXO_LAYOUT_H

#ifdef __ASSEMBLER__
#define EXO_UL(x) x
#else
#define EXO_UL(x) x##ul
#endif

#define EXO_PAGE_SHIFT   12
#define EXO_PAGE_SIZE    (EXO_UL(1) << EXO_PAGE_SHIFT)
#define EXO_SLOT_SHIFT   39
#define EXO_SLOT_SIZE    (EXO_UL(1) << EXO_SLOT_SHIFT)
#define EXO_HOME_SHIFT   30
#define EXO_HOME_SIZE    (EXO_UL(1) << EXO_HOME_SHIFT)
#define EXO_USER_END     (EXO_UL(1) << 47)

#define EXO_NULL_GUARD   EXO_UL(0x10000)

#define EXO_HOMES_BASE   EXO_SLOT_SIZE
#define EXO_WINDOW       (EXO_USER_END - EXO_SLOT_SIZE)
#define EXO_HOME_COUNT   ((EXO_WINDOW - EXO_HOMES_BASE) >> EXO_HOME_SHIFT)
/* Index of the home that holds va; va must lie in [EXO_HOMES_BASE, EXO_WINDOW). */
#define EXO_HOME_OF(va)  (((va) - EXO_HOMES_BASE) >> EXO_HOME_SHIFT)

#define EXO_ENV_MAX      EXO_UL(4096)

#define EXO_INFO         EXO_WINDOW
#define EXO_SLICES       (EXO_INFO + EXO_PAGE_SIZE)
#define EXO_ENVS         (EXO_WINDOW + EXO_UL(0x100000))
#define EXO_HOMES        (EXO_WINDOW + EXO_UL(0x200000))
#define EXO_PCI          (EXO_WINDOW + EXO_UL(0x300000))
#define EXO_FRAMES       (EXO_WINDOW + EXO_UL(8) * EXO_HOME_SIZE)
#define EXO_GROUPS       (EXO_WINDOW + EXO_UL(16) * EXO_HOME_SIZE)

/* The group window of the env with index i starts at EXO_GROUPS + i * EXO_GROUP_SIZE. */
#define EXO_GROUP_SIZE   (EXO_UL(16) * EXO_PAGE_SIZE)
#define EXO_GROUP_EXO    EXO_UL(0)                       /* exo page, read-write */
#define EXO_GROUP_SAVE   (EXO_GROUP_EXO + EXO_PAGE_SIZE) /* save frame, read-only */
#define EXO_GROUP_STACK  (EXO_GROUP_SAVE + EXO_UL(2) * EXO_PAGE_SIZE) /* upcall stack; the page below it is absent */
#define EXO_STACK_SIZE   (EXO_UL(2) * EXO_PAGE_SIZE)
#define EXO_GROUP_DIRECT (EXO_GROUP_STACK + EXO_STACK_SIZE) /* exception page, read-write */

/* The same pages at addresses that are equal in all envs: each sees its own. The last 2 MiB of the unit that holds the group windows. */
#define EXO_SELF         (EXO_GROUPS + EXO_HOME_SIZE - EXO_UL(0x200000))
#define EXO_SELF_EXO     (EXO_SELF + EXO_UL(12) * EXO_PAGE_SIZE)
#define EXO_SELF_ENTER   (EXO_SELF_EXO + EXO_PAGE_SIZE)    /* kernel's stubs of the direct vectors, read and execute */
#define EXO_SELF_DIRECT  (EXO_SELF_ENTER + EXO_PAGE_SIZE)  /* exception page */

#define KERNEL_DIRECT    EXO_UL(0xffff800000000000)
#define KERNEL_DEVICES   EXO_UL(0xffffffff40000000)
#define KERNEL_SERIAL    (KERNEL_DEVICES + EXO_UL(0x1ff000)) /* page of a serial port in memory, the loader's link */
#define KERNEL_SCREEN    (KERNEL_DEVICES + EXO_UL(0x200000)) /* framebuffer, write-combined: for a panic */
#define KERNEL_IMAGE     EXO_UL(0xffffffff80000000)
#endif
