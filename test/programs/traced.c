/* SPDX-License-Identifier: MIT */
/* ptrace between processes: stops by signals, registers, memory, calls, steps; what the tracer sees and changes. */
#include <linux/audit.h>
#include <sys/prctl.h>
#include "traced.h"

static volatile int handled, value, word = 5;
static pid_t parent;
extern const char nops[], nops_end[], call_at[];

static void on_signal(int sig, siginfo_t *info, void *at)
{
	handled += sig;
	value = info->si_value.sival_int;
	(void)at;
}

static void handlers(void)
{
	struct sigaction a = { .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO };

	CHECK(sigaction(SIGUSR1, &a, 0) == 0 && sigaction(SIGUSR2, &a, 0) == 0);
}

/* ---- signals */
static void raises(void)
{
	union sigval with = { .sival_int = 3 };

	handlers();
	raise(SIGUSR1);
	CHECK(handled == SIGUSR1);
	raise(SIGUSR2);
	CHECK(handled == SIGUSR1);
	raise(SIGTERM);
	CHECK(handled == 2 * SIGUSR1);
	raise(SIGCHLD);
	CHECK(sigqueue(getpid(), SIGUSR1, with) == 0 && value == 4);
	raise(SIGKILL);
}

static void signals(void)
{
	pid_t pid = child_traced(raises);
	siginfo_t info;
	int tracer = 0;

	CHECK(state_of(pid, &tracer) == 't' && tracer == getpid());
	(void)go(PTRACE_CONT, pid, 0, "signal");
	info = info_of(pid);
	CHECK(info.si_signo == SIGUSR1 && info.si_code == SI_TKILL && info.si_pid == pid);
	(void)go(PTRACE_CONT, pid, SIGUSR1, "signal that was delivered");
	(void)go(PTRACE_CONT, pid, 0, "signal that was not");
	(void)go(PTRACE_CONT, pid, SIGUSR1, "signal that was another");
	(void)go(PTRACE_CONT, pid, SIGCHLD, "signal that is ignored");
	info = info_of(pid);
	CHECK(info.si_code == SI_QUEUE && info.si_value.sival_int == 3);
	info.si_value.sival_int = 4;
	CHECK(trace(PTRACE_SETSIGINFO, pid, 0, (long)&info) == 0);
	(void)go(PTRACE_CONT, pid, SIGUSR1, "SIGKILL");
}

/* ---- exec */
static void execs(void)
{
	execl("/proc/self/exe", "traced", "again", (char *)0);
}

static void exec(void)
{
	pid_t pid = child_traced(execs);

	(void)go(PTRACE_CONT, pid, 0, "exec");
	(void)go(PTRACE_CONT, pid, 0, "new image");
}

/* ---- registers */
static void marks(void)
{
	long a = 1, b;

	__asm__ volatile("movq %1, %%xmm5\n\tint3\n\tmovq %%xmm5, %0" : "=r"(b), "+r"(a) : : "xmm5", "memory");
	CHECK(a == 1 && b == 0x77);
	__asm__ volatile("mov $0, %%rbx\n\tint3\n\tmov %%rbx, %0" : "=r"(a) : : "rbx", "memory");
	CHECK(a == 0x1234);
}

static void refused(pid_t pid)
{
	struct user_regs_struct r = regs_of(pid);
	struct iovec iov = { &r, 7 };
	long got = 0;

	CHECK(trace(PTRACE_PEEKUSR, pid, 8 * RIP, (long)&got) == 0 && (unsigned long)got == r.rip);
	CHECK(trace(PTRACE_PEEKUSR, pid, offsetof(struct user, u_debugreg), (long)&got) == 0 && !got);
	CHECK(trace(PTRACE_PEEKUSR, pid, 4, (long)&got) == -1 && errno == EIO);
	CHECK(trace(PTRACE_PEEKUSR, pid, sizeof(struct user) + 16, (long)&got) == -1 && errno == EIO);
	CHECK(trace(PTRACE_POKEUSR, pid, 8 * CS, 0) == -1 && errno == EIO);
	CHECK(trace(PTRACE_POKEUSR, pid, sizeof r + 8, 0) == -1 && errno == EIO);
	CHECK(trace(PTRACE_GETREGSET, pid, NT_PRSTATUS, (long)&iov) == -1 && errno == EINVAL);
	CHECK(trace(PTRACE_GETREGSET, pid, 0x7777, (long)&iov) == -1 && errno == EINVAL);
	CHECK(trace(PTRACE_GETREGS, pid, 0, BAD) == -1);
	CHECK(trace(PTRACE_CONT, pid, 0, 1000) == -1 && errno == EIO);
	CHECK(trace(PTRACE_DETACH, pid, 0, 1000) == -1 && errno == EIO);
	CHECK(trace(PTRACE_SETOPTIONS, pid, 0, 1 << 30) == -1 && errno == EINVAL);
	CHECK(trace(PTRACE_INTERRUPT, pid, 0, 0) == -1 && errno == EIO);
	CHECK(trace(PTRACE_LISTEN, pid, 0, 0) == -1 && errno == EIO);
	CHECK(trace(12345, pid, 0, 0) == -1 && errno == EIO);
}

