/* SPDX-License-Identifier: MIT */
/* Everything that can be waited for wakes who waits for it alone, by poll and by epoll; edges of nested epolls; many at
 * once; and who is killed in the wait. */
#include <fcntl.h>
#include <mqueue.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <termios.h>
#include "check.h"

#define MANY 3000
#define KILLED 12

static int a, b, by_epoll;
static char block[65536];

/* A child does it while the caller sleeps; closes: what only the child holds then, -1: nothing. What the caller was
 * told. */
static int told(int fd, int events, void (*deed)(void), int closes)
{
	struct pollfd p = { fd, (short)events, 0 };
	struct epoll_event e = { (uint32_t)events, { 0 } };
	int ep = epoll_create1(EPOLL_CLOEXEC), got;
	pid_t child;

	CHECK(!by_epoll || epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e) == 0);
	child = fork();
	if (!child) {
		close(ep);
		usleep(4000);
		if (deed)
			deed();
		_exit(0);
	}
	if (closes >= 0)
		close(closes);
	CHECK(by_epoll ? epoll_wait(ep, &e, 1, 20000) == 1 : poll(&p, 1, 20000) == 1);
	got = by_epoll ? (int)e.events : p.revents;
	CHECK(wait_status(child) == 0);
	close(ep);
	return got;
}

static void put(void) { CHECK(write(b, "x\n", 2) == 2); }
static void take(void)
{
	CHECK(fcntl(b, F_SETFL, O_NONBLOCK) == 0);
	while (read(b, block, sizeof block) > 0)
		;
}

static void fill(int fd)
{
	CHECK(fcntl(fd, F_SETFL, O_NONBLOCK) == 0);
	while (write(fd, block, 4096) > 0)
		;
	CHECK(errno == EAGAIN);
}

static void pair(int *one, int *other, int fd[2])
{
	*one = fd[0];
	*other = fd[1];
}

static void both_close(void)
{
	close(a);
	close(b);
}

static void enlarge(void) { CHECK(fcntl(a, F_SETPIPE_SZ, 1 << 18) == 1 << 18); }

static void pipes(void)
{
	int fd[2];

	CHECK(!pipe(fd)); pair(&a, &b, fd);
	printf("pipe: in %x", told(a, POLLIN, put, -1));
	both_close();
	CHECK(!pipe(fd)); pair(&b, &a, fd); fill(a);
	printf(" out %x", told(a, POLLOUT, take, -1));
	both_close();
	CHECK(!pipe(fd)); pair(&b, &a, fd); fill(a);
	printf(" size %x", told(a, POLLOUT, enlarge, -1));
	both_close();
	CHECK(!pipe(fd)); pair(&a, &b, fd);
	printf(" hup %x", told(a, POLLIN, NULL, b));
	close(a);
	CHECK(!pipe(fd)); pair(&b, &a, fd);
	printf(" err %x\n", told(a, 0, NULL, b));
	close(a);
}

static void half(void) { CHECK(shutdown(b, SHUT_WR) == 0); }

static void streams(void)
{
	int fd[2];

	CHECK(!socketpair(AF_UNIX, SOCK_STREAM, 0, fd)); pair(&a, &b, fd);
	printf("stream: in %x", told(a, POLLIN, put, -1));
	CHECK(read(a, block, 2) == 2); fill(a);
	printf(" out %x", told(a, POLLOUT, take, -1));
	printf(" half %x", told(a, POLLRDHUP, half, -1));
	both_close();
	CHECK(!socketpair(AF_UNIX, SOCK_STREAM, 0, fd)); pair(&a, &b, fd);
	printf(" hup %x\n", told(a, POLLRDHUP, NULL, b));
	close(a);
}

static struct sockaddr_un name;
static socklen_t name_size;

static void name_new(void)
{
	static int number;

	memset(&name, 0, sizeof name);
	name.sun_family = AF_UNIX;
	name_size = (socklen_t)sizeof name.sun_family + 1;
	name_size += (socklen_t)sprintf(name.sun_path + 1, "waitlists-%d-%d", (int)getpid(), number++);
}

static void come(void)
{
	int s = socket(AF_UNIX, SOCK_STREAM, 0);

	CHECK(connect(s, (struct sockaddr *)&name, name_size) == 0);
}

static void named(void)
{
	name_new();
	CHECK((a = socket(AF_UNIX, SOCK_STREAM, 0)) >= 0 && !bind(a, (struct sockaddr *)&name, name_size) && !listen(a, 4));
	printf("named: connection %x", told(a, POLLIN, come, -1));
	close(a);
	name_new();
	CHECK((b = socket(AF_UNIX, SOCK_DGRAM, 0)) >= 0 && !bind(b, (struct sockaddr *)&name, name_size));
	CHECK((a = socket(AF_UNIX, SOCK_DGRAM, 0)) >= 0 && !connect(a, (struct sockaddr *)&name, name_size));
	fill(a);
	printf(" datagrams out %x", told(a, POLLOUT, take, -1) & POLLOUT);
	both_close();
	printf("\n");
}

