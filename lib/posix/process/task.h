/* SPDX-License-Identifier: MIT */
/* The family's record of one process: identity, kin, what its threads share. Lives in family memory, one per pid, so that every member can read it.
 * What runs and sleeps is in thread.h; what belongs to one env alone (registers, regions) in process.h. All fields are guarded by the family lock unless a
 * comment says otherwise. Who defines what: task.c the table; exit.c ending; signal.c everything named signal_. */
#ifndef POSIX_TASK_H
#define POSIX_TASK_H
#include <exo/env.h>
#include <posix/posix.h>
#include <run/run.h>
#include <run/thread.h>
#include <run/timer.h>
#include <run/wait.h>

struct exo_upcall;

enum task_state {
	TASK_NEW,      /* being made: no env yet */
	TASK_ALIVE,
	TASK_ZOMBIE,   /* ended, status not yet taken */
};

/* As rt_sigaction passes it. */
struct signal_action { uint64_t handler, flags, restorer, mask; };

#define ITIMERS 3

/* Of the whole process; masks and what was sent to one thread are the thread's. One cause is kept for each number: the first that came while it was pending; of a
 * real-time signal every one, in notes. */
struct task_signals {
	uint64_t pending;
	struct signal_action action[SIGNAL_COUNT + 1];
	struct signal_cause info[SIGNAL_COUNT + 1];
	struct wait_list waits;      /* by signalfd */
	struct signal_note *notes;   /* real-time signals; timers' behind the first of their number */
	/* itimer.c; in ns of what it counts: time, or CPU time */
	struct itimer { struct timer timer; uint64_t at, interval; } itimer[ITIMERS];
	struct posix_timers *posix_timers; /* posix_timer.c; NULL: it never had any */
};

/* Kinds of memory in a core file (core(5)): bits of coredump_filter. */
#define DUMP_ANON_PRIVATE 0x01u
#define DUMP_ANON_SHARED  0x02u
#define DUMP_FILE_PRIVATE 0x04u
#define DUMP_FILE_SHARED  0x08u
#define DUMP_ELF_HEADERS  0x10u
#define DUMP_USUAL        0x33u
#define DUMP_ALL          0x1ffu

/* What a process has used. rss_most: pages that it had, when somebody looked; waits: times that it left the CPU by
 * itself; preempted: that it was another's turn. */
struct usage { uint64_t user_ns, system_ns, rss_most, faults, waits, preempted; };

struct task {
	/* identity */
	int pid, pgrp, session;
	char name[16];               /* comm, NUL-terminated */
	struct task *parent, *child, *sibling, *elder; /* first child; next and last child of the same parent */
	uint32_t news_count;         /* of its children that have something to tell: wait.c */
	int has_news;                /* it is one of them */
	int maker;                   /* the thread that made it */
	int adopts;                  /* orphans among its descendants become its children: prctl */
	struct pidfd *pidfds;        /* pidfd.c */
	struct task *next, *prev;    /* all tasks, by rising pid */
	struct file_state *files;
	struct places *places;
	struct inode *exe;           /* reference held; may be NULL */
	uint64_t start_ns;
	int has_execed;              /* setpgid by the parent is refused then */
	struct trace *traced;        /* by a thread of its: ptrace.h */
	int pdeath_signal;           /* prctl */
	int is_init;                 /* process 1: never in the run queue */

	/* running */
	int state;                   /* enum task_state */
	exo_name env;                /* env that its threads live in; changes at exec; 0 at last when others live on there */
	struct thread *threads;      /* the leader first */
	uint32_t thread_count;       /* without a leader that has ended */
	uint64_t run_before;         /* ticks that threads which are gone ran */
	struct cpu_split split;      /* usage.c */
	/* of threads that are gone, and what is not counted by thread; of waited-for children and theirs. usage.c */
	struct usage own, children;
	struct { uint64_t bytes, calls; } io[2]; /* of reads, of writes */
	struct ask *asked;           /* what another process wants of it (ask.c); ASK_LOOK: that it looks (ask_look) */
	int is_answering;            /* one of its threads does that */
	int oom_adjust;              /* -1000 (never) .. 1000: who is ended for want of memory */
	uint32_t barriers;           /* membarrier(2): which kinds it has registered for */
	unsigned dump_filter;        /* DUMP_: what of its memory is in a core file */
	uint64_t vsize_most;
	struct timer cpu_limit, realtime_limit; /* RLIMIT_CPU, RLIMIT_RTTIME: usage.c */
	uint64_t vsize;              /* of the image, for others to see */
	uint64_t kill_ticks;         /* its CPU time when a SIGKILL was first seen pending */
	int      kill_overdue;       /* it does not take it: to be ended from outside */
	struct thread *vfork_parent; /* who waits until it leaves their common env */

	/* ending, stopping */
	int exit_status;             /* wait4's status word */
	int exit_signal;             /* sent to the parent at the end, 0 = none */
	int stop_status;             /* wait4's word while stopped (sig << 8 | 0x7f), 0xffff when continued, 0 = nothing to report */
	int stop_signal;             /* not 0: its threads stop before their next user instruction */
	struct thread *alone_waits;  /* waits in threads_end_others */
	int ending;                  /* exit_status stands: its threads end before their next user instruction */

	/* limits (RLIM_NLIMITS pairs of current and maximum) */
	uint64_t limit[16][2];

	struct task_signals signals;
	struct task *handlers_with;  /* the next in a ring of who has the same handlers (CLONE_SIGHAND); NULL: nobody */
	struct sem_undos *sem_undo;  /* sysv_sem.c; NULL: it has none yet */
	struct key *keyring;         /* of the process, held; NULL: none: keys.c */
	struct aio_context *aio;     /* aio.c */
};

