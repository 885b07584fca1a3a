/* SPDX-License-Identifier: MIT */
/* What a thread keeps and hands on (groups, I/O priority), what two of them share (kcmp), and calls that are older than
 * what is used for the same today: sysfs, ustat, remap_file_pages. Words that futexes cannot be had of. */
#include <fcntl.h>
#include <linux/futex.h>
#include <linux/kcmp.h>
#include <linux/nsfs.h>
#include <linux/random.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/personality.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <time.h>
#include "try.h"

#define PAGE 4096l

static int status_line(const char *key, char *to, size_t max)
{
	FILE *f = fopen("/proc/self/status", "r");

	CHECK(f);
	while (fgets(to, (int)max, f))
		if (!strncmp(to, key, strlen(key))) {
			fclose(f);
			return 1;
		}
	fclose(f);
	return 0;
}

static void groups_show(const char *when)
{
	uint32_t list[8];
	long n = syscall(SYS_getgroups, 8, list);
	char line[100];

	printf("%s: %ld:", when, n);
	for (long i = 0; i < n; i++)
		printf(" %u", list[i]);
	CHECK(status_line("Groups:", line, sizeof line));
	printf(", %s", line);
	fflush(stdout);
}

static void groups(void)
{
	const uint32_t some[] = { 42, 7, 4000000000u, 42 };
	pid_t pid;

	TRY(setgroups, 0, 0);
	groups_show("none");
	TRY(setgroups, 4, some);
	groups_show("sorted");
	TRY(getgroups, 0, 0);
	TRY(getgroups, 3, buffer);
	TRY(getgroups, 4, BAD);
	TRY(setgroups, 4, BAD);
	TRY(setgroups, 65537, some);
	TRY(setgroups, -1, some);
	pid = fork();
	if (!pid) {
		groups_show("of a child");
		TRY(setgroups, 1, some);
		fflush(stdout);
		groups_show("its own");
		fflush(stdout);
		_exit(0);
	}
	CHECK(wait_status(pid) == 0);
	groups_show("still");
	TRY(setgroups, 0, 0);
}

/* ---- I/O priorities */
#define IO(class, level) ((class) << 13 | (level))

static void io(void)
{
	TRY(ioprio_set, 1, 0, IO(2, 3));
	printf("own %ld\n", syscall(SYS_ioprio_get, 1, 0));
	for (int class = 0; class < 8; class++)
		for (int level = 0; level < 8; level += 7)
			printf("set %d %d: %d\n", class, level, syscall(SYS_ioprio_set, 1, 0, IO(class, level)) ? errno : 0);
	printf("last %ld\n", syscall(SYS_ioprio_get, 1, 0));
	TRY(ioprio_set, 1, 0x7fffffff, IO(2, 3));
	TRY(ioprio_set, 4, 0, IO(2, 3));
	TRY(ioprio_set, 0, 0, IO(2, 3));
	TRY(ioprio_get, 1, 0x7fffffff);
	TRY(ioprio_get, 4, 0);
	CHECK(setpgid(0, 0) == 0);
	TRY(ioprio_set, 2, 0, IO(2, 6));
	printf("group %ld\n", syscall(SYS_ioprio_get, 2, 0));
	for (int shares = 0; shares < 2; shares++) {
		long pid = syscall(SYS_clone, SIGCHLD | (shares ? CLONE_IO : 0), 0, 0, 0, 0);

		if (!pid) {
			printf("child had %ld\n", syscall(SYS_ioprio_get, 1, 0));
			printf("kcmp %d\n", syscall(SYS_kcmp, getpid(), getppid(), KCMP_IO, 0, 0) != 0);
			CHECK(syscall(SYS_ioprio_set, 1, 0, IO(2, 1)) == 0);
			fflush(stdout);
			_exit(0);
		}
		CHECK(wait_status((pid_t)pid) == 0);
		printf("shared %d: parent has %ld\n", shares, syscall(SYS_ioprio_get, 1, 0));
		fflush(stdout);
	}
}

