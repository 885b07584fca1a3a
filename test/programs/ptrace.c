/* SPDX-License-Identifier: MIT */
/* A process that shares this one's memory (clone with CLONE_VM) holds its threads by ptrace, as a leak checker does: what it sees of them, that they stand still and go on,
 * what ends the hold, and what is refused. */
#include <elf.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include "try.h"

#define MARK 0x1122334455667788l

static volatile long spins, finish, came, handled, word = 5;
static volatile int spinner, reader, victim;
static int fd[2];
static char stack[2][65536] __attribute__((aligned(16)));
extern const char spin_begin[], spin_end[];

static void on_signal(int sig) { handled += sig; }

/* Counts, with a mark in r12 and in xmm7. */
static void *spin(void *nothing)
{
	spinner = (int)syscall(SYS_gettid);
	__asm__ volatile("mov %[mark], %%r12\n\tmovq %[mark], %%xmm7\n"
		".globl spin_begin, spin_end\nspin_begin:\tincq %[spins]\n\tpause\n\tcmpq $0, %[finish]\n\tje spin_begin\nspin_end:"
		: [spins] "+m"(spins) : [finish] "m"(finish), [mark] "r"(MARK) : "r12", "xmm7", "memory", "cc");
	return nothing;
}

static void *take(void *nothing)
{
	char byte;

	reader = (int)syscall(SYS_gettid);
	CHECK(read(fd[0], &byte, 1) == 1);
	came = byte;
	return nothing;
}

static void rest(void)
{
	const struct timespec t = { 0, 20000000 };

	(void)syscall(SYS_nanosleep, &t, 0);
}

static long trace(long request, int tid, long addr, long data) { return syscall(SYS_ptrace, request, (long)tid, addr, data); }

