/* SPDX-License-Identifier: MIT */
/* Every bit of the flags of calls, by itself and beside what the call wants: taken or refused, and by which errno.
 * Linux is the judge; what only newer ones know than Debian's is left out. */
#include <linux/kcmp.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include "try.h"

static int file, folder, pair[2], pipes[2];
static char *page;

/* what: the call; each bit that `with` does not have, but for those of `but`, which are newer or the machine's. */
static void sweep(const char *what, uint32_t with, uint32_t but, long (*call)(uint32_t flags))
{
	printf("%s:", what);
	for (int bit = 0; bit < 32; bit++) {
		uint32_t flag = 1u << bit;
		long r;

		if ((with | but) & flag)
			continue;
		errno = 0;
		r = call(with | flag);
		if (r < 0)
			printf(" %x=%d", flag, errno);
		else
			printf(" %x", flag);
	}
	printf("\n");
}

static long closes(long fd)
{
	if (fd >= 0)
		close((int)fd);
	return fd;
}

static long opened(uint32_t f) { return closes(syscall(SYS_openat, AT_FDCWD, "file", f, 0600)); }
static long mapped(uint32_t f)
{
	long at = syscall(SYS_mmap, 0, 4096l, PROT_READ | PROT_WRITE, f, -1l, 0l);

	if (at != -1)
		munmap((void *)at, 4096);
	return at == -1 ? -1 : 0;
}
static long map_file(uint32_t f)
{
	long at = syscall(SYS_mmap, 0, 4096l, PROT_READ, f, (long)file, 0l);

	if (at != -1)
		munmap((void *)at, 4096);
	return at == -1 ? -1 : 0;
}
static long protected(uint32_t f) { return syscall(SYS_mprotect, page, 4096l, f); }
static long synced(uint32_t f) { return syscall(SYS_msync, page, 4096l, f); }
static long moved(uint32_t f) { return syscall(SYS_mremap, page, 4096l, 4096l, f, page) == -1 ? -1 : 0; }
static long renamed(uint32_t f) { return syscall(SYS_renameat2, AT_FDCWD, "file", AT_FDCWD, "file", f); }
static long waited(uint32_t f) { return syscall(SYS_waitid, P_ALL, 0, 0l, f, 0l); }
static long wait_four(uint32_t f) { return syscall(SYS_wait4, -1l, 0l, f, 0l); }
static long socket_made(uint32_t f) { return closes(syscall(SYS_socket, AF_UNIX, f, 0)); }
static long pair_made(uint32_t f)
{
	int p[2];
	long r = syscall(SYS_socketpair, AF_UNIX, f, 0, p);

	if (r == 0)
		close(p[0]), close(p[1]);
	return r;
}
static long sent(uint32_t f) { return syscall(SYS_sendto, pair[0], "x", 1l, f, 0l, 0l); }
static long received(uint32_t f) { return syscall(SYS_recvfrom, pair[1], buffer, 1l, f, 0l, 0l); }
static long piped(uint32_t f)
{
	int p[2];
	long r = syscall(SYS_pipe2, p, f);

	if (r == 0)
		close(p[0]), close(p[1]);
	return r;
}
static long duplicated(uint32_t f) { return closes(syscall(SYS_dup3, file, 90, f)); }
static long event_made(uint32_t f) { return closes(syscall(SYS_eventfd2, 0, f)); }
static long timer_made(uint32_t f) { return closes(syscall(SYS_timerfd_create, 0, f)); }
static long inotify_made(uint32_t f) { return closes(syscall(SYS_inotify_init1, f)); }
static long epoll_made(uint32_t f) { return closes(syscall(SYS_epoll_create1, f)); }
static long memory_made(uint32_t f) { return closes(syscall(SYS_memfd_create, "m", f)); }
static long signal_made(uint32_t f) { return closes(syscall(SYS_signalfd4, -1l, &(uint64_t){ 1 }, 8l, f)); }
static long unlinked(uint32_t f) { return syscall(SYS_unlinkat, AT_FDCWD, "nothing", f); }
static long accessed(uint32_t f) { return syscall(SYS_faccessat2, AT_FDCWD, "file", 0, f); }
static long stated(uint32_t f) { return syscall(SYS_newfstatat, AT_FDCWD, "file", buffer, f); }
static long statx_of(uint32_t f) { return syscall(SYS_statx, AT_FDCWD, "file", f, 0, buffer); }
static long linked(uint32_t f) { return syscall(SYS_linkat, AT_FDCWD, "nothing", AT_FDCWD, "other", f); }
static long owned(uint32_t f) { return syscall(SYS_fchownat, AT_FDCWD, "file", -1l, -1l, f); }
static long timed(uint32_t f) { return syscall(SYS_utimensat, AT_FDCWD, "file", 0l, f); }
static long drawn(uint32_t f) { return syscall(SYS_getrandom, buffer, 1l, f); }
static long spliced(uint32_t f) { return syscall(SYS_splice, file, 0l, pipes[1], 0l, 1l, f); }
static long teed(uint32_t f) { return syscall(SYS_tee, pipes[0], pipes[0], 1l, f); }
static long closed_range(uint32_t f) { return syscall(SYS_close_range, 500l, 501l, f); }
static long pidfd_made(uint32_t f) { return closes(syscall(SYS_pidfd_open, (long)getpid(), f)); }
static long unshared(uint32_t f) { return syscall(SYS_unshare, f); }

