/* SPDX-License-Identifier: MIT */
/* The family's record of one process: identity, kin, scheduling, signals. Lives in family memory, one per pid, so that every member can read it.
 * What belongs to one env alone (registers, regions) is in process.h. All fields are guarded by the family lock unless a comment says otherwise.
 * Who defines what: task.c the table; sched.c sleeping and running; exit.c ending; signal.c everything named signal_. */
#ifndef POSIX_TASK_H
#define POSIX_TASK_H
#include <exo/env.h>
#include <posix/posix.h>

struct user_regs;
struct exo_upcall;

enum task_state {
	TASK_NEW,      /* being made: no env yet */
	TASK_RUNNABLE, /* in the run queue (the one that runs, too) */
	TASK_SLEEPING, /* in sleep_on, or a vfork parent */
	TASK_STOPPED,  /* job control */
	TASK_ZOMBIE,   /* ended, status not yet taken */
};

#define SIGNAL_COUNT 64
#define SIGNAL_BIT(sig) (1ul << ((sig) - 1))

/* As rt_sigaction passes it. */
struct signal_action { uint64_t handler, flags, restorer, mask; };

/* What a siginfo is made of. One is kept for each signal number: the first that came while it was pending. */
struct signal_cause { int32_t code, pid, uid, status; uint64_t addr, value; };

struct task_signals {
	uint64_t pending, blocked;
	uint64_t restore_mask;       /* rt_sigsuspend: mask to put back after delivery */
	int      restore;            /* restore_mask counts */
	struct signal_action action[SIGNAL_COUNT + 1];
	struct signal_cause info[SIGNAL_COUNT + 1];
	uint64_t alt_sp, alt_size;   /* sigaltstack */
	uint32_t alt_flags;
	uint64_t timer_at, timer_interval; /* ITIMER_REAL: ns of clock_ns, 0 = off */
	uint64_t forced;             /* signals that a fault forced: neither blocked nor ignored */
	uint64_t fault_trap, fault_error, fault_addr; /* of the last fault, for mcontext and the crash line */
};

struct task {
	/* identity */
	int pid, pgrp, session;
	char name[16];               /* comm, NUL-terminated */
	struct task *parent, *child, *sibling; /* first child; next child of the same parent */
	struct task *next;           /* all tasks, by rising pid */
	struct file_state *files;
	struct inode *exe;           /* reference held; may be NULL */
	char *cmdline;               /* NUL-separated, fam_alloc */
	size_t cmdline_size;
	uint64_t start_ns;
	int has_execed;              /* setpgid by the parent is refused then */
	int pdeath_signal;           /* prctl */
	int is_init;                 /* the first env's: never in the run queue */

	/* scheduling */
	int state;                   /* enum task_state */
	exo_name env;                /* env that runs it; changes at exec */
	struct task *run_next, *run_prev;
	int      queued;             /* stands in the run queue */
	uint64_t virtual_base;       /* virtual run time = virtual_base + run_time of its env, in TSC ticks */
	uint64_t run_before;         /* ticks that earlier envs of it ran, for times() */
	uint64_t child_ticks;        /* of waited-for children */
	void    *channel;            /* what it sleeps on; NULL while it does not sleep */
	uint64_t deadline;           /* of that sleep, ns of clock_ns, 0 = none */
	int      wake_result;        /* what that sleep returns */
	int      uninterruptible;
	uint64_t vsize, rss_pages;   /* for /proc */
	uint64_t kill_ticks;         /* its CPU time when a SIGKILL was first seen pending */
	int      kill_overdue;       /* it does not take it: to be ended by its env's creator */

	/* vfork: this task's env is lent to its child until it execs or ends */
	struct task *vfork_parent;   /* of the child: who waits for the env */
	struct user_regs *vfork_regs; /* of the parent: its registers meanwhile, fam_alloc */
	uint64_t vfork_fs, vfork_gs;

	/* ending, stopping */
	int exit_status;             /* wait4's status word */
	int exit_signal;             /* sent to the parent at the end, 0 = none */
	int stop_status;             /* wait4's word while stopped (sig << 8 | 0x7f), 0xffff when continued, 0 = nothing to report */
	int stop_signal;
	uint64_t clear_child_tid;    /* user address to clear at exit, 0 = none */
	uint64_t robust_list;

	/* limits (RLIM_NLIMITS pairs of current and maximum) */
	uint64_t limit[16][2];

	struct task_signals signals;
};

