/* SPDX-License-Identifier: MIT */
/* Opening the screen: device and memory in a window of the first env's own; and showing, which draws only cells that differ from what is shown. */
#include <posix/library.h>
#include <rt/rt.h>
#include "screen.h"
#include "wants.h"

#define WINDOW      (511 * EXO_HOME_SIZE) /* slot 0, the GiB behind the private area's */
#define WINDOW_SIZE (512ul << 20)
#define RIGHTS      (EXO_PTE_RW | EXO_PTE_NX)
#define RUN         64 /* cells drawn at a time */
#define GAP         4  /* so many cells that need no drawing cost less than another run */
#define FRAME_NS    20000000u
#define SHARE       4  /* of the time since the last, showing takes at most one part */
/* What one step does at most, in cells that are compared; drawing one costs DRAWN times that (and more pixels more). */
#define STEP        4096u
#define DRAWN       160u

static unsigned least(unsigned a, unsigned b) { return a < b ? a : b; }

static int64_t tables_make(uint64_t va, uint64_t size)
{
	int64_t r = 0;

	for (uint64_t at = va & -(512 * PAGE); at < va + size && r >= 0; at += 512 * PAGE)
		r = rt_tables(0, at, 0, 0);
	return r;
}

/* Zeroed memory at va. */
static int64_t memory_map(uint64_t va, uint64_t pages)
{
	int64_t r = tables_make(va, pages * PAGE);

	for (uint64_t i = 0; i < pages && r >= 0; i++) {
		r = rt_frame();
		if (r >= 0)
			r = rt_map(0, va + i * PAGE, (uint64_t)r, 1, RIGHTS);
	}
	if (r >= 0)
		memset((void *)va, 0, pages * PAGE);
	return r;
}

static int64_t device_map(uint64_t base, uint64_t pages)
{
	int64_t r = gate_dev_bind(EXO_DEV_FRAMES_WC, base / PAGE, pages);

	if (r >= 0)
		r = tables_make(WINDOW, pages * PAGE);
	return r >= 0 ? rt_map(0, WINDOW, base / PAGE, pages, RIGHTS) : r;
}

int screen_open(struct screen *s, const volatile struct exo_pci *f, uint64_t va, const struct driver_wants *w)
{
	const volatile struct exo_info *i = rt_info;
	const uint32_t masks[4] = { i->fb_red, i->fb_green, i->fb_blue, i->fb_rest };
	struct surface *to = &s->surface;
	uint64_t base = i->fb_base, pages, lines, cells, memory = WINDOW + WINDOW_SIZE;
	int64_t r;

	(void)f, (void)va;
	if (!base || surface_describe(to, i->fb_width, i->fb_height, i->fb_stride, masks, i->fb_size) || (uint64_t)to->pitch * to->height > WINDOW_SIZE - PAGE)
		return -ENODEV;
	if (w->font)
		to->scale = (uint32_t)w->font;
	s->columns = least(to->width / (FONT_WIDTH * to->scale), SCREEN_COLUMNS);
	s->rows = least(to->height / (FONT_HEIGHT * to->scale), SCREEN_ROWS);
	pages = PAGE_UP(base % PAGE + (uint64_t)to->pitch * (to->height - 1) + (uint64_t)to->width * to->depth) / PAGE;
	lines = 2ul * s->rows + SCREEN_HISTORY;
	cells = (lines + s->rows) * s->columns;
	r = device_map(base, pages);
	if (r >= 0)
		r = memory_map(memory, PAGE_UP(cells * sizeof *s->store) / PAGE);
	if (r < 0) {
		rt_log("screen: cannot be mapped: error %ld", (long)r);
		return r == -EXO_EPERM || r == -EXO_EBUSY ? -EACCES : -ENOMEM;
	}
	to->pixels = (uint8_t *)WINDOW + base % PAGE;
	s->store = (uint32_t *)memory;
	s->shown = s->store + lines * s->columns;
	pen_palette(s);
	grid_reset(s);
	surface_fill(to, 0, 0, to->width, to->height, 0);
	for (size_t at = 0; at < (size_t)s->rows * s->columns; at++)
		s->shown[at] = CELL(s->space, 7, 0, 0);
	s->on = 1;
	rt_log("screen: %ux%u, %u columns, %u rows, %u bytes a pixel",
		to->width, to->height, s->columns, s->rows, to->depth);
	return 0;
}

