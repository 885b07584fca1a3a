/* SPDX-License-Identifier: MIT */
/* SHA-256 (FIPS 180-4) of bytes that lie in one piece. */
#ifndef BASE_SHA256_H
#define BASE_SHA256_H
#include <stddef.h>
#include <stdint.h>

#define SHA256_SIZE 32

/* Digest of n bytes at p, as 32 bytes in the order in which they are printed. Not in constant time: for public data only. */
void sha256(uint8_t digest[SHA256_SIZE], const void *p, size_t n);
#endif