/* ---- fcntl: what is told afterwards, and which commands there are */
static void kept_tell(long result, long kept)
{
	if (result >= 0)
		printf("%s", kept ? " kept" : " dropped");
}

static long flags_set(uint32_t f)
{
	long r = syscall(SYS_fcntl, (long)pipes[0], F_SETFL, (long)f), now = fcntl(pipes[0], F_GETFL);

	kept_tell(r, now & (long)f);
	(void)syscall(SYS_fcntl, (long)pipes[0], F_SETFL, 0l);
	return r;
}
static long file_flags_set(uint32_t f)
{
	long r = syscall(SYS_fcntl, (long)file, F_SETFL, (long)f), now = fcntl(file, F_GETFL);

	kept_tell(r, now & (long)f);
	(void)syscall(SYS_fcntl, (long)file, F_SETFL, 0l);
	return r;
}
static long descriptor_flags_set(uint32_t f)
{
	long r = fcntl(file, F_SETFD, (long)f);

	printf("%s", fcntl(file, F_GETFD) ? " kept" : "");
	(void)fcntl(file, F_SETFD, 0l);
	return r;
}
static long sealed(uint32_t f)
{
	int fd = (int)syscall(SYS_memfd_create, "m", MFD_ALLOW_SEALING);
	long r = fcntl(fd, F_ADD_SEALS, (long)f);

	printf("%s", r == 0 && fcntl(fd, F_GET_SEALS) == (long)f ? " kept" : "");
	close(fd);
	return r;
}

static void commands(void)
{
	static const struct { int from, to; } part[] = { { 0, 20 }, { 32, 42 }, { 1020, 1044 } };

	for (unsigned i = 0; i < sizeof part / sizeof *part; i++)
		for (int command = part[i].from; command < part[i].to; command++) {
			long r;

			if (command == F_NOTIFY)
				continue; /* no dnotify */
			if (command == 1024 + 3 || command == 1024 + 4 || command == F_SETOWN)
				continue; /* newer; or it depends on whose number is there */
			r = syscall(SYS_fcntl, (long)pipes[0], (long)command, BAD);
			printf("fcntl %d: %d\n", command, r < 0 ? errno : 0);
			if (command == F_DUPFD || command == F_DUPFD_CLOEXEC)
				closes(r);
			(void)fcntl(pipes[0], F_SETFL, 0);
		}
}

