/* SPDX-License-Identifier: MIT */
/* lib/base/cbpf.h: its numbers are Linux's, each instruction, what is no good program, and random ones, which neither
 * leave their memory nor run on. */
#include <base/cbpf.h>
#include <linux/filter.h>
#include <stdlib.h>
#include <string.h>
#include "check.h"

_Static_assert(sizeof(struct cbpf_insn) == sizeof(struct sock_filter), "as programs pass it");
_Static_assert(CBPF_MAX == BPF_MAXINSNS && CBPF_WORDS == BPF_MEMWORDS, "as large as Linux's");
#define SAME(name) _Static_assert((int)CBPF_##name == BPF_##name, #name)
SAME(LD); SAME(LDX); SAME(ST); SAME(STX); SAME(ALU); SAME(JMP); SAME(RET); SAME(MISC);
SAME(IMM); SAME(ABS); SAME(MEM); SAME(LEN);
SAME(ADD); SAME(SUB); SAME(MUL); SAME(DIV); SAME(OR); SAME(AND); SAME(LSH); SAME(RSH); SAME(NEG); SAME(MOD); SAME(XOR);
SAME(JA); SAME(JEQ); SAME(JGT); SAME(JGE); SAME(JSET); SAME(K); SAME(X); SAME(TAX); SAME(TXA);

#define SIZE 64u
#define LIST(...) ((const struct cbpf_insn[]){ __VA_ARGS__ })
#define RET_A { CBPF_RET | CBPF_A, 0, 0, 0 }
#define GOOD(...) is_good(LIST(__VA_ARGS__), sizeof LIST(__VA_ARGS__) / sizeof(struct cbpf_insn))
#define RUN(...) run(LIST(__VA_ARGS__), sizeof LIST(__VA_ARGS__) / sizeof(struct cbpf_insn))

static bool is_good(const struct cbpf_insn *insn, uint32_t n)
{
	uint16_t *known = malloc(n * sizeof *known + 1);
	bool good = cbpf_is_good(insn, n, SIZE, known);

	free(known);
	return good;
}

static uint32_t run(const struct cbpf_insn *insn, uint32_t n)
{
	uint32_t data[SIZE / 4];

	for (uint32_t i = 0; i < SIZE / 4; i++)
		data[i] = 1000 + i;
	return is_good(insn, n) ? cbpf_run(insn, data, SIZE) : 0xbad;
}

TEST(cbpf_loads)
{
	CHECK_EQ(RUN({ CBPF_RET | CBPF_K, 0, 0, 7 }), 7);
	CHECK_EQ(RUN(RET_A), 0);
	CHECK_EQ(RUN({ CBPF_LD | CBPF_IMM, 0, 0, 5 }, RET_A), 5);
	CHECK_EQ(RUN({ CBPF_LD | CBPF_ABS, 0, 0, 60 }, RET_A), 1015);
	CHECK_EQ(RUN({ CBPF_LD | CBPF_LEN, 0, 0, 9 }, RET_A), SIZE);
	CHECK_EQ(RUN({ CBPF_LDX | CBPF_LEN, 0, 0, 9 }, { CBPF_MISC | CBPF_TXA, 0, 0, 0 }, RET_A), SIZE);
	CHECK_EQ(RUN({ CBPF_LDX | CBPF_IMM, 0, 0, 6 }, { CBPF_MISC | CBPF_TXA, 0, 0, 0 }, RET_A), 6);
	CHECK_EQ(RUN({ CBPF_LD | CBPF_IMM, 0, 0, 8 }, { CBPF_ST, 0, 0, 15 }, { CBPF_LDX | CBPF_MEM, 0, 0, 15 },
		{ CBPF_LD | CBPF_IMM, 0, 0, 1 }, { CBPF_MISC | CBPF_TXA, 0, 0, 0 }, RET_A), 8);
	CHECK_EQ(RUN({ CBPF_LDX | CBPF_IMM, 0, 0, 8 }, { CBPF_STX, 0, 0, 3 }, { CBPF_LD | CBPF_MEM, 0, 0, 3 }, RET_A), 8);
	CHECK_EQ(RUN({ CBPF_LD | CBPF_IMM, 0, 0, 3 }, { CBPF_MISC | CBPF_TAX, 0, 0, 0 }, { CBPF_LD | CBPF_IMM, 0, 0, 4 },
		{ CBPF_ALU | CBPF_MUL | CBPF_X, 0, 0, 100 }, RET_A), 12);
}

