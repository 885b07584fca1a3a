/* SPDX-License-Identifier: MIT */
/* int 0x80: the calls that i386 and x86-64 have with the same arguments, under their i386 numbers. Registers count with their low 32 bits, as on Linux. */
#include "calls.h"
#include <family/process.h>
#include <posix/process/task.h>

#define I386_CALLS(ROW) \
	ROW(1, exit) ROW(2, fork) ROW(3, read) ROW(4, write) ROW(5, open) ROW(6, close) ROW(8, creat) ROW(9, link) ROW(10, unlink) ROW(12, chdir) \
	ROW(15, chmod) ROW(20, getpid) ROW(24, getuid) ROW(27, alarm) ROW(29, pause) ROW(33, access) ROW(36, sync) ROW(37, kill) \
	ROW(38, rename) ROW(39, mkdir) ROW(40, rmdir) ROW(41, dup) ROW(42, pipe) ROW(47, getgid) ROW(49, geteuid) ROW(50, getegid) ROW(57, setpgid) \
	ROW(60, umask) ROW(63, dup2) ROW(64, getppid) ROW(65, getpgrp) ROW(66, setsid) ROW(83, symlink) ROW(85, readlink) ROW(92, truncate) \
	ROW(93, ftruncate) ROW(94, fchmod) ROW(118, fsync) ROW(122, uname) ROW(132, getpgid) ROW(133, fchdir) ROW(147, getsid) ROW(158, sched_yield) \
	ROW(183, getcwd) ROW(224, gettid) ROW(252, exit_group)

#define DECLARE(number, name) syscall_function sys_##name;
I386_CALLS(DECLARE)
DECLARE(7, wait4)
DECLARE(19, lseek)
#undef DECLARE

long i386_call(struct user_regs *r)
{
	syscall_function *call;

	switch (r->orig_rax & 0xffffffff) {
#define CASE(number, name) case number: call = sys_##name; break;
	I386_CALLS(CASE)
#undef CASE
	case 7: /* waitpid */
		return sys_wait4((uint32_t)r->rbx, (uint32_t)r->rcx, (uint32_t)r->rdx, 0, 0, 0);
	case 19: /* the one signed 32-bit argument that counts as such */
		return sys_lseek((uint32_t)r->rbx, (uint64_t)(int32_t)r->rcx, (uint32_t)r->rdx, 0, 0, 0);
	default:
		return -ENOSYS;
	}
	return call((uint32_t)r->rbx, (uint32_t)r->rcx, (uint32_t)r->rdx, (uint32_t)r->rsi, (uint32_t)r->rdi, (uint32_t)r->rbp);
}