/* ---- epoll_ctl: each event by itself, of a pipe that can be read, and one that can be written */
static int epolls;
static long watched(int fd, uint32_t f)
{
	struct epoll_event e = { f, { 0 } }, got;
	long r = epoll_ctl(epolls, EPOLL_CTL_ADD, fd, &e);

	if (r < 0)
		return r;
	if (epoll_wait(epolls, &got, 1, 0) == 1)
		printf(" %x:", got.events);
	if (epoll_wait(epolls, &got, 1, 0) == 1)
		printf(" again");
	printf(" mod=%d", epoll_ctl(epolls, EPOLL_CTL_MOD, fd, &e) ? errno : 0);
	CHECK(epoll_ctl(epolls, EPOLL_CTL_DEL, fd, NULL) == 0);
	return r;
}
static long watched_to_read(uint32_t f) { return watched(pipes[0], f); }
static long watched_to_write(uint32_t f) { return watched(pipes[1], f); }
static long watched_socket(uint32_t f) { return watched(pair[0], f); }

/* ---- preadv2 and pwritev2: of a file, and of a pipe and a socket that would have to wait */
static struct iovec vector = { buffer, 4 };
static long file_read(uint32_t f) { return syscall(SYS_preadv2, (long)file, &vector, 1l, 0l, 0l, (long)f); }
static long file_written(uint32_t f)
{
	long r = syscall(SYS_pwritev2, (long)file, &vector, 1l, 8l, 0l, (long)f);

	printf(" size %ld", (long)lseek(file, 0, SEEK_END));
	CHECK(ftruncate(file, 8192) == 0 && lseek(file, 100, SEEK_SET) == 100);
	return r;
}
static long file_written_here(uint32_t f)
{
	long r = syscall(SYS_pwritev2, (long)file, &vector, 1l, -1l, -1l, (long)f);

	printf(" at %ld size", (long)lseek(file, 0, SEEK_CUR));
	printf(" %ld", (long)lseek(file, 0, SEEK_END));
	CHECK(ftruncate(file, 8192) == 0 && lseek(file, 100, SEEK_SET) == 100);
	return r;
}
static int empty[2];
/* Waits, unless the flag says otherwise: SIGALRM ends it. */
static long socket_read(uint32_t f)
{
	long r;

	ualarm(50000, 0);
	r = syscall(SYS_preadv2, (long)empty[0], &vector, 1l, -1l, 0l, (long)f);
	ualarm(0, 0);
	return r;
}
static void on_alarm(int sig) { (void)sig; }

/* ---- clone: of a process with memory of its own; each child ends at once */
static long cloned(uint32_t f)
{
	long pid = syscall(SYS_clone, (long)f, 0l, NULL, NULL, 0l);

	if (pid == 0)
		_exit(0);
	if (pid > 0)
		while (waitpid((pid_t)pid, NULL, __WALL) < 0 && errno == EINTR)
			;
	return pid;
}

/* ---- what clone's flags do */
static void changes(void)
{
	(void)dup2(file, 200);
	(void)chdir("/");
	(void)umask(077);
}
static void changes_own(void)
{
	CHECK(unshare(CLONE_FILES | CLONE_FS) == 0);
	changes();
}
static void closes_own(void)
{
	CHECK(syscall(SYS_close_range, 3l, ~0l, CLOSE_RANGE_UNSHARE) == 0);
}
static void executes(void)
{
	execl("/proc/self/exe", "flags", "closes", NULL);
}

static void places_own(void)
{
	CHECK(unshare(CLONE_FS) == 0);
	changes();
}
static void files_own(void)
{
	CHECK(unshare(CLONE_FILES) == 0);
	changes();
}
static void executes_elsewhere(void)
{
	CHECK(chdir("/") == 0);
	executes();
}

