/* SPDX-License-Identifier: MIT */
/* What an env and the kernel share: the exo page, upcall frames, saved state, and the public env, home, slice and info tables. */
#ifndef EXO_ENV_H
#define EXO_ENV_H
#include <exo/layout.h>

/* Offsets in struct exo_page that assembly uses; asserted below. */
#define EXO_PAGE_PENDING       0
#define EXO_PAGE_DISABLED      4
#define EXO_PAGE_FOREIGN_RIP   8
#define EXO_PAGE_FOREIGN_FLAGS 16
#define EXO_PAGE_IRET_ALIAS    64

#define EXO_UPCALL_RESUME 40 /* from struct exo_upcall to its rip */

/* Vector number in an upcall frame that stands for "asynchronous: read pending". */
#define EXO_VECTOR_ASYNC 256

#define EXO_USER_CS 0x33
#define EXO_USER_SS 0x2b

#ifndef __ASSEMBLER__
#include <stdint.h>
#include <exo/facts.h>

/* A name is generation << 12 | index, never 0 for a live env, and below 2^63. No two envs ever have the same one:
 * 51 bits of generation do not run out. */
typedef uint64_t exo_name;
#define EXO_NAME_INDEX(name) ((name) & (EXO_ENV_MAX - 1))

/* Pending bits. Set by the kernel, cleared (with an atomic and) by the env. */
enum exo_pending {
	EXO_PEND_TIMER = 1,  /* the slice is about to end, or the alarm's time has come */
	EXO_PEND_NOTIFY = 2, /* notify_bits has news */
	EXO_PEND_CHILD = 4,  /* an env that this one made has ended or is stuck: see the env table and ended */
	EXO_PEND_IRQ = 8,    /* irq_bits or msi_bits has news */
	EXO_PEND_REVOKE = 16, /* revoke_count frames are to be returned by revoke_deadline, or something was taken: see repossessed */
};

#define EXO_REPOSSESSION 64

/* The exo page: first page of the group, at EXO_GROUPS + index * EXO_GROUP_SIZE. Ring 3 may write all of it; the kernel trusts none of it. */
struct exo_page {
	uint32_t pending;       /* enum exo_pending */
	uint32_t disabled;      /* non-zero: asynchronous upcalls wait; a foreign syscall gets -ENOSYS (Linux's 38) */
	uint64_t foreign_rip;   /* where the reflected foreign syscall or int 0x80 came from (next instruction) */
	uint64_t foreign_flags; /* its rflags */
	uint64_t notify_bits;   /* bits that notify() set; clear with an atomic exchange */
	uint32_t irq_bits;      /* lines that fired since dev_ack */
	uint32_t ended_count;   /* how many children have ended so far */
	exo_name self;          /* this env's name */
	exo_name ended;         /* name of the last child whose teardown was completed */
	uint64_t slice_end;     /* TSC at which the current slice ends */
	/* To be added to an address in a page of the group before a ring-3 iretq pops its frame there: upcall stack pages, exception page. Zero, but on
	 * QEMUs whose iretq reads with kernel rights (which SMAP refuses). */
	uint64_t iret_alias[3];
	uint32_t revoke_count;     /* frames asked back */
	uint32_t repossessed;      /* entries taken so far; the last ones are in repossession[i % EXO_REPOSSESSION] */
	uint64_t revoke_deadline;  /* TSC */
	uint64_t msi_bits;         /* message lines (EXO_DEV_MSI) that fired; clear with an atomic exchange */
	struct { uint64_t va, pfn; } repossession[EXO_REPOSSESSION];
};
_Static_assert(__builtin_offsetof(struct exo_page, pending) == EXO_PAGE_PENDING, "asm");
_Static_assert(__builtin_offsetof(struct exo_page, disabled) == EXO_PAGE_DISABLED, "asm");
_Static_assert(__builtin_offsetof(struct exo_page, foreign_rip) == EXO_PAGE_FOREIGN_RIP, "asm");
_Static_assert(__builtin_offsetof(struct exo_page, foreign_flags) == EXO_PAGE_FOREIGN_FLAGS, "asm");
_Static_assert(__builtin_offsetof(struct exo_page, iret_alias) == EXO_PAGE_IRET_ALIAS, "asm");

