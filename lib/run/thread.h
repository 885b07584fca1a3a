/* SPDX-License-Identifier: MIT */
/* The record of a thread: what runs, sleeps, is woken and takes signals. Every process (struct task) has at least
 * one, its leader, whose tid is the pid. Threads live in an env: those of one process always in the same; a child of
 * vfork in its parent's. They take turns there (thread.c), by the same queue as everybody else (sched.c). Records lie
 * in family memory; all fields are guarded by the family lock. */
#ifndef POSIX_THREAD_H
#define POSIX_THREAD_H
#include <exo/env.h>
#include <stdint.h>
#include "due.h"

struct task;
struct user_regs;

#define SIGNAL_COUNT 64
#define SIGNAL_BIT(sig) (1ul << ((sig) - 1))

enum thread_queued {
	QUEUED_NOT,
	QUEUED_RUN,      /* stands in the run queue */
	QUEUED_REALTIME, /* stands in that of the real-time threads */
};

enum thread_state {
	THREAD_NEW,
	THREAD_RUNNABLE, /* in the run queue (the one that runs, too) */
	THREAD_SLEEPING, /* in sleep_on, or a vfork parent */
	THREAD_STOPPED,  /* job control */
	THREAD_ENDED,    /* a leader whose process lives on in other threads */
};

/* What a siginfo is made of. */
struct signal_cause { int32_t code, pid, uid, status; uint64_t addr, value; };

/* A signal that was sent, with its cause. Those of one number are a queue, and the first of each are a list. */
struct signal_note {
	struct signal_note *next;    /* of a first one: that of another number */
	struct signal_note *behind, *last; /* the same number; last: of a first one */
	int sig;
	struct signal_cause cause;
};

struct thread_signals {
	uint64_t pending, blocked;   /* pending: for this thread alone */
	/* neither blocked nor ignored: by a fault; SIGKILL: see ends; SIGSTOP: its process is stopped */
	uint64_t forced;
	uint64_t restore_mask;       /* rt_sigsuspend: mask to put back after delivery */
	uint64_t alt_sp, alt_size;   /* sigaltstack */
	uint32_t alt_flags;
	int      restore;            /* restore_mask counts */
	int      ends;               /* this thread ends, whatever its process does: for exit_group and exec */
	struct signal_note *notes;   /* causes of what is pending */
	struct signal_cause fault;   /* of the last fault */
	uint64_t fault_trap, fault_error, fault_addr; /* of it, for mcontext and the crash line */
};

/* A word of memory that a thread waits for: posix/process/futex.c. */
struct futex_wait {
	struct futex_wait *next, *prev;
	struct thread *thread;
	uint64_t space, at;
	uint32_t bits;                    /* 0 where words name their holder */
	int holder;                       /* the number of who has that word; else 0 */
	uint64_t goes_to, to_space, to_at; /* address of the word to which it may be moved, and what that is known by */
};

/* Timer upcalls that found it in its own code, and in the library; ns that it was said to have spent so: usage.c. */
struct cpu_split { uint32_t user, system; uint64_t user_ns, system_ns; };

struct thread {
	int tid, state;              /* enum thread_state */
	struct task *task;
	struct thread *next;         /* of the same process */
	char name[16];               /* comm of a thread that is no leader; a leader's is its task's */

	/* scheduling: sched.c */
	int      queued;             /* enum thread_queued */
	/* Of a real-time thread: priority, and what it inherits from who waits for it (futex_holder.c); 0: none. rank, the
	 * higher of both, says where it stands: 0: among the usual ones. turn_ns: of its turn of SCHED_RR; unslept_ns:
	 * since it slept last (RLIMIT_RTTIME) */
	int      priority, inherits, rank;
	uint64_t turn_ns, unslept_ns;
	int      nice, policy;       /* policy: SCHED_; with SCHED_RESET_ON_FORK in resets */
	uint32_t resets;             /* its children begin as usual threads */
	int no_new_privs;            /* prctl: for good, and for whom it makes; it gains nothing by what it executes */
	uint32_t personality;        /* personality(2) */
	uint64_t slack_ns, slack_usual_ns; /* prctl; a thread's own, and what it began with. No timer here needs any */
	struct thread *run_next, *run_prev;
	uint64_t virtual;            /* virtual run time, TSC ticks at nice 0 */
	uint64_t ran, mark;          /* ticks that it ran up to `mark`, a time of its env's clock */
	struct cpu_split split;
	uint32_t waits, preempted;   /* times that it left the CPU by itself, and that it was another's turn */
	int      on;                 /* its registers are in the CPU or in its env's P->regs; else in its slot */
	uint32_t slot;               /* thread.c */
	uint64_t kept_rsp;
	const struct thread_start *kept; /* library.h; NULL: it never had to wait */

