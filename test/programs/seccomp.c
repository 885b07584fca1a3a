/* SPDX-License-Identifier: MIT */
/* seccomp(2): what is refused, what each answer of a filter does, several filters, who inherits them, threads that
 * follow, and the strict mode. Each deed is a child's. */
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <ucontext.h>
#include "try.h"

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define GIVE(answer) BPF_STMT(BPF_RET | BPF_K, answer)
#define UNLESS(value, skip) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, skip)
/* That call gets that answer, all others are made. */
#define ONLY(call, answer) { LOAD(nr), UNLESS(call, 1), GIVE(answer), GIVE(SECCOMP_RET_ALLOW) }
#define COUNT(list) ((unsigned short)(sizeof(list) / sizeof *(list)))
#define PROGRAM(list) (&(struct sock_fprog){ COUNT(list), list })
#define FILTER(list) CHECK(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, PROGRAM(list)) == 0)

/* Its status, as a word: a core file or none is the host's business. */
static void child(const char *what, void (*deed)(void))
{
	pid_t pid;
	int st;

	fflush(stdout);
	CHECK((pid = fork()) >= 0);
	if (pid == 0) {
		CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
		deed();
		fflush(stdout);
		syscall(SYS_exit_group, 0);
	}
	CHECK(waitpid(pid, &st, 0) == pid);
	if (WIFEXITED(st))
		printf("%s: exit %d\n", what, WEXITSTATUS(st));
	else
		printf("%s: signal %d\n", what, WTERMSIG(st));
}

static void result(const char *what, long r)
{
	printf("%s: %s %d\n", what, r < 0 ? "error" : "good", r < 0 ? errno : 0);
}

static void status_lines(void)
{
	FILE *f = fopen("/proc/self/status", "r");
	char line[200];

	CHECK(f);
	while (fgets(line, sizeof line, f))
		if (!strncmp(line, "NoNewPrivs", 10) || !strncmp(line, "Seccomp", 7))
			fputs(line, stdout);
	fclose(f);
}

static void refused(void)
{
	struct sock_filter good[] = ONLY(SYS_getppid, SECCOMP_RET_ERRNO), bad[] = { LOAD(nr) }, half[] = {
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 0), GIVE(0) },
		outside[] = { BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 64), GIVE(0) },
		mod[] = { BPF_STMT(BPF_ALU | BPF_MOD | BPF_K, 2), GIVE(0) },
		unset[] = { BPF_STMT(BPF_LD | BPF_MEM, 1), GIVE(0) };
	uint32_t action = SECCOMP_RET_ERRNO, none = 0x12340000;

	TRY(seccomp, 99, 0, 0);
	TRY(seccomp, SECCOMP_SET_MODE_STRICT, 1, 0);
	TRY(seccomp, SECCOMP_SET_MODE_STRICT, 0, BAD);
	TRY(seccomp, SECCOMP_SET_MODE_FILTER, 0, BAD);
	TRY(seccomp, SECCOMP_SET_MODE_FILTER, 1 << 30, PROGRAM(good));
	TRY(seccomp, SECCOMP_SET_MODE_FILTER, 0, &(struct sock_fprog){ .len = 0, .filter = good });
	TRY(seccomp, SECCOMP_SET_MODE_FILTER, 0, &(struct sock_fprog){ .len = 4097, .filter = good });
	TRY(seccomp, SECCOMP_SET_MODE_FILTER, 0, &(struct sock_fprog){ .len = 4, .filter = (void *)BAD });
	TRY(seccomp, SECCOMP_SET_MODE_FILTER, 0, PROGRAM(bad));
	TRY(seccomp, SECCOMP_SET_MODE_FILTER, 0, PROGRAM(half));
	TRY(seccomp, SECCOMP_SET_MODE_FILTER, 0, PROGRAM(outside));
	TRY(seccomp, SECCOMP_SET_MODE_FILTER, 0, PROGRAM(mod));
	TRY(seccomp, SECCOMP_SET_MODE_FILTER, 0, PROGRAM(unset));
	TRY(seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action);
	TRY(seccomp, SECCOMP_GET_ACTION_AVAIL, 1, &action);
	TRY(seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &none);
	TRY(seccomp, SECCOMP_GET_ACTION_AVAIL, 0, BAD);
	TRY(prctl, PR_SET_SECCOMP, 0, 0, 0, 0);
	TRY(prctl, PR_SET_SECCOMP, 3, 0, 0, 0);
	TRY(prctl, PR_SET_SECCOMP, SECCOMP_MODE_FILTER, BAD, 0, 0);
	TRY(prctl, PR_SET_SECCOMP, SECCOMP_MODE_FILTER, PROGRAM(bad), 0, 0);
	TRY(prctl, PR_GET_SECCOMP, 0, 0, 0, 0);
	TRY(prctl, PR_SET_SECCOMP, SECCOMP_MODE_FILTER, PROGRAM(good), 0, 0);
	TRY(prctl, PR_GET_SECCOMP, 0, 0, 0, 0);
	TRY(prctl, PR_SET_SECCOMP, SECCOMP_MODE_STRICT, 0, 0, 0);
	TRY(seccomp, SECCOMP_SET_MODE_STRICT, 0, 0);
	status_lines();
	FILTER(good);
	status_lines();
}

