/* SPDX-License-Identifier: MIT */
/* System calls of the file half as C functions, for tests: each takes any arguments and gives the result of sys_NAME. */
#ifndef FS_CALLS_H
#define FS_CALLS_H
#include "shim.h"
#include <fs/files.h>

#define SYSCALL(number, name, arguments, flags) syscall_function sys_##name;
#include <posix/call/fs_syscall.def>
#undef SYSCALL
#define CALL_(name, a, b, c, d, e, f, ...) sys_##name((uint64_t)(a), (uint64_t)(b), (uint64_t)(c), (uint64_t)(d), (uint64_t)(e), (uint64_t)(f))
#define SYS(name, ...) CALL_(name, ##__VA_ARGS__, 0, 0, 0, 0, 0, 0)

static inline int opened(const char *path, int flags)
{
	long fd = SYS(open, path, flags, 0666);

	if (fd < 0)
		test_fail("open %s: %ld", path, fd);
	return (int)fd;
}

static inline void put_file(const char *path, const char *text)
{
	int fd = opened(path, O_CREAT | O_WRONLY | O_TRUNC);

	CHECK_EQ(SYS(write, fd, text, strlen(text)), strlen(text));
	CHECK_EQ(SYS(close, fd), 0);
}

/* Whole contents, at most 64 KiB, NUL-terminated. */
static inline const char *get_file(const char *path)
{
	static char text[65537];
	int fd = opened(path, O_RDONLY);
	long n = SYS(read, fd, text, 65536);

	if (n < 0)
		test_fail("read %s: %ld", path, n);
	text[n] = 0;
	CHECK_EQ(SYS(close, fd), 0);
	return text;
}

static inline struct stat stat_of(const char *path)
{
	struct stat st;

	CHECK_EQ(SYS(lstat, path, &st), 0);
	return st;
}
#endif
