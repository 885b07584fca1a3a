/* SPDX-License-Identifier: MIT */
/* /proc/PID/mem and pagemap: a process's memory as a file, its own and another's, and what is refused. */
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include "try.h"

#define PAGE 4096
static volatile int answer = 42;
static const char constant[] = "it cannot be written";

__attribute__((noinline)) static int code(void) { return 7; }

static long move(int fd, const char *what, void *at, void *with, size_t n, int writes)
{
	long got = writes ? pwrite(fd, with, n, (off_t)at) : pread(fd, with, n, (off_t)at);

	if (got < 0)
		printf("%s: errno %d\n", what, errno);
	else
		printf("%s: %ld\n", what, got);
	return got;
}

static void own(void)
{
	int fd = open("/proc/self/mem", O_RDWR), only = open("/proc/self/mem", O_RDONLY);
	char *m = mmap(0, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), text[64];
	int file = open("file", O_RDWR | O_CREAT, 0600), value = 0;
	char *shared, *private;
	unsigned char byte;

	CHECK(fd >= 0 && only >= 0 && m != MAP_FAILED && ftruncate(file, PAGE) == 0);
	move(fd, "read", (void *)&answer, &value, 4, 0);
	value = 43;
	move(fd, "write", (void *)&answer, &value, 4, 1);
	CHECK(answer == 43);
	move(only, "write by a descriptor to read", (void *)&answer, &value, 4, 1);
	memset(m, 'a', 4 * PAGE);
	CHECK(mprotect(m, PAGE, PROT_NONE) == 0);
	CHECK(move(fd, "what is protected", m + PAGE - 2, text, 4, 0) == 4 && !memcmp(text, "aaaa", 4));
	CHECK(move(fd, "write there", m, "xyz", 3, 1) == 3);
	CHECK(mprotect(m, PAGE, PROT_READ) == 0 && !memcmp(m, "xyza", 4));
	CHECK(move(fd, "what is read-only", m + 1, "Y", 1, 1) == 1 && m[1] == 'Y');
	CHECK(lseek(fd, (off_t)m, SEEK_SET) == (off_t)m && read(fd, text, 3) == 3 && !memcmp(text, "xYz", 3));
	CHECK(munmap(m + 2 * PAGE, PAGE) == 0);
	move(fd, "up to what is absent", m + PAGE, buffer, sizeof buffer, 0);
	move(fd, "what is absent", m + 2 * PAGE, buffer, 10, 0);
	move(fd, "write what is absent", m + 2 * PAGE, buffer, 10, 1);
	move(fd, "the first page", 0, buffer, 10, 0);
	move(fd, "nothing", (void *)&answer, buffer, 0, 0);
	TRY(lseek, fd, 0, SEEK_END);
	TRY(lseek, fd, 4, SEEK_SET);
	TRY(lseek, fd, -1, SEEK_CUR);
	move(fd, "to nowhere", (void *)&answer, (void *)BAD, 4, 0);
	move(fd, "a constant", (void *)constant, text, sizeof constant, 0);
	move(fd, "write a constant", (void *)constant, "I", 1, 1);
	CHECK(*(volatile const char *)constant == 'I');
	byte = *(unsigned char *)code;
	move(fd, "write code", (void *)code, "\xc3", 1, 1);
	CHECK(*(volatile unsigned char *)code == 0xc3);
	move(fd, "write it back", (void *)code, &byte, 1, 1);
	CHECK(code() == 7);
	shared = mmap(0, PAGE, PROT_READ, MAP_SHARED, file, 0);
	private = mmap(0, PAGE, PROT_READ, MAP_PRIVATE, file, 0);
	CHECK(shared != MAP_FAILED && private != MAP_FAILED && *shared == 0 && *private == 0);
	move(fd, "a shared file that is read-only", shared, "x", 1, 1);
	move(fd, "the same, private", private, "p", 1, 1);
	CHECK(*shared == 0 && *private == 'p' && pread(file, text, 1, 0) == 1 && *text == 0);
	close(fd);
	close(only);
	close(file);
}

