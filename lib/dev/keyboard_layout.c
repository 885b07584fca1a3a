/* SPDX-License-Identifier: MIT */
/* Characters on the keys, by layout, level and scan code (set 1). de: accents are typed as they are, no dead keys. */
#include "keyboard.h"

/* The four runs of printing keys: number row from scan code 0x02, upper row from 0x10, home row from 0x1e, lower row from 0x2b (0x2b to 0x35). */
static const struct { uint8_t first, count; } run[4] = { { 0x02, 12 }, { 0x10, 12 }, { 0x1e, 12 }, { 0x2b, 11 } };

static const uint16_t character[KEYBOARD_LAYOUTS][KEYBOARD_LEVELS][4][12] = {
	[KEYBOARD_US] = {
		{ u"1234567890-=", u"qwertyuiop[]", u"asdfghjkl;'`", u"\\zxcvbnm,./" },
		{ u"!@#$%^&*()_+", u"QWERTYUIOP{}", u"ASDFGHJKL:\"~", u"|ZXCVBNM<>?" },
	},
	[KEYBOARD_DE] = {
		{ u"1234567890\u00df\u00b4", u"qwertzuiop\u00fc+", u"asdfghjkl\u00f6\u00e4^", u"#yxcvbnm,.-" },
		{ u"!\"\u00a7$%&/()=?`", u"QWERTZUIOP\u00dc*", u"ASDFGHJKL\u00d6\u00c4\u00b0", u"'YXCVBNM;:_" },
		{ { 0, u'\u00b2', u'\u00b3', 0, 0, 0, u'{', u'[', u']', u'}', u'\\' }, { u'@', 0, u'\u20ac', 0, 0, 0, 0, 0, 0, 0, 0, u'~' }, { 0 },
		  { 0, 0, 0, 0, 0, 0, 0, u'\u00b5' } },
	},
};

/* The key beside the left shift, which US keyboards do not have. */
static const uint16_t extra[KEYBOARD_LAYOUTS][KEYBOARD_LEVELS] = { [KEYBOARD_US] = { u'\\', u'|' }, [KEYBOARD_DE] = { u'<', u'>', u'|' } };

uint16_t keyboard_character(enum keyboard_layout layout, enum keyboard_level level, uint8_t code)
{
	if (code == 0x39)
		return ' ';
	if (code == 0x56)
		return extra[layout][level];
	for (int i = 0; i < 4; i++)
		if (code >= run[i].first && code < run[i].first + run[i].count)
			return character[layout][level][i][code - run[i].first];
	return 0;
}
