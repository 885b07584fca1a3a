/* SPDX-License-Identifier: MIT */
/* The errnos of the manual pages (section 2) that programs errors, errnos, names and waits leave out: the limit of descriptors, and the rest call by call. */
#include <fcntl.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>
#include "try.h"

#define FILE_LIMIT (1l << 20)

static long fd, dir;
static struct iovec byte_of = { buffer, 1 };
static struct msghdr message = { .msg_iov = &byte_of, .msg_iovlen = 1 };

static void limit(void)
{
	struct sockaddr_un to = { AF_UNIX, "socket" };
	int listens = socket(AF_UNIX, SOCK_STREAM, 0), comes = socket(AF_UNIX, SOCK_STREAM, 0), free_fd;
	struct rlimit was, r;
	uint64_t mask = 0;

	CHECK(bind(listens, (struct sockaddr *)&to, sizeof to) == 0 && listen(listens, 5) == 0 && connect(comes, (struct sockaddr *)&to, sizeof to) == 0);
	free_fd = dup(0);
	close(free_fd);
	CHECK(getrlimit(RLIMIT_NOFILE, &was) == 0);
	r = was;
	r.rlim_cur = (rlim_t)free_fd;
	CHECK(setrlimit(RLIMIT_NOFILE, &r) == 0);
	TRY(accept, listens, 0, 0);
	TRY(accept4, listens, 0, 0, 0);
	TRY(creat, "file", 0600);
	TRY(dup, fd);
	TRY(dup2, fd, free_fd);
	TRY(dup3, fd, free_fd, 0);
	TRY(epoll_create, 5);
	TRY(epoll_create1, 0);
	TRY(eventfd, 0);
	TRY(eventfd2, 0, 0);
	TRY(fcntl, fd, F_DUPFD, 0);
	TRY(memfd_create, "x", 0);
	TRY(open, "file", O_RDONLY, 0);
	TRY(openat, AT_FDCWD, "file", O_RDONLY, 0);
	TRY(pipe, buffer);
	TRY(pipe2, buffer, 0);
	TRY(signalfd, -1, &mask, 8);
	TRY(signalfd4, -1, &mask, 8, 0);
	TRY(socket, AF_UNIX, SOCK_STREAM, 0);
	TRY(socketpair, AF_UNIX, SOCK_STREAM, 0, buffer);
	TRY(timerfd_create, CLOCK_MONOTONIC, 0);
	CHECK(setrlimit(RLIMIT_NOFILE, &was) == 0);
	TRY(accept, listens, BAD, buffer);
	close(listens);
	close(comes);
	unlink("socket");
}

