/* SPDX-License-Identifier: MIT */
/* Files that tell of events (eventfd, timerfd, signalfd, epoll), a process's timers, real-time signals that queue: results, and the errors of their manual pages. */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <time.h>
#include "check.h"

#define FAILS(x, e) CHECK((x) == -1 && errno == (e))
#define MS 1000000L

static void *volatile bad = (void *)8; /* no address of a program's */
static volatile sig_atomic_t order[16], values[16], count, overrun;

static int child_ok(void)
{
	int status;

	return wait(&status) > 0 && status == 0;
}

static void note(int sig, siginfo_t *info, void *context)
{
	(void)context;
	if (info->si_code == SI_TIMER && info->si_overrun > overrun)
		overrun = info->si_overrun;
	if (count == sizeof order / sizeof *order)
		return;
	order[count] = sig;
	values[count++] = info->si_value.sival_int;
}

static void events(void)
{
	uint64_t v = 3;
	int e = eventfd(2, EFD_NONBLOCK), s = eventfd(2, EFD_SEMAPHORE | EFD_CLOEXEC);
	struct pollfd p = { .fd = e, .events = POLLIN | POLLOUT };

	CHECK(e >= 0 && fcntl(s, F_GETFD) == FD_CLOEXEC && (fcntl(e, F_GETFL) & (O_NONBLOCK | O_ACCMODE)) == (O_NONBLOCK | O_RDWR));
	CHECK(write(e, &v, 8) == 8 && poll(&p, 1, 0) == 1 && p.revents == (POLLIN | POLLOUT));
	CHECK(read(e, &v, 8) == 8 && v == 5);
	FAILS(read(e, &v, 8), EAGAIN);
	FAILS(read(e, &v, 4), EINVAL);
	v = UINT64_MAX;
	FAILS(write(e, &v, 8), EINVAL);
	v = UINT64_MAX - 1;
	CHECK(write(e, &v, 8) == 8 && poll(&p, 1, 0) == 1 && p.revents == POLLIN);
	v = 1;
	FAILS(write(e, &v, 8), EAGAIN);
	FAILS(write(e, bad, 8), EFAULT);
	CHECK(read(s, &v, 8) == 8 && v == 1 && read(s, &v, 8) == 8 && v == 1);
	if (fork() == 0) {
		usleep(5000);
		v = 1;
		_exit(write(s, &v, 8) != 8);
	}
	CHECK(read(s, &v, 8) == 8 && v == 1 && child_ok());
	FAILS(eventfd(0, 0x40000000), EINVAL);
	close(e);
	close(s);
}

static void timers(void)
{
	struct itimerspec t = { { 0, 2 * MS }, { 0, 3 * MS } }, was;
	int f = timerfd_create(CLOCK_MONOTONIC, 0), n = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK);
	struct pollfd p = { .fd = f, .events = POLLIN };
	uint64_t v = 0, sum = 0;

	CHECK(f >= 0 && timerfd_gettime(f, &was) == 0 && was.it_value.tv_nsec == 0 && timerfd_settime(f, 0, &t, &was) == 0);
	CHECK(poll(&p, 1, 5000) == 1 && p.revents == POLLIN);
	while (sum < 3) {
		CHECK(read(f, &v, 8) == 8 && v >= 1);
		sum += v;
	}
	CHECK(timerfd_gettime(f, &was) == 0 && was.it_interval.tv_nsec == 2 * MS && was.it_value.tv_nsec <= 2 * MS);
	t = (struct itimerspec){ { 0, 0 }, { 0, 0 } };
	CHECK(timerfd_settime(f, 0, &t, &was) == 0 && was.it_interval.tv_nsec == 2 * MS);
	CHECK(poll(&p, 1, 10) == 0);
	FAILS(read(n, &v, 8), EAGAIN);
	clock_gettime(CLOCK_REALTIME, &t.it_value);
	t.it_value.tv_sec -= 1;
	CHECK(timerfd_settime(n, TFD_TIMER_ABSTIME, &t, NULL) == 0);
	p.fd = n;
	CHECK(poll(&p, 1, 5000) == 1 && read(n, &v, 8) == 8 && v == 1);
	t.it_value.tv_nsec = 1000000000;
	FAILS(timerfd_settime(n, 0, &t, NULL), EINVAL);
	t.it_value.tv_nsec = 0;
	FAILS(timerfd_settime(0x7000, 0, &t, NULL), EBADF);
	FAILS(timerfd_settime(1, 0, &t, NULL), EINVAL);
	FAILS(timerfd_settime(n, 0, bad, NULL), EFAULT);
	FAILS(timerfd_create(77, 0), EINVAL);
	FAILS(timerfd_create(CLOCK_MONOTONIC, 1), EINVAL);
	close(f);
	close(n);
}

