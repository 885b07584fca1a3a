/* SPDX-License-Identifier: MIT */
/* The errnos of calls that errors.c leaves out: sockets, timers, identity, extended attributes, scheduling, the older forms of calls about files. */
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>
#include "try.h"

static long fd, dir;

static void sockets(void)
{
	struct sockaddr_un to = { AF_UNIX, "nobody" }, odd = { 99, "" };
	struct iovec one = { buffer, 1 }, wrong = { (void *)BAD, 1 };
	struct msghdr m = { .msg_iov = &one, .msg_iovlen = 1 }, no_memory = { .msg_iov = &wrong, .msg_iovlen = 1 };
	int pair[2], size = 4, listens = socket(AF_UNIX, SOCK_STREAM, 0), alone = socket(AF_UNIX, SOCK_STREAM, 0), letters = socket(AF_UNIX, SOCK_DGRAM, 0);

	CHECK(listens >= 0 && alone >= 0 && letters >= 0 && socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
	signal(SIGPIPE, SIG_IGN);
	TRY(accept, NOFD, 0, 0);
	TRY(accept, fd, 0, 0);
	TRY(accept, alone, 0, 0);
	TRY(accept, letters, 0, 0);
	TRY(accept4, alone, 0, 0, 1);
	TRY(connect, NOFD, &to, sizeof to);
	TRY(connect, fd, &to, sizeof to);
	TRY(connect, alone, &to, sizeof to);
	TRY(connect, alone, &odd, sizeof odd);
	TRY(connect, alone, BAD, sizeof to);
	TRY(connect, alone, &to, 1);
	TRY(connect, alone, &to, 999);
	TRY(connect, pair[0], &to, sizeof to);
	TRY(getsockname, NOFD, buffer, &size);
	TRY(getsockname, fd, buffer, &size);
	TRY(getsockname, alone, buffer, BAD);
	TRY(getpeername, alone, buffer, &size);
	TRY(getpeername, fd, buffer, &size);
	TRY(getpeername, pair[0], buffer, BAD);
	TRY(sendto, NOFD, buffer, 1, 0, 0, 0);
	TRY(sendto, fd, buffer, 1, 0, 0, 0);
	TRY(sendto, alone, buffer, 1, 0, 0, 0);
	TRY(sendto, letters, buffer, 1, 0, 0, 0);
	TRY(sendto, letters, buffer, 1, 0, &to, sizeof to);
	TRY(sendto, pair[0], BAD, 1, 0, 0, 0);
	TRY(sendto, pair[0], buffer, 1, 0, 0, 0);
	TRY(sendmsg, NOFD, &m, 0);
	TRY(sendmsg, fd, &m, 0);
	TRY(sendmsg, pair[0], BAD, 0);
	TRY(sendmsg, pair[0], &no_memory, 0);
	TRY(recvfrom, NOFD, buffer, 1, 0, 0, 0);
	TRY(recvfrom, fd, buffer, 1, 0, 0, 0);
	TRY(recvfrom, alone, buffer, 1, 0, 0, 0);
	TRY(recvfrom, pair[0], buffer, 1, MSG_DONTWAIT, 0, 0);
	TRY(recvfrom, pair[1], buffer, 1, 0, 0, 0);
	TRY(recvmsg, NOFD, &m, 0);
	TRY(recvmsg, fd, &m, 0);
	TRY(recvmsg, pair[0], BAD, 0);
	TRY(recvmsg, pair[0], &m, MSG_DONTWAIT);
	TRY(setsockopt, NOFD, SOL_SOCKET, SO_PASSCRED, &size, 4);
	TRY(setsockopt, fd, SOL_SOCKET, SO_PASSCRED, &size, 4);
	TRY(setsockopt, alone, SOL_SOCKET, SO_PASSCRED, BAD, 4);
	TRY(setsockopt, alone, SOL_SOCKET, SO_PASSCRED, &size, 1);
	TRY(setsockopt, alone, SOL_SOCKET, 9999, &size, 4);
	TRY(setsockopt, alone, SOL_SOCKET, SO_PASSCRED, &size, 4);
	TRY(getsockopt, alone, SOL_SOCKET, SO_TYPE, BAD, &size);
	TRY(getsockopt, alone, SOL_SOCKET, 9999, buffer, &size);
	TRY(shutdown, NOFD, 0);
	TRY(shutdown, fd, 0);
	TRY(shutdown, alone, 0);
	TRY(shutdown, pair[0], 9);
	TRY(shutdown, pair[0], SHUT_WR);
	TRY(sendto, pair[0], buffer, 1, 0, 0, 0);
	TRY(recvfrom, pair[1], buffer, 1, 0, 0, 0);
}

static void clocks(void)
{
	struct itimerspec soon = { .it_value = { 1000, 0 } }, bad = { .it_value = { 0, 1000000000 } };
	struct sigevent event = { .sigev_notify = SIGEV_NONE }, odd = { .sigev_notify = 77 };
	int id = -1, plain = (int)syscall(SYS_timerfd_create, CLOCK_MONOTONIC, 0);

	TRY(timer_create, 99, &event, &id);
	TRY(timer_create, CLOCK_MONOTONIC, &odd, &id);
	TRY(timer_create, CLOCK_MONOTONIC, BAD, &id);
	TRY(timer_create, CLOCK_MONOTONIC, &event, BAD);
	CHECK(syscall(SYS_timer_create, CLOCK_MONOTONIC, &event, &id) == 0);
	TRY(timer_settime, id, 0, &bad, 0);
	TRY(timer_settime, id, 0, 0, 0);
	TRY(timer_settime, id, 0, BAD, 0);
	TRY(timer_settime, 9999, 0, &soon, 0);
	TRY(timer_settime, id, 0, &soon, BAD);
	TRY(timer_gettime, id, BAD);
	TRY(timer_gettime, 9999, buffer);
	TRY(timer_gettime, id, buffer);
	TRY(timer_getoverrun, id);
	TRY(timer_getoverrun, 9999);
	TRY(timer_delete, 9999);
	TRY(timer_delete, id);
	TRY(timer_delete, id);
	TRY(timerfd_settime, NOFD, 0, &soon, 0);
	TRY(timerfd_settime, fd, 0, &soon, 0);
	TRY(timerfd_settime, plain, 0, &bad, 0);
	TRY(timerfd_settime, plain, 99, &soon, 0);
	TRY(timerfd_settime, plain, 0, BAD, 0);
	TRY(timerfd_settime, plain, 0, &soon, BAD);
	TRY(timerfd_gettime, fd, buffer);
	TRY(timerfd_gettime, plain, BAD);
	TRY(clock_settime, 99, &soon.it_value);
	TRY(clock_settime, CLOCK_MONOTONIC, &soon.it_value);
	TRY(clock_settime, CLOCK_REALTIME, BAD);
	TRY(clock_settime, CLOCK_REALTIME, &bad.it_value);
	TRY(alarm, 0);
}

static void identity(void)
{
	TRY(getuid);
	TRY(geteuid);
	TRY(getgid);
	TRY(getegid);
	TRY(getresuid, BAD, buffer, buffer);
	TRY(getresuid, buffer, buffer + 8, buffer + 16);
	TRY(getresgid, BAD, buffer, buffer);
	TRY(getresgid, buffer, buffer + 8, buffer + 16);
	TRY(setuid, 0);
	TRY(setgid, 0);
	TRY(setuid, -1);
	TRY(setgid, -1);
	TRY(setreuid, 0, 0);
	TRY(setregid, 0, 0);
	TRY(setresuid, -1, 0, -1);
	TRY(setresgid, -1, 0, -1);
	TRY(setfsuid, 0);
	TRY(setfsgid, 0);
	TRY(setgroups, 1, BAD);
	TRY(setgroups, 70000, buffer);
	TRY(getgroups, -1, buffer);
	TRY(sethostname, BAD, 1);
	TRY(sethostname, "x", -1);
	TRY(sethostname, "x", 65);
	TRY(setdomainname, "x", 65);
	TRY(capget, BAD, 0);
	TRY(capget, &(uint32_t[2]){ 0x20080522, 0x80000000u }, buffer);
	TRY(capget, &(uint32_t[2]){ 0x20080522, 0x7fffffffu }, buffer);
	TRY(capset, BAD, 0);
	TRY(umask, 022);
	TRY(personality, 0xffffffffL);
	TRY(syslog, 99, 0, 0);
	TRY(reboot, 0, 0, 0, 0);
}

static void attributes(void)
{
	TRY(getxattr, "nothing", "user.x", buffer, 10);
	TRY(getxattr, BAD, "user.x", buffer, 10);
	TRY(getxattr, "file", BAD, buffer, 10);
	TRY(lgetxattr, "nothing", "user.x", buffer, 10);
	TRY(fgetxattr, NOFD, "user.x", buffer, 10);
	TRY(setxattr, "nothing", "user.x", "1", 1, 0);
	TRY(setxattr, "file", "user.x", "1", 1, 99);
	TRY(lsetxattr, "nothing", "user.x", "1", 1, 0);
	TRY(fsetxattr, NOFD, "user.x", "1", 1, 0);
	TRY(removexattr, "nothing", "user.x");
	TRY(lremovexattr, "nothing", "user.x");
	TRY(fremovexattr, NOFD, "user.x");
	TRY(llistxattr, "nothing", buffer, 10);
	TRY(flistxattr, NOFD, buffer, 10);
}

static void scheduling(void)
{
	struct { int priority; } zero = { 0 }, high = { 50 };
	uint64_t cpus = 1, none = 0;

	TRY(sched_yield);
	TRY(sched_getscheduler, 0);
	TRY(sched_getscheduler, -1);
	TRY(sched_getscheduler, 1L << 29);
	TRY(sched_setparam, 0, &zero);
	TRY(sched_setparam, 0, &high);
	TRY(sched_setparam, 0, 0);
	TRY(sched_setparam, 1L << 29, &zero);
	TRY(sched_get_priority_min, 0);
	TRY(sched_get_priority_min, 99);
	TRY(sched_rr_get_interval, 0, BAD);
	TRY(sched_rr_get_interval, -1, buffer);
	TRY(sched_rr_get_interval, 1L << 29, buffer);
	TRY(sched_setaffinity, 0, 8, BAD);
	TRY(sched_setaffinity, 0, 8, &none);
	TRY(sched_setaffinity, 1L << 29, 8, &cpus);
	TRY(getcpu, BAD, 0);
	TRY(ioprio_get, 9, 0);
	TRY(ioprio_set, 9, 0, 0);
	TRY(membarrier, 0x40000000L, 0, 0);
	TRY(get_robust_list, 1L << 29, buffer, buffer);
	TRY(mlock2, buffer, 1, 99);
	TRY(mlockall, 0);
	TRY(mlockall, 99);
	TRY(munlockall);
	TRY(rt_tgsigqueueinfo, getpid(), 1L << 29, 0, buffer);
	TRY(rt_tgsigqueueinfo, getpid(), getpid(), SIGUSR1, BAD);
	TRY(brk, 0);
	TRY(clone, 0x10000, 0, 0, 0, 0);  /* CLONE_THREAD without CLONE_SIGHAND */
	TRY(clone, 0x800, 0, 0, 0, 0);    /* CLONE_SIGHAND without CLONE_VM */
}

static void session(void)
{
	pid_t child;

	fflush(stdout);
	child = fork();
	if (!child) {
		TRY(setsid);
		TRY(setsid); /* it leads one already */
		fflush(stdout);
		_exit(0);
	}
	CHECK(wait_status(child) == 0);
}

static void older_forms(void)
{
	struct timeval odd[2] = { { 0, 1000000 }, { 0, 0 } };
	struct iovec one = { buffer, 1 };
	int ends[2], watch = (int)syscall(SYS_epoll_create1, 0);

	CHECK(pipe(ends) == 0);
	TRY(epoll_create, 0);
	TRY(epoll_create, 1);
	TRY(epoll_pwait, NOFD, buffer, 1, 0, 0, 8);
	TRY(epoll_pwait, watch, buffer, 0, 0, 0, 8);
	TRY(epoll_pwait, watch, buffer, 1, 0, BAD, 8);
	TRY(epoll_pwait, watch, buffer, 1, 0, buffer, 4);
	TRY(epoll_pwait2, watch, buffer, 1, BAD, 0, 8);
	TRY(eventfd, 0);
	TRY(signalfd, -1, buffer, 4);
	TRY(signalfd, -1, BAD, 8);
	TRY(signalfd, fd, buffer, 8);
	TRY(faccessat, AT_FDCWD, "nothing", 0);
	TRY(faccessat, AT_FDCWD, BAD, 0);
	TRY(faccessat, AT_FDCWD, "file", 99);
	TRY(faccessat, NOFD, "file", 0);
	TRY(fchmodat, AT_FDCWD, "nothing", 0600);
	TRY(fchmodat, NOFD, "file", 0600);
	TRY(futimesat, AT_FDCWD, "nothing", 0);
	TRY(futimesat, AT_FDCWD, "file", odd);
	TRY(utimes, "nothing", 0);
	TRY(utimes, "file", odd);
	TRY(utimes, "file", BAD);
	TRY(utime, "nothing", 0);
	TRY(utime, "file", BAD);
	TRY(getdents, NOFD, buffer, 100);
	TRY(getdents, fd, buffer, 100);
	TRY(getdents, dir, buffer, 1);
	TRY(lchown, "nothing", 0, 0);
	TRY(lchown, BAD, 0, 0);
	TRY(mkdirat, AT_FDCWD, "file", 0700);
	TRY(mkdirat, NOFD, "x", 0700);
	TRY(mkdirat, fd, "x", 0700);
	TRY(mknodat, AT_FDCWD, "file", S_IFIFO | 0600, 0);
	TRY(mknodat, NOFD, "x", S_IFIFO | 0600, 0);
	TRY(readlinkat, AT_FDCWD, "file", buffer, 10);
	TRY(readlinkat, AT_FDCWD, "nothing", buffer, 10);
	TRY(readlinkat, NOFD, "nothing", buffer, 10);
	TRY(renameat, AT_FDCWD, "nothing", AT_FDCWD, "x");
	TRY(renameat, NOFD, "nothing", AT_FDCWD, "x");
	TRY(symlinkat, "x", AT_FDCWD, "file");
	TRY(symlinkat, "x", NOFD, "new");
	TRY(symlinkat, "", AT_FDCWD, "new");
	TRY(preadv2, fd, buffer, -1L, 0, 0, 0);
	TRY(preadv2, NOFD, buffer, 0, 0, 0, 0);
	TRY(preadv2, ends[0], buffer, 0, 0, 0, 0);
	TRY(pwritev, NOFD, buffer, 0, 0, 0);
	TRY(pwritev2, NOFD, buffer, 0, 0, 0, 0);
	TRY(pwritev2, fd, &one, 1, 0, 0, 0x40000000L);
	TRY(readahead, NOFD, 0, 1);
	TRY(readahead, ends[0], 0, 1);
	TRY(readahead, open("/", O_RDONLY), 0, 1);
	TRY(readahead, open("/dev/null", O_WRONLY), 0, 1);
	TRY(sync_file_range, NOFD, 0, 1, 0);
	TRY(sync_file_range, fd, 0, 1, 99);
	TRY(sync_file_range, fd, -1L, 1, 0);
	TRY(sync_file_range, ends[0], 0, 1, 0);
	TRY(syncfs, NOFD);
	TRY(syncfs, ends[0]);
	TRY(pselect6, -1, 0, 0, 0, 0, 0);
	TRY(pselect6, 1, BAD, 0, 0, 0, 0);
	TRY(pselect6, 0, 0, 0, 0, BAD, 0);
	TRY(pselect6, 0, 0, 0, 0, 0, BAD);
}

int main(void)
{
	char folder[] = "/tmp/errnos-XXXXXX";

	CHECK(mkdtemp(folder) && chdir(folder) == 0);
	CHECK((fd = open("file", O_RDWR | O_CREAT, 0644)) >= 0 && (dir = open(".", O_RDONLY | O_DIRECTORY)) >= 0);
	sockets();
	clocks();
	identity();
	attributes();
	scheduling();
	session();
	older_forms();
	CHECK(unlink("file") == 0 && chdir("/") == 0 && rmdir(folder) == 0);
	return 0;
}
