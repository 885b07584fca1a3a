/* SPDX-License-Identifier: MIT */
/* What becomes of an upcall: page faults go to the pager, other exceptions become signals, asynchronous events go to the scheduler. */
#include "library.h"
#include "parts.h"
#include <asm/siginfo.h>
#include <linux/signal.h>

struct upcall_frame { uint64_t gpr[15]; struct exo_upcall u; };
_Static_assert(sizeof(((struct upcall_frame *)0)->gpr) == R_RIP, "the first registers of struct user_regs");

#define FAULT_PRESENT 1u
#define FAULT_WRITE 2u
#define FAULT_USER 4u
#define FAULT_FETCH 16u

static unsigned fault_access(uint64_t error)
{
	return error & FAULT_WRITE ? PROT_WRITE : error & FAULT_FETCH ? PROT_EXEC : PROT_READ;
}

static void signal_exception(struct user_regs *r, const struct exo_upcall *u)
{
	static const struct { uint8_t signal, code; } row[32] = {
		[0] = { SIGFPE, FPE_INTDIV }, [1] = { SIGTRAP, TRAP_TRACE }, [3] = { SIGTRAP, 0 }, [4] = { SIGSEGV, 0 }, [5] = { SIGSEGV, 0 },
		[6] = { SIGILL, ILL_ILLOPN }, [11] = { SIGBUS, SI_KERNEL }, [12] = { SIGBUS, SI_KERNEL },
		[16] = { SIGFPE, FPE_FLTINV }, [17] = { SIGBUS, BUS_ADRALN }, [19] = { SIGFPE, FPE_FLTINV },
	};
	int sig = u->vector < 32 ? row[u->vector].signal : 0;

	if (sig)
		signal_fault(r, u, sig, row[u->vector].code, sig == SIGTRAP ? 0 : r->rip);
	else
		signal_fault(r, u, SIGSEGV, SI_KERNEL, 0);
}

/* On the library stack: the exception P->fault of user code. */
static void fault_serve(void *nothing)
{
	struct exo_upcall *u = &P->fault;
	struct user_regs *r = &P->regs;
	int e;

	(void)nothing;
	if (u->vector == 14 && (u->error & (FAULT_PRESENT | FAULT_USER)) == FAULT_PRESENT) {
		/* An iretq to another ring: some emulators read its frame with kernel rights, which SMAP refuses. CPUs raise #GP. */
		family_lock();
		signal_fault(r, u, SIGSEGV, SI_KERNEL, 0);
	} else if (u->vector == 14) {
		e = posix_parts.page(u->addr, fault_access(u->error));
		if (!e)
			user_return();
		family_lock();
		if (e == -ENOMEM)
			signal_no_memory(u->addr);
		else if (e == -ENXIO)
			signal_fault(r, u, SIGBUS, BUS_ADRERR, u->addr);
		else
			signal_fault(r, u, SIGSEGV, region_find(u->addr) ? SEGV_ACCERR : SEGV_MAPERR, u->addr);
	} else {
		family_lock();
		signal_exception(r, u);
	}
	user_return();
}

static void events_serve(void *nothing)
{
	(void)nothing;
	sched_take_events();
	user_return();
}

/* The library touched memory: serve and go on, or let user_copy fail; anything else is a defect of ours. */
static void library_fault(struct upcall_frame *f)
{
	struct exo_upcall *u = &f->u;
	int copying = u->rip >= (uint64_t)user_copy_begin && u->rip < (uint64_t)user_copy_end;

	if (u->vector == 14 && !(u->error & FAULT_PRESENT) && !slot_page_serve(u->addr))
		return;
	if (u->vector == 14 && user_range_ok(u->addr, 1) && !posix_parts.page(u->addr, fault_access(u->error)))
		return;
	if (!copying)
		crash_library(u, "library fault");
	u->rip = (uint64_t)user_copy_fault;
}

/* entry.S: on the upcall stack. Returns only for a library fault that was served. */
void upcall_enter(struct upcall_frame *f)
{
	struct user_regs *r = &P->regs;
	int async = f->u.vector == EXO_VECTOR_ASYNC;

	if (f->u.disabled) {
		library_fault(f);
		return;
	}
	if (f->u.rip >= (uint64_t)quick_leave && f->u.rip < (uint64_t)quick_leave_end) {
		const struct user_regs *g = (const struct user_regs *)f->gpr;

		quick_complete(r);
		r->rbx = g->rbx;
		r->rbp = g->rbp;
		r->r12 = g->r12;
		r->r13 = g->r13;
		r->r14 = g->r14;
		r->r15 = g->r15;
	} else if (f->u.rip < (uint64_t)user_leave || f->u.rip >= (uint64_t)user_leave_end) {
		memcpy(r, f->gpr, sizeof f->gpr);
		r->rip = f->u.rip;
		r->rflags = f->u.rflags;
		r->rsp = f->u.rsp;
	}
	r->orig_rax = -1ul;
	r->full = 1;
	if (async)
		library_restart(events_serve, 0);
	P->fault = f->u;
	P->fault.disabled = 0;
	library_restart(fault_serve, 0);
}