/* ---- kcmp. What differs is ordered, the other way round from the other side. */
static void order(const char *what, pid_t a, pid_t b, int type, long x, long y)
{
	long there = syscall(SYS_kcmp, a, b, type, x, y), back = syscall(SYS_kcmp, b, a, type, y, x);

	if (there < 0)
		printf("%s: error %d\n", what, errno);
	else if (!there)
		printf("%s: %s\n", what, back ? "wrong" : "same");
	else
		printf("%s: %s\n", what, there + back == 3 && back ? "differ" : "wrong");
	fflush(stdout);
}

static void compare(void)
{
	static struct kcmp_epoll_slot slot, none = { 0, 99, 0 }, odd = { 0, 0, 0 };
	int fd = open("/dev/null", O_RDONLY), same = dup(fd), other = open("/dev/null", O_RDONLY), pipes[2];
	int epoll = epoll_create1(0);
	struct epoll_event e = { .events = EPOLLIN };
	pid_t me = getpid(), pid;

	CHECK(pipe(pipes) == 0 && epoll_ctl(epoll, EPOLL_CTL_ADD, pipes[0], &e) == 0);
	order("dup", me, me, KCMP_FILE, fd, same);
	order("open twice", me, me, KCMP_FILE, fd, other);
	slot = (struct kcmp_epoll_slot){ (uint32_t)epoll, (uint32_t)pipes[0], 0 };
	none.efd = (uint32_t)epoll;
	odd.efd = (uint32_t)fd;
	TRY(kcmp, me, me, KCMP_EPOLL_TFD, pipes[0], &slot);
	printf("other than what is watched: %d\n", syscall(SYS_kcmp, me, me, KCMP_EPOLL_TFD, pipes[1], &slot) > 0);
	TRY(kcmp, me, me, KCMP_EPOLL_TFD, pipes[0], &none);
	TRY(kcmp, me, me, KCMP_EPOLL_TFD, pipes[0], &odd);
	TRY(kcmp, me, me, KCMP_EPOLL_TFD, pipes[0], BAD);
	TRY(kcmp, me, me, KCMP_EPOLL_TFD, 999, &slot);
	TRY(kcmp, me, 0x7fffffff, KCMP_FILE, fd, fd);
	TRY(kcmp, me, me, KCMP_FILE, fd, 999);
	TRY(kcmp, me, me, KCMP_TYPES, fd, fd);
	TRY(kcmp, me, me, -1, fd, fd);
	pid = fork();
	if (!pid) {
		pause();
		_exit(0);
	}
	order("inherited file", me, pid, KCMP_FILE, fd, fd);
	order("memory of fork", me, pid, KCMP_VM, 0, 0);
	order("files of fork", me, pid, KCMP_FILES, 0, 0);
	order("places of fork", me, pid, KCMP_FS, 0, 0);
	order("handlers of fork", me, pid, KCMP_SIGHAND, 0, 0);
	order("undo of fork", me, pid, KCMP_SYSVSEM, 0, 0);
	order("own memory", me, me, KCMP_VM, 0, 0);
	CHECK(kill(pid, SIGKILL) == 0 && wait_status(pid) == 128 + SIGKILL);
	pid = (pid_t)syscall(SYS_clone, SIGCHLD | CLONE_FILES | CLONE_FS, 0, 0, 0, 0);
	if (!pid) {
		pause();
		_exit(0);
	}
	order("shared files", me, pid, KCMP_FILES, 0, 0);
	order("shared places", me, pid, KCMP_FS, 0, 0);
	CHECK(kill(pid, SIGKILL) == 0 && wait_status(pid) == 128 + SIGKILL);
}

