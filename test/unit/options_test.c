/* SPDX-License-Identifier: MIT */
/* efi/options.c: words of load options, in both widths; overriding; damage. */
#include "check.h"
#include <base/conf.h>
#include "../../efi/options.h"

static char out[70000];

static long ended(long n)
{
	out[n > 0 ? n : 0] = 0;
	return n;
}

/* The options as UTF-16 with a terminating zero, in memory that ends at a page that faults. */
static long wide(const char *text)
{
	size_t n = strlen(text) + 1;
	uint8_t *p = guarded(2 * n);

	for (size_t i = 0; i < n; i++)
		p[2 * i] = (uint8_t)text[i], p[2 * i + 1] = 0;
	return ended(options_lines(out, p, 2 * n));
}

static long narrow(const char *text)
{
	size_t n = strlen(text);
	uint8_t *p = guarded(n);

	memcpy(p, text, n);
	return ended(options_lines(out, p, n));
}

static void both(const char *text, const char *lines)
{
	CHECK_EQ(wide(text), strlen(lines));
	CHECK_STR(out, lines);
	CHECK_EQ(narrow(text), strlen(lines));
	CHECK_STR(out, lines);
}

TEST(options_words)
{
	both("", "");
	both("   ", "");
	both("app=mini", "app = mini\n");
	both("\\EFI\\aril\\aril.efi app=linux arg=sh  arg=-c\t\"arg=exit 3\" arg=\"a b\"", "app = linux\narg = sh\narg = -c\narg = exit 3\narg = a b\n");
	both("a=b=c d= =e f \"g h\" \"=i j\" k=\"", "a = b=c\nd = \nk = \n");
	both("#a=1 \" b=1\" c=%20", "c = %20\n");
}

TEST(options_not_text)
{
	static const uint8_t guid[16] = { 0x9d, 0x5c, 0xc1, 0x8e, 0xdf, 0xac, 0x34, 0x42, 1, 2, 3, 4, 5, 6, 7, 8 };

	CHECK_EQ(options_lines(out, guid, sizeof guid), -1);
	CHECK_EQ(narrow("app=\x80"), -1);
	CHECK_EQ(narrow("\x1b[0m"), -1);
	CHECK_EQ(options_lines(out, "a", 1), 0);
	CHECK_EQ(options_lines(out, "a\0=", 3), 0);
}

TEST(options_override)
{
	static const char text[] = "\xef\xbb\xbf# comment\napp = linux\r\narg = a\narg=  b c \nmode = tty", lines[] = "arg = x\nnew = 1\n";
	size_t n = options_merge(out, text, strlen(text), lines, strlen(lines));

	out[n] = 0;
	CHECK_STR(out, "app=linux\nmode=tty\narg = x\nnew = 1\n");
	n = options_merge(out, text, strlen(text), "", 0);
	out[n] = 0;
	CHECK_STR(out, "app=linux\narg=a\narg=b c\nmode=tty\n");
	CHECK_EQ(options_merge(out, "", 0, "", 0), 0);
}

/* What an unsigned place may say under Secure Boot. */
TEST(options_unsigned)
{
	static const char text[] = "# c\napp = mini\nmemory = 1G\narg=-c\narg = exec evil\nlog=errors\nwhatever = 1\nbusmaster = keep\nexit-port = 244\n"
		"strace=1\npanic = reset\nconsole = serial\nApp = x\nkeyboard=de\n memory2 = 1\nchannel = com2\ntrace=1\nget = /etc/shadow";

	out[options_harmless(out, text, strlen(text))] = 0;
	CHECK_STR(out, "memory=1G\nlog=errors\npanic=reset\nconsole=serial\nkeyboard=de\n");
	CHECK_EQ(options_harmless(out, "", 0), 0);
	CHECK_EQ(options_harmless(out, "memory=1", 8), 9);
}

TEST(options_random)
{
	static const char set[] = "ab= \t\"#%\n\r\\";

	for (int round = 0; round < 5000; round++) {
		size_t n = random_below(40), size;
		uint8_t *p = guarded(n);
		char *to, *merged;
		const char *cursor;
		struct conf_line line = { 0 };
		long length;
		int more;

		for (size_t i = 0; i < n; i++)
			p[i] = random_below(50) ? (uint8_t)set[random_below(sizeof set - 1)] : (uint8_t)random_next();
		to = (char *)guarded(4 * n + 4);
		length = options_lines(to, p, n);
		if (length < 0)
			continue;
		CHECK((size_t)length <= 4 * n + 4);
		/* What comes out can be read as a configuration. */
		cursor = to;
		while ((more = conf_next(&cursor, to + length, &line)) > 0)
			;
		CHECK_EQ(more, 0);
		size = 2 * (size_t)length;
		merged = (char *)guarded(size + 1);
		CHECK(options_merge(merged, to, (size_t)length, to, (size_t)length) == (size_t)length);
	}
}
