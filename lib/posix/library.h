/* SPDX-License-Identifier: MIT */
/* Private to the process half's machinery (entry, pager, regions, env building, exec): what its files give each other. */
#ifndef POSIX_LIBRARY_H
#define POSIX_LIBRARY_H
#include <asm/errno.h>
#include <base/string.h>
#include <rt/gate.h>
#include <family/family.h>
#include <posix/process/process.h>
#include <posix/process/task.h>
#include <run/xstate.h>

#define PAGE EXO_PAGE_SIZE
#define PAGE_DOWN(x) ((uint64_t)(x) & ~(PAGE - 1))
#define PAGE_UP(x)   PAGE_DOWN((uint64_t)(x) + PAGE - 1)
#define MIN_OF(a, b) ((a) < (b) ? (a) : (b))
#define MAX_OF(a, b) ((a) > (b) ? (a) : (b))
/* Where the library places things: all below 320 GiB and, until that is full, above 192 GiB, the one part of slot 0 that AddressSanitizer's layout leaves to others.
 * vDSO, interpreter, the first mappings and the stack lie near one another, in one table for fork to link, of which it copies a part; and the two that stay below
 * what comes and goes, so that their regions need not be moved. Images, and what is too large, lie in slots that this layout leaves free. */
#define STACK_TOP    (320 * EXO_HOME_SIZE - 16 * PAGE)
#define STACK_GAP    (256 * PAGE)                  /* kept free below a growing stack */
#define MMAP_TOP     (STACK_TOP - (64ul << 20))
#define INTERP_BASE  (MMAP_TOP - (32ul << 20))
#define VDSO_BASE    (INTERP_BASE - 16 * PAGE)
#define PIE_BASE     (200 * EXO_HOME_SIZE)         /* when no home is to be had */
#define IMAGES_BASE  (33 * EXO_SLOT_SIZE)
#define LARGE_BASE   (96 * EXO_SLOT_SIZE)          /* end of the images' slots */
#define LARGE_END    (192 * EXO_SLOT_SIZE)
#define USER_HIGH    (2 * EXO_SLOT_SIZE)           /* programs may map from here on, too: slots.c */
#define TURN_OVER    (EXO_PEND_TIMER | EXO_PEND_NOTIFY | EXO_PEND_CHILD | EXO_PEND_IRQ)

/* Interrupted calls: results that never reach the program (Linux's numbers). */
#define ERESTARTSYS 512
#define ERESTART_LAST 516

#pragma GCC visibility push(hidden)

/* ---- entry.S */
void posix_foreign_entry(void), posix_traced_entry(void), posix_int80_entry(void), posix_fault_entry(void), posix_async_entry(void);
void user_leave(const struct user_regs *regs, struct exo_page *exo);
extern const char user_leave_end[], quick_leave[], quick_leave_end[], user_copy_begin[], user_copy_end[], user_copy_fault[];
int user_copy(void *to, const void *from, size_t n);
int user_compare_swap(uint32_t *at, uint32_t *old, uint32_t new);
void stack_switch(uint64_t *keep, uint64_t rsp);
void thread_first(void);
/* ---- syscall.c */
void quick_complete(struct user_regs *r);          /* makes *r whole after a QUICK call; the registers that C preserves are the caller's to add */

/* ---- vdso.S: the file that every program finds mapped at VDSO_BASE; start.c makes F->vdso of it */
extern const char vdso_image[], vdso_image_end[];

/* ---- gate.c: helpers over the stubs */
int  gate_errno(int64_t result);                   /* a gate error as -errno */
/* Level-1 entries, all n of them; flags: EXO_AT_STEP, LIST, GIVE. 0 or a negative gate error. */
int64_t entries_write(uint64_t root, uint64_t va, uint64_t n, uint64_t value, uint64_t flags, uint64_t proof);
int64_t table_new(uint64_t va, int level);         /* a new empty table linked at va in the own root: 0 or a gate error */

/* ---- region.c; all on the caller's own array */
long map_shared(struct inode *ip, uint64_t hint, uint64_t size, unsigned prot, uint64_t flags); /* mmap.c: as mmap of a file, whole pages; flags: MAP_FIXED or 0 */
int  map_remove(uint64_t start, uint64_t end);     /* the same for munmap: 0 or -ENOMEM */
int  region_insert(const struct region *r);        /* replaces what stands there; takes over the inode reference; 0 or -ENOMEM (reference dropped) */
struct region *region_cut(uint64_t start, uint64_t end); /* makes start and end borders: the first region that ends above start; NULL: no memory */
void regions_join(uint64_t start, uint64_t end);    /* neighbours with one meaning become one, there and at its borders */
int  region_remove(uint64_t start, uint64_t end);  /* regions only, no entries: 0 or -ENOMEM */
void region_get(const struct region *r);           /* one reference more to its file, for a fork child's copy of it */
void regions_drop(void);                           /* all references given back */
int  regions_open(void);                           /* a fresh array: 0 or -ENOMEM */
struct region *region_above(uint64_t va);          /* first region with end > va, or NULL */
int  region_free_space(uint64_t start, uint64_t end); /* true when nothing stands there */
uint64_t region_place(uint64_t size);              /* highest free space below mmap_top, else among the large things, 0 = none */
struct inode *region_file(const struct region *r); /* the file that a program knows to be mapped there: not the vDSO, which has no name */
void regions_in(uint64_t base, uint64_t size, uint64_t *low, uint64_t *high); /* extent of regions within, low >= high: none */