/* ---- kinds and volumes, the old way */
static void volumes(void)
{
	long proc = syscall(SYS_sysfs, 1, "proc");
	struct stat st;

	printf("proc is one: %d\n", proc >= 0 && proc < syscall(SYS_sysfs, 3));
	printf("by number: %ld %s\n", syscall(SYS_sysfs, 2, proc, buffer), buffer);
	TRY(sysfs, 1, "no such kind");
	TRY(sysfs, 1, BAD);
	TRY(sysfs, 2, 99999, buffer);
	TRY(sysfs, 2, 0, BAD);
	TRY(sysfs, 9, 0, 0);
	CHECK(stat("/tmp", &st) == 0);
	TRY(ustat, (uint32_t)st.st_dev, buffer);
	printf("room: %d\n", *(int32_t *)buffer > 0);
	TRY(ustat, (uint32_t)st.st_dev, BAD);
	TRY(ustat, 0xffffffffu, buffer);
}

/* ---- mappings */
static void mappings(void)
{
	int fd = open("/tmp/kept.file", O_RDWR | O_CREAT | O_TRUNC, 0600), zero = open("/dev/zero", O_RDONLY);
	char *m, *wrong, *private;

	CHECK(fd >= 0 && unlink("/tmp/kept.file") == 0);
	for (int i = 0; i < 8; i++) {
		memset(buffer, '0' + i, PAGE);
		CHECK(write(fd, buffer, PAGE) == PAGE);
	}
	m = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	private = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 0);
	CHECK(m != MAP_FAILED && private != MAP_FAILED);
	TRY(remap_file_pages, m, PAGE, 0, 7, 0);
	TRY(remap_file_pages, m + PAGE + 5, PAGE + 9, 0, 6, 0);
	printf("%c%c%c%c\n", m[0], m[PAGE], m[2 * PAGE], m[3 * PAGE]);
	m[0] = 'x';
	CHECK(pread(fd, buffer, 1, 7 * PAGE) == 1 && buffer[0] == 'x');
	TRY(remap_file_pages, m + PAGE, 3 * PAGE, 0, 0, MAP_NONBLOCK);
	printf("%c%c%c%c\n", m[0], m[PAGE], m[2 * PAGE], m[3 * PAGE]);
	TRY(remap_file_pages, m, PAGE, PROT_READ, 0, 0);
	TRY(remap_file_pages, m, 0, 0, 0, 0);
	TRY(remap_file_pages, m, PAGE, 0, -1, 0);
	TRY(remap_file_pages, private, PAGE, 0, 0, 0);
	TRY(remap_file_pages, BAD, PAGE, 0, 0, 0);

	/* what was opened to be read cannot become writable */
	wrong = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, zero, 0);
	CHECK(wrong != MAP_FAILED);
	TRY(mprotect, wrong, PAGE, PROT_WRITE);
	wrong = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, zero, 0);
	TRY(mprotect, wrong, PAGE, PROT_WRITE);

	/* words that are not there, or not to be read: by what is shared */
	wrong = mmap(NULL, 2 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(wrong != MAP_FAILED && munmap(wrong + PAGE, PAGE) == 0);
	TRY(futex, wrong, FUTEX_WAKE, 1, 0, 0, 0);
	TRY(futex, wrong + PAGE, FUTEX_WAKE, 1, 0, 0, 0);
	TRY(futex, wrong, FUTEX_WAKE_PRIVATE, 1, 0, 0, 0);
	TRY(futex, m, FUTEX_WAKE, 1, 0, 0, 0);
	TRY(futex, m, FUTEX_REQUEUE, 1, 1, wrong, 0);
	CHECK(ftruncate(fd, 0) == 0);
	TRY(futex, m, FUTEX_WAKE, 1, 0, 0, 0);
}

