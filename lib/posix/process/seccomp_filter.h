/* SPDX-License-Identifier: MIT */
/* Private to seccomp.c and seccomp_filter.c. Family lock held, but for filters_answer. */
#ifndef POSIX_SECCOMP_FILTER_H
#define POSIX_SECCOMP_FILTER_H
#include <linux/seccomp.h>
#include <base/cbpf.h>
#include <posix/process/task.h>

enum notice_state { NOTICE_NEW, NOTICE_TOLD, NOTICE_ANSWERED };

/* A call that waits for a listener's answer: its thread's, and in the listener's list unless that has gone. */
struct seccomp_notice {
	struct seccomp_notice *next;
	struct seccomp_listener *listener;
	struct thread *thread;
	uint64_t id;
	int state;                     /* enum notice_state */
	uint32_t flags;                /* of the answer, and its */
	int32_t error;
	int64_t value;
	struct seccomp_data data;
};

/* Who is asked by a filter: a file. */
struct seccomp_listener {
	struct seccomp_filter *filter; /* NULL: nobody has it any more */
	void (*gone)(struct seccomp_listener *l); /* that is so from now on */
	struct seccomp_notice *first;  /* by age */
	struct wait_list waits;
	uint64_t last_id;
	int is_firm;                   /* who waits for an answer that is being made waits through signals */
};

struct seccomp_filter {
	struct seccomp_filter *before; /* a reference is held */
	uint32_t references, count, logs;
	struct seccomp_listener *listener; /* NULL: it has none, or none any more */
	struct cbpf_insn insn[];
};

#pragma GCC visibility push(hidden)
/* The strictest answer, of several alike the newest filter's; and whose it is, if it is none to allow the call. */
uint32_t filters_answer(const struct seccomp_filter *f, const struct seccomp_data *d,
	const struct seccomp_filter **whose);
/* A program's struct sock_fprog as a filter that nobody has yet: 0 or -errno. */
int  filter_read(uint64_t from, struct seccomp_filter **to);
/* The number of a thread that cannot have the caller's filters, since it has others; 0: there is none. */
int  thread_apart(const struct thread *me);
void threads_follow(const struct thread *me); /* the others of its process have its filters */
void notice_free(struct thread *th);          /* th->notice */
#pragma GCC visibility pop
#endif
