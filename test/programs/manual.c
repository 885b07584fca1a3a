/* SPDX-License-Identifier: MIT */
/* The errnos of the manual pages (section 2) that programs errors and errnos leave out: names that lead nowhere for each call that takes one, the limit of descriptors,
 * what would wait, what a signal interrupts, and the rest call by call. A fresh folder is the working directory. */
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>
#include "try.h"

#define FUTEX_WAIT 0
#define FILE_LIMIT (1l << 20)

static long fd, dir, self = AT_FDCWD;
static const char *p;

/* ---- names */

static const struct { const char *name, *path; } names[] = {
	{ "no address", (const char *)BAD }, { "a loop", "loop/x" }, { "a name too long", longest }, { "a file's child", "file/x" }, { "nothing's child", "nothing/x" },
};

/* The call with each of them as p. */
#define NAMES(call, ...) do { \
		for (unsigned i = 0; i < sizeof names / sizeof *names; i++) { \
			p = names[i].path; \
			tried_of(#call "(" #__VA_ARGS__ ")", names[i].name, syscall(SYS_##call, ##__VA_ARGS__)); \
		} \
	} while (0)

static void tried_of(const char *what, const char *name, long result)
{
	char line[300];

	snprintf(line, sizeof line, "%s of %s", what, name);
	tried(line, result);
}

static void paths(void)
{
	char *const none[] = { 0 };

	NAMES(access, p, 0);
	NAMES(chdir, p);
	NAMES(chmod, p, 0600);
	NAMES(chown, p, 0, 0);
	NAMES(creat, p, 0600);
	NAMES(execve, p, none, none);
	NAMES(execveat, self, p, none, none, 0);
	NAMES(faccessat, self, p, 0);
	NAMES(faccessat2, self, p, 0, 0);
	NAMES(fchmodat, self, p, 0600);
	NAMES(fchownat, self, p, 0, 0, 0);
	NAMES(futimesat, self, p, 0);
	NAMES(getxattr, p, "user.x", buffer, 10);
	NAMES(lchown, p, 0, 0);
	NAMES(lgetxattr, p, "user.x", buffer, 10);
	NAMES(link, p, "new");
	NAMES(link, "file", p);
	NAMES(linkat, self, p, self, "new", 0);
	NAMES(linkat, self, "file", self, p, 0);
	NAMES(listxattr, p, buffer, 10);
	NAMES(llistxattr, p, buffer, 10);
	NAMES(lremovexattr, p, "user.x");
	NAMES(lstat, p, buffer);
	NAMES(mkdir, p, 0700);
	NAMES(mkdirat, self, p, 0700);
	NAMES(mknod, p, S_IFREG | 0600, 0);
	NAMES(mknodat, self, p, S_IFREG | 0600, 0);
	NAMES(newfstatat, self, p, buffer, 0);
	NAMES(open, p, O_RDONLY, 0);
	NAMES(openat, self, p, O_RDONLY, 0);
	NAMES(readlink, p, buffer, 10);
	NAMES(readlinkat, self, p, buffer, 10);
	NAMES(removexattr, p, "user.x");
	NAMES(rename, p, "new");
	NAMES(rename, "file", p);
	NAMES(renameat, self, p, self, "new");
	NAMES(renameat, self, "file", self, p);
	NAMES(renameat2, self, p, self, "new", 0);
	NAMES(renameat2, self, "file", self, p, 0);
	NAMES(rmdir, p);
	NAMES(stat, p, buffer);
	NAMES(statfs, p, buffer);
	NAMES(statx, self, p, 0, 0xfff, buffer);
	NAMES(symlink, "x", p);
	NAMES(symlinkat, "x", self, p);
	NAMES(truncate, p, 0);
	NAMES(unlink, p);
	NAMES(unlinkat, self, p, 0);
	NAMES(utime, p, 0);
	NAMES(utimensat, self, p, 0, 0);
	NAMES(utimes, p, 0);
}