/* ---- what names objects and processes otherwise */
static void others(void)
{
	struct sigevent thread = { .sigev_notify = SIGEV_THREAD, .sigev_signo = SIGUSR1 };
	struct utsname name;
	int id, timer, fd, bits = 0, notify;
	char path[40];
	pid_t pid;

	id = msgget(IPC_PRIVATE, 0600);
	CHECK(id >= 0 && msgctl(id, IPC_RMID, NULL) == 0 && (id = msgget(IPC_PRIVATE, 0600)) >= 0);
	printf("by its id: %d\n", msgctl(id, MSG_STAT, (struct msqid_ds *)buffer) == id);
	CHECK(msgctl(id, IPC_RMID, NULL) == 0);
	TRY(timer_create, CLOCK_MONOTONIC, &thread, &timer);
	thread.sigev_signo = 0;
	TRY(timer_create, CLOCK_MONOTONIC, &thread, &timer);
	fd = open("/dev/urandom", O_RDONLY);
	printf("bits: %d %d\n", ioctl(fd, RNDGETENTCNT, &bits), bits);
	close(fd);
	pid = fork();
	if (!pid) {
		pause();
		_exit(0);
	}
	snprintf(path, sizeof path, "/proc/%d", pid);
	fd = open(path, O_RDONLY | O_DIRECTORY);
	CHECK(fd >= 0);
	TRY(pidfd_send_signal, fd, 0, 0, 0);
	TRY(pidfd_send_signal, fd, SIGTERM, 0, 0);
	CHECK(wait_status(pid) == 128 + SIGTERM);
	TRY(pidfd_send_signal, fd, 0, 0, 0);
	close(fd);
	fd = open("/proc", O_RDONLY | O_DIRECTORY);
	TRY(pidfd_send_signal, fd, 0, 0, 0);
	CHECK(personality(UNAME26) >= 0 && uname(&name) == 0);
	printf("old: %.4s\n", name.release);
	CHECK(personality(0) >= 0 && uname(&name) == 0);
	printf("new: %d\n", strncmp(name.release, "2.6.", 4) != 0);

	/* a new file is not cut by O_TRUNC */
	CHECK(mkdir("/tmp/kept.dir", 0700) == 0 && (notify = inotify_init1(IN_NONBLOCK)) >= 0);
	CHECK(inotify_add_watch(notify, "/tmp/kept.dir", IN_ALL_EVENTS) >= 0);
	CHECK((fd = creat("/tmp/kept.dir/f", 0600)) >= 0 && close(fd) == 0);
	long n = read(notify, buffer, sizeof buffer);
	for (long at = 0; at < n;) {
		struct inotify_event *e = (struct inotify_event *)(buffer + at);

		printf("event %x\n", e->mask);
		at += (long)(sizeof *e + e->len);
	}
	CHECK(unlink("/tmp/kept.dir/f") == 0 && rmdir("/tmp/kept.dir") == 0);
}

/* ---- kinds of programs that personality(2) knows, and what they change */
static void kinds(void)
{
	static const struct { unsigned long kind; const char *name; } row[] = {
		{ PER_LINUX32, "32 bits" }, { PER_BSD, "BSD's" }, { PER_SOLARIS & PER_MASK, "Solaris's" },
		{ ADDR_LIMIT_32BIT, "addresses of 32 bits" }, { ADDR_LIMIT_3GB, "3 GiB of them" },
		{ STICKY_TIMEOUTS, "timeouts stay" }, { 0, "plain" },
	};
	struct utsname name;

	for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
		struct timeval t = { 0, 1000 };

		CHECK(personality(row[i].kind) >= 0 && uname(&name) == 0 && select(0, NULL, NULL, NULL, &t) == 0);
		printf("%s: %lx, machine %s, left %ld\n", row[i].name, (long)personality(0xffffffff), name.machine,
			(long)t.tv_usec);
		if (row[i].kind & ~(unsigned long)STICKY_TIMEOUTS)
			continue;
		for (int call = 0; call < 2; call++) {
			struct timespec left = { 0, 1000 }, more = { 1000, 0 };
			int fd[2];

			CHECK(pipe(fd) == 0 && write(fd[1], "x", 1) == 1);
			struct pollfd ready = { fd[0], POLLIN, 0 };
			CHECK(call ? syscall(SYS_pselect6, 0, NULL, NULL, NULL, &left, NULL) == 0
				: syscall(SYS_ppoll, NULL, 0, &left, NULL, 8) == 0);
			CHECK(syscall(SYS_ppoll, &ready, 1, &more, NULL, 8) == 1);
			printf("left %ld, of more %d\n", left.tv_nsec, more.tv_sec < 1000);
			close(fd[0]);
			close(fd[1]);
		}
	}
}

