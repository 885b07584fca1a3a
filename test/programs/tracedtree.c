/* SPDX-License-Identifier: MIT */
/* ptrace: what traced threads make and become, groups that stop and go on, ends, filters of calls; and tracers that are
 * wrong, or end too soon. */
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include "traced.h"

#define EVENTS (PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC | \
	PTRACE_O_TRACEVFORKDONE | PTRACE_O_TRACEEXIT | PTRACE_O_TRACESECCOMP)

static volatile int *shared;
static int pipes[2];

static void waits(void)
{
	for (;;)
		pause();
}

static void spins(void)
{
	for (;;)
		shared[0]++;
}

static void options(pid_t pid, long set) { CHECK(trace(PTRACE_SETOPTIONS, pid, 0, set) == 0); }

/* ---- what they make */
static void forks(void)
{
	pid_t pid = fork();

	if (!pid)
		_exit(3);
	CHECK(wait_status(pid) == 3);
	pid = vfork();
	if (!pid)
		_exit(4);
	CHECK(wait_status(pid) == 4);
}

/* The child that an event tells of begins with a stop. */
static pid_t newborn(pid_t pid)
{
	pid_t made = (pid_t)message_of(pid);

	CHECK(made > 0 && made != pid);
	(void)next(made, "newborn");
	return made;
}

static void family(void)
{
	pid_t pid = child_traced(forks), made;

	options(pid, EVENTS);
	(void)go(PTRACE_CONT, pid, 0, "fork");
	made = newborn(pid);
	(void)go(PTRACE_CONT, made, 0, "end of a child");
	CHECK(message_of(made) == 3 << 8);
	(void)go(PTRACE_CONT, made, 0, "child");
	(void)go(PTRACE_CONT, pid, 0, "its parent");
	(void)go(PTRACE_CONT, pid, SIGCHLD, "vfork");
	made = newborn(pid);
	CHECK(trace(PTRACE_CONT, pid, 0, 0) == 0);
	(void)go(PTRACE_CONT, made, 0, "end of a child");
	CHECK(trace(PTRACE_DETACH, made, 0, 0) == 0);
	(void)next(pid, "vfork is done");
	CHECK(message_of(pid) == (unsigned long)made);
	(void)go(PTRACE_CONT, pid, 0, "its parent");
	(void)go(PTRACE_CONT, pid, 0, "its end");
	(void)go(PTRACE_CONT, pid, 0, "parent");
}

/* ---- threads */
static void *sleeps(void *nothing)
{
	char byte;

	(void)!read(pipes[0], &byte, 1);
	return nothing;
}

static void *becomes(void *nothing)
{
	execl("/proc/self/exe", "tracedtree", "again", (char *)0);
	return nothing;
}

static void threads(void)
{
	pthread_t t;

	CHECK(pthread_create(&t, 0, sleeps, 0) == 0 && pthread_join(t, 0) == 0);
	CHECK(pthread_create(&t, 0, becomes, 0) == 0);
	(void)pthread_join(t, 0);
}

static void of_threads(void)
{
	pid_t pid = child_traced(threads), made;

	options(pid, PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC);
	(void)go(PTRACE_CONT, pid, 0, "clone");
	made = newborn(pid);
	CHECK(trace(PTRACE_CONT, pid, 0, 0) == 0 && trace(PTRACE_CONT, made, 0, 0) == 0);
	CHECK(waitpid(made, 0, __WALL | WNOHANG) == 0 && write(pipes[1], "x", 1) == 1);
	(void)next(made, "thread");
	CHECK(waitpid(made, 0, __WALL) == -1 && errno == ECHILD);
	(void)next(pid, "clone");
	made = newborn(pid);
	CHECK(trace(PTRACE_CONT, pid, 0, 0) == 0 && trace(PTRACE_CONT, made, 0, 0) == 0);
	(void)next(pid, "exec by a thread");
	CHECK(message_of(pid) == (unsigned long)made);
	(void)go(PTRACE_CONT, pid, 0, "new image");
}

/* ---- attached */
static void attach(pid_t pid)
{
	siginfo_t info = { 0 };

	CHECK(trace(PTRACE_ATTACH, pid, 0, 0) == 0);
	CHECK(waitid(P_PID, (id_t)pid, &info, WSTOPPED | WNOWAIT) == 0);
	CHECK(info.si_pid == pid && info.si_code == CLD_TRAPPED && info.si_status == SIGSTOP);
	(void)next(pid, "attached");
	CHECK(state_of(pid, 0) == 't');
}

