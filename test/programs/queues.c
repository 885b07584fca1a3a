/* SPDX-License-Identifier: MIT */
/* POSIX message queues: order by priority, limits, waiting, being told, and the wrong uses of each call. */
#include <fcntl.h>
#include <mqueue.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <time.h>
#include "try.h"

static char name[40], text[9000];
static volatile int came, code, value, from_pid;

static void on_message(int sig, siginfo_t *info, void *context)
{
	(void)context;
	came = sig;
	code = info->si_code;
	value = info->si_value.sival_int;
	from_pid = info->si_pid;
}

static long received(long q)
{
	unsigned priority = 77;
	long n = syscall(SYS_mq_timedreceive, q, text, sizeof text, &priority, 0);

	if (n >= 0)
		printf("%ld bytes %.*s, priority %u\n", n, (int)n, text, priority);
	return n < 0 ? n : 0;
}
#define RECEIVE(q) tried("receive(" #q ")", received(q))

static void attributes(long q)
{
	struct mq_attr attr;

	CHECK(syscall(SYS_mq_getsetattr, q, 0, &attr) == 0);
	printf("flags %lo, at most %ld of %ld, now %ld\n", attr.mq_flags, attr.mq_maxmsg, attr.mq_msgsize, attr.mq_curmsgs);
}

static struct timespec in(long ns)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	t.tv_nsec += ns;
	t.tv_sec += t.tv_nsec / 1000000000;
	t.tv_nsec %= 1000000000;
	return t;
}

static void order(void)
{
	struct mq_attr attr = { .mq_maxmsg = 5, .mq_msgsize = 20 }, off = { 0 }, wrong = { .mq_flags = 1 };
	long q = syscall(SYS_mq_open, name, O_CREAT | O_EXCL | O_RDWR | O_NONBLOCK, 0600, &attr), other;
	struct pollfd p = { .fd = (int)q, .events = POLLIN | POLLOUT };

	CHECK(q >= 0 && fcntl((int)q, F_GETFD) == FD_CLOEXEC);
	attributes(q);
	printf("ready %d %x\n", poll(&p, 1, 0), p.revents);
	TRY(mq_timedreceive, q, text, sizeof text, 0, 0);
	TRY(mq_timedsend, q, "low", 3, 1, 0);
	TRY(mq_timedsend, q, "high", 4, 9, 0);
	TRY(mq_timedsend, q, "", 0, 1, 0);
	TRY(mq_timedsend, q, "high too", 8, 9, 0);
	attributes(q);
	printf("ready %d %x\n", poll(&p, 1, 0), p.revents);
	TRY(mq_timedsend, q, "highest", 7, 32767, 0);
	TRY(mq_timedsend, q, "no room", 7, 1, 0);
	printf("ready %d %x\n", poll(&p, 1, 0), p.revents);
	memset(text, 0, 100);
	CHECK(pread((int)q, text, 90, 0) > 0);
	printf("%s", text);
	for (int i = 0; i < 6; i++)
		RECEIVE(q);
	other = syscall(SYS_mq_open, name, O_RDONLY, 0, 0);
	CHECK(other >= 0);
	attributes(other);
	TRY(mq_timedsend, other, "x", 1, 1, 0);
	TRY(mq_getsetattr, q, &off, 0);
	attributes(q);
	TRY(mq_getsetattr, q, &wrong, 0);
	TRY(mq_getsetattr, q, BAD, 0);
	TRY(mq_getsetattr, q, 0, BAD);
	TRY(mq_getsetattr, 1, 0, &off);
	TRY(mq_getsetattr, NOFD, 0, &off);
	CHECK(close((int)other) == 0 && (other = syscall(SYS_mq_open, name, O_WRONLY, 0, 0)) >= 0);
	RECEIVE(other);
	TRY(mq_timedsend, other, "one more", 8, 0, 0);
	TRY(mq_unlink, name);
	TRY(mq_open, name, O_RDWR, 0, 0);
	RECEIVE(q); /* who has it has it */
	close((int)q);
	close((int)other);
}

