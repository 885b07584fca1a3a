/* SPDX-License-Identifier: MIT */
/* Files that lose bytes while somebody has mapped them: cut, with holes, zeroed; in this process, in others, asleep and
 * awake. With an argument: a file that is only read until it is written. */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include "try.h"

#define PAGE 4096l
#ifndef FALLOC_FL_ZERO_RANGE /* musl */
#define FALLOC_FL_KEEP_SIZE 1
#define FALLOC_FL_PUNCH_HOLE 2
#define FALLOC_FL_ZERO_RANGE 16
#endif
#define HOLE (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE)

static sigjmp_buf back;
static volatile struct { int sig, code; char *at; } last;

static void caught(int sig, siginfo_t *info, void *context)
{
	(void)context;
	last.sig = sig;
	last.code = info->si_code;
	last.at = info->si_addr;
	siglongjmp(back, 1);
}

/* What a touch gives: the byte, or -signal. */
static int touch(char *at, int writes)
{
	if (sigsetjmp(back, 1)) {
		CHECK(last.code == BUS_ADRERR && last.at == at);
		return -last.sig;
	}
	if (writes)
		*(volatile char *)at = 'w';
	return *(volatile char *)at;
}

static int file_of(int pages)
{
	static char text[64 * PAGE];
	int fd;

	CHECK(unlink("file") == 0 || errno == ENOENT);
	fd = open("file", O_CREAT | O_RDWR, 0600);
	for (int i = 0; i < pages; i++)
		memset(text + i * PAGE, 'a' + i % 26, PAGE);
	CHECK(fd >= 0 && write(fd, text, (size_t)(pages * PAGE)) == pages * PAGE);
	return fd;
}

static char *map(int fd, int pages, int prot, int flags)
{
	char *m = mmap(0, (size_t)(pages * PAGE), prot, flags, fd, 0);

	CHECK(m != MAP_FAILED);
	for (int i = 0; i < pages; i++)
		CHECK(*(volatile char *)(m + i * PAGE) || !fd);
	return m;
}

static void cut(void)
{
	int fd = file_of(8);
	char *shared = map(fd, 8, PROT_READ | PROT_WRITE, MAP_SHARED), *only = map(fd, 8, PROT_READ, MAP_SHARED);
	char *private = map(fd, 8, PROT_READ | PROT_WRITE, MAP_PRIVATE), *locked = map(fd, 8, PROT_READ, MAP_SHARED);

	private[0] = private[7 * PAGE] = 'p';
	shared[6 * PAGE] = 's';
	CHECK(mlock(locked, 8 * PAGE) == 0);
	CHECK(ftruncate(fd, 2 * PAGE + 10) == 0);
	for (int i = 0; i < 8; i++)
		printf("%d %d %d %d, %d %d\n", touch(shared + i * PAGE, 0), touch(only + i * PAGE, 0),
			touch(private + i * PAGE, 0), touch(locked + i * PAGE, 0), touch(shared + i * PAGE, 1),
			touch(private + i * PAGE, 1));
	printf("the last page: %c%d%d\n", shared[2 * PAGE + 9], only[2 * PAGE + 10], shared[3 * PAGE - 1]);
	TRY(read, fd, shared + 3 * PAGE, 1);
	TRY(pread64, fd, shared + 4 * PAGE, 1, 0);
	TRY(write, 1, shared + 4 * PAGE, 1);
	CHECK(ftruncate(fd, 8 * PAGE) == 0);
	for (int i = 2; i < 8; i++)
		printf("%d %d %d\n", touch(shared + i * PAGE, 0), touch(only + i * PAGE, 0), touch(private + i * PAGE, 0));
	shared[7 * PAGE] = 'n';
	printf("%c %ld\n", only[7 * PAGE], (long)pread(fd, buffer, 1, 7 * PAGE));
	CHECK(*buffer == 'n' && truncate("file", 0) == 0);
	printf("nothing left: %d %d %d\n", touch(shared, 0), touch(private, 0), touch(only, 1));
	CHECK(munmap(shared, 8 * PAGE) == 0 && munmap(only, 8 * PAGE) == 0 && munmap(private, 8 * PAGE) == 0);
	CHECK(munmap(locked, 8 * PAGE) == 0);
	close(fd);
}

static long blocks(int fd)
{
	struct stat st;

	CHECK(fstat(fd, &st) == 0);
	return (long)st.st_blocks / 8;
}