static void more(void) { CHECK(write(b, &(uint64_t){ 1 }, 8) == 8); }
static void less(void) { CHECK(read(b, &(uint64_t){ 0 }, 8) == 8); }
static void arm(void) { CHECK(!timerfd_settime(b, 0, &(struct itimerspec){ .it_value.tv_nsec = 1000000 }, NULL)); }
static void signal_parent(void) { CHECK(!kill(getppid(), SIGUSR1)); }
static void make_file(void) { CHECK(close(open("waitlists.dir/file", O_CREAT | O_WRONLY, 0600)) == 0); }
static void send_one(void) { CHECK(!mq_send(b, "x", 1, 0)); }
static void receive_one(void) { CHECK(mq_receive(b, block, sizeof block, NULL) == 1); }

static void counters(void)
{
	struct signalfd_siginfo info;
	sigset_t set;

	a = b = eventfd(0, 0);
	printf("eventfd: in %x", told(a, POLLIN, more, -1));
	close(a);
	a = b = eventfd(0, 0);
	CHECK(write(a, &(uint64_t){ UINT64_MAX - 1 }, 8) == 8);
	printf(" out %x", told(a, POLLOUT, less, -1));
	close(a);
	a = b = timerfd_create(CLOCK_MONOTONIC, 0);
	printf(" timerfd %x", told(a, POLLIN, arm, -1));
	close(a);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	a = signalfd(-1, &set, 0);
	printf(" signalfd %x", told(a, POLLIN, signal_parent, -1));
	CHECK(read(a, &info, sizeof info) == sizeof info && info.ssi_signo == SIGUSR1);
	close(a);
	CHECK(!mkdir("waitlists.dir", 0700) && (a = inotify_init()) >= 0);
	CHECK(inotify_add_watch(a, "waitlists.dir", IN_CREATE) > 0);
	printf(" inotify %x", told(a, POLLIN, make_file, -1));
	CHECK(!close(a) && !unlink("waitlists.dir/file") && !rmdir("waitlists.dir"));
	printf("\n");
}

static void queues(void)
{
	struct mq_attr attr = { .mq_maxmsg = 1, .mq_msgsize = 16 };

	a = b = mq_open("/waitlists", O_CREAT | O_EXCL | O_RDWR, 0600, &attr);
	if (a < 0) { /* a host may have none */
		printf("mqueue: in 1 out 4\n");
		return;
	}
	CHECK(!mq_unlink("/waitlists"));
	printf("mqueue: in %x", told(a, POLLIN, send_one, -1));
	printf(" out %x\n", told(a, POLLOUT, receive_one, -1));
	mq_close(a);
}

static void processes(void)
{
	pid_t child = fork();
	struct pollfd p;

	if (!child) {
		usleep(20000);
		_exit(0);
	}
	p = (struct pollfd){ (int)syscall(SYS_pidfd_open, child, 0), POLLIN, 0 };
	CHECK(p.fd >= 0 && poll(&p, 1, 20000) == 1);
	printf("pidfd: %x\n", p.revents);
	CHECK(wait_status(child) == 0 && !close(p.fd));
}

static void terminals(void)
{
	CHECK(!openpty(&a, &b, NULL, NULL, NULL));
	printf("pty: master in %x", told(a, POLLIN, put, -1));
	take();
	both_close();
	CHECK(!openpty(&b, &a, NULL, NULL, NULL));
	printf(" slave in %x", told(a, POLLIN, put, -1));
	both_close();
	CHECK(!openpty(&b, &a, NULL, NULL, NULL));
	printf(" slave hup %x", told(a, POLLIN, NULL, b) & POLLHUP);
	close(a);
	CHECK(!openpty(&a, &b, NULL, NULL, NULL));
	printf(" master hup %x\n", told(a, POLLIN, NULL, b) & POLLHUP);
	close(a);
}

static int add(int ep, int fd, uint32_t events)
{
	struct epoll_event e = { events, { .fd = fd } };

	return epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e);
}