static void vectors(pid_t pid)
{
	static char area[16384] __attribute__((aligned(64)));
	struct user_fpregs_struct fp;
	struct iovec iov = { area, sizeof area };

	CHECK(trace(PTRACE_GETFPREGS, pid, 0, (long)&fp) == 0 && fp.xmm_space[5 * 4] == 1);
	fp.xmm_space[5 * 4] = 0x55;
	CHECK(trace(PTRACE_SETFPREGS, pid, 0, (long)&fp) == 0);
	fp.mxcsr |= 1u << 30;
	CHECK(trace(PTRACE_SETFPREGS, pid, 0, (long)&fp) == -1 && errno == EINVAL);
	CHECK(trace(PTRACE_GETREGSET, pid, NT_X86_XSTATE, (long)&iov) == 0 && iov.iov_len >= 576);
	CHECK(*(int *)(area + 160 + 5 * 16) == 0x55 && *(long *)(area + 464) & 3);
	*(int *)(area + 160 + 5 * 16) = 0x77;
	CHECK(trace(PTRACE_SETREGSET, pid, NT_X86_XSTATE, (long)&iov) == 0);
	*(long *)(area + 512) = 1l << 62;
	CHECK(trace(PTRACE_SETREGSET, pid, NT_X86_XSTATE, (long)&iov) == -1 && errno == EINVAL);
}

static void registers(void)
{
	pid_t pid = child_traced(marks);
	struct user_regs_struct r, same;
	struct iovec iov = { &same, sizeof same };

	(void)go(PTRACE_CONT, pid, 0, "breakpoint");
	CHECK(info_of(pid).si_code == SI_KERNEL);
	vectors(pid);
	refused(pid);
	(void)go(PTRACE_CONT, pid, 0, "breakpoint");
	r = regs_of(pid);
	CHECK(!r.rbx && r.cs == 0x33);
	r.rbx = 0x1234;
	regs_to(pid, r);
	CHECK(trace(PTRACE_GETREGSET, pid, NT_PRSTATUS, (long)&iov) == 0 && iov.iov_len == sizeof same);
	CHECK(!memcmp(&r, &same, sizeof r));
	(void)go(PTRACE_CONT, pid, 0, "changed registers");
}

/* ---- memory: the text is shared with the tracer, read-only */
__attribute__((noinline)) static int answer(int x) { __asm__ volatile("" : "+r"(x)); return x + 1; }

static void answers(void) { _exit(answer(word)); }

static void memory(void)
{
	pid_t pid = child_traced(answers);
	long text = 0, was = 0, got = 0;

	CHECK(trace(PTRACE_PEEKDATA, pid, (long)&word, (long)&got) == 0 && (int)got == 5);
	CHECK(trace(PTRACE_POKEDATA, pid, (long)&word, (got & ~0xffffffffl) | 20) == 0 && word == 5);
	CHECK(trace(PTRACE_PEEKTEXT, pid, (long)answer, (long)&text) == 0);
	memcpy(&was, (const void *)answer, sizeof was);
	CHECK(was == text);
	CHECK(trace(PTRACE_POKETEXT, pid, (long)answer, (text & ~0xffl) | 0xcc) == 0);
	memcpy(&was, (const void *)answer, sizeof was);
	CHECK(was == text);
	CHECK(trace(PTRACE_PEEKTEXT, pid, BAD, (long)&got) == -1 && errno == EIO);
	CHECK(trace(PTRACE_POKETEXT, pid, BAD, 0) == -1 && errno == EIO);
	CHECK(trace(PTRACE_PEEKTEXT, pid, (long)&word, BAD) == -1 && errno == EFAULT);
	(void)go(PTRACE_CONT, pid, 0, "breakpoint in the text");
	CHECK(regs_of(pid).rip == (unsigned long)answer + 1);
	CHECK(trace(PTRACE_POKETEXT, pid, (long)answer, text) == 0);
	CHECK(trace(PTRACE_POKEUSR, pid, 8 * RIP, (long)answer) == 0);
	(void)go(PTRACE_CONT, pid, 0, "answer");
}

/* ---- calls */
static void calls(void)
{
	const pid_t me = getpid();

	CHECK(syscall(SYS_getppid, 1, 2, 3, 4, 5, 6) == parent);
	CHECK(syscall(SYS_getppid) == me);
	CHECK(syscall(SYS_getppid) == 77);
	CHECK(syscall(SYS_getppid) == 78);
	CHECK(syscall(1000) == -1 && errno == ENOSYS);
}

static struct ptrace_syscall_info call_of(pid_t pid)
{
	struct ptrace_syscall_info c = { 0 };
	long n = trace(PTRACE_GET_SYSCALL_INFO, pid, sizeof c, (long)&c);

	printf("call: %ld bytes, op %d\n", n, c.op);
	CHECK(c.arch == AUDIT_ARCH_X86_64 && c.instruction_pointer && c.stack_pointer);
	return c;
}

