/* SPDX-License-Identifier: MIT */
/* The PC's keyboard behind its i8042: keyboard.c drives the controller and reads keys, keyboard_layout.c says what is printed on them. */
#ifndef POSIX_KEYBOARD_H
#define POSIX_KEYBOARD_H
#include <stddef.h>
#include <stdint.h>

enum keyboard_layout { KEYBOARD_US, KEYBOARD_DE, KEYBOARD_LAYOUTS };
enum keyboard_level { LEVEL_PLAIN, LEVEL_SHIFT, LEVEL_ALTGR, KEYBOARD_LEVELS };

/* What a key asks of the machine instead of typing something. */
enum keyboard_wish { WISH_NONE, WISH_VIEW_UP, WISH_VIEW_DOWN, WISH_RESET };

struct keyboard {
	uint8_t on, layout;
	uint8_t prefix;              /* 0xe0 was the last byte; 1..: so many more bytes of Pause are to be passed over */
	uint8_t shift, control, alt; /* bit 0: the left one is down, bit 1: the right one */
	uint8_t caps, numbers;
	enum keyboard_wish wish;
};

#define KEYBOARD_TEXT 8 /* bytes that one scan code gives at most */

/* Binds ports and interrupt and sets the controller up: 0, -EACCES refused by the kernel, -ENODEV no controller, -ENXIO no keyboard answers.
 * Takes at most half a second. First env only. */
int keyboard_open(struct keyboard *k, enum keyboard_layout layout);
/* One waiting scan code, if there is one: true; *size bytes were typed. application: DEC's cursor key mode. Never blocks. */
int keyboard_get(struct keyboard *k, int application, char text[KEYBOARD_TEXT], size_t *size);
/* To be called after its interrupt, before keyboard_get. */
void keyboard_ack(void);
/* What a key with this scan code types, as a Unicode character; 0 = nothing. keyboard_layout.c */
uint16_t keyboard_character(enum keyboard_layout layout, enum keyboard_level level, uint8_t code);
#endif