/* A folder that is none. */
#define FOLDERS(call, ...) do { self = NOFD; TRY(call, __VA_ARGS__); self = fd; TRY(call, __VA_ARGS__); self = AT_FDCWD; } while (0)

static void folders(void)
{
	char *const none[] = { 0 };

	FOLDERS(execveat, self, "x", none, none, 0);
	FOLDERS(faccessat, self, "x", 0);
	FOLDERS(faccessat2, self, "x", 0, 0);
	FOLDERS(fchmodat, self, "x", 0600);
	FOLDERS(fchownat, self, "x", 0, 0, 0);
	FOLDERS(futimesat, self, "x", 0);
	FOLDERS(linkat, self, "x", AT_FDCWD, "new", 0);
	FOLDERS(linkat, AT_FDCWD, "file", self, "new", 0);
	FOLDERS(mkdirat, self, "x", 0700);
	FOLDERS(mknodat, self, "x", S_IFREG | 0600, 0);
	FOLDERS(newfstatat, self, "x", buffer, 0);
	FOLDERS(openat, self, "x", O_RDONLY, 0);
	FOLDERS(readlinkat, self, "x", buffer, 10);
	FOLDERS(renameat, self, "x", AT_FDCWD, "new");
	FOLDERS(renameat2, AT_FDCWD, "file", self, "new", 0);
	FOLDERS(statx, self, "x", 0, 0xfff, buffer);
	FOLDERS(symlinkat, "x", self, "new");
	FOLDERS(unlinkat, self, "x", 0);
	FOLDERS(utimensat, self, "x", 0, 0);
}

/* The same object twice, the wrong kind, what is in the way. */
static void kinds(void)
{
	static char whole[200000];
	char *const arguments[] = { whole, 0 }, *const none[] = { 0 };

	TRY(renameat, AT_FDCWD, "file", AT_FDCWD, "folder");
	TRY(renameat, AT_FDCWD, "folder", AT_FDCWD, "file");
	TRY(renameat, AT_FDCWD, "folder", AT_FDCWD, "full");
	TRY(renameat, AT_FDCWD, "folder", AT_FDCWD, "folder/x");
	TRY(renameat, AT_FDCWD, "folder/.", AT_FDCWD, "new");
	TRY(renameat2, AT_FDCWD, "file", AT_FDCWD, "folder", 0);
	TRY(renameat2, AT_FDCWD, "folder", AT_FDCWD, "file", 0);
	TRY(renameat2, AT_FDCWD, "folder", AT_FDCWD, "full", 0);
	TRY(renameat2, AT_FDCWD, "folder/.", AT_FDCWD, "new", 0);
	TRY(rename, "file", "/proc/new");
	TRY(renameat, AT_FDCWD, "file", AT_FDCWD, "/proc/new");
	TRY(renameat2, AT_FDCWD, "file", AT_FDCWD, "/proc/new", 0);
	TRY(linkat, AT_FDCWD, "file", AT_FDCWD, "folder", 0);
	TRY(linkat, AT_FDCWD, "folder", AT_FDCWD, "new", 0);
	TRY(unlinkat, AT_FDCWD, "folder", 0);
	TRY(unlinkat, AT_FDCWD, "full", AT_REMOVEDIR);
	TRY(unlinkat, AT_FDCWD, "nothing", 0);
	TRY(openat, AT_FDCWD, "file", O_CREAT | O_EXCL, 0600);
	TRY(openat, AT_FDCWD, "folder", O_WRONLY, 0);
	TRY(openat, AT_FDCWD, "fifo", O_WRONLY | O_NONBLOCK, 0);
	TRY(openat, AT_FDCWD, "loop", O_RDONLY, 0);
	TRY(openat, AT_FDCWD, "folder", O_TMPFILE | O_RDONLY, 0600);
	TRY(open, "folder", O_TMPFILE | O_RDONLY, 0600);
	TRY(open, "/proc/self/exe", O_WRONLY, 0);
	TRY(openat, AT_FDCWD, "/proc/self/exe", O_RDWR, 0);
	TRY(truncate, "/proc/self/exe", 0);
	TRY(truncate, "file", 1L << 62);
	TRY(ftruncate, fd, 1L << 62);
	TRY(fallocate, fd, 0, 1L << 62, 1);
	TRY(statfs, "nothing", buffer);
	TRY(fstatfs, fd, BAD);
	TRY(statx, AT_FDCWD, "", 0, 0xfff, buffer);
	TRY(faccessat2, AT_FDCWD, "nothing", 0, 0);
	TRY(utimensat, AT_FDCWD, "file", BAD, 0);
	TRY(execve, "text", none, none);
	TRY(execve, "folder", none, none);
	TRY(execve, "/proc/self/exe", BAD, none);
	memset(whole, 'w', sizeof whole - 1);
	TRY(execve, "/proc/self/exe", arguments, none);
	TRY(execve, "written", none, none);
	TRY(execveat, AT_FDCWD, "text", none, none, 0x8000);
	TRY(execveat, AT_FDCWD, "link", none, none, AT_SYMLINK_NOFOLLOW);
	TRY(mkdir, "", 0700);
	TRY(mknodat, AT_FDCWD, "new", 0170000, 0);
	TRY(mkdir, "folder/..", 0700);
	TRY(getcwd, buffer, 0);
	TRY(mprotect, mmap(0, 4096, PROT_READ, MAP_SHARED, open("file", O_RDONLY), 0), 4096, PROT_READ | PROT_WRITE);
}

