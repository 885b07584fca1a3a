/* SPDX-License-Identifier: MIT */
/* Which system calls a thread may still make: seccomp(2). Family lock held, but for seccomp_admits. */
#ifndef POSIX_SECCOMP_H
#define POSIX_SECCOMP_H
#include <stdint.h>

struct thread;
struct user_regs;

#pragma GCC visibility push(hidden)
/* The call that r asks for, by the registers of that architecture (AUDIT_ARCH_), may be made. Else r->rax is its
 * result, a signal is on its way, or this does not come back. Lock not held, and neither is it afterwards. */
int  seccomp_admits(struct user_regs *r, uint32_t architecture);
/* prctl(PR_SET_SECCOMP): 0 or -errno. */
long seccomp_mode_set(uint64_t mode, uint64_t program);
uint32_t seccomp_count(const struct thread *th);                        /* how many filters it has */
void seccomp_inherit(struct thread *to, const struct thread *from);    /* a new one, which has none */
void seccomp_drop(struct thread *th);
#pragma GCC visibility pop
#endif
