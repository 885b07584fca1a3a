/* SPDX-License-Identifier: MIT */
/* SIGSEGV handlers: repair by mprotect and resume, on an alternate stack, with si_addr and registers as they should be; siglongjmp out. */
#include "check.h"
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <ucontext.h>

static char *page;
static volatile int faults;
static void *volatile last_addr;
static volatile int on_alt;
static char alt[64 << 10];
static sigjmp_buf back;

static void repair(int s, siginfo_t *si, void *uc)
{
	char here;
	(void)s, (void)uc;
	faults++;
	last_addr = si->si_addr;
	on_alt = &here >= alt && &here < alt + sizeof alt;
	if (mprotect((void *)((uintptr_t)si->si_addr & ~4095ul), 4096, PROT_READ | PROT_WRITE))
		_exit(9);
}

static void jump(int s, siginfo_t *si, void *uc)
{
	(void)s, (void)uc;
	last_addr = si->si_addr;
	siglongjmp(back, 1);
}

/* Changes a register of the interrupted code: it resumes with a good pointer. */
static void redirect(int s, siginfo_t *si, void *v)
{
	(void)s, (void)si;
	ucontext_t *uc = v;
	faults++;
	uc->uc_mcontext.gregs[REG_RBX] = (greg_t)(uintptr_t)page;
}

int main(void)
{
	page = mmap(0, 64 * 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(page != MAP_FAILED);
	stack_t ss = { .ss_sp = alt, .ss_size = sizeof alt };
	CHECK(!sigaltstack(&ss, 0));
	struct sigaction sa = { .sa_sigaction = repair, .sa_flags = SA_SIGINFO | SA_ONSTACK };
	CHECK(!sigaction(SIGSEGV, &sa, 0));
	for (int i = 0; i < 64; i++) {
		volatile char *p = page + i * 4096 + 17;
		*p = (char)i;
		CHECK(faults == i + 1 && last_addr == (void *)p && on_alt);
	}
	for (int i = 0; i < 64; i++)
		CHECK(page[i * 4096 + 17] == (char)i && faults == 64);
	/* The same in a child, on memory that fork shares. */
	CHECK(!mprotect(page, 64 * 4096, PROT_READ));
	pid_t pid = fork();
	CHECK(pid >= 0);
	faults = 0;
	if (!pid) {
		for (int i = 0; i < 64; i++)
			*(volatile char *)(page + i * 4096 + 17) = 1;
		CHECK(faults == 64);
		_exit(0);
	}
	CHECK(wait_status(pid) == 0);
	for (int i = 0; i < 64; i++)
		CHECK(page[i * 4096 + 17] == (char)i);
	CHECK(!mprotect(page, 4096, PROT_READ | PROT_WRITE));
	page[0] = 42;
	sa.sa_sigaction = redirect;
	CHECK(!sigaction(SIGSEGV, &sa, 0));
	unsigned char got = 0;
	faults = 0;
	__asm__ volatile("xor %%ebx, %%ebx\n\tmovb (%%rbx), %0" : "=&r"(got) : : "rbx", "memory");
	CHECK(got == 42 && faults == 1);
	sa.sa_sigaction = jump;
	CHECK(!sigaction(SIGSEGV, &sa, 0));
	for (int i = 0; i < 3; i++) {
		if (!sigsetjmp(back, 1)) {
			*(volatile int *)0 = 1;
			CHECK(!"reached");
		}
		CHECK(last_addr == 0);
	}
	/* Text is not writable, data not executable. */
	if (!sigsetjmp(back, 1)) {
		*(volatile char *)(uintptr_t)main = 0;
		CHECK(!"text is writable");
	}
	CHECK(last_addr == (void *)(uintptr_t)main);
	page[0] = (char)0xc3;
	if (!sigsetjmp(back, 1)) {
		((void (*)(void))(uintptr_t)page)();
		CHECK(!"data is executable");
	}
	CHECK(last_addr == (void *)page);
	/* SIGFPE and SIGILL by their own signals. */
	sa.sa_sigaction = jump;
	CHECK(!sigaction(SIGFPE, &sa, 0) && !sigaction(SIGILL, &sa, 0) && !sigaction(SIGTRAP, &sa, 0));
	int zero = 0;
	if (!sigsetjmp(back, 1)) {
		__asm__ volatile("xor %%edx, %%edx\n\tmov $1, %%eax\n\tidivl %0" : : "m"(zero) : "eax", "edx");
		CHECK(!"divided");
	}
	if (!sigsetjmp(back, 1)) {
		__asm__ volatile("ud2");
		CHECK(!"ud2");
	}
	if (!sigsetjmp(back, 1)) {
		__asm__ volatile("int3");
		CHECK(!"int3");
	}
	printf("ok\n");
	return 0;
}
