/* SPDX-License-Identifier: MIT */
/* Pixels of any format (UEFI 2.10, 12.9: masks of red, green, blue and the rest), rectangles, characters. */
#include "surface.h"

#define SIDE_MAX   16384u
#define STRIDE_MAX 32768u
#define STEP       1200u /* lines of the screen for each step of the font's size */

static uint32_t top_bit(uint32_t masks) { return masks ? 32 - (uint32_t)__builtin_clz(masks) : 0; }

int surface_describe(struct surface *s, uint32_t width, uint32_t height, uint32_t stride, const uint32_t masks[4], uint64_t size)
{
	uint32_t depth = (top_bit(masks[0] | masks[1] | masks[2] | masks[3]) + 7) / 8;

	if (width < 320 || height < 200 || width > SIDE_MAX || height > SIDE_MAX || stride < width || stride > STRIDE_MAX || depth < 2)
		return -1;
	if (size && (uint64_t)stride * depth * (height - 1) + (uint64_t)width * depth > size)
		return -1;
	s->width = width;
	s->height = height;
	s->depth = depth;
	s->pitch = stride * depth;
	s->red = masks[0];
	s->green = masks[1];
	s->blue = masks[2];
	s->scale = 1 + (height - 1) / STEP;
	return 0;
}

/* An 8-bit value at its mask's place and in its mask's width. */
static uint32_t channel(uint32_t value, uint32_t mask)
{
	uint32_t shift, bits;

	if (!mask)
		return 0;
	shift = (uint32_t)__builtin_ctz(mask);
	bits = top_bit(mask) - shift;
	return (bits >= 8 ? value << (bits - 8) : value >> (8 - bits)) << shift & mask;
}

uint32_t surface_pixel(const struct surface *s, uint32_t rgb)
{ return channel(rgb >> 16 & 255, s->red) | channel(rgb >> 8 & 255, s->green) | channel(rgb & 255, s->blue); }

/* The base of a framebuffer need not be a multiple of a pixel. Volatile: each is one store, in this order. */
typedef volatile uint32_t __attribute__((aligned(1))) pixel_32;
typedef volatile uint64_t __attribute__((aligned(1))) pixel_pair;

static uint8_t *pixels_put(uint8_t *to, uint32_t pixel, uint32_t depth, uint32_t n)
{
	for (; n; n--) {
		if (depth == 4) {
			*(pixel_32 *)to = pixel;
			to += 4;
		} else {
			for (uint32_t i = 0; i < depth; i++)
				*(volatile uint8_t *)to++ = (uint8_t)(pixel >> 8 * i);
		}
	}
	return to;
}

void surface_fill(const struct surface *s, uint32_t x, uint32_t y, uint32_t width, uint32_t height, uint32_t pixel)
{
	if (x >= s->width || y >= s->height)
		return;
	if (width > s->width - x)
		width = s->width - x;
	if (height > s->height - y)
		height = s->height - y;
	for (uint32_t i = 0; i < height; i++)
		(void)pixels_put(s->pixels + (uint64_t)(y + i) * s->pitch + (uint64_t)x * s->depth, pixel, s->depth, width);
}

/* One line of one character. Two pixels at a time where that can be done. */
static uint8_t *bits_put(const struct surface *s, uint8_t *to, uint32_t bits, uint32_t fg, uint32_t bg)
{
	if (s->depth == 4 && s->scale == 1) {
		pixel_pair *pair = (pixel_pair *)to;
		const uint64_t pixel[2] = { bg, fg };

		for (int i = 6; i >= 0; i -= 2)
			*pair++ = pixel[bits >> (i + 1) & 1] | pixel[bits >> i & 1] << 32;
		return (uint8_t *)pair;
	}
	for (int i = 7; i >= 0; i--)
		to = pixels_put(to, bits >> i & 1 ? fg : bg, s->depth, s->scale);
	return to;
}

void surface_text(const struct surface *s, uint32_t x, uint32_t y, const struct surface_cell *cell, uint32_t n)
{
	uint8_t *line = s->pixels + (uint64_t)y * s->pitch + (uint64_t)x * s->depth;

	for (uint32_t row = 0; row < FONT_HEIGHT * s->scale; row++, line += s->pitch) {
		uint8_t *to = line;

		for (uint32_t i = 0; i < n; i++) {
			uint32_t at = row / s->scale;

			to = bits_put(s, to, cell[i].under && at == FONT_HEIGHT - 2 ? 0xff : cell[i].bits[at], cell[i].fg, cell[i].bg);
		}
	}
}

uint32_t font_glyph(const struct font *f, uint32_t code)
{
	uint32_t low = 0, high = f->count, at = code - f->codes[0].code;

	/* The first ones have no gap: ASCII. */
	if (at < f->count && f->codes[at].code == code)
		return f->codes[at].glyph;
	while (low < high) {
		uint32_t middle = (low + high) / 2;

		if (f->codes[middle].code == code)
			return f->codes[middle].glyph;
		if (f->codes[middle].code < code)
			low = middle + 1;
		else
			high = middle;
	}
	return code == 0xfffd ? font_glyph(f, '?') : code == '?' ? 0 : font_glyph(f, 0xfffd);
}
