/* SPDX-License-Identifier: MIT */
/* What stands where in the reports of a keyboard, by its own report descriptor (HID 1.11, 6.2.2). Pure. */
#ifndef DEV_HID_REPORT_H
#define DEV_HID_REPORT_H
#include <stddef.h>
#include <stdint.h>

#define HID_FIELDS    8
#define HID_BYTES     1025u
#define HID_USAGES    256u /* of page 7, keyboards */
#define HID_MODIFIERS 0xe0u /* the first of eight */
#define HID_LAMPS     2u   /* NumLock, CapsLock */

/* Keys, from bit `at` on: with is_array, `count` numbers of `size` bits, each that of a key that is down; else a bit
 * for each key. A number of `low` says `usage`, and so on up to `last`. */
struct hid_field { uint8_t id, is_array, size, count, usage, last; uint16_t at; int32_t low; };

struct hid_layout {
	uint16_t bytes;                 /* of the longest report, its number counted; at most HID_BYTES */
	uint8_t has_ids, fields;
	uint8_t lamp_id, lamp_bytes;    /* lamp_bytes 0: it has none */
	uint8_t lamp_bit[HID_LAMPS];    /* place, plus one; 0: it has not that one */
	struct hid_field field[HID_FIELDS];
};

/* The boot protocol's, which no descriptor tells (appendix B.1). */
extern const struct hid_layout hid_boot;

/* Of n bytes of descriptor: true when it tells of a keyboard. Nothing that it says leads outside of them. */
int hid_layout_read(struct hid_layout *l, const uint8_t *at, size_t n);

/* A report that is looked through. */
struct hid_reader { const struct hid_layout *layout; const uint8_t *report; size_t size; unsigned field, index; };
void hid_report_start(struct hid_reader *r, const struct hid_layout *l, const uint8_t *report, size_t size);
/* The next key that is down, in the report's order; 0: no more. 1 to 3: more keys than it can tell, or an error. */
uint8_t hid_report_next(struct hid_reader *r);
/* Whether this report speaks of that key at all. */
int hid_report_covers(const struct hid_reader *r, uint8_t usage);
/* Bytes of the report that sets lamps (bit 0 NumLock, bit 1 CapsLock), its number first if there are such; 0: none. */
size_t hid_lamps(const struct hid_layout *l, unsigned lamps, uint8_t to[33]);
#endif