static void watches(void)
{
	struct epoll_event e = { .events = EPOLLIN, .data.u64 = 1 }, got[4];
	int ep = epoll_create1(EPOLL_CLOEXEC), p[2], q[2], inner;
	char c;

	CHECK(ep >= 0 && pipe(p) == 0 && pipe(q) == 0);
	CHECK(epoll_ctl(ep, EPOLL_CTL_ADD, p[0], &e) == 0);
	FAILS(epoll_ctl(ep, EPOLL_CTL_ADD, p[0], &e), EEXIST);
	FAILS(epoll_ctl(ep, EPOLL_CTL_MOD, q[0], &e), ENOENT);
	FAILS(epoll_ctl(ep, EPOLL_CTL_DEL, q[0], &e), ENOENT);
	FAILS(epoll_ctl(ep, EPOLL_CTL_ADD, 0x7000, &e), EBADF);
	FAILS(epoll_ctl(ep, EPOLL_CTL_ADD, ep, &e), EINVAL);
	FAILS(epoll_ctl(p[0], EPOLL_CTL_ADD, p[1], &e), EINVAL);
	FAILS(epoll_ctl(ep, EPOLL_CTL_ADD, q[0], NULL), EFAULT);
	FAILS(epoll_ctl(ep, EPOLL_CTL_ADD, open("/", O_RDONLY), &e), EPERM);
	FAILS(epoll_wait(ep, got, 0, 0), EINVAL);
	FAILS(epoll_wait(p[0], got, 1, 0), EINVAL);
	FAILS(syscall(SYS_epoll_create, 0), EINVAL);
	CHECK(epoll_wait(ep, got, 4, 0) == 0 && epoll_wait(ep, got, 4, 5) == 0);
	/* Level: told again as long as it lasts. */
	CHECK(write(p[1], "ab", 2) == 2 && epoll_wait(ep, got, 4, -1) == 1 && got[0].events == EPOLLIN && got[0].data.u64 == 1);
	CHECK(epoll_wait(ep, got, 4, 0) == 1);
	/* Edge: told once, and once more after more has come, though it was never empty. */
	e = (struct epoll_event){ .events = EPOLLIN | EPOLLET, .data.u64 = 2 };
	CHECK(epoll_ctl(ep, EPOLL_CTL_MOD, p[0], &e) == 0);
	CHECK(epoll_wait(ep, got, 4, 0) == 1 && got[0].data.u64 == 2 && epoll_wait(ep, got, 4, 0) == 0);
	CHECK(write(p[1], "c", 1) == 1 && epoll_wait(ep, got, 4, 0) == 1 && epoll_wait(ep, got, 4, 0) == 0);
	/* Once: silent until it is armed anew. */
	e.events = EPOLLIN | EPOLLONESHOT;
	CHECK(epoll_ctl(ep, EPOLL_CTL_MOD, p[0], &e) == 0 && epoll_wait(ep, got, 4, 0) == 1 && epoll_wait(ep, got, 4, 0) == 0);
	CHECK(epoll_ctl(ep, EPOLL_CTL_MOD, p[0], &e) == 0 && epoll_wait(ep, got, 4, 0) == 1);
	/* Two files, a wait that is ended by another process, hang-up. */
	e = (struct epoll_event){ .events = EPOLLIN, .data.u64 = 3 };
	CHECK(epoll_ctl(ep, EPOLL_CTL_ADD, q[0], &e) == 0);
	if (fork() == 0) {
		usleep(5000);
		_exit(write(q[1], "x", 1) != 1);
	}
	CHECK(epoll_wait(ep, got, 4, -1) == 1 && got[0].data.u64 == 3 && read(q[0], &c, 1) == 1 && child_ok());
	close(q[1]);
	CHECK(epoll_wait(ep, got, 4, -1) == 1 && got[0].events == EPOLLHUP);
	/* An epoll is watched by another; not in a ring. */
	inner = epoll_create1(0);
	e.data.u64 = 4;
	CHECK(epoll_ctl(inner, EPOLL_CTL_ADD, ep, &e) == 0 && epoll_wait(inner, got, 4, 0) == 1 && got[0].data.u64 == 4);
	FAILS(epoll_ctl(ep, EPOLL_CTL_ADD, inner, &e), ELOOP);
	/* A closed file is watched no more. */
	close(q[0]);
	CHECK(epoll_wait(ep, got, 4, 0) == 0 && epoll_wait(inner, got, 4, 0) == 0);
	close(inner);
	close(ep);
	close(p[0]);
	close(p[1]);
}

