/* SPDX-License-Identifier: MIT */
/* folder DIR: maps and locks in a folder, which may be one of the host: what a mapping reads, that a shared one does
 * not write where `copied` is the second word, and that locks hold among processes. Prints `done`. */
#include "check.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define SIZE 300000

static char byte_at(size_t i) { return (char)(i * 7 + i / 4096); }

static void mappings(int is_copied)
{
	int fd = open("mapped", O_RDWR | O_CREAT | O_TRUNC, 0644), reader = open("mapped", O_RDONLY);
	static char all[SIZE];
	char *p;

	for (size_t i = 0; i < SIZE; i++)
		all[i] = byte_at(i);
	CHECK(write(fd, all, SIZE) == SIZE);
	p = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	CHECK(p != MAP_FAILED && !memcmp(p, all, SIZE));
	p[5] = 'x';
	CHECK(pread(fd, all, 10, 0) == 10 && all[5] == byte_at(5));
	CHECK(!munmap(p, SIZE));
	p = mmap(NULL, SIZE - 4096, PROT_READ, MAP_SHARED, reader, 4096);
	CHECK(p != MAP_FAILED && !memcmp(p, all + 4096, SIZE - 4096));
	CHECK(!munmap(p, SIZE - 4096));
	p = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(is_copied ? p == MAP_FAILED && errno == EINVAL : p != MAP_FAILED);
	close(fd);
	close(reader);
}

/* In another process: 0, or the errno of what it was refused with. */
static int other(int by_range)
{
	struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int status;
	pid_t pid = fork();

	if (!pid) {
		int fd = open("locked", O_RDWR);

		_exit((by_range ? fcntl(fd, F_SETLK, &whole) : flock(fd, LOCK_EX | LOCK_NB)) ? errno : 0);
	}
	CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void locks(void)
{
	struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	struct flock none = { .l_type = F_UNLCK, .l_whence = SEEK_SET };
	int fd = open("locked", O_RDWR | O_CREAT, 0644);

	CHECK(fd >= 0 && !flock(fd, LOCK_EX) && other(0) == EWOULDBLOCK);
	CHECK(!flock(fd, LOCK_UN) && !other(0));
	CHECK(!fcntl(fd, F_SETLK, &whole));
	CHECK(other(1) == EAGAIN);
	CHECK(!fcntl(fd, F_SETLK, &none) && !other(1));
	close(fd);
}

int main(int argc, char **argv)
{
	CHECK(argc > 1 && !chdir(argv[1]));
	mappings(argc > 2);
	locks();
	unlink("mapped");
	unlink("locked");
	puts("done");
	return 0;
}