static void errnos(void)
{
	struct sock_filter list[] = {
		LOAD(nr), UNLESS(SYS_getppid, 1), GIVE(SECCOMP_RET_ERRNO | EDOM), UNLESS(SYS_getpgrp, 1),
		GIVE(SECCOMP_RET_ERRNO | 0xffff), UNLESS(SYS_getuid, 1), GIVE(SECCOMP_RET_ERRNO), UNLESS(SYS_geteuid, 1),
		GIVE(SECCOMP_RET_TRACE), UNLESS(SYS_getgid, 1), GIVE(SECCOMP_RET_LOG | 9), UNLESS(700, 1),
		GIVE(SECCOMP_RET_ERRNO | ENOANO), GIVE(SECCOMP_RET_ALLOW),
	};

	FILTER(list);
	result("getppid", syscall(SYS_getppid));
	result("getpgrp", syscall(SYS_getpgrp));
	CHECK(syscall(SYS_getuid) == 0);
	result("geteuid", syscall(SYS_geteuid));
	CHECK(syscall(SYS_getgid) == getgid());
	result("no call of that number", syscall(700));
	result("another", syscall(701));
	result("minus one", syscall(-1l));
}

/* By the whole of each argument, of which a filter loads halves. */
static void arguments(void)
{
	struct sock_filter list[] = {
		LOAD(nr), UNLESS(SYS_lseek, 18),
		LOAD(arch), UNLESS(AUDIT_ARCH_X86_64, 15),
		LOAD(args[0]), UNLESS(0x7ffffff0, 14), LOAD(args[1]), UNLESS(0x55667788, 12),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[1]) + 4), UNLESS(0x11223344, 10),
		LOAD(args[2]), UNLESS(3, 8), LOAD(args[3]), UNLESS(4, 6), LOAD(args[4]), UNLESS(5, 4),
		LOAD(args[5]), UNLESS(6, 2),
		GIVE(SECCOMP_RET_ERRNO | EDOM), GIVE(SECCOMP_RET_ALLOW), GIVE(SECCOMP_RET_ALLOW),
	};

	FILTER(list);
	result("all of them", syscall(SYS_lseek, 0x7ffffff0, 0x1122334455667788, 3, 4, 5, 6));
	result("the fourth", syscall(SYS_lseek, 0x7ffffff0, 0x1122334455667788, 3, 0, 5, 6));
	result("the sixth", syscall(SYS_lseek, 0x7ffffff0, 0x1122334455667788, 3, 4, 5, 7));
	result("the second's upper half", syscall(SYS_lseek, 0x7ffffff0, 0x1022334455667788, 3, 4, 5, 6));
}

