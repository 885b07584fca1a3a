/* SPDX-License-Identifier: MIT */
/* How the process half writes the definition of a system call with n arguments that are used (posix.h: syscall_function). */
#ifndef POSIX_CALLS_H
#define POSIX_CALLS_H
#include <asm/errno.h>
#include <posix/posix.h>

#define UNUSED_(n) uint64_t unused_##n __attribute__((unused))
#define CALL0(name) long sys_##name(UNUSED_(0), UNUSED_(1), UNUSED_(2), UNUSED_(3), UNUSED_(4), UNUSED_(5))
#define CALL1(name, a) long sys_##name(uint64_t a, UNUSED_(1), UNUSED_(2), UNUSED_(3), UNUSED_(4), UNUSED_(5))
#define CALL2(name, a, b) long sys_##name(uint64_t a, uint64_t b, UNUSED_(2), UNUSED_(3), UNUSED_(4), UNUSED_(5))
#define CALL3(name, a, b, c) long sys_##name(uint64_t a, uint64_t b, uint64_t c, UNUSED_(3), UNUSED_(4), UNUSED_(5))
#define CALL4(name, a, b, c, d) long sys_##name(uint64_t a, uint64_t b, uint64_t c, uint64_t d, UNUSED_(4), UNUSED_(5))
#define CALL5(name, a, b, c, d, e) long sys_##name(uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, UNUSED_(5))
#define CALL6(name, a, b, c, d, e, f) long sys_##name(uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t f)

#define SYSCALL(number, name, arguments, flags) syscall_function sys_##name;
#include "proc_syscall.def"
#undef SYSCALL
#endif
