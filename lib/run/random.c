/* SPDX-License-Identifier: MIT */
/* The family's random generator: ChaCha20 (RFC 8439) whose key is replaced after every request, so that what was
 * given out cannot be computed from what is here later. Seeded once from RDRAND, the firmware's EFI_RNG, and the
 * clock; RDRAND is mixed in again at every request. */
#include <base/string.h>
#include <rt/gate.h>
#include <rt/log.h>
#include <rt/cpu.h>
#include <family/family.h>
#include <family/monitor.h>
#include "run.h"

struct random { uint32_t key[8]; uint64_t count; };

static uint32_t rotate(uint32_t x, int n) { return x << n | x >> (32 - n); }

static inline void quarter(uint32_t x[16], int a, int b, int c, int d)
{
	x[a] += x[b]; x[d] = rotate(x[d] ^ x[a], 16);
	x[c] += x[d]; x[b] = rotate(x[b] ^ x[c], 12);
	x[a] += x[b]; x[d] = rotate(x[d] ^ x[a], 8);
	x[c] += x[d]; x[b] = rotate(x[b] ^ x[c], 7);
}

static void block_make(uint32_t out[16], const uint32_t key[8], uint64_t counter, uint64_t nonce)
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

static int hardware_word(uint64_t *to)
{
	if (!(rt_info->cpu_features & EXO_CPU_RDRAND))
		return 0;
	for (int i = 0; i < 10; i++)
		if (cpu_rdrand(to))
			return 1;
	return 0;
}

/* The low bits of how long memory and the clock take: weak, and said so in the log. */
static uint64_t jitter_word(void)
{
	uint64_t word = 0, last = rt_tsc();

	for (int i = 0; i < 1024; i++) {
		uint64_t now = rt_tsc();
		word = (word << 7 | word >> 57) ^ (now - last) ^ now;
		last = now;
	}
	return word;
}

static void random_seed(struct random *r)
{
	uint64_t seed[8];
	uint32_t out[16];
	uint64_t given = 0;
	int hardware = 1;

	for (int i = 0; i < 8; i++) {
		hardware &= hardware_word(&seed[i]);
		if (!hardware)
			seed[i] = jitter_word();
	}
	for (int i = 0; i < 4; i++) {
		seed[i] ^= rt_info->entropy[i];
		seed[4 + i] ^= SAID->entropy[i]; /* what the firmware gave is the same in each machine of one saved state */
		given |= rt_info->entropy[i] | SAID->entropy[i];
	}
	if (!hardware)
		rt_log(given ? "random: no RDRAND, seeded from the firmware or the host"
			: "random: no RDRAND and no EFI_RNG: seeded from TSC jitter, which is weak");
	seed[7] ^= rt_tsc() ^ rt_info->wall_boot;
	block_make(out, (const uint32_t *)seed, seed[4], seed[5]);
	for (int i = 0; i < 4; i++)
		out[i] ^= seed[6] >> (i & 1) * 32, out[4 + i] ^= seed[7] >> (i & 1) * 32;
	memcpy(r->key, out, sizeof r->key);
	r->count = 0;
}

/* Seeded at first use. Without memory for it, from a key for that one call. */
static struct random *random_root(struct random *spare)
{
	struct random *r = F->random;

	if (!r) {
		r = F->random = fam_alloc(sizeof *r);
		if (!r)
			r = spare;
		random_seed(r);
	}
	return r;
}

void random_bytes(void *to, size_t n)
{
	struct random spare, *r = random_root(&spare);
	uint32_t first[16], out[16];
	uint64_t fresh = rt_tsc(), counter = 1, nonce = ++r->count;
	uint8_t *at = to;
	size_t run = n < sizeof first - sizeof r->key ? n : sizeof first - sizeof r->key;

	(void)hardware_word(&fresh);
	nonce ^= fresh;
	/* Half of the first block is the next key. */
	block_make(first, r->key, 0, nonce);
	memcpy(at, first + 8, run);
	for (at += run, n -= run; n; at += run, n -= run) {
		run = n < sizeof out ? n : sizeof out;
		block_make(out, r->key, counter++, nonce);
		memcpy(at, out, run);
	}
	memcpy(r->key, first, sizeof r->key);
	memset(first, 0, sizeof first);
	memset(out, 0, sizeof out);
}