/* In a folder that is gone. */
static void gone(void)
{
	long here = open(".", O_RDONLY), inside;

	CHECK(mkdir("away", 0700) == 0 && chdir("away") == 0);
	inside = open(".", O_RDONLY);
	CHECK(inside >= 0 && rmdir("../away") == 0);
	TRY(getcwd, buffer, sizeof buffer);
	TRY(getdents, inside, buffer, 1000);
	TRY(getdents64, inside, buffer, 1000);
	TRY(mkdir, "x", 0700);
	TRY(creat, "x", 0600);
	TRY(symlink, "x", "y");
	CHECK(fchdir((int)here) == 0);
	close((int)here);
	close((int)inside);
}

/* ---- the limit of descriptors */

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

/* ---- what would wait, and what a signal interrupts */

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
	CHECK(msgctl(queue, IPC_RMID, 0) == 0 && semctl(semaphore, 0, IPC_RMID) == 0);
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

/* ---- call by call */

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
	int file;

	setvbuf(stdout, NULL, _IOLBF, 0); /* where it stops is seen */
	memset(longest, 'a', sizeof longest - 1);
	CHECK(mkdtemp(folder) && chdir(folder) == 0);
	fd = open("file", O_CREAT | O_RDWR, 0644);
	dir = open(".", O_RDONLY);
	CHECK(fd >= 0 && dir >= 0 && write((int)fd, "text", 4) == 4 && mkdir("folder", 0755) == 0 && mkdir("full", 0755) == 0 && mkdir("full/in", 0755) == 0);
	CHECK(symlink("text", "link") == 0 && symlink("loop", "loop") == 0 && mkfifo("fifo", 0600) == 0);
	CHECK((file = open("text", O_CREAT | O_WRONLY, 0755)) >= 0 && write(file, "\1\2\3\4", 4) == 4 && close(file) == 0);
	CHECK((file = open("written", O_CREAT | O_WRONLY, 0755)) >= 0 && write(file, "#!/bin/true\n", 12) == 12);
	fflush(stdout);
	paths();
	folders();
	kinds();
	gone();
	limit();
	fflush(stdout);
	wait_setup();
	again();
	interrupted();
	deadlock();
	sockets();
	events();
	memory();
	processes();
	transfers();
	for (const char *const *name = (const char *const[]){ "file", "link", "loop", "fifo", "text", "written", "listens", 0 }; *name; name++)
		CHECK(unlink(*name) == 0);
	CHECK(rmdir("folder") == 0 && rmdir("full/in") == 0 && rmdir("full") == 0 && chdir("/") == 0 && rmdir(folder) == 0);
	return 0;
}
