/* SPDX-License-Identifier: MIT */
/* What one process does with another's memory; files that must not get a name; an address space's edge; what a
 * program is told of traps, barriers and its personality. */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include "try.h"

#define ADDRESSES_FIXED 0x0040000
#define QUERY           0xffffffff

static char *pages, own[40000];

static void fill(char *at, size_t n, unsigned seed)
{
	for (size_t i = 0; i < n; i++)
		at[i] = (char)((i * 7 + seed) >> 3);
}

static int is_filled(const char *at, size_t n, unsigned seed)
{
	for (size_t i = 0; i < n; i++)
		if (at[i] != (char)((i * 7 + seed) >> 3))
			return 0;
	return 1;
}

/* Ten pages that hold what the seed makes, and a page behind them that is not there; then it sleeps, or runs. */
static pid_t child(int runs, int ready[2])
{
	pid_t pid;
	char byte;

	CHECK(pipe(ready) == 0);
	pid = fork();
	if (pid == 0) {
		volatile char *last = pages + 10 * 4096 - 1;

		fill(pages, 10 * 4096, 5);
		CHECK(munmap(pages + 10 * 4096, 4096) == 0 && write(ready[1], "x", 1) == 1);
		while (*last != 'q')
			if (!runs)
				usleep(1000);
		_exit(is_filled(pages, 30000, 9) ? 7 : 8);
	}
	CHECK(pid > 0 && read(ready[0], &byte, 1) == 1);
	return pid;
}

static void memory_of(int runs)
{
	struct iovec mine[2] = { { own, 1000 }, { own + 1000, 29000 } }, theirs[2] = { { pages, 12345 }, { pages + 12345,
		17655 } };
	struct iovec edge = { pages + 9 * 4096 + 100, 8192 }, byte = { pages + 10 * 4096 - 1, 1 }, q = { "q", 1 },
		bad = { (void *)BAD, 10 };
	int ready[2];
	pid_t pid = child(runs, ready);

	printf("read %ld", (long)syscall(SYS_process_vm_readv, pid, mine, 2, theirs, 2, 0));
	printf(", the same: %d\n", is_filled(own, 30000, 5));
	printf("less room %ld\n", (long)syscall(SYS_process_vm_readv, pid, mine, 1, theirs, 2, 0));
	mine[1].iov_len = 39000;
	printf("up to where nothing is: %ld\n", (long)syscall(SYS_process_vm_readv, pid, mine, 2, &edge, 1, 0));
	mine[1].iov_len = 29000;
	fill(own, 30000, 9);
	printf("written %ld\n", (long)syscall(SYS_process_vm_writev, pid, mine, 2, theirs, 2, 0));
	TRY(process_vm_readv, pid, mine, 2, &bad, 1, 0);
	TRY(process_vm_writev, pid, mine, 2, &bad, 1, 0);
	TRY(process_vm_readv, pid, &bad, 1, theirs, 1, 0);
	TRY(process_vm_writev, pid, &bad, 1, theirs, 1, 0);
	TRY(process_vm_readv, pid, BAD, 1, theirs, 1, 0);
	TRY(process_vm_readv, pid, mine, 1, BAD, 1, 0);
	TRY(process_vm_readv, pid, mine, 1, theirs, 1, 1);
	TRY(process_vm_writev, pid, mine, 1, theirs, 1, 1);
	TRY(process_vm_readv, pid, mine, 1, theirs, 1025, 0);
	TRY(process_vm_readv, 0x7ffffff, mine, 1, theirs, 1, 0);
	TRY(process_vm_writev, 0x7ffffff, mine, 1, theirs, 1, 0);
	TRY(process_vm_readv, getpid(), mine, 1, theirs, 1, 0);
	CHECK(syscall(SYS_process_vm_writev, pid, &q, 1, &byte, 1, 0) == 1);
	printf("what it found: %d\n", wait_status(pid));
	close(ready[0]);
	close(ready[1]);
}

static int link_of(int fd, const char *name)
{
	char place[64];

	snprintf(place, sizeof place, "/proc/self/fd/%d", fd);
	return linkat(AT_FDCWD, place, AT_FDCWD, name, AT_SYMLINK_FOLLOW) ? errno : 0;
}

/* A file that has lost its last name gets none again, nor one that was opened so. */
static void unnamed(void)
{
	int fd = open("others-file", O_CREAT | O_RDWR, 0600);

	CHECK(fd >= 0 && unlink("others-file") == 0);
	printf("deleted: %d\n", link_of(fd, "others-again"));
	close(fd);
	fd = open(".", O_TMPFILE | O_RDWR, 0600);
	if (fd < 0 && errno == EOPNOTSUPP)
		return; /* a judge whose file system has none */
	CHECK(fd >= 0);
	printf("temporary: %d", link_of(fd, "others-again"));
	CHECK(unlink("others-again") == 0);
	printf(", deleted then: %d\n", link_of(fd, "others-again"));
	close(fd);
	fd = open(".", O_TMPFILE | O_EXCL | O_RDWR, 0600);
	CHECK(fd >= 0);
	printf("exclusive: %d\n", link_of(fd, "others-again"));
	close(fd);
}

static volatile int code, number;
static void on_trap(int sig, siginfo_t *info, void *context)
{
	(void)context;
	number = sig;
	code = info->si_code;
}

static void told(void)
{
	struct sigaction a = { .sa_sigaction = on_trap, .sa_flags = SA_SIGINFO };
	pid_t pid;

	CHECK(sigaction(SIGTRAP, &a, 0) == 0);
	__asm__ volatile("int3");
	printf("int3: signal %d, code %d\n", number, code);
	TRY(munmap, 0, 4096);
	TRY(munmap, 0, 65536 + 4096);
	TRY(munmap, 0, 0);
	TRY(unshare, 0);
	TRY(unshare, CLONE_FS | CLONE_FILES);
	TRY(unshare, 1);
	TRY(membarrier, 0, 1, 0);
	printf("barriers: %lx\n", syscall(SYS_membarrier, 0, 0, 0) & 0x7f);
	TRY(membarrier, 8, 0, 0);
	TRY(membarrier, 32, 0, 0);
	TRY(membarrier, 16, 0, 0);
	TRY(membarrier, 64, 0, 0);
	TRY(membarrier, 4, 0, 0);
	TRY(membarrier, 8, 0, 0);
	TRY(membarrier, 32, 0, 0);
	TRY(membarrier, 2, 0, 0);
	printf("personality %lx", syscall(SYS_personality, ADDRESSES_FIXED));
	printf(", then %lx\n", syscall(SYS_personality, QUERY));
	fflush(stdout);
	pid = fork();
	if (pid == 0)
		_exit(syscall(SYS_personality, QUERY) == ADDRESSES_FIXED);
	printf("a child's is the same: %d\n", wait_status(pid));
	CHECK(syscall(SYS_personality, 0) == ADDRESSES_FIXED);
}

int main(void)
{
	setvbuf(stdout, 0, _IOLBF, 0);
	pages = mmap(0, 11 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(pages != MAP_FAILED);
	memory_of(0);
	memory_of(1);
	unnamed();
	told();
	return 0;
}