static void wrong(void)
{
	struct mq_attr attr = { .mq_maxmsg = 2, .mq_msgsize = 10 }, none = { 0 },
		large = { .mq_maxmsg = 65537, .mq_msgsize = 1 };
	struct timespec past = in(0), bad = { 0, 1000000000 }, negative = { -1, 0 };
	struct rlimit limit;
	long q = syscall(SYS_mq_open, name, O_CREAT | O_RDWR, 0600, &attr), second, other;

	CHECK(q >= 0);
	past.tv_sec--;
	TRY(mq_open, BAD, O_RDWR, 0, 0);
	TRY(mq_open, "", O_RDWR, 0, 0);
	TRY(mq_open, "a/b", O_RDWR, 0, 0);
	TRY(mq_open, ".", O_RDWR, 0, 0);
	TRY(mq_open, name256, O_RDWR, 0, 0);
	TRY(mq_open, longest, O_RDWR, 0, 0);
	TRY(mq_open, "aril-nothing", O_RDWR, 0, 0);
	TRY(mq_open, name, O_CREAT | O_EXCL | O_RDWR, 0600, 0);
	TRY(mq_open, name, O_RDWR | O_WRONLY, 0, 0);
	TRY(mq_open, "aril-wrong", O_CREAT | O_RDWR, 0600, BAD);
	TRY(mq_open, "aril-wrong", O_CREAT | O_RDWR, 0600, &none);
	TRY(mq_open, "aril-wrong", O_CREAT | O_RDWR, 0600, &large);
	TRY(mq_unlink, "aril-wrong");
	TRY(mq_unlink, BAD);
	TRY(mq_unlink, "");
	TRY(mq_unlink, name256);
	TRY(mq_unlink, longest);
	TRY(mq_timedsend, NOFD, "x", 1, 0, 0);
	TRY(mq_timedsend, 1, "x", 1, 0, 0);
	TRY(mq_timedsend, q, "x", 1, 32768, 0);
	TRY(mq_timedsend, q, "eleven bytes", 11, 0, 0);
	TRY(mq_timedsend, q, BAD, 5, 0, 0);
	TRY(mq_timedsend, q, "x", 1, 0, BAD);
	TRY(mq_timedsend, q, "x", 1, 0, &bad);
	TRY(mq_timedsend, q, "x", 1, 0, &negative);
	TRY(mq_timedsend, q, "x", 1, 0, &past); /* there is room */
	TRY(mq_timedsend, q, "y", 1, 0, 0);
	TRY(mq_timedsend, q, "z", 1, 0, &past);
	TRY(mq_timedreceive, q, text, 9, 0, 0);
	TRY(mq_timedreceive, q, BAD, 10, 0, 0);
	TRY(mq_timedreceive, q, text, 10, 0, 0);
	TRY(mq_timedreceive, q, text, 10, 0, &past);
	TRY(mq_timedreceive, q, text, 10, 0, &bad);
	TRY(mq_timedreceive, q, text, 10, 0, BAD);
	TRY(mq_timedreceive, NOFD, text, 10, 0, 0);
	TRY(mq_timedreceive, 1, text, 10, 0, 0);
	CHECK(getrlimit(RLIMIT_MSGQUEUE, &limit) == 0 && limit.rlim_max > 1);
	second = (long)limit.rlim_cur;
	limit.rlim_cur = 1;
	CHECK(setrlimit(RLIMIT_MSGQUEUE, &limit) == 0);
	other = syscall(SYS_mq_open, name, O_CREAT | O_RDWR, 0600, 0); /* what is there costs nothing */
	CHECK(other >= 0 && close((int)other) == 0);
	TRY(mq_open, "aril-third", O_CREAT | O_RDWR, 0600, 0);
	limit.rlim_cur = (rlim_t)second;
	CHECK(setrlimit(RLIMIT_MSGQUEUE, &limit) == 0);
	second = syscall(SYS_mq_open, "aril-third", O_CREAT | O_RDWR, 0600, 0);
	CHECK(second >= 0);
	CHECK(syscall(SYS_mq_unlink, "aril-third") == 0 && syscall(SYS_mq_unlink, name) == 0);
	close((int)second);
	close((int)q);
}

static void *sends(void *q)
{
	usleep(50000);
	CHECK(syscall(SYS_mq_timedsend, (long)q, "from a thread", 13, 3, 0) == 0);
	return 0;
}

static void *takes(void *q)
{
	usleep(50000);
	CHECK(syscall(SYS_mq_timedreceive, (long)q, text, sizeof text, 0, 0) >= 0);
	return 0;
}

static void nothing(int sig) { (void)sig; }

static void waits(void)
{
	struct mq_attr attr = { .mq_maxmsg = 1, .mq_msgsize = 20 };
	struct sigaction interrupts = { .sa_handler = nothing };
	long q = syscall(SYS_mq_open, name, O_CREAT | O_RDWR, 0600, &attr);
	struct timespec soon = in(30000000);
	pthread_t t;

	CHECK(q >= 0);
	TRY(mq_timedreceive, q, text, 20, 0, &soon);
	CHECK(pthread_create(&t, 0, sends, (void *)q) == 0);
	RECEIVE(q);
	pthread_join(t, 0);
	TRY(mq_timedsend, q, "first", 5, 0, 0);
	soon = in(30000000);
	TRY(mq_timedsend, q, "second", 6, 0, &soon);
	CHECK(pthread_create(&t, 0, takes, (void *)q) == 0);
	TRY(mq_timedsend, q, "second", 6, 0, 0);
	pthread_join(t, 0);
	RECEIVE(q);
	sigaction(SIGALRM, &interrupts, 0);
	ualarm(30000, 0);
	TRY(mq_timedreceive, q, text, 20, 0, 0);
	CHECK(syscall(SYS_mq_timedsend, q, "x", 1, 0, 0) == 0);
	ualarm(30000, 0);
	TRY(mq_timedsend, q, "x", 1, 0, 0);
	if (fork() == 0) { /* a child has the same queue */
		RECEIVE(q);
		fflush(stdout);
		CHECK(syscall(SYS_mq_timedsend, q, "from a child", 12, 0, 0) == 0);
		_exit(0);
	}
	wait(0);
	RECEIVE(q);
	CHECK(syscall(SYS_mq_unlink, name) == 0);
	close((int)q);
}

