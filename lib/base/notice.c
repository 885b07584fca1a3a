/* SPDX-License-Identifier: MIT */
/* Layout of a notice: code at the upper right, text beside and then below it. */
#include "notice.h"

#define QUIET      4u /* modules on each side of the code (ISO/IEC 18004, 6.3.8) */
#define BACKGROUND 0x600018u
#define INK        0xffffffu

static void code_draw(const struct surface *s, const struct notice_code *code, uint32_t left, uint32_t top, uint32_t module)
{
	uint32_t side = ((uint32_t)code->size + 2 * QUIET) * module, dark = surface_pixel(s, 0);

	surface_fill(s, left, top, side, side, surface_pixel(s, 0xffffff));
	for (int y = 0; y < code->size; y++)
		for (int x = 0; x < code->size; x++)
			if (code->module(code->data, x, y))
				surface_fill(s, left + (QUIET + (uint32_t)x) * module, top + (QUIET + (uint32_t)y) * module, module, module, dark);
}

void notice_draw(const struct surface *s, const struct font *f, const char *text, const struct notice_code *code)
{
	uint32_t wide = FONT_WIDTH * s->scale, high = FONT_HEIGHT * s->scale, side = (uint32_t)code->size + 2 * QUIET;
	/* A margin of one character all around; less than half the width for the code. */
	uint32_t room = s->height - 2 * high < s->width * 9 / 20 ? s->height - 2 * high : s->width * 9 / 20;
	uint32_t module = code->size > 0 ? room / side : 0, right = s->width - wide, below = 0, x = wide, y = high;
	struct surface_cell cell = { .fg = surface_pixel(s, INK), .bg = surface_pixel(s, BACKGROUND) };

	surface_fill(s, 0, 0, s->width, s->height, cell.bg);
	if (module) {
		right -= side * module;
		code_draw(s, code, right, high, module);
		right -= wide;
		below = high + side * module;
	}
	for (; *text; text++) {
		if (*text == '\n' || x + wide > right) {
			x = wide;
			y += high;
		}
		if (y + high > s->height)
			return;
		if (y >= below)
			right = s->width - wide;
		if (*text < ' ')
			continue;
		cell.bits = f->bits[font_glyph(f, (uint8_t)*text)];
		surface_text(s, x, y, &cell, 1);
		x += wide;
	}
}