static uint32_t alu(uint16_t op, uint32_t a, uint32_t b, int by_x)
{
	const struct cbpf_insn insn[] = {
		{ CBPF_LD | CBPF_IMM, 0, 0, a }, { CBPF_LDX | CBPF_IMM, 0, 0, b },
		{ (uint16_t)(CBPF_ALU | op | (by_x ? CBPF_X : CBPF_K)), 0, 0, by_x ? 0 : b }, RET_A,
	};

	return run(insn, 4);
}

TEST(cbpf_arithmetic)
{
	static const uint32_t value[] = { 0, 1, 2, 31, 32, 33, 0x7fffffff, 0x80000000, 0xffffffff, 0x12345678 };

	for (unsigned i = 0; i < sizeof value / sizeof *value; i++)
		for (unsigned j = 0; j < 2 * sizeof value / sizeof *value; j++) {
			uint32_t a = value[i], b = value[j / 2];
			int x = j % 2;

			CHECK_EQ(alu(CBPF_ADD, a, b, x), a + b);
			CHECK_EQ(alu(CBPF_SUB, a, b, x), a - b);
			CHECK_EQ(alu(CBPF_MUL, a, b, x), a * b);
			CHECK_EQ(alu(CBPF_AND, a, b, x), (a & b));
			CHECK_EQ(alu(CBPF_OR, a, b, x), (a | b));
			CHECK_EQ(alu(CBPF_XOR, a, b, x), (a ^ b));
			CHECK_EQ(alu(CBPF_LSH, a, b, x), x || b < 32 ? a << b % 32 : 0xbad);
			CHECK_EQ(alu(CBPF_RSH, a, b, x), x || b < 32 ? a >> b % 32 : 0xbad);
			/* Division by zero: by a constant it is no good program, by X it ends with 0. */
			if (b)
				CHECK_EQ(alu(CBPF_DIV, a, b, x), a / b);
			else
				CHECK_EQ(alu(CBPF_DIV, a, b, x), x ? 0 : 0xbad);
			CHECK_EQ(alu(CBPF_MOD, a, 3, x), 0xbad); /* which filters of system calls may not have */
		}
	CHECK_EQ(RUN({ CBPF_LD | CBPF_IMM, 0, 0, 5 }, { CBPF_ALU | CBPF_NEG, 0, 0, 0 }, RET_A), (uint32_t)-5);
}

static uint32_t jump(uint16_t op, uint32_t a, uint32_t b, int by_x)
{
	const struct cbpf_insn insn[] = {
		{ CBPF_LD | CBPF_IMM, 0, 0, a }, { CBPF_LDX | CBPF_IMM, 0, 0, b },
		{ (uint16_t)(CBPF_JMP | op | (by_x ? CBPF_X : CBPF_K)), 1, 0, by_x ? 0 : b },
		{ CBPF_RET | CBPF_K, 0, 0, 0 }, { CBPF_RET | CBPF_K, 0, 0, 1 },
	};

	return run(insn, 5);
}

TEST(cbpf_jumps)
{
	static const uint32_t value[] = { 0, 1, 2, 0x7fffffff, 0x80000000, 0xffffffff };

	for (unsigned i = 0; i < sizeof value / sizeof *value; i++)
		for (unsigned j = 0; j < 2 * sizeof value / sizeof *value; j++) {
			uint32_t a = value[i], b = value[j / 2];

			CHECK_EQ(jump(CBPF_JEQ, a, b, j % 2), a == b);
			CHECK_EQ(jump(CBPF_JGT, a, b, j % 2), a > b);
			CHECK_EQ(jump(CBPF_JGE, a, b, j % 2), a >= b);
			CHECK_EQ(jump(CBPF_JSET, a, b, j % 2), (a & b) != 0);
		}
	CHECK_EQ(RUN({ CBPF_JMP | CBPF_JA, 9, 9, 1 }, { CBPF_RET | CBPF_K, 0, 0, 0 }, { CBPF_RET | CBPF_K, 0, 0, 1 }), 1);
}

