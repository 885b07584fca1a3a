/* SPDX-License-Identifier: MIT */
/* Memory and string functions. Bulk work goes by string instructions in granules of 8 bytes: without vector registers nothing is shorter. */
#include "string.h"
#include <stdint.h>

/* Otherwise gcc finds memset and strlen in the loops below and makes them call themselves. */
#pragma GCC optimize("no-tree-loop-distribute-patterns")

typedef uint64_t __attribute__((aligned(1), may_alias)) loose_word;

static inline void copy_up(unsigned char *to, const unsigned char *from, size_t n)
{
	size_t words = n >> 3, rest = n & 7;

	__asm__ volatile("rep movsq" : "+D"(to), "+S"(from), "+c"(words) : : "memory");
	__asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(rest) : : "memory");
}

void *memcpy(void *restrict to, const void *restrict from, size_t n)
{
	copy_up(to, from, n);
	return to;
}

/* Never sets DF: an interrupt or upcall may come at any instruction. */
void *memmove(void *to, const void *from, size_t n)
{
	unsigned char *t = to;
	const unsigned char *f = from;

	if ((uintptr_t)t - (uintptr_t)f >= n) {
		copy_up(t, f, n);
		return to;
	}
	while (n >= 32) {
		loose_word *to4 = (loose_word *)(t + (n -= 32));
		const loose_word *from4 = (const loose_word *)(f + n);
		uint64_t a = from4[0], b = from4[1], c = from4[2], d = from4[3];

		to4[0] = a, to4[1] = b, to4[2] = c, to4[3] = d;
	}
	while (n >= 8) {
		n -= 8;
		*(loose_word *)(t + n) = *(const loose_word *)(f + n);
	}
	while (n--)
		t[n] = f[n];
	return to;
}

void *memset(void *to, int byte, size_t n)
{
	void *at = to;
	uint64_t word = (unsigned char)byte * 0x0101010101010101ul;
	size_t words = n >> 3, rest = n & 7;

	__asm__ volatile("rep stosq" : "+D"(at), "+c"(words) : "a"(word) : "memory");
	__asm__ volatile("rep stosb" : "+D"(at), "+c"(rest) : "a"(word) : "memory");
	return to;
}

int memcmp(const void *a, const void *b, size_t n)
{
	const unsigned char *p = a, *q = b;

	while (n >= 8 && *(const loose_word *)p == *(const loose_word *)q)
		p += 8, q += 8, n -= 8;
	for (; n; p++, q++, n--)
		if (*p != *q)
			return *p - *q;
	return 0;
}

/* A word of a string, aligned, so that it lies in one page with a byte that is the string's. */
typedef uint64_t __attribute__((may_alias)) whole_word;

/* Of the word's bytes those that are 0: the lowest flag is one of them, if there is any. */
static inline uint64_t zeros(uint64_t word)
{
	return (word - 0x0101010101010101ul) & ~word & 0x8080808080808080ul;
}

/* The word with s in it, and ones for the bytes before. */
static inline uint64_t first_word(const char *s, const whole_word **at)
{
	*at = (const whole_word *)((uintptr_t)s & ~7ul);
	return **at | ((1ul << ((uintptr_t)s & 7) * 8) - 1);
}

static inline size_t up_to(const char *s, const whole_word *at, uint64_t found)
{
	return (uintptr_t)at + (unsigned)__builtin_ctzl(found) / 8 - (uintptr_t)s;
}

__attribute__((no_sanitize_address)) size_t strlen(const char *s)
{
	const whole_word *at;
	uint64_t word = first_word(s, &at), found;

	while (!(found = zeros(word)))
		word = *++at;
	return up_to(s, at, found);
}

__attribute__((no_sanitize_address)) size_t strnlen(const char *s, size_t max)
{
	const whole_word *at;
	uint64_t word, found;

	if (!max)
		return 0;
	word = first_word(s, &at);
	while (!(found = zeros(word)) && (uintptr_t)(at + 1) - (uintptr_t)s < max)
		word = *++at;
	return found && up_to(s, at, found) < max ? up_to(s, at, found) : max;
}

int strcmp(const char *a, const char *b)
{
	while (*a && *a == *b)
		a++, b++;
	return (unsigned char)*a - (unsigned char)*b;
}

int strncmp(const char *a, const char *b, size_t n)
{
	for (; n; a++, b++, n--)
		if (*a != *b || !*a)
			return (unsigned char)*a - (unsigned char)*b;
	return 0;
}

char *strchr(const char *s, int c)
{
	for (; *s != (char)c; s++)
		if (!*s)
			return NULL;
	return (char *)s;
}

char *strrchr(const char *s, int c)
{
	const char *last = NULL;

	do
		if (*s == (char)c)
			last = s;
	while (*s++);
	return (char *)last;
}