static volatile int traps;
static void on_sys(int sig, siginfo_t *info, void *context)
{
	ucontext_t *c = context;

	traps++;
	printf("signal %d code %d errno %d call %d arch %x, rax %lld, its address %s\n", sig, info->si_code, info->si_errno,
		info->si_syscall, info->si_arch, (long long)c->uc_mcontext.gregs[REG_RAX],
		(long long)(uintptr_t)info->si_call_addr == c->uc_mcontext.gregs[REG_RIP] ? "right" : "wrong");
	c->uc_mcontext.gregs[REG_RAX] = 4242;
}

static void trap(void)
{
	struct sock_filter list[] = ONLY(SYS_getppid, SECCOMP_RET_TRAP | 77);
	struct sigaction a = { .sa_sigaction = on_sys, .sa_flags = SA_SIGINFO };

	CHECK(sigaction(SIGSYS, &a, 0) == 0);
	FILTER(list);
	CHECK(syscall(SYS_getppid) == 4242 && traps == 1 && syscall(SYS_getppid) == 4242 && traps == 2);
}

static void trap_ignored(void)
{
	struct sock_filter list[] = ONLY(SYS_getppid, SECCOMP_RET_TRAP);

	signal(SIGSYS, SIG_IGN);
	FILTER(list);
	(void)syscall(SYS_getppid);
}

static void trap_blocked(void)
{
	struct sock_filter list[] = ONLY(SYS_getppid, SECCOMP_RET_TRAP);
	struct sigaction a = { .sa_sigaction = on_sys, .sa_flags = SA_SIGINFO };
	sigset_t set;

	CHECK(sigaction(SIGSYS, &a, 0) == 0 && sigemptyset(&set) == 0 && sigaddset(&set, SIGSYS) == 0);
	CHECK(sigprocmask(SIG_BLOCK, &set, 0) == 0);
	FILTER(list);
	(void)syscall(SYS_getppid);
}

/* Beside a handler, which a kill does not ask. */
static void killed(uint32_t answer)
{
	struct sock_filter list[] = ONLY(SYS_getppid, answer);
	struct sigaction a = { .sa_sigaction = on_sys, .sa_flags = SA_SIGINFO };

	CHECK(sigaction(SIGSYS, &a, 0) == 0);
	FILTER(list);
	(void)syscall(SYS_getppid);
}
static void kill_process(void) { killed(SECCOMP_RET_KILL_PROCESS); }
static void kill_thread(void) { killed(SECCOMP_RET_KILL_THREAD); }
static void kill_unknown(void) { killed(0x12340000); }

static void division(void)
{
	struct sock_filter list[] = {
		LOAD(nr), UNLESS(SYS_getppid, 3), BPF_STMT(BPF_LDX | BPF_W | BPF_IMM, 0),
		BPF_STMT(BPF_ALU | BPF_DIV | BPF_X, 0),
		GIVE(SECCOMP_RET_ALLOW), GIVE(SECCOMP_RET_ALLOW),
	};

	FILTER(list);
	(void)syscall(SYS_getppid);
}

static void *one_call(void *number)
{
	(void)syscall((long)number);
	return (void *)1;
}

static int thread_result(long number)
{
	pthread_t t;
	void *r = 0;

	CHECK(pthread_create(&t, 0, one_call, (void *)number) == 0 && pthread_join(t, &r) == 0);
	return r != 0;
}

static void kill_one_of_two(void)
{
	struct sock_filter list[] = ONLY(SYS_getppid, SECCOMP_RET_KILL_THREAD);
	pthread_t t;

	FILTER(list);
	CHECK(pthread_create(&t, 0, one_call, (void *)SYS_getppid) == 0);
	while (syscall(SYS_kill, getpid(), 0) == 0 && syscall(SYS_tgkill, getpid(), getpid() + 1, 0) == 0)
		(void)sched_yield();
	printf("the other goes on\n");
	fflush(stdout);
	syscall(SYS_exit_group, 3);
}

static void kill_both(void)
{
	struct sock_filter list[] = ONLY(SYS_getppid, SECCOMP_RET_KILL_PROCESS);

	FILTER(list);
	(void)thread_result(SYS_getppid);
	_exit(1);
}

