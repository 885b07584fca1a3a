/* SPDX-License-Identifier: MIT */
/* The screen as a terminal, without a screen: what control sequences leave in the cells; pixels of several formats; random bytes. */
#include <stdlib.h>
#include <string.h>
#include "../../lib/dev/screen.h"
#include "check.h"

#define ROWS    6u
#define COLUMNS 20u

static struct screen s;
static uint32_t store[(2 * ROWS + SCREEN_HISTORY) * COLUMNS];

static void fresh(void)
{
	memset(&s, 0, sizeof s);
	s.rows = ROWS;
	s.columns = COLUMNS;
	s.store = store;
	grid_reset(&s);
}

static void put(const char *text) { screen_put(&s, text, strlen(text)); }

/* The row holds these characters, then blanks. */
static int row_is(unsigned row, const char *text)
{
	const uint32_t *line = screen_line(&s, row);

	for (unsigned i = 0; i < COLUMNS; i++) {
		uint32_t want = font_glyph(&font_spleen, *text ? (uint8_t)*text++ : ' ');

		if (CELL_GLYPH(line[i]) != want)
			return 0;
	}
	return 1;
}

static int at(unsigned row, unsigned column) { return s.at.row == row && s.at.column == column; }
static uint32_t cell(unsigned row, unsigned column) { return screen_line(&s, row)[column]; }

TEST(screen_lines)
{
	fresh();
	put("one\r\ntwo\nx\b\by");
	CHECK(row_is(0, "one") && row_is(1, "two") && row_is(2, "  yx") && at(2, 3));
	put("\r\n12345678901234567890");
	CHECK(at(3, 19) && s.wrap_next); /* the cursor waits in the last column */
	put("\r\nnext");
	CHECK(row_is(4, "next"));
	put("\033[3;1H12345678901234567890w");
	CHECK(row_is(3, "w2345678901234567890") && at(3, 1));
	put("\033[?7l\033[3;19Habcd");
	CHECK(row_is(2, "123456789012345678ad"));
}

TEST(screen_history)
{
	fresh();
	for (int i = 0; i < 600; i++) {
		char line[32];

		snprintf(line, sizeof line, "line %d\r\n", i);
		put(line);
	}
	CHECK(row_is(0, "line 595") && row_is(ROWS - 1, "") && s.past_count == SCREEN_HISTORY);
	CHECK(CELL_GLYPH(s.store[(size_t)s.past[(s.past_head + SCREEN_HISTORY - 1) % SCREEN_HISTORY] * COLUMNS + 7]) == font_glyph(&font_spleen, '4')); /* line 594 */
	put("\033[2;4r\033[4;1H\n"); /* a region that is not at the top keeps nothing */
	CHECK(s.past_count == SCREEN_HISTORY && row_is(0, "line 595") && row_is(1, "line 597") && row_is(3, "") && row_is(4, "line 599"));
}

TEST(screen_cursor_and_erase)
{
	fresh();
	put("\033[2;3Habc\033[A\033[2Dx\033[5;5Hy\033[99;99Hz\033[H\033[3Bw");
	CHECK(row_is(1, "  abc") && row_is(0, "   x") && row_is(4, "    y") && cell(5, 19) == CELL(font_glyph(&font_spleen, 'z'), 7, 0, 0) && row_is(3, "w"));
	put("\033[2;4H\033[K");
	CHECK(row_is(1, "  a"));
	put("\033[1K");
	CHECK(row_is(1, ""));
	put("\033[2J\033[HABCDEF\033[1;3H\033[2P");
	CHECK(row_is(0, "ABEF"));
	put("\033[2@12\033[4h34\033[4l");
	CHECK(row_is(0, "AB1234EF"));
	put("\033[1;2H\033[3X");
	CHECK(row_is(0, "A   34EF"));
	put("\033[7;1H\0337\033[1;1H\0338last");
	CHECK(row_is(5, "last"));
}

TEST(screen_region)
{
	fresh();
	put("a\r\nb\r\nc\r\nd\r\ne\r\nf\033[2;4r");
	CHECK(at(0, 0));
	put("\033[2;1H\033[L");
	CHECK(row_is(1, "") && row_is(2, "b") && row_is(3, "c") && row_is(4, "e"));
	put("\033[M");
	CHECK(row_is(1, "b") && row_is(3, "") && row_is(4, "e"));
	put("\033[2;1H\033M");
	CHECK(row_is(0, "a") && row_is(1, "") && row_is(2, "b"));
	put("\033[?6h\033[1;1Htop\033[9;1Hend\033[?6l");
	CHECK(row_is(1, "top") && row_is(3, "end"));
	put("\033[r\033[6;1H\n");
	CHECK(row_is(0, "top") && row_is(5, ""));
}

