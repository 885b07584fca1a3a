/* SPDX-License-Identifier: MIT */
/* Children and those who wait for them: whose end wakes a wait, which children a wait is for, orphans, processes held by descriptors. */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include "try.h"

#ifndef P_PIDFD
#define P_PIDFD 3
#endif
#ifndef SYS_pidfd_send_signal
#define SYS_pidfd_send_signal 424
#endif
#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif
#ifndef SYS_pidfd_getfd
#define SYS_pidfd_getfd 438
#endif
#ifndef SYS_clone3
#define SYS_clone3 435
#endif
#ifndef CLONE_PIDFD
#define CLONE_PIDFD 0x1000
#endif
/* Not in every C library. */
#define MADV_WIPES  18
#define MADV_KEEPS  19
#define MADV_READS  22
#define MADV_WRITES 23

static volatile int handled;
static void on_signal(int sig) { (void)sig; handled++; }

static pid_t child_after(int us, int status)
{
	pid_t pid = fork();

	if (pid == 0) {
		usleep((unsigned)us);
		_exit(status);
	}
	CHECK(pid > 0);
	return pid;
}

/* Its handler runs, but the call has the child: what came with the signal is seen before the signal is told. */
static void wakes(void)
{
	struct sigaction a = { .sa_handler = on_signal };
	int interrupted = 0, st;
	pid_t pid;

	CHECK(sigaction(SIGCHLD, &a, 0) == 0 && sigaction(SIGUSR2, &a, 0) == 0);
	for (int i = 0; i < 20; i++) {
		child_after(i % 4 * 500, 3);
		while (wait(&st) < 0)
			interrupted++;
	}
	printf("wait, SIGCHLD handled: interrupted %d times\n", interrupted);
	pid = (pid_t)syscall(SYS_clone, SIGUSR2, 0, 0, 0, 0);
	if (pid == 0) {
		usleep(5000);
		_exit(4);
	}
	printf("without __WALL or __WCLONE: %d\n", waitpid(pid, &st, 0) < 0 ? errno : 0);
	CHECK(waitpid(pid, &st, __WALL) == pid);
	printf("child that ends with SIGUSR2: %d\n", WEXITSTATUS(st));
	pid = (pid_t)syscall(SYS_clone, 0, 0, 0, 0, 0);
	if (pid == 0)
		_exit(5);
	CHECK(waitpid(pid, &st, __WCLONE) == pid);
	printf("child that ends with no signal: %d\n", WEXITSTATUS(st));
	child_after(0, 6);
	printf("__WCLONE for a usual child: %d\n", waitpid(-1, &st, __WCLONE) < 0 ? errno : 0);
	CHECK(wait(&st) > 0);
}

static void *waiter(void *flags)
{
	int st;

	errno = 0;
	return (void *)(long)(waitpid(-1, &st, (int)(long)flags) < 0 ? errno : 0);
}

/* __WNOTHREAD: another thread's children are not the caller's. */
static void by_thread(void)
{
	pthread_t t;
	void *got;
	int st;

	child_after(0, 0);
	CHECK(pthread_create(&t, 0, waiter, (void *)(long)__WNOTHREAD) == 0 && pthread_join(t, &got) == 0);
	printf("another thread, __WNOTHREAD: %ld\n", (long)got);
	CHECK(pthread_create(&t, 0, waiter, 0) == 0 && pthread_join(t, &got) == 0);
	printf("another thread: %ld\n", (long)got);
	printf("then nobody is left: %d\n", wait(&st) < 0 ? errno : 0);
}

static void nobody_waits(void)
{
	for (int flags = SA_NOCLDWAIT; flags >= 0; flags = flags == SA_NOCLDWAIT ? SA_NOCLDWAIT | SA_RESTART : -1) {
		struct sigaction a = { .sa_handler = on_signal, .sa_flags = flags };
		int st;

		CHECK(sigaction(SIGCHLD, &a, 0) == 0);
		child_after(5000, 0);
		CHECK(wait(&st) < 0);
		printf("SA_NOCLDWAIT: error %d\n", errno);
	}
	signal(SIGCHLD, SIG_DFL);
}

static void orphans(void)
{
	int kept = -1, st, up[2];
	pid_t pid, seen = 0;

	CHECK(prctl(PR_SET_CHILD_SUBREAPER, 1) == 0 && prctl(PR_GET_CHILD_SUBREAPER, &kept) == 0 && pipe(up) == 0);
	pid = fork();
	if (pid == 0) {
		/* Not inherited, and no answer for the middle one. */
		const pid_t pid_of_middle = getpid();
		int own = -1;

		CHECK(prctl(PR_GET_CHILD_SUBREAPER, &own) == 0);
		if (fork() == 0) {
			while (getppid() == pid_of_middle)
				usleep(1000);
			seen = getppid();
			CHECK(write(up[1], &seen, sizeof seen) == sizeof seen);
			_exit(7);
		}
		_exit(own);
	}
	CHECK(waitpid(pid, &st, 0) == pid);
	printf("a subreaper: %d, its child: %d\n", kept, WEXITSTATUS(st));
	CHECK(read(up[0], &seen, sizeof seen) == sizeof seen);
	CHECK(wait(&st) > 0);
	printf("orphan's parent is the subreaper: %d, status %d\n", seen == getpid(), WEXITSTATUS(st));
	CHECK(prctl(PR_SET_CHILD_SUBREAPER, 0) == 0);
	close(up[0]);
	close(up[1]);
}

