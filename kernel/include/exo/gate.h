/* SPDX-License-Identifier: MIT */
/* Numbers of the gate, expanded from gate.def. Serves C and assembly. */
#ifndef EXO_GATE_H
#define EXO_GATE_H

/* Outside Linux's numbers (0..1023 and the x32 bit). Numbers in [BASE, BASE + SPAN) that are not assigned return -ENOSYS; all others are foreign. */
#define EXO_GATE_BASE 0xa000
#define EXO_GATE_SPAN 0x100

#define EXO_ANY    (~0ul)
#define EXO_ZEROED (~1ul)

/* Flags of an `at` argument; bits 0..2 hold the entry's level. */
#define EXO_AT_LEVEL  0x007
#define EXO_AT_STEP   0x010
#define EXO_AT_LIST   0x020
#define EXO_AT_CHANGE 0x040
#define EXO_AT_GIVE   0x080
#define EXO_AT_SEALED 0x100
#define EXO_AT_LIVE   0x200
#define EXO_AT_RW     0x400
#define EXO_AT_REMAP  0x800

#ifndef __ASSEMBLER__
#include <stdint.h>
enum exo_gate {
#define GATE(number, name, count, flags, arguments, effect) EXO_GATE_##name = number,
#include <exo/gate.def>
#undef GATE
};
struct exo_batch { uint64_t op, arg[6]; int64_t result; } __attribute__((aligned(64))); /* op: EXO_GATE_..., without the base */
enum exo_home_what { EXO_HOME_CLAIM, EXO_HOME_RELEASE, EXO_HOME_PRIVATE, EXO_HOME_OPEN };
enum exo_home_open { EXO_OPEN_READ = 1, EXO_OPEN_WRITE }; /* to write: to read, too */
enum exo_set_what { EXO_SET_ENTRIES, EXO_SET_ALARM, EXO_SET_OPEN, EXO_SET_LIMIT, EXO_SET_MACHINE, EXO_SET_REGS, EXO_SET_DIRECT, EXO_SET_FS, EXO_SET_GS,
	EXO_SET_RIGHTS };
enum exo_right { EXO_RIGHT_MACHINE = 1 };
enum exo_machine { EXO_MACHINE_OFF, EXO_MACHINE_RESET };
enum exo_pct_what { EXO_PCT_REPLY = 1, EXO_PCT_ACCEPT = 2 };
enum exo_revoke_what { EXO_REVOKE_ASK, EXO_REVOKE_TAKE, EXO_REVOKE_FRAME, EXO_REVOKE_SLICE };
enum exo_dev_kind { EXO_DEV_PORTS, EXO_DEV_IRQ, EXO_DEV_FRAMES, EXO_DEV_FRAMES_WC, EXO_DEV_TRACE,
	EXO_DEV_PCI, EXO_DEV_MASTER, EXO_DEV_MSI, EXO_DEV_DMA, EXO_DEV_DMA_END };
#define EXO_DMA_WRITE 1ul /* the device writes there */
#define EXO_MSI_LINES 64
#endif
#endif
