/* SPDX-License-Identifier: MIT */
/* lib/base/chacha.c: RFC 8439's own example, and that mixing adds and never replaces. */
#include "check.h"
#include <base/chacha.h>

TEST(chacha_like_the_rfc)
{
	static const uint32_t want[16] = {
		0xe4e7f110, 0x15593bd1, 0x1fdd0f50, 0xc47120a3, 0xc7f4d1c7, 0x0368c033, 0x9aaa2204, 0x4e6cd4c3,
		0x466482d2, 0x09aa9f07, 0x05d7c214, 0xa2028bd9, 0xd19c12b5, 0xb94e16de, 0xe883d0cb, 0x4e3c50a2,
	};
	uint32_t key[8], out[16];

	for (int i = 0; i < 32; i++)
		((uint8_t *)key)[i] = (uint8_t)i;
	/* 2.3.2: counter 1, nonce 00:00:00:09:00:00:00:4a:00:00:00:00 */
	chacha_block(out, key, 1 | 0x09000000ul << 32, 0x4a000000);
	CHECK(!memcmp(out, want, sizeof want));
}

static unsigned bits_apart(const uint32_t a[8], const uint32_t b[8])
{
	unsigned n = 0;

	for (int i = 0; i < 8; i++)
		n += (unsigned)__builtin_popcount(a[i] ^ b[i]);
	return n;
}

static void mixed(uint32_t to[8], const uint32_t key[8], const uint8_t *bytes, size_t n)
{
	memcpy(to, key, 32);
	chacha_mix(to, bytes, n);
}

/* Whatever is mixed in, constant bytes or those of somebody hostile: two keys that differ stay as far apart as keys
 * at random are, and each byte that comes changes half of the key. */
TEST(chacha_mix_only_adds)
{
	uint8_t bytes[64];
	uint32_t key[8], other[8], a[8], b[8];

	random_seed(1);
	for (int round = 0; round < 200; round++) {
		size_t n = 1 + random_below(64), at = random_below(n);

		for (int i = 0; i < 8; i++)
			key[i] = (uint32_t)random_next();
		for (int i = 0; i < 64; i++)
			bytes[i] = round % 3 ? (uint8_t)random_next() : (uint8_t)(round % 2 * 255);
		if (round % 5 == 0)
			memcpy(bytes, key, 32); /* the key itself: XOR alone would leave zeros */
		memcpy(other, key, 32);
		other[random_below(8)] ^= 1u << random_below(32);
		mixed(a, key, bytes, n);
		mixed(b, other, bytes, n);
		CHECK(bits_apart(a, b) > 80);
		CHECK(bits_apart(a, key) > 80);
		bytes[at] ^= (uint8_t)(1u << random_below(8));
		mixed(b, key, bytes, n);
		CHECK(bits_apart(a, b) > 80);
		if (n > 1) {
			mixed(b, key, bytes, n - 1);
			CHECK(bits_apart(a, b) > 80);
		}
	}
}

TEST(chacha_mix_nothing)
{
	uint32_t key[8] = { 1, 2, 3 }, before[8];

	memcpy(before, key, 32);
	chacha_mix(key, NULL, 0);
	CHECK(!memcmp(key, before, 32));
}