static void held(void)
{
	int pair[2], fd, other, st;
	pid_t pid = child_after(50000, 7);
	struct pollfd p = { .events = POLLIN };
	struct rlimit files;
	siginfo_t info;
	char c;

	fd = (int)syscall(SYS_pidfd_open, pid, 0);
	CHECK(fd >= 0);
	printf("closed at exec: %d\n", fcntl(fd, F_GETFD));
	p.fd = fd;
	printf("poll while it lives: %d\n", poll(&p, 1, 0));
	CHECK(waitid(P_PIDFD, (id_t)fd, &info, WEXITED | WNOHANG) == 0);
	CHECK(poll(&p, 1, 5000) == 1);
	printf("poll after its end: %x\n", p.revents);
	memset(&info, 0, sizeof info);
	CHECK(waitid(P_PIDFD, (id_t)fd, &info, WEXITED) == 0 && info.si_pid == pid);
	printf("its status: %d\n", info.si_status);
	TRY(pidfd_send_signal, fd, 0, 0, 0);
	TRY(pidfd_getfd, fd, 0, 0);
	printf("waiting again: %d\n", waitid(P_PIDFD, (id_t)fd, &info, WEXITED) < 0 ? errno : 0);
	close(fd);
	TRY(pidfd_open, pid, 0);
	TRY(pidfd_open, getpid(), 1);
	TRY(pidfd_open, 0, 0);
	TRY(pidfd_send_signal, 1, 0, 0, 0);
	TRY(pidfd_send_signal, NOFD, 0, 0, 0);

	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
	pid = fork();
	if (pid == 0) {
		close(pair[0]);
		for (;;)
			pause();
	}
	fd = (int)syscall(SYS_pidfd_open, pid, O_NONBLOCK);
	CHECK(fd >= 0);
	TRY(pidfd_send_signal, fd, 0, 0, 0x100);
	TRY(pidfd_send_signal, fd, 65, 0, 0);
	TRY(pidfd_send_signal, fd, SIGTERM, BAD, 0);
	TRY(pidfd_send_signal, fd, SIGTERM, &info, 0);
	TRY(pidfd_getfd, fd, 0, 1);
	TRY(pidfd_getfd, NOFD, 0, 0);
	CHECK(getrlimit(RLIMIT_NOFILE, &files) == 0 && setrlimit(RLIMIT_NOFILE, &(struct rlimit){ 0, files.rlim_max }) == 0);
	TRY(pidfd_open, pid, 0);
	TRY(pidfd_getfd, fd, 0, 0);
	CHECK(setrlimit(RLIMIT_NOFILE, &files) == 0);
	printf("would wait: %d\n", waitid(P_PIDFD, (id_t)fd, &info, WEXITED) < 0 ? errno : 0);
	close(pair[1]);
	other = (int)syscall(SYS_pidfd_getfd, fd, pair[1], 0);
	if (other < 0) {
		printf("getfd: %d\n", errno);
	} else {
		CHECK(write(other, "x", 1) == 1 && read(pair[0], &c, 1) == 1);
		printf("getfd: 0\n");
		close(other);
	}
	CHECK(syscall(SYS_pidfd_send_signal, fd, SIGTERM, 0, 0) == 0 && waitpid(pid, &st, 0) == pid);
	printf("ended by signal %d\n", WTERMSIG(st));
	close(fd);
	close(pair[0]);
}

static void made_with(void)
{
	struct { uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls; } args = { .flags = CLONE_PIDFD, .exit_signal = SIGCHLD };
	int fd = -1, st;
	siginfo_t info;
	pid_t pid;

	args.pidfd = (uint64_t)&fd;
	pid = (pid_t)syscall(SYS_clone3, &args, sizeof args);
	if (pid == 0)
		_exit(fd == -1 ? 9 : 10);
	CHECK(pid > 0 && fd >= 0 && waitid(P_PIDFD, (id_t)fd, &info, WEXITED) == 0);
	printf("CLONE_PIDFD: status %d\n", info.si_status);
	close(fd);
	pid = (pid_t)syscall(SYS_clone, CLONE_PIDFD | CLONE_PARENT_SETTID | SIGCHLD, 0, &fd, 0, 0);
	printf("beside CLONE_PARENT_SETTID: %d\n", pid < 0 ? errno : 0);
	if (pid == 0)
		_exit(0);
	while (wait(&st) > 0)
		;
}

