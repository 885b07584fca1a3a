/* SPDX-License-Identifier: MIT */
/* What programs write to the screen, byte by byte: UTF-8, control characters, and where escape sequences begin and end (ECMA-48, DEC's private modes,
 * Linux's palette strings). What is not known is passed over whole. */
#include "screen.h"

enum { GROUND, ESCAPE, CHARSET, SKIP, CONTROL, STRING, STRING_ESCAPE, PALETTE };

/* DEC's special graphics, from 0x60 on (VT100 user guide, table 3-9). */
static const uint16_t graphics[] = {
	0x25c6, 0x2592, 0x2409, 0x240c, 0x240d, 0x240a, 0x00b0, 0x00b1, 0x2424, 0x240b, 0x2518, 0x2510, 0x250c, 0x2514, 0x253c, 0x23ba,
	0x23bb, 0x2500, 0x23bc, 0x23bd, 0x251c, 0x2524, 0x2534, 0x252c, 0x2502, 0x2264, 0x2265, 0x03c0, 0x2260, 0x00a3, 0x00b7,
};
#define GRAPHICS (sizeof graphics / sizeof graphics[0])

/* Marks that combine with what stands before them, and marks of no width. */
static int has_no_width(uint32_t c) { return (c >= 0x300 && c < 0x370) || (c >= 0x200b && c <= 0x200f) || c == 0xfeff || (c >= 0xfe00 && c <= 0xfe0f); }

/* East Asian characters and pictures: two cells, as wcwidth(3) says, so that columns stay right though the font has none of them. */
static int is_wide(uint32_t c)
{
	return (c >= 0x1100 && c <= 0x115f) || (c >= 0x2e80 && c <= 0xa4cf && c != 0x303f) || (c >= 0xac00 && c <= 0xd7a3) || (c >= 0xf900 && c <= 0xfaff) ||
		(c >= 0xfe30 && c <= 0xfe6f) || (c >= 0xff00 && c <= 0xff60) || (c >= 0xffe0 && c <= 0xffe6) || (c >= 0x1f300 && c <= 0x1f64f) ||
		(c >= 0x1f900 && c <= 0x1f9ff) || (c >= 0x20000 && c <= 0x3fffd);
}

static void cell_put(struct screen *s, uint32_t code)
{
	if (s->wrap_next) {
		s->at.column = 0;
		control_line_feed(s);
	}
	if (s->insert)
		grid_insert_cells(s, 1);
	grid_put(s, code);
	if (s->at.column + 1 < s->columns)
		s->at.column++;
	else
		s->wrap_next = s->at.wrap;
}

static void show(struct screen *s, uint32_t code)
{
	if (code >= 0x80 && code < 0xa0)
		return;
	if (has_no_width(code))
		return;
	if (s->at.graphics[s->at.shifted] && code >= 0x60 && code < 0x60 + GRAPHICS)
		code = graphics[code - 0x60];
	cell_put(s, code);
	if (is_wide(code))
		cell_put(s, ' ');
}

static void text_byte(struct screen *s, uint8_t c)
{
	if (s->code_left) {
		if ((c & 0xc0) == 0x80) {
			s->code = s->code << 6 | (c & 0x3f);
			if (!--s->code_left)
				show(s, s->code < s->code_least || (s->code >= 0xd800 && s->code < 0xe000) || s->code > 0x10ffff ? 0xfffd : s->code);
			return;
		}
		s->code_left = 0;
		show(s, 0xfffd);
	}
	if (c < 0x80) {
		show(s, c);
	} else if (c >= 0xc2 && c <= 0xf4) {
		s->code_left = c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3;
		s->code = c & (0x3fu >> s->code_left);
		s->code_least = c < 0xe0 ? 0x80 : c < 0xf0 ? 0x800 : 0x10000;
	} else {
		show(s, 0xfffd);
	}
}

static void escape_byte(struct screen *s, uint8_t c)
{
	s->state = GROUND;
	switch (c) {
	case '[':
		s->state = CONTROL;
		s->mark = 0;
		s->arg_count = 1;
		s->arg[0] = 0;
		break;
	case ']': case 'P': case '_': case '^': case 'X':
		s->state = STRING;
		s->skip = c == ']';
		break;
	case '(': case ')':
		s->state = CHARSET;
		s->set = c == ')';
		break;
	case '*': case '+': case '#': case '%': case ' ':
		s->state = SKIP;
		break;
	default:
		control_escape(s, c);
	}
}

static void sequence_byte(struct screen *s, uint8_t c)
{
	if (c >= '0' && c <= '9') {
		unsigned *a = &s->arg[s->arg_count - 1];

		if (*a < 100000)
			*a = *a * 10 + (c - '0');
	} else if (c == ';' || c == ':') {
		if (s->arg_count < SCREEN_ARGS)
			s->arg[s->arg_count++] = 0;
	} else if ((c >= '<' && c <= '?') || (c >= ' ' && c <= '/')) {
		s->mark = c; /* private, or an intermediate byte: of those only `?` is known here */
	} else {
		s->state = GROUND;
		if (c >= '@' && c <= '~')
			control_sequence(s, c);
	}
}

/* Linux's own strings end by their length: ] P and seven digits, ] R. All others by BEL or ESC \. */
static void string_byte(struct screen *s, uint8_t c)
{
	if (c == 0x18 || c == 0x1a) {
		s->state = GROUND;
	} else if (s->state == PALETTE) {
		s->state = --s->skip ? PALETTE : GROUND;
	} else if (s->skip == 1 && c == 'R') {
		s->state = GROUND;
	} else if (s->skip == 1 && c == 'P') {
		s->state = PALETTE;
		s->skip = 7;
	} else if (c == 7 || (s->state == STRING_ESCAPE && c == '\\')) {
		s->state = GROUND;
	} else {
		s->state = c == 0x1b ? STRING_ESCAPE : STRING;
		s->skip = 0;
	}
}

/* Control characters work in the middle of a sequence too. */
static void control_character(struct screen *s, uint8_t c)
{
	switch (c) {
	case '\b':
		if (s->at.column)
			s->at.column--;
		s->wrap_next = 0;
		break;
	case '\t': control_tab(s); break;
	case '\n': case '\v': case '\f': control_line_feed(s); break;
	case '\r': control_move(s, s->at.row, 0); break;
	case 0x0e: case 0x0f: s->at.shifted = c == 0x0e; break;
	case 0x18: case 0x1a: s->state = GROUND; break;
	case 0x1b: s->state = ESCAPE; s->code_left = 0; break;
	}
}

static void byte(struct screen *s, uint8_t c)
{
	if (s->state >= STRING) {
		string_byte(s, c);
	} else if (c < ' ') {
		control_character(s, c);
	} else if (c != 0x7f) {
		switch (s->state) {
		case GROUND: text_byte(s, c); break;
		case ESCAPE: escape_byte(s, c); break;
		case CHARSET: s->at.graphics[s->set] = c == '0'; s->state = GROUND; break;
		case SKIP: s->state = GROUND; break;
		case CONTROL: sequence_byte(s, c); break;
		}
	}
}

void screen_put(struct screen *s, const void *bytes, size_t n)
{
	const uint8_t *p = bytes;

	if (!n)
		return;
	if (s->view) {
		s->view = 0;
		grid_touch_all(s);
	}
	s->dirty = 1; /* the cursor moves, if nothing else */
	while (n--)
		byte(s, *p++);
}
