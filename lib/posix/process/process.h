/* SPDX-License-Identifier: MIT */
/* What belongs to one env alone: user registers, regions, pager state. Lies in the private area at PRIVATE_BASE, which is never sealed: fork copies it.
 * All threads of an env use it in turn; what a thread keeps while another one runs lies in its slot (thread.c).
 *
 *   PRIVATE_BASE            absent (guard)
 *     + PRIVATE_STACK       library stack, LIBRARY_STACK_PAGES pages
 *     + PRIVATE_PROCESS     struct process, then (own pages) the XSAVE image and the region array
 *     + PRIVATE_SCRATCH     window of SCRATCH_PAGES pages: frames of others while they are being filled
 *     + PRIVATE_THREADS     a slot of SLOT_PAGES pages for each thread: guard, library stack, XSAVE image; pages come on demand, and fork copies none
 *
 * Offsets that entry.S uses are asserted below. */
#ifndef POSIX_PROCESS_H
#define POSIX_PROCESS_H
#include <exo/layout.h>

#define PRIVATE_AREA     (EXO_UL(510) * EXO_HOME_SIZE) /* PRIVATE_BASE, for assembly */
#define LIBRARY_STACK_PAGES 8
#define LIBRARY_STACK_FIRST 3 /* so many are there from the start, the others on demand */
#define PRIVATE_STACK    0x1000
#define PRIVATE_PROCESS  (PRIVATE_STACK + LIBRARY_STACK_PAGES * 0x1000)
#define PRIVATE_XSAVE    (PRIVATE_PROCESS + 0x1000)
#define PRIVATE_REGIONS  (PRIVATE_XSAVE + 0x1000)
#define REGION_PAGES_MAX 64
#define PRIVATE_SCRATCH  0x100000
#define SCRATCH_PAGES    128
#define PRIVATE_THREADS  0x200000
#define SLOT_PAGES       16

/* Offsets in struct process and struct user_regs. */
#define P_EXO     0
#define P_STACK   24
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
#include <posix/posix.h>

_Static_assert(PRIVATE_AREA == PRIVATE_BASE, "asm");

/* Registers of the user code, kept while the library runs. full: all of them must come back (rcx and r11 too), as after a fault or sigreturn.
 * orig_rax: number of the system call that is being served, -1 otherwise. FS and GS base and the vector state stay in the CPU. */
struct user_regs {
	uint64_t rax, rbx, rcx, rdx, rsi, rdi, rbp, r8, r9, r10, r11, r12, r13, r14, r15;
	uint64_t rip, rflags, rsp, orig_rax, full;
};
_Static_assert(__builtin_offsetof(struct user_regs, r15) == R_R15 && __builtin_offsetof(struct user_regs, rip) == R_RIP, "asm");
_Static_assert(__builtin_offsetof(struct user_regs, full) == R_FULL && sizeof(struct user_regs) == R_SIZE, "asm");

/* Linux's prot and flags bits, as far as regions keep them. */
#define PROT_READ  1u
#define PROT_WRITE 2u
#define PROT_EXEC  4u
#define REGION_SHARED    0x1u /* MAP_SHARED */
#define REGION_GROWSDOWN 0x2u /* the stack */
#define REGION_STACK     0x4u /* named in maps */
#define REGION_HEAP      0x8u
#define REGION_STASH     0x20u /* stash.c */
#define REGION_HUGE 0x80u /* by pages of 2 MiB where they fit */
#define REGION_READ_ONLY 0x40u /* a shared file that was not opened for writing */
#define REGION_NOT_FORKED 0x100u /* a fork child has nothing there */
#define REGION_WIPED 0x200u /* a fork child finds zeros there */
#define REGION_NOT_DUMPED 0x400u /* not in a core file */
#define REGION_LOCKED 0x800u /* mlock: no advice drops its pages */
#define REGION_ANON_SHARED 0x10u /* shared anonymous memory: pages of an unnamed inode-less object */

