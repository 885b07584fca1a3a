/* SPDX-License-Identifier: MIT */
/* Report descriptors: items, one behind the other, say what the bits of a report mean (HID 1.11, 5 and 6.2.2; HID Usage
 * Tables 1.12, 8 and 10). */
#include <base/string.h>
#include "hid_report.h"

enum { MAIN, GLOBAL, LOCAL, LONG = 0xfe };
enum { INPUT = 8, OUTPUT = 9 };
enum { PAGE, LOGICAL_LOW, LOGICAL_HIGH, REPORT_SIZE = 7, REPORT_ID, REPORT_COUNT, PUSH, POP };
enum { USAGE, USAGE_LOW, USAGE_HIGH };
enum { CONSTANT = 1, VARIABLE = 2 };
enum { PAGE_KEYBOARD = 7, PAGE_LAMPS = 8 };
enum { IDS = 8, STACK = 4, USAGES = 32, LAMP_BYTES = 32, BITS = 8 * (HID_BYTES - 1) };

struct globals { uint32_t page, size, count, id; int32_t low; };

struct parser {
	struct hid_layout *l;
	struct globals g, stack[STACK];
	unsigned depth, usages, ids, is_range;
	uint32_t usage[USAGES], low, high;
	struct { uint32_t id, bits[2]; } place[IDS]; /* how long each report is so far: inputs, outputs */
};

const struct hid_layout hid_boot = { .bytes = 8, .fields = 2, .lamp_bytes = 1, .lamp_bit = { 1, 2 }, .field = {
	{ .size = 1, .count = 8, .usage = HID_MODIFIERS, .last = HID_MODIFIERS + 7 },
	{ .is_array = 1, .size = 8, .count = 6, .last = 0xdf, .at = 16 } } };

/* The usage that the i-th of a field's bits has; the last one goes for all that follow. 0: none of page `page`. */
static uint32_t usage_of(const struct parser *p, uint32_t i, uint32_t page)
{
	uint32_t usage = p->low + i;

	if (!p->is_range && !p->usages)
		return 0;
	if (!p->is_range)
		usage = p->usage[i < p->usages ? i : p->usages - 1];
	else if (usage > p->high || usage < p->low)
		return 0;
	if (usage >> 16 && usage >> 16 != page)
		return 0;
	return (usage & 0xffff) < HID_USAGES ? usage & 0xffff : 0;
}

static void field_add(struct parser *p, struct hid_field f)
{
	if (p->l->fields < HID_FIELDS)
		p->l->field[p->l->fields++] = f;
}

static void keys_add(struct parser *p, uint32_t flags, uint32_t at)
{
	struct hid_field f = { .id = (uint8_t)p->g.id, .size = (uint8_t)p->g.size };
	uint32_t n = p->g.count < HID_USAGES ? p->g.count : HID_USAGES - 1;

	if (!(flags & VARIABLE)) {
		f.is_array = 1;
		f.count = (uint8_t)n;
		f.at = (uint16_t)at;
		f.low = p->g.low;
		f.usage = (uint8_t)usage_of(p, 0, PAGE_KEYBOARD);
		f.last = p->is_range && p->high < HID_USAGES ? (uint8_t)p->high : HID_USAGES - 1;
		if (p->is_range && f.last >= f.usage)
			field_add(p, f);
		return;
	}
	for (uint32_t i = 0; i < n && p->g.size == 1; i++) { /* runs of usages that follow one another */
		uint32_t usage = usage_of(p, i, PAGE_KEYBOARD);

		if (f.count && usage == f.usage + (uint32_t)f.count) {
			f.last = (uint8_t)usage;
			f.count++;
			continue;
		}
		if (f.count)
			field_add(p, f);
		f.usage = f.last = (uint8_t)usage;
		f.count = usage != 0;
		f.at = (uint16_t)(at + i);
	}
	if (f.count)
		field_add(p, f);
}

static void lamps_add(struct parser *p, uint32_t flags, uint32_t at)
{
	if (!(flags & VARIABLE) || p->g.size != 1 || (p->l->lamp_bit[0] | p->l->lamp_bit[1] && p->l->lamp_id != p->g.id))
		return;
	for (uint32_t i = 0; i < p->g.count && at + i < 8 * LAMP_BYTES - 1; i++) {
		uint32_t usage = usage_of(p, i, PAGE_LAMPS);

		if (usage && usage <= HID_LAMPS) {
			p->l->lamp_bit[usage - 1] = (uint8_t)(at + i + 1);
			p->l->lamp_id = (uint8_t)p->g.id;
		}
	}
}

/* Where this report has come to, NULL: too many, or too long. */
static uint32_t *place_find(struct parser *p, int is_output)
{
	unsigned i = 0;

	while (i < p->ids && p->place[i].id != p->g.id)
		i++;
	if (i == IDS)
		return NULL;
	if (i == p->ids)
		p->place[p->ids++].id = p->g.id;
	return &p->place[i].bits[is_output];
}

static int main_item(struct parser *p, unsigned tag, uint32_t flags)
{
	uint32_t *bits;

	if (tag == INPUT || tag == OUTPUT) {
		bits = place_find(p, tag == OUTPUT);
		if (!bits || p->g.size > 32 || p->g.count > BITS || p->g.size * p->g.count > BITS - *bits)
			return 0;
		if (tag == INPUT && p->g.page == PAGE_KEYBOARD && !(flags & CONSTANT))
			keys_add(p, flags, *bits);
		if (tag == OUTPUT && p->g.page == PAGE_LAMPS && !(flags & CONSTANT))
			lamps_add(p, flags, *bits);
		*bits += p->g.size * p->g.count;
	}
	p->usages = p->is_range = 0;
	p->low = p->high = 0;
	return 1;
}