static void told(void)
{
	struct sigaction act = { .sa_sigaction = on_message, .sa_flags = SA_SIGINFO };
	struct sigevent by = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1, .sigev_value.sival_int = 55 },
		none = { .sigev_notify = SIGEV_NONE }, wrong = by, odd = { .sigev_notify = 99 };
	long q = syscall(SYS_mq_open, name, O_CREAT | O_RDWR | O_NONBLOCK, 0600, 0);

	CHECK(q >= 0 && sigaction(SIGUSR1, &act, 0) == 0);
	wrong.sigev_signo = 65;
	TRY(mq_notify, q, &wrong);
	TRY(mq_notify, q, &odd);
	TRY(mq_notify, q, BAD);
	TRY(mq_notify, 1, &by);
	TRY(mq_notify, NOFD, &by);
	TRY(mq_notify, q, 0);
	TRY(mq_notify, q, &by);
	TRY(mq_notify, q, &by);
	if (fork() == 0) {
		TRY(mq_notify, q, &by);
		TRY(mq_notify, q, 0);
		fflush(stdout);
		CHECK(syscall(SYS_mq_timedsend, q, "news", 4, 0, 0) == 0);
		_exit(0);
	}
	wait(0);
	printf("signal %d, code %d, value %d, from a child: %d\n", came, code, value, from_pid > 0 && from_pid != getpid());
	came = 0;
	TRY(mq_timedsend, q, "more", 4, 0, 0);
	RECEIVE(q);
	RECEIVE(q);
	TRY(mq_timedsend, q, "untold", 6, 0, 0);
	printf("signal %d\n", came); /* once only */
	TRY(mq_notify, q, &by);
	TRY(mq_timedsend, q, "not the first", 13, 0, 0);
	printf("signal %d\n", came); /* only where it was empty */
	RECEIVE(q);
	RECEIVE(q);
	TRY(mq_timedsend, q, "the first", 9, 0, 0);
	printf("signal %d\n", came);
	came = 0;
	RECEIVE(q);
	TRY(mq_notify, q, &none);
	TRY(mq_notify, q, &by);
	TRY(mq_timedsend, q, "x", 1, 0, 0);
	printf("signal %d\n", came);
	TRY(mq_notify, q, &by);
	TRY(mq_notify, q, 0);
	CHECK(syscall(SYS_mq_unlink, name) == 0);
	close((int)q);
}

/* Any close by who asked ends it, of any descriptor of the queue; another process's, or its exec, does not. */
static void forgotten(void)
{
	struct sigevent none = { .sigev_notify = SIGEV_NONE };
	long q = syscall(SYS_mq_open, name, O_CREAT | O_RDWR | O_NONBLOCK, 0600, 0);
	long second = syscall(SYS_mq_open, name, O_RDWR, 0, 0);
	int copy = dup((int)q);
	pid_t pid;

	CHECK(q >= 0 && second >= 0 && copy >= 0);
	TRY(mq_notify, q, &none);
	if (!(pid = fork())) {
		close((int)q);
		close(copy);
		TRY(mq_notify, second, &none);
		fflush(stdout);
		_exit(0);
	}
	CHECK(wait_status(pid) == 0);
	TRY(mq_notify, q, &none);
	CHECK(close(copy) == 0);
	TRY(mq_notify, q, &none);
	CHECK(dup2((int)q, (int)second) == second);
	TRY(mq_notify, q, &none);
	if (!(pid = fork())) {
		close((int)second);
		TRY(mq_notify, q, 0);
		fflush(stdout);
		_exit(0);
	}
	CHECK(wait_status(pid) == 0);
	TRY(mq_notify, q, &none);
	TRY(mq_notify, q, 0);
	if (!(pid = fork())) {
		TRY(mq_notify, q, &none);
		fflush(stdout);
		_exit(0);
	}
	CHECK(wait_status(pid) == 0);
	TRY(mq_notify, q, &none);
	CHECK(syscall(SYS_mq_unlink, name) == 0 && close((int)q) == 0 && close((int)second) == 0);
}

int main(void)
{
	setvbuf(stdout, 0, _IOLBF, 0);
	snprintf(name, sizeof name, "aril-%d", (int)getpid());
	memset(name256, 'n', 256);
	memset(longest, 'x', sizeof longest - 1);
	order();
	wrong();
	waits();
	told();
	forgotten();
	return 0;
}