static void sockets(void)
{
	struct sockaddr_un at = { AF_UNIX, "bound" }, loop = { AF_UNIX, "loop/x" }, child = { AF_UNIX, "file/x" }, absent = { AF_UNIX, "nothing/x" }, dgram = { AF_UNIX, "letters" };
	int s = socket(AF_UNIX, SOCK_STREAM, 0), other = socket(AF_UNIX, SOCK_STREAM, 0), letters = socket(AF_UNIX, SOCK_DGRAM, 0), pair[2], minus = -1, size = 4;
	static char large[1 << 20];
	struct msghdr many = { .msg_iov = &byte_of, .msg_iovlen = 1025 }, named = { .msg_iov = &byte_of, .msg_iovlen = 1, .msg_name = &absent, .msg_namelen = sizeof absent };

	signal(SIGPIPE, SIG_IGN);
	TRY(bind, NOFD, &at, sizeof at);
	TRY(bind, s, BAD, sizeof at);
	TRY(bind, s, &at, 1);
	TRY(bind, s, &loop, sizeof at);
	TRY(bind, s, &child, sizeof at);
	TRY(bind, s, &absent, sizeof at);
	TRY(bind, s, &at, sizeof at);
	TRY(bind, s, &(struct sockaddr_un){ AF_UNIX, "again" }, sizeof at);
	TRY(bind, other, &at, sizeof at);
	TRY(connect, other, &at, sizeof at);
	TRY(connect, other, &loop, sizeof at);
	TRY(connect, other, &child, sizeof at);
	CHECK(bind(letters, (struct sockaddr *)&dgram, sizeof dgram) == 0);
	TRY(connect, other, &dgram, sizeof at);
	TRY(listen, fd, 1);
	TRY(listen, letters, 1);
	TRY(listen, s, 1);
	TRY(connect, other, &at, sizeof at);
	TRY(connect, other, &at, sizeof at);
	TRY(getpeername, NOFD, buffer, &size);
	TRY(getpeername, other, buffer, &minus);
	TRY(getsockname, other, buffer, &minus);
	TRY(getsockopt, NOFD, 1, 3, buffer, &size);
	TRY(getsockopt, other, 1, 3, buffer, &minus);
	TRY(setsockopt, NOFD, 1, 2, &size, 4);
	TRY(socketpair, 99, SOCK_STREAM, 0, buffer);
	TRY(socketpair, AF_UNIX, SOCK_STREAM, 77, buffer);
	TRY(socket, AF_UNIX, 99, 0);
	TRY(socket, AF_UNIX, SOCK_STREAM, 77);
	TRY(socket, AF_UNIX, SOCK_STREAM | 0x100000, 0);
	CHECK(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) == 0);
	TRY(sendto, pair[0], buffer, 8192, MSG_OOB, 0, 0);
	TRY(sendmsg, pair[0], &message, MSG_OOB);
	TRY(sendto, pair[0], large, sizeof large, 0, 0, 0);
	TRY(sendmsg, pair[0], &many, 0);
	TRY(sendmsg, letters, &message, 0);
	TRY(sendmsg, letters, &named, 0);
	TRY(sendto, other, buffer, 1, 0, &at, sizeof at);
	TRY(sendto, letters, buffer, 1, 0, &at, 1);
	TRY(recvmsg, pair[0], &many, 0);
	TRY(recvfrom, pair[0], BAD, 1, MSG_DONTWAIT, 0, 0);
	CHECK(write(pair[1], "x", 1) == 1);
	TRY(recvfrom, pair[0], BAD, 1, 0, 0, 0);
	TRY(shutdown, socket(AF_UNIX, SOCK_STREAM, 0), SHUT_RD);
	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0 && close(pair[1]) == 0);
	TRY(sendto, pair[0], buffer, 1, 0, 0, 0);
	TRY(sendmsg, pair[0], &message, 0);
	TRY(sendmsg, socket(AF_UNIX, SOCK_STREAM, 0), &message, 0);
	TRY(recvfrom, socket(AF_UNIX, SOCK_SEQPACKET, 0), buffer, 1, 0, 0, 0);
	TRY(recvmsg, socket(AF_UNIX, SOCK_SEQPACKET, 0), &message, 0);
	TRY(write, pair[0], buffer, 1);
	unlink("bound");
	unlink("letters");
}

static void events(void)
{
	struct epoll_event e = { EPOLLIN, { 0 } };
	int a = epoll_create1(0), b = epoll_create1(0), counter = eventfd(0, EFD_NONBLOCK), ends[2];
	const struct timespec wrong = { 0, -1 };

	CHECK(pipe(ends) == 0);
	TRY(epoll_ctl, a, EPOLL_CTL_ADD, ends[0], &e);
	TRY(epoll_ctl, a, EPOLL_CTL_ADD, ends[0], &e);
	TRY(epoll_ctl, a, EPOLL_CTL_ADD, a, &e);
	TRY(epoll_ctl, a, EPOLL_CTL_ADD, fd, &e);
	TRY(epoll_ctl, a, EPOLL_CTL_DEL, ends[1], &e);
	TRY(epoll_ctl, a, EPOLL_CTL_MOD, ends[1], &e);
	TRY(epoll_ctl, a, EPOLL_CTL_ADD, ends[1], BAD);
	TRY(epoll_ctl, a, 99, ends[1], &e);
	TRY(epoll_ctl, a, EPOLL_CTL_ADD, b, &e);
	TRY(epoll_ctl, b, EPOLL_CTL_ADD, a, &e);
	CHECK(write(ends[1], "x", 1) == 1);
	TRY(epoll_wait, NOFD, &e, 1, 0);
	TRY(epoll_wait, a, BAD, 1, 0);
	TRY(epoll_wait, a, &e, 0, 0);
	TRY(epoll_pwait2, NOFD, &e, 1, 0, 0, 8);
	TRY(epoll_pwait2, a, &e, 0, 0, 0, 8);
	TRY(epoll_pwait2, a, &e, 1, &wrong, 0, 8);
	TRY(pselect6, 64, memset(buffer, 0xff, 128), 0, 0, 0, 0);
	memset(buffer, 0, 128);
	TRY(read, counter, buffer, 4);
	TRY(write, counter, buffer, 4);
	TRY(read, counter, buffer, 8);
	TRY(read, ends[0], BAD, 1);
	TRY(timerfd_create, CLOCK_MONOTONIC, 99);
	TRY(timerfd_gettime, NOFD, buffer);
	TRY(timerfd_settime, fd, 0, buffer, 0);
	TRY(signalfd, NOFD, buffer, 8);
	TRY(signalfd4, NOFD, buffer, 8, 0);
	TRY(signalfd4, -1, buffer, 8, 77);
	TRY(signalfd4, (long)ends[0], buffer, 8, 0);
}

