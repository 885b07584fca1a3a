/* SPDX-License-Identifier: MIT */
/* The wall clock is set: what follows it, what does not, and what is refused. It would set a host's clock, so Linux's
 * answers stand here as checks; with the argument `read` it sets nothing and is the same on both. */
#include <fcntl.h>
#include <limits.h>
#include <mqueue.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/timex.h>
#include <time.h>
#include "try.h"

#define NS 1000000000l
#define HOUR 3600l
#define WAIT_BITSET_WALL (9 | 256) /* FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME; musl has no header of it */

static long now(clockid_t clock)
{
	struct timespec t, by_call;

	CHECK(clock_gettime(clock, &t) == 0 && syscall(SYS_clock_gettime, clock, &by_call) == 0);
	CHECK(by_call.tv_sec - t.tv_sec <= 1 && by_call.tv_sec >= t.tv_sec);
	return t.tv_sec;
}

static void set(long s)
{
	struct timespec t = { s, 0 };

	CHECK(clock_settime(CLOCK_REALTIME, &t) == 0);
}

static int near(long a, long b) { return a - b <= 5 && b - a <= 5; }

static void refused(void)
{
	struct timex t = { 0 };
	struct timeval v = { 0, 1000001 };
	struct timezone far = { 1000, 0 };

	TRY(adjtimex, BAD);
	TRY(clock_adjtime, CLOCK_REALTIME, BAD);
	TRY(clock_adjtime, CLOCK_MONOTONIC, &t);
	TRY(clock_adjtime, CLOCK_TAI, &t);
	TRY(clock_adjtime, CLOCK_PROCESS_CPUTIME_ID, &t);
	TRY(clock_adjtime, 99, &t);
	TRY(clock_adjtime, CLOCK_REALTIME, &t);
	TRY(adjtimex, &t);
	printf("%ld %ld %ld %ld\n", (long)t.tolerance, (long)t.tick, (long)t.freq, (long)t.offset);
	CHECK(near((long)t.time.tv_sec, now(CLOCK_REALTIME)));
	t.modes = 0x8000;
	TRY(adjtimex, &t);
	t.modes = ADJ_TICK;
	t.tick = 1;
	TRY(adjtimex, &t);
	t.modes = ADJ_SETOFFSET;
	t.time.tv_usec = 1000000;
	TRY(adjtimex, &t);
	t.time.tv_usec = -1;
	TRY(adjtimex, &t);
	t.modes = ADJ_OFFSET_SS_READ;
	TRY(adjtimex, &t);
	TRY(settimeofday, &v, 0);
	v.tv_usec = -1;
	TRY(settimeofday, &v, 0);
	v = (struct timeval){ -1, 0 };
	TRY(settimeofday, &v, 0);
	TRY(settimeofday, BAD, 0);
	TRY(settimeofday, 0, BAD);
	TRY(settimeofday, 0, &far);
}