/* ---- slots.c */
int64_t slot_open(uint64_t va);                    /* the first table of va's slot, which is not slot 0: 0 or a gate error */
uint64_t slot_next(uint64_t slot);                 /* the first above in which there is a table; at or above that of EXO_WINDOW: none */
uint64_t slots_skip(uint64_t va, uint64_t end);    /* the first address from va on in such a slot; end: none below */

/* ---- path.c */
int path_open(uint64_t va);                        /* tables down to level 1 present, exclusive and writable: 0 or -errno */
int table_open(uint64_t va);                       /* the same, down to level 2 */

/* ---- huge.c */
int huge_serve(const struct region *r, uint64_t va); /* a run at va's 2 MiB, where r and memory allow it: 1, else 0 */
int huge_split(uint64_t start, uint64_t end);      /* runs that these addresses touch become small pages: 0 or -ENOMEM */
int huge_drop(uint64_t start, uint64_t end);       /* the same, but whole ones are unmapped */
int huge_split_all(void);
/* ---- pages.c */
/* The level-1 entries from that of va to the end of its table, which is this env's own, through a window; NULL: no table, or no window. One at a time. */
const volatile uint64_t *entries_look(uint64_t va);
void entries_unlook(void);
void entries_change(uint64_t va, uint64_t n, uint64_t value, uint64_t mask); /* these bits of n entries, up to the first that is absent */
int pages_unmap(uint64_t start, uint64_t end);     /* regions are gone already */
int pages_protect(uint64_t start, uint64_t end, unsigned prot);
uint64_t present_from(uint64_t va, uint64_t end);  /* the next present page from va on; end: none below */

/* ---- user.c: programs own slot 0 below USER_END and what lies from USER_HIGH on, but for the homes beside that of their image; all else is the library's */
int user_range_high(uint64_t va, uint64_t n);
static inline int user_range_ok(uint64_t va, uint64_t n)
{
	return va + n <= USER_END && va + n >= va ? va >= EXO_NULL_GUARD : user_range_high(va, n);
}

/* ---- stash.c: all return 0 or -ENOMEM */
int stash_put(uint64_t start, uint64_t end);       /* private pages become inaccessible: their bytes are kept */
int stash_take(uint64_t start, uint64_t end);      /* brings them back; the regions there are writable meanwhile */
int stash_drop(uint64_t start, uint64_t end);      /* what was kept for these addresses is forgotten */
static inline int stash_used(void) { return P->has_stash; } /* else the last two have nothing to do */

/* ---- madvise.c */
int  is_mapped(uint64_t start, uint64_t size);     /* whole pages of [start, start + size), each in some region */
int  advice_fork(void);                            /* in a fork child: what its maker advised for it. 0 or -ENOMEM */
/* ---- mlock.c */
int  populate(uint64_t start, uint64_t end, unsigned access); /* all pages there are made: 0, -ENOMEM, -EINVAL, -EFAULT past a file's end */
void map_populate(uint64_t start, uint64_t end, int locks, int on_fault); /* the same for a new mapping, as far as it goes */

/* ---- mmap.c */
long map_anonymous(uint64_t start, uint64_t size, unsigned prot, uint32_t flags);
void wx_note(unsigned prot);
void vsize_note(void);                             /* for /proc */
int  limit_reached(uint64_t more);                 /* RLIMIT_AS */

/* ---- start.c */
void keeper_begin(void *nothing) __attribute__((noreturn)); /* first words of process 1's env */