static const uint32_t *line_seen(const struct screen *s, unsigned row)
{
	if (row < s->view)
		return s->store + (size_t)s->past[(s->past_head + SCREEN_HISTORY - s->view + row) % SCREEN_HISTORY] * s->columns;
	return screen_line(s, row - s->view);
}

static void draw(const struct screen *s, unsigned row, unsigned first, unsigned end)
{
	const uint32_t *cell = s->shown + (size_t)row * s->columns;
	uint32_t width = FONT_WIDTH * s->surface.scale, height = FONT_HEIGHT * s->surface.scale;
	struct surface_cell run[RUN];

	while (first < end) {
		unsigned n = end - first < RUN ? end - first : RUN;

		for (unsigned i = 0; i < n; i++) {
			uint32_t c = cell[first + i], glyph = CELL_GLYPH(c) < font_spleen.glyphs ? CELL_GLYPH(c) : 0;

			run[i] = (struct surface_cell){ font_spleen.bits[glyph], pen_ink(s, c), s->palette[CELL_BG(c)], CELL_UNDER(c) };
		}
		surface_text(&s->surface, first * width, row * height, run, n);
		first += n;
	}
}

/* True when the line was shown before *room was used up; else the rest is shown by the next call, for what is shown
 * already is not drawn again. */
static int line_show(struct screen *s, unsigned row, int has_cursor, unsigned *room)
{
	const unsigned drawn = DRAWN * s->surface.scale * s->surface.scale;
	const uint32_t *want = line_seen(s, row);
	uint32_t *shown = s->shown + (size_t)row * s->columns;
	unsigned first = 0, end = 0, i;

	*room -= s->columns < *room ? s->columns : *room;
	for (i = 0; i < s->columns && *room; i++) {
		uint32_t cell = want[i];

		if (has_cursor && i == s->at.column)
			cell = CELL(CELL_GLYPH(cell), CELL_BG(cell), CELL_FG(cell), CELL_UNDER(cell));
		if (shown[i] == cell)
			continue;
		shown[i] = cell;
		if (first < end && i > end + GAP) {
			draw(s, row, first, end);
			first = i;
		}
		if (first >= end)
			first = end = i;
		const unsigned cost = (i + 1 - end) * drawn;
		*room -= cost < *room ? cost : *room;
		end = i + 1;
	}
	draw(s, row, first, end);
	return i == s->columns;
}

static void touch(struct screen *s, unsigned row)
{
	if (row < s->rows)
		s->touched[row] = 1;
}

/* Shows what differs, as far as `room` goes; the rows in turn, so that one that changes all the time keeps no other
 * from being shown. */
static void show(struct screen *s, unsigned room)
{
	unsigned cursor = s->hidden || s->view ? s->rows : s->at.row, n = 0;
	uint64_t begin = rt_now(), now;

	touch(s, cursor);
	touch(s, s->cursor_row);
	s->cursor_row = cursor;
	for (; n < s->rows; n++, s->next = s->next + 1 < s->rows ? s->next + 1 : 0) {
		if (s->touched[s->next] && !line_show(s, s->next, s->next == cursor, &room))
			break;
		s->touched[s->next] = 0;
	}
	now = rt_now();
	s->took += now - begin;
	if (n < s->rows) { /* as long for the others */
		s->show_at = now + (now - begin);
		return;
	}
	s->dirty = 0;
	s->show_at = now + (SHARE * s->took > FRAME_NS ? SHARE * s->took : FRAME_NS);
	s->took = 0;
}

void screen_show(struct screen *s)
{
	do
		show(s, ~0u);
	while (s->dirty);
}

int screen_step(struct screen *s)
{
	if (s->dirty && rt_now() >= s->show_at)
		show(s, STEP);
	return 0;
}

uint64_t screen_deadline(const struct screen *s) { return s->dirty ? s->show_at : 0; }

void screen_scroll_view(struct screen *s, int lines)
{
	int view = (int)s->view + lines, most = (int)s->past_count;

	if (s->alternate)
		return;
	s->view = view < 0 ? 0 : view > most ? (unsigned)most : (unsigned)view;
	grid_touch_all(s);
}
