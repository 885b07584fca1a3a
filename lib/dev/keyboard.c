/* SPDX-License-Identifier: MIT */
/* Driver of the i8042 keyboard controller, and from scan codes (set 1) to bytes. Every wait is bounded in time: machines without one answer
 * with all ones or never. */
#include <asm/errno.h>
#include <base/string.h>
#include <rt/gate.h>
#include <rt/cpu.h>
#include "keyboard.h"

#define DATA       0x60
#define COMMAND    0x64 /* read: status */
#define LINE       1

#define STATUS_OUTPUT 0x01 /* a byte waits in DATA */
#define STATUS_INPUT  0x02 /* the controller has not taken the last byte yet */
#define STATUS_MOUSE  0x20 /* the byte that waits is the second port's */

#define CONFIG_READ   0x20
#define CONFIG_WRITE  0x60
#define MOUSE_OFF     0xa7
#define KEYBOARD_OFF  0xad
#define KEYBOARD_ON   0xae
#define CONFIG_IRQ    0x01
#define CONFIG_MOUSE_IRQ 0x02
#define CONFIG_CLOCK_OFF 0x10
#define CONFIG_TRANSLATE 0x40 /* the keyboard's set 2 arrives as set 1 */

#define KEY_DEFAULTS  0xf6
#define KEY_SCAN      0xf4
#define KEY_ACK       0xfa
#define KEY_AGAIN     0xfe

#define WAIT_NS       20000000u
#define ANSWER_NS     200000000u
#define FLUSH_MAX     64

static uint8_t status(void) { return port_in8(COMMAND); }

/* True when the controller takes a byte within the time. */
static int ready(void)
{
	for (uint64_t end = rt_now() + WAIT_NS; status() & STATUS_INPUT; )
		if (rt_now() > end)
			return 0;
	return 1;
}

static int command(uint8_t c)
{
	if (!ready())
		return 0;
	port_out8(COMMAND, c);
	return 1;
}

static int data(uint8_t c)
{
	if (!ready())
		return 0;
	port_out8(DATA, c);
	return 1;
}

/* The next byte, or -1. */
static int answer(uint64_t ns)
{
	for (uint64_t end = rt_now() + ns; !(status() & STATUS_OUTPUT); )
		if (rt_now() > end)
			return -1;
	return port_in8(DATA);
}

static void flush(void)
{
	for (int i = 0; i < FLUSH_MAX && status() & STATUS_OUTPUT; i++)
		(void)port_in8(DATA);
}

/* A command to the keyboard itself: true when it acknowledges. Keys that were pressed meanwhile are lost. */
static int key_command(uint8_t c)
{
	for (int try = 0; try < 2; try++) {
		int got = -1;

		if (!data(c))
			return 0;
		for (int i = 0; i < 4; i++) {
			got = answer(ANSWER_NS);
			if (got < 0 || got == KEY_ACK || got == KEY_AGAIN)
				break;
		}
		if (got != KEY_AGAIN)
			return got == KEY_ACK;
	}
	return 0;
}

int keyboard_open(struct keyboard *k, enum keyboard_layout layout)
{
	int config;

	memset(k, 0, sizeof *k);
	k->layout = (uint8_t)layout;
	if (gate_dev_bind(EXO_DEV_PORTS, DATA, 1) < 0 || gate_dev_bind(EXO_DEV_PORTS, COMMAND, 1) < 0)
		return -EACCES;
	if (status() == 0xff || !command(KEYBOARD_OFF) || !command(MOUSE_OFF))
		return -ENODEV;
	flush();
	if (!command(CONFIG_READ) || (config = answer(WAIT_NS)) < 0)
		return -ENODEV;
	config = (config & ~(CONFIG_MOUSE_IRQ | CONFIG_CLOCK_OFF | CONFIG_IRQ)) | CONFIG_TRANSLATE;
	if (!command(CONFIG_WRITE) || !data((uint8_t)config) || !command(KEYBOARD_ON))
		return -ENODEV;
	if (!key_command(KEY_DEFAULTS) || !key_command(KEY_SCAN))
		return -ENXIO;
	if (gate_dev_bind(EXO_DEV_IRQ, LINE, 1) < 0)
		return -EACCES;
	if (!command(CONFIG_WRITE) || !data((uint8_t)(config | CONFIG_IRQ)))
		return -ENODEV;
	k->on = 1;
	keyboard_ack();
	return 0;
}

void keyboard_ack(void) { (void)gate_dev_ack(LINE); }

/* ---- keys */

static size_t text_put(char *to, const char *text)
{
	size_t n = strlen(text);

	memcpy(to, text, n);
	return n;
}

