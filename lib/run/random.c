/* SPDX-License-Identifier: MIT */
/* The family's random generator: ChaCha20 (RFC 8439) whose key is replaced after every request, so that what was
 * given out cannot be computed from what is here later. Seeded once from RDRAND, the firmware's EFI_RNG, and the
 * clock; RDRAND is mixed in again at every request, and what a virtio rng device gave, whenever it has given more. */
#include <base/chacha.h>
#include <base/string.h>
#include <rt/gate.h>
#include <rt/log.h>
#include <rt/cpu.h>
#include <family/family.h>
#include <family/monitor.h>
#include "run.h"

struct random { uint32_t key[8]; uint64_t count; uint32_t seeds; };

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
		given |= rt_info->entropy[i] | SAID->entropy[i] | SAID->seeds;
	}
	if (!hardware)
		rt_log(given ? "random: no RDRAND, seeded from the firmware, the host or a virtio device"
			: "random: no RDRAND and no EFI_RNG: seeded from TSC jitter, which is weak");
	seed[7] ^= rt_tsc() ^ rt_info->wall_boot;
	chacha_block(out, (const uint32_t *)seed, seed[4], seed[5]);
	for (int i = 0; i < 4; i++)
		out[i] ^= seed[6] >> (i & 1) * 32, out[4 + i] ^= seed[7] >> (i & 1) * 32;
	memcpy(r->key, out, sizeof r->key);
	r->count = 0;
	r->seeds = 0;
}

/* The device's bytes, and when they were seen. As on Linux they are mixed in and replace nothing: a device that lies
 * takes nothing away from what is here. Members can read them, also later; the key that they went into is gone then. */
static void device_mix(struct random *r)
{
	struct { uint8_t seed[SAID_SEED]; uint64_t when; } fresh = { .when = rt_tsc() };

	if (!r->seeds)
		rt_log("random: bytes of a virtio rng device are mixed in");
	r->seeds = __atomic_load_n(&SAID->seeds, __ATOMIC_ACQUIRE);
	memcpy(fresh.seed, (const void *)SAID->seed, sizeof fresh.seed);
	chacha_mix(r->key, &fresh, sizeof fresh);
	memset(&fresh, 0, sizeof fresh);
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

	if (SAID->seeds != r->seeds)
		device_mix(r);
	(void)hardware_word(&fresh);
	nonce ^= fresh;
	/* Half of the first block is the next key. */
	chacha_block(first, r->key, 0, nonce);
	memcpy(at, first + 8, run);
	for (at += run, n -= run; n; at += run, n -= run) {
		run = n < sizeof out ? n : sizeof out;
		chacha_block(out, r->key, counter++, nonce);
		memcpy(at, out, run);
	}
	memcpy(r->key, first, sizeof r->key);
	memset(first, 0, sizeof first);
	memset(out, 0, sizeof out);
}