TEST(screen_colours)
{
	fresh();
	put("\033[31;44mr\033[1mb\033[7mv\033[0;4mu\033[m.\033[38;5;196mx\033[48;2;0;0;250my\033[97;100mz");
	uint32_t g[8];
	for (int i = 0; i < 8; i++)
		g[i] = font_glyph(&font_spleen, (uint32_t)"rbvu.xyz"[i]);
	CHECK(cell(0, 0) == CELL(g[0], 1, 4, 0) && cell(0, 1) == CELL(g[1], 9, 4, 0) && cell(0, 2) == CELL(g[2], 4, 9, 0) && cell(0, 3) == CELL(g[3], 7, 0, 1));
	CHECK(cell(0, 4) == CELL(g[4], 7, 0, 0) && CELL_FG(cell(0, 5)) == 9 && CELL_BG(cell(0, 6)) == 12 && cell(0, 7) == CELL(g[7], 15, 8, 0));
	put("\033[m\033[42m\033[K"); /* erasing leaves the background (terminfo: bce) */
	CHECK(CELL_BG(cell(0, 15)) == 2);
}

TEST(screen_characters)
{
	fresh();
	put("\303\244\303\237\342\202\254\342\224\200|\xff\303|\360\237\230\200|\xed\xa0\x80|e\314\201|");
	static const uint32_t want[] = { 0xe4, 0xdf, 0x20ac, 0x2500, '|', 0xfffd, 0xfffd, '|', 0xfffd, ' ', '|', 0xfffd, '|', 'e', '|' };
	for (unsigned i = 0; i < sizeof want / sizeof want[0]; i++)
		CHECK(CELL_GLYPH(cell(0, i)) == font_glyph(&font_spleen, want[i]));
	put("\r\n\033)0\016lqk\017q\033(0x\033(Bx");
	static const uint32_t lines[] = { 0x250c, 0x2500, 0x2510, 'q', 0x2502, 'x' };
	for (unsigned i = 0; i < sizeof lines / sizeof lines[0]; i++)
		CHECK(CELL_GLYPH(cell(1, i)) == font_glyph(&font_spleen, lines[i]));
	/* The font has Latin 1, but for the soft hyphen and the currency sign. */
	for (uint32_t c = 0xa1; c < 0x100; c++)
		CHECK(c == 0xad || c == 0xa4 || font_glyph(&font_spleen, c) != font_glyph(&font_spleen, 0xfffd));
}

TEST(screen_unknown_is_passed_over)
{
	fresh();
	put("a\033]0;title\007b\033]0;title\033\\c\033]P1ff0000d\033]Re\033[?2004hf\033[>4;2mg\033P+q\033\\h\033#8i\033[12$wj\033[38;5mk\033(Bl\033%Gm\033[?25l\033[?1cn");
	CHECK(row_is(0, "abcdefghijklmn") && s.hidden);
	put("\033c");
	CHECK(row_is(0, "") && !s.hidden && at(0, 0));
}

TEST(screen_answers)
{
	char text[64];
	size_t n;

	fresh();
	put("\033[3;5H\033[6n\033[c\033[5n");
	n = screen_take_answer(&s, text, sizeof text);
	CHECK(n == 6 + 5 + 4 && !memcmp(text, "\033[3;5R\033[?6c\033[0n", n) && screen_take_answer(&s, text, sizeof text) == 0);
	for (int i = 0; i < 100; i++)
		put("\033[6n");
	CHECK(screen_take_answer(&s, text, sizeof text) <= sizeof s.answer);
}

TEST(screen_alternate)
{
	fresh();
	put("shell\r\n\033[?1049heditor\033[?1049l");
	CHECK(row_is(0, "shell") && row_is(1, "") && at(1, 0));
}

TEST(screen_tabs)
{
	fresh();
	put("\ta\tb\033[3g\r\033[5C\033H\r\tc");
	CHECK(row_is(0, "     c  a       b"));
}