TEST(cbpf_refuses)
{
	static struct cbpf_insn many[CBPF_MAX + 1];
	const struct cbpf_insn end = RET_A;

	for (uint32_t i = 0; i <= CBPF_MAX; i++)
		many[i] = end;
	CHECK(is_good(many, CBPF_MAX) && !is_good(many, CBPF_MAX + 1) && !is_good(many, 0));
	CHECK(!GOOD({ CBPF_LD | CBPF_IMM, 0, 0, 5 })); /* its end is no return */
	CHECK(!GOOD({ CBPF_RET | CBPF_X, 0, 0, 0 }));
	CHECK(GOOD({ CBPF_LD | CBPF_ABS, 0, 0, 60 }, RET_A) && !GOOD({ CBPF_LD | CBPF_ABS, 0, 0, 64 }, RET_A));
	CHECK(!GOOD({ CBPF_LD | CBPF_ABS, 0, 0, 2 }, RET_A) && !GOOD({ CBPF_LD | CBPF_ABS, 0, 0, (uint32_t)-4096 }, RET_A));
	CHECK(!GOOD({ BPF_LD | BPF_H | BPF_ABS, 0, 0, 0 }, RET_A) && !GOOD({ BPF_LD | BPF_B | BPF_ABS, 0, 0, 0 }, RET_A));
	CHECK(!GOOD({ BPF_LD | BPF_W | BPF_IND, 0, 0, 0 }, RET_A) && !GOOD({ BPF_LDX | BPF_B | BPF_MSH, 0, 0, 0 }, RET_A));
	CHECK(GOOD({ CBPF_ST, 0, 0, 15 }, RET_A) && !GOOD({ CBPF_ST, 0, 0, 16 }, RET_A) &&
		!GOOD({ CBPF_STX, 0, 0, 16 }, RET_A));
	CHECK(!GOOD({ CBPF_LD | CBPF_MEM, 0, 0, 3 }, RET_A)); /* nothing was stored there */
	CHECK(!GOOD({ CBPF_ST, 0, 0, 2 }, { CBPF_LDX | CBPF_MEM, 0, 0, 3 }, RET_A));
	CHECK(!GOOD({ CBPF_ST, 0, 0, 2 }, { CBPF_LDX | CBPF_MEM, 0, 0, 16 }, RET_A));
	/* On one of two paths only; then on both. */
	CHECK(!GOOD({ CBPF_JMP | CBPF_JEQ, 0, 1, 0 }, { CBPF_ST, 0, 0, 3 }, { CBPF_LD | CBPF_MEM, 0, 0, 3 }, RET_A));
	CHECK(GOOD({ CBPF_JMP | CBPF_JEQ, 0, 2, 0 }, { CBPF_ST, 0, 0, 3 }, { CBPF_JMP | CBPF_JA, 0, 0, 1 },
		{ CBPF_ST, 0, 0, 3 }, { CBPF_LD | CBPF_MEM, 0, 0, 3 }, RET_A));
	CHECK(!GOOD({ CBPF_JMP | CBPF_JA, 0, 0, 1 }, RET_A) && !GOOD({ CBPF_JMP | CBPF_JA, 0, 0, 0xffffffff }, RET_A));
	CHECK(!GOOD({ CBPF_JMP | CBPF_JEQ, 1, 0, 0 }, RET_A) && !GOOD({ CBPF_JMP | CBPF_JEQ, 0, 1, 0 }, RET_A));
	for (unsigned code = 0x100; code < 0x10000; code++)
		CHECK(!is_good(LIST({ (uint16_t)code, 0, 0, 1 }, RET_A), 2));
}

/* Bytes of any kind. Sanitizers watch the memory; a good program ends, since it only goes forward. */
TEST(cbpf_random)
{
	uint64_t state = 88172645463325252u;
	uint32_t good = 0;

	for (int round = 0; round < 200000; round++) {
		struct cbpf_insn insn[12];

		for (unsigned i = 0; i < 12; i++) {
			state ^= state << 13;
			state ^= state >> 7;
			state ^= state << 17;
			insn[i] = (struct cbpf_insn){ (uint16_t)(state & (round % 4 ? 0x7f : 0xffff)), (uint8_t)(state >> 16 & 3),
				(uint8_t)(state >> 20 & 3), (uint32_t)(state >> 32 & (round % 3 ? 12 : 0xff)) };
		}
		insn[11] = (struct cbpf_insn)RET_A;
		for (unsigned n = 1; n <= 12; n++)
			if (is_good(insn + 12 - n, n)) {
				good++;
				(void)run(insn + 12 - n, n);
			}
	}
	CHECK(good > 100000);
}