/* The exception page, of an env that took the direct vectors (EXO_SET_DIRECT): CPU vectors 0 3 4 5 6 16 17 19 then enter ring 3 without one kernel
 * instruction, at handler[vector], with the CPU's frame (error code for 17, rip, cs, rflags, rsp, ss) at rsp, at the top of this page. The next one reuses the
 * top: a handler leaves the page before it does anything that can raise one. */
struct exo_direct {
	uint64_t handler[32];
	uint8_t rest[4096 - 32 * 8];
};
#define EXO_DIRECT_VECTORS 0xb0079u /* bit mask of the vectors */

/* What the kernel pushes on the upcall stack: rsp points at it on entry (16-byte aligned, flags clear but for IF); all general registers are as they were.
 * The last five words are what iretq pops: a handler that has restored the registers resumes by `add (%rsp),%rsp; iretq` with rsp at the frame. */
struct exo_upcall {
	uint64_t resume;   /* from here to rip by the address that iretq must use (EXO_UPCALL_RESUME, but see iret_alias); holds in this place only */
	uint64_t vector;   /* CPU vector, or EXO_VECTOR_ASYNC */
	uint64_t error;    /* CPU error code or 0; for EXO_VECTOR_ASYNC the pending bits at delivery */
	uint32_t pending, disabled; /* the exo page's, before this upcall set `disabled` to 1 */
	uint64_t addr;     /* CR2 of vector 14 */
	uint64_t rip, cs, rflags, rsp, ss;
};
_Static_assert(__builtin_offsetof(struct exo_upcall, rip) == EXO_UPCALL_RESUME && sizeof(struct exo_upcall) == 80, "asm");

struct exo_regs {
	uint64_t rax, rbx, rdx, rsi, rdi, rbp, r8, r9, r10, r12, r13, r14, r15;
	uint64_t rcx, r11; /* after a system call: anything */
	uint64_t vector, error; /* of what interrupted it last */
	uint64_t rip, cs, rflags, rsp, ss; /* cs and ss are the kernel's constants, whatever stands here */
	uint64_t fs_base, gs_base;
};

/* The save frame: where the state of an env lies that does not run; ring 3 reads it only. */
#define EXO_SAVE_XSTATE 512
struct exo_save {
	struct exo_regs regs;
	uint8_t pad[EXO_SAVE_XSTATE - sizeof(struct exo_regs)];
	uint8_t xstate[4096 - EXO_SAVE_XSTATE]; /* XSAVE image, standard format */
};
_Static_assert(sizeof(struct exo_save) == 4096, "save frame");

enum exo_entry { EXO_ENTRY_FAULT, EXO_ENTRY_ASYNC, EXO_ENTRY_FOREIGN, EXO_ENTRY_INT80, EXO_ENTRY_COUNT };
enum exo_count { EXO_C_FRAMES, EXO_C_ENVS, EXO_C_HOMES, EXO_C_SLICES, EXO_C_DEVICES, EXO_C_COUNT };
#define EXO_ACCOUNT_DEPTH 16 /* accounts below one another */
enum exo_env_state {
	EXO_S_FREE,    /* no env */
	EXO_S_READY,   /* runs when given time */
	EXO_S_PARKED,  /* in wait */
	EXO_S_STUCK,   /* a fault had no entry or no room; its creator may kill it */
	EXO_S_DYING,   /* being torn down */
	EXO_S_ACCEPTING, /* waits to be entered by pct */
	EXO_S_CALLING, /* waits for the reply to its pct */
};
/* Order of the frames that env_make takes first; more may follow, which are handed over as they are. */
enum exo_env_frame {
	EXO_EF_ROOT, EXO_EF_RECORD, EXO_EF_EXO, EXO_EF_SAVE, EXO_EF_STACK0, EXO_EF_STACK1, EXO_EF_DIRECT,
	EXO_EF_WINDOW3, EXO_EF_WINDOW2, EXO_EF_WINDOW1, EXO_EF_COUNT
};
#define EXO_SPEC_FRAMES_MAX 56
#define EXO_SPEC_NEW_ACCOUNT 1u

/* Argument of env_make, in the caller's memory, read once. */
struct exo_env_spec {
	uint64_t rip, rsp, rdi, rsi;       /* first registers; all others are 0, extended state is the initial one */
	uint64_t entry[EXO_ENTRY_COUNT];   /* entry points, 0 = none */
	uint32_t limit[EXO_C_COUNT];       /* with EXO_SPEC_NEW_ACCOUNT: counts moved to the new account */
	uint32_t flags;
	uint32_t frame_count;              /* >= EXO_EF_COUNT */
	uint32_t disabled;                 /* first value of the exo page's disabled */
	uint32_t frames[EXO_SPEC_FRAMES_MAX];
};