static size_t utf8_put(char *to, uint16_t c)
{
	if (c < 0x80) {
		to[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		to[0] = (char)(0xc0 | c >> 6);
		to[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	to[0] = (char)(0xe0 | c >> 12);
	to[1] = (char)(0x80 | (c >> 6 & 0x3f));
	to[2] = (char)(0x80 | (c & 0x3f));
	return 3;
}

/* The control character of a key that types c: what ASCII has in column 0 or 1, and what terminals have had on the digits since DEC's; else c. */
static uint16_t controlled(uint16_t c)
{
	static const uint8_t digit[] = { 0, 27, 28, 29, 30, 31, 127 }; /* of 2 to 8 */

	if (c >= '2' && c <= '8')
		return digit[c - '2'];
	if (c == ' ')
		return 0;
	if (c == '/' || c == '-')
		return 31;
	return (c >= '@' && c <= '_') || (c >= 'a' && c <= 'z') ? c & 31 : c;
}

static size_t character_key(const struct keyboard *k, uint8_t code, char *to)
{
	enum keyboard_level level = k->shift ? LEVEL_SHIFT : LEVEL_PLAIN;
	/* The right Alt is AltGr where the layout has a third level. */
	int altgr = k->layout != KEYBOARD_US && k->alt & 2, alt = altgr ? k->alt & 1 : k->alt;
	uint16_t plain = keyboard_character(k->layout, LEVEL_PLAIN, code), c;
	size_t n = 0;

	if (k->caps && ((plain >= 'a' && plain <= 'z') || (plain >= 0xe0 && plain < 0x100)))
		level = k->shift ? LEVEL_PLAIN : LEVEL_SHIFT;
	c = keyboard_character(k->layout, altgr ? LEVEL_ALTGR : level, code);
	if (!c)
		return 0;
	if (k->control)
		c = controlled(c);
	if (alt)
		to[n++] = 27;
	return n + utf8_put(to + n, c);
}

/* Keys of the pad, 0x47 to 0x53: digit with NumLock, else the key of the same place behind an 0xe0. */
static const char pad_digit[] = "789-456+1230.";

static size_t function_key(uint8_t code, int application, char *to)
{
	static const struct { uint8_t code; const char text[6]; } key[] = {
		{ 0x3b, "\033[[A" }, { 0x3c, "\033[[B" }, { 0x3d, "\033[[C" }, { 0x3e, "\033[[D" }, { 0x3f, "\033[[E" }, { 0x40, "\033[17~" },
		{ 0x41, "\033[18~" }, { 0x42, "\033[19~" }, { 0x43, "\033[20~" }, { 0x44, "\033[21~" }, { 0x57, "\033[23~" }, { 0x58, "\033[24~" },
		{ 0x47, "\033[1~" }, { 0x49, "\033[5~" }, { 0x4f, "\033[4~" }, { 0x51, "\033[6~" }, { 0x52, "\033[2~" }, { 0x53, "\033[3~" },
		{ 0x4c, "\033[G" }, { 0x48, "\033[A" }, { 0x50, "\033[B" }, { 0x4d, "\033[C" }, { 0x4b, "\033[D" },
	};

	for (size_t i = 0; i < sizeof key / sizeof key[0]; i++)
		if (key[i].code == code) {
			size_t n = text_put(to, key[i].text);
			if (application && code >= 0x48 && code <= 0x50 && n == 3 && code != 0x4c)
				to[1] = 'O';
			return n;
		}
	return 0;
}

static void modifier(uint8_t *state, uint8_t bit, int down)
{
	*state = (uint8_t)(down ? *state | bit : *state & ~bit);
}

/* True when the key is a modifier. */
static int modifier_key(struct keyboard *k, uint8_t code, int extended, int down)
{
	switch (code) {
	case 0x2a: case 0x36:
		/* 0xe0 0x2a is no key: keyboards send it around their grey keys. */
		if (!extended)
			modifier(&k->shift, code == 0x2a ? 1 : 2, down);
		return 1;
	case 0x1d: modifier(&k->control, extended ? 2 : 1, down); return 1;
	case 0x38: modifier(&k->alt, extended ? 2 : 1, down); return 1;
	case 0x3a: k->caps ^= down; return 1;
	case 0x45: k->numbers ^= down; return 1;
	}
	return 0;
}

static size_t key_down(struct keyboard *k, uint8_t code, int extended, int application, char *to)
{
	if (code == 0x53 && k->control && k->alt) {
		k->wish = WISH_RESET;
		return 0;
	}
	if (k->shift && (code == 0x49 || code == 0x51) && (extended || !k->numbers)) {
		k->wish = code == 0x49 ? WISH_VIEW_UP : WISH_VIEW_DOWN;
		return 0;
	}
	switch (code) {
	case 0x01: return text_put(to, "\033");
	case 0x0e: return text_put(to, k->alt & 1 ? "\033\177" : k->control ? "\b" : "\177");
	case 0x0f: return text_put(to, k->shift ? "\033[Z" : "\t");
	case 0x1c: return text_put(to, k->alt & 1 ? "\033\r" : "\r");
	case 0x37: return extended ? 0 : text_put(to, "*");
	case 0x4a: return text_put(to, "-");
	case 0x4e: return text_put(to, "+");
	}
	if (extended && code == 0x35)
		return text_put(to, "/");
	if (code >= 0x47 && code <= 0x53 && !extended && k->numbers && !k->shift) {
		to[0] = k->layout == KEYBOARD_DE && code == 0x53 ? ',' : pad_digit[code - 0x47];
		return 1;
	}
	if (extended || !keyboard_character(k->layout, LEVEL_PLAIN, code))
		return function_key(code, application, to);
	return character_key(k, code, to);
}

int keyboard_get(struct keyboard *k, int application, char text[KEYBOARD_TEXT], size_t *size)
{
	uint8_t state = status(), byte, code;
	int extended;

	*size = 0;
	if (state == 0xff || !(state & STATUS_OUTPUT))
		return 0;
	byte = port_in8(DATA);
	if (state & STATUS_MOUSE)
		return 1;
	if (k->prefix && k->prefix < 0xe0) {
		k->prefix--;
		return 1;
	}
	if (byte == 0xe0 || byte == 0xe1) {
		k->prefix = byte == 0xe0 ? 0xe0 : 2; /* Pause: 0xe1 and two bytes, twice */
		return 1;
	}
	extended = k->prefix == 0xe0;
	k->prefix = 0;
	code = byte & 0x7f;
	if (modifier_key(k, code, extended, !(byte & 0x80)) || byte & 0x80)
		return 1;
	*size = key_down(k, code, extended, application, text);
	return 1;
}