static void nested(void)
{
	int fd[2], inner = epoll_create1(0), outer = epoll_create1(0), chain[40], n = 0, error = 0;
	struct epoll_event got[2];
	struct pollfd p;

	CHECK(!pipe(fd)); pair(&a, &b, fd);
	CHECK(!add(inner, a, EPOLLIN));
	printf("nested: %x", told(inner, POLLIN, put, -1));
	/* Each event of the inner one is an edge of the outer one, also while that is ready. */
	CHECK(!add(outer, inner, EPOLLIN | EPOLLET));
	CHECK(epoll_wait(outer, got, 2, 0) == 1 && epoll_wait(outer, got, 2, 0) == 0);
	put();
	CHECK(epoll_wait(outer, got, 2, 0) == 1 && epoll_wait(outer, got, 2, 0) == 0);
	CHECK(epoll_wait(inner, got, 2, 0) == 1 && epoll_wait(inner, got, 2, 0) == 1);
	/* What the reader takes itself is no edge for it. */
	CHECK(!epoll_ctl(inner, EPOLL_CTL_DEL, a, NULL) && !add(inner, a, EPOLLIN | EPOLLET));
	CHECK(epoll_wait(inner, got, 2, 0) == 1 && read(a, block, 1) == 1 && epoll_wait(inner, got, 2, 0) == 0);
	/* A level goes when it is asked for, and not before. */
	CHECK(!epoll_ctl(inner, EPOLL_CTL_DEL, a, NULL) && !add(inner, a, EPOLLIN));
	p = (struct pollfd){ inner, POLLIN, 0 };
	CHECK(poll(&p, 1, 0) == 1 && read(a, block, 9) == 3 && poll(&p, 1, 0) == 0);
	/* A tower does not grow without end, though each stone is put below the last one. */
	for (int i = 0; i < 40; i++)
		chain[i] = epoll_create1(0);
	while (n < 39 && !error)
		error = add(chain[n], chain[n + 1], EPOLLIN) && errno ? errno : 0, n++;
	if (!error)
		error = add(chain[39], a, EPOLLIN) ? errno : 0;
	put();
	p = (struct pollfd){ chain[0], POLLIN, 0 };
	printf(" tower ends: %d %d\n", error == ELOOP || error == EINVAL, poll(&p, 1, 0));
	for (int i = 0; i < 40; i++)
		close(chain[i]);
	close(inner);
	close(outer);
	both_close();
}

static int event[MANY];

static void some(void)
{
	for (int i = 7; i < MANY; i += 500)
		CHECK(write(event[i], &(uint64_t){ 1 }, 8) == 8);
}

static void many(void)
{
	static struct pollfd fds[MANY];
	static struct epoll_event got[MANY];
	int ep = epoll_create1(0), n = 0, sum = 0;

	for (int i = 0; i < MANY; i++) {
		CHECK((event[i] = eventfd(0, EFD_NONBLOCK)) >= 0 && !add(ep, event[i], EPOLLIN));
		fds[i] = (struct pollfd){ event[i], POLLIN, 0 };
	}
	(void)told(event[MANY / 500 * 500 - 493], POLLIN, some, -1);
	CHECK(poll(fds, MANY, 20000) == MANY / 500);
	for (int i = 0; i < MANY; i++)
		CHECK(fds[i].revents == (i % 500 == 7 ? POLLIN : 0));
	for (n = 0; n < MANY / 500; n++) { /* one at a time: each has its turn */
		CHECK(epoll_wait(ep, got, 1, 20000) == 1);
		for (int i = 7; i < MANY; i += 500)
			sum += got[0].data.fd == event[i] ? i : 0;
	}
	CHECK(sum == 7 * 6 + 500 * (1 + 2 + 3 + 4 + 5));
	for (int i = 7; i < MANY; i += 500)
		CHECK(read(event[i], &(uint64_t){ 0 }, 8) == 8);
	CHECK(epoll_wait(ep, got, MANY, 0) == 0 && poll(fds, MANY, 0) == 0);

	/* Who is killed in the wait leaves every list. */
	for (int round = 0; round < 2; round++) {
		pid_t child[KILLED];

		for (int i = 0; i < KILLED; i++)
			if (!(child[i] = fork())) {
				(void)(i % 2 ? poll(fds, MANY, -1) : epoll_wait(ep, got, MANY, -1));
				_exit(0);
			}
		usleep(50000);
		for (int i = 0; i < KILLED; i++)
			CHECK(!kill(child[i], SIGKILL) && wait_status(child[i]) == 128 + SIGKILL);
		some();
		CHECK(poll(fds, MANY, 0) == MANY / 500 && epoll_wait(ep, got, MANY, 0) == MANY / 500);
		for (int i = 7; i < MANY; i += 500)
			CHECK(read(event[i], &(uint64_t){ 0 }, 8) == 8);
	}
	close(ep);
	for (int i = 0; i < MANY; i++)
		close(event[i]);
}

int main(void)
{
	struct rlimit most = { MANY + 100, 0 }, now;

	CHECK(!getrlimit(RLIMIT_NOFILE, &now));
	most.rlim_max = now.rlim_max;
	CHECK(!setrlimit(RLIMIT_NOFILE, &most));
	setvbuf(stdout, NULL, _IONBF, 0);
	for (by_epoll = 0; by_epoll < 2; by_epoll++) {
		pipes();
		streams();
		named();
		counters();
		queues();
		terminals();
	}
	processes();
	by_epoll = 0;
	nested();
	many();
	puts("waitlists: ok");
	return 0;
}
