/* SPDX-License-Identifier: MIT */
/* Private to the process half's machinery (entry, pager, regions, env building, exec): what its files give each
 * other. */
#ifndef POSIX_LIBRARY_H
#define POSIX_LIBRARY_H
#include <asm/errno.h>
#include <base/string.h>
#include <rt/gate.h>
#include <rt/page.h>
#include <family/family.h>
#include <run/needs.h>
#include <run/run.h>
#include <run/xstate.h>
#include <vm/needs.h>
#include <vm/vm.h>
#include <posix/process/task.h>

/* Interrupted calls: results that never reach the program (Linux's numbers). */
#define ERESTARTSYS 512
#define ERESTART_LAST 516

#pragma GCC visibility push(hidden)

/* ---- entry.S */
void posix_foreign_entry(void), posix_traced_entry(void), posix_filtered_entry(void), posix_int80_entry(void),
	posix_int80_filtered_entry(void), posix_fault_entry(void), posix_async_entry(void);
extern const char quick_leave[], quick_leave_end[];
/* ---- leave.[cS] */
/* To user code with P->regs, from anywhere in the library; the lock as it may be. */
void user_return(void) __attribute__((noreturn));
void user_leave(const struct user_regs *regs, struct exo_page *exo);
extern const char user_leave_end[];
/* makes *r whole after a QUICK call; the registers that C preserves are the caller's to add */
void quick_complete(struct user_regs *r);

/* ---- ways.c */
/* Bits that number the rows of SAID->entry: calls are logged, traced or noted; a thread has a filter of them. */
enum { WAY_TRACED = 1, WAY_FILTERED = 2, WAYS = 4 };
void calls_divert(void);                           /* this env's calls come by the entries that env_entries names now */
void calls_trace(void);                            /* they come by posix_traced_entry: a thread here is traced */
void calls_untrace(void);                          /* no more, unless another thread is */

/* ---- vdso.S: the file that every program finds mapped at VDSO_BASE; start.c makes F->vdso of it */
extern const char vdso_image[], vdso_image_end[];

/* ---- clock_set.c */
void clock_start(void);                            /* the wall clock as the monitor has it, adjusted by nobody yet */
/* ---- start.c */
void keeper_begin(void *control) __attribute__((noreturn)); /* first words of process 1's env */

/* ---- shortage.c */
/* The page fault at addr got no frame: kills the process that owns the most, and lets it end. The caller tries again,
 * unless it is the one. Family lock held. */
void memory_shortage(uint64_t addr);

/* ---- exit.c */
/* the caller's thread is detached; the env goes on with others that live here, or ends */
void env_leave(void) __attribute__((noreturn));
/* robust list and clear_child_tid, before a thread leaves this env. Lock held */
void memory_leave(struct thread *th);
void vfork_release(struct task *child);            /* its parent's thread may go on; nothing if none waits */
#define STATUS_DUMPED 0x80                         /* in wait4's word beside a signal */
#define STATUS_CONTINUED 0xffff                    /* wait4's word for a process that was continued */
int  end_why(int status);                          /* CLD_ of an end with that word; and siginfo's si_status */
int  end_value(int status);
/* what others see of an end: files closed, children handed on, status told */
void task_bury(struct task *t, int status);
void task_reap(struct task *t);                    /* the record of a zombie goes, with its env */

/* ---- futex.c; family lock held */
long futex_wake(uint64_t va, uint32_t most);       /* how many were woken, or -errno */
void futex_forget(struct thread *th);               /* it waits for no word any more */
void futex_many_end(struct thread *th);            /* futex_many.c: for none of several */
void futex_hand_on(struct thread *th);             /* futex_holder.c: th ends, others get the words that it holds */
void futex_end(struct thread *th);                 /* the same, and the words of its robust list are marked */

/* ---- sysv_sem.c */
void sem_undo_all(struct task *t);                 /* at its end: what it did with SEM_UNDO, if nobody shares that */
int  sem_undo_share(struct task *child);           /* from now on it has the caller's: 0, -ENOMEM */

/* ---- ptrace_regs.c */
#define REGS_LISTED 27                             /* struct user_regs_struct of Linux's sys/user.h: r15 first */
#define FXSAVE_SIZE 512
void regs_list(const struct thread_start *from, uint64_t list[REGS_LISTED]);
/* ---- core.c */
struct signal_info;
/* before the process ends by sig: 1 when a core file was left. Family lock held */
int  core_dump(int sig, const struct signal_info *info);
/* ---- exec.c, stack.c */
#define AUX_MAX 24                                 /* entries of the auxiliary vector, at most */
struct exec_plan;
void exec_begin(void *plan);

#pragma GCC visibility pop
#endif