static void strictest(void)
{
	struct sock_filter first[] = ONLY(SYS_getppid, SECCOMP_RET_ERRNO | 1),
		second[] = ONLY(SYS_getppid, SECCOMP_RET_LOG),
		third[] = ONLY(SYS_getppid, SECCOMP_RET_ERRNO | 2), fourth[] = ONLY(SYS_getppid, SECCOMP_RET_TRACE),
		last[] = ONLY(SYS_getppid, SECCOMP_RET_KILL_PROCESS);

	FILTER(first);
	FILTER(second);
	result("the stricter, which came first", syscall(SYS_getppid));
	FILTER(third);
	result("of two alike the newer", syscall(SYS_getppid));
	FILTER(fourth);
	result("and still", syscall(SYS_getppid));
	FILTER(last);
	status_lines();
	fflush(stdout);
	(void)syscall(SYS_getppid);
}

static char *self;
static void inherited(void)
{
	struct sock_filter list[] = ONLY(SYS_getppid, SECCOMP_RET_ERRNO | ERANGE);
	pid_t pid;

	FILTER(list);
	fflush(stdout);
	for (int way = 0; way < 3; way++) {
		pid = way < 2 ? fork() : vfork();
		CHECK(pid >= 0);
		if (pid == 0 && way == 0)
			_exit(syscall(SYS_getppid) == -1 && errno == ERANGE ? 7 : 1);
		if (pid == 0) {
			execl(self, self, "inherits", (char *)0);
			_exit(1);
		}
		CHECK(wait_status(pid) == 7);
	}
	result("its own still", syscall(SYS_getppid));
}

/* A filter of a child of vfork's is its own, though it lives in its parent's memory. */
static void vforked(void)
{
	struct sock_filter list[] = ONLY(SYS_getppid, SECCOMP_RET_ERRNO | ERANGE);
	struct sock_fprog program = { COUNT(list), list };
	pid_t pid = vfork();

	if (pid == 0) {
		if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program))
			_exit(1);
		_exit(syscall(SYS_getppid) == -1 && errno == ERANGE ? 7 : 1);
	}
	CHECK(wait_status(pid) == 7 && syscall(SYS_getppid) == getppid() && prctl(PR_GET_SECCOMP, 0, 0, 0, 0) == 0);
}

static volatile int stage;
static volatile long refused_one;
static void *other(void *apart)
{
	struct sock_filter list[] = ONLY(SYS_getpgrp, SECCOMP_RET_ERRNO | EXDEV);

	if (apart)
		FILTER(list);
	stage = 1;
	while (stage == 1)
		(void)sched_yield();
	refused_one = syscall(SYS_getppid) == -1 && errno == ERANGE;
	stage = 3;
	while (stage == 3)
		(void)sched_yield();
	return 0;
}

static void together(int apart, unsigned flags)
{
	struct sock_filter list[] = ONLY(SYS_getppid, SECCOMP_RET_ERRNO | ERANGE);
	pthread_t t;
	long r;

	stage = 0;
	CHECK(pthread_create(&t, 0, other, (void *)(long)apart) == 0);
	while (stage != 1)
		(void)sched_yield();
	if (apart)
		TRY(seccomp, SECCOMP_SET_MODE_FILTER, flags | SECCOMP_FILTER_FLAG_TSYNC_ESRCH, PROGRAM(list));
	r = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, PROGRAM(list));
	printf("flags %x: %s, mode %d", flags, r ? "a thread" : "good", prctl(PR_GET_SECCOMP, 0, 0, 0, 0));
	stage = 2;
	while (stage != 3)
		(void)sched_yield();
	printf(", the other %s\n", refused_one ? "follows" : "does not");
	stage = 4;
	CHECK(pthread_join(t, 0) == 0);
}
static void together_not(void) { together(0, 0); }
static void together_yes(void)
{
	struct sock_filter before[] = ONLY(SYS_getpgrp, SECCOMP_RET_ERRNO | EXDEV);

	FILTER(before);
	together(0, SECCOMP_FILTER_FLAG_TSYNC);
}
static void together_apart(void)
{
	together(1, SECCOMP_FILTER_FLAG_TSYNC);
}

