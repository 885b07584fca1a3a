/* SPDX-License-Identifier: MIT */
/* lib/base/conf.c: lines, blanks, damage, escapes. The text always ends at a page that faults. */
#include "check.h"
#include <base/conf.h>

static const char *cursor, *end;
static struct conf_line line;

static void text_set(const char *text)
{
	size_t n = strlen(text);
	char *at = (char *)guarded(n);

	memcpy(at, text, n);
	cursor = at;
	end = at + n;
	line = (struct conf_line){ 0 };
}

static void expect(const char *key, const char *value, unsigned number)
{
	CHECK_EQ(conf_next(&cursor, end, &line), 1);
	CHECK(conf_is(&line, key));
	CHECK_EQ(line.value_size, strlen(value));
	CHECK(!memcmp(line.value, value, line.value_size));
	CHECK_EQ(line.line, number);
}

static void expect_end(void)
{
	CHECK_EQ(conf_next(&cursor, end, &line), 0);
	CHECK_EQ(conf_next(&cursor, end, &line), 0);
}

TEST(conf_lines)
{
	text_set("app = linux\nroot=\\aril\\root.img\n\n# a comment\n  \t\n  arg  =\t a  b \r\nempty =\nlast = x=y # no comment");
	expect("app", "linux", 1);
	expect("root", "\\aril\\root.img", 2);
	expect("arg", "a  b", 6);
	expect("empty", "", 7);
	expect("last", "x=y # no comment", 8);
	expect_end();
}

TEST(conf_empty)
{
	text_set("");
	expect_end();
	text_set("\n\n#only = comments\n   ");
	expect_end();
}

TEST(conf_byte_order_mark)
{
	text_set("\xef\xbb\xbf" "a = 1\r\nb = 2");
	expect("a", "1", 1);
	expect("b", "2", 2);
	expect_end();
	text_set("\xef\xbb\xbf");
	expect_end();
}

TEST(conf_damage_is_told_and_passed)
{
	text_set("a = 1\nno sign here\nb = 2\n = no key\nc = \x01\nd = 3");
	expect("a", "1", 1);
	CHECK_EQ(conf_next(&cursor, end, &line), -1);
	CHECK_EQ(line.line, 2);
	expect("b", "2", 3);
	CHECK_EQ(conf_next(&cursor, end, &line), -1);
	CHECK_EQ(line.line, 4);
	CHECK_EQ(conf_next(&cursor, end, &line), -1);
	CHECK_EQ(line.line, 5);
	expect("d", "3", 6);
	expect_end();
}

TEST(conf_nul_is_damage)
{
	static const char text[] = "a = b\0c";

	cursor = text;
	end = text + sizeof text - 1;
	line = (struct conf_line){ 0 };
	CHECK_EQ(conf_next(&cursor, end, &line), -1);
}

TEST(conf_is_compares_all)
{
	text_set("app = 1");
	expect("app", "1", 1);
	CHECK(!conf_is(&line, "ap") && !conf_is(&line, "apps") && !conf_is(&line, ""));
}

TEST(conf_unescape_decodes)
{
	char out[16];

	CHECK_EQ(conf_unescape(out, sizeof out, "a%20b%2F%2f%25", 14), 6);
	CHECK_STR(out, "a b//%");
	CHECK_EQ(conf_unescape(out, sizeof out, "a%00b", 5), 3);
	CHECK(!memcmp(out, "a\0b", 4));
	CHECK_EQ(conf_unescape(out, sizeof out, "", 0), 0);
	CHECK_STR(out, "");
}

TEST(conf_unescape_refuses)
{
	char out[16], *small = (char *)guarded(3);

	CHECK_EQ(conf_unescape(out, sizeof out, "%", 1), -1);
	CHECK_EQ(conf_unescape(out, sizeof out, "a%2", 3), -1);
	CHECK_EQ(conf_unescape(out, sizeof out, "%g0", 3), -1);
	CHECK_EQ(conf_unescape(out, sizeof out, "%0@", 3), -1);
	CHECK_EQ(conf_unescape(small, 3, "abc", 3), -1);
	CHECK_EQ(conf_unescape(small, 3, "ab", 2), 2);
	CHECK_EQ(conf_unescape(small, 0, "", 0), -1);
}

TEST(fuzz_conf)
{
	static const char seed_text[] = "app = linux\n# comment\nroot = \\aril\\root.img\narg = sh\narg = -c\narg = a%20b%25%00\n\n\xef\xbb\xbf = \r\n";
	size_t size = sizeof seed_text - 1;
	char out[64];

	random_seed(3);
	for (int i = 0; i < 100000; i++) {
		char *text = malloc(size);
		const char *at = text;
		unsigned lines = 0;
		int result;

		memcpy(text, seed_text, size);
		random_mutate((uint8_t *)text, size);
		line = (struct conf_line){ 0 };
		while ((result = conf_next(&at, text + size, &line))) {
			CHECK(line.line > lines && at <= text + size);
			lines = line.line;
			if (result < 0)
				continue;
			CHECK(line.key_size && line.key >= text && line.value >= line.key + line.key_size && line.value + line.value_size <= text + size);
			size_t n = conf_unescape(out, sizeof out, line.value, line.value_size);
			CHECK(n == (size_t)-1 || (n < sizeof out && !out[n]));
		}
		free(text);
	}
}
