/* SPDX-License-Identifier: MIT */
/* Programs of the classic Berkeley packet filter, as Linux takes them for system calls (seccomp(2); the machine: the
 * 1993 paper of McCanne and Jacobson, and linux/filter.h): two registers, sixteen words, jumps forward only. */
#ifndef BASE_CBPF_H
#define BASE_CBPF_H
#include <stdbool.h>
#include <stdint.h>

#define CBPF_MAX   4096u /* instructions of a program */
#define CBPF_WORDS 16u   /* of its memory */

/* As programs pass it. code is a sum of the constants below. */
struct cbpf_insn { uint16_t code; uint8_t jump_true, jump_false; uint32_t k; };

enum {
	/* class */
	CBPF_LD, CBPF_LDX, CBPF_ST, CBPF_STX, CBPF_ALU, CBPF_JMP, CBPF_RET, CBPF_MISC,
	/* where LD and LDX load from; a word each */
	CBPF_IMM = 0x00, CBPF_ABS = 0x20, CBPF_MEM = 0x60, CBPF_LEN = 0x80,
	/* what ALU does with register A */
	CBPF_ADD = 0x00, CBPF_SUB = 0x10, CBPF_MUL = 0x20, CBPF_DIV = 0x30, CBPF_OR = 0x40, CBPF_AND = 0x50,
	CBPF_LSH = 0x60, CBPF_RSH = 0x70, CBPF_NEG = 0x80, CBPF_MOD = 0x90, CBPF_XOR = 0xa0,
	/* when JMP jumps */
	CBPF_JA = 0x00, CBPF_JEQ = 0x10, CBPF_JGT = 0x20, CBPF_JGE = 0x30, CBPF_JSET = 0x40,
	/* the operand of ALU and JMP, and what RET returns: k, register X, register A */
	CBPF_K = 0x00, CBPF_X = 0x08, CBPF_A = 0x10,
	/* MISC */
	CBPF_TAX = 0x00, CBPF_TXA = 0x80,
};

/* Whether n instructions end on every path, load only words within `size` bytes of data and words of memory that were
 * stored before, and are all among those that filters of system calls may have. known: room for n. */
bool cbpf_is_good(const struct cbpf_insn *insn, uint32_t n, uint32_t size, uint16_t *known);
/* What the program, which is good, returns for `size` bytes of data. */
uint32_t cbpf_run(const struct cbpf_insn *insn, const uint32_t *data, uint32_t size);
#endif