/* Public env record, at EXO_ENVS + index * 128. Index 0 is nobody. */
struct exo_env {
	exo_name name;          /* 0 = no env */
	uint32_t root;          /* pfn */
	uint16_t account;       /* env index of the account */
	uint16_t creator;       /* its env index: it lives as long as this one does. 0 = of the first env */
	uint32_t frames;        /* frames that it owns */
	uint16_t stuck_vector;  /* why it is stuck */
	uint8_t  state;         /* enum exo_env_state */
	uint8_t  spare;
	uint64_t stuck_addr, stuck_rip;
	uint64_t run_time;      /* TSC ticks that it ran; of the env that runs now: plus TSC gives that */
	uint32_t limit[EXO_C_COUNT], used[EXO_C_COUNT]; /* of the account with this index */
	uint64_t private_slots[4]; /* of its root: bit i of word i/64 */
	uint32_t disowned;      /* frames that it let go and that entries, links or pins still hold: charged to its account */
	uint16_t account_parent; /* account that pays for this index, and that the limits of the account with it came from; also when the env is gone */
	/* Of the account with this index: env index of who, as those who made one above, may move counts and end who draws
	 * on it. */
	uint16_t account_maker;
};
_Static_assert(sizeof(struct exo_env) == 128, "env record");

/* Home table, at EXO_HOMES: the unit's one level-2 table, whoever links it. */
struct exo_home {
	uint32_t pt2;    /* pfn of the table, 0 = none: the home is empty */
	uint16_t owner;  /* env index, 0 = free to claim */
	uint16_t spare;
};

/* Slice vector, at EXO_SLICES. */
#define EXO_SLICE_COUNT 64
struct exo_slices {
	uint32_t position;  /* the slice that runs now */
	uint32_t spare;
	exo_name env[EXO_SLICE_COUNT]; /* 0 = free */
};

#define EXO_INFO_MAGIC   0x006f66696c697241ul /* "Arilifo" */
#define EXO_INFO_VERSION 5
#define EXO_INFO_LOG     3072
enum exo_cpu_feature {
	EXO_CPU_SMEP = 1, EXO_CPU_SMAP = 2, EXO_CPU_UMIP = 4, EXO_CPU_FSGSBASE = 8, EXO_CPU_XSAVE = 16,
	EXO_CPU_RDRAND = 32, EXO_CPU_ERMS = 64, EXO_CPU_NX = 128,
	EXO_CPU_LEAKS = 256, /* ring 3 may read the kernel's memory by way of the caches (Meltdown, MDS): nothing is done about it */
};
struct exo_info {
	uint64_t magic;
	uint32_t version, size;
	uint64_t tsc_hz;
	uint64_t ns_mult;       /* ns = (tsc - tsc_boot) * ns_mult >> 32 */
	uint64_t tsc_boot;      /* TSC when wall_boot was read */
	uint64_t wall_boot;     /* ns since 1970-01-01T00:00:00Z at tsc_boot, 0 = firmware has no clock */
	uint64_t frame_count;   /* entries in the frame table */
	uint64_t frames_ram;    /* frames of RAM */
	uint64_t frames_free;   /* frames free to claim */
	uint64_t slice_ticks;   /* length of a slice in TSC ticks */
	uint64_t early_ticks;   /* how long before a slice's end the timer upcall comes */
	exo_name current;       /* env that runs */
	exo_name first;         /* the first env */
	uint32_t cpu_features;  /* enum exo_cpu_feature */
	uint32_t xcr0;
	uint32_t xsave_size;
	uint32_t debug;         /* non-zero: this kernel recounts */
	uint64_t recounts;      /* how often it did */
	uint64_t tsc_exit_boot; /* TSC right after ExitBootServices returned */
	uint64_t tsc_first_user; /* TSC right before the first instruction of ring 3 */
	EXO_FACTS;
	uint32_t log_size;      /* bytes in log */
	uint64_t trace_count;   /* records that the tracer's ring has got since it was bound (trace.h) */
	char build[64];         /* what was built: version and kind, NUL-terminated */
	char log[EXO_INFO_LOG]; /* what loader and kernel said before ring 3; of more than fits, the oldest is left out */
};
_Static_assert(sizeof(struct exo_info) <= EXO_PAGE_SIZE, "one page");
#endif
#endif
