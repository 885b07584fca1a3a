/* SPDX-License-Identifier: MIT */
/* Colours and marks of what is written: SGR (ECMA-48, 8.3.117; 256 and direct colours come as the nearest of sixteen). */
#include "screen.h"

#define BLUE_ON_BLACK 0x3b6fe0 /* contrast 4.5 : 1, as WCAG 2.1 (1.4.3) wants of text; VGA's has 1.6 */

/* VGA's sixteen, in ANSI's order. */
static const uint32_t colour[16] = {
	0x000000, 0xaa0000, 0x00aa00, 0xaa5500, 0x0000aa, 0xaa00aa, 0x00aaaa, 0xaaaaaa,
	0x555555, 0xff5555, 0x55ff55, 0xffff55, 0x5555ff, 0xff55ff, 0x55ffff, 0xffffff,
};

void pen_palette(struct screen *s)
{
	for (int i = 0; i < 16; i++)
		s->palette[i] = surface_pixel(&s->surface, colour[i]);
	s->blue = surface_pixel(&s->surface, BLUE_ON_BLACK);
}

uint32_t pen_ink(const struct screen *s, uint32_t cell)
{
	return CELL_FG(cell) == 4 && !CELL_BG(cell) ? s->blue : s->palette[CELL_FG(cell)];
}

static unsigned distance(uint32_t a, uint32_t b)
{
	unsigned sum = 0;

	for (int shift = 0; shift < 24; shift += 8) {
		int d = (int)(a >> shift & 255) - (int)(b >> shift & 255);
		sum += (unsigned)(d * d);
	}
	return sum;
}

/* What a program means by a colour: of the bright ones the pure, though they are shown paler. */
static uint32_t meant(unsigned i)
{ return i <= 8 ? colour[i] : (i & 1) * 0xff0000u | (i >> 1 & 1) * 0xff00u | (i >> 2 & 1) * 0xffu; }

static uint8_t nearest(uint32_t rgb)
{
	uint8_t best = 0;

	for (uint8_t i = 1; i < 16; i++)
		if (distance(rgb, meant(i)) < distance(rgb, meant(best)))
			best = i;
	return best;
}

/* xterm's table: sixteen, a cube of 6 x 6 x 6, 24 greys. */
static uint8_t of_256(unsigned n)
{
	static const uint8_t step[6] = { 0, 95, 135, 175, 215, 255 };

	if (n < 16)
		return (uint8_t)n;
	if (n > 231)
		return nearest((8 + (n - 232) * 10) * 0x010101u);
	n -= 16;
	return nearest((uint32_t)step[n / 36] << 16 | (uint32_t)step[n / 6 % 6] << 8 | step[n % 6]);
}

/* The colour behind a 38 or 48 at arg[i]: how many arguments it takes; 0 = none. */
static unsigned extended(const struct screen *s, unsigned i, uint8_t *to)
{
	const unsigned *arg = s->arg + i;

	if (i + 2 < s->arg_count && arg[1] == 5) {
		*to = of_256(arg[2] & 255);
		return 2;
	}
	if (i + 4 < s->arg_count && arg[1] == 2) {
		*to = nearest((arg[2] & 255) << 16 | (arg[3] & 255) << 8 | (arg[4] & 255));
		return 4;
	}
	return 0;
}

void pen_set(struct screen *s)
{
	struct screen_pen *p = &s->at.pen;

	for (unsigned i = 0; i < s->arg_count; i++) {
		unsigned a = s->arg[i];

		switch (a) {
		case 0: *p = (struct screen_pen){ .fg = 7 }; break;
		case 1: p->bold = 1; break;
		case 2: case 22: p->bold = 0; break;
		case 4: case 21: p->under = 1; break;
		case 24: p->under = 0; break;
		case 7: p->reverse = 1; break;
		case 27: p->reverse = 0; break;
		case 30 ... 37: p->fg = (uint8_t)(a - 30); break;
		case 39: p->fg = 7; break;
		case 40 ... 47: p->bg = (uint8_t)(a - 40); break;
		case 49: p->bg = 0; break;
		case 90 ... 97: p->fg = (uint8_t)(a - 90 + 8); break;
		case 100 ... 107: p->bg = (uint8_t)(a - 100 + 8); break;
		case 38: i += extended(s, i, &p->fg); break;
		case 48: i += extended(s, i, &p->bg); break;
		}
	}
}
