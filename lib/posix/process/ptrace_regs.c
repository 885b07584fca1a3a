/* SPDX-License-Identifier: MIT */
/* Registers of a thread that is stopped, in the forms that tracers know: sets (linux/elf.h), struct user
 * (asm/user_64.h), the call that it is in. Segments stay what they are, and there are no debug registers to be had:
 * what would set others is refused. */
#include <linux/audit.h>
#include <linux/elf.h>
#include <linux/signal.h>
#include <linux/uio.h>
#include "ptrace.h"

#define FLAGS_USER   0x250dd5ul /* CF PF AF ZF SF TF DF OF RF AC ID */
#define FLAGS_FIXED  0x202ul    /* IF and the bit that is always 1 */
#define ADDRESS_END  (EXO_USER_END - EXO_PAGE_SIZE)
#define USER_SIZE    928        /* struct user, as the kernel has it: two words more than C libraries do */
#define USER_DEBUG   848        /* its u_debugreg, eight words */
#define MXCSR_USUAL  0xffffu
#define HEADER       512
#define HEADER_SIZE  64
#define XCR0_AT      464        /* in the software bytes: which components there are */

enum { AT_FLAGS = 18, AT_ORIG = 15, AT_RIP = 16, AT_CS = 17, AT_SS = 20, AT_FS_BASE = 21, AT_GS_BASE = 22 };

void regs_list(const struct thread_start *from, uint64_t list[REGS_LISTED])
{
	const struct user_regs *r = &from->regs;
	const uint64_t in_order[REGS_LISTED] = {
		r->r15, r->r14, r->r13, r->r12, r->rbp, r->rbx, r->r11, r->r10, r->r9, r->r8, r->rax, r->rcx, r->rdx, r->rsi,
		r->rdi, r->orig_rax, r->rip, EXO_USER_CS, r->rflags, r->rsp, EXO_USER_SS, from->fs, from->gs, 0, 0, 0, 0,
	};

	memcpy(list, in_order, sizeof in_order);
}

/* Where the register with that number in struct user_regs_struct lies; NULL: a segment's. */
static uint64_t *register_at(struct thread_start *s, unsigned number)
{
	struct user_regs *r = &s->regs;
	uint64_t *const at[REGS_LISTED] = {
		&r->r15, &r->r14, &r->r13, &r->r12, &r->rbp, &r->rbx, &r->r11, &r->r10, &r->r9, &r->r8, &r->rax, &r->rcx,
		&r->rdx, &r->rsi, &r->rdi, &r->orig_rax, &r->rip, NULL, &r->rflags, &r->rsp, NULL, &s->fs, &s->gs,
	};

	return at[number];
}

static long register_set(struct trace *t, unsigned number, uint64_t value)
{
	uint64_t *at = register_at(&t->at_stop, number), now[REGS_LISTED];

	regs_list(&t->at_stop, now);
	if (!at)
		return (value & 0xffff) == now[number] ? 0 : -EIO;
	if ((number == AT_RIP || number == AT_FS_BASE || number == AT_GS_BASE) && value >= ADDRESS_END)
		return -EIO;
	if (number == AT_FLAGS)
		value = (value & FLAGS_USER) | FLAGS_FIXED;
	*at = value;
	t->regs_set = 1;
	return 0;
}

static long general_write(struct trace *t, const uint64_t *list, uint64_t size)
{
	long e = 0;

	for (unsigned i = 0; !e && i < size / sizeof *list; i++)
		e = register_set(t, i, list[i]);
	return e;
}

/* ---- vectors */
static uint8_t *image(const struct trace *t) { return t->vector; }

static uint64_t word_of(const uint8_t *from, unsigned at)
{
	uint64_t word;

	memcpy(&word, from + at, sizeof word);
	return word;
}

/* What XRSTOR would fault at. */
static int image_is_good(const uint8_t *from, int is_whole)
{
	uint32_t mxcsr;

	memcpy(&mxcsr, from + 24, sizeof mxcsr);
	if (mxcsr & ~MXCSR_USUAL)
		return 0;
	if (!is_whole)
		return 1;
	for (unsigned at = HEADER + 8; at < HEADER + HEADER_SIZE; at += 8)
		if (word_of(from, at))
			return 0;
	return !(word_of(from, HEADER) & ~(uint64_t)rt_info->xcr0);
}

/* The bytes of the set, which are library memory: its size. NULL: there is no such set. */
static const void *set_of(struct trace *t, uint64_t type, uint64_t list[REGS_LISTED], uint64_t *size)
{
	const uint64_t xcr0 = rt_info->xcr0;

	switch (type) {
	case NT_PRSTATUS:
		regs_list(&t->at_stop, list);
		*size = REGS_LISTED * sizeof *list;
		return list;
	case NT_PRFPREG:
		*size = FXSAVE_SIZE;
		return t->vector;
	case NT_X86_XSTATE:
		if (!xstate_has_xsave())
			return NULL;
		*size = rt_info->xsave_size;
		memcpy(image(t) + XCR0_AT, &xcr0, sizeof xcr0);
		return t->vector;
	}
	return NULL;
}

/* As much of the image as size says, from user memory. */
static long vector_write(struct trace *t, uint64_t from, uint64_t size, int is_whole)
{
	uint64_t pages = PAGE_UP(size) / PAGE, used = 3;
	uint8_t *bytes = fam_pages(pages);
	long e = bytes ? user_read(bytes, from, size) : -ENOMEM;

	if (!e && !image_is_good(bytes, is_whole))
		e = -EINVAL;
	if (!e) {
		memcpy(t->vector, bytes, size);
		t->vector_set = 1;
		if (!is_whole && xstate_has_xsave()) {
			used |= word_of(image(t), HEADER);
			memcpy(image(t) + HEADER, &used, sizeof used);
		}
	}
	if (bytes)
		fam_pages_free(bytes, pages);
	return e;
}

