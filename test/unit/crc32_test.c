/* SPDX-License-Identifier: MIT */
/* lib/base/crc32.c: known sums, and a bitwise computation beside it. */
#include "check.h"
#include <base/crc32.h>

static uint32_t crc32_slow(uint32_t seed, const uint8_t *p, size_t n)
{
	uint32_t sum = ~seed;

	for (; n--; p++) {
		sum ^= *p;
		for (int bit = 0; bit < 8; bit++)
			sum = sum >> 1 ^ (sum & 1 ? 0xedb88320u : 0);
	}
	return ~sum;
}

TEST(crc32_known)
{
	CHECK_EQ(crc32(0, "", 0), 0);
	CHECK_EQ(crc32(0, "a", 1), 0xe8b7be43);
	CHECK_EQ(crc32(0, "123456789", 9), 0xcbf43926);
	CHECK_EQ(crc32(0, "The quick brown fox jumps over the lazy dog", 43), 0x414fa339);
}

TEST(crc32_every_length)
{
	for (size_t n = 0; n < 100; n++) {
		uint8_t *p = guarded(n);

		for (size_t i = 0; i < n; i++)
			p[i] = (uint8_t)random_next();
		CHECK_EQ(crc32((uint32_t)n, p, n), crc32_slow((uint32_t)n, p, n));
	}
}

TEST(crc32_goes_on)
{
	uint8_t p[300];

	for (size_t i = 0; i < sizeof p; i++)
		p[i] = (uint8_t)random_next();
	for (size_t cut = 0; cut <= sizeof p; cut++)
		CHECK_EQ(crc32(crc32(0, p, cut), p + cut, sizeof p - cut), crc32(0, p, sizeof p));
}
