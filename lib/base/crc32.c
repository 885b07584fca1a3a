/* SPDX-License-Identifier: MIT */
/* CRC-32, eight bytes a step. Its tables are linear: each row is spelled out from the eight entries whose index has one bit. */
#include "crc32.h"

#define PAIR(a, x) (a), (a) ^ (x)
#define FOUR(a, x, y) PAIR(a, x), PAIR((a) ^ (y), x)
#define SIXTEEN(a, x, y, z, w) FOUR(a, x, y), FOUR((a) ^ (z), x, y), FOUR((a) ^ (w), x, y), FOUR((a) ^ (z) ^ (w), x, y)
#define PART(a, x, y, z, w, p, q) \
	SIXTEEN(a, x, y, z, w), SIXTEEN((a) ^ (p), x, y, z, w), SIXTEEN((a) ^ (q), x, y, z, w), SIXTEEN((a) ^ (p) ^ (q), x, y, z, w)
#define TABLE(x, y, z, w, p, q, r, s) \
	{ PART(0u, x, y, z, w, p, q), PART(r, x, y, z, w, p, q), PART(s, x, y, z, w, p, q), PART((r) ^ (s), x, y, z, w, p, q) }

/* table[k][b]: what byte b does to the sum when k bytes follow it in the same step. */
static const uint32_t table[8][256] = {
	TABLE(0x77073096u, 0xee0e612cu, 0x076dc419u, 0x0edb8832u, 0x1db71064u, 0x3b6e20c8u, 0x76dc4190u, 0xedb88320u),
	TABLE(0x191b3141u, 0x32366282u, 0x646cc504u, 0xc8d98a08u, 0x4ac21251u, 0x958424a2u, 0xf0794f05u, 0x3b83984bu),
	TABLE(0x01c26a37u, 0x0384d46eu, 0x0709a8dcu, 0x0e1351b8u, 0x1c26a370u, 0x384d46e0u, 0x709a8dc0u, 0xe1351b80u),
	TABLE(0xb8bc6765u, 0xaa09c88bu, 0x8f629757u, 0xc5b428efu, 0x5019579fu, 0xa032af3eu, 0x9b14583du, 0xed59b63bu),
	TABLE(0x3d6029b0u, 0x7ac05360u, 0xf580a6c0u, 0x30704bc1u, 0x60e09782u, 0xc1c12f04u, 0x58f35849u, 0xb1e6b092u),
	TABLE(0xcb5cd3a5u, 0x4dc8a10bu, 0x9b914216u, 0xec53826du, 0x03d6029bu, 0x07ac0536u, 0x0f580a6cu, 0x1eb014d8u),
	TABLE(0xa6770bb4u, 0x979f1129u, 0xf44f2413u, 0x33ef4e67u, 0x67de9cceu, 0xcfbd399cu, 0x440b7579u, 0x8816eaf2u),
	TABLE(0xccaa009eu, 0x4225077du, 0x844a0efau, 0xd3e51bb5u, 0x7cbb312bu, 0xf9766256u, 0x299dc2edu, 0x533b85dau),
};

typedef uint64_t __attribute__((aligned(1), may_alias)) loose_word;

uint32_t crc32(uint32_t seed, const void *p, size_t n)
{
	const uint8_t *at = p;
	uint32_t sum = ~seed;

	for (; n >= 8; n -= 8, at += 8) {
		uint64_t w = *(const loose_word *)at ^ sum;
		sum = table[7][w & 255] ^ table[6][w >> 8 & 255] ^ table[5][w >> 16 & 255] ^ table[4][w >> 24 & 255]
			^ table[3][w >> 32 & 255] ^ table[2][w >> 40 & 255] ^ table[1][w >> 48 & 255] ^ table[0][w >> 56];
	}
	while (n--)
		sum = sum >> 8 ^ table[0][(sum ^ *at++) & 255];
	return ~sum;
}
