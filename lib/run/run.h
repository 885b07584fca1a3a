/* SPDX-License-Identifier: MIT */
/* Who runs, who sleeps, what time it is. The record of a thread is in thread.h. */
#ifndef RUN_RUN_H
#define RUN_RUN_H
#include <stddef.h>
#include <stdint.h>
#include <family/process.h>

#define TURN_OVER    (EXO_PEND_TIMER | EXO_PEND_NOTIFY | EXO_PEND_CHILD | EXO_PEND_IRQ)

struct thread;

#pragma GCC visibility push(hidden)
/* Sleep until wake_up(channel), a signal, or deadline (ns of clock_ns, 0 = none): 0 woken, -ETIMEDOUT; -EINTR without
 * having slept when a signal is pending. Callers re-check their condition in a loop, so what came together with a
 * signal is seen first. Drops and retakes the family lock. Who waits for several objects at once: wait.h. */
int  sleep_on(void *channel, uint64_t deadline);
void wake_up(void *channel);
int  is_slept_on(const void *channel);
/* The same for what must come to its end: no signal ends it. Who sleeps may be woken for nothing. */
void sleep_through(void *channel, uint64_t deadline);

/* ns since boot, and ns since 1970. */
uint64_t clock_ns(void);
uint64_t clock_wall_ns(void);
uint64_t clock_after(uint64_t ns);            /* so long from now, at most TIME_END: a deadline */
/* the same; or at that time, of clock_ns or clock_wall_ns; never 0 */
uint64_t clock_deadline(uint64_t ns, int is_absolute, int is_wall);
/* In a deadline of sleep_on: it is a time of the wall clock, and comes when that says so, also when that is set. */
#define SLEEP_WALL (1ul << 63)
/* sleep.c. The wall clock is that now; absolute sleeps and timers of it follow. Family lock held. */
void clock_wall_set(uint64_t ns);
/* A program's struct timespec as ns, at most TIME_END: 0 or -EINVAL. And back. */
struct __kernel_timespec;
int timespec_ns(const struct __kernel_timespec *t, uint64_t *ns);
struct __kernel_timespec timespec_of(uint64_t ns);
void random_bytes(void *to, size_t n);

/* sleep.c. Pages that mappings may show have gone from a file: every process looks (ask.c) before its next user
 * instruction: who sleeps when he wakes, who does not when he next gets the CPU. Nobody waits. F->cuts from now on. */
uint32_t mappings_look(void);

/* ---- thread.c */
/* to another thread of this env; comes back when somebody switches to the caller */
void thread_switch(struct thread *to);
/* the library touched an absent page of a slot: 0, -EFAULT, -ENOMEM */
int  slot_page_serve(uint64_t va);
/* User registers of a thread that is not on: of a new one those that it begins with. On its library stack. */
struct thread_start { struct user_regs regs; uint64_t fs, gs; };
const void *thread_xsave(const struct thread *th); /* its vector state, then */
void thread_begin(struct thread_start *start);

/* ---- sched.c */
void sched_start_turn(void);                       /* this env has got the CPU: sets its alarm if others want it too */
void sched_remove(struct thread *th);              /* out of the run queue */
void sched_moves(struct thread *th);               /* its env is about to change: what it ran in this one is counted */
void sched_pass(void);                             /* the caller's env ends: the monitor finds who is next */
/* Process 1's loop: time, the dead; work is called once in each round, with the lock held. */
void sched_keep(void (*work)(void)) __attribute__((noreturn));
void wakes_by(uint64_t at);                        /* process 1 gets the CPU at that time, ns of clock_ns, or earlier */
/* Of two deadlines; 0: never. */
static inline uint64_t earlier(uint64_t a, uint64_t b)
{
	if (!a || !b)
		return a | b;
	return a < b ? a : b;
}
/* sleep.c: ends sleeps that are due; the earliest deadline that is left, 0 = none */
uint64_t sleepers_run(uint64_t now);
/* sleep.c: the list of sleepers had lost somebody, and was made anew */
int  sleepers_check(uint64_t now);
/* sleep.c: its env has called one (PCT) that cannot run now: it wants the CPU again after a little while. */
void sleep_of_call(struct thread *th);
void sleep_end(struct thread *th);                 /* sleep.c: off its channel */
/* pending bits of a member, which found it there, or in its own code; lock not held */
void sched_take_events(int in_library);
#pragma GCC visibility pop
#endif