/* A number of a thread that leads nothing names its process for kill and its kin, and nothing for pidfd_open. */
static volatile int tid;
static void *idler(void *none)
{
	for (tid = (int)syscall(SYS_gettid); tid;)
		usleep(1000);
	return none;
}

static void by_thread_number(void)
{
	struct sigaction a = { .sa_handler = on_signal };
	siginfo_t info = { .si_code = SI_QUEUE };
	pthread_t t;

	CHECK(sigaction(SIGUSR1, &a, 0) == 0 && pthread_create(&t, 0, idler, 0) == 0);
	while (!tid)
		usleep(1000);
	handled = 0;
	printf("kill: %d", kill(tid, SIGUSR1) < 0 ? errno : 0);
	printf(", sigqueue: %d", syscall(SYS_rt_sigqueueinfo, tid, SIGUSR2, &info) < 0 ? errno : 0);
	printf(", pidfd_open fails: %d", syscall(SYS_pidfd_open, tid, 0) < 0);
	while (handled < 2)
		usleep(1000);
	printf("; handled %d\n", handled);
	tid = 0;
	CHECK(pthread_join(t, 0) == 0);
}

/* What a fork child finds where its maker gave advice, and what becomes of it there. */
static void advised(void)
{
	enum { WIPED, ABSENT, USUAL, TAKEN_BACK, PAGES };
	char *p = mmap(0, PAGES * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), vector[PAGES] = { 0 };
	char *shared = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pid;

	CHECK(p != MAP_FAILED && shared != MAP_FAILED);
	memset(p, 'k', PAGES * 4096);
	CHECK(madvise(p, 4096, MADV_WIPES) == 0 && madvise(p + 4096, 4096, MADV_DONTFORK) == 0);
	CHECK(madvise(p + TAKEN_BACK * 4096, 4096, MADV_WIPES) == 0 && madvise(p + TAKEN_BACK * 4096, 4096, MADV_KEEPS) == 0);
	printf("wipe shared: %d\n", madvise(shared, 4096, MADV_WIPES) < 0 ? errno : 0);
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		printf("child: %d %d %d, there: %d", p[0], p[USUAL * 4096], p[TAKEN_BACK * 4096], mincore(p + 4096, 4096, (unsigned char *)vector) < 0 ? errno : 0);
		p[1] = 'c';
		fflush(stdout);
		if (fork() == 0) {
			printf(", grandchild: %d %d\n", p[0], p[1]);
			fflush(stdout);
			_exit(0);
		}
		wait(0);
		_exit(0);
	}
	CHECK(wait_status(pid) == 0);
	printf("maker: %d %d\n", p[0], p[4096]);
	CHECK(munmap(p, PAGES * 4096) == 0 && munmap(shared, 4096) == 0);
}

/* Advice, locks and MAP_POPULATE that make pages be there, or drop them, or are refused. */
static void resident(void)
{
	const int both = PROT_READ | PROT_WRITE, private = MAP_PRIVATE | MAP_ANONYMOUS;
	unsigned char there[4] = { 0 };
	char *p = mmap(0, 4 * 4096, both, private | MAP_POPULATE, -1, 0);

	CHECK(p != MAP_FAILED && mincore(p, 4 * 4096, there) == 0);
	printf("MAP_POPULATE: %d %d\n", there[0] & 1, there[3] & 1);
	CHECK(munmap(p, 4 * 4096) == 0 && (p = mmap(0, 4 * 4096, both, private, -1, 0)) != MAP_FAILED);
	CHECK(madvise(p, 4096, MADV_WRITES) == 0 && mlock(p + 4096, 4096) == 0 && mincore(p, 4 * 4096, there) == 0);
	printf("MADV_POPULATE_WRITE %d, mlock %d, nothing %d\n", there[0] & 1, there[1] & 1, there[2] & 1);
	p[0] = p[4096] = 'x';
	printf("MADV_DONTNEED of locked pages: %d\n", madvise(p + 4096, 4096, MADV_DONTNEED) < 0 ? errno : 0);
	CHECK(munlock(p + 4096, 4096) == 0 && madvise(p, 2 * 4096, MADV_DONTNEED) == 0);
	printf("dropped: %d %d\n", p[0], p[4096]);
	CHECK(mprotect(p + 2 * 4096, 4096, PROT_NONE) == 0);
	printf("MADV_POPULATE_READ of what is not to be read: %d\n", madvise(p + 2 * 4096, 4096, MADV_READS) < 0 ? errno : 0);
	printf("unknown: %d, of nothing: %d\n", madvise(p, 4096, 77) < 0 ? errno : 0, madvise(p, 0, 77) < 0 ? errno : 0);
	CHECK(munmap(p, 4 * 4096) == 0);
}

int main(void)
{
	setvbuf(stdout, 0, _IOLBF, 0);
	wakes();
	by_thread();
	nobody_waits();
	orphans();
	held();
	made_with();
	by_thread_number();
	advised();
	resident();
	return 0;
}
