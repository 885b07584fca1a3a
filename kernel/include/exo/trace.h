/* SPDX-License-Identifier: MIT */
/* What a tracer reads: dev_bind(EXO_DEV_TRACE, head of a run, EXO_RUN_FRAMES) makes that run a ring of records; n = 0 ends it. Record i (of info.trace_count
 * so far) stands at i % EXO_TRACE_RECORDS; the oldest are written over. */
#ifndef EXO_TRACE_H
#define EXO_TRACE_H
#include <exo/env.h>
#include <exo/page.h>

enum exo_trace_kind {
	EXO_T_CALL,    /* a gate op begins: number, its arguments (of a batch: each element too) */
	/* It ends in the env that called it: number, arg[0] = result, arg[1] = rip behind the call (0: in a batch). After a
	 * switch there is none: it ends when that env runs again. */
	EXO_T_RETURN,
	EXO_T_FOREIGN, /* a foreign system call is reflected: number 0 = SYSCALL, 1 = int 0x80; arg = rax rdi rsi rdx r10 r8 */
	EXO_T_UPCALL,  /* an env is entered: arg = vector, error or pending bits, address, rip that it came from */
	EXO_T_SWITCH,  /* env runs from now on; arg[0] = the one that ran before; 0 = nobody */
	EXO_T_SLICE,   /* slice `number` of env begins; arg[0] = TSC of its end */
};

struct exo_trace {
	uint64_t tsc;
	uint64_t env : 48; /* its name's lower bits */
	uint64_t kind : 8; /* enum exo_trace_kind */
	uint64_t number : 8;
	uint64_t arg[6];
};
_Static_assert(sizeof(struct exo_trace) == 64, "a run holds a whole number of them");
#define EXO_TRACE_RECORDS (EXO_RUN_FRAMES * EXO_PAGE_SIZE / sizeof(struct exo_trace))
#endif