/* In a child by these flags; what its maker has of it then. */
static void shared_by(const char *what, long flags, void (*child)(void))
{
	char here[200], now[200];
	long pid;

	CHECK(getcwd(here, sizeof here));
	(void)umask(022);
	pid = syscall(SYS_clone, flags | SIGCHLD, 0l, NULL, NULL, 0l);
	if (pid == 0) {
		child();
		_exit(0);
	}
	CHECK(pid > 0 && waitpid((pid_t)pid, NULL, 0) == pid && getcwd(now, sizeof now));
	printf("%s: file is open %d, new one %d, working folder is another %d, umask %o\n", what,
		fcntl(file, F_GETFD) >= 0, fcntl(200, F_GETFD) >= 0, strcmp(here, now) != 0, umask(022));
	close(200);
	CHECK(chdir(here) == 0);
}

/* ---- handlers, which two processes have in common, until one executes or a copy is asked for */
static char stack[1 << 16] __attribute__((aligned(16)));
static void nothing(int sig) { (void)sig; }
static int handler_is(int sig)
{
	struct sigaction a;

	CHECK(sigaction(sig, NULL, &a) == 0);
	return (a.sa_handler == nothing) + 2 * (a.sa_handler == SIG_IGN);
}
static int handles(void *again)
{
	CHECK(sigaction(SIGUSR1, &(struct sigaction){ .sa_handler = nothing, .sa_flags = (int)SA_RESETHAND }, NULL) == 0);
	CHECK(sigaction(SIGUSR2, &(struct sigaction){ .sa_handler = SIG_IGN }, NULL) == 0);
	if (again)
		CHECK(raise(SIGUSR1) == 0);
	printf("its maker's handlers are %s\n",
		syscall(SYS_kcmp, getpid(), getppid(), KCMP_SIGHAND, 0l, 0l) ? "others" : "its own");
	return 0;
}
static int handles_and_executes(void *way)
{
	handles(way);
	executes();
	return 1;
}
static void handlers_by(const char *what, int flags, int (*child)(void *), void *way)
{
	pid_t pid;

	CHECK(signal(SIGUSR1, SIG_DFL) != SIG_ERR && signal(SIGUSR2, SIG_DFL) != SIG_ERR);
	pid = clone(child, stack + sizeof stack, flags | CLONE_VM | CLONE_VFORK | SIGCHLD, way);
	CHECK(pid > 0 && waitpid(pid, NULL, 0) == pid);
	printf("%s: USR1 %d, USR2 %d\n", what, handler_is(SIGUSR1), handler_is(SIGUSR2));
}
static void handlers_shared(void)
{
	handlers_by("own handlers", 0, handles, NULL);
	handlers_by("handlers in common", CLONE_SIGHAND, handles, NULL);
	handlers_by("and a signal is taken", CLONE_SIGHAND, handles, stack);
	handlers_by("and an exec", CLONE_SIGHAND, handles_and_executes, NULL);
	handlers_by("own handlers again", 0, handles, NULL);
}

/* ---- what semop is to undo, which a child that has ended leaves to whoever shares it */
static void undone(const char *what, long flags)
{
	int set = semget(IPC_PRIVATE, 1, 0600);
	long middle, pid;

	CHECK(set >= 0);
	middle = syscall(SYS_clone, SIGCHLD, 0l, NULL, NULL, 0l);
	if (middle == 0) {
		pid = syscall(SYS_clone, flags | SIGCHLD, 0l, NULL, NULL, 0l);
		if (pid == 0)
			_exit(semop(set, &(struct sembuf){ 0, 3, SEM_UNDO }, 1) != 0);
		CHECK(waitpid((pid_t)pid, NULL, 0) == pid);
		_exit(semctl(set, 0, GETVAL));
	}
	CHECK(waitpid((pid_t)middle, (int *)&pid, 0) == middle);
	printf("%s: %d when it has ended, %d when its maker has\n", what, WEXITSTATUS((int)pid),
		semctl(set, 0, GETVAL));
	CHECK(semctl(set, 0, IPC_RMID) == 0);
}
static void undone_together(void)
{
	undone("undone", 0);
	undone("undone together", CLONE_SYSVSEM);
}

