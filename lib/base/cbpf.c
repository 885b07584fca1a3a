/* SPDX-License-Identifier: MIT */
/* Classic BPF for system calls: which programs are good, and running one. */
#include "cbpf.h"

#define CLASS 0x07
#define PLACE 0xe0 /* of LD and LDX */
#define WORD_BITS 32

/* The instruction by itself, with that much data to load from. */
static bool is_known(const struct cbpf_insn *i, uint32_t size)
{
	switch (i->code) {
	case CBPF_LD | CBPF_ABS:
		return i->k < size && i->k % 4 == 0;
	case CBPF_LD | CBPF_MEM: case CBPF_LDX | CBPF_MEM: case CBPF_ST: case CBPF_STX:
		return i->k < CBPF_WORDS;
	case CBPF_ALU | CBPF_DIV | CBPF_K:
		return i->k;
	case CBPF_ALU | CBPF_LSH | CBPF_K: case CBPF_ALU | CBPF_RSH | CBPF_K:
		return i->k < WORD_BITS;
	case CBPF_LD | CBPF_IMM: case CBPF_LD | CBPF_LEN: case CBPF_LDX | CBPF_IMM: case CBPF_LDX | CBPF_LEN:
	case CBPF_ALU | CBPF_ADD | CBPF_K: case CBPF_ALU | CBPF_ADD | CBPF_X:
	case CBPF_ALU | CBPF_SUB | CBPF_K: case CBPF_ALU | CBPF_SUB | CBPF_X:
	case CBPF_ALU | CBPF_MUL | CBPF_K: case CBPF_ALU | CBPF_MUL | CBPF_X:
	case CBPF_ALU | CBPF_AND | CBPF_K: case CBPF_ALU | CBPF_AND | CBPF_X:
	case CBPF_ALU | CBPF_OR | CBPF_K: case CBPF_ALU | CBPF_OR | CBPF_X:
	case CBPF_ALU | CBPF_XOR | CBPF_K: case CBPF_ALU | CBPF_XOR | CBPF_X:
	case CBPF_ALU | CBPF_DIV | CBPF_X: case CBPF_ALU | CBPF_LSH | CBPF_X: case CBPF_ALU | CBPF_RSH | CBPF_X:
	case CBPF_ALU | CBPF_NEG:
	case CBPF_JMP | CBPF_JA:
	case CBPF_JMP | CBPF_JEQ | CBPF_K: case CBPF_JMP | CBPF_JEQ | CBPF_X:
	case CBPF_JMP | CBPF_JGT | CBPF_K: case CBPF_JMP | CBPF_JGT | CBPF_X:
	case CBPF_JMP | CBPF_JGE | CBPF_K: case CBPF_JMP | CBPF_JGE | CBPF_X:
	case CBPF_JMP | CBPF_JSET | CBPF_K: case CBPF_JMP | CBPF_JSET | CBPF_X:
	case CBPF_RET | CBPF_K: case CBPF_RET | CBPF_A:
	case CBPF_MISC | CBPF_TAX: case CBPF_MISC | CBPF_TXA:
		return true;
	}
	return false;
}

/* A jump stays in the program, of which so much is left behind it; what is known now is known where it leads. */
static bool jumps_follow(const struct cbpf_insn *i, uint32_t left, uint16_t *known_next, uint16_t known)
{
	if (i->code == (CBPF_JMP | CBPF_JA)) {
		if (i->k >= left)
			return false;
		known_next[i->k] &= known;
		return true;
	}
	if (i->jump_true >= left || i->jump_false >= left)
		return false;
	known_next[i->jump_true] &= known;
	known_next[i->jump_false] &= known;
	return true;
}

bool cbpf_is_good(const struct cbpf_insn *insn, uint32_t n, uint32_t size, uint16_t *known)
{
	uint16_t now = 0xffff; /* which words of memory are stored on every path to here */

	if (!n || n > CBPF_MAX || (insn[n - 1].code & CLASS) != CBPF_RET)
		return false;
	for (uint32_t at = 0; at < n; at++)
		known[at] = 0xffff;
	known[0] = 0;
	for (uint32_t at = 0; at < n; at++) {
		const struct cbpf_insn *i = &insn[at];

		if (!is_known(i, size))
			return false;
		now &= known[at];
		switch (i->code & CLASS) {
		case CBPF_ST: case CBPF_STX:
			now |= (uint16_t)(1u << i->k);
			break;
		case CBPF_LD: case CBPF_LDX:
			if ((i->code & PLACE) == CBPF_MEM && !(now >> i->k & 1))
				return false;
			break;
		case CBPF_JMP:
			if (!jumps_follow(i, n - at - 1, known + at + 1, now))
				return false;
			now = 0xffff;
			break;
		}
	}
	return true;
}

/* Except division by zero, which ends the program. */
static uint32_t calculate(uint16_t code, uint32_t a, uint32_t b)
{
	switch (code & 0xf0) {
	case CBPF_ADD: return a + b;
	case CBPF_SUB: return a - b;
	case CBPF_MUL: return a * b;
	case CBPF_DIV: return a / b;
	case CBPF_OR: return a | b;
	case CBPF_AND: return a & b;
	case CBPF_LSH: return a << b % WORD_BITS;
	case CBPF_RSH: return a >> b % WORD_BITS;
	case CBPF_NEG: return -a;
	}
	return a ^ b;
}

static bool decide(uint16_t code, uint32_t a, uint32_t b)
{
	switch (code & 0xf0) {
	case CBPF_JEQ: return a == b;
	case CBPF_JGT: return a > b;
	case CBPF_JGE: return a >= b;
	}
	return a & b;
}

uint32_t cbpf_run(const struct cbpf_insn *insn, const uint32_t *data, uint32_t size)
{
	uint32_t a = 0, x = 0, word[CBPF_WORDS] = { 0 }, value = 0;

	for (const struct cbpf_insn *i = insn;; i++) {
		uint32_t operand = i->code & CBPF_X ? x : i->k;

		switch (i->code & CLASS) {
		case CBPF_LD: case CBPF_LDX:
			switch (i->code & PLACE) {
			case CBPF_IMM: value = i->k; break;
			case CBPF_ABS: value = data[i->k / 4]; break;
			case CBPF_MEM: value = word[i->k]; break;
			case CBPF_LEN: value = size; break;
			}
			*((i->code & CLASS) == CBPF_LD ? &a : &x) = value;
			break;
		case CBPF_ST: word[i->k] = a; break;
		case CBPF_STX: word[i->k] = x; break;
		case CBPF_ALU:
			if (!operand && (i->code & 0xf0) == CBPF_DIV)
				return 0;
			a = calculate(i->code, a, operand);
			break;
		case CBPF_JMP:
			if ((i->code & 0xf0) == CBPF_JA)
				i += i->k;
			else
				i += decide(i->code, a, operand) ? i->jump_true : i->jump_false;
			break;
		case CBPF_RET:
			return i->code & CBPF_A ? a : i->k;
		case CBPF_MISC:
			if (i->code & CBPF_TXA)
				a = x;
			else
				x = a;
			break;
		}
	}
}
