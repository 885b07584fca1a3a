/* SPDX-License-Identifier: MIT */
/* More descriptors than any fixed table: limits, 10,000 of them in poll, select and epoll, over fork and exec, and what is told when there are no more. */
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include "check.h"

#define MANY 10000
#define LAST (MANY - 1)
#define MOST (MANY + 8) /* the limit */

static void limit(rlim_t soft, rlim_t hard)
{
	CHECK(!setrlimit(RLIMIT_NOFILE, &(struct rlimit){ soft, hard }));
}

static int open_count(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int n = 0;

	CHECK(dir);
	for (struct dirent *e; (e = readdir(dir));)
		n += e->d_name[0] != '.' && atoi(e->d_name) != dirfd(dir);
	closedir(dir);
	return n;
}

static void limits(void)
{
	struct rlimit now;
	int fd = -1, n = 0;

	CHECK(!getrlimit(RLIMIT_NOFILE, &now));
	CHECK(now.rlim_max >= MANY && now.rlim_cur <= now.rlim_max);
	errno = 0;
	CHECK(setrlimit(RLIMIT_NOFILE, &(struct rlimit){ 64, (1ul << 30) + 1 }) == -1 && errno == EPERM);
	limit(70, now.rlim_max);
	while ((fd = dup(0)) >= 0)
		n = fd;
	CHECK(errno == EMFILE && n == 69);
	CHECK(dup2(0, 70) == -1 && errno == EBADF);
	CHECK(fcntl(0, F_DUPFD, 70) == -1 && errno == EINVAL);
	CHECK(open("/dev/null", O_RDONLY) == -1 && errno == EMFILE);
	/* The lowest free number, also after the table has grown, and above a bound. */
	CHECK(!close(5) && !close(66));
	CHECK(fcntl(0, F_DUPFD, 6) == 66 && dup(0) == 5);
	limit(MOST, now.rlim_max);
	CHECK(!syscall(SYS_close_range, 3, ~0u, 0));
	CHECK(open_count() == 3);
}

static void many(int last)
{
	int e = eventfd(0, EFD_NONBLOCK), n = e;

	CHECK(e == 3);
	while (n < LAST - 1)
		n = dup(e);
	CHECK((n = eventfd(1, 0)) == LAST && n == last);
	CHECK(open_count() == MANY);
}

/* One of them is ready, in the middle, and the last one. */
static void waits(void)
{
	static struct pollfd fds[MOST + 1];
	static uint64_t set[MANY / 64 + 1];
	struct epoll_event got[4];
	int ep, middle;

	CHECK(!close(7000) && (middle = eventfd(1, 0)) == 7000);
	for (int i = 0; i < MANY; i++)
		fds[i] = (struct pollfd){ i < 3 ? -1 : i, POLLIN, 0 };
	CHECK(poll(fds, MANY, -1) == 2);
	CHECK(fds[7000].revents == POLLIN && fds[LAST].revents == POLLIN && !fds[6999].revents);
	CHECK(poll(fds, MOST + 1, 0) == -1 && errno == EINVAL);
	for (int i = 3; i < MANY; i++)
		set[i / 64] |= 1ul << (i % 64);
	CHECK(syscall(SYS_select, MANY, set, NULL, NULL, NULL) == 2);
	CHECK(set[7000 / 64] == 1ul << (7000 % 64) && set[LAST / 64] == 1ul << (LAST % 64) && !set[0]);

	CHECK(!close(3) && (ep = epoll_create1(EPOLL_CLOEXEC)) == 3);
	for (int i = 4; i < MANY; i++) {
		struct epoll_event want = { EPOLLIN, { .fd = i } };

		CHECK(!epoll_ctl(ep, EPOLL_CTL_ADD, i, &want));
	}
	CHECK(epoll_wait(ep, got, 4, -1) == 2);
	CHECK(got[0].data.fd + got[1].data.fd == 7000 + LAST);
}

static void inherited(void)
{
	pid_t child = fork();

	if (!child) {
		CHECK(fcntl(LAST, F_GETFD) == 0 && fcntl(5000, F_GETFD) == 0);
		for (int i = 100; i < LAST; i++)
			CHECK(!fcntl(i, F_SETFD, FD_CLOEXEC));
		CHECK(!close(50));
		execl("/proc/self/exe", "manyfiles", "after", (char *)NULL);
		_exit(9);
	}
	CHECK(wait_status(child) == 0);
	CHECK(fcntl(50, F_GETFD) == 0 && fcntl(5000, F_GETFD) == 0);
	CHECK(!syscall(SYS_close_range, 200, ~0u, 4) && fcntl(LAST, F_GETFD) == FD_CLOEXEC && fcntl(199, F_GETFD) == 0);
}

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "after")) { /* exec */
		CHECK(fcntl(99, F_GETFD) == 0 && fcntl(100, F_GETFD) == -1 && fcntl(LAST - 1, F_GETFD) == -1 && fcntl(LAST, F_GETFD) == 0);
		CHECK(dup(0) == 3 && dup(0) == 50 && dup(0) == 100);
		return 0;
	}
	limits();
	many(LAST);
	waits();
	inherited();
	puts("manyfiles: ok");
	return 0;
}