	/* sleeping: sleep.c */
	void    *channel;            /* what it sleeps on; NULL while it does not sleep */
	struct thread *sleep_next, *sleep_prev; /* in the channel's bucket */
	struct due timed;            /* by its deadline */
	uint64_t deadline;           /* of that sleep, ns of clock_ns, 0 = none */
	int on_wall;                 /* it was given as one of the wall clock */
	int      wake_result;        /* what that sleep returns */
	struct waits *waits_for;     /* the objects that it waits for, several at once: wait.c */
	uint32_t pace;               /* what policy and nice make of time, in 1/1024; 0: nothing */
	/* it waits until that one has an image of its own or ends; only its own end ends that wait sooner */
	struct task *vfork_child;
	struct futex_wait futex;
	struct futex_many *futexes;  /* the words that it waits for, several at once: posix/process/futex_many.c */
	uint64_t restart_deadline, restart_left; /* of an interrupted nanosleep, for restart_syscall */

	struct trace *trace;         /* it is traced, or was: posix/process/ptrace.h; NULL: never */

	/* posix/process/share.c; NULL: none */
	struct groups *groups;       /* supplementary ones */
	struct io_context *io;
	struct keyrings *keyrings;   /* keys.c */

	/* ending */
	uint64_t clear_child_tid;    /* user address to clear at its end, 0 = none */
	uint64_t robust_list;        /* user address, 0 = none */
	uint64_t futex_waiters;      /* how many name it as `holder` of the word that they wait for */

	struct thread_signals signals;

	uint32_t seccomp_mode;       /* SECCOMP_MODE_: which calls it may make: posix/process/seccomp.c */
	struct seccomp_filter *seccomp; /* the newest of its filters */
	struct seccomp_notice *notice;  /* a call of its that waits for a listener's answer */
};

/* ---- thread.c */
/* A new record in t, state THREAD_NEW; tid 0: the pid (its first). NULL: no memory or no tid. */
struct thread *thread_new(struct task *t, int tid);
/* Takes it off its process and frees it. It waits for nothing any more. */
void thread_free(struct thread *th);
struct thread *thread_by_tid(int tid);
struct thread *current_thread(void);
const char *thread_name(const struct thread *th);  /* 16 bytes */
void thread_set_name(struct thread *th, const char name[16]);
/* Prepares a thread without a slot to begin with these registers and bases, the vector state being the caller's, in
 * the env of the caller; go_on is its first function, with P->regs these, which begins its turn. 0 or
 * -ENOMEM. */
int  thread_start(struct thread *th, const struct user_regs *regs, uint64_t fs, uint64_t gs, void (*go_on)(void));
void thread_renumber(struct thread *th, int tid);
void thread_first_of(struct thread *th);    /* it stands where the leader does */
/* The caller's slot is free, and nobody runs here until the next one is chosen: sched_leave must follow. */
void thread_detach(void);

/* ---- sched.c (family lock held in all of them) */
void thread_run(struct thread *th);         /* makes it runnable, whatever it did before */
void thread_run_new(struct thread *th);       /* the same of one that the caller has made */
uint64_t thread_ticks(const struct thread *th);
/* priority: of SCHED_FIFO and RR, else 0 */
void sched_class_set(struct thread *th, int policy, int nice, int priority);
void sched_inherit(struct thread *th, int rank); /* it goes before all below that rank, whatever its own class; 0: no */
void sched_class_copy(struct thread *to, const struct thread *from); /* as clone passes it on */
void sched_settle(void);                    /* what the caller ran so far is in its virtual time */
/* A signal has come: ends an interruptible sleep, or makes its env look at its signals before its next user
 * instruction. */
void thread_interrupt(struct thread *th);
/* Leaves the CPU in that state (THREAD_SLEEPING, THREAD_STOPPED) until somebody calls thread_run; drops and retakes
 * the family lock. */
void sched_block(int state);
void sched_leave(void) __attribute__((noreturn)); /* no thread of this env runs: the next one does, here or elsewhere */
/* Lets the others run first, of a real-time thread's rank those of it alone: sched_yield(2); drops and retakes the
 * lock. And whoever else there is. */
void sched_yield_turn(void);
void sched_give_way(void);
void sched_look(void);                      /* the caller's turn is looked at anew before its next user instruction */
#endif
