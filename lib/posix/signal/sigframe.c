/* SPDX-License-Identifier: MIT */
/* Signal frames: pushes what sigframe.h describes onto the user's stack, and takes it back. Which signal, and when, is signal.c's. */
#include <base/string.h>
#include <rt/gate.h>
#include "sigframe.h"
#include <run/xstate.h>
#include "signals.h"

#define RED_ZONE     128
#define FLAGS_USER   0x250dd5ul /* CF PF AF ZF SF TF DF OF RF AC ID */
#define FLAGS_CLEAR  0x10500ul  /* TF DF RF: not for handlers */
#define FLAGS_FIXED  0x202ul    /* IF and the bit that is always 1 */
#define ADDRESS_END  (EXO_USER_END - EXO_PAGE_SIZE)

static int on_alternate(const struct thread *th, uint64_t sp)
{ return sp > th->signals.alt_sp && sp - th->signals.alt_sp <= th->signals.alt_size; }

enum info_kind { INFO_FAULT, INFO_CALL, INFO_POLL, INFO_SENT };

static enum info_kind kind_of(int sig, int code)
{
	if (code > 0 && code != SI_KERNEL && SIGNAL_BIT(sig) & SIGNALS_SYNCHRONOUS & ~SIGNAL_BIT(SIGSYS))
		return INFO_FAULT;
	if (code >= POLL_IN && code <= POLL_HUP && sig != SIGCHLD)
		return sig == SIGSYS ? INFO_CALL : INFO_POLL;
	return INFO_SENT;
}

void signal_info_fill(struct signal_info *to, int sig, const struct signal_cause *cause)
{
	const struct signal_info head = { .number = sig, .code = cause->code };

	*to = head;
	switch (kind_of(sig, cause->code)) {
	case INFO_FAULT:
		to->fault.addr = cause->addr;
		break;
	case INFO_CALL:
		to->error = cause->status;
		to->call.addr = cause->addr;
		to->call.number = (int32_t)cause->value;
		to->call.architecture = (uint32_t)(cause->value >> 32);
		break;
	case INFO_POLL:
		to->poll.band = (int64_t)cause->addr;
		to->poll.fd = cause->status;
		break;
	case INFO_SENT:
		to->kill.pid = cause->pid;
		to->kill.uid = cause->uid;
		if (sig == SIGCHLD && cause->code > 0)
			to->child.status = cause->status;
		else
			to->kill.value = cause->value;
	}
}

void signal_info_take(struct signal_cause *to, int sig, const struct signal_info *info)
{
	*to = (struct signal_cause){ .code = info->code };
	switch (kind_of(sig, info->code)) {
	case INFO_FAULT:
		to->addr = info->fault.addr;
		break;
	case INFO_CALL:
		to->status = info->error;
		to->addr = info->call.addr;
		to->value = (uint64_t)info->call.architecture << 32 | (uint32_t)info->call.number;
		break;
	case INFO_POLL:
		to->addr = (uint64_t)info->poll.band;
		to->status = info->poll.fd;
		break;
	case INFO_SENT:
		to->pid = info->kill.pid;
		to->uid = (int32_t)info->kill.uid;
		if (sig == SIGCHLD && info->code > 0)
			to->status = info->child.status;
		else
			to->value = info->kill.value;
	}
}

/* Every byte: what is on the library's stack is nobody's business. */
static void machine_fill(struct user_machine *m, const struct user_regs *r, const struct thread *th, uint64_t mask, uint64_t fpstate)
{
	m->r8 = r->r8; m->r9 = r->r9; m->r10 = r->r10; m->r11 = r->r11;
	m->r12 = r->r12; m->r13 = r->r13; m->r14 = r->r14; m->r15 = r->r15;
	m->rdi = r->rdi; m->rsi = r->rsi; m->rbp = r->rbp; m->rbx = r->rbx;
	m->rdx = r->rdx; m->rax = r->rax; m->rcx = r->rcx; m->rsp = r->rsp;
	m->rip = r->rip; m->rflags = r->rflags;
	m->cs = EXO_USER_CS;
	m->gs = m->fs = 0;
	m->ss = EXO_USER_SS;
	m->error = th->signals.fault_error;
	m->trap = th->signals.fault_trap;
	m->cr2 = th->signals.fault_addr;
	m->oldmask = mask;
	m->fpstate = fpstate;
	for (unsigned i = 0; i < sizeof m->reserved / sizeof *m->reserved; i++)
		m->reserved[i] = 0;
}