/* int 0x80 has an architecture of its own, where there is one: else the program ends by SIGSEGV, here and there. */
static long int80(long number)
{
	long r;

	__asm__ volatile("int $0x80" : "=a"(r) : "a"(number) : "memory", "r8", "r9", "r10", "r11");
	return r;
}
static void plain80(void) { (void)int80(20); }
static void other_architecture(void)
{
	struct sock_filter list[] = { LOAD(arch), UNLESS(AUDIT_ARCH_I386, 1), GIVE(SECCOMP_RET_ERRNO | 99),
		GIVE(SECCOMP_RET_ALLOW) };
	pid_t pid = fork();
	int st;

	if (pid == 0) {
		plain80();
		_exit(0);
	}
	CHECK(waitpid(pid, &st, 0) == pid);
	FILTER(list);
	CHECK(!WIFEXITED(st) || int80(20) == -99);
	CHECK(syscall(SYS_getpid) == getpid());
}

static void strict_begin(void) { CHECK(prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT, 0, 0, 0) == 0); }
static void strict_good(void)
{
	int p[2];
	char byte;

	CHECK(pipe(p) == 0);
	fflush(stdout);
	strict_begin();
	if (write(p[1], "x", 1) != 1 || read(p[0], &byte, 1) != 1)
		syscall(SYS_exit, 1);
	syscall(SYS_exit, 5);
}
static void strict_bad(void) { strict_begin(); (void)syscall(SYS_getpid); }
static void strict_group(void) { strict_begin(); (void)syscall(SYS_exit_group, 0); }

static void most(void)
{
	static struct sock_filter many[4096];

	for (int i = 0; i < 4096; i++)
		many[i] = (struct sock_filter)GIVE(SECCOMP_RET_ALLOW);
	while (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, PROGRAM(many)) == 0)
		;
	printf("many times 4096 instructions: error %d\n", errno);
}

/* ---- a listener: a thread with the filter asks, the other one, which has none, answers */
static volatile int listens, is_ready, asker, replies, seen, parent;
static volatile long reply, reply_error;
static int steps[2];

static long asked(int number) { return syscall(number, 1, 2, 3, 4, 5, 6); }

static void *asks(void *flags)
{
	struct sock_filter list[] = { LOAD(nr), UNLESS(SYS_getppid, 1), GIVE(SECCOMP_RET_USER_NOTIF), UNLESS(SYS_dup, 1),
		GIVE(SECCOMP_RET_USER_NOTIF | 9), GIVE(SECCOMP_RET_ALLOW) };
	struct sock_filter plain[] = ONLY(SYS_getpgrp, SECCOMP_RET_ERRNO | EXDEV);
	char step;

	asker = (int)syscall(SYS_gettid);
	listens = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER | (long)flags,
		PROGRAM(list));
	CHECK(listens >= 0 && fcntl(listens, F_GETFD) == FD_CLOEXEC);
	TRY(seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, PROGRAM(plain));
	FILTER(plain);
	is_ready = 1;
	while (read(steps[0], &step, 1) == 1 && step != 'e') {
		errno = 0;
		reply = asked(step == 'd' ? SYS_dup : SYS_getppid);
		reply_error = errno;
		replies++;
	}
	return NULL;
}

static void until_ready(void)
{
	while (!is_ready)
		(void)sched_yield();
}

/* The asker has what its call gave. */
static void replied(void)
{
	while (replies == seen)
		(void)sched_yield();
	seen = replies;
	printf("the call gives %ld, error %ld\n", reply == parent ? -2 : reply, reply_error);
}

static void told(struct seccomp_notif *n)
{
	memset(n, 0, sizeof *n);
	CHECK(ioctl(listens, SECCOMP_IOCTL_NOTIF_RECV, n) == 0);
	printf("told: call %d by the asker %d, flags %x, arguments %lld %lld, architecture %x\n", n->data.nr,
		(int)n->pid == asker, n->flags, (long long)n->data.args[0], (long long)n->data.args[5], n->data.arch);
}

