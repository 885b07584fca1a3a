/* SPDX-License-Identifier: MIT */
/* What becomes of an upcall: page faults go to the pager, other exceptions become signals, asynchronous events go to the scheduler. */
#include "library.h"
#include <rt/note.h>
#include <vm/needs.h>
#include <asm/siginfo.h>
#include <linux/signal.h>

struct upcall_frame { uint64_t gpr[15]; struct exo_upcall u; };
_Static_assert(sizeof(((struct upcall_frame *)0)->gpr) == R_RIP, "the first registers of struct user_regs");
#define AT(field, offset) (__builtin_offsetof(struct exo_upcall, field) == (offset))
_Static_assert(AT(vector, 8) && AT(error, 16) && AT(disabled, 28) && AT(addr, 32) && AT(rip, 40) && AT(rflags, 56) && AT(rsp, 64), "entry.S");

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
		[0] = { SIGFPE, FPE_INTDIV }, [1] = { SIGTRAP, TRAP_TRACE }, [3] = { SIGTRAP, SI_KERNEL }, [4] = { SIGSEGV,
			SI_KERNEL }, [5] = { SIGSEGV, SI_KERNEL },
		[6] = { SIGILL, ILL_ILLOPN }, [11] = { SIGBUS, SI_KERNEL }, [12] = { SIGBUS, SI_KERNEL },
		[16] = { SIGFPE, FPE_FLTINV }, [17] = { SIGBUS, BUS_ADRALN }, [19] = { SIGFPE, FPE_FLTINV },
	};
	int sig = u->vector < 32 ? row[u->vector].signal : 0;

	if (sig)
		signal_fault(r, u, sig, row[u->vector].code, row[u->vector].code == SI_KERNEL ? 0 : r->rip);
	else
		signal_fault(r, u, SIGSEGV, SI_KERNEL, 0);
}

/* For the trace: the entries that the processor finds on its way to va. */
static void walk_note(uint64_t kind, uint64_t va)
{
	uint64_t entry[4] = { 0 };

	note_plain(NOTE_LOOK, 0);
	for (int level = 4; level >= 1; level--) {
		uint64_t base = va & -(PAGE << 9 * (level - 1));
		int64_t e = gate_pte_write(0, base | EXO_AT_CHANGE | (uint64_t)level, 1, 0, 0, 0);

		if (EXO_IS_ERROR(e))
			break;
		entry[level - 1] = (uint64_t)e;
	}
	note(kind, va, entry);
}

static __attribute__((noinline, cold)) int page_serve_noted(uint64_t va, unsigned access)
{
	int e;

	walk_note(NOTE_FAULT, va);
	e = page_bring(va, access);
	walk_note(NOTE_FAULT_END | (uint64_t)-e << 8, va);
	return e;
}

/* 0: the access may be tried again; else Linux's error, negative. */
static inline int page_serve_told(uint64_t va, unsigned access)
{
	return F->env_names ? page_serve_noted(va, access) : page_bring(va, access);
}

static void fault_serve(const struct exo_upcall *u)
{
	struct user_regs *r = &P->regs;
	int e;

	if (u->vector == 14 && (u->error & (FAULT_PRESENT | FAULT_USER)) == FAULT_PRESENT) {
		/* An iretq to another ring: some emulators read its frame with kernel rights, which SMAP refuses. CPUs raise #GP. */
		family_lock();
		signal_fault(r, u, SIGSEGV, SI_KERNEL, 0);
	} else if (u->vector == 14) {
		e = page_serve_told(u->addr, fault_access(u->error));
		if (!e)
			user_return();
		family_lock();
		if (e == -ENOMEM)
			memory_shortage(u->addr);
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

static void serve(const struct exo_upcall *u, int in_library)
{
	if (u->vector != EXO_VECTOR_ASYNC)
		fault_serve(u);
	sched_take_events(in_library);
	user_return();
}

/* entry.S: on the library stack, the user's registers in P->regs. */
void upcall_serve(uint64_t vector, uint64_t error, uint64_t addr)
{
	struct exo_upcall u;

	u.vector = vector;
	u.error = error;
	u.addr = addr;
	serve(&u, 0);
}

/* The same, of registers that were on their way to user code. */
static void leave_again(void *at)
{
	serve(at, 1);
}

/* The library touched memory: serve and go on, or let user_copy fail; anything else is a defect of ours. */
static void library_fault(struct upcall_frame *f)
{
	struct exo_upcall *u = &f->u;
	int copying = u->rip >= (uint64_t)user_copy_begin && u->rip < (uint64_t)user_copy_end;

	if (u->vector == 14 && !(u->error & FAULT_PRESENT) && !slot_page_serve(u->addr))
		return;
	if (u->vector == 14 && data_heal(u->addr)) {
		rt_log("%s[%d]: page 0x%lx of shared contents is gone", P->task->name, P->task->pid, PAGE_DOWN(u->addr));
		return;
	}
	if (u->vector == 14 && !P->is_monitor && user_range_ok(u->addr, 1)) {
		int e;

		SPACE->is_copying = 1;
		e = page_serve_told(u->addr, fault_access(u->error));
		SPACE->is_copying = 0;
		if (!e)
			return;
		SPACE->copy_lacks = e == -ENOMEM;
	}
	if (!copying)
		crash_library(u, "library fault");
	u->rip = (uint64_t)user_copy_fault;
}

/* entry.S: on the upcall stack. Returns only for a library fault that was served. */
void upcall_enter(struct upcall_frame *f)
{
	struct user_regs *r = &P->regs;

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
		/* The program jumped into the library's text: its own code, as far as it goes. */
		memcpy(r, f->gpr, sizeof f->gpr);
		r->rip = f->u.rip;
		r->rflags = f->u.rflags;
		r->rsp = f->u.rsp;
	}
	r->orig_rax = -1ul;
	r->full = 1;
	library_restart(leave_again, &f->u);
}
