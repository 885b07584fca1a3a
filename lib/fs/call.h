/* SPDX-License-Identifier: MIT */
/* How the definition of a system call of Linux is written, with n arguments that are used. */
#ifndef FS_CALL_H
#define FS_CALL_H
#include <stdint.h>

/* Every system call is long name(uint64_t a0..a5); lists in syscall.def: SYSCALL(number, name, arguments, flags).
 * Result: >= 0 or -errno. */
typedef long syscall_function(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t);

#define UNUSED_(n) uint64_t unused_##n __attribute__((unused))
#define CALL0(name) long sys_##name(UNUSED_(0), UNUSED_(1), UNUSED_(2), UNUSED_(3), UNUSED_(4), UNUSED_(5))
#define CALL1(name, a) long sys_##name(uint64_t a, UNUSED_(1), UNUSED_(2), UNUSED_(3), UNUSED_(4), UNUSED_(5))
#define CALL2(name, a, b) long sys_##name(uint64_t a, uint64_t b, UNUSED_(2), UNUSED_(3), UNUSED_(4), UNUSED_(5))
#define CALL3(name, a, b, c) long sys_##name(uint64_t a, uint64_t b, uint64_t c, UNUSED_(3), UNUSED_(4), UNUSED_(5))
#define CALL4(name, a, b, c, d) long sys_##name(uint64_t a, uint64_t b, uint64_t c, uint64_t d, UNUSED_(4), UNUSED_(5))
#define CALL5(name, a, b, c, d, e) long sys_##name(uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, UNUSED_(5))
#define CALL6(name, a, b, c, d, e, f) long sys_##name(uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t f)
#endif
