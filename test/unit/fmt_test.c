/* SPDX-License-Identifier: MIT */
/* lib/base/fmt.c against libc's snprintf. */
#include "check.h"
#include <base/fmt.h>
#include <limits.h>

/* Both must agree on text and length, for every size of the buffer. */
#define AGREE(...) do { \
	char ours[512], libc[512]; \
	int n = fmt(ours, sizeof ours, __VA_ARGS__), m = snprintf(libc, sizeof libc, __VA_ARGS__); \
	CHECK_STR(ours, libc); \
	CHECK_EQ(n, m); \
} while (0)

TEST(fmt_integers)
{
	static const long values[] = { 0, 1, -1, 7, 8, 10, 255, 256, INT_MAX, INT_MIN, LONG_MAX, LONG_MIN, 0x80, 0x8000, 0x123456789abcdefl };

	for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
		long v = values[i];

		AGREE("%d %i %u %x %X %o", (int)v, (int)v, (unsigned)v, (unsigned)v, (unsigned)v, (unsigned)v);
		AGREE("%ld %lu %lx %lo %lld %llX %zu %zd %jd %tu", v, v, v, v, (long long)v, (long long)v, v, v, v, v);
		AGREE("%hd %hu %hhd %hhu %hhx", (int)v, (int)v, (int)v, (int)v, (int)v);
	}
}

TEST(fmt_every_flag)
{
	static const char flags[] = "-0+ #", conversions[] = "diuxXo";
	static const int widths[] = { 0, 1, 5, 20 }, precisions[] = { -1, 0, 1, 6, 25 }, values[] = { 0, 5, -5, 123456 };

	for (unsigned set = 0; set < 32; set++)
		for (int c = 0; conversions[c]; c++)
			for (int w = 0; w < 4; w++)
				for (int p = 0; p < 5; p++)
					for (int v = 0; v < 4; v++) {
						char f[32], *at = f;

						*at++ = '%';
						for (int b = 0; b < 5; b++)
							if (set >> b & 1)
								*at++ = flags[b];
						if (widths[w])
							at += sprintf(at, "%d", widths[w]);
						if (precisions[p] >= 0)
							at += sprintf(at, ".%d", precisions[p]);
						*at++ = conversions[c];
						*at = 0;
						AGREE(f, values[v]);
					}
}

TEST(fmt_star)
{
	AGREE("%*d|%*d|%-*d|%.*d|%*.*x|", 8, 42, -8, 42, 8, 42, 5, 42, 12, 6, 42);
	AGREE("%.*d|%.*s|", -1, 42, -3, "whole");
}

TEST(fmt_strings)
{
	AGREE("%s|%10s|%-10s|%.2s|%10.2s|%-10.2s|%.0s|", "abc", "abc", "abc", "abc", "abc", "abc", "abc");
	AGREE("%c%c|%5c|%-5c|", 'a', 'b', 'c', 'd');
	AGREE("100%% %s", "");
	AGREE("");
	char out[16];
	CHECK_EQ(fmt(out, sizeof out, "%s", (char *)NULL), 6);
	CHECK_STR(out, "(null)");
}

TEST(fmt_string_without_end)
{
	char *s = (char *)guarded(4), out[16];

	memcpy(s, "abcd", 4);
	CHECK_EQ(fmt(out, sizeof out, "%.4s", s), 4);
	CHECK_STR(out, "abcd");
}

TEST(fmt_pointer)
{
	char out[64];

	CHECK_EQ(fmt(out, sizeof out, "%p %p %20p|%-20p|", (void *)0x1234abcd, NULL, (void *)0x10, (void *)0x10), 10 + 1 + 3 + 1 + 42);
	CHECK_STR(out, "0x1234abcd 0x0                 0x10|0x10                |");
}

TEST(fmt_truncates)
{
	for (size_t max = 0; max < 24; max++) {
		char *out = (char *)guarded(max), libc[32];

		CHECK_EQ(fmt(out, max, "%8s%08d", "text", 42), 16);
		if (max) {
			snprintf(libc, max, "%8s%08d", "text", 42);
			CHECK_STR(out, libc);
		}
	}
	CHECK_EQ(fmt(NULL, 0, "%5000d", 1), 5000);
}

TEST(fmt_huge_is_refused)
{
	char out[8];

	CHECK_EQ(fmt(out, sizeof out, "%2147483647d%5d", 1, 1), -1);
	CHECK_EQ(fmt(out, sizeof out, "%99999999999999d", 1), INT_MAX);
	CHECK_STR(out, "       ");
}

TEST(fmt_unknown_stays)
{
	char out[32];

	fmt(out, sizeof out, "a %y b");
	CHECK_STR(out, "a %y b");
	fmt(out, sizeof out, "cut %");
	CHECK_STR(out, "cut %");
	fmt(out, sizeof out, "cut %-5l");
	CHECK_STR(out, "cut %-5l");
}