/* ---- a wait for signals goes on when one comes that is ignored; one that was blocked before ends it */
static void nothing(int sig) { (void)sig; }
static void wait_beside(const char *what, void (*action)(int), int blocked, int waited)
{
	sigset_t blocks, waits;
	struct timespec t = { 0, 300000000 };
	pid_t me = getpid(), pid;
	int r, e;

	sigemptyset(&blocks);
	sigemptyset(&waits);
	if (blocked)
		sigaddset(&blocks, SIGUSR1);
	if (waited)
		sigaddset(&waits, SIGUSR1);
	CHECK(signal(SIGUSR1, action) != SIG_ERR && sigprocmask(SIG_SETMASK, &blocks, NULL) == 0);
	fflush(stdout);
	pid = fork();
	if (!pid) {
		usleep(50000);
		_exit(kill(me, SIGUSR1) != 0);
	}
	r = sigtimedwait(&waits, NULL, &t);
	e = r < 0 ? errno : 0;
	CHECK(wait_status(pid) == 0 && signal(SIGUSR1, SIG_IGN) != SIG_ERR);
	sigemptyset(&blocks);
	CHECK(sigprocmask(SIG_SETMASK, &blocks, NULL) == 0);
	printf("%s: %d %d\n", what, r, e);
}
static void waits(void)
{
	wait_beside("ignored", SIG_IGN, 0, 0);
	wait_beside("ignored and waited for", SIG_IGN, 0, 1);
	wait_beside("ignored, blocked and waited for", SIG_IGN, 1, 1);
	wait_beside("ignored and blocked", SIG_IGN, 1, 0);
	wait_beside("handled", nothing, 0, 0);
	wait_beside("handled and waited for", nothing, 0, 1);
}

/* ---- what a namespace's file tells: ioctl_ns(2) */
static void spaces(void)
{
	static const char *const name[] = { "cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts" };

	for (size_t i = 0; i < sizeof name / sizeof name[0]; i++) {
		char path[40];
		unsigned uid = 7;
		long owner, type;
		int fd;

		snprintf(path, sizeof path, "/proc/self/ns/%s", name[i]);
		CHECK((fd = open(path, O_RDONLY)) >= 0);
		printf("%s: type %d,", name[i], ioctl(fd, NS_GET_NSTYPE));
		owner = ioctl(fd, NS_GET_OWNER_UID, &uid);
		printf(" owner %ld %d %u,", owner, owner < 0 ? errno : 0, uid);
		type = ioctl(fd, 0xb7ff);
		printf(" other %ld %d,", type, errno);
		if (strcmp(name[i], "pid") && strcmp(name[i], "user")) {
			type = ioctl(fd, NS_GET_PARENT);
			printf(" parent %ld %d,", type, errno);
			CHECK((owner = ioctl(fd, NS_GET_USERNS)) >= 0);
			printf(" in one of type %x, kept at exec %d\n", ioctl((int)owner, NS_GET_NSTYPE),
				!(fcntl((int)owner, F_GETFD) & FD_CLOEXEC));
			close((int)owner);
		} else {
			printf("\n");
		}
		close(fd);
	}
}

int main(void)
{
	groups();
	io();
	compare();
	volumes();
	mappings();
	others();
	kinds();
	waits();
	spaces();
	return 0;
}