/* Where more is ready than is asked for, each has its turn. */
static void turns(void)
{
	struct epoll_event e = { .events = EPOLLIN }, got[3];
	int ep = epoll_create1(0), f[7], seen[7] = { 0 };

	for (int i = 0; i < 7; i++) {
		e.data.u32 = (uint32_t)i;
		CHECK((f[i] = eventfd(1, 0)) >= 0 && epoll_ctl(ep, EPOLL_CTL_ADD, f[i], &e) == 0);
	}
	for (int i = 0; i < 14; i++) {
		CHECK(epoll_wait(ep, got, 3, 0) == 3);
		for (int k = 0; k < 3; k++)
			seen[got[k].data.u32]++;
		if (i != 6)
			continue;
		/* One that leaves and comes back is one of them again. */
		e.data.u32 = 3;
		CHECK(epoll_ctl(ep, EPOLL_CTL_DEL, f[3], NULL) == 0 && epoll_ctl(ep, EPOLL_CTL_ADD, f[3], &e) == 0);
	}
	for (int i = 0; i < 7; i++)
		CHECK(seen[i] >= 5 && seen[i] <= 7 && close(f[i]) == 0);
	close(ep);
}

static void signals(void)
{
	sigset_t set;
	struct signalfd_siginfo info[4];
	union sigval value;
	int f, n;
	struct sigaction a = { .sa_sigaction = note, .sa_flags = SA_SIGINFO };

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGRTMIN + 1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	f = signalfd(-1, &set, SFD_NONBLOCK);
	struct pollfd p = { .fd = f, .events = POLLIN };
	CHECK(f >= 0 && poll(&p, 1, 0) == 0);
	FAILS(read(f, info, sizeof(info)), EAGAIN);
	FAILS(read(f, info, 16), EINVAL);
	FAILS(signalfd(1, &set, 0), EINVAL);
	FAILS(syscall(SYS_signalfd4, -1, &set, 4, 0), EINVAL);
	value.sival_int = 41;
	CHECK(sigqueue(getpid(), SIGRTMIN + 1, value) == 0);
	value.sival_int = 42;
	CHECK(sigqueue(getpid(), SIGRTMIN + 1, value) == 0 && kill(getpid(), SIGUSR1) == 0 && kill(getpid(), SIGUSR1) == 0);
	CHECK(poll(&p, 1, 0) == 1);
	n = (int)read(f, info, sizeof(info));
	CHECK(n == 3 * (int)sizeof(info[0]) && info[0].ssi_signo == SIGUSR1 && info[0].ssi_pid == (uint32_t)getpid());
	CHECK(info[1].ssi_int == 41 && info[2].ssi_int == 42 && info[2].ssi_code == SI_QUEUE);
	if (fork() == 0) {
		usleep(5000);
		_exit(kill(getppid(), SIGUSR1));
	}
	CHECK(poll(&p, 1, 10000) == 1 && read(f, info, sizeof(info)) == sizeof(info[0]) && child_ok());
	close(f);
	/* The lowest number first, each number in the order in which it came. */
	sigaction(SIGRTMIN + 1, &a, NULL);
	sigaction(SIGUSR1, &a, NULL);
	for (value.sival_int = 1; value.sival_int <= 5; value.sival_int++)
		CHECK(sigqueue(getpid(), SIGRTMIN + 1, value) == 0);
	kill(getpid(), SIGUSR1);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	printf("%d signals:", (int)count);
	for (int i = 0; i < count; i++)
		printf(" %d:%d", order[i] == SIGUSR1 ? 0 : order[i] - SIGRTMIN, order[i] == SIGUSR1 ? 0 : values[i]);
	printf("\n");
	count = 0;
}

static void burn_until(int wanted)
{
	while (count < wanted)
		for (volatile int i = 0; i < 10000; i++)
			;
}