static void memory(void)
{
	stack_t own = { .ss_sp = buffer, .ss_size = 100 }, odd = { .ss_sp = buffer, .ss_size = sizeof buffer, .ss_flags = 77 };
	long gap = (long)mmap(0, 3 * 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(munmap((void *)(gap + 4096), 4096) == 0);
	TRY(mlock, -4096L, 8192);
	TRY(mlock2, gap, 3 * 4096, 0);
	TRY(munlock, gap, 3 * 4096);
	TRY(munlock, -4096L, 8192);
	TRY(mlock, mmap(0, 4096, PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0), 4096);
	TRY(mlock, mmap(0, 4096, PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), 4096);
	{
		char *locked = mmap(0, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		CHECK(mlock(locked + 4096, 4096) == 0);
		TRY(msync, locked, 4096, MS_INVALIDATE);
		TRY(msync, locked, 8192, MS_INVALIDATE);
		TRY(msync, locked, 8192, MS_SYNC);
	}
	TRY(mlockall, 0);
	TRY(sigaltstack, &own, 0);
	TRY(sigaltstack, &odd, 0);
	TRY(mmap, 0, 4096, PROT_READ, MAP_PRIVATE, dir, 0);
	TRY(mmap, 0, 4096, PROT_READ, MAP_PRIVATE, fd, 1);
	TRY(madvise, gap, 3 * 4096, MADV_DONTNEED);
	TRY(mremap, gap, 4096, 8192, 0, 0);
	TRY(msync, gap, 3 * 4096, MS_ASYNC);
}

static void processes(void)
{
	struct { unsigned version; int pid; } header = { 0x20080522, 1 << 29 }, odd = { 77, 0 };
	struct timespec late = { 100, 0 };
	siginfo_t info = { .si_code = SI_QUEUE }, from_kernel = { .si_code = SI_USER };
	char *const none[] = { 0 };
	int go[2];
	pid_t pid;

	TRY(capget, &header, buffer);
	TRY(capset, &odd, buffer);
	TRY(capset, &header, buffer);
	odd.version = 77;
	TRY(capget, &odd, buffer);
	TRY(clock_getres, CLOCK_MONOTONIC, BAD);
	TRY(clock_nanosleep, CLOCK_MONOTONIC, 0, BAD, 0);
	TRY(clock_nanosleep, CLOCK_THREAD_CPUTIME_ID, 0, &late, 0);
	TRY(get_robust_list, 0, BAD, buffer);
	TRY(getgroups, 10, BAD);
	TRY(ioprio_get, 1, 1 << 29);
	TRY(ioprio_set, 1, 1 << 29, 0x4004);
	TRY(prlimit64, 0, RLIMIT_CPU, BAD, 0);
	TRY(prlimit64, 0, RLIMIT_CPU, 0, BAD);
	TRY(prlimit64, 0, 99, 0, buffer);
	TRY(setrlimit, RLIMIT_CPU, BAD);
	TRY(rt_sigqueueinfo, 1 << 29, SIGUSR1, &info);
	TRY(rt_sigqueueinfo, getpid(), 99, &info);
	TRY(rt_sigqueueinfo, 1, 0, &from_kernel);
	TRY(rt_tgsigqueueinfo, getpid(), 1 << 29, SIGUSR1, &info);
	TRY(rt_tgsigqueueinfo, getpid(), 0, SIGUSR1, &info);
	TRY(sched_getaffinity, 0, 128, BAD);
	TRY(sched_getparam, 1 << 29, buffer);
	TRY(sched_getparam, -1, buffer);
	TRY(sched_setscheduler, 1 << 29, 0, memset(buffer, 0, 8));
	TRY(setpriority, PRIO_PROCESS, 1 << 29, 0);
	TRY(tgkill, getpid(), 0, SIGUSR1);
	TRY(tgkill, getpid(), getpid(), 99);
	TRY(tkill, 1 << 29, SIGUSR1);
	TRY(waitid, 99, 0, buffer, WEXITED, 0);
	TRY(unlinkat, AT_FDCWD, "nothing", 0x80);
	/* One that has executed another program is no more to be moved to a group. */
	CHECK(pipe2(go, O_CLOEXEC) == 0);
	pid = fork();
	if (pid == 0) {
		execve("/bin/sleep", (char *const[]){ (char *)"sleep", (char *)"100", 0 }, none);
		_exit(1);
	}
	close(go[1]);
	(void)!read(go[0], buffer, 1); /* until that closed it */
	TRY(setpgid, pid, pid);
	kill(pid, SIGKILL);
	CHECK(wait_status(pid) == 128 + SIGKILL);
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		setsid();
		TRY(setpgid, 0, 0);
		TRY(setpgid, 0, 1 << 29);
		TRY(setsid);
		fflush(stdout);
		_exit(0);
	}
	CHECK(wait_status(pid) == 0);
}

static void transfers(void)
{
	const struct rlimit small = { FILE_LIMIT, RLIM_INFINITY };
	struct iovec wrong = { (void *)BAD, 1 };
	struct rlimit was;
	int ends[2], more = open("more", O_RDWR | O_CREAT, 0600);
	int64_t offset = 0;

	CHECK(pipe(ends) == 0);
	TRY(fdatasync, NOFD);
	TRY(preadv, fd, &byte_of, 1, -1L, -1L);
	TRY(preadv, fd, &byte_of, -1L, 0, 0);
	TRY(pwritev, fd, &byte_of, 1, -1L, -1L);
	TRY(pwritev2, fd, &byte_of, 1, -2L, -1L, 0);
	TRY(writev, fd, &byte_of, -1L);
	TRY(writev, fd, &wrong, 1);
	TRY(writev, NOFD, &byte_of, 1);
	TRY(sendfile, ends[1], ends[0], &offset, 1);
	TRY(sendfile, ends[1], fd, &offset, -1L);
	TRY(lseek, fd, 0, 99);
	TRY(fcntl, fd, F_SETFL, -1L);
	signal(SIGXFSZ, SIG_IGN);
	CHECK(getrlimit(RLIMIT_FSIZE, &was) == 0 && setrlimit(RLIMIT_FSIZE, &small) == 0);
	TRY(pwrite64, more, buffer, 1, FILE_LIMIT);
	TRY(ftruncate, more, FILE_LIMIT + 1);
	TRY(truncate, "more", FILE_LIMIT + 1);
	TRY(fallocate, more, 0, FILE_LIMIT, 1);
	TRY(copy_file_range, fd, &(int64_t){ 0 }, more, &(int64_t){ FILE_LIMIT }, 1, 0);
	CHECK(lseek(more, FILE_LIMIT - 1, SEEK_SET) > 0 && write(more, "xy", 2) == 1);
	TRY(write, more, buffer, 1);
	CHECK(setrlimit(RLIMIT_FSIZE, &was) == 0);
	unlink("more");
}

int main(void)
{
	char folder[] = "/tmp/manual-XXXXXX";

	setvbuf(stdout, NULL, _IOLBF, 0); /* where it stops is seen */
	CHECK(mkdtemp(folder) && chdir(folder) == 0);
	fd = open("file", O_CREAT | O_RDWR, 0644);
	dir = open(".", O_RDONLY);
	CHECK(fd >= 0 && dir >= 0 && write((int)fd, "text", 4) == 4 && symlink("loop", "loop") == 0);
	limit();
	sockets();
	events();
	memory();
	processes();
	transfers();
	CHECK(unlink("file") == 0 && unlink("loop") == 0 && chdir("/") == 0 && rmdir(folder) == 0);
	return 0;
}