/* ---- env.c */
#define BUILD_PRIVATE_MAX (2 + REGION_PAGES_MAX)
struct env_build {
	uint64_t root;                                 /* frame of the new root */
	uint64_t own[LIBRARY_STACK_FIRST + BUILD_PRIVATE_MAX]; /* frames of library stack, process, XSAVE image and regions, which stand in a row */
	uint32_t page_count, in_spec;                  /* from process on: how many, and how many of them env_make hands over; the others are given afterwards */
	struct exo_env_spec spec;
};
/* Maps n frames at va of root (0: the caller's), to read and write; at most as many as a build's own. How many, or a gate error. */
int64_t pages_put(uint64_t root, uint64_t va, const uint64_t *frame, uint64_t n);
/* Claims and composes a root with library, family, root image and the private area (region_pages pages of regions). 0, or -errno with nothing left. */
int  env_build(struct env_build *b, uint32_t region_pages);
void env_unbuild(struct env_build *b);
/* Makes the env; it starts at go_on(argument) on its library stack. Its name, or -errno with nothing left. */
long env_launch(struct env_build *b, void (*go_on)(void *), void *argument);
/* First words of a new env's life: P->exo, P->self, what it opens to others. */
void env_begin(void);
/* The first env: registers entries, builds its own private area. 0 or a gate error. */
int64_t env_first(exo_name self);
/* Kills (or waits for the end of) an env of the family, pushing its teardown to the end. */
void env_end(exo_name env);

/* ---- shortage.c */
void reserves_set(void);                           /* once, when the family's pages are known */
/* n more frames for a program's own pages leave enough to those who must go on: else it is ENOMEM, while fork and exec may still go below. */
static inline int memory_spare(uint64_t n) { return frames_left() >= F->frame_reserve / 2 + n; }
int memory_wait(uint64_t n);                       /* the same, after what the dead still hold has come back */
/* Tears down to the end whatever env is dying: 1 when there was one, so that asking again for a frame is worth it. With or without the family lock. */
int memory_recover(void);
/* The page fault at addr got no frame: kills the process that owns the most, and lets it end. The caller tries again, unless it is the one. Family lock held. */
void memory_shortage(uint64_t addr);

/* ---- exit.c */
void env_leave(void) __attribute__((noreturn));    /* the caller's thread is detached; the env goes on with others that live here, or ends */
void memory_leave(struct thread *th);              /* robust list and clear_child_tid, before a thread leaves this env. Lock held */
#define STATUS_DUMPED 0x80                         /* in wait4's word beside a signal */
#define STATUS_CONTINUED 0xffff                    /* wait4's word for a process that was continued */
void task_bury(struct task *t, int status);        /* what others see of an end: files closed, children handed on, status told */
void task_reap(struct task *t);                    /* the record of a zombie goes, with its env */

/* ---- thread.c */
void thread_switch(struct thread *to);             /* to another thread of this env; comes back when somebody switches to the caller */
int  slot_page_serve(uint64_t va);                 /* the library touched an absent page of a slot: 0, -EFAULT, -ENOMEM */
/* User registers of a thread that is not on: of a new one those that it begins with. On its library stack. */
struct thread_start { struct user_regs regs; uint64_t fs, gs; };
const void *thread_xsave(const struct thread *th); /* its vector state, then */
void thread_begin(struct thread_start *start) __attribute__((noreturn));

/* ---- sched.c */
void sched_start_turn(void);                       /* this env has got the CPU: sets its alarm if others want it too */
void sched_remove(struct thread *th);              /* out of the run queue */
void sched_moves(struct thread *th);               /* its env is about to change: what it ran in this one is counted */
void sched_pass(void);                             /* the caller's env ends: the monitor finds who is next */
void sched_keep(void) __attribute__((noreturn));   /* process 1's loop: time, devices' bytes, the dead */
void wakes_by(uint64_t at);                        /* process 1 gets the CPU at that time, ns of clock_ns, or earlier */
uint64_t sleepers_run(uint64_t now);               /* sleep.c: ends sleeps that are due; the earliest deadline that is left, 0 = none */
void sleep_end(struct thread *th);                 /* sleep.c: off its channel */
/* pending bits of a member, which found it there, or in its own code; lock not held */
void sched_take_events(int in_library);

/* ---- futex.c; family lock held */
long futex_wake(uint64_t va, uint32_t most);       /* how many were woken, or -errno */
void futex_forget(struct thread *th);
void robust_end(struct thread *th);                /* robust.c: the mutexes that it holds are told of its death */

/* ---- vfork.c */
void vfork_release(struct task *child);            /* its parent's thread may go on; nothing if none waits */

/* ---- sysv_sem.c */
void sem_undo_all(struct task *t);                 /* at its end: what it did with SEM_UNDO */

/* ---- core.c */
struct signal_info;
#define REGS_LISTED 27                             /* struct user_regs_struct of Linux's sys/user.h: r15 first */
#define FXSAVE_SIZE 512
void regs_list(const struct thread_start *from, uint64_t list[REGS_LISTED]);
int  core_dump(int sig, const struct signal_info *info); /* before the process ends by sig: 1 when a core file was left. Family lock held */
/* ---- exec.c, stack.c */
#define AUX_MAX 24                                 /* entries of the auxiliary vector, at most */
struct exec_plan;
void exec_begin(void *plan);

#pragma GCC visibility pop
#endif