static void attached(void)
{
	pid_t pid = child(spins), was;

	while (!shared[0])
		sched_yield();
	attach(pid);
	was = shared[0];
	CHECK(trace(PTRACE_ATTACH, pid, 0, 0) == -1 && errno == EPERM);
	CHECK(trace(PTRACE_DETACH, pid, 0, 0) == 0);
	while (shared[0] == was)
		sched_yield();
	CHECK(trace(PTRACE_GETREGS, pid, 0, (long)buffer) == -1 && errno == ESRCH);
	CHECK(trace(PTRACE_DETACH, pid, 0, 0) == -1 && errno == ESRCH);
	end(pid);
	pid = child(waits);
	state_await(pid, 'S');
	attach(pid);
	CHECK((long)regs_of(pid).rax == -514 && regs_of(pid).orig_rax == SYS_pause);
	CHECK(trace(PTRACE_DETACH, pid, 0, SIGTERM) == 0);
	(void)next(pid, "detached with a signal");
	pid = child(waits);
	CHECK(kill(pid, SIGSTOP) == 0);
	state_await(pid, 'T');
	CHECK(trace(PTRACE_ATTACH, pid, 0, 0) == 0);
	(void)next(pid, "one that was stopped");
	CHECK(trace(PTRACE_DETACH, pid, 0, 0) == 0);
	state_await(pid, 'T');
	end(pid);
}

/* ---- seized */
static void seized(void)
{
	pid_t pid = child(waits);

	state_await(pid, 'S');
	CHECK(trace(PTRACE_SEIZE, pid, 1, 0) == -1 && errno == EIO);
	CHECK(trace(PTRACE_SEIZE, pid, 0, 1 << 30) == -1 && errno == EIO);
	CHECK(trace(PTRACE_SEIZE, pid, 0, PTRACE_O_TRACESYSGOOD) == 0);
	CHECK(waitpid(pid, 0, WNOHANG) == 0 && state_of(pid, 0) == 'S');
	CHECK(trace(PTRACE_CONT, pid, 0, 0) == -1 && errno == ESRCH);
	CHECK(trace(PTRACE_INTERRUPT, pid, 0, 0) == 0);
	(void)next(pid, "interrupted");
	CHECK(info_of(pid).si_code == (SIGTRAP | PTRACE_EVENT_STOP << 8));
	CHECK(trace(PTRACE_CONT, pid, 0, 0) == 0 && kill(pid, SIGSTOP) == 0);
	(void)next(pid, "SIGSTOP");
	(void)go(PTRACE_CONT, pid, SIGSTOP, "its group");
	CHECK(trace(PTRACE_LISTEN, pid, 0, 0) == 0 && waitpid(pid, 0, WNOHANG) == 0);
	CHECK(trace(PTRACE_CONT, pid, 0, 0) == -1 && errno == ESRCH);
	CHECK(kill(pid, SIGCONT) == 0);
	(void)next(pid, "SIGCONT");
	(void)go(PTRACE_CONT, pid, 0, "and its signal");
	CHECK(trace(PTRACE_CONT, pid, 0, SIGCONT) == 0 && kill(pid, SIGTERM) == 0);
	(void)next(pid, "SIGTERM");
	(void)go(PTRACE_CONT, pid, SIGTERM, "end");
}

/* ---- filters */
static void filtered(void)
{
	struct sock_filter f[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE | 66), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof f / sizeof *f, f };
	pid_t parent = getppid();

	CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	CHECK(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0);
	CHECK(syscall(SYS_getppid) == parent);
	CHECK(syscall(SYS_getppid) == getpid());
	CHECK(syscall(SYS_getppid) == 79);
	CHECK(syscall(SYS_getppid) == -1 && errno == ENOSYS);
}

static void filters(void)
{
	pid_t pid = child_traced(filtered);
	struct ptrace_syscall_info c = { 0 };

	options(pid, PTRACE_O_TRACESECCOMP);
	(void)go(PTRACE_CONT, pid, 0, "filter");
	CHECK(message_of(pid) == 66 && regs_of(pid).orig_rax == SYS_getppid);
	CHECK(trace(PTRACE_GET_SYSCALL_INFO, pid, sizeof c, (long)&c) == 84);
	CHECK(c.op == 3 && c.seccomp.nr == SYS_getppid && c.seccomp.ret_data == 66);
	(void)go(PTRACE_CONT, pid, 0, "filter");
	CHECK(trace(PTRACE_POKEUSR, pid, 8 * ORIG_RAX, SYS_getpid) == 0);
	(void)go(PTRACE_CONT, pid, 0, "filter");
	CHECK(trace(PTRACE_POKEUSR, pid, 8 * ORIG_RAX, -1) == 0 && trace(PTRACE_POKEUSR, pid, 8 * RAX, 79) == 0);
	(void)go(PTRACE_CONT, pid, 0, "filter");
	options(pid, 0);
	CHECK(trace(PTRACE_POKEUSR, pid, 8 * ORIG_RAX, -1) == 0);
	(void)go(PTRACE_CONT, pid, 0, "end of who was filtered");
}

