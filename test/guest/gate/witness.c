/* SPDX-License-Identifier: MIT */
/* The witness of the hostile tests: an env with an account and slices of its own that looks, all the time, whether it is still what it was: its pages, its registers, its
 * vector state, its segment bases, its flags, and what the public tables say of it. */
#include <base/fmt.h>
#include <base/string.h>
#include "gate.h"

#define PAGES 6
#define EVERY 4 /* every so many slices one is the witness's */

struct witness witness;
static struct exo_env_spec spec;
static uint8_t stack[8192] __attribute__((aligned(64)));
static uint64_t page[PAGES], frames_owned;
static int avx;

static uint64_t word(uint64_t i) { return (i + 1) * 0x9e3779b97f4a7c15ul; }

static void wrong(int what)
{
	witness.damage++;
	if (!witness.what)
		witness.what = what;
}

/* Loads all registers that a function may keep, counts to a thousand, and looks at them again. */
static int registers_kept(void)
{
	uint64_t bad;

	__asm__ volatile(
		"mov $0x1111222233334444, %%rbx; lea 1(%%rbx), %%r8; lea 2(%%rbx), %%r9; lea 3(%%rbx), %%r10; lea 4(%%rbx), %%r11\n\t"
		"lea 5(%%rbx), %%r12; lea 6(%%rbx), %%r13; lea 7(%%rbx), %%r14; lea 8(%%rbx), %%r15; lea 9(%%rbx), %%rsi; lea 10(%%rbx), %%rdi; lea 11(%%rbx), %%rdx\n\t"
		"mov $1000, %%ecx\n1:\tdec %%ecx\n\tjnz 1b\n\t"
		"mov $0x1111222233334444, %%rax; sub %%rax, %%rbx; sub %%rax, %%r8; sub %%rax, %%r9; sub %%rax, %%r10; sub %%rax, %%r11\n\t"
		"sub %%rax, %%r12; sub %%rax, %%r13; sub %%rax, %%r14; sub %%rax, %%r15; sub %%rax, %%rsi; sub %%rax, %%rdi; sub %%rax, %%rdx\n\t"
		"xor $1, %%r8; xor $2, %%r9; xor $3, %%r10; xor $4, %%r11; xor $5, %%r12; xor $6, %%r13; xor $7, %%r14; xor $8, %%r15; xor $9, %%rsi; xor $10, %%rdi; xor $11, %%rdx\n\t"
		"mov %%rbx, %%rax; or %%r8, %%rax; or %%r9, %%rax; or %%r10, %%rax; or %%r11, %%rax; or %%r12, %%rax; or %%r13, %%rax; or %%r14, %%rax; or %%r15, %%rax\n\t"
		"or %%rsi, %%rax; or %%rdi, %%rax; or %%rdx, %%rax; or %%rcx, %%rax"
		: "=a"(bad) :: "rbx", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "cc");
	return bad == 0;
}

static void pass(const uint8_t *vectors, uint8_t *now)
{
	uint64_t flags, fs = 0x1230, gs = 0x4560;
	uint16_t cs, ss;

	for (uint64_t i = 0; i < PAGES * 512; i++)
		if (((volatile uint64_t *)T)[i] != word(i))
			wrong(1);
	for (int i = 0; i < PAGES; i++)
		if (FRAME(page[i]).owner != ME || FRAME(page[i]).maps != 1 || FRAME(page[i]).type != EXO_DATA)
			wrong(2);
	if (rt_envs[ME].frames != frames_owned || rt_envs[ME].state != EXO_S_READY || rt_info->current != rt_page()->self)
		wrong(3);
	if (!registers_kept())
		wrong(4);
	vector_store(now, avx);
	for (int n = 0; n < 16; n++)
		if (memcmp(vectors + 32 * n, now + 32 * n, avx ? 32 : 16))
			wrong(5);
	__asm__ volatile("pushfq; pop %0; mov %%cs, %1; mov %%ss, %2" : "=r"(flags), "=r"(cs), "=r"(ss));
	if ((flags & 0x47700) != 0x200 || cs != EXO_USER_CS || ss != EXO_USER_SS)
		wrong(6);
	if (rt_info->cpu_features & EXO_CPU_FSGSBASE)
		__asm__ volatile("rdfsbase %0; rdgsbase %1" : "=r"(fs), "=r"(gs));
	if (fs != 0x1230 || gs != 0x4560)
		wrong(7);
}

