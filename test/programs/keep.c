/* SPDX-License-Identifier: MIT */
/* What a system call keeps: all registers but rax (its result), rcx and r11, and the flags, whatever kind of call it is and whatever comes in between. A child sends
 * signals all the while, so that some of them arrive on the way into and out of a call. */
#include "check.h"
#include <signal.h>
#include <sched.h>
#include <sys/syscall.h>

static volatile sig_atomic_t came;
static void on_signal(int s) { (void)s; came++; }

#define FLAGS 0x8d5ul /* CF PF AF ZF SF OF */

/* Order of the array: rbx rdx rsi rdi rbp r8 r9 r10 r12 r13 r14 r15 flags. Out: the same, then rax, rcx, r11, and the address behind the call. */
void call_all(long number, const unsigned long in[13], unsigned long out[17]);
__asm__(".text\n"
"call_all:\n"
"	push %rbx\n	push %rbp\n	push %r12\n	push %r13\n	push %r14\n	push %r15\n	push %rdx\n"
"	mov %rdi, %rax\n	mov %rsi, %r11\n"
"	mov 0(%r11), %rbx\n	mov 8(%r11), %rdx\n	mov 16(%r11), %rsi\n	mov 24(%r11), %rdi\n	mov 32(%r11), %rbp\n	mov 40(%r11), %r8\n"
"	mov 48(%r11), %r9\n	mov 56(%r11), %r10\n	mov 64(%r11), %r12\n	mov 72(%r11), %r13\n	mov 80(%r11), %r14\n	mov 88(%r11), %r15\n"
"	pushq 96(%r11)\n	popfq\n"
"	syscall\n"
"1:	pushfq\n	push %r11\n	mov 16(%rsp), %r11\n"
"	mov %rbx, 0(%r11)\n	mov %rdx, 8(%r11)\n	mov %rsi, 16(%r11)\n	mov %rdi, 24(%r11)\n	mov %rbp, 32(%r11)\n	mov %r8, 40(%r11)\n"
"	mov %r9, 48(%r11)\n	mov %r10, 56(%r11)\n	mov %r12, 64(%r11)\n	mov %r13, 72(%r11)\n	mov %r14, 80(%r11)\n	mov %r15, 88(%r11)\n"
"	mov %rax, 104(%r11)\n	mov %rcx, 112(%r11)\n	popq 120(%r11)\n	popq 96(%r11)\n"
"	lea 1b(%rip), %rax\n	mov %rax, 128(%r11)\n"
"	pop %rdx\n	pop %r15\n	pop %r14\n	pop %r13\n	pop %r12\n	pop %rbp\n	pop %rbx\n	ret\n");

/* Its result. */
static unsigned long keeps(long number, unsigned long seed)
{
	unsigned long in[13], out[17];

	for (int i = 0; i < 13; i++)
		in[i] = (seed = seed * 6364136223846793005ul + 1442695040888963407ul);
	in[12] = (in[12] & FLAGS) | 0x202;
	call_all(number, in, out);
	for (int i = 0; i < 12; i++)
		CHECK(out[i] == in[i]);
	CHECK(((out[12] ^ in[12]) & FLAGS) == 0);
	CHECK(out[14] == out[16] && (out[15] & FLAGS) == (in[12] & FLAGS));
	return out[13];
}

int main(void)
{
	static const long numbers[] = { SYS_getppid, SYS_getuid, SYS_getpgid, SYS_sched_yield, SYS_sched_get_priority_max };
	struct sigaction sa = { .sa_handler = on_signal };
	pid_t self = getpid(), child;
	unsigned long calls = 0, result[5];

	CHECK(!sigaction(SIGUSR1, &sa, 0));
	for (unsigned long i = 0; i < 5; i++)
		result[i] = keeps(numbers[i], i);
	CHECK(result[0] == (unsigned long)getppid() && result[1] == getuid() && (long)result[2] < 0 && result[3] == 0);
	child = fork();
	CHECK(child >= 0);
	if (!child)
		for (;;)
			if (kill(self, SIGUSR1) || sched_yield())
				_exit(1);
	while (came < 300)
		for (unsigned long i = 0; i < 100; i++)
			CHECK(keeps(numbers[i % 5], calls++) == result[i % 5]);
	CHECK(!kill(child, SIGKILL) && wait_status(child) == 128 + SIGKILL);
	printf("ok\n");
	return 0;
}