static void others(void)
{
	volatile char *large = mmap(0, 64 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	static char copy[64 * PAGE];
	int p[2], q[2], fd, value = 99;
	char path[40];
	pid_t pid;

	CHECK(pipe(p) == 0 && pipe(q) == 0);
	pid = fork();
	if (pid == 0) {
		char c;

		for (int i = 0; i < 64; i++)
			large[i * PAGE] = (char)i;
		CHECK(write(q[1], "r", 1) == 1 && read(p[0], &c, 1) == 1);
		_exit(answer == 99 && large[PAGE] == 'w' ? 0 : 1);
	}
	CHECK(read(q[0], path, 1) == 1);
	sprintf(path, "/proc/%d/mem", (int)pid);
	fd = open(path, O_RDWR);
	CHECK(fd >= 0);
	CHECK(move(fd, "another's", (void *)large, copy, sizeof copy, 0) == sizeof copy);
	for (int i = 0; i < 64; i++)
		CHECK(copy[i * PAGE] == i && large[i * PAGE] == 0);
	move(fd, "write another's", (void *)&answer, &value, 4, 1);
	move(fd, "write another's", (void *)(large + PAGE), "w", 1, 1);
	CHECK(answer == 43);
	CHECK(write(p[1], "g", 1) == 1);
	printf("it saw %d\n", wait_status(pid));
	move(fd, "of one that is gone", (void *)&answer, &value, 4, 0);
	close(fd);
}

static void pagemap(void)
{
	int fd = open("/proc/self/pagemap", O_RDONLY), status;
	char *m = mmap(0, 16 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint64_t word[16], first = (uint64_t)m / PAGE * 8;

	CHECK(fd >= 0 && m != MAP_FAILED && madvise(m, 16 * PAGE, MADV_NOHUGEPAGE) == 0);
	m[0] = m[5 * PAGE] = 1;
	CHECK(pread(fd, word, sizeof word, (off_t)first) == sizeof word);
	for (int i = 0; i < 16; i++)
		printf("%d%d%d ", (int)(word[i] >> 63), (int)(word[i] >> 61 & 1), (int)(word[i] >> 56 & 1));
	puts("");
	if (fork() == 0) {
		uint64_t of_child;
		int own = open("/proc/self/pagemap", O_RDONLY);

		CHECK(pread(own, &of_child, 8, (off_t)first) == 8);
		printf("shared with the parent: %d\n", (of_child & ((1ul << 55) - 1)) == (word[0] & ((1ul << 55) - 1)));
		m[0] = 2;
		CHECK(pread(own, &of_child, 8, (off_t)first) == 8);
		printf("after a write: %d\n", (of_child & ((1ul << 55) - 1)) == (word[0] & ((1ul << 55) - 1)));
		fflush(stdout);
		_exit(0);
	}
	CHECK(wait(&status) > 0 && status == 0);
	CHECK(munmap(m, PAGE) == 0 && pread(fd, word, 16, (off_t)first) == 16);
	printf("unmapped: %d %d\n", (int)(word[0] >> 63), (int)(word[1] >> 63));
	printf("odd: %ld", (long)pread(fd, word, 12, (off_t)first));
	printf(" %d\n", errno);
	printf("at an odd place: %ld", (long)pread(fd, word, 8, (off_t)first + 4));
	printf(" %d\n", errno);
	printf("beyond: %ld\n", (long)pread(fd, word, 8, (off_t)((1ul << 52) / PAGE * 8)));
	printf("to nowhere: %ld", (long)syscall(SYS_pread64, fd, BAD, 8, first));
	printf(" %d\n", errno);
	close(fd);
	fd = open("/proc/self/pagemap", O_RDWR);
	printf("write: %ld\n", fd < 0 ? -1 : (long)write(fd, word, 8));
}

int main(void)
{
	setvbuf(stdout, 0, _IOLBF, 0);
	own();
	others();
	pagemap();
	return 0;
}