static void answer(uint64_t id, int64_t value, int32_t error, uint32_t flags)
{
	struct seccomp_notif_resp a = { id, value, error, flags };
	long r = ioctl(listens, SECCOMP_IOCTL_NOTIF_SEND, &a);

	printf("answer %lld %d %x: %d\n", (long long)value, error, flags, r ? errno : 0);
}

static void events(const char *what)
{
	struct pollfd p = { .fd = listens, .events = POLLIN | POLLOUT };

	CHECK(poll(&p, 1, 0) >= 0);
	printf("%s: events %x\n", what, p.revents);
}

static void give_fd(uint64_t id, uint32_t flags, uint32_t from, uint32_t to, uint32_t to_flags)
{
	struct seccomp_notif_addfd a = { id, flags, from, to, to_flags };
	long r = ioctl(listens, SECCOMP_IOCTL_NOTIF_ADDFD, &a);

	printf("a descriptor by flags %x: %s %d\n", flags, r < 0 ? "error" : "good", r < 0 ? errno : (int)r >= 3);
}

static void until_asked(void)
{
	struct pollfd p = { .fd = listens, .events = POLLIN };

	CHECK(write(steps[1], "a", 1) == 1 && poll(&p, 1, -1) == 1);
}

static void nobody(int sig) { (void)sig; }

static void answers(pthread_t t)
{
	struct seccomp_notif n, other = { .pid = 1 };
	uint64_t id;

	events("at first");
	until_asked();
	events("somebody asks");
	result("not empty", ioctl(listens, SECCOMP_IOCTL_NOTIF_RECV, &other));
	result("no address", ioctl(listens, SECCOMP_IOCTL_NOTIF_RECV, BAD));
	told(&n);
	events("told");
	id = n.id + 1;
	result("valid", ioctl(listens, SECCOMP_IOCTL_NOTIF_ID_VALID, &n.id));
	result("not valid", ioctl(listens, SECCOMP_IOCTL_NOTIF_ID_VALID, &id));
	answer(id, 0, 0, 0);
	answer(n.id, 0, 0, 2);
	answer(n.id, 1, 0, SECCOMP_USER_NOTIF_FLAG_CONTINUE);
	answer(n.id, 77, 0, 0);
	replied();
	answer(n.id, 77, 0, 0);
	until_asked();
	answer(n.id + 1, 1, 0, 0);
	told(&n);
	answer(n.id, 5, -EDOM, 0);
	replied();
	until_asked();
	told(&n);
	answer(n.id, 0, 0, SECCOMP_USER_NOTIF_FLAG_CONTINUE);
	replied();
	CHECK(write(steps[1], "d", 1) == 1);
	told(&n);
	give_fd(n.id, 4, 0, 0, 0);
	give_fd(n.id, 0, 0, 90, 0);
	give_fd(n.id, 0, 0, 0, 1);
	give_fd(n.id, 0, 500, 0, 0);
	give_fd(id + 90, 0, 0, 0, 0);
	give_fd(n.id, SECCOMP_ADDFD_FLAG_SETFD, 0, 95, O_CLOEXEC);
	printf("there: %d\n", fcntl(95, F_GETFD));
	give_fd(n.id, SECCOMP_ADDFD_FLAG_SEND, 0, 0, O_CLOEXEC);
	while (replies == seen)
		(void)sched_yield();
	seen = replies;
	printf("the call gives a descriptor: %d\n", fcntl((int)reply, F_GETFD));
	until_asked();
	CHECK(pthread_kill(t, SIGUSR1) == 0); /* before it is told of: a handler without SA_RESTART */
	replied();
	events("after a signal");
	result("another request", ioctl(listens, 0x1234, 0));
}

static void listen_by(long flags)
{
	struct sigaction a = { .sa_handler = nobody };
	pthread_t t;

	CHECK(sigaction(SIGUSR1, &a, NULL) == 0 && pipe(steps) == 0);
	CHECK(pthread_create(&t, NULL, asks, (void *)flags) == 0);
	until_ready();
	answers(t);
	CHECK(write(steps[1], "e", 1) == 1 && pthread_join(t, NULL) == 0);
	events("nobody is left");
	close(listens);
}
static void listener(void) { listen_by(0); }

