/* SPDX-License-Identifier: MIT */
/* What calls say that would wait and must not, that a signal interrupts while they wait, and that would wait for each other for ever. */
#include <fcntl.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>
#include "try.h"

#ifndef SYS_futex_waitv
#define SYS_futex_waitv 449
#endif

#define FUTEX_WAIT 0
#define FUTEX_WAIT_BITSET 9
#define FUTEX_CLOCK_REALTIME 256

static long fd;
static int full_pipe[2], empty_pipe[2], full_pair[2], empty_pair[2], listens, waits[3];
static int queue, semaphore;
static struct sockaddr_un to = { AF_UNIX, "listens" };

static void fill(int at)
{
	CHECK(fcntl(at, F_SETFL, O_NONBLOCK) == 0);
	while (write(at, buffer, 4096) > 0)
		;
	while (write(at, buffer, 1) > 0)
		;
	CHECK(errno == EAGAIN && fcntl(at, F_SETFL, 0) == 0);
}

/* The backlog's places are taken. */
static void crowd(void)
{
	for (int i = 0; i < 3; i++) {
		waits[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
		CHECK(waits[i] >= 0);
		if (connect(waits[i], (struct sockaddr *)&to, sizeof to) < 0) {
			CHECK(errno == EAGAIN && i > 0);
			return;
		}
	}
	CHECK(!"crowded");
}

static void wait_setup(void)
{
	CHECK(pipe(full_pipe) == 0 && pipe(empty_pipe) == 0 && socketpair(AF_UNIX, SOCK_STREAM, 0, full_pair) == 0 && socketpair(AF_UNIX, SOCK_STREAM, 0, empty_pair) == 0);
	fill(full_pipe[1]);
	fill(full_pair[1]);
	listens = socket(AF_UNIX, SOCK_STREAM, 0);
	CHECK(bind(listens, (struct sockaddr *)&to, sizeof to) == 0 && listen(listens, 0) == 0);
	queue = msgget(IPC_PRIVATE, 0600);
	semaphore = semget(IPC_PRIVATE, 1, 0600);
	CHECK(queue >= 0 && semaphore >= 0);
}

/* A process that holds both kinds of lock on the file: its pid. */
static pid_t locker(void)
{
	struct flock whole = { .l_type = F_WRLCK, .l_len = 1 };
	int ready[2], own;
	char byte;
	pid_t pid;

	CHECK(pipe(ready) == 0);
	pid = fork();
	if (pid == 0) {
		own = open("file", O_RDWR);
		CHECK(fcntl(own, F_SETLK, &whole) == 0 && flock(own, LOCK_EX) == 0 && write(ready[1], "r", 1) == 1);
		for (;;)
			pause();
	}
	CHECK(pid > 0 && read(ready[0], &byte, 1) == 1);
	close(ready[0]);
	close(ready[1]);
	return pid;
}

static struct iovec byte_of = { buffer, 1 };
static struct msghdr message = { .msg_iov = &byte_of, .msg_iovlen = 1 };
static struct sembuf down = { 0, -1, 0 };
static struct { long type; char text[8]; } letter = { 1, "letter" };

static void again(void)
{
	struct sembuf over[2] = { { 0, 32767, IPC_NOWAIT }, { 0, 1, IPC_NOWAIT } };
	const struct timespec soon = { 0, 1000000 };
	struct flock first = { .l_type = F_WRLCK, .l_len = 1 };
	struct epoll_event event;
	uint64_t mask = 1ul << (SIGUSR2 - 1);
	pid_t holder = locker();
	int word = 1, none = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

	fcntl(listens, F_SETFL, O_NONBLOCK);
	TRY(accept, listens, 0, 0);
	TRY(accept4, listens, 0, 0, 0);
	fcntl(listens, F_SETFL, 0);
	crowd();
	TRY(connect, none, &to, sizeof to);
	fcntl(empty_pipe[0], F_SETFL, O_NONBLOCK);
	TRY(read, empty_pipe[0], buffer, 1);
	TRY(readv, empty_pipe[0], &byte_of, 1);
	fcntl(empty_pipe[0], F_SETFL, 0);
	fcntl(full_pipe[1], F_SETFL, O_NONBLOCK);
	TRY(write, full_pipe[1], buffer, 1);
	TRY(writev, full_pipe[1], &byte_of, 1);
	TRY(sendfile, full_pipe[1], fd, &(int64_t){ 0 }, 1);
	fcntl(full_pipe[1], F_SETFL, 0);
	TRY(sendto, full_pair[1], buffer, 1, MSG_DONTWAIT, 0, 0);
	TRY(sendmsg, full_pair[1], &message, MSG_DONTWAIT);
	TRY(recvmsg, empty_pair[0], &message, MSG_DONTWAIT);
	TRY(fcntl, fd, F_SETLK, &first);
	TRY(flock, fd, LOCK_EX | LOCK_NB);
	TRY(rt_sigtimedwait, &mask, 0, &soon, 8);
	TRY(futex, &word, FUTEX_WAIT, 1, &soon, 0, 0);
	TRY(msgrcv, queue, &letter, 8, 0, IPC_NOWAIT);
	TRY(semop, semaphore, &(struct sembuf){ 0, -1, IPC_NOWAIT }, 1);
	TRY(semtimedop, semaphore, &down, 1, &soon);
	TRY(semtimedop, semaphore, &(struct sembuf){ 9, 1, 0 }, 1, &soon);
	TRY(semtimedop, semaphore, buffer, 100000, &soon);
	TRY(semtimedop, semaphore, over, 2, &soon);
	TRY(epoll_wait, epoll_create1(0), &event, 1, 0);
	kill(holder, SIGKILL);
	CHECK(wait_status(holder) == 128 + SIGKILL);
	close(none);
}

static void on_alarm(int sig) { (void)sig; }

/* The call waits; a handler without SA_RESTART runs. */
#define INTERRUPTED(call, ...) do { alarms(5000); TRY(call, ##__VA_ARGS__); alarms(0); } while (0)

static void alarms(long us)
{
	const struct itimerval t = { { 0, us }, { 0, us } };

	CHECK(setitimer(ITIMER_REAL, &t, 0) == 0);
}

static void interrupted(void)
{
	struct sigaction a = { .sa_handler = on_alarm };
	struct flock first = { .l_type = F_WRLCK, .l_len = 1 };
	struct epoll_event event;
	const struct timespec late = { 100, 0 };
	uint64_t mask = 1ul << (SIGUSR2 - 1), nothing = 0;
	int poller = epoll_create1(0), word = 1, none = socket(AF_UNIX, SOCK_STREAM, 0);
	struct { int fd; short events, revents; } one = { empty_pipe[0], 1, 0 };
	const struct { uint64_t value; void *at; uint32_t flags, reserved; } many = { 1, &word, 2, 0 };
	pid_t holder = locker();

	CHECK(sigaction(SIGALRM, &a, 0) == 0);
	INTERRUPTED(connect, none, &to, sizeof to);
	while (accept4(listens, 0, 0, SOCK_NONBLOCK) >= 0 && fcntl(listens, F_SETFL, O_NONBLOCK) == 0)
		;
	fcntl(listens, F_SETFL, 0);
	INTERRUPTED(accept, listens, 0, 0);
	INTERRUPTED(accept4, listens, 0, 0, 0);
	INTERRUPTED(clock_nanosleep, CLOCK_MONOTONIC, 0, &late, 0);
	INTERRUPTED(nanosleep, &late, 0);
	INTERRUPTED(creat, "fifo", 0600);
	INTERRUPTED(open, "fifo", O_RDONLY, 0);
	INTERRUPTED(openat, AT_FDCWD, "fifo", O_WRONLY, 0);
	INTERRUPTED(epoll_wait, poller, &event, 1, -1);
	INTERRUPTED(epoll_pwait, poller, &event, 1, -1, 0, 8);
	INTERRUPTED(epoll_pwait2, poller, &event, 1, &late, 0, 8);
	INTERRUPTED(fcntl, fd, F_SETLKW, &first);
	INTERRUPTED(flock, fd, LOCK_EX);
	INTERRUPTED(futex, &word, FUTEX_WAIT, 1, &late, 0, 0);
	INTERRUPTED(futex_waitv, &many, 1, 0, 0, 0);
	INTERRUPTED(msgrcv, queue, &letter, 8, 0, 0);
	INTERRUPTED(semop, semaphore, &down, 1);
	INTERRUPTED(semtimedop, semaphore, &down, 1, &late);
	INTERRUPTED(pause);
	INTERRUPTED(poll, &one, 1, -1);
	INTERRUPTED(ppoll, &one, 1, &late, 0, 8);
	INTERRUPTED(select, 0, 0, 0, 0, 0);
	INTERRUPTED(pselect6, 0, 0, 0, 0, 0, 0);
	INTERRUPTED(read, empty_pipe[0], buffer, 1);
	INTERRUPTED(readv, empty_pipe[0], &byte_of, 1);
	INTERRUPTED(recvfrom, empty_pair[0], buffer, 1, 0, 0, 0);
	INTERRUPTED(recvmsg, empty_pair[0], &message, 0);
	INTERRUPTED(rt_sigsuspend, &nothing, 8);
	INTERRUPTED(rt_sigtimedwait, &mask, 0, 0, 8);
	INTERRUPTED(sendto, full_pair[1], buffer, 1, 0, 0, 0);
	INTERRUPTED(sendmsg, full_pair[1], &message, 0);
	INTERRUPTED(wait4, -1, 0, 0, 0);
	INTERRUPTED(waitid, P_ALL, 0, buffer, WEXITED, 0);
	INTERRUPTED(write, full_pipe[1], buffer, 1);
	INTERRUPTED(writev, full_pipe[1], &byte_of, 1);
	while (msgsnd(queue, &letter, 8, IPC_NOWAIT) == 0)
		;
	INTERRUPTED(msgsnd, queue, &letter, 8, 0);
	TRY(msgsnd, queue, &letter, 8, IPC_NOWAIT);
	kill(holder, SIGKILL);
	CHECK(wait_status(holder) == 128 + SIGKILL);
	CHECK(msgctl(queue, IPC_RMID, 0) == 0);
}

/* Waits that end in 272 years and later: as good as without end, whatever unit of time the number is turned into. */
static void endless(int64_t seconds)
{
	const struct timespec late = { seconds, 999999999 };
	const struct itimerspec timer = { late, late };
	const struct itimerval never = { { seconds, 999999 }, { seconds, 999999 } };
	struct itimerval left;
	struct itimerspec is;
	struct timeval second;
	struct epoll_event event;
	uint64_t mask = 1ul << (SIGUSR2 - 1);
	int poller = epoll_create1(0), word = 1, fds = timerfd_create(CLOCK_MONOTONIC, 0), on_wall = timerfd_create(CLOCK_REALTIME, 0);
	timer_t by_number;

	INTERRUPTED(nanosleep, &late, 0);
	INTERRUPTED(clock_nanosleep, CLOCK_MONOTONIC, 0, &late, 0);
	INTERRUPTED(clock_nanosleep, CLOCK_MONOTONIC, TIMER_ABSTIME, &late, 0);
	INTERRUPTED(clock_nanosleep, CLOCK_REALTIME, TIMER_ABSTIME, &late, 0);
	INTERRUPTED(ppoll, 0, 0, &late, 0, 8);
	INTERRUPTED(pselect6, 0, 0, 0, 0, &late, 0);
	second = (struct timeval){ seconds, 999999 };
	INTERRUPTED(select, 0, 0, 0, 0, &second);
	INTERRUPTED(epoll_pwait2, poller, &event, 1, &late, 0, 8);
	INTERRUPTED(futex, &word, FUTEX_WAIT, 1, &late, 0, 0);
	INTERRUPTED(futex, &word, FUTEX_WAIT_BITSET, 1, &late, 0, 1);
	INTERRUPTED(futex, &word, FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME, 1, &late, 0, 1);
	INTERRUPTED(semtimedop, semaphore, &down, 1, &late);
	INTERRUPTED(rt_sigtimedwait, &mask, 0, &late, 8);
	second = (struct timeval){ seconds, 999999 };
	CHECK(setsockopt(empty_pair[0], SOL_SOCKET, SO_RCVTIMEO, &second, sizeof second) == 0);
	INTERRUPTED(recvfrom, empty_pair[0], buffer, 1, 0, 0, 0);
	CHECK(setsockopt(full_pair[1], SOL_SOCKET, SO_SNDTIMEO, &second, sizeof second) == 0);
	INTERRUPTED(sendto, full_pair[1], buffer, 1, 0, 0, 0);
	second.tv_sec = -1;
	CHECK(setsockopt(empty_pair[0], SOL_SOCKET, SO_RCVTIMEO, &second, sizeof second) == 0);
	TRY(recvfrom, empty_pair[0], buffer, 1, 0, 0, 0);
	for (int flags = 0; flags <= TFD_TIMER_ABSTIME; flags++) {
		CHECK(timerfd_settime(fds, flags, &timer, 0) == 0 && timerfd_settime(on_wall, flags, &timer, 0) == 0);
		CHECK(timerfd_gettime(fds, &is) == 0 && is.it_value.tv_sec > 1l << 32 && is.it_interval.tv_sec > 1l << 32);
		INTERRUPTED(read, fds, buffer, 8);
		INTERRUPTED(read, on_wall, buffer, 8);
	}
	/* Timers that nobody waits for: they stand in the same list as an alarm that must come. */
	CHECK(syscall(SYS_timer_create, CLOCK_MONOTONIC, 0, &by_number) == 0 && syscall(SYS_timer_settime, by_number, 0, &timer, 0) == 0);
	CHECK(setitimer(ITIMER_VIRTUAL, &never, 0) == 0 && setitimer(ITIMER_PROF, &never, 0) == 0 && setitimer(ITIMER_REAL, &never, 0) == 0);
	CHECK(getitimer(ITIMER_REAL, &left) == 0 && left.it_value.tv_sec > 1l << 32);
	for (int which = ITIMER_VIRTUAL; which <= ITIMER_PROF; which++)
		CHECK(getitimer(which, &left) == 0 && setitimer(which, &(struct itimerval){ .it_value = { 0, 0 } }, 0) == 0);
	usleep(20000);
	INTERRUPTED(nanosleep, &late, 0);
	CHECK(syscall(SYS_timer_delete, by_number) == 0);
	close(fds);
	close(on_wall);
	close(poller);
}

/* Each of two waits for the other's lock. */
static void deadlock(void)
{
	struct flock first = { .l_type = F_WRLCK, .l_len = 1 }, second = { .l_type = F_WRLCK, .l_start = 1, .l_len = 1 };
	char byte;
	pid_t pid;
	int ready[2];

	CHECK(pipe(ready) == 0 && fcntl((int)fd, F_SETLK, &first) == 0);
	pid = fork();
	if (pid == 0) {
		CHECK(fcntl((int)fd, F_SETLK, &second) == 0 && write(ready[1], "r", 1) == 1);
		_exit(fcntl((int)fd, F_SETLKW, &first) == 0 ? 0 : 1);
	}
	CHECK(read(ready[0], &byte, 1) == 1);
	usleep(100000);
	TRY(fcntl, fd, F_SETLKW, &second);
	first.l_type = F_UNLCK;
	CHECK(fcntl((int)fd, F_SETLK, &first) == 0 && wait_status(pid) == 0);
}

int main(void)
{
	static const int64_t ends[] = { 1l << 33, 9223372035, 9223372036, 9223372037, 9999999999, INT64_MAX };
	char folder[] = "/tmp/waits-XXXXXX";

	setvbuf(stdout, NULL, _IOLBF, 0); /* where it stops is seen */
	CHECK(mkdtemp(folder) && chdir(folder) == 0);
	fd = open("file", O_CREAT | O_RDWR, 0644);
	CHECK(fd >= 0 && write((int)fd, "text", 4) == 4 && mkfifo("fifo", 0600) == 0);
	wait_setup();
	again();
	interrupted();
	/* The last number of seconds that 64 bits of ns can hold, those around it, and where ticks of a fast clock end. */
	for (unsigned i = 0; i < sizeof ends / sizeof *ends; i++)
		endless(ends[i]);
	CHECK(semctl(semaphore, 0, IPC_RMID) == 0);
	deadlock();
	CHECK(unlink("file") == 0 && unlink("fifo") == 0 && unlink("listens") == 0 && chdir("/") == 0 && rmdir(folder) == 0);
	return 0;
}
