/* SPDX-License-Identifier: MIT */
/* CRC-32 as zlib, gzip and GPT have it: reflected polynomial 0xedb88320. */
#ifndef BASE_CRC32_H
#define BASE_CRC32_H
#include <stddef.h>
#include <stdint.h>

/* Checksum of n bytes that follow those whose checksum is seed; 0 starts. */
uint32_t crc32(uint32_t seed, const void *p, size_t n);
#endif
