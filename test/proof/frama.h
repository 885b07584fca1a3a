/* SPDX-License-Identifier: MIT */
/* What Frama-C 25 does not know of gcc's C. The compiler has checked the assertions; the builtins get bodies that say what they do. */
#ifndef PROOF_FRAMA_H
#define PROOF_FRAMA_H
#define _Static_assert(...)
#define __builtin_offsetof(type, member) ((unsigned long)&((type *)0)->member)
#include <string.h>
#define __builtin_memcpy memcpy
#define __builtin_memset memset
#define __atomic_or_fetch(at, bits, order) (*(at) |= (bits))
/* No other CPU, and the page walker is left out: it sets A and D alone, which counts nothing. */
#define __atomic_compare_exchange_n(at, seen, new, weak, yes, no) (*(at) == *(seen) ? (*(at) = (new), 1) : (*(seen) = *(at), 0))
#define __builtin_expect(value, expected) (value)
#define __builtin_unreachable() do { } while (1)
/* A volatile object would have any value at each look: here nobody else writes. */
#define volatile
#endif