/* At the entry of the next call of that number, others passed over. */
static void call_await(pid_t pid, unsigned long number)
{
	int status;

	do {
		CHECK(trace(PTRACE_SYSCALL, pid, 0, 0) == 0 && waitpid(pid, &status, 0) == pid);
		CHECK(WIFSTOPPED(status) && WSTOPSIG(status) == (SIGTRAP | 0x80));
	} while (regs_of(pid).orig_rax != number || (long)regs_of(pid).rax != -ENOSYS);
}

static void calls_seen(void)
{
	pid_t pid = child_traced(calls);
	struct ptrace_syscall_info c;

	CHECK(trace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACESYSGOOD) == 0);
	(void)call_of(pid);
	call_await(pid, SYS_getppid);
	CHECK(info_of(pid).si_code == (SIGTRAP | 0x80));
	c = call_of(pid);
	CHECK(c.op == 1 && c.entry.nr == SYS_getppid && c.entry.args[0] == 1 && c.entry.args[5] == 6);
	(void)go(PTRACE_SYSCALL, pid, 0, "exit of a call");
	c = call_of(pid);
	CHECK(c.op == 2 && c.exit.rval == getpid() && !c.exit.is_error);
	call_await(pid, SYS_getppid);
	CHECK(trace(PTRACE_POKEUSR, pid, 8 * ORIG_RAX, SYS_getpid) == 0);
	call_await(pid, SYS_getppid);
	CHECK(trace(PTRACE_POKEUSR, pid, 8 * ORIG_RAX, -1) == 0 && trace(PTRACE_POKEUSR, pid, 8 * RAX, 77) == 0);
	call_await(pid, SYS_getppid);
	(void)go(PTRACE_SYSCALL, pid, 0, "exit of a call");
	CHECK(trace(PTRACE_POKEUSR, pid, 8 * RAX, 78) == 0);
	call_await(pid, 1000);
	(void)go(PTRACE_SYSCALL, pid, 0, "exit of no call");
	c = call_of(pid);
	CHECK(c.exit.rval == -ENOSYS && c.exit.is_error);
	(void)go(PTRACE_CONT, pid, 0, "calls");
}

static void emulated(void) { CHECK(syscall(SYS_kill, getpid(), SIGKILL) == 5); }

static void emulation(void)
{
	pid_t pid = child_traced(emulated);
	int status;

	do
		CHECK(trace(PTRACE_SYSEMU, pid, 0, 0) == 0 && waitpid(pid, &status, 0) == pid && WIFSTOPPED(status));
	while (regs_of(pid).orig_rax != SYS_kill && trace(PTRACE_POKEUSR, pid, 8 * RAX, getpid()) == 0);
	CHECK(trace(PTRACE_POKEUSR, pid, 8 * RAX, 5) == 0);
	(void)go(PTRACE_CONT, pid, 0, "emulated kill");
}

/* ---- steps */
static void walks(void)
{
	handlers();
	__asm__ volatile(".globl nops, nops_end, call_at\n\tint3\nnops: nop\n\tnop\n\tnop\n\tpushf\n\tpop %%rcx\nnops_end:"
		"\tmov $39, %%eax\ncall_at: syscall\n\tnop" : : : "rax", "rcx", "r11", "memory");
}

static void steps(void)
{
	pid_t pid = child_traced(walks);

	(void)go(PTRACE_CONT, pid, 0, "int3");
	CHECK(regs_of(pid).rip == (unsigned long)nops);
	for (int i = 1; i <= 3; i++) {
		(void)go(PTRACE_SINGLESTEP, pid, 0, "step");
		CHECK(regs_of(pid).rip == (unsigned long)nops + (unsigned)i && !(regs_of(pid).eflags & 0x100));
		CHECK(info_of(pid).si_code == TRAP_TRACE && info_of(pid).si_addr == nops + i);
	}
	while (regs_of(pid).rip != (unsigned long)call_at)
		(void)go(PTRACE_SINGLESTEP, pid, 0, "step");
	(void)go(PTRACE_SINGLESTEP, pid, 0, "step over a call");
	CHECK(regs_of(pid).rip == (unsigned long)call_at + 2 && regs_of(pid).rax == (unsigned long)pid);
	(void)go(PTRACE_SINGLESTEP, pid, SIGUSR1, "step into a handler");
	CHECK(regs_of(pid).rip == (unsigned long)on_signal && regs_of(pid).rdi == SIGUSR1);
	(void)go(PTRACE_SINGLESTEP, pid, 0, "step in it");
	(void)go(PTRACE_CONT, pid, 0, "walk");
}

int main(int argc, char **argv)
{
	setvbuf(stdout, 0, _IONBF, 0);
	if (argc > 1 && !strcmp(argv[1], "again"))
		return 9;
	(void)prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0);
	parent = getpid();
	signals();
	exec();
	registers();
	memory();
	calls_seen();
	emulation();
	steps();
	printf("traced\n");
	return 0;
}
