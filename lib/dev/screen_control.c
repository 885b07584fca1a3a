/* SPDX-License-Identifier: MIT */
/* The control functions of terminfo's `linux` entry (ECMA-48 and DEC's): cursor, erasing, scroll region, modes, tabs, answers. */
#include <base/fmt.h>
#include <base/string.h>
#include "screen.h"

static unsigned least(unsigned a, unsigned b) { return a < b ? a : b; }

void control_move(struct screen *s, unsigned row, unsigned column)
{
	s->at.row = least(row, s->rows - 1);
	s->at.column = least(column, s->columns - 1);
	s->wrap_next = 0;
}

/* Row as programs count it: within the scroll region when origin mode is on. */
static void move_to_row(struct screen *s, unsigned row, unsigned column)
{
	control_move(s, s->at.origin ? least(s->top + least(row, s->rows), s->bottom) : row, column);
}

static void move_up(struct screen *s, unsigned n, unsigned column)
{
	unsigned stop = s->at.row >= s->top ? s->top : 0;

	control_move(s, s->at.row - stop < n ? stop : s->at.row - n, column);
}

static void move_down(struct screen *s, unsigned n, unsigned column)
{
	unsigned stop = s->at.row <= s->bottom ? s->bottom : s->rows - 1;

	control_move(s, stop - s->at.row < n ? stop : s->at.row + n, column);
}

void control_line_feed(struct screen *s)
{
	if (s->at.row == s->bottom)
		grid_scroll(s, s->top, s->bottom, 1, 1);
	else if (s->at.row + 1 < s->rows)
		s->at.row++;
	s->wrap_next = 0;
}

static void reverse_line_feed(struct screen *s)
{
	if (s->at.row == s->top)
		grid_scroll(s, s->top, s->bottom, -1, 0);
	else if (s->at.row)
		s->at.row--;
	s->wrap_next = 0;
}

void control_tab(struct screen *s)
{
	unsigned column = s->at.column + 1;

	while (column < s->columns && !s->tab[column])
		column++;
	control_move(s, s->at.row, column);
}

static void place_restore(struct screen *s)
{
	s->at = s->saved;
	s->wrap_next = 0;
}

static void answer(struct screen *s, const char *format, unsigned a, unsigned b)
{
	size_t room = sizeof s->answer - s->answer_size;
	int n = fmt(s->answer + s->answer_size, room, format, a, b);

	if (n > 0 && (size_t)n < room)
		s->answer_size += (unsigned)n;
}

size_t screen_take_answer(struct screen *s, char *to, size_t max)
{
	size_t n = s->answer_size < max ? s->answer_size : max;

	memcpy(to, s->answer, n);
	memmove(s->answer, s->answer + n, s->answer_size - n);
	s->answer_size -= (unsigned)n;
	return n;
}

static void private_mode(struct screen *s, unsigned mode, int on)
{
	switch (mode) {
	case 1: s->keys_application = (uint8_t)on; break;
	case 6:
		s->at.origin = (uint8_t)on;
		move_to_row(s, 0, 0);
		break;
	case 7:
		s->at.wrap = (uint8_t)on;
		s->wrap_next = 0;
		break;
	case 25: s->hidden = !on; break;
	case 47: case 1047: case 1049: grid_alternate(s, on); break;
	}
}

static void modes_set(struct screen *s, int on)
{
	for (unsigned i = 0; i < s->arg_count; i++) {
		if (s->mark == '?')
			private_mode(s, s->arg[i], on);
		else if (!s->mark && s->arg[i] == 4)
			s->insert = (uint8_t)on;
	}
}

static void erase_display(struct screen *s, unsigned what)
{
	if (what == 0) {
		grid_erase(s, s->at.row, s->at.column, s->columns);
		grid_erase_rows(s, s->at.row + 1, s->rows);
	} else if (what == 1) {
		grid_erase_rows(s, 0, s->at.row);
		grid_erase(s, s->at.row, 0, s->at.column + 1);
	} else {
		if (what == 3)
			s->past_count = 0;
		grid_erase_rows(s, 0, s->rows);
	}
}

