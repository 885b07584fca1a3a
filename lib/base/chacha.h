/* SPDX-License-Identifier: MIT */
/* ChaCha20's block function (RFC 8439, 2.3), and what a random generator makes of it. */
#ifndef BASE_CHACHA_H
#define BASE_CHACHA_H
#include <stddef.h>
#include <stdint.h>

/* One block. counter: words 12 and 13 of the state, nonce: 14 and 15. */
void chacha_block(uint32_t out[16], const uint32_t key[8], uint64_t counter, uint64_t nonce);
/* Mixes n bytes into a key. The new key depends on all of the old one and on each byte: who chose the bytes, but does
 * not know the old key, knows nothing of the new one. */
void chacha_mix(uint32_t key[8], const void *from, size_t n);
#endif
