/* SPDX-License-Identifier: MIT */
/* Cells and lines of the screen: writing, erasing, shifting, scrolling. Scrolling moves entries of the line table, never cells. */
#include <base/string.h>
#include "screen.h"

static void touch(struct screen *s, unsigned first, unsigned last)
{
	s->dirty = 1;
	for (; first <= last; first++)
		s->touched[first] = 1;
}

void grid_touch_all(struct screen *s) { touch(s, 0, s->rows - 1); }

static uint32_t cell_of(const struct screen *s, uint32_t glyph)
{
	const struct screen_pen *p = &s->at.pen;
	unsigned fg = p->bold && p->fg < 8 ? p->fg + 8u : p->fg, bg = p->bg;

	return p->reverse ? CELL(glyph, bg, fg, p->under) : CELL(glyph, fg, bg, p->under);
}

/* What erasing leaves has the pen's background. */
static uint32_t blank(const struct screen *s) { return CELL(s->space, s->at.pen.fg, s->at.pen.bg, 0); }

static void cells_fill(uint32_t *to, uint32_t cell, size_t n)
{
	while (n--)
		*to++ = cell;
}

void grid_reset(struct screen *s)
{
	s->space = font_glyph(&font_spleen, ' ');
	for (unsigned i = 0; i < s->rows; i++) {
		s->line[i] = (uint16_t)i;
		s->other[i] = (uint16_t)(s->rows + i);
	}
	for (unsigned i = 0; i < SCREEN_HISTORY; i++)
		s->past[i] = (uint16_t)(2 * s->rows + i);
	for (unsigned i = 0; i < s->columns; i++)
		s->tab[i] = i % 8 == 0;
	s->past_head = s->past_count = s->view = 0;
	s->at = s->saved = s->main_saved = (struct screen_place){ .pen = { .fg = 7 }, .wrap = 1 };
	s->top = 0;
	s->bottom = s->rows - 1;
	s->wrap_next = s->insert = s->hidden = s->keys_application = s->alternate = 0;
	cells_fill(s->store, blank(s), (2ul * s->rows + SCREEN_HISTORY) * s->columns);
	grid_touch_all(s);
}

void grid_put(struct screen *s, uint32_t code)
{
	screen_line(s, s->at.row)[s->at.column] = cell_of(s, font_glyph(&font_spleen, code));
	touch(s, s->at.row, s->at.row);
}

void grid_erase(struct screen *s, unsigned row, unsigned first, unsigned end)
{
	if (end > s->columns)
		end = s->columns;
	if (row >= s->rows || first >= end)
		return;
	cells_fill(screen_line(s, row) + first, blank(s), end - first);
	touch(s, row, row);
}

void grid_erase_rows(struct screen *s, unsigned first, unsigned end)
{
	for (; first < end; first++)
		grid_erase(s, first, 0, s->columns);
}

/* The line that leaves the top changes places with the oldest of the history. */
static void line_keep(struct screen *s)
{
	uint16_t oldest = s->past[s->past_head];

	s->past[s->past_head] = s->line[0];
	s->line[0] = oldest;
	s->past_head = (s->past_head + 1) % SCREEN_HISTORY;
	if (s->past_count < SCREEN_HISTORY)
		s->past_count++;
}

void grid_scroll(struct screen *s, unsigned first, unsigned last, int n, int keep)
{
	unsigned count = last - first + 1, up = n > 0, times = (unsigned)(up ? n : -n);

	if (last >= s->rows || first > last)
		return;
	if (times > count)
		times = count;
	while (times--) {
		uint16_t moved;

		if (up && keep && first == 0 && !s->alternate)
			line_keep(s);
		moved = s->line[up ? first : last];
		if (up)
			memmove(&s->line[first], &s->line[first + 1], (count - 1) * sizeof s->line[0]);
		else
			memmove(&s->line[first + 1], &s->line[first], (count - 1) * sizeof s->line[0]);
		s->line[up ? last : first] = moved;
		grid_erase(s, up ? last : first, 0, s->columns);
	}
	touch(s, first, last);
}

void grid_insert_cells(struct screen *s, unsigned n)
{
	uint32_t *line = screen_line(s, s->at.row);
	unsigned left = s->columns - s->at.column;

	if (n > left)
		n = left;
	memmove(line + s->at.column + n, line + s->at.column, (left - n) * sizeof *line);
	grid_erase(s, s->at.row, s->at.column, s->at.column + n);
}

void grid_delete_cells(struct screen *s, unsigned n)
{
	uint32_t *line = screen_line(s, s->at.row);
	unsigned left = s->columns - s->at.column;

	if (n > left)
		n = left;
	memmove(line + s->at.column, line + s->at.column + n, (left - n) * sizeof *line);
	grid_erase(s, s->at.row, s->columns - n, s->columns);
}

/* Full-screen programs draw on lines of their own: the shell's come back behind them. */
void grid_alternate(struct screen *s, int on)
{
	if (s->alternate == (on != 0))
		return;
	s->alternate = on != 0;
	s->view = 0;
	for (unsigned i = 0; i < s->rows; i++) {
		uint16_t line = s->line[i];

		s->line[i] = s->other[i];
		s->other[i] = line;
	}
	if (on) {
		s->main_saved = s->at;
		grid_erase_rows(s, 0, s->rows);
	} else {
		s->at = s->main_saved;
		s->top = 0;
		s->bottom = s->rows - 1;
	}
	s->wrap_next = 0;
	grid_touch_all(s);
}