int sigframe_push(struct user_regs *r, struct thread *th, int sig, const struct signal_cause *cause, uint64_t mask)
{
	struct thread_signals *s = &th->signals;
	const struct signal_action *a = &th->task->signals.action[sig];
	int was_on = on_alternate(th, r->rsp);
	uint64_t sp = r->rsp - RED_ZONE, image;
	struct signal_frame frame;

	if (a->flags & SA_ONSTACK && s->alt_size && !was_on)
		sp = s->alt_sp + s->alt_size;
	image = (sp - xstate_frame_size()) & ~63ul;
	sp = ((image - sizeof frame) & ~15ul) - 8;
	if ((was_on && !on_alternate(th, sp)) || a->handler >= ADDRESS_END || sp >= ADDRESS_END || xstate_put(image))
		return -EFAULT;
	frame.return_to = a->restorer;
	frame.context.flags = SIGFRAME_XSTATE | SIGFRAME_SS;
	frame.context.link = 0;
	frame.context.stack = (struct user_stack){ s->alt_sp, (int32_t)(s->alt_size ? s->alt_flags | (was_on ? SS_ONSTACK : 0) : SS_DISABLE), 0, s->alt_size };
	machine_fill(&frame.context.machine, r, th, mask, image);
	frame.context.mask = mask;
	signal_info_fill(&frame.info, sig, cause);
	if (user_write(sp, &frame, sizeof frame))
		return -EFAULT;
	/* A handler begins with the state that exec gives: an exception flag left behind would fault again at its first instruction. */
	xstate_init();
	if (s->alt_flags & SS_AUTODISARM)
		s->alt_sp = s->alt_size = s->alt_flags = 0;
	r->rdi = sig;
	r->rsi = sp + offsetof(struct signal_frame, info);
	r->rdx = sp + offsetof(struct signal_frame, context);
	r->rax = 0;
	r->rsp = sp;
	r->rip = a->handler;
	r->rflags &= ~FLAGS_CLEAR;
	r->orig_rax = (uint64_t)-1;
	r->full = 1;
	return 0;
}

int sigframe_pop(struct user_regs *r, struct thread *th)
{
	struct user_context context;
	const struct user_machine *m = &context.machine;
	const struct user_stack *stack = &context.stack;

	/* The handler's ret has popped return_to. */
	if (user_read(&context, r->rsp, sizeof context) || m->rip >= ADDRESS_END)
		return -EFAULT;
	if (!m->fpstate)
		xstate_init();
	else if (xstate_get(m->fpstate))
		return -EFAULT;
	r->r8 = m->r8; r->r9 = m->r9; r->r10 = m->r10; r->r11 = m->r11;
	r->r12 = m->r12; r->r13 = m->r13; r->r14 = m->r14; r->r15 = m->r15;
	r->rdi = m->rdi; r->rsi = m->rsi; r->rbp = m->rbp; r->rbx = m->rbx;
	r->rdx = m->rdx; r->rax = m->rax; r->rcx = m->rcx; r->rsp = m->rsp;
	r->rip = m->rip;
	r->rflags = (m->rflags & FLAGS_USER) | FLAGS_FIXED;
	r->orig_rax = (uint64_t)-1;
	r->full = 1;
	th->signals.blocked = context.mask & ~SIGNALS_SURE;
	if (!on_alternate(th, r->rsp) || !th->signals.alt_size) {
		if (stack->flags & SS_DISABLE)
			th->signals.alt_sp = th->signals.alt_size = th->signals.alt_flags = 0;
		else if (stack->size >= MINSIGSTKSZ) {
			th->signals.alt_sp = stack->sp;
			th->signals.alt_size = stack->size;
			th->signals.alt_flags = (uint32_t)stack->flags & SS_AUTODISARM;
		}
	}
	return 0;
}
