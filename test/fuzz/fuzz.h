/* SPDX-License-Identifier: MIT */
/* What the fuzz targets share. A target is one file with LLVMFuzzerTestOneInput; a broken promise of a decoder is a trap, as a sanitizer's finding is. */
#ifndef TEST_FUZZ_TARGET_H
#define TEST_FUZZ_TARGET_H
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
#define PROMISE(claim) do { if (!(claim)) __builtin_trap(); } while (0)

/* A copy with nothing behind it that may be read. */
static inline uint8_t *exact_copy(const uint8_t *data, size_t size)
{
	uint8_t *p = malloc(size ? size : 1);

	if (!p)
		abort();
	memcpy(p, data, size);
	return p;
}
#endif
