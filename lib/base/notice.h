/* SPDX-License-Identifier: MIT */
/* A screen full of text with a square code beside it, for a camera: what a machine shows that will do nothing more. */
#ifndef BASE_NOTICE_H
#define BASE_NOTICE_H
#include <base/surface.h>
#include <stdbool.h>

/* size modules a side, 0 = no code; module(data, x, y): that one is dark. */
struct notice_code { int size; bool (*module)(const uint8_t *data, int x, int y); const uint8_t *data; };

/* Draws over the whole surface: the text (ASCII, lines ended by \n, wrapped) on the left, the code with its quiet zone at the right, as large as there
 * is room for both. What has no room below is left out. */
void notice_draw(const struct surface *s, const struct font *f, const char *text, const struct notice_code *code);
#endif