/* A signal does not end the wait for an answer that is being made. */
static void listener_firm(void)
{
	struct sigaction a = { .sa_handler = nobody };
	struct seccomp_notif n;
	pthread_t t;

	CHECK(sigaction(SIGUSR1, &a, NULL) == 0 && pipe(steps) == 0);
	CHECK(pthread_create(&t, NULL, asks, (void *)SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV) == 0);
	until_ready();
	until_asked();
	told(&n);
	CHECK(pthread_kill(t, SIGUSR1) == 0);
	(void)sched_yield();
	answer(n.id, 78, 0, 0);
	replied();
	CHECK(write(steps[1], "e", 1) == 1 && pthread_join(t, NULL) == 0);
}

/* Who waits finds that nobody listens any more, and so does who asks later. */
static void listener_closed(void)
{
	struct seccomp_notif n;
	pthread_t t;

	CHECK(pipe(steps) == 0 && pthread_create(&t, NULL, asks, NULL) == 0);
	until_ready();
	until_asked();
	told(&n);
	close(listens);
	replied();
	CHECK(write(steps[1], "a", 1) == 1);
	replied();
	CHECK(write(steps[1], "e", 1) == 1 && pthread_join(t, NULL) == 0);
}

static void listener_killed(void)
{
	struct seccomp_notif n;
	pthread_t t;

	CHECK(pipe(steps) == 0 && pthread_create(&t, NULL, asks, NULL) == 0);
	until_ready();
	until_asked();
	told(&n);
	fflush(stdout);
	_exit(6);
}

static void listener_refused(void)
{
	struct sock_filter list[] = ONLY(SYS_getppid, SECCOMP_RET_USER_NOTIF);
	uint32_t action = SECCOMP_RET_USER_NOTIF;
	uint16_t sizes[3];

	TRY(seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action);
	TRY(seccomp, SECCOMP_GET_NOTIF_SIZES, 0, BAD);
	TRY(seccomp, SECCOMP_GET_NOTIF_SIZES, 1, sizes);
	TRY(seccomp, SECCOMP_GET_NOTIF_SIZES, 0, sizes);
	printf("sizes %d %d %d\n", sizes[0], sizes[1], sizes[2]);
	TRY(seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, PROGRAM(list));
	TRY(seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_TSYNC, PROGRAM(list));
	TRY(seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, BAD);
	FILTER(list);
	result("nobody listens", syscall(SYS_getppid));
}

int main(int argc, char **argv)
{
	if (argc == 2) /* as a child of `inherited` */
		return syscall(SYS_getppid) == -1 && errno == ERANGE && prctl(PR_GET_SECCOMP, 0, 0, 0, 0) == 2 ? 7 : 1;
	self = argv[0];
	parent = getpid();
	setvbuf(stdout, NULL, _IOFBF, 1 << 16);
	status_lines();
	child("refused", refused);
	child("errnos", errnos);
	child("arguments", arguments);
	child("trap", trap);
	child("trap, ignored", trap_ignored);
	child("trap, blocked", trap_blocked);
	child("kill the process", kill_process);
	child("kill the thread", kill_thread);
	child("an unknown answer", kill_unknown);
	child("division by zero", division);
	child("kill one of two", kill_one_of_two);
	child("kill both", kill_both);
	child("strictest", strictest);
	child("inherited", inherited);
	child("vforked", vforked);
	child("not together", together_not);
	child("together", together_yes);
	child("apart", together_apart);
	child("the other architecture", other_architecture);
	child("strict, good", strict_good);
	child("strict, bad", strict_bad);
	child("strict, exit_group", strict_group);
	child("most", most);
	child("listener, refused", listener_refused);
	child("listener", listener);
	child("listener, firm", listener_firm);
	child("listener, closed", listener_closed);
	child("listener, killed", listener_killed);
	return 0;
}
