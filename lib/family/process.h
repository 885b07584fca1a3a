/* SPDX-License-Identifier: MIT */
/* What belongs to one env alone: user registers, who runs there; behind it vm's struct space. Lies in the private area at PRIVATE_BASE, which is never sealed: fork copies it.
 * All threads of an env use it in turn; what a thread keeps while another one runs lies in its slot (thread.c).
 *
 *   PRIVATE_BASE            absent (guard)
 *     + PRIVATE_FAMILY      F, the family's page; then an absent one (guard)
 *     + PRIVATE_STACK       library stack, LIBRARY_STACK_PAGES pages
 *     + PRIVATE_PROCESS     struct process and struct space, then (own pages) the XSAVE image and the
 *                           first leaves of the tree of regions (vm/tree.h)
 *     + PRIVATE_ROOT        its root, for who has more than one leaf
 *     + PRIVATE_SCRATCH     window of SCRATCH_PAGES pages: frames of others while they are being filled
 *     + PRIVATE_THREADS     a slot of SLOT_PAGES pages for each thread: guard, library stack, XSAVE image; pages come on demand, and fork copies none
 *     + PRIVATE_LEAVES_FAR  further leaves, to the end of the GiB
 *
 * Offsets that entry.S uses are asserted below. */
#ifndef FAMILY_PROCESS_H
#define FAMILY_PROCESS_H
#include <exo/layout.h>

#define PRIVATE_AREA     (EXO_UL(510) * EXO_HOME_SIZE) /* PRIVATE_BASE, for assembly */
#define LIBRARY_STACK_PAGES 8
#define LIBRARY_STACK_FIRST 3 /* so many are there from the start, the others on demand */
#define PRIVATE_FAMILY   0x1000 /* struct family: family.h. Near the others: a teardown stops at the last */
#define PRIVATE_STACK    0x3000
#define PRIVATE_PROCESS  (PRIVATE_STACK + LIBRARY_STACK_PAGES * 0x1000)
#define PRIVATE_SPACE    (PRIVATE_PROCESS + 0x800) /* struct space, in the same page */
#define PRIVATE_XSAVE    (PRIVATE_PROCESS + 0x1000)
#define PRIVATE_LEAVES   (PRIVATE_XSAVE + 0x1000)
#define LEAVES_NEAR      64
#define PRIVATE_ROOT     (PRIVATE_LEAVES + LEAVES_NEAR * 0x1000)
#define ROOT_PAGES       24
#define PRIVATE_SCRATCH  0x100000
#define SCRATCH_PAGES    128
#define PRIVATE_THREADS  0x200000
#define SLOT_PAGES       16
#define PRIVATE_LEAVES_FAR (EXO_HOME_SIZE - 0x1000000)

/* Offsets in struct process and struct user_regs. */
#define P_EXO     0
#define P_STACK   32
#define P_REGS    64
#define R_RAX     0
#define R_RBX     8
#define R_RCX     16
#define R_RDX     24
#define R_RSI     32
#define R_RDI     40
#define R_RBP     48
#define R_R8      56
#define R_R9      64
#define R_R10     72
#define R_R11     80
#define R_R12     88
#define R_R13     96
#define R_R14     104
#define R_R15     112
#define R_RIP     120
#define R_RFLAGS  128
#define R_RSP     136
#define R_ORIG    144
#define R_FULL    152
#define R_SIZE    160

#ifndef __ASSEMBLER__
#include <exo/env.h>
#include <family/memory.h>

_Static_assert(PRIVATE_AREA == PRIVATE_BASE, "asm");
_Static_assert(PRIVATE_ROOT + ROOT_PAGES * 0x1000 <= PRIVATE_SCRATCH, "the root ends before the window");

/* Registers of the user code, kept while the library runs. full: all of them must come back (rcx and r11 too), as
 * after a fault or sigreturn. orig_rax: number of the system call that is being served, -1 otherwise. FS and GS base
 * and the vector state stay in the CPU. */
struct user_regs {
	uint64_t rax, rbx, rcx, rdx, rsi, rdi, rbp, r8, r9, r10, r11, r12, r13, r14, r15;
	uint64_t rip, rflags, rsp, orig_rax, full;
};
_Static_assert(__builtin_offsetof(struct user_regs, r15) == R_R15 && __builtin_offsetof(struct user_regs, rip) == R_RIP, "asm");
_Static_assert(__builtin_offsetof(struct user_regs, full) == R_FULL && sizeof(struct user_regs) == R_SIZE, "asm");

struct rt_box;
struct process {
	struct exo_page *exo;
	exo_name self;
	uint32_t is_monitor;    /* of its family: the first env, or that of a box */
	uint32_t is_keeper;     /* the env of process 1 */
	/* process of the thread that runs here now: another one's while a vfork child borrows this env */
	struct task *task;
	uint64_t stack;         /* top of that thread's library stack */
	struct thread *thread;  /* that thread; NULL on the way from one that has left to the next */
	uint32_t thread_count;  /* that live here */
	uint32_t slot_free, slot_count; /* first free slot (each names the next), 0 = none; slots that were ever used */
	uint32_t crashing;      /* crash_library has begun */
	struct user_regs regs;
	uint64_t family;        /* its base */
	uint64_t fs_base, gs_base;   /* last set here; at fork, for the child */
	uint64_t image_base, image_end; /* of the program, for /proc/self/stat */
	uint64_t arg_start, arg_end, env_start, env_end, aux_start;
	/* this env's alarm, TSC; it may be long past, or earlier than wanted: then it is set again when it comes. 0 =
	 * none */
	uint64_t alarm_at;
	uint32_t data_lost;     /* a page of data memory was gone: data.c */
	uint32_t calls_traced;  /* this env's calls come by posix_traced_entry, since a thread of its is traced */
	/* Of a box's monitor: what another build of the library OS that made the box says (rt.h); else NULL. */
	const struct rt_box *given;
};
_Static_assert(__builtin_offsetof(struct process, stack) == P_STACK, "asm");
_Static_assert(__builtin_offsetof(struct process, exo) == P_EXO && __builtin_offsetof(struct process, regs) == P_REGS, "asm");
_Static_assert(sizeof(struct process) <= PRIVATE_SPACE - PRIVATE_PROCESS, "what comes behind it");

#define P ((struct process *)(PRIVATE_BASE + PRIVATE_PROCESS))
/* Where this env's family has its homes. */
#define FAMILY_BASE  (P->family)               /* home: control memory, live read-write in all members */
#define MONITOR_BASE (P->family - FAMILY_SAID)
#define DATA_BASE    (P->family + FAMILY_DATA)
/* It is not the first one: its monitor was made by another's. */
#define IS_BOX       (FAMILY_BASE != FIRST_FAMILY)

#define XSAVE_IMAGE ((void *)(PRIVATE_BASE + PRIVATE_XSAVE))
#define SCRATCH (PRIVATE_BASE + PRIVATE_SCRATCH)
#define LIBRARY_STACK_TOP (PRIVATE_BASE + PRIVATE_STACK + LIBRARY_STACK_PAGES * EXO_PAGE_SIZE)

#endif
#endif
