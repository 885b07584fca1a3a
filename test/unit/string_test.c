/* SPDX-License-Identifier: MIT */
/* lib/base/string.c against libc, at the edge of a page that faults. */
#include "check.h"

void *base_memcpy(void *, const void *, size_t);
void *base_memmove(void *, const void *, size_t);
void *base_memset(void *, int, size_t);
int base_memcmp(const void *, const void *, size_t);
size_t base_strlen(const char *);
size_t base_strnlen(const char *, size_t);
int base_strcmp(const char *, const char *);
int base_strncmp(const char *, const char *, size_t);
char *base_strchr(const char *, int);
char *base_strrchr(const char *, int);

enum { LONGEST = 200 };

static int sign(int n)
{
	return (n > 0) - (n < 0);
}

static void fill(uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)random_next();
}

TEST(string_memcpy)
{
	uint8_t *from = guarded(LONGEST), *to = guarded(LONGEST);

	fill(from, LONGEST);
	for (size_t n = 0; n <= LONGEST; n++) {
		uint8_t *t = to + LONGEST - n, *f = from + LONGEST - n;

		memset(to, 0x5a, LONGEST);
		CHECK(base_memcpy(t, f, n) == t);
		CHECK(!memcmp(t, f, n));
		for (uint8_t *p = to; p < t; p++)
			CHECK_EQ(*p, 0x5a);
	}
}

TEST(string_memcpy_unaligned)
{
	uint8_t from[128], to[128];

	fill(from, sizeof from);
	for (size_t a = 0; a < 16; a++)
		for (size_t b = 0; b < 16; b++) {
			memset(to, 0, sizeof to);
			base_memcpy(to + a, from + b, 77);
			CHECK(!memcmp(to + a, from + b, 77) && !to[a + 77]);
		}
}

TEST(string_memmove_overlap)
{
	uint8_t ours[160], libc[160];

	for (size_t a = 0; a < 40; a++)
		for (size_t b = 0; b < 40; b++)
			for (size_t n = 0; n < 120; n += 1 + n / 20) {
				fill(ours, sizeof ours);
				memcpy(libc, ours, sizeof ours);
				CHECK(base_memmove(ours + a, ours + b, n) == ours + a);
				memmove(libc + a, libc + b, n);
				CHECK(!memcmp(ours, libc, sizeof ours));
			}
}

TEST(string_memset)
{
	uint8_t *p = guarded(LONGEST);

	for (size_t n = 0; n <= LONGEST; n++) {
		uint8_t *from = p + LONGEST - n;

		memset(p, 1, LONGEST);
		CHECK(base_memset(from, (int)(0x100 + n), n) == from);
		for (size_t i = 0; i < LONGEST; i++)
			CHECK_EQ(p[i], i < LONGEST - n ? 1 : (uint8_t)n);
	}
}

TEST(string_memcmp)
{
	uint8_t *a = guarded(64), *b = guarded(64);

	for (size_t n = 0; n <= 64; n++)
		for (size_t at = 0; at <= n; at++) {
			uint8_t *p = a + 64 - n, *q = b + 64 - n;

			fill(p, n);
			memcpy(q, p, n);
			if (at < n)
				q[at] = (uint8_t)random_next();
			CHECK_EQ(sign(base_memcmp(p, q, n)), sign(memcmp(p, q, n)));
		}
}

TEST(string_memcmp_is_unsigned)
{
	CHECK(base_memcmp("\x80", "\x7f", 1) > 0);
	CHECK(base_strcmp("\x80", "\x7f") > 0);
	CHECK(base_strncmp("\x80", "\x7f", 1) > 0);
}

TEST(string_lengths)
{
	for (size_t n = 0; n < 70; n++) {
		char *s = (char *)guarded(n + 1), *no_end = (char *)guarded(n);

		memset(s, 'x', n);
		s[n] = 0;
		memset(no_end, 'x', n);
		CHECK_EQ(base_strlen(s), n);
		CHECK_EQ(base_strnlen(s, n + 1), n);
		CHECK_EQ(base_strnlen(no_end, n), n);
		CHECK_EQ(base_strnlen(s, n / 2), n / 2);
	}
	CHECK_EQ(base_strnlen(NULL, 0), 0);
}

TEST(string_compare)
{
	static const char *const words[] = { "", "a", "ab", "abc", "abd", "b", "aB", "\xff", "abcdefghij", "abcdefghik" };
	size_t count = sizeof words / sizeof *words;

	for (size_t i = 0; i < count; i++)
		for (size_t k = 0; k < count; k++) {
			CHECK_EQ(sign(base_strcmp(words[i], words[k])), sign(strcmp(words[i], words[k])));
			for (size_t n = 0; n < 12; n++)
				CHECK_EQ(sign(base_strncmp(words[i], words[k], n)), sign(strncmp(words[i], words[k], n)));
		}
}

TEST(string_find)
{
	static const char text[] = "/usr/lib//x";

	for (int c = 0; c < 256; c++) {
		CHECK(base_strchr(text, c) == strchr(text, c));
		CHECK(base_strrchr(text, c) == strrchr(text, c));
	}
	CHECK(!base_strchr("", 'a') && !base_strrchr("", 'a'));
}
