/* SPDX-License-Identifier: MIT */
/* Floating point and AVX state stay a process's own: across fork, across preemption by children that hold other values, across signals. */
#include "check.h"
#include <signal.h>
#include <stdint.h>
#include <sys/time.h>
#include <time.h>

static int has_avx;
static volatile sig_atomic_t ticks;

static void fill(uint8_t *b, unsigned seed)
{
	for (int i = 0; i < 512; i++)
		b[i] = (uint8_t)(seed * 37 + i * 11 + 5);
}

static void on_alarm(int s)
{
	(void)s;
	uint8_t other[512] __attribute__((aligned(32)));
	fill(other, 99);
	__asm__ volatile("movdqa (%0), %%xmm0\n\tmovdqa 16(%0), %%xmm15" : : "r"(other) : "xmm0", "xmm15", "memory");
	ticks++;
}

#define SIXTEEN(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14) X(15)

/* Loads all vector registers from in, spins without touching them, stores them to out. One asm, so that the compiler keeps off. */
static void hold(const uint8_t *in, uint8_t *out, unsigned long spins)
{
#define LOAD_Y(n) "vmovdqa " #n "*32(%[in]), %%ymm" #n "\n\t"
#define SAVE_Y(n) "vmovdqa %%ymm" #n ", " #n "*32(%[out])\n\t"
#define LOAD_X(n) "movdqa " #n "*32(%[in]), %%xmm" #n "\n\t"
#define SAVE_X(n) "movdqa %%xmm" #n ", " #n "*32(%[out])\n\t"
#define ALL "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15"
	if (has_avx)
		__asm__ volatile(SIXTEEN(LOAD_Y) "1: dec %[n]\n\tjnz 1b\n\t" SIXTEEN(SAVE_Y) "vzeroupper"
			: [n] "+r"(spins) : [in] "r"(in), [out] "r"(out) : ALL, "memory");
	else
		__asm__ volatile(SIXTEEN(LOAD_X) "1: dec %[n]\n\tjnz 1b\n\t" SIXTEEN(SAVE_X)
			: [n] "+r"(spins) : [in] "r"(in), [out] "r"(out) : ALL, "memory");
}

static int same(const uint8_t *a, const uint8_t *b)
{
	for (int r = 0; r < 16; r++)
		if (memcmp(a + r * 32, b + r * 32, has_avx ? 32 : 16))
			return 0;
	return 1;
}

static void work(unsigned seed, int rounds)
{
	uint8_t in[512] __attribute__((aligned(32))), out[512] __attribute__((aligned(32)));
	fill(in, seed);
	double x = seed, y = 0;
	long double z = seed;
	for (int i = 0; i < rounds; i++) {
		memset(out, 0, sizeof out);
		hold(in, out, 400000);
		CHECK(same(in, out));
		x = x * 1.0000001 + 0.25;
		y += x / 3;
		z = z / 7 + x;
	}
	double x2 = seed, y2 = 0;
	long double z2 = seed;
	for (int i = 0; i < rounds; i++) {
		x2 = x2 * 1.0000001 + 0.25;
		y2 += x2 / 3;
		z2 = z2 / 7 + x2;
	}
	CHECK(x == x2 && y == y2 && z == z2);
}

/* fork as one raw system call, with all vector registers loaded before and compared after, in parent and child. */
static void across_fork(void)
{
	uint8_t in[512] __attribute__((aligned(32))), out[512] __attribute__((aligned(32)));
	fill(in, 7);
	memset(out, 0, sizeof out);
	long pid = 57;
	if (has_avx)
		__asm__ volatile(SIXTEEN(LOAD_Y) "syscall\n\t" SIXTEEN(SAVE_Y) "vzeroupper"
			: "+a"(pid) : [in] "r"(in), [out] "r"(out) : ALL, "rcx", "r11", "memory");
	else
		__asm__ volatile(SIXTEEN(LOAD_X) "syscall\n\t" SIXTEEN(SAVE_X)
			: "+a"(pid) : [in] "r"(in), [out] "r"(out) : ALL, "rcx", "r11", "memory");
	if (!pid)
		_exit(same(in, out) ? 0 : 1);
	CHECK(pid > 0 && same(in, out));
	CHECK(wait_status((pid_t)pid) == 0);
}

int main(void)
{
	__builtin_cpu_init();
	has_avx = __builtin_cpu_supports("avx");
	unsigned csr = 0x9fc0, back = 0;
	__asm__ volatile("ldmxcsr %0" : : "m"(csr));
	across_fork();
	__asm__ volatile("stmxcsr %0" : "=m"(back));
	CHECK((back & 0xffc0) == 0x9fc0);
	csr = 0x1f80;
	__asm__ volatile("ldmxcsr %0" : : "m"(csr));
	struct sigaction sa = { .sa_handler = on_alarm, .sa_flags = SA_RESTART };
	CHECK(!sigaction(SIGALRM, &sa, 0));
	pid_t pid[3];
	for (unsigned i = 0; i < 3; i++) {
		pid[i] = fork();
		CHECK(pid[i] >= 0);
		if (!pid[i]) {
			work(i + 1, 60);
			_exit(40 + (int)i);
		}
	}
	struct itimerval it = { { 0, 5000 }, { 0, 5000 } };
	CHECK(!setitimer(ITIMER_REAL, &it, 0));
	work(50, 60);
	/* On a fast host all may be done before the first tick. */
	while (!ticks)
		work(51, 1);
	struct itimerval off = { { 0, 0 }, { 0, 0 } };
	CHECK(!setitimer(ITIMER_REAL, &off, 0));
	for (int i = 0; i < 3; i++)
		CHECK(wait_status(pid[i]) == 40 + i);
	printf("ok\n");
	return 0;
}