static int global_item(struct parser *p, unsigned tag, uint32_t value, int32_t number)
{
	switch (tag) {
	case PAGE: p->g.page = value; break;
	case LOGICAL_LOW: p->g.low = number; break;
	case REPORT_SIZE: p->g.size = value; break;
	case REPORT_COUNT: p->g.count = value; break;
	case REPORT_ID:
		p->g.id = value;
		p->l->has_ids = 1;
		return value && value < 256;
	case PUSH:
		if (p->depth == STACK)
			return 0;
		p->stack[p->depth++] = p->g;
		break;
	case POP:
		if (!p->depth)
			return 0;
		p->g = p->stack[--p->depth];
	}
	return 1;
}

static void local_item(struct parser *p, unsigned tag, uint32_t value)
{
	if (tag == USAGE && p->usages < USAGES)
		p->usage[p->usages++] = value;
	if (tag == USAGE_LOW)
		p->low = value;
	if (tag == USAGE_HIGH) {
		p->high = value;
		p->is_range = 1;
	}
}

static int item(struct parser *p, unsigned head, const uint8_t *at, unsigned n)
{
	static const uint32_t sign[] = { 0, 0x80, 0x8000, 0, 0x80000000 };
	uint32_t value = 0;

	for (unsigned i = 0; i < n; i++)
		value |= (uint32_t)at[i] << 8 * i;
	switch (head >> 2 & 3) {
	case MAIN: return main_item(p, head >> 4, value);
	case GLOBAL: return global_item(p, head >> 4, value, (int32_t)((value ^ sign[n]) - sign[n]));
	case LOCAL: local_item(p, head >> 4, value);
	}
	return 1;
}

/* A report is as long as all of its fields together, in bytes. */
static void lengths_end(struct parser *p)
{
	struct hid_layout *l = p->l;

	for (unsigned i = 0; i < p->ids; i++) {
		unsigned bytes = l->has_ids + (p->place[i].bits[0] + 7) / 8;

		l->bytes = (uint16_t)(bytes > l->bytes ? bytes : l->bytes);
		if (p->place[i].id == l->lamp_id && l->lamp_bit[0] | l->lamp_bit[1] && p->place[i].bits[1] <= 8 * LAMP_BYTES)
			l->lamp_bytes = (uint8_t)((p->place[i].bits[1] + 7) / 8);
	}
}

int hid_layout_read(struct hid_layout *l, const uint8_t *at, size_t n)
{
	struct parser p = { .l = l };
	const uint8_t *end = at + n;
	int has_keys = 0;

	memset(l, 0, sizeof *l);
	while (at < end) {
		unsigned head = *at++, size = head & 3;

		size += size == 3;
		if (head == LONG)
			size = end - at >= 2 ? at[0] + 2u : 2;
		if (size > (size_t)(end - at) || (head != LONG && !item(&p, head, at, size)))
			break;
		at += size;
	}
	lengths_end(&p);
	for (unsigned i = 0; i < l->fields; i++)
		has_keys |= l->field[i].usage <= 4 && l->field[i].last >= 4; /* it has an A */
	return has_keys;
}

/* ---- reports */

void hid_report_start(struct hid_reader *r, const struct hid_layout *l, const uint8_t *report, size_t size)
{
	*r = (struct hid_reader){ .layout = l, .report = report, .size = size };
}

static uint8_t id_of(const struct hid_reader *r)
{ return r->layout->has_ids && r->size ? r->report[0] : 0; }

/* What the report does not reach to is zero. */
static uint32_t bits_get(const struct hid_reader *r, uint32_t at, unsigned size)
{
	uint32_t value = 0;

	at += r->layout->has_ids ? 8 : 0;
	for (unsigned i = 0; i < size; i++, at++)
		if (at / 8 < r->size)
			value |= (uint32_t)(r->report[at / 8] >> at % 8 & 1) << i;
	return value;
}

/* The key that the i-th value of a field names, 0: none. */
static uint8_t key_get(const struct hid_reader *r, const struct hid_field *f, unsigned i)
{
	uint32_t value = bits_get(r, f->at + i * f->size, f->size);
	int64_t usage = (int64_t)value - f->low + f->usage;

	if (!f->is_array)
		usage = value ? (int64_t)f->usage + i : 0;
	return usage >= f->usage && usage <= f->last ? (uint8_t)usage : 0;
}

uint8_t hid_report_next(struct hid_reader *r)
{
	for (; r->field < r->layout->fields; r->field++, r->index = 0) {
		const struct hid_field *f = &r->layout->field[r->field];

		while (f->id == id_of(r) && r->index < f->count) {
			uint8_t usage = key_get(r, f, r->index++);

			if (usage)
				return usage;
		}
	}
	return 0;
}

int hid_report_covers(const struct hid_reader *r, uint8_t usage)
{
	for (const struct hid_field *f = r->layout->field; f < r->layout->field + r->layout->fields; f++)
		if (f->id == id_of(r) && usage >= f->usage && usage <= f->last)
			return 1;
	return 0;
}

size_t hid_lamps(const struct hid_layout *l, unsigned lamps, uint8_t to[33])
{
	uint8_t *bits = to + l->has_ids;

	if (!l->lamp_bytes)
		return 0;
	memset(to, 0, l->lamp_bytes + (size_t)l->has_ids);
	to[0] = l->lamp_id;
	bits[0] = l->has_ids ? bits[0] : 0;
	for (unsigned i = 0; i < HID_LAMPS; i++)
		if (lamps >> i & 1 && l->lamp_bit[i])
			bits[(l->lamp_bit[i] - 1) / 8] |= (uint8_t)(1u << (l->lamp_bit[i] - 1) % 8);
	return l->lamp_bytes + (size_t)l->has_ids;
}
