/* SPDX-License-Identifier: MIT */
/* ChaCha20's block function (RFC 8439), and mixing bytes into a key by it. */
#include <base/chacha.h>
#include <base/string.h>

#define MIXED 0x6d69786564ul /* the nonce of mixing */

static uint32_t rotate(uint32_t x, int n) { return x << n | x >> (32 - n); }

static inline void quarter(uint32_t x[16], int a, int b, int c, int d)
{
	x[a] += x[b]; x[d] = rotate(x[d] ^ x[a], 16);
	x[c] += x[d]; x[b] = rotate(x[b] ^ x[c], 12);
	x[a] += x[b]; x[d] = rotate(x[d] ^ x[a], 8);
	x[c] += x[d]; x[b] = rotate(x[b] ^ x[c], 7);
}

void chacha_block(uint32_t out[16], const uint32_t key[8], uint64_t counter, uint64_t nonce)
{
	uint32_t in[16] = { 0x61707865, 0x3320646e, 0x79622d32, 0x6b206574 };

	memcpy(in + 4, key, 32);
	memcpy(in + 12, &counter, 8);
	memcpy(in + 14, &nonce, 8);
	memcpy(out, in, 64);
	for (int round = 0; round < 10; round++) {
		quarter(out, 0, 4, 8, 12);
		quarter(out, 1, 5, 9, 13);
		quarter(out, 2, 6, 10, 14);
		quarter(out, 3, 7, 11, 15);
		quarter(out, 0, 5, 10, 15);
		quarter(out, 1, 6, 11, 12);
		quarter(out, 2, 7, 8, 13);
		quarter(out, 3, 4, 9, 14);
	}
	for (int i = 0; i < 16; i++)
		out[i] += in[i];
}

void chacha_mix(uint32_t key[8], const void *from, size_t n)
{
	const uint8_t *at = from;
	uint32_t out[16];

	for (size_t done = 0, run; done < n; done += run) {
		run = n - done < 32 ? n - done : 32;
		for (size_t i = 0; i < run; i++)
			((uint8_t *)key)[i] ^= at[done + i];
		/* Where the piece lies and how long it is count too. */
		chacha_block(out, key, done << 8 | run, MIXED);
		memcpy(key, out, 32);
	}
	memset(out, 0, sizeof out);
}