/* Lines stay a permutation, the cursor inside, glyphs in the font, whatever comes. */
TEST(screen_random_bytes)
{
	static const char likely[] = "\033\033[[[;;0123456789?hlmrABCDHJKLMPSTX@dGn\n\r\b\tabc\303\244\016\017";

	random_seed(1);
	fresh();
	for (int i = 0; i < 300000; i++) {
		uint8_t c = (uint8_t)(random_below(4) ? (uint8_t)likely[random_below(sizeof likely - 1)] : random_next());

		screen_put(&s, &c, 1);
		if (i % 64 == 0)
			screen_take_answer(&s, (char[64]){ 0 }, 64);
		CHECK(s.at.row < ROWS && s.at.column < COLUMNS && s.top < s.bottom && s.bottom < ROWS && s.answer_size <= sizeof s.answer);
	}
	uint8_t seen[2 * ROWS + SCREEN_HISTORY] = { 0 };
	for (unsigned i = 0; i < ROWS; i++)
		seen[s.line[i]]++, seen[s.other[i]]++;
	for (unsigned i = 0; i < SCREEN_HISTORY; i++)
		seen[s.past[i]]++;
	for (unsigned i = 0; i < sizeof seen; i++)
		CHECK(seen[i] == 1);
	for (size_t i = 0; i < sizeof store / sizeof store[0]; i++)
		CHECK(CELL_GLYPH(store[i]) < font_spleen.glyphs);
}

static uint32_t pixel_at(const struct surface *to, uint32_t x, uint32_t y)
{
	uint32_t pixel = 0;

	memcpy(&pixel, to->pixels + (size_t)y * to->pitch + (size_t)x * to->depth, to->depth);
	return pixel;
}

/* Every pixel of a character in four formats at two sizes, and not one beside it. */
TEST(screen_pixels)
{
	static const struct { uint32_t mask[4], white, red, depth; } format[] = {
		{ { 0xff0000, 0xff00, 0xff, 0xff000000 }, 0xffffff, 0xaa0000, 4 },
		{ { 0xff, 0xff00, 0xff0000, 0xff000000 }, 0xffffff, 0xaa, 4 },
		{ { 0xff0000, 0xff00, 0xff, 0 }, 0xffffff, 0xaa0000, 3 },
		{ { 0xf800, 0x07e0, 0x1f, 0 }, 0xffff, 0xa800, 2 },
		{ { 0x3ff00000, 0xffc00, 0x3ff, 0xc0000000 }, 0x3fcff3fc, 0x2a800000, 4 },
	};
	enum { W = 320, H = 200, STRIDE = 333 };

	for (size_t i = 0; i < sizeof format / sizeof format[0]; i++)
		for (uint32_t scale = 1; scale <= 3; scale++) {
			struct surface to = { 0 };
			const uint8_t *bits = font_spleen.bits[font_glyph(&font_spleen, 'R')];

			CHECK(surface_describe(&to, W, H, STRIDE, format[i].mask, 0) == 0 && to.depth == format[i].depth && to.pitch == STRIDE * to.depth && to.scale == 1);
			to.pixels = calloc(H, to.pitch);
			to.scale = scale;
			struct surface_cell two[2] = { { bits, surface_pixel(&to, 0xffffff), surface_pixel(&to, 0xaa0000), 0 },
				{ bits, surface_pixel(&to, 0xffffff), surface_pixel(&to, 0xaa0000), 1 } };
			CHECK(two[0].fg == format[i].white && two[0].bg == format[i].red);
			surface_text(&to, 24, 32, two, 2);
			for (uint32_t y = 0; y < H; y++)
				for (uint32_t x = 0; x < STRIDE; x++) {
					uint32_t want = 0, fx = (x - 24) / scale, fy = (y - 32) / scale;

					if (x >= 24 && y >= 32 && fx < 16 && fy < 16)
						want = bits[fy] << (fx % 8) & 0x80 || (fx >= 8 && fy == 14) ? format[i].white : format[i].red;
					CHECK(pixel_at(&to, x, y) == want);
				}
			surface_fill(&to, W - 2, H - 3, 99, 99, format[i].red);
			CHECK(pixel_at(&to, W - 1, H - 1) == format[i].red && pixel_at(&to, W, H - 1) == 0 && pixel_at(&to, W - 3, H - 1) == 0);
			free(to.pixels);
		}
}

TEST(screen_wrong_modes)
{
	const uint32_t good[4] = { 0xff0000, 0xff00, 0xff, 0 }, none[4] = { 0 };
	struct surface to;

	CHECK(surface_describe(&to, 640, 480, 640, none, 0) && surface_describe(&to, 0, 480, 640, good, 0) && surface_describe(&to, 640, 480, 639, good, 0));
	CHECK(surface_describe(&to, 640, 480, 0xffffffff, good, 0) && surface_describe(&to, 0xffffffff, 480, 0xffffffff, good, 0));
	CHECK(surface_describe(&to, 640, 480, 640, good, 640 * 480 * 3 - 1) && !surface_describe(&to, 640, 480, 640, good, 640 * 480 * 3));
	CHECK(!surface_describe(&to, 3840, 2160, 3840, good, 0) && to.scale == 2 && !surface_describe(&to, 1920, 1200, 2048, good, 0) && to.scale == 1);
}
