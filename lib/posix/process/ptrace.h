/* SPDX-License-Identifier: MIT */
/* ptrace(2): threads that stop for another thread, their tracer, which sees and changes what they are. The record of
 * one that is or was traced lies in family memory; its registers go there at a stop, and come back from there, so that
 * the tracer needs nothing of its env. Family lock held, but where a line says otherwise. */
#ifndef POSIX_PTRACE_H
#define POSIX_PTRACE_H
#include <linux/ptrace.h>
#include <posix/library.h>
#include <posix/signal/sigframe.h>

#define CODE_EVENT(event) (SIGTRAP | (event) << 8)
#define FLAG_TRAP 0x100ul /* the CPU's TF */

enum trace_state {
	TRACE_RUNS,
	TRACE_STOPPED,
	TRACE_LISTENS, /* stopped, but only what happens next is of interest: PTRACE_LISTEN */
};

/* Why a thread that is seized is to stop soon. */
#define TRAP_ASKED  1 /* by its tracer */
#define TRAP_NOTIFY 2 /* its group was stopped or continued */

struct trace {
	struct thread *thread;
	struct thread *tracer;       /* NULL: none any more */
	struct trace *next, **at;    /* of the tracer's process */
	uint32_t options;            /* PTRACE_O_ */
	int is_seized;
	int state;                   /* enum trace_state */
	int how;                     /* the request by which it goes on: PTRACE_CONT, SYSCALL, ... */
	int traps;                   /* TRAP_ */
	/* of the stop: sig | event << 8; wait4's word, until it is taken; the signal with which it goes on */
	int code, status, sig;
	uint64_t message;            /* PTRACE_GETEVENTMSG */
	struct signal_info info;     /* PTRACE_GETSIGINFO, if has_info */
	int has_info, info_set;      /* set: by the tracer */
	struct thread_start at_stop; /* registers */
	void *vector;                /* and the image of the others, in pages of its own */
	int regs_set, vector_set;
	int steps;                   /* the trap flag is the tracer's */
	uint32_t arch;               /* of the call that it is in: AUDIT_ARCH_ */
	uint64_t number;             /* of the exec that it is in */
};

/* Its record while somebody traces it. What process 1 traces goes on at once, which is as good as not traced. */
static inline struct trace *ptrace_of(const struct thread *th)
{
	struct trace *t = th->trace;

	return t && t->tracer && !t->tracer->task->is_init ? t : NULL;
}

#pragma GCC visibility push(hidden)
/* ---- ptrace.c: who traces whom */
/* th is traced from now on: its record, or NULL: no memory. */
struct trace *ptrace_begin(struct thread *th, struct thread *tracer, int is_seized, uint32_t options);
void ptrace_end(struct trace *t);           /* by nobody any more; where it is stopped it goes on */
void ptrace_free(struct thread *th);        /* of one that goes */
/* A new thread or process, which the caller makes with these flags: 0 or -ENOMEM. And when it is there: its number. */
int  ptrace_child(struct thread *child, uint64_t flags, int exit_signal);
void ptrace_forked(uint64_t flags, int exit_signal, int pid);
void ptrace_vforked(int pid);
/* The tracer's SIGCHLD, and a wake-up: why is CLD_. */
void ptrace_tell(struct trace *t, int why, int status);
void ptrace_trap(struct trace *t, int trap); /* it is seized, and stops soon: TRAP_ */
void ptrace_notify(struct task *task);      /* its threads that are seized do: it was stopped or continued */
/* A tracer ends: all that it traces goes on, or ends. NULL: all of its threads. */
void ptrace_end_all(struct task *task, const struct thread *tracer);
/* A traced thread that is no leader has ended with wait4's word: whether its record is to stay until its tracer has
 * been told, who then frees it. */
int  ptrace_thread_ended(struct thread *th, int status);
/* A process has ended: whether somebody else than its parent traces it, who is told first; task_told follows. */
int  ptrace_task_ended(struct task *t);
int  ptrace_hides(const struct task *t);    /* the same, of any process */
/* For the caller's wait: the number, wait4's word and use of one that it traces and has not been told of (taken unless
 * WNOWAIT), 0 = none; *any: there is such a one. */
struct usage;
int  ptrace_wait(int pid, int options, int *any, int *status, struct usage *usage);

/* ---- ptrace_stop.c: where the caller stops */
/* Its signal (not SIGKILL): the one that it gets instead, 0 = none; *cause may change. */
int  ptrace_signal(struct thread *th, int sig, struct signal_cause *cause);
/* A handler is about to be entered: whether it steps. And it was. */
int  ptrace_handler_begin(struct user_regs *r, struct thread *th);
void ptrace_handler_end(struct thread *th);
/* Its group is stopped, or its tracer asked for it: whether it has stopped for a tracer, and is back. */
int  ptrace_group(struct thread *th);
/* PTRACE_EVENT_, if the tracer wants it. */
void ptrace_event(struct thread *th, int event, uint64_t message);
/* A system call of that architecture (AUDIT_ARCH_), before it is made: whether it may be; the lock is free, and is
 * afterwards. And after it, the lock as it may be. */
int  ptrace_call_begin(struct user_regs *r, uint32_t arch);
void ptrace_call_end(struct user_regs *r, uint32_t arch);
/* A filter wants the tracer to look: 0: nobody does; 1: the call is to be made if filters still allow it; -1: not. */
int  ptrace_filter(struct user_regs *r, uint32_t arch, uint32_t data);
void ptrace_exec(struct thread *th);        /* its new image is about to begin */
void ptrace_exit(struct thread *th, int status);

/* ---- ptrace_regs.c: of one that is stopped; 0 or -errno */
long ptrace_set_read(struct trace *t, uint64_t type, uint64_t iov);  /* PTRACE_GETREGSET */
long ptrace_set_write(struct trace *t, uint64_t type, uint64_t iov);
long ptrace_regs_read(struct trace *t, uint64_t type, uint64_t to);  /* all of NT_PRSTATUS or NT_PRFPREG */
long ptrace_regs_write(struct trace *t, uint64_t type, uint64_t from);
long ptrace_user_read(struct trace *t, uint64_t at, uint64_t to);    /* of struct user */
long ptrace_user_write(struct trace *t, uint64_t at, uint64_t value);
long ptrace_call_info(struct trace *t, uint64_t size, uint64_t to);  /* PTRACE_GET_SYSCALL_INFO */
#pragma GCC visibility pop
#endif