#define ASK_LOOK ((struct ask *)1)

/* ---- task.c */
/* A new task record with its leader, child of parent (NULL: pid 1), state TASK_NEW; NULL when there is no memory or no pid. */
struct task *task_new(struct task *parent);
/* Takes it off all lists and frees the record with its threads; files and exe must be gone. */
void task_free(struct task *t);
/* TSC ticks that its threads ran so far. */
uint64_t task_ticks(const struct task *t);
/* comm := last component of path. */
void task_set_name(struct task *t, const char *path);
/* It has got the env that it has. */
void task_env_note(const struct task *t);
/* It is stopped by that signal; 0: it goes on. */
void task_stop_set(struct task *t, int sig);
/* It has something to tell its parent's wait, or no more: who has stands first among the children. */
void task_news_set(struct task *t, int has);
/* It becomes the first child of that one. */
void task_child_of(struct task *t, struct task *parent);
/* Drops exe. */
void task_drop_image(struct task *t);

/* shortage.c: pages that it counts for when one has to end; negative: not to be ended */
int64_t task_weight(const struct task *t);
/* True: processes or frames are so few that those of a group with many may make no more. */
int fork_is_refused(void);

/* ---- sched.c (family lock held) */
uint64_t sched_runnable(void);              /* how many threads are runnable */

/* ---- ask.c */
/* The process soon looks at its mappings and at its requests that were told of something. */
void ask_look(struct task *t);

/* ---- exit.c */
/* Ends the calling process with that wait4 status word (code << 8, or signal). With or without the family lock. */
void exit_process(int wait_status) __attribute__((noreturn));
/* Ends the calling thread; its process too when it was the last: then with this status, unless exit_process has said another. Family lock held. */
void exit_thread(int wait_status) __attribute__((noreturn));
/* All other threads of the calling one's process end; comes back when they have. Family lock held. */
void threads_end_others(void);
/* SIGCHLD (or its exit_signal) and a wake-up to the parent: at its end, stop, continue. */
void task_tell_parent(struct task *t);
/* reap.c: reap_stuck (run/needs.h) ends and buries processes whose env is stuck, gone, or overdue for a SIGKILL. */
void kill_enforce(void); /* process 1's loop; family lock held */
/* It has ended, and its parent may hear of it: ptrace.h. */
void task_told(struct task *t);
/* pid 1: waits for ended children without blocking: pid and status, or 0. */
int  reap_child(int *status);

/* ---- exec.c */
/* First program: a new child of pid 1 whose image is path; argv, envp: NULL-terminated, library memory; takes over files. In a session and group of
 * its own when session != 0. Family lock held. NULL with *error = -errno. */
struct task *spawn_program(const char *path, char *const argv[], char *const envp[], struct file_state *files, int session, int *error);

/* ---- signal.c and friends */
/* Before a return to user code, family lock held, when signal_pending() is true: builds a handler frame in *r, stops, or ends the process. Restart of an
 * interrupted call (r->rax == -ERESTARTSYS and r->orig_rax != -1): it changes r->rax to -EINTR, or rewinds r->rip by 2 and puts orig_rax back. Where no
 * handler ran, the caller rewinds. */
void signal_deliver(struct user_regs *r);
/* An exception of user code that nobody could serve: pending, forced. Family lock held. si_code is code, si_addr addr. */
void signal_fault(struct user_regs *r, const struct exo_upcall *u, int sig, int code, uint64_t addr);
void signal_fork(struct task *child, const struct task *parent); /* actions copied, into a new record */
void signal_thread(struct thread *to, const struct thread *from); /* mask and altstack copied; nothing pending */
void signal_thread_end(struct thread *th);                     /* what is pending for it alone is forgotten */
void signal_exec(struct task *t);   /* handlers to default, altstack off; mask, pending and ignored stay */
/* share.c: child and with have the same handlers from now on; t has its own again; what t does at sig has changed. */
void handlers_join(struct task *child, struct task *with), handlers_leave(struct task *t);
void handlers_tell_all(const struct task *t, int sig);

static inline void handlers_tell(const struct task *t, int sig)
{
	if (t->handlers_with)
		handlers_tell_all(t, sig);
}
/* Sends to a process, or to one thread, with details; 0, -ESRCH, or -EAGAIN: no more can be queued. */
int  signal_send_info(struct task *t, int sig, const struct signal_cause *info);
int  signal_send_thread(struct thread *th, int sig, const struct signal_cause *info);
/* th is to look at its signals, sig among them: SIGKILL ends any wait. */
void signal_poke(struct thread *th, int sig);
/* The library itself faulted: says so on console and log; does not return. */
void crash_library(const struct exo_upcall *u, const char *why) __attribute__((noreturn));
/* int 0x80: number in r->rax, ebx ecx edx esi edi ebp. Returns the result. Family lock held. */
long i386_call(struct user_regs *r);


/* itimer.c: those of a process that ends. posix_timer.c: those of one that ends or execs. taken: a signal of theirs
 * was, so that the next may come. */
struct task;
void itimers_stop(struct task *t);
/* Not inlined: every signal comes past, and few are a timer's. */
__attribute__((noinline)) void itimer_taken(struct task *t);
struct signal_cause;
/* fills in how often it came */
__attribute__((noinline)) void posix_timer_taken(struct task *t, struct signal_cause *cause);
void posix_timers_drop(struct task *t);
#endif
