/* SPDX-License-Identifier: MIT */
/* Keyboards: keyboard.c drives the i8042, keyboard_keys.c makes bytes of keys, whoever delivers them, and
 * keyboard_layout.c says what is printed on them. */
#ifndef POSIX_KEYBOARD_H
#define POSIX_KEYBOARD_H
#include <stddef.h>
#include <stdint.h>
#include <exo/pci.h>

enum keyboard_layout { KEYBOARD_US, KEYBOARD_DE, KEYBOARD_LAYOUTS };
enum keyboard_level { LEVEL_PLAIN, LEVEL_SHIFT, LEVEL_ALTGR, KEYBOARD_LEVELS };

/* What a key asks of the machine instead of typing something. */
enum keyboard_wish { WISH_NONE, WISH_VIEW_UP, WISH_VIEW_DOWN, WISH_RESET };

struct driver_wants;
struct keyboard {
	uint8_t layout;
	uint8_t has_news;            /* its interrupt came: there may be codes */
	uint8_t prefix;              /* 0xe0 was the last byte; 1..: so many more bytes of Pause are to be passed over */
	uint8_t shift, control, alt; /* bit 0: the left one is down, bit 1: the right one */
	uint8_t caps, numbers;
	enum keyboard_wish wish;
};

/* A key that went down or up; extended: its scan code comes behind 0xe0. */
struct keyboard_event { uint8_t code, extended, down; };

#define KEYBOARD_TEXT 8 /* bytes that one scan code gives at most */

/* A row's open (drivers.def). Binds ports and interrupt and sets the controller up: 0, -EACCES refused by the kernel,
 * -ENODEV no controller, -ENXIO no keyboard answers. Takes at most half a second. First env only. */
int keyboard_open(struct keyboard *k, const volatile struct exo_pci *f, uint64_t va, const struct driver_wants *w);
/* One waiting scan code, if there is one: true; *size bytes were typed. application: DEC's cursor key mode. Never blocks. */
int keyboard_get(struct keyboard *k, int application, char text[KEYBOARD_TEXT], size_t *size);
/* To be called after interrupts, before keyboard_get. */
void keyboard_interrupt(struct keyboard *k, uint32_t irq);
/* What that key types, and what it changes: bytes in text. keyboard_keys.c */
size_t keyboard_key(struct keyboard *k, struct keyboard_event e, int application, char text[KEYBOARD_TEXT]);
/* What a key with this scan code types, as a Unicode character; 0 = nothing. keyboard_layout.c */
uint16_t keyboard_character(enum keyboard_layout layout, enum keyboard_level level, uint8_t code);
#endif