static void adjusts(void)
{
	struct timex t = { .modes = ADJ_SETOFFSET, .time = { -HOUR, 500000 } };
	long wall = now(CLOCK_REALTIME), up = now(CLOCK_MONOTONIC);

	CHECK(adjtimex(&t) == TIME_ERROR && near(now(CLOCK_REALTIME), wall - HOUR) && near(now(CLOCK_MONOTONIC), up));
	t = (struct timex){ .modes = ADJ_SETOFFSET | ADJ_NANO, .time = { HOUR, 5 } };
	CHECK(adjtimex(&t) == TIME_ERROR && near(now(CLOCK_REALTIME), wall) && t.status & STA_NANO);
	t = (struct timex){ .modes = ADJ_SETOFFSET, .time = { -wall - 1, 0 } };
	CHECK(adjtimex(&t) == -1 && errno == EINVAL);
	t = (struct timex){ .modes = ADJ_TAI, .constant = 37 };
	CHECK(adjtimex(&t) == TIME_ERROR && t.tai == 37 && near(now(CLOCK_TAI), wall + 37));
	CHECK(now(CLOCK_TAI) - now(CLOCK_REALTIME) >= 36);
	t = (struct timex){ .modes = ADJ_STATUS | ADJ_MAXERROR | ADJ_ESTERROR, .maxerror = 1000, .esterror = 77 };
	CHECK(adjtimex(&t) == TIME_OK && t.esterror == 77 && t.maxerror >= 1000 && t.maxerror < 100000);
	t = (struct timex){ .modes = ADJ_STATUS, .status = STA_UNSYNC };
	CHECK(adjtimex(&t) == TIME_ERROR && t.status & STA_UNSYNC);
	/* Another rate is refused, the one that it has is not. */
	t = (struct timex){ .modes = ADJ_FREQUENCY | ADJ_TICK, .tick = 10000 };
	CHECK(adjtimex(&t) == TIME_ERROR);
	t = (struct timex){ .modes = ADJ_FREQUENCY, .freq = 65536 };
	CHECK(adjtimex(&t) == -1 && errno == EOPNOTSUPP);
	t = (struct timex){ .modes = ADJ_OFFSET_SINGLESHOT, .offset = 1000 };
	CHECK(adjtimex(&t) == -1 && errno == EOPNOTSUPP);
	t = (struct timex){ .modes = ADJ_STATUS, .status = STA_PLL };
	CHECK(adjtimex(&t) == -1 && errno == EOPNOTSUPP);
}

static void sets(void)
{
	struct timespec early = { now(CLOCK_MONOTONIC) - 1, 0 }, late = { LONG_MAX, 0 };
	struct timeval v = { 2000000000, 5 };
	struct timezone zone = { 60, 0 }, got;
	long up = now(CLOCK_MONOTONIC);
	struct stat st;
	pid_t pid;
	int fd;

	set(1900000000);
	CHECK(near(now(CLOCK_REALTIME), 1900000000) && near(time(0), 1900000000) && near(now(CLOCK_MONOTONIC), up));
	CHECK(near(now(CLOCK_BOOTTIME), up) && near(now(CLOCK_REALTIME_COARSE), 1900000000));
	fd = open("file", O_CREAT | O_RDWR | O_TRUNC, 0600);
	CHECK(fd >= 0 && fstat(fd, &st) == 0 && near(st.st_mtime, 1900000000));
	close(fd);
	pid = fork();
	if (pid == 0)
		_exit(!near(now(CLOCK_REALTIME), 1900000000));
	CHECK(wait_status(pid) == 0);
	CHECK(settimeofday(&v, 0) == 0 && gettimeofday(&v, &got) == 0 && near(v.tv_sec, 2000000000) && !got.tz_minuteswest);
	CHECK(clock_settime(CLOCK_REALTIME, &late) == -1 && errno == EINVAL);
	if (early.tv_sec >= 0)
		CHECK(clock_settime(CLOCK_REALTIME, &early) == -1 && errno == EINVAL);
	CHECK(near(now(CLOCK_REALTIME), 2000000000) && syscall(SYS_settimeofday, &v, &zone) == 0);
	CHECK(syscall(SYS_gettimeofday, &v, &got) == 0 && got.tz_minuteswest == 60);
	CHECK(near(now(CLOCK_REALTIME), 2000000000));
}