static long set_write(struct trace *t, uint64_t type, uint64_t from, uint64_t size)
{
	uint64_t list[REGS_LISTED];

	if (type != NT_PRSTATUS)
		return vector_write(t, from, size, type == NT_X86_XSTATE);
	return user_read(list, from, size) ? -EFAULT : general_write(t, list, size);
}

/* ---- as requests have them */
long ptrace_regs_read(struct trace *t, uint64_t type, uint64_t to)
{
	uint64_t list[REGS_LISTED], size = 0;
	const void *set = set_of(t, type, list, &size);

	return user_write(to, set, size) ? -EIO : 0;
}

long ptrace_regs_write(struct trace *t, uint64_t type, uint64_t from)
{
	uint64_t list[REGS_LISTED], size = 0;
	long e;

	(void)set_of(t, type, list, &size);
	e = set_write(t, type, from, size);
	return e == -EFAULT ? -EIO : e;
}

long ptrace_set_read(struct trace *t, uint64_t type, uint64_t at)
{
	uint64_t list[REGS_LISTED], size = 0;
	const void *set = set_of(t, type, list, &size);
	struct iovec iov;

	if (user_read(&iov, at, sizeof iov))
		return -EFAULT;
	if (!set || iov.iov_len % sizeof *list)
		return -EINVAL;
	iov.iov_len = MIN_OF(iov.iov_len, size);
	return user_write((uint64_t)iov.iov_base, set, iov.iov_len) | user_write(at, &iov, sizeof iov);
}

long ptrace_set_write(struct trace *t, uint64_t type, uint64_t at)
{
	uint64_t list[REGS_LISTED], size = 0;
	const void *set = set_of(t, type, list, &size);
	struct iovec iov;
	long e;

	if (user_read(&iov, at, sizeof iov))
		return -EFAULT;
	if (!set || iov.iov_len % sizeof *list)
		return -EINVAL;
	iov.iov_len = MIN_OF(iov.iov_len, size);
	if (type == NT_X86_XSTATE && iov.iov_len != size)
		return -EFAULT;
	if (type == NT_PRFPREG && iov.iov_len != size)
		return -EINVAL;
	e = set_write(t, type, (uint64_t)iov.iov_base, iov.iov_len);
	return e ? e : user_write(at, &iov, sizeof iov);
}

long ptrace_user_read(struct trace *t, uint64_t at, uint64_t to)
{
	uint64_t list[REGS_LISTED], word = 0;

	if (at % sizeof word || at >= USER_SIZE)
		return -EIO;
	regs_list(&t->at_stop, list);
	if (at < sizeof list)
		word = list[at / sizeof word];
	return user_write(to, &word, sizeof word);
}

long ptrace_user_write(struct trace *t, uint64_t at, uint64_t value)
{
	if (at % sizeof value || at >= USER_SIZE)
		return -EIO;
	if (at < REGS_LISTED * sizeof value)
		return register_set(t, (unsigned)(at / sizeof value), value);
	/* As a machine whose every watchpoint is taken; none has to be switched off. */
	if (at >= USER_DEBUG && at < USER_DEBUG + 8 * sizeof value)
		return value ? -ENOSPC : 0;
	return -EIO;
}

/* ---- the call */
static void call_fill(const struct trace *t, struct ptrace_syscall_info *c)
{
	const struct user_regs *r = &t->at_stop.regs;
	const uint64_t args[6] = { r->rdi, r->rsi, r->rdx, r->r10, r->r8, r->r9 };
	const uint64_t args_32[6] = { r->rbx, r->rcx, r->rdx, r->rsi, r->rdi, r->rbp };
	int is_32 = t->arch == AUDIT_ARCH_I386;

	for (int i = 0; i < 6; i++)
		c->seccomp.args[i] = is_32 ? (uint32_t)args_32[i] : args[i];
	c->seccomp.nr = r->orig_rax;
	c->seccomp.ret_data = (uint32_t)t->message;
}

long ptrace_call_info(struct trace *t, uint64_t size, uint64_t to)
{
	const struct user_regs *r = &t->at_stop.regs;
	struct ptrace_syscall_info c = { .instruction_pointer = r->rip, .stack_pointer = r->rsp };
	uint64_t whole = __builtin_offsetof(struct ptrace_syscall_info, entry);
	int code = t->has_info ? t->info.code : 0;

	c.arch = t->arch ? t->arch : AUDIT_ARCH_X86_64;
	if (code == (SIGTRAP | 0x80) && t->message == PTRACE_EVENTMSG_SYSCALL_ENTRY) {
		c.op = PTRACE_SYSCALL_INFO_ENTRY;
		call_fill(t, &c);
		whole += sizeof c.entry;
	} else if (code == (SIGTRAP | 0x80)) {
		c.op = PTRACE_SYSCALL_INFO_EXIT;
		c.exit.rval = (int64_t)r->rax;
		c.exit.is_error = r->rax > -4096ul;
		whole = __builtin_offsetof(struct ptrace_syscall_info, exit.is_error) + 1;
	} else if (code == CODE_EVENT(PTRACE_EVENT_SECCOMP)) {
		c.op = PTRACE_SYSCALL_INFO_SECCOMP;
		call_fill(t, &c);
		whole = __builtin_offsetof(struct ptrace_syscall_info, seccomp.ret_data) + 4;
	}
	return user_write(to, &c, MIN_OF(size, whole)) ? -EFAULT : (long)whole;
}