static void lines_shift(struct screen *s, int n)
{
	if (s->at.row < s->top || s->at.row > s->bottom)
		return;
	grid_scroll(s, s->at.row, s->bottom, n, 0);
	s->at.column = 0;
}

static void region_set(struct screen *s)
{
	unsigned top = s->arg[0] ? s->arg[0] : 1, bottom = s->arg_count > 1 && s->arg[1] ? s->arg[1] : s->rows;

	bottom = least(bottom, s->rows);
	if (top >= bottom)
		return;
	s->top = top - 1;
	s->bottom = bottom - 1;
	move_to_row(s, 0, 0);
}

void control_sequence(struct screen *s, uint8_t final)
{
	/* Bounded, so that no sum below wraps. */
	unsigned first = least(s->arg[0], 9999), n = first ? first : 1, second = least(s->arg_count > 1 && s->arg[1] ? s->arg[1] : 1, 9999);

	if (final == 'h' || final == 'l') {
		modes_set(s, final == 'h');
		return;
	}
	if (s->mark)
		return;
	/* What writes, erases or shifts at the cursor takes it back from behind the last column. */
	if (final != 'm' && final != 'n' && final != 'c' && final != 's' && final != 'g')
		s->wrap_next = 0;
	switch (final) {
	case '@': grid_insert_cells(s, n); break;
	case 'A': move_up(s, n, s->at.column); break;
	case 'B': case 'e': move_down(s, n, s->at.column); break;
	case 'C': case 'a': control_move(s, s->at.row, s->at.column + n); break;
	case 'D': control_move(s, s->at.row, s->at.column < n ? 0 : s->at.column - n); break;
	case 'E': move_down(s, n, 0); break;
	case 'F': move_up(s, n, 0); break;
	case 'G': case '`': control_move(s, s->at.row, n - 1); break;
	case 'H': case 'f': move_to_row(s, n - 1, second - 1); break;
	case 'J': erase_display(s, first); break;
	case 'K': grid_erase(s, s->at.row, first == 0 ? s->at.column : 0, first == 1 ? s->at.column + 1 : s->columns); break;
	case 'L': lines_shift(s, -(int)n); break;
	case 'M': lines_shift(s, (int)n); break;
	case 'P': grid_delete_cells(s, n); break;
	case 'S': grid_scroll(s, s->top, s->bottom, (int)n, 1); break;
	case 'T': grid_scroll(s, s->top, s->bottom, -(int)n, 0); break;
	case 'X': grid_erase(s, s->at.row, s->at.column, s->at.column + n); break;
	case 'c': answer(s, "\033[?6c", 0, 0); break; /* a VT102 */
	case 'd': move_to_row(s, n - 1, s->at.column); break;
	case 'g':
		if (first == 0)
			s->tab[s->at.column] = 0;
		else if (first == 3)
			memset(s->tab, 0, sizeof s->tab);
		break;
	case 'm': pen_set(s); break;
	case 'n':
		if (first == 5)
			answer(s, "\033[0n", 0, 0);
		else if (first == 6)
			answer(s, "\033[%u;%uR", s->at.row + 1 - (s->at.origin ? s->top : 0), s->at.column + 1);
		break;
	case 'r': region_set(s); break;
	case 's': s->saved = s->at; break;
	case 'u': place_restore(s); break;
	}
}

void control_escape(struct screen *s, uint8_t c)
{
	switch (c) {
	case '7': s->saved = s->at; break;
	case '8': place_restore(s); break;
	case 'D': control_line_feed(s); break;
	case 'E':
		s->at.column = 0;
		control_line_feed(s);
		break;
	case 'H': s->tab[s->at.column] = 1; break;
	case 'M': reverse_line_feed(s); break;
	case 'Z': answer(s, "\033[?6c", 0, 0); break;
	case 'c': grid_reset(s); break;
	}
}
