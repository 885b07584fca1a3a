/* SPDX-License-Identifier: MIT */
/* The framebuffer as a text terminal (TERM=linux). One grid of cells in memory is the truth; the framebuffer is only ever written.
 * screen.c opens and shows, screen_grid.c moves cells, screen_parse.c reads what programs write, screen_control.c obeys it, screen_pen.c colours. */
#ifndef POSIX_SCREEN_H
#define POSIX_SCREEN_H
#include <stddef.h>
#include <base/surface.h>
#include <exo/pci.h>

#define SCREEN_ROWS    160 /* at most; what a mode has more stays black */
#define SCREEN_COLUMNS 512
#define SCREEN_HISTORY 500 /* lines kept above the top */
#define SCREEN_ARGS    16

/* A cell: glyph, then its two colours, then marks. Whatever stands in it, drawing stays within font and palette. */
#define CELL(glyph, fg, bg, under) ((uint32_t)(glyph) | (uint32_t)(fg) << 16 | (uint32_t)(bg) << 20 | (uint32_t)(under) << 24)
#define CELL_GLYPH(c) ((c) & 0xffff)
#define CELL_FG(c)    ((c) >> 16 & 15)
#define CELL_BG(c)    ((c) >> 20 & 15)
#define CELL_UNDER(c) ((c) >> 24 & 1)

struct screen_pen { uint8_t fg, bg, bold, under, reverse; };
struct screen_place {
	unsigned row, column;
	struct screen_pen pen;
	uint8_t origin, wrap;
	uint8_t graphics[2], shifted; /* DEC's line drawing stands as G0, G1; G1 is in use */
};

struct screen {
	uint8_t on;
	struct surface surface;
	uint32_t palette[16];
	uint32_t blue;            /* of text on black, where the palette's cannot be read */
	/* cells: every line has a place in store; the tables say which is where */
	unsigned rows, columns;
	uint32_t space;                /* glyph of the space */
	uint32_t *store, *shown;
	uint16_t line[SCREEN_ROWS], other[SCREEN_ROWS], past[SCREEN_HISTORY];
	uint8_t touched[SCREEN_ROWS];  /* lines that may differ from what is shown */
	unsigned past_head, past_count, view; /* view: how many lines up one looks */
	/* terminal */
	struct screen_place at, saved, main_saved;
	unsigned top, bottom;          /* scroll region, both within it */
	uint8_t tab[SCREEN_COLUMNS];
	uint8_t wrap_next;             /* the last column is written: the next character wraps first */
	uint8_t insert, hidden, keys_application, alternate;
	uint8_t dirty;
	unsigned cursor_row;           /* as shown */
	unsigned next;                 /* the row to be looked at first, */
	uint64_t took;                 /* and ns that showing took since all was shown */
	uint64_t show_at;              /* ns of rt_now before which it is not worth showing again */
	/* parser */
	uint8_t state, mark, skip, set;
	unsigned arg_count, arg[SCREEN_ARGS];
	uint32_t code, code_left, code_least;
	/* answers to the program, as if typed */
	unsigned answer_size;
	char answer[64];
};

struct driver_wants;
/* A row's open (drivers.def). Takes the framebuffer that the loader left and clears it: 0, -ENODEV none or none that
 * can be used, -EACCES, -ENOMEM. First env only. */
int screen_open(struct screen *s, const volatile struct exo_pci *f, uint64_t va, const struct driver_wants *w);
/* What a terminal receives. Changes cells only. */
void screen_put(struct screen *s, const void *bytes, size_t n);
/* Brings the pixels up to date. */
void screen_show(struct screen *s);
/* The row's step and deadline: a part of that, when it is due. */
int screen_step(struct screen *s);
uint64_t screen_deadline(const struct screen *s);
/* Looks `lines` further up (down when negative) into what has scrolled away. */
void screen_scroll_view(struct screen *s, int lines);
/* Bytes that the terminal answers (cursor position, identity): at most max. */
size_t screen_take_answer(struct screen *s, char *to, size_t max);

/* ---- screen_grid.c. Needs rows, columns and a store of 2 * rows + SCREEN_HISTORY lines. */
static inline uint32_t *screen_line(const struct screen *s, unsigned row) { return s->store + (size_t)s->line[row] * s->columns; }
void grid_reset(struct screen *s);
void grid_put(struct screen *s, uint32_t code);        /* at the cursor, with the pen's colours; the cursor stays */
void grid_erase(struct screen *s, unsigned row, unsigned first, unsigned end);
void grid_erase_rows(struct screen *s, unsigned first, unsigned end);
/* Lines [first, last] move by n, up when it is positive; what comes free is blank. keep: lines that leave the top go to the history. */
void grid_scroll(struct screen *s, unsigned first, unsigned last, int n, int keep);
void grid_insert_cells(struct screen *s, unsigned n);
void grid_delete_cells(struct screen *s, unsigned n);
void grid_alternate(struct screen *s, int on);
void grid_touch_all(struct screen *s);

/* ---- screen_control.c */
void control_move(struct screen *s, unsigned row, unsigned column); /* as near as the screen allows */
void control_line_feed(struct screen *s);
void control_tab(struct screen *s);
void control_sequence(struct screen *s, uint8_t final); /* CSI, with arguments and mark in s */
void control_escape(struct screen *s, uint8_t c);       /* ESC and one character */

/* ---- screen_pen.c */
void pen_set(struct screen *s);                         /* SGR: arguments in s */
void pen_palette(struct screen *s);
uint32_t pen_ink(const struct screen *s, uint32_t cell); /* of a cell's character */
#endif
