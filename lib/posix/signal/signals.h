/* SPDX-License-Identifier: MIT */
/* Private to signal*.c, crash.c and init.c: numbers of signals and what the parts of signal handling give each other. */
#ifndef POSIX_SIGNALS_H
#define POSIX_SIGNALS_H
#include <asm/errno.h>
#include <asm/siginfo.h>
#include <linux/signal.h>
#include <family/process.h>
#include <posix/process/task.h>

#define SIGNALS_STOP (SIGNAL_BIT(SIGSTOP) | SIGNAL_BIT(SIGTSTP) | SIGNAL_BIT(SIGTTIN) | SIGNAL_BIT(SIGTTOU))
#define SIGNALS_SURE (SIGNAL_BIT(SIGKILL) | SIGNAL_BIT(SIGSTOP)) /* can be neither blocked nor caught */
#define SIGNALS_HARMLESS (SIGNAL_BIT(SIGCHLD) | SIGNAL_BIT(SIGCONT) | SIGNAL_BIT(SIGURG) | SIGNAL_BIT(SIGWINCH)) /* ignored by default */
#define SIGNALS_SYNCHRONOUS (SIGNAL_BIT(SIGSEGV) | SIGNAL_BIT(SIGBUS) | SIGNAL_BIT(SIGILL) | SIGNAL_BIT(SIGTRAP) | SIGNAL_BIT(SIGFPE) | SIGNAL_BIT(SIGSYS)) /* what exceptions become */
#define HANDLER_DEFAULT 0ul
#define HANDLER_IGNORE  1ul

/* Kernel-internal results of interrupted calls, as Linux names them; signal_deliver turns them into -EINTR or a second run. */
#define ERESTARTSYS           512 /* again when the handler has SA_RESTART */
#define ERESTARTNOINTR        513 /* again in any case */
#define ERESTARTNOHAND        514 /* again only when no handler ran */
#define ERESTART_RESTARTBLOCK 516 /* by restart_syscall when no handler ran */

/* What th is to take before its next user instruction. */
static inline uint64_t signals_ready(const struct thread *th)
{
	const struct thread_signals *s = &th->signals;

	return ((s->pending | th->task->signals.pending) & ~s->blocked) | s->forced;
}

static inline int signal_ignored(const struct task *t, int sig)
{
	uint64_t handler = t->signals.action[sig].handler;

	return handler == HANDLER_IGNORE || (handler == HANDLER_DEFAULT && SIGNAL_BIT(sig) & SIGNALS_HARMLESS);
}

/* signal.c. Pending at once, neither blocked nor ignored. */
void signal_force(struct thread *th, int sig);

/* signal.c. It is ignored where it would be sent: to the process, or to th of it. */
int signal_is_dropped(const struct task *t, const struct thread *th, int sig);

/* signal.c. One more may be queued, by t's limit, and memory is not short. */
int signal_room(const struct task *t);

/* signal.c. Takes sig, which is pending or forced, off th (off its process, when it is pending there) and gives its cause. */
void signal_take_cause(struct thread *th, int sig, struct signal_cause *to);
/* signal.c. These are pending no more, for the process nor for any thread of it. */
void signal_forget(struct task *t, uint64_t bits);

/* sigframe.c. Makes r enter the handler of sig: 0 or -EFAULT (nothing but user memory was changed). */
int sigframe_push(struct user_regs *r, struct thread *th, int sig, const struct signal_cause *cause, uint64_t mask);
/* Takes the registers, mask and alternate stack back from the frame at r->rsp: 0 or -EFAULT. */
int sigframe_pop(struct user_regs *r, struct thread *th);
/* A siginfo for user memory. */
struct signal_info;
void signal_info_fill(struct signal_info *to, int sig, const struct signal_cause *cause);
/* The other way, of a signal of that number. */
void signal_info_take(struct signal_cause *to, int sig, const struct signal_info *info);

/* signal_calls.c. What a siginfo in user memory, which must be of that signal, says of its cause: 0, -EFAULT, -EINVAL, -EPERM. */
int signal_cause_read(struct signal_cause *cause, int sig, uint64_t from, int is_self);

/* crash.c. The line for a fault that th did not handle. */
void crash_report(const struct thread *th, int sig, uint64_t rip);
#endif