/* One run of user addresses with one meaning; page-aligned; the array is sorted and disjoint. */
struct region {
	uint64_t start, end;
	uint32_t prot, flags;
	struct inode *inode;  /* reference held; NULL: anonymous */
	uint64_t offset;      /* page of the file at start; of shared anonymous memory: its number in the high half, with the page in the low one */
	uint64_t data_end;    /* address at which the file's bytes end: zeros from there on (ELF bss) */
};

struct process {
	struct exo_page *exo;
	exo_name self;
	uint32_t is_first;      /* the first env: the monitor */
	struct task *task;      /* process of the thread that runs here now: another one's while a vfork child borrows this env */
	uint64_t stack;         /* top of that thread's library stack */
	struct thread *thread;  /* that thread; NULL on the way from one that has left to the next */
	uint32_t thread_count;  /* that live here */
	uint32_t slot_free, slot_count; /* first free slot (each names the next), 0 = none; slots that were ever used */
	uint32_t crashing;      /* crash_library has begun */
	uint32_t is_keeper;     /* the env of process 1 */
	uint32_t spare;
	struct user_regs regs;
	uint64_t fs_base, gs_base;   /* last set here; at fork, for the child */
	struct region *regions;      /* = PRIVATE_REGIONS */
	uint32_t region_count, region_pages;
	uint32_t region_last;        /* where the last search in it ended: a guess */
	uint64_t region_bytes;       /* of all regions but stashes */
	uint8_t  has_fork_advice;    /* a region is, or was, one that a fork child has otherwise: advice_fork */
	uint8_t  lock_future;        /* mlockall's flags for mappings to come */
	uint8_t  has_stash;          /* stash.c keeps something, or did */
	uint8_t  has_strays;         /* an unmapping failed half-way: entries may stand where no region is */
	uint64_t brk_start, brk_end; /* brk_end not rounded */
	uint64_t stack_top, stack_limit;
	uint64_t mmap_top;           /* mmap searches downwards from here */
	uint64_t home_base, home_count; /* claimed home of a PIE image, 0 = none */
	uint64_t slots[4];           /* slots.c */
	uint32_t runs;               /* pages of 2 MiB: huge.c */
	uint64_t image_base, image_end; /* of the program, for /proc/self/stat */
	uint64_t arg_start, arg_end, env_start, env_end, aux_start;
	uint64_t fault_next;         /* where the next sequential anonymous fault is expected */
	uint32_t fault_window;
	uint64_t alarm_at;           /* this env's alarm, TSC; it may be long past, or earlier than wanted: then it is set again when it comes. 0 = none */
	uint64_t is_wx;              /* a W+X mapping was logged */
};
_Static_assert(__builtin_offsetof(struct process, stack) == P_STACK, "asm");
_Static_assert(__builtin_offsetof(struct process, exo) == P_EXO && __builtin_offsetof(struct process, regs) == P_REGS, "asm");
_Static_assert(sizeof(struct process) <= 4096, "one page");

#define P ((struct process *)(PRIVATE_BASE + PRIVATE_PROCESS))
#define XSAVE_IMAGE ((void *)(PRIVATE_BASE + PRIVATE_XSAVE))
#define SCRATCH (PRIVATE_BASE + PRIVATE_SCRATCH)
#define LIBRARY_STACK_TOP (PRIVATE_BASE + PRIVATE_STACK + LIBRARY_STACK_PAGES * EXO_PAGE_SIZE)

#pragma GCC visibility push(hidden)
/* Bases of FS and GS. xstate.c */
uint64_t fs_base_get(void), gs_base_get(void);
void fs_base_set(uint64_t base), gs_base_set(uint64_t base);

/* region.c */
struct region *region_find(uint64_t va);             /* region that holds va, or NULL */
/* pager.c: makes the page of va present with that access for user code or for the library: 0, -EFAULT, -ENOMEM. access: PROT_ bits (one). */
int page_serve(uint64_t va, unsigned access);
/* entry.S */
void library_restart(void (*go_on)(void *), void *argument) __attribute__((noreturn));
void library_begin(void);
/* syscall.c: to user code with P->regs, from anywhere in the library; disables nothing, delivers signals first. Family lock as it may be. */
void user_return(void) __attribute__((noreturn));
#pragma GCC visibility pop
#endif
#endif