/* ---- task.c */
/* A new task record, child of parent (NULL: pid 1), state TASK_NEW; NULL when there is no memory or no pid. */
struct task *task_new(struct task *parent);
/* Takes it off all lists and frees the record; files, exe and cmdline must be gone. */
void task_free(struct task *t);
/* Ticks that it ran so far, in TSC ticks. */
uint64_t task_ticks(const struct task *t);
/* comm := last component of path. */
void task_set_name(struct task *t, const char *path);
/* Drops exe and cmdline. */
void task_drop_image(struct task *t);

/* ---- sched.c (family lock held in all of them) */
void task_run(struct task *t);              /* makes it runnable, whatever it did before */
/* A signal has come: ends an interruptible sleep with -EINTR, or makes its env look at its signals before its next user instruction. */
void task_interrupt(struct task *t);
/* Leaves the CPU in that state (TASK_SLEEPING, TASK_STOPPED) until somebody calls task_run; drops and retakes the family lock. */
void sched_block(int state);
void sched_yield_turn(void);                /* lets the others run first; drops and retakes the lock */
uint64_t sched_runnable(void);              /* how many tasks are runnable */

/* ---- exit.c */
/* Ends the calling process with that wait4 status word (code << 8, or signal). With or without the family lock. */
void exit_process(int wait_status) __attribute__((noreturn));
/* SIGCHLD (or its exit_signal) and a wake-up to the parent: at its end, stop, continue. */
void task_tell_parent(struct task *t);
/* reap.c: buries processes whose env is stuck, gone, or overdue for a SIGKILL, as far as the caller may end it. */
void reap_stuck(void);
void kill_enforce(void); /* the first env's loop; family lock held */
/* pid 1: waits for ended children without blocking: pid and status, or 0. */
int  reap_child(int *status);

/* ---- exec.c */
/* First program: a new child of pid 1 whose image is path; argv, envp: NULL-terminated, library memory; takes over files. In a session and group of
 * its own when session != 0. Family lock held. NULL with *error = -errno. */
struct task *spawn_program(const char *path, char *const argv[], char *const envp[], struct file_state *files, int session, int *error);

/* ---- signal.c and friends (the other helper's) */
/* Before a return to user code, family lock held, when signal_pending() is true: builds a handler frame in *r, stops, or ends the process. Restart of an
 * interrupted call (r->rax == -ERESTARTSYS and r->orig_rax != -1): it changes r->rax to -EINTR, or rewinds r->rip by 2 and puts orig_rax back. Where no
 * handler ran, the caller rewinds. */
void signal_deliver(struct user_regs *r);
/* An exception of user code that nobody could serve: pending, forced. Family lock held. si_code is code, si_addr addr. */
void signal_fault(struct user_regs *r, const struct exo_upcall *u, int sig, int code, uint64_t addr);
/* The page fault at addr got no frame: logs "out of memory" and forces SIGKILL. Family lock held. */
void signal_no_memory(uint64_t addr);
void signal_fork(struct task *child, const struct task *parent); /* actions, mask, altstack copied; nothing pending; no timer */
void signal_exec(struct task *t);   /* handlers to default, altstack off; mask, pending and ignored stay */
/* Sends with details; 0 or -ESRCH. */
int  signal_send_info(struct task *t, int sig, const struct signal_cause *info);
/* Earliest ITIMER_REAL of all tasks (ns), 0 = none; and fires those that are due. First env, family lock held. */
uint64_t signal_timers_next(void);
void signal_timers_run(uint64_t now);
/* The library itself faulted: says so on console and log; does not return. */
void crash_library(const struct exo_upcall *u, const char *why) __attribute__((noreturn));
/* int 0x80: number in r->rax, ebx ecx edx esi edi ebp. Returns the result. Family lock held. */
long i386_call(struct user_regs *r);

/* ---- init.c (the other helper's): pid 1. Called once by apps/linux when family, file system and task 1 stand. It starts the first program. */
void init_main(void);
/* From the first env's loop, family lock held: pending are the exo page's bits, already cleared there; feeds, drains, reaps. Called at least once each time
 * the first env gets the CPU. irq is the exo page's irq_bits, already cleared. */
void init_events(uint32_t pending, uint32_t irq);
/* When init wants to be called next, ns of clock_ns, 0 = not before an event. */
uint64_t init_next_deadline(void);
/* Members tell the first env that there is work (tty output, a pipe read or filled, a child of 1 ended): ends its wait soon. */
void init_poke(void);
#endif