static void holes(void)
{
	int fd = file_of(16);
	char *shared = map(fd, 16, PROT_READ | PROT_WRITE, MAP_SHARED), *only = map(fd, 16, PROT_READ, MAP_SHARED);
	char *private = map(fd, 16, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	long before;

	private[5 * PAGE] = 'p';
	CHECK(fsync(fd) == 0);
	before = blocks(fd);
	CHECK(fallocate(fd, HOLE, 4 * PAGE, 8 * PAGE) == 0);
	CHECK(fallocate(fd, HOLE, PAGE + 100, 2 * PAGE) == 0);
	CHECK(fsync(fd) == 0);
	printf("%ld given back\n", before - blocks(fd));
	for (int i = 0; i < 16; i++)
		printf("%d %d %d, ", shared[i * PAGE], only[i * PAGE], private[i * PAGE]);
	printf("\n%c %d %d %c\n", shared[PAGE + 99], shared[PAGE + 100], only[3 * PAGE + 99], only[3 * PAGE + 100]);
	shared[8 * PAGE] = 'n';
	printf("%c\n", only[8 * PAGE]);
	CHECK(pread(fd, buffer, PAGE, 8 * PAGE) == PAGE && *buffer == 'n' && pwrite(fd, "q", 1, 9 * PAGE) == 1);
	printf("%c %c %c\n", shared[9 * PAGE], only[9 * PAGE], private[5 * PAGE]);
	/* What nobody but a reader has looked at so far is the file's page all the same. */
	CHECK(ftruncate(fd, 32 * PAGE) == 0);
	only = mmap(0, 32 * PAGE, PROT_READ, MAP_SHARED, fd, 0);
	CHECK(only[20 * PAGE] == 0 && pwrite(fd, "r", 1, 20 * PAGE) == 1 && only[20 * PAGE] == 'r');
	CHECK(munmap(only, 32 * PAGE) == 0 && munmap(shared, 16 * PAGE) == 0 && munmap(private, 16 * PAGE) == 0);
	close(fd);
}

static void zeroed(void)
{
	int fd = file_of(8), mode = FALLOC_FL_ZERO_RANGE;
	char *m = map(fd, 8, PROT_READ, MAP_SHARED);
	struct stat st;

	CHECK(fallocate(fd, mode | FALLOC_FL_KEEP_SIZE, 2 * PAGE, 2 * PAGE) == 0);
	CHECK(fallocate(fd, mode, 5 * PAGE + 1, 10) == 0);
	for (int i = 0; i < 8; i++)
		printf("%d ", m[i * PAGE]);
	printf("%d %d %c\n", m[5 * PAGE + 1], m[5 * PAGE + 10], m[5 * PAGE + 11]);
	CHECK(fallocate(fd, mode | FALLOC_FL_KEEP_SIZE, 7 * PAGE, 9 * PAGE) == 0 && fstat(fd, &st) == 0);
	printf("%ld %d\n", (long)st.st_size / PAGE, m[7 * PAGE]);
	CHECK(fallocate(fd, mode, 6 * PAGE, 4 * PAGE) == 0 && fstat(fd, &st) == 0);
	printf("%ld %d\n", (long)st.st_size / PAGE, m[6 * PAGE]);
	TRY(fallocate, fd, mode | FALLOC_FL_PUNCH_HOLE, 0, PAGE);
	TRY(fallocate, fd, FALLOC_FL_PUNCH_HOLE, 0, PAGE);
	TRY(fallocate, fd, 0x8000, 0, PAGE);
	CHECK(munmap(m, 8 * PAGE) == 0);
	close(fd);
}

/* A child that has the pages in its tables, and sleeps, or runs until it sees the change. */
static void other(int sleeps)
{
	int fd = file_of(4), p[2], q[2];
	char *m = map(fd, 4, PROT_READ | PROT_WRITE, MAP_SHARED), c;
	volatile char *flag = mmap(0, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pid;

	CHECK(pipe(p) == 0 && pipe(q) == 0);
	pid = fork();
	if (pid == 0) {
		CHECK(m[3 * PAGE] == 'd' && write(q[1], "r", 1) == 1);
		if (sleeps) {
			CHECK(read(p[0], &c, 1) == 1);
		} else {
			while (*(volatile char *)(m + PAGE))
				;
			while (!*flag)
				;
		}
		printf("the other: %d %d %d %d\n", touch(m, 0), touch(m + PAGE, 0), touch(m + 2 * PAGE, 0),
			touch(m + 3 * PAGE, 1));
		_exit(0);
	}
	CHECK(read(q[0], &c, 1) == 1);
	CHECK(fallocate(fd, HOLE, PAGE, PAGE) == 0 && ftruncate(fd, 2 * PAGE) == 0);
	*flag = 1;
	CHECK(write(p[1], "g", 1) == 1);
	printf("%d\n", wait_status(pid));
	printf("this one: %d %d\n", touch(m + PAGE, 0), touch(m + 3 * PAGE, 0));
	/* Who is born now has it so, too. */
	if (!(pid = fork()))
		_exit(touch(m + PAGE, 0) != 0 || touch(m + 2 * PAGE, 0) != -SIGBUS);
	printf("%d\n", wait_status(pid));
	CHECK(munmap(m, 4 * PAGE) == 0 && munmap((void *)flag, PAGE) == 0);
	close(fd);
}

/* Pages that go are not another file's while somebody could still see them. */
static void again(void)
{
	for (int i = 0; i < 50; i++) {
		int fd = file_of(64), new;
		char *m = map(fd, 64, PROT_READ | PROT_WRITE, MAP_SHARED);

		CHECK(ftruncate(fd, 0) == 0);
		new = open("new", O_CREAT | O_RDWR | O_TRUNC, 0600);
		memset(buffer, 'n', sizeof buffer);
		CHECK(write(new, buffer, sizeof buffer) == sizeof buffer && ftruncate(fd, PAGE) == 0);
		CHECK(touch(m, 1) == 'w' && touch(m + 63 * PAGE, 0) == -SIGBUS);
		CHECK(pread(new, buffer, PAGE, 0) == PAGE && buffer[0] == 'n' && munmap(m, 64 * PAGE) == 0);
		close(fd);
		close(new);
	}
}

/* A file that has been mapped before it is first written. */
static int written(const char *path)
{
	int fd = open(path, O_RDWR);
	char *shared = mmap(0, PAGE, PROT_READ, MAP_SHARED, fd, 0), *private = mmap(0, PAGE, PROT_READ, MAP_PRIVATE, fd, 0);

	CHECK(fd >= 0 && shared != MAP_FAILED && private != MAP_FAILED && *shared && *shared == *private);
	CHECK(pwrite(fd, "W", 1, 0) == 1 && *(volatile char *)shared == 'W' && *(volatile char *)private == 'W');
	CHECK(ftruncate(fd, 0) == 0);
	printf("cut %d %d\n", touch(shared, 0), touch(private, 0));
	return 0;
}

/* Pages beyond the end of a file that is read upwards are nowhere, until it grows; and those behind a hole, and of a
 * mapping that begins within the file, are the right ones. */
static void upwards(void)
{
	int fd = file_of(20);
	char *shared = mmap(0, 64 * PAGE, PROT_READ, MAP_SHARED, fd, 0);
	char *private = mmap(0, 64 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 3 * PAGE);

	CHECK(shared != MAP_FAILED && private != MAP_FAILED && lseek(fd, 30 * PAGE, SEEK_SET) == 30 * PAGE);
	for (int i = 0; i < 24; i++)
		printf("%d %d\n", touch(shared + i * PAGE, 0), touch(private + i * PAGE, 0));
	CHECK(write(fd, "grown", 5) == 5 && pwrite(fd, "W", 1, 18 * PAGE) == 1);
	for (int i = 0; i < 33; i++)
		printf("%d %d\n", touch(shared + i * PAGE, 0), touch(private + i * PAGE, i == 5));
	CHECK(!munmap(shared, 64 * PAGE) && !munmap(private, 64 * PAGE) && !close(fd));
}

int main(int argc, char **argv)
{
	struct sigaction sa = { .sa_flags = SA_SIGINFO };

	sa.sa_sigaction = caught;
	setvbuf(stdout, 0, _IONBF, 0);
	CHECK(sigaction(SIGBUS, &sa, 0) == 0);
	sa.sa_flags |= SA_NODEFER;
	CHECK(sigaction(SIGSEGV, &sa, 0) == 0);
	if (argc > 1)
		return written(argv[1]);
	cut();
	holes();
	zeroed();
	other(1);
	other(0);
	again();
	upwards();
	return 0;
}