static void witness_main(uint64_t argument)
{
	static uint8_t vectors[16 * 32], now[16 * 32];

	(void)argument;
	(void)gate_env_set(0, EXO_SET_OPEN, ~0ul, 0);
	avx = (rt_info->xcr0 & 4) != 0;
	for (uint64_t i = 0; i < PAGES; i++)
		if (!(page[i] = page_new(T + i * PAGE, RW | NX)))
			wrong(8);
	for (uint64_t i = 0; i < PAGES * 512; i++)
		((volatile uint64_t *)T)[i] = word(i);
	for (unsigned i = 0; i < sizeof vectors; i++)
		vectors[i] = (uint8_t)(i * 11 + 3);
	if (rt_info->cpu_features & EXO_CPU_FSGSBASE)
		__asm__ volatile("wrfsbase %0; wrgsbase %1" :: "r"(0x1230ul), "r"(0x4560ul));
	frames_owned = rt_envs[ME].frames;
	vector_load(vectors, avx);
	for (;;) {
		pass(vectors, now);
		witness.passes++;
	}
}

int witness_start(void)
{
	int64_t r;

	memset(&witness, 0, sizeof witness);
	if (rt_env_prepare(&spec) < 0 || rt_env_home(&spec, (uint64_t)&witness, EXO_AT_RW) < 0)
		return 0;
	spec.flags = EXO_SPEC_NEW_ACCOUNT;
	spec.limit[EXO_C_FRAMES] = 40;
	spec.limit[EXO_C_SLICES] = EXO_SLICE_COUNT;
	spec.rip = (uint64_t)witness_main;
	spec.rsp = (uint64_t)(stack + sizeof stack - 8);
	/* Two slices are left free: for tests whose envs want some. */
	for (uint64_t i = 0; i < 2; i++)
		(void)gate_slice_set(FREE_SLICE + i, 0);
	for (uint64_t i = 2; i < EXO_SLICE_COUNT; i += EVERY)
		(void)gate_slice_set(i, 0);
	spec.limit[EXO_C_SLICES] = EXO_SLICE_COUNT / EVERY;
	r = gate_env_make(&spec);
	witness.name = r < 0 ? 0 : (exo_name)r;
	for (uint64_t i = 2; i < EXO_SLICE_COUNT; i += EVERY)
		(void)gate_slice_set(i, witness.name);
	while (witness.name && !witness.passes && !witness.damage)
		(void)gate_yield(witness.name, 0);
	return witness.name != 0;
}

/* One pass that began after the test's end, then its end. */
const char *witness_end(uint64_t before, uint64_t since)
{
	static const char *const text[] = { "", "a page of the witness has changed", "the frame table says something else of its pages", "the env table says something else of it",
		"its registers have changed", "its vector registers have changed", "its flags or selectors have changed", "its segment bases have changed", "it could not begin" };
	uint64_t during = witness.passes - before, after = witness.passes, end = rt_tsc() + test_patience(2);
	int long_enough = since > 4 * EVERY * rt_info->slice_ticks;

	while (witness.passes < after + 2 && !witness.damage && rt_tsc() < end)
		(void)gate_yield(0, 0);
	if (witness.damage)
		return text[witness.what];
	if (witness.passes < after + 2)
		return "the witness does not run any more";
	if (long_enough && !during && !rt_info->debug)
		return "the witness did not run during the test";
	return 0;
}

void witness_stop(void)
{
	rt_env_end(witness.name);
	witness.name = 0;
	for (uint64_t i = 0; i < EXO_SLICE_COUNT; i++)
		if (!rt_slices->env[i])
			(void)gate_slice_set(i, rt_self());
}