static void process_timers(void)
{
	struct sigaction a = { .sa_sigaction = note, .sa_flags = SA_SIGINFO };
	struct sigevent e = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN, .sigev_value.sival_int = 7 };
	struct itimerspec t = { { 0, 2 * MS }, { 0, 2 * MS } }, was;
	struct itimerval v = { { 0, 3000 }, { 0, 3000 } };
	sigset_t set;
	timer_t id, none;

	sigaction(SIGRTMIN, &a, NULL);
	sigaction(SIGVTALRM, &a, NULL);
	sigaction(SIGPROF, &a, NULL);
	CHECK(timer_create(CLOCK_MONOTONIC, &e, &id) == 0 && timer_settime(id, 0, &t, &was) == 0 && was.it_value.tv_nsec == 0);
	while (count < 3)
		pause();
	CHECK(order[0] == SIGRTMIN && values[0] == 7 && timer_gettime(id, &was) == 0 && was.it_interval.tv_nsec == 2 * MS);
	/* Expirations that find the signal pending are counted. */
	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	sigprocmask(SIG_BLOCK, &set, NULL);
	usleep(30000);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	/* Of the signal that was held back; later ones may have come by now. */
	CHECK(overrun >= 3 && timer_getoverrun(id) >= 0 && timer_delete(id) == 0);
	FAILS(syscall(SYS_timer_delete, id), EINVAL);
	FAILS(timer_gettime(id, &was), EINVAL);
	e.sigev_notify = SIGEV_NONE;
	CHECK(timer_create(CLOCK_REALTIME, &e, &none) == 0 && timer_settime(none, 0, &t, NULL) == 0 && timer_gettime(none, &was) == 0 && was.it_value.tv_nsec > 0);
	t.it_value.tv_nsec = -1;
	FAILS(timer_settime(none, 0, &t, NULL), EINVAL);
	e.sigev_notify = 77;
	FAILS(timer_create(CLOCK_REALTIME, &e, &id), EINVAL);
	FAILS(timer_create(99, NULL, &id), EINVAL);
	/* CPU time. */
	count = 0;
	CHECK(setitimer(ITIMER_VIRTUAL, &v, NULL) == 0);
	burn_until(2);
	CHECK(order[0] == SIGVTALRM && getitimer(ITIMER_VIRTUAL, &v) == 0 && v.it_interval.tv_usec >= 3000);
	v = (struct itimerval){ { 0, 0 }, { 0, 0 } };
	setitimer(ITIMER_VIRTUAL, &v, NULL);
	count = 0;
	v.it_value.tv_usec = 3000;
	CHECK(setitimer(ITIMER_PROF, &v, NULL) == 0);
	burn_until(1);
	CHECK(order[0] == SIGPROF && getitimer(ITIMER_PROF, &v) == 0 && v.it_value.tv_usec == 0);
	FAILS(setitimer(3, &v, NULL), EINVAL);
	v.it_value.tv_usec = 1000000;
	FAILS(setitimer(ITIMER_REAL, &v, NULL), EINVAL);
}

/* Five above each other that watch a file, and no more, wherever the chain grows. Newer kernels say ELOOP. */
static int is_too_deep(int ep, int fd)
{
	struct epoll_event e = { .events = EPOLLIN };

	return epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e) == -1 && (errno == EINVAL || errno == ELOOP);
}

static void epoll_chain(void)
{
	struct epoll_event e = { .events = EPOLLIN }, got;
	int p[2], chain[6];

	CHECK(pipe(p) == 0);
	for (int i = 0; i < 6; i++) {
		chain[i] = epoll_create1(0);
		CHECK(chain[i] >= 0 && (i == 5 || epoll_ctl(chain[i], EPOLL_CTL_ADD, i ? chain[i - 1] : p[0], &e) == 0));
	}
	CHECK(is_too_deep(chain[5], chain[4]));
	CHECK(write(p[1], "x", 1) == 1 && epoll_wait(chain[4], &got, 1, 0) == 1 && epoll_wait(chain[5], &got, 1, 0) == 0);
	CHECK(epoll_ctl(chain[3], EPOLL_CTL_DEL, chain[2], 0) == 0);
	CHECK(epoll_ctl(chain[5], EPOLL_CTL_ADD, chain[4], &e) == 0);
	CHECK(is_too_deep(chain[3], chain[2]));
	for (int i = 0; i < 6; i++)
		close(chain[i]);
	close(p[0]);
	close(p[1]);
}

int main(void)
{
	events();
	timers();
	watches();
	epoll_chain();
	turns();
	signals();
	process_timers();
	printf("all events came\n");
	return 0;
}
