/* SPDX-License-Identifier: MIT */
/* Rows of traps: exceptions by way of signals, and Appel and Li's three primitives. */
#include <signal.h>
#include <ucontext.h>
#include "measure.h"

#define N 301
#define MANY 100

static volatile uint64_t arrived;
static char *page;

static int handle(int number, void (*handler)(int, siginfo_t *, void *))
{
	struct sigaction a = { .sa_flags = SA_SIGINFO };

	a.sa_sigaction = handler;
	return sigaction(number, &a, 0);
}

static void skip(void *context, int bytes)
{
	((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP] += bytes;
}

static void on_ud(int number, siginfo_t *info, void *context)
{
	arrived = ticks();
	(void)number;
	(void)info;
	skip(context, 2);
}

int row_ud_handler(void)
{
	NEED(handle(SIGILL, on_ud) == 0);
	for (unsigned k = 0, n = rounds(N); k < n; k++) {
		uint64_t from = ticks();
		__asm__ volatile("ud2" ::: "memory");
		sample(from, arrived, 1);
	}
	samples_say("");
	return 0;
}

static void on_ud_quiet(int number, siginfo_t *info, void *context)
{
	(void)number;
	(void)info;
	skip(context, 2);
}

int row_ud(void)
{
	NEED(handle(SIGILL, on_ud_quiet) == 0);
	EACH(rounds(N), , __asm__ volatile("ud2" ::: "memory"), );
	samples_say("");
	return 0;
}

static void on_empty(int number, siginfo_t *info, void *context)
{
	(void)number;
	(void)info;
	(void)context;
}

int row_int3(void)
{
	NEED(handle(SIGTRAP, on_empty) == 0);
	EACH(rounds(N), , __asm__ volatile("int3" ::: "memory"), );
	samples_say("");
	return 0;
}

int row_signal(void)
{
	NEED(handle(SIGUSR1, on_empty) == 0);
	pid_t self = getpid();
	EACH(rounds(N), , kill(self, SIGUSR1), );
	samples_say("");
	return 0;
}

/* movb $1, (%rdi): three bytes. */
static inline void poke(char *at)
{
	__asm__ volatile("movb $1, (%0)" : : "D"(at) : "memory");
}

static void on_skip(int number, siginfo_t *info, void *context)
{
	(void)number;
	(void)info;
	skip(context, 3);
}

int row_protection(void)
{
	NEED((page = touched(PAGE)) != 0);
	NEED(mprotect(page, PAGE, PROT_READ) == 0 && handle(SIGSEGV, on_skip) == 0);
	EACH(rounds(N), , poke(page), );
	samples_say("");
	return 0;
}

static void on_unprotect(int number, siginfo_t *info, void *context)
{
	(void)number;
	(void)context;
	(void)mprotect((void *)((uintptr_t)info->si_addr & -PAGE), PAGE, PROT_READ | PROT_WRITE);
}

int row_prot1(void)
{
	NEED((page = touched(PAGE)) != 0 && handle(SIGSEGV, on_unprotect) == 0);
	EACH(rounds(N), , { (void)mprotect(page, PAGE, PROT_READ); poke(page); }, );
	samples_say("");
	return 0;
}

int row_protn(void)
{
	NEED((page = touched(MANY * PAGE)) != 0 && handle(SIGSEGV, on_unprotect) == 0);
	for (unsigned k = 0, n = rounds(30); k < n; k++) {
		uint64_t from = ticks();
		(void)mprotect(page, MANY * PAGE, PROT_READ);
		for (unsigned i = 0; i < MANY; i++)
			poke(page + i * PAGE);
		sample(from, ticks(), MANY);
	}
	samples_say("");
	return 0;
}