static void clone_effects(void)
{
	const long all = CLONE_FILES | CLONE_FS;
	int told[2], of_parent = 0;
	pid_t numbers[2] = { 0, 0 };
	long pid;

	shared_by("fork", 0, changes);
	shared_by("sharing", all, changes);
	shared_by("sharing, then not", all, changes_own);
	shared_by("sharing, a table of its own", all, closes_own);
	shared_by("sharing, then executing", all, executes);
	shared_by("sharing files", CLONE_FILES, changes);
	shared_by("sharing files, then not", CLONE_FILES, changes_own);
	shared_by("sharing files, then executing", CLONE_FILES, executes);
	shared_by("sharing places", CLONE_FS, changes);
	shared_by("sharing places, then not", CLONE_FS, changes_own);
	shared_by("sharing places, a table of its own", CLONE_FS, closes_own);
	shared_by("sharing all, then not the places", all, places_own);
	shared_by("sharing all, then not the files", all, files_own);
	shared_by("who executes in a folder", all, executes_elsewhere);
	handlers_shared();
	undone_together();
	CHECK(pipe(told) == 0);
	pid = syscall(SYS_clone, (long)CLONE_PARENT | SIGCHLD, 0l, NULL, NULL, 0l);
	if (pid == 0) {
		const pid_t parent = getppid();

		(void)!write(told[1], &parent, sizeof parent);
		_exit(0);
	}
	CHECK(read(told[0], &of_parent, sizeof of_parent) == sizeof of_parent);
	printf("CLONE_PARENT: %d,", of_parent == getppid());
	printf(" waited for %d\n", waitpid((pid_t)pid, NULL, 0) < 0 ? errno : 0);
	pid = syscall(SYS_clone, (long)(CLONE_PARENT_SETTID | CLONE_CHILD_SETTID) | SIGCHLD, 0l, &numbers[0],
		&numbers[1], 0l);
	if (pid == 0)
		_exit(numbers[1] == getpid());
	CHECK(waitpid((pid_t)pid, &of_parent, 0) == pid);
	printf("numbers: the maker's %d, its child's %d, that in the child %d\n", numbers[0] == pid, numbers[1] == pid,
		WEXITSTATUS(of_parent));
}

