/* SPDX-License-Identifier: MIT */
/* Threads that never call the system compute with x87, SSE and (where there is) AVX registers, with different rounding and masks, and are switched by time alone:
 * every register is each thread's own. Ends when each has seen every other one go on often enough, so it was interrupted and came back. */
#include <cpuid.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include "check.h"

#define THREADS 3
#define SWITCHES 12

static _Atomic long progress[THREADS];
static int has_avx;

static void load(long i, uint16_t control, uint32_t mxcsr)
{
	const double x = (double)i + 0.5;

	__asm__ volatile("fninit; fldcw %0; fldl %1; fldl %1; faddp; ldmxcsr %2" : : "m"(control), "m"(x), "m"(mxcsr));
}

/* All sixteen vector registers hold what only this thread puts there: filled, spun, compared. */
static int hold(uint64_t value, long spins)
{
	uint64_t wrong = 0;

	if (has_avx)
		__asm__ volatile(
			"vmovq %1, %%xmm0; vpermilpd $0, %%xmm0, %%xmm0; vinsertf128 $1, %%xmm0, %%ymm0, %%ymm0\n"
			"vmovapd %%ymm0, %%ymm7; vmovapd %%ymm0, %%ymm15\n"
			"1: dec %2; jnz 1b\n"
			"vextractf128 $1, %%ymm15, %%xmm1; vmovq %%xmm1, %%rax; xor %1, %%rax; or %%rax, %0\n"
			"vextractf128 $1, %%ymm7, %%xmm1; vmovq %%xmm1, %%rax; xor %1, %%rax; or %%rax, %0\n"
			"vmovq %%xmm0, %%rax; xor %1, %%rax; or %%rax, %0\n"
			: "+r"(wrong), "+r"(value), "+r"(spins) : : "rax", "xmm0", "xmm1", "xmm7", "xmm15", "cc");
	else
		__asm__ volatile(
			"movq %1, %%xmm0; movq %1, %%xmm7; movq %1, %%xmm15\n"
			"1: dec %2; jnz 1b\n"
			"movq %%xmm15, %%rax; xor %1, %%rax; or %%rax, %0\n"
			"movq %%xmm7, %%rax; xor %1, %%rax; or %%rax, %0\n"
			"movq %%xmm0, %%rax; xor %1, %%rax; or %%rax, %0\n"
			: "+r"(wrong), "+r"(value), "+r"(spins) : : "rax", "xmm0", "xmm7", "xmm15", "cc");
	return wrong == 0;
}

static void *compute(void *what)
{
	long i = (long)what, seen[THREADS] = { 0 }, changes[THREADS] = { 0 };
	uint16_t control = (uint16_t)(0x37f | (uint16_t)i << 10), control_now;
	uint32_t mxcsr = 0x1f80 | (uint32_t)(i + 1) << 13, mxcsr_now;
	int done = 0;
	double x;

	load(i, control, mxcsr);
	while (!done) {
		CHECK(hold(0x0123456789abcdefu * (uint64_t)(i + 1), 2000));
		__asm__ volatile("fnstcw %0; fstl %1; stmxcsr %2" : "=m"(control_now), "=m"(x), "=m"(mxcsr_now));
		CHECK(control_now == control && x == 2 * ((double)i + 0.5) && (mxcsr_now & 0xffc0) == (mxcsr & 0xffc0));
		progress[i]++;
		done = 1;
		for (int k = 0; k < THREADS; k++) {
			long p = progress[k];

			changes[k] += p != seen[k];
			seen[k] = p;
			done &= changes[k] >= SWITCHES;
		}
	}
	/* The others still wait to see this one go on. */
	progress[i] = 1l << 40;
	for (int k = 0; k < THREADS; k++)
		while (progress[k] < 1l << 40)
			progress[i]++;
	__asm__ volatile("fninit");
	return 0;
}

int main(void)
{
	unsigned a, b, c, d;
	pthread_t t[THREADS];

	has_avx = __get_cpuid(1, &a, &b, &c, &d) && (c & (1u << 27)) && (c & (1u << 28));
	for (long i = 0; i < THREADS; i++)
		CHECK(pthread_create(&t[i], 0, compute, (void *)i) == 0);
	for (int i = 0; i < THREADS; i++)
		CHECK(pthread_join(t[i], 0) == 0);
	printf("registers are each thread's own\n");
	return 0;
}