/* ---- ends, and tracers that are wrong */
static void dies_as_tracer(long how)
{
	pid_t pid = child(waits), tracer;

	state_await(pid, 'S');
	tracer = fork();
	if (!tracer) {
		CHECK(trace(PTRACE_SEIZE, pid, 0, how) == 0 && trace(PTRACE_INTERRUPT, pid, 0, 0) == 0);
		(void)next(pid, "tracee of another");
		_exit(0);
	}
	CHECK(wait_status(tracer) == 0);
	if (how) {
		(void)next(pid, "killed with its tracer");
	} else {
		state_await(pid, 'S');
		end(pid);
	}
}

/* The tracer is told first, then the parent. */
static void told_later(void)
{
	pid_t pid = child(waits), tracer;
	int status;

	tracer = fork();
	if (!tracer) {
		attach(pid);
		CHECK(kill(pid, SIGKILL) == 0);
		state_await(pid, 'Z');
		CHECK(write(pipes[1], "x", 1) == 1);
		while (shared[1] == 0)
			sched_yield();
		(void)next(pid, "tracee");
		CHECK(waitpid(pid, 0, __WALL) == -1 && errno == ECHILD);
		_exit(0);
	}
	CHECK(read(pipes[0], buffer, 1) == 1 && waitpid(pid, &status, WNOHANG) == 0);
	shared[1] = 1;
	CHECK(wait_status(pid) == 128 + SIGKILL && wait_status(tracer) == 0);
}

static void traces_parent(void)
{
	CHECK(trace(PTRACE_SEIZE, getppid(), 0, 0) == 0);
	_exit(6);
}

static void wrong(void)
{
	pid_t pid = child(waits);
	int status;

	CHECK(trace(PTRACE_ATTACH, getpid(), 0, 0) == -1 && errno == EPERM);
	CHECK(trace(PTRACE_ATTACH, 30000000, 0, 0) == -1 && errno == ESRCH);
	CHECK(trace(PTRACE_CONT, pid, 0, 0) == -1 && errno == ESRCH);
	CHECK(trace(PTRACE_KILL, pid, 0, 0) == -1 && errno == ESRCH);
	CHECK(kill(pid, SIGKILL) == 0);
	state_await(pid, 'Z');
	CHECK(trace(PTRACE_ATTACH, pid, 0, 0) == -1 && errno == EPERM);
	CHECK(wait_status(pid) == 128 + SIGKILL);
	CHECK(trace(PTRACE_ATTACH, pid, 0, 0) == -1 && errno == ESRCH);
	/* Twice; and killed where it stands. */
	pid = child_traced(waits);
	CHECK(trace(PTRACE_ATTACH, pid, 0, 0) == -1 && errno == EPERM);
	CHECK(kill(pid, SIGKILL) == 0 && waitpid(pid, &status, 0) == pid && WIFSIGNALED(status));
	CHECK(trace(PTRACE_CONT, pid, 0, 0) == -1 && errno == ESRCH);
	/* A tracee may trace its tracer. */
	pid = child_traced(traces_parent);
	(void)go(PTRACE_CONT, pid, 0, "tracer of its tracer");
	dies_as_tracer(0);
	dies_as_tracer(PTRACE_O_EXITKILL);
	told_later();
}

int main(int argc, char **argv)
{
	setvbuf(stdout, 0, _IONBF, 0);
	if (argc > 1 && !strcmp(argv[1], "again"))
		return 9;
	if (argc > 1) { /* process 1: Aril's lets nobody */
		CHECK(trace(PTRACE_ATTACH, 1, 0, 0) == -1 && errno == EPERM);
		CHECK(trace(PTRACE_SEIZE, 1, 0, 0) == -1 && errno == EPERM);
		return 0;
	}
	shared = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(shared != MAP_FAILED && pipe(pipes) == 0);
	family();
	of_threads();
	attached();
	seized();
	filters();
	wrong();
	printf("traced, and their kin\n");
	return 0;
}