int main(int argc, char **argv)
{
	char name[] = "flagsXXXXXX";

	if (argc > 1 && !strcmp(argv[1], "closes"))
		return close_range(3, ~0u, 0);
	CHECK(mkdtemp(name) && chdir(name) == 0);
	file = open("file", O_RDWR | O_CREAT, 0600);
	folder = open(".", O_RDONLY);
	CHECK(file >= 0 && folder >= 0 && write(file, buffer, 8192) == 8192 && pipe(pipes) == 0);
	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0 && fcntl(pair[1], F_SETFL, O_NONBLOCK) == 0);
	page = mmap(0, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(page != MAP_FAILED && write(pipes[1], "abcdefgh", 8) == 8);
	setvbuf(stdout, NULL, _IOFBF, 1 << 16);
	sweep("open", O_RDONLY, O_DIRECT, opened);
	sweep("open to write", O_WRONLY, O_DIRECT, opened);
	sweep("open a path", O_PATH, 0, opened);
	sweep("mmap", MAP_PRIVATE | MAP_ANONYMOUS, 0x8 | MAP_HUGETLB | MAP_FIXED | MAP_FIXED_NOREPLACE, mapped);
	sweep("mmap a file", MAP_SHARED,
		0x8 | 0x80 | MAP_SYNC | MAP_HUGETLB | MAP_FIXED | MAP_FIXED_NOREPLACE | MAP_ANONYMOUS, map_file);
	sweep("mmap validated", MAP_SHARED_VALIDATE,
		0x8 | 0x80 | MAP_SYNC | MAP_HUGETLB | MAP_FIXED | MAP_FIXED_NOREPLACE | MAP_ANONYMOUS,
		map_file);
	sweep("mprotect", PROT_READ, PROT_GROWSDOWN | PROT_GROWSUP | 0x10, protected);
	sweep("mprotect, back", PROT_READ | PROT_WRITE, -1u & ~PROT_EXEC, protected);
	sweep("msync", 0, 0, synced);
	sweep("mremap", 0, MREMAP_FIXED | MREMAP_MAYMOVE, moved);
	sweep("renameat2", 0, 4, renamed); /* RENAME_WHITEOUT is the file system's */
	sweep("waitid", WEXITED, 0, waited);
	sweep("waitid, no kind", 0, 0, waited);
	sweep("wait4", 0, 0, wait_four);
	sweep("socket", SOCK_STREAM, 0, socket_made);
	sweep("socketpair", SOCK_DGRAM, 0, pair_made);
	sweep("send", 0, MSG_OOB | 0x08000000 | MSG_FASTOPEN, sent);
	sweep("recv", MSG_DONTWAIT, MSG_OOB | MSG_ERRQUEUE, received);
	sweep("pipe2", 0, 0, piped);
	sweep("dup3", 0, 0, duplicated);
	sweep("eventfd2", 0, 0, event_made);
	sweep("timerfd_create", 0, 0, timer_made);
	sweep("inotify_init1", 0, 0, inotify_made);
	sweep("epoll_create1", 0, 0, epoll_made);
	sweep("memfd_create", 0, MFD_HUGETLB | 0x18, memory_made);
	sweep("signalfd4", 0, 0, signal_made);
	sweep("unlinkat", 0, 0, unlinked);
	sweep("faccessat2", 0, 0, accessed);
	sweep("newfstatat", 0, 0, stated);
	sweep("statx", 0, 0, statx_of);
	sweep("linkat", 0, 0, linked);
	sweep("fchownat", 0, 0, owned);
	sweep("utimensat", 0, 0, timed);
	sweep("getrandom", 0, 0, drawn);
	sweep("splice", 0, 0, spliced);
	sweep("tee", 0, 0, teed);
	sweep("close_range", 0, 0, closed_range);
	sweep("pidfd_open", 0, 0x80, pidfd_made);
	sweep("unshare", 0, 0x7e020080, unshared);
	sweep("fcntl(F_SETFL)", 0, O_DIRECT, flags_set);
	sweep("fcntl(F_SETFL) of a file", 0, O_DIRECT, file_flags_set);
	sweep("fcntl(F_SETFD)", 0, 0, descriptor_flags_set);
	sweep("fcntl(F_ADD_SEALS)", 0, 0x20, sealed);
	commands();
	CHECK((epolls = epoll_create1(0)) >= 0 && socketpair(AF_UNIX, SOCK_STREAM, 0, empty) == 0);
	sweep("epoll_ctl, to read", 0, EPOLLWAKEUP, watched_to_read);
	sweep("epoll_ctl, to write", 0, EPOLLWAKEUP, watched_to_write);
	sweep("epoll_ctl, a socket", EPOLLIN | EPOLLOUT, EPOLLWAKEUP, watched_socket);
	sweep("epoll_ctl, exclusive", EPOLLIN | EPOLLEXCLUSIVE, EPOLLWAKEUP, watched_to_read);
	sweep("preadv2", 0, 0x3e8, file_read);
	sweep("pwritev2", 0, 0x3e8, file_written);
	sweep("pwritev2 here", 0, 0x3e8, file_written_here);
	CHECK(sigaction(SIGALRM, &(struct sigaction){ .sa_handler = on_alarm }, NULL) == 0);
	sweep("preadv2 of an empty socket", 0, 0x3e0, socket_read);
	fflush(stdout);
	sweep("clone", SIGCHLD, 0x7e020080 | CLONE_VM | CLONE_PTRACE | CLONE_SETTLS | 0xff, cloned);
	clone_effects();
	for (int advice = 0; advice < 30; advice++) {
		int r = (int)syscall(SYS_madvise, page, 4096l, advice);

		printf("madvise %d: %d\n", advice, r ? errno : 0);
	}
	return 0;
}
