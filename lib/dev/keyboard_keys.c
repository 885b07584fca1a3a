/* SPDX-License-Identifier: MIT */
/* From keys to bytes: modifiers, levels, function keys. Keys are named by scan codes of set 1, whoever delivers
 * them. */
#include <base/string.h>
#include "keyboard.h"

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

/* The control character of a key that types c: what ASCII has in column 0 or 1, and what terminals have had on the
 * digits since DEC's; else c. */
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
		{ 0x3b, "\033[[A" }, { 0x3c, "\033[[B" }, { 0x3d, "\033[[C" }, { 0x3e, "\033[[D" },
		{ 0x3f, "\033[[E" }, { 0x40, "\033[17~" }, { 0x41, "\033[18~" }, { 0x42, "\033[19~" },
		{ 0x43, "\033[20~" }, { 0x44, "\033[21~" }, { 0x57, "\033[23~" }, { 0x58, "\033[24~" },
		{ 0x47, "\033[1~" }, { 0x49, "\033[5~" }, { 0x4f, "\033[4~" }, { 0x51, "\033[6~" },
		{ 0x52, "\033[2~" }, { 0x53, "\033[3~" },
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
	case 0x0e:
		if (k->alt & 1)
			return text_put(to, "\033\177");
		return text_put(to, k->control ? "\b" : "\177");
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

size_t keyboard_key(struct keyboard *k, struct keyboard_event e, int application, char text[KEYBOARD_TEXT])
{
	if (modifier_key(k, e.code, e.extended, e.down) || !e.down)
		return 0;
	return key_down(k, e.code, e.extended, application, text);
}