/* Who waits until the wall clock says something wakes when it is set behind that; who waits so long, does not. */
static void follows(const char *what, int which)
{
	struct timespec until = { now(CLOCK_REALTIME) + HOUR, 0 };
	struct itimerspec its = { .it_value = until };
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1 };
	struct mq_attr attr = { .mq_maxmsg = 1, .mq_msgsize = 8 };
	uint32_t word = 1;
	int ready[2], fd;
	sigset_t mask;
	timer_t id;
	char text[8];
	pid_t pid;

	CHECK(pipe(ready) == 0);
	pid = fork();
	if (pid == 0) {
		sigemptyset(&mask);
		sigaddset(&mask, SIGUSR1);
		sigprocmask(SIG_BLOCK, &mask, 0);
		fd = timerfd_create(CLOCK_REALTIME, 0);
		CHECK(timerfd_settime(fd, TFD_TIMER_ABSTIME, &its, 0) == 0);
		CHECK(timer_create(CLOCK_REALTIME, &event, &id) == 0 && timer_settime(id, TIMER_ABSTIME, &its, 0) == 0);
		CHECK(write(ready[1], "r", 1) == 1);
		switch (which) {
		case 0: CHECK(clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &until, 0) == 0); break;
		case 1: CHECK(read(fd, text, 8) == 8); break;
		case 2: CHECK(sigwaitinfo(&mask, 0) == SIGUSR1); break;
		case 3:
			CHECK(syscall(SYS_futex, &word, WAIT_BITSET_WALL, 1, &until, 0, -1) == -1 &&
				errno == ETIMEDOUT);
			break;
		case 4:
			fd = mq_open("/follows", O_CREAT | O_RDONLY, 0600, &attr);
			CHECK(mq_timedreceive(fd, text, 8, 0, &until) == -1 && errno == ETIMEDOUT && mq_unlink("/follows") == 0);
			break;
		case 5: pause(); break;
		case 6: CHECK(poll(&(struct pollfd){ fd, POLLIN, 0 }, 1, -1) == 1); break;
		case 7:
			its.it_value.tv_sec = HOUR;
			CHECK(timerfd_settime(fd, 0, &its, 0) == 0 && read(fd, text, 8) == 8);
		}
		_exit(now(CLOCK_REALTIME) < until.tv_sec);
	}
	CHECK(read(ready[0], text, 1) == 1);
	usleep(20000);
	set(until.tv_sec - 60);
	usleep(20000);
	CHECK(waitpid(pid, 0, WNOHANG) == 0);
	set(until.tv_sec + 1);
	if (which == 5 || which == 7) {
		usleep(50000);
		CHECK(waitpid(pid, 0, WNOHANG) == 0 && kill(pid, SIGKILL) == 0 && wait_status(pid) == 128 + SIGKILL);
	} else {
		CHECK(wait_status(pid) == 0);
	}
	close(ready[0]);
	close(ready[1]);
	printf("%s\n", what);
}

static void cancels(void)
{
	struct itimerspec its = { .it_value = { now(CLOCK_REALTIME) + 100 * HOUR, 0 } };
	int fd = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK), plain = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK);
	struct pollfd p = { fd, POLLIN, 0 };
	uint64_t n;
	pid_t pid;

	CHECK(timerfd_settime(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &its, 0) == 0);
	CHECK(timerfd_settime(plain, TFD_TIMER_ABSTIME, &its, 0) == 0);
	CHECK(read(fd, &n, 8) == -1 && errno == EAGAIN && poll(&p, 1, 0) == 0);
	set(now(CLOCK_REALTIME) + 10);
	CHECK(poll(&p, 1, 0) == 1 && read(fd, &n, 8) == -1 && errno == ECANCELED);
	CHECK(read(fd, &n, 8) == -1 && errno == EAGAIN && read(plain, &n, 8) == -1 && errno == EAGAIN);
	set(now(CLOCK_REALTIME) + 10);
	CHECK(timerfd_settime(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &its, 0) == -1 && errno == ECANCELED);
	CHECK(read(fd, &n, 8) == -1 && errno == EAGAIN && fcntl(fd, F_SETFL, 0) == 0);
	for (int i = 0; i < 2; i++) {
		pid = fork();
		if (pid == 0) {
			if (i)
				CHECK(poll(&p, 1, -1) == 1);
			_exit(read(fd, &n, 8) != -1 || errno != ECANCELED);
		}
		usleep(20000);
		set(now(CLOCK_REALTIME) + 10);
		CHECK(wait_status(pid) == 0);
	}
	close(fd);
	close(plain);
}

int main(int argc, char **argv)
{
	static const char *const what[] = { "sleep", "timerfd", "timer", "futex", "queue", "pause", "poll", "relative" };

	setvbuf(stdout, 0, _IONBF, 0);
	refused();
	if (argc > 1 && !strcmp(argv[1], "read"))
		return 0;
	adjusts();
	sets();
	for (int i = 0; i < 8; i++)
		follows(what[i], i);
	cancels();
	puts("good");
	return 0;
}
