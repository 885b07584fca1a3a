/* SPDX-License-Identifier: MIT */
/* What a signal handler finds on its stack: Linux's x86-64 rt_sigframe (asm/ucontext.h, asm/sigcontext.h, asm/siginfo.h), written down once.
 *
 *   sp + 0     return_to        the handler's return address: SA_RESTORER's function, which calls rt_sigreturn
 *   sp + 8     struct user_context
 *   sp + 312   struct signal_info
 *   above, 64-byte aligned: the XSAVE image, followed by SIGFRAME_MAGIC2
 */
#ifndef POSIX_SIGFRAME_H
#define POSIX_SIGFRAME_H
#define SIGFRAME_MAGIC1     0x46505853  /* in the image's software bytes: an extended image follows */
#define SIGFRAME_MAGIC2     0x46505845  /* after it */
#define SIGFRAME_SW         464         /* offset of struct xstate_sw in the image */
#define SIGFRAME_XSTATE     0x1         /* uc_flags: fpstate is an XSAVE image */
#define SIGFRAME_SS         0x6         /* uc_flags: ss is saved, and restored strictly */

#ifndef __ASSEMBLER__
#include <stddef.h>
#include <stdint.h>

struct xstate_sw { uint32_t magic1, extended_size; uint64_t features; uint32_t size, pad[7]; };

struct user_stack { uint64_t sp; int32_t flags; uint32_t pad; uint64_t size; };

struct user_machine {
	uint64_t r8, r9, r10, r11, r12, r13, r14, r15, rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip, rflags;
	uint16_t cs, gs, fs, ss;
	uint64_t error, trap, oldmask, cr2, fpstate, reserved[8];
};

struct user_context {
	uint64_t flags, link;
	struct user_stack stack;
	struct user_machine machine;
	uint64_t mask;
};

/* siginfo_t: which of the arms counts depends on number and code. */
struct signal_info {
	int32_t number, error, code, pad;
	union {
		struct { int32_t pid; uint32_t uid; uint64_t value; } kill;
		struct { int32_t timer, overrun; uint64_t value; } timer;
		struct { int32_t pid; uint32_t uid; int32_t status, pad; int64_t utime, stime; } child;
		struct { uint64_t addr; } fault;
		struct { int64_t band; int32_t fd; } poll;
		struct { uint64_t addr; int32_t number; uint32_t architecture; } call;
		uint8_t bytes[112];
	};
};

struct signal_frame {
	uint64_t return_to;
	struct user_context context;
	struct signal_info info;
};

_Static_assert(sizeof(struct xstate_sw) == 48, "software bytes");
_Static_assert(sizeof(struct user_machine) == 256, "sigcontext");
_Static_assert(sizeof(struct user_context) == 304, "ucontext");
_Static_assert(sizeof(struct signal_info) == 128, "siginfo");
_Static_assert(offsetof(struct signal_frame, context.machine) == 48, "uc_mcontext");
_Static_assert(offsetof(struct user_machine, fpstate) == 184, "fpstate");
_Static_assert(offsetof(struct signal_frame, info) == 312, "siginfo");
_Static_assert(offsetof(struct xstate_sw, features) == 8 && offsetof(struct xstate_sw, size) == 16, "asm");

/* The same with an image in a signal frame in user memory (xstate_frame.c): 0, or -EFAULT, also when it is no image. The frame ends xstate_frame_size() later. */
int xstate_put(uint64_t at);
int xstate_get(uint64_t at);
uint64_t xstate_frame_size(void);
#endif
#endif