static void hold(int tid)
{
	siginfo_t info = { 0 };
	int status = 0;

	CHECK(trace(PTRACE_ATTACH, tid, 0, 0) == 0);
	/* Looking at the news does not take it. */
	CHECK(syscall(SYS_waitid, P_PID, tid, &info, WSTOPPED | WNOWAIT | __WALL, 0) == 0);
	CHECK(info.si_pid == tid && info.si_code == CLD_TRAPPED && info.si_status == SIGSTOP);
	CHECK(syscall(SYS_wait4, tid, &status, __WALL, 0) == tid);
	CHECK(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
}

static void let_go(int tid, int sig) { CHECK(trace(PTRACE_DETACH, tid, 0, sig) == 0); }

static int stands_still(void)
{
	long was = spins;

	rest();
	return spins == was;
}

static void registers(void)
{
	struct user_regs_struct r, same;
	struct user_fpregs_struct fp;
	struct iovec iov = { &same, sizeof same };

	CHECK(trace(PTRACE_GETREGS, spinner, 0, (long)&r) == 0);
	CHECK(r.r12 == MARK && r.rip >= (uintptr_t)spin_begin && r.rip < (uintptr_t)spin_end && r.cs == 0x33 && r.fs_base);
	CHECK(trace(PTRACE_GETREGSET, spinner, NT_PRSTATUS, (long)&iov) == 0);
	CHECK(iov.iov_len == sizeof same && !memcmp(&r, &same, sizeof same));
	iov.iov_len = 16;
	CHECK(trace(PTRACE_GETREGSET, spinner, NT_PRSTATUS, (long)&iov) == 0 && iov.iov_len == 16);
	iov.iov_len = 15;
	CHECK(trace(PTRACE_GETREGSET, spinner, NT_PRSTATUS, (long)&iov) == -1 && errno == EINVAL);
	CHECK(trace(PTRACE_GETREGSET, spinner, 0x7777, (long)&iov) == -1 && errno == EINVAL);
	CHECK(trace(PTRACE_GETFPREGS, spinner, 0, (long)&fp) == 0);
	CHECK(fp.xmm_space[7 * 4] == (unsigned)MARK && fp.xmm_space[7 * 4 + 1] == MARK >> 32);
	iov = (struct iovec){ &fp, sizeof fp };
	CHECK(trace(PTRACE_GETREGSET, spinner, NT_PRFPREG, (long)&iov) == 0 && iov.iov_len == sizeof fp);
}

static void words(void)
{
	long got = 0;

	CHECK(trace(PTRACE_PEEKDATA, spinner, (long)&word, (long)&got) == 0 && got == 5);
	CHECK(trace(PTRACE_POKEDATA, spinner, (long)&word, 6) == 0 && word == 6);
	CHECK(trace(PTRACE_PEEKDATA, spinner, BAD, (long)&got) == -1 && errno == EIO);
	CHECK(trace(PTRACE_POKEDATA, spinner, BAD, 1) == -1 && errno == EIO);
	CHECK(trace(PTRACE_PEEKDATA, spinner, (long)&word, BAD) == -1 && errno == EFAULT);
	CHECK(trace(12345, spinner, 0, 0) == -1 && errno == EIO);
}

static int tracer(void *of)
{
	TRY(ptrace, PTRACE_ATTACH, getpid(), 0, 0);
	TRY(ptrace, PTRACE_ATTACH, 30000000, 0, 0);
	TRY(ptrace, PTRACE_GETREGS, spinner, 0, buffer);
	TRY(ptrace, PTRACE_DETACH, spinner, 0, 0);
	CHECK(!stands_still());
	hold(spinner);
	CHECK(trace(PTRACE_ATTACH, spinner, 0, 0) == -1 && errno == EPERM);
	CHECK(waitpid(spinner, 0, __WALL | WNOHANG) == 0);
	CHECK(stands_still());
	registers();
	words();
	CHECK(trace(PTRACE_DETACH, spinner, 0, 1000) == -1 && errno == EIO);
	let_go(spinner, 0);
	CHECK(!stands_still());
	CHECK(waitpid(spinner, 0, __WALL) == -1 && errno == ECHILD);
	/* One that waits, and would be woken meanwhile. */
	hold(reader);
	CHECK(write(fd[1], "x", 1) == 1);
	rest();
	CHECK(!came);
	let_go(reader, 0);
	while (!came)
		rest();
	hold(spinner);
	let_go(spinner, SIGUSR1);
	while (!handled)
		rest();
	/* Ended while it is held; and the last one is let go by this end. */
	hold(victim);
	CHECK(kill(victim, SIGKILL) == 0);
	hold(spinner);
	CHECK(stands_still());
	(void)of;
	return 9;
}

static int spin_process(void *nothing)
{
	while (!finish)
		rest();
	return nothing != 0;
}

int main(void)
{
	struct sigaction a = { .sa_handler = on_signal };
	pthread_t t[2];
	int status;
	pid_t pid;

	setvbuf(stdout, 0, _IONBF, 0);
	CHECK(sigaction(SIGUSR1, &a, 0) == 0 && pipe(fd) == 0);
	(void)prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0);
	CHECK(pthread_create(&t[0], 0, spin, 0) == 0 && pthread_create(&t[1], 0, take, 0) == 0);
	victim = clone(spin_process, stack[1] + sizeof stack[1], CLONE_VM | SIGCHLD, 0);
	CHECK(victim > 0);
	while (!spins || !reader)
		rest();
	pid = clone(tracer, stack[0] + sizeof stack[0], CLONE_VM | CLONE_FS | CLONE_FILES, 0);
	CHECK(pid > 0);
	CHECK(waitpid(pid, &status, __WALL) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 9);
	CHECK(wait_status(victim) == 128 + SIGKILL);
	CHECK(!stands_still());
	finish = 1;
	CHECK(pthread_join(t[0], 0) == 0 && pthread_join(t[1], 0) == 0 && came == 'x' && handled == SIGUSR1 && word == 6);
	printf("held and let go\n");
	return 0;
}
