/* SPDX-License-Identifier: MIT */
/* A linear framebuffer: what its pixels look like, and characters of a bitmap font into it. It is only ever written, in long runs. */
#ifndef BASE_SURFACE_H
#define BASE_SURFACE_H
#include <stdint.h>

#define FONT_WIDTH  8
#define FONT_HEIGHT 16

/* Made by mkfont at build time: 8 pixels wide, leftmost pixel in the highest bit. codes is sorted. */
struct font_code { uint16_t code, glyph; };
struct font {
	const uint8_t (*bits)[FONT_HEIGHT];
	const struct font_code *codes;
	uint32_t glyphs, count; /* of bits, of codes */
};
#pragma GCC visibility push(hidden)
extern const struct font font_spleen; /* defined by whoever links the made file */
#pragma GCC visibility pop

struct surface {
	uint8_t *pixels;          /* the caller's: where it has mapped them */
	uint32_t width, height;   /* pixels */
	uint32_t pitch, depth;    /* bytes a line, bytes a pixel */
	uint32_t red, green, blue; /* their bits in a pixel */
	uint32_t scale;           /* screen pixels a font pixel */
};

/* One character to be drawn: its FONT_HEIGHT bytes, and two pixels. */
struct surface_cell { const uint8_t *bits; uint32_t fg, bg, under; };

/* Takes the firmware's facts (stride in pixels, size in bytes, 0 = not told): 0, or -1 for what cannot be drawn on. pixels is left alone. */
int surface_describe(struct surface *s, uint32_t width, uint32_t height, uint32_t stride, const uint32_t masks[4], uint64_t size);
/* The pixel of a colour 0xRRGGBB. */
uint32_t surface_pixel(const struct surface *s, uint32_t rgb);
/* A rectangle, in screen pixels; the part that lies outside is left out. */
void surface_fill(const struct surface *s, uint32_t x, uint32_t y, uint32_t width, uint32_t height, uint32_t pixel);
/* n characters side by side from screen pixel (x, y); all of them must lie inside. */
void surface_text(const struct surface *s, uint32_t x, uint32_t y, const struct surface_cell *cell, uint32_t n);
/* The glyph of a Unicode character; that of U+FFFD or `?` when the font has none. */
uint32_t font_glyph(const struct font *f, uint32_t code);
#endif
