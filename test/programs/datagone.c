/* SPDX-License-Identifier: MIT */
/* A member takes pages of data memory away under a file, a mapping and a pipe: those who use them get EIO and SIGBUS,
 * once, and go on; so does everybody else. Of control memory none can be taken. Aril only. */
#include "check.h"
#include <family/process.h>
#include <fcntl.h>
#include <rt/gate.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>

#define PAGE    EXO_PAGE_SIZE
#define CONTROL FAMILY_BASE
#define DATA    DATA_BASE
#define TABLES  4 /* of 2 MiB, in which all lies that this program makes */

static char bytes[3 * PAGE], back[3 * PAGE];
static sigjmp_buf again;

static void on_bus(int sig)
{
	(void)sig;
	siglongjmp(again, 1);
}

/* Every page of data memory that a file system this empty may have. how 0: unmapped; 1: read-only; 2: their tables
 * unlinked too; 3: the tables read-only. */
static int take_away(int how)
{
	int64_t r = 0;

	for (uint64_t t = 0; t < TABLES && r >= 0; t++) {
		uint64_t at = DATA + t * 512 * PAGE;

		if (how == 1)
			for (uint64_t i = 0; i < 512; i++)
				(void)gate_pte_write(0, (at + i * PAGE) | EXO_AT_CHANGE | 1, 1, 0, EXO_PTE_RW, 0);
		else if (how == 3)
			(void)gate_pte_write(0, at | EXO_AT_CHANGE | 2, 1, 0, EXO_PTE_RW, 0);
		else
			for (uint64_t i = 0; i < 512 && r >= 0; i += (uint64_t)r)
				r = gate_pte_write(0, (at + i * PAGE) | 1, 512 - i, 0, 0, 0);
		if (how == 2 && r >= 0)
			(void)gate_pte_write(0, at | 2, 1, 0, 0, 0);
	}
	return r < 0;
}

static void file_test(int how)
{
	int fd = open("/tmp/gone", O_RDWR | O_CREAT | O_TRUNC, 0600), left = 0;
	ssize_t n;

	CHECK(fd >= 0);
	CHECK(write(fd, bytes, sizeof bytes) == sizeof bytes);
	CHECK(!take_away(how));
	/* Each page is missed once. */
	for (int i = 0; i < 4; i++) {
		n = pread(fd, back, sizeof back, 0);
		if (n == (ssize_t)sizeof back)
			break;
		CHECK(n == -1 && errno == EIO);
		left++;
	}
	printf("file %d: %s\n", how, n == (ssize_t)sizeof back && left ? "EIO, then it can be read" : "wrong");
	CHECK(pwrite(fd, bytes, sizeof bytes, 0) == sizeof bytes);
	CHECK(pread(fd, back, sizeof back, 0) == sizeof back && !memcmp(bytes, back, sizeof back));
	CHECK(close(fd) == 0 && unlink("/tmp/gone") == 0);
}

static void map_test(void)
{
	int fd = open("/tmp/gone", O_RDWR | O_CREAT | O_TRUNC, 0600);
	volatile char *p;

	CHECK(fd >= 0 && write(fd, bytes, sizeof bytes) == sizeof bytes);
	p = mmap(NULL, sizeof bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(p != MAP_FAILED);
	CHECK(p[0] == 'x');
	CHECK(!take_away(0));
	CHECK(p[0] == 'x'); /* it is mapped here */
	signal(SIGBUS, on_bus);
	if (!sigsetjmp(again, 1))
		printf("map: read %d\n", p[PAGE]);
	else
		printf("map: SIGBUS, then %d\n", p[PAGE]);
	CHECK(munmap((void *)(uintptr_t)p, sizeof bytes) == 0 && close(fd) == 0 && unlink("/tmp/gone") == 0);
}

static void pipe_test(void)
{
	int end[2];
	ssize_t n;

	CHECK(pipe(end) == 0 && write(end[1], bytes, 100) == 100);
	CHECK(!take_away(0));
	n = read(end[0], back, 100);
	CHECK(n == -1 && errno == EIO);
	CHECK(write(end[1], bytes, 100) == 100 && read(end[0], back, 100) == 100 && !memcmp(bytes, back, 100));
	/* The writer is first to miss it: the reader is told. */
	CHECK(write(end[1], bytes, 100) == 100);
	CHECK(!take_away(0));
	CHECK(write(end[1], bytes, 100) == 100);
	n = read(end[0], back, 200);
	printf("pipe: %s\n", n == -1 && errno == EIO ? "EIO" : "wrong");
	CHECK(close(end[0]) == 0 && close(end[1]) == 0);
}

static void control_test(void)
{
	int refused = 0;

	refused += gate_pte_write(0, CONTROL | 1, 512, 0, 0, 0) == -EXO_EPERM;
	refused += gate_pte_write(0, (CONTROL + PAGE) | 1, 1, 0, 0, 0) == -EXO_EPERM;
	refused += gate_pte_write(0, CONTROL | EXO_AT_CHANGE | 1, 1, 0, EXO_PTE_RW, 0) == -EXO_EPERM;
	refused += gate_pte_write(0, CONTROL | EXO_AT_CHANGE | 2, 1, 0, EXO_PTE_RW, 0) == -EXO_EPERM;
	refused += gate_pte_write(0, CONTROL | 2, 1, 0, 0, 0) == -EXO_EPERM;
	printf("control: %d of 5 refused\n", refused);
}

int main(void)
{
	static char said[8192];

	(void)setvbuf(stdout, said, _IOFBF, sizeof said);
	memset(bytes, 'x', sizeof bytes);
	control_test();
	file_test(0);
	file_test(2);
	map_test();
	pipe_test();
	/* A right to write that is gone is missed by the next who writes. */
	for (int how = 1; how < 4; how += 2) {
		int fd = open("/tmp/gone", O_RDWR | O_CREAT | O_TRUNC, 0600);

		CHECK(fd >= 0 && write(fd, bytes, 100) == 100);
		CHECK(!take_away(how));
		ssize_t n = pwrite(fd, bytes, 100, 0);
		printf("read-only %d: %s\n", how, n == -1 && errno == EIO ? "EIO" : "wrong");
		CHECK(pwrite(fd, bytes, 100, 0) == 100);
		CHECK(close(fd) == 0 && unlink("/tmp/gone") == 0);
	}
	pid_t pid = fork();
	CHECK(pid >= 0);
	if (!pid)
		_exit(0);
	CHECK(wait_status(pid) == 0);
	printf("done\n");
	/* Of standard output a page is gone, too: what is in it is lost, and then it is a pipe as before. */
	(void)!write(1, "\n", 1);
	usleep(100000);
	return 0;
}
